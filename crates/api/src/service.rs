//! One request of HTTP and its answer: who signed, what for, and what to say.

use crate::buckets::{Buckets, NoBuckets};
use crate::call::Caller;
use crate::console::{self, Ask, Console, Fields, Inlet, is_for_console};
use crate::dispatch::{self, dispatch};
use crate::error::{ApiError, ErrorClass};
use crate::keys::{self, KeyError, Keyring, SealingKey};
use crate::operation::recognise;
use crate::own;
use crate::prices::Prices;
use crate::rate::Rate;
use crate::sigv4::{Claim, Signed, hex, pairs};
use crate::sts;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use watchfire_store::{Range, Store};

/// The largest body that is read. Ours: the largest request that the model allows is below 200 kB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away, and for how long, before it is refused.
const DRAIN_BYTES_MAX: usize = 8 * 1024 * 1024;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// Memory that bodies on their way may take together, in KiB; further requests wait.
const BODIES_KIB_MAX: u32 = 64 * 1024;

/// How long a body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Requests that are worked on at the same time; further ones wait.
const WORKING_MAX: usize = 256;

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system.
    #[default]
    System,
    /// It stands still: for tests.
    Stopped(Timestamp),
}

impl Clock {
    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Stopped(moment) => *moment,
        }
    }
}

/// How a service is set.
#[derive(Clone)]
pub struct Settings {
    /// Requests a second that one access key may make on average; twice as many at once. `None` is no bound.
    pub requests_per_second: Option<u32>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Tells the operator what went wrong on our side, in one line.
    pub report: Arc<dyn Fn(&str) + Send + Sync>,
    /// Objects in S3.
    pub buckets: Arc<dyn Buckets>,
    /// What usage is said to cost.
    pub prices: Prices,
}

/// Ours: far above what one program does on purpose, far below what would keep others out.
const REQUESTS_PER_SECOND: u32 = 2_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_per_second: Some(REQUESTS_PER_SECOND),
            clock: Clock::System,
            report: Arc::new(|_| {}),
            buckets: Arc::new(NoBuckets),
            prices: Prices::shipped(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("requests_per_second", &self.requests_per_second)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// The GuardDuty API over a store.
pub struct Service {
    /// What is kept.
    pub(crate) store: Store,
    /// Who may call.
    pub(crate) keys: Keyring,
    /// The time.
    pub(crate) clock: Clock,
    /// Objects in S3.
    pub(crate) buckets: Arc<dyn Buckets>,
    /// What usage is said to cost.
    pub(crate) prices: Prices,
    /// Who has signed in to the console.
    pub(crate) console: Console,
    rate: Option<Rate>,
    report: Arc<dyn Fn(&str) + Send + Sync>,
    bodies: Semaphore,
    working: Semaphore,
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").field("store", &self.store).finish_non_exhaustive()
    }
}

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// What the caller asked, its signature apart.
struct Asked {
    method: Method,
    raw_path: String,
    raw_query: String,
}

