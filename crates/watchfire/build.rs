//! Tells the program which commit it is built from, and which public suffix list is in it.
//!
//! Only the checkout is asked, never a clock: the same commit gives the same program. What cannot be found out is an
//! empty text, and never a reason not to build.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is made of, besides the folders of [`IN_A_CRATE`]. A change elsewhere does not make it another one.
const IN_THE_CHECKOUT: &[&str] =
    &["Cargo.toml", "Cargo.lock", "api", "catalogue", "docs/schema", "docs/inventory.schema.json"];

/// What the program is made of in each crate: not its tests.
const IN_A_CRATE: &[&str] = &["Cargo.toml", "build.rs", "src", "data", "assets"];

/// Filled in by `git archive`, so that a source archive knows its commit too.
const ARCHIVED: &str = "crates/watchfire/commit.txt";

/// Digits of a commit's hash that are shown: enough for a long time, and not as many as git thinks fit today.
const HASH_DIGITS: usize = 12;

fn main() {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = own.join("../..");
    println!("cargo::rerun-if-env-changed=WATCHFIRE_COMMIT");
    println!("cargo::rerun-if-changed={}", root.join(ARCHIVED).display());
    let sources = sources(&root);
    for source in &sources {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }

    let commit = given().or_else(|| of_checkout(&root, &sources)).or_else(|| of_archive(&root)).unwrap_or_default();
    println!("cargo::rustc-env=WATCHFIRE_COMMIT={commit}");
    println!("cargo::rustc-env=WATCHFIRE_PSL={}", locked_version(&root, "psl").unwrap_or_default());
}

/// The files and folders that the program is made of, as paths below the root.
fn sources(root: &Path) -> Vec<String> {
    let mut found: Vec<String> = IN_THE_CHECKOUT.iter().map(|&path| path.to_owned()).collect();
    for folder in fs::read_dir(root.join("crates")).into_iter().flatten().flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        found.extend(IN_A_CRATE.iter().map(|path| format!("crates/{name}/{path}")));
    }
    found.retain(|path| root.join(path).exists());
    found.sort();
    found
}

/// What the builder says: an image is built without the repository's history.
fn given() -> Option<String> {
    env::var("WATCHFIRE_COMMIT").ok().and_then(|text| shown(&text))
}

/// The commit that is checked out, marked if the sources are not as they are in it.
fn of_checkout(root: &Path, sources: &[String]) -> Option<String> {
    // The sources may lie in somebody else's repository, whose commits are none of ours.
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(root).ok()? {
        return None;
    }
    watch_head(root);
    let described = shown(&git(root, &["log", "-1", "--format=%H %cs"])?)?;
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(sources.iter().map(String::as_str));
    let (hash, date) = described.split_once(' ')?;
    let dirty = if git(root, &status)?.is_empty() { "" } else { "-dirty" };
    Some(format!("{hash}{dirty} {date}"))
}

/// Has cargo ask again after a commit or a checkout.
fn watch_head(root: &Path) {
    let place = |name: &str| git(root, &["rev-parse", "--git-path", name]).map(|path| root.join(path));
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    // The branch may be packed: then its file appears with the next commit, in a folder that is there.
    let branch = branch.as_deref().and_then(place).filter(|file| file.exists()).or_else(|| place("refs/heads"));
    for path in [place("HEAD"), branch].into_iter().flatten().filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

fn of_archive(root: &Path) -> Option<String> {
    shown(&fs::read_to_string(root.join(ARCHIVED)).ok()?)
}

/// `HASH DATE` with a short hash; nothing if the text is not that, as a placeholder nobody filled in.
fn shown(text: &str) -> Option<String> {
    let (hash, date) = text.trim().split_once(' ')?;
    let (digits, mark) = hash.strip_suffix("-dirty").map_or((hash, ""), |digits| (digits, "-dirty"));
    let is_hash = digits.len() >= 7 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_date = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (is_hash && is_date).then(|| format!("{}{mark} {date}", &digits[..digits.len().min(HASH_DIGITS)]))
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The version of a crate as Cargo.lock has it.
fn locked_version(root: &Path, name: &str) -> Option<String> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).ok()?;
    let (_, entry) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(entry.split('"').next()?.to_owned())
}
