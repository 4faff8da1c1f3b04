//! What a running server tells of itself: its log on standard error, and traces by OTLP where a collector is named.

use crate::feeds::agent;
use crate::server_settings::{LogFormat, LogLevel, ServerSettings};
use anyhow::{Context, Result};
use bytes::Bytes;
use hyper::{Request, Response};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io;
use std::time::Duration;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// How long a collector may take for a batch.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(10);

/// Keeps the traces going; sends the last of them when it is dropped.
#[must_use = "traces end with it"]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // A collector that is not there is no reason not to end.
            let _ = provider.shutdown();
        }
    }
}

/// Begins to tell. Once for the program.
pub fn start(settings: &ServerSettings) -> Result<Telemetry> {
    let level = match settings.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // Libraries tell their own affairs at these levels; only what they warn of concerns an operator.
    let ours = |level| {
        ["watchfire", "watchfire_api"]
            .into_iter()
            .fold(Targets::new().with_default(LevelFilter::WARN.min(level)), |targets, name| {
                targets.with_target(name, level)
            })
    };
    let log: Box<dyn Layer<Registry> + Send + Sync> = match settings.log_format {
        LogFormat::Text => fmt::layer().with_ansi(false).with_target(false).with_writer(io::stderr).boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_span_list(false)
            .with_writer(io::stderr)
            .boxed(),
    };
    let provider = settings.otlp_endpoint.as_deref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let spans = ours(LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("watchfire")).with_filter(spans)
    });
    tracing_subscriber::registry()
        .with(log.with_filter(ours(level)))
        .with(traces)
        .try_init()
        .context("could not start the log")?;
    Ok(Telemetry(provider))
}

/// Sends spans in batches to a collector, on a thread of its own.
fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let traces = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let agent = agent(traces.starts_with("https:"), EXPORT_TIME_MAX);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client(agent))
        .with_endpoint(traces)
        .with_timeout(EXPORT_TIME_MAX)
        .build()
        .with_context(|| format!("`server.otlp-endpoint`: `{endpoint}` cannot be used"))?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("watchfire").build())
        .build())
}

/// HTTP for the exporter. It calls from its own thread, which may wait.
#[derive(Debug)]
struct Client(ureq::Agent);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> std::result::Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(head, body.to_vec()))?;
        let (head, mut body) = answer.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
