//! VPC flow logs that AWS delivers as Parquet.
//!
//! The columns have the names of the flow log fields with `_` for `-`. Each batch of rows is written out as the lines
//! that the text format would have, under their header, and read as such: so a value means the same in both formats,
//! and the text of a record can be read again like that of any other flow record.

use crate::parquet_pages::{BoundedPages, Held, TOO_LARGE};
use crate::vpc_flow::FlowFormat;
use crate::{Origin, Raw, Report, parse};
use bytes::Bytes;
use parquet::basic::ConvertedType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use std::cell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use watchfire_model::Record;

/// The fields that a record holds, in the order in which a row's line has those that the file has.
const FIELDS: &[&str] = &[
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
];

/// Rows read at a time: their lines are about 500 KiB, which stays in the cache.
const BATCH_ROWS: usize = 4096;

/// The longest text a column may have: four times the longest address or id that AWS writes, so that no row group can
/// make a batch of lines large.
const VALUE_BYTES_MAX: usize = 256;

/// Rows that any file may have, about 400 MB of text.
const ROWS_FREE: u64 = 4_000_000;
/// Beyond [`ROWS_FREE`], the rows that a byte of the file may stand for. Flow logs need ten bytes for a row; a run
/// length can claim two thousand million rows in eight.
const ROWS_PER_BYTE_MAX: u64 = 20;

const DAMAGED: &str = "the Parquet file is damaged or cut";
const NO_FLOWS: &str = "the Parquet file has no columns of flow records";
const NOT_SUPPORTED: &str = "the Parquet file uses a compression or an encoding that is not supported: write it with Snappy, gzip, Zstandard or no compression, and without DELTA_BYTE_ARRAY";
const TOO_MANY_ROWS: &str = "the Parquet file claims more rows than a flow log of its size has";
const ODD_VALUE: &str = "a column of the flow record holds no text or number of a flow log";

/// Reads every flow record of a Parquet file, in order, and says what became of the rest.
///
/// Positions, in [`Raw`] and in the report, are row numbers, from 0. Where the file is damaged, the batches of rows
/// before are read; one that lost its end, where Parquet keeps its index, gives none. The source is [`Bytes`] or an
/// open file.
pub fn read_parquet_flows<R: ChunkReader + 'static>(
    source: R,
    origin: &Origin,
    sink: &mut dyn FnMut(&Record<'_>, Raw<'_>),
) -> Report {
    let rows_max = source.len().saturating_mul(ROWS_PER_BYTE_MAX).max(ROWS_FREE);
    let mut flows = Flows { origin, sink, report: Report::default(), row: 0, rows_max };
    if let Err(reason) = flows.read_file(&Arc::new(Checked(source))) {
        flows.report.reject(flows.row, reason);
    }
    flows.report
}

struct Flows<'o, 's> {
    origin: &'o Origin,
    sink: &'s mut dyn FnMut(&Record<'_>, Raw<'_>),
    report: Report,
    /// The number of the next row.
    row: u64,
    /// No row is read from this number on.
    rows_max: u64,
}

