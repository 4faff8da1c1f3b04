//! The audit log: who asked for what, from where, and what became of it.
//!
//! One JSON object a line, in `audit.jsonl` of the data directory; when it is full it becomes `audit.jsonl.1`, and the oldest
//! of a set number goes. A line is written before its answer is sent, and holds no body and no secret. It is handed to the
//! system at once but not forced to the disk: a machine that loses power can lose the last seconds.
//!
//! Whoever can reach the server can make lines without a key. So refusals without a valid signature are written at
//! [`REFUSALS_PER_SECOND`] at most; how many more there were stands in the next one that is written.

use crate::call::Caller;
use crate::generated::Operation;
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The file's name in a data directory.
pub const AUDIT_FILE: &str = "audit.jsonl";

/// Lines a second for requests that nobody has signed. Ours: enough to see an attack, too few to push out what matters.
pub const REFUSALS_PER_SECOND: u32 = 10;

/// Characters of a client's own description of itself that are kept.
const USER_AGENT_MAX: usize = 200;

/// What one request was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asker {
    /// Who, once the signature was found right.
    pub(crate) caller: Option<Caller>,
    /// The access key that was named, right or wrong.
    pub(crate) access_key_id: Option<String>,
    /// The region it was signed for.
    pub(crate) region: Option<String>,
    /// What it asked for.
    pub(crate) operation: Option<Operation>,
    /// Whether it was `sts:GetCallerIdentity`.
    pub(crate) is_sts: bool,
    /// Whether it was somebody who signed in to the console.
    pub(crate) is_sign_in: bool,
    /// The detector that its path names.
    pub(crate) detector: Option<String>,
}

impl Asker {
    /// What was asked for, as logs and metrics name it; empty if it could not be told.
    pub(crate) fn operation(&self) -> &'static str {
        match self.operation {
            Some(operation) => operation.name(),
            None if self.is_sts => "GetCallerIdentity",
            None if self.is_sign_in => "ConsoleSignIn",
            None => "",
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Result<'a> {
    /// The name of the error, or `ok`.
    pub(crate) outcome: &'a str,
    /// The status of HTTP.
    pub(crate) status: u16,
    /// From the first byte of its head to the answer.
    pub(crate) took: Duration,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detector_id: Option<&'a str>,
    outcome: &'a str,
    status: u16,
    milliseconds: u128,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_agent: &'a str,
    /// Requests without a valid signature that were refused since the last line of one, and have no line of their own.
    #[serde(skip_serializing_if = "is_zero")]
    refusals_left_out: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The log.
pub struct Audit {
    file: Mutex<FileRotate<AppendCount>>,
    refusals: Mutex<Refusals>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Audit").field("refusals", &self.refusals).finish_non_exhaustive()
    }
}

/// How many lines of refusals the present second still has.
#[derive(Debug, Default)]
struct Refusals {
    second: i64,
    written: u32,
    left_out: u64,
}

impl Audit {
    /// Writes on at the end of the log of a data directory, in files of so many bytes, of which `files` full ones are kept.
    ///
    /// # Errors
    /// When the file cannot be written to.
    pub fn open(folder: &Path, bytes: usize, files: usize) -> io::Result<Self> {
        let path = folder.join(AUDIT_FILE);
        let mut options = OpenOptions::new();
        options.read(true).create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?; // What writes later does so silently if the file cannot be opened.
        let limit = ContentLimit::BytesSurpassed(bytes.max(1));
        let file = FileRotate::new(path, AppendCount::new(files), limit, Compression::None, Some(options));
        Ok(Self { file: Mutex::new(file), refusals: Mutex::default() })
    }

