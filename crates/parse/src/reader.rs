//! Recognises what comes next in a text, hands it to the file of its format, and finds the way on behind broken parts.

use crate::cloudtrail::{self, MetIdentities};
use crate::delimited;
use crate::envelope::{self, Kind};
use crate::json::{Fault, Walker};
use crate::report::{Format, Remark, Report, Skipped};
use crate::resolver_query::{self, LastMoment};
use crate::vpc_flow::{self, FlowFormat, Line};
use crate::{Origin, Raw, simd};
use watchfire_model::{ApiCall, DnsQuery, Record, RecordKind, VpcFlow};

/// Messages inside messages that are opened. A subscription holds records; nothing real goes deeper than one.
const MESSAGE_DEPTH_MAX: u8 = 2;

/// Where records go.
pub(crate) type Sink<'s> = dyn FnMut(&Record<'_>, Raw<'_>) + 's;

const CUT_OFF: &str = "the text ends inside the record";
const NO_KNOWN_OBJECT: &str = "a JSON object that is of no known log format";

/// Reads the whole text.
pub(crate) fn read(text: &str, origin: &Origin, sink: &mut Sink<'_>, report: &mut Report) {
    Reader::new(text, origin, sink, report, Place::Content, 0).run();
}

/// What positions in the text mean.
#[derive(Clone, Copy)]
enum Place {
    /// Positions in the content.
    Content,
    /// The text was unescaped from a string at this position.
    Message(u64),
}

struct Reader<'t, 's, 'f> {
    text: &'t str,
    origin: &'t Origin,
    sink: &'s mut Sink<'f>,
    report: &'s mut Report,
    place: Place,
    depth: u8,
    /// Lists open at the top level.
    open_lists: u64,
    /// Bytes walked in vain. Beyond the length of the text, a broken object is searched for in its own line only, so
    /// that hostile text cannot make the reading quadratic.
    wasted: usize,
    // The records that are filled over and over: a kilobyte each, which would be copied about otherwise.
    call: Record<'t>,
    query: Record<'t>,
    flow: Record<'t>,
    flow_format: Option<FlowFormat>,
    identities: MetIdentities<'t>,
    last_moment: LastMoment<'t>,
}

impl<'t, 's, 'f> Reader<'t, 's, 'f> {
    fn new(
        text: &'t str,
        origin: &'t Origin,
        sink: &'s mut Sink<'f>,
        report: &'s mut Report,
        place: Place,
        depth: u8,
    ) -> Self {
        Self {
            text,
            origin,
            sink,
            report,
            place,
            depth,
            open_lists: 0,
            wasted: 0,
            call: Record::ApiCall(ApiCall::default()),
            query: Record::DnsQuery(DnsQuery::default()),
            flow: Record::Flow(VpcFlow::default()),
            flow_format: None,
            identities: MetIdentities::new(),
            last_moment: LastMoment::default(),
        }
    }

