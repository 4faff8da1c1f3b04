//! Sample findings: one for each type of the catalogue, with made-up values in every place that findings of the type have.
//!
//! Addresses, domains and accounts are those that are reserved for documentation, so that nobody takes a sample for an
//! attack; `service.additionalInfo` says that it is a sample, and so does the title.

use crate::call::partition;
use crate::sigv4::hex;
use crate::wire::iso8601;
use ring::digest;
use serde_json::{Map, Value, json};
use watchfire_model::catalogue::{self, CatalogueEntry};
use watchfire_store::Scope;

/// A type that the catalogue does not have, or that is no longer in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownType;

/// Samples of these types, or of every type that GuardDuty has, for a detector. `now` is ms since 1970.
pub(crate) fn findings(scope: &Scope, types: Option<&[String]>, now: i64) -> Result<Vec<Value>, UnknownType> {
    let in_use = |entry: &&CatalogueEntry| !entry.retired;
    match types {
        None => Ok(catalogue::all().iter().filter(in_use).map(|entry| finding(scope, entry, now)).collect()),
        Some(types) => {
            let entries = types.iter().map(|name| catalogue::entry(name).filter(in_use).ok_or(UnknownType));
            entries.map(|entry| Ok(finding(scope, entry?, now))).collect()
        }
    }
}

/// Makes a sample the next occurrence of the one that is there.
pub(crate) fn grow(sample: &mut Value, before: &Value) {
    let count = before.pointer("/service/count").and_then(Value::as_i64).unwrap_or(1);
    for pointer in ["/createdAt", "/service/eventFirstSeen"] {
        if let (Some(new), Some(old)) = (sample.pointer_mut(pointer), before.pointer(pointer)) {
            *new = old.clone();
        }
    }
    // Of requests at the same time, one that began earlier may be written later; a finding does not go back in time. The texts
    // are of one form, so that they are in the order of their times.
    for pointer in ["/updatedAt", "/service/eventLastSeen"] {
        if let (Some(new), Some(old)) = (sample.pointer_mut(pointer), before.pointer(pointer))
            && new.as_str() < old.as_str()
        {
            *new = old.clone();
        }
    }
    if let Some(new) = sample.pointer_mut("/service/count") {
        *new = json!(count.saturating_add(1).min(i64::from(i32::MAX)));
    }
}

/// The same type has the same id in a detector, so that a sample made again is the same finding.
fn id(scope: &Scope, finding_type: &str) -> String {
    let parts = ["watchfire sample", &scope.account, &scope.region, &scope.detector, finding_type];
    hex(&digest::digest(&digest::SHA256, parts.join("\n").as_bytes()).as_ref()[..16])
}

fn finding(scope: &Scope, entry: &CatalogueEntry, now: i64) -> Value {
    let finding_type = entry.name.as_str();
    let id = id(scope, finding_type);
    let time = iso8601(now);
    let resource_types = entry.resource_type.as_ref().map_or(&[][..], |types| types.as_slice());
    let resource_type = resource_types.first().map_or("AccessKey", String::as_str);
    let severity = entry.severity.as_ref().and_then(|severity| severity.as_slice().first()).copied().unwrap_or(5.0);
    let arns = Arns { partition: partition(&scope.region), account: &scope.account, region: &scope.region };
    let title = match entry.detects.split_terminator('.').next().map(str::trim).filter(|text| !text.is_empty()) {
        Some(sentence) => format!("[SAMPLE] {sentence}."),
        None => format!("[SAMPLE] {finding_type}"),
    };
    let mut service = json!({
        "serviceName": "guardduty",
        "detectorId": scope.detector,
        "archived": false,
        "count": 1,
        "eventFirstSeen": time,
        "eventLastSeen": time,
        "additionalInfo": {"type": "default", "value": "{\"sample\":true}", "sample": true},
    });
    if let Some(service) = service.as_object_mut() {
        details(service, entry, &arns, &id, severity, now);
    }
    json!({
        "schemaVersion": "2.0",
        "accountId": scope.account,
        "region": scope.region,
        "partition": arns.partition,
        "id": id,
        "arn": arns.of("guardduty", &format!("detector/{}/finding/{id}", scope.detector)),
        "type": finding_type,
        "title": title,
        "description": format!("{} This is a sample: nothing of the kind was seen.", entry.detects.trim()),
        "severity": severity,
        "createdAt": time,
        "updatedAt": time,
        "resource": resource(entry, resource_type, &arns, now),
        "service": service,
    })
}

