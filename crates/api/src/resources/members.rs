//! Members, as their administrator sees and manages them.
//!
//! Trouble with one account is no error: it is set aside in the answer, with the reason.

use crate::call::{Call, new_id};
use crate::documents::{Held, put};
use crate::error::ApiError;
use crate::features::service_role;
use crate::generated::types::{
    CreateMembersRequest, CreateMembersResponse, DeleteMembersRequest, DeleteMembersResponse, DetectorStatus,
    DisassociateMembersRequest, DisassociateMembersResponse, GetMemberDetectorsRequest, GetMemberDetectorsResponse,
    GetMembersRequest, GetMembersResponse, InviteMembersRequest, InviteMembersResponse, ListMembersRequest,
    ListMembersResponse, Member as WireMember, MemberDataSourceConfiguration, StartMonitoringMembersRequest,
    StartMonitoringMembersResponse, StopMonitoringMembersRequest, StopMonitoringMembersResponse, UnprocessedAccount,
    UpdateMemberDetectorsRequest, UpdateMemberDetectorsResponse,
};
use crate::relationship::{Batch, Invitation, Member, Status, checked_account, leave, refuse_members, set_aside};
use crate::resource::{Resource, handlers};
use crate::resources::{detectors, organization};
use crate::wire::iso8601;
use watchfire_store::Expect;

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        CreateMembers => create,
        GetMembers => get,
        ListMembers => list,
        InviteMembers => invite,
        DisassociateMembers => disassociate,
        DeleteMembers => delete,
        StartMonitoringMembers => start,
        StopMonitoringMembers => stop,
        GetMemberDetectors => get_detectors,
        UpdateMemberDetectors => update_detectors,
    },
    tagged: &[],
};

/// Members by invitation. Source: GuardDuty's quotas.
const MEMBERS_MAX: usize = 5_000;

const NO_MEMBER: &str = "the given account ID is not a member of the current account";
const NOT_ASSOCIATED: &str = "the given account ID is not associated with the current account";

/// Source: the rules in the model's documentation of `AccountDetail`; the largest length is a limit of the model.
fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else { return false };
    let is_local = |letter: char| !letter.is_whitespace() && !"\"'()<>[]:,\\|%&@".contains(letter);
    let is_domain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
    email.is_ascii()
        && email.len() >= 6
        && !local.is_empty()
        && !local.starts_with('.')
        && local.chars().all(is_local)
        && domain.chars().all(is_domain)
        && domain.contains('.')
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
}

async fn create(call: &Call, input: CreateMembersRequest) -> Result<CreateMembersResponse, ApiError> {
    refuse_members(call).await?;
    let detector = call.detector()?;
    let organization = organization::administered(call).await?;
    let known = crate::relationship::known_accounts(call).await?;
    let (others, one_more) = call.all_before_one_more::<Member>(&detector.id).await?;
    let (mut count, mut changes) = (others.len(), vec![one_more]);
    let (mut unprocessed, mut done) = (Vec::new(), Vec::new());
    for details in input.account_details {
        let account = details.account_id;
        checked_account(&account, "accountId")?;
        if !is_email(&details.email) {
            return Err(ApiError::invalid_parameter("email"));
        }
        if account == call.account() {
            unprocessed.push(set_aside(&account, "the current account cannot be a member of itself"));
            continue;
        }
        if done.contains(&account) || call.find::<Member>(&detector.id, &account).await?.is_some() {
            let reason = "the given account ID is already a member or associated member of the current account";
            unprocessed.push(set_aside(&account, reason));
            continue;
        }
        if count >= MEMBERS_MAX {
            unprocessed.push(set_aside(&account, "the current account has as many members as it may have"));
            continue;
        }
        if let Some(configuration) = organization.as_ref().filter(|_| known.contains(&account)) {
            match organization::join(call, configuration, &account, &details.email).await? {
                Ok(joined) => changes.extend(joined),
                Err(reason) => {
                    unprocessed.push(set_aside(&account, reason));
                    continue;
                }
            }
        } else {
            let member = Member {
                email: details.email,
                status: Status::Created,
                invitation_id: None,
                invited: None,
                changed: call.now,
                by_organization: false,
            };
            changes.push(call.new_document(&detector.id, &account, &member));
        }
        count += 1;
        done.push(account);
    }
    call.commit(changes).await?;
    Ok(CreateMembersResponse { unprocessed_accounts: unprocessed })
}

