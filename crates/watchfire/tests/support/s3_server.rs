//! A small S3 server: `ListObjectsV2` with prefix, delimiter and pages, `HeadObject`, `GetObject` with ranges.
//!
//! It keeps a journal of requests, can fail some, and refuses whoever does not sign: each signature is made again from the
//! request as it came (AWS's Signature Version 4, with S3's own rules for keys), so a key that was changed on the way, or
//! escaped otherwise than it was signed, is refused. Through a proxy (`GET http://BUCKET.HOST/KEY`) it answers too.
#![allow(clippy::unwrap_used, reason = "a test server that cannot serve should fail at once")]

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
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
    /// What is answered to each request for a listing instead of one; if it is empty, that it is forbidden.
    pub no_listing: Mutex<Option<String>>,
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
    // Through a proxy the target is a whole address, and the bucket may stand in its host.
    let (host, target) = match target.strip_prefix("http://").and_then(|rest| Some((rest, rest.find('/')?))) {
        Some((rest, end)) => rest.split_at(end),
        None => ("", target),
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !is_signed(method, path, query, headers) {
        return ("403 Forbidden", String::new(), b"<Error><Code>SignatureDoesNotMatch</Code></Error>".to_vec());
    }
    let key = if host.starts_with("logs.") { Some(path) } else { path.strip_prefix("/logs") };
    let Some(key) = key.filter(|key| key.is_empty() || key.starts_with('/')) else {
        return ("404 Not Found", String::new(), b"<Error><Code>NoSuchBucket</Code></Error>".to_vec());
    };
    let key = decoded(key.strip_prefix('/').unwrap_or_default());
    if key.is_empty() {
        if let Some(other) = bucket.no_listing.lock().unwrap().as_ref() {
            if other.is_empty() {
                return ("403 Forbidden", String::new(), b"<Error><Code>AccessDenied</Code></Error>".to_vec());
            }
            return ("200 OK", String::new(), other.clone().into_bytes());
        }
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

/// Whether the signature is the one that the key `test` and the secret `test` give.
fn is_signed(method: &str, path: &str, query: &str, headers: &BTreeMap<String, String>) -> bool {
    let Some(rest) = headers.get("authorization").and_then(|value| value.strip_prefix("AWS4-HMAC-SHA256 ")) else {
        return false;
    };
    let part = |name: &str| rest.split(", ").find_map(|part| part.strip_prefix(name)).unwrap_or_default();
    let (scope, names, signature) = (part("Credential=test/"), part("SignedHeaders="), part("Signature="));
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    let mut sorted: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    sorted.sort();
    let mut request = format!("{method}\n{path}\n{}\n", sorted.join("&"));
    names.split(';').for_each(|name| writeln!(request, "{name}:{}", header(name)).unwrap());
    write!(request, "\n{names}\n{}", header("x-amz-content-sha256")).unwrap();
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", header("x-amz-date"), hex(&Sha256::digest(request.as_bytes())));
    let key = scope.split('/').fold(b"AWS4test".to_vec(), |key, part| hmac(&key, part.as_bytes()));
    hex(&hmac(&key, to_sign.as_bytes())) == signature
}

/// RFC 2104, with keys that are no longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
                let entry = format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(&common));
                entries.push((common, entry));
            }
        } else {
            let entry = format!(
                "<Contents><Key>{}</Key><LastModified>2026-03-10T10:00:00.000Z</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>",
                escaped(key),
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
        Some((name, _)) if is_cut => format!("<NextContinuationToken>{}</NextContinuationToken>", escaped(name)),
        _ => String::new(),
    };
    let entries: String = entries.into_iter().map(|(_, entry)| entry).collect();
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult><Name>logs</Name><IsTruncated>{is_cut}</IsTruncated>{next}{entries}</ListBucketResult>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
