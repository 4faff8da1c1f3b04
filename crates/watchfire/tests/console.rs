//! The console in a browser: signing in, finding, archiving, setting, and what hostile names can make of it.
//!
//! Where there is no Chromium, the test says so on standard error; with `CI` set, as `.ci/run` does, it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot run its server should fail at once")]

#[path = "support/browser.rs"]
#[allow(dead_code, reason = "pictures are taken by `xtask`")]
mod browser;
#[path = "support/console_checks.rs"]
mod console_checks;
#[path = "support/report_checks.rs"]
#[allow(dead_code, reason = "its checks of the report")]
mod report_checks;

use browser::{Browser, Screen};
use console_checks::{Served, check};
use report_checks::{HOSTILE, KINDS, logs};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The account of the server's first key.
const ACCOUNT: &str = "111122223333";

const PROGRAM: &str = env!("CARGO_BIN_EXE_watchfire");

/// The browser of this machine; `None`, loudly, if there is none.
fn found() -> Option<PathBuf> {
    let found = browser::installed();
    if found.is_none() {
        let missing = "there is no Chromium to open the console in: `bash tools/setup.sh --tests`, or install it";
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        let _ = writeln!(std::io::stderr(), "NOT TESTED: no Chromium is here, so nothing opened the console");
    }
    found
}

/// A server over logs that give one finding for each name and kind.
fn served(folder: &Path, names: &[&str]) -> Served {
    let (watched, data) = (folder.join("logs"), folder.join("data"));
    fs::create_dir(&watched).unwrap();
    let count = names.len() * KINDS;
    fs::write(watched.join("events.json"), logs(count, |number| names[number / KINDS].to_owned())).unwrap();
    Served::start(Path::new(PROGRAM), &data, &watched).unwrap()
}

fn number(browser: &mut Browser, expression: &str) -> u64 {
    browser.evaluate(expression).unwrap().as_u64().unwrap()
}

