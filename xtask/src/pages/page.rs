//! The page of one finding type.

use super::source::{Common, Source, Told, capitalised};
use super::{file_name, scenario};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use watchfire_detections::thresholds::GROUPS;
use watchfire_detections::{DETECTIONS, Detection, Need, Threshold};
use watchfire_export::{tactic_name, technique_url};
use watchfire_knowledge::default_lists;
use watchfire_model::catalogue::{self, CatalogueEntry};
use watchfire_model::{FindingType, ListKind, Severity};

/// Everything that a page is made from.
pub(super) struct Material<'a> {
    pub(super) finding_type: FindingType,
    pub(super) detection: &'static Detection,
    pub(super) entry: &'static CatalogueEntry,
    pub(super) source: &'a Source,
    pub(super) common: &'a Common,
    pub(super) scenario: Option<scenario::Scenario>,
}

pub(super) fn page(material: &Material<'_>) -> String {
    let constant = constant_of(material);
    let rule = constant.as_ref().map_or("", |(_, text)| text.split_once("rule:").map_or("", |(_, rule)| rule));
    let told = material.common.told(material.source, rule);
    let mut text = format!("# {}\n\n{}\n\n", material.finding_type, material.detection.summary);
    facts(&mut text, material);
    meaning(&mut text, material);
    evidence(&mut text, &told, &settings_of(material.finding_type));
    quiet(&mut text, material, constant.as_ref().map_or("", |(name, _)| name));
    section(&mut text, "False positives", &told.false_positives.join("\n\n"));
    needs(&mut text, material);
    section(&mut text, "What to do", &remediation(material));
    trigger(&mut text, material);
    in_guardduty(&mut text, material);
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// Name and text of the constant in the source that declares this detection.
fn constant_of(material: &Material<'_>) -> Option<(String, String)> {
    declaration_of(material.finding_type, material.source)
}

/// The settings that the code of this type's rule names, and that its own file declares.
pub(super) fn asked_settings(finding_type: FindingType, source: &Source, common: &Common) -> Vec<String> {
    let constant = declaration_of(finding_type, source);
    let rule = constant.as_ref().map_or("", |(_, text)| text.split_once("rule:").map_or("", |(_, rule)| rule));
    let settings = common.told(source, rule).settings;
    settings.into_iter().filter(|(place, _)| *place == source.place).map(|(_, key)| key).collect()
}

fn declaration_of(finding_type: FindingType, source: &Source) -> Option<(String, String)> {
    let quoted = format!("\"{finding_type}\"");
    let items = &source.items;
    let name = items.iter().find(|item| item.text.contains("FindingType::new(") && item.text.contains(&quoted))?;
    let reports = |text: &str| {
        let list = text.split_once("reports:").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
        super::source::words(list).any(|(_, word)| word == name.name)
    };
    let found = items.iter().find(|item| item.text.contains(": Detection = Detection {") && reports(&item.text))?;
    Some((found.name.clone(), found.text.clone()))
}

fn facts(text: &mut String, material: &Material<'_>) {
    let entry = material.entry;
    text.push_str("| | |\n| --- | --- |\n");
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "| {name} | {value} |");
        }
    };
    row("Severity", &severity(entry));
    let tactics = entry.tactic.mitre_tactics.iter();
    let tactics = tactics.map(|id| format!("[{}](https://attack.mitre.org/tactics/{id}/)", tactic_name(id)));
    let techniques = entry.tactic.mitre_techniques.iter().map(|id| format!("[{id}]({})", technique_url(id)));
    row("MITRE ATT&CK", &tactics.chain(techniques).collect::<Vec<_>>().join(", "));
    let others = material.detection.reports.iter().filter(|other| **other != material.finding_type);
    let others: Vec<String> = others.map(|other| format!("[{other}]({})", file_name(*other))).collect();
    row("Decided together with", &others.join(", "));
    let file = &material.source.place;
    row("Source", &format!("[{file}](../../{file})"));
    text.push('\n');
}

