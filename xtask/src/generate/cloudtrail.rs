//! CloudTrail log files of a company's accounts.
//!
//! Most calls are made by machines: services, instances, functions, pipelines and auditors. Each principal uses a few
//! APIs, from one address and with one agent, all the days through; people work in the daytime.

mod calls;

use super::random::Random;
use super::{FilePlan, Plan, REGIONS, account_id, civil, dotted, ec2_address, is_working_time, iso, resource_id};
use calls::{Access, Call};
use std::fmt::Write;

/// What kind of principal calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Service,
    Instance,
    Function,
    Auditor,
    Console,
    Pipeline,
    Engineer,
}

/// A class, its share of a hundred calls at night and by day, and how many principals of it a region has.
const CLASSES: [(Class, u64, u64, u64); 7] = [
    (Class::Service, 29, 24, 8),
    (Class::Instance, 24, 20, 30),
    (Class::Function, 17, 15, 20),
    (Class::Auditor, 25, 22, 4),
    (Class::Console, 0, 8, 12),
    (Class::Pipeline, 5, 8, 4),
    (Class::Engineer, 0, 3, 4),
];

/// Services that act on their own, with the session names they use.
const SERVICES: [(&str, &str); 8] = [
    ("lambda.amazonaws.com", "<function>"),
    ("ec2.amazonaws.com", "i-0<stablehex:16>"),
    ("ecs-tasks.amazonaws.com", "<hex:32>"),
    ("delivery.logs.amazonaws.com", "delivery"),
    ("cloudtrail.amazonaws.com", "CLOUDWATCH_LOGS_DELIVERY_SESSION"),
    ("config.amazonaws.com", "AWSConfig-Describe"),
    ("events.amazonaws.com", "<hex:32>"),
    ("autoscaling.amazonaws.com", "AutoScaling"),
];

const WORKLOADS: [&str; 16] = [
    "orders-api",
    "billing-worker",
    "auth-service",
    "search-indexer",
    "image-resizer",
    "notification-dispatcher",
    "inventory-sync",
    "report-generator",
    "webhook-relay",
    "pricing-engine",
    "audit-collector",
    "session-store",
    "etl-nightly",
    "recommendation-api",
    "shipping-labels",
    "customer-export",
];

const PEOPLE: [&str; 12] = [
    "maria.garcia",
    "james.smith",
    "wei.chen",
    "fatima.khan",
    "lukas.mueller",
    "olivia.brown",
    "noah.wilson",
    "emma.jones",
    "ravi.patel",
    "sofia.rossi",
    "peter.novak",
    "anna.kowalska",
];

const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36 Edg/134.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
];

/// Somebody with habits.
struct Principal {
    class: Class,
    /// The service, role or user.
    name: String,
    /// The role's or user's unique id.
    id: String,
    /// The session name; a template for services.
    session: String,
    address: String,
    agent: String,
    /// Set if the calls go through a VPC endpoint.
    endpoint: String,
    calls: Vec<&'static Call>,
    seed: u64,
}

/// Where a call happens.
struct Scene<'a> {
    account: &'a str,
    region: &'a str,
    principal: &'a Principal,
    seconds: i64,
    /// What the parts of one event agree on.
    stable: Random,
}

