//! An instance tries many ports of one host.

use crate::behaviour::{Behaviour, FlowView, Scene, Verdict};
use crate::shared::contact::protocol_name;
use crate::shared::scan::{self, FAST_MS, GroupKey, Kind, SLOW_MS, Scanners, Suspect, Try, Window};
use crate::shared::{state, subject};
use crate::{Detection, Interest, Need, Rule, Threshold};
use std::collections::BTreeSet;
use watchfire_model::{FindingType, Severity, Time};

const PORTSCAN: FindingType = FindingType::new("Recon:EC2/Portscan");

/// The version of the saved state.
const STATE_VERSION: u32 = 1;
/// Ports that the finding names. Source: as many as GuardDuty's sample shows (`portsScannedSample`).
const SAMPLE_MAX: usize = 20;

/// Ports of one host that failed in ten minutes.
pub(crate) static PORTS: Threshold = Threshold {
    key: "ec2.portscan.ports",
    default: 15.0,
    min: 5.0,
    max: 65_535.0,
    unit: "failed ports of one host in ten minutes",
    source: "Zeek's scan policy asks for 15 failed ports of a host (in five minutes)",
    summary: "how many ports of one host must fail in ten minutes before it is a port scan",
};

/// The same in a day.
pub(crate) static SLOW_PORTS: Threshold = Threshold {
    key: "ec2.portscan.slow_ports",
    default: 60.0,
    min: 5.0,
    max: 65_535.0,
    unit: "failed ports of one host in 24 hours",
    source: "four times the ports of ten minutes: detection-methods, section 2",
    summary: "how many ports of one host must fail in 24 hours before it is a slow port scan",
};

pub(crate) const DETECTION: Detection = Detection {
    reports: &[PORTSCAN],
    summary: "An instance tried many ports of one host, and nearly all failed.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Portscans::default())),
};

const KIND: Kind = Kind { group, counts_answered: false, counts_abandoned: true };

/// Evidence: first contacts of our side with ports of one host that failed (no answer, a refusal, a drop by security groups
/// or network ACLs, or an answer that nobody waited for), so many more than were answered that a sequential test tells a
/// scanner from a client, and enough of them within any ten minutes or 24 hours. Hosts outside and inside count.
///
/// A port counts once an hour, whatever its packets. No evidence are packets that open nothing (a reply, the end of an old
/// connection), ports that answered this host within 30 days, DNS, NTP, QUIC and the ports of traceroute by UDP, and what
/// only passes through an interface (NAT, load balancer). Scans without SYN (FIN, NULL) leave no mark that flow logs show.
///
/// False positives: scanners that you run to find your own weak spots; suppress the finding for their instances. A program
/// that looks for a free port among many, and one whose peer of many ports moved away before this tool saw it answer.
#[derive(Default)]
struct Portscans {
    scanners: Scanners,
}

impl Behaviour for Portscans {
    fn flow(&mut self, flow: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.scanners.flow(flow, &scene.context);
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
        self.scanners = state::load::<Scanners>(PORTSCAN, STATE_VERSION, saved)?.reindex();
        Ok(())
    }
}

fn group(one: &Try) -> Option<GroupKey> {
    Some(GroupKey { target: Some(one.door.0), port: None, protocol: one.protocol })
}

fn judge(mut suspect: Suspect<'_>, scene: &Scene<'_>) -> Option<Verdict> {
    let (fast, slow) = (suspect.group.busiest(FAST_MS), suspect.group.busiest(SLOW_MS));
    let (fast_count, slow_count) = (fast.failed.len() as u64, slow.failed.len() as u64);
    let most = suspect.group.own_maximum(suspect.now);
    let is_fast = fast_count >= suspect.limit(scene.thresholds.count(&PORTS), most.0);
    let is_slow = slow_count >= suspect.limit(scene.thresholds.count(&SLOW_PORTS), most.1);
    if !suspect.group.walk.has_fired() || !(is_fast || is_slow) {
        suspect.group.learn(suspect.now, fast_count, slow_count);
        return None;
    }
    let (window, limit, setting, time) = if is_fast {
        (fast, suspect.limit(scene.thresholds.count(&PORTS), most.0), &PORTS, "ten minutes")
    } else {
        (slow, suspect.limit(scene.thresholds.count(&SLOW_PORTS), most.1), &SLOW_PORTS, "24 hours")
    };
    let mut signal = suspect.origin.signal(PORTSCAN, Severity::MEDIUM, &scene.context)?;
    let (first, last) = (window.failed.first()?, window.failed.last()?);
    let (target, count) = (first.door.0, window.failed.len() as u64);
    let who = subject::name(&signal);
    signal.title = format!("An outbound port scan was detected from {}.", subject::lower(&who));
    signal.description = format!("{who} is performing outbound port scans against the remote host {target}.");
    signal.reasons.push(format!(
        "It tried {} {} ports of {target} for the first time {}; {count} failed ({}): {}.",
        count + window.others,
        protocol_name(first.protocol),
        scan::span(first.at, last.at),
        scan::percent(count, count + window.others),
        listed(&window)
    ));
    signal.reasons.push(format!(
        "The limit is {limit} within {time}: the larger of {} and five times the most on an earlier day.",
        scan::quoted(setting, scene.thresholds)
    ));
    signal.additional.insert("portsScannedSample".to_owned(), sample(&window).into());
    suspect.verdict(signal, &window, &scene.context)
}

