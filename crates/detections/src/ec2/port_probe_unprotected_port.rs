//! A known scanner found an open port.

use crate::shared::port_probe::{self, Probed};
use crate::shared::subject;
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, ListKind, Severity, Signal};

const OPEN_PORT: FindingType = FindingType::new("Recon:EC2/PortProbeUnprotectedPort");

/// Ports of Elasticsearch, open by default to whoever reaches them. Source: GuardDuty user guide, severity of this type.
const ELASTICSEARCH_PORTS: [u16; 2] = [9200, 9300];

pub(crate) const DETECTION: Detection = Detection {
    reports: &[OPEN_PORT],
    summary: "A known scanner probed a port of an instance that nothing protects.",
    listens: &[Interest::FlowWith(&[ListKind::Scanner])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::Scanner])],
    file: file!(),
    rule: Rule::Flow(detect),
};

/// Evidence: a listed scanner reached an open port. See [`port_probe::is_candidate`] and [`port_probe::signal`].
///
/// One of EMR's ports on an instance of a cluster makes the EMR type instead. If it is not known whether the instance
/// is of a cluster, it is reported here, and the finding says so.
fn detect(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    if !port_probe::is_candidate(contact) {
        return;
    }
    let port = contact.local_port;
    let severity = if ELASTICSEARCH_PORTS.contains(&port) { Severity::HIGH } else { Severity::LOW };
    let Some((mut signal, probed)) = port_probe::signal(OPEN_PORT, severity, contact, context) else { return };
    match probed {
        Probed::EmrPort => return,
        Probed::Port => {}
        Probed::PerhapsEmrPort => signal.missing.push(format!(
            "Port {port} is one of EMR's: whether the instance belongs to a cluster is not known without an inventory \
             (--inventory) or its launch in the logs."
        )),
    }
    let who = subject::name(&signal);
    signal.title = format!("A scanner is probing an unprotected port of {}.", subject::lower(&who));
    signal.description =
        format!("{who} has an unprotected port, {port}, which a known scanner, {}, is probing.", contact.remote);
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use watchfire_knowledge::Knowledge;
    use watchfire_model::{Action, ResourceRole};

    const SCANNER: &str = "198.51.100.7";

    fn knowledge() -> Knowledge {
        knowing(ListKind::Scanner, &[SCANNER])
    }

    fn probe(port: u16) -> FlowLine {
        FlowLine::into(SCANNER, 40_000, port).flags(6).packets(2, 84)
    }

    fn answer(port: u16) -> FlowLine {
        FlowLine::out(port, SCANNER, 40_000).flags(18).packets(1, 44)
    }

    fn found(flows: &[FlowLine]) -> Vec<Signal> {
        flow_signals(&DETECTION, &knowledge(), flows)
    }

    #[test]
    fn a_port_that_answers_is_reported_once_per_probe() {
        let signals = found(&[probe(22), answer(22)]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::LOW));
        assert_eq!((signals[0].entity.as_str(), signals[0].role), (INSTANCE, Some(ResourceRole::Target)));
        let Action::PortProbe(action) = &signals[0].action else { panic!("{:?}", signals[0].action) };
        assert_eq!((action.blocked, action.probes.len(), action.probes[0].local_port), (false, 1, 22));
    }

    #[test]
    fn elasticsearch_is_high_and_the_web_is_nothing() {
        assert_eq!(found(&[probe(9200), answer(9200)])[0].severity, Severity::HIGH);
        assert_eq!(found(&[probe(9300), answer(9300)])[0].severity, Severity::HIGH);
        assert!(found(&[probe(443), answer(443), probe(80), answer(80)]).is_empty());
    }

    #[test]
    fn a_port_that_refuses_ignores_or_is_shut_off_stays_quiet() {
        assert!(found(&[probe(23), FlowLine::out(23, SCANNER, 40_000).flags(4).packets(1, 40)]).is_empty());
        assert!(found(&[probe(23)]).is_empty());
        assert!(found(&[probe(23).rejected()]).is_empty());
    }

    #[test]
    fn an_answered_datagram_counts() {
        let flows =
            [FlowLine::into(SCANNER, 40_000, 161).protocol(17), FlowLine::out(161, SCANNER, 40_000).protocol(17)];
        assert_eq!(found(&flows).len(), 1);
    }

    #[test]
    fn a_connection_of_ours_to_a_scanner_stays_quiet() {
        let flows = [FlowLine::out(50_000, SCANNER, 22).flags(2), FlowLine::into(SCANNER, 22, 50_000).flags(18)];
        assert!(found(&flows).is_empty());
    }

    #[test]
    fn the_inventorys_word_on_open_ports_is_the_last() {
        let inventory = r#"{"instances": [{"id": "i-0c000000000000001", "account": "111122223333",
            "interfaces": [{"id": "eni-0c000000000000001", "open_ports": [6379]}]}]}"#;
        let found = |flows: &[FlowLine]| flow_signals(&DETECTION, &with_inventory(knowledge(), inventory), flows);
        let signals = found(&[probe(6379)]);
        assert!(signals[0].reasons[0].contains("the inventory says so"), "{:?}", signals[0].reasons);
        assert!(found(&[probe(22), answer(22)]).is_empty(), "open to the scanner, but not to the whole internet");
        let refused = FlowLine::out(6379, SCANNER, 40_000).flags(4).packets(1, 40);
        assert!(found(&[probe(6379), refused]).is_empty(), "nothing listens");
    }

    #[test]
    fn an_emr_port_of_an_unknown_instance_is_reported_here_and_says_so() {
        let signals = found(&[probe(8088), answer(8088)]);
        assert!(signals[0].missing.iter().any(|missing| missing.contains("EMR")), "{:?}", signals[0].missing);
    }
}
