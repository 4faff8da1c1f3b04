//! From a request whose signer is known to the answer of its operation.
//!
//! The order in which a request is refused is GuardDuty's: JSON, then what the model asks, then the detector, then the rest.

use crate::call::{CLIENT_TOKEN_LIFE_MS, Call, Caller, ClientToken, Remembered, fingerprint};
use crate::documents::{Document, Held};
use crate::error::{ApiError, ErrorClass};
use crate::generated::Operation;
use crate::keys::Policy;
use crate::model::{Invalid, Model, Place};
use crate::operation::Labels;
use crate::resources::{self, detectors};
use crate::service::Service;
use serde_json::{Map, Value};
use std::sync::Arc;
use watchfire_store::{Change, Expect, Key, Range, StoreError};

/// How often a handler is called again because another request changed the same thing. Losers of a race take turns, so
/// that each can lose only to requests that have just come.
const RACES_MAX: usize = 50;

/// A request for an operation.
pub(crate) struct Request<'a> {
    /// The operation.
    pub(crate) operation: Operation,
    /// Labels of its path, decoded.
    pub(crate) labels: Labels,
    /// Parameters of its query, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: &'a [u8],
}

/// Answers a request.
pub(crate) async fn dispatch(
    service: &Arc<Service>,
    caller: Caller,
    region: String,
    request: Request<'_>,
) -> Result<Value, ApiError> {
    let operation = request.operation;
    let mut answer = answer(service, caller, region, request).await;
    if let (Ok(answer), Some(shape)) = (&mut answer, Model::embedded().output(operation.name())) {
        // What is stored may hold more than GuardDuty knows: findings have a block of our own.
        Model::embedded().keep_known(shape, answer);
    }
    answer.map_err(|error| match error.class {
        // Clients raise a nameless error for what the model does not list.
        ErrorClass::ResourceNotFound | ErrorClass::Conflict
            if !Model::embedded().lists_error(operation.name(), error.class.name()) =>
        {
            ApiError { class: ErrorClass::BadRequest, ..error }
        }
        _ => error,
    })
}

async fn answer(
    service: &Arc<Service>,
    caller: Caller,
    region: String,
    request: Request<'_>,
) -> Result<Value, ApiError> {
    let operation = request.operation;
    if caller.policy == Policy::ReadOnly && !operation.is_read() {
        return Err(ApiError::of(
            ErrorClass::AccessDenied,
            format!(
                "User: {} is not authorized to perform: guardduty:{} because its access key is read-only",
                caller.arn(&region),
                operation.name()
            ),
        ));
    }
    let input = read_input(&request)?;
    let Some(handler) = resources::handler(operation) else {
        return Err(ApiError::bad_request(format_args!("{} is not supported yet", operation.name())));
    };
    let now = service.clock.now().as_millisecond();
    let fingerprint = fingerprint(&input);
    let mut turn = None;
    for _ in 0..RACES_MAX {
        let mut call = Call { now, ..Call::new(service, caller.clone(), region.clone(), operation) };
        call.fingerprint.clone_from(&fingerprint);
        if operation.is_of_a_detector() {
            let id = input.get("DetectorId").and_then(Value::as_str).unwrap_or_default();
            call.path_detector = Some(detectors::owned(&call, id).await?);
        }
        if let Some(answer) = repeated(&mut call, &input).await? {
            return Ok(answer);
        }
        match handler(&call, input.clone()).await {
            Err(error) if error.is_race => {
                if turn.is_none() {
                    turn = Some(service.turns.lock().await);
                }
            }
            answer => return answer,
        }
    }
    Err(ApiError::race())
}

