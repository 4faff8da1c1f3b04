//! The console over real HTTP: who gets in, what changes and what does not, and what pages make of hostile text.
#![allow(clippy::unwrap_used, reason = "a test that cannot talk to its server should fail at once")]

use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::{Request, Response};
use watchfire_api::{AUDIT_FILE, Audit, IssuedKey, Policy, SealingKey, Service, Settings, detector_of_logs, serve};
use watchfire_store::{FindingWrite, Location, Scope, Store};

const ONE: &str = "111122223333";
const OTHER: &str = "444455556666";
const REGION: &str = "eu-west-1";

/// A server in this process.
struct Server {
    runtime: Runtime,
    service: Arc<Service>,
    store: Store,
    endpoint: String,
    _stop: oneshot::Sender<()>,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
        let audit = Audit::open(folder.path(), 1 << 20, 1).unwrap();
        let settings = Settings { audit: Some(audit), ..Settings::default() };
        let service = Service::new(store.clone(), SealingKey::open(folder.path()).unwrap(), settings);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(listener, service.clone(), None, async {
            let _ = stopped.await;
        });
        runtime.spawn(serving);
        Self { runtime, service, store, endpoint, _stop: stop, folder }
    }

    fn key(&self, account: &str, policy: Policy) -> IssuedKey {
        self.runtime.block_on(self.service.keys().create(account, policy)).unwrap()
    }

    /// The detector of an account, made as arriving logs make it.
    fn detector(&self, account: &str) -> Scope {
        let id = format!("{account:0>32}");
        let found = self.runtime.block_on(detector_of_logs(&self.store, (account, REGION), &id, 0)).unwrap();
        Scope { account: account.to_owned(), region: REGION.to_owned(), detector: found.unwrap().switches.id }
    }

    /// Findings with these titles, of which the first is the worst.
    fn findings(&self, account: &str, titles: &[String]) {
        let scope = self.detector(account);
        let write =
            |(at, title): (usize, &String)| FindingWrite { body: finding(account, at, title), suppressed_by: None };
        let writes = titles.iter().enumerate().map(write).collect();
        self.runtime.block_on(self.store.put_findings(&scope, writes)).unwrap();
    }

    fn browser(&self) -> Client<'_> {
        Client { server: self, cookie: String::new() }
    }

    fn signed_in(&self, key: &IssuedKey) -> Client<'_> {
        let mut client = self.browser();
        let answer = client.sign_in(&key.key.id, &key.secret);
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }
}

fn finding(account: &str, at: usize, title: &str) -> Value {
    let severity = 9.5 - (at % 90) as f64 / 10.0;
    json!({
        "id": format!("{at:032x}"), "accountId": account, "region": REGION, "type": "Recon:EC2/Portscan",
        "title": title, "description": title, "severity": severity,
        "createdAt": "2026-03-10T10:00:00.000Z", "updatedAt": format!("2026-03-10T10:{:02}:00.000Z", at % 60),
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": format!("i-{at:017x}")}},
        "service": {"count": 1, "archived": false, "eventFirstSeen": "2026-03-10T10:00:00.000Z",
            "eventLastSeen": "2026-03-10T10:00:00.000Z", "action": {"actionType": "NETWORK_CONNECTION"}},
        "watchfire": {"version": "0", "explanation": [title], "missing": [title], "knowledge": [],
            "evidence": {"count": 1, "last": [], "first": [{"time": "2026-03-10T10:00:00.000Z", "file": title,
                "position": 7, "sha256": "00", "raw": title}]}},
    })
}

/// What a browser does of its own accord: it keeps the cookie and says where forms come from.
struct Client<'a> {
    server: &'a Server,
    cookie: String,
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The token of the page's forms.
    fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Client<'_> {
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.server.endpoint);
        let mut request = Request::builder().method(method).uri(&url).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let answer = exchange(request.body(body.join("&")).unwrap());
        if let Some(cookie) = answer.headers.get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], &[])
    }

    fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let own = self.server.endpoint.clone();
        self.ask("POST", path, &[("origin", &own), ("sec-fetch-site", "same-origin")], form)
    }

    fn sign_in(&mut self, id: &str, secret: &str) -> Answer {
        self.post("/console/sign-in", &[("key", id), ("secret", secret), ("next", "/console/findings?state=all")])
    }

    /// The ids of the findings that a page lists, in its order.
    fn ids(&mut self, path: &str) -> Vec<String> {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{}", page.body);
        let parts = page.body.split("name=\"pick\" value=\"").skip(1);
        parts.map(|part| part.split('"').next().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    }
}

fn exchange(request: Request<String>) -> Answer {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into();
    let mut response: Response<ureq::Body> = agent.run(request).unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn titles(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("Finding number {at:04}")).collect()
}

#[test]
fn every_page_asks_who_it_is_and_a_wrong_secret_opens_none() {
    let server = Server::start();
    let key = server.key(ONE, Policy::Administrator);
    let mut client = server.browser();
    for path in
        ["/", "/console", "/console/findings", "/console/settings", "/console/lists", "/console/usage", "/console/x"]
    {
        let answer = client.get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/console/sign-in"), "{path}");
    }
    let answer = client.sign_in(&key.key.id, "wrong");
    assert_eq!((answer.status, answer.header("set-cookie")), (403, ""));
    assert!(answer.body.contains("No key of this server"));
    let unknown = client.sign_in("AKIAUNKNOWN000000000", "wrong");
    assert_eq!(unknown.status, 403, "and nothing tells which of the two was wrong");

    let answer = client.sign_in(&key.key.id, &key.secret);
    assert_eq!((answer.status, answer.header("location")), (303, "/console/findings?state=all"));
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(client.get("/console/findings").status, 200);
}

#[test]
fn every_answer_holds_the_browser_to_this_server() {
    let server = Server::start();
    let key = server.key(ONE, Policy::Administrator);
    let mut client = server.signed_in(&key);
    for path in ["/console/sign-in", "/console/findings", "/console/nothing", "/"] {
        let answer = client.get(path);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        for inline in ["<style", "onclick", " style=", "javascript:", "<script>"] {
            assert!(!answer.body.contains(inline), "{path}: {inline}");
        }
    }
    let page = client.get("/console/findings").body;
    for name in ["console.css", "console.js", "icon.svg"] {
        let path = page.split('"').find(|part| part.starts_with("/console/assets/") && part.ends_with(name)).unwrap();
        let asset = server.browser().get(path);
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("cache-control").contains("immutable"), "{path}");
    }
}

