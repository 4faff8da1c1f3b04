//! What an API is for, and how much an unusual use of it weighs: a versioned table.
//!
//! Sources: the APIs that GuardDuty's documentation names for each `AnomalousBehavior` type, and for their retired
//! predecessors (`catalogue/finding-types.json`); MITRE ATT&CK's cloud matrix for the tactics; the API references of the
//! services for what a call does. Weights are our choice: what grants, hides, shares or destroys weighs 1.5, what yields
//! a secret 1.2, what the console calls in the background 0.6, the rest 1.

use crate::shared::api_class::is_reconnaissance;
use watchfire_model::FindingType;

/// The version of the table: quoted in findings, raised with every change.
pub(crate) const TABLE_VERSION: u32 = 3;

/// What callers are after. The order is that of the kill chain: it decides between equal scores, the later wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Tactic {
    /// To find out what there is.
    Discovery,
    /// To get tokens or sessions.
    InitialAccess,
    /// To stay.
    Persistence,
    /// To gain permission.
    PrivilegeEscalation,
    /// To get secrets.
    CredentialAccess,
    /// To remain unseen.
    DefenseEvasion,
    /// To take data away.
    Exfiltration,
    /// To tamper or destroy.
    Impact,
}

/// What an API is for, and its weight in tenths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Risk {
    /// `None`: nothing that any tactic needs.
    pub(crate) tactic: Option<Tactic>,
    /// Weight of a surprise, in tenths.
    pub(crate) weight_tenths: i64,
}

/// The weight from which on an API matters although the caller is new, and although others use it. In tenths.
pub(crate) const HIGH_RISK_TENTHS: i64 = 15;

const HIGH: i64 = HIGH_RISK_TENTHS;
const SECRET: i64 = 12;
const PLAIN: i64 = 10;
const BACKGROUND: i64 = 6;
/// What the name of an API that sets Block Public Access ends with in a token, where it sets all of it.
pub(crate) const SHUTTING: &str = " (all on)";

impl Tactic {
    /// As people write it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Discovery => "Discovery",
            Self::InitialAccess => "InitialAccess",
            Self::Persistence => "Persistence",
            Self::PrivilegeEscalation => "PrivilegeEscalation",
            Self::CredentialAccess => "CredentialAccess",
            Self::DefenseEvasion => "DefenseEvasion",
            Self::Exfiltration => "Exfiltration",
            Self::Impact => "Impact",
        }
    }

    /// The type of findings about identities.
    pub(crate) const fn identity_type(self) -> FindingType {
        FindingType::new(match self {
            Self::Discovery => "Discovery:IAMUser/AnomalousBehavior",
            Self::InitialAccess => "InitialAccess:IAMUser/AnomalousBehavior",
            Self::Persistence => "Persistence:IAMUser/AnomalousBehavior",
            Self::PrivilegeEscalation => "PrivilegeEscalation:IAMUser/AnomalousBehavior",
            Self::CredentialAccess => "CredentialAccess:IAMUser/AnomalousBehavior",
            Self::DefenseEvasion => "DefenseEvasion:IAMUser/AnomalousBehavior",
            Self::Exfiltration => "Exfiltration:IAMUser/AnomalousBehavior",
            Self::Impact => "Impact:IAMUser/AnomalousBehavior",
        })
    }
}

/// The API's name without the version that Lambda and CloudFront append: `UpdateFunctionCode` of
/// `UpdateFunctionCode20150331v2`.
pub(crate) fn plain_name(name: &str) -> &str {
    let without_minor = match name.rsplit_once('v') {
        Some((before, minor)) if !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => name,
    };
    let digits = without_minor.bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
    let plain = &without_minor[..without_minor.len() - digits];
    if digits >= 8 && !plain.is_empty() { plain } else { name }
}

/// What a management API is for.
pub(crate) fn management(service: &str, name: &str) -> Risk {
    if name.ends_with(SHUTTING) {
        // It takes nothing from anybody but the public: what no tactic needs.
        return Risk { tactic: None, weight_tenths: BACKGROUND };
    }
    let name = plain_name(name);
    if is_console_background(service, name) {
        let tactic = is_reconnaissance(name).then_some(Tactic::Discovery);
        return Risk { tactic, weight_tenths: BACKGROUND };
    }
    let named = || TABLE.iter().find(|(services, names, ..)| is_named(services, service) && names.contains(&name));
    if let Some(&(_, _, tactic, weight_tenths)) = named() {
        return Risk { tactic: Some(tactic), weight_tenths };
    }
    Risk { tactic: by_verb(service, name), weight_tenths: PLAIN }
}

