//! The AWS Security Finding Format, as Security Hub shows what GuardDuty sends.
//!
//! Names and limits are those of the shape `AwsSecurityFinding` in Security Hub's service model; the choice of members
//! is that of GuardDuty's own findings there.

use crate::wire;
use serde_json::{Map, Value, json};
use watchfire_model::SeverityLevel;

/// Characters of a title. Source: AWS Security Hub partner guide, "Guidelines for mapping findings into ASFF".
const TITLE_CHARS_MAX: usize = 256;
/// Characters of a description. Same source.
const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// Entries of `ProductFields`, characters of a name there, and of a value. Source: Security Hub user guide, optional
/// top-level ASFF attributes.
const PRODUCT_FIELDS_MAX: usize = 50;
const FIELD_NAME_CHARS_MAX: usize = 128;
const FIELD_VALUE_CHARS_MAX: usize = 2_048;

/// The finding in Security Hub's format.
pub fn asff_finding(finding: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let (name, region, arn) = (text("/type"), text("/region"), text("/arn"));
    let partition = if text("/partition").is_empty() { "aws" } else { text("/partition") };
    let product_arn = format!("arn:{partition}:securityhub:{region}::product/aws/guardduty");
    let label = label(finding);
    let types = json!([finding_class(name)]);
    let title = if text("/title").is_empty() { name } else { text("/title") };
    let description = if text("/description").is_empty() { title } else { text("/description") };
    let archived = wire::is_archived(finding);
    wire::known([
        ("SchemaVersion", json!("2018-10-08")),
        ("Id", json!(arn)),
        ("ProductArn", json!(product_arn)),
        ("ProductName", json!("GuardDuty")),
        ("CompanyName", json!("Amazon")),
        ("Region", json!(region)),
        ("GeneratorId", json!(arn.split("/finding/").next().unwrap_or(arn))),
        ("AwsAccountId", json!(text("/accountId"))),
        ("Types", types.clone()),
        ("FirstObservedAt", json!(text("/service/eventFirstSeen"))),
        ("LastObservedAt", json!(text("/service/eventLastSeen"))),
        ("CreatedAt", json!(text("/createdAt"))),
        ("UpdatedAt", json!(text("/updatedAt"))),
        (
            "Severity",
            json!({
                "Product": finding.get("severity").and_then(Value::as_f64).unwrap_or_default(),
                "Label": label.0,
                "Normalized": label.1,
            }),
        ),
        ("Title", json!(cut(title, TITLE_CHARS_MAX))),
        ("Description", json!(cut(description, DESCRIPTION_CHARS_MAX))),
        ("SourceUrl", json!(source_url(region, text("/id")))),
        ("ProductFields", product_fields(finding, &product_arn)),
        ("Resources", resources(finding, partition)),
        ("Workflow", json!({ "Status": if archived { "SUPPRESSED" } else { "NEW" } })),
        ("WorkflowState", json!("NEW")),
        ("RecordState", json!(if archived { "ARCHIVED" } else { "ACTIVE" })),
        ("Sample", json!(text("/title").starts_with("[SAMPLE]"))),
        ("FindingProviderFields", json!({ "Severity": { "Label": label.0 }, "Types": types })),
    ])
}

/// The label and the normalised severity of each level.
///
/// Normalised values are the labels' own (LOW 1 to 39, MEDIUM 40 to 69, HIGH 70 to 89, CRITICAL 90 to 100; source:
/// Security Hub user guide, `Severity`); GuardDuty sends 40 for its low findings, which we keep.
fn label(finding: &Value) -> (&'static str, u8) {
    match wire::severity(finding).map(watchfire_model::Severity::level) {
        Some(SeverityLevel::Critical) => ("CRITICAL", 90),
        Some(SeverityLevel::High) => ("HIGH", 70),
        Some(SeverityLevel::Medium) => ("MEDIUM", 60),
        Some(SeverityLevel::Low) => ("LOW", 40),
        None => ("INFORMATIONAL", 0),
    }
}

