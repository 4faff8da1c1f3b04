//! An instance talks to a host that collects stolen data, or asks for the name of one.

use crate::shared::{listed_flow, listed_query, subject};
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const BY_TRAFFIC: FindingType = FindingType::new("Trojan:EC2/DropPoint");
const BY_QUERY: FindingType = FindingType::new("Trojan:EC2/DropPoint!DNS");

pub(crate) const TRAFFIC: Detection = Detection {
    reports: &[BY_TRAFFIC],
    summary: "An instance opened a connection to a host known to collect stolen data.",
    listens: &[Interest::FlowWith(&[ListKind::DropPoint])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::DropPoint])],
    file: file!(),
    rule: Rule::Flow(detect_traffic),
};

pub(crate) const QUERY: Detection = Detection {
    reports: &[BY_QUERY],
    summary: "An instance asked for the name of a host known to collect stolen data.",
    listens: &[Interest::QueryFor(&[ListKind::DropPoint])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::DropPoint])],
    file: file!(),
    rule: Rule::Query(detect_query),
};

/// Evidence: a connection that our side opened to a listed address, blocked or not.
fn detect_traffic(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_flow::outbound(BY_TRAFFIC, Severity::MEDIUM, ListKind::DropPoint, contact, context)
    else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} is contacting a drop point.");
    signal.description = format!(
        "{who} {}. According to {}, this address is a drop point, where malware leaves credentials and other data it has stolen.",
        listed_flow::contacted(contact),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

/// Evidence: a query for a listed name, answered or not.
fn detect_query(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(BY_QUERY, Severity::MEDIUM, ListKind::DropPoint, query, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried the name of a drop point.");
    signal.description = format!(
        "{who} queried {}. According to {}, it is a drop point, where malware leaves credentials and other data it has stolen.",
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
    fn a_connection_to_a_drop_point_is_reported() {
        let flows = [FlowLine::out(50_000, REMOTE, 21).flags(2), FlowLine::into(REMOTE, 21, 50_000).flags(18)];
        let signals = flow_signals(&TRAFFIC, &knowing(ListKind::DropPoint, &[REMOTE]), &flows);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::MEDIUM));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn what_a_drop_point_opens_stays_quiet() {
        let flows = [FlowLine::into(REMOTE, 50_000, 22).flags(2), FlowLine::out(22, REMOTE, 50_000).flags(18)];
        assert!(flow_signals(&TRAFFIC, &knowing(ListKind::DropPoint, &[REMOTE]), &flows).is_empty());
    }

    #[test]
    fn a_query_for_a_drop_point_is_reported() {
        let knowledge = knowing(ListKind::DropPoint, &["drop.example.com"]);
        let signals = query_signals(&QUERY, &knowledge, &[query_line("drop.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::MEDIUM));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn another_name_or_another_list_stays_quiet() {
        let knowledge = knowing(ListKind::DropPoint, &["drop.example.com"]);
        for name in ["drop.example.com.corp.", "raindrop.example.com.", "example.com."] {
            assert!(query_signals(&QUERY, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::Custom, &["drop.example.com"]);
        assert!(
            query_signals(&QUERY, &other, &[query_line("drop.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }
}
