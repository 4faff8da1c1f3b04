//! The ordered part: each slice of event time in turn, its records in order, through the rules, into findings.

use crate::facts::{Fact, FactKind, FactLog, Spool};
use crate::fold::{Folder, Occurrence};
use crate::index::{DetectionSet, ListenIndex, places};
use crate::worker::{call_listeners, query_listeners};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use watchfire_detections::{Context, Conversations, Detection, Observed, Rule, SLICE_MS, Window};
use watchfire_knowledge::{Estate, Knowledge};
use watchfire_model::{ApiCall, Finding, Record, RecordKind, Signal, Time};
use watchfire_parse::{FlowFormat, Origin, parse_record};

/// How long an event's identity is remembered. Copies of an event carry its own time, so they meet in one slice; the
/// hour is for the few whose copies were stamped apart.
const IDENTITY_LIFE_MS: i64 = Time::HOUR_MS;

/// A file that facts refer to.
#[derive(Clone, Debug, Default)]
pub struct SourceFile {
    /// Its name in evidence.
    pub name: String,
    /// What its place says about its records.
    pub origin: Origin,
    /// The file that evidence names for it: the first by name among those with the same content, else itself.
    pub canonical: u32,
}

/// One worker's facts and the flow formats that they refer to.
pub struct Kept {
    /// The facts.
    pub facts: FactLog,
    /// The formats.
    pub formats: Vec<FlowFormat>,
    /// Where the facts went that did not fit into memory.
    pub spool: Box<dyn Spool + Send>,
}

/// What the ordered part did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReplayCounts {
    /// Events that were copies of others.
    pub duplicates: u64,
    /// Records that rules looked at.
    pub judged: u64,
    /// Entities dropped for lack of room, by what they belong to.
    pub evicted: u64,
    /// State held at the end: (kind of entity, how many, bytes).
    pub state: Vec<(String, u64, u64)>,
}

/// Runs the rules over facts in order of event time, and folds what they say.
pub struct Replay<'a> {
    detections: &'static [&'static Detection],
    index: &'a ListenIndex,
    knowledge: &'a Knowledge,
    estate: Estate,
    windows: Vec<Option<Box<dyn Window>>>,
    conversations: Conversations,
    folder: Folder,
    identities: Identities,
    groups: Groups,
    counts: ReplayCounts,
    /// The clock hour of the last slice: what has expired is looked for once an hour.
    hour: i64,
}

/// Identities of events seen lately.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(into = "Vec<(Time, String)>", try_from = "Vec<(Time, String)>")]
struct Identities {
    seen: BTreeSet<u128>,
    ages: VecDeque<(Time, u128)>,
}

/// Groups of which the current hour's first fact has been seen.
#[derive(Default, Serialize, Deserialize)]
struct Groups {
    hour: i64,
    seen: BTreeSet<u64>,
}

/// The version of the saved state. Raise it with every change of any state's form.
const STATE_VERSION: u32 = 1;

/// Everything that the ordered part remembers.
#[derive(Deserialize)]
struct Saved {
    version: u32,
    estate: Estate,
    conversations: Conversations,
    folder: Folder,
    identities: Identities,
    groups: Groups,
    counts: ReplayCounts,
    hour: i64,
    /// By the first finding type that the window's detection reports.
    windows: BTreeMap<String, Value>,
}

/// A saved state could not be taken back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Another version of the program wrote it.
    #[error(
        "the engine's state was written by version {found}; this is version {STATE_VERSION}: remove it to begin anew"
    )]
    WrongVersion {
        /// The version in the state.
        found: u64,
    },
    /// It is damaged.
    #[error("the engine's state could not be read")]
    Damaged(#[source] serde_json::Error),
    /// One window refused its part.
    #[error("{0}")]
    Window(String),
}

/// A fact of a slice, with what its order depends on.
struct Candidate<'a> {
    fact: Fact<'a>,
    worker: usize,
}

