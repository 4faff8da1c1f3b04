//! An instance uses the Tor network.

use crate::shared::contact::TCP;
use crate::shared::{listed_flow, subject};
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{ConnectionDirection, FindingType, ListKind, Severity, Signal};

const TOR_CLIENT: FindingType = FindingType::new("UnauthorizedAccess:EC2/TorClient");

/// Bytes each way before a connection counts: a handshake with a relay and the building of a circuit take more, a probe
/// of its port takes less. Source: our choice.
const BYTES_EACH_WAY_MIN: u64 = 1_000;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[TOR_CLIENT],
    summary: "An instance opened a connection to an entry of the Tor network and used it.",
    listens: &[Interest::FlowWith(&[ListKind::TorRelay])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::TorRelay])],
    file: file!(),
    rule: Rule::Flow(detect),
};

/// Evidence: a TCP connection that our side opened to a guard, a relay or a directory authority, which answered, with a
/// thousand bytes each way.
///
/// Exits are no evidence: clients of Tor do not connect to them, and websites do see them. An instance that is itself a
/// relay opens such connections too: then both types stand.
///
/// False positives: a relay's host may offer another service over TCP, and an instance that uses that has used no Tor:
/// look at the port. Programs that measure the Tor network do what a client does. The list ages: relays come and go
/// within days.
fn detect(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let is_used = contact.flow.protocol == TCP
        && contact.direction == ConnectionDirection::Outbound
        && contact.is_answered
        && contact.bytes_out >= BYTES_EACH_WAY_MIN
        && contact.bytes_in >= BYTES_EACH_WAY_MIN;
    if !is_used {
        return;
    }
    let Some(mut signal) = listed_flow::outbound(TOR_CLIENT, Severity::HIGH, ListKind::TorRelay, contact, context)
    else {
        return;
    };
    let who = subject::name(&signal);
    signal.reasons.push(format!(
        "{} bytes out and {} bytes in, where {BYTES_EACH_WAY_MIN} each way are asked for.",
        contact.bytes_out, contact.bytes_in
    ));
    signal.title = format!("{who} is communicating with an entry of the Tor network.");
    signal.description = format!(
        "{who} {}. According to {}, this address is a relay of the Tor network, through which the instance can hide whom \
         it talks to.",
        listed_flow::contacted(contact),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const GUARD: &str = "198.51.100.7";

    fn found(kind: ListKind, flows: &[FlowLine]) -> Vec<Signal> {
        flow_signals(&DETECTION, &knowing(kind, &[GUARD]), flows)
    }

    fn session(out_bytes: u64, in_bytes: u64) -> [FlowLine; 2] {
        [
            FlowLine::out(50_000, GUARD, 9001).flags(2).packets(10, out_bytes),
            FlowLine::into(GUARD, 9001, 50_000).flags(18).packets(10, in_bytes),
        ]
    }

    #[test]
    fn a_used_connection_to_a_relay_is_reported() {
        let signals = found(ListKind::TorRelay, &session(1_000, 4_000));
        assert_eq!((signals.len(), signals[0].entity.as_str()), (1, INSTANCE));
    }

    #[test]
    fn the_bytes_of_several_windows_count_together() {
        let [out, into] = session(600, 600);
        let later = [out.clone().after(60), into.clone().after(60)];
        assert_eq!(found(ListKind::TorRelay, &[&[out, into], later.as_slice()].concat()).len(), 2);
    }

    #[test]
    fn a_probe_of_a_relays_port_stays_quiet() {
        assert!(found(ListKind::TorRelay, &session(999, 4_000)).is_empty());
        assert!(found(ListKind::TorRelay, &[session(4_000, 4_000)[0].clone()]).is_empty(), "unanswered");
    }

    #[test]
    fn another_service_of_a_relays_host_over_udp_stays_quiet() {
        assert!(found(ListKind::TorRelay, &session(4_000, 4_000).map(|flow| flow.protocol(17))).is_empty());
    }

    #[test]
    fn a_relay_that_calls_us_stays_quiet() {
        let flows = [FlowLine::into(GUARD, 50_000, 443).flags(2), FlowLine::out(443, GUARD, 50_000).flags(18)];
        assert!(found(ListKind::TorRelay, &flows).is_empty());
    }

    #[test]
    fn an_exit_that_is_no_entry_stays_quiet() {
        assert!(found(ListKind::TorExit, &session(4_000, 4_000)).is_empty());
    }
}
