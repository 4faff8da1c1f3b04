//! How much a domain's label looks as if an algorithm had made it.
//!
//! Logistic regression on hashed runs of one to four letters, with weights of eight bits. The model is trained by
//! `cargo run --release -p xtask -- train dga`; `docs/models/dga.md` says on what, and how well it does on generators that
//! it never saw. A score is integer arithmetic alone, so it is the same on every machine.
//!
//! One name that looks random means nothing: see [`dga_decision`](super::dga_decision) for what does.

use std::fmt;

/// A score's unit: so many points are one nat of log-odds that the label was generated, were that as likely as not
/// beforehand.
pub const SCORE_UNIT: i32 = 1024;

/// The shortest label that is judged, in bytes: below it, abbreviations and random letters look the same.
///
/// Source: our choice; the generators of the data card make at least that many letters, but for a share of two.
pub const JUDGED_BYTES_MIN: usize = 6;

/// The longest label of DNS, in bytes. Source: RFC 1035, section 2.3.4.
pub const LABEL_BYTES_MAX: usize = 63;

/// How many weights there are: one for each value of a 16-bit hash.
pub const BUCKETS: usize = 1 << 16;

/// Bytes of a model before its weights.
pub const HEADER_BYTES: usize = 32;

/// What a model file begins with. The last byte is the version: another hash or another order of fields is another number.
pub const MAGIC: [u8; 8] = *b"wf-dga\0\x01";

/// Runs of one to four bytes in `^label$`.
const GRAM_BYTES_MAX: usize = 4;

/// As many runs as the longest label has: 65 + 64 + 63 + 62.
const GRAMS_MAX: usize = 4 * (LABEL_BYTES_MAX + 2) - 6;

/// Length of the vector is kept in 1/256: its square is shifted by twice as many bits.
const NORM_BITS: u32 = 8;

/// The label of a registered domain that [`DgaModel::score`] may judge; `None` for what it knows nothing about.
///
/// Judged are labels of letters, digits and hyphens between [`JUDGED_BYTES_MIN`] and [`LABEL_BYTES_MAX`] bytes, in any
/// case, international ones in their `xn--` form. `domain` is what
/// [`counted_domain`](super::dga_decision::counted_domain) gave: its first label is the one that somebody chose.
pub fn judged_label(domain: &str) -> Option<&str> {
    let label = domain.split('.').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_judged = (JUDGED_BYTES_MIN..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(is_plain);
    is_judged.then_some(label)
}

/// How rarely a benign label may lie above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DgaThreshold {
    /// One benign label in a hundred.
    Percent,
    /// One benign label in a thousand: what the decision counts.
    PerMille,
}

/// A trained model.
#[derive(Clone, Copy)]
pub struct DgaModel<'a> {
    /// Log-odds of a label without any features, in [`SCORE_UNIT`].
    bias: i32,
    /// What one unit of a weight is worth: 2⁻¹⁸ nats.
    scale: u32,
    threshold_percent: i32,
    threshold_per_mille: i32,
    /// [`BUCKETS`] signed bytes.
    weights: &'a [u8],
}

static SHIPPED: DgaModel<'static> = match DgaModel::read(include_bytes!("../../data/dga-model.bin")) {
    Some(model) => model,
    None => panic!("crates/detections/data/dga-model.bin is no model of this version: train it anew"),
};

impl DgaModel<'static> {
    /// The model that ships.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }
}

