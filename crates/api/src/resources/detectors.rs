//! Detectors: the service, switched on in one account and region.

use crate::call::{Call, Remembered, new_id};
use crate::documents::{Document, Held, put};
use crate::error::ApiError;
use crate::features::{Features, service_role};
use crate::generated::Operation;
use crate::generated::types::{
    CreateDetectorRequest, CreateDetectorResponse, DeleteDetectorRequest, DeleteDetectorResponse, DetectorStatus,
    FindingPublishingFrequency, GetDetectorRequest, GetDetectorResponse, ListDetectorsRequest, ListDetectorsResponse,
    UpdateDetectorRequest, UpdateDetectorResponse,
};
use crate::relationship::{Member, Status, administrator};
use crate::resource::{Resource, handlers};
use crate::resources::destinations::{Destination, queue};
use crate::resources::organization;
use crate::tags::Tags;
use crate::wire::iso8601;
use serde::{Deserialize, Serialize};
use watchfire_store::{Change, Expect};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        CreateDetector => create,
        GetDetector => get,
        ListDetectors => list,
        UpdateDetector => update,
        DeleteDetector => delete,
    },
    tagged: &[], // Their ARN has no segment of its own: see `tags`.
};

/// The id of the one detector document that an account has in a region. With a fixed id there can be no second one,
/// however many requests come at once.
pub(crate) const THE_ONE: &str = "detector";

/// A detector as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detector {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) status: DetectorStatus,
    pub(crate) frequency: FindingPublishingFrequency,
    pub(crate) features: Features,
    #[serde(default)]
    pub(crate) tags: Tags,
    /// When it was last changed, tags apart; milliseconds since 1970.
    pub(crate) changed: i64,
}

impl Document for Detector {
    const KIND: &'static str = "detector";
}

/// Left where a detector was deleted: logs that arrive there make no new one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deleted {
    /// The id that it had.
    pub(crate) detector_id: String,
}

impl Document for Deleted {
    const KIND: &'static str = "deletedDetector";
}

/// The caller's detector, if it has this id.
pub(crate) async fn owned(call: &Call, id: &str) -> Result<Held<Detector>, ApiError> {
    let detector = current(call, call.account()).await?;
    detector.filter(|detector| detector.id == id).ok_or_else(ApiError::detector_not_owned)
}

/// The detector of an account in the region of the call.
pub(crate) async fn current(call: &Call, account: &str) -> Result<Option<Held<Detector>>, ApiError> {
    call.get(&call.key_in::<Detector>(account, "", THE_ONE)).await
}

/// A new detector in an account, with the settings that one has by default, and the change that writes it.
pub(crate) fn new_in(call: &Call, account: &str) -> Result<(Detector, Change), ApiError> {
    let detector = Detector {
        id: new_id()?,
        status: DetectorStatus::Enabled,
        frequency: FindingPublishingFrequency::SixHours,
        features: Features::new(call.now),
        tags: Tags::default(),
        changed: call.now,
    };
    let change = put(call.key_in::<Detector>(account, "", THE_ONE), &detector, Expect::Absent);
    Ok((detector, change))
}

/// How often an account publishes later occurrences: of an administrator, its members take it over.
pub(crate) async fn frequency_of(call: &Call, account: &str) -> Result<Option<FindingPublishingFrequency>, ApiError> {
    Ok(current(call, account).await?.map(|detector| detector.frequency))
}

async fn create(call: &Call, input: CreateDetectorRequest) -> Result<CreateDetectorResponse, ApiError> {
    if current(call, call.account()).await?.is_some() {
        return Err(ApiError::bad_request("a detector already exists for the current account"));
    }
    let (mut detector, _) = new_in(call, call.account())?;
    detector.status = status(input.enable);
    detector.frequency = input.finding_publishing_frequency.unwrap_or(detector.frequency);
    if let Some(administrator) = administrator(call, call.account()).await? {
        detector.frequency = frequency_of(call, &administrator.account).await?.unwrap_or(detector.frequency);
    }
    detector.tags = Tags::of(input.tags)?;
    let features = input.features.unwrap_or_default();
    detector.features.merge(input.data_sources.as_ref(), &features, call.now)?;
    let output = CreateDetectorResponse { detector_id: Some(detector.id.clone()), ..Default::default() };
    call.commit_created(vec![call.new_document("", THE_ONE, &detector)], &output).await?;
    Ok(output)
}

