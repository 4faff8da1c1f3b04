//! The three requests that reading S3 takes: list a prefix, look at an object, get bytes of it.
//!
//! Keys go into addresses byte for byte. A general client of the web takes parts such as `.`, `..` and nothing (`a//b`) out of
//! an address, and an object of that name could not be read.

use super::answers::{ErrorAnswer, Page};
use super::credentials::Credentials;
use super::failure::Failure;
use aws_credential_types::Credentials as Keys;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use xxhash_rust::xxh3::xxh3_64;

/// How often a request is made before it is given up. An S3 that is busy or splits a prefix wants some seconds.
const ATTEMPTS_MAX: u32 = 9;

/// The same while nothing ever came from the server: more likely than a passing fault is an address that is wrong.
const FIRST_ATTEMPTS_MAX: u32 = 3;

/// How long is waited in between: from 0.1 s, twice as long each time, to 10 s; half a minute together.
const WAIT_MS_FIRST: u64 = 100;
const WAIT_MS_MAX: u64 = 10_000;

/// A server that does not take a connection, or sends nothing, for so long is asked again.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Bytes of an answer that is no object: a page of a listing has 1,000 keys of up to 1,024 bytes, escaped.
const ANSWER_BYTES_MAX: u64 = 32 << 20;

/// Where the objects of a bucket are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Scheme and host, without a slash at the end.
    origin: String,
    /// What stands before each key: `/`, or `/BUCKET/`.
    root: String,
    region: String,
}

/// A bucket, and the means to ask it.
pub(super) struct Client {
    place: Place,
    credentials: Credentials,
    connector: Connector,
    settings: SigningSettings,
    has_answered: AtomicBool,
}

/// An object as a listing shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) size: u64,
    /// The mark of its version; empty if the server gives none.
    pub(super) etag: String,
}

impl Place {
    /// A bucket of Amazon's in this region.
    ///
    /// The bucket's name goes into the host, unless its dots would spoil the certificate.
    pub(super) fn of_amazon(bucket: &str, region: &str) -> Self {
        let suffix = match region.split('-').next() {
            Some("cn") => "amazonaws.com.cn",
            Some("eusc") => "amazonaws.eu",
            _ => "amazonaws.com",
        };
        let (host, root) = if is_host_label(bucket) {
            (format!("{bucket}.s3.{region}.{suffix}"), "/".to_owned())
        } else {
            (format!("s3.{region}.{suffix}"), format!("/{bucket}/"))
        };
        Self { origin: format!("https://{host}"), root, region: region.to_owned() }
    }

    /// A bucket of another S3, which has it in its path, or in its host's name if it `is_virtual`. `None` if the endpoint is
    /// no address.
    pub(super) fn of_endpoint(endpoint: &str, bucket: &str, region: &str, is_virtual: bool) -> Option<Self> {
        let (scheme, rest) = endpoint.split_once("://")?;
        let (host, path) = rest.trim_end_matches('/').split_once('/').unwrap_or((rest.trim_end_matches('/'), ""));
        let scheme = scheme.to_ascii_lowercase();
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if !matches!(scheme.as_str(), "http" | "https") || host.is_empty() || !host.bytes().all(is_host) {
            return None;
        }
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        let (host, root) = if is_virtual {
            (format!("{bucket}.{host}"), format!("{path}/"))
        } else {
            (host.to_owned(), format!("{path}/{bucket}/"))
        };
        Some(Self { origin: format!("{scheme}://{host}"), root, region: region.to_owned() })
    }

    /// The address of an object.
    fn object(&self, key: &str) -> String {
        let mut address = format!("{}{}", self.origin, self.root);
        escape(key, b"/", &mut address);
        address
    }

