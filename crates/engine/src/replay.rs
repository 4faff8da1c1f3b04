//! The ordered part: each slice of event time in turn, its records in order, through the rules, into findings.

use crate::ahead;
use crate::facts::{Fact, FactKind, FactLog, Spool, Taken};
use crate::fold::{Folder, Occurrence};
use crate::index::{DetectionSet, ListenIndex, places};
use crate::judging::Shown;
use crate::learning::Learning;
use crate::order::{OrderedFacts, Sorter};
use crate::storm::Storms;
use crate::switches::SwitchedOff;
use crate::tallies::Tallies;
use crate::worker::{call_listeners, query_listeners};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use watchfire_detections::budget::NEW_FINDINGS_PER_DAY;
use watchfire_detections::shared::flow_side::{self, InterfaceAddresses, OwnAddress};
use watchfire_detections::tally::{CallKeys, Places};
use watchfire_detections::{
    Behaviour, Context, Conversations, Detection, FlowView, Observed, Rule, SLICE_MS, Thresholds, Verdict, Window,
};
use watchfire_knowledge::baseline::{Baselines, Lessons};
use watchfire_knowledge::{Estate, Knowledge, OwnLists};
use watchfire_model::{ApiCall, Finding, FindingType, Record, RecordKind, Signal, Time};
use watchfire_parse::{FlowFormat, Origin, parse_record};

/// How long an event's identity is remembered. Copies of an event carry its own time, so they meet in one slice; the
/// hour is for the few whose copies were stamped apart.
const IDENTITY_LIFE_MS: i64 = Time::HOUR_MS;
/// Identities remembered at most, the newest; one takes about 60 bytes.
const IDENTITIES_MAX: usize = 1_000_000;
/// Identities of events compared at once to count duplicates, eight bytes each.
const IDS_AT_ONCE_MAX: usize = 1_000_000;

/// A file that facts refer to.
#[derive(Clone, Debug, Default)]
pub struct SourceFile {
    /// Its name in evidence.
    pub name: String,
    /// What its place says about its records.
    pub origin: Origin,
    /// The file that evidence names for it: the first by name among those with the same content, else itself.
    pub canonical: u32,
    /// Its records teach what is normal; nothing of them is reported.
    pub is_baseline: bool,
}

/// Files by their numbers. One that is not there any more is named by nothing.
pub trait SourceFiles: Sync {
    /// The file with this number.
    fn get(&self, file: u32) -> Option<&SourceFile>;
}

impl SourceFiles for Vec<SourceFile> {
    fn get(&self, file: u32) -> Option<&SourceFile> {
        <[SourceFile]>::get(self, file as usize)
    }
}

impl SourceFiles for BTreeMap<u32, SourceFile> {
    fn get(&self, file: u32) -> Option<&SourceFile> {
        BTreeMap::get(self, &file)
    }
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
    /// Entities whose finding of behaviour went into a day's summary.
    #[serde(default)]
    pub summarised: u64,
    /// What could not be judged for lack of history.
    #[serde(default)]
    pub learning: Vec<StillLearning>,
    /// State held at the end: (kind of entity, how many, bytes).
    pub state: Vec<(String, u64, u64)>,
}

/// What a behaviour could not judge for lack of history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StillLearning {
    /// The types that it reports.
    pub types: Vec<FindingType>,
    /// What is learnt about: `account`, `principal`, ….
    pub entity_kind: String,
    /// How many of them are not judged yet, and how many are.
    pub counts: (u64, u64),
    /// How far the one with the longest history is, how far it must be, and what that counts: `day`.
    pub progress: (u32, u32, String),
}

