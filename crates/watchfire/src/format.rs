//! The forms of a report. A new form is a line in the enum and a line in the match below.

use clap::ValueEnum;
use serde_json::Value;
use std::io::{self, Write};
use watchfire_export::{
    ScanAccount, asff_finding, ecs_event, eventbridge_event, finding_json, markdown_finding, markdown_summary,
    ocsf_finding, table, timeline_events, write_csv, write_html, write_json, write_jsonl,
};
use watchfire_model::Finding;

/// The form of a report.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people
    Table,
    /// `{"findings":[…]}`, as GetFindings answers
    Json,
    /// One finding a line, as GuardDuty exports to S3
    Jsonl,
    /// One EventBridge event a line
    #[value(name = "eventbridge")]
    EventBridge,
    /// One finding a line in the AWS Security Finding Format, as in Security Hub
    Asff,
    /// One OCSF Detection Finding a line
    Ocsf,
    /// One document a line in the Elastic Common Schema
    Ecs,
    /// One row a finding, for spreadsheets
    Csv,
    /// One record of evidence a line, for Timesketch
    Timeline,
    /// A ticket
    Markdown,
    /// A page for people: one file that needs no network
    Html,
}

/// What a report is about.
pub struct Report<'a> {
    /// The findings, in their order.
    pub findings: &'a [Finding],
    /// What was read and what was not.
    pub account: &'a ScanAccount,
    /// Whether the reader shows colours.
    pub coloured: bool,
}

impl Format {
    /// Writes the report in this form.
    pub fn write(self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let findings = report.findings;
        match self {
            Self::Table => out.write_all(table(findings, report.coloured).as_bytes())?,
            Self::Json => write_json(findings, out)?,
            Self::Jsonl => write_jsonl(findings, out)?,
            Self::EventBridge => write_lines(findings, out, |finding| vec![eventbridge_event(finding)])?,
            Self::Asff => write_lines(findings, out, |finding| vec![asff_finding(finding)])?,
            Self::Ocsf => write_lines(findings, out, |finding| vec![ocsf_finding(finding)])?,
            Self::Ecs => write_lines(findings, out, |finding| vec![ecs_event(finding)])?,
            Self::Csv => write_csv(findings.iter().map(finding_json), out)?,
            Self::Timeline => write_lines(findings, out, timeline_events)?,
            Self::Markdown => write_markdown(findings, out)?,
            Self::Html => write_html(findings, report.account, out)?,
        }
        out.flush()
    }
}

/// One finding at a time: their evidence can be large.
fn write_lines(findings: &[Finding], out: &mut dyn Write, lines: impl Fn(&Value) -> Vec<Value>) -> io::Result<()> {
    for finding in findings {
        for line in lines(&finding_json(finding)) {
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn write_markdown(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(markdown_summary(findings.len() as u64).as_bytes())?;
    findings.iter().try_for_each(|finding| out.write_all(markdown_finding(&finding_json(finding)).as_bytes()))
}
