//! What all pages have in common: the frame, small pieces, and words for moments and amounts.
//!
//! Templates escape whatever they are given; `PreEscaped` is used nowhere.

use super::assets;
use super::viewer::Viewer;
use super::web::address;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};
use std::collections::BTreeSet;
use watchfire_export::grouped;
use watchfire_model::{Severity, SeverityLevel};
use watchfire_store::Scope;

/// The pages that the bar leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Findings,
    Settings,
    Lists,
    Filters,
    Usage,
}

const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Findings, "/console/findings", "Findings"),
    (Tab::Settings, "/console/settings", "Settings"),
    (Tab::Lists, "/console/lists", "Lists"),
    (Tab::Filters, "/console/filters", "Filters"),
    (Tab::Usage, "/console/usage", "Usage"),
];

/// A page for somebody who has signed in.
pub(crate) fn frame(viewer: &Viewer, tab: Tab, title: &str, notice: Option<&str>, content: Markup) -> Markup {
    let bar = html! {
        nav aria-label="Pages" {
            ul {
                @for (other, path, name) in TABS {
                    li { a href=(path) aria-current=[(other == tab).then_some("page")] { (name) } }
                }
            }
        }
        form.who method="post" action="/console/sign-out" {
            (token(viewer))
            span.dim.wide-only {
                "Account " (viewer.key.account) ", key …" (tail(&viewer.key.id))
                @if !viewer.may_change() { ", read-only" }
            }
            button type="submit" { "Sign out" }
        }
    };
    let content = html! {
        @if let Some(notice) = notice { p.note.told role="status" { (notice) } }
        (content)
    };
    document(title, bar, content)
}

/// A page for anybody.
pub(crate) fn document(title: &str, bar: Markup, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Watchfire" }
                link rel="icon" type="image/svg+xml" href=(assets::ICON.path());
                link rel="stylesheet" href=(assets::STYLE.path());
                script src=(assets::SCRIPT.path()) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.bar {
                    a.brand href="/console/findings" {
                        svg viewBox="0 0 24 24" aria-hidden="true" {
                            path d="M12 2c1 4 6 6 6 12a6 6 0 0 1-12 0c0-3 2-4 2-7 2 1 3 3 3 4 1-2 2-5 1-9z" {}
                        }
                        span { "Watchfire" }
                    }
                    (bar)
                }
                main #main tabindex="-1" { (content) }
                footer { p { "Watchfire " (env!("CARGO_PKG_VERSION")) ". All times are UTC." } }
            }
        }
    }
}

/// The token that a form brings back.
pub(crate) fn token(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name="csrf" value=(viewer.csrf); }
}

/// Something that cannot be shown, and why.
pub(crate) fn trouble(title: &str, message: &str) -> Markup {
    html! {
        section.narrow {
            h1 { (title) }
            p { (message) }
            p { a href="/console/findings" { "All findings" } }
        }
    }
}

/// The level of a severity in words and colour.
pub(crate) fn badge(severity: f64) -> Markup {
    let level = level_of(severity);
    html! {
        @match level {
            Some(level) => span class={ "badge s" (rank(level)) } { (level_name(level)) },
            None => span.badge { "Unknown" },
        }
    }
}

/// A sentence in which backquotes mark names, as the engine writes them.
pub(crate) fn marked(sentence: &str) -> Markup {
    let parts: Vec<&str> = sentence.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    html! {
        @if is_paired {
            @for (at, part) in parts.iter().enumerate() {
                @if at % 2 == 1 { code { (part) } } @else { (part) }
            }
        } @else { (sentence) }
    }
}

/// Labels and what is known.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! {
        dl.pairs { @for (label, value) in pairs { dt { (label) } dd { (value) } } }
    }
}

/// Menus for an account and a region, where there is a choice.
pub(crate) fn choose(path: &str, all: &[Scope], account: &str, region: &str) -> Markup {
    let accounts: BTreeSet<&str> = all.iter().map(|scope| scope.account.as_str()).collect();
    let regions: BTreeSet<&str> = all.iter().map(|scope| scope.region.as_str()).collect();
    html! {
        @if accounts.len() > 1 || regions.len() > 1 {
            form.choose method="get" action=(path) {
                (menu("Account", "account", &accounts, account))
                (menu("Region", "region", &regions, region))
                button type="submit" { "Show" }
            }
        }
    }
}

