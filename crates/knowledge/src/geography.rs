//! Where an address is and who announces it, from databases in MaxMind's format.

use maxminddb::{PathElement, Reader};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use watchfire_model::{KnowledgeUsed, Remote, Time};

/// Databases that the operator supplies: city, country, ASN, ISP, in any combination. The default value has none.
///
/// Nothing is invented: what no database says stays empty. If several say the same thing, the one added first wins.
#[derive(Debug, Default)]
pub struct Geography {
    databases: Vec<Reader<Vec<u8>>>,
}

/// A place on earth, as far as a database knows it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spot {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Kilometres around it in which the address is with about 67 % confidence, as MaxMind says.
    pub radius_km: u16,
}

/// The radius where a database has none. Source: our choice; MaxMind gives 100 km and less for most cities, 1,000 where
/// only the country is known.
const RADIUS_KM: u16 = 200;
/// Source: mean radius of the earth, IUGG.
const EARTH_KM: f64 = 6_371.0;

impl Spot {
    /// Kilometres between two places along the surface, without both radii: the least that lies between them. Source: the
    /// haversine formula.
    pub fn least_distance_km(self, other: Self) -> u32 {
        let (north, other_north) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |degrees: f64| (degrees.to_radians() / 2.0).sin();
        let along = half(other.latitude - self.latitude);
        let across = half(other.longitude - self.longitude);
        let square = along * along + north.cos() * other_north.cos() * across * across;
        let distance = 2.0 * EARTH_KM * square.clamp(0.0, 1.0).sqrt().asin();
        let least = distance - f64::from(self.radius_km) - f64::from(other.radius_km);
        least.max(0.0).round() as u32
    }
}

