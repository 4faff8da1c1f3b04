//! CloudTrail, projected to what detections need and no further.

use super::json::{Cursor, start};
use super::simd::Text;
use super::{Checksum, Counted};

/// One event: slices of the text, strings without their quotes and with their escapes.
#[derive(Default)]
pub(crate) struct Event<'a> {
    pub(crate) time: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) name: &'a [u8],
    pub(crate) error_code: &'a [u8],
    pub(crate) event_id: &'a [u8],
    pub(crate) region: &'a [u8],
    pub(crate) recipient_account: &'a [u8],
    pub(crate) source_address: &'a [u8],
    pub(crate) user_agent: &'a [u8],
    /// `true`, `false` or nothing.
    pub(crate) read_only: &'a [u8],
    pub(crate) identity: Identity<'a>,
    /// `requestParameters` as JSON.
    pub(crate) request: &'a [u8],
    /// `responseElements` as JSON.
    pub(crate) response: &'a [u8],
}

/// `userIdentity`.
#[derive(Default)]
pub(crate) struct Identity<'a> {
    pub(crate) kind: &'a [u8],
    pub(crate) arn: &'a [u8],
    pub(crate) principal_id: &'a [u8],
    pub(crate) account: &'a [u8],
    pub(crate) access_key_id: &'a [u8],
    pub(crate) invoked_by: &'a [u8],
    /// `sessionContext.sessionIssuer.arn`.
    pub(crate) issuer_arn: &'a [u8],
}

/// Projects each event of a file and sums it up.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
pub(crate) fn scan(text: Text<'_>) -> Counted {
    let mut counted = Counted::default();
    let Some(mut cursor) = records(text) else { return counted };
    while let Some(event) = next(&mut cursor) {
        counted.records += 1;
        counted.checksum = counted.checksum.wrapping_add(sum(std::hint::black_box(&event)));
    }
    counted
}

