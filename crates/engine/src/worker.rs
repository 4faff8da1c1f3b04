//! The unordered part: looks at every record once, on any thread, and keeps what the rules may have to see.

use crate::census::Census;
use crate::facts::{Fact, FactKind, FactLog, FlowFormats};
use crate::index::{DetectionSet, ListenIndex};
use crate::names::Names;
use crate::tallier::Tallier;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use watchfire_detections::shared::pen_test::PenTestDistribution;
use watchfire_detections::tally::{AnswerReach, RecordPlace};
use watchfire_knowledge::{
    Knowledge, OwnLists, Workload, instance_session, is_cloudtrail, is_publicly_routable, is_task_id,
};
use watchfire_model::{ApiCall, Direction, DnsQuery, IdentityKind, Record, RecordKind, Time, VpcFlow};
use watchfire_parse::{FlowFormat, Raw};

/// Entities remembered as already noted in the current hour or day. When full it is forgotten whole, which costs a
/// repeated fact and nothing else.
const NOTED_MAX: usize = 65_536;

/// Which records a scan analyses. What lies outside is read and counted.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// From this moment on.
    pub from: Option<Time>,
    /// Before this moment.
    pub to: Option<Time>,
    /// These accounts only; empty: all.
    pub accounts: Vec<String>,
    /// These regions only; empty: all.
    pub regions: Vec<String>,
}

impl Scope {
    fn holds(&self, record: &Record<'_>) -> bool {
        let time = record.time();
        self.from.is_none_or(|from| time >= from)
            && self.to.is_none_or(|to| time < to)
            && (self.accounts.is_empty() || self.accounts.iter().any(|account| account == record.account()))
            && (self.regions.is_empty() || self.regions.iter().any(|region| region == record.region()))
    }

    fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none() && self.accounts.is_empty() && self.regions.is_empty()
    }
}

/// One thread's share of the reading.
pub struct Worker<'a> {
    index: &'a ListenIndex,
    knowledge: &'a Knowledge,
    own_lists: Option<&'a OwnLists>,
    scope: &'a Scope,
    scope_is_open: bool,
    has_leaked_keys: bool,
    /// What was kept, but for sums that are not complete.
    pub facts: FactLog,
    /// What was seen.
    pub census: Census,
    formats: &'a FlowFormats,
    /// The last format seen, and its number: a file has one, and the next file mostly the same.
    last_format: Option<(FlowFormat, u32)>,
    noted: hashbrown::HashMap<u64, (Time, u128), foldhash::fast::FixedState>,
    addresses: AddressCache,
    v4_kinds: V4Kinds,
    agents: AgentCache,
    names: Names,
    last_interface: (String, String, Option<IpAddr>, i64),
    tallier: Tallier,
}

impl<'a> Worker<'a> {
    /// A worker that has read nothing.
    pub fn new(index: &'a ListenIndex, knowledge: &'a Knowledge, scope: &'a Scope, formats: &'a FlowFormats) -> Self {
        Self {
            index,
            knowledge,
            own_lists: None,
            scope,
            scope_is_open: scope.is_open(),
            has_leaked_keys: knowledge.has_leaked_keys(),
            facts: FactLog::default(),
            census: Census::default(),
            formats,
            last_format: None,
            noted: hashbrown::HashMap::default(),
            addresses: AddressCache::default(),
            v4_kinds: V4Kinds::default(),
            agents: AgentCache::default(),
            names: Names::default(),
            last_interface: (String::new(), String::new(), None, 0),
            tallier: Tallier::default(),
        }
    }

    /// The same with lists that hold for some accounts and regions only.
    pub fn with_own_lists(mut self, own_lists: &'a OwnLists) -> Self {
        self.own_lists = Some(own_lists);
        self
    }

