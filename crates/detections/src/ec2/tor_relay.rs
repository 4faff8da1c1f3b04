//! An instance works as a relay of the Tor network.

use crate::shared::contact::TCP;
use crate::shared::{listed_flow, subject};
use crate::{Contact, Context, Detection, Interest, Need, Observed, Rule, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_model::{ConnectionDirection, FindingType, ListKind, Severity, Signal, Time};

const TOR_RELAY: FindingType = FindingType::new("UnauthorizedAccess:EC2/TorRelay");

/// Exits are relays too.
const KINDS: &[ListKind] = &[ListKind::TorRelay, ListKind::TorExit];

/// Distinct relays that called, and as many that were called, within an hour. A client keeps to two or three
/// guards and is called by none; a relay is connected with hundreds. Source: the catalogue's `suggestedRule`.
const RELAYS_EACH_WAY_MIN: usize = 5;
/// The time within which they must have. Source: the catalogue's `suggestedRule`.
const REACH_MS: i64 = Time::HOUR_MS;

/// Relays remembered per instance and way, the latest: ten times what the rule asks for. About 60 bytes each.
const RELAYS_MAX: usize = 64;
/// Instances remembered: those that had answered contact with relays within the hour.
const INSTANCES_MAX: usize = 10_000;
/// Relays named in a finding.
const NAMED_MAX: usize = 5;
/// The version of the saved state.
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[TOR_RELAY],
    summary: "An instance was connected with many relays of the Tor network, opened by them and by itself.",
    listens: &[Interest::FlowWith(KINDS)],
    needs: &[Need::Flows, Need::Lists(KINDS)],
    file: file!(),
    rule: Rule::Window(|| Box::new(Relays::default())),
};

/// Evidence: within one hour, answered connections that at least five distinct relays opened to the instance, and
/// answered connections that it opened to at least five.
///
/// Unanswered ones do not count: exits scan the whole internet on behalf of their users. Where the log lacks the record
/// of the answer, data that the opener sent shows that there was one. Nor does anything but TCP, the
/// only protocol that relays speak: a relay's host may well be a time server, too. From then on each record of
/// such a connection makes a signal, as long as both numbers stand.
///
/// False positives: a relay that you run on purpose; suppress the finding for it. Another program that talks with at least
/// five relays' hosts each way within an hour is not known to us.
struct Relays {
    instances: Bounded<String, Contacts>,
    /// Of `instances.evicted()`, how many were reported.
    reported: u64,
}

/// When relays were last in contact with an instance, in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Contacts {
    inbound: BTreeMap<IpAddr, i64>,
    outbound: BTreeMap<IpAddr, i64>,
}

#[derive(Deserialize)]
struct Saved {
    version: u32,
    instances: Bounded<String, Contacts>,
}

impl Default for Relays {
    fn default() -> Self {
        Self { instances: Bounded::new(INSTANCES_MAX), reported: 0 }
    }
}

impl Window for Relays {
    fn observe(&mut self, record: &Observed<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
        let Observed::Flow(contact) = record else { return };
        let took_place = contact.is_answered || contact.opener_sent_data();
        if !contact.speaks() || !took_place || contact.flow.protocol != TCP {
            return;
        }
        let is_inbound = match contact.direction {
            ConnectionDirection::Inbound => true,
            ConnectionDirection::Outbound => false,
            ConnectionDirection::Unknown => return,
        };
        let Some(mut signal) = listed_flow::signal(TOR_RELAY, Severity::HIGH, KINDS, contact, context) else { return };
        let now = contact.flow.start;
        let key = format!("{} {} {}", signal.account, signal.region, signal.entity);
        let contacts = self.instances.touch(key, now, Contacts::default);
        note(if is_inbound { &mut contacts.inbound } else { &mut contacts.outbound }, contact.remote, now);
        contacts.forget_before(now.plus_ms(-REACH_MS));
        if contacts.inbound.len() < RELAYS_EACH_WAY_MIN || contacts.outbound.len() < RELAYS_EACH_WAY_MIN {
            return;
        }
        explain(&mut signal, contact, contacts);
        signals.push(signal);
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.instances.forget_before(now.plus_ms(-REACH_MS));
        let dropped = self.instances.evicted().saturating_sub(self.reported);
        self.reported += dropped;
        dropped
    }

    fn size(&self) -> (u64, u64) {
        let relays: usize =
            self.instances.iter().map(|(_, contacts)| contacts.inbound.len() + contacts.outbound.len()).sum();
        let instances = self.instances.len() as u64;
        (instances, instances * 200 + relays as u64 * 60)
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({"version": STATE_VERSION, "instances": self.instances})
    }

