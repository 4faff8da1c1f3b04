//! What every finding about traffic with a listed address has in common.

use crate::shared::contact::{TCP, protocol_name};
use crate::shared::subject;
use crate::{Contact, Context};
use watchfire_model::{
    Action, ConnectionDirection, FindingType, ListKind, NetworkConnectionAction, ResourceRole, Severity, Signal,
    ThreatMatch,
};

/// A signal about a connection that our side opened to an address on a list of this kind.
///
/// Evidence: our side opened it, whether it got through or not; or nobody can tell who did, and packets went both ways.
/// What our side merely answers is not its connection: anyone on the internet can make it answer. Of ICMP nobody can
/// tell an answer from a question, so there the direction must be known. One record of each window speaks for both
/// directions, so that the count of a finding is windows with traffic, not records.
///
/// False positives: lists age and addresses change hands, so look at the date of the list and at what else the instance
/// does. An address that serves many sites may be listed for one of them. Programs that study such hosts connect to them
/// on purpose: suppress the finding for those instances, or trust the address (`--trusted`).
pub(crate) fn outbound(
    finding_type: FindingType,
    severity: Severity,
    kind: ListKind,
    contact: &Contact<'_>,
    context: &Context<'_>,
) -> Option<Signal> {
    (contact.speaks() && is_ours(contact)).then(|| signal(finding_type, severity, &[kind], contact, context)).flatten()
}

/// Whether our side opened the connection, or may have and took part.
pub(crate) fn is_ours(contact: &Contact<'_>) -> bool {
    match contact.direction {
        ConnectionDirection::Outbound => true,
        ConnectionDirection::Unknown => contact.is_answered && !contact.is_icmp(),
        ConnectionDirection::Inbound => false,
    }
}

/// A signal about this contact, with everything but title and description; `None` if no list of these kinds has the
/// address.
pub(crate) fn signal(
    finding_type: FindingType,
    severity: Severity,
    kinds: &[ListKind],
    contact: &Contact<'_>,
    context: &Context<'_>,
) -> Option<Signal> {
    let threats = contact.lists(context).ip_threats(contact.remote, kinds, contact.flow.start);
    if threats.is_empty() {
        return None;
    }
    let mut signal = subject::of_contact(finding_type, severity, contact, context)?;
    signal.action = Action::NetworkConnection(NetworkConnectionAction {
        direction: contact.direction,
        protocol: protocol_name(contact.flow.protocol),
        blocked: contact.flow.is_rejected(),
        local_ip: Some(contact.local),
        local_port: contact.local_port,
        local_interface: contact.flow.interface_id.to_string(),
        remote: Some(context.knowledge.remote(contact.remote)),
        remote_port: contact.remote_port,
    });
    signal.role = Some(match contact.direction {
        ConnectionDirection::Inbound => ResourceRole::Target,
        ConnectionDirection::Outbound | ConnectionDirection::Unknown => ResourceRole::Actor,
    });
    explain(&mut signal, &threats, contact, context);
    signal.threats = threats;
    Some(signal)
}

/// What lists say, who opened the conversation, how much went each way, and what could not be known.
pub(crate) fn explain(signal: &mut Signal, threats: &[ThreatMatch], contact: &Contact<'_>, context: &Context<'_>) {
    signal.reasons.extend(threats.iter().map(listed));
    signal.reasons.push(opener(contact));
    signal.reasons.push(amounts(contact));
    signal.reasons.push(verdict(contact));
    let service = contact.remote_service();
    if !service.is_empty() {
        signal.reasons.push(format!("AWS says that {} belongs to its service {service}.", contact.remote));
    }
    note_what_is_missing(signal, contact, context);
}

/// "198.51.100.7 is on the list `X` (c2, version 2026-01-31) as `198.51.100.0/24`, under the name Emotet."
pub(crate) fn listed(threat: &ThreatMatch) -> String {
    let version = if threat.version.is_empty() { String::new() } else { format!(", version {}", threat.version) };
    let name =
        if threat.threat_name.is_empty() { String::new() } else { format!(", under the name {}", threat.threat_name) };
    format!(
        "{} is on the list `{}` ({}{version}) as `{}`{name}{}.{}",
        threat.matched,
        threat.list,
        threat.kind,
        threat.entry,
        age(threat),
        guarded(threat)
    )
}