    /// Takes in one record of the file with this rank.
    pub fn observe(&mut self, record: &Record<'_>, raw: Raw<'_>, file: u32) {
        if !self.scope_is_open && !self.scope.holds(record) {
            self.census.outside += 1;
            return;
        }
        self.census.count(record);
        // Calls are told apart by their identities, the others only by what they say.
        let place = |tie: u32| RecordPlace { tie, file, position: raw.position };
        let told_apart = || place(tie_of(raw.text));
        match record {
            Record::ApiCall(call) => {
                let id = event_identity(call);
                if self.index.call_tallies != 0 {
                    self.tallier.add_call(call, id, place(0), &mut self.facts);
                }
                self.observe_call(call, id, raw, file);
            }
            Record::Flow(flow) => {
                if self.index.flow_tallies != 0 {
                    self.tallier.add_flow(flow, told_apart, &mut self.facts);
                }
                self.observe_flow(flow, raw, file);
            }
            Record::DnsQuery(query) => {
                let name = self.names.look_up(&query.name, self.knowledge);
                let answers = AnswerReach::of(query);
                if self.index.query_tallies != 0 {
                    self.tallier.add_query(query, name, answers, told_apart, &mut self.facts);
                }
                self.observe_query(query, (name.0.kinds, answers), raw, file);
            }
        }
    }

    /// What was kept and seen: call it when everything has been shown.
    pub fn finish(mut self) -> (FactLog, Census) {
        self.tallier.flush(&mut self.facts);
        self.facts.rest();
        (self.facts, self.census)
    }

    fn observe_call(&mut self, call: &ApiCall<'_>, id: u128, raw: Raw<'_>, file: u32) {
        if id != 0 {
            self.facts.push_id(call.time, fold_id(id));
        }
        let (wanted, session) = self.wanted_call(call);
        if wanted | session == 0 {
            return;
        }
        let group = if wanted == 0 { self.session_group(call) } else { 0 };
        if group != 0 && !self.is_news(group ^ call.time.hour().unsigned_abs().rotate_left(32), call.time, id) {
            return;
        }
        self.keep(call.time, id, group, raw, file, RecordKind::ApiCall, 0);
    }

    /// Who wants the call: those that want every one, and those that want one of a session, address and hour.
    fn wanted_call(&mut self, call: &ApiCall<'_>) -> (DetectionSet, DetectionSet) {
        let index = self.index;
        let mut wanted = index.api(&call.source, &call.name);
        let address = call.source_ip.map(|ip| self.addresses.look_up(ip, self.knowledge));
        if let (Some(ip), Some(address)) = (call.source_ip, address) {
            let kinds = self.kinds(ip, address.kinds, call.account(), &call.region);
            if kinds & index.call_kinds_wanted != 0 {
                wanted |= index.call_from(kinds);
            }
        }
        if call.identity.kind == IdentityKind::Root {
            wanted |= index.root_call;
        }
        if self.agents.look_up(&call.user_agent) {
            wanted |= index.pen_test_agent;
        }
        if self.has_leaked_keys && !self.knowledge.key_matches(&call.identity.access_key_id).is_empty() {
            wanted |= index.leaked_key;
        }
        let mut session = 0;
        if call.identity.kind == IdentityKind::AssumedRole {
            let (always, once) = self.wanted_session(call, address);
            wanted |= always;
            session |= once;
        }
        if teaches_the_estate(call) {
            session |= crate::index::ESTATE;
        }
        (wanted, session)
    }

    /// The kinds of the lists that cover an address for an account and region, of which everyone's are known already.
    fn kinds(&self, ip: IpAddr, shared: u32, account: &str, region: &str) -> u32 {
        match self.own_lists {
            Some(own) if own.hold_for(account, region) => self.knowledge.lists(Some(own), account, region).ip_kinds(ip),
            _ => shared,
        }
    }

