//! `xtask intel`: makes the threat lists, address ranges and guards that ship in the program.
//!
//! Reads the sources as their projects publish them, writes `crates/knowledge/data/*.bin` and `docs/threat-lists.md`.
//! The same sources give the same bytes. What the sources get wrong for our purpose is dropped here, with the reason.

use anyhow::{Context, bail};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use watchfire_knowledge::{CloudRanges, Indicator, IndicatorList, ListFormat, Suffixes, default_lists, lists};
use watchfire_model::ListKind;

const HELP: &str = "\
Makes the threat lists, address ranges and guards that ship in the program.

  --data DIR     makes threat lists and ranges: a folder with maltrail/, feeds/ and guardduty-tester-definitions.csv
  --guards DIR   makes the guards: MISP's warning lists, a folder with lists/";

const MALTRAIL: Origin = Origin { date: "2026-08-23", licence: "MIT", source: "https://github.com/stamparm/maltrail" };
const TOR: Origin =
    Origin { date: "2024-02-27", licence: "MIT", source: "https://github.com/SecOps-Institute/Tor-IP-Addresses" };
const IPSUM: Origin = Origin { date: "2026-08-22", licence: "Unlicense", source: "https://github.com/stamparm/ipsum" };
/// The tester's definitions bear no date.
const TESTER: Origin =
    Origin { date: "", licence: "Apache-2.0", source: "https://github.com/awslabs/amazon-guardduty-tester" };

/// Who made a source, and when.
#[derive(Clone, Copy)]
struct Origin {
    date: &'static str,
    licence: &'static str,
    source: &'static str,
}

/// Makes everything.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let data = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--data", data] => PathBuf::from(data),
        ["--guards", data] => return guards(Path::new(data)),
        ["--help" | "-h"] => {
            println!("{HELP}");
            return Ok(());
        }
        _ => bail!("`intel` needs `--data DIR` or `--guards DIR`\n\n{HELP}"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ranges_json = read(&data, "feeds/aws-ip-ranges-2025-07.json.gz")?;
    let ranges = CloudRanges::from_json(ranges_json.as_bytes())?;
    write_compressed(&root, "crates/knowledge/data/aws-ranges.bin", &ranges.to_table())?;

    let lists: Vec<String> = lists(&data, &ranges)?.iter().map(ShippedList::text).collect();
    let text = lists.join(default_lists::SEPARATOR);
    write_compressed(&root, "crates/knowledge/data/default-lists.bin", &text)?;
    let lists: Vec<_> = default_lists::lists(text.as_bytes()).collect();
    write_page(&root, &default_lists::provenance_page(&lists, &default_lists::guards()))
}

/// Makes the guards.
fn guards(data: &Path) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guards = [
        warning_list(data, "majestic_million", "CC-BY-3.0")?,
        warning_list(data, "cloudflare", WARNING_LISTS_LICENCE)?,
        warning_list(data, "fastly", WARNING_LISTS_LICENCE)?,
        resolvers(data)?,
        shared_services(&CloudRanges::shipped())?,
    ];
    let text = guards.join(default_lists::SEPARATOR);
    write_compressed(&root, "crates/knowledge/data/guards.bin", &text)?;
    let guards: Vec<_> = default_lists::lists(text.as_bytes()).collect();
    write_page(&root, &default_lists::provenance_page(&default_lists::load(), &guards))
}

fn write_page(root: &Path, page: &str) -> anyhow::Result<()> {
    std::fs::write(root.join("docs/threat-lists.md"), page).context("could not write docs/threat-lists.md")
}

const WARNING_LISTS: &str = "https://github.com/MISP/misp-warninglists";
const WARNING_LISTS_LICENCE: &str = "CC0-1.0";

