//! Lists and statistics against a model: all findings in memory, the filters' own code, a plain sort.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod shared;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::{Home, run, scope, write};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use watchfire_export::{FindingCriteria, attribute_values, list_attributes};
use watchfire_model::Time;
use watchfire_store::{Cursor, Group, Grouping, Scope, Sort, Store};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const TYPES: [&str; 3] = ["Recon:EC2/Portscan", "UnauthorizedAccess:IAMUser/TorIPCaller", "Stealth:S3/x"];
const WORDS: [&str; 4] = ["a", "b\"\\", "é", "22"];

fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&WORDS[..])
}

/// A finding with some attributes of every kind: columns, needles, texts, numbers, booleans, lists; any may be missing.
fn body() -> impl Strategy<Value = Value> {
    let head = (0..40u32, 0..TYPES.len(), 0..4u8, 0..6i64, 0..ACCOUNTS.len());
    let resource = (proptest::option::of(word()), proptest::collection::vec(word(), 0..3), any::<bool>());
    let service = (proptest::option::of(word()), proptest::option::of(20..24u16), proptest::option::of(any::<bool>()));
    (head, resource, service).prop_map(|(head, resource, service)| {
        let (id, kind, severity, day, account) = head;
        let (instance, tags, is_instance) = resource;
        let (remote, port, blocked) = service;
        let tags: Vec<Value> = tags.into_iter().map(|tag| json!({"key": "k", "value": tag})).collect();
        let mut finding = json!({
            "id": format!("{id}"), "accountId": ACCOUNTS[account], "region": "eu-west-1", "type": TYPES[kind],
            "severity": f64::from(severity) + 0.5,
            "updatedAt": Time::from_ms(day * 40_000_000 - 1_000).to_string(),
            "resource": {"resourceType": if is_instance { "Instance" } else { "AccessKey" },
                "instanceDetails": {"tags": tags}},
            "service": {"archived": false, "action": {"networkConnectionAction": {}}},
        });
        if let Some(instance) = instance {
            finding["resource"]["instanceDetails"]["instanceId"] = json!(instance);
        }
        let action = &mut finding["service"]["action"]["networkConnectionAction"];
        if let Some(remote) = remote {
            action["remoteIpDetails"] = json!({"ipAddressV4": remote, "country": {"countryName": remote}});
        }
        if let Some(port) = port {
            action["remotePortDetails"] = json!({"port": port});
        }
        if let Some(blocked) = blocked {
            action["blocked"] = json!(blocked);
        }
        finding
    })
}

fn attribute() -> impl Strategy<Value = String> {
    // Half of the time one that the findings have.
    const OURS: [&str; 13] = [
        "id",
        "accountId",
        "type",
        "severity",
        "updatedAt",
        "service.archived",
        "resource.resourceType",
        "resource.instanceDetails.instanceId",
        "resource.instanceDetails.tags.value",
        "service.action.networkConnectionAction.remoteIpDetails.ipAddressV4",
        "service.action.networkConnectionAction.remoteIpDetails.country.countryName",
        "service.action.networkConnectionAction.remotePortDetails.port",
        "service.action.networkConnectionAction.blocked",
    ];
    prop_oneof![
        3 => proptest::sample::select(&OURS[..]).prop_map(str::to_owned),
        1 => proptest::sample::select(list_attributes()),
    ]
}

fn criterion() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        word().prop_map(str::to_owned),
        proptest::sample::select(&["true", "false", "1.5", "2.50", "3", "22", "Instance", "eu-west-1", ""][..])
            .prop_map(str::to_owned),
        (0..TYPES.len()).prop_map(|at| TYPES[at].to_owned()),
        (0..ACCOUNTS.len()).prop_map(|at| ACCOUNTS[at].to_owned()),
        (0..40u32).prop_map(|id| id.to_string()),
    ];
    let texts = proptest::collection::vec(text, 1..4).prop_map(|texts| json!(texts));
    let list = (proptest::sample::select(&["eq", "equals", "neq", "notEquals"][..]), texts);
    let number = prop_oneof![-1..30i64, Just(40_000_000i64), Just(79_999_000i64)].prop_map(|number| json!(number));
    let range = (proptest::sample::select(&["gt", "gte", "lt", "lessThanOrEqual"][..]), number);
    let test = prop_oneof![2 => list, 1 => range];
    proptest::collection::vec((attribute(), test), 0..3).prop_map(|tests| {
        let mut criterion = serde_json::Map::new();
        for (attribute, (operator, value)) in tests {
            criterion.insert(attribute, json!({operator: value}));
        }
        Value::Object(criterion)
    })
}

