//! Findings as a table for people: two lines each, worst first, within [`TEXT_WIDTH`] columns.
//!
//! The first line holds the type whole, since it is what one reads and searches for; the second says who and where, and
//! the whole id, to be copied. No ruled lines: the table must also read well in a pipe, a mail and a ticket.

use crate::text::{Ink, TEXT_WIDTH, chop, columns, counted, cut_middle, harmless, pad, paint};
use crate::{finding_json, wire};
use serde_json::Value;
use std::cmp::Reverse;
use watchfire_model::{Finding, Severity, SeverityLevel};

/// `2026-01-31 12:00`.
const MINUTE_COLUMNS: usize = 16;

/// 32 hexadecimal digits.
const ID_COLUMNS: usize = 32;

/// The table of these findings, with a line of totals at the end.
pub fn table(findings: &[Finding], colour: bool) -> String {
    lay_out(findings.iter().map(|finding| Row::of(&finding_json(finding))).collect(), colour)
}

/// The same for findings read from JSON, also GuardDuty's own.
pub fn table_of_json(findings: &[Value], colour: bool) -> String {
    lay_out(findings.iter().map(Row::of).collect(), colour)
}

/// What one finding shows, harmless already.
struct Row {
    severity: Option<Severity>,
    finding_type: String,
    resource: String,
    party: String,
    count: u64,
    last_seen: String,
    id: String,
    account: String,
}

impl Row {
    fn of(finding: &Value) -> Self {
        let clean = |text: &str| harmless(text).into_owned();
        Self {
            severity: finding["severity"].as_f64().and_then(Severity::from_number),
            finding_type: clean(wire::text(finding, "/type")),
            resource: clean(&format!(
                "{}{}",
                by_sign_on(&wire::resource(finding)),
                if wire::is_archived(finding) { " (archived)" } else { "" }
            )),
            party: clean(&by_sign_on(&wire::party(finding))),
            count: wire::number(finding, "/service/count").unwrap_or(1),
            last_seen: clean(wire::text(finding, "/service/eventLastSeen")),
            id: clean(wire::text(finding, "/id")),
            account: clean(wire::text(finding, "/accountId")),
        }
    }

    fn level(&self) -> Option<SeverityLevel> {
        self.severity.map(Severity::level)
    }
}

