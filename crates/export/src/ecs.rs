//! Elastic Common Schema, version 9.4.0: one document a finding, for Elasticsearch, OpenSearch and what reads them.

use crate::{VERSION, mitre, wire};
use serde_json::{Value, json};
use std::net::IpAddr;
use watchfire_model::catalogue;

/// The version of the schema.
pub const ECS_VERSION: &str = "9.4.0";

/// GuardDuty's severities have a decimal (8.5) and the field is a whole number, so it holds tenths: 85 is 8.5.
const SEVERITY_SCALE: f64 = 10.0;

/// The finding as a document.
pub fn ecs_event(finding: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let action = wire::action_details(finding);
    let agent = json!(wire::text(action, "/userAgent"));
    wire::known([
        ("@timestamp", json!(text("/service/eventLastSeen"))),
        ("ecs", json!({ "version": ECS_VERSION })),
        ("message", json!(text("/title"))),
        ("event", event(finding)),
        ("rule", rule(finding)),
        ("threat", threat(text("/type"))),
        ("cloud", cloud(finding)),
        ("source", source(finding)),
        ("destination", destination(finding)),
        ("network", network(finding)),
        ("dns", wire::known([("question", question(action))])),
        ("user", user(finding)),
        ("user_agent", wire::known([("original", agent)])),
        ("error", wire::known([("code", json!(wire::text(action, "/errorCode")))])),
        ("observer", observer(finding)),
        ("related", related(finding)),
        ("labels", labels(finding)),
    ])
}

fn event(finding: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let severity = finding.get("severity").and_then(Value::as_f64).map(|severity| (severity * SEVERITY_SCALE).round());
    let action = wire::action_details(finding);
    let (categories, what) = match text("/service/action/actionType") {
        "AWS_API_CALL" => (json!(["intrusion_detection", "api"]), wire::text(action, "/api")),
        "DNS_REQUEST" => (json!(["intrusion_detection", "network"]), "dns-request"),
        "NETWORK_CONNECTION" => (json!(["intrusion_detection", "network"]), "network-connection"),
        "PORT_PROBE" => (json!(["intrusion_detection", "network"]), "port-probe"),
        _ => (json!(["intrusion_detection"]), ""),
    };
    let outcome = match (wire::text(action, "/errorCode"), action.get("api")) {
        ("", Some(_)) => "success",
        (_, Some(_)) => "failure",
        (_, None) => "",
    };
    wire::known([
        ("kind", json!("alert")),
        ("category", categories),
        ("type", json!(["info"])),
        ("action", json!(what)),
        ("outcome", json!(outcome)),
        ("id", json!(text("/id"))),
        ("code", json!(text("/type"))),
        ("module", json!("watchfire")),
        ("dataset", json!("watchfire.finding")),
        ("provider", json!(wire::text(action, "/serviceName"))),
        ("severity", json!(severity.map(|tenths| tenths as u64))),
        ("start", json!(text("/service/eventFirstSeen"))),
        ("end", json!(text("/service/eventLastSeen"))),
        ("created", json!(text("/createdAt"))),
        ("reason", json!(wire::texts(finding, "/watchfire/explanation").join(" "))),
    ])
}

fn rule(finding: &Value) -> Value {
    let name = wire::text(finding, "/type");
    wire::known([
        ("name", json!(name)),
        ("category", json!(name.split(':').next().unwrap_or_default())),
        ("ruleset", json!("GuardDuty finding types")),
        ("description", json!(catalogue::entry(name).map_or("", |entry| entry.detects.as_str()))),
        ("version", json!(wire::text(finding, "/watchfire/version"))),
    ])
}

fn threat(name: &str) -> Value {
    let tactics = mitre::tactics(name);
    let techniques = mitre::techniques(name);
    let mut parents: Vec<&str> = techniques.iter().map(|id| id.split('.').next().unwrap_or(id)).collect();
    parents.dedup();
    let subs: Vec<&String> = techniques.iter().filter(|id| id.contains('.')).collect();
    let urls = |ids: &[&str]| ids.iter().map(|id| mitre::technique_url(id)).collect::<Vec<_>>();
    if tactics.is_empty() && techniques.is_empty() {
        return Value::Null;
    }
    wire::known([
        ("framework", json!("MITRE ATT&CK")),
        (
            "tactic",
            wire::known([
                ("id", tactics.iter().map(|tactic| tactic.id).collect()),
                ("name", tactics.iter().map(|tactic| tactic.name).filter(|name| !name.is_empty()).collect()),
            ]),
        ),
        (
            "technique",
            wire::known([
                ("id", json!(parents)),
                ("reference", json!(urls(&parents))),
                ("subtechnique", wire::known([("id", json!(subs))])),
            ]),
        ),
    ])
}

fn cloud(finding: &Value) -> Value {
    let instance = finding.pointer("/resource/instanceDetails").unwrap_or(&Value::Null);
    wire::known([
        ("provider", json!("aws")),
        ("account", wire::known([("id", json!(wire::text(finding, "/accountId")))])),
        ("region", json!(wire::text(finding, "/region"))),
        ("availability_zone", json!(wire::text(instance, "/availabilityZone"))),
        ("instance", wire::known([("id", json!(wire::text(instance, "/instanceId")))])),
        ("machine", wire::known([("type", json!(wire::text(instance, "/instanceType")))])),
    ])
}