/// "High (8)", or each case.
pub(super) fn severity(entry: &CatalogueEntry) -> String {
    let named = |number: f64| match Severity::from_number(number) {
        Some(severity) => format!("{} ({number})", severity.level()),
        None => number.to_string(),
    };
    if entry.severity_variants.len() > 1 {
        let cases = entry.severity_variants.iter().map(|case| format!("{}: {}", named(case.severity), case.when));
        return cases.collect::<Vec<_>>().join("; ");
    }
    let numbers = entry.severity.as_ref().map_or(&[][..], |severity| severity.as_slice());
    numbers.iter().map(|number| named(*number)).collect::<Vec<_>>().join(" or ")
}

fn meaning(text: &mut String, material: &Material<'_>) {
    let mut said = format!("{} {}", material.source.header, about_the_resource(material.finding_type));
    if material.detection.reports.len() > 1 {
        let _ = write!(
            said,
            "\n\nThis rule decides {} types. GuardDuty describes this one so: {}",
            material.detection.reports.len(),
            plain(&material.entry.detects)
        );
    }
    section(text, "What it means", said.trim());
}

/// What a finding of this resource puts at stake.
fn about_the_resource(finding_type: FindingType) -> &'static str {
    match finding_type.resource() {
        "EC2" => {
            "The finding names the instance where the logs or an inventory tell it, else the network interface or the \
             address."
        }
        "IAMUser" => "The finding names the principal (user, role or root) and the access key that was used.",
        "S3" => "The finding names the bucket and the principal that touched it.",
        _ => "",
    }
}

/// The settings that concern this type and not all.
pub(super) fn settings_of(finding_type: FindingType) -> Vec<&'static Threshold> {
    let concerned = GROUPS.iter().filter(|group| !group.detections.is_empty() && group.types().contains(&finding_type));
    concerned.flat_map(|group| group.thresholds).copied().collect()
}

fn evidence(text: &mut String, told: &Told, settings: &[&Threshold]) {
    if told.evidence.is_empty() && told.thresholds.is_empty() && settings.is_empty() {
        return;
    }
    text.push_str("## Evidence\n\n");
    for (place, (heading, paragraphs)) in told.evidence.iter().enumerate() {
        if place > 0 {
            let _ = write!(text, "### {heading}\n\n");
        }
        for paragraph in paragraphs {
            let _ = write!(text, "{paragraph}\n\n");
        }
    }
    if !settings.is_empty() {
        text.push_str(
            "### Settings\n\nSee [thresholds](../thresholds.md) for their ranges, and for the budget of alarms.\n\n",
        );
        for one in settings {
            let what = capitalised(one.summary.trim_end_matches('.'));
            let source = one.source.trim_end_matches('.');
            let _ = writeln!(text, "- `{}`: {} {}. {what}. Source: {source}.", one.key, one.default, one.unit);
        }
        text.push('\n');
    }
    if !told.thresholds.is_empty() {
        text.push_str("### Thresholds and lists of names\n\n");
        for (name, value, why) in &told.thresholds {
            let _ = writeln!(text, "- `{name}`: {value}. {why}");
        }
        text.push('\n');
    }
}

/// Words of a test's name that say that something makes no finding.
const QUIET: [&str; 9] = [
    "_quiet",
    "_left_to_",
    "_proves_no_",
    "_accuses_nobody",
    "_says_nothing",
    "_are_not_",
    "_is_fine_",
    "_cannot_be_",
    "_do_not_",
];

/// The near misses, as the tests' names state them.
fn quiet(text: &mut String, material: &Material<'_>, constant: &str) {
    let source = material.source;
    let is_detection = |text: &str| text.contains(": Detection = Detection {");
    let detections = source.items.iter().filter(|item| is_detection(&item.text)).map(|item| item.name.as_str());
    let detections: Vec<&str> = detections.collect();
    let is_of_this_one = |body: &str| {
        let named: BTreeSet<&str> =
            super::source::words(body).map(|(_, word)| word).filter(|word| detections.contains(word)).collect();
        named.is_empty() || named.contains(constant)
    };
    let facts = source.tests.iter().filter(|test| QUIET.iter().any(|word| test.name.contains(word)));
    let facts: Vec<String> =
        facts.filter(|test| is_of_this_one(&test.text)).map(|test| format!("- {}", sentence(&test.name))).collect();
    if !facts.is_empty() {
        section(text, "What stays quiet", &format!("Each line is a test of this rule.\n\n{}", facts.join("\n")));
    }
}

