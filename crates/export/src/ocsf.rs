//! Detection Finding of the Open Cybersecurity Schema Framework, version 1.9.0, with the profile `cloud`.
//!
//! Numbers that stand for words (`severity_id`, …) are those of the schema; the words stand beside them.

use crate::{VERSION, mitre, wire};
use serde_json::{Value, json};
use watchfire_model::{SeverityLevel, catalogue};

/// The version of the schema.
pub const OCSF_VERSION: &str = "1.9.0";

const CLASS_DETECTION_FINDING: u64 = 2004;
const CATEGORY_FINDINGS: u64 = 2;

/// The finding as an OCSF event.
pub fn ocsf_finding(finding: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let time = |pointer: &str| wire::time_ms(finding, pointer).map_or(Value::Null, Value::from);
    let is_update = wire::number(finding, "/service/count").is_some_and(|count| count > 1);
    let (activity_id, activity) = if is_update { (2, "Update") } else { (1, "Create") };
    let (status_id, status) = if wire::is_archived(finding) { (5, "Archived") } else { (1, "New") };
    let (severity_id, severity) = severity(finding);
    let entry = catalogue::entry(text("/type"));
    let remediation = entry.map_or("", |entry| entry.remediation.as_str());
    wire::known([
        ("class_uid", json!(CLASS_DETECTION_FINDING)),
        ("class_name", json!("Detection Finding")),
        ("category_uid", json!(CATEGORY_FINDINGS)),
        ("category_name", json!("Findings")),
        ("activity_id", json!(activity_id)),
        ("activity_name", json!(activity)),
        ("type_uid", json!(CLASS_DETECTION_FINDING * 100 + activity_id)),
        ("type_name", json!(format!("Detection Finding: {activity}"))),
        ("severity_id", json!(severity_id)),
        ("severity", json!(severity)),
        ("status_id", json!(status_id)),
        ("status", json!(status)),
        ("is_alert", json!(true)),
        // When the finding was made, as the schema says of its findings: the activity's own times follow. The schema asks
        // for it; a finding without a time has none that we could give.
        ("time", json!(wire::time_ms(finding, "/createdAt").unwrap_or_default())),
        ("start_time", time("/service/eventFirstSeen")),
        ("end_time", time("/service/eventLastSeen")),
        ("count", json!(wire::number(finding, "/service/count"))),
        ("message", json!(text("/title"))),
        ("metadata", metadata(finding)),
        ("cloud", cloud(finding)),
        ("finding_info", finding_info(finding)),
        ("evidences", evidences(finding)),
        ("resources", resources(finding)),
        ("observables", observables(finding)),
        ("remediation", wire::known([("desc", json!(remediation))])),
        ("risk_details", json!(wire::texts(finding, "/watchfire/explanation").join(" "))),
        ("unmapped", unmapped(finding)),
    ])
}

fn severity(finding: &Value) -> (u8, &'static str) {
    match wire::severity(finding).map(watchfire_model::Severity::level) {
        Some(SeverityLevel::Low) => (2, "Low"),
        Some(SeverityLevel::Medium) => (3, "Medium"),
        Some(SeverityLevel::High) => (4, "High"),
        Some(SeverityLevel::Critical) => (5, "Critical"),
        None => (0, "Unknown"),
    }
}

fn metadata(finding: &Value) -> Value {
    let version = wire::text(finding, "/watchfire/version");
    let version = if version.is_empty() { VERSION } else { version };
    // Who made it: GuardDuty's own findings lack our key.
    let product = match finding.get("watchfire") {
        Some(_) => json!({"name": "Watchfire", "vendor_name": "Watchfire", "version": version}),
        None => json!({"name": "GuardDuty", "vendor_name": "AWS"}),
    };
    wire::known([
        ("version", json!(OCSF_VERSION)),
        ("product", product),
        ("profiles", json!(["cloud"])),
        ("uid", json!(wire::text(finding, "/id"))),
        ("log_name", json!("GuardDuty Finding")),
        ("log_version", json!(wire::text(finding, "/schemaVersion"))),
    ])
}

fn cloud(finding: &Value) -> Value {
    wire::known([
        ("provider", json!("AWS")),
        ("account", account(wire::text(finding, "/accountId"))),
        ("region", json!(wire::text(finding, "/region"))),
        ("cloud_partition", json!(wire::text(finding, "/partition"))),
    ])
}

