//! What the operator says about the accounts: the file given with `--inventory`.
//!
//! Logs name an interface, an address, a bucket; findings show the instance, its tags, its profile. GuardDuty asks the
//! APIs; we read one JSON file, described by [`Inventory::schema`] and shown in `docs/inventory.example.json`.
//! Every part is optional. What the file does not say is not known, which is not the same as false.

mod file;

pub use file::{
    AddressOrPrefix, InventoryAccount, InventoryBlock, InventoryBucket, InventoryEncryption, InventoryFile,
    InventoryInstance, InventoryInterface, InventoryNatGateway, InventoryPermission, InventoryProfile,
    InventoryPublicAccess, InventoryReadWrite, InventoryRole, InventorySecurityGroup, InventoryVpcEndpoint,
};

use crate::address::canonical;
use crate::ranges::{Prefixes, RangeTable, flatten};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::net::IpAddr;
use watchfire_model::KnowledgeUsed;

/// The inventory, ready for look-ups. The default value is empty.
///
/// Where the file says one thing twice, the first counts.
#[derive(Debug, Default)]
pub struct Inventory {
    file: InventoryFile,
    accounts: Map<usize>,
    instances: Map<usize>,
    /// Interface id → (instance, interface).
    interfaces: Map<(usize, usize)>,
    /// Private address → every interface that has it: private addresses repeat between VPCs.
    private_ips: HashMap<IpAddr, Vec<(usize, usize)>, FixedState>,
    public_ips: HashMap<IpAddr, (usize, usize), FixedState>,
    buckets: Map<usize>,
    endpoints: Map<usize>,
    /// By id, and by interface.
    nat_gateways: Map<usize>,
    roles: Map<usize>,
    /// Addresses and who owns them; the tables hold positions in `owners`.
    owned_v4: RangeTable<u32>,
    owned_v6: RangeTable<u128>,
    owners: Vec<Box<str>>,
}

type Map<T> = HashMap<String, T, FixedState>;

/// " at `…`", or nothing for the whole file.
fn place(path: &str) -> String {
    if path == "." { String::new() } else { format!(" at `{path}`") }
}

/// The inventory file could not be used.
#[derive(Debug, thiserror::Error)]
#[error("could not read the inventory{}", place(.path))]
pub struct InventoryError {
    /// Where in the file, such as `instances[3].interfaces[0].private_ip`; `.` for the whole.
    pub path: String,
    /// What was wrong there.
    #[source]
    pub cause: serde_json::Error,
}

