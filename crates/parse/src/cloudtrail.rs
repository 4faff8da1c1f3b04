//! CloudTrail events: one JSON object each, whatever they were delivered in.

use crate::address::address;
use crate::json::{Fault, Walker};
use crate::keys::keys;
use crate::report::Skipped;
use crate::{Origin, or_else};
use std::borrow::Cow;
use watchfire_model::{ApiCall, CallCategory, Identity, IdentityKind, SessionIssuer, Time};

/// What an object turned out to be.
pub(crate) enum Outcome {
    /// An event to analyse.
    Event,
    /// An event of a kind that is not analysed.
    Skipped(Skipped),
    /// An event that lacks what no event can do without.
    Rejected(&'static str),
    /// No event.
    Foreign,
}

/// Whether an object with this member is a CloudTrail event. `resources` is not here: EventBridge has one too.
pub(crate) fn is_event_key(key: &str) -> bool {
    matches!(
        key,
        "additionalEventData"
            | "awsRegion"
            | "errorCode"
            | "errorMessage"
            | "eventCategory"
            | "eventID"
            | "eventName"
            | "eventSource"
            | "eventTime"
            | "eventType"
            | "eventVersion"
            | "insightDetails"
            | "managementEvent"
            | "readOnly"
            | "recipientAccountId"
            | "requestID"
            | "requestParameters"
            | "responseElements"
            | "sharedEventID"
            | "sourceIPAddress"
            | "userAgent"
            | "userIdentity"
            | "vpcEndpointId"
    )
}

keys! {
    /// What is read of an event, and what stands in nearly every one: in the order in which CloudTrail writes it.
    EventKey {
        Version = "eventVersion",
        Identity = "userIdentity",
        Time = "eventTime",
        Source = "eventSource",
        Name = "eventName",
        Region = "awsRegion",
        SourceAddress = "sourceIPAddress",
        UserAgent = "userAgent",
        ErrorCode = "errorCode",
        ErrorMessage = "errorMessage",
        Request = "requestParameters",
        Response = "responseElements",
        Additional = "additionalEventData",
        RequestId = "requestID",
        Id = "eventID",
        ReadOnly = "readOnly",
        Resources = "resources",
        Type = "eventType",
        IsManagement = "managementEvent",
        RecipientAccount = "recipientAccountId",
        SharedId = "sharedEventID",
        VpcEndpointId = "vpcEndpointId",
        VpcEndpointAccount = "vpcEndpointAccountId",
        Category = "eventCategory",
        TlsDetails = "tlsDetails",
        InsightDetails = "insightDetails",
    }
}

/// Bytes that values of these kinds nearly always have.
mod usual {
    pub(super) const VERSION: usize = "1.11".len();
    pub(super) const TIME: usize = "2026-01-31T12:00:00Z".len();
    pub(super) const UUID: usize = 36;
    pub(super) const ACCOUNT: usize = 12;
    pub(super) const REGION: usize = "us-east-1".len();
    pub(super) const EVENT_TYPE: usize = "AwsApiCall".len();
    pub(super) const ACCESS_KEY: usize = 20;
    pub(super) const ROLE_ID: usize = 21;
}

/// Walks the object whose `{` comes next into `call`, which is overwritten. `identities` are those met before in this text.
pub(crate) fn event<'a>(
    walker: &mut Walker<'a>,
    call: &mut ApiCall<'a>,
    origin: &'a Origin,
    identities: &mut MetIdentities<'a>,
) -> Result<Outcome, Fault> {
    *call = ApiCall::default();
    let mut time = None;
    let mut category = Cow::Borrowed("");
    let mut is_management = None;
    let mut is_insight = false;
    let mut seen = Seen::default();
    walker.object_of(|walker, key| {
        match key {
            EventKey::Version => _ = walker.text_of::<{ usual::VERSION }>()?,
            EventKey::Identity => {
                let is_repeated = seen.identity.again();
                let place = identities.place(walker);
                if let Some(identity) = identities.take(place, walker) {
                    call.identity.clone_from(identity);
                } else {
                    if is_repeated {
                        call.identity = Identity::default();
                    }
                    let start = walker.at();
                    walker.object_of(|walker, key| identity_member(walker, key, &mut call.identity, &mut seen))?;
                    complete(&mut call.identity);
                    if !is_repeated {
                        identities.note(place, walker.since(start), &call.identity);
                    }
                }
            }
            EventKey::Time => time = moment(&walker.text_of::<{ usual::TIME }>()?),
            EventKey::Source => call.source = walker.text()?,
            EventKey::Name => call.name = walker.text()?,
            EventKey::Region => call.region = walker.text_of::<{ usual::REGION }>()?,
            EventKey::SourceAddress => call.source_address = walker.text()?,
            EventKey::UserAgent => call.user_agent = walker.text()?,
            EventKey::ErrorCode => call.error_code = walker.text()?,
            EventKey::ErrorMessage => call.error_message = walker.text()?,
            EventKey::Request => call.request = walker.raw()?,
            EventKey::Response => call.response = walker.raw()?,
            EventKey::Additional => call.additional = walker.raw()?,
            EventKey::RequestId => _ = walker.text_of::<{ usual::UUID }>()?,
            EventKey::Id => call.event_id = walker.text_of::<{ usual::UUID }>()?,
            EventKey::ReadOnly => call.read_only = walker.boolean()?,
            EventKey::Resources => call.resources = walker.raw()?,
            EventKey::Type => call.event_type = walker.text_of::<{ usual::EVENT_TYPE }>()?,
            EventKey::IsManagement => is_management = walker.boolean()?,
            EventKey::RecipientAccount => call.recipient_account = walker.text_of::<{ usual::ACCOUNT }>()?,
            EventKey::SharedId => call.shared_event_id = walker.text_of::<{ usual::UUID }>()?,
            EventKey::VpcEndpointId => call.vpc_endpoint_id = walker.text()?,
            EventKey::VpcEndpointAccount => call.vpc_endpoint_account = walker.text_of::<{ usual::ACCOUNT }>()?,
            EventKey::Category => category = walker.text()?,
            EventKey::InsightDetails => {
                is_insight = true;
                walker.skip()?;
            }
            EventKey::TlsDetails | EventKey::Other => walker.skip()?,
        }
        Ok(())
    })?;
    call.source_ip = address(&call.source_address);
    call.category = match (category.as_ref(), is_management) {
        ("Data", _) | ("", Some(false)) => CallCategory::Data,
        ("NetworkActivity", _) => CallCategory::NetworkActivity,
        _ => CallCategory::Management,
    };
    place(call, origin);
    let Some(time) = time else {
        let is_event = !call.name.is_empty() || !call.source.is_empty();
        return Ok(if is_event { Outcome::Rejected("the event has no readable eventTime") } else { Outcome::Foreign });
    };
    call.time = time;
    Ok(match category.as_ref() {
        _ if is_insight => Outcome::Skipped(Skipped::Insight),
        "Insight" => Outcome::Skipped(Skipped::Insight),
        "" | "Management" | "Data" | "NetworkActivity" => match (call.source.as_ref(), call.name.as_ref()) {
            ("", "") => Outcome::Rejected("the event has neither eventSource nor eventName"),
            ("aws:s3", _) => Outcome::Skipped(Skipped::Notification),
            _ => Outcome::Event,
        },
        _ => Outcome::Skipped(Skipped::OtherCategory),
    })
}

