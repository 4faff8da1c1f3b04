//! An instance that never sent mail sends mail.

use crate::Thresholds;
use crate::behaviour::{Behaviour, FlowView, Learning, Scene};
use crate::shared::contact::TCP;
use crate::shared::habit::{self, Habits, New, Novelty};
use crate::shared::host::Host;
use crate::shared::state::{self, pairs};
use crate::shared::{new_resolver, subject, tallied_flow};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_model::{FindingType, Severity, Time};

const SPAMBOT: FindingType = FindingType::new("Backdoor:EC2/Spambot");

/// Days of history before one mail server is enough.
pub(crate) static LEARNING_DAYS: Threshold = habit::learning_days("ec2.spambot.learning_days");

/// Mail servers an hour that are enough after less history.
pub(crate) static PEERS: Threshold = Threshold {
    key: "ec2.spambot.peers",
    default: 10.0,
    min: 2.0,
    max: 1e4,
    unit: "distinct mail servers that answered, in an hour",
    source: "detection-methods, section 8: a host that uses a relay has one or two, a sender of spam as many as recipients",
    summary: "how many mail servers are enough when the host has not been watched for all learning days",
};

/// Whole days without port 25 that the shorter rule asks for: a mail server would have used it.
const DAYS_MIN: u32 = 1;
/// SMTP between servers. Clients hand in mail on ports 465 and 587.
const SMTP: u16 = 25;
/// Mail servers remembered of each host, the latest: several times what the rule asks for.
const PEERS_MAX: usize = 256;
/// Hosts whose mail servers are remembered.
const SENDERS_MAX: usize = 10_000;
/// Mail servers named in a finding.
const NAMED_MAX: usize = 5;
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[SPAMBOT],
    summary: "An instance that never contacted port 25 contacts mail servers outside.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Spambot::default())),
};

/// Evidence: answered connections to TCP port 25 of a public address outside, from an instance that has not contacted that
/// port on at least 14 days of traffic, as no other instance of its image has. An instance that has been watched for less,
/// but for a whole day at least, must contact ten such servers within an hour. It stays new for 24 hours and is learnt if the
/// mail goes on after that.
///
/// No evidence: ports 465 and 587, by which clients hand in their mail; connections without an answer (AWS closes port 25
/// unless you ask); mail servers inside.
///
/// False positives: an instance that begins to send mail on purpose. Trust its relay (`--trusted`) or suppress the finding
/// for it.
#[derive(Default, Serialize, Deserialize)]
struct Spambot {
    habits: Habits<()>,
    /// When each mail server was last in contact.
    #[serde(with = "pairs")]
    senders: BTreeMap<Host, BTreeMap<IpAddr, Time>>,
    needed: u32,
    evicted: u64,
}

