//! A supply of logs falls silent, or is thinned.

use crate::behaviour::{Behaviour, FlowView, Learning, Scene, Verdict};
use crate::shared::state::{self, pairs};
use crate::shared::tallied_flow::{minute, quoted};
use crate::tally::{CallTally, CallTallyKey, Client, Place, QueryKey, QueryTally, RecordPlace};
use crate::thresholds::{Threshold, Thresholds};
use crate::{Detection, Interest, Rule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use watchfire_model::{
    AccessKey, Action, ApiCallAction, FindingType, Resource, ResourceKind, ResourceRole, Severity, Signal, Time,
};

const SILENT: FindingType = FindingType::new("Stealth:IAMUser/LogSupplySilent.Watchfire");

/// How long a supply must be silent, or thin.
pub(crate) static HOURS: Threshold = Threshold {
    key: "iam_user.log_supply_silent.hours",
    default: 3.0,
    min: 1.0,
    max: 168.0,
    unit: "whole clock hours",
    source: "Our choice: CloudTrail delivers within 15 minutes and flow logs within 10 as a rule (AWS documentation); an outage \
             of delivery that is made up for is shorter",
    summary: "how long a source must be silent or thin",
};

/// How much is missing.
pub(crate) static RECORDS: Threshold = Threshold {
    key: "iam_user.log_supply_silent.records",
    default: 100.0,
    min: 5.0,
    max: 1e9,
    unit: "records",
    source: "Our choice: where 100 are due, a Poisson source is silent with a probability of 4e-44 and thinned to a tenth with \
             1e-30; what remains is that the source is not as it was",
    summary: "how many records the same hours must have brought at least in all weeks before",
};

/// What counts as thinned.
pub(crate) static THINNED_PERCENT: Threshold = Threshold {
    key: "iam_user.log_supply_silent.thinned_percent",
    default: 10.0,
    min: 0.0,
    max: 50.0,
    unit: "percent of the least that these hours ever brought",
    source: "Our choice: less than a tenth of the least is no slow day; a filter or a sampled supply leaves less",
    summary: "how little must be left of a source to be called thinned",
};

/// How long a source is only learnt.
pub(crate) static LEARNING_DAYS: Threshold = Threshold {
    key: "iam_user.log_supply_silent.learning_days",
    default: 7.0,
    min: 2.0,
    max: 28.0,
    unit: "days",
    source: "Our choice: a week holds each hour of the week once, and a weekend",
    summary: "how long a source must have been seen before it is judged",
};

/// Hours remembered of each source: four weeks, so that each hour of the week is known four times.
const HISTORY_HOURS: usize = 4 * WEEK_HOURS;
const WEEK_HOURS: usize = 168;
/// Without two weeks, the same hour of so many working days, or of so many days of weekends, says what is usual. Our choice.
const DAYS_ALIKE: usize = 5;
/// See [`DAYS_ALIKE`].
const WEEKEND_DAYS_ALIKE: usize = 2;
/// A silence must be so many times as long as the longest one of the source before. Our choice: a holiday before or after a
/// weekend makes less than twice a weekend.
const TIMES_LONGEST: u32 = 2;
/// After so many hours thin is the new normal.
const THIN_FOR_MAX: u32 = 168;
/// A source silent for so long is forgotten, and so is all if the whole input is.
const FORGOTTEN_HOURS: i64 = 30 * 24;
/// Sources remembered: 4 KB each.
const SOURCES_MAX: usize = 4_096;
/// Calls that switch logs off, remembered for as long as they may explain a silence.
const SWITCHES_MAX: usize = 64;
/// How far such a call may lie from the last record. Flow records are delivered for some minutes after it.
const SWITCH_NEAR_MS: i64 = Time::HOUR_MS;
/// Stands for an hour that teaches nothing: the first of a source, and what was reported.
const NOT_LEARNT: u32 = u32::MAX;
/// Other sources named in a finding.
const OTHERS_SHOWN: usize = 3;
const STATE_VERSION: u32 = 1;

/// Whether logs may stop after this call.
pub(crate) fn switches_logs(source: &str, name: &str, error_code: &str) -> bool {
    let service = source.trim_end_matches(".amazonaws.com");
    error_code.is_empty() && SWITCHES.iter().any(|named| named.split_once(':') == Some((service, name)))
}

/// Calls after which logs may stop. Source: AWS's references of CloudTrail, EC2 and Route 53 Resolver.
const SWITCHES: [&str; 8] = [
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
    "cloudtrail:UpdateTrail",
    "cloudtrail:PutEventSelectors",
    "ec2:DeleteFlowLogs",
    "ec2:DeleteVpc",
    "route53resolver:DisassociateResolverQueryLogConfig",
    "route53resolver:DeleteResolverQueryLogConfig",
];

pub(crate) const DETECTION: Detection = Detection {
    reports: &[SILENT],
    summary: "A log source that was never silent at this hour fell silent, or brings a fraction of what it did.",
    listens: &[Interest::CallTallies, Interest::FlowTallies, Interest::QueryTallies],
    needs: &[],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Supplies::default())),
};

