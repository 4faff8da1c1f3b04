//! The floor is fast because it checks nothing, so here it is checked: against `serde_json` and plain splitting.

use super::simd::{PADDING, Text, call};
use super::{Counted, cloudtrail, dns, flow, scan};
use serde_json::Value;
use std::net::IpAddr;

const EVENTS: &str = r#"{"Records":[
{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROA1:i-1","arn":"arn:aws:sts::111122223333:assumed-role/web/i-1","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::111122223333:role/web","accountId":"111122223333","userName":"web"},"webIdFederationData":{},"attributes":{"creationDate":"2026-03-02T00:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-03-02T08:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"[a \"quoted\" agent \\]","errorCode":"AccessDenied","requestParameters":{"key":"}{\"","list":[{"a":[1,2,{}]}]},"responseElements":null,"requestID":"1","eventID":"11111111-2222-4333-8444-555555555555","readOnly":true,"eventType":"AwsApiCall","recipientAccountId":"111122223333"},
{"awsRegion":"eu-central-1","eventID":"short","eventName":"AssumeRole","eventSource":"sts.amazonaws.com","eventTime":"2026-03-02T08:00:01Z","recipientAccountId":null,"requestParameters":null,"responseElements":{"credentials":{"sessionToken":"x=="}},"sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com","userIdentity":{"invokedBy":"ec2.amazonaws.com","type":"AWSService"},"readOnly":false},
{"userIdentity":null,"eventName":"","unknownKey":[["]"]],"eventCategory":"Insight"},
{}
]}"#;

/// Compact JSON is what AWS writes; the line feeds above are for the reader.
fn compact(json: &str) -> String {
    json.replace('\n', "")
}

fn padded(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0; PADDING]].concat()
}

fn text_of<'a>(buffer: &'a [u8]) -> Text<'a> {
    Text::new(buffer, buffer.len() - PADDING).unwrap()
}

/// A projected string as `serde_json` would read it.
fn unescaped(slice: &[u8]) -> String {
    let quoted = format!("\"{}\"", std::str::from_utf8(slice).unwrap());
    serde_json::from_str(&quoted).unwrap()
}

fn check_string(slice: &[u8], expected: &Value) {
    assert_eq!(unescaped(slice), expected.as_str().unwrap_or_default());
}

/// A projected value as JSON; nothing where the key is missing.
fn check_json(slice: &[u8], expected: Option<&Value>) {
    let value: Option<Value> = (!slice.is_empty()).then(|| serde_json::from_slice(slice).unwrap());
    assert_eq!(value.as_ref(), expected);
}

fn check_cloudtrail(json: &str) {
    let buffer = padded(json);
    let text = text_of(&buffer);
    let file: Value = serde_json::from_str(json).unwrap();
    let events = file["Records"].as_array().unwrap();
    let mut cursor = cloudtrail::records(text).unwrap();
    for expected in events {
        let event = call!(cloudtrail::next, &mut cursor).unwrap();
        check_string(event.time, &expected["eventTime"]);
        check_string(event.source, &expected["eventSource"]);
        check_string(event.name, &expected["eventName"]);
        check_string(event.error_code, &expected["errorCode"]);
        check_string(event.event_id, &expected["eventID"]);
        check_string(event.region, &expected["awsRegion"]);
        check_string(event.recipient_account, &expected["recipientAccountId"]);
        check_string(event.source_address, &expected["sourceIPAddress"]);
        check_string(event.user_agent, &expected["userAgent"]);
        check_json(event.read_only, expected.get("readOnly"));
        check_json(event.request, expected.get("requestParameters"));
        check_json(event.response, expected.get("responseElements"));
        let identity = &expected["userIdentity"];
        check_string(event.identity.kind, &identity["type"]);
        check_string(event.identity.arn, &identity["arn"]);
        check_string(event.identity.principal_id, &identity["principalId"]);
        check_string(event.identity.account, &identity["accountId"]);
        check_string(event.identity.access_key_id, &identity["accessKeyId"]);
        check_string(event.identity.invoked_by, &identity["invokedBy"]);
        check_string(event.identity.issuer_arn, &identity["sessionContext"]["sessionIssuer"]["arn"]);
    }
    assert!(call!(cloudtrail::next, &mut cursor).is_none());
    assert_eq!(counted(json).records, events.len() as u64);
}

fn check_dns(lines: &str) {
    let buffer = padded(lines);
    let mut cursor = super::json::Cursor { text: text_of(&buffer), at: 0 };
    for line in lines.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let query = call!(dns::next, &mut cursor).unwrap();
        check_string(query.time, &expected["query_timestamp"]);
        check_string(query.name, &expected["query_name"]);
        check_string(query.kind, &expected["query_type"]);
        check_string(query.rcode, &expected["rcode"]);
        check_string(query.source, &expected["srcaddr"]);
        check_string(query.instance, &expected["srcids"]["instance"]);
        check_json(query.answers, expected.get("answers"));
    }
    assert!(call!(dns::next, &mut cursor).is_none());
    assert_eq!(counted(lines).records, lines.lines().count() as u64);
}

