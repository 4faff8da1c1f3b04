//! Lists: the bytes in the form that they seem to have, and in every form that could be named.

#![no_main]

use libfuzzer_sys::fuzz_target;
use watchfire_knowledge::{IndicatorList, IndicatorsBuilder, ListFormat, lists};
use watchfire_model::ListKind;

fuzz_target!(|content: &[u8]| {
    let defaults = IndicatorList::new("fuzz", ListKind::C2);
    let column = ListFormat::Csv { column: Some("2".to_owned()) };
    let formats = ListFormat::ALL.iter().chain([&column]).map(Some).chain([None]);
    let mut builder = IndicatorsBuilder::default();
    for format in formats {
        let read = lists::read(content, format, &defaults);
        let mut pieces = lists::ListReader::new(format, &defaults);
        content.chunks(700).for_each(|piece| pieces.feed(piece));
        assert_eq!(pieces.finish(), read);
        assert_eq!(read.rejected_by_reason.values().sum::<u64>(), read.rejected_count);
        for entry in read.list.entries.iter() {
            assert_eq!(lists::indicator(&entry.indicator.to_string()).as_ref(), Ok(&entry.indicator));
        }
        builder.add(read.list);
    }
    builder.build();
});
