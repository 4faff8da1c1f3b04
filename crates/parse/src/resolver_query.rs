//! Route 53 Resolver query logs: one JSON object for each query.

use crate::address::{address, dotted};
use crate::cloudtrail::moment;
use crate::json::{Fault, Walker};
use crate::{Origin, or_else, simd};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use watchfire_model::{DnsQuery, Time};

/// What an object turned out to be.
pub(crate) enum Outcome {
    /// A query.
    Query,
    /// A query that lacks what no query can do without.
    Rejected(&'static str),
    /// No query.
    Foreign,
}

/// Whether an object with this member is a query log record.
pub(crate) fn is_query_key(key: &str) -> bool {
    matches!(
        key,
        "account_id" | "query_class" | "query_name" | "query_timestamp" | "query_type" | "rcode" | "srcids" | "vpc_id"
    )
}

/// The last timestamp that was read, and what it means: a busy network asks many times in a second.
#[derive(Default)]
pub(crate) struct LastMoment<'a> {
    text: &'a str,
    moment: Option<Time>,
}

impl<'a> LastMoment<'a> {
    #[inline(always)]
    fn of(&mut self, text: Cow<'a, str>) -> Option<Time> {
        let Cow::Borrowed(text) = text else { return moment(&text) };
        // As long as the resolver writes them: compared without a call.
        let is_last = match (<&[u8; 20]>::try_from(text.as_bytes()), <&[u8; 20]>::try_from(self.text.as_bytes())) {
            (Ok(text), Ok(last)) => text == last,
            _ => false,
        };
        if !is_last {
            *self = Self { text, moment: moment(text) };
        }
        self.moment
    }
}

/// Walks the object whose `{` comes next into `query`, which is overwritten.
pub(crate) fn query<'a>(
    walker: &mut Walker<'a>,
    query: &mut DnsQuery<'a>,
    origin: &'a Origin,
    last: &mut LastMoment<'a>,
) -> Result<Outcome, Fault> {
    simd::at_best(Reading { walker, query, origin, last })
}

/// The reading of one query.
struct Reading<'r, 'a> {
    walker: &'r mut Walker<'a>,
    query: &'r mut DnsQuery<'a>,
    origin: &'a Origin,
    last: &'r mut LastMoment<'a>,
}

impl simd::Work for Reading<'_, '_> {
    type Output = Result<Outcome, Fault>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Self { walker, query, origin, last } = self;
        read(walker, query, origin, last)
    }
}

#[inline(always)]
fn read<'a>(
    walker: &mut Walker<'a>,
    query: &mut DnsQuery<'a>,
    origin: &'a Origin,
    last: &mut LastMoment<'a>,
) -> Result<Outcome, Fault> {
    *query = DnsQuery::default();
    let mut seen = Seen::default();
    if members_in_usual_order(walker, query, &mut seen, last)? {
        walker.rest_of_object(|walker, key| member(walker, key, query, &mut seen))?;
    } else {
        walker.object(|walker, key| member(walker, key, query, &mut seen))?;
    }
    if query.account.is_empty() {
        query.account = Cow::Borrowed(or_else(&origin.account, &origin.assumed_account));
    }
    if query.region.is_empty() {
        query.region = Cow::Borrowed(or_else(&origin.region, &origin.assumed_region));
    }
    Ok(match (seen.time, seen.has_name) {
        (Some(time), true) => {
            query.time = time;
            Outcome::Query
        }
        (None, true) => Outcome::Rejected("the query has no readable query_timestamp"),
        (Some(_), false) => Outcome::Rejected("the query has no query_name"),
        (None, false) => Outcome::Foreign,
    })
}

/// What a query cannot do without.
#[derive(Default)]
struct Seen {
    time: Option<Time>,
    has_name: bool,
}

