//! Where credentials that AWS handed to one of our resources were used.

use crate::Context;
use crate::shared::call;
use std::net::IpAddr;
use watchfire_knowledge::{EGRESS_DAYS_MIN, EGRESS_INSTANCES_MIN, is_publicly_routable};
use watchfire_model::{Action, ApiCall, FindingType, RemoteAccount, Severity, Signal};

/// A place where credentials of a resource of ours do not belong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ForeignPlace {
    /// An address that is in none of AWS's ranges.
    OutsideAws(IpAddr),
    /// An address or a VPC endpoint that is known to belong to another account.
    OtherAccount {
        /// That account.
        account: String,
        /// What belongs to it: a whole sentence.
        reason: String,
    },
    /// An address in AWS's ranges whose account is not known. It may be our own.
    InsideAws(IpAddr),
}

/// The account that the credentials belong to: that of the caller, not that of the log.
pub(crate) fn own_account(event: &ApiCall<'_>) -> String {
    let of_arn = event.identity.arn.split(':').nth(4).unwrap_or_default();
    let names = [event.identity.account.as_ref(), event.identity.issuer.account.as_ref(), of_arn, event.account()];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

/// Where the call came from, if that is no place for credentials of a resource of ours; `None` if it is, or if nothing
/// can be proven.
///
/// In this order: what an AWS service does is not a place at all; a VPC endpoint is judged by its owner; a private
/// address proves nothing; addresses of our own are fine, by the inventory and by flow logs; so is shared egress. What
/// is left is judged by AWS's ranges.
///
/// False positives: traffic that leaves through a network of your own, such as Outposts, a VPN or a proxy in an office.
/// Name its addresses under `accounts` of the inventory, and it counts as yours. An address that AWS took into use after
/// the snapshot of its ranges looks like one outside: give a fresh `ip-ranges.json` (`--aws-ranges`).
pub(crate) fn foreign_place(event: &ApiCall<'_>, context: &Context<'_>) -> Option<ForeignPlace> {
    if call::is_by_service(event) || !call::proves_credentials(event) {
        return None;
    }
    let own = own_account(event);
    let inventory = &context.knowledge.inventory;
    let endpoint = event.vpc_endpoint_id.as_ref();
    if !endpoint.is_empty() || !event.vpc_endpoint_account.is_empty() {
        let by_inventory = || inventory.vpc_endpoint(endpoint).map(|endpoint| endpoint.account.as_str());
        let owner =
            Some(event.vpc_endpoint_account.as_ref()).filter(|owner| !owner.is_empty()).or_else(by_inventory)?;
        return (owner != own).then(|| ForeignPlace::OtherAccount {
            account: owner.to_owned(),
            reason: format!(
                "The call came through VPC endpoint `{endpoint}`, which belongs to account {owner}, not {own}."
            ),
        });
    }
    let ip = event.source_ip.filter(|&ip| is_publicly_routable(ip))?;
    if let Some(owner) = inventory.account_of_ip(ip) {
        return (owner != own).then(|| ForeignPlace::OtherAccount {
            account: owner.to_owned(),
            reason: format!("The inventory gives address {ip} to account {owner}, not to {own}."),
        });
    }
    let is_ours = context.estate.owns(&own, ip) || context.estate.is_shared_egress(event.account(), ip, event.time);
    let ranges = &context.knowledge.cloud_ranges;
    // Without AWS's ranges every address would look like one outside of them.
    if is_ours || ranges.date().is_empty() {
        return None;
    }
    Some(if ranges.contains(ip) { ForeignPlace::InsideAws(ip) } else { ForeignPlace::OutsideAws(ip) })
}

/// A signal about credentials used in a foreign place. Another account is shown as far as it is known; one that answers
/// to the same administrator makes the finding milder.
pub(crate) fn signal(
    finding_type: FindingType,
    place: &ForeignPlace,
    event: &ApiCall<'_>,
    context: &Context<'_>,
) -> Signal {
    let own = own_account(event);
    let inventory = &context.knowledge.inventory;
    let remote_account = match place {
        ForeignPlace::OutsideAws(_) => None,
        ForeignPlace::InsideAws(_) => Some(RemoteAccount::default()),
        ForeignPlace::OtherAccount { account, .. } => Some(RemoteAccount {
            account_id: account.clone(),
            affiliated: inventory.affiliated(account, &own) == Some(true),
        }),
    };
    let is_affiliated = remote_account.as_ref().is_some_and(|remote| remote.affiliated);
    let severity = if is_affiliated { Severity::MEDIUM } else { Severity::HIGH };
    let mut signal = call::signal(finding_type, severity, event, context);
    signal.account.clone_from(&own);
    let mut reasons = vec![place.reason(context)];
    match &remote_account {
        Some(remote) if remote.affiliated => reasons.push(format!(
            "Accounts {} and {own} answer to the same administrator, which makes this Medium.",
            remote.account_id
        )),
        Some(remote) if !remote.account_id.is_empty() && inventory.affiliated(&remote.account_id, &own).is_none() => {
            signal.missing.push(format!(
                "Whether accounts {} and {own} answer to the same administrator is not in the inventory.",
                remote.account_id
            ));
        }
        Some(remote) if remote.account_id.is_empty() => {
            signal.missing.push("Which account the address belongs to is not known.".to_owned());
        }
        _ => {}
    }
    if !matches!(place, ForeignPlace::OtherAccount { .. }) {
        reasons.push(format!(
            "It is no address of account {own} that the inventory or flow logs show, and no shared egress, which takes \
             {EGRESS_INSTANCES_MIN} instances on {EGRESS_DAYS_MIN} earlier days."
        ));
        if inventory.is_empty() {
            signal
                .missing
                .push("No inventory was given (--inventory): own addresses are known from logs only.".to_owned());
        }
    }
    reasons.append(&mut signal.reasons);
    reasons.push(call::outcome(event));
    signal.reasons = reasons;
    signal.consulted.extend(["aws-ranges".to_owned(), "inventory".to_owned()]);
    if let Action::ApiCall(action) = &mut signal.action {
        action.remote_account = remote_account;
    }
    signal
}

impl ForeignPlace {
    /// The words for a title: where the credentials were used.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::OutsideAws(ip) => format!("from {ip}, an address outside AWS"),
            Self::OtherAccount { account, .. } => format!("in another AWS account, {account}"),
            Self::InsideAws(ip) => format!("from {ip}, an address elsewhere in AWS"),
        }
    }

    fn reason(&self, context: &Context<'_>) -> String {
        let ranges = &context.knowledge.cloud_ranges;
        match self {
            Self::OutsideAws(ip) => {
                format!("Address {ip} is in none of the ranges that AWS published by {}.", ranges.date())
            }
            Self::OtherAccount { reason, .. } => reason.clone(),
            Self::InsideAws(ip) => {
                let (region, service) = ranges.lookup(*ip).unwrap_or_default();
                format!("Address {ip} is in a range that AWS published by {} ({region}, {service}).", ranges.date())
            }
        }
    }
}
