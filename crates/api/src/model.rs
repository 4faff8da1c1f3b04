//! The service model, embedded, as far as requests are held against it: types, required members, enumerations, lengths,
//! ranges and patterns. No limit that the model states is written in code.

use regex_lite::Regex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::OnceLock;

const MODEL: &str = include_str!("../../../api/guardduty-2017-11-28.service-2.json");

/// Shapes whose pattern is not held against requests, and why.
const PATTERN_NOT_HELD: &[&str] = &[
    // It fits no malware protection plan, and Terraform tags plans. The resource of tags reads ARNs itself.
    "GuardDutyArn",
    // It has no space and no `@`, which AWS's tags may have everywhere. The resource of tags holds AWS's alphabet.
    "TagKey",
];

/// Shapes that narrow a question, by the end of their names. A member of these that the model does not have is refused: dropped,
/// it would make a filter wider than its writer meant.
const NARROWS: [&str; 3] = ["Condition", "Criteria", "Criterion"];

/// Shapes by name.
#[derive(Debug)]
pub(crate) struct Model {
    shapes: HashMap<String, Shape>,
    operations: HashMap<String, Answers>,
}

/// What an operation may answer.
#[derive(Debug)]
struct Answers {
    output: Option<String>,
    errors: Vec<String>,
}

#[derive(Debug)]
enum Shape {
    Structure(Vec<Member>),
    List { item: String, size: Limits },
    Map { key: String, value: String, size: Limits },
    Text { size: Limits, pattern: Option<Pattern>, values: Option<Vec<String>> },
    Integer { range: Limits },
    Long { range: Limits },
    Decimal { range: Limits },
    Boolean,
    Time,
}

/// Smallest and largest, both included: characters, items or the number itself.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    min: Option<f64>,
    max: Option<f64>,
}

/// A pattern that a whole text must match.
#[derive(Debug)]
struct Pattern {
    /// A beginning that must not be there: the one form of look-ahead that the model uses.
    not_at_begin: Option<String>,
    expression: Regex,
}

/// A member of a structure.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name on the wire.
    pub(crate) wire: String,
    /// Where it stands in a request.
    pub(crate) place: Place,
    /// Whether it must be there.
    pub(crate) is_required: bool,
    /// Whether it makes a repeated request the same request.
    pub(crate) is_idempotency_token: bool,
    shape: String,
}

/// Where a member of a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the JSON body.
    Body,
    /// A label of the path.
    Path,
    /// A parameter of the query.
    Query,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// A member that must be there is missing.
    Missing(String),
    /// A member has another type, or a value outside its limits.
    Value(String),
}

