//! The pages of a Parquet column, inflated under a bound.
//!
//! The parquet crate allocates what a page's header claims and inflates whatever stands there. Here it is told that
//! the pages are not compressed, and this reader inflates them: not beyond [`PAGE_BYTES_MAX`] each, nor beyond
//! [`GROUP_BYTES_MAX`] for all columns of a row group together. A crafted file is refused; it costs no memory.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What one page may inflate to. Writers aim at 1 MiB; those that make one page of each row group, of 122,880 rows,
/// reach 5 MiB with IPv6 addresses.
const PAGE_BYTES_MAX: usize = 16 << 20;
/// What the pages that a row group's columns hold at one time may inflate to: 24 columns with a dictionary and a page
/// of 1 MiB each hold 48.
const GROUP_BYTES_MAX: usize = 128 << 20;

/// The largest distance that a Zstandard page may refer back, as a power of two: the page itself is no larger.
const ZSTD_WINDOW_LOG_MAX: u32 = 24;

/// A page is larger than the bounds.
pub const TOO_LARGE: &str = "a page of the Parquet file is larger than any flow log needs";

/// The bytes held by the columns of one row group.
#[derive(Clone, Default)]
pub struct Held(Arc<AtomicUsize>);

/// Reads the pages of one column of one row group.
pub struct BoundedPages<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    compression: Compression,
    held: Held,
    /// Bytes of the latest data page.
    page_bytes: usize,
}

impl<R: ChunkReader> BoundedPages<R> {
    /// A reader of this column's pages. `held` is the same for all columns of the row group.
    pub fn new(source: &Arc<R>, chunk: &ColumnChunkMetaData, rows: usize, held: &Held) -> Result<Self> {
        let compression = chunk.compression();
        let as_stored = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let pages = SerializedPageReader::new(Arc::clone(source), &as_stored, rows, None)?;
        Ok(Self { pages, compression, held: held.clone(), page_bytes: 0 })
    }

    /// A page's bytes behind the first `plain`, inflated.
    fn inflate(&self, stored: Bytes, plain: usize) -> Result<Bytes> {
        if matches!(self.compression, Compression::UNCOMPRESSED) || stored.len() <= plain {
            return within(PAGE_BYTES_MAX, stored);
        }
        let (plain, compressed) = stored.split_at(plain);
        let most = PAGE_BYTES_MAX.saturating_sub(plain.len());
        let mut page = plain.to_vec();
        match self.compression {
            Compression::SNAPPY => {
                let length = snap::raw::decompress_len(compressed)?;
                if length > most {
                    return Err(too_large());
                }
                page.append(&mut snap::raw::Decoder::new().decompress_vec(compressed)?);
            }
            Compression::GZIP(_) => read_within(most, flate2::read::MultiGzDecoder::new(compressed), &mut page)?,
            Compression::ZSTD(_) => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                read_within(most, decoder, &mut page)?;
            }
            other => return Err(ParquetError::NYI(format!("compression {other}"))),
        }
        Ok(Bytes::from(page))
    }

    /// Counts a page that stands beside the dictionary, in place of the page before.
    fn hold_page(&mut self, page: Bytes) -> Result<Bytes> {
        self.held.0.fetch_sub(self.page_bytes, Ordering::Relaxed);
        self.page_bytes = page.len();
        self.held.hold(page)
    }
}

impl Held {
    fn hold(&self, page: Bytes) -> Result<Bytes> {
        let before = self.0.fetch_add(page.len(), Ordering::Relaxed);
        if before + page.len() > GROUP_BYTES_MAX { Err(too_large()) } else { Ok(page) }
    }
}

impl<R: ChunkReader> PageReader for BoundedPages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(page) = self.pages.get_next_page()? else { return Ok(None) };
        if page.encoding() == Encoding::DELTA_BYTE_ARRAY {
            // Each value repeats the one before as far as it likes: a small page can be gigabytes of text.
            return Err(ParquetError::NYI("encoding DELTA_BYTE_ARRAY".to_owned()));
        }
        Ok(Some(match page {
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                let buf = self.held.hold(self.inflate(buf, 0)?)?;
                Page::DictionaryPage { buf, num_values, encoding, is_sorted }
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics } => {
                let buf = self.inflate(buf, 0)?;
                let buf = self.hold_page(buf)?;
                Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics }
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                statistics,
            } => {
                let levels = (def_levels_byte_len as usize).saturating_add(rep_levels_byte_len as usize);
                let buf = if is_compressed { self.inflate(buf, levels)? } else { within(PAGE_BYTES_MAX, buf)? };
                if buf.len() < levels {
                    return Err(ParquetError::EOF("the levels of the page".to_owned()));
                }
                let buf = self.hold_page(buf)?;
                Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls,
                    num_rows,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed,
                    statistics,
                }
            }
        }))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

impl<R: ChunkReader> Iterator for BoundedPages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

fn read_within(most: usize, from: impl Read, into: &mut Vec<u8>) -> Result<()> {
    let read = from.take(most as u64 + 1).read_to_end(into)?;
    if read > most { Err(too_large()) } else { Ok(()) }
}

fn within(most: usize, page: Bytes) -> Result<Bytes> {
    if page.len() > most { Err(too_large()) } else { Ok(page) }
}

fn too_large() -> ParquetError {
    ParquetError::General(TOO_LARGE.to_owned())
}