/// All members of a request by their names on the wire, held against the model.
fn read_input(request: &Request<'_>) -> Result<Value, ApiError> {
    let shape = request.operation.route().input;
    let model = Model::embedded();
    let members = model.members(shape);
    let mut input = Map::new();
    if members.iter().any(|member| member.place == Place::Body) && !request.body.is_empty() {
        // The parser gives up at a depth of 128, so that no nesting takes the stack.
        match serde_json::from_slice(request.body) {
            Ok(Value::Object(body)) => input = body,
            _ => {
                let message = "The request is rejected because the JSON could not be processed";
                return Err(ApiError::of(ErrorClass::BadRequest, message));
            }
        }
        input.retain(|name, _| members.iter().any(|member| member.place == Place::Body && member.wire == *name));
    }
    for member in members {
        let values: Vec<String> = match member.place {
            Place::Body => continue,
            Place::Path => {
                let mut labels = request.labels.iter().filter(|(label, _)| *label == member.wire);
                labels.next().map(|(_, value)| value.clone()).into_iter().collect()
            }
            Place::Query => {
                let named = request.query.iter().filter(|(name, _)| *name == member.wire);
                named.map(|(_, value)| value.clone()).collect()
            }
        };
        if !values.is_empty() {
            input.insert(member.wire.clone(), model.read_text(member, values));
        }
    }
    let mut input = Value::Object(input);
    if !shape.is_empty() {
        model.hold(shape, &mut input).map_err(|invalid| match invalid {
            Invalid::Missing(name) => ApiError::bad_request(format_args!("the required parameter {name} is missing")),
            Invalid::Value(name) => ApiError::invalid_parameter(name),
        })?;
    }
    Ok(input)
}

/// The answer that a request with the same client token got before.
async fn repeated(call: &mut Call, input: &Value) -> Result<Option<Value>, ApiError> {
    let members = Model::embedded().members(call.operation.route().input);
    let Some(member) = members.iter().find(|member| member.is_idempotency_token) else { return Ok(None) };
    let Some(token) = input.get(&member.wire).and_then(Value::as_str).filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let parent = call.path_detector.as_ref().map(|detector| detector.id.clone()).unwrap_or_default();
    let key: Key = call.key::<Remembered>(&parent, &format!("{}/{token}", call.operation.name()));
    let found: Option<Held<Remembered>> = call.get(&key).await?;
    let expect = match found {
        None => Expect::Absent,
        Some(old) if call.now - old.updated > CLIENT_TOKEN_LIFE_MS => Expect::Version(old.version),
        Some(same) if same.fingerprint == call.fingerprint => return Ok(Some(same.body.output)),
        Some(_) => {
            let name = &member.wire;
            return Err(ApiError::bad_request(format_args!("the {name} was used with other parameters before")));
        }
    };
    call.client_token = Some(ClientToken { key, expect });
    Ok(None)
}

/// Forgets answers to client tokens that no longer count, so that they do not pile up.
pub(crate) async fn forget_client_tokens(service: &Service) -> Result<(), ApiError> {
    const AT_ONCE: usize = 200;
    let range = Range { kind: Remembered::KIND, account: None, region: None, parent: None };
    let limit = service.clock.now().as_millisecond() - CLIENT_TOKEN_LIFE_MS;
    let mut after: Option<Key> = None;
    loop {
        let found = service.store.documents(&range, after.as_ref(), AT_ONCE).await?;
        let is_last = found.len() < AT_ONCE;
        after = found.last().map(|document| document.key.clone());
        for old in found.into_iter().filter(|document| document.updated < limit) {
            let delete = Change::Delete { key: old.key, expect: Expect::Version(old.version) };
            match service.store.commit(vec![delete]).await {
                Ok(_) | Err(StoreError::Conflict { .. }) => {} // Used anew meanwhile.
                Err(error) => return Err(error.into()),
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SealingKey;
    use crate::service::{Clock, Settings};
    use serde_json::json;
    use watchfire_store::{Location, Store};

    #[tokio::test]
    async fn old_client_tokens_are_forgotten_and_young_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
        let key = |id: &str| Key {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            kind: Remembered::KIND,
            parent: String::new(),
            id: id.to_owned(),
        };
        let body = json!({"fingerprint": "f", "output": {}});
        let put = Change::Put { key: key("CreateDetector/a"), body, expect: Expect::Any };
        store.commit(vec![put]).await.unwrap();
        let written = store.document(&key("CreateDetector/a")).await.unwrap().unwrap().updated;
        let after = async |age: i64| {
            let now = jiff::Timestamp::from_millisecond(written + age).unwrap();
            let settings = Settings { clock: Clock::Stopped(now), ..Settings::default() };
            let service = Service::new(store.clone(), SealingKey::open(folder.path()).unwrap(), settings);
            forget_client_tokens(&service).await.unwrap();
            store.document(&key("CreateDetector/a")).await.unwrap().is_some()
        };
        assert!(after(CLIENT_TOKEN_LIFE_MS).await);
        assert!(!after(CLIENT_TOKEN_LIFE_MS + 1).await);
    }
}