impl Inventory {
    /// Reads the file.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InventoryError> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let file = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| InventoryError { path: error.path().to_string(), cause: error.into_inner() })?;
        json.end().map_err(|cause| InventoryError { path: ".".into(), cause })?;
        Ok(Self::new(file))
    }

    /// The inventory with this content.
    pub fn new(file: InventoryFile) -> Self {
        let mut inventory = Self { file, ..Self::default() };
        inventory.index();
        inventory
    }

    /// The JSON Schema (draft 2020-12) of the file.
    pub fn schema() -> &'static str {
        include_str!("../../../docs/inventory.schema.json")
    }

    /// Everything the file said.
    pub fn file(&self) -> &InventoryFile {
        &self.file
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.file == InventoryFile::default()
    }

    /// The account with this id.
    pub fn account(&self, id: &str) -> Option<&InventoryAccount> {
        self.file.accounts.get(*self.accounts.get(id)?)
    }

    /// Whether both accounts answer to the same administrator; `None` if that of either is not known.
    ///
    /// An administrator answers to itself.
    pub fn affiliated(&self, a: &str, b: &str) -> Option<bool> {
        let is_administrator = |id: &str| self.file.accounts.iter().any(|account| account.administrator == id);
        let administrator = |id: &str| match self.account(id) {
            Some(account) if !account.administrator.is_empty() => Some(account.administrator.clone()),
            _ => is_administrator(id).then(|| id.to_owned()),
        };
        Some(administrator(a)? == administrator(b)?)
    }

    /// The instance with this id.
    pub fn instance(&self, id: &str) -> Option<&InventoryInstance> {
        self.file.instances.get(*self.instances.get(id)?)
    }

    /// The network interface with this id, and its instance.
    pub fn interface(&self, id: &str) -> Option<(&InventoryInstance, &InventoryInterface)> {
        self.pair(*self.interfaces.get(id)?)
    }

    /// The interface with this private address in this VPC of this account.
    ///
    /// Private addresses repeat between VPCs. If the record does not tell the VPC, leave it empty: then the interface
    /// is found if only one of the account has this address.
    pub fn by_private_ip(
        &self,
        account: &str,
        vpc: &str,
        ip: IpAddr,
    ) -> Option<(&InventoryInstance, &InventoryInterface)> {
        let places = self.private_ips.get(&canonical(ip))?;
        let mut found = places
            .iter()
            .filter_map(|&place| self.pair(place))
            .filter(|(instance, interface)| instance.account == account && (vpc.is_empty() || interface.vpc == vpc));
        let first = found.next()?;
        (!vpc.is_empty() || found.next().is_none()).then_some(first)
    }

    /// The interface with this public IPv4 or with this IPv6 address.
    pub fn by_public_ip(&self, ip: IpAddr) -> Option<(&InventoryInstance, &InventoryInterface)> {
        self.pair(*self.public_ips.get(&canonical(ip))?)
    }

    /// The account that owns this address, by the accounts' `addresses`, the interfaces and the NAT gateways.
    pub fn account_of_ip(&self, ip: IpAddr) -> Option<&str> {
        let owner = match canonical(ip) {
            IpAddr::V4(ip) => self.owned_v4.get(ip.into()),
            IpAddr::V6(ip) => self.owned_v6.get(ip.into()),
        };
        self.owners.get(owner? as usize).map(|owner| &**owner)
    }

    /// The bucket with this name.
    pub fn bucket(&self, name: &str) -> Option<&InventoryBucket> {
        self.file.buckets.get(*self.buckets.get(name)?)
    }

    /// The VPC endpoint with this id.
    pub fn vpc_endpoint(&self, id: &str) -> Option<&InventoryVpcEndpoint> {
        self.file.vpc_endpoints.get(*self.endpoints.get(id)?)
    }

    /// The NAT gateway with this id, or whose network interface this is.
    pub fn nat_gateway(&self, id_or_interface: &str) -> Option<&InventoryNatGateway> {
        self.file.nat_gateways.get(*self.nat_gateways.get(id_or_interface)?)
    }

    /// The role with this ARN.
    pub fn role(&self, arn: &str) -> Option<&InventoryRole> {
        self.file.roles.get(*self.roles.get(arn)?)
    }

    pub(crate) fn used_version(&self) -> Option<KnowledgeUsed> {
        let version = self.file.date.clone();
        (!self.is_empty()).then(|| KnowledgeUsed { name: "inventory".into(), kind: "inventory".into(), version })
    }

    fn pair(&self, (instance, interface): (usize, usize)) -> Option<(&InventoryInstance, &InventoryInterface)> {
        let instance = self.file.instances.get(instance)?;
        Some((instance, instance.interfaces.get(interface)?))
    }

    fn index(&mut self) {
        let file = &self.file;
        index_by(&mut self.accounts, file.accounts.iter().map(|account| &*account.id));
        index_by(&mut self.instances, file.instances.iter().map(|instance| &*instance.id));
        index_by(&mut self.buckets, file.buckets.iter().map(|bucket| &*bucket.name));
        index_by(&mut self.endpoints, file.vpc_endpoints.iter().map(|endpoint| &*endpoint.id));
        index_by(&mut self.nat_gateways, file.nat_gateways.iter().map(|gateway| &*gateway.id));
        index_by(&mut self.nat_gateways, file.nat_gateways.iter().map(|gateway| &*gateway.interface));
        index_by(&mut self.roles, file.roles.iter().map(|role| &*role.arn));
        for (at, instance) in file.instances.iter().enumerate() {
            for (interface_at, interface) in instance.interfaces.iter().enumerate() {
                let place = (at, interface_at);
                if !interface.id.is_empty() {
                    self.interfaces.entry_ref(&*interface.id).or_insert(place);
                }
                if let Some(ip) = interface.private_ip {
                    self.private_ips.entry(canonical(ip)).or_default().push(place);
                }
                for ip in interface.public_ip.iter().chain(&interface.ipv6) {
                    self.public_ips.entry(canonical(*ip)).or_insert(place);
                }
            }
        }
        self.index_owners();
    }

    fn index_owners(&mut self) {
        let file = &self.file;
        let of_accounts = file
            .accounts
            .iter()
            .flat_map(|account| account.addresses.iter().map(|network| (network.0.trunc(), account.id.as_str())));
        let of_instances = file.instances.iter().flat_map(|instance| {
            let addresses =
                instance.interfaces.iter().flat_map(|interface| interface.public_ip.iter().chain(&interface.ipv6));
            addresses.map(|&ip| (canonical(ip).into(), instance.account.as_str()))
        });
        let of_gateways = file
            .nat_gateways
            .iter()
            .flat_map(|gateway| gateway.public_ips.iter().map(|&ip| (canonical(ip).into(), gateway.account.as_str())));
        let mut prefixes = Prefixes::default();
        for (network, owner) in of_accounts.chain(of_instances).chain(of_gateways) {
            // Entries count down, so that of equal prefixes the one written first is the innermost.
            prefixes.push(network, u32::MAX - self.owners.len() as u32);
            self.owners.push(owner.into());
        }
        let innermost = |entries: &[u32]| entries.last().map_or(0, |entry| u32::MAX - entry);
        flatten(prefixes.v4, |first, last, entries| self.owned_v4.push(first, last, innermost(entries)));
        flatten(prefixes.v6, |first, last, entries| self.owned_v6.push(first, last, innermost(entries)));
        self.owned_v4.finish();
        self.owned_v6.finish();
    }
}

fn index_by<'a>(map: &mut Map<usize>, keys: impl Iterator<Item = &'a str>) {
    for (at, key) in keys.enumerate().filter(|(_, key)| !key.is_empty()) {
        map.entry_ref(key).or_insert(at);
    }
}

#[cfg(test)]
mod tests;
