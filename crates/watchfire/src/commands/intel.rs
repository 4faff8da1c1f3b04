//! `watchfire intel`.

use super::{STATUS_NOTHING_READ, print, say};
use crate::cli::{InputArguments, IntelAction, IntelArgument, IntelArguments};
use crate::config::Settings;
use crate::feeds::{self, Update};
use crate::load::{self, LoadedList};
use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use watchfire_export::harmless;
use watchfire_knowledge::{
    Coverage, EntryDetails, Indicator, IndicatorList, ListFormat, ListRole, ReadList, is_publicly_routable, lists,
};
use watchfire_model::Time;

/// Entries of a change that are named; the others are counted.
const NAMED_MAX: usize = 5;

/// Lists, shows, checks, looks up or updates.
pub fn run(arguments: &IntelArguments) -> Result<ExitCode> {
    let input = InputArguments {
        config: arguments.config.clone(),
        intel: arguments.intel.clone(),
        trusted: arguments.trusted.clone(),
        no_default_intel: arguments.no_default_intel,
        list_bytes_max: arguments.list_bytes_max,
        ..InputArguments::default()
    };
    let settings = Settings::from_arguments(&input)?;
    match &arguments.action {
        IntelAction::List => list(&settings),
        IntelAction::Show { name } => show(name, &settings),
        IntelAction::Check { file } => check(file, &settings),
        IntelAction::Lookup { values, at } => lookup(values, at.unwrap_or_else(feeds::now), &settings),
        IntelAction::Update { feed, accept_growth } => update(feed, *accept_growth, &settings),
    }
}

