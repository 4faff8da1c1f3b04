//! Credentials of a Lambda function's or an ECS task's role are used somewhere else.

use crate::shared::call;
use crate::shared::credential_place::{ForeignPlace, foreign_place, signal};
use crate::{Context, Detection, Interest::WorkloadSession, Need, Rule};
use watchfire_knowledge::{Workload, instance_session, is_task_id};
use watchfire_model::{ApiCall, FindingType, IdentityKind, Signal};

const OUTSIDE: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS");
const INSIDE: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.InsideAWS");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[OUTSIDE, INSIDE],
    summary: "Credentials that AWS gave to a Lambda function or an ECS task were used from outside AWS, or a task's in another AWS account.",
    listens: &[WorkloadSession],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a call with credentials known to be a function's or a task's, from a place where it cannot run.
///
/// For both an address outside AWS's ranges. For a task also an address or VPC endpoint of an account known to be
/// another; functions run in accounts of the Lambda service, so for them that is no evidence. An address in AWS's ranges
/// whose account is not known proves nothing. A session that a person made of the same role is no workload's. For what
/// is exempt see [`foreign_place`].
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some((workload, reason)) = workload(event, context) else { return };
    let Some(place) = foreign_place(event, context) else { return };
    let finding_type = match (&place, workload) {
        (ForeignPlace::OutsideAws(_), _) => OUTSIDE,
        (ForeignPlace::OtherAccount { .. }, Workload::EcsTask) => INSIDE,
        (ForeignPlace::OtherAccount { .. } | ForeignPlace::InsideAws(_), _) => return,
    };
    let session = event.identity.session_name();
    let whose = match workload {
        Workload::Lambda => format!("Lambda function {session}"),
        Workload::EcsTask => format!("ECS task {session}"),
    };
    let mut signal = signal(finding_type, &place, event, context);
    signal.title = format!("Credentials of {whose} were used {}.", place.words());
    signal.description = format!(
        "Credentials that AWS gave to {whose} through its role were used to call {} {}.",
        event.action(),
        place.words()
    );
    let mut reasons =
        vec![format!("{} called {} {}.", call::caller(event), event.action(), call::origin(event)), reason];
    reasons.append(&mut signal.reasons);
    signal.reasons = reasons;
    signals.push(signal);
}

/// What the session's credentials were given to, and the sentence that says how that is known.
fn workload(event: &ApiCall<'_>, context: &Context<'_>) -> Option<(Workload, String)> {
    let identity = &event.identity;
    if identity.kind != IdentityKind::AssumedRole || instance_session(event).is_some() {
        return None;
    }
    let issued_to = identity.issued_to.as_ref();
    if let Some(workload) = workload_of_arn(issued_to) {
        return Some((workload, format!("The event says that these credentials were issued to `{issued_to}`.")));
    }
    let session = identity.session_name();
    if identity.person().is_some() {
        return None;
    }
    let role = identity.principal();
    let (workload, reason) = if let Some(workload) = context.estate.workload_of(&role, session) {
        (workload, format!("The log shows that {} assumes role `{role}`.", workload.service()))
    } else if let Some(workload) = trusted_workload(&role, context) {
        (workload, format!("The inventory says that {} alone assumes role `{role}`.", workload.service()))
    } else if is_made_by_the_lambda_console(&role, session) {
        (Workload::Lambda, format!("The Lambda console named role `{role}` after function `{session}`."))
    } else if is_task_id(session) && !context.estate.is_made_by_others(&role, session) {
        (
            Workload::EcsTask,
            format!("ECS names sessions of a task's role after the task, and this session is `{session}`."),
        )
    } else {
        return None;
    };
    is_named_by(workload, session).then_some((workload, reason))
}

/// `arn:aws:lambda:…:function:…` or `arn:aws:ecs:…:task/…`.
fn workload_of_arn(arn: &str) -> Option<Workload> {
    let mut parts = arn.split(':');
    let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
    match service {
        "lambda" if resource == "function" => Some(Workload::Lambda),
        "ecs" if resource.starts_with("task/") => Some(Workload::EcsTask),
        _ => None,
    }
}