/// Reads members as long as they are written as the resolver writes them: without blanks and in this order. It is twice
/// as fast not to ask each key which one it is. Answers whether any was read, the walker then stands behind the last.
#[inline(always)]
fn members_in_usual_order<'a>(
    walker: &mut Walker<'a>,
    query: &mut DnsQuery<'a>,
    seen: &mut Seen,
    last: &mut LastMoment<'a>,
) -> Result<bool, Fault> {
    if !walker.takes(r#"{"version":"1.100000""#) {
        return Ok(false);
    }
    // One by one: in a loop, the compiler does not know how long the key is, and calls a function to compare it.
    if !walker.takes(r#","account_id":"#) {
        return Ok(true);
    }
    query.account = walker.text_of::<12>()?;
    if !walker.takes(r#","region":"#) {
        return Ok(true);
    }
    query.region = walker.text()?;
    if !walker.takes(r#","vpc_id":"#) {
        return Ok(true);
    }
    query.vpc_id = walker.text_of::<21>()?;
    if !walker.takes(r#","query_timestamp":"#) {
        return Ok(true);
    }
    seen.time = last.of(walker.text_of::<20>()?);
    if !walker.takes(r#","query_name":"#) {
        return Ok(true);
    }
    query_name(walker, query, seen)?;
    if !walker.takes(r#","query_type":"#) {
        return Ok(true);
    }
    query.query_type = walker.text()?;
    if !walker.takes(r#","query_class":"IN","rcode":"#) {
        return Ok(true);
    }
    query.rcode = walker.text()?;
    if !walker.takes(r#","answers":"#) {
        return Ok(true);
    }
    query.answers = if walker.takes("[]") { "[]" } else { walker.raw()? };
    if !walker.takes(r#","srcaddr":"#) {
        return Ok(true);
    }
    query.source = source(walker)?;
    if !walker.takes(r#","srcport":"#) {
        return Ok(true);
    }
    query.source_port = port(walker)?;
    if !walker.takes(r#","transport":"#) {
        return Ok(true);
    }
    query.transport = walker.text()?;
    if walker.takes(r#","srcids":"#) {
        if walker.takes(r#"{"instance":"#) {
            query.instance_id = walker.text_of::<19>()?;
            walker.rest_of_object(|walker, key| source_id(walker, key, query))?;
        } else {
            source_ids(walker, query)?;
        }
    }
    Ok(true)
}

fn member<'a>(walker: &mut Walker<'a>, key: &str, query: &mut DnsQuery<'a>, seen: &mut Seen) -> Result<(), Fault> {
    match key {
        "account_id" => query.account = walker.text()?,
        "answers" => query.answers = walker.raw()?,
        "firewall_domain_list_id" => query.firewall_domain_list = walker.text()?,
        "firewall_rule_action" => query.firewall_action = walker.text()?,
        "firewall_rule_group_id" => query.firewall_rule_group = walker.text()?,
        "query_name" => query_name(walker, query, seen)?,
        "query_timestamp" => seen.time = moment(&walker.text()?),
        "query_type" => query.query_type = walker.text()?,
        "rcode" => query.rcode = walker.text()?,
        "region" => query.region = walker.text()?,
        "srcaddr" => query.source = address(&walker.text()?),
        "srcids" => source_ids(walker, query)?,
        "srcport" => query.source_port = port(walker)?,
        "transport" => query.transport = walker.text()?,
        "vpc_id" => query.vpc_id = walker.text()?,
        _ => walker.skip()?,
    }
    Ok(())
}

#[inline(always)]
fn query_name<'a>(walker: &mut Walker<'a>, query: &mut DnsQuery<'a>, seen: &mut Seen) -> Result<(), Fault> {
    seen.has_name = walker.peek()? == b'"';
    query.name = walker.text()?;
    Ok(())
}

/// The client's address: read with what stands after it in sight, which is faster.
#[inline(always)]
fn source(walker: &mut Walker<'_>) -> Result<Option<IpAddr>, Fault> {
    let text = walker.text()?;
    if let Cow::Borrowed(text) = text
        && let Some(start) = walker.at().checked_sub(text.len() + 1)
        && let Some(bits) = dotted(walker.bytes(), start, start + text.len())
    {
        return Ok(Some(IpAddr::V4(Ipv4Addr::from_bits(bits))));
    }
    Ok(address(&text))
}

/// A port; the resolver writes it as a string.
#[inline(always)]
fn port(walker: &mut Walker<'_>) -> Result<u16, Fault> {
    let text = walker.text_or_number()?;
    if !(1..=5).contains(&text.len()) {
        return Ok(text.parse().unwrap_or_default());
    }
    let add = |port: u32, byte: u8| byte.is_ascii_digit().then(|| port * 10 + u32::from(byte - b'0'));
    match text.bytes().try_fold(0, add) {
        Some(port) => Ok(u16::try_from(port).unwrap_or_default()),
        None => Ok(text.parse().unwrap_or_default()),
    }
}

fn source_ids<'a>(walker: &mut Walker<'a>, query: &mut DnsQuery<'a>) -> Result<(), Fault> {
    query.instance_id = Cow::Borrowed("");
    query.resolver_endpoint = Cow::Borrowed("");
    query.resolver_interface = Cow::Borrowed("");
    walker.object_if_any(|walker, key| source_id(walker, key, query))
}

fn source_id<'a>(walker: &mut Walker<'a>, key: &str, query: &mut DnsQuery<'a>) -> Result<(), Fault> {
    match key {
        "instance" => query.instance_id = walker.text()?,
        "resolver_endpoint" => query.resolver_endpoint = walker.text()?,
        "resolver_network_interface" => query.resolver_interface = walker.text()?,
        _ => walker.skip()?,
    }
    Ok(())
}
