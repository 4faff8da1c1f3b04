//! An instance asks for the name of a site that serves drive-by downloads.

use crate::shared::{listed_flow, listed_query, subject};
use crate::{Context, Detection, Interest, Need, Rule};
use watchfire_model::{DnsQuery, FindingType, ListKind, Severity, Signal};

const DRIVE_BY: FindingType = FindingType::new("Trojan:EC2/DriveBySourceTraffic!DNS");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DRIVE_BY],
    summary: "An instance asked for the name of a site known to serve drive-by downloads.",
    listens: &[Interest::QueryFor(&[ListKind::DriveBy])],
    needs: &[Need::DnsQueries, Need::Lists(&[ListKind::DriveBy])],
    file: file!(),
    rule: Rule::Query(detect),
};

/// Evidence: a query for a listed name, answered or not.
fn detect(query: &DnsQuery<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(mut signal) = listed_query::signal(DRIVE_BY, Severity::HIGH, ListKind::DriveBy, query, context) else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} queried the name of a source of drive-by downloads.");
    signal.description = format!(
        "{who} queried {}. According to {}, it is a site that installs software on those who merely visit it.",
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
    fn a_query_for_such_a_site_is_reported() {
        let knowledge = knowing(ListKind::DriveBy, &["kit.example.com"]);
        let signals = query_signals(&DETECTION, &knowledge, &[query_line("kit.example.com.", &[])]);
        assert_eq!((signals.len(), signals[0].severity), (1, Severity::HIGH));
        assert_eq!(signals[0].entity, INSTANCE);
    }

    #[test]
    fn another_name_or_another_list_stays_quiet() {
        let knowledge = knowing(ListKind::DriveBy, &["kit.example.com"]);
        for name in ["toolkit.example.com.", "kit.example.com.corp.internal.", "example.com."] {
            assert!(query_signals(&DETECTION, &knowledge, &[query_line(name, &[])]).is_empty(), "{name}");
        }
        let other = knowing(ListKind::Custom, &["kit.example.com"]);
        assert!(
            query_signals(&DETECTION, &other, &[query_line("kit.example.com.", &[])]).is_empty(),
            "another kind of list"
        );
    }
}
