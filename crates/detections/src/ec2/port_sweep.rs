//! An instance tries one port of many hosts on the internet.

use crate::behaviour::{Behaviour, FlowView, Scene, Verdict};
use crate::shared::contact::{TCP, protocol_name};
use crate::shared::scan::{self, FAST_MS, GroupKey, Kind, SLOW_MS, Scanners, Suspect, Try, Window};
use crate::shared::{state, subject};
use crate::{Detection, Interest, Need, Rule, Threshold};
use watchfire_model::{FindingType, Severity, Time};

const PORT_SWEEP: FindingType = FindingType::new("Impact:EC2/PortSweep");

/// The version of the saved state.
const STATE_VERSION: u32 = 1;
/// Targets that the finding names.
const NAMED_MAX: usize = 10;
/// Ports on which a client meets many dead hosts in a day without a scan: mirrors, pages of yesterday, endpoints that a
/// closed subnet keeps out. There the slow limit does not hold.
const WEB_PORTS: [u16; 2] = [80, 443];
/// First contacts of a fan-out that must be new hosts. Source: detection-methods, section 2.
const NEW_PER_10000_MIN: u64 = 8_000;

/// Hosts that failed on one port in ten minutes.
pub(crate) static HOSTS: Threshold = Threshold {
    key: "ec2.port_sweep.hosts",
    default: 20.0,
    min: 5.0,
    max: 100_000.0,
    unit: "failed public hosts on one port in ten minutes",
    source: "detection-methods, section 2 (Zeek's scan policy: 25 in five minutes)",
    summary: "how many public hosts must fail on one port in ten minutes before it is a sweep",
};

/// The same in a day.
pub(crate) static SLOW_HOSTS: Threshold = Threshold {
    key: "ec2.port_sweep.slow_hosts",
    default: 100.0,
    min: 5.0,
    max: 100_000.0,
    unit: "failed public hosts on one port in 24 hours",
    source: "detection-methods, section 2 (slow scans)",
    summary: "how many public hosts must fail on one port in 24 hours before it is a slow sweep; not on ports 80 and 443",
};

/// The share of a fan-out that must have failed although most answered.
pub(crate) static FAILED_SHARE: Threshold = Threshold {
    key: "ec2.port_sweep.failed_share",
    default: 0.3,
    min: 0.05,
    max: 1.0,
    unit: "share of the new hosts",
    source: "detection-methods, section 2 (fan-out): a browser's failures stay far below",
    summary: "what share of many new hosts on one TCP port must fail before it is a sweep of hosts that mostly answer",
};

pub(crate) const DETECTION: Detection = Detection {
    reports: &[PORT_SWEEP],
    summary: "An instance tried one port of many hosts on the internet, and many failed.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Sweeps::default())),
};

const KIND: Kind = Kind { group, counts_answered: true, counts_abandoned: true };

/// Evidence: first contacts of our side on one port with hosts on the internet that failed (no answer, a refusal, a drop,
/// or an answer that nobody waited for), so many more than were answered that a sequential test tells a scanner from a
/// client, and enough of them within any ten minutes or 24 hours. Or, milder: as many new hosts in ten minutes by TCP, of
/// which a good share failed, though the others answered.
///
/// A host counts once an hour. No evidence are hosts that answered this one on the port within 30 days, packets that open
/// nothing, DNS, NTP and QUIC by UDP, and what only passes through an interface (NAT, load balancer). A browser opens
/// dozens of web servers in ten minutes, but they answer.
///
/// False positives: research scanners and monitors of your own; suppress the finding for their instances. Peer-to-peer
/// programs call many hosts that are gone; so does a mail server with old addresses, once it has more than its usual share.
#[derive(Default)]
struct Sweeps {
    scanners: Scanners,
}

impl Behaviour for Sweeps {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        if !flow.remote_is_internal {
            self.scanners.flow(flow, &scene.context);
        }
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.scanners.close(&KIND, end, &mut |suspect| scene.verdicts.extend(judge(suspect, scene)));
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.scanners.expire(now)
    }

    fn size(&self) -> (u64, u64) {
        self.scanners.size()
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, &self.scanners)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        self.scanners = state::load::<Scanners>(PORT_SWEEP, STATE_VERSION, saved)?.reindex();
        Ok(())
    }
}