    /// The address of a page of a listing.
    fn listing(&self, prefix: &str, delimiter: &str, token: &str) -> String {
        // A bucket in the path has no slash behind it: some servers take that for an object without a name.
        let root = if self.root == "/" { "/" } else { self.root.trim_end_matches('/') };
        let mut address = format!("{}{root}?list-type=2", self.origin);
        for (name, value) in [("prefix", prefix), ("delimiter", delimiter), ("continuation-token", token)] {
            if !value.is_empty() {
                let _ = write!(address, "&{name}=");
                escape(value, b"", &mut address);
            }
        }
        address
    }
}

/// Whether a bucket's name can be part of a host's name that a certificate covers.
fn is_host_label(bucket: &str) -> bool {
    bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Writes text as part of an address; of RFC 3986's characters only the unreserved ones, and `plain`, stay as they are.
fn escape(text: &str, plain: &[u8], address: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
}

fn connector() -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIME_MAX).read_timeout(SILENCE_MAX).build();
    Connector::builder()
        .connector_settings(settings)
        .pool_max_idle_per_host(super::REQUESTS_MAX)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build()
}

/// The region of one of Amazon's buckets; anybody may ask for it. `None` if there is no such bucket, or no answer.
pub(super) async fn region_of(bucket: &str) -> Option<String> {
    let place = Place::of_amazon(bucket, "us-east-1");
    let mut request = HttpRequest::get(place.object("")).ok()?;
    request.set_method("HEAD").ok()?;
    let answer = connector().call(request).await.ok()?;
    answer.headers().get("x-amz-bucket-region").map(str::to_owned)
}

impl Client {
    pub(super) fn new(place: Place, credentials: Credentials) -> Self {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        Self { place, credentials, connector: connector(), settings, has_answered: AtomicBool::new(false) }
    }

    /// Scheme and host, to be shown.
    pub(super) fn origin(&self) -> &str {
        &self.place.origin
    }

    /// Objects whose keys begin with a prefix: all of them, or with a delimiter those of one level and the prefixes below.
    pub(super) async fn list(&self, prefix: &str, delimiter: &str) -> Result<(Vec<Found>, Vec<String>), Failure> {
        let (mut objects, mut prefixes, mut token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let address = self.place.listing(prefix, delimiter, &token);
            let body = self.ask("GET", &address, &[], Expected::AtMost(ANSWER_BYTES_MAX)).await?.1;
            let page = Page::read(&body).ok_or_else(|| Failure::NoListing { origin: self.place.origin.clone() })?;
            objects.extend(page.objects);
            prefixes.extend(page.prefixes);
            match page.next {
                None if page.is_cut => return Err(Failure::CutListing),
                None => return Ok((objects, prefixes)),
                Some(next) if next == token => return Err(Failure::CutListing),
                Some(next) => token = next,
            }
        }
    }

    /// The object with this key.
    pub(super) async fn head(&self, key: &str) -> Result<Found, Failure> {
        let (answer, _) = self.ask("HEAD", &self.place.object(key), &[], Expected::Nothing).await?;
        let header = |name: &str| answer.headers().get(name).unwrap_or_default();
        Ok(Found {
            key: key.to_owned(),
            size: header("content-length").parse().unwrap_or(0),
            etag: header("etag").to_owned(),
        })
    }

    /// An object's bytes from `begin` to before `end`. All of an object is asked for without a range.
    pub(super) async fn get(&self, object: &Found, begin: u64, end: u64) -> Result<Bytes, Failure> {
        let range = format!("bytes={begin}-{}", end.saturating_sub(1));
        let mut headers = Vec::new();
        if !object.etag.is_empty() {
            headers.push(("if-match", object.etag.as_str()));
        }
        if begin > 0 || end < object.size {
            headers.push(("range", &range));
        }
        let address = self.place.object(&object.key);
        Ok(self.ask("GET", &address, &headers, Expected::Exactly(end - begin)).await?.1)
    }

