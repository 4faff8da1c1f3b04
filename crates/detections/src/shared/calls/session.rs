//! Sessions: what one caller did from one place with one program, without a long pause.

use super::agent;
use super::caller::{self, Caller, Network, Outcome, RegionChoice};
use super::risk::{self, Risk, SHUTTING, plain_name};
use super::roles;
use super::scorer::{changes_permission, s3_risk};
use super::text::{Names, Text, shared};
use super::volume;
use crate::Context;
use crate::iam_user::log_supply_silent::switches_logs;
use crate::tally::{ApiParts, CallTally, CallTallyKey, ClientParts, Piece, RecordPlace};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::Arc;
use watchfire_knowledge::Knowledge;
use watchfire_knowledge::statistics::stable_hash;
use watchfire_model::Time;

/// A pause as long as this ends a session. Source: the design's measurements, after usual practice for web sessions.
pub(crate) const IDLE_GAP_MS: i64 = 15 * Time::MINUTE_MS;
/// A session is cut after this, so that a caller who never pauses is judged too. Source: as above.
pub(crate) const SESSION_MAX_MS: i64 = 60 * Time::MINUTE_MS;
/// From where nobody calls there are no spells of work to be told apart, so that what comes from there in this time is one
/// session, however slow. Source: our choice; on generated accounts a call in twenty minutes makes a session each otherwise,
/// and from usual places a day in one brought false alarms only.
pub(crate) const VISIT_MS: i64 = 24 * Time::HOUR_MS;

/// How long a session may pause and last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pace {
    /// The longest pause, in ms.
    pub(crate) idle_gap_ms: i64,
    /// From its first call to the first of its last, in ms.
    pub(crate) max_ms: i64,
}

impl Pace {
    /// Of somebody who is where it, or where its peers and its account, usually are.
    pub(crate) const USUAL: Self = Self { idle_gap_ms: IDLE_GAP_MS, max_ms: SESSION_MAX_MS };
    /// Of a visitor.
    pub(crate) const VISIT: Self = Self { idle_gap_ms: VISIT_MS, max_ms: VISIT_MS };
}

/// What tells sessions apart: a thief with the owner's key is another session than the owner in the same hour, because
/// network or program differ. Without this the owner's usual calls would hide the thief's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    /// Whose credentials.
    #[serde(with = "shared")]
    pub(crate) caller: Arc<Caller>,
    /// Which of its sessions or keys.
    pub(crate) session: String,
    /// From where.
    #[serde(with = "shared")]
    pub(crate) network: Arc<Network>,
    /// With which program.
    pub(crate) agent: Text,
}

/// One API with one outcome in a session: all its calls. It is read as its [`Deed`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(from = "SavedStep", into = "SavedStep")]
pub(crate) struct Step {
    /// What was done: of the earliest.
    deed: Arc<Deed>,
    /// Calls.
    pub(crate) calls: u64,
    /// Calls in the clock hour of the last of them: what that hour teaches. A visit lasts longer.
    pub(crate) latest_calls: u64,
    /// The first call and the last.
    pub(crate) first: Time,
    /// See `first`.
    pub(crate) last: Time,
    /// Decides among first calls of one moment.
    first_id: Id,
    /// Where the first stands.
    pub(crate) place: RecordPlace,
    /// The regions it was called in, without those of global services; sorted.
    pub(crate) regions: Names,
    /// The buckets it was called on; sorted.
    pub(crate) buckets: Names,
    /// The roles that it was to assume, by name; sorted.
    pub(crate) roles: Names,
    /// What the first call says of itself.
    pub(crate) shown: Arc<Shown>,
}

