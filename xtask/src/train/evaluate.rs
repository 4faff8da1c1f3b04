//! How well a model does on generators that it never saw.
//!
//! Twice: with whole families held out, of which relatives stay among those trained on; and with whole shapes held out, as
//! if nothing of the kind had been known. Each fold trains anew and sets its own thresholds. Benign names that are counted
//! were neither trained on nor used for thresholds.

use super::data::{Data, Family, Origin, Shape};
use super::dga;
use std::collections::BTreeSet;
use watchfire_detections::shared::dga::{DgaModel, DgaThreshold};

/// Folds of families.
const FOLDS: usize = 8;

/// How many of a list's labels lie above the thresholds.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) of: usize,
    pub(crate) above_percent: usize,
    pub(crate) above_per_mille: usize,
    /// How likely one of these lies above a benign name, at a venture.
    pub(crate) auc: f64,
}

impl Share {
    /// Share above the threshold of one percent.
    pub(crate) fn percent(&self) -> f64 {
        self.above_percent as f64 / self.of.max(1) as f64
    }

    /// Share above the threshold of one per mille.
    pub(crate) fn per_mille(&self) -> f64 {
        self.above_per_mille as f64 / self.of.max(1) as f64
    }
}

/// What the evaluation says, each list in the order of the data.
pub(crate) struct Evaluation {
    /// The final model on benign names: all of a list that was not trained on.
    pub(crate) benign: Vec<Share>,
    /// Each family by a model that did not see it.
    pub(crate) family_out: Vec<Share>,
    /// Each family by a model that saw nothing of its shape.
    pub(crate) shape_out: Vec<Share>,
}

/// Names that were only measured.
pub(crate) struct Check {
    /// Name and measure of each benign list, labels that were trained on left out.
    pub(crate) benign: Vec<(String, Share)>,
    pub(crate) families: Vec<CheckedFamily>,
}

/// A family that was only measured.
pub(crate) struct CheckedFamily {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) not_judged: usize,
    /// By the model that ships, which may have been trained on the family or on our re-creation of it.
    pub(crate) shipped: Share,
    /// By a model that saw no family of a name that is checked, neither real nor re-created.
    pub(crate) unseen: Share,
}

/// Trains and measures fold by fold; tells `progress` of each.
pub(crate) fn evaluate(data: &Data, model: &[u8], progress: impl Fn(&str)) -> Evaluation {
    let benign = data.benign.iter().map(|list| share(model, &list.evaluation, &[])).collect();
    let mut family_out = vec![Share::default(); data.families.len()];
    let mut shape_out = family_out.clone();
    for fold in 0..FOLDS {
        progress(&format!("fold {} of {FOLDS}", fold + 1));
        hold_out(data, &mut family_out, |place, family| family.shape != Shape::Words && place % FOLDS == fold);
    }
    for shape in Shape::ALL {
        progress(&format!("without {}", shape.name()));
        hold_out(data, &mut shape_out, |_, family| family.shape == shape);
    }
    // Words are in no fold: nothing is ever trained on them.
    for (place, _) in data.families.iter().enumerate().filter(|(_, family)| family.shape == Shape::Words) {
        family_out[place] = shape_out[place];
    }
    Evaluation { benign, family_out, shape_out }
}

/// Trains without those that are out, and measures them.
fn hold_out(data: &Data, shares: &mut [Share], is_out: impl Fn(usize, &Family) -> bool) {
    let families = data.families.iter().enumerate();
    let kept = families.clone().filter(|(place, family)| !is_out(*place, family)).map(|(_, family)| family);
    let model = dga::train(&data.benign, kept);
    let benign = dga::scores(&model, data.benign.iter().flat_map(|list| &list.evaluation));
    for (place, family) in families.filter(|(place, family)| is_out(*place, family)) {
        shares[place] = share(&model, &family.labels, &benign);
    }
}

