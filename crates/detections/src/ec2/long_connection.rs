//! An instance holds a connection to the outside open for hours.

use crate::behaviour::{Behaviour, FlowView, Scene, Verdict};
use crate::shared::contact::{TCP, UDP};
use crate::shared::host::Host;
use crate::shared::state::{self, pairs};
use crate::shared::tallied_flow::{self, minute, quoted};
use crate::shared::{connection, subject};
use crate::tally::{Conversation, RecordPlace};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_model::{FindingType, Severity, Time};

const LONG_CONNECTION: FindingType = FindingType::new("Behavior:EC2/LongConnection.Watchfire");

/// How long is long.
pub(crate) static HOURS: Threshold = Threshold {
    key: "ec2.long_connection.hours",
    default: 6.0,
    min: 0.5,
    max: 720.0,
    unit: "hours from its first packet to its last",
    source: "detection-methods, section 4: six hours seen, as RITA asks for of a duration that tells",
    summary: "how long a connection must last",
};

/// Open connections remembered. About 200 bytes each.
const OPEN_MAX: usize = 200_000;
/// Remote services remembered for having been reported, and how long.
const KNOWN_MAX: usize = 100_000;
const MEMORY_MS: i64 = 30 * Time::DAY_MS;
/// Further long connections to a service are reported within this time of the first, then they are usual. Source:
/// detection-methods, section 0.10.
const NEW_MS: i64 = Time::DAY_MS;
/// A UDP exchange of so few packets is a question and its answer.
const QUESTION_PACKETS_MAX: u32 = 4;
/// Records shown.
const RECORDS_MAX: usize = 10;
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[LONG_CONNECTION],
    summary: "An instance held one connection to a public address open for hours.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(LongConnections::default())),
};

/// Evidence: one connection that the instance opened to a public address outside, TCP or UDP, answered, with at least six
/// hours between its first and its last packet. Its records are joined by the client's port: a pause of more than 20 minutes,
/// or a new SYN, is another connection. Each connection is reported once; 24 hours after the first report about a remote
/// service (address, port) further connections to it are usual, for 30 days.
///
/// No evidence: services that AWS runs itself; connections that others opened. Where more than 64 connections to one port of
/// one address were open within ten minutes, only a sample of them is followed.
///
/// False positives: message queues, push services, remote shells and VPNs that you use on purpose. Each is reported once;
/// trust the address (`--trusted`) if that is too often.
#[derive(Deserialize)]
#[serde(from = "Saved")]
struct LongConnections {
    /// By service, then by our port: most conversations are with services known already, and to find each by one large key
    /// in order was half of the time that this took.
    open: HashMap<Service, HashMap<u16, Open, FixedState>, FixedState>,
    /// How many are open.
    count: usize,
    /// When a service was first reported for a host.
    known: Bounded<(Host, IpAddr, u16), Time>,
    evicted: u64,
    reported: u64,
}

/// The state as it is saved.
#[derive(Deserialize)]
struct Saved {
    #[serde(with = "pairs")]
    open: BTreeMap<Key, Open>,
    known: Bounded<(Host, IpAddr, u16), Time>,
    evicted: u64,
    reported: u64,
}

/// Host, remote address, remote port, protocol.
type Service = (Host, IpAddr, u16, u8);
/// The same, and our port.
type Key = (Host, IpAddr, u16, u8, u16);

impl From<Saved> for LongConnections {
    fn from(saved: Saved) -> Self {
        let Saved { open: all, known, evicted, reported } = saved;
        let (count, mut open) = (all.len(), HashMap::<Service, HashMap<u16, Open, FixedState>, FixedState>::default());
        for ((host, remote, port, protocol, own_port), one) in all {
            open.entry((host, remote, port, protocol)).or_default().insert(own_port, one);
        }
        Self { open, count, known, evicted, reported }
    }
}

impl Serialize for LongConnections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct State<'s> {
            #[serde(serialize_with = "pairs::serialize")]
            open: BTreeMap<Key, &'s Open>,
            known: &'s Bounded<(Host, IpAddr, u16), Time>,
            evicted: u64,
            reported: u64,
        }
        let mut open = BTreeMap::new();
        for ((host, remote, port, protocol), of_service) in &self.open {
            open.extend(of_service.iter().map(|(own, one)| ((host.clone(), *remote, *port, *protocol, *own), one)));
        }
        State { open, known: &self.known, evicted: self.evicted, reported: self.reported }.serialize(serializer)
    }
}

/// A connection that may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    first: Time,
    last: Time,
    bytes_out: u64,
    bytes_in: u64,
    slices: u64,
    has_fired: bool,
    /// Where the first records of its slices stand.
    records: Vec<(Time, RecordPlace)>,
}

impl Default for LongConnections {
    fn default() -> Self {
        Self { open: HashMap::default(), count: 0, known: Bounded::new(KNOWN_MAX), evicted: 0, reported: 0 }
    }
}

