//! Where somebody is known to call from, for rules that compare places: what is habit is no news.

use super::caller::{Caller, Network};
use crate::Scene;
use watchfire_knowledge::baseline::{Entity, EntityKind, Feature, Frequency};
use watchfire_model::Time;

/// A network that so many other principals use as well is an office, a VPN or a gateway. Source: the design; the
/// same number as for shared egress.
pub(crate) const SHARED_BY: u32 = 3;
/// A network that this caller used on so many earlier days is its own. Source: as above.
pub(crate) const HABIT_DAYS: u32 = 2;

/// Why a network is no news for this caller: half a sentence. `None` if it is.
pub(crate) fn known_because(caller: &Caller, network: &Network, at: Time, scene: &Scene<'_>) -> Option<String> {
    if &*network.name == "private" {
        return Some("is an address inside a VPC".to_owned());
    }
    let [principal, ..] = caller.levels();
    let feature = feature(network);
    let hour = Time::from_ms(at.hour().saturating_mul(Time::HOUR_MS));
    let presence = scene.baselines.profile(principal).and_then(|known| known.presence(feature, &network.name, hour));
    // The hour itself is not learnt yet, but earlier hours of today are: they are no earlier day.
    let today = presence.is_some_and(|presence| presence.last_hour.div_euclid(24) == at.day());
    let days = presence.map_or(0, |presence| presence.days_seen.saturating_sub(today.into()));
    if days >= HABIT_DAYS {
        return Some(format!("was used by the same principal on {days} earlier days"));
    }
    let others = users_of(caller, network, at, scene);
    (others >= SHARED_BY).then(|| format!("is used by {others} other principals"))
}

/// Whether nobody of the caller's account used this network for a month. An address of AWS is none: a service that is rolled
/// out to another region is new there, and at home.
pub(super) fn is_new_to_account(caller: &Caller, network: &Network, at: Time, scene: &Scene<'_>) -> bool {
    let [_, _, account] = caller.levels();
    &*network.name != "private"
        && !network.name.starts_with("AWS ")
        && scene.baselines.frequency(account, feature(network), &network.name, at) <= Frequency::Rare
}

/// The feature that a network is learnt as.
pub(crate) fn feature(network: &Network) -> Feature {
    if network.is_autonomous_system() { Feature::Asn } else { Feature::Network }
}

/// How many other principals of the account used this network, at most as many as [`SHARED_BY`] asks for: each is learnt
/// as a principal of the network.
fn users_of(caller: &Caller, network: &Network, at: Time, scene: &Scene<'_>) -> u32 {
    let Some(profile) = scene.baselines.profile(&users_entity(caller, network)) else { return 0 };
    let users = profile.values(Feature::Principal, at);
    users.iter().filter(|(user, _)| *user != &*caller.principal).take(SHARED_BY as usize).count() as u32
}

/// Whoever calls from one network, as a group of an account.
pub(crate) fn users_entity(caller: &Caller, network: &Network) -> Entity {
    Entity::new(EntityKind::PeerGroup, format!("{}/network {}", caller.account, network.name))
}
