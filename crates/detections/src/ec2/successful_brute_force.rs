//! Password guessing that may have succeeded: one connection stands out.

use crate::behaviour::{Behaviour, FlowView, Scene, Verdict};
use crate::shared::guessing::{Guess, Guesses, Joined, Pair, PairKey, RDP, SSH, Service, WIN_RM};
use crate::shared::scan::{quoted, span};
use crate::shared::{state, subject};
use crate::{Detection, Interest, Need, Rule, Threshold};
use watchfire_model::{FindingType, Severity, Time};

const SUCCESS: FindingType = FindingType::new("CredentialAccess:EC2/SuccessfulBruteForce.Watchfire");

/// The version of the saved state.
const STATE_VERSION: u32 = 1;
static SERVICES: [&Service; 3] = [&SSH, &RDP, &WIN_RM];

/// Attempts before the one that stands out: fewer are no guessing yet.
const ATTEMPTS_BEFORE_MIN: usize = 10;
/// More such connections are a habit, not the one success. Source: detection-methods, section 3.
const STANDING_OUT_MAX: usize = 2;
/// The success comes during the guessing, or so long after its last attempt: as long as the attempts are remembered. Source:
/// our choice; what a program has guessed is often used by hand, hours later.
const AFTER_MS: i64 = Time::DAY_MS;
/// A connection must have more than so many times the packets of the longest of the usual attempts: a client may use one port for
/// two attempts within a slice, and flow logs show both as one.
const TWICE: u32 = 2;
/// A connection of SSH with so many times the packets of the mean attempt, and more than the longest attempt may have, is no
/// failed login, however short: a server hangs up after six tries. Source: our choice; OpenSSH's MaxAuthTries is 6.
const FAR_LONGER: u64 = 3;
/// Attempts shown beside it.
const SHOWN_MAX: usize = 9;

/// How long a connection must last.
pub(crate) static SECONDS: Threshold = Threshold {
    key: "ec2.successful_brute_force.seconds",
    default: 180.0,
    min: 10.0,
    max: 86_400.0,
    unit: "seconds",
    source: "sshd closes after 120 seconds without a login (LoginGraceTime); a flow log's times are off by up to 60",
    summary: "how long a connection must last to be more than a login that failed",
};

/// How much longer it must be.
pub(crate) static MORE_PACKETS: Threshold = Threshold {
    key: "ec2.successful_brute_force.packets",
    default: 5.0,
    min: 1.0,
    max: 10_000.0,
    unit: "packets of the client above the mean of the attempts",
    source: "SSHCure, by way of detection-methods, section 3",
    summary: "how many packets more than the attempts a connection must have to stand out",
};

pub(crate) const DETECTION: Detection = Detection {
    reports: &[SUCCESS],
    summary: "After many alike connections of password guessing, one stands out and lasts.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Successes::default())),
};

/// Evidence: password guessing between two hosts by SSH, RDP or WinRM (as the types for it define it), and one or two
/// connections between the same two, begun after at least ten attempts and not later than 24 hours after the last, that have
/// more packets than two attempts and last longer than a server waits for a login. By SSH, after guessing within ten minutes, a
/// short one counts, too, if it has three times the packets of the attempts and more than any attempt (51): a program that
/// drops its tool and leaves.
///
/// Flow logs do not tell whether a login succeeded: this is the mark that a session leaves, not the login itself. No
/// evidence is a long connection before the guessing, or many of them. A success that comes from another address than the
/// guessing is not seen.
///
/// False positives: someone who uses the service from the address that guesses, such as an office behind one address; a
/// program that holds a refused connection open.
#[derive(Default)]
struct Successes {
    guesses: Guesses,
}

impl Behaviour for Successes {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.guesses.flow(flow, &SERVICES, &scene.context);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        let mut found = Vec::new();
        self.guesses.close(end, &SERVICES, &mut |key, service, pair| {
            found.extend(judge(key, service, pair, end, scene));
        });
        scene.verdicts.append(&mut found);
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
        self.guesses = state::load::<Guesses>(SUCCESS, STATE_VERSION, saved)?.reindex();
        Ok(())
    }
}

