//! Publishing destinations: buckets that findings are to be exported to.
//!
//! A destination is verified by writing an object to it, in the background, as GuardDuty does. Exporting itself is not
//! built yet: what the engine finds waits in the store's outbox, in one bounded queue for each destination.

use crate::call::{Call, new_id};
use crate::documents::{self, Document, Held, put};
use crate::error::ApiError;
use crate::generated::types::{
    CreatePublishingDestinationRequest, CreatePublishingDestinationResponse, DeletePublishingDestinationRequest,
    DeletePublishingDestinationResponse, DescribePublishingDestinationRequest, DescribePublishingDestinationResponse,
    Destination as WireDestination, DestinationProperties, DestinationType, ListPublishingDestinationsRequest,
    ListPublishingDestinationsResponse, PublishingStatus, UpdatePublishingDestinationRequest,
    UpdatePublishingDestinationResponse,
};
use crate::relationship::{checked_account, governing};
use crate::resource::{Resource, Tagged, handlers};
use crate::resources::malware_plans::is_bucket_name;
use crate::service::Service;
use crate::tags::Tags;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use watchfire_store::{Expect, Key, Range, Store};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        CreatePublishingDestination => create,
        DescribePublishingDestination => describe,
        ListPublishingDestinations => list,
        UpdatePublishingDestination => update,
        DeletePublishingDestination => delete,
    },
    tagged: &[Tagged { segment: "publishingDestination", kind: Destination::KIND, is_of_a_detector: true }],
};

/// How long a test write may take, retries included.
const TEST_TIME_MAX: Duration = Duration::from_secs(20);

/// A destination that could not be written to is tried again when somebody looks at it, at most this often.
const TEST_PAUSE_MS: i64 = 30_000;

/// A destination as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Destination {
    pub(crate) kind: DestinationType,
    pub(crate) properties: DestinationProperties,
    pub(crate) status: PublishingStatus,
    /// Since when it cannot be written to, milliseconds since 1970; 0 while it can.
    pub(crate) failing_since: i64,
    /// When it was last tried, milliseconds since 1970.
    pub(crate) tried: i64,
    #[serde(default)]
    pub(crate) tags: Tags,
}

impl Document for Destination {
    const KIND: &'static str = "publishingDestination";
}

async fn create(
    call: &Call,
    input: CreatePublishingDestinationRequest,
) -> Result<CreatePublishingDestinationResponse, ApiError> {
    let detector = &call.detector()?.id;
    check(&input.destination_properties)?;
    let (all, one_more) = call.all_before_one_more::<Destination>(detector).await?;
    refuse_second(all.iter(), &input.destination_properties)?;
    let destination = Destination {
        kind: input.destination_type,
        properties: input.destination_properties,
        status: PublishingStatus::PendingVerification,
        failing_since: 0,
        tried: call.now,
        tags: Tags::of(input.tags)?,
    };
    let id = new_id()?;
    let output = CreatePublishingDestinationResponse { destination_id: id.clone() };
    call.commit_created(vec![call.new_document(detector, &id, &destination), one_more], &output).await?;
    verify_soon(call, call.key::<Destination>(detector, &id));
    Ok(output)
}

async fn describe(
    call: &Call,
    input: DescribePublishingDestinationRequest,
) -> Result<DescribePublishingDestinationResponse, ApiError> {
    let held = find(call, &input.destination_id).await?;
    if held.status != PublishingStatus::Publishing && call.now - held.tried > TEST_PAUSE_MS {
        let trying = Destination { tried: call.now, ..held.body.clone() };
        // Who loses the race leaves the trying to the other.
        if call.commit(vec![held.replace(&trying)]).await.is_ok() {
            verify_soon(call, held.key.clone());
        }
    }
    Ok(DescribePublishingDestinationResponse {
        destination_id: held.key.id.clone(),
        destination_type: held.kind,
        status: held.status,
        publishing_failure_start_timestamp: held.failing_since,
        destination_properties: held.properties.clone(),
        tags: Some(held.body.tags.into()),
    })
}

