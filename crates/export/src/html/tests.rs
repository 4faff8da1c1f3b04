//! What the report promises, each on a page that is made here: sizes, escapes, links, silence.

use super::{base64, data, write_html};
use crate::account::{Gap, NotEvaluated, ScanAccount, Span};
use crate::samples;
use proptest::prelude::*;
use serde_json::Value;
use sha2::Digest;
use watchfire_model::{Action, Bucket, Finding, KnowledgeUsed, Time};

/// What somebody may call a user, a bucket, a file or a user agent.
const HOSTILE: [&str; 8] = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"' onmouseover=alert(1) x=\"",
    "<img src=x onerror=alert(1)>",
    "invoice\u{202e}fdp.exe",
    "null\0byte\u{1b}[31m",
    "javascript:alert(1)//https://evil.example/",
    "]]>\u{2028}&lt;b&gt;${7*7}{{7*7}}",
];

fn page(findings: &[Finding], account: &ScanAccount) -> String {
    let mut out = Vec::new();
    write_html(findings, account, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The sample findings over and over, each with an id, a time and records of its own of so many bytes.
fn many(count: usize, record_bytes: usize) -> Vec<Finding> {
    let samples = samples::all();
    let findings = samples.iter().cycle().take(count).cloned().enumerate();
    let findings = findings.map(|(index, mut finding)| {
        finding.id = format!("{index:032x}");
        finding.first_seen = finding.first_seen.plus_ms(index as i64 * Time::MINUTE_MS);
        finding.last_seen = finding.last_seen.plus_ms(index as i64 * Time::MINUTE_MS);
        for record in finding.evidence.first.iter_mut().chain(&mut finding.evidence.last) {
            record.file = format!("logs/2026/01/31/{index:0160}.json.gz");
            record.raw = format!("{{\"number\":{index},\"padding\":\"{}\"}}", "a\\u0041".repeat(record_bytes / 7));
        }
        finding
    });
    findings.collect()
}

fn account() -> ScanAccount {
    let begin = Time::parse_utc("2026-01-31T00:00:00Z").unwrap();
    let mut account = ScanAccount { seconds: 1.5, ..ScanAccount::default() };
    account.files.listed = 3;
    account.files.analysed = 2;
    account.files.reject("logs/broken.gz", "damaged", "the stream ends early");
    account.records.analysed = [("CloudTrail".to_owned(), 1_234)].into();
    account.spans = vec![Span {
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        source: "CloudTrail".into(),
        first: begin,
        last: begin.plus_ms(Time::DAY_MS),
        records: 1_234,
        gaps: vec![Gap { from: begin.plus_ms(3 * Time::HOUR_MS), to: begin.plus_ms(9 * Time::HOUR_MS) }],
    }];
    account.not_evaluated = vec![NotEvaluated {
        what: "DNS queries".into(),
        why: "no resolver query log was given".into(),
        types: vec!["Trojan:EC2/DGADomainRequest.B".into()],
    }];
    account
}

/// What stands between `begin` and `end`.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    page.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map(|(inside, _)| inside).unwrap()
}

fn data_of(page: &str) -> Value {
    serde_json::from_str(between(page, "id=\"data\">", "</script>")).unwrap()
}

#[test]
fn the_first_screen_answers_the_five_questions() {
    let page = page(&samples::all(), &account());
    let first = between(&page, "<section id=\"summary\"", "</section>");
    for question in ["What happened", "To whom", "How bad", "When", "What to do first"] {
        assert!(first.contains(question), "{question}");
    }
    assert!(first.contains("6 findings in account 111122223333"));
    assert!(first.contains("1 file could not be read"), "what is not known belongs on the first screen too");
}

#[test]
fn every_section_has_a_heading_and_every_link_inside_leads_somewhere() {
    let page = page(&samples::all(), &account());
    let findings = data_of(&page);
    let ids: Vec<String> = findings["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("f-{}", one["i"].as_str().unwrap()))
        .collect();
    for part in page.split("href=\"#").skip(1) {
        let target = part.split('"').next().unwrap();
        let is_there = page.contains(&format!("id=\"{target}\"")) || ids.iter().any(|id| id == target);
        assert!(is_there, "#{target}");
    }
    for part in page.split("aria-labelledby=\"").skip(1) {
        let id = part.split('"').next().unwrap();
        assert!(page.contains(&format!(" id=\"{id}\"")), "{id}");
    }
    assert_eq!(page.matches("<h1").count(), 1);
    assert_eq!(page.matches("<main").count(), 1);
}

#[test]
fn elements_are_closed_in_the_order_in_which_they_were_opened() {
    let page = page(&samples::all(), &account());
    let body = between(&page, "<body>", "<script type=");
    let mut open = Vec::new();
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "at {tag}");
        } else if !tag.ends_with('/') && !["input", "br"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_thousand_findings_take_less_than_three_megabytes() {
    let page = page(&many(1_000, 2_800), &account());
    assert!(page.len() < 3_000_000, "{}", page.len());
    assert_eq!(data_of(&page)["findings"].as_array().unwrap().len(), 1_000);
}

#[test]
fn a_thousand_hostile_findings_take_no_more() {
    let mut findings = many(1_000, 2_800);
    for (index, finding) in findings.iter_mut().enumerate() {
        let name = format!("{index}{}", "<&\"".repeat(300));
        finding.latest.title.clone_from(&name);
        finding.latest.description.clone_from(&name);
        finding.latest.reasons = vec![name.clone(); 6];
        finding.latest.missing = vec![name.clone(); 6];
        finding.latest.account.clone_from(&name);
        finding.latest.region.clone_from(&name);
        finding.latest.additional = (0..12).map(|key| (format!("{key}{name}"), Value::from(name.clone()))).collect();
        if let Some(key) = &mut finding.latest.resource.access_key {
            key.user_name.clone_from(&name);
        }
        for record in finding.evidence.first.iter_mut().chain(&mut finding.evidence.last) {
            record.file.clone_from(&name);
            record.raw = name.repeat(4);
        }
    }
    let page = page(&findings, &account());
    assert!(page.len() < 3_000_000, "{}", page.len());
    data_of(&page);
}

#[test]
fn more_findings_than_can_be_listed_are_counted_and_said() {
    let page = page(&many(data::LISTED_MAX + 1, 20), &account());
    assert_eq!(data_of(&page)["findings"].as_array().unwrap().len(), data::LISTED_MAX);
    assert!(page.contains("The list holds the 5,000 worst of 5,001 findings"));
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_its_order_and_however_long_it_took() {
    let findings = many(50, 700);
    let mut turned: Vec<Finding> = findings.clone();
    turned.reverse();
    let slower = ScanAccount { seconds: 900.0, ..account() };
    assert!(page(&findings, &account()) == page(&turned, &slower));
}

#[test]
fn hostile_names_stay_text() {
    for name in HOSTILE {
        let mut findings = samples::all();
        for finding in &mut findings {
            let signal = &mut finding.latest;
            for text in [&mut signal.title, &mut signal.description, &mut signal.account, &mut signal.region] {
                name.clone_into(text);
            }
            signal.reasons = vec![name.to_owned()];
            signal.missing = vec![name.to_owned()];
            signal.additional = [(name.to_owned(), Value::from(name))].into();
            if let Some(key) = &mut signal.resource.access_key {
                name.clone_into(&mut key.user_name);
            }
            if let Some(instance) = &mut signal.resource.instance {
                name.clone_into(&mut instance.instance_id);
            }
            for bucket in &mut signal.resource.buckets {
                name.clone_into(&mut bucket.name);
            }
            if let Action::ApiCall(call) = &mut signal.action {
                name.clone_into(&mut call.user_agent);
                if let Some(remote) = &mut call.remote {
                    name.clone_into(&mut remote.city);
                    name.clone_into(&mut remote.asn_org);
                }
            }
            finding.knowledge = vec![KnowledgeUsed { name: name.into(), kind: name.into(), version: name.into() }];
            for record in finding.evidence.first.iter_mut().chain(&mut finding.evidence.last) {
                name.clone_into(&mut record.file);
                name.clone_into(&mut record.raw);
            }
        }
        let mut account = account();
        account.files.reject(name, name, name);
        account.records.reject(name, 1, name);
        name.clone_into(&mut account.spans[0].source);
        name.clone_into(&mut account.not_evaluated[0].what);
        check_sound(&page(&findings, &account), name);
    }
}

/// The page has the elements that we wrote and no others, and nothing that a browser would obey.
fn check_sound(page: &str, name: &str) {
    assert_eq!(page.matches("<script").count(), 2, "{name:?}");
    assert_eq!(page.matches("</script").count(), 2, "{name:?}");
    assert!(!page.contains("<!--") && !page.contains("<img"), "{name:?}");
    let treacherous = ['\0', '\u{1b}', '\u{202e}', '\u{2028}'];
    assert!(!page.contains(treacherous), "{name:?}");
    let body = between(page, "<body>", "<script type=");
    for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        // Outside quotes no attribute may begin with `on`.
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains(" on") && !outside.contains("javascript:"), "{tag}");
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
    }
    data_of(page);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_name_stays_text(name in any::<String>(), address in "\\PC{0,40}") {
        let mut finding = samples::api_call();
        finding.latest.title.clone_from(&name);
        finding.evidence.first[0].raw.clone_from(&name);
        finding.latest.account = address;
        if let Some(key) = &mut finding.latest.resource.access_key {
            key.user_name.clone_from(&name);
        }
        check_sound(&page(&[finding], &account()), &name);
    }
}

#[test]
fn nothing_is_fetched_from_anywhere() {
    let page = page(&samples::all(), &account());
    for loading in [
        " src=",
        "@import",
        "url(",
        "<link",
        "<iframe",
        "<object",
        "<embed",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "import(",
    ] {
        assert!(!page.contains(loading), "{loading}");
    }
    // Links that somebody may follow are all there is.
    let allowed = ["https://attack.mitre.org/", "https://db-ip.com", "https://www.maxmind.com"];
    for (at, _) in page.match_indices("http") {
        let rest = &page[at..];
        let is_known = allowed.iter().any(|address| rest.starts_with(address)) || rest.starts_with("http-equiv");
        assert!(is_known, "{}", rest.chars().take(60).collect::<String>());
    }
}

#[test]
fn the_policy_allows_this_script_and_no_other() {
    let page = page(&samples::all(), &account());
    let (_, script) = page.rsplit_once("<script>").unwrap();
    let script = script.split("</script>").next().unwrap();
    let hash = base64(sha2::Sha256::digest(script.as_bytes()).as_slice());
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")));
    assert!(page.contains("default-src 'none'"));
    for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
        assert!(!script.contains(forbidden), "{forbidden} would make markup or code of text");
    }
    assert!(!script.contains('\r'), "a browser reads line ends as `\\n`, and the hash would not fit");
}

