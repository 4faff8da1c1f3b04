//! Shows records to one detection as the engine would: read by `parse`, in order, with the estate learning between.

use crate::{Context, Conversations, Detection, Observed, Rule};
use std::fmt;
use watchfire_knowledge::baseline::{Baselines, Lessons};
use watchfire_knowledge::{CloudRanges, Estate, IndicatorList, IndicatorsBuilder, Inventory, Knowledge, lists};
use watchfire_model::{Direction, ListKind, Record, Signal, VpcFlow};
use watchfire_parse::Origin;

/// Knowledge with one list of one kind.
pub(crate) fn knowing(kind: ListKind, entries: &[&str]) -> Knowledge {
    knowing_lists(&[(kind, entries)], &[])
}

/// Knowledge with these threat lists, and one trusted list.
pub(crate) fn knowing_lists(threats: &[(ListKind, &[&str])], trusted: &[&str]) -> Knowledge {
    let mut builder = IndicatorsBuilder::default();
    for (kind, entries) in threats {
        builder.add(list(&format!("test-{kind}"), *kind, entries));
    }
    builder.trusted(list("test-trusted", ListKind::Malicious, trusted));
    Knowledge { indicators: builder.build(), ..ranges_only() }
}

/// The same knowledge with this inventory.
pub(crate) fn with_inventory(knowledge: Knowledge, inventory: &str) -> Knowledge {
    Knowledge { inventory: Inventory::from_json(inventory.as_bytes()).unwrap(), ..knowledge }
}

/// Knowledge of this inventory, and of nothing else but what ships for AWS itself.
pub(crate) fn knowing_inventory(inventory: &str) -> Knowledge {
    with_inventory(ranges_only(), inventory)
}

fn list(name: &str, kind: ListKind, entries: &[&str]) -> IndicatorList {
    let list = lists::txt::parse(entries.join("\n").as_bytes(), &IndicatorList::new(name, kind));
    assert_eq!(list.rejected_count, 0, "the test's own list must be well-formed: {:?}", list.rejected);
    list.list
}

/// What the detection says about these log lines (each one event, or flow lines under their header).
pub(crate) fn signals(detection: &Detection, knowledge: &Knowledge, lines: &[&str]) -> Vec<Signal> {
    signals_of(detection, knowledge, &[&lines.join("\n")])
}

/// What the detection says about these files, read one after the other.
pub(crate) fn signals_of(detection: &Detection, knowledge: &Knowledge, files: &[&str]) -> Vec<Signal> {
    let mut signals = Vec::new();
    let mut estate = Estate::default();
    let mut conversations = Conversations::default();
    let mut window = if let Rule::Window(make) = detection.rule { Some(make()) } else { None };
    let read = |each: &mut dyn FnMut(&Record<'_>)| {
        for file in files {
            let report = watchfire_parse::parse(file.as_bytes(), &Origin::default(), &mut |record, _| each(record));
            assert_eq!(report.rejected_count, 0, "the test's own lines must be well-formed: {:?}", report.rejected);
        }
    };
    read(&mut |record| {
        if let Record::Flow(flow) = record
            && !flow.instance_id.is_empty()
        {
            let local = own_address(flow);
            estate.learn_interface(&flow.account, &flow.interface_id, &flow.instance_id, local, flow.start);
        }
    });
    read(&mut |record| {
        if let Record::Flow(flow) = record {
            conversations.learn(flow, &Context { knowledge, own_lists: None, estate: &estate });
        }
    });
    read(&mut |record| {
        let context = Context { knowledge, own_lists: None, estate: &estate };
        match record {
            Record::ApiCall(call) => {
                match &detection.rule {
                    Rule::Call(detect) => detect(call, &context, &mut signals),
                    Rule::Window(_) => observe(&mut window, &Observed::Call(call), &context, &mut signals),
                    _ => {}
                }
                estate.learn_call(call);
            }
            Record::Flow(flow) => {
                let Some(contact) = conversations.contact(flow, &context) else { return };
                match &detection.rule {
                    Rule::Flow(detect) => detect(&contact, &context, &mut signals),
                    Rule::Window(_) => observe(&mut window, &Observed::Flow(&contact), &context, &mut signals),
                    _ => {}
                }
            }
            Record::DnsQuery(query) => match &detection.rule {
                Rule::Query(detect) => detect(query, &context, &mut signals),
                Rule::Behaviour(make) => make().record(&Observed::Query(query), &context, &mut signals),
                Rule::Window(_) => observe(&mut window, &Observed::Query(query), &context, &mut signals),
                _ => {}
            },
        }
    });
    for signal in &signals {
        assert!(
            detection.reports.contains(&signal.finding_type),
            "{} is not among what this detection reports",
            signal.finding_type
        );
        assert!(
            !signal.title.is_empty() && !signal.description.is_empty() && !signal.reasons.is_empty(),
            "{} explains nothing",
            signal.finding_type
        );
        assert!(!signal.entity.is_empty(), "{} is about nothing", signal.finding_type);
    }
    signals
}