/// What is in the store, in the order of arrival.
#[derive(Default)]
struct Model {
    findings: Vec<(Scope, Value)>,
}

impl Model {
    fn put(&mut self, scope: &Scope, body: Value) {
        let same = |(other, stored): &&mut (Scope, Value)| other == scope && stored["id"] == body["id"];
        match self.findings.iter_mut().find(same) {
            None => self.findings.push((scope.clone(), body)),
            Some((_, stored)) if time(&body) >= time(stored) => {
                let archived = stored["service"]["archived"].clone();
                *stored = body;
                stored["service"]["archived"] = archived;
            }
            Some(_) => {}
        }
    }

    fn matching(&self, criteria: &FindingCriteria) -> Vec<usize> {
        (0..self.findings.len()).filter(|&at| criteria.matches(&self.findings[at].1)).collect()
    }

    fn list(&self, criteria: &FindingCriteria, sort: &Sort) -> Vec<(String, String)> {
        let mut found = self.matching(criteria);
        let key = |at: usize| {
            let (_, body) = &self.findings[at];
            let mut values: Vec<(Option<f64>, String)> =
                attribute_values(body, &sort.attribute).into_iter().map(|value| (value.number, value.text)).collect();
            values.sort_by(order);
            (values.into_iter().next(), time(body))
        };
        found.sort_by(|&a, &b| {
            let ((a_key, a_time), (b_key, b_time)) = (key(a), key(b));
            let keys = match (&a_key, &b_key) {
                (Some(a), Some(b)) => order(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            let order = keys.then(a_time.cmp(&b_time)).then(a.cmp(&b));
            if sort.descending { order.reverse() } else { order }
        });
        let name = |at: usize| {
            let (scope, body) = &self.findings[at];
            (scope.account.clone(), body["id"].as_str().unwrap().to_owned())
        };
        found.into_iter().map(name).collect()
    }

    fn count(&self, criteria: &FindingCriteria, grouping: Grouping) -> BTreeMap<String, (u64, i64)> {
        let mut groups: BTreeMap<String, (u64, i64)> = BTreeMap::new();
        for at in self.matching(criteria) {
            let (scope, body) = &self.findings[at];
            let (severity, day) = (body["severity"].as_f64().unwrap(), Time::from_ms(time(body)).day());
            let instance = body["resource"]["instanceDetails"]["instanceId"].as_str();
            let kind = body["resource"]["resourceType"].as_str().unwrap();
            let name = match grouping {
                Grouping::Account => scope.account.clone(),
                Grouping::Date => format!("{day} {severity}"),
                Grouping::FindingType => body["type"].as_str().unwrap().to_owned(),
                Grouping::Severity => severity.to_string(),
                Grouping::TypeAndSeverity => format!("{} {severity}", body["type"].as_str().unwrap()),
                Grouping::Resource => match instance {
                    Some(instance) if kind == "Instance" => format!("{} {kind} {instance}", scope.account),
                    _ => continue,
                },
            };
            let group = groups.entry(name).or_insert((0, i64::MIN));
            *group = (group.0 + 1, group.1.max(time(body)));
        }
        groups
    }
}

/// Numbers before texts.
fn order(a: &(Option<f64>, String), b: &(Option<f64>, String)) -> Ordering {
    match (a.0, b.0) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (None, None) => a.1.cmp(&b.1),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn time(body: &Value) -> i64 {
    Time::parse_utc(body["updatedAt"].as_str().unwrap()).unwrap().ms()
}

fn name(group: &Group, grouping: Grouping) -> String {
    let severity = group.severity.unwrap_or_default();
    match grouping {
        Grouping::Account => group.account.clone(),
        Grouping::Date => format!("{} {severity}", group.date.unwrap().day()),
        Grouping::FindingType => group.finding_type.clone(),
        Grouping::Severity => severity.to_string(),
        Grouping::TypeAndSeverity => format!("{} {severity}", group.finding_type),
        Grouping::Resource => format!("{} {} {}", group.account, group.resource_type, group.resource_id),
    }
}

async fn pages(store: &Store, criteria: &FindingCriteria, sort: &Sort, limit: usize) -> Vec<(String, String)> {
    let scopes = ACCOUNTS.map(scope);
    let (mut all, mut after): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = store.list_findings(&scopes, criteria, sort, after.as_ref(), limit).await.unwrap();
        assert!(page.findings.len() <= limit);
        all.extend(page.findings.into_iter().map(|(at, id)| (scopes[at].account.clone(), id)));
        // As text, because that is how a page token brings it back.
        let Some(next) = page.next else { return all };
        after = Some(serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap());
    }
}

/// An empty store of each kind that there is.
fn homes() -> Vec<Home> {
    [Some(Home::folder()), Home::database()].into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_database_lists_and_counts_what_a_plain_model_does(
        bodies in proptest::collection::vec(body(), 1..60),
        archived in proptest::collection::vec(0..40u32, 0..10),
        questions in proptest::collection::vec((criterion(), attribute(), any::<bool>(), 1..9usize), 1..8),
    ) {
        run(async { for home in homes() {
            let store = home.open();
            let mut model = Model::default();
            for (at, body) in bodies.iter().enumerate() {
                let scope = scope(body["accountId"].as_str().unwrap());
                store.put_findings(&scope, vec![write(body.clone())]).await.unwrap();
                model.put(&scope, body.clone());
                if at == bodies.len() / 2 {
                    let ids: Vec<String> = archived.iter().map(u32::to_string).collect();
                    store.set_archived(&ACCOUNTS.map(self::scope), &ids, true).await.unwrap();
                    for (_, stored) in &mut model.findings {
                        if ids.iter().any(|id| stored["id"] == json!(id)) {
                            stored["service"]["archived"] = json!(true);
                        }
                    }
                }
            }
            for (criterion, attribute, descending, limit) in questions.clone() {
                let criteria = FindingCriteria::parse("test", &json!({"criterion": criterion})).unwrap();
                let sort = Sort { attribute, descending };
                let expected = model.list(&criteria, &sort);
                // Whatever is thought rare, and so by every way to the findings.
                for rare_max in [0, 3, 4_000] {
                    let store = store.clone().with_rare_max(rare_max);
                    assert_eq!(pages(&store, &criteria, &sort, limit).await, expected, "{sort:?} {criterion}");
                }
                for grouping in [
                    Grouping::Account, Grouping::Date, Grouping::FindingType, Grouping::Resource, Grouping::Severity,
                    Grouping::TypeAndSeverity,
                ] {
                    let groups = store.statistics(&ACCOUNTS.map(scope), &criteria, grouping, false, 1_000).await.unwrap();
                    let counts: Vec<u64> = groups.iter().map(|group| group.count).collect();
                    assert!(counts.is_sorted_by(|a, b| a >= b));
                    let found: BTreeMap<String, (u64, i64)> = groups
                        .iter()
                        .map(|group| (name(group, grouping), (group.count, group.newest.ms())))
                        .collect();
                    assert_eq!(found.len(), groups.len());
                    assert_eq!(found, model.count(&criteria, grouping), "{grouping:?} {criterion}");
                }
            }
        }});
    }

    #[test]
    fn what_is_named_is_found_at_once_and_what_a_text_stands_in_is_read(bodies in proptest::collection::vec(body(), 1..40)) {
        run(async { for home in homes() {
            let store = home.open();
            let scopes = ACCOUNTS.map(scope);
            for body in &bodies {
                let scope = scope(body["accountId"].as_str().unwrap());
                store.put_findings(&scope, vec![write(body.clone())]).await.unwrap();
            }
            let instance = |body: &Value| body["resource"]["instanceDetails"]["instanceId"].as_str().map(str::to_owned);
            for wanted in bodies.iter().filter_map(instance).chain(["nothing".to_owned()]) {
                let mut expected = Vec::new();
                let mut ids = Vec::new();
                for (at, scope) in scopes.iter().enumerate() {
                    let all = FindingCriteria::default();
                    let page = store.list_findings(std::slice::from_ref(scope), &all, &Sort::default(), None, 1_000).await;
                    let held: Vec<String> = page.unwrap().findings.into_iter().map(|(_, id)| id).collect();
                    for stored in store.findings(std::slice::from_ref(scope), &held).await.unwrap() {
                        if instance(&stored.body).as_ref() == Some(&wanted) {
                            expected.push((at, stored.body["id"].as_str().unwrap().to_owned()));
                        }
                    }
                    let texts = [wanted.to_uppercase(), "\"".to_owned()];
                    let read = store.findings_with(std::slice::from_ref(scope), &held, &texts).await.unwrap();
                    ids.extend(read.into_iter().map(|stored| (at, stored.body["id"].as_str().unwrap().to_owned())));
                }
                let named = store.findings_named(&scopes, &wanted, 1_000).await.unwrap().unwrap();
                // The same value may be another name of other findings, a tag for instance.
                assert!(expected.iter().all(|one| named.contains(one)), "{wanted}: {named:?}");
                let text = Value::from(wanted.as_str()).to_string();
                for (at, id) in &named {
                    let found = store.findings(&scopes[*at..=*at], std::slice::from_ref(id)).await.unwrap();
                    assert!(found[0].body.to_string().contains(&text), "{wanted}: {}", found[0].body);
                }
                assert!(expected.iter().all(|one| ids.contains(one)) && (wanted != "nothing" || ids.is_empty()));
                if named.len() > 1 {
                    assert_eq!(store.findings_named(&scopes, &wanted, named.len() - 1).await.unwrap(), None);
                }
            }
            let (scope, id) = (scope(bodies[0]["accountId"].as_str().unwrap()), bodies[0]["id"].as_str().unwrap());
            let named = store.findings_named(std::slice::from_ref(&scope), id, 10).await.unwrap().unwrap();
            assert!(named.contains(&(0, id.to_owned())));
        }});
    }

    #[test]
    fn a_page_token_stays_good_while_findings_arrive(
        before in proptest::collection::vec(body(), 20..40),
        between in proptest::collection::vec(body(), 1..20),
        descending in any::<bool>(),
    ) {
        run(async { for home in homes() {
            let store = home.open();
            let scope = scope(ACCOUNTS[0]);
            let sort = Sort { attribute: "severity".into(), descending };
            let put = |bodies: Vec<Value>, prefix: &'static str| {
                let (store, scope) = (store.clone(), scope.clone());
                async move {
                    for (at, mut body) in bodies.into_iter().enumerate() {
                        body["id"] = json!(format!("{prefix}{at}"));
                        body["accountId"] = json!(ACCOUNTS[0]);
                        store.put_findings(&scope, vec![write(body)]).await.unwrap();
                    }
                }
            };
            put(before.clone(), "old").await;
            let criteria = FindingCriteria::default();
            let scopes = std::slice::from_ref(&scope);
            let first = store.list_findings(scopes, &criteria, &sort, None, 7).await.unwrap();
            let mut seen: Vec<String> = first.findings.into_iter().map(|(_, id)| id).collect();
            put(between.clone(), "new").await;
            let mut after = first.next;
            while let Some(cursor) = after {
                let page = store.list_findings(scopes, &criteria, &sort, Some(&cursor), 7).await.unwrap();
                seen.extend(page.findings.into_iter().map(|(_, id)| id));
                after = page.next;
            }
            let mut old: Vec<&String> = seen.iter().filter(|id| id.starts_with("old")).collect();
            old.sort();
            old.dedup();
            assert_eq!(old.len(), before.len());
            let all = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), all, "a finding on two pages");
        }});
    }
}
