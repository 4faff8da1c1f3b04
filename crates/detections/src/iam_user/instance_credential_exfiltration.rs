//! Credentials of an instance's role are used somewhere else.

use crate::shared::call;
use crate::shared::credential_place::{ForeignPlace, foreign_place, own_account, signal};
use crate::{Context, Detection, Interest::InstanceSession, Need, Rule};
use std::net::IpAddr;
use watchfire_knowledge::{BINDING_MS, instance_session};
use watchfire_model::{ApiCall, FindingType, Signal, Time};

const OUTSIDE: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS");
const INSIDE: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[OUTSIDE, INSIDE],
    summary: "Credentials that EC2 gave to an instance were used from outside AWS or from another AWS account.",
    listens: &[InstanceSession],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a call with an instance's credentials from a place where the instance cannot be.
///
/// An address outside AWS's ranges that nothing exempts is one, from the key's first call on. So is an address or VPC
/// endpoint of an account known to be another. An address in AWS's ranges whose account is not known is one only if the
/// instance's own addresses are known and this is none of them: from the inventory, or because the key is older than 15
/// minutes and was used from others in AWS in that time. A younger key binds its addresses and accuses nobody. For what
/// is exempt see [`foreign_place`].
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(instance_id) = instance_session(event) else { return };
    let Some(place) = foreign_place(event, context) else { return };
    let (finding_type, own_addresses) = match place {
        ForeignPlace::OutsideAws(_) => (OUTSIDE, None),
        ForeignPlace::OtherAccount { .. } => (INSIDE, None),
        ForeignPlace::InsideAws(ip) => match own_addresses(event, instance_id, ip, context) {
            Some(known) => (INSIDE, Some(known)),
            None => return,
        },
    };
    let mut signal = signal(finding_type, &place, event, context);
    let key = key_of(event);
    signal.title = format!("Credentials of instance {instance_id} were used {}.", place.words());
    signal.description = format!(
        "Credentials that EC2 gave to instance {instance_id} through its role were used to call {} {}.",
        event.action(),
        place.words()
    );
    let mut reasons = vec![
        format!("{} called {} {}.", call::caller(event), event.action(), call::origin(event)),
        whose_credentials(event, instance_id),
    ];
    reasons.append(&mut signal.reasons);
    reasons.extend(own_addresses);
    if let Some(first) = context.estate.key_first_seen(key) {
        reasons
            .push(format!("Key `{key}` was first seen at {first}, {} before this call.", minutes(first, event.time)));
    }
    signal.reasons = reasons;
    signal.resource.instance = Some(context.instance(&own_account(event), instance_id, "", None));
    signals.push(signal);
}

fn whose_credentials(event: &ApiCall<'_>, instance_id: &str) -> String {
    let delivery = event.identity.ec2_role_delivery.as_ref();
    if delivery.is_empty() {
        format!("EC2 names sessions of an instance's role after the instance, and this session is `{instance_id}`.")
    } else {
        format!("`ec2RoleDelivery` says that metadata service {delivery} gave these credentials to `{instance_id}`.")
    }
}

/// What the estate knows the session's credentials by: the key, or the session where an event names none.
fn key_of<'a>(event: &'a ApiCall<'_>) -> &'a str {
    let identity = &event.identity;
    if identity.access_key_id.is_empty() { &identity.arn } else { &identity.access_key_id }
}

