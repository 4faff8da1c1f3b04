//! Names by the shapes that known domain generation algorithms give theirs.
//!
//! These are our own re-creations, written from what the public literature says of each family's names: how long they are,
//! which letters they use, how letters follow each other. No line is taken from malware or from a re-implementation of it.
//! The real algorithms derive their letters from dates, seeds and hashes; to a model that sees one label at a time those
//! are random letters, so here they are random letters. Where a family's names were described several times, differently,
//! its best known variant stands here. A `-like` name says that much and no more.

use super::data::{Family, Origin, Shape};
use std::collections::BTreeSet;

/// Names made of each family: as many as are trained on at most.
pub(crate) const NAMES_PER_FAMILY: usize = 1_000;

const A_TO_Z: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
/// Several generators take a remainder of 25 where they mean 26, and never make a `z`.
const A_TO_Y: &[u8] = b"abcdefghijklmnopqrstuvwxy";
const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const VOWELS: &[u8] = b"aeiou";
const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";

/// One shape of names.
struct Generator {
    name: &'static str,
    shape: Shape,
    about: &'static str,
    make: fn(&mut Random) -> String,
}

const fn generator(
    name: &'static str,
    shape: Shape,
    about: &'static str,
    make: fn(&mut Random) -> String,
) -> Generator {
    Generator { name, shape, about, make }
}

