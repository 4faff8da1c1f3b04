//! API calls as habits: sessions of a caller, how unusual they are, and why.
//!
//! Tallies of an hour become sessions ([`session`]); each thing done in one is compared with the habits of the caller, of
//! those like it, and of the account ([`score`]), weighed by what it is for ([`risk`]), held against limits ([`limits`]),
//! and explained ([`explain`]).
//!
//! Not judged by itself is how many different APIs an hour has, and how large a share of its calls is denied, each held
//! against a tail of the account above the caller's mean. Measured (docs/evaluation.md, "Counts of calls"): the sessions
//! found 75 of 80 enumerations of fifty APIs without it; it would have said ten times as much for nothing as all findings
//! of Discovery did, and the denied share would have seen a quarter of what the sessions see.

pub(crate) mod agent;
pub(crate) mod breadth;
pub(crate) mod caller;
pub(crate) mod explain;
pub(crate) mod limits;
pub(crate) mod places;
pub(crate) mod risk;
pub(crate) mod roles;
pub(crate) mod score;
pub(crate) mod scorer;
pub(crate) mod session;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;
pub(crate) mod volume;
