//! Attacks, put into an estate at known places.
//!
//! What is called follows published detonations (Stratus Red Team, TrailDiscover); what goes over the network follows the
//! tools' habits: nmap, hydra, hping, iodine. Each attack has a victim of its own, so that none explains another.

use super::estate::{DAY, Estate, FAR, Kind, Principal, RENTED_HOMES, Role, SERVERS, SERVERS_NEAR};
use super::hosts::{Connection, Outcome, Peer, Query, TCP, Traffic, UDP, stranger, syllables};
use super::people::{Call, Tool, agent};
use crate::generate::random::Random;
use crate::generate::{dotted, ec2_address};

/// What an attack is seen in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Sight {
    /// Calls.
    Calls,
    /// Flows.
    Flows,
    /// Queries.
    Queries,
}

/// An attack, and what should be found of it.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    /// What the attacker wants.
    pub(crate) family: &'static str,
    /// How it is done.
    pub(crate) variant: &'static str,
    pub(crate) sight: Sight,
    /// The finding type that should come.
    pub(crate) expected: &'static str,
    /// Names of the principal, instance or addresses that a finding must be about.
    pub(crate) entities: Vec<String>,
    /// First and last second.
    pub(crate) from: i64,
    pub(crate) to: i64,
    victim: usize,
    /// Another host, for what happens between two.
    other: usize,
    seed: u64,
}

/// What is called in each family, with how often at most, and the type that should be found.
pub(crate) type CallFamily = (&'static str, &'static str, &'static [(&'static str, u64)]);

pub(crate) const CALL_FAMILIES: [CallFamily; 13] = [
    (
        "discovery",
        "Discovery:IAMUser/AnomalousBehavior",
        &[
            ("sts:GetCallerIdentity", 1),
            ("iam:ListUsers", 1),
            ("iam:ListRoles", 1),
            ("iam:ListAttachedUserPolicies", 3),
            ("iam:GetAccountAuthorizationDetails", 1),
            ("organizations:ListAccounts", 1),
            ("ec2:DescribeInstances", 2),
            ("ec2:DescribeSnapshots", 1),
            ("ses:GetSendQuota", 1),
            ("servicequotas:ListServiceQuotas", 1),
            ("secretsmanager:ListSecrets", 1),
            ("bedrock:ListFoundationModels", 1),
            ("lambda:ListFunctions20150331", 1),
        ],
    ),
    (
        "credential access",
        "CredentialAccess:IAMUser/AnomalousBehavior",
        &[
            ("sts:GetCallerIdentity", 1),
            ("secretsmanager:ListSecrets", 1),
            ("secretsmanager:GetSecretValue", 12),
            ("ssm:DescribeParameters", 1),
            ("ssm:GetParameters", 4),
            ("ec2:GetPasswordData", 8),
        ],
    ),
    (
        "persistence",
        "Persistence:IAMUser/AnomalousBehavior",
        &[
            ("sts:GetCallerIdentity", 1),
            ("iam:ListUsers", 1),
            ("iam:CreateUser", 1),
            ("iam:CreateAccessKey", 2),
            ("iam:CreateLoginProfile", 1),
            ("iam:UpdateAssumeRolePolicy", 1),
            ("lambda:UpdateFunctionConfiguration20150331v2", 1),
        ],
    ),
    (
        "privilege escalation",
        "PrivilegeEscalation:IAMUser/AnomalousBehavior",
        &[
            ("sts:GetCallerIdentity", 1),
            ("iam:ListAttachedUserPolicies", 2),
            ("iam:AttachUserPolicy", 1),
            ("iam:PutUserPolicy", 1),
            ("iam:CreatePolicyVersion", 1),
            ("iam:AddUserToGroup", 1),
            ("iam:SetDefaultPolicyVersion", 1),
        ],
    ),
    (
        "defense evasion",
        "DefenseEvasion:IAMUser/AnomalousBehavior",
        &[
            ("cloudtrail:DescribeTrails", 1),
            ("cloudtrail:PutEventSelectors", 1),
            ("ec2:DescribeFlowLogs", 1),
            ("ec2:DeleteFlowLogs", 2),
            ("guardduty:UpdateDetector", 1),
            ("config:StopConfigurationRecorder", 1),
            ("logs:DeleteLogGroup", 2),
        ],
    ),
    (
        "exfiltration",
        "Exfiltration:IAMUser/AnomalousBehavior",
        &[
            ("ec2:DescribeVolumes", 1),
            ("ec2:CreateSnapshot", 2),
            ("ec2:DescribeSnapshots", 2),
            ("ec2:ModifySnapshotAttribute", 3),
            ("ec2:ModifyImageAttribute", 1),
            ("rds:ModifyDBSnapshotAttribute", 1),
        ],
    ),
    (
        "impact",
        "Impact:IAMUser/AnomalousBehavior",
        &[
            ("ec2:DescribeInstanceTypes", 2),
            ("ec2:RunInstances", 10),
            ("kms:ScheduleKeyDeletion", 2),
            ("rds:DeleteDBInstance", 2),
            ("ec2:TerminateInstances", 6),
        ],
    ),
    (
        "initial access",
        "InitialAccess:IAMUser/AnomalousBehavior",
        &[
            ("sts:GetCallerIdentity", 1),
            ("sts:GetFederationToken", 2),
            ("ssm:StartSession", 2),
            ("ec2-instance-connect:SendSSHPublicKey", 3),
            ("ecr:GetAuthorizationToken", 1),
        ],
    ),
    (
        "bucket discovery",
        "Discovery:S3/AnomalousBehavior",
        &[
            ("s3:ListBuckets", 1),
            ("s3:GetBucketLocation", 8),
            ("s3:GetBucketAcl", 8),
            ("s3:GetBucketPolicy", 8),
            ("s3:ListObjects", 40),
        ],
    ),
    (
        "bucket exfiltration",
        "Exfiltration:S3/AnomalousBehavior",
        &[("s3:ListBuckets", 1), ("s3:ListObjects", 12), ("s3:GetObject", 400)],
    ),
    (
        "bucket deletion",
        "Impact:S3/AnomalousBehavior.Delete",
        &[("s3:ListObjects", 8), ("s3:DeleteObject", 250), ("s3:DeleteBucket", 2)],
    ),
    (
        "bucket opening",
        "Impact:S3/AnomalousBehavior.Permission",
        &[("s3:ListBuckets", 1), ("s3:GetBucketAcl", 3), ("s3:PutBucketPolicy", 3), ("s3:PutObjectAcl", 30)],
    ),
    (
        "bucket overwriting",
        "Impact:S3/AnomalousBehavior.Write",
        &[("s3:ListObjects", 6), ("s3:PutBucketVersioning", 2), ("s3:PutObject", 250), ("s3:PutBucketLifecycle", 2)],
    ),
];

