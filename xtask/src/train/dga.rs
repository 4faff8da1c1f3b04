//! Labels → a model as it ships: eight-bit weights, and thresholds on benign labels that it did not see.

use super::data::{Benign, Family, Shape, hash};
use super::generators::NAMES_PER_FAMILY;
use super::regression::{Parameters, Samples, fit};
use watchfire_detections::shared::dga::{BUCKETS, DgaModel, HEADER_BYTES, MAGIC, SCORE_UNIT};

/// How much large weights cost. Source: of 1e-7, 1e-6, 1e-5 and 1e-4 the one with which held-out families of the training
/// data were found best; see the data card.
pub(crate) const PENALTY: f64 = 1e-6;

/// Trains on the benign lists' training parts and on the families, words left out; sets thresholds on the benign lists'
/// threshold parts. Answers the bytes of a model.
///
/// Families that put words of a dictionary together are not trained on: they would teach that common words are bad, which
/// costs more on benign names than it finds.
pub(crate) fn train<'a>(benign: &[Benign], families: impl Iterator<Item = &'a Family>) -> Vec<u8> {
    let mut samples = Samples::default();
    for label in benign.iter().flat_map(|list| &list.training) {
        samples.push(label, false);
    }
    for label in families.filter(|family| family.shape != Shape::Words).flat_map(trained_labels) {
        samples.push(label, true);
    }
    let parameters = fit(&samples, PENALTY);
    let untuned = bytes(&parameters, [0, 0]);
    let scores = scores(&untuned, benign.iter().flat_map(|list| &list.thresholds));
    bytes(&parameters, [above(&scores, 100), above(&scores, 1_000)])
}

/// At most [`NAMES_PER_FAMILY`], so that no family outweighs the others: those with the least hashes.
pub(crate) fn trained_labels(family: &Family) -> Vec<&str> {
    let mut labels: Vec<&str> = family.labels.iter().map(String::as_str).collect();
    labels.sort_by_key(|label| (hash(label), *label));
    labels.truncate(NAMES_PER_FAMILY);
    labels
}

/// Scores of labels by a model's bytes, lowest first.
pub(crate) fn scores<'a>(model: &[u8], labels: impl Iterator<Item = &'a String>) -> Vec<i32> {
    let Some(model) = DgaModel::read(model) else { return Vec::new() };
    let mut scores: Vec<i32> = labels.map(|label| model.score(label)).collect();
    scores.sort_unstable();
    scores
}

/// The score above which at most one in so many lies.
fn above(scores: &[i32], one_in: usize) -> i32 {
    let at = scores.len().saturating_sub(scores.len() / one_in + 1);
    scores.get(at).copied().unwrap_or_default()
}

/// The form that [`DgaModel::read`] reads.
fn bytes(parameters: &Parameters, thresholds: [i32; 2]) -> Vec<u8> {
    let largest = parameters[..BUCKETS].iter().fold(f64::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()));
    let unit = largest / 127.0;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(((parameters[BUCKETS] * f64::from(SCORE_UNIT)).round() as i32).to_le_bytes());
    bytes.extend(((unit * f64::from(1 << 18)).round() as u32).to_le_bytes());
    thresholds.iter().for_each(|threshold| bytes.extend(threshold.to_le_bytes()));
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend(parameters[..BUCKETS].iter().map(|weight| ((weight / unit).round() as i8).cast_unsigned()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::data::Data;
    use crate::train::generators;
    use watchfire_detections::shared::dga::DgaThreshold;

    fn small() -> (Data, Vec<Family>) {
        let mut data = Data { benign: Vec::new(), families: Vec::new() }.with_shipped_sites();
        data.benign[0].training.truncate(400);
        let mut families = generators::families();
        families.retain(|family| ["tinba-like", "orchard-like", "suppobox-like"].contains(&family.name.as_str()));
        families.iter_mut().for_each(|family| family.labels.truncate(150));
        (data, families)
    }

    #[test]
    fn the_same_names_give_the_same_bytes() {
        let (data, families) = small();
        let model = train(&data.benign, families.iter());
        // Those of words teach nothing.
        let without_words = families.iter().filter(|family| family.shape != Shape::Words);
        assert!(model == train(&data.benign, without_words));
        // On this and every other machine. Another number is a change of features, of generators or of arithmetic.
        assert_eq!(fingerprint(&model), 3_191_669_372_892_643_195);
    }

    #[test]
    fn thresholds_let_through_what_they_say() {
        let scores: Vec<i32> = (1..=2_000).collect();
        assert_eq!((above(&scores, 100), above(&scores, 1_000)), (1_980, 1_998));
        assert_eq!(above(&[], 100), 0);
        let (data, families) = small();
        let bytes = train(&data.benign, families.iter());
        let model = DgaModel::read(&bytes).unwrap();
        let labels = &data.benign[0].thresholds;
        let above = |threshold| labels.iter().filter(|label| model.is_above(model.score(label), threshold)).count();
        assert!(
            above(DgaThreshold::Percent) <= labels.len() / 100 && above(DgaThreshold::Percent) > labels.len() / 200
        );
        assert!(above(DgaThreshold::PerMille) <= labels.len() / 1_000);
    }

    fn fingerprint(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}
