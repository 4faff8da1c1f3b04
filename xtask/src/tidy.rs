//! House rules as tests: what must stay true of the repository, with messages that say what to do.
//!
//! `cargo test -p xtask tidy`. A rule stands here when neither the compiler nor clippy can hold it. The rules read text,
//! not syntax: that is enough for code that `cargo fmt` has laid out, and a rule that can be read in a minute is obeyed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Decide without touching the world: no file, socket, environment, clock or thread.
const CORE: &[&str] = &["model", "parse", "knowledge", "detections", "engine"];

/// Which of our crates each may use, and which it may use in tests besides. The picture is in ARCHITECTURE.md.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("model", &[], &[]),
    ("parse", &["model"], &[]),
    ("knowledge", &["model"], &[]),
    ("detections", &["knowledge", "model"], &["parse"]),
    ("engine", &["detections", "knowledge", "model", "parse"], &[]),
    ("ingest", &[], &[]),
    ("export", &["model"], &[]),
    ("store", &["export", "model"], &[]),
    ("api", &["export", "knowledge", "model", "store"], &[]),
    ("watchfire", &["api", "detections", "engine", "export", "ingest", "knowledge", "model", "parse", "store"], &[]),
];

/// The only files with `unsafe` in them. Each says in its header what it promises, and has tests.
const UNSAFE: &[&str] = &[
    "crates/ingest/src/libdeflate.rs",
    "crates/parse/src/simd.rs",
    "xtask/src/bench/usage.rs",
    "xtask/src/floor/simd.rs",
    "xtask/src/gzip.rs",
];

/// What a core crate must not name. `std::net` is left out: its addresses are plain values, only its sockets are not.
const WORLD: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "SystemTime",
    "Instant",
    "println!",
    "eprintln!",
];

/// Where a core crate starts threads: for one call, joined before it returns, with a result that a property test holds to
/// be the same for any number of them.
const THREADED: &[&str] =
    &["crates/engine/src/ahead.rs", "crates/engine/src/judging.rs", "crates/engine/src/learning.rs"];

/// What may fail without a word of why. Clippy denies the first; all are looked for, so that an `allow` does not help.
const GIVING_UP: &[&str] = &[".unwrap()", "todo!(", "unimplemented!(", "dbg!("];

#[test]
fn core_crates_touch_nothing_of_the_world() {
    let files = CORE.iter().flat_map(|name| rust_files(&format!("crates/{name}/src")));
    let mut faults = in_code(files, WORLD, holds_word);
    faults.retain(|fault| {
        let is_threaded = THREADED.iter().any(|file| fault.starts_with(&format!("{file}:")));
        !(is_threaded && fault.ends_with("`std::thread`"))
    });
    refuse(
        faults,
        "The core crates decide and do nothing else: take what you need as an argument, and let `ingest` or `watchfire` \
         fetch it",
    );
}

#[test]
fn unsafe_code_stands_in_the_named_modules_only() {
    let mut with_unsafe = BTreeSet::new();
    for file in rust_files("crates").into_iter().chain(rust_files("xtask")) {
        if code(&file).iter().any(|(_, code)| holds_word(code, "unsafe")) {
            with_unsafe.insert(shown(&file));
        }
    }
    let named: BTreeSet<String> = UNSAFE.iter().map(|&file| file.to_owned()).collect();
    assert_eq!(
        with_unsafe, named,
        "`unsafe` (left) does not stand where `UNSAFE` in xtask/src/tidy.rs (right) says. Find a safe way; if there is \
         none, keep it in a small module of its own with tests, and name that module there"
    );
}

#[test]
fn nothing_outside_tests_gives_up() {
    refuse(
        in_code(rust_files("crates").into_iter(), GIVING_UP, |code, word| code.contains(word)),
        "Bad input is data: count it, or return an error that reads as a sentence",
    );
}

#[test]
fn every_source_file_says_what_it_is() {
    for file in rust_files("crates").into_iter().chain(rust_files("xtask")).chain(rust_files("fuzz")) {
        assert!(
            read(&file).starts_with("//! "),
            "{} does not begin with a `//!` header: say in a sentence what the file is for and what it promises",
            shown(&file)
        );
    }
}

