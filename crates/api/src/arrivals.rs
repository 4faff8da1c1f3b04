//! Where logs arrive: the detector that their findings belong to.

use crate::documents::{Document, put};
use crate::features::Features;
use crate::generated::types::{DetectorFeature, DetectorStatus, FindingPublishingFrequency};
use crate::resources::detectors::{Deleted, Detector, THE_ONE};
use crate::tags::Tags;
use watchfire_store::{Expect, Key, Store, StoreError};

/// The detector of an account and region, as the engine needs to know it.
#[derive(Clone, Debug)]
pub struct LogDetector {
    /// Its id.
    pub id: String,
    /// Whether it is enabled; one that is suspended reports nothing.
    pub is_enabled: bool,
    features: Features,
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
}

/// The detector of an account and region in which logs have arrived. If there is none, one is made, with this id and
/// the settings of a new one; but `None` where one was deleted. `now` is in milliseconds since 1970.
pub async fn detector_of_logs(
    store: &Store,
    (account, region): (&str, &str),
    id: &str,
    now: i64,
) -> Result<Option<LogDetector>, StoreError> {
    let key = |kind| Key {
        account: account.to_owned(),
        region: region.to_owned(),
        kind,
        parent: String::new(),
        id: THE_ONE.to_owned(),
    };
    loop {
        if let Some(stored) = store.document(&key(Detector::KIND)).await? {
            let detector: Detector = serde_json::from_value(stored.body)
                .map_err(|cause| StoreError::Corrupt { what: Detector::KIND, cause })?;
            let is_enabled = detector.status == DetectorStatus::Enabled;
            return Ok(Some(LogDetector { id: detector.id, is_enabled, features: detector.features }));
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
            Err(error) => return Err(error),
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
