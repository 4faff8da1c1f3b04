//! Writes a small database in MaxMind's format: where the estate's networks are, and who announces them.
//!
//! Format: MaxMind DB File Format Specification 2.0. A binary tree over the bits of an address, with records of 32 bits,
//! then sixteen zeros, then the data, then the metadata behind a marker.

use super::estate::Network;
use std::collections::BTreeMap;

/// A value of the format, as far as it is needed.
enum Value<'a> {
    Text(&'a str),
    Short(u16),
    Number(u32),
    Long(u64),
    Double(f64),
    Map(BTreeMap<&'a str, Value<'a>>),
    List(Vec<Value<'a>>),
}

const NOWHERE: usize = usize::MAX;

/// The database of these networks.
pub(crate) fn database(networks: &[Network]) -> Vec<u8> {
    // Each node has two children: another node, or the network of this place.
    let mut nodes: Vec<[Child; 2]> = vec![[Child::None; 2]];
    for (place, network) in networks.iter().enumerate() {
        let bits = u16::from_be_bytes(network.block);
        let mut node = 0;
        for depth in 0..16 {
            let side = usize::from(bits >> (15 - depth) & 1);
            if depth == 15 {
                nodes[node][side] = Child::Network(place);
            } else {
                node = match nodes[node][side] {
                    Child::Node(next) => next,
                    _ => {
                        nodes.push([Child::None; 2]);
                        let next = nodes.len() - 1;
                        nodes[node][side] = Child::Node(next);
                        next
                    }
                };
            }
        }
    }
    let (mut data, mut offsets) = (Vec::new(), Vec::new());
    for network in networks {
        offsets.push(data.len());
        write(&described(network), &mut data);
    }
    let count = nodes.len();
    let mut file = Vec::new();
    for node in &nodes {
        for child in node {
            let record = match *child {
                Child::None => count,
                Child::Node(next) => next,
                Child::Network(place) => count + 16 + offsets.get(place).copied().unwrap_or(NOWHERE),
            };
            file.extend(u32::try_from(record).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    file.extend([0; 16]);
    file.append(&mut data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = BTreeMap::from([
        ("binary_format_major_version", Value::Short(2)),
        ("binary_format_minor_version", Value::Short(0)),
        ("build_epoch", Value::Long(1_772_000_000)),
        ("database_type", Value::Text("Estate-City-ASN")),
        ("description", Value::Map(BTreeMap::from([("en", Value::Text("The networks of a generated estate"))]))),
        ("ip_version", Value::Short(4)),
        ("languages", Value::List(vec![Value::Text("en")])),
        ("node_count", Value::Number(count as u32)),
        ("record_size", Value::Short(32)),
    ]);
    write(&Value::Map(metadata), &mut file);
    file
}

#[derive(Clone, Copy)]
enum Child {
    None,
    Node(usize),
    Network(usize),
}

fn described(network: &Network) -> Value<'_> {
    let names = |name| Value::Map(BTreeMap::from([("en", Value::Text(name))]));
    Value::Map(BTreeMap::from([
        ("autonomous_system_number", Value::Number(network.asn)),
        ("autonomous_system_organization", Value::Text(network.organization)),
        ("city", Value::Map(BTreeMap::from([("names", names(network.city))]))),
        (
            "country",
            Value::Map(BTreeMap::from([("iso_code", Value::Text(network.country)), ("names", names(network.country))])),
        ),
        (
            "location",
            Value::Map(BTreeMap::from([
                ("accuracy_radius", Value::Short(20)),
                ("latitude", Value::Double(network.spot.0)),
                ("longitude", Value::Double(network.spot.1)),
            ])),
        ),
    ]))
}

/// A control byte with type and size, then the value. Types above 7 stand in a second byte. No value here is longer
/// than 284 bytes.
fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    let mut control = |kind: u8, size: usize| {
        let (small, long) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
        if kind > 7 {
            out.extend([small, kind - 7]);
        } else {
            out.push(kind << 5 | small);
        }
        out.extend(long);
    };
    match value {
        Value::Text(text) => {
            control(2, text.len());
            out.extend(text.as_bytes());
        }
        Value::Double(number) => {
            control(3, 8);
            out.extend(number.to_be_bytes());
        }
        Value::Short(number) => {
            control(5, 2);
            out.extend(number.to_be_bytes());
        }
        Value::Number(number) => {
            control(6, 4);
            out.extend(number.to_be_bytes());
        }
        Value::Long(number) => {
            control(9, 8);
            out.extend(number.to_be_bytes());
        }
        Value::Map(map) => {
            control(7, map.len());
            for (key, value) in map {
                write(&Value::Text(key), out);
                write(value, out);
            }
        }
        Value::List(list) => {
            control(11, list.len());
            list.iter().for_each(|value| write(value, out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_knowledge::Geography;

    #[test]
    fn what_was_written_is_read_back() {
        let network = |block, city, asn| Network {
            block,
            asn,
            organization: "Example Cable",
            country: "DE",
            city,
            spot: (52.5, 13.4),
        };
        let mut geography = Geography::default();
        let database = database(&[network([11, 10], "Berlin", 64_600), network([11, 13], "Munich", 64_601)]);
        geography.add(database).unwrap();
        let remote = geography.remote("11.13.7.9".parse().unwrap());
        assert_eq!((remote.city.as_str(), remote.country_code.as_str(), remote.asn), ("Munich", "DE", Some(64_601)));
        assert_eq!(geography.remote("11.10.0.1".parse().unwrap()).location, Some((52.5, 13.4)));
        assert_eq!(geography.remote("11.11.0.1".parse().unwrap()).asn, None);
    }
}
