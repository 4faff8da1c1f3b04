//! Which finding types are not wanted where: what accounts have switched off for a region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use watchfire_model::{FindingType, Signal};

type ByRegion = BTreeMap<Box<str>, Arc<BTreeSet<FindingType>>>;

/// Finding types that are off, by account and region. The default value switches nothing off.
#[derive(Clone, Debug, Default)]
pub struct SwitchedOff(BTreeMap<Box<str>, ByRegion>);

impl SwitchedOff {
    /// Switches these types off in an account and region, and no others.
    pub fn set(&mut self, account: &str, region: &str, types: Arc<BTreeSet<FindingType>>) {
        self.0.entry(account.into()).or_default().insert(region.into(), types);
    }

    /// Whether nobody wants to hear this.
    pub(crate) fn silences(&self, signal: &Signal) -> bool {
        let off = self.0.get(signal.account.as_str()).and_then(|regions| regions.get(signal.region.as_str()));
        off.is_some_and(|types| types.contains(&signal.finding_type))
    }
}
