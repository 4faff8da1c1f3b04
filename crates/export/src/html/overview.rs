//! The first screen: what happened, to whom, how bad, when, and what to do first; then severities and tactics.

use super::digest::{Digest, EntityKind, LEVELS, level_name, rank, sum};
use super::writer::Html;
use crate::account::{duration, to_the_minute};
use crate::text::{counted, cut_middle, grouped};
use watchfire_model::SeverityLevel;

/// What to do first: more than this nobody does first.
const STEPS_MAX: usize = 5;
/// Types named under what happened.
const HAPPENED_MAX: usize = 5;
/// Names shown where there may be thousands.
const NAMES_MAX: usize = 3;
/// Columns of a name in the summary.
const NAME_COLUMNS: usize = 60;
/// Percent of a bar that even the smallest part takes: it would not be seen else.
const BAR_SHARE_MIN: f64 = 1.0;

/// The summary.
pub(super) fn first_screen(page: &mut Html, digest: &Digest<'_>) {
    page.raw("<section id=\"summary\" aria-labelledby=\"summary-title\">\n<h1 id=\"summary-title\">");
    page.text(&digest.headline()).raw("</h1>\n");
    if digest.rows.is_empty() {
        nothing_found(page, digest);
    } else {
        page.raw("<div class=\"first\">\n<div class=\"answers\">\n");
        what_happened(page, digest);
        to_whom(page, digest);
        how_bad(page, digest);
        when(page, digest);
        page.raw("</div>\n");
        what_to_do_first(page, digest);
        page.raw("</div>\n");
    }
    caution(page, digest);
    page.raw("</section>\n");
}

fn nothing_found(page: &mut Html, digest: &Digest<'_>) {
    let analysed = digest.account.records.analysed_total();
    page.raw("<p class=\"lead\">");
    match analysed {
        0 => page.text("No record was analysed, so that there are no findings means nothing."),
        count => page.text(&format!(
            "{} analysed, and none showed what Watchfire looks for. What could not be judged stands below.",
            counted(count, "record")
        )),
    };
    page.raw("</p>\n");
}

fn what_happened(page: &mut Html, digest: &Digest<'_>) {
    page.raw("<div class=\"answer\"><h2>What happened</h2><ul class=\"plain\">");
    let types = digest.types_by_urgency();
    for (_, group) in types.iter().take(HAPPENED_MAX) {
        let Some(&worst) = group.rows.first() else { continue };
        let row = &digest.rows[worst];
        page.raw("<li>");
        badge(page, row.level());
        page.raw(" <a").attribute("href", &format!("#f-{}", row.finding.id)).raw(">");
        page.text(&row.short_title()).raw("</a>");
        if group.rows.len() > 1 {
            page.raw(" <span class=\"dim\">").text(&format!("and {} alike", grouped(group.rows.len() as u64 - 1)));
            page.raw("</span>");
        }
        page.raw("</li>");
    }
    page.raw("</ul>");
    if let Some(more) = types.len().checked_sub(HAPPENED_MAX).filter(|more| *more > 0) {
        page.element("p class=\"dim\"", &format!("and findings of {}", counted(more as u64, "other type")));
    }
    page.raw("</div>\n");
}

fn to_whom(page: &mut Html, digest: &Digest<'_>) {
    page.raw("<div class=\"answer\"><h2>To whom</h2><dl class=\"pairs\">");
    let accounts: Vec<&str> = digest.accounts().into_iter().collect();
    names(page, "Account", &accounts);
    let regions: Vec<&str> = digest.regions().into_iter().collect();
    names(page, "Region", &regions);
    for (kind, label) in [(EntityKind::Identity, "Identities"), (EntityKind::Resource, "Resources")] {
        let entities = digest.entities_by_risk(kind);
        if entities.is_empty() {
            continue;
        }
        page.raw("<dt>").raw(label).raw("</dt><dd>");
        for (place, (index, entity)) in entities.iter().take(NAMES_MAX).enumerate() {
            page.raw(&format!("<span class=\"name\"><a class=\"filter\" href=\"#findings\" data-entity=\"{index}\">"));
            let comma = if place + 1 < entities.len().min(NAMES_MAX) { "," } else { "" };
            page.text(&cut_middle(&entity.name, NAME_COLUMNS)).raw("</a>").raw(comma).raw("</span> ");
        }
        and_more(page, entities.len());
        page.raw("</dd>");
    }
    page.raw("</dl></div>\n");
}

fn names(page: &mut Html, label: &str, names: &[&str]) {
    if names.is_empty() {
        return;
    }
    page.element("dt", &if names.len() == 1 { label.to_owned() } else { format!("{label}s") });
    page.raw("<dd>");
    for (place, name) in names.iter().take(NAMES_MAX).enumerate() {
        let comma = if place + 1 < names.len().min(NAMES_MAX) { "," } else { "" };
        page.element("span class=\"name\"", &format!("{}{comma}", cut_middle(name, NAME_COLUMNS))).raw(" ");
    }
    and_more(page, names.len());
    page.raw("</dd>");
}

