//! An instance contacts a port outside that it never contacted before.

use crate::behaviour::{Behaviour, FlowView, Learning, Scene};
use crate::shared::contact::{TCP, UDP};
use crate::shared::habit::{self, Habits, New, Novelty};
use crate::shared::host::Host;
use crate::shared::{new_resolver, state, subject, tallied_flow};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use watchfire_model::{FindingType, Severity, Time};

const PORT_UNUSUAL: FindingType = FindingType::new("Behavior:EC2/NetworkPortUnusual");

/// Days of history before a port counts as new.
pub(crate) static LEARNING_DAYS: Threshold = habit::learning_days("ec2.network_port_unusual.learning_days");

/// Connections with the new port.
pub(crate) static CONNECTIONS: Threshold = Threshold {
    key: "ec2.network_port_unusual.connections",
    default: 3.0,
    min: 1.0,
    max: 1e6,
    unit: "answered connections within 24 hours; ten without an answer count as one",
    source: "detection-methods, section 5: three answered connections are no mistyped address",
    summary: "how often an instance must contact a new port",
};

/// What one answered connection weighs; one without an answer weighs 1.
const ANSWERED_WEIGHT: u64 = 10;
/// Ports from here on are clients' own, and servers choose them by chance. Source: Linux' default range begins at 32768;
/// the catalogue's `suggestedRule`.
const EPHEMERAL_MIN: u16 = 32_768;
/// LDAP, and what tools that abuse log4j listen on instead: one contact is enough. Source: the catalogue.
const LDAP_PORTS: [u16; 2] = [389, 1389];
/// Ports that have a type of their own (mail, DNS over any transport), or that every host contacts sooner or later.
const EXEMPT_PORTS: [u16; 6] = [25, 53, 80, 123, 443, 853];
/// Ports named in a finding.
const NAMED_MAX: usize = 10;
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[PORT_UNUSUAL],
    summary: "An instance contacted a port outside that it has no history of contacting.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Ports::default())),
};

/// Evidence: within 24 hours, at least three answered connections to one port (by protocol) of public addresses outside,
/// which the instance has not contacted on at least 14 days of traffic, and which no other instance of its image contacts.
/// Ten unanswered connections count as one answered. The ports of LDAP (389, and 1389, where tools that abuse log4j listen)
/// need one contact, answered or not, and make the finding High: `additionalInfo.context` says so. A new port is learnt if
/// the connections go on after 24 hours.
///
/// No evidence: ports from 32768 up, which are chosen by chance; ports 80, 123 and 443, which every host contacts; ports 25,
/// 53 and 853, which have types of their own; contacts inside. An instance that has contacted more than 128 ports in 30 days
/// has no habit that a new port could break.
///
/// False positives: new software. Suppress the finding for the port.
#[derive(Default)]
struct Ports {
    habits: Habits<(u8, u16)>,
}

impl Behaviour for Ports {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.habits.touch(view, &scene.context, scene.thresholds.count(&LEARNING_DAYS) as u32);
        let (protocol, port) = (view.key.protocol, view.key.port);
        let is_judged = tallied_flow::is_request_outside(view)
            && matches!(protocol, TCP | UDP)
            && (1..EPHEMERAL_MIN).contains(&port)
            && !EXEMPT_PORTS.contains(&port);
        if !is_judged {
            return;
        }
        let Some(host) = Host::of(view, &scene.context) else { return };
        let weight =
            view.tally.conversation_count() * if tallied_flow::is_answered(view) { ANSWERED_WEIGHT } else { 1 };
        let Novelty::New(new) = self.habits.contact(&host, &(protocol, port), view.first(), weight) else { return };
        let is_ldap = is_ldap(protocol, port);
        if (!is_ldap && new.weight < scene.thresholds.count(&CONNECTIONS) * ANSWERED_WEIGHT)
            || view.lists(&scene.context).trusted_ip(view.remote()).is_some()
        {
            return;
        }
        let severity = if is_ldap { Severity::HIGH } else { Severity::MEDIUM };
        if let Some(signal) = self.signal(severity, &host, &new, view, scene) {
            self.habits.note_report(&host, &(protocol, port), view.last());
            scene.verdicts.push(tallied_flow::verdict(signal, view));
        }
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
        self.habits = state::load::<Habits<(u8, u16)>>(PORT_UNUSUAL, STATE_VERSION, saved)?.restored();
        Ok(())
    }
}

impl Ports {
    fn signal(
        &self,
        severity: Severity,
        host: &Host,
        new: &New,
        view: &FlowView<'_>,
        scene: &Scene<'_>,
    ) -> Option<watchfire_model::Signal> {
        let mut signal = tallied_flow::signal(PORT_UNUSUAL, severity, view, &scene.context)?;
        let (port, remote) = (view.key.port, view.remote());
        let named = tallied_flow::port_name(view, port);
        let never = format!("never contacted {named} of any host outside");
        signal.reasons = vec![
            format!("{} contacted {named} of {remote}.", view.local()),
            tallied_flow::amounts(view),
            weighed(new, scene),
            new_resolver::history(new, scene, &LEARNING_DAYS, &never),
            self.used_to(host),
        ];
        let who = subject::name(&signal);
        signal.additional.insert("unusual".to_owned(), port.into());
        if is_ldap(view.key.protocol, port) {
            signal.additional.insert("context".to_owned(), "Possible log4j callback".into());
        }
        signal.title = format!("{who} communicates on an unusual port outside, {named}.");
        signal.description = format!(
            "{who} contacted {remote} on {named}. It has no recent history of contacting this port of any host outside."
        );
        Some(signal)
    }

