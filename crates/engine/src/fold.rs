//! Signals about the same thing, folded into findings.
//!
//! The key is (type, account, region, entity), as each detection declares its entity. Occurrences come in order of
//! event time. A finding stays open for new occurrences until 90 days have passed without one; then the next
//! occurrence opens another. The newest occurrence's details replace the older ones, as in GuardDuty; severity is the
//! highest that any occurrence had, so that a finding never becomes milder by more of the same.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use watchfire_detections::Verdict;
use watchfire_detections::tally::RecordPlace;
use watchfire_knowledge::Knowledge;
use watchfire_model::{Action, Evidence, EvidenceRecord, Finding, FindingType, KnowledgeUsed, Signal, Time};

/// Without an occurrence for this long a finding is closed. Source: GuardDuty keeps findings for 90 days.
pub const OPEN_FOR_MS: i64 = 90 * Time::DAY_MS;
/// Records kept from the beginning of a finding, and as many from its end.
pub const EVIDENCE_MAX: usize = 5;
/// Bytes kept of one raw record; a longer one is cut, and its hash is of the whole.
const RAW_MAX: usize = 64 * 1024;
/// Probes shown in one finding. Source: as many as GuardDuty's samples show, times five.
const PROBES_MAX: usize = 20;
/// Distinct list entries remembered per finding.
const THREATS_MAX: usize = 100;

/// The record behind a signal.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'a> {
    /// When it began.
    pub begin: Time,
    /// When it ended.
    pub end: Time,
    /// `eventID`-derived identity; 0 for records without one.
    pub id: u128,
    /// The file it stands in.
    pub file: &'a str,
    /// Where in the file.
    pub position: u64,
    /// Its bytes.
    pub raw: &'a str,
}

/// All findings so far.
#[derive(Default, Serialize, Deserialize)]
pub struct Folder {
    /// Each finding in a box: a map's nodes are half empty, and a finding takes more than a kilobyte.
    #[serde(with = "open_findings")]
    open: BTreeMap<Key, Box<Finding>>,
    closed: Vec<Finding>,
    /// What has changed since [`Self::take_changed`]; whoever saves the state has taken it before. `None` until somebody
    /// asks for it: a scan reports all at its end.
    #[serde(skip)]
    changed: Option<Changed>,
}

/// What was opened or has grown.
#[derive(Default)]
struct Changed {
    open: BTreeSet<Key>,
    closed: Vec<Finding>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    finding_type: FindingType,
    account: String,
    region: String,
    entity: String,
}

impl Key {
    fn of(signal: &Signal) -> Self {
        Self {
            finding_type: signal.finding_type,
            account: signal.account.clone(),
            region: signal.region.clone(),
            entity: signal.entity.clone(),
        }
    }
}

impl Folder {
    /// Takes in one occurrence. Occurrences must come in order of time.
    pub fn fold(&mut self, signal: Signal, occurrence: &Occurrence<'_>) {
        self.fold_with(signal, occurrence, vec![evidence(occurrence)], 1);
    }

    fn fold_with(
        &mut self,
        signal: Signal,
        occurrence: &Occurrence<'_>,
        records: Vec<EvidenceRecord>,
        record_count: u64,
    ) {
        let key = Key::of(&signal);
        let stale = self.open.get(&key).is_some_and(|open| occurrence.begin.ms() - open.last_seen.ms() > OPEN_FOR_MS);
        if stale && let Some(open) = self.open.remove(&key) {
            match &mut self.changed {
                // Whoever takes changes has it from an earlier taking, or gets it with the next.
                Some(changed) => changed.closed.extend(changed.open.remove(&key).then_some(*open)),
                None => self.closed.push(*open),
            }
        }
        if let Some(changed) = &mut self.changed {
            changed.open.insert(key.clone());
        }
        match self.open.get_mut(&key) {
            Some(finding) => grow(finding, signal, occurrence),
            None => {
                let finding = Box::new(open(&key, signal, occurrence));
                self.open.insert(key.clone(), finding);
            }
        }
        if let Some(finding) = self.open.get_mut(&key) {
            add_evidence(&mut finding.evidence, records, record_count);
        }
    }

