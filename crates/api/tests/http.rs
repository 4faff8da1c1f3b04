//! The API over real HTTP, called by a client that signs with AWS's own signing library.
#![allow(clippy::unwrap_used, reason = "a test that cannot talk to its server should fail at once")]

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use ureq::http::Request;
use watchfire_api::{IssuedKey, Policy, SealingKey, Service, Settings, serve};
use watchfire_export::conformance::ServiceModel;
use watchfire_store::{Location, Store};

const ONE: &str = "111122223333";
const OTHER: &str = "444455556666";
const REGION: &str = "eu-west-1";

/// A server in this process.
struct Server {
    runtime: Runtime,
    service: Arc<Service>,
    endpoint: String,
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

/// Who calls, and where.
#[derive(Clone)]
struct Client {
    endpoint: String,
    id: String,
    secret: String,
    region: String,
    service: &'static str,
    time: SystemTime,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    error: String,
    body: Value,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
        let service = Service::new(store, SealingKey::open(folder.path()).unwrap(), Settings::default());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(listener, service.clone(), None, async {
            let _ = stopped.await;
        });
        runtime.spawn(serving);
        Self { runtime, service, endpoint, _stop: stop, _folder: folder }
    }

    fn key(&self, account: &str, policy: Policy) -> IssuedKey {
        self.runtime.block_on(self.service.keys().create(account, policy)).unwrap()
    }

    fn client(&self, account: &str) -> Client {
        self.client_of(&self.key(account, Policy::Administrator))
    }