async fn get(call: &Call, input: GetMembersRequest) -> Result<GetMembersResponse, ApiError> {
    organization::reconcile(call).await?;
    let detector = call.detector()?;
    let (mut members, mut unprocessed) = (Vec::new(), Vec::new());
    for account in &input.account_ids {
        match call.find::<Member>(&detector.id, account).await? {
            Some(held) => members.push(shown(call, &held).await?),
            None => unprocessed.push(set_aside(account, NO_MEMBER)),
        }
    }
    Ok(GetMembersResponse { members, unprocessed_accounts: unprocessed })
}

async fn list(call: &Call, input: ListMembersRequest) -> Result<ListMembersResponse, ApiError> {
    organization::reconcile(call).await?;
    let only_associated = match input.only_associated.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(ApiError::invalid_parameter("onlyAssociated")),
    };
    let range = call.range::<Member>(&call.detector()?.id);
    let wanted = |held: &Held<Member>| !only_associated || held.status.is_associated();
    let page = call.page(&range, input.next_token.as_deref(), input.max_results, wanted).await?;
    let mut members = Vec::new();
    for held in &page.items {
        members.push(shown(call, held).await?);
    }
    Ok(ListMembersResponse { members: Some(members), next_token: page.next_token })
}

async fn shown(call: &Call, held: &Held<Member>) -> Result<WireMember, ApiError> {
    let detector = match held.status.is_associated() {
        true => detectors::current(call, &held.key.id).await?.map(|detector| detector.id.clone()),
        false => None,
    };
    Ok(WireMember {
        account_id: held.key.id.clone(),
        detector_id: detector,
        master_id: call.account().to_owned(),
        administrator_id: Some(call.account().to_owned()),
        email: held.email.clone(),
        relationship_status: held.status.as_str().to_owned(),
        invited_at: held.invited.map(iso8601),
        updated_at: iso8601(held.changed),
    })
}

async fn invite(call: &Call, input: InviteMembersRequest) -> Result<InviteMembersResponse, ApiError> {
    refuse_members(call).await?;
    let detector = &call.detector()?.id;
    let (found, mut batch) = Batch::find::<Member>(call, &call.detector()?.id, &input.account_ids, NO_MEMBER).await?;
    for held in found {
        if held.status == Status::Invited || held.status.is_associated() {
            batch.set_aside(
                &held.key.id,
                "the current account has already invited or is already the GuardDuty master of the given \
                           member account ID",
            );
            continue;
        }
        let invitation_id = new_id()?;
        let member = Member {
            status: Status::Invited,
            invitation_id: Some(invitation_id.clone()),
            invited: Some(call.now),
            changed: call.now,
            ..held.body.clone()
        };
        let invitation = Invitation {
            invitation_id,
            invited: call.now,
            status: Status::Invited,
            administrator_detector: detector.clone(),
        };
        let key = call.key_in::<Invitation>(&held.key.id, "", call.account());
        batch.changes.extend([held.replace(&member), put(key, &invitation, Expect::Any)]);
    }
    let unprocessed_accounts = batch.commit(call).await?;
    Ok(InviteMembersResponse { unprocessed_accounts })
}

async fn disassociate(call: &Call, input: DisassociateMembersRequest) -> Result<DisassociateMembersResponse, ApiError> {
    refuse_members(call).await?;
    organization::refuse_if_all_are_members(call).await?;
    let (found, mut batch) = Batch::find::<Member>(call, &call.detector()?.id, &input.account_ids, NO_MEMBER).await?;
    for held in found {
        if held.status != Status::Invited && !held.status.is_associated() {
            batch.set_aside(&held.key.id, NOT_ASSOCIATED);
            continue;
        }
        let member = Member { status: Status::Removed, changed: call.now, ..held.body.clone() };
        let mut changes = leave(call, &held.key.id, call.account()).await?;
        changes.push(held.replace(&member));
        batch.changes.extend(changes);
    }
    let unprocessed_accounts = batch.commit(call).await?;
    Ok(DisassociateMembersResponse { unprocessed_accounts })
}

async fn delete(call: &Call, input: DeleteMembersRequest) -> Result<DeleteMembersResponse, ApiError> {
    refuse_members(call).await?;
    organization::refuse_if_all_are_members(call).await?;
    let (found, mut batch) = Batch::find::<Member>(call, &call.detector()?.id, &input.account_ids, NO_MEMBER).await?;
    for held in found {
        if held.status.is_associated() {
            batch.set_aside(
                &held.key.id,
                "the current account cannot delete the given member account ID while it is associated",
            );
            continue;
        }
        let mut changes = leave(call, &held.key.id, call.account()).await?;
        changes.push(held.delete());
        batch.changes.extend(changes);
    }
    let unprocessed_accounts = batch.commit(call).await?;
    Ok(DeleteMembersResponse { unprocessed_accounts })
}