impl<'a> Replay<'a> {
    /// Nothing seen yet.
    pub fn new(detections: &'static [&'static Detection], index: &'a ListenIndex, knowledge: &'a Knowledge) -> Self {
        let windows = detections.iter().map(|detection| match detection.rule {
            Rule::Window(make) => Some(make()),
            _ => None,
        });
        Self {
            windows: windows.collect(),
            detections,
            index,
            knowledge,
            estate: Estate::default(),
            conversations: Conversations::default(),
            folder: Folder::default(),
            identities: Identities::default(),
            groups: Groups::default(),
            counts: ReplayCounts::default(),
            hour: i64::MIN,
        }
    }

    /// Everything remembered, as JSON with a version: [`Self::restore`] goes on where this stopped.
    pub fn save(&self) -> Result<Value, serde_json::Error> {
        #[derive(Serialize)]
        struct State<'s> {
            version: u32,
            estate: &'s Estate,
            conversations: &'s Conversations,
            folder: &'s Folder,
            identities: &'s Identities,
            groups: &'s Groups,
            counts: &'s ReplayCounts,
            hour: i64,
            windows: BTreeMap<&'static str, Value>,
        }
        let windows = self.detections.iter().zip(&self.windows);
        serde_json::to_value(State {
            version: STATE_VERSION,
            estate: &self.estate,
            conversations: &self.conversations,
            folder: &self.folder,
            identities: &self.identities,
            groups: &self.groups,
            counts: &self.counts,
            hour: self.hour,
            windows: windows
                .filter_map(|(detection, window)| Some((detection.reports.first()?.as_str(), window.as_ref()?.save())))
                .collect(),
        })
    }

    /// Takes a saved state back.
    pub fn restore(
        detections: &'static [&'static Detection],
        index: &'a ListenIndex,
        knowledge: &'a Knowledge,
        state: Value,
    ) -> Result<Self, RestoreError> {
        let found = state.get("version").and_then(Value::as_u64).unwrap_or(0);
        if found != u64::from(STATE_VERSION) {
            return Err(RestoreError::WrongVersion { found });
        }
        let mut saved: Saved = serde_json::from_value(state).map_err(RestoreError::Damaged)?;
        debug_assert_eq!(saved.version, STATE_VERSION);
        let mut replay = Self::new(detections, index, knowledge);
        for (detection, window) in detections.iter().zip(&mut replay.windows) {
            let name = detection.reports.first().map_or("", |finding_type| finding_type.as_str());
            if let (Some(window), Some(state)) = (window, saved.windows.remove(name)) {
                window.load(state).map_err(RestoreError::Window)?;
            }
        }
        replay.estate = saved.estate.restored();
        replay.conversations = saved.conversations;
        replay.folder = saved.folder;
        replay.identities = saved.identities;
        replay.groups = saved.groups;
        replay.counts = saved.counts;
        replay.hour = saved.hour;
        Ok(replay)
    }

    /// Takes out every slice that ends by `until` (all, if `None`), in order, and runs it.
    pub fn run(&mut self, kept: &mut [Kept], files: &[SourceFile], until: Option<Time>) -> io::Result<()> {
        let slices: BTreeSet<i64> = kept.iter().flat_map(|worker| worker.facts.slices()).collect();
        for slice in slices {
            let end = Time::from_ms(slice.saturating_add(1).saturating_mul(SLICE_MS));
            if until.is_some_and(|until| end > until) {
                break;
            }
            let mut facts: Vec<Vec<u8>> = Vec::new();
            let mut ids = Vec::new();
            for worker in kept.iter_mut() {
                let mut bytes = Vec::new();
                worker.facts.take(slice, worker.spool.as_mut(), &mut bytes, &mut ids)?;
                facts.push(bytes);
            }
            self.counts.duplicates += count_duplicates(&ids);
            let formats: Vec<&[FlowFormat]> = kept.iter().map(|worker| worker.formats.as_slice()).collect();
            self.run_slice(&facts, &formats, files);
            self.expire(end);
        }
        Ok(())
    }

    /// Records are parsed each time they are needed, never kept: a slice may hold half a million, a kilobyte each.
    fn run_slice(&mut self, facts: &[Vec<u8>], formats: &[&[FlowFormat]], files: &[SourceFile]) {
        let parser = FactParser { formats, files };
        let candidates = in_order(facts, files);
        for candidate in candidates.iter().filter(|candidate| candidate.fact.kind == FactKind::Interface) {
            self.learn_interface(&candidate.fact);
        }
        let candidates = self.without_copies(&candidates, &parser);
        for candidate in &candidates {
            if candidate.fact.kind == FactKind::Record(RecordKind::Flow)
                && let Some(Record::Flow(flow)) = parser.record(candidate)
            {
                self.conversations.learn(&flow, &Context { knowledge: self.knowledge, estate: &self.estate });
            }
        }
        for candidate in candidates {
            let Some(record) = parser.record(candidate) else { continue };
            let fact = &candidate.fact;
            let name = files.get(fact.file as usize).map_or("", |file| file.name.as_str());
            self.judge(&record, fact, name);
            if let Record::ApiCall(call) = &record {
                self.estate.learn_call(call);
            }
        }
    }

    /// The records of a slice, by (time, identity): of the copies of one event the one in the caller's own account, else
    /// the first in order; of the facts of one group in one hour the first.
    fn without_copies<'c>(
        &mut self,
        candidates: &'c [Candidate<'c>],
        parser: &FactParser<'_>,
    ) -> Vec<&'c Candidate<'c>> {
        let event = |candidate: &Candidate<'_>| (candidate.fact.time, candidate.fact.kind, candidate.fact.id);
        let are_copies = |one: &Candidate<'_>, other: &Candidate<'_>| one.fact.id != 0 && event(one) == event(other);
        let mut kept: Vec<&Candidate<'_>> = candidates
            .chunk_by(are_copies)
            .filter_map(|copies| match copies {
                [one] => Some(one),
                _ => parser.preferred(copies),
            })
            .filter(|candidate| candidate.fact.kind != FactKind::Interface)
            .collect();
        kept.sort_by_key(|candidate| (candidate.fact.time, candidate.fact.id));
        kept.retain(|candidate| {
            let fact = &candidate.fact;
            self.identities.is_new(fact.id, fact.time) && self.groups.is_new(fact.group, fact.time)
        });
        kept
    }

    fn learn_interface(&mut self, fact: &Fact<'_>) {
        let mut parts = fact.text.split(' ').map(|part| if part == "-" { "" } else { part });
        let mut next = || parts.next().unwrap_or_default();
        let (account, interface, instance, address) = (next(), next(), next(), next());
        self.estate.learn_interface(account, interface, instance, address.parse().ok(), fact.time);
    }

    fn judge(&mut self, record: &Record<'_>, fact: &Fact<'_>, file: &str) {
        self.counts.judged += 1;
        let mut signals = Vec::new();
        let end = match record {
            Record::Flow(flow) => flow.end.max(flow.start),
            _ => fact.time,
        };
        match record {
            Record::ApiCall(call) => {
                let wanted = call_listeners(self.index, self.knowledge, call);
                self.ask(wanted, &Observed::Call(call), &mut signals);
            }
            Record::Flow(flow) => {
                let context = Context { knowledge: self.knowledge, estate: &self.estate };
                let Some(contact) = self.conversations.contact(flow, &context) else { return };
                let wanted =
                    self.index.flow_with(self.knowledge.ip_kinds(contact.remote) & self.index.flow_kinds_wanted);
                self.ask(wanted, &Observed::Flow(&contact), &mut signals);
            }
            Record::DnsQuery(query) => {
                let wanted = query_listeners(self.index, self.knowledge, query);
                self.ask(wanted, &Observed::Query(query), &mut signals);
            }
        }
        let occurrence =
            Occurrence { begin: fact.time, end, id: fact.id, file, position: fact.position, raw: fact.text };
        for signal in signals {
            self.folder.fold(signal, &occurrence);
        }
    }

    fn ask(&mut self, wanted: DetectionSet, observed: &Observed<'_>, signals: &mut Vec<Signal>) {
        let context = Context { knowledge: self.knowledge, estate: &self.estate };
        for place in places(wanted) {
            let Some(detection) = self.detections.get(place) else { continue };
            match (&detection.rule, observed) {
                (Rule::Call(detect), Observed::Call(call)) => detect(call, &context, signals),
                (Rule::Flow(detect), Observed::Flow(contact)) => detect(contact, &context, signals),
                (Rule::Query(detect), Observed::Query(query)) => detect(query, &context, signals),
                (Rule::Window(_), _) => {
                    if let Some(window) = &mut self.windows[place] {
                        window.observe(observed, &context, signals);
                    }
                }
                _ => {}
            }
        }
    }

    fn expire(&mut self, now: Time) {
        if now.hour() == self.hour {
            return;
        }
        self.hour = now.hour();
        self.conversations.expire(now);
        self.estate.expire(now);
        self.identities.expire(now);
        for window in self.windows.iter_mut().flatten() {
            self.counts.evicted += window.expire(now);
        }
    }

    /// The findings, and what was done.
    pub fn finish(mut self) -> (Vec<Finding>, ReplayCounts) {
        let (conversations, evicted) = self.conversations.size();
        self.counts.evicted += evicted;
        self.counts.state.push(("conversations".to_owned(), conversations, conversations * Conversations::BYTES_EACH));
        for (name, count, bytes, evicted) in self.estate.sizes() {
            self.counts.evicted += evicted;
            self.counts.state.push((name.to_owned(), count, bytes));
        }
        for (detection, window) in self.detections.iter().zip(&self.windows) {
            if let (Some(window), Some(name)) = (window, detection.reports.first()) {
                let (count, bytes) = window.size();
                self.counts.state.push((format!("window of {name}"), count, bytes));
            }
        }
        (self.folder.findings(self.knowledge), self.counts)
    }
}

