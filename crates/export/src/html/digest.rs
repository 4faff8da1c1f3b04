//! What the report says, gathered from findings and account before anything is written.

use crate::account::ScanAccount;
use crate::explain::{Part, facts};
use crate::mitre::tactic_name;
use crate::text::{counted, cut_middle};
use crate::{guardduty, wire};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use watchfire_model::catalogue::{self, CatalogueEntry};
use watchfire_model::{Action, Finding, Remote, SeverityLevel, Time};

/// The levels, the worst first.
pub(super) const LEVELS: [SeverityLevel; 4] =
    [SeverityLevel::Critical, SeverityLevel::High, SeverityLevel::Medium, SeverityLevel::Low];

/// The tactics of MITRE ATT&CK in the order in which an attack uses them.
pub(super) const TACTICS: [&str; 14] = [
    "TA0043", "TA0042", "TA0001", "TA0002", "TA0003", "TA0004", "TA0005", "TA0006", "TA0007", "TA0008", "TA0009",
    "TA0011", "TA0010", "TA0040",
];

/// Columns of an account in the title; a real one has twelve digits.
const NAME_COLUMNS: usize = 40;
/// Columns of a title in the summary.
const TITLE_COLUMNS: usize = 160;

/// Findings, account, and what follows from them.
pub(super) struct Digest<'a> {
    pub(super) account: &'a ScanAccount,
    /// The findings, the worst first.
    pub(super) rows: Vec<Row<'a>>,
    pub(super) types: Vec<TypeGroup>,
    pub(super) entities: Vec<Entity>,
    pub(super) places: Vec<Place>,
    /// From the first thing known of to the last.
    pub(super) period: Option<(Time, Time)>,
}

/// One finding and what is said about it.
pub(super) struct Row<'a> {
    pub(super) finding: &'a Finding,
    pub(super) type_index: usize,
    pub(super) resource: String,
    pub(super) party: String,
    pub(super) facts: Vec<Part>,
    pub(super) entities: Vec<usize>,
    pub(super) places: Vec<usize>,
}

impl Row<'_> {
    pub(super) fn level(&self) -> SeverityLevel {
        self.finding.latest.severity.level()
    }

    pub(super) fn title(&self) -> &str {
        let signal = &self.finding.latest;
        if signal.title.is_empty() { signal.finding_type.as_str() } else { &signal.title }
    }

    /// What to go to first: the buckets, if it is about any, else the resource.
    pub(super) fn targets(&self) -> Vec<String> {
        let buckets = &self.finding.latest.resource.buckets;
        let buckets: Vec<String> = buckets.iter().map(|bucket| format!("bucket {}", bucket.name)).collect();
        if buckets.is_empty() { vec![self.resource.clone()] } else { buckets }
    }

    /// The title where room is scarce.
    pub(super) fn short_title(&self) -> String {
        cut_middle(self.title(), TITLE_COLUMNS)
    }
}

/// The findings of one type.
pub(super) struct TypeGroup {
    pub(super) name: &'static str,
    pub(super) entry: Option<&'static CatalogueEntry>,
    /// By index, the worst first.
    pub(super) rows: Vec<usize>,
}

impl TypeGroup {
    /// Tactic ids.
    pub(super) fn tactics(&self) -> &[String] {
        self.entry.map_or(&[], |entry| &entry.tactic.mitre_tactics)
    }
}

/// Somebody or something that findings are about.
pub(super) struct Entity {
    pub(super) kind: EntityKind,
    pub(super) name: String,
    pub(super) account: String,
    /// By index, the worst first.
    pub(super) rows: Vec<usize>,
}

/// Whether it acts by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum EntityKind {
    /// A user, a role, a key.
    Identity,
    /// An instance, a bucket.
    Resource,
}

/// Where others came from or were reached.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    /// Addresses seen there.
    pub(super) addresses: BTreeSet<String>,
    /// Who announces them.
    pub(super) networks: BTreeSet<String>,
    /// By index, the worst first.
    pub(super) rows: Vec<usize>,
}

