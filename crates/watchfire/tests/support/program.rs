//! Runs the real program.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What a run of the program gave.
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program, away from the configuration and colours of whoever runs the tests.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.env("XDG_CONFIG_HOME", "/nonexistent").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs it with these arguments.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    of(program().args(arguments).output().unwrap())
}

/// What an output says.
pub fn of(output: Output) -> Run {
    Run {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with files to scan.
pub struct Folder {
    folder: TempDir,
    elsewhere: TempDir,
}

/// A scan of a [`Folder`].
pub struct Scan {
    pub run: Run,
    pub account: Value,
}

impl Folder {
    /// Nothing in it.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() }
    }

    /// One good log in it: someone stopped a trail.
    pub fn with_a_log() -> Self {
        Self::empty().file("good.json", format!("{{\"Records\":[{}]}}", stop_logging("10:00:00", "mallory")))
    }

    /// Adds a file.
    pub fn file(self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file that is not scanned, such as a list.
    pub fn aside(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.elsewhere.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn arguments(&self, more: &[&str]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["scan".into(), self.path().into(), "--account-file".into()];
        arguments.push(self.elsewhere.path().join("account.json").into());
        arguments.extend(more.iter().map(OsString::from));
        arguments
    }

    fn account(&self) -> Value {
        let text = std::fs::read_to_string(self.elsewhere.path().join("account.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Scans it, with these options.
    pub fn scan(&self, options: &[&str]) -> Scan {
        let run = run(self.arguments(options));
        Scan { run, account: self.account() }
    }

    /// Scans it and says how many bytes of memory that took at most, where the system tells.
    pub fn scan_measured(&self, options: &[&str]) -> (Scan, Option<u64>) {
        let mut child =
            program().args(self.arguments(options)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut peak = None;
        // Few bytes are written, so nothing waits for us to read them.
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(peak_bytes(child.id()));
            std::thread::sleep(Duration::from_millis(5));
        }
        let run = of(child.wait_with_output().unwrap());
        (Scan { run, account: self.account() }, peak)
    }
}

fn peak_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

impl Scan {
    /// The findings, of `--format json` or `jsonl`.
    pub fn findings(&self) -> Vec<Value> {
        let document: Result<Value, _> = serde_json::from_str(&self.run.stdout);
        match document.ok().and_then(|document| document.get("findings").cloned()) {
            Some(findings) => findings.as_array().unwrap().clone(),
            None => self.run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    /// Types of the findings, sorted.
    pub fn types(&self) -> Vec<String> {
        let mut types: Vec<String> =
            self.findings().iter().map(|finding| finding["type"].as_str().unwrap().to_owned()).collect();
        types.sort();
        types
    }

    /// Everything the account says of files and records that were not read whole: "file: reason".
    pub fn complaints(&self) -> Vec<String> {
        ["/files/rejectedExamples", "/files/incompleteExamples", "/records/rejectedExamples"]
            .into_iter()
            .flat_map(|pointer| self.account.pointer(pointer).unwrap().as_array().unwrap())
            .map(|entry| format!("{}: {}", entry["file"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
            .collect()
    }

    /// A number of the account; 0 if it is not there.
    pub fn number(&self, pointer: &str) -> u64 {
        self.account.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
    }

    /// Whether every listed file is counted under exactly one heading.
    pub fn adds_up(&self) -> bool {
        let sum = |pointer: &str| -> u64 {
            let entries = self.account.pointer(pointer).and_then(Value::as_object);
            entries.into_iter().flat_map(|entries| entries.values().filter_map(Value::as_u64)).sum()
        };
        let parts = self.number("/files/analysed") + self.number("/files/duplicates");
        self.number("/files/listed") == parts + sum("/files/notLogs") + sum("/files/rejected")
    }
}

/// A `StopLogging` at this time of 2026-03-10 by this user: one finding of the type `CloudTrailLoggingDisabled`.
pub fn stop_logging(clock: &str, user: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/{user}","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"{user}"}},"eventTime":"2026-03-10T{clock}Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.20","userAgent":"aws-cli/2.27.50","requestParameters":{{"name":"main"}},"responseElements":null,"eventID":"{user}-{clock}","eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
    )
}
