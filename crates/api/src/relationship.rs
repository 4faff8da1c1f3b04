//! Administrators and members: one account that sees the findings of others and sets what is analysed there.
//!
//! A relationship is told from both sides, in documents that are written together: the administrator's [`Member`], and
//! the member's [`Invitation`] and [`Administrator`].

use crate::call::Call;
use crate::documents::{Document, Held, put};
use crate::error::ApiError;
use crate::generated::types::UnprocessedAccount;
use crate::resources::detectors;
use serde::{Deserialize, Serialize};
use watchfire_store::{Change, Expect, Key, Range, Store};

/// How an administrator and a member stand to each other, in the words of the wire. Source: the model's documentation of
/// `Member.RelationshipStatus`. Nobody's address is verified here, so that the two states of that do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    /// The administrator has named the account.
    Created,
    /// It was invited, and has not answered.
    Invited,
    /// It is a member, and watched.
    Enabled,
    /// It is a member, and not watched.
    Disabled,
    /// The administrator ended it.
    Removed,
    /// The member ended it, or declined.
    Resigned,
}

impl Status {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Invited => "Invited",
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::Removed => "Removed",
            Self::Resigned => "Resigned",
        }
    }

    /// Whether the account is a member now.
    pub(crate) fn is_associated(self) -> bool {
        matches!(self, Self::Enabled | Self::Disabled)
    }
}

/// The administrator's side. Its id is the member's account, its parent the administrator's detector.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub(crate) email: String,
    pub(crate) status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitation_id: Option<String>,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited: Option<i64>,
    /// Milliseconds since 1970.
    pub(crate) changed: i64,
    /// Whether the organization made it a member, and not an invitation.
    pub(crate) by_organization: bool,
}

impl Document for Member {
    const KIND: &'static str = "member";
}

/// What a member has received. Its id is the administrator's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invitation {
    pub(crate) invitation_id: String,
    /// Milliseconds since 1970.
    pub(crate) invited: i64,
    pub(crate) status: Status,
    pub(crate) administrator_detector: String,
}

impl Document for Invitation {
    const KIND: &'static str = "invitation";
}

/// Whose member an account is. There is at most one, under a fixed id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Administrator {
    pub(crate) account: String,
    pub(crate) detector: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitation_id: Option<String>,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited: Option<i64>,
}

impl Document for Administrator {
    const KIND: &'static str = "administrator";
}

const THE_ONE: &str = "administrator";

/// The administrator of an account, if it is a member.
pub(crate) async fn administrator(call: &Call, account: &str) -> Result<Option<Held<Administrator>>, ApiError> {
    administrator_in(call.store(), (account, &call.region)).await
}

/// The administrator of an account in a region, if it is a member.
pub(crate) async fn administrator_in(
    store: &Store,
    (account, region): (&str, &str),
) -> Result<Option<Held<Administrator>>, ApiError> {
    let key = Key {
        account: account.to_owned(),
        region: region.to_owned(),
        kind: Administrator::KIND,
        parent: String::new(),
        id: THE_ONE.to_owned(),
    };
    store.document(&key).await?.map(Held::of).transpose()
}

/// The account and detector whose filters and lists hold for a detector: those of its administrator, or itself.
/// Source: GuardDuty's documentation of what administrators do for members.
pub(crate) async fn governing(
    store: &Store,
    place: (&str, &str),
    detector: &str,
) -> Result<(String, String), ApiError> {
    Ok(match administrator_in(store, place).await? {
        None => (place.0.to_owned(), detector.to_owned()),
        Some(administrator) => (administrator.body.account, administrator.body.detector),
    })
}

/// Makes an account a member of an administrator. Fails as a race if it has one.
pub(crate) fn join(call: &Call, account: &str, administrator: &Administrator) -> Change {
    put(call.key_in::<Administrator>(account, "", THE_ONE), administrator, Expect::Absent)
}

/// Refuses what only administrators and accounts of their own may do: lists, filters, archiving, investigations, members.
/// The tests below list every operation. Source: GuardDuty's documentation of what members may do, and the model's of each
/// operation.
pub(crate) async fn refuse_members(call: &Call) -> Result<(), ApiError> {
    match administrator(call, call.account()).await? {
        None => Ok(()),
        Some(_) => {
            Err(ApiError::bad_request("the current account is a member, and only its administrator may do this"))
        }
    }
}

/// The caller's members under its detector, whatever their status.
pub(crate) async fn members(call: &Call) -> Result<Vec<Held<Member>>, ApiError> {
    let detector = detectors::current(call, call.account()).await?;
    match detector {
        Some(detector) => call.all::<Member>(&detector.id).await,
        None => Ok(Vec::new()),
    }
}

