//! An instance talks to a mining pool or another node of a cryptocurrency, or asks for the name of one.

use crate::shared::{listed_flow, listed_query, subject};
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const BY_TRAFFIC: FindingType = FindingType::new("CryptoCurrency:EC2/BitcoinTool.B");
const BY_QUERY: FindingType = FindingType::new("CryptoCurrency:EC2/BitcoinTool.B!DNS");

pub(crate) const TRAFFIC: Detection = Detection {
    reports: &[BY_TRAFFIC],
    summary: "An instance opened a connection to an address known for cryptocurrency.",
    listens: &[Interest::FlowWith(&[ListKind::Mining])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::Mining])],
    file: file!(),
    rule: Rule::Flow(detect_traffic),
};

pub(crate) const QUERY: Detection = Detection {
    reports: &[BY_QUERY],
    summary: "An instance asked for a name known for cryptocurrency.",
    listens: &[Interest::QueryFor(&[ListKind::Mining])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::Mining])],
    file: file!(),
    rule: Rule::Query(detect_query),
};

/// Evidence: a connection that our side opened to a listed address, blocked or not.
///
/// Nodes of a blockchain look for peers everywhere: what they open to us is no evidence.
///
/// False positives: instances that run a node or a wallet on purpose. Suppress the finding for them.
fn detect_traffic(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_flow::outbound(BY_TRAFFIC, Severity::HIGH, ListKind::Mining, contact, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} is contacting an address associated with cryptocurrency.");
    signal.description = format!(
        "{who} {}. According to {}, this address is part of a cryptocurrency's network, such as a mining pool.",
        listed_flow::contacted(contact),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

/// Evidence: a query for a listed name, answered or not.
///
/// False positives: instances that run a node or a wallet on purpose. Suppress the finding for them.
fn detect_query(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(BY_QUERY, Severity::HIGH, ListKind::Mining, query, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried a name associated with cryptocurrency.");
    signal.description = format!(
        "{who} queried {}. According to {}, it is part of a cryptocurrency's network, such as a mining pool.",
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
    fn a_connection_to_a_pool_is_reported() {
        let flows = [FlowLine::out(50_000, REMOTE, 3333).flags(2), FlowLine::into(REMOTE, 3333, 50_000).flags(18)];
        let signals = flow_signals(&TRAFFIC, &knowing(ListKind::Mining, &[REMOTE]), &flows);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::HIGH));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn a_node_that_looks_for_peers_stays_quiet() {
        let flows = [FlowLine::into(REMOTE, 50_000, 22).flags(2), FlowLine::out(22, REMOTE, 50_000).flags(18)];
        assert!(flow_signals(&TRAFFIC, &knowing(ListKind::Mining, &[REMOTE]), &flows).is_empty());
    }

    #[test]
    fn a_query_for_a_pool_is_reported() {
        let knowledge = knowing(ListKind::Mining, &["pool.example.com"]);
        let signals = query_signals(&QUERY, &knowledge, &[query_line("pool.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::HIGH));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn another_name_or_another_list_stays_quiet() {
        let knowledge = knowing(ListKind::Mining, &["pool.example.com"]);
        for name in ["pool.example.com.corp.internal.", "carpool.example.com.", "example.com."] {
            assert!(query_signals(&QUERY, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::Custom, &["pool.example.com"]);
        assert!(
            query_signals(&QUERY, &other, &[query_line("pool.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }
}
