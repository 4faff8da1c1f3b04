//! AWS's published address ranges.

use crate::address::canonical;
use crate::ranges::{Prefixes, RangeTable, flatten};
use hashbrown::HashMap;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use watchfire_model::KnowledgeUsed;

/// Which addresses are AWS's, in which region, for which service. The default value knows none.
#[derive(Debug, Default)]
pub struct CloudRanges {
    date: String,
    v4: RangeTable<u32>,
    v6: RangeTable<u128>,
    /// (region, service); the tables hold positions in here.
    places: Vec<(Box<str>, Box<str>)>,
}

/// The bytes were not AWS's `ip-ranges.json`.
#[derive(Debug, thiserror::Error)]
pub enum CloudRangesError {
    /// Not JSON of that shape.
    #[error("could not read the address ranges as AWS's ip-ranges.json")]
    Json(#[source] serde_json::Error),
    /// A prefix that is none.
    #[error("`{0}` in the address ranges is not a prefix")]
    Prefix(String),
    /// No prefix at all: surely the wrong file.
    #[error("the address ranges hold no prefix")]
    Empty,
}

/// A table derived from the `ip-ranges.json` that AWS publishes; see [`CloudRanges::to_table`].
const BLOB: &[u8] = include_bytes!("../data/aws-ranges.bin");

/// The uncompressed size that is accepted, in bytes; what ships is a tenth of it.
const TABLE_BYTES_MAX: usize = 8 << 20;

/// The service that AWS gives to every range, whatever else uses it.
const GENERAL_SERVICE: &str = "AMAZON";

impl CloudRanges {
    /// The table that ships in the program.
    pub fn shipped() -> Self {
        // Part of the program, and a test reads it: it cannot be damaged in a build that passed.
        let table = zstd::bulk::decompress(BLOB, TABLE_BYTES_MAX).unwrap_or_default();
        Self::from_table(std::str::from_utf8(&table).unwrap_or_default())
    }

    /// Reads the file that AWS publishes at <https://ip-ranges.amazonaws.com/ip-ranges.json>.
    pub fn from_json(bytes: &[u8]) -> Result<Self, CloudRangesError> {
        let file: File<'_> = serde_json::from_slice(bytes).map_err(CloudRangesError::Json)?;
        let mut rows = Vec::with_capacity(file.prefixes.len() + file.ipv6_prefixes.len());
        for row in file.prefixes.iter().chain(&file.ipv6_prefixes) {
            let network = row.prefix.parse().map_err(|_| CloudRangesError::Prefix(row.prefix.to_owned()))?;
            rows.push((network, row.region, row.service));
        }
        if rows.is_empty() {
            return Err(CloudRangesError::Empty);
        }
        // `2025-07-24-20-23-14`: the day is enough.
        Ok(Self::build(file.create_date.get(..10).unwrap_or_default(), &rows))
    }

    /// Whether the address is AWS's.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.place(ip).is_some()
    }

    /// Region and service of the narrowest range, such as (`eu-west-1`, `S3`).
    ///
    /// The service is `AMAZON` only where AWS names no other; the region is `GLOBAL` for services without one.
    pub fn lookup(&self, ip: IpAddr) -> Option<(&str, &str)> {
        let (region, service) = self.places.get(self.place(ip)? as usize)?;
        Some((region, service))
    }

    /// The day of the ranges, `2025-07-24`; empty if there are none.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// The ranges as compact text: the date, then a line `first last region service` for each range.
    pub fn to_table(&self) -> String {
        let line = |first: IpAddr, last: IpAddr, place: u32| {
            let (region, service) = &self.places[place as usize];
            format!("{first} {last} {region} {service}\n")
        };
        let v4 =
            self.v4.iter().map(|(first, last, place)| line(IpAddr::V4(first.into()), IpAddr::V4(last.into()), place));
        let v6 =
            self.v6.iter().map(|(first, last, place)| line(IpAddr::V6(first.into()), IpAddr::V6(last.into()), place));
        std::iter::once(format!("{}\n", self.date)).chain(v4).chain(v6).collect()
    }

    pub(crate) fn used_version(&self) -> Option<KnowledgeUsed> {
        (!self.places.is_empty()).then(|| KnowledgeUsed {
            name: "AWS IP ranges".into(),
            kind: "aws-ranges".into(),
            version: self.date.clone(),
        })
    }

    fn place(&self, ip: IpAddr) -> Option<u32> {
        match canonical(ip) {
            IpAddr::V4(ip) => self.v4.get(ip.into()),
            IpAddr::V6(ip) => self.v6.get(ip.into()),
        }
    }

