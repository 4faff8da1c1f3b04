//! One access token is used from several places at once.

use crate::shared::calls::caller::{Caller, Network};
use crate::shared::calls::explain::{access_key, action, severity};
use crate::shared::calls::places;
use crate::shared::calls::session::{SessionKey, Step};
use crate::shared::calls::text::shared;
use crate::tally::{CallTally, CallTallyKey, Client};
use crate::{Behaviour, Detection, Interest, Need, Rule, Scene, Threshold, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use watchfire_model::{Action, FindingType, Resource, ResourceKind, ResourceRole, Signal, Time};

const TOKEN: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/TokenFromSeveralPlaces.Watchfire");

/// How far apart two uses may be to count as at the same time.
pub(crate) static GAP_MINUTES: Threshold = Threshold {
    key: "iam_user.token_from_several_places.gap_minutes",
    default: 5.0,
    min: 0.0,
    max: 60.0,
    unit: "minutes",
    source: "our choice: nobody returns from another network within minutes by travelling",
    summary: "A token that is used from A, then from B and again from A, with pauses no longer than this, is in two places.",
};

/// Tokens remembered from one hour to the next.
const TOKENS_MAX: usize = 100_000;
/// Uses remembered of one token.
const USES_MAX: usize = 64;
/// Temporary credentials have this prefix. Source: IAM's documentation of unique identifiers.
const TEMPORARY: &str = "ASIA";
const STATE_VERSION: u64 = 2;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[TOKEN],
    summary: "One temporary access token was used from several networks at the same time.",
    listens: &[Interest::CallTallies],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(TokenFromSeveralPlaces::default())),
};

/// Uses of temporary tokens: of this hour, and of the last minutes of the hour before.
#[derive(Default, Serialize, Deserialize)]
struct TokenFromSeveralPlaces {
    tokens: BTreeMap<String, Token>,
    evicted: u64,
    /// Uses by one client in a row, not looked up yet.
    #[serde(skip)]
    run: Option<(Client, Arc<Caller>, Vec<Use>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Token {
    #[serde(with = "shared")]
    caller: Arc<Caller>,
    uses: Vec<Use>,
    /// Networks that were reported together.
    reported: BTreeSet<String>,
}

/// Calls of one API from one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Use {
    #[serde(with = "shared")]
    network: Arc<Network>,
    step: Step,
    /// When, to the minute; the first and the last exactly.
    moments: Vec<Time>,
}

/// Evidence: the uses of one temporary token from two networks overlap: from A, from B, and again from A, without a pause
/// of more than a few minutes in between. Somebody who moves from an office to a train leaves the first network; a copied
/// session is used in both.
///
/// Networks are autonomous systems; without a database of them, address space of 65,536 addresses (`/16`; `/32` of IPv6),
/// and then IPv4 and IPv6 of one host look like two places, so that only places of one family are compared. A network
/// that the principal used on two earlier days, or that three others use, is a place of its own: a VPN, an office, a
/// gateway with several ways out. Long-lived keys are not judged: they are copied to many machines on purpose. Neither are
/// tokens of instances, which have a type of their own.
///
/// False positives: a laptop that switches a VPN on and off during a long command, in its first days; a browser with a
/// proxy of which only some requests make use; a build that runs on several hosts with one assumed role.
impl Behaviour for TokenFromSeveralPlaces {
    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        if !key.client.access_key_id.starts_with(TEMPORARY) || key.is_instance_role {
            return;
        }
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        // An instance's session, where its credentials do not say so, and what a gateway in a VPC does for others.
        if session.session.starts_with("i-") || &*session.network.name == "private" || !key.vpc_endpoint.is_empty() {
            return;
        }
        let one = Use { network: Arc::clone(&session.network), step: Step::of(key, tally), moments: tally.moments() };
        match &mut self.run {
            Some((client, _, uses)) if *client == key.client => uses.push(one),
            _ => {
                self.end_run();
                self.run = Some((key.client.clone(), Arc::clone(&session.caller), vec![one]));
            }
        }
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.end_run();
        if end.ms() % Time::HOUR_MS != 0 {
            return;
        }
        let gap_ms = (scene.thresholds.get(&GAP_MINUTES) * 60_000.0) as i64;
        for (id, token) in &mut self.tokens {
            // In one place, as nearly all are, their order does not matter.
            if !token.is_in_one_place() || token.uses.len() > USES_MAX {
                token.uses.sort_by(|one, other| {
                    (one.step.first, &one.network, &one.step.token).cmp(&(
                        other.step.first,
                        &other.network,
                        &other.step.token,
                    ))
                });
            }
            if let Some(pair) = token.in_two_places(gap_ms, scene) {
                let verdict = verdict(id, token, &pair, scene);
                scene.verdicts.extend(verdict);
                token.reported.extend([pair.home, pair.away]);
            }
            token.uses.retain(|one| end.ms() - one.step.last.ms() <= gap_ms.max(Time::MINUTE_MS) * 2);
            let surplus = token.uses.len().saturating_sub(USES_MAX);
            token.uses.drain(..surplus);
        }
        self.tokens.retain(|_, token| !token.uses.is_empty());
        while self.tokens.len() > TOKENS_MAX {
            self.tokens.pop_first();
            self.evicted += 1;
        }
    }

