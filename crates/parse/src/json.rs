//! A walker over JSON text that reads the members it is asked for and steps over the rest.
//!
//! It promises what `serde_json` would read from valid JSON, and to end without panic or recursion on anything else.
//! What is stepped over is checked only as far as its strings and brackets go, so that one odd number deep inside
//! `requestParameters` does not cost the record.

use crate::simd;
use std::borrow::Cow;

/// Why the walk ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The text ended inside a value.
    Cut,
    /// This is no JSON.
    Syntax(&'static str),
}

/// A place in JSON text.
pub(crate) struct Walker<'a> {
    text: &'a str,
    at: usize,
}

/// The inside of a string as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Quoted<'a> {
    raw: &'a str,
    is_escaped: bool,
}

impl<'a> Quoted<'a> {
    /// The text that was meant.
    #[inline(always)]
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.is_escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

impl<'a> Walker<'a> {
    /// Starts at this byte of the text.
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// The byte that comes next.
    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The text from `start` to here.
    #[inline(always)]
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next byte that is not blank, without taking it. NUL and its like count as blank.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Result<u8, Fault> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(&byte) if byte > b' ' => return Ok(byte),
                Some(_) => self.at += 1,
                None => return Err(Fault::Cut),
            }
        }
    }

    /// Steps over the byte just peeked at.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        self.at += 1;
    }

    /// Takes exactly these bytes if they come next.
    #[inline(always)]
    pub(crate) fn takes(&mut self, literal: &str) -> bool {
        let is_next = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(literal.as_bytes()));
        if is_next {
            self.at += literal.len();
        }
        is_next
    }

    /// Walks the object whose `{` comes next. `member` is given each key and must take its value.
    #[inline(always)]
    pub(crate) fn object(&mut self, member: impl FnMut(&mut Self, &str) -> Result<(), Fault>) -> Result<(), Fault> {
        self.step();
        if self.peek()? == b'}' {
            self.step();
            return Ok(());
        }
        self.members(member)
    }

    /// Walks what is left of an object behind one of its members.
    #[inline(always)]
    pub(crate) fn rest_of_object(
        &mut self,
        member: impl FnMut(&mut Self, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let next = self.peek()?;
        self.step();
        match next {
            b',' => self.members(member),
            b'}' => Ok(()),
            _ => Err(Fault::Syntax("a comma or a closing brace was expected")),
        }
    }

    #[inline(always)]
    fn members(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<(), Fault>) -> Result<(), Fault> {
        loop {
            let key = self.key()?;
            let unescaped;
            let key = if key.is_escaped {
                unescaped = unescape(key.raw);
                unescaped.as_str()
            } else {
                key.raw
            };
            member(self, key)?;
            match self.peek()? {
                b',' => self.step(),
                b'}' => {
                    self.step();
                    return Ok(());
                }
                _ => return Err(Fault::Syntax("a comma or a closing brace was expected")),
            }
        }
    }

    /// Walks the object that comes next; takes any other value and does nothing with it.
    #[inline(always)]
    pub(crate) fn object_if_any(
        &mut self,
        member: impl FnMut(&mut Self, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.peek()? == b'{' { self.object(member) } else { self.skip() }
    }

    /// Takes a key and its colon; the value comes next.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Quoted<'a>, Fault> {
        if self.peek()? != b'"' {
            return Err(Fault::Syntax("a key was expected"));
        }
        let key = self.string()?;
        if self.peek()? != b':' {
            return Err(Fault::Syntax("a colon was expected"));
        }
        self.step();
        self.peek()?;
        Ok(key)
    }

    /// Takes the string whose quote comes next.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Quoted<'a>, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let end = simd::string_end(bytes, start);
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Quoted { raw: self.text.get(start..end).unwrap_or_default(), is_escaped: false });
        }
        self.escaped_string(start, end)
    }

    #[cold]
    fn escaped_string(&mut self, start: usize, first_special: usize) -> Result<Quoted<'a>, Fault> {
        let bytes = self.text.as_bytes();
        let mut at = first_special;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at = simd::string_end(bytes, at + 2),
                Some(_) => {
                    self.at = at;
                    return Err(Fault::Syntax("a line break stands inside a string"));
                }
                None => {
                    self.at = bytes.len();
                    return Err(Fault::Cut);
                }
            }
        }
        self.at = at + 1;
        Ok(Quoted { raw: self.text.get(start..at).unwrap_or_default(), is_escaped: true })
    }

    /// Takes any value; its text if it is a string, else nothing.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek()? == b'"' {
            Ok(self.string()?.text())
        } else {
            self.skip()?;
            Ok(Cow::Borrowed(""))
        }
    }

    /// Takes any value; its text if it is a string or a number, else nothing.
    pub(crate) fn text_or_number(&mut self) -> Result<Cow<'a, str>, Fault> {
        if matches!(self.peek()?, b'-' | b'0'..=b'9') { self.raw().map(Cow::Borrowed) } else { self.text() }
    }

    /// Takes any value; its truth if it is `true` or `false`, or one of these as a string.
    #[inline(always)]
    pub(crate) fn boolean(&mut self) -> Result<Option<bool>, Fault> {
        Ok(match self.raw()? {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        })
    }

    /// Takes any value and gives its JSON text; nothing for `null`.
    #[inline(always)]
    pub(crate) fn raw(&mut self) -> Result<&'a str, Fault> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        let raw = self.since(start);
        Ok(if raw == "null" { "" } else { raw })
    }

    /// Takes any value.
    #[inline(always)]
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_container(),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => self.skip_word(),
            _ => Err(Fault::Syntax("a value was expected")),
        }
    }

    #[inline(always)]
    fn skip_word(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'+' | b'-' | b'.' | b'E') {
                return Ok(());
            }
            self.at += 1;
        }
        Err(Fault::Cut)
    }

    /// Takes the object or array whose bracket comes next, by counting brackets outside of strings, a block at a time.
    fn skip_container(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let mut depth = 0u32;
        let mut in_string_before = 0; // All ones where the last block ended inside a string.
        let mut escaped_before = 0; // One where the last block ended in a backslash that escapes.
        let mut at = self.at;
        while at < bytes.len() {
            let shape = match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
                Some(block) => simd::brackets(block),
                None => simd::brackets(&last_block(bytes, at)),
            };
            let quote = shape.quote & !escaped(shape.backslash, &mut escaped_before);
            let in_string = prefix_xor(quote) ^ in_string_before;
            in_string_before = ((in_string as i64) >> 63) as u64;
            if shape.newline & in_string != 0 {
                self.at = at + (shape.newline & in_string).trailing_zeros() as usize;
                return Err(Fault::Syntax("a line break stands inside a string"));
            }
            let (open, mut close) = (shape.open & !in_string, shape.close & !in_string);
            let mut closed = 0;
            while close != 0 {
                closed += 1;
                let below = (close & close.wrapping_neg()) - 1;
                if depth + (open & below).count_ones() == closed {
                    self.at = at + close.trailing_zeros() as usize + 1;
                    return Ok(());
                }
                close &= close - 1;
            }
            depth = depth + open.count_ones() - closed;
            at += simd::BLOCK;
        }
        self.at = bytes.len();
        Err(Fault::Cut)
    }
}

