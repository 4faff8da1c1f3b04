//! Writes an estate's days as AWS delivers them: CloudTrail log files, flow logs and resolver query logs, one file for
//! each kind and hour.

use super::estate::{Estate, Kind, Principal};
use super::hosts::{Connection, Outcome, Peer, Query, TCP, Traffic};
use super::people::{Call, is_reading, shown};
use crate::generate::random::Random;
use crate::generate::{civil, dotted, iso, resource_id};
use crate::gzip::Deflater;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Writes the files of days below a folder.
pub(crate) struct Writer {
    folder: PathBuf,
    deflater: Deflater,
    compressed: Vec<u8>,
    /// Records written, by kind: calls, flows, queries.
    pub(crate) records: [u64; 3],
}

impl Writer {
    /// Writes below this folder.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        Ok(Self { folder: folder.to_owned(), deflater: Deflater::new()?, compressed: Vec::new(), records: [0; 3] })
    }

    /// One day.
    pub(crate) fn day(&mut self, estate: &Estate, day: i64, calls: &[Call], traffic: &Traffic) -> Result<()> {
        let midnight = estate.midnight(day);
        let mut order: Vec<&Call> = calls.iter().collect();
        order.sort_by_key(|call| (call.second, call.principal));
        for (hour, calls) in hours(&order, midnight, |call| call.second) {
            let text = events(estate, calls);
            self.records[0] += calls.len() as u64;
            self.file(estate, "CloudTrail", (day, midnight + hour * 3_600), &text)?;
        }
        let lines = lines(estate, &traffic.connections);
        let lines: Vec<&(i64, String)> = lines.iter().collect();
        for (hour, lines) in hours(&lines, midnight, |line| line.0) {
            let mut text = String::from(if estate.is_custom { HEADER_5 } else { HEADER_2 });
            lines.iter().for_each(|line| text.push_str(&line.1));
            self.records[1] += lines.len() as u64;
            self.file(estate, "vpcflowlogs", (day, midnight + hour * 3_600), &text)?;
        }
        let mut order: Vec<&Query> = traffic.queries.iter().collect();
        order.sort_by_key(|query| (query.second, query.host));
        for (hour, queries) in hours(&order, midnight, |query| query.second) {
            let mut text = String::new();
            queries.iter().for_each(|query| write_query(estate, query, &mut text));
            self.records[2] += queries.len() as u64;
            self.file(estate, "vpcdnsquerylogs", (day, midnight + hour * 3_600), &text)?;
        }
        Ok(())
    }

    /// Where AWS puts a file of this kind. Zones make a day's events begin in the evening before, so that a file is of a
    /// day of the estate and an hour.
    fn file(&mut self, estate: &Estate, kind: &str, (written, second): (i64, i64), text: &str) -> Result<()> {
        let Estate { account, region, vpc, .. } = estate;
        let (day, minute) = (civil(second, "%Y/%m/%d"), civil(second, "%Y%m%dT%H%MZ"));
        let mut unique = String::new();
        estate.random(&[written as u64, second as u64, kind.len() as u64]).base32(16, &mut unique);
        let path = match kind {
            "CloudTrail" => format!(
                "AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_{unique}.json.gz"
            ),
            "vpcflowlogs" => format!(
                "AWSLogs/{account}/vpcflowlogs/{region}/{day}/{account}_vpcflowlogs_{region}_fl-{}_{minute}_{}.log.gz",
                &vpc[4..],
                unique[..8].to_ascii_lowercase()
            ),
            _ => format!(
                "AWSLogs/{account}/vpcdnsquerylogs/{vpc}/{day}/{vpc}_vpcdnsquerylogs_{account}_{minute}_{}.log.gz",
                &unique[..8]
            ),
        };
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("creating `{}`", folder.display()))?;
        }
        self.deflater.deflate(text.as_bytes(), &mut self.compressed);
        std::fs::write(&path, &self.compressed).with_context(|| format!("writing `{}`", path.display()))
    }
}

/// All calls in one log file.
pub(crate) fn call_log(estate: &Estate, calls: &[Call]) -> String {
    let mut order: Vec<&Call> = calls.iter().collect();
    order.sort_by_key(|call| (call.second, call.principal));
    events(estate, &order)
}

/// All connections in one log file.
pub(crate) fn flow_log(estate: &Estate, connections: &[Connection]) -> String {
    let mut text = String::from(if estate.is_custom { HEADER_5 } else { HEADER_2 });
    lines(estate, connections).iter().for_each(|line| text.push_str(&line.1));
    text
}

