//! What hosts do on the network in a day: connections and name queries, by what the host is there for.
//!
//! A connection is written as flow records later, cut at the windows over which AWS sums them up.

use super::estate::{Estate, Host, OFFICE, Role, SERVERS_NEAR, VPN};
use crate::generate::random::Random;
use crate::generate::{dotted, ec2_address};

/// TCP.
pub(crate) const TCP: u8 = 6;
/// UDP.
pub(crate) const UDP: u8 = 17;

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Peer {
    /// Another host of the estate, by place.
    Host(usize),
    /// Somebody on the internet.
    Address([u8; 4]),
    /// An address of our network with nobody there.
    Nobody([u8; 4]),
}

/// How it went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The other side answered.
    Answered,
    /// The port was closed: one packet there, one back.
    Refused,
    /// Nobody answered.
    Silent,
    /// A security group refused it.
    Rejected,
}

/// One conversation over the network.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) second: i64,
    /// How long it lasts.
    pub(crate) seconds: i64,
    /// Whose interface sees it, by place.
    pub(crate) host: usize,
    pub(crate) peer: Peer,
    /// Whether the host opened it.
    pub(crate) is_outgoing: bool,
    pub(crate) protocol: u8,
    /// The server's port.
    pub(crate) port: u16,
    /// The client's.
    pub(crate) client_port: u16,
    /// Bytes from client to server and back.
    pub(crate) bytes: (u64, u64),
    /// Packets the same way; 0 to derive them from the bytes.
    pub(crate) packets: (u64, u64),
    pub(crate) outcome: Outcome,
    pub(crate) attack: Option<usize>,
}

/// One query of a host.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) second: i64,
    pub(crate) host: usize,
    /// Without the dot at the end.
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// `NOERROR`, `NXDOMAIN`, ….
    pub(crate) code: &'static str,
    /// (data, type).
    pub(crate) answers: Vec<(String, &'static str)>,
    pub(crate) attack: Option<usize>,
}

/// A day of all hosts.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) connections: Vec<Connection>,
    pub(crate) queries: Vec<Query>,
}

/// When a host talks to a peer.
#[derive(Clone, Copy)]
enum Rhythm {
    /// At random, so often an hour, three times as often in office hours.
    Random(f64),
    /// Every so many seconds, give or take a share in percent.
    Every(i64, u64),
    /// Stays connected, and connects again after so many hours at most.
    Stays(u64),
    /// Once a night.
    Nightly,
    /// Once a week.
    Weekly,
}

/// One conversation that a host has again and again.
struct Habit {
    peer: Peer,
    name: &'static str,
    port: u16,
    protocol: u8,
    rhythm: Rhythm,
    /// Bytes there and back, the middle of what is usual; of what stays connected, in an hour.
    bytes: (u64, u64),
    seconds: u64,
}

/// Services on the internet that programs use, with the port that they are reached on.
const SERVICES: [(&str, u16); 20] = [
    ("api.github.com", 443),
    ("api.stripe.com", 443),
    ("hooks.slack.com", 443),
    ("api.sendgrid.com", 443),
    ("oauth2.googleapis.com", 443),
    ("graph.microsoft.com", 443),
    ("sentry.io", 443),
    ("api.twilio.com", 443),
    ("app.launchdarkly.com", 443),
    ("login.microsoftonline.com", 443),
    ("maps.googleapis.com", 443),
    ("api.openai.com", 443),
    ("api.adyen.com", 443),
    ("ocsp.digicert.com", 80),
    ("api.pagerduty.com", 443),
    ("api.intercom.io", 443),
    ("storage.googleapis.com", 443),
    ("smtp.sendgrid.net", 587),
    ("cluster0.mongodb.net", 27017),
    ("broker.confluent.cloud", 9092),
];

