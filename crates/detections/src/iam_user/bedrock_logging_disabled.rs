//! Someone switched off the log of what models are asked.

use crate::shared::call;
use crate::{Context, Detection, Interest::Api, Need, Rule};
use serde_json::Value;
use watchfire_model::{ApiCall, FindingType, Severity, Signal};

const LOGGING_DISABLED: FindingType = FindingType::new("DefenseEvasion:IAMUser/BedrockLoggingDisabled");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[LOGGING_DISABLED],
    summary: "An identity switched off the logging of model invocations in Bedrock.",
    listens: &[
        Api("bedrock:DeleteModelInvocationLoggingConfiguration"),
        Api("bedrock:PutModelInvocationLoggingConfiguration"),
    ],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a granted call after which no invocation is logged.
///
/// Besides deleting the configuration that is setting one without a destination, or one that delivers nothing. Setting
/// another destination is no evidence, and neither is a refused call, which changes nothing.
///
/// False positives: an account that gives Bedrock up, and infrastructure code that deletes the configuration before it
/// sets the next one.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    if !event.succeeded() {
        return;
    }
    let how = match event.name.as_ref() {
        "DeleteModelInvocationLoggingConfiguration" => "deleted the configuration",
        "PutModelInvocationLoggingConfiguration" => match loss(&event.request_json()) {
            Some(how) => how,
            None => return,
        },
        _ => return,
    };
    let caller = call::caller(event);
    let mut signal = call::signal(LOGGING_DISABLED, Severity::MEDIUM, event, context);
    signal.title = "Logging of model invocations in Amazon Bedrock was disabled.".to_owned();
    signal.description = format!(
        "{caller} switched off the logging of model invocations in account {}, region {}. Prompts and answers leave no \
         trace there any more.",
        event.account(),
        event.region
    );
    signal.reasons.insert(0, format!("{caller} called {} {}, which {how}.", event.action(), call::origin(event)));
    signal.reasons.push(call::outcome(event));
    signals.push(signal);
}

/// What a new configuration takes away, if it leaves nothing that is logged.
fn loss(request: &Value) -> Option<&'static str> {
    let configuration = request.get("loggingConfig")?.as_object()?;
    let has =
        |key: &str| configuration.get(key).is_some_and(|value| value.as_object().is_some_and(|map| !map.is_empty()));
    if !has("s3Config") && !has("cloudWatchConfig") {
        return Some("set a configuration without a destination");
    }
    let flag = |key: &str| configuration.get(key).and_then(Value::as_bool);
    let is_off = ["textDataDeliveryEnabled", "imageDataDeliveryEnabled", "embeddingDataDeliveryEnabled"]
        .iter()
        .all(|key| flag(key) == Some(false));
    (is_off && flag("videoDataDeliveryEnabled") != Some(true)).then_some("set a configuration that delivers nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet};

    const DELETE: &str = r#"{"eventSource": "bedrock.amazonaws.com", "eventName": "DeleteModelInvocationLoggingConfiguration",
        "eventTime": "2024-07-31T13:06:24Z", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
        "requestParameters": null, "responseElements": null, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    fn put(configuration: &str) -> String {
        DELETE.replace("Delete", "Put").replace(
            r#""requestParameters": null"#,
            &format!(r#""requestParameters": {{"loggingConfig": {configuration}}}"#),
        )
    }

    #[test]
    fn a_deleted_configuration_is_reported() {
        let signals = check_fires(&DETECTION, &[DELETE]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (LOGGING_DISABLED, Severity::MEDIUM));
    }

    #[test]
    fn a_configuration_that_logs_nothing_is_reported() {
        check_fires(&DETECTION, &[&put("{}")]);
        let delivers_nothing = r#"{"s3Config": {"bucketName": "log"}, "textDataDeliveryEnabled": false,
            "imageDataDeliveryEnabled": false, "embeddingDataDeliveryEnabled": false}"#;
        check_fires(&DETECTION, &[&put(delivers_nothing)]);
    }

    #[test]
    fn a_new_destination_stays_quiet() {
        let elsewhere = r#"{"s3Config": {"bucketName": "log"}, "textDataDeliveryEnabled": true,
            "imageDataDeliveryEnabled": false, "embeddingDataDeliveryEnabled": false}"#;
        check_quiet(&DETECTION, &[&put(elsewhere)]);
    }

    #[test]
    fn a_refused_call_stays_quiet() {
        check_quiet(&DETECTION, &[&DELETE.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#)]);
    }
}
