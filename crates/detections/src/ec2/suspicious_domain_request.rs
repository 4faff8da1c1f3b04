//! An instance asks for a name that has what malicious names have.

use crate::shared::reputation::{Kind, Reputation};
use crate::{Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, ListKind};

const SUSPICIOUS: FindingType = FindingType::new("Impact:EC2/SuspiciousDomainRequest.Reputation");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[SUSPICIOUS],
    summary: "An instance asked for a name that is new, rare, and looks like malicious ones.",
    listens: &[Interest::QueryFor(&[ListKind::SuspiciousReputation]), Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Reputation::new(SUSPICIOUS, Kind::Suspicious))),
};
