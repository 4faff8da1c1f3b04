//! What people and machines do to an account in a day: tasks, made of calls, at the times and from the places that go
//! with them.
//!
//! A task is what somebody sets out to do; its calls are what the console, the command line or a tool sends for it.

use super::estate::{BRANCH, CI, DAY, Estate, Kind, OFFICE, Person, Principal, VPN};
use crate::generate::dotted;
use crate::generate::random::Random;

/// Who does a task, as bits.
type Who = u32;
const DEVELOPER: Who = 1;
const OPERATOR: Who = 2;
const ADMINISTRATOR: Who = 4;
const ANALYST: Who = 8;
const FINANCE: Who = 16;
const SECURITY: Who = 32;
const PIPELINE: Who = 64;
const INSTANCE: Who = 128;
const FUNCTION: Who = 256;
const VENDOR: Who = 512;
const AUDITOR: Who = 1_024;
const ENGINEERS: Who = DEVELOPER | OPERATOR | ADMINISTRATOR;

/// What somebody is employed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Job {
    Developer,
    Operator,
    Administrator,
    Analyst,
    Finance,
    Security,
}

impl Job {
    /// Of the n-th person: few companies have more administrators than developers.
    pub(crate) fn of(index: u64) -> Self {
        const ORDER: [Job; 9] = [
            Job::Administrator,
            Job::Developer,
            Job::Operator,
            Job::Analyst,
            Job::Developer,
            Job::Developer,
            Job::Security,
            Job::Finance,
            Job::Operator,
        ];
        ORDER[index as usize % 9]
    }

    /// The set of permissions that single sign-on gives.
    pub(crate) fn permission_set(self) -> &'static str {
        match self {
            Self::Developer => "Developer",
            Self::Operator => "Operator",
            Self::Administrator => "AdministratorAccess",
            Self::Analyst => "DataAnalyst",
            Self::Finance => "Billing",
            Self::Security => "SecurityAudit",
        }
    }

    fn bit(self) -> Who {
        match self {
            Self::Developer => DEVELOPER,
            Self::Operator => OPERATOR,
            Self::Administrator => ADMINISTRATOR,
            Self::Analyst => ANALYST,
            Self::Finance => FINANCE,
            Self::Security => SECURITY,
        }
    }
}

/// With what a task is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tool {
    Browser,
    CommandLine,
    Terraform,
    Sdk,
}

/// Something that is done with calls.
#[derive(Debug)]
pub(crate) struct Task {
    who: Who,
    tool: Tool,
    /// How often it is chosen, beside others of the same kind.
    weight: u64,
    /// What is called, in order; `service:Api`.
    calls: &'static [&'static str],
}

impl Task {
    /// Whether principals of this kind do it.
    pub(crate) fn fits(&self, kind: &Kind) -> bool {
        let bit = match kind {
            Kind::Person(person) => person.job.bit(),
            Kind::Pipeline { .. } => PIPELINE,
            Kind::Instance => INSTANCE,
            Kind::Function => FUNCTION,
            Kind::Vendor => VENDOR,
            Kind::Auditor => AUDITOR,
            Kind::Dormant => FUNCTION,
        };
        self.who & bit != 0
    }
}

const fn task(who: Who, tool: Tool, weight: u64, calls: &'static [&'static str]) -> Task {
    Task { who, tool, weight, calls }
}

