//! Queries of one client for names below one registered domain, in one clock hour.

use super::bytes::{Reader, put_group};
use super::{Kept, Place, Places, RecordPlace, Sample, Sampled, offset_ms};
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use watchfire_knowledge::is_publicly_routable;
use watchfire_model::{DnsQuery, Time};

/// Distinct names kept of each tally. Source: detection-methods, section 6b (the 64 smallest hashes).
const NAMES_MAX: usize = 64;
/// Addresses kept of a name's answer.
const ANSWERS_MAX: usize = 4;
/// A shipped number: the state of sketches must not depend on the run.
const NAME_SEED: u64 = 0x444e_5344_4e53_444e;

/// What is summed together: a client and a registered domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryKey {
    /// The clock hour.
    pub hour: i64,
    /// The client's account, region, VPC, and instance if known; as the interface the resolver endpoint that it came
    /// through, if it did: the client is then a host behind it.
    pub place: Place,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The registered domain in lower case without a final dot; the whole name where there is none above it.
    pub domain: Box<str>,
}

impl QueryKey {
    /// Bytes that tell clients apart, whose order is theirs. `place` is what [`Place::encode`] wrote. The keys of one client
    /// and hour are in the order of their domains.
    pub fn encode_client(place: &[u8], client: Option<IpAddr>, into: &mut Vec<u8>) {
        into.extend_from_slice(place);
        match client {
            None => into.push(0),
            Some(IpAddr::V4(v4)) => {
                into.push(4);
                into.extend_from_slice(&v4.octets());
            }
            Some(IpAddr::V6(v6)) => {
                into.push(6);
                into.extend_from_slice(&v6.octets());
            }
        }
    }

    /// The key of what [`Self::encode_client`] wrote, in this hour, with this domain. `None` where the bytes are not that.
    pub fn decode(hour: i64, client: &[u8], domain: &[u8], places: &mut Places) -> Option<Self> {
        let (place, rest) = places.read(client)?;
        let (family, rest) = rest.split_first()?;
        let client = match family {
            0 => None,
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(rest).ok()?)),
            6 => Some(IpAddr::from(<[u8; 16]>::try_from(rest).ok()?)),
            _ => return None,
        };
        Some(Self { hour, place, client, domain: std::str::from_utf8(domain).ok()?.into() })
    }
}

/// Types of queries that tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// Text.
    Txt,
    /// NULL and other types whose answers can hold anything, which nothing but tunnels asks for: KEY, and types of private use.
    Null,
    /// An alias.
    Cname,
    /// A mail server.
    Mx,
    /// A service.
    Srv,
    /// Any other.
    Other,
}

impl QueryType {
    fn of(name: &str) -> Self {
        match name {
            "A" => Self::A,
            "AAAA" => Self::Aaaa,
            "TXT" => Self::Txt,
            "NULL" | "KEY" => Self::Null,
            "CNAME" => Self::Cname,
            "MX" => Self::Mx,
            "SRV" => Self::Srv,
            _ if Self::is_private(name) => Self::Null,
            _ => Self::Other,
        }
    }

    /// Whether a type is one of private use, 65280 to 65534, which has no name. Source: RFC 6895, section 3.1, and RFC 3597 for
    /// how it is written.
    fn is_private(name: &str) -> bool {
        let number = name.strip_prefix("TYPE").unwrap_or(name);
        number.len() == 5 && number.parse::<u16>().is_ok_and(|number| (65_280..=65_534).contains(&number))
    }
}

/// The sums of one [`QueryKey`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryTally {
    /// Queries.
    pub queries: u32,
    /// Queries answered NXDOMAIN.
    pub nx: u32,
    /// Queries answered with any other error.
    pub failed: u32,
    /// Queries answered with something.
    pub answered: u32,
    /// Queries that DNS Firewall blocked.
    pub blocked: u32,
    /// Queries over TCP.
    pub tcp: u32,
    /// Queries by type, in the order of [`QueryType`].
    pub by_type: [u32; 8],
    /// Bytes of the answers as logged.
    pub answer_bytes: u64,
    /// The first and the last query, in milliseconds of the hour.
    pub first: u32,
    /// See `first`.
    pub last: u32,
    /// The distinct names: all if they are few, else a sample.
    pub names: Sample<SubName, NAMES_MAX>,
}

