//! One call of an operation: who calls, where, and what a handler needs to answer.

use crate::documents::{self, Document, Held, READ_AT_ONCE, put};
use crate::error::ApiError;
use crate::generated::Operation;
use crate::keys::{self, Policy};
use crate::operation::Typed;
use crate::resources::detectors::Detector;
use crate::service::Service;
use crate::sigv4::hex;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use watchfire_store::{Change, Expect, Key, Range, Store};

/// Items of a page when the caller does not say. Source: the model's documentation of `MaxResults`.
const PAGE_DEFAULT: usize = 50;

/// How long a client token makes a repeated request the same request. Ours; AWS does not say.
pub(crate) const CLIENT_TOKEN_LIFE_MS: i64 = 24 * 3600 * 1000;

/// Bytes of the authentication code in a page token: half of HMAC-SHA-256.
const TOKEN_CODE_LENGTH: usize = 16;

/// Who signed the request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Whose resources are meant.
    pub(crate) account: String,
    /// The key that signed.
    pub(crate) access_key_id: String,
    /// What its holder may do.
    pub(crate) policy: Policy,
}

impl Caller {
    /// The ARN that tells holders of keys apart: there are no users here, only keys.
    pub(crate) fn arn(&self, region: &str) -> String {
        format!("arn:{}:iam::{}:user/{}", partition(region), self.account, self.access_key_id)
    }
}

/// One call.
pub(crate) struct Call {
    /// Who signed it.
    pub(crate) caller: Caller,
    /// The region of the signature.
    pub(crate) region: String,
    /// What is asked.
    pub(crate) operation: Operation,
    /// When it arrived, milliseconds since 1970.
    pub(crate) now: i64,
    /// The detector that the path names.
    pub(crate) path_detector: Option<Held<Detector>>,
    /// A hash of what was asked, paging apart.
    pub(crate) fingerprint: String,
    /// Where the answer is remembered, if the client sent a token.
    pub(crate) client_token: Option<ClientToken>,
    /// All that calls share.
    pub(crate) service: Arc<Service>,
}

/// The token of a request, by which its repetition is told.
pub(crate) struct ClientToken {
    /// The document of the answer.
    pub(crate) key: Key,
    /// What is there: nothing, or one that is too old to count.
    pub(crate) expect: Expect,
}

/// The answer that was given to a request with a client token.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remembered {
    /// The hash of what was asked.
    pub(crate) fingerprint: String,
    /// The answer.
    pub(crate) output: Value,
}

impl Document for Remembered {
    const KIND: &'static str = "clientToken";
}

/// Written with everything that is made by what is there, and is under another key: of which there may be only so many, or
/// which grows from what was. Two requests that look at the same time cannot both be right. Its id is the kind.
#[derive(Serialize, Deserialize)]
struct LastMade {}

impl Document for LastMade {
    const KIND: &'static str = "lastMade";
}

/// Some of many.
pub(crate) struct Page<T> {
    /// The items, in the store's order.
    pub(crate) items: Vec<Held<T>>,
    /// Leads to the next page; `None` on the last.
    pub(crate) next_token: Option<String>,
}

impl Call {
    /// A call that has just arrived and names no detector yet.
    pub(crate) fn new(service: &Arc<Service>, caller: Caller, region: String, operation: Operation) -> Self {
        Self {
            caller,
            region,
            operation,
            now: service.clock.now().as_millisecond(),
            path_detector: None,
            fingerprint: String::new(),
            client_token: None,
            service: service.clone(),
        }
    }

    /// The caller's account.
    pub(crate) fn account(&self) -> &str {
        &self.caller.account
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.service.store
    }

    /// The detector that the path names. It was found before the handler was called.
    pub(crate) fn detector(&self) -> Result<&Held<Detector>, ApiError> {
        self.path_detector.as_ref().ok_or_else(ApiError::detector_not_owned)
    }

    /// An ARN of this account and region: `detector/…`.
    pub(crate) fn arn(&self, resource: &str) -> String {
        let partition = partition(&self.region);
        format!("arn:{partition}:guardduty:{}:{}:{resource}", self.region, self.account())
    }