impl Flows<'_, '_> {
    fn read_file<R: ChunkReader + 'static>(&mut self, source: &Arc<Checked<R>>) -> Result<(), &'static str> {
        let file = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&**source))?;
        let fields = fields_of(file.file_metadata().schema_descr());
        let header = fields.iter().map(|field| field.name).collect::<Vec<_>>().join(" ");
        let has = |name: &str| fields.iter().any(|field| field.name == name);
        if !(has("start") || has("end")) || !(has("srcaddr") || has("pkt-srcaddr")) {
            return Err(NO_FLOWS);
        }
        // Else the header would not be taken for one, and the lines be read as version 2.
        FlowFormat::from_header(&header).ok_or(NO_FLOWS)?;
        for group in file.row_groups() {
            self.read_group(source, group, &fields, &header)?;
        }
        Ok(())
    }

    fn read_group<R: ChunkReader + 'static>(
        &mut self,
        source: &Arc<Checked<R>>,
        group: &RowGroupMetaData,
        fields: &[Field],
        header: &str,
    ) -> Result<(), &'static str> {
        let mut left = usize::try_from(group.num_rows()).map_err(|_| DAMAGED)?;
        let (held, mut columns) = (Held::default(), Vec::with_capacity(fields.len()));
        for field in fields {
            let chunk = group.columns().get(field.column).ok_or(DAMAGED)?;
            let pages = guarded(|| BoundedPages::new(source, chunk, left, &held))?;
            let reader = guarded(|| Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages))))?;
            columns.push(Column::new(reader, field));
        }
        let mut batch = Batch::default();
        while left > 0 {
            if self.row >= self.rows_max {
                return Err(TOO_MANY_ROWS);
            }
            let row_count = left.min(BATCH_ROWS);
            for column in &mut columns {
                guarded(|| column.fill(row_count))?;
            }
            batch.write(header, &mut columns, row_count);
            self.read_batch(&batch);
            left -= row_count;
        }
        Ok(())
    }

    fn read_batch(&mut self, batch: &Batch) {
        let first = self.row;
        let row_of = |position: u64| first + batch.row_at(position);
        let sink = &mut *self.sink;
        let mut report = parse(batch.text.as_bytes(), self.origin, &mut |record, raw| {
            sink(record, Raw { position: row_of(raw.position), ..raw });
        });
        report.rejected.iter_mut().for_each(|rejection| rejection.position = row_of(rejection.position));
        batch.odd_rows.iter().for_each(|&row| report.reject(first + row, ODD_VALUE));
        self.report.merge(&report);
        self.row += batch.rows.len() as u64 + batch.odd_rows.len() as u64;
    }
}

thread_local! {
    static IS_GUARDED: cell::Cell<bool> = const { cell::Cell::new(false) };
}

/// Whether a panic on this thread, now, would be caught here and reported as damage of the file: a program's panic hook
/// then has nothing to tell people.
pub fn is_panic_expected() -> bool {
    IS_GUARDED.get()
}

/// Calls the parquet crate, which on some damaged files panics where it should fail.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, &'static str> {
    IS_GUARDED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(false);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::NYI(_))) => Err(NOT_SUPPORTED),
        Ok(Err(ParquetError::General(reason))) if reason == TOO_LARGE => Err(TOO_LARGE),
        Ok(Err(_)) | Err(_) => Err(DAMAGED),
    }
}

/// A source that cannot be asked for bytes it has not: a damaged file asks for gigabytes, and some sources allocate
/// before they look.
struct Checked<R>(R);

impl<R: Length> Length for Checked<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Checked<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        if start > self.0.len() {
            return Err(ParquetError::EOF(DAMAGED.to_owned()));
        }
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match start.checked_add(length as u64) {
            Some(end) if end <= self.0.len() => self.0.get_bytes(start, length),
            _ => Err(ParquetError::EOF(DAMAGED.to_owned())),
        }
    }
}

/// A field of flow records that the file has.
struct Field {
    name: &'static str,
    column: usize,
    /// What the number is divided by: AWS writes seconds, other writers timestamps.
    divisor: i64,
}

fn fields_of(schema: &SchemaDescriptor) -> Vec<Field> {
    let columns: Vec<String> = schema.columns().iter().map(|column| name_of(column)).collect();
    let fields = FIELDS.iter().filter_map(|&name| {
        let column = columns.iter().position(|column| column == name)?;
        let divisor = match schema.column(column).converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => 1_000,
            ConvertedType::TIMESTAMP_MICROS => 1_000_000,
            _ => 1,
        };
        Some(Field { name, column, divisor })
    });
    fields.collect()
}

/// The name of the flow log field; empty for a column that may hold several values in a row.
fn name_of(column: &ColumnDescriptor) -> String {
    match column.path().parts() {
        [name] if column.max_rep_level() == 0 => name.to_ascii_lowercase().replace('_', "-"),
        _ => String::new(),
    }
}