/// One name that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SubName {
    hash: u64,
    /// The whole name, lower case, without a final dot, at most 253 characters.
    pub name: Box<str>,
    /// Queries for it.
    pub queries: u32,
    /// Whether a query was answered NXDOMAIN.
    pub nx: bool,
    /// The first query, in milliseconds of the hour.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// When it led to the internet: the answers were addresses that can be reached from anywhere, and no others.
    pub public: Option<Answered>,
    /// When an answer held an address that the internet cannot route to, such as a private one.
    pub inside: Option<Box<Answered>>,
    /// Where the first query stands.
    pub place: RecordPlace,
}

/// Queries of type A or AAAA that were answered with addresses of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The first such query, in milliseconds of the hour.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// The addresses that the first was answered with, at most four, in order.
    pub addresses: Vec<IpAddr>,
    /// Where the first stands.
    pub place: RecordPlace,
    /// Where the last stands.
    pub last_place: RecordPlace,
}

impl Answered {
    fn merge(&mut self, other: Self) {
        if (other.first, &other.addresses, other.place) < (self.first, &self.addresses, self.place) {
            (self.first, self.addresses, self.place) = (other.first, other.addresses, other.place);
        }
        (self.last, self.last_place) = (self.last, self.last_place).max((other.last, other.last_place));
    }

    /// Of one query.
    fn of(query: &DnsQuery<'_>, at: u32, place: RecordPlace) -> Self {
        Self { first: at, last: at, addresses: addresses(query), place, last_place: place }
    }
}

impl Sampled for SubName {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn merge(&mut self, other: Self) {
        self.queries = self.queries.saturating_add(other.queries);
        self.nx |= other.nx;
        self.last = self.last.max(other.last);
        (self.first, self.place) = (self.first, self.place).min((other.first, other.place));
        if let Some(theirs) = other.public {
            match &mut self.public {
                Some(ours) => ours.merge(theirs),
                ours => *ours = Some(theirs),
            }
        }
        if let Some(theirs) = other.inside {
            match &mut self.inside {
                Some(ours) => ours.merge(*theirs),
                ours => *ours = Some(theirs),
            }
        }
    }
}

impl SubName {
    /// The part below the domain: `a.b` of `a.b.example.com`; empty for the domain itself.
    pub fn below<'n>(&'n self, domain: &str) -> &'n str {
        self.name.strip_suffix(domain).map_or("", |below| below.strip_suffix('.').unwrap_or(below))
    }

    /// The addresses of the first answers of either kind.
    pub fn answers(&self) -> impl Iterator<Item = IpAddr> {
        let inside = self.inside.as_deref().into_iter();
        self.public.as_ref().into_iter().chain(inside).flat_map(|answered| answered.addresses.iter().copied())
    }

    fn answer(&mut self, query: &DnsQuery<'_>, answers: AnswerReach, at: u32, place: impl Fn() -> RecordPlace) {
        let reach = answers.reach;
        let known = match reach {
            Some(Reach::Public) => self.public.as_mut(),
            Some(Reach::Inside) => self.inside.as_deref_mut(),
            None => return,
        };
        match known {
            // The usual case: records come in order, and answers are parsed for the first alone.
            Some(known) if at > known.first => {
                if at >= known.last {
                    (known.last, known.last_place) = (known.last, known.last_place).max((at, place()));
                }
            }
            Some(known) => known.merge(Answered::of(query, at, place())),
            None if reach == Some(Reach::Public) => self.public = Some(Answered::of(query, at, place())),
            None => self.inside = Some(Box::new(Answered::of(query, at, place()))),
        }
    }
}

impl SubName {
    fn encode(&self, into: &mut Vec<u8>) {
        let bits = [self.nx, self.public.is_some(), self.inside.is_some()];
        let bits = bits.into_iter().rev().fold(0, |all, bit| all << 1 | u32::from(bit));
        let [file, position, position_high, tie] = self.place.numbers();
        let numbers = [
            (self.name.len() as u32) << 3 | bits,
            self.queries,
            self.first,
            self.last.wrapping_sub(self.first),
            file,
            position,
            position_high,
            tie,
        ];
        put_group(self.hash.to_le_bytes(), numbers, into);
        into.extend_from_slice(self.name.as_bytes());
        self.public.iter().chain(self.inside.as_deref()).for_each(|answered| answered.encode(into));
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let hash = u64::from_le_bytes(reader.chunk()?);
        let [length, queries, first, lasted, place @ ..] = reader.group::<8>()?;
        let has = |bit: u32| length >> bit & 1 == 1;
        let name = std::str::from_utf8(reader.bytes((length >> 3) as usize)?).ok()?.into();
        let public = if has(1) { Some(Answered::decode(reader)?) } else { None };
        let inside = if has(2) { Some(Box::new(Answered::decode(reader)?)) } else { None };
        let (last, place) = (first.wrapping_add(lasted), RecordPlace::of_numbers(place));
        Some(Self { hash, name, queries, nx: has(0), first, last, public, inside, place })
    }
}