#[test]
fn guessing_is_slowed_down_and_says_for_how_long() {
    let server = Server::start();
    let key = server.key(ONE, Policy::Administrator);
    let mut client = server.browser();
    for _ in 0..10 {
        assert_eq!(client.sign_in(&key.key.id, "wrong").status, 403);
    }
    let answer = client.sign_in(&key.key.id, &key.secret);
    assert_eq!(answer.status, 429, "even with the right one");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 60);
    let other = server.key(ONE, Policy::Administrator);
    assert_eq!(client.sign_in(&other.key.id, &other.secret).status, 303, "other keys get in");
}

#[test]
fn a_change_needs_the_token_of_the_session_and_a_form_of_our_own() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    let key = server.key(ONE, Policy::Administrator);
    let mut client = server.signed_in(&key);
    let csrf = client.get("/console/findings").csrf();
    let other_csrf = server.signed_in(&key).get("/console/findings").csrf();
    let id = format!("{ONE}/{REGION}/{:032x}", 0);
    let open = |client: &mut Client<'_>| client.ids("/console/findings").len();
    for wrong in ["", "0", &other_csrf] {
        let answer = client.post("/console/findings", &[("csrf", wrong), ("action", "archive"), ("pick", &id)]);
        assert_eq!(answer.status, 403, "{wrong}");
    }
    let form = [("csrf", csrf.as_str()), ("action", "archive"), ("pick", id.as_str())];
    for headers in
        [[("sec-fetch-site", "cross-site")], [("origin", "http://evil.example")], [("sec-fetch-site", "same-site")]]
    {
        assert_eq!(client.ask("POST", "/console/findings", &headers, &form).status, 403, "{headers:?}");
    }
    for method in ["PUT", "PATCH"] {
        assert_eq!(client.ask(method, "/console/findings", &[], &form).status, 400);
    }
    assert_eq!(open(&mut client), 1, "nothing has changed it");
    assert_eq!(client.post("/console/findings", &form).status, 303);
    assert_eq!(open(&mut client), 0);
    assert_eq!(client.ids("/console/findings?state=archived").len(), 1);
    let back =
        [("csrf", csrf.as_str()), ("action", "unarchive"), ("pick", id.as_str()), ("back", "https://evil.example/")];
    let answer = client.post("/console/findings", &back);
    assert_eq!(answer.header("location"), "/console/findings", "nobody is sent elsewhere");
    let page = client.get("/console/findings");
    assert!(page.body.contains("1 finding taken out of the archive."));
    assert!(!client.get("/console/findings").body.contains("taken out"), "told once");
}

#[test]
fn a_session_ends_when_its_holder_signs_out_and_when_its_key_is_revoked() {
    let server = Server::start();
    let key = server.key(ONE, Policy::Administrator);
    let (mut one, mut two) = (server.signed_in(&key), server.signed_in(&key));
    let csrf = one.get("/console/findings").csrf();
    let kept = one.cookie.clone();
    assert_eq!(one.post("/console/sign-out", &[("csrf", &csrf)]).status, 303);
    one.cookie = kept;
    assert_eq!(one.get("/console/findings").status, 303, "the cookie that somebody copied is worth nothing");
    assert_eq!(two.get("/console/findings").status, 200);
    server.runtime.block_on(server.service.keys().revoke(&key.key.id)).unwrap();
    assert_eq!(two.get("/console/findings").status, 303);
    two.cookie = "watchfire=0000".to_owned();
    assert_eq!(two.get("/console/findings").status, 303);
}

#[test]
fn a_read_only_key_sees_its_account_and_changes_nothing() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    server.findings(OTHER, &titles(2));
    let mut client = server.signed_in(&server.key(ONE, Policy::ReadOnly));
    let page = client.get("/console/findings");
    assert!(page.body.contains("Finding number 0000") && !page.body.contains("number 0001"));
    assert!(!page.body.contains("Archive chosen") && page.body.contains("read-only"));
    let csrf = page.csrf();
    let id = format!("{ONE}/{REGION}/{:032x}", 0);
    let archive = [("csrf", csrf.as_str()), ("action", "archive"), ("pick", id.as_str())];
    let answer = client.post("/console/findings", &archive);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("its access key is read-only"), "{}", answer.body);
    let settings = [
        ("csrf", csrf.as_str()),
        ("account", ONE),
        ("region", REGION),
        ("action", "save"),
        ("shown", "S3_DATA_EVENTS"),
        ("was", "S3_DATA_EVENTS"),
    ];
    assert_eq!(client.post("/console/settings", &settings).status, 403);
    for path in [format!("/console/findings/{OTHER}/{REGION}/{:032x}", 0), format!("/console/settings?account={OTHER}")]
    {
        let answer = client.get(&path);
        assert!(!answer.body.contains("Finding number"), "{path}");
        assert!(answer.status == 404 || answer.body.contains("There is no detector here"), "{path}: {}", answer.body);
    }
}

#[test]
fn an_operator_sees_all_accounts_until_another_administers_them() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    server.findings(OTHER, &titles(2));
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    assert_eq!(client.ids("/console/findings").len(), 3);
    assert_eq!(client.ids(&format!("/console/findings?account={OTHER}")).len(), 2);
    let csrf = client.get("/console/findings").csrf();
    let id = format!("{OTHER}/{REGION}/{:032x}", 1);
    let archive = [("csrf", csrf.as_str()), ("action", "archive"), ("pick", id.as_str())];
    assert_eq!(client.post("/console/findings", &archive).status, 303);
    assert_eq!(client.ids("/console/findings").len(), 2);

    // The organization names another administrator: this account sees its own findings only.
    let organization = json!({"account": OTHER, "detector": server.detector(OTHER).detector, "autoEnable": "NONE"});
    let key = watchfire_store::Key {
        account: String::new(),
        region: REGION.to_owned(),
        kind: "organization",
        parent: String::new(),
        id: "organization".to_owned(),
    };
    let put = watchfire_store::Change::Put { key, body: organization, expect: watchfire_store::Expect::Absent };
    server.runtime.block_on(server.store.commit(vec![put])).unwrap();
    assert_eq!(client.ids("/console/findings").len(), 1);
    let answer = client.post("/console/findings", &archive);
    assert_eq!(answer.status, 404, "and changes no others'");
    let mut administrator = server.signed_in(&server.key(OTHER, Policy::Administrator));
    assert_eq!(administrator.ids("/console/findings").len(), 2);
}