const PACKAGES: [&str; 10] = [
    "registry.npmjs.org",
    "registry-1.docker.io",
    "auth.docker.io",
    "production.cloudflare.docker.com",
    "pypi.org",
    "files.pythonhosted.org",
    "github.com",
    "objects.githubusercontent.com",
    "deb.debian.org",
    "index.crates.io",
];

/// Everything that the hosts do on a day, attacks excepted; not in order.
pub(crate) fn traffic(estate: &Estate, day: i64) -> Traffic {
    let mut traffic = Traffic::default();
    for (place, host) in estate.hosts.iter().enumerate() {
        if day < host.starts {
            continue;
        }
        let random = estate.random(&[host.seed, day as u64, 0x666c]);
        let mut scene = Scene { estate, host, place, day, random, traffic: &mut traffic };
        for habit in scene.habits() {
            scene.follow(&habit);
        }
        scene.role();
    }
    traffic
}

struct Scene<'a> {
    estate: &'a Estate,
    host: &'a Host,
    place: usize,
    day: i64,
    random: Random,
    traffic: &'a mut Traffic,
}

impl Scene<'_> {
    /// The conversations that the host always has; the same every day, but for releases.
    fn habits(&self) -> Vec<Habit> {
        let own = &mut Random::of(&[self.host.seed, 0x6861]);
        let estate = self.estate;
        let cloud = |own: &mut Random| Peer::Address(ec2_address(estate.region_place, own));
        let endpoint = |own: &mut Random| Peer::Address(estate.endpoint(own));
        let mut habits = Vec::new();
        let mut add = |peer, name, port, protocol, rhythm, bytes, seconds| {
            habits.push(Habit { peer, name, port, protocol, rhythm, bytes, seconds });
        };
        let region_name = if estate.region_place == 3 { EUROPE } else { AMERICA };
        // Agents of the cloud and of a monitoring service.
        add(endpoint(own), region_name[0], 443, TCP, Rhythm::Stays(20), (40_000, 90_000), 0);
        add(endpoint(own), region_name[1], 443, TCP, Rhythm::Every(60, 5), (4_100, 6_300), 2);
        if own.percent(60) {
            add(cloud(own), "intake.logs.datadoghq.com", 443, TCP, Rhythm::Stays(6), (900_000, 80_000), 0);
        }
        if own.percent(40) {
            let server = Peer::Address(estate.address_in(OFFICE + 1, 77));
            add(server, "0.pool.ntp.org", 123, UDP, Rhythm::Every(1_024, 2), (76, 76), 1);
        }
        add(site("deb.debian.org"), "deb.debian.org", 80, TCP, Rhythm::Nightly, (20_000, 3_000_000), 30);
        let of_role = |role: Role| estate.hosts.iter().position(|host| host.role == role && host.starts == 0);
        if let Some(monitor) = of_role(Role::Monitor).filter(|&monitor| monitor != self.place) {
            add(Peer::Host(monitor), "", 10_051, TCP, Rhythm::Every(300, 10), (2_500, 900), 1);
        }
        match self.host.role {
            Role::Web => {
                if let Some(app) = of_role(Role::App) {
                    add(Peer::Host(app), "", 8_080, TCP, Rhythm::Random(12.0), (1_900, 15_000), 2);
                }
            }
            Role::App => {
                if let Some(database) = of_role(Role::Database) {
                    add(Peer::Host(database), "", 5_432, TCP, Rhythm::Stays(3), (800_000, 4_000_000), 0);
                }
                for _ in 0..own.range(1, 5) {
                    let (name, port) = *own.pick(&SERVICES);
                    add(site(name), name, port, TCP, Rhythm::Random(own.spread(1, 12) as f64), (3_000, 9_000), 3);
                }
                // A release that talks to a new partner.
                let release = own.below(estate.plan.days as u64 * 2) as i64;
                let (name, port) = *own.pick(&SERVICES);
                let port = if own.percent(20) { 8_443 } else { port };
                if self.day >= release {
                    add(site(name), name, port, TCP, Rhythm::Random(4.0), (2_000, 6_000), 3);
                }
            }
            Role::Database => {
                add(
                    cloud(own),
                    region_name[2],
                    443,
                    TCP,
                    Rhythm::Nightly,
                    (own.spread(1 << 30, 30 << 30), 4_000_000),
                    2_400,
                );
                if let Some(other) =
                    estate.hosts.iter().rposition(|host| host.role == Role::Database && host.starts == 0)
                    && other != self.place
                {
                    add(Peer::Host(other), "", 5_432, TCP, Rhythm::Stays(40), (60_000_000, 900_000), 0);
                }
            }
            Role::Worker => {
                add(endpoint(own), region_name[3], 443, TCP, Rhythm::Every(20, 10), (1_800, 1_500), 20);
                add(endpoint(own), region_name[2], 443, TCP, Rhythm::Random(6.0), (400_000, 2_000_000), 8);
                add(
                    cloud(own),
                    region_name[2],
                    443,
                    TCP,
                    Rhythm::Nightly,
                    (own.spread(200 << 20, 12 << 30), 2_000_000),
                    1_500,
                );
                if own.percent(50) {
                    // Files for a partner.
                    let partner = Peer::Address(estate.address_in(SERVERS_NEAR, 5));
                    add(
                        partner,
                        "sftp.partner.example.net",
                        22,
                        TCP,
                        Rhythm::Weekly,
                        (own.spread(2 << 20, 900 << 20), 90_000),
                        300,
                    );
                }
                if own.percent(30) {
                    add(
                        site("stream.example.org"),
                        "stream.example.org",
                        443,
                        TCP,
                        Rhythm::Stays(60),
                        (60_000, 9_000_000),
                        0,
                    );
                }
            }
            Role::Runner => {
                add(site("github.com"), "github.com", 443, TCP, Rhythm::Every(50, 4), (1_500, 2_000), 50);
            }
            Role::Mail => {
                add(site("imap.example.org"), "imap.example.org", 993, TCP, Rhythm::Stays(2), (9_000, 60_000), 0);
            }
            Role::Bastion | Role::Monitor | Role::Crawler | Role::Assessor => {}
        }
        habits
    }

    fn follow(&mut self, habit: &Habit) {
        let midnight = self.estate.midnight(self.day);
        match habit.rhythm {
            Rhythm::Random(per_hour) => {
                for hour in 0..24 {
                    let is_day = (8..18).contains(&(hour + self.estate.zone).rem_euclid(24)) && self.day % 7 < 5;
                    let expected = per_hour * if is_day { 1.5 } else { 0.5 };
                    let count = self.random.below((expected * 2.0) as u64 + 1);
                    for _ in 0..count {
                        let second = midnight + hour * 3_600 + self.random.below(3_600) as i64;
                        self.talk(habit, second);
                    }
                }
            }
            Rhythm::Every(period, jitter) => {
                let mut second = midnight + (self.host.seed % period as u64) as i64;
                while second < midnight + 86_400 {
                    self.talk(habit, second);
                    let jitter = period * jitter as i64 / 100;
                    second +=
                        period + if jitter > 0 { self.random.below(2 * jitter as u64) as i64 - jitter } else { 0 };
                }
            }
            Rhythm::Stays(hours) => {
                // Cut where the day ends, under the same port: the same connection goes on.
                let mut hour = 0;
                while hour < 24 {
                    let absolute = self.day as u64 * 24 + hour;
                    let run =
                        Random::of(&[self.host.seed, u64::from(habit.port), habit.bytes.0, hours]).below(hours.max(1));
                    let number = (absolute + run) / hours;
                    let end = ((number + 1) * hours - run).min((self.day as u64 + 1) * 24) - self.day as u64 * 24;
                    let port = 32_768 + Random::of(&[self.host.seed, number, habit.bytes.0]).below(28_000) as u16;
                    let span = (end - hour) as i64;
                    let scale = self.random.spread(60, 160);
                    let connection = Connection {
                        second: midnight + hour as i64 * 3_600,
                        seconds: span * 3_600 - 1,
                        bytes: (habit.bytes.0 * span as u64 * scale / 100, habit.bytes.1 * span as u64 * scale / 100),
                        client_port: port,
                        ..self.connection(habit, midnight)
                    };
                    self.push(connection);
                    if !habit.name.is_empty() {
                        self.ask(midnight + hour as i64 * 3_600, habit.name);
                    }
                    hour = end.max(hour + 1);
                }
            }
            Rhythm::Nightly => {
                let second = midnight + 3_600 + (self.host.seed % 7_200) as i64 + self.random.below(600) as i64;
                self.talk(habit, second);
            }
            Rhythm::Weekly => {
                if self.day % 7 == (self.host.seed % 5) as i64 {
                    let second = midnight + 50_000 + self.random.below(3_600) as i64;
                    self.talk(habit, second);
                }
            }
        }
    }

    fn talk(&mut self, habit: &Habit, second: i64) {
        let connection = self.connection(habit, second);
        self.push(connection);
        if !habit.name.is_empty() {
            self.ask(second, habit.name);
        }
    }

    fn connection(&mut self, habit: &Habit, second: i64) -> Connection {
        let scale = self.random.spread(55, 180);
        // What comes at a rhythm says the same each time, give or take.
        let scale = if matches!(habit.rhythm, Rhythm::Every(..)) { 96 + scale / 20 } else { scale };
        Connection {
            second,
            seconds: (habit.seconds * self.random.spread(50, 200) / 100) as i64,
            host: self.place,
            peer: habit.peer,
            is_outgoing: true,
            protocol: habit.protocol,
            port: habit.port,
            client_port: self.random.range(32_768, 60_999) as u16,
            bytes: (habit.bytes.0 * scale / 100, habit.bytes.1 * scale / 100),
            packets: (0, 0),
            outcome: Outcome::Answered,
            attack: None,
        }
    }

    fn push(&mut self, connection: Connection) {
        self.traffic.connections.push(connection);
    }

    /// Asks for a name; libraries ask for both kinds of address.
    fn ask(&mut self, second: i64, name: &str) {
        let answers = answers(name, self.estate);
        let query = |kind, answers| Query {
            second,
            host: self.place,
            name: name.to_owned(),
            kind,
            code: "NOERROR",
            answers,
            attack: None,
        };
        self.traffic.queries.push(query("A", answers));
        if self.host.seed.is_multiple_of(2) {
            self.traffic.queries.push(query("AAAA", Vec::new()));
        }
    }

    /// What goes with the host's work besides.
    fn role(&mut self) {
        let midnight = self.estate.midnight(self.day);
        let is_workday = self.day % 7 < 5;
        match self.host.role {
            Role::Web => {
                self.visitors(midnight);
                self.noise(midnight);
                self.load_test(midnight);
            }
            Role::Bastion => self.administration(midnight, is_workday),
            Role::Runner => self.builds(midnight, is_workday),
            Role::Monitor => self.checks(midnight),
            Role::Mail => self.mail(midnight, is_workday),
            Role::Crawler => self.crawl(midnight),
            Role::Assessor if self.day % 7 == 2 => self.assess(midnight),
            _ => {}
        }
        // Names through search lists, and products that look up hashes.
        let lookups = self.random.below(30);
        for _ in 0..lookups {
            let second = midnight + self.random.below(86_400) as i64;
            let inside = *self.random.pick(&["orders", "billing", "queue", "cache", "db-primary"]);
            let ending = *self.random.pick(&["ec2.internal", "svc.cluster.local", "example.internal"]);
            let found = ending == "example.internal";
            let answers = if found { vec![("10.20.1.14".to_owned(), "A")] } else { Vec::new() };
            let code = if found { "NOERROR" } else { "NXDOMAIN" };
            self.query(
                second,
                format!("{inside}.example.internal.{ending}")
                    .replace(".example.internal.example.internal", ".example.internal"),
                "A",
                code,
                answers,
            );
        }
    }

    fn query(
        &mut self,
        second: i64,
        name: String,
        kind: &'static str,
        code: &'static str,
        answers: Vec<(String, &'static str)>,
    ) {
        self.traffic.queries.push(Query { second, host: self.place, name, kind, code, answers, attack: None });
    }

    fn plain(&mut self, second: i64, peer: Peer, port: u16, bytes: (u64, u64), seconds: u64) -> Connection {
        let habit = Habit { peer, name: "", port, protocol: TCP, rhythm: Rhythm::Random(0.0), bytes, seconds };
        self.connection(&habit, second)
    }

    /// The public, from everywhere, mostly by day.
    fn visitors(&mut self, midnight: i64) {
        let own = Random::of(&[self.host.seed, 0x7669]).spread(150, 900);
        for _ in 0..own {
            let second = midnight + self.random.below(86_400) as i64;
            let peer = Peer::Address(stranger(&mut self.random));
            let connection = self.plain(second, peer, 443, (2_400, 18_000), 8);
            self.push(Connection { is_outgoing: false, ..connection });
        }
    }

    /// The noise of the internet: single packets to closed ports.
    fn noise(&mut self, midnight: i64) {
        const PORTS: [u16; 14] = [23, 22, 445, 3389, 8080, 5060, 1433, 6379, 8443, 5555, 2323, 81, 25, 123];
        for _ in 0..400 {
            let second = midnight + self.random.below(86_400) as i64;
            let peer = Peer::Address(stranger(&mut self.random));
            let port =
                if self.random.percent(60) { *self.random.pick(&PORTS) } else { self.random.range(1, 65_535) as u16 };
            let mut connection = self.plain(second, peer, port, (40, 0), 0);
            connection.is_outgoing = false;
            connection.outcome = Outcome::Rejected;
            self.push(connection);
        }
    }

    /// Twice in the estate's time a team sees how much its servers take.
    fn load_test(&mut self, midnight: i64) {
        let Some(worker) = self.estate.hosts.iter().position(|host| host.role == Role::Worker) else { return };
        let random = &mut Random::of(&[self.estate.plan.seed, 0x6c74]);
        let days = [5 + random.below(10) as i64, 15 + random.below(15) as i64];
        if !days.contains(&self.day) || self.place != 0 {
            return;
        }
        for _ in 0..6_000 {
            let second = midnight + 40_000 + self.random.below(1_800) as i64;
            let connection = self.plain(second, Peer::Host(self.place), 8_080, (900, 7_000), 1);
            self.push(Connection { host: worker, ..connection });
        }
    }

    /// People come in through the bastion, and go on; a playbook runs over all hosts twice a week.
    fn administration(&mut self, midnight: i64, is_workday: bool) {
        let hosts: Vec<usize> = (0..self.estate.hosts.len()).filter(|&host| host != self.place).collect();
        let sessions = if is_workday { self.random.below(8) } else { self.random.below(2) };
        for _ in 0..sessions {
            let second = midnight + 8 * 3_600 + self.random.below(9 * 3_600) as i64 - self.estate.zone * 3_600;
            let network = *self.random.pick(&[OFFICE, VPN]);
            let person = Peer::Address(self.estate.address_in(network, 1));
            let seconds = self.random.spread(60, 9_000);
            let typed = seconds * 90;
            let connection = self.plain(second, person, 22, (typed, typed * 3), seconds);
            self.push(Connection { is_outgoing: false, ..connection });
            // Now and then the wrong key first.
            if self.random.percent(20) {
                let connection = self.plain(second - 9, person, 22, (2_800, 3_300), 3);
                self.push(Connection { is_outgoing: false, ..connection });
            }
            let target = Peer::Host(*self.random.pick(&hosts));
            let connection = self.plain(second + 20, target, 22, (typed, typed * 3), seconds.saturating_sub(30).max(5));
            self.push(connection);
        }
        if self.day % 7 == 1 || self.day % 7 == 3 {
            let mut second = midnight + 36_000 + self.random.below(7_200) as i64;
            for &host in &hosts {
                second += self.random.below(4) as i64;
                let connection = self.plain(second, Peer::Host(host), 22, (90_000, 60_000), 40);
                self.push(connection);
            }
        }
    }

    /// Builds fetch packages from many addresses, on workdays.
    fn builds(&mut self, midnight: i64, is_workday: bool) {
        let builds = if is_workday { self.random.range(6, 26) } else { self.random.below(3) };
        for _ in 0..builds {
            let mut second = midnight + 7 * 3_600 + self.random.below(11 * 3_600) as i64 - self.estate.zone * 3_600;
            for _ in 0..self.random.range(5, 40) {
                second += self.random.below(10) as i64;
                let name = *self.random.favour(&PACKAGES);
                // Content networks answer from many machines.
                let Peer::Address([a, b, c, _]) = site(name) else { continue };
                let peer = Peer::Address([a, b, c, self.random.range(1, 255) as u8]);
                let back = self.random.spread(2_000, 90_000_000);
                let connection = self.plain(second, peer, 443, (4_000 + back / 60, back), 4);
                self.push(connection);
                self.ask(second, name);
            }
        }
    }

    /// Fetches the metrics of every host, and looks whether our sites answer.
    fn checks(&mut self, midnight: i64) {
        for (place, host) in self.estate.hosts.iter().enumerate() {
            if place == self.place {
                continue;
            }
            let mut second = midnight + (place as i64 * 7) % 60;
            while second < midnight + 86_400 {
                let mut connection = self.plain(second, Peer::Host(place), 9_100, (2_100, 48_000), 1);
                // A host that is not there yet, or is being renewed, does not answer.
                if self.day < host.starts {
                    connection.peer = Peer::Nobody(host.address);
                    connection.outcome = Outcome::Silent;
                }
                self.push(connection);
                second += 300;
            }
        }
        for number in 0..288 {
            let second = midnight + number * 300 + 11;
            let connection = self.plain(second, site("www.example.com"), 443, (1_500, 24_000), 1);
            self.push(connection);
            self.ask(second, "www.example.com");
        }
    }

    /// Mail goes to many servers, each after a look at lists of bad senders.
    fn mail(&mut self, midnight: i64, is_workday: bool) {
        let letters = if is_workday { self.random.range(80, 260) } else { self.random.range(5, 30) };
        for _ in 0..letters {
            let second = midnight + 6 * 3_600 + self.random.below(14 * 3_600) as i64;
            let number = self.random.spread(1, 400);
            let domain = format!("customer{number}.example.net");
            let server = Peer::Address(Random::of(&[number, 0x6d78]).clone().mx());
            self.query(second, domain.clone(), "MX", "NOERROR", vec![(format!("10 mx.{domain}."), "MX")]);
            let size = self.random.spread(3_000, 900_000);
            let connection = self.plain(second + 1, server, 25, (size, 1_400), 4);
            self.push(connection);
            // What comes in.
            let sender = stranger(&mut self.random);
            let [a, b, c, d] = sender;
            self.query(second + 40, format!("{d}.{c}.{b}.{a}.zen.spamhaus.org"), "A", "NXDOMAIN", Vec::new());
            let connection = self.plain(second + 40, Peer::Address(sender), 25, (size, 1_400), 4);
            self.push(Connection { is_outgoing: false, ..connection });
        }
    }

    /// A product that reads the web: many sites, some of which are gone.
    fn crawl(&mut self, midnight: i64) {
        for number in 0..1_500_u64 {
            let second = midnight + (number * 57) as i64 + self.random.below(50) as i64;
            let peer = Peer::Address(stranger(&mut self.random));
            let port = if self.random.percent(12) { 80 } else { 443 };
            let mut connection = self.plain(second, peer, port, (2_600, 70_000), 3);
            if self.random.percent(6) {
                connection.outcome = Outcome::Silent;
            }
            self.push(connection);
            let mut name = String::from("www.");
            syllables(&mut self.random, 2, &mut name);
            let ending: &str = self.random.pick::<&str>(&[".com", ".org", ".net", ".io", ".co.uk", ".de"]);
            name.push_str(ending);
            if self.random.percent(5) {
                self.query(second, name, "A", "NXDOMAIN", Vec::new());
            } else {
                let answers = vec![(
                    match peer {
                        Peer::Address(address) => dotted(address),
                        _ => String::new(),
                    },
                    "A",
                )];
                self.query(second, name, "A", "NOERROR", answers);
            }
        }
    }

    /// The company's own assessment of what is open, with leave, every Wednesday.
    fn assess(&mut self, midnight: i64) {
        const PORTS: [u16; 24] = [
            21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 993, 1433, 3306, 3389, 5432, 5900, 6379,
            8080, 8443, 9200,
        ];
        let mut second = midnight + 3 * 3_600;
        for place in 0..self.estate.hosts.len() {
            if place == self.place {
                continue;
            }
            for port in PORTS {
                second += self.random.below(2) as i64;
                let mut connection = self.plain(second, Peer::Host(place), port, (60, 40), 0);
                connection.outcome = if port == 22 { Outcome::Answered } else { Outcome::Refused };
                self.push(connection);
            }
        }
    }
}

