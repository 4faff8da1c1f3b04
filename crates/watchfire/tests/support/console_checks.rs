//! The console of a running server in a browser: how one gets in, and what every page must be.

use crate::browser::Browser;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The account that has the logs of `report_checks`, and of `samples/`.
const ACCOUNT: &str = "111122223333";

/// A server that watches a folder.
pub(crate) struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    /// An administrator's key: id and secret.
    pub(crate) key: (String, String),
}

/// What no page of the console may have; and what each control must.
const FAULTS: &str = r#"(() => {
  const faults = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (/^on|^style$/.test(name)) faults.push(`the attribute ${name} of ${element.localName}`);
      if (name === "src" && !value.startsWith("/console/assets/")) faults.push(`a source ${value}`);
      if (name === "href" && !/^(#|\/console\/|https:\/\/attack\.mitre\.org\/)/.test(value)) faults.push(`a link to ${value}`);
    }
  }
  if (document.querySelector("iframe, img, object, embed, base, style")) faults.push("an element that a name brought");
  for (const control of document.querySelectorAll("button, input:not([type=hidden]), select, textarea, a, summary")) {
    const name = control.getAttribute("aria-label") || control.textContent.trim() || control.labels?.[0]?.textContent.trim();
    if (!name) faults.push(`a ${control.localName} that a screen reader cannot name`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push("two elements of one id");
  if (document.querySelectorAll("script").length !== 1) faults.push("another script than ours");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one heading");
  if (typeof obeyed !== "undefined") faults.push("a script that came with a name");
  if (/[\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b]/.test(document.body.innerText)) faults.push("an invisible character or a change of direction");
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`a page ${document.documentElement.scrollWidth} wide on ${innerWidth}`);
  return faults;
})()"#;

impl Served {
    /// Starts a server over this data directory that watches `logs`.
    pub(crate) fn start(program: &Path, data: &Path, logs: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--look-every",
                "1",
                "--idle",
                "1",
                "--account",
                ACCOUNT,
                "--data",
            ])
            .arg(data)
            .arg("--watch")
            .arg(logs)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start `{}`", program.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let first = lines.next().context("the server said nothing")??;
        let endpoint = first.strip_prefix("The GuardDuty API is served at ").context("no endpoint")?.to_owned();
        lines.by_ref().take(2).for_each(drop); // The key is there when the last line is.
        let key = fs::read_to_string(data.join(format!("bootstrap-key-{ACCOUNT}.json")))?;
        let key: Value = serde_json::from_str(&key)?;
        let text = |name: &str| key[name].as_str().map(str::to_owned).context("no key");
        Ok(Self { child, endpoint, key: (text("accessKeyId")?, text("secretAccessKey")?) })
    }

    /// Signs in with a key, as a person does.
    pub(crate) fn sign_in(&self, browser: &mut Browser, (id, secret): &(String, String)) -> Result<()> {
        browser.open_page(&format!("{}/", self.endpoint))?;
        let fill = "(id, secret) => { const form = document.querySelector('form.sign-in'); form.key.value = id; \
                    form.secret.value = secret; }";
        browser.evaluate(&format!("({fill})({}, {})", json!(id), json!(secret)))?;
        browser.click("form.sign-in button")
    }

    /// Opens a page of the console again until it lists so many findings.
    pub(crate) fn wait_for(&self, browser: &mut Browser, findings: usize) -> Result<()> {
        for _ in 0..240 {
            browser.open_page(&format!("{}/console/findings?state=all&size=200", self.endpoint))?;
            if browser.evaluate("document.querySelectorAll('.findings tbody tr').length")?.as_u64()
                >= Some(findings as u64)
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        anyhow::bail!("the server never showed {findings} findings")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds the page that is open against what every page must be, and what it asked for against this server.
pub(crate) fn check(browser: &mut Browser, endpoint: &str) -> Result<()> {
    let at = browser.evaluate("location.href")?;
    let faults = browser.evaluate(FAULTS)?;
    ensure!(faults == json!([]), "{at}: {faults}");
    let own = format!("asked for {endpoint}/");
    let odd: Vec<String> = browser.happenings().into_iter().filter(|happening| !happening.starts_with(&own)).collect();
    ensure!(odd.is_empty(), "{at}: {odd:?}");
    Ok(())
}
