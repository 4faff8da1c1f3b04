//! An estate: one account with its people, roles, pipelines and instances, each with habits of its own.
//!
//! Modelled on how companies work, not on what any detection looks at: people have jobs, time zones, offices, homes,
//! holidays and new laptops; machines have roles, releases and backups. The same plan always gives the same estate.

use super::people::{Job, TASKS, Task};
use crate::generate::random::Random;
use crate::generate::{START_SECONDS, dotted, resource_id};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// What determines an estate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Which one.
    pub(crate) seed: u64,
    /// People, pipelines, workloads and integrations together.
    pub(crate) principals: u64,
    /// Instances whose traffic is logged.
    pub(crate) hosts: u64,
    /// Days.
    pub(crate) days: i64,
    /// Whether attacks are injected; without them the estate is quiet.
    pub(crate) has_attacks: bool,
}

/// A network that people or machines call from: a block of 65,536 addresses.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// The first two bytes of its addresses.
    pub(crate) block: [u8; 2],
    /// The number of the autonomous system.
    pub(crate) asn: u32,
    /// Who announces it.
    pub(crate) organization: &'static str,
    /// ISO 3166.
    pub(crate) country: &'static str,
    /// The city's name.
    pub(crate) city: &'static str,
    /// Degrees north and east.
    pub(crate) spot: (f64, f64),
}

/// A country, hours from UTC, and two cities with degrees north and east.
type Place = (&'static str, i64, [(&'static str, f64, f64); 2]);

/// Where a company may sit: country, time zone in hours, and cities. Source: public knowledge.
const PLACES: [Place; 6] = [
    ("DE", 1, [("Berlin", 52.52, 13.40), ("Munich", 48.14, 11.58)]),
    ("US", -5, [("New York", 40.71, -74.01), ("Boston", 42.36, -71.06)]),
    ("GB", 0, [("London", 51.51, -0.13), ("Leeds", 53.80, -1.55)]),
    ("PL", 1, [("Warsaw", 52.23, 21.01), ("Krakow", 50.06, 19.94)]),
    ("IN", 5, [("Bengaluru", 12.97, 77.59), ("Pune", 18.52, 73.86)]),
    ("US", -8, [("San Francisco", 37.77, -122.42), ("Seattle", 47.61, -122.33)]),
];

/// First bytes of blocks that were given to one owner long ago and carry next to no traffic of others, so that no list
/// of threats names them.
const QUIET_BLOCKS: [u8; 8] = [11, 21, 22, 26, 28, 29, 30, 33];

/// What the principal is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Somebody with a job.
    Person(Box<Person>),
    /// A deployment pipeline, on runners that somebody else provides or on our own.
    Pipeline {
        /// Whether every run comes from another address of the provider.
        is_hosted: bool,
    },
    /// The role of instances.
    Instance,
    /// The role of a function.
    Function,
    /// A monitoring service of another company.
    Vendor,
    /// What looks at every setting once a day.
    Auditor,
    /// A user that nobody uses any more, with keys that still work.
    Dormant,
}

/// Somebody.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// What they do.
    pub(crate) job: Job,
    /// Hours from UTC.
    pub(crate) zone: i64,
    /// Network at home, by its place.
    pub(crate) home: usize,
    /// Network of the phone, by its place.
    pub(crate) mobile: usize,
    /// Weekdays at home, as bits from Monday.
    pub(crate) home_days: u64,
    /// Whether work at home goes through the company's network.
    pub(crate) uses_vpn: bool,
    /// First and last day away.
    pub(crate) vacation: (i64, i64),
    /// First and last day of a trip, and the network there.
    pub(crate) trip: Option<(i64, i64, usize)>,
    /// The day on which they get another laptop.
    pub(crate) laptop_day: i64,
    /// When they begin in the morning, in minutes.
    pub(crate) begins: i64,
    /// Tasks on a usual day.
    pub(crate) pace: u64,
    /// First and last day of a project for which an administrator does a bit of everything, much of which attackers do
    /// too.
    pub(crate) project: Option<(i64, i64)>,
    /// Whether they are called at night.
    pub(crate) is_on_call: bool,
}

/// Somebody or something that calls APIs.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// What it is.
    pub(crate) kind: Kind,
    /// The user or the role.
    pub(crate) name: String,
    /// The session of a role; empty for a user.
    pub(crate) session: String,
    /// The unique id.
    pub(crate) id: String,
    /// First day.
    pub(crate) starts: i64,
    /// What it is made from.
    pub(crate) seed: u64,
    /// The tasks it does, the most usual first.
    pub(crate) habits: Vec<&'static Task>,
}

impl Principal {
    /// Whether it is a user with long-lived keys rather than a role.
    pub(crate) fn is_user(&self) -> bool {
        self.session.is_empty()
    }
}