async fn start(call: &Call, input: StartMonitoringMembersRequest) -> Result<StartMonitoringMembersResponse, ApiError> {
    refuse_members(call).await?;
    let unprocessed_accounts = monitor(call, &input.account_ids, Status::Enabled).await?;
    Ok(StartMonitoringMembersResponse { unprocessed_accounts })
}

async fn stop(call: &Call, input: StopMonitoringMembersRequest) -> Result<StopMonitoringMembersResponse, ApiError> {
    refuse_members(call).await?;
    organization::refuse_if_all_are_members(call).await?;
    let unprocessed_accounts = monitor(call, &input.account_ids, Status::Disabled).await?;
    Ok(StopMonitoringMembersResponse { unprocessed_accounts })
}

/// Whether a member is watched is whether its detector is enabled.
async fn monitor(call: &Call, accounts: &[String], status: Status) -> Result<Vec<UnprocessedAccount>, ApiError> {
    let detector_status = match status {
        Status::Enabled => DetectorStatus::Enabled,
        _ => DetectorStatus::Disabled,
    };
    let (found, mut batch) = Batch::find::<Member>(call, &call.detector()?.id, accounts, NO_MEMBER).await?;
    for held in found {
        if !held.status.is_associated() {
            batch.set_aside(&held.key.id, NOT_ASSOCIATED);
            continue;
        }
        let mut changes = vec![held.replace(&Member { status, changed: call.now, ..held.body.clone() })];
        if let Some(detector) = detectors::current(call, &held.key.id).await? {
            let body = detectors::Detector { status: detector_status, changed: call.now, ..detector.body.clone() };
            changes.push(detector.replace(&body));
        }
        batch.changes.extend(changes);
    }
    batch.commit(call).await
}

async fn get_detectors(call: &Call, input: GetMemberDetectorsRequest) -> Result<GetMemberDetectorsResponse, ApiError> {
    let parent = &call.detector()?.id;
    let (mut found, mut unprocessed) = (Vec::new(), Vec::new());
    for account in input.account_ids {
        let member = call.find::<Member>(parent, &account).await?;
        let is_member = member.is_some_and(|member| member.status.is_associated());
        let detector = match is_member {
            true => detectors::current(call, &account).await?,
            false => None,
        };
        match detector {
            None => unprocessed.push(set_aside(&account, NOT_ASSOCIATED)),
            Some(detector) => found.push(MemberDataSourceConfiguration {
                data_sources: detector.features.data_sources(&service_role(call, &account)),
                features: Some(detector.features.member_results()),
                account_id: account,
            }),
        }
    }
    Ok(GetMemberDetectorsResponse { member_data_source_configurations: found, unprocessed_accounts: unprocessed })
}

async fn update_detectors(
    call: &Call,
    input: UpdateMemberDetectorsRequest,
) -> Result<UpdateMemberDetectorsResponse, ApiError> {
    refuse_members(call).await?;
    let wanted: Vec<_> = input.features.unwrap_or_default().into_iter().map(Into::into).collect();
    let (found, mut batch) = Batch::find::<Member>(call, &call.detector()?.id, &input.account_ids, NO_MEMBER).await?;
    for held in found {
        let detector = match held.status.is_associated() {
            true => detectors::current(call, &held.key.id).await?,
            false => None,
        };
        let Some(detector) = detector else {
            batch.set_aside(&held.key.id, NOT_ASSOCIATED);
            continue;
        };
        let mut body = detector.body.clone();
        body.features.merge(input.data_sources.as_ref(), &wanted, call.now)?;
        body.changed = call.now;
        batch.changes.extend([detector.replace(&body)]);
    }
    let unprocessed_accounts = batch.commit(call).await?;
    Ok(UpdateMemberDetectorsResponse { unprocessed_accounts })
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn an_address_for_mail_follows_the_rules_of_the_model() {
        for good in ["a@b.cc", "first.last+tag@mail.example-1.org", "x@111122223333.example.com"] {
            assert!(is_email(good), "{good}");
        }
        for wrong in [
            "",
            "a@b.c",
            "nobody",
            "@example.com",
            ".a@example.com",
            "a b@example.com",
            "a@b@example.com",
            "a%b@example.com",
            "a@example",
            "a@-example.com",
            "a@example.com.",
            "a@exa_mple.com",
            "\u{e4}@example.com",
        ] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }
}
