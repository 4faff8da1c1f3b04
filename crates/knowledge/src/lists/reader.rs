//! A list that comes in pieces.

use super::txt::LineReader;
use super::{BINARY_HEAD_BYTES, ListFormat, ReadList, is_binary, read, recognise, without_mark};
use crate::indicators::IndicatorList;

/// How many bytes are looked at first to tell the form; twice as many each time that they do not show it.
const HEAD_BYTES: usize = 64 << 10;

/// Reads a list piece by piece, with the result of [`read`].
///
/// Text, the form of the largest lists, is read as it comes, so that ten million lines are never in memory together. Of any
/// other form the pieces are kept until the end.
pub struct ListReader<'a> {
    format: Option<&'a ListFormat>,
    defaults: &'a IndicatorList,
    state: State,
}

enum State {
    /// The form does not show yet; the next look when there are so many bytes.
    Beginning(Vec<u8>, usize),
    Lines(Box<LineReader>),
    Whole(Vec<u8>),
}

impl<'a> ListReader<'a> {
    /// A list of which nothing came yet. As for [`read`], `format` is what the user says the form is.
    pub fn new(format: Option<&'a ListFormat>, defaults: &'a IndicatorList) -> Self {
        Self::with_head(HEAD_BYTES, format, defaults)
    }

    fn with_head(bytes: usize, format: Option<&'a ListFormat>, defaults: &'a IndicatorList) -> Self {
        Self { format, defaults, state: State::Beginning(Vec::new(), bytes.max(BINARY_HEAD_BYTES)) }
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, piece: &[u8]) {
        match &mut self.state {
            State::Lines(lines) => lines.feed(piece),
            State::Whole(bytes) => bytes.extend_from_slice(piece),
            State::Beginning(bytes, wanted) => {
                bytes.extend_from_slice(piece);
                if bytes.len() >= *wanted {
                    let bytes = std::mem::take(bytes);
                    self.state = self.decide(bytes);
                }
            }
        }
    }

    /// The list, once all of the file was fed.
    pub fn finish(self) -> ReadList {
        match self.state {
            State::Lines(lines) => super::finished(lines.finish()),
            State::Whole(bytes) | State::Beginning(bytes, _) => read(&bytes, self.format, self.defaults),
        }
    }

    fn decide(&self, bytes: Vec<u8>) -> State {
        let is_text = match self.format {
            _ if is_binary(without_mark(&bytes)) => false, // Or UTF-16.
            _ if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) => false,
            Some(format) => *format == ListFormat::Txt,
            None => match whole_lines(&bytes) {
                Some(head) => recognise(head) == ListFormat::Txt,
                None if is_document(&bytes) => false,
                None => {
                    let wanted = bytes.len() * 2;
                    return State::Beginning(bytes, wanted);
                }
            },
        };
        if !is_text {
            return State::Whole(bytes);
        }
        let mut lines = Box::new(LineReader::new(self.defaults));
        lines.feed(without_mark(&bytes));
        State::Lines(lines)
    }
}

/// The lines that are whole, if they hold one that is neither blank nor a comment: by then the form shows.
fn whole_lines(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..memchr::memrchr(b'\n', bytes)?];
    let is_row = |line: &[u8]| !matches!(line.trim_ascii_start().first(), None | Some(b'#' | b';'));
    (!is_document(head) && without_mark(head).split(|&byte| byte == b'\n').any(is_row)).then_some(head)
}

/// Whether it begins as XML or JSON does.
fn is_document(bytes: &[u8]) -> bool {
    matches!(without_mark(bytes).trim_ascii_start().first(), Some(b'<' | b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::ListReader;
    use crate::indicators::IndicatorList;
    use crate::lists::{ListFormat, read};
    use proptest::prelude::*;
    use watchfire_model::ListKind;

    fn check(content: &[u8], format: Option<&ListFormat>, head: usize, piece: usize) {
        let defaults = IndicatorList::new("file", ListKind::C2);
        let mut reader = ListReader::with_head(head, format, &defaults);
        content.chunks(piece).for_each(|piece| reader.feed(piece));
        assert_eq!(reader.finish(), read(content, format, &defaults), "{}", content.escape_ascii());
    }

    #[test]
    fn a_list_in_pieces_is_the_list() {
        for text in [
            "# name: ours\n# kind: scanner\n\n198.51.100.7\r\nexample.com # Emotet\n0.0.0.0/0\n9.1.2.3",
            "# first_seen,ip\n2026-01-01,198.51.100.7\n2026-01-02,198.51.100.8\n",
            "# only\n# comments\n",
            "Indicator type,Indicator,Description\nIPv4,198.51.100.7,x\n",
            "{\"list\": [\"198.51.100.7\"], \"type\": \"cidr\"}\n",
            "<stix/>\n198.51.100.7\n",
            "\u{feff}198.51.100.7\n\u{feff}198.51.100.8\n",
            "\u{feff}\u{feff}198.51.100.7\n198.51.100.8\n",
            "\u{feff}\u{feff}\nexample.com ; y# a,ip\n",
            "\u{feff}\u{feff}first_seen,ip\n2026-01-01,198.51.100.7\n",
            "\n\n\n198.51.100.7",
            "",
        ] {
            let text = text.repeat(40);
            for (head, piece) in [(1, 1), (1, 7), (600, 3), (1000, 100)] {
                check(text.as_bytes(), None, head, piece);
                check(text.as_bytes(), Some(&ListFormat::Txt), head, piece);
            }
            let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            check(&[&[0xfe, 0xff], &*utf16].concat(), None, 9, 5);
        }
    }

    proptest! {
        #[test]
        fn any_pieces_of_any_list_are_the_list(
            parts in proptest::collection::vec(prop_oneof![
                "[ -~]{0,6}".prop_map(String::into_bytes),
                Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"198.51.100.7\n".to_vec()), Just(b"# a,ip\n".to_vec()),
                Just(b"\xef\xbb\xbf".to_vec()), Just(b"\xc3".to_vec()), Just(b"x.example.com ; y".to_vec()), Just(vec![0]),
            ], 0..30),
            times in 1usize..100,
            head in 1usize..2000,
            piece in 1usize..400,
            is_named in any::<bool>(),
        ) {
            check(&parts.concat().repeat(times), is_named.then_some(&ListFormat::Txt), head, piece);
        }
    }
}
