//! Route 53 Resolver query logs: hosts that ask for the same few names again and again, through search lists, with
//! answers that point through content delivery networks and load balancers.

use super::random::Random;
use super::{FilePlan, Plan, REGIONS, account_id, civil, dotted, ec2_address, iso, resource_id};
use std::fmt::Write;

/// Hosts of a VPC that resolve names.
const HOSTS: u64 = 40;

/// How a public name is answered.
#[derive(Clone, Copy)]
enum Answer {
    /// Addresses of an Amazon region.
    Ec2,
    /// Four addresses of CloudFront.
    CloudFront,
    /// A CNAME into CloudFront.
    CloudFrontAlias,
    /// Two CNAMEs into Akamai.
    Akamai,
    /// Fastly's four addresses.
    Fastly,
    /// Cloudflare's two addresses.
    Cloudflare,
    /// A CNAME to a load balancer.
    LoadBalancer,
    /// Addresses of the owner's own network.
    Own(u8, u8),
}

/// Names that servers ask for. `{region}` is the host's region.
const NAMES: [(&str, Answer); 60] = [
    ("sqs.{region}.amazonaws.com", Answer::Ec2),
    ("s3.{region}.amazonaws.com", Answer::Ec2),
    ("dynamodb.{region}.amazonaws.com", Answer::Ec2),
    ("logs.{region}.amazonaws.com", Answer::Ec2),
    ("monitoring.{region}.amazonaws.com", Answer::Ec2),
    ("ssm.{region}.amazonaws.com", Answer::Ec2),
    ("ssmmessages.{region}.amazonaws.com", Answer::Ec2),
    ("ec2messages.{region}.amazonaws.com", Answer::Ec2),
    ("sts.{region}.amazonaws.com", Answer::Ec2),
    ("kms.{region}.amazonaws.com", Answer::Ec2),
    ("secretsmanager.{region}.amazonaws.com", Answer::Ec2),
    ("api.ecr.{region}.amazonaws.com", Answer::Ec2),
    ("ecs-agent-1.{region}.amazonaws.com", Answer::Ec2),
    ("kinesis.{region}.amazonaws.com", Answer::Ec2),
    ("sns.{region}.amazonaws.com", Answer::Ec2),
    ("xray.{region}.amazonaws.com", Answer::Ec2),
    ("events.{region}.amazonaws.com", Answer::Ec2),
    ("elasticloadbalancing.{region}.amazonaws.com", Answer::Ec2),
    ("api.github.com", Answer::Own(140, 82)),
    ("github.com", Answer::Own(140, 82)),
    ("objects.githubusercontent.com", Answer::Fastly),
    ("pypi.org", Answer::Fastly),
    ("files.pythonhosted.org", Answer::Fastly),
    ("deb.debian.org", Answer::Fastly),
    ("registry.npmjs.org", Answer::Cloudflare),
    ("index.crates.io", Answer::CloudFrontAlias),
    ("registry-1.docker.io", Answer::LoadBalancer),
    ("auth.docker.io", Answer::LoadBalancer),
    ("production.cloudflare.docker.com", Answer::Cloudflare),
    ("security.ubuntu.com", Answer::Own(185, 125)),
    ("archive.ubuntu.com", Answer::Own(185, 125)),
    ("api.datadoghq.com", Answer::LoadBalancer),
    ("intake.logs.datadoghq.com", Answer::LoadBalancer),
    ("trace.agent.datadoghq.com", Answer::LoadBalancer),
    ("collector.newrelic.com", Answer::Own(162, 247)),
    ("sentry.io", Answer::Own(35, 186)),
    ("api.stripe.com", Answer::Ec2),
    ("hooks.slack.com", Answer::Ec2),
    ("slack.com", Answer::Ec2),
    ("api.twilio.com", Answer::LoadBalancer),
    ("api.sendgrid.com", Answer::Own(159, 183)),
    ("oauth2.googleapis.com", Answer::Own(142, 250)),
    ("storage.googleapis.com", Answer::Own(142, 251)),
    ("www.google.com", Answer::Own(142, 250)),
    ("fonts.googleapis.com", Answer::Own(142, 250)),
    ("login.microsoftonline.com", Answer::Own(20, 190)),
    ("graph.microsoft.com", Answer::Own(20, 190)),
    ("www.microsoft.com", Answer::Akamai),
    ("www.apple.com", Answer::Akamai),
    ("ocsp.digicert.com", Answer::Akamai),
    ("crl3.digicert.com", Answer::Akamai),
    ("static.zdassets.com", Answer::Cloudflare),
    ("cdn.jsdelivr.net", Answer::Cloudflare),
    ("www.wikipedia.org", Answer::Own(185, 15)),
    ("d2lang.com", Answer::CloudFront),
    ("assets.shopify.com", Answer::Cloudflare),
    ("app.launchdarkly.com", Answer::Fastly),
    ("clientstream.launchdarkly.com", Answer::LoadBalancer),
    ("vault.hashicorp.com", Answer::CloudFront),
    ("releases.hashicorp.com", Answer::CloudFrontAlias),
];

