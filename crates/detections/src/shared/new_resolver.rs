//! A resolver outside that a host has no history of asking.

use crate::behaviour::{Behaviour, FlowView, Learning, Scene};
use crate::shared::contact::{TCP, UDP, protocol_name};
use crate::shared::habit::{Habits, New, Novelty};
use crate::shared::host::Host;
use crate::shared::{resolver, state, subject, tallied_flow};
use crate::thresholds::Threshold;
use std::net::IpAddr;
use watchfire_model::{FindingType, Severity, Time};

/// Exchanges with an address that no operator of public resolvers names, before it counts as a resolver.
const UNLISTED_EXCHANGES_MIN: u64 = 3;
/// A host that is used to more servers of the DNS than that looks names up by itself, from the root down; one more server
/// is its daily work.
const SERVERS_MAX: usize = 8;
/// Resolvers named in a finding.
const NAMED_MAX: usize = 5;
const STATE_VERSION: u32 = 1;

/// Over what a resolver is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// UDP or TCP, port 53.
    Plain,
    /// TLS or QUIC, port 853.
    Tls,
    /// HTTPS, port 443.
    Https,
}

/// Which resolvers outside each host is in the habit of asking over one transport.
pub(crate) struct NewResolver {
    pub(crate) finding_type: FindingType,
    pub(crate) transport: Transport,
    pub(crate) learning_days: &'static Threshold,
    pub(crate) habits: Habits<IpAddr>,
}

impl Behaviour for NewResolver {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let needed = scene.thresholds.count(self.learning_days) as u32;
        self.habits.touch(view, &scene.context, needed);
        if !self.transport.is_used(view) || !tallied_flow::is_answered(view) {
            return;
        }
        let Some(host) = Host::of(view, &scene.context) else { return };
        let exchanges = view.tally.conversation_count();
        let Novelty::New(new) = self.habits.contact(&host, &view.remote(), view.first(), exchanges) else { return };
        let is_listed = resolver::operator(view.remote()).is_some();
        let is_plain_server = self.transport == Transport::Plain
            && !is_listed
            && (new.others > SERVERS_MAX || new.weight < UNLISTED_EXCHANGES_MIN);
        if is_plain_server || view.lists(&scene.context).trusted_ip(view.remote()).is_some() {
            return;
        }
        self.report(&host, &new, view, scene);
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.habits.expire(now)
    }

    fn size(&self) -> (u64, u64) {
        self.habits.size()
    }

    fn learning(&self) -> Vec<Learning> {
        self.habits.learning(self.habits.needed())
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, &self.habits)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        self.habits = state::load::<Habits<IpAddr>>(self.finding_type, STATE_VERSION, saved)?.restored();
        Ok(())
    }
}

impl NewResolver {
    fn report(&mut self, host: &Host, new: &New, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let Some(mut signal) = tallied_flow::signal(self.finding_type, Severity::MEDIUM, view, &scene.context) else {
            return;
        };
        let remote = view.remote();
        let whose = match resolver::operator(remote) {
            Some(operator) => format!("a public resolver of {operator}"),
            None => "which answers on a resolver's port".to_owned(),
        };
        let over = self.transport.name();
        signal.reasons = vec![
            format!(
                "{} asked {remote}, {whose}, by {over} ({} port {}) and was answered.",
                view.local(),
                protocol_name(view.key.protocol),
                view.key.port
            ),
            tallied_flow::amounts(view),
            history(new, scene, self.learning_days, &format!("never asked {remote} by {over}")),
            self.used_to(host),
        ];
        if resolver::operator(remote).is_none() {
            signal
                .missing
                .push(format!("Whose resolver {remote} is: no operator's documentation that we know names it."));
        }
        let who = subject::name(&signal);
        signal.additional.insert("unusual".to_owned(), remote.to_string().into());
        signal.title = format!("{who} asks an unusual resolver by {over}.");
        signal.description = format!(
            "{who} asked {remote}, {whose}, by {over}. It has no recent history of doing so. What it looks up there, the \
             logs of your own resolver do not show."
        );
        self.habits.note_report(host, &remote, view.last());
        scene.verdicts.push(tallied_flow::verdict(signal, view));
    }

    fn used_to(&self, host: &Host) -> String {
        let known = self.habits.known(host);
        let names: Vec<String> = known.iter().take(NAMED_MAX).map(IpAddr::to_string).collect();
        match known.len() {
            0 => format!("It has asked no resolver outside by {} before.", self.transport.name()),
            count => format!("It is used to {count} others: {}.", names.join(", ")),
        }
    }
}

/// "Watched since 2024-04-01, 18 days with traffic before that of the first contact (14 are asked for: `key`), it never …".
pub(crate) fn history(new: &New, scene: &Scene<'_>, learning_days: &Threshold, never: &str) -> String {
    let who = if new.is_by_group { "the hosts of its image" } else { "it" };
    format!(
        "Watched since {}, on {} days with traffic before that of the first contact at {} (at least {} are asked for), {who} \
         {never}.",
        new.since.date(),
        new.days,
        tallied_flow::minute(new.born),
        tallied_flow::quoted(learning_days, scene.thresholds)
    )
}

impl Transport {
    fn is_used(self, view: &FlowView<'_>) -> bool {
        let is_service = |port: u16| view.key.port == port && matches!(view.key.protocol, TCP | UDP);
        tallied_flow::is_request_outside(view)
            && match self {
                Self::Plain => is_service(53),
                Self::Tls => is_service(853),
                Self::Https => is_service(443) && resolver::doh_operator(view.remote()).is_some(),
            }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "DNS",
            Self::Tls => "DNS over TLS",
            Self::Https => "DNS over HTTPS",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::testing::*;
    use crate::{Detection, Verdict};
    use watchfire_knowledge::Knowledge;

    /// One day in seconds.
    pub(crate) const DAY: i64 = 86_400;

    /// Both directions of an exchange with a server outside, so many seconds after the first line.
    pub(crate) fn exchange(remote: &str, port: u16, protocol: u8, after: i64) -> [FlowLine; 2] {
        let client_port = 40_000 + u16::try_from(after.rem_euclid(20_000)).unwrap();
        let out = FlowLine::out(client_port, remote, port).protocol(protocol).after(after);
        let into = FlowLine::into(remote, port, client_port).protocol(protocol).after(after);
        let flags = |line: FlowLine, flags| if protocol == 6 { line.flags(flags) } else { line };
        [flags(out, 2), flags(into, 18)]
    }

    /// A request by HTTPS on each of so many days.
    pub(crate) fn days(count: i64) -> Vec<FlowLine> {
        (0..count).flat_map(|day| exchange("198.51.100.20", 443, 6, day * DAY)).collect()
    }

    pub(crate) fn found(detection: &Detection, flows: &[FlowLine]) -> Vec<Verdict> {
        let lines: Vec<String> = flows.iter().map(FlowLine::to_string).collect();
        verdicts(detection, &Knowledge::default(), &[&format!("{FLOW_HEADER}\n{}", lines.join("\n"))])
    }
}