fn group(one: &Try) -> Option<GroupKey> {
    (!one.is_internal).then_some(GroupKey { target: None, port: Some(one.door.1), protocol: one.protocol })
}

fn judge(mut suspect: Suspect<'_>, scene: &Scene<'_>) -> Option<Verdict> {
    let (fast, slow) = (suspect.group.busiest(FAST_MS), suspect.group.busiest(SLOW_MS));
    let (fast_count, slow_count) = (fast.failed.len() as u64, slow.failed.len() as u64);
    let most = suspect.group.own_maximum(suspect.now);
    let fast_limit = suspect.limit(scene.thresholds.count(&HOSTS), most.0);
    let slow_limit = suspect.limit(scene.thresholds.count(&SLOW_HOSTS), most.1);
    let has_fired = suspect.group.walk.has_fired();
    let is_web = suspect.key.port.is_some_and(|port| WEB_PORTS.contains(&port));
    if has_fired && fast_count >= fast_limit {
        let limit = format!(
            "The limit is {fast_limit} failed hosts within ten minutes: the larger of {} and five times the most on an \
             earlier day.",
            scan::quoted(&HOSTS, scene.thresholds)
        );
        return verdict(&mut suspect, &fast, Severity::HIGH, limit, scene);
    }
    if has_fired && !is_web && slow_count >= slow_limit {
        let limit = format!(
            "The limit is {slow_limit} failed hosts within 24 hours: the larger of {} and five times the most on an earlier \
             day.",
            scan::quoted(&SLOW_HOSTS, scene.thresholds)
        );
        return verdict(&mut suspect, &slow, Severity::HIGH, limit, scene);
    }
    if is_fan_out(&fast, fast_limit, &suspect, scene) {
        let limit = format!(
            "That many hosts answered speaks against a scan, so the finding is mild. The limits are {fast_limit} new hosts \
             within ten minutes (the larger of {} and five times the most failures on an earlier day), and a share of {} \
             of them failed.",
            scan::quoted(&HOSTS, scene.thresholds),
            scan::quoted(&FAILED_SHARE, scene.thresholds)
        );
        return verdict(&mut suspect, &fast, Severity::LOW, limit, scene);
    }
    suspect.group.learn(suspect.now, fast_count, slow_count);
    None
}

/// Many new hosts in ten minutes, of which a good share failed.
fn is_fan_out(window: &Window, limit: u64, suspect: &Suspect<'_>, scene: &Scene<'_>) -> bool {
    let failed = window.failed.len() as u64;
    let new = failed + window.others;
    let share = (scene.thresholds.get(&FAILED_SHARE) * 10_000.0) as u64;
    suspect.key.protocol == TCP
        && new >= limit
        && new * 10_000 >= (new + window.known) * NEW_PER_10000_MIN
        && failed * 10_000 >= new * share
}

fn verdict(
    suspect: &mut Suspect<'_>,
    window: &Window,
    severity: Severity,
    limit: String,
    scene: &Scene<'_>,
) -> Option<Verdict> {
    let mut signal = suspect.origin.signal(PORT_SWEEP, severity, &scene.context)?;
    let (first, last) = (window.failed.first()?, window.failed.last()?);
    let (protocol, port, failed) = (protocol_name(last.protocol), last.door.1, window.failed.len() as u64);
    let who = subject::name(&signal);
    signal.title = format!("{who} is probing {protocol} port {port} on many hosts on the internet.");
    signal.description = format!(
        "{who} tried {protocol} port {port} of {} hosts on the internet that it had not talked with before, {} the latest.",
        failed + window.others,
        last.door.0
    );
    let targets: Vec<String> = window.failed.iter().take(NAMED_MAX).map(|one| one.door.0.to_string()).collect();
    signal.reasons.push(format!(
        "It tried {protocol} port {port} of {} hosts on the internet for the first time {}; {failed} failed ({}), the \
         first: {}. Another {} were known to it.",
        failed + window.others,
        scan::span(first.at, last.at),
        scan::percent(failed, failed + window.others),
        targets.join(", "),
        window.known
    ));
    signal.reasons.push(limit);
    suspect.verdict(signal, window, &scene.context)
}