/// All of them, by shape.
static GENERATORS: &[Generator] = &[
    generator("conficker-like", Shape::Letters, "6–11 letters", |r| r.text(A_TO_Z, 6, 11)),
    generator("cryptolocker-like", Shape::Letters, "12–15 letters, no z", |r| r.text(A_TO_Y, 12, 15)),
    generator("locky-like", Shape::Letters, "6–17 letters, no z", |r| r.text(A_TO_Y, 6, 17)),
    generator("ramnit-like", Shape::Letters, "8–19 letters, no z", |r| r.text(A_TO_Y, 8, 19)),
    generator("necurs-like", Shape::Letters, "7–21 letters, no z", |r| r.text(A_TO_Y, 7, 21)),
    generator("tinba-like", Shape::Letters, "12 letters, no z", |r| r.text(A_TO_Y, 12, 12)),
    generator("ranbyus-like", Shape::Letters, "14 letters, no z", |r| r.text(A_TO_Y, 14, 14)),
    generator("qakbot-like", Shape::Letters, "8–25 letters", |r| r.text(A_TO_Z, 8, 25)),
    generator("dircrypt-like", Shape::Letters, "8–20 letters", |r| r.text(A_TO_Z, 8, 20)),
    generator("fobber-like", Shape::Letters, "10 or 17 letters", |r| {
        let size = r.pick(&[10, 17]);
        r.text(A_TO_Z, size, size)
    }),
    generator("murofet-like", Shape::Letters, "8–16 letters, each the sum of two half bytes", |r| {
        let size = r.between(8, 16);
        (0..size).map(|_| r.sum_of_half_bytes()).collect()
    }),
    generator("proslikefan-like", Shape::Letters, "6–12 letters", |r| r.text(A_TO_Z, 6, 12)),
    generator("tempedreve-like", Shape::Letters, "7–11 letters", |r| r.text(A_TO_Z, 7, 11)),
    generator("hesperbot-like", Shape::Letters, "8–24 letters", |r| r.text(A_TO_Z, 8, 24)),
    generator("zloader-like", Shape::Letters, "20 letters, no z", |r| r.text(A_TO_Y, 20, 20)),
    generator("flubot-like", Shape::Letters, "15 letters, no z", |r| r.text(A_TO_Y, 15, 15)),
    generator("emotet-like", Shape::Letters, "16 letters, no z (its first variants)", |r| r.text(A_TO_Y, 16, 16)),
    generator("dnschanger-like", Shape::Letters, "10 letters", |r| r.text(A_TO_Z, 10, 10)),
    generator("nymaim-like", Shape::Letters, "6–12 letters", |r| r.text(A_TO_Z, 6, 12)),
    generator("xshellghost-like", Shape::Letters, "10–16 letters", |r| r.text(A_TO_Z, 10, 16)),
    generator("mydoom-like", Shape::FewLetters, "10 of 10 letters", |r| r.text(b"aehmnpqrsw", 10, 10)),
    generator("ramdo-like", Shape::FewLetters, "16 letters, every second of the alphabet", |r| {
        r.text(b"acegikmoqsuwy", 16, 16)
    }),
    generator("padcrypt-like", Shape::FewLetters, "16 or 24 of 12 letters", |r| {
        let size = r.pick(&[16, 24]);
        r.text(b"abcdefklmnop", size, size)
    }),
    generator("mintsloader-like", Shape::FewLetters, "15 of the first 14 letters", |r| r.text(&A_TO_Z[..14], 15, 15)),
    generator("gameover-like", Shape::LettersAndDigits, "20–28 letters and digits", |r| r.text(ALPHANUMERIC, 20, 28)),
    generator("rovnix-like", Shape::LettersAndDigits, "18 letters and digits", |r| r.text(ALPHANUMERIC, 18, 18)),
    generator("corebot-like", Shape::LettersAndDigits, "12–23 letters and digits", |r| r.text(ALPHANUMERIC, 12, 23)),
    generator("shiotob-like", Shape::LettersAndDigits, "10–15 letters and digits 1–9", |r| {
        r.text(b"abcdefghijklmnopqrstuvwxyz123456789", 10, 15)
    }),
    generator("bumblebee-like", Shape::LettersAndDigits, "11 letters and digits", |r| r.text(ALPHANUMERIC, 11, 11)),
    generator("chinad-like", Shape::LettersAndDigits, "16 letters and digits", |r| r.text(ALPHANUMERIC, 16, 16)),
    generator("qadars-like", Shape::LettersAndDigits, "12 letters and digits", |r| r.text(ALPHANUMERIC, 12, 12)),
    generator("madmax-like", Shape::LettersAndDigits, "10 letters and digits", |r| r.text(ALPHANUMERIC, 10, 10)),
    generator("murofet-long-like", Shape::LettersAndDigits, "32–47 letters, each perhaps with two digits", |r| {
        let size = r.between(32, 47);
        let mut name = String::new();
        while name.len() < size {
            name += &r.text(A_TO_Z, 1, 1);
            name += &if r.below(2) == 0 { r.text(b"0123456789", 2, 2) } else { String::new() };
        }
        name
    }),
    generator("bamital-like", Shape::Hexadecimal, "32 hexadecimal digits", |r| r.text(HEX, 32, 32)),
    generator("dyre-like", Shape::Hexadecimal, "a letter and 33 hexadecimal digits", |r| {
        r.text(A_TO_Z, 1, 1) + &r.text(HEX, 33, 33)
    }),
    generator("orchard-like", Shape::Hexadecimal, "8 hexadecimal digits", |r| r.text(HEX, 8, 8)),
    generator("pandabanker-like", Shape::Hexadecimal, "12 or 13 hexadecimal digits", |r| r.text(HEX, 12, 13)),
    generator("gspy-like", Shape::Hexadecimal, "16 hexadecimal digits", |r| r.text(HEX, 16, 16)),
    generator("ccleaner-like", Shape::Hexadecimal, "`ab` and 8–12 hexadecimal digits", |r| {
        String::from("ab") + &r.text(HEX, 8, 12)
    }),
    generator("simda-like", Shape::Syllables, "7–11 letters, consonants and vowels in turn", |r| r.in_turn(7, 11)),
    generator("pushdo-like", Shape::Syllables, "9–12 letters, syllables of two, now and then one of three", |r| {
        let size = r.between(9, 12);
        r.syllables(size, 5)
    }),
    generator("symmi-like", Shape::Syllables, "8–15 letters, vowels and consonants in turn, some doubled", |r| {
        let size = r.between(8, 15);
        let mut name = r.in_turn(size, size);
        let at = r.between(1, size - 2);
        let doubled = name[at..=at].to_owned();
        name.insert_str(at, &doubled);
        name
    }),
    generator("vawtrak-like", Shape::Syllables, "7–12 letters, syllables of two and three", |r| {
        let size = r.between(7, 12);
        r.syllables(size, 2)
    }),
    generator("kraken-like", Shape::Syllables, "syllables and the ending of a noun", |r| {
        let size = r.between(4, 8);
        r.syllables(size, 3) + r.pick(&["dom", "hood", "ment", "ness", "ship", "ance", "able", "ing"])
    }),
    generator("virut-like", Shape::Syllables, "6 letters, mostly in turn", |r| r.syllables(6, 4)),
    generator("bazar-like", Shape::Syllables, "pairs of a vowel and a consonant, either way round", |r| {
        let pairs = r.between(4, 6);
        (0..pairs)
            .map(|_| if r.below(2) == 0 { r.in_turn(2, 2) } else { r.in_turn(2, 2).chars().rev().collect() })
            .collect()
    }),
    generator("pykspa-like", Shape::Syllables, "6–12 letters, a vowel likelier than chance", |r| {
        let size = r.between(6, 12);
        (0..size).map(|_| if r.below(10) < 4 { r.text(VOWELS, 1, 1) } else { r.text(A_TO_Z, 1, 1) }).collect()
    }),
    generator("expiro-like", Shape::Syllables, "two words of letters in turn, joined by a hyphen", |r| {
        r.in_turn(4, 6) + "-" + &r.in_turn(4, 6)
    }),
    generator("sisron-like", Shape::Base64Dates, "a date in base64, in lower case", |r| {
        let (day, month, year) = (r.between(1, 28), r.between(1, 12), r.between(2010, 2029));
        base64(format!("{day:02}{month:02}{year}").as_bytes())
    }),
    generator("banjori-like", Shape::FixedTail, "four letters, then the tail that its seed has", |r| {
        const TAILS: [&str; 6] = [
            "estaurantcolumns",
            "iverbankmeasure",
            "ountainpassenger",
            "ardenfurnitures",
            "aperwindowglass",
            "ilverspooncarpet",
        ];
        r.text(A_TO_Z, 4, 4) + r.pick(&TAILS)
    }),
    generator("suppobox-like", Shape::Words, "two words", |r| String::from(r.word()) + r.word()),
    generator("matsnu-like", Shape::Words, "words up to 24 letters, some with a hyphen between them", |r| {
        let mut name = String::from(r.word());
        while name.len() < 16 {
            name += r.pick(&["", "", "-"]);
            name += r.word();
        }
        name
    }),
    generator("gozi-like", Shape::Words, "words, the last one cut, 12–20 letters", |r| {
        let size = r.between(12, 20);
        let mut name = String::new();
        while name.len() < size {
            name += r.word();
        }
        name.truncate(size);
        name
    }),
    generator("nymaim2-like", Shape::Words, "two words, perhaps with a hyphen", |r| {
        String::from(r.word()) + r.pick(&["", "-"]) + r.word()
    }),
    generator("bigviktor-like", Shape::Words, "three or four words", |r| {
        let words = r.between(3, 4);
        (0..words).map(|_| r.word()).collect()
    }),
];

