//! A small random generator whose numbers never change: corpora are named by their seed.

use std::fmt::Write;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// SplitMix64: every state gives a good number, so a stream can be started from any hash.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a place in a corpus: the same parts give the same stream.
    pub(crate) fn of(parts: &[u64]) -> Self {
        let mut random = Self(0x5851_f42d_4c95_7f2d);
        for &part in parts {
            random.0 = random.next() ^ part;
        }
        random
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `from..to`.
    pub(crate) fn range(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    /// A number in `from..to`, each size as likely as any other: file sizes, byte counts.
    pub(crate) fn spread(&mut self, from: u64, to: u64) -> u64 {
        let (from, to) = (from as f64, to as f64);
        (from * (to / from).powf(self.share())) as u64
    }

    /// In 0.0..1.0.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something that happens `percent` times in a hundred happens now.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, each as likely as any other.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// One of `items`, the first more likely than the last: a few do most of the work.
    pub(crate) fn favour<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let share = self.share();
        &items[(share * share * items.len() as f64) as usize]
    }

    /// Appends lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize, output: &mut String) {
        self.letters(HEX, 4, length, output);
    }

    /// Appends letters as in access key and role ids.
    pub(crate) fn base32(&mut self, length: usize, output: &mut String) {
        self.letters(BASE32, 5, length, output);
    }

    /// Appends Base64.
    pub(crate) fn base64(&mut self, length: usize, output: &mut String) {
        self.letters(BASE64, 6, length, output);
    }

    /// Appends a UUID of version 4.
    pub(crate) fn uuid(&mut self, output: &mut String) {
        let (high, low) = (self.next(), self.next());
        let _ = write!(
            output,
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        );
    }

    fn letters(&mut self, alphabet: &[u8], bits: u32, length: usize, output: &mut String) {
        let (mut word, mut left) = (0, 0);
        for _ in 0..length {
            if left < bits {
                (word, left) = (self.next(), 64);
            }
            output.push(char::from(alphabet[(word & ((1 << bits) - 1)) as usize]));
            word >>= bits;
            left -= bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_text_for_ever() {
        let mut text = String::new();
        let mut random = Random::of(&[1, 2]);
        random.uuid(&mut text);
        random.base64(4, &mut text);
        assert_eq!(text, "7d3a3a0b-b757-4375-a25a-cd7da963e5abxDKj");
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut random = Random::of(&[3]);
        for _ in 0..10_000 {
            assert!((5..9).contains(&random.range(5, 9)));
            assert!((50..=5000).contains(&random.spread(50, 5000)));
            assert!(*random.favour(&[1, 2, 3]) < 4);
        }
        assert_eq!(random.below(0), 0);
    }
}
