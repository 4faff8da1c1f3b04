//! Writes `crates/api/src/generated`: the operations and the types of the GuardDuty API, from the service model in `api/`.
//!
//! Names, routes, required members and enumerations become Rust; limits do not, the program reads those from the model
//! itself. What is written is laid out by this file and left alone by `cargo fmt`, so that the test can compare bytes.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const MODEL: &str = include_str!("../../api/guardduty-2017-11-28.service-2.json");

/// Shapes that stay JSON: findings are stored and answered as they were written, and criteria are kept as the caller
/// spelt them.
const OPAQUE: &[&str] = &["Finding", "FindingCriteria"];

/// Members that the model calls required and that GuardDuty leaves out: no administrator is answered with `{}`.
const LEFT_OUT: &[(&str, &str)] =
    &[("GetAdministratorAccountResponse", "Administrator"), ("GetMasterAccountResponse", "Master")];

/// Words that Rust keeps for itself.
const KEYWORDS: &[&str] = &["type", "match", "self", "ref", "in", "where", "move", "static", "use", "loop", "enum"];

const HELP: &str = "\
Writes the operations and types of the GuardDuty API, from the service model in `api/`.

  xtask api";

/// Writes the files.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    anyhow::ensure!(words.is_empty(), "{HELP}");
    for (path, text) in files()? {
        std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

fn files() -> Result<Vec<(PathBuf, String)>> {
    let model = ServiceModel::read()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/src/generated");
    Ok(vec![(folder.join("operations.rs"), model.operations()), (folder.join("types.rs"), model.types())])
}

struct ServiceModel {
    operations: BTreeMap<String, Value>,
    shapes: BTreeMap<String, Value>,
}

impl ServiceModel {
    fn read() -> Result<Self> {
        let model: Value = serde_json::from_str(MODEL).context("the service model is not JSON")?;
        let table = |name: &str| -> Result<BTreeMap<String, Value>> {
            let members = model.get(name).and_then(Value::as_object);
            let members = members.with_context(|| format!("the service model has no `{name}`"))?;
            Ok(members.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
        };
        Ok(Self { operations: table("operations")?, shapes: table("shapes")? })
    }

    /// One line for each operation, for the macro that makes the enumeration, the routes and the marker types of them.
    fn operations(&self) -> String {
        let mut out = header("The operations of the GuardDuty API.");
        out.push_str("use super::types;\nuse crate::operation::{Nothing, operations};\n\noperations! {\n");
        for (name, operation) in &self.operations {
            let http = |part: &str| operation.pointer(&format!("/http/{part}")).cloned().unwrap_or_default();
            let shape = |part: &str| text(operation, &format!("/{part}/shape"));
            let named = |shape: &str| if shape.is_empty() { "Nothing".to_owned() } else { format!("types::{shape}") };
            let _ = writeln!(
                out,
                "    {name} {{ {} {} {} {:?}, {} => {} }}",
                http("method"),
                http("requestUri"),
                http("responseCode"),
                shape("input"),
                named(shape("input")),
                named(shape("output")),
            );
        }
        out.push_str("}\n");
        out
    }

    fn types(&self) -> String {
        let mut out = header("What requests and answers of the GuardDuty API hold, by the names of the service model.");
        out.push_str(
            "use crate::wire::{Timestamp, wire_enum};\nuse serde::{Deserialize, Serialize};\nuse serde_json::Value;\n",
        );
        out.push_str("use std::collections::BTreeMap;\n");
        for name in self.reachable() {
            let shape = &self.shapes[name];
            if !shape["enum"].is_null() {
                self.write_enum(&mut out, name, shape);
            } else if shape["type"] == "structure" {
                self.write_struct(&mut out, name, shape);
            }
        }
        out
    }

    /// Every shape that some request or answer holds.
    fn reachable(&self) -> BTreeSet<&str> {
        let ends = self
            .operations
            .values()
            .flat_map(|operation| ["/input/shape", "/output/shape"].map(|end| text(operation, end)));
        let mut waiting: Vec<&str> = ends.filter(|name| !name.is_empty()).collect();
        let mut found = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            if OPAQUE.contains(&name) || !found.insert(name) {
                continue;
            }
            let shape = &self.shapes[name];
            let members = shape["members"].as_object().into_iter().flatten();
            waiting.extend(members.map(|(_, member)| text(member, "/shape")));
            let parts = ["/member/shape", "/value/shape"].map(|part| text(shape, part));
            waiting.extend(parts.into_iter().filter(|name| !name.is_empty()));
        }
        found
    }

    fn write_enum(&self, out: &mut String, name: &str, shape: &Value) {
        let _ = writeln!(out, "\nwire_enum! {{ {name} {{");
        for value in shape["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let _ = writeln!(out, "    {} = {value:?},", variant(value));
        }
        out.push_str("} }\n");
    }

    fn write_struct(&self, out: &mut String, name: &str, shape: &Value) {
        let members: Vec<(&String, &Value)> = shape["members"].as_object().into_iter().flatten().collect();
        let default = if self.has_default(name) { ", Default" } else { "" };
        let _ = writeln!(out, "\n#[derive(Clone, Debug, PartialEq{default}, Serialize, Deserialize)]");
        if members.is_empty() {
            let _ = writeln!(out, "pub(crate) struct {name} {{}}");
            return;
        }
        let _ = writeln!(out, "pub(crate) struct {name} {{");
        for (member, about) in members {
            let wire = about["locationName"].as_str().unwrap_or(member);
            let kind = self.rust_type(text(about, "/shape"));
            if self.is_required(name, shape, member) {
                let _ = writeln!(out, "    #[serde(rename = {wire:?})]");
                let _ = writeln!(out, "    pub(crate) {}: {kind},", field(member));
            } else {
                let _ = writeln!(
                    out,
                    "    #[serde(rename = {wire:?}, default, skip_serializing_if = \"Option::is_none\")]"
                );
                let _ = writeln!(out, "    pub(crate) {}: Option<{kind}>,", field(member));
            }
        }
        out.push_str("}\n");
    }

    fn is_required(&self, name: &str, shape: &Value, member: &str) -> bool {
        let mut required = shape["required"].as_array().into_iter().flatten();
        required.any(|required| required == member) && !LEFT_OUT.contains(&(name, member))
    }

    fn rust_type(&self, name: &str) -> String {
        if OPAQUE.contains(&name) {
            return "Value".to_owned();
        }
        let shape = &self.shapes[name];
        match shape["type"].as_str().unwrap_or_default() {
            "structure" => name.to_owned(),
            "list" => format!("Vec<{}>", self.rust_type(text(shape, "/member/shape"))),
            "map" => format!("BTreeMap<String, {}>", self.rust_type(text(shape, "/value/shape"))),
            "string" if shape["enum"].is_null() => "String".to_owned(),
            "string" => name.to_owned(),
            "integer" | "long" => "i64".to_owned(),
            "double" => "f64".to_owned(),
            "boolean" => "bool".to_owned(),
            "timestamp" => "Timestamp".to_owned(),
            other => unreachable!("the shape `{name}` is of type {other}, which no code here writes"),
        }
    }

    /// Whether all required members have a value that says nothing. An enumeration has none.
    fn has_default(&self, name: &str) -> bool {
        let shape = &self.shapes[name];
        let mut members = shape["members"].as_object().into_iter().flatten();
        members.all(|(member, about)| {
            let kind = text(about, "/shape");
            let inner = &self.shapes[kind];
            !self.is_required(name, shape, member)
                || OPAQUE.contains(&kind)
                || match inner["type"].as_str() {
                    Some("structure") => self.has_default(kind),
                    _ => inner["enum"].is_null(),
                }
        })
    }
}

fn header(about: &str) -> String {
    format!(
        "//! {about}\n//!\n//! Written by `cargo run -p xtask -- api` from the service model in `api/`: change that, not this.\n\n"
    )
}

fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

/// `CloudTrail` → `cloud_trail`, `DNSLogs` → `dns_logs`, `AddressV4` → `address_v4`.
fn field(member: &str) -> String {
    let letters: Vec<char> = member.chars().collect();
    let mut name = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() && before != '_' || after.is_some_and(|after| after.is_lowercase())
            });
        if begins && at > 0 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

/// `RUNTIME_MONITORING` → `RuntimeMonitoring`, `Created` → `Created`, `1_DAY` → `V1Day`.
fn variant(value: &str) -> String {
    let words = value.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let all_capitals = !value.chars().any(|letter| letter.is_ascii_lowercase());
    let mut name = String::new();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters.map(|letter| if all_capitals { letter.to_ascii_lowercase() } else { letter }));
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("V{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_the_api_are_what_the_model_gives() {
        for (path, text) in files().unwrap() {
            let committed = std::fs::read_to_string(&path).unwrap();
            assert!(
                committed == text,
                "{} is not what the model gives: run `cargo run -p xtask -- api`",
                path.display()
            );
        }
    }

    #[test]
    fn names_read_as_rust() {
        assert_eq!(field("DNSLogs"), "dns_logs");
        assert_eq!(field("MaxResults"), "max_results");
        assert_eq!(field("Type"), "r#type");
        assert_eq!(field("IpAddressV4"), "ip_address_v4");
        assert_eq!(variant("RUNTIME_MONITORING"), "RuntimeMonitoring");
        assert_eq!(variant("EmailVerificationInProgress"), "EmailVerificationInProgress");
    }
}