    fn expire(&mut self, _: Time) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let uses: usize = self.tokens.values().map(|token| token.uses.len()).sum();
        (self.tokens.len() as u64, (self.tokens.len() * 300 + uses * 900) as u64)
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({ "version": STATE_VERSION, "state": self })
    }

    fn load(&mut self, mut saved: serde_json::Value) -> Result<(), String> {
        if saved["version"] != STATE_VERSION {
            return Err(format!("the state of tokens has version {}, not {STATE_VERSION}", saved["version"]));
        }
        *self = serde_json::from_value(saved["state"].take())
            .map_err(|cause| format!("the state of tokens cannot be read: {cause}"))?;
        Ok(())
    }
}

impl TokenFromSeveralPlaces {
    /// Adds the uses in a row to those of their token.
    fn end_run(&mut self) {
        let Some((client, caller, mut uses)) = self.run.take() else { return };
        match self.tokens.get_mut(&*client.access_key_id) {
            Some(token) => token.uses.append(&mut uses),
            None => {
                let token = Token { caller, uses, reported: BTreeSet::new() };
                self.tokens.insert(client.access_key_id.to_string(), token);
            }
        }
    }
}

/// Two networks that a token was used from at once.
struct Pair {
    /// The one that was used first, and again after the other.
    home: String,
    away: String,
    /// When the other was used, between the two uses of the first: last before, first there, next after.
    moments: [Time; 3],
}

impl Token {
    fn is_in_one_place(&self) -> bool {
        self.uses.windows(2).all(|pair| pair[0].network == pair[1].network)
    }

    /// The earliest pair of networks that were used in turns, with no longer pauses than `gap_ms`.
    fn in_two_places(&self, gap_ms: i64, scene: &Scene<'_>) -> Option<Pair> {
        if self.is_in_one_place() {
            return None;
        }
        let networks: BTreeSet<&Network> = self.uses.iter().map(|one| &*one.network).collect();
        if networks.len() < 2 {
            return None;
        }
        let at = self.uses.first()?.step.first;
        let news: Vec<&Network> = networks
            .iter()
            .copied()
            .filter(|network| places::known_because(&self.caller, network, at, scene).is_none())
            .collect();
        let mut pairs: Vec<Pair> = Vec::new();
        for away in &news {
            for home in networks.iter().filter(|home| home.name != away.name && are_comparable(home, away)) {
                let is_reported = self.reported.contains(&*home.name) && self.reported.contains(&*away.name);
                if let Some(moments) = self.turns(home, away, gap_ms).filter(|_| !is_reported) {
                    pairs.push(Pair { home: home.name.to_string(), away: away.name.to_string(), moments });
                }
            }
        }
        pairs.into_iter().min_by(|one, other| (one.moments, &one.away).cmp(&(other.moments, &other.away)))
    }