#[test]
fn hashes_are_written_as_policies_want_them() {
    assert_eq!(base64(b""), "");
    assert_eq!(base64(b"f"), "Zg==");
    assert_eq!(base64(b"fo"), "Zm8=");
    assert_eq!(base64(b"foobar"), "Zm9vYmFy");
}

#[test]
fn a_map_is_drawn_only_where_geography_is_known() {
    assert!(page(&[samples::api_call()], &account()).contains("<section id=\"map\""));
    assert!(!page(&[samples::dns_request(), samples::port_probe()], &account()).contains("<section id=\"map\""));
}

#[test]
fn a_country_is_enough_for_the_map() {
    let mut finding = samples::api_call();
    let Action::ApiCall(call) = &mut finding.latest.action else { panic!("a call") };
    let remote = call.remote.as_mut().unwrap();
    (remote.location, remote.city) = (None, String::new());
    assert!(page(std::slice::from_ref(&finding), &account()).contains(">Netherlands</a>"));
    let Action::ApiCall(call) = &mut finding.latest.action else { panic!("a call") };
    call.remote.as_mut().unwrap().country_code = "??".into();
    assert!(!page(&[finding], &account()).contains("<section id=\"map\""));
}

#[test]
fn a_finding_about_a_key_lists_the_bucket_that_it_concerns() {
    let mut finding = samples::api_call();
    finding.latest.resource.buckets = vec![Bucket { name: "payroll".into(), ..Bucket::default() }];
    let page = page(&[finding], &account());
    assert!(between(&page, "<h3>Resources", "</table>").contains("bucket payroll"));
    assert!(between(&page, "<h2>What to do first", "</ol>").contains("bucket payroll"));
}