/// Saved as text: JSON's numbers end long before 128 bits.
impl From<Identities> for Vec<(Time, String)> {
    fn from(identities: Identities) -> Self {
        identities.ages.into_iter().map(|(time, id)| (time, format!("{id:032x}"))).collect()
    }
}

impl TryFrom<Vec<(Time, String)>> for Identities {
    type Error = std::num::ParseIntError;

    fn try_from(saved: Vec<(Time, String)>) -> Result<Self, Self::Error> {
        let ages = saved
            .into_iter()
            .map(|(time, id)| Ok((time, u128::from_str_radix(&id, 16)?)))
            .collect::<Result<VecDeque<_>, _>>()?;
        Ok(Self { seen: ages.iter().map(|(_, id)| *id).collect(), ages })
    }
}

impl Identities {
    fn is_new(&mut self, id: u128, time: Time) -> bool {
        if id == 0 {
            return true;
        }
        let new = self.seen.insert(id);
        if new {
            self.ages.push_back((time, id));
        }
        new
    }

    fn expire(&mut self, now: Time) {
        while let Some(&(time, id)) = self.ages.front()
            && now.ms() - time.ms() > IDENTITY_LIFE_MS
        {
            self.seen.remove(&id);
            self.ages.pop_front();
        }
    }
}