keys! {
    /// What is read of `userIdentity`.
    IdentityKey {
        Type = "type",
        PrincipalId = "principalId",
        Arn = "arn",
        Account = "accountId",
        AccessKeyId = "accessKeyId",
        UserName = "userName",
        SessionContext = "sessionContext",
        InvokedBy = "invokedBy",
        OnBehalfOf = "onBehalfOf",
        InScopeOf = "inScopeOf",
    }
}

/// Objects that were met in the event. Of keys that stand there twice the last counts, so what the first said is undone;
/// undoing it for every event would cost as much as reading a dozen members.
#[derive(Default)]
struct Seen {
    identity: Met,
    session: Met,
    issuer: Met,
}

#[derive(Default)]
struct Met(bool);

impl Met {
    /// Whether this was asked before.
    #[inline(always)]
    fn again(&mut self) -> bool {
        std::mem::replace(&mut self.0, true)
    }
}

/// A power of two; many more than the callers of a file, as those that share a place keep on replacing each other.
const IDENTITY_PLACES: usize = 512;

/// Identities that were met in one text. Nineteen of twenty events of a file have one that another has, byte for byte: to
/// compare it takes a fifth of walking through its thirty members.
pub(crate) struct MetIdentities<'a> {
    /// By a hash of what stands at the beginning: where in `met`, plus one.
    places: [u16; IDENTITY_PLACES],
    met: Vec<(&'a str, Identity<'a>)>,
}