/// Our own list: everyday words, as sites have them in their names too.
const WORDS: &[&str] = &[
    "able", "above", "active", "after", "again", "apple", "autumn", "banner", "basket", "before", "better", "board",
    "bottle", "bridge", "bright", "brother", "butter", "button", "cabin", "camera", "candle", "carry", "castle",
    "center", "chair", "chance", "circle", "clean", "clear", "close", "cloud", "coffee", "color", "common", "copper",
    "corner", "cotton", "country", "cover", "create", "cross", "dance", "danger", "daughter", "decide", "deliver",
    "desert", "dinner", "direct", "doctor", "double", "dream", "early", "earth", "effort", "engine", "enough",
    "evening", "famous", "father", "field", "figure", "finger", "finish", "flower", "follow", "forest", "fresh",
    "friend", "garden", "gather", "gentle", "glass", "green", "ground", "hammer", "happy", "harbor", "heart", "heavy",
    "hidden", "history", "hollow", "house", "hunter", "island", "jacket", "journey", "kitchen", "ladder", "large",
    "laugh", "leader", "leather", "letter", "light", "listen", "little", "lonely", "machine", "market", "master",
    "meadow", "middle", "minute", "mirror", "modern", "money", "morning", "mother", "motion", "mountain", "music",
    "narrow", "nature", "needle", "north", "number", "ocean", "office", "orange", "order", "outside", "paper",
    "parent", "pepper", "person", "picture", "planet", "pleasant", "pocket", "police", "power", "prepare", "pretty",
    "proud", "purple", "quarter", "quick", "quiet", "rabbit", "reason", "record", "remember", "return", "river",
    "round", "saddle", "sailor", "school", "season", "second", "secret", "shadow", "silver", "simple", "sister",
    "smooth", "sound", "spring", "square", "station", "stone", "store", "storm", "story", "street", "strong", "summer",
    "table", "thank", "their", "thunder", "ticket", "together", "tomorrow", "travel", "trouble", "under", "valley",
    "village", "visit", "voice", "water", "weather", "welcome", "whisper", "window", "winter", "wonder", "wooden",
    "world", "yellow", "young",
];