impl Groups {
    fn is_new(&mut self, group: u64, time: Time) -> bool {
        if group == 0 {
            return true;
        }
        if time.hour() != self.hour {
            self.hour = time.hour();
            self.seen.clear();
        }
        self.seen.insert(group)
    }
}

/// All facts of a slice in one order that depends on nothing but the records and where they stand.
fn in_order<'a>(facts: &'a [Vec<u8>], files: &[SourceFile]) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for (worker, bytes) in facts.iter().enumerate() {
        let mut rest = bytes.as_slice();
        while let Some((mut fact, after)) = Fact::decode(rest) {
            rest = after;
            fact.file = files.get(fact.file as usize).map_or(fact.file, |file| file.canonical);
            candidates.push(Candidate { fact, worker });
        }
    }
    candidates.sort_unstable_by(|one, other| {
        let order = |candidate: &Candidate<'a>| {
            let fact = candidate.fact;
            (fact.time, fact.kind, fact.id, fact.text, fact.file, fact.position)
        };
        order(one).cmp(&order(other))
    });
    candidates
}

/// What it takes to read a fact as the record it was.
struct FactParser<'a> {
    /// Of each worker.
    formats: &'a [&'a [FlowFormat]],
    files: &'a [SourceFile],
}

impl FactParser<'_> {
    /// The record of this fact, if it is one.
    fn record<'r>(&'r self, candidate: &'r Candidate<'_>) -> Option<Record<'r>> {
        let fact = &candidate.fact;
        let FactKind::Record(kind) = fact.kind else { return None };
        let file = self.files.get(fact.file as usize)?;
        let format =
            usize::from(fact.format).checked_sub(1).and_then(|place| self.formats.get(candidate.worker)?.get(place));
        parse_record(fact.text, kind, &file.origin, format)
    }

    /// Copies of an event differ in the account they were delivered to; the caller's own says most.
    fn preferred<'c>(&self, copies: &'c [Candidate<'c>]) -> Option<&'c Candidate<'c>> {
        copies.iter().min_by_key(|candidate| match self.record(candidate) {
            Some(Record::ApiCall(call)) => (!is_own_copy(&call), call.account().to_owned(), call.region.to_string()),
            _ => (false, String::new(), String::new()),
        })
    }
}

fn is_own_copy(call: &ApiCall<'_>) -> bool {
    !call.identity.account.is_empty() && call.identity.account == call.recipient_account
}

/// How many of these identities, eight bytes each, stand there again.
fn count_duplicates(ids: &[u8]) -> u64 {
    let mut values: Vec<u64> = ids.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    values.sort_unstable();
    values.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
}

#[cfg(test)]
mod tests {
    use super::count_duplicates;

    #[test]
    fn every_copy_beyond_the_first_is_a_duplicate() {
        let ids: Vec<u8> = [7u64, 9, 7, 7].iter().flat_map(|id| id.to_le_bytes()).collect();
        assert_eq!(count_duplicates(&ids), 2);
    }
}