/// The interface's own address, as the engine takes it from a record.
fn own_address(flow: &VpcFlow<'_>) -> Option<std::net::IpAddr> {
    match flow.direction? {
        Direction::Egress => flow.source,
        Direction::Ingress => flow.target,
    }
}

fn observe(
    window: &mut Option<Box<dyn crate::Window>>,
    observed: &Observed<'_>,
    context: &Context<'_>,
    signals: &mut Vec<Signal>,
) {
    if let Some(window) = window {
        window.observe(observed, context, signals);
    }
}

/// The detection says something about these lines, knowing nothing but what ships for AWS itself.
pub(crate) fn check_fires(detection: &Detection, lines: &[&str]) -> Vec<Signal> {
    check_fires_with(detection, &ranges_only(), lines)
}

/// The detection says nothing about these lines.
pub(crate) fn check_quiet(detection: &Detection, lines: &[&str]) {
    check_quiet_with(detection, &ranges_only(), lines);
}

/// The detection says something about these lines, given this knowledge.
pub(crate) fn check_fires_with(detection: &Detection, knowledge: &Knowledge, lines: &[&str]) -> Vec<Signal> {
    let signals = signals(detection, knowledge, lines);
    assert!(!signals.is_empty(), "{} stayed quiet", detection.file);
    signals
}

/// The detection says nothing about these lines, given this knowledge.
pub(crate) fn check_quiet_with(detection: &Detection, knowledge: &Knowledge, lines: &[&str]) {
    let signals = signals(detection, knowledge, lines);
    assert!(
        signals.is_empty(),
        "{} fired: {:#?}",
        detection.file,
        signals.iter().map(|signal| &signal.title).collect::<Vec<_>>()
    );
}

fn ranges_only() -> Knowledge {
    Knowledge { cloud_ranges: CloudRanges::shipped(), ..Knowledge::default() }
}

/// The columns of [`FlowLine`].
pub(crate) const FLOW_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets \
    bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction";

/// One line of a flow log of version 5, with a minute of ten ordinary packets unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct FlowLine {
    source: String,
    source_port: u16,
    target: String,
    target_port: u16,
    protocol: u8,
    packets: u64,
    bytes: u64,
    start: i64,
    action: &'static str,
    instance: &'static str,
    interface: &'static str,
    flags: u8,
    direction: &'static str,
}

/// The instance of a [`FlowLine`].
pub(crate) const INSTANCE: &str = "i-0c000000000000001";
/// Its address.
pub(crate) const LOCAL: &str = "10.0.1.10";

impl FlowLine {
    /// From our instance: its port, the other address and port.
    pub(crate) fn out(local_port: u16, remote: &str, remote_port: u16) -> Self {
        Self {
            source: LOCAL.to_owned(),
            source_port: local_port,
            target: remote.to_owned(),
            target_port: remote_port,
            direction: "egress",
            ..Self::blank()
        }
    }

    /// To our instance: the other address and port, and ours.
    pub(crate) fn into(remote: &str, remote_port: u16, local_port: u16) -> Self {
        Self {
            source: remote.to_owned(),
            source_port: remote_port,
            target: LOCAL.to_owned(),
            target_port: local_port,
            direction: "ingress",
            ..Self::blank()
        }
    }

    fn blank() -> Self {
        Self {
            source: String::new(),
            source_port: 0,
            target: String::new(),
            target_port: 0,
            protocol: 6,
            packets: 10,
            bytes: 2_000,
            start: 1_713_484_800,
            action: "ACCEPT",
            instance: INSTANCE,
            interface: "eni-0c000000000000001",
            flags: 0,
            direction: "-",
        }
    }

    pub(crate) fn flags(self, flags: u8) -> Self {
        Self { flags, ..self }
    }

    pub(crate) fn packets(self, packets: u64, bytes: u64) -> Self {
        Self { packets, bytes, ..self }
    }

