//! Logs in S3 buckets: `s3://bucket/prefix`.
//!
//! Credentials, region and endpoint come from where AWS's own tools take them: environment, profile (also SSO and
//! `credential_process`), web identity, container, instance role; `AWS_ENDPOINT_URL_S3` names any other S3. A bucket's
//! region is asked for. Of the key layouts that AWS gives its logs only the prefixes are listed that may hold what is
//! wanted ([`Narrowing`]); what lies otherwise is listed whole. An object that changes while it is read is an error of
//! that object.

mod credentials;
mod narrowing;
mod single;

pub use narrowing::Narrowing;
pub use single::{read_object, write_object};

use crate::list::{FoundFile, ListProblem, Listing, Problem};
use crate::queue::{Fetched, Turn};
use crate::source::{Source, to_temporary_file};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use narrowing::Decision;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const SCHEME: &str = "s3://";
/// Requests under way at one time, to list or to fetch. S3 answers thousands a second for each prefix; 32 waits of 30 ms
/// are 1,000 objects a second, more than two threads parse.
const REQUESTS_MAX: usize = 32;
/// Memory for what was fetched and waits for a thread, in KiB: an eighth of the program's budget.
const WAITING_KIB_MAX: u32 = 32 << 10;
/// Bytes of a large object that are fetched with one request, and how many such requests are under way for one reader.
const RANGE_BYTES: u64 = 4 << 20;
const RANGES_AHEAD: usize = 2;

/// A bucket and the means to ask it.
struct Bucket {
    store: AmazonS3,
    runtime: Arc<Runtime>,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.store)
    }
}

/// An object in a bucket.
#[derive(Clone, Debug)]
pub struct Object {
    bucket: Arc<Bucket>,
    key: Key,
    size: u64,
    /// The object's version: reading fails if it is another by then.
    etag: Option<String>,
}

/// Whether a path is the address of a bucket or of something in it.
pub(crate) fn is_address(path: &Path) -> bool {
    path.as_os_str().as_bytes().starts_with(SCHEME.as_bytes())
}

/// Adds the objects at and below some addresses to a listing.
pub(crate) fn list(addresses: &[PathBuf], narrowing: &Narrowing, listing: &mut Listing) {
    if addresses.is_empty() {
        return;
    }
    let runtime = match runtime() {
        Ok(runtime) => Arc::new(runtime),
        Err(cause) => return addresses.iter().for_each(|path| refuse(path, &cause, listing)),
    };
    let mut buckets: BTreeMap<&str, Arc<Bucket>> = BTreeMap::new();
    for path in addresses {
        let Some((name, prefix)) = path.to_str().and_then(|text| text.strip_prefix(SCHEME)).map(split) else {
            refuse(path, &"the address of a bucket is not UTF-8", listing);
            continue;
        };
        let bucket = match buckets.get(name) {
            Some(bucket) => bucket.clone(),
            None => match runtime.block_on(open(name, &runtime)) {
                Ok(bucket) => buckets.entry(name).or_insert(bucket).clone(),
                Err(reason) => {
                    refuse(path, &reason, listing);
                    continue;
                }
            },
        };
        let mut unlisted = Vec::new();
        let found = runtime.block_on(objects(&bucket, prefix, narrowing, &mut unlisted));
        for (prefix, reason) in unlisted {
            refuse(&PathBuf::from(format!("{SCHEME}{name}/{prefix}")), &reason, listing);
        }
        match found {
            Ok(found) if found.is_empty() => {
                refuse(path, &"there is no object at or below this address that may hold what is wanted", listing)
            }
            Ok(found) => listing.files.extend(found.into_iter().map(|object| FoundFile {
                path: PathBuf::from(format!("{SCHEME}{name}/{}", object.location)),
                size: object.size,
                source: Source::Object(Arc::new(Object {
                    bucket: bucket.clone(),
                    key: object.location,
                    size: object.size,
                    etag: object.e_tag,
                })),
            })),
            Err(error) => refuse(path, &reason(&error), listing),
        }
    }
}

/// Bucket and prefix of what follows the scheme.
fn split(address: &str) -> (&str, &str) {
    address.split_once('/').unwrap_or((address, ""))
}

fn refuse(path: &Path, reason: &dyn std::fmt::Display, listing: &mut Listing) {
    listing.problems.push(Problem { path: path.to_owned(), reason: ListProblem::Bucket(reason.to_string()) });
}

