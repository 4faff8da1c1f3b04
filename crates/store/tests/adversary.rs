//! What logs and administrators of databases may do to a store: odd texts, long ones, limits, other encodings.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod shared;

use serde_json::json;
use shared::postgres::Server;
use shared::{ACCOUNT, finding, on_each, run, scope, write};
use std::time::Duration;
use watchfire_export::FindingCriteria;
use watchfire_store::{
    Change, Expect, Feedback, Grouping, Key, Location, OutboxItem, PostgresUrl, Range, Sort, Store, StoreError,
    UsageDelta, UsageRange,
};

fn open(url: &str) -> Result<Store, StoreError> {
    Store::open(&Location::Postgres(PostgresUrl::parse(url).unwrap()))
}

/// A text that no database compresses to much less.
fn long(bytes: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

/// Texts as logs may hold them: a zero, other control characters, what is no character, right to left, very long.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "\0",
        "a\0b",
        "\u{1}\u{1f}\u{7f}",
        "\u{fffe}\u{fffd}",
        "\u{202e}x",
        "\\u0000",
        "'; DROP TABLE findings; --",
        "𝄞",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push(long(20_000));
    texts.push("é".repeat(3_000));
    texts
}

#[test]
fn any_text_is_kept_wherever_a_log_or_a_caller_may_put_one() {
    on_each(|home| {
        run(async {
            let (store, scopes) = (home.open(), [scope(ACCOUNT)]);
            for (at, text) in texts().into_iter().enumerate() {
                let id = at.to_string();
                let mut body = finding(&id, 1, 1);
                body["title"] = json!(text);
                body["resource"]["instanceDetails"]["instanceId"] = json!(text);
                body["resource"]["instanceDetails"]["tags"] = json!([{"key": text, "value": text}]);
                body["resource"]["instanceDetails"]["imageId"] = json!(text);
                let document = Key {
                    account: ACCOUNT.into(),
                    region: String::new(),
                    kind: "filter",
                    parent: id.clone(),
                    id: text.chars().take(64).collect(),
                };
                let usage = UsageDelta {
                    account: ACCOUNT.into(),
                    region: "eu-west-1".into(),
                    source: "S3".into(),
                    resource: text.chars().take(63).collect(),
                    day: 1,
                    events: 1,
                    bytes: 1,
                };
                let item = OutboxItem { queue: "q".into(), name: id.clone(), body: body.clone() };
                store
                    .commit(vec![
                        Change::Put { key: document.clone(), body: json!({"text": text}), expect: Expect::Absent },
                        Change::Findings { scope: scopes[0].clone(), writes: vec![write(body.clone())] },
                        Change::Usage(vec![usage]),
                        Change::Outbox(item),
                    ])
                    .await
                    .unwrap();
                let found = store.findings(&scopes, std::slice::from_ref(&id)).await.unwrap();
                assert_eq!(found[0].body, body);
                assert_eq!(store.document(&document).await.unwrap().unwrap().body["text"], text);
                assert_eq!(store.outbox("q", 100).await.unwrap()[at].body, body);
                // What is held as facts, as needles and in columns: each finds the finding.
                for attribute in ["instanceId", "imageId", "tags.key", "tags.value"] {
                    let criterion = json!({format!("resource.instanceDetails.{attribute}"): {"eq": [text]}});
                    let criteria = FindingCriteria::parse("test", &json!({"criterion": criterion})).unwrap();
                    let page = store.list_findings(&scopes, &criteria, &Sort::default(), None, 5).await.unwrap();
                    assert_eq!(page.findings.len(), 1, "{attribute}: {text:?}");
                }
                // It grows, and what was written of it before is found and replaced.
                body["service"]["count"] = json!(2);
                body["updatedAt"] = json!("2023-01-01T00:00:00.000Z");
                store.put_findings(&scopes[0], vec![write(body)]).await.unwrap();
                let ids = [id];
                store.set_feedback(&scopes, &ids, Feedback::Useful, Some(text.clone())).await.unwrap();
                assert_eq!(store.history(&scopes[0], &ids[0]).await.unwrap().unwrap().count, 1);
            }
            let all = texts().len();
            let range = Range { kind: "filter", account: None, region: None, parent: None };
            assert_eq!(store.documents(&range, None, 100).await.unwrap().len(), all);
            let usage = store.usage(&UsageRange::default()).await.unwrap();
            assert_eq!(usage.iter().map(|usage| usage.events).sum::<u64>(), all as u64);
            // Instances that differ only far behind what an index holds are two.
            let mut other = finding("other", 1, 1);
            other["resource"]["instanceDetails"]["instanceId"] = json!(format!("{}!", long(20_000)));
            store.put_findings(&scopes[0], vec![write(other)]).await.unwrap();
            let criteria = FindingCriteria::default();
            let groups = store.statistics(&scopes, &criteria, Grouping::Resource, false, 100).await.unwrap();
            assert_eq!(groups.len(), all + 1);
            assert!(groups.iter().all(|group| group.count == 1 && group.resource_id.len() < 2_000));
            assert_eq!(store.remove_expired(i64::MAX).await.unwrap(), all as u64 + 1);
            assert_eq!(home.number("SELECT count(*) FROM needles"), 0);
        });
    });
}

