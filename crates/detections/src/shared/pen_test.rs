//! Distributions for penetration tests, as user agents name them.

use crate::Context;
use crate::shared::call;
use watchfire_model::{ApiCall, CallCategory, FindingType, Severity, Signal};

/// A Linux distribution made for penetration tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PenTestDistribution {
    /// Kali Linux.
    Kali,
    /// Parrot Security.
    Parrot,
    /// Pentoo.
    Pentoo,
}

impl PenTestDistribution {
    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kali => "Kali Linux",
            Self::Parrot => "Parrot Linux",
            Self::Pentoo => "Pentoo Linux",
        }
    }

    const fn marker(self) -> &'static str {
        match self {
            Self::Kali => "kali",
            Self::Parrot => "parrot",
            Self::Pentoo => "pentoo",
        }
    }

    /// The distribution that this user agent was made on.
    ///
    /// The AWS CLI v2 and current SDKs write `md/distrib#kali.2025`; older ones write the kernel's release, as in
    /// `Boto3/1.20 Python/3.9 Linux/5.15.0-kali3-amd64`. The marker must stand in one of these two places: a role or a
    /// product that merely has the name inside is not the operating system. Source: the vendor's own tester for the
    /// first form; `suggestedRule` of the catalogue for the second.
    pub fn of_agent(agent: &str) -> Option<Self> {
        let tokens = agent.split([' ', ';', '(', ')', '[', ']', ',']);
        tokens.filter_map(system_token).find_map(|system| {
            [Self::Kali, Self::Parrot, Self::Pentoo]
                .into_iter()
                .find(|distribution| names(system, distribution.marker()))
        })
    }
}

/// Reports a management call made on this distribution.
///
/// Evidence: the user agent names the distribution as the system it ran on, and the caller held credentials. An agent
/// can be forged, but nobody pretends to be an attacker; the reverse, a hidden distribution, is not seen. Data events
/// of S3 have their own types, and other data events are not looked at.
///
/// False positives: an agreed penetration test, and colleagues who work on such a system. The finding names the
/// credentials: ask their owner.
pub(crate) fn report_management(
    distribution: PenTestDistribution,
    finding_type: FindingType,
    event: &ApiCall<'_>,
    context: &Context<'_>,
    signals: &mut Vec<Signal>,
) {
    if event.category != CallCategory::Management || !is_evidence(distribution, event) {
        return;
    }
    let mut signal = call::signal(finding_type, Severity::MEDIUM, event, context);
    let (name, caller) = (distribution.name(), call::caller(event));
    signal.title = format!("API {} was called from a computer that runs {name}.", event.name);
    signal.description =
        format!("{caller} called {} from a computer that runs {name}, a system for penetration tests.", event.action());
    explain(&mut signal, distribution, event);
    signals.push(signal);
}

/// Reports a call to the data plane of S3 made on this distribution.
///
/// Evidence: the user agent names the distribution as the system it ran on, and the caller held credentials. An agent
/// can be forged, but nobody pretends to be an attacker; the reverse, a hidden distribution, is not seen. Management
/// calls have types of their own.
///
/// False positives: an agreed penetration test, and colleagues who work on such a system. The finding names the
/// credentials: ask their owner.
pub(crate) fn report_s3_data(
    distribution: PenTestDistribution,
    finding_type: FindingType,
    event: &ApiCall<'_>,
    context: &Context<'_>,
    signals: &mut Vec<Signal>,
) {
    if !event.is_s3_data() || !is_evidence(distribution, event) {
        return;
    }
    let mut signal = call::s3_data_signal(finding_type, Severity::MEDIUM, event, context);
    let (name, caller) = (distribution.name(), call::caller(event));
    signal.title = format!("API {} was called on a bucket from a computer that runs {name}.", event.name);
    signal.description = format!(
        "{caller} called {} on bucket `{}` from a computer that runs {name}, a system for penetration tests.",
        event.action(),
        call::bucket_name(event)
    );
    explain(&mut signal, distribution, event);
    signals.push(signal);
}

fn is_evidence(distribution: PenTestDistribution, event: &ApiCall<'_>) -> bool {
    PenTestDistribution::of_agent(&event.user_agent) == Some(distribution)
        && call::proves_credentials(event)
        && !call::is_by_service(event)
}

fn explain(signal: &mut Signal, distribution: PenTestDistribution, event: &ApiCall<'_>) {
    let reason = format!(
        "{} called {} {}, and its user agent `{}` says that it ran on {}.",
        call::caller(event),
        event.action(),
        call::origin(event),
        event.user_agent,
        distribution.name()
    );
    signal.reasons.insert(0, reason);
    signal.reasons.push(call::outcome(event));
}

/// The part of a token that names the system it ran on.
fn system_token(token: &str) -> Option<&str> {
    let lower = |prefix: &str| {
        token
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            .then(|| &token[prefix.len()..])
    };
    lower("md/distrib#")
        .or_else(|| lower("distrib/"))
        .or_else(|| lower("Linux/"))
        .or_else(|| lower("os/linux#"))
        .or_else(|| lower("os/"))
}

/// Whether the marker stands in the text as a word of its own or at the start of one (`kali3`).
fn names(text: &str, marker: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(marker).any(|(at, _)| {
        let before = lower[..at].bytes().next_back();
        let after = lower[at + marker.len()..].bytes().next();
        !before.is_some_and(|byte| byte.is_ascii_alphabetic()) && !after.is_some_and(|byte| byte.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::PenTestDistribution::{self, Kali, Parrot, Pentoo};

    #[test]
    fn the_distribution_is_read_from_where_the_system_stands() {
        let of = PenTestDistribution::of_agent;
        assert_eq!(
            of("aws-cli/2.15.0 md/awscrt#0.19.19 ua/2.0 os/linux#6.5.0 md/arch#x86_64 md/distrib#kali.2025"),
            Some(Kali)
        );
        assert_eq!(of("Boto3/1.20.0 Python/3.9.2 Linux/5.15.0-kali3-amd64 Botocore/1.23.0"), Some(Kali));
        assert_eq!(of("aws-cli/2.1 md/distrib#parrot.6"), Some(Parrot));
        assert_eq!(of("aws-cli/1.22.34 Python/3.9 Linux/5.10.0-pentoo botocore/1.27"), Some(Pentoo));
    }

    #[test]
    fn a_name_elsewhere_is_no_distribution() {
        for agent in [
            "parrot-deploy/1.0",
            "aws-cli/2.15.0 md/distrib#ubuntu.22",
            "app/kalihari os/linux#5.1",
            "os/linux#5.1-kalibrate",
            "",
        ] {
            assert_eq!(PenTestDistribution::of_agent(agent), None, "{agent}");
        }
    }
}