    fn load(&mut self, state: serde_json::Value) -> Result<(), String> {
        let saved: Saved = serde_json::from_value(state)
            .map_err(|error| format!("the state of the window of {TOR_RELAY} could not be read: {error}"))?;
        if saved.version != STATE_VERSION {
            return Err(format!(
                "the state of the window of {TOR_RELAY} has version {}; this is version {STATE_VERSION}",
                saved.version
            ));
        }
        self.instances = saved.instances;
        self.instances.reindex();
        self.reported = self.instances.evicted();
        Ok(())
    }
}

impl Contacts {
    fn forget_before(&mut self, horizon: Time) {
        for relays in [&mut self.inbound, &mut self.outbound] {
            relays.retain(|_, last| *last >= horizon.ms());
        }
    }
}

/// Notes a relay; beyond the bound the longest silent one is forgotten, which changes no count that the rule asks for.
fn note(relays: &mut BTreeMap<IpAddr, i64>, relay: IpAddr, now: Time) {
    let last = relays.entry(relay).or_insert(now.ms());
    *last = (*last).max(now.ms());
    if relays.len() > RELAYS_MAX
        && let Some(oldest) = relays.iter().map(|(ip, last)| (*last, *ip)).min().map(|(_, ip)| ip)
    {
        relays.remove(&oldest);
    }
}

