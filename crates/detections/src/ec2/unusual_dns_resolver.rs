//! An instance asks a DNS resolver outside that it never asked before.

use crate::shared::habit::{self, Habits};
use crate::shared::new_resolver::{NewResolver, Transport};
use crate::thresholds::Threshold;
use crate::{Behaviour, Detection, Interest, Need, Rule};
use watchfire_model::FindingType;

const RESOLVER: FindingType = FindingType::new("DefenseEvasion:EC2/UnusualDNSResolver");

/// Days of history before a resolver counts as new.
pub(crate) static LEARNING_DAYS: Threshold = habit::learning_days("ec2.unusual_dns_resolver.learning_days");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[RESOLVER],
    summary: "An instance asked a DNS resolver outside that it has no history of asking.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(make),
};

/// Evidence: an answered exchange on UDP or TCP port 53 with a public address outside that the instance has not asked on at
/// least 14 days of traffic, and that no other instance of its image asks. A resolver of a known operator counts at the
/// first exchange, any other address at the third. A new resolver stays new for 24 hours and is learnt if the exchanges go
/// on after that.
///
/// No evidence: the VPC's own resolver and other private addresses; attempts without an answer; a new server for a host that
/// is used to more than eight, because it looks names up by itself.
///
/// False positives: a change of the resolver that you made on purpose, and new software that brings a resolver of its own.
/// Trust the address (`--trusted`).
fn make() -> Box<dyn Behaviour> {
    Box::new(NewResolver {
        finding_type: RESOLVER,
        transport: Transport::Plain,
        learning_days: &LEARNING_DAYS,
        habits: Habits::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{DAY, days, exchange, found};

    #[test]
    fn a_public_resolver_after_two_weeks_without_it_is_reported() {
        for (remote, protocol) in [("9.9.9.9", 17), ("8.8.8.8", 6)] {
            let flows = [days(15), exchange(remote, 53, protocol, 14 * DAY + 3_600).to_vec()].concat();
            let verdicts = found(&DETECTION, &flows);
            assert_eq!(verdicts.len(), 1, "{remote}");
            let signal = &verdicts[0].signal;
            assert_eq!(signal.additional["unusual"], remote);
            assert!(signal.reasons[2].contains("on 14 days with traffic"), "{:?}", signal.reasons);
            assert!(signal.reasons[2].contains("at least 14 (`ec2.unusual_dns_resolver.learning_days`)"));
        }
    }

    #[test]
    fn thirteen_days_are_not_enough() {
        let flows = [days(14), exchange("9.9.9.9", 53, 17, 13 * DAY + 3_600).to_vec()].concat();
        assert!(found(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn a_resolver_that_it_always_asked_stays_quiet() {
        let asks = (0..16).flat_map(|day| exchange("9.9.9.9", 53, 17, day * DAY + 60)).collect();
        assert!(found(&DETECTION, &[days(16), asks].concat()).is_empty());
    }

    #[test]
    fn it_is_learnt_after_a_day() {
        let asks = (0..10).flat_map(|half_day| exchange("9.9.9.9", 53, 17, (28 + half_day) * DAY / 2 + 60)).collect();
        assert_eq!(found(&DETECTION, &[days(20), asks].concat()).len(), 2);
    }

    #[test]
    fn an_unknown_server_counts_at_the_third_exchange() {
        let asks = |count| -> Vec<_> {
            (0..count).flat_map(|at| exchange("198.51.100.53", 53, 17, 14 * DAY + 60 * at)).collect()
        };
        assert!(found(&DETECTION, &[days(15), asks(2)].concat()).is_empty());
        assert_eq!(found(&DETECTION, &[days(15), asks(3)].concat()).len(), 1);
    }

    #[test]
    fn a_host_that_looks_names_up_by_itself_stays_quiet() {
        let servers = |day: i64, from: i64, count: i64| {
            (from..from + count)
                .flat_map(move |server| {
                    (0..4).flat_map(move |at| {
                        exchange(&format!("203.0.113.{server}"), 53, 17, day * DAY + server * 60 + at)
                    })
                })
                .collect::<Vec<_>>()
        };
        let flows = [days(15), servers(2, 1, 9), servers(14, 20, 3)].concat();
        assert!(found(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn no_answer_and_private_resolvers_stay_quiet() {
        let unanswered = exchange("9.9.9.9", 53, 17, 14 * DAY)[..1].to_vec();
        assert!(found(&DETECTION, &[days(15), unanswered].concat()).is_empty());
        let private = exchange("10.0.0.2", 53, 17, 14 * DAY).to_vec();
        assert!(found(&DETECTION, &[days(15), private].concat()).is_empty());
    }

    #[test]
    fn ipv6_counts() {
        let asks = exchange("2620:fe::fe", 53, 17, 14 * DAY).map(|line| line.local("2600:1f18::10"));
        assert_eq!(found(&DETECTION, &[days(15), asks.to_vec()].concat()).len(), 1);
    }
}