fn and_more(page: &mut Html, count: usize) {
    if count > NAMES_MAX {
        page.raw("<span class=\"dim\">").text(&format!("and {} more", grouped((count - NAMES_MAX) as u64)));
        page.raw("</span>");
    }
}

fn how_bad(page: &mut Html, digest: &Digest<'_>) {
    let counts = digest.by_level(0..digest.rows.len());
    page.raw("<div class=\"answer\"><h2>How bad</h2><p class=\"worst\">");
    if let Some(worst) = digest.rows.first() {
        badge(page, worst.level());
        page.raw(" <span>").text(&format!("at worst, {} of 10", worst.finding.latest.severity.number()));
        page.raw("</span>");
    }
    page.raw("</p>");
    stack(page, counts);
    page.raw("<ul class=\"tally\">");
    for (level, count) in LEVELS.into_iter().zip(counts) {
        page.raw(&format!("<li class=\"s{}\"><b>{}</b> {}</li>", rank(level), grouped(count), level_name(level)));
    }
    page.raw("</ul></div>\n");
}

fn when(page: &mut Html, digest: &Digest<'_>) {
    let Some((first, last)) = digest.findings_period() else { return };
    page.raw("<div class=\"answer\"><h2>When</h2><dl class=\"pairs\"><dt>First seen</dt><dd>");
    page.text(&to_the_minute(first)).raw(" UTC</dd><dt>Last seen</dt><dd>").text(&to_the_minute(last));
    page.raw(" UTC</dd>");
    if last > first {
        page.raw("<dt>Lasted</dt><dd>").text(&duration(last.ms().saturating_sub(first.ms()))).raw("</dd>");
    }
    let spans = digest.account.spans.iter().map(|span| (span.first, span.last));
    if let Some((from, to)) = spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) {
        page.raw("<dt>Logs cover</dt><dd>");
        page.text(&format!("{} to {}", to_the_minute(from), to_the_minute(to)));
        page.raw("</dd>");
    }
    page.raw("</dl></div>\n");
}

/// The types by urgency, each with what the catalogue says to do and on what to do it.
fn what_to_do_first(page: &mut Html, digest: &Digest<'_>) {
    page.raw("<div class=\"steps\"><h2>What to do first</h2><ol>\n");
    let steps = digest.types_by_urgency();
    for (index, group) in steps.iter().take(STEPS_MAX) {
        let Some(&worst) = group.rows.first() else { continue };
        let row = &digest.rows[worst];
        let remediation = group.entry.map_or("", |entry| entry.remediation.as_str());
        page.raw("<li><div>");
        badge(page, row.level());
        let advice = if remediation.is_empty() {
            "Look into it: the catalogue has no advice for this type."
        } else {
            remediation
        };
        page.raw(" <strong>").text(advice).raw("</strong></div><div class=\"dim\">");
        let mut resources: Vec<String> = Vec::new();
        for name in group.rows.iter().flat_map(|row| digest.rows[*row].targets()) {
            if resources.len() > NAMES_MAX {
                break;
            }
            if !resources.contains(&name) {
                resources.push(name);
            }
        }
        let named = resources.iter().take(NAMES_MAX).map(|name| cut_middle(name, NAME_COLUMNS)).collect::<Vec<_>>();
        page.text(&named.join(", ")).raw(if resources.len() > NAMES_MAX { " and more" } else { "" }).raw(" · ");
        page.raw(&format!("<a class=\"filter\" href=\"#findings\" data-type=\"{index}\">"));
        page.text(&format!("{} of {}", counted(group.rows.len() as u64, "finding"), group.name))
            .raw("</a></div></li>\n");
    }
    page.raw("</ol>");
    if let Some(more) = steps.len().checked_sub(STEPS_MAX).filter(|more| *more > 0) {
        page.raw("<p class=\"dim\">")
            .text(&format!("Then {}, each with its advice, in the ", counted(more as u64, "other type")));
        page.raw("<a href=\"#findings\">list of findings</a>.</p>");
    }
    page.raw("</div>\n");
}

