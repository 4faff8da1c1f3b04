//! Someone guesses passwords of Remote Desktop.

use crate::behaviour::{Behaviour, FlowView, Scene};
use crate::shared::guessing::{Guesses, RDP};
use crate::shared::state;
use crate::{Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, Time};

const RDP_BRUTE_FORCE: FindingType = FindingType::new("UnauthorizedAccess:EC2/RDPBruteForce");

/// The version of the saved state.
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[RDP_BRUTE_FORCE],
    summary: "Many short, alike RDP connections: someone guesses passwords, of the instance or from it.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Guessing::default())),
};

/// Evidence: many whole connections to TCP port 3389, each of the length of a login that failed (7 to 100 packets of the
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
/// RDP at uneven times, in their first week. Suppress the finding for their address.
#[derive(Default)]
struct Guessing {
    guesses: Guesses,
}

impl Behaviour for Guessing {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.guesses.flow(flow, &[&RDP], &scene.context);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.guesses.verdicts(end, &RDP, RDP_BRUTE_FORCE, scene);
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
        self.guesses = state::load::<Guesses>(RDP_BRUTE_FORCE, STATE_VERSION, saved)?.reindex();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn attempts(count: u16, packets: u64, answer: u64) -> Vec<FlowLine> {
        (0..count)
            .flat_map(|n| {
                [
                    FlowLine::into("203.0.113.9", 50_000 + n, 3389)
                        .flags(3)
                        .packets(packets, 2_400)
                        .after(20 * i64::from(n)),
                    FlowLine::out(3389, "203.0.113.9", 50_000 + n)
                        .flags(19)
                        .packets(answer, 2_900)
                        .after(20 * i64::from(n)),
                ]
            })
            .collect()
    }

    #[test]
    fn twenty_five_alike_logins_are_guessing() {
        let found = flow_verdicts(&DETECTION, &attempts(25, 12, 10));
        assert!(!found.is_empty() && found[0].signal.title.contains("RDP brute force"));
    }

    #[test]
    fn probes_without_a_login_and_long_sessions_stay_quiet() {
        assert!(flow_verdicts(&DETECTION, &attempts(60, 5, 2)).is_empty());
        assert!(flow_verdicts(&DETECTION, &attempts(60, 4_000, 9_000)).is_empty());
    }
}
