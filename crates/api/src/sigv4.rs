//! AWS Signature Version 4, verified: in the `Authorization` header and in the query (presigned).
//!
//! The path is encoded once more before it is hashed, as every service but S3 wants it, and it is the path as it arrived:
//! decoding first would lose what the client signed. The body is always hashed here, whatever a header says of it.

use crate::error::{ApiError, ErrorClass};
use hyper::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use ring::{digest, hmac};

/// How far a client's clock may be off. Source: AWS's services behind API Gateway; S3 allows fifteen minutes.
const SKEW_SECONDS_MAX: i64 = 5 * 60;

/// The longest life of a presigned request. Source: AWS, one week.
const EXPIRES_SECONDS_MAX: i64 = 7 * 24 * 3600;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What AWS leaves as it is when it encodes a name or a value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for a path.
const IN_PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The parts of a request that a signature covers, the body apart.
pub(crate) struct Signed<'a> {
    /// `GET`, `POST`, …
    pub(crate) method: &'a str,
    /// The path as it arrived.
    pub(crate) raw_path: &'a str,
    /// The query as it arrived; empty if there is none.
    pub(crate) raw_query: &'a str,
    /// The headers.
    pub(crate) headers: &'a HeaderMap,
}

/// What a request says of its signer. Nothing of it is true before [`Claim::verify`] says so.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Whose secret made the signature.
    pub(crate) access_key_id: String,
    /// The region of the scope.
    pub(crate) region: String,
    /// The service of the scope.
    pub(crate) service: String,
    /// Whether a session's token came along.
    pub(crate) has_session_token: bool,
    date: String,
    time_text: String,
    time: Timestamp,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
    /// Seconds a presigned request lives; `None` for one signed in its header.
    expires: Option<i64>,
}

impl Claim {
    /// Reads who signed, from the header or the query.
    pub(crate) fn read(request: &Signed<'_>) -> Result<Self, ApiError> {
        let query = pairs(request.raw_query);
        if query.iter().any(|(name, _)| name == "X-Amz-Algorithm" || name == "X-Amz-Signature") {
            return Self::read_query(&query);
        }
        let Some(header) = request.headers.get("authorization") else {
            return Err(ApiError::of(ErrorClass::MissingAuthenticationToken, "Missing Authentication Token"));
        };
        let header = header.to_str().map_err(|_| incomplete("Authorization header must be plain text"))?;
        let Some(fields) = header.strip_prefix(ALGORITHM).filter(|fields| fields.starts_with([' ', '\t'])) else {
            return Err(incomplete("Authorization header requires the algorithm AWS4-HMAC-SHA256"));
        };
        let field = |name: &str| {
            let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
            let value = fields.find(|(field, _)| *field == name).map(|(_, value)| value.to_owned());
            value.ok_or_else(|| incomplete(&format!("Authorization header requires '{name}' parameter")))
        };
        let date = request.headers.get("x-amz-date").and_then(|value| value.to_str().ok());
        let date =
            date.ok_or_else(|| incomplete("Authorization header requires existence of an 'X-Amz-Date' header"))?;
        let claim = Self::of(
            &field("Credential")?,
            date,
            &field("SignedHeaders")?,
            &field("Signature")?,
            request.headers.contains_key("x-amz-security-token"),
            None,
        )?;
        if !claim.signed_headers.iter().any(|name| name == "x-amz-date") {
            return Err(incomplete("'X-Amz-Date' must be a signed header"));
        }
        Ok(claim)
    }