/// Evidence: for each source (account, region, kind of log, and for flows and queries the VPC) the records of each clock hour
/// are counted for four weeks. A source is silent if three whole hours or more brought nothing, though the same hours of the
/// week brought at least 100 records in every week before (in the first two weeks: the same hours of five working days, or
/// of two days of weekends), and if that is at least twice as long as any silence of this source before. It is thinned if
/// three hours brought a tenth or less of the least that they ever brought in their hour of the week, and less than half of
/// the least of any day.
///
/// The end of the input is no silence: other sources of the account must go on meanwhile, or the source itself must come back.
/// What is handed over of several accounts often ends on different days. Where all sources of an account are silent and come
/// back together, that is one finding: a gap in what was handed over is a gap, whoever made it. The beginning is no silence either, nor a night, a weekend or a holiday.
///
/// What was reported teaches nothing. CloudTrail counts as calls by principals, without those of AWS's own services.
///
/// Interfaces are not watched one by one. One that falls silent beside others that go on is what an instance that stops, a task
/// that ends or a fleet that shrinks looks like, all day long. A flow log, of one interface or of all, is switched off by a call,
/// which has a type of its own; and nothing that runs on an instance keeps its interface's traffic from being logged.
///
/// False positives: a file or a day that was not handed over, which the finding cannot tell from one that was not delivered; a
/// VPC, region or application that was given up, after which the source is reported once; a large job that ended for good.
#[derive(Default, Serialize, Deserialize)]
struct Supplies {
    /// The hour that is being counted.
    hour: Option<i64>,
    #[serde(with = "pairs")]
    sources: BTreeMap<Source, Supply>,
    /// Calls that may have switched logs off, in order.
    switches: VecDeque<Switch>,
    /// Tallies of one source in a row.
    #[serde(skip)]
    run: Option<(Source, Counted)>,
    /// Calls of one client in a row.
    #[serde(skip)]
    client: Option<(i64, Client, bool, Counted)>,
    /// Where the last flows were seen: those of one place follow each other.
    #[serde(skip)]
    flows_at: Option<Place>,
    evicted: u64,
}

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Source {
    account: Box<str>,
    region: Box<str>,
    kind: Kind,
    /// The VPC, for flows and queries; empty if it is not known.
    vpc: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    Calls,
    DataEvents,
    Flows,
    Queries,
}

/// A record that stands for others, in order of time and of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Seen {
    at: Time,
    id: u64,
    place: RecordPlace,
}

/// Records of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    records: u64,
    first: Seen,
    last: Seen,
}

impl Counted {
    fn merge(&mut self, other: &Self) {
        self.records = self.records.saturating_add(other.records);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// What is known of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Supply {
    first_hour: i64,
    /// Records of each hour up to the last that was judged, oldest first.
    counts: VecDeque<u32>,
    /// The last hours, with what was due at least, and whether others went on.
    recent: VecDeque<(u32, Option<u32>, bool)>,
    /// Of the hour that is being counted.
    current: Option<Counted>,
    /// The last record before that hour.
    last: Seen,
    gap: Option<Gap>,
    /// For how many hours it has been thin, once that was reported.
    thin_for: Option<u32>,
}

/// Hours without a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    since: i64,
    hours: u32,
    /// What was due at least.
    due: u64,
    /// Hours in which others of the account went on.
    with_others: u32,
    /// The longest silence before.
    longest: u32,
    is_reported: bool,
}

/// A call that may have switched logs off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Switch {
    seen: Seen,
    account: Box<str>,
    region: Box<str>,
    service: Box<str>,
    api: Box<str>,
    principal: Box<str>,
    address: Box<str>,
    user_agent: Box<str>,
    key: AccessKey,
}

/// Which other sources went on in an hour.
#[derive(Clone, Copy, Default)]
struct Others {
    /// One of any account.
    of_any: bool,
    /// One of the same account.
    of_account: bool,
}

/// Sources of one account, and what is wrong with them.
type Group = Vec<(Source, Found)>;

/// What is wrong with a source.
struct Found {
    what: What,
    /// Begin of the first hour concerned.
    begin: Time,
    /// Hours concerned, the records they brought, and those that were due at least.
    hours: u32,
    records: u64,
    due: u64,
    /// Records to show.
    shown: Vec<Seen>,
}

enum What {
    /// None since the last record; where it came back, its first record.
    Silent { last: Seen, back: Option<Seen>, longest: u32, with_others: bool },
    /// Fewer; the least of any day.
    Thinned { least_of_any_day: u64 },
}

