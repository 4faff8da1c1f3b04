//! Calls from addresses that a list covers.

use crate::Context;
use crate::shared::call;
use crate::shared::listed_flow::{age, guarded};
use watchfire_model::{ApiCall, CallCategory, FindingType, ListKind, Severity, Signal, ThreatMatch};

/// The kinds of lists that make a caller a known malicious one.
///
/// Not scanners: those knock from outside and hold no credentials, and some belong to researchers. Not Tor, which has
/// types of its own. Not mining pools, which are called and do not call; not sinkholes, which defenders run.
pub(crate) const MALICIOUS: &[ListKind] =
    &[ListKind::C2, ListKind::Phishing, ListKind::DropPoint, ListKind::DriveBy, ListKind::Malicious];
/// The user's own threat lists.
pub(crate) const CUSTOM: &[ListKind] = &[ListKind::Custom];
/// Where Tor traffic leaves for the internet.
pub(crate) const TOR_EXIT: &[ListKind] = &[ListKind::TorExit];

/// The entries of lists of these kinds that cover the caller's address; empty if none does, if an AWS service made the
/// call, or if the call proves no credentials.
///
/// False positives: an address of a VPN provider, a hosting company or a mobile network is listed for one of its users
/// and serves others too, and lists age. Ask the key's owner whether they were there; an address that is yours belongs on
/// a trusted list (`--trusted`).
pub(crate) fn matches(event: &ApiCall<'_>, context: &Context<'_>, kinds: &[ListKind]) -> Vec<ThreatMatch> {
    let Some(ip) = event.source_ip else { return Vec::new() };
    let bits = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
    let lists = context.lists(event.account(), &event.region);
    if lists.ip_kinds(ip) & bits == 0 || call::is_by_service(event) || !call::proves_credentials(event) {
        return Vec::new();
    }
    lists.ip_threats(ip, kinds, event.time)
}

/// Reports a management call if lists of these kinds cover its caller.
///
/// Evidence: the entry, and that the caller held credentials (a refused call shows that as well as a granted one). Data
/// events of S3 have their own types; other data events are not looked at.
pub(crate) fn report_management(
    finding_type: FindingType,
    kinds: &[ListKind],
    event: &ApiCall<'_>,
    context: &Context<'_>,
    signals: &mut Vec<Signal>,
) {
    if event.category != CallCategory::Management {
        return;
    }
    let threats = matches(event, context, kinds);
    if threats.is_empty() {
        return;
    }
    let what = what_the_address_is(&threats, kinds);
    let mut signal = call::signal(finding_type, Severity::MEDIUM, event, context);
    signal.title = format!("API {} was called from {what}.", event.name);
    signal.description =
        format!("{} called {} from IP address {}, {what}.", call::caller(event), event.action(), event.source_address);
    explain(&mut signal, threats, event);
    signals.push(signal);
}

/// Reports a call to the data plane of S3 if lists of these kinds cover its caller.
///
/// Evidence: the entry, and that the caller held credentials; a refused call shows that as well as a granted one.
pub(crate) fn report_s3_data(
    finding_type: FindingType,
    severity: Severity,
    kinds: &[ListKind],
    event: &ApiCall<'_>,
    context: &Context<'_>,
    signals: &mut Vec<Signal>,
) {
    if !event.is_s3_data() {
        return;
    }
    let threats = matches(event, context, kinds);
    if threats.is_empty() {
        return;
    }
    let what = what_the_address_is(&threats, kinds);
    let mut signal = call::s3_data_signal(finding_type, severity, event, context);
    signal.title = format!("API {} was called on a bucket from {what}.", event.name);
    signal.description = format!(
        "{} called {} on bucket `{}` from IP address {}, {what}.",
        call::caller(event),
        event.action(),
        call::bucket_name(event),
        event.source_address
    );
    explain(&mut signal, threats, event);
    signals.push(signal);
}

fn what_the_address_is(threats: &[ThreatMatch], kinds: &[ListKind]) -> String {
    match threats.first() {
        Some(first) if kinds == CUSTOM => format!("an address on the custom threat list {}", first.list),
        _ if kinds == TOR_EXIT => "a Tor exit node".to_owned(),
        _ => "a known malicious address".to_owned(),
    }
}

fn explain(signal: &mut Signal, threats: Vec<ThreatMatch>, event: &ApiCall<'_>) {
    let mut reasons = vec![format!("{} called {} {}.", call::caller(event), event.action(), call::origin(event))];
    reasons.extend(threats.iter().map(reason));
    reasons.append(&mut signal.reasons);
    reasons.push(call::outcome(event));
    signal.reasons = reasons;
    if let Some(first) = threats.first() {
        signal.additional.insert("threatListName".to_owned(), first.list.as_str().into());
        let named = threats.iter().find(|threat| threat.list == first.list && !threat.threat_name.is_empty());
        if let Some(named) = named {
            signal.additional.insert("threatName".to_owned(), named.threat_name.as_str().into());
        }
    }
    signal.threats = threats;
}

/// "List `tor-exits` of 2024-02-27 (kind tor-exit) has the entry `198.51.100.0/24`, which covers 198.51.100.7."
fn reason(threat: &ThreatMatch) -> String {
    let ThreatMatch { list, kind, version, entry, threat_name, matched, .. } = threat;
    let dated = if version.is_empty() { ", which gives no date,".to_owned() } else { format!(" of {version}") };
    let covers = if entry == matched { String::new() } else { format!(", which covers {matched}") };
    let named = if threat_name.is_empty() { String::new() } else { format!(", and calls it `{threat_name}`") };
    format!(
        "The list `{list}`{dated} of kind {kind} has the entry `{entry}`{covers}{named}{}.{}",
        age(threat),
        guarded(threat)
    )
}
