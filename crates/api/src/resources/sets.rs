//! Lists of the account's own: trusted addresses (`IPSet`), threats (`ThreatIntelSet`), and the two kinds of entity sets,
//! which hold domains and hashes as well. All four are one thing with other names and quotas.
//!
//! Activating a set fetches its object from S3, reads it and keeps it: a list that cannot be used ends as `ERROR`, with the
//! reason. What was fetched stays as it was until the set is activated again, as with GuardDuty. Deactivating and deleting
//! are done at once; clients that wait for them see the state in between for [`SETTLES_MS`].

use crate::call::Call;
use crate::documents::{Document, Held, READ_AT_ONCE, put};
use crate::error::ApiError;
use crate::generated::types;
use crate::relationship::{checked_account, governing, refuse_members};
use crate::resource::{Resource, Tagged, handlers};
use crate::service::Service;
use crate::sigv4::hex;
use crate::tags::Tags;
use crate::wire::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use ring::digest;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use watchfire_knowledge::lists::{self, LIST_BYTES_MAX, ListFormat};
use watchfire_knowledge::{Indicator, IndicatorList, ListRole};
use watchfire_model::ListKind;
use watchfire_store::{Change, Expect, Key, Range, Store, StoreError};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        CreateIPSet => ip_sets::create,
        GetIPSet => ip_sets::get,
        ListIPSets => ip_sets::list,
        UpdateIPSet => ip_sets::update,
        DeleteIPSet => ip_sets::delete,
        CreateThreatIntelSet => threat_intel_sets::create,
        GetThreatIntelSet => threat_intel_sets::get,
        ListThreatIntelSets => threat_intel_sets::list,
        UpdateThreatIntelSet => threat_intel_sets::update,
        DeleteThreatIntelSet => threat_intel_sets::delete,
        CreateThreatEntitySet => threat_entity_sets::create,
        GetThreatEntitySet => threat_entity_sets::get,
        ListThreatEntitySets => threat_entity_sets::list,
        UpdateThreatEntitySet => threat_entity_sets::update,
        DeleteThreatEntitySet => threat_entity_sets::delete,
        CreateTrustedEntitySet => trusted_entity_sets::create,
        GetTrustedEntitySet => trusted_entity_sets::get,
        ListTrustedEntitySets => trusted_entity_sets::list,
        UpdateTrustedEntitySet => trusted_entity_sets::update,
        DeleteTrustedEntitySet => trusted_entity_sets::delete,
    },
    tagged: &[
        Tagged { segment: "ipset", kind: IpSets::KIND, is_of_a_detector: true },
        Tagged { segment: "threatintelset", kind: ThreatIntelSets::KIND, is_of_a_detector: true },
        Tagged { segment: "threatentityset", kind: ThreatEntitySets::KIND, is_of_a_detector: true },
        Tagged { segment: "trustedentityset", kind: TrustedEntitySets::KIND, is_of_a_detector: true },
    ],
};

/// How long a set that was deactivated or deleted is shown on its way there. Terraform asks every three seconds.
const SETTLES_MS: i64 = 1_000;

/// How long a deleted set can still be read. Terraform waits for `DELETED`, and takes an error for a failure.
const DELETED_KEPT_MS: i64 = 24 * 3600 * 1000;

/// How often the outcome of a fetch is written again because the set was changed meanwhile.
const RACES_MAX: usize = 10;

/// One of the four kinds.
pub(crate) trait Kind: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// The documents' kind in the store.
    const KIND: &'static str;
    /// Sets of a detector. Source: GuardDuty's quotas.
    const SETS_MAX: usize;
    /// Entries of one set. Source: GuardDuty's quotas.
    const ENTRIES_MAX: usize;
    /// Whether it may be called so. Source: the model's documentation of `Name`, which says nothing for threat intel sets.
    const IS_NAME: fn(char) -> bool;
    /// Whether a new location has to be activated by the caller. Source: the model's documentation of entity sets. The two
    /// older kinds are read again at once, since Terraform changes the location alone and expects `ACTIVE`.
    const WAITS_FOR_ACTIVATION: bool;
}

macro_rules! kinds {
    ($($name:ident: $kind:literal, sets $sets:literal, entries $entries:literal, waits $waits:literal,
        letters $letters:expr;)*) => {
        $(
            #[derive(Clone, Debug)]
            pub(crate) enum $name {}
            impl Kind for $name {
                const KIND: &'static str = $kind;
                const SETS_MAX: usize = $sets;
                const ENTRIES_MAX: usize = $entries;
                const IS_NAME: fn(char) -> bool = $letters;
                const WAITS_FOR_ACTIVATION: bool = $waits;
            }
        )*
    };
}

