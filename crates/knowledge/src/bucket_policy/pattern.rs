//! The wildcard texts of policies: `*` is any text, `?` any one character, `${…}` a value of the request.

/// Steps spent on one comparison. No ARN of S3 has more than about 1,200 characters, and 2,048 squared is twice that
/// much work; only a policy made to be slow needs more, and gets the answer that leaves its grants standing.
const COMPARISON_STEPS_MAX: usize = 2_048 * 2_048;

/// One step of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token {
    /// Exactly this byte.
    Byte(u8),
    /// Any one character.
    One,
    /// Any text, also none.
    Many,
    /// A policy variable: some text that only the request knows.
    Variable,
}

/// A text with wildcards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
    needs_identity: bool,
}

impl Pattern {
    /// Reads a pattern. `${*}`, `${?}` and `${$}` stand for the character itself.
    pub(super) fn new(text: &str) -> Self {
        let mut pattern = Self { tokens: Vec::with_capacity(text.len()), needs_identity: false };
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            match byte {
                b'*' if pattern.tokens.last() != Some(&Token::Many) => pattern.tokens.push(Token::Many),
                b'*' => {}
                b'?' => pattern.tokens.push(Token::One),
                b'$' if tail.first() == Some(&b'{') => match closing_brace(tail) {
                    Some(end) => {
                        pattern.push_variable(&tail[1..end]);
                        rest = &tail[end + 1..];
                    }
                    None => pattern.tokens.push(Token::Byte(byte)),
                },
                _ => pattern.tokens.push(Token::Byte(byte)),
            }
        }
        pattern
    }

    fn push_variable(&mut self, name: &[u8]) {
        if let [escaped @ (b'*' | b'?' | b'$')] = name {
            self.tokens.push(Token::Byte(*escaped));
            return;
        }
        // `${aws:username, 'nobody'}` has a default, so a request without the key still matches.
        let has_default = name.contains(&b',');
        let of_principal =
            starts_with_ignoring_case(name, b"aws:user") || starts_with_ignoring_case(name, b"aws:princ");
        // `aws:UserAgent` starts like `aws:username`, and everyone sends one.
        let of_agent = starts_with_ignoring_case(name, b"aws:useragent");
        self.needs_identity |= of_principal && !of_agent && !has_default;
        self.tokens.push(Token::Variable);
    }

    /// Whether a variable in it only has a value for requests that are signed.
    pub(super) fn needs_identity(&self) -> bool {
        self.needs_identity
    }

    /// Whether it is more than one fixed text.
    pub(super) fn is_open(&self) -> bool {
        self.tokens.iter().any(|token| !matches!(token, Token::Byte(_)))
    }

    /// Whether every text matches it.
    pub(super) fn is_everything(&self) -> bool {
        self.tokens == [Token::Many]
    }

    /// Whether this text matches. A variable matches no text, because its value is not known.
    pub(super) fn matches(&self, text: &str) -> bool {
        covers(&self.tokens, text.len(), |at| Token::Byte(text.as_bytes()[at]))
    }

    /// Whether every text that `inner` matches surely matches this too.
    ///
    /// Sure, not complete: `?*` is inside `*?`, and this says no. A wrong no leaves a grant standing that a denial took.
    pub(super) fn contains(&self, inner: &Self) -> bool {
        covers(&self.tokens, inner.tokens.len(), |at| inner.tokens[at])
    }

    /// Whether some text may match both. A wrong yes only says that a denial's exception may reach a grant.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (left, right) = (&self.tokens, &other.tokens);
        if left.len().saturating_mul(right.len()) > COMPARISON_STEPS_MAX {
            return true;
        }
        let free = |token: Option<&Token>| matches!(token, Some(Token::Many | Token::Variable));
        // Reachable pairs of positions, one row per position in `left`; every step goes forward in one or both.
        let mut row = vec![false; right.len() + 1];
        row[0] = true;
        for at in 0..=left.len() {
            let mut next = vec![false; right.len() + 1];
            for other_at in 0..=right.len() {
                if !row[other_at] {
                    continue;
                }
                let (ours, theirs) = (left.get(at), right.get(other_at));
                if theirs.is_some() && (free(ours) || free(theirs)) {
                    row[other_at + 1] = true;
                }
                if ours.is_some() && (free(ours) || free(theirs)) {
                    next[other_at] = true;
                }
                let same = match (ours, theirs) {
                    (Some(Token::Byte(left)), Some(Token::Byte(right))) => left == right,
                    (Some(Token::Byte(_) | Token::One), Some(Token::Byte(_) | Token::One)) => true,
                    _ => false,
                };
                if same {
                    next[other_at + 1] = true;
                }
            }
            if at == left.len() {
                return row[right.len()];
            }
            row = next;
        }
        false
    }
}