/// One of MISP's warning lists as a guard. What is no name or range that we would match is left out.
fn warning_list(data: &Path, folder: &str, licence: &str) -> anyhow::Result<String> {
    let read = read_warning_list(data, folder)?;
    let entries: BTreeSet<String> = read.entries.iter().map(|entry| entry.indicator.to_string()).collect();
    Ok(guard_text(&read.name, &read.version, licence, WARNING_LISTS, entries.into_iter()))
}

fn read_warning_list(data: &Path, folder: &str) -> anyhow::Result<IndicatorList> {
    let text = read(data, &format!("lists/{folder}/list.json"))?;
    let defaults = IndicatorList::new(folder, ListKind::Malicious);
    let read = lists::read(text.as_bytes(), Some(&ListFormat::MispWarningList), &defaults).list;
    if read.entries.is_empty() {
        bail!("the warning list `{folder}` is empty");
    }
    Ok(read)
}

/// The resolvers of large operators, as far as MISP knows them as public resolvers. Its whole list would guard what
/// attackers abuse: it holds every machine that was found to answer strangers.
fn resolvers(data: &Path) -> anyhow::Result<String> {
    let lists = [read_warning_list(data, "public-dns-v4")?, read_warning_list(data, "public-dns-v6")?];
    let operators: Vec<IpNet> = RESOLVERS.iter().filter_map(|network| network.parse().ok()).collect();
    let is_operators = |indicator: &Indicator| match indicator {
        Indicator::Network(network) => operators.iter().any(|operator| operator.contains(network)),
        _ => false,
    };
    let indicators = lists.iter().flat_map(|list| list.entries.iter()).map(|entry| entry.indicator);
    let entries: BTreeSet<Indicator> = indicators.filter(is_operators).collect();
    let entries = entries.iter().map(ToString::to_string);
    Ok(guard_text("Public resolvers", &lists[0].version, WARNING_LISTS_LICENCE, WARNING_LISTS, entries))
}

/// Ranges of services behind whose addresses many customers stand at once.
fn shared_services(ranges: &CloudRanges) -> anyhow::Result<String> {
    let mut networks = Vec::new();
    for line in ranges.to_table().lines().skip(1) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [first, last, _, "CLOUDFRONT" | "S3" | "API_GATEWAY"] = fields[..] else { continue };
        match (first.parse()?, last.parse()?) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                networks.extend(ipnet::Ipv4Subnets::new(first, last, 0).map(IpNet::V4));
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                networks.extend(ipnet::Ipv6Subnets::new(first, last, 0).map(IpNet::V6));
            }
            _ => bail!("a range of two families: {line}"),
        }
    }
    let entries = IpNet::aggregate(&networks).into_iter().map(|network| Indicator::Network(network).to_string());
    let source = "https://ip-ranges.amazonaws.com/ip-ranges.json";
    Ok(guard_text("AWS shared services", ranges.date(), "none stated", source, entries))
}

fn guard_text(name: &str, date: &str, licence: &str, source: &str, entries: impl Iterator<Item = String>) -> String {
    let mut text = format!("# name: {name}\n# date: {date}\n# licence: {licence}\n# source: {source}\n");
    entries.for_each(|entry| {
        text.push_str(&entry);
        text.push('\n');
    });
    text
}