/// One column of a row group, some rows at a time.
struct Column {
    values: Values,
    divisor: i64,
    /// 1 where a row has a value. Not filled for a column in which every row has one.
    levels: Vec<i16>,
    next_row: usize,
    next_value: usize,
}

enum Values {
    Bool(TypedValues<parquet::data_type::BoolType>),
    Int32(TypedValues<parquet::data_type::Int32Type>),
    Int64(TypedValues<parquet::data_type::Int64Type>),
    Text(TypedValues<parquet::data_type::ByteArrayType>),
    FixedText(TypedValues<parquet::data_type::FixedLenByteArrayType>),
    /// Of a type in which no flow log field is written.
    Odd,
}

struct TypedValues<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl<T: DataType> TypedValues<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Self {
        Self { reader, values: Vec::new() }
    }

    fn fill(&mut self, row_count: usize, levels: &mut Vec<i16>) -> Result<(), ParquetError> {
        self.values.clear();
        match self.reader.read_records(row_count, Some(levels), None, &mut self.values)? {
            (rows, ..) if rows == row_count => Ok(()),
            _ => Err(ParquetError::EOF(DAMAGED.to_owned())),
        }
    }
}

/// What a row has in a column.
enum Cell<'c> {
    Absent,
    Number(i64),
    Text(&'c [u8]),
    Odd,
}

impl Column {
    fn new(reader: ColumnReader, field: &Field) -> Self {
        let values = match reader {
            ColumnReader::BoolColumnReader(reader) => Values::Bool(TypedValues::new(reader)),
            ColumnReader::Int32ColumnReader(reader) => Values::Int32(TypedValues::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Values::Int64(TypedValues::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Values::Text(TypedValues::new(reader)),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Values::FixedText(TypedValues::new(reader)),
            _ => Values::Odd,
        };
        Self { values, divisor: field.divisor, levels: Vec::new(), next_row: 0, next_value: 0 }
    }

    fn fill(&mut self, row_count: usize) -> Result<(), ParquetError> {
        (self.next_row, self.next_value) = (0, 0);
        self.levels.clear();
        match &mut self.values {
            Values::Bool(values) => values.fill(row_count, &mut self.levels),
            Values::Int32(values) => values.fill(row_count, &mut self.levels),
            Values::Int64(values) => values.fill(row_count, &mut self.levels),
            Values::Text(values) => values.fill(row_count, &mut self.levels),
            Values::FixedText(values) => values.fill(row_count, &mut self.levels),
            Values::Odd => Ok(()),
        }
    }

    /// What the next row has. Nulls take no place among the values.
    fn next(&mut self) -> Cell<'_> {
        let is_absent = self.levels.get(self.next_row) == Some(&0);
        self.next_row += 1;
        if is_absent {
            return Cell::Absent;
        }
        let at = self.next_value;
        self.next_value += 1;
        let cell = match &self.values {
            Values::Bool(_) | Values::Odd => Some(Cell::Odd),
            Values::Int32(values) => values.values.get(at).map(|&number| Cell::Number(i64::from(number))),
            Values::Int64(values) => values.values.get(at).map(|number| Cell::Number(number / self.divisor)),
            Values::Text(values) => values.values.get(at).map(|text| Cell::Text(text.as_bytes())),
            Values::FixedText(values) => values.values.get(at).map(|text| Cell::Text(text.as_bytes())),
        };
        cell.unwrap_or(Cell::Odd)
    }
}

/// Some rows as the lines of a flow log.
#[derive(Default)]
struct Batch {
    text: String,
    /// Where the line of each row begins.
    rows: Vec<usize>,
    /// For each line, rows left out before it.
    left_out: Vec<u64>,
    /// Rows that could not be written as a line.
    odd_rows: Vec<u64>,
}

impl Batch {
    fn write(&mut self, header: &str, columns: &mut [Column], row_count: usize) {
        self.rows.clear();
        self.left_out.clear();
        self.odd_rows.clear();
        self.text.clear();
        self.text.push_str(header);
        for row in 0..row_count {
            self.text.push('\n');
            let start = self.text.len();
            // Every column goes on to the next row, whatever the others hold.
            let written =
                columns.iter_mut().map(|column| write_cell(column.next(), &mut self.text)).fold(true, |a, b| a & b);
            self.text.pop();
            if written {
                self.rows.push(start);
                self.left_out.push(self.odd_rows.len() as u64);
            } else {
                self.text.truncate(start - 1);
                self.odd_rows.push(row as u64);
            }
        }
    }

