//! What two simple methods would have said of the same records, to compare with.
//!
//! *First seen* alerts on every first (principal, API), (host, direction, port) and (host, domain). *Static threshold* is
//! the handful of rules that many a log search is set up with. Both say nothing in the first week, and the same thing
//! about the same entity once a day at most.

use super::estate::Estate;
use super::hosts::{Connection, Peer, Query, Traffic};
use super::people::{Call, day_of};
use std::collections::{BTreeMap, BTreeSet};

/// Days in which nothing is said.
const LEARNS_DAYS: i64 = 7;

// The static thresholds, in an hour. Source: our choice, after rules that come with log searches; they are here to
// compare with, and not for use.
const APIS: usize = 20;
const DENIED: usize = 10;
const DATA_CALLS: usize = 100;
const TARGETS: usize = 100;
const LOGINS: u64 = 20;
const BYTES: u64 = 1 << 30;
const UNKNOWN_NAMES: usize = 100;
const NAMES_OF_A_DOMAIN: usize = 200;

/// What a method said.
#[derive(Default)]
pub(crate) struct Said {
    /// Attacks about which it said something.
    pub(crate) found: BTreeSet<usize>,
    /// What it said that no attack explains: of calls, flows and queries.
    pub(crate) false_alarms: [u64; 3],
}

impl Said {
    fn say(&mut self, sight: usize, attack: Option<usize>) {
        match attack {
            Some(attack) => {
                self.found.insert(attack);
            }
            None => self.false_alarms[sight] += 1,
        }
    }
}

/// Both methods, fed day by day.
#[derive(Default)]
pub(crate) struct Baselines {
    pub(crate) first_seen: Said,
    pub(crate) static_threshold: Said,
    calls: BTreeSet<(String, &'static str)>,
    ports: BTreeSet<(usize, bool, u8, u16)>,
    domains: BTreeSet<(usize, String)>,
    /// (rule, entity, day) of what the static thresholds said already; an attack counts for itself.
    said: BTreeSet<(u8, u64, i64, Option<usize>)>,
}

impl Baselines {
    /// One day of records.
    pub(crate) fn day(&mut self, estate: &Estate, day: i64, calls: &[Call], traffic: &Traffic) {
        let has_learnt = day >= LEARNS_DAYS;
        self.first(estate, calls, traffic, has_learnt);
        if has_learnt {
            self.over_thresholds(estate, calls, traffic);
        }
    }

    fn first(&mut self, estate: &Estate, calls: &[Call], traffic: &Traffic, has_learnt: bool) {
        let mut order: Vec<&Call> = calls.iter().collect();
        order.sort_by_key(|call| call.second);
        for call in order {
            let principal = &estate.principals[call.principal];
            let who = if principal.is_user() {
                principal.name.clone()
            } else {
                format!("{}/{}", principal.name, principal.session)
            };
            if self.calls.insert((who, call.api)) && has_learnt {
                self.first_seen.say(0, call.attack);
            }
        }
        let mut order: Vec<&Connection> = traffic.connections.iter().collect();
        order.sort_by_key(|connection| connection.second);
        for connection in order {
            let key = (connection.host, connection.is_outgoing, connection.protocol, connection.port);
            if self.ports.insert(key) && has_learnt {
                self.first_seen.say(1, connection.attack);
            }
        }
        let mut order: Vec<&Query> = traffic.queries.iter().collect();
        order.sort_by_key(|query| query.second);
        for query in order {
            if self.domains.insert((query.host, domain(&query.name).to_owned())) && has_learnt {
                self.first_seen.say(2, query.attack);
            }
        }
    }

