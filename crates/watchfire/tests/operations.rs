//! Running `watchfire serve`: its settings, what it tells of itself, backups.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{of, program as watchfire, run};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use watchfire_store::{Location, Store, UsageDelta};

const ACCOUNT: &str = "111122223333";

/// A server that ends with the test.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let first = BufReader::new(child.stdout.as_mut().unwrap()).lines().next().unwrap().unwrap();
        let endpoint = first.strip_prefix("The GuardDuty API is served at http://").unwrap().to_owned();
        Self { child, endpoint }
    }

    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.endpoint).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", self.endpoint).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it in good order, and gives what it wrote to its log.
    fn end(mut self) -> String {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn all_settings_may_stand_in_the_configuration_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("watchfire.toml");
    let text = "[server]\ndata = \"state\"\nlisten = \"127.0.0.1:1\"\naccount = \"444455556666\"\nlog-format = \"json\"\n\
                log-level = \"debug\"\nmetrics = \"none\"\naudit-bytes = 0\n";
    fs::write(&config, text).unwrap();
    let mut command = watchfire();
    command.args(["serve", "--config"]).arg(&config).env("WATCHFIRE_LISTEN", "127.0.0.1:0");
    let server = Server::start(&mut command);
    let state = folder.path().join("state");
    assert!(state.join("bootstrap-key-444455556666.json").exists());
    assert!(server.get("/metrics", "").contains("MissingAuthenticationTokenException"));
    let log = lines(&server.end());
    let answered = log.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!((&answered["level"], &answered["status"]), (&"DEBUG".into(), &403.into()), "{answered}");
    assert_eq!(answered["outcome"], "MissingAuthenticationTokenException");
    assert!(log.iter().all(|line| line["timestamp"].is_string()));
    assert!(!state.join("audit.jsonl").exists());
}

#[test]
fn a_setting_that_cannot_be_is_refused_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("watchfire.toml");
    let no_prices = folder.path().join("prices.json");
    fs::write(&no_prices, "{}").unwrap();
    for (line, said) in [
        ("listen = \"4580\"", "`server.listen`"),
        ("listen = \"0.0.0.0:4580\"", "--allow-plain-http"),
        ("account = \"12\"", "`server.account`"),
        ("region = \"Europe\"", "`server.region`"),
        ("lateness = 9999999", "`server.lateness`: 9999999 is not from 0 to 604800 seconds"),
        ("look-every = 0", "`server.look-every`"),
        ("files-remembered = 1", "`server.files-remembered`"),
        ("retention-days = 40000", "`server.retention-days`"),
        ("tls-cert = \"a.pem\"", "`server.tls-key` is not"),
        ("tls-cert = \"a.pem\"\ntls-key = \"b.pem\"", "a.pem"),
        ("watch = [\"nowhere\"]", "`server.watch`"),
        ("otlp-endpoint = \"collector:4317\"", "`server.otlp-endpoint`"),
        ("list-urls = [\"https://lists.example.com\"]", "`server.list-urls`"),
        ("list-urls = [\"file:///etc/\"]", "`server.list-urls`"),
        ("prices = \"prices.json\"", "prices.json"),
        ("metrics = \"some\"", "line 2"),
        ("log-fromat = \"json\"", "log-fromat"),
    ] {
        fs::write(&config, format!("[server]\n{line}\n")).unwrap();
        for command in [&["config", "check"][..], &["serve", "--data", folder.path().to_str().unwrap()]] {
            let output = of(watchfire().args(command).arg("--config").arg(&config).output().unwrap());
            assert_eq!(output.status, 2, "{line}: {}", output.stderr);
            assert!(output.stderr.contains(said), "{line}: {}", output.stderr);
        }
    }
    fs::write(&config, "[server]\nwatch = [\".\"]\nlateness = 60\n").unwrap();
    let output = of(watchfire().args(["config", "check", "--config"]).arg(&config).output().unwrap());
    assert_eq!(output.status, 0, "{}", output.stderr);
    let output = of(watchfire().args(["config", "show", "--config"]).arg(&config).output().unwrap());
    assert!(output.stdout.contains("[server]") && output.stdout.contains("lateness = 60"), "{}", output.stdout);
    let nowhere = of(watchfire().arg("serve").output().unwrap());
    assert!(nowhere.stderr.contains("WATCHFIRE_DATA"), "{}", nowhere.stderr);
}