    /// Seconds after the first line.
    pub(crate) fn after(self, seconds: i64) -> Self {
        Self { start: self.start + seconds, ..self }
    }

    pub(crate) fn protocol(self, protocol: u8) -> Self {
        Self { protocol, ..self }
    }

    pub(crate) fn rejected(self) -> Self {
        Self { action: "REJECT", ..self }
    }

    pub(crate) fn of(self, interface: &'static str, instance: &'static str) -> Self {
        Self { interface, instance, ..self }
    }

    /// Seen again where the packets pass through: they enter that interface although they leave us.
    pub(crate) fn passing(self) -> Self {
        let direction = if self.direction == "egress" { "ingress" } else { "egress" };
        Self { direction, interface: "eni-0c0000000000000ff", instance: "-", ..self }
    }

    /// Our own address, for another instance or IPv6.
    pub(crate) fn local(mut self, address: &str) -> Self {
        if self.direction == "egress" { &mut self.source } else { &mut self.target }.replace_range(.., address);
        self
    }
}

impl fmt::Display for FlowLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, source_port, target, target_port, protocol, packets, bytes, start, .. } = self;
        let Self { action, instance, interface, flags, direction, .. } = self;
        let end = start + 60;
        let family = if source.contains(':') { "IPv6" } else { "IPv4" };
        write!(
            formatter,
            "5 111122223333 {interface} {source} {target} {source_port} {target_port} {protocol} {packets} {bytes} \
             {start} {end} {action} OK vpc-0a1b2c3d4e5f60718 subnet-0a1b2c3d4e5f60718 {instance} {flags} {family} \
             {source} {target} {direction}"
        )
    }
}

