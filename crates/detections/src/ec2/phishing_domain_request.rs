//! An instance asks for the name of a phishing site.

use crate::shared::{listed_flow, listed_query, subject};
use crate::{Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const PHISHING: FindingType = FindingType::new("Trojan:EC2/PhishingDomainRequest!DNS");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[PHISHING],
    summary: "An instance asked for the name of a known phishing site.",
    listens: &[Interest::QueryFor(&[ListKind::Phishing])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::Phishing])],
    file: file!(),
    rule: Rule::Query(detect),
};

/// Evidence: a query for a listed name, answered or not. Whether the instance visits the site or serves it is not known.
fn detect(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(PHISHING, Severity::HIGH, ListKind::Phishing, query, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried the name of a phishing site.");
    signal.description = format!(
        "{who} queried {}. According to {}, it is a site that takes part in phishing.",
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
    fn a_query_for_a_phishing_site_is_reported() {
        let knowledge = knowing(ListKind::Phishing, &["login.example.com"]);
        let signals = query_signals(&DETECTION, &knowledge, &[query_line("login.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::HIGH));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn another_name_or_another_list_stays_quiet() {
        let knowledge = knowing(ListKind::Phishing, &["login.example.com"]);
        for name in ["mylogin.example.com.", "login.example.com.corp.internal.", "example.com."] {
            assert!(query_signals(&DETECTION, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::Custom, &["login.example.com"]);
        assert!(
            query_signals(&DETECTION, &other, &[query_line("login.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }
}