/// The lists, in the order of the page.
fn lists(data: &Path, ranges: &CloudRanges) -> anyhow::Result<Vec<ShippedList>> {
    let guard = Guard { ranges };
    let trail = |name, kind, file: &str| -> anyhow::Result<ShippedList> {
        Ok(ShippedList::new(name, kind, MALTRAIL, true, &guard, trail_entries(&read(data, file)?)))
    };
    let csv = |name, kind, file: &str, keep: fn(&str) -> bool| -> anyhow::Result<ShippedList> {
        Ok(ShippedList::new(name, kind, MALTRAIL, true, &guard, csv_entries(&read(data, file)?, keep)))
    };
    let tor = trail_entries(&read(data, "feeds/tor-exit-nodes-2024-02-27.txt")?);
    let mut lists = vec![
        csv("maltrail malware", ListKind::C2, "maltrail/malware-indicators.csv.gz", is_server_of_attackers)?,
        trail("maltrail crypto mining", ListKind::Mining, "maltrail/crypto_mining.txt")?,
        csv("maltrail sinkholes", ListKind::BlackHole, "maltrail/sinkholes.csv.gz", |_| true)?,
        trail("maltrail rogue DNS", ListKind::Malicious, "maltrail/rogue_dns.txt")?,
        trail("maltrail mass scanners", ListKind::Scanner, "maltrail/mass_scanner.txt.gz")?.with_owners(),
        trail("maltrail dynamic DNS", ListKind::AbusedReputation, "maltrail/dynamic_domain.txt")?,
        ShippedList::new("Tor exit nodes", ListKind::TorExit, TOR, false, &guard, tor.clone()),
        // An exit is a relay too. Guards and middle relays are not in this source.
        ShippedList::new("Tor exit nodes as relays", ListKind::TorRelay, TOR, false, &guard, tor),
        ShippedList::new(
            "ipsum level 5",
            ListKind::Malicious,
            IPSUM,
            false,
            &guard,
            trail_entries(&read(data, "feeds/ipsum-level5.txt")?),
        ),
    ];
    lists.extend(tester_lists(&read(data, "guardduty-tester-definitions.csv")?, &guard));
    Ok(lists)
}

/// Groups of maltrail's malware trails that do not name a server under an attacker's control: hosts that scan for a
/// vulnerability, and pages through which a legitimate package or site was abused.
fn is_server_of_attackers(family: &str) -> bool {
    !family.starts_with("hacked_")
        && !matches!(family, "generic_log4shell" | "generic_proxynotshell" | "generic_cwprce" | "elf_sshscan")
        && !family.ends_with("_malrepos")
}

/// An entry as its source has it, and what the source says about it.
type RawEntry = (String, String);

/// Lines of a trail: `entry`, `entry:port`, `http://entry/path`, each perhaps with `# comment`.
fn trail_entries(text: &str) -> Vec<RawEntry> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
            (entry.trim().to_owned(), comment.trim().to_owned())
        })
        .collect()
}

/// Rows of a CSV whose first field is the entry and whose last is its family.
fn csv_entries(text: &str, keep: impl Fn(&str) -> bool) -> Vec<RawEntry> {
    let rows = text.lines().skip(1).filter_map(|row| {
        let (entry, rest) = row.split_once(',')?;
        Some((entry.to_owned(), rest.rsplit(',').next().unwrap_or_default().to_owned()))
    });
    rows.filter(|(_, family)| keep(family)).collect()
}

/// The domains of the vendor's own tester, one list for each kind: it must find in us what it finds in GuardDuty.
fn tester_lists(csv: &str, guard: &Guard<'_>) -> Vec<ShippedList> {
    let mut by_kind = BTreeMap::<ListKind, BTreeSet<String>>::new();
    for row in csv.lines().skip(1) {
        let fields: Vec<_> = row.split(',').collect();
        if let [finding_type, _, _, _, domain, ..] = fields[..]
            && !domain.is_empty()
            && let Some(kind) = tester_kind(finding_type)
        {
            by_kind.entry(kind).or_default().insert(domain.to_owned());
        }
    }
    for (kind, domain) in PUBLISHED_TEST_DOMAINS {
        by_kind.entry(kind).or_default().insert(domain.to_owned());
    }
    let list = |(kind, domains): (ListKind, BTreeSet<String>)| {
        let entries = domains.into_iter().map(|domain| (domain, String::new())).collect();
        ShippedList::new(&format!("GuardDuty tester {kind}"), kind, TESTER, false, guard, entries)
    };
    by_kind.into_iter().map(list).collect()
}

