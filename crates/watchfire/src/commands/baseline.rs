//! `watchfire baseline`.

use super::scan::options;
use super::{STATUS_NOTHING_READ, print, say};
use crate::cli::{BaselineAction, BaselineArguments, InputArguments};
use crate::config::Settings;
use crate::load;
use crate::progress::Progress;
use crate::saved_baseline::{BaselineWriter, SavedBaseline};
use crate::scan::{FileResult, Learnt, ScanOptions, learn_about, save_baseline};
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use watchfire_detections::thresholds::nearest;
use watchfire_engine::Coverage;
use watchfire_export::{TEXT_WIDTH, wrapped};
use watchfire_knowledge::baseline::{Baselines, Entity, EntityKind, Feature};
use watchfire_model::Time;

/// Peers that are named; of more it is said how many.
const PEERS_NAMED: usize = 10;

/// Saves, merges or shows.
pub fn run(arguments: &BaselineArguments) -> Result<ExitCode> {
    match &arguments.action {
        BaselineAction::Save { file, paths, input } => save(file, paths, input),
        BaselineAction::Merge { out, inputs } => merge(out, inputs),
        BaselineAction::Show { name, paths, input } => show(name, paths, input),
    }
}

fn save(file: &Path, paths: &[PathBuf], input: &InputArguments) -> Result<ExitCode> {
    let settings = Settings::from_arguments(input)?;
    let loaded = load::knowledge(&settings)?;
    let writer = BaselineWriter::default();
    if !input.baseline.is_empty() {
        bail!("what is saved are the logs of PATH: `watchfire baseline merge` adds what other files teach");
    }
    let options = options(paths, input, &settings);
    let learnt = save_baseline(&options, &loaded.knowledge, &Progress::new(input.quiet), &writer)?;
    if !anything_read(&learnt) {
        return Ok(nothing_read(&learnt));
    }
    let (count, bytes) = writer.finish(file)?;
    if !input.quiet {
        let files = learnt.files.len();
        say(&format!(
            "{}: {bytes} bytes, from {count} of {files} files. It covers:\n{}",
            file.display(),
            covered(&learnt)
        ));
        say(&unread(&learnt));
    }
    Ok(ExitCode::SUCCESS)
}

fn merge(out: &Path, inputs: &[PathBuf]) -> Result<ExitCode> {
    let (writer, mut known) = (BaselineWriter::default(), BTreeSet::new());
    // The order of the arguments must not decide under which name a file that stands in two is kept.
    let mut inputs = inputs.to_vec();
    inputs.sort();
    for input in &inputs {
        writer.add_all(&SavedBaseline::open(input)?, &mut known)?;
    }
    let (count, bytes) = writer.finish(out)?;
    say(&format!("{}: {bytes} bytes, from {count} log files.\n", out.display()));
    Ok(ExitCode::SUCCESS)
}

