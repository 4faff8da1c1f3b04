//! Where the others were: a map and the same as a table, only when geography is known.

use super::digest::{Digest, LEVELS, Place, level_name, rank};
use super::overview::badge;
use super::projection::{HEIGHT, WIDTH, project};
use super::writer::Html;
use crate::text::{counted, grouped};

/// The land of the world, in halves of the map's unit. `crates/export/assets/README.md` says where it comes from.
const LAND: &str = include_str!("../../assets/land.svg-path.txt");
/// Points drawn: more cover each other.
const POINTS_MAX: usize = 400;
/// Rows of the table; the list of findings can be searched for others.
const ROWS_MAX: usize = 15;
/// Addresses and networks named in a row.
const NAMES_MAX: usize = 2;

/// The map, if any place is known.
pub(super) fn section(page: &mut Html, digest: &Digest<'_>) {
    if digest.places.is_empty() {
        return;
    }
    let mut places: Vec<(usize, &Place)> = digest.places.iter().enumerate().collect();
    // Rows are sorted by severity, so the first row of a place is its worst.
    places.sort_by_key(|(index, place)| (rank_of(digest, place), usize::MAX - place.rows.len(), *index));
    page.raw(
        "<section id=\"map\" aria-labelledby=\"map-title\">\n<h2 id=\"map-title\">Origins</h2>\n<p \
     class=\"dim\">Where the other parties’ addresses are, as far as the geography database knows. An address says \
     where a connection came out, not who sat behind it.</p>\n<div class=\"origins\">\n",
    );
    page.raw(&format!(
        "<svg class=\"world\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"World map \
     of {}; the table has the same\">",
        counted(places.len() as u64, "place")
    ));
    page.raw("<path class=\"land\" transform=\"scale(.5)\" d=\"").raw(LAND.trim_end()).raw("\"/>");
    let most = places.iter().map(|(_, place)| place.rows.len()).max().unwrap_or(1);
    // The worst last, so that it lies on top.
    for (_, place) in places.iter().take(POINTS_MAX).rev() {
        let (x, y) = project(place.latitude, place.longitude);
        // Areas are compared, not widths.
        let radius = 4.0 + 14.0 * (place.rows.len() as f64 / most as f64).sqrt();
        page.raw(&format!(
            "<circle class=\"s{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"><title>",
            rank_of(digest, place)
        ));
        page.text(&format!("{}: {}", place.name, counted(place.rows.len() as u64, "finding"))).raw("</title></circle>");
    }
    page.raw("</svg>\n");
    legend(page);
    page.raw("</div>\n");
    page.open_table("Places", &["Place", "Worst", "#Findings", "Addresses", "Networks"]);
    for (index, place) in places.iter().take(ROWS_MAX) {
        page.raw(&format!("<tr><th scope=\"row\"><a class=\"filter\" href=\"#findings\" data-place=\"{index}\">"));
        page.text(&place.name).raw("</a></th><td>");
        if let Some(row) = place.rows.first() {
            badge(page, digest.rows[*row].level());
        }
        page.raw(&format!("</td><td class=\"number\">{}</td><td>", grouped(place.rows.len() as u64)));
        page.text(&some(place.addresses.iter()))
            .raw("</td><td>")
            .text(&some(place.networks.iter()))
            .raw("</td></tr>\n");
    }
    page.close_table();
    if places.len() > ROWS_MAX {
        let more = counted((places.len() - ROWS_MAX) as u64, "more place");
        page.raw("<p class=\"dim\">")
            .text(&format!("And {more}; the search of the findings knows them by name."))
            .raw("</p>\n");
    }
    page.raw("</section>\n");
}

fn rank_of(digest: &Digest<'_>, place: &Place) -> u8 {
    place.rows.first().map_or(3, |row| rank(digest.rows[*row].level()))
}

fn legend(page: &mut Html) {
    page.raw("<p class=\"legend dim\">");
    for level in LEVELS {
        page.raw(&format!("<span><i class=\"dot s{}\"></i>{}</span> ", rank(level), level_name(level)));
    }
    page.raw("A larger circle has more findings; the colour is that of the worst.</p>\n");
}

fn some<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let count = names.len();
    let mut shown = names.take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
    if count > NAMES_MAX {
        shown.push_str(&format!(" and {} more", grouped((count - NAMES_MAX) as u64)));
    }
    shown
}