/// A test's name as a sentence.
fn sentence(name: &str) -> String {
    const NAMES: [(&str, &str); 15] = [
        ("acl", "ACL"),
        ("acls", "ACLs"),
        ("api", "API"),
        ("aws", "AWS"),
        ("cloudtrail", "CloudTrail"),
        ("dns", "DNS"),
        ("elasticsearch", "Elasticsearch"),
        ("emr", "EMR"),
        ("id", "ID"),
        ("ipv6", "IPv6"),
        ("lambda", "Lambda"),
        ("s3", "S3"),
        ("tor", "Tor"),
        ("udp", "UDP"),
        ("vpc", "VPC"),
    ];
    let word = |word: &str| NAMES.iter().find(|(plain, _)| *plain == word).map_or(word, |(_, name)| name).to_owned();
    let words: Vec<String> = name.split('_').map(word).collect();
    capitalised(&words.join(" ")) + "."
}

fn needs(text: &mut String, material: &Material<'_>) {
    let mut said =
        String::from("| needs | where it comes from | if it is missing, the account says |\n| --- | --- | --- |\n");
    for need in material.detection.needs {
        let (what, whence, missing) = match *need {
            Need::ManagementEvents => (
                "CloudTrail management events".to_owned(),
                "a trail, or the event history".to_owned(),
                "Management activity: no CloudTrail management event was read".to_owned(),
            ),
            Need::S3DataEvents => (
                "CloudTrail data events of S3".to_owned(),
                "a trail that selects data events; none does by default".to_owned(),
                "Object access in S3: no CloudTrail data event of S3 was read".to_owned(),
            ),
            Need::Flows => (
                "VPC flow logs".to_owned(),
                "a flow log of the VPC, subnet or interface".to_owned(),
                "Network traffic: no VPC flow record was read".to_owned(),
            ),
            Need::DnsQueries => (
                "Route 53 Resolver query logs".to_owned(),
                "query logging of the VPC".to_owned(),
                "DNS queries: no Resolver query log record was read".to_owned(),
            ),
            Need::Lists(kinds) => {
                let kinds = of_this_type(material.finding_type, kinds);
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                let what = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
                let all: Vec<&str> = match *need {
                    Need::Lists(all) => all.iter().map(|kind| kind.name()).collect(),
                    _ => names,
                };
                let missing = format!("Lists of kind {}: no such list was given (--intel)", all.join(", "));
                (format!("a [list](../threat-lists.md) of kind {what}"), shipped(&kinds), missing)
            }
            Need::Inventory => (
                "an [inventory](../inventory.md)".to_owned(),
                "`--inventory FILE`".to_owned(),
                "What only an inventory tells: no inventory was given (--inventory)".to_owned(),
            ),
        };
        let _ = writeln!(said, "| {what} | {whence} | {missing} |");
    }
    if material.detection.needs.is_empty() {
        said = "Any logs: CloudTrail, VPC flow logs, Resolver query logs. Each source is judged by itself.".to_owned();
    }
    section(text, "What it needs", said.trim_end());
}

/// The kinds that make this very type: `.Custom` types come from the user's own lists, and no other type does.
fn of_this_type(finding_type: FindingType, kinds: &[ListKind]) -> Vec<ListKind> {
    let is_custom = finding_type.as_str().contains(".Custom");
    let own: Vec<ListKind> = kinds.iter().copied().filter(|kind| (*kind == ListKind::Custom) == is_custom).collect();
    if own.is_empty() { kinds.to_vec() } else { own }
}

