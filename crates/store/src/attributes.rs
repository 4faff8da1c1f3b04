//! Where each attribute of ListFindings is kept, and what is taken from a finding's JSON for it.
//!
//! What an attribute's values are, and how they compare, is [`watchfire_export`]'s to say: the same code suppresses
//! findings in memory.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use watchfire_export::{AttributeValue, attribute_values};
use xxhash_rust::xxh3::xxh3_64;

/// Where an attribute's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The account of the finding's detector.
    Account,
    /// A column of `findings` that holds a text, or null.
    Text(&'static str),
    /// A column that holds a number.
    Number(&'static str),
    /// The column `archived`.
    Archived,
    /// `facts`, under this code.
    Fact(u16),
    /// `facts`, and `needles`, under this code.
    Needle(u16),
}

/// Every attribute of ListFindings. Codes are in databases: never change or reuse one.
///
/// Needles are those whose values are ids, addresses and names. Each costs a row for every value at every insert, so
/// they are no more than fifteen.
pub(crate) const ATTRIBUTES: &[(&str, Place)] = &[
    ("accountId", Place::Account),
    ("confidence", Place::Fact(1)),
    ("id", Place::Text("id")),
    ("region", Place::Fact(2)),
    ("resource.accessKeyDetails.accessKeyId", Place::Needle(3)),
    ("resource.accessKeyDetails.principalId", Place::Needle(4)),
    ("resource.accessKeyDetails.userName", Place::Needle(5)),
    ("resource.accessKeyDetails.userType", Place::Fact(6)),
    ("resource.instanceDetails.iamInstanceProfile.id", Place::Needle(7)),
    ("resource.instanceDetails.imageId", Place::Fact(8)),
    ("resource.instanceDetails.instanceId", Place::Needle(9)),
    ("resource.instanceDetails.networkInterfaces.ipv6Addresses", Place::Needle(10)),
    ("resource.instanceDetails.networkInterfaces.privateIpAddresses.privateIpAddress", Place::Needle(11)),
    ("resource.instanceDetails.networkInterfaces.publicDnsName", Place::Needle(12)),
    ("resource.instanceDetails.networkInterfaces.publicIp", Place::Needle(13)),
    ("resource.instanceDetails.networkInterfaces.securityGroups.groupId", Place::Needle(14)),
    ("resource.instanceDetails.networkInterfaces.securityGroups.groupName", Place::Fact(15)),
    ("resource.instanceDetails.networkInterfaces.subnetId", Place::Fact(16)),
    ("resource.instanceDetails.networkInterfaces.vpcId", Place::Fact(17)),
    ("resource.instanceDetails.tags.key", Place::Fact(18)),
    ("resource.instanceDetails.tags.value", Place::Needle(19)),
    ("resource.resourceType", Place::Text("resource_type")),
    ("service.action.actionType", Place::Text("action")),
    ("service.action.awsApiCallAction.api", Place::Fact(20)),
    ("service.action.awsApiCallAction.callerType", Place::Fact(21)),
    ("service.action.awsApiCallAction.remoteIpDetails.city.cityName", Place::Fact(22)),
    ("service.action.awsApiCallAction.remoteIpDetails.country.countryName", Place::Fact(23)),
    ("service.action.awsApiCallAction.remoteIpDetails.ipAddressV4", Place::Needle(24)),
    ("service.action.awsApiCallAction.remoteIpDetails.organization.asn", Place::Fact(25)),
    ("service.action.awsApiCallAction.remoteIpDetails.organization.asnOrg", Place::Fact(26)),
    ("service.action.awsApiCallAction.serviceName", Place::Fact(27)),
    ("service.action.dnsRequestAction.domain", Place::Needle(28)),
    ("service.action.dnsRequestAction.domainWithSuffix", Place::Fact(29)),
    ("service.action.networkConnectionAction.blocked", Place::Fact(30)),
    ("service.action.networkConnectionAction.connectionDirection", Place::Fact(31)),
    ("service.action.networkConnectionAction.localPortDetails.port", Place::Fact(32)),
    ("service.action.networkConnectionAction.protocol", Place::Fact(33)),
    ("service.action.networkConnectionAction.remoteIpDetails.country.countryName", Place::Fact(34)),
    ("service.action.networkConnectionAction.remoteIpDetails.ipAddressV4", Place::Needle(35)),
    ("service.action.networkConnectionAction.remoteIpDetails.organization.asn", Place::Fact(36)),
    ("service.action.networkConnectionAction.remoteIpDetails.organization.asnOrg", Place::Fact(37)),
    ("service.action.networkConnectionAction.remotePortDetails.port", Place::Fact(38)),
    ("service.additionalInfo.threatListName", Place::Fact(39)),
    ("service.archived", Place::Archived),
    ("service.ebsVolumeScanDetails.scanId", Place::Needle(40)),
    ("service.resourceRole", Place::Text("role")),
    ("severity", Place::Number("severity")),
    ("type", Place::Text("type")),
    ("updatedAt", Place::Number("updated")),
];

/// The place of an attribute; `None` for one that lists cannot be filtered by.
pub(crate) fn place(attribute: &str) -> Option<Place> {
    ATTRIBUTES.iter().find(|(path, _)| *path == attribute).map(|(_, place)| *place)
}

/// What is stored of a finding besides its columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    /// The column `facts`.
    pub(crate) json: String,
    /// (code, hash) of each needle.
    pub(crate) needles: BTreeSet<(u16, i64)>,
}

