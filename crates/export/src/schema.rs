//! The JSON Schema of what we add to GuardDuty's format.

/// JSON Schema (2020-12) of the key `watchfire` of a finding.
pub const FINDING_SCHEMA: &str = include_str!("../../../docs/schema/watchfire-finding.schema.json");

#[cfg(test)]
mod tests {
    use super::FINDING_SCHEMA;
    use crate::{finding_json, samples};
    use serde_json::{Value, json};

    fn check(value: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(FINDING_SCHEMA).unwrap();
        let mut complaints = Vec::new();
        check_schema(&schema, &schema, value, "$", &mut complaints);
        complaints
    }

    #[test]
    fn what_we_write_is_what_the_schema_says() {
        for finding in samples::all() {
            assert_eq!(check(&finding_json(&finding)["watchfire"]), [""; 0]);
        }
    }

    #[test]
    fn the_schema_refuses_what_we_do_not_write() {
        let whole = finding_json(&samples::api_call())["watchfire"].clone();
        let check_refused = |parent: &str, key: &str, value: Value| {
            let mut changed = whole.clone();
            changed.pointer_mut(parent).unwrap()[key] = value;
            assert_eq!(check(&changed).len(), 1, "{parent}/{key}");
        };
        check_refused("", "extra", json!(1));
        check_refused("", "explanation", json!([]));
        check_refused("/evidence", "count", json!(-1));
        check_refused("/evidence/first/0", "sha256", json!("ABC"));
        check_refused("/evidence/first/0", "time", json!("2026-01-31"));
        check_refused("/knowledge/0", "version", json!(""));
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove("missing");
        assert_eq!(check(&without).len(), 1);
    }

    /// As much of JSON Schema as this schema uses; a keyword outside of that is an error, so that the check cannot go
    /// blind when the schema grows.
    fn check_schema(root: &Value, schema: &Value, value: &Value, path: &str, complaints: &mut Vec<String>) {
        let mut refuse = |problem: String| complaints.push(format!("{path}: {problem}"));
        let mut inner: Vec<(Value, &Value, String)> = Vec::new();
        for (keyword, rule) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" | "additionalProperties" => {}
                "$ref" => {
                    let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                    inner.push((target.clone(), value, path.to_owned()));
                }
                "type" => {
                    let fits = match rule.as_str().unwrap() {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "integer" => value.is_i64() || value.is_u64(),
                        other => panic!("add the type {other} to the checker"),
                    };
                    if !fits {
                        refuse(format!("is not of type {rule}"));
                    }
                }
                "required" => {
                    for key in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
                        if value.get(key).is_none() {
                            refuse(format!("lacks {key}"));
                        }
                    }
                }
                "properties" => {
                    assert_eq!(schema["additionalProperties"], json!(false), "{path}: objects are closed");
                    for (key, member) in value.as_object().into_iter().flatten() {
                        match rule.get(key) {
                            Some(rule) => inner.push((rule.clone(), member, format!("{path}.{key}"))),
                            None => refuse(format!("has {key}, which is not in the schema")),
                        }
                    }
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        inner.push((rule.clone(), item, format!("{path}[{index}]")));
                    }
                }
                "minItems" if value.as_array().is_some_and(|items| (items.len() as u64) < rule.as_u64().unwrap()) => {
                    refuse("has too few items".into());
                }
                "minLength" if value.as_str().is_some_and(|text| (text.len() as u64) < rule.as_u64().unwrap()) => {
                    refuse("is too short".into());
                }
                "minimum" if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) => {
                    refuse("is too small".into());
                }
                "pattern" if !fits_pattern(rule.as_str().unwrap(), value.as_str().unwrap_or_default()) => {
                    refuse(format!("does not match {rule}"));
                }
                "minItems" | "minLength" | "minimum" | "pattern" => {}
                other => panic!("add the keyword {other} to the checker"),
            }
        }
        for (schema, value, path) in inner {
            check_schema(root, &schema, value, &path, complaints);
        }
    }

    /// The two patterns of the schema, without a library for regular expressions.
    fn fits_pattern(pattern: &str, text: &str) -> bool {
        match pattern {
            "^[0-9a-f]{64}$" => text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$" => {
                let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                shape == "0000-00-00T00:00:00.000Z"
            }
            other => panic!("add the pattern {other} to the checker"),
        }
    }
}