kinds! {
    IpSets: "ipSet", sets 1, entries 2_000, waits false, letters |letter| is_word(letter) || letter.is_whitespace();
    ThreatIntelSets: "threatIntelSet", sets 6, entries 250_000, waits false, letters |letter| !letter.is_control();
    ThreatEntitySets: "threatEntitySet", sets 6, entries 1_000, waits true, letters is_word;
    TrustedEntitySets: "trustedEntitySet", sets 1, entries 1_000, waits true, letters is_word;
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

/// A set as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub(crate) struct Set<K> {
    pub(crate) name: String,
    /// As the wire has it.
    pub(crate) format: String,
    /// As the caller wrote it.
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) expected_bucket_owner: Option<String>,
    pub(crate) state: State,
    /// When the state was last set by a caller, ms since 1970.
    pub(crate) since: i64,
    /// Why it is in error.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// When the caller last changed it, ms since 1970.
    pub(crate) changed: i64,
    #[serde(default)]
    pub(crate) tags: Tags,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Document for Set<K> {
    const KIND: &'static str = K::KIND;
}

/// What a set is, or was asked to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    Inactive,
    Activating,
    Active,
    Error,
    Deleted,
}

/// What was read of an active set, under the set's id: the engine's lists are made of these.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Content {
    /// Of the bytes, hexadecimal.
    pub(crate) sha256: String,
    /// The object, in base64.
    pub(crate) bytes: String,
    /// How many entries were read; older documents do not say.
    #[serde(default)]
    pub(crate) entries: Option<u64>,
}

impl Document for Content {
    const KIND: &'static str = "setContent";
}

impl<K: Kind> Set<K> {
    fn is_deleted(&self) -> bool {
        self.state == State::Deleted
    }

    /// The status on the wire, at a moment.
    fn status(&self, now: i64) -> &'static str {
        let is_settled = now - self.since >= SETTLES_MS;
        match self.state {
            // A set that was made inactive was never on its way there.
            State::Inactive if !is_settled && self.error.is_none() && self.changed != self.since => "DEACTIVATING",
            State::Inactive => "INACTIVE",
            State::Activating => "ACTIVATING",
            State::Active => "ACTIVE",
            State::Error => "ERROR",
            State::Deleted if !is_settled => "DELETE_PENDING",
            State::Deleted => "DELETED",
        }
    }
}

/// Where a list is. A caller's location must not reach files or inner hosts, so that beside S3 only what the operator has
/// named is fetched.
enum Place {
    S3 { bucket: String, key: String },
    Url,
}

fn place(location: &str, allowed: &[String]) -> Option<Place> {
    // What follows the allowed beginning must stay below it, also for a server that resolves the dots.
    let is_plain = |rest: &str| {
        let rest = percent_decode_str(rest).decode_utf8_lossy();
        !rest.split(['/', '\\']).any(|part| part == "..")
            && !rest.contains(['#', '\\'])
            && !rest.contains(char::is_control)
    };
    let is_allowed = |begin: &String| location.strip_prefix(begin.as_str()).is_some_and(is_plain);
    if allowed.iter().any(is_allowed) {
        return Some(Place::Url);
    }
    s3_address(location).map(|(bucket, key)| Place::S3 { bucket, key })
}

/// Bucket and key of an address in S3, in any of its spellings.
fn s3_address(location: &str) -> Option<(String, String)> {
    let is_host = |host: &str| host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let is_s3 = |label: &str| label == "s3" || label.starts_with("s3-");
    let (bucket, key) = match location.strip_prefix("s3://") {
        Some(rest) => {
            let (bucket, key) = rest.split_once('/')?;
            (bucket.to_owned(), key.to_owned())
        }
        None => {
            let (host, path) = location.strip_prefix("https://")?.split_once('/')?;
            let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
            let labels: Vec<&str> = host.split('.').collect();
            if !is_host(host) {
                return None;
            }
            match labels.iter().rposition(|label| is_s3(label))? {
                0 => path.split_once('/').map(|(bucket, key)| (bucket.to_owned(), key.to_owned()))?,
                at => (labels[..at].join("."), path),
            }
        }
    };
    // A key with such parts would leave its bucket on the way to a server that is asked by path.
    let is_plain = !key.split('/').any(|part| part == "." || part == "..");
    (super::malware_plans::is_bucket_name(&bucket) && !key.is_empty() && is_plain).then_some((bucket, key))
}

fn checked_name<K: Kind>(name: String) -> Result<String, ApiError> {
    if name.chars().all(K::IS_NAME) { Ok(name) } else { Err(ApiError::invalid_parameter("name")) }
}

fn checked_owner(owner: Option<String>) -> Result<Option<String>, ApiError> {
    if let Some(owner) = &owner {
        checked_account(owner, "expectedBucketOwner")?;
    }
    Ok(owner)
}