/// A cursor before the first event of `{"Records":[…]}`.
pub(crate) fn records(text: Text<'_>) -> Option<Cursor<'_>> {
    let mut cursor = Cursor { text, at: 0 };
    (cursor.eat(b'{') && cursor.eat_key(b"\"Records\":") && cursor.eat(b'[')).then_some(cursor)
}

/// What values of these kinds nearly always measure.
mod usual {
    pub(super) const TIME: usize = 20;
    pub(super) const UUID: usize = 36;
    pub(super) const ACCOUNT: usize = 12;
    pub(super) const ACCESS_KEY: usize = 20;
    pub(super) const REGION: usize = 9;
}

/// The next event, until the list ends.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
pub(crate) fn next<'a>(cursor: &mut Cursor<'a>) -> Option<Event<'a>> {
    const VERSION: u64 = start(b"\"eventVersion");
    const IDENTITY: u64 = start(b"\"userIdentity");
    const TIME: u64 = start(b"\"eventTime");
    const SOURCE: u64 = start(b"\"eventSource");
    const NAME: u64 = start(b"\"eventName");
    const REGION: u64 = start(b"\"awsRegion");
    const ADDRESS: u64 = start(b"\"sourceIPAddress");
    const AGENT: u64 = start(b"\"userAgent");
    const ERROR: u64 = start(b"\"errorCode");
    const REQUEST: u64 = start(b"\"requestParameters"); // and `requestID`
    const RESPONSE: u64 = start(b"\"responseElements");
    const ID: u64 = start(b"\"eventID\"");
    const READ_ONLY: u64 = start(b"\"readOnly");
    const TYPE: u64 = start(b"\"eventType");
    const MANAGEMENT: u64 = start(b"\"managementEvent");
    const RECIPIENT: u64 = start(b"\"recipientAccountId");
    const CATEGORY: u64 = start(b"\"eventCategory");

    cursor.eat(b',');
    if !cursor.eat(b'{') {
        return None;
    }
    let mut event = Event::default();
    while let Some(key) = cursor.key_start() {
        match key {
            VERSION if cursor.eat_key(b"\"eventVersion\":") => _ = cursor.string_of(4),
            IDENTITY if cursor.eat_key(b"\"userIdentity\":") => event.identity = identity(cursor),
            TIME if cursor.eat_key(b"\"eventTime\":") => event.time = cursor.string_of(usual::TIME),
            SOURCE if cursor.eat_key(b"\"eventSource\":") => event.source = cursor.string(),
            NAME if cursor.eat_key(b"\"eventName\":") => event.name = cursor.string(),
            REGION if cursor.eat_key(b"\"awsRegion\":") => event.region = cursor.string_of(usual::REGION),
            ADDRESS if cursor.eat_key(b"\"sourceIPAddress\":") => event.source_address = cursor.string(),
            AGENT if cursor.eat_key(b"\"userAgent\":") => event.user_agent = cursor.string(),
            ERROR if cursor.eat_key(b"\"errorCode\":") => event.error_code = cursor.string(),
            REQUEST if cursor.eat_key(b"\"requestParameters\":") => event.request = cursor.value(),
            REQUEST if cursor.eat_key(b"\"requestID\":") => _ = cursor.string_of(usual::UUID),
            RESPONSE if cursor.eat_key(b"\"responseElements\":") => event.response = cursor.value(),
            ID if cursor.eat_key(b"\"eventID\":") => event.event_id = cursor.string_of(usual::UUID),
            READ_ONLY if cursor.eat_key(b"\"readOnly\":") => event.read_only = cursor.value(),
            TYPE if cursor.eat_key(b"\"eventType\":") => _ = cursor.string_of("AwsApiCall".len()),
            MANAGEMENT if cursor.eat_key(b"\"managementEvent\":") => cursor.skip(),
            RECIPIENT if cursor.eat_key(b"\"recipientAccountId\":") => {
                event.recipient_account = cursor.string_of(usual::ACCOUNT);
            }
            CATEGORY if cursor.eat_key(b"\"eventCategory\":") => cursor.skip(),
            _ => cursor.skip_field(),
        }
    }
    Some(event)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn identity<'a>(cursor: &mut Cursor<'a>) -> Identity<'a> {
    const KIND: u64 = start(b"\"type\":\"");
    const PRINCIPAL: u64 = start(b"\"principalId");
    const ARN: u64 = start(b"\"arn\":\"a");
    const ACCOUNT: u64 = start(b"\"accountId");
    const ACCESS_KEY: u64 = start(b"\"accessKeyId");
    const INVOKED_BY: u64 = start(b"\"invokedBy");
    const CONTEXT: u64 = start(b"\"sessionContext");

    let mut identity = Identity::default();
    if !cursor.eat(b'{') {
        cursor.skip();
        return identity;
    }
    while let Some(key) = cursor.key_start() {
        match key {
            KIND if cursor.eat_key(b"\"type\":") => identity.kind = cursor.string(),
            PRINCIPAL if cursor.eat_key(b"\"principalId\":") => identity.principal_id = cursor.string(),
            ARN if cursor.eat_key(b"\"arn\":") => identity.arn = cursor.string(),
            ACCOUNT if cursor.eat_key(b"\"accountId\":") => identity.account = cursor.string_of(usual::ACCOUNT),
            ACCESS_KEY if cursor.eat_key(b"\"accessKeyId\":") => {
                identity.access_key_id = cursor.string_of(usual::ACCESS_KEY);
            }
            INVOKED_BY if cursor.eat_key(b"\"invokedBy\":") => identity.invoked_by = cursor.string(),
            CONTEXT if cursor.eat_key(b"\"sessionContext\":") => identity.issuer_arn = issuer_arn(cursor),
            // An ARN of a partition or form that its start does not tell.
            _ if cursor.eat_key(b"\"arn\":") => identity.arn = cursor.string(),
            _ => cursor.skip_field(),
        }
    }
    identity
}

/// `sessionIssuer.arn` of a `sessionContext`.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn issuer_arn<'a>(cursor: &mut Cursor<'a>) -> &'a [u8] {
    let mut arn: &[u8] = &[];
    if !cursor.eat(b'{') {
        cursor.skip();
        return arn;
    }
    while cursor.key_start().is_some() {
        if !cursor.eat_key(b"\"sessionIssuer\":{") {
            cursor.skip_field();
            continue;
        }
        while cursor.key_start().is_some() {
            if cursor.eat_key(b"\"arn\":") {
                arn = cursor.string();
            } else if cursor.eat_key(b"\"type\":\"Role\"") || cursor.eat_key(b"\"webIdFederationData\":{}") {
            } else if cursor.eat_key(b"\"principalId\":") {
                cursor.string_of(21);
            } else if cursor.eat_key(b"\"accountId\":") {
                cursor.string_of(usual::ACCOUNT);
            } else {
                cursor.skip_field();
            }
        }
    }
    arn
}

fn sum(event: &Event<'_>) -> u64 {
    let identity = &event.identity;
    let mut sum = Checksum::default();
    for field in [event.time, event.source, event.name, event.error_code, event.event_id, event.region] {
        sum.add(field);
    }
    for field in [event.recipient_account, event.source_address, event.user_agent, event.read_only] {
        sum.add(field);
    }
    for field in [identity.kind, identity.arn, identity.principal_id, identity.account, identity.access_key_id] {
        sum.add(field);
    }
    for field in [identity.invoked_by, identity.issuer_arn, event.request, event.response] {
        sum.add(field);
    }
    sum.0
}