#[test]
fn what_was_put_away_is_counted_and_what_is_archived_is_marked() {
    let mut account = account();
    account.suppressed = [("lab <b>".to_owned(), 3)].into();
    account.known_before = 2;
    let mut finding = samples::api_call();
    finding.archived = true;
    let page = page(&[finding], &account);
    assert!(between(&page, "<section id=\"summary\"", "</section>").contains("5 findings put away"));
    assert!(page.contains("3 findings suppressed by the filter lab &lt;b&gt;"));
    assert!(page.contains("2 findings known before"));
    assert_eq!(data_of(&page)["findings"][0]["k"], 1);
}

#[test]
fn each_finding_says_what_it_was_compared_with() {
    let types = data_of(&page(&samples::all(), &account()))["types"].clone();
    assert!(types.as_array().unwrap().iter().all(|one| one["b"].as_str().unwrap().contains("normal")), "{types}");
}

#[test]
fn makers_of_databases_are_named_where_theirs_was_used() {
    let mut finding = samples::api_call();
    assert!(!page(std::slice::from_ref(&finding), &account()).contains("IP Geolocation by DB-IP"));
    let used = |name: &str| KnowledgeUsed { name: name.into(), kind: "geography".into(), version: String::new() };
    finding.knowledge = vec![used("DBIP-City-Lite"), used("GeoLite2-ASN")];
    let page = page(&[finding], &account());
    assert!(page.contains("<a href=\"https://db-ip.com\" rel=\"noreferrer noopener\">IP Geolocation by DB-IP</a>"));
    assert!(page.contains("includes GeoLite2 data created by MaxMind"));
}

