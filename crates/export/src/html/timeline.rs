//! Findings and the cover of the logs over one axis of time. The script zooms by changing what part is looked at.

use super::digest::{Digest, LEVELS, level_name, rank};
use super::writer::Html;
use crate::account::{Span, duration, to_the_minute};
use crate::text::{counted, cut_middle, grouped};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use watchfire_model::Time;

/// Units across: fine enough for a thousandfold zoom.
const UNITS: f64 = 100_000.0;
/// Sources of logs drawn; the accounting lists all.
const SPANS_MAX: usize = 24;
/// Gaps drawn in one source: more are not told apart.
const GAPS_MAX: usize = 400;
/// Units of the shortest cover: a source of one record is seen too.
const COVERED_MIN: i64 = 150;
/// Rows in a lane over which findings are spread, so that many at one time show as many.
const ROWS: u64 = 5;
/// Columns of the name of a source.
const NAME_COLUMNS: usize = 100;
/// Labels of the axis before the script chooses better ones.
const TICKS: i64 = 5;

/// The timeline, if anything has a time.
pub(super) fn section(page: &mut Html, digest: &Digest<'_>) {
    let Some((from, to)) = digest.period else { return };
    let axis = Axis::new(from, to);
    page.raw(
        "<section id=\"timeline\" aria-labelledby=\"timeline-title\">\n<h2 \
     id=\"timeline-title\">Timeline</h2>\n",
    );
    page.raw(
        "<p class=\"dim\">Each mark is a finding, from its first to its last occurrence. Bars below show what \
     the logs cover; a dashed line is a gap.</p>\n",
    );
    page.raw("<div class=\"zoom\" role=\"group\" aria-label=\"Zoom\" hidden>");
    let buttons = [
        ("in", "+", "Zoom in"),
        (
            "out",
            "−",
            "Zoom \
     out",
        ),
        ("left", "←", "Earlier"),
        ("right", "→", "Later"),
    ];
    for (act, sign, label) in buttons {
        page.raw(&format!(
            "<button type=\"button\" data-zoom=\"{act}\" aria-label=\"{label}\" title=\"{label}\">{sign}</button>"
        ));
    }
    page.raw(
        "<button type=\"button\" data-zoom=\"all\">Whole period</button><button type=\"button\" \
     data-zoom=\"list\">List findings of this period</button></div>\n",
    );
    page.raw(
        "<div class=\"plot\" id=\"plot\" role=\"group\" aria-label=\"Timeline: arrow keys move, plus and \
     minus zoom, 0 shows all, drag to choose a period\">\n",
    );
    axis.ticks(page);
    for level in LEVELS {
        lane(page, digest, &axis, level);
    }
    // Those of the accounts with findings come first: a gap there may hide more of the same.
    let accounts = digest.accounts();
    let mut spans: Vec<&Span> = digest.account.spans.iter().collect();
    spans.sort_by_key(|span| !accounts.contains(span.account.as_str()));
    for span in spans.into_iter().take(SPANS_MAX) {
        cover(page, &axis, span);
    }
    page.raw(
        "<div class=\"brush\" id=\"brush\" hidden></div></div>\n<p id=\"under\" class=\"under dim\" \
     aria-hidden=\"true\"></p>\n",
    );
    if digest.account.spans.len() > SPANS_MAX {
        let more = counted((digest.account.spans.len() - SPANS_MAX) as u64, "further source");
        page.raw("<p class=\"dim\">").text(&more).raw(
            " of logs in the <a \
         href=\"#accounting\">accounting</a>.</p>\n",
        );
    }
    page.raw("</section>\n");
}

/// The whole period, in units.
pub(super) struct Axis {
    pub(super) from: i64,
    pub(super) length: i64,
}

impl Axis {
    /// With a little room at both ends, and of some length even if all happened at once.
    pub(super) fn new(from: Time, to: Time) -> Self {
        let length = to.ms().saturating_sub(from.ms()).max(Time::MINUTE_MS);
        let room = length / 50;
        Self { from: from.ms().saturating_sub(room), length: length.saturating_add(2 * room) }
    }

