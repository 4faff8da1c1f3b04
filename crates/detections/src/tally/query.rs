//! Queries of one client for names below one registered domain, in one clock hour.

use super::{Place, Places, RecordPlace, Sample, Sampled, offset_ms};
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::sync::LazyLock;
use watchfire_knowledge::is_publicly_routable;
use watchfire_model::{DnsQuery, Time};

/// Distinct names kept of each tally. Source: detection-methods, section 6b (the 64 smallest hashes).
const NAMES_MAX: usize = 64;
/// Addresses kept of a name's answer.
const ANSWERS_MAX: usize = 4;
/// A shipped number: the state of sketches must not depend on the run.
const NAME_SEED: u64 = 0x444e_5344_4e53_444e;

/// What is summed together: a client and a registered domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryKey {
    /// The clock hour.
    pub hour: i64,
    /// The client's account, region, VPC, and instance if known; as the interface the resolver endpoint that it came
    /// through, if it did: the client is then a host behind it.
    pub place: Place,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The registered domain in lower case without a final dot; the whole name where there is none above it.
    pub domain: Box<str>,
}

impl QueryKey {
    /// Bytes whose order is that of the keys of one hour. `place` is what [`Place::encode`] wrote.
    pub fn encode(place: &[u8], client: Option<IpAddr>, domain: &str, into: &mut Vec<u8>) {
        into.extend_from_slice(place);
        match client {
            None => into.push(0),
            Some(IpAddr::V4(v4)) => {
                into.push(4);
                into.extend_from_slice(&v4.octets());
            }
            Some(IpAddr::V6(v6)) => {
                into.push(6);
                into.extend_from_slice(&v6.octets());
            }
        }
        into.extend_from_slice(domain.as_bytes());
    }

    /// Reads what [`Self::encode`] wrote in this hour. `None` where the bytes are not that.
    pub fn decode(hour: i64, bytes: &[u8], places: &mut Places) -> Option<Self> {
        let (place, rest) = places.read(bytes)?;
        let (family, rest) = rest.split_first()?;
        let (client, domain) = match family {
            0 => (None, rest),
            4 => rest.split_first_chunk::<4>().map(|(octets, rest)| (Some(IpAddr::from(*octets)), rest))?,
            6 => rest.split_first_chunk::<16>().map(|(octets, rest)| (Some(IpAddr::from(*octets)), rest))?,
            _ => return None,
        };
        Some(Self { hour, place, client, domain: std::str::from_utf8(domain).ok()?.into() })
    }
}

/// Types of queries that tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// Text.
    Txt,
    /// NULL, which nothing but tunnels asks for.
    Null,
    /// An alias.
    Cname,
    /// A mail server.
    Mx,
    /// A service.
    Srv,
    /// Any other.
    Other,
}

impl QueryType {
    fn of(name: &str) -> Self {
        match name {
            "A" => Self::A,
            "AAAA" => Self::Aaaa,
            "TXT" => Self::Txt,
            "NULL" => Self::Null,
            "CNAME" => Self::Cname,
            "MX" => Self::Mx,
            "SRV" => Self::Srv,
            _ => Self::Other,
        }
    }
}

/// The sums of one [`QueryKey`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryTally {
    /// Queries.
    pub queries: u32,
    /// Queries answered NXDOMAIN.
    pub nx: u32,
    /// Queries answered with any other error.
    pub failed: u32,
    /// Queries answered with something.
    pub answered: u32,
    /// Queries that DNS Firewall blocked.
    pub blocked: u32,
    /// Queries over TCP.
    pub tcp: u32,
    /// Queries by type, in the order of [`QueryType`].
    pub by_type: [u32; 8],
    /// Bytes of the answers as logged.
    pub answer_bytes: u64,
    /// The first and the last query, in milliseconds of the hour.
    pub first: u32,
    /// See `first`.
    pub last: u32,
    /// The distinct names: all if they are few, else a sample.
    pub names: Sample<SubName, NAMES_MAX>,
}

/// One name that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubName {
    hash: u64,
    /// The whole name, lower case, without a final dot, at most 253 characters.
    pub name: Box<str>,
    /// Queries for it.
    pub queries: u32,
    /// Whether a query was answered NXDOMAIN.
    pub nx: bool,
    /// The first query, in milliseconds of the hour.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// When it led to the internet: the answers were addresses that can be reached from anywhere, and no others.
    pub public: Option<Answered>,
    /// When an answer held an address that the internet cannot route to, such as a private one.
    pub inside: Option<Box<Answered>>,
    /// Where the first query stands.
    pub place: RecordPlace,
}

