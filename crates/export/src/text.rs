//! Text for a terminal or a pipe: made harmless, measured in columns, cut and wrapped.
//!
//! Names in logs are chosen by attackers. Nothing of a log reaches a terminal before [`harmless`] has seen it.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// The columns that every text of this crate keeps to.
pub const TEXT_WIDTH: usize = 100;

/// Marks on one letter beyond which they are written out: natural languages stack two, vandals stack dozens, which
/// spill over the neighbouring lines.
const STACKED_MARKS_MAX: usize = 2;

/// The text with everything written out (`\u{1b}`) that a terminal would obey or not show: control characters, escapes,
/// changes of direction, invisible characters, line breaks.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut marks = 0;
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        marks = if character.width() == Some(0) { marks + 1 } else { 0 };
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_treacherous(character) || marks > STACKED_MARKS_MAX => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' // Zero width, and marks of direction.
            | '\u{2028}'..='\u{202e}' // Line separators, embeddings and overrides of direction.
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' // Tags and variation selectors.
        )
}

/// The columns this text takes. Letter by letter, as terminals count, so that cut pieces add up to the whole.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// The text, cut in the middle where it takes more columns than that: names differ at both ends.
pub(crate) fn cut_middle(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let Some(room) = columns_max.checked_sub(1) else { return String::new() };
    let head = fitting(text.chars(), room.div_ceil(2));
    let tail: String = fitting(text.chars().rev(), room / 2);
    let tail: String = tail.chars().rev().collect();
    format!("{head}…{tail}")
}

fn fitting(characters: impl Iterator<Item = char>, columns_max: usize) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= columns_max
    };
    characters.take_while(fits).collect()
}

/// The text, filled with spaces to so many columns.
pub(crate) fn pad(text: &str, to: usize) -> String {
    let missing = to.saturating_sub(columns(text));
    format!("{text}{:missing$}", "")
}

/// The text in lines of at most so many columns, broken between words, and within a word only if it is longer than a line.
pub(crate) fn wrap(text: &str, columns_max: usize) -> Vec<String> {
    let columns_max = columns_max.max(2); // The widest character takes two.
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let space = usize::from(!line.is_empty());
        if columns(&line) + space + columns(word) <= columns_max {
            line.extend(std::iter::repeat_n(' ', space));
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut pieces = chop(word, columns_max);
        line = pieces.pop().unwrap_or_default();
        lines.append(&mut pieces);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The text in pieces of at most so many columns, whatever stands at the border.
pub(crate) fn chop(text: &str, columns_max: usize) -> Vec<String> {
    let columns_max = columns_max.max(2);
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if used + width > columns_max {
            pieces.push(String::new());
            used = 0;
        }
        used += width;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

/// `1 finding`, `2 findings`, `1,234 findings`.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How a piece of text looks where colours are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ink {
    Bold,
    Dim,
    Cyan,
    Yellow,
    Red,
    Magenta,
}

/// The text in that ink, or as it is.
pub(crate) fn paint(text: &str, ink: Ink, colour: bool) -> String {
    if !colour || text.is_empty() {
        return text.to_owned();
    }
    let code = match ink {
        Ink::Bold => "1",
        Ink::Dim => "2",
        Ink::Cyan => "36",
        Ink::Yellow => "33",
        Ink::Red => "1;31",
        Ink::Magenta => "1;35",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// The text in lines of so many columns, harmless for a terminal.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    wrap(&harmless(text), width)
}

/// A name and its value side by side, the value wrapped in its own column.
pub fn wrapped_field(name: &str, value: &str) -> String {
    const NAME_COLUMNS: usize = 14;
    let lines = wrap(value, TEXT_WIDTH - NAME_COLUMNS);
    let heads = std::iter::once(name).chain(std::iter::repeat(""));
    let lines = lines.iter().zip(heads).map(|(line, head)| format!("{head:<NAME_COLUMNS$}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(harmless("plain name"), "plain name");
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\u{9b}31m"), "a\\u{1b}[2Jb\\r\\n\\u{9b}31m");
        assert_eq!(harmless("safe\u{202e}txt.exe"), "safe\\u{202e}txt.exe");
        assert_eq!(harmless("ad\u{200b}min"), "ad\\u{200b}min");
        assert_eq!(harmless("José 名前"), "José 名前");
    }

    #[test]
    fn stacked_marks_are_written_out_and_accents_are_not() {
        assert_eq!(harmless("e\u{301}"), "e\u{301}");
        assert_eq!(harmless("e\u{301}\u{301}\u{301}"), "e\u{301}\u{301}\\u{301}");
    }

    #[test]
    fn a_long_name_is_cut_in_the_middle() {
        assert_eq!(cut_middle("abcdefghij", 10), "abcdefghij");
        assert_eq!(cut_middle("abcdefghij", 6), "abc…ij");
        assert_eq!(cut_middle("名前名前名前", 6), "名…前");
        assert_eq!(cut_middle("abc", 0), "");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 10), [""; 0]);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(12_000, "file"), "12,000 files");
    }

    proptest! {
        #[test]
        fn any_text_becomes_harmless_and_fits(text in any::<String>(), width in 2usize..40) {
            let text = harmless(&text).into_owned();
            prop_assert!(!text.chars().any(is_treacherous));
            prop_assert!(columns(&cut_middle(&text, width)) <= width);
            for line in wrap(&text, width).iter().chain(&chop(&text, width)) {
                prop_assert!(columns(line) <= width, "{line:?}");
            }
        }
    }
}
