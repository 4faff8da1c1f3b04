//! The ordered part's side of tallies: the partial sums of all workers, added up.

use crate::event_ids::EventIds;
use crate::facts::{Spool, Taken, TallyKind};
use std::io;
use watchfire_detections::SLICE_MS;
use watchfire_detections::shared::flow_side::MergedFlow;
use watchfire_detections::tally::{
    CallKeys, CallTally, CallTallyKey, FlowKey, FlowTally, Places, QueryKey, QueryTally, RecordPlace,
};
use watchfire_model::Time;

/// The tallies whose bucket ends with a slice, in order of their keys.
#[derive(Default)]
pub(crate) struct Tallies {
    /// Of the hour, if it ends here.
    pub(crate) calls: Vec<(CallTallyKey, CallTally)>,
    /// Of the slice.
    pub(crate) flows: Vec<MergedFlow>,
    /// Of the hour, if it ends here.
    pub(crate) queries: Vec<(QueryKey, QueryTally)>,
}

/// A partial sum in the bytes of a slice.
struct Part<'b> {
    kind: TallyKind,
    key: &'b [u8],
    value: &'b [u8],
}

impl Tallies {
    /// Adds up what all workers summed. `canonical` says which file stands for each; `places`
    /// and `calls` remember what was read before.
    pub(crate) fn of(
        slice: i64,
        taken: &[Taken],
        canonical: impl Fn(u32) -> u32,
        (places, calls): (&mut Places, &mut CallKeys),
        spool: &mut dyn Spool,
    ) -> io::Result<Self> {
        let mut bytes = Vec::new();
        for worker in taken {
            worker.each_tally_bytes(spool, |part| bytes.extend_from_slice(part))?;
        }
        let mut parts = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some((kind, key, value, after)) = TallyKind::decode(rest) {
            parts.push(Part { kind, key, value });
            rest = after;
        }
        parts.sort_unstable_by(|one, other| (one.kind, one.key).cmp(&(other.kind, other.key)));
        let hour = Time::from_ms(slice.saturating_mul(SLICE_MS)).hour();
        let mut tallies = Self::default();
        for group in parts.chunk_by(|one, other| (one.kind, one.key) == (other.kind, other.key)) {
            tallies.add(slice, hour, group, &canonical, (&mut *places, &mut *calls));
        }
        Ok(tallies)
    }

    fn add(
        &mut self,
        slice: i64,
        hour: i64,
        group: &[Part<'_>],
        canonical: &impl Fn(u32) -> u32,
        (places, calls): (&mut Places, &mut CallKeys),
    ) {
        let Some(first) = group.first() else { return };
        let stand_in = |place: &mut RecordPlace| place.file = canonical(place.file);
        match first.kind {
            TallyKind::Call => {
                type Calls = (CallTally, EventIds);
                let merge = |ours: &mut Calls, theirs: Calls| {
                    ours.0.merge(theirs.0);
                    ours.1.merge(theirs.1);
                };
                let sum = sum(group, |calls: &mut Calls| stand_in(&mut calls.0.place), merge);
                let once = sum.map(|(mut tally, ids)| {
                    tally.calls = tally.calls.saturating_sub(ids.copies()).max(1);
                    tally
                });
                self.calls.extend(calls.decode(hour, first.key).zip(once));
            }
            TallyKind::Flow => {
                let sum = sum(group, |tally: &mut FlowTally| tally.each_place(stand_in), FlowTally::merge);
                let key = FlowKey::decode(slice, first.key, places).zip(sum);
                self.flows.extend(key.map(|((key, place), sum)| (key, place, sum)));
            }
            TallyKind::Query => {
                let sum = sum(group, |tally: &mut QueryTally| tally.each_place(stand_in), QueryTally::merge);
                self.queries.extend(QueryKey::decode(hour, first.key, places).zip(sum));
            }
        }
    }
}

fn sum<T: serde::de::DeserializeOwned>(
    group: &[Part<'_>],
    mut stand_in: impl FnMut(&mut T),
    mut merge: impl FnMut(&mut T, T),
) -> Option<T> {
    let mut total: Option<T> = None;
    for part in group {
        let Ok(mut tally) = postcard::from_bytes::<T>(part.value) else { continue };
        stand_in(&mut tally);
        match &mut total {
            Some(total) => merge(total, tally),
            None => total = Some(tally),
        }
    }
    total
}