impl Behaviour for Supplies {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let Some(conversation) = view.tally.conversations.kept().first() else { return };
        let seen = Seen { at: view.moment(conversation.first), id: 0, place: conversation.place };
        let (place, hour) = (view.place, view.key.slice.div_euclid(6));
        let counted = Counted { records: view.record_count(), first: seen, last: seen };
        if let Some((source, run)) = &mut self.run
            && source.kind == Kind::Flows
            && self.hour.is_some_and(|counting| hour <= counting)
            && self.flows_at.as_ref().is_some_and(|last| last.is(place))
        {
            run.merge(&counted);
            return;
        }
        self.flows_at = Some(place.clone());
        self.add(hour, (Kind::Flows, &place.account, &place.region, &place.vpc), counted, scene);
    }

    fn query(&mut self, key: &QueryKey, tally: &QueryTally, scene: &mut Scene<'_>) {
        let Some(name) = tally.names.kept().first() else { return };
        let seen = Seen { at: QueryTally::moment(key.hour, name.first), id: 0, place: name.place };
        self.add(
            key.hour,
            (Kind::Queries, &key.place.account, &key.place.region, &key.place.vpc),
            Counted { records: u64::from(tally.queries), first: seen, last: seen },
            scene,
        );
    }

    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        let id = (tally.first_id >> 64) as u64 ^ tally.first_id as u64;
        let seen = Seen { at: tally.first, id, place: tally.place };
        self.reach(key.hour, scene);
        let counted = Counted { records: tally.calls, first: seen, last: seen };
        match &mut self.client {
            Some((hour, client, is_data, run))
                if *hour == key.hour && *is_data == key.is_data && *client == key.client =>
            {
                run.merge(&counted);
            }
            _ => {
                self.end_client(scene);
                self.client = Some((key.hour, key.client.clone(), key.is_data, counted));
            }
        }
        if key.api.deed().switches_logs {
            self.note_switch(key, seen);
        }
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.end_client(scene);
        self.flush();
        let hour = end.ms().div_euclid(Time::HOUR_MS);
        if end.ms().rem_euclid(Time::HOUR_MS) == 0 {
            self.advance(hour, scene);
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        let is_near = |switch: &Switch| now.ms() - switch.seen.at.ms() <= 2 * Time::DAY_MS;
        self.switches.retain(is_near);
        self.sources.retain(|_, supply| now.hour() - supply.last.at.hour() <= FORGOTTEN_HOURS);
        std::mem::take(&mut self.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let hours: usize = self.sources.values().map(|supply| supply.counts.len() * 4 + supply.recent.len() * 12).sum();
        (self.sources.len() as u64, (hours + self.sources.len() * 300) as u64)
    }

    fn learning(&self, thresholds: &Thresholds) -> Vec<Learning> {
        let days = |supply: &Supply| (supply.counts.len() / 24) as u32;
        let needed = u32::try_from(thresholds.count(&LEARNING_DAYS)).unwrap_or(u32::MAX);
        let young: Vec<u32> = self.sources.values().map(days).filter(|days| *days < needed).collect();
        let Some(reached) = young.iter().max() else { return Vec::new() };
        vec![Learning {
            entity_kind: "log source",
            learning: young.len() as u64,
            judged: (self.sources.len() - young.len()) as u64,
            reached: reached + 1,
            of: needed,
            unit: "day",
        }]
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        *self = state::load(SILENT, STATE_VERSION, saved)?;
        Ok(())
    }
}

impl Supplies {
    fn add(
        &mut self,
        hour: i64,
        (kind, account, region, vpc): (Kind, &str, &str, &str),
        counted: Counted,
        scene: &mut Scene<'_>,
    ) {
        self.reach(hour, scene);
        if let Some((source, run)) = &mut self.run
            && source.kind == kind
            && (&*source.account, &*source.region, &*source.vpc) == (account, region, vpc)
        {
            run.merge(&counted);
            return;
        }
        self.flush();
        let source = Source { account: account.into(), region: region.into(), kind, vpc: vpc.into() };
        self.run = Some((source, counted));
    }

    /// Ends all hours before this one, if it is the first record of its hour.
    fn reach(&mut self, hour: i64, scene: &mut Scene<'_>) {
        if self.hour.is_none_or(|counting| hour > counting) {
            self.end_client(scene);
            self.flush();
            self.advance(hour, scene);
        }
    }

    /// Adds what was counted of one client in a row.
    fn end_client(&mut self, scene: &mut Scene<'_>) {
        if let Some((hour, client, is_data, counted)) = self.client.take() {
            let kind = if is_data { Kind::DataEvents } else { Kind::Calls };
            self.add(hour, (kind, &client.account, &client.region, ""), counted, scene);
        }
    }