fn checked_location(location: String, allowed: &[String]) -> Result<String, ApiError> {
    place(&location, allowed).map(|_| location).ok_or_else(|| ApiError::invalid_parameter("location"))
}

/// What the four operations that create have in common.
struct New {
    name: String,
    format: &'static str,
    location: String,
    owner: Option<String>,
    activate: bool,
    tags: Tags,
}

impl New {
    fn document<K: Kind>(self, now: i64, allowed: &[String]) -> Result<Set<K>, ApiError> {
        Ok(Set {
            name: checked_name::<K>(self.name)?,
            format: self.format.to_owned(),
            location: checked_location(self.location, allowed)?,
            expected_bucket_owner: checked_owner(self.owner)?,
            state: if self.activate { State::Activating } else { State::Inactive },
            since: now,
            error: None,
            changed: now,
            tags: self.tags,
            kind: PhantomData,
        })
    }
}

/// The changes that make a set: the set, and the removal of what was deleted long ago.
async fn creation<K: Kind>(call: &Call, id: &str, new: New) -> Result<Vec<Change>, ApiError> {
    refuse_members(call).await?;
    let detector = &call.detector()?.id;
    let set: Set<K> = new.document(call.now, &call.service.list_urls)?;
    let (others, one_more) = call.all_before_one_more::<Set<K>>(detector).await?;
    if others.iter().filter(|other| !other.is_deleted()).count() >= K::SETS_MAX {
        return Err(ApiError::limit_exceeded(format_args!("there are {} lists of this kind already", K::SETS_MAX)));
    }
    let mut changes = vec![call.new_document(detector, id, &set), one_more];
    let is_old = |other: &&Held<Set<K>>| other.is_deleted() && call.now - other.since > DELETED_KEPT_MS;
    changes.extend(others.iter().filter(is_old).map(Held::delete));
    Ok(changes)
}

async fn find<K: Kind>(call: &Call, id: &str) -> Result<Held<Set<K>>, ApiError> {
    call.find::<Set<K>>(&call.detector()?.id, id).await?.ok_or_else(ApiError::no_such_resource)
}

/// A set to read: of a member, its administrator's. One whose fetch ended with an earlier process is fetched again.
async fn shown<K: Kind>(call: &Call, id: &str) -> Result<Held<Set<K>>, ApiError> {
    let (account, detector) = keeper(call).await?;
    let found = call.get(&call.key_in::<Set<K>>(&account, &detector, id)).await?;
    let held: Held<Set<K>> = found.ok_or_else(ApiError::no_such_resource)?;
    if held.state == State::Activating {
        begin_to_load::<K>(&call.service, held.key.clone());
    }
    Ok(held)
}

/// Whose sets the caller sees. Source: the model's documentation of `ListIPSets` and the other three.
async fn keeper(call: &Call) -> Result<(String, String), ApiError> {
    governing(call.store(), (call.account(), &call.region), &call.detector()?.id).await
}

/// What the four operations that update have in common.
struct Changed {
    name: Option<String>,
    location: Option<String>,
    owner: Option<String>,
    activate: Option<bool>,
}

async fn change<K: Kind>(call: &Call, id: &str, changed: Changed) -> Result<(), ApiError> {
    refuse_members(call).await?;
    let held = find::<K>(call, id).await?;
    if held.is_deleted() {
        return Err(ApiError::no_such_resource());
    }
    let mut set = held.body.clone();
    if let Some(name) = changed.name {
        set.name = checked_name::<K>(name)?;
    }
    set.expected_bucket_owner = checked_owner(changed.owner)?.or(set.expected_bucket_owner);
    let was_on = matches!(set.state, State::Active | State::Activating);
    let is_elsewhere = changed.location.as_ref().is_some_and(|location| *location != set.location);
    if let Some(location) = changed.location {
        set.location = checked_location(location, &call.service.list_urls)?;
    }
    // One millisecond apart, so that a set that goes off is told from one that never was on: see `status`.
    set.changed = call.now - 1;
    let state = match changed.activate {
        Some(true) => State::Activating,
        Some(false) => State::Inactive,
        None if is_elsewhere && was_on => {
            if K::WAITS_FOR_ACTIVATION {
                State::Inactive
            } else {
                State::Activating
            }
        }
        None => set.state,
    };
    if state == State::Inactive && !was_on {
        (set.changed, set.since) = (call.now, call.now);
    }
    if state != set.state || state == State::Activating {
        (set.state, set.since, set.error) = (state, call.now, None);
    }
    let mut changes = vec![held.replace(&set)];
    if matches!(state, State::Inactive) {
        changes.push(without_content(&held.key));
    }
    call.commit(changes).await?;
    if state == State::Activating {
        begin_to_load::<K>(&call.service, held.key);
    }
    Ok(())
}

