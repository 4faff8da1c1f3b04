//! Whole texts, as they are delivered, and what they give.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::net::IpAddr;
use watchfire_model::{CallCategory, Identity, IdentityKind, SessionIssuer, Time};

/// Parses, and checks what holds for any content: text and position belong together, and the raw text of a record
/// gives the record again.
fn read(content: &[u8]) -> (Vec<String>, Report) {
    read_from(content, &Origin::default())
}

fn read_from(content: &[u8], origin: &Origin) -> (Vec<String>, Report) {
    let mut records = Vec::new();
    let report = parse(content, origin, &mut |record, raw| {
        let position = raw.position as usize;
        let is_exact = content[position..].starts_with(raw.text.as_bytes());
        let is_row =
            content[position..].iter().take_while(|&&byte| byte != b'\n' && byte != b'{').any(|&byte| byte == b',');
        let may_differ = !content.is_ascii() || content[..position].contains(&b'"') || is_row;
        assert!(is_exact || may_differ, "{:?} does not stand at {position}", raw.text);
        let again = parse_record(raw.text, record.kind(), origin, raw.format);
        assert_eq!(again.as_ref(), Some(record));
        if let Some(format) = raw.format {
            let format = FlowFormat::from_header(format.header());
            assert_eq!(parse_record(raw.text, record.kind(), origin, format.as_ref()).as_ref(), Some(record));
        }
        records.push(summary(record));
    });
    assert_eq!(report.record_count(), records.len() as u64);
    assert_eq!(report.formats.iter().sum::<u64>(), records.len() as u64);
    (records, report)
}

fn summary(record: &Record<'_>) -> String {
    match record {
        Record::ApiCall(call) => format!("{} {}", call.time, call.name),
        Record::Flow(flow) => {
            format!("{:?}:{} > {:?}:{}", flow.source, flow.source_port, flow.target, flow.target_port)
        }
        Record::DnsQuery(query) => format!("{} {}", query.time, query.name),
    }
}

fn event(name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-01-31T12:00:00Z","eventSource":"iam.amazonaws.com","eventName":"{name}","requestParameters":{{"list":[{{"a":1}},{{"b":"}}"}}]}}}}"#
    )
}

fn names(records: &[String]) -> Vec<&str> {
    records.iter().map(|record| record.rsplit(' ').next().unwrap()).collect()
}

const QUERY: &str = r#"{"version":"1.100000","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":"2026-01-31T12:00:00Z","query_name":"example.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"192.0.2.1","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"56067","transport":"UDP","srcids":{"instance":"i-1","resolver_endpoint":"rslvr-in-1"},"firewall_rule_action":"BLOCK","firewall_rule_group_id":"rslvr-frg-1","firewall_domain_list_id":"rslvr-fdl-1"}"#;
const FLOW: &str =
    "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

// ── CloudTrail ──

#[test]
fn a_log_file_gives_its_events() {
    let file = format!(r#"{{"Records":[{},{}]}}"#, event("A"), event("B"));
    let (records, report) = read(file.as_bytes());
    assert_eq!(names(&records), ["A", "B"]);
    assert_eq!(report.formats[Format::CloudTrailFile as usize], 2);
    assert_eq!((report.rejected_count, report.is_truncated()), (0, false));
}

#[test]
fn events_may_come_as_lines_lists_or_printed_prettily() {
    let lines = format!("{}\r\n{}\r\n", event("A"), event("B"));
    assert_eq!(names(&read(lines.as_bytes()).0), ["A", "B"]);
    let list = format!("[{},\n{}]", event("A"), event("B"));
    assert_eq!(names(&read(list.as_bytes()).0), ["A", "B"]);
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&event("A")).unwrap()).unwrap();
    assert_eq!(names(&read(format!("\u{feff}{pretty}\n{pretty}\n").as_bytes()).0), ["A", "A"]);
}

