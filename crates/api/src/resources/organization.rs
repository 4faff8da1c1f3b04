//! The organization: all accounts that the server holds, one of which may administer the others.
//!
//! Any of them may act as the management account, which names the administrator. Accounts that appear later join when
//! the configuration says so: whenever the administrator looks at its members, or the account at its detector or
//! administrator.

use crate::call::Call;
use crate::documents::{Document, Held, put};
use crate::error::{ApiError, ErrorClass};
use crate::features;
use crate::generated::types::{
    AdminAccount, AdminStatus, AutoEnableMembers, DescribeOrganizationConfigurationRequest,
    DescribeOrganizationConfigurationResponse, DetectorFeatureConfiguration, DetectorStatus,
    DisableOrganizationAdminAccountRequest, DisableOrganizationAdminAccountResponse,
    EnableOrganizationAdminAccountRequest, EnableOrganizationAdminAccountResponse, FeatureStatus,
    GetOrganizationStatisticsResponse, ListOrganizationAdminAccountsRequest, ListOrganizationAdminAccountsResponse,
    OrgFeature, OrgFeatureAdditionalConfiguration, OrgFeatureStatus, OrganizationAdditionalConfigurationResult,
    OrganizationDataSourceConfigurations, OrganizationDataSourceConfigurationsResult, OrganizationDetails,
    OrganizationEbsVolumesResult, OrganizationFeatureConfiguration, OrganizationFeatureConfigurationResult,
    OrganizationFeatureStatistics, OrganizationKubernetesAuditLogsConfigurationResult,
    OrganizationKubernetesConfigurationResult, OrganizationMalwareProtectionConfigurationResult,
    OrganizationS3LogsConfigurationResult, OrganizationScanEc2InstanceWithFindingsResult, OrganizationStatistics,
    UpdateOrganizationConfigurationRequest, UpdateOrganizationConfigurationResponse,
};
use crate::operation::Nothing;
use crate::relationship::{Administrator, Member, Status, administrator, checked_account, known_accounts, leave};
use crate::resource::{Resource, handlers};
use crate::resources::detectors::{self, Detector};
use crate::wire::Timestamp;
use serde::{Deserialize, Serialize};
use watchfire_store::{Change, Expect, Key};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        EnableOrganizationAdminAccount => enable,
        DisableOrganizationAdminAccount => disable,
        ListOrganizationAdminAccounts => list,
        DescribeOrganizationConfiguration => describe,
        UpdateOrganizationConfiguration => update,
        GetOrganizationStatistics => statistics,
    },
    tagged: &[],
};

/// Source: GuardDuty's quotas.
const MEMBERS_MAX: usize = 50_000;

/// An address for members whom nobody has named with one: the model wants at least one character.
const NO_EMAIL: &str = "-";

/// The administrator of the organization and what it has set, of a region; it belongs to no account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    pub(crate) account: String,
    pub(crate) detector: String,
    pub(crate) auto_enable: AutoEnableMembers,
    #[serde(default)]
    features: Vec<Feature>,
    /// Accounts that have been looked at: those that are not among them are new.
    #[serde(default)]
    seen: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    name: OrgFeature,
    auto_enable: OrgFeatureStatus,
    #[serde(default)]
    additional: Vec<(OrgFeatureAdditionalConfiguration, OrgFeatureStatus)>,
}

impl Document for Organization {
    const KIND: &'static str = "organization";
}

fn the_one(call: &Call) -> Key {
    call.key_in::<Organization>("", "", "organization")
}

/// The organization, if the caller administers it.
pub(crate) async fn administered(call: &Call) -> Result<Option<Held<Organization>>, ApiError> {
    let organization: Option<Held<Organization>> = call.get(&the_one(call)).await?;
    Ok(organization.filter(|organization| organization.account == call.account()))
}

/// What only the administrator of the organization may do. Until there is one, any account may.
pub(crate) async fn refuse_all_but_administrator(call: &Call) -> Result<(), ApiError> {
    let organization: Option<Held<Organization>> = call.get(&the_one(call)).await?;
    match organization.is_none_or(|organization| organization.account == call.account()) {
        true => Ok(()),
        false => Err(ApiError::of(ErrorClass::AccessDenied, "Only the delegated administrator account may do this.")),
    }
}