    /// Asks until there is an answer that counts.
    async fn ask(
        &self,
        method: &str,
        address: &str,
        headers: &[(&'static str, &str)],
        expected: Expected,
    ) -> Result<(HttpResponse, Bytes), Failure> {
        let mut attempt = 1;
        loop {
            let failure = match self.ask_once(method, address, headers, expected).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let is_known = self.has_answered.load(Ordering::Relaxed);
            let attempts_max = if is_known { ATTEMPTS_MAX } else { FIRST_ATTEMPTS_MAX };
            if !failure.may_pass() || attempt >= attempts_max {
                return Err(failure);
            }
            tokio::time::sleep(wait(address, attempt)).await;
            attempt += 1;
        }
    }

    async fn ask_once(
        &self,
        method: &str,
        address: &str,
        headers: &[(&'static str, &str)],
        expected: Expected,
    ) -> Result<(HttpResponse, Bytes), Failure> {
        let keys = self.credentials.get().await.map_err(Failure::Credentials)?;
        let request = self.signed(method, address, headers, keys).map_err(Failure::Request)?;
        let called = self.connector.call(request).await;
        let mut answer = called.map_err(|error| Failure::Connection(super::chain(&error)))?;
        self.has_answered.store(true, Ordering::Relaxed);
        let status = answer.status().as_u16();
        let body = ByteStream::new(std::mem::replace(answer.body_mut(), SdkBody::empty()));
        if !(200..300).contains(&status) {
            // What could be read of it may still say why.
            let body = collect(body, Expected::AtMost(ANSWER_BYTES_MAX)).await.unwrap_or_default();
            let region = answer.headers().get("x-amz-bucket-region").map(str::to_owned);
            return Err(Failure::of_answer(status, ErrorAnswer::read(&body), region));
        }
        match expected {
            Expected::Nothing => Ok((answer, Bytes::new())),
            // The server read over the range, and would send all of it.
            Expected::Exactly(_) if status != 206 && headers.iter().any(|(name, _)| *name == "range") => {
                Err(Failure::NoRanges)
            }
            expected => Ok((answer, collect(body, expected).await?)),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a signature bears the moment; no finding depends on it")]
    fn signed(
        &self,
        method: &str,
        address: &str,
        headers: &[(&'static str, &str)],
        keys: Keys,
    ) -> Result<HttpRequest, String> {
        let identity: Identity = keys.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.place.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(self.settings.clone())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let signable = SignableRequest::new(method, address, headers.iter().copied(), SignableBody::Bytes(b""))
            .map_err(|error| super::chain(&error))?;
        let (instructions, _) = sign(signable, &params).map_err(|error| super::chain(&error))?.into_parts();
        let mut request = HttpRequest::get(address).map_err(|error| super::chain(&error))?;
        request.set_method(method).map_err(|error| super::chain(&error))?;
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            let (name, value) = (name.to_owned(), value.to_owned());
            request.headers_mut().try_insert(name, value).map_err(|error| super::chain(&error))?;
        }
        Ok(request)
    }
}

/// How much an answer should hold.
#[derive(Clone, Copy)]
enum Expected {
    Nothing,
    AtMost(u64),
    Exactly(u64),
}

/// All of an answer's body; a connection that falls silent, and more or less than was expected, are failures.
async fn collect(mut body: ByteStream, expected: Expected) -> Result<Bytes, Failure> {
    let (room, max) = match expected {
        Expected::Nothing => (0, 0),
        Expected::AtMost(max) => (0, max),
        Expected::Exactly(size) => (size, size),
    };
    let (mut first, mut whole) = (Bytes::new(), Vec::new());
    loop {
        let next = tokio::time::timeout(SILENCE_MAX, body.next()).await;
        let chunk = match next.map_err(|_| Failure::Connection("the server fell silent".to_owned()))? {
            None => break,
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Err(Failure::Connection(super::chain(&error))),
        };
        if (first.len() + whole.len() + chunk.len()) as u64 > max {
            return Err(Failure::Length);
        }
        match (first.is_empty(), whole.is_empty()) {
            // Often there is but one.
            (true, true) => first = chunk,
            (false, _) => {
                whole.reserve_exact(usize::try_from(room).unwrap_or(0).max(first.len() + chunk.len()));
                whole.extend_from_slice(&std::mem::take(&mut first));
                whole.extend_from_slice(&chunk);
            }
            (true, false) => whole.extend_from_slice(&chunk),
        }
    }
    let bytes = if whole.is_empty() { first } else { whole.into() };
    match expected {
        Expected::Exactly(size) if bytes.len() as u64 != size => Err(Failure::Length),
        _ => Ok(bytes),
    }
}

/// How long to wait after so many attempts: half of the time and up to as much again, which differs from object to object, so
/// that not all come back at once.
fn wait(address: &str, attempt: u32) -> Duration {
    let whole = WAIT_MS_FIRST.saturating_mul(1 << attempt.min(16)).min(WAIT_MS_MAX);
    Duration::from_millis(whole / 2 + (xxh3_64(address.as_bytes()) >> attempt) % (whole / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_in_its_address_byte_for_byte() {
        let place = Place::of_amazon("logs", "eu-west-1");
        assert_eq!(place.object("a//b/../c/./d"), "https://logs.s3.eu-west-1.amazonaws.com/a//b/../c/./d");
        assert_eq!(place.object("/x y+z%?#é"), "https://logs.s3.eu-west-1.amazonaws.com//x%20y%2Bz%25%3F%23%C3%A9");
        assert_eq!(
            place.listing("a b/", "/", "1+2="),
            "https://logs.s3.eu-west-1.amazonaws.com/?list-type=2&prefix=a%20b%2F&delimiter=%2F&continuation-token=1%2B2%3D"
        );
    }

    #[test]
    fn a_bucket_is_named_in_the_host_or_in_the_path() {
        let of = |bucket, region| Place::of_amazon(bucket, region).object("k");
        assert_eq!(of("my.logs", "us-east-1"), "https://s3.us-east-1.amazonaws.com/my.logs/k");
        assert_eq!(of("logs", "cn-north-1"), "https://logs.s3.cn-north-1.amazonaws.com.cn/k");
        assert_eq!(of("logs", "eusc-de-east-1"), "https://logs.s3.eusc-de-east-1.amazonaws.eu/k");
        let at = |endpoint, is_virtual| Some(Place::of_endpoint(endpoint, "logs", "x", is_virtual)?.object("k"));
        assert_eq!(at("http://127.0.0.1:9000", false).as_deref(), Some("http://127.0.0.1:9000/logs/k"));
        assert_eq!(at("https://s3.example.com/", true).as_deref(), Some("https://logs.s3.example.com/k"));
        assert_eq!(at("HTTPS://gate.example.com/s3/", false).as_deref(), Some("https://gate.example.com/s3/logs/k"));
        assert_eq!(at("http://[::1]:9000", false).as_deref(), Some("http://[::1]:9000/logs/k"));
        for bad in ["127.0.0.1:1", "ftp://x", "https://", "https://a b", "https://user@host"] {
            assert_eq!(at(bad, false), None, "{bad}");
        }
        let listing = Place::of_endpoint("http://h", "logs", "x", false).map(|place| place.listing("", "", ""));
        assert_eq!(listing.as_deref(), Some("http://h/logs?list-type=2"));
    }

    #[test]
    fn waits_grow_and_differ() {
        let waits: Vec<u128> = (1..ATTEMPTS_MAX).map(|attempt| wait("a", attempt).as_millis()).collect();
        assert!(waits[0] >= 100 && waits[0] < 200 && waits.iter().all(|&ms| ms <= 10_000), "{waits:?}");
        assert!(waits.iter().sum::<u128>() < 45_000, "{waits:?}");
        assert_ne!(wait("a", 1), wait("b", 1));
    }
}
