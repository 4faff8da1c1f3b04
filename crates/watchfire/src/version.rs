//! What `--version` says: the program, the commit it is built from, and how old the data in it is.
//!
//! Nothing here tells when or where it was built, so the same commit always says the same.

use std::collections::BTreeSet;
use watchfire_knowledge::{CloudRanges, default_lists};

/// `HASH DATE` of the commit, from `build.rs`; empty if the sources came without one.
const COMMIT: &str = env!("WATCHFIRE_COMMIT");

/// The version of the crate that carries the public suffix list; it bears no date.
const PUBLIC_SUFFIX_CRATE: &str = env!("WATCHFIRE_PSL");

/// Which API the findings keep to, and where its description was taken from.
const SERVICE_MODEL_API: &str = "2017-11-28";
const SERVICE_MODEL_SOURCE: &str = include_str!("../../../api/source.txt");

/// One line: `watchfire 0.1.0 (commit 0123456789ab of 2026-03-01)`.
pub fn short() -> String {
    let commit = match COMMIT.split_once(' ') {
        Some((hash, date)) => format!("commit {hash} of {date}"),
        None => "unknown commit".to_owned(),
    };
    format!("watchfire {} ({commit})\n", env!("CARGO_PKG_VERSION"))
}

/// The line of [`short`], and a line for each set of data that ships in the program, with its date or version.
pub fn long() -> String {
    let mut text = short() + "\nShips with:\n";
    let mut line = |what: &str, version: &str, source: &str| {
        text += format!("  {what:<24} {version:<11} {source}").trim_end();
        text.push('\n');
    };
    let lists = default_lists::load();
    let sources: BTreeSet<(&str, &str)> = lists.iter().map(|list| (list.source.as_str(), &*list.version)).collect();
    for (source, version) in sources {
        line("threat lists", if version.is_empty() { "undated" } else { version }, source);
    }
    line("AWS address ranges", CloudRanges::shipped().date(), "");
    line("public suffix list", "undated", &format!("crate psl {PUBLIC_SUFFIX_CRATE}"));
    line("GuardDuty service model", SERVICE_MODEL_API, SERVICE_MODEL_SOURCE.trim_end());
    text
}

#[cfg(test)]
mod tests {
    use super::{SERVICE_MODEL_API, SERVICE_MODEL_SOURCE, long, short};

    #[test]
    fn the_first_line_names_version_and_commit() {
        let line = short();
        assert!(line.starts_with(&format!("watchfire {} (", env!("CARGO_PKG_VERSION"))), "{line}");
        assert!(line.contains(" commit") || line.contains("(commit "), "{line}");
        assert!(long().starts_with(&line));
    }

    #[test]
    fn every_set_of_data_has_its_line() {
        let text = long();
        for list in watchfire_knowledge::default_lists::load() {
            let line = text.lines().find(|line| line.ends_with(&list.source) && line.contains(&list.version));
            assert!(line.is_some(), "{}: {text}", list.name);
        }
        for what in ["AWS address ranges       2", "crate psl 2.", "2017-11-28  botocore "] {
            assert!(text.contains(what), "{what}: {text}");
        }
    }

    #[test]
    fn the_service_model_is_the_one_in_the_repository() {
        let source = SERVICE_MODEL_SOURCE.trim_end().replace("botocore ", "`botocore` ");
        assert!(include_str!("../../../api/README.md").contains(&source), "api/README.md does not name {source}");
        assert!(include_str!("../../../api/README.md").contains(&format!("version `{SERVICE_MODEL_API}`")));
    }
}
