//! What an operation answers when it cannot do what was asked.

use std::fmt;

/// The exceptions that clients know by name, and what HTTP calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// What nearly everything is that the caller can put right, "not found" included.
    BadRequest,
    /// The caller may not do this.
    AccessDenied,
    /// Only of the operations that list it: malware plans and scans, custom detection rules, investigations.
    ResourceNotFound,
    /// Only of the operations that list it.
    Conflict,
    /// Something of ours failed.
    InternalServerError,
    /// No credentials at all.
    MissingAuthenticationToken,
    /// Credentials that cannot be read.
    IncompleteSignature,
    /// A key that is not known here.
    UnrecognizedClient,
    /// A signature that does not fit, or no longer.
    InvalidSignature,
    /// No such operation.
    UnknownOperation,
    /// More than is read.
    RequestEntityTooLarge,
    /// More than is taken at once.
    TooManyRequests,
    /// The body did not arrive in time.
    RequestTimeout,
}

impl ErrorClass {
    /// The name that clients make an exception of.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestException",
            Self::AccessDenied => "AccessDeniedException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Conflict => "ConflictException",
            Self::InternalServerError => "InternalServerErrorException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::RequestEntityTooLarge => "RequestEntityTooLargeException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::RequestTimeout => "RequestTimeoutException",
        }
    }

    /// The status of the answer.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::ResourceNotFound | Self::UnknownOperation => 404,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::RequestEntityTooLarge => 413,
            Self::TooManyRequests => 429,
            Self::InternalServerError => 500,
            Self::AccessDenied
            | Self::MissingAuthenticationToken
            | Self::IncompleteSignature
            | Self::UnrecognizedClient
            | Self::InvalidSignature => 403,
        }
    }
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// Decides the exception that the client raises, and the status.
    pub(crate) class: ErrorClass,
    /// The finer kind, `__type` of the body; where it says no more than the class, the class's name.
    pub(crate) kind: &'static str,
    /// What the caller is told. Some clients compare it word for word.
    pub(crate) message: String,
    /// What the operator is told besides, when something of ours failed.
    pub(crate) cause: Option<String>,
    /// Two requests changed the same thing at once; tried again, this one may well succeed.
    pub(crate) is_race: bool,
}

impl ApiError {
    /// An error of a class.
    pub(crate) fn of(class: ErrorClass, message: impl Into<String>) -> Self {
        let kind = match class {
            ErrorClass::BadRequest => "InvalidInputException",
            ErrorClass::ResourceNotFound => "NoSuchEntityException",
            ErrorClass::Conflict => "EntityAlreadyExistsException",
            ErrorClass::InternalServerError => "InternalException",
            _ => class.name(),
        };
        Self { class, kind, message: message.into(), cause: None, is_race: false }
    }

    /// 400, with what is wrong, as GuardDuty begins its sentences.
    pub(crate) fn bad_request(reason: impl fmt::Display) -> Self {
        Self::of(ErrorClass::BadRequest, format!("The request is rejected because {reason}."))
    }

    /// 400: a parameter whose value cannot be used.
    pub(crate) fn invalid_parameter(name: impl fmt::Display) -> Self {
        Self::bad_request(format_args!("the parameter {name} has an invalid value"))
    }

    /// 400: the sentence by which Terraform tells that a detector is gone.
    pub(crate) fn detector_not_owned() -> Self {
        Self::bad_request("the input detectorId is not owned by the current account")
    }

    /// 400: the sentence by which Terraform tells that a filter or a list is gone.
    pub(crate) fn no_such_resource() -> Self {
        let message = "The request is rejected since no such resource found.";
        Self { kind: "NoSuchEntityException", ..Self::of(ErrorClass::BadRequest, message) }
    }

    /// 400: there are as many as there may be.
    pub(crate) fn limit_exceeded(what: impl fmt::Display) -> Self {
        Self { kind: "LimitExceededException", ..Self::bad_request(what) }
    }

    /// 404, of the operations that have it.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::of(ErrorClass::ResourceNotFound, message)
    }

    /// 409, of the operations that have it.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::of(ErrorClass::Conflict, message)
    }

    /// 500. The cause goes to the operator, not to the caller.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        let message = "The request could not be processed because of an internal error. Try again.";
        Self { cause: Some(cause.to_string()), ..Self::of(ErrorClass::InternalServerError, message) }
    }

    /// Two requests changed the same thing at once, again and again.
    pub(crate) fn race() -> Self {
        let message = "Other requests are changing the same resource. Try again.";
        Self { is_race: true, ..Self::of(ErrorClass::TooManyRequests, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_clients_compare_are_word_for_word() {
        assert_eq!(
            ApiError::detector_not_owned().message,
            "The request is rejected because the input detectorId is not owned by the current account."
        );
        assert_eq!(
            ApiError::invalid_parameter("rank").message,
            "The request is rejected because the parameter rank has an invalid value."
        );
    }
}