impl Model {
    /// The embedded model.
    pub(crate) fn embedded() -> &'static Self {
        static MODEL_READ: OnceLock<Model> = OnceLock::new();
        MODEL_READ.get_or_init(|| Self::parse(MODEL))
    }

    fn parse(text: &str) -> Self {
        // The text is part of the program, and `the_embedded_model_is_read_whole` reads it.
        let model: Value = serde_json::from_str(text).unwrap_or_default();
        let entries = |table: &str| model[table].as_object().into_iter().flatten();
        Self {
            shapes: entries("shapes").map(|(name, shape)| (name.clone(), Shape::of(name, shape))).collect(),
            operations: entries("operations").map(|(name, one)| (name.clone(), Answers::of(one))).collect(),
        }
    }

    /// The members of a structure.
    pub(crate) fn members(&self, shape: &str) -> &[Member] {
        match self.shapes.get(shape) {
            Some(Shape::Structure(members)) => members,
            _ => &[],
        }
    }

    /// Whether the model lists the error for the operation. Clients raise any other as a nameless one.
    pub(crate) fn lists_error(&self, operation: &str, error: &str) -> bool {
        self.operations.get(operation).is_some_and(|answers| answers.errors.iter().any(|name| name == error))
    }

    /// The shape of an operation's answer, if it has one.
    pub(crate) fn output(&self, operation: &str) -> Option<&str> {
        self.operations.get(operation)?.output.as_deref()
    }

    /// A parameter of the query, or a label, as the JSON that the member's shape wants. Unreadable text stays text, which
    /// `hold` then refuses.
    pub(crate) fn read_text(&self, member: &Member, values: Vec<String>) -> Value {
        let one = |shape: Option<&Shape>, text: String| match shape {
            Some(Shape::Integer { .. } | Shape::Long { .. }) => text.parse().map_or(Value::String(text), i64::into),
            Some(Shape::Boolean) => text.parse().map_or(Value::String(text), bool::into),
            _ => Value::String(text),
        };
        match self.shapes.get(&member.shape) {
            Some(Shape::List { item, .. }) => {
                values.into_iter().map(|value| one(self.shapes.get(item), value)).collect()
            }
            shape => values.into_iter().next().map_or(Value::Null, |value| one(shape, value)),
        }
    }

    /// Holds a value against a shape. Members that are null count as absent, and members that the model does not have are
    /// dropped, since a newer client than the model may send them; of criteria they are refused.
    pub(crate) fn hold(&self, shape: &str, value: &mut Value) -> Result<(), Invalid> {
        self.hold_named(shape, value, "")
    }

    fn hold_named(&self, shape_name: &str, value: &mut Value, name: &str) -> Result<(), Invalid> {
        let refuse = || Err(Invalid::Value(name.to_owned()));
        let keep = |is_good: bool| if is_good { Ok(()) } else { refuse() };
        let Some(shape) = self.shapes.get(shape_name) else { return refuse() };
        match (shape, value) {
            (Shape::Structure(members), Value::Object(values)) => {
                let unknown = |wire: &&String| members.iter().all(|member| member.wire != **wire);
                if NARROWS.iter().any(|end| shape_name.ends_with(end))
                    && let Some(unknown) = values.keys().find(unknown)
                {
                    return Err(Invalid::Value(unknown.clone()));
                }
                self.hold_members(members, values)
            }
            (Shape::List { item, size }, Value::Array(items)) => {
                keep(size.hold(items.len() as f64))?;
                items.iter_mut().try_for_each(|value| self.hold_named(item, value, name))
            }
            (Shape::Map { key, value, size }, Value::Object(entries)) => {
                keep(size.hold(entries.len() as f64))?;
                for (name, entry) in entries.iter_mut() {
                    self.hold_named(key, &mut Value::String(name.clone()), name)?;
                    self.hold_named(value, entry, name)?;
                }
                Ok(())
            }
            (Shape::Text { size, pattern, values }, Value::String(text)) => keep(
                size.hold(text.chars().count() as f64)
                    && values.as_ref().is_none_or(|values| values.contains(text))
                    && pattern.as_ref().is_none_or(|pattern| pattern.matches(text)),
            ),
            (Shape::Integer { range }, Value::Number(number)) => {
                let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
                keep(number.is_some_and(|number| range.hold(number.into())))
            }
            (Shape::Long { range }, Value::Number(number)) => {
                keep(number.as_i64().is_some_and(|number| range.hold(number as f64)))
            }
            (Shape::Decimal { range }, Value::Number(number)) => {
                keep(number.as_f64().is_some_and(|number| range.hold(number)))
            }
            (Shape::Boolean, Value::Bool(_)) | (Shape::Time, Value::Number(_)) => Ok(()),
            _ => refuse(),
        }
    }

    fn hold_members(&self, members: &[Member], values: &mut Map<String, Value>) -> Result<(), Invalid> {
        values.retain(|name, value| !value.is_null() && members.iter().any(|member| member.wire == *name));
        for member in members {
            match values.get_mut(&member.wire) {
                Some(value) => self.hold_named(&member.shape, value, &member.wire)?,
                None if member.is_required => return Err(Invalid::Missing(member.wire.clone())),
                None => {}
            }
        }
        Ok(())
    }

    /// Drops every member that the shape does not have: what our own documents hold besides.
    pub(crate) fn keep_known(&self, shape_name: &str, value: &mut Value) {
        match (self.shapes.get(shape_name), value) {
            (Some(Shape::Structure(members)), Value::Object(values)) => {
                values.retain(|name, value| !value.is_null() && members.iter().any(|member| member.wire == *name));
                for member in members {
                    if let Some(value) = values.get_mut(&member.wire) {
                        self.keep_known(&member.shape, value);
                    }
                }
            }
            (Some(Shape::List { item, .. }), Value::Array(items)) => {
                items.iter_mut().for_each(|value| self.keep_known(item, value));
            }
            (Some(Shape::Map { value: inner, .. }), Value::Object(entries)) => {
                entries.values_mut().for_each(|value| self.keep_known(inner, value));
            }
            _ => {}
        }
    }
}