async fn remove<K: Kind>(call: &Call, id: &str) -> Result<(), ApiError> {
    refuse_members(call).await?;
    let held = find::<K>(call, id).await?;
    if held.is_deleted() {
        return Err(ApiError::no_such_resource());
    }
    let set = Set { state: State::Deleted, since: call.now, error: None, ..held.body.clone() };
    call.commit(vec![held.replace(&set), without_content(&held.key)]).await
}

fn content_key(set: &Key) -> Key {
    Key { kind: Content::KIND, ..set.clone() }
}

fn without_content(set: &Key) -> Change {
    Change::Delete { key: content_key(set), expect: Expect::Any }
}

/// Sets that are being fetched by this process. Their keys hold random ids: no two stores share one.
static LOADING: Mutex<Option<HashSet<Key>>> = Mutex::new(None);

/// Fetches a set that is to be activated, beside the answer, unless that is being done.
fn begin_to_load<K: Kind>(service: &Arc<Service>, key: Key) {
    let is_new = LOADING.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(key.clone());
    if !is_new {
        return;
    }
    let service = service.clone();
    tokio::spawn(async move {
        let outcome = load::<K>(&service, &key).await;
        LOADING.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().remove(&key);
        if let Err(error) = outcome {
            service.report(&format!(
                "could not activate the list {}: {}",
                key.id,
                error.cause.unwrap_or(error.message)
            ));
        }
    });
}

/// Fetches and reads a set, again if the caller changed it meanwhile, and writes what it is now.
async fn load<K: Kind>(service: &Arc<Service>, key: &Key) -> Result<(), ApiError> {
    for _ in 0..RACES_MAX {
        let Some(stored) = service.store.document(key).await? else { return Ok(()) };
        let held = Held::<Set<K>>::of(stored)?;
        if held.state != State::Activating {
            return Ok(());
        }
        let read = fetch(service, &held.body).await;
        let (state, error) = match &read {
            Ok(_) => (State::Active, None),
            Err(reason) => (State::Error, Some(reason.clone())),
        };
        let set = Set { state, error, ..held.body.clone() };
        let content = match read {
            Ok(content) => put(content_key(key), &content, Expect::Any),
            Err(_) => without_content(key),
        };
        match service.store.commit(vec![held.replace(&set), content]).await {
            Err(StoreError::Conflict { .. }) => {}
            outcome => return outcome.map(drop).map_err(ApiError::from),
        }
    }
    Err(ApiError::race())
}

/// The object of a set, if it is a list that can be used. The error is for people.
async fn fetch<K: Kind>(service: &Service, set: &Set<K>) -> Result<Content, String> {
    let bytes = match place(&set.location, &service.list_urls).ok_or("the location is not allowed any more")? {
        Place::S3 { bucket, key } => service.buckets.read(&bucket, &key, LIST_BYTES_MAX).await?,
        Place::Url => service.buckets.fetch(&set.location, LIST_BYTES_MAX).await?,
    };
    let format = ListFormat::from_name(&set.format);
    let name = set.name.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let read = lists::read(&bytes, format.as_ref(), &IndicatorList::new(name, ListKind::Custom));
        (bytes, read.list.entries.len(), read.rejected_count)
    });
    let (bytes, entries, rejected) = checked.await.map_err(|_| "the list could not be read".to_owned())?;
    if entries == 0 {
        return Err(format!("the object holds no entry in the format {}; {rejected} were refused", set.format));
    }
    if entries > K::ENTRIES_MAX {
        return Err(format!("the list has {entries} entries, and {} are allowed", K::ENTRIES_MAX));
    }
    let sha256 = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
    Ok(Content { sha256, bytes: STANDARD.encode(bytes), entries: Some(entries as u64) })
}

/// What the four kinds have in common, to read a set of any.
#[derive(Deserialize)]
struct AnySet {
    name: String,
    format: String,
    state: State,
}

/// An active set, of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActiveSet {
    /// Its key in the store: account, region and detector.
    pub(crate) key: Key,
    /// Its version: another one may have another content.
    version: u64,
    name: String,
    format: String,
}

/// The kinds of documents that decide which lists are in use.
pub(crate) const KINDS: [&str; 4] =
    [IpSets::KIND, ThreatIntelSets::KIND, ThreatEntitySets::KIND, TrustedEntitySets::KIND];

/// All active sets, of all accounts and regions.
pub(crate) async fn active(store: &Store) -> Result<Vec<ActiveSet>, ApiError> {
    in_state(store, State::Active).await
}

