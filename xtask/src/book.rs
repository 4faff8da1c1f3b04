//! `xtask book-links`: what `docs/book.toml` has mdBook run over the pages before it renders them.
//!
//! In the repository a page links to sources and to other folders, and every such link leads somewhere: a test sees to it.
//! The book holds the pages alone, so there those links become the name of the file, which a reader can look for.

use anyhow::Context;
use serde_json::Value;
use std::io::{self, Write};

/// Reads `[context, book]` as JSON and prints the book. mdBook first asks with `supports RENDERER`: every one is.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    if words.first().is_some_and(|word| word == "supports") {
        return Ok(());
    }
    let mut input: Value = serde_json::from_reader(io::stdin().lock()).context("expected what mdBook hands over")?;
    let book = input.get_mut(1).context("expected `[context, book]`")?;
    rewrite(book);
    serde_json::to_writer(io::stdout().lock(), book).context("could not print the book")?;
    io::stdout().flush().context("could not print the book")
}

/// Rewrites every chapter, however deep: an object with a `path` and a `content`.
fn rewrite(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(rewrite),
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str).map(str::to_owned);
            if let (Some(path), Some(Value::String(content))) = (path, members.get_mut("content")) {
                *content = without_outer_links(content, &path);
            }
            members.values_mut().for_each(rewrite);
        }
        _ => {}
    }
}

/// The page without the links that leave the folder of the pages. Code blocks stay as they are.
fn without_outer_links(page: &str, path: &str) -> String {
    let mut is_code = false;
    let mut out = String::with_capacity(page.len());
    for line in page.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        out.push_str(&if is_code { line.to_owned() } else { line_without_outer_links(line, path) });
    }
    out
}

fn line_without_outer_links(line: &str, path: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let (target, behind) = after.split_once(')').unwrap_or((after, ""));
        match (outer_place(target, path), before.rfind('[')) {
            (Some(place), Some(open)) => {
                let text = &before[open + 1..];
                out.push_str(&before[..open]);
                out.push_str(text);
                if text.trim_matches(['`', '/']) != place {
                    out.push_str(&format!(" (`{place}`)"));
                }
            }
            _ => {
                out.push_str(before);
                out.push_str("](");
                out.push_str(target);
                out.push(')');
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Where in the repository a link leads that leaves the folder of the pages; `None` for one that does not.
fn outer_place(target: &str, path: &str) -> Option<String> {
    if target.contains("://") || target.starts_with('#') {
        return None;
    }
    let mut depth = path.matches('/').count();
    let mut rest = target;
    while let Some(below) = rest.strip_prefix("../") {
        rest = below;
        if depth == 0 {
            return Some(rest.split('#').next().unwrap_or_default().to_owned());
        }
        depth -= 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_the_book_become_names() {
        let page = "See [a.rs](../../a.rs), [the list](../../lists/l.json#x), [x](../y.md) and [web](https://example.com).\n\
                    ```text\n[as it is](../../z)\n```\n";
        let expected = "See a.rs, the list (`lists/l.json`), [x](../y.md) and [web](https://example.com).\n\
                        ```text\n[as it is](../../z)\n```\n";
        assert_eq!(without_outer_links(page, "findings/a.md"), expected);
    }

    #[test]
    fn every_chapter_is_rewritten_however_deep() {
        let inner = serde_json::json!({"Chapter": {"path": "b.md", "content": "[c](../c)", "sub_items": []}});
        let mut book =
            serde_json::json!({"items": [{"Chapter": {"path": "a.md", "content": "[a](a.md)", "sub_items": [inner]}}]});
        rewrite(&mut book);
        assert_eq!(book["items"][0]["Chapter"]["content"], "[a](a.md)");
        assert_eq!(book["items"][0]["Chapter"]["sub_items"][0]["Chapter"]["content"], "c");
    }
}