/// What there is to do. Calls per task as AWS's console, its command line and Terraform send them.
pub(crate) static TASKS: &[Task] = &[
    task(
        ENGINEERS,
        Tool::Browser,
        9,
        &[
            "ec2:DescribeRegions",
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceStatus",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeAddresses",
            "ec2:DescribeAccountAttributes",
            "monitoring:DescribeAlarms",
            "autoscaling:DescribeAutoScalingGroups",
            "elasticloadbalancing:DescribeLoadBalancers",
        ],
    ),
    task(
        ENGINEERS,
        Tool::Browser,
        9,
        &[
            "logs:DescribeLogGroups",
            "logs:DescribeQueryDefinitions",
            "logs:StartQuery",
            "logs:GetQueryResults",
            "logs:GetQueryResults",
            "logs:FilterLogEvents",
        ],
    ),
    task(
        DEVELOPER | OPERATOR,
        Tool::Browser,
        7,
        &[
            "lambda:ListFunctions20150331",
            "lambda:GetFunction20150331v2",
            "lambda:GetFunctionConfiguration20150331v2",
            "lambda:ListEventSourceMappings20150331",
            "lambda:GetPolicy20150331v2",
            "lambda:ListTags20170331",
            "lambda:ListVersionsByFunction20150331",
        ],
    ),
    task(
        ENGINEERS | ANALYST,
        Tool::Browser,
        6,
        &[
            "s3:ListBuckets",
            "s3:GetBucketLocation",
            "s3:GetBucketVersioning",
            "s3:GetBucketPolicyStatus",
            "s3:GetBucketPublicAccessBlock",
            "s3:ListObjects",
            "s3:HeadObject",
            "s3:GetObject",
        ],
    ),
    task(
        DEVELOPER,
        Tool::Browser,
        5,
        &[
            "dynamodb:ListTables",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTimeToLive",
            "application-autoscaling:DescribeScalableTargets",
        ],
    ),
    task(
        ENGINEERS,
        Tool::Browser,
        5,
        &[
            "rds:DescribeDBInstances",
            "rds:DescribeDBClusters",
            "rds:DescribeEvents",
            "rds:DescribeDBLogFiles",
            "rds:DescribePendingMaintenanceActions",
            "monitoring:GetMetricData",
            "pi:GetResourceMetrics",
        ],
    ),
    task(
        ENGINEERS,
        Tool::Browser,
        6,
        &[
            "ecs:ListClusters",
            "ecs:DescribeClusters",
            "ecs:ListServices",
            "ecs:DescribeServices",
            "ecs:ListTasks",
            "ecs:DescribeTasks",
            "ecs:DescribeTaskDefinition",
        ],
    ),
    task(
        OPERATOR | ADMINISTRATOR,
        Tool::Browser,
        6,
        &[
            "monitoring:ListDashboards",
            "monitoring:GetDashboard",
            "monitoring:GetMetricData",
            "monitoring:DescribeAlarms",
            "monitoring:DescribeAlarmHistory",
            "monitoring:ListMetrics",
        ],
    ),
    task(
        ENGINEERS,
        Tool::CommandLine,
        8,
        &["sts:GetCallerIdentity", "ec2:DescribeInstances", "ssm:StartSession", "ssm:TerminateSession"],
    ),
    task(
        DEVELOPER,
        Tool::CommandLine,
        7,
        &[
            "sts:GetCallerIdentity",
            "ecr:GetAuthorizationToken",
            "ecr:DescribeRepositories",
            "ecr:ListImages",
            "ecr:BatchGetImage",
        ],
    ),
    task(
        DEVELOPER | OPERATOR,
        Tool::CommandLine,
        6,
        &["eks:ListClusters", "eks:DescribeCluster", "sts:GetCallerIdentity"],
    ),
    task(
        DEVELOPER,
        Tool::CommandLine,
        4,
        &[
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:GetTemplate",
            "cloudformation:ListStackResources",
        ],
    ),
    task(
        DEVELOPER | OPERATOR,
        Tool::CommandLine,
        4,
        &[
            "ssm:GetParametersByPath",
            "ssm:GetParameter",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
        ],
    ),
    task(
        DEVELOPER,
        Tool::CommandLine,
        3,
        &["lambda:UpdateFunctionCode20150331v2", "lambda:GetFunction20150331v2", "lambda:PublishVersion20150331"],
    ),
    task(
        DEVELOPER | ANALYST,
        Tool::CommandLine,
        4,
        &["s3:ListObjects", "s3:GetObject", "s3:GetObject", "s3:PutObject"],
    ),
    task(
        OPERATOR | ADMINISTRATOR,
        Tool::CommandLine,
        4,
        &["ec2:DescribeInstances", "ec2:StopInstances", "ec2:StartInstances", "ec2:DescribeInstanceStatus"],
    ),
    task(
        OPERATOR | ADMINISTRATOR,
        Tool::CommandLine,
        3,
        &["ec2:DescribeSnapshots", "ec2:CreateSnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot"],
    ),
    task(
        OPERATOR,
        Tool::CommandLine,
        3,
        &[
            "ec2:DescribeImages",
            "ec2:RunInstances",
            "ec2:CreateTags",
            "ec2:DescribeInstances",
            "ec2:TerminateInstances",
        ],
    ),
    task(
        OPERATOR | ADMINISTRATOR,
        Tool::Browser,
        3,
        &[
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSecurityGroupRules",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
        ],
    ),
    task(
        OPERATOR,
        Tool::CommandLine,
        3,
        &[
            "ssm:DescribeInstanceInformation",
            "ssm:SendCommand",
            "ssm:GetCommandInvocation",
            "ssm:ListCommandInvocations",
        ],
    ),
    task(OPERATOR, Tool::Browser, 3, &["rds:DescribeDBSnapshots", "rds:CreateDBSnapshot", "rds:ModifyDBInstance"]),
    task(
        OPERATOR | ADMINISTRATOR,
        Tool::CommandLine,
        3,
        &[
            "route53:ListHostedZones",
            "route53:ListResourceRecordSets",
            "route53:ChangeResourceRecordSets",
            "route53:GetChange",
        ],
    ),
    task(
        ADMINISTRATOR | SECURITY,
        Tool::Browser,
        6,
        &[
            "iam:GetAccountSummary",
            "iam:ListUsers",
            "iam:ListRoles",
            "iam:ListGroups",
            "iam:ListPolicies",
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:GetAccountPasswordPolicy",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::Browser,
        4,
        &[
            "iam:ListUsers",
            "iam:GetUser",
            "iam:CreateUser",
            "iam:AddUserToGroup",
            "iam:CreateLoginProfile",
            "iam:ListGroupsForUser",
            "iam:ListAttachedUserPolicies",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::Browser,
        4,
        &[
            "iam:ListAccessKeys",
            "iam:CreateAccessKey",
            "iam:UpdateAccessKey",
            "iam:DeleteAccessKey",
            "iam:GetAccessKeyLastUsed",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::CommandLine,
        4,
        &[
            "iam:GetRole",
            "iam:CreateRole",
            "iam:AttachRolePolicy",
            "iam:PutRolePolicy",
            "iam:CreateInstanceProfile",
            "iam:AddRoleToInstanceProfile",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::CommandLine,
        3,
        &[
            "iam:GetPolicy",
            "iam:ListPolicyVersions",
            "iam:CreatePolicyVersion",
            "iam:DeletePolicyVersion",
            "iam:UpdateAssumeRolePolicy",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::CommandLine,
        3,
        &[
            "s3:CreateBucket",
            "s3:PutBucketEncryption",
            "s3:PutBucketVersioning",
            "s3:PutBucketPolicy",
            "s3:PutBucketLifecycle",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::Browser,
        3,
        &["kms:ListKeys", "kms:ListAliases", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:CreateKey", "kms:CreateAlias"],
    ),
    task(
        ADMINISTRATOR | SECURITY,
        Tool::Browser,
        3,
        &[
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:GetEventSelectors",
            "cloudtrail:LookupEvents",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::CommandLine,
        2,
        &[
            "secretsmanager:ListSecrets",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ],
    ),
    task(
        ADMINISTRATOR,
        Tool::CommandLine,
        2,
        &["ec2:CreateImage", "ec2:DescribeImages", "ec2:ModifyImageAttribute", "ec2:DeregisterImage"],
    ),
    task(
        ADMINISTRATOR | FINANCE,
        Tool::Browser,
        2,
        &["organizations:DescribeOrganization", "organizations:ListAccounts", "organizations:ListRoots"],
    ),
    task(
        SECURITY,
        Tool::Browser,
        7,
        &[
            "guardduty:ListDetectors",
            "guardduty:ListFindings",
            "guardduty:GetFindings",
            "securityhub:GetFindings",
            "access-analyzer:ListAnalyzers",
            "access-analyzer:ListFindings",
        ],
    ),
    task(
        SECURITY,
        Tool::CommandLine,
        4,
        &[
            "iam:GenerateCredentialReport",
            "iam:GetCredentialReport",
            "iam:ListUsers",
            "iam:ListMFADevices",
            "iam:ListAccessKeys",
        ],
    ),
    task(
        SECURITY,
        Tool::Browser,
        4,
        &[
            "config:DescribeConfigRules",
            "config:GetComplianceDetailsByConfigRule",
            "config:DescribeComplianceByConfigRule",
            "config:SelectResourceConfig",
        ],
    ),
    task(
        SECURITY,
        Tool::CommandLine,
        3,
        &[
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeFlowLogs",
            "s3:GetBucketPolicy",
            "s3:GetBucketAcl",
        ],
    ),
    task(
        ANALYST,
        Tool::Browser,
        9,
        &[
            "athena:ListWorkGroups",
            "athena:StartQueryExecution",
            "athena:GetQueryExecution",
            "athena:GetQueryExecution",
            "athena:GetQueryResultsStream",
            "glue:GetDatabases",
            "glue:GetTables",
            "glue:GetPartitions",
        ],
    ),
    task(ANALYST, Tool::Sdk, 7, &["s3:ListObjects", "s3:GetObject", "s3:GetObject", "s3:GetObject", "s3:PutObject"]),
    task(
        ANALYST,
        Tool::Browser,
        4,
        &["quicksight:ListDashboards", "quicksight:DescribeDashboard", "quicksight:GetDataSource"],
    ),
    task(
        ANALYST,
        Tool::Sdk,
        3,
        &[
            "sagemaker:ListNotebookInstances",
            "sagemaker:CreatePresignedNotebookInstanceUrl",
            "sagemaker:DescribeTrainingJob",
        ],
    ),
    task(
        FINANCE,
        Tool::Browser,
        9,
        &["ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetDimensionValues", "ce:GetTags", "budgets:ViewBudget"],
    ),
    task(
        FINANCE,
        Tool::Browser,
        5,
        &[
            "billing:GetBillingViewData",
            "tax:GetTaxRegistration",
            "invoicing:ListInvoiceSummaries",
            "payments:ListPaymentPreferences",
        ],
    ),
    task(
        ENGINEERS | SECURITY,
        Tool::Browser,
        2,
        &["support:DescribeCases", "support:DescribeServices", "support:CreateCase", "health:DescribeEvents"],
    ),
    // Pipelines.
    task(
        PIPELINE,
        Tool::Terraform,
        8,
        &[
            "sts:GetCallerIdentity",
            "s3:GetObject",
            "dynamodb:PutItem",
            "ec2:DescribeVpcs",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "iam:GetRole",
            "iam:ListRolePolicies",
            "iam:ListAttachedRolePolicies",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTargetGroups",
            "ecs:DescribeServices",
            "logs:DescribeLogGroups",
            "s3:PutObject",
            "dynamodb:DeleteItem",
        ],
    ),
    task(
        PIPELINE,
        Tool::Terraform,
        3,
        &[
            "iam:CreateRole",
            "iam:PutRolePolicy",
            "iam:AttachRolePolicy",
            "lambda:CreateFunction20150331",
            "lambda:AddPermission20150331v2",
            "events:PutRule",
            "events:PutTargets",
        ],
    ),
    task(
        PIPELINE,
        Tool::Terraform,
        3,
        &[
            "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:ModifyRule",
        ],
    ),
    task(
        PIPELINE,
        Tool::Sdk,
        8,
        &[
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:InitiateLayerUpload",
            "ecr:CompleteLayerUpload",
            "ecr:PutImage",
            "ecs:RegisterTaskDefinition",
            "ecs:UpdateService",
            "ecs:DescribeServices",
        ],
    ),
    task(
        PIPELINE,
        Tool::Sdk,
        6,
        &[
            "lambda:UpdateFunctionCode20150331v2",
            "lambda:GetFunctionConfiguration20150331v2",
            "lambda:PublishVersion20150331",
            "lambda:UpdateAlias20150331",
        ],
    ),
    task(
        PIPELINE,
        Tool::CommandLine,
        6,
        &[
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
        ],
    ),
    task(
        PIPELINE,
        Tool::CommandLine,
        5,
        &["s3:ListObjects", "s3:PutObject", "s3:PutObject", "s3:DeleteObject", "cloudfront:CreateInvalidation"],
    ),
    task(PIPELINE, Tool::Sdk, 3, &["ssm:GetParametersByPath", "secretsmanager:GetSecretValue"]),
    // Workloads.
    task(INSTANCE | FUNCTION, Tool::Sdk, 9, &["s3:GetObject", "s3:PutObject", "s3:HeadObject"]),
    task(INSTANCE | FUNCTION, Tool::Sdk, 6, &["sqs:ReceiveMessage", "sqs:GetQueueUrl"]),
    task(INSTANCE | FUNCTION, Tool::Sdk, 6, &["dynamodb:DescribeTable"]),
    task(INSTANCE | FUNCTION, Tool::Sdk, 5, &["kms:Decrypt", "kms:GenerateDataKey"]),
    task(INSTANCE | FUNCTION, Tool::Sdk, 4, &["secretsmanager:GetSecretValue"]),
    task(INSTANCE, Tool::Sdk, 8, &["ssm:UpdateInstanceInformation", "ssm:ListAssociations", "ssm:GetParameters"]),
    task(INSTANCE, Tool::Sdk, 4, &["ec2:DescribeTags", "ec2:DescribeInstances"]),
    task(INSTANCE, Tool::Sdk, 4, &["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]),
    task(FUNCTION, Tool::Sdk, 8, &["logs:CreateLogStream"]),
    task(FUNCTION, Tool::Sdk, 3, &["states:StartExecution"]),
    task(FUNCTION, Tool::Sdk, 3, &["s3:ListObjects", "s3:GetObject", "s3:DeleteObject"]),
    task(
        VENDOR,
        Tool::Sdk,
        5,
        &[
            "ec2:DescribeInstances",
            "ec2:DescribeVolumes",
            "ec2:DescribeRegions",
            "monitoring:ListMetrics",
            "monitoring:GetMetricData",
            "rds:DescribeDBInstances",
            "elasticloadbalancing:DescribeLoadBalancers",
            "autoscaling:DescribeAutoScalingGroups",
            "lambda:ListFunctions20150331",
            "dynamodb:ListTables",
            "sqs:ListQueues",
        ],
    ),
    task(
        AUDITOR,
        Tool::Sdk,
        5,
        &[
            "iam:ListUsers",
            "iam:ListRoles",
            "iam:ListPolicies",
            "iam:GetAccountSummary",
            "iam:GetAccountPasswordPolicy",
            "iam:GetAccountAuthorizationDetails",
            "iam:ListVirtualMFADevices",
            "iam:GenerateCredentialReport",
            "iam:GetCredentialReport",
            "s3:ListBuckets",
            "s3:GetBucketAcl",
            "s3:GetBucketPolicy",
            "s3:GetBucketEncryption",
            "s3:GetBucketLogging",
            "s3:GetBucketPublicAccessBlock",
            "ec2:DescribeInstances",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSnapshots",
            "ec2:DescribeImages",
            "ec2:DescribeVolumes",
            "ec2:DescribeFlowLogs",
            "ec2:DescribeVpcs",
            "rds:DescribeDBInstances",
            "rds:DescribeDBSnapshots",
            "rds:DescribeDBSnapshotAttributes",
            "kms:ListKeys",
            "kms:GetKeyRotationStatus",
            "kms:GetKeyPolicy",
            "lambda:ListFunctions20150331",
            "lambda:GetPolicy20150331v2",
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:GetEventSelectors",
            "config:DescribeConfigurationRecorders",
            "guardduty:ListDetectors",
            "secretsmanager:ListSecrets",
            "sns:ListTopics",
            "sqs:ListQueues",
            "ecr:DescribeRepositories",
            "eks:ListClusters",
            "ecs:ListClusters",
            "cloudfront:ListDistributions",
            "route53:ListHostedZones",
            "acm:ListCertificates",
            "es:ListDomainNames",
        ],
    ),
];

/// What people look at who wonder what there is; each line is one service.
static CURIOSITY: &[&[&str]] = &[
    &["bedrock:ListFoundationModels", "bedrock:GetFoundationModelAvailability", "bedrock:ListGuardrails"],
    &["apprunner:ListServices", "apprunner:ListConnections"],
    &["elasticache:DescribeCacheClusters", "elasticache:DescribeReplicationGroups"],
    &["kafka:ListClustersV2", "kafka:ListConfigurations"],
    &["backup:ListBackupPlans", "backup:ListBackupVaults", "backup:ListRecoveryPointsByResource"],
    &["inspector2:ListFindings", "inspector2:ListCoverage"],
    &["servicequotas:ListServiceQuotas", "servicequotas:ListServices"],
    &["states:ListStateMachines", "states:DescribeStateMachine"],
    &["apigateway:GetRestApis", "apigateway:GetStages", "apigateway:GetDomainNames"],
    &["cognito-idp:ListUserPools", "cognito-idp:DescribeUserPool"],
    &["ses:ListIdentities", "ses:GetSendQuota", "ses:GetAccount"],
    &["wafv2:ListWebACLs", "wafv2:GetWebACL"],
    &["trustedadvisor:ListChecks", "health:DescribeEvents"],
    &["glue:GetJobs", "glue:GetCrawlers"],
    &["kinesis:ListStreams", "firehose:ListDeliveryStreams"],
    &["codebuild:ListProjects", "codebuild:BatchGetProjects", "codepipeline:ListPipelines"],
    &["resource-groups:ListGroups", "tagging:GetResources", "resource-explorer-2:Search"],
    &["cloudshell:CreateEnvironment", "cloudshell:CreateSession"],
];

/// What those do who answer an incident: rare for them, and in a hurry.
static INCIDENT: &[&str] = &[
    "cloudtrail:LookupEvents",
    "cloudtrail:LookupEvents",
    "guardduty:GetFindings",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVolumes",
    "ec2:CreateSnapshot",
    "ec2:CreateSecurityGroup",
    "ec2:ModifyInstanceAttribute",
    "ec2:RevokeSecurityGroupIngress",
    "iam:ListAccessKeys",
    "iam:UpdateAccessKey",
    "iam:PutRolePolicy",
    "iam:GetRole",
    "iam:ListRoles",
    "ec2:StopInstances",
    "s3:GetBucketPolicy",
    "logs:StartQuery",
    "logs:GetQueryResults",
    "iam:DeleteAccessKey",
    "ssm:SendCommand",
    "ec2:CreateNetworkAclEntry",
];

/// One call, before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) second: i64,
    /// By place in the estate.
    pub(crate) principal: usize,
    /// `service:Api`; the service as in the host name.
    pub(crate) api: &'static str,
    pub(crate) address: [u8; 4],
    pub(crate) agent: String,
    /// Empty on success.
    pub(crate) error: &'static str,
    /// Which resource it is about.
    pub(crate) about: u64,
    /// What credentials it came with; the same number for the same session.
    pub(crate) session: u64,
    /// By place in the estate's attacks.
    pub(crate) attack: Option<usize>,
}

const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/<v>.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/<v>.0.0.0 Safari/537.36 Edg/<v>.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:<v>.0) Gecko/20100101 Firefox/<v>.0",
];

/// The agent of a tool on a day: versions go up with the weeks, and another laptop has another system.
pub(crate) fn agent(tool: Tool, seed: u64, day: i64, has_new_laptop: bool) -> String {
    let random = &mut Random::of(&[seed, tool as u64, u64::from(has_new_laptop)]);
    let version = 140 + (day + random.below(9) as i64) / 28;
    match tool {
        Tool::Browser => random.pick(&BROWSERS).replace("<v>", &version.to_string()),
        Tool::CommandLine => format!(
            "aws-cli/2.{}.{} md/awscrt#0.23.4 ua/2.0 os/{} md/arch#{} lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe",
            version - 117,
            (day / 7) % 20,
            random.pick(&["macos#24.2.0", "linux#6.8.0-48-generic", "windows#11"]),
            random.pick(&["arm64", "x86_64"]),
        ),
        Tool::Terraform => format!(
            "APN/1.0 HashiCorp/1.0 Terraform/1.10.{} (+https://www.terraform.io) terraform-provider-aws/5.{}.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.33.0 ua/2.1 os/linux lang/go#1.23.3",
            (day / 21) % 6,
            80 + day / 7
        ),
        Tool::Sdk => match random.below(3) {
            0 => format!(
                "Boto3/1.36.{} md/Botocore#1.36.2 ua/2.0 os/linux#6.1.119 md/arch#x86_64 lang/python#3.11.6 Botocore/1.36.2",
                day / 14
            ),
            1 => "aws-sdk-go-v2/1.32.7 ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#amd64 api/s3#1.72.0".to_owned(),
            _ => "aws-sdk-java/2.29.43 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.115 lang/java#21.0.5 md/vendor#Amazon.com_Inc.".to_owned(),
        },
    }
}

/// Everything that is called on a day, attacks excepted; not in order.
pub(crate) fn calls(estate: &Estate, day: i64) -> Vec<Call> {
    let mut calls = Vec::new();
    for (place, principal) in estate.principals.iter().enumerate() {
        if day < principal.starts {
            continue;
        }
        let random = estate.random(&[principal.seed, day as u64, 0x6361]);
        let mut scene = Scene { estate, principal, place, day, random, calls: &mut calls };
        match &principal.kind {
            Kind::Person(person) => scene.person(person),
            Kind::Pipeline { is_hosted } => scene.pipeline(*is_hosted),
            Kind::Instance | Kind::Function => scene.workload(),
            Kind::Vendor => scene.vendor(),
            Kind::Auditor => scene.auditor(),
            Kind::Dormant => scene.last_days_of_use(),
        }
    }
    harden(estate, day, &mut calls);
    calls
}

/// The day on which an administrator shuts all buckets to the public, one after the other: after an audit, say.
const HARDENING_DAY: i64 = 16;

fn harden(estate: &Estate, day: i64, calls: &mut Vec<Call>) {
    let is_administrator =
        |principal: &Principal| matches!(&principal.kind, Kind::Person(person) if person.job == Job::Administrator);
    let Some(place) = estate.principals.iter().position(is_administrator).filter(|_| day == HARDENING_DAY) else {
        return;
    };
    let principal = &estate.principals[place];
    let begin = estate.midnight(day) + (10 - estate.zone) * 3_600;
    let call = Call {
        second: begin,
        principal: place,
        api: "s3:ListBuckets",
        address: estate.address_in(OFFICE, 1),
        agent: agent(Tool::CommandLine, principal.seed, day, false),
        error: "",
        about: 0,
        session: Random::of(&[principal.seed, day as u64, 0]).next(),
        attack: None,
    };
    calls.push(call.clone());
    for bucket in 0..estate.buckets.len() as u64 {
        let second = begin + 20 + 9 * bucket as i64;
        calls.push(Call { second, api: "s3:PutBucketPublicAccessBlock", about: bucket, ..call.clone() });
    }
}

/// Accounts of the organisation that are looked at from this one, to begin with; one more joins every week.
const ACCOUNTS: i64 = 40;

/// One principal's day.
struct Scene<'a> {
    estate: &'a Estate,
    principal: &'a Principal,
    place: usize,
    day: i64,
    random: Random,
    calls: &'a mut Vec<Call>,
}

/// From where, with what.
struct Seat {
    address: [u8; 4],
    session: u64,
}

impl Scene<'_> {
    fn person(&mut self, person: &Person) {
        let day = self.day;
        let is_away = (person.vacation.0..=person.vacation.1).contains(&day) || self.estate.holidays.contains(&day);
        let is_weekend = day % 7 >= 5;
        let midnight = self.estate.midnight(day) - person.zone * 3_600;
        if person.is_on_call && self.random.percent(6) && !is_away {
            // Called at night: a look from the sofa, sometimes a restart.
            let seat = self.seat(person, true);
            let begin = midnight + self.random.below(6 * 3_600) as i64;
            self.tasks(person, begin, 1 + day % 3, &seat);
        }
        if self.estate.incidents.contains(&day)
            && matches!(person.job, Job::Operator | Job::Administrator | Job::Security)
        {
            self.incident(person, midnight);
        }
        if is_away || (is_weekend && !self.random.percent(4)) {
            return;
        }
        let seat = self.seat(person, false);
        let begin = midnight + person.begins * 60 + self.random.range(0, 3_600) as i64 - 1_800;
        self.sign_in(begin, &seat, person);
        let is_on_project = person.project.is_some_and(|project| (project.0..=project.1).contains(&day));
        let count = self.random.range(1, person.pace + 2) as i64 * if is_on_project { 2 } else { 1 };
        let span = self.random.range(7 * 3_600, 9 * 3_600) as i64;
        for number in 0..count {
            let at = begin + 60 + number * span / count + self.random.below((span / count) as u64) as i64;
            self.tasks(person, at, 1, &seat);
        }
    }

    /// Where somebody is today: a trip, home, or the office; on the phone's network now and then.
    fn seat(&mut self, person: &Person, at_home: bool) -> Seat {
        let seed = self.principal.seed;
        let day = self.day;
        let session = Random::of(&[seed, day as u64, u64::from(at_home)]).next();
        let trip = person.trip.filter(|trip| (trip.0..=trip.1).contains(&day));
        let is_home = at_home || person.home_days >> (day % 7) & 1 == 1 || day % 7 >= 5;
        let address = match trip {
            Some((_, _, network)) => self.estate.address_in(network, seed ^ day as u64),
            None if self.random.percent(3) => self.estate.address_in(person.mobile, self.random.next()),
            None if is_home && person.uses_vpn && !at_home => self.estate.address_in(VPN, 1),
            // Providers give homes another address every week or three.
            None if is_home => self.estate.address_in(person.home, seed ^ (day / (7 + (seed % 15) as i64)) as u64),
            None if seed.is_multiple_of(4) => self.estate.address_in(BRANCH, 1),
            None => self.estate.address_in(OFFICE, 1 + seed % 2),
        };
        Seat { address, session }
    }

    fn sign_in(&mut self, second: i64, seat: &Seat, person: &Person) {
        let agent = agent(Tool::Browser, self.principal.seed, self.day, self.day >= person.laptop_day);
        self.push(second, "signin:ConsoleLogin", seat, agent, "");
    }

    /// Some tasks one after the other: mostly habits, sometimes something else of the job, seldom anything.
    fn tasks(&mut self, person: &Person, begin: i64, count: i64, seat: &Seat) {
        let mut second = begin;
        for _ in 0..count {
            let ticket = self.random.below(1_000);
            if ticket < 10 && person.job != Job::Finance {
                let calls = *self.random.pick(CURIOSITY);
                self.run(&mut second, calls, Tool::Browser, seat, person, 6);
                continue;
            }
            let is_on_project = person.project.is_some_and(|project| (project.0..=project.1).contains(&self.day));
            let chosen = if ticket < 840 && !is_on_project {
                self.random.favour(&self.principal.habits)
            } else {
                let of_the_job: Vec<&Task> = TASKS
                    .iter()
                    .filter(|task| task.fits(&self.principal.kind))
                    .flat_map(|task| (0..task.weight).map(move |_| task))
                    .collect();
                *self.random.pick(&of_the_job)
            };
            self.run(&mut second, chosen.calls, chosen.tool, seat, person, 1);
            second += self.random.range(30, 600) as i64;
        }
    }

    fn run(
        &mut self,
        second: &mut i64,
        calls: &[&'static str],
        tool: Tool,
        seat: &Seat,
        person: &Person,
        refused: u64,
    ) {
        let agent = agent(tool, self.principal.seed, self.day, self.day >= person.laptop_day);
        for &api in calls {
            if self.random.percent(15) {
                continue;
            }
            for _ in 0..1 + self.random.below(10) / 7 {
                *second += match tool {
                    Tool::Browser => self.random.below(4) as i64,
                    Tool::CommandLine => self.random.range(2, 90) as i64,
                    _ => self.random.below(2) as i64,
                };
                let error = if self.random.percent(refused) { "AccessDenied" } else { "" };
                self.push(*second, api, seat, agent.clone(), error);
            }
        }
    }

    /// Those who answer an incident work at odd hours, from home, on what they never touch.
    fn incident(&mut self, person: &Person, midnight: i64) {
        let seat = self.seat(person, true);
        let mut second = midnight + self.random.range(0, 20 * 3_600) as i64;
        self.sign_in(second, &seat, person);
        for _ in 0..self.random.range(10, 50) {
            let api = *self.random.pick(INCIDENT);
            let tool = if self.random.percent(50) { Tool::Browser } else { Tool::CommandLine };
            let agent = agent(tool, self.principal.seed, self.day, self.day >= person.laptop_day);
            second += self.random.range(3, 240) as i64;
            self.push(second, api, &seat, agent, "");
        }
    }

    /// Deployments: on working days, a few; each run with a session and, if hosted, an address of its own.
    fn pipeline(&mut self, is_hosted: bool) {
        let is_quiet = self.day % 7 >= 5 || self.estate.holidays.contains(&self.day);
        let runs = if is_quiet { u64::from(self.random.percent(15)) } else { self.random.below(7) };
        for _ in 0..runs {
            let mut second = self.estate.midnight(self.day) + self.random.range(7 * 3_600, 19 * 3_600) as i64
                - self.estate.zone * 3_600;
            let address = if is_hosted { self.estate.address_in(CI, self.random.next()) } else { self.estate.nat() };
            let seat = Seat { address, session: self.random.next() };
            // A release that needs something new: once a month or so.
            let task = if self.random.percent(2) {
                let all: Vec<&Task> = TASKS.iter().filter(|task| task.who & PIPELINE != 0).collect();
                *self.random.pick(&all)
            } else {
                *self.random.favour(&self.principal.habits)
            };
            let agent = agent(task.tool, self.principal.seed, self.day, false);
            // Each run begins with the role that deploys.
            self.assume(second, 0, &seat, agent.clone());
            for &api in task.calls {
                for _ in 0..1 + self.random.below(3) {
                    second += self.random.below(5) as i64;
                    let error = if self.random.percent(1) { "ThrottlingException" } else { "" };
                    self.push(second, api, &seat, agent.clone(), error);
                }
            }
        }
    }

    /// Instances and functions: the same few calls day and night, more by day; a release may bring one more.
    fn workload(&mut self) {
        let seed = self.principal.seed;
        let own = &mut Random::of(&[seed, 0x776c]);
        let per_hour = own.spread(1, 14);
        let release_day = own.below(self.estate.plan.days as u64 * 3) as i64;
        let added =
            *own.pick(&["sns:Publish", "ssm:GetParameter", "s3:ListObjects", "kms:Decrypt", "events:PutEvents"]);
        let address = match &self.principal.kind {
            Kind::Instance => self.estate.nat(),
            _ => crate::generate::ec2_address(
                self.estate.region_place,
                &mut self.estate.random(&[seed, (self.day / 3) as u64]),
            ),
        };
        for hour in 0..24 {
            let is_day = (7..19).contains(&(hour + self.estate.zone));
            let count = self.random.below(per_hour * if is_day { 3 } else { 1 } + 1);
            for _ in 0..count {
                let second = self.estate.midnight(self.day) + hour * 3_600 + self.random.below(3_600) as i64;
                // Credentials of a role last six hours.
                let session = Random::of(&[seed, self.day as u64, hour as u64 / 6]).next();
                let api = if self.day >= release_day && self.random.percent(10) {
                    added
                } else {
                    let task = *self.random.favour(&self.principal.habits);
                    self.random.pick(task.calls)
                };
                let error = if self.random.percent(1) { "ThrottlingException" } else { "" };
                let agent = agent(Tool::Sdk, seed, self.day, false);
                self.push(second, api, &Seat { address, session }, agent, error);
            }
        }
    }

    /// Another company's monitoring asks for the same every half hour.
    fn vendor(&mut self) {
        for half in 0..48 {
            let mut second = self.estate.midnight(self.day) + half * 1_800 + self.random.below(60) as i64;
            let seat = Seat {
                address: [54, 236, 64, 10 + (half % 4) as u8],
                session: Random::of(&[self.day as u64, half as u64]).next(),
            };
            for &api in self.principal.habits.iter().flat_map(|task| task.calls) {
                second += self.random.below(3) as i64;
                let agent = "Datadog botocore/1.34.162 Python/3.11.10 Linux/6.1.112-124.190.amzn2023.x86_64".to_owned();
                self.push(second, api, &seat, agent, "");
            }
        }
    }

    /// Looks at every setting, once a day, and with a role of the same name in each account of the organisation.
    fn auditor(&mut self) {
        let mut second = self.estate.midnight(self.day) + 7_200 + self.random.below(600) as i64;
        let seat = Seat { address: [54, 236, 70, 21], session: self.random.next() };
        for account in 0..ACCOUNTS + self.day / 7 {
            self.assume(second - 900 + account * 20, account as u64, &seat, agent(Tool::Sdk, 3, self.day, false));
        }
        for &api in self.principal.habits.iter().flat_map(|task| task.calls) {
            for _ in 0..self.random.range(1, 6) {
                second += self.random.below(2) as i64;
                let error = if self.random.percent(2) { "AccessDenied" } else { "" };
                self.push(second, api, &seat, agent(Tool::Sdk, 3, self.day, false), error);
            }
        }
    }

    /// A user that a script of somebody who left used until the third day.
    fn last_days_of_use(&mut self) {
        if self.day > 2 {
            return;
        }
        let seat = Seat { address: self.estate.address_in(OFFICE, 1), session: 0 };
        for hour in [8, 12, 16] {
            let second = self.estate.midnight(self.day) + hour * 3_600 + self.random.below(300) as i64;
            self.push(second, "s3:PutObject", &seat, agent(Tool::Sdk, self.principal.seed, 0, false), "");
        }
    }

    fn push(&mut self, second: i64, api: &'static str, seat: &Seat, agent: String, error: &'static str) {
        debug_assert!(api.contains(':'));
        let about = self.random.below(5);
        self.push_about(second, api, seat, (agent, error, about));
    }

    /// Assumes the role that it always does, in one of the accounts that it does it in.
    fn assume(&mut self, second: i64, account: u64, seat: &Seat, agent: String) {
        self.push_about(second, "sts:AssumeRole", seat, (agent, "", account));
    }

    fn push_about(
        &mut self,
        second: i64,
        api: &'static str,
        seat: &Seat,
        (agent, error, about): (String, &'static str, u64),
    ) {
        self.calls.push(Call {
            second: second.max(self.estate.midnight(0)),
            principal: self.place,
            api,
            address: seat.address,
            agent,
            error,
            about,
            session: seat.session,
            attack: None,
        });
    }
}

/// Whether an API only reads.
pub(crate) fn is_reading(api: &str) -> bool {
    let name = api.split_once(':').map_or(api, |(_, name)| name);
    [
        "Describe",
        "List",
        "Get",
        "Head",
        "Lookup",
        "View",
        "Search",
        "BatchGet",
        "BatchCheck",
        "Decrypt",
        "Receive",
        "Select",
        "Filter",
        "StartQuery",
        "Generate",
    ]
    .iter()
    .any(|begin| name.starts_with(begin))
}

/// An address as text, for what is written.
pub(crate) fn shown(address: [u8; 4]) -> String {
    dotted(address)
}

/// Seconds of the estate's days.
pub(crate) fn day_of(second: i64, estate: &Estate) -> i64 {
    (second - estate.midnight(0)).div_euclid(DAY)
}
