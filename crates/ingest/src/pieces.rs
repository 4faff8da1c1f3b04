//! Contents of any size in pieces of bounded size, cut where no record is cut.
//!
//! A content that fits the buffer is handed over whole. A larger one is cut after the last newline in the buffer if
//! it is lines, and between two elements of its array if it is one JSON document, as CloudTrail's `{"Records":[…]}`
//! is. A record that does not fit the buffer at all is skipped and counted.

use memchr::{memchr, memchr2, memrchr};
use std::fs::File;
use xxhash_rust::xxh3::Xxh3;

/// How much of a content's first line comes with every piece: the header of a flow log with every field there is
/// takes under 1 KiB.
const FIRST_LINE_BYTES_MAX: usize = 4 << 10;

/// What may stand before the first element of a document's array and is left out when the array is cut:
/// `{"Records":[` and the like.
const ENVELOPE_BYTES_MAX: usize = 4 << 10;

/// What the buffer grows from.
const BUFFER_BYTES_MIN: usize = 64 << 10;

/// What was found in a file.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Text, or what might be; all of it or a piece.
    Text(Piece<'a>),
    /// A Parquet file, which is read by columns and not from the front.
    Parquet(ParquetSource<'a>),
}

/// Where to read a Parquet file from.
#[derive(Clone, Copy, Debug)]
pub enum ParquetSource<'a> {
    /// All of it, in memory.
    Bytes(&'a [u8]),
    /// The open file, because it is large. Its cursor may stand anywhere.
    File(&'a File),
}

/// A content or a piece of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// The bytes. Never empty.
    pub bytes: &'a [u8],
    /// Where in the whole decompressed content they begin.
    pub position: u64,
    /// How they relate to the whole.
    pub kind: PieceKind,
    /// The first line of the whole content, without its newline and at most 4 KiB of it: a flow log names its columns
    /// there, and later pieces need them.
    pub first_line: &'a [u8],
    /// XXH3-128 of the content, where this is all of it: known before anything is parsed, so that a content that was
    /// read before need not be.
    pub content_hash: Option<u128>,
}

/// How a piece relates to its content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum PieceKind {
    /// All of it (or, where a problem is reported, all there is of it).
    Whole,
    /// Some whole lines.
    Lines,
    /// Some whole JSON documents that no newline keeps apart; the last may be cut where the content is.
    Documents,
    /// Elements of the array of one large JSON document, with commas between them and no brackets around them.
    Elements,
}

/// Records that did not fit the buffer.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Overlong {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// What went through a [`Splitter`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Total {
    pub(crate) bytes: u64,
    pub(crate) hash: u128,
    pub(crate) overlong: Overlong,
}

/// Takes a content bit by bit and hands it over in pieces.
///
/// The buffer's length is what was ever zeroed, not what is filled: it is reused from file to file.
pub(crate) struct Splitter<'s, 'e> {
    buffer: &'s mut Vec<u8>,
    /// The bound of the buffer, and so of a piece and of a record.
    buffer_bytes_max: usize,
    filled: usize,
    /// Where in the content the buffer begins.
    position: u64,
    /// Unknown until the content turned out larger than the buffer.
    shape: Option<Shape>,
    /// Inside a record that did not fit.
    skipping: bool,
    first_line: Vec<u8>,
    total_bytes: u64,
    hash: Xxh3,
    overlong: Overlong,
    each: &'e mut dyn FnMut(Content<'_>),
}

enum Shape {
    Lines,
    Document(Scan),
}

