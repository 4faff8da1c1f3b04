//! The report for people: one HTML file that needs nothing else, neither a network nor a server.
//!
//! It promises: the same findings and account give the same bytes; every text that a log had a say in passes through
//! [`writer`] or [`data`], which leave nothing of it to be obeyed; the file stays under 3 MB for 1,000 findings, by
//! leaving out records before sentences and saying so; and nothing in it is fetched from anywhere, which a content
//! security policy holds even against ourselves.

mod accounting;
mod data;
mod digest;
mod map;
mod overview;
mod projection;
#[cfg(test)]
mod tests;
mod timeline;
mod who;
mod writer;

use crate::account::ScanAccount;
use digest::Digest;
use sha2::Digest as _;
use std::io;
use watchfire_model::Finding;
use writer::Html;

/// The style sheet that the report has in common with other pages: colours, light and dark, type, tables, badges.
pub const BASE_STYLE: &str = include_str!("html/base.css");
const STYLE: &str = concat!(include_str!("html/base.css"), include_str!("html/report.css"));
const SCRIPT: &str = include_str!("html/report.js");

/// Writes the report. How long the scan took is left out: it is the only thing that differs between two runs.
pub fn write_html(findings: &[Finding], account: &ScanAccount, out: &mut dyn io::Write) -> io::Result<()> {
    let digest = Digest::of(findings, account);
    let mut page = Html::default();
    head(&mut page, &digest);
    page.raw("<main id=\"main\">\n");
    overview::first_screen(&mut page, &digest);
    if !digest.rows.is_empty() {
        overview::severity_and_tactics(&mut page, &digest);
    }
    timeline::section(&mut page, &digest);
    map::section(&mut page, &digest);
    who::section(&mut page, &digest);
    finding_list(&mut page, &digest);
    accounting::section(&mut page, &digest);
    page.raw("</main>\n");
    foot(&mut page, &digest);
    out.write_all(page.finish().as_bytes())?;
    out.write_all(b"<script type=\"application/json\" id=\"data\">")?;
    out.write_all(data::json(&digest).as_bytes())?;
    write!(out, "</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

fn head(page: &mut Html, digest: &Digest<'_>) {
    let [script_hash, style_hash] =
        [SCRIPT, STYLE].map(|source| base64(sha2::Sha256::digest(source.as_bytes()).as_slice()));
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw(&format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style_hash}'; \
         script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'\">\n"
    ));
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw(
        "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light \
     dark\">\n",
    );
    page.raw("<title>").text(&format!("{} · Watchfire", digest.headline())).raw("</title>\n");
    page.raw("<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n");
    page.raw("<a class=\"skip\" href=\"#main\">Skip to the report</a>\n");
    page.raw("<header class=\"bar\"><div class=\"brand\">");
    page.raw(
        "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M12 2c1 4 6 6 6 12a6 6 0 0 1-12 0c0-3 2-4 2-7 2 \
         1 3 \
         3 3 4 1-2 2-5 1-9z\"/></svg>",
    );
    page.raw("<span>Watchfire</span></div><nav aria-label=\"Sections\"><ul>");
    let sections = [
        ("summary", "Summary", true),
        ("overview", "Severity and tactics", !digest.rows.is_empty()),
        ("timeline", "Timeline", digest.period.is_some()),
        ("map", "Origins", !digest.places.is_empty()),
        ("who", "Who and what", !digest.rows.is_empty()),
        ("findings", "Findings", !digest.rows.is_empty()),
        ("accounting", "What was read", true),
    ];
    for (id, name, _) in sections.into_iter().filter(|(_, _, shown)| *shown) {
        page.raw(&format!("<li><a href=\"#{id}\">{name}</a></li>"));
    }
    page.raw("</ul></nav><div class=\"tools\"><button type=\"button\" id=\"theme\" hidden>Dark</button>");
    page.raw("<button type=\"button\" id=\"print\" hidden>Print</button></div></header>\n");
}

