//! An instance asks for a name that a known domain generation algorithm made.

use crate::shared::generated_names::GeneratedNames;
use crate::shared::{listed_flow, listed_query, subject};
use crate::{Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const GENERATED_NAMES: FindingType = FindingType::new("Trojan:EC2/DGADomainRequest.B");

pub(crate) const BY_MODEL: Detection = Detection {
    reports: &[GENERATED_NAMES],
    summary: "An instance asked for names that do not exist and look as if an algorithm had made them.",
    listens: &[Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(GeneratedNames::new(GENERATED_NAMES))),
};

const KNOWN_DGA_NAME: FindingType = FindingType::new("Trojan:EC2/DGADomainRequest.C!DNS");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[KNOWN_DGA_NAME],
    summary: "An instance asked for a name that is known to come from a domain generation algorithm.",
    listens: &[Interest::QueryFor(&[ListKind::Dga])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::Dga])],
    file: file!(),
    rule: Rule::Query(detect),
};

/// Evidence: a query for a name of a list. That a name looks random is no evidence here: see `DGADomainRequest.B`.
///
/// Most such names do not exist, so an answer is not asked for.
fn detect(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(KNOWN_DGA_NAME, Severity::HIGH, ListKind::Dga, query, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried an algorithmically generated name.");
    signal.description = format!(
        "{who} queried {}. According to {}, it was made by a domain generation algorithm, by which malware finds its server.",
        listed_query::domain(query),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    #[test]
    fn a_known_generated_name_is_reported_though_it_does_not_exist() {
        let knowledge = knowing(ListKind::Dga, &["xkqzwvtrplm.example.com"]);
        let signals = query_signals(&DETECTION, &knowledge, &[query_line("xkqzwvtrplm.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::HIGH));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn a_name_that_merely_looks_random_stays_quiet() {
        let knowledge = knowing(ListKind::Dga, &["xkqzwvtrplm.example.com"]);
        for name in ["qzkxwvtrplm.example.com.", "xkqzwvtrplm.example.com.corp.internal.", "example.com."] {
            assert!(query_signals(&DETECTION, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::Custom, &["xkqzwvtrplm.example.com"]);
        assert!(
            query_signals(&DETECTION, &other, &[query_line("xkqzwvtrplm.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }
}
