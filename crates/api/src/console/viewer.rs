//! Who looks at the console, what they may see, and how the console asks and changes things: by the API's own operations,
//! so that there is one place where each is decided.

use super::web::Ask;
use crate::audit::Asker;
use crate::call::Caller;
use crate::dispatch::{Request, dispatch};
use crate::documents::{self, Document, Held};
use crate::error::{ApiError, ErrorClass};
use crate::keys::{AccessKey, Policy};
use crate::operation::recognise;
use crate::relationship::{Member, administrator_in};
use crate::resources::detectors::{Detector, THE_ONE};
use crate::resources::organization::Organization;
use crate::service::Service;
use crate::sigv4::is_name;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use watchfire_export::harmless;
use watchfire_store::{Key, Range, Scope};

/// Findings that one call of the API may name. Source: the model, `FindingIds`.
const IDS_AT_ONCE_MAX: usize = 50;

/// Somebody who has signed in.
pub(crate) struct Viewer {
    pub(crate) service: Arc<Service>,
    /// The key they signed in with, as it is now.
    pub(crate) key: AccessKey,
    /// What their forms bring back.
    pub(crate) csrf: String,
    /// When they ask, milliseconds since 1970.
    pub(crate) now: i64,
    /// Where they are.
    peer: IpAddr,
    /// What their browser calls itself.
    user_agent: String,
    /// Who administers the organization, by region.
    administrators: HashMap<String, String>,
}

impl Viewer {
    /// Somebody with a key.
    pub(crate) async fn new(service: &Arc<Service>, key: AccessKey, csrf: String, ask: &Ask) -> Result<Self, ApiError> {
        let range =
            Range { kind: Organization::KIND, account: Some(String::new()), region: None, parent: Some(String::new()) };
        let organizations = documents::all::<Organization>(&service.store, &range).await?;
        let administrators = organizations.into_iter().map(|held| (held.key.region, held.body.account)).collect();
        let now = service.clock.now().as_millisecond();
        let (peer, user_agent) = (ask.inlet.peer, ask.user_agent().to_owned());
        Ok(Self { service: service.clone(), key, csrf, now, peer, user_agent, administrators })
    }

    /// The time, milliseconds since 1970, which goes on while a page is made.
    pub(crate) fn moment(&self) -> i64 {
        self.service.clock.now().as_millisecond()
    }

    /// Whether they may change anything.
    pub(crate) fn may_change(&self) -> bool {
        self.key.policy == Policy::Administrator
    }

    /// Whether they see and set all accounts of a region: with an administrator key of the account that administers the
    /// organization there; of any account while none does, as any may then act as the management account.
    pub(crate) fn is_operator_in(&self, region: &str) -> bool {
        let administers = self.administrators.get(region).is_none_or(|account| *account == self.key.account);
        self.may_change() && administers
    }

    /// The detectors that they see, by account and region: their own, those of all accounts where they are an operator,
    /// and those of their members.
    pub(crate) async fn detectors(&self) -> Result<Vec<Held<Detector>>, ApiError> {
        let members = self.members().await?;
        let sees_others = self.may_change() || !members.is_empty();
        let range = Range {
            kind: Detector::KIND,
            account: if sees_others { None } else { Some(self.key.account.clone()) },
            region: None,
            parent: Some(String::new()),
        };
        let mut detectors = documents::all::<Detector>(&self.service.store, &range).await?;
        detectors.retain(|held| {
            let (account, region) = (&held.key.account, &held.key.region);
            *account == self.key.account
                || self.is_operator_in(region)
                || members.contains(&(account.clone(), region.clone()))
        });
        Ok(detectors)
    }

    /// (account, region) of each member of their account.
    pub(crate) async fn members(&self) -> Result<HashSet<(String, String)>, ApiError> {
        let range = Range { kind: Member::KIND, account: Some(self.key.account.clone()), region: None, parent: None };
        let members = documents::all::<Member>(&self.service.store, &range).await?;
        let associated = members.into_iter().filter(|member| member.status.is_associated());
        Ok(associated.map(|member| (member.key.id, member.key.region)).collect())
    }

