//! Sessions: what one caller did from one place with one program, without a long pause.

use super::caller::{self, Caller, Network, Outcome};
use super::risk::plain_name;
use crate::Context;
use crate::tally::{CallTally, CallTallyKey, RecordPlace};
use serde::{Deserialize, Serialize};
use watchfire_model::Time;

/// A pause as long as this ends a session. Source: the design's measurements, after usual practice for web sessions.
pub(crate) const IDLE_GAP_MS: i64 = 15 * Time::MINUTE_MS;
/// A session is cut after this, so that a caller who never pauses is judged too. Source: as above.
pub(crate) const SESSION_MAX_MS: i64 = 60 * Time::MINUTE_MS;

/// What tells sessions apart: a thief with the owner's key is another session than the owner in the same hour, because
/// network or program differ. Without this the owner's usual calls would hide the thief's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    /// Whose credentials.
    pub(crate) caller: Caller,
    /// Which of its sessions or keys.
    pub(crate) session: String,
    /// From where.
    pub(crate) network: Network,
    /// With which program.
    pub(crate) agent: String,
}

/// One API with one outcome in a session: all its calls.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// `service:API:outcome`: what habits are made of.
    pub(crate) token: String,
    /// `eventSource`.
    pub(crate) source: String,
    /// `eventName` as it stands in the event.
    pub(crate) name: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// `errorCode` of the earliest.
    pub(crate) error_code: String,
    /// Calls.
    pub(crate) calls: u64,
    /// The first call and the last.
    pub(crate) first: Time,
    /// See `first`.
    pub(crate) last: Time,
    /// Decides among first calls of one moment.
    first_id: Id,
    /// Where the first stands.
    pub(crate) place: RecordPlace,
    /// The regions it was called in, without those of global services; sorted.
    pub(crate) regions: Vec<String>,
    /// The buckets it was called on; sorted.
    pub(crate) buckets: Vec<String>,
    /// What the first call says of itself.
    pub(crate) shown: Shown,
}

/// An event's identity. Saved as text: JSON's numbers end long before 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Id(u128);

/// Parts of a call that a finding shows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// `awsRegion`.
    pub(crate) region: String,
    /// `sourceIPAddress`.
    pub(crate) address: String,
    /// `userAgent`.
    pub(crate) user_agent: String,
    /// `accessKeyId`.
    pub(crate) access_key_id: String,
    /// `principalId`.
    pub(crate) principal_id: String,
    /// The user's name, or the role's.
    pub(crate) user_name: String,
    /// `userIdentity.type`.
    pub(crate) user_type: String,
    /// `userIdentity.accountId`.
    pub(crate) identity_account: String,
}

/// Regions and buckets noted of one step.
const NAMES_MAX: usize = 20;

impl SessionKey {
    /// The session that these calls belong to; `None` if nobody's credentials were used.
    pub(crate) fn of(key: &CallTallyKey, context: &Context<'_>) -> Option<Self> {
        let ip = key.source_ip()?;
        if !caller::proves_credentials(key) {
            return None;
        }
        Some(Self {
            caller: Caller::of(key)?,
            session: caller::session_name(key),
            network: Network::of(ip, context),
            agent: caller::agent_family(key),
        })
    }
}

/// `service:Api:outcome`.
fn token(service: &str, api: &str, outcome: Outcome) -> String {
    format!("{service}:{api}:{}", outcome.words())
}

impl Step {
    /// The step that these calls are.
    pub(crate) fn of(key: &CallTallyKey, tally: &CallTally) -> Self {
        let outcome = Outcome::of(&key.error_code);
        Self {
            token: token(key.service(), plain_name(&key.name), outcome),
            source: key.source.to_string(),
            name: key.name.to_string(),
            outcome,
            error_code: key.error_code.to_string(),
            calls: tally.calls,
            first: tally.first,
            last: tally.last,
            first_id: Id(tally.first_id),
            place: tally.place,
            regions: caller::region(key).map(str::to_owned).into_iter().collect(),
            buckets: if key.bucket.is_empty() { Vec::new() } else { vec![key.bucket.to_string()] },
            shown: Shown {
                region: key.region.to_string(),
                address: key.source_address.to_string(),
                user_agent: key.user_agent.to_string(),
                access_key_id: key.access_key_id.to_string(),
                principal_id: key.principal_id.to_string(),
                user_name: display_name(key),
                user_type: key.identity_type.to_string(),
                identity_account: key.identity_account.to_string(),
            },
        }
    }

    /// The token of the same API with this outcome.
    pub(crate) fn token_of(&self, outcome: Outcome) -> String {
        token(self.service(), self.api(), outcome)
    }

    /// The service's short name.
    pub(crate) fn service(&self) -> &str {
        self.token.split(':').next().unwrap_or_default()
    }

    /// The API's name, without a version.
    pub(crate) fn api(&self) -> &str {
        self.token.split(':').nth(1).unwrap_or_default()
    }

    /// Takes in further calls of the same token. What the earlier call says is shown.
    pub(crate) fn merge(&mut self, other: Self) {
        debug_assert_eq!(self.token, other.token);
        let rank = |step: &Self| (step.first, step.first_id, step.place);
        let (mut earlier, later) =
            if rank(self) <= rank(&other) { (self.clone(), other) } else { (other, self.clone()) };
        earlier.calls = earlier.calls.saturating_add(later.calls);
        earlier.last = earlier.last.max(later.last);
        add_names(&mut earlier.regions, later.regions);
        add_names(&mut earlier.buckets, later.buckets);
        *self = earlier;
    }
}