impl Behaviour for Spambot {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.needed = scene.thresholds.count(&LEARNING_DAYS) as u32;
        self.habits.touch(view, &scene.context, self.needed.min(DAYS_MIN));
        let is_mail = tallied_flow::is_request_outside(view) && view.key.port == SMTP && view.key.protocol == TCP;
        if !is_mail || !tallied_flow::is_answered(view) {
            return;
        }
        let Some(host) = Host::of(view, &scene.context) else { return };
        let Novelty::New(new) = self.habits.contact(&host, &(), view.first(), 1) else { return };
        let is_trusted = view.lists(&scene.context).trusted_ip(view.remote()).is_some();
        let peers = self.note(&host, view);
        let asked = if new.days >= self.needed { 1 } else { scene.thresholds.count(&PEERS) };
        if is_trusted || (peers.len() as u64) < asked {
            return;
        }
        if let Some(signal) = signal(&new, &peers, asked, view, scene) {
            self.habits.note_report(&host, &(), view.last());
            scene.verdicts.push(tallied_flow::verdict(signal, view));
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        let horizon = now.plus_ms(-Time::HOUR_MS);
        for peers in self.senders.values_mut() {
            peers.retain(|_, last| *last >= horizon);
        }
        self.senders.retain(|_, peers| !peers.is_empty());
        self.habits.expire(now) + std::mem::take(&mut self.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let (hosts, bytes) = self.habits.size();
        let peers: usize = self.senders.values().map(BTreeMap::len).sum();
        (hosts, bytes + peers as u64 * 60 + self.senders.len() as u64 * 150)
    }

    fn learning(&self, _thresholds: &Thresholds) -> Vec<Learning> {
        self.habits.learning(self.needed)
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        let state: Self = state::load(SPAMBOT, STATE_VERSION, saved)?;
        *self = Self { habits: state.habits.restored(), ..state };
        Ok(())
    }
}

impl Spambot {
    /// Notes the mail server, and returns those of the last hour.
    fn note(&mut self, host: &Host, view: &FlowView<'_>) -> Vec<IpAddr> {
        if !self.senders.contains_key(host) && self.senders.len() >= SENDERS_MAX {
            self.evicted += 1;
            return vec![view.remote()];
        }
        let peers = self.senders.entry(host.clone()).or_default();
        let horizon = view.first().plus_ms(-Time::HOUR_MS);
        peers.retain(|_, last| *last >= horizon);
        if peers.len() < PEERS_MAX || peers.contains_key(&view.remote()) {
            peers.insert(view.remote(), view.last());
        }
        peers.keys().copied().collect()
    }
}

fn signal(
    new: &New,
    peers: &[IpAddr],
    asked: u64,
    view: &FlowView<'_>,
    scene: &Scene<'_>,
) -> Option<watchfire_model::Signal> {
    let mut signal = tallied_flow::signal(SPAMBOT, Severity::MEDIUM, view, &scene.context)?;
    let names: Vec<String> = peers.iter().take(NAMED_MAX).map(IpAddr::to_string).collect();
    let why = if asked == 1 {
        format!("after {} days without, one is enough", new.days)
    } else {
        format!(
            "{} are asked for as long as there are fewer than {} of history",
            tallied_flow::quoted(&PEERS, scene.thresholds),
            tallied_flow::quoted(&LEARNING_DAYS, scene.thresholds)
        )
    };
    signal.reasons = vec![
        format!(
            "Within an hour {} mail server{} outside answered it on port 25 ({}); {why}.",
            peers.len(),
            if peers.len() == 1 { "" } else { "s" },
            names.join(", ")
        ),
        tallied_flow::amounts(view),
        new_resolver::history(new, scene, &LEARNING_DAYS, "never contacted port 25 of any host outside"),
    ];
    let who = subject::name(&signal);
    signal.title = format!("{who} sends mail, which it never did before.");
    signal.description = format!(
        "{who} communicates with {} on port 25, by which mail servers hand mail to each other. It has no recent history of \
         doing so: it may be sending spam.",
        view.remote()
    );
    Some(signal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{DAY, days, exchange, found};
    use crate::testing::FlowLine;

    fn mails(first_day: i64, servers: i64, every: i64) -> Vec<FlowLine> {
        (0..servers)
            .flat_map(|at| exchange(&format!("203.0.113.{}", at + 1), 25, 6, first_day * DAY + at * every))
            .collect()
    }

    #[test]
    fn the_first_mail_after_two_weeks_is_reported() {
        let verdicts = found(&DETECTION, &[days(15), mails(14, 1, 0)].concat());
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[0].contains("after 14 days without, one is enough"), "{reasons:?}");
    }

    #[test]
    fn a_young_host_must_contact_ten_servers_in_an_hour() {
        let verdicts = found(&DETECTION, &[days(3), mails(2, 10, 300)].concat());
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[0].starts_with("Within an hour 10 mail servers"), "{reasons:?}");
        assert!(found(&DETECTION, &[days(3), mails(2, 9, 300)].concat()).is_empty());
        assert!(found(&DETECTION, &[days(3), mails(2, 20, 500)].concat()).is_empty());
    }

    #[test]
    fn a_mail_server_stays_quiet() {
        let daily = (0..16).flat_map(|day| mails(day, 20, 60)).collect();
        assert!(found(&DETECTION, &[days(16), daily].concat()).is_empty());
    }

    #[test]
    fn attempts_and_other_ports_and_relays_inside_stay_quiet() {
        let attempts: Vec<_> = mails(14, 20, 10).into_iter().step_by(2).collect();
        assert!(found(&DETECTION, &[days(15), attempts].concat()).is_empty());
        let handed_in = (0..20).flat_map(|at| exchange("203.0.113.5", 587, 6, 14 * DAY + at)).collect();
        assert!(found(&DETECTION, &[days(15), handed_in].concat()).is_empty());
        let inside = (0..20).flat_map(|at| exchange("10.0.5.5", 25, 6, 14 * DAY + at)).collect();
        assert!(found(&DETECTION, &[days(15), inside].concat()).is_empty());
    }
}
