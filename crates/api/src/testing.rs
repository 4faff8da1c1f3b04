//! For tests of resources: calls an operation as a request would, without HTTP and signature, and holds the answer against
//! the model.

use crate::buckets::{Buckets, Outcome};
use crate::call::Caller;
use crate::dispatch::{Request, dispatch};
use crate::error::ApiError;
use crate::keys::{Policy, SealingKey};
use crate::model::Model;
use crate::operation::recognise;
use crate::service::{Clock, Service, Settings};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use watchfire_store::{Location, Scope, Store};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-west-1";

/// S3 in memory, by `bucket/key`.
#[derive(Debug, Default)]
struct Objects(Mutex<HashMap<String, Vec<u8>>>);

impl Buckets for Objects {
    fn read<'a>(&'a self, bucket: &'a str, key: &'a str, bytes_max: u64) -> Outcome<'a, Vec<u8>> {
        Box::pin(async move {
            let found = self.0.lock().unwrap().get(&format!("{bucket}/{key}")).cloned();
            let found = found.ok_or_else(|| "there is no such object".to_owned())?;
            if found.len() as u64 > bytes_max { Err("the object is too large".to_owned()) } else { Ok(found) }
        })
    }

    fn write<'a>(&'a self, bucket: &'a str, key: &'a str, content: Vec<u8>) -> Outcome<'a, ()> {
        self.0.lock().unwrap().insert(format!("{bucket}/{key}"), content);
        Box::pin(async { Ok(()) })
    }

    fn fetch<'a>(&'a self, url: &'a str, bytes_max: u64) -> Outcome<'a, Vec<u8>> {
        self.read("web", url, bytes_max)
    }
}

/// A service in a temporary folder, and the account that calls it.
pub(crate) struct Api {
    pub(crate) service: Arc<Service>,
    pub(crate) detector: String,
    buckets: Arc<Objects>,
    _folder: tempfile::TempDir,
}

impl Api {
    /// A service at a moment of the clock, with one detector.
    pub(crate) async fn with_detector() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Directory(folder.path().to_owned())).unwrap();
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let buckets = Arc::new(Objects::default());
        let settings = Settings {
            buckets: buckets.clone(),
            list_urls: vec!["https://lists.example.com/".to_owned()],
            clock: Clock::Stopped(now),
            requests_per_second: None,
            ..Settings::default()
        };
        let service = Service::new(store, SealingKey::open(folder.path()).unwrap(), settings);
        let mut api = Self { service, detector: String::new(), buckets, _folder: folder };
        let created = api.call("POST", "/detector", json!({"enable": true})).await.unwrap();
        api.detector = created["detectorId"].as_str().unwrap().to_owned();
        api
    }

    /// Puts objects into S3: `bucket/key`, content.
    pub(crate) fn objects<const N: usize>(&self, objects: [(&str, &str); N]) {
        let mut all = self.buckets.0.lock().unwrap();
        all.extend(objects.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec())));
    }

    /// Whose findings the caller sees.
    pub(crate) fn scope(&self) -> Scope {
        Scope { account: ACCOUNT.to_owned(), region: REGION.to_owned(), detector: self.detector.clone() }
    }

    /// Calls by method and path; what follows a `?` is the query. The answer must fit the model.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Result<Value, ApiError> {
        self.call_as(ACCOUNT, method, path, body).await
    }

    /// The same for another account.
    pub(crate) async fn call_as(
        &self,
        account: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (operation, labels) = recognise(method, path).unwrap();
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let caller =
            Caller { account: account.to_owned(), access_key_id: "AKIA".to_owned(), policy: Policy::Administrator };
        let query = crate::sigv4::pairs(query);
        let request = Request { operation, labels, query, body: &body };
        let answer = dispatch(&self.service, caller, REGION.to_owned(), request).await?;
        if let Some(shape) = Model::embedded().output(operation.name()) {
            let mut shown = answer.clone();
            // What is untagged has no tags, although the model asks for one at least.
            if let Some(members) = shown.as_object_mut() {
                members.retain(|name, value| name != "tags" || *value != json!({}));
            }
            let fits = Model::embedded().hold(shape, &mut shown);
            assert_eq!(fits, Ok(()), "{}: {answer}", operation.name());
        }
        Ok(answer)
    }

    /// Calls below the detector.
    pub(crate) async fn of_detector(&self, method: &str, path: &str, body: Value) -> Result<Value, ApiError> {
        self.call(method, &format!("/detector/{}{path}", self.detector), body).await
    }

    /// The message with which a call below the detector is refused.
    pub(crate) async fn refusal(&self, method: &str, path: &str, body: Value) -> String {
        self.of_detector(method, path, body).await.unwrap_err().message
    }
}