/// What was done, with what follows from it.
#[derive(PartialEq, Debug)]
pub(crate) struct Deed {
    /// `service:API:outcome`: what habits are made of.
    pub(crate) token: Text,
    /// `eventSource`.
    pub(crate) source: String,
    /// `eventName` as it stands in the event.
    pub(crate) name: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// `errorCode` of the earliest.
    pub(crate) error_code: String,
    /// Whether it asks for a role.
    pub(crate) assumes_a_role: bool,
    /// Whether it shows that someone holds credentials.
    proves_credentials: bool,
    /// What it is for as a management event.
    pub(crate) management_risk: Risk,
    /// What it is for as a use of a bucket.
    pub(crate) s3_risk: Risk,
    /// What it counts as among the uses of a bucket.
    pub(super) counted: Option<volume::Kind>,
    /// Whether it is judged with the uses of buckets: as a data event, or as any.
    pub(super) of_buckets: (bool, bool),
    /// Whether logs may stop after it.
    pub(crate) switches_logs: bool,
    /// Whether its region was chosen by the caller.
    region_choice: RegionChoice,
    /// A hash of the token: most tokens differ, and that is seen without a look at them.
    token_hash: u64,
}

/// A step as it is saved.
#[derive(Serialize, Deserialize)]
struct SavedStep {
    token: Text,
    source: String,
    name: String,
    outcome: Outcome,
    error_code: String,
    calls: u64,
    #[serde(default)]
    latest_calls: Option<u64>,
    first: Time,
    last: Time,
    first_id: Id,
    place: RecordPlace,
    regions: Names,
    buckets: Names,
    /// A step of before roles were told apart has none.
    #[serde(default)]
    roles: Names,
    shown: Shown,
}

/// An event's identity. Saved as text: JSON's numbers end long before 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Id(u128);

/// Parts of a call that a finding shows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// `awsRegion`.
    pub(crate) region: Text,
    /// `sourceIPAddress`.
    pub(crate) address: Piece,
    /// `userAgent`.
    pub(crate) user_agent: Piece,
    /// `accessKeyId`.
    pub(crate) access_key_id: Piece,
    /// `principalId`.
    pub(crate) principal_id: Piece,
    /// The user's name, or the role's.
    pub(crate) user_name: Piece,
    /// `userIdentity.type`.
    pub(crate) user_type: Text,
    /// `userIdentity.accountId`.
    pub(crate) identity_account: Piece,
    /// Whether the program is the console, or a browser that shows it.
    #[serde(skip)]
    pub(crate) is_by_console: bool,
}

/// Regions and buckets noted of one step.
const NAMES_MAX: usize = 20;
/// Roles noted of one step: more than a profile holds, so that who assumes more is known to.
const ROLES_MAX: usize = 128;

impl SessionKey {
    /// The session that these calls belong to; `None` if nobody's credentials were used.
    pub(crate) fn of<'k>(key: &'k CallTallyKey, context: &Context<'_>) -> Option<&'k Arc<Self>> {
        let session = Self::claimed(key, context)?;
        key.api.deed().proves_credentials.then_some(session)
    }

    /// The same of calls that may prove nothing, such as sign-ins that failed: as whom, and from where, somebody tried.
    pub(crate) fn claimed<'k>(key: &'k CallTallyKey, context: &Context<'_>) -> Option<&'k Arc<Self>> {
        let (client, is_instance_role) = (&key.client, key.is_instance_role);
        let make = || Self::of_client(client, is_instance_role, context.knowledge, &mut InCommon::default());
        client.session(is_instance_role, make)
    }

    /// That of the client's calls. `None` if nobody's credentials were used.
    pub(crate) fn of_client(
        client: &ClientParts,
        is_instance_role: bool,
        knowledge: &Knowledge,
        in_common: &mut InCommon,
    ) -> Option<Self> {
        Some(Self {
            network: in_common.network(&client.source_address, knowledge)?,
            caller: in_common.caller(Caller::of(client, is_instance_role)?),
            session: caller::session_name(client),
            agent: in_common.agent(&client.user_agent),
        })
    }
}

/// What clients have in common: made once, and alike without a look at the texts.
#[derive(Default)]
pub(crate) struct InCommon {
    callers: HashSet<Arc<Caller>, FixedState>,
    /// By address as it was written.
    networks: HashMap<Box<str>, Arc<Network>, FixedState>,
    /// Families by user agent.
    agents: HashMap<Box<str>, Text, FixedState>,
    /// Regions and kinds of identities.
    texts: HashMap<Box<str>, Text, FixedState>,
}

impl InCommon {
    /// Of each, about 300 bytes; then all are forgotten, which costs time and nothing else.
    const MAX: usize = 10_000;