fn is_named(services: &[&str], service: &str) -> bool {
    services.is_empty() || services.contains(&service)
}

/// What names that the table lacks say. The verbs are those that GuardDuty's documentation calls typical of a tactic.
fn by_verb(service: &str, name: &str) -> Option<Tactic> {
    const VERBS: [(&str, Tactic); 17] = [
        ("Create", Tactic::Persistence),
        ("Import", Tactic::Persistence),
        ("Register", Tactic::Persistence),
        ("Run", Tactic::Persistence),
        ("Start", Tactic::Persistence),
        ("Associate", Tactic::Persistence),
        ("Attach", Tactic::Persistence),
        ("Add", Tactic::Persistence),
        ("Modify", Tactic::Persistence),
        ("Authorize", Tactic::Persistence),
        ("Disable", Tactic::DefenseEvasion),
        ("Stop", Tactic::Impact),
        ("Delete", Tactic::Impact),
        ("Terminate", Tactic::Impact),
        ("Update", Tactic::Impact),
        ("Put", Tactic::Impact),
        ("Remove", Tactic::Impact),
    ];
    if is_reconnaissance(name) || starts_a_query(name) {
        return Some(Tactic::Discovery);
    }
    let (_, tactic) = VERBS.into_iter().find(|(verb, _)| name.starts_with(verb))?;
    if !WATCHERS.contains(&service) || tactic != Tactic::Impact {
        return Some(tactic);
    }
    // To give a watcher one thing more to watch hides nothing. What replaces a setting of it stands in the table.
    (!name.starts_with("Put")).then_some(Tactic::DefenseEvasion)
}

/// Whether a search is begun, in logs or in a table: `StartQuery`, `StartQueryExecution`, `StartLiveTail`. What it looks for
/// is already there.
fn starts_a_query(name: &str) -> bool {
    ["StartQuery", "StartLiveTail"].iter().any(|verb| name.starts_with(verb))
}

/// Services that watch an account: to change them is to hide. Source: AWS's security reference architecture.
const WATCHERS: [&str; 9] = [
    "access-analyzer",
    "cloudtrail",
    "config",
    "detective",
    "guardduty",
    "inspector2",
    "macie2",
    "monitoring",
    "securityhub",
];

/// Calls that the console makes by itself when a page is opened: they tell that somebody looked, not what for. Source:
/// CloudTrail events of the console's start page, of its navigation and of its health and cost widgets.
fn is_console_background(service: &str, name: &str) -> bool {
    const SERVICES: [&str; 15] = [
        "ce",
        "cost-optimization-hub",
        "freetier",
        "health",
        "notifications",
        "notifications-contacts",
        "resource-explorer-2",
        "resource-groups",
        "servicecatalog-appregistry",
        "support",
        "supportapp",
        "tagging",
        "trustedadvisor",
        "user-subscriptions",
        "uxc",
    ];
    const NAMES: [&str; 14] = [
        "DescribeAccountAttributes",
        "DescribeAvailabilityZones",
        "DescribeRegions",
        "GetAccountAlias",
        "GetAccountColor",
        "GetAccountPlanState",
        "GetAccountSettings",
        "GetCallerIdentity",
        "GetConsoleHomeWidgets",
        "GetRegionOptStatus",
        "ListAccountAliases",
        "ListNotificationHubs",
        "ListRegions",
        "ListApplications",
    ];
    let changes = ["Create", "Delete", "Put", "Update"].iter().any(|verb| name.starts_with(verb));
    (SERVICES.contains(&service) && !changes) || NAMES.contains(&name)
}

type Row = (&'static [&'static str], &'static [&'static str], Tactic, i64);