fn account(id: &str) -> Value {
    if id.is_empty() { Value::Null } else { json!({"uid": id, "type_id": 10, "type": "AWS Account"}) }
}

fn finding_info(finding: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let name = text("/type");
    let time = |pointer: &str| wire::time_ms(finding, pointer).map_or(Value::Null, Value::from);
    wire::known([
        ("uid", json!(text("/id"))),
        ("uid_alt", json!(text("/arn"))),
        ("title", json!(text("/title"))),
        ("desc", json!(text("/description"))),
        ("types", json!([name])),
        ("analytic", json!({"name": name, "type_id": 1, "type": "Rule"})),
        ("attacks", attacks(name)),
        ("created_time", time("/createdAt")),
        ("modified_time", time("/updatedAt")),
        ("first_seen_time", time("/service/eventFirstSeen")),
        ("last_seen_time", time("/service/eventLastSeen")),
        ("data_sources", data_sources(name)),
    ])
}

fn data_sources(name: &str) -> Value {
    let source = catalogue::entry(name).and_then(|entry| entry.data_source.as_deref());
    source.map_or(Value::Null, |source| json!([source]))
}

/// One attack for each technique, with the tactics of the type; the tactics alone if it has none.
fn attacks(name: &str) -> Value {
    let tactics: Vec<Value> = mitre::tactics(name)
        .into_iter()
        .map(|tactic| wire::known([("uid", json!(tactic.id)), ("name", json!(tactic.name))]))
        .collect();
    let first = tactics.first().cloned().unwrap_or_default();
    let techniques = mitre::techniques(name);
    if techniques.is_empty() {
        let attack = wire::known([("tactic", first)]);
        return if wire::is_nothing(&attack) { Value::Null } else { json!([attack]) };
    }
    let attack = |id: &String| {
        let (technique, sub) = id.split_once('.').map_or((id.as_str(), ""), |(technique, _)| (technique, id.as_str()));
        let described = |id: &str| json!({"uid": id, "src_url": mitre::technique_url(id)});
        wire::known([
            ("tactic", first.clone()),
            ("technique", described(technique)),
            ("sub_technique", if sub.is_empty() { Value::Null } else { described(sub) }),
        ])
    };
    techniques.iter().map(attack).collect()
}

/// What was done: the call, the connection, each probe, the query.
fn evidences(finding: &Value) -> Value {
    let Some(action) = finding.pointer("/service/action") else { return Value::Null };
    let mut evidences = Vec::new();
    if let Some(call) = action.get("awsApiCallAction") {
        evidences.push(call_evidence(finding, call));
    }
    if let Some(connection) = action.get("networkConnectionAction") {
        evidences.push(connection_evidence(connection, wire::text(connection, "/connectionDirection")));
    }
    for probe in wire::list(action, "/portProbeAction/portProbeDetails") {
        evidences.push(connection_evidence(probe, "INBOUND"));
    }
    if let Some(request) = action.get("dnsRequestAction") {
        let hostname = wire::text(request, "/domain");
        evidences.push(wire::known([
            ("query", wire::known([("hostname", json!(hostname))])),
            ("src_endpoint", instance_endpoint(finding)),
        ]));
    }
    evidences.retain(|evidence| !wire::is_nothing(evidence));
    Value::Array(evidences)
}

fn call_evidence(finding: &Value, call: &Value) -> Value {
    let error = wire::known([("error", json!(wire::text(call, "/errorCode")))]);
    let service = wire::known([("name", json!(wire::text(call, "/serviceName")))]);
    let api = match wire::text(call, "/api") {
        "" => Value::Null,
        operation => wire::known([("operation", json!(operation)), ("service", service), ("response", error)]),
    };
    let agent = wire::known([("user_agent", json!(wire::text(call, "/userAgent")))]);
    let mut source = endpoint(call.get("remoteIpDetails").unwrap_or(&Value::Null), None);
    let domain = wire::text(call, "/domainDetails/domain");
    if !domain.is_empty() && source.is_object() {
        source["domain"] = json!(domain);
    }
    wire::known([
        ("api", api),
        ("actor", wire::known([("user", user(finding))])),
        ("src_endpoint", source),
        ("http_request", agent),
    ])
}