/// Queries of type A or AAAA that were answered with addresses of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The first such query, in milliseconds of the hour.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// The addresses that the first was answered with, at most four, in order.
    pub addresses: Vec<IpAddr>,
    /// Where the first stands.
    pub place: RecordPlace,
    /// Where the last stands.
    pub last_place: RecordPlace,
}

impl Answered {
    fn merge(&mut self, other: Self) {
        if (other.first, &other.addresses, other.place) < (self.first, &self.addresses, self.place) {
            (self.first, self.addresses, self.place) = (other.first, other.addresses, other.place);
        }
        (self.last, self.last_place) = (self.last, self.last_place).max((other.last, other.last_place));
    }

    /// Takes in a query; `addresses` reads those of its answer.
    fn add(known: Option<Self>, at: u32, place: RecordPlace, addresses: impl FnOnce() -> Vec<IpAddr>) -> Self {
        let one = |addresses| Self { first: at, last: at, addresses, place, last_place: place };
        match known {
            // The usual case: records come in order, and answers are parsed for the first alone.
            Some(mut known) if at > known.first => {
                (known.last, known.last_place) = (known.last, known.last_place).max((at, place));
                known
            }
            Some(mut known) => {
                known.merge(one(addresses()));
                known
            }
            None => one(addresses()),
        }
    }
}

impl Sampled for SubName {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn merge(&mut self, other: Self) {
        self.queries = self.queries.saturating_add(other.queries);
        self.nx |= other.nx;
        self.last = self.last.max(other.last);
        (self.first, self.place) = (self.first, self.place).min((other.first, other.place));
        if let Some(theirs) = other.public {
            match &mut self.public {
                Some(ours) => ours.merge(theirs),
                ours => *ours = Some(theirs),
            }
        }
        if let Some(theirs) = other.inside {
            match &mut self.inside {
                Some(ours) => ours.merge(*theirs),
                ours => *ours = Some(theirs),
            }
        }
    }
}

impl SubName {
    /// The part below the domain: `a.b` of `a.b.example.com`; empty for the domain itself.
    pub fn below<'n>(&'n self, domain: &str) -> &'n str {
        self.name.strip_suffix(domain).map_or("", |below| below.strip_suffix('.').unwrap_or(below))
    }

    /// The addresses of the first answers of either kind.
    pub fn answers(&self) -> impl Iterator<Item = IpAddr> {
        let inside = self.inside.as_deref().into_iter();
        self.public.as_ref().into_iter().chain(inside).flat_map(|answered| answered.addresses.iter().copied())
    }

    fn answer(&mut self, query: &DnsQuery<'_>, at: u32, place: RecordPlace) {
        match reach(query) {
            Some(Reach::Public) => {
                self.public = Some(Answered::add(self.public.take(), at, place, || addresses(query)));
            }
            Some(Reach::Inside) => {
                let known = self.inside.take().map(|known| *known);
                self.inside = Some(Box::new(Answered::add(known, at, place, || addresses(query))));
            }
            None => {}
        }
    }
}

impl QueryTally {
    /// Takes in a query for this name (lower case, without a final dot). On the hot path.
    pub fn add(&mut self, query: &DnsQuery<'_>, name: &str, hour: i64, place: RecordPlace) {
        let at = offset_ms(query.time.ms(), hour.saturating_mul(Time::HOUR_MS));
        self.first = if self.queries == 0 { at } else { self.first.min(at) };
        self.last = self.last.max(at);
        self.queries += 1;
        let is_nx = query.rcode == "NXDOMAIN";
        let has_answer = query.answers.len() > 2;
        self.nx += u32::from(is_nx);
        self.failed += u32::from(!is_nx && query.rcode != "NOERROR");
        self.answered += u32::from(has_answer);
        self.blocked += u32::from(query.is_blocked());
        self.tcp += u32::from(query.transport == "TCP");
        self.by_type[QueryType::of(&query.query_type) as usize] += 1;
        self.answer_bytes += query.answers.len() as u64;
        self.add_name(query, name, at, place);
    }

