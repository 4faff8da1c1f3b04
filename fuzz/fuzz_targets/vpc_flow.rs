//! VPC flow logs: the bytes as a whole file, below a header line, and as the rest of a version 2 record.

#![no_main]

mod check;

use check::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    check(content);
    check(&[b"version srcaddr pkt-srcaddr dstport start log-status\n", content].concat());
    check(&[b"2 123456789010 eni-1 ", content].concat());
});