    /// Adds what was counted of one source in a row.
    fn flush(&mut self) {
        let (Some((source, counted)), Some(hour)) = (self.run.take(), self.hour) else { return };
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.evicted += 1;
            return;
        }
        let supply = self.sources.entry(source).or_insert_with(|| Supply::new(hour, counted.first));
        match &mut supply.current {
            Some(current) => current.merge(&counted),
            current => *current = Some(counted),
        }
    }

    fn note_switch(&mut self, key: &CallTallyKey, seen: Seen) {
        let client = &key.client;
        let name = if client.issuer_name.is_empty() { &client.user_name } else { &client.issuer_name };
        self.switches.push_back(Switch {
            seen,
            account: (&*client.account).into(),
            region: (&*client.region).into(),
            service: key.api.source.clone(),
            api: key.api.name.clone(),
            principal: (&*client.arn).into(),
            address: (&*client.source_address).into(),
            user_agent: (&*client.user_agent).into(),
            key: AccessKey {
                access_key_id: client.access_key_id.to_string(),
                principal_id: client.principal_id.to_string(),
                user_name: name.to_string(),
                user_type: client.identity_type.to_string(),
            },
        });
        if self.switches.len() > SWITCHES_MAX {
            self.switches.pop_front();
        }
    }

    /// Ends all hours before this one.
    fn advance(&mut self, hour: i64, scene: &mut Scene<'_>) {
        if self.hour.is_some_and(|counting| hour <= counting) {
            return; // What comes late counts to the hour that is open.
        }
        let Some(counting) = self.hour.replace(hour) else { return };
        if hour - counting > FORGOTTEN_HOURS {
            self.sources.clear();
        }
        for ended in counting..hour.min(counting + FORGOTTEN_HOURS) {
            self.end_hour(ended, scene);
        }
    }

    fn end_hour(&mut self, hour: i64, scene: &mut Scene<'_>) {
        let going: Vec<(Source, u64)> =
            self.sources.iter().filter_map(|(source, supply)| supply.goes_on(hour, source)).collect();
        let mut found: Vec<(Source, Found)> = Vec::new();
        for (source, supply) in &mut self.sources {
            let others = going.iter().map(|(other, _)| other).filter(|other| *other != source);
            let others = others.fold(Others::default(), |others, other| Others {
                of_any: true,
                of_account: others.of_account || other.account == source.account,
            });
            found.extend(supply.end_hour(hour, others, scene.thresholds).map(|found| (source.clone(), found)));
        }
        let mut groups: BTreeMap<(Box<str>, Option<Time>), Group> = BTreeMap::new();
        for (source, found) in found {
            let begin = Some(found.begin).filter(|_| found.is_of_all());
            groups.entry((source.account.clone(), begin)).or_default().push((source, found));
        }
        for ((_, begin), group) in groups {
            match (begin, &*group) {
                (Some(_), [_, _, ..]) => scene.verdicts.extend(self.of_account(&group, scene)),
                _ => {
                    let verdicts = group.iter().map(|(source, found)| self.verdict(source, found, &going, scene));
                    let verdicts: Vec<Verdict> = verdicts.collect();
                    scene.verdicts.extend(verdicts);
                }
            }
        }
    }

    /// The call that may have done it: of those near the last record the nearest.
    fn switch(&self, source: &Source, last: Time) -> Option<&Switch> {
        let is_trail = matches!(source.kind, Kind::Calls | Kind::DataEvents);
        let distance = |switch: &&Switch| (switch.seen.at.ms() - last.ms()).abs();
        let near = self.switches.iter().filter(|switch| {
            let of_kind = match &*switch.service {
                "cloudtrail.amazonaws.com" => is_trail,
                "ec2.amazonaws.com" => source.kind == Kind::Flows,
                _ => source.kind == Kind::Queries,
            };
            // A trail's home may be elsewhere, and not all formats of flow logs name the region.
            let is_there = is_trail || source.region.is_empty() || switch.region == source.region;
            of_kind && switch.account == source.account && is_there
        });
        near.filter(|switch| distance(switch) <= SWITCH_NEAR_MS).min_by_key(|switch| (distance(switch), switch.seen))
    }

    fn verdict(&self, source: &Source, found: &Found, going: &[(Source, u64)], scene: &Scene<'_>) -> Verdict {
        let named = source.named();
        let mut signal = self.signal(source, found, source.entity(), scene);
        let others: Vec<&(Source, u64)> = going.iter().filter(|(other, _)| other != source).collect();
        let (end, settings) = (found.end(), scene.thresholds);
        match &found.what {
            What::Silent { last, back, longest, .. } => {
                let until = back.map_or_else(
                    || format!("none came until {}, as far as these logs go", minute(end)),
                    |back| format!("the next is of {}", minute(back.at)),
                );
                signal.title = format!("{named}: the logs fell silent.");
                signal.description = format!(
                    "The last record of {named} is of {}; {until}. The same hours brought at least {} records in the weeks \
                     before. Somebody may have switched the logs off.",
                    minute(last.at),
                    found.due
                );
                signal.reasons.push(format!(
                    "The last record is of {}; {until}: {} whole hours without one. At least {} are asked for, and {TIMES_LONGEST} \
                     times the longest silence of this source before, which was {longest} hours.",
                    minute(last.at),
                    found.hours,
                    quoted(&HOURS, settings)
                ));
                signal.reasons.push(format!(
                    "The same hours brought at least {} records in every week before; at least {} are asked for.",
                    found.due,
                    quoted(&RECORDS, settings)
                ));
            }
            What::Thinned { least_of_any_day } => {
                signal.title = format!("{named}: the logs were thinned.");
                signal.description = format!(
                    "From {} to {} there were {} records of {named}; the same hours brought at least {} in the weeks before. \
                     Somebody may have narrowed what is logged.",
                    minute(found.begin),
                    minute(end),
                    found.records,
                    found.due
                );
                signal.reasons.push(format!(
                    "{} records in {} hours, {} of them due at least: {} of 100. At most {} of 100 count as thinned, where at least \
                     {} are due. The least of any day in these hours of day were {least_of_any_day}.",
                    found.records,
                    found.hours,
                    found.due,
                    found.records * 100 / found.due.max(1),
                    quoted(&THINNED_PERCENT, settings),
                    quoted(&RECORDS, settings)
                ));
            }
        }
        signal.reasons.push(if others.is_empty() {
            "No other source of these logs went on meanwhile: what is missing may never have been handed over."
                .to_owned()
        } else {
            let shown = others.iter().take(OTHERS_SHOWN).map(|(other, count)| format!("{} ({count})", other.named()));
            let more = others.len().saturating_sub(OTHERS_SHOWN);
            let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
            format!(
                "Other sources went on; records of the last of these hours: {}{rest}.",
                shown.collect::<Vec<_>>().join(", ")
            )
        });
        found.verdict_with(signal)
    }

    /// All sources of one account at once.
    fn of_account(&self, group: &[(Source, Found)], scene: &Scene<'_>) -> Option<Verdict> {
        let (source, first) = group.first()?;
        let What::Silent { last, .. } = first.what else { return None };
        let named = format!("{} log sources of {}", group.len(), source.account);
        let mut signal = self.signal(source, first, format!("{} log sources", group.len()), scene);
        signal.title = format!("{named} have a gap.");
        signal.description = format!(
            "No record of {named} is there between {} and {}. The same hours were never silent before.",
            minute(first.begin),
            minute(first.end())
        );
        signal.reasons.push(format!(
            "{} whole hours are missing from {}: {} records at least were due. A gap in what was handed over is a gap, whoever made \
             it: see whether the files of these hours exist.",
            first.hours,
            group.iter().map(|(source, _)| source.named()).collect::<Vec<_>>().join(", "),
            group.iter().map(|(_, found)| found.due).sum::<u64>()
        ));
        signal.reasons.push(format!(
            "The last record of {} before is of {}. At least {} hours and {} records are asked for.",
            source.named(),
            minute(last.at),
            quoted(&HOURS, scene.thresholds),
            quoted(&RECORDS, scene.thresholds)
        ));
        Some(first.verdict_with(signal))
    }

    fn signal(&self, source: &Source, found: &Found, entity: String, scene: &Scene<'_>) -> Signal {
        let severity = match found.what {
            What::Silent { .. } => Severity::MEDIUM,
            What::Thinned { .. } => Severity::LOW,
        };
        let mut signal = Signal::new(SILENT, severity, entity);
        signal.account = source.account.to_string();
        signal.region = source.region.to_string();
        signal.role = Some(ResourceRole::Target);
        signal.resource = Resource { kind: ResourceKind::AccessKey, ..Resource::default() };
        let last = match found.what {
            What::Silent { last, .. } => last.at,
            What::Thinned { .. } => found.begin,
        };
        if let Some(switch) = self.switch(source, last) {
            signal.reasons.push(format!(
                "{} called {}:{} from {} at {}.",
                switch.principal,
                switch.service.trim_end_matches(".amazonaws.com"),
                switch.api,
                switch.address,
                minute(switch.seen.at)
            ));
            signal.resource.access_key = Some(switch.key.clone());
            signal.action = Action::ApiCall(ApiCallAction {
                api: switch.api.to_string(),
                service: switch.service.to_string(),
                caller_type: "Remote IP".to_owned(),
                user_agent: switch.user_agent.to_string(),
                remote: switch.address.parse().ok().map(|address| scene.context.knowledge.remote(address)),
                ..ApiCallAction::default()
            });
        } else {
            signal.missing.push(
                "Why is not known: no call that switches these logs off was seen near the last record.".to_owned(),
            );
        }
        signal.missing.push(
            "Whether records were not made, not delivered or not handed over cannot be told from logs alone."
                .to_owned(),
        );
        signal
    }
}