fn list(settings: &Settings) -> Result<ExitCode> {
    let (lists, remarks) = load::lists(settings)?;
    let longest = |part: fn(&IndicatorList) -> &str| {
        lists.iter().map(|loaded| harmless(part(&loaded.list)).chars().count()).max().unwrap_or(0).max("LICENCE".len())
    };
    let (names, dates) = (longest(|list| &list.name), longest(|list| &list.version));
    let licences = longest(|list| &list.licence);
    let mut text = format!(
        "{:<22} {:>9}  {:<dates$}  {:<names$}  {:<licences$}  FROM\n",
        "KIND", "ENTRIES", "DATE", "NAME", "LICENCE"
    );
    for LoadedList { list, role, place } in &lists {
        let IndicatorList { name, version, licence, entries, .. } = list;
        let (name, version, licence) = (harmless(name), harmless(version), harmless(licence));
        let _ = writeln!(
            text,
            "{:<22} {:>9}  {:<dates$}  {name:<names$}  {licence:<licences$}  {place}",
            kind(list, *role),
            entries.len(),
            version
        );
    }
    for remark in remarks {
        let _ = writeln!(text, "{remark}");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn kind(list: &IndicatorList, role: ListRole) -> &'static str {
    match role {
        ListRole::Threat => list.kind.name(),
        ListRole::Trusted => "trusted",
        ListRole::Guard => "guard",
    }
}

fn show(name: &str, settings: &Settings) -> Result<ExitCode> {
    let (lists, _) = load::lists(settings)?;
    let Some(LoadedList { list, .. }) = lists.iter().find(|loaded| loaded.list.name.eq_ignore_ascii_case(name)) else {
        let names: Vec<_> = lists.iter().map(|loaded| harmless(&loaded.list.name)).collect();
        bail!("no list is named `{name}`; the lists are {}", names.join(", "));
    };
    print(&as_text(list))?;
    Ok(ExitCode::SUCCESS)
}

/// The list in the plain text form, which has no place for the dates of entries.
fn as_text(list: &IndicatorList) -> String {
    let IndicatorList { name, kind, version, include_subdomains, source, licence, entries, .. } = list;
    let mut text = format!("# name: {}\n# kind: {kind}\n", harmless(name));
    for (key, value) in [("date", version), ("licence", licence), ("source", source)] {
        if !value.is_empty() {
            let _ = writeln!(text, "# {key}: {}", harmless(value));
        }
    }
    if *include_subdomains {
        text.push_str("# subdomains: yes\n");
    }
    for entry in entries.iter() {
        // A name may hold anything that a list wrote, a line break too.
        let _ = match harmless(&entry.threat_name).trim() {
            "" => writeln!(text, "{}", entry.indicator),
            threat => writeln!(text, "{}  # {threat}", entry.indicator),
        };
    }
    text
}

fn check(file: &IntelArgument, settings: &Settings) -> Result<ExitCode> {
    let read = load::read_list(&file.file, file.kind, file.format.as_ref(), settings.list_bytes_max)?;
    let is_usable = !read.list.entries.is_empty();
    let shown = file.file.display().to_string();
    match refusal(&read) {
        Some(why) => print(&format!("{shown}: no list that can be used: {why}\n"))?,
        None => print(&report(&read, &shown))?,
    }
    Ok(if is_usable { ExitCode::SUCCESS } else { ExitCode::from(STATUS_NOTHING_READ) })
}

/// Why the file as a whole is no list, if that is so.
fn refusal(read: &ReadList) -> Option<String> {
    match read.rejected.as_slice() {
        _ if !read.list.entries.is_empty() => None,
        [] if read.format == ListFormat::Txt => Some("the file is empty, or holds nothing but comments".to_owned()),
        [] => Some(format!("it is {} without a single entry", read.format)),
        [only] if only.reason.is_of_the_file() => Some(match only.text.as_str() {
            "" => only.reason.to_string(),
            text => format!("{} (its outermost element is `{}`)", only.reason, harmless(text)),
        }),
        _ => None,
    }
}

/// What was understood of a list, and what was refused and why.
fn report(read: &ReadList, shown: &str) -> String {
    let ReadList { list, format, rejected_count, rejected_by_reason, rejected } = read;
    let mut text = format!("{shown}: read as {format}\n  list     {} (kind {})\n", harmless(&list.name), list.kind);
    for (title, value) in [("date", &list.version), ("licence", &list.licence), ("source", &list.source)] {
        if !value.is_empty() {
            let _ = writeln!(text, "  {title:<8} {}", harmless(value));
        }
    }
    let mut sorts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut dated, mut named) = (0u64, 0u64);
    for entry in list.entries.iter() {
        *sorts.entry(sort(&entry.indicator)).or_default() += 1;
        dated += u64::from(entry.details.as_deref().is_some_and(|EntryDetails { seen, .. }| seen.is_some()));
        named += u64::from(!entry.threat_name.is_empty());
    }
    let _ = writeln!(
        text,
        "  entries  {}, of which {dated} bear a date and {named} the name of a threat",
        list.entries.len()
    );
    for (sort, count) in sorts {
        let _ = writeln!(text, "           {count} {sort}");
    }
    let _ = writeln!(text, "  refused  {rejected_count}");
    for (reason, count) in rejected_by_reason {
        let _ = writeln!(text, "           {count}: {reason}");
    }
    for rejected in rejected {
        let _ = writeln!(text, "           line {}: `{}`", rejected.line, harmless(&rejected.text));
    }
    text
}

fn sort(indicator: &Indicator) -> &'static str {
    match indicator {
        Indicator::Network(network) => {
            match (network.addr().is_ipv4(), network.prefix_len() == network.max_prefix_len()) {
                (true, true) => "IPv4 addresses",
                (true, false) => "IPv4 prefixes",
                (false, true) => "IPv6 addresses",
                (false, false) => "IPv6 prefixes",
            }
        }
        Indicator::Domain(_) => "domains",
        Indicator::Below(_) => "wildcards",
        Indicator::Sha256(_) => "SHA-256 digests",
        Indicator::AccessKey(_) => "access key ids",
    }
}

