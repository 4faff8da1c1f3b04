//! What every finding about summed flows has in common.

use crate::behaviour::{FlowView, Verdict};
use crate::shared::contact::protocol_name;
use crate::shared::subject;
use crate::{Context, Threshold, Thresholds};
use watchfire_model::{FindingType, ResourceRole, Severity, Signal, Time};

/// Records shown of each verdict.
const RECORDS_MAX: usize = 10;
/// A TCP packet without data takes not more, with the options that any system sends. Source: RFC 9293, section 3.1.
const EMPTY_PACKET_BYTES: u64 = 60;

/// A signal about the instance at our end, with the conversation as its action. `None` if another interface shows the same
/// packets and names their sender.
pub(crate) fn signal(
    finding_type: FindingType,
    severity: Severity,
    view: &FlowView<'_>,
    context: &Context<'_>,
) -> Option<Signal> {
    let mut signal = subject::of_flow(finding_type, severity, view, context)?;
    signal.action = view.action(context);
    signal.role = Some(ResourceRole::Actor);
    if context.knowledge.remote(view.remote()).country_code.is_empty() {
        signal.missing.push(format!(
            "Country and network of {} are not known: no geography that covers it was given (--geoip).",
            view.remote()
        ));
    }
    Some(signal)
}

/// The verdict of one tally.
pub(crate) fn verdict(signal: Signal, view: &FlowView<'_>) -> Verdict {
    Verdict {
        signal,
        begin: view.first(),
        end: view.last(),
        records: view.records(RECORDS_MAX),
        record_count: view.record_count(),
    }
}

/// Whether our side asked, from a client's port, a server out on the internet.
pub(crate) fn is_request_outside(view: &FlowView<'_>) -> bool {
    !view.remote_is_internal && view.is_outbound() && view.local_end == crate::behaviour::End::Client
}

/// Whether the other side answered with more than refusals. Without TCP flags the size of its packets must tell.
pub(crate) fn is_answered(view: &FlowView<'_>) -> bool {
    let other = match view.local_end {
        crate::behaviour::End::Client => &view.tally.down,
        crate::behaviour::End::Server => &view.tally.up,
    };
    let accepted = other.records.saturating_sub(other.rejected);
    if !view.is_tcp() || other.without_flags > 0 {
        return accepted > 0 && (!view.is_tcp() || other.bytes > other.packets * EMPTY_PACKET_BYTES);
    }
    accepted > other.reset || other.syn_ack > 0
}

/// "UDP port 53".
pub(crate) fn port_name(view: &FlowView<'_>, port: u16) -> String {
    format!("{} port {port}", protocol_name(view.key.protocol))
}

/// "3 conversations, 1234 bytes out and 5678 in, from … to …": what one tally saw.
pub(crate) fn amounts(view: &FlowView<'_>) -> String {
    let (bytes_out, bytes_in) = view.bytes_out_in();
    let (packets_out, packets_in) = view.packets_out_in();
    let count = view.tally.conversation_count();
    format!(
        "Between {} and {}: {count} conversation{}, {packets_out} packets ({bytes_out} bytes) out and {packets_in} packets \
         ({bytes_in} bytes) in.",
        minute(view.first()),
        minute(view.last()),
        if count == 1 { "" } else { "s" }
    )
}

/// "2024-04-19 12:03:05".
pub(crate) fn minute(time: Time) -> String {
    let seconds = time.ms().rem_euclid(Time::DAY_MS) / 1_000;
    format!("{} {:02}:{:02}:{:02}", time.date(), seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// "5 (`ec2.spambot.peers`)": a setting in force, as reasons quote it.
pub(crate) fn quoted(threshold: &Threshold, thresholds: &Thresholds) -> String {
    format!("{} (`{}`)", thresholds.get(threshold), threshold.key)
}