impl Shape {
    fn of(name: &str, shape: &Value) -> Self {
        let limits = Limits { min: shape["min"].as_f64(), max: shape["max"].as_f64() };
        let part = |part: &str| shape[part]["shape"].as_str().unwrap_or_default().to_owned();
        match shape["type"].as_str().unwrap_or_default() {
            "structure" => {
                let required: Vec<&str> =
                    shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let members = shape["members"].as_object().into_iter().flatten();
                Self::Structure(members.map(|(name, member)| Member::of(name, member, &required)).collect())
            }
            "list" => Self::List { item: part("member"), size: limits },
            "map" => Self::Map { key: part("key"), value: part("value"), size: limits },
            "string" => Self::Text {
                size: limits,
                pattern: shape["pattern"].as_str().filter(|_| !PATTERN_NOT_HELD.contains(&name)).and_then(Pattern::of),
                values: shape["enum"]
                    .as_array()
                    .map(|values| values.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            },
            // The older bounds of criteria. Clients give them times in milliseconds, as GuardDuty takes them, and those are
            // beyond 32 bits.
            "integer" if name == "Integer" => Self::Long { range: limits },
            "integer" => Self::Integer { range: limits },
            "long" => Self::Long { range: limits },
            "double" | "float" => Self::Decimal { range: limits },
            "boolean" => Self::Boolean,
            _ => Self::Time,
        }
    }
}

impl Member {
    fn of(name: &str, member: &Value, required: &[&str]) -> Self {
        Self {
            wire: member["locationName"].as_str().unwrap_or(name).to_owned(),
            place: match member["location"].as_str() {
                Some("uri") => Place::Path,
                Some("querystring") => Place::Query,
                _ => Place::Body,
            },
            is_required: required.contains(&name),
            is_idempotency_token: member["idempotencyToken"] == true,
            shape: member["shape"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

impl Limits {
    fn hold(self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

impl Pattern {
    fn of(pattern: &str) -> Option<Self> {
        let (not_at_begin, rest) = match pattern.strip_prefix("(?!").and_then(|rest| rest.split_once(')')) {
            Some((literal, rest)) => (Some(literal.to_owned()), rest),
            None => (None, pattern),
        };
        Some(Self { not_at_begin, expression: Regex::new(&format!("^(?:{rest})$")).ok()? })
    }

    fn matches(&self, text: &str) -> bool {
        let begins_wrongly = self.not_at_begin.as_ref().is_some_and(|begin| text.starts_with(begin));
        !begins_wrongly && self.expression.is_match(text)
    }
}

impl Answers {
    fn of(operation: &Value) -> Self {
        let errors = operation["errors"].as_array().into_iter().flatten();
        Self {
            output: operation["output"]["shape"].as_str().map(str::to_owned),
            errors: errors.filter_map(|error| error["shape"].as_str()).map(str::to_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Operation;
    use serde_json::json;

    fn check(shape: &str, mut value: Value, expected: Result<(), Invalid>) {
        assert_eq!(Model::embedded().hold(shape, &mut value), expected, "{shape} {value}");
    }

    fn wrong(name: &str) -> Result<(), Invalid> {
        Err(Invalid::Value(name.to_owned()))
    }

    #[test]
    fn the_embedded_model_is_read_whole() {
        let model = Model::embedded();
        let all: Value = serde_json::from_str(MODEL).unwrap();
        assert_eq!(model.shapes.len(), all["shapes"].as_object().unwrap().len());
        for &operation in Operation::ALL {
            let route = operation.route();
            assert!(route.input.is_empty() || model.shapes.contains_key(route.input), "{}", route.input);
            assert!(model.lists_error(operation.name(), "BadRequestException"), "{}", operation.name());
        }
        for (name, shape) in all["shapes"].as_object().unwrap() {
            if let Some(pattern) = shape["pattern"].as_str() {
                assert!(Pattern::of(pattern).is_some(), "{name}: `{pattern}` cannot be read");
            }
        }
    }

    #[test]
    fn a_request_within_the_limits_is_taken() {
        check("CreateDetectorRequest", json!({"enable": true, "clientToken": "t", "tags": {"a": "b"}}), Ok(()));
        check("ListDetectorsRequest", json!({"maxResults": 50}), Ok(()));
    }

    #[test]
    fn what_breaks_a_limit_is_named() {
        check("CreateDetectorRequest", json!({}), Err(Invalid::Missing("enable".into())));
        check("CreateDetectorRequest", json!({"enable": "yes"}), wrong("enable"));
        check("CreateDetectorRequest", json!({"enable": true, "clientToken": "x".repeat(65)}), wrong("clientToken"));
        check(
            "CreateDetectorRequest",
            json!({"enable": true, "findingPublishingFrequency": "DAILY"}),
            wrong("findingPublishingFrequency"),
        );
        check("ListDetectorsRequest", json!({"maxResults": 51}), wrong("maxResults"));
        check("ListDetectorsRequest", json!({"maxResults": 0}), wrong("maxResults"));
        check("ListDetectorsRequest", json!({"maxResults": 1.5}), wrong("maxResults"));
    }

    #[test]
    fn a_member_that_is_null_counts_as_absent() {
        check("CreateDetectorRequest", json!({"enable": null}), Err(Invalid::Missing("enable".into())));
        check("CreateDetectorRequest", json!({"enable": true, "tags": null}), Ok(()));
    }

    #[test]
    fn a_member_of_a_newer_client_is_dropped() {
        let mut value = json!({"enable": true, "newer": {"than": "we"}});
        Model::embedded().hold("CreateDetectorRequest", &mut value).unwrap();
        assert_eq!(value, json!({"enable": true}));
    }

    #[test]
    fn an_unknown_member_of_criteria_is_refused() {
        check("FindingCriteria", json!({"criterion": {"type": {"eq": ["a"]}}}), Ok(()));
        check("FindingCriteria", json!({"criteria": {}}), wrong("criteria"));
        check("FindingCriteria", json!({"criterion": {"type": {"eq": ["a"], "is": ["b"]}}}), wrong("is"));
    }

    #[test]
    fn the_older_bounds_take_times_in_milliseconds() {
        for operator in ["gt", "gte", "lt", "lte", "greaterThan"] {
            check("Condition", json!({operator: 1_486_685_375_000_i64}), Ok(()));
            check("Condition", json!({operator: 1.5}), wrong(operator));
        }
    }

    #[test]
    fn a_pattern_holds_for_the_whole_text() {
        let pattern = Pattern::of("(?!aws:)[a-z:]+").unwrap();
        assert!(pattern.matches("a:b") && !pattern.matches("aws:b") && !pattern.matches("ab!"));
    }
}
