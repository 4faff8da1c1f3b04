//! Someone guesses passwords of SSH.

use crate::behaviour::{Behaviour, FlowView, Scene};
use crate::shared::guessing::{Guesses, SSH};
use crate::shared::state;
use crate::{Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, Time};

const SSH_BRUTE_FORCE: FindingType = FindingType::new("UnauthorizedAccess:EC2/SSHBruteForce");

/// The version of the saved state.
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[SSH_BRUTE_FORCE],
    summary: "Many short, alike SSH connections: someone guesses passwords, of the instance or from it.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Guessing::default())),
};

/// Evidence: many whole connections to TCP port 22, each of the length of a login that failed (11 to 51 packets of the
/// client, and an answer), nearly all with the same number of packets: by one host at another within ten minutes or 24
/// hours, by one host at many, or by many hosts at one within an hour.
///
/// Pieces of one connection in several records are joined by the client's port, so a long session counts once, and as
/// what it is: longer. No evidence are connections without an answer or too short for a login (that is scanning), a pair
/// that has talked on seven earlier days and does not talk more than five times as much now, two hosts of yours that log in
/// all day and did so in the first week of the logs (only ten minutes count there), and other ports. Nor are connections that a
/// host of yours opens by the clock, one in 25 seconds at the most (four of five gaps within 5 percent of the median gap, or of
/// two or three of them): that is a fetch or a check. Of one host at many targets it must be one in two minutes at the most,
/// from the beginning of the logs on. Strangers may keep any beat. The finding is about the target, whoever attacks, and mild;
/// where the attacker is yours as well, there is a second one about it.
///
/// False positives: jobs that log in again and again for moments, such as deployment tools, checks and repositories over
/// SSH at uneven times, in their first week. Suppress the finding for their address.
#[derive(Default)]
struct Guessing {
    guesses: Guesses,
}