/// Whoever finds no connection free waits for one, as long as one is at work.
#[test]
fn a_server_that_lets_few_connections_in_is_slower_and_no_error() {
    let Some(server) = Server::get() else { return };
    let url = server.schema();
    server.sql(&url, "CREATE ROLE few LOGIN CONNECTION LIMIT 2");
    let schema = url.rsplit("%3D").next().unwrap();
    server.sql(&url, &format!("GRANT ALL ON SCHEMA {schema} TO few"));
    let store = open(&url.replace("watchfire@", "few@")).unwrap();
    run(async {
        store.put_findings(&scope(ACCOUNT), vec![write(finding("a", 1, 1))]).await.unwrap();
        let all: Vec<_> = (0..64)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.findings(&[scope(ACCOUNT)], &["a".to_owned()]).await })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap().unwrap().len(), 1);
        }
    });
}

#[test]
fn a_full_server_is_an_error_that_says_so() {
    let Some(server) = Server::get() else { return };
    let url = server.schema();
    server.sql(&url, "CREATE ROLE kept_out LOGIN CONNECTION LIMIT 0");
    let error = open(&url.replace("watchfire@", "kept_out@")).unwrap_err();
    let StoreError::Connect { cause, .. } = &error else { panic!("{error}") };
    assert!(format!("{cause:?}").contains("too many connections"), "{cause:?}");
}

#[test]
fn a_wrong_password_is_an_error_that_says_so_and_does_not_show_it() {
    let Some(server) = Server::get().and_then(|_| Server::begin(shared::postgres::Purpose::Test)) else { return };
    let url = server.schema();
    server.sql(&url, "CREATE ROLE locked LOGIN PASSWORD 'right'");
    let file = server.sql(&url, "SHOW hba_file");
    let rules = "COPY (VALUES ('local all locked scram-sha-256'), ('local all all trust')) TO";
    server.sql(&url, &format!("{rules} '{file}'"));
    server.sql(&url, "SELECT pg_reload_conf()");
    let with = |password: &str| {
        let url = url.replace("watchfire@", "locked@").replace("postgres?", "postgres?connect_timeout=5&");
        PostgresUrl::parse(&url).unwrap().with_password(password)
    };
    let opened = |password: &str| Store::open(&Location::Postgres(with(password)));
    // The rules are read again a moment later.
    let refused = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        opened("wrong-secret").err().filter(|error| matches!(error, StoreError::Connect { .. }))
    });
    let StoreError::Connect { name, cause } = refused.unwrap() else { unreachable!() };
    let said = format!("{name} {cause:?}");
    assert!(said.contains("password authentication failed") && !said.contains("wrong-secret"), "{said}");
    let schema = url.rsplit("%3D").next().unwrap();
    server.sql(&url, &format!("GRANT ALL ON SCHEMA {schema} TO locked"));
    opened("right").unwrap();
}

#[test]
fn a_database_that_cannot_hold_every_text_is_refused() {
    let Some(server) = Server::get() else { return };
    let url = server.schema();
    server.sql(&url, "CREATE DATABASE latin ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0");
    let (front, _) = url.split_once("/postgres?").unwrap();
    let error = open(&format!("{front}/latin")).unwrap_err();
    assert!(matches!(error, StoreError::Encoding { .. }) && error.to_string().contains("UTF8"), "{error}");
}

/// Limits that are meant for people's sessions, a clock of another zone, and sessions that are ended in the middle of
/// everything change nothing.
#[test]
fn what_an_administrator_sets_for_sessions_does_not_cut_ours_off() {
    let Some(server) = Server::get() else { return };
    let url = server.schema();
    server.sql(&url, "CREATE ROLE watched LOGIN");
    let schema = url.rsplit("%3D").next().unwrap();
    server.sql(
        &url,
        &format!(
            "ALTER ROLE watched SET idle_session_timeout = '200ms'; ALTER ROLE watched SET statement_timeout = '500ms'; \
             ALTER ROLE watched SET timezone = 'Asia/Kathmandu'; ALTER ROLE watched SET datestyle = 'German'; \
             ALTER ROLE watched SET standard_conforming_strings = off; ALTER ROLE watched SET bytea_output = 'escape'; \
             ALTER ROLE watched SET default_transaction_isolation = 'serializable'; \
             ALTER ROLE watched SET default_transaction_read_only = on; GRANT ALL ON SCHEMA {schema} TO watched"
        ),
    );
    let store = open(&url.replace("watchfire@", "watched@")).unwrap();
    run(async {
        let (scopes, ids) = ([scope(ACCOUNT)], ["a".to_owned()]);
        let body = finding("a", 1_700_000_000_000, 1);
        store.put_findings(&scopes[0], vec![write(body.clone())]).await.unwrap();
        let arrived = store.findings(&scopes, &ids).await.unwrap()[0].arrived;
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(store.findings(&scopes, &ids).await.unwrap()[0].body, body);
        store.put_findings(&scopes[0], vec![write(finding("b", 1, 1))]).await.unwrap();
        // All our sessions are ended, as a restart does it: the next call finds new ones.
        server.sql(&url, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'watched'");
        assert_eq!(store.findings(&scopes, &ids).await.unwrap()[0].arrived, arrived);
        server.sql(&url, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'watched'");
        store.put_findings(&scopes[0], vec![write(finding("c", 1, 1))]).await.unwrap();
    });
}
