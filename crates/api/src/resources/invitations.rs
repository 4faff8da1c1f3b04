//! Invitations and the administrator, as a member sees them. `Master` is the older name of `Administrator`.

use crate::call::Call;
use crate::documents::Held;
use crate::error::ApiError;
use crate::generated::types::{
    AcceptAdministratorInvitationRequest, AcceptAdministratorInvitationResponse, AcceptInvitationRequest,
    AcceptInvitationResponse, Administrator as WireAdministrator, DeclineInvitationsRequest,
    DeclineInvitationsResponse, DeleteInvitationsRequest, DeleteInvitationsResponse,
    DisassociateFromAdministratorAccountRequest, DisassociateFromAdministratorAccountResponse,
    DisassociateFromMasterAccountRequest, DisassociateFromMasterAccountResponse, GetAdministratorAccountRequest,
    GetAdministratorAccountResponse, GetInvitationsCountRequest, GetInvitationsCountResponse, GetMasterAccountRequest,
    GetMasterAccountResponse, Invitation as WireInvitation, ListInvitationsRequest, ListInvitationsResponse, Master,
};
use crate::relationship::{Administrator, Batch, Invitation, Member, Status, administrator, join, leave, members};
use crate::resource::{Resource, handlers};
use crate::resources::detectors::{self, Detector};
use crate::resources::organization;
use crate::wire::iso8601;

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        ListInvitations => list,
        GetInvitationsCount => count,
        AcceptAdministratorInvitation => accept,
        AcceptInvitation => accept_master,
        DeclineInvitations => decline,
        DeleteInvitations => delete,
        GetAdministratorAccount => get,
        GetMasterAccount => get_master,
        DisassociateFromAdministratorAccount => disassociate,
        DisassociateFromMasterAccount => disassociate_master,
    },
    tagged: &[],
};

const NO_INVITATION: &str = "there is no invitation from the given account ID";

async fn list(call: &Call, input: ListInvitationsRequest) -> Result<ListInvitationsResponse, ApiError> {
    let range = call.range::<Invitation>("");
    let page = call.page::<Invitation>(&range, input.next_token.as_deref(), input.max_results, |_| true).await?;
    let shown = |held: Held<Invitation>| WireInvitation {
        account_id: Some(held.key.id.clone()),
        invitation_id: Some(held.invitation_id.clone()),
        relationship_status: Some(held.status.as_str().to_owned()),
        invited_at: Some(iso8601(held.invited)),
    };
    Ok(ListInvitationsResponse {
        invitations: Some(page.items.into_iter().map(shown).collect()),
        next_token: page.next_token,
    })
}

async fn count(call: &Call, _: GetInvitationsCountRequest) -> Result<GetInvitationsCountResponse, ApiError> {
    let all = call.all::<Invitation>("").await?;
    let others = all.iter().filter(|invitation| !invitation.status.is_associated()).count();
    Ok(GetInvitationsCountResponse { invitations_count: i64::try_from(others).ok() })
}

async fn accept_master(call: &Call, input: AcceptInvitationRequest) -> Result<AcceptInvitationResponse, ApiError> {
    become_member(call, &input.master_id, &input.invitation_id).await?;
    Ok(AcceptInvitationResponse {})
}

async fn accept(
    call: &Call,
    input: AcceptAdministratorInvitationRequest,
) -> Result<AcceptAdministratorInvitationResponse, ApiError> {
    become_member(call, &input.administrator_id, &input.invitation_id).await?;
    Ok(AcceptAdministratorInvitationResponse {})
}

async fn become_member(call: &Call, inviter: &str, invitation_id: &str) -> Result<(), ApiError> {
    if administrator(call, call.account()).await?.is_some() {
        return Err(ApiError::bad_request("the current account is a member already"));
    }
    if members(call).await?.iter().any(|member| member.status == Status::Invited || member.status.is_associated()) {
        return Err(ApiError::bad_request("the current account has members of its own"));
    }
    let invitation = call.find::<Invitation>("", inviter).await?;
    let pending = invitation.filter(|one| one.status == Status::Invited && one.invitation_id == invitation_id);
    let invitation = pending.ok_or_else(|| ApiError::bad_request(NO_INVITATION))?;
    let key = call.key_in::<Member>(inviter, &invitation.administrator_detector, call.account());
    let member: Held<Member> = call.get(&key).await?.ok_or_else(|| ApiError::bad_request(NO_INVITATION))?;
    let mut accepted = invitation.body.clone();
    accepted.status = Status::Enabled;
    let new_administrator = Administrator {
        account: inviter.to_owned(),
        detector: invitation.administrator_detector.clone(),
        invitation_id: Some(invitation.invitation_id.clone()),
        invited: Some(invitation.invited),
    };
    let now_member = Member { status: Status::Enabled, changed: call.now, ..member.body.clone() };
    let mut changes = vec![
        join(call, call.account(), &new_administrator),
        invitation.replace(&accepted),
        member.replace(&now_member),
    ];
    // It is one setting for the administrator and all members.
    let detector = call.detector()?;
    if let Some(frequency) =
        detectors::frequency_of(call, inviter).await?.filter(|wanted| *wanted != detector.frequency)
    {
        changes.push(detector.replace(&Detector { frequency, changed: call.now, ..detector.body.clone() }));
    }
    call.commit(changes).await
}