fn runtime() -> io::Result<Runtime> {
    // Fetching takes little of a processor; the threads that parse want the others.
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().thread_name("s3").build()
}

async fn open(name: &str, runtime: &Arc<Runtime>) -> Result<Arc<Bucket>, String> {
    Ok(Arc::new(Bucket { store: connect(name).await?, runtime: runtime.clone() }))
}

/// The means to ask a bucket, by its name.
async fn connect(name: &str) -> Result<AmazonS3, String> {
    if name.is_empty() {
        return Err("the address names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX".to_owned());
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
        return Err(format!("`{name}` is no name of a bucket: letters, digits, full stops and hyphens make one"));
    }
    let settings = credentials::settings().await?;
    if let Some(endpoint) = &settings.endpoint
        && !reqwest::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    {
        return Err(format!("the endpoint `{endpoint}` is no address: write https://HOST or http://HOST:PORT"));
    }
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_credentials(settings.credentials)
        .with_client_options(client_options());
    builder = match &settings.endpoint {
        // Another S3 has no names below its own for buckets, and may have no TLS within its own network.
        Some(endpoint) => builder
            .with_endpoint(endpoint)
            .with_allow_http(true)
            .with_region(settings.region.unwrap_or_else(|| "us-east-1".to_owned())),
        None => {
            let asked = object_store::aws::resolve_bucket_region(name, &client_options()).await;
            let region = asked.ok().or(settings.region).ok_or_else(|| {
                format!("the region of bucket `{name}` could not be found: is the name right? Else set AWS_REGION")
            })?;
            // A bucket whose name has dots has no certificate of its own.
            builder.with_region(region).with_virtual_hosted_style_request(!name.contains('.'))
        }
    };
    builder.build().map_err(|error| reason(&error))
}

fn client_options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

/// The object at this key, or all below this prefix that may hold what is wanted.
///
/// A key with an empty or relative part (`a//b`) cannot be read. It costs its own level only, which goes to `unlisted`:
/// then what was listed whole is listed level by level.
async fn objects(
    bucket: &Bucket,
    address: &str,
    narrowing: &Narrowing,
    unlisted: &mut Vec<(Key, String)>,
) -> object_store::Result<Vec<ObjectMeta>> {
    let prefix = Key::parse(address.trim_end_matches('/'))?;
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([prefix.clone()]);
    let mut one_by_one = false;
    let mut asked = FuturesUnordered::new();
    loop {
        while asked.len() < REQUESTS_MAX
            && let Some(prefix) = waiting.pop_front()
        {
            match narrowing.decide(prefix.as_ref()) {
                Decision::Skip => {}
                Decision::All if one_by_one => asked.push(level(&bucket.store, prefix, Decision::Descend)),
                decision => asked.push(level(&bucket.store, prefix, decision)),
            }
        }
        let Some((prefix, decision, level)) = asked.next().await else { break };
        let (objects, prefixes) = match level {
            Err(object_store::Error::InvalidPath { .. }) if decision == Decision::All => {
                one_by_one = true;
                waiting.push_back(prefix);
                continue;
            }
            Err(error @ object_store::Error::InvalidPath { .. }) => {
                unlisted
                    .push((prefix, format!("a key here cannot be read, and nothing beside it was: {}", chain(&error))));
                continue;
            }
            level => level?,
        };
        found.extend(objects.into_iter().filter(|object| narrowing.decide(object.location.as_ref()) != Decision::Skip));
        waiting.extend(prefixes);
    }
    // An object may have the name of a folder.
    if !address.is_empty()
        && !address.ends_with('/')
        && let Ok(object) = bucket.store.head(&prefix).await
    {
        found.push(object);
    }
    found.retain(|object| object.size > 0); // What some tools make to stand for a folder.
    Ok(found)
}

/// A prefix, what was asked of it, and the objects and prefixes that are there.
type Level = (Key, Decision, object_store::Result<(Vec<ObjectMeta>, Vec<Key>)>);

async fn level(store: &AmazonS3, prefix: Key, decision: Decision) -> Level {
    let found = if decision == Decision::All {
        store.list(Some(&prefix)).try_collect().await.map(|objects| (objects, Vec::new()))
    } else {
        store.list_with_delimiter(Some(&prefix)).await.map(|level| (level.objects, level.common_prefixes))
    };
    (prefix, decision, found)
}

