//! The data card.

use super::data::Data;
use super::evaluate::{Check, Evaluation};
use std::fmt::Write as _;

pub(crate) fn card(data: &Data, result: &Evaluation, check: Option<&Check>, _model: &[u8]) -> String {
    let mut text = String::new();
    for (list, share) in data.benign.iter().zip(&result.benign) {
        let _ = writeln!(text, "{} {} {} {} {} {:.4} {:.4}", list.name, list.kind, list.training.len(), list.thresholds.len(), share.of, share.percent(), share.per_mille());
    }
    let n = |f: &dyn Fn(usize) -> f64, words: bool| { let v: Vec<f64> = (0..data.families.len()).filter(|&i| (data.families[i].shape == super::data::Shape::Words) == words).map(f).collect(); v.iter().sum::<f64>() / v.len() as f64 };
    for (name, shares) in [("family out", &result.family_out), ("shape out", &result.shape_out)] {
        let _ = writeln!(text, "{name}: auc {:.4} at1 {:.4} at.1 {:.4}; words auc {:.3} {:.4} {:.4}", n(&|i| shares[i].auc, false), n(&|i| shares[i].percent(), false), n(&|i| shares[i].per_mille(), false), n(&|i| shares[i].auc, true), n(&|i| shares[i].percent(), true), n(&|i| shares[i].per_mille(), true));
    }
    for (place, family) in data.families.iter().enumerate() {
        let (f, s) = (&result.family_out[place], &result.shape_out[place]);
        let _ = writeln!(text, "{:20} {:?} {:10} {:5} {:3}  {:.3} {:.3} {:.3}   {:.3} {:.3} {:.3}", family.name, family.origin, family.shape.name(), f.of, family.not_judged, f.percent(), f.per_mille(), f.auc, s.percent(), s.per_mille(), s.auc);
    }
    if let Some(check) = check {
        for (name, share) in &check.benign { let _ = writeln!(text, "{name} {} {:.4} {:.4}", share.of, share.percent(), share.per_mille()); }
        for f in &check.families { let _ = writeln!(text, "{:15} {} {} {} {} {:.3} {:.3} {:.3}", f.name, f.shape.name(), f.is_known, f.share.of, f.not_judged, f.share.percent(), f.share.per_mille(), f.share.auc); }
    }
    text
}