fn connection_evidence(connection: &Value, direction: &str) -> Value {
    let side = |side: &str| {
        let details = connection.get(format!("{side}IpDetails")).unwrap_or(&Value::Null);
        let port = wire::number(connection, &format!("/{side}PortDetails/port"));
        let mut endpoint = endpoint(details, port);
        let interface = wire::text(connection, "/localNetworkInterface");
        if side == "local" && !interface.is_empty() {
            endpoint["interface_uid"] = json!(interface);
        }
        // A port alone is no endpoint.
        if endpoint.get("ip").is_none() && endpoint.get("interface_uid").is_none() { Value::Null } else { endpoint }
    };
    let (source, target, id, name) = match direction {
        "INBOUND" => (side("remote"), side("local"), 1, "Inbound"),
        "OUTBOUND" => (side("local"), side("remote"), 2, "Outbound"),
        _ => (side("local"), side("remote"), 0, "Unknown"),
    };
    wire::known([
        ("src_endpoint", source),
        ("dst_endpoint", target),
        (
            "connection_info",
            wire::known([
                ("direction_id", json!(id)),
                ("direction", json!(name)),
                ("protocol_name", json!(wire::text(connection, "/protocol").to_lowercase())),
            ]),
        ),
    ])
}

/// An address, its port, its place and its network.
fn endpoint(details: &Value, port: Option<u64>) -> Value {
    let location = wire::known([
        ("city", json!(wire::text(details, "/city/cityName"))),
        ("country", json!(wire::text(details, "/country/countryCode"))),
    ]);
    let with_coordinates = match (details.pointer("/geoLocation/lat"), details.pointer("/geoLocation/lon")) {
        // The schema wants a place with a name before it takes coordinates.
        (Some(lat), Some(lon)) if !wire::is_nothing(&location) => {
            let mut location = location;
            location["lat"] = lat.clone();
            location["long"] = lon.clone();
            location
        }
        _ => location,
    };
    let system = wire::known([
        ("number", json!(wire::asn(details))),
        ("name", json!(wire::text(details, "/organization/asnOrg"))),
    ]);
    wire::known([
        ("ip", json!(wire::address(details))),
        ("port", json!(port)),
        ("location", with_coordinates),
        ("autonomous_system", system),
        ("isp", json!(wire::text(details, "/organization/isp"))),
    ])
}

fn instance_endpoint(finding: &Value) -> Value {
    let instance = finding.pointer("/resource/instanceDetails").unwrap_or(&Value::Null);
    wire::known([
        ("instance_uid", json!(wire::text(instance, "/instanceId"))),
        ("interface_uid", json!(wire::text(instance, "/networkInterfaces/0/networkInterfaceId"))),
        ("ip", json!(wire::text(instance, "/networkInterfaces/0/privateIpAddress"))),
        ("vpc_uid", json!(wire::text(instance, "/networkInterfaces/0/vpcId"))),
        ("subnet_uid", json!(wire::text(instance, "/networkInterfaces/0/subnetId"))),
    ])
}

fn user(finding: &Value) -> Value {
    let Some(key) = finding.pointer("/resource/accessKeyDetails") else { return Value::Null };
    let names = [wire::text(key, "/userName"), wire::text(key, "/principalId")];
    if names.iter().all(|name| name.is_empty()) {
        return Value::Null;
    }
    let kind = wire::text(key, "/userType");
    let type_id = match kind {
        "" => 0,
        "IAMUser" => 1,
        "Root" => 2,
        "AWSService" => 4,
        _ => 99,
    };
    wire::known([
        ("name", json!(names[0])),
        ("uid", json!(names[1])),
        ("type_id", json!(type_id)),
        ("type", json!(kind)),
        ("credential_uid", json!(wire::text(key, "/accessKeyId"))),
        ("account", account(wire::text(finding, "/accountId"))),
    ])
}

fn resources(finding: &Value) -> Value {
    let mut resources = Vec::new();
    let place = |uid: &str, name: &str, kind: &str, rest: Value| {
        wire::known([
            ("uid", json!(uid)),
            ("name", json!(name)),
            ("type", json!(kind)),
            ("region", json!(wire::text(finding, "/region"))),
            ("cloud_partition", json!(wire::text(finding, "/partition"))),
            ("tags", rest),
        ])
    };
    for bucket in wire::list(finding, "/resource/s3BucketDetails") {
        let tags = tags(wire::list(bucket, "/tags"));
        resources.push(place(wire::text(bucket, "/arn"), wire::text(bucket, "/name"), "AWS::S3::Bucket", tags));
    }
    if let Some(instance) = finding.pointer("/resource/instanceDetails") {
        let interface = wire::text(instance, "/networkInterfaces/0/networkInterfaceId");
        let (id, kind) = match wire::text(instance, "/instanceId") {
            "" => (interface, "AWS::EC2::NetworkInterface"),
            id => (id, "AWS::EC2::Instance"),
        };
        resources.push(place(id, "", kind, tags(wire::list(instance, "/tags"))));
    }
    if let Some(key) = finding.pointer("/resource/accessKeyDetails") {
        let name = wire::text(key, "/userName");
        resources.push(place(wire::text(key, "/accessKeyId"), name, "AWS::IAM::AccessKey", Value::Null));
    }
    resources.retain(|resource| resource.get("uid").is_some() || resource.get("name").is_some());
    Value::Array(resources)
}