/// Names inside the company, of which each host knows some.
const INTERNAL: [&str; 12] = [
    "api",
    "orders",
    "billing",
    "auth",
    "db-primary",
    "db-replica",
    "cache",
    "queue",
    "search",
    "metrics",
    "vault",
    "config",
];

/// A host and what it asks for.
struct Host {
    instance: String,
    address: String,
    names: Vec<(&'static str, Answer)>,
    internal: Vec<&'static str>,
    /// Asks for IPv6 addresses too, right after each question.
    asks_both: bool,
    /// Tries the search list first: what is no full name is asked for with each ending.
    searches: bool,
}

pub(super) fn render(plan: &Plan, file: &FilePlan, text: &mut String) -> String {
    let random = &mut Random::of(&[file.seed]);
    let account = account_id(plan, file.account);
    let region = REGIONS[file.region];
    let vpc = resource_id("vpc", &[plan.seed, file.account, file.region as u64]);
    let domain = format!("corp{}.example-internal.net", file.account);
    let hosts = hosts(plan, file);
    let mut written = 0;
    while written < file.records {
        let time = file.start + (written as i64 * file.seconds) / file.records as i64;
        let host = random.favour(&hosts);
        let port = random.range(32_768, 60_999);
        let time = iso(time);
        let mut ask = |name: &str, kind: &str, rcode: &str, answers: &str| {
            if written == file.records {
                return;
            }
            written += 1;
            let transport = if answers.len() > 1_500 { "TCP" } else { "UDP" };
            let _ = writeln!(
                text,
                r#"{{"version":"1.100000","account_id":"{account}","region":"{region}","vpc_id":"{vpc}","query_timestamp":"{time}","query_name":"{name}.","query_type":"{kind}","query_class":"IN","rcode":"{rcode}","answers":[{answers}],"srcaddr":"{}","srcport":"{port}","transport":"{transport}","srcids":{{"instance":"{}"}}}}"#,
                host.address, host.instance
            );
        };
        if random.percent(12) {
            // A bucket, a database or a balancer, each with a name of its own.
            let resource = random.below(200);
            let mut id = String::new();
            Random::of(&[plan.seed, file.account, resource]).hex(12, &mut id);
            let name = match resource % 3 {
                0 => format!("example-data-{id}.s3.{region}.amazonaws.com"),
                1 => format!("orders-{}.c{id}.{region}.rds.amazonaws.com", resource / 3),
                _ => format!("internal-app-{id}.{region}.elb.amazonaws.com"),
            };
            let answer =
                if resource.is_multiple_of(3) { Answer::Ec2 } else { Answer::Own(10, (file.account % 200 + 1) as u8) };
            ask(&name, "A", "NOERROR", &public_answer(random, file, &name, answer));
            if host.asks_both {
                ask(&name, "AAAA", "NOERROR", "");
            }
        } else if random.percent(28) {
            let name = *random.favour(&host.internal);
            if host.searches {
                // The endings that do not exist come before the one that does.
                for ending in ["default.svc.cluster.local", "svc.cluster.local", &format!("{region}.compute.internal")]
                {
                    ask(&format!("{name}.{domain}.{ending}"), "A", "NXDOMAIN", "");
                }
            }
            let name = format!("{name}.{domain}");
            ask(&name, "A", "NOERROR", &internal_answer(file, &name));
            if host.asks_both {
                ask(&name, "AAAA", "NOERROR", "");
            }
        } else if random.percent(3) {
            let [a, b, c, d] = ec2_address(file.region, random);
            let answer = format!(
                r#"{{"Rdata":"ec2-{a}-{b}-{c}-{d}.{region}.compute.amazonaws.com.","Type":"PTR","Class":"IN"}}"#
            );
            ask(&format!("{d}.{c}.{b}.{a}.in-addr.arpa"), "PTR", "NOERROR", &answer);
        } else {
            let &(name, answer) = random.favour(&host.names);
            let name = name.replace("{region}", region);
            if random.percent(1) {
                ask(&name, "A", "SERVFAIL", "");
            }
            ask(&name, "A", "NOERROR", &public_answer(random, file, &name, answer));
            if host.asks_both {
                ask(&name, "AAAA", "NOERROR", "");
            }
        }
    }
    let day = civil(file.start, "%Y/%m/%d");
    let minute = civil(file.start, "%Y%m%dT%H%MZ");
    let mut path = format!("AWSLogs/{account}/vpcdnsquerylogs/{vpc}/{day}/{vpc}_vpcdnsquerylogs_{account}_{minute}_");
    random.hex(8, &mut path);
    path.push_str(".log.gz");
    path
}

/// An internal name has one address.
fn internal_answer(file: &FilePlan, name: &str) -> String {
    let host = number_of(name) % HOSTS;
    format!(r#"{{"Rdata":"{}","Type":"A","Class":"IN"}}"#, host_address(file, host))
}

/// A number that goes with a name for ever.
fn number_of(name: &str) -> u64 {
    name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)))
}