#[test]
fn pages_of_the_list_stay_what_they_were_while_findings_come() {
    let server = Server::start();
    server.findings(ONE, &titles(120));
    let mut client = server.signed_in(&server.key(ONE, Policy::ReadOnly));
    let next_of = |page: &str| -> Option<String> {
        let (_, rest) = page.split_once("rel=\"next\"").map(|(before, _)| before.rsplit_once("href=\"").unwrap())?;
        Some(rest.split('"').next().unwrap().replace("&amp;", "&"))
    };
    let titles_of = |page: &str| -> Vec<String> {
        page.split("Finding number ").skip(1).map(|part| part[..4].to_owned()).collect()
    };
    for search in ["", "q=finding+number&", "resource=i-0&"] {
        let mut seen = Vec::new();
        let mut path = Some(format!("/console/findings?{search}size=25"));
        let mut pages = 0;
        while let Some(here) = path {
            let page = client.get(&here).body;
            let mut found = titles_of(&page);
            found.dedup();
            seen.extend(found);
            path = next_of(&page);
            pages += 1;
            // What is worse than all of them comes before the first, and moves nothing.
            let worse =
                FindingWrite { body: finding(ONE, 9_000 + 90 * (pages + search.len()), "New"), suppressed_by: None };
            server.runtime.block_on(server.store.put_findings(&server.detector(ONE), vec![worse])).unwrap();
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((seen.len(), count), (120, 120), "{search}");
    }
    let made_up = client.get("/console/findings?at=AAAA&n=99999999999999999999&trail=~~x");
    assert_eq!(made_up.status, 200);
}

#[test]
fn the_list_is_filtered_searched_and_sorted() {
    let server = Server::start();
    server.findings(ONE, &titles(60));
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let mut count = |query: &str| client.ids(&format!("/console/findings?size=200&{query}")).len();
    assert_eq!(count(""), 60);
    assert_eq!(count("severity=critical"), 6);
    assert_eq!(count("severity=high"), 20);
    assert_eq!(count("severity=medium%2B"), 56);
    assert_eq!(count("type=Recon%3AEC2%2FPortscan"), 60);
    assert_eq!(count("type=Recon%3AEC2%2FNothing"), 0);
    assert_eq!(count("q=NUMBER+0007"), 1);
    assert_eq!(count("q=0007+nowhere"), 0);
    assert_eq!(count(&format!("resource=i-{:017x}", 7)), 1);
    assert_eq!(count("resource=00000f"), 1);
    assert_eq!(count("state=archived"), 0);
    assert_eq!(count("within=30d"), 0, "they are from March");
    assert_eq!(count("region=us-east-1"), 0);
    let first = |client: &mut Client<'_>, query: &str| client.ids(&format!("/console/findings?{query}"))[0].clone();
    assert_eq!(first(&mut client, ""), format!("{:032x}", 0));
    assert_eq!(first(&mut client, "sort=severity&order=asc"), format!("{:032x}", 59));
    assert_eq!(first(&mut client, "sort=updated&order=asc"), format!("{:032x}", 0));
}

#[test]
fn hostile_text_is_shown_and_nothing_of_it_is_markup() {
    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>\u{202e}\u{1b}[2J{{7*7}}";
    let server = Server::start();
    server.findings(ONE, &[HOSTILE.to_owned()]);
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let query = encoded(HOSTILE);
    for path in [
        "/console/findings".to_owned(),
        format!("/console/findings/{ONE}/{REGION}/{:032x}?list={query}", 0),
        format!("/console/findings?q={query}&type={query}&account={query}&resource={query}"),
        format!("/console/sign-in?next={query}&key={query}"),
        format!("/console/lists?account={query}"),
        format!("/console/{query}"),
    ] {
        let page = client.get(&path).body;
        assert!(
            !page.contains("<img") && !page.contains("<script>") && !page.contains("alert(2)</script"),
            "{path}: {page}"
        );
    }
    let page = client.get(&format!("/console/findings/{ONE}/{REGION}/{:032x}", 0)).body;
    assert!(page.contains("&lt;img src=x") && page.contains("\\u{202e}\\u{1b}[2J"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
}

#[test]
fn settings_are_changed_and_only_what_was_changed() {
    let server = Server::start();
    server.detector(ONE);
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let here = format!("/console/settings?account={ONE}&region={REGION}");
    let is_on = |page: &str, name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"on\" value=\"{name}\"")).unwrap();
        rest.split('>').next().unwrap().contains("checked")
    };
    let page = client.get(&here);
    assert!(is_on(&page.body, "S3_DATA_EVENTS") && is_on(&page.body, "detector"));
    let csrf = page.csrf();
    let form = [
        ("csrf", csrf.as_str()),
        ("account", ONE),
        ("region", REGION),
        ("action", "save"),
        ("shown", "S3_DATA_EVENTS"),
        ("was", "S3_DATA_EVENTS"),
        ("frequency", "ONE_HOUR"),
        ("was-frequency", "SIX_HOURS"),
    ];
    assert_eq!(client.post("/console/settings", &form).status, 303);
    let page = client.get(&here).body;
    assert!(!is_on(&page, "S3_DATA_EVENTS") && is_on(&page, "detector") && is_on(&page, "EKS_AUDIT_LOGS"));
    assert!(page.contains("<option value=\"ONE_HOUR\" selected>"));
    let samples = [("csrf", csrf.as_str()), ("account", ONE), ("region", REGION), ("action", "samples")];
    assert_eq!(client.post("/console/settings", &samples).status, 303);
    assert!(!client.ids("/console/findings?q=%5BSAMPLE%5D").is_empty());
    let create = [("csrf", csrf.as_str()), ("region", "eu-central-1"), ("action", "create")];
    assert_eq!(client.post("/console/settings", &create).status, 303);
    assert!(client.get("/console/settings").body.contains("eu-central-1"));
    assert_eq!(client.post("/console/settings", &create).status, 400, "there is one already");
}

#[test]
fn who_follows_a_link_from_a_chat_finds_the_page() {
    let server = Server::start();
    let path = "/console/findings?type=Recon%3AEC2%2FPortscan";
    let mut stranger = server.browser();
    let answer = stranger.ask("GET", path, &[("sec-fetch-site", "cross-site")], &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains(&format!("0; url={path}&amp;arrived=1")), "{}", answer.body);
    let again = stranger.ask("GET", &format!("{path}&arrived=1"), &[("sec-fetch-site", "cross-site")], &[]);
    assert_eq!(again.status, 303, "once");
    assert_eq!(again.header("location"), format!("/console/sign-in?next={}", encoded_query(path)));
}

fn encoded_query(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[test]
fn who_signs_in_and_what_they_do_stands_in_the_audit_log() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    let key = server.key(ONE, Policy::Administrator);
    assert_eq!(server.browser().sign_in(&key.key.id, "wrong").status, 403);
    let mut client = server.signed_in(&key);
    let csrf = client.get("/console/findings").csrf();
    let id = format!("{ONE}/{REGION}/{:032x}", 0);
    let archive = [("csrf", csrf.as_str()), ("action", "archive"), ("pick", id.as_str())];
    assert_eq!(client.post("/console/findings", &archive).status, 303);
    let log = std::fs::read_to_string(server.folder.path().join(AUDIT_FILE)).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, &str)> =
        lines.iter().map(|line| (line["operation"].as_str().unwrap(), line["outcome"].as_str().unwrap())).collect();
    let expected = [("ConsoleSignIn", "AccessDeniedException"), ("ConsoleSignIn", "ok"), ("ArchiveFindings", "ok")];
    assert_eq!(told, expected);
    assert_eq!((&lines[2]["accessKeyId"], &lines[2]["account"]), (&json!(key.key.id), &json!(ONE)));
    assert_eq!(lines[2]["source"], "127.0.0.1");
    assert!(!log.contains("wrong") && !log.contains(&key.secret));
}

