//! API calls as habits: sessions of a caller, how unusual they are, and why.
//!
//! Tallies of an hour become sessions ([`session`]); each thing done in one is compared with the habits of the caller, of
//! those like it, and of the account ([`score`]), weighed by what it is for ([`risk`]), and explained ([`explain`]).

pub(crate) mod agent;
pub(crate) mod breadth;
pub(crate) mod caller;
pub(crate) mod explain;
pub(crate) mod limits;
pub(crate) mod places;
pub(crate) mod risk;
pub(crate) mod score;
pub(crate) mod scorer;
pub(crate) mod session;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;
pub(crate) mod volume;