    /// Last use at home before, first use away, first use at home after. Between the first and the last call of a tally its
    /// minutes count, each from its beginning, so that a pause may be a minute longer than it seems.
    fn turns(&self, home: &Network, away: &Network, gap_ms: i64) -> Option<[Time; 3]> {
        let moments = |network: &Network| {
            let of = self.uses.iter().filter(|one| *one.network == *network);
            let mut moments: Vec<Time> = of.flat_map(|one| one.moments.iter().copied()).collect();
            moments.sort_unstable();
            moments
        };
        let (at_home, abroad) = (moments(home), moments(away));
        abroad.iter().find_map(|&there| {
            let before = at_home.iter().copied().rfind(|&moment| moment < there)?;
            let after = at_home.iter().copied().find(|&moment| moment > there)?;
            let is_near = there.ms() - before.ms() <= gap_ms && after.ms() - there.ms() <= gap_ms;
            is_near.then_some([before, there, after])
        })
    }
}

/// Whether two networks can be told apart as places: both autonomous systems, or both pieces of one address family.
fn are_comparable(one: &Network, other: &Network) -> bool {
    let is_v6 = |network: &Network| network.name.contains(':');
    let by_system = one.is_autonomous_system() && other.is_autonomous_system();
    by_system || is_v6(one) == is_v6(other)
}

fn verdict(id: &str, token: &Token, pair: &Pair, scene: &Scene<'_>) -> Option<Verdict> {
    let uses = |name: &str| token.uses.iter().filter(|one| &*one.network.name == name).collect::<Vec<_>>();
    let (home, away) = (uses(&pair.home), uses(&pair.away));
    let (first_home, first_away) = (home.first()?, away.first()?);
    let name = token.caller.short_name();
    let mut signal = Signal::new(TOKEN, severity(TOKEN), token.caller.principal.to_string());
    signal.account = token.caller.account.to_string();
    signal.region = first_away.step.shown.region.to_string();
    signal.role = Some(ResourceRole::Target);
    signal.resource = Resource {
        kind: ResourceKind::AccessKey,
        access_key: Some(access_key(&first_away.step)),
        ..Resource::default()
    };
    signal.action = Action::ApiCall(action(&first_away.step, "", &scene.context));
    signal.title = format!("One access token of `{name}` is used from several places at once.");
    signal.description = format!(
        "The temporary token {id} of `{name}` was used from {} and from {} at the same time. Somebody may have copied it.",
        first_home.step.shown.address, first_away.step.shown.address
    );
    let [before, there, after] = pair.moments;
    signal.reasons = vec![
        format!(
            "{id} was used from {} ({}) at {before}, from {} ({}) at {there}, and from the first again at {after}: {} and {} \
             seconds apart, the limit is {} minutes.",
            first_home.step.shown.address,
            shown(&first_home.network),
            first_away.step.shown.address,
            shown(&first_away.network),
            (there.ms() - before.ms()) / 1_000,
            (after.ms() - there.ms()) / 1_000,
            scene.thresholds.get(&GAP_MINUTES)
        ),
        format!("From {}: {}. From {}: {}.", pair.home, apis(&home), pair.away, apis(&away)),
        format!(
            "`{name}` did not use {} on {} earlier days, and fewer than {} others use it.",
            pair.away,
            places::HABIT_DAYS,
            places::SHARED_BY
        ),
    ];
    if !first_away.network.is_autonomous_system() {
        signal.missing.push(
            "Which autonomous systems the addresses belong to is not known: no database of them was given (--geoip)."
                .to_owned(),
        );
    }
    signal.consulted = vec!["baseline".to_owned()];
    let mut records: Vec<_> = home.iter().chain(&away).map(|one| (one.step.first, one.step.place)).collect();
    records.sort_unstable();
    records.truncate(8);
    let steps = home.iter().chain(&away).map(|one| &one.step);
    Some(Verdict {
        signal,
        begin: before,
        end: steps.clone().map(|step| step.last).max().unwrap_or(after),
        records,
        record_count: steps.map(|step| step.calls).sum(),
    })
}