/// What ARNs of a sample begin with.
struct Arns<'a> {
    partition: &'static str,
    account: &'a str,
    region: &'a str,
}

impl Arns<'_> {
    fn of(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }
}

fn resource(entry: &CatalogueEntry, resource_type: &str, arns: &Arns<'_>, now: i64) -> Value {
    let seconds = now / 1000;
    let tags = json!([{"key": "GeneratedFindingTag", "value": "GeneratedFindingValue"}]);
    let instance = json!({
        "instanceId": "i-99999999999999999", "instanceType": "m5.large", "instanceState": "running",
        "launchTime": iso8601(now), "availabilityZone": format!("{}a", arns.region),
        "imageId": "ami-99999999999999999", "imageDescription": "GeneratedFindingInstanceImageDescription",
        "iamInstanceProfile": {"arn": format!("arn:{}:iam::{}:instance-profile/GeneratedFindingProfile", arns.partition,
            arns.account), "id": "GeneratedFindingInstanceProfileId"},
        "networkInterfaces": [{"networkInterfaceId": "eni-99999999999999999", "privateIpAddress": "10.0.0.1",
            "privateIpAddresses": [{"privateIpAddress": "10.0.0.1", "privateDnsName": "ip-10-0-0-1.ec2.internal"}],
            "privateDnsName": "ip-10-0-0-1.ec2.internal", "publicIp": "192.0.2.1", "publicDnsName": "instance.example.com",
            "ipv6Addresses": [], "subnetId": "subnet-99999999999999999", "vpcId": "vpc-99999999999999999",
            "securityGroups": [{"groupId": "sg-99999999999999999", "groupName": "GeneratedFindingSecurityGroup"}]}],
        "productCodes": [], "tags": tags,
    });
    let key = json!({"accessKeyId": "GeneratedFindingAccessKeyId", "principalId": "GeneratedFindingPrincipalId",
        "userName": "GeneratedFindingUserName", "userType": "IAMUser"});
    let bucket = json!({
        "name": "generated-finding-bucket", "arn": format!("arn:{}:s3:::generated-finding-bucket", arns.partition),
        "type": "Destination", "createdAt": seconds, "owner": {"id": "GeneratedFindingBucketOwner"}, "tags": tags,
        "defaultServerSideEncryption": {"encryptionType": "AES256"}, "publicAccess": {"effectivePermission": "NOT_PUBLIC"},
    });
    let container = json!({"id": "GeneratedFindingContainerId", "name": "generated-finding-container",
        "containerRuntime": "containerd", "image": "generated-finding-image:1.0", "imagePrefix": "registry.example.com"});
    let cluster = json!({"name": "GeneratedFindingEKSClusterName", "status": "ACTIVE", "vpcId": "vpc-99999999999999999",
        "arn": arns.of("eks", "cluster/GeneratedFindingEKSClusterName"), "createdAt": seconds, "tags": tags});
    let workload = json!({
        "kubernetesUserDetails": {"username": "GeneratedFindingUserName", "uid": "GeneratedFindingUID",
            "groups": ["GeneratedFindingUserGroup"]},
        "kubernetesWorkloadDetails": {"name": "generated-finding-workload", "type": "pods", "namespace": "default",
            "uid": "GeneratedFindingUID", "hostNetwork": false, "containers": [container]},
    });
    let database = json!({"user": "GeneratedFindingDBUser", "application": "GeneratedFindingApplication",
        "database": "generated", "ssl": "TLSv1.2", "authMethod": "password"});
    let mut resource = Map::new();
    let mut add = |name: &str, value: Value| drop(resource.insert(name.to_owned(), value));
    add("resourceType", json!(resource_type));
    match resource_type {
        "Instance" => add("instanceDetails", instance),
        "AccessKey" => add("accessKeyDetails", key),
        "S3Bucket" => {
            add("s3BucketDetails", json!([bucket]));
            add("accessKeyDetails", key);
        }
        "S3Object" => {
            let mut bucket = bucket;
            bucket["s3ObjectDetails"] = json!([{"key": "generated/finding.bin", "eTag": "GeneratedFindingETag",
                "objectArn": format!("arn:{}:s3:::generated-finding-bucket/generated/finding.bin", arns.partition),
                "hash": SAMPLE_HASH, "versionId": "GeneratedFindingVersion"}]);
            add("s3BucketDetails", json!([bucket]));
        }
        "EKSCluster" => {
            add("eksClusterDetails", cluster);
            add("kubernetesDetails", workload);
        }
        "ECSCluster" => add(
            "ecsClusterDetails",
            json!({"name": "GeneratedFindingECSClusterName", "status": "ACTIVE", "tags": tags,
                "arn": arns.of("ecs", "cluster/GeneratedFindingECSClusterName"), "activeServicesCount": 1,
                "registeredContainerInstancesCount": 1, "runningTasksCount": 1,
                "taskDetails": {"arn": arns.of("ecs", "task/GeneratedFindingECSClusterName/1"), "version": "1",
                    "definitionArn": arns.of("ecs", "task-definition/generated:1"), "group": "family:generated",
                    "createdAt": seconds, "startedAt": seconds, "containers": [container]}}),
        ),
        "Container" => {
            add("containerDetails", container);
            add("instanceDetails", instance);
        }
        "RDSDBInstance" => {
            add(
                "rdsDbInstanceDetails",
                json!({"dbInstanceIdentifier": "generated-finding-db", "engine": "aurora-mysql", "engineVersion": "8.0",
                    "dbInstanceArn": arns.of("rds", "db:generated-finding-db"), "dbClusterIdentifier": "generated-cluster",
                    "tags": tags}),
            );
            add("rdsDbUserDetails", database);
        }
        "Lambda" => add(
            "lambdaDetails",
            json!({"functionName": "GeneratedFindingLambdaFunction", "functionVersion": "$LATEST",
                "functionArn": arns.of("lambda", "function:GeneratedFindingLambdaFunction"), "lastModifiedAt": seconds,
                "role": format!("arn:{}:iam::{}:role/GeneratedFindingRole", arns.partition, arns.account), "tags": tags}),
        ),
        "EBSSnapshot" => {
            add("ebsSnapshotDetails", json!({"snapshotArn": arns.of("ec2", "snapshot/snap-99999999999999999")}))
        }
        "EC2Image" => add("ec2ImageDetails", json!({"imageArn": arns.of("ec2", "image/ami-99999999999999999")})),
        "EC2RecoveryPoint" | "S3RecoveryPoint" => add(
            "recoveryPointDetails",
            json!({"recoveryPointArn": arns.of("backup", "recovery-point:generated"), "backupVaultName": "generated"}),
        ),
        _ => {} // AttackSequence: what it is about stands in the sequence.
    }
    if entry.plan == "malware-ec2" && resource_type == "Instance" {
        add(
            "ebsVolumeDetails",
            json!({"scannedVolumeDetails": [{"volumeArn": arns.of("ec2", "volume/vol-99999999999999999"),
                "volumeType": "gp3", "deviceName": "/dev/xvda", "volumeSizeInGB": 8, "encryptionType": "UNENCRYPTED"}]}),
        );
    }
    Value::Object(resource)
}

