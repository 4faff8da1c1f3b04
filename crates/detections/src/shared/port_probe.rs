//! A known scanner on a port that is open: the evidence of both port probe families.

use crate::shared::contact::{TCP, UDP};
use crate::shared::{listed_flow, subject};
use crate::{Contact, Context};
use watchfire_model::{
    Action, ConnectionDirection, FindingType, Instance, ListKind, PortProbe, PortProbeAction, ResourceRole, Severity,
    Signal,
};

/// Ports that are open to everyone on purpose. Source: GuardDuty user guide, `Recon:EC2/PortProbeUnprotectedPort`.
const PUBLIC_PORTS: [u16; 2] = [80, 443];

/// Web interfaces of EMR that hand out the cluster: YARN's resource and node managers, HDFS, the histories of Spark and
/// of MapReduce. Source: GuardDuty's guide for 8088, the catalogue's `suggestedRule` for the others.
pub(crate) const EMR_PORTS: [u16; 5] = [8088, 8042, 9870, 18_080, 19_888];

/// The tags that EMR gives the instances of its clusters. Source: EMR management guide, "Tag and categorize resources".
const EMR_TAGS: &str = "aws:elasticmapreduce:";

/// Whether a probed instance belongs to an EMR cluster, when it is asked on one of EMR's ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Probed {
    /// One of EMR's ports, on an instance of a cluster.
    EmrPort,
    /// Another port, or an instance of no cluster.
    Port,
    /// One of EMR's ports, and nothing is known of the instance.
    PerhapsEmrPort,
}

/// Whether a contact is a probe that may count: cheap, for probes come in storms.
///
/// Evidence: the other side opened it, to a TCP or UDP port other than 80 and 443, let in by security groups and network
/// ACLs. An answered UDP datagram counts too: the type says port, not TCP.
pub(crate) fn is_candidate(contact: &Contact<'_>) -> bool {
    contact.direction == ConnectionDirection::Inbound
        && matches!(contact.flow.protocol, TCP | UDP)
        && contact.local_port != 0
        && !PUBLIC_PORTS.contains(&contact.local_port)
        && !contact.is_outgoing
        && !contact.flow.is_rejected()
}

/// A signal about a probe of an open port, and what kind of port it was.
///
/// Evidence: open is what the inventory says is open to the whole internet; an answer is not asked for then, but a refusal (RST)
/// shows that nothing listens. Where the inventory is silent, the port must have answered with more than a refusal.
/// Each incoming record of a probe counts; replies do not.
///
/// False positives: services that are meant for everyone on another port than 80 and 443, such as mail or DNS, are probed
/// all day; suppress the finding for these instances and ports. A scanner that you pay for belongs on a trusted list.
pub(crate) fn signal(
    finding_type: FindingType,
    severity: Severity,
    contact: &Contact<'_>,
    context: &Context<'_>,
) -> Option<(Signal, Probed)> {
    let reason = open_because(contact, context)?;
    let threats = contact.lists(context).ip_threats(contact.remote, &[ListKind::Scanner], contact.flow.start);
    if threats.is_empty() {
        return None;
    }
    let mut signal = subject::of_contact(finding_type, severity, contact, context)?;
    let probed = probed(&signal, contact.local_port, context);
    let remote = context.knowledge.remote(contact.remote);
    let probe = PortProbe { local_port: contact.local_port, local_ip: Some(contact.local), remote };
    signal.action = Action::PortProbe(PortProbeAction { blocked: false, probes: vec![probe] });
    signal.role = Some(ResourceRole::Target);
    signal.reasons.push(reason);
    listed_flow::explain(&mut signal, &threats, contact, context);
    signal.threats = threats;
    Some((signal, probed))
}

fn open_because(contact: &Contact<'_>, context: &Context<'_>) -> Option<String> {
    let port = contact.local_port;
    let flow = contact.flow;
    let inventory = &context.knowledge.inventory;
    let interface = inventory
        .interface(&flow.interface_id)
        .or_else(|| inventory.by_private_ip(&flow.account, &flow.vpc_id, contact.local));
    let is_open = interface.filter(|_| flow.protocol == TCP).and_then(|(_, interface)| interface.is_open(port));
    match is_open {
        Some(true) if !contact.is_refused => {
            Some(format!("Port {port} is open to the whole internet: the inventory says so."))
        }
        Some(_) => None,
        None if contact.is_answered => {
            Some(format!("Port {port} is open: it was let in, and the instance answered with more than a refusal."))
        }
        None => None,
    }
}

fn probed(signal: &Signal, port: u16, context: &Context<'_>) -> Probed {
    if !EMR_PORTS.contains(&port) {
        return Probed::Port;
    }
    let Some(instance) = &signal.resource.instance else { return Probed::PerhapsEmrPort };
    let described = context.knowledge.inventory.instance(&instance.instance_id);
    let in_cluster = described.is_some_and(|instance| !instance.emr_cluster.is_empty()) || has_emr_tag(instance);
    match in_cluster {
        true => Probed::EmrPort,
        // The image is known when the launch was seen, and then the tags are.
        false if described.is_some() || !instance.image_id.is_empty() => Probed::Port,
        false => Probed::PerhapsEmrPort,
    }
}

fn has_emr_tag(instance: &Instance) -> bool {
    instance.tags.iter().any(|(key, _)| key.starts_with(EMR_TAGS))
}