/// While all accounts of the organization are members, none can be let go.
pub(crate) async fn refuse_if_all_are_members(call: &Call) -> Result<(), ApiError> {
    let organization = administered(call).await?;
    match organization.is_some_and(|organization| organization.auto_enable == AutoEnableMembers::All) {
        true => Err(ApiError::bad_request("autoEnableOrganizationMembers is ALL: all accounts are members")),
        false => Ok(()),
    }
}

/// The changes that make an account a member by the organization; or why it cannot be one.
pub(crate) async fn join(
    call: &Call,
    organization: &Organization,
    account: &str,
    email: &str,
) -> Result<Result<Vec<Change>, &'static str>, ApiError> {
    if administrator(call, account).await?.is_some() {
        return Ok(Err("the given account ID is a member of another account"));
    }
    let member = Member {
        email: email.to_owned(),
        status: Status::Enabled,
        invitation_id: None,
        invited: None,
        changed: call.now,
        by_organization: true,
    };
    let as_member = Administrator {
        account: organization.account.clone(),
        detector: organization.detector.clone(),
        invitation_id: None,
        invited: None,
    };
    let key = call.key_in::<Member>(&organization.account, &organization.detector, account);
    let frequency = detectors::frequency_of(call, &organization.account).await?;
    let change = match detectors::current(call, account).await? {
        Some(held) => {
            let mut detector = held.body.clone();
            detector.status = DetectorStatus::Enabled;
            detector.frequency = frequency.unwrap_or(detector.frequency);
            organization.apply(&mut detector, false, call.now)?;
            held.replace(&detector)
        }
        None => {
            let (mut detector, _) = detectors::new_in(call, account)?;
            detector.frequency = frequency.unwrap_or(detector.frequency);
            organization.apply(&mut detector, true, call.now)?;
            put(call.key_in::<Detector>(account, "", detectors::THE_ONE), &detector, Expect::Absent)
        }
    };
    Ok(Ok(vec![put(key, &member, Expect::Any), crate::relationship::join(call, account, &as_member), change]))
}