    /// Who wants a call of a role's session for the place it came from: every such call, or one of a session, place and
    /// hour, where the place is no proof by itself.
    fn wanted_session(&self, call: &ApiCall<'_>, address: Option<AddressFacts>) -> (DetectionSet, DetectionSet) {
        let foreign_endpoint = if call.vpc_endpoint_account.is_empty() {
            // Without the owner in the event, the inventory may know it.
            !call.vpc_endpoint_id.is_empty() && self.knowledge.inventory.vpc_endpoint(&call.vpc_endpoint_id).is_some()
        } else {
            // The log may be the endpoint owner's: its recipient then says nothing about the caller.
            call.vpc_endpoint_account != own_account(call)
        };
        let public = address.filter(|address| address.is_public);
        if instance_session(call).is_some() {
            return match public {
                // An address of AWS may well be the instance's own.
                Some(address) if address.is_aws || foreign_endpoint => (0, self.index.instance_session),
                Some(_) => (self.index.instance_session, 0),
                None if foreign_endpoint => (0, self.index.instance_session),
                None => (0, 0),
            };
        }
        let outside = public.is_some_and(|address| !address.is_aws || address.has_known_owner);
        if (outside || foreign_endpoint) && !is_human_session(call) { (0, self.index.workload_session) } else { (0, 0) }
    }

    /// What makes calls of one session from one address alike. A refused call is not like a granted one: a call that
    /// was refused for its signature says nothing about who holds the credentials.
    fn session_group(&self, call: &ApiCall<'_>) -> u64 {
        let mut hasher = fixed_hasher();
        let identity = &call.identity;
        let place = [&call.source_address, &call.vpc_endpoint_id];
        for part in [&identity.arn, &identity.access_key_id, &call.error_code].into_iter().chain(place) {
            hasher.write(part.as_bytes());
            hasher.write_u8(0);
        }
        if identity.kind != IdentityKind::AssumedRole || call.name.starts_with("AssumeRole") {
            // Someone assuming roles: the role and the session it makes. CloudTrail at its bucket: the bucket.
            for parameter in call.parameters(["roleArn", "roleSessionName", "bucketName"]) {
                hasher.write(parameter.unwrap_or_default().as_bytes());
                hasher.write_u8(0);
            }
        }
        hasher.finish() | 1
    }

    /// Whether nothing of this group was noted yet that came before: the first by (time, id) must be kept.
    ///
    /// What has the same time and id is news as well: copies of one event in several accounts do, and which of them counts
    /// is decided by what they say, not by which was read first.
    fn is_news(&mut self, group: u64, time: Time, id: u128) -> bool {
        if self.noted.len() >= NOTED_MAX {
            self.noted.clear();
        }
        let earliest = self.noted.entry(group).or_insert((time, id));
        if *earliest < (time, id) {
            return false;
        }
        *earliest = (time, id);
        true
    }

    fn observe_flow(&mut self, flow: &VpcFlow<'_>, raw: Raw<'_>, file: u32) {
        self.note_interface(flow, file);
        let mut kinds = 0;
        // By reference: addresses were written just now, in pieces, and to copy one whole waits until all are there.
        for address in [&flow.source, &flow.target] {
            kinds |= self.flow_kinds(address, flow);
        }
        for (packet, outer) in [(&flow.packet_source, &flow.source), (&flow.packet_target, &flow.target)] {
            if packet.is_some() && packet != outer {
                kinds |= self.flow_kinds(packet, flow);
            }
        }
        if kinds & self.index.flow_kinds_wanted == 0 {
            return;
        }
        let format = raw.format.map_or(0, |format| self.format_number(format));
        self.keep(flow.start, 0, 0, raw, file, RecordKind::Flow, format);
    }

    /// The kinds of the lists that cover an address; none for private IPv4 addresses, which are no use looking up, and half
    /// of all addresses.
    #[inline]
    fn flow_kinds(&mut self, address: &Option<IpAddr>, flow: &VpcFlow<'_>) -> u32 {
        match address {
            None => 0,
            Some(IpAddr::V4(v4)) if v4.is_private() => 0,
            Some(IpAddr::V4(v4)) if self.own_lists.is_none() => self.v4_kinds.look_up(*v4, self.knowledge),
            // In a function of its own: it copies the address, and waits until all of it is written.
            Some(address) => self.kinds_of_any(address, flow),
        }
    }