/// The bytes from `at` to the end, filled up with blanks.
#[cold]
fn last_block(bytes: &[u8], at: usize) -> [u8; simd::BLOCK] {
    let mut block = [b' '; simd::BLOCK];
    let rest = bytes.get(at..).unwrap_or_default();
    for (place, byte) in block.iter_mut().zip(rest) {
        *place = *byte;
    }
    block
}

/// Bit `i` is the exclusive or of the bits up to and including `i`: from each quote to the next, all ones.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The bytes that a backslash before them escapes.
#[inline(always)]
fn escaped(mut backslash: u64, before: &mut u64) -> u64 {
    if backslash == 0 {
        return std::mem::take(before);
    }
    let mut escaped = *before;
    backslash &= !escaped; // An escaped backslash escapes nothing.
    *before = 0;
    while backslash != 0 {
        let first = backslash & backslash.wrapping_neg();
        let next = first << 1;
        if next == 0 {
            *before = 1;
        }
        escaped |= next;
        backslash &= !(first | next);
    }
    escaped
}

/// The text that an escaped string means. Unpaired surrogates become U+FFFD; what is no escape stays as it is written.
pub(crate) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let (meaning, length) = escape(after);
        match meaning {
            Some(character) => text.push(character),
            None => text.push_str(after.get(..length).unwrap_or_default()),
        }
        rest = after.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// What the escape at the start of this text means, and its length in bytes.
fn escape(text: &str) -> (Option<char>, usize) {
    let simple = |character| (Some(character), 2);
    match text.as_bytes().get(1) {
        Some(&byte @ (b'"' | b'\\' | b'/')) => simple(char::from(byte)),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'u') => match code_unit(text, 0) {
            Some(high @ 0xD800..=0xDBFF) => match code_unit(text, 6) {
                Some(low @ 0xDC00..=0xDFFF) => {
                    (char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)), 12)
                }
                _ => (Some(char::REPLACEMENT_CHARACTER), 6),
            },
            Some(unit) => (Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)), 6),
            None => (None, 2),
        },
        _ => (None, 1),
    }
}

/// The code unit of the `\uXXXX` that stands at this place.
fn code_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_mean_what_json_says() {
        assert_eq!(unescape(r#"a\"\\\/\b\f\n\r\tz"#), "a\"\\/\u{8}\u{c}\n\r\tz");
        assert_eq!(unescape(r"\u00e9\ud83d\ude00"), "é😀");
        assert_eq!(unescape(r"\ud83d\u0041 \ude00 \ud83d"), "\u{fffd}A \u{fffd} \u{fffd}");
        assert_eq!(unescape(r"\q\u00g0\"), r"\q\u00g0\");
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = r#"{"a":"}\"]","b":["\\",{"c":"{"}]} tail"#;
        let mut walker = Walker::new(text, 0);
        assert_eq!(walker.raw(), Ok(r#"{"a":"}\"]","b":["\\",{"c":"{"}]}"#));
    }

    #[test]
    fn nesting_costs_no_stack() {
        let text = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(Walker::new(&text, 0).skip(), Ok(()));
        assert_eq!(Walker::new(&text, 1).skip(), Ok(()));
        assert_eq!(Walker::new(&text[..1_999_999], 0).skip(), Err(Fault::Cut));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[\"\\\\\n{}\\[\\]a😀]{0,80}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::hash_map("[\"\\\\{a]{0,8}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_skipped_to_its_very_end(value in json(), padding in 0usize..70, pretty in any::<bool>()) {
            let value = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let (value, start) = (value.unwrap(), " ".repeat(padding));
            let text = format!("{start}{value},\"}}");
            let mut walker = Walker::new(&text, 0);
            walker.skip().unwrap();
            prop_assert_eq!(walker.at(), padding + value.len());
        }

        #[test]
        fn strings_read_as_serde_json_reads_them(text in any::<String>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Walker::new(&quoted, 0).text().unwrap(), text);
        }
    }
}
