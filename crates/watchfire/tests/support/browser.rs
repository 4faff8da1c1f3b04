//! A browser without a window, driven over pipes with the DevTools protocol: it opens a page, answers what is in it,
//! takes pictures, and tells whatever the page asked for.
//!
//! Chromium reads commands from descriptor 3 and answers on 4. A shell puts two named pipes there, so that no unsafe code
//! is needed; messages end with a null byte.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Names under which the browser is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A running browser with one page.
pub(crate) struct Browser {
    child: Child,
    commands: File,
    answers: BufReader<File>,
    session: String,
    last_id: u64,
    events: Vec<Value>,
    _scratch: tempfile::TempDir,
}

/// What the reader of a page has.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
}

/// The browser of this machine, if there is one.
pub(crate) fn installed() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

impl Browser {
    /// Starts the browser.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
        let [commands, answers] = ["commands", "answers"].map(|name| scratch.path().join(name));
        let made = Command::new("mkfifo").args([&commands, &answers]).status().context("could not run `mkfifo`")?;
        anyhow::ensure!(made.success(), "`mkfifo` failed");
        let child = Command::new("sh")
            .args(["-c", "commands=$1 answers=$2; shift 2; exec \"$@\" 3<\"$commands\" 4>\"$answers\"", "sh"])
            .args([&commands, &answers])
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg("--disable-dev-shm-usage") // In a container it is too small.
            .arg(format!("--user-data-dir={}", scratch.path().join("profile").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start a shell")?;
        let commands = File::options().write(true).open(&commands).context("the browser takes no commands")?;
        let answers = BufReader::new(File::open(&answers).context("the browser gives no answers")?);
        let (session, events) = (String::new(), Vec::new());
        let mut browser = Self { child, commands, answers, session, last_id: 0, events, _scratch: scratch };
        browser.new_page().with_context(|| format!("`{}` is no browser that works", program.display()))?;
        Ok(browser)
    }

    fn new_page(&mut self) -> Result<()> {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}))?;
        let parameters = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", parameters)?;
        attached["sessionId"].as_str().context("no session")?.clone_into(&mut self.session);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(())
    }

    /// A command and its answer; events that arrive before the answer are kept.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        write!(self.commands, "{message}\0").context("the browser is gone")?;
        loop {
            let mut message = self.next_message()?;
            if message["id"] != self.last_id {
                self.events.push(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].take());
            } else {
                bail!("{method}: {}", message["error"]["message"]);
            }
        }
    }

    fn next_message(&mut self) -> Result<Value> {
        let mut message = Vec::new();
        self.answers.read_until(0, &mut message).context("the browser does not answer")?;
        if message.pop() != Some(0) {
            bail!("the browser ended");
        }
        serde_json::from_slice(&message).context("the browser answered something else than JSON")
    }

    /// The size of the window and the colours that the reader prefers.
    pub(crate) fn show_on(&mut self, screen: Screen) -> Result<()> {
        let Screen { width, height, dark } = screen;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size)?;
        let scheme = json!({"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }});
        let still = json!({"name": "prefers-reduced-motion", "value": "reduce"});
        self.call("Emulation.setEmulatedMedia", json!({"features": [scheme, still]})).map(drop)
    }

    /// Opens a file and waits until it is there. What was seen before is forgotten.
    pub(crate) fn open(&mut self, file: &Path, fragment: &str) -> Result<()> {
        self.navigate("about:blank")?;
        self.events.clear();
        let file = file.canonicalize().with_context(|| format!("there is no `{}`", file.display()))?;
        self.navigate(&format!("file://{}{fragment}", file.display()))?;
        self.settle()
    }

    /// Opens a page of a server and waits until it is there. What was seen before is forgotten.
    pub(crate) fn open_page(&mut self, url: &str) -> Result<()> {
        self.events.clear();
        self.navigate(url)?;
        self.settle()
    }

    /// Clicks on what a selector finds first, which leads to another page, and waits until that is there.
    pub(crate) fn click(&mut self, selector: &str) -> Result<()> {
        let expression = format!("document.querySelector({}).click()", json!(selector));
        self.and_loads(|browser| browser.evaluate(&expression).map(drop))
    }

    /// Does something that leads to another page, and waits until that is there. What was seen before is forgotten.
    pub(crate) fn and_loads(&mut self, act: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.events.clear();
        act(self)?;
        self.wait_for_load(0)?;
        self.settle()
    }

    fn navigate(&mut self, url: &str) -> Result<()> {
        let before = self.loads();
        let opened = self.call("Page.navigate", json!({"url": url}))?;
        anyhow::ensure!(opened["errorText"].is_null(), "`{url}`: {}", opened["errorText"]);
        self.wait_for_load(before)
    }

    fn wait_for_load(&mut self, before: usize) -> Result<()> {
        while self.loads() == before {
            let message = self.next_message()?;
            self.events.push(message);
        }
        Ok(())
    }

    fn loads(&self) -> usize {
        self.events.iter().filter(|event| event["method"] == "Page.loadEventFired").count()
    }

    /// Waits until two pictures have been drawn.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))";
        self.evaluate(frames).map(drop)
    }

    /// The value of an expression in the page, which the page's own policy does not hold back.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", parameters)?;
        if !answer["exceptionDetails"].is_null() {
            bail!("`{expression}` failed: {}", answer["exceptionDetails"]["exception"]["description"]);
        }
        Ok(answer["result"]["value"].take())
    }

    /// Presses and releases a key: a character, `Tab` or `Enter`.
    pub(crate) fn press(&mut self, key: &str) -> Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            character => (0, character),
        };
        let mut pressed = json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code});
        if !text.is_empty() {
            pressed["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", pressed)?;
        let released = json!({"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code});
        self.call("Input.dispatchKeyEvent", released).map(drop)
    }

    /// Types text where the page's focus is.
    pub(crate) fn type_text(&mut self, text: &str) -> Result<()> {
        text.chars().try_for_each(|character| self.press(character.encode_utf8(&mut [0; 4])))
    }

    /// What happened since the page was opened: addresses asked for, dialogs, errors and complaints. A good page has one
    /// line, the page itself.
    pub(crate) fn happenings(&mut self) -> Vec<String> {
        self.events.iter().filter_map(happening).collect()
    }

    /// What the window shows, or the whole page.
    pub(crate) fn picture(&mut self, whole: bool) -> Result<Vec<u8>> {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": whole}))?;
        bytes(answer["data"].as_str().unwrap_or_default())
    }

    /// The page on paper, as PDF.
    pub(crate) fn print(&mut self) -> Result<Vec<u8>> {
        let answer = self.call("Page.printToPDF", json!({"preferCSSPageSize": true, "printBackground": false}))?;
        bytes(answer["data"].as_str().unwrap_or_default())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session.clear();
        // Asked to close, it leaves nothing running; if it does not listen, it is ended.
        if self.call("Browser.close", json!({})).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn happening(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    let text = |pointer: &str| parameters.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match event["method"].as_str()? {
        "Network.requestWillBeSent" => Some(format!("asked for {}", text("/request/url"))),
        "Network.webSocketCreated" => Some(format!("asked for {}", text("/url"))),
        "Page.javascriptDialogOpening" => Some(format!("opened a dialog: {}", text("/message"))),
        "Page.windowOpen" => Some(format!("opened a window: {}", text("/url"))),
        "Runtime.exceptionThrown" => Some(format!("failed: {}", text("/exceptionDetails/exception/description"))),
        "Runtime.consoleAPICalled" => Some("wrote to the console".to_owned()),
        "Log.entryAdded" => Some(format!("complained: {}", text("/entry/text"))),
        _ => None,
    }
}

/// Base 64 back to bytes.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut joined = 0u32;
        for place in 0..4 {
            let value = chunk.get(place).map_or(Some(0), |byte| digit(*byte)).context("the browser sent no base 64")?;
            joined = joined << 6 | u32::from(value);
        }
        out.extend_from_slice(&joined.to_be_bytes()[1..chunk.len()]);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_in_base_64() {
        assert_eq!(bytes("Zm9vYmFy").unwrap(), b"foobar");
        assert_eq!(bytes("Zm9vYg==").unwrap(), b"foob");
        assert_eq!(bytes("Zm8=").unwrap(), b"fo");
        assert!(bytes("").unwrap().is_empty() && bytes("?").is_err());
    }

    #[test]
    fn what_a_page_asks_for_is_told_and_what_the_browser_says_of_itself_is_not() {
        let asked =
            json!({"method": "Network.requestWillBeSent", "params": {"request": {"url": "https://a.example/"}}});
        assert_eq!(happening(&asked), Some("asked for https://a.example/".to_owned()));
        assert_eq!(happening(&json!({"method": "Page.frameStartedLoading", "params": {}})), None);
    }
}