#[test]
fn the_api_is_where_it_was() {
    let server = Server::start();
    let mut client = server.browser();
    let answer = client.ask("POST", "/", &[], &[("Action", "GetCallerIdentity")]);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("MissingAuthenticationToken"), "{}", answer.body);
    assert!(client.get("/?Action=GetCallerIdentity").body.contains("MissingAuthenticationToken"));
    assert_eq!(client.get("/detector").header("x-amzn-errortype"), "MissingAuthenticationTokenException");
    assert_eq!(client.get("/consoles").header("x-amzn-errortype"), "MissingAuthenticationTokenException");
}

/// What a field of a form holds.
fn field(page: &str, name: &str) -> String {
    let text = match page.split_once(&format!(" name=\"{name}\" rows=")) {
        Some((_, rest)) => rest.split_once(">\n").unwrap().1.split("</textarea>").next().unwrap(),
        None => {
            let (_, rest) = page.split_once(&format!(" name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap()
        }
    };
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The fields of a new list, to which others can be added.
fn new_list<'a>(csrf: &'a str, place: &'a str, name: &'a str, location: &'a str) -> Vec<(&'a str, &'a str)> {
    let (kind, format) = (("kind", "threatintelset"), ("format", "TXT"));
    vec![("csrf", csrf), ("place", place), kind, format, ("name", name), ("location", location)]
}

/// The fields of a new filter that archives.
fn new_filter<'a>(csrf: &'a str, place: &'a str, name: &'a str, criteria: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("csrf", csrf),
        ("place", place),
        ("name", name),
        ("action", "ARCHIVE"),
        ("rank", "1"),
        ("findingCriteria", criteria),
        ("action-of-form", "save"),
    ]
}

const HERE: &str = "111122223333/eu-west-1";
const PORTSCAN: &str = "{\"type\": {\"eq\": [\"Recon:EC2/Portscan\"]}}";

#[test]
fn a_list_is_made_edited_and_deleted_by_the_rules_of_the_api() {
    let server = Server::start();
    server.detector(ONE);
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let page = client.get("/console/lists/new");
    let (csrf, token) = (page.csrf(), field(&page.body, "clientToken"));
    assert!(page.body.contains("250,000 each"), "the quotas are told");

    // What the API refuses is said in its words at the field, and what was written stays.
    let answer = client.post("/console/lists/new", &new_list(&csrf, HERE, "Bad \"hosts\"", "file:///etc/passwd"));
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("the parameter location has an invalid value"), "{}", answer.body);
    assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("autofocus"), "{}", answer.body);
    assert!(answer.body.contains("aria-describedby=\"h-location trouble\" aria-invalid=\"true\""), "{}", answer.body);
    assert_eq!(field(&answer.body, "name"), "Bad \"hosts\"");

    let mut form = new_list(&csrf, HERE, "Bad hosts", "s3://lists-of-one/bad.txt");
    form.push(("clientToken", &token));
    let made = client.post("/console/lists/new", &form);
    assert_eq!(made.status, 303, "{}", made.body);
    let again = client.post("/console/lists/new", &form);
    assert_eq!(again.header("location"), made.header("location"), "a form sent twice makes one list");
    let path = made.header("location").to_owned();
    let page = client.get(&path).body;
    assert!(page.contains("Bad hosts") && page.contains("s3://lists-of-one/bad.txt") && page.contains("inactive"));

    let edit = format!("{path}/edit");
    let was = [("was-name", "Bad hosts"), ("was-location", "s3://lists-of-one/bad.txt")];
    let mut form = vec![("csrf", csrf.as_str()), ("name", "Worse hosts"), ("location", "s3://lists-of-one/bad.txt")];
    form.extend(was);
    assert_eq!(client.post(&edit, &form).status, 303);
    assert!(client.get(&path).body.contains("Worse hosts"));
    form[2].1 = "nowhere";
    let answer = client.post(&edit, &form);
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("the parameter location has an invalid value"), "{}", answer.body);

    let delete = format!("{path}/delete");
    assert!(client.get(&delete).body.contains("Delete the list Worse hosts?"));
    assert_eq!(client.post(&delete, &[("csrf", &csrf)]).status, 303);
    let page = client.get("/console/lists").body;
    assert!(page.contains("The list Worse hosts is deleted.") && page.contains("There are no lists here."), "{page}");
    assert_eq!(client.post(&delete, &[("csrf", &csrf)]).status, 400, "there is none any more");
}