async fn list(
    call: &Call,
    input: ListPublishingDestinationsRequest,
) -> Result<ListPublishingDestinationsResponse, ApiError> {
    let range = call.range::<Destination>(&call.detector()?.id);
    let page = call.page::<Destination>(&range, input.next_token.as_deref(), input.max_results, |_| true).await?;
    let shown = |held: Held<Destination>| WireDestination {
        destination_id: held.key.id.clone(),
        destination_type: held.kind,
        status: held.status,
    };
    Ok(ListPublishingDestinationsResponse {
        destinations: page.items.into_iter().map(shown).collect(),
        next_token: page.next_token,
    })
}

async fn update(
    call: &Call,
    input: UpdatePublishingDestinationRequest,
) -> Result<UpdatePublishingDestinationResponse, ApiError> {
    let held = find(call, &input.destination_id).await?;
    let Some(change) = input.destination_properties else { return Ok(UpdatePublishingDestinationResponse {}) };
    let present = held.properties.clone();
    let properties = DestinationProperties {
        destination_arn: change.destination_arn.or(present.destination_arn),
        kms_key_arn: change.kms_key_arn.or(present.kms_key_arn),
        expected_bucket_owner: change.expected_bucket_owner.or(present.expected_bucket_owner),
    };
    check(&properties)?;
    let (others, one_more) = call.all_before_one_more::<Destination>(&call.detector()?.id).await?;
    refuse_second(others.iter().filter(|other| other.key != held.key), &properties)?;
    let status = PublishingStatus::PendingVerification;
    let changed = Destination { properties, status, tried: call.now, failing_since: 0, ..held.body.clone() };
    call.commit(vec![held.replace(&changed), one_more]).await?;
    verify_soon(call, held.key.clone());
    Ok(UpdatePublishingDestinationResponse {})
}

async fn delete(
    call: &Call,
    input: DeletePublishingDestinationRequest,
) -> Result<DeletePublishingDestinationResponse, ApiError> {
    let held = find(call, &input.destination_id).await?;
    call.commit(vec![held.delete()]).await?;
    call.store().outbox_drop(&queue(&held.key.id)).await?;
    Ok(DeletePublishingDestinationResponse {})
}

/// The outbox's queue for a destination.
pub(crate) fn queue(id: &str) -> String {
    format!("publishingDestination/{id}")
}

/// The queues in which the findings of a detector wait: of its own destinations and of its administrator's. Source:
/// GuardDuty's documentation: an administrator's export holds the findings of its members.
pub(crate) async fn queues(store: &Store, place: (&str, &str), detector: &str) -> Result<Vec<String>, ApiError> {
    let mut of = vec![(place.0.to_owned(), detector.to_owned())];
    let administrator = governing(store, place, detector).await?;
    if administrator != of[0] {
        of.push(administrator);
    }
    let mut queues = Vec::new();
    for (account, detector) in of {
        let region = Some(place.1.to_owned());
        let range = Range { kind: Destination::KIND, account: Some(account), region, parent: Some(detector) };
        let destinations = documents::all::<Destination>(store, &range).await?;
        queues.extend(destinations.iter().map(|held| queue(&held.key.id)));
    }
    Ok(queues)
}

async fn find(call: &Call, id: &str) -> Result<Held<Destination>, ApiError> {
    call.find::<Destination>(&call.detector()?.id, id).await?.ok_or_else(ApiError::invalid_values)
}

fn refuse_second<'a>(
    mut others: impl Iterator<Item = &'a Held<Destination>>,
    properties: &DestinationProperties,
) -> Result<(), ApiError> {
    match others.any(|other| other.properties.destination_arn == properties.destination_arn) {
        true => Err(ApiError::bad_request("a publishing destination exists already for this destinationArn")),
        false => Ok(()),
    }
}