/// The SHA-256 of nothing.
const SAMPLE_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What the plan, the action and the method of a type add to `service`.
fn details(
    service: &mut Map<String, Value>,
    entry: &CatalogueEntry,
    arns: &Arns<'_>,
    id: &str,
    severity: f64,
    now: i64,
) {
    let seconds = now / 1000;
    let mut add = |name: &str, value: Value| drop(service.insert(name.to_owned(), value));
    // Neither runtime findings nor those of objects have a role.
    if !matches!(entry.plan.as_str(), "runtime" | "malware-s3") {
        add("resourceRole", json!("TARGET"));
    }
    if let Some(action) = entry.action_type.as_deref().and_then(action) {
        add("action", action);
    }
    let is_of_a_list = entry.method.as_deref() == Some("threat-intel");
    if is_of_a_list {
        add(
            "evidence",
            json!({"threatIntelligenceDetails": [{"threatListName": "GeneratedFindingThreatListName",
                "threatNames": ["GeneratedFindingThreatName"]}]}),
        );
    }
    if entry.method.as_deref() == Some("anomaly") {
        let observed = json!({"profileType": "FREQUENCY", "profileSubtype": "UNSEEN",
            "observations": {"text": ["GeneratedFindingObservation"]}});
        add(
            "detection",
            json!({"anomaly": {
                "profiles": {"account": {"asnOrg": [observed]}}, "unusual": {"behavior": {"account": {"asnOrg": observed}}},
            }}),
        );
    }
    match entry.plan.as_str() {
        "runtime" => add(
            "runtimeDetails",
            json!({"process": {"name": "generated", "executablePath": "/usr/bin/generated", "pid": 1234, "namespacePid": 1,
                "executableSha256": SAMPLE_HASH, "pwd": "/", "startTime": seconds, "user": "root", "userId": 0, "euid": 0,
                "uuid": "GeneratedFindingUUID", "parentUuid": "GeneratedFindingParentUUID"},
                "context": {"commandLineExample": "generated --finding"}}),
        ),
        "malware-ec2" => add(
            "ebsVolumeScanDetails",
            json!({"scanId": id, "scanStartedAt": seconds, "scanCompletedAt": seconds, "scanType": "GUARDDUTY_INITIATED",
                "triggerFindingId": id, "sources": ["Amazon"], "scanDetections": {
                    "scannedItemCount": {"files": 1000, "volumes": 1, "totalGb": 8}, "threatsDetectedItemCount": {"files": 1},
                    "highestSeverityThreatDetails": {"severity": "HIGH", "threatName": "EICAR-Test-File", "count": 1},
                    "threatDetectedByName": {"itemCount": 1, "uniqueThreatNameCount": 1, "shortened": false,
                        "threatNames": [{"name": "EICAR-Test-File", "severity": "HIGH", "itemCount": 1, "filePaths": [
                            {"filePath": "tmp/eicar.com", "fileName": "eicar.com", "hash": SAMPLE_HASH,
                                "volumeArn": arns.of("ec2", "volume/vol-99999999999999999")}]}]}}}),
        ),
        "malware-s3" | "malware-backup" => add(
            "malwareScanDetails",
            json!({"scanId": id, "uniqueThreatCount": 1, "threats": [{"name": "EICAR-Test-File", "source": "Amazon",
                "count": 1, "hash": SAMPLE_HASH, "itemPaths": [{"nestedItemPath": "eicar.com", "hash": SAMPLE_HASH}]}]}),
        ),
        "extended" | "custom-rules" => {
            if entry.plan == "extended" {
                add("featureName", json!("Correlation"));
            }
            let indicators: Vec<Value> =
                [("ATTACK_TACTIC", &entry.tactic.mitre_tactics), ("ATTACK_TECHNIQUE", &entry.tactic.mitre_techniques)]
                    .into_iter()
                    .filter(|(_, values)| !values.is_empty())
                    .map(|(key, values)| json!({"key": key, "values": values}))
                    .collect();
            add(
                "detection",
                json!({"sequence": {
                    "uid": id, "description": "A sample of a sequence.", "sequenceIndicators": indicators,
                    "actors": [{"id": "actor-1", "user": {"name": "GeneratedFindingUserName", "type": "IAMUser",
                        "uid": "GeneratedFindingPrincipalId", "account": {"uid": arns.account, "account": "generated"}}}],
                    "resources": [{"uid": "GeneratedFindingAccessKeyId", "resourceType": "ACCESS_KEY",
                        "name": "GeneratedFindingAccessKeyId", "accountId": arns.account, "region": arns.region}],
                    "endpoints": [{"id": "endpoint-1", "ip": "198.51.100.0"}],
                    "signals": [{"uid": format!("{id}-1"), "type": "CLOUD_TRAIL", "name": entry.name, "severity": severity,
                        "description": "A sample of a signal.", "createdAt": seconds, "updatedAt": seconds,
                        "firstSeenAt": seconds, "lastSeenAt": seconds, "count": 1, "actorIds": ["actor-1"],
                        "endpointIds": ["endpoint-1"], "resourceUids": ["GeneratedFindingAccessKeyId"]}],
                }}),
            );
        }
        _ => {}
    }
}

