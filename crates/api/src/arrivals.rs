//! Where logs arrive: the detector that their findings belong to.

use crate::documents::{self, Document, Held, put};
use crate::error::ApiError;
use crate::features::Features;
use crate::generated::types::{DetectorFeature, DetectorStatus, FindingPublishingFrequency};
use crate::resources::destinations;
use crate::resources::detectors::{Deleted, Detector, THE_ONE};
use crate::resources::filters::{Suppression, suppression};
use crate::tags::Tags;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use watchfire_store::{Expect, Key, Range, Store, StoreError};

/// What is switched on in an account and region.
#[derive(Clone, Debug)]
pub struct Switches {
    /// The detector's id.
    pub id: String,
    /// Whether it is enabled; one that is suspended reports nothing.
    pub is_enabled: bool,
    features: Features,
}

/// The detector of an account and region, as the engine needs to know it.
#[derive(Clone, Debug)]
pub struct LogDetector {
    /// What is on.
    pub switches: Switches,
    /// The queues of the outbox in which its findings wait to be exported: one for each publishing destination.
    pub export_queues: Vec<String>,
    suppression: Suppression,
}

/// Which detectors there are, to tell when something was switched.
#[derive(Debug, Default)]
pub struct HeldDetectors {
    stamp: Vec<[i64; 3]>,
}

/// An account and region that has a detector, or whose detector was deleted: then there are no switches.
#[derive(Clone, Debug)]
pub struct DetectorPlace {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// What is on.
    pub switches: Option<Switches>,
}

impl HeldDetectors {
    /// All places, if any detector has changed since this was asked. Asking costs little while nothing changes.
    pub async fn changed(&mut self, store: &Store) -> Result<Option<Vec<DetectorPlace>>, Unanswered> {
        let stamp = store.documents_stamp(&[Detector::KIND, Deleted::KIND]).await?;
        if stamp == self.stamp {
            return Ok(None);
        }
        let range = |kind| Range { kind, account: None, region: None, parent: None };
        let detectors = documents::all::<Detector>(store, &range(Detector::KIND)).await?;
        let deleted = documents::all::<Deleted>(store, &range(Deleted::KIND)).await?;
        // The mark of a deleted detector stays when another is made.
        let mut places: BTreeMap<(String, String), Option<Switches>> =
            deleted.into_iter().map(|mark| ((mark.key.account, mark.key.region), None)).collect();
        places.extend(
            detectors.into_iter().map(|held| ((held.key.account, held.key.region), Some(Switches::of(held.body)))),
        );
        self.stamp = stamp;
        let place = |((account, region), switches)| DetectorPlace { account, region, switches };
        Ok(Some(places.into_iter().map(place).collect()))
    }
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

impl Switches {
    fn of(detector: Detector) -> Self {
        let is_enabled = detector.status == DetectorStatus::Enabled;
        Self { id: detector.id, is_enabled, features: detector.features }
    }

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

impl LogDetector {
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
            let switches = Switches::of(Held::<Detector>::of(stored)?.body);
            let suppression = suppression(store, (account, region), &switches.id).await?;
            let export_queues = destinations::queues(store, (account, region), &switches.id).await?;
            return Ok(Some(LogDetector { switches, export_queues, suppression }));
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
        assert_eq!((made.switches.id.as_str(), found.switches.id.as_str()), ("a", "a"));
        let wants = |plan| found.switches.wants(plan);
        assert!(wants("foundational") && wants("s3") && !wants("runtime"));
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