    fn client_of(&self, key: &IssuedKey) -> Client {
        Client {
            endpoint: self.endpoint.clone(),
            id: key.key.id.clone(),
            secret: key.secret.clone(),
            region: REGION.to_owned(),
            service: "guardduty",
            time: now(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a client signs with its clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

impl Client {
    /// Calls, and holds what succeeds against the shape of the service model.
    fn call(&self, shape: &str, method: &str, path: &str, body: Value) -> Value {
        let answer = self.try_call(method, path, body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        if !shape.is_empty() {
            let violations = ServiceModel::committed().unwrap().check(shape, &answer.body);
            // An untagged resource has empty tags, although the model wants one at least.
            let violations: Vec<_> = violations.iter().filter(|one| one.path != "$.tags").collect();
            assert!(violations.is_empty(), "{method} {path}: {violations:?}");
        }
        answer.body
    }

    /// Calls, and expects this exception with this message.
    fn refused(&self, method: &str, path: &str, body: Value, error: &str, message: &str) {
        let answer = self.try_call(method, path, body);
        assert_eq!(answer.error, error, "{method} {path}: {answer:?}");
        assert!(answer.body["message"].as_str().unwrap().contains(message), "{method} {path}: {answer:?}");
    }

    fn try_call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, path, &body, SignatureLocation::Headers)
    }

    fn send(&self, method: &str, path: &str, body: &[u8], place: SignatureLocation) -> Answer {
        let url = format!("{}{path}", self.endpoint);
        let identity = Credentials::new(&self.id, &self.secret, None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = place;
        settings.expires_in = Some(Duration::from_secs(60)).filter(|_| place == SignatureLocation::QueryParams);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let signable = SignableRequest::new(method, &url, std::iter::empty(), SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::builder().method(method).uri(&url).body(body.to_vec()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        exchange(request)
    }
}

fn exchange(request: Request<Vec<u8>>) -> Answer {
    let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
    let mut answer = config.build().new_agent().run(request).unwrap();
    let error = answer.headers().get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
    assert!(answer.headers().contains_key("date"), "SDKs correct their clocks by it");
    let text = answer.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status: answer.status().as_u16(), error: error.unwrap_or_default(), body }
}

/// A detector of the client's account.
fn detector(client: &Client) -> String {
    let created = client.call("CreateDetectorResponse", "POST", "/detector", json!({"enable": true}));
    created["detectorId"].as_str().unwrap().to_owned()
}

#[test]
fn only_a_right_signature_is_answered() {
    let server = Server::start();
    let client = server.client(ONE);
    client.call("ListDetectorsResponse", "GET", "/detector", Value::Null);
    let unsigned = Request::builder().uri(format!("{}/detector", server.endpoint)).body(Vec::new()).unwrap();
    let answer = exchange(unsigned);
    assert_eq!((answer.status, answer.error.as_str()), (403, "MissingAuthenticationTokenException"));
    let odd = Request::builder().uri(format!("{}/detector", server.endpoint)).header("authorization", "Bearer x");
    assert_eq!(exchange(odd.body(Vec::new()).unwrap()).error, "IncompleteSignatureException");

    let check = |client: Client, error: &str, message: &str| {
        client.refused("GET", "/detector", Value::Null, error, message);
    };
    let unknown = "The security token included in the request is invalid.";
    check(Client { id: "AKIAUNKNOWNUNKNOWN00".into(), ..client.clone() }, "UnrecognizedClientException", unknown);
    let wrong = "The request signature we calculated does not match";
    check(Client { secret: "x".repeat(40), ..client.clone() }, "InvalidSignatureException", wrong);
    check(Client { service: "s3", ..client.clone() }, "InvalidSignatureException", "scoped to correct service");
    let old = client.time - Duration::from_secs(301);
    check(Client { time: old, ..client.clone() }, "InvalidSignatureException", "Signature expired: ");
    let new = client.time + Duration::from_secs(400);
    check(Client { time: new, ..client.clone() }, "InvalidSignatureException", "Signature not yet current: ");
    let within = client.time - Duration::from_secs(290);
    Client { time: within, ..client }.call("ListDetectorsResponse", "GET", "/detector", Value::Null);
}

#[test]
fn a_presigned_request_is_answered_until_it_expires() {
    let server = Server::start();
    let client = server.client(ONE);
    let get = |client: &Client, path| client.send("GET", path, b"", SignatureLocation::QueryParams);
    assert_eq!(get(&client, "/detector?maxResults=5").status, 200);
    let old = Client { time: client.time - Duration::from_secs(61), ..client.clone() };
    assert_eq!(get(&old, "/detector").error, "InvalidSignatureException");
    let wrong = Client { secret: "x".repeat(40), ..client };
    assert_eq!(get(&wrong, "/detector").error, "InvalidSignatureException");
}

#[test]
fn a_revoked_key_is_refused_with_the_next_request() {
    let server = Server::start();
    let client = server.client(ONE);
    client.call("", "GET", "/detector", Value::Null);
    server.runtime.block_on(server.service.keys().revoke(&client.id)).unwrap();
    client.refused("GET", "/detector", Value::Null, "UnrecognizedClientException", "token");
}

#[test]
fn a_read_only_key_changes_nothing() {
    let server = Server::start();
    let client = server.client_of(&server.key(ONE, Policy::ReadOnly));
    client.call("", "GET", "/detector", Value::Null);
    let message = "is not authorized to perform: guardduty:CreateDetector";
    client.refused("POST", "/detector", json!({"enable": true}), "AccessDeniedException", message);
}

#[test]
fn a_whole_finding_is_told_to_its_account_alone() {
    let server = Server::start();
    let (client, other) = (server.client(ONE), server.client(OTHER));
    let detector = detector(&client);
    let types = json!({"findingTypes": ["Recon:EC2/Portscan"]});
    client.call("", "POST", &format!("/detector/{detector}/findings/create"), types);
    let listed = client.call("", "POST", &format!("/detector/{detector}/findings"), json!({}));
    let path = format!("/watchfire/findings/{}", listed["findingIds"][0].as_str().unwrap());
    let reader = server.client_of(&server.key(ONE, Policy::ReadOnly));
    let whole = reader.call("", "GET", &path, Value::Null);
    assert_eq!((&whole["finding"]["type"], &whole["history"]["count"]), (&json!("Recon:EC2/Portscan"), &json!(0)));
    other.refused("GET", &path, Value::Null, "ResourceNotFoundException", "no finding");
    client.refused("POST", &path, json!({}), "UnknownOperationException", "nothing at POST");
    let unsigned = Request::builder().uri(format!("{}{path}", server.endpoint)).body(Vec::new()).unwrap();
    assert_eq!(exchange(unsigned).error, "MissingAuthenticationTokenException");
}

#[test]
fn sts_says_who_asks() {
    let server = Server::start();
    let client = Client { service: "sts", ..server.client(ONE) };
    let ask = |body: &str| client.send("POST", "/", body.as_bytes(), SignatureLocation::Headers);
    let answer = ask("Action=GetCallerIdentity&Version=2011-06-15");
    assert!(answer.body.as_str().unwrap().contains("<Account>111122223333</Account>"), "{answer:?}");
    assert_eq!(ask("Action=AssumeRole").status, 400);
}

#[test]
fn accounts_and_regions_are_apart() {
    let server = Server::start();
    let here = server.client(ONE);
    let there = Client { region: "us-east-1".into(), ..here.clone() };
    let other = server.client(OTHER);
    let id = detector(&here);
    let mine = here.call("ListDetectorsResponse", "GET", "/detector", Value::Null);
    assert_eq!(mine, json!({"detectorIds": [id]}));
    for client in [&there, &other] {
        let none = client.call("ListDetectorsResponse", "GET", "/detector", Value::Null);
        assert_eq!(none, json!({"detectorIds": []}));
        let message = "The request is rejected because the input detectorId is not owned by the current account.";
        client.refused("GET", &format!("/detector/{id}"), Value::Null, "BadRequestException", message);
    }
}

#[test]
fn an_account_has_one_detector_however_many_ask_at_once() {
    let server = Server::start();
    let client = server.client(ONE);
    let create = |_| {
        let client = client.clone();
        std::thread::spawn(move || client.try_call("POST", "/detector", json!({"enable": true})))
    };
    let asked: Vec<_> = (0..16).map(create).collect();
    let answers: Vec<Answer> = asked.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 400), "{answers:?}");
}

#[test]
fn of_what_there_may_be_six_there_are_six_however_many_ask_at_once() {
    let server = Server::start();
    let client = server.client(ONE);
    let path = format!("/detector/{}", detector(&client));
    let key = "arn:aws:kms:us-east-1:111122223333:key/1";
    let properties = json!({"destinationArn": "arn:aws:s3:::my-bucket", "kmsKeyArn": key});
    let rules = client.call("ListCustomDetectionRulesResponse", "POST", "/custom-detection-rule/rule", json!({}));
    for (path, body, most) in [
        (
            format!("{path}/threatintelset"),
            json!({"name": "a", "format": "TXT", "location": "s3://my-bucket/a", "activate": false}),
            6,
        ),
        (
            format!("{path}/publishingDestination"),
            json!({"destinationType": "S3", "destinationProperties": properties}),
            1,
        ),
        (
            "/custom-detection-rule/association".to_owned(),
            json!({"ruleId": rules["rules"][0]["ruleId"], "mode": "LIVE"}),
            1,
        ),
    ] {
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..16).map(|_| scope.spawn(|| client.try_call("POST", &path, body.clone()))).collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), most, "{path}: {answers:?}");
        assert!(answers.iter().all(|answer| [200, 400, 409].contains(&answer.status)), "{path}: {answers:?}");
    }
}

