//! Logs in S3 buckets: `s3://bucket/prefix`.
//!
//! Credentials, region and endpoint come from where AWS's own tools take them: environment, profile (also SSO and
//! `credential_process`), web identity, container, instance role; `AWS_ENDPOINT_URL_S3` names any other S3. A bucket's
//! region is asked for. Of the key layouts that AWS gives its logs only the prefixes are listed that may hold what is
//! wanted ([`Narrowing`]); what lies otherwise is listed whole. An object that changes while it is read is an error of
//! that object.

mod answers;
mod client;
mod credentials;
mod failure;
mod narrowing;

pub use narrowing::Narrowing;

use crate::list::{FoundFile, ListProblem, Listing, Problem};
use crate::queue::{Fetched, Turn};
use crate::source::{Source, to_temporary_file};
use bytes::Bytes;
use client::{Client, Found, Place};
use failure::Failure;
use futures_util::stream::{FuturesUnordered, StreamExt};
use narrowing::Decision;
use std::collections::{BTreeMap, HashSet, VecDeque};
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
    client: Client,
    runtime: Arc<Runtime>,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.client.origin())
    }
}

/// An object in a bucket. Reading fails if it is another than was listed by then.
#[derive(Clone, Debug)]
pub struct Object {
    bucket: Arc<Bucket>,
    found: Found,
}

/// Whether a path is the address of a bucket or of something in it.
pub(crate) fn is_address(path: &Path) -> bool {
    path.as_os_str().as_bytes().starts_with(SCHEME.as_bytes())
}

/// Adds the objects at and below some addresses to a listing. An object below several of them is taken once.
pub(crate) fn list(addresses: &[PathBuf], narrowing: &Narrowing, listing: &mut Listing) {
    if addresses.is_empty() {
        return;
    }
    let runtime = match runtime() {
        Ok(runtime) => Arc::new(runtime),
        Err(cause) => return addresses.iter().for_each(|path| refuse(path, &cause, listing)),
    };
    let mut buckets: BTreeMap<&str, Arc<Bucket>> = BTreeMap::new();
    // One address gives each object once; of a million objects their names would be kept twice.
    let mut taken = (addresses.len() > 1).then(HashSet::new);
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
        match runtime.block_on(objects(&bucket.client, prefix, narrowing)) {
            Ok(found) if found.is_empty() => {
                refuse(path, &"there is no object at or below this address that may hold what is wanted", listing)
            }
            Ok(found) => {
                for found in found {
                    let path = PathBuf::from(format!("{SCHEME}{name}/{}", found.key));
                    if taken.as_mut().is_none_or(|taken| taken.insert(path.clone())) {
                        let size = found.size;
                        let source = Source::Object(Arc::new(Object { bucket: bucket.clone(), found }));
                        listing.files.push(FoundFile { path, size, source });
                    }
                }
            }
            Err(failure) => refuse(path, &failure, listing),
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
    if name.is_empty() {
        return Err("the address names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX".to_owned());
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
        return Err(format!("`{name}` is no name of a bucket: letters, digits, full stops and hyphens make one"));
    }
    let settings = credentials::settings().await?;
    let place = match &settings.endpoint {
        Some(endpoint) => {
            let region = settings.region.as_deref().unwrap_or("us-east-1");
            Place::of_endpoint(endpoint, name, region, settings.is_virtual).ok_or_else(|| {
                format!("the endpoint `{endpoint}` is no address: write https://HOST or http://HOST:PORT")
            })?
        }
        None => {
            let region = client::region_of(name).await.or(settings.region).ok_or_else(|| {
                format!("the region of bucket `{name}` could not be found: is the name right? Else set AWS_REGION")
            })?;
            Place::of_amazon(name, &region)
        }
    };
    Ok(Arc::new(Bucket { client: Client::new(place, settings.credentials), runtime: runtime.clone() }))
}

/// The object at this key, and all below this prefix that may hold what is wanted.
async fn objects(client: &Client, address: &str, narrowing: &Narrowing) -> Result<Vec<Found>, Failure> {
    let is_folder = address.is_empty() || address.ends_with('/');
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([if is_folder { address.to_owned() } else { format!("{address}/") }]);
    let mut asked = FuturesUnordered::new();
    loop {
        while asked.len() < REQUESTS_MAX
            && let Some(prefix) = waiting.pop_front()
        {
            let delimiter = match narrowing.decide(&prefix) {
                Decision::Skip => continue,
                Decision::All => "",
                Decision::Descend => "/",
            };
            asked.push(async move { client.list(&prefix, delimiter).await });
        }
        let Some(level) = asked.next().await else { break };
        let (objects, prefixes) = match level {
            // Whoever may read an object need not be allowed to list what is beside it.
            Err(Failure::Refused) if !is_folder => {
                return client.head(address).await.map(|object| vec![object]).map_err(|_| Failure::Refused);
            }
            level => level?,
        };
        found.extend(objects.into_iter().filter(|object| narrowing.decide(&object.key) != Decision::Skip));
        waiting.extend(prefixes);
    }
    // An object may have the name of a folder.
    if !is_folder && let Ok(object) = client.head(address).await {
        found.push(object);
    }
    found.retain(|object| object.size > 0 || !object.key.ends_with('/')); // What some tools make to stand for a folder.
    Ok(found)
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
        &self.found.etag
    }

    async fn fetch(&self, begin: u64, end: u64) -> io::Result<Bytes> {
        self.bucket.client.get(&self.found, begin, end).await.map_err(io::Error::other)
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
            while self.under_way.len() < RANGES_AHEAD && self.next < self.object.found.size {
                let (object, begin) = (self.object.clone(), self.next);
                self.next = (begin + RANGE_BYTES).min(object.found.size);
                let end = self.next;
                let fetch = async move { object.fetch(begin, end).await };
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
            let kib = u32::try_from(object.found.size / 1024 + 1).unwrap_or(u32::MAX).min(WAITING_KIB_MAX);
            // Both are open for as long as this runs.
            let Ok(share) = memory.clone().acquire_many_owned(kib).await else { return };
            let Ok(request) = requests.clone().acquire_owned().await else { return };
            let send = send.clone();
            tokio::spawn(async move {
                let bytes = object.fetch(0, object.found.size).await;
                drop(request);
                // Nobody receives any more: the scan was given up.
                let _ = send.send(Turn { place, fetched: Some(Fetched { bytes, _share: Some(share) }) });
            });
        }
    });
    Some(receive)
}

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
