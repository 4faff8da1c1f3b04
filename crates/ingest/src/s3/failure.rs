//! What goes wrong in asking S3, in sentences that say what the user can do.

use super::answers::ErrorAnswer;

/// Why there is no answer that counts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// 404.
    #[error("there is no such bucket")]
    NoBucket,
    #[error("there is no such object")]
    NoObject,
    /// 403 without a better reason.
    #[error("S3 refused access: the credentials need s3:ListBucket and s3:GetObject there")]
    Refused,
    /// 401, and 403 for reasons that lie in the credentials.
    #[error("S3 did not accept the credentials ({0})")]
    NotAccepted(String),
    #[error("the clock of this machine is wrong by more than S3 allows ({0})")]
    Clock(String),
    #[error("the object is in an archive, as S3 Glacier is: restore it first")]
    Archived,
    /// 412: the object is another than the one that was listed.
    #[error("the object changed while it was read")]
    Changed,
    /// An answer that is longer or shorter than it should be.
    #[error("the answer has another length than the object")]
    Length,
    #[error("the endpoint does not answer requests for a part of an object")]
    NoRanges,
    /// 301 and 307.
    #[error("the bucket is in the region {0}: set AWS_REGION, or take AWS_ENDPOINT_URL_S3 away")]
    OtherRegion(String),
    #[error("`{origin}` answers with something that is no listing of S3: is the endpoint right?")]
    NoListing { origin: String },
    #[error("the endpoint cuts its listing and does not say how to go on: it has to know ListObjectsV2")]
    CutListing,
    /// Any other answer.
    #[error("S3 answered {status}{said}")]
    Answer { status: u16, said: String },
    #[error("could not ask S3: {0}")]
    Connection(String),
    #[error("{0}")]
    Credentials(String),
    #[error("the request could not be made: {0}")]
    Request(String),
}

impl Failure {
    pub(super) fn of_answer(status: u16, answer: ErrorAnswer, region: Option<String>) -> Self {
        let ErrorAnswer { code, message } = answer;
        let said = match (code.as_str(), message.as_str()) {
            ("", "") => String::new(),
            (one, "") | ("", one) => one.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        match (status, code.as_str()) {
            (404, "NoSuchBucket") => Self::NoBucket,
            (404, _) => Self::NoObject,
            (301 | 302 | 307 | 400, _) if region.is_some() => Self::OtherRegion(region.unwrap_or_default()),
            (403, "RequestTimeTooSkewed") => Self::Clock(said),
            (403, "InvalidObjectState") => Self::Archived,
            (403, "" | "AccessDenied" | "AllAccessDisabled") => Self::Refused,
            (401 | 403, _) | (400, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => Self::NotAccepted(said),
            (412, _) => Self::Changed,
            _ => Self::Answer { status, said: if said.is_empty() { said } else { format!(": {said}") } },
        }
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Answer { status, said } => {
                (matches!(status, 408 | 429 | 500..=599) && *status != 501)
                    || said.contains("SlowDown")
                    || said.contains("RequestTimeout")
            }
            Self::Connection(_) => true,
            _ => false,
        }
    }
}
