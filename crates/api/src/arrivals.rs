//! Where logs arrive: the detector that their findings belong to.

use crate::documents::{Document, Held, put};
use crate::error::ApiError;
use crate::features::Features;
use crate::generated::types::{DetectorFeature, DetectorStatus, FindingPublishingFrequency};
use crate::resources::detectors::{Deleted, Detector, THE_ONE};
use crate::resources::filters::{Suppression, suppression};
use crate::tags::Tags;
use serde_json::Value;
use std::fmt;
use watchfire_store::{Expect, Key, Store, StoreError};

/// The detector of an account and region, as the engine needs to know it.
#[derive(Clone, Debug)]
pub struct LogDetector {
    /// Its id.
    pub id: String,
    /// Whether it is enabled; one that is suspended reports nothing.
    pub is_enabled: bool,
    features: Features,
    suppression: Suppression,
}

/// Why a question of the engine could not be answered: the store failed, or holds what this version cannot read.
#[derive(Debug)]
pub struct Unanswered(String);

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Unanswered {}

impl From<ApiError> for Unanswered {
    fn from(error: ApiError) -> Self {
        Self(error.cause.unwrap_or(error.message))
    }
}

impl From<StoreError> for Unanswered {
    fn from(error: StoreError) -> Self {
        ApiError::from(error).into()
    }
}

impl LogDetector {
    /// Whether findings of a protection plan are wanted. Plans are named as in the catalogue of finding types: `s3`,
    /// `rds`, …; what has no switch is always wanted.
    pub fn wants(&self, plan: &str) -> bool {
        let feature = match plan {
            "s3" => DetectorFeature::S3DataEvents,
            "eks-audit" => DetectorFeature::EksAuditLogs,
            "rds" => DetectorFeature::RdsLoginEvents,
            "lambda" => DetectorFeature::LambdaNetworkLogs,
            "runtime" => DetectorFeature::RuntimeMonitoring,
            _ => return self.is_enabled,
        };
        self.is_enabled && self.features.is_enabled(feature)
    }

    /// The ARN of the filter that archives a finding, given as its JSON, if it is new: the detector's own, or its
    /// administrator's.
    pub fn suppressed_by(&self, finding: &Value) -> Option<&str> {
        self.suppression.suppressed_by(finding)
    }
}

/// The detector of an account and region in which logs have arrived. If there is none, one is made, with this id and
/// the settings of a new one; but `None` where one was deleted. `now` is in milliseconds since 1970.
pub async fn detector_of_logs(
    store: &Store,
    (account, region): (&str, &str),
    id: &str,
    now: i64,
) -> Result<Option<LogDetector>, Unanswered> {
    let key = |kind| Key {
        account: account.to_owned(),
        region: region.to_owned(),
        kind,
        parent: String::new(),
        id: THE_ONE.to_owned(),
    };
    loop {
        if let Some(stored) = store.document(&key(Detector::KIND)).await? {
            let Detector { id, status, features, .. } = Held::of(stored)?.body;
            let suppression = suppression(store, (account, region), &id).await?;
            let is_enabled = status == DetectorStatus::Enabled;
            return Ok(Some(LogDetector { id, is_enabled, features, suppression }));
        }
        if store.document(&key(Deleted::KIND)).await?.is_some() {
            return Ok(None);
        }
        let detector = Detector {
            id: id.to_owned(),
            status: DetectorStatus::Enabled,
            frequency: FindingPublishingFrequency::SixHours,
            features: Features::new(now),
            tags: Tags::default(),
            changed: now,
        };
        match store.commit(vec![put(key(Detector::KIND), &detector, Expect::Absent)]).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => {} // Whoever made it, it is there now.
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Document;
    use watchfire_store::{Change, Location};

    const PLACE: (&str, &str) = ("111122223333", "eu-west-1");

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn logs_make_one_detector_and_find_it_again() {
        let (_folder, store) = store();
        let made = detector_of_logs(&store, PLACE, "a", 1).await.unwrap().unwrap();
        let found = detector_of_logs(&store, PLACE, "b", 2).await.unwrap().unwrap();
        assert_eq!((made.id.as_str(), found.id.as_str()), ("a", "a"));
        assert!(found.wants("foundational") && found.wants("s3") && !found.wants("runtime"));
    }

    #[tokio::test]
    async fn where_a_detector_was_deleted_logs_make_none() {
        let (_folder, store) = store();
        let key = Key {
            account: PLACE.0.into(),
            region: PLACE.1.into(),
            kind: Deleted::KIND,
            parent: String::new(),
            id: THE_ONE.into(),
        };
        let body = serde_json::to_value(Deleted { detector_id: "a".into() }).unwrap();
        store.commit(vec![Change::Put { key, body, expect: Expect::Any }]).await.unwrap();
        assert!(detector_of_logs(&store, PLACE, "a", 1).await.unwrap().is_none());
    }
}