    fn caller(&mut self, caller: Caller) -> Arc<Caller> {
        if let Some(known) = self.callers.get(&caller) {
            return Arc::clone(known);
        }
        if self.callers.len() >= Self::MAX {
            self.callers.clear();
        }
        let caller = Arc::new(caller);
        self.callers.insert(Arc::clone(&caller));
        caller
    }

    /// `None` if it is no address.
    fn network(&mut self, address: &str, knowledge: &Knowledge) -> Option<Arc<Network>> {
        if let Some(known) = self.networks.get(address) {
            return Some(Arc::clone(known));
        }
        let network = Arc::new(Network::of(address.parse().ok()?, knowledge));
        if self.networks.len() >= Self::MAX {
            self.networks.clear();
        }
        self.networks.insert(address.into(), Arc::clone(&network));
        Some(network)
    }

    fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= Self::MAX {
            self.texts.clear();
        }
        let shared = Text::from(text);
        self.texts.insert(text.into(), shared.clone());
        shared
    }

    fn agent(&mut self, user_agent: &str) -> Text {
        if let Some(known) = self.agents.get(user_agent) {
            return known.clone();
        }
        let family = Text::from(&*agent::family(user_agent));
        if self.agents.len() >= Self::MAX {
            self.agents.clear();
        }
        self.agents.insert(user_agent.into(), family.clone());
        family
    }
}

impl Deed {
    /// What follows from this API and how it ended; apart, from a call of it that shuts the public out.
    pub(crate) fn of(api: &ApiParts, shuts: bool) -> Self {
        let outcome = Outcome::of(&api.error_code);
        let manner = if shuts { SHUTTING } else { "" };
        let token = format!("{}:{}{manner}:{}", api.service(), plain_name(&api.name), outcome.words());
        Self::new(Text::from(&*token), &api.source, &api.name, outcome, &api.error_code)
    }

    fn new(token: Text, source: &str, name: &str, outcome: Outcome, error_code: &str) -> Self {
        let is_s3 = source == "s3.amazonaws.com";
        Self {
            counted: volume::Kind::of_api(source, name, outcome),
            of_buckets: (is_s3, is_s3 && changes_permission(part(&token, 1))),
            switches_logs: switches_logs(source, name, error_code),
            region_choice: RegionChoice::of(source.split('.').next().unwrap_or_default()),
            token_hash: stable_hash(token.as_bytes()),
            management_risk: risk::management(part(&token, 0), part(&token, 1)),
            s3_risk: s3_risk(part(&token, 1)),
            assumes_a_role: source == "sts.amazonaws.com" && name == "AssumeRole",
            proves_credentials: caller::proves_credentials(name, error_code),
            token,
            source: source.to_owned(),
            name: name.to_owned(),
            outcome,
            error_code: error_code.to_owned(),
        }
    }

    /// Whether this is the same API with the same outcome.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.token_hash == other.token_hash && self.token == other.token
    }

    /// The service's short name.
    pub(crate) fn service(&self) -> &str {
        part(&self.token, 0)
    }

    /// The API's name, without a version, and with what tells one use of it from others.
    pub(crate) fn api(&self) -> &str {
        part(&self.token, 1)
    }

    /// The token of the same API with this outcome.
    pub(crate) fn token_of(&self, outcome: Outcome) -> String {
        format!("{}:{}:{}", self.service(), self.api(), outcome.words())
    }
}

fn part(token: &str, at: usize) -> &str {
    token.split(':').nth(at).unwrap_or_default()
}

impl Shown {
    /// What findings show of this client.
    pub(crate) fn of(client: &ClientParts, in_common: &mut InCommon) -> Self {
        Self {
            region: in_common.text(&client.region),
            address: client.source_address.clone(),
            user_agent: client.user_agent.clone(),
            access_key_id: client.access_key_id.clone(),
            principal_id: client.principal_id.clone(),
            user_name: display_name(client),
            user_type: in_common.text(&client.identity_type),
            identity_account: client.identity_account.clone(),
            is_by_console: is_console(&in_common.agent(&client.user_agent)),
        }
    }

    /// Of a saved one.
    fn with_program(self) -> Self {
        Self { is_by_console: is_console(&agent::family(&self.user_agent)), ..self }
    }
}