impl<'a> Digest<'a> {
    pub(super) fn of(findings: &'a [Finding], account: &'a ScanAccount) -> Self {
        let mut sorted: Vec<&Finding> = findings.iter().collect();
        sorted.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.latest.severity, finding.last_seen);
            key(other).cmp(&key(one)).then_with(|| one.id.cmp(&other.id))
        });
        let mut gathering = Gathering::default();
        let rows = sorted.into_iter().enumerate().map(|(index, finding)| gathering.row(index, finding)).collect();
        let mut digest = Digest {
            account,
            rows,
            types: gathering.types,
            entities: gathering.entities,
            places: gathering.places,
            period: None,
        };
        digest.period = digest.period_of();
        digest
    }

    fn period_of(&self) -> Option<(Time, Time)> {
        let findings = self.rows.iter().map(|row| (row.finding.first_seen, row.finding.last_seen));
        let spans = self.account.spans.iter().map(|span| (span.first, span.last));
        findings.chain(spans).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// From the first to the last occurrence.
    pub(super) fn findings_period(&self) -> Option<(Time, Time)> {
        let findings = self.rows.iter().map(|row| (row.finding.first_seen, row.finding.last_seen));
        findings.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// How many findings of each level, in the order of [`LEVELS`].
    pub(super) fn by_level(&self, rows: impl IntoIterator<Item = usize>) -> [u64; 4] {
        let mut counts = [0; 4];
        for row in rows.into_iter().filter_map(|index| self.rows.get(index)) {
            counts[usize::from(rank(row.level()))] += 1;
        }
        counts
    }

    /// The accounts that findings are in.
    pub(super) fn accounts(&self) -> BTreeSet<&'a str> {
        self.rows.iter().map(|row| row.finding.latest.account.as_str()).filter(|id| !id.is_empty()).collect()
    }

    /// The regions that findings are in.
    pub(super) fn regions(&self) -> BTreeSet<&'a str> {
        self.rows.iter().map(|row| row.finding.latest.region.as_str()).filter(|name| !name.is_empty()).collect()
    }

    /// `17 findings in account 111122223333`.
    pub(super) fn headline(&self) -> String {
        let accounts = self.accounts();
        let place = match (accounts.len(), accounts.first()) {
            (1, Some(account)) => format!(" in account {}", cut_middle(account, NAME_COLUMNS)),
            (0, _) => String::new(),
            (count, _) => format!(" in {}", counted(count as u64, "account")),
        };
        match self.rows.len() {
            0 => "No findings".to_owned(),
            count => format!("{}{place}", counted(count as u64, "finding")),
        }
    }

    /// The rows of each tactic that has any, in the order of [`TACTICS`].
    pub(super) fn by_tactic(&self) -> Vec<(&'static str, &'static str, Vec<usize>)> {
        let of = |id: &str| {
            let groups = self.types.iter().filter(|group| group.tactics().iter().any(|tactic| tactic == id));
            groups.flat_map(|group| group.rows.iter().copied()).collect::<Vec<_>>()
        };
        TACTICS.iter().map(|id| (*id, tactic_name(id), of(id))).filter(|(_, _, rows)| !rows.is_empty()).collect()
    }

    /// Types in the order in which to look at them: the worst first, then those with most findings.
    pub(super) fn types_by_urgency(&self) -> Vec<(usize, &TypeGroup)> {
        let mut types: Vec<(usize, &TypeGroup)> = self.types.iter().enumerate().collect();
        let worst = |group: &TypeGroup| group.rows.first().map(|row| self.rows[*row].finding.latest.severity);
        types.sort_by(|(_, one), (_, other)| {
            (worst(other), other.rows.len()).cmp(&(worst(one), one.rows.len())).then(one.name.cmp(other.name))
        });
        types
    }

    /// Entities of a kind: the one with the worst finding first, then the one with most of it.
    pub(super) fn entities_by_risk(&self, kind: EntityKind) -> Vec<(usize, &Entity)> {
        let mut entities: Vec<_> = self.entities.iter().enumerate().filter(|(_, entity)| entity.kind == kind).collect();
        let risk = |entity: &Entity| {
            let severities = entity.rows.iter().map(|row| self.rows[*row].finding.latest.severity);
            let tenths = severities.clone().map(|severity| (severity.number() * 10.0) as u64).sum::<u64>();
            (severities.max(), tenths)
        };
        entities.sort_by(|(_, one), (_, other)| {
            risk(other).cmp(&risk(one)).then_with(|| (&one.name, &one.account).cmp(&(&other.name, &other.account)))
        });
        entities
    }

    /// Whether a database was consulted whose name holds this.
    pub(super) fn uses_database_of(&self, maker: &str) -> bool {
        let used = self.rows.iter().flat_map(|row| &row.finding.knowledge);
        used.filter(|source| matches!(source.kind.as_str(), "geography" | "asn"))
            .any(|source| source.name.to_ascii_lowercase().contains(maker))
    }
}

/// What has been met so far, each thing once.
#[derive(Default)]
struct Gathering {
    types: Vec<TypeGroup>,
    type_of: HashMap<&'static str, usize>,
    entities: Vec<Entity>,
    entity_of: HashMap<(EntityKind, String, String), usize>,
    places: Vec<Place>,
    place_of: HashMap<(String, i64, i64), usize>,
}

