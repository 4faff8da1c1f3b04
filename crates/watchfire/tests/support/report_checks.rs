//! What a browser must find in an HTML report: every finding, a search that works with the keyboard alone, and no name that is
//! obeyed. The logs are made here: as many findings as asked for, and names that are attempts to be markup or script.

use crate::browser::{Browser, Screen};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What somebody may call a user, a bucket or an agent. Each tries to set `obeyed`, or to fetch `x`.
pub(crate) const HOSTILE: [&str; 9] = [
    "</script><img src=x onerror=obeyed=1>",
    "\"><svg onload=obeyed=1>",
    "'-alert(1)-'",
    "<!--<script>obeyed=1</script>",
    "</title></style><iframe src=https://evil.example/x></iframe>",
    "javascript:obeyed=1",
    "line\u{2028}obeyed=1\u{2029}//",
    "\u{202e}gpj.exe\u{2066}\u{200b}",
    "{{constructor.constructor('obeyed=1')()}}${obeyed=1}",
];

/// Elements and attributes that the report has, and no others may come; and every control has a name.
const INVENTORY: &str = r#"(() => {
  const known = new Set("html head meta title style body a header div svg path g rect circle text line span nav ul ol li button main section h1 h2 h3 p dl dt dd strong b i table caption thead tbody tr th td details summary form label input select option fieldset legend noscript pre code footer script br".split(" "));
  const faults = [];
  for (const element of document.querySelectorAll("*")) {
    if (!known.has(element.localName)) faults.push(`the element ${element.localName}`);
    for (const { name, value } of element.attributes) {
      if (/^on/.test(name) || name === "src" || name === "style" && element.localName !== "span" && element.localName !== "div") faults.push(`the attribute ${name} of ${element.localName}`);
      if (name === "href" && !/^(#|https:\/\/(attack\.mitre\.org|db-ip\.com|www\.maxmind\.com))/.test(value)) faults.push(`a link to ${value}`);
    }
  }
  for (const control of document.querySelectorAll("button, input, select, a, summary")) {
    const name = control.getAttribute("aria-label") || control.textContent.trim() || control.labels?.[0]?.textContent.trim();
    if (!name) faults.push(`a ${control.localName} that a screen reader cannot name`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push("two elements of one id");
  const scripts = document.querySelectorAll("script").length;
  if (scripts !== 2) faults.push(`${scripts} scripts`);
  if (typeof obeyed !== "undefined") faults.push("a script that came with a name");
  if (/[\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b]/.test(document.body.innerText)) faults.push("an invisible character or a change of direction");
  return faults;
})()"#;

/// When the page was there with its list, counted from its opening.
const READY_MS: &str = r#"new Promise((done) => {
  const look = () => {
    const ready = performance.getEntriesByType("navigation")[0].loadEventEnd;
    if (ready > 0) done(ready); else setTimeout(look, 10);
  };
  look();
})"#;

/// Shows everything that a reader could unfold.
const UNFOLD: &str = r#"(async () => {
  const more = document.getElementById("more");
  while (more && !more.hidden) more.click();
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  await new Promise((done) => setTimeout(done, 300));
  return document.querySelectorAll(".finding .body").length;
})()"#;

/// Addresses that the database of places for tests knows, and one that it does not.
const ADDRESSES: [&str; 7] =
    ["81.2.69.142", "89.160.20.112", "175.16.199.1", "216.160.83.56", "2.125.160.216", "202.196.224.1", "198.51.100.7"];

/// Kinds of events in turn, each of which gives one finding.
pub(crate) const KINDS: usize = 4;