/// What a host does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Web,
    App,
    Database,
    Worker,
    Bastion,
    Runner,
    Monitor,
    Mail,
    Crawler,
    Assessor,
}

impl Role {
    /// In the order in which a company gets them.
    const ORDER: [Self; 16] = [
        Self::Web,
        Self::App,
        Self::Database,
        Self::Worker,
        Self::Bastion,
        Self::Runner,
        Self::App,
        Self::Monitor,
        Self::Web,
        Self::Mail,
        Self::App,
        Self::Worker,
        Self::Assessor,
        Self::Database,
        Self::Crawler,
        Self::App,
    ];
}

/// An instance with one interface.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) role: Role,
    pub(crate) address: [u8; 4],
    pub(crate) interface: String,
    pub(crate) instance: String,
    pub(crate) subnet: String,
    pub(crate) seed: u64,
    /// The day on which a fleet replaces it by another of the same role; after the end if never.
    pub(crate) starts: i64,
}

/// The account.
#[derive(Clone, Debug)]
pub(crate) struct Estate {
    pub(crate) plan: Plan,
    pub(crate) account: String,
    pub(crate) region: &'static str,
    /// Its place in the generator's list of regions.
    pub(crate) region_place: usize,
    pub(crate) vpc: String,
    /// Hours from UTC of the head office.
    pub(crate) zone: i64,
    pub(crate) networks: Vec<Network>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) buckets: Vec<String>,
    /// Days on which nobody works.
    pub(crate) holidays: Vec<i64>,
    /// Days with an incident that people answer.
    pub(crate) incidents: Vec<i64>,
    /// Seconds over which flows are summed into a record.
    pub(crate) window: i64,
    /// Whether flow logs have the fields of version 5.
    pub(crate) is_custom: bool,
}

/// Places in [`Estate::networks`] that every estate has.
pub(crate) const OFFICE: usize = 0;
/// The second office.
pub(crate) const BRANCH: usize = 1;
/// What the company's VPN comes out of.
pub(crate) const VPN: usize = 2;
/// The provider of pipelines.
pub(crate) const CI: usize = 3;
/// A provider of cheap servers abroad.
pub(crate) const SERVERS: usize = 4;
/// Homes in the company's country that somebody rents out.
pub(crate) const RENTED_HOMES: usize = 5;
/// Another provider of servers, in the company's country.
pub(crate) const SERVERS_NEAR: usize = 6;
/// The first of a few mobile networks and providers of homes.
const CONSUMER: usize = 7;

impl Estate {
    /// The estate of a plan.
    pub(crate) fn of(plan: Plan) -> Self {
        let random = &mut Random::of(&[plan.seed, 0x6573_7461]);
        let place = PLACES[random.below(PLACES.len() as u64) as usize];
        let region_place = if place.1 > 0 { 3 } else { 0 };
        let region = if region_place == 3 { "eu-central-1" } else { "us-east-1" };
        let hosts = hosts(&plan, random);
        let account = random.range(100_000_000_000, 999_999_999_999).to_string();
        let networks = networks(place, random);
        let principals = principals(&plan, place.1, &hosts, random);
        let buckets = (0..3 + plan.principals / 6)
            .map(|number| {
                let name = ["data", "logs", "artifacts", "exports", "uploads", "models", "billing", "site"]
                    [number as usize % 8];
                format!("example-{name}-{}-{}", number / 8, &account[..5])
            })
            .collect();
        // One holiday in two weeks or so, never the same in two estates.
        let holidays = (0..1 + plan.days / 15).map(|part| part * 15 + random.below(15) as i64).collect();
        let incidents = (0..1 + plan.days / 20).map(|part| 9 + part * 20 + random.below(12) as i64).collect();
        let is_custom = plan.seed.is_multiple_of(2);
        Self {
            plan,
            account,
            region,
            region_place,
            vpc: resource_id("vpc", &[plan.seed]),
            zone: place.1,
            networks,
            principals,
            hosts,
            buckets,
            holidays,
            incidents,
            window: if is_custom { 60 } else { 600 },
            is_custom,
        }
    }

    /// The second at which a day begins.
    pub(crate) fn midnight(&self, day: i64) -> i64 {
        START_SECONDS + day * DAY
    }

    /// The same for the principal of this place on this day.
    pub(crate) fn random(&self, parts: &[u64]) -> Random {
        Random::of(&[&[self.plan.seed], parts].concat())
    }

    /// An address of a network, the same for the same number.
    pub(crate) fn address_in(&self, network: usize, number: u64) -> [u8; 4] {
        let [first, second] = self.networks[network].block;
        let random = &mut self.random(&[network as u64, number, 0x6164]);
        [first, second, random.below(256) as u8, random.range(1, 255) as u8]
    }

