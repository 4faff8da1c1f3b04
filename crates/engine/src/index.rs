//! Which detections want to see a record.
//!
//! Built once from what the detections declare. The cost of a record is a handful of look-ups, however many detections
//! there are: each look-up yields a set of detections, one bit each.

use hashbrown::HashMap;
use watchfire_detections::{Detection, Interest};
use watchfire_knowledge::LEARNS_FROM;
use watchfire_model::ListKind;

/// A set of detections: one bit each, by place in the list.
pub type DetectionSet = u128;

/// Marks a record that no detection but the estate wants.
pub const ESTATE: DetectionSet = 1 << 127;

/// The detections by what they listen to.
pub struct ListenIndex {
    apis: HashMap<&'static str, Vec<(&'static str, DetectionSet)>, foldhash::fast::FixedState>,
    call_kinds: Vec<DetectionSet>,
    flow_kinds: Vec<DetectionSet>,
    query_kinds: Vec<DetectionSet>,
    /// Wanting calls whose user agent names a distribution for penetration tests.
    pub pen_test_agent: DetectionSet,
    /// Wanting calls by root users.
    pub root_call: DetectionSet,
    /// Wanting calls with instances' credentials.
    pub instance_session: DetectionSet,
    /// Wanting calls with functions' and tasks' credentials.
    pub workload_session: DetectionSet,
    /// Wanting calls with leaked keys.
    pub leaked_key: DetectionSet,
    /// Wanting queries answered with a metadata address.
    pub metadata_answer: DetectionSet,
    /// Wanting tallies of calls.
    pub call_tallies: DetectionSet,
    /// Wanting tallies of flows.
    pub flow_tallies: DetectionSet,
    /// Wanting tallies of queries.
    pub query_tallies: DetectionSet,
    /// The kinds of lists that any flow detection wants, as bits.
    pub flow_kinds_wanted: u32,
    /// The kinds of lists that any call detection wants, as bits.
    pub call_kinds_wanted: u32,
    /// The kinds of lists that any query detection wants, as bits.
    pub query_kinds_wanted: u32,
}

impl ListenIndex {
    /// The index of these detections.
    ///
    /// # Panics
    /// If there are more than 127, which a test of the engine notices first.
    pub fn new(detections: &[&Detection]) -> Self {
        assert!(detections.len() < 127, "widen DetectionSet: one bit is a detection, and the last is the estate's");
        let mut index = Self {
            apis: HashMap::default(),
            call_kinds: vec![0; ListKind::ALL.len()],
            flow_kinds: vec![0; ListKind::ALL.len()],
            query_kinds: vec![0; ListKind::ALL.len()],
            pen_test_agent: 0,
            root_call: 0,
            instance_session: 0,
            workload_session: 0,
            leaked_key: 0,
            metadata_answer: 0,
            call_tallies: 0,
            flow_tallies: 0,
            query_tallies: 0,
            flow_kinds_wanted: 0,
            call_kinds_wanted: 0,
            query_kinds_wanted: 0,
        };
        for api in LEARNS_FROM {
            index.add_api(api, ESTATE);
        }
        for (place, detection) in detections.iter().enumerate() {
            for &interest in detection.listens {
                index.add(interest, 1 << place);
            }
        }
        index
    }

    fn add(&mut self, interest: Interest, set: DetectionSet) {
        match interest {
            Interest::Api(api) => self.add_api(api, set),
            Interest::CallFrom(kinds) => self.call_kinds_wanted |= add_kinds(&mut self.call_kinds, kinds, set),
            Interest::FlowWith(kinds) => self.flow_kinds_wanted |= add_kinds(&mut self.flow_kinds, kinds, set),
            Interest::QueryFor(kinds) => self.query_kinds_wanted |= add_kinds(&mut self.query_kinds, kinds, set),
            Interest::PenTestAgent => self.pen_test_agent |= set,
            Interest::RootCall => self.root_call |= set,
            Interest::InstanceSession => self.instance_session |= set,
            Interest::WorkloadSession => self.workload_session |= set,
            Interest::LeakedKey => self.leaked_key |= set,
            Interest::MetadataAnswer => self.metadata_answer |= set,
            Interest::CallTallies => self.call_tallies |= set,
            Interest::FlowTallies => self.flow_tallies |= set,
            Interest::QueryTallies => self.query_tallies |= set,
        }
    }

    fn add_api(&mut self, api: &'static str, set: DetectionSet) {
        let (service, name) = api.split_once(':').unwrap_or(("", api));
        let services = self.apis.entry(name).or_default();
        match services.iter_mut().find(|(known, _)| *known == service) {
            Some((_, known)) => *known |= set,
            None => services.push((service, set)),
        }
    }

    /// Who wants this API: the event's source (`s3.amazonaws.com`) and name.
    pub fn api(&self, source: &str, name: &str) -> DetectionSet {
        let Some(services) = self.apis.get(name) else { return 0 };
        let wanted = services
            .iter()
            .filter(|(service, _)| source.strip_prefix(service).is_some_and(|rest| rest.starts_with(['.', '-'])));
        wanted.fold(0, |sets, (_, set)| sets | set)
    }

    /// Who wants calls from an address of lists of these kinds.
    pub fn call_from(&self, kinds: u32) -> DetectionSet {
        union(&self.call_kinds, kinds)
    }

    /// Who wants flows with an address of lists of these kinds.
    pub fn flow_with(&self, kinds: u32) -> DetectionSet {
        union(&self.flow_kinds, kinds)
    }

    /// Who wants queries for a name of lists of these kinds.
    pub fn query_for(&self, kinds: u32) -> DetectionSet {
        union(&self.query_kinds, kinds)
    }
}

/// The places of the detections in a set, in order.
pub fn places(mut set: DetectionSet) -> impl Iterator<Item = usize> {
    set &= !ESTATE;
    std::iter::from_fn(move || {
        let place = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (place < 128).then_some(place)
    })
}

fn add_kinds(sets: &mut [DetectionSet], kinds: &[ListKind], set: DetectionSet) -> u32 {
    for &kind in kinds {
        sets[kind as usize] |= set;
    }
    kinds.iter().fold(0, |bits, kind| bits | kind.bit())
}

fn union(sets: &[DetectionSet], mut kinds: u32) -> DetectionSet {
    let mut all = 0;
    while kinds != 0 {
        all |= sets.get(kinds.trailing_zeros() as usize).copied().unwrap_or(0);
        kinds &= kinds - 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_detections::DETECTIONS;

    #[test]
    fn a_call_finds_those_who_listen_to_it() {
        let index = ListenIndex::new(DETECTIONS);
        let set = index.api("cloudtrail.amazonaws.com", "StopLogging");
        let listeners: Vec<&str> = places(set).map(|place| DETECTIONS[place].file).collect();
        assert!(listeners.iter().any(|file| file.ends_with("cloud_trail_logging_disabled.rs")), "{listeners:?}");
        assert_eq!(index.api("kinesis.amazonaws.com", "StopLogging"), 0);
        assert_eq!(index.api("cloudtrail.amazonaws.com", "LookupEvents"), 0);
    }

    #[test]
    fn places_are_the_bits_of_a_set() {
        assert_eq!(places(0b1010_0001 | ESTATE).collect::<Vec<_>>(), [0, 5, 7]);
    }
}
