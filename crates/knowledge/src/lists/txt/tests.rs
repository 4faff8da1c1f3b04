//! Lists as people and programs write them.

use super::parse;
use crate::indicators::{IndicatorList, ListEntry};
use crate::lists::{EntryError, PREFIX_BITS_MIN_V4, REJECTED_KEPT_MAX, ReadList, indicator};
use proptest::prelude::*;
use watchfire_model::ListKind;

fn read(text: &str) -> ReadList {
    parse(text.as_bytes(), &IndicatorList::new("file", ListKind::Custom))
}

fn entries(text: &str) -> Vec<String> {
    let write = |entry: ListEntry| match entry.threat_name.is_empty() {
        true => entry.indicator.to_string(),
        false => format!("{} # {}", entry.indicator, entry.threat_name),
    };
    read(text).list.entries.iter().map(write).collect()
}

fn check_refused(text: &str, reason: EntryError) {
    assert_eq!(indicator(text), Err(reason), "{text}");
}

#[test]
fn a_header_says_what_the_list_is() {
    let ReadList { list, rejected, .. } = read(
        "\u{feff}# Name: Our C2\r\n#kind: c2\r\n; date: 2026-01-01\r\n# subdomains: yes\r\n# threat: Emotet\r\n\r\nexample.com\r\n# kind: mining\r\n",
    );
    assert_eq!(rejected, []);
    assert_eq!((list.name.as_str(), list.kind, list.version.as_str()), ("Our C2", ListKind::C2, "2026-01-01"));
    assert!(list.include_subdomains);
    assert_eq!(&*list.entries.get(0).unwrap().threat_name, "Emotet");
}

#[test]
fn a_list_without_header_is_what_the_caller_says() {
    let list = read("198.51.100.7").list;
    assert_eq!((list.name.as_str(), list.kind, list.version.as_str()), ("file", ListKind::Custom, ""));
}

#[test]
fn every_kind_of_entry_has_a_normal_form() {
    assert_eq!(
        entries(
            "198.51.100.7\n 198.51.100.77/24 \n2001:DB8:0:0::1\n2001:db8::/32\nWWW.Example.COM.\n*.Example.org\nbücher.example.com"
        ),
        [
            "198.51.100.7",
            "198.51.100.0/24",
            "2001:db8::1",
            "2001:db8::/32",
            "www.example.com",
            "*.example.org",
            "xn--bcher-kva.example.com"
        ]
    );
    assert_eq!(entries("::ffff:198.51.100.7\n::ffff:198.51.100.0/120"), ["198.51.100.7", "198.51.100.0/24"]);
    assert_eq!(entries("AKIAIOSFODNN7EXAMPLE"), ["AKIAIOSFODNN7EXAMPLE"]);
}

#[test]
fn a_comment_behind_an_entry_names_its_threat() {
    assert_eq!(
        entries("198.51.100.7   # Emotet\n198.51.100.8\t#\n198.51.100.9 #TrickBot # 2"),
        ["198.51.100.7 # Emotet", "198.51.100.8", "198.51.100.9 # TrickBot # 2"]
    );
    assert_eq!(entries("198.51.100.7 ; Emotet\nexample.com ;x"), ["198.51.100.7 # Emotet", "example.com # x"]);
}

#[test]
fn dangerous_entries_are_refused() {
    check_refused("0.0.0.0/0", EntryError::PrefixTooShort);
    check_refused("::/0", EntryError::PrefixTooShort);
    check_refused(&format!("16.0.0.0/{}", PREFIX_BITS_MIN_V4 - 1), EntryError::PrefixTooShort);
    check_refused("2000::/15", EntryError::PrefixTooShort);
    check_refused("10.0.0.0/8", EntryError::NotRoutable);
    check_refused("fe80::1", EntryError::NotRoutable);
    check_refused("com", EntryError::PublicSuffix);
    check_refused("*.com", EntryError::PublicSuffix);
    check_refused("co.uk.", EntryError::PublicSuffix);
    check_refused("*.co.uk", EntryError::PublicSuffix);
}

#[test]
fn what_is_no_entry_is_refused_with_its_reason() {
    check_refused("http://example.com/x", EntryError::Url);
    check_refused("example.com/x", EntryError::Url);
    check_refused("198.51.100.7:443", EntryError::Port);
    for text in ["1.2.3", "1.2.3.4.5", "hello", "*", "*.", "198.51.100.0/33", "a..com", "-"] {
        check_refused(text, EntryError::Unknown);
    }
    check_refused("d41d8cd98f00b204e9800998ecf8427e", EntryError::OtherDigest);
    check_refused("http://example.com:80/", EntryError::Url);
    check_refused("http://user@example.com/", EntryError::Url);
    // The private section of the public suffix list does not count: a hoster may be listed.
    assert!(indicator("duckdns.org").is_ok());
}

#[test]
fn a_url_without_path_is_its_host() {
    assert_eq!(entries("https://Bad.example.com/\nhttp://198.51.100.7"), ["bad.example.com", "198.51.100.7"]);
}

#[test]
fn refused_lines_are_all_counted_and_the_first_ones_kept() {
    let parsed = read(&format!("# kind: cc\n198.51.100.7\n{}", "nonsense\n".repeat(100)));
    assert_eq!((parsed.rejected_count, parsed.rejected.len()), (101, REJECTED_KEPT_MAX));
    assert_eq!((parsed.rejected[0].line, parsed.rejected[0].reason), (1, EntryError::Header));
    assert_eq!((parsed.rejected[1].line, parsed.rejected[1].text.as_str()), (3, "nonsense"));
    assert_eq!(parsed.list.entries.len(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes, &IndicatorList::new("", ListKind::Custom));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "([0-9a-fA-F.:/*# é\n-]|com|.){0,100}") {
        let parsed = read(&text);
        prop_assert!(parsed.rejected.len() as u64 <= parsed.rejected_count);
    }

    #[test]
    fn the_normal_form_reads_as_itself(text in "[0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?|(\\*\\.)?[a-zA-Zü_-]{1,9}(\\.[a-zA-Z]{1,5}){1,3}\\.?") {
        if let Ok(read) = indicator(&text) {
            prop_assert_eq!(indicator(&read.to_string()), Ok(read));
        }
    }
}

#[test]
fn old_line_ends_and_quotes_are_no_part_of_an_entry() {
    assert_eq!(
        entries("# kind: c2\r198.51.100.7\rexample.com\r\n\"203.0.113.9\"\n'bad.example.com' # Emotet\n"),
        ["198.51.100.7", "example.com", "203.0.113.9", "bad.example.com # Emotet"]
    );
}

#[test]
fn a_line_of_several_things_is_refused_as_such() {
    for text in ["a b.com", "198.51.100.7, 203.0.113.9", "198.51.100.7;high", "198.51.100.7 203.0.113.9"] {
        check_refused(text, EntryError::Several);
    }
}