/// ", last seen on 2026-01-02, 3 days before; it weighs 75 of 100": the end of a sentence about an entry, where it says
/// more than that the list is believed.
pub(crate) fn age(threat: &ThreatMatch) -> String {
    let seen = match (threat.seen, threat.age_days) {
        (Some(seen), Some(0)) => format!(", last seen on {}", seen.date()),
        (Some(seen), Some(1)) => format!(", last seen on {}, a day before", seen.date()),
        (Some(seen), Some(days)) => format!(", last seen on {}, {days} days before", seen.date()),
        _ => String::new(),
    };
    let weight = if threat.weight < 100 { format!("; it weighs {} of 100", threat.weight) } else { String::new() };
    seen + &weight
}

/// " The guard list `X` covers it too: many share it.", or nothing.
pub(crate) fn guarded(threat: &ThreatMatch) -> String {
    match threat.guard.as_str() {
        "" => String::new(),
        guard => format!(" The guard list `{guard}` covers it too: many share it, so look twice."),
    }
}

/// "the list `X`", "the lists `X` and `Y`": for descriptions.
pub(crate) fn list_names(threats: &[ThreatMatch]) -> String {
    let mut names: Vec<String> = threats.iter().map(|threat| format!("`{}`", threat.list)).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [one] => format!("the list {one}"),
        [first @ .., last] => format!("the lists {} and {last}", first.join(", ")),
        [] => "a list".to_owned(),
    }
}

/// "opened a connection to 198.51.100.7 on port 443": the verb of a description, after its subject.
pub(crate) fn contacted(contact: &Contact<'_>) -> String {
    let remote = contact.remote;
    let port = if contact.remote_port == 0 { String::new() } else { format!(" on port {}", contact.remote_port) };
    match (contact.direction, contact.flow.is_rejected()) {
        (ConnectionDirection::Outbound, true) => format!("tried to reach {remote}{port} and was blocked"),
        (ConnectionDirection::Outbound, false) if contact.is_answered => {
            format!("is communicating with {remote}{port}")
        }
        (ConnectionDirection::Outbound, false) => format!("tried to reach {remote}{port}"),
        (ConnectionDirection::Unknown, _) => format!("is communicating with {remote}{port}"),
        (ConnectionDirection::Inbound, _) => format!("answered {remote} on its own port {}", contact.local_port),
    }
}

fn opener(contact: &Contact<'_>) -> String {
    let because = contact.opened_because;
    match contact.direction {
        ConnectionDirection::Outbound => format!("Our side ({}) opened the connection: {because}.", contact.local),
        ConnectionDirection::Inbound => {
            format!("The other side ({}) opened the connection: {because}.", contact.remote)
        }
        ConnectionDirection::Unknown => {
            format!("Who opened the connection is not known: {because}. Packets went both ways.")
        }
    }
}

fn amounts(contact: &Contact<'_>) -> String {
    format!(
        "From port {} to port {} by {}: so far {} packets ({} bytes) went out and {} packets ({} bytes) came in.",
        contact.local_port,
        contact.remote_port,
        protocol_name(contact.flow.protocol),
        contact.packets_out,
        contact.bytes_out,
        contact.packets_in,
        contact.bytes_in
    )
}

fn verdict(contact: &Contact<'_>) -> String {
    let way = if contact.is_outgoing { "outgoing" } else { "incoming" };
    let answer = match (contact.is_answered, contact.is_refused) {
        (true, _) => "they were answered",
        (false, true) => "the only answer was a refusal (RST)",
        (false, false) => "no answer was seen",
    };
    match contact.flow.verdict {
        None => format!("The record's packets were {way}, and {answer}."),
        Some(_) if contact.flow.is_rejected() => {
            format!("Security groups or network ACLs rejected the record's {way} packets.")
        }
        Some(_) => format!("Security groups and network ACLs accepted the record's {way} packets, and {answer}."),
    }
}

fn note_what_is_missing(signal: &mut Signal, contact: &Contact<'_>, context: &Context<'_>) {
    let flow = contact.flow;
    if flow.verdict.is_none() {
        signal.missing.push("The flow log has no `action`: whether packets were let through is not known.".to_owned());
    }
    if flow.protocol == TCP && flow.tcp_flags.is_none() {
        signal
            .missing
            .push("The flow log has no `tcp-flags`: who opened the connection was told by other signs.".to_owned());
    }
    if context.knowledge.remote(contact.remote).country_code.is_empty() {
        signal.missing.push(format!(
            "Country and network of {} are not known: no geography that covers it was given (--geoip).",
            contact.remote
        ));
    }
    if signal.region.is_empty() {
        signal.missing.push("Neither the record nor the log's place names the region.".to_owned());
    }
}