    fn run(mut self) {
        const BYTE_ORDER_MARK: &str = "\u{feff}";
        let bytes = self.text.as_bytes();
        let mut at = if self.text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut is_line_start = true;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'{' => at = self.object(at),
                0..=b' ' => at += 1,
                b'[' | b']' | b',' => {
                    self.open_lists = match byte {
                        b'[' => self.open_lists + 1,
                        b']' => self.open_lists.saturating_sub(1),
                        _ => self.open_lists,
                    };
                    at += 1;
                }
                _ => {
                    let prefix = envelope::export_prefix(&bytes[at..]);
                    at = if prefix > 0 && is_line_start { at + prefix } else { self.lines(at) };
                    is_line_start = prefix == 0;
                    continue;
                }
            }
            is_line_start = true;
        }
        if self.open_lists > 0 {
            self.report.remark(Remark::Truncated, 1);
        }
    }

    // ── JSON ──

    /// Reads the object that starts here and answers where to go on.
    fn object(&mut self, start: usize) -> usize {
        let bound = self.bound(start);
        match self.object_in(bound, start) {
            Ok(end) => end,
            Err((at, fault)) => self.after_fault(start, at, fault),
        }
    }

    /// The text up to where an object that starts here may reach.
    #[inline(always)]
    fn bound(&self, start: usize) -> &'t str {
        if self.wasted <= self.text.len() {
            self.text
        } else {
            self.text.get(..self.line_end(start)).unwrap_or_default()
        }
    }

    #[inline(always)]
    fn object_in(&mut self, text: &'t str, start: usize) -> Result<usize, (usize, Fault)> {
        let mut walker = Walker::new(text, start);
        let kind = match envelope::kind_at_a_glance(&text.as_bytes()[start..]) {
            Some(kind) => kind,
            None => envelope::kind_of(Walker::new(text, start)).map_err(|fault| (start, fault))?,
        };
        let walked = match kind {
            Kind::CloudTrailEvent => self.call(&mut walker, Format::CloudTrailEvents),
            Kind::ResolverQuery => self.query(&mut walker),
            Kind::CloudTrailFile => return self.log_file(text, start),
            Kind::EventBridge => self.event_bridge(&mut walker),
            Kind::Subscription => self.subscription(&mut walker),
            Kind::LookupEvents => return self.lookup_events(text, start),
            Kind::LookupEvent => self.lookup_event(&mut walker),
            Kind::Digest => walker.skip().map(|()| self.report.skip(Skipped::Digest)),
            Kind::Unknown => walker.skip().map(|()| self.reject(start, NO_KNOWN_OBJECT)),
        };
        walked.map(|()| walker.at()).map_err(|fault| (walker.at(), fault))
    }

    /// Reads the CloudTrail event that comes next.
    #[inline(always)]
    fn call(&mut self, walker: &mut Walker<'t>, format: Format) -> Result<(), Fault> {
        let start = walker.at();
        let Record::ApiCall(call) = &mut self.call else { return Ok(()) };
        match cloudtrail::event(walker, call, self.origin, &mut self.identities)? {
            cloudtrail::Outcome::Event => {
                self.report.count(RecordKind::ApiCall, format);
                let position = self.position(start);
                (self.sink)(&self.call, Raw { text: walker.since(start), position, format: None });
            }
            cloudtrail::Outcome::Skipped(what) => self.report.skip(what),
            cloudtrail::Outcome::Rejected(reason) => self.reject(start, reason),
            cloudtrail::Outcome::Foreign if format == Format::EventBridge => self.report.skip(Skipped::OtherEvent),
            cloudtrail::Outcome::Foreign => self.reject(start, NO_KNOWN_OBJECT),
        }
        Ok(())
    }

    #[inline(always)]
    fn query(&mut self, walker: &mut Walker<'t>) -> Result<(), Fault> {
        let start = walker.at();
        let Record::DnsQuery(query) = &mut self.query else { return Ok(()) };
        match resolver_query::query(walker, query, self.origin, &mut self.last_moment)? {
            resolver_query::Outcome::Query => {
                self.report.count(RecordKind::DnsQuery, Format::ResolverQuery);
                let position = self.position(start);
                (self.sink)(&self.query, Raw { text: walker.since(start), position, format: None });
            }
            resolver_query::Outcome::Rejected(reason) => self.reject(start, reason),
            resolver_query::Outcome::Foreign => self.reject(start, NO_KNOWN_OBJECT),
        }
        Ok(())
    }

    /// `{"Records":[…]}`: straight from event to event.
    fn log_file(&mut self, text: &'t str, start: usize) -> Result<usize, (usize, Fault)> {
        self.members_with_list(text, start, "Records", |reader, walker| reader.call(walker, Format::CloudTrailFile))
    }

    fn lookup_events(&mut self, text: &'t str, start: usize) -> Result<usize, (usize, Fault)> {
        self.members_with_list(text, start, "Events", |reader, walker| reader.lookup_event(walker))
    }

    /// Walks an object, and in it the list with this key, whose elements are read each for itself: one that is broken
    /// is left out.
    fn members_with_list(
        &mut self,
        text: &'t str,
        start: usize,
        list: &str,
        mut element: impl FnMut(&mut Self, &mut Walker<'t>) -> Result<(), Fault>,
    ) -> Result<usize, (usize, Fault)> {
        let mut walker = Walker::new(text, start);
        let walked = walker.object(|walker, key| {
            if key != list || walker.peek()? != b'[' {
                return walker.skip();
            }
            walker.step();
            loop {
                match walker.peek()? {
                    b']' => {
                        walker.step();
                        return Ok(());
                    }
                    b',' => walker.step(),
                    b'{' => {
                        let start = walker.at();
                        if let Err(fault) = element(self, walker) {
                            self.reject_fault(start, walker.at(), fault);
                            let next = self.next_event(start, text.len()).ok_or(fault)?;
                            self.report.remark(Remark::Resynchronised, 1);
                            *walker = Walker::new(text, next);
                        }
                    }
                    _ => {
                        self.reject(walker.at(), "an element of the list is no object");
                        walker.skip()?;
                    }
                }
            }
        });
        match walked {
            Ok(()) => Ok(walker.at()),
            // What is wrong stands in the report already; there is nothing in this object to go on with.
            Err(Fault::Cut) => {
                self.report.remark(Remark::Truncated, 1);
                Ok(text.len())
            }
            Err(fault) => Err((walker.at(), fault)),
        }
    }

    /// Where the next thing starts that looks like an event: a brace behind a comma or brace, and a key of CloudTrail.
    fn next_event(&mut self, start: usize, end: usize) -> Option<usize> {
        if self.wasted > self.text.len().saturating_mul(2) {
            return None;
        }
        let text = self.text.get(..end)?;
        let bytes = text.as_bytes();
        let mut from = start + 1;
        while let Some(offset) = memchr::memchr(b'{', bytes.get(from..)?) {
            let at = from + offset;
            let before = bytes[..at].iter().rev().find(|byte| **byte > b' ');
            let is_event = || {
                let mut walker = Walker::new(text, at);
                walker.step();
                walker.key().is_ok_and(|key| {
                    let key = key.text();
                    cloudtrail::is_event_key(&key) || key == "CloudTrailEvent"
                })
            };
            if matches!(before, Some(b',' | b'}')) && is_event() {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }

    /// An EventBridge event: the CloudTrail event is its `detail`.
    fn event_bridge(&mut self, walker: &mut Walker<'t>) -> Result<(), Fault> {
        let mut has_detail = false;
        walker.object(|walker, key| {
            if key == "detail" && walker.peek()? == b'{' {
                has_detail = true;
                return self.call(walker, Format::EventBridge);
            }
            walker.skip()
        })?;
        if !has_detail {
            self.report.skip(Skipped::OtherEvent);
        }
        Ok(())
    }

    /// A CloudWatch Logs subscription message: each of its log events holds a line of some log.
    fn subscription(&mut self, walker: &mut Walker<'t>) -> Result<(), Fault> {
        let start = walker.at();
        let mut is_control = false;
        walker.object(|walker, key| {
            match key {
                "messageType" => is_control = walker.text()? == "CONTROL_MESSAGE",
                "logEvents" if !is_control && walker.peek()? == b'[' => self.log_events(walker, start)?,
                _ => walker.skip()?,
            }
            Ok(())
        })?;
        if is_control {
            self.report.skip(Skipped::ControlMessage);
        }
        Ok(())
    }

    fn log_events(&mut self, walker: &mut Walker<'t>, start: usize) -> Result<(), Fault> {
        walker.step();
        loop {
            match walker.peek()? {
                b']' => {
                    walker.step();
                    return Ok(());
                }
                b',' => walker.step(),
                _ => walker.object_if_any(|walker, key| {
                    if key == "message" && walker.peek()? == b'"' { self.message(walker, start) } else { walker.skip() }
                })?,
            }
        }
    }

    fn lookup_event(&mut self, walker: &mut Walker<'t>) -> Result<(), Fault> {
        let start = walker.at();
        walker.object(|walker, key| {
            if key == "CloudTrailEvent" && walker.peek()? == b'"' { self.message(walker, start) } else { walker.skip() }
        })
    }

    /// Reads the string that comes next as a text of its own.
    fn message(&mut self, walker: &mut Walker<'t>, start: usize) -> Result<(), Fault> {
        let position = self.position(walker.at() + 1);
        let text = walker.string()?.text();
        if self.depth >= MESSAGE_DEPTH_MAX {
            self.reject(start, "messages are wrapped in messages too often");
            return Ok(());
        }
        Reader::new(&text, self.origin, self.sink, self.report, Place::Message(position), self.depth + 1).run();
        Ok(())
    }

    /// Counts the broken object and answers where to go on: at the next event of the same line, else at the next line
    /// that does not look like a part of the same object.
    #[cold]
    fn after_fault(&mut self, start: usize, at: usize, fault: Fault) -> usize {
        let reached = if fault == Fault::Cut { self.bound(start).len() } else { at };
        self.reject_fault(start, reached, fault);
        let line_end = self.line_end(start);
        if let Some(next) = self.next_event(start, line_end) {
            return next;
        }
        let bytes = self.text.as_bytes();
        let mut line = line_end;
        while line < bytes.len() {
            let first = bytes.get(line + 1);
            if !matches!(first, Some(b' ' | b'\t' | b'\r' | b'\n' | b'}' | b']' | b'"')) {
                break;
            }
            line = self.line_end(line + 1);
        }
        if line >= bytes.len() && fault == Fault::Cut {
            self.report.remark(Remark::Truncated, 1);
        }
        line
    }

    #[cold]
    fn reject_fault(&mut self, start: usize, reached: usize, fault: Fault) {
        let (reached, reason) = match fault {
            Fault::Cut => (self.text.len(), CUT_OFF),
            Fault::Syntax(reason) => (reached, reason),
        };
        self.wasted += reached.saturating_sub(start);
        self.reject(start, reason);
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.text.len(), |offset| from + offset)
    }

    // ── Lines ──

    /// Reads flow records from here on, as long as lines look like it, and answers where to go on.
    fn lines(&mut self, start: usize) -> usize {
        simd::at_best(Lines { reader: self, start })
    }

    /// Compiled for each set of instructions.
    #[inline(always)]
    fn lines_from(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut line = Line::new(self.text);
        let mut at = start;
        while let Some(&first) = bytes.get(at) {
            if first <= b' '
                || matches!(first, b'{' | b'[')
                || (at > start && envelope::export_prefix(&bytes[at..]) > 0)
            {
                break;
            }
            let line_break = line.split(at);
            let is_header = (first.is_ascii_lowercase() || first == b'"') && self.header(line.as_str());
            if !is_header
                && let Some(reason) = self.flow(&line, at)
                && !self.row(line.as_str(), at)
            {
                self.reject(at, reason);
            }
            at = line_break + 1;
        }
        at.min(bytes.len())
    }

    /// Takes the format from this line, if it is a header.
    fn header(&mut self, line: &str) -> bool {
        let Some(format) = FlowFormat::from_header(line) else { return false };
        self.flow_format = Some(format);
        self.flow = Record::Flow(VpcFlow::default());
        true
    }

    /// Reads a flow record. If its columns are not those of one, it answers why, for the line may be something else.
    #[inline(always)]
    fn flow(&mut self, line: &Line<'t>, at: usize) -> Option<&'static str> {
        let Record::Flow(flow) = &mut self.flow else { return None };
        let (mut format, mut delivered) = match (&self.flow_format, &self.origin.flow_format) {
            (Some(format), _) => (format, Format::FlowWithHeader),
            (None, Some(format)) => (format, Format::FlowWithoutHeader),
            (None, None) if line.is_version_2() => (FlowFormat::version_2(), Format::FlowWithoutHeader),
            (None, None) => return Some("a line that is neither JSON nor a flow record with known columns"),
        };
        let mut outcome = line.read(format, flow, self.origin);
        if outcome == vpc_flow::WRONG_COLUMN_COUNT && line.is_version_2() {
            // Files put together: one without header behind one with another format.
            (format, delivered) = (FlowFormat::version_2(), Format::FlowWithoutHeader);
            *flow = VpcFlow::default();
            outcome = line.read(format, flow, self.origin);
        }
        let mut misfit = None;
        let is_borrowed_format = delivered == Format::FlowWithoutHeader && self.flow_format.is_some();
        match outcome {
            vpc_flow::Outcome::Flow => {
                self.report.count(RecordKind::Flow, delivered);
                let position = self.place.of(at);
                (self.sink)(&self.flow, Raw { text: line.as_str(), position, format: Some(format) });
            }
            vpc_flow::Outcome::Skipped(what) => self.report.skip(what),
            vpc_flow::Outcome::Rejected(reason) if outcome == vpc_flow::WRONG_COLUMN_COUNT => misfit = Some(reason),
            vpc_flow::Outcome::Rejected(reason) => self.reject(at, reason),
        }
        if is_borrowed_format {
            // The next line overwrites the columns of its own format only.
            self.flow = Record::Flow(VpcFlow::default());
        }
        misfit
    }

    /// Reads a row of cells between commas: a log's line in one of them, or a flow record in all. False if it is none.
    #[cold]
    fn row(&mut self, row: &str, at: usize) -> bool {
        let Some(cells) = delimited::cells(row).filter(|_| self.depth < MESSAGE_DEPTH_MAX) else { return false };
        if delimited::is_message_header(&cells) {
            return true;
        }
        let is_version_2 = |text: &str| {
            let mut line = Line::new(text);
            line.split(0) == text.len() && line.is_version_2()
        };
        let message = cells.iter().find(|cell| cell.starts_with('{') || is_version_2(cell));
        let (text, format) = match message {
            Some(message) => (message.clone(), None),
            None => (delimited::flow_line(&cells).into(), self.flow_format.clone()),
        };
        let known = self.flow_format.as_ref().or(self.origin.flow_format.as_ref());
        let has_columns = known.is_some_and(|format| format.column_count() == cells.len());
        if message.is_none() && !has_columns && !is_version_2(&text) {
            return false;
        }
        let place = Place::Message(self.position(at));
        let mut reader = Reader::new(&text, self.origin, self.sink, self.report, place, self.depth + 1);
        reader.flow_format = format;
        reader.run();
        true
    }

    // ── Places ──

    #[inline(always)]
    fn position(&self, at: usize) -> u64 {
        self.place.of(at)
    }

    #[cold]
    fn reject(&mut self, at: usize, reason: &'static str) {
        self.report.reject(self.place.of(at), reason);
    }
}

/// The reading of flow records from here on.
struct Lines<'r, 't, 's, 'f> {
    reader: &'r mut Reader<'t, 's, 'f>,
    start: usize,
}

impl simd::Work for Lines<'_, '_, '_, '_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        self.reader.lines_from(self.start)
    }
}

impl Place {
    #[inline(always)]
    fn of(self, at: usize) -> u64 {
        match self {
            Self::Content => at as u64,
            Self::Message(position) => position,
        }
    }
}
