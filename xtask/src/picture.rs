//! `xtask picture`: draws what the program prints as `docs/images/scan.svg`, for README.md.
//!
//! The picture is the program's own output over `samples/`, colours and all: nothing in it is drawn by hand. Text in an
//! SVG stays sharp, can be searched, and shows in a diff when the output changes.

use crate::arguments::Arguments;
use anyhow::{Context, bail};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
picture: draw the output of `watchfire scan samples` as an SVG.

  --program FILE  the program [target/release/watchfire]
  --lines N       lines of output shown at most, the last of them being the last of all [36]
  --out FILE      [docs/images/scan.svg]";

/// Width and height of a character, in the SVG's units: the proportions of common monospaced fonts at 14 units.
const CELL: (f64, f64) = (8.43, 19.0);
const MARGIN: f64 = 18.0;
/// The program keeps to so many columns.
const COLUMNS: usize = 100;

/// Colours for light pages and, where the reader prefers them, dark ones; each with a contrast of at least 4.5 to 1.
/// Plain rules, no variables: not only browsers draw SVG.
const STYLE: &str = "\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2328;white-space:pre}
rect{fill:#f6f8fa;stroke:#d1d9e0}
.bold{font-weight:700}
.dim{fill:#59636e}
.cyan{fill:#0a6b7d}
.yellow{fill:#855a00}
.red{fill:#b3261e}
.magenta{fill:#8a2f9c}
@media(prefers-color-scheme:dark){
text{fill:#d6dbe1}
rect{fill:#16191d;stroke:#30363d}
.dim{fill:#8c96a1}
.cyan{fill:#5ac8d8}
.yellow{fill:#dba642}
.red{fill:#ff7b72}
.magenta{fill:#d889e6}
}";

/// Runs the program and writes the picture.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    let lines_max: usize = arguments.value("--lines")?.unwrap_or(36);
    let out: PathBuf = arguments.value("--out")?.unwrap_or_else(|| "docs/images/scan.svg".into());
    arguments.finish()?;

    let printed = Command::new(&program)
        .args(["scan", "samples", "--color", "always", "--quiet"])
        .output()
        .with_context(|| format!("could not run `{}`; build it with `cargo build --release`", program.display()))?;
    if !printed.status.success() {
        bail!("`watchfire scan samples` failed: {}", String::from_utf8_lossy(&printed.stderr));
    }
    let text = String::from_utf8(printed.stdout).context("the output is not UTF-8")?;
    let svg = picture(&format!("\u{1b}[2m$\u{1b}[0m watchfire scan samples\n\n{}", shortened(&text, lines_max)));
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    }
    write(&out, &svg)
}

fn write(out: &Path, svg: &str) -> anyhow::Result<()> {
    std::fs::write(out, svg).with_context(|| format!("could not write `{}`", out.display()))?;
    println!("{}: {} bytes", out.display(), svg.len());
    Ok(())
}

/// The first lines and the last one, which holds the totals.
fn shortened(text: &str, lines_max: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if lines.len() <= lines_max {
        return lines.join("\n");
    }
    let [all @ .., last] = &lines[..] else { return String::new() };
    let mut shown = lines_max.saturating_sub(3).min(all.len());
    // A finding has two lines, the second indented: neither stands without the other.
    while shown > 0 && all[shown].starts_with(' ') {
        shown -= 1;
    }
    let left_out = all[shown..].iter().filter(|line| !line.is_empty()).count();
    format!("{}\n\u{1b}[2m… {left_out} more lines\u{1b}[0m\n\n{last}", all[..shown].join("\n").trim_end())
}

/// Text with its colour.
struct Run {
    class: String,
    text: String,
}

fn picture(text: &str) -> String {
    let lines: Vec<Vec<Run>> = text.lines().map(runs).collect();
    let (width, height) =
        (COLUMNS as f64 * CELL.0 + 2.0 * MARGIN, lines.len() as f64 * CELL.1 + 2.0 * MARGIN - CELL.1 * 0.25);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"What watchfire scan prints\">\n<style>\n{STYLE}\n</style>\n\
         <rect x=\".5\" y=\".5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\"/>\n",
        width - 1.0,
        height - 1.0
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + CELL.1 * (number as f64 + 0.75);
        let mut column = 0;
        for run in line {
            let text = run.text.trim_start();
            let indent = run.text.chars().count() - text.chars().count();
            column += indent;
            let count = text.chars().count();
            if !text.is_empty() {
                let class = if run.class.is_empty() { String::new() } else { format!(" class=\"{}\"", run.class) };
                // With its length given, a run ends in its column whatever font the reader has.
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.2}\" y=\"{y:.2}\" textLength=\"{:.2}\" lengthAdjust=\"spacingAndGlyphs\"{class}>{}</text>",
                    MARGIN + column as f64 * CELL.0,
                    count as f64 * CELL.0,
                    escaped(text)
                );
            }
            column += count;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A line cut where its colour changes, and at gaps, so that columns stay under each other.
fn runs(line: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut class = String::new();
    for (place, part) in line.split("\u{1b}[").enumerate() {
        let text = if place == 0 {
            part
        } else {
            let Some((codes, text)) = part.split_once('m') else { continue };
            class = classes(codes);
            text
        };
        for text in at_gaps(text) {
            runs.push(Run { class: class.clone(), text: text.to_owned() });
        }
    }
    runs
}

/// Cut before and after each run of two and more spaces.
fn at_gaps(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("  ") {
        let end = rest[at..].find(|one| one != ' ').map_or(rest.len(), |length| at + length);
        parts.extend([&rest[..at], &rest[at..end]].into_iter().filter(|part| !part.is_empty()));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn classes(codes: &str) -> String {
    let names = codes.split(';').filter_map(|code| match code {
        "1" => Some("bold"),
        "2" => Some("dim"),
        "31" => Some("red"),
        "33" => Some("yellow"),
        "35" => Some("magenta"),
        "36" => Some("cyan"),
        _ => None,
    });
    names.collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_text_is_escaped() {
        let svg = picture("\u{1b}[1;31mHIGH\u{1b}[0m a <b> & c");
        assert!(svg.contains("class=\"bold red\">HIGH</text>"), "{svg}");
        assert!(svg.contains(">a &lt;b&gt; &amp; c</text>"), "{svg}");
    }

    #[test]
    fn a_column_keeps_its_place_behind_a_gap() {
        let parts = at_gaps("one   two three  ");
        assert_eq!(parts, ["one", "   ", "two three", "  "]);
        let svg = picture("one   two");
        assert!(svg.contains(&format!("x=\"{:.2}\"", MARGIN + 6.0 * CELL.0)), "{svg}");
    }

    #[test]
    fn a_long_output_keeps_its_beginning_and_its_last_line() {
        let text: String = (1..=50).map(|number| format!("{number}\n  of 50\n")).collect::<String>() + "total\n";
        let short = shortened(&text, 10);
        assert!(short.starts_with("1\n") && short.ends_with("\ntotal"), "{short}");
        assert!(short.contains("3\n  of 50\n\u{1b}[2m… 94 more lines"), "{short}");
        assert_eq!(short.lines().count(), 9);
        assert_eq!(shortened("1\n2\n", 10), "1\n2");
    }
}
