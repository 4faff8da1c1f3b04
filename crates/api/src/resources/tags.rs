//! Tags of whatever has them, by its ARN.

use crate::call::Call;
use crate::error::ApiError;
use crate::generated::types::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};
use crate::resource::{Resource, handlers};
use crate::resources::{self, detectors};
use crate::tags::Tags;
use serde_json::Value;
use watchfire_store::{Change, Document, Expect, Key};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        ListTagsForResource => list,
        TagResource => tag,
        UntagResource => untag,
    },
    tagged: &[],
};

async fn list(call: &Call, input: ListTagsForResourceRequest) -> Result<ListTagsForResourceResponse, ApiError> {
    let (_, tags) = find(call, &input.resource_arn).await?;
    Ok(ListTagsForResourceResponse { tags: Some(tags.into()) })
}

async fn tag(call: &Call, input: TagResourceRequest) -> Result<TagResourceResponse, ApiError> {
    let (document, mut tags) = find(call, &input.resource_arn).await?;
    tags.set(input.tags)?;
    write(call, document, tags).await?;
    Ok(TagResourceResponse {})
}

async fn untag(call: &Call, input: UntagResourceRequest) -> Result<UntagResourceResponse, ApiError> {
    let (document, mut tags) = find(call, &input.resource_arn).await?;
    tags.remove(&input.tag_keys);
    write(call, document, tags).await?;
    Ok(UntagResourceResponse {})
}

/// The document with this ARN, and its tags.
async fn find(call: &Call, arn: &str) -> Result<(Document, Tags), ApiError> {
    let key = key(call, arn).await?;
    let document = call.store().document(&key).await?.ok_or_else(ApiError::no_such_resource)?;
    let tags = document.body.get("tags").cloned().unwrap_or(Value::Object(Default::default()));
    let tags = serde_json::from_value(tags).map_err(ApiError::internal)?;
    Ok((document, tags))
}

async fn key(call: &Call, arn: &str) -> Result<Key, ApiError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, "guardduty", region, account, resource] = parts.as_slice() else {
        return Err(ApiError::invalid_parameter("resourceArn"));
    };
    // An empty account is the caller's: Terraform writes that when it was told not to ask for it.
    let is_callers = account.is_empty() || account == call.account();
    if !partition.starts_with("aws") || region != call.region || !is_callers {
        return Err(ApiError::no_such_resource());
    }
    let of = |kind, parent: &str, id: &str| Key {
        account: call.account().to_owned(),
        region: call.region.clone(),
        kind,
        parent: parent.to_owned(),
        id: id.to_owned(),
    };
    match resource.split('/').collect::<Vec<_>>().as_slice() {
        ["detector", detector] => Ok(detectors::owned(call, detector).await?.key),
        ["detector", detector, segment, id] => {
            let tagged = resources::tagged(segment).filter(|tagged| tagged.is_of_a_detector);
            let tagged = tagged.ok_or_else(|| ApiError::invalid_parameter("resourceArn"))?;
            let detector = detectors::owned(call, detector).await?;
            Ok(of(tagged.kind, &detector.id, id))
        }
        [segment, id] => {
            let tagged = resources::tagged(segment).filter(|tagged| !tagged.is_of_a_detector);
            Ok(of(tagged.ok_or_else(|| ApiError::invalid_parameter("resourceArn"))?.kind, "", id))
        }
        _ => Err(ApiError::invalid_parameter("resourceArn")),
    }
}

async fn write(call: &Call, mut document: Document, tags: Tags) -> Result<(), ApiError> {
    document.body["tags"] = serde_json::to_value(tags).map_err(ApiError::internal)?;
    let expect = Expect::Version(document.version);
    call.commit(vec![Change::Put { key: document.key, body: document.body, expect }]).await
}
