//! The instance that a flow or a query is about, as far as it can be told, and what findings call it.

use crate::tally::{Place, QueryKey};
use crate::{Contact, Context, FlowView};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use watchfire_model::{DnsQuery, FindingType, Instance, NetworkInterface, Resource, ResourceKind, Severity, Signal};

/// A signal about the instance at our end of a contact: keyed by it, with all that is known of it.
///
/// `None` if another interface shows the same packets and names their sender: then this record would count them twice.
pub(crate) fn of_contact(
    finding_type: FindingType,
    severity: Severity,
    contact: &Contact<'_>,
    context: &Context<'_>,
) -> Option<Signal> {
    let flow = contact.flow;
    let end = OwnEnd {
        account: &flow.account,
        region: &flow.region,
        vpc: &flow.vpc_id,
        interface: &flow.interface_id,
        instance: &flow.instance_id,
        local: contact.local,
        is_transit: contact.is_transit(),
    };
    of_end(finding_type, severity, &end, context)
}

/// The same about the instance at our end of summed flows.
pub(crate) fn of_flow(
    finding_type: FindingType,
    severity: Severity,
    view: &FlowView<'_>,
    context: &Context<'_>,
) -> Option<Signal> {
    let place = view.place;
    let end = OwnEnd {
        account: &place.account,
        region: &place.region,
        vpc: &place.vpc,
        interface: &place.interface,
        instance: &place.instance,
        local: view.local(),
        is_transit: view.is_transit,
    };
    of_end(finding_type, severity, &end, context)
}

/// Our end of a conversation, and where it was seen.
struct OwnEnd<'a> {
    account: &'a str,
    region: &'a str,
    vpc: &'a str,
    interface: &'a str,
    instance: &'a str,
    local: IpAddr,
    is_transit: bool,
}

fn of_end(finding_type: FindingType, severity: Severity, end: &OwnEnd<'_>, context: &Context<'_>) -> Option<Signal> {
    let inventory = &context.knowledge.inventory;
    let by_address = || {
        let own = inventory
            .by_private_ip(end.account, end.vpc, end.local)
            .or_else(|| inventory.by_public_ip(end.local).filter(|(instance, _)| instance.account == end.account));
        own.map(|(instance, _)| Instance::from(instance))
    };
    let mut missing = Vec::new();
    let instance = if end.is_transit {
        if context.estate.owns(end.account, end.local) {
            return None; // The sender's own interface is logged as well.
        }
        missing.push(format!(
            "The record was made by the interface {} that the packets passed through; their own interface's flow log \
             was not seen.",
            end.interface
        ));
        by_address().unwrap_or_else(|| unnamed("", end.local))
    } else if inventory.nat_gateway(end.interface).is_some() {
        return None; // Behind a NAT gateway's own address there are many hosts, and each has an interface of its own.
    } else {
        let known = context.instance(end.account, end.instance, end.interface, Some(end.local));
        if known.instance_id.is_empty() { by_address().unwrap_or(known) } else { known }
    };
    let interface = if end.is_transit { "" } else { end.interface };
    let fallback = if interface.is_empty() { end.local.to_string() } else { interface.to_owned() };
    let mut signal = signal(finding_type, severity, instance, fallback, context);
    signal.account = end.account.to_owned();
    signal.region = end.region.to_owned();
    signal.missing.append(&mut missing);
    Some(signal)
}

/// A signal about the instance that asked: keyed by it, else by the address that asked and where it did.
pub(crate) fn of_query(
    finding_type: FindingType,
    severity: Severity,
    query: &DnsQuery<'_>,
    context: &Context<'_>,
) -> Signal {
    let source = query.source.map_or_else(String::new, |source| source.to_string());
    let by_endpoint = !query.resolver_endpoint.is_empty();
    let mut instance = context.instance(&query.account, &query.instance_id, &query.resolver_interface, query.source);
    if instance.instance_id.is_empty() && !by_endpoint {
        let own = query
            .source
            .and_then(|source| context.knowledge.inventory.by_private_ip(&query.account, &query.vpc_id, source));
        if let Some((known, _)) = own {
            instance = known.into();
        }
    }
    let place = if by_endpoint { &query.resolver_endpoint } else { &query.vpc_id };
    let fallback = format!("{source} {place}").trim().to_owned();
    let fallback = if fallback.is_empty() { "unknown client".to_owned() } else { fallback };
    let mut signal = signal(finding_type, severity, instance, fallback, context);
    signal.account = query.account.to_string();
    signal.region = query.region.to_string();
    if by_endpoint {
        signal.missing.push(format!(
            "The query came in through the resolver endpoint {}: the client is a host in a network behind it.",
            query.resolver_endpoint
        ));
    }
    signal
}

