//! `sts:GetCallerIdentity` on the same endpoint: Terraform's provider and many scripts ask it before anything else.

use crate::call::Caller;
use crate::error::{ApiError, ErrorClass};
use crate::service::{Answer, with_body};
use crate::sigv4::pairs;
use hyper::StatusCode;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers an action of the query protocol, whose parameters stand in the body or in the query.
pub(crate) fn answer(caller: &Caller, region: &str, raw_query: &str, body: &[u8]) -> Result<Answer, ApiError> {
    let body = String::from_utf8_lossy(body);
    let mut parameters = pairs(raw_query).into_iter().chain(pairs(&body));
    let action = parameters.find(|(name, _)| name == "Action").map(|(_, action)| action).unwrap_or_default();
    if action != "GetCallerIdentity" {
        let message = "The only action of STS here is GetCallerIdentity";
        return Err(ApiError::of(ErrorClass::BadRequest, message));
    }
    let (account, key) = (escaped(&caller.account), escaped(&caller.access_key_id));
    let arn = escaped(&caller.arn(region));
    let xml = format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{arn}</Arn>\
         <UserId>{key}</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    Ok(with_body(StatusCode::OK, "text/xml", xml.into()))
}

/// An error as STS writes it.
pub(crate) fn refusal(error: &ApiError, request_id: &str) -> Answer {
    let (status, code) = match error.class {
        ErrorClass::BadRequest => (400, "InvalidAction"),
        ErrorClass::MissingAuthenticationToken => (403, "MissingAuthenticationToken"),
        ErrorClass::UnrecognizedClient => (403, "InvalidClientTokenId"),
        ErrorClass::InvalidSignature => (403, "SignatureDoesNotMatch"),
        ErrorClass::IncompleteSignature => (400, "IncompleteSignature"),
        ErrorClass::TooManyRequests => (400, "Throttling"),
        other => (other.status(), "InternalFailure"),
    };
    let side = if status < 500 { "Sender" } else { "Receiver" };
    let message = escaped(&error.message);
    let xml = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{side}</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    );
    with_body(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "text/xml", xml.into())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
