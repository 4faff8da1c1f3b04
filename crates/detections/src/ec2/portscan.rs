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