fn shown(network: &Network) -> String {
    let parts = [network.name.as_str(), network.organisation.as_str(), network.country.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn apis(uses: &[&Use]) -> String {
    let mut tokens: Vec<String> = uses.iter().map(|one| format!("{} ({}×)", one.step.token, one.step.calls)).collect();
    let more = tokens.len().saturating_sub(8);
    tokens.truncate(8);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", tokens.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::calls::testing::{CallLine, call, log};
    use crate::testing::verdicts;
    use watchfire_knowledge::Knowledge;

    const OFFICE: &str = "198.51.100.7";
    const ELSEWHERE: &str = "203.0.113.99";

    fn found(calls: &[CallLine]) -> Vec<Verdict> {
        let log = log(calls).replace("AKIA", "ASIA");
        verdicts(&DETECTION, &Knowledge::default(), &[&log])
    }

    fn at(address: &str, minute: i64) -> CallLine {
        call("ec2:DescribeInstances").from(address).at(0, minute)
    }

    #[test]
    fn a_token_in_two_places_at_once_fires() {
        let found = found(&[at(OFFICE, 600), at(ELSEWHERE, 603), at(OFFICE, 605)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].signal.reasons[0].contains("180 and 120 seconds apart, the limit is 5 minutes"));
        assert_eq!(found[0].record_count, 3);
    }

    /// A program that makes one call all the hour long, and a thief who makes the same one in the middle of it.
    #[test]
    fn a_use_amid_many_of_one_call_fires() {
        let steady = (0..20).map(|at| self::at(OFFICE, 601 + 2 * at));
        let stolen = (0..3).map(|at| self::at(ELSEWHERE, 612 + 3 * at));
        assert_eq!(found(&steady.chain(stolen).collect::<Vec<_>>()).len(), 1);
        let before_and_after = [at(OFFICE, 601), at(OFFICE, 605), at(ELSEWHERE, 620), at(OFFICE, 640), at(OFFICE, 644)];
        assert!(found(&before_and_after).is_empty());
    }

    #[test]
    fn the_turn_of_the_hour_hides_nothing() {
        assert_eq!(found(&[at(OFFICE, 656), at(ELSEWHERE, 659), at(OFFICE, 661)]).len(), 1);
    }

    #[test]
    fn who_moves_on_stays_quiet() {
        assert!(found(&[at(OFFICE, 600), at(OFFICE, 602), at(ELSEWHERE, 604), at(ELSEWHERE, 606)]).is_empty());
        assert!(found(&[at(OFFICE, 600), at(ELSEWHERE, 610), at(OFFICE, 620)]).is_empty());
    }

    #[test]
    fn a_long_lived_key_stays_quiet() {
        let calls = [at(OFFICE, 600), at(ELSEWHERE, 603), at(OFFICE, 605)];
        assert!(verdicts(&DETECTION, &Knowledge::default(), &[&log(&calls)]).is_empty());
    }

    #[test]
    fn two_addresses_of_one_network_stay_quiet() {
        assert!(found(&[at(OFFICE, 600), at("198.51.100.8", 603), at(OFFICE, 605)]).is_empty());
    }

    #[test]
    fn it_goes_on_where_it_was_saved() {
        let mut behaviour = TokenFromSeveralPlaces::default();
        let lines = log(&[at(OFFICE, 656), at(ELSEWHERE, 659)]).replace("AKIA", "ASIA");
        crate::testing::show(&mut behaviour, &Knowledge::default(), &[&lines]);
        let mut restored = TokenFromSeveralPlaces::default();
        restored.load(behaviour.save()).unwrap();
        assert_eq!((restored.tokens.len(), restored.save()), (1, behaviour.save()));
        assert!(restored.load(serde_json::json!({"version": 7})).is_err());
    }
}