/// (services, or none for any; names; tactic; weight in tenths). The first row that fits counts.
static TABLE: &[Row] = &[
    // Credentials and secrets: GuardDuty names the first four as the whole category; the rest yields secrets as well.
    (
        &[],
        &["GetPasswordData", "GetSecretValue", "BatchGetSecretValue", "GenerateDbAuthToken"],
        Tactic::CredentialAccess,
        SECRET,
    ),
    (
        &["ssm"],
        &["GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"],
        Tactic::CredentialAccess,
        SECRET,
    ),
    (
        &["redshift", "redshift-serverless"],
        &["GetClusterCredentials", "GetClusterCredentialsWithIAM", "GetCredentials"],
        Tactic::CredentialAccess,
        SECRET,
    ),
    (&["cognito-identity"], &["GetCredentialsForIdentity", "GetOpenIdToken"], Tactic::CredentialAccess, SECRET),
    (
        &["iam"],
        &[
            "GetCredentialReport",
            "GenerateCredentialReport",
            "CreateServiceSpecificCredential",
            "ResetServiceSpecificCredential",
        ],
        Tactic::CredentialAccess,
        SECRET,
    ),
    (
        &["lightsail"],
        &["GetInstanceAccessDetails", "DownloadDefaultKeyPair", "GetRelationalDatabaseMasterUserPassword"],
        Tactic::CredentialAccess,
        SECRET,
    ),
    (&["secretsmanager"], &["PutResourcePolicy", "DeleteResourcePolicy"], Tactic::CredentialAccess, HIGH),
    // Tokens and sessions.
    (&["ecr", "ecr-public", "codeartifact"], &["GetAuthorizationToken"], Tactic::InitialAccess, SECRET),
    (&["ssm"], &["StartSession", "ResumeSession"], Tactic::InitialAccess, SECRET),
    (
        &["ec2-instance-connect"],
        &["SendSSHPublicKey", "SendSerialConsoleSSHPublicKey", "OpenTunnel"],
        Tactic::InitialAccess,
        HIGH,
    ),
    (&["ecs"], &["ExecuteCommand"], Tactic::InitialAccess, HIGH),
    (
        &["sts", "signin"],
        &["GetFederationToken", "GetSessionToken", "GetSigninToken", "AssumeRoot"],
        Tactic::InitialAccess,
        HIGH,
    ),
    (&["sts"], &["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"], Tactic::InitialAccess, PLAIN),
    (
        &["cloudshell"],
        &["CreateEnvironment", "CreateSession", "PutCredentials", "StartEnvironment"],
        Tactic::InitialAccess,
        PLAIN,
    ),
    (&["signin"], &["ConsoleLogin", "SwitchRole"], Tactic::InitialAccess, PLAIN),
    (&["sso"], &["GetRoleCredentials"], Tactic::InitialAccess, PLAIN),
    // More permission.
    (
        &["iam"],
        &[
            "AddUserToGroup",
            "AttachGroupPolicy",
            "AttachRolePolicy",
            "AttachUserPolicy",
            "CreatePolicyVersion",
            "SetDefaultPolicyVersion",
            "PutGroupPolicy",
            "PutRolePolicy",
            "PutUserPolicy",
            "AddRoleToInstanceProfile",
            "DeleteRolePermissionsBoundary",
            "DeleteUserPermissionsBoundary",
            "PutRolePermissionsBoundary",
            "PutUserPermissionsBoundary",
            "UpdateAssumeRolePolicy",
        ],
        Tactic::PrivilegeEscalation,
        HIGH,
    ),
    (
        &["ec2"],
        &["AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"],
        Tactic::PrivilegeEscalation,
        HIGH,
    ),
    (
        &["glue", "sagemaker", "cloudformation", "datapipeline"],
        &[
            "CreateDevEndpoint",
            "UpdateDevEndpoint",
            "CreatePresignedNotebookInstanceUrl",
            "SetStackPolicy",
            "PutPipelineDefinition",
        ],
        Tactic::PrivilegeEscalation,
        HIGH,
    ),
    (&["kms"], &["CreateGrant", "PutKeyPolicy"], Tactic::PrivilegeEscalation, HIGH),
    (
        &["sso", "sso-admin"],
        &[
            "AttachManagedPolicyToPermissionSet",
            "PutInlinePolicyToPermissionSet",
            "CreateAccountAssignment",
            "ProvisionPermissionSet",
        ],
        Tactic::PrivilegeEscalation,
        HIGH,
    ),
    (&["eks"], &["CreateAccessEntry", "AssociateAccessPolicy"], Tactic::PrivilegeEscalation, HIGH),
    // Ways back in.
    (
        &["iam"],
        &[
            "CreateUser",
            "CreateRole",
            "CreateAccessKey",
            "CreateLoginProfile",
            "UpdateLoginProfile",
            "UpdateAccessKey",
            "CreateSAMLProvider",
            "UpdateSAMLProvider",
            "CreateOpenIDConnectProvider",
            "UpdateOpenIDConnectProviderThumbprint",
            "AddClientIDToOpenIDConnectProvider",
            "UploadSSHPublicKey",
            "UploadSigningCertificate",
            "CreateVirtualMFADevice",
            "EnableMFADevice",
            "DeactivateMFADevice",
            "DeleteVirtualMFADevice",
            "ChangePassword",
        ],
        Tactic::Persistence,
        HIGH,
    ),
    (
        &["rolesanywhere"],
        &["CreateTrustAnchor", "CreateProfile", "EnableTrustAnchor", "UpdateTrustAnchor"],
        Tactic::Persistence,
        HIGH,
    ),
    (
        &["lambda"],
        &[
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
            "AddPermission",
            "AddLayerVersionPermission",
            "CreateFunctionUrlConfig",
            "PublishLayerVersion",
        ],
        Tactic::Persistence,
        HIGH,
    ),
    (
        &["ec2"],
        &[
            "CreateKeyPair",
            "ImportKeyPair",
            "ModifyInstanceAttribute",
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
            "CreateNetworkAclEntry",
            "ReplaceNetworkAclEntry",
            "ModifySecurityGroupRules",
        ],
        Tactic::Persistence,
        HIGH,
    ),
    (&["ssm"], &["SendCommand", "CreateAssociation", "StartAutomationExecution"], Tactic::Persistence, HIGH),
    (
        &["sso", "sso-admin", "identitystore"],
        &["CreateUser", "CreateGroupMembership", "CreatePermissionSet"],
        Tactic::Persistence,
        HIGH,
    ),
    (
        &["organizations"],
        &["InviteAccountToOrganization", "CreateAccount", "RegisterDelegatedAdministrator", "AcceptHandshake"],
        Tactic::Persistence,
        HIGH,
    ),
    (&["cognito-idp"], &["AdminCreateUser", "AdminSetUserPassword", "UpdateUserPool"], Tactic::Persistence, HIGH),
    (&["ec2"], &["RunInstances", "RequestSpotInstances", "RequestSpotFleet", "CreateFleet"], Tactic::Impact, PLAIN),
    // To remain unseen. Names alone suffice where no other service has them.
    (
        &["cloudtrail"],
        &[
            "StopLogging",
            "DeleteTrail",
            "UpdateTrail",
            "PutEventSelectors",
            "PutInsightSelectors",
            "DeleteEventDataStore",
            "StopEventDataStoreIngestion",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["ec2"],
        &["DeleteFlowLogs", "DeleteNetworkAclEntry", "DisableEbsEncryptionByDefault"],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (&["monitoring"], &["DisableAlarmActions", "DeleteAlarms"], Tactic::DefenseEvasion, HIGH),
    (
        &["logs"],
        &[
            "DeleteLogGroup",
            "DeleteLogStream",
            "DeleteRetentionPolicy",
            "PutRetentionPolicy",
            "DeleteSubscriptionFilter",
            "DeleteMetricFilter",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["guardduty"],
        &[
            "DeleteDetector",
            "UpdateDetector",
            "CreateFilter",
            "UpdateFilter",
            "ArchiveFindings",
            "CreateIPSet",
            "UpdateIPSet",
            "DeleteIPSet",
            "DeleteThreatIntelSet",
            "UpdateThreatIntelSet",
            "DeleteMembers",
            "DisassociateMembers",
            "StopMonitoringMembers",
            "DisassociateFromMasterAccount",
            "DisassociateFromAdministratorAccount",
            "DeleteInvitations",
            "DeletePublishingDestination",
            "DisableOrganizationAdminAccount",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["config"],
        &[
            "StopConfigurationRecorder",
            "DeleteConfigurationRecorder",
            "DeleteDeliveryChannel",
            "DeleteConfigRule",
            "PutConfigurationRecorder",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["securityhub", "macie2", "inspector2", "access-analyzer", "detective"],
        &[
            "DisableSecurityHub",
            "BatchDisableStandards",
            "DisableImportFindingsForProduct",
            "DeleteMembers",
            "DisassociateMembers",
            "DisableMacie",
            "Disable",
            "DeleteAnalyzer",
            "DeleteGraph",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (&["events"], &["DisableRule", "DeleteRule", "RemoveTargets"], Tactic::DefenseEvasion, HIGH),
    (
        &["route53resolver"],
        &["DeleteResolverQueryLogConfig", "DisassociateResolverQueryLogConfig"],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["wafv2", "waf", "waf-regional"],
        &["DeleteWebACL", "DisassociateWebACL", "UpdateIPSet", "DeleteLoggingConfiguration"],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["organizations"],
        &["LeaveOrganization", "RemoveAccountFromOrganization", "DetachPolicy", "DeletePolicy", "DisablePolicyType"],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["iam"],
        &[
            "DeleteUserPolicy",
            "DeleteRolePolicy",
            "DetachUserPolicy",
            "DetachRolePolicy",
            "DeleteAccountPasswordPolicy",
            "UpdateAccountPasswordPolicy",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (
        &["s3"],
        &[
            "PutBucketLogging",
            "DeleteBucketPolicy",
            "PutBucketLifecycle",
            "DeleteBucketLifecycle",
            "PutBucketLifecycleConfiguration",
        ],
        Tactic::DefenseEvasion,
        HIGH,
    ),
    (&["rds"], &["ModifyActivityStream", "StopActivityStream"], Tactic::DefenseEvasion, HIGH),
    (&["bedrock"], &["DeleteModelInvocationLoggingConfiguration"], Tactic::DefenseEvasion, HIGH),
    // Out of the account.
    (&["s3"], &["PutBucketReplication"], Tactic::Exfiltration, HIGH),
    (
        &["ec2"],
        &[
            "ModifySnapshotAttribute",
            "ModifyImageAttribute",
            "CreateStoreImageTask",
            "CreateInstanceExportTask",
            "ExportImage",
            "CreateTrafficMirrorSession",
            "CreateTrafficMirrorTarget",
            "CreateTrafficMirrorFilter",
        ],
        Tactic::Exfiltration,
        HIGH,
    ),
    (
        &["ec2"],
        &["CreateSnapshot", "CreateSnapshots", "CopySnapshot", "CreateImage", "CopyImage"],
        Tactic::Exfiltration,
        PLAIN,
    ),
    (
        &["rds"],
        &["ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute", "StartExportTask"],
        Tactic::Exfiltration,
        HIGH,
    ),
    (
        &["rds"],
        &[
            "CreateDBSnapshot",
            "CreateDBClusterSnapshot",
            "RestoreDBInstanceFromDBSnapshot",
            "RestoreDBClusterFromSnapshot",
            "CopyDBSnapshot",
            "CreateDBSecurityGroup",
        ],
        Tactic::Exfiltration,
        PLAIN,
    ),
    (&["redshift"], &["AuthorizeSnapshotAccess"], Tactic::Exfiltration, HIGH),
    (
        &["ecr"],
        &["SetRepositoryPolicy", "PutRegistryPolicy", "PutReplicationConfiguration"],
        Tactic::Exfiltration,
        HIGH,
    ),
    (&["ram"], &["CreateResourceShare", "AssociateResourceShare"], Tactic::Exfiltration, HIGH),
    (&["dynamodb"], &["ExportTableToPointInTime"], Tactic::Exfiltration, HIGH),
    (&["datasync", "transfer"], &["CreateTask", "StartTaskExecution", "CreateServer"], Tactic::Exfiltration, PLAIN),
    (&["backup"], &["PutBackupVaultAccessPolicy", "StartCopyJob"], Tactic::Exfiltration, HIGH),
    // To tamper or destroy.
    (
        &["s3"],
        &[
            "PutBucketPolicy",
            "PutBucketAcl",
            "PutBucketVersioning",
            "DeleteBucketPublicAccessBlock",
            "PutBucketPublicAccessBlock",
            "PutAccountPublicAccessBlock",
            "DeleteAccountPublicAccessBlock",
            "PutBucketEncryption",
            "DeleteBucket",
            "DeletePublicAccessBlock",
            "PutPublicAccessBlock",
            "PutBucketOwnershipControls",
            "PutObjectLockConfiguration",
        ],
        Tactic::Impact,
        HIGH,
    ),
    (
        &["kms"],
        &["ScheduleKeyDeletion", "DisableKey", "DeleteImportedKeyMaterial", "DeleteCustomKeyStore"],
        Tactic::Impact,
        HIGH,
    ),
    (
        &["rds"],
        &[
            "DeleteDBInstance",
            "DeleteDBCluster",
            "DeleteGlobalCluster",
            "ModifyDBInstance",
            "DeleteDBSnapshot",
            "DeleteDBClusterSnapshot",
        ],
        Tactic::Impact,
        HIGH,
    ),
    (&["ec2"], &["TerminateInstances", "DeleteVolume", "DeleteSnapshot", "DeregisterImage"], Tactic::Impact, PLAIN),
    (
        &["elasticfilesystem", "backup", "dynamodb", "eks", "secretsmanager"],
        &[
            "DeleteFileSystem",
            "DeleteBackupVault",
            "DeleteRecoveryPoint",
            "DeleteBackupPlan",
            "DeleteTable",
            "DeleteCluster",
            "DeleteSecret",
        ],
        Tactic::Impact,
        HIGH,
    ),
    (
        &["iam"],
        &["DeleteUser", "DeleteRole", "DeleteAccessKey", "DeleteLoginProfile", "UpdateUser", "RemoveUserFromGroup"],
        Tactic::Impact,
        PLAIN,
    ),
    (&["organizations"], &["CloseAccount", "DeleteOrganization"], Tactic::Impact, HIGH),
    (
        &["ses"],
        &["UpdateAccountSendingEnabled", "VerifyEmailIdentity", "CreateEmailIdentity", "PutAccountDetails"],
        Tactic::Impact,
        HIGH,
    ),
    (
        &["route53domains", "route53"],
        &["TransferDomain", "DisableDomainTransferLock", "ChangeResourceRecordSets"],
        Tactic::Impact,
        PLAIN,
    ),
    // To look around. Two that read all of it, or what secrets hide in, weigh as much as a secret.
    (&["iam"], &["GetAccountAuthorizationDetails"], Tactic::Discovery, SECRET),
    (
        &["ec2"],
        &["DescribeInstanceAttribute", "GetConsoleScreenshot", "GetConsoleOutput", "GetLaunchTemplateData"],
        Tactic::Discovery,
        SECRET,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_model::catalogue;

    #[test]
    fn the_catalogues_examples_have_their_type() {
        for entry in catalogue::all().iter().filter(|entry| entry.name.ends_with(":IAMUser/AnomalousBehavior")) {
            let apis = EXAMPLES.iter().filter(|(_, name)| *name == entry.name).map(|(api, _)| *api);
            let apis: Vec<&str> = apis.collect();
            assert!(!apis.is_empty(), "{} has no example", entry.name);
            for api in apis {
                let (service, name) = api.split_once(':').unwrap();
                let risk = management(service, name);
                assert_eq!(risk.tactic.unwrap().identity_type().as_str(), entry.name, "{api}");
            }
        }
    }

    /// Source: `apis` of the catalogue's entries, with the service of each.
    const EXAMPLES: [(&str, &str); 24] = [
        ("ec2:GetPasswordData", "CredentialAccess:IAMUser/AnomalousBehavior"),
        ("secretsmanager:GetSecretValue", "CredentialAccess:IAMUser/AnomalousBehavior"),
        ("secretsmanager:BatchGetSecretValue", "CredentialAccess:IAMUser/AnomalousBehavior"),
        ("rds:GenerateDbAuthToken", "CredentialAccess:IAMUser/AnomalousBehavior"),
        ("ec2:DeleteFlowLogs", "DefenseEvasion:IAMUser/AnomalousBehavior"),
        ("monitoring:DisableAlarmActions", "DefenseEvasion:IAMUser/AnomalousBehavior"),
        ("cloudtrail:StopLogging", "DefenseEvasion:IAMUser/AnomalousBehavior"),
        ("ec2:DescribeInstances", "Discovery:IAMUser/AnomalousBehavior"),
        ("iam:GetRolePolicy", "Discovery:IAMUser/AnomalousBehavior"),
        ("iam:ListAccessKeys", "Discovery:IAMUser/AnomalousBehavior"),
        ("s3:PutBucketReplication", "Exfiltration:IAMUser/AnomalousBehavior"),
        ("ec2:CreateSnapshot", "Exfiltration:IAMUser/AnomalousBehavior"),
        ("rds:RestoreDBInstanceFromDBSnapshot", "Exfiltration:IAMUser/AnomalousBehavior"),
        ("ec2:DeleteSecurityGroup", "Impact:IAMUser/AnomalousBehavior"),
        ("iam:UpdateUser", "Impact:IAMUser/AnomalousBehavior"),
        ("s3:PutBucketPolicy", "Impact:IAMUser/AnomalousBehavior"),
        ("ssm:StartSession", "InitialAccess:IAMUser/AnomalousBehavior"),
        ("ecr:GetAuthorizationToken", "InitialAccess:IAMUser/AnomalousBehavior"),
        ("iam:CreateAccessKey", "Persistence:IAMUser/AnomalousBehavior"),
        ("ec2:ImportKeyPair", "Persistence:IAMUser/AnomalousBehavior"),
        ("ec2:ModifyInstanceAttribute", "Persistence:IAMUser/AnomalousBehavior"),
        ("ec2:AssociateIamInstanceProfile", "PrivilegeEscalation:IAMUser/AnomalousBehavior"),
        ("iam:AddUserToGroup", "PrivilegeEscalation:IAMUser/AnomalousBehavior"),
        ("iam:PutUserPolicy", "PrivilegeEscalation:IAMUser/AnomalousBehavior"),
    ];

    #[test]
    fn what_the_console_does_by_itself_weighs_little() {
        assert_eq!(management("health", "DescribeEventAggregates").weight_tenths, BACKGROUND);
        assert_eq!(management("sts", "GetCallerIdentity"), Risk { tactic: None, weight_tenths: BACKGROUND });
        assert_eq!(management("ec2", "DescribeInstances").weight_tenths, PLAIN);
    }

    #[test]
    fn a_search_and_a_new_alarm_are_no_way_to_stay_or_to_hide() {
        for (service, name) in [("logs", "StartQuery"), ("athena", "StartQueryExecution"), ("cloudtrail", "StartQuery")]
        {
            assert_eq!(management(service, name).tactic, Some(Tactic::Discovery), "{service}:{name}");
        }
        assert_eq!(management("monitoring", "PutMetricAlarm").tactic, None);
        assert_eq!(management("config", "PutConfigRule").tactic, None);
        // Near misses: what starts something that stays, and what takes sight away.
        assert_eq!(management("glue", "StartJobRun").tactic, Some(Tactic::Persistence));
        assert_eq!(management("monitoring", "DeleteAlarms").tactic, Some(Tactic::DefenseEvasion));
        assert_eq!(management("cloudtrail", "PutEventSelectors").tactic, Some(Tactic::DefenseEvasion));
        assert_eq!(management("config", "PutConfigurationRecorder").tactic, Some(Tactic::DefenseEvasion));
        assert_eq!(management("cloudshell", "CreateSession").tactic, Some(Tactic::InitialAccess));
    }

    #[test]
    fn to_shut_the_public_out_weighs_little_and_to_let_it_in_much() {
        let shuts = management("s3", "PutBucketPublicAccessBlock (all on)");
        assert_eq!(shuts, Risk { tactic: None, weight_tenths: BACKGROUND });
        for name in ["PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutAccountPublicAccessBlock"] {
            assert_eq!(management("s3", name), Risk { tactic: Some(Tactic::Impact), weight_tenths: HIGH });
        }
    }

    #[test]
    fn names_lose_their_version() {
        assert_eq!(plain_name("UpdateFunctionCode20150331v2"), "UpdateFunctionCode");
        assert_eq!(plain_name("ListFunctions20150331"), "ListFunctions");
        assert_eq!(plain_name("CreateDistribution2020_05_31"), "CreateDistribution");
        for name in ["GetObject", "AssociateVPCv2", "RunJob2", "20150331v2", "v2", ""] {
            assert_eq!(plain_name(name), name);
        }
        assert_eq!(management("lambda", "AddPermission20150331v2").weight_tenths, HIGH);
    }

    #[test]
    fn a_row_is_not_repeated() {
        for (at, (services, names, ..)) in TABLE.iter().enumerate() {
            for (other_services, others, ..) in &TABLE[at + 1..] {
                let shared = services.iter().any(|service| other_services.contains(service));
                assert!(!shared || !names.iter().any(|name| others.contains(name)), "{names:?}");
            }
        }
    }
}
