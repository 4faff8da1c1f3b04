//! An instance asks a resolver outside by DNS over HTTPS, which it never did before.

use crate::shared::habit::{self, Habits};
use crate::shared::new_resolver::{NewResolver, Transport};
use crate::thresholds::Threshold;
use crate::{Behaviour, Detection, Interest, Need, Rule};
use watchfire_model::FindingType;

const DOH: FindingType = FindingType::new("DefenseEvasion:EC2/UnusualDoHActivity");

/// Days of history before a resolver counts as new.
pub(crate) static LEARNING_DAYS: Threshold = habit::learning_days("ec2.unusual_doh_activity.learning_days");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DOH],
    summary: "An instance asked a resolver by DNS over HTTPS that it has no history of asking.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(make),
};

/// Evidence: an answered exchange on TCP or UDP port 443 with an address at which an operator of public resolvers serves DNS
/// over HTTPS, that the instance has not asked on at least 14 days of traffic, and that no other instance of its image asks.
/// A new one stays new for 24 hours and is learnt if the exchanges go on after that.
///
/// No evidence: other web servers, whatever they serve; resolvers that nobody documents are not seen. That a host contacts
/// addresses which no logged query named is no evidence either, though a resolver elsewhere would look so: programs keep
/// answers for longer than an hour, peers and registries hand addresses out, and names are asked of a resolver on the
/// premises; and AWS does not log what its resolver answers from its cache.
///
/// False positives: a person who opens the web page of such an operator from the instance; a browser or agent whose update
/// switched DNS over HTTPS on. Trust the address (`--trusted`).
fn make() -> Box<dyn Behaviour> {
    Box::new(NewResolver {
        finding_type: DOH,
        transport: Transport::Https,
        learning_days: &LEARNING_DAYS,
        habits: Habits::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{DAY, days, exchange, found};

    #[test]
    fn the_first_exchange_after_two_weeks_is_reported() {
        let flows = [days(15), exchange("1.1.1.1", 443, 6, 14 * DAY + 60).to_vec()].concat();
        let verdicts = found(&DETECTION, &flows);
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].signal.additional["unusual"], "1.1.1.1");
        assert!(verdicts[0].signal.reasons[0].contains("Cloudflare"), "{:?}", verdicts[0].signal.reasons);
    }

    #[test]
    fn on_the_first_day_it_is_only_learnt() {
        let flows = [days(2), exchange("1.1.1.1", 443, 6, DAY + 60).to_vec()].concat();
        assert!(found(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn a_refusal_is_no_exchange() {
        let [asked, refused] = exchange("1.1.1.1", 443, 6, 14 * DAY + 60);
        let refused = refused.flags(4).packets(1, 40);
        assert!(found(&DETECTION, &[days(15), vec![asked, refused]].concat()).is_empty());
    }

    #[test]
    fn any_other_web_server_stays_quiet() {
        let flows = [days(15), exchange("203.0.113.80", 443, 6, 14 * DAY + 60).to_vec()].concat();
        assert!(found(&DETECTION, &flows).is_empty());
    }
}