    fn used_to(&self, host: &Host) -> String {
        let known = self.habits.known(host);
        let name = |(protocol, port): &(u8, u16)| format!("{port}/{}", if *protocol == TCP { "tcp" } else { "udp" });
        let names: Vec<String> = known.iter().take(NAMED_MAX).map(name).collect();
        match known.len() {
            0 => "It is used to none but the ports that every host contacts.".to_owned(),
            count => format!("Besides the ports that every host contacts it is used to {count}: {}.", names.join(", ")),
        }
    }
}

fn is_ldap(protocol: u8, port: u16) -> bool {
    protocol == TCP && LDAP_PORTS.contains(&port)
}

fn weighed(new: &New, scene: &Scene<'_>) -> String {
    format!(
        "Since {} there were {}.{} such connections, of which one without an answer counts a tenth; {} are asked for, and one \
         contact on a port of LDAP.",
        tallied_flow::minute(new.born),
        new.weight / ANSWERED_WEIGHT,
        new.weight % ANSWERED_WEIGHT,
        tallied_flow::quoted(&CONNECTIONS, scene.thresholds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{DAY, days, exchange, found};
    use crate::testing::FlowLine;

    fn contacts(port: u16, count: i64) -> Vec<FlowLine> {
        (0..count).flat_map(|at| exchange("203.0.113.9", port, 6, 14 * DAY + at * 60)).collect()
    }

    #[test]
    fn three_connections_with_a_new_port_after_two_weeks_are_reported() {
        let verdicts = found(&DETECTION, &[days(15), contacts(6_667, 3)].concat());
        assert_eq!(verdicts.len(), 1);
        let signal = &verdicts[0].signal;
        assert_eq!((signal.severity, &signal.additional["unusual"]), (Severity::MEDIUM, &6_667.into()));
        assert!(signal.reasons[2].contains("there were 3.0 such connections"), "{:?}", signal.reasons);
        assert!(signal.reasons[2].contains("3 (`ec2.network_port_unusual.connections`) are asked for"));
    }

    #[test]
    fn two_connections_stay_quiet() {
        assert!(found(&DETECTION, &[days(15), contacts(6_667, 2)].concat()).is_empty());
    }

    #[test]
    fn connections_in_different_slices_add_up() {
        let spread: Vec<_> = (0..3).flat_map(|at| exchange("203.0.113.9", 6_667, 6, 14 * DAY + at * 3_000)).collect();
        assert_eq!(found(&DETECTION, &[days(15), spread].concat()).len(), 1);
    }

    #[test]
    fn one_contact_on_a_port_of_ldap_is_high() {
        for port in LDAP_PORTS {
            let attempt = contacts(port, 1)[..1].to_vec();
            let verdicts = found(&DETECTION, &[days(15), attempt].concat());
            assert_eq!(verdicts[0].signal.severity, Severity::HIGH);
            assert_eq!(verdicts[0].signal.additional["context"], "Possible log4j callback");
        }
    }

    #[test]
    fn attempts_without_answer_need_ten_times_as_many() {
        let attempts = |count: i64| -> Vec<FlowLine> {
            (0..count).map(|at| exchange("203.0.113.9", 5_888, 6, 14 * DAY + at * 5)[0].clone()).collect()
        };
        assert!(found(&DETECTION, &[days(15), attempts(29)].concat()).is_empty());
        assert_eq!(found(&DETECTION, &[days(15), attempts(30)].concat()).len(), 1);
    }

    #[test]
    fn ports_that_everyone_contacts_and_ports_of_chance_stay_quiet() {
        for port in [80, 443, 853, 25, 40_001, 60_000] {
            assert!(found(&DETECTION, &[days(15), contacts(port, 5)].concat()).is_empty(), "{port}");
        }
    }

    #[test]
    fn what_it_contacted_before_or_inside_or_while_learning_stays_quiet() {
        let before = (0..3).flat_map(|at| exchange("203.0.113.8", 6_667, 6, 2 * DAY + at)).collect();
        assert!(found(&DETECTION, &[days(15), before, contacts(6_667, 3)].concat()).is_empty());
        let inside = (0..5).flat_map(|at| exchange("10.0.9.9", 6_667, 6, 14 * DAY + at)).collect();
        assert!(found(&DETECTION, &[days(15), inside].concat()).is_empty());
        assert!(found(&DETECTION, &contacts(6_667, 3)).is_empty());
    }
}