    /// Begins to note what changes, for [`Self::take_changed`].
    pub fn note_changes(&mut self) {
        self.changed.get_or_insert_default();
    }

    /// The findings that were opened or have grown since the last call, as they are now, in the order of their keys.
    pub fn take_changed(&mut self, knowledge: &Knowledge) -> Vec<Finding> {
        let Some(changed) = self.changed.as_mut().map(std::mem::take) else { return Vec::new() };
        let versions = knowledge.used_versions();
        let mut findings = changed.closed;
        findings.extend(changed.open.iter().filter_map(|key| Some((**self.open.get(key)?).clone())));
        for finding in &mut findings {
            finding.knowledge = knowledge_used(&finding.latest, &versions);
        }
        findings
    }

    /// Forgets the findings of an account and region: the next occurrence of any opens it anew.
    pub fn forget(&mut self, account: &str, region: &str) {
        let is_kept = |key: &Key| key.account != account || key.region != region;
        self.open.retain(|key, _| is_kept(key));
        if let Some(changed) = &mut self.changed {
            changed.open.retain(is_kept);
            changed.closed.retain(|finding| is_kept(&Key::of(&finding.latest)));
        }
    }

    /// Keeps the texts of a finding's records, which were fetched after it had been folded.
    pub fn keep_evidence(&mut self, finding: &Finding) {
        if let Some(open) = self.open.get_mut(&Key::of(&finding.latest))
            && open.id == finding.id
        {
            open.evidence.clone_from(&finding.evidence);
        }
    }

    /// Whether this would open a finding, and not grow one.
    pub fn would_open(&self, signal: &Signal, begin: Time) -> bool {
        let open = self.open.get(&Key::of(signal));
        open.is_none_or(|open| begin.ms() - open.last_seen.ms() > OPEN_FOR_MS)
    }

    /// Takes in what a behaviour found, with the records that it names. Their text is not known here.
    pub fn fold_verdict<'n>(&mut self, verdict: Verdict, file_name: impl Fn(u32) -> &'n str) {
        let Verdict { signal, begin, end, records, record_count } = verdict;
        let opening = records.first().map_or(RecordPlace::default(), |(_, place)| *place);
        let occurrence =
            Occurrence { begin, end, id: 0, file: file_name(opening.file), position: opening.position, raw: "" };
        let more = records.into_iter().map(|(time, place)| EvidenceRecord {
            time,
            file: file_name(place.file).to_owned(),
            position: place.position,
            sha256: String::new(),
            raw: String::new(),
        });
        self.fold_with(signal, &occurrence, more.collect(), record_count);
    }

    /// All findings with the knowledge that stands behind them: the worst first, then the oldest, then by id.
    pub fn findings(self, knowledge: &Knowledge) -> Vec<Finding> {
        let versions = knowledge.used_versions();
        let mut findings = self.closed;
        findings.extend(self.open.into_values().map(|finding| *finding));
        for finding in &mut findings {
            finding.knowledge = knowledge_used(&finding.latest, &versions);
        }
        findings.sort_unstable_by(|one, other| {
            let rank = |finding: &Finding| (std::cmp::Reverse(finding.latest.severity), finding.first_seen);
            rank(one)
                .cmp(&rank(other))
                .then_with(|| one.latest.finding_type.cmp(&other.latest.finding_type))
                .then_with(|| one.id.cmp(&other.id))
        });
        findings
    }
}

fn open(key: &Key, signal: Signal, occurrence: &Occurrence<'_>) -> Finding {
    Finding {
        id: finding_id(key, occurrence),
        latest: signal,
        count: 1,
        first_seen: occurrence.begin,
        last_seen: occurrence.end,
        created: occurrence.begin,
        updated: occurrence.end,
        evidence: Evidence::default(),
        knowledge: Vec::new(),
        archived: false,
    }
}