/// The list itself is made by the script from the data: thousands of findings would make a page that opens slowly.
fn finding_list(page: &mut Html, digest: &Digest<'_>) {
    if digest.rows.is_empty() {
        return;
    }
    page.raw("<section id=\"findings\" aria-labelledby=\"findings-title\">\n");
    page.raw("<h2 id=\"findings-title\" tabindex=\"-1\">Findings</h2>\n");
    page.raw(
        "<noscript><p class=\"note\">The list and its filters are made by a script inside this file, and \
     scripts are switched off here. The summary above names what matters most.</p></noscript>\n",
    );
    page.raw("<form class=\"filters\" role=\"search\" aria-label=\"Filter findings\" hidden>\n");
    page.raw(
        "<label class=\"grow\">Search <input id=\"q\" type=\"search\" autocomplete=\"off\" \
     spellcheck=\"false\" placeholder=\"name, address, type, id …  ( / )\"></label>\n",
    );
    page.raw("<fieldset><legend>Severity</legend>");
    for level in digest::LEVELS {
        let name = digest::level_name(level);
        page.raw(&format!(
            "<label class=\"check\"><input type=\"checkbox\" name=\"level\" value=\"{}\" checked>{name}</label>",
            digest::rank(level)
        ));
    }
    page.raw("</fieldset>\n");
    for (id, name) in [("type", "Type"), ("tactic", "Tactic"), ("account", "Account"), ("region", "Region")] {
        page.raw(&format!(
            "<label>{name} <select id=\"by-{id}\"><option \
         value=\"\">All</option></select></label>\n"
        ));
    }
    page.raw("<button type=\"button\" id=\"clear\">Clear</button>\n</form>\n");
    page.raw("<ul id=\"chips\" class=\"chips\" aria-label=\"Further filters\"></ul>\n");
    page.raw("<p id=\"shown\" class=\"dim\" role=\"status\" aria-live=\"polite\"></p>\n");
    if digest.rows.len() > data::LISTED_MAX {
        page.raw("<p class=\"note\">").text(&format!(
            "The list holds the {} worst of {} findings; the numbers, the timeline and the tables above count all. \
             The findings file has the rest.",
            crate::text::grouped(data::LISTED_MAX as u64),
            crate::text::grouped(digest.rows.len() as u64)
        ));
        page.raw("</p>\n");
    }
    page.raw(
        "<ol id=\"list\" class=\"list\"></ol>\n<p><button type=\"button\" id=\"more\" hidden>Show \
     more</button></p>\n</section>\n",
    );
}

fn foot(page: &mut Html, digest: &Digest<'_>) {
    page.raw("<footer>\n<p>Made by Watchfire ").text(env!("CARGO_PKG_VERSION"));
    page.raw(
        " from logs alone. All times are UTC. Finding types and severities are those of Amazon GuardDuty; \
     Watchfire is not a product of Amazon. This file loads nothing and sends nothing.</p>\n",
    );
    if digest.uses_database_of("dbip") || digest.uses_database_of("db-ip") {
        page.raw("<p><a href=\"https://db-ip.com\" rel=\"noreferrer noopener\">IP Geolocation by DB-IP</a></p>\n");
    }
    if digest.uses_database_of("geolite2") || digest.uses_database_of("geoip2") {
        page.raw(
            "<p>This product includes GeoLite2 data created by MaxMind, available from <a \
         href=\"https://www.maxmind.com\" rel=\"noreferrer noopener\">https://www.maxmind.com</a>.</p>\n",
        );
    }
    page.raw("</footer>\n");
}

/// As a content security policy writes hashes.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let [one, two, three] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or(0)));
        let joined = one << 16 | two << 8 | three;
        for place in 0..4 {
            let digit = DIGITS[(joined >> (18 - 6 * place) & 63) as usize];
            out.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}