/// What the detection says about these flows.
pub(crate) fn flow_signals(detection: &Detection, knowledge: &Knowledge, flows: &[FlowLine]) -> Vec<Signal> {
    let lines: Vec<String> =
        std::iter::once(FLOW_HEADER.to_owned()).chain(flows.iter().map(FlowLine::to_string)).collect();
    signals(detection, knowledge, &lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A query of a resolver log: by our instance, at noon.
pub(crate) fn query_line(name: &str, answers: &[(&str, &str)]) -> String {
    let answers: Vec<serde_json::Value> =
        answers.iter().map(|(data, kind)| serde_json::json!({"Rdata": data, "Type": kind, "Class": "IN"})).collect();
    serde_json::json!({
        "version": "1.100000", "account_id": "111122223333", "region": "us-east-1", "vpc_id": "vpc-0a1b2c3d4e5f60718",
        "query_timestamp": "2024-04-19T12:00:00Z", "query_name": name, "query_type": "A", "query_class": "IN",
        "rcode": if answers.is_empty() { "NXDOMAIN" } else { "NOERROR" }, "answers": answers,
        "srcaddr": LOCAL, "srcport": "56067", "transport": "UDP", "srcids": {"instance": INSTANCE}
    })
    .to_string()
}

/// What the detection says about these queries.
pub(crate) fn query_signals(detection: &Detection, knowledge: &Knowledge, queries: &[String]) -> Vec<Signal> {
    signals(detection, knowledge, &queries.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What a behaviour says about these log lines: tallied as the engine would, slice by slice and hour by hour.
pub(crate) fn verdicts(detection: &Detection, knowledge: &Knowledge, files: &[&str]) -> Vec<crate::Verdict> {
    verdicts_with(detection, knowledge, &crate::Thresholds::default(), files)
}

/// The same with these settings.
pub(crate) fn verdicts_with(
    detection: &Detection,
    knowledge: &Knowledge,
    thresholds: &crate::Thresholds,
    files: &[&str],
) -> Vec<crate::Verdict> {
    verdicts_of_runs(detection, knowledge, thresholds, files, false)
}

/// What a behaviour says about these flows.
pub(crate) fn flow_verdicts(detection: &Detection, flows: &[FlowLine]) -> Vec<crate::Verdict> {
    let lines: Vec<String> = flows.iter().map(FlowLine::to_string).collect();
    verdicts(detection, &ranges_only(), &[&format!("{FLOW_HEADER}\n{}", lines.join("\n"))])
}

/// The same of logs in the default format, without flags, instances and directions.
pub(crate) fn flow_verdicts_in_default_form(detection: &Detection, flows: &[FlowLine]) -> Vec<crate::Verdict> {
    const FIELDS: usize = 14;
    let cut = |line: &str| line.split_ascii_whitespace().take(FIELDS).collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = flows.iter().map(|flow| cut(&flow.to_string())).collect();
    verdicts(detection, &ranges_only(), &[&format!("{}\n{}", cut(FLOW_HEADER), lines.join("\n"))])
}

/// A behaviour that is saved and loaded after each slice says the same about these flows, in any order, cut in two.
pub(crate) fn check_restarts_and_order(detection: &Detection, flows: &[FlowLine]) {
    let lines: Vec<String> = flows.iter().map(FlowLine::to_string).collect();
    let whole = format!("{FLOW_HEADER}\n{}", lines.join("\n"));
    let shown = |files: &[&str], restarts: bool| -> Vec<_> {
        let found = verdicts_of_runs(detection, &ranges_only(), &crate::Thresholds::default(), files, restarts);
        found
            .into_iter()
            .map(|verdict| (verdict.signal, verdict.begin, verdict.end, verdict.records.len(), verdict.record_count))
            .collect()
    };
    let expected = shown(&[&whole], false);
    assert_eq!(shown(&[&whole], true), expected, "after a restart");
    let reversed: Vec<&str> = lines.iter().rev().map(String::as_str).collect();
    let (one, other) = reversed.split_at(reversed.len() / 3);
    let (one, other) = (format!("{FLOW_HEADER}\n{}", one.join("\n")), format!("{FLOW_HEADER}\n{}", other.join("\n")));
    assert_eq!(shown(&[&one, &other], false), expected, "in another order");
}

fn verdicts_of_runs(
    detection: &Detection,
    knowledge: &Knowledge,
    thresholds: &crate::Thresholds,
    files: &[&str],
    restarts: bool,
) -> Vec<crate::Verdict> {
    let Rule::Behaviour(make) = detection.rule else { panic!("{} is no behaviour", detection.file) };
    let verdicts = shown(&mut *make(), knowledge, thresholds, files, restarts);
    for verdict in &verdicts {
        let signal = &verdict.signal;
        assert!(detection.reports.contains(&signal.finding_type), "{} is not reported here", signal.finding_type);
        assert!(!signal.title.is_empty() && !signal.description.is_empty() && !signal.reasons.is_empty());
        assert!(!signal.entity.is_empty() && !verdict.records.is_empty(), "{} shows nothing", signal.finding_type);
    }
    verdicts
}

/// Shows these files to a behaviour that the test goes on to ask.
pub(crate) fn show(behaviour: &mut dyn crate::Behaviour, knowledge: &Knowledge, files: &[&str]) {
    shown(behaviour, knowledge, &crate::Thresholds::default(), files, false);
}

fn shown(
    behaviour: &mut dyn crate::Behaviour,
    knowledge: &Knowledge,
    thresholds: &crate::Thresholds,
    files: &[&str],
    restarts: bool,
) -> Vec<crate::Verdict> {
    let mut verdicts = Vec::new();
    let (mut baselines, mut lessons) = (Baselines::default(), Lessons::default());
    let (mut estate, mut addresses) = (Estate::default(), crate::shared::flow_side::InterfaceAddresses::default());
    let mut slices = Tallied::of(knowledge, files, &mut estate);
    while let Some((slice, tallied)) = slices.slices.pop_first() {
        let finished = |((place, key), sums): (_, crate::tally::FlowSums)| (key, place, sums.finish(&mut slices.room));
        let flows: Vec<_> = tallied.flows.into_iter().map(finished).collect();
        addresses.learn(&flows);
        let context = Context { knowledge, own_lists: None, estate: &estate };
        let mut scene = crate::Scene {
            context,
            thresholds,
            baselines: &&baselines,
            lessons: &mut lessons,
            verdicts: &mut verdicts,
        };
        for ((client, rest), tally) in tallied.calls {
            let mut keys = crate::tally::CallKeys::default();
            let client = keys.client(&client).unwrap();
            let key = keys.decode(hour_of(slice), &client, &rest, knowledge).unwrap();
            behaviour.call(&key, &tally, &mut scene);
        }
        let mut own = crate::shared::flow_side::OwnAddress::of(&addresses);
        for view in flows.iter().filter_map(|merged| crate::shared::flow_side::view(merged, &mut own, &context)) {
            behaviour.flow(&view, &mut scene);
        }
        let mut queries = tallied.queries;
        queries.values_mut().for_each(crate::tally::QueryTally::settle);
        for (key, tally) in &queries {
            behaviour.query(key, tally, &mut scene);
        }
        let end = watchfire_model::Time::from_ms((slice + 1) * crate::SLICE_MS);
        behaviour.close(end, &mut scene);
        behaviour.expire(end);
        if restarts {
            let saved = serde_json::from_str(&behaviour.save().to_string()).unwrap();
            behaviour.load(saved).unwrap();
        }
        if end.ms() % watchfire_model::Time::HOUR_MS == 0 {
            baselines.apply(std::mem::take(&mut lessons));
        }
    }
    verdicts
}

/// Tallies by slice.
#[derive(Default)]
struct Tallied {
    slices: std::collections::BTreeMap<i64, SliceTallies>,
    room: crate::tally::Room,
}

/// Those whose bucket ends with one slice.
#[derive(Default)]
struct SliceTallies {
    flows: std::collections::BTreeMap<(crate::tally::Place, crate::tally::FlowKey), crate::tally::FlowSums>,
    queries: std::collections::BTreeMap<crate::tally::QueryKey, crate::tally::QueryTally>,
    calls: std::collections::BTreeMap<(Vec<u8>, Vec<u8>), crate::tally::CallTally>,
}

impl Tallied {
    fn of(knowledge: &Knowledge, files: &[&str], estate: &mut Estate) -> Self {
        let mut tallied = Self::default();
        for (rank, file) in files.iter().enumerate() {
            let report = watchfire_parse::parse(file.as_bytes(), &Origin::default(), &mut |record, raw| {
                let place = crate::tally::RecordPlace { tie: 0, file: rank as u32, position: raw.position };
                tallied.add(record, place, knowledge, estate);
            });
            assert_eq!(report.rejected_count, 0, "the test's own lines must be well-formed: {:?}", report.rejected);
        }
        tallied
    }

    fn slice(&mut self, slice: i64) -> &mut SliceTallies {
        self.slices.entry(slice).or_default()
    }

    fn add(
        &mut self,
        record: &Record<'_>,
        place: crate::tally::RecordPlace,
        knowledge: &Knowledge,
        estate: &mut Estate,
    ) {
        match record {
            Record::Flow(flow) => {
                if !flow.instance_id.is_empty() {
                    let local = own_address(flow);
                    estate.learn_interface(&flow.account, &flow.interface_id, &flow.instance_id, local, flow.start);
                }
                let Some((key, is_upstream)) = crate::tally::FlowKey::of(flow) else { return };
                let seen_at = crate::tally::Place::new(crate::tally::Parts {
                    account: flow.account.as_ref().into(),
                    region: flow.region.as_ref().into(),
                    vpc: flow.vpc_id.as_ref().into(),
                    interface: flow.interface_id.as_ref().into(),
                    instance: flow.instance_id.as_ref().into(),
                });
                let sums = self.slices.entry(key.slice).or_default().flows.entry((seen_at, key)).or_default();
                sums.add(flow, &key, is_upstream, &mut self.room, || place);
            }
            Record::DnsQuery(query) => {
                let name = query.name.trim_end_matches('.').to_ascii_lowercase();
                let key = crate::tally::QueryKey {
                    hour: query.time.hour(),
                    place: crate::tally::Place::new(crate::tally::Parts {
                        account: query.account.as_ref().into(),
                        region: query.region.as_ref().into(),
                        vpc: query.vpc_id.as_ref().into(),
                        interface: query.resolver_endpoint.as_ref().into(),
                        instance: query.instance_id.as_ref().into(),
                    }),
                    client: query.source,
                    domain: knowledge.registered_domain(&name).into(),
                };
                let hour = key.hour;
                self.slice(hour * 6 + 5).queries.entry(key).or_default().add(
                    query,
                    (&name, crate::tally::QueryTally::name_hash(&name)),
                    crate::tally::AnswerReach::of(query),
                    hour,
                    || place,
                );
            }
            Record::ApiCall(call) => {
                estate.learn_call(call);
                if !crate::tally::CallTallyKey::is_kept(call) {
                    return;
                }
                let bytes = crate::tally::CallParts::of(call).encode();
                let id = call.event_id.bytes().fold(0u128, |id, byte| id.wrapping_mul(31) + u128::from(byte));
                self.slice(call.time.hour() * 6 + 5).calls.entry(bytes).or_default().add(call.time, id, place);
            }
        }
    }
}

fn hour_of(slice: i64) -> i64 {
    slice.div_euclid(6)
}