    fn over_thresholds(&mut self, estate: &Estate, calls: &[Call], traffic: &Traffic) {
        let hour = |second: i64| second.div_euclid(3_600);
        let mut by_caller: BTreeMap<(usize, i64), Vec<&Call>> = BTreeMap::new();
        calls.iter().for_each(|call| by_caller.entry((call.principal, hour(call.second))).or_default().push(call));
        for ((principal, hour), calls) in by_caller {
            let apis: BTreeSet<&str> = calls.iter().map(|call| call.api).collect();
            let denied = calls.iter().filter(|call| call.error == "AccessDenied").count();
            let data = calls.iter().filter(|call| call.api.ends_with("Object")).count();
            let attack = calls.iter().find_map(|call| call.attack);
            let day = day_of(hour * 3_600, estate);
            for (rule, fires) in [(0, apis.len() >= APIS), (1, denied >= DENIED), (2, data >= DATA_CALLS)] {
                if fires {
                    self.over(0, (rule, principal as u64, day, attack));
                }
            }
        }
        let mut by_host: BTreeMap<(usize, i64), Vec<&Connection>> = BTreeMap::new();
        for connection in &traffic.connections {
            by_host.entry((connection.host, hour(connection.second))).or_default().push(connection);
        }
        for ((host, hour), connections) in by_host {
            let day = day_of(hour * 3_600, estate);
            let outgoing = || connections.iter().filter(|connection| connection.is_outgoing);
            let targets: BTreeSet<(Peer, u16)> =
                outgoing().map(|connection| (connection.peer, connection.port)).collect();
            if targets.len() >= TARGETS {
                self.over(1, (3, host as u64, day, outgoing().find_map(|connection| connection.attack)));
            }
            let mut logins: BTreeMap<(Peer, u16), (u64, Option<usize>)> = BTreeMap::new();
            let mut bytes: BTreeMap<Peer, (u64, Option<usize>)> = BTreeMap::new();
            for connection in &connections {
                if [22, 3_389, 5_985].contains(&connection.port) {
                    let sum = logins.entry((connection.peer, connection.port)).or_default();
                    *sum = (sum.0 + 1, sum.1.or(connection.attack));
                }
                if connection.is_outgoing && matches!(connection.peer, Peer::Address(_)) {
                    let sum = bytes.entry(connection.peer).or_default();
                    *sum = (sum.0 + connection.bytes.0, sum.1.or(connection.attack));
                }
            }
            for (count, attack) in logins.into_values() {
                if count >= LOGINS {
                    self.over(1, (4, host as u64, day, attack));
                }
            }
            for (sum, attack) in bytes.into_values() {
                if sum >= BYTES {
                    self.over(1, (5, host as u64, day, attack));
                }
            }
        }
        let mut by_host: BTreeMap<(usize, i64), Vec<&Query>> = BTreeMap::new();
        traffic
            .queries
            .iter()
            .for_each(|query| by_host.entry((query.host, hour(query.second))).or_default().push(query));
        for ((host, hour), queries) in by_host {
            let day = day_of(hour * 3_600, estate);
            let unknown: Vec<&&Query> = queries.iter().filter(|query| query.code == "NXDOMAIN").collect();
            if unknown.len() >= UNKNOWN_NAMES {
                self.over(2, (6, host as u64, day, unknown.iter().find_map(|query| query.attack)));
            }
            let mut names: BTreeMap<&str, (BTreeSet<&str>, Option<usize>)> = BTreeMap::new();
            for query in &queries {
                let entry = names.entry(domain(&query.name)).or_default();
                entry.0.insert(&query.name);
                entry.1 = entry.1.or(query.attack);
            }
            for (names, attack) in names.into_values() {
                if names.len() >= NAMES_OF_A_DOMAIN {
                    self.over(2, (7, host as u64, day, attack));
                }
            }
        }
    }

    fn over(&mut self, sight: usize, key: (u8, u64, i64, Option<usize>)) {
        if self.said.insert(key) {
            self.static_threshold.say(sight, key.3);
        }
    }
}

/// The last two labels: near enough to what somebody registered.
fn domain(name: &str) -> &str {
    let dot = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    &name[dot..]
}
