//! Whether JSON has the shapes that the GuardDuty service model gives it. For tests, here and in other crates.
//!
//! Strict where clients are: wire names, types, required members, enumerations, lengths and ranges. Patterns are not
//! checked, because no member of a finding that Watchfire writes has one.

use serde_json::{Map, Value};
use std::fmt;

const COMMITTED_MODEL: &str = include_str!("../../../api/guardduty-2017-11-28.service-2.json");

/// A service model: shapes by name.
#[derive(Debug)]
pub struct ServiceModel {
    shapes: Map<String, Value>,
}

/// Something that a client of the model would not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, such as `$.service.action.actionType`.
    pub path: String,
    /// What is wrong, as part of a sentence.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.path, self.problem)
    }
}

/// The text was not a service model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It was not JSON.
    #[error("the service model is not JSON")]
    Json(#[source] serde_json::Error),
    /// It had no `shapes`.
    #[error("the service model has no shapes")]
    NoShapes,
}

impl ServiceModel {
    /// The model committed in `api/`.
    pub fn committed() -> Result<Self, ModelError> {
        Self::parse(COMMITTED_MODEL)
    }

    /// A model from the text of a `service-2.json`.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let mut model: Value = serde_json::from_str(text).map_err(ModelError::Json)?;
        match model.get_mut("shapes").map(Value::take) {
            Some(Value::Object(shapes)) => Ok(Self { shapes }),
            _ => Err(ModelError::NoShapes),
        }
    }

    /// Everything about this finding that the shape `Finding` does not allow.
    ///
    /// Two things may be there although the model lacks them: our own key `watchfire`, and the keys of `additionalInfo`
    /// that GuardDuty repeats beside `value`.
    pub fn check_finding(&self, finding: &Value) -> Vec<Violation> {
        let mut finding = finding.clone();
        if let Some(members) = finding.as_object_mut() {
            members.remove("watchfire");
        }
        if let Some(info) = finding.pointer_mut("/service/additionalInfo").and_then(Value::as_object_mut) {
            info.retain(|key, _| key == "value" || key == "type");
        }
        self.check("Finding", &finding)
    }

    /// Everything about this value that the shape does not allow.
    pub fn check(&self, shape: &str, value: &Value) -> Vec<Violation> {
        let mut check = Check { model: self, violations: Vec::new() };
        check.value(shape, value, "$");
        check.violations
    }
}

struct Check<'a> {
    model: &'a ServiceModel,
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn refuse(&mut self, path: &str, problem: impl Into<String>) {
        self.violations.push(Violation { path: path.to_owned(), problem: problem.into() });
    }

    fn value(&mut self, shape_name: &str, value: &Value, path: &str) {
        let Some(shape) = self.model.shapes.get(shape_name) else {
            return self.refuse(path, format!("has a shape `{shape_name}` that the model lacks"));
        };
        let kind = text(shape, "type");
        match (kind, value) {
            ("structure", Value::Object(members)) => self.structure(shape, members, path),
            ("list", Value::Array(items)) => {
                self.size(shape, items.len(), "items", path);
                let item = shape.pointer("/member/shape").and_then(Value::as_str).unwrap_or_default();
                for (index, value) in items.iter().enumerate() {
                    self.value(item, value, &format!("{path}[{index}]"));
                }
            }
            ("map", Value::Object(entries)) => {
                self.size(shape, entries.len(), "entries", path);
                let entry = shape.pointer("/value/shape").and_then(Value::as_str).unwrap_or_default();
                for (key, value) in entries {
                    self.value(entry, value, &format!("{path}[{key:?}]"));
                }
            }
            ("string", Value::String(string)) => {
                self.size(shape, string.chars().count(), "characters", path);
                self.one_of(shape, string, path);
            }
            ("boolean", Value::Bool(_)) | ("blob", Value::String(_)) => {}
            ("integer", Value::Number(number)) => match number.as_i64() {
                Some(number) if i32::try_from(number).is_ok() => self.range(shape, number as f64, path),
                _ => self.refuse(path, "is not a whole number of 32 bits"),
            },
            ("long", Value::Number(number)) => match number.as_i64() {
                Some(number) => self.range(shape, number as f64, path),
                None => self.refuse(path, "is not a whole number of 64 bits"),
            },
            ("double" | "float" | "timestamp", Value::Number(number)) => {
                self.range(shape, number.as_f64().unwrap_or_default(), path);
            }
            _ => self.refuse(path, format!("is {} and should be of type {kind}", kind_of(value))),
        }
    }

    fn structure(&mut self, shape: &Value, values: &Map<String, Value>, path: &str) {
        let no_members = Map::new();
        let members = shape.get("members").and_then(Value::as_object).unwrap_or(&no_members);
        let shape_of: Map<String, Value> = members
            .iter()
            .map(|(name, member)| (wire_name(name, member).to_owned(), Value::from(text(member, "shape"))))
            .collect();
        for (key, value) in values {
            match shape_of.get(key).and_then(Value::as_str) {
                Some(shape) => self.value(shape, value, &format!("{path}.{key}")),
                None => self.refuse(&format!("{path}.{key}"), "is not in the model"),
            }
        }
        for name in shape.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let key = members.get(name).map_or(name, |member| wire_name(name, member));
            if !values.contains_key(key) {
                self.refuse(&format!("{path}.{key}"), "is required and missing");
            }
        }
    }

    fn size(&mut self, shape: &Value, size: usize, of: &str, path: &str) {
        let limit = |key: &str| shape.get(key).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        if limit("min").is_some_and(|min| size < min) || limit("max").is_some_and(|max| size > max) {
            self.refuse(path, format!("has {size} {of}, which the model does not allow"));
        }
    }

    fn range(&mut self, shape: &Value, number: f64, path: &str) {
        let limit = |key: &str| shape.get(key).and_then(Value::as_f64);
        if limit("min").is_some_and(|min| number < min) || limit("max").is_some_and(|max| number > max) {
            self.refuse(path, format!("is {number}, which the model does not allow"));
        }
    }

    fn one_of(&mut self, shape: &Value, string: &str, path: &str) {
        let Some(choices) = shape.get("enum").and_then(Value::as_array) else { return };
        if !choices.iter().any(|choice| choice == string) {
            self.refuse(path, format!("is `{string}`, which is none of the model's choices"));
        }
    }
}

