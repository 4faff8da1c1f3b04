//! What is kept of an entry: everything but what it covers.
//!
//! Entries of a list differ in what they cover and in little else, so millions of them share a label. The text of an entry is
//! made again from its label and from what was looked up.

use super::{EntryDetails, Indicator};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use ipnet::IpNet;
use std::hash::BuildHasher;
use std::net::IpAddr;

const HASHER: FixedState = FixedState::with_seed(0x6c61_6265_6c73_0000);

/// What one or many entries say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label {
    pub(crate) list: u32,
    pub(crate) threat_name: u32,
    pub(crate) shape: Shape,
    /// Boxed, for most lists say nothing.
    pub(crate) details: Option<Box<EntryDetails>>,
}

/// Which part of what was looked up an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// So many bits of an address.
    Bits(u8),
    /// A name alone.
    Exact,
    /// A name and everything below.
    ExactAndBelow,
    /// Everything below a name, but not the name.
    Below,
    /// A digest or a key.
    Whole,
}

/// What an entry names, as far as the label does not say it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// An address within the entry.
    Address(IpAddr),
    /// The name, key or digest of the entry.
    Text(&'a str),
}

impl Shape {
    /// The entry as a list would write it.
    pub(crate) fn written(self, subject: Subject<'_>) -> String {
        match (self, subject) {
            (Self::Bits(bits), Subject::Address(ip)) => match IpNet::new(ip, bits) {
                Ok(network) => Indicator::Network(network.trunc()).to_string(),
                Err(_) => ip.to_string(),
            },
            (Self::Below, Subject::Text(name)) => format!("*.{name}"),
            (_, Subject::Text(text)) => text.to_owned(),
            (_, Subject::Address(ip)) => ip.to_string(),
        }
    }
}

/// Gives equal labels one number.
#[derive(Default)]
pub(crate) struct Labels {
    numbers: HashTable<u32>,
    /// The last one: neighbours in a list are alike.
    last: Option<u32>,
}

impl Labels {
    pub(crate) fn number(&mut self, label: Label, labels: &mut Vec<Label>) -> u32 {
        if let Some(last) = self.last
            && labels.get(last as usize) == Some(&label)
        {
            return last;
        }
        let hash = HASHER.hash_one(&label);
        let number = self.numbers.find(hash, |&number| labels[number as usize] == label).copied();
        let number = number.unwrap_or_else(|| {
            let number = labels.len() as u32;
            labels.push(label);
            self.numbers.insert_unique(hash, number, |&number| HASHER.hash_one(&labels[number as usize]));
            number
        });
        self.last = Some(number);
        number
    }
}