/// CNAMEs, then addresses; names keep their answers, of which resolvers turn the order.
fn public_answer(random: &mut Random, file: &FilePlan, name: &str, answer: Answer) -> String {
    let mut stable = Random::of(&[number_of(name)]);
    let mut output = String::new();
    let mut add = |data: &str, kind: &str| {
        let comma = if output.is_empty() { "" } else { "," };
        let _ = write!(output, r#"{comma}{{"Rdata":"{data}","Type":"{kind}","Class":"IN"}}"#);
    };
    let block = stable.below(256) as u8;
    let mut addresses: Vec<[u8; 4]> = match answer {
        // Behind these names stand hundreds of machines; each answer shows a few.
        Answer::Ec2 => (0..1 + block % 4)
            .map(|_| ec2_address(file.region, &mut Random::of(&[stable.next(), random.below(64)])))
            .collect(),
        Answer::LoadBalancer => {
            let mut balancer = String::new();
            stable.hex(16, &mut balancer);
            add(&format!("public-nlb-{balancer}.elb.us-east-1.amazonaws.com."), "CNAME");
            (0..3).map(|_| ec2_address(0, &mut stable)).collect()
        }
        Answer::CloudFront | Answer::CloudFrontAlias => {
            if matches!(answer, Answer::CloudFrontAlias) {
                let mut distribution = String::new();
                stable.hex(12, &mut distribution);
                add(&format!("d{distribution}.cloudfront.net."), "CNAME");
            }
            (0..4).map(|_| [13, 32 + block % 4, block, stable.below(128) as u8]).collect()
        }
        Answer::Akamai => {
            add(&format!("{name}.edgekey.net."), "CNAME");
            add(&format!("e{}.dscb.akamaiedge.net.", stable.range(1_000, 99_999)), "CNAME");
            vec![[23, 44, block, stable.below(256) as u8], [23, 44, block, stable.below(256) as u8]]
        }
        Answer::Fastly => (0..4).map(|part| [151, 101, 64 * part + 1, block]).collect(),
        Answer::Cloudflare => (0..2).map(|part| [104, 16 + part, block, 35]).collect(),
        Answer::Own(first, second) => vec![[first, second, block, stable.range(1, 255) as u8]],
    };
    let turn = random.below(addresses.len() as u64) as usize;
    addresses.rotate_left(turn);
    for address in addresses {
        add(&dotted(address), "A");
    }
    output
}

fn host_address(file: &FilePlan, host: u64) -> String {
    format!("10.{}.{}.{}", file.account % 200 + 1, 16 * file.region as u64 + host % 3, 10 + host * 5)
}

/// The hosts of the file's account and region, most talkative first.
fn hosts(plan: &Plan, file: &FilePlan) -> Vec<Host> {
    let make = |index: u64| {
        let parts = [plan.seed, file.account, file.region as u64, index];
        let random = &mut Random::of(&parts);
        Host {
            instance: resource_id("i", &[parts[0], parts[1], parts[2], parts[3], 2]),
            address: host_address(file, index),
            names: (0..random.range(6, 20)).map(|_| *random.favour(&NAMES)).collect(),
            internal: (0..random.range(2, 6)).map(|_| *random.pick(&INTERNAL)).collect(),
            asks_both: random.percent(60),
            searches: random.percent(35),
        }
    };
    (0..HOSTS).map(make).collect()
}