/// Measures the final model, and one that knows none of these families, on names that nothing was tuned to.
pub(crate) fn check(data: &Data, check: &Data, model: &[u8]) -> Check {
    let trained = data.benign.iter().flat_map(|list| list.training.iter().chain(&list.thresholds));
    let trained: BTreeSet<&String> = trained.collect();
    let benign = check.benign.iter().map(|list| {
        let labels: Vec<String> = list.evaluation.iter().filter(|label| !trained.contains(label)).cloned().collect();
        (list.name.clone(), share(model, &labels, &[]))
    });
    let is_checked = |known: &Family| check.families.iter().any(|family| is_of(known, &family.name));
    let unaware = dga::train(&data.benign, data.families.iter().filter(|known| !is_checked(known)));
    let shares = |model: &[u8]| -> Vec<Share> {
        let benign = dga::scores(model, data.benign.iter().flat_map(|list| &list.evaluation));
        check.families.iter().map(|family| share(model, &family.labels, &benign)).collect()
    };
    let families = check.families.iter().zip(shares(model)).zip(shares(&unaware));
    let families = families.map(|((family, shipped), unseen)| CheckedFamily {
        name: family.name.clone(),
        shape: family.shape,
        not_judged: family.not_judged,
        shipped,
        unseen,
    });
    Check { benign: benign.collect(), families: families.collect() }
}

/// Whether a family that was trained on is the named one or its re-creation.
fn is_of(known: &Family, name: &str) -> bool {
    let known = (known.shape != Shape::Words).then_some(match known.origin {
        Origin::Real => known.name.as_str(),
        Origin::Generated => known.name.trim_end_matches("-like"),
    });
    known == Some(name) || SYNONYMS.iter().any(|(one, other)| *one == name && known == Some(other))
}

/// One family under two names: the name in other lists, the name in ours.
const SYNONYMS: &[(&str, &str)] = &[("cryptolocker", "crilock"), ("newgoz", "gameover"), ("qakbot", "pinkslipbot")];

fn share(model: &[u8], labels: &[String], benign: &[i32]) -> Share {
    let scores = dga::scores(model, labels.iter());
    let Some(model) = DgaModel::read(model) else { return Share::default() };
    let above = |threshold| scores.iter().filter(|&&score| model.is_above(score, threshold)).count();
    Share {
        of: scores.len(),
        above_percent: above(DgaThreshold::Percent),
        above_per_mille: above(DgaThreshold::PerMille),
        auc: auc(&scores, benign),
    }
}

/// Area under the curve: how often a generated label scores above a benign one, equal scores counting half. A half where there
/// is nothing to compare.
fn auc(generated: &[i32], benign: &[i32]) -> f64 {
    let below =
        |score: i32| benign.partition_point(|&other| other < score) + benign.partition_point(|&other| other <= score);
    if generated.is_empty() || benign.is_empty() {
        return 0.5;
    }
    let won: usize = generated.iter().map(|&score| below(score)).sum();
    won as f64 / (2 * generated.len() * benign.len()) as f64
}

/// Chance that `names` distinct failed names, each above the threshold with chance `above`, are enough for the decision: at
/// least 5 above, and a tenth of all.
pub(crate) fn chance_of_finding(above: f64, names: usize) -> f64 {
    let needed = names.div_ceil(10).max(5);
    let mut chance = (0..names).fold(1.0, |chance, _| chance * (1.0 - above));
    let mut fewer = 0.0;
    for count in 0..needed.min(names + 1) {
        fewer += chance;
        chance *= (names - count) as f64 / (count + 1) as f64 * above / (1.0 - above).max(f64::MIN_POSITIVE);
    }
    if above >= 1.0 { f64::from(u8::from(names >= needed)) } else { (1.0 - fewer).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_share_of_pairs_in_the_right_order() {
        assert_eq!(auc(&[3, 4], &[1, 2]), 1.0);
        assert_eq!(auc(&[1, 2], &[3, 4]), 0.0);
        assert_eq!(auc(&[2], &[1, 2, 3]), 0.5);
    }

    #[test]
    fn chances_are_those_of_the_binomial_distribution() {
        // Six coins: five heads or more in 7 of 64 throws.
        assert!((chance_of_finding(0.5, 6) - 7.0 / 64.0).abs() < 1e-12);
        assert_eq!((chance_of_finding(1.0, 5), chance_of_finding(1.0, 4)), (1.0, 0.0));
        // Above a tenth of all, not only above five.
        assert!(chance_of_finding(0.06, 200) < 0.05 && chance_of_finding(0.2, 200) > 0.99);
    }

    #[test]
    fn a_family_is_known_by_its_name_its_re_creation_or_its_other_name() {
        let generated = super::super::generators::families();
        let known = |name: &str| generated.iter().any(|family| is_of(family, name));
        assert!(known("tinba") && known("newgoz") && !known("matsnu") && !known("sharkbot"));
    }
}
