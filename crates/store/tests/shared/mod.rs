//! What the tests of the store share: a store of each kind, and findings.

#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses some; a test says what failed by panicking"
)]

pub mod postgres;

use postgres::Server;
use serde_json::{Value, json};
use watchfire_model::Time;
use watchfire_store::{FindingWrite, Location, PostgresUrl, Scope, Store};

pub const ACCOUNT: &str = "111122223333";

/// Where a test has its store.
pub enum Home {
    Folder(tempfile::TempDir),
    Database(String),
}

impl Home {
    pub fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub fn database() -> Option<Self> {
        Some(Self::Database(Server::get()?.schema()))
    }

    pub fn location(&self) -> Location {
        match self {
            Self::Folder(folder) => Location::Directory(folder.path().join("data")),
            Self::Database(url) => Location::Postgres(PostgresUrl::parse(url).unwrap()),
        }
    }

    pub fn open(&self) -> Store {
        Store::open(&self.location()).unwrap()
    }

    /// Does something to the database by other means than the store.
    pub fn run(&self, sql: &str) {
        match self {
            Self::Folder(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("data/watchfire.db")).unwrap();
                connection.execute_batch(sql).unwrap();
            }
            Self::Database(url) => drop(Server::get().unwrap().sql(url, sql)),
        }
    }

    /// The one number that a statement answers, asked of the database by other means than the store.
    pub fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Folder(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("data/watchfire.db")).unwrap();
                connection.query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Self::Database(url) => Server::get().unwrap().sql(url, sql).parse().unwrap(),
        }
    }
}

/// Runs a test on a store of each kind.
pub fn on_each(test: impl Fn(&Home)) {
    eprintln!("on SQLite:");
    test(&Home::folder());
    if let Some(home) = Home::database() {
        eprintln!("on PostgreSQL:");
        test(&home);
    }
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
