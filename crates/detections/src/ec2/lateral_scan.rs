//! An instance tries many hosts of the internal network.

use crate::behaviour::{Behaviour, FlowView, Scene, Verdict};
use crate::shared::scan::{self, Door, FAST_MS, GroupKey, Kind, SLOW_MS, Scanners, Suspect, Try, Window};
use crate::shared::{state, subject};
use crate::{Detection, Interest, Need, Rule, Threshold};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_model::{FindingType, Severity, Time};

const LATERAL_SCAN: FindingType = FindingType::new("Discovery:EC2/LateralScan.Watchfire");

/// The version of the saved state.
const STATE_VERSION: u32 = 1;
/// Targets, and ports, that the finding names.
const NAMED_MAX: usize = 10;

/// Internal hosts that failed on one port in ten minutes.
pub(crate) static HOSTS: Threshold = Threshold {
    key: "ec2.lateral_scan.hosts",
    default: 20.0,
    min: 5.0,
    max: 100_000.0,
    unit: "failed internal hosts on one port in ten minutes",
    source: "as for sweeps of the internet (ec2.port_sweep.hosts)",
    summary: "how many internal hosts must fail on one port in ten minutes before it is a lateral scan",
};

/// Hosts and ports that failed in ten minutes, whatever the port.
pub(crate) static DOORS: Threshold = Threshold {
    key: "ec2.lateral_scan.doors",
    default: 40.0,
    min: 5.0,
    max: 100_000.0,
    unit: "failed pairs of internal host and port in ten minutes",
    source: "our choice: twice the hosts of one port, for a scan of a few ports on each of many hosts",
    summary: "how many pairs of internal host and port must fail in ten minutes before it is a lateral scan",
};

/// The same in a day.
pub(crate) static SLOW_DOORS: Threshold = Threshold {
    key: "ec2.lateral_scan.slow_doors",
    default: 100.0,
    min: 5.0,
    max: 100_000.0,
    unit: "failed pairs of internal host and port in 24 hours",
    source: "detection-methods, section 2 (slow scans)",
    summary: "how many pairs of internal host and port must fail in 24 hours before it is a slow lateral scan",
};

/// Of how many hosts.
pub(crate) static SPREAD: Threshold = Threshold {
    key: "ec2.lateral_scan.spread",
    default: 5.0,
    min: 2.0,
    max: 100_000.0,
    unit: "failed internal hosts",
    source: "our choice: fewer are port scans, each with a finding of its own",
    summary: "over how many internal hosts the failed pairs must be spread",
};

pub(crate) const DETECTION: Detection = Detection {
    reports: &[LATERAL_SCAN],
    summary: "An instance tried many hosts of the internal network, and nearly all failed.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(LateralScans::default())),
};

const KIND: Kind = Kind { group, counts_answered: false, counts_abandoned: false };

/// Evidence: first contacts of our side with private addresses, or addresses of the estate, that failed (no answer, a
/// refusal, a drop by security groups or network ACLs), so many more than were answered that a sequential test tells a
/// scanner from a client, and enough of them: one port on many hosts, or a few ports on each of several, within any ten
/// minutes or 24 hours.
///
/// A host's port counts once an hour. No evidence are ports that answered this host within 30 days, however dead they are
/// now; connections that were answered and left at once, as load balancers check their targets; packets that open
/// nothing; DNS, NTP, QUIC and traceroute by UDP; and what only passes through an interface (NAT, load balancer).
///
/// False positives: inventory and vulnerability scanners of your own; suppress the finding for their instances. A monitor
/// that is started with an old list of targets, before this tool has seen them answer.
#[derive(Default)]
struct LateralScans {
    scanners: Scanners,
}

impl Behaviour for LateralScans {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        if flow.remote_is_internal {
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
        self.scanners = state::load::<Scanners>(LATERAL_SCAN, STATE_VERSION, saved)?.reindex();
        Ok(())
    }
}

fn group(one: &Try) -> Option<GroupKey> {
    one.is_internal.then_some(GroupKey { target: None, port: None, protocol: one.protocol })
}