/// What of these kinds ships with the program.
fn shipped(kinds: &[ListKind]) -> String {
    let lists = default_lists::load().into_iter().filter(|list| kinds.contains(&list.kind));
    let names: Vec<String> = lists.map(|list| list.name).collect();
    if names.is_empty() {
        return "none ships: `--intel KIND=FILE`".to_owned();
    }
    format!("ships: {}; more with `--intel KIND=FILE`", names.join(", "))
}

fn remediation(material: &Material<'_>) -> String {
    let beside = match material.finding_type.resource() {
        "EC2" => {
            "Before you change the instance, keep what it can still tell: snapshots of its volumes, its security groups, \
             who launched it."
        }
        "IAMUser" => {
            "Deactivating a long-term key stops it at once. Temporary credentials go on until they expire, unless the \
             sessions of their role are revoked. Look for what the principal called before and after."
        }
        "S3" => {
            "Find out which objects were touched and by whom: data events of S3 tell, where a trail selects them, and \
             server access logs."
        }
        _ => "",
    };
    let steps = &plain(&material.entry.remediation);
    let explain = "`watchfire explain ID LOGS` prints the records that the finding rests on.";
    let said =
        if material.finding_type.resource() == "EC2" { [beside, steps, explain] } else { [steps, beside, explain] };
    said.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// Who is meant by "the tester" in the catalogue.
const TESTER: &str = " (The tester is Amazon's own: [awslabs/amazon-guardduty-tester](https://github.com/awslabs/amazon-guardduty-tester).)";

/// The kinds of lists that this type can rest on.
fn kinds_of(material: &Material<'_>) -> Vec<ListKind> {
    let lists = material
        .detection
        .needs
        .iter()
        .filter_map(|need| if let Need::Lists(kinds) = need { Some(*kinds) } else { None });
    lists.flat_map(|kinds| of_this_type(material.finding_type, kinds)).collect()
}

fn trigger(text: &mut String, material: &Material<'_>) {
    let mut said = String::new();
    if let Some(scenario) = &material.scenario {
        let _ = write!(
            said,
            "On recorded or written logs, in a checkout; nothing leaves the machine. {}\n\n```console\n$ {}\n```\n\n",
            plain(&scenario.about),
            scenario.command(material.finding_type, &kinds_of(material))
        );
    }
    if !material.entry.test.is_empty() {
        let _ = write!(said, "In an account of your own, or as a record for a test: {}", plain(&material.entry.test));
        if material.entry.test.contains("ester") {
            said.push_str(TESTER);
        }
    }
    section(text, "How to trigger it safely", said.trim_end());
}

fn in_guardduty(text: &mut String, material: &Material<'_>) {
    let entry = material.entry;
    let mut said = String::new();
    if material.detection.reports.len() == 1 {
        let _ = write!(said, "{}\n\n", plain(&entry.detects));
    }
    if !entry.undocumented.is_empty() {
        let _ = write!(said, "Unpublished or unclear: {}", plain(&entry.undocumented));
    }
    section(text, "The same type in GuardDuty", said.trim_end());
}

/// Text of the catalogue or a scenario as Markdown: what would begin a tag or an emphasis is itself, but for code spans.
fn plain(text: &str) -> String {
    let part = |(place, part): (usize, &str)| match place % 2 {
        0 => part.replace('<', "\\<").replace('*', "\\*"),
        _ => format!("`{part}`"),
    };
    text.split('`').enumerate().map(part).collect()
}

fn section(text: &mut String, heading: &str, content: &str) {
    if !content.trim().is_empty() {
        let _ = write!(text, "## {heading}\n\n{content}\n\n");
    }
}

/// The detection that makes a finding of this type.
pub(super) fn detection_of(finding_type: FindingType) -> Option<&'static Detection> {
    DETECTIONS.iter().copied().find(|detection| detection.reports.contains(&finding_type))
}

/// What the catalogue says of a type.
pub(super) fn entry_of(finding_type: FindingType) -> anyhow::Result<&'static CatalogueEntry> {
    catalogue::entry(finding_type.as_str())
        .ok_or_else(|| anyhow::anyhow!("{finding_type} is not in catalogue/finding-types.json"))
}