fn judge(key: &PairKey, service: &Service, pair: &mut Pair, now: Time, scene: &Scene<'_>) -> Option<Verdict> {
    let guess = pair.guess(key, service, now, scene.thresholds, false)?;
    let begun = guess.attempts.get(ATTEMPTS_BEFORE_MIN - 1)?.first;
    let last = guess.attempts.last()?.first;
    let least = guess.mean_packets() + scene.thresholds.count(&MORE_PACKETS);
    let stands_out = |one: &&Joined| {
        let is_longer = u64::from(one.packets) >= least && one.packets > guess.usual_max().saturating_mul(TWICE);
        one.is_answered() && is_longer && one.first >= begun && one.first <= last + AFTER_MS
    };
    let outstanding: Vec<Joined> = pair.conversations().iter().filter(stands_out).copied().collect();
    let lasts = |one: &&Joined| {
        let is_long = one.last - one.first >= scene.thresholds.count(&SECONDS) as i64 * Time::SECOND_MS;
        is_long || (one.is_over(now) && is_far_longer(one, &guess, service))
    };
    let session = outstanding.iter().filter(lasts).max_by_key(|one| (one.packets, one.first)).copied()?;
    if outstanding.len() > STANDING_OUT_MAX || session.is_reported {
        return None;
    }
    let signal = explain(key, service, pair, &guess, &session, scene)?;
    pair.mark_reported(&session);
    let mut records: Vec<_> =
        guess.attempts.iter().take(SHOWN_MAX).map(|one| (Time::from_ms(one.first), one.place)).collect();
    records.push((Time::from_ms(session.first), session.place));
    let (begin, end) = (Time::from_ms(guess.attempts.first()?.first), Time::from_ms(session.last));
    Some(Verdict { signal, begin, end, records, record_count: guess.attempts.len() as u64 + 1 })
}

/// Whether a connection has so many packets that it was no failed login, however soon it ended.
fn is_far_longer(one: &Joined, guess: &Guess, service: &Service) -> bool {
    service.name == SSH.name
        && guess.is_fast()
        && one.packets > service.packets.1
        && u64::from(one.packets) >= guess.mean_packets().saturating_mul(FAR_LONGER)
}

