//! What every finding about the queries of one client below one domain has in common.

use crate::Context;
use crate::shared::subject;
use crate::tally::{Place, QueryKey, QueryTally};
use std::net::IpAddr;
use watchfire_model::{Action, DnsRequestAction, FindingType, ResourceRole, Severity, Signal};

/// Zones that no registry gives out, and the reverse zones. Source: RFC 6762 and its appendix G, RFC 8375, RFC 6761, ICANN
/// 2024 (`internal`); Consul's and Mesos-DNS's documentation for the zones that they serve by default.
const PRIVATE_ZONES: [&str; 12] = [
    "arpa",
    "consul",
    "corp",
    "home",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mesos",
    "private",
];
/// AWS's own zones, whose names are made by machines. Source: AWS documentation of service endpoints.
const AWS_ZONES: [&str; 5] = ["amazonaws.com", "amazonaws.com.cn", "aws", "cloudfront.net", "awsglobalaccelerator.com"];

/// The text that stands for a client, made anew only where the client differs from that of the last tally: they come in runs,
/// and to write it for each was half of what the judging of queries took.
#[derive(Default)]
pub(crate) struct LastClient {
    of: Option<(Place, Option<IpAddr>)>,
    text: String,
}

impl LastClient {
    /// The client's text, as `write` makes it, and whether this is another client than the last.
    pub(crate) fn text(&mut self, key: &QueryKey, write: impl FnOnce(&QueryKey) -> String) -> (&str, bool) {
        let is_same = self.of.as_ref().is_some_and(|(place, client)| *client == key.client && *place == key.place);
        if !is_same {
            self.of = Some((key.place.clone(), key.client));
            self.text = write(key);
        }
        (&self.text, !is_same)
    }
}

/// Whether anyone could have registered the domain: not a private zone, a single label, or AWS's own.
pub(crate) fn is_public(domain: &str) -> bool {
    let lies_in = |zone: &str| domain.strip_suffix(zone).is_some_and(|below| below.is_empty() || below.ends_with('.'));
    domain.contains('.') && !AWS_ZONES.into_iter().chain(PRIVATE_ZONES).any(lies_in)
}

/// Who asked, as a text that tells clients apart: account, VPC, resolver endpoint, instance and address.
pub(crate) fn client(key: &QueryKey) -> String {
    let address = key.client.map_or_else(String::new, |client| client.to_string());
    let place = &key.place;
    format!("{} {} {} {} {address}", place.account, place.vpc, place.interface, place.instance)
}

/// A signal about the client of these queries, with this name as the domain that was asked for.
pub(crate) fn signal(
    finding_type: FindingType,
    severity: Severity,
    key: &QueryKey,
    tally: &QueryTally,
    name: &str,
    context: &Context<'_>,
) -> Signal {
    let mut signal = subject::of_query_client(finding_type, severity, key, context);
    signal.action = Action::DnsRequest(DnsRequestAction {
        domain: name.to_owned(),
        domain_with_suffix: key.domain.to_string(),
        protocol: if tally.tcp == tally.queries { "TCP" } else { "UDP" }.to_owned(),
        blocked: tally.queries > 0 && tally.blocked == tally.queries,
        vpc_owner: key.place.account.to_string(),
    });
    signal.role = Some(ResourceRole::Actor);
    signal.consulted.push("public-suffixes".to_owned());
    signal
}