impl Source {
    fn named(&self) -> String {
        let Self { account, region, vpc, .. } = self;
        let of = if vpc.is_empty() { account.to_string() } else { format!("{vpc} ({account})") };
        let kind = match self.kind {
            Kind::Calls => "CloudTrail management events",
            Kind::DataEvents => "CloudTrail data events",
            Kind::Flows => "VPC flow records",
            Kind::Queries => "Resolver queries",
        };
        let place = if region.is_empty() { String::new() } else { format!(" in {region}") };
        format!("{kind} of {of}{place}")
    }

    /// Within an account and a region.
    fn entity(&self) -> String {
        let kind = match self.kind {
            Kind::Calls => "management events",
            Kind::DataEvents => "data events",
            Kind::Flows => "flow records",
            Kind::Queries => "resolver queries",
        };
        format!("{kind} {}", self.vpc).trim_end().to_owned()
    }
}

impl Supply {
    fn new(first_hour: i64, first: Seen) -> Self {
        Self {
            first_hour,
            counts: VecDeque::new(),
            recent: VecDeque::new(),
            current: None,
            last: first,
            gap: None,
            thin_for: None,
        }
    }

    /// Records so many hours before the hour that is judged, if they were learnt.
    fn ago(&self, hours: usize) -> Option<u32> {
        let at = self.counts.len().checked_sub(hours)?;
        self.counts.get(at).copied().filter(|count| *count != NOT_LEARNT)
    }

    /// The least that this hour brought before: in its hour of the week, or while there are not two weeks, on days alike.
    fn least(&self, hour: i64) -> Option<u32> {
        let weekly = || (1..=4).filter_map(|week| self.ago(week * WEEK_HOURS));
        if weekly().count() >= 2 {
            return weekly().min();
        }
        let is_weekend = |days_ago: i64| is_weekend(hour - 24 * days_ago);
        let alike = || (1..=28_usize).filter(|days| is_weekend(*days as i64) == is_weekend(0));
        let daily = || alike().filter_map(|days| self.ago(24 * days));
        let needed = if is_weekend(0) { WEEKEND_DAYS_ALIKE } else { DAYS_ALIKE };
        (daily().count() >= needed).then(|| daily().min()).flatten()
    }

    /// Whether the hour brought about what is usual, and how much.
    fn goes_on(&self, hour: i64, source: &Source) -> Option<(Source, u64)> {
        let records = self.current.map_or(0, |current| current.records);
        let is_usual = self.least(hour).is_none_or(|least| records.saturating_mul(2) >= u64::from(least));
        (records > 0 && is_usual).then(|| (source.clone(), records))
    }