/// The associated members of the caller, with the scopes of their findings: what an administrator sees beside its own.
pub(crate) async fn associated_accounts(call: &Call) -> Result<Vec<String>, ApiError> {
    let members = members(call).await?;
    Ok(members.into_iter().filter(|member| member.status.is_associated()).map(|member| member.key.id.clone()).collect())
}

/// What ends a relationship on the member's side: its administrator, if it is this one, and the invitation.
pub(crate) async fn leave(call: &Call, member: &str, administrator_account: &str) -> Result<Vec<Change>, ApiError> {
    let mut changes = Vec::new();
    let present = administrator(call, member).await?;
    changes.extend(present.filter(|present| present.account == administrator_account).map(|present| present.delete()));
    let invitation: Option<Held<Invitation>> =
        call.get(&call.key_in::<Invitation>(member, "", administrator_account)).await?;
    changes.extend(invitation.map(|invitation| invitation.delete()));
    Ok(changes)
}

/// Every account that the server holds in this region: with an access key, or with a detector. They form one
/// organization.
pub(crate) async fn known_accounts(call: &Call) -> Result<Vec<String>, ApiError> {
    let keys = call.service.keys.list(None).await?;
    let range = Range {
        kind: detectors::Detector::KIND,
        account: None,
        region: Some(call.region.clone()),
        parent: Some(String::new()),
    };
    let detectors = call.all_in::<detectors::Detector>(&range).await?;
    let accounts = keys.into_iter().map(|key| key.account);
    let mut accounts: Vec<String> = accounts.chain(detectors.into_iter().map(|one| one.key.account)).collect();
    accounts.sort();
    accounts.dedup();
    Ok(accounts)
}

/// Twelve digits; the model asks for twelve characters.
pub(crate) fn checked_account(account: &str, parameter: &str) -> Result<(), ApiError> {
    let is_good = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if is_good { Ok(()) } else { Err(ApiError::invalid_parameter(parameter)) }
}

/// An account that is set aside, and why.
pub(crate) fn set_aside(account: &str, reason: &str) -> UnprocessedAccount {
    UnprocessedAccount { account_id: account.to_owned(), result: format!("The request is rejected because {reason}.") }
}

/// Changes of several accounts in one step, and the accounts that are set aside.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    unprocessed: Vec<UnprocessedAccount>,
}

impl Batch {
    /// The documents of the named accounts under a parent; accounts that have none are set aside.
    pub(crate) async fn find<T: Document>(
        call: &Call,
        parent: &str,
        accounts: &[String],
        reason: &str,
    ) -> Result<(Vec<Held<T>>, Self), ApiError> {
        let mut accounts = accounts.to_vec();
        accounts.sort();
        accounts.dedup();
        let (mut found, mut batch) = (Vec::new(), Self::default());
        for account in &accounts {
            match call.find::<T>(parent, account).await? {
                Some(held) => found.push(held),
                None => batch.set_aside(account, reason),
            }
        }
        Ok((found, batch))
    }

    /// Sets an account aside.
    pub(crate) fn set_aside(&mut self, account: &str, reason: &str) {
        self.unprocessed.push(set_aside(account, reason));
    }