/// Names that GuardDuty's guide gives for trying a finding type by hand, and that the tester does not ask for itself.
const PUBLISHED_TEST_DOMAINS: [(ListKind, &str); 1] = [(ListKind::C2, "guarddutyc2activityb.com")];

fn tester_kind(finding_type: &str) -> Option<ListKind> {
    let family = finding_type.split('/').nth(1)?;
    Some(match family {
        "C&CActivity.B!DNS" => ListKind::C2,
        "BitcoinTool.B!DNS" => ListKind::Mining,
        "AbusedDomainRequest.Reputation" => ListKind::AbusedReputation,
        "BitcoinDomainRequest.Reputation" => ListKind::MiningReputation,
        "MaliciousDomainRequest.Reputation" => ListKind::MaliciousReputation,
        "SuspiciousDomainRequest.Reputation" => ListKind::SuspiciousReputation,
        "DropPoint!DNS" => ListKind::DropPoint,
        "BlackholeTraffic!DNS" => ListKind::BlackHole,
        "PhishingDomainRequest!DNS" => ListKind::Phishing,
        "DriveBySourceTraffic!DNS" => ListKind::DriveBy,
        "DGADomainRequest.C!DNS" => ListKind::Dga,
        _ => return None,
    })
}

/// One list as it ships.
struct ShippedList {
    name: String,
    kind: ListKind,
    origin: Origin,
    include_subdomains: bool,
    /// Each indicator once, with everything that is said about it.
    entries: BTreeMap<Indicator, BTreeSet<String>>,
}

impl ShippedList {
    fn new(
        name: &str,
        kind: ListKind,
        origin: Origin,
        include_subdomains: bool,
        guard: &Guard<'_>,
        raw: Vec<RawEntry>,
    ) -> Self {
        let mut entries = BTreeMap::<Indicator, BTreeSet<String>>::new();
        for (text, threat) in raw {
            if let Ok(indicator) = lists::indicator(host(&text))
                && guard.allows(&indicator, &text)
            {
                entries.entry(indicator).or_default().extend(Some(threat).filter(|threat| !threat.is_empty()));
            }
        }
        Self { name: name.to_owned(), kind, origin, include_subdomains, entries }
    }

    /// Names scanners by their owner's domain instead of each host's name, and joins neighbours of one owner.
    fn with_owners(mut self) -> Self {
        let mut by_owner = BTreeMap::<String, Vec<IpNet>>::new();
        let mut entries = BTreeMap::new();
        for (indicator, comments) in self.entries {
            let owner = comments.iter().next().map(|comment| owner(comment)).unwrap_or_default();
            match indicator {
                Indicator::Network(network) => by_owner.entry(owner).or_default().push(network),
                _ => drop(entries.insert(indicator, BTreeSet::from([owner]))),
            }
        }
        for (owner, networks) in by_owner {
            let threat = BTreeSet::from([owner]);
            let networks = IpNet::aggregate(&networks).into_iter().map(Indicator::Network);
            entries.extend(networks.map(|network| (network, threat.clone())));
        }
        self.entries = entries;
        self
    }

    fn text(&self) -> String {
        let Origin { date, licence, source } = self.origin;
        let subdomains = if self.include_subdomains { "yes" } else { "no" };
        let mut text = format!("# name: {}\n# kind: {}\n", self.name, self.kind);
        if !date.is_empty() {
            let _ = writeln!(text, "# date: {date}");
        }
        let _ = write!(text, "# licence: {licence}\n# source: {source}\n# subdomains: {subdomains}\n");
        for (indicator, threats) in &self.entries {
            // Three names tell what it is; some shared hosts carry a dozen.
            let threats: Vec<_> =
                threats.iter().map(String::as_str).filter(|threat| !threat.is_empty()).take(3).collect();
            let _ = match threats.is_empty() {
                true => writeln!(text, "{indicator}"),
                false => writeln!(text, "{indicator} # {}", threats.join(", ")),
            };
        }
        text
    }
}

