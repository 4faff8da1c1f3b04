//! How fast parsing is: `speed FILE [MEGABYTES]` repeats the file in memory up to that size and parses it a few times.

use std::hint::black_box;
use watchfire_parse::{Origin, parse};

#[expect(clippy::print_stdout, reason = "a measuring tool prints")]
#[expect(clippy::disallowed_methods, reason = "measuring needs a clock")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let sample = std::fs::read(arguments.next().ok_or("usage: speed FILE [MEGABYTES]")?)?;
    let megabytes: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let content = sample.repeat((megabytes * 1_000_000 / sample.len().max(1)).max(1));
    for _ in 0..9 {
        let started = std::time::Instant::now();
        let mut bytes = 0;
        let report = parse(&content, &Origin::default(), &mut |record, raw| {
            black_box(record);
            bytes += raw.text.len();
        });
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{:.0} MB/s, {:.2} M records/s ({} records, {} rejected, {} bytes of records)",
            content.len() as f64 / seconds / 1e6,
            report.record_count() as f64 / seconds / 1e6,
            report.record_count(),
            report.rejected_count,
            bytes
        );
    }
    Ok(())
}
