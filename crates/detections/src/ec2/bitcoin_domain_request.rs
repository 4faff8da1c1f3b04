//! An instance asks for a name with a low reputation that has to do with cryptocurrency.

use crate::shared::reputation::{Kind, Reputation};
use crate::{Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, ListKind};

const MINING: FindingType = FindingType::new("Impact:EC2/BitcoinDomainRequest.Reputation");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[MINING],
    summary: "An instance asked for a name with a low reputation that has to do with cryptocurrency.",
    listens: &[Interest::QueryFor(&[ListKind::MiningReputation]), Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Reputation::new(MINING, Kind::Mining))),
};
