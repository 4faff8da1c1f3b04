//! An instance talks to a command and control server, or asks for the name of one.

use crate::shared::{listed_flow, listed_query, subject};
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const BY_TRAFFIC: FindingType = FindingType::new("Backdoor:EC2/C&CActivity.B");
const BY_QUERY: FindingType = FindingType::new("Backdoor:EC2/C&CActivity.B!DNS");

pub(crate) const TRAFFIC: Detection = Detection {
    reports: &[BY_TRAFFIC],
    summary: "An instance opened a connection to a known command and control server.",
    listens: &[Interest::FlowWith(&[ListKind::C2])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::C2])],
    file: file!(),
    rule: Rule::Flow(detect_traffic),
};

pub(crate) const QUERY: Detection = Detection {
    reports: &[BY_QUERY],
    summary: "An instance asked for the name of a known command and control server.",
    listens: &[Interest::QueryFor(&[ListKind::C2])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::C2])],
    file: file!(),
    rule: Rule::Query(detect_query),
};

/// Evidence: a connection that our side opened to a listed address, blocked or not.
///
/// Such servers also scan the internet: what they send us, and what we answer, is no evidence.
fn detect_traffic(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_flow::outbound(BY_TRAFFIC, Severity::HIGH, ListKind::C2, contact, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} is contacting a command and control server.");
    signal.description = format!(
        "{who} {}. According to {}, this address is a command and control server, from which malware takes its orders.",
        listed_flow::contacted(contact),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

/// Evidence: a query for a listed name, answered or not.
fn detect_query(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(BY_QUERY, Severity::HIGH, ListKind::C2, query, context) else { return };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried the name of a command and control server.");
    signal.description = format!(
        "{who} queried {}. According to {}, it is a command and control server, from which malware takes its orders.",
        listed_query::domain(query),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use watchfire_model::{Action, ConnectionDirection, ResourceRole};

    const C2: &str = "198.51.100.7";

    fn traffic(flows: &[FlowLine]) -> Vec<Signal> {
        flow_signals(&TRAFFIC, &knowing(ListKind::C2, &["198.51.100.0/29 # Emotet", "2001:db8:bad::/48"]), flows)
    }

    #[test]
    fn a_connection_to_the_server_is_reported_once_per_window() {
        let signals = traffic(&[
            FlowLine::out(50_000, C2, 443).flags(3),
            FlowLine::into(C2, 443, 50_000).flags(19),
            FlowLine::out(50_000, C2, 443).after(60),
            FlowLine::into(C2, 443, 50_000).after(60),
        ]);
        assert_eq!(signals.len(), 2);
        let signal = &signals[0];
        assert_eq!((signal.entity.as_str(), signal.role), (INSTANCE, Some(ResourceRole::Actor)));
        assert_eq!(signal.threats[0].threat_name, "Emotet");
        assert!(signal.reasons[0].contains("`198.51.100.0/29`"), "{:?}", signal.reasons);
        let Action::NetworkConnection(action) = &signal.action else { panic!("{:?}", signal.action) };
        assert_eq!((action.direction, action.protocol.as_str()), (ConnectionDirection::Outbound, "TCP"));
        assert_eq!((action.local_port, action.remote_port, action.blocked), (50_000, 443, false));
        assert_eq!(action.remote.as_ref().map(|remote| remote.ip), C2.parse().ok());
    }

    #[test]
    fn a_blocked_attempt_is_reported_as_blocked() {
        let signals = traffic(&[FlowLine::out(50_000, C2, 443).flags(2).packets(3, 180).rejected()]);
        assert!(matches!(&signals[0].action, Action::NetworkConnection(action) if action.blocked));
    }

    #[test]
    fn retries_that_the_server_refuses_are_reported() {
        // As Remcos does when its server is down: six SYNs, six resets.
        let flows = [
            FlowLine::out(65_164, C2, 5888).flags(2).packets(6, 304),
            FlowLine::into(C2, 5888, 65_164).flags(4).packets(6, 240),
        ];
        assert_eq!(traffic(&flows).len(), 1);
    }

    #[test]
    fn a_server_over_ipv6_is_reported() {
        let signals = traffic(&[FlowLine::out(50_000, "2001:db8:bad::7", 443).local("2001:db8:1::10").flags(2)]);
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn its_reply_alone_is_reported_when_nothing_else_was_logged() {
        assert_eq!(traffic(&[FlowLine::into(C2, 443, 50_000).flags(18)]).len(), 1);
    }

    #[test]
    fn what_the_server_opens_stays_quiet() {
        for (flags, packets, bytes) in [(4, 1, 40), (18, 4, 900)] {
            let probe = FlowLine::into(C2, 443, 8080).flags(2).packets(1, 60);
            assert!(traffic(&[probe, FlowLine::out(8080, C2, 443).flags(flags).packets(packets, bytes)]).is_empty());
        }
        assert!(traffic(&[FlowLine::into(C2, 443, 50_000).flags(2).packets(1, 60).rejected()]).is_empty());
    }

    #[test]
    fn our_reply_alone_stays_quiet() {
        assert!(traffic(&[FlowLine::out(8080, C2, 40_000).flags(18)]).is_empty());
        assert!(traffic(&[FlowLine::out(50_000, C2, 40_000).flags(4).packets(1, 40)]).is_empty());
    }

    #[test]
    fn an_answered_ping_stays_quiet() {
        let ping = [FlowLine::into(C2, 0, 0).protocol(1), FlowLine::out(0, C2, 0).protocol(1)];
        assert!(traffic(&ping).is_empty());
    }

    #[test]
    fn private_trusted_and_unlisted_addresses_stay_quiet() {
        let knowledge = knowing_lists(&[(ListKind::C2, &["198.51.100.0/29"])], &["198.51.100.7"]);
        for remote in [C2, "10.0.2.20", "203.0.113.9"] {
            let flows = [FlowLine::out(50_000, remote, 443).flags(2)];
            assert!(flow_signals(&TRAFFIC, &knowledge, &flows).is_empty(), "{remote}");
        }
    }

    #[test]
    fn a_list_of_another_kind_stays_quiet() {
        let knowledge = knowing(ListKind::Scanner, &[C2]);
        assert!(flow_signals(&TRAFFIC, &knowledge, &[FlowLine::out(50_000, C2, 443).flags(2)]).is_empty());
    }

    #[test]
    fn packets_on_their_way_through_a_gateway_count_once_and_are_their_senders() {
        let gateway = |line: FlowLine| line.of("eni-0a00000000000000f", "-").to_string().replace(" egress", " ingress");
        let (header, out) = (FLOW_HEADER.to_owned(), FlowLine::out(50_000, C2, 443).flags(2));
        let knowledge = knowing(ListKind::C2, &[C2]);
        let both = [header.clone(), out.to_string(), gateway(out.clone())];
        assert_eq!(signals(&TRAFFIC, &knowledge, &both.each_ref().map(String::as_str)).len(), 1);
        let alone = [header, gateway(out)];
        assert_eq!(signals(&TRAFFIC, &knowledge, &alone.each_ref().map(String::as_str))[0].entity, LOCAL);
    }

    #[test]
    fn an_unknown_instance_is_named_by_its_interface_or_by_the_inventory() {
        let flows = [FlowLine::out(50_000, C2, 443).flags(2).of("eni-0d00000000000000d", "-")];
        let knowledge = || knowing(ListKind::C2, &[C2]);
        let signal = &flow_signals(&TRAFFIC, &knowledge(), &flows)[0];
        assert_eq!(signal.entity, "eni-0d00000000000000d");
        assert!(signal.missing.iter().any(|missing| missing.contains("instance is not known")), "{:?}", signal.missing);
        let inventory = r#"{"instances": [{"id": "i-0d00000000000000d", "account": "111122223333",
            "interfaces": [{"private_ip": "10.0.1.10", "vpc": "vpc-0a1b2c3d4e5f60718"}]}]}"#;
        let signal = &flow_signals(&TRAFFIC, &with_inventory(knowledge(), inventory), &flows)[0];
        assert_eq!((signal.entity.as_str(), &signal.consulted), ("i-0d00000000000000d", &vec!["inventory".to_owned()]));
    }

    fn queries(names: &[&str]) -> Vec<Signal> {
        let queries: Vec<String> = names.iter().map(|name| query_line(name, &[])).collect();
        query_signals(&QUERY, &knowing(ListKind::C2, &["evil.example.com # Emotet", "*.c2.example.net"]), &queries)
    }

    #[test]
    fn a_query_for_the_servers_name_is_reported_even_if_it_is_gone() {
        let signal = &queries(&["EVIL.example.com."])[0];
        assert_eq!((signal.entity.as_str(), signal.role), (INSTANCE, Some(ResourceRole::Actor)));
        let Action::DnsRequest(action) = &signal.action else { panic!("{:?}", signal.action) };
        assert_eq!(action.domain, "evil.example.com");
        assert_eq!(action.domain_with_suffix, "example.com");
        assert_eq!(
            (action.protocol.as_str(), action.blocked, action.vpc_owner.as_str()),
            ("UDP", false, "111122223333")
        );
        assert_eq!(queries(&["a.b.c2.example.net."]).len(), 1);
    }

    #[test]
    fn names_that_only_resemble_a_listed_one_stay_quiet() {
        for name in [
            "evil.example.com.corp.internal.",
            "notevil.example.com.",
            "www.evil.example.com.",
            "example.com.",
            "c2.example.net.",
        ] {
            assert!(queries(&[name]).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_query_that_the_firewall_blocked_is_reported_as_blocked() {
        let query =
            query_line("evil.example.com.", &[]).replace("\"rcode\"", "\"firewall_rule_action\":\"BLOCK\",\"rcode\"");
        let signals = query_signals(&QUERY, &knowing(ListKind::C2, &["evil.example.com"]), &[query]);
        assert!(matches!(&signals[0].action, Action::DnsRequest(action) if action.blocked));
    }

    #[test]
    fn a_client_behind_a_resolver_endpoint_is_named_by_its_address_and_the_endpoint() {
        let query = query_line("evil.example.com.", &[])
            .replace(r#"{"instance":"i-0c000000000000001"}"#, r#"{"resolver_endpoint":"rslvr-in-1"}"#);
        let signals = query_signals(&QUERY, &knowing(ListKind::C2, &["evil.example.com"]), &[query]);
        assert_eq!(signals[0].entity, "10.0.1.10 rslvr-in-1");
        assert!(signals[0].missing.iter().any(|missing| missing.contains("rslvr-in-1")), "{:?}", signals[0].missing);
    }
}
