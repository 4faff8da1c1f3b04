//! A process that is killed while it writes loses nothing that it was told is written, and does nothing twice.
//!
//! The test starts itself as another process, whose lanes write batch after batch and say so on standard output; kills
//! it with SIGKILL after some number of answers, starts it again on the same files, and so on. What the last process left
//! is then held against all answers. A kill shows what the operating system was given; that it reaches the disk is
//! `synchronous=FULL`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test, and a process that answers on its output")]

mod shared;

use serde_json::json;
use shared::{ACCOUNT, Home, finding, on_each, run, scope, write};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use watchfire_export::FindingCriteria;
use watchfire_store::{Change, Location, OutboxItem, PostgresUrl, Sort, Store, UsageDelta, UsageRange};

const STORE: &str = "WATCHFIRE_TEST_STORE";
const LANES: usize = 4;
const BATCH: usize = 3;
const KILLS: usize = 25;

/// One batch of a lane: findings, usage, what is to be sent, and the lane's place, in one commit.
fn batch(lane: usize, number: usize) -> Vec<Change> {
    let writes = (0..BATCH).map(|at| write(finding(&id(lane, number, at), number as i64, 1))).collect();
    let usage = UsageDelta {
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        source: "FLOW_LOGS".into(),
        resource: format!("lane {lane}"),
        day: 1,
        events: 1,
        bytes: 10,
    };
    let item = OutboxItem { queue: "q".into(), name: format!("{lane} {number}"), body: json!({}) };
    vec![
        Change::Findings { scope: scope(ACCOUNT), writes },
        Change::Usage(vec![usage]),
        Change::Outbox(item),
        Change::Checkpoint { name: format!("lane {lane}"), state: (number + 1).to_string().into_bytes() },
    ]
}

fn id(lane: usize, number: usize, at: usize) -> String {
    format!("{lane}-{number}-{at}")
}

async fn place(store: &Store, lane: usize) -> usize {
    let state = store.checkpoint(&format!("lane {lane}")).await.unwrap();
    state.map_or(0, |state| String::from_utf8(state).unwrap().parse().unwrap())
}

#[test]
#[ignore = "the process that is killed; the test below starts it"]
fn writes_until_it_is_killed() {
    let Ok(given) = std::env::var(STORE) else { return };
    let location = match PostgresUrl::parse(&given) {
        Ok(url) => Location::Postgres(url),
        Err(_) => Location::Directory(given.into()),
    };
    run(async {
        let store = Store::open(&location).unwrap();
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let store = store.clone();
                tokio::spawn(async move {
                    for number in place(&store, lane).await.. {
                        store.commit(batch(lane, number)).await.unwrap();
                        println!("written {lane} {number}");
                    }
                })
            })
            .collect();
        for lane in lanes {
            lane.await.unwrap();
        }
    });
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged_and_writes_nothing_twice() {
    on_each(kill_again_and_again);
}

fn kill_again_and_again(home: &Home) {
    let given = match home {
        Home::Folder(folder) => folder.path().join("data").display().to_string(),
        Home::Database(url) => url.clone(),
    };
    let mut acknowledged: BTreeSet<(usize, usize)> = BTreeSet::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "writes_until_it_is_killed", "--nocapture"])
            .env(STORE, &given)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut answers = lines.filter_map(|line| {
            let mut words = line.split_whitespace().skip_while(|word| *word != "written").skip(1);
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        });
        // After a number of answers that differs from kill to kill; where in its work that is, is chance.
        for answer in answers.by_ref().take(kill * 7 % 40 + 1) {
            assert!(acknowledged.insert(answer), "{answer:?} was done twice");
        }
        child.kill().unwrap();
        // What it said before it died counts too.
        for answer in answers {
            assert!(acknowledged.insert(answer), "{answer:?} was done twice");
        }
        child.wait().unwrap();
    }
    assert!(acknowledged.len() >= KILLS);
    run(async {
        let store = home.open();
        let mut expected = BTreeSet::new();
        let mut batches = 0;
        for lane in 0..LANES {
            let place = place(&store, lane).await;
            batches += place as u64;
            expected.extend((0..place).flat_map(|number| (0..BATCH).map(move |at| id(lane, number, at))));
            let last = acknowledged.iter().filter(|(of, _)| *of == lane).map(|(_, number)| number + 1).max();
            assert!(place >= last.unwrap_or(0), "lane {lane} is at {place}, and acknowledged {last:?}");
        }
        let scopes = [scope(ACCOUNT)];
        let (mut found, mut after, mut count) = (BTreeSet::new(), None, 0);
        loop {
            let criteria = FindingCriteria::default();
            let page = store.list_findings(&scopes, &criteria, &Sort::default(), after.as_ref(), 500).await.unwrap();
            count += page.findings.len();
            found.extend(page.findings.into_iter().map(|(_, id)| id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((count, &found), (expected.len(), &expected));
        let usage = store.usage(&UsageRange::default()).await.unwrap();
        assert_eq!(usage.iter().map(|usage| usage.events).sum::<u64>(), batches);
        assert_eq!(store.outbox_counts("q").await.unwrap().waiting, batches);
    });
}