/// Where the model gives no `locationName`, the member's own name is on the wire, capital letter and all.
fn wire_name<'a>(name: &'a str, member: &'a Value) -> &'a str {
    member.get("locationName").and_then(Value::as_str).unwrap_or(name)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceModel;
    use serde_json::{Value, json};

    const REAL_FINDINGS: [(&str, &str); 6] = [
        ("api_call", include_str!("../tests/fixtures/api_call.json")),
        ("dns_request", include_str!("../tests/fixtures/dns_request.json")),
        ("network_connection", include_str!("../tests/fixtures/network_connection.json")),
        ("port_probe", include_str!("../tests/fixtures/port_probe.json")),
        ("rds_login", include_str!("../tests/fixtures/rds_login.json")),
        ("s3_bucket", include_str!("../tests/fixtures/s3_bucket.json")),
    ];

    fn check(finding: &Value) -> Vec<String> {
        let model = ServiceModel::committed().unwrap();
        model.check_finding(finding).iter().map(ToString::to_string).collect()
    }

    fn real(name: &str) -> Value {
        let (_, text) = REAL_FINDINGS.iter().find(|(known, _)| *known == name).unwrap();
        serde_json::from_str(text).unwrap()
    }

    /// The real finding with one value replaced (or one key added) gives exactly this complaint.
    fn check_refused(name: &str, parent: &str, key: &str, value: Value, complaint: &str) {
        let mut finding = real(name);
        finding.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(check(&finding), [complaint]);
    }

    #[test]
    fn real_findings_have_the_shape() {
        for (name, text) in REAL_FINDINGS {
            assert_eq!(check(&serde_json::from_str(text).unwrap()), [""; 0], "{name}");
        }
    }

    #[test]
    fn a_misspelt_name_is_refused() {
        check_refused("api_call", "/service", "ActionTypes", json!({}), "$.service.ActionTypes is not in the model");
        check_refused(
            "rds_login",
            "/service/action/rdsLoginAttemptAction",
            "loginAttributes", // The wire has a capital letter here, as nowhere else.
            json!([]),
            "$.service.action.rdsLoginAttemptAction.loginAttributes is not in the model",
        );
    }

    #[test]
    fn a_wrong_type_is_refused() {
        check_refused(
            "network_connection",
            "/service",
            "archived",
            json!("false"),
            "$.service.archived is a text and should be of type boolean",
        );
        check_refused(
            "s3_bucket",
            "/resource/s3BucketDetails/0",
            "createdAt",
            json!("2017-12-18T15:58:11.551Z"),
            "$.resource.s3BucketDetails[0].createdAt is a text and should be of type timestamp",
        );
        check_refused(
            "dns_request",
            "/service",
            "count",
            json!(1.5),
            "$.service.count is not a whole number of 32 bits",
        );
        check_refused(
            "dns_request",
            "/service",
            "count",
            json!(1u64 << 40),
            "$.service.count is not a whole number of 32 bits",
        );
        check_refused("api_call", "", "description", Value::Null, "$.description is null and should be of type string");
    }

    #[test]
    fn limits_are_kept() {
        check_refused("api_call", "", "type", json!(""), "$.type has 0 characters, which the model does not allow");
        check_refused(
            "dns_request",
            "/service/action/dnsRequestAction",
            "vpcOwnerAccountId",
            json!("1234"),
            "$.service.action.dnsRequestAction.vpcOwnerAccountId has 4 characters, which the model does not allow",
        );
    }

    #[test]
    fn every_required_member_is_required() {
        let whole = real("api_call");
        for key in [
            "accountId",
            "arn",
            "createdAt",
            "id",
            "region",
            "resource",
            "schemaVersion",
            "severity",
            "type",
            "updatedAt",
        ] {
            let mut finding = whole.clone();
            finding.as_object_mut().unwrap().remove(key);
            assert_eq!(check(&finding), [format!("$.{key} is required and missing")]);
        }
    }

    #[test]
    fn choices_are_closed() {
        let model = ServiceModel::committed().unwrap();
        assert_eq!(model.check("DetectorStatus", &json!("ENABLED")), []);
        let complaint = "$ is `ON`, which is none of the model's choices";
        assert_eq!(model.check("DetectorStatus", &json!("ON"))[0].to_string(), complaint);
    }

    #[test]
    fn a_text_that_is_no_model_is_refused() {
        assert_eq!(ServiceModel::parse("{}").unwrap_err().to_string(), "the service model has no shapes");
        assert_eq!(ServiceModel::parse("<xml/>").unwrap_err().to_string(), "the service model is not JSON");
    }
}