impl Gathering {
    fn row<'a>(&mut self, index: usize, finding: &'a Finding) -> Row<'a> {
        let json = guardduty::finding_json(finding);
        let type_index = self.of_type(index, finding.latest.finding_type.as_str());
        let places = remotes(&finding.latest.action).into_iter().filter_map(|remote| self.place(index, remote));
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable();
        places.dedup();
        Row {
            finding,
            type_index,
            resource: wire::resource(&json),
            party: wire::party(&json),
            facts: facts(&json),
            entities: self.entities_of(index, finding, &json),
            places,
        }
    }

    fn of_type(&mut self, row: usize, name: &'static str) -> usize {
        let types = &mut self.types;
        let index = *self.type_of.entry(name).or_insert_with(|| {
            types.push(TypeGroup { name, entry: catalogue::entry(name), rows: Vec::new() });
            types.len() - 1
        });
        types[index].rows.push(row);
        index
    }

    fn entities_of(&mut self, row: usize, finding: &Finding, json: &serde_json::Value) -> Vec<usize> {
        let resource = &finding.latest.resource;
        let account = &finding.latest.account;
        let mut found = Vec::new();
        if let Some(key) = json.pointer("/resource/accessKeyDetails") {
            found.push(self.entity(row, EntityKind::Identity, wire::key_name(key), account));
        }
        // Whatever its kind says, a finding may be about an instance or a bucket besides.
        if let Some(instance) = resource.instance.as_ref().filter(|instance| !instance.instance_id.is_empty()) {
            found.push(self.entity(row, EntityKind::Resource, instance.instance_id.clone(), account));
        }
        for bucket in &resource.buckets {
            found.push(self.entity(row, EntityKind::Resource, format!("bucket {}", bucket.name), account));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn entity(&mut self, row: usize, kind: EntityKind, name: String, account: &str) -> usize {
        let entities = &mut self.entities;
        let index = *self.entity_of.entry((kind, name.clone(), account.to_owned())).or_insert_with(|| {
            entities.push(Entity { kind, name, account: account.to_owned(), rows: Vec::new() });
            entities.len() - 1
        });
        if entities[index].rows.last() != Some(&row) {
            entities[index].rows.push(row);
        }
        index
    }

    /// `None` where no database said where the address is.
    fn place(&mut self, row: usize, remote: &Remote) -> Option<usize> {
        let located = remote.location.filter(|(latitude, longitude)| latitude.is_finite() && longitude.is_finite());
        let (latitude, longitude) = located.or_else(|| country_point(&remote.country_code))?;
        let country = [&remote.country_name, &remote.country_code].into_iter().find(|name| !name.is_empty());
        let parts = [Some(&remote.city).filter(|city| !city.is_empty()), country];
        let name = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = if name.is_empty() { format!("{latitude:.1}, {longitude:.1}") } else { name };
        // Databases give one city several points; a degree apart is another city of the same name.
        let key = (name.clone(), latitude.round() as i64, longitude.round() as i64);
        let places = &mut self.places;
        let index = *self.place_of.entry(key).or_insert_with(|| {
            let (addresses, networks, rows) = Default::default();
            places.push(Place { name, latitude, longitude, addresses, networks, rows });
            places.len() - 1
        });
        let place = &mut places[index];
        place.addresses.insert(remote.ip.to_string());
        let network = [&remote.asn_org, &remote.org, &remote.isp].into_iter().find(|name| !name.is_empty());
        place.networks.extend(network.cloned());
        if place.rows.last() != Some(&row) {
            place.rows.push(row);
        }
        Some(index)
    }
}

fn remotes(action: &Action) -> Vec<&Remote> {
    match action {
        Action::ApiCall(call) => call.remote.iter().collect(),
        Action::NetworkConnection(connection) => connection.remote.iter().collect(),
        Action::PortProbe(probe) => probe.probes.iter().map(|probe| &probe.remote).collect(),
        Action::DnsRequest(_) => Vec::new(),
    }
}

/// A point for a country, where a database knows no more than that.
fn country_point(code: &str) -> Option<(f64, f64)> {
    const POINTS: &str = include_str!("../../assets/country-points.csv");
    if code.len() != 2 {
        return None;
    }
    let (latitude, longitude) =
        POINTS.lines().find_map(|line| line.strip_prefix(code)?.strip_prefix(','))?.split_once(',')?;
    Some((latitude.parse().ok()?, longitude.parse().ok()?))
}

/// 0 for the worst level to 3.
pub(super) fn rank(level: SeverityLevel) -> u8 {
    match level {
        SeverityLevel::Critical => 0,
        SeverityLevel::High => 1,
        SeverityLevel::Medium => 2,
        SeverityLevel::Low => 3,
    }
}

/// `High`.
pub(super) fn level_name(level: SeverityLevel) -> &'static str {
    match level {
        SeverityLevel::Critical => "Critical",
        SeverityLevel::High => "High",
        SeverityLevel::Medium => "Medium",
        SeverityLevel::Low => "Low",
    }
}

/// Counts by name, for the sums of the account.
pub(super) fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    crate::account::total(counts)
}