#[test]
fn somebody_signs_in_finds_archives_sets_and_signs_out() {
    let Some(path) = found() else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), &["alice", "bob", "carol"]);
    let mut browser = Browser::start(&path).unwrap();
    let at = |path: &str| format!("{}{path}", served.endpoint);
    const ROWS: &str = "document.querySelectorAll('.findings tbody tr').length";

    // A wrong secret, then the right one.
    served.sign_in(&mut browser, &(served.key.0.clone(), "wrong".to_owned())).unwrap();
    assert_eq!(browser.evaluate("document.querySelector('[role=alert]') !== null").unwrap(), true);
    served.sign_in(&mut browser, &served.key).unwrap();
    assert_eq!(browser.evaluate("document.cookie").unwrap(), "", "no script reads the session");
    served.wait_for(&mut browser, 3 * KINDS).unwrap();

    for screen in [(1280, false), (400, true)] {
        browser.show_on(Screen { width: screen.0, height: 900, dark: screen.1 }).unwrap();
        for page in [
            "findings",
            "findings?state=archived",
            "findings?q=alice",
            "settings",
            "lists",
            "lists/new",
            "filters",
            "filters/new",
            "usage",
            "nothing",
        ] {
            browser.open_page(&at(&format!("/console/{page}"))).unwrap();
            if page != "nothing" {
                check(&mut browser, &served.endpoint).unwrap();
            }
        }
    }
    browser.show_on(Screen { width: 1280, height: 900, dark: false }).unwrap();

    // Searched by keyboard, opened by keyboard, archived.
    browser.open_page(&at("/console/findings")).unwrap();
    browser.press("/").unwrap();
    browser.type_text("bob").unwrap();
    browser.and_loads(|browser| browser.press("Enter")).unwrap();
    assert_eq!(number(&mut browser, ROWS), KINDS as u64);
    browser.press("j").unwrap();
    browser.and_loads(|browser| browser.press("Enter")).unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    let text = browser.evaluate("document.querySelector('main').innerText").unwrap();
    for part in ["WHY IT WAS RAISED", "WHAT TO DO", "Evidence", "SHA-256", "MITRE", "bob"] {
        assert!(text.as_str().unwrap().contains(part), "{part}: {text}");
    }
    browser.click("button[value=archive]").unwrap();
    assert_eq!(
        browser.evaluate("document.querySelector('[role=status]').innerText.startsWith('Archived')").unwrap(),
        true
    );
    browser.and_loads(|browser| browser.press("u")).unwrap();
    browser.open_page(&at("/console/findings?q=bob")).unwrap();
    assert_eq!(number(&mut browser, ROWS), KINDS as u64 - 1);

    // All of a page at once.
    browser.evaluate("document.querySelector('input[data-all]').click()").unwrap();
    browser.click("button[value=archive]").unwrap();
    assert_eq!(number(&mut browser, ROWS), 0);
    browser.open_page(&at("/console/findings?state=archived")).unwrap();
    assert_eq!(number(&mut browser, ROWS), KINDS as u64);

    // A feature is switched off, and stays off.
    let settings = at(&format!("/console/settings?account={ACCOUNT}&region=us-east-1"));
    browser.open_page(&settings).unwrap();
    browser.evaluate("document.querySelector('input[name=on][value=S3_DATA_EVENTS]').click()").unwrap();
    browser.click("button[value=save]").unwrap();
    browser.open_page(&settings).unwrap();
    assert_eq!(browser.evaluate("document.querySelector('input[value=S3_DATA_EVENTS]').checked").unwrap(), false);

    // A read-only key is shown no button, and a form of its own making is refused.
    browser.click("form.who button").unwrap();
    browser.open_page(&at("/console/findings")).unwrap();
    assert_eq!(browser.evaluate("location.pathname").unwrap(), "/console/sign-in");
    let data = folder.path().join("data");
    let made = Command::new(PROGRAM)
        .args(["keys", "create", "--account", ACCOUNT, "--policy", "read-only", "--format", "json", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = ["accessKeyId", "secretAccessKey"].map(|name| made[name].as_str().unwrap().to_owned());
    served.sign_in(&mut browser, &key.into()).unwrap();
    browser.open_page(&at("/console/findings")).unwrap();
    assert_eq!(number(&mut browser, "document.querySelectorAll('input[name=pick], .sheet button').length"), 0);
    assert!(number(&mut browser, ROWS) > 0);
    let refused = "(() => { const csrf = document.querySelector('[name=csrf]').value; \
        return fetch('/console/findings', {method: 'POST', body: new URLSearchParams({csrf, action: 'archive'})}) \
        .then(() => 'sent', () => 'held back'); })()";
    // The page's own policy lets no script send anything.
    assert_eq!(browser.evaluate(refused).unwrap(), "held back");
}

#[test]
fn somebody_suppresses_findings_and_keeps_lists() {
    let Some(path) = found() else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), &["alice"]);
    let mut browser = Browser::start(&path).unwrap();
    let at = |path: &str| format!("{}{path}", served.endpoint);
    let text = |browser: &mut Browser, selector: &str| -> String {
        let shown = browser.evaluate(&format!("document.querySelector('{selector}').innerText")).unwrap();
        shown.as_str().unwrap().to_owned()
    };
    let fill = |browser: &mut Browser, field: &str, value: &str| {
        browser.evaluate(&format!("document.getElementById('f-{field}').value = {}", Value::from(value))).unwrap();
    };
    served.sign_in(&mut browser, &served.key).unwrap();
    served.wait_for(&mut browser, KINDS).unwrap();

    // From a finding to a filter: what is wrong takes the focus and is tied to its field.
    browser.open_page(&at("/console/findings?state=all")).unwrap();
    browser.click("td.what a").unwrap();
    browser.click("a[href*=\"filters/new?like\"]").unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    assert!(text(&mut browser, "p[role=status]").contains(" of those held fit"));
    let name = browser.evaluate("document.getElementById('f-name').value").unwrap();
    fill(&mut browser, "name", "no good name");
    browser.click("button[value=save]").unwrap();
    check_again(&mut browser);
    assert_eq!(browser.evaluate("document.activeElement.id").unwrap(), "trouble");
    assert_eq!(browser.evaluate("document.querySelector('[aria-invalid=true]').id").unwrap(), "f-name");
    browser.press("Tab").unwrap();
    assert_eq!(browser.evaluate("document.activeElement.getAttribute('href')").unwrap(), "#f-name");
    fill(&mut browser, "name", name.as_str().unwrap());
    browser.click("button[value=save]").unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    assert!(text(&mut browser, "p[role=status]").contains("is made"));
    browser.click("td.links a").unwrap();
    fill(&mut browser, "description", "<b>known</b>");
    browser.click("button[value=save]").unwrap();
    assert!(text(&mut browser, "main table").contains("<b>known</b>"));
    browser.click("td.links a[href$=delete]").unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    browser.click("button.danger").unwrap();
    assert!(text(&mut browser, "main").contains("There are no filters here."));

    // A list.
    browser.open_page(&at("/console/lists/new")).unwrap();
    fill(&mut browser, "name", "<img src=x onerror=obeyed=1>");
    fill(&mut browser, "location", "s3://lists-of-mine/hosts.txt");
    browser.evaluate("document.querySelector('input[name=activate]').checked = false").unwrap();
    browser.click("main form button").unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    browser.click("a[href$=edit]").unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    fill(&mut browser, "name", "Hosts that we know");
    browser.click("main form button").unwrap();
    assert_eq!(text(&mut browser, "h1"), "Hosts that we know");
    browser.click("a[href$=delete]").unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    browser.click("button.danger").unwrap();
    assert!(text(&mut browser, "main").contains("There are no lists here."));
}

