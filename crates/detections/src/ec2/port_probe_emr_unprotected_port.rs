//! A known scanner found an open port of an EMR cluster's own.

use crate::shared::port_probe::{self, Probed};
use crate::shared::subject;
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, ListKind, Severity, Signal};

const OPEN_EMR_PORT: FindingType = FindingType::new("Recon:EC2/PortProbeEMRUnprotectedPort");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[OPEN_EMR_PORT],
    summary: "A known scanner probed an EMR port of a cluster's instance that nothing protects.",
    listens: &[Interest::FlowWith(&[ListKind::Scanner])],
    // Launches in the management events may take the inventory's place, if they carry EMR's tags.
    needs: &[Need::Flows, Need::Lists(&[ListKind::Scanner]), Need::Inventory],
    file: file!(),
    rule: Rule::Flow(detect),
};

/// Evidence: a listed scanner reached an open port of EMR's on an instance that the inventory, or the tags with which it
/// was launched, say belongs to a cluster. See [`port_probe::is_candidate`] and [`port_probe::signal`].
///
/// Without that knowledge the probe is one of an ordinary port: `PortProbeUnprotectedPort` reports it.
fn detect(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    if !port_probe::is_candidate(contact) || !port_probe::EMR_PORTS.contains(&contact.local_port) {
        return;
    }
    let Some((mut signal, Probed::EmrPort)) = port_probe::signal(OPEN_EMR_PORT, Severity::HIGH, contact, context)
    else {
        return;
    };
    let who = subject::name(&signal);
    let port = contact.local_port;
    signal.title = format!("A scanner is probing an unprotected EMR port of {}.", subject::lower(&who));
    signal.description = format!(
        "{who} belongs to an EMR cluster and has an unprotected port of EMR's, {port}, which a known scanner, {}, is \
         probing.",
        contact.remote
    );
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::port_probe_unprotected_port;
    use crate::testing::*;

    const SCANNER: &str = "198.51.100.7";

    fn probe(port: u16) -> Vec<FlowLine> {
        vec![
            FlowLine::into(SCANNER, 40_000, port).flags(6).packets(2, 84),
            FlowLine::out(port, SCANNER, 40_000).flags(18).packets(1, 44),
        ]
    }

    /// How many signals this detection and its sibling give, for an instance with these members in the inventory.
    fn found(port: u16, members: &str) -> (usize, usize) {
        let inventory = format!(r#"{{"instances": [{{"id": "{INSTANCE}", "account": "111122223333", {members}}}]}}"#);
        let knowledge = with_inventory(knowing(ListKind::Scanner, &[SCANNER]), &inventory);
        let count = |detection| flow_signals(detection, &knowledge, &probe(port)).len();
        (count(&DETECTION), count(&port_probe_unprotected_port::DETECTION))
    }

    const CLUSTER: &str = r#""emr_cluster": "j-1ABCDEFGHIJKL""#;
    const TAGGED: &str = r#""tags": {"aws:elasticmapreduce:job-flow-id": "j-1ABCDEFGHIJKL"}"#;

    #[test]
    fn an_emr_port_of_a_cluster_is_reported_here_and_only_here() {
        for port in [8088, 8042, 9870, 18_080, 19_888] {
            assert_eq!(found(port, CLUSTER), (1, 0));
        }
        assert_eq!(found(8088, TAGGED), (1, 0));
    }

    #[test]
    fn another_port_or_another_instance_is_left_to_the_other_type() {
        assert_eq!(found(22, CLUSTER), (0, 1));
        assert_eq!(found(8088, r#""tags": {"Name": "aws:elasticmapreduce:"}"#), (0, 1));
    }

    #[test]
    fn the_tags_of_a_launch_in_the_logs_tell_as_well() {
        let launch = r#"{"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "eventTime": "2024-04-18T00:00:00Z",
            "awsRegion": "us-east-1", "recipientAccountId": "111122223333", "userIdentity": {"type": "AssumedRole"},
            "responseElements": {"instancesSet": {"items": [{"instanceId": "i-0c000000000000001", "imageId": "ami-1",
            "tagSet": {"items": [{"key": "aws:elasticmapreduce:instance-group-role", "value": "MASTER"}]}}]}}}"#;
        let flows: Vec<String> = probe(8088).iter().map(FlowLine::to_string).collect();
        let parts = [launch.to_owned(), format!("{FLOW_HEADER}\n{}", flows.join("\n"))];
        let knowledge = knowing(ListKind::Scanner, &[SCANNER]);
        let signals = signals_of(&DETECTION, &knowledge, &parts.each_ref().map(String::as_str));
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::HIGH));
    }
}
