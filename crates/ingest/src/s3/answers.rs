//! S3's answers in XML: a page of a listing, an error.

use super::client::Found;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// Elements inside each other at most; S3's answers have four.
const DEPTH_MAX: usize = 16;

/// Characters of an error's message that are shown.
const MESSAGE_CHARS_MAX: usize = 200;

/// A page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Found>,
    /// Prefixes one level below.
    pub(super) prefixes: Vec<String>,
    /// Whether there are more pages.
    pub(super) is_cut: bool,
    /// What to ask for the next one with.
    pub(super) next: Option<String>,
}

/// What an error answer says; empty where it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorAnswer {
    pub(super) code: String,
    pub(super) message: String,
}

impl Page {
    /// Reads a page; `None` if it is no listing, or not a whole one.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut page = Self::default();
        let mut is_listing = false;
        let mut is_encoded = false;
        let mut object = Found::default();
        walk(body, |path, text| {
            is_listing |= path == ["ListBucketResult"];
            match path {
                ["ListBucketResult", "IsTruncated"] => page.is_cut = text.trim() == "true",
                ["ListBucketResult", "NextContinuationToken"] => page.next = Some(text.to_owned()),
                ["ListBucketResult", "EncodingType"] => is_encoded = text.trim() == "url",
                ["ListBucketResult", "CommonPrefixes", "Prefix"] => page.prefixes.push(text.to_owned()),
                ["ListBucketResult", "Contents", "Key"] => object.key = text.to_owned(),
                ["ListBucketResult", "Contents", "ETag"] => object.etag = text.trim().to_owned(),
                ["ListBucketResult", "Contents", "Size"] => object.size = text.trim().parse().unwrap_or(0),
                ["ListBucketResult", "Contents"] => page.objects.push(std::mem::take(&mut object)),
                _ => {}
            }
        })?;
        if is_encoded {
            page.objects.iter_mut().for_each(|object| object.key = decoded(&object.key));
            page.prefixes.iter_mut().for_each(|prefix| *prefix = decoded(prefix));
        }
        is_listing.then_some(page)
    }
}

impl ErrorAnswer {
    /// Reads an error; what is none says nothing.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut answer = Self::default();
        let short = |text: &str| {
            let text: String = text.chars().filter(|letter| !letter.is_control()).take(MESSAGE_CHARS_MAX).collect();
            text.trim().to_owned()
        };
        let whole = walk(body, |path, text| match path {
            ["Error", "Code"] => answer.code = short(text),
            ["Error", "Message"] => answer.message = short(text),
            _ => {}
        });
        whole.map_or_else(Self::default, |()| answer)
    }
}

/// Calls `each` with the path and the text of every element when it ends. `None` if the document is not well-formed.
fn walk(body: &[u8], mut each: impl FnMut(&[&str], &str)) -> Option<()> {
    let body = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(body);
    // The text of an element that holds others is of no use, so one place is enough.
    let (mut path, mut text): (Vec<String>, String) = Default::default();
    let mut is_begun = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                text.clear();
                is_begun = true;
                if path.len() > DEPTH_MAX {
                    return None;
                }
            }
            Event::Empty(start) => {
                path.push(start.local_name().as_ref().to_owned());
                close(&mut path, "", &mut each);
                text.clear();
                is_begun = true;
            }
            Event::End(_) => {
                close(&mut path, &text, &mut each);
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(part) => text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(letter)) => text.push(letter),
                _ => text.push_str(quick_xml::escape::resolve_predefined_entity(&reference)?),
            },
            Event::Eof => return (path.is_empty() && is_begun).then_some(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn close(path: &mut Vec<String>, text: &str, each: &mut impl FnMut(&[&str], &str)) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    each(&names, text);
    path.pop();
}

/// A name that the server wrote as part of an address: a plus sign is a space.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| byte == b'%').and_then(|digits| {
            u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()
        });
        bytes.push(escaped.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_is_read_with_its_entities() {
        let page = Page::read(
            br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>logs</Name><Prefix>no</Prefix>
            <IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b=</NextContinuationToken>
            <Contents><Key> a//b/../&lt;&#13;&#x1;&gt;+%41</Key><Size>12</Size><ETag>&quot;e&quot;</ETag></Contents>
            <Contents><Key/><Size>x</Size></Contents>
            <CommonPrefixes><Prefix>c//</Prefix></CommonPrefixes></ListBucketResult>"#,
        );
        let found = Found { key: " a//b/../<\r\u{1}>+%41".to_owned(), size: 12, etag: "\"e\"".to_owned() };
        assert_eq!(
            page,
            Some(Page {
                objects: vec![found, Found::default()],
                prefixes: vec!["c//".to_owned()],
                is_cut: true,
                next: Some("a&b=".to_owned())
            })
        );
    }

    #[test]
    fn names_that_are_said_to_be_encoded_are_decoded() {
        let page = Page::read(
            b"<ListBucketResult><Contents><Key>a+b%2Bc%zz%+1</Key></Contents><EncodingType>url</EncodingType></ListBucketResult>",
        );
        assert_eq!(page.map(|page| page.objects[0].key.clone()).as_deref(), Some("a b+c%zz% 1"));
    }

    #[test]
    fn what_is_no_listing_or_half_of_one_is_none() {
        for text in [
            "",
            "hello",
            "<html><body>Log in</body></html>",
            "<!DOCTYPE html><html><br></html>",
            "{\"a\": 1}",
            "<ListBucketResult><Contents><Key>a</Key>",
            "<Other><ListBucketResult/></Other>",
            "<ListBucketResult>&unknown;</ListBucketResult>",
        ] {
            assert_eq!(Page::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Page::read(b"<ListBucketResult/>"), Some(Page::default()));
    }

    #[test]
    fn an_error_says_its_code_and_message() {
        let answer = ErrorAnswer::read(b"<Error><Code>SlowDown</Code><Message>Please\n reduce</Message></Error>");
        assert_eq!((answer.code.as_str(), answer.message.as_str()), ("SlowDown", "Please reduce"));
        assert_eq!(ErrorAnswer::read(b"<html>busy</html>"), ErrorAnswer::default());
        assert_eq!(ErrorAnswer::read(b"<Error><Code>SlowDown</Code>"), ErrorAnswer::default());
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(text in "[<>/&;#a-zA-Z0-9 \"=!-]{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (Page::read(text.as_bytes()), Page::read(&bytes), ErrorAnswer::read(text.as_bytes()));
        }

        #[test]
        fn any_key_is_read_as_it_is_written(key in "\\PC{0,40}") {
            let escaped = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let page = Page::read(format!("<ListBucketResult><Contents><Key>{escaped}</Key></Contents></ListBucketResult>").as_bytes());
            prop_assert_eq!(page.map(|page| page.objects[0].key.clone()), Some(key));
        }
    }
}