    fn read_query(query: &[(String, String)]) -> Result<Self, ApiError> {
        let field = |name: &str| {
            let value = query.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
            value.ok_or_else(|| incomplete(&format!("AWS query-string parameters must include '{name}'")))
        };
        if field("X-Amz-Algorithm")? != ALGORITHM {
            return Err(incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256"));
        }
        let expires =
            field("X-Amz-Expires")?.parse().ok().filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds));
        Self::of(
            field("X-Amz-Credential")?,
            field("X-Amz-Date")?,
            field("X-Amz-SignedHeaders")?,
            field("X-Amz-Signature")?,
            query.iter().any(|(name, _)| name == "X-Amz-Security-Token"),
            Some(expires.ok_or_else(|| incomplete("X-Amz-Expires must be between 1 and 604800 seconds"))?),
        )
    }

    fn of(
        credential: &str,
        time_text: &str,
        signed_headers: &str,
        signature: &str,
        has_session_token: bool,
        expires: Option<i64>,
    ) -> Result<Self, ApiError> {
        let scope: Vec<&str> = credential.split('/').collect();
        let &[access_key_id, date, region, service, "aws4_request"] = scope.as_slice() else {
            return Err(incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request"));
        };
        if access_key_id.is_empty() || access_key_id.len() > 128 || !is_name(region) || !is_name(service) {
            return Err(incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request"));
        }
        let time = DateTime::strptime("%Y%m%dT%H%M%SZ", time_text).ok();
        let time = time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
        let time = time.ok_or_else(|| incomplete("X-Amz-Date must be written as 20260301T123456Z"))?;
        if !time_text.starts_with(date) || date.len() != 8 {
            return Err(mismatch("Date in Credential scope does not match YYYYMMDD from X-Amz-Date"));
        }
        let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_ascii_lowercase).collect();
        if !signed_headers.iter().any(|name| name == "host") {
            return Err(incomplete("'Host' must be a signed header"));
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            has_session_token,
            date: date.to_owned(),
            time_text: time_text.to_owned(),
            time,
            signed_headers,
            signature: unhex(signature).ok_or_else(|| incomplete("Signature must be hexadecimal"))?,
            expires,
        })
    }

    /// Refuses what was signed too long ago, or is to come.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), ApiError> {
        let age = now.as_second() - self.time.as_second();
        let shown = |seconds: i64| {
            let time = Timestamp::from_second(now.as_second() + seconds).unwrap_or(now);
            time.strftime("%Y%m%dT%H%M%SZ").to_string()
        };
        let (time, now) = (&self.time_text, shown(0));
        if age < -SKEW_SECONDS_MAX {
            let limit = shown(SKEW_SECONDS_MAX);
            return Err(mismatch(&format!(
                "Signature not yet current: {time} is still later than {limit} ({now} + 5 min.)"
            )));
        }
        match self.expires {
            None if age > SKEW_SECONDS_MAX => {
                let limit = shown(-SKEW_SECONDS_MAX);
                Err(mismatch(&format!("Signature expired: {time} is now earlier than {limit} ({now} - 5 min.)")))
            }
            Some(seconds) if age > seconds => {
                Err(mismatch(&format!("Signature expired: {time} + {seconds} s is now earlier than {now}")))
            }
            _ => Ok(()),
        }
    }

    /// Makes the signature anew and compares, in constant time.
    pub(crate) fn verify(&self, request: &Signed<'_>, body: &[u8], secret: &str) -> Result<(), ApiError> {
        let canonical = self.canonical_request(request, body);
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{}", self.time_text, hex(&sha256(&canonical)));
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [self.date.as_str(), &self.region, &self.service, "aws4_request"] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        hmac::verify(&key, to_sign.as_bytes(), &self.signature).map_err(|_| {
            mismatch(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            )
        })
    }

    fn canonical_request(&self, request: &Signed<'_>, body: &[u8]) -> Vec<u8> {
        let mut query: Vec<(String, String)> = pairs(request.raw_query)
            .into_iter()
            .filter(|(name, _)| name != "X-Amz-Signature")
            .map(|(name, value)| (encoded(name.as_bytes()), encoded(value.as_bytes())))
            .collect();
        query.sort();
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = if request.raw_path.is_empty() { "/" } else { request.raw_path };
        let path = percent_encode(path.as_bytes(), IN_PATH);
        let mut canonical = format!("{}\n{path}\n{}\n", request.method, query.join("&")).into_bytes();
        for name in &self.signed_headers {
            canonical.extend_from_slice(name.as_bytes());
            canonical.push(b':');
            for (at, value) in request.headers.get_all(name).iter().enumerate() {
                if at > 0 {
                    canonical.push(b',');
                }
                squeeze(value.as_bytes(), &mut canonical);
            }
            canonical.push(b'\n');
        }
        canonical.extend_from_slice(format!("\n{}\n{}", self.signed_headers.join(";"), hex(&sha256(body))).as_bytes());
        canonical
    }
}

/// The pairs of a query, decoded. A `+` stays one: AWS's signers write `%20` for a space.
pub(crate) fn pairs(raw_query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let parts = raw_query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// A header's value without blanks around it, and with one blank where it has several.
fn squeeze(value: &[u8], out: &mut Vec<u8>) {
    let mut after_blank = false;
    for &byte in value.trim_ascii() {
        let is_blank = byte == b' ';
        if !(is_blank && after_blank) {
            out.push(byte);
        }
        after_blank = is_blank;
    }
}

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, UNRESERVED).to_string()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn incomplete(what: &str) -> ApiError {
    ApiError::of(ErrorClass::IncompleteSignature, format!("{what}."))
}

fn mismatch(what: &str) -> ApiError {
    ApiError::of(ErrorClass::InvalidSignature, what)
}

/// Whether a text can be the name of a region or of a service: up to 64 letters, digits and hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
