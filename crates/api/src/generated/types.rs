//! What requests and answers of the GuardDuty API hold, by the names of the service model.
//!
//! Written by `cargo run -p xtask -- api` from the service model in `api/`: change that, not this.

use crate::wire::{Timestamp, wire_enum};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AcceptAdministratorInvitationRequest {
    #[serde(rename = "administratorId")]
    pub(crate) administrator_id: String,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "invitationId")]
    pub(crate) invitation_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AcceptAdministratorInvitationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AcceptInvitationRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "invitationId")]
    pub(crate) invitation_id: String,
    #[serde(rename = "masterId")]
    pub(crate) master_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AcceptInvitationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountAffectedResource {
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
    #[serde(rename = "identifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(crate) r#type: Option<InvestigationResourceType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountAnalysis {
    #[serde(rename = "affectedResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) affected_resources: Option<Vec<AccountAffectedResource>>,
    #[serde(rename = "findingsSummary", default, skip_serializing_if = "Option::is_none")]
    pub(crate) findings_summary: Option<FindingsSummary>,
    #[serde(rename = "tacticCoverage", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tactic_coverage: Option<Vec<TacticCoverage>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountDetail {
    #[serde(rename = "accountId")]
    pub(crate) account_id: String,
    #[serde(rename = "email")]
    pub(crate) email: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountFreeTrialInfo {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<DataSourcesFreeTrial>,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<FreeTrialFeatureConfigurationResult>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountOverview {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "accountRankings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_rankings: Option<Vec<MemberAccountRanking>>,
    #[serde(rename = "accountStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_status: Option<String>,
    #[serde(rename = "affectedAccountCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) affected_account_count: Option<i64>,
    #[serde(rename = "delegatedAdminAccountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) delegated_admin_account_id: Option<String>,
    #[serde(rename = "detectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detector_id: Option<String>,
    #[serde(rename = "region", default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
    #[serde(rename = "totalMemberAccounts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_member_accounts: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountStatistics {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "lastGeneratedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_generated_at: Option<Timestamp>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AccountSummary {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
}

wire_enum! { ActionPriority {
    Immediate = "IMMEDIATE",
    ShortTerm = "SHORT_TERM",
    Strategic = "STRATEGIC",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ActivityWindow {
    #[serde(rename = "firstSeenAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_seen_at: Option<Timestamp>,
    #[serde(rename = "lastSeenAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_seen_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AdditionalInfo {
    #[serde(rename = "deviceName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_name: Option<String>,
    #[serde(rename = "versionId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AddonDetails {
    #[serde(rename = "addonStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) addon_status: Option<String>,
    #[serde(rename = "addonVersion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) addon_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AdminAccount {
    #[serde(rename = "adminAccountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_account_id: Option<String>,
    #[serde(rename = "adminStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_status: Option<AdminStatus>,
}

wire_enum! { AdminStatus {
    Enabled = "ENABLED",
    DisableInProgress = "DISABLE_IN_PROGRESS",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Administrator {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "invitationId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitation_id: Option<String>,
    #[serde(rename = "invitedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_at: Option<String>,
    #[serde(rename = "relationshipStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) relationship_status: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AffectedResource {
    #[serde(rename = "arn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    #[serde(rename = "identifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(crate) r#type: Option<InvestigationResourceType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AgentDetails {
    #[serde(rename = "version", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AnalysisRecord {
    #[serde(rename = "accountAnalysis", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_analysis: Option<InvestigationAccountAnalysis>,
    #[serde(rename = "analysisType")]
    pub(crate) analysis_type: AnalysisType,
    #[serde(rename = "indicators", default, skip_serializing_if = "Option::is_none")]
    pub(crate) indicators: Option<Vec<InvestigationIndicator>>,
    #[serde(rename = "kubernetesPolicyViolation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes_policy_violation: Option<KubernetesPolicyViolation>,
    #[serde(rename = "processes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) processes: Option<Vec<Process>>,
    #[serde(rename = "s3Analysis", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_analysis: Option<S3Analysis>,
    #[serde(rename = "threatAssessment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_assessment: Option<InvestigationThreatAssessment>,
}

wire_enum! { AnalysisType {
    Reputation = "REPUTATION",
    ThreatAssessment = "THREAT_ASSESSMENT",
    RdsThreatAssessment = "RDS_THREAT_ASSESSMENT",
    KubernetesPolicyViolation = "KUBERNETES_POLICY_VIOLATION",
    S3Exposure = "S3_EXPOSURE",
    S3ActorContext = "S3_ACTOR_CONTEXT",
    S3PenTest = "S3_PEN_TEST",
    ProcessLineage = "PROCESS_LINEAGE",
    Trend = "TREND",
    Baseline = "BASELINE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ArchiveDistribution {
    #[serde(rename = "archivedCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) archived_count: Option<i64>,
    #[serde(rename = "archivedPercentage", default, skip_serializing_if = "Option::is_none")]
    pub(crate) archived_percentage: Option<f64>,
    #[serde(rename = "unarchivedCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unarchived_count: Option<i64>,
    #[serde(rename = "unarchivedPercentage", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unarchived_percentage: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ArchiveFindingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingIds")]
    pub(crate) finding_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ArchiveFindingsResponse {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssociationDetail {
    #[serde(rename = "accountId")]
    pub(crate) account_id: String,
    #[serde(rename = "arn")]
    pub(crate) arn: String,
    #[serde(rename = "associationId")]
    pub(crate) association_id: String,
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "updatedAt")]
    pub(crate) updated_at: Timestamp,
}

wire_enum! { AssociationMode {
    Live = "LIVE",
    DryRun = "DRY_RUN",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssociationSummary {
    #[serde(rename = "arn")]
    pub(crate) arn: String,
    #[serde(rename = "associationId")]
    pub(crate) association_id: String,
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "updatedAt")]
    pub(crate) updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Attack {
    #[serde(rename = "findings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) findings: Option<Vec<FindingReference>>,
    #[serde(rename = "tactic", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tactic: Option<ThreatReference>,
    #[serde(rename = "technique", default, skip_serializing_if = "Option::is_none")]
    pub(crate) technique: Option<ThreatReference>,
    #[serde(rename = "version", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AttackPhase {
    #[serde(rename = "attacks", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attacks: Option<Vec<Attack>>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "phase", default, skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<AttackPhaseName>,
}

wire_enum! { AttackPhaseName {
    Reconnaissance = "Reconnaissance",
    ResourceDevelopment = "Resource Development",
    InitialAccess = "Initial Access",
    Execution = "Execution",
    Persistence = "Persistence",
    PrivilegeEscalation = "Privilege Escalation",
    DefenseEvasion = "Defense Evasion",
    CredentialAccess = "Credential Access",
    Discovery = "Discovery",
    LateralMovement = "Lateral Movement",
    Collection = "Collection",
    CommandAndControl = "Command and Control",
    Exfiltration = "Exfiltration",
    Impact = "Impact",
} }

wire_enum! { AutoEnableMembers {
    New = "NEW",
    All = "ALL",
    None = "NONE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Baseline {
    #[serde(rename = "anomalousFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) anomalous_findings: Option<Vec<FindingTypeClassification>>,
    #[serde(rename = "baselineFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_findings: Option<Vec<FindingTypeClassification>>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CloudDetails {
    #[serde(rename = "account")]
    pub(crate) account: String,
    #[serde(rename = "provider")]
    pub(crate) provider: CloudProvider,
    #[serde(rename = "region")]
    pub(crate) region: String,
}

wire_enum! { CloudProvider {
    Aws = "AWS",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CloudTrailConfigurationResult {
    #[serde(rename = "status")]
    pub(crate) status: DataSourceStatus,
}

wire_enum! { Confidence {
    Unknown = "Unknown",
    Low = "Low",
    Medium = "Medium",
    High = "High",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ContainerInstanceDetails {
    #[serde(rename = "compatibleContainerInstances", default, skip_serializing_if = "Option::is_none")]
    pub(crate) compatible_container_instances: Option<i64>,
    #[serde(rename = "coveredContainerInstances", default, skip_serializing_if = "Option::is_none")]
    pub(crate) covered_container_instances: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ContinuousScanDetails {
    #[serde(rename = "endTime")]
    pub(crate) end_time: Timestamp,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CorrelatedFinding {
    #[serde(rename = "correlationReasons", default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlation_reasons: Option<Vec<CorrelationReason>>,
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "findingIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_ids: Option<Vec<String>>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "severityMax", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity_max: Option<f64>,
    #[serde(rename = "sharedBehaviors", default, skip_serializing_if = "Option::is_none")]
    pub(crate) shared_behaviors: Option<Vec<SharedBehavior>>,
    #[serde(rename = "sharedResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) shared_resources: Option<Vec<SharedResource>>,
}

wire_enum! { CorrelationReason {
    HighSeverity = "HIGH_SEVERITY",
    SameResource = "SAME_RESOURCE",
    SameBehavior = "SAME_BEHAVIOR",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Countermeasure {
    #[serde(rename = "actions", default, skip_serializing_if = "Option::is_none")]
    pub(crate) actions: Option<Vec<CountermeasureAction>>,
    #[serde(rename = "defenseTactic", default, skip_serializing_if = "Option::is_none")]
    pub(crate) defense_tactic: Option<DefenseTactic>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CountermeasureAction {
    #[serde(rename = "affectedResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) affected_resources: Option<Vec<AffectedResource>>,
    #[serde(rename = "cliCommands", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cli_commands: Option<Vec<String>>,
    #[serde(rename = "defenseTechnique", default, skip_serializing_if = "Option::is_none")]
    pub(crate) defense_technique: Option<String>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "disposition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) disposition: Option<Disposition>,
    #[serde(rename = "dispositionId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) disposition_id: Option<i64>,
    #[serde(rename = "mitigates", default, skip_serializing_if = "Option::is_none")]
    pub(crate) mitigates: Option<Vec<String>>,
    #[serde(rename = "priority", default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<ActionPriority>,
    #[serde(rename = "title", default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageEc2InstanceDetails {
    #[serde(rename = "agentDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent_details: Option<AgentDetails>,
    #[serde(rename = "clusterArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_arn: Option<String>,
    #[serde(rename = "instanceId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_id: Option<String>,
    #[serde(rename = "instanceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_type: Option<String>,
    #[serde(rename = "managementType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) management_type: Option<ManagementType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageEcsClusterDetails {
    #[serde(rename = "clusterName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_name: Option<String>,
    #[serde(rename = "containerInstanceDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) container_instance_details: Option<ContainerInstanceDetails>,
    #[serde(rename = "fargateDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) fargate_details: Option<FargateDetails>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageEksClusterDetails {
    #[serde(rename = "addonDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) addon_details: Option<AddonDetails>,
    #[serde(rename = "clusterName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_name: Option<String>,
    #[serde(rename = "compatibleNodes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) compatible_nodes: Option<i64>,
    #[serde(rename = "coveredNodes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) covered_nodes: Option<i64>,
    #[serde(rename = "managementType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) management_type: Option<ManagementType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageFilterCondition {
    #[serde(rename = "equals", default, skip_serializing_if = "Option::is_none")]
    pub(crate) equals: Option<Vec<String>>,
    #[serde(rename = "notEquals", default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_equals: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageFilterCriteria {
    #[serde(rename = "filterCriterion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criterion: Option<Vec<CoverageFilterCriterion>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageFilterCriterion {
    #[serde(rename = "criterionKey", default, skip_serializing_if = "Option::is_none")]
    pub(crate) criterion_key: Option<CoverageFilterCriterionKey>,
    #[serde(rename = "filterCondition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_condition: Option<CoverageFilterCondition>,
}

wire_enum! { CoverageFilterCriterionKey {
    AccountId = "ACCOUNT_ID",
    ResourceType = "RESOURCE_TYPE",
    CoverageStatus = "COVERAGE_STATUS",
    AddonVersion = "ADDON_VERSION",
    ClusterName = "CLUSTER_NAME",
    EcsClusterName = "ECS_CLUSTER_NAME",
    ManagementType = "MANAGEMENT_TYPE",
    EksClusterName = "EKS_CLUSTER_NAME",
    AgentVersion = "AGENT_VERSION",
    InstanceId = "INSTANCE_ID",
    ClusterArn = "CLUSTER_ARN",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageResource {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "coverageStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) coverage_status: Option<CoverageStatus>,
    #[serde(rename = "detectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detector_id: Option<String>,
    #[serde(rename = "issue", default, skip_serializing_if = "Option::is_none")]
    pub(crate) issue: Option<String>,
    #[serde(rename = "resourceDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_details: Option<CoverageResourceDetails>,
    #[serde(rename = "resourceId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_id: Option<String>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageResourceDetails {
    #[serde(rename = "ec2InstanceDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ec2_instance_details: Option<CoverageEc2InstanceDetails>,
    #[serde(rename = "ecsClusterDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ecs_cluster_details: Option<CoverageEcsClusterDetails>,
    #[serde(rename = "eksClusterDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) eks_cluster_details: Option<CoverageEksClusterDetails>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<ResourceType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageSortCriteria {
    #[serde(rename = "attributeName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attribute_name: Option<CoverageSortKey>,
    #[serde(rename = "orderBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_by: Option<OrderBy>,
}

wire_enum! { CoverageSortKey {
    AccountId = "ACCOUNT_ID",
    CoverageStatus = "COVERAGE_STATUS",
    Issue = "ISSUE",
    AddonVersion = "ADDON_VERSION",
    UpdatedAt = "UPDATED_AT",
    ClusterName = "CLUSTER_NAME",
    EksClusterName = "EKS_CLUSTER_NAME",
    EcsClusterName = "ECS_CLUSTER_NAME",
    InstanceId = "INSTANCE_ID",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CoverageStatistics {
    #[serde(rename = "countByCoverageStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count_by_coverage_status: Option<BTreeMap<String, i64>>,
    #[serde(rename = "countByResourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count_by_resource_type: Option<BTreeMap<String, i64>>,
}

wire_enum! { CoverageStatisticsType {
    CountByResourceType = "COUNT_BY_RESOURCE_TYPE",
    CountByCoverageStatus = "COUNT_BY_COVERAGE_STATUS",
} }

wire_enum! { CoverageStatus {
    Healthy = "HEALTHY",
    Unhealthy = "UNHEALTHY",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateCustomDetectionRuleAssociationRequest {
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateCustomDetectionRuleAssociationResponse {
    #[serde(rename = "ruleAssociation")]
    pub(crate) rule_association: AssociationDetail,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateCustomDetectionRuleOrgConfigurationRequest {
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "excludeAccountIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) exclude_account_ids: Option<Vec<String>>,
    #[serde(rename = "includeAccountIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) include_account_ids: Option<Vec<String>>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateCustomDetectionRuleOrgConfigurationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateDetectorRequest {
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<DataSourceConfigurations>,
    #[serde(rename = "enable")]
    pub(crate) enable: bool,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<DetectorFeatureConfiguration>>,
    #[serde(rename = "findingPublishingFrequency", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_publishing_frequency: Option<FindingPublishingFrequency>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateDetectorResponse {
    #[serde(rename = "detectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detector_id: Option<String>,
    #[serde(rename = "unprocessedDataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unprocessed_data_sources: Option<UnprocessedDataSourcesResult>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateFilterRequest {
    #[serde(rename = "action", default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<FilterAction>,
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingCriteria")]
    pub(crate) finding_criteria: Value,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "rank", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rank: Option<i64>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateFilterResponse {
    #[serde(rename = "name")]
    pub(crate) name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateIPSetRequest {
    #[serde(rename = "activate")]
    pub(crate) activate: bool,
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: IpSetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateIPSetResponse {
    #[serde(rename = "ipSetId")]
    pub(crate) ip_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateInvestigationRequest {
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "triggerPrompt")]
    pub(crate) trigger_prompt: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateInvestigationResponse {
    #[serde(rename = "investigationId")]
    pub(crate) investigation_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateMalwareProtectionPlanRequest {
    #[serde(rename = "actions", default, skip_serializing_if = "Option::is_none")]
    pub(crate) actions: Option<MalwareProtectionPlanActions>,
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "protectedResource")]
    pub(crate) protected_resource: CreateProtectedResource,
    #[serde(rename = "role")]
    pub(crate) role: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateMalwareProtectionPlanResponse {
    #[serde(rename = "malwareProtectionPlanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection_plan_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateMembersRequest {
    #[serde(rename = "accountDetails")]
    pub(crate) account_details: Vec<AccountDetail>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateMembersResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateProtectedResource {
    #[serde(rename = "s3Bucket", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_bucket: Option<CreateS3BucketResource>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreatePublishingDestinationRequest {
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "destinationProperties")]
    pub(crate) destination_properties: DestinationProperties,
    #[serde(rename = "destinationType")]
    pub(crate) destination_type: DestinationType,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreatePublishingDestinationResponse {
    #[serde(rename = "destinationId")]
    pub(crate) destination_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateS3BucketResource {
    #[serde(rename = "bucketName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bucket_name: Option<String>,
    #[serde(rename = "objectPrefixes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) object_prefixes: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateSampleFindingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_types: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateSampleFindingsResponse {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateThreatEntitySetRequest {
    #[serde(rename = "activate")]
    pub(crate) activate: bool,
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: ThreatEntitySetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateThreatEntitySetResponse {
    #[serde(rename = "threatEntitySetId")]
    pub(crate) threat_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateThreatIntelSetRequest {
    #[serde(rename = "activate")]
    pub(crate) activate: bool,
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: ThreatIntelSetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateThreatIntelSetResponse {
    #[serde(rename = "threatIntelSetId")]
    pub(crate) threat_intel_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreateTrustedEntitySetRequest {
    #[serde(rename = "activate")]
    pub(crate) activate: bool,
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: TrustedEntitySetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CreateTrustedEntitySetResponse {
    #[serde(rename = "trustedEntitySetId")]
    pub(crate) trusted_entity_set_id: String,
}

wire_enum! { CriterionKey {
    Ec2InstanceArn = "EC2_INSTANCE_ARN",
    ScanId = "SCAN_ID",
    AccountId = "ACCOUNT_ID",
    GuarddutyFindingId = "GUARDDUTY_FINDING_ID",
    ScanStartTime = "SCAN_START_TIME",
    ScanStatus = "SCAN_STATUS",
    ScanType = "SCAN_TYPE",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DNSLogsConfigurationResult {
    #[serde(rename = "status")]
    pub(crate) status: DataSourceStatus,
}

wire_enum! { DataSource {
    FlowLogs = "FLOW_LOGS",
    CloudTrail = "CLOUD_TRAIL",
    DnsLogs = "DNS_LOGS",
    S3Logs = "S3_LOGS",
    KubernetesAuditLogs = "KUBERNETES_AUDIT_LOGS",
    Ec2MalwareScan = "EC2_MALWARE_SCAN",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DataSourceConfigurations {
    #[serde(rename = "kubernetes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes: Option<KubernetesConfiguration>,
    #[serde(rename = "malwareProtection", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection: Option<MalwareProtectionConfiguration>,
    #[serde(rename = "s3Logs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_logs: Option<S3LogsConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataSourceConfigurationsResult {
    #[serde(rename = "cloudTrail")]
    pub(crate) cloud_trail: CloudTrailConfigurationResult,
    #[serde(rename = "dnsLogs")]
    pub(crate) dns_logs: DNSLogsConfigurationResult,
    #[serde(rename = "flowLogs")]
    pub(crate) flow_logs: FlowLogsConfigurationResult,
    #[serde(rename = "kubernetes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes: Option<KubernetesConfigurationResult>,
    #[serde(rename = "malwareProtection", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection: Option<MalwareProtectionConfigurationResult>,
    #[serde(rename = "s3Logs")]
    pub(crate) s3_logs: S3LogsConfigurationResult,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DataSourceFreeTrial {
    #[serde(rename = "freeTrialDaysRemaining", default, skip_serializing_if = "Option::is_none")]
    pub(crate) free_trial_days_remaining: Option<i64>,
}

wire_enum! { DataSourceStatus {
    Enabled = "ENABLED",
    Disabled = "DISABLED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DataSourcesFreeTrial {
    #[serde(rename = "cloudTrail", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cloud_trail: Option<DataSourceFreeTrial>,
    #[serde(rename = "dnsLogs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) dns_logs: Option<DataSourceFreeTrial>,
    #[serde(rename = "flowLogs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) flow_logs: Option<DataSourceFreeTrial>,
    #[serde(rename = "kubernetes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes: Option<KubernetesDataSourceFreeTrial>,
    #[serde(rename = "malwareProtection", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection: Option<MalwareProtectionDataSourceFreeTrial>,
    #[serde(rename = "s3Logs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_logs: Option<DataSourceFreeTrial>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DateStatistics {
    #[serde(rename = "date", default, skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<Timestamp>,
    #[serde(rename = "lastGeneratedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_generated_at: Option<Timestamp>,
    #[serde(rename = "severity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<f64>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeclineInvitationsRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeclineInvitationsResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

wire_enum! { DefenseTactic {
    Isolate = "Isolate",
    Evict = "Evict",
    Restore = "Restore",
    Harden = "Harden",
    Detect = "Detect",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteCustomDetectionRuleAssociationRequest {
    #[serde(rename = "AssociationId")]
    pub(crate) association_id: String,
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteCustomDetectionRuleAssociationResponse {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeleteCustomDetectionRuleOrgConfigurationRequest {
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteCustomDetectionRuleOrgConfigurationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteDetectorRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteDetectorResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteFilterRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "FilterName")]
    pub(crate) filter_name: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteFilterResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteIPSetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "IpSetId")]
    pub(crate) ip_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteIPSetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteInvitationsRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteInvitationsResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteMalwareProtectionPlanRequest {
    #[serde(rename = "MalwareProtectionPlanId")]
    pub(crate) malware_protection_plan_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteMembersRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteMembersResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeletePublishingDestinationRequest {
    #[serde(rename = "DestinationId")]
    pub(crate) destination_id: String,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeletePublishingDestinationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteThreatEntitySetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "ThreatEntitySetId")]
    pub(crate) threat_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteThreatEntitySetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteThreatIntelSetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "ThreatIntelSetId")]
    pub(crate) threat_intel_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteThreatIntelSetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteTrustedEntitySetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "TrustedEntitySetId")]
    pub(crate) trusted_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DeleteTrustedEntitySetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DescribeMalwareScansRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "filterCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criteria: Option<FilterCriteria>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "sortCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_criteria: Option<SortCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DescribeMalwareScansResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "scans")]
    pub(crate) scans: Vec<Scan>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DescribeOrganizationConfigurationRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DescribeOrganizationConfigurationResponse {
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<bool>,
    #[serde(rename = "autoEnableOrganizationMembers", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable_organization_members: Option<AutoEnableMembers>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<OrganizationDataSourceConfigurationsResult>,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<OrganizationFeatureConfigurationResult>>,
    #[serde(rename = "memberAccountLimitReached")]
    pub(crate) member_account_limit_reached: bool,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DescribePublishingDestinationRequest {
    #[serde(rename = "DestinationId")]
    pub(crate) destination_id: String,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DescribePublishingDestinationResponse {
    #[serde(rename = "destinationId")]
    pub(crate) destination_id: String,
    #[serde(rename = "destinationProperties")]
    pub(crate) destination_properties: DestinationProperties,
    #[serde(rename = "destinationType")]
    pub(crate) destination_type: DestinationType,
    #[serde(rename = "publishingFailureStartTimestamp")]
    pub(crate) publishing_failure_start_timestamp: i64,
    #[serde(rename = "status")]
    pub(crate) status: PublishingStatus,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Destination {
    #[serde(rename = "destinationId")]
    pub(crate) destination_id: String,
    #[serde(rename = "destinationType")]
    pub(crate) destination_type: DestinationType,
    #[serde(rename = "status")]
    pub(crate) status: PublishingStatus,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DestinationProperties {
    #[serde(rename = "destinationArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination_arn: Option<String>,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "kmsKeyArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kms_key_arn: Option<String>,
}

wire_enum! { DestinationType {
    S3 = "S3",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectionCoverage {
    #[serde(rename = "coverageGaps", default, skip_serializing_if = "Option::is_none")]
    pub(crate) coverage_gaps: Option<String>,
    #[serde(rename = "foundationalDataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) foundational_data_sources: Option<Vec<InvestigationDetectorFeature>>,
    #[serde(rename = "keyObservation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_observation: Option<String>,
    #[serde(rename = "protectionPlans", default, skip_serializing_if = "Option::is_none")]
    pub(crate) protection_plans: Option<Vec<ProtectionPlan>>,
}

wire_enum! { DetectionRuleConfigurationStatus {
    Active = "ACTIVE",
    Processing = "PROCESSING",
    Failed = "FAILED",
} }

wire_enum! { DetectionRuleDataSource {
    CloudTrailManagementEvent = "CloudTrailManagementEvent",
    RuntimeMonitoring = "RuntimeMonitoring",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectionRuleEc2Requirements {
    #[serde(rename = "minAgentVersion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_agent_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectionRuleEcsFargateRequirements {
    #[serde(rename = "minAgentVersion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_agent_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectionRuleEksRequirements {
    #[serde(rename = "minAgentVersion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_agent_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DetectionRuleFilter {
    #[serde(rename = "condition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<DetectionRuleFilterCondition>,
    #[serde(rename = "name")]
    pub(crate) name: FilterFieldName,
    #[serde(rename = "values")]
    pub(crate) values: Vec<String>,
}

wire_enum! { DetectionRuleFilterCondition {
    Equals = "EQUALS",
    Contains = "CONTAINS",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DetectionRuleOrgConfiguration {
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "excludeAccountIds")]
    pub(crate) exclude_account_ids: Vec<String>,
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(rename = "includeAccountIds")]
    pub(crate) include_account_ids: Vec<String>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "status")]
    pub(crate) status: DetectionRuleConfigurationStatus,
    #[serde(rename = "statusReason", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_reason: Option<String>,
    #[serde(rename = "updatedAt")]
    pub(crate) updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DetectionRuleOrgConfigurationSummary {
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "status")]
    pub(crate) status: DetectionRuleConfigurationStatus,
    #[serde(rename = "statusReason", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_reason: Option<String>,
    #[serde(rename = "updatedAt")]
    pub(crate) updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectionRuleRuntimeMonitoringDetails {
    #[serde(rename = "platforms", default, skip_serializing_if = "Option::is_none")]
    pub(crate) platforms: Option<DetectionRuleRuntimePlatforms>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectionRuleRuntimePlatforms {
    #[serde(rename = "ec2", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ec2: Option<DetectionRuleEc2Requirements>,
    #[serde(rename = "ecsFargate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ecs_fargate: Option<DetectionRuleEcsFargateRequirements>,
    #[serde(rename = "eks", default, skip_serializing_if = "Option::is_none")]
    pub(crate) eks: Option<DetectionRuleEksRequirements>,
}

wire_enum! { DetectionRuleSeverity {
    Critical = "CRITICAL",
    High = "HIGH",
    Medium = "MEDIUM",
    Low = "LOW",
} }

wire_enum! { DetectionSource {
    Amazon = "AMAZON",
    Bitdefender = "BITDEFENDER",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectorAdditionalConfiguration {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<FeatureAdditionalConfiguration>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectorAdditionalConfigurationResult {
    #[serde(rename = "managedBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed_by: Option<ManagedBy>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<FeatureAdditionalConfiguration>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

wire_enum! { DetectorFeature {
    S3DataEvents = "S3_DATA_EVENTS",
    EksAuditLogs = "EKS_AUDIT_LOGS",
    EbsMalwareProtection = "EBS_MALWARE_PROTECTION",
    RdsLoginEvents = "RDS_LOGIN_EVENTS",
    LambdaNetworkLogs = "LAMBDA_NETWORK_LOGS",
    EksRuntimeMonitoring = "EKS_RUNTIME_MONITORING",
    RuntimeMonitoring = "RUNTIME_MONITORING",
    AiProtection = "AI_PROTECTION",
    AiAnalyst = "AI_ANALYST",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectorFeatureConfiguration {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<DetectorAdditionalConfiguration>>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<DetectorFeature>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DetectorFeatureConfigurationResult {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<DetectorAdditionalConfigurationResult>>,
    #[serde(rename = "managedBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed_by: Option<ManagedBy>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<DetectorFeatureResult>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

wire_enum! { DetectorFeatureResult {
    FlowLogs = "FLOW_LOGS",
    CloudTrail = "CLOUD_TRAIL",
    DnsLogs = "DNS_LOGS",
    S3DataEvents = "S3_DATA_EVENTS",
    EksAuditLogs = "EKS_AUDIT_LOGS",
    EbsMalwareProtection = "EBS_MALWARE_PROTECTION",
    RdsLoginEvents = "RDS_LOGIN_EVENTS",
    LambdaNetworkLogs = "LAMBDA_NETWORK_LOGS",
    EksRuntimeMonitoring = "EKS_RUNTIME_MONITORING",
    RuntimeMonitoring = "RUNTIME_MONITORING",
    AiProtection = "AI_PROTECTION",
    AiAnalyst = "AI_ANALYST",
} }

wire_enum! { DetectorStatus {
    Enabled = "ENABLED",
    Disabled = "DISABLED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisableOrganizationAdminAccountRequest {
    #[serde(rename = "adminAccountId")]
    pub(crate) admin_account_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisableOrganizationAdminAccountResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisassociateFromAdministratorAccountRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisassociateFromAdministratorAccountResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisassociateFromMasterAccountRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisassociateFromMasterAccountResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisassociateMembersRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DisassociateMembersResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

wire_enum! { Disposition {
    Isolated = "Isolated",
    Blocked = "Blocked",
    Deleted = "Deleted",
    AccessRevoked = "Access Revoked",
    Logged = "Logged",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Distribution {
    #[serde(rename = "archive", default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<ArchiveDistribution>,
    #[serde(rename = "attackVectors", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attack_vectors: Option<Vec<TacticCoverage>>,
    #[serde(rename = "dimension")]
    pub(crate) dimension: DistributionDimension,
    #[serde(rename = "findingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_types: Option<Vec<TypeDistribution>>,
    #[serde(rename = "resources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Vec<ResourceDistribution>>,
    #[serde(rename = "severityBreakdown", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity_breakdown: Option<SeverityBreakdown>,
    #[serde(rename = "topFindingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_finding_types: Option<Vec<FindingTypeCount>>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

wire_enum! { DistributionDimension {
    Severity = "SEVERITY",
    Type = "TYPE",
    Resource = "RESOURCE",
    AttackVector = "ATTACK_VECTOR",
    Archive = "ARCHIVE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DnsContext {
    #[serde(rename = "domainSuffix", default, skip_serializing_if = "Option::is_none")]
    pub(crate) domain_suffix: Option<String>,
    #[serde(rename = "otherDomains", default, skip_serializing_if = "Option::is_none")]
    pub(crate) other_domains: Option<String>,
    #[serde(rename = "resolverHistory", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resolver_history: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct EbsSnapshot {
    #[serde(rename = "deviceName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_name: Option<String>,
}

wire_enum! { EbsSnapshotPreservation {
    NoRetention = "NO_RETENTION",
    RetentionWithFinding = "RETENTION_WITH_FINDING",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct EbsVolumesResult {
    #[serde(rename = "reason", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<DataSourceStatus>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct EnableOrganizationAdminAccountRequest {
    #[serde(rename = "adminAccountId")]
    pub(crate) admin_account_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct EnableOrganizationAdminAccountResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Enrichment {
    #[serde(rename = "asnOrg", default, skip_serializing_if = "Option::is_none")]
    pub(crate) asn_org: Option<String>,
    #[serde(rename = "countryName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) country_name: Option<String>,
    #[serde(rename = "threatListName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_list_name: Option<String>,
    #[serde(rename = "threatName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FargateDetails {
    #[serde(rename = "issues", default, skip_serializing_if = "Option::is_none")]
    pub(crate) issues: Option<Vec<String>>,
    #[serde(rename = "managementType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) management_type: Option<ManagementType>,
}

wire_enum! { FeatureAdditionalConfiguration {
    EksAddonManagement = "EKS_ADDON_MANAGEMENT",
    EcsFargateAgentManagement = "ECS_FARGATE_AGENT_MANAGEMENT",
    Ec2AgentManagement = "EC2_AGENT_MANAGEMENT",
    RdsDataRisk = "RDS_DATA_RISK",
} }

wire_enum! { FeatureStatus {
    Enabled = "ENABLED",
    Disabled = "DISABLED",
} }

wire_enum! { Feedback {
    Useful = "USEFUL",
    NotUseful = "NOT_USEFUL",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FetchCriterion {
    #[serde(rename = "condition")]
    pub(crate) condition: FetchCriterionCondition,
    #[serde(rename = "field")]
    pub(crate) field: String,
    #[serde(rename = "values", default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Vec<String>>,
}

wire_enum! { FetchCriterionCondition {
    Equals = "EQUALS",
    NotEquals = "NOT_EQUALS",
    GreaterThan = "GREATER_THAN",
    GreaterThanOrEqual = "GREATER_THAN_OR_EQUAL",
    LessThan = "LESS_THAN",
    LessThanOrEqual = "LESS_THAN_OR_EQUAL",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FetchQuery {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "criteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) criteria: Option<Vec<FetchCriterion>>,
    #[serde(rename = "findingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_id: Option<String>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "indicator", default, skip_serializing_if = "Option::is_none")]
    pub(crate) indicator: Option<String>,
    #[serde(rename = "indicatorType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) indicator_type: Option<InvestigationIndicatorType>,
    #[serde(rename = "rowLimit", default, skip_serializing_if = "Option::is_none")]
    pub(crate) row_limit: Option<i64>,
    #[serde(rename = "timeWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_window: Option<FetchTimeWindow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FetchRecord {
    #[serde(rename = "fetchType")]
    pub(crate) fetch_type: FetchType,
    #[serde(rename = "query", default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<FetchQuery>,
    #[serde(rename = "result", default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<FetchResult>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FetchResult {
    #[serde(rename = "documentation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) documentation: Option<FindingTypeDocumentation>,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<InvestigationDetectorFeatureConfiguration>>,
    #[serde(rename = "itemIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) item_ids: Option<Vec<String>>,
    #[serde(rename = "totalCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_count: Option<i64>,
    #[serde(rename = "verdict", default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<FetchVerdict>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FetchTimeWindow {
    #[serde(rename = "durationInMinutes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_in_minutes: Option<i64>,
    #[serde(rename = "startedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
}

wire_enum! { FetchType {
    Findings = "FINDINGS",
    Detector = "DETECTOR",
    Reputation = "REPUTATION",
    FindingTypeDocumentation = "FINDING_TYPE_DOCUMENTATION",
    CloudTrailRawEvents = "CLOUD_TRAIL_RAW_EVENTS",
    RuntimeSignals = "RUNTIME_SIGNALS",
    MemberAccounts = "MEMBER_ACCOUNTS",
} }

wire_enum! { FetchVerdict {
    Threat = "THREAT",
    Benign = "BENIGN",
    Neutral = "NEUTRAL",
} }

wire_enum! { FilterAction {
    Noop = "NOOP",
    Archive = "ARCHIVE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FilterCondition {
    #[serde(rename = "equalsValue", default, skip_serializing_if = "Option::is_none")]
    pub(crate) equals_value: Option<String>,
    #[serde(rename = "greaterThan", default, skip_serializing_if = "Option::is_none")]
    pub(crate) greater_than: Option<i64>,
    #[serde(rename = "lessThan", default, skip_serializing_if = "Option::is_none")]
    pub(crate) less_than: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FilterCriteria {
    #[serde(rename = "filterCriterion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criterion: Option<Vec<FilterCriterion>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FilterCriterion {
    #[serde(rename = "criterionKey", default, skip_serializing_if = "Option::is_none")]
    pub(crate) criterion_key: Option<CriterionKey>,
    #[serde(rename = "filterCondition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_condition: Option<FilterCondition>,
}

wire_enum! { FilterFieldName {
    Name = "name",
    Description = "description",
    DataSource = "dataSource",
    Severity = "severity",
    Tactic = "tactic",
    Technique = "technique",
    Service = "service",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingDetail {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "activityWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activity_window: Option<ActivityWindow>,
    #[serde(rename = "findingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_id: Option<String>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "region", default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(rename = "severity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<String>,
}

wire_enum! { FindingPublishingFrequency {
    FifteenMinutes = "FIFTEEN_MINUTES",
    OneHour = "ONE_HOUR",
    SixHours = "SIX_HOURS",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingReference {
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "uid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
}

wire_enum! { FindingStatisticType {
    CountBySeverity = "COUNT_BY_SEVERITY",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingStatistics {
    #[serde(rename = "countBySeverity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count_by_severity: Option<BTreeMap<String, i64>>,
    #[serde(rename = "groupedByAccount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) grouped_by_account: Option<Vec<AccountStatistics>>,
    #[serde(rename = "groupedByDate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) grouped_by_date: Option<Vec<DateStatistics>>,
    #[serde(rename = "groupedByFindingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) grouped_by_finding_type: Option<Vec<FindingTypeStatistics>>,
    #[serde(rename = "groupedByResource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) grouped_by_resource: Option<Vec<ResourceStatistics>>,
    #[serde(rename = "groupedBySeverity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) grouped_by_severity: Option<Vec<SeverityStatistics>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingTypeClassification {
    #[serde(rename = "classification", default, skip_serializing_if = "Option::is_none")]
    pub(crate) classification: Option<String>,
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "percentage", default, skip_serializing_if = "Option::is_none")]
    pub(crate) percentage: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingTypeCount {
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingTypeDocumentation {
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "feature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) feature: Option<String>,
    #[serde(rename = "fullDescription", default, skip_serializing_if = "Option::is_none")]
    pub(crate) full_description: Option<String>,
    #[serde(rename = "learnMoreLinks", default, skip_serializing_if = "Option::is_none")]
    pub(crate) learn_more_links: Option<Vec<String>>,
    #[serde(rename = "remediation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) remediation: Option<String>,
    #[serde(rename = "severity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingTypeStatistics {
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "lastGeneratedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_generated_at: Option<Timestamp>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FindingsSummary {
    #[serde(rename = "byTimeWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_time_window: Option<Vec<TimeWindowGroup>>,
    #[serde(rename = "severityBreakdown", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity_breakdown: Option<SeverityBreakdown>,
    #[serde(rename = "topFindingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_finding_types: Option<Vec<FindingTypeCount>>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowLogsConfigurationResult {
    #[serde(rename = "status")]
    pub(crate) status: DataSourceStatus,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FreeTrialFeatureConfigurationResult {
    #[serde(rename = "freeTrialDaysRemaining", default, skip_serializing_if = "Option::is_none")]
    pub(crate) free_trial_days_remaining: Option<i64>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<FreeTrialFeatureResult>,
}

wire_enum! { FreeTrialFeatureResult {
    FlowLogs = "FLOW_LOGS",
    CloudTrail = "CLOUD_TRAIL",
    DnsLogs = "DNS_LOGS",
    S3DataEvents = "S3_DATA_EVENTS",
    EksAuditLogs = "EKS_AUDIT_LOGS",
    EbsMalwareProtection = "EBS_MALWARE_PROTECTION",
    RdsLoginEvents = "RDS_LOGIN_EVENTS",
    LambdaNetworkLogs = "LAMBDA_NETWORK_LOGS",
    EksRuntimeMonitoring = "EKS_RUNTIME_MONITORING",
    Ec2RuntimeMonitoring = "EC2_RUNTIME_MONITORING",
    FargateRuntimeMonitoring = "FARGATE_RUNTIME_MONITORING",
    AiProtection = "AI_PROTECTION",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetAdministratorAccountRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetAdministratorAccountResponse {
    #[serde(rename = "administrator", default, skip_serializing_if = "Option::is_none")]
    pub(crate) administrator: Option<Administrator>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetCoverageStatisticsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "filterCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criteria: Option<CoverageFilterCriteria>,
    #[serde(rename = "statisticsType")]
    pub(crate) statistics_type: Vec<CoverageStatisticsType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetCoverageStatisticsResponse {
    #[serde(rename = "coverageStatistics", default, skip_serializing_if = "Option::is_none")]
    pub(crate) coverage_statistics: Option<CoverageStatistics>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetCustomDetectionRuleAssociationRequest {
    #[serde(rename = "AssociationId")]
    pub(crate) association_id: String,
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetCustomDetectionRuleAssociationResponse {
    #[serde(rename = "ruleAssociation")]
    pub(crate) rule_association: AssociationDetail,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetCustomDetectionRuleOrgConfigurationRequest {
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetCustomDetectionRuleOrgConfigurationResponse {
    #[serde(rename = "configuration")]
    pub(crate) configuration: DetectionRuleOrgConfiguration,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetCustomDetectionRuleRequest {
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetCustomDetectionRuleResponse {
    #[serde(rename = "rule")]
    pub(crate) rule: RuleDetail,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetDetectorRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetDetectorResponse {
    #[serde(rename = "createdAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<String>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<DataSourceConfigurationsResult>,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<DetectorFeatureConfigurationResult>>,
    #[serde(rename = "findingPublishingFrequency", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_publishing_frequency: Option<FindingPublishingFrequency>,
    #[serde(rename = "serviceRole")]
    pub(crate) service_role: String,
    #[serde(rename = "status")]
    pub(crate) status: DetectorStatus,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetFilterRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "FilterName")]
    pub(crate) filter_name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetFilterResponse {
    #[serde(rename = "action")]
    pub(crate) action: FilterAction,
    #[serde(rename = "createdAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "findingCriteria")]
    pub(crate) finding_criteria: Value,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "rank", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rank: Option<i64>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(rename = "version", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetFindingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingIds")]
    pub(crate) finding_ids: Vec<String>,
    #[serde(rename = "sortCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_criteria: Option<SortCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetFindingsResponse {
    #[serde(rename = "findings")]
    pub(crate) findings: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetFindingsStatisticsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_criteria: Option<Value>,
    #[serde(rename = "findingStatisticTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_statistic_types: Option<Vec<FindingStatisticType>>,
    #[serde(rename = "groupBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) group_by: Option<GroupByType>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "orderBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_by: Option<OrderBy>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetFindingsStatisticsResponse {
    #[serde(rename = "findingStatistics")]
    pub(crate) finding_statistics: FindingStatistics,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetIPSetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "IpSetId")]
    pub(crate) ip_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetIPSetResponse {
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: IpSetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "status")]
    pub(crate) status: IpSetStatus,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetInvestigationRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "InvestigationId")]
    pub(crate) investigation_id: String,
    #[serde(rename = "summaryFormat", default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary_format: Option<SummaryFormat>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetInvestigationResponse {
    #[serde(rename = "investigation")]
    pub(crate) investigation: Investigation,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetInvitationsCountRequest {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetInvitationsCountResponse {
    #[serde(rename = "invitationsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitations_count: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareProtectionPlanRequest {
    #[serde(rename = "MalwareProtectionPlanId")]
    pub(crate) malware_protection_plan_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareProtectionPlanResponse {
    #[serde(rename = "actions", default, skip_serializing_if = "Option::is_none")]
    pub(crate) actions: Option<MalwareProtectionPlanActions>,
    #[serde(rename = "arn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    #[serde(rename = "createdAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(rename = "protectedResource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) protected_resource: Option<CreateProtectedResource>,
    #[serde(rename = "role", default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<MalwareProtectionPlanStatus>,
    #[serde(rename = "statusReasons", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_reasons: Option<Vec<MalwareProtectionPlanStatusReason>>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareScanRequest {
    #[serde(rename = "ScanId")]
    pub(crate) scan_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareScanResponse {
    #[serde(rename = "adminDetectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_detector_id: Option<String>,
    #[serde(rename = "detectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detector_id: Option<String>,
    #[serde(rename = "failedResourcesCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed_resources_count: Option<i64>,
    #[serde(rename = "resourceArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_arn: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<MalwareProtectionResourceType>,
    #[serde(rename = "scanCategory", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_category: Option<ScanCategory>,
    #[serde(rename = "scanCompletedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_completed_at: Option<Timestamp>,
    #[serde(rename = "scanConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_configuration: Option<ScanConfiguration>,
    #[serde(rename = "scanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_id: Option<String>,
    #[serde(rename = "scanResultDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_result_details: Option<GetMalwareScanResultDetails>,
    #[serde(rename = "scanStartedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_started_at: Option<Timestamp>,
    #[serde(rename = "scanStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_status: Option<MalwareProtectionScanStatus>,
    #[serde(rename = "scanStatusReason", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_status_reason: Option<ScanStatusReason>,
    #[serde(rename = "scanType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_type: Option<MalwareProtectionScanType>,
    #[serde(rename = "scannedResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scanned_resources: Option<Vec<ScannedResource>>,
    #[serde(rename = "scannedResourcesCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scanned_resources_count: Option<i64>,
    #[serde(rename = "skippedResourcesCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) skipped_resources_count: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareScanResultDetails {
    #[serde(rename = "failedFileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed_file_count: Option<i64>,
    #[serde(rename = "scanResultStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_result_status: Option<ScanResultStatus>,
    #[serde(rename = "skippedFileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) skipped_file_count: Option<i64>,
    #[serde(rename = "threatFoundFileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_found_file_count: Option<i64>,
    #[serde(rename = "threats", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threats: Option<Vec<ScanResultThreat>>,
    #[serde(rename = "totalBytes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_bytes: Option<i64>,
    #[serde(rename = "totalFileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_file_count: Option<i64>,
    #[serde(rename = "uniqueThreatCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unique_threat_count: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareScanSettingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMalwareScanSettingsResponse {
    #[serde(rename = "ebsSnapshotPreservation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_snapshot_preservation: Option<EbsSnapshotPreservation>,
    #[serde(rename = "scanResourceCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_resource_criteria: Option<ScanResourceCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMasterAccountRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMasterAccountResponse {
    #[serde(rename = "master", default, skip_serializing_if = "Option::is_none")]
    pub(crate) master: Option<Master>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMemberDetectorsRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMemberDetectorsResponse {
    #[serde(rename = "members")]
    pub(crate) member_data_source_configurations: Vec<MemberDataSourceConfiguration>,
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMembersRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetMembersResponse {
    #[serde(rename = "members")]
    pub(crate) members: Vec<Member>,
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetOrganizationStatisticsResponse {
    #[serde(rename = "organizationDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization_details: Option<OrganizationDetails>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetRemainingFreeTrialDaysRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetRemainingFreeTrialDaysResponse {
    #[serde(rename = "accounts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) accounts: Option<Vec<AccountFreeTrialInfo>>,
    #[serde(rename = "unprocessedAccounts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unprocessed_accounts: Option<Vec<UnprocessedAccount>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetThreatEntitySetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "ThreatEntitySetId")]
    pub(crate) threat_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetThreatEntitySetResponse {
    #[serde(rename = "createdAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(rename = "errorDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_details: Option<String>,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: ThreatEntitySetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "status")]
    pub(crate) status: ThreatEntitySetStatus,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetThreatIntelSetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "ThreatIntelSetId")]
    pub(crate) threat_intel_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetThreatIntelSetResponse {
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: ThreatIntelSetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "status")]
    pub(crate) status: ThreatIntelSetStatus,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetTrustedEntitySetRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "TrustedEntitySetId")]
    pub(crate) trusted_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetTrustedEntitySetResponse {
    #[serde(rename = "createdAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(rename = "errorDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_details: Option<String>,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "format")]
    pub(crate) format: TrustedEntitySetFormat,
    #[serde(rename = "location")]
    pub(crate) location: String,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "status")]
    pub(crate) status: TrustedEntitySetStatus,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GetUsageStatisticsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "unit", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    #[serde(rename = "usageCriteria")]
    pub(crate) usage_criteria: UsageCriteria,
    #[serde(rename = "usageStatisticsType")]
    pub(crate) usage_statistic_type: UsageStatisticType,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct GetUsageStatisticsResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "usageStatistics", default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage_statistics: Option<UsageStatistics>,
}

wire_enum! { GroupByType {
    Account = "ACCOUNT",
    Date = "DATE",
    FindingType = "FINDING_TYPE",
    Resource = "RESOURCE",
    Severity = "SEVERITY",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct IncrementalScanDetails {
    #[serde(rename = "baselineResourceArn")]
    pub(crate) baseline_resource_arn: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Investigation {
    #[serde(rename = "cloud", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cloud: Option<CloudDetails>,
    #[serde(rename = "confidence", default, skip_serializing_if = "Option::is_none")]
    pub(crate) confidence: Option<Confidence>,
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_time: Option<Timestamp>,
    #[serde(rename = "error", default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(rename = "investigationId")]
    pub(crate) investigation_id: String,
    #[serde(rename = "metadata", default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<InvestigationMetadata>,
    #[serde(rename = "risk", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk: Option<String>,
    #[serde(rename = "riskLevel", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk_level: Option<RiskLevel>,
    #[serde(rename = "scope", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<InvestigationScope>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<Timestamp>,
    #[serde(rename = "status")]
    pub(crate) status: InvestigationStatus,
    #[serde(rename = "summary", default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    #[serde(rename = "summaryData", default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary_data: Option<InvestigationSummaryData>,
    #[serde(rename = "triggerPrompt")]
    pub(crate) trigger_prompt: String,
    #[serde(rename = "triggeredBy")]
    pub(crate) triggered_by: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationAccountAnalysis {
    #[serde(rename = "baseline", default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<Baseline>,
    #[serde(rename = "trend", default, skip_serializing_if = "Option::is_none")]
    pub(crate) trend: Option<Trend>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationActor {
    #[serde(rename = "accessKeyId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_key_id: Option<String>,
    #[serde(rename = "principalId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) principal_id: Option<String>,
    #[serde(rename = "userAgent", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    #[serde(rename = "userName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_name: Option<String>,
    #[serde(rename = "userType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_type: Option<String>,
}

wire_enum! { InvestigationDetectorFeature {
    CloudTrail = "CLOUD_TRAIL",
    DnsLogs = "DNS_LOGS",
    FlowLogs = "FLOW_LOGS",
    S3DataEvents = "S3_DATA_EVENTS",
    EksAuditLogs = "EKS_AUDIT_LOGS",
    EbsMalwareProtection = "EBS_MALWARE_PROTECTION",
    RdsLoginEvents = "RDS_LOGIN_EVENTS",
    EksRuntimeMonitoring = "EKS_RUNTIME_MONITORING",
    EksAddonManagement = "EKS_ADDON_MANAGEMENT",
    LambdaNetworkLogs = "LAMBDA_NETWORK_LOGS",
    RuntimeMonitoring = "RUNTIME_MONITORING",
    EcsFargateAgentManagement = "ECS_FARGATE_AGENT_MANAGEMENT",
    Ec2AgentManagement = "EC2_AGENT_MANAGEMENT",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationDetectorFeatureConfiguration {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<InvestigationDetectorFeature>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationEc2Instance {
    #[serde(rename = "availabilityZone", default, skip_serializing_if = "Option::is_none")]
    pub(crate) availability_zone: Option<String>,
    #[serde(rename = "imageId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) image_id: Option<String>,
    #[serde(rename = "instanceId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_id: Option<String>,
    #[serde(rename = "instanceState", default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_state: Option<String>,
    #[serde(rename = "instanceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_type: Option<String>,
    #[serde(rename = "launchedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) launched_at: Option<Timestamp>,
    #[serde(rename = "privateIpAddress", default, skip_serializing_if = "Option::is_none")]
    pub(crate) private_ip_address: Option<String>,
    #[serde(rename = "publicIp", default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_ip: Option<String>,
    #[serde(rename = "subnetId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) subnet_id: Option<String>,
    #[serde(rename = "vpcId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) vpc_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationEcsCluster {
    #[serde(rename = "arn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationEksCluster {
    #[serde(rename = "arn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    #[serde(rename = "vpcId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) vpc_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationFilterCondition {
    #[serde(rename = "equals", default, skip_serializing_if = "Option::is_none")]
    pub(crate) equals: Option<Vec<String>>,
    #[serde(rename = "notEquals", default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_equals: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationFilterCriteria {
    #[serde(rename = "criterion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) criterion: Option<BTreeMap<String, InvestigationFilterCondition>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationIndicator {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(crate) r#type: Option<InvestigationIndicatorType>,
    #[serde(rename = "value")]
    pub(crate) value: String,
}

wire_enum! { InvestigationIndicatorType {
    Ip = "IP",
    Domain = "DOMAIN",
    File = "FILE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationKubernetesWorkload {
    #[serde(rename = "containers", default, skip_serializing_if = "Option::is_none")]
    pub(crate) containers: Option<String>,
    #[serde(rename = "securityContext", default, skip_serializing_if = "Option::is_none")]
    pub(crate) security_context: Option<String>,
    #[serde(rename = "volumes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) volumes: Option<String>,
    #[serde(rename = "workloadName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) workload_name: Option<String>,
    #[serde(rename = "workloadType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) workload_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationMalwareScan {
    #[serde(rename = "engineSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine_sources: Option<String>,
    #[serde(rename = "filesScanned", default, skip_serializing_if = "Option::is_none")]
    pub(crate) files_scanned: Option<i64>,
    #[serde(rename = "gigabytesScanned", default, skip_serializing_if = "Option::is_none")]
    pub(crate) gigabytes_scanned: Option<f64>,
    #[serde(rename = "highestSeverity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) highest_severity: Option<String>,
    #[serde(rename = "highestSeverityThreatName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) highest_severity_threat_name: Option<String>,
    #[serde(rename = "infectedFileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) infected_file_count: Option<i64>,
    #[serde(rename = "resourceIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_identifier: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
    #[serde(rename = "scanCategory", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_category: Option<ScanCategory>,
    #[serde(rename = "scanCompletedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_completed_at: Option<Timestamp>,
    #[serde(rename = "scanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_id: Option<String>,
    #[serde(rename = "scanStartedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_started_at: Option<Timestamp>,
    #[serde(rename = "scanType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_type: Option<MalwareProtectionScanType>,
    #[serde(rename = "threats", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threats: Option<Vec<MalwareThreat>>,
    #[serde(rename = "totalInfectedItems", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_infected_items: Option<i64>,
    #[serde(rename = "triggerFindingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger_finding_id: Option<String>,
    #[serde(rename = "uniqueThreatCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unique_threat_count: Option<i64>,
    #[serde(rename = "volumesScanned", default, skip_serializing_if = "Option::is_none")]
    pub(crate) volumes_scanned: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationMetadata {
    #[serde(rename = "product")]
    pub(crate) product: Product,
    #[serde(rename = "version")]
    pub(crate) version: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvestigationRecord {
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "narrative", default, skip_serializing_if = "Option::is_none")]
    pub(crate) narrative: Option<String>,
    #[serde(rename = "recordId")]
    pub(crate) record_id: String,
    #[serde(rename = "supportingData", default, skip_serializing_if = "Option::is_none")]
    pub(crate) supporting_data: Option<SupportingData>,
    #[serde(rename = "title")]
    pub(crate) title: String,
    #[serde(rename = "type")]
    pub(crate) r#type: RecordType,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvestigationResource {
    #[serde(rename = "data", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<InvestigationResourceData>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "resourceType")]
    pub(crate) resource_type: InvestigationResourceType,
    #[serde(rename = "uid")]
    pub(crate) uid: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationResourceData {
    #[serde(rename = "ec2Instance", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ec2_instance: Option<InvestigationEc2Instance>,
    #[serde(rename = "ecsCluster", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ecs_cluster: Option<InvestigationEcsCluster>,
    #[serde(rename = "eksCluster", default, skip_serializing_if = "Option::is_none")]
    pub(crate) eks_cluster: Option<InvestigationEksCluster>,
    #[serde(rename = "lambdaFunction", default, skip_serializing_if = "Option::is_none")]
    pub(crate) lambda_function: Option<LambdaFunction>,
    #[serde(rename = "rdsDbInstance", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rds_db_instance: Option<RdsDbInstance>,
    #[serde(rename = "rdsDbUser", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rds_db_user: Option<RdsDbUser>,
}

wire_enum! { InvestigationResourceType {
    Ec2Instance = "EC2_INSTANCE",
    EbsVolume = "EBS_VOLUME",
    S3Bucket = "S3_BUCKET",
    IamRole = "IAM_ROLE",
    IamUser = "IAM_USER",
    IamAccessKey = "IAM_ACCESS_KEY",
    LambdaFunction = "LAMBDA_FUNCTION",
    EksCluster = "EKS_CLUSTER",
    EcsCluster = "ECS_CLUSTER",
    KubernetesWorkload = "KUBERNETES_WORKLOAD",
    RdsInstance = "RDS_INSTANCE",
    RdsDbUser = "RDS_DB_USER",
    Ec2SecurityGroup = "EC2_SECURITY_GROUP",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationScope {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "adminAccountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_account_id: Option<String>,
    #[serde(rename = "findingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_id: Option<String>,
    #[serde(rename = "investigationType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) investigation_type: Option<InvestigationType>,
    #[serde(rename = "queryTimeWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) query_time_window: Option<QueryTimeWindow>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationSortCriteria {
    #[serde(rename = "attributeName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attribute_name: Option<InvestigationSortField>,
    #[serde(rename = "orderBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_by: Option<OrderBy>,
}

wire_enum! { InvestigationSortField {
    StartTime = "START_TIME",
    EndTime = "END_TIME",
    Status = "STATUS",
    RiskLevel = "RISK_LEVEL",
    Confidence = "CONFIDENCE",
} }

wire_enum! { InvestigationStatus {
    Running = "RUNNING",
    Completed = "COMPLETED",
    Failed = "FAILED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationSummary {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "adminAccountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_account_id: Option<String>,
    #[serde(rename = "confidence", default, skip_serializing_if = "Option::is_none")]
    pub(crate) confidence: Option<Confidence>,
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_time: Option<Timestamp>,
    #[serde(rename = "findingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_id: Option<String>,
    #[serde(rename = "investigationId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) investigation_id: Option<String>,
    #[serde(rename = "investigationType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) investigation_type: Option<InvestigationType>,
    #[serde(rename = "riskLevel", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk_level: Option<RiskLevel>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<Timestamp>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<InvestigationStatus>,
    #[serde(rename = "title", default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(rename = "triggerPrompt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger_prompt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationSummaryData {
    #[serde(rename = "accountAnalysis", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_analysis: Option<AccountAnalysis>,
    #[serde(rename = "countermeasures", default, skip_serializing_if = "Option::is_none")]
    pub(crate) countermeasures: Option<Vec<Countermeasure>>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "keyObservations", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_observations: Option<KeyObservations>,
    #[serde(rename = "organizationAnalysis", default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization_analysis: Option<OrganizationAnalysis>,
    #[serde(rename = "recommendations", default, skip_serializing_if = "Option::is_none")]
    pub(crate) recommendations: Option<Vec<Recommendation>>,
    #[serde(rename = "threatAssessment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_assessment: Option<ThreatAssessment>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InvestigationThreatAssessment {
    #[serde(rename = "assessment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) assessment: Option<String>,
    #[serde(rename = "authenticationContext", default, skip_serializing_if = "Option::is_none")]
    pub(crate) authentication_context: Option<String>,
    #[serde(rename = "classification", default, skip_serializing_if = "Option::is_none")]
    pub(crate) classification: Option<String>,
    #[serde(rename = "credentialCompromise", default, skip_serializing_if = "Option::is_none")]
    pub(crate) credential_compromise: Option<String>,
    #[serde(rename = "ipAccountActivity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip_account_activity: Option<String>,
    #[serde(rename = "rdsControlPlaneActivity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rds_control_plane_activity: Option<String>,
    #[serde(rename = "reputation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reputation: Option<Reputation>,
    #[serde(rename = "threatConfidence", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_confidence: Option<ThreatConfidence>,
}

wire_enum! { InvestigationType {
    Finding = "FINDING",
    Account = "ACCOUNT",
    Organization = "ORGANIZATION",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Invitation {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "invitationId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitation_id: Option<String>,
    #[serde(rename = "invitedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_at: Option<String>,
    #[serde(rename = "relationshipStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) relationship_status: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InviteMembersRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "disableEmailNotification", default, skip_serializing_if = "Option::is_none")]
    pub(crate) disable_email_notification: Option<bool>,
    #[serde(rename = "message", default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct InviteMembersResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

wire_enum! { IpSetFormat {
    Txt = "TXT",
    Stix = "STIX",
    OtxCsv = "OTX_CSV",
    AlienVault = "ALIEN_VAULT",
    ProofPoint = "PROOF_POINT",
    FireEye = "FIRE_EYE",
} }

wire_enum! { IpSetStatus {
    Inactive = "INACTIVE",
    Activating = "ACTIVATING",
    Active = "ACTIVE",
    Deactivating = "DEACTIVATING",
    Error = "ERROR",
    DeletePending = "DELETE_PENDING",
    Deleted = "DELETED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ItemDetails {
    #[serde(rename = "additionalInfo", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_info: Option<AdditionalInfo>,
    #[serde(rename = "hash", default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
    #[serde(rename = "itemPath", default, skip_serializing_if = "Option::is_none")]
    pub(crate) item_path: Option<String>,
    #[serde(rename = "resourceArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_arn: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KeyObservations {
    #[serde(rename = "narrative", default, skip_serializing_if = "Option::is_none")]
    pub(crate) narrative: Option<String>,
    #[serde(rename = "observations", default, skip_serializing_if = "Option::is_none")]
    pub(crate) observations: Option<Vec<String>>,
    #[serde(rename = "title", default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesActivity {
    #[serde(rename = "anomaly", default, skip_serializing_if = "Option::is_none")]
    pub(crate) anomaly: Option<KubernetesAnomaly>,
    #[serde(rename = "apiCall", default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_call: Option<KubernetesApiCall>,
    #[serde(rename = "enrichment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enrichment: Option<Enrichment>,
    #[serde(rename = "workload", default, skip_serializing_if = "Option::is_none")]
    pub(crate) workload: Option<InvestigationKubernetesWorkload>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesAnomaly {
    #[serde(rename = "anomalyScore", default, skip_serializing_if = "Option::is_none")]
    pub(crate) anomaly_score: Option<String>,
    #[serde(rename = "baselineContext", default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_context: Option<String>,
    #[serde(rename = "trainingPeriod", default, skip_serializing_if = "Option::is_none")]
    pub(crate) training_period: Option<String>,
    #[serde(rename = "unusualBehavior", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unusual_behavior: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesApiCall {
    #[serde(rename = "clusterName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_name: Option<String>,
    #[serde(rename = "eventCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_count: Option<i64>,
    #[serde(rename = "namespace", default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    #[serde(rename = "requestUri", default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_uri: Option<String>,
    #[serde(rename = "resourceName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_name: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
    #[serde(rename = "sourceIPs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_ips: Option<String>,
    #[serde(rename = "statusCode", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_code: Option<i64>,
    #[serde(rename = "userAgent", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    #[serde(rename = "userGroups", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_groups: Option<String>,
    #[serde(rename = "userId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(rename = "username", default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(rename = "verb", default, skip_serializing_if = "Option::is_none")]
    pub(crate) verb: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesAuditLogsConfiguration {
    #[serde(rename = "enable")]
    pub(crate) enable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KubernetesAuditLogsConfigurationResult {
    #[serde(rename = "status")]
    pub(crate) status: DataSourceStatus,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesConfiguration {
    #[serde(rename = "auditLogs")]
    pub(crate) audit_logs: KubernetesAuditLogsConfiguration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KubernetesConfigurationResult {
    #[serde(rename = "auditLogs")]
    pub(crate) audit_logs: KubernetesAuditLogsConfigurationResult,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesDataSourceFreeTrial {
    #[serde(rename = "auditLogs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) audit_logs: Option<DataSourceFreeTrial>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct KubernetesPolicyViolation {
    #[serde(rename = "affectedResource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) affected_resource: Option<String>,
    #[serde(rename = "exposureVector", default, skip_serializing_if = "Option::is_none")]
    pub(crate) exposure_vector: Option<String>,
    #[serde(rename = "grantedAccess", default, skip_serializing_if = "Option::is_none")]
    pub(crate) granted_access: Option<String>,
    #[serde(rename = "misconfigurationImpact", default, skip_serializing_if = "Option::is_none")]
    pub(crate) misconfiguration_impact: Option<String>,
    #[serde(rename = "subject", default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(rename = "violationType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) violation_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct LambdaFunction {
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "functionArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) function_arn: Option<String>,
    #[serde(rename = "functionName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) function_name: Option<String>,
    #[serde(rename = "functionVersion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) function_version: Option<String>,
    #[serde(rename = "revisionId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision_id: Option<String>,
    #[serde(rename = "role", default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(rename = "vpcConfigurationSummary", default, skip_serializing_if = "Option::is_none")]
    pub(crate) vpc_configuration_summary: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCoverageRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "filterCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criteria: Option<CoverageFilterCriteria>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "sortCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_criteria: Option<CoverageSortCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCoverageResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "resources")]
    pub(crate) resources: Vec<CoverageResource>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCustomDetectionRuleAssociationsRequest {
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "mode", default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<AssociationMode>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "ruleId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCustomDetectionRuleAssociationsResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "ruleAssociations")]
    pub(crate) rule_associations: Vec<AssociationSummary>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCustomDetectionRuleOrgConfigurationsRequest {
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<DetectionRuleConfigurationStatus>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCustomDetectionRuleOrgConfigurationsResponse {
    #[serde(rename = "configurations")]
    pub(crate) configurations: Vec<DetectionRuleOrgConfigurationSummary>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCustomDetectionRulesRequest {
    #[serde(rename = "filters", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filters: Option<Vec<DetectionRuleFilter>>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListCustomDetectionRulesResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "rules")]
    pub(crate) rules: Vec<RuleSummary>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListDetectorsRequest {
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListDetectorsResponse {
    #[serde(rename = "detectorIds")]
    pub(crate) detector_ids: Vec<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListFiltersRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListFiltersResponse {
    #[serde(rename = "filterNames")]
    pub(crate) filter_names: Vec<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListFindingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_criteria: Option<Value>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "sortCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_criteria: Option<SortCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListFindingsResponse {
    #[serde(rename = "findingIds")]
    pub(crate) finding_ids: Vec<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListIPSetsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListIPSetsResponse {
    #[serde(rename = "ipSetIds")]
    pub(crate) ip_set_ids: Vec<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListInvestigationRecordsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "investigationId")]
    pub(crate) investigation_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "recordTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) record_types: Option<Vec<RecordType>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListInvestigationRecordsResponse {
    #[serde(rename = "investigationId")]
    pub(crate) investigation_id: String,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "records")]
    pub(crate) records: Vec<InvestigationRecord>,
    #[serde(rename = "status")]
    pub(crate) status: InvestigationStatus,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListInvestigationsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "filterCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criteria: Option<InvestigationFilterCriteria>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "sortCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_criteria: Option<InvestigationSortCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListInvestigationsResponse {
    #[serde(rename = "investigations")]
    pub(crate) investigations: Vec<InvestigationSummary>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListInvitationsRequest {
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListInvitationsResponse {
    #[serde(rename = "invitations", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitations: Option<Vec<Invitation>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMalwareProtectionPlansRequest {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMalwareProtectionPlansResponse {
    #[serde(rename = "malwareProtectionPlans", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection_plans: Option<Vec<MalwareProtectionPlanSummary>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

wire_enum! { ListMalwareScansCriterionKey {
    ResourceArn = "RESOURCE_ARN",
    ScanId = "SCAN_ID",
    AccountId = "ACCOUNT_ID",
    GuarddutyFindingId = "GUARDDUTY_FINDING_ID",
    ResourceType = "RESOURCE_TYPE",
    ScanStartTime = "SCAN_START_TIME",
    ScanStatus = "SCAN_STATUS",
    ScanType = "SCAN_TYPE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMalwareScansFilterCriteria {
    #[serde(rename = "filterCriterion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) list_malware_scans_filter_criterion: Option<Vec<ListMalwareScansFilterCriterion>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMalwareScansFilterCriterion {
    #[serde(rename = "filterCondition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_condition: Option<FilterCondition>,
    #[serde(rename = "criterionKey", default, skip_serializing_if = "Option::is_none")]
    pub(crate) list_malware_scans_criterion_key: Option<ListMalwareScansCriterionKey>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMalwareScansRequest {
    #[serde(rename = "filterCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter_criteria: Option<ListMalwareScansFilterCriteria>,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "sortCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sort_criteria: Option<SortCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMalwareScansResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "scans")]
    pub(crate) scans: Vec<MalwareScan>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMembersRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "onlyAssociated", default, skip_serializing_if = "Option::is_none")]
    pub(crate) only_associated: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListMembersResponse {
    #[serde(rename = "members", default, skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<Member>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListOrganizationAdminAccountsRequest {
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListOrganizationAdminAccountsResponse {
    #[serde(rename = "adminAccounts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_accounts: Option<Vec<AdminAccount>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListPublishingDestinationsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListPublishingDestinationsResponse {
    #[serde(rename = "destinations")]
    pub(crate) destinations: Vec<Destination>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListTagsForResourceRequest {
    #[serde(rename = "ResourceArn")]
    pub(crate) resource_arn: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListTagsForResourceResponse {
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListThreatEntitySetsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListThreatEntitySetsResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "threatEntitySetIds")]
    pub(crate) threat_entity_set_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListThreatIntelSetsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListThreatIntelSetsResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "threatIntelSetIds")]
    pub(crate) threat_intel_set_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListTrustedEntitySetsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "maxResults", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_results: Option<i64>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ListTrustedEntitySetsResponse {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
    #[serde(rename = "trustedEntitySetIds")]
    pub(crate) trusted_entity_set_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionConfiguration {
    #[serde(rename = "scanEc2InstanceWithFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_ec2_instance_with_findings: Option<ScanEc2InstanceWithFindings>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionConfigurationResult {
    #[serde(rename = "scanEc2InstanceWithFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_ec2_instance_with_findings: Option<ScanEc2InstanceWithFindingsResult>,
    #[serde(rename = "serviceRole", default, skip_serializing_if = "Option::is_none")]
    pub(crate) service_role: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionDataSourceFreeTrial {
    #[serde(rename = "scanEc2InstanceWithFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_ec2_instance_with_findings: Option<DataSourceFreeTrial>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionPlanActions {
    #[serde(rename = "tagging", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tagging: Option<MalwareProtectionPlanTaggingAction>,
}

wire_enum! { MalwareProtectionPlanStatus {
    Active = "ACTIVE",
    Warning = "WARNING",
    Error = "ERROR",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionPlanStatusReason {
    #[serde(rename = "code", default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(rename = "message", default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionPlanSummary {
    #[serde(rename = "malwareProtectionPlanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection_plan_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareProtectionPlanTaggingAction {
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<MalwareProtectionPlanTaggingActionStatus>,
}

wire_enum! { MalwareProtectionPlanTaggingActionStatus {
    Enabled = "ENABLED",
    Disabled = "DISABLED",
} }

wire_enum! { MalwareProtectionResourceType {
    EbsRecoveryPoint = "EBS_RECOVERY_POINT",
    EbsSnapshot = "EBS_SNAPSHOT",
    EbsVolume = "EBS_VOLUME",
    Ec2Ami = "EC2_AMI",
    Ec2Instance = "EC2_INSTANCE",
    Ec2RecoveryPoint = "EC2_RECOVERY_POINT",
    S3RecoveryPoint = "S3_RECOVERY_POINT",
    S3Bucket = "S3_BUCKET",
    S3PointInTimeRecovery = "S3_POINT_IN_TIME_RECOVERY",
} }

wire_enum! { MalwareProtectionScanStatus {
    Running = "RUNNING",
    Completed = "COMPLETED",
    CompletedWithIssues = "COMPLETED_WITH_ISSUES",
    Failed = "FAILED",
    Skipped = "SKIPPED",
} }

wire_enum! { MalwareProtectionScanType {
    BackupInitiated = "BACKUP_INITIATED",
    OnDemand = "ON_DEMAND",
    GuarddutyInitiated = "GUARDDUTY_INITIATED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareScan {
    #[serde(rename = "resourceArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_arn: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<MalwareProtectionResourceType>,
    #[serde(rename = "scanCompletedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_completed_at: Option<Timestamp>,
    #[serde(rename = "scanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_id: Option<String>,
    #[serde(rename = "scanResultStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_result_status: Option<ScanResultStatus>,
    #[serde(rename = "scanStartedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_started_at: Option<Timestamp>,
    #[serde(rename = "scanStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_status: Option<MalwareProtectionScanStatus>,
    #[serde(rename = "scanType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_type: Option<MalwareProtectionScanType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MalwareThreat {
    #[serde(rename = "infectedFileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) infected_file_count: Option<i64>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "sampleFiles", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample_files: Option<String>,
    #[serde(rename = "severity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<String>,
}

wire_enum! { ManagedBy {
    GuarddutyPolicy = "GUARDDUTY_POLICY",
} }

wire_enum! { ManagementType {
    AutoManaged = "AUTO_MANAGED",
    Manual = "MANUAL",
    Disabled = "DISABLED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Master {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "invitationId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invitation_id: Option<String>,
    #[serde(rename = "invitedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_at: Option<String>,
    #[serde(rename = "relationshipStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) relationship_status: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Member {
    #[serde(rename = "accountId")]
    pub(crate) account_id: String,
    #[serde(rename = "administratorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) administrator_id: Option<String>,
    #[serde(rename = "detectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detector_id: Option<String>,
    #[serde(rename = "email")]
    pub(crate) email: String,
    #[serde(rename = "invitedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) invited_at: Option<String>,
    #[serde(rename = "masterId")]
    pub(crate) master_id: String,
    #[serde(rename = "relationshipStatus")]
    pub(crate) relationship_status: String,
    #[serde(rename = "updatedAt")]
    pub(crate) updated_at: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MemberAccountRanking {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
    #[serde(rename = "rank", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rank: Option<i64>,
    #[serde(rename = "riskLevel", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk_level: Option<RiskLevel>,
    #[serde(rename = "riskRationale", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk_rationale: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MemberAdditionalConfiguration {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeatureAdditionalConfiguration>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MemberAdditionalConfigurationResult {
    #[serde(rename = "managedBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed_by: Option<ManagedBy>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeatureAdditionalConfiguration>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberDataSourceConfiguration {
    #[serde(rename = "accountId")]
    pub(crate) account_id: String,
    #[serde(rename = "dataSources")]
    pub(crate) data_sources: DataSourceConfigurationsResult,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<MemberFeaturesConfigurationResult>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MemberFeaturesConfiguration {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<MemberAdditionalConfiguration>>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeature>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MemberFeaturesConfigurationResult {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<MemberAdditionalConfigurationResult>>,
    #[serde(rename = "managedBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) managed_by: Option<ManagedBy>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeature>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MetadataRecord {
    #[serde(rename = "totalTimeMilliseconds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_time_milliseconds: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct NetworkActivity {
    #[serde(rename = "anomaly", default, skip_serializing_if = "Option::is_none")]
    pub(crate) anomaly: Option<NetworkAnomaly>,
    #[serde(rename = "blocked", default, skip_serializing_if = "Option::is_none")]
    pub(crate) blocked: Option<String>,
    #[serde(rename = "counts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) counts: Option<NetworkCounts>,
    #[serde(rename = "direction", default, skip_serializing_if = "Option::is_none")]
    pub(crate) direction: Option<String>,
    #[serde(rename = "dns", default, skip_serializing_if = "Option::is_none")]
    pub(crate) dns: Option<DnsContext>,
    #[serde(rename = "enrichment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enrichment: Option<Enrichment>,
    #[serde(rename = "method", default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(rename = "platform", default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    #[serde(rename = "ports", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ports: Option<NetworkPorts>,
    #[serde(rename = "protocol", default, skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
    #[serde(rename = "traffic", default, skip_serializing_if = "Option::is_none")]
    pub(crate) traffic: Option<NetworkTraffic>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct NetworkAnomaly {
    #[serde(rename = "baselineBytes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_bytes: Option<String>,
    #[serde(rename = "deviation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) deviation: Option<String>,
    #[serde(rename = "duration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<String>,
    #[serde(rename = "profileAgeDays", default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile_age_days: Option<i64>,
    #[serde(rename = "remoteRegion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote_region: Option<String>,
    #[serde(rename = "remoteService", default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote_service: Option<String>,
    #[serde(rename = "resetRatio", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reset_ratio: Option<String>,
    #[serde(rename = "targetHostCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) target_host_count: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct NetworkCounts {
    #[serde(rename = "requestCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_count: Option<i64>,
    #[serde(rename = "resetAttempts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reset_attempts: Option<i64>,
    #[serde(rename = "suspiciousAttempts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) suspicious_attempts: Option<i64>,
    #[serde(rename = "totalAttempts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_attempts: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct NetworkPorts {
    #[serde(rename = "portCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) port_count: Option<i64>,
    #[serde(rename = "ports", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ports: Option<String>,
    #[serde(rename = "portsUsed", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ports_used: Option<String>,
    #[serde(rename = "remotePort", default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote_port: Option<String>,
    #[serde(rename = "resolverPort", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resolver_port: Option<String>,
    #[serde(rename = "targetPort", default, skip_serializing_if = "Option::is_none")]
    pub(crate) target_port: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct NetworkTraffic {
    #[serde(rename = "bytesReceived", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_received: Option<i64>,
    #[serde(rename = "bytesSent", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_sent: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObservationRecord {
    #[serde(rename = "accountOverview", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_overview: Option<AccountOverview>,
    #[serde(rename = "detectionCoverage", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detection_coverage: Option<DetectionCoverage>,
    #[serde(rename = "distribution", default, skip_serializing_if = "Option::is_none")]
    pub(crate) distribution: Option<Distribution>,
    #[serde(rename = "findingDetail", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_detail: Option<FindingDetail>,
    #[serde(rename = "indicators", default, skip_serializing_if = "Option::is_none")]
    pub(crate) indicators: Option<Vec<InvestigationIndicator>>,
    #[serde(rename = "kubernetesActivity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes_activity: Option<KubernetesActivity>,
    #[serde(rename = "malwareScan", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_scan: Option<InvestigationMalwareScan>,
    #[serde(rename = "networkActivity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) network_activity: Option<NetworkActivity>,
    #[serde(rename = "observationType")]
    pub(crate) observation_type: ObservationType,
    #[serde(rename = "rdsLoginActivity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rds_login_activity: Option<RdsLoginActivity>,
    #[serde(rename = "recommendations", default, skip_serializing_if = "Option::is_none")]
    pub(crate) recommendations: Option<Vec<Recommendation>>,
    #[serde(rename = "relatedFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) related_findings: Option<RelatedFindings>,
    #[serde(rename = "representativeResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) representative_resources: Option<Vec<RepresentativeFinding>>,
    #[serde(rename = "resource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<InvestigationResource>,
    #[serde(rename = "runtimeSignals", default, skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_signals: Option<RuntimeSignals>,
    #[serde(rename = "s3Activity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_activity: Option<S3Activity>,
}

wire_enum! { ObservationType {
    FindingDetail = "FINDING_DETAIL",
    Resource = "RESOURCE",
    NetworkActivity = "NETWORK_ACTIVITY",
    RdsLoginActivity = "RDS_LOGIN_ACTIVITY",
    S3Activity = "S3_ACTIVITY",
    KubernetesActivity = "KUBERNETES_ACTIVITY",
    MalwareScan = "MALWARE_SCAN",
    RelatedFindings = "RELATED_FINDINGS",
    DetectionCoverage = "DETECTION_COVERAGE",
    AccountOverview = "ACCOUNT_OVERVIEW",
    Recommendation = "RECOMMENDATION",
    RuntimeSignals = "RUNTIME_SIGNALS",
    Distribution = "DISTRIBUTION",
    RepresentativeResource = "REPRESENTATIVE_RESOURCE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ObservedFindingType {
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "severityMax", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity_max: Option<f64>,
    #[serde(rename = "sharedResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) shared_resources: Option<Vec<SharedResource>>,
}

wire_enum! { OrderBy {
    Asc = "ASC",
    Desc = "DESC",
} }

wire_enum! { OrgFeature {
    S3DataEvents = "S3_DATA_EVENTS",
    EksAuditLogs = "EKS_AUDIT_LOGS",
    EbsMalwareProtection = "EBS_MALWARE_PROTECTION",
    RdsLoginEvents = "RDS_LOGIN_EVENTS",
    LambdaNetworkLogs = "LAMBDA_NETWORK_LOGS",
    EksRuntimeMonitoring = "EKS_RUNTIME_MONITORING",
    RuntimeMonitoring = "RUNTIME_MONITORING",
    AiProtection = "AI_PROTECTION",
} }

wire_enum! { OrgFeatureAdditionalConfiguration {
    EksAddonManagement = "EKS_ADDON_MANAGEMENT",
    EcsFargateAgentManagement = "ECS_FARGATE_AGENT_MANAGEMENT",
    Ec2AgentManagement = "EC2_AGENT_MANAGEMENT",
    RdsDataRisk = "RDS_DATA_RISK",
} }

wire_enum! { OrgFeatureStatus {
    New = "NEW",
    None = "NONE",
    All = "ALL",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationAdditionalConfiguration {
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<OrgFeatureStatus>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeatureAdditionalConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationAdditionalConfigurationResult {
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<OrgFeatureStatus>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeatureAdditionalConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationAnalysis {
    #[serde(rename = "accountBreakdown", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_breakdown: Option<Vec<AccountSummary>>,
    #[serde(rename = "findingsSummary", default, skip_serializing_if = "Option::is_none")]
    pub(crate) findings_summary: Option<OrganizationFindingsSummary>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationDataSourceConfigurations {
    #[serde(rename = "kubernetes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes: Option<OrganizationKubernetesConfiguration>,
    #[serde(rename = "malwareProtection", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection: Option<OrganizationMalwareProtectionConfiguration>,
    #[serde(rename = "s3Logs", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_logs: Option<OrganizationS3LogsConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationDataSourceConfigurationsResult {
    #[serde(rename = "kubernetes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kubernetes: Option<OrganizationKubernetesConfigurationResult>,
    #[serde(rename = "malwareProtection", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection: Option<OrganizationMalwareProtectionConfigurationResult>,
    #[serde(rename = "s3Logs")]
    pub(crate) s3_logs: OrganizationS3LogsConfigurationResult,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationDetails {
    #[serde(rename = "organizationStatistics", default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization_statistics: Option<OrganizationStatistics>,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationEbsVolumes {
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationEbsVolumesResult {
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationFeatureConfiguration {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<OrganizationAdditionalConfiguration>>,
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<OrgFeatureStatus>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeature>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationFeatureConfigurationResult {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<OrganizationAdditionalConfigurationResult>>,
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<OrgFeatureStatus>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeature>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationFeatureStatistics {
    #[serde(rename = "additionalConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) additional_configuration: Option<Vec<OrganizationFeatureStatisticsAdditionalConfiguration>>,
    #[serde(rename = "enabledAccountsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled_accounts_count: Option<i64>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeature>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationFeatureStatisticsAdditionalConfiguration {
    #[serde(rename = "enabledAccountsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled_accounts_count: Option<i64>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<OrgFeatureAdditionalConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationFindingsSummary {
    #[serde(rename = "affectedAccountCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) affected_account_count: Option<i64>,
    #[serde(rename = "byTimeWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_time_window: Option<Vec<TimeWindowGroup>>,
    #[serde(rename = "severityBreakdown", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity_breakdown: Option<SeverityBreakdown>,
    #[serde(rename = "topFindingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_finding_types: Option<Vec<FindingTypeCount>>,
    #[serde(rename = "totalAccountCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_account_count: Option<i64>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationKubernetesAuditLogsConfiguration {
    #[serde(rename = "autoEnable")]
    pub(crate) auto_enable: bool,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationKubernetesAuditLogsConfigurationResult {
    #[serde(rename = "autoEnable")]
    pub(crate) auto_enable: bool,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationKubernetesConfiguration {
    #[serde(rename = "auditLogs")]
    pub(crate) audit_logs: OrganizationKubernetesAuditLogsConfiguration,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationKubernetesConfigurationResult {
    #[serde(rename = "auditLogs")]
    pub(crate) audit_logs: OrganizationKubernetesAuditLogsConfigurationResult,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationMalwareProtectionConfiguration {
    #[serde(rename = "scanEc2InstanceWithFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_ec2_instance_with_findings: Option<OrganizationScanEc2InstanceWithFindings>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationMalwareProtectionConfigurationResult {
    #[serde(rename = "scanEc2InstanceWithFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_ec2_instance_with_findings: Option<OrganizationScanEc2InstanceWithFindingsResult>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationS3LogsConfiguration {
    #[serde(rename = "autoEnable")]
    pub(crate) auto_enable: bool,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationS3LogsConfigurationResult {
    #[serde(rename = "autoEnable")]
    pub(crate) auto_enable: bool,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationScanEc2InstanceWithFindings {
    #[serde(rename = "ebsVolumes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_volumes: Option<OrganizationEbsVolumes>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationScanEc2InstanceWithFindingsResult {
    #[serde(rename = "ebsVolumes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_volumes: Option<OrganizationEbsVolumesResult>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct OrganizationStatistics {
    #[serde(rename = "activeAccountsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) active_accounts_count: Option<i64>,
    #[serde(rename = "countByFeature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count_by_feature: Option<Vec<OrganizationFeatureStatistics>>,
    #[serde(rename = "enabledAccountsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled_accounts_count: Option<i64>,
    #[serde(rename = "memberAccountsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) member_accounts_count: Option<i64>,
    #[serde(rename = "totalAccountsCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_accounts_count: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Process {
    #[serde(rename = "findings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) findings: Option<Vec<FindingReference>>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "parentUuid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent_uuid: Option<String>,
    #[serde(rename = "path", default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(rename = "uuid")]
    pub(crate) uuid: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Product {
    #[serde(rename = "feature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) feature: Option<String>,
    #[serde(rename = "name")]
    pub(crate) name: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ProtectionPlan {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<InvestigationDetectorFeature>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<FeatureStatus>,
}

wire_enum! { PublishingStatus {
    PendingVerification = "PENDING_VERIFICATION",
    Publishing = "PUBLISHING",
    UnableToPublishFixDestinationProperty = "UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY",
    Stopped = "STOPPED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct QueryTimeWindow {
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_time: Option<Timestamp>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RdsDbInstance {
    #[serde(rename = "dbClusterIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) db_cluster_identifier: Option<String>,
    #[serde(rename = "dbInstanceArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) db_instance_arn: Option<String>,
    #[serde(rename = "dbInstanceIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) db_instance_identifier: Option<String>,
    #[serde(rename = "dbiResourceId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) dbi_resource_id: Option<String>,
    #[serde(rename = "engine", default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<String>,
    #[serde(rename = "engineVersion", default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RdsDbUser {
    #[serde(rename = "application", default, skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<String>,
    #[serde(rename = "authMethod", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_method: Option<String>,
    #[serde(rename = "database", default, skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
    #[serde(rename = "ssl", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ssl: Option<String>,
    #[serde(rename = "user", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RdsLoginActivity {
    #[serde(rename = "activityWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activity_window: Option<ActivityWindow>,
    #[serde(rename = "anomalyContext", default, skip_serializing_if = "Option::is_none")]
    pub(crate) anomaly_context: Option<String>,
    #[serde(rename = "enrichment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enrichment: Option<Enrichment>,
    #[serde(rename = "loginCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) login_count: Option<i64>,
    #[serde(rename = "outcome", default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
    #[serde(rename = "rate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Recommendation {
    #[serde(rename = "category", default, skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<RecommendationCategory>,
    #[serde(rename = "cliCommands", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cli_commands: Option<Vec<String>>,
    #[serde(rename = "priority", default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<ActionPriority>,
    #[serde(rename = "rationale", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rationale: Option<String>,
    #[serde(rename = "title", default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

wire_enum! { RecommendationCategory {
    EnableProtection = "ENABLE_PROTECTION",
    FurtherInvestigation = "FURTHER_INVESTIGATION",
    SuppressionRule = "SUPPRESSION_RULE",
    Hardening = "HARDENING",
    Monitoring = "MONITORING",
} }

wire_enum! { RecordType {
    Observation = "OBSERVATION",
    Analysis = "ANALYSIS",
    Update = "UPDATE",
    Fetch = "FETCH",
    Metadata = "METADATA",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RecoveryPoint {
    #[serde(rename = "backupVaultName")]
    pub(crate) backup_vault_name: String,
    #[serde(rename = "continuousScanDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) continuous_scan_details: Option<ContinuousScanDetails>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RelatedFindings {
    #[serde(rename = "correlated", default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlated: Option<Vec<CorrelatedFinding>>,
    #[serde(rename = "observed", default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed: Option<Vec<ObservedFindingType>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RepresentativeFinding {
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
    #[serde(rename = "findingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_id: Option<String>,
    #[serde(rename = "identifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
    #[serde(rename = "riskLevel", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk_level: Option<RiskLevel>,
    #[serde(rename = "riskRationale", default, skip_serializing_if = "Option::is_none")]
    pub(crate) risk_rationale: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Reputation {
    #[serde(rename = "currentDisposition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) current_disposition: Option<String>,
    #[serde(rename = "findingTimeDisposition", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_time_disposition: Option<String>,
    #[serde(rename = "reputationComparison", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reputation_comparison: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ResourceDetails {
    #[serde(rename = "instanceArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_arn: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ResourceDistribution {
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "identifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ResourceStatistics {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "lastGeneratedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_generated_at: Option<Timestamp>,
    #[serde(rename = "resourceId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_id: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

wire_enum! { ResourceType {
    Eks = "EKS",
    Ecs = "ECS",
    Ec2 = "EC2",
} }

wire_enum! { RiskLevel {
    Info = "Info",
    Low = "Low",
    Medium = "Medium",
    High = "High",
    Critical = "Critical",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RuleDefinition {
    #[serde(rename = "expression")]
    pub(crate) expression: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleDetail {
    #[serde(rename = "arn")]
    pub(crate) arn: String,
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "dataSource")]
    pub(crate) data_source: DetectionRuleDataSource,
    #[serde(rename = "definition")]
    pub(crate) definition: RuleDefinition,
    #[serde(rename = "description")]
    pub(crate) description: String,
    #[serde(rename = "language", default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<RuleLanguage>,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "runtimeMonitoringDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_monitoring_details: Option<DetectionRuleRuntimeMonitoringDetails>,
    #[serde(rename = "schema", default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<RuleSchema>,
    #[serde(rename = "service")]
    pub(crate) service: String,
    #[serde(rename = "severity")]
    pub(crate) severity: DetectionRuleSeverity,
    #[serde(rename = "tactic")]
    pub(crate) tactic: String,
    #[serde(rename = "technique")]
    pub(crate) technique: String,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

wire_enum! { RuleLanguage {
    Sql = "SQL",
} }

wire_enum! { RuleSchema {
    CloudTrail = "CloudTrail",
} }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleSummary {
    #[serde(rename = "arn")]
    pub(crate) arn: String,
    #[serde(rename = "createdAt")]
    pub(crate) created_at: Timestamp,
    #[serde(rename = "dataSource")]
    pub(crate) data_source: DetectionRuleDataSource,
    #[serde(rename = "description")]
    pub(crate) description: String,
    #[serde(rename = "language", default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<RuleLanguage>,
    #[serde(rename = "name")]
    pub(crate) name: String,
    #[serde(rename = "ruleId")]
    pub(crate) rule_id: String,
    #[serde(rename = "schema", default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<RuleSchema>,
    #[serde(rename = "service")]
    pub(crate) service: String,
    #[serde(rename = "severity")]
    pub(crate) severity: DetectionRuleSeverity,
    #[serde(rename = "tactic")]
    pub(crate) tactic: String,
    #[serde(rename = "technique")]
    pub(crate) technique: String,
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RuntimeSignals {
    #[serde(rename = "keyObservation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_observation: Option<String>,
    #[serde(rename = "signalGroups", default, skip_serializing_if = "Option::is_none")]
    pub(crate) signal_groups: Option<Vec<SignalGroup>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct S3Activity {
    #[serde(rename = "activityWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activity_window: Option<ActivityWindow>,
    #[serde(rename = "actor", default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<InvestigationActor>,
    #[serde(rename = "affectedBucket", default, skip_serializing_if = "Option::is_none")]
    pub(crate) affected_bucket: Option<String>,
    #[serde(rename = "api", default, skip_serializing_if = "Option::is_none")]
    pub(crate) api: Option<String>,
    #[serde(rename = "enrichment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enrichment: Option<Enrichment>,
    #[serde(rename = "eventCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_count: Option<i64>,
    #[serde(rename = "nonS3Activity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) non_s3_activity: Option<String>,
    #[serde(rename = "otherS3Activity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) other_s3_activity: Option<String>,
    #[serde(rename = "sessionAssessment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_assessment: Option<String>,
    #[serde(rename = "sourceIp", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_ip: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct S3Analysis {
    #[serde(rename = "actorAssessment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor_assessment: Option<String>,
    #[serde(rename = "authorizationAssessment", default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_assessment: Option<String>,
    #[serde(rename = "blockPublicAccessSettings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) block_public_access_settings: Option<String>,
    #[serde(rename = "effectivePermission", default, skip_serializing_if = "Option::is_none")]
    pub(crate) effective_permission: Option<String>,
    #[serde(rename = "exposure", default, skip_serializing_if = "Option::is_none")]
    pub(crate) exposure: Option<String>,
    #[serde(rename = "findingSubtype", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_subtype: Option<String>,
    #[serde(rename = "ipReputation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip_reputation: Option<String>,
    #[serde(rename = "s3ApiActivity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_api_activity: Option<String>,
    #[serde(rename = "sourceContext", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_context: Option<String>,
    #[serde(rename = "sourceIp", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_ip: Option<String>,
    #[serde(rename = "userAgent", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    #[serde(rename = "userAgentClassification", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent_classification: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct S3LogsConfiguration {
    #[serde(rename = "enable")]
    pub(crate) enable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct S3LogsConfigurationResult {
    #[serde(rename = "status")]
    pub(crate) status: DataSourceStatus,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct S3ObjectForSendObjectMalwareScan {
    #[serde(rename = "bucket", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<String>,
    #[serde(rename = "key", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(rename = "versionId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Scan {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "adminDetectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin_detector_id: Option<String>,
    #[serde(rename = "attachedVolumes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attached_volumes: Option<Vec<VolumeDetail>>,
    #[serde(rename = "detectorId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) detector_id: Option<String>,
    #[serde(rename = "failureReason", default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure_reason: Option<String>,
    #[serde(rename = "fileCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) file_count: Option<i64>,
    #[serde(rename = "resourceDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_details: Option<ResourceDetails>,
    #[serde(rename = "scanEndTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_end_time: Option<Timestamp>,
    #[serde(rename = "scanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_id: Option<String>,
    #[serde(rename = "scanResultDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_result_details: Option<ScanResultDetails>,
    #[serde(rename = "scanStartTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_start_time: Option<Timestamp>,
    #[serde(rename = "scanStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_status: Option<ScanStatus>,
    #[serde(rename = "scanType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_type: Option<ScanType>,
    #[serde(rename = "totalBytes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_bytes: Option<i64>,
    #[serde(rename = "triggerDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger_details: Option<TriggerDetails>,
}

wire_enum! { ScanCategory {
    FullScan = "FULL_SCAN",
    IncrementalScan = "INCREMENTAL_SCAN",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanCondition {
    #[serde(rename = "mapEquals")]
    pub(crate) map_equals: Vec<ScanConditionPair>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanConditionPair {
    #[serde(rename = "key")]
    pub(crate) key: String,
    #[serde(rename = "value", default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanConfiguration {
    #[serde(rename = "incrementalScanDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) incremental_scan_details: Option<IncrementalScanDetails>,
    #[serde(rename = "recoveryPoint", default, skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_point: Option<ScanConfigurationRecoveryPoint>,
    #[serde(rename = "role", default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(rename = "triggerDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger_details: Option<TriggerDetails>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanConfigurationContinuousScanDetails {
    #[serde(rename = "endTime")]
    pub(crate) end_time: Timestamp,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanConfigurationRecoveryPoint {
    #[serde(rename = "backupVaultName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) backup_vault_name: Option<String>,
    #[serde(rename = "continuousScanDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) continuous_scan_details: Option<ScanConfigurationContinuousScanDetails>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanEc2InstanceWithFindings {
    #[serde(rename = "ebsVolumes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_volumes: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanEc2InstanceWithFindingsResult {
    #[serde(rename = "ebsVolumes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_volumes: Option<EbsVolumesResult>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanResourceCriteria {
    #[serde(rename = "exclude", default, skip_serializing_if = "Option::is_none")]
    pub(crate) exclude: Option<BTreeMap<String, ScanCondition>>,
    #[serde(rename = "include", default, skip_serializing_if = "Option::is_none")]
    pub(crate) include: Option<BTreeMap<String, ScanCondition>>,
}

wire_enum! { ScanResult {
    Clean = "CLEAN",
    Infected = "INFECTED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanResultDetails {
    #[serde(rename = "scanResult", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_result: Option<ScanResult>,
}

wire_enum! { ScanResultStatus {
    NoThreatsFound = "NO_THREATS_FOUND",
    ThreatsFound = "THREATS_FOUND",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScanResultThreat {
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "hash", default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
    #[serde(rename = "itemDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) item_details: Option<Vec<ItemDetails>>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "source", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<DetectionSource>,
}

wire_enum! { ScanStatus {
    Running = "RUNNING",
    Completed = "COMPLETED",
    Failed = "FAILED",
    Skipped = "SKIPPED",
} }

wire_enum! { ScanStatusReason {
    AccessDenied = "ACCESS_DENIED",
    ResourceNotFound = "RESOURCE_NOT_FOUND",
    SnapshotSizeLimitExceeded = "SNAPSHOT_SIZE_LIMIT_EXCEEDED",
    ResourceUnavailable = "RESOURCE_UNAVAILABLE",
    InconsistentSource = "INCONSISTENT_SOURCE",
    IncrementalNoDifference = "INCREMENTAL_NO_DIFFERENCE",
    NoEbsVolumesFound = "NO_EBS_VOLUMES_FOUND",
    UnsupportedProductCodeType = "UNSUPPORTED_PRODUCT_CODE_TYPE",
    AmiSnapshotLimitExceeded = "AMI_SNAPSHOT_LIMIT_EXCEEDED",
    UnrelatedResources = "UNRELATED_RESOURCES",
    BaseResourceNotScanned = "BASE_RESOURCE_NOT_SCANNED",
    BaseCreatedAfterTarget = "BASE_CREATED_AFTER_TARGET",
    UnsupportedForIncremental = "UNSUPPORTED_FOR_INCREMENTAL",
    UnsupportedAmi = "UNSUPPORTED_AMI",
    UnsupportedSnapshot = "UNSUPPORTED_SNAPSHOT",
    UnsupportedCompositeRecoveryPoint = "UNSUPPORTED_COMPOSITE_RECOVERY_POINT",
    AllFilesSkippedOrFailed = "ALL_FILES_SKIPPED_OR_FAILED",
} }

wire_enum! { ScanType {
    GuarddutyInitiated = "GUARDDUTY_INITIATED",
    OnDemand = "ON_DEMAND",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScannedResource {
    #[serde(rename = "resourceDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_details: Option<ScannedResourceDetails>,
    #[serde(rename = "scanStatusReason", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_status_reason: Option<ScanStatusReason>,
    #[serde(rename = "scannedResourceArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scanned_resource_arn: Option<String>,
    #[serde(rename = "scannedResourceStatus", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scanned_resource_status: Option<MalwareProtectionScanStatus>,
    #[serde(rename = "scannedResourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scanned_resource_type: Option<MalwareProtectionResourceType>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ScannedResourceDetails {
    #[serde(rename = "ebsSnapshot", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_snapshot: Option<EbsSnapshot>,
    #[serde(rename = "ebsVolume", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_volume: Option<VolumeDetail>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SendObjectMalwareScanRequest {
    #[serde(rename = "s3Object", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_object: Option<S3ObjectForSendObjectMalwareScan>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SendObjectMalwareScanResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SeverityBreakdown {
    #[serde(rename = "critical", default, skip_serializing_if = "Option::is_none")]
    pub(crate) critical: Option<i64>,
    #[serde(rename = "high", default, skip_serializing_if = "Option::is_none")]
    pub(crate) high: Option<i64>,
    #[serde(rename = "info", default, skip_serializing_if = "Option::is_none")]
    pub(crate) info: Option<i64>,
    #[serde(rename = "low", default, skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<i64>,
    #[serde(rename = "medium", default, skip_serializing_if = "Option::is_none")]
    pub(crate) medium: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SeverityStatistics {
    #[serde(rename = "lastGeneratedAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_generated_at: Option<Timestamp>,
    #[serde(rename = "severity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<f64>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SharedBehavior {
    #[serde(rename = "path", default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(rename = "value", default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SharedResource {
    #[serde(rename = "identifier", default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SignalGroup {
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "severity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SortCriteria {
    #[serde(rename = "attributeName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attribute_name: Option<String>,
    #[serde(rename = "orderBy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_by: Option<OrderBy>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StartMalwareScanConfiguration {
    #[serde(rename = "incrementalScanDetails", default, skip_serializing_if = "Option::is_none")]
    pub(crate) incremental_scan_details: Option<IncrementalScanDetails>,
    #[serde(rename = "recoveryPoint", default, skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_point: Option<RecoveryPoint>,
    #[serde(rename = "role")]
    pub(crate) role: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StartMalwareScanRequest {
    #[serde(rename = "clientToken", default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(rename = "resourceArn")]
    pub(crate) resource_arn: String,
    #[serde(rename = "scanConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_configuration: Option<StartMalwareScanConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StartMalwareScanResponse {
    #[serde(rename = "scanId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StartMonitoringMembersRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StartMonitoringMembersResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StopMonitoringMembersRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StopMonitoringMembersResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

wire_enum! { SummaryFormat {
    String = "STRING",
    Structured = "STRUCTURED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SupportingData {
    #[serde(rename = "analysis", default, skip_serializing_if = "Option::is_none")]
    pub(crate) analysis: Option<AnalysisRecord>,
    #[serde(rename = "fetch", default, skip_serializing_if = "Option::is_none")]
    pub(crate) fetch: Option<FetchRecord>,
    #[serde(rename = "metadata", default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<MetadataRecord>,
    #[serde(rename = "observation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) observation: Option<ObservationRecord>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TacticCoverage {
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
    #[serde(rename = "findingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_types: Option<Vec<String>>,
    #[serde(rename = "phase", default, skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<AttackPhaseName>,
    #[serde(rename = "techniques", default, skip_serializing_if = "Option::is_none")]
    pub(crate) techniques: Option<Vec<TechniqueCoverage>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TagResourceRequest {
    #[serde(rename = "ResourceArn")]
    pub(crate) resource_arn: String,
    #[serde(rename = "tags")]
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TagResourceResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TechniqueCoverage {
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
    #[serde(rename = "findingTypes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_types: Option<Vec<String>>,
    #[serde(rename = "technique", default, skip_serializing_if = "Option::is_none")]
    pub(crate) technique: Option<ThreatReference>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ThreatAssessment {
    #[serde(rename = "attackProgression", default, skip_serializing_if = "Option::is_none")]
    pub(crate) attack_progression: Option<Vec<AttackPhase>>,
    #[serde(rename = "threatActorProfile", default, skip_serializing_if = "Option::is_none")]
    pub(crate) threat_actor_profile: Option<String>,
}

wire_enum! { ThreatConfidence {
    VeryHigh = "VERY_HIGH",
    High = "HIGH",
    Medium = "MEDIUM",
    Low = "LOW",
} }

wire_enum! { ThreatEntitySetFormat {
    Txt = "TXT",
    Stix = "STIX",
    OtxCsv = "OTX_CSV",
    AlienVault = "ALIEN_VAULT",
    ProofPoint = "PROOF_POINT",
    FireEye = "FIRE_EYE",
} }

wire_enum! { ThreatEntitySetStatus {
    Inactive = "INACTIVE",
    Activating = "ACTIVATING",
    Active = "ACTIVE",
    Deactivating = "DEACTIVATING",
    Error = "ERROR",
    DeletePending = "DELETE_PENDING",
    Deleted = "DELETED",
} }

wire_enum! { ThreatIntelSetFormat {
    Txt = "TXT",
    Stix = "STIX",
    OtxCsv = "OTX_CSV",
    AlienVault = "ALIEN_VAULT",
    ProofPoint = "PROOF_POINT",
    FireEye = "FIRE_EYE",
} }

wire_enum! { ThreatIntelSetStatus {
    Inactive = "INACTIVE",
    Activating = "ACTIVATING",
    Active = "ACTIVE",
    Deactivating = "DEACTIVATING",
    Error = "ERROR",
    DeletePending = "DELETE_PENDING",
    Deleted = "DELETED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ThreatReference {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "uid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
}

wire_enum! { TimeGranularity {
    Day = "DAY",
    Week = "WEEK",
    Month = "MONTH",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TimeWindowGroup {
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_time: Option<Timestamp>,
    #[serde(rename = "findingCount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_count: Option<i64>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Total {
    #[serde(rename = "amount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<String>,
    #[serde(rename = "unit", default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Trend {
    #[serde(rename = "byTimeWindow", default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_time_window: Option<Vec<TimeWindowGroup>>,
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
    #[serde(rename = "granularity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) granularity: Option<TimeGranularity>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(rename = "totalFindings", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_findings: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TriggerDetails {
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "guardDutyFindingId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) guard_duty_finding_id: Option<String>,
    #[serde(rename = "triggerType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) trigger_type: Option<TriggerType>,
}

wire_enum! { TriggerType {
    Backup = "BACKUP",
    Guardduty = "GUARDDUTY",
} }

wire_enum! { TrustedEntitySetFormat {
    Txt = "TXT",
    Stix = "STIX",
    OtxCsv = "OTX_CSV",
    AlienVault = "ALIEN_VAULT",
    ProofPoint = "PROOF_POINT",
    FireEye = "FIRE_EYE",
} }

wire_enum! { TrustedEntitySetStatus {
    Inactive = "INACTIVE",
    Activating = "ACTIVATING",
    Active = "ACTIVE",
    Deactivating = "DEACTIVATING",
    Error = "ERROR",
    DeletePending = "DELETE_PENDING",
    Deleted = "DELETED",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TypeDistribution {
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
    #[serde(rename = "dominantSeverity", default, skip_serializing_if = "Option::is_none")]
    pub(crate) dominant_severity: Option<String>,
    #[serde(rename = "findingType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_type: Option<String>,
    #[serde(rename = "percentage", default, skip_serializing_if = "Option::is_none")]
    pub(crate) percentage: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UnarchiveFindingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "findingIds")]
    pub(crate) finding_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UnarchiveFindingsResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UnprocessedAccount {
    #[serde(rename = "accountId")]
    pub(crate) account_id: String,
    #[serde(rename = "result")]
    pub(crate) result: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UnprocessedDataSourcesResult {
    #[serde(rename = "malwareProtection", default, skip_serializing_if = "Option::is_none")]
    pub(crate) malware_protection: Option<MalwareProtectionConfigurationResult>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UntagResourceRequest {
    #[serde(rename = "ResourceArn")]
    pub(crate) resource_arn: String,
    #[serde(rename = "tagKeys")]
    pub(crate) tag_keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UntagResourceResponse {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpdateCustomDetectionRuleAssociationRequest {
    #[serde(rename = "AssociationId")]
    pub(crate) association_id: String,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateCustomDetectionRuleAssociationResponse {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpdateCustomDetectionRuleOrgConfigurationRequest {
    #[serde(rename = "excludeAccountIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) exclude_account_ids: Option<Vec<String>>,
    #[serde(rename = "includeAccountIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) include_account_ids: Option<Vec<String>>,
    #[serde(rename = "mode")]
    pub(crate) mode: AssociationMode,
    #[serde(rename = "RuleId")]
    pub(crate) rule_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateCustomDetectionRuleOrgConfigurationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateDetectorRequest {
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<DataSourceConfigurations>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "enable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) enable: Option<bool>,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<DetectorFeatureConfiguration>>,
    #[serde(rename = "findingPublishingFrequency", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_publishing_frequency: Option<FindingPublishingFrequency>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateDetectorResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateFilterRequest {
    #[serde(rename = "action", default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<FilterAction>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "FilterName")]
    pub(crate) filter_name: String,
    #[serde(rename = "findingCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding_criteria: Option<Value>,
    #[serde(rename = "rank", default, skip_serializing_if = "Option::is_none")]
    pub(crate) rank: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateFilterResponse {
    #[serde(rename = "name")]
    pub(crate) name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpdateFindingsFeedbackRequest {
    #[serde(rename = "comments", default, skip_serializing_if = "Option::is_none")]
    pub(crate) comments: Option<String>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "feedback")]
    pub(crate) feedback: Feedback,
    #[serde(rename = "findingIds")]
    pub(crate) finding_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateFindingsFeedbackResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateIPSetRequest {
    #[serde(rename = "activate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activate: Option<bool>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "IpSetId")]
    pub(crate) ip_set_id: String,
    #[serde(rename = "location", default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateIPSetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateMalwareProtectionPlanRequest {
    #[serde(rename = "actions", default, skip_serializing_if = "Option::is_none")]
    pub(crate) actions: Option<MalwareProtectionPlanActions>,
    #[serde(rename = "MalwareProtectionPlanId")]
    pub(crate) malware_protection_plan_id: String,
    #[serde(rename = "protectedResource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) protected_resource: Option<UpdateProtectedResource>,
    #[serde(rename = "role", default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateMalwareScanSettingsRequest {
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "ebsSnapshotPreservation", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ebs_snapshot_preservation: Option<EbsSnapshotPreservation>,
    #[serde(rename = "scanResourceCriteria", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan_resource_criteria: Option<ScanResourceCriteria>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateMalwareScanSettingsResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateMemberDetectorsRequest {
    #[serde(rename = "accountIds")]
    pub(crate) account_ids: Vec<String>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<DataSourceConfigurations>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<MemberFeaturesConfiguration>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateMemberDetectorsResponse {
    #[serde(rename = "unprocessedAccounts")]
    pub(crate) unprocessed_accounts: Vec<UnprocessedAccount>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateOrganizationConfigurationRequest {
    #[serde(rename = "autoEnable", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable: Option<bool>,
    #[serde(rename = "autoEnableOrganizationMembers", default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_enable_organization_members: Option<AutoEnableMembers>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<OrganizationDataSourceConfigurations>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<OrganizationFeatureConfiguration>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateOrganizationConfigurationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateProtectedResource {
    #[serde(rename = "s3Bucket", default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3_bucket: Option<UpdateS3BucketResource>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdatePublishingDestinationRequest {
    #[serde(rename = "DestinationId")]
    pub(crate) destination_id: String,
    #[serde(rename = "destinationProperties", default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination_properties: Option<DestinationProperties>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdatePublishingDestinationResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateS3BucketResource {
    #[serde(rename = "objectPrefixes", default, skip_serializing_if = "Option::is_none")]
    pub(crate) object_prefixes: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateThreatEntitySetRequest {
    #[serde(rename = "activate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activate: Option<bool>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "location", default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "ThreatEntitySetId")]
    pub(crate) threat_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateThreatEntitySetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateThreatIntelSetRequest {
    #[serde(rename = "activate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activate: Option<bool>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "location", default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "ThreatIntelSetId")]
    pub(crate) threat_intel_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateThreatIntelSetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateTrustedEntitySetRequest {
    #[serde(rename = "activate", default, skip_serializing_if = "Option::is_none")]
    pub(crate) activate: Option<bool>,
    #[serde(rename = "DetectorId")]
    pub(crate) detector_id: String,
    #[serde(rename = "expectedBucketOwner", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_bucket_owner: Option<String>,
    #[serde(rename = "location", default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "TrustedEntitySetId")]
    pub(crate) trusted_entity_set_id: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UpdateTrustedEntitySetResponse {}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageAccountResult {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "total", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Total>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageCriteria {
    #[serde(rename = "accountIds", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_ids: Option<Vec<String>>,
    #[serde(rename = "dataSources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_sources: Option<Vec<DataSource>>,
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub(crate) features: Option<Vec<UsageFeature>>,
    #[serde(rename = "resources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageDataSourceResult {
    #[serde(rename = "dataSource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_source: Option<DataSource>,
    #[serde(rename = "total", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Total>,
}

wire_enum! { UsageFeature {
    FlowLogs = "FLOW_LOGS",
    CloudTrail = "CLOUD_TRAIL",
    DnsLogs = "DNS_LOGS",
    S3DataEvents = "S3_DATA_EVENTS",
    EksAuditLogs = "EKS_AUDIT_LOGS",
    EbsMalwareProtection = "EBS_MALWARE_PROTECTION",
    RdsLoginEvents = "RDS_LOGIN_EVENTS",
    LambdaNetworkLogs = "LAMBDA_NETWORK_LOGS",
    EksRuntimeMonitoring = "EKS_RUNTIME_MONITORING",
    Ec2RuntimeMonitoring = "EC2_RUNTIME_MONITORING",
    FargateRuntimeMonitoring = "FARGATE_RUNTIME_MONITORING",
    RdsDbiProtectionProvisioned = "RDS_DBI_PROTECTION_PROVISIONED",
    RdsDbiProtectionServerless = "RDS_DBI_PROTECTION_SERVERLESS",
    RdsDbiProtectionLimitless = "RDS_DBI_PROTECTION_LIMITLESS",
    RdsDataActivityDbiProtectionProvisioned = "RDS_DATA_ACTIVITY_DBI_PROTECTION_PROVISIONED",
    RdsDataActivityDbiProtectionServerless = "RDS_DATA_ACTIVITY_DBI_PROTECTION_SERVERLESS",
    RdsDataActivityDbiProtectionLimitless = "RDS_DATA_ACTIVITY_DBI_PROTECTION_LIMITLESS",
    AiProtection = "AI_PROTECTION",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageFeatureResult {
    #[serde(rename = "feature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) feature: Option<UsageFeature>,
    #[serde(rename = "total", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Total>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageResourceResult {
    #[serde(rename = "resource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<String>,
    #[serde(rename = "total", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Total>,
}

wire_enum! { UsageStatisticType {
    SumByAccount = "SUM_BY_ACCOUNT",
    SumByDataSource = "SUM_BY_DATA_SOURCE",
    SumByResource = "SUM_BY_RESOURCE",
    TopResources = "TOP_RESOURCES",
    SumByFeatures = "SUM_BY_FEATURES",
    TopAccountsByFeature = "TOP_ACCOUNTS_BY_FEATURE",
} }

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageStatistics {
    #[serde(rename = "sumByAccount", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sum_by_account: Option<Vec<UsageAccountResult>>,
    #[serde(rename = "sumByDataSource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sum_by_data_source: Option<Vec<UsageDataSourceResult>>,
    #[serde(rename = "sumByFeature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sum_by_feature: Option<Vec<UsageFeatureResult>>,
    #[serde(rename = "sumByResource", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sum_by_resource: Option<Vec<UsageResourceResult>>,
    #[serde(rename = "topAccountsByFeature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_accounts_by_feature: Option<Vec<UsageTopAccountsResult>>,
    #[serde(rename = "topResources", default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_resources: Option<Vec<UsageResourceResult>>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageTopAccountResult {
    #[serde(rename = "accountId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(rename = "total", default, skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Total>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UsageTopAccountsResult {
    #[serde(rename = "accounts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) accounts: Option<Vec<UsageTopAccountResult>>,
    #[serde(rename = "feature", default, skip_serializing_if = "Option::is_none")]
    pub(crate) feature: Option<UsageFeature>,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct VolumeDetail {
    #[serde(rename = "deviceName", default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_name: Option<String>,
    #[serde(rename = "encryptionType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) encryption_type: Option<String>,
    #[serde(rename = "kmsKeyArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kms_key_arn: Option<String>,
    #[serde(rename = "snapshotArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot_arn: Option<String>,
    #[serde(rename = "volumeArn", default, skip_serializing_if = "Option::is_none")]
    pub(crate) volume_arn: Option<String>,
    #[serde(rename = "volumeSizeInGB", default, skip_serializing_if = "Option::is_none")]
    pub(crate) volume_size_in_gb: Option<i64>,
    #[serde(rename = "volumeType", default, skip_serializing_if = "Option::is_none")]
    pub(crate) volume_type: Option<String>,
}
