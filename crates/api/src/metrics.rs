//! What the server counts, in Prometheus's form at `GET /metrics`. No value names an account or a key: who can read it learns
//! how much is done here, not for whom.

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Upper ends of the classes of duration, seconds: from an answer out of memory to the longest that a client waits.
const DURATIONS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// Who may read them. A proxy on the same machine makes everybody local.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Programs on this machine.
    #[default]
    Local,
    /// Everybody who reaches the server.
    All,
    /// Nobody.
    None,
}

impl MetricsAccess {
    /// Whether this address may.
    pub(crate) fn admits(self, source: Option<IpAddr>) -> bool {
        match self {
            Self::All => true,
            Self::Local => source.is_some_and(|source| source.to_canonical().is_loopback()),
            Self::None => false,
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOperation {
    operation: &'static str,
}

/// The counters of the server, and those that other parts of the program register.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
    requests: Family<Outcome, Counter>,
    durations: Family<OfOperation, Histogram, fn() -> Histogram>,
    connections: Gauge,
    audit_failures: Counter,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("watchfire");
        let requests = Family::<Outcome, Counter>::default();
        registry.register("api_requests", "Requests answered, by operation and outcome", requests.clone());
        let durations: Family<OfOperation, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(DURATIONS));
        registry.register(
            "api_request_duration_seconds",
            "Time from a request's head to its answer",
            durations.clone(),
        );
        let connections = Gauge::default();
        registry.register("api_connections", "Open connections", connections.clone());
        let audit_failures = Counter::default();
        registry.register("audit_failures", "Lines of the audit log that could not be written", audit_failures.clone());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", build);
        registry.register_collector(Box::new(Process { started: Timestamp::now() }));
        Self { registry: Arc::new(RwLock::new(registry)), requests, durations, connections, audit_failures }
    }
}

impl Metrics {
    /// Adds what another part of the program counts; names get the prefix `watchfire_`.
    pub fn register(&self, register: impl FnOnce(&mut Registry)) {
        register(&mut self.registry.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// A request was answered. Requests for no known operation are counted under an empty one.
    pub(crate) fn answered(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.requests.get_or_create(&Outcome { operation, outcome }).inc();
        self.durations.get_or_create(&OfOperation { operation }).observe(took.as_secs_f64());
    }

    /// A line of the audit log was lost.
    pub(crate) fn audit_failed(&self) {
        self.audit_failures.inc();
    }

    /// A connection, counted for as long as the answer lives.
    pub(crate) fn connection(&self) -> Connection {
        self.connections.inc();
        Connection(self.connections.clone())
    }

    /// All of it, in OpenMetrics' text form.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.read().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

/// One open connection.
pub(crate) struct Connection(Gauge);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is read off the process when somebody asks.
#[derive(Debug)]
struct Process {
    started: Timestamp,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Gauge)?)
        };
        let started = self.started.as_millisecond() as f64 / 1_000.0;
        gauge("process_start_time_seconds", "When the server was started, seconds since 1970", started)?;
        match resident_bytes() {
            Some(bytes) => gauge("process_resident_memory_bytes", "Memory that the server holds", bytes as f64),
            None => Ok(()),
        }
    }
}

/// Memory that the process holds, where the system tells it: Linux, in pages of 4 KiB on every processor we build for.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * 4_096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_counted_by_operation_and_outcome() {
        let metrics = Metrics::default();
        metrics.answered("GetDetector", "ok", Duration::from_millis(3));
        metrics.answered("GetDetector", "ok", Duration::from_secs(60));
        metrics.answered("", "MissingAuthenticationTokenException", Duration::ZERO);
        let open = metrics.connection();
        let text = metrics.text().unwrap();
        for line in [
            r#"watchfire_api_requests_total{operation="GetDetector",outcome="ok"} 2"#,
            r#"watchfire_api_requests_total{operation="",outcome="MissingAuthenticationTokenException"} 1"#,
            r#"watchfire_api_request_duration_seconds_bucket{le="0.005",operation="GetDetector"} 1"#,
            r#"watchfire_api_request_duration_seconds_count{operation="GetDetector"} 2"#,
            "watchfire_api_connections 1",
            "watchfire_audit_failures_total 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("watchfire_build_info{version=") && text.contains("process_start_time_seconds"));
        drop(open);
        assert!(metrics.text().unwrap().contains("watchfire_api_connections 0"));
    }

    #[test]
    fn only_this_machine_reads_them_unless_told_otherwise() {
        let address = |text: &str| Some(text.parse().unwrap());
        for (access, source, admitted) in [
            (MetricsAccess::Local, address("127.0.0.1"), true),
            (MetricsAccess::Local, address("::ffff:127.0.0.1"), true),
            (MetricsAccess::Local, address("10.0.0.1"), false),
            (MetricsAccess::Local, None, false),
            (MetricsAccess::All, address("10.0.0.1"), true),
            (MetricsAccess::None, address("127.0.0.1"), false),
        ] {
            assert_eq!(access.admits(source), admitted, "{access:?} {source:?}");
        }
    }
}
