//! What was unusual, and what would have been usual: `service.detection.anomaly`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `service.detection.anomaly`. Sections are scopes (`account`, `userIdentity`, `bucket`), features what was compared
/// within them (`api`, `asnOrg`, `userAgent`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// `profiles`: scope → feature → what is normal there.
    pub profiles: BTreeMap<String, BTreeMap<String, Vec<Observed>>>,
    /// `unusual.behavior`: scope → feature → what was not.
    pub unusual: BTreeMap<String, BTreeMap<String, Observed>>,
}

/// Values or an amount, with a word for how common they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// `profileSubtype`; `profileType` follows from it.
    pub word: ProfileWord,
    /// `observations.text`.
    pub texts: Vec<String>,
    /// `observations.number`.
    pub numbers: Vec<i64>,
}

/// `profileSubtype`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
pub enum ProfileWord {
    /// On four or more of thirty days.
    Frequent,
    /// On one to three.
    Infrequent,
    /// Before, but on none of them.
    Rare,
    /// Never.
    Unseen,
    /// An amount.
    Count,
    /// A usual amount.
    Average,
}

impl Anomaly {
    /// Notes what is normal. Nothing is noted where there is nothing to show.
    pub fn normal(&mut self, scope: &str, feature: &str, word: ProfileWord, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let features = self.profiles.entry(scope.to_owned()).or_default();
        features.entry(feature.to_owned()).or_default().push(Observed { word, texts, numbers: Vec::new() });
    }

    /// Notes a usual amount, or the largest one.
    pub fn normal_amount(&mut self, scope: &str, feature: &str, word: ProfileWord, amount: i64) {
        let features = self.profiles.entry(scope.to_owned()).or_default();
        let observed = Observed { word, texts: Vec::new(), numbers: vec![amount] };
        features.entry(feature.to_owned()).or_default().push(observed);
    }

    /// Notes what was unusual. There is one object for each feature, so values with a rarer word win over those with a
    /// more common one.
    pub fn unusual(&mut self, scope: &str, feature: &str, word: ProfileWord, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let features = self.unusual.entry(scope.to_owned()).or_default();
        if features.get(feature).is_none_or(|known| known.word < word) {
            features.insert(feature.to_owned(), Observed { word, texts, numbers: Vec::new() });
        }
    }

    /// Notes an unusual amount.
    pub fn unusual_amount(&mut self, scope: &str, feature: &str, amount: i64) {
        let observed = Observed { word: ProfileWord::Count, texts: Vec::new(), numbers: vec![amount] };
        self.unusual.entry(scope.to_owned()).or_default().insert(feature.to_owned(), observed);
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.unusual.is_empty()
    }
}

impl ProfileWord {
    /// `profileSubtype` as GuardDuty writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frequent => "FREQUENT",
            Self::Infrequent => "INFREQUENT",
            Self::Rare => "RARE",
            Self::Unseen => "UNSEEN",
            Self::Count => "COUNT",
            Self::Average => "AVERAGE",
        }
    }

    /// `profileType` as GuardDuty writes it.
    pub const fn profile_type(self) -> &'static str {
        match self {
            Self::Count | Self::Average => "VOLUME",
            _ => "FREQUENCY",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Anomaly, ProfileWord};

    #[test]
    fn the_rarest_word_stands_for_a_feature() {
        let mut anomaly = Anomaly::default();
        anomaly.unusual("account", "api", ProfileWord::Rare, vec!["iam:CreateUser".to_owned()]);
        anomaly.unusual("account", "api", ProfileWord::Unseen, vec!["iam:CreateAccessKey".to_owned()]);
        anomaly.unusual("account", "api", ProfileWord::Infrequent, vec!["iam:ListUsers".to_owned()]);
        assert_eq!(anomaly.unusual["account"]["api"].texts, ["iam:CreateAccessKey"]);
        anomaly.unusual("account", "asnOrg", ProfileWord::Unseen, Vec::new());
        assert_eq!(anomaly.unusual["account"].len(), 1);
    }
}