/// Who opened the connection or sent the request.
fn source(finding: &Value) -> Value {
    let action = wire::action_details(finding);
    if action.get("domainWithSuffix").or(action.get("domain")).is_some() {
        let address = wire::text(finding, "/resource/instanceDetails/networkInterfaces/0/privateIpAddress");
        return wire::known([("ip", ip(address)), ("address", json!(address))]);
    }
    if is_outbound(action) { local_side(action) } else { remote_side(finding, action) }
}

fn destination(finding: &Value) -> Value {
    let action = wire::action_details(finding);
    let probe = action.pointer("/portProbeDetails/0").unwrap_or(action);
    if is_outbound(action) { remote_side(finding, action) } else { local_side(probe) }
}

fn is_outbound(action: &Value) -> bool {
    wire::text(action, "/connectionDirection") == "OUTBOUND"
}

fn local_side(action: &Value) -> Value {
    let address = wire::address(action.get("localIpDetails").unwrap_or(&Value::Null));
    wire::known([
        ("ip", ip(address)),
        ("address", json!(address)),
        ("port", json!(wire::number(action, "/localPortDetails/port"))),
    ])
}

fn remote_side(finding: &Value, action: &Value) -> Value {
    let details = wire::other_side(finding);
    let address = wire::address(details);
    let location = match (details.pointer("/geoLocation/lat"), details.pointer("/geoLocation/lon")) {
        (Some(lat), Some(lon)) => json!({"lat": lat, "lon": lon}),
        _ => Value::Null,
    };
    let organization = wire::known([("name", json!(wire::text(details, "/organization/asnOrg")))]);
    wire::known([
        ("ip", ip(address)),
        ("address", json!(address)),
        ("port", json!(wire::number(action, "/remotePortDetails/port"))),
        ("domain", json!(wire::text(action, "/domainDetails/domain"))),
        ("as", wire::known([("number", json!(wire::asn(details))), ("organization", organization)])),
        (
            "geo",
            wire::known([
                ("city_name", json!(wire::text(details, "/city/cityName"))),
                ("country_iso_code", json!(wire::text(details, "/country/countryCode"))),
                ("country_name", json!(wire::text(details, "/country/countryName"))),
                ("location", location),
            ]),
        ),
    ])
}

/// The address, if it is one: Elasticsearch refuses a whole document for a field of type `ip` that holds none.
fn ip(address: &str) -> Value {
    if address.parse::<IpAddr>().is_ok() { json!(address) } else { Value::Null }
}

fn network(finding: &Value) -> Value {
    let action = wire::action_details(finding);
    wire::known([
        ("transport", json!(wire::text(action, "/protocol").to_lowercase())),
        (
            "direction",
            json!(match wire::text(action, "/connectionDirection") {
                "INBOUND" => "inbound",
                "OUTBOUND" => "outbound",
                _ => "",
            }),
        ),
        ("protocol", json!(if action.get("domain").is_some() { "dns" } else { "" })),
    ])
}

fn question(action: &Value) -> Value {
    wire::known([
        ("name", json!(wire::text(action, "/domain"))),
        ("registered_domain", json!(wire::text(action, "/domainWithSuffix"))),
    ])
}

fn user(finding: &Value) -> Value {
    let key = finding.pointer("/resource/accessKeyDetails").unwrap_or(&Value::Null);
    wire::known([("name", json!(wire::text(key, "/userName"))), ("id", json!(wire::text(key, "/principalId")))])
}

fn observer(finding: &Value) -> Value {
    match finding.get("watchfire") {
        Some(ours) => {
            let version = wire::text(ours, "/version");
            let version = if version.is_empty() { VERSION } else { version };
            json!({"vendor": "Watchfire", "product": "Watchfire", "version": version})
        }
        None => json!({"vendor": "AWS", "product": "GuardDuty"}),
    }
}

/// Every address, user and host of the finding, for searching across fields.
fn related(finding: &Value) -> Value {
    let mut addresses = vec![wire::address(wire::other_side(finding))];
    for probe in wire::list(wire::action_details(finding), "/portProbeDetails") {
        addresses.push(wire::address(probe.get("remoteIpDetails").unwrap_or(&Value::Null)));
    }
    for interface in wire::list(finding, "/resource/instanceDetails/networkInterfaces") {
        addresses.extend([wire::text(interface, "/privateIpAddress"), wire::text(interface, "/publicIp")]);
        addresses.extend(wire::texts(interface, "/ipv6Addresses"));
    }
    let key = |name: &str| wire::text(finding, &format!("/resource/accessKeyDetails/{name}"));
    let users = vec![key("userName"), key("principalId"), key("accessKeyId")];
    let action = wire::action_details(finding);
    let hosts = vec![
        wire::text(action, "/domain"),
        wire::text(action, "/domainDetails/domain"),
        wire::text(finding, "/resource/instanceDetails/instanceId"),
    ];
    addresses.retain(|address| !ip(address).is_null());
    wire::known([("ip", distinct(addresses)), ("user", distinct(users)), ("hosts", distinct(hosts))])
}