impl<'s, 'e> Splitter<'s, 'e> {
    pub(crate) fn new(buffer: &'s mut Vec<u8>, buffer_bytes_max: usize, each: &'e mut dyn FnMut(Content<'_>)) -> Self {
        Self {
            buffer,
            buffer_bytes_max: buffer_bytes_max.max(1),
            filled: 0,
            position: 0,
            shape: None,
            skipping: false,
            first_line: Vec::new(),
            total_bytes: 0,
            hash: Xxh3::new(),
            overlong: Overlong::default(),
            each,
        }
    }

    /// Room for more, never empty. May hand over pieces to make it.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.filled == self.buffer_bytes_max {
            self.make_room();
        } else if self.filled == self.buffer.len() {
            grow(self.buffer, self.buffer_bytes_max);
        }
        let end = self.buffer.len().min(self.buffer_bytes_max);
        &mut self.buffer[self.filled..end]
    }

    /// The first `count` bytes of the room were filled.
    pub(crate) fn advance(&mut self, count: usize) {
        self.hash.update(&self.buffer[self.filled..self.filled + count]);
        self.filled += count;
        self.total_bytes += count as u64;
    }

    /// Nothing more comes: hands over the rest.
    pub(crate) fn finish(mut self) -> Total {
        match self.shape {
            None => {
                if self.filled > 0 {
                    (self.each)(Content::Text(whole(&self.buffer[..self.filled], self.hash.digest128())));
                }
            }
            Some(_) => self.finish_pieces(),
        }
        Total { bytes: self.total_bytes, hash: self.hash.digest128(), overlong: self.overlong }
    }

    fn make_room(&mut self) {
        if self.shape.is_none() {
            let content = &self.buffer[..self.filled];
            self.shape = Some(if is_document(content) { Shape::Document(Scan::default()) } else { Shape::Lines });
            self.first_line = first_line(content).to_vec();
        }
        if self.skipping {
            self.skip();
        }
        if self.filled == self.buffer_bytes_max {
            self.cut();
        }
    }

    /// Hands over as much of the full buffer as ends with a record; skips a record as large as the buffer.
    fn cut(&mut self) {
        let content = &self.buffer[..self.filled];
        let cut = match self.shape.as_mut() {
            Some(Shape::Document(scan)) => scan.cut(content),
            _ => memrchr(b'\n', content).map(|newline| Cut::after(newline + 1, PieceKind::Lines)),
        };
        match cut {
            Some(cut) => self.hand_over(cut),
            None => {
                self.overlong.records += 1;
                self.drop_skipped(self.filled);
                self.skipping = true;
            }
        }
    }

    /// Drops the rest of a record that did not fit, as far as it is in the buffer.
    fn skip(&mut self) {
        let content = &self.buffer[..self.filled];
        let end = match self.shape.as_mut() {
            Some(Shape::Document(scan)) => scan.skip(content),
            _ => memchr(b'\n', content).map(|newline| newline + 1),
        };
        self.skipping = end.is_none();
        self.drop_skipped(end.unwrap_or(self.filled));
    }

    fn finish_pieces(&mut self) {
        if self.skipping {
            self.skip();
        }
        let mut kind = PieceKind::Lines;
        while let Some(Shape::Document(scan)) = self.shape.as_mut() {
            let cut = scan.last_cut(&self.buffer[..self.filled]);
            kind = scan.kind();
            match cut {
                Some(cut) => self.hand_over(cut),
                None => break,
            }
        }
        self.hand_over(Cut::after(self.filled, kind));
    }

    fn hand_over(&mut self, cut: Cut) {
        let bytes = &self.buffer[cut.begin..cut.end];
        // Around the brackets of a document there may be white space and nothing else.
        if !bytes.trim_ascii_start().is_empty() || (cut.kind == PieceKind::Lines && !bytes.is_empty()) {
            let position = self.position + cut.begin as u64;
            (self.each)(Content::Text(Piece {
                bytes,
                position,
                kind: cut.kind,
                first_line: &self.first_line,
                content_hash: None,
            }));
        }
        self.drop_front(cut.next);
    }

    fn drop_skipped(&mut self, count: usize) {
        self.overlong.bytes += count as u64;
        self.drop_front(count);
    }

    fn drop_front(&mut self, count: usize) {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        self.position += count as u64;
    }
}

