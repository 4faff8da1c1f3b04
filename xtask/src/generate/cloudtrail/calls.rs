//! What principals call: for each API its parameters and answer as templates.
//!
//! A template is JSON with `<name>` or `<name:length>` where a value goes; see `fill` in `cloudtrail.rs` for the names.

use Access::{Read, Write};

/// Whether a call changes anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// `readOnly` is true.
    Read,
    /// `readOnly` is false.
    Write,
}

/// One API, and how often a principal that uses it calls it.
pub(super) struct Call {
    pub(super) weight: u64,
    /// The host name before `.amazonaws.com`.
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) access: Access,
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    /// `resources`; empty where the service gives none.
    pub(super) resources: &'static str,
    /// An object or function that was reached through the data plane.
    pub(super) is_data: bool,
    /// The error that this call meets now and then, and its message; empty if none.
    pub(super) error: (&'static str, &'static str),
}

const fn call(
    weight: u64,
    service: &'static str,
    name: &'static str,
    access: Access,
    request: &'static str,
    response: &'static str,
) -> Call {
    Call { weight, service, name, access, request, response, resources: "", is_data: false, error: ("", "") }
}

impl Call {
    const fn on(mut self, resources: &'static str) -> Self {
        self.resources = resources;
        self
    }

    const fn data(mut self) -> Self {
        self.is_data = true;
        self
    }

    const fn failing(mut self, code: &'static str, message: &'static str) -> Self {
        self.error = (code, message);
        self
    }
}

const OBJECT: &str = r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/<key>"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const BUCKET: &str = r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const KEY: &str =
    r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<kms>"}]"#;
const TABLE: &str = r#"[{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:<region>:<account>:table/<table>"}]"#;
const ROLE: &str =
    r#"[{"accountId":"<account>","type":"AWS::IAM::Role","ARN":"arn:aws:iam::<account>:role/<targetrole>"}]"#;

const GET_OBJECT: Call = call(
    14,
    "s3",
    "GetObject",
    Read,
    r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#,
    "null",
)
.on(OBJECT)
.data()
.failing("NoSuchKey", "The specified key does not exist.");

const PUT_OBJECT: Call = call(
    6,
    "s3",
    "PutObject",
    Write,
    r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>","x-amz-server-side-encryption":"AES256"}"#,
    r#"{"x-amz-server-side-encryption":"AES256"}"#,
)
.on(OBJECT)
.data();

const HEAD_OBJECT: Call = call(
    5,
    "s3",
    "HeadObject",
    Read,
    r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<key>"}"#,
    "null",
)
.on(OBJECT)
.data()
.failing("NoSuchKey", "The specified key does not exist.");

const LIST_OBJECTS: Call = call(
    4,
    "s3",
    "ListObjects",
    Read,
    r#"{"list-type":"2","bucketName":"<bucket>","encoding-type":"url","prefix":"<prefix>","Host":"<bucket>.s3.<region>.amazonaws.com","max-keys":"1000"}"#,
    "null",
)
.on(r#"[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::<bucket>/"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#)
.data();

const DECRYPT: Call = call(
    10,
    "kms",
    "Decrypt",
    Read,
    r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<key>"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
    "null",
)
.on(KEY);

const GENERATE_DATA_KEY: Call = call(
    10,
    "kms",
    "GenerateDataKey",
    Read,
    r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<key>"},"keyId":"arn:aws:kms:<region>:<account>:key/<kms>","keySpec":"AES_256"}"#,
    "null",
)
.on(KEY);

const CREATE_LOG_STREAM: Call = call(
    9,
    "logs",
    "CreateLogStream",
    Write,
    r#"{"logGroupName":"/aws/lambda/<function>","logStreamName":"<day>/[$LATEST]<hex:32>"}"#,
    "null",
);

const DESCRIBE_INSTANCES: Call = call(
    9,
    "ec2",
    "DescribeInstances",
    Read,
    r#"{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"pending"},{"value":"running"},{"value":"stopping"},{"value":"stopped"}]}},{"name":"tag:Environment","valueSet":{"items":[{"value":"production"}]}}]}}"#,
    "null",
)
.failing("Client.RequestLimitExceeded", "Request limit exceeded.");

const DESCRIBE_SECURITY_GROUPS: Call = call(
    5,
    "ec2",
    "DescribeSecurityGroups",
    Read,
    r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"sg-0<stablehex:16>"},{"groupId":"sg-0<stablehex:16>"}]},"filterSet":{}}"#,
    "null",
);

