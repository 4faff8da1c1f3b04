//! The threat lists that ship in the program.
//!
//! `cargo run -p xtask -- intel --data DIR` makes `data/default-lists.bin` from the sources that `docs/threat-lists.md` names:
//! the lists in the [plain text form](crate::lists::txt), one behind the other with [`SEPARATOR`] between them,
//! compressed with zstd. So what ships can be read with `zstd -dc`, and it passes the same checks as a user's list.
//! `data/guards.bin` has the same form: `cargo run -p xtask -- intel --guards DIR` makes it from MISP's warning lists.

use crate::indicators::{IndicatorList, ListOrigin};
use crate::lists::txt;
use watchfire_model::ListKind;

/// Stands between two lists in the uncompressed form. No list can hold it: it is a comment that no header uses.
pub const SEPARATOR: &str = "#---\n";

/// The uncompressed size that is accepted, in bytes: well above what ships, so that a damaged file cannot ask for more.
pub const UNCOMPRESSED_BYTES_MAX: usize = 16 << 20;

const BLOB: &[u8] = include_bytes!("../data/default-lists.bin");
const GUARDS: &[u8] = include_bytes!("../data/guards.bin");

/// Reads the lists that ship. Costs some milliseconds: call it once.
pub fn load() -> Vec<IndicatorList> {
    // The blob is part of the program and a test reads all of it, so it cannot be damaged in a build that passed.
    let text = zstd::bulk::decompress(BLOB, UNCOMPRESSED_BYTES_MAX).unwrap_or_default();
    lists(&text).collect()
}

/// Reads lists in the uncompressed form.
pub fn lists(text: &[u8]) -> impl Iterator<Item = IndicatorList> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let lists = text.split(SEPARATOR).filter(|list| !list.is_empty());
    lists.map(|list| {
        let mut list = txt::parse(list.as_bytes(), &IndicatorList::new("", ListKind::Malicious)).list;
        list.origin = ListOrigin::Public;
        list.confidence = confidence(list.kind);
        list
    })
}

/// Reads the guards that ship: the most visited sites, content delivery networks, public resolvers, AWS's shared services.
pub fn guards() -> Vec<IndicatorList> {
    let text = zstd::bulk::decompress(GUARDS, UNCOMPRESSED_BYTES_MAX).unwrap_or_default();
    lists(&text).collect()
}

/// How likely an entry of a public list of this kind is right, in percent, if nobody says otherwise.
///
/// Curated lists of servers .9, vendors .7, community lists .5, scanners .3: a scanner is a fact, and no attack.
/// Source: design, "Threat-intelligence matching"; Tor's own list of its relays counts as curated.
const fn confidence(kind: ListKind) -> u8 {
    match kind {
        ListKind::C2 | ListKind::TorExit | ListKind::TorRelay | ListKind::BlackHole | ListKind::Dga => 90,
        ListKind::Phishing | ListKind::DropPoint | ListKind::DriveBy | ListKind::LeakedKey => 90,
        ListKind::Mining | ListKind::Malicious => 70,
        ListKind::AbusedReputation | ListKind::MiningReputation => 50,
        ListKind::MaliciousReputation | ListKind::SuspiciousReputation | ListKind::Custom => 50,
        ListKind::Scanner => 30,
    }
}

/// The page `docs/threat-lists.md`: where each list comes from. `cargo run -p xtask -- intel` writes it, a test compares it.
pub fn provenance_page(lists: &[IndicatorList], guards: &[IndicatorList]) -> String {
    let mut page = String::from(PAGE_HEAD);
    for list in lists {
        let IndicatorList { name, kind, version, licence, source, entries, .. } = list;
        page += &format!("| {name} | `{kind}` | {} | {version} | {licence} | {source} |\n", entries.len());
    }
    page += PAGE_GUARDS;
    for IndicatorList { name, version, licence, source, entries, .. } in guards {
        page += &format!("| {name} | {} | {version} | {licence} | {source} |\n", entries.len());
    }
    page += PAGE_TAIL;
    page
}

const PAGE_HEAD: &str = "\
# Threat lists that ship in the program

Made by `cargo run -p xtask -- intel`; a test checks that this page matches the program. A finding names the list that matched.
The lists age: give fresh ones of your own, and your own trusted list wins over all of them.

| list | kind | entries | date | licence | source |
| --- | --- | ---: | --- | --- | --- |
";

const PAGE_GUARDS: &str = "
## Guards

What so many use that a public list which names it is likelier wrong than right; what that means stands in
[lists.md](lists.md). A guard is no trusted list: a list of your own that names an entry still makes findings. Names of sites
are exact: what customers put below them is not covered.

| guard | entries | date | licence | source |
| --- | ---: | --- | --- | --- |
";