/// Doubles a buffer within a bound. The bytes there may be anything; they are zeroed only when first allocated.
pub(crate) fn grow(buffer: &mut Vec<u8>, bytes_max: usize) {
    grow_to(buffer, (buffer.len() * 2).max(BUFFER_BYTES_MIN).min(bytes_max));
}

/// Room for so many bytes.
pub(crate) fn grow_to(buffer: &mut Vec<u8>, target: usize) {
    if target > buffer.len() {
        buffer.reserve_exact(target - buffer.len());
        buffer.resize(target, 0);
    }
}

/// A content that is handed over in one.
pub(crate) fn whole(bytes: &[u8], content_hash: u128) -> Piece<'_> {
    let content_hash = Some(content_hash);
    Piece { bytes, position: 0, kind: PieceKind::Whole, first_line: first_line(bytes), content_hash }
}

fn first_line(content: &[u8]) -> &[u8] {
    let head = &content[..content.len().min(FIRST_LINE_BYTES_MAX)];
    let line = &head[..memchr(b'\n', head).unwrap_or(head.len())];
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A piece, and where the next begins. What lies between is a comma or the brackets around an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cut {
    begin: usize,
    end: usize,
    next: usize,
    kind: PieceKind,
}

impl Cut {
    fn after(end: usize, kind: PieceKind) -> Self {
        Self { begin: 0, end, next: end, kind }
    }

    fn elements(begin: usize, end: usize) -> Self {
        Self { begin, end, next: end + 1, kind: PieceKind::Elements }
    }
}

/// Whether a content larger than the buffer is one JSON document, or several not kept apart by newlines, rather than
/// lines: a newline stands inside its first value, or something else than a newline behind it.
fn is_document(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let content = content.trim_ascii_start();
    if !matches!(content.first(), Some(b'{' | b'[')) {
        return false;
    }
    let mut scan = Scan::default();
    scan.run(content, Until::AnyRootEnd);
    match scan.root_end {
        None => true,
        Some(end) if memchr(b'\n', &content[..end]).is_some() => true,
        Some(end) => {
            let next = content[end..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            next.is_none_or(|&byte| byte != b'\n')
        }
    }
}

/// Follows JSON just closely enough to know where it may be cut.
///
/// It knows strings, and the kinds of the two outermost containers: the array to cut is the root, or a member of the
/// root. What is not JSON gives nonsensical cuts or none, and the parser then counts what it rejects.
#[derive(Default)]
struct Scan {
    /// How far the buffer was scanned.
    scanned: usize,
    depth: u64,
    root: u8,
    second: u8,
    in_string: bool,
    escaped: bool,
    /// Where the buffer begins.
    start: Start,
    /// Where the last root value in the buffer ends.
    root_end: Option<usize>,
    /// Where the last array to cut begins, behind its bracket.
    array_start: usize,
    /// The last comma between elements of an array to cut, and where that array begins.
    comma: Option<(usize, usize)>,
    /// The closing bracket at which the scan stopped.
    array_end: Option<usize>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Start {
    #[default]
    Document,
    /// Behind a comma of an array that was handed over so far.
    Element,
    /// Behind an array that was handed over, in the object that holds it.
    BehindArray,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    AnyRootEnd,
    ArrayEnd,
    AnyCut,
}

impl Scan {
    fn kind(&self) -> PieceKind {
        match self.start {
            Start::Element => PieceKind::Elements,
            Start::Document | Start::BehindArray => PieceKind::Documents,
        }
    }

    /// The best cut of a full buffer: after a document if there is one, else between two elements.
    fn cut(&mut self, content: &[u8]) -> Option<Cut> {
        if let Some(cut) = self.last_cut(content) {
            return Some(cut);
        }
        if self.start != Start::Element {
            self.run(content, Until::End);
        }
        if let Some(end) = self.root_end {
            let kind = self.kind();
            *self = Self::default();
            return Some(Cut::after(end, kind));
        }
        let (comma, array_start) = self.comma?;
        let begin = match self.start {
            Start::Element => 0,
            _ => array_start,
        };
        // A long way to the array holds something; the parser shall say what it makes of it.
        let cut = match begin {
            0..=ENVELOPE_BYTES_MAX => Cut::elements(begin, comma),
            _ => Cut { begin: 0, kind: PieceKind::Documents, ..Cut::elements(0, comma) },
        };
        self.go_on_at(Start::Element);
        Some(cut)
    }

    /// A cut that must be made even if nothing more comes: at the end of the array whose elements were handed over, and
    /// behind the end of the object that held it.
    fn last_cut(&mut self, content: &[u8]) -> Option<Cut> {
        match self.start {
            Start::Document => None,
            Start::Element => {
                self.run(content, Until::ArrayEnd);
                let end = self.array_end?;
                self.go_on_at(Start::BehindArray);
                Some(Cut::elements(0, end))
            }
            Start::BehindArray => {
                let end = content.iter().position(|byte| !byte.is_ascii_whitespace())?;
                let is_all = content[end] == b'}';
                // Another member follows; it is read as if the object began with it.
                self.start = Start::Document;
                if !is_all {
                    return None;
                }
                *self = Self::default();
                Some(Cut { begin: 0, end: 0, next: end + 1, kind: PieceKind::Documents })
            }
        }
    }

    /// Where the record that is being skipped ends.
    fn skip(&mut self, content: &[u8]) -> Option<usize> {
        self.run(content, Until::AnyCut);
        let end = if let Some(end) = self.root_end {
            *self = Self::default();
            end
        } else if let Some((comma, _)) = self.comma {
            self.go_on_at(Start::Element);
            comma + 1
        } else if let Some(end) = self.array_end {
            self.go_on_at(Start::BehindArray);
            end + 1
        } else {
            self.scanned = 0;
            return None;
        };
        Some(end)
    }

    /// The buffer now begins behind a comma or the end of the array.
    fn go_on_at(&mut self, start: Start) {
        let array_depth = if self.root == b'[' { 1 } else { 2 };
        let depth = if start == Start::Element { array_depth } else { array_depth - 1 };
        // Behind an array that is the root begins the next document.
        let start = if depth == 0 { Start::Document } else { start };
        *self = Self { depth, root: self.root, second: b'[', start, ..Self::default() };
    }

    fn run(&mut self, content: &[u8], until: Until) {
        while self.scanned < content.len() {
            if self.in_string {
                self.run_string(content);
                continue;
            }
            let at = self.scanned;
            self.scanned += 1;
            match content[at] {
                b'"' => self.in_string = true,
                open @ (b'{' | b'[') => {
                    self.depth += 1;
                    match self.depth {
                        1 => self.root = open,
                        2 => self.second = open,
                        _ => {}
                    }
                    if self.is_in_array() {
                        self.array_start = self.scanned;
                    }
                }
                b'}' | b']' if self.depth > 0 => {
                    if self.is_in_array() && matches!(until, Until::ArrayEnd | Until::AnyCut) {
                        self.array_end = Some(at);
                        return;
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.root_end = Some(self.scanned);
                        if matches!(until, Until::AnyRootEnd | Until::AnyCut) {
                            return;
                        }
                    }
                }
                b',' if self.is_in_array() => {
                    self.comma = Some((at, self.array_start));
                    if until == Until::AnyCut {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    fn run_string(&mut self, content: &[u8]) {
        if self.escaped {
            self.escaped = false;
            self.scanned += 1;
            return;
        }
        match memchr2(b'"', b'\\', &content[self.scanned..]) {
            None => self.scanned = content.len(),
            Some(offset) => {
                let at = self.scanned + offset;
                self.scanned = at + 1;
                self.in_string = content[at] != b'"';
                self.escaped = content[at] == b'\\';
            }
        }
    }

    /// Whether this is between the elements of an array to cut, not inside of one.
    fn is_in_array(&self) -> bool {
        match self.root {
            b'[' => self.depth == 1,
            _ => self.depth == 2 && self.second == b'[',
        }
    }
}