impl<'a> MetIdentities<'a> {
    /// Where an identity's bytes differ most, from its brace on: behind the type stand the principal's id and ARN.
    const TELLING: [usize; 3] = [44, 52, 60];

    /// None met.
    pub(crate) fn new() -> Self {
        Self { places: [0; IDENTITY_PLACES], met: Vec::new() }
    }

    /// The place of the identity that comes next; `None` where the text ends soon.
    #[inline(always)]
    fn place(&self, walker: &Walker<'a>) -> Option<usize> {
        let mixed = Self::TELLING.into_iter().try_fold(0u64, |mixed, offset| {
            Some((mixed ^ walker.eight_bytes_at(offset)?).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
        })?;
        Some(mixed as usize % IDENTITY_PLACES)
    }

    /// Takes the identity that comes next, if it was met before. An object's last byte ends it, so that what begins with the
    /// same bytes is the same.
    #[inline(always)]
    fn take(&self, place: Option<usize>, walker: &mut Walker<'a>) -> Option<&Identity<'a>> {
        let (text, identity) = self.met.get(usize::from(self.places[place?]).checked_sub(1)?)?;
        walker.takes(text).then_some(identity)
    }

    /// The last that was met there counts: an access key or a session follows another.
    #[inline(never)]
    fn note(&mut self, place: Option<usize>, text: &'a str, identity: &Identity<'a>) {
        let Some(place) = place.filter(|_| text.ends_with('}')) else { return };
        match usize::from(self.places[place]).checked_sub(1).and_then(|at| self.met.get_mut(at)) {
            Some(known) => *known = (text, identity.clone()),
            None => {
                self.met.push((text, identity.clone()));
                // Fits: one for each place.
                self.places[place] = self.met.len() as u16;
            }
        }
    }
}

#[inline(always)]
fn identity_member<'a>(
    walker: &mut Walker<'a>,
    key: IdentityKey,
    identity: &mut Identity<'a>,
    seen: &mut Seen,
) -> Result<(), Fault> {
    match key {
        IdentityKey::Type => identity.kind_text = walker.text()?,
        IdentityKey::PrincipalId => identity.principal_id = walker.text()?,
        IdentityKey::Arn => identity.arn = walker.text()?,
        IdentityKey::Account => identity.account = walker.text_of::<{ usual::ACCOUNT }>()?,
        IdentityKey::AccessKeyId => identity.access_key_id = walker.text_of::<{ usual::ACCESS_KEY }>()?,
        IdentityKey::UserName => identity.user_name = walker.text()?,
        IdentityKey::InvokedBy => identity.invoked_by = walker.text()?,
        IdentityKey::SessionContext => session_context(walker, identity, seen)?,
        IdentityKey::OnBehalfOf => on_behalf_of(walker, identity)?,
        IdentityKey::InScopeOf => in_scope_of(walker, identity)?,
        IdentityKey::Other => walker.skip()?,
    }
    Ok(())
}

keys! {
    /// What is read of `sessionContext`, and what stands in nearly every one.
    SessionKey {
        Issuer = "sessionIssuer",
        WebFederation = "webIdFederationData",
        Attributes = "attributes",
        SourceIdentity = "sourceIdentity",
        Ec2RoleDelivery = "ec2RoleDelivery",
        AssumedRoot = "assumedRoot",
    }
}

#[inline(always)]
fn session_context<'a>(walker: &mut Walker<'a>, identity: &mut Identity<'a>, seen: &mut Seen) -> Result<(), Fault> {
    if seen.session.again() {
        identity.issuer = SessionIssuer::default();
        identity.source_identity = Cow::Borrowed("");
        identity.ec2_role_delivery = Cow::Borrowed("");
        identity.assumed_root = false;
    }
    walker.object_of(|walker, key| {
        match key {
            SessionKey::Issuer => {
                if seen.issuer.again() {
                    identity.issuer = SessionIssuer::default();
                }
                walker.object_of(|walker, key| issuer_member(walker, key, &mut identity.issuer))?;
            }
            SessionKey::SourceIdentity => identity.source_identity = walker.text()?,
            SessionKey::Ec2RoleDelivery => identity.ec2_role_delivery = walker.text_or_number()?,
            SessionKey::AssumedRoot => identity.assumed_root = walker.boolean()? == Some(true),
            SessionKey::WebFederation if walker.takes("{}") => {}
            SessionKey::WebFederation | SessionKey::Attributes | SessionKey::Other => walker.skip()?,
        }
        Ok(())
    })
}

