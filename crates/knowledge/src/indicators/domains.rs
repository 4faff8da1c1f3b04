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
    /// The names of all slots, one behind the other: thousands of small allocations would cost more than the look-ups.
    names: String,
    /// Entries of one slot, chained: (entry, scope, the next link or [`NO_LINK`]).
    links: Vec<(u32, Scope, u32)>,
}

/// Everything that is listed under one name.
#[derive(Debug)]
struct Slot {
    /// Where its name lies in `names`.
    start: u32,
    length: u32,
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

impl Slot {
    fn name<'a>(&self, names: &'a str) -> &'a str {
        names.get(self.start as usize..(self.start + self.length) as usize).unwrap_or_default()
    }
}

impl Domains {
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Makes room, which spares moving everything several times.
    pub(crate) fn reserve(&mut self, names: usize) {
        self.table.reserve(names, |slot| HASHER.hash_one(slot.name(&self.names)));
        self.links.reserve(names);
    }

    /// Lists a normalised name; `bits` is `None` for a trusted list.
    pub(crate) fn insert(&mut self, name: &str, scope: Scope, bits: Option<u32>, entry: u32) {
        let Self { table, names, links } = self;
        let hash = HASHER.hash_one(name);
        let found = table.entry(hash, |slot| slot.name(names) == name, |slot| HASHER.hash_one(slot.name(names)));
        let mut occupied = found.or_insert(Slot {
            start: names.len() as u32,
            length: name.len() as u32,
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
        if slot.link == NO_LINK {
            names.push_str(name);
        }
        links.push((entry, scope, slot.link));
        slot.link = links.len() as u32 - 1;
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
        self.table.find(HASHER.hash_one(name), |slot| slot.name(&self.names) == name)
    }
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