fn grow(finding: &mut Finding, mut signal: Signal, occurrence: &Occurrence<'_>) {
    finding.count += 1;
    finding.last_seen = finding.last_seen.max(occurrence.end);
    finding.updated = finding.updated.max(occurrence.end);
    signal.severity = signal.severity.max(finding.latest.severity);
    let mut threats = std::mem::take(&mut finding.latest.threats);
    for threat in std::mem::take(&mut signal.threats) {
        // An entry weighs less the older it is; of its occurrences the heaviest counts.
        match threats.iter().position(|known| known.is_same_entry(&threat)) {
            Some(at) if threats[at].weight < threat.weight => threats[at] = threat,
            Some(_) => {}
            None if threats.len() < THREATS_MAX => threats.push(threat),
            None => {}
        }
    }
    threats.sort_unstable();
    signal.threats = threats;
    keep_earlier_probes(&finding.latest.action, &mut signal.action);
    finding.latest = signal;
}

/// Keeps the first few records and the last few.
fn add_evidence(evidence: &mut Evidence, records: Vec<EvidenceRecord>, count: u64) {
    evidence.count += count;
    for record in records {
        if evidence.first.len() < EVIDENCE_MAX {
            evidence.first.push(record);
            continue;
        }
        if evidence.last.len() == EVIDENCE_MAX {
            evidence.last.remove(0);
        }
        evidence.last.push(record);
    }
}

/// A probe finding shows the latest probes of distinct ports and addresses, newest last.
fn keep_earlier_probes(earlier: &Action, newest: &mut Action) {
    let (Action::PortProbe(earlier), Action::PortProbe(newest)) = (earlier, newest) else { return };
    let mut probes = earlier.probes.clone();
    for probe in newest.probes.drain(..) {
        probes.retain(|known| known.local_port != probe.local_port || known.remote.ip != probe.remote.ip);
        probes.push(probe);
    }
    let surplus = probes.len().saturating_sub(PROBES_MAX);
    newest.probes = probes.split_off(surplus);
}

fn evidence(occurrence: &Occurrence<'_>) -> EvidenceRecord {
    let mut record = EvidenceRecord {
        time: occurrence.begin,
        file: occurrence.file.to_owned(),
        position: occurrence.position,
        sha256: String::new(),
        raw: String::new(),
    };
    show_text(&mut record, occurrence.raw);
    record
}

/// Puts a record's text into the evidence, with its hash; a very long one is cut.
pub fn show_text(record: &mut EvidenceRecord, text: &str) {
    record.sha256 = hex(&Sha256::digest(text.as_bytes()));
    text[..text.floor_char_boundary(RAW_MAX)].clone_into(&mut record.raw);
}