/// Names of every generator; each has a seed of its own, so that adding one changes no other.
pub(crate) fn families() -> Vec<Family> {
    GENERATORS.iter().map(family).collect()
}

fn family(generator: &Generator) -> Family {
    let mut random = Random::new(generator.name);
    let mut labels = BTreeSet::new();
    // A shape with fewer names than are wanted gives those it has.
    for _ in 0..NAMES_PER_FAMILY * 4 {
        labels.insert((generator.make)(&mut random));
        if labels.len() == NAMES_PER_FAMILY {
            break;
        }
    }
    Family {
        name: generator.name.to_owned(),
        origin: Origin::Generated,
        shape: generator.shape,
        about: generator.about.to_owned(),
        licence: String::new(),
        source: String::new(),
        labels: labels.into_iter().collect(),
        not_judged: 0,
    }
}

/// Digits, sixes of bits, without the padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789--";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0usize, |bits, &byte| bits << 8 | usize::from(byte)) << (8 * (3 - three.len()));
        let digits = (0..=three.len()).map(|digit| char::from(DIGITS[bits >> (18 - 6 * digit) & 63]));
        text.extend(digits);
    }
    text
}

/// Random numbers that are the same everywhere: SplitMix64 (Steele, Lea and Flood, 2014), seeded by a name.
struct Random(u64);

impl Random {
    fn new(name: &str) -> Self {
        Self(super::data::hash(name))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        super::data::mixed(self.0)
    }

    /// Less than `end`. The remainder favours small numbers by less than one in 2⁵⁰: nothing here is that fine.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    /// From `least` to `most`, both possible.
    fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn word(&mut self) -> &'static str {
        self.pick(WORDS)
    }

    fn text(&mut self, letters: &[u8], least: usize, most: usize) -> String {
        let size = self.between(least, most);
        (0..size).map(|_| char::from(self.pick(letters))).collect()
    }

    /// A consonant, a vowel, a consonant, ….
    fn in_turn(&mut self, least: usize, most: usize) -> String {
        let size = self.between(least, most);
        (0..size).map(|at| char::from(self.pick(if at % 2 == 0 { CONSONANTS } else { VOWELS }))).collect()
    }

    /// Syllables of a consonant and a vowel; one in `closed` has a consonant at its end. Cut to `size` letters.
    fn syllables(&mut self, size: usize, closed: usize) -> String {
        let mut name = String::new();
        while name.len() < size {
            name += &self.in_turn(2, 2);
            if self.below(closed) == 0 {
                name += &self.text(CONSONANTS, 1, 1);
            }
        }
        name.truncate(size);
        name
    }

    /// A letter as the sum of two half bytes, those beyond z tried again: letters in the middle are commoner.
    fn sum_of_half_bytes(&mut self) -> char {
        let sum = self.below(16) + self.below(16);
        A_TO_Z.get(sum).map_or_else(|| self.sum_of_half_bytes(), |&letter| char::from(letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_detections::shared::dga::judged_label;

    #[test]
    fn names_are_the_same_every_time() {
        let (one, other) = (families(), families());
        assert!(one.iter().zip(&other).all(|(one, other)| one.labels == other.labels));
    }

    #[test]
    fn every_name_can_be_judged() {
        for family in families() {
            assert!(family.labels.len() >= 300, "{} has {}", family.name, family.labels.len());
            for label in &family.labels {
                assert_eq!(judged_label(&format!("{label}.com")), Some(label.as_str()), "{}", family.name);
            }
        }
        let hex = families().into_iter().find(|family| family.name == "bamital-like").unwrap();
        assert!(hex.labels.iter().all(|label| label.len() == 32 && label.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }

    #[test]
    fn a_date_in_base64_is_in_lower_case() {
        assert_eq!(base64(b"01022012"), "mdewmjiwmti"); // base64: MDEwMjIwMTI=
    }
}