fn is_console(family: &str) -> bool {
    matches!(family, "browser" | "console")
}

impl Deref for Step {
    type Target = Deed;

    fn deref(&self) -> &Deed {
        &self.deed
    }
}

impl From<SavedStep> for Step {
    fn from(saved: SavedStep) -> Self {
        let SavedStep { token, source, name, outcome, error_code, .. } = saved;
        Self {
            deed: Arc::new(Deed::new(token, &source, &name, outcome, &error_code)),
            calls: saved.calls,
            latest_calls: saved.latest_calls.unwrap_or(saved.calls),
            first: saved.first,
            last: saved.last,
            first_id: saved.first_id,
            place: saved.place,
            regions: saved.regions,
            buckets: saved.buckets,
            roles: saved.roles,
            shown: Arc::new(saved.shown.with_program()),
        }
    }
}

impl From<Step> for SavedStep {
    fn from(step: Step) -> Self {
        let deed = &*step.deed;
        Self {
            token: deed.token.clone(),
            source: deed.source.clone(),
            name: deed.name.clone(),
            outcome: deed.outcome,
            error_code: deed.error_code.clone(),
            calls: step.calls,
            latest_calls: Some(step.latest_calls),
            first: step.first,
            last: step.last,
            first_id: step.first_id,
            place: step.place,
            regions: step.regions,
            buckets: step.buckets,
            roles: step.roles,
            shown: (*step.shown).clone(),
        }
    }
}

impl Step {
    /// The step that these calls are.
    pub(crate) fn of(key: &CallTallyKey, tally: &CallTally) -> Self {
        let shown = key.client.shown();
        let deed = key.deed();
        let is_regional = deed.region_choice.is_told_by(&shown.region);
        Self {
            deed: Arc::clone(deed),
            calls: tally.calls,
            latest_calls: tally.calls,
            first: tally.first,
            last: tally.last,
            first_id: Id(tally.first_id),
            place: tally.place,
            regions: if is_regional { Names::One(shown.region.clone()) } else { Names::None },
            buckets: if key.bucket.is_empty() { Names::None } else { Names::One(Text::from(&*key.bucket)) },
            roles: key.role().map_or(Names::None, |arn| Names::One(Text::from(&*roles::name(arn)))),
            shown: Arc::clone(shown),
        }
    }

    /// Takes in further calls of the same token. What the earlier call says is shown.
    pub(crate) fn merge(&mut self, other: Self) {
        debug_assert_eq!(self.token, other.token);
        let rank = |step: &Self| (step.first, step.first_id, step.place);
        let later = if rank(self) <= rank(&other) { other } else { std::mem::replace(self, other) };
        self.calls = self.calls.saturating_add(later.calls);
        self.latest_calls = match self.last.hour().cmp(&later.last.hour()) {
            Ordering::Less => later.latest_calls,
            Ordering::Equal => self.latest_calls.saturating_add(later.latest_calls),
            Ordering::Greater => self.latest_calls,
        };
        self.last = self.last.max(later.last);
        self.regions.add(later.regions, NAMES_MAX);
        self.buckets.add(later.buckets, NAMES_MAX);
        self.roles.add(later.roles, ROLES_MAX);
    }
}

