//! Tallies: what many records of one bucket of time say together, as numbers that can be summed.
//!
//! Behaviour shows in numbers: how many hosts were tried, how often, how much was sent. The unordered part of the engine
//! sums them per key, on any thread, and the ordered part adds the partial sums of all threads before a
//! [`Behaviour`](crate::Behaviour) sees them. Two promises make the result independent of files, cuts and threads:
//!
//! - Merging is commutative and associative. Sums, minima, maxima, flags, and samples that keep the smallest hashes:
//!   what a sample has dropped, no merge brings back, and what survived is complete.
//! - A tally refers to the records it was made of by file and position, not by their text. The earliest is chosen by what
//!   the records say, so that its choice does not depend on where they stand, unless they are alike in all that counts.
//!
//! A flow's bucket is a slice of ten minutes, a query's and a call's is a clock hour: floods and guessing are short, names
//! and habits are not.

mod bytes;
mod call;
mod flow;
mod piece;
mod query;
mod sample;

pub use bytes::Kept;
pub use call::{
    Api, ApiParts, CLIENT_PARTS, CallKeys, CallParts, CallTally, CallTallyKey, Client, ClientParts, REST_PARTS,
};
pub use flow::{Conversation, FlowKey, FlowSums, FlowTally, Room, Sent, service_rank};
pub use piece::Piece;
pub use query::{AnswerReach, Answered, QueryKey, QueryTally, QueryType, SubName};
pub use sample::{Sample, Sampled};

use crate::shared::host::Host;
use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::Arc;

/// Where a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordPlace {
    /// A hash of what it says, where nothing else orders records of one moment: so that it does not depend on how they
    /// were dealt out to files which of them is shown. 0 for calls, which have identities.
    pub tie: u32,
    /// The file, by its rank.
    pub file: u32,
    /// Where in the file.
    pub position: u64,
}

impl RecordPlace {
    /// As numbers, of which the third is mostly 0.
    fn numbers(self) -> [u32; 4] {
        [self.file, self.position as u32, (self.position >> 32) as u32, self.tie]
    }

    fn of_numbers([file, position, position_high, tie]: [u32; 4]) -> Self {
        Self { tie, file, position: u64::from(position_high) << 32 | u64::from(position) }
    }
}

/// Where traffic or queries were seen. Cheap to copy and to compare: tallies come in long runs of one place.
#[derive(Clone, Debug)]
pub struct Place(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    /// The host at this place, if its instance or interface is known.
    host: Option<Host>,
}

/// What a [`Place`] is made of.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Parts {
    /// The account.
    pub account: Box<str>,
    /// The region.
    pub region: Box<str>,
    /// The VPC; empty if not known.
    pub vpc: Box<str>,
    /// The network interface; empty for queries.
    pub interface: Box<str>,
    /// The instance; empty if not known.
    pub instance: Box<str>,
}

impl Place {
    /// The place of these parts.
    pub fn new(parts: Parts) -> Self {
        let id = if parts.instance.is_empty() { &parts.interface } else { &parts.instance };
        let host = (!id.is_empty()).then(|| Host::new(&parts.account, &parts.region, id));
        Self(Arc::new(Inner { parts, host }))
    }

    /// The host at this place: its instance, else its interface. `None` where neither is known.
    pub(crate) fn host(&self) -> Option<&Host> {
        self.0.host.as_ref()
    }

    /// Whether this is a copy of the other; where it is not, both may still be alike.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Bytes whose order is that of places.
    pub fn encode(&self, into: &mut Vec<u8>) {
        for part in [&self.account, &self.region, &self.vpc, &self.interface, &self.instance] {
            into.extend_from_slice(part.as_bytes());
            into.push(0);
        }
    }

    /// Reads what [`Self::encode`] wrote, and says how many bytes it was. `None` where the bytes are not that.
    pub fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut at = 0;
        let mut part = || {
            let rest = bytes.get(at..)?;
            let end = memchr::memchr(0, rest)?;
            at += end + 1;
            std::str::from_utf8(&rest[..end]).ok().map(Box::<str>::from)
        };
        let parts = Parts { account: part()?, region: part()?, vpc: part()?, interface: part()?, instance: part()? };
        Some((Self::new(parts), at))
    }
}

/// Places read before, so that one place is one allocation for as long as a scan lasts.
#[derive(Default)]
pub struct Places {
    known: HashMap<Box<[u8]>, Place, foldhash::fast::FixedState>,
    /// The last one read, and its bytes: keys in order come in runs.
    last: Option<(Box<[u8]>, Place)>,
}

impl Places {
    /// Places remembered at most, about 400 bytes each; then all are forgotten, which costs allocations and nothing else.
    const MAX: usize = 200_000;

    /// Reads what [`Place::encode`] wrote; what follows it in the bytes.
    pub fn read<'b>(&mut self, bytes: &'b [u8]) -> Option<(Place, &'b [u8])> {
        if let Some((known, place)) = &self.last
            && let Some(rest) = bytes.strip_prefix(&**known)
        {
            return Some((place.clone(), rest));
        }
        let (place, length) = Place::decode(bytes)?;
        let (own, rest) = bytes.split_at(length);
        if self.known.len() >= Self::MAX {
            self.known.clear();
        }
        let place = self.known.entry(own.into()).or_insert(place).clone();
        self.last = Some((own.into(), place.clone()));
        Some((place, rest))
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new(Parts::default())
    }
}

impl Deref for Place {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.parts == other.0.parts
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.parts.cmp(&other.0.parts) }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Parts::deserialize(deserializer).map(Self::new)
    }
}

/// Milliseconds of a moment within its bucket, as far as 32 bits go.
pub(crate) fn offset_ms(moment_ms: i64, bucket_begin_ms: i64) -> u32 {
    u32::try_from(moment_ms.saturating_sub(bucket_begin_ms).max(0)).unwrap_or(u32::MAX)
}

pub(crate) fn saturating_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