    /// The key of a document in the caller's account and region. `parent` is a detector's id, or empty.
    pub(crate) fn key<T: Document>(&self, parent: &str, id: &str) -> Key {
        self.key_in::<T>(self.account(), parent, id)
    }

    /// The key of a document in another account of this region.
    pub(crate) fn key_in<T: Document>(&self, account: &str, parent: &str, id: &str) -> Key {
        Key {
            account: account.to_owned(),
            region: self.region.clone(),
            kind: T::KIND,
            parent: parent.to_owned(),
            id: id.to_owned(),
        }
    }

    /// A document, if there is such.
    pub(crate) async fn get<T: Document>(&self, key: &Key) -> Result<Option<Held<T>>, ApiError> {
        self.store().document(key).await?.map(Held::of).transpose()
    }

    /// A document of the caller's account and region.
    pub(crate) async fn find<T: Document>(&self, parent: &str, id: &str) -> Result<Option<Held<T>>, ApiError> {
        self.get(&self.key::<T>(parent, id)).await
    }

    /// All documents of a kind under a parent, in the caller's account and region.
    pub(crate) async fn all<T: Document>(&self, parent: &str) -> Result<Vec<Held<T>>, ApiError> {
        self.all_in(&self.range::<T>(parent)).await
    }

    /// All documents of a kind under a parent, to decide by them whether there may be one more; and a change to be written
    /// with it, which loses the race if another was made meanwhile.
    pub(crate) async fn all_before_one_more<T: Document>(
        &self,
        parent: &str,
    ) -> Result<(Vec<Held<T>>, Change), ApiError> {
        // Read first: what is made after this is noticed.
        let one_more = self.one_at_a_time(parent, T::KIND).await?;
        Ok((self.all::<T>(parent).await?, one_more))
    }

    /// A change that loses the race if another of the same name under the parent was written since.
    pub(crate) async fn one_at_a_time(&self, parent: &str, name: &str) -> Result<Change, ApiError> {
        let key = self.key::<LastMade>(parent, name);
        let last: Option<Held<LastMade>> = self.get(&key).await?;
        let expect = last.map_or(Expect::Absent, |last| Expect::Version(last.version));
        Ok(put(key, &LastMade {}, expect))
    }

    /// All documents of a range.
    pub(crate) async fn all_in<T: Document>(&self, range: &Range) -> Result<Vec<Held<T>>, ApiError> {
        documents::all(self.store(), range).await
    }

    /// The documents of a kind under a parent, in the caller's account and region.
    pub(crate) fn range<T: Document>(&self, parent: &str) -> Range {
        Range {
            kind: T::KIND,
            account: Some(self.account().to_owned()),
            region: Some(self.region.clone()),
            parent: Some(parent.to_owned()),
        }
    }

    /// A page of documents. The token names the last one, so that what comes and goes meanwhile moves no other.
    pub(crate) async fn page<T: Document>(
        &self,
        range: &Range,
        next_token: Option<&str>,
        max_results: Option<i64>,
        wanted: impl Fn(&Held<T>) -> bool + Send,
    ) -> Result<Page<T>, ApiError> {
        let limit = page_size(max_results);
        let mut after = match self.open_cursor(next_token)? {
            Some(cursor) => {
                let (account, region, parent, id) =
                    serde_json::from_str(&cursor).map_err(|_| ApiError::invalid_parameter("nextToken"))?;
                Some(Key { account, region, kind: T::KIND, parent, id })
            }
            None => None,
        };
        let mut items: Vec<Held<T>> = Vec::new();
        loop {
            let documents = self.store().documents(range, after.as_ref(), READ_AT_ONCE).await?;
            let is_last = documents.len() < READ_AT_ONCE;
            for document in documents {
                after = Some(document.key.clone());
                let held = Held::of(document)?;
                if !wanted(&held) {
                    continue;
                }
                if items.len() == limit {
                    let next_token = items.last().map(|last| self.seal_cursor(&cursor_at(&last.key)));
                    return Ok(Page { items, next_token });
                }
                items.push(held);
            }
            if is_last {
                return Ok(Page { items, next_token: None });
            }
        }
    }