/// Where Security Hub files each type: the first beginning that fits. Types that stand nowhere are filed as `TTPs`, which
/// the taxonomy allows. Source: GuardDuty user guide, "Integrating with Security Hub CSPM", table of finding types.
const CLASSES: [(&str, &str); 39] = [
    ("Backdoor:", "TTPs/Command and Control"),
    ("Behavior:EC2/", "Unusual Behaviors/VM"),
    ("Behavior:", "Unusual Behaviors/User"),
    ("CredentialAccess:", "TTPs/Credential Access"),
    ("CryptoCurrency:", "TTPs/Command and Control"),
    ("DefenseEvasion:", "TTPs/Defense Evasion"),
    ("Discovery:S3/", "TTPs"),
    ("Discovery:", "TTPs/Discovery"),
    ("Execution:", "TTPs/Execution"),
    ("Exfiltration:S3/", "TTPs"),
    ("Exfiltration:", "TTPs/Exfiltration"),
    ("Impact:EC2/AbusedDomainRequest", "TTPs"),
    ("Impact:EC2/BitcoinDomainRequest", "TTPs"),
    ("Impact:EC2/MaliciousDomainRequest.Reputation", "TTPs"),
    ("Impact:EC2/SuspiciousDomainRequest", "TTPs"),
    ("Impact:S3/", "TTPs"),
    ("Impact:", "TTPs/Impact"),
    ("InitialAccess:", "TTPs/Initial Access"),
    ("Persistence:", "TTPs/Persistence"),
    ("Policy:Kubernetes/", "Software and Configuration Checks/AWS Security Best Practices"),
    ("Policy:S3/BucketBlockPublicAccessDisabled", "Effects/Data Exposure"),
    ("PrivilegeEscalation:", "TTPs/Privilege Escalation"),
    ("Recon:", "TTPs/Discovery"),
    ("Stealth:", "TTPs/Defense Evasion"),
    ("Trojan:EC2/DriveBySourceTraffic", "TTPs/Initial Access"),
    ("Trojan:EC2/DropPoint", "Effects/Data Exfiltration"),
    ("Trojan:Lambda/DropPoint", "Effects/Data Exfiltration"),
    ("Trojan:Runtime/DriveBySourceTraffic", "TTPs/Initial Access"),
    ("Trojan:Runtime/DropPoint", "Effects/Data Exfiltration"),
    ("Trojan:", "TTPs/Command and Control"),
    ("UnauthorizedAccess:EC2/MaliciousIPCaller.Custom", "TTPs/Command and Control"),
    ("UnauthorizedAccess:EC2/RDPBruteForce", "TTPs/Initial Access"),
    ("UnauthorizedAccess:EC2/SSHBruteForce", "TTPs/Initial Access"),
    ("UnauthorizedAccess:EC2/Tor", "Effects/Resource Consumption"),
    ("UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration", "Effects/Data Exfiltration"),
    ("UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration", "Effects/Data Exfiltration"),
    ("UnauthorizedAccess:IAMUser/TorIPCaller", "TTPs/Command and Control"),
    ("UnauthorizedAccess:Lambda/MaliciousIPCaller.Custom", "TTPs/Command and Control"),
    ("UnauthorizedAccess:Lambda/Tor", "Effects/Resource Consumption"),
];

/// `TTPs/Defense Evasion/Stealth:IAMUser-CloudTrailLoggingDisabled`.
fn finding_class(name: &str) -> String {
    let class = CLASSES.iter().find(|(beginning, _)| name.starts_with(beginning)).map_or("TTPs", |(_, class)| class);
    let classifier = match name.split_once(':') {
        // As Security Hub has them: these keep their stroke, and anomalies of identities lose their purpose.
        Some(("PenTest", rest)) if rest.starts_with("IAMUser/") => name.to_owned(),
        Some((_, "IAMUser/AnomalousBehavior")) => "IAMUser-AnomalousBehavior".to_owned(),
        _ => name.replace('/', "-"),
    };
    format!("{class}/{classifier}")
}