    #[inline(never)]
    fn kinds_of_any(&mut self, address: &IpAddr, flow: &VpcFlow<'_>) -> u32 {
        let address = *address;
        let shared = match address {
            IpAddr::V4(v4) => self.v4_kinds.look_up(v4, self.knowledge),
            IpAddr::V6(_) => self.addresses.look_up(address, self.knowledge).kinds,
        };
        self.kinds(address, shared, &flow.account, &flow.region)
    }

    /// Notes which instance and address an interface has, once a day.
    fn note_interface(&mut self, flow: &VpcFlow<'_>, file: u32) {
        if flow.instance_id.is_empty() {
            return;
        }
        let local = match flow.direction {
            Some(Direction::Egress) => flow.source,
            Some(Direction::Ingress) => flow.target,
            None => None,
        };
        let (interface, instance, address, day) = &self.last_interface;
        if *interface == flow.interface_id
            && *instance == flow.instance_id
            && *address == local
            && *day == flow.start.day()
        {
            return;
        }
        let (interface, instance, address, day) = &mut self.last_interface;
        interface.replace_range(.., &flow.interface_id);
        instance.replace_range(.., &flow.instance_id);
        (*address, *day) = (local, flow.start.day());
        let mut hasher = fixed_hasher();
        for part in [&flow.account, &flow.interface_id, &flow.instance_id] {
            hasher.write(part.as_bytes());
            hasher.write_u8(0);
        }
        match local.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(v4)) => hasher.write_u32(v4.to_bits()),
            Some(IpAddr::V6(v6)) => hasher.write_u128(v6.to_bits()),
            None => hasher.write_u8(0),
        }
        hasher.write_i64(flow.start.day());
        if self.is_news(hasher.finish(), flow.start, 0) {
            let address = local.map_or_else(|| "-".to_owned(), |address| address.to_string());
            let text =
                format!("{} {} {} {address}", dash(&flow.account), dash(&flow.interface_id), dash(&flow.instance_id));
            let kind = FactKind::Interface;
            self.facts.push(&Fact {
                time: flow.start,
                id: 0,
                group: 0,
                file,
                position: 0,
                kind,
                format: 0,
                text: &text,
            });
        }
    }

    /// `shared`: the kinds of everyone's lists that cover the name; `answers`: where its answer leads.
    fn observe_query(&mut self, query: &DnsQuery<'_>, (shared, answers): (u32, AnswerReach), raw: Raw<'_>, file: u32) {
        let kinds = match self.own_lists {
            Some(own) if own.hold_for(&query.account, &query.region) => {
                self.knowledge.lists(Some(own), &query.account, &query.region).domain_kinds(&query.name)
            }
            _ => shared,
        };
        let leads_to_metadata = answers.may_lead_inside() && has_metadata_answer(query);
        if kinds & self.index.query_kinds_wanted != 0 || leads_to_metadata {
            self.keep(query.time, 0, 0, raw, file, RecordKind::DnsQuery, 0);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a fact, gathered in one place")]
    fn keep(&mut self, time: Time, id: u128, group: u64, raw: Raw<'_>, file: u32, kind: RecordKind, format: u32) {
        let kind = FactKind::Record(kind);
        self.facts.push(&Fact { time, id, group, file, position: raw.position, kind, format, text: raw.text });
    }

    fn format_number(&mut self, format: &FlowFormat) -> u32 {
        match &self.last_format {
            Some((last, number)) if last == format => *number,
            _ => {
                let number = self.formats.number(format);
                self.last_format = Some((format.clone(), number));
                number
            }
        }
    }
}

/// What tells a record of a flow or query from others of its moment. Not inlined, so that what calls it is: a place that a
/// function returns is written in pieces and read as a whole, and that wait was a fifth of what the sums of a flow took.
#[inline(never)]
fn tie_of(text: &str) -> u32 {
    twox_hash::XxHash3_64::oneshot(text.as_bytes()) as u32
}

/// The detections that want this call, decided again when its turn comes.
pub(crate) fn call_listeners(
    index: &ListenIndex,
    knowledge: &Knowledge,
    own: &OwnLists,
    call: &ApiCall<'_>,
) -> DetectionSet {
    let mut wanted = index.api(&call.source, &call.name);
    if let Some(ip) = call.source_ip {
        wanted |= index
            .call_from(knowledge.lists(Some(own), call.account(), &call.region).ip_kinds(ip) & index.call_kinds_wanted);
    }
    if call.identity.kind == IdentityKind::Root {
        wanted |= index.root_call;
    }
    if PenTestDistribution::of_agent(&call.user_agent).is_some() {
        wanted |= index.pen_test_agent;
    }
    if !knowledge.key_matches(&call.identity.access_key_id).is_empty() {
        wanted |= index.leaked_key;
    }
    if instance_session(call).is_some() {
        wanted |= index.instance_session;
    } else if call.identity.kind == IdentityKind::AssumedRole && !is_human_session(call) {
        wanted |= index.workload_session;
    }
    wanted
}

/// The detections that want this query.
pub(crate) fn query_listeners(
    index: &ListenIndex,
    knowledge: &Knowledge,
    own: &OwnLists,
    query: &DnsQuery<'_>,
) -> DetectionSet {
    let kinds = knowledge.lists(Some(own), &query.account, &query.region).domain_kinds(&query.name);
    let named = index.query_for(kinds & index.query_kinds_wanted);
    if has_metadata_answer(query) { named | index.metadata_answer } else { named }
}

/// The identity that makes copies of one event recognisable: of `sharedEventID`, else of `eventID`; 0 for none.
pub(crate) fn event_identity(call: &ApiCall<'_>) -> u128 {
    let text = if call.shared_event_id.is_empty() { &call.event_id } else { &call.shared_event_id };
    if text.is_empty() { 0 } else { uuid(text.as_bytes()).filter(|&id| id != 0).unwrap_or_else(|| long_hash(text)) }
}

/// The 128 bits of a UUID in its usual form. Every event has one, so it is read eight digits at a time.
fn uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [8, 13, 18, 23].into_iter().any(|place| text[place] != b'-') {
        return None;
    }
    // Read as numbers of four bytes: bytes that are gathered one by one are loaded one by one.
    let four = |at: usize| text[at..].first_chunk().map(|bytes| u64::from(u32::from_be_bytes(*bytes)));
    let part = |first: usize, second: usize| {
        let digits = four(first)? << 32 | four(second)?;
        hexadecimal(digits).map(u128::from)
    };
    Some(part(0, 4)? << 96 | part(9, 14)? << 64 | part(19, 24)? << 32 | part(28, 32)?)
}