    /// Makes a page token of a cursor. Only this server can make one, and it serves only the same question.
    pub(crate) fn seal_cursor(&self, cursor: &str) -> String {
        let code = hmac::sign(self.service.keys.sealing().tokens(), self.about_cursor(cursor).as_bytes());
        URL_SAFE_NO_PAD.encode([&code.as_ref()[..TOKEN_CODE_LENGTH], cursor.as_bytes()].concat())
    }

    /// The cursor of a page token. An empty one is none.
    pub(crate) fn open_cursor(&self, token: Option<&str>) -> Result<Option<String>, ApiError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let cursor = bytes.get(TOKEN_CODE_LENGTH..).and_then(|cursor| std::str::from_utf8(cursor).ok());
        match cursor {
            // The whole token is made anew: comparing it in variable time tells a forger nothing that 128 bits would not
            // still withhold, and a page token opens nothing that the caller may not read anyway.
            Some(cursor) if self.seal_cursor(cursor) == token => Ok(Some(cursor.to_owned())),
            _ => Err(ApiError::invalid_parameter("nextToken")),
        }
    }

    fn about_cursor(&self, cursor: &str) -> String {
        let parts = [self.operation.name(), self.account(), &self.region, &self.fingerprint, cursor];
        parts.join("\n")
    }

    /// A new document in the caller's account and region.
    pub(crate) fn new_document<T: Document>(&self, parent: &str, id: &str, body: &T) -> Change {
        put(self.key::<T>(parent, id), body, Expect::Absent)
    }

    /// Writes changes, all or none. When another request was faster, the handler is called again.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<(), ApiError> {
        self.store().commit(changes).await?;
        Ok(())
    }

    /// Writes what an operation creates, with the answer: the same request with the same client token gets it again.
    pub(crate) async fn commit_created(
        &self,
        mut changes: Vec<Change>,
        output: &impl Serialize,
    ) -> Result<(), ApiError> {
        if let Some(token) = &self.client_token {
            let output = serde_json::to_value(output).map_err(ApiError::internal)?;
            let remembered = Remembered { fingerprint: self.fingerprint.clone(), output };
            changes.push(put(token.key.clone(), &remembered, token.expect));
        }
        self.commit(changes).await
    }
}

/// Items of a page. The model has refused numbers out of range.
pub(crate) fn page_size(max_results: Option<i64>) -> usize {
    max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_DEFAULT).max(1)
}

fn cursor_at(key: &Key) -> String {
    // Four texts cannot fail.
    serde_json::to_string(&(&key.account, &key.region, &key.parent, &key.id)).unwrap_or_default()
}

/// A new id: 32 hexadecimal digits, as GuardDuty's ids are.
pub(crate) fn new_id() -> Result<String, ApiError> {
    Ok(hex(&keys::random::<16>().map_err(ApiError::internal)?))
}

/// The ARN of a detector, with which those of its filters and lists begin.
pub(crate) fn arn_of_detector((account, region): (&str, &str), detector: &str) -> String {
    format!("arn:{}:guardduty:{region}:{account}:detector/{detector}", partition(region))
}

/// The partition of a region: `aws`, `aws-cn`, …
pub(crate) fn partition(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    partitions.iter().find(|(begin, _)| region.starts_with(begin)).map_or("aws", |(_, partition)| partition)
}

/// The hash of a question. Maps are in the order of their keys, so that the same question has one hash.
pub(crate) fn fingerprint(input: &Value) -> String {
    let mut input = input.clone();
    if let Some(members) = input.as_object_mut() {
        members.retain(|name, _| name != "nextToken" && name != "maxResults");
    }
    hex(digest::digest(&digest::SHA256, input.to_string().as_bytes()).as_ref())
}

/// The input of a handler. It was held against the model, so that what fails here is ours.
pub(crate) fn decoded<O: Typed>(input: Value) -> Result<O::Input, ApiError> {
    serde_json::from_value(input).map_err(|error| match error.is_data() {
        true => ApiError::bad_request(format_args!("a parameter cannot be used: {error}")),
        false => ApiError::internal(error),
    })
}

/// The output of a handler.
pub(crate) fn encoded<O: Typed>(output: O::Output) -> Result<Value, ApiError> {
    serde_json::to_value(output).map_err(ApiError::internal)
}
