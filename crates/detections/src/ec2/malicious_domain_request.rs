//! An instance asks for a name on a threat list of the user's own.

use crate::shared::reputation::{Kind, Reputation};
use crate::shared::{listed_flow, listed_query, subject};
use crate::{Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const ON_YOUR_LIST: FindingType = FindingType::new("Impact:EC2/MaliciousDomainRequest.Custom");

const BY_REPUTATION: FindingType = FindingType::new("Impact:EC2/MaliciousDomainRequest.Reputation");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[ON_YOUR_LIST],
    summary: "An instance asked for a name on one of your own threat lists.",
    listens: &[Interest::QueryFor(&[ListKind::Custom])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::Custom])],
    file: file!(),
    rule: Rule::Query(detect),
};

pub(crate) const REPUTATION: Detection = Detection {
    reports: &[BY_REPUTATION],
    summary: "An instance asked for a name with the reputation of a malicious one.",
    listens: &[Interest::QueryFor(&[ListKind::MaliciousReputation]), Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Reputation::new(BY_REPUTATION, Kind::Malicious))),
};

/// Evidence: a query for a name on the user's own list, answered or not.
///
/// The `.Reputation` type of this family is decided by how a name behaves, and by lists of reputation.
///
/// False positives: whatever your list says too much: `*.example.org` covers every name below it.
fn detect(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(ON_YOUR_LIST, Severity::MEDIUM, ListKind::Custom, query, context)
    else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried a name on a custom threat list.");
    signal.description = format!(
        "{who} queried {}. It is on {}, a threat list of your own.",
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
    fn a_query_for_a_name_of_the_users_list_is_reported() {
        let knowledge = knowing(ListKind::Custom, &["bad.example.com"]);
        let signals = query_signals(&DETECTION, &knowledge, &[query_line("bad.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::MEDIUM));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn another_name_or_another_list_stays_quiet() {
        let knowledge = knowing(ListKind::Custom, &["bad.example.com"]);
        for name in ["notbad.example.com.", "bad.example.com.corp.internal.", "example.com."] {
            assert!(query_signals(&DETECTION, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::C2, &["bad.example.com"]);
        assert!(
            query_signals(&DETECTION, &other, &[query_line("bad.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }

    #[test]
    fn a_wildcard_covers_what_lies_below_and_a_trusted_name_wins() {
        let knowledge = knowing_lists(&[(ListKind::Custom, &["*.bad.example.com"])], &["good.bad.example.com"]);
        assert_eq!(query_signals(&DETECTION, &knowledge, &[query_line("a.bad.example.com.", &[])]).len(), 1);
        assert!(query_signals(&DETECTION, &knowledge, &[query_line("good.bad.example.com.", &[])]).is_empty());
    }
}