#[test]
fn a_filter_is_made_of_a_search_counted_edited_and_deleted() {
    let server = Server::start();
    server.findings(ONE, &titles(60));
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let page = client.get("/console/findings?severity=critical&q=number&within=30d&state=all").body;
    assert!(!page.contains("Save this search"), "nothing was found");
    let page = client.get("/console/findings?severity=critical&q=number&state=all").body;
    let link = page.split('"').find(|part| part.starts_with("/console/filters/new?from=list")).unwrap();
    let page = client.get(&link.replace("&amp;", "&"));
    let criteria: Value = serde_json::from_str(&field(&page.body, "findingCriteria")).unwrap();
    assert_eq!(criteria, json!({"severity": {"gte": 9.0, "lt": 11.0}}));
    assert!(page.body.contains("Left out: the search for a text."), "{}", page.body);
    assert!(page.body.contains("<strong>6 findings</strong> of those held fit"), "{}", page.body);
    let (csrf, token) = (page.csrf(), field(&page.body, "clientToken"));

    // Counted without being made; attributes that lists do not know are held against each finding.
    let wide = "{\"service.serviceName\": {\"neq\": [\"x\"]}, \"type\": {\"matches\": [\"Recon:*\"]}}";
    let mut form = new_filter(&csrf, HERE, "critical", wide);
    form[6] = ("action-of-form", "count");
    let page = client.post("/console/filters/new", &form);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("<strong>60 findings</strong> of those held fit"), "{}", page.body);
    assert!(client.get("/console/filters").body.contains("There are no filters here."));

    for (name, criteria, message) in [
        ("critical", "{", "The criteria are not JSON"),
        ("critical", "{}", "name no attribute"),
        ("critical", "{\"colour\": {\"eq\": [\"red\"]}}", "colour"),
        ("no good", PORTSCAN, "the parameter name has an invalid value"),
    ] {
        let answer = client.post("/console/filters/new", &new_filter(&csrf, HERE, name, criteria));
        assert_eq!(answer.status, 400, "{criteria}");
        assert!(answer.body.contains(message) && answer.body.contains("role=\"alert\""), "{criteria}: {}", answer.body);
        assert_eq!(field(&answer.body, "findingCriteria"), criteria);
    }
    let mut form = new_filter(&csrf, HERE, "critical", PORTSCAN);
    form.push(("clientToken", &token));
    assert_eq!(client.post("/console/filters/new", &form).status, 303);
    assert_eq!(client.post("/console/filters/new", &form).status, 303, "sent twice");
    let page = client.get("/console/filters").body;
    assert!(page.contains("The filter critical is made.") && page.contains("archives new findings"), "{page}");

    let path = format!("/console/filters/{HERE}/critical");
    let page = client.get(&path).body;
    assert!(page.contains("<strong>60 findings</strong>"), "{page}");
    let was = field(&page, "was-findingCriteria");
    let form = [
        ("csrf", csrf.as_str()),
        ("description", "known"),
        ("was-description", ""),
        ("action", "NOOP"),
        ("was-action", "ARCHIVE"),
        ("rank", "101"),
        ("was-rank", "1"),
        ("findingCriteria", &was),
        ("was-findingCriteria", &was),
    ];
    let answer = client.post(&path, &form);
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("the parameter rank has an invalid value"), "{}", answer.body);
    let mut form = form;
    form[5].1 = "7";
    assert_eq!(client.post(&path, &form).status, 303);
    let page = client.get("/console/filters").body;
    assert!(page.contains("does nothing by itself") && page.contains("known") && page.contains(">7<"), "{page}");

    assert!(client.get(&format!("{path}/delete")).body.contains("Delete the filter critical?"));
    assert_eq!(client.post(&format!("{path}/delete"), &[("csrf", &csrf)]).status, 303);
    assert_eq!(client.get(&path).status, 404);
}

#[test]
fn findings_like_one_are_suppressed_from_its_page() {
    let server = Server::start();
    server.findings(ONE, &titles(3));
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let page = client.get(&format!("/console/findings/{HERE}/{:032x}", 1)).body;
    let link = page.split('"').find(|part| part.starts_with("/console/filters/new?like=")).unwrap();
    let page = client.get(link);
    let criteria = field(&page.body, "findingCriteria");
    let expected = json!({"type": {"eq": ["Recon:EC2/Portscan"]},
        "resource.instanceDetails.instanceId": {"eq": [format!("i-{:017x}", 1)]}});
    assert_eq!(serde_json::from_str::<Value>(&criteria).unwrap(), expected);
    assert!(page.body.contains("<strong>1 finding</strong> of those held"), "{}", page.body);
    assert!(page.body.contains("&quot;service.action.actionType&quot;"), "what else it says is offered");
    let (csrf, name) = (page.csrf(), field(&page.body, "name"));
    assert_eq!(client.post("/console/filters/new", &new_filter(&csrf, HERE, &name, &criteria)).status, 303);
    assert!(client.get("/console/filters").body.contains("Recon-EC2-Portscan-i-00000000000000001"));
}

/// Makes an account a member of another, as an invitation that was accepted does.
fn join(server: &Server, member: &str, administrator: &Scope) {
    let key = |account: &str, kind: &'static str, parent: &str, id: &str| watchfire_store::Key {
        account: account.to_owned(),
        region: REGION.to_owned(),
        kind,
        parent: parent.to_owned(),
        id: id.to_owned(),
    };
    let holder = json!({"account": administrator.account, "detector": administrator.detector});
    let member_side = key(member, "administrator", "", "administrator");
    let put = |key, body| watchfire_store::Change::Put { key, body, expect: watchfire_store::Expect::Absent };
    server.runtime.block_on(server.store.commit(vec![put(member_side, holder)])).unwrap();
}