/// The bytes were not a database in MaxMind's format.
#[derive(Debug, thiserror::Error)]
#[error("could not read the bytes as a geography database in MaxMind's format")]
pub struct GeographyError(#[source] maxminddb::MaxMindDbError);

impl Geography {
    /// Adds a database, given as the bytes of its file.
    pub fn add(&mut self, database: Vec<u8>) -> Result<&mut Self, GeographyError> {
        self.databases.push(Reader::from_source(database).map_err(GeographyError)?);
        Ok(self)
    }

    /// The address with what the databases say about it.
    pub fn remote(&self, ip: IpAddr) -> Remote {
        let mut remote = Remote::unknown(ip);
        let ip = crate::address::canonical(ip);
        // A damaged record is like no record: a finding without a city is better than no finding.
        for found in self.databases.iter().filter_map(|database| database.lookup(ip).ok()) {
            if found.has_data() {
                fill(&mut remote, &found);
            }
        }
        remote
    }

    /// Where an address is, and how far from there it may be; `None` if no database has coordinates for it.
    pub fn spot(&self, ip: IpAddr) -> Option<Spot> {
        let ip = crate::address::canonical(ip);
        self.databases.iter().filter_map(|database| database.lookup(ip).ok()).find_map(|found| {
            let coordinate = |name| value::<Coordinate>(&found, &["location", name]).or_else(|| value(&found, &[name]));
            let (latitude, longitude) = coordinate("latitude").zip(coordinate("longitude"))?;
            let is_on_earth = latitude.0.abs() <= 90.0 && longitude.0.abs() <= 180.0;
            let radius_km = value::<u16>(&found, &["location", "accuracy_radius"]).unwrap_or(RADIUS_KM);
            is_on_earth.then_some(Spot { latitude: latitude.0, longitude: longitude.0, radius_km })
        })
    }

    /// The databases, in the order in which they were added.
    pub fn used_versions(&self) -> Vec<KnowledgeUsed> {
        self.databases.iter().map(|database| used(database.metadata())).collect()
    }
}

type Found<'a> = maxminddb::LookupResult<'a, Vec<u8>>;

/// Fills what is still unknown.
///
/// MaxMind nests its records (`country.iso_code`, `city.names.en`), DB-IP's flat files do not (`country_code`, `city`).
fn fill(remote: &mut Remote, found: &Found<'_>) {
    let nested_city = || text(found, &["city", "names", "en"]);
    set(&mut remote.city, || nested_city().or_else(|| text(found, &["city"])));
    set(&mut remote.country_code, || {
        text(found, &["country", "iso_code"])
            .or_else(|| text(found, &["country_code"]))
            // Databases that know only where a network is registered; not where it is used, but all they say.
            .or_else(|| text(found, &["registered_country", "iso_code"]))
    });
    set(&mut remote.country_name, || {
        text(found, &["country", "names", "en"])
            .or_else(|| text(found, &["country_name"]))
            .or_else(|| text(found, &["country"]).filter(|country| country.len() > 2))
            .or_else(|| text(found, &["registered_country", "names", "en"]))
    });
    set(&mut remote.asn_org, || {
        text(found, &["autonomous_system_organization"]).or_else(|| text(found, &["as_organization"]))
    });
    set(&mut remote.isp, || text(found, &["isp"]));
    set(&mut remote.org, || text(found, &["organization"]));
    if remote.asn.is_none() {
        remote.asn = value::<u32>(found, &["autonomous_system_number"]).or_else(|| value(found, &["as_number"]));
    }
    if remote.location.is_none() {
        let coordinate = |name| value::<Coordinate>(found, &["location", name]).or_else(|| value(found, &[name]));
        remote.location = coordinate("latitude").zip(coordinate("longitude")).map(|(north, east)| (north.0, east.0));
    }
}

fn set(field: &mut String, value: impl FnOnce() -> Option<String>) {
    if field.is_empty() {
        *field = value().unwrap_or_default();
    }
}

fn text(found: &Found<'_>, path: &[&str]) -> Option<String> {
    value(found, path)
}

/// The value at a path of keys, if it is there and of this type.
fn value<T: DeserializeOwned>(found: &Found<'_>, path: &[&str]) -> Option<T> {
    let path: Vec<_> = path.iter().map(|key| PathElement::Key(key)).collect();
    found.decode_path(&path).ok().flatten()
}

/// Degrees; MaxMind writes a double, others a float or text.
struct Coordinate(f64);

impl<'de> Deserialize<'de> for Coordinate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(degrees) => Ok(Self(degrees)),
            Written::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

fn used(metadata: &maxminddb::Metadata) -> KnowledgeUsed {
    let is_asn = ["asn", "isp"].iter().any(|word| metadata.database_type.to_ascii_lowercase().contains(word));
    KnowledgeUsed {
        name: metadata.database_type.clone(),
        kind: if is_asn { "asn" } else { "geography" }.to_owned(),
        version: Time::from_seconds(i64::try_from(metadata.build_epoch).unwrap_or(i64::MAX)).date(),
    }
}

#[cfg(test)]
mod tests {
    use super::Geography;
    use proptest::prelude::*;
    use watchfire_model::Remote;

    // MaxMind's test databases (MaxMind/MaxMind-DB, Apache-2.0 or MIT): few networks, the real layout.
    const CITY: &[u8] = include_bytes!("../tests/data/GeoLite2-City-Test.mmdb");
    const ASN: &[u8] = include_bytes!("../tests/data/GeoLite2-ASN-Test.mmdb");

    fn geography() -> Geography {
        let mut geography = Geography::default();
        geography.add(CITY.to_vec()).unwrap().add(ASN.to_vec()).unwrap();
        geography
    }

    #[test]
    fn several_databases_complete_each_other() {
        let remote = geography().remote("89.160.20.112".parse().unwrap());
        assert_eq!(
            (remote.city.as_str(), remote.country_code.as_str(), remote.country_name.as_str(), remote.asn),
            ("Linköping", "SE", "Sweden", Some(29518))
        );
        assert_eq!(remote.asn_org, "Bredband2 AB");
        let (north, east) = remote.location.unwrap();
        assert!((north - 58.4167).abs() < 1e-3 && (east - 15.6167).abs() < 1e-3);
    }

    #[test]
    fn places_have_a_radius_and_a_distance() {
        let (sweden, london) = ("89.160.20.112".parse().unwrap(), "81.2.69.142".parse().unwrap());
        let (here, there) = (geography().spot(sweden).unwrap(), geography().spot(london).unwrap());
        // 1,259 km apart, less 76 and 10 km of uncertainty.
        assert!((1_100..1_260).contains(&here.least_distance_km(there)), "{here:?} {there:?}");
        assert_eq!(here.least_distance_km(here), 0);
        assert_eq!(geography().spot("10.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn an_address_that_no_database_has_stays_unknown() {
        let ip = "10.0.0.1".parse().unwrap();
        assert_eq!(geography().remote(ip), Remote::unknown(ip));
        assert_eq!(Geography::default().remote(ip), Remote::unknown(ip));
    }

    #[test]
    fn a_database_says_what_it_is() {
        let used = geography().used_versions();
        assert_eq!([used[0].kind.as_str(), used[1].kind.as_str()], ["geography", "asn"]);
        assert_eq!(used[0].name, "GeoLite2-City");
        assert_eq!(used[0].version.len(), 10);
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(Geography::default().add(b"not a database".to_vec()).is_err());
    }

    proptest! {
        #[test]
        fn a_damaged_database_never_panics(at in 0usize..ASN.len(), byte: u8, ip: u32) {
            let mut bytes = ASN.to_vec();
            bytes[at] = byte;
            let mut geography = Geography::default();
            if geography.add(bytes).is_ok() {
                geography.remote(std::net::Ipv4Addr::from(ip).into());
                geography.remote("89.160.20.112".parse().unwrap());
            }
        }
    }
}