impl Object {
    /// A reader of the whole object, which fetches ahead of what is read.
    pub(crate) fn reader(self: &Arc<Self>) -> impl Read + 'static {
        RangeReader { object: self.clone(), next: 0, under_way: VecDeque::new(), bytes: Bytes::new() }
    }

    /// The object as a file without a name.
    pub(crate) fn fetch_to_disk(self: &Arc<Self>) -> io::Result<File> {
        match to_temporary_file(self.reader())? {
            (_, Some(stopped)) => Err(stopped),
            (file, None) => Ok(file),
        }
    }

    /// The object's version, for those who remember that they have read it.
    pub fn version(&self) -> &str {
        self.etag.as_deref().unwrap_or_default()
    }

    async fn fetch(&self, range: Option<(u64, u64)>) -> io::Result<Bytes> {
        let range = range.map(|(begin, end)| GetRange::Bounded(begin..end));
        let options = GetOptions { range, if_match: self.etag.clone(), ..GetOptions::default() };
        let fetched = async { self.bucket.store.get_opts(&self.key, options).await?.bytes().await };
        fetched.await.map_err(|error| io::Error::other(reason(&error)))
    }
}

struct RangeReader {
    object: Arc<Object>,
    next: u64,
    under_way: VecDeque<JoinHandle<io::Result<Bytes>>>,
    bytes: Bytes,
}

impl Read for RangeReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            while self.under_way.len() < RANGES_AHEAD && self.next < self.object.size {
                let (object, begin) = (self.object.clone(), self.next);
                self.next = (begin + RANGE_BYTES).min(object.size);
                let end = self.next;
                let fetch = async move { object.fetch(Some((begin, end))).await };
                self.under_way.push_back(self.object.bucket.runtime.spawn(fetch));
            }
            let Some(fetch) = self.under_way.pop_front() else { return Ok(0) };
            self.bytes = self.object.bucket.runtime.block_on(fetch).map_err(io::Error::other)??;
        }
        let count = room.len().min(self.bytes.len());
        room[..count].copy_from_slice(&self.bytes.split_to(count));
        Ok(count)
    }
}

/// Begins to fetch small objects; they come in no order, each with its place.
pub(crate) fn prefetch(objects: Vec<(usize, Arc<Object>)>) -> Option<mpsc::Receiver<Turn>> {
    let runtime = objects.first()?.1.bucket.runtime.clone();
    let (send, receive) = mpsc::channel();
    runtime.spawn(async move {
        let memory = Arc::new(Semaphore::new(WAITING_KIB_MAX as usize));
        let requests = Arc::new(Semaphore::new(REQUESTS_MAX));
        for (place, object) in objects {
            let kib = u32::try_from(object.size / 1024 + 1).unwrap_or(u32::MAX).min(WAITING_KIB_MAX);
            // Both are open for as long as this runs.
            let Ok(share) = memory.clone().acquire_many_owned(kib).await else { return };
            let Ok(request) = requests.clone().acquire_owned().await else { return };
            let send = send.clone();
            tokio::spawn(async move {
                let bytes = object.fetch(None).await;
                drop(request);
                // Nobody receives any more: the scan was given up.
                let _ = send.send(Turn { place, fetched: Some(Fetched { bytes, _share: Some(share) }) });
            });
        }
    });
    Some(receive)
}

/// What went wrong, in one line, with what the user can do about the usual causes.
fn reason(error: &object_store::Error) -> String {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => "there is no such bucket or object".to_owned(),
        Error::PermissionDenied { .. } => ACCESS_REFUSED.to_owned(),
        Error::Unauthenticated { .. } => "S3 did not accept the credentials".to_owned(),
        Error::Precondition { .. } => "the object changed while it was read".to_owned(),
        other => {
            let said = chain(other);
            if said.contains("NoSuchBucket") {
                "there is no such bucket".to_owned()
            } else if said.contains("403 Forbidden") {
                ACCESS_REFUSED.to_owned()
            } else {
                said
            }
        }
    }
}

const ACCESS_REFUSED: &str = "S3 refused access: the credentials need s3:ListBucket and s3:GetObject there";

/// An error and its causes in one line, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