fn source_url(region: &str, id: &str) -> String {
    let domain = match crate::partition(region) {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{region}.{domain}/guardduty/home?region={region}#/findings?macros=current&fId={id}")
}

/// `service`, flattened as GuardDuty does: `aws/guardduty/service/action/awsApiCallAction/api`.
fn product_fields(finding: &Value, product_arn: &str) -> Value {
    let mut fields = Map::new();
    let ours = [
        ("aws/securityhub/FindingId", format!("{product_arn}/{}", wire::text(finding, "/arn"))),
        ("aws/securityhub/ProductName", "GuardDuty".to_owned()),
        ("aws/securityhub/CompanyName", "Amazon".to_owned()),
    ];
    for (name, value) in ours {
        fields.insert(name.to_owned(), Value::from(value));
    }
    // What tells most comes first: the rest may not fit.
    for part in
        ["action", "eventFirstSeen", "eventLastSeen", "count", "resourceRole", "archived", "detectorId", "serviceName"]
    {
        if let Some(value) = finding.pointer(&format!("/service/{part}")) {
            flatten(&format!("aws/guardduty/service/{part}"), value, &mut fields);
        }
    }
    for part in ["evidence", "additionalInfo"] {
        if let Some(value) = finding.pointer(&format!("/service/{part}")) {
            flatten(&format!("aws/guardduty/service/{part}"), value, &mut fields);
        }
    }
    Value::Object(fields)
}

fn flatten(name: &str, value: &Value, fields: &mut Map<String, Value>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| flatten(&format!("{name}/{key}"), value, fields));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| flatten(&format!("{name}.{at}_"), item, fields));
        }
        _ if fields.len() >= PRODUCT_FIELDS_MAX || name.chars().count() > FIELD_NAME_CHARS_MAX => {}
        Value::Null => {}
        Value::String(text) if text.trim().is_empty() => {}
        Value::String(text) => {
            fields.insert(name.to_owned(), Value::from(cut(text, FIELD_VALUE_CHARS_MAX)));
        }
        other => {
            fields.insert(name.to_owned(), Value::from(other.to_string()));
        }
    }
}

/// The resources that the finding is about, the main one first. Security Hub wants at least one.
fn resources(finding: &Value, partition: &str) -> Value {
    let mut resources = Vec::new();
    for bucket in wire::list(finding, "/resource/s3BucketDetails") {
        let arn = wire::text(bucket, "/arn");
        let details = wire::known([
            ("Name", json!(wire::text(bucket, "/name"))),
            ("OwnerId", json!(wire::text(bucket, "/owner/id"))),
            ("CreatedAt", json!(wire::text(bucket, "/createdAt"))),
        ]);
        let tags = tags(wire::list(bucket, "/tags"));
        resources.push(("S3Bucket", "AwsS3Bucket", arn.to_owned(), details, tags));
    }
    if let Some(instance) = finding.pointer("/resource/instanceDetails") {
        let id = wire::text(instance, "/instanceId");
        let interface = wire::text(instance, "/networkInterfaces/0/networkInterfaceId");
        let (account, region) = (wire::text(finding, "/accountId"), wire::text(finding, "/region"));
        let arn = |kind: &str, id: &str| format!("arn:{partition}:ec2:{region}:{account}:{kind}/{id}");
        let (kind, id) = match (id, interface) {
            ("", "") => ("Other", format!("arn:{partition}:ec2:{region}:{account}:instance/unknown")),
            ("", interface) => ("AwsEc2NetworkInterface", arn("network-interface", interface)),
            (id, _) => ("AwsEc2Instance", arn("instance", id)),
        };
        let details = if kind == "AwsEc2Instance" { instance_details(instance) } else { json!({}) };
        resources.push(("Instance", kind, id, details, tags(wire::list(instance, "/tags"))));
    }
    if let Some(key) = finding.pointer("/resource/accessKeyDetails") {
        let id = format!("AWS::IAM::AccessKey:{}", wire::text(key, "/accessKeyId"));
        let details = wire::known([
            ("AccessKeyId", json!(wire::text(key, "/accessKeyId"))),
            ("PrincipalId", json!(wire::text(key, "/principalId"))),
            ("PrincipalName", json!(wire::text(key, "/userName"))),
            ("PrincipalType", json!(wire::text(key, "/userType"))),
        ]);
        resources.push(("AccessKey", "AwsIamAccessKey", id, details, json!({})));
    }
    let main = wire::text(finding, "/resource/resourceType");
    resources.sort_by_key(|(kind, ..)| *kind != main);
    if resources.is_empty() {
        let account = format!("AWS::::Account:{}", wire::text(finding, "/accountId"));
        resources.push((main, "AwsAccount", account, json!({}), json!({})));
    }
    let role = match wire::text(finding, "/service/resourceRole") {
        "TARGET" => "Target",
        "ACTOR" => "Actor",
        _ => "",
    };
    // Security Hub's own list of partitions is shorter than AWS's.
    let partition = if ["aws", "aws-cn", "aws-us-gov"].contains(&partition) { partition } else { "" };
    let resources = resources.into_iter().map(|(kind, asff_type, id, details, tags)| {
        let details = if wire::is_nothing(&details) { json!({}) } else { json!({ asff_type: details }) };
        wire::known([
            ("Type", json!(asff_type)),
            ("Id", json!(id)),
            ("Partition", json!(partition)),
            ("Region", json!(wire::text(finding, "/region"))),
            ("ResourceRole", json!(if kind == main { role } else { "" })),
            ("Tags", tags),
            ("Details", details),
        ])
    });
    resources.collect()
}