#[test]
fn requests_are_counted_and_audited() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = watchfire();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let server = Server::start(&mut command);
    server.get("/detector", "User-Agent: curious\r\n");
    server.get("/detector/0123/findings/../..%00", "Authorization: nonsense\r\n");
    let metrics = server.get("/metrics", "");
    for said in [
        "HTTP/1.1 200 OK",
        "content-type: application/openmetrics-text",
        r#"watchfire_api_requests_total{operation="",outcome="MissingAuthenticationTokenException"} 1"#,
        "# EOF",
    ] {
        assert!(metrics.contains(said), "{said} is not in {metrics}");
    }
    let log = server.end();
    assert!(log.contains("INFO started") && !log.contains("DEBUG"), "{log}");
    let file = data.join("audit.jsonl");
    let audit = lines(&fs::read_to_string(&file).unwrap());
    assert_eq!(audit.len(), 2, "health and metrics are not audited");
    assert_eq!((&audit[0]["userAgent"], &audit[0]["source"]), (&"curious".into(), &"127.0.0.1".into()));
    assert_eq!(
        (&audit[0]["outcome"], &audit[0]["status"]),
        (&"MissingAuthenticationTokenException".into(), &403.into())
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// A collector that takes one batch of spans, and tells its path and its bytes.
fn collector() -> (String, std::sync::mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut path, mut length) = (String::new(), 0);
        reader.read_line(&mut path).unwrap();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        write!(reader.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        send.send((path, body)).unwrap();
    });
    (address, receive)
}

#[test]
fn traces_go_to_the_collector_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (address, batches) = collector();
    let mut command = watchfire();
    command.args(["serve", "--listen", "127.0.0.1:0", "--otlp-endpoint", &address, "--data"]).arg(folder.path());
    let server = Server::start(&mut command);
    server.get("/detector", "");
    server.end(); // The last spans are sent at the end.
    let (path, body) = batches.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(path.starts_with("POST /v1/traces "), "{path}");
    let holds = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["service.name", "watchfire", "http.response.status_code", "MissingAuthenticationTokenException"] {
        assert!(holds(text), "no {text} in the spans");
    }
}

fn keys(data: &Path, arguments: &[&str]) -> Value {
    let output = run([&["keys"], arguments, &["--format", "json", "--data", data.to_str().unwrap()]].concat());
    assert_eq!(output.status, 0, "{}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_can_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let [data, backup, restored] = ["data", "store.backup", "restored"].map(|name| folder.path().join(name));
    let mut command = watchfire();
    command.args(["serve", "--listen", "127.0.0.1:0", "--account", ACCOUNT, "--data"]).arg(&data);
    let _server = Server::start(&mut command);
    let of_paths = |command: &str, data: &Path, file: &Path| {
        of(watchfire().arg(command).arg("--data").arg(data).arg(file).output().unwrap())
    };
    let made = of_paths("backup", &data, &backup);
    assert_eq!(made.status, 0, "{}", made.stderr);
    assert!(made.stderr.contains("secret.key"), "{}", made.stderr);
    let again = of_paths("backup", &data, &backup);
    assert_eq!(again.status, 2);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    let nothing = of_paths("backup", folder.path(), &folder.path().join("other"));
    assert!(nothing.stderr.contains("holds no store"), "{}", nothing.stderr);

    let back = of_paths("restore", &restored, &backup);
    assert_eq!(back.status, 0, "{}", back.stderr);
    assert!(back.stderr.contains("secret.key is not there"), "{}", back.stderr);
    fs::copy(data.join("secret.key"), restored.join("secret.key")).unwrap();
    assert_eq!(keys(&restored, &["list"]), keys(&data, &["list"]));
    assert_eq!(keys(&restored, &["list"])[0]["accountId"], ACCOUNT);
    let twice = of_paths("restore", &restored, &backup);
    assert_eq!(twice.status, 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn usage_is_told_with_what_amazon_would_charge() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
    let delta = |account: &str, source: &str, day: i64, events: u64| UsageDelta {
        account: account.to_owned(),
        region: "eu-west-1".to_owned(),
        source: source.to_owned(),
        resource: String::new(),
        day,
        events,
        bytes: 1 << 30,
    };
    let day = 20_000; // 2024-10-04
    let deltas = vec![
        delta(ACCOUNT, "CLOUD_TRAIL", day, 1_000_000),
        delta(ACCOUNT, "CLOUD_TRAIL", day + 1, 500_000),
        delta("444455556666", "FLOW_LOGS", day, 10),
        delta(ACCOUNT, "CLOUD_TRAIL", day + 40, 9_000_000),
    ];
    runtime.block_on(store.add_usage(deltas)).unwrap();
    let told = |extra: &[&str]| {
        let all = ["usage", "--from", "2024-10-04", "--to", "2024-11-02", "--data", folder.path().to_str().unwrap()];
        run([&all[..], extra].concat())
    };
    let usage: Value = serde_json::from_str(&told(&["--format", "json"]).stdout).unwrap();
    // 1.5 million events at 4 USD, one GiB at 1 USD.
    assert_eq!(usage["estimatedCost"], 7.0);
    assert_eq!(usage["usage"][0]["events"], 1_500_000);
    assert_eq!((&usage["from"], &usage["to"]), (&"2024-10-04".into(), &"2024-11-02".into()));
    let text = told(&["--account", ACCOUNT]).stdout;
    assert!(text.contains("1,500,000") && text.contains("6.00 USD") && !text.contains("FLOW_LOGS"), "{text}");
    let prices = folder.path().join("prices.json");
    fs::write(
        &prices,
        r#"{"date": "2026-01-01", "groups": [{"features": ["CLOUD_TRAIL"], "counts": "events", "per": 1000, "tiers": [{"price": 1}]}]}"#,
    )
    .unwrap();
    let own = told(&["--prices", prices.to_str().unwrap()]).stdout;
    assert!(own.contains("1500.00 USD") && own.contains("2026-01-01"), "{own}");
    let none = told(&["--region", "eu-north-1"]).stdout;
    assert!(none.contains("Nothing."), "{none}");
}

#[test]
fn findings_that_no_detector_can_hold_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/passwords-are-guessed/events/flows.log.gz");
    let mut flows = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(scenario).unwrap()).read_to_string(&mut flows).unwrap();
    let watched = tempfile::tempdir().unwrap();
    fs::write(watched.path().join("flows.log"), flows.replace(" 111122223333 ", " - ")).unwrap();
    let mut command = watchfire();
    command.args(["serve", "--listen", "127.0.0.1:0", "--idle", "1", "--look-every", "1", "--data"]).arg(folder.path());
    let server = Server::start(command.arg("--watch").arg(watched.path()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
    let is_judged = || runtime.block_on(store.checkpoint("engine")).unwrap().is_some();
    let has_come = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        is_judged()
    });
    assert!(has_come, "the logs were not judged in a minute");
    let metrics = server.get("/metrics", "");
    for said in ["watchfire_engine_files_total 1", "watchfire_engine_findings_written_total 0"] {
        assert!(metrics.contains(said), "{said} is not in {metrics}");
    }
    assert!(!metrics.contains("watchfire_engine_findings_without_account_total 0"), "{metrics}");
    let log = server.end();
    assert!(log.contains("findings are of logs that name no account") && log.contains("set `account`"), "{log}");
}