/// CloudTrail events that give `count` findings, each about a name of its own.
pub(crate) fn logs(count: usize, name: impl Fn(usize) -> String) -> String {
    let accounts = ["111122223333", "444455556666", "777788889999"];
    let regions = ["us-east-1", "eu-west-1", "ap-southeast-2"];
    let mut lines = String::new();
    for number in 0..count {
        let name = name(number);
        let (account, region) = (accounts[number / KINDS % 3], regions[number / KINDS % 3]);
        let mut event = json!({
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": format!("AIDA{number:016}"),
                "arn": format!("arn:aws:iam::{account}:user/{name}"),
                "accountId": account,
                "accessKeyId": format!("AKIA{number:016}"),
                "userName": name,
            },
            "eventTime": format!("2026-03-{:02}T{:02}:{:02}:00Z", 2 + number % 5, number * 7 % 24, number % 60),
            "awsRegion": region,
            "sourceIPAddress": ADDRESSES[number % ADDRESSES.len()],
            "userAgent": format!("aws-cli/2.15.0 md/Botocore#1.34.0 {name}"),
            "responseElements": null,
            "requestID": format!("{number:08x}-0000-4000-8000-000000000000"),
            "eventID": format!("{number:08x}-0000-4000-8000-000000000001"),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management",
        });
        let more = match number % KINDS {
            0 => json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
                "requestParameters": {"name": format!("arn:aws:cloudtrail:{region}:{account}:trail/{name}")}}),
            1 => json!({"eventSource": "s3.amazonaws.com", "eventName": "PutBucketAcl", "requestParameters": {
                "bucketName": format!("{name}-{number}"), "x-amz-acl": "public-read"}}),
            2 => json!({"eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "requestParameters": null,
                "userAgent": format!("aws-cli/2.15.0 ua/2.0 os/linux#6.5.0 md/distrib#kali.2025 {name}")}),
            _ => json!({"eventSource": "iam.amazonaws.com", "eventName": "DeleteAccountPasswordPolicy",
                "requestParameters": null}),
        };
        for (key, value) in more.as_object().into_iter().flatten() {
            event[key] = value.clone();
        }
        let _ = writeln!(lines, "{event}"); // Writing to a string cannot fail.
    }
    lines
}

