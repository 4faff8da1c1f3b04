//! What was read, what was not, and what could not be judged: the account of the scan as a page.

use super::digest::{Digest, sum};
use super::writer::Html;
use crate::account::{RejectedFile, Span, bytes, duration, to_the_minute};
use crate::text::{counted, cut_middle, grouped};
use std::collections::BTreeMap;

/// Gaps written out for one source.
const GAPS_MAX: usize = 5;
/// Sources written out; a collector of a whole organisation may have thousands.
const SPANS_MAX: usize = 200;
/// Columns of a name.
const NAME_COLUMNS: usize = 80;
/// Columns of an example.
const EXAMPLE_COLUMNS: usize = 300;
/// Examples of each kind of failure.
const EXAMPLES_MAX: usize = 10;

/// The account.
pub(super) fn section(page: &mut Html, digest: &Digest<'_>) {
    let account = digest.account;
    page.raw(
        "<section id=\"accounting\" aria-labelledby=\"accounting-title\">\n<h2 id=\"accounting-title\">What \
     was read, and what was not</h2>\n<div class=\"halves\">\n",
    );
    files(page, digest);
    records(page, digest);
    page.raw("</div>\n");
    if !account.not_evaluated.is_empty() {
        page.raw("<h3>Not judged</h3>\n<p>Silence about these means nothing.</p>\n");
        page.open_table("Not judged", &["What", "Why", "Finding types"]);
        for gap in &account.not_evaluated {
            page.raw("<tr>").element("th scope=\"row\"", &gap.what).element("td", &gap.why).raw("<td>");
            if !gap.types.is_empty() {
                page.raw("<details><summary>").text(&counted(gap.types.len() as u64, "type")).raw("</summary>");
                page.text(&gap.types.join(", ")).raw("</details>");
            }
            page.raw("</td></tr>\n");
        }
        page.close_table();
    }
    covered(page, &account.spans);
    if account.not_reported > 0 {
        let held_back = counted(account.not_reported, "finding");
        page.raw("<h3>Not reported</h3>\n");
        page.element("p", &format!("{held_back} held back by --min-severity or --type."));
    }
    put_away(page, digest);
    page.raw("</section>\n");
}

fn put_away(page: &mut Html, digest: &Digest<'_>) {
    let account = digest.account;
    if account.suppressed.is_empty() && account.known_before == 0 {
        return;
    }
    page.raw("<h3>Put away</h3>\n<ul>");
    for (filter, number) in &account.suppressed {
        let name = cut_middle(filter, NAME_COLUMNS);
        page.element("li", &format!("{} suppressed by the filter {name}", counted(*number, "finding")));
    }
    if account.known_before > 0 {
        page.element("li", &format!("{} known before (--only-new-since)", counted(account.known_before, "finding")));
    }
    page.raw("</ul>\n");
}

fn files(page: &mut Html, digest: &Digest<'_>) {
    let (account, files) = (digest.account, &digest.account.files);
    page.raw("<div><h3>Files</h3><dl class=\"counts\">");
    count(page, "Found", files.listed);
    count(page, "Read to the end", files.analysed);
    some(page, "Not read again: same content as another", files.duplicates);
    some(page, "Not logs", sum(&files.not_logs));
    some(page, "Read only in part", sum(&files.incomplete));
    some(page, "Not read", files.rejected_total());
    some(page, "Without an account: a fault in Watchfire", files.unaccounted());
    page.raw("</dl>");
    page.element(
        "p class=\"dim\"",
        &format!("{} read, {} unpacked.", bytes(account.bytes_read), bytes(account.bytes_unpacked)),
    );
    reasons(page, "Not logs", &files.not_logs, &[]);
    reasons(page, "Read only in part", &files.incomplete, &files.incomplete_examples);
    reasons(page, "Not read", &files.rejected, &files.rejected_examples);
    page.raw("</div>\n");
}

fn records(page: &mut Html, digest: &Digest<'_>) {
    let records = &digest.account.records;
    page.raw("<div><h3>Records</h3><dl class=\"counts\">");
    count(page, "Analysed", records.analysed_total());
    for (kind, number) in &records.analysed {
        count(page, kind, *number);
    }
    some(page, "Seen before", records.duplicates);
    some(page, "Outside what was asked for", records.outside_period);
    some(page, "Nothing to judge", sum(&records.skipped));
    some(page, "Not understood", records.rejected_total());
    page.raw("</dl>");
    reasons(page, "Nothing to judge", &records.skipped, &[]);
    let examples = records.rejected_examples.iter().map(|example| RejectedFile {
        file: format!("{} at {}", example.file, grouped(example.position)),
        reason: example.reason.clone(),
    });
    reasons(page, "Not understood", &records.rejected, &examples.collect::<Vec<_>>());
    page.raw("</div>\n");
}

fn count(page: &mut Html, name: &str, number: u64) {
    page.element("dt", name).element("dd", &grouped(number));
}

fn some(page: &mut Html, name: &str, number: u64) {
    if number > 0 {
        count(page, name, number);
    }
}

fn reasons(page: &mut Html, title: &str, counts: &BTreeMap<String, u64>, examples: &[RejectedFile]) {
    if counts.is_empty() {
        return;
    }
    page.raw("<details><summary>").text(&format!("{title}: reasons")).raw("</summary><ul>");
    for (reason, number) in counts {
        page.element("li", &format!("{}: {reason}", grouped(*number)));
    }
    page.raw("</ul>");
    if !examples.is_empty() {
        page.raw("<p>Examples:</p><ul class=\"examples\">");
        for example in examples.iter().take(EXAMPLES_MAX) {
            page.raw("<li><code>").text(&cut_middle(&example.file, EXAMPLE_COLUMNS)).raw("</code> ");
            page.text(&cut_middle(&example.reason, EXAMPLE_COLUMNS)).raw("</li>");
        }
        page.raw("</ul>");
    }
    page.raw("</details>");
}

fn covered(page: &mut Html, spans: &[Span]) {
    if spans.is_empty() {
        return;
    }
    page.raw("<h3>Period covered</h3>\n");
    page.open_table("Period covered", &["Source", "Account", "Region", "From", "To", "#Records", "Gaps"]);
    for span in spans.iter().take(SPANS_MAX) {
        let [source, account, region] =
            [&span.source, &span.account, &span.region].map(|name| cut_middle(name, NAME_COLUMNS));
        page.raw("<tr>").element("th scope=\"row\"", &source).element("td class=\"time\"", &account);
        page.element("td class=\"time\"", &region).element("td class=\"time\"", &to_the_minute(span.first));
        page.element("td class=\"time\"", &to_the_minute(span.last));
        page.element("td class=\"number\"", &grouped(span.records)).raw("<td>");
        for gap in span.gaps.iter().take(GAPS_MAX) {
            let length = duration(gap.to.ms().saturating_sub(gap.from.ms()));
            page.element("div", &format!("{} to {} ({length})", to_the_minute(gap.from), to_the_minute(gap.to)));
        }
        match span.gaps.len() {
            0 => page.raw("<span class=\"dim\">none</span>"),
            gaps if gaps > GAPS_MAX => page.text(&format!("and {}", counted((gaps - GAPS_MAX) as u64, "more gap"))),
            _ => page,
        };
        page.raw("</td></tr>\n");
    }
    page.close_table();
    if spans.len() > SPANS_MAX {
        let more = counted((spans.len() - SPANS_MAX) as u64, "further source");
        page.element("p class=\"dim\"", &format!("{more}; the file of --account-file has all."));
    }
}