/// A signal about the client of summed queries: as [`of_query`].
pub(crate) fn of_query_client(
    finding_type: FindingType,
    severity: Severity,
    key: &QueryKey,
    context: &Context<'_>,
) -> Signal {
    let query = DnsQuery {
        account: (&*key.place.account).into(),
        region: (&*key.place.region).into(),
        vpc_id: (&*key.place.vpc).into(),
        instance_id: (&*key.place.instance).into(),
        resolver_endpoint: (&*key.place.interface).into(),
        source: key.client,
        ..DnsQuery::default()
    };
    of_query(finding_type, severity, &query, context)
}

/// What an entity ends with where the same instance may also be the target of findings of this type.
pub(crate) const AS_ACTOR: &str = " as actor";

/// What findings call the subject: "The EC2 instance i-…", else its interface, else its address.
pub(crate) fn name(signal: &Signal) -> String {
    let instance = signal.resource.instance.as_ref();
    let entity = signal.entity.strip_suffix(AS_ACTOR).unwrap_or(&signal.entity);
    match instance.map(|instance| instance.instance_id.as_str()) {
        Some(id) if !id.is_empty() => format!("The EC2 instance {id}"),
        _ if entity.starts_with("eni-") => format!("The network interface {entity}"),
        _ => format!("The host {entity}"),
    }
}

fn signal(
    finding_type: FindingType,
    severity: Severity,
    instance: Instance,
    fallback: String,
    context: &Context<'_>,
) -> Signal {
    let is_known = !instance.instance_id.is_empty();
    let entity = if is_known { instance.instance_id.clone() } else { fallback };
    let mut signal = Signal::new(finding_type, severity, entity);
    if !is_known {
        signal.missing.push(
            "The instance is not known: neither the record, nor earlier ones, nor an inventory (--inventory) names it."
                .to_owned(),
        );
    } else if context.knowledge.inventory.instance(&instance.instance_id).is_some() {
        signal.consulted.push("inventory".to_owned());
    } else if instance.image_id.is_empty() {
        signal.missing.push(format!(
            "Image, tags and profile of {} are not known: its launch was not seen, and no inventory (--inventory) has it.",
            instance.instance_id
        ));
    }
    signal.resource = Resource { kind: ResourceKind::Instance, instance: Some(instance), ..Resource::default() };
    signal
}

fn unnamed(interface_id: &str, address: IpAddr) -> Instance {
    let mut interface = NetworkInterface { interface_id: interface_id.to_owned(), ..NetworkInterface::default() };
    if address.is_ipv4() {
        interface.private_ip = Some(address);
    } else {
        interface.ipv6.push(address);
    }
    Instance { interfaces: vec![interface], ..Instance::default() }
}

/// The same within a sentence: "the EC2 instance i-…".
pub(crate) fn lower(name: &str) -> String {
    name.replacen("The ", "the ", 1)
}

/// Our end of flows, kept until there is something to say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Where its traffic was seen.
    pub(crate) place: Place,
    /// Its address.
    pub(crate) local: IpAddr,
    /// Whether it was seen at a gateway only.
    pub(crate) is_transit: bool,
}

impl Origin {
    /// Of this view.
    pub(crate) fn of(view: &FlowView<'_>) -> Self {
        Self { place: view.place.clone(), local: view.local(), is_transit: view.is_transit }
    }

    /// A signal about the instance there: as [`of_contact`].
    pub(crate) fn signal(
        &self,
        finding_type: FindingType,
        severity: Severity,
        context: &Context<'_>,
    ) -> Option<Signal> {
        let end = OwnEnd {
            account: &self.place.account,
            region: &self.place.region,
            vpc: &self.place.vpc,
            interface: &self.place.interface,
            instance: &self.place.instance,
            local: self.local,
            is_transit: self.is_transit,
        };
        of_end(finding_type, severity, &end, context)
    }
}