/// From where, and at what pace.
const CALL_VARIANTS: [&str; 7] = [
    "new network",
    "own network",
    "dormant principal",
    "slow, new network",
    "inside a busy pipeline",
    "from the workload itself",
    "rented home, same country",
];

/// What attacks on credentials besides.
const OTHER_CALL_ATTACKS: [(&str, &str, &str); 4] = [
    ("stolen session", "beside its owner", "UnauthorizedAccess:IAMUser/TokenFromSeveralPlaces.Watchfire"),
    ("console login", "far away", "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B"),
    ("stolen instance key", "outside AWS", "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"),
    ("console login", "far away, with a phone network between", "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B"),
];

/// Whoever holds one key tries which roles it opens: that of a pipeline, which assumes a role of its own in each run, or of a
/// function, which assumes none.
const ROLE_HOPPING: (&str, [&str; 3], &str) = (
    "role hopping",
    ["from its usual place", "slow, from its usual place", "new network"],
    "InitialAccess:IAMUser/AnomalousBehavior",
);

/// Somebody tries passwords at the console until one is right: from one network in half an hour, or a few an hour from several.
const GUESSED_LOGIN: (&str, [&str; 2], &str) = (
    "guessed sign-in",
    ["from one network", "slow, from several networks"],
    "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B",
);