/// Runs the rules over facts in order of event time, and folds what they say.
pub struct Replay<'a> {
    detections: &'static [&'static Detection],
    index: &'a ListenIndex,
    knowledge: &'a Knowledge,
    own_lists: Arc<OwnLists>,
    estate: Estate,
    windows: Vec<Option<Box<dyn Window>>>,
    behaviours: Vec<Option<Box<dyn Behaviour>>>,
    interfaces: InterfaceAddresses,
    baselines: Learning,
    /// What the current hour teaches, and which hour the last lessons were taken before.
    lessons: Lessons,
    lessons_hour: i64,
    storms: Storms,
    thresholds: Thresholds,
    /// Types that the user switched off.
    switched_off: BTreeSet<FindingType>,
    /// Types that accounts have switched off for themselves.
    off_in_places: SwitchedOff,
    conversations: Conversations,
    places: Places,
    call_keys: CallKeys,
    folder: Folder,
    identities: Identities,
    groups: Groups,
    counts: ReplayCounts,
    /// The clock hour of the last slice: what has expired is looked for once an hour.
    hour: i64,
    /// Threads on which behaviours judge.
    threads: usize,
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
const STATE_VERSION: u32 = 8;
/// The version before roles were told apart: it has none, and each state says itself how it is taken over.
const STATE_WITHOUT_ROLES: u32 = 7;

/// Sums and bytes of facts from which on a slice takes so much memory that few may wait for their turn.
const SUMS_LARGE: usize = 200;
const FACTS_LARGE: usize = 1 << 20;

/// A spool that several threads use, one after the other.
struct SharedSpool<'s>(Mutex<&'s mut dyn Spool>);

impl SharedSpool<'_> {
    fn with<T>(&self, act: impl FnOnce(&mut dyn Spool) -> T) -> T {
        act(&mut **self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Spool for &SharedSpool<'_> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        self.with(|spool| spool.append(bytes))
    }

    fn read(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        self.with(|spool| spool.read(offset, length, into))
    }
}

/// A slice that waits for its turn: its facts in order, its sums, and how many of its events are copies.
struct Prepared {
    slice: i64,
    facts: (OrderedFacts, Kinds),
    tallies: Tallies,
    duplicates: u64,
}

impl Prepared {
    fn of(
        slice: i64,
        kept: &mut [FactLog],
        ((places, call_keys), knowledge): (&mut (Places, CallKeys), &Knowledge),
        files: &dyn SourceFiles,
        spool: &mut dyn Spool,
    ) -> io::Result<Self> {
        let taken: Vec<Taken> = kept.iter_mut().map(|facts| facts.take(slice)).collect();
        let duplicates = count_duplicates(&taken, IDS_AT_ONCE_MAX, spool)?;
        let canonical = |file: u32| files.get(file).map_or(file, |file| file.canonical);
        let tallies = Tallies::of(slice, &taken, canonical, (places, call_keys, knowledge), spool)?;
        let facts = in_order(taken, files, spool)?;
        Ok(Self { slice, facts, tallies, duplicates })
    }

    fn is_large(&self) -> bool {
        self.tallies.count() >= SUMS_LARGE || self.facts.0.bytes() >= FACTS_LARGE
    }
}

/// Everything that the ordered part remembers.
#[derive(Deserialize)]
struct Saved {
    version: u32,
    estate: Estate,
    interfaces: InterfaceAddresses,
    baselines: Baselines,
    lessons: Lessons,
    lessons_hour: i64,
    storms: Storms,
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
    #[error("{0}: remove the engine's state to begin anew")]
    Window(String),
}

