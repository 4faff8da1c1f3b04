//! What the documents promise, held against the program.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use watchfire::cli::Format;
use watchfire::config::{ConfigFile, DetectionsSection, KnowledgeSection, ScanSection, parse};
use watchfire_detections::DETECTIONS;
use watchfire_model::catalogue::OWN_MECHANISM;
use watchfire_model::{ListKind, catalogue};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The contents of a document's code blocks of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if found == language {
                blocks.push(content.join("\n"));
            }
        }
    }
    blocks
}

/// What the program prints when it runs in the checkout without anyone's configuration.
fn printed(arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    let output =
        program.args(arguments).current_dir(root()).env("XDG_CONFIG_HOME", root().join("docs")).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_readmes_two_commands_are_one_line_each() {
    let blocks = blocks(&read("README.md"), "sh");
    assert_eq!(blocks.len(), 2, "README.md has the command that scans and the one that tests, and no other `sh` block");
    for block in &blocks {
        assert_eq!(block.lines().count(), 1, "`{block}` must be one line, to be copied as it stands");
    }
    assert!(blocks[0].contains(" scan samples"), "the first command scans the sample: `{}`", blocks[0]);
}

#[test]
fn the_readmes_test_command_is_what_ci_runs() {
    let blocks = blocks(&read("README.md"), "sh");
    let ci = read(".ci/run");
    assert!(ci.lines().any(|line| line == blocks[1]), "`.ci/run` must run `{}`, word for word", blocks[1]);
}

#[test]
fn the_readme_counts_the_finding_types_as_the_program_does() {
    let reported = DETECTIONS.iter().flat_map(|detection| detection.reports);
    let count = reported.filter(|finding_type| !finding_type.as_str().ends_with(OWN_MECHANISM)).count();
    let claim = format!("**{count} finding types**");
    assert!(read("README.md").contains(&claim), "README.md must say {claim}");
}

#[test]
fn the_readmes_example_of_a_finding_is_in_the_sample() {
    let page = read("README.md");
    let example = page.lines().find_map(|line| line.strip_prefix("$ watchfire explain ")).unwrap();
    let arguments: Vec<&str> = ["explain", "--quiet"].into_iter().chain(example.split(' ')).collect();
    assert!(printed(&arguments).contains("What happened"), "`watchfire explain {example}`");
}

#[test]
fn the_readmes_picture_shows_what_the_program_prints() {
    let picture = read("docs/images/scan.svg");
    let table = printed(&["scan", "--quiet", "--color", "never", "samples"]);
    let lines: Vec<&str> = table.lines().collect();
    for word in lines[3].split_whitespace().chain([*lines.last().unwrap()]) {
        assert!(
            picture.contains(word),
            "docs/images/scan.svg does not show `{word}`: `cargo build --release && cargo run -p xtask -- picture`"
        );
    }
}

#[test]
fn every_key_of_the_configuration_is_in_the_example() {
    let file = parse(&read("docs/config.example.toml")).unwrap();
    // Taken apart whole, so that a new key does not compile before it is looked for here.
    let ConfigFile { scan, knowledge, detections, server, thresholds } = file;
    let ScanSection { threads, format, min_severity, assume_account, assume_region } = scan;
    let KnowledgeSection {
        default_intel,
        intel,
        feed,
        feed_folder,
        list_bytes_max,
        guards,
        trusted,
        geoip,
        aws_ranges,
        inventory,
    } = knowledge;
    assert!(feed_folder.is_some() && list_bytes_max.is_some() && !guards.is_empty());
    assert!(intel.iter().any(|intel| intel.format.is_some() && intel.column.is_some()));
    assert!(feed.iter().any(|feed| feed.confidence.is_some()) && feed.iter().any(|feed| feed.subdomains));
    assert!(threads.is_some() && format.is_some() && min_severity.is_some());
    assert!(assume_account.is_some() && assume_region.is_some() && default_intel.is_some());
    assert!(!intel.is_empty() && !trusted.is_empty() && !geoip.is_empty());
    assert!(aws_ranges.is_some() && inventory.is_some());
    let DetectionsSection { disable } = detections;
    assert!(!disable.is_empty() && !thresholds.is_empty());
    let server = serde_json::to_value(server).unwrap();
    let missing: Vec<&String> =
        server.as_object().unwrap().iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key).collect();
    assert!(missing.is_empty() && !server["watch"].as_array().unwrap().is_empty(), "{missing:?}");
}

