//! One row a finding, for spreadsheets and databases. Safe to open: no cell is taken for a formula.

use crate::table::level_name;
use crate::{mitre, wire};
use serde_json::Value;
use std::borrow::Cow;
use std::io;
use watchfire_model::Severity;

/// The columns, in their order. `docs/outputs.md` says what each holds.
pub const CSV_COLUMNS: [&str; 34] = [
    "id",
    "type",
    "severity",
    "level",
    "title",
    "account",
    "region",
    "resource_type",
    "resource",
    "resource_role",
    "user_name",
    "principal_id",
    "access_key_id",
    "instance_id",
    "bucket",
    "action",
    "api",
    "service",
    "error_code",
    "user_agent",
    "remote_ip",
    "remote_port",
    "country",
    "asn",
    "organization",
    "domain",
    "threat_lists",
    "count",
    "first_seen",
    "last_seen",
    "archived",
    "tactics",
    "techniques",
    "description",
];

/// Writes the columns' names and a row for each finding, as RFC 4180 has it.
pub fn write_csv(findings: impl IntoIterator<Item = Value>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    writer.write_record(CSV_COLUMNS)?;
    for finding in findings {
        writer.write_record(row(&finding).iter().map(|cell| defused(cell).into_owned()))?;
    }
    writer.flush()
}

fn row(finding: &Value) -> [String; CSV_COLUMNS.len()] {
    let text = |pointer: &str| wire::text(finding, pointer).to_owned();
    let name = wire::text(finding, "/type");
    let action = wire::action_details(finding);
    let other = wire::other_side(finding);
    let number = |value: &Value, pointer: &str| wire::number(value, pointer).map_or(String::new(), |n| n.to_string());
    let detail = |pointer: &str| wire::text(action, pointer).to_owned();
    let severity = wire::severity(finding);
    let lists = wire::list(finding, "/service/evidence/threatIntelligenceDetails").iter();
    let tactics: Vec<&str> = mitre::tactics(name).iter().map(|tactic| tactic.id).collect();
    let organization = wire::text(other, "/organization/asnOrg");
    [
        text("/id"),
        name.to_owned(),
        severity.map_or(String::new(), |severity| severity.number().to_string()),
        level_name(severity.map(Severity::level)).to_lowercase(),
        text("/title"),
        text("/accountId"),
        text("/region"),
        text("/resource/resourceType"),
        wire::resource(finding),
        text("/service/resourceRole"),
        text("/resource/accessKeyDetails/userName"),
        text("/resource/accessKeyDetails/principalId"),
        text("/resource/accessKeyDetails/accessKeyId"),
        text("/resource/instanceDetails/instanceId"),
        joined(wire::list(finding, "/resource/s3BucketDetails").iter().map(|bucket| wire::text(bucket, "/name"))),
        text("/service/action/actionType"),
        detail("/api"),
        detail("/serviceName"),
        detail("/errorCode"),
        detail("/userAgent"),
        wire::address(other).to_owned(),
        number(action, "/remotePortDetails/port"),
        wire::text(other, "/country/countryCode").to_owned(),
        wire::asn(other).map_or(String::new(), |asn| asn.to_string()),
        organization.to_owned(),
        joined([detail("/domain"), detail("/domainDetails/domain")].iter().map(String::as_str)),
        joined(lists.map(|list| wire::text(list, "/threatListName"))),
        number(finding, "/service/count"),
        text("/service/eventFirstSeen"),
        text("/service/eventLastSeen"),
        wire::is_archived(finding).to_string(),
        tactics.join(" "),
        mitre::techniques(name).join(" "),
        text("/description"),
    ]
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front, which it shows as text. Which these
/// are: OWASP, "CSV Injection". Blanks before do not disarm a formula everywhere, so they are looked through.
fn defused(cell: &str) -> Cow<'_, str> {
    const STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let begins_badly = cell.starts_with(['\t', '\r', '\n']) || cell.trim_start().starts_with(STARTS);
    if begins_badly { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};
    use proptest::prelude::*;
    use serde_json::json;

    fn read_back(findings: Vec<Value>) -> Vec<Vec<String>> {
        let mut bytes = Vec::new();
        write_csv(findings, &mut bytes).unwrap();
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn cell(rows: &[Vec<String>], column: &str) -> String {
        rows[1][CSV_COLUMNS.iter().position(|name| *name == column).unwrap()].clone()
    }

    #[test]
    fn a_row_says_who_did_what_from_where() {
        let rows = read_back(vec![finding_json(&samples::api_call())]);
        assert_eq!(rows[0], CSV_COLUMNS);
        for (column, value) in [
            ("severity", "5"),
            ("level", "medium"),
            ("user_name", "alice"),
            ("api", "ListBuckets"),
            ("remote_ip", "198.51.100.7"),
            ("country", "NL"),
            ("threat_lists", "Tor exits; Bad hosts"),
            ("count", "3"),
            ("archived", "false"),
            ("techniques", "T1078.004 T1090.003"),
        ] {
            assert_eq!(cell(&rows, column), value, "{column}");
        }
        assert!(samples::all().iter().all(|finding| read_back(vec![finding_json(finding)]).len() == 2));
    }

    #[test]
    fn no_cell_is_a_formula() {
        for name in ["=HYPERLINK(\"http://x\")", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1"] {
            let mut finding = finding_json(&samples::api_call());
            finding["resource"]["accessKeyDetails"]["userName"] = json!(name);
            assert_eq!(cell(&read_back(vec![finding]), "user_name"), format!("'{name}"));
        }
        assert_eq!(defused("a=1"), "a=1");
    }

    proptest! {
        #[test]
        fn any_name_is_read_back(name in any::<String>()) {
            let mut finding = finding_json(&samples::api_call());
            finding["resource"]["accessKeyDetails"]["userName"] = json!(name);
            let read = cell(&read_back(vec![finding]), "user_name");
            prop_assert_eq!(read.strip_prefix('\'').filter(|_| !name.starts_with('\'')).unwrap_or(&read), &name);
            prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