/// What a window's failures have in common.
struct Spread {
    hosts: BTreeSet<IpAddr>,
    /// The port with the most failed hosts, and how many.
    widest: (u16, u64),
}

impl Spread {
    fn of(window: &Window) -> Self {
        let mut by_port: BTreeMap<u16, u64> = BTreeMap::new();
        for one in &window.failed {
            *by_port.entry(one.door.1).or_default() += 1;
        }
        let widest = by_port.into_iter().max_by_key(|&(port, hosts)| (hosts, u16::MAX - port)).unwrap_or_default();
        Self { hosts: window.failed.iter().map(|one| one.door.0).collect(), widest }
    }
}

fn judge(mut suspect: Suspect<'_>, scene: &Scene<'_>) -> Option<Verdict> {
    let (fast, slow) = (suspect.group.busiest(FAST_MS), suspect.group.busiest(SLOW_MS));
    let (fast_spread, slow_spread) = (Spread::of(&fast), Spread::of(&slow));
    let most = suspect.group.own_maximum(suspect.now);
    let (fast_count, slow_count) = (fast.failed.len() as u64, slow.failed.len() as u64);
    let limit = |setting, most| suspect.limit(scene.thresholds.count(setting), most);
    let is_spread = |spread: &Spread| spread.hosts.len() as u64 >= scene.thresholds.count(&SPREAD);
    let is_wide = fast_spread.widest.1 >= limit(&HOSTS, most.0);
    let is_fast = is_spread(&fast_spread) && fast_count >= limit(&DOORS, most.0);
    let is_slow = is_spread(&slow_spread) && slow_count >= limit(&SLOW_DOORS, most.1);
    if !suspect.group.walk.has_fired() || !(is_wide || is_fast || is_slow) {
        suspect.group.learn(suspect.now, fast_count, slow_count);
        return None;
    }
    let of = |limit: u64, what: &str, setting| {
        format!(
            "The limit is {limit} {what}: the larger of {} and five times the most failed pairs of host and port on an \
             earlier day.",
            scan::quoted(setting, scene.thresholds)
        )
    };
    let (window, spread, limit) = match (is_wide, is_fast) {
        (true, _) => {
            (fast, fast_spread, of(limit(&HOSTS, most.0), "failed hosts on one port within ten minutes", &HOSTS))
        }
        (_, true) => {
            (fast, fast_spread, of(limit(&DOORS, most.0), "failed pairs of host and port within ten minutes", &DOORS))
        }
        _ => {
            let what = "failed pairs of host and port within 24 hours";
            (slow, slow_spread, of(limit(&SLOW_DOORS, most.1), what, &SLOW_DOORS))
        }
    };
    verdict(&mut suspect, &window, &spread, limit, scene)
}

fn verdict(
    suspect: &mut Suspect<'_>,
    window: &Window,
    spread: &Spread,
    limit: String,
    scene: &Scene<'_>,
) -> Option<Verdict> {
    let mut signal = suspect.origin.signal(LATERAL_SCAN, Severity::MEDIUM, &scene.context)?;
    let (first, last) = (window.failed.first()?, window.failed.last()?);
    let (hosts, doors) = (spread.hosts.len(), window.failed.len() as u64);
    let who = subject::name(&signal);
    signal.title = format!("{who} is scanning the internal network.");
    signal.description = format!(
        "{who} tried {hosts} internal hosts in vain, {} the latest. Someone may be looking from there for hosts to go on \
         to.",
        last.door.0
    );
    let named: Vec<String> = window.failed.iter().take(NAMED_MAX).map(|one| door_name(&one.door)).collect();
    signal.reasons.push(format!(
        "It tried {} internal hosts and ports for the first time {}; {doors} of them failed ({}), of {hosts} hosts, the \
         first: {}. Most hosts failed on port {}: {}.",
        doors + window.others,
        scan::span(first.at, last.at),
        scan::percent(doors, doors + window.others),
        named.join(", "),
        spread.widest.0,
        spread.widest.1
    ));
    signal.reasons.push(limit);
    suspect.verdict(signal, window, &scene.context)
}