impl<'a> Replay<'a> {
    /// Nothing seen yet.
    pub fn new(detections: &'static [&'static Detection], index: &'a ListenIndex, knowledge: &'a Knowledge) -> Self {
        let windows = detections.iter().map(|detection| match detection.rule {
            Rule::Window(make) => Some(make()),
            _ => None,
        });
        let behaviours = detections.iter().map(|detection| match detection.rule {
            Rule::Behaviour(make) => Some(make()),
            _ => None,
        });
        Self {
            windows: windows.collect(),
            behaviours: behaviours.collect(),
            interfaces: InterfaceAddresses::default(),
            baselines: Learning::default(),
            lessons: Lessons::default(),
            lessons_hour: i64::MIN,
            storms: Storms::default(),
            thresholds: Thresholds::default(),
            switched_off: BTreeSet::new(),
            off_in_places: SwitchedOff::default(),
            detections,
            index,
            knowledge,
            own_lists: Arc::default(),
            estate: Estate::default(),
            conversations: Conversations::default(),
            places: Places::default(),
            call_keys: CallKeys::default(),
            folder: Folder::default(),
            identities: Identities::default(),
            groups: Groups::default(),
            counts: ReplayCounts::default(),
            hour: i64::MIN,
            threads: 1,
        }
    }

    /// The same with behaviours that judge on so many threads. What is found does not depend on it.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The same with these settings instead of the defaults.
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// The same without these types. Their detections run on, for what they teach and for what else they report: no other
    /// finding may depend on whether somebody wants to see this one.
    pub fn without_types(mut self, types: impl IntoIterator<Item = FindingType>) -> Self {
        self.switched_off = types.into_iter().collect();
        self
    }

    /// From now on these lists hold beside those of the knowledge. They are no part of the state: what they make of
    /// records is decided by those that hold when the records' slice has its turn.
    pub fn hold_lists(&mut self, own_lists: Arc<OwnLists>) {
        self.own_lists = own_lists;
    }

    /// From now on these types are off in these places, and no others: what their detections find there is not folded. Their
    /// detections run on, as for [`Self::without_types`]. No part of the state.
    pub fn hold_switches(&mut self, off: SwitchedOff) {
        self.off_in_places = off;
    }

    /// Forgets the findings of an account and region, as if it had never had any. What was learnt is kept.
    pub fn forget_findings(&mut self, account: &str, region: &str) {
        self.folder.forget(account, region);
    }

    fn is_wanted(&self, signal: &Signal) -> bool {
        !self.switched_off.contains(&signal.finding_type) && !self.off_in_places.silences(signal)
    }

    /// Everything remembered, as JSON with a version: [`Self::restore`] goes on where this stopped.
    pub fn save(&self) -> Result<Value, serde_json::Error> {
        #[derive(Serialize)]
        struct State<'s> {
            version: u32,
            estate: &'s Estate,
            interfaces: &'s InterfaceAddresses,
            baselines: &'s Baselines,
            lessons: &'s Lessons,
            lessons_hour: i64,
            storms: &'s Storms,
            conversations: &'s Conversations,
            folder: &'s Folder,
            identities: &'s Identities,
            groups: &'s Groups,
            counts: &'s ReplayCounts,
            hour: i64,
            windows: BTreeMap<&'static str, Value>,
        }
        let states = self.windows.iter().zip(&self.behaviours).map(|(window, behaviour)| match (window, behaviour) {
            (Some(window), _) => Some(window.save()),
            (_, Some(behaviour)) => Some(behaviour.save()),
            _ => None,
        });
        let windows = self.detections.iter().zip(states);
        serde_json::to_value(State {
            version: STATE_VERSION,
            estate: &self.estate,
            interfaces: &self.interfaces,
            baselines: &self.baselines,
            lessons: &self.lessons,
            lessons_hour: self.lessons_hour,
            storms: &self.storms,
            conversations: &self.conversations,
            folder: &self.folder,
            identities: &self.identities,
            groups: &self.groups,
            counts: &self.counts,
            hour: self.hour,
            windows: windows
                .filter_map(|(detection, window)| Some((detection.reports.first()?.as_str(), window?)))
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
        if ![STATE_WITHOUT_ROLES, STATE_VERSION].map(u64::from).contains(&found) {
            return Err(RestoreError::WrongVersion { found });
        }
        let mut saved: Saved = serde_json::from_value(state).map_err(RestoreError::Damaged)?;
        debug_assert!((STATE_WITHOUT_ROLES..=STATE_VERSION).contains(&saved.version));
        let mut replay = Self::new(detections, index, knowledge);
        let states = replay.windows.iter_mut().zip(&mut replay.behaviours);
        for (detection, (window, behaviour)) in detections.iter().zip(states) {
            let name = detection.reports.first().map_or("", |finding_type| finding_type.as_str());
            match (window, behaviour, saved.windows.remove(name)) {
                (Some(window), _, Some(state)) => window.load(state).map_err(RestoreError::Window)?,
                (_, Some(behaviour), Some(state)) => behaviour.load(state).map_err(RestoreError::Window)?,
                _ => {}
            }
        }
        replay.interfaces = saved.interfaces;
        replay.baselines = saved.baselines.into();
        replay.lessons = saved.lessons;
        replay.lessons_hour = saved.lessons_hour;
        replay.storms = saved.storms;
        replay.estate = saved.estate.restored();
        replay.conversations = saved.conversations;
        replay.folder = saved.folder;
        replay.identities = saved.identities;
        replay.groups = saved.groups;
        replay.counts = saved.counts;
        replay.hour = saved.hour;
        Ok(replay)
    }

    /// Takes out every slice that ends by `until` (all, if `None`), in order, and runs it. `spool` is the one that the
    /// facts were spilled to.
    pub fn run(
        &mut self,
        kept: &mut [FactLog],
        formats: &[FlowFormat],
        files: &dyn SourceFiles,
        spool: &mut dyn Spool,
        until: Option<Time>,
    ) -> io::Result<()> {
        let mut known = (std::mem::take(&mut self.places), std::mem::take(&mut self.call_keys));
        let run = self.run_known(kept, &mut known, &FactParser { formats, files }, spool, until);
        (self.places, self.call_keys) = known;
        self.baselines.settle();
        run
    }

    fn run_known(
        &mut self,
        kept: &mut [FactLog],
        known: &mut (Places, CallKeys),
        parser: &FactParser<'_>,
        spool: &mut dyn Spool,
        until: Option<Time>,
    ) -> io::Result<()> {
        let end_of = |slice: i64| Time::from_ms(slice.saturating_add(1).saturating_mul(SLICE_MS));
        let is_over = |slice: &i64| until.is_none_or(|until| end_of(*slice) <= until);
        let slices: BTreeSet<i64> = kept.iter().flat_map(FactLog::slices).filter(is_over).collect();
        let has_other_thread = self.threads > 1 && slices.len() > 1;
        let (spool, knowledge) = (&SharedSpool(Mutex::new(spool)), self.knowledge);
        // Adding up a slice needs nothing of what is judged before it.
        ahead::for_each(
            slices.into_iter(),
            |slice| Prepared::of(slice, kept, (known, knowledge), parser.files, &mut &*spool),
            |prepared| prepared.as_ref().is_ok_and(Prepared::is_large),
            has_other_thread,
            |prepared| {
                let Prepared { slice, facts, tallies, duplicates } = prepared?;
                self.counts.duplicates += duplicates;
                self.run_slice(&facts, parser, &mut &*spool)?;
                self.learn_until(Time::from_ms(slice.saturating_mul(SLICE_MS)));
                self.judge_tallies(&tallies, end_of(slice), parser.files);
                self.expire(end_of(slice));
                Ok(())
            },
        )
    }

    /// Facts are shown and parsed each time they are needed, never kept: a storm brings millions in ten minutes.
    fn run_slice(
        &mut self,
        (facts, kinds): &(OrderedFacts, Kinds),
        parser: &FactParser<'_>,
        spool: &mut dyn Spool,
    ) -> io::Result<()> {
        if kinds.interfaces {
            facts.for_each(spool, &mut |fact| {
                if fact.kind == FactKind::Interface {
                    self.learn_interface(fact);
                }
            })?;
        }
        if kinds.flows {
            facts.for_each(spool, &mut |fact| {
                if fact.kind == FactKind::Record(RecordKind::Flow)
                    && let Some(Record::Flow(flow)) = parser.record(fact)
                {
                    self.conversations.learn(
                        &flow,
                        &Context { knowledge: self.knowledge, own_lists: Some(&self.own_lists), estate: &self.estate },
                    );
                }
            })?;
        }
        let mut copies = Copies::default();
        facts.for_each(spool, &mut |fact| {
            if fact.kind != FactKind::Interface && !copies.joins(fact, parser) {
                if let Some(chosen) = copies.chosen() {
                    self.judge_once(&chosen, parser);
                }
                copies.begin(fact);
            }
        })?;
        if let Some(chosen) = copies.chosen() {
            self.judge_once(&chosen, parser);
        }
        Ok(())
    }

    /// Runs the rules on a fact unless its like has been seen.
    fn judge_once(&mut self, fact: &Fact<'_>, parser: &FactParser<'_>) {
        if !self.identities.is_new(fact.id, fact.time) || !self.groups.is_new(fact.group, fact.time) {
            return;
        }
        let Some(record) = parser.record(fact) else { return };
        let Some(file) = parser.files.get(fact.file) else { return };
        self.judge(&record, fact, file);
        if let Record::ApiCall(call) = &record {
            self.estate.learn_call(call);
        }
    }

    fn learn_interface(&mut self, fact: &Fact<'_>) {
        let mut parts = fact.text.split(' ').map(|part| if part == "-" { "" } else { part });
        let mut next = || parts.next().unwrap_or_default();
        let (account, interface, instance, address) = (next(), next(), next(), next());
        self.estate.learn_interface(account, interface, instance, address.parse().ok(), fact.time);
    }

    fn judge(&mut self, record: &Record<'_>, fact: &Fact<'_>, source: &SourceFile) {
        let (file, is_baseline) = (source.name.as_str(), source.is_baseline);
        self.counts.judged += 1;
        let mut signals = Vec::new();
        let end = match record {
            Record::Flow(flow) => flow.end.max(flow.start),
            _ => fact.time,
        };
        match record {
            Record::ApiCall(call) => {
                let wanted = call_listeners(self.index, self.knowledge, &self.own_lists, call);
                self.ask(wanted, &Observed::Call(call), &mut signals);
            }
            Record::Flow(flow) => {
                let context =
                    Context { knowledge: self.knowledge, own_lists: Some(&self.own_lists), estate: &self.estate };
                let Some(contact) = self.conversations.contact(flow, &context) else { return };
                let kinds = contact.lists(&context).ip_kinds(contact.remote);
                let wanted = self.index.flow_with(kinds & self.index.flow_kinds_wanted);
                self.ask(wanted, &Observed::Flow(&contact), &mut signals);
            }
            Record::DnsQuery(query) => {
                let wanted = query_listeners(self.index, self.knowledge, &self.own_lists, query);
                self.ask(wanted, &Observed::Query(query), &mut signals);
            }
        }
        if is_baseline {
            return;
        }
        signals.retain(|signal| self.is_wanted(signal));
        let occurrence =
            Occurrence { begin: fact.time, end, id: fact.id, file, position: fact.position, raw: fact.text };
        for signal in signals {
            self.folder.fold(signal, &occurrence);
        }
    }

    fn ask(&mut self, wanted: DetectionSet, observed: &Observed<'_>, signals: &mut Vec<Signal>) {
        let context = Context { knowledge: self.knowledge, own_lists: Some(&self.own_lists), estate: &self.estate };
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
                (Rule::Behaviour(_), _) => {
                    if let Some(behaviour) = &mut self.behaviours[place] {
                        behaviour.record(observed, &context, signals);
                    }
                }
                _ => {}
            }
        }
    }

    /// Shows the sums that ended with the slice to the behaviours, and folds what they found.
    fn judge_tallies(&mut self, tallies: &Tallies, end: Time, files: &dyn SourceFiles) {
        self.interfaces.learn(&tallies.flows);
        let context = Context { knowledge: self.knowledge, own_lists: Some(&self.own_lists), estate: &self.estate };
        let mut flows: Vec<FlowView<'_>> = Vec::with_capacity(tallies.flows.len());
        let mut own = OwnAddress::of(&self.interfaces);
        flows.extend(tallies.flows.iter().filter_map(|merged| flow_side::view(merged, &mut own, &context)));
        let shown = Shown {
            index: self.index,
            context,
            thresholds: &self.thresholds,
            baselines: &self.baselines,
            tallies,
            flows: &flows,
            end,
        };
        let mut verdicts = shown.to_all(&mut self.behaviours, &mut self.lessons, self.threads);
        let name = |file: u32| files.get(file).map_or("", |file| file.name.as_str());
        let teaches = |file: u32| files.get(file).is_some_and(|file| file.is_baseline);
        verdicts.retain(|verdict| self.is_wanted(&verdict.signal));
        verdicts.retain(|verdict| verdict.records.iter().any(|(_, place)| !teaches(place.file)));
        verdicts.sort_by_key(|verdict: &Verdict| verdict.begin);
        let per_day = self.thresholds.count(&NEW_FINDINGS_PER_DAY);
        for verdict in verdicts {
            let opens = self.folder.would_open(&verdict.signal, verdict.begin);
            let verdict = self.storms.pass(verdict, opens, per_day);
            self.folder.fold_verdict(verdict, name);
        }
    }

    /// Takes in what the hours before this moment taught. An hour may have no records in its last slice, so that its end is
    /// noticed when the next slice begins.
    fn learn_until(&mut self, begin: Time) {
        if begin.hour() > self.lessons_hour {
            self.lessons_hour = begin.hour();
            self.baselines.apply(std::mem::take(&mut self.lessons), self.threads > 1);
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
        for behaviour in self.behaviours.iter_mut().flatten() {
            self.counts.evicted += behaviour.expire(now);
        }
    }

    /// What is normal for the host with this id, in sentences with numbers: what the detections of behaviour know of it.
    pub fn describe_host(&self, host: &str) -> Vec<String> {
        self.behaviours.iter().flatten().flat_map(|behaviour| behaviour.describe(host)).collect()
    }

    /// What was learnt of principals and what they use, the last hour included.
    pub fn into_baselines(mut self) -> Baselines {
        self.baselines.apply(self.lessons, false);
        self.baselines.into_inner()
    }

    /// Begins to note which findings change, for [`Self::take_changed`].
    pub fn note_changes(&mut self) {
        self.folder.note_changes();
    }

    /// The findings that were opened or have grown since the last call, as they are now. What a saved state says has
    /// changed is not saved: take it, and keep it with the state.
    pub fn take_changed(&mut self) -> Vec<Finding> {
        self.folder.take_changed(self.knowledge)
    }

    /// Keeps the texts of a finding's records, which a behaviour had named by their places only.
    pub fn keep_evidence(&mut self, finding: &Finding) {
        self.folder.keep_evidence(finding);
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
        let sizes = self.windows.iter().zip(&self.behaviours).map(|(window, behaviour)| match (window, behaviour) {
            (Some(window), _) => Some(window.size()),
            (_, Some(behaviour)) => Some(behaviour.size()),
            _ => None,
        });
        for (detection, size) in self.detections.iter().zip(sizes) {
            if let (Some((count, bytes)), Some(name)) = (size, detection.reports.first()) {
                self.counts.state.push((format!("window of {name}"), count, bytes));
            }
        }
        for (detection, behaviour) in self.detections.iter().zip(&self.behaviours) {
            let learning = behaviour.as_ref().map_or_else(Vec::new, |behaviour| behaviour.learning(&self.thresholds));
            self.counts.learning.extend(learning.into_iter().map(|learning| StillLearning {
                types: detection.reports.to_vec(),
                entity_kind: learning.entity_kind.to_owned(),
                counts: (learning.learning, learning.judged),
                progress: (learning.reached, learning.of, learning.unit.to_owned()),
            }));
        }
        self.counts.summarised = self.storms.summarised;
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
            if self.ages.len() > IDENTITIES_MAX
                && let Some((_, oldest)) = self.ages.pop_front()
            {
                self.seen.remove(&oldest);
            }
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

/// What a slice holds besides calls and queries.
#[derive(Default)]
struct Kinds {
    interfaces: bool,
    flows: bool,
}

/// All facts of a slice in order, each with the file that stands for its content.
fn in_order(taken: Vec<Taken>, files: &dyn SourceFiles, spool: &mut dyn Spool) -> io::Result<(OrderedFacts, Kinds)> {
    let (mut sorter, mut kinds) = (Sorter::default(), Kinds::default());
    for taken in taken {
        taken.each_fact(spool, |mut fact, spool| {
            kinds.interfaces |= fact.kind == FactKind::Interface;
            kinds.flows |= fact.kind == FactKind::Record(RecordKind::Flow);
            fact.file = files.get(fact.file).map_or(fact.file, |file| file.canonical);
            sorter.push(&fact, spool)
        })?;
    }
    Ok((sorter.finish(spool)?, kinds))
}

/// The best yet of the copies of one event, which follow each other: copies differ in the account they were delivered
/// to, and the one in the caller's own says most; of several such the first in order.
#[derive(Default)]
struct Copies {
    /// The bytes of the chosen fact; empty: there is none.
    chosen: Vec<u8>,
    /// Its rank, once there was another to compare with.
    rank: Option<CopyRank>,
}

/// The lowest is preferred: whether it is not the caller's own, the account, the region.
type CopyRank = (bool, String, String);

impl Copies {
    fn chosen(&self) -> Option<Fact<'_>> {
        Fact::decode(&self.chosen).map(|(fact, _)| fact)
    }

    fn begin(&mut self, fact: &Fact<'_>) {
        self.replace(fact, None);
    }

    /// Whether the fact is a copy of the event held; if so, the better one is held from now on.
    fn joins(&mut self, fact: &Fact<'_>, parser: &FactParser<'_>) -> bool {
        let event = |fact: &Fact<'_>| (fact.time, fact.kind, fact.id);
        let Some(held) = self.chosen().filter(|held| fact.id != 0 && event(held) == event(fact)) else { return false };
        let held_rank = self.rank.clone().unwrap_or_else(|| parser.copy_rank(&held));
        let rank = parser.copy_rank(fact);
        if rank < held_rank {
            self.replace(fact, Some(rank));
        } else {
            self.rank = Some(held_rank);
        }
        true
    }

    fn replace(&mut self, fact: &Fact<'_>, rank: Option<CopyRank>) {
        self.chosen.clear();
        fact.encode(&mut self.chosen);
        self.rank = rank;
    }
}

/// What it takes to read a fact as the record it was.
struct FactParser<'a> {
    /// By number.
    formats: &'a [FlowFormat],
    files: &'a dyn SourceFiles,
}

