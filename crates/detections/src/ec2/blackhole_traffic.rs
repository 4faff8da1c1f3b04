//! An instance talks to a sinkhole, or asks for a name that is redirected to one.

use crate::shared::{listed_flow, listed_query, subject};
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const BY_TRAFFIC: FindingType = FindingType::new("Trojan:EC2/BlackholeTraffic");
const BY_QUERY: FindingType = FindingType::new("Trojan:EC2/BlackholeTraffic!DNS");

pub(crate) const TRAFFIC: Detection = Detection {
    reports: &[BY_TRAFFIC],
    summary: "An instance opened a connection to a known sinkhole or black hole.",
    listens: &[Interest::FlowWith(&[ListKind::BlackHole])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::BlackHole])],
    file: file!(),
    rule: Rule::Flow(detect_traffic),
};

pub(crate) const QUERY: Detection = Detection {
    reports: &[BY_QUERY],
    summary: "An instance asked for a name that is known to be redirected to a sinkhole.",
    listens: &[Interest::QueryFor(&[ListKind::BlackHole])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::BlackHole])],
    file: file!(),
    rule: Rule::Query(detect_query),
};

/// Evidence: a connection that our side opened to a listed address, answered or not: a black hole never answers.
fn detect_traffic(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_flow::outbound(BY_TRAFFIC, Severity::MEDIUM, ListKind::BlackHole, contact, context)
    else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} is contacting a black hole.");
    signal.description = format!(
        "{who} {}. According to {}, this address is a sinkhole or black hole: it stands where malware used to reach its server.",
        listed_flow::contacted(contact),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

/// Evidence: a query for a listed name, whatever the answer.
fn detect_query(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(BY_QUERY, Severity::MEDIUM, ListKind::BlackHole, query, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried a name that leads to a black hole.");
    signal.description = format!(
        "{who} queried {}. According to {}, it is redirected to a sinkhole: malware used to reach its server by it.",
        listed_query::domain(query),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const REMOTE: &str = "198.51.100.7";

    #[test]
    fn a_connection_to_a_sinkhole_is_reported() {
        let flows = [FlowLine::out(50_000, REMOTE, 80).flags(2), FlowLine::into(REMOTE, 80, 50_000).flags(18)];
        let signals = flow_signals(&TRAFFIC, &knowing(ListKind::BlackHole, &[REMOTE]), &flows);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::MEDIUM));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn what_a_sinkhole_opens_stays_quiet() {
        let flows = [FlowLine::into(REMOTE, 50_000, 22).flags(2), FlowLine::out(22, REMOTE, 50_000).flags(18)];
        assert!(flow_signals(&TRAFFIC, &knowing(ListKind::BlackHole, &[REMOTE]), &flows).is_empty());
    }

    #[test]
    fn a_black_hole_need_not_answer() {
        let flows = [FlowLine::out(50_000, REMOTE, 80).flags(2).packets(3, 180)];
        assert_eq!(flow_signals(&TRAFFIC, &knowing(ListKind::BlackHole, &[REMOTE]), &flows).len(), 1);
    }

    #[test]
    fn a_query_for_a_sunk_name_is_reported() {
        let knowledge = knowing(ListKind::BlackHole, &["sunk.example.com"]);
        let signals = query_signals(&QUERY, &knowledge, &[query_line("sunk.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::MEDIUM));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn another_name_or_another_list_stays_quiet() {
        let knowledge = knowing(ListKind::BlackHole, &["sunk.example.com"]);
        for name in ["sunk.example.com.lan.", "unsunk.example.com.", "example.com."] {
            assert!(query_signals(&QUERY, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::Custom, &["sunk.example.com"]);
        assert!(
            query_signals(&QUERY, &other, &[query_line("sunk.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }
}
