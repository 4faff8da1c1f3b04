//! Traffic between an instance and an address on a threat list of the user's own.

use crate::shared::{listed_flow, subject};
use crate::{Contact, Context, Detection, Interest, Need, Rule};
use watchfire_model::{ConnectionDirection, FindingType, ListKind, Severity, Signal};

const ON_YOUR_LIST: FindingType = FindingType::new("UnauthorizedAccess:EC2/MaliciousIPCaller.Custom");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[ON_YOUR_LIST],
    summary: "An instance exchanged packets with an address on one of your own threat lists, or tried to.",
    listens: &[Interest::FlowWith(&[ListKind::Custom])],
    needs: &[Need::Flows, Need::Lists(&[ListKind::Custom])],
    file: file!(),
    rule: Rule::Flow(detect),
};

/// Evidence: a connection that our side opened, blocked or not; or one that the other side opened, if it was let in and
/// answered with more than a refusal.
///
/// A probe that was rejected, refused or ignored is what every address of the internet gets all day.
///
/// False positives: whatever your list says too much. A visitor from a listed address whom a public server answered is
/// reported too, so a list of mere scanners belongs under its own kind (`--intel scanner=FILE`).
fn detect(contact: &Contact<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let answered_caller = contact.direction == ConnectionDirection::Inbound
        && contact.is_answered
        && !contact.flow.is_rejected()
        && !contact.is_icmp();
    if !contact.speaks() || !(answered_caller || listed_flow::is_ours(contact)) {
        return;
    }
    let Some(mut signal) = listed_flow::signal(ON_YOUR_LIST, Severity::MEDIUM, &[ListKind::Custom], contact, context)
    else {
        return;
    };
    let who = subject::name(&signal);
    signal.title = format!("{who} is communicating with an address on a custom threat list.");
    signal.description = format!(
        "{who} {}. This address is on {}, a threat list of your own.",
        listed_flow::contacted(contact),
        listed_flow::list_names(&signal.threats)
    );
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use watchfire_model::{Action, ResourceRole};

    const REMOTE: &str = "198.51.100.7";

    fn found(flows: &[FlowLine]) -> Vec<Signal> {
        flow_signals(&DETECTION, &knowing(ListKind::Custom, &[REMOTE]), flows)
    }

    #[test]
    fn a_connection_of_ours_is_reported_blocked_or_not() {
        let signals = found(&[FlowLine::out(50_000, REMOTE, 8009).flags(2).rejected()]);
        assert_eq!(signals[0].role, Some(ResourceRole::Actor));
        assert!(matches!(&signals[0].action, Action::NetworkConnection(action) if action.blocked));
        assert!(signals[0].description.contains("`test-custom`"), "{}", signals[0].description);
    }

    #[test]
    fn a_caller_that_was_answered_is_reported_once_with_the_instance_as_its_target() {
        let signals =
            found(&[FlowLine::into(REMOTE, 40_000, 22).flags(2), FlowLine::out(22, REMOTE, 40_000).flags(18)]);
        assert_eq!((signals.len(), signals[0].role), (1, Some(ResourceRole::Target)));
        let Action::NetworkConnection(action) = &signals[0].action else { panic!("{:?}", signals[0].action) };
        assert_eq!((action.direction, action.local_port), (ConnectionDirection::Inbound, 22));
    }

    #[test]
    fn a_probe_that_was_rejected_refused_or_ignored_stays_quiet() {
        let probe = || FlowLine::into(REMOTE, 40_000, 22).flags(2).packets(1, 60);
        assert!(found(&[probe().rejected()]).is_empty());
        assert!(found(&[probe()]).is_empty());
        assert!(found(&[probe(), FlowLine::out(22, REMOTE, 40_000).flags(4).packets(1, 40)]).is_empty());
    }

    #[test]
    fn an_answered_ping_stays_quiet() {
        let ping = [FlowLine::into(REMOTE, 0, 0).protocol(1), FlowLine::out(0, REMOTE, 0).protocol(1).after(1)];
        assert!(found(&ping).is_empty());
    }

    #[test]
    fn a_list_that_is_not_the_users_stays_quiet() {
        let knowledge = knowing(ListKind::Malicious, &[REMOTE]);
        assert!(flow_signals(&DETECTION, &knowledge, &[FlowLine::out(50_000, REMOTE, 443).flags(2)]).is_empty());
    }
}