/// The number that eight hexadecimal digits are, each a byte of one word: adding to the word adds to all of them.
#[inline(always)]
fn hexadecimal(text: u64) -> Option<u32> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x80 * EACH;
    let lower = text | (0x20 * EACH);
    // The high bit of each byte tells whether it is at least so much; none carries into the next, as all are ASCII.
    let at_least = |word: u64, byte: u8| word.wrapping_add(u64::from(0x80 - byte) * EACH);
    let is_decimal = at_least(text, b'0') & !at_least(text, b'9' + 1);
    let is_letter = at_least(lower, b'a') & !at_least(lower, b'f' + 1) & HIGH_BITS;
    if text & HIGH_BITS != 0 || (is_decimal | is_letter) & HIGH_BITS != HIGH_BITS {
        return None;
    }
    let mut value = (text & (0x0f * EACH)) + (is_letter >> 7) * 9;
    value = (value | value >> 4) & 0x00ff_00ff_00ff_00ff;
    value = (value | value >> 8) & 0x0000_ffff_0000_ffff;
    Some((value | value >> 16) as u32)
}

/// For identities that are no UUIDs, as in hand-made events.
fn long_hash(text: &str) -> u128 {
    let half = |seed: u64| {
        let mut hasher = foldhash::quality::FixedState::with_seed(seed).build_hasher();
        hasher.write(text.as_bytes());
        u128::from(hasher.finish())
    };
    (half(1) << 64 | half(2)) | 1
}