impl Behaviour for LongConnections {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let is_judged = tallied_flow::is_request_outside(view) && matches!(view.key.protocol, TCP | UDP);
        if !is_judged || !tallied_flow::is_answered(view) || connection::is_to_aws_service(view, &scene.context) {
            return;
        }
        let Some(host) = Host::of(view, &scene.context) else { return };
        let limit_ms = (scene.thresholds.get(&HOURS) * Time::HOUR_MS as f64) as i64;
        let service = (host, view.remote(), view.key.port, view.key.protocol);
        let mut of_service = self.open.remove(&service).unwrap_or_default();
        self.count -= of_service.len();
        for conversation in view.tally.conversations.kept() {
            if !self.follow(&mut of_service, conversation, view) {
                of_service.remove(&conversation.port);
                continue;
            }
            let Some(open) = of_service.get_mut(&conversation.port) else { continue };
            if !open.has_fired && open.last.ms() - open.first.ms() >= limit_ms {
                open.has_fired = true;
                self.report(&service, conversation.port, open, view, scene);
            }
            if connection::is_closed(conversation) {
                of_service.remove(&conversation.port);
            }
        }
        self.count += of_service.len();
        if !of_service.is_empty() {
            self.open.insert(service, of_service);
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        let horizon = now.plus_ms(-connection::IDLE_MS);
        self.open.retain(|_, of_service| {
            of_service.retain(|_, open| open.last >= horizon);
            !of_service.is_empty()
        });
        self.count = self.open.values().map(HashMap::len).sum();
        self.known.forget_before(now.plus_ms(-MEMORY_MS));
        let evicted = self.evicted + self.known.evicted();
        let dropped = evicted.saturating_sub(self.reported);
        self.reported = evicted;
        dropped
    }

    fn size(&self) -> (u64, u64) {
        (self.count as u64, self.count as u64 * 300 + self.known.len() as u64 * 200)
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        *self = state::load(LONG_CONNECTION, STATE_VERSION, saved)?;
        self.known.reindex();
        Ok(())
    }
}

impl LongConnections {
    /// Takes in this part of a connection; false if it is not, or no longer, worth following.
    fn follow(
        &mut self,
        of_service: &mut HashMap<u16, Open, FixedState>,
        conversation: &Conversation,
        view: &FlowView<'_>,
    ) -> bool {
        let (begin, end) = (view.moment(conversation.first), view.moment(conversation.last));
        let earlier = of_service.get_mut(&conversation.port);
        let is_held = earlier.is_some();
        if let Some(open) = earlier.filter(|open| connection::continues(view, conversation, open.last)) {
            open.take_in(conversation, begin, end);
            return true;
        }
        let is_question = view.key.protocol == UDP
            && conversation.up_packets.saturating_add(conversation.down_packets) <= QUESTION_PACKETS_MAX;
        let is_short = connection::is_closed(conversation) && end.ms() - begin.ms() < connection::IDLE_MS;
        if is_question || is_short {
            return false;
        }
        if self.count + of_service.len() >= OPEN_MAX && !is_held {
            self.evicted += 1;
            return false;
        }
        let mut open = Open::new(begin);
        open.take_in(conversation, begin, end);
        of_service.insert(conversation.port, open);
        true
    }

    fn report(
        &mut self,
        (host, remote, port, _): &Service,
        own_port: u16,
        open: &Open,
        view: &FlowView<'_>,
        scene: &mut Scene<'_>,
    ) {
        let service = (host.clone(), *remote, *port);
        let first_report = *self.known.touch(service, open.last, || open.last);
        if open.last.ms() - first_report.ms() >= NEW_MS || view.lists(&scene.context).trusted_ip(*remote).is_some() {
            return;
        }
        let Some(mut signal) = tallied_flow::signal(LONG_CONNECTION, Severity::LOW, view, &scene.context) else {
            return;
        };
        let named = tallied_flow::port_name(view, *port);
        let minutes = (open.last.ms() - open.first.ms()) / Time::MINUTE_MS;
        signal.reasons = vec![
            format!(
                "One connection from port {} to {remote}, {named}, had its first packet at {} and its last at {}: {minutes} \
                 minutes. At least {} hours are asked for.",
                own_port,
                minute(open.first),
                minute(open.last),
                quoted(&HOURS, scene.thresholds)
            ),
            format!(
                "{} bytes went out and {} came in; it was seen in {} slices of ten minutes, without a pause of more than 20 \
                 minutes.",
                open.bytes_out, open.bytes_in, open.slices
            ),
        ];
        let who = subject::name(&signal);
        signal.title = format!("{who} holds a connection to {remote} open for hours.");
        signal.description = format!(
            "{who} has held one connection to {remote} on {named} open for {} hours. Remote shells and tunnels do so; so do \
             message queues.",
            minutes / 60
        );
        scene.verdicts.push(Verdict {
            signal,
            begin: open.first,
            end: open.last,
            records: open.records.clone(),
            record_count: open.slices,
        });
    }
}

