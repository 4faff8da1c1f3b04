//! The engine beside the API: it takes in new files of watched folders, and puts what it finds into the store.
//!
//! Files are read as a scan reads them. What rules may have to see of each is kept, in memory and in the store, until its
//! slices of event time have come to their turn: a slice is replayed once every source that is heard from is [lateness]
//! beyond it, or all have fallen silent. What was found, the state of the engine and which files it has seen are
//! written in one transaction, so that a process that is killed goes on where it stood. The larger the state, the rarer that is:
//! what was judged since is judged again, of the records that are kept until then.
//!
//! **What is set through the API** is taken over before each look: lists, features, detectors; filters when a finding is
//! written. The lists that come with the configuration are large and stay; those of the API are a structure of their own,
//! each for its account and region, and swapped as a whole when one changes. Both hold from a moment between two slices, so
//! that the same sequence of files and changes gives the same findings.
//!
//! [lateness]: WatchOptions::lateness_ms

mod counters;
mod engine;
mod looks;
mod reading;
mod taken;
mod trace;

use crate::scan::ScanOptions;
use anyhow::{Context, Result, bail};
pub use counters::Counters;
use engine::Engine;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Handle;
use watchfire_detections::DETECTIONS;
use watchfire_engine::{FlowFormats, ListenIndex};
use watchfire_knowledge::Knowledge;
use watchfire_store::Store;

/// How long to wait after an error, which is mostly a full disk, before going on from what was saved.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(10);

/// Between two attempts to run the engine while another server does.
const PAUSE_FOR_LEASE: Duration = Duration::from_secs(1);

/// What to watch, and when to judge it.
pub struct WatchOptions {
    /// Files and folders on disk.
    pub paths: Vec<PathBuf>,
    /// Time between two looks at them. A file is read when it is the same in two looks.
    pub look_every: Duration,
    /// How far a source must be beyond a slice of event time for the slice to be judged, milliseconds. Records that come
    /// later are still judged, but out of their order.
    pub lateness_ms: i64,
    /// A source that has brought nothing for this long holds nothing up.
    pub idle: Duration,
    /// How many files are remembered as read: see `taken`.
    pub files_remembered: usize,
    /// How files are read and judged; its paths are not used.
    pub scan: ScanOptions,
}

/// Tells people, a line at a time.
pub type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// What the engine works with.
struct Place<'a> {
    options: &'a WatchOptions,
    knowledge: &'a Knowledge,
    index: &'a ListenIndex,
    formats: &'a FlowFormats,
    store: &'a Store,
    runtime: &'a Handle,
    report: &'a Report,
    counters: &'a Counters,
    stop: &'a Stop,
}

/// Asked to stop when the other end is gone.
struct Stop(Receiver<()>);

impl Stop {
    fn is_asked_for(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Waits; answers whether to stop.
    fn wait(&self, duration: Duration) -> bool {
        matches!(self.0.recv_timeout(duration), Err(RecvTimeoutError::Disconnected))
    }
}

/// The engine on its thread.
pub struct Watching {
    go_on: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watching {
    /// Ends it: what it is in the middle of is finished and saved.
    pub fn end(self) {
        drop(self.go_on);
        // It has told of a panic itself, by the usual way.
        let _ = self.thread.join();
    }
}

/// Begins to watch. A path that does not exist is an error: a watch over nothing finds nothing, silently.
pub fn start(
    options: WatchOptions,
    knowledge: Knowledge,
    store: Store,
    runtime: Handle,
    report: Report,
    counters: Counters,
) -> Result<Watching> {
    for path in &options.paths {
        if path.to_string_lossy().starts_with("s3://") || path.as_os_str() == "-" {
            bail!("`{}` cannot be watched: --watch takes files and folders on disk", path.display());
        }
        std::fs::metadata(path).with_context(|| format!("could not watch `{}`", path.display()))?;
    }
    let (go_on, stop) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || watch(&options, &knowledge, &store, &runtime, &report, &counters, &Stop(stop)))
        .context("could not start the engine's thread")?;
    Ok(Watching { go_on, thread })
}

fn watch(
    options: &WatchOptions,
    knowledge: &Knowledge,
    store: &Store,
    runtime: &Handle,
    report: &Report,
    counters: &Counters,
    stop: &Stop,
) {
    let (index, formats) = (ListenIndex::new(DETECTIONS), FlowFormats::default());
    let mut waits = false;
    loop {
        // What the engine remembers and what it has saved are one: of all servers on a store, one runs it.
        let pause = match runtime.block_on(store.lease("engine")) {
            Ok(Some(lease)) => {
                waits = false;
                let store = lease.store();
                let place = Place {
                    options,
                    knowledge,
                    index: &index,
                    formats: &formats,
                    store,
                    runtime,
                    report,
                    counters,
                    stop,
                };
                match Engine::open(&place).and_then(|mut engine| engine.go_on()) {
                    Ok(()) => return,
                    // Memory may be ahead of what is saved: begin again from there.
                    Err(error) => {
                        counters.restarts.inc();
                        report(&format!("the engine stopped: {error:#}; it goes on from what was saved"));
                        PAUSE_AFTER_ERROR
                    }
                }
            }
            Ok(None) => {
                if !waits {
                    report("another server on the same store runs the engine; this one waits until that one ends");
                    waits = true;
                }
                PAUSE_FOR_LEASE
            }
            Err(error) => {
                report(&format!("the engine could not begin: {:#}", anyhow::Error::from(error)));
                PAUSE_AFTER_ERROR
            }
        };
        if stop.wait(pause) {
            return;
        }
    }
}

/// This machine's clock, milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "when logs arrive is a fact about this machine, and is metered by day")]
fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
