//! Reading a finding back from its JSON, ours or GuardDuty's own. Whatever is missing or of the wrong type is empty.

use serde_json::{Map, Value};
use watchfire_model::{Severity, Time};

/// The text at this JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The count at this JSON pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// The list at this JSON pointer.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of the list at this JSON pointer.
pub(crate) fn texts<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    list(value, pointer).iter().filter_map(Value::as_str).collect()
}

/// What the finding is about, in a few words.
pub fn resource(finding: &Value) -> String {
    let buckets = list(finding, "/resource/s3BucketDetails");
    if let (Some(bucket), "S3Bucket") = (buckets.first(), text(finding, "/resource/resourceType")) {
        return with_more(format!("bucket {}", text(bucket, "/name")), buckets.len());
    }
    if let Some(instance) = finding.pointer("/resource/instanceDetails").filter(|_| !is_about_a_key(finding)) {
        return instance_name(instance);
    }
    match finding.pointer("/resource/accessKeyDetails") {
        Some(key) => key_name(key),
        None => text(finding, "/resource/resourceType").to_owned(),
    }
}

/// Sample findings carry details of other kinds of resource too; the type decides.
pub(crate) fn is_about_a_key(finding: &Value) -> bool {
    text(finding, "/resource/resourceType") == "AccessKey"
}

fn instance_name(instance: &Value) -> String {
    let id = text(instance, "/instanceId");
    let id = if id.is_empty() { text(instance, "/networkInterfaces/0/networkInterfaceId") } else { id };
    let mut tags = list(instance, "/tags").iter();
    match tags.find(|tag| text(tag, "/key") == "Name").map(|tag| text(tag, "/value")) {
        Some(name) if !name.is_empty() => format!("{id} ({name})"),
        _ if id.is_empty() => "instance".to_owned(),
        _ => id.to_owned(),
    }
}

/// `user alice`, `role web`, `root`, whatever of it is known.
pub(crate) fn key_name(key: &Value) -> String {
    let name = [text(key, "/userName"), text(key, "/principalId"), text(key, "/accessKeyId")];
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or("credentials");
    match text(key, "/userType") {
        "IAMUser" => format!("user {name}"),
        "AssumedRole" | "Role" => format!("role {name}"),
        "Root" => "root".to_owned(),
        _ => name.to_owned(),
    }
}

/// Who did it, or with whom, and where from.
pub fn party(finding: &Value) -> String {
    let Some(action) = finding.pointer("/service/action") else { return String::new() };
    if let Some(call) = action.get("awsApiCallAction") {
        let who = match finding.pointer("/resource/accessKeyDetails") {
            Some(key) if !is_about_a_key(finding) => format!("{} ", key_name(key)),
            _ => String::new(),
        };
        let domain = text(call, "/domainDetails/domain");
        return match place(call) {
            place if !place.is_empty() => format!("{who}from {place}"),
            _ if !domain.is_empty() => format!("{who}by {domain}"),
            _ => who.trim_end().to_owned(),
        };
    }
    if let Some(connection) = action.get("networkConnectionAction") {
        return connection_party(connection);
    }
    if let Some(probe) = action.get("portProbeAction") {
        let probes = list(probe, "/portProbeDetails");
        return probes.first().map_or(String::new(), |first| with_more(format!("from {}", place(first)), probes.len()));
    }
    match text(action, "/dnsRequestAction/domain") {
        "" => String::new(),
        domain => format!("looked up {domain}"),
    }
}

fn connection_party(connection: &Value) -> String {
    let place = place(connection);
    if place.is_empty() {
        return String::new();
    }
    let port = |side: &str| number(connection, &format!("/{side}PortDetails/port"));
    match text(connection, "/connectionDirection") {
        "OUTBOUND" => port("remote").map_or(format!("to {place}"), |port| format!("to {place} port {port}")),
        "INBOUND" => port("local").map_or(format!("from {place}"), |port| format!("from {place} to port {port}")),
        _ => format!("with {place}"),
    }
}

/// The remote address and its country: `198.51.100.7 (NL)`.
pub(crate) fn place(action: &Value) -> String {
    let address = [text(action, "/remoteIpDetails/ipAddressV4"), text(action, "/remoteIpDetails/ipAddressV6")];
    let address = address.into_iter().find(|address| !address.is_empty()).unwrap_or_default();
    let country = ["/remoteIpDetails/country/countryCode", "/remoteIpDetails/country/countryName"];
    match country.map(|pointer| text(action, pointer)).into_iter().find(|country| !country.is_empty()) {
        Some(country) if !address.is_empty() => format!("{address} ({country})"),
        _ => address.to_owned(),
    }
}

fn with_more(first: String, count: usize) -> String {
    if count > 1 { format!("{first} and {} more", count - 1) } else { first }
}

/// An object of these members, without those of which nothing is known: null, empty texts, lists and objects.
pub(crate) fn known<const N: usize>(members: [(&str, Value); N]) -> Value {
    let known = members.into_iter().filter(|(_, value)| !is_nothing(value));
    Value::Object(known.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

/// Whether nothing is known.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The severity, if it is one.
pub(crate) fn severity(finding: &Value) -> Option<Severity> {
    finding.get("severity").and_then(Value::as_f64).and_then(Severity::from_number)
}

/// The moment at this JSON pointer, in milliseconds.
pub(crate) fn time_ms(value: &Value, pointer: &str) -> Option<i64> {
    Time::parse_utc(text(value, pointer)).map(Time::ms)
}

/// The details of the action, whatever it is called.
pub(crate) fn action_details(finding: &Value) -> &Value {
    let blocks = finding.pointer("/service/action").and_then(Value::as_object).into_iter().flatten();
    let mut blocks = blocks.map(|(_, block)| block).filter(|block| block.is_object());
    blocks.next().unwrap_or(&Value::Null)
}

/// The other side of the action; of several probes, the first.
pub(crate) fn other_side(finding: &Value) -> &Value {
    let action = action_details(finding);
    let probe = action.pointer("/portProbeDetails/0").unwrap_or(action);
    probe.get("remoteIpDetails").unwrap_or(&Value::Null)
}

/// The address in `remoteIpDetails` or `localIpDetails`.
pub(crate) fn address(details: &Value) -> &str {
    let addresses = [text(details, "/ipAddressV4"), text(details, "/ipAddressV6")];
    addresses.into_iter().find(|address| !address.is_empty()).unwrap_or_default()
}

/// The number of the network that an address belongs to.
pub(crate) fn asn(details: &Value) -> Option<u32> {
    text(details, "/organization/asn").parse().ok()
}

/// Whether the finding was put away.
pub(crate) fn is_archived(finding: &Value) -> bool {
    finding.pointer("/service/archived").and_then(Value::as_bool).unwrap_or(false)
}