    fn end_hour(&mut self, hour: i64, others: Others, thresholds: &Thresholds) -> Option<Found> {
        let current = self.current.take();
        if hour <= self.first_hour {
            self.push(NOT_LEARNT); // It may have begun in the middle of the hour.
            self.last = current.map_or(self.last, |current| current.last);
            return None;
        }
        let is_learnt = self.counts.len() as u64 >= thresholds.count(&LEARNING_DAYS).saturating_mul(24);
        let least = self.least(hour).filter(|_| is_learnt);
        let count = current.map_or(0, |current| u32::try_from(current.records).unwrap_or(NOT_LEARNT - 1));
        self.recent.push_back((count, least, others.of_any));
        if self.recent.len() > WEEK_HOURS {
            self.recent.pop_front();
        }
        let found = match current {
            None => self.note_silence(hour, least, others.of_account, thresholds),
            Some(current) => {
                let found = match self.gap.take() {
                    Some(gap) => self.end_silence(&gap, &current, thresholds),
                    None => self.note_thin(hour, thresholds),
                };
                let teaches = found.is_none() && self.thin_for.is_none();
                self.push(if teaches { count } else { NOT_LEARNT });
                self.last = current.last;
                found
            }
        };
        self.note_recovery(count, least);
        found
    }

    fn push(&mut self, count: u32) {
        self.counts.push_back(count);
        if self.counts.len() > HISTORY_HOURS {
            self.counts.pop_front();
        }
    }

    /// Forgets the last hours: they are not usual.
    fn unlearn(&mut self, hours: u32) {
        let begin = self.counts.len().saturating_sub(hours as usize);
        self.counts.range_mut(begin..).for_each(|count| *count = NOT_LEARNT);
    }

    fn note_silence(&mut self, hour: i64, least: Option<u32>, others: bool, thresholds: &Thresholds) -> Option<Found> {
        let longest = self.longest_silence();
        let fresh = || Gap { since: hour, hours: 0, due: 0, with_others: 0, longest, is_reported: false };
        let mut gap = self.gap.take().unwrap_or_else(fresh);
        gap.hours += 1;
        gap.due += u64::from(least.unwrap_or(0));
        gap.with_others += u32::from(others);
        self.push(if gap.is_reported { NOT_LEARNT } else { 0 });
        // Now and then all others may be silent too.
        let found = (!gap.is_reported && gap.is_long(thresholds) && gap.has_others()).then(|| {
            gap.is_reported = true;
            self.unlearn(gap.hours);
            gap.found(self.last, None)
        });
        self.gap = Some(gap);
        found
    }

    fn end_silence(&mut self, gap: &Gap, current: &Counted, thresholds: &Thresholds) -> Option<Found> {
        if !gap.is_reported && !gap.is_long(thresholds) {
            return None;
        }
        self.unlearn(gap.hours);
        Some(gap.found(self.last, Some(current.first)))
    }