fn distinct(mut values: Vec<&str>) -> Value {
    values.retain(|value| !value.is_empty());
    values.sort_unstable();
    values.dedup();
    json!(values)
}

/// What the schema has no field for. Labels are texts.
fn labels(finding: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let buckets = wire::list(finding, "/resource/s3BucketDetails").iter().map(|bucket| wire::text(bucket, "/name"));
    let lists = wire::list(finding, "/service/evidence/threatIntelligenceDetails").iter();
    let lists = lists.map(|list| wire::text(list, "/threatListName"));
    wire::known([
        ("resource_type", json!(text("/resource/resourceType"))),
        ("resource_role", json!(text("/service/resourceRole"))),
        ("bucket", json!(buckets.collect::<Vec<_>>().join(", "))),
        ("access_key_id", json!(text("/resource/accessKeyDetails/accessKeyId"))),
        ("threat_list", json!(lists.collect::<Vec<_>>().join(", "))),
        ("count", json!(wire::number(finding, "/service/count").map_or(String::new(), |count| count.to_string()))),
        ("archived", json!(wire::is_archived(finding).to_string())),
        ("finding_arn", json!(text("/arn"))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};
    use watchfire_model::Time;

    /// The published fields, of which the folder's README tells source and licence.
    const FIELDS: &str = include_str!("../tests/schemas/ecs-9.4.0-fields.json");

    const REAL: [&str; 6] = [
        include_str!("../tests/fixtures/api_call.json"),
        include_str!("../tests/fixtures/dns_request.json"),
        include_str!("../tests/fixtures/network_connection.json"),
        include_str!("../tests/fixtures/port_probe.json"),
        include_str!("../tests/fixtures/rds_login.json"),
        include_str!("../tests/fixtures/s3_bucket.json"),
    ];

    #[test]
    fn every_field_is_one_of_the_schema_and_of_its_type() {
        let ours = samples::all().into_iter().map(|finding| finding_json(&finding));
        for finding in ours.chain(REAL.iter().map(|text| serde_json::from_str(text).unwrap())) {
            let event = ecs_event(&finding);
            let schema: Value = serde_json::from_str(FIELDS).unwrap();
            assert_eq!(schema["ecs"], ECS_VERSION);
            let mut complaints = Vec::new();
            check("", &event, &schema["fields"], &mut complaints);
            assert_eq!(complaints, [""; 0], "{event:#}");
            for field in ["@timestamp", "ecs", "event"] {
                assert!(event.get(field).is_some(), "{field}");
            }
        }
    }

    fn check(path: &str, value: &Value, fields: &Value, complaints: &mut Vec<String>) {
        let Some(field) = fields.get(path) else {
            match value {
                Value::Object(members) => {
                    for (key, member) in members {
                        let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                        check(&inner, member, fields, complaints);
                    }
                }
                _ => complaints.push(format!("{path} is no field")),
            }
            return;
        };
        let is_list = field["normalize"].as_array().unwrap().contains(&json!("array"));
        if is_list != value.is_array() {
            complaints.push(format!("{path}: a list where none belongs, or the reverse"));
        }
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let text = value.as_str().unwrap_or_default();
            let fits = match field["type"].as_str().unwrap() {
                "keyword" | "wildcard" | "match_only_text" | "text" => value.is_string(),
                "date" => Time::parse_utc(text).is_some(),
                "ip" => text.parse::<IpAddr>().is_ok(),
                "long" => value.is_u64(),
                "geo_point" => value["lat"].is_number() && value["lon"].is_number(),
                "object" => value.as_object().unwrap().values().all(Value::is_string),
                other => panic!("add the type {other} to the checker"),
            };
            if !fits {
                complaints.push(format!("{path}: {value} is not of type {}", field["type"]));
            }
            if let Some(allowed) = field.get("allowed").and_then(Value::as_array)
                && !allowed.contains(value)
            {
                complaints.push(format!("{path}: {value} is none of {allowed:?}"));
            }
        }
    }

    #[test]
    fn a_finding_reads_as_an_alert() {
        let event = ecs_event(&finding_json(&samples::api_call()));
        assert_eq!(event["event"]["kind"], "alert");
        assert_eq!(event["event"]["severity"], 50);
        assert_eq!(event["event"]["outcome"], "failure");
        assert_eq!(event["rule"]["name"], "UnauthorizedAccess:IAMUser/TorIPCaller");
        assert_eq!(event["threat"]["technique"]["id"], json!(["T1078", "T1090"]));
        assert_eq!(event["source"]["ip"], "198.51.100.7");
        assert_eq!(event["user"]["name"], "alice");
        assert_eq!(event["related"]["user"], json!(["AIDAEXAMPLE", "AKIAIOSFODNN7EXAMPLE", "alice"]));
        let attack = ecs_event(&finding_json(&samples::connection()));
        assert_eq!(
            (&attack["source"]["ip"], &attack["destination"]["ip"]),
            (&json!("10.0.0.23"), &json!("203.0.113.9"))
        );
    }
}
