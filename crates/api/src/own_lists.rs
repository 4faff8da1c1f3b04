//! The lists that the API's sets make, for the engine: each holds for its detector's account and region, and those of an
//! administrator for its members, whose own do not act. Source: GuardDuty's documentation of lists.

use crate::arrivals::Unanswered;
use crate::documents::{self, Document};
use crate::relationship::Administrator;
use crate::resources::sets::{self, ActiveSet};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_knowledge::{ListGroup, OwnLists};
use watchfire_store::{Range, Store};

/// Which lists the engine holds, to tell when others should be held.
#[derive(Debug, Default)]
pub struct HeldLists {
    /// Of the documents that decide it, when they were last read.
    stamp: Vec<[i64; 3]>,
    groups: Groups,
}

/// An account and region, or the holder of lists: account, region and detector.
type Place = (String, String);
type Holder = (String, String, String);
type Groups = BTreeMap<Holder, (Vec<Place>, Vec<ActiveSet>)>;

impl HeldLists {
    /// The lists that are active now, if they are others than those held. Asking costs little while nothing changes.
    pub async fn changed(&mut self, store: &Store) -> Result<Option<OwnLists>, Unanswered> {
        let kinds = sets::KINDS.into_iter().chain([Administrator::KIND]).collect::<Vec<_>>();
        let stamp = store.documents_stamp(&kinds).await?;
        if stamp == self.stamp {
            return Ok(None);
        }
        let groups = groups(store).await?;
        if groups == self.groups {
            self.stamp = stamp; // A set was tagged, or loaded in vain.
            return Ok(None);
        }
        let mut lists = Vec::new();
        for (places, sets) in groups.values() {
            let mut group = ListGroup { places: places.clone(), lists: Vec::new() };
            for set in sets {
                group.lists.extend(set.list(store).await?);
            }
            lists.push(group);
        }
        // The stamp is older than what was read: whatever changed in between is read once more.
        (self.stamp, self.groups) = (stamp, groups);
        Ok(Some(OwnLists::new(lists)))
    }
}

async fn groups(store: &Store) -> Result<Groups, Unanswered> {
    let mut groups = Groups::new();
    for set in sets::active(store).await? {
        let holder = (set.key.account.clone(), set.key.region.clone(), set.key.parent.clone());
        groups.entry(holder).or_default().1.push(set);
    }
    if groups.is_empty() {
        return Ok(groups);
    }
    let any = Range { kind: Administrator::KIND, account: None, region: None, parent: None };
    let members = documents::all::<Administrator>(store, &any).await?;
    let governed: BTreeSet<Place> =
        members.iter().map(|one| (one.key.account.clone(), one.key.region.clone())).collect();
    for ((account, region, _), (places, _)) in &mut groups {
        let own = (account.clone(), region.clone());
        places.extend(Some(own).filter(|own| !governed.contains(own)));
    }
    for member in members {
        let holder = (member.body.account, member.key.region.clone(), member.body.detector);
        if let Some((places, _)) = groups.get_mut(&holder) {
            places.push((member.key.account, member.key.region));
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::put;
    use crate::testing::{ACCOUNT, Api, REGION};
    use serde_json::{Value, json};
    use std::net::IpAddr;
    use watchfire_knowledge::Indicators;
    use watchfire_store::{Change, Expect, Key};

    const BAD: &str = "203.0.113.9";

    fn administrator_of(member: &str, account: &str, detector: &str) -> Change {
        let key = Key {
            account: member.into(),
            region: REGION.into(),
            kind: Administrator::KIND,
            parent: String::new(),
            id: "administrator".into(),
        };
        let body =
            Administrator { account: account.into(), detector: detector.into(), invitation_id: None, invited: None };
        put(key, &body, Expect::Any)
    }

    async fn activated(api: &Api, path: &str, body: Value) -> String {
        let made = api.of_detector("POST", path, body).await.unwrap();
        let id = made.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        for _ in 0..500 {
            let set = api.of_detector("GET", &format!("{path}/{id}"), Value::Null).await.unwrap();
            if set["status"] != "ACTIVATING" {
                assert_eq!(set["status"], "ACTIVE", "{set}");
                return id;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the list was not loaded");
    }

    fn set(name: &str, location: &str) -> Value {
        json!({"name": name, "format": "TXT", "location": location, "activate": true})
    }

    #[tokio::test]
    async fn an_active_set_acts_for_its_account_and_its_members_until_it_is_switched_off() {
        let api = Api::with_detector().await;
        let list = format!("{BAD}\nbad.example.com\n");
        api.objects([("lists/bad", list.as_str()), ("lists/good", "198.51.100.1\ngood.example.com\n")]);
        let (store, mut held) = (&api.service.store, HeldLists::default());
        assert!(held.changed(store).await.unwrap().is_none(), "there are no lists");
        let id = activated(&api, "/threatintelset", set("ours", "s3://lists/bad")).await;
        let lists = held.changed(store).await.unwrap().expect("the list is active");
        assert!(held.changed(store).await.unwrap().is_none(), "nothing has changed since");
        let (shared, ip) = (Indicators::default(), BAD.parse::<IpAddr>().unwrap());
        let named = |lists: &OwnLists, account: &str| -> Vec<String> {
            let found = lists.beside(&shared, account, REGION).ip_matches(ip);
            found.into_iter().map(|threat| threat.list).collect()
        };
        assert_eq!(named(&lists, ACCOUNT), ["ours"]);
        assert_eq!(named(&lists, "444455556666"), [""; 0]);
        assert_eq!(
            lists.beside(&shared, ACCOUNT, REGION).domain_kinds("bad.example.com"),
            0,
            "the kind is of addresses"
        );

        store.commit(vec![administrator_of("444455556666", ACCOUNT, &api.detector)]).await.unwrap();
        let lists = held.changed(store).await.unwrap().expect("there is a member now");
        assert_eq!(named(&lists, "444455556666"), ["ours"]);

        // Under an administrator of its own, an account's lists rest.
        store.commit(vec![administrator_of(ACCOUNT, "777788889999", "other")]).await.unwrap();
        let lists = held.changed(store).await.unwrap().expect("it is a member itself");
        assert_eq!((named(&lists, ACCOUNT).len(), named(&lists, "444455556666").len()), (0, 1));
        let Change::Put { key, .. } = administrator_of(ACCOUNT, "", "") else { unreachable!() };
        store.commit(vec![Change::Delete { key, expect: Expect::Any }]).await.unwrap();

        let trusting = activated(&api, "/trustedentityset", set("good", "s3://lists/good")).await;
        let lists = held.changed(store).await.unwrap().unwrap();
        let view = lists.beside(&shared, ACCOUNT, REGION);
        assert_eq!((view.trusted_domain("good.example.com"), view.trusted_ip(ip)), (Some("good"), None));
        api.of_detector("DELETE", &format!("/trustedentityset/{trusting}"), Value::Null).await.unwrap();
        api.of_detector("POST", &format!("/threatintelset/{id}"), json!({"activate": false})).await.unwrap();
        let lists = held.changed(store).await.unwrap().expect("both are off");
        assert_eq!(named(&lists, ACCOUNT), [""; 0]);
        assert_eq!(lists.beside(&shared, ACCOUNT, REGION).trusted_domain("good.example.com"), None);
    }
}