impl Service {
    /// A service over a store, whose secrets are sealed with this key.
    pub fn new(store: Store, sealing: SealingKey, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            keys: Keyring::new(store.clone(), sealing),
            store,
            clock: settings.clock,
            rate: settings.requests_per_second.map(Rate::new),
            report: settings.report,
            buckets: settings.buckets,
            prices: settings.prices,
            console: Console::default(),
            bodies: Semaphore::new(BODIES_KIB_MAX as usize),
            working: Semaphore::new(WORKING_MAX),
        })
    }

    /// The access keys.
    pub fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// Tells the operator something.
    pub(crate) fn report(&self, line: &str) {
        (self.report)(line);
    }

    /// Answers a request, whatever it is.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => return plain(StatusCode::OK, "ok\n"),
            (&Method::GET | &Method::HEAD, "/readyz") => return self.readiness().await,
            _ => {}
        }
        let query = request.uri().query().unwrap_or_default();
        if is_for_console(request.method(), request.uri().path(), query, request.headers()) {
            return self.answer_console(request).await;
        }
        let asked = Asked {
            method: request.method().clone(),
            raw_path: request.uri().path().to_owned(),
            raw_query: request.uri().query().unwrap_or_default().to_owned(),
        };
        let is_sts = asked.raw_path == "/";
        let outcome = self.answer_signed(&asked, request, is_sts).await;
        let request_id = request_id();
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                if let Some(cause) = &error.cause {
                    (self.report)(&format!("{} {}: {cause}", asked.method, asked.raw_path));
                }
                if is_sts { sts::refusal(&error, &request_id) } else { refusal(&error) }
            }
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert("x-amzn-requestid", id);
        }
        answer
    }

    /// A request of the console, once its form has arrived.
    async fn answer_console(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let (form, _memory) = match self.read_body(body).await {
            Ok(read) => read,
            Err(error) => return refusal(&error),
        };
        let Ok(_working) = self.working.acquire().await else { return panicked() };
        let ask = Ask {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: Fields::read(head.uri.query().unwrap_or_default()),
            headers: head.headers,
            form: Fields::read(&String::from_utf8_lossy(&form)),
            inlet: head.extensions.get::<Inlet>().copied().unwrap_or_default(),
        };
        console::answer(&self, ask).await
    }

    /// Whether a key may ask once more now.
    pub(crate) fn admits(&self, access_key_id: &str) -> bool {
        let now = self.clock.now().as_millisecond();
        self.rate.as_ref().is_none_or(|rate| rate.admits(access_key_id, now))
    }

    async fn readiness(&self) -> Answer {
        let any = Range { kind: "detector", account: None, region: None, parent: None };
        match self.store.documents(&any, None, 1).await {
            Ok(_) => plain(StatusCode::OK, "ready\n"),
            Err(error) => {
                (self.report)(&format!("not ready: {error}"));
                plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
            }
        }
    }

    async fn answer_signed(
        self: &Arc<Self>,
        asked: &Asked,
        request: Request<Incoming>,
        is_sts: bool,
    ) -> Result<Answer, ApiError> {
        let (head, body) = request.into_parts();
        let signed = Signed {
            method: asked.method.as_str(),
            raw_path: &asked.raw_path,
            raw_query: &asked.raw_query,
            headers: &head.headers,
        };
        // Everything that can be refused without the body is refused before it is read.
        let claim = Claim::read(&signed)?;
        let unknown = "The security token included in the request is invalid.";
        let unknown = || ApiError::of(ErrorClass::UnrecognizedClient, unknown);
        if claim.has_session_token {
            return Err(unknown()); // No session was ever opened here.
        }
        let issued = self.keys.find(&claim.access_key_id).await?.ok_or_else(unknown)?;
        claim.check_time(self.clock.now())?;
        let wanted = if is_sts { "sts" } else { "guardduty" };
        if claim.service != wanted {
            let message = format!("Credential should be scoped to correct service: '{wanted}'.");
            return Err(ApiError::of(ErrorClass::InvalidSignature, message));
        }
        let (body, _memory) = self.read_body(body).await?;
        claim.verify(&signed, &body, &issued.secret)?;
        if !self.admits(&claim.access_key_id) {
            return Err(ApiError::of(ErrorClass::TooManyRequests, "Rate exceeded"));
        }
        // Only who has proved who they are takes a place, so that others cannot fill them.
        let _working = self.working.acquire().await.map_err(ApiError::internal)?;
        let caller =
            Caller { account: issued.key.account, access_key_id: claim.access_key_id, policy: issued.key.policy };
        if is_sts {
            return sts::answer(&caller, &claim.region, &asked.raw_query, &body);
        }
        if let Some(path) = asked.raw_path.strip_prefix(own::PREFIX) {
            let answer = own::answer(self, caller, claim.region, asked.method.as_str(), path).await?;
            return Ok(with_body(StatusCode::OK, "application/json", answer.to_string().into()));
        }
        let Some((operation, labels)) = recognise(asked.method.as_str(), &asked.raw_path) else {
            let message = format!("There is no operation {} {}", asked.method, asked.raw_path);
            return Err(ApiError::of(ErrorClass::UnknownOperation, message));
        };
        let request = dispatch::Request { operation, labels, query: pairs(&asked.raw_query), body: &body };
        let answer = dispatch(self, caller, claim.region, request).await?;
        let status = StatusCode::from_u16(operation.route().status).map_err(ApiError::internal)?;
        let body = if status == StatusCode::NO_CONTENT { Bytes::new() } else { answer.to_string().into() };
        Ok(with_body(status, "application/json", body))
    }

    /// A body, and the memory that it was allowed.
    async fn read_body(&self, body: Incoming) -> Result<(Bytes, SemaphorePermit<'_>), ApiError> {
        let too_large = || {
            let message = format!("The body is larger than {BODY_BYTES_MAX} bytes");
            ApiError::of(ErrorClass::RequestEntityTooLarge, message)
        };
        let declared = body.size_hint().upper().unwrap_or(BODY_BYTES_MAX as u64);
        if declared > BODY_BYTES_MAX as u64 {
            let _ = timeout(DRAIN_TIME_MAX, drain(body)).await;
            return Err(too_large());
        }
        let kib = u32::try_from(declared.div_ceil(1024)).unwrap_or(BODIES_KIB_MAX);
        let read = async {
            let memory = self.bodies.acquire_many(kib).await.map_err(ApiError::internal)?;
            let collected = Limited::new(body, BODY_BYTES_MAX).collect().await;
            let body = collected.map_err(|error| match error.is::<LengthLimitError>() {
                true => too_large(),
                false => ApiError::of(ErrorClass::BadRequest, "The request's body broke off"),
            })?;
            Ok((body.to_bytes(), memory))
        };
        let late = || ApiError::of(ErrorClass::RequestTimeout, "The request's body did not arrive in time");
        timeout(BODY_TIME_MAX, read).await.map_err(|_| late())?
    }
}

/// Reads on for a while, and keeps nothing: most clients send all of a body before they look for an answer, and one whose
/// connection is closed meanwhile never sees why.
async fn drain(mut body: Incoming) {
    let mut left = DRAIN_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length > left {
            return;
        }
        left -= length;
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::internal(error)
    }
}

/// An error in GuardDuty's envelope. The header decides the exception that clients raise, `__type` says it finer.
fn refusal(error: &ApiError) -> Answer {
    let body = serde_json::json!({"message": error.message, "__type": error.kind, "type": error.kind});
    let status = StatusCode::from_u16(error.class.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = with_body(status, "application/json", body.to_string().into());
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.class.name()));
    answer
}

/// The answer when a handler panicked: its text is in the log, and nothing of it here.
pub(crate) fn panicked() -> Answer {
    refusal(&ApiError::internal("a handler panicked"))
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    with_body(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// An answer with a body.
pub(crate) fn with_body(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let is_empty = body.is_empty();
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    if !is_empty {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    answer
}

/// A random UUID, as AWS's request ids are.
fn request_id() -> String {
    let mut bytes = keys::random::<16>().unwrap_or_default();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}
