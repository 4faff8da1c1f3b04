//! A public name leads to the metadata service.

use crate::shared::{METADATA_ADDRESSES, listed_query, subject};
use crate::{Context, Detection, Interest, Need, Rule};
use std::net::IpAddr;
use watchfire_model::{DnsQuery, FindingType, ResourceRole, Severity, Signal};

const REBIND: FindingType = FindingType::new("UnauthorizedAccess:EC2/MetadataDNSRebind");

/// AWS's own zones: whoever can write there needs no trick. Source: AWS documentation of service endpoints.
const AWS_ZONES: [&str; 3] = ["amazonaws.com", "amazonaws.com.cn", "aws"];

/// Zones that no registry gives out: names there are the network's own affair, such as `instance-data.ec2.internal` or a
/// cluster's services. Source: RFC 6762 (`local`, and the usual private ones in its appendix G), RFC 8375 (`home.arpa`),
/// RFC 6761 (`localhost`), ICANN 2024 (`internal`). `arpa` also holds the reverse zones.
const PRIVATE_ZONES: [&str; 10] =
    ["arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "private"];

pub(crate) const DETECTION: Detection = Detection {
    reports: &[REBIND],
    summary: "A public name that an instance asked for led to the address of the metadata service.",
    listens: &[Interest::MetadataAnswer],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Query(detect),
};

/// Evidence: an answer of type A or AAAA that is exactly a metadata address, for a name that anyone could have
/// registered.
///
/// Private names, names of one label and AWS's own lead there on purpose. An answer of another type (TXT, PTR) is text:
/// no client connects to it.
///
/// False positives: a security scanner that tests for this very weakness with a name of its own, and a name of your own
/// domain that somebody pointed at the metadata service on purpose. Suppress the finding for that name.
fn detect(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let name = listed_query::domain(query);
    if query.query_type == "PTR" || !is_public(&name) {
        return;
    }
    let Some(address) = metadata_answer(query) else { return };
    let mut signal = listed_query::unlisted(REBIND, Severity::HIGH, query, context);
    // The one who made the name attacks; the instance that asked is made to ask its own metadata service.
    signal.role = Some(ResourceRole::Target);
    signal.reasons.insert(
        0,
        format!("The public name {name} was answered with {address}, where AWS serves metadata and credentials."),
    );
    let who = subject::name(&signal);
    signal.title = format!("{who} may be the target of a DNS rebinding attack.");
    signal.description = format!(
        "{who} queried {name}, a public name that leads to {address}, the address of a metadata service. Someone may be \
         trying to have it fetch its own credentials for them."
    );
    signals.push(signal);
}

fn metadata_answer(query: &DnsQuery<'_>) -> Option<IpAddr> {
    let metadata: Vec<IpAddr> = METADATA_ADDRESSES.iter().filter_map(|address| address.parse().ok()).collect();
    let answers = query.answers();
    let addresses = answers.iter().filter(|(_, kind)| matches!(kind.as_str(), "A" | "AAAA"));
    addresses
        .filter_map(|(data, _)| data.parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .find(|address| metadata.contains(address))
}

fn is_public(name: &str) -> bool {
    let lies_in = |zone: &str| name.strip_suffix(zone).is_some_and(|below| below.is_empty() || below.ends_with('.'));
    name.contains('.') && !AWS_ZONES.into_iter().chain(PRIVATE_ZONES).any(lies_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use watchfire_knowledge::Knowledge;
    use watchfire_model::Action;

    fn found(name: &str, answers: &[(&str, &str)]) -> Vec<Signal> {
        query_signals(&DETECTION, &Knowledge::default(), &[query_line(name, answers)])
    }

    #[test]
    fn a_public_name_that_leads_to_a_metadata_service_is_reported() {
        for (address, kind) in [
            ("169.254.169.254", "A"),
            ("169.254.170.2", "A"),
            ("169.254.170.23", "A"),
            ("fd00:ec2::254", "AAAA"),
            ("::ffff:169.254.169.254", "AAAA"),
        ] {
            let signals = found("rebind.example.", &[("cdn.example.", "CNAME"), (address, kind)]);
            assert_eq!((signals.len(), signals[0].role), (1, Some(ResourceRole::Target)), "{address}");
            assert!(matches!(&signals[0].action, Action::DnsRequest(action) if action.domain == "rebind.example"));
        }
    }

    #[test]
    fn names_that_lead_there_on_purpose_stay_quiet() {
        for name in [
            "instance-data.ec2.internal.",
            "metadata.google.internal.",
            "ip-10-0-1-10.eu-west-1.compute.internal.",
            "imds.kube-system.svc.cluster.local.",
            "metadata.us-east-1.amazonaws.com.",
            "metadata.corp.",
            "router.home.arpa.",
            "metadata.",
        ] {
            assert!(found(name, &[("169.254.169.254", "A")]).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_name_that_only_ends_in_the_same_letters_is_public() {
        assert_eq!(found("evilamazonaws.com.", &[("169.254.169.254", "A")]).len(), 1);
    }

    #[test]
    fn other_addresses_and_other_types_stay_quiet() {
        assert!(found("rebind.example.", &[("169.254.169.25", "A"), ("169.254.170.20", "A")]).is_empty());
        assert!(found("rebind.example.", &[("fd00:ec2::2540", "AAAA")]).is_empty());
        assert!(found("rebind.example.", &[("169.254.169.254", "TXT")]).is_empty());
        assert!(found("254.169.254.169.in-addr.arpa.", &[("rebind.example.", "PTR")]).is_empty());
    }
}
