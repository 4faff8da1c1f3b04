//! A small S3 server: `ListObjectsV2` with prefix, delimiter and pages, `HeadObject`, `GetObject` with ranges.
//!
//! It keeps a journal of requests, can fail some, and refuses whoever does not sign. Signatures are not verified: that
//! would test the library that makes them.
#![allow(clippy::unwrap_used, reason = "a test server that cannot serve should fail at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Objects in one page of a listing, unless set otherwise: few, so that tests see several pages.
const PAGE: usize = 3;

#[derive(Default)]
pub struct Bucket {
    pub objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// "LIST prefix" and "GET key", in order.
    pub journal: Mutex<Vec<String>>,
    /// How many of the next GET requests are answered with 503.
    pub failing: AtomicU64,
    /// How long each GET waits.
    pub delay_ms: AtomicU64,
    /// Objects in one page of a listing.
    pub page: AtomicUsize,
}

pub struct S3Server {
    pub endpoint: String,
    pub bucket: Arc<Bucket>,
}

impl S3Server {
    /// Serves a bucket named `logs` until the process ends.
    pub fn start(objects: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bucket = Arc::new(Bucket {
            objects: Mutex::new(objects.into_iter().collect()),
            page: AtomicUsize::new(PAGE),
            ..Bucket::default()
        });
        let shared = bucket.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bucket = shared.clone();
                std::thread::spawn(move || serve(stream, &bucket));
            }
        });
        Self { endpoint, bucket }
    }

    /// What was asked for, of this kind (`LIST` or `GET`).
    pub fn asked(&self, kind: &str) -> Vec<String> {
        let journal = self.bucket.journal.lock().unwrap();
        journal.iter().filter_map(|line| line.strip_prefix(kind)).map(|rest| rest.trim().to_owned()).collect()
    }
}

fn serve(mut stream: TcpStream, bucket: &Bucket) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((method, target, headers)) = request(&mut reader) {
        let (status, extra, body) = answer(bucket, &method, &target, &headers);
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{extra}\r\n");
        let body: &[u8] = if method == "HEAD" { b"" } else { &body };
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_err() {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<(String, String, BTreeMap<String, String>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Some((method, target, headers))
}

fn answer(
    bucket: &Bucket,
    method: &str,
    target: &str,
    headers: &BTreeMap<String, String>,
) -> (&'static str, String, Vec<u8>) {
    let signed =
        headers.get("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 Credential=test/"));
    if !signed {
        return ("403 Forbidden", String::new(), b"<Error><Code>AccessDenied</Code></Error>".to_vec());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(key) = path.strip_prefix("/logs") else {
        return ("404 Not Found", String::new(), b"<Error><Code>NoSuchBucket</Code></Error>".to_vec());
    };
    let key = decoded(key.trim_start_matches('/'));
    if key.is_empty() {
        return ("200 OK", "content-type: application/xml\r\n".to_owned(), list(bucket, query).into_bytes());
    }
    let objects = bucket.objects.lock().unwrap();
    let Some(object) = objects.get(&key) else {
        return ("404 Not Found", String::new(), b"<Error><Code>NoSuchKey</Code></Error>".to_vec());
    };
    if method == "GET" {
        bucket.journal.lock().unwrap().push(format!("GET {key}"));
        if bucket.failing.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return ("503 Slow Down", String::new(), b"<Error><Code>SlowDown</Code></Error>".to_vec());
        }
        std::thread::sleep(std::time::Duration::from_millis(bucket.delay_ms.load(Ordering::SeqCst)));
    }
    let about = format!("etag: \"{}\"\r\nlast-modified: Tue, 10 Mar 2026 10:00:00 GMT\r\n", etag(object));
    if headers.get("if-match").is_some_and(|wanted| wanted.trim_matches('"') != etag(object)) {
        return ("412 Precondition Failed", String::new(), Vec::new());
    }
    match headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) {
        Some((begin, end)) if method == "GET" => {
            let (begin, end): (usize, usize) = (begin.parse().unwrap(), end.parse().unwrap());
            let end = end.min(object.len() - 1);
            let range = format!("content-range: bytes {begin}-{end}/{}\r\n", object.len());
            ("206 Partial Content", about + &range, object[begin..=end].to_vec())
        }
        _ => ("200 OK", about, object.clone()),
    }
}

fn etag(object: &[u8]) -> String {
    format!("{:x}-{}", object.iter().fold(7u64, |hash, &byte| hash.wrapping_mul(31) ^ u64::from(byte)), object.len())
}

fn list(bucket: &Bucket, query: &str) -> String {
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(decoded).unwrap_or_default()
    };
    let (prefix, delimiter, after) = (value("prefix"), value("delimiter"), value("continuation-token"));
    bucket.journal.lock().unwrap().push(format!("LIST {prefix}"));
    let objects = bucket.objects.lock().unwrap();
    let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
    for (key, object) in objects.iter().filter(|(key, _)| key.starts_with(&prefix)) {
        let below = &key[prefix.len()..];
        if let Some(end) = below.find('/').filter(|_| !delimiter.is_empty()) {
            let common = format!("{prefix}{}", &below[..=end]);
            if seen.insert(common.clone()) {
                let entry = format!("<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>");
                entries.push((common, entry));
            }
        } else {
            let entry = format!(
                "<Contents><Key>{key}</Key><LastModified>2026-03-10T10:00:00.000Z</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>",
                etag(object),
                object.len()
            );
            entries.push((key.clone(), entry));
        }
    }
    entries.retain(|(name, _)| *name > after);
    let page = bucket.page.load(Ordering::SeqCst);
    let is_cut = entries.len() > page;
    entries.truncate(page);
    let next = match entries.last() {
        Some((name, _)) if is_cut => format!("<NextContinuationToken>{name}</NextContinuationToken>"),
        _ => String::new(),
    };
    let entries: String = entries.into_iter().map(|(_, entry)| entry).collect();
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult><Name>logs</Name><IsTruncated>{is_cut}</IsTruncated>{next}{entries}</ListBucketResult>"
    )
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' && after.len() >= 2 {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
