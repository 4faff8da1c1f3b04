//! What records are wrapped in: EventBridge events, CloudWatch Logs subscriptions and exports, event history answers.

use crate::json::{Fault, Walker};
use crate::{cloudtrail, resolver_query};

/// What a JSON object is, judged by its keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `{"Records":[…]}`
    CloudTrailFile,
    /// A CloudTrail event by itself.
    CloudTrailEvent,
    /// A CloudTrail digest file.
    Digest,
    /// A Resolver query log record.
    ResolverQuery,
    /// An EventBridge event.
    EventBridge,
    /// A CloudWatch Logs subscription message.
    Subscription,
    /// An answer of `cloudtrail lookup-events`.
    LookupEvents,
    /// An event in such an answer.
    LookupEvent,
    /// None of these.
    Unknown,
}

/// What the object is that starts like this, for the beginnings that AWS writes to millions of lines.
#[inline(always)]
pub(crate) fn kind_at_a_glance(object: &[u8]) -> Option<Kind> {
    if object.starts_with(br#"{"eventVersion":"#) {
        Some(Kind::CloudTrailEvent)
    } else if object.starts_with(br#"{"version":"1.1"#) {
        // EventBridge events begin `{"version":"0"`.
        Some(Kind::ResolverQuery)
    } else {
        None
    }
}

/// What the object whose `{` comes next is: the first key that tells decides.
pub(crate) fn kind_of(mut walker: Walker<'_>) -> Result<Kind, Fault> {
    walker.step();
    if walker.peek()? == b'}' {
        return Ok(Kind::Unknown);
    }
    loop {
        let kind = kind_by_key(&walker.key()?.text());
        if kind != Kind::Unknown {
            return Ok(kind);
        }
        walker.skip()?;
        if walker.peek()? != b',' {
            return Ok(Kind::Unknown);
        }
        walker.step();
    }
}

fn kind_by_key(key: &str) -> Kind {
    match key {
        "Records" => Kind::CloudTrailFile,
        "detail" | "detail-type" => Kind::EventBridge,
        "logEvents" | "messageType" | "logGroup" | "logStream" | "subscriptionFilters" => Kind::Subscription,
        "Events" => Kind::LookupEvents,
        "CloudTrailEvent" => Kind::LookupEvent,
        _ if key.starts_with("digest") || key.starts_with("previousDigest") => Kind::Digest,
        _ if cloudtrail::is_event_key(key) => Kind::CloudTrailEvent,
        _ if resolver_query::is_query_key(key) => Kind::ResolverQuery,
        _ => Kind::Unknown,
    }
}

/// The length of the `2026-01-31T12:00:00.000Z ` with which an exported log line starts; 0 if it does not.
#[inline(always)]
pub(crate) fn export_prefix(line: &[u8]) -> usize {
    match line {
        [b'0'..=b'9', _, _, _, b'-', _, _, b'-', _, _, b'T', ..] => timestamp_length(line),
        _ => 0,
    }
}

#[cold]
fn timestamp_length(line: &[u8]) -> usize {
    match line.iter().take(40).position(|&byte| byte == b' ') {
        Some(space) if line.get(space - 1) == Some(&b'Z') => space + 1,
        _ => 0,
    }
}