async fn decline(call: &Call, input: DeclineInvitationsRequest) -> Result<DeclineInvitationsResponse, ApiError> {
    let (found, mut batch) = Batch::find::<Invitation>(call, "", &input.account_ids, NO_INVITATION).await?;
    for invitation in found {
        if invitation.status.is_associated() {
            batch.set_aside(&invitation.key.id, "the invitation was accepted");
            continue;
        }
        let declined = Invitation { status: Status::Resigned, ..invitation.body.clone() };
        let mut changes = vec![invitation.replace(&declined)];
        let key = call.key_in::<Member>(&invitation.key.id, &invitation.administrator_detector, call.account());
        let member: Option<Held<Member>> = call.get(&key).await?;
        if let Some(member) = member.filter(|member| member.status == Status::Invited) {
            let resigned = Member { status: Status::Resigned, changed: call.now, ..member.body.clone() };
            changes.push(member.replace(&resigned));
        }
        batch.changes.extend(changes);
    }
    let unprocessed_accounts = batch.commit(call).await?;
    Ok(DeclineInvitationsResponse { unprocessed_accounts })
}

async fn delete(call: &Call, input: DeleteInvitationsRequest) -> Result<DeleteInvitationsResponse, ApiError> {
    let (found, mut batch) = Batch::find::<Invitation>(call, "", &input.account_ids, NO_INVITATION).await?;
    for invitation in found {
        match invitation.status {
            Status::Resigned => batch.changes.push(invitation.delete()),
            _ => batch.set_aside(&invitation.key.id, "an invitation must be declined before it can be deleted"),
        }
    }
    let unprocessed_accounts = batch.commit(call).await?;
    Ok(DeleteInvitationsResponse { unprocessed_accounts })
}

async fn get(call: &Call, _: GetAdministratorAccountRequest) -> Result<GetAdministratorAccountResponse, ApiError> {
    let Some((present, status)) = present(call).await? else { return Ok(GetAdministratorAccountResponse::default()) };
    let administrator = WireAdministrator {
        account_id: Some(present.account.clone()),
        invitation_id: present.invitation_id.clone(),
        relationship_status: Some(status.as_str().to_owned()),
        invited_at: present.invited.map(iso8601),
    };
    Ok(GetAdministratorAccountResponse { administrator: Some(administrator) })
}

async fn get_master(call: &Call, _: GetMasterAccountRequest) -> Result<GetMasterAccountResponse, ApiError> {
    let Some((present, status)) = present(call).await? else { return Ok(GetMasterAccountResponse::default()) };
    let master = Master {
        account_id: Some(present.account.clone()),
        invitation_id: present.invitation_id.clone(),
        relationship_status: Some(status.as_str().to_owned()),
        invited_at: present.invited.map(iso8601),
    };
    Ok(GetMasterAccountResponse { master: Some(master) })
}

/// The caller's administrator, and how they stand to each other.
async fn present(call: &Call) -> Result<Option<(Held<Administrator>, Status)>, ApiError> {
    organization::reconcile(call).await?;
    let Some(present) = administrator(call, call.account()).await? else { return Ok(None) };
    let member: Option<Held<Member>> =
        call.get(&call.key_in::<Member>(&present.account, &present.detector, call.account())).await?;
    let status = member.map_or(Status::Enabled, |member| member.status);
    Ok(Some((present, status)))
}

async fn disassociate(
    call: &Call,
    _: DisassociateFromAdministratorAccountRequest,
) -> Result<DisassociateFromAdministratorAccountResponse, ApiError> {
    resign(call).await?;
    Ok(DisassociateFromAdministratorAccountResponse {})
}

async fn disassociate_master(
    call: &Call,
    _: DisassociateFromMasterAccountRequest,
) -> Result<DisassociateFromMasterAccountResponse, ApiError> {
    resign(call).await?;
    Ok(DisassociateFromMasterAccountResponse {})
}

async fn resign(call: &Call) -> Result<(), ApiError> {
    let present = administrator(call, call.account()).await?;
    let present = present.ok_or_else(|| ApiError::bad_request("the current account is not a member"))?;
    let member: Option<Held<Member>> =
        call.get(&call.key_in::<Member>(&present.account, &present.detector, call.account())).await?;
    if member.as_ref().is_some_and(|member| member.by_organization) {
        return Err(ApiError::bad_request("the current account is a member by its organization"));
    }
    let mut changes = leave(call, call.account(), &present.account).await?;
    if let Some(member) = member {
        let resigned = Member { status: Status::Resigned, changed: call.now, ..member.body.clone() };
        changes.push(member.replace(&resigned));
    }
    call.commit(changes).await
}
