//! A walker over JSON text that reads the members it is asked for and steps over the rest.
//!
//! It promises what `serde_json` would read from valid JSON, and to end without panic or recursion on anything else.
//! What is stepped over is checked only as far as its strings and brackets go, so that one odd number deep inside
//! `requestParameters` does not cost the record.

use crate::container::Endless;
use crate::keys::Keys;
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

    /// The bytes of the whole text.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The text from `start` to here.
    #[inline(always)]
    pub(crate) fn since(&self, start: usize) -> &'a str {
        simd::piece(self.text, start, self.at)
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

    /// The next eight bytes as a number, the first of them lowest; 0 where fewer are left.
    #[inline(always)]
    pub(crate) fn eight_bytes(&self) -> u64 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        rest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Eight bytes from this many behind the next, as a number; `None` where fewer are left.
    #[inline(always)]
    pub(crate) fn eight_bytes_at(&self, offset: usize) -> Option<u64> {
        let rest = self.text.as_bytes().get(self.at + offset..)?;
        rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
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
        if self.is_last_member()? { Ok(()) } else { self.members(member) }
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
            if self.is_last_member()? {
                return Ok(());
            }
        }
    }

    /// Takes what stands behind a member: the comma before the next, or the brace that ends the object.
    #[inline(always)]
    fn is_last_member(&mut self) -> Result<bool, Fault> {
        let next = self.peek()?;
        self.step();
        match next {
            b',' => Ok(false),
            b'}' => Ok(true),
            _ => Err(Fault::Syntax("a comma or a closing brace was expected")),
        }
    }

    /// Walks the object that comes next; takes any other value and does nothing with it. `member` is told which of the
    /// expected keys comes and must take its value.
    #[inline(always)]
    pub(crate) fn object_of<K: Keys>(
        &mut self,
        mut member: impl FnMut(&mut Self, K) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.peek()? != b'{' {
            return self.skip();
        }
        self.step();
        if self.peek()? == b'}' {
            self.step();
            return Ok(());
        }
        loop {
            let key = match K::guess(self) {
                Some(key) => key,
                None => self.unexpected_key()?,
            };
            member(self, key)?;
            if self.is_last_member()? {
                return Ok(());
            }
        }
    }

    /// Not inlined, or the compiler would see that guessing leads to the same place, and wait for the key's end.
    #[inline(never)]
    fn unexpected_key<K: Keys>(&mut self) -> Result<K, Fault> {
        let key = self.key()?;
        Ok(K::named(&key.text()))
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
            return Ok(Quoted { raw: simd::piece(self.text, start, end), is_escaped: false });
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
        if self.peek()? == b'"' { Ok(self.string()?.text()) } else { self.no_text() }
    }

    /// Not inlined: texts are read in many places, and where one is expected there is hardly ever something else.
    #[cold]
    #[inline(never)]
    fn no_text(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.skip()?;
        Ok(Cow::Borrowed(""))
    }

    /// As [`text`](Self::text), for a value that nearly always has so many bytes. The guess is checked in a branch, so
    /// that the processor goes on behind the value without having found its end.
    #[inline(always)]
    pub(crate) fn text_of<const LENGTH: usize>(&mut self) -> Result<Cow<'a, str>, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        if bytes.get(self.at) == Some(&b'"') && simd::string_ends_after::<LENGTH>(bytes, start) {
            self.at = start + LENGTH + 1;
            return Ok(Cow::Borrowed(simd::piece(self.text, start, start + LENGTH)));
        }
        self.unusual_text()
    }

    /// Not inlined, for the same reason as [`unexpected_key`](Self::unexpected_key).
    #[inline(never)]
    fn unusual_text(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.text()
    }

    /// Takes any value; its text if it is a string or a number, else nothing.
    #[inline(always)]
    pub(crate) fn text_or_number(&mut self) -> Result<Cow<'a, str>, Fault> {
        if matches!(self.peek()?, b'-' | b'0'..=b'9') { self.raw().map(Cow::Borrowed) } else { self.text() }
    }

    /// Takes any value; its truth if it is `true` or `false`, or one of these as a string.
    #[inline(always)]
    pub(crate) fn boolean(&mut self) -> Result<Option<bool>, Fault> {
        if self.takes_word("true") {
            return Ok(Some(true));
        }
        if self.takes_word("false") {
            return Ok(Some(false));
        }
        self.unusual_boolean()
    }

    #[cold]
    #[inline(never)]
    fn unusual_boolean(&mut self) -> Result<Option<bool>, Fault> {
        Ok(match self.raw()? {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        })
    }

    /// Takes any value and gives its JSON text; nothing for `null`.
    #[inline(always)]
    pub(crate) fn raw(&mut self) -> Result<&'a str, Fault> {
        if self.takes_word("null") {
            return Ok("");
        }
        self.peek()?;
        let start = self.at;
        self.skip()?;
        let raw = self.since(start);
        Ok(if raw == "null" { "" } else { raw })
    }

    /// Takes any value.
    #[inline(never)]
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_container(),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => self.skip_word(),
            _ => Err(Fault::Syntax("a value was expected")),
        }
    }

    /// Takes exactly this word if it comes next and a comma or brace ends it.
    #[inline(always)]
    fn takes_word(&mut self, word: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_next = rest.starts_with(word.as_bytes()) && matches!(rest.get(word.len()), Some(b',' | b'}'));
        if is_next {
            self.at += word.len();
        }
        is_next
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

    /// Takes the object or array whose bracket comes next.
    #[inline(always)]
    fn skip_container(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        match simd::container_end(bytes, self.at) {
            Ok(end) => {
                self.at = end;
                Ok(())
            }
            Err(endless) => self.endless(endless),
        }
    }

    #[cold]
    fn endless(&mut self, endless: Endless) -> Result<(), Fault> {
        match endless {
            Endless::Cut => {
                self.at = self.text.len();
                Err(Fault::Cut)
            }
            Endless::LineBreak(at) => {
                self.at = at;
                Err(Fault::Syntax("a line break stands inside a string"))
            }
        }
    }
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