impl<'a> DgaModel<'a> {
    /// Reads a model; `None` if the bytes are not one of this version.
    ///
    /// Form, numbers little-endian: [`MAGIC`]; bias, i32; scale, u32; thresholds at one percent and one per mille, i32
    /// each; eight bytes of zero; [`BUCKETS`] weights, i8.
    pub const fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() != HEADER_BYTES + BUCKETS {
            return None;
        }
        let mut at = 0;
        while at < MAGIC.len() {
            if bytes[at] != MAGIC[at] {
                return None;
            }
            at += 1;
        }
        Some(Self {
            bias: word(bytes, 8).cast_signed(),
            scale: word(bytes, 12),
            threshold_percent: word(bytes, 16).cast_signed(),
            threshold_per_mille: word(bytes, 20).cast_signed(),
            weights: bytes.split_at(HEADER_BYTES).1,
        })
    }

    /// Log-odds that an algorithm made the label, in 1/1024 nat ([`SCORE_UNIT`]); more is worse.
    ///
    /// `label` is what [`judged_label`] gave. Any other text is scored too, cut after [`LABEL_BYTES_MAX`] bytes, but what
    /// the model says about it was never measured.
    pub fn score(&self, label: &str) -> i32 {
        let grams = Grams::of(label);
        let (mut sum, mut square) = (0i64, 0u64);
        for (bucket, count) in grams.counted() {
            // A weight is a signed byte, kept as the file has it.
            let weight = self.weights.get(usize::from(bucket)).map_or(0, |byte| i64::from(byte.cast_signed()));
            sum += weight * i64::from(count);
            square += u64::from(count) * u64::from(count);
        }
        let length = (square << (2 * NORM_BITS)).isqrt().max(1).cast_signed();
        let score = i64::from(self.bias) + (sum * i64::from(self.scale)).div_euclid(length);
        i32::try_from(score).unwrap_or(if score < 0 { i32::MIN } else { i32::MAX })
    }

    /// The score above which a benign label lies as rarely as the threshold says, on the names of the data card.
    pub const fn threshold(&self, threshold: DgaThreshold) -> i32 {
        match threshold {
            DgaThreshold::Percent => self.threshold_percent,
            DgaThreshold::PerMille => self.threshold_per_mille,
        }
    }

    /// Whether a score lies above a threshold.
    pub const fn is_above(&self, score: i32, threshold: DgaThreshold) -> bool {
        score > self.threshold(threshold)
    }
}

impl fmt::Debug for DgaModel<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bias, scale, threshold_percent, threshold_per_mille, weights } = self;
        formatter
            .debug_struct("DgaModel")
            .field("bias", bias)
            .field("scale", scale)
            .field("threshold_percent", threshold_percent)
            .field("threshold_per_mille", threshold_per_mille)
            .field("weights", &weights.len())
            .finish()
    }
}

const fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The features of a label: the hashes of its runs of one to four bytes, in order, with repetitions.
///
/// The trainer takes its features from here too, so that what is trained is what is scored.
pub struct Grams {
    buckets: [u16; GRAMS_MAX],
    len: usize,
}

impl Grams {
    /// The runs of `^label$`, in lower case; a label longer than [`LABEL_BYTES_MAX`] is cut.
    pub fn of(label: &str) -> Self {
        let mut text = [0u8; LABEL_BYTES_MAX + 2];
        let size = label.len().min(LABEL_BYTES_MAX);
        text[0] = b'^';
        text[1..=size].copy_from_slice(&label.as_bytes()[..size]);
        text[1..=size].make_ascii_lowercase();
        text[size + 1] = b'$';
        let text = &text[..size + 2];

        let mut grams = Self { buckets: [0; GRAMS_MAX], len: 0 };
        for bytes in 1..=GRAM_BYTES_MAX {
            for gram in text.windows(bytes) {
                grams.buckets[grams.len] = bucket(gram);
                grams.len += 1;
            }
        }
        grams.buckets[..grams.len].sort_unstable();
        grams
    }

    /// Each bucket once, in order, and how many runs fell into it.
    pub fn counted(&self) -> impl Iterator<Item = (u16, u32)> {
        let runs = self.buckets[..self.len].chunk_by(|one, next| one == next);
        runs.map(|run| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX)))
    }
}