/// The host of an entry that may have a scheme, a port or a path.
fn host(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    // `192.0.2.0/24` is a prefix, `192.0.2.1/path` is not.
    if text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() {
        return text;
    }
    let text = text.split('/').next().unwrap_or_default();
    match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host.trim_start_matches('[').trim_end_matches(']'),
        _ => text,
    }
}

/// The registered domain of a scanner's host name; another comment as it is.
fn owner(comment: &str) -> String {
    let registered = Suffixes.registered_domain(comment);
    let is_name = !comment.contains(char::is_whitespace) && !registered.is_empty();
    if is_name { registered.to_ascii_lowercase() } else { comment.to_owned() }
}

/// Keeps out what many innocent parties share: an attacker's use of it does not make it the attacker's.
struct Guard<'a> {
    ranges: &'a CloudRanges,
}

impl Guard<'_> {
    fn allows(&self, indicator: &Indicator, text: &str) -> bool {
        match indicator {
            Indicator::Network(network) => !self.is_shared(network),
            // Without its path, a page on someone's site would condemn the whole site.
            Indicator::Domain(name) => !has_path(text) && !is_shared_name(name),
            _ => true,
        }
    }

    /// Public resolvers and content delivery networks. AWS's EC2 addresses have one tenant at a time and stay.
    fn is_shared(&self, network: &IpNet) -> bool {
        let shared = RESOLVERS.iter().chain(SHARED_NETWORKS).filter_map(|shared| shared.parse::<IpNet>().ok());
        let is_shared_service = |(_, service): (&str, &str)| !matches!(service, "EC2" | "AMAZON");
        shared.into_iter().any(|shared| shared.contains(network) || network.contains(&shared))
            || self.ranges.lookup(network.addr()).is_some_and(is_shared_service)
    }
}

fn has_path(text: &str) -> bool {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    text.split_once('/').is_some_and(|(_, path)| !path.is_empty())
}

fn is_shared_name(name: &str) -> bool {
    let registered = Suffixes.registered_domain(name);
    SHARED_SERVICES.contains(&registered) || TENANT_HOSTS.contains(&name)
}

/// Services that everyone uses under the provider's own names: nothing below them is listed.
const SHARED_SERVICES: &[&str] = &[
    "amazon.com",
    "amazonaws.com",
    "apple.com",
    "archive.org",
    "awsmppl.com",
    "azure.com",
    "bing.com",
    "bit.ly",
    "bitbucket.org",
    "cloudflare.com",
    "cloudfront.net",
    "debian.org",
    "discord.com",
    "discord.gg",
    "discordapp.com",
    "dnsmadeeasy.com",
    "docker.com",
    "docker.io",
    "dropbox.com",
    "dropboxusercontent.com",
    "easydns.com",
    "facebook.com",
    "fastly.net",
    "gitee.com",
    "github.com",
    "githubusercontent.com",
    "gitlab.com",
    "gmail.com",
    "google.com",
    "googleapis.com",
    "googleusercontent.com",
    "icloud.com",
    "imgur.com",
    "instagram.com",
    "ipfs.io",
    "linkedin.com",
    "live.com",
    "mediafire.com",
    "mega.nz",
    "microsoft.com",
    "microsoftonline.com",
    "mozilla.org",
    "npmjs.org",
    "office.com",
    "office365.com",
    "onedrive.com",
    "outlook.com",
    "pastebin.com",
    "paypal.com",
    "pypi.org",
    "python.org",
    "reddit.com",
    "rubygems.org",
    "sharepoint.com",
    "skype.com",
    "slack.com",
    "sourceforge.net",
    "spotify.com",
    "stackoverflow.com",
    "steamcommunity.com",
    "t.co",
    "t.me",
    "telegram.org",
    "tinyurl.com",
    "tumblr.com",
    "twitter.com",
    "ubuntu.com",
    "vk.com",
    "whatsapp.com",
    "wikipedia.org",
    "windows.com",
    "windows.net",
    "windowsupdate.com",
    "wordpress.org",
    "x.com",
    "yahoo.com",
    "yandex.ru",
    "youtube.com",
    "zoom.us",
];

