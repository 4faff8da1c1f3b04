//! What is listed, in which order, and what is said of the rest.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its files has nothing better to do")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use watchfire_ingest::{Limits, Narrowing, list};

/// Lists `paths` below `root` and compares names, relative to it, and the sentences about the rest.
#[track_caller]
fn check(root: &Path, paths: &[&str], files: &[&str], problems: &[(&str, &str)]) {
    let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
    let listing = list(&paths, &Limits::default(), &Narrowing::default());
    let prefix = format!("{}/", root.display());
    let found: Vec<String> = listing.files.iter().map(|file| file.display().replace(&prefix, "")).collect();
    let said: Vec<(String, String)> = listing
        .problems
        .iter()
        .map(|problem| (problem.display().replace(&prefix, ""), problem.reason.to_string().replace(&prefix, "")))
        .collect();
    let said: Vec<(&str, &str)> = said.iter().map(|(path, reason)| (path.as_str(), reason.as_str())).collect();
    assert_eq!((found.iter().map(String::as_str).collect::<Vec<_>>(), said), (files.to_vec(), problems.to_vec()));
}

fn folder(files: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

#[test]
fn files_stand_in_the_order_of_their_bytes_hidden_ones_too() {
    let root = folder(&["b/2", "b-1", "a/z", "a/.hidden", "b/10"]);
    let files = ["a/.hidden", "a/z", "b-1", "b/10", "b/2"];
    check(root.path(), &["b-1", "b", "a"], &files, &[]);
}

#[test]
fn a_path_to_nothing_is_named() {
    let root = folder(&["a"]);
    symlink(root.path().join("gone"), root.path().join("link")).unwrap();
    let problems = [("link", "the symbolic link leads nowhere"), ("missing", "there is no such file or folder")];
    check(root.path(), &["missing", "a", "link"], &["a"], &problems);
}

#[test]
fn links_in_a_ring_end() {
    let root = folder(&["a/x"]);
    symlink(root.path().join("a"), root.path().join("a/up")).unwrap();
    symlink(root.path().join("self"), root.path().join("self")).unwrap();
    let problems = [("a/up", "the same folder as `a`, which is read"), ("self", "could not look at the file")];
    check(root.path(), &["a", "self"], &["a/x"], &problems);
}

#[test]
fn a_real_name_goes_before_a_link_and_a_file_is_read_once() {
    let root = folder(&["z/AWSLogs/x"]);
    symlink(root.path().join("z/AWSLogs/x"), root.path().join("a-link")).unwrap();
    fs::hard_link(root.path().join("z/AWSLogs/x"), root.path().join("z/hard")).unwrap();
    let problems = [
        ("a-link", "the same file as `z/AWSLogs/x`, which is read"),
        ("z/hard", "the same file as `z/AWSLogs/x`, which is read"),
    ];
    check(root.path(), &["a-link", "z"], &["z/AWSLogs/x"], &problems);
}

#[test]
fn a_folder_behind_a_link_is_read() {
    let root = folder(&["real/sub/x", "other/y"]);
    symlink(root.path().join("real"), root.path().join("other/link")).unwrap();
    check(root.path(), &["other"], &["other/link/sub/x", "other/y"], &[]);
}

#[test]
fn links_that_double_at_every_level_do_not_multiply_the_work() {
    let root = folder(&["d0/x"]);
    for level in 1..40 {
        let folder = root.path().join(format!("d{level}"));
        fs::create_dir(&folder).unwrap();
        for name in ["a", "b"] {
            symlink(root.path().join(format!("d{}", level - 1)), folder.join(name)).unwrap();
        }
    }
    let listing = list(&[root.path().join("d39")], &Limits::default(), &Narrowing::default());
    assert_eq!((listing.files.len(), listing.problems.len()), (1, 39));
}

#[test]
fn a_socket_is_not_a_file() {
    let root = folder(&[]);
    let _listener = UnixListener::bind(root.path().join("socket")).unwrap();
    check(root.path(), &["socket"], &[], &[("socket", "not a file but a socket")]);
    let device = list(&[PathBuf::from("/dev/null")], &Limits::default(), &Narrowing::default());
    assert_eq!(device.problems[0].reason.to_string(), "not a file but a device");
}

#[test]
fn a_name_that_is_not_utf_8_or_not_safe_to_print_is_escaped() {
    let root = TempDir::new().unwrap();
    for name in [&b"a\xffb"[..], b"c\\xff", b"d\x1b[31m", "e\u{202e}\u{e4}".as_bytes()] {
        fs::write(root.path().join(OsStr::from_bytes(name)), "").unwrap();
    }
    let files = [r"a\xffb", r"c\\xff", r"d\x1b[31m", "e\\xe2\\x80\\xae\u{e4}"];
    let listing = list(&[root.path().to_owned()], &Limits::default(), &Narrowing::default());
    let names: Vec<String> =
        listing.files.iter().map(|file| file.display().rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(names, files);
}
