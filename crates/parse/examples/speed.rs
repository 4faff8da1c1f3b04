//! How fast parsing is: `speed FILE [MEGABYTES]` repeats the file in memory up to that size and parses it several times.
//!
//! It reports the best run, by the processor time that Linux accounts to the thread, so that a busy machine matters less.

use std::hint::black_box;
use watchfire_parse::{Origin, parse};

const RUNS: usize = 15;

#[expect(clippy::print_stdout, reason = "a measuring tool prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let sample = std::fs::read(arguments.next().ok_or("usage: speed FILE [MEGABYTES]")?)?;
    let megabytes: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let content = sample.repeat((megabytes * 1_000_000 / sample.len().max(1)).max(1));
    let mut best = f64::MAX;
    let mut report = None;
    for _ in 0..RUNS {
        let started = processor_seconds()?;
        report = Some(parse(&content, &Origin::default(), &mut |record, raw| {
            black_box((record, raw));
        }));
        best = best.min(processor_seconds()? - started);
    }
    let report = report.unwrap_or_default();
    println!(
        "{:.0} MB/s, {:.2} M records/s, {:.0} ns a record ({} records, {} rejected {:?})",
        content.len() as f64 / best / 1e6,
        report.record_count() as f64 / best / 1e6,
        best * 1e9 / report.record_count() as f64,
        report.record_count(),
        report.rejected_count,
        report.rejected_by_reason,
    );
    Ok(())
}

/// Time on a processor so far.
fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = statistics.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
