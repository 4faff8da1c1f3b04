//! A server with the engine, and a client that signs with AWS's own library.
#![allow(clippy::unwrap_used, reason = "a test that cannot talk to its server should fail at once")]

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use ureq::http::Request;

/// The account of the logs of these tests, and their region.
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";

/// A server that ends with the test, by SIGKILL.
pub struct Server {
    child: Child,
    endpoint: String,
    data: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Runs `serve` over a data directory and a watched folder, with the environment that the command has.
    pub fn start(mut command: Command, data: &Path, watched: &Path) -> Self {
        command.arg("serve");
        Self::of(command, data, watched)
    }

    /// The same of a command that says `serve` already, and more.
    pub fn of(mut command: Command, data: &Path, watched: &Path) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--account", ACCOUNT, "--idle", "1", "--look-every", "1"]);
        command.arg("--data").arg(data).arg("--watch").arg(watched);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let endpoint = first.strip_prefix("The GuardDuty API is served at ").unwrap().to_owned();
        Self { child, endpoint, data: data.to_owned() }
    }

    /// The id of the account's detector; made if there is none.
    pub fn detector(&self) -> String {
        let listed = self.call("GET", "/detector", Value::Null);
        if let Some(id) = listed["detectorIds"].as_array().unwrap().first() {
            return id.as_str().unwrap().to_owned();
        }
        let made = self.call("POST", "/detector", json!({"enable": true}));
        made["detectorId"].as_str().unwrap().to_owned()
    }

    /// Calls below the detector, and expects success.
    pub fn of_detector(&self, method: &str, path: &str, body: Value) -> Value {
        self.call(method, &format!("/detector/{}{path}", self.detector()), body)
    }

    /// Calls, and expects success.
    pub fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let key = std::fs::read_to_string(self.data.join(format!("bootstrap-key-{ACCOUNT}.json"))).unwrap();
        let key: Value = serde_json::from_str(&key).unwrap();
        let text = |member: &str| key[member].as_str().unwrap().to_owned();
        let identity = Credentials::new(text("accessKeyId"), text("secretAccessKey"), None, None, "test").into();
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let url = format!("{}{path}", self.endpoint);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("guardduty")
            .time(now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable = SignableRequest::new(method, &url, std::iter::empty(), SignableBody::Bytes(&body)).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::builder().method(method).uri(&url).body(body).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        let mut answer = config.build().new_agent().run(request).unwrap();
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap());
        assert!(status < 300, "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Findings that meet these criteria.
    pub fn findings(&self, criterion: Value) -> Vec<Value> {
        let wanted = json!({"findingCriteria": {"criterion": criterion}});
        let listed = self.of_detector("POST", "/findings", wanted);
        if listed["findingIds"].as_array().unwrap().is_empty() {
            return Vec::new();
        }
        let got = self.of_detector("POST", "/findings/get", json!({"findingIds": listed["findingIds"]}));
        got["findings"].as_array().unwrap().clone()
    }

    /// The count of the only finding of a type; 0 if there is none.
    pub fn count(&self, finding_type: &str) -> u64 {
        let found = self.findings(json!({"type": {"eq": [finding_type]}}));
        assert!(found.len() < 2, "{found:?}");
        found.first().map_or(0, |finding| finding["service"]["count"].as_u64().unwrap())
    }
}

#[expect(clippy::disallowed_methods, reason = "a client signs with its clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Waits until this holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("two minutes have passed without this: {what}");
}

/// Longer than the time from one look of the engine to the next, at which it takes over what was changed.
pub fn wait_for_a_look() {
    std::thread::sleep(Duration::from_millis(1_500));
}