fn lookup(values: &[String], at: Time, settings: &Settings) -> Result<ExitCode> {
    let knowledge = load::knowledge(settings)?.knowledge;
    let indicators = &knowledge.indicators;
    let mut text = String::new();
    for value in values {
        let value = value.trim();
        let (coverage, remark) = match lists::indicator(value) {
            _ if value.parse().is_ok_and(|ip| !is_publicly_routable(ip)) => {
                (Vec::new(), "lists apply to publicly routable addresses only")
            }
            Ok(Indicator::Network(network)) => {
                ensure!(
                    network.prefix_len() == network.max_prefix_len(),
                    "`{value}` is a prefix: look up one address of it"
                );
                (indicators.ip_coverage(network.addr(), at), "")
            }
            Ok(Indicator::Domain(name)) => (indicators.domain_coverage(&name, at), ""),
            Ok(Indicator::Sha256(digest)) => (indicators.hash_coverage(&digest, at), ""),
            Ok(Indicator::AccessKey(key)) => (indicators.key_coverage(&key, at), ""),
            Ok(Indicator::Below(_)) => bail!("`{value}` is a wildcard: look up one name of it"),
            Err(reason) => bail!("could not look up `{value}`: {reason}"),
        };
        let _ = writeln!(text, "{value}: {}", verdict(&coverage, remark));
        coverage.iter().for_each(|found| text.push_str(&line(found)));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn verdict(coverage: &[Coverage], remark: &'static str) -> String {
    let has = |role: ListRole| coverage.iter().any(|found| found.role == role);
    match (has(ListRole::Threat), has(ListRole::Trusted)) {
        _ if !remark.is_empty() => remark.to_owned(),
        (true, true) => "on a threat list, and trusted: makes no finding".to_owned(),
        (true, false) => "on a threat list".to_owned(),
        (false, true) => "trusted".to_owned(),
        (false, false) => "on no threat list".to_owned(),
    }
}

fn line(found: &Coverage) -> String {
    let entry = &found.entry;
    let role = match found.role {
        ListRole::Threat => entry.kind.name(),
        ListRole::Trusted => "trusted",
        ListRole::Guard => "guard",
    };
    let mut text = format!("  {role:<22} `{}` has `{}`", harmless(&entry.list), entry.entry);
    if !entry.version.is_empty() {
        let _ = write!(text, ", version {}", harmless(&entry.version));
    }
    if !entry.threat_name.is_empty() {
        let _ = write!(text, ", as {}", harmless(&entry.threat_name));
    }
    if let (Some(seen), Some(days)) = (entry.seen, entry.age_days) {
        let _ = write!(text, ", last seen on {} ({days} days before)", seen.date());
    }
    if found.role == ListRole::Threat {
        let _ = write!(text, ", weight {} of 100", entry.weight);
    }
    text + "\n"
}

fn update(wanted: &[String], accept_growth: bool, settings: &Settings) -> Result<ExitCode> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    if let Some(unknown) =
        wanted.iter().find(|wanted| !settings.feeds.iter().any(|feed| feed.name.eq_ignore_ascii_case(wanted)))
    {
        bail!("the configuration has no feed named `{unknown}`");
    }
    ensure!(!settings.feeds.is_empty(), "the configuration has no feed: add `[[knowledge.feed]]`, see docs/lists.md");
    let mut failed = 0;
    for feed in settings.feeds.iter().filter(|feed| is_wanted(&feed.name)) {
        match feeds::update(feed, settings, accept_growth) {
            Ok(done) => print(&format!("{}: {}\n", feed.name, outcome(&done)))?,
            Err(error) => {
                failed += 1;
                say(&format!("watchfire: {}: {error:#}\n", feed.name));
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(STATUS_NOTHING_READ) })
}

fn outcome(done: &Update) -> String {
    match done {
        Update::Unchanged { entries } => format!("unchanged, {entries} entries"),
        Update::Changed { entries, added, removed, rejected, format } => {
            let refused = if *rejected == 0 { String::new() } else { format!(", {rejected} refused") };
            format!(
                "{entries} entries, read as {format}{refused}; {}; {}",
                change("new", added),
                change("gone", removed)
            )
        }
    }
}

fn change(what: &str, entries: &[String]) -> String {
    let named: Vec<&str> = entries.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = if entries.len() > NAMED_MAX { ", …" } else { "" };
    match entries.len() {
        0 => format!("0 {what}"),
        count => format!("{count} {what} ({}{more})", named.join(", ")),
    }
}