fn sample(window: &Window) -> Vec<u16> {
    window.failed.iter().map(|one| one.door.1).take(SAMPLE_MAX).collect()
}

fn listed(window: &Window) -> String {
    let ports: BTreeSet<u16> = window.failed.iter().map(|one| one.door.1).collect();
    let mut names: Vec<String> = ports.iter().take(SAMPLE_MAX).map(u16::to_string).collect();
    if ports.len() > SAMPLE_MAX {
        names.push(format!("and {} more", ports.len() - SAMPLE_MAX));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use proptest::prelude::*;
    use watchfire_knowledge::Knowledge;

    const TARGET: &str = "203.0.113.9";

    /// A SYN, and the refusal.
    fn refused(port: u16, after: i64) -> [FlowLine; 2] {
        [
            FlowLine::out(40_000 + port % 1_000, TARGET, port).flags(2).packets(1, 60).after(after),
            FlowLine::into(TARGET, port, 40_000 + port % 1_000).flags(4).packets(1, 40).after(after),
        ]
    }

    fn scan(ports: std::ops::Range<u16>, from: i64, every: i64) -> Vec<FlowLine> {
        let first = ports.start;
        ports.flat_map(|port| refused(port, from + i64::from(port - first) * every)).collect()
    }

    fn answered(port: u16, after: i64) -> [FlowLine; 2] {
        [
            FlowLine::out(50_000, TARGET, port).flags(3).packets(6, 900).after(after),
            FlowLine::into(TARGET, port, 50_000).flags(19).packets(5, 4_000).after(after),
        ]
    }

    /// The number before this text.
    fn number(text: &str, before: &str) -> f64 {
        let head = text.split(before).next().unwrap();
        head.rsplit(' ').next().unwrap().trim_end_matches('%').parse().unwrap()
    }

    #[test]
    fn twenty_refused_ports_of_one_host_are_a_scan() {
        let found = flow_verdicts(&DETECTION, &scan(1..21, 0, 1));
        assert_eq!((found.len(), found[0].signal.entity.as_str()), (1, INSTANCE));
        assert_eq!(found[0].record_count, 20);
        let reasons = &found[0].signal.reasons;
        assert!(reasons[0].contains("20 failed (100.0 %)"), "{reasons:#?}");
        assert_eq!(found[0].signal.additional["portsScannedSample"].as_array().unwrap().len(), 20);
    }

    #[test]
    fn the_walk_can_be_recomputed_from_what_the_finding_says() {
        let flows: Vec<FlowLine> = scan(1..24, 0, 2).into_iter().chain(answered(443, 5)).collect();
        let found = flow_verdicts(&DETECTION, &flows);
        let walk = found[0].signal.reasons.iter().find(|reason| reason.starts_with("The walk")).unwrap();
        let (failed, answered) = (number(walk, " first contacts failed"), number(walk, " were answered"));
        let step: f64 = (0.8f64 / 0.2).ln();
        let stands = number(walk, " and fires at");
        assert_eq!((failed, answered), (23.0, 1.0));
        assert!((stands - (failed - answered) * step).abs() < 0.02, "{walk}");
        assert!(stands >= (0.99f64 / 0.00001).ln());
    }

    #[test]
    fn fourteen_ports_stay_quiet() {
        assert!(flow_verdicts(&DETECTION, &scan(1..15, 0, 1)).is_empty());
    }

    #[test]
    fn a_scan_over_the_edge_of_a_slice_counts_as_one() {
        assert_eq!(flow_verdicts(&DETECTION, &scan(1..17, 600 - 8 * 30, 30)).len(), 1);
    }

    #[test]
    fn one_port_a_minute_is_found_within_the_day() {
        let found = flow_verdicts(&DETECTION, &scan(1..100, 0, 60));
        assert!(!found.is_empty());
        assert!(found[0].signal.reasons[1].contains("24 hours"), "{:#?}", found[0].signal.reasons);
    }

    #[test]
    fn being_scanned_is_no_scan() {
        let inbound: Vec<FlowLine> = (1..100u16)
            .flat_map(|port| {
                [
                    FlowLine::into(TARGET, 40_000, port).flags(2).packets(1, 60),
                    FlowLine::out(port, TARGET, 40_000).flags(4).packets(1, 40),
                ]
            })
            .collect();
        assert!(flow_verdicts(&DETECTION, &inbound).is_empty());
    }

    #[test]
    fn a_host_that_answered_on_these_ports_before_may_fall_silent() {
        let before = (1..40u16).flat_map(|port| answered(port, 0));
        let after = (1..40u16).flat_map(|port| refused(port, 7_200));
        assert!(flow_verdicts(&DETECTION, &before.chain(after).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn answers_that_come_in_the_next_slice_count() {
        let flows: Vec<FlowLine> = (1..40u16)
            .flat_map(|port| {
                [
                    FlowLine::out(50_000, TARGET, port).flags(2).packets(2, 100).after(599),
                    FlowLine::out(50_000, TARGET, port).flags(1).packets(5, 900).after(600),
                    FlowLine::into(TARGET, port, 50_000).flags(19).packets(5, 4_000).after(600),
                ]
            })
            .collect();
        assert!(flow_verdicts(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn the_ends_of_old_connections_open_nothing() {
        let ends = (1..100u16).map(|port| FlowLine::out(443, TARGET, 30_000 + port).flags(5).packets(1, 40));
        assert!(flow_verdicts(&DETECTION, &ends.collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn traceroute_by_udp_stays_quiet_and_a_udp_scan_does_not() {
        let probes = |first: u16| -> Vec<FlowLine> {
            (0..90).map(|n| FlowLine::out(50_000, TARGET, first + n).protocol(17).packets(1, 60)).collect()
        };
        assert!(flow_verdicts(&DETECTION, &probes(33_434)).is_empty());
        assert_eq!(flow_verdicts(&DETECTION, &probes(100)).len(), 1);
    }

    #[test]
    fn version_6_addresses_count_alike() {
        let flows: Vec<FlowLine> = (1..30u16)
            .map(|port| {
                let line = FlowLine::out(40_000, "2001:db8::9", port).flags(2).packets(2, 160);
                line.local("2001:db8:1::10")
            })
            .collect();
        assert_eq!(flow_verdicts(&DETECTION, &flows).len(), 1);
    }

    #[test]
    fn logs_without_flags_show_it_too() {
        let mut lines = vec![
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action \
             log-status"
                .to_owned(),
        ];
        for port in 1..30 {
            lines.push(format!(
                "2 111122223333 eni-0c000000000000001 10.0.1.10 {TARGET} 45000 {port} 6 1 44 1713484800 1713484860 \
                 REJECT OK"
            ));
        }
        let found = verdicts(&DETECTION, &Knowledge::default(), &[&lines.join("\n")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].signal.reasons.iter().any(|reason| reason.contains("29 were dropped")));
    }

    #[test]
    fn what_passes_through_a_gateway_is_counted_at_the_sender_only() {
        let sender = scan(1..30, 0, 1);
        let passing: Vec<FlowLine> =
            (1..30u16).map(|port| FlowLine::out(40_000, TARGET, port).flags(2).packets(1, 60).passing()).collect();
        let found = flow_verdicts(&DETECTION, &[sender, passing].concat());
        assert_eq!((found.len(), found[0].signal.entity.as_str()), (1, INSTANCE));
    }

    #[test]
    fn order_and_restarts_change_nothing() {
        check_restarts_and_order(&DETECTION, &scan(1..70, 300, 45));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn order_and_restarts_change_nothing_whatever_comes(
            contacts in proptest::collection::vec((1u16..60, 0i64..5_000, any::<bool>()), 1..90),
        ) {
            let flows: Vec<FlowLine> = contacts
                .into_iter()
                .flat_map(|(port, after, is_dead)| if is_dead { refused(port, after) } else { answered(port, after) })
                .collect();
            check_restarts_and_order(&DETECTION, &flows);
        }
    }
}