/// A menu of which one value or all are chosen.
pub(crate) fn menu(label: &str, name: &str, values: &BTreeSet<&str>, chosen: &str) -> Markup {
    html! {
        label { (label)
            select name=(name) {
                option value="" { "All" }
                @for value in values { option value=(value) selected[*value == chosen] { (value) } }
            }
        }
    }
}

/// The address of a page about an account and a region.
pub(crate) fn place_address(path: &str, account: &str, region: &str) -> String {
    address(path, [("account", account), ("region", region)])
}

/// The level of a number from 1 to 10.
pub(crate) fn level_of(severity: f64) -> Option<SeverityLevel> {
    Severity::from_number(severity).map(Severity::level)
}

/// 0 for the worst level to 3: what the style sheet calls them.
pub(crate) fn rank(level: SeverityLevel) -> usize {
    LEVELS.iter().position(|(other, _)| *other == level).unwrap_or_default()
}

/// `High`.
pub(crate) fn level_name(level: SeverityLevel) -> &'static str {
    LEVELS.iter().find(|(other, _)| *other == level).map_or("", |(_, name)| name)
}

/// The levels, the worst first.
pub(crate) const LEVELS: [(SeverityLevel, &str); 4] = [
    (SeverityLevel::Critical, "Critical"),
    (SeverityLevel::High, "High"),
    (SeverityLevel::Medium, "Medium"),
    (SeverityLevel::Low, "Low"),
];

/// A moment of the wire, `2026-03-10T14:12:05.000Z`, to the second: `2026-03-10 14:12:05`.
pub(crate) fn moment(text: &str) -> String {
    match text.get(..19).filter(|text| text.as_bytes().get(10) == Some(&b'T')) {
        Some(begin) => begin.replace('T', " "),
        None => text.to_owned(),
    }
}

/// The same to the minute, where room is scarce.
pub(crate) fn minute(text: &str) -> String {
    let moment = moment(text);
    moment.get(..16).filter(|_| moment.len() == 19).unwrap_or(&moment).to_owned()
}

/// A moment in milliseconds since 1970, in the same words.
pub(crate) fn moment_ms(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |time| moment(&format!("{time:.0}")))
}

/// How long ago a moment of the wire was: `3 h ago`. `now` is in milliseconds since 1970.
pub(crate) fn age(text: &str, now: i64) -> String {
    let Ok(then) = text.parse::<Timestamp>() else { return String::new() };
    let minutes = (now - then.as_millisecond()).div_euclid(60_000);
    match minutes {
        ..0 => String::new(),
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2_880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", grouped((minutes / 1_440).unsigned_abs())),
    }
}

/// Bytes in the largest unit of 1,000 that leaves more than one: `1.2 GB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut amount = count as f64;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} bytes"),
        _ if amount < 10.0 => format!("{amount:.1} {}", UNITS[unit]),
        _ => format!("{amount:.0} {}", UNITS[unit]),
    }
}

/// The end of an access key's id, by which its holder knows it.
fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(4)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_to_the_second_and_ages_roughly() {
        assert_eq!(moment("2026-03-10T14:12:05.000Z"), "2026-03-10 14:12:05");
        assert_eq!(minute("2026-03-10T14:12:05.000Z"), "2026-03-10 14:12");
        assert_eq!((moment("nonsense"), minute("nonsense")), ("nonsense".to_owned(), "nonsense".to_owned()));
        assert_eq!(moment_ms(1_772_000_000_000), "2026-02-25 06:13:20");
        let now = 1_772_000_000_000;
        let of = |ms: i64| age(&Timestamp::from_millisecond(now - ms).unwrap().to_string(), now);
        assert_eq!(of(30_000), "just now");
        assert_eq!(of(59 * 60_000), "59 min ago");
        assert_eq!(of(47 * 3_600_000), "47 h ago");
        assert_eq!(of(48 * 3_600_000), "2 days ago");
        assert_eq!(of(-60_000), "", "a clock that is behind says nothing");
        assert_eq!(age("nonsense", now), "");
    }

    #[test]
    fn names_in_backquotes_are_set_apart_and_never_markup() {
        assert_eq!(marked("User `<b>` did it").into_string(), "User <code>&lt;b&gt;</code> did it");
        assert_eq!(marked("a lone ` and no more").into_string(), "a lone ` and no more");
    }

    #[test]
    fn bytes_are_told_in_units_that_can_be_read() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(999_600), "1.0 MB");
        assert_eq!(bytes(12_345_678_901), "12 GB");
    }
}