impl Answered {
    fn encode(&self, into: &mut Vec<u8>) {
        let [file, position, position_high, tie] = self.place.numbers();
        let [last_file, last_position, last_high, last_tie] = self.last_place.numbers();
        let numbers = [
            self.first,
            self.last.wrapping_sub(self.first),
            file,
            position,
            position_high,
            tie,
            last_file ^ file,
            last_position,
            last_high,
            last_tie,
            0,
            0,
        ];
        // At most four.
        put_group([self.addresses.len() as u8], numbers, into);
        for address in &self.addresses {
            match address {
                IpAddr::V4(v4) => {
                    into.push(4);
                    into.extend_from_slice(&v4.octets());
                }
                IpAddr::V6(v6) => {
                    into.push(6);
                    into.extend_from_slice(&v6.octets());
                }
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let [count] = reader.chunk()?;
        let numbers = reader.group::<12>()?;
        let [first, lasted, file, position, position_high, tie, other_file, last_position, last_high, last_tie, ..] =
            numbers;
        let place = RecordPlace::of_numbers([file, position, position_high, tie]);
        let last_place = RecordPlace::of_numbers([other_file ^ file, last_position, last_high, last_tie]);
        let mut addresses = Vec::with_capacity(usize::from(count).min(ANSWERS_MAX));
        for _ in 0..count {
            addresses.push(match reader.byte()? {
                4 => IpAddr::from(reader.chunk::<4>()?),
                6 => IpAddr::from(reader.chunk::<16>()?),
                _ => return None,
            });
        }
        Some(Self { first, last: first.wrapping_add(lasted), addresses, place, last_place })
    }
}

impl Kept for QueryTally {
    fn encode(&self, into: &mut Vec<u8>) {
        let counts = [
            self.queries,
            self.nx,
            self.failed,
            self.answered,
            self.blocked,
            self.tcp,
            self.first,
            self.last,
            self.answer_bytes as u32,
            (self.answer_bytes >> 32) as u32,
            (self.names.kept().len() as u32) << 1 | u32::from(self.names.is_cut()),
            0,
        ];
        put_group([], counts, into);
        put_group([], self.by_type, into);
        self.names.kept().iter().for_each(|name| name.encode(into));
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let [queries, nx, failed, answered, blocked, tcp, first, last, bytes, bytes_high, count, _] = reader.group()?;
        let by_type = reader.group()?;
        let answer_bytes = u64::from(bytes_high) << 32 | u64::from(bytes);
        let mut kept = Vec::with_capacity((count >> 1).min(NAMES_MAX as u32) as usize);
        for _ in 0..count >> 1 {
            kept.push(SubName::decode(&mut reader)?);
        }
        let names = Sample::restored(kept, count & 1 == 1);
        let tally = Self { queries, nx, failed, answered, blocked, tcp, by_type, answer_bytes, first, last, names };
        Some(tally)
    }
}

impl QueryTally {
    /// A hash of a name (lower case, without a final dot): the same in every run.
    pub fn name_hash(name: &str) -> u64 {
        let mut hasher = foldhash::quality::FixedState::with_seed(NAME_SEED).build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// Takes in a query for this name, with its hash ([`Self::name_hash`]), and where its answer leads. On the hot path.
    /// `place` says where it stands, and is asked only where that matters.
    pub fn add(
        &mut self,
        query: &DnsQuery<'_>,
        (name, hash): (&str, u64),
        answers: AnswerReach,
        hour: i64,
        place: impl Fn() -> RecordPlace,
    ) {
        let at = offset_ms(query.time.ms(), hour.saturating_mul(Time::HOUR_MS));
        self.first = if self.queries == 0 { at } else { self.first.min(at) };
        self.last = self.last.max(at);
        self.queries += 1;
        let is_nx = query.rcode == "NXDOMAIN";
        let has_answer = query.answers.len() > 2;
        self.nx += u32::from(is_nx);
        self.failed += u32::from(!is_nx && query.rcode != "NOERROR");
        self.answered += u32::from(has_answer);
        self.blocked += u32::from(query.is_blocked());
        self.tcp += u32::from(query.transport == "TCP");
        self.by_type[QueryType::of(&query.query_type) as usize] += 1;
        self.answer_bytes += query.answers.len() as u64;
        if self.names.is_out_of_reach(hash) {
            return;
        }
        if let Some(known) = self.names.get_mut(hash) {
            known.queries = known.queries.saturating_add(1);
            known.nx |= is_nx;
            known.last = known.last.max(at);
            if at <= known.first {
                (known.first, known.place) = (known.first, known.place).min((at, place()));
            }
            known.answer(query, answers, at, place);
        } else {
            let name = Box::from(name);
            let (public, inside) = (None, None);
            let place = place();
            let mut known = SubName { hash, name, queries: 1, nx: is_nx, first: at, last: at, public, inside, place };
            known.answer(query, answers, at, || place);
            self.names.insert_new(known);
        }
    }

    /// Takes in what another part summed.
    pub fn merge(&mut self, other: Self) {
        self.first = match (self.queries, other.queries) {
            (0, _) => other.first,
            (_, 0) => self.first,
            _ => self.first.min(other.first),
        };
        self.last = self.last.max(other.last);
        self.queries = self.queries.saturating_add(other.queries);
        self.nx = self.nx.saturating_add(other.nx);
        self.failed = self.failed.saturating_add(other.failed);
        self.answered = self.answered.saturating_add(other.answered);
        self.blocked = self.blocked.saturating_add(other.blocked);
        self.tcp = self.tcp.saturating_add(other.tcp);
        for (ours, theirs) in self.by_type.iter_mut().zip(other.by_type) {
            *ours = ours.saturating_add(theirs);
        }
        self.answer_bytes = self.answer_bytes.saturating_add(other.answer_bytes);
        self.names.merge(other.names);
    }

    /// Puts the names in order, once all queries were taken in.
    pub fn settle(&mut self) {
        self.names.settle();
    }

    /// Shows where each name's records stand, to be changed.
    pub fn each_place(&mut self, mut change: impl FnMut(&mut RecordPlace)) {
        self.names.each_mut(|name| {
            change(&mut name.place);
            for answered in name.public.iter_mut().chain(name.inside.as_deref_mut()) {
                change(&mut answered.place);
                change(&mut answered.last_place);
            }
        });
    }

    /// How many distinct names there were, estimated where there were more than 64.
    pub fn name_count(&self) -> u64 {
        self.names.distinct(u64::MAX)
    }

    /// Queries of this type.
    pub fn of_type(&self, query_type: QueryType) -> u32 {
        self.by_type[query_type as usize]
    }

    /// The moment of an offset in this hour.
    pub fn moment(hour: i64, offset: u32) -> Time {
        Time::from_ms(hour.saturating_mul(Time::HOUR_MS).saturating_add(i64::from(offset)))
    }
}

/// Where the answer of a query leads: found once, for the sums and for the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerReach {
    /// `None` where it holds no address.
    reach: Option<Reach>,
    /// Whether each answer was looked at, and none is an address that the internet cannot route to.
    is_outside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Public,
    Inside,
}

impl AnswerReach {
    /// Of one query. On the hot path: without a parser for the form that AWS writes, as [`DnsQuery::answer_addresses`].
    pub fn of(query: &DnsQuery<'_>) -> Self {
        if query.answers.len() <= 2 {
            return Self { reach: None, is_outside: true };
        }
        if !matches!(&*query.query_type, "A" | "AAAA") {
            return Self::default();
        }
        let kind = |address: IpAddr| if is_publicly_routable(address) { Reach::Public } else { Reach::Inside };
        let merge = |sum: Option<Reach>, one: Reach| Some(if sum == Some(Reach::Inside) { Reach::Inside } else { one });
        let mut reach = None;
        let is_plain = each_value(query.answers, |value| {
            let one = match value {
                Value::V4(bits) if is_plainly_public(bits) => Reach::Public,
                Value::V4(bits) => kind(Ipv4Addr::from_bits(bits).into()),
                Value::Text(text) => match text.parse() {
                    Ok(address) => kind(address),
                    Err(_) => return,
                },
            };
            reach = merge(reach, one);
        });
        if !is_plain {
            reach = query.answer_addresses().into_iter().map(kind).fold(None, merge);
        }
        Self { reach, is_outside: is_plain && reach != Some(Reach::Inside) }
    }

    /// Whether an answer may be an address that the internet cannot route to; false where it certainly is none.
    pub fn may_lead_inside(self) -> bool {
        !self.is_outside
    }
}

/// The value of an answer.
enum Value<'t> {
    /// An IPv4 address.
    V4(u32),
    /// Anything else that may be an address.
    Text(&'t str),
}

/// Shows the values of answers that are written as AWS writes them, without spaces, always the same keys in the same order:
/// those that may be addresses. False if they are written otherwise; then what was shown does not count.
fn each_value<'t>(answers: &'t str, mut show: impl FnMut(Value<'t>)) -> bool {
    let Some(mut rest) = answers.as_bytes().strip_prefix(b"[") else { return false };
    loop {
        let Some(value) = rest.strip_prefix(br#"{"Rdata":""#) else { return false };
        let after = match ipv4(value) {
            Some((bits, length)) => {
                show(Value::V4(bits));
                &value[length..]
            }
            None => {
                let Some(length) = memchr::memchr(b'"', value) else { return false };
                let (text, after) = value.split_at(length);
                let begin = answers.len() - rest.len() + (rest.len() - value.len());
                // What begins with a letter that is no hexadecimal digit is a name.
                let may_be_address = text.first().is_some_and(|first| first.is_ascii_hexdigit() || *first == b':');
                match answers.get(begin..begin + length) {
                    Some(text) if may_be_address => show(Value::Text(text)),
                    Some(_) => {}
                    None => return false,
                }
                after
            }
        };
        // One by one, so that the compiler knows how long each is.
        let after = after
            .strip_prefix(br#"","Type":"A","Class":"IN"}"#)
            .or_else(|| after.strip_prefix(br#"","Type":"CNAME","Class":"IN"}"#))
            .or_else(|| after.strip_prefix(br#"","Type":"AAAA","Class":"IN"}"#));
        let Some(after) = after else { return false };
        match after {
            [b',', next @ ..] => rest = next,
            [b']'] => return true,
            _ => return false,
        }
    }
}

/// The IPv4 address that stands before a quote, and how many bytes it takes. `None` where none does, or one that is not written
/// as usual: then a parser decides. Counts of digits differ from answer to answer, so there is no loop over them: each octet is
/// read as a word.
#[inline(always)]
fn ipv4(text: &[u8]) -> Option<(u32, usize)> {
    // The least number of so many digits: no zeros before it.
    const SMALLEST: [u32; 4] = [u32::MAX, 0, 10, 100];
    // As long as the longest with its quote. What stands nearer to the end of the answers is shorter than these may be.
    let mut rest = u128::from_le_bytes(*text.first_chunk()?);
    let (mut bits, mut at) = (0_u32, 0);
    for end in [b'.', b'.', b'.', b'"'] {
        let word = rest as u32;
        let digits = word ^ 0x3030_3030;
        // The high bit of each byte that is no digit. A carry goes up, and the lowest is looked at.
        let others = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080;
        let length = others.trailing_zeros() / 8;
        if length > 3 || (word >> (8 * length)) as u8 != end {
            return None;
        }
        // The digits move to the high bytes, so that zeros come before them.
        let digits = digits.unbounded_shl(8 * (4 - length));
        let octet = (digits >> 8 & 0xff) * 100 + (digits >> 16 & 0xff) * 10 + (digits >> 24);
        if octet > 255 || octet < SMALLEST[length as usize & 3] {
            return None;
        }
        bits = bits << 8 | octet;
        at += length as usize + 1;
        rest >>= 8 * (length + 1);
    }
    Some((bits, at - 1))
}

/// Whether an IPv4 address can be routed, by its first octet alone; false where the others must be asked.
const fn is_plainly_public(bits: u32) -> bool {
    const SPECIAL: [u64; 4] = {
        let mut special = [0; 4];
        let mut at = 0;
        while at < SPECIAL_OCTETS.len() {
            special[SPECIAL_OCTETS[at] as usize / 64] |= 1 << (SPECIAL_OCTETS[at] % 64);
            at += 1;
        }
        special
    };
    let octet = bits >> 24;
    octet < 224 && SPECIAL[(octet / 64) as usize] >> (octet % 64) & 1 == 0
}

/// The first octets of IPv4 addresses below 224 of which some cannot be routed. Source: IANA's registry of special-purpose
/// addresses, as [`is_publicly_routable`] has it.
const SPECIAL_OCTETS: [u32; 8] = [0, 10, 100, 127, 169, 172, 192, 198];

/// The addresses that a query was answered with: the first few in order, whatever order the answer had.
fn addresses(query: &DnsQuery<'_>) -> Vec<IpAddr> {
    if query.answers.len() <= 2 {
        return Vec::new();
    }
    let mut addresses = Vec::new();
    let is_plain = each_value(query.answers, |value| match value {
        Value::V4(bits) => addresses.push(Ipv4Addr::from_bits(bits).into()),
        Value::Text(text) => addresses.extend(text.parse::<IpAddr>()),
    });
    if !is_plain {
        addresses = query.answer_addresses();
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ANSWERS_MAX);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reach_of(answers: &str) -> Option<Reach> {
        let query = DnsQuery { answers, query_type: "A".into(), ..DnsQuery::default() };
        let reached = AnswerReach::of(&query);
        // What leads outside for certain must not lead inside.
        assert!(reached.reach != Some(Reach::Inside) || reached.may_lead_inside(), "{answers}");
        reached.reach
    }

    /// Queries: which name, at which second, answered with what, and what they say beyond.
    fn tally(queries: &[(u8, i64, u8, u32)]) -> QueryTally {
        let mut tally = QueryTally::default();
        for &(name, at, answer, tie) in queries {
            let name = format!("host{name}.example.com");
            let answers = match answer {
                0 => String::new(),
                1..4 => format!(r#"[{{"Rdata":"10.0.0.{answer}","Type":"A","Class":"IN"}}]"#),
                _ => format!(
                    r#"[{{"Rdata":"203.0.113.{answer}","Type":"A","Class":"IN"}},{{"Rdata":"2600::{answer:x}","Type":"AAAA","Class":"IN"}}]"#
                ),
            };
            let query = DnsQuery {
                answers: &answers,
                query_type: if answer == 9 { "TXT".into() } else { "A".into() },
                rcode: if answer == 0 { "NXDOMAIN".into() } else { "NOERROR".into() },
                time: Time::from_seconds(at),
                ..DnsQuery::default()
            };
            let hash = QueryTally::name_hash(&name);
            let place = || RecordPlace { tie, file: tie % 3, position: u64::from(tie) << 7 };
            tally.add(&query, (&name, hash), AnswerReach::of(&query), 0, place);
        }
        tally.settle();
        tally
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_again_and_parts_merge_to_the_whole(
            queries in proptest::collection::vec((any::<u8>(), 0i64..3_600, 0u8..12, any::<u32>()), 1..400),
            parts in proptest::collection::vec(0usize..3, 400),
        ) {
            let whole = tally(&queries);
            let mut bytes = Vec::new();
            whole.encode(&mut bytes);
            prop_assert_eq!(QueryTally::decode(&bytes), Some(whole.clone()));
            prop_assert_eq!(QueryTally::decode(&bytes[..bytes.len() - 1]), None);
            let mut merged: Option<QueryTally> = None;
            for part in 0..3 {
                let own: Vec<_> = queries.iter().zip(&parts).rev().filter(|(_, of)| **of == part).map(|(one, _)| *one).collect();
                match &mut merged {
                    Some(merged) => merged.merge(tally(&own)),
                    None => merged = Some(tally(&own)),
                }
            }
            prop_assert_eq!(merged, Some(whole));
        }

        /// Without a parser, and with one, an answer leads to the same place.
        #[test]
        fn where_an_answer_leads_is_the_same_with_and_without_a_parser(
            values in proptest::collection::vec(prop_oneof![
                any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string()),
                any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from(bits).to_string()),
                (0u32..256, any::<u16>()).prop_map(|(first, rest)| format!("{first}.{}.{}.1", rest >> 8, rest & 255)),
                Just("::ffff:10.0.0.9".to_owned()),
                Just("10.cdn.example.".to_owned()),
                Just("ec2-1-2-3-4.example.".to_owned()),
            ], 0..4),
        ) {
            let fast: Vec<String> = values.iter().map(|value| format!(r#"{{"Rdata":"{value}","Type":"A","Class":"IN"}}"#)).collect();
            let (fast, slow) = (format!("[{}]", fast.join(",")), format!("[{}]", fast.join(",").replace("Rdata\":", "Rdata\": ")));
            let parsed: Vec<IpAddr> = values.iter().filter_map(|value| value.parse().ok()).collect();
            let expected = match parsed.iter().all(|address| is_publicly_routable(*address)) {
                _ if parsed.is_empty() => None,
                true => Some(Reach::Public),
                false => Some(Reach::Inside),
            };
            prop_assert!(reach_of(&fast) == expected, "{fast}");
            prop_assert!(reach_of(&slow) == expected, "{slow}");
        }
    }
}