impl Behaviour for Guessing {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.guesses.flow(flow, &[&SSH], &scene.context);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.guesses.verdicts(end, &SSH, SSH_BRUTE_FORCE, scene);
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.guesses.expire(now)
    }

    fn size(&self) -> (u64, u64) {
        self.guesses.size()
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, &self.guesses)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        self.guesses = state::load::<Guesses>(SSH_BRUTE_FORCE, STATE_VERSION, saved)?.reindex();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use proptest::prelude::*;
    use watchfire_knowledge::Knowledge;
    use watchfire_model::{ResourceRole, Severity};

    const ATTACKER: &str = "203.0.113.9";

    /// A login of so many packets that failed, from outside.
    fn attempt(from: &str, port: u16, after: i64, packets: u64) -> [FlowLine; 2] {
        [
            FlowLine::into(from, port, 22).flags(3).packets(packets, packets * 120).after(after),
            FlowLine::out(22, from, port).flags(19).packets(packets + 2, packets * 180).after(after),
        ]
    }

    fn attempts(count: u16, every: i64, from: i64) -> Vec<FlowLine> {
        (0..count)
            .flat_map(|n| attempt(ATTACKER, 40_000 + n, from + every * i64::from(n), 14 + u64::from(n % 3)))
            .collect()
    }

    /// The same by our instance.
    fn turned(count: u16) -> Vec<FlowLine> {
        (0..count)
            .flat_map(|n| {
                [
                    FlowLine::out(40_000 + n, ATTACKER, 22).flags(3).packets(15, 1_800).after(i64::from(n) * 5),
                    FlowLine::into(ATTACKER, 22, 40_000 + n).flags(19).packets(17, 2_700).after(i64::from(n) * 5),
                ]
            })
            .collect()
    }

    /// The number before this text.
    fn number(text: &str, before: &str) -> f64 {
        let head = text.split(before).next().unwrap();
        head.rsplit(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn twenty_alike_logins_in_ten_minutes_are_guessing_of_the_target() {
        let found = flow_verdicts(&DETECTION, &attempts(20, 20, 0));
        assert_eq!(found.len(), 1);
        let signal = &found[0].signal;
        assert_eq!((signal.role, signal.severity), (Some(ResourceRole::Target), Severity::LOW));
        assert_eq!(
            signal.title,
            format!("{ATTACKER} is performing SSH brute force attacks against the EC2 instance {INSTANCE}.")
        );
    }

    #[test]
    fn the_share_can_be_recomputed_from_what_the_finding_says() {
        let found = flow_verdicts(&DETECTION, &attempts(30, 15, 0));
        let text = &found[0].signal.reasons[0];
        let (alike, all) = (number(text, " of all"), number(text, " of such length"));
        assert_eq!((alike, all), (30.0, 30.0));
        let z = 2.0f64;
        let root = (alike * (all - alike) / all + z * z / 4.0).sqrt();
        let bound = (alike + z * z / 2.0 - z * root) / (all + z * z);
        let said: f64 = number(text.split("a share of at least ").nth(1).unwrap(), " %");
        assert!((bound * 100.0 - said).abs() < 0.11, "{text}: {bound}");
    }

    #[test]
    fn our_own_instance_that_guesses_is_the_actor_in_a_finding_of_its_own() {
        let found = flow_verdicts(&DETECTION, &turned(25));
        let signal = &found[0].signal;
        assert_eq!((signal.role, signal.severity), (Some(ResourceRole::Actor), Severity::HIGH));
        assert_eq!(signal.entity, format!("{INSTANCE} as actor"));
        assert!(signal.title.starts_with("The EC2 instance"), "{}", signal.title);
        let found = flow_verdicts_in_default_form(&DETECTION, &turned(25));
        assert!(found[0].signal.title.contains("interface eni-0c000000000000001 is"), "{}", found[0].signal.title);
    }

    #[test]
    fn nineteen_and_another_port_stay_quiet() {
        assert!(flow_verdicts(&DETECTION, &attempts(19, 20, 0)).is_empty());
        let elsewhere: Vec<FlowLine> = (0..40u16)
            .flat_map(|n| {
                [
                    FlowLine::into(ATTACKER, 40_000 + n, 2222).flags(3).packets(15, 1_800),
                    FlowLine::out(2222, ATTACKER, 40_000 + n).flags(19).packets(15, 1_800),
                ]
            })
            .collect();
        assert!(flow_verdicts(&DETECTION, &elsewhere).is_empty());
    }

    #[test]
    fn logins_of_every_length_are_work() {
        let flows: Vec<FlowLine> = (0..60u16)
            .flat_map(|n| attempt(ATTACKER, 40_000 + n, 9 * i64::from(n), 12 + 7 * u64::from(n % 20)))
            .collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn guessing_over_the_edge_of_a_slice_counts_as_one() {
        assert_eq!(flow_verdicts(&DETECTION, &attempts(22, 25, 600 - 11 * 25)).len(), 1);
    }

    #[test]
    fn one_attempt_in_half_an_hour_is_found_within_the_day() {
        let found = flow_verdicts(&DETECTION, &attempts(45, 1_800, 0));
        assert!(found[0].signal.reasons[1].contains("24 hours"), "{:#?}", found[0].signal.reasons);
    }

    #[test]
    fn a_long_session_that_is_logged_each_minute_is_one_connection() {
        let pieces: Vec<FlowLine> = (0..300)
            .flat_map(|minute| {
                let flags = if minute == 0 { 2 } else { 0 };
                [
                    FlowLine::into(ATTACKER, 40_000, 22).flags(flags).packets(14, 1_400).after(minute * 60),
                    FlowLine::out(22, ATTACKER, 40_000).flags(flags * 9).packets(14, 1_400).after(minute * 60),
                ]
            })
            .collect();
        assert!(flow_verdicts(&DETECTION, &pieces).is_empty());
        let without_flags: Vec<String> = (0..300i64)
            .map(|minute| {
                let start = 1_713_484_800 + minute * 60;
                format!("2 111122223333 eni-1 {ATTACKER} 10.0.1.10 40000 22 6 14 1400 {start} {} ACCEPT OK\n2 111122223333 eni-1 10.0.1.10 {ATTACKER} 22 40000 6 14 1400 {start} {} ACCEPT OK", start + 60, start + 60)
            })
            .collect();
        let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
        assert!(
            verdicts(&DETECTION, &Knowledge::default(), &[&format!("{header}\n{}", without_flags.join("\n"))])
                .is_empty()
        );
    }

    #[test]
    fn a_few_attempts_by_each_of_many_are_a_distributed_attack() {
        let by = |sources: u16, each: u16| -> Vec<FlowLine> {
            (0..sources * each)
                .flat_map(|n| attempt(&format!("203.0.113.{}", n % sources + 1), 40_000 + n, 5 * i64::from(n), 15))
                .collect()
        };
        let found = flow_verdicts(&DETECTION, &by(25, 4));
        assert!(!found.is_empty() && found.iter().all(|verdict| verdict.signal.entity == INSTANCE));
        assert!(found[0].signal.reasons[1].contains("campaign"), "{:#?}", found[0].signal.reasons);
        assert!(flow_verdicts(&DETECTION, &by(10, 4)).is_empty());
    }

    #[test]
    fn a_few_attempts_at_each_of_many_are_a_spray() {
        let at = |targets: u16| -> Vec<FlowLine> {
            (0..targets * 6)
                .flat_map(|n| {
                    let target = format!("10.0.2.{}", n % targets + 1);
                    [
                        FlowLine::out(40_000 + n, &target, 22).flags(3).packets(15, 1_800).after(5 * i64::from(n)),
                        FlowLine::into(&target, 22, 40_000 + n).flags(19).packets(15, 1_800).after(5 * i64::from(n)),
                    ]
                })
                .collect()
        };
        let found = flow_verdicts(&DETECTION, &at(12));
        assert!(!found.is_empty() && found[0].signal.severity == Severity::HIGH);
        assert!(flow_verdicts(&DETECTION, &at(5)).is_empty());
    }

    #[test]
    fn a_job_that_has_logged_in_for_a_week_stays_quiet_on_the_eighth_day() {
        let day = |day: i64, count: u16| -> Vec<FlowLine> {
            let at = |n: u16| day * 86_400 + 1_000 * i64::from(n) + i64::from(n) * i64::from(n) * 37 % 400;
            (0..count).flat_map(|n| attempt("10.0.9.9", 40_000 + n, at(n), 20)).collect()
        };
        let mut flows: Vec<FlowLine> = (0..8).flat_map(|at| day(at, 30)).collect();
        flows.extend(day(8, 80));
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
        // Where the logs begin with it nobody can tell; where they went on for a week without it, it is guessing.
        assert!(flow_verdicts(&DETECTION, &day(8, 80)).is_empty());
        let another = FlowLine::out(40_000, "198.51.100.7", 443).flags(3).packets(8, 900).after(0);
        assert!(!flow_verdicts(&DETECTION, &[vec![another], day(8, 80)].concat()).is_empty());
    }

    /// A fetch over SSH, each `every` seconds and up to `late` seconds later, with something to fetch now and then.
    fn fetches(count: u16, every: i64, late: i64) -> Vec<FlowLine> {
        (0..count)
            .flat_map(|n| {
                let packets = if n % 20 == 7 { 200 } else { 21 + u64::from(n % 3) };
                let after = every * i64::from(n) + i64::from(n) * i64::from(n) * 37 % (late + 1);
                [
                    FlowLine::out(40_000 + n, ATTACKER, 22).flags(3).packets(packets, packets * 170).after(after),
                    FlowLine::into(ATTACKER, 22, 40_000 + n).flags(19).packets(20, 4_400).after(after),
                ]
            })
            .collect()
    }

    #[test]
    fn a_fetch_by_the_clock_stays_quiet() {
        for every in [30, 60, 300, 900] {
            assert!(flow_verdicts(&DETECTION, &fetches(90, every, 2)).is_empty(), "one in {every} seconds");
        }
        // Without the beat it is guessing, and so is a beat of logins without a pause.
        assert!(!flow_verdicts(&DETECTION, &fetches(90, 300, 200)).is_empty());
        assert!(!flow_verdicts(&DETECTION, &fetches(90, 10, 0)).is_empty());
        // A stranger may keep a beat.
        assert!(!flow_verdicts(&DETECTION, &attempts(45, 300, 0)).is_empty());
    }

    #[test]
    fn guessing_between_fetches_by_the_clock_is_seen() {
        let flows = [fetches(200, 60, 1), turned(30)].concat();
        assert!(!flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn checks_of_many_hosts_by_the_clock_are_no_spray() {
        let checks = |every: i64, hosts: u16| -> Vec<FlowLine> {
            (0..hosts * 12)
                .flat_map(|n| {
                    let target = format!("10.0.2.{}", n % hosts + 1);
                    let after = every * i64::from(n / hosts) + i64::from(n % hosts);
                    [
                        FlowLine::out(40_000 + n, &target, 22).flags(3).packets(15, 1_800).after(after),
                        FlowLine::into(&target, 22, 40_000 + n).flags(19).packets(15, 1_800).after(after),
                    ]
                })
                .collect()
        };
        assert!(flow_verdicts(&DETECTION, &checks(300, 30)).is_empty());
        assert!(!flow_verdicts(&DETECTION, &checks(40, 30)).is_empty());
        // What begins later was not there.
        let before = FlowLine::out(39_000, "198.51.100.7", 443).flags(3).packets(8, 900).after(-7_200);
        assert!(!flow_verdicts(&DETECTION, &[vec![before], checks(300, 30)].concat()).is_empty());
    }

    #[test]
    fn one_or_two_attempts_by_each_of_very_many_are_one_attack() {
        let by = |sources: u16, each: u16| -> Vec<FlowLine> {
            let from = |n: u16| format!("203.0.{}.{}", 113 + n % sources / 200, n % sources % 200 + 1);
            (0..sources * each).flat_map(|n| attempt(&from(n), 40_000 + n, 10 * i64::from(n), 15)).collect()
        };
        let found = flow_verdicts(&DETECTION, &by(150, 2));
        assert!(!found.is_empty());
        assert!(found[0].signal.reasons[1].contains("ec2.guessing.pooled_attempts"), "{:#?}", found[0].signal.reasons);
        assert!(flow_verdicts(&DETECTION, &by(40, 2)).is_empty(), "80 attempts by 40");
        assert!(flow_verdicts(&DETECTION, &by(99, 1)).is_empty(), "99 attempts");
    }

    #[test]
    fn many_people_at_a_repository_stay_quiet() {
        // Half of what they do is as short as a login, and alike; the rest is work.
        let flows: Vec<FlowLine> = (0..400u16)
            .flat_map(|n| {
                let packets = if n % 2 == 0 { 22 } else { 60 + u64::from(n) };
                attempt(&format!("203.0.113.{}", n / 2 % 60 + 1), 40_000 + n, 8 * i64::from(n), packets)
            })
            .collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn order_and_restarts_change_nothing() {
        check_restarts_and_order(&DETECTION, &attempts(60, 31, 100));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn order_and_restarts_change_nothing_whatever_comes(
            attempts in proptest::collection::vec((0u16..3, 0u16..30, 0i64..4_000, 8u64..24), 1..90),
        ) {
            let flows: Vec<FlowLine> = attempts
                .into_iter()
                .flat_map(|(from, port, after, packets)| {
                    attempt(&format!("203.0.113.{from}"), 40_000 + port, after, packets)
                })
                .collect();
            check_restarts_and_order(&DETECTION, &flows);
        }
    }
}
