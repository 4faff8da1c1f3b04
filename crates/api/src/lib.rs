//! The GuardDuty API: its wire protocol, driven by the service model, over the store.
//!
//! A request goes through `server` (HTTP), `service` (who signed it), `dispatch` (what the model asks of it) to the
//! handler of its operation in `resources`, one file for each kind of thing. Types, routes and the list of operations are
//! generated from the model; limits are read from the model when the program starts. `own` answers what GuardDuty does not
//! tell.

mod arrivals;
mod audit;
mod buckets;
mod call;
mod console;
mod dispatch;
mod documents;
mod error;
mod features;
mod generated;
mod keys;
mod metrics;
mod model;
mod operation;
mod own;
mod own_lists;
mod prices;
mod rate;
mod relationship;
mod resource;
mod resources;
mod samples;
mod server;
mod service;
mod sigv4;
mod sts;
mod tags;
#[cfg(test)]
mod testing;
mod wire;

pub use arrivals::{DetectorPlace, HeldDetectors, LogDetector, Switches, Unanswered, detector_of_logs};
pub use audit::{AUDIT_FILE, Audit, REFUSALS_PER_SECOND};
pub use buckets::{Buckets, NoBuckets, Outcome};
pub use keys::{AccessKey, IssuedKey, KeyError, Keyring, Policy, SECRET_FILE, SealingKey, write_private};
pub use metrics::{Metrics, MetricsAccess};
pub use own_lists::HeldLists;
pub use prices::{Prices, PricesError};
pub use resources::malware_plans::is_bucket_name;
pub use server::{TlsError, serve, tls};
pub use service::{BODY_BYTES_MAX, Clock, Service, Settings};