/// Runs the program over the log.
pub(crate) fn make(program: &Path, log: &str, geography: &str, report: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("could not make a temporary folder")?;
    // A file's name is a name too.
    let file = folder.path().join("<img src=x onerror=obeyed=1>\u{202e}.json");
    fs::write(&file, log).context("could not write the log")?;
    let done = Command::new(program)
        .args(["scan", "--quiet", "--geoip", geography, "--output"])
        .arg(format!("html={}", report.display()))
        .arg(folder.path())
        .output()
        .with_context(|| format!("could not run `{}`; build it first", program.display()))?;
    ensure!(done.status.success(), "the program failed: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// How a report opened.
pub(crate) struct Opened {
    /// From the beginning until it was there with its list.
    pub(crate) ready_ms: f64,
    /// Elements of the page.
    pub(crate) elements: u64,
}

/// Opens a report of so many findings, each about a user `user-NNNN`, and searches for one of them.
pub(crate) fn open_large(browser: &mut Browser, report: &Path, findings: usize) -> Result<Opened> {
    browser.show_on(Screen { width: 1280, height: 900, dark: false })?;
    browser.open(report, "")?;
    let ready = browser.evaluate(READY_MS)?.as_f64();
    let elements = browser.evaluate("document.querySelectorAll('*').length")?.as_u64().unwrap_or(0);
    let shown = browser.evaluate("document.getElementById('shown').textContent")?;
    let search = "(() => { const begin = performance.now(); document.getElementById('q').value = 'user-0001'; \
                  document.querySelector('.filters').dispatchEvent(new Event('input')); \
                  return new Promise((done) => setTimeout(() => done(document.getElementById('shown').textContent), 400)) })()";
    let found = browser.evaluate(search)?;
    let ready_ms = ready.context("the browser told no time")?;
    ensure!(
        shown.as_str().is_some_and(|text| text.starts_with(&counted(findings))),
        "the list does not have {findings} findings"
    );
    ensure!(found.as_str().is_some_and(|text| text.starts_with("1 of")), "the search does not find one user: {found}");
    sound(&browser.happenings(), &json!([]), "the large report")?;
    Ok(Opened { ready_ms, elements })
}

/// Finds and unfolds one finding with the keyboard alone: `/` goes to the search, Tab to what was found, Enter opens it.
pub(crate) fn use_by_keyboard(browser: &mut Browser, report: &Path, findings: usize) -> Result<()> {
    browser.open(report, "")?;
    browser.press("/")?;
    ensure!(browser.evaluate("document.activeElement.id")? == "q", "`/` does not go to the search");
    browser.type_text("user-0003")?;
    let shown = browser
        .evaluate("new Promise((done) => setTimeout(() => done(document.getElementById('shown').textContent), 400))")?;
    ensure!(shown.as_str().is_some_and(|text| text.starts_with("1 of")), "typing does not search: {shown}");
    // Other filters and the head of the list stand between.
    let is_there =
        "document.activeElement.localName === 'summary' && document.activeElement.closest('.finding') !== null";
    let mut steps = 0;
    while browser.evaluate(is_there)? != true {
        steps += 1;
        ensure!(steps < 60, "the finding is not reached with Tab");
        browser.press("Tab")?;
    }
    browser.press("Enter")?;
    browser.settle()?;
    let open = "(() => { const open = document.activeElement.closest('details'); \
                return open.open && open.innerText.includes('user-0003') })()";
    ensure!(browser.evaluate(open)? == true, "Enter does not open the finding");
    sound(&browser.happenings(), &json!([]), &format!("the report of {findings} findings, used by keyboard"))
}

fn counted(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

/// Opens the hostile report as it is; without its policy, so that the escapes are seen to hold by themselves; and with a name
/// let through, to see that the check would notice. Says what was seen.
pub(crate) fn look_for_obedience(browser: &mut Browser, report: &Path, findings: usize) -> Result<Vec<String>> {
    let page = fs::read_to_string(report).context("could not read the report")?;
    let (before, rest) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"").context("no policy")?;
    let (_, after) = rest.split_once('>').context("no policy")?;
    let bare = format!("{before}{after}");
    let let_through = bare.replacen("<main id=\"main\">", &format!("<main id=\"main\">{}", HOSTILE[1]), 1)
        + HOSTILE[0].trim_start_matches("</script>");
    let folder = tempfile::tempdir().context("could not make a temporary folder")?;
    let file = folder.path().join("report.html");
    let mut seen = Vec::new();
    for (what, text) in [("with its policy", &page), ("without its policy", &bare), ("let through", &let_through)] {
        fs::write(&file, text).context("could not write the page")?;
        browser.open(&file, "")?;
        let unfolded = browser.evaluate(UNFOLD)?;
        ensure!(unfolded == findings, "{unfolded} of {findings} findings unfolded");
        let inventory = browser.evaluate(INVENTORY)?;
        let verdict = sound(&browser.happenings(), &inventory, what);
        match (what, verdict) {
            ("let through", Ok(())) => bail!("a name that was let through went unnoticed: the check is worth nothing"),
            ("let through", Err(noticed)) => seen.push(format!("and would be noticed: {noticed:#}")),
            (_, verdict) => {
                verdict?;
                seen.push(format!("hostile names in {findings} findings, {what}: none obeyed, nothing fetched"));
            }
        }
    }
    Ok(seen)
}

/// Nothing asked for but the page itself, nothing run, nothing in it that we did not put there.
fn sound(happenings: &[String], inventory: &Value, what: &str) -> Result<()> {
    let itself = |line: &&String| !(line.starts_with("asked for file://") && line.ends_with(".html"));
    let mut faults: Vec<String> = happenings.iter().filter(itself).cloned().collect();
    faults.extend(inventory.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    ensure!(faults.is_empty(), "{what}: {}", faults.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_itself_may_be_asked_for() {
        let own = "asked for file:///somewhere/report.html".to_owned();
        assert!(sound(std::slice::from_ref(&own), &json!([]), "").is_ok());
        assert!(sound(&[own.clone(), "asked for file:///somewhere/x".to_owned()], &json!([]), "").is_err());
        assert!(sound(&[own], &json!(["the element img"]), "").is_err());
    }

    #[test]
    fn the_made_log_has_one_event_for_each_finding() {
        let log = logs(9, |number| format!("user-{number}"));
        assert_eq!(log.lines().count(), 9);
        assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }
}