pub(super) fn render(plan: &Plan, file: &FilePlan, text: &mut String) -> String {
    let random = &mut Random::of(&[file.seed]);
    let account = account_id(plan, file.account);
    let region = REGIONS[file.region];
    let classes = principals(plan, file);
    text.push_str(r#"{"Records":["#);
    for index in 0..file.records {
        // Deliveries are in order only by and large.
        let offset = index as i64 * file.seconds / file.records as i64 + random.below(20) as i64;
        let seconds = file.start + offset.min(file.seconds - 1);
        let principal = {
            let class = class(random, seconds);
            random.favour(&classes[class])
        };
        let call = weighted(random, &principal.calls);
        // A principal works on a few resources of its own.
        let stable = Random::of(&[principal.seed, random.below(6)]);
        let scene = Scene { account: &account, region, principal, seconds, stable };
        if index > 0 {
            text.push(',');
        }
        event(random, &scene, call, text);
    }
    text.push_str("]}");
    let day = civil(file.start, "%Y/%m/%d");
    let minute = civil(file.start, "%Y%m%dT%H%MZ");
    let mut path = format!("AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_");
    random.base32(16, &mut path);
    path.push_str(".json.gz");
    path
}

/// The place of a class in [`CLASSES`].
fn class(random: &mut Random, seconds: i64) -> usize {
    let day = is_working_time(seconds);
    let mut ticket = random.below(100);
    for (place, &(_, at_night, by_day, _)) in CLASSES.iter().enumerate() {
        let share = if day { by_day } else { at_night };
        if ticket < share {
            return place;
        }
        ticket -= share;
    }
    0
}

fn weighted(random: &mut Random, calls: &[&'static Call]) -> &'static Call {
    let mut ticket = random.below(calls.iter().map(|call| call.weight).sum());
    for call in calls {
        if ticket < call.weight {
            return call;
        }
        ticket -= call.weight;
    }
    calls[0]
}

/// The principals of the file's account and region, by class.
fn principals(plan: &Plan, file: &FilePlan) -> Vec<Vec<Principal>> {
    let place = [plan.seed, file.account, file.region as u64];
    let nat: Vec<String> = {
        let mut random = Random::of(&[place[0], place[1], place[2], 0x6e61]);
        (0..3).map(|_| dotted(ec2_address(file.region, &mut random))).collect()
    };
    let office = {
        let mut random = Random::of(&[plan.seed, file.account, 0x6f66]);
        [87, 128 + random.below(64) as u8, random.below(256) as u8]
    };
    let make = |class: Class, index: u64| {
        // People and pipelines are the same in every region of an account.
        let is_global = matches!(class, Class::Console | Class::Pipeline | Class::Engineer | Class::Auditor);
        let home = if is_global { 99 } else { place[2] };
        let seed = Random::of(&[place[0], place[1], home, class as u64, index]).next();
        let random = &mut Random::of(&[seed]);
        let workload = WORKLOADS[index as usize % WORKLOADS.len()];
        let person = PEOPLE[index as usize % PEOPLE.len()];
        let mut id = String::from(if class == Class::Engineer { "AIDA" } else { "AROA" });
        random.base32(17, &mut id);
        let own = |last: u64| dotted([office[0], office[1], office[2], (10 + last) as u8]);
        let (name, session, address, agent, all) = match class {
            Class::Service => {
                let (service, session) = SERVICES[index as usize % SERVICES.len()];
                (service.to_owned(), session.to_owned(), service.to_owned(), service.to_owned(), calls::SERVICE)
            }
            Class::Instance => {
                let agent = match index % 3 {
                    0 => "aws-sdk-go/1.55.5 (go1.22.8; linux; amd64) amazon-ssm-agent/3.3.987.0",
                    1 => {
                        "Boto3/1.36.2 md/Botocore#1.36.2 ua/2.0 os/linux#6.1.119 md/arch#x86_64 lang/python#3.11.6 Botocore/1.36.2"
                    }
                    _ => {
                        "aws-sdk-java/2.29.43 md/io#async md/http#NettyNio ua/2.1 os/Linux#5.10.230 lang/java#21.0.5 md/vendor#Amazon.com_Inc. m/D,N"
                    }
                };
                let instance = resource_id("i", &[place[0], place[1], place[2], index, 2]);
                (format!("{workload}-instance"), instance, random.pick(&nat).clone(), agent.to_owned(), calls::INSTANCE)
            }
            Class::Function => {
                let agent = if index.is_multiple_of(2) {
                    "Boto3/1.35.36 Python/3.12.8 Linux/5.10.230-240.895.amzn2.x86_64 exec-env/AWS_Lambda_python3.12 Botocore/1.35.36"
                } else {
                    "aws-sdk-js/3.726.1 ua/2.1 os/linux#5.10.230 lang/js md/nodejs#22.11.0 exec-env/AWS_Lambda_nodejs22.x"
                };
                let address = dotted(ec2_address(file.region, random));
                (format!("{workload}-role"), workload.to_owned(), address, agent.to_owned(), calls::FUNCTION)
            }
            Class::Auditor if index % 2 == 1 => {
                let service = "config.amazonaws.com";
                let role = "AWSServiceRoleForConfig".to_owned();
                (role, "AWSConfig-Describe".to_owned(), service.to_owned(), service.to_owned(), calls::AUDITOR)
            }
            Class::Auditor => {
                let role = ["MonitoringIntegrationRole", "InventoryReadOnly"][index as usize / 2 % 2].to_owned();
                let agent = "Datadog botocore/1.34.162 Python/3.11.10 Linux/6.1.112-124.190.amzn2023.x86_64";
                let address = dotted([54, 236, 64, 10 + index as u8]);
                (role, "MonitoringIntegration".to_owned(), address, agent.to_owned(), calls::AUDITOR)
            }
            Class::Console => {
                let role = format!(
                    "AWSReservedSSO_{}_4f2a91c07be3d6{:02x}",
                    ["ReadOnly", "Developer", "Operator"][index as usize % 3],
                    index % 3
                );
                (role, format!("{person}@example.com"), own(index), random.pick(&BROWSERS).to_string(), calls::CONSOLE)
            }
            Class::Pipeline => {
                let agent = "APN/1.0 HashiCorp/1.0 Terraform/1.10.4 (+https://www.terraform.io) terraform-provider-aws/5.84.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.33.0 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64";
                (
                    format!("deploy-{workload}"),
                    "GitHubActions".to_owned(),
                    nat[0].clone(),
                    agent.to_owned(),
                    calls::PIPELINE,
                )
            }
            Class::Engineer => {
                let agent = "aws-cli/2.23.2 md/awscrt#0.23.4 ua/2.0 os/macos#24.2.0 md/arch#arm64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#ec2.describe-instances";
                (person.to_owned(), String::new(), own(100 + index), agent.to_owned(), calls::ENGINEER)
            }
        };
        let through_endpoint = class == Class::Instance && index % 4 == 3;
        let endpoint =
            if through_endpoint { resource_id("vpce", &[place[0], place[1], place[2], 9]) } else { String::new() };
        let address =
            if through_endpoint { format!("10.{}.0.{}", file.account % 200 + 1, 10 + index * 5) } else { address };
        // Most principals use part of what their kind uses.
        let mut used: Vec<&'static Call> = all.iter().filter(|_| random.percent(70)).collect();
        if used.is_empty() || class == Class::Service {
            used = all.iter().collect();
        }
        Principal { class, name, id, session, address, agent, endpoint, calls: used, seed }
    };
    CLASSES.iter().map(|&(class, _, _, count)| (0..count).map(|index| make(class, index)).collect()).collect()
}

fn event(random: &mut Random, scene: &Scene<'_>, call: &Call, text: &mut String) {
    let Scene { account, region, principal, seconds, .. } = scene;
    let data = call.is_data;
    text.push_str(r#"{"eventVersion":"1.11","userIdentity":"#);
    identity(scene, text);
    let _ = write!(
        text,
        r#","eventTime":"{}","eventSource":"{}.amazonaws.com","eventName":"{}","awsRegion":"{region}","sourceIPAddress":"{}","userAgent":"{}""#,
        iso(*seconds),
        call.service,
        call.name,
        principal.address,
        principal.agent
    );
    let has_failed = !call.error.0.is_empty() && random.percent(4);
    if has_failed {
        let _ = write!(text, r#","errorCode":"{}","errorMessage":"{}""#, call.error.0, call.error.1);
    }
    // Both templates see the same stable values, so that the answer names what was asked for.
    text.push_str(r#","requestParameters":"#);
    fill(random, scene, call.request, text);
    text.push_str(r#","responseElements":"#);
    fill(random, scene, if has_failed { "null" } else { call.response }, text);
    if call.service == "s3" {
        let (read, written) =
            if call.access == Access::Read { (0, random.spread(300, 90_000)) } else { (random.spread(300, 90_000), 0) };
        let _ = write!(
            text,
            r#","additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":{read},"AuthenticationMethod":"AuthHeader","x-amz-id-2":""#
        );
        random.base64(75, text);
        let _ = write!(text, r#"=","bytesTransferredOut":{written}}}"#);
        text.push_str(r#","requestID":""#);
        random.base32(16, text);
    } else {
        text.push_str(r#","requestID":""#);
        random.uuid(text);
    }
    text.push_str(r#"","eventID":""#);
    random.uuid(text);
    let _ = write!(text, r#"","readOnly":{}"#, call.access == Access::Read);
    if !call.resources.is_empty() {
        text.push_str(r#","resources":"#);
        fill(random, scene, call.resources, text);
    }
    let _ = write!(text, r#","eventType":"AwsApiCall","managementEvent":{},"recipientAccountId":"{account}""#, !data);
    if !principal.endpoint.is_empty() {
        let _ = write!(text, r#","vpcEndpointId":"{}","vpcEndpointAccountId":"{account}""#, principal.endpoint);
    }
    if principal.class == Class::Service {
        text.push_str(r#","sharedEventID":""#);
        random.uuid(text);
        text.push('"');
    }
    let _ = write!(text, r#","eventCategory":"{}""#, if data { "Data" } else { "Management" });
    let is_from_aws = principal.class == Class::Service || principal.address.ends_with(".com");
    if !is_from_aws {
        let _ = write!(
            text,
            r#","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{}.{region}.amazonaws.com"}}"#,
            call.service
        );
    }
    if principal.class == Class::Console {
        text.push_str(r#","sessionCredentialFromConsole":"true""#);
    }
    text.push('}');
}

/// `userIdentity`.
fn identity(scene: &Scene<'_>, text: &mut String) {
    let Scene { account, principal, seconds, .. } = scene;
    let Principal { class, name, id, session, .. } = principal;
    match class {
        Class::Service => {
            let _ = write!(text, r#"{{"type":"AWSService","invokedBy":"{name}"}}"#);
        }
        Class::Engineer => {
            let mut key = String::from("AKIA");
            Random::of(&[principal.seed, 1]).base32(16, &mut key);
            let _ = write!(
                text,
                r#"{{"type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::{account}:user/{name}","accountId":"{account}","accessKeyId":"{key}","userName":"{name}"}}"#
            );
        }
        _ => {
            // Sessions are renewed every six hours, at another minute for each principal.
            let period = 6 * 3600;
            let shift = (principal.seed % period as u64) as i64;
            let created = (seconds - shift).div_euclid(period) * period + shift;
            let mut key = String::from("ASIA");
            Random::of(&[principal.seed, created as u64]).base32(16, &mut key);
            let path = match class {
                Class::Console => "aws-reserved/sso.amazonaws.com/",
                Class::Auditor if name.starts_with("AWSServiceRole") => "aws-service-role/config.amazonaws.com/",
                _ => "",
            };
            let mfa = *class == Class::Console;
            let _ = write!(
                text,
                r#"{{"type":"AssumedRole","principalId":"{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{name}/{session}","accountId":"{account}","accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"arn:aws:iam::{account}:role/{path}{name}","accountId":"{account}","userName":"{name}"}},"webIdFederationData":{{}},"attributes":{{"creationDate":"{}","mfaAuthenticated":"{mfa}"}}"#,
                iso(created)
            );
            match class {
                Class::Instance => text.push_str(r#","ec2RoleDelivery":"2.0"}}"#),
                Class::Auditor if principal.address.ends_with(".com") => {
                    let _ = write!(text, r#"}},"invokedBy":"{}"}}"#, principal.address);
                }
                _ => text.push_str("}}"),
            }
        }
    }
}

/// Writes a template with its values. `stable…` values are the same for all templates of one event, and again in later
/// events about the same resource; the others are new each time.
fn fill(random: &mut Random, scene: &Scene<'_>, template: &str, text: &mut String) {
    let mut stable = scene.stable.clone();
    // These three come first, so that every template of the event agrees on them.
    let workload = *stable.pick(&WORKLOADS);
    let prefix = *stable.pick(&["raw", "curated", "exports", "uploads", "reports", "thumbnails"]);
    let object = Random::of(&[stable.next(), scene.seconds as u64 / 4]);
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('<') {
        text.push_str(before);
        let Some((hole, after)) = tail.split_once('>') else { break };
        rest = after;
        let (name, length) = hole.split_once(':').unwrap_or((hole, ""));
        let length: u64 = length.parse().unwrap_or(0);
        let _ = match name {
            "account" => write!(text, "{}", scene.account),
            "region" => write!(text, "{}", scene.region),
            "bucket" => write!(text, "example-{prefix}-{}-{}", scene.region, &scene.account[..6]),
            "key" => {
                let mut name = String::new();
                object.clone().uuid(&mut name);
                write!(text, "{workload}/{}/{name}.parquet", civil(scene.seconds, "%Y/%m/%d/%H"))
            }
            "prefix" => write!(text, "{workload}/{}", civil(scene.seconds, "%Y/%m/")),
            "kms" => {
                Random::of(&[scene.account.len() as u64, prefix.len() as u64]).uuid(text);
                Ok(())
            }
            "table" => write!(text, "prod-{workload}"),
            "function" => write!(text, "{workload}"),
            "targetrole" => write!(text, "{workload}-role"),
            "session" => {
                fill_session(random, scene, text);
                Ok(())
            }
            "day" => write!(text, "{}", civil(scene.seconds, "%Y/%m/%d")),
            "time" => write!(text, "{}", iso(scene.seconds)),
            "compacttime" => write!(text, "{}", civil(scene.seconds, "%Y%m%dT%H%MZ")),
            "longtime" => write!(text, "{}", civil(scene.seconds + 3600, "%b %d, %Y, %I:%M:%S %p")),
            "millis" => write!(text, "{}", scene.seconds * 1000),
            "number" => write!(text, "{}", random.below(length)),
            "stablenumber" => write!(text, "{}", stable.below(length)),
            "uuid" => {
                random.uuid(text);
                Ok(())
            }
            "hex" => {
                random.hex(length as usize, text);
                Ok(())
            }
            "base32" => {
                random.base32(length as usize, text);
                Ok(())
            }
            "base64" => {
                random.base64(length as usize, text);
                Ok(())
            }
            "stablehex" => {
                stable.hex(length as usize, text);
                Ok(())
            }
            "stablebase32" => {
                stable.base32(length as usize, text);
                Ok(())
            }
            _ => {
                debug_assert!(false, "no value is called `{name}`");
                Ok(())
            }
        };
    }
    text.push_str(rest);
}

/// The name of the session that a service opens, or that the caller has.
fn fill_session(random: &mut Random, scene: &Scene<'_>, text: &mut String) {
    if scene.principal.session.contains('<') {
        // The templates of session names hold no session, so this goes one deep.
        fill(random, scene, &scene.principal.session, text);
    } else {
        text.push_str(&scene.principal.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_classes_are_hundredths() {
        assert_eq!(CLASSES.iter().map(|class| class.1).sum::<u64>(), 100);
        assert_eq!(CLASSES.iter().map(|class| class.2).sum::<u64>(), 100);
    }

    #[test]
    fn every_template_is_json_once_filled() {
        let plan = Plan { kind: super::super::Kind::CloudTrail, records: 1, accounts: 1, days: 1, seed: 1 };
        let file =
            FilePlan { account: 0, region: 0, records: 1, start: super::super::START_SECONDS, seconds: 300, seed: 1 };
        for principal in principals(&plan, &file).iter().flatten() {
            for call in &principal.calls {
                let stable = Random::of(&[1]);
                let scene =
                    Scene { account: "111122223333", region: "us-east-1", principal, seconds: file.start, stable };
                let mut text = String::new();
                event(&mut Random::of(&[2]), &scene, call, &mut text);
                let event: Result<serde_json::Value, _> = serde_json::from_str(&text);
                assert!(event.is_ok() && !text.contains('<'), "{text}");
            }
        }
    }
}