fn events(estate: &Estate, calls: &[&Call]) -> String {
    let mut text = String::from(r#"{"Records":["#);
    for (number, call) in calls.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        let _ = write!(text, "{comma}{}", event(estate, call, number as u64));
    }
    text.push_str("]}");
    text
}

/// What is in order, cut at the hours of the day.
fn hours<T>(items: &[T], midnight: i64, second: impl Fn(&T) -> i64) -> Vec<(i64, &[T])> {
    let hour = |item: &T| (second(item) - midnight).div_euclid(3_600);
    items.chunk_by(|one, other| hour(one) == hour(other)).map(|chunk| (hour(&chunk[0]), chunk)).collect()
}

/// One event, as CloudTrail writes it.
fn event(estate: &Estate, call: &Call, number: u64) -> Value {
    let principal = &estate.principals[call.principal];
    let (service, name) = call.api.split_once(':').unwrap_or((call.api, ""));
    let random = &mut estate.random(&[call.second as u64, call.principal as u64, number]);
    let mut uuid = || {
        let mut text = String::new();
        random.uuid(&mut text);
        text
    };
    let (id, request) = (uuid(), uuid());
    let is_login = name == "ConsoleLogin";
    let is_data = service == "s3" && name.contains("Object");
    let (parameters, answer, resources) = content(estate, principal, call, service, name);
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(estate, principal, call),
        "eventTime": iso(call.second),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": if matches!(service, "iam" | "organizations" | "ce" | "route53" | "cloudfront" | "support") || is_login { "us-east-1" } else { estate.region },
        "sourceIPAddress": shown(call.address),
        "userAgent": call.agent,
        "requestParameters": parameters,
        "responseElements": match (call.error.is_empty(), is_login) {
            (true, _) => answer,
            (false, true) => json!({"ConsoleLogin": "Failure"}),
            (false, false) => Value::Null,
        },
        "requestID": request,
        "eventID": id,
        "readOnly": is_reading(call.api),
        "eventType": if is_login { "AwsConsoleSignIn" } else { "AwsApiCall" },
        "managementEvent": !is_data,
        "recipientAccountId": estate.account,
        "eventCategory": if is_data { "Data" } else { "Management" },
    });
    if is_login && !call.error.is_empty() {
        // A sign-in that failed has no code, and no ARN of whoever it was.
        event["errorMessage"] = json!(call.error);
    } else if !call.error.is_empty() {
        event["errorCode"] = json!(call.error);
        event["errorMessage"] = match call.error {
            "ThrottlingException" => json!("Rate exceeded"),
            _ => json!(format!("User: {} is not authorized to perform: {service}:{name}", estate.arn(principal))),
        };
    }
    if !resources.is_null() {
        event["resources"] = resources;
    }
    if is_data && name != "ListObjects" {
        let amount = Random::of(&[call.about, call.second as u64]).spread(400, 4_000_000);
        let (read, written) = if is_reading(call.api) { (0, amount) } else { (amount, 0) };
        event["additionalEventData"] = json!({
            "SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": read,
            "AuthenticationMethod": "AuthHeader", "bytesTransferredOut": written,
        });
    }
    if is_login {
        event["additionalEventData"] = json!({
            "LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No",
            "MFAUsed": if principal.is_user() && call.error.is_empty() { "Yes" } else { "No" },
        });
    }
    if call.agent.starts_with("Mozilla") && !is_login {
        event["sessionCredentialFromConsole"] = json!("true");
    }
    event["tlsDetails"] = json!({
        "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": format!("{service}.{}.amazonaws.com", estate.region),
    });
    event
}

/// `userIdentity`.
fn identity(estate: &Estate, principal: &Principal, call: &Call) -> Value {
    let account = &estate.account;
    let arn = estate.arn(principal);
    if principal.is_user() {
        let mut key = String::from("AKIA");
        Random::of(&[principal.seed, 1]).base32(16, &mut key);
        let mut identity = json!({
            "type": "IAMUser", "principalId": principal.id, "arn": arn, "accountId": account, "userName": principal.name,
        });
        match (call.api, call.error) {
            ("signin:ConsoleLogin", "") => {}
            ("signin:ConsoleLogin", _) => {
                return json!({
                    "type": "IAMUser", "principalId": principal.id, "accountId": account, "accessKeyId": "",
                    "userName": principal.name,
                });
            }
            _ => identity["accessKeyId"] = json!(key),
        }
        return identity;
    }
    let mut key = String::from("ASIA");
    Random::of(&[principal.seed, call.session]).base32(16, &mut key);
    let path = if principal.name.starts_with("AWSReservedSSO") { "aws-reserved/sso.amazonaws.com/" } else { "" };
    let mut identity = json!({
        "type": "AssumedRole",
        "principalId": format!("{}:{}", principal.id, principal.session),
        "arn": arn,
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role", "principalId": principal.id,
                "arn": format!("arn:aws:iam::{account}:role/{path}{}", principal.name),
                "accountId": account, "userName": principal.name,
            },
            "webIdFederationData": {},
            "attributes": { "creationDate": iso(call.second - call.second.rem_euclid(3_600)), "mfaAuthenticated": "false" },
        },
    });
    if matches!(principal.kind, Kind::Instance) {
        identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    }
    identity
}