fn check(properties: &DestinationProperties) -> Result<(), ApiError> {
    let arn = properties.destination_arn.as_deref().unwrap_or_default();
    bucket_and_prefix(arn).ok_or_else(|| ApiError::invalid_parameter("destinationArn"))?;
    // A key is mandatory. Source: GuardDuty's documentation of exports.
    let is_key = |arn: &String| arn.starts_with("arn:") && arn.split(':').nth(2) == Some("kms");
    if !properties.kms_key_arn.as_ref().is_some_and(is_key) {
        return Err(ApiError::invalid_parameter("kmsKeyArn"));
    }
    properties.expected_bucket_owner.as_ref().map_or(Ok(()), |owner| checked_account(owner, "expectedBucketOwner"))
}

/// `arn:aws:s3:::bucket`, or with `/prefix/`.
fn bucket_and_prefix(arn: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, "s3", "", "", resource] = parts.as_slice() else { return None };
    let (bucket, prefix) = resource.split_once('/').unwrap_or((resource, ""));
    (partition.starts_with("aws") && is_bucket_name(bucket)).then_some((bucket, prefix.trim_matches('/')))
}

/// Tries the destination in the background, and notes what came of it.
fn verify_soon(call: &Call, key: Key) {
    let (service, now) = (call.service.clone(), call.now);
    let (account, region) = (call.account().to_owned(), call.region.clone());
    tokio::spawn(async move {
        if let Err(error) = verify(&service, &key, &account, &region, now).await
            && !error.is_race
        {
            service.report(&format!("publishing destination {}: {}", key.id, error.message));
        }
    });
}

async fn verify(service: &Arc<Service>, key: &Key, account: &str, region: &str, now: i64) -> Result<(), ApiError> {
    let Some(stored) = service.store.document(key).await? else { return Ok(()) };
    let held: Held<Destination> = Held::of(stored)?;
    let arn = held.properties.destination_arn.clone().unwrap_or_default();
    let Some((bucket, prefix)) = bucket_and_prefix(&arn) else { return Ok(()) };
    let folder = format!("{prefix}/AWSLogs/{account}/GuardDuty/{region}/watchfire-write-test.txt");
    let content = b"Watchfire writes this object to see whether it may.\n".to_vec();
    let written = service.buckets.write(bucket, folder.trim_start_matches('/'), content);
    let outcome = timeout(TEST_TIME_MAX, written).await.unwrap_or_else(|_| Err("it took too long".to_owned()));
    let mut changed = held.body.clone();
    match outcome {
        Ok(()) => (changed.status, changed.failing_since) = (PublishingStatus::Publishing, 0),
        Err(reason) => {
            service.report(&format!("could not write to the publishing destination {arn}: {reason}"));
            changed.status = PublishingStatus::UnableToPublishFixDestinationProperty;
            changed.failing_since = if held.failing_since == 0 { now } else { held.failing_since };
        }
    }
    // Who changed or deleted it meanwhile knows better.
    service.store.commit(vec![put(key.clone(), &changed, Expect::Version(held.version))]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_has_a_key_and_an_owner_of_twelve_digits() {
        let with = |key: Option<&str>, owner: Option<&str>| DestinationProperties {
            destination_arn: Some("arn:aws:s3:::my-bucket".to_owned()),
            kms_key_arn: key.map(str::to_owned),
            expected_bucket_owner: owner.map(str::to_owned),
        };
        let key = Some("arn:aws:kms:us-east-1:111122223333:key/1");
        assert!(check(&with(key, None)).is_ok() && check(&with(key, Some("111122223333"))).is_ok());
        for (key, owner) in [(None, None), (Some("arn:aws:s3:::key"), None), (key, Some("11112222333x"))] {
            assert!(check(&with(key, owner)).is_err(), "{key:?} {owner:?}");
        }
    }

    #[test]
    fn a_destination_is_a_bucket_and_perhaps_a_folder() {
        assert_eq!(bucket_and_prefix("arn:aws:s3:::my-bucket"), Some(("my-bucket", "")));
        assert_eq!(bucket_and_prefix("arn:aws-cn:s3:::my-bucket/a/b/"), Some(("my-bucket", "a/b")));
        for wrong in ["", "my-bucket", "arn:aws:s3:::", "arn:aws:s3:::UPPER", "arn:aws:sns:::my-bucket"] {
            assert_eq!(bucket_and_prefix(wrong), None, "{wrong}");
        }
    }
}