    fn longest_silence(&self) -> u32 {
        let (mut longest, mut run) = (0, 0);
        for count in &self.counts {
            run = if *count == 0 { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest
    }

    fn note_thin(&mut self, hour: i64, thresholds: &Thresholds) -> Option<Found> {
        let hours = usize::try_from(thresholds.count(&HOURS)).unwrap_or(WEEK_HOURS);
        if self.thin_for.is_some() || self.recent.len() < hours {
            return None;
        }
        let window = || self.recent.iter().rev().take(hours);
        let due = window().map(|(_, least, _)| least.map(u64::from)).sum::<Option<u64>>()?;
        let records: u64 = window().map(|(count, ..)| u64::from(*count)).sum();
        let is_thin = records as f64 * 100.0 <= due as f64 * thresholds.get(&THINNED_PERCENT);
        if due < thresholds.count(&RECORDS) || !is_thin || !window().all(|(.., others)| *others) {
            return None;
        }
        let of_day = |day: usize| (0..hours).map(|back| self.ago(24 * day + back).map(u64::from)).sum::<Option<u64>>();
        let least_of_any_day = (1..=28).filter_map(of_day).min()?;
        if records * 2 >= least_of_any_day {
            return None;
        }
        self.thin_for = Some(0);
        self.unlearn(hours as u32 - 1);
        let begin = Time::from_ms((hour + 1 - hours as i64) * Time::HOUR_MS);
        let shown = self.current_or_last();
        Some(Found {
            what: What::Thinned { least_of_any_day },
            begin,
            hours: hours as u32,
            records,
            due,
            shown: vec![shown],
        })
    }

    fn current_or_last(&self) -> Seen {
        self.current.map_or(self.last, |current| current.last)
    }

    /// What was thin is usual again, or has become so.
    fn note_recovery(&mut self, count: u32, least: Option<u32>) {
        let Some(hours) = &mut self.thin_for else { return };
        *hours += 1;
        let is_back = least.is_some_and(|least| count.saturating_mul(2) >= least && count > 0);
        if is_back || *hours > THIN_FOR_MAX {
            self.thin_for = None;
        }
    }
}

impl Gap {
    fn is_long(&self, thresholds: &Thresholds) -> bool {
        u64::from(self.hours) >= thresholds.count(&HOURS)
            && self.due >= thresholds.count(&RECORDS)
            && self.hours >= self.longest.saturating_mul(TIMES_LONGEST)
    }

    /// Whether others went on in nine of ten of its hours.
    fn has_others(&self) -> bool {
        u64::from(self.with_others) * 10 >= u64::from(self.hours) * 9
    }

    fn found(&self, last: Seen, back: Option<Seen>) -> Found {
        let with_others = self.has_others();
        // Where all are silent, what follows says nothing about what came before: it may be another part of the input.
        let shown = [Some(last), back.filter(|_| with_others)].into_iter().flatten().collect();
        Found {
            what: What::Silent { last, back, longest: self.longest, with_others },
            begin: Time::from_ms(self.since * Time::HOUR_MS),
            hours: self.hours,
            records: 0,
            due: self.due,
            shown,
        }
    }
}

impl Found {
    /// Whether it may be one gap of all sources.
    fn is_of_all(&self) -> bool {
        matches!(self.what, What::Silent { with_others: false, .. })
    }

    fn end(&self) -> Time {
        self.begin.plus_ms(i64::from(self.hours) * Time::HOUR_MS)
    }

    fn verdict_with(&self, signal: Signal) -> Verdict {
        let records: Vec<(Time, RecordPlace)> = self.shown.iter().map(|seen| (seen.at, seen.place)).collect();
        let record_count = records.len() as u64;
        Verdict { signal, begin: self.begin, end: self.end(), records, record_count }
    }
}

/// Whether an hour lies on a Saturday or a Sunday, by UTC. Where weekends are others, their days count as working days, and the
/// least of those is what they bring.
const fn is_weekend(hour: i64) -> bool {
    // The first day of 1970 was a Thursday.
    hour.div_euclid(24).rem_euclid(7) == 2 || hour.div_euclid(24).rem_euclid(7) == 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::calls::testing::{CallLine, call, log};
    use crate::testing::*;
    use std::fmt::Write as _;
    use watchfire_knowledge::Knowledge;

    const HOURS_A_DAY: i64 = 24;
    /// 2024-04-01, a Monday, as in the calls' tests.
    const MONDAY_SECONDS: i64 = 1_711_929_600;

    /// So many flow records in each of these hours, counted from the first Monday on.
    fn flows(hours: impl IntoIterator<Item = (i64, i64)>) -> String {
        let mut text = FLOW_HEADER.to_owned();
        for (hour, count) in hours {
            for at in 0..count {
                let second = MONDAY_SECONDS - 1_713_484_800 + hour * 3_600 + at * (3_500 / count.max(1));
                let _ = write!(text, "\n{}", FlowLine::out(40_000 + (at % 9) as u16, "203.0.113.9", 443).after(second));
            }
        }
        text
    }

    /// A call every 20 minutes, all hours.
    fn calls(hours: impl IntoIterator<Item = i64>) -> String {
        let of = |hour: i64| (0..3).map(move |at| call("ec2:DescribeInstances").at(0, hour * 60 + at * 20));
        log(&hours.into_iter().flat_map(of).collect::<Vec<CallLine>>())
    }

    fn found(files: &[&str]) -> Vec<Verdict> {
        verdicts(&DETECTION, &Knowledge::default(), files)
    }

    /// An office: 60 records an hour from eight to six on working days, two otherwise.
    fn office(hour: i64) -> i64 {
        let (day, of_day) = (hour / HOURS_A_DAY % 7, hour % HOURS_A_DAY);
        if day < 5 && (8..18).contains(&of_day) { 60 } else { 2 }
    }

    #[test]
    fn a_source_that_falls_silent_while_another_goes_on_fires() {
        let silent = flows((0..14 * 24 + 10).map(|hour| (hour, 60)));
        let verdicts = found(&[&silent, &calls(0..15 * 24)]);
        assert_eq!(verdicts.len(), 1);
        let signal = &verdicts[0].signal;
        assert_eq!(signal.entity, "flow records vpc-0a1b2c3d4e5f60718");
        assert!(signal.reasons[0].contains("3 whole hours without one. At least 3 ("), "{}", signal.reasons[0]);
        assert!(signal.reasons[1].contains("at least 180 records in every week"), "{}", signal.reasons[1]);
        assert!(signal.reasons[2].contains("CloudTrail management events of 111122223333"), "{}", signal.reasons[2]);
    }

    #[test]
    fn a_source_that_comes_back_fires_and_both_ends_are_shown() {
        let gap = 10 * 24 + 8..10 * 24 + 14;
        let silent = flows((0..11 * 24).filter(|hour| !gap.contains(hour)).map(|hour| (hour, 60)));
        let verdicts = found(&[&silent, &calls(0..11 * 24)]);
        assert_eq!(verdicts.len(), 2, "when it is noticed, and when it is over");
        assert_eq!(verdicts[1].records.len(), 2);
        assert!(verdicts[1].signal.reasons[0].contains("6 whole hours"), "{}", verdicts[1].signal.reasons[0]);
    }

    #[test]
    fn a_gap_of_everything_is_one_finding_that_says_so() {
        let gap = 10 * 24 + 8..10 * 24 + 14;
        let hours = || (0..11 * 24).filter(|hour| !gap.contains(hour));
        let many = calls(hours()).lines().chain(calls(hours()).lines()).collect::<Vec<_>>().join("\n");
        let alone = found(&[&flows(hours().map(|hour| (hour, 60)))]);
        assert_eq!(alone.len(), 1);
        assert!(
            alone[0].signal.reasons[2].contains("may never have been handed over"),
            "{:?}",
            alone[0].signal.reasons
        );
        let queries: Vec<String> = hours().flat_map(|hour| (0..30).map(move |at| query(hour, at))).collect();
        let all = found(&[&flows(hours().map(|hour| (hour, 60))), &queries.join("\n"), &many]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].signal.entity, "2 log sources");
        assert!(all[0].signal.reasons[0].contains("A gap in what was handed over is a gap"));
    }

    fn query(hour: i64, at: i64) -> String {
        let moment = Time::from_seconds(MONDAY_SECONDS + hour * 3_600 + at * 60).to_string().replace(".000Z", "Z");
        query_line("www.example.", &[("198.51.100.9", "A")]).replace("2024-04-19T12:00:00Z", &moment)
    }

    #[test]
    fn the_end_of_the_input_stays_quiet() {
        assert!(found(&[&flows((0..10 * 24).map(|hour| (hour, 60))), &calls(0..10 * 24)]).is_empty());
        // Logs of two accounts were handed over, up to different days.
        let other = calls(0..12 * 24).replace("111122223333", "444455556666");
        assert!(found(&[&flows((0..10 * 24).map(|hour| (hour, 60))), &other]).is_empty());
        // The last hour is not whole, and deliveries differ by some minutes.
        assert!(found(&[&flows((0..10 * 24).map(|hour| (hour, 60))), &calls(0..10 * 24 + 2)]).is_empty());
    }

    #[test]
    fn a_start_and_a_first_week_stay_quiet() {
        let late = flows((9 * 24..12 * 24).map(|hour| (hour, 60)));
        assert!(found(&[&late, &calls(0..12 * 24)]).is_empty());
        let early = flows((0..4 * 24).map(|hour| (hour, 60)));
        assert!(found(&[&early, &calls(0..6 * 24)]).is_empty());
    }

    #[test]
    fn nights_weekends_and_a_holiday_stay_quiet() {
        // The third Monday is a holiday.
        let holiday = |hour: i64| if hour / HOURS_A_DAY == 14 { 2 } else { office(hour) };
        assert!(found(&[&flows((0..24 * 24).map(|hour| (hour, holiday(hour)))), &calls(0..24 * 24)]).is_empty());
        // Nobody works at night, and nothing runs.
        let closed = |hour: i64| if holiday(hour) == 60 { 60 } else { 0 };
        assert!(found(&[&flows((0..24 * 24).map(|hour| (hour, closed(hour)))), &calls(0..24 * 24)]).is_empty());
    }

    #[test]
    fn a_source_that_comes_in_bursts_stays_quiet() {
        let bursts = |hour: i64| if hour * 7_919 % 5 == 0 { 300 } else { 0 };
        let ends = |hour: i64| if hour < 14 * 24 { bursts(hour) } else { 0 };
        assert!(found(&[&flows((0..15 * 24).map(|hour| (hour, ends(hour)))), &calls(0..15 * 24)]).is_empty());
    }

    #[test]
    fn two_hours_stay_quiet() {
        let gap = 10 * 24 + 8..10 * 24 + 10;
        let silent = flows((0..11 * 24).filter(|hour| !gap.contains(hour)).map(|hour| (hour, 60)));
        assert!(found(&[&silent, &calls(0..11 * 24)]).is_empty());
    }

    #[test]
    fn a_source_of_which_a_twentieth_is_left_is_thinned() {
        let thin = |hour: i64| if hour >= 14 * 24 + 9 { 3 } else { 60 };
        let verdicts = found(&[&flows((0..15 * 24).map(|hour| (hour, thin(hour)))), &calls(0..15 * 24)]);
        assert_eq!(verdicts.len(), 1);
        let signal = &verdicts[0].signal;
        assert!(signal.reasons[0].starts_with("9 records in 3 hours, 180 of them due"), "{}", signal.reasons[0]);
        assert_eq!(signal.severity, Severity::LOW);
    }

    #[test]
    fn half_as_much_stays_quiet() {
        let half = |hour: i64| if hour >= 14 * 24 + 9 { 30 } else { 60 };
        assert!(found(&[&flows((0..15 * 24).map(|hour| (hour, half(hour)))), &calls(0..15 * 24)]).is_empty());
    }

    #[test]
    fn the_call_that_did_it_is_named() {
        let stop = call("ec2:DeleteFlowLogs").by("mallory").from("203.0.113.66").at(0, (14 * 24 + 9) * 60 + 55);
        let silent = flows((0..14 * 24 + 10).map(|hour| (hour, 60)));
        let verdicts = found(&[&silent, &calls(0..15 * 24), &log(&[stop])]);
        assert_eq!(verdicts.len(), 1);
        let signal = &verdicts[0].signal;
        assert!(signal.reasons[0].contains("user/mallory called ec2:DeleteFlowLogs from 203.0.113.66"));
        assert!(matches!(&signal.action, Action::ApiCall(action) if action.api == "DeleteFlowLogs"));
    }

    #[test]
    fn it_goes_on_where_it_was_saved() {
        let mut supplies = Supplies::default();
        show(&mut supplies, &Knowledge::default(), &[&flows((0..50).map(|hour| (hour, 5)))]);
        let mut restored = Supplies::default();
        restored.load(serde_json::from_str(&supplies.save().to_string()).unwrap()).unwrap();
        assert_eq!((restored.sources.len(), restored.save()), (1, supplies.save()));
        let thresholds = Thresholds::default();
        assert_eq!(restored.learning(&thresholds), supplies.learning(&thresholds));
        assert_eq!((restored.learning(&thresholds)[0].reached, restored.learning(&thresholds)[0].of), (3, 7));
        assert!(restored.load(serde_json::json!({"version": 9})).is_err());
    }
}