    /// What instances without an address of their own come out of.
    pub(crate) fn nat(&self) -> [u8; 4] {
        crate::generate::ec2_address(self.region_place, &mut self.random(&[0x6e61]))
    }

    /// An address at which AWS itself serves its APIs, of its published ranges for services.
    pub(crate) fn endpoint(&self, random: &mut Random) -> [u8; 4] {
        let third = if self.region_place == 3 { 188 } else { 224 };
        [52, 119, third + random.below(4) as u8, random.range(1, 255) as u8]
    }

    /// The name that the log gives a principal.
    pub(crate) fn arn(&self, principal: &Principal) -> String {
        if principal.is_user() {
            format!("arn:aws:iam::{}:user/{}", self.account, principal.name)
        } else {
            format!("arn:aws:sts::{}:assumed-role/{}/{}", self.account, principal.name, principal.session)
        }
    }
}

fn networks(place: Place, random: &mut Random) -> Vec<Network> {
    let (country, _, [capital, second]) = place;
    let mut networks = Vec::new();
    let first = QUIET_BLOCKS[random.below(8) as usize];
    let mut add = |organization, country, (city, north, east): (&'static str, f64, f64)| {
        let number = networks.len() as u32;
        let block = [first, 10 + 3 * number as u8];
        networks.push(Network { block, asn: 64_600 + number, organization, country, city, spot: (north, east) });
    };
    add("Example Office Fibre", country, capital);
    add("Example Business Line", country, second);
    add("Example Cloud Hosting", country, capital);
    add("Example Build Runners", "US", ("Des Moines", 41.59, -93.62));
    add("Example Offshore Servers", "NL", ("Amsterdam", 52.37, 4.90));
    add("Example Cable", country, second);
    add("Example Local Servers", country, capital);
    for (organization, spot) in
        [("Example Mobile", capital), ("Example Cable", second), ("Example DSL", capital), ("Example Fibre", second)]
    {
        add(organization, country, spot);
    }
    add("Example Hotel Wifi", "ES", ("Barcelona", 41.39, 2.17));
    add("Example Conference", "US", ("Las Vegas", 36.17, -115.14));
    add("Example Telecom", "BR", ("Recife", -8.05, -34.88));
    add("Example Telecom Overseas", "VN", ("Hanoi", 21.03, 105.85));
    networks
}

/// A place in the networks: hotels, conferences.
const AWAY: [usize; 2] = [CONSUMER + 4, CONSUMER + 5];
/// Countries that the company has nothing to do with.
pub(crate) const FAR: [usize; 2] = [CONSUMER + 6, CONSUMER + 7];

const PEOPLE: [&str; 24] = [
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
    "tom.baker",
    "lea.martin",
    "jan.novotny",
    "aisha.bello",
    "carlos.diaz",
    "mei.tanaka",
    "erik.larsson",
    "nina.petrova",
    "sam.taylor",
    "julia.weber",
    "david.cohen",
    "priya.nair",
];

const WORKLOADS: [&str; 16] = [
    "orders",
    "billing",
    "auth",
    "search",
    "images",
    "notifications",
    "inventory",
    "reports",
    "webhooks",
    "pricing",
    "audit",
    "sessions",
    "etl",
    "recommendations",
    "shipping",
    "customers",
];

/// The places of people among twenty principals.
const SEATS: [u64; 9] = [0, 2, 4, 6, 9, 11, 13, 15, 17];

