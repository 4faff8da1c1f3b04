//! What the shipped knowledge costs: `cargo run --release -p watchfire-knowledge --example cost`.
//!
//! Prints processor-bound wall time; run it on an idle machine.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement needs a clock and a terminal")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;
use watchfire_knowledge::{CloudRanges, Indicator, IndicatorsBuilder, Knowledge, default_lists};

const LOOKUPS: usize = 2_000_000;

fn main() {
    for _ in 0..3 {
        let start = Instant::now();
        let lists = default_lists::load();
        let read = start.elapsed();
        let mut builder = IndicatorsBuilder::default();
        lists.into_iter().for_each(|list| {
            builder.add(list);
        });
        black_box(builder.build());
        let built = start.elapsed();
        black_box(CloudRanges::shipped());
        println!("lists read {read:?}, merged {:?}; ranges {:?}", built - read, start.elapsed() - built);
    }
    let knowledge = Knowledge::shipped();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut hits = Vec::new();
    let mut names =
        vec!["www.example.com".to_owned(), "sts.eu-west-1.amazonaws.com".into(), "a.b.c.example.org".into()];
    let lists = default_lists::load();
    for entry in lists.iter().flat_map(|list| list.entries.iter()) {
        match entry.indicator {
            Indicator::Network(network) => hits.push(network.addr()),
            Indicator::Domain(name) => names.push(format!("www.{name}")),
            _ => {}
        }
    }
    let misses: Vec<IpAddr> = (0..65_536).map(|_| Ipv4Addr::from(next() as u32).into()).collect();
    let misses_v6: Vec<IpAddr> =
        (0..65_536).map(|_| Ipv6Addr::from((0x2600 << 112) | u128::from(next())).into()).collect();
    let hits: Vec<IpAddr> = (0..65_536).map(|_| hits[next() as usize % hits.len()]).collect();
    let listed: Vec<&String> = (0..65_536).map(|_| &names[next() as usize % names.len()]).collect();
    let common: Vec<&String> = (0..65_536).map(|at| &names[at % 3]).collect();

    measure("IPv4, random", &misses, |&ip| knowledge.ip_kinds(ip));
    measure("IPv6, random", &misses_v6, |&ip| knowledge.ip_kinds(ip));
    measure("address, listed", &hits, |&ip| knowledge.ip_kinds(ip));
    measure("name, not listed", &common, |name| knowledge.domain_kinds(name));
    measure("name, listed", &listed, |name| knowledge.domain_kinds(name));
    measure("registered domain", &common, |name| knowledge.registered_domain(name).len() as u32);
    measure("AWS range, random", &misses, |&ip| knowledge.cloud_ranges.contains(ip).into());
}

fn measure<T>(what: &str, inputs: &[T], ask: impl Fn(&T) -> u32) {
    let start = Instant::now();
    let mut sum = 0u64;
    for at in 0..LOOKUPS {
        sum += u64::from(ask(&inputs[at % inputs.len()]));
    }
    let each = start.elapsed().as_nanos() as f64 / LOOKUPS as f64;
    println!("{what}: {each:.1} ns each ({})", black_box(sum));
}