    /// Writes the line of a request, unless it is one refusal too many.
    pub(crate) fn write(
        &self,
        now: Timestamp,
        request_id: &str,
        source: Option<IpAddr>,
        user_agent: &str,
        asker: &Asker,
        result: Result<'_>,
    ) -> io::Result<()> {
        let refusals_left_out = match asker.caller {
            Some(_) => 0,
            None => match self.admit_refusal(now.as_second()) {
                Some(left_out) => left_out,
                None => return Ok(()),
            },
        };
        let user_agent =
            user_agent.char_indices().nth(USER_AGENT_MAX).map_or(user_agent, |(end, _)| &user_agent[..end]);
        let line = Line {
            time: now.to_string(),
            request_id,
            source,
            account: asker.caller.as_ref().map(|caller| caller.account.as_str()),
            access_key_id: asker.access_key_id.as_deref(),
            policy: asker.caller.as_ref().map(|caller| caller.policy.name()),
            region: asker.region.as_deref(),
            operation: asker.operation(),
            detector_id: asker.detector.as_deref(),
            outcome: result.outcome,
            status: result.status,
            milliseconds: result.took.as_millis(),
            user_agent,
            refusals_left_out,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text)
    }

    /// How many were left out since the last line, if there may be a line now.
    fn admit_refusal(&self, second: i64) -> Option<u64> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.second != second {
            (refusals.second, refusals.written) = (second, 0);
        }
        if refusals.written >= REFUSALS_PER_SECOND {
            refusals.left_out += 1;
            return None;
        }
        refusals.written += 1;
        Some(std::mem::take(&mut refusals.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Policy;
    use serde_json::Value;
    use std::fs;

    fn lines(file: &Path) -> Vec<Value> {
        fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    const REFUSED: Result<'_> = Result { outcome: "InvalidSignatureException", status: 403, took: Duration::ZERO };

    #[test]
    fn who_signed_is_told_with_every_call() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path(), 1_000_000, 2).unwrap();
        let caller =
            Caller { account: "111122223333".into(), access_key_id: "AKIA1".into(), policy: Policy::Administrator };
        let asker = Asker {
            caller: Some(caller),
            access_key_id: Some("AKIA1".into()),
            region: Some("eu-west-1".into()),
            operation: Some(Operation::DeleteDetector),
            detector: Some("d1".into()),
            is_sts: false,
            is_sign_in: false,
        };
        let took = Duration::from_millis(7);
        let result = Result { outcome: "ok", status: 200, took };
        for _ in 0..100 {
            audit.write(at(0), "r-1", "192.0.2.1".parse().ok(), "boto3\n\"", &asker, result).unwrap();
        }
        let found = lines(&folder.path().join(AUDIT_FILE));
        assert_eq!(found.len(), 100);
        let first = serde_json::json!({
            "time": at(0).to_string(), "requestId": "r-1", "source": "192.0.2.1", "account": "111122223333",
            "accessKeyId": "AKIA1", "policy": "administrator", "region": "eu-west-1", "operation": "DeleteDetector",
            "detectorId": "d1", "outcome": "ok", "status": 200, "milliseconds": 7, "userAgent": "boto3\n\"",
        });
        assert_eq!(found[0], first);
    }

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path(), 1_000_000, 2).unwrap();
        let nobody = Asker::default();
        for _ in 0..1_000 {
            audit.write(at(0), "r", None, "", &nobody, REFUSED).unwrap();
        }
        audit.write(at(1), "r", None, "", &nobody, REFUSED).unwrap();
        let found = lines(&folder.path().join(AUDIT_FILE));
        assert_eq!(found.len(), REFUSALS_PER_SECOND as usize + 1);
        assert_eq!(found.last().unwrap()["refusalsLeftOut"], 1_000 - REFUSALS_PER_SECOND);
        assert!(found[0].get("refusalsLeftOut").is_none());
    }

    #[test]
    fn full_files_are_kept_up_to_a_number_and_no_line_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::open(folder.path(), 1_000, 2).unwrap();
        for second in 0..100 {
            audit.write(at(second), "r", None, "", &Asker::default(), REFUSED).unwrap();
        }
        drop(audit);
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]);
        for name in names {
            assert!(lines(&folder.path().join(name)).len() < 15);
        }
    }
}
