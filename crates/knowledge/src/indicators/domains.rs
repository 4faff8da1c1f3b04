//! Names by the hash of each suffix.

use super::label::Shape;
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use std::borrow::Cow;
use std::hash::BuildHasher;

/// A fixed seed: the same lists must give the same structure everywhere. Names come from lists that the operator
/// chose, so nobody gains from colliding hashes.
const HASHER: FixedState = FixedState::with_seed(0x7761_7463_6866_6972);

/// Listed names and wildcards. A million names of twenty letters take some 40 MB.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    /// Numbers of names, by their hash.
    table: HashTable<u32>,
    /// The names one behind the other: a million small allocations would cost more than the look-ups.
    names: String,
    /// Where each name begins in `names`; it ends where the next one begins.
    starts: Vec<u32>,
    /// What is listed under each name: the first link of a chain.
    chains: Vec<u32>,
    /// Chains are shared by all names of which the lists say the same, so there are few links.
    links: Vec<Link>,
    /// The link of each label and next link, while lists are added.
    shared: HashMap<(u32, u32), u32, FixedState>,
}

/// One label of a name, and the rest of its chain.
#[derive(Debug)]
struct Link {
    label: u32,
    shape: Shape,
    next: u32,
    /// Kinds of the chain from here on: those that cover the name itself, and those that cover what lies below it.
    exact: Kinds,
    below: Kinds,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kinds {
    bits: u32,
    trusted: bool,
}

const NO_LINK: u32 = u32::MAX;

impl Domains {
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Makes room for so many names of so many bytes together, which spares moving everything several times.
    pub(crate) fn reserve(&mut self, names: usize, bytes: usize) {
        let Self { table, names: text, starts, .. } = self;
        table.reserve(names, |&number| HASHER.hash_one(name_at(text, starts, number)));
        self.names.reserve_exact(bytes);
        self.starts.reserve_exact(names);
        self.chains.reserve_exact(names);
    }

    /// Lists a normalised name; `bits` is `None` for a trusted list.
    pub(crate) fn insert(&mut self, name: &str, shape: Shape, bits: Option<u32>, label: u32) {
        let Self { table, names, starts, chains, .. } = self;
        let hash = HASHER.hash_one(name);
        let found = table.find(hash, |&number| name_at(names, starts, number) == name).copied();
        let number = found.unwrap_or_else(|| {
            let number = starts.len() as u32;
            starts.push(names.len() as u32);
            names.push_str(name);
            chains.push(NO_LINK);
            table.insert_unique(hash, number, |&number| HASHER.hash_one(name_at(names, starts, number)));
            number
        });
        let next = self.chains[number as usize];
        // A list that repeats a line says nothing new.
        if self.links.get(next as usize).is_none_or(|link| link.label != label) {
            self.chains[number as usize] = self.link(label, shape, bits, next);
        }
    }

    /// Gives up what only adding needs.
    pub(crate) fn finish(&mut self) {
        self.shared = HashMap::default();
        self.names.shrink_to_fit();
        self.links.shrink_to_fit();
        // Names that several lists have were counted several times.
        self.starts.shrink_to_fit();
        self.chains.shrink_to_fit();
        let Self { table, names, starts, .. } = self;
        table.shrink_to_fit(|&number| HASHER.hash_one(name_at(names, starts, number)));
    }

    fn link(&mut self, label: u32, shape: Shape, bits: Option<u32>, next: u32) -> u32 {
        if let Some(&link) = self.shared.get(&(label, next)) {
            return link;
        }
        let (mut exact, mut below) =
            self.links.get(next as usize).map(|link| (link.exact, link.below)).unwrap_or_default();
        for (kinds, covered) in [(&mut exact, shape != Shape::Below), (&mut below, shape != Shape::Exact)] {
            if covered {
                kinds.bits |= bits.unwrap_or(0);
                kinds.trusted |= bits.is_none();
            }
        }
        let number = self.links.len() as u32;
        self.links.push(Link { label, shape, next, exact, below });
        self.shared.insert((label, next), number);
        number
    }

    /// The kinds that cover a normalised name; 0 if trusted.
    pub(crate) fn kinds(&self, name: &str) -> u32 {
        let mut bits = 0;
        for (suffix, is_whole) in suffixes(name) {
            if let Some(link) = self.chain(suffix) {
                let kinds = if is_whole { link.exact } else { link.below };
                if kinds.trusted {
                    return 0;
                }
                bits |= kinds.bits;
            }
        }
        bits
    }

    /// The labels that cover a normalised name, trusted ones too, in no particular order, each with the name that is
    /// listed.
    pub(crate) fn covering<'a>(&self, name: &'a str) -> Vec<(u32, &'a str)> {
        let mut labels = Vec::new();
        for (suffix, is_whole) in suffixes(name) {
            let mut next = self.chain(suffix);
            while let Some(link) = next {
                if link.shape == Shape::ExactAndBelow || (link.shape == Shape::Exact) == is_whole {
                    labels.push((link.label, suffix));
                }
                next = self.links.get(link.next as usize);
            }
        }
        labels
    }

    fn chain(&self, name: &str) -> Option<&Link> {
        let Self { table, names, starts, .. } = self;
        let number = table.find(HASHER.hash_one(name), |&number| name_at(names, starts, number) == name)?;
        self.links.get(*self.chains.get(*number as usize)? as usize)
    }
}

fn name_at<'a>(names: &'a str, starts: &[u32], number: u32) -> &'a str {
    let at = number as usize;
    let end = starts.get(at + 1).map_or(names.len(), |&end| end as usize);
    starts.get(at).and_then(|&start| names.get(start as usize..end)).unwrap_or_default()
}

/// The name, then each parent of at least two labels: lists hold no shorter ones. The flag marks the name itself.
fn suffixes(name: &str) -> impl Iterator<Item = (&str, bool)> {
    let bytes = name.as_bytes();
    let last_dot = bytes.iter().rposition(|&byte| byte == b'.').unwrap_or(0);
    let dots = bytes[..last_dot].iter().enumerate().filter(|&(_, &byte)| byte == b'.');
    std::iter::once((name, true)).chain(dots.map(|(dot, _)| (&name[dot + 1..], false)))
}

/// Lower-case ASCII without the trailing dot; names in other scripts become punycode.
///
/// A name that has no such form is only lower-cased: it cannot match, and no look-up may fail.
pub(crate) fn normalise(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    // Without an early end the compiler looks at many bytes at once.
    if name.bytes().fold(true, |normal, byte| normal & byte.is_ascii() & !byte.is_ascii_uppercase()) {
        Cow::Borrowed(name)
    } else if name.is_ascii() {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        let ascii = idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_lowercase());
        // IDNA knows other full stops, so a trailing one may appear only now.
        Cow::Owned(match ascii.strip_suffix('.') {
            Some(stripped) => stripped.to_owned(),
            None => ascii,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::normalise;
    use std::borrow::Cow;

    #[test]
    fn the_common_name_is_not_copied() {
        assert!(matches!(normalise("_dns.example.com."), Cow::Borrowed("_dns.example.com")));
    }

    #[test]
    fn spellings_of_one_name_become_one() {
        assert_eq!(normalise("WWW.Example.COM."), "www.example.com");
        assert_eq!(normalise("Bücher.example"), "xn--bcher-kva.example");
        assert_eq!(normalise("xn--BCHER-kva.example"), "xn--bcher-kva.example");
        assert_eq!(normalise("bücher。example。"), "xn--bcher-kva.example");
    }
}