keys! {
    /// What is read of `sessionIssuer`.
    IssuerKey {
        Type = "type",
        PrincipalId = "principalId",
        Arn = "arn",
        Account = "accountId",
        UserName = "userName",
    }
}

#[inline(always)]
fn issuer_member<'a>(walker: &mut Walker<'a>, key: IssuerKey, issuer: &mut SessionIssuer<'a>) -> Result<(), Fault> {
    match key {
        IssuerKey::Type => issuer.kind = walker.text()?,
        IssuerKey::PrincipalId => issuer.principal_id = walker.text_of::<{ usual::ROLE_ID }>()?,
        IssuerKey::Arn => issuer.arn = walker.text()?,
        IssuerKey::Account => issuer.account = walker.text_of::<{ usual::ACCOUNT }>()?,
        IssuerKey::UserName => issuer.user_name = walker.text()?,
        IssuerKey::Other => walker.skip()?,
    }
    Ok(())
}

fn on_behalf_of<'a>(walker: &mut Walker<'a>, identity: &mut Identity<'a>) -> Result<(), Fault> {
    identity.on_behalf_of = Cow::Borrowed("");
    walker.object_if_any(|walker, key| {
        match key {
            "userId" => identity.on_behalf_of = walker.text()?,
            _ => walker.skip()?,
        }
        Ok(())
    })
}

fn in_scope_of<'a>(walker: &mut Walker<'a>, identity: &mut Identity<'a>) -> Result<(), Fault> {
    let (mut issued_to, mut source) = (Cow::Borrowed(""), Cow::Borrowed(""));
    identity.issued_to_type = Cow::Borrowed("");
    walker.object_if_any(|walker, key| {
        match key {
            "issuerType" => identity.issued_to_type = walker.text()?,
            "credentialsIssuedTo" => issued_to = walker.text()?,
            "sourceArn" => source = walker.text()?,
            _ => walker.skip()?,
        }
        Ok(())
    })?;
    identity.issued_to = if issued_to.is_empty() { source } else { issued_to };
    Ok(())
}

fn complete(identity: &mut Identity<'_>) {
    identity.kind = IdentityKind::from_name(&identity.kind_text);
}

/// Says where the event happened, if it does not say so itself.
fn place<'a>(call: &mut ApiCall<'a>, origin: &'a Origin) {
    if call.region.is_empty() {
        call.region = Cow::Borrowed(or_else(&origin.region, &origin.assumed_region));
    }
    if call.recipient_account.is_empty() {
        // The caller's account is a better guess than an assumption, but the log's place is better still.
        let assumed = if call.identity.account.is_empty() { origin.assumed_account.as_str() } else { "" };
        call.recipient_account = Cow::Borrowed(or_else(&origin.account, assumed));
    }
}

/// The moment that this text names. All of AWS writes UTC with a `Z`; tools that rewrite events may not.
#[inline(always)]
pub(crate) fn moment(text: &str) -> Option<Time> {
    Time::parse_utc(text).or_else(|| odd_moment(text))
}

#[cold]
fn odd_moment(text: &str) -> Option<Time> {
    Time::parse_lenient(text).ok()
}