    /// Writes the changes, all or none, and answers who was set aside.
    pub(crate) async fn commit(self, call: &Call) -> Result<Vec<UnprocessedAccount>, ApiError> {
        call.commit(self.changes).await?;
        Ok(self.unprocessed)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{ACCOUNT, Api};
    use serde_json::{Value, json};

    const ADMINISTRATOR: &str = "444455556666";

    async fn administrators_detector(api: &Api) -> String {
        let answer = api.call_as(ADMINISTRATOR, "POST", "/detector", json!({"enable": true})).await.unwrap();
        answer["detectorId"].as_str().unwrap().to_owned()
    }

    /// The account of the tests is a member of this detector's account.
    async fn make_member(api: &Api, detector: &str) {
        let below = |path: &str| format!("/detector/{detector}{path}");
        let details = json!({"accountDetails": [{"accountId": ACCOUNT, "email": "a@example.com"}]});
        api.call_as(ADMINISTRATOR, "POST", &below("/member"), details).await.unwrap();
        let invite = json!({"accountIds": [ACCOUNT], "disableEmailNotification": true});
        api.call_as(ADMINISTRATOR, "POST", &below("/member/invite"), invite).await.unwrap();
        let invitations = api.call("GET", "/invitation", Value::Null).await.unwrap();
        let invitation = &invitations["invitations"][0]["invitationId"];
        let accept = json!({"administratorId": ADMINISTRATOR, "invitationId": invitation});
        api.of_detector("POST", "/administrator", accept).await.unwrap();
    }

    /// Every operation that a member is refused, as (operation, method, path, body). Below the detector, but for custom rules.
    fn refused() -> Vec<(&'static str, &'static str, &'static str, Value)> {
        let accounts = json!({"accountIds": ["777788889999"]});
        let ids = json!({"findingIds": ["0".repeat(32)]});
        let set = json!({"name": "n", "format": "TXT", "location": "s3://bucket/key", "activate": false});
        let criteria = json!({"criterion": {"type": {"eq": ["Recon:EC2/Portscan"]}}});
        let rule = json!({"ruleId": "r", "mode": "LIVE"});
        let mut refused = vec![
            ("ArchiveFindings", "POST", "/findings/archive", ids.clone()),
            ("UnarchiveFindings", "POST", "/findings/unarchive", ids),
            ("CreateFilter", "POST", "/filter", json!({"name": "quiet", "findingCriteria": criteria})),
            ("UpdateFilter", "POST", "/filter/quiet", json!({})),
            ("DeleteFilter", "DELETE", "/filter/quiet", Value::Null),
            ("CreateInvestigation", "POST", "/investigation", json!({"triggerPrompt": "what happened"})),
            (
                "CreateMembers",
                "POST",
                "/member",
                json!({"accountDetails": [{"accountId": "777788889999", "email": "a@example.com"}]}),
            ),
            ("InviteMembers", "POST", "/member/invite", accounts.clone()),
            ("DisassociateMembers", "POST", "/member/disassociate", accounts.clone()),
            ("DeleteMembers", "POST", "/member/delete", accounts.clone()),
            ("StartMonitoringMembers", "POST", "/member/start", accounts.clone()),
            ("StopMonitoringMembers", "POST", "/member/stop", accounts.clone()),
            ("UpdateMemberDetectors", "POST", "/member/detector/update", accounts),
            ("CreateCustomDetectionRuleOrgConfiguration", "POST", "/custom-detection-rule/org-configuration", rule),
            (
                "UpdateCustomDetectionRuleOrgConfiguration",
                "PUT",
                "/custom-detection-rule/org-configuration/r?mode=LIVE",
                json!({"mode": "LIVE"}),
            ),
            (
                "DeleteCustomDetectionRuleOrgConfiguration",
                "DELETE",
                "/custom-detection-rule/org-configuration/r?mode=LIVE",
                Value::Null,
            ),
        ];
        for (operation, path) in [
            (["CreateIPSet", "UpdateIPSet", "DeleteIPSet"], ["/ipset", "/ipset/0"]),
            (
                ["CreateThreatIntelSet", "UpdateThreatIntelSet", "DeleteThreatIntelSet"],
                ["/threatintelset", "/threatintelset/0"],
            ),
            (
                ["CreateThreatEntitySet", "UpdateThreatEntitySet", "DeleteThreatEntitySet"],
                ["/threatentityset", "/threatentityset/0"],
            ),
            (
                ["CreateTrustedEntitySet", "UpdateTrustedEntitySet", "DeleteTrustedEntitySet"],
                ["/trustedentityset", "/trustedentityset/0"],
            ),
        ] {
            refused.push((operation[0], "POST", path[0], set.clone()));
            refused.push((operation[1], "POST", path[1], json!({})));
            refused.push((operation[2], "DELETE", path[1], Value::Null));
        }
        refused
    }

    #[tokio::test]
    async fn what_only_an_administrator_may_do_is_refused_to_its_members() {
        let api = Api::with_detector().await;
        let of_all = |path: &str| match path.starts_with("/custom-detection-rule") {
            true => path.to_owned(),
            false => format!("/detector/{}{path}", api.detector),
        };
        const SAID: &str = "only its administrator may do this";
        for (operation, method, path, body) in refused() {
            let (raw_path, _) = path.split_once('?').unwrap_or((path, ""));
            let (recognised, _) = crate::operation::recognise(method, &of_all(raw_path)).unwrap();
            assert_eq!(recognised.name(), operation);
            // An account of its own may: whatever else is wrong with the request.
            if let Err(error) = api.call(method, &of_all(path), body).await {
                assert!(!error.message.contains(SAID), "{operation}: {}", error.message);
            }
        }
        let detector = administrators_detector(&api).await;
        // Members that the loop above has named must not stand in the way.
        let members = json!({"accountIds": ["777788889999"]});
        let _ = api.of_detector("POST", "/member/disassociate", members.clone()).await;
        let _ = api.of_detector("POST", "/member/delete", members).await;
        make_member(&api, &detector).await;
        for (operation, method, path, body) in refused() {
            let error = api.call(method, &of_all(path), body).await.unwrap_err();
            assert!(error.message.contains(SAID), "{operation}: {}", error.message);
        }
        let error = api.refusal("POST", "", json!({"findingPublishingFrequency": "ONE_HOUR"})).await;
        assert!(error.contains("findingPublishingFrequency"), "{error}");
        // What members may do.
        let destination = json!({"destinationType": "S3", "destinationProperties":
            {"destinationArn": "arn:aws:s3:::bucket", "kmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/a"}});
        for (method, path, body) in [
            ("GET", "", Value::Null),
            ("POST", "", json!({"features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]})),
            ("POST", "/findings/create", json!({"findingTypes": ["Recon:EC2/Portscan"]})),
            ("POST", "/findings", json!({})),
            ("POST", "/findings/feedback", json!({"findingIds": ["0".repeat(32)], "feedback": "USEFUL"})),
            ("GET", "/filter", Value::Null),
            ("GET", "/ipset", Value::Null),
            ("GET", "/member", Value::Null),
            ("GET", "/administrator", Value::Null),
            ("POST", "/publishingDestination", destination),
            ("POST", "/usage/statistics", json!({"usageStatisticsType": "SUM_BY_ACCOUNT", "usageCriteria": {}})),
            ("POST", "/administrator/disassociate", json!({})),
        ] {
            let answer = api.of_detector(method, path, body).await;
            assert!(answer.is_ok(), "{method} {path}: {answer:?}");
        }
    }

    /// Source: the model's documentation of `ListIPSets` and the other three.
    #[tokio::test]
    async fn a_member_sees_the_sets_of_its_administrator() {
        let api = Api::with_detector().await;
        let detector = administrators_detector(&api).await;
        let set = json!({"name": "ours", "format": "TXT", "location": "s3://bucket/key", "activate": false});
        let path = format!("/detector/{detector}/threatentityset");
        let id = api.call_as(ADMINISTRATOR, "POST", &path, set).await.unwrap()["threatEntitySetId"].take();
        let listed = api.of_detector("GET", "/threatentityset", Value::Null).await.unwrap();
        assert_eq!(listed["threatEntitySetIds"], json!([]));
        make_member(&api, &detector).await;
        let listed = api.of_detector("GET", "/threatentityset", Value::Null).await.unwrap();
        assert_eq!(listed["threatEntitySetIds"], json!([id]));
        let path = format!("/threatentityset/{}", id.as_str().unwrap());
        assert_eq!(api.of_detector("GET", &path, Value::Null).await.unwrap()["name"], "ours");
    }

    /// Source: GuardDuty's documentation of how often findings are published.
    #[tokio::test]
    async fn a_member_publishes_as_often_as_its_administrator() {
        let api = Api::with_detector().await;
        let frequency = |answer: Value| answer["findingPublishingFrequency"].as_str().unwrap().to_owned();
        let of_member = async || frequency(api.of_detector("GET", "", Value::Null).await.unwrap());
        assert_eq!(of_member().await, "SIX_HOURS");
        let wanted = |word: &str| json!({"findingPublishingFrequency": word});
        api.of_detector("POST", "", wanted("FIFTEEN_MINUTES")).await.unwrap();
        assert_eq!(of_member().await, "FIFTEEN_MINUTES");
        for word in ["DAILY", "six_hours", ""] {
            assert!(api.of_detector("POST", "", wanted(word)).await.is_err(), "{word}");
        }
        let detector = administrators_detector(&api).await;
        let path = format!("/detector/{detector}");
        api.call_as(ADMINISTRATOR, "POST", &path, wanted("ONE_HOUR")).await.unwrap();
        make_member(&api, &detector).await;
        assert_eq!(of_member().await, "ONE_HOUR", "taken over with the invitation");
        api.call_as(ADMINISTRATOR, "POST", &path, wanted("SIX_HOURS")).await.unwrap();
        assert_eq!(of_member().await, "SIX_HOURS", "one setting for all");
        assert!(api.of_detector("POST", "", wanted("SIX_HOURS")).await.is_ok(), "no change is no offence");
        assert!(api.of_detector("POST", "", wanted("ONE_HOUR")).await.is_err());
        let enabled = api.of_detector("POST", "", json!({"enable": true})).await;
        assert!(enabled.is_ok());
        assert_eq!(of_member().await, "SIX_HOURS");
    }
}
