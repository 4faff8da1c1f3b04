//! Route 53 Resolver query logs, one JSON object a line.

use super::json::{Cursor, start};
use super::simd::Text;
use super::{Checksum, Counted};

/// One query: slices of the text, strings without their quotes and with their escapes.
#[derive(Default)]
pub(crate) struct Query<'a> {
    pub(crate) time: &'a [u8],
    pub(crate) name: &'a [u8],
    pub(crate) kind: &'a [u8],
    pub(crate) rcode: &'a [u8],
    pub(crate) source: &'a [u8],
    /// `srcids.instance`.
    pub(crate) instance: &'a [u8],
    /// `answers` as JSON.
    pub(crate) answers: &'a [u8],
}

/// Projects each query of a file and sums it up.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
pub(crate) fn scan(text: Text<'_>) -> Counted {
    let mut counted = Counted::default();
    let mut cursor = Cursor { text, at: 0 };
    while let Some(query) = next(&mut cursor) {
        counted.records += 1;
        counted.checksum = counted.checksum.wrapping_add(sum(std::hint::black_box(&query)));
    }
    counted
}

/// The next query, until no object follows.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
pub(crate) fn next<'a>(cursor: &mut Cursor<'a>) -> Option<Query<'a>> {
    const VERSION: u64 = start(b"\"version\"");
    const ACCOUNT: u64 = start(b"\"account_id");
    const REGION: u64 = start(b"\"region\":");
    const VPC: u64 = start(b"\"vpc_id\":");
    const TIME: u64 = start(b"\"query_timestamp"); // and `query_type`
    const CLASS: u64 = start(b"\"query_class");
    const NAME: u64 = start(b"\"query_name");
    const RCODE: u64 = start(b"\"rcode\":");
    const ANSWERS: u64 = start(b"\"answers");
    const ADDRESS: u64 = start(b"\"srcaddr");
    const PORT: u64 = start(b"\"srcport");
    const TRANSPORT: u64 = start(b"\"transport");
    const IDS: u64 = start(b"\"srcids\":");

    cursor.eat(b'\n');
    if !cursor.eat(b'{') {
        return None;
    }
    let mut query = Query::default();
    while let Some(key) = cursor.key_start() {
        match key {
            VERSION if cursor.eat_key(b"\"version\":") => _ = cursor.string_of("1.100000".len()),
            ACCOUNT if cursor.eat_key(b"\"account_id\":") => _ = cursor.string_of(12),
            REGION if cursor.eat_key(b"\"region\":") => _ = cursor.string_of(9),
            VPC if cursor.eat_key(b"\"vpc_id\":") => _ = cursor.string_of(21),
            TIME if cursor.eat_key(b"\"query_timestamp\":") => query.time = cursor.string_of(20),
            NAME if cursor.eat_key(b"\"query_name\":") => query.name = cursor.string(),
            TIME if cursor.eat_key(b"\"query_type\":") => query.kind = cursor.string_of(1),
            CLASS if cursor.eat_key(b"\"query_class\":") => _ = cursor.string_of(2),
            RCODE if cursor.eat_key(b"\"rcode\":") => query.rcode = cursor.string_of("NOERROR".len()),
            ANSWERS if cursor.eat_key(b"\"answers\":") => query.answers = cursor.value(),
            ADDRESS if cursor.eat_key(b"\"srcaddr\":") => query.source = cursor.string(),
            PORT if cursor.eat_key(b"\"srcport\":") => _ = cursor.string_of(5),
            TRANSPORT if cursor.eat_key(b"\"transport\":") => _ = cursor.string_of(3),
            IDS if cursor.eat_key(b"\"srcids\":") => query.instance = instance(cursor),
            _ => cursor.skip_field(),
        }
    }
    Some(query)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn instance<'a>(cursor: &mut Cursor<'a>) -> &'a [u8] {
    let mut instance: &[u8] = &[];
    if !cursor.eat(b'{') {
        cursor.skip();
        return instance;
    }
    while cursor.key_start().is_some() {
        if cursor.eat_key(b"\"instance\":") {
            instance = cursor.string_of(19);
        } else {
            cursor.skip_field();
        }
    }
    instance
}

fn sum(query: &Query<'_>) -> u64 {
    let mut sum = Checksum::default();
    for field in [query.time, query.name, query.kind, query.rcode, query.source, query.instance, query.answers] {
        sum.add(field);
    }
    sum.0
}