/// The sentence that names the instance's own addresses, if they are known and this address of AWS is none of them.
fn own_addresses(event: &ApiCall<'_>, instance_id: &str, ip: IpAddr, context: &Context<'_>) -> Option<String> {
    // An instance may have an address of either family: knowing one says nothing about the other.
    let is_comparable = |other: &IpAddr| other.is_ipv4() == ip.is_ipv4();
    let inventory = &context.knowledge.inventory;
    let listed: Vec<IpAddr> = inventory
        .instance(instance_id)
        .into_iter()
        .flat_map(|instance| &instance.interfaces)
        .flat_map(|interface| interface.public_ip.iter().chain(&interface.ipv6))
        .copied()
        .filter(is_comparable)
        .collect();
    if !listed.is_empty() {
        return Some(format!("The inventory of {} gives the instance {}.", inventory.file().date, list(&listed)));
    }
    let (estate, key) = (context.estate, key_of(event));
    let first = estate.key_first_seen(key)?;
    if event.time.ms() - first.ms() <= BINDING_MS || estate.is_bound(key, instance_id, ip) {
        return None;
    }
    let bound: Vec<IpAddr> = estate
        .bound_addresses(key, instance_id)
        .into_iter()
        .filter(|address| is_comparable(address) && context.knowledge.cloud_ranges.contains(*address))
        .collect();
    (!bound.is_empty()).then(|| {
        format!(
            "In the first {} minutes of its keys the instance was seen at {} in AWS, not at {ip}.",
            BINDING_MS / Time::MINUTE_MS,
            list(&bound)
        )
    })
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

fn minutes(from: Time, to: Time) -> String {
    format!("{} minutes", (to.ms() - from.ms()) / Time::MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_fires_with, check_quiet, check_quiet_with, knowing_inventory, signals};
    use watchfire_knowledge::Knowledge;
    use watchfire_model::{Action, RemoteAccount, Severity};

    const INSTANCE: &str = "i-0abcdef1234567890";
    /// Both are in AWS's published ranges.
    const AT_HOME: &str = "52.42.146.205";
    const ELSEWHERE: &str = "3.80.0.10";
    const OUTSIDE_AWS: &str = "45.33.32.156";

    fn call(time: &str, source: &str, instance: &str, key: &str) -> String {
        format!(
            r#"{{"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances", "eventTime": "2024-07-{time}:24Z",
            "awsRegion": "us-west-2", "sourceIPAddress": "{source}", "requestParameters": null, "responseElements": null,
            "recipientAccountId": "111122223333",
            "userIdentity": {{"type": "AssumedRole", "principalId": "AROAEXAMPLE:{instance}", "accountId": "111122223333",
                "arn": "arn:aws:sts::111122223333:assumed-role/web/{instance}", "accessKeyId": "{key}",
                "sessionContext": {{"sessionIssuer": {{"type": "Role", "arn": "arn:aws:iam::111122223333:role/app/web",
                    "userName": "web"}}, "ec2RoleDelivery": "2.0"}}}}}}"#
        )
    }

    fn at(time: &str, source: &str) -> String {
        call(time, source, INSTANCE, "ASIAIOSFODNN7EXAMPLE")
    }

    fn remote_account(signal: &Signal) -> Option<RemoteAccount> {
        let Action::ApiCall(action) = &signal.action else { return None };
        action.remote_account.clone()
    }

    #[test]
    fn an_address_outside_aws_fires_with_the_first_call_of_the_key() {
        let signals = check_fires(&DETECTION, &[&at("31T13:06", OUTSIDE_AWS)]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (OUTSIDE, Severity::HIGH));
        assert_eq!(signals[0].entity, "arn:aws:iam::111122223333:role/app/web");
        assert_eq!(signals[0].resource.instance.as_ref().unwrap().instance_id, INSTANCE);
        check_fires(&DETECTION, &[&at("31T13:06", "2001:db8::7")]);
    }

    #[test]
    fn using_it_again_outside_does_not_make_it_right() {
        let lines = [at("31T13:06", OUTSIDE_AWS), at("31T13:10", OUTSIDE_AWS), at("31T19:00", OUTSIDE_AWS)];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(check_fires(&DETECTION, &lines).len(), 3);
    }

    #[test]
    fn an_address_in_aws_accuses_only_a_key_that_was_at_home_elsewhere() {
        check_quiet(&DETECTION, &[&at("31T13:06", AT_HOME), &at("31T13:16", ELSEWHERE)]);
        check_quiet(&DETECTION, &[&at("31T13:06", AT_HOME), &at("31T15:00", AT_HOME)]);
        let found = check_fires(&DETECTION, &[&at("31T13:06", AT_HOME), &at("31T13:22", ELSEWHERE)]);
        assert_eq!((found[0].finding_type, found[0].severity), (INSIDE, Severity::HIGH));
        assert_eq!(remote_account(&found[0]), Some(RemoteAccount::default()));
        assert!(found[0].reasons.iter().any(|reason| reason.contains("16 minutes before")), "{:?}", found[0].reasons);
    }

    #[test]
    fn a_key_that_was_never_at_home_in_aws_or_only_in_the_other_family_accuses_nobody() {
        check_quiet(&DETECTION, &[&at("31T15:00", ELSEWHERE)]);
        check_quiet(&DETECTION, &[&at("31T13:06", "10.0.1.50"), &at("31T15:00", ELSEWHERE)]);
        check_quiet(&DETECTION, &[&at("31T13:06", "2600:1f14::7"), &at("31T15:00", ELSEWHERE)]);
    }

    #[test]
    fn services_and_private_addresses_stay_quiet() {
        for source in ["10.0.1.50", "AWS Internal", "cloudformation.amazonaws.com", "fd00::7"] {
            check_quiet(&DETECTION, &[&at("31T13:06", source)]);
        }
        let by_service = at("31T13:06", OUTSIDE_AWS)
            .replace(r#""accessKeyId""#, r#""invokedBy": "eks.amazonaws.com", "accessKeyId""#);
        check_quiet(&DETECTION, &[&by_service]);
    }

    #[test]
    fn a_session_of_another_kind_stays_quiet() {
        let other =
            at("31T13:06", OUTSIDE_AWS).replace(INSTANCE, "build-42").replace(r#", "ec2RoleDelivery": "2.0""#, "");
        check_quiet(&DETECTION, &[&other]);
    }

    #[test]
    fn shared_egress_is_fine_once_it_is_known_as_such() {
        let mut lines = Vec::new();
        for day in ["28", "29"] {
            for instance in ["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3"] {
                lines.push(call(&format!("{day}T10:00"), OUTSIDE_AWS, instance, &format!("ASIA{day}{instance}")));
            }
        }
        lines.push(at("31T13:06", OUTSIDE_AWS));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = signals(&DETECTION, &Knowledge { ..knowing_inventory("{}") }, &lines);
        assert_eq!(found.len(), 6, "the last call is quiet, those that made the egress known are not");
    }

    const INVENTORY: &str = r#"{"date": "2024-07-01",
        "accounts": [
            {"id": "111122223333", "administrator": "999988887777", "addresses": ["192.0.2.0/24"]},
            {"id": "444455556666", "administrator": "999988887777", "addresses": ["3.80.0.10"]},
            {"id": "777788889999", "addresses": ["3.80.0.11"]}],
        "instances": [{"id": "i-0abcdef1234567890", "account": "111122223333",
            "interfaces": [{"id": "eni-1", "private_ip": "10.0.1.50", "public_ip": "52.42.146.205"}]}],
        "vpc_endpoints": [{"id": "vpce-1", "account": "444455556666"}, {"id": "vpce-2", "account": "111122223333"}]}"#;

    #[test]
    fn the_inventory_says_whose_address_it_is() {
        let knowledge = knowing_inventory(INVENTORY);
        check_quiet_with(&DETECTION, &knowledge, &[&at("31T13:06", AT_HOME), &at("31T13:07", "192.0.2.9")]);
        let affiliated = check_fires_with(&DETECTION, &knowledge, &[&at("31T13:06", ELSEWHERE)]);
        assert_eq!((affiliated[0].finding_type, affiliated[0].severity), (INSIDE, Severity::MEDIUM));
        let expected = RemoteAccount { account_id: "444455556666".to_owned(), affiliated: true };
        assert_eq!(remote_account(&affiliated[0]), Some(expected));
        let stranger = check_fires_with(&DETECTION, &knowledge, &[&at("31T13:06", "3.80.0.11")]);
        assert_eq!((stranger[0].finding_type, stranger[0].severity), (INSIDE, Severity::HIGH));
    }

    #[test]
    fn an_instance_in_the_inventory_need_not_be_watched_for_15_minutes_first() {
        let found = check_fires_with(&DETECTION, &knowing_inventory(INVENTORY), &[&at("31T13:06", "3.80.0.12")]);
        assert_eq!(found[0].finding_type, INSIDE);
        assert!(found[0].reasons.iter().any(|reason| reason.contains("inventory of 2024-07-01")));
    }

    #[test]
    fn a_vpc_endpoint_is_judged_by_its_owner() {
        let through = |endpoint: &str| {
            at("31T13:06", "10.9.9.9")
                .replace(r#""awsRegion""#, &format!(r#""vpcEndpointId": "{endpoint}", "awsRegion""#))
        };
        let knowledge = knowing_inventory(INVENTORY);
        assert_eq!(check_fires_with(&DETECTION, &knowledge, &[&through("vpce-1")])[0].finding_type, INSIDE);
        check_quiet_with(&DETECTION, &knowledge, &[&through("vpce-2")]);
        check_quiet_with(&DETECTION, &knowledge, &[&through("vpce-3")]);
        let named =
            through("vpce-3").replace(r#""awsRegion""#, r#""vpcEndpointAccountId": "777788889999", "awsRegion""#);
        assert_eq!(check_fires(&DETECTION, &[&named])[0].finding_type, INSIDE);
    }
}