/// A page that tells of a mistake, which the browser reports besides.
fn check_again(browser: &mut Browser) {
    let odd: Vec<String> = browser.happenings().into_iter().filter(|one| !one.starts_with("asked for ")).collect();
    assert!(odd.iter().all(|one| one.contains("400")), "{odd:?}");
}

#[test]
fn no_name_in_the_console_is_obeyed_and_nothing_is_fetched() {
    let Some(path) = found() else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), &HOSTILE);
    let mut browser = Browser::start(&path).unwrap();
    served.sign_in(&mut browser, &served.key).unwrap();
    served.wait_for(&mut browser, HOSTILE.len() * KINDS).unwrap();
    check(&mut browser, &served.endpoint).unwrap();
    let links = "[...document.querySelectorAll('td.what a')].map((link) => link.href)";
    let links: Vec<String> = serde_json::from_value(browser.evaluate(links).unwrap()).unwrap();
    assert_eq!(links.len(), HOSTILE.len() * KINDS);
    for link in links {
        browser.open_page(&link).unwrap();
        browser
            .evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
            .unwrap();
        check(&mut browser, &served.endpoint).unwrap();
    }
}

#[test]
fn a_link_from_another_site_leads_somebody_who_has_signed_in_to_the_page() {
    let Some(path) = found() else { return };
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), &["alice"]);
    let mut browser = Browser::start(&path).unwrap();
    served.sign_in(&mut browser, &served.key).unwrap();
    let chat = folder.path().join("chat.html");
    fs::write(&chat, format!("<a href=\"{}/console/settings\">look</a>", served.endpoint)).unwrap();
    browser.open(&chat, "").unwrap();
    browser.and_loads(|browser| browser.evaluate("document.querySelector('a').click()").map(drop)).unwrap();
    for _ in 0..50 {
        let shown = browser.evaluate("document.querySelector('h1')?.innerText ?? ''").unwrap();
        if shown == "Settings" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the page never came: {}", browser.evaluate("location.href").unwrap());
}
