//! `watchfire intel`, and lists in several forms.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{Folder, Run, run};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A configuration with one feed at this address.
fn configured(folder: &Folder, url: &str) -> String {
    let kept = folder.path().join("kept");
    let text = format!(
        "[knowledge]\ndefault-intel = false\nfeed-folder = \"{}\"\n[[knowledge.feed]]\nname = \"ours\"\nkind = \"c2\"\nconfidence = 90\nurl = \"{url}\"\n",
        kept.display()
    );
    folder.aside("config.toml", text).display().to_string()
}

fn intel(config: &str, arguments: &[&str]) -> Run {
    run([&["intel", "--config", config], arguments].concat())
}

fn feed_file(folder: &Folder, text: &str) -> PathBuf {
    folder.aside("feed.txt", text)
}

fn kept(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path().join("kept")).unwrap();
    let mut names: Vec<String> = names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn url_of(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[test]
fn a_list_is_checked_in_the_form_that_it_has() {
    let folder = Folder::empty();
    let otx =
        folder.aside("otx.csv", "Indicator type, Indicator, Description\nIPv4, 198.51.100.7, x\nCIDR, 0.0.0.0/0, y\n");
    let checked = run(["intel", "check", otx.to_str().unwrap()]);
    assert_eq!(checked.status, 0, "{}", checked.stderr);
    for says in ["read as otx-csv", "1 IPv4 addresses", "too much of the internet", "line 3: `0.0.0.0/0`"] {
        assert!(checked.stdout.contains(says), "{says}: {}", checked.stdout);
    }
    let named = format!("c2+csv:b={}", folder.aside("x.csv", "a,b\n1,bad.example.com\n").display());
    assert!(run(["intel", "check", &named]).stdout.contains("1 domains"));
    let useless = folder.aside("useless.txt", "com\n");
    assert_eq!(run(["intel", "check", useless.to_str().unwrap()]).status, 1);
    let limited = run(["intel", "--list-bytes-max", "10", "check", otx.to_str().unwrap()]);
    assert!(limited.status == 2 && limited.stderr.contains("larger than 10 bytes"), "{}", limited.stderr);
}

#[test]
fn what_is_no_list_is_told_in_a_sentence() {
    let folder = Folder::empty();
    let page = "<!-- 1 -->\n<!DOCTYPE html>\n<html><body>Please log in<br>198.51.100.7</body></html>";
    for (name, content, says) in [
        ("page", page.as_bytes(), "a web page"),
        ("feed", b"<?xml version=\"1.0\"?><rss><channel>198.51.100.7</channel></rss>", "outermost element is `rss`"),
        ("empty", b"", "the file is empty"),
        ("comments", b"# nothing\n\n; here\n", "nothing but comments"),
        ("packed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "not text: unpack it"),
        ("picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "not text"),
        ("values", br#"["198.51.100.7", "example.com"]"#, "of JSON only"),
        ("lines", b"{\"ip\": \"198.51.100.7\"}\n{\"ip\": \"198.51.100.8\"}\n", "of JSON only"),
        ("bundle", br#"{"type": "bundle", "objects": []}"#, "stix2 without a single entry"),
        ("events", br#"{"Records": [{"sourceIPAddress": "198.51.100.7"}]}"#, "of JSON only"),
    ] {
        let file = folder.aside(name, content);
        let file = file.to_str().unwrap();
        let checked = run(["intel", "check", file]);
        assert!(checked.status == 1 && checked.stdout.contains(says), "{name}: {}", checked.stdout);
        let used = run(["intel", "lookup", "198.51.100.7", "--intel", file]);
        assert!(used.status == 2 && used.stderr.contains("holds no entry that can be used"), "{name}: {}", used.stderr);
    }
}

#[test]
fn a_terminal_never_obeys_a_list() {
    let folder = Folder::empty();
    let head = "# name: evil\u{1b}[31m\u{202e}\n# date: \u{1b}]0;x\n# licence: \u{1b}[2J\n# source: \u{1b}[1m\n";
    let entries: String = (1..100).map(|n| format!("198.51.100.{n} # th\u{1b}[5mreat\n")).collect();
    let list = folder.aside("evil.txt", format!("{head}{entries}\u{1b}[31mno entry\n"));
    let argument = format!("c2={}", list.display());
    let log = Folder::with_a_log();
    let log = log.path().to_str().unwrap();
    for arguments in [
        &["intel", "check", list.to_str().unwrap()][..],
        &["intel", "list", "--intel", &argument],
        &["intel", "show", "none", "--intel", &argument],
        &["intel", "show", "evil\u{1b}[31m\u{202e}", "--intel", &argument],
        &["intel", "lookup", "198.51.100.7", "--intel", &argument],
        &["scan", log, "--intel", &argument],
    ] {
        let run = run(arguments);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("\\u{1b}["), "{arguments:?}: {said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {said}");
    }
}

#[test]
fn everything_that_covers_a_value_is_shown_trusted_or_not() {
    let folder = Folder::empty();
    let (bad, good) = (
        folder.aside("bad.txt", "198.51.100.0/24\n198.51.100.7 # Emotet\n"),
        folder.aside("good.txt", "198.51.100.7\n"),
    );
    let bad = format!("c2={}", bad.display());
    let found = run([
        "intel",
        "lookup",
        "198.51.100.7",
        "198.51.100.8",
        "10.0.0.1",
        "--intel",
        &bad,
        "--trusted",
        good.to_str().unwrap(),
    ]);
    assert_eq!(found.status, 0, "{}", found.stderr);
    for says in [
        "makes no finding",
        "`198.51.100.0/24`",
        "as Emotet",
        "trusted",
        "weight 100 of 100",
        "198.51.100.8: on a threat list\n",
        "publicly routable",
    ] {
        assert!(found.stdout.contains(says), "{says}: {}", found.stdout);
    }
    assert!(run(["intel", "lookup", "1.1.1.1"]).stdout.contains("guard"));
}

#[test]
fn lists_are_listed_and_shown_as_text_that_reads_again() {
    let folder = Folder::empty();
    let list = folder.aside(
        "ours.json",
        r#"{"objects": [{"type": "indicator", "name": "Emotet", "pattern": "[ipv4-addr:value = '198.51.100.7']"}]}"#,
    );
    let argument = format!("c2={}", list.display());
    let listed = run(["intel", "list", "--intel", &argument]).stdout;
    assert!(listed.contains("ours") && listed.contains("maltrail malware") && listed.contains("MIT"), "{listed}");
    let shown = run(["intel", "show", "ours", "--intel", &argument]).stdout;
    assert!(shown.contains("198.51.100.7  # Emotet") && shown.contains("# kind: c2"), "{shown}");
    let again = folder.aside("again.txt", &shown);
    assert!(run(["intel", "check", again.to_str().unwrap()]).stdout.contains("kind c2"));
    assert!(run(["intel", "show", "theirs", "--intel", &argument]).stderr.contains("ours"));
}

#[test]
fn a_feed_is_fetched_kept_and_used_offline() {
    let folder = Folder::empty();
    let file = feed_file(&folder, "198.51.100.7\n198.51.100.8\n0.0.0.0/0\n");
    let config = configured(&folder, &url_of(&file));
    let never = intel(&config, &["lookup", "198.51.100.7"]);
    assert!(never.status == 2 && never.stderr.contains("never fetched"), "{}", never.stderr);
    let first = intel(&config, &["update"]);
    assert_eq!(first.status, 0, "{}", first.stderr);
    assert!(
        first.stdout.contains("2 entries, read as txt, 1 refused; 2 new (198.51.100.7, 198.51.100.8); 0 gone"),
        "{}",
        first.stdout
    );
    assert!(intel(&config, &["update"]).stdout.contains("unchanged, 2 entries"));
    std::fs::write(&file, "198.51.100.8\n198.51.100.9\n").unwrap();
    let changed = intel(&config, &["update"]);
    assert!(changed.stdout.contains("1 new (198.51.100.9); 1 gone (198.51.100.7)"), "{}", changed.stdout);
    assert_eq!(kept(&folder).len(), 2, "the older content is gone: {:?}", kept(&folder));
    std::fs::remove_file(&file).unwrap();
    assert!(intel(&config, &["lookup", "198.51.100.9"]).stdout.contains("weight 90 of 100"));
    let gone = intel(&config, &["update"]);
    assert!(gone.status == 1 && gone.stderr.contains("could not read"), "{}", gone.stderr);
    assert!(intel(&config, &["lookup", "198.51.100.9"]).stdout.contains("on a threat list"), "the copy stays");
}

#[test]
fn a_feed_that_grew_tenfold_is_refused_unless_asked_for() {
    let folder = Folder::empty();
    let file = feed_file(&folder, "198.51.100.1\n198.51.100.2\n");
    let config = configured(&folder, &url_of(&file));
    assert_eq!(intel(&config, &["update"]).status, 0);
    let many: String = (1..=20).map(|host| format!("198.51.100.{host}\n")).collect();
    std::fs::write(&file, many).unwrap();
    let refused = intel(&config, &["update"]);
    assert!(refused.status == 1 && refused.stderr.contains("from 2 to 20 entries"), "{}", refused.stderr);
    assert!(intel(&config, &["lookup", "198.51.100.9"]).stdout.contains("on no threat list"));
    assert_eq!(intel(&config, &["update", "--accept-growth"]).status, 0);
    assert!(intel(&config, &["lookup", "198.51.100.9"]).stdout.contains("on a threat list"));
    std::fs::write(&file, "<html>not a list</html>").unwrap();
    assert_eq!(intel(&config, &["update"]).status, 1);
    assert!(intel(&config, &["lookup", "198.51.100.9"]).stdout.contains("on a threat list"));
}

/// Serves these answers, one connection each, and gives the request heads that came.
fn serve(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/list", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            heads.push(head.join("\n").to_lowercase());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        heads
    });
    (url, thread)
}

fn answer(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{more}\r\n{body}", body.len())
}

#[test]
fn a_feed_over_http_is_asked_whether_it_changed() {
    let folder = Folder::empty();
    let (url, server) = serve(vec![
        answer("200 OK", "ETag: \"one\"\r\n", "198.51.100.7\n"),
        answer("304 Not Modified", "", ""),
        answer("500 Oops", "", ""),
        answer("200 OK", "", &"198.51.100.7\n".repeat(100)),
    ]);
    let config = configured(&folder, &url);
    assert!(intel(&config, &["update"]).stdout.contains("1 new (198.51.100.7)"));
    assert!(intel(&config, &["update"]).stdout.contains("unchanged, 1 entries"));
    let oops = intel(&config, &["update"]);
    assert!(oops.status == 1 && oops.stderr.contains("answered 500"), "{}", oops.stderr);
    let large = intel(&config, &["--list-bytes-max", "100", "update"]);
    assert!(large.status == 1 && large.stderr.contains("larger than 100 bytes"), "{}", large.stderr);
    let heads = server.join().unwrap();
    assert!(!heads[0].contains("if-none-match") && heads[1].contains("if-none-match: \"one\""), "{heads:?}");
    let offline = intel(&config, &["update"]);
    assert!(offline.status == 1 && offline.stderr.contains("could not fetch"), "{}", offline.stderr);
    assert!(intel(&config, &["lookup", "198.51.100.7"]).stdout.contains("weight 90"), "the copy is used");
}

#[test]
fn a_warning_list_is_no_threat_list() {
    let folder = Folder::with_a_log();
    let list = folder.aside("warning.json", r#"{"name": "Resolvers", "type": "cidr", "list": ["198.51.100.0/24"]}"#);
    let scan = folder.scan(&["--intel", list.to_str().unwrap()]);
    assert!(scan.run.status == 2 && scan.run.stderr.contains("names what is harmless"), "{}", scan.run.stderr);
    assert_eq!(folder.scan(&["--guard", list.to_str().unwrap()]).run.status, 0);
}
