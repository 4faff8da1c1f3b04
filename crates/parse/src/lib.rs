//! Decompressed text → records, one file for each log format.
//!
//! What a text is shows from its content, line by line and object by object, never from a file's name. Nothing makes
//! a whole text fail: what cannot be read is counted in the [`Report`], with its place and the reason, and reading
//! goes on behind it. Records borrow from the text.

mod address;
mod cloudtrail;
mod container;
mod delimited;
mod envelope;
mod json;
mod keys;
mod parquet_pages;
mod reader;
mod report;
mod resolver_query;
mod simd;
mod vpc_flow;
mod vpc_flow_parquet;

pub use bytes::Bytes;
pub use parquet::file::reader::ChunkReader;
pub use report::{Format, REJECTIONS_KEPT_MAX, Rejection, Remark, Report, Skipped};
pub use vpc_flow::FlowFormat;
pub use vpc_flow_parquet::{is_panic_expected, read_parquet_flows};

use cloudtrail::MetIdentities;
use json::Walker;
use std::borrow::Cow;
use watchfire_model::{ApiCall, DnsQuery, Record, RecordKind, VpcFlow};

/// What the place of a log says about records that do not say it themselves. Empty texts are not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The account in the log's key.
    pub account: String,
    /// The region in the log's key.
    pub region: String,
    /// The account to assume where neither record nor key gives one.
    pub assumed_account: String,
    /// The region to assume where neither record nor key gives one.
    pub assumed_region: String,
    /// The columns of flow records that stand under no header line, as in CloudWatch Logs; version 2 if not given.
    pub flow_format: Option<FlowFormat>,
}

/// A record as it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw<'a> {
    /// The text of the record alone: [`parse_record`] reads it again.
    pub text: &'a str,
    /// Byte offset in the content: of the record itself, or of the string it was wrapped in.
    pub position: u64,
    /// The order of the columns, for flow records.
    pub format: Option<&'a FlowFormat>,
}

/// Reads every record of the content, in order, and says what became of the rest.
pub fn parse(content: &[u8], origin: &Origin, sink: &mut dyn FnMut(&Record<'_>, Raw<'_>)) -> Report {
    let mut report = Report::default();
    let text = text_of(content, &mut report);
    reader::read(&text, origin, sink, &mut report);
    report
}

/// Reads one record again from its [`Raw`] text. Flow records without a format are taken for version 2.
pub fn parse_record<'a>(
    raw: &'a str,
    kind: RecordKind,
    origin: &'a Origin,
    format: Option<&FlowFormat>,
) -> Option<Record<'a>> {
    let mut walker = Walker::new(raw, 0);
    match kind {
        RecordKind::ApiCall => {
            let mut call = ApiCall::default();
            (walker.peek() == Ok(b'{')).then_some(())?;
            let outcome = cloudtrail::event(&mut walker, &mut call, origin, &mut MetIdentities::new()).ok()?;
            matches!(outcome, cloudtrail::Outcome::Event).then_some(Record::ApiCall(call))
        }
        RecordKind::DnsQuery => {
            let mut query = DnsQuery::default();
            (walker.peek() == Ok(b'{')).then_some(())?;
            let mut last = resolver_query::LastMoment::default();
            let outcome = resolver_query::query(&mut walker, &mut query, origin, &mut last).ok()?;
            matches!(outcome, resolver_query::Outcome::Query).then_some(Record::DnsQuery(query))
        }
        RecordKind::Flow => {
            let mut flow = VpcFlow::default();
            let mut line = vpc_flow::Line::new(raw);
            line.split(0);
            let outcome = line.read(format.unwrap_or(FlowFormat::version_2()), &mut flow, origin);
            (outcome == vpc_flow::Outcome::Flow).then_some(Record::Flow(flow))
        }
    }
}

/// The content as text of the same length, so that positions stay true: bytes that are no UTF-8 become `?`.
fn text_of<'a>(content: &'a [u8], report: &mut Report) -> Cow<'a, str> {
    if let Some(text) = simd::ascii_text(content) {
        return Cow::Borrowed(text);
    }
    if let Ok(text) = std::str::from_utf8(content) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(content.len());
    let mut replaced = 0;
    for chunk in content.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| text.push('?'));
        replaced += chunk.invalid().len() as u64;
    }
    report.remark(Remark::InvalidUtf8, replaced);
    Cow::Owned(text)
}

/// The first of two texts that is not empty.
pub(crate) fn or_else<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.is_empty() { second } else { first }
}

#[cfg(test)]
mod tests;