#[test]
fn a_member_and_a_read_only_key_are_refused_in_clear_words() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    let administrator = server.detector(OTHER);
    let mut reader = server.signed_in(&server.key(ONE, Policy::ReadOnly));
    let csrf = reader.get("/console/findings").csrf();
    for path in ["/console/lists/new", "/console/filters/new"] {
        let answer = reader.get(path);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("Your key is read-only"), "{path}: {}", answer.body);
    }
    for (path, form) in [
        ("/console/lists/new", new_list(&csrf, HERE, "mine", "s3://lists-of-one/a.txt")),
        ("/console/filters/new", new_filter(&csrf, HERE, "mine", PORTSCAN)),
    ] {
        let answer = reader.post(path, &form);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("its access key is read-only"), "{path}: {}", answer.body);
    }
    join(&server, ONE, &administrator);
    let organization = json!({"account": OTHER, "detector": administrator.detector, "autoEnable": "NONE"});
    let key = watchfire_store::Key {
        account: String::new(),
        region: REGION.to_owned(),
        kind: "organization",
        parent: String::new(),
        id: "organization".to_owned(),
    };
    let put = watchfire_store::Change::Put { key, body: organization, expect: watchfire_store::Expect::Absent };
    server.runtime.block_on(server.store.commit(vec![put])).unwrap();
    let mut member = server.signed_in(&server.key(ONE, Policy::Administrator));
    let csrf = member.get("/console/findings").csrf();
    for path in ["/console/lists/new", "/console/filters/new"] {
        let page = member.get(path).body;
        assert!(page.contains("set by the administrator of the organization"), "{path}: {page}");
    }
    for (path, form) in [
        ("/console/lists/new", new_list(&csrf, HERE, "mine", "s3://lists-of-one/a.txt")),
        ("/console/filters/new", new_filter(&csrf, HERE, "mine", PORTSCAN)),
    ] {
        let answer = member.post(path, &form);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains("the current account is a member"), "{path}: {}", answer.body);
    }
}

#[test]
fn no_form_of_any_page_is_taken_without_the_token_or_from_elsewhere() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let csrf = client.get("/console/findings").csrf();
    let made = client.post("/console/lists/new", &new_list(&csrf, HERE, "mine", "s3://lists-of-one/a.txt"));
    let list = made.header("location").to_owned();
    assert_eq!(client.post("/console/filters/new", &new_filter(&csrf, HERE, "kept", PORTSCAN)).status, 303);
    let filter = format!("/console/filters/{HERE}/kept");
    let id = list.rsplit('/').next().unwrap().to_owned();
    let pick = format!("{HERE}/{:032x}", 0);
    let finding = format!("/console/findings/{pick}");
    let all: Vec<(String, Vec<(&str, &str)>)> = vec![
        ("/console/findings".to_owned(), vec![("action", "archive"), ("pick", &pick)]),
        (finding, vec![("action", "archive")]),
        ("/console/settings".to_owned(), vec![("action", "samples"), ("account", ONE), ("region", REGION)]),
        (
            "/console/lists".to_owned(),
            vec![("action", "activate"), ("account", ONE), ("region", REGION), ("kind", "threatintelset"), ("id", &id)],
        ),
        ("/console/lists/new".to_owned(), new_list("", HERE, "theirs", "s3://lists-of-one/b.txt")),
        (format!("{list}/edit"), vec![("name", "theirs"), ("location", "s3://lists-of-one/b.txt")]),
        (format!("{list}/delete"), vec![]),
        ("/console/filters/new".to_owned(), new_filter("", HERE, "theirs", PORTSCAN)),
        (filter.clone(), vec![("findingCriteria", PORTSCAN), ("rank", "9"), ("action", "NOOP")]),
        (format!("{filter}/delete"), vec![]),
        ("/console/sign-out".to_owned(), vec![]),
    ];
    let state = |client: &mut Client<'_>| {
        let pages = ["/console/findings?state=all", "/console/lists", "/console/filters", "/console/settings"];
        pages.map(|path| client.get(path).body)
    };
    client.get("/console/findings"); // What was made is told once.
    let before = state(&mut client);
    for (path, form) in &all {
        assert_eq!(client.post(path, form).status, 403, "{path}: without a token");
        let mut form = form.clone();
        form.retain(|(name, _)| *name != "csrf");
        form.push(("csrf", &csrf));
        let elsewhere = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert_eq!(client.ask("POST", path, &elsewhere, &form).status, 403, "{path}: from elsewhere");
        // With the token in the address, and as a page that is only looked at.
        let query = format!("{path}?csrf={csrf}&action=archive");
        assert!(client.ask("GET", &query, &[], &[]).status < 500, "{path}");
        assert_eq!(
            client.post(&query, &form[..form.len() - 1]).status,
            403,
            "{path}: the token is no part of an address"
        );
    }
    assert_eq!(state(&mut client), before, "nothing has changed anything");
}