/// The same with roles of single sign-on by what they are called there: `SSO Admin` for `AWSReservedSSO_Admin_1b74cd717d47002b`,
/// of which a table has room for the two ends only, which tell nothing.
fn by_sign_on(text: &str) -> String {
    const PREFIX: &str = "AWSReservedSSO_";
    const SUFFIX_DIGITS: usize = 16;
    let words = text.split(' ').map(|word| {
        let name = word.strip_prefix(PREFIX).and_then(|name| name.rsplit_once('_'));
        let is_suffix =
            |suffix: &str| suffix.len() == SUFFIX_DIGITS && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
        match name {
            Some((name, suffix)) if is_suffix(suffix) => format!("SSO {name}"),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn lay_out(mut rows: Vec<Row>, colour: bool) -> String {
    if rows.is_empty() {
        return "No findings.\n".to_owned();
    }
    rows.sort_by(|a, b| {
        Reverse(a.level()).cmp(&Reverse(b.level())).then_with(|| (&a.last_seen, &a.id).cmp(&(&b.last_seen, &b.id)))
    });
    if rows.windows(2).any(|pair| pair[0].account != pair[1].account) {
        for row in &mut rows {
            row.resource = format!("{} in {}", row.resource, row.account);
        }
    }
    let widths = Widths::of(&rows);
    let mut out = widths.header(colour);
    let mut level = rows.first().and_then(Row::level);
    for row in &rows {
        if row.level() != level {
            out.push('\n');
            level = row.level();
        }
        out.push_str(&widths.row(row, colour));
    }
    out.push('\n');
    out.push_str(&totals(&rows));
    out
}

/// The columns of each part.
struct Widths {
    level: usize,
    finding_type: usize,
    count: usize,
    resource: usize,
    party: usize,
}

impl Widths {
    /// Each part gets what it needs; what is too much is taken from the longest.
    fn of(rows: &[Row]) -> Self {
        let widest = |part: fn(&Row) -> usize, head: &str| rows.iter().map(part).max().unwrap_or(0).max(head.len());
        let level = widest(|row| level_name(row.level()).len(), "LEVEL");
        let count = widest(|row| row.count.to_string().len(), "COUNT");
        let type_room = TEXT_WIDTH.saturating_sub(level + 2 + 1 + count + 2 + MINUTE_COLUMNS);
        let finding_type = widest(|row| columns(&row.finding_type), "TYPE").min(type_room);

        let room = TEXT_WIDTH.saturating_sub(level + 2 + 2 + 2 + ID_COLUMNS);
        let resource_needs = widest(|row| columns(&row.resource), "RESOURCE");
        let party_needs = widest(|row| columns(&row.party), "WHO, WHERE");
        let resource = resource_needs.min(room.saturating_sub(party_needs).max(room / 2));
        let party = party_needs.min(room.saturating_sub(resource));
        // Both lines end in the same column, where the type leaves room for it.
        let second_line = level + 2 + resource + 2 + party + 2 + ID_COLUMNS;
        let finding_type = finding_type.max(second_line.saturating_sub(level + 2 + 1 + count + 2 + MINUTE_COLUMNS));
        Self { level, finding_type, count, resource, party }
    }

    fn header(&self, colour: bool) -> String {
        let (first, second) =
            (self.first("LEVEL", "TYPE", "COUNT", "LAST SEEN, UTC"), self.second("RESOURCE", "WHO, WHERE", "ID"));
        format!("{}\n{}\n", paint(&first, Ink::Dim, colour), paint(&second, Ink::Dim, colour))
    }

    fn row(&self, row: &Row, colour: bool) -> String {
        let moment = row.last_seen.replacen('T', " ", 1);
        let minute = chop(&moment, MINUTE_COLUMNS).into_iter().next().unwrap_or_default();
        let count = row.count.to_string();
        let first = self.first("", &row.finding_type, &count, &minute);
        let name = level_name(row.level());
        let rest = first.get(name.len()..).unwrap_or_default(); // The first columns are spaces, the level's place.
        let second = self.second(&row.resource, &row.party, &row.id);
        format!("{}{rest}\n{second}\n", paint(name, level_ink(row.level()), colour))
    }

    fn first(&self, level: &str, finding_type: &str, count: &str, last_seen: &str) -> String {
        let level = pad(level, self.level);
        let finding_type = pad(&cut_middle(finding_type, self.finding_type), self.finding_type);
        let line = format!("{level}  {finding_type} {count:>width$}  {last_seen}", width = self.count);
        line.trim_end().to_owned()
    }

    fn second(&self, resource: &str, party: &str, id: &str) -> String {
        let resource = pad(&cut_resource(resource, self.resource), self.resource);
        let party = pad(&cut_middle(party, self.party), self.party);
        let id = cut_middle(id, ID_COLUMNS);
        format!("{:indent$}{resource}  {party}  {id}", "", indent = self.level + 2).trim_end().to_owned()
    }
}

/// The name is cut in its middle, and the account behind it not at all: ends tell resources apart, and accounts too.
fn cut_resource(resource: &str, columns_max: usize) -> String {
    const ACCOUNT_DIGITS: usize = 12;
    const NAME_MIN: usize = 8;
    if let Some((name, account)) = resource.rsplit_once(" in ")
        && account.len() == ACCOUNT_DIGITS
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(room) = columns_max.checked_sub(" in ".len() + ACCOUNT_DIGITS)
        && room >= NAME_MIN
    {
        return format!("{} in {account}", cut_middle(name, room));
    }
    cut_middle(resource, columns_max)
}

fn totals(rows: &[Row]) -> String {
    let levels = [SeverityLevel::Critical, SeverityLevel::High, SeverityLevel::Medium, SeverityLevel::Low];
    let count_of = |level| rows.iter().filter(|row| row.level() == level).count();
    let parts: Vec<String> = levels
        .into_iter()
        .map(Some)
        .chain([None])
        .map(|level| (count_of(level), level_name(level).to_lowercase()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    format!("{}: {}.\n", counted(rows.len() as u64, "finding"), parts.join(", "))
}

pub(crate) fn level_name(level: Option<SeverityLevel>) -> &'static str {
    match level {
        Some(SeverityLevel::Critical) => "Critical",
        Some(SeverityLevel::High) => "High",
        Some(SeverityLevel::Medium) => "Medium",
        Some(SeverityLevel::Low) => "Low",
        None => "Unknown",
    }
}

pub(crate) fn level_ink(level: Option<SeverityLevel>) -> Ink {
    match level {
        Some(SeverityLevel::Critical) => Ink::Magenta,
        Some(SeverityLevel::High) => Ink::Red,
        Some(SeverityLevel::Medium) => Ink::Yellow,
        Some(SeverityLevel::Low) => Ink::Cyan,
        None => Ink::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_keeps_its_ends_and_its_account() {
        let cut = |name: &str| cut_resource(&format!("{name} in 111122223333"), 29);
        assert_eq!(cut("i-0c000000000000001"), "i-0c00…000001 in 111122223333");
        assert_ne!(cut("i-0c000000000000001"), cut("i-0c000000000000003"));
        assert_eq!(cut("user mallory"), "user mallory in 111122223333");
        assert_eq!(
            cut_resource("bucket minutes in meetings of the board", 20),
            cut_middle("bucket minutes in meetings of the board", 20)
        );
    }

    #[test]
    fn a_role_of_single_sign_on_is_named_by_its_permission_set() {
        assert_eq!(
            by_sign_on("role AWSReservedSSO_Db_Admin_1b74cd717d47002b from 192.0.2.1"),
            "role SSO Db_Admin from 192.0.2.1"
        );
        for other in
            ["role AWSReservedSSO_Admin", "role AWSReservedSSO_Admin_1b74", "bucket  AWSReservedSSO_1b74cd717d47002b"]
        {
            assert_eq!(by_sign_on(other), other);
        }
    }
    use crate::samples;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn findings_stand_worst_first_then_by_time() {
        assert_eq!(
            table(&samples::all(), false),
            "\
LEVEL   TYPE                                                                 COUNT  LAST SEEN, UTC
        RESOURCE                     WHO, WHERE                     ID
High    Trojan:EC2/DGADomainRequest.B                                            1  2026-01-31 12:00
        i-0123456789abcdef0 (web-1)  looked up xkqz…wp.example.com  0000000000000000000000000000001d
High    Policy:S3/BucketAnonymousAccessGranted                                   1  2026-01-31 12:00
        bucket reports               user alice by ….amazonaws.com  00000000000000000000000000000026
High    UnauthorizedAccess:EC2/SSHBruteForce                                    40  2026-01-31 12:05
        i-0123456789abcdef0 (web-1)  to 203.0.113.9 (NL) port 22    00000000000000000000000000000024

Medium  Recon:EC2/Portscan                                                       1  2026-01-31 12:00
        Instance                                                    00000000000000000000000000000012
Medium  UnauthorizedAccess:IAMUser/TorIPCaller                                   3  2026-01-31 12:05
        user alice                   from 198.51.100.7 (NL)         00000000000000000000000000000026

Low     Recon:EC2/PortProbeUnprotectedPort                                       2  2026-01-31 12:05
        i-0123456789abcdef0 (web-1)  from 2001:db8::1 and 1 more    00000000000000000000000000000022

6 findings: 3 high, 2 medium, 1 low.
"
        );
    }

    #[test]
    fn accounts_are_named_where_there_are_several() {
        let mut other = samples::api_call();
        other.latest.account = "444455556666".into();
        let text = table(&[samples::connection(), other], false);
        assert!(text.contains("user alice in 444455556666"), "{text}");
        assert!(!table(&samples::all(), false).contains("111122223333"));
    }

    #[test]
    fn no_findings_is_a_sentence() {
        assert_eq!(table(&[], true), "No findings.\n");
    }

    #[test]
    fn hostile_names_stay_in_their_cell() {
        let mut finding = samples::api_call();
        if let Some(key) = &mut finding.latest.resource.access_key {
            key.user_name = format!("\u{1b}[2J\u{202e}{}\r\nHigh  forged", "x".repeat(300));
        }
        let text = table(&[finding], false);
        assert_eq!(text.lines().count(), 6);
        assert!(text.contains("user \\u{1b}[2J") && text.contains('…'), "{text}");
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
    }

    #[test]
    fn colour_changes_no_letter() {
        let (plain, coloured) = (table(&samples::all(), false), table(&samples::all(), true));
        assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}[1;31mHigh\u{1b}[0m"));
        let mut stripped = coloured;
        for code in ["[0m", "[1;31m", "[33m", "[36m", "[2m"] {
            stripped = stripped.replace(&format!("\u{1b}{code}"), "");
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn what_is_no_finding_is_still_a_row() {
        let text = table_of_json(&[json!(null), json!({"type": 7, "severity": "high"})], false);
        assert!(text.contains("2 findings: 2 unknown."), "{text}");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_page(names in proptest::collection::vec(any::<String>(), 1..4), severity in 0f64..12.0) {
            let findings: Vec<Value> = names.iter().map(|name| json!({
                "type": name, "id": name, "severity": severity,
                "service": {"eventLastSeen": name, "count": u64::MAX, "action": {"dnsRequestAction": {"domain": name}}},
                "resource": {"accessKeyDetails": {"userName": name}},
            })).collect();
            for line in table_of_json(&findings, false).lines() {
                prop_assert!(columns(line) <= TEXT_WIDTH, "{line}");
            }
        }
    }
}