/// Takes from a finding what lists are filtered by.
pub(crate) fn facts(finding: &Value) -> Facts {
    let mut all = Map::new();
    let mut needles = BTreeSet::new();
    for (path, place) in ATTRIBUTES {
        let (Place::Fact(code) | Place::Needle(code)) = *place else { continue };
        let mut values: Vec<Value> = attribute_values(finding, path).into_iter().map(stored).collect();
        if matches!(place, Place::Needle(_)) {
            needles.extend(values.iter().map(|value| (code, hash(value))));
        }
        match values.len() {
            0 => continue,
            1 => all.insert(code.to_string(), values.swap_remove(0)),
            _ => all.insert(code.to_string(), Value::Array(values)),
        };
    }
    Facts { json: Value::Object(all).to_string(), needles }
}

/// The needles of a row, from its column `facts`.
pub(crate) fn needles_of(facts: &str) -> BTreeSet<(u16, i64)> {
    let facts: Map<String, Value> = serde_json::from_str(facts).unwrap_or_default();
    let mut needles = BTreeSet::new();
    for (_, place) in ATTRIBUTES {
        let Place::Needle(code) = *place else { continue };
        let Some(value) = facts.get(&code.to_string()) else { continue };
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        needles.extend(values.iter().map(|value| (code, hash(value))));
    }
    needles
}

/// A value as `facts` holds it: a text, or a number.
pub(crate) fn stored(value: AttributeValue) -> Value {
    let number = value.number.and_then(serde_json::Number::from_f64);
    number.map_or_else(|| Value::String(without_zero(&value.text)), Value::Number)
}

/// What `facts` holds of a value that a criterion wants to be equal to: the text, and the number if it reads as one.
pub(crate) fn wanted(text: &str) -> impl Iterator<Item = Value> {
    let number = text.parse().ok().and_then(serde_json::Number::from_f64).map(Value::Number);
    std::iter::once(Value::String(without_zero(text))).chain(number)
}

/// PostgreSQL's JSON has no texts with a zero character in them, and texts of logs may hold anything.
fn without_zero(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// The hash of a needle: XXH3, which is specified, so that databases may rely on it. Numbers and texts are kept apart.
pub(crate) fn hash(stored: &Value) -> i64 {
    i64::from_ne_bytes(xxh3_64(stored.to_string().as_bytes()).to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_attribute_of_list_findings_has_a_place_and_no_other() {
        let ours: Vec<&str> = ATTRIBUTES.iter().map(|(path, _)| *path).collect();
        assert_eq!(ours, watchfire_export::list_attributes());
        let codes: BTreeSet<u16> = ATTRIBUTES
            .iter()
            .filter_map(|(_, place)| match place {
                Place::Fact(code) | Place::Needle(code) => Some(*code),
                _ => None,
            })
            .collect();
        assert_eq!(codes, (1..=40).collect());
        let needles = ATTRIBUTES.iter().filter(|(_, place)| matches!(place, Place::Needle(_))).count();
        assert!(needles <= 15, "{needles}");
    }

    #[test]
    fn the_needles_of_a_row_are_those_of_its_finding() {
        let finding = json!({
            "resource": {"instanceDetails": {"instanceId": "i-1", "tags": [{"key": "a", "value": "x"}, {"value": "7"}],
                "networkInterfaces": [{"publicIp": "192.0.2.1"}, {"publicIp": "192.0.2.2"}]}},
            "service": {"action": {"networkConnectionAction": {"remotePortDetails": {"port": 22}, "blocked": false}}},
        });
        let facts = facts(&finding);
        assert_eq!(facts.needles, needles_of(&facts.json));
        assert_eq!(facts.needles.len(), 5);
        let json: Value = serde_json::from_str(&facts.json).unwrap();
        assert_eq!(
            json,
            json!({"9": "i-1", "13": ["192.0.2.1", "192.0.2.2"], "18": "a", "19": ["x", "7"],
            "30": "false", "38": 22.0})
        );
    }
}
