//! The keys of objects that are read, told apart by a guess.
//!
//! What costs time in JSON is not the work but waiting: where a value begins is known only when its key's end has been
//! found. A key that is compared as a whole, quotes and colon included, costs branches instead, and these come out as
//! they did in the record before; the processor does not wait for them.

use crate::json::Walker;

/// The keys of one kind of object.
pub(crate) trait Keys: Sized {
    /// Takes the key that comes next with its colon, if it is one of these and is written as AWS writes it: without
    /// escapes and blanks.
    fn guess(walker: &mut Walker<'_>) -> Option<Self>;

    /// The key that this text is.
    fn named(text: &str) -> Self;
}

/// Declares an enum of the keys that matter in one kind of object; the last variant stands for all others.
macro_rules! keys {
    ($(#[$documentation:meta])* $Keys:ident { $($Key:ident = $text:literal,)+ }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum $Keys { $($Key,)+ Other }

        impl $crate::keys::Keys for $Keys {
            #[inline(always)]
            fn guess(walker: &mut $crate::json::Walker<'_>) -> Option<Self> {
                let next = walker.eight_bytes();
                $(
                    let (start, mask) = const { $crate::keys::start_of(concat!('"', $text, "\":")) };
                    if next & mask == start && walker.takes(concat!('"', $text, "\":")) {
                        return Some(Self::$Key);
                    }
                )+
                None
            }

            fn named(text: &str) -> Self {
                match text {
                    $($text => Self::$Key,)+
                    _ => Self::Other,
                }
            }
        }
    };
}
pub(crate) use keys;

/// The first eight bytes of a quoted key as a number, the first of them lowest, and which of its bits count: a short key
/// has fewer.
pub(crate) const fn start_of(quoted_key: &str) -> (u64, u64) {
    let key = quoted_key.as_bytes();
    let (mut start, mut mask, mut place) = (0, 0, 0);
    while place < 8 && place < key.len() {
        start |= (key[place] as u64) << (8 * place);
        mask |= 0xff << (8 * place);
        place += 1;
    }
    (start, mask)
}
