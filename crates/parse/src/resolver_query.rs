//! Route 53 Resolver query logs: one JSON object for each query.

use crate::address::address;
use crate::cloudtrail::moment;
use crate::json::{Fault, Walker};
use crate::{Origin, or_else};
use std::borrow::Cow;
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

/// Walks the object whose `{` comes next into `query`, which is overwritten.
pub(crate) fn query<'a>(
    walker: &mut Walker<'a>,
    query: &mut DnsQuery<'a>,
    origin: &'a Origin,
) -> Result<Outcome, Fault> {
    *query = DnsQuery::default();
    let mut seen = Seen::default();
    if members_in_usual_order(walker, query, &mut seen)? {
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
) -> Result<bool, Fault> {
    if !walker.takes(r#"{"version":"1.100000""#) {
        return Ok(false);
    }
    let texts = [
        (r#","account_id":"#, &mut query.account),
        (r#","region":"#, &mut query.region),
        (r#","vpc_id":"#, &mut query.vpc_id),
    ];
    for (key, place) in texts {
        if !walker.takes(key) {
            return Ok(true);
        }
        *place = walker.text()?;
    }
    if !walker.takes(r#","query_timestamp":"#) {
        return Ok(true);
    }
    seen.time = moment(&walker.text()?);
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
    query.source = address(&walker.text()?);
    if !walker.takes(r#","srcport":"#) {
        return Ok(true);
    }
    query.source_port = port(walker)?;
    if !walker.takes(r#","transport":"#) {
        return Ok(true);
    }
    query.transport = walker.text()?;
    if walker.takes(r#","srcids":"#) {
        source_ids(walker, query)?;
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

/// A port; the resolver writes it as a string.
#[inline(always)]
fn port(walker: &mut Walker<'_>) -> Result<u16, Fault> {
    Ok(walker.text_or_number()?.parse().unwrap_or_default())
}

fn source_ids<'a>(walker: &mut Walker<'a>, query: &mut DnsQuery<'a>) -> Result<(), Fault> {
    query.instance_id = Cow::Borrowed("");
    query.resolver_endpoint = Cow::Borrowed("");
    query.resolver_interface = Cow::Borrowed("");
    walker.object_if_any(|walker, key| {
        match key {
            "instance" => query.instance_id = walker.text()?,
            "resolver_endpoint" => query.resolver_endpoint = walker.text()?,
            "resolver_network_interface" => query.resolver_interface = walker.text()?,
            _ => walker.skip()?,
        }
        Ok(())
    })
}