#[test]
fn every_threshold_is_in_the_example_with_its_default() {
    let example = read("docs/config.example.toml");
    let (_, section) = example.split_once("\n[thresholds]\n").unwrap();
    let pairs: Vec<(&str, &str)> =
        section.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = ")).collect();
    for threshold in watchfire_detections::thresholds::all() {
        let value = pairs.iter().find(|(key, _)| *key == threshold.key).map(|(_, value)| value.parse::<f64>().unwrap());
        assert_eq!(value, Some(threshold.default), "docs/config.example.toml, `{}`", threshold.key);
    }
    assert_eq!(pairs.len(), watchfire_detections::thresholds::all().count());
}

#[test]
fn every_key_of_the_configuration_is_described() {
    let page = read("docs/configuration.md");
    let thresholds = read("docs/thresholds.md");
    let example = read("docs/config.example.toml");
    let mut section = "";
    for line in example.lines() {
        if let Some(name) = line.strip_prefix("[[").and_then(|line| line.strip_suffix("]]")) {
            assert!(page.contains(&format!("`{name}`")), "docs/configuration.md does not describe `{name}`");
            section = "";
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((key, _)) = line.split_once(" = ")
            && !section.is_empty()
        {
            let (page, key) = match section {
                "thresholds" => (&thresholds, format!("`{key}`")),
                _ => (&page, format!("`{section}.{key}`")),
            };
            assert!(page.contains(&key), "docs/configuration.md, or thresholds.md, does not describe {key}");
        }
    }
}

#[test]
fn every_kind_of_list_is_documented() {
    let page = read("docs/configuration.md");
    for kind in ListKind::ALL {
        assert!(page.contains(&format!("`{}`", kind.name())), "docs/configuration.md does not name the kind `{kind}`");
    }
}

/// Every page below `docs/`, relative to it.
fn pages() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut waiting = vec![root().join("docs")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|kind| kind == "md") {
                let place = path.strip_prefix(root().join("docs")).unwrap().to_string_lossy().replace('\\', "/");
                pages.insert(place);
            }
        }
    }
    pages
}

#[test]
fn the_table_of_contents_names_every_page_once() {
    let summary = read("docs/SUMMARY.md");
    let links = summary.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned());
    let mut named = BTreeSet::from(["SUMMARY.md".to_owned()]);
    for link in links {
        assert!(named.insert(link.clone()), "docs/SUMMARY.md names `{link}` twice");
    }
    let pages = pages();
    let missing: Vec<&String> = pages.difference(&named).collect();
    let strays: Vec<&String> = named.difference(&pages).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not name {missing:?}");
    assert!(strays.is_empty(), "docs/SUMMARY.md names {strays:?}, which do not exist");
}

#[test]
fn links_to_headings_lead_to_headings() {
    let mut faults = Vec::new();
    for page in pages() {
        let text = read(&format!("docs/{page}"));
        for (link, _) in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let Some((file, heading)) = link.split_once('#') else { continue };
            if link.contains("://") {
                continue;
            }
            let page_itself = Path::new(&page).file_name().unwrap().to_string_lossy().into_owned();
            let file = if file.is_empty() { page_itself } else { file.to_owned() };
            let target = Path::new("docs").join(&page).with_file_name(file);
            if !headings(&read(&target.to_string_lossy())).contains(heading) {
                faults.push(format!("docs/{page} links to `{link}`"));
            }
        }
    }
    assert!(faults.is_empty(), "no such heading: {faults:#?}");
}

