//! Where a registered domain begins, by the public suffix list.

use watchfire_model::KnowledgeUsed;

/// The public suffix list's ICANN section, compiled into the program.
///
/// Its private section is left out on purpose: there `s3.amazonaws.com`, `github.io` and `duckdns.org` are suffixes,
/// and each of their customers would be a registered domain of its own. GuardDuty's `domainWithSuffix` and the rules
/// that count names under one domain mean what was bought from a registry: `amazonaws.com`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Suffixes;

impl Suffixes {
    /// The registered domain: the public suffix and one label more. Empty for a suffix alone, a single label or no name.
    ///
    /// Keeps the spelling of `name`, without a trailing dot. A top-level name that the list does not know counts as a
    /// suffix, so that `db.corp.internal` gives `corp.internal`.
    pub fn registered_domain<'a>(&self, name: &'a str) -> &'a str {
        let name = name.strip_suffix('.').unwrap_or(name);
        let Some((suffix, _)) = suffix_length(name) else { return "" };
        let Some(below) = name.len().checked_sub(suffix + 1).and_then(|end| name.get(..end)) else { return "" };
        let label = below.rsplit('.').next().unwrap_or_default();
        if label.is_empty() { "" } else { &name[below.len() - label.len()..] }
    }

    /// Whether the list has this name as a suffix under which anyone may register, such as `com` or `co.uk`.
    pub fn is_suffix(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        suffix_length(name) == Some((name.len(), true))
    }

    /// The list's version: that of the crate which carries it.
    pub(crate) fn used_version(&self) -> KnowledgeUsed {
        KnowledgeUsed { name: "Public Suffix List".into(), kind: "public-suffixes".into(), version: PSL_VERSION.into() }
    }
}

/// The release line of the crate that carries the list and follows it almost daily.
const PSL_VERSION: &str = "psl 2.1";

/// Length of the ICANN suffix of a name without trailing dot, and whether the list has it (or it is a mere last label).
fn suffix_length(name: &str) -> Option<(usize, bool)> {
    // The compiled list knows lower case only. A name longer than DNS allows has no registered domain.
    let mut lower = [0u8; 255];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    let mut rest: &[u8] = lower;
    loop {
        let suffix = psl::suffix(rest)?;
        if suffix.typ() != Some(psl::Type::Private) {
            return Some((suffix.as_bytes().len(), suffix.is_known()));
        }
        // Ask again above the private suffix: `s3.amazonaws.com`, then `amazonaws.com`, gives `com`.
        let bytes = suffix.as_bytes();
        let dot = bytes.iter().position(|&byte| byte == b'.')?;
        rest = &lower[lower.len() - (bytes.len() - dot - 1)..];
    }
}

#[cfg(test)]
mod tests {
    use super::Suffixes;
    use proptest::prelude::*;

    fn check(name: &str, registered: &str) {
        assert_eq!(Suffixes.registered_domain(name), registered, "{name}");
    }

    #[test]
    fn the_registered_domain_is_one_label_below_the_suffix() {
        check("www.example.co.uk", "example.co.uk");
        check("example.com", "example.com");
        check("A.B.Example.COM.", "Example.COM");
        check("db.corp.internal", "corp.internal");
        check("xn--bcher-kva.example.de", "example.de");
    }

    #[test]
    fn customers_of_a_hoster_share_its_domain() {
        check("bucket.s3.amazonaws.com", "amazonaws.com");
        check("ec2-198-51-100-1.eu-west-1.compute.amazonaws.com", "amazonaws.com");
        check("user.github.io", "github.io");
        check("host.duckdns.org", "duckdns.org");
    }

    #[test]
    fn a_suffix_has_no_registered_domain() {
        for name in ["", ".", "com", "com.", "co.uk", "localhost", ".com", "..", "a..com"] {
            check(name, "");
        }
        assert!(Suffixes.is_suffix("co.uk") && !Suffixes.is_suffix("s3.amazonaws.com"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_with_its_own_tail(name in "[a-zA-Zü.\\-]{0,40}|.{0,300}") {
            let registered = Suffixes.registered_domain(&name);
            prop_assert!(name.strip_suffix('.').unwrap_or(&name).ends_with(registered));
        }
    }
}