#[cfg(unix)]
#[test]
fn files_that_others_could_read_are_taken_from_them_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = watchfire();
        command.args(["serve", "--listen", "127.0.0.1:0", "--account", ACCOUNT, "--data"]).arg(folder.path());
        Server::start(&mut command)
    };
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let bootstrap = format!("bootstrap-key-{ACCOUNT}.json");
    let files = ["watchfire.db", "watchfire.db-wal", "watchfire.db-shm", "audit.jsonl", &bootstrap, "secret.key"];
    let first = start();
    assert!(first.get("/detector", "").contains("MissingAuthenticationTokenException"));
    assert_eq!(files.map(mode), [0o600; 6], "as they are made");
    drop(first); // Killed, so that SQLite leaves its files.
    for name in &files[..5] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o664)).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "not ours").unwrap();
    fs::set_permissions(folder.path().join("notes.txt"), fs::Permissions::from_mode(0o644)).unwrap();
    let second = start();
    assert_eq!(files.map(mode), [0o600; 6]);
    assert_eq!(mode("notes.txt"), 0o644);
    let log = second.end();
    for name in &files[..5] {
        assert!(log.contains(&format!("{name}` was open to other users of this machine (mode 664)")), "{name}: {log}");
    }
    // A backup may lie where others read it; what is restored from it is nobody else's.
    let backup = folder.path().join("backup");
    assert_eq!(run(["backup", "--data", folder.path().to_str().unwrap(), backup.to_str().unwrap()]).status, 0);
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o644)).unwrap();
    let other = folder.path().join("other");
    assert_eq!(run(["restore", "--data", other.to_str().unwrap(), backup.to_str().unwrap()]).status, 0);
    assert_eq!(mode("other/watchfire.db"), 0o600);
    // A sealing key that others may have read is no secret any more.
    fs::set_permissions(folder.path().join("secret.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let refused = run(["serve", "--listen", "127.0.0.1:0", "--data", folder.path().to_str().unwrap()]);
    assert!(refused.status == 2 && refused.stderr.contains("secret.key"), "{}", refused.stderr);
}