fn check_flow(file: &str) {
    let names: Vec<&str> = file.lines().next().unwrap().split(' ').collect();
    let mut lines = file.lines().skip(1).filter(|line| line.split(' ').count() == names.len());
    let mut records = 0;
    let mut see = |projected: &flow::Flow<'_>| {
        let fields: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let field = |name| names.iter().position(|&column| column == name).map_or("-", |place| fields[place]);
        let number = |name| field(name).parse::<u64>().unwrap_or(0);
        let address = |name| match field(name).parse() {
            Ok(IpAddr::V4(address)) => u128::from(address.to_ipv6_mapped()),
            Ok(IpAddr::V6(address)) => u128::from(address),
            Err(_) => 0,
        };
        let letter = |name| if names.contains(&name) { u64::from(field(name).as_bytes()[0]) } else { 0 };
        let text = |name| if names.contains(&name) { field(name) } else { "" };
        let expected = flow::Flow {
            interface: text("interface-id").as_bytes(),
            instance: text("instance-id").as_bytes(),
            source: address("srcaddr"),
            target: address("dstaddr"),
            packet_source: address("pkt-srcaddr"),
            packet_target: address("pkt-dstaddr"),
            source_port: number("srcport"),
            target_port: number("dstport"),
            protocol: number("protocol"),
            packets: number("packets"),
            bytes: number("bytes"),
            start: number("start"),
            end: number("end"),
            action: letter("action"),
            flags: number("tcp-flags"),
            direction: letter("flow-direction"),
        };
        assert_eq!(projected, &expected);
        records += 1;
    };
    let buffer = padded(file);
    call!(flow::Reader::each, &mut flow::Reader::new(), text_of(&buffer), &mut see);
    assert!(lines.next().is_none());
    assert_eq!(counted(file).records, records);
}

fn counted(content: &str) -> Counted {
    let buffer = padded(content);
    scan(&mut flow::Reader::new(), text_of(&buffer))
}

#[test]
fn events_are_projected_as_a_json_parser_reads_them() {
    check_cloudtrail(&compact(EVENTS));
    check_cloudtrail(r#"{"Records":[]}"#);
}

#[test]
fn flows_are_projected_as_splitting_gives_them() {
    check_flow(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n\
         2 111122223333 eni-0a 10.0.0.1 203.0.113.9 443 51000 6 1 40 1772409600 1772409660 ACCEPT OK\n\
         2 111122223333 eni-0a - - - - - - - 1772409600 1772409660 - NODATA\n\
         a line of another length\n\
         2 111122223333 eni-0b 2001:db8::1 fe80::a:b:c:d 0 0 58 123456789 98765432109876543 1772409600 1772409660 REJECT OK",
    );
    check_flow(
        "srcaddr dstaddr pkt-srcaddr pkt-dstaddr flow-direction tcp-flags instance-id action bytes packets start end vpc-id az-id dstport\n\
         10.0.0.1 10.0.0.2 198.51.100.1 - egress 19 i-0abc REJECT 1 2 3 4 - - 65535\n",
    );
}

#[test]
fn queries_are_projected_as_a_json_parser_reads_them() {
    check_dns(concat!(
        r#"{"version":"1.100000","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":"2026-03-02T08:00:00Z","query_name":"a\\344b.example.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"\"v=spf1 [\"","Type":"TXT","Class":"IN"}],"srcaddr":"10.0.0.1","srcport":"53","transport":"UDP","srcids":{"instance":"i-1"}}"#,
        "\n",
        r#"{"query_type":"HTTPS","srcids":{},"rcode":"NXDOMAIN","firewall_rule_action":"ALERT","answers":[]}"#,
        "\n",
        "{}\n",
    ));
}

#[test]
fn generated_files_are_projected_as_plain_parsers_read_them() {
    use crate::generate::{Kind, sample};
    sample(Kind::CloudTrail, 3_000).iter().for_each(|file| check_cloudtrail(file));
    sample(Kind::Dns, 3_000).iter().for_each(|file| check_dns(file));
    sample(Kind::Flow, 20_000).iter().for_each(|file| check_flow(file));
}

proptest::proptest! {
    #[test]
    fn any_text_comes_to_an_end(text in r#"(version |\{"Records":\[\{|\{"version)[ \n{}\[\]",:\\a-e0-9.-]{0,300}"#) {
        counted(&text);
    }

    #[test]
    fn any_cut_of_a_file_comes_to_an_end(cut in 0..EVENTS.len()) {
        counted(&compact(EVENTS)[..cut.min(compact(EVENTS).len())]);
    }
}