#[test]
fn a_file_that_is_cut_gives_what_stands_before_the_cut() {
    let file = format!(r#"{{"Records":[{},{}]}}"#, event("A"), event("B"));
    let cut = &file[..file.len() - 30];
    let (records, report) = read(cut.as_bytes());
    assert_eq!(names(&records), ["A"]);
    assert!(report.is_truncated());
    assert_eq!(report.rejected_count, 1);
    assert_eq!(report.rejected[0].position, 13 + event("A").len() as u64);
}

#[test]
fn a_broken_event_does_not_cost_the_others() {
    for broken in [
        r#"{"eventVersion":"1.11","eventName":"an "unescaped" quote"}"#,
        r#"{"eventVersion":"1.11","eventName":}"#,
        r#"{"eventVersion":"1.11","requestParameters":{"a":"never closed}}"#,
        r#"{"eventVersion""#,
        r#""just text""#,
        "17",
        "null",
    ] {
        let file = format!(r#"{{"Records":[{},{broken},{}]}}"#, event("A"), event("B"));
        let (records, report) = read(file.as_bytes());
        assert_eq!(names(&records), ["A", "B"], "{broken}");
        assert_eq!(report.rejected_count, 1, "{broken}");
        let lines = format!("{}\n{broken}\n{}\n", event("A"), event("B"));
        let (records, report) = read(lines.as_bytes());
        assert_eq!(names(&records), ["A", "B"], "{broken}");
        assert_eq!(report.rejected_count, 1, "{broken}");
    }
}

#[test]
fn a_line_that_is_cut_does_not_cost_the_next() {
    for length in 1..event("A").len() {
        let lines = format!("{}\n{}\n{}", &event("A")[..length], event("B"), event("C"));
        let (records, report) = read(lines.as_bytes());
        assert_eq!(names(&records), ["B", "C"], "{lines}");
        assert_eq!(report.rejected_count, 1, "{lines}");
    }
}

#[test]
fn insights_and_digests_are_known_and_not_analysed() {
    let insight = r#"{"eventVersion":"1.08","eventTime":"2026-01-31T12:00:00Z","eventType":"AwsCloudTrailInsight","eventCategory":"Insight","insightDetails":{}}"#;
    let (records, report) = read(format!(r#"{{"Records":[{insight}]}}"#).as_bytes());
    assert_eq!((records.len(), report.skipped[&Skipped::Insight], report.rejected_count), (0, 1, 0));
    let digest = br#"{"awsAccountId":"111122223333","digestStartTime":"2026-01-31T12:00:00Z","digestS3Object":"a","logFiles":[]}"#;
    let (records, report) = read(digest);
    assert!(records.is_empty() && report.is_digest && report.rejected_count == 0);
}

#[test]
fn an_event_without_a_time_is_refused_by_name() {
    let (records, report) = read(br#"{"eventName":"A","eventSource":"iam.amazonaws.com"}"#);
    assert!(records.is_empty());
    assert_eq!(report.rejected[0].reason, "the event has no readable eventTime");
}

#[test]
fn what_an_event_does_not_say_comes_from_its_place() {
    let origin = Origin {
        account: "111122223333".into(),
        assumed_account: "999999999999".into(),
        assumed_region: "eu-west-1".into(),
        ..Origin::default()
    };
    let text = event("A");
    let Some(Record::ApiCall(call)) = parse_record(&text, RecordKind::ApiCall, &origin, None) else { panic!() };
    assert_eq!((call.account(), call.region.as_ref()), ("111122223333", "eu-west-1"));
}

#[test]
fn envelopes_are_opened() {
    let bridge = format!(
        r#"{{"version":"0","id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","resources":[],"detail":{}}}"#,
        event("A")
    );
    let (records, report) = read(bridge.as_bytes());
    assert_eq!((names(&records), report.formats[Format::EventBridge as usize]), (vec!["A"], 1));

    let message = |text: &str| json!({"id": "1", "timestamp": 1, "message": text}).to_string();
    let subscription = format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":[],"logEvents":[{},{},{}]}}"#,
        message(&event("B")),
        message(FLOW),
        message(QUERY),
    );
    let control = r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination"}]}"#;
    let (records, report) = read(format!("{subscription}{control}{subscription}").as_bytes());
    assert_eq!((report.records, report.skipped[&Skipped::ControlMessage]), ([2, 2, 2], 1));
    assert_eq!((records.len(), report.rejected_count), (6, 0));

    let lookup = json!({"Events": [{"EventId": "1", "CloudTrailEvent": event("C")}]}).to_string();
    assert_eq!(names(&read(lookup.as_bytes()).0), ["C"]);

    let export = format!(
        "2026-01-31T12:00:00.000Z {}\n2026-01-31T12:00:01.000Z {FLOW}\n2026-01-31T12:00:01.000Z {QUERY}\n",
        event("D")
    );
    let (_, report) = read(export.as_bytes());
    assert_eq!((report.records, report.rejected_count), ([1, 1, 1], 0));
}

#[test]
fn an_unescaped_message_stands_where_its_string_stands() {
    let text = format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":"{FLOW}"}}]}}"#);
    let mut position = None;
    parse(text.as_bytes(), &Origin::default(), &mut |_, raw| position = Some(raw.position));
    assert_eq!(position, text.find(FLOW).map(|at| at as u64));
}

#[test]
fn one_file_may_mix_kinds_and_be_padded_with_nul() {
    let text = format!("{}\n\0\0{FLOW}\n{QUERY}\n\n{FLOW}\nno log at all\n", event("A"));
    let (_, report) = read(text.as_bytes());
    assert_eq!((report.records, report.rejected_count), ([1, 2, 1], 1));
}

#[test]
fn bytes_that_are_no_text_cost_no_record() {
    let mut content = event("A").into_bytes();
    content.extend(b"\n");
    content.extend(
        event("B\u{e9}")
            .replace('\u{e9}', "\u{1}")
            .into_bytes()
            .iter()
            .map(|&byte| if byte == 1 { 0xff } else { byte }),
    );
    let (records, report) = read(&content);
    assert_eq!(names(&records), ["A", "B?"]);
    assert_eq!(report.remarks[&Remark::InvalidUtf8], 1);
}

#[test]
fn nesting_inside_out_costs_nothing() {
    let deep = format!(
        r#"{{"eventTime":"2026-01-31T12:00:00Z","eventName":"A","requestParameters":{}1{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert_eq!(names(&read(deep.as_bytes()).0), ["A"]);
    let (_, report) = read("[".repeat(200_000).as_bytes());
    assert!(report.is_truncated());
    let (_, report) = read(r#"{"a":"#.repeat(20_000).as_bytes());
    assert!(report.rejected_count > 0);
}

#[test]
fn hostile_text_is_read_in_linear_time() {
    // Each object opens a bracket that nothing closes: read in vain to the end of the text, if nobody took care.
    let text = "{\"eventVersion\":[\n".repeat(200_000);
    assert_eq!(read(text.as_bytes()).1.rejected_count, 200_000);
    let text =
        format!(r#"{{"Records":[{}"#, r#"{"eventName":["#.repeat(100_000) + &r#",{"eventName":["#.repeat(100_000));
    assert!(read(text.as_bytes()).1.rejected_count > 0);
}

// ── Resolver queries ──

#[test]
fn a_query_is_read_whole() {
    let origin = Origin::default();
    let Some(Record::DnsQuery(query)) = parse_record(QUERY, RecordKind::DnsQuery, &origin, None) else { panic!() };
    assert_eq!((query.name.as_ref(), query.query_type.as_ref(), query.source_port), ("example.com.", "A", 56067));
    assert_eq!(query.answers(), [("192.0.2.1".to_owned(), "A".to_owned())]);
    assert_eq!((query.instance_id.as_ref(), query.resolver_endpoint.as_ref()), ("i-1", "rslvr-in-1"));
    assert!(query.is_blocked());
    assert_eq!(
        (query.firewall_rule_group.as_ref(), query.firewall_domain_list.as_ref()),
        ("rslvr-frg-1", "rslvr-fdl-1")
    );
    let (records, _) = read(QUERY.as_bytes());
    assert_eq!(names(&records), ["example.com."]);
}

#[test]
fn the_order_and_the_spelling_of_members_do_not_matter() {
    let origin = Origin::default();
    let usual = parse_record(QUERY, RecordKind::DnsQuery, &origin, None);
    let Value::Object(mut members) = serde_json::from_str(QUERY).unwrap() else { panic!() };
    members.remove("answers"); // It is compared as raw text, which `serde_json` writes in its own way.
    let text = serde_json::to_string_pretty(&members).unwrap();
    let (Some(Record::DnsQuery(usual)), Some(Record::DnsQuery(sorted))) =
        (usual, parse_record(&text, RecordKind::DnsQuery, &origin, None))
    else {
        panic!()
    };
    assert_eq!(DnsQuery { answers: "", ..usual.clone() }, sorted);
    for key in members.keys() {
        let text = QUERY.replace(&format!("\"{key}\":"), &format!("\"{key}\" : "));
        let Some(Record::DnsQuery(spaced)) = parse_record(&text, RecordKind::DnsQuery, &origin, None) else { panic!() };
        assert_eq!(spaced, usual, "{text}");
    }
    let twice = format!("{},\"rcode\":null}}", &QUERY[..QUERY.len() - 1]);
    let Some(Record::DnsQuery(twice)) = parse_record(&twice, RecordKind::DnsQuery, &origin, None) else { panic!() };
    assert_eq!(twice.rcode, "");
}

#[test]
fn binary_labels_stay_as_the_log_escapes_them() {
    let text = QUERY.replace("example.com.", r"a\\001b.example.");
    let origin = Origin::default();
    let Some(Record::DnsQuery(query)) = parse_record(&text, RecordKind::DnsQuery, &origin, None) else { panic!() };
    assert_eq!(query.name, r"a\001b.example.");
}

// ── Flows ──

fn flow<'a>(line: &'a str, header: &str, origin: &'a Origin) -> VpcFlow<'a> {
    let format = FlowFormat::from_header(header).unwrap();
    match parse_record(line, RecordKind::Flow, origin, Some(&format)) {
        Some(Record::Flow(flow)) => flow,
        other => panic!("{other:?}"),
    }
}

#[test]
fn columns_come_in_the_order_of_the_header() {
    let header = "end start dstport srcport pkt-dstaddr dstaddr srcaddr tcp-flags flow-direction traffic-path region a-new-column pkt-dst-aws-service action";
    let line =
        "1418530070 1418530010 22 20641 10.1.2.3 ::ffff:172.31.16.21 2001:db8::1 18 egress 8 eu-west-1 new S3 REJECT";
    let origin = Origin { account: "111122223333".into(), ..Origin::default() };
    let flow = flow(line, header, &origin);
    assert_eq!(flow.source, "2001:db8::1".parse().ok());
    assert_eq!(flow.target, "172.31.16.21".parse().ok());
    assert_eq!(flow.packet_target, "10.1.2.3".parse().ok());
    assert_eq!((flow.source_port, flow.target_port, flow.tcp_flags, flow.traffic_path), (20641, 22, Some(18), Some(8)));
    assert_eq!((flow.start, flow.end), (Time::from_seconds(1_418_530_010), Time::from_seconds(1_418_530_070)));
    assert_eq!(
        (flow.account.as_ref(), flow.region.as_ref(), flow.target_service.as_ref()),
        ("111122223333", "eu-west-1", "S3")
    );
    assert!(flow.is_rejected());
}

#[test]
fn windows_without_data_are_counted() {
    let text = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA\n\
                2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - SKIPDATA\n";
    let (records, report) = read(text.as_bytes());
    assert!(records.is_empty());
    assert_eq!(
        (report.skipped[&Skipped::NoData], report.skipped[&Skipped::SkipData], report.rejected_count),
        (1, 1, 0)
    );
}

#[test]
fn a_dash_may_stand_in_any_column() {
    let header = FlowFormat::version_2().header();
    for column in 0..14 {
        let mut cells: Vec<&str> = FLOW.split(' ').collect();
        cells[column] = "-";
        flow(&cells.join(" "), header, &Origin::default());
    }
}

#[test]
fn several_headers_may_follow_one_another() {
    let text = format!(
        "srcaddr dstaddr start\n10.0.0.1 10.0.0.2 1418530010\nstart dstaddr srcaddr version\r\n1418530010 10.0.0.3 10.0.0.4 5\r\n{FLOW}\n1418530010  10.0.0.5\t10.0.0.6 5\n"
    );
    let (records, report) = read(text.as_bytes());
    assert_eq!(report.rejected_count, 0);
    assert_eq!(records.len(), 4);
    assert!(records[1].starts_with("Some(10.0.0.4):0 > Some(10.0.0.3)"));
    assert!(records[3].starts_with("Some(10.0.0.6):0 > Some(10.0.0.5):0"), "{}", records[3]);
}

#[test]
fn lines_without_a_known_order_of_columns_are_refused_unless_the_user_gives_one() {
    let line = b"5 10.0.0.1 10.0.0.2 1418530010";
    assert_eq!(read(line).1.rejected_count, 1);
    let origin = Origin { flow_format: FlowFormat::from_header("version srcaddr dstaddr start"), ..Origin::default() };
    assert_eq!(read_from(line, &origin).1.records, [0, 1, 0]);
}

#[test]
fn flow_logs_that_went_through_a_table_are_read() {
    let (expected, _) = read(FLOW.as_bytes());
    let row = FLOW.replace(' ', ",");
    let quoted = format!("\"{}\"", FLOW.replace(' ', "\",\""));
    let names = "version,account_id,interface_id,srcaddr,dstaddr,srcport,dstport,protocol,packets,bytes,start,end,action,log_status";
    for table in [
        row.clone(),
        format!("{names}\n{row}\r\n"),
        format!("\"{}\"\r\n{quoted}\r\n", names.replace(',', "\",\"")),
        format!("timestamp,message\n1418530010000,{FLOW}\n"),
        format!("@timestamp,@message,@log\n2014-12-14 04:06:50.000,\"{FLOW}\",\"111122223333:flow\"\n"),
    ] {
        let (records, report) = read(table.as_bytes());
        assert_eq!((&records, report.rejected_count), (&expected, 0), "{table}");
    }
    let (records, report) = read("srcaddr,dstaddr,dstport,bytes,start,end,action\n198.51.100.7,172.31.16.21,22,,1418530010,1418530070,REJECT\n198.51.100.7,172.31.16.21\n".as_bytes());
    assert_eq!((records.len(), report.rejected_count), (1, 1), "{report:?}");
    let (records, report) = read(b"name,city\nJohn,London\n1,2,3\n");
    assert_eq!((records.len(), report.rejected_count), (0, 3));
}

#[test]
fn events_in_the_cells_of_a_table_are_read() {
    let cell = |name| event(name).replace('"', "\"\"");
    let table = format!(
        "@timestamp,@message\r\n2026-01-31 12:00:00.000,\"{}\"\r\n2026-01-31 12:00:01.000,\"{}\"\r\nx,\"{{open\r\n",
        cell("A"),
        cell("B")
    );
    let (records, report) = read(table.as_bytes());
    assert_eq!((names(&records), report.rejected_count), (vec!["A", "B"], 1));
}

#[test]
fn bad_columns_are_refused_each_with_its_reason() {
    for (bad, reason) in [
        (FLOW.replace("20641", "65536"), "a number column of the flow record holds no such number"),
        (FLOW.replace("20641", "2x"), "a number column of the flow record holds no such number"),
        (FLOW.replace("172.31.16.139", "172.31.16.300"), "an address column of the flow record holds no address"),
        (FLOW.replace("1418530010 1418530070", "- -"), "the flow record has no time"),
        (FLOW.replace(" 22 ", " "), "a line that is neither JSON nor a flow record with known columns"),
    ] {
        let (records, report) = read(format!("{bad}\n{FLOW}").as_bytes());
        assert_eq!((records.len(), report.rejected[0].reason), (1, reason), "{bad}");
    }
}

#[test]
fn reports_add_up() {
    let (_, one) = read(format!("{FLOW}\nbad line\n").as_bytes());
    let mut sum = one.clone();
    for _ in 0..30 {
        sum.merge(&one);
    }
    assert_eq!((sum.records[1], sum.rejected_count), (31, 31));
    assert_eq!(sum.rejected.len(), REJECTIONS_KEPT_MAX);
    assert_eq!(sum.rejected_by_reason.values().sum::<u64>(), 31);
}

// ── The walker against serde_json ──

/// What the event gives when `serde_json` reads it.
fn projection<'a>(event: &'a Value, raw: &dyn Fn(&str) -> &'a str) -> Option<ApiCall<'a>> {
    fn text<'a>(value: &'a Value, path: &str) -> Cow<'a, str> {
        value.pointer(path).and_then(Value::as_str).unwrap_or_default().into()
    }
    fn boolean(value: &Value, path: &str) -> Option<bool> {
        match value.pointer(path)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }
    let of = |path| text(event, path);
    let issued = of("/userIdentity/inScopeOf/credentialsIssuedTo");
    let identity = Identity {
        kind: IdentityKind::from_name(&of("/userIdentity/type")),
        kind_text: of("/userIdentity/type"),
        principal_id: of("/userIdentity/principalId"),
        arn: of("/userIdentity/arn"),
        account: of("/userIdentity/accountId"),
        access_key_id: of("/userIdentity/accessKeyId"),
        user_name: of("/userIdentity/userName"),
        invoked_by: of("/userIdentity/invokedBy"),
        issuer: SessionIssuer {
            kind: of("/userIdentity/sessionContext/sessionIssuer/type"),
            principal_id: of("/userIdentity/sessionContext/sessionIssuer/principalId"),
            arn: of("/userIdentity/sessionContext/sessionIssuer/arn"),
            account: of("/userIdentity/sessionContext/sessionIssuer/accountId"),
            user_name: of("/userIdentity/sessionContext/sessionIssuer/userName"),
        },
        source_identity: of("/userIdentity/sessionContext/sourceIdentity"),
        ec2_role_delivery: match event.pointer("/userIdentity/sessionContext/ec2RoleDelivery") {
            Some(Value::Number(number)) => number.to_string().into(),
            _ => of("/userIdentity/sessionContext/ec2RoleDelivery"),
        },
        assumed_root: boolean(event, "/userIdentity/sessionContext/assumedRoot") == Some(true),
        on_behalf_of: of("/userIdentity/onBehalfOf/userId"),
        issued_to: if issued.is_empty() { of("/userIdentity/inScopeOf/sourceArn") } else { issued },
        issued_to_type: of("/userIdentity/inScopeOf/issuerType"),
    };
    let category = of("/eventCategory");
    let is_analysed = matches!(category.as_ref(), "" | "Management" | "Data" | "NetworkActivity")
        && event.get("insightDetails").is_none()
        && !(of("/eventName").is_empty() && of("/eventSource").is_empty());
    let source_address = of("/sourceIPAddress");
    let call = ApiCall {
        time: Time::parse_utc(&of("/eventTime"))?,
        source: of("/eventSource"),
        name: of("/eventName"),
        event_id: of("/eventID"),
        shared_event_id: of("/sharedEventID"),
        event_type: of("/eventType"),
        category: match (category.as_ref(), boolean(event, "/managementEvent")) {
            ("Data", _) | ("", Some(false)) => CallCategory::Data,
            ("NetworkActivity", _) => CallCategory::NetworkActivity,
            _ => CallCategory::Management,
        },
        region: of("/awsRegion"),
        recipient_account: of("/recipientAccountId"),
        source_ip: source_address.parse().ok().map(|address: IpAddr| address.to_canonical()),
        source_address,
        user_agent: of("/userAgent"),
        error_code: of("/errorCode"),
        error_message: of("/errorMessage"),
        read_only: boolean(event, "/readOnly"),
        vpc_endpoint_id: of("/vpcEndpointId"),
        vpc_endpoint_account: of("/vpcEndpointAccountId"),
        identity,
        request: raw("requestParameters"),
        response: raw("responseElements"),
        additional: raw("additionalEventData"),
        resources: raw("resources"),
    };
    is_analysed.then_some(call)
}

/// Any value, in a key of the text or not: all the wrong types too.
fn odd_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9i64..1_000_000).prop_map(Value::from),
        Just(json!("HIDDEN_DUE_TO_SECURITY_REASONS")),
        Just(json!("true")),
        "[ -~\n\t\u{1}é😀]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z\"\\\\{}]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn usual_value(key: &'static str) -> BoxedStrategy<Value> {
    let of = |values: &'static [&'static str]| proptest::sample::select(values).prop_map(Value::from).boxed();
    match key {
        "eventTime" => (0i64..4_000_000_000).prop_map(|s| json!(Time::from_seconds(s).to_string())).boxed(),
        "eventCategory" => of(&["Management", "Data", "NetworkActivity", "Insight", "New"]),
        "sourceIPAddress" => of(&["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "ec2.amazonaws.com", "AWS Internal"]),
        "type" => of(&["Root", "IAMUser", "AssumedRole", "AWSService"]),
        "ec2RoleDelivery" => prop_oneof![Just(json!("2.0")), Just(json!(2))].boxed(),
        "managementEvent" | "readOnly" | "assumedRoot" => any::<bool>().prop_map(Value::from).boxed(),
        _ => "[A-Za-z0-9:/. -]{0,30}".prop_map(Value::from).boxed(),
    }
}

/// Members with these keys, each missing, usual or odd, in any order, some twice.
fn members(
    keys: &'static [&'static str],
    nested: impl Fn(&'static str) -> Option<BoxedStrategy<String>>,
) -> BoxedStrategy<String> {
    let each: Vec<_> = keys
        .iter()
        .map(|&key| {
            let odd = odd_value().prop_map(|value| value.to_string());
            let usual = nested(key).unwrap_or_else(|| usual_value(key).prop_map(|value| value.to_string()).boxed());
            let value = prop_oneof![8 => usual, 1 => odd];
            let written_key = prop_oneof![
                9 => Just(json!(key).to_string()),
                1 => Just(format!("\"\\u{:04x}{}\"", u32::from(key.as_bytes()[0]), &key[1..])),
            ];
            let space = proptest::sample::select(&["", "", " ", "\n  ", "\r\n\t"][..]);
            let member = (written_key, space, value)
                .prop_map(|(key, space, value)| format!("{space}{key}{space}:{space}{value}{space}"));
            proptest::collection::vec(member, 0..=1)
        })
        .collect();
    let again = proptest::collection::vec((proptest::sample::select(keys), odd_value()), 0..2);
    (each, again)
        .prop_map(|(each, again)| {
            let mut members: Vec<String> = each.into_iter().flatten().collect();
            members.extend(again.into_iter().map(|(key, value)| format!("{}:{value}", json!(key))));
            members
        })
        .prop_shuffle()
        .prop_map(|members| format!("{{{}}}", members.join(",")))
        .boxed()
}

#[test]
fn an_identity_met_before_is_not_taken_for_one_that_begins_alike() {
    let identity = |session: &str, key: &str, rest: &str| {
        format!(
            r#"{{"type":"AssumedRole","principalId":"AROAAAAAAAAAAAAAAAAAA:{session}","arn":"arn:aws:sts::111122223333:assumed-role/Build/{session}","accessKeyId":"{key}"{rest}}}"#
        )
    };
    let usual = identity("main", "ASIAAAAAAAAAAAAAAAAA", "");
    let twice = format!(r#"{usual},"userIdentity":{}"#, identity("main", "ASIABBBBBBBBBBBBBBBB", ""));
    let identities = [
        &usual,
        &usual,
        &identity("main", "ASIACCCCCCCCCCCCCCCC", ""),
        &usual,
        &identity("main", "ASIAAAAAAAAAAAAAAAAA", r#","userName":"\u0042ob""#),
        &identity("main", "ASIAAAAAAAAAAAAAAAAA", r#","userName":"\u0042ob""#),
        &twice,
        &usual,
    ];
    let events = identities.map(|identity| {
        format!(r#"{{"eventName":"A","eventTime":"2026-01-31T12:00:00Z","userIdentity":{identity},"eventSource":"iam.amazonaws.com"}}"#)
    });
    let mut keys = Vec::new();
    let file = format!("{{\"Records\":[{}]}}", events.join(","));
    parse(file.as_bytes(), &Origin::default(), &mut |record, raw| {
        assert_eq!(parse_record(raw.text, RecordKind::ApiCall, &Origin::default(), None).as_ref(), Some(record));
        let Record::ApiCall(call) = record else { panic!() };
        keys.push(format!("{}{}", &call.identity.access_key_id[4..5], call.identity.user_name));
    });
    assert_eq!(keys, ["A", "A", "C", "A", "ABob", "ABob", "B", "A"]);
}

fn any_event() -> BoxedStrategy<String> {
    const EVENT: &[&str] = &[
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "requestID",
        "eventID",
        "readOnly",
        "resources",
        "eventType",
        "managementEvent",
        "recipientAccountId",
        "sharedEventID",
        "vpcEndpointId",
        "vpcEndpointAccountId",
        "eventCategory",
        "tlsDetails",
        "nothing known",
    ];
    const IDENTITY: &[&str] = &[
        "type",
        "principalId",
        "arn",
        "accountId",
        "accessKeyId",
        "userName",
        "sessionContext",
        "invokedBy",
        "onBehalfOf",
        "inScopeOf",
    ];
    const SESSION: &[&str] = &["sessionIssuer", "attributes", "sourceIdentity", "ec2RoleDelivery", "assumedRoot"];
    const ISSUER: &[&str] = &["type", "principalId", "arn", "accountId", "userName"];
    const SCOPE: &[&str] = &["issuerType", "credentialsIssuedTo", "sourceArn", "sourceAccount"];
    members(EVENT, |key| match key {
        "userIdentity" => Some(members(IDENTITY, |key| match key {
            "sessionContext" => Some(members(SESSION, |key| match key {
                "sessionIssuer" => Some(members(ISSUER, |_| None)),
                _ => None,
            })),
            "onBehalfOf" => Some(members(&["userId", "identityStoreArn"], |_| None)),
            "inScopeOf" => Some(members(SCOPE, |_| None)),
            _ => None,
        })),
        "requestParameters" | "responseElements" | "additionalEventData" | "resources" => {
            Some(odd_value().prop_map(|value| value.to_string()).boxed())
        }
        _ => None,
    })
}

proptest! {
    #[test]
    fn the_walker_reads_what_serde_json_reads(event in any_event()) {
        let value: Value = serde_json::from_str(&event).unwrap();
        let origin = Origin::default();
        let actual = match parse_record(&event, RecordKind::ApiCall, &origin, None) {
            Some(Record::ApiCall(call)) => Some(call),
            _ => None,
        };
        // The raw texts are compared by what they mean, for `serde_json` does not keep them.
        let raws = actual.clone().unwrap_or_default();
        let expected = projection(&value, &|key| {
            let (raw, expected) = match key {
                "requestParameters" => (raws.request, &value["requestParameters"]),
                "responseElements" => (raws.response, &value["responseElements"]),
                "additionalEventData" => (raws.additional, &value["additionalEventData"]),
                _ => (raws.resources, &value["resources"]),
            };
            let meaning = serde_json::from_str(raw).unwrap_or(Value::Null);
            if &meaning == expected { raw } else { "another value" }
        });
        prop_assert_eq!(actual, expected);
    }

    #[test]
    fn events_side_by_side_do_not_disturb_one_another(
        kinds in proptest::collection::vec(any_event(), 1..5),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        // Some come again, with the same identity.
        let events: Vec<&String> = order.iter().map(|place| place.get(&kinds)).collect();
        let origin = Origin::default();
        let alone: Vec<String> = events
            .iter()
            .filter_map(|event| parse_record(event, RecordKind::ApiCall, &origin, None))
            .map(|record| format!("{record:?}"))
            .collect();
        let events: Vec<&str> = events.into_iter().map(String::as_str).collect();
        let file = format!("{{\"Records\":[{}]}}", events.join(","));
        let mut together = Vec::new();
        let report = parse(file.as_bytes(), &origin, &mut |record, raw| {
            assert!(file[raw.position as usize..].starts_with(raw.text));
            together.push(format!("{record:?}"));
        });
        prop_assert_eq!(alone, together);
        prop_assert!(!report.is_truncated());
    }

    #[test]
    fn any_bytes_are_answered(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&content);
    }

    #[test]
    fn any_shuffle_of_real_parts_is_answered(parts in proptest::collection::vec(proptest::sample::select(&[
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\n", "\r\n", " ", "\0", "-", "é", "\u{feff}", "\"Records\":[",
        "{\"eventVersion\":\"1.11\"", "\"eventTime\":\"2026-01-31T12:00:00Z\"", "\"eventName\":\"A\"", "\"userIdentity\":{",
        "\"sessionContext\":{\"sessionIssuer\":", "\"detail\":{", "\"logEvents\":[{\"message\":\"", "\\\"", "{\"version\":\"1.1",
        "\"query_name\":\"a.\"", "\"query_timestamp\":\"2026-01-31T12:00:00Z\"", "\"CloudTrailEvent\":\"", "\"digestStartTime\":",
        "2026-01-31T12:00:00.000Z ", "version srcaddr dstaddr start\n", "5 10.0.0.1 10.0.0.2 1418530010\n",
        "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 1 1418530010 1418530070 ACCEPT OK",
    ][..]), 0..40)) {
        read(parts.concat().as_bytes());
    }

    #[test]
    fn a_cut_anywhere_is_survived(cut in 0usize..1000) {
        let text = format!("{{\"Records\":[{},{}]}}\n{QUERY}\n{FLOW}", event("A"), event("B"));
        read(&text.as_bytes()[..cut.min(text.len())]);
    }
}
