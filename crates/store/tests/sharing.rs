//! Several processes on one store, and a database that is lost and comes back.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod shared;

use serde_json::json;
use shared::postgres::{Purpose, Server};
use shared::{ACCOUNT, finding, on_each, run, scope, write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use watchfire_export::FindingCriteria;
use watchfire_store::{
    Change, Expect, Key, Location, PostgresUrl, Sort, Store, StoreError, UsageDelta, UsageRange, Written,
};

const LANES: usize = 4;

fn key(id: usize) -> Key {
    Key { account: ACCOUNT.into(), region: String::new(), kind: "filter", parent: String::new(), id: id.to_string() }
}

async fn count(store: &Store) -> usize {
    let (criteria, sort) = (FindingCriteria::default(), Sort::default());
    store.list_findings(&[scope(ACCOUNT)], &criteria, &sort, None, 100_000).await.unwrap().findings.len()
}

#[test]
fn what_two_make_at_once_is_made_by_one() {
    on_each(|home| {
        run(async {
            let stores = [home.open(), home.open()];
            let both = stores.clone().map(|store| {
                tokio::spawn(async move {
                    let (mut made, mut new) = (0, 0);
                    for at in 0..40 {
                        let put = Change::Put { key: key(at), body: json!({}), expect: Expect::Absent };
                        match store.commit(vec![put]).await {
                            Ok(_) => made += 1,
                            Err(StoreError::Conflict { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                        let writes = (0..5).map(|each| write(finding(&format!("{at}-{each}"), 1, 1))).collect();
                        let outcomes = store.put_findings(&scope(ACCOUNT), writes).await.unwrap();
                        new += outcomes.iter().filter(|outcome| outcome.written == Written::New).count();
                    }
                    (made, new)
                })
            });
            let (mut made, mut new) = (0, 0);
            for one in both {
                let of_one = one.await.unwrap();
                (made, new) = (made + of_one.0, new + of_one.1);
            }
            assert_eq!((made, new, count(&stores[0]).await), (40, 200, 200));
        });
    });
}

#[test]
fn a_lease_has_one_holder_and_who_lost_it_writes_nothing_more() {
    on_each(|home| {
        run(async {
            let (first, second) = (home.open(), home.open());
            let put = |id| vec![Change::Put { key: key(id), body: json!({}), expect: Expect::Any }];
            let lease = first.lease("engine").await.unwrap().unwrap();
            assert!(second.lease("engine").await.unwrap().is_none());
            assert!(second.lease("other").await.unwrap().is_some());
            let holder = lease.store().clone();
            holder.commit(put(1)).await.unwrap();
            drop(lease);
            // Nobody has begun since, so that what is under way may still end.
            holder.commit(put(2)).await.unwrap();
            // PostgreSQL hears of the end of a connection a moment later.
            let next = loop {
                match second.lease("engine").await.unwrap() {
                    Some(lease) => break lease,
                    None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
            };
            assert!(matches!(holder.commit(put(3)).await, Err(StoreError::LeaseLost { .. })));
            assert_eq!(first.document(&key(3)).await.unwrap(), None);
            next.store().commit(put(4)).await.unwrap();
            // What needs no lease goes on.
            first.commit(put(5)).await.unwrap();
        });
    });
}

#[test]
fn text_with_a_zero_in_it_is_stored_and_found() {
    on_each(|home| {
        run(async {
            let (store, scopes) = (home.open(), [scope(ACCOUNT)]);
            let mut body = finding("a", 1, 1);
            body["resource"]["instanceDetails"]["instanceId"] = json!("i-\0");
            store.put_findings(&scopes[0], vec![write(body.clone())]).await.unwrap();
            assert_eq!(store.findings(&scopes, &["a".to_owned()]).await.unwrap()[0].body, body);
            let criterion = json!({"resource.instanceDetails.instanceId": {"eq": ["i-\0"]}});
            let criteria = FindingCriteria::parse("test", &json!({"criterion": criterion})).unwrap();
            let page = store.list_findings(&scopes, &criteria, &Sort::default(), None, 5).await.unwrap();
            assert_eq!(page.findings.len(), 1);
        });
    });
}

/// What a lane writes at once: findings, usage, and its place.
fn batch(lane: usize, number: usize) -> Vec<Change> {
    let writes = (0..3).map(|at| write(finding(&format!("{lane}-{number}-{at}"), 1, 1))).collect();
    let usage = UsageDelta {
        account: ACCOUNT.into(),
        region: String::new(),
        source: "FLOW_LOGS".into(),
        resource: lane.to_string(),
        day: 1,
        events: 1,
        bytes: 1,
    };
    let state = (number as u64 + 1).to_le_bytes().to_vec();
    vec![
        Change::Findings { scope: scope(ACCOUNT), writes },
        Change::Usage(vec![usage]),
        Change::Checkpoint { name: lane.to_string(), state },
    ]
}

async fn place(store: &Store, lane: usize) -> usize {
    let state = store.checkpoint(&lane.to_string()).await.unwrap();
    state.map_or(0, |state| u64::from_le_bytes(state.try_into().unwrap()) as usize)
}

/// A commit whose answer was lost may have been done; who asks where it stands goes on from there, as the engine does.
#[test]
fn a_crash_of_the_database_loses_nothing_that_was_acknowledged_and_is_waited_out() {
    // One of its own: the other tests' must not crash.
    let Some(server) = Server::get().and_then(|_| Server::begin(Purpose::Test)) else { return };
    let url = server.schema();
    run(async {
        let store = Store::open(&Location::Postgres(PostgresUrl::parse(&url).unwrap())).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let (store, stop) = (store.clone(), stop.clone());
                tokio::spawn(async move {
                    let mut acknowledged = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let number = place(&store, lane).await;
                        assert!(
                            number >= acknowledged,
                            "lane {lane}: {acknowledged} were acknowledged, {number} are there"
                        );
                        if store.commit(batch(lane, number)).await.is_ok() {
                            acknowledged = number + 1;
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        for crash in 0..4u64 {
            let reached = place(&store, 0).await;
            while place(&store, 0).await < reached + 3 + crash as usize {}
            server.crash();
        }
        let reached = place(&store, 0).await;
        while place(&store, 0).await < reached + 3 {}
        stop.store(true, Ordering::Relaxed);
        let mut batches = 0;
        for (lane, acknowledged) in lanes.into_iter().enumerate() {
            let acknowledged = acknowledged.await.unwrap();
            let place = place(&store, lane).await;
            assert!(place >= acknowledged);
            batches += place;
        }
        let usage = store.usage(&UsageRange::default()).await.unwrap();
        assert_eq!(usage.iter().map(|usage| usage.events).sum::<u64>(), batches as u64);
        assert_eq!(count(&store).await, batches * 3);
    });
}

#[test]
fn who_cannot_be_let_in_is_told_why() {
    let Some(server) = Server::get() else { return };
    let open = |url: &str| Store::open(&Location::Postgres(PostgresUrl::parse(url).unwrap()));
    let url = server.schema();
    let (front, _) = url.split_once("/postgres?").unwrap();
    let error = open(&format!("{front}/nowhere")).unwrap_err();
    assert!(matches!(error, StoreError::Connect { .. }) && error.to_string().contains("/nowhere"), "{error}");
    let error = open(&format!("{front}/postgres?options=-csearch_path%3Dnowhere")).unwrap_err();
    assert!(matches!(error, StoreError::NoSchema { .. }) && error.to_string().contains("CREATE SCHEMA"), "{error}");
    let error = open("postgresql://u@127.0.0.1:1/d").unwrap_err();
    assert!(matches!(error, StoreError::Connect { .. }), "{error}");
}

#[test]
fn tls_is_spoken_with_a_server_whose_certificate_is_known_and_no_other() {
    let Some(server) = Server::get().and_then(|_| Server::begin(Purpose::Tls)) else { return };
    let (url, certificate) = server.over_tls();
    let open = |url: String| Store::open(&Location::Postgres(PostgresUrl::parse(&url).unwrap()));
    let of_folder = certificate.to_str().unwrap().replace('/', "%2F");
    let store = open(format!("{url}?sslmode=verify-full&sslrootcert={of_folder}")).unwrap();
    run(store.put_findings(&scope(ACCOUNT), vec![write(finding("a", 1, 1))])).unwrap();
    let spoken = server.sql(
        "",
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                                 WHERE ssl AND application_name = 'watchfire'",
    );
    assert_eq!(spoken, "1");
    // What the system trusts does not include this certificate; nor is it one for an address.
    for unknown in [
        format!("{url}?sslmode=require"),
        format!("{url}?sslmode=require&sslrootcert={of_folder}").replace("localhost", "127.0.0.1"),
    ] {
        let error = open(unknown).unwrap_err();
        let StoreError::Connect { cause, .. } = &error else { panic!("{error}") };
        assert!(format!("{cause:?}").contains("ertificate"), "{cause:?}");
    }
    let error = open(format!("{url}?sslmode=require&sslrootcert=nowhere.pem")).unwrap_err();
    assert!(error.to_string().contains("nowhere.pem"), "{error}");
}
