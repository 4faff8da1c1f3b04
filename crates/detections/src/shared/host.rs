//! The host at our end of summed flows, as the key of its history.

use crate::{Context, FlowView};
use serde::{Deserialize, Serialize};

/// A host, told apart by what the records say: its instance, else its interface, else its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) account: Box<str>,
    pub(crate) region: Box<str>,
    pub(crate) id: Box<str>,
}

impl Host {
    /// The host at our end. `None` at a gateway, where packets of many hosts pass that have interfaces of their own.
    pub(crate) fn of(view: &FlowView<'_>, context: &Context<'_>) -> Option<Self> {
        let place = view.place;
        let id: Box<str> = if view.is_transit {
            if context.estate.owns(&place.account, view.local()) {
                return None;
            }
            view.local().to_string().into()
        } else if context.knowledge.inventory.nat_gateway(&place.interface).is_some() {
            return None;
        } else if !place.instance.is_empty() {
            place.instance.clone()
        } else if !place.interface.is_empty() {
            place.interface.clone()
        } else {
            view.local().to_string().into()
        };
        Some(Self { account: place.account.clone(), region: place.region.clone(), id })
    }

    /// The group of hosts made from one image, as a key of its own: `None` if the image is not known.
    pub(crate) fn group(&self, view: &FlowView<'_>, context: &Context<'_>) -> Option<Self> {
        let place = view.place;
        let instance = context.instance(&place.account, &place.instance, &place.interface, Some(view.local()));
        (!instance.image_id.is_empty()).then(|| Self { id: instance.image_id.into(), ..self.clone() })
    }
}