fn tags(pairs: &[Value]) -> Value {
    let pairs = pairs.iter().map(|tag| json!({"name": wire::text(tag, "/key"), "value": wire::text(tag, "/value")}));
    pairs.collect()
}

/// The values that an analyst searches for, and where in this event they stand.
fn observables(finding: &Value) -> Value {
    let mut observables = Vec::new();
    let mut add = |name: &str, type_id: u8, kind: &str, value: &str| {
        if !value.is_empty() {
            observables.push(json!({"name": name, "type_id": type_id, "type": kind, "value": value}));
        }
    };
    let inbound = wire::text(wire::action_details(finding), "/connectionDirection") != "OUTBOUND";
    let name = if inbound { "evidences[].src_endpoint.ip" } else { "evidences[].dst_endpoint.ip" };
    add(name, 2, "IP Address", wire::address(wire::other_side(finding)));
    add("evidences[].query.hostname", 1, "Hostname", wire::text(finding, "/service/action/dnsRequestAction/domain"));
    add("evidences[].actor.user.name", 4, "User Name", wire::text(finding, "/resource/accessKeyDetails/userName"));
    add("resources[].uid", 10, "Resource UID", wire::text(finding, "/resource/instanceDetails/instanceId"));
    for bucket in wire::list(finding, "/resource/s3BucketDetails") {
        add("resources[].uid", 10, "Resource UID", wire::text(bucket, "/arn"));
    }
    Value::Array(observables)
}