fn principals(plan: &Plan, zone: i64, hosts: &[Host], random: &mut Random) -> Vec<Principal> {
    let mut principals = Vec::new();
    for number in 0..plan.principals {
        let seed = random.next();
        let own = &mut Random::of(&[seed]);
        let workload = WORKLOADS[number as usize % 16];
        let generation = number / 16;
        // In twenty principals: nine people, four workloads, three functions, two pipelines, a vendor or auditor, one
        // forgotten user.
        let seat = SEATS.iter().position(|&seat| seat == number % 20);
        let (kind, name, session) = match number % 20 {
            _ if seat.is_some() => {
                let index = number / 20 * 9 + seat.unwrap_or_default() as u64;
                let job = Job::of(index);
                let person = person(plan, zone, job, own);
                let mut name = PEOPLE[index as usize % 24].to_owned();
                if index >= 24 {
                    name.push_str(&(index / 24).to_string());
                }
                // Small companies, and administrators of most, have users; others sign in by single sign-on.
                if plan.principals < 12 || (job == Job::Administrator && own.percent(50)) {
                    (Kind::Person(Box::new(person)), name, String::new())
                } else {
                    let set = job.permission_set();
                    let role = format!("AWSReservedSSO_{set}_{:016x}", Random::of(&[plan.seed, job as u64]).next());
                    (Kind::Person(Box::new(person)), role, format!("{name}@example.com"))
                }
            }
            1 | 7 | 12 | 16 if !hosts.is_empty() => {
                let host = (number as usize * 7 / 20) % hosts.len();
                (Kind::Instance, format!("{workload}-{generation}-instance"), hosts[host].instance.clone())
            }
            3 | 10 => {
                let is_hosted = own.percent(70);
                (Kind::Pipeline { is_hosted }, format!("deploy-{workload}-{generation}"), "GitHubActions".to_owned())
            }
            5 if number < 20 => {
                (Kind::Vendor, "MonitoringIntegrationRole".to_owned(), "MonitoringIntegration".to_owned())
            }
            19 if number < 40 => (Kind::Auditor, "PostureReadOnly".to_owned(), "posture-scan".to_owned()),
            18 => (Kind::Dormant, format!("legacy-{workload}-{generation}"), String::new()),
            _ => (Kind::Function, format!("{workload}-{generation}-function"), format!("{workload}-{generation}")),
        };
        let mut id = String::from(if session.is_empty() { "AIDA" } else { "AROA" });
        // Everybody with a permission set has the same role.
        let id_seed = if matches!(kind, Kind::Person(_)) && !session.is_empty() { name.len() as u64 } else { seed };
        Random::of(&[plan.seed, id_seed]).base32(17, &mut id);
        // One in eight begins while we watch.
        let starts =
            if own.percent(12) && plan.days > 14 && number > 3 { own.range(8, plan.days as u64 - 4) as i64 } else { 0 };
        let habits = habits(&kind, own);
        principals.push(Principal { kind, name, session, id, starts, seed, habits });
    }
    principals
}

fn person(plan: &Plan, zone: i64, job: Job, random: &mut Random) -> Person {
    let vacation = random.below(plan.days as u64 + 20) as i64;
    let trip_day = random.range(5, plan.days as u64 + 5) as i64;
    let is_remote = random.percent(15);
    Person {
        job,
        // Some live elsewhere.
        zone: if is_remote { zone + random.range(0, 7) as i64 - 3 } else { zone },
        home: CONSUMER + 1 + random.below(3) as usize,
        mobile: CONSUMER,
        home_days: if is_remote { 31 } else { random.below(32) & random.below(32) },
        uses_vpn: random.percent(50),
        vacation: (vacation, vacation + random.range(4, 14) as i64),
        trip: random.percent(20).then(|| (trip_day, trip_day + random.range(1, 5) as i64, *random.pick(&AWAY))),
        laptop_day: random.below(plan.days as u64 * 6) as i64,
        begins: random.range(7 * 60 + 30, 10 * 60 + 30) as i64,
        pace: random.range(3, 14),
        project: (job == Job::Administrator).then_some((15, 28)),
        is_on_call: matches!(job, Job::Operator | Job::Administrator) && random.percent(60),
    }
}

/// What a principal does again and again: part of what its kind does, in an order of its own.
fn habits(kind: &Kind, random: &mut Random) -> Vec<&'static Task> {
    let mut fitting: Vec<&'static Task> = TASKS.iter().filter(|task| task.fits(kind)).collect();
    for place in (1..fitting.len()).rev() {
        fitting.swap(place, random.below(place as u64 + 1) as usize);
    }
    let count = match kind {
        Kind::Person(_) => random.range(4, 10),
        Kind::Pipeline { .. } => random.range(2, 5),
        Kind::Instance | Kind::Function => random.range(1, 4),
        Kind::Vendor | Kind::Auditor | Kind::Dormant => 20,
    };
    fitting.truncate(count as usize);
    fitting
}

fn hosts(plan: &Plan, random: &mut Random) -> Vec<Host> {
    (0..plan.hosts)
        .map(|number| {
            let seed = random.next();
            let subnet = number % 3;
            let own = &mut Random::of(&[seed, 1]);
            // Fleets of applications are renewed now and then.
            let is_renewed = number > 5 && own.percent(20);
            Host {
                role: Role::ORDER[number as usize % 16],
                address: [10, 20, subnet as u8, (10 + number / 3 * 2) as u8],
                interface: resource_id("eni", &[seed]),
                instance: resource_id("i", &[seed]),
                subnet: resource_id("subnet", &[plan.seed, subnet]),
                seed,
                starts: if is_renewed { own.below(plan.days as u64) as i64 } else { 0 },
            }
        })
        .collect()
}

impl Host {
    /// Its private address.
    pub(crate) fn dotted(&self) -> String {
        dotted(self.address)
    }
}
