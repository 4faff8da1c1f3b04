//! What must hold for any content, whatever the target puts before it.

use watchfire_parse::{Origin, parse, parse_record};

/// Parses; the raw text of each record must give the same record again, also after it went through its header line.
pub fn check(content: &[u8]) {
    let origin = Origin::default();
    let mut count = 0;
    let report = parse(content, &origin, &mut |record, raw| {
        count += 1;
        assert!(raw.position as usize <= content.len());
        let again = parse_record(raw.text, record.kind(), &origin, raw.format);
        assert_eq!(again.as_ref(), Some(record));
    });
    assert_eq!(report.record_count(), count);
    assert_eq!(report.rejected_by_reason.values().sum::<u64>(), report.rejected_count);
}
