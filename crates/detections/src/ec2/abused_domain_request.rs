//! An instance asks for a name of a kind that is habitually abused.

use crate::shared::reputation::{Kind, Reputation};
use crate::{Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, ListKind};

const ABUSED: FindingType = FindingType::new("Impact:EC2/AbusedDomainRequest.Reputation");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[ABUSED],
    summary: "An instance asked for a name with a low reputation, of a kind that is habitually abused.",
    listens: &[Interest::QueryFor(&[ListKind::AbusedReputation]), Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Reputation::new(ABUSED, Kind::Abused))),
};