/// What the schema has no place for: GuardDuty's severity as a number, the role of the resource, lists that matched,
/// and our evidence without the records' text.
fn unmapped(finding: &Value) -> Value {
    let records = |list: &str| -> Vec<Value> {
        let records = wire::list(finding, &format!("/watchfire/evidence/{list}")).iter();
        records
            .map(|record| wire::known(["time", "file", "position", "sha256"].map(|key| (key, record[key].clone()))))
            .collect()
    };
    let value = |pointer: &str| finding.pointer(pointer).cloned().unwrap_or_default();
    wire::known([
        ("severity", value("/severity")),
        ("resourceRole", value("/service/resourceRole")),
        ("threatIntelligenceDetails", value("/service/evidence/threatIntelligenceDetails")),
        ("knowledge", value("/watchfire/knowledge")),
        ("missing", value("/watchfire/missing")),
        ("records", Value::from([records("first"), records("last")].concat())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};

    /// The published schema, of which the folder's README tells source and licence.
    const SCHEMA: &str = include_str!("../tests/schemas/ocsf-1.9.0-detection-finding.json");

    const REAL: [&str; 6] = [
        include_str!("../tests/fixtures/api_call.json"),
        include_str!("../tests/fixtures/dns_request.json"),
        include_str!("../tests/fixtures/network_connection.json"),
        include_str!("../tests/fixtures/port_probe.json"),
        include_str!("../tests/fixtures/rds_login.json"),
        include_str!("../tests/fixtures/s3_bucket.json"),
    ];

    fn check(event: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let mut complaints = Vec::new();
        check_schema(&schema, &schema, event, "$", &mut complaints);
        complaints
    }

    #[test]
    fn every_finding_is_what_the_schema_says_ours_and_guardduties_own() {
        let ours = samples::all().into_iter().map(|finding| finding_json(&finding));
        for finding in ours.chain(REAL.iter().map(|text| serde_json::from_str(text).unwrap())) {
            let event = ocsf_finding(&finding);
            assert_eq!(check(&event), [""; 0], "{event:#}");
        }
        assert!(check(&ocsf_finding(&json!({}))).iter().all(|complaint| complaint.contains("finding_info")));
    }

    #[test]
    fn the_check_is_not_blind() {
        let whole = ocsf_finding(&finding_json(&samples::api_call()));
        let check_refused = |parent: &str, key: &str, value: Value| {
            let mut changed = whole.clone();
            changed.pointer_mut(parent).unwrap()[key] = value;
            assert_eq!(check(&changed).len(), 1, "{parent}/{key}");
        };
        check_refused("", "severity_id", json!(7));
        check_refused("", "class_uid", json!(2001));
        check_refused("", "extra", json!(1));
        check_refused("/metadata", "version", json!(1));
        check_refused("/finding_info/analytic", "type_id", json!(77));
        check_refused("/finding_info/attacks/0", "tactic", json!({}));
    }

    #[test]
    fn a_call_reads_as_one() {
        let event = ocsf_finding(&finding_json(&samples::api_call()));
        assert_eq!(event["type_uid"], 200_402, "three occurrences: the finding was updated");
        assert_eq!(event["time"].as_i64(), wire::time_ms(&finding_json(&samples::api_call()), "/createdAt"));
        let evidence = &event["evidences"][0];
        assert_eq!(evidence["api"]["operation"], "ListBuckets");
        assert_eq!(evidence["src_endpoint"]["ip"], "198.51.100.7");
        assert_eq!(evidence["src_endpoint"]["autonomous_system"]["number"], 64_500);
        assert_eq!(evidence["actor"]["user"]["name"], "alice");
        assert_eq!(event["finding_info"]["attacks"][0]["sub_technique"]["uid"], "T1078.004");
        assert_eq!(event["cloud"]["account"]["uid"], "111122223333");
    }

    #[test]
    fn who_opened_a_connection_is_its_source() {
        let out = ocsf_finding(&finding_json(&samples::connection()));
        assert_eq!(out["evidences"][0]["dst_endpoint"]["ip"], "203.0.113.9");
        assert_eq!(out["evidences"][0]["connection_info"]["direction_id"], 2);
        let probed = ocsf_finding(&finding_json(&samples::port_probe()));
        assert_eq!(probed["evidences"][0]["src_endpoint"]["ip"], "2001:db8::1");
        assert_eq!(probed["evidences"].as_array().unwrap().len(), 2);
        let query = ocsf_finding(&finding_json(&samples::dns_request()));
        assert_eq!(query["evidences"][0]["query"]["hostname"], "xkqzjvwp.example.com");
    }

    /// As much of JSON Schema as the extract uses; a keyword outside of that is an error.
    fn check_schema(root: &Value, schema: &Value, value: &Value, path: &str, complaints: &mut Vec<String>) {
        for (keyword, rule) in schema.as_object().unwrap() {
            let has = |key: &Value| value.get(key.as_str().unwrap()).is_some();
            match keyword.as_str() {
                "$id" | "$schema" | "$defs" | "additionalProperties" => {}
                "$ref" => {
                    let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                    check_schema(root, target, value, path, complaints);
                }
                "type" => {
                    let fits = match rule.as_str().unwrap() {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "integer" => value.is_i64() || value.is_u64(),
                        "number" => value.is_number(),
                        "boolean" => value.is_boolean(),
                        other => panic!("add the type {other} to the checker"),
                    };
                    if !fits {
                        complaints.push(format!("{path}: is not of type {rule}"));
                    }
                }
                "required" => {
                    for key in rule.as_array().unwrap().iter().filter(|key| !has(key)) {
                        complaints.push(format!("{path}: lacks {key}"));
                    }
                }
                "anyOf" => {
                    let choices = rule.as_array().unwrap();
                    if !choices.iter().any(|choice| choice["required"].as_array().unwrap().iter().all(has)) {
                        complaints.push(format!("{path}: has none of {rule}"));
                    }
                }
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    complaints.push(format!("{path}: {value} is none of {rule}"));
                }
                "const" if rule != value => complaints.push(format!("{path}: {value} is not {rule}")),
                "enum" | "const" => {}
                "items" => {
                    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                        check_schema(root, rule, item, &format!("{path}[{at}]"), complaints);
                    }
                }
                "properties" => {
                    for (key, member) in value.as_object().into_iter().flatten() {
                        match rule.get(key) {
                            Some(rule) => check_schema(root, rule, member, &format!("{path}.{key}"), complaints),
                            None if schema["additionalProperties"] == json!(false) => {
                                complaints.push(format!("{path}: has {key}, which is not in the schema"));
                            }
                            None => {}
                        }
                    }
                }
                other => panic!("add the keyword {other} to the checker"),
            }
        }
    }
}