fn door_name((address, port): &Door) -> String {
    if address.is_ipv6() { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn host(number: u16) -> String {
        format!("10.0.{}.{}", 2 + number / 200, number % 200 + 1)
    }

    fn unanswered(number: u16, port: u16, after: i64) -> FlowLine {
        FlowLine::out(40_000 + number, &host(number), port).flags(2).packets(2, 120).after(after)
    }

    fn answered(number: u16, port: u16, after: i64) -> [FlowLine; 2] {
        [
            FlowLine::out(40_000 + number, &host(number), port).flags(3).packets(6, 900).after(after),
            FlowLine::into(&host(number), port, 40_000 + number).flags(19).packets(5, 4_000).after(after),
        ]
    }

    #[test]
    fn one_port_of_twenty_internal_hosts_is_a_lateral_scan() {
        let flows: Vec<FlowLine> = (0..20).map(|number| unanswered(number, 445, i64::from(number))).collect();
        let found = flow_verdicts(&DETECTION, &flows);
        assert_eq!((found.len(), found[0].signal.entity.as_str()), (1, INSTANCE));
        assert!(found[0].signal.reasons[0].contains("Most hosts failed on port 445: 20."));
        assert!(flow_verdicts(&DETECTION, &flows[..19]).is_empty());
    }

    #[test]
    fn a_few_ports_of_each_of_several_hosts_are_one_too_but_many_ports_of_one_are_not() {
        let block = |hosts: u16, ports: u16| -> Vec<FlowLine> {
            (0..hosts).flat_map(|number| (1..=ports).map(move |port| unanswered(number, port, 0))).collect()
        };
        assert_eq!(flow_verdicts(&DETECTION, &block(10, 5)).len(), 1);
        assert!(flow_verdicts(&DETECTION, &block(2, 60)).is_empty());
    }

    #[test]
    fn an_autoscaled_service_whose_hosts_are_gone_stays_quiet() {
        let before = (0..60).flat_map(|number| answered(number, 9_100, 0));
        let after = (0..60).map(|number| unanswered(number, 9_100, 3_600));
        assert!(flow_verdicts(&DETECTION, &before.chain(after).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn the_checks_of_a_load_balancer_stay_quiet() {
        let checks: Vec<FlowLine> = (0..50)
            .flat_map(|number| {
                [
                    FlowLine::out(40_000 + number, &host(number), 80).flags(6).packets(2, 100),
                    FlowLine::into(&host(number), 80, 40_000 + number).flags(18).packets(1, 60),
                ]
            })
            .collect();
        assert!(flow_verdicts(&DETECTION, &checks).is_empty());
    }

    /// Without flags a refusal is told from a check by its size: a reset has no options.
    #[test]
    fn refusals_count_without_flags_and_checks_do_not() {
        let tries = |answer: u64| -> Vec<FlowLine> {
            (0..30)
                .flat_map(|number| {
                    [
                        FlowLine::out(40_000 + number, &host(number), 3_306).packets(1, 60),
                        FlowLine::into(&host(number), 3_306, 40_000 + number).packets(1, answer),
                    ]
                })
                .collect()
        };
        assert_eq!(flow_verdicts_in_default_form(&DETECTION, &tries(40)).len(), 1);
        assert!(flow_verdicts_in_default_form(&DETECTION, &tries(60)).is_empty());
    }

    #[test]
    fn targets_on_the_internet_are_another_matter() {
        let flows: Vec<FlowLine> =
            (0..50).map(|n| FlowLine::out(40_000, &format!("203.0.113.{n}"), 445).flags(2).packets(1, 60)).collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn a_slow_scan_is_found_within_the_day() {
        let flows: Vec<FlowLine> = (0..120).map(|number| unanswered(number, 22, i64::from(number) * 300)).collect();
        let found = flow_verdicts(&DETECTION, &flows);
        assert!(found[0].signal.reasons[1].contains("24 hours"), "{:#?}", found[0].signal.reasons);
    }

    #[test]
    fn order_and_restarts_change_nothing() {
        let flows: Vec<FlowLine> = (0..60).map(|number| unanswered(number, 22, 30 * i64::from(number))).collect();
        check_restarts_and_order(&DETECTION, &flows);
    }
}
