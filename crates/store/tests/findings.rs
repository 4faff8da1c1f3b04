//! Findings: what is stored once, grows, is archived, kept in history and forgotten; and the ledgers beside them.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod shared;

use serde_json::{Value, json};
use shared::{ACCOUNT, Home, finding, on_each, run, scope, write};
use std::time::Duration;
use watchfire_export::FindingCriteria;
use watchfire_store::{
    Change, Feedback, FindingWrite, OCCURRENCES_MAX, OutboxItem, Scope, Sort, Store, StoreError, UsageDelta,
    UsageRange, Written, arrived_before, restore,
};

fn ids(text: &[&str]) -> Vec<String> {
    text.iter().map(|&id| id.to_owned()).collect()
}

async fn listed(store: &Store, scope: &Scope, criterion: Value) -> Vec<String> {
    let criteria = FindingCriteria::parse("test", &json!({"criterion": criterion})).unwrap();
    let page = store.list_findings(std::slice::from_ref(scope), &criteria, &Sort::default(), None, 50).await.unwrap();
    page.findings.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn a_finding_grows_under_its_id_and_is_written_once() {
    on_each(|home| {
        run(async {
            let (store, scope) = (home.open(), scope(ACCOUNT));
            let mut written = Vec::new();
            for (updated, count) in [(1_000, 1), (1_000, 1), (2_000, 2), (1_000, 1), (2_000, 2)] {
                let outcomes = store.put_findings(&scope, vec![write(finding("a", updated, count))]).await.unwrap();
                written.push(outcomes[0].written);
            }
            assert_eq!(
                written,
                [Written::New, Written::Unchanged, Written::Grown, Written::Unchanged, Written::Unchanged]
            );
            let stored = store.findings(std::slice::from_ref(&scope), &ids(&["a", "b"])).await.unwrap();
            assert_eq!(stored.len(), 1);
            assert_eq!(stored[0].body, finding("a", 2_000, 2));
            let history = store.history(&scope, "a").await.unwrap().unwrap();
            assert_eq!((history.count, history.occurrences.len()), (1, 1));
            assert_eq!(history.occurrences[0]["service"]["count"], 1);
            let address = "service.action.networkConnectionAction.remoteIpDetails.ipAddressV4";
            assert_eq!(listed(&store, &scope, json!({address: {"equals": ["198.51.100.2"]}})).await, ["a"]);
            assert!(listed(&store, &scope, json!({address: {"equals": ["198.51.100.1"]}})).await.is_empty());
        });
    });
}

#[test]
fn history_is_bounded_and_counts_what_it_dropped() {
    on_each(|home| {
        run(async {
            let (store, scope) = (home.open(), scope(ACCOUNT));
            let all = OCCURRENCES_MAX + 30;
            let writes = (1..=all + 1).map(|count| write(finding("a", count as i64, count))).collect();
            store.put_findings(&scope, writes).await.unwrap();
            let history = store.history(&scope, "a").await.unwrap().unwrap();
            assert_eq!((history.count, history.occurrences.len() as u64), (all, OCCURRENCES_MAX));
            let counts: Vec<u64> =
                history.occurrences.iter().map(|kept| kept["service"]["count"].as_u64().unwrap()).collect();
            assert_eq!((counts[0], counts[1], *counts.last().unwrap()), (1, 32, all));
            assert_eq!(store.history(&scope, "b").await.unwrap(), None);
        });
    });
}

#[test]
fn what_is_archived_stays_archived_when_it_grows() {
    on_each(|home| {
        run(async {
            let (store, scope) = (home.open(), scope(ACCOUNT));
            let scopes = [scope.clone()];
            let by_filter = FindingWrite { body: finding("filtered", 1, 1), suppressed_by: Some("arn".into()) };
            let outcomes = store.put_findings(&scope, vec![by_filter, write(finding("seen", 1, 1))]).await.unwrap();
            assert_eq!((outcomes[0].archived, outcomes[0].suppressed, outcomes[1].archived), (true, true, false));
            assert_eq!(store.set_archived(&scopes, &ids(&["seen", "nowhere"]), true).await.unwrap(), 1);
            // A filter made since does not touch what is there, and growth does not unarchive.
            let grown = |id| FindingWrite { body: finding(id, 2, 2), suppressed_by: Some("arn".into()) };
            let outcomes = store.put_findings(&scope, vec![grown("filtered"), grown("seen")]).await.unwrap();
            assert!(outcomes.iter().all(|outcome| outcome.archived && outcome.written == Written::Grown));
            assert_eq!((outcomes[0].suppressed, outcomes[1].suppressed), (true, false));
            assert_eq!(store.suppressed_count(&scope).await.unwrap(), 1);
            let archived = json!({"service.archived": {"equals": ["true"]}});
            assert_eq!(listed(&store, &scope, archived.clone()).await, ["seen", "filtered"]);
            assert_eq!(store.findings(&scopes, &ids(&["seen"])).await.unwrap()[0].body["service"]["archived"], true);
            store.set_archived(&scopes, &ids(&["seen", "filtered"]), false).await.unwrap();
            assert!(listed(&store, &scope, archived).await.is_empty());
            assert_eq!(store.suppressed_count(&scope).await.unwrap(), 0);
            store.set_feedback(&scopes, &ids(&["seen"]), Feedback::NotUseful, Some("ours".into())).await.unwrap();
            let stored = &store.findings(&scopes, &ids(&["seen"])).await.unwrap()[0];
            assert_eq!(stored.body["service"]["userFeedback"], "NOT_USEFUL");
            assert_eq!(stored.comments.as_deref(), Some("ours"));
        });
    });
}

#[test]
fn retention_counts_from_arrival_and_leaves_nothing_behind() {
    on_each(|home| {
        run(async {
            let (store, scope) = (home.open(), scope(ACCOUNT));
            // Events of 1970, which arrived just now.
            let writes = (0..1_200).map(|at| write(finding(&format!("{at:04}"), at, 1))).collect();
            store.put_findings(&scope, writes).await.unwrap();
            store.put_findings(&scope, vec![write(finding("0000", 5_000, 2))]).await.unwrap();
            let a_day_ago = arrived_before(Duration::from_secs(86_400));
            assert!(!store.have_all_expired(a_day_ago).await.unwrap());
            assert_eq!(store.remove_expired(a_day_ago).await.unwrap(), 0);
            assert!(store.have_all_expired(arrived_before(Duration::ZERO) + 60_000).await.unwrap());
            assert_eq!(store.remove_expired(arrived_before(Duration::ZERO) + 60_000).await.unwrap(), 1_200);
            assert!(listed(&store, &scope, json!({})).await.is_empty());
            assert!(!store.have_all_expired(i64::MAX).await.unwrap(), "there are none");
            for table in ["findings", "bodies", "needles", "history"] {
                assert_eq!(home.number(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
            }
        });
    });
}

#[test]
fn a_deleted_detector_takes_its_findings_and_its_successor_begins_empty() {
    on_each(|home| {
        run(async {
            let (store, mine, other) = (home.open(), scope(ACCOUNT), Scope { detector: "e".into(), ..scope(ACCOUNT) });
            for scope in [&mine, &other] {
                store.put_findings(scope, vec![write(finding("a", 1, 1))]).await.unwrap();
            }
            let (account, region, parent) = (mine.account.clone(), mine.region.clone(), mine.detector.clone());
            store.commit(vec![Change::DeleteTree { account, region, parent }]).await.unwrap();
            assert!(store.findings(std::slice::from_ref(&mine), &ids(&["a"])).await.unwrap().is_empty());
            assert_eq!(listed(&store, &other, json!({})).await, ["a"]);
            store.put_findings(&mine, vec![write(finding("b", 1, 1))]).await.unwrap();
            assert_eq!(listed(&store, &mine, json!({})).await, ["b"]);
            assert_eq!(store.remove_expired(0).await.unwrap(), 1);
            assert_eq!(listed(&store, &mine, json!({})).await, ["b"]);
            assert_eq!(listed(&store, &other, json!({})).await, ["a"]);
        });
    });
}

#[test]
fn what_is_no_finding_is_refused_with_all_that_came_with_it() {
    on_each(|home| {
        run(async {
            let (store, scope) = (home.open(), scope(ACCOUNT));
            for member in ["id", "type", "severity", "updatedAt", "accountId"] {
                let mut body = finding("b", 1, 1);
                body.as_object_mut().unwrap().remove(member);
                let error = store.put_findings(&scope, vec![write(finding("a", 1, 1)), write(body)]).await.unwrap_err();
                assert!(
                    matches!(error, StoreError::NotAFinding { .. }) && error.to_string().contains(member),
                    "{error}"
                );
            }
            assert!(listed(&store, &scope, json!({})).await.is_empty());
            let unknown = FindingCriteria::parse("test", &json!({"criterion": {"arn": {"eq": ["x"]}}})).unwrap();
            let wildcards =
                FindingCriteria::parse("test", &json!({"criterion": {"type": {"matches": ["x*"]}}})).unwrap();
            store.put_findings(&scope, vec![write(finding("a", 1, 1))]).await.unwrap();
            let list = async |criteria| {
                store.list_findings(std::slice::from_ref(&scope), criteria, &Sort::default(), None, 1).await
            };
            assert!(matches!(list(&unknown).await, Err(StoreError::NotListed { .. })));
            assert!(matches!(list(&wildcards).await, Err(StoreError::Wildcards { .. })));
        });
    });
}

#[test]
fn a_commit_holds_findings_usage_outbox_and_checkpoint_together() {
    on_each(|home| {
        run(async {
            let (store, scope) = (home.open(), scope(ACCOUNT));
            let usage = |events| UsageDelta {
                account: ACCOUNT.into(),
                region: "eu-west-1".into(),
                source: "FLOW_LOGS".into(),
                resource: String::new(),
                day: 20_000,
                events,
                bytes: 100,
            };
            let item = OutboxItem { queue: "bucket".into(), name: "a 1".into(), body: json!({"id": "a"}) };
            let whole = |body| {
                vec![
                    Change::Findings { scope: scope.clone(), writes: vec![write(body)] },
                    Change::Usage(vec![usage(3), usage(4)]),
                    Change::Outbox(item.clone()),
                    Change::Checkpoint { name: "engine".into(), state: vec![1, 2, 3] },
                ]
            };
            assert!(store.commit(whole(json!({"id": "no finding"}))).await.is_err());
            assert_eq!(store.checkpoint("engine").await.unwrap(), None);
            for _ in 0..2 {
                store.commit(whole(finding("a", 1, 1))).await.unwrap();
            }
            assert_eq!(store.checkpoint("engine").await.unwrap(), Some(vec![1, 2, 3]));
            let used = store.usage(&UsageRange::default()).await.unwrap();
            assert_eq!((used.len(), used[0].events, used[0].bytes, used[0].first_day), (1, 14, 400, 20_000));
            assert!(
                store.usage(&UsageRange { from_day: Some(20_001), ..UsageRange::default() }).await.unwrap().is_empty()
            );
            // Pushed twice under one name, it waits once.
            let waiting = store.outbox("bucket", 10).await.unwrap();
            assert_eq!(waiting.len(), 1);
            store.outbox_sent("bucket", vec![waiting[0].no, 999]).await.unwrap();
            let counts = store.outbox_counts("bucket").await.unwrap();
            assert_eq!((counts.waiting, counts.pushed, counts.sent, counts.dropped), (0, 1, 1, 0));
        });
    });
}

#[test]
fn a_backup_taken_while_writing_is_whole_and_comes_back() {
    let home = Home::folder();
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (store, scope) = (home.open(), scope(ACCOUNT));
        let file = folder.path().join("backup.db");
        store.put_findings(&scope, vec![write(finding("before", 1, 1))]).await.unwrap();
        let writer = {
            let (store, scope) = (store.clone(), scope.clone());
            tokio::spawn(async move {
                for at in 0..200 {
                    store.put_findings(&scope, vec![write(finding(&format!("{at}"), at, 1))]).await.unwrap();
                }
            })
        };
        store.backup(&file).await.unwrap();
        writer.await.unwrap();
        assert!(matches!(store.backup(&file).await, Err(StoreError::Exists { .. })));
        // What was committed before the backup began is in it, and a store is not written over.
        let other = tempfile::tempdir().unwrap();
        restore(&file, &other.path().join("data")).unwrap();
        assert!(matches!(restore(&file, &other.path().join("data")), Err(StoreError::Exists { .. })));
        let other = Home::Folder(other);
        let restored = other.open();
        assert_eq!(restored.findings(&[scope], &ids(&["before"])).await.unwrap().len(), 1);
        // A damaged file is refused, and leaves no store.
        let damaged = folder.path().join("damaged.db");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
        let empty = tempfile::tempdir().unwrap();
        assert!(restore(&damaged, empty.path()).is_err());
        std::fs::write(&damaged, b"").unwrap();
        assert!(matches!(restore(&damaged, empty.path()), Err(StoreError::NotABackup { .. })));
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    });
}
