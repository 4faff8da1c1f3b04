//! What a detection is, and what it may ask.

use std::net::IpAddr;
use watchfire_knowledge::{Estate, Knowledge, Lists, OwnLists};
use watchfire_model::{ApiCall, Bucket, DnsQuery, FindingType, Instance, ListKind, Signal, Time};

use crate::behaviour::Behaviour;
use crate::shared::contact::Contact;

/// One rule, with what it can report and what it must be shown.
pub struct Detection {
    /// The finding types it can make.
    pub reports: &'static [FindingType],
    /// One sentence for people.
    pub summary: &'static str,
    /// What the engine must show it. Indexed: the cost of a record does not grow with the number of detections.
    pub listens: &'static [Interest],
    /// Without these it cannot work; the account of a scan names those that were missing.
    pub needs: &'static [Need],
    /// `file!()`.
    pub file: &'static str,
    /// How it decides.
    pub rule: Rule,
}

/// A class of records that a detection wants to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interest {
    /// A call of this API, such as `cloudtrail:StopLogging`.
    Api(&'static str),
    /// A call from an address that a list of one of these kinds covers.
    CallFrom(&'static [ListKind]),
    /// A call whose user agent names a distribution for penetration tests.
    PenTestAgent,
    /// A call by a root user.
    RootCall,
    /// A call with the credentials of an instance's role.
    InstanceSession,
    /// A call with the credentials of a function's or a task's role.
    WorkloadSession,
    /// A call with an access key of a list of leaked keys.
    LeakedKey,
    /// A flow whose remote address a list of one of these kinds covers.
    FlowWith(&'static [ListKind]),
    /// A query for a name that a list of one of these kinds covers.
    QueryFor(&'static [ListKind]),
    /// A query answered with the address of a metadata service.
    MetadataAnswer,
    /// Flows, as tallies.
    FlowTallies,
    /// Queries, as tallies.
    QueryTallies,
    /// Calls, as tallies.
    CallTallies,
}

/// What a detection cannot do without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// CloudTrail management events.
    ManagementEvents,
    /// CloudTrail data events of S3.
    S3DataEvents,
    /// VPC flow logs.
    Flows,
    /// Resolver query logs.
    DnsQueries,
    /// At least one list of one of these kinds.
    Lists(&'static [ListKind]),
    /// An inventory of instances (which ones belong to a cluster, for one).
    Inventory,
}

/// How much a detection has to remember, and what it looks at.
pub enum Rule {
    /// Decides from one API call.
    Call(fn(&ApiCall<'_>, &Context<'_>, &mut Vec<Signal>)),
    /// Decides from one flow, seen as a contact between a resource and a remote address.
    Flow(fn(&Contact<'_>, &Context<'_>, &mut Vec<Signal>)),
    /// Decides from one DNS query.
    Query(fn(&DnsQuery<'_>, &Context<'_>, &mut Vec<Signal>)),
    /// Decides from earlier records of the same subject too.
    Window(fn() -> Box<dyn Window>),
    /// Decides from tallies: sums over many records.
    Behaviour(fn() -> Box<dyn Behaviour>),
}

/// A record as rules see it.
pub enum Observed<'a> {
    /// An API call.
    Call(&'a ApiCall<'a>),
    /// A flow.
    Flow(&'a Contact<'a>),
    /// A query.
    Query(&'a DnsQuery<'a>),
}

/// The memory of a detection. Records come in order of event time; state is per entity, bounded and serialisable.
pub trait Window: Send {
    /// Takes one record in, and says what it means.
    fn observe(&mut self, record: &Observed<'_>, context: &Context<'_>, signals: &mut Vec<Signal>);
    /// Forgets what lies before the reach of the window, and returns how many entities were dropped for lack of room.
    fn expire(&mut self, now: Time) -> u64;
    /// Entities held now, and their size in bytes.
    fn size(&self) -> (u64, u64);
    /// The state as JSON, with a version.
    fn save(&self) -> serde_json::Value;
    /// Takes a saved state back. An error is a sentence.
    fn load(&mut self, state: serde_json::Value) -> Result<(), String>;
}

/// What a rule may ask besides the record.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Lists, geography, ranges, and the inventory that was handed over.
    pub knowledge: &'a Knowledge,
    /// Lists that hold for some accounts and regions only, beside those of `knowledge`.
    pub own_lists: Option<&'a OwnLists>,
    /// What the logs themselves have shown of the estate, up to this record.
    pub estate: &'a Estate,
}

impl<'a> Context<'a> {
    /// The lists that hold for what is logged in this account and region.
    pub fn lists(&self, account: &str, region: &str) -> Lists<'a> {
        self.knowledge.lists(self.own_lists, account, region)
    }

    /// The instance behind these ids: from the inventory, else from the logs, else just the ids themselves.
    pub fn instance(&self, account: &str, instance_id: &str, interface_id: &str, address: Option<IpAddr>) -> Instance {
        self.estate.instance(self.knowledge, account, instance_id, interface_id, address)
    }

    /// What is known of a bucket: from the inventory and the logs.
    pub fn bucket(&self, name: &str, account: &str) -> Bucket {
        self.estate.bucket(self.knowledge, name, account)
    }
}