    fn build(date: &str, rows: &[(IpNet, &str, &str)]) -> Self {
        let mut ranges = Self { date: date.to_owned(), ..Self::default() };
        let (mut places, mut prefixes) = (Places::default(), Prefixes::default());
        rows.iter().enumerate().for_each(|(row, (network, ..))| prefixes.push(network.trunc(), row as u32));
        let mut place_of = |covering: &[u32]| {
            let covering = covering.iter().filter_map(|&row| rows.get(row as usize));
            let best = covering.max_by_key(|(network, region, service)| {
                (*service != GENERAL_SERVICE, network.prefix_len(), std::cmp::Reverse((*region, *service)))
            });
            best.map_or(0, |(_, region, service)| places.number(region, service))
        };
        flatten(prefixes.v4, |first, last, covering| ranges.v4.push(first, last, place_of(covering)));
        flatten(prefixes.v6, |first, last, covering| ranges.v6.push(first, last, place_of(covering)));
        ranges.places = places.list;
        ranges.finished()
    }

    /// The reverse of [`Self::to_table`]; lines that are not of its form are left out.
    fn from_table(table: &str) -> Self {
        let mut lines = table.lines();
        let mut ranges = Self { date: lines.next().unwrap_or_default().to_owned(), ..Self::default() };
        let mut places = Places::default();
        for line in lines {
            let mut fields = line.split(' ');
            let mut address = || fields.next()?.parse::<IpAddr>().ok();
            let (Some(first), Some(last)) = (address(), address()) else { continue };
            let (Some(region), Some(service)) = (fields.next(), fields.next()) else { continue };
            let place = places.number(region, service);
            match (first, last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => ranges.v4.push(first.into(), last.into(), place),
                (IpAddr::V6(first), IpAddr::V6(last)) => ranges.v6.push(first.into(), last.into(), place),
                _ => {}
            }
        }
        ranges.places = places.list;
        ranges.finished()
    }

    fn finished(mut self) -> Self {
        self.v4.finish();
        self.v6.finish();
        self
    }
}

/// Gives each (region, service) a number, in order of appearance.
#[derive(Default)]
struct Places<'a> {
    list: Vec<(Box<str>, Box<str>)>,
    numbers: HashMap<(&'a str, &'a str), u32, foldhash::fast::FixedState>,
}

impl<'a> Places<'a> {
    fn number(&mut self, region: &'a str, service: &'a str) -> u32 {
        *self.numbers.entry((region, service)).or_insert_with(|| {
            self.list.push((region.into(), service.into()));
            self.list.len() as u32 - 1
        })
    }
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(rename = "createDate", borrow, default)]
    create_date: &'a str,
    #[serde(borrow, default)]
    prefixes: Vec<Row<'a>>,
    #[serde(borrow, default)]
    ipv6_prefixes: Vec<Row<'a>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(rename = "ip_prefix", alias = "ipv6_prefix")]
    prefix: &'a str,
    region: &'a str,
    service: &'a str,
}

#[cfg(test)]
mod tests {
    use super::{CloudRanges, CloudRangesError};

    const JSON: &str = r#"{"syncToken": "1", "createDate": "2025-07-24-20-23-14",
        "prefixes": [
            {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "AMAZON", "network_border_group": "x"},
            {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "S3", "network_border_group": "x"},
            {"ip_prefix": "3.5.141.0/24", "region": "ap-northeast-2", "service": "AMAZON", "network_border_group": "x"}],
        "ipv6_prefixes": [
            {"ipv6_prefix": "2600:1f69:7400::/40", "region": "mx-central-1", "service": "AMAZON", "network_border_group": "x"}]}"#;

    #[test]
    fn the_named_service_wins_over_the_general_one() {
        let ranges = CloudRanges::from_json(JSON.as_bytes()).unwrap();
        let lookup = |ip: &str| ranges.lookup(ip.parse().unwrap());
        assert_eq!(lookup("3.5.141.7"), Some(("ap-northeast-2", "S3")));
        assert_eq!(lookup("2600:1f69:74ff::1"), Some(("mx-central-1", "AMAZON")));
        assert_eq!(lookup("::ffff:3.5.140.1"), Some(("ap-northeast-2", "S3")));
        assert_eq!(lookup("3.5.144.0"), None);
        assert_eq!(ranges.date(), "2025-07-24");
    }

    #[test]
    fn the_table_form_gives_the_same_answers() {
        let ranges = CloudRanges::from_json(JSON.as_bytes()).unwrap();
        let table = ranges.to_table();
        assert_eq!(CloudRanges::from_table(&table).to_table(), table);
        assert!(table.starts_with("2025-07-24\n3.5.140.0 3.5.143.255 ap-northeast-2 S3\n"), "{table}");
    }

    #[test]
    fn another_file_is_refused_with_a_sentence() {
        assert!(matches!(CloudRanges::from_json(b"<html>"), Err(CloudRangesError::Json(_))));
        assert!(matches!(CloudRanges::from_json(b"{}"), Err(CloudRangesError::Empty)));
    }

    #[test]
    fn the_shipped_table_knows_aws() {
        let ranges = CloudRanges::shipped();
        assert_eq!(ranges.date(), "2025-07-24");
        assert_eq!(ranges.lookup("52.216.0.1".parse().unwrap()), Some(("us-east-1", "S3")));
        assert!(!ranges.contains("8.8.8.8".parse().unwrap()) && !ranges.contains("10.0.0.1".parse().unwrap()));
    }
}
