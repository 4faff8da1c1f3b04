//! The ordered part's side of tallies: the partial sums of all workers, added up.

use crate::event_ids::Calls;
use crate::facts::{Batch, Spool, Taken, TallyKind};
use hashbrown::HashMap;
use std::io;
use watchfire_detections::SLICE_MS;
use watchfire_detections::shared::flow_side::MergedFlow;
use watchfire_detections::tally::{
    CallKeys, CallTally, CallTallyKey, FlowKey, FlowTally, Kept, Places, QueryKey, QueryTally, RecordPlace,
};
use watchfire_knowledge::Knowledge;
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
    /// The place of what its key begins with, among all in order.
    prefix: u32,
    key: &'b [u8],
    value: &'b [u8],
}

/// What keys begin with, each once.
#[derive(Default)]
struct Prefixes<'b> {
    all: Vec<&'b [u8]>,
    numbers: HashMap<&'b [u8], u32, foldhash::fast::FixedState>,
}

impl<'b> Prefixes<'b> {
    fn number(&mut self, prefix: &'b [u8]) -> u32 {
        *self.numbers.entry(prefix).or_insert_with(|| {
            self.all.push(prefix);
            (self.all.len() - 1) as u32
        })
    }

    /// The ranks by number, and the prefixes by rank.
    fn ranks(self) -> (Vec<u32>, Vec<&'b [u8]>) {
        let mut order: Vec<u32> = (0..self.all.len() as u32).collect();
        order.sort_unstable_by_key(|number| self.all[*number as usize]);
        let mut ranks = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(number, rank)| ranks[*number as usize] = rank);
        (ranks, order.iter().map(|number| self.all[*number as usize]).collect())
    }
}

impl Tallies {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.calls.len() + self.flows.len() + self.queries.len()
    }

    /// Adds up what all workers summed. `canonical` says which file stands for each; `places`
    /// and `calls` remember what was read before with this knowledge.
    pub(crate) fn of(
        slice: i64,
        taken: &[Taken],
        canonical: impl Fn(u32) -> u32,
        (places, calls, knowledge): (&mut Places, &mut CallKeys, &Knowledge),
        spool: &mut dyn Spool,
    ) -> io::Result<Self> {
        let mut bytes = Vec::new();
        for worker in taken {
            worker.tally_bytes(spool, &mut bytes)?;
        }
        let (mut parts, mut prefixes) = (Vec::new(), Prefixes::default());
        let mut rest = bytes.as_slice();
        while let Some((Batch { kind, prefix, items }, after)) = Batch::decode(rest) {
            let prefix = prefixes.number(prefix);
            parts.extend(items.map(|(key, value)| Part { kind, prefix, key, value }));
            rest = after;
        }
        let (ranks, prefixes) = prefixes.ranks();
        parts.iter_mut().for_each(|part| part.prefix = ranks[part.prefix as usize]);
        let rank = |part: &Part<'_>| (part.kind, part.prefix);
        // Each batch is in order already: a stable sort finds such runs and merges them.
        parts.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.key.cmp(other.key)));
        let hour = Time::from_ms(slice.saturating_mul(SLICE_MS)).hour();
        let mut tallies = Self::default();
        // A storm has a million of them: a vector that grows by itself would take twice the room, and thrice as it grows.
        let is_same = |one: &Part<'_>, other: &Part<'_>| rank(one) == rank(other) && one.key == other.key;
        let groups = parts.chunk_by(is_same).filter_map(|group| group.first());
        tallies.flows.reserve_exact(groups.filter(|part| part.kind == TallyKind::Flow).count());
        for alike in parts.chunk_by(|one, other| rank(one) == rank(other)) {
            let Some(first) = alike.first() else { continue };
            let Some(prefix) = prefixes.get(first.prefix as usize) else { continue };
            tallies.add_all((slice, hour), prefix, alike, &canonical, (&mut *places, &mut *calls, knowledge));
        }
        Ok(tallies)
    }

    /// Adds parts whose keys begin alike.
    fn add_all(
        &mut self,
        (slice, hour): (i64, i64),
        prefix: &[u8],
        alike: &[Part<'_>],
        canonical: &impl Fn(u32) -> u32,
        (places, calls, knowledge): (&mut Places, &mut CallKeys, &Knowledge),
    ) {
        let stand_in = |place: &mut RecordPlace| place.file = canonical(place.file);
        let groups = || alike.chunk_by(|one, other| one.key == other.key);
        let keyed = groups().filter_map(|group| Some((group.first()?.key, group)));
        match alike.first().map(|part| part.kind) {
            Some(TallyKind::Call) => {
                let Some(client) = calls.client(prefix) else { return };
                for (key, group) in keyed {
                    let sum = match group {
                        [only] => Calls::only(only.value).map(|mut tally| {
                            stand_in(&mut tally.place);
                            tally
                        }),
                        _ => sum(group, |calls: &mut Calls| stand_in(&mut calls.tally.place), Calls::merge)
                            .map(Calls::once),
                    };
                    self.calls.extend(calls.decode(hour, &client, key, knowledge).zip(sum));
                }
            }
            Some(TallyKind::Flow) => {
                let Some((place, [])) = places.read(prefix) else { return };
                for (key, group) in keyed {
                    let sum = sum(group, |tally: &mut FlowTally| tally.each_place(stand_in), FlowTally::merge);
                    let merged = FlowKey::decode(slice, key).zip(sum);
                    self.flows.extend(merged.map(|(key, sum)| (key, place.clone(), sum)));
                }
            }
            Some(TallyKind::Query) => {
                for (key, group) in keyed {
                    let sum = sum(group, |tally: &mut QueryTally| tally.each_place(stand_in), QueryTally::merge);
                    self.queries.extend(QueryKey::decode(hour, prefix, key, places).zip(sum));
                }
            }
            None => {}
        }
    }
}

fn sum<T: Kept>(group: &[Part<'_>], mut stand_in: impl FnMut(&mut T), mut merge: impl FnMut(&mut T, T)) -> Option<T> {
    let mut total: Option<T> = None;
    for part in group {
        let Some(mut tally) = T::decode(part.value) else { continue };
        stand_in(&mut tally);
        match &mut total {
            Some(total) => merge(total, tally),
            None => total = Some(tally),
        }
    }
    total
}
