//! Names by the hash of each suffix.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// A fixed seed: the same lists must give the same structure everywhere. Names come from lists that the operator
/// chose, so nobody gains from colliding hashes.
const HASHER: FixedState = FixedState::with_seed(0x7761_7463_6866_6972);

/// Listed names and wildcards.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    table: HashTable<Slot>,
    /// Entries of one slot, chained: (entry, scope, the next link or [`NO_LINK`]).
    links: Vec<(u32, Scope, u32)>,
}

/// Everything that is listed under one name.
#[derive(Debug)]
struct Slot {
    name: Box<str>,
    /// Kinds that cover the name itself, and kinds that cover what lies below it.
    exact: Kinds,
    below: Kinds,
    link: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kinds {
    bits: u32,
    trusted: bool,
}

/// Which names an entry covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    /// The name alone.
    Exact,
    /// The name and everything below.
    ExactAndBelow,
    /// Everything below, but not the name.
    Below,
}

const NO_LINK: u32 = u32::MAX;

impl Domains {
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Lists a normalised name; `bits` is `None` for a trusted list.
    pub(crate) fn insert(&mut self, name: &str, scope: Scope, bits: Option<u32>, entry: u32) {
        let hash = HASHER.hash_one(name);
        let found = self.table.entry(hash, |slot| &*slot.name == name, |slot| HASHER.hash_one(&*slot.name));
        let mut occupied = found.or_insert_with(|| Slot {
            name: name.into(),
            exact: Kinds::default(),
            below: Kinds::default(),
            link: NO_LINK,
        });
        let slot = occupied.get_mut();
        for (kinds, covered) in [(&mut slot.exact, scope != Scope::Below), (&mut slot.below, scope != Scope::Exact)] {
            if covered {
                kinds.bits |= bits.unwrap_or(0);
                kinds.trusted |= bits.is_none();
            }
        }
        self.links.push((entry, scope, slot.link));
        slot.link = self.links.len() as u32 - 1;
    }

    /// The kinds that cover a normalised name; 0 if trusted.
    pub(crate) fn kinds(&self, name: &str) -> u32 {
        let mut bits = 0;
        for (suffix, is_whole) in suffixes(name) {
            if let Some(slot) = self.slot(suffix) {
                let kinds = if is_whole { slot.exact } else { slot.below };
                if kinds.trusted {
                    return 0;
                }
                bits |= kinds.bits;
            }
        }
        bits
    }

    /// The entries that cover a normalised name, trusted ones too, in no particular order.
    pub(crate) fn covering(&self, name: &str) -> Vec<u32> {
        let mut entries = Vec::new();
        for (suffix, is_whole) in suffixes(name) {
            let mut link = self.slot(suffix).map_or(NO_LINK, |slot| slot.link);
            while let Some(&(entry, scope, next)) = self.links.get(link as usize) {
                if scope == Scope::ExactAndBelow || (scope == Scope::Exact) == is_whole {
                    entries.push(entry);
                }
                link = next;
            }
        }
        entries
    }

    fn slot(&self, name: &str) -> Option<&Slot> {
        self.table.find(HASHER.hash_one(name), |slot| &*slot.name == name)
    }
}

/// The name, then each parent of at least two labels: lists hold no shorter ones. The flag marks the name itself.
fn suffixes(name: &str) -> impl Iterator<Item = (&str, bool)> {
    let parents = std::iter::successors(name.split_once('.'), |(_, parent)| parent.split_once('.'));
    std::iter::once((name, true))
        .chain(parents.map(|(_, parent)| (parent, false)).filter(|(parent, _)| parent.contains('.')))
}

/// Lower-case ASCII without the trailing dot; names in other scripts become punycode.
///
/// A name that has no such form is only lower-cased: it cannot match, and no look-up may fail.
pub(crate) fn normalise(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
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