/// Attacks over the network: family, variant, sight, expected type.
const HOST_ATTACKS: [(&str, &str, Sight, &str); 44] = [
    ("port scan", "fast, inside", Sight::Flows, "Recon:EC2/Portscan"),
    ("port scan", "fast, outside", Sight::Flows, "Recon:EC2/Portscan"),
    ("port scan", "one a minute", Sight::Flows, "Recon:EC2/Portscan"),
    ("port sweep", "ssh, fast", Sight::Flows, "Impact:EC2/PortSweep"),
    ("port sweep", "smb, slow", Sight::Flows, "Impact:EC2/PortSweep"),
    ("port sweep", "redis, answered by half", Sight::Flows, "Impact:EC2/PortSweep"),
    ("lateral scan", "smb over the subnet", Sight::Flows, "Discovery:EC2/LateralScan.Watchfire"),
    ("lateral scan", "ssh, slow", Sight::Flows, "Discovery:EC2/LateralScan.Watchfire"),
    ("ssh guessing", "in, fast", Sight::Flows, "UnauthorizedAccess:EC2/SSHBruteForce"),
    ("ssh guessing", "in, slow", Sight::Flows, "UnauthorizedAccess:EC2/SSHBruteForce"),
    ("ssh guessing", "in, from many", Sight::Flows, "UnauthorizedAccess:EC2/SSHBruteForce"),
    ("ssh guessing", "out", Sight::Flows, "UnauthorizedAccess:EC2/SSHBruteForce"),
    ("ssh guessing", "between hosts", Sight::Flows, "UnauthorizedAccess:EC2/SSHBruteForce"),
    ("rdp guessing", "in", Sight::Flows, "UnauthorizedAccess:EC2/RDPBruteForce"),
    ("rdp guessing", "out", Sight::Flows, "UnauthorizedAccess:EC2/RDPBruteForce"),
    ("winrm guessing", "between hosts", Sight::Flows, "Impact:EC2/WinRMBruteForce"),
    ("guessing that succeeds", "ssh", Sight::Flows, "CredentialAccess:EC2/SuccessfulBruteForce.Watchfire"),
    ("flood", "tcp", Sight::Flows, "Backdoor:EC2/DenialOfService.Tcp"),
    ("flood", "udp", Sight::Flows, "Backdoor:EC2/DenialOfService.Udp"),
    ("flood", "dns", Sight::Flows, "Backdoor:EC2/DenialOfService.Dns"),
    ("flood", "udp on a tcp port", Sight::Flows, "Backdoor:EC2/DenialOfService.UdpOnTcpPorts"),
    ("flood", "unusual protocol", Sight::Flows, "Backdoor:EC2/DenialOfService.UnusualProtocol"),
    ("flood", "tcp, a tenth as hard", Sight::Flows, "Backdoor:EC2/DenialOfService.Tcp"),
    ("spam", "fast", Sight::Flows, "Backdoor:EC2/Spambot"),
    ("spam", "slow", Sight::Flows, "Backdoor:EC2/Spambot"),
    ("beacon", "every 60 s", Sight::Flows, "Behavior:EC2/Beacon.Watchfire"),
    ("beacon", "every 300 s, 20 % jitter", Sight::Flows, "Behavior:EC2/Beacon.Watchfire"),
    ("beacon", "every 30 min, 20 % jitter", Sight::Flows, "Behavior:EC2/Beacon.Watchfire"),
    ("beacon", "every 300 s, 50 % jitter", Sight::Flows, "Behavior:EC2/Beacon.Watchfire"),
    ("long connection", "reverse tunnel", Sight::Flows, "Behavior:EC2/LongConnection.Watchfire"),
    ("volume", "40 GB in an hour", Sight::Flows, "Behavior:EC2/TrafficVolumeUnusual"),
    ("volume", "3 GB in an hour", Sight::Flows, "Behavior:EC2/TrafficVolumeUnusual"),
    ("unusual port", "irc", Sight::Flows, "Behavior:EC2/NetworkPortUnusual"),
    ("unusual port", "reverse shell", Sight::Flows, "Behavior:EC2/NetworkPortUnusual"),
    ("resolver", "outside", Sight::Flows, "DefenseEvasion:EC2/UnusualDNSResolver"),
    ("resolver", "dns over https", Sight::Flows, "DefenseEvasion:EC2/UnusualDoHActivity"),
    ("resolver", "dns over tls", Sight::Flows, "DefenseEvasion:EC2/UnusualDoTActivity"),
    ("generated names", "letters", Sight::Queries, "Trojan:EC2/DGADomainRequest.B"),
    ("generated names", "consonants and digits, slow", Sight::Queries, "Trojan:EC2/DGADomainRequest.B"),
    ("generated names", "words", Sight::Queries, "Trojan:EC2/DGADomainRequest.B"),
    ("tunnel in names", "fast", Sight::Queries, "Trojan:EC2/DNSDataExfiltration"),
    ("tunnel in names", "5 bytes a second", Sight::Queries, "Trojan:EC2/DNSDataExfiltration"),
    ("tunnel in names", "1 byte a second", Sight::Queries, "Trojan:EC2/DNSDataExfiltration"),
    ("rebinding", "metadata service", Sight::Queries, "UnauthorizedAccess:EC2/MetadataDNSRebind"),
];

/// The first day with attacks: what is normal takes a week to learn, and some detections two.
const FIRST_DAY: i64 = 15;

/// The attacks of an estate: which ones, on whom and when follows from its seed.
pub(crate) fn plan(estate: &Estate) -> Vec<Attack> {
    if !estate.plan.has_attacks {
        return Vec::new();
    }
    let random = &mut estate.random(&[0x6174_7461]);
    let mut attacks = Vec::new();
    let days = (estate.plan.days - FIRST_DAY - 1).max(1) as u64;
    on_principals(estate, random, days, &mut attacks);
    on_hosts(estate, random, days, &mut attacks);
    // What else is planned stays as it was without these.
    on_roles(estate, days, &mut attacks);
    on_passwords(estate, days, &mut attacks);
    attacks
}

/// Principals of these kinds that were there from the first day and that nothing happens to yet.
fn free(estate: &Estate, attacks: &[Attack], fits: impl Fn(&Principal) -> bool) -> Vec<usize> {
    let is_attacked =
        |place: usize| attacks.iter().any(|attack| attack.sight == Sight::Calls && attack.victim == place);
    let is_free = |&place: &usize| {
        let principal = &estate.principals[place];
        fits(principal) && principal.starts == 0 && !is_attacked(place)
    };
    (0..estate.principals.len()).filter(is_free).collect()
}

/// Puts a list into an order that the seed gives.
fn shuffled<T>(mut items: Vec<T>, random: &mut Random) -> Vec<T> {
    for place in (1..items.len()).rev() {
        items.swap(place, random.below(place as u64 + 1) as usize);
    }
    items
}