/// 64 bits of an identity, enough to count duplicates within ten minutes.
pub(crate) const fn fold_id(id: u128) -> u64 {
    (id >> 64) as u64 ^ (id as u64).rotate_left(29)
}

/// Whether AWS assumes a role for a function or a task: the estate learns from it whose session that is.
/// Whether one such call in an hour shows something that the estate remembers: a service that assumes a role for its
/// workload, another that makes a session named like a task, CloudTrail at the bucket it writes to.
fn teaches_the_estate(call: &ApiCall<'_>) -> bool {
    let identity = &call.identity;
    match (identity.kind, call.name.as_ref()) {
        (IdentityKind::AwsService, "AssumeRole") => [&identity.invoked_by, &call.source_address]
            .into_iter()
            .any(|service| Workload::from_service(service).is_some()),
        (IdentityKind::AwsService, "GetBucketAcl" | "PutObject") => is_cloudtrail(call),
        (_, "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity") => {
            call.parameter("roleSessionName").is_some_and(|session| is_task_id(&session))
        }
        _ => false,
    }
}

/// The caller's account, else that of the log.
fn own_account<'c>(call: &'c ApiCall<'_>) -> &'c str {
    if call.identity.account.is_empty() { call.account() } else { &call.identity.account }
}

/// A session that people hold: IAM Identity Center's roles, and sessions named by an e-mail address.
fn is_human_session(call: &ApiCall<'_>) -> bool {
    call.identity.issuer.arn.contains("/aws-reserved/sso.amazonaws.com/") || call.identity.session_name().contains('@')
}

