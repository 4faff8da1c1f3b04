//! CloudTrail: the bytes as a whole file, and as the one event of a log file.

#![no_main]

mod check;

use check::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    check(content);
    check(&[b"{\"Records\":[{\"eventVersion\":\"1.11\",", content, b"}]}"].concat());
});