async fn in_state(store: &Store, state: State) -> Result<Vec<ActiveSet>, ApiError> {
    let mut found = Vec::new();
    for kind in KINDS {
        let mut after: Option<Key> = None;
        loop {
            let range = Range { kind, account: None, region: None, parent: None };
            let page = store.documents(&range, after.as_ref(), READ_AT_ONCE).await?;
            let is_last = page.len() < READ_AT_ONCE;
            after = page.last().map(|document| document.key.clone());
            for document in page {
                let set: AnySet = serde_json::from_value(document.body).map_err(ApiError::internal)?;
                if set.state == state {
                    let (key, version) = (document.key, document.version);
                    found.push(ActiveSet { key, version, name: set.name, format: set.format });
                }
            }
            if is_last {
                break;
            }
        }
    }
    Ok(found)
}

impl ActiveSet {
    /// Whether what it covers is trusted or bad.
    fn role(&self) -> ListRole {
        let is_trusted = [IpSets::KIND, TrustedEntitySets::KIND].contains(&self.key.kind);
        if is_trusted { ListRole::Trusted } else { ListRole::Threat }
    }

    /// Whether entries of this form act. The two older kinds are of addresses. Source: GuardDuty's documentation of
    /// lists.
    fn takes(&self, indicator: &Indicator) -> bool {
        match indicator {
            Indicator::Network(_) => true,
            Indicator::Domain(_) | Indicator::Below(_) => {
                [ThreatEntitySets::KIND, TrustedEntitySets::KIND].contains(&self.key.kind)
            }
            Indicator::Sha256(_) => self.key.kind == ThreatEntitySets::KIND,
            Indicator::AccessKey(_) => false,
        }
    }

    /// Its list, under the name that its owner gave it; `None` if it is being changed at this moment.
    pub(crate) async fn list(&self, store: &Store) -> Result<Option<(IndicatorList, ListRole)>, ApiError> {
        let Some(stored) = store.document(&content_key(&self.key)).await? else { return Ok(None) };
        let content = Held::<Content>::of(stored)?;
        let bytes = STANDARD.decode(&content.bytes).map_err(ApiError::internal)?;
        let defaults = IndicatorList::new(self.name.clone(), ListKind::Custom);
        let mut list = lists::read(&bytes, ListFormat::from_name(&self.format).as_ref(), &defaults).list;
        let entries = list.entries.iter().filter(|entry| self.takes(&entry.indicator));
        list.entries = entries.collect();
        (list.name, list.kind) = (self.name.clone(), ListKind::Custom);
        Ok(Some((list, self.role())))
    }
}

/// Goes on with the fetches that ended with an earlier process.
pub(crate) async fn resume(service: &Arc<Service>) -> Result<(), ApiError> {
    for set in in_state(&service.store, State::Activating).await? {
        match set.key.kind {
            IpSets::KIND => begin_to_load::<IpSets>(service, set.key),
            ThreatIntelSets::KIND => begin_to_load::<ThreatIntelSets>(service, set.key),
            ThreatEntitySets::KIND => begin_to_load::<ThreatEntitySets>(service, set.key),
            _ => begin_to_load::<TrustedEntitySets>(service, set.key),
        }
    }
    Ok(())
}

/// An enumeration of the wire from its text.
fn wire<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    serde_json::from_value(text.into()).map_err(ApiError::internal)
}

/// The handlers of one kind, which differ in the names of types and members.
macro_rules! handlers_of {
    ($module:ident, $kind:ident, $id:ident, $ids:ident,
        $create:ident => $created:ident, $get:ident => $got:ident, $list:ident => $listed:ident,
        $update:ident => $updated:ident, $delete:ident => $deleted:ident, [$($shown:ident: $value:expr),*]) => {
        mod $module {
            use super::*;

            pub(super) async fn create(call: &Call, input: types::$create) -> Result<types::$created, ApiError> {
                let id = crate::call::new_id()?;
                let new = New {
                    name: input.name,
                    format: input.format.as_str(),
                    location: input.location,
                    owner: input.expected_bucket_owner,
                    activate: input.activate,
                    tags: Tags::of(input.tags)?,
                };
                let activate = new.activate;
                let changes = creation::<$kind>(call, &id, new).await?;
                let output = types::$created { $id: id.clone() };
                call.commit_created(changes, &output).await?;
                if activate {
                    begin_to_load::<$kind>(&call.service, call.key::<Set<$kind>>(&call.detector()?.id, &id));
                }
                Ok(output)
            }

            pub(super) async fn get(call: &Call, input: types::$get) -> Result<types::$got, ApiError> {
                let held = shown::<$kind>(call, &input.$id).await?;
                let status = held.status(call.now);
                Ok(types::$got {
                    format: wire(&held.format)?,
                    status: wire(status)?,
                    $($shown: $value(&held),)*
                    name: held.body.name,
                    location: held.body.location,
                    expected_bucket_owner: held.body.expected_bucket_owner,
                    tags: Some(held.body.tags.into()),
                })
            }

            pub(super) async fn list(call: &Call, input: types::$list) -> Result<types::$listed, ApiError> {
                let (account, detector) = keeper(call).await?;
                let range = Range { account: Some(account), ..call.range::<Set<$kind>>(&detector) };
                let is_there = |held: &Held<Set<$kind>>| !held.is_deleted();
                let page = call.page(&range, input.next_token.as_deref(), input.max_results, is_there).await?;
                let ids = page.items.into_iter().map(|held| held.key.id).collect();
                Ok(types::$listed { $ids: ids, next_token: page.next_token })
            }

            pub(super) async fn update(call: &Call, input: types::$update) -> Result<types::$updated, ApiError> {
                let changed = Changed {
                    name: input.name,
                    location: input.location,
                    owner: input.expected_bucket_owner,
                    activate: input.activate,
                };
                change::<$kind>(call, &input.$id, changed).await?;
                Ok(types::$updated {})
            }

            pub(super) async fn delete(call: &Call, input: types::$delete) -> Result<types::$deleted, ApiError> {
                remove::<$kind>(call, &input.$id).await?;
                Ok(types::$deleted {})
            }
        }
    };
}