fn show(name: &str, paths: &[PathBuf], input: &InputArguments) -> Result<ExitCode> {
    let settings = Settings::from_arguments(input)?;
    let loaded = load::knowledge(&settings)?;
    let baselines = [paths, &input.baseline].concat();
    let options = ScanOptions { baselines, ..options(&[], input, &settings) };
    let (baselines, learnt) = learn_about(name, &options, &loaded.knowledge, &Progress::new(input.quiet))?;
    let Some(last) = learnt.coverage.values().map(|coverage| coverage.last).max() else {
        return Ok(nothing_read(&learnt));
    };
    // As of the moment when the last hour is over: an open hour is not normal yet.
    let last = Time::from_ms(last.hour().saturating_add(1).saturating_mul(Time::HOUR_MS));
    let mut described: Vec<Vec<String>> = Vec::new();
    if !learnt.host.is_empty() {
        described.push([format!("host {name}")].into_iter().chain(learnt.host.iter().cloned()).collect());
    }
    match named(name, &baselines) {
        Ok(entities) => described.extend(entities.iter().map(|entity| lines(entity, &baselines, last))),
        Err(unknown) if described.is_empty() => return Err(unknown),
        Err(_) => {}
    }
    let mut text = String::new();
    for lines in &described {
        for (at, line) in lines.iter().enumerate() {
            let indent = if at == 0 { "" } else { "  " };
            for (part, wrapped) in wrapped(line, TEXT_WIDTH - 6).iter().enumerate() {
                let _ = writeln!(text, "{indent}{}{wrapped}", if part == 0 { "" } else { "    " });
            }
        }
        text.push('\n');
    }
    let _ = writeln!(text, "Learnt from:\n{}", covered(&learnt).trim_end());
    print(&text)?;
    if !input.quiet {
        say(&unread(&learnt));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is normal for the entity, and whom it is compared with.
fn lines(entity: &Entity, baselines: &Baselines, now: Time) -> Vec<String> {
    let mut lines = baselines.describe(entity, now);
    if entity.kind == EntityKind::Principal {
        lines.extend(peer_groups(entity, baselines, now).iter().map(|(group, peers)| {
            let others: Vec<&str> = peers.iter().map(String::as_str).filter(|peer| *peer != entity.id).collect();
            let named = others.iter().take(PEERS_NAMED).copied().collect::<Vec<_>>().join(", ");
            match others.len() {
                0 => format!("peers: the only one of the group `{}`", group.id),
                count if count > PEERS_NAMED => {
                    format!("peers: {count} of the group `{}`: {named} and {} more", group.id, count - PEERS_NAMED)
                }
                count => format!("peers: {count} of the group `{}`: {named}", group.id),
            }
        }));
    }
    lines
}

/// The peer groups of a principal, each with all of its members.
fn peer_groups(principal: &Entity, baselines: &Baselines, now: Time) -> Vec<(Entity, Vec<String>)> {
    let mut groups = Vec::new();
    for entity in baselines.entities() {
        // The users of a network are kept as a group as well, of which nothing but its members is known.
        let is_group = entity.kind == EntityKind::PeerGroup;
        let Some(profile) = baselines.profile(&entity).filter(|profile| is_group && profile.distinct(Feature::Api) > 0)
        else {
            continue;
        };
        let mut members: Vec<String> =
            profile.values(Feature::Principal, now).iter().map(|(member, _)| (*member).to_owned()).collect();
        members.sort();
        if members.contains(&principal.id) {
            groups.push((entity, members));
        }
    }
    groups
}

/// The entities that are called so.
fn named(name: &str, baselines: &Baselines) -> Result<Vec<Entity>> {
    let all = baselines.entities();
    let wanted = role_of_session(name);
    let is_shown = |entity: &&Entity| {
        matches!(entity.kind, EntityKind::Principal | EntityKind::PeerGroup | EntityKind::Account | EntityKind::Bucket)
    };
    // Of a person who signs in through a role, the principal is the role with the person's name behind it.
    let below = format!("{wanted}/");
    let found: Vec<Entity> = all
        .iter()
        .filter(is_shown)
        .filter(|entity| {
            entity.id == name
                || entity.id == wanted
                || entity.kind == EntityKind::Principal && entity.id.starts_with(&below)
        })
        .cloned()
        .collect();
    if found.is_empty() {
        let known = all.iter().filter(is_shown).map(|entity| entity.id.as_str());
        let nearest = nearest(name, known).map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        bail!("nothing was learnt of `{name}`{nearest}");
    }
    Ok(found)
}

/// The role's ARN, where this is the ARN of a session of it.
fn role_of_session(name: &str) -> String {
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "sts", _, account, session] => {
            let role = session.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next());
            role.map_or_else(|| name.to_owned(), |role| format!("arn:{partition}:iam::{account}:role/{role}"))
        }
        _ => name.to_owned(),
    }
}

/// One line for each account, region and source.
fn covered(learnt: &Learnt) -> String {
    let mut text = String::new();
    for ((account, region, kind), Coverage { records, first, last, .. }) in &learnt.coverage {
        let region = if region.is_empty() { "no region" } else { region };
        let account = if account.is_empty() { "no account" } else { account };
        let _ = writeln!(text, "  {account} {region:<14} {:<20} {records:>10} records, {first} to {last}", kind.name());
    }
    text
}

fn anything_read(learnt: &Learnt) -> bool {
    learnt.files.iter().any(FileResult::holds_a_log)
}

/// Files that taught nothing, and why: silence about them would make a baseline look better than it is.
fn unread(learnt: &Learnt) -> String {
    let mut text = String::new();
    for problem in &learnt.listing.problems {
        let _ = writeln!(text, "NOT read: {}: {}", problem.display(), problem.reason);
    }
    for (file, result) in learnt.listing.files.iter().zip(&learnt.files) {
        for problem in result.problems() {
            let _ = writeln!(text, "NOT read to the end: {}: {problem}", file.display());
        }
        if !result.holds_a_log() && !result.is_repeated && result.problems().is_empty() && result.not_a_log().is_none()
        {
            let _ = writeln!(text, "NOT read: {}: not a log of a known format", file.display());
        }
    }
    text
}

fn nothing_read(learnt: &Learnt) -> ExitCode {
    say(&format!("{}watchfire: nothing could be read as a log\n", unread(learnt)));
    ExitCode::from(STATUS_NOTHING_READ)
}
