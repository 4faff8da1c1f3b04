//! One DNS query, as a VPC's resolver records it.

use crate::Time;
use std::borrow::Cow;
use std::net::IpAddr;

/// One query that a VPC resolver answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DnsQuery<'a> {
    /// `account_id`.
    pub account: Cow<'a, str>,
    /// `region`.
    pub region: Cow<'a, str>,
    /// `vpc_id`.
    pub vpc_id: Cow<'a, str>,
    /// `query_timestamp`.
    pub time: Time,
    /// `query_name` as written, usually with a trailing dot.
    pub name: Cow<'a, str>,
    /// `query_type`: `A`, `AAAA`, `TXT`, ….
    pub query_type: Cow<'a, str>,
    /// `rcode`: `NOERROR`, `NXDOMAIN`, ….
    pub rcode: Cow<'a, str>,
    /// `answers` as JSON text; empty when absent. Parsed by [`DnsQuery::answers`] when a rule asks.
    pub answers: &'a str,
    /// `srcaddr`, the client.
    pub source: Option<IpAddr>,
    /// `srcport`.
    pub source_port: u16,
    /// `transport`: `UDP`, `TCP`, ….
    pub transport: Cow<'a, str>,
    /// `srcids.instance`.
    pub instance_id: Cow<'a, str>,
    /// `srcids.resolver_endpoint`: the query came in through an endpoint, so `source` is behind it.
    pub resolver_endpoint: Cow<'a, str>,
    /// `srcids.resolver_network_interface`: the interface of that endpoint.
    pub resolver_interface: Cow<'a, str>,
    /// `firewall_rule_action`: `ALLOW`, `ALERT` or `BLOCK`; empty without DNS Firewall.
    pub firewall_action: Cow<'a, str>,
    /// `firewall_rule_group_id`.
    pub firewall_rule_group: Cow<'a, str>,
    /// `firewall_domain_list_id`.
    pub firewall_domain_list: Cow<'a, str>,
}

/// The answers of a query: (data, type).
pub type DnsAnswers = Vec<(String, String)>;

impl DnsQuery<'_> {
    /// The answers, parsed: data such as an address or a name, and its type. Empty when absent or not JSON.
    pub fn answers(&self) -> DnsAnswers {
        let answers: Vec<serde_json::Value> = serde_json::from_str(self.answers).unwrap_or_default();
        let text = |answer: &serde_json::Value, key: &str| {
            answer.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        answers.iter().map(|answer| (text(answer, "Rdata"), text(answer, "Type"))).collect()
    }

    /// The addresses among the answers, as the log orders them. On the hot path: the form that AWS writes, without spaces, is
    /// read without a parser. Inside of a JSON text a quote follows a backslash, so no name can look like the key.
    pub fn answer_addresses(&self) -> Vec<IpAddr> {
        const KEY: &str = "\"Rdata\":\"";
        let mut rest = self.answers.split(KEY);
        let before = rest.next().unwrap_or_default();
        if before.len() == self.answers.len() {
            return self.answers().iter().filter_map(|(data, _)| data.parse().ok()).collect();
        }
        rest.filter_map(|after| after.split('"').next()?.parse().ok()).collect()
    }

    /// Whether DNS Firewall refused the answer.
    pub fn is_blocked(&self) -> bool {
        self.firewall_action == "BLOCK"
    }
}
