//! Changes that are written together or not at all.

use crate::database::Connection;
use crate::documents::{self, Key};
use crate::findings::{self, FindingOutcome, FindingWrite, Prepared, Scope};
use crate::lease::Held;
use crate::ledgers::{self, OutboxItem, UsageDelta};
use crate::{Store, StoreError};
use serde_json::Value;

/// What a change asks of the document that is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is none.
    Absent,
    /// There is one, with this version: nobody has changed it since it was read.
    Version(u64),
    /// Anything, or nothing.
    Any,
}

/// One change. See [`Store::commit`].
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes a document.
    Put {
        /// Which.
        key: Key,
        /// Its new body.
        body: Value,
        /// What must be there now.
        expect: Expect,
    },
    /// Removes a document. With [`Expect::Any`], one that is not there is no error.
    Delete {
        /// Which.
        key: Key,
        /// What must be there now.
        expect: Expect,
    },
    /// Removes every document under a parent, and its findings: all that belongs to a detector. Not the detector's own
    /// document.
    DeleteTree {
        /// The parent's account.
        account: String,
        /// The parent's region.
        region: String,
        /// The parent's id.
        parent: String,
    },
    /// Writes findings: new ones, or later states of those that are there.
    Findings {
        /// The detector they are of.
        scope: Scope,
        /// The findings.
        writes: Vec<FindingWrite>,
    },
    /// Adds to what was analysed.
    Usage(Vec<UsageDelta>),
    /// Puts something into a queue of what waits to be sent.
    Outbox(OutboxItem),
    /// Saves a state under a name, over what was there.
    Checkpoint {
        /// The name.
        name: String,
        /// The state.
        state: Vec<u8>,
    },
    /// Forgets the state under a name; none there is no error.
    DropCheckpoint {
        /// The name.
        name: String,
    },
}

/// What [`Store::commit`] wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// The new version of each document that was put, in the order of the changes.
    pub versions: Vec<u64>,
    /// What became of each finding, in the order of the changes.
    pub findings: Vec<FindingOutcome>,
}

impl Store {
    /// Writes all changes, in order, or none; they are on disk when it returns.
    ///
    /// So findings, the usage that they cost, what is to be sent of them and the engine's checkpoint can be one step: a
    /// process that is killed has done it or not, and doing it again changes nothing.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<Committed, StoreError> {
        let steps = changes.into_iter().map(Step::of).collect::<Result<Vec<_>, _>>()?;
        let lease = self.lease.clone();
        self.database.write(move |connection| apply(connection, lease.as_deref(), steps)).await
    }
}

/// A change, with the work done that needs no database.
enum Step {
    Findings(Scope, Vec<Prepared>),
    Other(Change),
}

impl Step {
    fn of(change: Change) -> Result<Self, StoreError> {
        let Change::Findings { scope, writes } = change else { return Ok(Self::Other(change)) };
        let prepared = writes.iter().map(|write| Prepared::of(&scope, write)).collect::<Result<_, _>>()?;
        Ok(Self::Findings(scope, prepared))
    }
}

fn apply(connection: &dyn Connection, lease: Option<&Held>, steps: Vec<Step>) -> Result<Committed, StoreError> {
    if let Some(lease) = lease {
        lease.check(connection)?;
    }
    let mut committed = Committed::default();
    let now = now_ms();
    for step in steps {
        let change = match step {
            Step::Other(change) => change,
            Step::Findings(scope, prepared) => {
                let detector = findings::detector_no_or_new(connection, &scope)?;
                committed.findings.extend(findings::put(connection, detector, prepared, now)?);
                continue;
            }
        };
        match change {
            Change::Put { key, body, expect } => {
                committed.versions.push(documents::put(connection, &key, &body, expect, now)?);
            }
            Change::Delete { key, expect } => documents::delete(connection, &key, expect)?,
            Change::DeleteTree { account, region, parent } => {
                documents::delete_tree(connection, &account, &region, &parent)?;
                findings::delete_detector(connection, &account, &region, &parent)?;
            }
            Change::Findings { .. } => {} // A step of its own, above.
            Change::Usage(deltas) => ledgers::add_usage(connection, &deltas)?,
            Change::Outbox(item) => ledgers::push(connection, &item, now)?,
            Change::Checkpoint { name, state } => ledgers::save(connection, &name, &state, now)?,
            Change::DropCheckpoint { name } => ledgers::forget(connection, &name)?,
        }
    }
    Ok(committed)
}

/// This machine's clock, ms since the epoch.
#[expect(clippy::disallowed_methods, reason = "when something was stored is a fact about this machine, not the logs")]
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
