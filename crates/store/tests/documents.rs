//! Documents: put, list, delete, and changes that hold together.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod shared;

use serde_json::json;
use shared::{Home, on_each, run};
use watchfire_store::{Change, Expect, Key, Location, Range, Store, StoreError};

fn key(account: &str, kind: &'static str, id: &str) -> Key {
    Key { account: account.into(), region: "eu-west-1".into(), kind, parent: "d".into(), id: id.into() }
}

fn put(key: Key, body: serde_json::Value, expect: Expect) -> Change {
    Change::Put { key, body, expect }
}

#[test]
fn a_document_is_read_back_by_another_process_too() {
    on_each(|home| {
        run(async {
            let store = home.open();
            let filter = key("111122223333", "filter", "quiet");
            store.commit(vec![put(filter.clone(), json!({"rank": 1}), Expect::Absent)]).await.unwrap();
            let committed =
                store.commit(vec![put(filter.clone(), json!({"rank": 2}), Expect::Version(1))]).await.unwrap();
            assert_eq!(committed.versions, [2]);
            let other = home.open();
            let read = other.document(&filter).await.unwrap().unwrap();
            assert_eq!((read.body, read.version), (json!({"rank": 2}), 2));
            assert!(read.updated >= read.created);
        });
    });
}

#[test]
fn a_change_that_is_not_as_expected_undoes_the_whole_commit_and_no_other() {
    on_each(|home| {
        run(async {
            let store = home.open();
            let (first, second) = (key("1", "filter", "a"), key("1", "filter", "b"));
            store.commit(vec![put(first.clone(), json!({}), Expect::Absent)]).await.unwrap();
            let good = store.commit(vec![put(key("1", "filter", "c"), json!({}), Expect::Absent)]);
            let bad = store.commit(vec![
                put(second.clone(), json!({}), Expect::Absent),
                put(first.clone(), json!({"changed": true}), Expect::Version(7)),
            ]);
            let (good, bad) = tokio::join!(good, bad);
            good.unwrap();
            assert!(matches!(bad, Err(StoreError::Conflict { kind: "filter", .. })));
            assert_eq!(store.document(&second).await.unwrap(), None);
            assert_eq!(store.document(&first).await.unwrap().unwrap().body, json!({}));
            assert!(store.document(&key("1", "filter", "c")).await.unwrap().is_some());
            let gone = Change::Delete { key: second.clone(), expect: Expect::Version(1) };
            assert!(matches!(store.commit(vec![gone]).await, Err(StoreError::Conflict { .. })));
            store.commit(vec![Change::Delete { key: second, expect: Expect::Any }]).await.unwrap();
        });
    });
}

#[test]
fn pages_hold_each_document_once_while_others_come_and_go() {
    on_each(|home| {
        run(async {
            let store = home.open();
            let all: Vec<Change> = (0..25)
                .map(|at| put(key(["1", "2"][at % 2], "ipset", &format!("{at:02}")), json!({"at": at}), Expect::Absent))
                .chain([put(key("1", "filter", "x"), json!({}), Expect::Absent)])
                .collect();
            store.commit(all).await.unwrap();
            let range = Range { kind: "ipset", account: None, region: None, parent: Some("d".into()) };
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = store.documents(&range, after.as_ref(), 7).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.key.clone());
                seen.extend(page.iter().map(|document| document.key.clone()));
                // Behind the place that was reached: no page sees it.
                let before = put(key("0", "ipset", &seen.len().to_string()), json!({}), Expect::Absent);
                store.commit(vec![before, Change::Delete { key: seen[0].clone(), expect: Expect::Any }]).await.unwrap();
            }
            assert_eq!(seen.len(), 25);
            assert!(seen.is_sorted());
            let range = Range { account: Some("2".into()), ..range };
            assert_eq!(store.documents(&range, None, 100).await.unwrap().len(), 12);
        });
    });
}

#[test]
fn a_tree_goes_as_a_whole_and_its_neighbours_stay() {
    on_each(|home| {
        run(async {
            let store = home.open();
            let other = Key { parent: "e".into(), ..key("1", "filter", "a") };
            let changes = [key("1", "filter", "a"), key("1", "ipset", "b"), key("2", "filter", "a"), other.clone()];
            store.commit(changes.iter().map(|key| put(key.clone(), json!({}), Expect::Any)).collect()).await.unwrap();
            let tree = Change::DeleteTree { account: "1".into(), region: "eu-west-1".into(), parent: "d".into() };
            store.commit(vec![tree]).await.unwrap();
            let mut left = Vec::new();
            for key in changes {
                left.push(store.document(&key).await.unwrap().is_some());
            }
            assert_eq!(left, [false, false, true, true]);
        });
    });
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    on_each(|home| {
        drop(home.open());
        let (set, get) = match home {
            Home::Folder(_) => ("PRAGMA user_version = 9999", "SELECT user_version FROM pragma_user_version"),
            Home::Database(_) => ("UPDATE watchfire_schema SET version = 9999", "SELECT version FROM watchfire_schema"),
        };
        home.run(set);
        let error = Store::open(&home.location()).unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { found: 9_999, .. }), "{error}");
        assert!(error.to_string().contains("use the newer program"));
        assert_eq!(home.number(get), 9_999);
    });
}

#[test]
fn a_damaged_database_is_refused_with_what_to_do() {
    let whole = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Directory(whole.path().to_owned())).unwrap();
    let copy = whole.path().join("copy");
    run(store.backup(&copy)).unwrap();
    // Its first page without the others, which were in a log that is gone; and another file in its place.
    for content in [std::fs::read(copy).unwrap()[..4_096].to_vec(), b"This is no database. ".repeat(99)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("watchfire.db"), content).unwrap();
        let error = Store::open(&Location::Directory(folder.path().to_owned())).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("watchfire restore"), "{error}");
    }
}