fn action(action_type: &str) -> Option<Value> {
    let remote = json!({"ipAddressV4": "198.51.100.0", "city": {"cityName": "GeneratedFindingCityName"},
        "country": {"countryCode": "US", "countryName": "United States"}, "geoLocation": {"lat": 0.0, "lon": 0.0},
        "organization": {"asn": "64496", "asnOrg": "GeneratedFindingASNOrg", "isp": "GeneratedFindingISP",
            "org": "GeneratedFindingORG"}});
    let local_port = json!({"port": 22, "portName": "SSH"});
    let (block, content) = match action_type {
        "AWS_API_CALL" => (
            "awsApiCallAction",
            json!({"api": "GeneratedFindingAPIName", "serviceName": "generated.amazonaws.com", "callerType": "Remote IP",
                "remoteIpDetails": remote, "affectedResources": {}}),
        ),
        "NETWORK_CONNECTION" => (
            "networkConnectionAction",
            json!({"connectionDirection": "INBOUND", "protocol": "TCP", "blocked": false, "localPortDetails": local_port,
                "localIpDetails": {"ipAddressV4": "10.0.0.1"}, "remoteIpDetails": remote,
                "remotePortDetails": {"port": 32_794, "portName": "Unknown"}}),
        ),
        "PORT_PROBE" => (
            "portProbeAction",
            json!({"blocked": false, "portProbeDetails": [{"localPortDetails": local_port,
                "localIpDetails": {"ipAddressV4": "10.0.0.1"}, "remoteIpDetails": remote}]}),
        ),
        "DNS_REQUEST" => (
            "dnsRequestAction",
            json!({"domain": "generated-finding.example.com", "domainWithSuffix": "example.com", "protocol": "UDP",
                "blocked": false}),
        ),
        "KUBERNETES_API_CALL" => (
            "kubernetesApiCallAction",
            json!({"requestUri": "/api/v1/namespaces/default/pods", "verb": "list", "resource": "pods",
                "namespace": "default", "sourceIPs": ["198.51.100.0"], "userAgent": "generated", "statusCode": 200,
                "remoteIpDetails": remote}),
        ),
        "RDS_LOGIN_ATTEMPT" => (
            "rdsLoginAttemptAction",
            json!({"remoteIpDetails": remote, "LoginAttributes": [{"user": "GeneratedFindingDBUser",
                "application": "GeneratedFindingApplication", "failedLoginAttempts": 10, "successfulLoginAttempts": 1}]}),
        ),
        _ => return None,
    };
    Some(json!({"actionType": action_type, block: content}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_export::conformance::ServiceModel;

    fn scope() -> Scope {
        Scope { account: "111122223333".into(), region: "eu-west-1".into(), detector: "d".repeat(32) }
    }

    #[test]
    fn there_is_a_sample_of_every_type_and_each_has_the_models_shape() {
        let model = ServiceModel::committed().unwrap();
        let samples = findings(&scope(), None, 1_772_000_000_000).unwrap();
        let types: Vec<&str> = samples.iter().filter_map(|sample| sample["type"].as_str()).collect();
        let expected: Vec<&str> =
            catalogue::all().iter().filter(|entry| !entry.retired).map(|entry| entry.name.as_str()).collect();
        assert_eq!(types, expected);
        for sample in &samples {
            assert_eq!(model.check_finding(sample), [], "{}", sample["type"]);
            let details = sample["resource"].as_object().unwrap().len() > 1;
            assert!(details || sample["resource"]["resourceType"] == "AttackSequence", "{}", sample["type"]);
            let service = sample["service"].as_object().unwrap();
            let shows = ["action", "runtimeDetails", "ebsVolumeScanDetails", "malwareScanDetails", "detection"];
            assert!(shows.iter().any(|member| service.contains_key(*member)), "{} shows nothing", sample["type"]);
        }
    }

    #[test]
    fn our_own_types_have_samples_and_retired_ones_have_none() {
        let own = catalogue::own()[0].name.clone();
        assert_eq!(findings(&scope(), Some(std::slice::from_ref(&own)), 0).unwrap()[0]["type"], own);
        let retired = catalogue::all().iter().find(|entry| entry.retired).unwrap().name.clone();
        assert_eq!(findings(&scope(), Some(&[retired]), 0), Err(UnknownType));
    }

    #[test]
    fn a_sample_grows_from_the_one_before() {
        let types = ["Recon:EC2/Portscan".to_owned()];
        let first = findings(&scope(), Some(&types), 1_000).unwrap().remove(0);
        let mut second = findings(&scope(), Some(&types), 5_000).unwrap().remove(0);
        grow(&mut second, &first);
        assert_eq!((&second["id"], &second["createdAt"]), (&first["id"], &first["createdAt"]));
        assert_eq!(
            (&second["service"]["count"], &second["updatedAt"]),
            (&json!(2), &json!("1970-01-01T00:00:05.000Z"))
        );
    }
}