    fn add_name(&mut self, query: &DnsQuery<'_>, name: &str, at: u32, place: RecordPlace) {
        let hash = name_hash(name);
        if self.names.is_out_of_reach(hash) {
            return;
        }
        let nx = query.rcode == "NXDOMAIN";
        if let Some(known) = self.names.get_mut(hash) {
            known.queries = known.queries.saturating_add(1);
            known.nx |= nx;
            known.last = known.last.max(at);
            (known.first, known.place) = (known.first, known.place).min((at, place));
            known.answer(query, at, place);
        } else if self.names.has_room_for(hash) {
            let name = Box::from(name);
            let (public, inside) = (None, None);
            let mut known = SubName { hash, name, queries: 1, nx, first: at, last: at, public, inside, place };
            known.answer(query, at, place);
            self.names.insert(known);
        } else {
            self.names.pass_over();
        }
    }

    /// Takes in what another part summed.
    pub fn merge(&mut self, other: Self) {
        self.first = match (self.queries, other.queries) {
            (0, _) => other.first,
            (_, 0) => self.first,
            _ => self.first.min(other.first),
        };
        self.last = self.last.max(other.last);
        self.queries = self.queries.saturating_add(other.queries);
        self.nx = self.nx.saturating_add(other.nx);
        self.failed = self.failed.saturating_add(other.failed);
        self.answered = self.answered.saturating_add(other.answered);
        self.blocked = self.blocked.saturating_add(other.blocked);
        self.tcp = self.tcp.saturating_add(other.tcp);
        for (ours, theirs) in self.by_type.iter_mut().zip(other.by_type) {
            *ours = ours.saturating_add(theirs);
        }
        self.answer_bytes = self.answer_bytes.saturating_add(other.answer_bytes);
        self.names.merge(other.names);
    }

    /// Puts the names in order, once all queries were taken in.
    pub fn settle(&mut self) {
        self.names.settle();
    }

    /// Shows where each name's records stand, to be changed.
    pub fn each_place(&mut self, mut change: impl FnMut(&mut RecordPlace)) {
        self.names.each_mut(|name| {
            change(&mut name.place);
            for answered in name.public.iter_mut().chain(name.inside.as_deref_mut()) {
                change(&mut answered.place);
                change(&mut answered.last_place);
            }
        });
    }

    /// How many distinct names there were, estimated where there were more than 64.
    pub fn name_count(&self) -> u64 {
        self.names.distinct(u64::MAX)
    }

    /// Queries of this type.
    pub fn of_type(&self, query_type: QueryType) -> u32 {
        self.by_type[query_type as usize]
    }

    /// The moment of an offset in this hour.
    pub fn moment(hour: i64, offset: u32) -> Time {
        Time::from_ms(hour.saturating_mul(Time::HOUR_MS).saturating_add(i64::from(offset)))
    }
}

/// Where an answer leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Inside,
}

/// Where the answer of a query for addresses leads; `None` where it holds none. On the hot path: without a parser for the
/// form that AWS writes, as [`DnsQuery::answer_addresses`].
fn reach(query: &DnsQuery<'_>) -> Option<Reach> {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"Rdata\":\""));
    if query.answers.len() <= 2 || !matches!(&*query.query_type, "A" | "AAAA") {
        return None;
    }
    let kind = |address: IpAddr| if is_publicly_routable(address) { Reach::Public } else { Reach::Inside };
    let merge = |sum: Option<Reach>, one: Reach| Some(if sum == Some(Reach::Inside) { Reach::Inside } else { one });
    let (text, length) = (query.answers, KEY.needle().len());
    let mut values = KEY.find_iter(text.as_bytes()).filter_map(|at| text.get(at + length..)).peekable();
    if values.peek().is_none() {
        return query.answer_addresses().into_iter().map(kind).fold(None, merge);
    }
    // What begins with a letter that is no hexadecimal digit is a name.
    let may_be_address = |rest: &&str| rest.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':');
    let addresses = values.filter(may_be_address).filter_map(|rest| rest.split('"').next()?.parse().ok());
    addresses.map(kind).fold(None, merge)
}

/// The addresses that a query was answered with: the first few in order, whatever order the answer had.
fn addresses(query: &DnsQuery<'_>) -> Vec<IpAddr> {
    if query.answers.len() <= 2 {
        return Vec::new();
    }
    let mut addresses = query.answer_addresses();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ANSWERS_MAX);
    addresses
}

fn name_hash(name: &str) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(NAME_SEED).build_hasher();
    hasher.write(name.as_bytes());
    hasher.finish()
}