#[test]
fn arrows_between_crates_go_one_way() {
    let allowed: BTreeMap<&str, (&[&str], &[&str])> =
        ARROWS.iter().map(|&(name, uses, tests)| (name, (uses, tests))).collect();
    for folder in folders("crates") {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (uses, in_tests) = allowed.get(name.as_str()).unwrap_or_else(|| {
            panic!("crates/{name} is not in `ARROWS`: a new crate is an event, say where it stands")
        });
        let manifest = manifest(&folder.join("Cargo.toml"));
        for (section, may) in [("dependencies", uses.to_vec()), ("dev-dependencies", [*uses, *in_tests].concat())] {
            for ours in names(&manifest, section).iter().filter_map(|other| other.strip_prefix("watchfire-")) {
                assert!(
                    may.contains(&ours),
                    "crates/{name} has {ours} in its [{section}], against the picture in ARCHITECTURE.md. When two \
                     crates need each other, a type belongs one crate lower",
                );
            }
        }
    }
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    let reasons = read(&root().join("docs/dependencies.md"));
    let workspace = manifest(&root().join("Cargo.toml"));
    let mut used = BTreeSet::new();
    for folder in folders("crates").into_iter().chain([root().join("xtask")]) {
        let manifest = manifest(&folder.join("Cargo.toml"));
        for section in ["dependencies", "dev-dependencies"] {
            for name in names(&manifest, section) {
                let word = name.replace('-', "_");
                assert!(
                    sources_of(&folder).iter().any(|text| holds_word(text, &word)),
                    "{}/Cargo.toml lists `{name}`, which no file there names: remove it",
                    shown(&folder)
                );
                used.insert(name);
            }
        }
    }
    let declared = workspace.get("workspace").and_then(|table| table.get("dependencies")).unwrap();
    for name in declared.as_table().unwrap().keys() {
        assert!(used.contains(name), "Cargo.toml declares `{name}`, which no crate uses: remove the line");
        assert!(
            name.starts_with("watchfire-") || reasons.contains(&format!("`{name}`")),
            "docs/dependencies.md does not say why we use `{name}`"
        );
    }
}

#[test]
fn dependencies_come_from_the_public_registry() {
    for line in read(&root().join("Cargo.lock")).lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(
            line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"",
            "Cargo.lock takes a crate from elsewhere: others could not build it"
        );
    }
    let config = root().join(".cargo/config.toml");
    if config.exists() {
        let text = read(&config);
        for section in ["[source", "[registr"] {
            assert!(
                !text.contains(section),
                ".cargo/config.toml has `{section}`: where crates come from is each machine's own"
            );
        }
    }
}

#[test]
fn no_file_names_a_place_on_someones_machine() {
    // In halves, so that this file does not name them either.
    let homes = [("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("/wo", "rk/"), ("C:\\Us", "ers\\")];
    let homes: Vec<String> = homes.iter().map(|(one, other)| format!("{one}{other}")).collect();
    let mut faults = Vec::new();
    for file in files("") {
        let place = shown(&file);
        // Logs may hold any path: they are others' words.
        if ["samples/", "scenarios/"].iter().any(|logs| place.starts_with(logs)) || place.contains("/fixtures/") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            let named = homes.iter().filter(|home| names_a_place(line, home));
            faults.extend(named.map(|home| format!("{place}:{} has `{home}`", number + 1)));
        }
    }
    refuse(faults, "Write a path that means something on every machine");
}

/// Not where it continues a path or an address, as in `dnsmasq.d/home/`.
fn names_a_place(line: &str, home: &str) -> bool {
    let continues = |before: Option<char>| before.is_some_and(|one| one.is_alphanumeric() || "-_.*<>}".contains(one));
    line.match_indices(home).any(|(at, _)| !continues(line[..at].chars().next_back()))
}

#[test]
fn links_between_documents_lead_somewhere() {
    for file in files("").into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "md")) {
        let folder = file.parent().unwrap();
        for link in links(&read(&file)) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(target).exists(), "{} links to `{link}`, which does not exist", shown(&file));
        }
    }
}

