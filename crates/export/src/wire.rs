//! Reading a finding back from its JSON, ours or GuardDuty's own. Whatever is missing or of the wrong type is empty.

use serde_json::Value;

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
pub(crate) fn resource(finding: &Value) -> String {
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
pub(crate) fn party(finding: &Value) -> String {
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