impl FactParser<'_> {
    /// The record of this fact, if it is one.
    fn record<'r>(&'r self, fact: &Fact<'r>) -> Option<Record<'r>> {
        let FactKind::Record(kind) = fact.kind else { return None };
        let file = self.files.get(fact.file)?;
        let format = fact.format.checked_sub(1).and_then(|place| self.formats.get(place as usize));
        parse_record(fact.text, kind, &file.origin, format)
    }

    fn copy_rank(&self, fact: &Fact<'_>) -> CopyRank {
        match self.record(fact) {
            Some(Record::ApiCall(call)) => (!is_own_copy(&call), call.account().to_owned(), call.region.to_string()),
            _ => (false, String::new(), String::new()),
        }
    }
}

fn is_own_copy(call: &ApiCall<'_>) -> bool {
    !call.identity.account.is_empty() && call.identity.account == call.recipient_account
}

/// How many identities of a slice stand there again. Not more than about `at_once` are held at a time: then those of
/// each remainder are compared in turn.
fn count_duplicates(taken: &[Taken], at_once: usize, spool: &mut dyn Spool) -> io::Result<u64> {
    let count: usize = taken.iter().map(Taken::id_count).sum();
    let passes = count.div_ceil(at_once.max(1)) as u64;
    let (mut duplicates, mut values) = (0, Vec::with_capacity(count.min(at_once)));
    for pass in 0..passes {
        values.clear();
        for worker in taken {
            worker.each_id(spool, |id| {
                if id % passes == pass {
                    values.push(id);
                }
            })?;
        }
        values.sort_unstable();
        duplicates += values.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    }
    Ok(duplicates)
}

#[cfg(test)]
mod tests {
    use super::count_duplicates;
    use crate::facts::tests::Memory;
    use crate::facts::{FactLog, slice_of};
    use watchfire_model::Time;

    #[test]
    fn every_copy_beyond_the_first_is_a_duplicate() {
        let (mut one, mut other, mut spool) = (FactLog::default(), FactLog::default(), Memory::default());
        let time = Time::from_ms(0);
        for id in [7, 9, 7, 7, 8] {
            one.push_id(time, id);
        }
        one.spill(&mut spool).unwrap();
        other.push_id(time, 8);
        let taken = [one.take(slice_of(time)), other.take(slice_of(time))];
        for at_once in [1, 2, 100] {
            assert_eq!(count_duplicates(&taken, at_once, &mut spool).unwrap(), 3);
        }
    }
}