/// Parameters, answer and resources of a call; what its API has, where rules could read it.
fn content(estate: &Estate, principal: &Principal, call: &Call, service: &str, name: &str) -> (Value, Value, Value) {
    let own = Random::of(&[principal.seed, call.about]);
    let bucket = &estate.buckets[own.clone().below(estate.buckets.len() as u64) as usize];
    let mut object = String::from("part-");
    Random::of(&[call.second as u64, call.about]).hex(12, &mut object);
    let someone = format!("service-{}", call.about);
    let instance = || {
        let count = estate.hosts.len().max(1) as u64;
        let host = estate.hosts.get(own.clone().below(count) as usize);
        host.map_or_else(|| resource_id("i", &[call.about]), |host| host.instance.clone())
    };
    let role = format!("{someone}-role");
    let none = Value::Null;
    match (service, name) {
        ("s3", "ListBuckets") => (json!({"Host": "s3.amazonaws.com"}), none, Value::Null),
        ("s3", "GetObject" | "PutObject" | "DeleteObject" | "HeadObject" | "PutObjectAcl") => (
            json!({"bucketName": bucket, "Host": format!("{bucket}.s3.{}.amazonaws.com", estate.region), "key": object}),
            none,
            json!([
                {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/{object}")},
                {"accountId": estate.account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")},
            ]),
        ),
        ("s3", "PutBucketPolicy") => (
            json!({"bucketName": bucket, "Host": format!("{bucket}.s3.{}.amazonaws.com", estate.region), "policy": "", "bucketPolicy": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", if call.attack.is_some() { "999988887777" } else { &estate.account })},
                    "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*")}],
            }}),
            none,
            json!([{"accountId": estate.account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")}]),
        ),
        ("s3", "PutBucketPublicAccessBlock") => {
            let bucket = &estate.buckets[call.about as usize % estate.buckets.len()];
            let is_shut = call.attack.is_none();
            (
                json!({"bucketName": bucket, "publicAccessBlock": "", "Host": format!("{bucket}.s3.{}.amazonaws.com", estate.region),
                    "PublicAccessBlockConfiguration": {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
                        "BlockPublicAcls": is_shut, "IgnorePublicAcls": is_shut, "BlockPublicPolicy": is_shut,
                        "RestrictPublicBuckets": is_shut}}),
                none,
                json!([{"accountId": estate.account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")}]),
            )
        }
        ("s3", _) => (
            json!({"bucketName": bucket, "Host": format!("{bucket}.s3.{}.amazonaws.com", estate.region)}),
            none,
            json!([{"accountId": estate.account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")}]),
        ),
        ("sts", "AssumeRole") => {
            let (account, role) = match (call.attack, &principal.kind) {
                // Where a thief may have seen them: in code, in a list of roles, in its own experience.
                (Some(_), _) => {
                    (other_account(estate, call.about % 3), TRIED_ROLES[call.about as usize % 16].to_owned())
                }
                (None, Kind::Auditor) => (other_account(estate, call.about), "PostureReadOnly".to_owned()),
                (None, _) => (estate.account.clone(), format!("{}-target", principal.name)),
            };
            let arn = format!("arn:aws:iam::{account}:role/{role}");
            let answer = json!({"assumedRoleUser": {"assumedRoleId": "AROAEXAMPLEEXAMPLE123:session",
                "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/session")}});
            let resources = json!([{"accountId": account, "type": "AWS::IAM::Role", "ARN": &arn}]);
            (json!({"roleArn": &arn, "roleSessionName": "session", "durationSeconds": 3_600}), answer, resources)
        }
        ("signin", _) => (Value::Null, json!({"ConsoleLogin": "Success"}), Value::Null),
        ("iam", api) if api.contains("User") || api.contains("AccessKey") || api.contains("LoginProfile") => {
            let mut parameters = json!({"userName": someone});
            if api.contains("Policy") {
                parameters["policyArn"] = json!("arn:aws:iam::aws:policy/PowerUserAccess");
            }
            (parameters, json!({}), Value::Null)
        }
        ("iam", api) if api.contains("Role") => {
            let mut parameters = json!({"roleName": role});
            if api.contains("Policy") {
                parameters["policyName"] = json!("access");
            }
            (parameters, json!({}), Value::Null)
        }
        ("iam", api) if api.contains("Policy") && !api.contains("Password") && !api.starts_with("List") => {
            (json!({"policyArn": format!("arn:aws:iam::{}:policy/{someone}", estate.account)}), json!({}), Value::Null)
        }
        ("secretsmanager", "GetSecretValue" | "DescribeSecret" | "PutSecretValue") => {
            (json!({"secretId": format!("prod/{someone}")}), none, Value::Null)
        }
        ("ec2", "RunInstances") => (
            json!({"instancesSet": {"items": [{"imageId": "ami-0abcdef1234567890", "minCount": 1, "maxCount": 1}]},
                "instanceType": if call.attack.is_some() { "g5.12xlarge" } else { "t3.medium" }}),
            json!({"instancesSet": {"items": [{"instanceId": resource_id("i", &[call.second as u64, call.about]), "instanceType": "t3.medium"}]}}),
            Value::Null,
        ),
        (
            "ec2",
            "StopInstances" | "StartInstances" | "TerminateInstances" | "ModifyInstanceAttribute" | "GetPasswordData",
        ) => {
            let id = instance();
            (json!({"instancesSet": {"items": [{"instanceId": id}]}, "instanceId": id}), json!({}), Value::Null)
        }
        ("ec2", "ModifySnapshotAttribute") => (
            json!({"snapshotId": resource_id("snap", &[call.about]), "attributeType": "CREATE_VOLUME_PERMISSION",
                "createVolumePermission": {"add": {"items": [{"userId": "999988887777"}]}}}),
            json!({"_return": true}),
            Value::Null,
        ),
        ("ec2", "AuthorizeSecurityGroupIngress" | "RevokeSecurityGroupIngress") => (
            json!({"groupId": resource_id("sg", &[call.about]), "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 443,
                "toPort": 443, "ipRanges": {"items": [{"cidrIp": "10.20.0.0/16"}]}}]}}),
            json!({"_return": true}),
            Value::Null,
        ),
        _ if is_reading(call.api) => (json!({"maxResults": 100}), none, Value::Null),
        _ => (json!({"name": someone}), json!({}), Value::Null),
    }
}

/// Roles that many organisations have.
const TRIED_ROLES: [&str; 16] = [
    "OrganizationAccountAccessRole",
    "Admin",
    "AdministratorAccess",
    "AWSControlTowerExecution",
    "terraform",
    "deploy",
    "ci",
    "PowerUser",
    "Developer",
    "ReadOnly",
    "SecurityAudit",
    "backup",
    "BreakGlass",
    "Jenkins",
    "data-platform",
    "Operations",
];

/// The number of another account of the organisation.
fn other_account(estate: &Estate, number: u64) -> String {
    estate.random(&[0x006f_7267, number]).range(100_000_000_000, 999_999_999_999).to_string()
}

const HEADER_2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";
const HEADER_5: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction\n";

/// Flow records of connections, with their start: for each window and side that has an interface of ours, one record
/// each way.
fn lines(estate: &Estate, connections: &[Connection]) -> Vec<(i64, String)> {
    let mut lines = Vec::with_capacity(connections.len() * 2);
    for connection in connections {
        let windows = Windows::of(estate, connection);
        for window in windows {
            record(estate, connection, connection.host, true, &window, &mut lines);
            if let Peer::Host(peer) = connection.peer
                && connection.outcome != Outcome::Silent
            {
                record(estate, connection, peer, false, &window, &mut lines);
            }
        }
    }
    lines.sort();
    lines
}

/// What of a connection falls into one window.
struct Window {
    start: i64,
    end: i64,
    bytes: (u64, u64),
    packets: (u64, u64),
    is_first: bool,
    is_last: bool,
}

struct Windows;

impl Windows {
    fn of(estate: &Estate, connection: &Connection) -> Vec<Window> {
        let size = estate.window;
        let end = connection.second + connection.seconds.max(0);
        let (first, last) = (connection.second.div_euclid(size), end.div_euclid(size));
        let count = (last - first + 1) as u64;
        let total = packets(connection);
        // What does not divide falls into the first window.
        let share = |whole: u64, number: u64| whole / count + if number == 0 { whole % count } else { 0 };
        (0..count)
            .map(|number| {
                let window = first + number as i64;
                Window {
                    start: connection.second.max(window * size),
                    end: end.min((window + 1) * size - 1),
                    bytes: (share(connection.bytes.0, number), share(connection.bytes.1, number)),
                    packets: (share(total.0, number), share(total.1, number)),
                    is_first: number == 0,
                    is_last: number + 1 == count,
                }
            })
            .collect()
    }
}

/// Handshake, data in full frames, acknowledgements and goodbye.
fn packets(connection: &Connection) -> (u64, u64) {
    if connection.packets != (0, 0) {
        return connection.packets;
    }
    let (sent, back) = connection.bytes;
    match connection.outcome {
        Outcome::Refused | Outcome::Silent | Outcome::Rejected => {
            (1 + u64::from(connection.outcome == Outcome::Silent), 1)
        }
        Outcome::Answered if connection.protocol != TCP => (1 + sent / 1_200, 1 + back / 1_200),
        Outcome::Answered => (4 + sent / 1_380 + back / 5_000, 3 + back / 1_380 + sent / 5_000),
    }
}

/// Both directions as one interface saw them in one window.
fn record(
    estate: &Estate,
    connection: &Connection,
    host: usize,
    is_own: bool,
    window: &Window,
    lines: &mut Vec<(i64, String)>,
) {
    let place = &estate.hosts[host];
    let ours = place.dotted();
    let theirs = match (connection.peer, is_own) {
        (Peer::Host(peer), true) => estate.hosts[peer].dotted(),
        (Peer::Host(_), false) => estate.hosts[connection.host].dotted(),
        (Peer::Address(address) | Peer::Nobody(address), _) => dotted(address),
    };
    // The side whose interface this is opened the connection.
    let is_client = connection.is_outgoing == is_own;
    let (client, server) = if is_client { (&ours, &theirs) } else { (&theirs, &ours) };
    let is_tcp = connection.protocol == TCP;
    let (flags_there, flags_back) = match (connection.outcome, is_tcp) {
        (_, false) => (0, 0),
        (Outcome::Answered, _) => match (window.is_first, window.is_last) {
            (true, true) => (3, 19),
            (true, false) => (2, 18),
            (false, true) => (1, 1),
            (false, false) => (0, 0),
        },
        (Outcome::Refused, _) => (2, 4),
        (Outcome::Silent | Outcome::Rejected, _) => (2, 0),
    };
    let action = if connection.outcome == Outcome::Rejected { "REJECT" } else { "ACCEPT" };
    let has_answer = matches!(connection.outcome, Outcome::Answered | Outcome::Refused);
    let mut write = |from: &str, to: &str, ports: (u16, u16), packets: u64, bytes: u64, flags: u8, is_leaving: bool| {
        if packets == 0 {
            return;
        }
        let version = if estate.is_custom { 5 } else { 2 };
        let mut line = format!(
            "{version} {} {} {from} {to} {} {} {} {packets} {} {} {} {action} OK",
            estate.account,
            place.interface,
            ports.0,
            ports.1,
            connection.protocol,
            bytes.max(packets * 40),
            window.start,
            window.end
        );
        if estate.is_custom {
            let direction = if is_leaving { "egress" } else { "ingress" };
            let _ = write!(
                line,
                " {} {} {} {flags} IPv4 {from} {to} {direction}",
                estate.vpc, place.subnet, place.instance
            );
        }
        line.push('\n');
        lines.push((window.start, line));
    };
    let (there, back) = ((connection.client_port, connection.port), (connection.port, connection.client_port));
    write(client, server, there, window.packets.0, window.bytes.0, flags_there, is_client);
    if has_answer {
        write(server, client, back, window.packets.1, window.bytes.1, flags_back, !is_client);
    }
}

fn write_query(estate: &Estate, query: &Query, text: &mut String) {
    let Estate { account, region, vpc, .. } = estate;
    let host = &estate.hosts[query.host];
    let answers: Vec<Value> =
        query.answers.iter().map(|(data, kind)| json!({"Rdata": data, "Type": kind, "Class": "IN"})).collect();
    let port = 32_768 + Random::of(&[query.second as u64, query.host as u64]).below(28_000);
    let line = json!({
        "version": "1.100000", "account_id": account, "region": region, "vpc_id": vpc,
        "query_timestamp": iso(query.second), "query_name": format!("{}.", query.name), "query_type": query.kind,
        "query_class": "IN", "rcode": query.code, "answers": answers, "srcaddr": host.dotted(),
        "srcport": port.to_string(), "transport": "UDP", "srcids": {"instance": host.instance},
    });
    let _ = writeln!(text, "{line}");
}