    /// The row in whose line a position is.
    fn row_at(&self, position: u64) -> u64 {
        let line = self.rows.partition_point(|&start| start as u64 <= position).saturating_sub(1);
        line as u64 + self.left_out.get(line).copied().unwrap_or_default()
    }
}

/// Writes a value and a space; answers whether there was something that a line can hold.
fn write_cell(cell: Cell<'_>, line: &mut String) -> bool {
    let written = match cell {
        Cell::Absent | Cell::Text(b"") => {
            line.push('-');
            true
        }
        Cell::Number(number) => write!(line, "{number}").is_ok(),
        Cell::Text(text) => match std::str::from_utf8(text) {
            Ok(text) if text.len() <= VALUE_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                line.push_str(text);
                true
            }
            _ => false,
        },
        Cell::Odd => false,
    };
    line.push(' ');
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_record;
    use parquet::basic::{Compression, Encoding};
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
    use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;
    use watchfire_model::{RecordKind, Time, Verdict};

    /// Columns as AWS types them; `None` is a null.
    enum Data {
        Int32(Vec<Option<i32>>),
        Int64(Vec<Option<i64>>),
        Text(Vec<Option<&'static str>>),
    }

    fn file(columns: &[(&str, Data)], compression: Compression, groups: usize) -> Vec<u8> {
        file_with(columns, WriterProperties::builder().set_compression(compression), groups)
    }