/// Lets accounts join that have appeared since the last look.
pub(crate) async fn reconcile(call: &Call) -> Result<(), ApiError> {
    let Some(held) = call.get::<Organization>(&the_one(call)).await? else { return Ok(()) };
    let known = known_accounts(call).await?;
    let new: Vec<&String> = known.iter().filter(|account| !held.seen.contains(account)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut organization = held.body.clone();
    organization.seen.extend(new.iter().map(|account| (*account).clone()));
    let mut changes = vec![held.replace(&organization)];
    if held.auto_enable != AutoEnableMembers::None {
        for account in new.into_iter().filter(|account| **account != held.account) {
            // Who is somebody else's member stays that.
            changes.extend(join(call, &held, account, NO_EMAIL).await?.unwrap_or_default());
        }
    }
    call.commit(changes).await
}

impl Organization {
    /// Switches on what the organization wants in a detector: of a new one everything that is not `NONE`, of an old one
    /// what is `ALL`.
    fn apply(&self, detector: &mut Detector, is_new: bool, now: i64) -> Result<(), ApiError> {
        for feature in &self.features {
            let is_wanted = match feature.auto_enable {
                OrgFeatureStatus::All => true,
                OrgFeatureStatus::New => is_new,
                OrgFeatureStatus::None => false,
            };
            let status = match (is_wanted, is_new) {
                (true, _) => FeatureStatus::Enabled,
                (false, true) => FeatureStatus::Disabled,
                (false, false) => continue, // Moving to `NONE` switches nobody off.
            };
            let Some(name) = features::named(feature.name.as_str()) else { continue };
            // Of the two kinds of runtime monitoring each is set by itself, so that one at a time is merged.
            let change =
                DetectorFeatureConfiguration { name: Some(name), status: Some(status), additional_configuration: None };
            detector.features.merge(None, &[change], now)?;
        }
        detector.changed = now;
        Ok(())
    }

    fn set(&mut self, name: OrgFeature, auto_enable: Option<OrgFeatureStatus>) -> Option<&mut Feature> {
        if !self.features.iter().any(|feature| feature.name == name) {
            self.features.push(Feature { name, auto_enable: OrgFeatureStatus::None, additional: Vec::new() });
        }
        let feature = self.features.iter_mut().find(|feature| feature.name == name)?;
        feature.auto_enable = auto_enable.unwrap_or(feature.auto_enable);
        Some(feature)
    }

    fn is_automatic(&self, name: OrgFeature) -> bool {
        self.features.iter().any(|feature| feature.name == name && feature.auto_enable != OrgFeatureStatus::None)
    }
}

async fn enable(
    call: &Call,
    input: EnableOrganizationAdminAccountRequest,
) -> Result<EnableOrganizationAdminAccountResponse, ApiError> {
    let account = input.admin_account_id;
    checked_account(&account, "adminAccountId")?;
    if let Some(present) = call.get::<Organization>(&the_one(call)).await? {
        return Err(match present.account == account {
            true => ApiError::bad_request("the account is already the GuardDuty delegated administrator"),
            false => ApiError::bad_request("another account is already the GuardDuty delegated administrator"),
        });
    }
    if administrator(call, &account).await?.is_some() {
        return Err(ApiError::bad_request("the given account ID is a member of another account"));
    }
    let mut changes = Vec::new();
    let detector = match detectors::current(call, &account).await? {
        Some(detector) => detector.id.clone(),
        None => {
            let (detector, change) = detectors::new_in(call, &account)?;
            changes.push(change);
            detector.id
        }
    };
    let none = |&name: &OrgFeature| Feature { name, auto_enable: OrgFeatureStatus::None, additional: Vec::new() };
    let mut seen = known_accounts(call).await?;
    seen.push(account.clone());
    let organization = Organization {
        account,
        detector,
        auto_enable: AutoEnableMembers::None,
        features: OrgFeature::ALL.iter().map(none).collect(),
        seen,
    };
    changes.push(put(the_one(call), &organization, Expect::Absent));
    call.commit(changes).await?;
    Ok(EnableOrganizationAdminAccountResponse {})
}

async fn disable(
    call: &Call,
    input: DisableOrganizationAdminAccountRequest,
) -> Result<DisableOrganizationAdminAccountResponse, ApiError> {
    checked_account(&input.admin_account_id, "adminAccountId")?;
    let present = call.get::<Organization>(&the_one(call)).await?;
    let present = present.filter(|present| present.account == input.admin_account_id);
    let not_one = || ApiError::bad_request("the account is not the GuardDuty delegated administrator");
    let present = present.ok_or_else(not_one)?;
    let mut changes = vec![present.delete()];
    let mut range = call.range::<Member>(&present.detector);
    range.account = Some(present.account.clone());
    for member in call.all_in::<Member>(&range).await? {
        if member.by_organization && member.status.is_associated() {
            let removed = Member { status: Status::Removed, changed: call.now, ..member.body.clone() };
            changes.push(member.replace(&removed));
            changes.extend(leave(call, &member.key.id, &present.account).await?);
        }
    }
    call.commit(changes).await?;
    Ok(DisableOrganizationAdminAccountResponse {})
}

async fn list(
    call: &Call,
    input: ListOrganizationAdminAccountsRequest,
) -> Result<ListOrganizationAdminAccountsResponse, ApiError> {
    call.open_cursor(input.next_token.as_deref())?; // There is one page, so that any token is made up.
    let present = call.get::<Organization>(&the_one(call)).await?;
    let shown = |present: Held<Organization>| AdminAccount {
        admin_account_id: Some(present.account.clone()),
        admin_status: Some(AdminStatus::Enabled),
    };
    Ok(ListOrganizationAdminAccountsResponse {
        admin_accounts: Some(present.map(shown).into_iter().collect()),
        next_token: None,
    })
}

async fn describe(
    call: &Call,
    input: DescribeOrganizationConfigurationRequest,
) -> Result<DescribeOrganizationConfigurationResponse, ApiError> {
    call.open_cursor(input.next_token.as_deref())?; // All features fit on one page.
    reconcile(call).await?;
    let organization = administered(call).await?;
    let not_one = || ApiError::bad_request("an invalid or out-of-range value is specified as an input parameter");
    let organization = organization.ok_or_else(not_one)?;
    let members = call.all::<Member>(&organization.detector).await?;
    let count = members.iter().filter(|member| member.status.is_associated()).count();
    let results = organization.features.iter().map(|feature| OrganizationFeatureConfigurationResult {
        name: Some(feature.name),
        auto_enable: Some(feature.auto_enable),
        additional_configuration: Some(
            feature
                .additional
                .iter()
                .map(|&(name, auto_enable)| OrganizationAdditionalConfigurationResult {
                    name: Some(name),
                    auto_enable: Some(auto_enable),
                })
                .collect(),
        ),
    });
    Ok(DescribeOrganizationConfigurationResponse {
        auto_enable: Some(organization.auto_enable != AutoEnableMembers::None),
        auto_enable_organization_members: Some(organization.auto_enable),
        member_account_limit_reached: count >= MEMBERS_MAX,
        data_sources: Some(data_sources(&organization)),
        features: Some(results.collect()),
        next_token: None,
    })
}

fn data_sources(organization: &Organization) -> OrganizationDataSourceConfigurationsResult {
    OrganizationDataSourceConfigurationsResult {
        s3_logs: OrganizationS3LogsConfigurationResult {
            auto_enable: organization.is_automatic(OrgFeature::S3DataEvents),
        },
        kubernetes: Some(OrganizationKubernetesConfigurationResult {
            audit_logs: OrganizationKubernetesAuditLogsConfigurationResult {
                auto_enable: organization.is_automatic(OrgFeature::EksAuditLogs),
            },
        }),
        malware_protection: Some(OrganizationMalwareProtectionConfigurationResult {
            scan_ec2_instance_with_findings: Some(OrganizationScanEc2InstanceWithFindingsResult {
                ebs_volumes: Some(OrganizationEbsVolumesResult {
                    auto_enable: Some(organization.is_automatic(OrgFeature::EbsMalwareProtection)),
                }),
            }),
        }),
    }
}

async fn update(
    call: &Call,
    input: UpdateOrganizationConfigurationRequest,
) -> Result<UpdateOrganizationConfigurationResponse, ApiError> {
    let held = administered(call).await?;
    let message = "The request failed because you do not have required AWS Organization master permission.";
    let held = held.ok_or_else(|| ApiError::of(ErrorClass::BadRequest, message))?;
    let mut organization = held.body.clone();
    organization.auto_enable = match (input.auto_enable_organization_members, input.auto_enable) {
        (Some(members), None) => members,
        (None, Some(true)) => AutoEnableMembers::New,
        (None, Some(false)) => AutoEnableMembers::None,
        _ => {
            return Err(ApiError::bad_request(
                "exactly one of autoEnableOrganizationMembers and autoEnable must be given",
            ));
        }
    };
    set_features(&mut organization, input.data_sources.as_ref(), &input.features.unwrap_or_default())?;
    organization.seen = known_accounts(call).await?;
    let mut changes = vec![held.replace(&organization)];
    let members = call.all::<Member>(&organization.detector).await?;
    for member in members.iter().filter(|member| member.status.is_associated()) {
        if let Some(detector) = detectors::current(call, &member.key.id).await? {
            let mut body = detector.body.clone();
            organization.apply(&mut body, false, call.now)?;
            changes.push(detector.replace(&body));
        }
    }
    // `ALL` is the administrator too.
    let detector = call.detector()?;
    let mut body = detector.body.clone();
    organization.apply(&mut body, false, call.now)?;
    changes.push(detector.replace(&body));
    if organization.auto_enable == AutoEnableMembers::All {
        for account in organization.seen.iter().filter(|account| **account != organization.account) {
            if !members.iter().any(|member| member.key.id == *account && member.status.is_associated()) {
                changes.extend(join(call, &organization, account, NO_EMAIL).await?.unwrap_or_default());
            }
        }
    }
    call.commit(changes).await?;
    Ok(UpdateOrganizationConfigurationResponse {})
}

fn set_features(
    organization: &mut Organization,
    sources: Option<&OrganizationDataSourceConfigurations>,
    wanted: &[OrganizationFeatureConfiguration],
) -> Result<(), ApiError> {
    let named = |name| wanted.iter().any(|feature| feature.name == Some(name));
    if named(OrgFeature::RuntimeMonitoring) && named(OrgFeature::EksRuntimeMonitoring) {
        return Err(features::both_kinds_of_runtime_monitoring());
    }
    if let Some(sources) = sources {
        let s3 = sources.s3_logs.as_ref().map(|logs| logs.auto_enable);
        let kubernetes = sources.kubernetes.as_ref().map(|logs| logs.audit_logs.auto_enable);
        let malware = sources.malware_protection.as_ref();
        let volumes = malware
            .and_then(|malware| malware.scan_ec2_instance_with_findings.as_ref())
            .and_then(|scan| scan.ebs_volumes.as_ref())
            .and_then(|volumes| volumes.auto_enable);
        let switches = [
            (OrgFeature::S3DataEvents, s3),
            (OrgFeature::EksAuditLogs, kubernetes),
            (OrgFeature::EbsMalwareProtection, volumes),
        ];
        for (name, switch) in switches {
            let status = switch.map(|on| if on { OrgFeatureStatus::New } else { OrgFeatureStatus::None });
            if status.is_some() {
                organization.set(name, status);
            }
        }
    }
    for feature in wanted {
        let name = feature.name.ok_or_else(|| ApiError::invalid_parameter("features"))?;
        let Some(setting) = organization.set(name, feature.auto_enable) else { continue };
        for part in feature.additional_configuration.iter().flatten() {
            let part_name = part.name.ok_or_else(|| ApiError::invalid_parameter("additionalConfiguration"))?;
            let status = part.auto_enable.unwrap_or(OrgFeatureStatus::None);
            setting.additional.retain(|(present, _)| *present != part_name);
            setting.additional.push((part_name, status));
        }
    }
    Ok(())
}

async fn statistics(call: &Call, _: Nothing) -> Result<GetOrganizationStatisticsResponse, ApiError> {
    reconcile(call).await?;
    let organization = administered(call).await?;
    let organization = organization.ok_or_else(|| {
        ApiError::bad_request("the current account is not the GuardDuty delegated administrator of the organization")
    })?;
    let members = call.all::<Member>(&organization.detector).await?;
    let associated: Vec<&Held<Member>> = members.iter().filter(|member| member.status.is_associated()).collect();
    let mut enabled = Vec::new();
    for account in associated.iter().map(|member| member.key.id.as_str()).chain([call.account()]) {
        let detector = detectors::current(call, account).await?;
        enabled.extend(detector.filter(|detector| detector.status == DetectorStatus::Enabled));
    }
    let count = |number: usize| i64::try_from(number).ok();
    let by_feature = OrgFeature::ALL.iter().map(|&name| {
        let detector_feature = features::named(name.as_str());
        let on = enabled.iter().filter(|one| detector_feature.is_some_and(|feature| one.features.is_enabled(feature)));
        OrganizationFeatureStatistics {
            name: Some(name),
            enabled_accounts_count: count(on.count()),
            additional_configuration: Some(Vec::new()),
        }
    });
    let active = associated.iter().filter(|member| member.status == Status::Enabled).count();
    Ok(GetOrganizationStatisticsResponse {
        organization_details: Some(OrganizationDetails {
            updated_at: Some(Timestamp::of(call.now)),
            organization_statistics: Some(OrganizationStatistics {
                total_accounts_count: count(known_accounts(call).await?.len()),
                member_accounts_count: count(associated.len()),
                active_accounts_count: count(active),
                enabled_accounts_count: count(enabled.len()),
                count_by_feature: Some(by_feature.collect()),
            }),
        }),
    })
}