#[test]
fn documents_that_the_code_names_exist() {
    for file in rust_files("crates").into_iter().chain(rust_files("xtask")) {
        for (number, line) in read(&file).lines().enumerate() {
            let quoted = line.split('`').skip(1).step_by(2);
            let documents = quoted.filter(|word| word.ends_with(".md") && !word.contains([' ', '"', '*', '…']));
            for document in documents {
                let known = root().join(document).exists() || file.parent().unwrap().join(document).exists();
                assert!(
                    known,
                    "{}:{} names `{document}`, which is not here: say what it says",
                    shown(&file),
                    number + 1
                );
            }
        }
    }
}

/// What stands between `](` and `)`, and in `src="…"`.
fn links(text: &str) -> Vec<String> {
    let between = |begin: &str, end: char| {
        let parts = text.split(begin).skip(1).filter_map(|rest| rest.split_once(end));
        parts.map(|(link, _)| link.trim().to_owned()).collect::<Vec<_>>()
    };
    [between("](", ')'), between("src=\"", '"'), between("srcset=\"", '"')].concat()
}

#[test]
fn the_changelog_has_a_place_for_the_next_change() {
    assert!(
        read(&root().join("CHANGELOG.md")).contains("\n## [Unreleased]\n"),
        "CHANGELOG.md needs a section `## [Unreleased]`: a change that users can see brings its line there"
    );
}

#[test]
fn the_tests_that_hold_the_invariants_exist() {
    let page = read(&root().join("ARCHITECTURE.md"));
    let (_, section) = page.split_once("\n## Invariants\n").expect("ARCHITECTURE.md has a section `## Invariants`");
    let section = section.split("\n## ").next().unwrap_or_default();
    let named: BTreeSet<&str> = section.split('`').skip(1).step_by(2).filter(|word| is_test_name(word)).collect();
    assert!(named.len() >= 10, "ARCHITECTURE.md should name the test of each invariant; it names {named:?}");
    let folders = ["crates", "xtask"].into_iter().flat_map(rust_files);
    let sources: Vec<String> = folders.map(|file| read(&file)).collect();
    for name in named {
        assert!(
            sources.iter().any(|text| text.contains(&format!("fn {name}("))),
            "ARCHITECTURE.md says that the test `{name}` holds an invariant, but there is no such test"
        );
    }
}

fn is_test_name(word: &str) -> bool {
    word.matches('_').count() >= 3
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
}

#[test]
fn what_is_compiled_in_lies_in_the_repository() {
    for file in rust_files("crates").into_iter().chain(rust_files("xtask")) {
        let text = read(&file);
        for macro_name in ["include_str!(\"", "include_bytes!(\""] {
            for path in text.split(macro_name).skip(1).filter_map(|rest| rest.split('"').next()) {
                if path.is_empty() {
                    continue; // This file's own text.
                }
                let target = file.parent().unwrap().join(path);
                let target =
                    target.canonicalize().unwrap_or_else(|error| panic!("{}: `{path}`: {error}", shown(&file)));
                let inside = target.starts_with(root().canonicalize().unwrap());
                assert!(inside, "{} includes `{path}`, which lies outside the repository: copy it in", shown(&file));
            }
        }
    }
}

#[test]
fn the_reference_data_is_here_with_its_licence() {
    for file in [
        "LICENSE",
        "NOTICE",
        "api/guardduty-2017-11-28.service-2.json",
        "api/LICENSE-botocore.txt",
        "api/NOTICE-botocore.txt",
        "catalogue/finding-types.json",
        "catalogue/filter-attributes.json",
        "catalogue/finding-schema-fields.json",
        "docs/threat-lists.md",
    ] {
        assert!(
            root().join(file).is_file(),
            "`{file}` is missing: the program, its tests or its documentation read it"
        );
    }
}