#[test]
fn altered_ids_lead_to_nothing_of_others() {
    let server = Server::start();
    server.findings(ONE, &titles(1));
    server.findings(OTHER, &titles(2));
    let mut other = server.signed_in(&server.key(OTHER, Policy::Administrator));
    let csrf = other.get("/console/findings").csrf();
    let theirs = format!("{OTHER}/{REGION}");
    let made = other.post("/console/lists/new", &new_list(&csrf, &theirs, "secret-list", "s3://lists-of-other/a.txt"));
    let list = made.header("location").to_owned();
    assert_eq!(other.post("/console/filters/new", &new_filter(&csrf, &theirs, "secret-filter", PORTSCAN)).status, 303);
    // The organization has an administrator, who is neither of the two.
    let organization = json!({"account": "777788889999", "detector": "d", "autoEnable": "NONE"});
    let key = watchfire_store::Key {
        account: String::new(),
        region: REGION.to_owned(),
        kind: "organization",
        parent: String::new(),
        id: "organization".to_owned(),
    };
    let put = watchfire_store::Change::Put { key, body: organization, expect: watchfire_store::Expect::Absent };
    server.runtime.block_on(server.store.commit(vec![put])).unwrap();
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let csrf = client.get("/console/findings").csrf();
    let id = list.rsplit('/').next().unwrap().to_owned();
    let filter = format!("/console/filters/{theirs}/secret-filter");
    for path in [
        list.clone(),
        format!("{list}/edit"),
        format!("{list}/delete"),
        format!("/console/lists/{HERE}/threatintelset/{id}"),
        format!("/console/lists/{HERE}/ipset/{id}"),
        filter.clone(),
        format!("{filter}/delete"),
        format!("/console/filters/{HERE}/secret-filter"),
        format!("/console/filters/new?like={theirs}/{:032x}", 1),
        format!("/console/findings/{theirs}/{:032x}", 1),
        format!("/console/findings/{theirs}/{:032x}/json", 1),
        format!("/console/findings/{HERE}/{:032x}", 1),
    ] {
        let answer = client.get(&path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(!answer.body.contains("secret-list") && !answer.body.contains("number 0001"), "{path}");
    }
    let named =
        [("csrf", csrf.as_str()), ("account", OTHER), ("region", REGION), ("kind", "threatintelset"), ("id", &id)];
    let on = [&named[..], &[("action", "activate")]].concat();
    for (path, form) in [
        ("/console/lists".to_owned(), on),
        (format!("{list}/edit"), named.to_vec()),
        (format!("{list}/delete"), named.to_vec()),
        (filter.clone(), new_filter(&csrf, &theirs, "mine", PORTSCAN)),
        (format!("{filter}/delete"), named.to_vec()),
        ("/console/lists/new".to_owned(), new_list(&csrf, &theirs, "mine", "s3://lists-of-one/a.txt")),
        ("/console/filters/new".to_owned(), new_filter(&csrf, &theirs, "mine", PORTSCAN)),
    ] {
        let answer = client.post(&path, &form);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
    }
    let search = client.get(&format!("/console/findings?account={OTHER}&state=all&q=0001")).body;
    assert!(!search.contains("number 0001"), "{search}");
    assert_eq!(other.get(&list).status, 200);
    assert_eq!(other.get(&filter).status, 200);
}

#[test]
fn hostile_names_of_lists_and_filters_are_shown_and_kept_as_they_are() {
    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'</textarea><script>alert(2)</script>\u{202e}\u{1b}[2J";
    let server = Server::start();
    server.findings(ONE, &[HOSTILE.to_owned()]);
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let csrf = client.get("/console/findings").csrf();
    // No list's name may have control characters.
    let refused = client.post("/console/lists/new", &new_list(&csrf, HERE, HOSTILE, "s3://lists-of-one/a.txt"));
    assert_eq!(refused.status, 400);
    assert!(!refused.body.contains("<img") && !refused.body.contains("<script>"), "{}", refused.body);
    let name = HOSTILE.replace('\u{1b}', "");
    let made = client.post("/console/lists/new", &new_list(&csrf, HERE, &name, "s3://lists-of-one/a.txt"));
    assert_eq!(made.status, 303, "{}", made.body);
    let list = made.header("location").to_owned();
    let criteria =
        json!({"resource.instanceDetails.tags.value": {"eq": [HOSTILE]}, "type": {"neq": [HOSTILE]}}).to_string();
    let mut form = new_filter(&csrf, HERE, "hostile", &criteria);
    form.push(("description", HOSTILE));
    assert_eq!(client.post("/console/filters/new", &form).status, 303);
    let filter = format!("/console/filters/{HERE}/hostile");
    let query = encoded(HOSTILE);
    for path in [
        "/console/lists".to_owned(),
        list.clone(),
        format!("{list}/edit"),
        format!("{list}/delete"),
        "/console/filters".to_owned(),
        filter.clone(),
        format!("{filter}/delete"),
        format!("/console/filters/new?like={HERE}/{:032x}", 0),
        format!("/console/filters/new?from=list&type={query}&account={query}&place={query}"),
        format!("/console/lists/new?place={query}"),
    ] {
        let page = client.get(&path);
        assert_eq!(page.status, 200, "{path}");
        for obeyed in ["<img", "<script>", "\u{202e}", "\u{1b}"] {
            assert!(!page.body.contains(obeyed), "{path}: {obeyed:?}: {}", page.body);
        }
        let count = |tag: &str| page.body.matches(tag).count();
        assert_eq!(count("<textarea"), count("</textarea"), "{path}: {}", page.body);
    }
    // A form that is sent as it was shown changes nothing, and the criteria read back as they were.
    let page = client.get(&filter).body;
    let shown = field(&page, "findingCriteria");
    let kept: Value = serde_json::from_str(&criteria).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), kept);
    let page = client.get(&format!("{list}/edit")).body;
    let (name, was) = (field(&page, "name"), field(&page, "was-name"));
    let form = [
        ("csrf", csrf.as_str()),
        ("name", &name),
        ("was-name", &was),
        ("location", "s3://lists-of-one/a.txt"),
        ("was-location", "s3://lists-of-one/a.txt"),
    ];
    assert_eq!(client.post(&format!("{list}/edit"), &form).status, 303);
    assert!(client.get(&list).body.contains("Nothing was changed."));
    // What a browser calls itself stands in the audit log, on one line.
    let agent = [("user-agent", "<b>\"x"), ("sec-fetch-site", "same-origin")];
    client.ask("POST", &format!("{filter}/delete"), &agent, &[("csrf", &csrf)]);
    let log = std::fs::read_to_string(server.folder.path().join(AUDIT_FILE)).unwrap();
    let told: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let operations: Vec<&str> = told.iter().filter_map(|line| line["operation"].as_str()).collect();
    for operation in ["CreateThreatIntelSet", "CreateFilter", "DeleteFilter"] {
        assert!(operations.contains(&operation), "{operations:?}");
    }
    assert_eq!(told.last().unwrap()["userAgent"], "<b>\"x");
}

