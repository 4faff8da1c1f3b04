//! The part of STIX's pattern language that lists consist of: comparisons with constants, joined by OR.
//!
//! ```text
//! [ipv4-addr:value = '198.51.100.7' OR domain-name:value IN ('a.example', 'b.example')] OR [file:hashes.'SHA-256' = '…']
//! ```
//!
//! Everything else is refused with its reason rather than taken for more than it says. One pass, without recursion.

use crate::lists::EntryError;

/// Bytes of a pattern: its parts take up to sixty times as much. One that lists ten thousand addresses has 200 KB.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What the pattern names: values, and the comparisons among them that are of no use here.
pub(super) fn values(pattern: &str) -> Result<Vec<Result<String, EntryError>>, EntryError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(EntryError::PatternTooLong);
    }
    let tokens = tokens(pattern).ok_or(EntryError::Pattern)?;
    if tokens.iter().any(|token| token.is_word("AND") || token.is_word("FOLLOWEDBY")) {
        return Err(EntryError::Conjunction);
    }
    if tokens.iter().any(|token| token.is_word("NOT")) {
        return Err(EntryError::Comparison);
    }
    let mut values = Vec::new();
    let (mut depth, mut at) = (0i64, 0);
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            Token::Mark('[') => depth += 1,
            Token::Mark(']') => depth -= 1,
            // Parentheses only group, and what is grouped is joined by OR alone.
            Token::Mark('(' | ')') => {}
            word if word.is_word("OR") => {}
            Token::Word(path) if depth == 1 => at = comparison(path, &tokens, at, &mut values)?,
            _ => return Err(EntryError::Pattern),
        }
    }
    if depth == 0 && !values.is_empty() { Ok(values) } else { Err(EntryError::Pattern) }
}

/// Reads an operator and its constants, and says where the next token is.
fn comparison(
    path: &str,
    tokens: &[Token],
    mut at: usize,
    values: &mut Vec<Result<String, EntryError>>,
) -> Result<usize, EntryError> {
    let operator = tokens.get(at).ok_or(EntryError::Pattern)?;
    let mut constants = Vec::new();
    if operator.is_word("IN") {
        if tokens.get(at + 1) != Some(&Token::Mark('(')) {
            return Err(EntryError::Pattern);
        }
        at += 2;
        while let Some(Token::Text(text)) = tokens.get(at) {
            constants.push(text);
            at += 1;
            if tokens.get(at) == Some(&Token::Mark(',')) {
                at += 1;
            }
        }
        if tokens.get(at) != Some(&Token::Mark(')')) {
            return Err(EntryError::Pattern);
        }
    } else if matches!(operator, Token::Operator(operator) if operator == "=" || operator == "==")
        || operator.is_word("ISSUBSET")
    {
        at += 1;
        let Some(Token::Text(text)) = tokens.get(at) else { return Err(EntryError::Pattern) };
        constants.push(text);
    } else {
        return Err(EntryError::Comparison);
    }
    let is_matched = is_matched(path);
    values.extend(
        constants.into_iter().map(|text| if is_matched { Ok(text.clone()) } else { Err(EntryError::ObjectKind) }),
    );
    Ok(at + 1)
}

/// Whether we can match what this path points to.
fn is_matched(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace(['\'', '"'], "");
    matches!(
        path.as_str(),
        "ipv4-addr:value"
            | "ipv6-addr:value"
            | "domain-name:value"
            | "url:value"
            | "file:hashes.sha-256"
            | "file:hashes.sha256"
            | "network-traffic:dst_ref.value"
            | "network-traffic:src_ref.value"
    )
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A bracket, a parenthesis or a comma.
    Mark(char),
    /// `=`, `!=`, `<` and so on.
    Operator(String),
    /// A keyword, a path, a number.
    Word(String),
    /// What stands in single quotes.
    Text(String),
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found.eq_ignore_ascii_case(word))
    }
}

/// The tokens of a pattern; `None` if a quote is left open or a character has no place in one.
fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '[' | ']' | '(' | ')' | ',' => tokens.push(Token::Mark(letter)),
            '\'' => tokens.push(Token::Text(quoted(&mut letters)?)),
            '=' | '!' | '<' | '>' => {
                let mut operator = String::from(letter);
                operator.extend(std::iter::from_fn(|| letters.next_if(|next| matches!(next, '=' | '>'))));
                tokens.push(Token::Operator(operator));
            }
            letter if letter.is_alphanumeric() => tokens.push(Token::Word(word(letter, &mut letters)?)),
            _ => return None,
        }
    }
    Some(tokens)
}