/// Whether an answer is the address of a metadata service. A search of the raw text: answers are parsed for the few.
fn has_metadata_answer(query: &DnsQuery<'_>) -> bool {
    query.answers.len() > 2 && watchfire_detections::shared::names_metadata_service(query.answers)
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn fixed_hasher() -> impl Hasher {
    foldhash::fast::FixedState::with_seed(0x5741_5443_4846_4952).build_hasher()
}

/// What the knowledge says of an address.
#[derive(Clone, Copy)]
struct AddressFacts {
    kinds: u32,
    is_public: bool,
    is_aws: bool,
    /// The inventory says whose it is.
    has_known_owner: bool,
}

/// The last answers by address: logs name the same addresses over and over.
struct AddressCache {
    slots: Vec<Option<(IpAddr, AddressFacts)>>,
    hasher: foldhash::fast::FixedState,
}

const ADDRESS_SLOTS: usize = 8_192;

impl Default for AddressCache {
    fn default() -> Self {
        Self { slots: vec![None; ADDRESS_SLOTS], hasher: foldhash::fast::FixedState::default() }
    }
}

impl AddressCache {
    fn look_up(&mut self, address: IpAddr, knowledge: &Knowledge) -> AddressFacts {
        let hash = match address {
            IpAddr::V4(v4) => u64::from(v4.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40,
            IpAddr::V6(_) => self.hasher.hash_one(address),
        };
        let slot = &mut self.slots[hash as usize % ADDRESS_SLOTS];
        if let Some((known, facts)) = slot
            && *known == address
        {
            return *facts;
        }
        let is_public = is_publicly_routable(address);
        let facts = AddressFacts {
            kinds: if is_public { knowledge.ip_kinds(address) } else { 0 },
            is_public,
            is_aws: is_public && knowledge.cloud_ranges.contains(address),
            has_known_owner: is_public && knowledge.inventory.account_of_ip(address).is_some(),
        };
        *slot = Some((address, facts));
        facts
    }
}

/// The same for the kinds of the lists that cover an IPv4 address, which is all that a flow asks: eight bytes for each.
struct V4Kinds {
    slots: Box<[(u32, u32)]>,
}

/// More than of all addresses, as each is small: a quarter of a megabyte, which the second cache of a processor holds.
const V4_SLOTS: usize = 32_768;

impl Default for V4Kinds {
    fn default() -> Self {
        // Nothing covers 0.0.0.0, which cannot be routed.
        Self { slots: vec![(0, 0); V4_SLOTS].into() }
    }
}

impl V4Kinds {
    #[inline]
    fn look_up(&mut self, address: Ipv4Addr, knowledge: &Knowledge) -> u32 {
        let bits = address.to_bits();
        let hash = u64::from(bits).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let slot = &mut self.slots[hash as usize % V4_SLOTS];
        if slot.0 != bits {
            let address = IpAddr::V4(address);
            *slot = (bits, if is_publicly_routable(address) { knowledge.ip_kinds(address) } else { 0 });
        }
        slot.1
    }
}

/// The last answers by user agent: long texts, few of them.
struct AgentCache {
    slots: Vec<(String, bool)>,
    hasher: foldhash::fast::FixedState,
}

const AGENT_SLOTS: usize = 512;
/// Longer agents are not worth keeping.
const AGENT_KEPT_MAX: usize = 1_024;

impl Default for AgentCache {
    fn default() -> Self {
        Self { slots: vec![(String::new(), false); AGENT_SLOTS], hasher: foldhash::fast::FixedState::default() }
    }
}

impl AgentCache {
    /// Whether the agent names a distribution for penetration tests.
    fn look_up(&mut self, agent: &str) -> bool {
        // Twenty bytes from each end tell agents apart well enough to find the slot; the text itself is compared.
        let mut hasher = self.hasher.build_hasher();
        hasher.write(&agent.as_bytes()[..agent.len().min(20)]);
        hasher.write(&agent.as_bytes()[agent.len().saturating_sub(20)..]);
        hasher.write_usize(agent.len());
        let slot = &mut self.slots[hasher.finish() as usize % AGENT_SLOTS];
        if slot.0 == agent {
            return slot.1;
        }
        let answer = PenTestDistribution::of_agent(agent).is_some();
        if agent.len() <= AGENT_KEPT_MAX {
            slot.0.clear();
            slot.0.push_str(agent);
            slot.1 = answer;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_uuid_is_its_bits(bits in any::<u128>(), upper in any::<bool>()) {
            let digits = if upper { format!("{bits:032X}") } else { format!("{bits:032x}") };
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            prop_assert_eq!(uuid(parts.join("-").as_bytes()), Some(bits));
        }

        #[test]
        fn one_odd_byte_makes_it_no_uuid(place in 0usize..36, byte in any::<u8>()) {
            let mut text = *b"01234567-89ab-cdef-ABCD-EF0123456789";
            let is_dash = matches!(place, 8 | 13 | 18 | 23);
            text[place] = byte;
            let is_right = if is_dash { byte == b'-' } else { byte.is_ascii_hexdigit() };
            prop_assert_eq!(uuid(&text).is_some(), is_right);
        }
    }

    #[test]
    fn a_uuid_is_its_bits_and_other_ids_are_hashed() {
        let id = |text: &'static str| event_identity(&ApiCall { event_id: text.into(), ..ApiCall::default() });
        assert_eq!(id("00000000-0000-0000-0000-0000000000ff"), 255);
        assert_eq!(id(""), 0);
        assert_ne!(id("1"), id("2"));
        assert_ne!(id("1"), 0);
    }

    #[test]
    fn copies_of_one_event_share_an_identity() {
        let copy =
            |event: &'static str| ApiCall { event_id: event.into(), shared_event_id: "s".into(), ..ApiCall::default() };
        assert_eq!(event_identity(&copy("a")), event_identity(&copy("b")));
    }
}
