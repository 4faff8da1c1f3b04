//! Resolver query logs: the bytes as a whole file, and as the rest of a query.

#![no_main]

mod check;

use check::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    check(content);
    check(&[b"{\"version\":\"1.100000\",", content].concat());
});
