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
    let now = suspect.group.busiest_now(suspect.now);
    if is_fan_out(&now, fast_limit, &suspect, scene) {
        let limit = format!(
            "The walk does not tell a scanner from a client yet, so the finding is mild. The limits are {fast_limit} new hosts \
             within ten minutes (the larger of {} and five times the most failures on an earlier day), and a share of {} \
             of them failed.",
            scan::quoted(&HOSTS, scene.thresholds),
            scan::quoted(&FAILED_SHARE, scene.thresholds)
        );
        return verdict(&mut suspect, &now, Severity::LOW, limit, scene);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn host(number: u16) -> String {
        format!("203.0.113.{}", number % 250 + 1)
    }

    fn unanswered(number: u16, port: u16, after: i64) -> Vec<FlowLine> {
        vec![FlowLine::out(40_000 + number, &host(number), port).flags(2).packets(2, 120).after(after)]
    }

    fn answered(number: u16, port: u16, after: i64) -> Vec<FlowLine> {
        vec![
            FlowLine::out(40_000 + number, &host(number), port).flags(3).packets(6, 900).after(after),
            FlowLine::into(&host(number), port, 40_000 + number).flags(19).packets(5, 4_000).after(after),
        ]
    }

    #[test]
    fn twenty_dead_hosts_on_one_port_are_a_sweep() {
        let flows: Vec<FlowLine> = (0..20).flat_map(|number| unanswered(number, 445, i64::from(number))).collect();
        let found = flow_verdicts(&DETECTION, &flows);
        assert_eq!((found.len(), found[0].signal.severity), (1, Severity::HIGH));
        assert!(found[0].signal.reasons[0].contains("20 hosts on the internet"), "{:#?}", found[0].signal.reasons);
    }

    #[test]
    fn nineteen_stay_quiet_and_so_do_twenty_ports_of_others() {
        let few: Vec<FlowLine> = (0..19).flat_map(|number| unanswered(number, 445, 0)).collect();
        assert!(flow_verdicts(&DETECTION, &few).is_empty());
        let mixed: Vec<FlowLine> = (0..40).flat_map(|number| unanswered(number, 1_000 + number, 0)).collect();
        assert!(flow_verdicts(&DETECTION, &mixed).is_empty());
    }

    #[test]
    fn a_browser_that_opens_a_hundred_servers_stays_quiet() {
        let flows: Vec<FlowLine> = (0..100)
            .flat_map(|number| if number % 10 == 0 { unanswered(number, 443, 5) } else { answered(number, 443, 5) })
            .collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    /// What was answered an hour ago is forgotten: the share is that of the ten minutes that end now.
    #[test]
    fn a_crawler_whose_busiest_minutes_are_past_stays_quiet() {
        let crawl = |first: u16, count: u16, after: i64| {
            (0..count).flat_map(move |n| {
                let open = if n % 8 == 0 { unanswered } else { answered };
                open(first + n, 443, after + 3 * i64::from(n))
            })
        };
        let flows: Vec<FlowLine> = crawl(0, 170, 0).chain(crawl(170, 80, 7_200)).collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn a_sweep_of_hosts_that_mostly_answer_is_mild() {
        let flows: Vec<FlowLine> = (0..30)
            .flat_map(|number| if number % 5 < 2 { unanswered(number, 80, 5) } else { answered(number, 80, 5) })
            .collect();
        let found = flow_verdicts(&DETECTION, &flows);
        assert_eq!((found.len(), found[0].signal.severity), (1, Severity::LOW));
    }

    #[test]
    fn hosts_that_answered_yesterday_may_be_down_today() {
        let before = (0..60).flat_map(|number| answered(number, 8_443, 0));
        let after = (0..60).flat_map(|number| unanswered(number, 8_443, 86_400));
        assert!(flow_verdicts(&DETECTION, &before.chain(after).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn the_same_dead_host_again_and_again_is_one() {
        let flows: Vec<FlowLine> = (0..200).flat_map(|round| unanswered(3, 445, round * 20)).collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn a_slow_sweep_is_found_within_the_day_but_not_on_web_ports() {
        let flows = |port| -> Vec<FlowLine> {
            (0..120).flat_map(|number| unanswered(number, port, i64::from(number) * 300)).collect()
        };
        assert!(!flow_verdicts(&DETECTION, &flows(22)).is_empty());
        assert!(flow_verdicts(&DETECTION, &flows(443)).is_empty());
    }

    #[test]
    fn internal_targets_and_asking_many_time_servers_stay_quiet() {
        let internal: Vec<FlowLine> =
            (0..50).map(|n| FlowLine::out(40_000, &format!("10.0.2.{n}"), 445).flags(2).packets(1, 60)).collect();
        assert!(flow_verdicts(&DETECTION, &internal).is_empty());
        let time: Vec<FlowLine> =
            (0..50).map(|n| FlowLine::out(40_000, &host(n), 123).protocol(17).packets(1, 76)).collect();
        assert!(flow_verdicts(&DETECTION, &time).is_empty());
    }

    #[test]
    fn order_and_restarts_change_nothing() {
        let flows: Vec<FlowLine> = (0..60)
            .flat_map(|n| {
                if n % 7 == 0 { answered(n, 22, 40 * i64::from(n)) } else { unanswered(n, 22, 40 * i64::from(n)) }
            })
            .collect();
        check_restarts_and_order(&DETECTION, &flows);
    }
}
