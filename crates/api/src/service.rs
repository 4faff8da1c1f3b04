//! One request of HTTP and its answer: who signed, what for, and what to say.

use crate::audit::{Asker, Audit, Result as Audited};
use crate::buckets::{Buckets, NoBuckets};
use crate::call::Caller;
use crate::console::{self, Ask, Console, Fields, Inlet, is_for_console};
use crate::dispatch::{self, dispatch};
use crate::error::{ApiError, ErrorClass};
use crate::keys::{self, KeyError, Keyring, SealingKey};
use crate::metrics::{Metrics, MetricsAccess};
use crate::operation::recognise;
use crate::own;
use crate::prices::Prices;
use crate::rate::Rate;
use crate::resources::sets;
use crate::sigv4::{Claim, Signed, hex, pairs};
use crate::sts;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::{Instrument, Span, debug, field, info_span};
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
pub struct Settings {
    /// Requests a second that one access key may make on average; twice as many at once. `None` is no bound.
    pub requests_per_second: Option<u32>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Tells the operator what went wrong on our side, in one line.
    pub report: Arc<dyn Fn(&str) + Send + Sync>,
    /// Objects in S3.
    pub buckets: Arc<dyn Buckets>,
    /// Beginnings of addresses, `https://lists.example.com/`, at which lists may be beside S3.
    pub list_urls: Vec<String>,
    /// What usage is said to cost.
    pub prices: Prices,
    /// Where it is written who asked for what.
    pub audit: Option<Audit>,
    /// What is counted.
    pub metrics: Metrics,
    /// Who may read it.
    pub metrics_access: MetricsAccess,
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
            list_urls: Vec::new(),
            prices: Prices::shipped(),
            audit: None,
            metrics: Metrics::default(),
            metrics_access: MetricsAccess::default(),
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
    /// Where lists may be beside S3.
    pub(crate) list_urls: Vec<String>,
    /// What usage is said to cost.
    pub(crate) prices: Prices,
    /// Who has signed in to the console.
    pub(crate) console: Console,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Held by a request that has lost a race, until it is answered.
    pub(crate) turns: Mutex<()>,
    audit: Option<Audit>,
    metrics_access: MetricsAccess,
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
            list_urls: settings.list_urls,
            prices: settings.prices,
            console: Console::default(),
            metrics: settings.metrics,
            turns: Mutex::new(()),
            audit: settings.audit,
            metrics_access: settings.metrics_access,
            bodies: Semaphore::new(BODIES_KIB_MAX as usize),
            working: Semaphore::new(WORKING_MAX),
        })
    }

    /// Goes on with what an earlier process began: lists that were being fetched. Needs the runtime that serves.
    pub async fn resume(self: &Arc<Self>) {
        if let Err(error) = sets::resume(self).await {
            let cause = error.cause.unwrap_or(error.message);
            (self.report)(&format!("could not go on with the lists that were being activated: {cause}"));
        }
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
        let source = request.extensions().get::<Inlet>().map(|inlet| inlet.peer);
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => return plain(StatusCode::OK, "ok\n"),
            (&Method::GET | &Method::HEAD, "/readyz") => return self.readiness().await,
            (&Method::GET, "/metrics") if self.metrics_access.admits(source) => return self.metrics(),
            _ => {}
        }
        let query = request.uri().query().unwrap_or_default();
        if is_for_console(request.method(), request.uri().path(), query, request.headers()) {
            return self.answer_console(request).await;
        }
        let begin = self.clock.now();
        let asked = Asked {
            method: request.method().clone(),
            raw_path: request.uri().path().to_owned(),
            raw_query: request.uri().query().unwrap_or_default().to_owned(),
        };
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let user_agent = user_agent.to_owned();
        let request_id = request_id();
        let span = info_span!(
            "request",
            otel.name = field::Empty,
            otel.kind = "server",
            otel.status_code = field::Empty,
            http.request.method = %asked.method,
            http.response.status_code = field::Empty,
            aws.request_id = request_id,
            aws.operation = field::Empty,
            aws.account = field::Empty,
            aws.region = field::Empty,
            error.type = field::Empty,
        );
        let mut asker = Asker { is_sts: asked.raw_path == "/", ..Asker::default() };
        let outcome = self.answer_signed(&asked, request, &mut asker).instrument(span.clone()).await;
        let result = outcome.as_ref().map_or_else(|error| error.class.name(), |_| "ok");
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                if let Some(cause) = &error.cause {
                    (self.report)(&format!("{} {}: {cause}", asked.method, asked.raw_path));
                }
                if asker.is_sts { sts::refusal(&error, &request_id) } else { refusal(&error) }
            }
        };
        let took = Duration::try_from(self.clock.now().duration_since(begin)).unwrap_or_default();
        let result = Audited { outcome: result, status: answer.status().as_u16(), took };
        self.tell(&span, source, &user_agent, &request_id, &asker, result);
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
            Err(error) => return console::refused(&self, &error),
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

    /// Tells of a request in the audit log, the counters, the log and the trace.
    fn tell(
        &self,
        span: &Span,
        source: Option<IpAddr>,
        user_agent: &str,
        request_id: &str,
        asker: &Asker,
        result: Audited<'static>,
    ) {
        let operation = asker.operation();
        self.metrics.answered(operation, result.outcome, result.took);
        if let Some(audit) = &self.audit
            && let Err(error) = audit.write(self.clock.now(), request_id, source, user_agent, asker, result)
        {
            self.metrics.audit_failed();
            (self.report)(&format!("a line of the audit log could not be written: {error}"));
        }
        span.record("otel.name", if operation.is_empty() { "unknown" } else { operation });
        span.record("http.response.status_code", result.status);
        span.record("aws.operation", operation);
        if let Some(caller) = &asker.caller {
            span.record("aws.account", &caller.account);
        }
        if let Some(region) = &asker.region {
            span.record("aws.region", region);
        }
        if result.outcome != "ok" {
            span.record("error.type", result.outcome);
        }
        if result.status >= 500 {
            span.record("otel.status_code", "ERROR");
        }
        debug!(
            operation,
            outcome = result.outcome,
            status = result.status,
            milliseconds = result.took.as_millis() as u64,
            account = asker.caller.as_ref().map(|caller| caller.account.as_str()),
            region = asker.region.as_deref(),
            request_id,
            "answered"
        );
    }

    /// Tells of what the console did for somebody, as of a request that they signed themselves.
    pub(crate) fn tell_of_console(
        &self,
        (source, user_agent): (IpAddr, &str),
        asker: &Asker,
        begin: Timestamp,
        error: Option<ErrorClass>,
    ) {
        let took = Duration::try_from(self.clock.now().duration_since(begin)).unwrap_or_default();
        let (outcome, status) = error.map_or(("ok", 200), |class| (class.name(), class.status()));
        let result = Audited { outcome, status, took };
        self.tell(&Span::none(), Some(source), user_agent, &request_id(), asker, result);
    }

    fn metrics(&self) -> Answer {
        const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        match self.metrics.text() {
            Ok(text) => with_body(StatusCode::OK, OPEN_METRICS, text.into()),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
        }
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
        asker: &mut Asker,
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
        asker.access_key_id = Some(claim.access_key_id.clone());
        asker.region = Some(claim.region.clone());
        let unknown = "The security token included in the request is invalid.";
        let unknown = || ApiError::of(ErrorClass::UnrecognizedClient, unknown);
        if claim.has_session_token {
            return Err(unknown()); // No session was ever opened here.
        }
        let issued = self.keys.find(&claim.access_key_id).await?.ok_or_else(unknown)?;
        claim.check_time(self.clock.now())?;
        let wanted = if asker.is_sts { "sts" } else { "guardduty" };
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
        asker.caller = Some(caller.clone());
        if asker.is_sts {
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
        asker.operation = Some(operation);
        asker.detector = labels.iter().find(|(label, _)| *label == "DetectorId").map(|(_, value)| value.clone());
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
