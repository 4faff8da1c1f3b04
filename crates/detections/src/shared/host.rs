//! The host at our end of summed flows, as the key of its history.

use crate::{Context, FlowView};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use watchfire_knowledge::statistics::stable_hash;

/// A host, told apart by what the records say: its instance, else its interface, else its address. Cheap to copy and to
/// compare.
#[derive(Clone, Debug)]
pub(crate) struct Host(Arc<Parts>);

/// What a [`Host`] is made of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) account: Box<str>,
    pub(crate) region: Box<str>,
    pub(crate) id: Box<str>,
    /// Of the three.
    #[serde(skip)]
    hash: u64,
}

impl Host {
    /// The host with this id.
    pub(crate) fn new(account: &str, region: &str, id: &str) -> Self {
        Self::of_parts(account.into(), region.into(), id.into())
    }

    fn of_parts(account: Box<str>, region: Box<str>, id: Box<str>) -> Self {
        let hash = [&account, &region, &id].iter().fold(0_u64, |sum, part| {
            (sum ^ stable_hash(part.as_bytes())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        Self(Arc::new(Parts { account, region, id, hash }))
    }

    /// The host at our end. `None` at a gateway, where packets of many hosts pass that have interfaces of their own.
    pub(crate) fn of(view: &FlowView<'_>, context: &Context<'_>) -> Option<Self> {
        view.found.host.get_or_init(|| Self::found(view, context)).clone()
    }

    fn found(view: &FlowView<'_>, context: &Context<'_>) -> Option<Self> {
        let place = view.place;
        if view.is_transit {
            if context.estate.owns(&place.account, view.local()) {
                return None;
            }
        } else if context.knowledge.inventory.nat_gateway(&place.interface).is_some() {
            return None;
        } else if let Some(host) = place.host() {
            return Some(host.clone());
        }
        Some(Self::new(&place.account, &place.region, &view.local().to_string()))
    }

    /// The group of hosts made from one image, as a key of its own: `None` if the image is not known.
    pub(crate) fn group(&self, view: &FlowView<'_>, context: &Context<'_>) -> Option<Self> {
        let place = view.place;
        let instance = context.instance(&place.account, &place.instance, &place.interface, Some(view.local()));
        (!instance.image_id.is_empty()).then(|| Self::new(&self.account, &self.region, &instance.image_id))
    }
}

impl Deref for Host {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.hash == other.hash && self.0 == other.0)
    }
}

impl Eq for Host {}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for Host {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Host {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts { account, region, id, .. } = Parts::deserialize(deserializer)?;
        Ok(Self::of_parts(account, region, id))
    }
}