impl Random {
    /// A mail server somewhere.
    fn mx(mut self) -> [u8; 4] {
        stranger(&mut self)
    }
}

const EUROPE: [&str; 4] = [
    "ssmmessages.eu-central-1.amazonaws.com",
    "monitoring.eu-central-1.amazonaws.com",
    "s3.eu-central-1.amazonaws.com",
    "sqs.eu-central-1.amazonaws.com",
];
const AMERICA: [&str; 4] = [
    "ssmmessages.us-east-1.amazonaws.com",
    "monitoring.us-east-1.amazonaws.com",
    "s3.us-east-1.amazonaws.com",
    "sqs.us-east-1.amazonaws.com",
];

/// Somewhere on the internet, in blocks that lists of threats do not name.
pub(crate) fn stranger(random: &mut Random) -> [u8; 4] {
    const FIRST: [u8; 4] = [55, 214, 215, 7];
    [*random.pick(&FIRST), random.below(256) as u8, random.below(256) as u8, random.range(1, 255) as u8]
}

/// The address that stands behind a name, the same for ever.
pub(crate) fn site(name: &str) -> Peer {
    let number = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)));
    let random = &mut Random::of(&[number]);
    Peer::Address([6, random.below(256) as u8, random.below(256) as u8, random.range(1, 255) as u8])
}

fn answers(name: &str, estate: &Estate) -> Vec<(String, &'static str)> {
    let address = match site(name) {
        _ if name.ends_with(".amazonaws.com") => {
            ec2_address(estate.region_place, &mut estate.random(&[name.len() as u64]))
        }
        Peer::Address(address) => address,
        _ => return Vec::new(),
    };
    vec![(dotted(address), "A")]
}

/// A name that one could say.
pub(crate) fn syllables(random: &mut Random, count: u64, output: &mut String) {
    const SYLLABLES: [&str; 24] = [
        "ba", "co", "de", "fi", "gar", "hol", "in", "jo", "ka", "len", "mar", "net", "or", "pi", "ro", "sun", "ter",
        "ul", "van", "wil", "shop", "tech", "green", "data",
    ];
    for _ in 0..count + random.below(2) {
        let part: &str = random.pick::<&str>(&SYLLABLES);
        output.push_str(part);
    }
}