fn created<K>(held: &Held<Set<K>>) -> Option<Timestamp> {
    Some(Timestamp::of(held.created))
}

fn updated<K>(held: &Held<Set<K>>) -> Option<Timestamp> {
    Some(Timestamp::of(held.changed))
}

fn error<K>(held: &Held<Set<K>>) -> Option<String> {
    held.error.clone()
}

handlers_of!(ip_sets, IpSets, ip_set_id, ip_set_ids, CreateIPSetRequest => CreateIPSetResponse,
    GetIPSetRequest => GetIPSetResponse, ListIPSetsRequest => ListIPSetsResponse,
    UpdateIPSetRequest => UpdateIPSetResponse, DeleteIPSetRequest => DeleteIPSetResponse, []);
handlers_of!(threat_intel_sets, ThreatIntelSets, threat_intel_set_id, threat_intel_set_ids,
    CreateThreatIntelSetRequest => CreateThreatIntelSetResponse, GetThreatIntelSetRequest => GetThreatIntelSetResponse,
    ListThreatIntelSetsRequest => ListThreatIntelSetsResponse,
    UpdateThreatIntelSetRequest => UpdateThreatIntelSetResponse,
    DeleteThreatIntelSetRequest => DeleteThreatIntelSetResponse, []);
handlers_of!(threat_entity_sets, ThreatEntitySets, threat_entity_set_id, threat_entity_set_ids,
    CreateThreatEntitySetRequest => CreateThreatEntitySetResponse,
    GetThreatEntitySetRequest => GetThreatEntitySetResponse,
    ListThreatEntitySetsRequest => ListThreatEntitySetsResponse,
    UpdateThreatEntitySetRequest => UpdateThreatEntitySetResponse,
    DeleteThreatEntitySetRequest => DeleteThreatEntitySetResponse,
    [created_at: created, updated_at: updated, error_details: error]);