/// What keeps silence from meaning safety, in one sentence on the first screen.
fn caution(page: &mut Html, digest: &Digest<'_>) {
    let account = digest.account;
    let mut parts = Vec::new();
    if account.files.rejected_total() > 0 {
        parts.push(format!("{} could not be read", counted(account.files.rejected_total(), "file")));
    }
    let incomplete = sum(&account.files.incomplete);
    if incomplete > 0 {
        parts.push(format!("{} could be read only in part", counted(incomplete, "file")));
    }
    if account.records.rejected_total() > 0 {
        parts.push(format!("{} could not be understood", counted(account.records.rejected_total(), "record")));
    }
    let gaps = account.spans.iter().map(|span| span.gaps.len() as u64).sum::<u64>();
    if gaps > 0 {
        parts.push(format!("the logs have {}", counted(gaps, "gap")));
    }
    if !account.not_evaluated.is_empty() {
        let types: u64 = account.not_evaluated.iter().map(|gap| gap.types.len() as u64).sum();
        parts.push(match types {
            0 => "some logs or lists were missing".to_owned(),
            _ => format!("{} could not be judged, or only in part", counted(types, "finding type")),
        });
    }
    if account.not_reported > 0 {
        parts.push(format!("{} held back by --min-severity or --type", counted(account.not_reported, "finding")));
    }
    let put_away = sum(&account.suppressed).saturating_add(account.known_before);
    if put_away > 0 {
        parts.push(format!("{} put away by --suppress or --only-new-since", counted(put_away, "finding")));
    }
    if !parts.is_empty() {
        page.raw("<p class=\"note\"><strong>What this report cannot say.</strong> ");
        let sentence = parts.join("; ");
        let mut letters = sentence.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        page.text(&format!("{first}{}. ", letters.as_str()));
        page.raw("<a href=\"#accounting\">What was read, and what was not</a></p>\n");
    }
}

/// Bars by severity, and the tactics of MITRE ATT&CK.
pub(super) fn severity_and_tactics(page: &mut Html, digest: &Digest<'_>) {
    page.raw(
        "<section id=\"overview\" aria-labelledby=\"overview-title\">\n<h2 id=\"overview-title\">Severity and \
     tactics</h2>\n<div class=\"halves\">\n",
    );
    let counts = digest.by_level(0..digest.rows.len());
    let most = counts.into_iter().max().unwrap_or(1);
    page.raw(
        "<table class=\"bars\"><caption>Findings by severity</caption><thead class=\"unseen\"><tr><th \
     scope=\"col\">Severity</th><th scope=\"col\">Share</th><th scope=\"col\">Findings</th></tr></thead><tbody>",
    );
    for (place, level) in LEVELS.into_iter().enumerate() {
        let mut only = [0; 4];
        only[place] = counts[place];
        page.raw("<tr><th scope=\"row\">");
        page.raw(&format!("<a class=\"filter\" href=\"#findings\" data-level=\"{}\">", rank(level)));
        page.raw(level_name(level)).raw("</a></th><td>");
        bar(page, only, most);
        page.raw(&format!("</td><td class=\"number\">{}</td></tr>", grouped(counts[place])));
    }
    page.raw("</tbody></table>\n");
    let tactics = digest.by_tactic();
    let most = tactics.iter().map(|(_, _, rows)| rows.len() as u64).max().unwrap_or(1);
    page.raw(
        "<table class=\"bars\"><caption>Findings by MITRE ATT&amp;CK tactic, in the order of an \
     attack</caption><thead class=\"unseen\"><tr><th scope=\"col\">Tactic</th><th scope=\"col\">By \
     severity</th><th scope=\"col\">Findings</th></tr></thead><tbody>",
    );
    for (id, name, rows) in tactics {
        let count = rows.len() as u64;
        page.raw(&format!(
            "<tr><th scope=\"row\"><a class=\"filter\" href=\"#findings\" data-tactic=\"{id}\">{name}</a></th><td>"
        ));
        bar(page, digest.by_level(rows), most);
        page.raw(&format!("</td><td class=\"number\">{}</td></tr>", grouped(count)));
    }
    page.raw(
        "</tbody></table>\n</div>\n<p class=\"dim\">A type may serve several tactics; tactics without \
     findings are left out.</p>\n</section>\n",
    );
}

/// The level in words, in its colour.
pub(super) fn badge(page: &mut Html, level: SeverityLevel) {
    page.raw(&format!("<span class=\"badge s{}\">{}</span>", rank(level), level_name(level)));
}

/// The shares of the levels as one bar across.
fn stack(page: &mut Html, counts: [u64; 4]) {
    bar(page, counts, counts.into_iter().sum());
}

/// A bar of up to four parts; `whole` fills the width. In words too, for who does not see it.
pub(super) fn bar(page: &mut Html, counts: [u64; 4], whole: u64) {
    let words = LEVELS.into_iter().zip(counts).filter(|(_, count)| *count > 0);
    let words = words.map(|(level, count)| format!("{} {}", grouped(count), level_name(level).to_lowercase()));
    page.raw("<svg class=\"bar-track\" role=\"img\"");
    page.attribute("aria-label", &words.collect::<Vec<_>>().join(", ")).raw(">");
    let mut left = 0.0;
    for (level, count) in LEVELS.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
        let share = 100.0 * count as f64 / whole.max(1) as f64;
        let (rank, width) = (rank(level), share.max(BAR_SHARE_MIN));
        page.raw(&format!("<rect class=\"s{rank}\" x=\"{left:.2}%\" width=\"{width:.2}%\" height=\"100%\"/>"));
        left += share;
    }
    page.raw("</svg>");
}