    fn at(&self, time: Time) -> i64 {
        (time.ms().saturating_sub(self.from) as f64 / self.length as f64 * UNITS).round() as i64
    }

    fn ticks(&self, page: &mut Html) {
        page.raw("<div class=\"axis\" id=\"axis\" aria-hidden=\"true\">");
        for tick in 0..TICKS {
            let share = (tick as f64 + 0.5) / TICKS as f64;
            let time = Time::from_ms(self.from.saturating_add((self.length as f64 * share) as i64));
            page.element("span class=\"tick\"", &to_the_minute(time)); // The style has their places.
        }
        page.raw("</div>\n");
    }
}

/// The findings of one level: one path, so that thousands cost little.
fn lane(page: &mut Html, digest: &Digest<'_>, axis: &Axis, level: watchfire_model::SeverityLevel) {
    let rows: Vec<_> = digest.rows.iter().filter(|row| row.level() == level).collect();
    if rows.is_empty() {
        return;
    }
    let mut marks = BTreeSet::new();
    let few = rows.len() as u64 <= 2 * ROWS;
    for (index, row) in rows.iter().enumerate() {
        let (start, end) = (axis.at(row.finding.first_seen), axis.at(row.finding.last_seen));
        let height = if few { ROWS / 2 } else { index as u64 % ROWS };
        marks.insert((start, height * 6 + 6, end.saturating_sub(start).max(0)));
    }
    let mut path = String::new();
    for (start, height, length) in marks {
        let _ = write!(path, "M{start} {height}h{length}"); // Writing to a string cannot fail.
    }
    let count = grouped(rows.len() as u64);
    page.raw(&format!(
        "<div class=\"lane\"><div class=\"lane-name\"><span class=\"badge s{}\">{}</span> <span \
     class=\"dim\">{count}</span></div>",
        rank(level),
        level_name(level)
    ));
    page.raw(&format!(
        "<svg class=\"tl marks\" viewBox=\"0 0 {UNITS} 36\" preserveAspectRatio=\"none\" \
     role=\"img\" aria-label=\"{count} findings of level {}\"><path class=\"s{}\" \
     d=\"{path}\"/></svg></div>\n",
        level_name(level),
        rank(level)
    ));
}

/// What one source covers, with its gaps.
fn cover(page: &mut Html, axis: &Axis, span: &Span) {
    let name = [span.source.as_str(), &span.account, &span.region];
    let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let name = cut_middle(&name, NAME_COLUMNS);
    page.raw("<div class=\"lane cover\"><div class=\"lane-name\"").attribute("title", &name).raw(">").text(&name);
    let gaps = match span.gaps.len() {
        0 => "no gap".to_owned(),
        count => counted(count as u64, "gap"),
    };
    page.raw(&format!(
        "</div><svg class=\"tl\" viewBox=\"0 0 {UNITS} 10\" preserveAspectRatio=\"none\" \
     role=\"img\""
    ));
    let covered = format!("{name}: {} to {}, {gaps}", to_the_minute(span.first), to_the_minute(span.last));
    page.attribute("aria-label", &covered).raw(">");
    let mut from = span.first;
    for gap in span.gaps.iter().take(GAPS_MAX) {
        block(page, axis, from, gap.from);
        let (begin, end) = (axis.at(gap.from), axis.at(gap.to));
        page.raw(&format!("<path class=\"gap\" d=\"M{begin} 5H{end}\"><title>"));
        page.text(&format!(
            "Gap of {}: nothing between {} and {}",
            duration(gap.to.ms().saturating_sub(gap.from.ms())),
            to_the_minute(gap.from),
            to_the_minute(gap.to)
        ));
        page.raw("</title></path>");
        from = gap.to;
    }
    block(page, axis, from, span.last);
    page.raw("</svg></div>\n");
}

fn block(page: &mut Html, axis: &Axis, from: Time, to: Time) {
    let (begin, end) = (axis.at(from), axis.at(to));
    let length = end.saturating_sub(begin).max(COVERED_MIN);
    page.raw(&format!("<path class=\"covered\" d=\"M{begin} 5h{length}\"/>"));
}