/// Hosts that give each customer a name of their own: the customer's name may be listed, the host's may not.
const TENANT_HOSTS: &[&str] = &[
    "000webhostapp.com",
    "b-cdn.net",
    "blogspot.com",
    "firebaseapp.com",
    "firebaseio.com",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "netlify.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "weebly.com",
    "wixsite.com",
    "wordpress.com",
    "workers.dev",
];

/// Networks of operators of public resolvers.
const RESOLVERS: &[&str] = &[
    "1.0.0.0/24",
    "1.1.1.0/24",
    "8.8.4.0/24",
    "8.8.8.0/24",
    "9.9.9.0/24",
    "149.112.112.0/24",
    "208.67.220.0/22",
    "77.88.8.0/24",
    "94.140.14.0/24",
    "2001:4860:4860::/48",
    "2606:4700:4700::/48",
    "2620:fe::/48",
];

/// Content delivery networks whose owners publish their ranges.
const SHARED_NETWORKS: &[&str] = &[
    // Cloudflare.
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "108.162.192.0/18",
    "131.0.72.0/22",
    "141.101.64.0/18",
    "162.158.0.0/15",
    "172.64.0.0/13",
    "173.245.48.0/20",
    "188.114.96.0/20",
    "190.93.240.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "2400:cb00::/32",
    "2606:4700::/32",
    // Fastly.
    "151.101.0.0/16",
    "199.232.0.0/16",
    "146.75.0.0/17",
    // GitHub.
    "140.82.112.0/20",
    "185.199.108.0/22",
    "192.30.252.0/22",
];

/// A file as text, decompressed if it is gzip.
fn read(data: &Path, name: &str) -> anyhow::Result<String> {
    let path = data.join(name);
    let bytes = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    if !name.ends_with(".gz") {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut text)
        .with_context(|| format!("could not decompress {}", path.display()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn write_compressed(root: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    // Made once and shipped: the slowest level is worth its time.
    let bytes = zstd::bulk::compress(text.as_bytes(), 19).with_context(|| format!("could not compress {name}"))?;
    println!("{name}: {} bytes, {} uncompressed", bytes.len(), text.len());
    std::fs::write(root.join(name), bytes).with_context(|| format!("could not write {name}"))
}

#[cfg(test)]
mod tests {
    use super::{Guard, host, owner};
    use watchfire_knowledge::{CloudRanges, lists};

    #[test]
    fn the_host_is_cut_out_of_an_entry() {
        for (entry, expected) in [
            ("198.51.100.7:3333", "198.51.100.7"),
            ("http://198.51.100.7/x", "198.51.100.7"),
            ("example.com/x/y.php", "example.com"),
            ("example.com:8080", "example.com"),
            ("198.51.100.0/24", "198.51.100.0/24"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
        ] {
            assert_eq!(host(entry), expected);
        }
    }

    #[test]
    fn a_scanner_is_named_after_its_owner() {
        assert_eq!(owner("scan-16e.shadowserver.org"), "shadowserver.org");
        assert_eq!(owner("ANSSI"), "ANSSI");
    }

    #[test]
    fn what_everyone_shares_is_kept_out() {
        let guard = Guard { ranges: &CloudRanges::shipped() };
        let allows = |text: &str| guard.allows(&lists::indicator(host(text)).unwrap(), text);
        assert!(!allows("raw.githubusercontent.com") && !allows("evil.s3.amazonaws.com") && !allows("pages.dev"));
        assert!(!allows("1.1.1.1") && !allows("104.21.7.8:443") && !allows("blog.example.com/path"));
        assert!(allows("evil.pages.dev") && allows("evil.example.com") && allows("198.51.100.7:443"));
    }
}