/// The usual wildcard match, over symbols: a wildcard among the symbols is only matched by one as wide.
fn covers(pattern: &[Token], len: usize, symbol: impl Fn(usize) -> Token) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to take up again after the last `*`: in the pattern, and one symbol further in the text.
    let mut retry: Option<(usize, usize)> = None;
    let mut steps = 0;
    while read < len {
        steps += 1;
        if steps > COMPARISON_STEPS_MAX {
            return false;
        }
        let fits = match (pattern.get(at), symbol(read)) {
            (Some(Token::Many), _) => {
                retry = Some((at + 1, read));
                at += 1;
                continue;
            }
            (Some(Token::Byte(wanted)), Token::Byte(found)) => *wanted == found,
            (Some(Token::One), Token::Byte(_) | Token::One) => true,
            _ => false,
        };
        if fits {
            at += 1;
            read += 1;
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            at = after;
            read = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Many)
}

/// Where a variable ends. None has a name this long, and to look further would take time squared.
fn closing_brace(text: &[u8]) -> Option<usize> {
    const VARIABLE_BYTES_MAX: usize = 256;
    text.iter().take(VARIABLE_BYTES_MAX).position(|&byte| byte == b'}')
}

fn starts_with_ignoring_case(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use proptest::prelude::*;

    fn contains(outer: &str, inner: &str) -> bool {
        Pattern::new(outer).contains(&Pattern::new(inner))
    }

    fn overlaps(left: &str, right: &str) -> bool {
        Pattern::new(left).overlaps(&Pattern::new(right))
    }

    #[test]
    fn a_wider_pattern_contains_a_narrower_one() {
        assert!(contains("bucket/*", "bucket/public/*"));
        assert!(contains("*", "bucket/${aws:username}"));
        assert!(contains("b?cket/*", "bucket/a"));
        assert!(!contains("bucket/public/*", "bucket/*"));
        assert!(!contains("bucket/?", "bucket/*"));
        assert!(!contains("bucket/${aws:username}", "bucket/${aws:username}"), "two requests may differ");
    }

    #[test]
    fn patterns_overlap_when_one_text_matches_both() {
        assert!(overlaps("a*c", "ab*"));
        assert!(overlaps("bucket/${aws:username}/*", "bucket/?*"));
        assert!(!overlaps("bucket/", "bucket/?*"));
        assert!(!overlaps("other/*", "bucket/?*"));
    }

    #[test]
    fn an_escaped_star_is_a_star() {
        assert!(Pattern::new("a${*}").matches("a*"));
        assert!(!Pattern::new("a${*}").matches("ab"));
        assert!(!Pattern::new("a${*}").is_open());
    }

    proptest! {
        #[test]
        fn what_is_contained_matches_both(outer in "[ab*?]{0,8}", inner in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (outer, inner) = (Pattern::new(&outer), Pattern::new(&inner));
            if outer.contains(&inner) && inner.matches(&text) {
                prop_assert!(outer.matches(&text));
            }
            if outer.matches(&text) && inner.matches(&text) {
                prop_assert!(outer.overlaps(&inner));
            }
        }
    }
}