fn on_principals(estate: &Estate, random: &mut Random, days: u64, attacks: &mut Vec<Attack>) {
    let mut wanted: Vec<(usize, &'static str)> = Vec::new();
    for family in 0..CALL_FAMILIES.len() {
        wanted.extend(CALL_VARIANTS.iter().map(|&variant| (family, variant)));
    }
    // The second of the others only makes sense with places on the map, which every estate has.
    wanted.extend(OTHER_CALL_ATTACKS.iter().enumerate().map(|(number, other)| (CALL_FAMILIES.len() + number, other.1)));
    let count = (estate.plan.principals / 3).clamp(6, 48) as usize;
    let mut used = vec![false; estate.principals.len()];
    for (family, variant) in shuffled(wanted, random) {
        if attacks.len() == count {
            return;
        }
        let fits = |kind: &Kind| match variant {
            "dormant principal" => matches!(kind, Kind::Dormant),
            "inside a busy pipeline" => matches!(kind, Kind::Pipeline { .. }),
            "from the workload itself" | "outside AWS" => matches!(kind, Kind::Instance),
            _ => matches!(kind, Kind::Person(_)),
        };
        let from = random.range(0, estate.principals.len() as u64) as usize;
        let order = (0..estate.principals.len()).map(|step| (from + step) % estate.principals.len());
        let victim = order.into_iter().find(|&place| {
            let principal = &estate.principals[place];
            !used[place]
                && principal.starts == 0
                && fits(&principal.kind)
                // Long-lived keys are copied to many machines; only a session is somewhere.
                && !(variant == "beside its owner" && principal.is_user())
        });
        let Some(victim) = victim else { continue };
        used[victim] = true;
        let principal = &estate.principals[victim];
        let (name, expected) = match CALL_FAMILIES.get(family) {
            Some(&(name, expected, _)) => (name, expected),
            None => {
                (OTHER_CALL_ATTACKS[family - CALL_FAMILIES.len()].0, OTHER_CALL_ATTACKS[family - CALL_FAMILIES.len()].2)
            }
        };
        let mut day = FIRST_DAY + random.below(days) as i64;
        if let Kind::Person(person) = &principal.kind {
            // Not while the owner is away, but for the variant that needs nobody.
            while day % 7 >= 5 || (person.vacation.0..=person.vacation.1).contains(&day) && day + 1 < estate.plan.days {
                day += 1;
            }
            day = day.min(estate.plan.days - 2);
        }
        let from = estate.midnight(day) + random.range(9 * 3_600, 16 * 3_600) as i64 - estate.zone * 3_600;
        let long = if variant.starts_with("slow") { DAY } else { 3_000 };
        let entities = vec![principal.name.clone(), principal.session.clone()];
        attacks.push(Attack {
            family: name,
            variant,
            sight: Sight::Calls,
            expected,
            entities: entities.into_iter().filter(|name| !name.is_empty()).collect(),
            from,
            to: from + long,
            victim,
            other: victim,
            seed: random.next(),
        });
    }
}

/// One principal that nothing else happens to for each variant, pipelines first.
fn on_roles(estate: &Estate, days: u64, attacks: &mut Vec<Attack>) {
    let random = &mut estate.random(&[0x726f_6c65]);
    let (family, variants, expected) = ROLE_HOPPING;
    let is_pipeline = |kind: &Kind| matches!(kind, Kind::Pipeline { .. });
    let mut free =
        free(estate, attacks, |principal| is_pipeline(&principal.kind) || matches!(principal.kind, Kind::Function));
    free.sort_by_key(|&place| !is_pipeline(&estate.principals[place].kind));
    let first = random.below(variants.len() as u64) as usize;
    for (number, victim) in free.into_iter().take(variants.len()).enumerate() {
        let variant = variants[(first + number) % variants.len()];
        let day = FIRST_DAY + random.below(days) as i64;
        let from = estate.midnight(day) + random.range(9 * 3_600, 16 * 3_600) as i64 - estate.zone * 3_600;
        attacks.push(apart(estate, (family, variant, expected), victim, from, random.next()));
    }
}

/// One user for each variant, at any hour.
fn on_passwords(estate: &Estate, days: u64, attacks: &mut Vec<Attack>) {
    let random = &mut estate.random(&[0x7061_7373]);
    let (family, variants, expected) = GUESSED_LOGIN;
    let users = |principal: &Principal| matches!(principal.kind, Kind::Person(_)) && principal.is_user();
    let free = shuffled(free(estate, attacks, users), random);
    for (victim, variant) in free.into_iter().zip(variants) {
        let day = FIRST_DAY + random.below(days) as i64;
        let from = estate.midnight(day) + random.below(20 * 3_600) as i64;
        attacks.push(apart(estate, (family, variant, expected), victim, from, random.next()));
    }
}

/// An attack on a principal: an hour long, or a day if it is slow.
fn apart(
    estate: &Estate,
    (family, variant, expected): (&'static str, &'static str, &'static str),
    victim: usize,
    from: i64,
    seed: u64,
) -> Attack {
    let principal = &estate.principals[victim];
    let names = [&principal.name, &principal.session];
    Attack {
        family,
        variant,
        sight: Sight::Calls,
        expected,
        entities: names.into_iter().filter(|name| !name.is_empty()).cloned().collect(),
        from,
        to: from + if variant.starts_with("slow") { 18 * 3_600 } else { 3_000 },
        victim,
        other: victim,
        seed,
    }
}

fn on_hosts(estate: &Estate, random: &mut Random, days: u64, attacks: &mut Vec<Attack>) {
    if estate.hosts.is_empty() {
        return;
    }
    let count = (estate.plan.hosts as usize).min(HOST_ATTACKS.len());
    let mut used = vec![false; estate.hosts.len()];
    for (family, variant, sight, expected) in shuffled(HOST_ATTACKS.to_vec(), random).into_iter().take(count) {
        // What would be a host's work is no attack there.
        let fits = |role: Role| match family {
            "ssh guessing" if variant.starts_with("in") => role == Role::Web,
            "rdp guessing" if variant == "in" => role == Role::Web,
            "guessing that succeeds" => role == Role::Web,
            "spam" => role != Role::Mail,
            "port scan" | "lateral scan" => !matches!(role, Role::Assessor | Role::Bastion),
            "port sweep" | "generated names" => !matches!(role, Role::Crawler | Role::Assessor),
            _ => true,
        };
        let begin = random.below(estate.hosts.len() as u64) as usize;
        let order: Vec<usize> = (0..estate.hosts.len()).map(|step| (begin + step) % estate.hosts.len()).collect();
        let free = |used: &[bool], fresh: bool| {
            order.iter().copied().find(|&place| {
                (!used[place] || !fresh) && estate.hosts[place].starts == 0 && fits(estate.hosts[place].role)
            })
        };
        let Some(victim) = free(&used, true).or_else(|| free(&used, false)) else { continue };
        used[victim] = true;
        let host = &estate.hosts[victim];
        let from = estate.midnight(FIRST_DAY + random.below(days) as i64) + random.below(80_000) as i64;
        let seconds = match (family, variant) {
            ("beacon", _) => 20 * 3_600,
            ("long connection", _) => 10 * 3_600,
            ("port scan", "one a minute") => 4 * 3_600,
            ("port sweep", "smb, slow") | ("lateral scan", "ssh, slow") => 5 * 3_600,
            ("ssh guessing", "in, slow") => 18 * 3_600,
            ("spam", "slow") => 8 * 3_600,
            ("volume", _) | ("resolver", _) | ("unusual port", _) => 3_600,
            ("generated names", "consonants and digits, slow") => 6 * 3_600,
            ("tunnel in names", "fast") => 1_800,
            ("tunnel in names", _) => 6 * 3_600,
            ("flood", _) => 300,
            _ => 1_800,
        };
        // What is done to another host of ours is also a finding about that one.
        let count = estate.hosts.len();
        let other = (victim + 1 + random.below(count.saturating_sub(1).max(1) as u64) as usize) % count;
        let has_two = matches!(variant, "between hosts" | "fast, inside" | "one a minute");
        let seen = [Some(host), has_two.then(|| &estate.hosts[other])];
        let entities =
            seen.into_iter().flatten().flat_map(|host| [host.instance.clone(), host.interface.clone(), host.dotted()]);
        let entities = entities.collect();
        attacks.push(Attack {
            family,
            variant,
            sight,
            expected,
            entities,
            from,
            to: (from + seconds).min(estate.midnight(estate.plan.days) - 600),
            victim,
            other,
            seed: random.next(),
        });
    }
}

/// The calls of the attacks that fall on a day.
pub(crate) fn calls(estate: &Estate, attacks: &[Attack], day: i64, usual: &[Call], calls: &mut Vec<Call>) {
    let (begin, end) = (estate.midnight(day), estate.midnight(day + 1));
    for (number, attack) in attacks.iter().enumerate() {
        if attack.sight == Sight::Calls && attack.from < end && attack.to >= begin {
            let mut made = Vec::new();
            calls_of(estate, attack, number, usual, &mut made);
            calls.extend(made.into_iter().filter(|call| (begin..end).contains(&call.second)));
        }
    }
}

fn calls_of(estate: &Estate, attack: &Attack, number: usize, usual: &[Call], made: &mut Vec<Call>) {
    let random = &mut Random::of(&[attack.seed]);
    let principal = &estate.principals[attack.victim];
    let outside = estate.address_in(*random.pick(&[SERVERS, SERVERS_NEAR, FAR[1]]), attack.seed);
    let of_victim = || usual.iter().filter(|call| call.principal == attack.victim);
    let day = super::people::day_of(attack.from, estate);
    let nearest = of_victim().min_by_key(|call| (call.second - attack.from).abs());
    let thief = agent(Tool::CommandLine, attack.seed, day, false);
    let fallback = (estate.nat(), Random::of(&[principal.seed, day as u64]).next());
    let (owner_address, owner_session) = nearest.map_or(fallback, |call| (call.address, call.session));
    let (address, agent) = match attack.variant {
        "own network" => (owner_address, agent(Tool::CommandLine, principal.seed, day, false)),
        "inside a busy pipeline" | "from its usual place" | "slow, from its usual place" => {
            (owner_address, nearest.map_or(thief, |call| call.agent.clone()))
        }
        "from the workload itself" => (estate.nat(), thief),
        "rented home, same country" => (estate.address_in(RENTED_HOMES, attack.seed), thief),
        _ => (outside, thief),
    };
    let mut call = Call {
        second: attack.from,
        principal: attack.victim,
        api: "sts:GetCallerIdentity",
        address,
        agent,
        error: "",
        about: 90,
        session: owner_session,
        attack: Some(number),
    };
    match (attack.family, CALL_FAMILIES.iter().find(|family| family.0 == attack.family)) {
        ("console login", _) => {
            // Its owner signed in at home a little before.
            let browser = super::people::agent(Tool::Browser, principal.seed, day, false);
            made.push(Call {
                api: "signin:ConsoleLogin",
                address: owner_address,
                agent: browser,
                attack: None,
                ..call.clone()
            });
            if attack.variant.contains("phone")
                && let Kind::Person(person) = &principal.kind
            {
                let phone = estate.address_in(person.mobile, attack.seed);
                made.push(Call {
                    api: "signin:ConsoleLogin",
                    second: call.second + 900,
                    address: phone,
                    attack: None,
                    ..made[0].clone()
                });
            }
            call.api = "signin:ConsoleLogin";
            call.second += 2_400;
            call.address = estate.address_in(*random.pick(&FAR), attack.seed);
            call.agent = super::people::agent(Tool::Browser, attack.seed, day, false);
            made.push(call);
        }
        ("stolen session", _) => {
            // The owner goes on working; the thief does what the owner does, and a little more.
            for step in 0..14 {
                let own = Call {
                    second: attack.from + step * 120,
                    api: "ec2:DescribeInstances",
                    address: owner_address,
                    attack: None,
                    ..call.clone()
                };
                made.push(own);
                let api =
                    *random.pick(&["ec2:DescribeInstances", "s3:ListBuckets", "sts:GetCallerIdentity", "s3:GetObject"]);
                made.push(Call { second: attack.from + 240 + step * 90, api, ..call.clone() });
            }
        }
        ("role hopping", _) => {
            let count = random.range(12, 17) as i64;
            for step in 0..count {
                call.second = attack.from + step * (attack.to - attack.from) / count + random.below(60) as i64;
                call.api = "sts:AssumeRole";
                // Another role each time; two of three are not for this key.
                call.about = step as u64;
                call.error = if random.percent(67) { "AccessDenied" } else { "" };
                made.push(call.clone());
            }
        }
        ("guessed sign-in", _) => {
            let count = random.range(8, 40) as i64;
            call.agent = super::people::agent(Tool::Browser, attack.seed, day, false);
            let address = |turn: i64| match attack.variant {
                "slow, from several networks" => {
                    estate.address_in([SERVERS, FAR[0], FAR[1]][turn as usize % 3], attack.seed)
                }
                _ => outside,
            };
            for turn in 0..=count {
                call.second = attack.from + turn * (attack.to - attack.from) / (count + 1) + random.below(20) as i64;
                (call.api, call.address) = ("signin:ConsoleLogin", address(turn));
                call.error = if turn < count { "Failed authentication" } else { "" };
                made.push(call.clone());
            }
        }
        ("stolen instance key", _) => {
            for step in 0..6 {
                call.second += 20 + step;
                call.api = ["sts:GetCallerIdentity", "s3:ListBuckets", "s3:GetObject"][step as usize % 3];
                made.push(call.clone());
            }
        }
        (_, Some((_, _, steps))) => {
            let total: u64 = steps.iter().map(|step| step.1).sum();
            let pace = (attack.to - attack.from) / (total as i64 + 1);
            for &(api, most) in *steps {
                for part in 0..random.range(most.div_ceil(2), most + 1) {
                    call.second += random.below(2 * pace.max(1) as u64).max(1) as i64;
                    call.api = api;
                    call.about = 90 + part;
                    call.error = if random.percent(15) && most == 1 { "AccessDenied" } else { "" };
                    if call.second < attack.to {
                        made.push(call.clone());
                    }
                    // A pipeline goes on with its work in between.
                    if attack.variant == "inside a busy pipeline" && random.percent(60) {
                        let usual: Vec<&Call> = of_victim().collect();
                        if !usual.is_empty() {
                            let own = random.pick(&usual);
                            made.push(Call { second: call.second + 1, ..(*own).clone() });
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// The traffic of the attacks that fall on a day.
pub(crate) fn traffic(estate: &Estate, attacks: &[Attack], day: i64, traffic: &mut Traffic) {
    let (begin, end) = (estate.midnight(day), estate.midnight(day + 1));
    for (number, attack) in attacks.iter().enumerate() {
        if attack.sight != Sight::Calls && attack.from < end && attack.to >= begin {
            let mut made = Traffic::default();
            Network { estate, attack, number, random: Random::of(&[attack.seed]), made: &mut made }.attack();
            let in_day = |second: i64| (begin..end).contains(&second);
            traffic.connections.extend(made.connections.into_iter().filter(|connection| in_day(connection.second)));
            traffic.queries.extend(made.queries.into_iter().filter(|query| in_day(query.second)));
        }
    }
}

struct Network<'a> {
    estate: &'a Estate,
    attack: &'a Attack,
    number: usize,
    random: Random,
    made: &'a mut Traffic,
}

impl Network<'_> {
    fn attack(&mut self) {
        match self.attack.family {
            "port scan" => self.port_scan(),
            "port sweep" | "lateral scan" => self.sweep(),
            "ssh guessing" | "rdp guessing" | "winrm guessing" => self.guess(),
            "guessing that succeeds" => {
                self.guess();
                let thief = Peer::Address(self.outside(1));
                let last = self.attack.to - 900;
                self.connect(last, thief, 22, |it| {
                    it.is_outgoing = false;
                    (it.seconds, it.bytes, it.packets) = (800, (60_000, 900_000), (420, 700));
                });
            }
            "flood" => self.flood(),
            "spam" => self.spam(),
            "beacon" => self.beacon(),
            "long connection" => {
                let seconds = self.attack.to - self.attack.from;
                let server = Peer::Address(self.outside(1));
                self.connect(self.attack.from, server, 443, |it| {
                    (it.seconds, it.bytes) = (seconds, (9_000_000, 4_000_000))
                });
            }
            "volume" => {
                let bytes = if self.attack.variant.starts_with("40") { 40 << 30 } else { 3 << 30 };
                let server = Peer::Address(self.outside(1));
                for part in 0..6 {
                    let second = self.attack.from + part * 590;
                    self.connect(second, server, 443, |it| (it.seconds, it.bytes) = (560, (bytes / 6, bytes / 400)));
                }
            }
            "unusual port" => {
                let port = if self.attack.variant == "irc" { 6_667 } else { 4_444 };
                let server = Peer::Address(self.outside(1));
                for part in 0..7 {
                    let second = self.attack.from + part * 480 + self.random.below(60) as i64;
                    self.connect(second, server, port, |it| (it.seconds, it.bytes) = (300, (5_000, 12_000)));
                }
            }
            "resolver" => self.resolver(),
            "generated names" => self.generated_names(),
            "tunnel in names" => self.tunnel(),
            "rebinding" => {
                for part in 0..4 {
                    let second = self.attack.from + part * 200;
                    self.ask(
                        second,
                        "rebind.attacker-example.net".to_owned(),
                        "A",
                        "NOERROR",
                        &[("169.254.169.254", "A")],
                    );
                }
            }
            _ => {}
        }
    }

    fn outside(&self, number: u64) -> [u8; 4] {
        self.estate.address_in(SERVERS, self.attack.seed ^ number)
    }

    /// An answered connection that the victim opens, changed as wanted.
    fn connect(&mut self, second: i64, peer: Peer, port: u16, change: impl FnOnce(&mut Connection)) {
        let mut connection = Connection {
            second,
            seconds: 1,
            host: self.attack.victim,
            peer,
            is_outgoing: true,
            protocol: TCP,
            port,
            client_port: self.random.range(32_768, 60_999) as u16,
            bytes: (600, 400),
            packets: (0, 0),
            outcome: Outcome::Answered,
            attack: Some(self.number),
        };
        change(&mut connection);
        self.made.connections.push(connection);
    }

    fn ask(
        &mut self,
        second: i64,
        name: String,
        kind: &'static str,
        code: &'static str,
        answers: &[(&str, &'static str)],
    ) {
        let answers = answers.iter().map(|&(data, kind)| (data.to_owned(), kind)).collect();
        self.made.queries.push(Query {
            second,
            host: self.attack.victim,
            name,
            kind,
            code,
            answers,
            attack: Some(self.number),
        });
    }

    fn port_scan(&mut self) {
        let target = if self.attack.variant == "fast, outside" {
            Peer::Address(self.outside(2))
        } else {
            Peer::Host(self.attack.other)
        };
        let is_slow = self.attack.variant == "one a minute";
        let count = if is_slow { 230 } else { 1_000 };
        for step in 0..count {
            let second = self.attack.from + if is_slow { step * 61 } else { step / 12 };
            let port = 1 + ((step as u64 * 7_919 + self.attack.seed) % 10_000) as u16;
            let outcome = if port == 22 { Outcome::Answered } else { Outcome::Refused };
            self.connect(second, target, port, |it| (it.outcome, it.bytes, it.seconds) = (outcome, (44, 40), 0));
        }
    }

    fn sweep(&mut self) {
        let is_inside = self.attack.family == "lateral scan";
        let [a, b, c, _] = self.outside(3);
        let port = match self.attack.variant {
            "ssh, fast" | "ssh, slow" => 22,
            "redis, answered by half" => 6_379,
            _ => 445,
        };
        let span = self.attack.to - self.attack.from;
        let is_slow = self.attack.variant.contains("slow");
        let own = self.estate.hosts[self.attack.victim].address;
        for step in 1..=200_i64 {
            let second = self.attack.from + if is_slow { step * span / 201 } else { step / 4 };
            let last = step as u8;
            let (peer, outcome) = if is_inside {
                let address = [own[0], own[1], own[2], last];
                let host = self.estate.hosts.iter().position(|host| host.address == address);
                match host {
                    Some(host) if host == self.attack.victim => continue,
                    Some(host) => (Peer::Host(host), if port == 22 { Outcome::Answered } else { Outcome::Refused }),
                    None => (Peer::Nobody(address), Outcome::Silent),
                }
            } else {
                let answers = if self.attack.variant.ends_with("half") { 50 } else { 8 };
                let outcome = if self.random.percent(answers) { Outcome::Answered } else { Outcome::Silent };
                (Peer::Address([a, b, c, last]), outcome)
            };
            self.connect(second, peer, port, |it| {
                it.outcome = outcome;
                it.bytes = if outcome == Outcome::Answered { (420, 300) } else { (60, 40) };
            });
        }
    }

    /// One login attempt after the other; each takes the same few packets.
    fn guess(&mut self) {
        let port = match self.attack.family {
            "rdp guessing" => 3_389,
            "winrm guessing" => 5_985,
            _ => 22,
        };
        let is_slow = self.attack.variant == "in, slow";
        let count = if is_slow { 260 } else { 400 };
        let is_in = self.attack.variant.starts_with("in") || self.attack.family == "guessing that succeeds";
        let between = self.attack.variant == "between hosts";
        let other = self.attack.other;
        let span = self.attack.to - self.attack.from - 950;
        let base = match port {
            22 => 14,
            3_389 => 30,
            _ => 11,
        };
        for step in 0..count {
            let second = self.attack.from + step * span / count + self.random.below(3) as i64;
            let source = if self.attack.variant == "in, from many" { self.random.below(40) } else { 1 };
            let peer = if between { Peer::Host(other) } else { Peer::Address(self.outside(source)) };
            let there = base + self.random.below(3);
            let back = base - 1 + self.random.below(3);
            self.connect(second, peer, port, |it| {
                it.is_outgoing = !is_in;
                it.seconds = 3;
                (it.packets, it.bytes) = ((there, back), (there * 150, back * 190));
            });
        }
    }

    fn flood(&mut self) {
        let target = Peer::Address(self.outside(4));
        let (protocol, port) = match self.attack.variant {
            "udp" => (UDP, 9_987),
            "dns" => (UDP, 53),
            "udp on a tcp port" => (UDP, 80),
            "unusual protocol" => (89, 0),
            _ => (TCP, 443),
        };
        let factor = if self.attack.variant.ends_with("hard") { 10 } else { 1 };
        for minute in 0..5 {
            let flows = if protocol == 89 { 1 } else { 3_000 };
            for flow in 0..flows {
                let second = self.attack.from + minute * 60 + self.random.below(30) as i64;
                let packets = 60 * 40_000 / flows / factor;
                let size = if protocol == UDP { 900 } else { 60 };
                self.connect(second, target, port, |it| {
                    it.protocol = protocol;
                    it.seconds = 25;
                    it.client_port = if protocol == 89 { 0 } else { 1_024 + (flow * 21 % 60_000) as u16 };
                    (it.packets, it.bytes) = ((packets, 0), (packets * size, 0));
                    it.outcome = Outcome::Silent;
                });
            }
        }
    }

    fn spam(&mut self) {
        let span = self.attack.to - self.attack.from;
        for step in 0..240_i64 {
            let second = self.attack.from + step * span / 240;
            let server = Peer::Address(stranger(&mut self.random));
            let size = self.random.spread(2_000, 9_000);
            self.connect(second, server, 25, |it| (it.seconds, it.bytes) = (3, (size, 900)));
        }
    }

    fn beacon(&mut self) {
        let (period, jitter) = match self.attack.variant {
            "every 60 s" => (60, 0),
            "every 300 s, 20 % jitter" => (300, 20),
            "every 30 min, 20 % jitter" => (1_800, 20),
            _ => (300, 50),
        };
        let server = Peer::Address(self.outside(5));
        let mut second = self.attack.from;
        while second < self.attack.to {
            let size = 700 + self.random.below(60);
            self.connect(second, server, 443, |it| it.bytes = (size, 900));
            let spread = period * jitter / 100;
            second += period - spread + self.random.below(2 * spread as u64 + 1) as i64;
        }
    }

    fn resolver(&mut self) {
        // Public facts: resolvers that anybody may ask.
        let (servers, port, protocol): ([[u8; 4]; 2], u16, u8) = match self.attack.variant {
            "dns over https" => ([[1, 1, 1, 1], [8, 8, 8, 8]], 443, TCP),
            "dns over tls" => ([[1, 1, 1, 1], [9, 9, 9, 9]], 853, TCP),
            _ => ([self.outside(6), self.outside(7)], 53, UDP),
        };
        for step in 0..90 {
            let second = self.attack.from + step * 38;
            let server = Peer::Address(servers[step as usize % 2]);
            let back = 200 + self.random.below(300);
            self.connect(second, server, port, |it| {
                it.protocol = protocol;
                it.bytes = if protocol == UDP { (76, back) } else { (1_900, 4_000 + back) };
                it.packets = if protocol == UDP { (1, 1) } else { (0, 0) };
            });
        }
    }

    fn generated_names(&mut self) {
        let count = if self.attack.variant == "letters" { 240 } else { 160 };
        let span = self.attack.to - self.attack.from;
        for step in 0..count {
            let second = self.attack.from + step * span / count;
            let mut name = String::new();
            match self.attack.variant {
                "letters" => {
                    for _ in 0..self.random.range(12, 20) {
                        name.push(char::from(b'a' + self.random.below(26) as u8));
                    }
                }
                "words" => syllables(&mut self.random, 4, &mut name),
                _ => {
                    for _ in 0..self.random.range(10, 16) {
                        name.push(char::from(b"bcdfghjklmnpqrstvwxz0123456789"[self.random.below(30) as usize]));
                    }
                }
            }
            let ending: &str = self.random.pick::<&str>(&[".com", ".net", ".info", ".biz", ".ru"]);
            name.push_str(ending);
            if step % 80 == 79 {
                let address = dotted(self.outside(8));
                self.ask(second, name, "A", "NOERROR", &[(&address, "A")]);
            } else {
                self.ask(second, name, "A", "NXDOMAIN", &[]);
            }
        }
    }

    /// Data in names below one domain; the answers carry what comes back.
    fn tunnel(&mut self) {
        let (label, gap) = match self.attack.variant {
            "fast" => (110, 1),
            "5 bytes a second" => (60, 7),
            _ => (32, 20),
        };
        let kind = *self.random.pick(&["TXT", "CNAME", "A"]);
        let mut second = self.attack.from;
        while second < self.attack.to {
            let mut name = String::new();
            self.random.base32(label.min(58), &mut name);
            if label > 58 {
                name.push('.');
                self.random.base32(label - 58, &mut name);
            }
            name.make_ascii_lowercase();
            name.push_str(".t.cdn-stats-example.net");
            let mut back = String::new();
            self.random.base32(24, &mut back);
            let back = match kind {
                "A" => dotted(ec2_address(0, &mut self.random)),
                "CNAME" => format!("{}.t.cdn-stats-example.net.", back.to_ascii_lowercase()),
                _ => back,
            };
            self.ask(second, name, kind, "NOERROR", &[(&back, kind)]);
            second += gap + self.random.below(2) as i64;
        }
    }
}
