//! `watchfire thresholds`.

use super::print;
use crate::cli::{DiffFormat, ThresholdsArguments};
use crate::config::Settings;
use anyhow::{Context, Result, anyhow};
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;
use watchfire_detections::thresholds::{self, GROUPS, Group};
use watchfire_detections::{Threshold, Thresholds};
use watchfire_export::wrapped_field;

/// Types that stand above their thresholds; of more it is said how many.
const TYPES_NAMED: usize = 4;

/// Lists all, or explains one.
pub fn run(arguments: &ThresholdsArguments) -> Result<ExitCode> {
    let in_force = Settings::from_file(arguments.config.as_deref())?.thresholds;
    let chosen = arguments.key.as_deref().map(chosen).transpose()?;
    let text = match (arguments.format, chosen) {
        (DiffFormat::Json, chosen) => as_json(chosen, &in_force)?,
        (DiffFormat::Text, Some(threshold)) => explained(threshold, &in_force),
        (DiffFormat::Text, None) => listed(&in_force),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn chosen(key: &str) -> Result<&'static Threshold> {
    thresholds::find(key).ok_or_else(|| {
        let nearest = thresholds::nearest(key, thresholds::all().map(|threshold| threshold.key));
        let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        anyhow!("there is no threshold `{key}`{nearest}; `watchfire thresholds` lists them all")
    })
}

fn listed(in_force: &Thresholds) -> String {
    let widest = |text: fn(&Threshold) -> String| thresholds::all().map(|one| text(one).len()).max().unwrap_or(0);
    let (keys, ranges) = (widest(|one| one.key.to_owned()), widest(range));
    let mut text =
        format!("  {:<keys$} {:>10} {:>10}  {:<ranges$}  UNIT\n", "THRESHOLD", "IN FORCE", "DEFAULT", "RANGE");
    for group in GROUPS {
        let _ = writeln!(text, "\n{}", concerned(group));
        for threshold in group.thresholds {
            let set = if in_force.is_default(threshold) { ' ' } else { '*' };
            let (value, default) = (in_force.get(threshold), threshold.default);
            let (key, range, unit) = (threshold.key, range(threshold), threshold.unit);
            let _ = writeln!(text, "{set} {key:<keys$} {value:>10} {default:>10}  {range:<ranges$}  {unit}");
        }
    }
    text.push_str(
        "\n* set in the configuration. `watchfire thresholds KEY` says what one decides and where it comes from; \
         `[thresholds]`\nin the configuration, or --threshold KEY=VALUE, sets it.\n",
    );
    text
}

fn concerned(group: &Group) -> String {
    let types = group.types();
    let named: Vec<&str> = types.iter().take(TYPES_NAMED).map(|finding_type| finding_type.as_str()).collect();
    match types.len() {
        _ if group.detections.is_empty() => format!("All {} types that judge behaviour", types.len()),
        count if count > TYPES_NAMED => format!("{} and {} more", named.join(", "), count - TYPES_NAMED),
        _ => named.join(", "),
    }
}

fn range(threshold: &Threshold) -> String {
    format!("{} to {}", threshold.min, threshold.max)
}

fn explained(threshold: &Threshold, in_force: &Thresholds) -> String {
    let mut text = format!("{}\n", threshold.key);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{}", wrapped_field(name, value));
    };
    let set = if in_force.is_default(threshold) { "the default" } else { "set in the configuration" };
    line("In force", &format!("{} ({set})", in_force.get(threshold)));
    line("Default", &threshold.default.to_string());
    line("Range", &range(threshold));
    line("Unit", threshold.unit);
    line("Decides", threshold.summary);
    line("Source", threshold.source);
    for (at, finding_type) in concerned_by(threshold).iter().enumerate() {
        line(if at == 0 { "Concerns" } else { "" }, finding_type);
    }
    text
}

fn concerned_by(threshold: &Threshold) -> Vec<&'static str> {
    let of = GROUPS.iter().find(|group| group.thresholds.iter().any(|one| one.key == threshold.key));
    of.map_or_else(Vec::new, |group| group.types().into_iter().map(|finding_type| finding_type.as_str()).collect())
}

fn as_json(chosen: Option<&Threshold>, in_force: &Thresholds) -> Result<String> {
    let value = |threshold: &Threshold| {
        json!({
            "key": threshold.key,
            "value": in_force.get(threshold),
            "isSet": !in_force.is_default(threshold),
            "default": threshold.default,
            "min": threshold.min,
            "max": threshold.max,
            "unit": threshold.unit,
            "decides": threshold.summary,
            "source": threshold.source,
            "types": concerned_by(threshold),
        })
    };
    let all = match chosen {
        Some(threshold) => value(threshold),
        None => thresholds::all().map(value).collect(),
    };
    Ok(serde_json::to_string_pretty(&all).context("could not write the thresholds as JSON")? + "\n")
}