/// The rest of a word. A path may quote its parts: `file:hashes.'SHA-256'`.
fn word(first: char, letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut word = String::from(first);
    while let Some(&next) = letters.peek() {
        match next {
            '\'' | '"' if word.ends_with(['.', ':', '[']) => {
                letters.next();
                loop {
                    match letters.next()? {
                        end if end == next => break,
                        letter => word.push(letter),
                    }
                }
            }
            next if next.is_alphanumeric() || matches!(next, ':' | '.' | '-' | '_') => {
                word.push(next);
                letters.next();
            }
            _ => break,
        }
    }
    Some(word)
}

/// The rest of a text in quotes, in which `\` takes the next character as it is.
fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\'' => return Some(text),
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::values;
    use crate::lists::EntryError;
    use proptest::prelude::*;

    fn check(pattern: &str, expected: &[&str]) {
        let found = values(pattern).unwrap_or_else(|reason| panic!("{pattern}: {reason}"));
        assert_eq!(found, expected.iter().map(|&value| Ok(value.to_owned())).collect::<Vec<_>>(), "{pattern}");
    }

    #[test]
    fn comparisons_joined_by_or_are_as_many_entries() {
        check("[ipv4-addr:value = '198.51.100.7']", &["198.51.100.7"]);
        check(
            "[ ipv4-addr:value='198.51.100.0/24'OR ipv6-addr:value = '2001:db8::1' ]",
            &["198.51.100.0/24", "2001:db8::1"],
        );
        check("[domain-name:value IN ('a.example.com', 'b.example.com')]", &["a.example.com", "b.example.com"]);
        check(
            "([url:value = 'http://a.example.com/']) OR [domain-name:value = 'b.example.com']",
            &["http://a.example.com/", "b.example.com"],
        );
        check("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", &["198.51.100.0/24"]);
    }

    #[test]
    fn a_pattern_that_is_made_to_take_memory_is_refused() {
        let pattern = format!("[{}", "(".repeat(super::PATTERN_BYTES_MAX));
        assert_eq!(values(&pattern), Err(EntryError::PatternTooLong));
        assert_eq!(values(&pattern[1..]), Err(EntryError::Pattern));
    }

    #[test]
    fn digests_are_named_in_several_ways() {
        for path in ["file:hashes.'SHA-256'", "file:hashes.\"SHA-256\"", "file:hashes.SHA256", "file:hashes.'sha256'"] {
            check(&format!("[{path} = 'ab']"), &["ab"]);
        }
    }

    #[test]
    fn quotes_inside_texts_are_escaped() {
        check(r"[domain-name:value = 'it\'s\\']", &[r"it's\"]);
        check("[domain-name:value = 'a OR b AND c']", &["a OR b AND c"]);
    }

    #[test]
    fn what_says_more_than_a_list_can_is_refused() {
        for (pattern, reason) in [
            ("[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 443]", EntryError::Conjunction),
            (
                "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [domain-name:value = 'a.example']",
                EntryError::Conjunction,
            ),
            ("[NOT ipv4-addr:value = '198.51.100.7']", EntryError::Comparison),
            ("[ipv4-addr:value != '198.51.100.7']", EntryError::Comparison),
            ("[domain-name:value LIKE '%.example']", EntryError::Comparison),
            ("[ipv4-addr:value = '198.51.100.7'] WITHIN 5 SECONDS", EntryError::Pattern),
            ("[ipv4-addr:value = '198.51.100.7", EntryError::Pattern),
            ("ipv4-addr:value = '198.51.100.7'", EntryError::Pattern),
            ("[[ipv4-addr:value = '198.51.100.7']]", EntryError::Pattern),
            ("[ipv4-addr:value = '198.51.100.7'", EntryError::Pattern),
            ("[]", EntryError::Pattern),
            ("", EntryError::Pattern),
        ] {
            assert_eq!(values(pattern), Err(reason), "{pattern}");
        }
        assert_eq!(values("[mutex:name = 'x']"), Ok(vec![Err(EntryError::ObjectKind)]));
    }

    proptest! {
        #[test]
        fn any_pattern_is_answered(pattern in "(\\[|\\]|\\(|\\)|'|\\\\|=| OR | AND | IN |ipv4-addr:value|.){0,40}") {
            let _ = values(&pattern);
        }
    }
}