#[test]
fn test_code_and_comments_are_told_from_the_rest() {
    let text = "//! unsafe\nlet a = 1; // todo!(\nlet url = \"http://x\";\n#[cfg(test)]\nmod tests {\n    x.unwrap();\n}\nlast();\n";
    let kept: Vec<(usize, String)> = code_of(text);
    let kept: Vec<(usize, &str)> = kept.iter().map(|(line, code)| (*line, code.trim_end())).collect();
    assert_eq!(kept, [(1, ""), (2, "let a = 1;"), (3, "let url = \"http://x\";"), (8, "last();")]);
    assert!(holds_word("a(unsafe {", "unsafe") && !holds_word("is_unsafe_to_print", "unsafe"));
    assert!(names_a_place(" `/opt/x/", "/opt/") && !names_a_place("a/opt/x", "/opt/"));
}

/// Fails with all faults at once, and what to do about them.
fn refuse(faults: Vec<String>, what_to_do: &str) {
    assert!(faults.is_empty(), "{}\n{what_to_do}", faults.join("\n"));
}

/// Where one of the words stands in the code of the files.
fn in_code(files: impl Iterator<Item = PathBuf>, words: &[&str], holds: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        for (line, code) in code(&file) {
            let found = words.iter().filter(|word| holds(&code, word));
            faults.extend(found.map(|word| format!("{}:{line} has `{word}`", shown(&file))));
        }
    }
    faults
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

fn manifest(path: &Path) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

fn names(manifest: &toml::Table, section: &str) -> Vec<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table.map_or_else(Vec::new, |table| table.keys().cloned().collect())
}

fn folders(below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(below)).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The texts of a crate's files, and of those elsewhere that it takes in with `#[path = "…"]`.
fn sources_of(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for file in rust_files(&shown(folder)) {
        let text = read(&file);
        let elsewhere = text.split("#[path = \"").skip(1).filter_map(|rest| rest.split('"').next());
        texts.extend(
            elsewhere.map(|path| file.with_file_name(path)).filter(|path| path.is_file()).map(|path| read(&path)),
        );
        texts.push(text);
    }
    texts
}

/// Every file below a folder of the repository that belongs to it: nothing built, fetched or private.
fn files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(below)];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name().to_string_lossy().into_owned();
            if ["target", ".git", "corpus", "artifacts"].contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn rust_files(below: &str) -> Vec<PathBuf> {
    files(below).into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs")).collect()
}

/// The lines of a file outside tests, without their comments. Nothing for a file that is all tests.
fn code(file: &Path) -> Vec<(usize, String)> {
    let place = shown(file);
    let only_tests = ["/tests/", "/tests.rs", "/examples/", "/fuzz_targets/"];
    // This file names what it forbids.
    let is_left_out = place == "xtask/src/tidy.rs" || only_tests.iter().any(|part| place.contains(part));
    if is_left_out || is_test_module(file) { Vec::new() } else { code_of(&read(file)) }
}

/// Whether the crate's root declares the file as a module for tests.
fn is_test_module(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_string_lossy();
    let declaration = format!("#[cfg(test)]\nmod {name};");
    let roots = ["lib.rs", "main.rs"].map(|root| file.with_file_name(root));
    roots.iter().any(|root| root.exists() && read(root).contains(&declaration))
}

fn code_of(text: &str) -> Vec<(usize, String)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            // An item ends where a line closes it at the same depth, or is over in one line.
            let depth = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(depth));
            let Some((_, first)) = lines.next() else { break };
            if !first.trim_end().ends_with(';') {
                for (_, line) in lines.by_ref() {
                    if line == closing {
                        break;
                    }
                }
            }
            continue;
        }
        kept.push((number + 1, without_comment(line).to_owned()));
    }
    kept
}

/// A comment begins with two slashes that do not continue an address such as `https://`.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether a word stands in the line as a word of its own.
fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |one: Option<char>| one.is_some_and(|one| one.is_alphanumeric() || one == '_');
    line.match_indices(word)
        .any(|(at, _)| !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next()))
}