/// 32 hexadecimal digits from the key and the opening record: by its event id, else by its bytes and time.
///
/// The same records give the same id, whatever file they stand in.
fn finding_id(key: &Key, occurrence: &Occurrence<'_>) -> String {
    let mut hash = Sha256::new();
    for part in ["finding 1", key.finding_type.as_str(), &key.account, &key.region, &key.entity] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(occurrence.begin.ms().to_le_bytes());
    if occurrence.id == 0 {
        hash.update(occurrence.raw.as_bytes())
    } else {
        hash.update(occurrence.id.to_le_bytes())
    }
    hex(&hash.finalize()).chars().take(32).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The lists that matched, and the other sets that the signal says it consulted, with their versions.
fn knowledge_used(signal: &Signal, versions: &[KnowledgeUsed]) -> Vec<KnowledgeUsed> {
    let mut used: Vec<KnowledgeUsed> = signal
        .threats
        .iter()
        .map(|threat| KnowledgeUsed {
            name: threat.list.clone(),
            kind: threat.kind.name().to_owned(),
            version: threat.version.clone(),
        })
        .collect();
    let mut consulted: Vec<&str> = signal.consulted.iter().map(String::as_str).collect();
    match &signal.action {
        Action::DnsRequest(_) => consulted.push("public-suffixes"),
        _ => consulted.push("geography"),
    }
    used.extend(versions.iter().filter(|version| consulted.contains(&version.kind.as_str())).cloned());
    used.sort_unstable();
    used.dedup();
    used
}

/// A map with structured keys, as a list of pairs: JSON's keys are text.
mod open_findings {
    use super::{BTreeMap, Finding, Key};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        open: &BTreeMap<Key, Box<Finding>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(open.iter())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Key, Box<Finding>>, D::Error> {
        let pairs: Vec<(Key, Box<Finding>)> = Vec::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_model::Severity;

    const ROOT: FindingType = FindingType::new("Policy:IAMUser/RootCredentialUsage");

    fn fold_at(folder: &mut Folder, day: i64, severity: Severity) {
        let begin = Time::from_ms(day * Time::DAY_MS);
        let raw = format!("record of day {day}");
        folder.fold(
            Signal::new(ROOT, severity, "root"),
            &Occurrence { begin, end: begin, id: 0, file: "a", position: 0, raw: &raw },
        );
    }

    #[test]
    fn occurrences_fold_and_severity_never_falls() {
        let mut folder = Folder::default();
        fold_at(&mut folder, 1, Severity::HIGH);
        fold_at(&mut folder, 2, Severity::LOW);
        let findings = folder.findings(&Knowledge::default());
        assert_eq!((findings.len(), findings[0].count), (1, 2));
        assert_eq!(findings[0].latest.severity, Severity::HIGH);
        assert_eq!(findings[0].created, Time::from_ms(Time::DAY_MS));
    }

    #[test]
    fn what_changed_is_told_once_and_in_its_latest_state() {
        let mut folder = Folder::default();
        fold_at(&mut folder, 0, Severity::LOW);
        assert!(folder.take_changed(&Knowledge::default()).is_empty(), "nobody had asked for it");
        folder.note_changes();
        fold_at(&mut folder, 1, Severity::LOW);
        fold_at(&mut folder, 2, Severity::LOW);
        fold_at(&mut folder, 99, Severity::LOW);
        let counts = |folder: &mut Folder| -> Vec<u64> {
            folder.take_changed(&Knowledge::default()).iter().map(|finding| finding.count).collect()
        };
        assert_eq!(counts(&mut folder), [3, 1], "the one that was closed, and the one that followed it");
        assert!(counts(&mut folder).is_empty());
    }

    #[test]
    fn ninety_quiet_days_close_a_finding() {
        let mut folder = Folder::default();
        for day in [0, 90, 181] {
            fold_at(&mut folder, day, Severity::LOW);
        }
        let counts: Vec<u64> = folder.findings(&Knowledge::default()).iter().map(|finding| finding.count).collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn evidence_is_bounded_and_keeps_both_ends() {
        let mut folder = Folder::default();
        for day in 0..30 {
            fold_at(&mut folder, day, Severity::LOW);
        }
        let evidence = &folder.findings(&Knowledge::default())[0].evidence;
        assert_eq!(evidence.count, 30);
        assert_eq!(evidence.first.len() + evidence.last.len(), 2 * EVIDENCE_MAX);
        assert_eq!(evidence.last[EVIDENCE_MAX - 1].raw, "record of day 29");
    }

    #[test]
    fn a_saved_folder_goes_on_where_it_stopped() {
        let (mut whole, mut first) = (Folder::default(), Folder::default());
        fold_at(&mut first, 1, Severity::LOW);
        fold_at(&mut whole, 1, Severity::LOW);
        let mut second: Folder = serde_json::from_value(serde_json::to_value(&first).unwrap()).unwrap();
        fold_at(&mut second, 2, Severity::LOW);
        fold_at(&mut whole, 2, Severity::LOW);
        assert_eq!(second.findings(&Knowledge::default()), whole.findings(&Knowledge::default()));
    }
}