handlers_of!(trusted_entity_sets, TrustedEntitySets, trusted_entity_set_id, trusted_entity_set_ids,
    CreateTrustedEntitySetRequest => CreateTrustedEntitySetResponse,
    GetTrustedEntitySetRequest => GetTrustedEntitySetResponse,
    ListTrustedEntitySetsRequest => ListTrustedEntitySetsResponse,
    UpdateTrustedEntitySetRequest => UpdateTrustedEntitySetResponse,
    DeleteTrustedEntitySetRequest => DeleteTrustedEntitySetResponse,
    [created_at: created, updated_at: updated, error_details: error]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Api;
    use serde_json::{Value, json};

    const KINDS: [(&str, &str); 4] = [
        ("ipset", "ipSetId"),
        ("threatintelset", "threatIntelSetId"),
        ("threatentityset", "threatEntitySetId"),
        ("trustedentityset", "trustedEntitySetId"),
    ];

    fn set(location: &str, activate: bool) -> Value {
        json!({"name": "mine", "format": "TXT", "location": location, "activate": activate})
    }

    /// What the set is once nothing is under way.
    async fn settled(api: &Api, path: &str) -> Value {
        loop {
            let read = api.of_detector("GET", path, Value::Null).await.unwrap();
            if read["status"] != "ACTIVATING" {
                return read;
            }
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn an_address_in_s3_has_three_spellings_and_nothing_else_is_one() {
        for location in [
            "s3://lists/a/b.txt",
            "https://s3.amazonaws.com/lists/a/b.txt",
            "https://s3.eu-west-1.amazonaws.com/lists/a/b.txt",
            "https://s3-eu-west-1.amazonaws.com/lists/a/b.txt",
            "https://lists.s3.eu-west-1.amazonaws.com/a/b.txt",
            "https://lists.s3.amazonaws.com/a%2Fb.txt",
            "https://lists.s3.cn-north-1.amazonaws.com.cn/a/b.txt",
        ] {
            assert_eq!(s3_address(location), Some(("lists".into(), "a/b.txt".into())), "{location}");
        }
        for location in [
            "",
            "/etc/passwd",
            "file:///etc/passwd",
            "http://s3.amazonaws.com/lists/a",
            "https://example.com/lists/a",
            "https://s3.amazonaws.com.example.com/lists/a",
            "https://ec2.amazonaws.com/lists/a",
            "https://s3.amazonaws.com/lists/",
            "https://s3.amazonaws.com/lists",
            "s3://lists",
            "s3://../a",
            "s3://lists/../other/a",
            "https://s3.amazonaws.com/lists/%2e%2e/other/a",
            "https://user@s3.amazonaws.com:1/lists/a",
        ] {
            assert_eq!(s3_address(location), None, "{location}");
        }
    }

    #[test]
    fn beside_s3_only_what_the_operator_has_named_is_a_place() {
        let allowed = ["https://lists.example.com/watchfire/".to_owned()];
        for (location, is_one) in [
            ("https://lists.example.com/watchfire/a.txt", true),
            ("https://lists.example.com/watchfire/b/c%20d.txt?x=1", true),
            ("https://lists.example.com/other/a.txt", false),
            ("https://lists.example.com/watchfire/../secret", false),
            ("https://lists.example.com/watchfire/%2e%2e/secret", false),
            ("https://lists.example.com/watchfire/..%2fsecret", false),
            ("https://lists.example.com/watchfire/..%5csecret", false),
            ("https://lists.example.com/watchfire/a\r\nHost: b", false),
            ("https://lists.example.com.evil.example/watchfire/a.txt", false),
            ("https://user@lists.example.com/watchfire/a.txt", false),
            ("http://lists.example.com/watchfire/a.txt", false),
            ("http://169.254.169.254/latest/meta-data", false),
        ] {
            let found = place(location, &allowed);
            assert_eq!(matches!(found, Some(Place::Url)), is_one, "{location}");
            assert!(is_one || found.is_none(), "{location}");
        }
        assert!(matches!(place("s3://lists/a.txt", &allowed), Some(Place::S3 { .. })));
        assert!(place("https://lists.example.com/watchfire/a.txt", &[]).is_none());
    }

    #[tokio::test]
    async fn a_set_that_is_activated_is_fetched_and_one_that_cannot_be_used_says_why() {
        let api = Api::with_detector().await;
        api.objects([("lists/good.txt", "192.0.2.1\n198.51.100.0/24\n"), ("lists/empty.txt", "no address\n")]);
        api.objects([("web/https://lists.example.com/good.txt", "192.0.2.1\n")]);
        for (kind, id) in KINDS {
            let created = api.of_detector("POST", &format!("/{kind}"), set("s3://lists/good.txt", true)).await.unwrap();
            let path = format!("/{kind}/{}", created[id].as_str().unwrap());
            let read = settled(&api, &path).await;
            assert_eq!((&read["status"], &read["location"]), (&json!("ACTIVE"), &json!("s3://lists/good.txt")));
            for location in ["s3://lists/empty.txt", "s3://lists/nowhere.txt"] {
                let update = json!({"location": location, "activate": true});
                api.of_detector("POST", &path, update).await.unwrap();
                let read = settled(&api, &path).await;
                assert_eq!(read["status"], "ERROR", "{kind} {location}");
                assert_eq!(read.get("errorDetails").is_some(), kind.ends_with("entityset"));
            }
            let elsewhere = json!({"location": "https://lists.example.com/good.txt", "activate": true});
            api.of_detector("POST", &path, elsewhere).await.unwrap();
            assert_eq!(settled(&api, &path).await["status"], "ACTIVE");
        }
    }

    #[tokio::test]
    async fn a_set_comes_and_goes_by_way_of_the_states_that_clients_wait_for() {
        let api = Api::with_detector().await;
        api.objects([("lists/good.txt", "192.0.2.1\n"), ("lists/other.txt", "192.0.2.2\n")]);
        for (kind, id) in KINDS {
            let created =
                api.of_detector("POST", &format!("/{kind}"), set("s3://lists/good.txt", false)).await.unwrap();
            let path = format!("/{kind}/{}", created[id].as_str().unwrap());
            assert_eq!(settled(&api, &path).await["status"], "INACTIVE");
            api.of_detector("POST", &path, json!({"activate": true})).await.unwrap();
            assert_eq!(settled(&api, &path).await["status"], "ACTIVE");
            api.of_detector("POST", &path, json!({"location": "s3://lists/other.txt"})).await.unwrap();
            let expected = if kind.ends_with("entityset") { "DEACTIVATING" } else { "ACTIVE" };
            assert_eq!(settled(&api, &path).await["status"], expected, "{kind}");
            api.of_detector("DELETE", &path, Value::Null).await.unwrap();
            assert_eq!(settled(&api, &path).await["status"], "DELETE_PENDING");
            let listed = api.of_detector("GET", &format!("/{kind}"), Value::Null).await.unwrap();
            assert_eq!(listed[format!("{id}s")], json!([]));
            assert!(api.refusal("DELETE", &path, Value::Null).await.contains("no such resource"));
        }
    }

    #[test]
    fn what_is_on_its_way_arrives() {
        let mut set: Set<IpSets> = New {
            name: "mine".into(),
            format: "TXT",
            location: "s3://lists/a".into(),
            owner: None,
            activate: false,
            tags: Tags::default(),
        }
        .document(10_000, &[])
        .unwrap();
        assert_eq!((set.status(10_000), set.status(20_000)), ("INACTIVE", "INACTIVE"));
        (set.since, set.changed) = (10_000, 9_999);
        assert_eq!((set.status(10_000), set.status(11_000)), ("DEACTIVATING", "INACTIVE"));
        set.state = State::Deleted;
        assert_eq!((set.status(10_999), set.status(11_000)), ("DELETE_PENDING", "DELETED"));
    }

    #[tokio::test]
    async fn a_fetch_that_ended_with_its_process_goes_on_when_the_next_starts() {
        let api = Api::with_detector().await;
        api.objects([("lists/a", "198.51.100.7\n")]);
        let made = api.of_detector("POST", "/ipset", set("s3://lists/a", false)).await.unwrap();
        let key = Key {
            account: crate::testing::ACCOUNT.into(),
            region: crate::testing::REGION.into(),
            kind: IpSets::KIND,
            parent: api.detector.clone(),
            id: made["ipSetId"].as_str().unwrap().into(),
        };
        let store = &api.service.store;
        let state = async || store.document(&key).await.unwrap().unwrap().body["state"].clone();
        let mut body = store.document(&key).await.unwrap().unwrap().body;
        api.service.resume().await;
        assert_eq!(state().await, "inactive", "nothing was begun");
        body["state"] = "activating".into();
        store.commit(vec![Change::Put { key: key.clone(), body, expect: Expect::Any }]).await.unwrap();
        api.service.resume().await;
        while state().await == "activating" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(state().await, "active");
        assert!(store.document(&content_key(&key)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_a_set_may_not_be_is_refused() {
        let api = Api::with_detector().await;
        assert!(api.refusal("POST", "/ipset", set("file:///etc/passwd", false)).await.contains("location"));
        for (kind, name, is_good) in [
            ("ipset", "my list_1-a", true),
            ("ipset", "my!list", false),
            ("threatintelset", "my!list", true),
            ("threatintelset", "my\u{1}list", false),
            ("threatentityset", "my-list_1", true),
            ("threatentityset", "my list", false),
            ("trustedentityset", "my/list", false),
        ] {
            let named = json!({"name": name, "format": "TXT", "location": "s3://lists/a", "activate": false});
            match api.of_detector("POST", &format!("/{kind}"), named).await {
                Ok(made) => {
                    assert!(is_good, "{kind} {name}");
                    let id = made.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
                    let renamed = json!({"name": "other"});
                    api.of_detector("POST", &format!("/{kind}/{id}"), renamed).await.unwrap();
                    let read = api.of_detector("GET", &format!("/{kind}/{id}"), Value::Null).await.unwrap();
                    assert_eq!((&read["name"], &read["status"]), (&json!("other"), &json!("INACTIVE")));
                    api.of_detector("DELETE", &format!("/{kind}/{id}"), Value::Null).await.unwrap();
                }
                Err(error) => assert!(!is_good && error.message.contains("name"), "{kind} {name}: {}", error.message),
            }
        }
        let mut owned = set("s3://lists/a", false);
        owned["expectedBucketOwner"] = "11112222333a".into();
        assert!(api.refusal("POST", "/ipset", owned).await.contains("expectedBucketOwner"));
        api.of_detector("POST", "/ipset", set("s3://lists/a", false)).await.unwrap();
        let second = api.of_detector("POST", "/ipset", set("s3://lists/b", false)).await.unwrap_err();
        assert_eq!(second.kind, "LimitExceededException");
        assert!(api.refusal("GET", "/ipset/unknown", Value::Null).await.contains("no such resource"));
    }
}