fn instance_details(instance: &Value) -> Value {
    let interfaces = wire::list(instance, "/networkInterfaces");
    let mut v4: Vec<&str> = Vec::new();
    let mut v6: Vec<&str> = Vec::new();
    for interface in interfaces {
        v4.extend([wire::text(interface, "/publicIp"), wire::text(interface, "/privateIpAddress")]);
        v6.extend(wire::texts(interface, "/ipv6Addresses"));
    }
    v4.retain(|address| !address.is_empty());
    v6.retain(|address| !address.is_empty());
    let first = |key: &str| interfaces.first().map_or("", |interface| wire::text(interface, key));
    wire::known([
        ("Type", json!(wire::text(instance, "/instanceType"))),
        ("ImageId", json!(wire::text(instance, "/imageId"))),
        ("IpV4Addresses", json!(v4)),
        ("IpV6Addresses", json!(v6)),
        ("IamInstanceProfileArn", json!(wire::text(instance, "/iamInstanceProfile/arn"))),
        ("VpcId", json!(first("/vpcId"))),
        ("SubnetId", json!(first("/subnetId"))),
        ("LaunchedAt", json!(wire::text(instance, "/launchTime"))),
    ])
}

/// Tags with a value: Security Hub takes no empty ones.
fn tags(pairs: &[Value]) -> Value {
    let pairs = pairs.iter().map(|tag| (wire::text(tag, "/key"), wire::text(tag, "/value")));
    let pairs = pairs.filter(|(key, value)| !key.trim().is_empty() && !value.trim().is_empty());
    Value::Object(pairs.map(|(key, value)| (key.to_owned(), Value::from(value))).collect())
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::ServiceModel;
    use crate::{finding_json, samples};

    /// Security Hub's own service model, of which the folder's README tells the source.
    const MODEL: &str = include_str!("../tests/schemas/securityhub-2018-10-26-finding.json");

    const REAL: [&str; 5] = [
        include_str!("../tests/fixtures/api_call.json"),
        include_str!("../tests/fixtures/dns_request.json"),
        include_str!("../tests/fixtures/network_connection.json"),
        include_str!("../tests/fixtures/port_probe.json"),
        include_str!("../tests/fixtures/s3_bucket.json"),
    ];

    #[test]
    fn security_hub_takes_every_finding_ours_and_guardduties_own() {
        let model = ServiceModel::parse(MODEL).unwrap();
        let ours = samples::all().into_iter().map(|finding| finding_json(&finding));
        for finding in ours.chain(REAL.iter().map(|text| serde_json::from_str(text).unwrap())) {
            let asff = asff_finding(&finding);
            assert_eq!(model.check("AwsSecurityFinding", &asff), [], "{asff:#}");
            assert!(
                texts(&asff).iter().all(|text| !text.trim().is_empty()),
                "Security Hub takes no empty text: {asff:#}"
            );
            assert!(asff["ProductFields"].as_object().unwrap().len() <= PRODUCT_FIELDS_MAX);
        }
    }

    fn texts(value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(members) => members.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_finding_reads_as_guardduty_sends_it() {
        let asff = asff_finding(&finding_json(&samples::api_call()));
        assert_eq!(asff["Types"], json!(["TTPs/Command and Control/UnauthorizedAccess:IAMUser-TorIPCaller"]));
        assert_eq!(asff["Severity"], json!({"Product": 5.0, "Label": "MEDIUM", "Normalized": 60}));
        assert_eq!(asff["Resources"][0]["Type"], "AwsIamAccessKey");
        assert_eq!(asff["Resources"][0]["Id"], "AWS::IAM::AccessKey:AKIAIOSFODNN7EXAMPLE");
        let fields = &asff["ProductFields"];
        assert_eq!(fields["aws/guardduty/service/action/awsApiCallAction/api"], "ListBuckets");
        assert_eq!(fields["aws/guardduty/service/count"], "3");
    }

    #[test]
    fn types_are_filed_as_security_hub_files_them() {
        for filed in [
            "TTPs/Defense Evasion/Stealth:IAMUser-CloudTrailLoggingDisabled",
            "TTPs/Command and Control/CryptoCurrency:EC2-BitcoinTool.B!DNS",
            "TTPs/Discovery:S3-TorIPCaller",
            "TTPs/Impact/Impact:EC2-MaliciousDomainRequest.Custom",
            "TTPs/Impact:EC2-MaliciousDomainRequest.Reputation",
            "TTPs/Policy:S3-BucketAnonymousAccessGranted",
            "Effects/Data Exposure/Policy:S3-BucketBlockPublicAccessDisabled",
            "Effects/Data Exfiltration/Trojan:EC2-DropPoint!DNS",
            "Effects/Resource Consumption/UnauthorizedAccess:EC2-TorRelay",
            "TTPs/UnauthorizedAccess:EC2-MetadataDNSRebind",
            "TTPs/UnauthorizedAccess:S3-TorIPCaller",
        ] {
            let name = filed.rsplit('/').next().unwrap().replacen('-', "/", 1);
            assert_eq!(finding_class(&name), filed);
        }
        assert_eq!(finding_class("PenTest:IAMUser/KaliLinux"), "TTPs/PenTest:IAMUser/KaliLinux");
        assert_eq!(finding_class("Impact:IAMUser/AnomalousBehavior"), "TTPs/Impact/IAMUser-AnomalousBehavior");
    }

    #[test]
    fn the_resource_the_finding_is_about_stands_first() {
        let bucket = asff_finding(&finding_json(&samples::s3_call()));
        let types: Vec<&str> = wire::list(&bucket, "/Resources").iter().map(|one| wire::text(one, "/Type")).collect();
        assert_eq!(types, ["AwsS3Bucket", "AwsIamAccessKey"]);
        let instance = asff_finding(&finding_json(&samples::connection()));
        assert_eq!(instance["Resources"][0]["Id"], "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0");
        assert_eq!(instance["Resources"][0]["Details"]["AwsEc2Instance"]["IpV4Addresses"][1], "10.0.0.23");
        assert_eq!(instance["Resources"][0]["ResourceRole"], "Actor");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let mut finding = finding_json(&samples::api_call());
        finding["title"] = json!("ä".repeat(300));
        let asff = asff_finding(&finding);
        assert_eq!(asff["Title"].as_str().unwrap().chars().count(), TITLE_CHARS_MAX);
        assert!(asff["Title"].as_str().unwrap().ends_with('…'));
    }

    #[test]
    fn an_archived_finding_is_archived_there_too() {
        let mut finding = samples::api_call();
        finding.archived = true;
        let asff = asff_finding(&finding_json(&finding));
        assert_eq!((&asff["RecordState"], &asff["Workflow"]["Status"]), (&json!("ARCHIVED"), &json!("SUPPRESSED")));
    }
}