#[test]
fn a_sample_asked_for_by_many_at_once_counts_each() {
    let server = Server::start();
    let client = server.client(ONE);
    let path = format!("/detector/{}/findings", detector(&client));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let types = json!({"findingTypes": ["Recon:EC2/Portscan"]});
                client.call("CreateSampleFindingsResponse", "POST", &format!("{path}/create"), types);
            });
        }
    });
    let ids = client.call("ListFindingsResponse", "POST", &path, json!({}))["findingIds"].take();
    let read = client.call("GetFindingsResponse", "POST", &format!("{path}/get"), json!({"findingIds": ids}));
    assert_eq!(read["findings"][0]["service"]["count"], 16);
}

#[test]
fn sixty_four_clients_at_once_lose_nothing_and_see_no_error() {
    let server = Server::start();
    let client = server.client(ONE);
    let detector = detector(&client);
    let path = format!("/detector/{detector}/filter");
    std::thread::scope(|scope| {
        for number in 0..64 {
            let (client, path) = (client.clone(), path.clone());
            scope.spawn(move || {
                let criteria = json!({"criterion": {"severity": {"gte": 4}}});
                let filter = json!({"name": format!("filter-{number}"), "findingCriteria": criteria, "rank": 1});
                client.call("CreateFilterResponse", "POST", &path, filter);
            });
        }
    });
    let mut names = Vec::new();
    let mut more = String::new();
    loop {
        let page = client.call("ListFiltersResponse", "GET", &format!("{path}?maxResults=50{more}"), Value::Null);
        names.extend(page["filterNames"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
        match page["nextToken"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => more = format!("&nextToken={token}"),
            None => break,
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 64);
}

#[test]
fn a_repeated_request_gets_the_first_answer() {
    let server = Server::start();
    let client = server.client(ONE);
    let create = json!({"enable": true, "clientToken": "once"});
    let first = client.call("CreateDetectorResponse", "POST", "/detector", create.clone());
    let again = client.call("CreateDetectorResponse", "POST", "/detector", create.clone());
    assert_eq!(first, again);
    let other = json!({"enable": false, "clientToken": "once"});
    client.refused("POST", "/detector", other, "BadRequestException", "used with other parameters");
    let path = format!("/detector/{}", first["detectorId"].as_str().unwrap());
    client.call("DeleteDetectorResponse", "DELETE", &path, Value::Null);
    let new = client.call("CreateDetectorResponse", "POST", "/detector", create);
    assert_ne!(first, new, "a detector that is gone is no answer");
}

#[test]
fn settings_change_by_name_and_both_views_show_them() {
    let server = Server::start();
    let client = server.client(ONE);
    let path = format!("/detector/{}", detector(&client));
    let get = || client.call("GetDetectorResponse", "GET", &path, Value::Null);
    let feature = |detector: &Value, name: &str| {
        let features = detector["features"].as_array().unwrap();
        features.iter().find(|feature| feature["name"] == name).unwrap().clone()
    };
    let before = get();
    assert_eq!(feature(&before, "RUNTIME_MONITORING")["status"], "DISABLED");
    assert!(feature(&before, "CLOUD_TRAIL")["updatedAt"].is_number(), "a timestamp is a number");
    assert!(before["createdAt"].is_string(), "and what is text in the model is text");
    let off = json!({"features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]});
    client.call("UpdateDetectorResponse", "POST", &path, off);
    let after = get();
    assert_eq!(after["dataSources"]["s3Logs"]["status"], "DISABLED");
    assert_eq!(feature(&after, "EKS_AUDIT_LOGS"), feature(&before, "EKS_AUDIT_LOGS"));
}

#[test]
fn tags_are_set_by_an_arn_in_the_path_and_shown_by_get() {
    let server = Server::start();
    let client = server.client(ONE);
    let id = detector(&client);
    let arn = format!("arn%3Aaws%3Aguardduty%3A{REGION}%3A{ONE}%3Adetector%2F{id}");
    let path = format!("/tags/{arn}");
    let tag = client.try_call("POST", &path, json!({"tags": {"team": "blue", "Cost Center": "7"}}));
    assert_eq!((tag.status, &tag.body), (204, &json!("")));
    let untag = client.try_call("DELETE", &format!("{path}?tagKeys=team&tagKeys=Cost%20Center"), Value::Null);
    assert_eq!(untag.status, 204);
    client.call("", "POST", &path, json!({"tags": {"a": "b"}}));
    let shown = client.call("GetDetectorResponse", "GET", &format!("/detector/{id}"), Value::Null);
    assert_eq!(shown["tags"], json!({"a": "b"}));
    let listed = client.call("ListTagsForResourceResponse", "GET", &path, Value::Null);
    assert_eq!(listed, json!({"tags": {"a": "b"}}));
    let reserved = json!({"tags": {"aws:x": "y"}});
    client.refused("POST", &path, reserved, "BadRequestException", "the parameter tags has an invalid value");
}

#[test]
fn pages_hold_while_things_come_and_go() {
    let server = Server::start();
    let client = server.client(ONE);
    let path = format!("/detector/{}/member", detector(&client));
    let create = |accounts: &[&str]| {
        let details: Vec<Value> =
            accounts.iter().map(|account| json!({"accountId": account, "email": "a@example.com"})).collect();
        client.call("CreateMembersResponse", "POST", &path, json!({"accountDetails": details}));
    };
    let page = |token: &str| {
        let query = format!("{path}?onlyAssociated=false&maxResults=2&nextToken={token}");
        let page = client.call("ListMembersResponse", "GET", &query, Value::Null);
        let accounts = page["members"].as_array().unwrap().iter();
        let accounts: Vec<String> = accounts.map(|one| one["accountId"].as_str().unwrap().to_owned()).collect();
        (accounts, page["nextToken"].as_str().unwrap_or_default().to_owned())
    };
    create(&["200000000001", "200000000003", "200000000005", "200000000007"]);
    let (first, token) = page("");
    create(&["200000000000", "200000000004"]);
    let (second, token) = page(&token);
    let (third, last) = page(&token);
    assert_eq!(first, ["200000000001", "200000000003"]);
    assert_eq!(second, ["200000000004", "200000000005"]);
    assert_eq!((third, last.as_str()), (vec!["200000000007".to_owned()], ""), "the last page has no token");
    let made_up = format!("{path}?onlyAssociated=false&nextToken=AAAA");
    client.refused("GET", &made_up, Value::Null, "BadRequestException", "the parameter nextToken");
    let of_another_question = format!("{path}?onlyAssociated=true&nextToken={token}");
    client.refused("GET", &of_another_question, Value::Null, "BadRequestException", "the parameter nextToken");
}

#[test]
fn an_invitation_makes_a_member_and_either_side_can_end_it() {
    let server = Server::start();
    let (boss, member) = (server.client(ONE), server.client(OTHER));
    let (boss_path, member_path) =
        (format!("/detector/{}", detector(&boss)), format!("/detector/{}", detector(&member)));
    let ids = json!({"accountIds": [OTHER]});
    let status = || {
        let path = format!("{boss_path}/member/get");
        let members = boss.call("GetMembersResponse", "POST", &path, ids.clone());
        members["members"][0]["relationshipStatus"].as_str().unwrap_or("none").to_owned()
    };
    let administrator = || {
        let path = format!("{member_path}/administrator");
        member.call("", "GET", &path, Value::Null)
    };
    let boss_does = |what: &str| {
        let answer = boss.call("", "POST", &format!("{boss_path}/member/{what}"), ids.clone());
        answer["unprocessedAccounts"].as_array().unwrap().len()
    };
    let details = json!({"accountDetails": [{"accountId": OTHER, "email": "a@example.com"}]});
    boss.call("CreateMembersResponse", "POST", &format!("{boss_path}/member"), details.clone());
    let again = boss.call("CreateMembersResponse", "POST", &format!("{boss_path}/member"), details);
    assert_eq!(again["unprocessedAccounts"][0]["accountId"], OTHER, "a second time it is set aside");
    assert_eq!(status(), "Created");
    assert_eq!(boss_does("invite"), 0);
    assert_eq!((status().as_str(), administrator()), ("Invited", json!({})));
    let message = "cannot delete detector while it has invited or associated members";
    boss.refused("DELETE", &boss_path, Value::Null, "BadRequestException", message);

    let invitations = member.call("ListInvitationsResponse", "GET", "/invitation", Value::Null);
    let invitation = invitations["invitations"][0]["invitationId"].clone();
    let accept = json!({"administratorId": ONE, "invitationId": invitation});
    let accept_path = format!("{member_path}/administrator");
    member.call("", "POST", &accept_path, accept.clone());
    member.refused("POST", &accept_path, accept, "BadRequestException", "is a member already");
    assert_eq!(status(), "Enabled");
    assert_eq!(administrator()["administrator"]["accountId"], ONE);
    let count = member.call("GetInvitationsCountResponse", "GET", "/invitation/count", Value::Null);
    assert_eq!(count, json!({"invitationsCount": 0}), "the accepted one is not counted");

    let off = json!({"accountIds": [OTHER], "features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]});
    boss.call("", "POST", &format!("{boss_path}/member/detector/update"), off);
    let theirs = member.call("GetDetectorResponse", "GET", &member_path, Value::Null);
    assert_eq!(theirs["dataSources"]["s3Logs"]["status"], "DISABLED");
    assert_eq!(boss_does("stop"), 0);
    assert_eq!(status(), "Disabled");
    assert_eq!(boss_does("start"), 0);
    assert_eq!(boss_does("delete"), 1, "who is associated is set aside");

    member.call("", "POST", &format!("{member_path}/administrator/disassociate"), Value::Null);
    assert_eq!((status().as_str(), administrator()), ("Resigned", json!({})));
    assert_eq!(boss_does("invite"), 0);
    assert_eq!(boss_does("disassociate"), 0);
    assert_eq!(status(), "Removed");
    assert_eq!(boss_does("delete"), 0);
    assert_eq!(status(), "none");
}

#[test]
fn the_organizations_administrator_gets_all_accounts() {
    let server = Server::start();
    let (boss, member) = (server.client(ONE), server.client(OTHER));
    let path = format!("/detector/{}/admin", detector(&boss));
    let all = json!({"autoEnableOrganizationMembers": "ALL"});
    let message = "The request failed because you do not have required AWS Organization master permission.";
    boss.refused("POST", &path, all.clone(), "BadRequestException", message);
    member.call("", "POST", "/admin/enable", json!({"adminAccountId": ONE}));
    let listed = member.call("ListOrganizationAdminAccountsResponse", "GET", "/admin", Value::Null);
    assert_eq!(listed["adminAccounts"], json!([{"adminAccountId": ONE, "adminStatus": "ENABLED"}]));
    let both = json!({"autoEnableOrganizationMembers": "ALL", "autoEnable": true});
    boss.refused("POST", &path, both, "BadRequestException", "exactly one of");
    boss.call("", "POST", &path, all);
    let described = boss.call("DescribeOrganizationConfigurationResponse", "GET", &path, Value::Null);
    assert_eq!((&described["autoEnable"], &described["autoEnableOrganizationMembers"]), (&json!(true), &json!("ALL")));
    let theirs = member.call("ListDetectorsResponse", "GET", "/detector", Value::Null);
    assert_eq!(theirs["detectorIds"].as_array().unwrap().len(), 1, "a detector was made for the member");

    let late = server.client("777788889999");
    let theirs = late.call("ListDetectorsResponse", "GET", "/detector", Value::Null);
    assert_eq!(theirs["detectorIds"].as_array().unwrap().len(), 1, "an account that appears later joins too");
    let path = "/organization/statistics";
    let statistics = boss.call("GetOrganizationStatisticsResponse", "GET", path, Value::Null);
    let counts = &statistics["organizationDetails"]["organizationStatistics"];
    assert_eq!((&counts["memberAccountsCount"], &counts["enabledAccountsCount"]), (&json!(2), &json!(3)));
}

#[test]
fn a_malware_scan_never_says_clean() {
    let server = Server::start();
    let client = server.client(ONE);
    let path = format!("/detector/{}/malware-scans", detector(&client));
    let arn = format!("arn:aws:ec2:{REGION}:{ONE}:instance/i-0123456789abcdef0");
    let start = json!({"resourceArn": arn});
    let started = client.call("StartMalwareScanResponse", "POST", "/malware-scan/start", start.clone());
    client.refused("POST", "/malware-scan/start", start, "ConflictException", "less than an hour ago");
    let scan = format!("/malware-scan/{}", started["scanId"].as_str().unwrap());
    let scan = client.call("GetMalwareScanResponse", "GET", &scan, Value::Null);
    assert_eq!((&scan["scanStatus"], scan.get("scanResultDetails")), (&json!("FAILED"), None));
    let described = client.call("DescribeMalwareScansResponse", "POST", &path, json!({}));
    assert!(described["scans"][0]["failureReason"].as_str().unwrap().contains("does not scan for malware yet"));
    let unknown = "/malware-scan/0123456789abcdef0123456789abcdef";
    client.refused("GET", unknown, Value::Null, "ResourceNotFoundException", "There is no malware scan");
}

#[test]
fn a_destination_that_cannot_be_written_to_says_so() {
    let server = Server::start();
    let client = server.client(ONE);
    let path = format!("/detector/{}/publishingDestination", detector(&client));
    let create = json!({
        "destinationType": "S3",
        "destinationProperties": {
            "destinationArn": "arn:aws:s3:::no-such-bucket/findings/",
            "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1",
        },
    });
    let created = client.call("CreatePublishingDestinationResponse", "POST", &path, create);
    let one = format!("{path}/{}", created["destinationId"].as_str().unwrap());
    let describe = || client.call("DescribePublishingDestinationResponse", "GET", &one, Value::Null);
    let is_verified = |destination: &Value| destination["status"] != "PENDING_VERIFICATION";
    let verified = (0..200).map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        describe()
    });
    let described = verified.into_iter().find(is_verified).unwrap();
    assert_eq!(described["status"], "UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY", "this test gives the server no S3");
    assert!(described["publishingFailureStartTimestamp"].as_i64().unwrap() > 0);
    client.call("", "DELETE", &one, Value::Null);
    let gone = "the one or more input parameters have invalid values";
    client.refused("GET", &one, Value::Null, "BadRequestException", gone);
}

#[test]
fn what_is_no_request_is_refused_with_a_reason() {
    let server = Server::start();
    let client = server.client(ONE);
    let send = |method: &str, path: &str, body: &[u8]| client.send(method, path, body, SignatureLocation::Headers);
    let check = |answer: Answer, status: u16, error: &str| {
        assert_eq!((answer.status, answer.error.as_str()), (status, error), "{answer:?}");
    };
    check(send("POST", "/detector", b"{"), 400, "BadRequestException");
    check(send("POST", "/detector", b"[]"), 400, "BadRequestException");
    check(send("POST", "/detector", "[".repeat(100_000).as_bytes()), 400, "BadRequestException");
    check(send("POST", "/detector", b"{\"enable\":\"yes\"}"), 400, "BadRequestException");
    check(send("GET", "/detector?maxResults=many", b""), 400, "BadRequestException");
    check(send("GET", "/nowhere", b""), 404, "UnknownOperationException");
    check(send("PUT", "/detector", b""), 404, "UnknownOperationException");
    check(send("POST", "/detector", &vec![b' '; 1024 * 1024 + 1]), 413, "RequestEntityTooLargeException");
}

/// Any JSON, also of the kinds that no operation wants.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("ENABLED")),
        Just(json!("111122223333")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            "[a-zA-Z]{1,10}",
            prop::sample::select(vec![
                "enable",
                "features",
                "name",
                "status",
                "tags",
                "accountIds",
                "accountDetails",
                "accountId",
                "email",
                "s3Object",
                "filterCriteria",
                "filterCriterion",
                "criterionKey",
                "filterCondition",
                "resourceArn",
                "protectedResource",
                "role",
                "destinationType",
                "destinationProperties",
                "adminAccountId",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn no_request_is_too_odd() {
    let server = Server::start();
    let client = server.client(ONE);
    let id = detector(&client);
    let model: Value = serde_json::from_str(include_str!("../../../api/guardduty-2017-11-28.service-2.json")).unwrap();
    let routes: Vec<(String, String)> = model["operations"]
        .as_object()
        .unwrap()
        .values()
        .map(|operation| {
            let http = &operation["http"];
            (http["method"].as_str().unwrap().to_owned(), http["requestUri"].as_str().unwrap().to_owned())
        })
        .filter(|(method, path)| !(method == "DELETE" && path == "/detector/{DetectorId}"))
        .collect();
    let mut runner = proptest::test_runner::TestRunner::default();
    let any_label = "[a-zA-Z0-9%25._:-]{1,20}";
    runner
        .run(&(0..routes.len(), any_json(), any_label, "[a-zA-Z=&%25]{0,20}"), |(route, body, label, query)| {
            let (method, path) = &routes[route];
            let label = label.replace('%', "%25");
            let path: Vec<&str> = path
                .split('/')
                .map(|part| match part {
                    "{DetectorId}" => id.as_str(),
                    part if part.starts_with('{') => label.as_str(),
                    part => part,
                })
                .collect();
            let path = format!("{}?{}", path.join("/"), query.replace('%', "%25"));
            let answer = client.try_call(method, &path, body);
            prop_assert!(answer.status < 500, "{method} {path}: {answer:?}");
            prop_assert!(answer.status < 300 || !answer.error.is_empty(), "{method} {path}: {answer:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn health_is_told_to_anybody() {
    let server = Server::start();
    for path in ["/healthz", "/readyz"] {
        let request = Request::builder().uri(format!("{}{path}", server.endpoint)).body(Vec::new()).unwrap();
        assert_eq!(exchange(request).status, 200, "{path}");
    }
}
