//! What the engine counts for `/metrics`. Counted once it is saved, so that what a kill undoes is not counted twice.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The source of logs that were metered: `CLOUD_TRAIL`, `FLOW_LOGS`, `DNS_LOGS`, ….
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Source {
    pub(super) source: &'static str,
}

/// The counters. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    pub(super) files: Counter,
    pub(super) events: Family<Source, Counter>,
    pub(super) bytes: Family<Source, Counter>,
    pub(super) late: Counter,
    pub(super) findings: Counter,
    pub(super) homeless: Counter,
    pub(super) exports: Counter,
    pub(super) judged_until: Gauge,
    pub(super) restarts: Counter,
}

impl Counters {
    /// Adds them to what `/metrics` tells.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("engine_files", "Files of logs that were read", self.files.clone());
        registry.register("engine_events", "Events that were read, by source of logs", self.events.clone());
        registry.register("engine_bytes", "Bytes of those events", self.bytes.clone());
        registry.register("engine_late_events", "Events that came later than their turn", self.late.clone());
        registry.register(
            "engine_findings_written",
            "Findings written, new ones and such as have grown",
            self.findings.clone(),
        );
        registry.register(
            "engine_findings_without_account",
            "Findings of logs that name no account, which no detector can hold",
            self.homeless.clone(),
        );
        registry.register(
            "engine_exports_queued",
            "Findings put into the queues of publishing destinations, in which the latest 100,000 wait",
            self.exports.clone(),
        );
        registry.register(
            "engine_judged_until_seconds",
            "Event time up to which everything that was read is judged, seconds since 1970",
            self.judged_until.clone(),
        );
        registry.register(
            "engine_restarts",
            "Times that an error made the engine go on from what was saved",
            self.restarts.clone(),
        );
    }
}
