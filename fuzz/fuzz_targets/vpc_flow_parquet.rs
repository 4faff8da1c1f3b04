//! Parquet files of flow records: the bytes as a whole file, and as changes to a sound one.
//!
//! Each change is three bytes: where (two, from the end, for the index stands there) and what the byte becomes. Begin
//! with `fuzz/seeds/vpc_flow_parquet` as the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;
use watchfire_parse::{Bytes, Origin, parse_record, read_parquet_flows};

const SOUND: &[u8] = include_bytes!("../seeds/vpc_flow_parquet/snappy.parquet");

// The parser catches panics of the parquet crate; the fuzzer's hook would end at them. One that is not caught ends it
// all the same.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |content: &[u8]| {
    check(content);
    let mut changed = SOUND.to_vec();
    for change in content.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
        let place = changed.len() - 1 - place;
        changed[place] = change[2];
    }
    check(&changed);
});

fn check(content: &[u8]) {
    let origin = Origin::default();
    let mut count = 0;
    let report = read_parquet_flows(Bytes::copy_from_slice(content), &origin, &mut |record, raw| {
        count += 1;
        assert_eq!(parse_record(raw.text, record.kind(), &origin, raw.format).as_ref(), Some(record));
    });
    assert_eq!(report.record_count(), count);
    assert_eq!(report.rejected_by_reason.values().sum::<u64>(), report.rejected_count);
}