async fn get(call: &Call, _: GetDetectorRequest) -> Result<GetDetectorResponse, ApiError> {
    let detector = call.detector()?;
    let service_role = service_role(call, call.account());
    Ok(GetDetectorResponse {
        created_at: Some(iso8601(detector.created)),
        finding_publishing_frequency: Some(detector.frequency),
        data_sources: Some(detector.features.data_sources(&service_role)),
        service_role,
        status: detector.status,
        updated_at: Some(iso8601(detector.changed)),
        tags: Some(detector.tags.clone().into()),
        features: Some(detector.features.results(detector.created)),
    })
}

async fn list(call: &Call, input: ListDetectorsRequest) -> Result<ListDetectorsResponse, ApiError> {
    call.open_cursor(input.next_token.as_deref())?; // There is one page, so that any token is made up.
    organization::reconcile(call).await?;
    let detector = current(call, call.account()).await?;
    Ok(ListDetectorsResponse {
        detector_ids: detector.map(|detector| detector.id.clone()).into_iter().collect(),
        next_token: None,
    })
}

async fn update(call: &Call, input: UpdateDetectorRequest) -> Result<UpdateDetectorResponse, ApiError> {
    let held = call.detector()?;
    let mut detector = held.body.clone();
    let mut changes = Vec::new();
    let members = call.all::<Member>(&detector.id).await?;
    let mut associated = members.iter().filter(|member| member.status.is_associated());
    if input.enable == Some(false) && detector.status == DetectorStatus::Enabled && associated.clone().next().is_some()
    {
        return Err(ApiError::bad_request(
            "the current account cannot suspend GuardDuty while it has associated members",
        ));
    }
    detector.status = input.enable.map_or(detector.status, status);
    if let Some(frequency) = input.finding_publishing_frequency.filter(|&wanted| wanted != detector.frequency) {
        if administrator(call, call.account()).await?.is_some() {
            return Err(ApiError::bad_request("only the administrator account can set findingPublishingFrequency"));
        }
        detector.frequency = frequency;
        // It is one setting for the administrator and all members.
        for member in associated.by_ref() {
            if let Some(theirs) = current(call, &member.key.id).await? {
                changes.push(theirs.replace(&Detector { frequency, changed: call.now, ..theirs.body.clone() }));
            }
        }
    }
    let features = input.features.unwrap_or_default();
    detector.features.merge(input.data_sources.as_ref(), &features, call.now)?;
    detector.changed = call.now;
    changes.push(held.replace(&detector));
    call.commit(changes).await?;
    Ok(UpdateDetectorResponse {})
}

async fn delete(call: &Call, _: DeleteDetectorRequest) -> Result<DeleteDetectorResponse, ApiError> {
    let detector = call.detector()?;
    let members = call.all::<Member>(&detector.id).await?;
    if members.iter().any(|member| member.status == Status::Invited || member.status.is_associated()) {
        return Err(ApiError::bad_request(
            "the current account cannot delete detector while it has invited or associated members",
        ));
    }
    if administrator(call, call.account()).await?.is_some() {
        return Err(ApiError::bad_request(
            "the current account cannot delete detector while it is associated with an administrator account",
        ));
    }
    if organization::administered(call).await?.is_some() {
        return Err(ApiError::bad_request(
            "the current account cannot delete detector while it is the GuardDuty delegated administrator",
        ));
    }
    let destinations = call.all::<Destination>(&detector.id).await?;
    let tree = Change::DeleteTree {
        account: call.account().to_owned(),
        region: call.region.clone(),
        parent: detector.id.clone(),
    };
    let deleted = Deleted { detector_id: detector.id.clone() };
    let mark = put(call.key::<Deleted>("", THE_ONE), &deleted, Expect::Any);
    let mut changes = vec![detector.delete(), tree, mark];
    // A detector that is gone is no answer to the request that made it.
    let made_it = format!("{}/", Operation::CreateDetector.name());
    let tokens = call.all::<Remembered>("").await?;
    changes.extend(tokens.iter().filter(|token| token.key.id.starts_with(&made_it)).map(Held::delete));
    call.commit(changes).await?;
    for destination in &destinations {
        call.store().outbox_drop(&queue(&destination.key.id)).await?;
    }
    Ok(DeleteDetectorResponse {})
}

fn status(is_enabled: bool) -> DetectorStatus {
    if is_enabled { DetectorStatus::Enabled } else { DetectorStatus::Disabled }
}