fn add_names(names: &mut Vec<String>, more: Vec<String>) {
    names.extend(more);
    names.sort_unstable();
    names.dedup();
    names.truncate(NAMES_MAX);
}

/// Cuts what one caller did in an hour into sessions, in order of time. `begun` is when the session began that may go on.
///
/// What lies between the first and the last call of a tally is not known: calls of one API at the beginning and the end
/// of an hour join what they enclose. The other way round, nothing that belongs together is torn apart.
pub(crate) fn cut(mut steps: Vec<Step>, mut begun: Option<(Time, Time)>) -> Vec<(bool, Vec<Step>)> {
    steps.sort_by(|one, other| {
        (one.first, &one.token, one.first_id, one.place).cmp(&(other.first, &other.token, other.first_id, other.place))
    });
    let mut sessions: Vec<(bool, Vec<Step>)> = Vec::new();
    for step in steps {
        let goes_on = begun.is_some_and(|(begin, end)| {
            step.first.ms() - end.ms() <= IDLE_GAP_MS && step.first.ms() - begin.ms() < SESSION_MAX_MS
        });
        if !goes_on {
            sessions.push((false, Vec::new()));
        } else if sessions.is_empty() {
            sessions.push((true, Vec::new()));
        }
        begun = Some(match begun.filter(|_| goes_on) {
            Some((begin, end)) => (begin, end.max(step.last)),
            None => (step.first, step.last),
        });
        let Some((_, session)) = sessions.last_mut() else { continue };
        match session.iter_mut().find(|known| known.token == step.token) {
            Some(known) => known.merge(step),
            None => session.push(step),
        }
    }
    sessions
}

fn display_name(key: &CallTallyKey) -> String {
    let of_arn = || match &*key.identity_type {
        "Root" => "Root",
        "AssumedRole" => key.arn.split('/').nth(1).unwrap_or_default(),
        _ => key.arn.rsplit(['/', ':']).next().unwrap_or_default(),
    };
    [&*key.issuer_name, &*key.user_name].into_iter().find(|name| !name.is_empty()).unwrap_or_else(of_arn).to_owned()
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        format!("{:x}", id.0)
    }
}

impl TryFrom<String> for Id {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step(name: &str, first_minute: i64, last_minute: i64) -> Step {
        let key = CallTallyKey { source: "ec2.amazonaws.com".into(), name: name.into(), ..CallTallyKey::default() };
        let minute = |minute: i64| Time::from_ms(minute * Time::MINUTE_MS);
        let tally =
            CallTally { calls: 1, first: minute(first_minute), last: minute(last_minute), ..CallTally::default() };
        Step::of(&key, &tally)
    }

    fn tokens(sessions: &[(bool, Vec<Step>)]) -> Vec<Vec<&str>> {
        sessions.iter().map(|(_, steps)| steps.iter().map(Step::api).collect()).collect()
    }

    #[test]
    fn a_pause_ends_a_session() {
        let sessions = cut(vec![step("A", 0, 5), step("B", 20, 20), step("C", 36, 36)], None);
        assert_eq!(tokens(&sessions), [vec!["A", "B"], vec!["C"]]);
    }

    #[test]
    fn a_session_goes_on_in_the_next_hour() {
        let begun = Some((Time::from_ms(-30 * Time::MINUTE_MS), Time::from_ms(-5 * Time::MINUTE_MS)));
        let sessions = cut(vec![step("A", 5, 5), step("B", 18, 18), step("C", 31, 31)], begun);
        assert_eq!(tokens(&sessions), [vec!["A", "B"], vec!["C"]]);
        assert!(sessions[0].0 && !sessions[1].0, "after an hour another session begins");
        let sessions = cut(vec![step("A", 11, 11)], begun);
        assert!(!sessions[0].0);
    }

    #[test]
    fn what_was_done_twice_is_one_step() {
        let sessions = cut(vec![step("A", 0, 1), step("A", 3, 4), step("B", 2, 2)], None);
        assert_eq!(tokens(&sessions), [vec!["A", "B"]]);
        assert_eq!((sessions[0].1[0].calls, sessions[0].1[0].last.ms()), (2, 4 * Time::MINUTE_MS));
    }

    proptest! {
        #[test]
        fn the_order_of_tallies_changes_nothing(minutes in proptest::collection::vec((0u8..4, 0i64..60, 0i64..10), 1..20), turn in 0usize..20) {
            let steps: Vec<Step> = minutes
                .iter()
                .map(|&(name, first, length)| step(&format!("A{name}"), first, (first + length).min(59)))
                .collect();
            let mut turned = steps.clone();
            turned.rotate_left(turn % steps.len());
            let calls = |sessions: &[(bool, Vec<Step>)]| -> u64 {
                sessions.iter().flat_map(|(_, steps)| steps).map(|step| step.calls).sum()
            };
            let sessions = cut(steps.clone(), None);
            prop_assert_eq!(calls(&sessions), steps.len() as u64);
            prop_assert_eq!(sessions, cut(turned, None));
        }
    }
}
