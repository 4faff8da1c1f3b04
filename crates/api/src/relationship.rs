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

/// Refuses what only administrators and accounts of their own may do: lists, filters, archiving. Source:
/// GuardDuty's documentation of what members may do.
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
