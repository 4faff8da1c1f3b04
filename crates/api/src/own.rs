//! What GuardDuty does not tell, at paths of our own below [`PREFIX`]. Requests are signed as all others.

use crate::call::{Call, Caller};
use crate::error::{ApiError, ErrorClass};
use crate::generated::Operation;
use crate::resources::{detectors, findings};
use crate::service::Service;
use crate::wire::iso8601;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::sync::Arc;
use watchfire_store::{Scope, Store, StoreError};

/// Where these paths begin. GuardDuty has none like it.
pub(crate) const PREFIX: &str = "/watchfire/";

/// Answers a request; the path is what follows the prefix, not decoded.
pub(crate) async fn answer(
    service: &Arc<Service>,
    caller: Caller,
    region: String,
    method: &str,
    raw_path: &str,
) -> Result<Value, ApiError> {
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let segments: Vec<String> = raw_path.split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (method, segments.as_slice()) {
        ("GET", ["findings", id]) => finding(service, caller, region, id).await,
        _ => {
            let message = format!("There is nothing at {method} {PREFIX}{raw_path}");
            Err(ApiError::of(ErrorClass::UnknownOperation, message))
        }
    }
}

/// A finding of those that `GetFindings` shows the same caller.
async fn finding(service: &Arc<Service>, caller: Caller, region: String, id: &str) -> Result<Value, ApiError> {
    let mut call = Call::new(service, caller, region, Operation::GetFindings);
    call.path_detector = detectors::current(&call, call.account()).await?;
    let scopes = match call.path_detector {
        Some(_) => findings::scopes(&call).await?,
        None => Vec::new(),
    };
    whole_finding(call.store(), &scopes, id).await?.ok_or_else(|| {
        let message = format!("There is no finding {id} for account {} in {}", call.account(), call.region);
        ApiError::of(ErrorClass::ResourceNotFound, message)
    })
}

/// All that is known of a finding of one of these detectors; `None` if there is no such.
///
/// - `finding`: its JSON as GuardDuty's, with the block `watchfire`: explanation, evidence, lists, what is missing;
/// - `arrivedAt`: when it last arrived here;
/// - `suppressed`: whether a filter archived it when it was born and nobody has taken it out; `suppressedBy`: the
///   filter's ARN;
/// - `comments`: what a person wrote with the feedback;
/// - `history`: earlier occurrences, oldest first. `count` counts those that were dropped too.
pub(crate) async fn whole_finding(store: &Store, scopes: &[Scope], id: &str) -> Result<Option<Value>, StoreError> {
    let Some(stored) = store.findings(scopes, &[id.to_owned()]).await?.pop() else { return Ok(None) };
    // One that is removed in between is gone, as if asked for a moment later.
    let Some(history) = store.history(&stored.scope, id).await? else { return Ok(None) };
    let mut whole = json!({
        "finding": stored.body,
        "arrivedAt": iso8601(stored.arrived),
        "suppressed": stored.suppressed,
        "history": {"count": history.count, "occurrences": history.occurrences},
    });
    for (member, text) in [("suppressedBy", stored.suppressed_by), ("comments", stored.comments)] {
        if let Some(text) = text {
            whole[member] = Value::String(text);
        }
    }
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Policy;
    use crate::testing::{ACCOUNT, Api, REGION};

    async fn get(api: &Api, account: &str, path: &str) -> Result<Value, ApiError> {
        let caller = Caller { account: account.to_owned(), access_key_id: "AKIA".to_owned(), policy: Policy::ReadOnly };
        answer(&api.service, caller, REGION.to_owned(), "GET", path).await
    }

    async fn create(api: &Api) {
        let types = json!({"findingTypes": ["Recon:EC2/Portscan"]});
        api.of_detector("POST", "/findings/create", types).await.unwrap();
    }

    #[tokio::test]
    async fn a_whole_finding_has_its_history_and_the_filter_that_archived_it() {
        let api = Api::with_detector().await;
        let criteria = json!({"criterion": {"type": {"eq": ["Recon:EC2/Portscan"]}}});
        let filter = json!({"name": "quiet", "action": "ARCHIVE", "findingCriteria": criteria});
        api.of_detector("POST", "/filter", filter).await.unwrap();
        create(&api).await;
        create(&api).await;
        let listed = api.of_detector("POST", "/findings", json!({})).await.unwrap();
        let id = listed["findingIds"][0].as_str().unwrap();
        let whole = get(&api, ACCOUNT, &format!("findings/{id}")).await.unwrap();
        assert_eq!((&whole["finding"]["id"], &whole["finding"]["service"]["count"]), (&json!(id), &json!(2)));
        assert_eq!((&whole["suppressed"], &whole["history"]["count"]), (&json!(true), &json!(1)));
        assert_eq!(whole["history"]["occurrences"][0]["service"]["count"], 1);
        let arn = format!("arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{}/filter/quiet", api.detector);
        assert_eq!(whole["suppressedBy"], arn);
        // Taken out of the archive, it is an ordinary finding again.
        api.of_detector("POST", "/findings/unarchive", json!({"findingIds": [id]})).await.unwrap();
        let whole = get(&api, ACCOUNT, &format!("findings/{id}")).await.unwrap();
        assert_eq!((&whole["suppressed"], whole.get("suppressedBy")), (&json!(false), None));
    }

    #[tokio::test]
    async fn what_is_not_there_or_another_accounts_is_not_found() {
        let api = Api::with_detector().await;
        create(&api).await;
        let listed = api.of_detector("POST", "/findings", json!({})).await.unwrap();
        let path = format!("findings/{}", listed["findingIds"][0].as_str().unwrap());
        for (account, path, class) in [
            ("444455556666", path.as_str(), ErrorClass::ResourceNotFound),
            (ACCOUNT, "findings/0", ErrorClass::ResourceNotFound),
            (ACCOUNT, "findings", ErrorClass::UnknownOperation),
            (ACCOUNT, "findings/a/b", ErrorClass::UnknownOperation),
        ] {
            assert_eq!(get(&api, account, path).await.unwrap_err().class, class, "{path}");
        }
        assert!(get(&api, ACCOUNT, &path).await.is_ok());
    }
}