    /// A detector that they see.
    pub(crate) async fn detector(&self, account: &str, region: &str) -> Result<Held<Detector>, ApiError> {
        let is_seen = account == self.key.account
            || self.is_operator_in(region)
            || self.members().await?.contains(&(account.to_owned(), region.to_owned()));
        let missing = || {
            let message =
                format!("There is no detector in account {account} and region {region} that your key may see.");
            ApiError::of(ErrorClass::ResourceNotFound, message)
        };
        if !is_seen {
            return Err(missing());
        }
        let key = Key {
            account: account.to_owned(),
            region: region.to_owned(),
            kind: Detector::KIND,
            parent: String::new(),
            id: THE_ONE.to_owned(),
        };
        self.service.store.document(&key).await?.map(Held::of).transpose()?.ok_or_else(missing)
    }

    /// Calls an operation in an account and region as its own holder of a key would: by method, path and body.
    pub(crate) async fn call(
        &self,
        account: &str,
        region: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, ApiError> {
        // Of a signed request this was looked at with the signature.
        if !is_name(region) {
            return Err(ApiError::invalid_parameter("region"));
        }
        let Some((operation, labels)) = recognise(method, path) else {
            return Err(ApiError::internal(format!("no operation {method} {path}")));
        };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let caller =
            Caller { account: account.to_owned(), access_key_id: self.key.id.clone(), policy: self.key.policy };
        let asker = Asker {
            caller: Some(caller.clone()),
            access_key_id: Some(self.key.id.clone()),
            region: Some(region.to_owned()),
            operation: Some(operation),
            detector: labels.iter().find(|(name, _)| *name == "DetectorId").map(|(_, id)| id.clone()),
            ..Asker::default()
        };
        let begin = self.service.clock.now();
        let request = Request { operation, labels, query: Vec::new(), body: &body };
        let answer = dispatch(&self.service, caller, region.to_owned(), request).await;
        let error = answer.as_ref().err().map(|error| error.class);
        self.service.tell_of_console((self.peer, &self.user_agent), &asker, begin, error);
        answer
    }

    /// Calls an operation of a detector; `path` is what follows the detector's id.
    pub(crate) async fn call_detector(
        &self,
        scope: &Scope,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, ApiError> {
        let path = format!("/detector/{}{path}", scope.detector);
        self.call(&scope.account, &scope.region, method, &path, body).await
    }

    /// Archives findings or takes them out of the archive.
    pub(crate) async fn set_archived(&self, findings: &[(Scope, String)], archived: bool) -> Result<(), ApiError> {
        let path = if archived { "/findings/archive" } else { "/findings/unarchive" };
        self.change_findings(findings, path, json!({})).await
    }

    /// Calls an operation on findings, by whoever may do so for their account: its administrator, if it is a member.
    pub(crate) async fn change_findings(
        &self,
        findings: &[(Scope, String)],
        path: &str,
        body: Value,
    ) -> Result<(), ApiError> {
        let mut by_actor: Vec<(Scope, Vec<&str>)> = Vec::new();
        for (scope, id) in findings {
            let actor = self.actor(scope).await?;
            match by_actor.iter_mut().find(|(other, _)| *other == actor) {
                Some((_, ids)) => ids.push(id),
                None => by_actor.push((actor, vec![id])),
            }
        }
        for (actor, ids) in by_actor {
            for some in ids.chunks(IDS_AT_ONCE_MAX) {
                let mut body = body.clone();
                body["findingIds"] = json!(some);
                self.call_detector(&actor, "POST", path, body).await?;
            }
        }
        Ok(())
    }

    /// Who archives the findings of a detector, and whose filters hold for it: the administrator of its account, else the
    /// account itself.
    pub(crate) async fn actor(&self, scope: &Scope) -> Result<Scope, ApiError> {
        if scope.account == self.key.account {
            return Ok(scope.clone());
        }
        let administrator = administrator_in(&self.service.store, (&scope.account, &scope.region)).await?;
        Ok(match administrator {
            Some(held) => {
                Scope { account: held.account.clone(), region: scope.region.clone(), detector: held.detector.clone() }
            }
            None => scope.clone(),
        })
    }
}

/// The scope of a detector's findings.
pub(crate) fn scope_of(detector: &Held<Detector>) -> Scope {
    Scope { account: detector.key.account.clone(), region: detector.key.region.clone(), detector: detector.id.clone() }
}

/// The value with every text made harmless: what a page shows passes through here, and through the templates, which
/// escape what they are given.
pub(crate) fn tame(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(harmless(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(tame).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (harmless(&name).into_owned(), tame(value))).collect()
        }
        other => other,
    }
}