#[test]
fn signing_in_gives_a_new_session_and_no_other_site_opens_one() {
    let server = Server::start();
    let key = server.key(ONE, Policy::Administrator);
    // An id that somebody else has chosen, or has, is not taken over.
    let mut planted = server.browser();
    planted.cookie = format!("watchfire={}", "0".repeat(64));
    assert_eq!(planted.sign_in(&key.key.id, &key.secret).status, 303);
    assert_ne!(planted.cookie, format!("watchfire={}", "0".repeat(64)));
    let old = planted.cookie.clone();
    assert_eq!(planted.sign_in(&key.key.id, &key.secret).status, 303);
    assert_ne!(planted.cookie, old);
    let mut thief = server.browser();
    thief.cookie = old;
    assert_eq!(thief.get("/console/findings").status, 303, "and the one before is over");

    // A form of another site signs nobody in, as themselves or as somebody else.
    let form = [("key", key.key.id.as_str()), ("secret", key.secret.as_str())];
    for headers in [
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        [("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
        [("accept", "*/*"), ("origin", "null")],
        [("accept", "*/*"), ("origin", "http://evil.example")],
    ] {
        let answer = server.browser().ask("POST", "/console/sign-in", &headers, &form);
        assert_eq!((answer.status, answer.header("set-cookie")), (403, ""), "{headers:?}");
    }
    for next in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "/console/\r\nset-cookie: a=b", "/detector"]
    {
        let mut client = server.browser();
        let form = [form[0], form[1], ("next", next)];
        let answer = client.post("/console/sign-in", &form);
        assert_eq!(answer.header("location"), "/console/findings", "{next}");
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1, "{next}");
    }
    // The cookie is this host's alone, so that another name for this address has no session. Behind TLS it is bound to it.
    let answer = server.browser().sign_in(&key.key.id, &key.secret);
    assert!(!answer.header("set-cookie").to_lowercase().contains("domain"), "{}", answer.header("set-cookie"));
    let proxied = [("sec-fetch-site", "same-origin"), ("origin", "https://watchfire.example")];
    let answer = server.browser().ask("POST", "/console/sign-in", &proxied, &form);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-watchfire=") && cookie.ends_with("Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
    let rebound = [("host", "evil.example:4580"), ("sec-fetch-site", "same-origin")];
    assert_eq!(server.browser().ask("GET", "/console/findings", &rebound, &[]).status, 303);
}

#[test]
fn a_session_ends_with_its_key_however_that_ends() {
    let server = Server::start();
    for how in ["rotated", "rotated with an overlap that is over", "revoked"] {
        let key = server.key(ONE, Policy::Administrator);
        let mut client = server.signed_in(&key);
        let csrf = client.get("/console/settings").csrf();
        server.runtime.block_on(async {
            let keys = server.service.keys();
            match how {
                "rotated" => drop(keys.rotate(&key.key.id, None).await.unwrap()),
                "revoked" => keys.revoke(&key.key.id).await.unwrap(),
                _ => drop(keys.rotate(&key.key.id, Some(1)).await.unwrap()),
            }
        });
        let create = [("csrf", csrf.as_str()), ("region", "eu-central-1"), ("action", "create")];
        assert_eq!(client.post("/console/settings", &create).header("location"), "/console/sign-in", "{how}");
        assert_eq!(client.get("/console/findings").status, 303, "{how}");
    }
    let mut client = server.signed_in(&server.key(ONE, Policy::ReadOnly));
    assert!(!client.get("/console/settings").body.contains("eu-central-1</td>"), "nothing was made");
}

#[test]
fn what_is_too_large_and_what_is_odd_is_refused_and_harms_nobody() {
    let server = Server::start();
    let key = server.key(ONE, Policy::Administrator);
    let mut client = server.signed_in(&key);
    let csrf = client.get("/console/findings").csrf();
    let large = "a".repeat(400_000);
    let answer = client.post("/console/findings", &[("csrf", &csrf), ("a", &large), ("b", &large), ("c", &large)]);
    assert_eq!(answer.status, 413, "{}", answer.body.len());
    assert!(answer.header("content-type").starts_with("text/html") && answer.header("x-frame-options") == "DENY");
    let many: Vec<(&str, &str)> =
        std::iter::repeat_n(("pick", "a/b/c"), 20_000).chain([("csrf", csrf.as_str())]).collect();
    let answer = client.post("/console/findings", &[&many[..], &[("action", "archive")]].concat());
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("more findings than a page shows"), "{}", answer.body);
    let long = "a".repeat(65);
    for region in ["", "../x", "eu/west", "<b>", "eu west 1", &long] {
        let create = [("csrf", csrf.as_str()), ("region", region), ("action", "create")];
        let answer = client.post("/console/settings", &create);
        assert_eq!(answer.status, 400, "{region}");
        assert!(answer.body.contains("the parameter region has an invalid value"), "{}", answer.body);
    }
    let mut cookies = server.browser();
    cookies.cookie = format!("watchfire={}", "0".repeat(50_000));
    assert_eq!(cookies.get("/console/findings").status, 303);
    cookies.cookie = (0..5_000).map(|at| format!("a{at}=b")).collect::<Vec<_>>().join("; ");
    assert_eq!(cookies.get("/console/findings").status, 303);
    // The API's paths are not the console's, and the other way round.
    for (path, is_console) in [
        ("/console/../detector", true),
        ("/console/findings/../../detector", true),
        ("/console/%2e%2e/detector", true),
        ("/console//detector", true),
        ("//console/findings", false),
        ("/CONSOLE/findings", false),
        ("/console%2ffindings", false),
        ("/detector/console", false),
    ] {
        let mut stream = std::net::TcpStream::connect(server.endpoint.trim_start_matches("http://")).unwrap();
        use std::io::{Read as _, Write as _};
        let cookie = &client.cookie;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap();
        assert_eq!(status, if is_console { "404" } else { "403" }, "{path}: {answer}");
        assert_eq!(answer.contains("x-amzn-errortype"), !is_console, "{path}: {answer}");
    }
}

#[test]
fn an_exact_name_is_found_by_its_index_and_any_text_by_a_search_that_says_how_far_it_came() {
    let server = Server::start();
    server.findings(ONE, &titles(60));
    let mut client = server.signed_in(&server.key(ONE, Policy::Administrator));
    let named = format!("/console/findings?q=i-{:017x}", 7);
    let page = client.get(&named);
    assert!(
        page.body.contains("exactly this id, address or name") && page.body.contains("number 0007"),
        "{}",
        page.body
    );
    assert_eq!(client.ids(&format!("{named}&severity=low")).len(), 0, "the other filters hold");
    assert_eq!(client.ids(&format!("{named}&whole=1")).len(), 1);
    let id = format!("/console/findings?q={:032x}", 9);
    assert!(client.get(&id).body.contains("number 0009"));
    let page = client.get("/console/findings?q=number&sort=updated");
    assert!(!page.body.contains("exactly this") && page.body.contains("50 findings on this page"), "{}", page.body);
}
