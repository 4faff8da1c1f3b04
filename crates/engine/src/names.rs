//! What follows from the names that queries ask for: found once, for the lists and for the sums.

use std::borrow::Cow;
use std::hash::BuildHasher;
use watchfire_detections::tally::QueryTally;
use watchfire_knowledge::Knowledge;

/// What follows from a name, whoever asks for it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Name {
    /// A hash of its normal form: [`QueryTally::name_hash`].
    pub(crate) hash: u64,
    /// The same of its registered domain, or of the whole name where there is none above it.
    pub(crate) domain_hash: u64,
    /// Kinds of the lists that cover it.
    pub(crate) kinds: u32,
    /// How many bytes of its normal form are the domain; 0: all.
    domain_length: u16,
    /// Whether it is written in its normal form, but for a final dot.
    is_normal: bool,
}

impl Name {
    fn of(name: &str, knowledge: &Knowledge) -> Self {
        let normal = normal_name(name);
        let domain = knowledge.registered_domain(&normal);
        let domain_length = u16::try_from(domain.len()).unwrap_or(0);
        let hash = QueryTally::name_hash(&normal);
        Self {
            hash,
            domain_hash: if domain_length == 0 { hash } else { QueryTally::name_hash(domain) },
            kinds: knowledge.domain_kinds(name),
            domain_length,
            is_normal: matches!(normal, Cow::Borrowed(_)),
        }
    }

    /// The normal form of this name.
    #[inline]
    pub(crate) fn normal<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.is_normal { Cow::Borrowed(name.strip_suffix('.').unwrap_or(name)) } else { normal_name(name) }
    }

    /// The registered domain of this normal form, the whole where there is none above it.
    #[inline]
    pub(crate) fn domain<'n>(&self, normal: &'n str) -> &'n str {
        match self.domain_length {
            0 => normal,
            length => normal.len().checked_sub(length.into()).and_then(|begin| normal.get(begin..)).unwrap_or(normal),
        }
    }
}

/// The last answers by name: most queries ask for what was asked before, and to look through the lists and the public
/// suffixes for each of its labels takes ten times as long.
pub(crate) struct Names {
    /// Hash of the name as it is written, and what follows from it.
    slots: Box<[(u64, Name)]>,
    /// Seeds of this process: nobody can make a listed name look like a harmless one.
    hasher: foldhash::quality::RandomState,
    /// The last name: it is mostly asked for twice, for either kind of address.
    last: (String, Name),
}

const SLOTS: usize = 8_192;

impl Default for Names {
    fn default() -> Self {
        // No name has the hash 0, see below.
        let slots = vec![(0, Name::default()); SLOTS].into();
        Self { slots, hasher: foldhash::quality::RandomState::default(), last: (String::new(), Name::default()) }
    }
}

impl Names {
    /// What follows from a name, and whether it is the one that was asked for last. On the hot path.
    #[inline]
    pub(crate) fn look_up(&mut self, name: &str, knowledge: &Knowledge) -> (Name, bool) {
        if self.last.0 == name && !name.is_empty() {
            return (self.last.1, true);
        }
        let hash = self.hasher.hash_one(name) | 1 << 63;
        let slot = &mut self.slots[hash as usize % SLOTS];
        if slot.0 != hash {
            *slot = (hash, Name::of(name, knowledge));
        }
        let (text, last) = &mut self.last;
        text.clear();
        text.push_str(name);
        *last = slot.1;
        (slot.1, false)
    }
}

/// In lower case, without the final dot; most names are written so already.
fn normal_name(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    // All bytes, without a branch for each: the compiler then looks at sixteen at once.
    let is_normal = name.bytes().fold(true, |normal, byte| normal & !byte.is_ascii_uppercase() & (byte != 0));
    if !is_normal { Cow::Owned(name.to_ascii_lowercase().replace('\0', " ")) } else { Cow::Borrowed(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever was asked for before, a name means the same.
        #[test]
        fn a_name_means_the_same_whenever_it_is_asked_for(
            names in proptest::collection::vec("([a-cA-C]{1,3}\\.){0,3}(com|co\\.uk|COM|x|\u{e9}b)\\.?", 1..30),
        ) {
            let knowledge = Knowledge::shipped();
            let mut all = Names::default();
            for name in &names {
                let (found, _) = all.look_up(name, &knowledge);
                let normal = normal_name(name);
                prop_assert_eq!(&found.normal(name), &normal);
                let domain = knowledge.registered_domain(&normal);
                let domain = if domain.is_empty() { &*normal } else { domain };
                prop_assert_eq!(found.domain(&normal), domain);
                prop_assert_eq!(found.hash, QueryTally::name_hash(&normal));
                prop_assert_eq!(found.domain_hash, QueryTally::name_hash(domain));
            }
        }
    }
}
