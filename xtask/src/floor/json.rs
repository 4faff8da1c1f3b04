//! A cursor over JSON as AWS writes it: well formed and without white space. It finds what is asked for and checks
//! nothing else.
//!
//! Promises: any bytes lead to an end. What a text of another form projects to is not said.
//!
//! What costs time here is not the work but waiting: where the next field begins is known only when the end of this
//! one is. So wherever a length can be guessed, from the key that stands here or from what such values always are, the
//! guess is checked in a branch. The processor goes on with it and does not wait.

use super::simd::{Text, container_end, string_end, string_ends_after};

/// A place in a JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    /// The text it is in.
    pub(crate) text: Text<'a>,
    /// The position of the next byte.
    pub(crate) at: usize,
}

/// The first eight bytes of a quoted key, as [`Cursor::key_start`] reads them.
pub(crate) const fn start(quoted_key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let mut at = 0;
    while at < 8 {
        bytes[at] = quoted_key[at];
        at += 1;
    }
    u64::from_le_bytes(bytes)
}

impl<'a> Cursor<'a> {
    /// Goes past `byte` if it is the next one.
    #[inline(always)]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.text.byte(self.at) == byte;
        if is_next {
            self.at += 1;
        }
        is_next
    }

    /// The first eight bytes of the next key with its quote; nothing, with the cursor behind the object, after the last.
    #[inline(always)]
    pub(crate) fn key_start(&mut self) -> Option<u64> {
        self.eat(b',');
        if self.text.byte(self.at) != b'"' {
            self.at += 1; // the closing brace
            return None;
        }
        Some(self.text.word(self.at))
    }

    /// Goes past `key`, which has its quotes and the colon, if it is the next one.
    #[inline(always)]
    pub(crate) fn eat_key<const N: usize>(&mut self, key: &[u8; N]) -> bool {
        let is_next = self.text.array::<N>(self.at) == key;
        if is_next {
            self.at += N;
        }
        is_next
    }

    /// Goes past a key that nobody asked for, and its value.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn skip_field(&mut self) {
        self.at = string_end(self.text, self.at + 1) + 2;
        self.skip();
    }

    /// The text of the next value if it is a string, without its quotes and with its escapes; empty for other values.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn string(&mut self) -> &'a [u8] {
        if self.text.byte(self.at) != b'"' {
            self.skip();
            return &[];
        }
        let start = self.at + 1;
        let end = string_end(self.text, start);
        self.at = end + 1;
        self.text.slice(start, end)
    }

    /// As [`string`](Self::string), for a value that nearly always has `usual` bytes, fewer than 64.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn string_of(&mut self, usual: usize) -> &'a [u8] {
        let start = self.at + 1;
        if self.text.byte(self.at) == b'"' && string_ends_after(self.text, start, usual) {
            self.at = start + usual + 1;
            return self.text.slice(start, start + usual);
        }
        self.unusual_string()
    }

    /// Not inlined, or the compiler would see that both ways lead to the same end, and wait for it.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[cold]
    #[inline(never)]
    fn unusual_string(&mut self) -> &'a [u8] {
        self.string()
    }

    /// The whole next value as JSON.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn value(&mut self) -> &'a [u8] {
        let start = self.at;
        if self.text.array(start) == b"null" {
            self.at += 4;
            return self.text.slice(start, start + 4);
        }
        self.skip();
        self.text.slice(start, self.at)
    }

    /// Goes past the next value.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn skip(&mut self) {
        match self.text.byte(self.at) {
            b'"' => self.at = string_end(self.text, self.at + 1) + 1,
            b'{' | b'[' => self.at = container_end(self.text, self.at + 1),
            _ => {
                // A number, `true`, `false` or `null`; at least one byte, so that any text comes to an end.
                self.at += 1;
                while !matches!(self.text.byte(self.at), 0..=b' ' | b',' | b'}' | b']') {
                    self.at += 1;
                }
            }
        }
    }
}
