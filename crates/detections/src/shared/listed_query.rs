//! What every finding about a query for a name has in common.

use crate::Context;
use crate::shared::{listed_flow, subject};
use watchfire_model::{Action, DnsQuery, DnsRequestAction, FindingType, ListKind, ResourceRole, Severity, Signal};

/// A signal about a query for a name on a list of this kind, with everything but title and description.
///
/// Evidence: the query itself, whatever the answer. A client that is infected asks for names that are long gone, and a
/// name that the firewall blocked was asked for all the same. A search suffix behind a listed name
/// (`evil.com.corp.internal`) makes it another name, which no list has.
///
/// False positives: a query is not a connection. Mail filters, proxies and link checkers ask for the names that others
/// sent them, and resolvers ask on behalf of hosts behind them: find out which program asked. Lists age, and names change
/// hands.
pub(crate) fn signal(
    finding_type: FindingType,
    severity: Severity,
    kind: ListKind,
    query: &DnsQuery<'_>,
    context: &Context<'_>,
) -> Option<Signal> {
    let threats = context.lists(&query.account, &query.region).domain_threats(&query.name, &[kind], query.time);
    if threats.is_empty() {
        return None;
    }
    let mut signal = unlisted(finding_type, severity, query, context);
    signal.reasons.splice(0..0, threats.iter().map(listed_flow::listed));
    signal.threats = threats;
    Some(signal)
}

/// The same without a list.
pub(crate) fn unlisted(
    finding_type: FindingType,
    severity: Severity,
    query: &DnsQuery<'_>,
    context: &Context<'_>,
) -> Signal {
    let mut signal = subject::of_query(finding_type, severity, query, context);
    let name = domain(query);
    signal.action = Action::DnsRequest(DnsRequestAction {
        domain_with_suffix: context.knowledge.registered_domain(&name).to_owned(),
        domain: name,
        protocol: query.transport.to_string(),
        blocked: query.is_blocked(),
        vpc_owner: query.account.to_string(),
    });
    signal.role = Some(ResourceRole::Actor);
    signal.reasons.push(outcome(query));
    signal
}

/// The name that was asked for, in lower case and without the trailing dot.
///
/// Some clients mix upper and lower case at random to make forged answers harder; it means nothing.
pub(crate) fn domain(query: &DnsQuery<'_>) -> String {
    query.name.strip_suffix('.').unwrap_or(&query.name).to_ascii_lowercase()
}

fn outcome(query: &DnsQuery<'_>) -> String {
    let asked = format!("It asked for the name with type {}", query.query_type);
    let firewall = match query.firewall_action.as_ref() {
        "BLOCK" => "; DNS Firewall blocked the answer",
        "ALERT" => "; DNS Firewall raised an alert and let the answer pass",
        _ => "",
    };
    let answers = query.answers().len();
    format!("{asked}; the resolver answered {} with {answers} records{firewall}.", query.rcode)
}