#[test]
fn no_findings_and_no_records_are_told_apart() {
    assert!(page(&[], &account()).contains("1,234 records analysed, and none showed"));
    assert!(page(&[], &ScanAccount::default()).contains("means nothing"));
}

#[test]
fn a_record_is_shown_whole_where_there_is_room_and_said_to_be_cut_where_not() {
    let mut finding = samples::api_call();
    let whole = data_of(&page(std::slice::from_ref(&finding), &account()));
    assert_eq!(whole["findings"][0]["r"].as_array().unwrap().len(), 2);
    assert_eq!(whole["findings"][0]["r"][0][5], 1);
    finding.evidence.first[0].raw = "x".repeat(200_000);
    let cut = data_of(&page(&[finding], &account()));
    assert_eq!(cut["findings"][0]["r"].as_array().unwrap().len(), 1);
    assert_eq!(cut["findings"][0]["r"][0][5], 0);
}

#[test]
fn places_lie_where_maps_have_them() {
    use super::projection::{HEIGHT, WIDTH, project};
    let (x, y) = project(0.0, 0.0);
    assert!((x - WIDTH / 2.0).abs() < 1e-9 && y > 0.5 * HEIGHT && y < 0.6 * HEIGHT);
    assert!(project(52.4, 4.9).1 < project(-33.9, 151.2).1);
    for (latitude, longitude) in [(90.0, 180.0), (-90.0, -180.0), (1e9, -1e9)] {
        let (x, y) = project(latitude, longitude);
        assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y));
    }
}