fn explain(
    key: &PairKey,
    service: &Service,
    pair: &Pair,
    guess: &Guess,
    session: &Joined,
    scene: &Scene<'_>,
) -> Option<watchfire_model::Signal> {
    let mut signal = pair.signal(key, session, SUCCESS, Severity::HIGH, &scene.context)?;
    let (name, who) = (service.name, subject::name(&signal));
    let seconds = (session.last - session.first) / Time::SECOND_MS;
    let lasts_long = seconds >= scene.thresholds.count(&SECONDS) as i64;
    signal.title = format!("{who} may have been entered by {name} after password guessing.");
    if key.is_outbound() {
        signal.title = format!("{who} may have entered {} by {name} after password guessing.", key.remote());
    }
    signal.description = format!(
        "{} Of many connections between it and {} one stands out: it {}.",
        signal.title,
        key.remote(),
        if lasts_long {
            "is longer than the others and lasts longer than a server waits for a login"
        } else {
            "has many times the packets of the others, more than a server lets a failed login have"
        }
    );
    signal.reasons.push(guess.sentence(key, service));
    signal.reasons.push(guess.limits(scene.thresholds));
    signal.reasons.push(format!(
        "The connection {} (client's port {}) has {} packets of the client; the attempts have {} in the mean (rounded \
         down), and it takes {} more to stand out, and more than {TWICE} times the {} of the longest of the usual ones.",
        span(session.first, session.last),
        session.port,
        session.packets,
        guess.mean_packets(),
        quoted(&MORE_PACKETS, scene.thresholds),
        guess.usual_max()
    ));
    let asked = format!("at least {} are asked for", quoted(&SECONDS, scene.thresholds));
    signal.reasons.push(if lasts_long {
        format!("It lasted {seconds} seconds so far; {asked}.")
    } else {
        format!(
            "It lasted {seconds} seconds ({asked}), but has at least {FAR_LONGER} times the packets of an attempt, and more \
             than the {} that an attempt may have.",
            service.packets.1
        )
    });
    signal.missing.push("Whether the login succeeded is in the target's own log; flow logs do not show it.".to_owned());
    Some(signal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const ATTACKER: &str = "203.0.113.9";

    fn attempts(count: u16) -> Vec<FlowLine> {
        (0..count)
            .flat_map(|n| {
                [
                    FlowLine::into(ATTACKER, 40_000 + n, 22).flags(3).packets(15, 1_800).after(10 * i64::from(n)),
                    FlowLine::out(22, ATTACKER, 40_000 + n).flags(19).packets(17, 2_700).after(10 * i64::from(n)),
                ]
            })
            .collect()
    }

    /// A session of so many minutes, each with so many packets.
    fn session(port: u16, from: i64, minutes: i64, packets: u64) -> Vec<FlowLine> {
        (0..minutes)
            .flat_map(|minute| {
                let flags = if minute == 0 { 2 } else { 0 };
                [
                    FlowLine::into(ATTACKER, port, 22)
                        .flags(flags)
                        .packets(packets, packets * 100)
                        .after(from + 60 * minute),
                    FlowLine::out(22, ATTACKER, port)
                        .flags(flags * 9)
                        .packets(packets, packets * 200)
                        .after(from + 60 * minute),
                ]
            })
            .collect()
    }

    #[test]
    fn a_session_that_outlives_the_attempts_stands_out() {
        let found = flow_verdicts(&DETECTION, &[attempts(40), session(50_000, 405, 10, 12)].concat());
        assert_eq!((found.len(), found[0].signal.severity), (1, Severity::HIGH));
        let reasons = &found[0].signal.reasons;
        assert!(reasons.iter().any(|reason| reason.contains("client's port 50000")), "{reasons:#?}");
    }

    /// In a slice with more attempts than are looked at one by one, the session is seen in the next slice.
    #[test]
    fn a_session_among_hundreds_of_attempts_is_seen_wherever_slices_are_cut() {
        let fast = |begin: i64| {
            (0..400_u16).flat_map(move |n| {
                let after = begin + 17 * i64::from(n) / 8;
                [
                    FlowLine::into(ATTACKER, 40_000 + n, 22).flags(3).packets(15, 1_800).after(after),
                    FlowLine::out(22, ATTACKER, 40_000 + n).flags(19).packets(17, 2_700).after(after),
                ]
            })
        };
        for begin in [0, 120, 240, 360, 480] {
            let flows: Vec<FlowLine> = fast(begin).chain(session(50_000, begin + 900, 13, 30)).collect();
            assert_eq!(flow_verdicts(&DETECTION, &flows).len(), 1, "{begin} seconds into a slice");
        }
    }

    /// Two attempts through one port of the client look like one connection that lasts.
    #[test]
    fn two_attempts_through_one_port_are_no_session() {
        let again = [
            FlowLine::into(ATTACKER, 40_035, 22).flags(3).packets(15, 1_800).after(560),
            FlowLine::out(22, ATTACKER, 40_035).flags(19).packets(17, 2_700).after(560),
        ];
        assert!(flow_verdicts(&DETECTION, &[attempts(40), again.to_vec()].concat()).is_empty());
        let flows = [attempts(40), again.to_vec()].concat();
        assert!(flow_verdicts_in_default_form(&DETECTION, &flows).is_empty());
    }

    /// Attempts need not be alike all: two long ones through one port are none of it either.
    #[test]
    fn two_long_attempts_through_one_port_are_no_session() {
        let one = |port: u16, packets: u64, after: i64| {
            [
                FlowLine::into(ATTACKER, port, 5_985).flags(3).packets(packets, packets * 150).after(after),
                FlowLine::out(5_985, ATTACKER, port).flags(19).packets(packets, packets * 120).after(after),
            ]
        };
        let many =
            |lengths: u64| (0..60_u16).flat_map(move |n| one(40_000 + n, 6 + u64::from(n) % lengths, 5 * i64::from(n)));
        let again = [one(50_000, 9, 60), one(50_000, 9, 500)].concat();
        let flows: Vec<FlowLine> = many(4).chain(again).collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
        // A session has many times as many.
        let session = [one(50_000, 9, 60), one(50_000, 40, 500)].concat();
        let flows: Vec<FlowLine> = many(4).chain(session).collect();
        assert_eq!(flow_verdicts(&DETECTION, &flows).len(), 1);
    }

    #[test]
    fn a_program_that_drops_its_tool_and_leaves_stands_out_by_its_packets() {
        let found = flow_verdicts(&DETECTION, &[attempts(40), session(50_000, 405, 1, 60)].concat());
        assert_eq!(found.len(), 1);
        let reasons = &found[0].signal.reasons;
        assert!(reasons.iter().any(|reason| reason.contains("more than the 51 that")), "{reasons:#?}");
    }

    #[test]
    fn who_comes_back_hours_later_has_been_let_in() {
        let later = session(50_000, 6 * 3_600, 10, 12);
        assert_eq!(flow_verdicts(&DETECTION, &[attempts(60), later].concat()).len(), 1);
    }

    #[test]
    fn attempts_alone_a_short_success_and_a_session_before_them_stay_quiet() {
        assert!(flow_verdicts(&DETECTION, &attempts(40)).is_empty());
        assert!(flow_verdicts(&DETECTION, &[attempts(40), session(50_000, 405, 1, 50)].concat()).is_empty());
        assert!(flow_verdicts(&DETECTION, &[attempts(40), session(50_000, 0, 20, 12)].concat()).is_empty());
    }

    #[test]
    fn a_session_without_guessing_and_many_sessions_beside_it_stay_quiet() {
        assert!(flow_verdicts(&DETECTION, &[attempts(5), session(50_000, 60, 20, 12)].concat()).is_empty());
        let many = (0..5).flat_map(|n| session(50_000 + n, 405, 10, 12));
        assert!(flow_verdicts(&DETECTION, &attempts(40).into_iter().chain(many).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn order_and_restarts_change_nothing() {
        check_restarts_and_order(&DETECTION, &[attempts(70), session(50_000, 405, 15, 12)].concat());
    }
}
