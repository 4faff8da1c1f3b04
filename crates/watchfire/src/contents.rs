//! The records of a file's content, or of a piece of one.

use watchfire_ingest::{Content, ParquetSource, PieceKind};
use watchfire_model::Record;
use watchfire_parse::{Bytes, FlowFormat, Origin, Raw, Report, parse, read_parquet_flows};

/// Parses one content or piece of one, and shows its records, each with its place in the whole.
pub fn each_record(content: Content<'_>, origin: &Origin, sink: &mut dyn FnMut(&Record<'_>, Raw<'_>)) -> Report {
    match content {
        Content::Text(piece) => {
            let with_header;
            let origin = match later_header(piece.kind, piece.position, piece.first_line) {
                Some(format) => {
                    with_header = Origin { flow_format: Some(format), ..origin.clone() };
                    &with_header
                }
                None => origin,
            };
            let mut report = parse(piece.bytes, origin, &mut |record, mut raw| {
                raw.position += piece.position;
                sink(record, raw);
            });
            for rejection in &mut report.rejected {
                rejection.position += piece.position;
            }
            report
        }
        Content::Parquet(source) => {
            let mut sink = |record: &Record<'_>, raw: Raw<'_>| sink(record, raw);
            match source {
                ParquetSource::Bytes(bytes) => read_parquet_flows(Bytes::copy_from_slice(bytes), origin, &mut sink),
                ParquetSource::File(file) => match file.try_clone() {
                    Ok(file) => read_parquet_flows(file, origin, &mut sink),
                    Err(_) => Report::default(),
                },
            }
        }
    }
}

/// The columns of a flow log's later pieces stand in its first line.
fn later_header(kind: PieceKind, position: u64, first_line: &[u8]) -> Option<FlowFormat> {
    if kind != PieceKind::Lines || position == 0 {
        return None;
    }
    FlowFormat::from_header(std::str::from_utf8(first_line).ok()?.trim())
}