fn explain(signal: &mut Signal, contact: &Contact<'_>, contacts: &Contacts) {
    let named = |relays: &BTreeMap<IpAddr, i64>| {
        let names: Vec<String> = relays.keys().take(NAMED_MAX).map(IpAddr::to_string).collect();
        names.join(", ")
    };
    let count = |relays: &BTreeMap<IpAddr, i64>| {
        if relays.len() < RELAYS_MAX { relays.len().to_string() } else { format!("at least {RELAYS_MAX}") }
    };
    let (inbound, outbound) = (&contacts.inbound, &contacts.outbound);
    signal.reasons.insert(
        0,
        format!(
            "Within one hour {} distinct relays opened answered connections to it ({}) and it opened answered connections \
             to {} ({}); {RELAYS_EACH_WAY_MIN} each way are asked for.",
            count(inbound),
            named(inbound),
            count(outbound),
            named(outbound)
        ),
    );
    let who = subject::name(signal);
    signal.title = format!("{who} is working as a relay of the Tor network.");
    signal.description = format!(
        "{who} is connected with relays of the Tor network in both directions, {} the latest. It passes on the traffic of \
         others, whoever they are.",
        contact.remote
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Conversations;
    use crate::testing::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;
    use watchfire_knowledge::{Estate, Knowledge};
    use watchfire_model::Record;
    use watchfire_parse::Origin;

    static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| {
        knowing_lists(&[(ListKind::TorRelay, &["198.51.100.0/25"]), (ListKind::TorExit, &["203.0.113.0/25"])], &[])
    });

    fn relay(number: usize) -> String {
        // Every other one is an exit.
        format!("{}.{}", if number.is_multiple_of(2) { "198.51.100" } else { "203.0.113" }, number + 1)
    }

    fn calls(number: usize, at: i64) -> [FlowLine; 2] {
        let relay = relay(number);
        [
            FlowLine::into(&relay, 50_000, 9001).flags(2).after(at),
            FlowLine::out(9001, &relay, 50_000).flags(18).after(at),
        ]
    }

    fn called(number: usize, at: i64) -> [FlowLine; 2] {
        let relay = relay(number);
        [
            FlowLine::out(50_000, &relay, 9001).flags(2).after(at),
            FlowLine::into(&relay, 9001, 50_000).flags(18).after(at),
        ]
    }

    /// So many relays call, and so many others are called, one every so many seconds.
    fn flows(callers: usize, called_count: usize, every: i64) -> Vec<FlowLine> {
        let inbound = (0..callers).flat_map(|number| calls(number, number as i64 * every));
        let outbound = (0..called_count).flat_map(|number| called(callers + number, (callers + number) as i64 * every));
        inbound.chain(outbound).collect()
    }

    fn found(flows: &[FlowLine]) -> Vec<Signal> {
        flow_signals(&DETECTION, &KNOWLEDGE, flows)
    }

    #[test]
    fn five_relays_each_way_within_an_hour_make_a_relay() {
        let signals = found(&flows(5, 5, 60));
        assert_eq!((signals.len(), signals[0].entity.as_str()), (1, INSTANCE));
        assert!(signals[0].reasons[0].contains("5 distinct relays"), "{:?}", signals[0].reasons);
        assert_eq!(found(&flows(5, 7, 60)).len(), 3);
    }

    #[test]
    fn four_each_way_stay_quiet() {
        assert!(found(&flows(4, 40, 10)).is_empty());
        assert!(found(&flows(40, 4, 10)).is_empty());
        let same_relay: Vec<FlowLine> = (0..10).flat_map(|at| [calls(0, at), called(1, at)].concat()).collect();
        assert!(found(&same_relay).is_empty());
    }

    #[test]
    fn ten_relays_over_hours_stay_quiet() {
        assert!(found(&flows(5, 5, 600)).is_empty());
    }

    #[test]
    fn exits_that_scan_a_client_of_tor_do_not_make_it_a_relay() {
        let scans = (0..9).map(|number| FlowLine::into(&relay(number), 50_000, 22).flags(2).packets(1, 60));
        let refused = (0..9).flat_map(|number| {
            let relay = relay(number);
            [
                FlowLine::into(&relay, 50_001, 23).flags(2).packets(1, 60),
                FlowLine::out(23, &relay, 50_001).flags(4).packets(1, 40),
            ]
        });
        let client = (20..26).flat_map(|number| called(number, number as i64));
        assert!(found(&scans.chain(refused).chain(client).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn data_of_the_opener_stands_for_an_answer_that_the_log_lacks() {
        let asked = |packets, bytes| {
            let calls = (0..5).map(move |number| calls(number, 0)[0].clone());
            let called = (5..10).map(move |number| called(number, 0)[0].clone());
            calls.chain(called).map(|flow| flow.packets(packets, bytes)).collect::<Vec<_>>()
        };
        assert_eq!(found(&asked(10, 2_000)).len(), 1);
        assert!(found(&asked(6, 360)).is_empty());
    }

    #[test]
    fn other_protocols_stay_quiet() {
        let udp: Vec<FlowLine> = flows(5, 5, 60).into_iter().map(|flow| flow.protocol(17)).collect();
        assert!(found(&udp).is_empty());
    }

    #[test]
    fn two_instances_do_not_add_up() {
        let other = |flow: FlowLine| flow.of("eni-0c000000000000002", "i-0c000000000000002").local("10.0.1.11");
        let inbound = (0..5).flat_map(|number| calls(number, 0));
        let outbound = (5..10).flat_map(|number| called(number, 0)).map(other);
        assert!(found(&inbound.chain(outbound).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut relays = BTreeMap::new();
        for number in 0u32..1_000 {
            note(&mut relays, IpAddr::from(number.to_be_bytes()), Time::from_seconds(i64::from(number)));
        }
        assert_eq!(relays.len(), RELAYS_MAX);
        assert_eq!(relays.values().min(), Some(&(936 * 1_000)));
    }

    #[test]
    fn a_state_of_another_version_is_refused_with_a_sentence() {
        let mut state = Relays::default().save();
        state["version"] = 2.into();
        assert!(Relays::default().load(state).unwrap_err().contains("has version 2"));
        assert!(Relays::default().load(serde_json::json!([])).unwrap_err().contains("could not be read"));
    }

    /// What a window says about these flows when it is saved and loaded after so many of them.
    fn said(flows: &[FlowLine], restart_at: usize) -> Vec<Vec<Signal>> {
        let lines: Vec<String> = flows.iter().map(FlowLine::to_string).collect();
        let content = format!("{FLOW_HEADER}\n{}", lines.join("\n"));
        let estate = Estate::default();
        let context = Context { knowledge: &KNOWLEDGE, own_lists: None, estate: &estate };
        let mut conversations = Conversations::default();
        let mut window: Box<dyn Window> = Box::new(Relays::default());
        let mut said = Vec::new();
        for learning in [true, false] {
            watchfire_parse::parse(content.as_bytes(), &Origin::default(), &mut |record, _| {
                let Record::Flow(flow) = record else { return };
                if learning {
                    return conversations.learn(flow, &context);
                }
                if said.len() == restart_at {
                    let mut restarted = Relays::default();
                    restarted.load(window.save()).unwrap();
                    window = Box::new(restarted);
                }
                let mut signals = Vec::new();
                if let Some(contact) = conversations.contact(flow, &context) {
                    window.observe(&Observed::Flow(&contact), &context, &mut signals);
                    window.expire(flow.start);
                }
                said.push(signals);
            });
        }
        said
    }

    proptest! {
        #[test]
        fn a_restart_anywhere_changes_nothing(
            contacts in proptest::collection::vec((any::<bool>(), 0usize..16, 0i64..500), 1..60),
            restart_at in 0usize..120,
        ) {
            let mut at = 0;
            let flows: Vec<FlowLine> = contacts
                .into_iter()
                .flat_map(|(inbound, number, pause)| {
                    at += pause;
                    if inbound { calls(number, at) } else { called(number, at) }
                })
                .collect();
            prop_assert_eq!(said(&flows, restart_at), said(&flows, usize::MAX));
        }
    }
}