/// The names by which headings can be linked to.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |one: &char| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_');
    titles.map(|title| title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn the_comparison_counts_what_the_catalogue_counts() {
    let page = read("docs/comparison.md");
    let mut plans: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for entry in catalogue::all().iter().filter(|entry| !entry.retired) {
        let (types, live) = plans.entry(&entry.plan).or_default();
        *types += 1;
        let reports = |reported: &watchfire_model::FindingType| reported.as_str() == entry.name;
        *live += usize::from(DETECTIONS.iter().any(|detection| detection.reports.iter().any(reports)));
    }
    for (plan, (types, live)) in plans {
        let row = format!("| {plan} | {types} | {live} |");
        assert!(page.contains(&row), "docs/comparison.md must have the row `{row}`");
    }
}

#[test]
fn every_format_is_on_the_page_of_outputs() {
    let page = read("docs/outputs.md");
    for format in <Format as clap::ValueEnum>::value_variants() {
        let name = clap::ValueEnum::to_possible_value(format).unwrap().get_name().to_owned();
        assert!(page.contains(&format!("| `{name}` |")), "docs/outputs.md does not say what `{name}` is for");
    }
}

/// What a page shows being typed, and what it shows being printed then.
struct Shown {
    command: String,
    output: Vec<String>,
}

/// The commands of a page's `console` blocks: after `$ `, to the end of the line, of the lines that `\` joins to it, or of
/// the text that `<<'END'` takes in.
fn shown(page: &str) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for block in blocks(page, "console") {
        let mut lines = block.lines();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else {
                commands.last_mut().unwrap().output.push(line.to_owned());
                continue;
            };
            let mut command = command.to_owned();
            let mut is_document = command.ends_with("<<'END'");
            while is_document || command.ends_with('\\') {
                let line = lines.next().unwrap();
                command = format!("{command}\n{line}");
                is_document &= line != "END";
            }
            commands.push(Shown { command, output: Vec::new() });
        }
    }
    commands
}

/// Runs commands one after the other in a folder that has the repository's samples and scenarios, and looks for every
/// line that the page shows (`…` stands for any others).
#[cfg(unix)]
fn run_shown(page: &str, commands: &[Shown]) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["samples", "scenarios"] {
        std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_watchfire")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for Shown { command, output } in commands {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder.path()).env("PATH", &path);
        let ran = shell.env("XDG_CONFIG_HOME", folder.path()).output().unwrap();
        let printed = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        // `diff` says with 1 that something differs.
        let is_fine = ran.status.success() || command.starts_with("watchfire diff ") && ran.status.code() == Some(1);
        assert!(is_fine, "docs/{page}: `{command}` ends with {}\n{printed}", ran.status);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: BTreeSet<String> = printed.lines().map(words).collect();
        for line in output.iter().filter(|line| *line != "…") {
            assert!(
                lines.contains(&words(line)),
                "docs/{page} shows that `{command}` prints\n  {line}\nIt prints\n{printed}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn the_tutorial_works_as_written() {
    let commands = shown(&read("docs/tutorial.md"));
    assert!(commands.len() > 10, "docs/tutorial.md shows commands in `console` blocks");
    run_shown("tutorial.md", &commands);
}

#[cfg(unix)]
#[test]
fn the_command_on_the_page_of_a_finding_type_gives_a_finding_of_it() {
    let pages: Vec<String> =
        pages().into_iter().filter(|page| page.starts_with("findings/") && !page.ends_with("README.md")).collect();
    assert!(!pages.is_empty());
    let halves = pages.split_at(pages.len() / 2);
    std::thread::scope(|scope| {
        for half in [halves.0, halves.1] {
            scope.spawn(move || half.iter().for_each(|page| the_command_gives_the_type(page)));
        }
    });
}

#[cfg(unix)]
fn the_command_gives_the_type(page: &str) {
    let text = read(&format!("docs/{page}"));
    let finding_type = text.lines().next().unwrap().trim_start_matches("# ").to_owned();
    let commands = shown(&text);
    assert_eq!(commands.len(), 1, "docs/{page}");
    let command = format!("{} --quiet --format csv | cut -d , -f 2 | sort -u", commands[0].command);
    run_shown(page, &[Shown { command, output: vec!["type".to_owned(), finding_type] }]);
}