const DESCRIBE_NETWORK_INTERFACES: Call = call(
    5,
    "ec2",
    "DescribeNetworkInterfaces",
    Read,
    r#"{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"description","valueSet":{"items":[{"value":"ELB app/<function>/<stablehex:16>"}]}}]}}"#,
    "null",
);

const DESCRIBE_TAGS: Call = call(
    4,
    "ec2",
    "DescribeTags",
    Read,
    r#"{"maxResults":1000,"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"i-0<stablehex:16>"}]}}]}}"#,
    "null",
);

const DESCRIBE_VOLUMES: Call =
    call(4, "ec2", "DescribeVolumes", Read, r#"{"maxResults":500,"volumeSet":{},"filterSet":{}}"#, "null");

const GET_CALLER_IDENTITY: Call = call(4, "sts", "GetCallerIdentity", Read, "null", "null");

const DESCRIBE_LOAD_BALANCERS: Call = call(
    5,
    "elasticloadbalancing",
    "DescribeLoadBalancers",
    Read,
    r#"{"loadBalancerArns":["arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/app/<function>/<stablehex:16>"],"pageSize":400}"#,
    "null",
)
.failing("Throttling", "Rate exceeded");

const DESCRIBE_TARGET_HEALTH: Call = call(
    7,
    "elasticloadbalancing",
    "DescribeTargetHealth",
    Read,
    r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<function>/<stablehex:16>"}"#,
    "null",
);

const DESCRIBE_ALARMS: Call = call(
    4,
    "monitoring",
    "DescribeAlarms",
    Read,
    r#"{"alarmNames":["<function>-5xx","<function>-latency-p99"],"maxRecords":100}"#,
    "null",
);

const GET_METRIC_DATA: Call = call(
    6,
    "monitoring",
    "GetMetricData",
    Read,
    r#"{"startTime":"<time>","endTime":"<time>","metricDataQueries":[{"id":"m1","label":"p99","metricStat":{"metric":{"namespace":"AWS/ApplicationELB","metricName":"TargetResponseTime","dimensions":[{"name":"LoadBalancer","value":"app/<function>/<stablehex:16>"}]},"period":60,"stat":"p99"},"returnData":true}]}"#,
    "null",
)
.data();

/// What services do of their own accord, for the owner of the account.
pub(super) static SERVICE: &[Call] = &[
    call(
        24,
        "sts",
        "AssumeRole",
        Read,
        r#"{"roleArn":"arn:aws:iam::<account>:role/<targetrole>","roleSessionName":"<session>","durationSeconds":3600}"#,
        r#"{"credentials":{"accessKeyId":"ASIA<base32:16>","sessionToken":"<base64:300>=","expiration":"<longtime>"},"assumedRoleUser":{"assumedRoleId":"AROA<stablebase32:17>:<session>","arn":"arn:aws:sts::<account>:assumed-role/<targetrole>/<session>"}}"#,
    )
    .on(ROLE),
    call(
        12,
        "s3",
        "PutObject",
        Write,
        r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","x-amz-acl":"bucket-owner-full-control","x-amz-server-side-encryption":"AES256","key":"AWSLogs/<account>/elasticloadbalancing/<region>/<day>/<account>_elasticloadbalancing_<region>_app.<function>.<stablehex:16>_<compacttime>_<base32:8>.log.gz"}"#,
        r#"{"x-amz-server-side-encryption":"AES256","x-amz-expiration":"expiry-date=\"Fri, 29 May 2026 00:00:00 GMT\", rule-id=\"expire-logs\""}"#,
    )
    .on(BUCKET)
    .data(),
    call(
        10,
        "s3",
        "GetBucketAcl",
        Read,
        r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","acl":""}"#,
        "null",
    )
    .on(BUCKET),
    call(
        14,
        "kms",
        "GenerateDataKey",
        Read,
        r#"{"encryptionContext":{"aws:cloudtrail:arn":"arn:aws:cloudtrail:<region>:<account>:trail/organisation","aws:s3:arn":"arn:aws:s3:::<bucket>/AWSLogs/<account>/CloudTrail/<region>/<day>/<account>_CloudTrail_<region>_<compacttime>_<base32:16>.json.gz"},"keyId":"arn:aws:kms:<region>:<account>:key/<kms>","keySpec":"AES_256"}"#,
        "null",
    )
    .on(KEY),
    call(
        6,
        "kms",
        "Decrypt",
        Read,
        r#"{"encryptionContext":{"aws:dynamodb:tableName":"<table>","aws:dynamodb:subscriberId":"<account>"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
        "null",
    )
    .on(KEY),
    call(
        4,
        "ec2",
        "CreateNetworkInterface",
        Write,
        r#"{"subnetId":"subnet-0<stablehex:16>","description":"AWS Lambda VPC ENI-<function>-<uuid>","groupSet":{"items":[{"groupId":"sg-0<stablehex:16>"}]},"privateIpAddressesSet":{},"clientToken":"<uuid>"}"#,
        r#"{"requestId":"<uuid>","networkInterface":{"networkInterfaceId":"eni-0<hex:16>","subnetId":"subnet-0<stablehex:16>","vpcId":"vpc-0<stablehex:16>","availabilityZone":"<region>a","description":"AWS Lambda VPC ENI-<function>","ownerId":"<account>","requesterManaged":false,"status":"pending","privateIpAddress":"10.0.<number:200>.<number:250>","sourceDestCheck":true,"interfaceType":"lambda","groupSet":{"items":[{"groupId":"sg-0<stablehex:16>","groupName":"<function>"}]},"tagSet":{}}}"#,
    ),
];

/// What programs on instances call.
pub(super) static INSTANCE: &[Call] = &[
    call(
        12,
        "ssm",
        "UpdateInstanceInformation",
        Write,
        r#"{"instanceId":"<session>","agentVersion":"3.3.987.0","agentStatus":"Active","platformType":"Linux","iPAddress":"10.0.<stablenumber:200>.<stablenumber:250>","computerName":"ip-10-0-<stablenumber:200>-<stablenumber:250>.<region>.compute.internal","agentName":"amazon-ssm-agent","availabilityZone":"<region>a"}"#,
        "null",
    ),
    call(8, "ssm", "ListInstanceAssociations", Read, r#"{"instanceId":"<session>","maxResults":20}"#, "null"),
    GET_OBJECT,
    PUT_OBJECT,
    HEAD_OBJECT,
    LIST_OBJECTS,
    DECRYPT,
    GENERATE_DATA_KEY,
    DESCRIBE_INSTANCES,
    DESCRIBE_TAGS,
    DESCRIBE_VOLUMES,
    call(
        4,
        "ecr",
        "GetAuthorizationToken",
        Read,
        "null",
        r#"{"authorizationData":[{"expiresAt":"<longtime>","proxyEndpoint":"https://<account>.dkr.ecr.<region>.amazonaws.com"}]}"#,
    ),
    call(
        6,
        "ecr",
        "BatchGetImage",
        Read,
        r#"{"registryId":"<account>","repositoryName":"<function>","imageIds":[{"imageTag":"release-<stablenumber:900>"}],"acceptedMediaTypes":["application/vnd.docker.distribution.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json","application/vnd.oci.image.index.v1+json"]}"#,
        "null",
    ),
];

/// What functions call.
pub(super) static FUNCTION: &[Call] = &[
    GET_OBJECT,
    PUT_OBJECT,
    DECRYPT,
    CREATE_LOG_STREAM,
    call(
        16,
        "dynamodb",
        "GetItem",
        Read,
        r#"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS","sk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"consistentRead":false}"#,
        "null",
    )
    .on(TABLE)
    .data(),
    call(
        10,
        "dynamodb",
        "UpdateItem",
        Write,
        r##"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS","sk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"updateExpression":"SET #s = :s, #u = :u ADD #v :one","conditionExpression":"attribute_exists(pk) AND #v = :v","expressionAttributeNames":{"#s":"status","#u":"updatedAt","#v":"version"},"returnValues":"ALL_NEW"}"##,
        "null",
    )
    .on(TABLE)
    .data()
    .failing("ConditionalCheckFailedException", "The conditional request failed"),
    call(
        4,
        "secretsmanager",
        "GetSecretValue",
        Read,
        r#"{"secretId":"arn:aws:secretsmanager:<region>:<account>:secret:prod/<function>/database-<stablebase32:6>"}"#,
        "null",
    ),
    call(
        3,
        "ssm",
        "GetParameters",
        Read,
        r#"{"withDecryption":true,"names":["/prod/<function>/endpoint","/prod/<function>/feature-flags","/prod/<function>/rate-limit"]}"#,
        "null",
    ),
    call(
        5,
        "sqs",
        "ReceiveMessage",
        Write,
        r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<function>","maxNumberOfMessages":10,"waitTimeSeconds":20,"messageSystemAttributeNames":["All"]}"#,
        "null",
    )
    .on(r#"[{"accountId":"<account>","type":"AWS::SQS::Queue","ARN":"arn:aws:sqs:<region>:<account>:<function>"}]"#)
    .data(),
    call(
        5,
        "lambda",
        "Invoke",
        Write,
        r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>","invocationType":"Event","sourceArn":"arn:aws:events:<region>:<account>:rule/<function>-schedule","contentType":"application/json"}"#,
        "null",
    )
    .on(r#"[{"accountId":"<account>","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:<region>:<account>:function:<function>"}]"#)
    .data(),
];

/// What monitoring and inventory services call, from outside or for AWS Config.
pub(super) static AUDITOR: &[Call] = &[
    DESCRIBE_INSTANCES,
    DESCRIBE_SECURITY_GROUPS,
    DESCRIBE_NETWORK_INTERFACES,
    DESCRIBE_VOLUMES,
    DESCRIBE_LOAD_BALANCERS,
    DESCRIBE_TARGET_HEALTH,
    DESCRIBE_ALARMS,
    GET_METRIC_DATA,
    call(
        8,
        "monitoring",
        "ListMetrics",
        Read,
        r#"{"namespace":"AWS/RDS","recentlyActive":"PT3H","includeLinkedAccounts":false}"#,
        "null",
    ),
    call(5, "rds", "DescribeDBInstances", Read, r#"{"maxRecords":100}"#, "null"),
    call(5, "lambda", "ListFunctions20150331", Read, r#"{"maxItems":50}"#, "null"),
    call(
        6,
        "lambda",
        "GetFunctionConfiguration20150331v2",
        Read,
        r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>"}"#,
        "null",
    ),
    call(4, "dynamodb", "DescribeTable", Read, r#"{"tableName":"<table>"}"#, "null").on(TABLE),
    call(
        4,
        "tagging",
        "GetResources",
        Read,
        r#"{"resourcesPerPage":100,"resourceTypeFilters":["ec2:instance","rds:db","elasticloadbalancing:loadbalancer","dynamodb:table"]}"#,
        "null",
    ),
    call(
        4,
        "s3",
        "GetBucketPolicyStatus",
        Read,
        r#"{"bucketName":"<bucket>","policyStatus":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#,
        "null",
    )
    .on(BUCKET)
    .failing("NoSuchBucketPolicy", "The bucket policy does not exist"),
    call(
        3,
        "s3",
        "GetBucketEncryption",
        Read,
        r#"{"bucketName":"<bucket>","encryption":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#,
        "null",
    )
    .on(BUCKET),
    call(3, "iam", "ListRoles", Read, r#"{"maxItems":1000}"#, "null"),
    call(3, "iam", "GetRole", Read, r#"{"roleName":"<targetrole>"}"#, "null"),
    call(2, "iam", "ListAttachedRolePolicies", Read, r#"{"roleName":"<targetrole>"}"#, "null"),
    call(
        4,
        "config",
        "PutEvaluations",
        Write,
        r#"{"evaluations":[{"complianceResourceType":"AWS::EC2::SecurityGroup","complianceResourceId":"sg-0<stablehex:16>","complianceType":"COMPLIANT","orderingTimestamp":"<longtime>"},{"complianceResourceType":"AWS::EC2::SecurityGroup","complianceResourceId":"sg-0<hex:16>","complianceType":"COMPLIANT","orderingTimestamp":"<longtime>"}],"resultToken":"<base64:120>","testMode":false}"#,
        r#"{"failedEvaluations":[]}"#,
    ),
    call(4, "ecs", "DescribeServices", Read, r#"{"cluster":"production","services":["<function>"],"include":["TAGS"]}"#, "null"),
    call(3, "cloudtrail", "DescribeTrails", Read, r#"{"includeShadowTrails":false,"trailNameList":[]}"#, "null"),
    call(3, "organizations", "DescribeOrganization", Read, "null", "null")
        .failing("AccessDenied", "User is not authorized to perform: organizations:DescribeOrganization because no identity-based policy allows the organizations:DescribeOrganization action"),
];

/// What people look at in the console.
pub(super) static CONSOLE: &[Call] = &[
    DESCRIBE_INSTANCES,
    DESCRIBE_SECURITY_GROUPS,
    DESCRIBE_ALARMS,
    DESCRIBE_LOAD_BALANCERS,
    GET_METRIC_DATA,
    call(
        4,
        "ec2",
        "DescribeAvailabilityZones",
        Read,
        r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#,
        "null",
    ),
    call(
        4,
        "ec2",
        "DescribeAccountAttributes",
        Read,
        r#"{"filterSet":{},"accountAttributeNameSet":{"items":[{"attributeName":"supported-platforms"},{"attributeName":"default-vpc"}]}}"#,
        "null",
    ),
    call(4, "s3", "ListBuckets", Read, r#"{"Host":"s3.<region>.amazonaws.com"}"#, "null"),
    call(
        5,
        "logs",
        "FilterLogEvents",
        Read,
        r#"{"logGroupName":"/aws/lambda/<function>","startTime":<millis>,"filterPattern":"\"ERROR\" -\"timed out\"","interleaved":true,"limit":100}"#,
        "null",
    ),
    call(3, "logs", "DescribeLogGroups", Read, r#"{"limit":50,"logGroupNamePrefix":"/aws/lambda/"}"#, "null"),
    call(
        3,
        "health",
        "DescribeEventAggregates",
        Read,
        r#"{"aggregateField":"eventTypeCategory","filter":{"eventStatusCodes":["open","upcoming"],"startTimes":[{"from":"<longtime>"}]}}"#,
        "null",
    ),
    call(3, "cloudformation", "DescribeStacks", Read, r#"{"stackName":"<function>"}"#, "null"),
    call(3, "lambda", "ListFunctions20150331", Read, r#"{"maxItems":50}"#, "null"),
    call(
        2,
        "ce",
        "GetCostAndUsage",
        Read,
        r#"{"timePeriod":{"start":"2026-02-01","end":"2026-03-01"},"granularity":"DAILY","metrics":["UnblendedCost"],"groupBy":[{"type":"DIMENSION","key":"SERVICE"}]}"#,
        "null",
    ),
];

/// What a pipeline does.
pub(super) static PIPELINE: &[Call] = &[
    GET_CALLER_IDENTITY,
    GET_OBJECT,
    PUT_OBJECT,
    DESCRIBE_INSTANCES,
    DESCRIBE_SECURITY_GROUPS,
    DESCRIBE_NETWORK_INTERFACES,
    DESCRIBE_LOAD_BALANCERS,
    call(
        4,
        "ec2",
        "DescribeVpcs",
        Read,
        r#"{"vpcSet":{"items":[{"vpcId":"vpc-0<stablehex:16>"}]},"filterSet":{}}"#,
        "null",
    ),
    call(5, "iam", "GetRole", Read, r#"{"roleName":"<targetrole>"}"#, "null"),
    call(
        4,
        "ecr",
        "PutImage",
        Write,
        r#"{"registryId":"<account>","repositoryName":"<function>","imageTag":"build-<number:99999>","imageManifestMediaType":"application/vnd.docker.distribution.manifest.v2+json","imageManifest":"{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"application/vnd.docker.distribution.manifest.v2+json\",\n   \"config\": {\n      \"mediaType\": \"application/vnd.docker.container.image.v1+json\",\n      \"size\": 6931,\n      \"digest\": \"sha256:<hex:64>\"\n   },\n   \"layers\": [\n      {\n         \"mediaType\": \"application/vnd.docker.image.rootfs.diff.tar.gzip\",\n         \"size\": <number:31000000>,\n         \"digest\": \"sha256:<hex:64>\"\n      }\n   ]\n}"}"#,
        r#"{"image":{"registryId":"<account>","repositoryName":"<function>","imageId":{"imageDigest":"sha256:<hex:64>","imageTag":"build-<number:99999>"}}}"#,
    ),
    call(
        3,
        "ecs",
        "UpdateService",
        Write,
        r#"{"cluster":"production","service":"<function>","taskDefinition":"<function>:<number:900>","forceNewDeployment":false}"#,
        r#"{"service":{"serviceArn":"arn:aws:ecs:<region>:<account>:service/production/<function>","serviceName":"<function>","clusterArn":"arn:aws:ecs:<region>:<account>:cluster/production","status":"ACTIVE","desiredCount":4,"runningCount":4,"pendingCount":0,"launchType":"FARGATE","platformVersion":"LATEST","platformFamily":"Linux","taskDefinition":"arn:aws:ecs:<region>:<account>:task-definition/<function>:<number:900>","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true},"maximumPercent":200,"minimumHealthyPercent":100},"deployments":[{"id":"ecs-svc/<number:999999999>","status":"PRIMARY","taskDefinition":"arn:aws:ecs:<region>:<account>:task-definition/<function>:<number:900>","desiredCount":4,"pendingCount":0,"runningCount":0,"failedTasks":0,"createdAt":"<longtime>","updatedAt":"<longtime>","launchType":"FARGATE","rolloutState":"IN_PROGRESS","rolloutStateReason":"ECS deployment in progress."}],"events":[{"id":"<uuid>","createdAt":"<longtime>","message":"(service <function>) has reached a steady state."}],"createdAt":"<longtime>","schedulingStrategy":"REPLICA","enableECSManagedTags":true,"propagateTags":"SERVICE"}}"#,
    ),
    call(
        3,
        "cloudformation",
        "DescribeStackEvents",
        Read,
        r#"{"stackName":"arn:aws:cloudformation:<region>:<account>:stack/<function>/<stablehex:8>"}"#,
        "null",
    ),
    call(3, "dynamodb", "DescribeTable", Read, r#"{"tableName":"<table>"}"#, "null").on(TABLE),
];

/// What engineers call from their own machines.
pub(super) static ENGINEER: &[Call] = &[
    GET_CALLER_IDENTITY,
    DESCRIBE_INSTANCES,
    LIST_OBJECTS,
    GET_OBJECT,
    DESCRIBE_ALARMS,
    call(
        4,
        "logs",
        "StartQuery",
        Read,
        r#"{"logGroupNames":["/aws/lambda/<function>","/ecs/<function>"],"startTime":<millis>,"endTime":<millis>,"limit":1000}"#,
        r#"{"queryId":"<uuid>"}"#,
    ),
    call(
        3,
        "ecs",
        "ListTasks",
        Read,
        r#"{"cluster":"production","serviceName":"<function>","desiredStatus":"RUNNING"}"#,
        "null",
    ),
    call(3, "eks", "DescribeCluster", Read, r#"{"name":"production"}"#, "null"),
];