/// The one service that the inventory's role trusts.
fn trusted_workload(role: &str, context: &Context<'_>) -> Option<Workload> {
    match context.knowledge.inventory.role(role)?.trusts.as_slice() {
        [service] => Workload::from_service(service),
        _ => None,
    }
}

/// The Lambda console makes a role `NAME-role-` and eight letters or digits, below `/service-role/`, for function `NAME`;
/// the function's sessions are called like the function. Source: Lambda developer guide, "Lambda execution role".
fn is_made_by_the_lambda_console(role: &str, session: &str) -> bool {
    let name = role.split_once(":role/service-role/").map_or("", |(_, name)| name);
    let tail = name.strip_prefix(session).and_then(|rest| rest.strip_prefix("-role-"));
    !session.is_empty()
        && tail.is_some_and(|tail| {
            tail.len() == 8 && tail.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Whether AWS would name a session of this workload so: ECS after the task's id, Lambda after the function.
///
/// The SDKs give sessions that people make a name of their own; such a session is no function's.
fn is_named_by(workload: Workload, session: &str) -> bool {
    const MADE_BY_TOOLS: [&str; 6] =
        ["AWSCLI-Session", "aws-cli-", "aws-go-sdk-", "aws-sdk-", "boto3-", "botocore-session-"];
    match workload {
        // 32 hexadecimal digits; older ids have hyphens between them.
        Workload::EcsTask => {
            session.bytes().filter(u8::is_ascii_hexdigit).count() == 32
                && session.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        }
        Workload::Lambda => {
            !session.is_empty()
                && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                && !MADE_BY_TOOLS.iter().any(|tool| session.starts_with(tool))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_fires_with, check_quiet, check_quiet_with, knowing_inventory};
    use watchfire_model::Severity;

    const OUTSIDE_AWS: &str = "203.0.113.9";
    const INSIDE_AWS: &str = "3.80.0.10";
    const TASK: &str = "0123456789abcdef0123456789abcdef";

    fn call(source: &str, role: &str, session: &str) -> String {
        let name = role.rsplit('/').next().unwrap();
        format!(
            r#"{{"eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "eventTime": "2024-07-31T13:06:24Z",
            "awsRegion": "us-east-1", "sourceIPAddress": "{source}", "requestParameters": null, "responseElements": null,
            "recipientAccountId": "111122223333",
            "userIdentity": {{"type": "AssumedRole", "principalId": "AROAEXAMPLE:{session}", "accountId": "111122223333",
                "arn": "arn:aws:sts::111122223333:assumed-role/{name}/{session}", "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
                "sessionContext": {{"sessionIssuer": {{"type": "Role", "userName": "{name}",
                    "arn": "arn:aws:iam::111122223333:role/{role}"}}}}}}}}"#
        )
    }

    fn assumed_by(service: &str, role: &str, session: &str) -> String {
        format!(
            r#"{{"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventTime": "2024-07-31T12:00:00Z",
            "awsRegion": "us-east-1", "sourceIPAddress": "{service}", "recipientAccountId": "111122223333",
            "requestParameters": {{"roleArn": "arn:aws:iam::111122223333:role/{role}", "roleSessionName": "{session}"}},
            "userIdentity": {{"type": "AWSService", "invokedBy": "{service}"}}}}"#
        )
    }

    #[test]
    fn a_function_that_the_log_shows_is_reported_outside_aws() {
        let assumed = assumed_by("lambda.amazonaws.com", "resize", "resize-images");
        let signals = check_fires(&DETECTION, &[&assumed, &call(OUTSIDE_AWS, "resize", "resize-images")]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (OUTSIDE, Severity::HIGH));
        assert!(signals[0].title.starts_with("Credentials of Lambda function resize-images were used"));
        check_quiet(&DETECTION, &[&assumed, &call(INSIDE_AWS, "resize", "resize-images")]);
    }

    #[test]
    fn a_session_that_a_person_made_of_the_same_role_stays_quiet() {
        let assumed = assumed_by("lambda.amazonaws.com", "resize", "resize-images");
        for session in ["alice@example.com", "botocore-session-1722430000", "alice"] {
            check_quiet(&DETECTION, &[&assumed, &call(OUTSIDE_AWS, "resize", session)]);
        }
    }

    #[test]
    fn a_role_of_the_lambda_console_is_known_by_its_name() {
        check_fires(&DETECTION, &[&call(OUTSIDE_AWS, "service-role/resize-role-a1b2c3d4", "resize")]);
        check_quiet(&DETECTION, &[&call(OUTSIDE_AWS, "service-role/resize-role-a1b2c3d4", "alice")]);
        check_quiet(&DETECTION, &[&call(OUTSIDE_AWS, "resize-role-a1b2c3d4", "resize")]);
    }

    #[test]
    fn a_session_with_the_id_of_a_task_is_a_tasks() {
        let signals = check_fires(&DETECTION, &[&call(OUTSIDE_AWS, "orders", TASK)]);
        assert_eq!(signals[0].finding_type, OUTSIDE);
        check_quiet(&DETECTION, &[&call(INSIDE_AWS, "orders", TASK)]);
        check_quiet(&DETECTION, &[&call(OUTSIDE_AWS, "orders", &TASK.to_uppercase())]);
        check_quiet(&DETECTION, &[&call(OUTSIDE_AWS, "orders", &TASK[1..])]);
    }

    #[test]
    fn a_session_that_a_vendor_named_by_chance_like_a_task_is_the_vendors() {
        let assumed = assumed_by("ignored", "orders", TASK).replace(
            r#""type": "AWSService", "invokedBy": "ignored""#,
            r#""type": "AWSAccount", "accountId": "444455556666""#,
        );
        check_quiet(&DETECTION, &[&assumed, &call(OUTSIDE_AWS, "orders", TASK)]);
        check_fires(&DETECTION, &[&assumed, &call(OUTSIDE_AWS, "orders", &TASK.replace('0', "9"))]);
    }

    #[test]
    fn the_event_itself_may_name_the_resource() {
        let named = call(OUTSIDE_AWS, "resize", "resize-images").replace(
            r#""sessionContext""#,
            r#""inScopeOf": {"issuerType": "AWS::Lambda::Function",
                "credentialsIssuedTo": "arn:aws:lambda:us-east-1:111122223333:function:resize-images"}, "sessionContext""#,
        );
        check_fires(&DETECTION, &[&named]);
        check_quiet(&DETECTION, &[&call(OUTSIDE_AWS, "resize", "resize-images")]);
    }

    const INVENTORY: &str = r#"{"date": "2024-07-01",
        "accounts": [{"id": "111122223333", "administrator": "9", "addresses": ["203.0.113.0/24"]},
            {"id": "444455556666", "administrator": "9", "addresses": ["3.80.0.10"]}],
        "roles": [{"arn": "arn:aws:iam::111122223333:role/worker", "trusts": ["ecs-tasks.amazonaws.com"]},
            {"arn": "arn:aws:iam::111122223333:role/resize", "trusts": ["lambda.amazonaws.com"]}]}"#;

    #[test]
    fn a_task_is_reported_in_another_account_and_a_function_is_not() {
        let knowledge = knowing_inventory(INVENTORY);
        let signals = check_fires_with(&DETECTION, &knowledge, &[&call(INSIDE_AWS, "worker", TASK)]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (INSIDE, Severity::MEDIUM));
        check_quiet_with(&DETECTION, &knowledge, &[&call(INSIDE_AWS, "resize", "resize-images")]);
        check_quiet_with(&DETECTION, &knowledge, &[&call("3.80.0.11", "worker", TASK)]);
    }

    #[test]
    fn a_tasks_session_is_called_like_the_task() {
        let knowledge = knowing_inventory(INVENTORY);
        check_fires_with(&DETECTION, &knowledge, &[&call("198.51.100.9", "worker", TASK)]);
        check_quiet_with(&DETECTION, &knowledge, &[&call("198.51.100.9", "worker", "debugging")]);
    }

    #[test]
    fn our_own_address_outside_aws_stays_quiet() {
        check_quiet_with(&DETECTION, &knowing_inventory(INVENTORY), &[&call(OUTSIDE_AWS, "worker", TASK)]);
    }
}
