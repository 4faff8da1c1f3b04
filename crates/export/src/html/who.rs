//! Identities and resources, those at greatest risk first, with links to their findings.

use super::digest::{Digest, Entity, EntityKind};
use super::overview::{badge, bar};
use super::writer::Html;
use crate::account::to_the_minute;
use crate::text::{counted, cut_middle, grouped};

/// Rows shown at once; the rest unfold.
const ROWS_SHOWN: usize = 10;
/// Rows in all.
const ROWS_MAX: usize = 100;
/// Findings linked one by one.
const LINKS_MAX: usize = 2;
/// Columns of a name.
const NAME_COLUMNS: usize = 80;
/// Columns of a linked title.
const TITLE_COLUMNS: usize = 90;

/// Both tables.
pub(super) fn section(page: &mut Html, digest: &Digest<'_>) {
    if digest.rows.is_empty() {
        return;
    }
    page.raw(
        "<section id=\"who\" aria-labelledby=\"who-title\">\n<h2 id=\"who-title\">Who and what</h2>\n<p \
     class=\"dim\">Ordered by the worst finding, then by the sum of severities.</p>\n",
    );
    table(page, digest, EntityKind::Identity, "Identities", "Identity");
    table(page, digest, EntityKind::Resource, "Resources", "Resource");
    page.raw("</section>\n");
}

fn table(page: &mut Html, digest: &Digest<'_>, kind: EntityKind, title: &str, column: &str) {
    let entities = digest.entities_by_risk(kind);
    if entities.is_empty() {
        return;
    }
    page.raw("<h3>").raw(title).raw(" <span class=\"dim\">").raw(&grouped(entities.len() as u64)).raw("</span></h3>\n");
    let (shown, rest) = entities.split_at(entities.len().min(ROWS_SHOWN));
    rows(page, digest, shown, title, column);
    if !rest.is_empty() {
        let more = rest.len().min(ROWS_MAX - ROWS_SHOWN);
        page.raw("<details class=\"rest\"><summary>").text(&counted(more as u64, "more row")).raw("</summary>\n");
        rows(page, digest, &rest[..more], title, column);
        page.raw("</details>\n");
    }
    if entities.len() > ROWS_MAX {
        let left = grouped((entities.len() - ROWS_MAX) as u64);
        page.element("p class=\"dim\"", &format!("{left} more are found by searching the list of findings."));
    }
}

fn rows(page: &mut Html, digest: &Digest<'_>, entities: &[(usize, &Entity)], title: &str, column: &str) {
    page.open_table(title, &[column, "Worst", "Findings", "Last seen", "Worst findings"]);
    let most = entities.iter().map(|(_, entity)| entity.rows.len() as u64).max().unwrap_or(1);
    for (index, entity) in entities {
        page.raw(&format!("<tr><th scope=\"row\"><a class=\"filter\" href=\"#findings\" data-entity=\"{index}\">"));
        page.text(&cut_middle(&entity.name, NAME_COLUMNS))
            .raw("</a><div class=\"dim\">")
            .text(&cut_middle(&entity.account, NAME_COLUMNS));
        page.raw("</div></th><td>");
        if let Some(worst) = entity.rows.first() {
            badge(page, digest.rows[*worst].level());
        }
        page.raw("</td><td class=\"mini\">");
        bar(page, digest.by_level(entity.rows.iter().copied()), most);
        page.raw(&format!(
            "<span class=\"number\">{}</span></td><td class=\"time\">",
            grouped(entity.rows.len() as u64)
        ));
        let last = entity.rows.iter().map(|row| digest.rows[*row].finding.last_seen).max();
        page.text(&last.map(to_the_minute).unwrap_or_default()).raw("</td><td class=\"titles\">");
        for (place, row) in entity.rows.iter().take(LINKS_MAX).enumerate() {
            let row = &digest.rows[*row];
            page.raw(if place > 0 { "<br>" } else { "" });
            page.raw("<a").attribute("href", &format!("#f-{}", row.finding.id)).raw(">");
            page.text(&cut_middle(row.title(), TITLE_COLUMNS)).raw("</a>");
        }
        page.raw("</td></tr>\n");
    }
    page.close_table();
}
