//! Shows records to one detection as the engine would: read by `parse`, in order, with the estate learning between.

use crate::{Context, Conversations, Detection, Observed, Rule};
use watchfire_knowledge::{
    CloudRanges, Estate, IndicatorList, IndicatorsBuilder, Inventory, Knowledge, is_publicly_routable, txt_list,
};
use watchfire_model::{ListKind, Record, Signal};
use watchfire_parse::Origin;

/// Knowledge with one list of one kind.
pub(crate) fn knowing(kind: ListKind, entries: &[&str]) -> Knowledge {
    knowing_lists(&[(kind, entries)])
}

/// Knowledge with several lists.
pub(crate) fn knowing_lists(lists: &[(ListKind, &[&str])]) -> Knowledge {
    let mut builder = IndicatorsBuilder::default();
    for &(kind, entries) in lists {
        let list = txt_list::parse(entries.join("\n").as_bytes(), &IndicatorList::new(format!("test-{kind}"), kind));
        assert_eq!(list.rejected_count, 0, "the test's own list must be well-formed: {:?}", list.rejected);
        builder.add(list.list);
    }
    Knowledge { indicators: builder.build(), ..ranges_only() }
}

/// Knowledge with this inventory.
pub(crate) fn knowing_inventory(json: &str) -> Knowledge {
    let inventory = Inventory::from_json(json.as_bytes());
    Knowledge { inventory: inventory.expect("the test's own inventory must be well-formed"), ..ranges_only() }
}

/// What the detection says about these log lines (each one event, or flow lines under their header).
pub(crate) fn signals(detection: &Detection, knowledge: &Knowledge, lines: &[&str]) -> Vec<Signal> {
    let content = lines.join("\n");
    let mut signals = Vec::new();
    let mut estate = Estate::default();
    let mut conversations = Conversations::default();
    let mut window = if let Rule::Window(make) = detection.rule { Some(make()) } else { None };
    watchfire_parse::parse(content.as_bytes(), &Origin::default(), &mut |record, _| {
        if let Record::Flow(flow) = record {
            if !flow.instance_id.is_empty() {
                estate.learn_interface(&flow.account, &flow.interface_id, &flow.instance_id, None, flow.start);
            }
            conversations.learn(flow, is_publicly_routable);
        }
    });
    let report = watchfire_parse::parse(content.as_bytes(), &Origin::default(), &mut |record, _| {
        let context = Context { knowledge, estate: &estate };
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
                let Some(contact) = conversations.contact(flow, is_publicly_routable) else { return };
                match &detection.rule {
                    Rule::Flow(detect) => detect(&contact, &context, &mut signals),
                    Rule::Window(_) => observe(&mut window, &Observed::Flow(&contact), &context, &mut signals),
                    _ => {}
                }
            }
            Record::DnsQuery(query) => match &detection.rule {
                Rule::Query(detect) => detect(query, &context, &mut signals),
                Rule::Window(_) => observe(&mut window, &Observed::Query(query), &context, &mut signals),
                _ => {}
            },
        }
    });
    assert_eq!(report.rejected_count, 0, "the test's own lines must be well-formed: {:?}", report.rejected);
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