    fn file_with(columns: &[(&str, Data)], properties: WriterPropertiesBuilder, groups: usize) -> Vec<u8> {
        let types = columns.iter().map(|(name, data)| match data {
            Data::Int32(_) => format!("optional int32 {name};"),
            Data::Int64(_) => format!("optional int64 {name};"),
            Data::Text(_) => format!("optional binary {name} (utf8);"),
        });
        let schema = format!("message flow {{ {} }}", types.collect::<String>());
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let properties = Arc::new(properties.build());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
        for _ in 0..groups {
            let mut group = writer.next_row_group().unwrap();
            for (_, data) in columns {
                let mut column = group.next_column().unwrap().unwrap();
                fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
                    values.iter().map(|value| i16::from(value.is_some())).collect()
                }
                let written = match data {
                    Data::Int32(values) => {
                        let set: Vec<i32> = values.iter().flatten().copied().collect();
                        column.typed::<Int32Type>().write_batch(&set, Some(&levels(values)), None)
                    }
                    Data::Int64(values) => {
                        let set: Vec<i64> = values.iter().flatten().copied().collect();
                        column.typed::<Int64Type>().write_batch(&set, Some(&levels(values)), None)
                    }
                    Data::Text(values) => {
                        let set: Vec<ByteArray> = values.iter().flatten().map(|&text| text.into()).collect();
                        column.typed::<ByteArrayType>().write_batch(&set, Some(&levels(values)), None)
                    }
                };
                written.unwrap();
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn two_flows(compression: Compression, groups: usize) -> Vec<u8> {
        let columns = [
            ("version", Data::Int32(vec![Some(5); 2])),
            ("account_id", Data::Text(vec![Some("111122223333"); 2])),
            ("interface_id", Data::Text(vec![Some("eni-1"); 2])),
            ("srcaddr", Data::Text(vec![Some("10.0.0.1"), Some("2001:db8::1")])),
            ("dstaddr", Data::Text(vec![Some("198.51.100.7"), Some("2001:db8::2")])),
            ("srcport", Data::Int32(vec![Some(40_000), None])),
            ("dstport", Data::Int32(vec![Some(443), None])),
            ("protocol", Data::Int32(vec![Some(6), Some(58)])),
            ("packets", Data::Int64(vec![Some(10), Some(1)])),
            ("bytes", Data::Int64(vec![Some(5_000_000_000), Some(64)])),
            ("start", Data::Int64(vec![Some(1_795_000_000), Some(1_795_000_001)])),
            ("end", Data::Int64(vec![Some(1_795_000_060), Some(1_795_000_061)])),
            ("action", Data::Text(vec![Some("ACCEPT"), Some("REJECT")])),
            ("log_status", Data::Text(vec![Some("OK"); 2])),
            ("tcp_flags", Data::Int32(vec![Some(3), None])),
            ("az_id", Data::Text(vec![Some("use1-az1"), None])),
        ];
        file(&columns, compression, groups)
    }

    fn origin() -> Origin {
        Origin { region: "us-east-1".to_owned(), ..Origin::default() }
    }

    fn read(file: Vec<u8>) -> (Vec<(String, u64)>, Report) {
        let mut lines = Vec::new();
        let report = read_parquet_flows(Bytes::from(file), &origin(), &mut |record, raw| {
            let again = origin();
            assert_eq!(parse_record(raw.text, RecordKind::Flow, &again, raw.format).as_ref(), Some(record));
            lines.push((raw.text.to_owned(), raw.position));
        });
        (lines, report)
    }

    #[test]
    fn rows_become_records_with_the_lines_of_the_text_format() {
        let mut seen = 0;
        read_parquet_flows(Bytes::from(two_flows(Compression::UNCOMPRESSED, 1)), &origin(), &mut |record, _| {
            let Record::Flow(flow) = record else { panic!("{record:?}") };
            seen += 1;
            if seen == 1 {
                assert_eq!((flow.byte_count, flow.target_port, flow.tcp_flags), (5_000_000_000, 443, Some(3)));
                assert_eq!((flow.start, flow.verdict), (Time::from_seconds(1_795_000_000), Some(Verdict::Accept)));
                assert_eq!((&*flow.account, &*flow.region), ("111122223333", "us-east-1"));
            }
        });
        assert_eq!(seen, 2);
        let (lines, report) = read(two_flows(Compression::UNCOMPRESSED, 1));
        let first =
            "111122223333 eni-1 10.0.0.1 198.51.100.7 40000 443 6 10 5000000000 1795000000 1795000060 ACCEPT OK 3";
        let second = "111122223333 eni-1 2001:db8::1 2001:db8::2 - - 58 1 64 1795000001 1795000061 REJECT OK -";
        assert_eq!(lines, [(first.to_owned(), 0), (second.to_owned(), 1)]);
        assert_eq!((report.record_count(), report.rejected_count), (2, 0));
    }

    #[test]
    fn every_compression_and_row_group_is_read_and_rows_are_counted_through() {
        let zstd = Compression::ZSTD(Default::default());
        let gzip = Compression::GZIP(Default::default());
        for compression in [Compression::SNAPPY, gzip, zstd, Compression::UNCOMPRESSED] {
            let (lines, report) = read(two_flows(compression, 3));
            assert_eq!(lines.iter().map(|line| line.1).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
            assert_eq!(report.rejected_count, 0);
        }
    }

    #[test]
    fn more_rows_than_a_batch_keep_their_numbers() {
        let rows = BATCH_ROWS as i64 * 2 + 5;
        let columns = [
            ("start", Data::Int64((0..rows).map(|row| Some(1_795_000_000 + row)).collect())),
            ("srcaddr", Data::Text(vec![Some("10.0.0.1"); rows as usize])),
        ];
        let (lines, _) = read(file(&columns, Compression::SNAPPY, 1));
        assert_eq!(lines.len(), rows as usize);
        for (row, line) in lines.iter().enumerate() {
            assert_eq!(line, &(format!("10.0.0.1 {}", 1_795_000_000 + row), row as u64));
        }
    }

    #[test]
    fn a_row_with_a_value_no_flow_log_has_is_rejected_by_number_and_the_others_are_read() {
        let columns = [
            ("start", Data::Int64(vec![Some(1_795_000_000); 4])),
            ("srcaddr", Data::Text(vec![Some("10.0.0.1"), Some("two words"), Some("nonsense"), Some("10.0.0.4")])),
        ];
        let (lines, report) = read(file(&columns, Compression::SNAPPY, 1));
        assert_eq!(lines.iter().map(|line| line.1).collect::<Vec<_>>(), [0, 3]);
        let mut rejected: Vec<u64> = report.rejected.iter().map(|rejection| rejection.position).collect();
        rejected.sort_unstable();
        assert_eq!(rejected, [1, 2]);
    }

    /// One text column named `srcaddr` and one number named `start`, with `rows` equal rows.
    fn equal_rows(text: &'static str, rows: usize, properties: WriterPropertiesBuilder) -> Vec<u8> {
        let columns =
            [("start", Data::Int64(vec![Some(1_795_000_000); rows])), ("srcaddr", Data::Text(vec![Some(text); rows]))];
        file_with(&columns, properties, 1)
    }

    #[test]
    fn a_page_that_inflates_beyond_the_bound_is_refused_however_it_is_compressed() {
        let long = "x".repeat(60_000).leak();
        let gzip = Compression::GZIP(Default::default());
        for compression in [Compression::SNAPPY, gzip, Compression::ZSTD(Default::default()), Compression::UNCOMPRESSED]
        {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                let properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_writer_version(version)
                    .set_dictionary_enabled(false)
                    .set_encoding(Encoding::PLAIN)
                    .set_data_page_size_limit(1 << 30)
                    .set_write_batch_size(1_000);
                let (lines, report) = read(equal_rows(long, 1_000, properties));
                assert_eq!((lines.len(), report.rejected[0].reason), (0, TOO_LARGE), "{compression:?} {version:?}");
            }
        }
    }

    #[test]
    fn a_file_may_not_claim_more_rows_than_its_size_can_hold() {
        let file = equal_rows("10.0.0.1", 4_200_000, WriterProperties::builder());
        assert!(file.len() < 200_000, "{}", file.len());
        let mut read = 0u64;
        let report = read_parquet_flows(Bytes::from(file), &origin(), &mut |_, _| read += 1);
        assert_eq!((report.rejected_count, report.rejected[0].reason), (1, TOO_MANY_ROWS));
        assert!((ROWS_FREE..ROWS_FREE + BATCH_ROWS as u64).contains(&read), "{read}");
    }

    #[test]
    fn what_is_not_supported_is_not_called_damaged() {
        let delta = WriterProperties::builder().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY);
        let columns =
            [("start", Data::Text(vec![Some("1795000000")])), ("srcaddr", Data::Text(vec![Some("10.0.0.1")]))];
        let (lines, report) = read(file_with(&columns, delta, 1));
        assert_eq!((lines.len(), report.rejected[0].reason), (0, NOT_SUPPORTED));
    }

    #[test]
    fn a_parquet_file_of_something_else_is_said_to_be() {
        let columns = [("user", Data::Text(vec![Some("alice")])), ("start", Data::Int64(vec![Some(1)]))];
        let (lines, report) = read(file(&columns, Compression::SNAPPY, 1));
        assert_eq!((lines.len(), report.rejected[0].reason), (0, NO_FLOWS));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_damage_is_too_odd(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut file = two_flows(Compression::SNAPPY, 2);
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if let Some(cut) = cut {
                file.truncate(cut.index(file.len()));
            }
            read_parquet_flows(Bytes::from(file), &origin(), &mut |_, _| {});
        }
    }
}
