//! Route 53 Resolver query logs: one JSON object for each query.

use crate::address::address;
use crate::cloudtrail::moment;
use crate::json::{Fault, Walker};
use crate::{Origin, or_else};
use std::borrow::Cow;
use watchfire_model::DnsQuery;

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
    let mut time = None;
    let mut has_name = false;
    walker.object(|walker, key| {
        match key.len() {
            5 if key == "rcode" => query.rcode = walker.text()?,
            6 => match key {
                "region" => query.region = walker.text()?,
                "vpc_id" => query.vpc_id = walker.text()?,
                "srcids" => source_ids(walker, query)?,
                _ => walker.skip()?,
            },
            7 => match key {
                "answers" => query.answers = walker.raw()?,
                "srcaddr" => query.source = address(&walker.text()?),
                "srcport" => query.source_port = walker.text_or_number()?.parse().unwrap_or_default(),
                _ => walker.skip()?,
            },
            9 if key == "transport" => query.transport = walker.text()?,
            10 => match key {
                "account_id" => query.account = walker.text()?,
                "query_name" => {
                    has_name = walker.peek()? == b'"';
                    query.name = walker.text()?;
                }
                "query_type" => query.query_type = walker.text()?,
                _ => walker.skip()?,
            },
            15 if key == "query_timestamp" => time = moment(&walker.text()?),
            20 if key == "firewall_rule_action" => query.firewall_action = walker.text()?,
            22 if key == "firewall_rule_group_id" => query.firewall_rule_group = walker.text()?,
            23 if key == "firewall_domain_list_id" => query.firewall_domain_list = walker.text()?,
            _ => walker.skip()?,
        }
        Ok(())
    })?;
    if query.account.is_empty() {
        query.account = Cow::Borrowed(or_else(&origin.account, &origin.assumed_account));
    }
    if query.region.is_empty() {
        query.region = Cow::Borrowed(or_else(&origin.region, &origin.assumed_region));
    }
    Ok(match (time, has_name) {
        (Some(time), true) => {
            query.time = time;
            Outcome::Query
        }
        (None, true) => Outcome::Rejected("the query has no readable query_timestamp"),
        (Some(_), false) => Outcome::Rejected("the query has no query_name"),
        (None, false) => Outcome::Foreign,
    })
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
