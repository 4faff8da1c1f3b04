//! What the tests of the store share: a store in a temporary folder, and findings.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses some; a test says what failed by panicking")]

use serde_json::{Value, json};
use watchfire_model::Time;
use watchfire_store::{FindingWrite, Location, Scope, Store};

pub const ACCOUNT: &str = "111122223333";

pub fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&Location::Directory(folder.path().join("data"))).unwrap()
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

pub fn scope(account: &str) -> Scope {
    Scope { account: account.into(), region: "eu-west-1".into(), detector: format!("detector-of-{account}") }
}

/// A small finding about an instance.
pub fn finding(id: &str, updated_ms: i64, count: u64) -> Value {
    json!({
        "schemaVersion": "2.0", "accountId": ACCOUNT, "region": "eu-west-1", "id": id,
        "type": "UnauthorizedAccess:EC2/SSHBruteForce", "severity": 2, "title": "t",
        "createdAt": Time::from_ms(0).to_string(), "updatedAt": Time::from_ms(updated_ms).to_string(),
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-1"}},
        "service": {"archived": false, "count": count, "resourceRole": "TARGET",
            "action": {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {
                "remoteIpDetails": {"ipAddressV4": format!("198.51.100.{count}")}}}},
    })
}

pub fn write(body: Value) -> FindingWrite {
    FindingWrite { body, suppressed_by: None }
}