/// Where a run of up to four bytes is counted: its bytes as a number, mixed so that every bit of it tells.
///
/// Source: the finaliser of MurmurHash3 by Austin Appleby, in the public domain.
fn bucket(gram: &[u8]) -> u16 {
    let mut key = gram.iter().fold(0u32, |key, &byte| key << 8 | u32::from(byte));
    key = (key ^ key >> 16).wrapping_mul(0x85eb_ca6b);
    key = (key ^ key >> 13).wrapping_mul(0xc2b2_ae35);
    key ^= key >> 16;
    (key & 0xffff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A model in which one run of letters has a weight and nothing else has.
    fn model_with(gram: &str, weight: i8) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES + BUCKETS];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&(-2 * SCORE_UNIT).to_le_bytes());
        bytes[12..16].copy_from_slice(&(1u32 << 18).to_le_bytes());
        bytes[16..20].copy_from_slice(&100i32.to_le_bytes());
        bytes[20..24].copy_from_slice(&200i32.to_le_bytes());
        bytes[HEADER_BYTES + usize::from(bucket(gram.as_bytes()))] = weight.cast_unsigned();
        bytes
    }

    #[test]
    fn a_score_can_be_worked_out_by_hand() {
        let bytes = model_with("qz", 3);
        let model = DgaModel::read(&bytes).unwrap();
        // `^aqzb$` has 6 + 5 + 4 + 3 = 18 runs, all different: 3 / √18 nats above the bias of −2 nats.
        assert_eq!(model.score("aqzb"), -2 * 1024 + 724);
        assert_eq!(model.score("AQZB"), model.score("aqzb"), "case says nothing");
        assert_eq!(model.score("abcd"), -2 * 1024);
        // `^qzqz$`: `qz` twice. Squares: q and z and qz twice each, the other 12 once.
        assert_eq!(model.score("qzqz"), -2 * 1024 + (6.0 / 24f64.sqrt() * 1024.0).floor() as i32);
    }

    #[test]
    fn a_threshold_is_not_above_itself() {
        let bytes = model_with("qz", 3);
        let model = DgaModel::read(&bytes).unwrap();
        assert!(!model.is_above(100, DgaThreshold::Percent) && model.is_above(101, DgaThreshold::Percent));
        assert!(!model.is_above(200, DgaThreshold::PerMille) && model.is_above(201, DgaThreshold::PerMille));
    }

    #[test]
    fn what_is_no_model_is_not_read() {
        let bytes = model_with("qz", 3);
        assert!(DgaModel::read(&bytes[1..]).is_none() && DgaModel::read(&[]).is_none());
        let mut other_version = bytes;
        other_version[7] += 1;
        assert!(DgaModel::read(&other_version).is_none());
    }

    #[test]
    fn labels_that_say_nothing_are_not_judged() {
        for domain in ["", "ibm.com", "abcde.com", "_dmarc-x.example", "b\\303\\274cher.example", "bücher.example"] {
            assert_eq!(judged_label(domain), None, "{domain}");
        }
        let long = "a".repeat(64);
        assert_eq!(judged_label(&format!("{long}.com")), None);
        assert_eq!(judged_label(&format!("{}.com", &long[1..])), Some(&long[1..]));
        assert_eq!(judged_label("Example.co.uk"), Some("Example"));
        assert_eq!(judged_label("xn--bcher-kva.example"), Some("xn--bcher-kva"));
    }

    #[test]
    fn the_shipped_model_tells_words_from_random_letters() {
        let model = DgaModel::shipped();
        for label in ["xkqzwvtrplmh", "3v7n35k5wxq9", "9f86d081884c7d659a2feaa0c55ad015", "jqvxwkzrtbgfpd"] {
            assert!(model.is_above(model.score(label), DgaThreshold::PerMille), "{label} {}", model.score(label));
        }
        for label in ["wikipedia", "stackoverflow", "deutschebahn", "my-little-shop", "schneider-electric"] {
            assert!(!model.is_above(model.score(label), DgaThreshold::Percent), "{label} {}", model.score(label));
        }
        assert!(model.threshold(DgaThreshold::PerMille) > model.threshold(DgaThreshold::Percent));
    }

    proptest! {
        #[test]
        fn any_text_has_a_score_that_case_does_not_change(label in "[a-zA-Z0-9-]{0,80}|.{0,100}") {
            let model = DgaModel::shipped();
            prop_assert_eq!(model.score(&label), model.score(&label.to_ascii_lowercase()));
        }

        #[test]
        fn every_run_is_counted_once(label in "[a-z0-9-]{0,63}") {
            let size = u32::try_from(label.len()).unwrap() + 2;
            let runs: u32 = (1..=4).map(|bytes| (size + 1).saturating_sub(bytes)).sum();
            prop_assert_eq!(Grams::of(&label).counted().map(|(_, count)| count).sum::<u32>(), runs);
        }

        #[test]
        fn a_judged_label_is_the_first_and_plain(domain in "[a-z0-9.]{0,40}|.{0,80}") {
            if let Some(label) = judged_label(&domain) {
                prop_assert!(domain.starts_with(label) && !label.contains('.'));
                prop_assert!(label.len() >= JUDGED_BYTES_MIN && label.len() <= LABEL_BYTES_MAX);
            }
        }
    }
}