/// Cuts what one caller did in an hour into sessions, in order of time. `begun` is when the session began that may go on.
///
/// What lies between the first and the last call of a tally is not known: calls of one API at the beginning and the end
/// of an hour join what they enclose. The other way round, nothing that belongs together is torn apart.
pub(crate) fn cut(mut steps: Vec<Step>, mut begun: Option<(Time, Time)>, pace: Pace) -> Vec<(bool, Vec<Step>)> {
    steps.sort_by(|one, other| {
        (one.first, &one.token, one.first_id, one.place).cmp(&(other.first, &other.token, other.first_id, other.place))
    });
    let mut sessions: Vec<(bool, Vec<Step>)> = Vec::new();
    for step in steps {
        let goes_on = begun.is_some_and(|(begin, end)| {
            step.first.ms() - end.ms() <= pace.idle_gap_ms && step.first.ms() - begin.ms() < pace.max_ms
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
        match session.iter_mut().find(|known| known.is_like(&step)) {
            Some(known) => known.merge(step),
            None => session.push(step),
        }
    }
    sessions
}

fn display_name(client: &ClientParts) -> Piece {
    let of_arn = || match &*client.identity_type {
        "Root" => "Root",
        "AssumedRole" => client.arn.split('/').nth(1).unwrap_or_default(),
        _ => client.arn.rsplit(['/', ':']).next().unwrap_or_default(),
    };
    let named = [&client.issuer_name, &client.user_name].into_iter().find(|name| !name.is_empty());
    named.cloned().unwrap_or_else(|| of_arn().into())
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
    use crate::tally::Api;
    use proptest::prelude::*;

    fn step(name: &str, first_minute: i64, last_minute: i64) -> Step {
        let api = ApiParts { source: "ec2.amazonaws.com".into(), name: name.into(), ..ApiParts::default() };
        let key = CallTallyKey { api: Api::new(api), ..CallTallyKey::default() };
        let minute = |minute: i64| Time::from_ms(minute * Time::MINUTE_MS);
        let tally =
            CallTally { calls: 1, first: minute(first_minute), last: minute(last_minute), ..CallTally::default() };
        Step::of(&key, &tally)
    }

    fn tokens(sessions: &[(bool, Vec<Step>)]) -> Vec<Vec<&str>> {
        sessions.iter().map(|(_, steps)| steps.iter().map(|step| step.api()).collect()).collect()
    }

    #[test]
    fn a_pause_ends_a_session() {
        let sessions = cut(vec![step("A", 0, 5), step("B", 20, 20), step("C", 36, 36)], None, Pace::USUAL);
        assert_eq!(tokens(&sessions), [vec!["A", "B"], vec!["C"]]);
    }

    #[test]
    fn a_session_goes_on_in_the_next_hour() {
        let begun = Some((Time::from_ms(-30 * Time::MINUTE_MS), Time::from_ms(-5 * Time::MINUTE_MS)));
        let sessions = cut(vec![step("A", 5, 5), step("B", 18, 18), step("C", 31, 31)], begun, Pace::USUAL);
        assert_eq!(tokens(&sessions), [vec!["A", "B"], vec!["C"]]);
        assert!(sessions[0].0 && !sessions[1].0, "after an hour another session begins");
        let sessions = cut(vec![step("A", 11, 11)], begun, Pace::USUAL);
        assert!(!sessions[0].0);
    }

    #[test]
    fn a_visitor_may_pause() {
        let slow = || vec![step("A", 0, 0), step("B", 40, 40), step("C", 59, 59)];
        assert_eq!(cut(slow(), None, Pace::USUAL).len(), 3);
        assert_eq!(tokens(&cut(slow(), None, Pace::VISIT)), [vec!["A", "B", "C"]]);
        let of_yesterday = Some((Time::from_ms(-25 * Time::HOUR_MS), Time::from_ms(-Time::HOUR_MS)));
        assert!(!cut(slow(), of_yesterday, Pace::VISIT)[0].0, "another day, another session");
    }

    #[test]
    fn what_was_done_twice_is_one_step() {
        let sessions = cut(vec![step("A", 0, 1), step("A", 3, 4), step("B", 2, 2)], None, Pace::USUAL);
        assert_eq!(tokens(&sessions), [vec!["A", "B"]]);
        assert_eq!((sessions[0].1[0].calls, sessions[0].1[0].last.ms()), (2, 4 * Time::MINUTE_MS));
    }

    #[test]
    fn of_a_visit_of_several_hours_the_last_hour_is_known_apart() {
        let hours = || vec![step("A", 0, 0), step("A", 61, 61), step("A", 119, 119)];
        let mut turned = hours();
        turned.reverse();
        for steps in [hours(), turned] {
            let sessions = cut(steps, None, Pace::VISIT);
            assert_eq!((sessions[0].1[0].calls, sessions[0].1[0].latest_calls), (3, 2));
        }
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
            let sessions = cut(steps.clone(), None, Pace::USUAL);
            prop_assert_eq!(calls(&sessions), steps.len() as u64);
            prop_assert_eq!(sessions, cut(turned, None, Pace::USUAL));
        }
    }
}