impl Open {
    fn new(first: Time) -> Self {
        // Most have one record.
        let records = Vec::with_capacity(1);
        Self { first, last: first, bytes_out: 0, bytes_in: 0, slices: 0, has_fired: false, records }
    }

    fn take_in(&mut self, conversation: &Conversation, begin: Time, end: Time) {
        self.last = self.last.max(end);
        self.bytes_out += u64::from(conversation.up_bytes);
        self.bytes_in += u64::from(conversation.down_bytes);
        self.slices += 1;
        if self.records.len() < RECORDS_MAX {
            self.records.push((begin, conversation.place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::found;
    use crate::testing::FlowLine;

    const REMOTE: &str = "203.0.113.9";

    /// A connection of so many minutes from this port, logged again each so many minutes.
    fn connection(port: u16, begin: i64, minutes: i64, every: i64) -> Vec<FlowLine> {
        (0..minutes)
            .step_by(every as usize)
            .flat_map(|at| {
                let flags = u8::from(at == 0) * 2;
                let answer = if at == 0 { 18 } else { 0 };
                let after = begin + at * 60;
                [
                    FlowLine::out(port, REMOTE, 4_433).flags(flags).after(after),
                    FlowLine::into(REMOTE, 4_433, port).flags(answer).after(after),
                ]
            })
            .collect()
    }

    /// Both sides of such a tunnel have ports as clients have them, and begin in the same second.
    #[test]
    fn a_tunnel_of_wireguard_is_ours_by_its_port() {
        let tunnel = |port: u16| -> Vec<FlowLine> {
            let record = |at: i64| {
                [
                    FlowLine::out(45_000, REMOTE, port).protocol(17).after(at * 60),
                    FlowLine::into(REMOTE, port, 45_000).protocol(17).after(at * 60),
                ]
            };
            (0..400).flat_map(record).collect()
        };
        assert_eq!(found(&DETECTION, &tunnel(51_820)).len(), 1);
        assert!(found(&DETECTION, &tunnel(51_821)).is_empty());
    }

    #[test]
    fn six_hours_are_long_whether_logged_each_minute_or_each_ten() {
        for every in [1, 10] {
            let verdicts = found(&DETECTION, &connection(50_000, 0, 400, every));
            assert_eq!(verdicts.len(), 1, "{every}");
            let (verdict, reasons) = (&verdicts[0], &verdicts[0].signal.reasons);
            let minutes = (verdict.end.ms() - verdict.begin.ms()) / 60_000;
            assert!(reasons[0].contains(&format!("{minutes} minutes. At least 6 (`ec2.long_connection.hours`)")));
            assert!((360..380).contains(&minutes), "{reasons:?}");
        }
    }

    #[test]
    fn five_hours_stay_quiet() {
        assert!(found(&DETECTION, &connection(50_000, 0, 300, 1)).is_empty());
    }

    #[test]
    fn connections_one_after_the_other_stay_quiet() {
        let many = (0..12).flat_map(|at| connection(50_000 + at, i64::from(at) * 3_600, 59, 1)).collect::<Vec<_>>();
        assert!(found(&DETECTION, &many).is_empty());
        let same_port = (0..12).flat_map(|at| connection(50_000, at * 3_600, 59, 1)).collect::<Vec<_>>();
        assert!(found(&DETECTION, &same_port).is_empty());
    }

    #[test]
    fn a_pause_ends_it() {
        let pause: Vec<_> = connection(50_000, 0, 200, 1)
            .into_iter()
            .chain(connection(50_000, 240 * 60, 200, 1).into_iter().skip(2))
            .collect();
        assert!(found(&DETECTION, &pause).is_empty());
    }

    #[test]
    fn the_same_service_is_reported_for_a_day_only() {
        let daily =
            (0..5).flat_map(|day| connection(50_000 + day, i64::from(day) * 86_400, 400, 10)).collect::<Vec<_>>();
        assert_eq!(found(&DETECTION, &daily).len(), 1);
    }

    #[test]
    fn a_connection_that_others_opened_stays_quiet() {
        let inbound: Vec<FlowLine> = (0..400)
            .flat_map(|at| {
                let flags = u8::from(at == 0) * 2;
                [
                    FlowLine::into(REMOTE, 50_000, 22).flags(flags).after(at * 60),
                    FlowLine::out(22, REMOTE, 50_000).after(at * 60),
                ]
            })
            .collect();
        assert!(found(&DETECTION, &inbound).is_empty());
    }

    #[test]
    fn a_restart_keeps_what_is_open() {
        let mut connections = LongConnections::default();
        let host = Host::new("1", "r", "i-1");
        let remote: IpAddr = REMOTE.parse().unwrap();
        let of_service = connections.open.entry((host.clone(), remote, 443, 6)).or_default();
        of_service.insert(50_000, Open::new(Time::from_ms(5)));
        connections.known.touch((host, remote, 443), Time::from_ms(7), || Time::from_ms(7));
        let mut restarted = LongConnections::default();
        restarted.load(connections.save()).unwrap();
        assert_eq!(restarted.save(), connections.save());
    }
}