const PAGE_TAIL: &str = "
The sites are the first ten thousand of the Majestic Million (https://majestic.com/reports/majestic-million), in
alphabetical order and without names that are public suffixes, as MISP's warning lists have them; those are CC0-1.0.
The resolvers are those of large operators, each of which MISP's list of public resolvers confirms; the list as a whole
also holds thousands of machines that answer by mistake. AWS's shared services are the ranges of CloudFront, S3 and API
Gateway. EC2 addresses have one tenant at a time and are guarded by nothing.

## Changes on the way in

Ports and paths were cut from entries of the threat lists, entries that name shared hosting or other
popular services were dropped, and so were addresses that are not publicly routable, repetitions, and a few groups of
maltrail's malware trails that describe scanning or a leaked page rather than a server under an attacker's control.

AWS's address ranges (`aws-ranges`) are a table derived from the `ip-ranges.json` that AWS publishes.
The public suffix list is the one in the crate `psl`.

## Notices

The lists named maltrail are Copyright (c) 2014-present Maltrail developers
(https://github.com/stamparm/maltrail/) and used under the MIT licence, as are the Tor lists of SecOps-Institute:

> Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
> documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the
> rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
> persons to whom the Software is furnished to do so, subject to the following conditions:
>
> The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
> Software.
>
> THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
> WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
> COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
> OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
";

#[cfg(test)]
mod tests {
    use super::{guards, load, provenance_page};
    use crate::{IndicatorsBuilder, Knowledge, ListRole};
    use watchfire_model::ListKind;

    #[test]
    fn every_list_says_what_it_is_and_where_it_comes_from() {
        let lists = load();
        assert!(lists.len() >= 10, "{}", lists.len());
        let guards = guards();
        assert_eq!(guards.len(), 5);
        for list in lists.iter().chain(&guards) {
            assert!(!list.entries.is_empty(), "{}", list.name);
            // The tester's definitions bear no date; its domains do not age.
            let version = if list.name.starts_with("GuardDuty tester") { &list.name } else { &list.version };
            for text in [&list.name, version, &list.licence, &list.source] {
                assert!(!text.is_empty(), "{}", list.name);
            }
        }
    }

    #[test]
    fn no_shipped_entry_is_refused() {
        for blob in [super::BLOB, super::GUARDS] {
            let text = zstd::bulk::decompress(blob, super::UNCOMPRESSED_BYTES_MAX).unwrap();
            let text = std::str::from_utf8(&text).unwrap();
            for list in text.split(super::SEPARATOR) {
                let defaults = crate::IndicatorList::new("", ListKind::Malicious);
                let parsed = crate::lists::txt::parse(list.as_bytes(), &defaults);
                assert_eq!(parsed.rejected, [], "{}", parsed.list.name);
            }
        }
    }

    #[test]
    fn guards_cover_what_many_share_and_no_single_server() {
        let knowledge = Knowledge::shipped();
        let at = watchfire_model::Time::parse_lenient("2026-01-01").unwrap();
        let is_guarded = |ip: &str| {
            let coverage = knowledge.indicators.ip_coverage(ip.parse().unwrap(), at);
            coverage.iter().any(|found| found.role == ListRole::Guard)
        };
        // A resolver, Cloudflare, Fastly, S3; an EC2 address and a hoster's.
        assert_eq!(["8.8.8.8", "104.16.1.1", "151.101.1.1", "52.216.1.1"].map(is_guarded), [true; 4]);
        assert_eq!(["18.130.1.1", "45.33.32.156"].map(is_guarded), [false, false]);
        let names = ["github.com", "wikipedia.org", "evil.github.io", "bad.example.com"];
        let is_name_guarded = |name: &str| {
            knowledge.indicators.domain_coverage(name, at).iter().any(|found| found.role == ListRole::Guard)
        };
        assert_eq!(names.map(is_name_guarded), [true, true, false, false]);
    }

    #[test]
    fn the_page_matches_the_program() {
        let page = include_str!("../../../docs/threat-lists.md");
        assert_eq!(page, provenance_page(&load(), &guards()), "run `cargo run -p xtask -- intel --data DIR`");
    }

    #[test]
    fn the_test_domains_of_the_guardduty_tester_are_listed() {
        let knowledge = Knowledge::shipped();
        let check = |name: &str, kind: ListKind| assert_ne!(knowledge.domain_kinds(name) & kind.bit(), 0, "{name}");
        check("c2.guarddutyc2activityb.com", ListKind::C2);
        check("guarddutyc2activityb.com", ListKind::C2);
        check("crypto.guarddutyc2activityb.com", ListKind::Mining);
        check("abused-rep.guarddutyc2activityb.com", ListKind::AbusedReputation);
        check("crypto-rep.guarddutyc2activityb.com", ListKind::MiningReputation);
        check("malicious-rep.guarddutyc2activityb.com", ListKind::MaliciousReputation);
        check("suspicious-rep.guarddutyc2activityb.com", ListKind::SuspiciousReputation);
        check("guarddutydroppointactivity.com", ListKind::DropPoint);
        check("guarddutyblackholeactivity.com", ListKind::BlackHole);
        check("guarddutyphishingactivity.com", ListKind::Phishing);
        check("guarddutydrivebyactivity.com", ListKind::DriveBy);
        check("guarddutydgaactivity.com", ListKind::Dga);
    }

    #[test]
    fn popular_services_are_on_no_list() {
        let mut builder = IndicatorsBuilder::default();
        load().into_iter().for_each(|list| {
            builder.add(list);
        });
        let indicators = builder.build();
        for name in [
            "github.com",
            "raw.githubusercontent.com",
            "dropbox.com",
            "pastebin.com",
            "s3.amazonaws.com",
            "sts.us-east-1.amazonaws.com",
            "google.com",
            "www.google.com",
            "storage.googleapis.com",
            "discord.com",
            "cdn.discordapp.com",
            "api.telegram.org",
            "login.microsoftonline.com",
            "onedrive.live.com",
            "apple.com",
            "registry.npmjs.org",
            "pypi.org",
            "deb.debian.org",
            "archive.ubuntu.com",
            "cloudflare.com",
            "d1.cloudfront.net",
            "checkip.amazonaws.com",
            "hub.docker.com",
            "registry-1.docker.io",
            "slack.com",
            "facebook.com",
            "wikipedia.org",
        ] {
            assert_eq!(indicators.domain_matches(name), [], "{name}");
        }
        for ip in ["1.1.1.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "208.67.222.222", "2606:4700:4700::1111"] {
            assert_eq!(indicators.ip_matches(ip.parse().unwrap()), [], "{ip}");
        }
    }
}
