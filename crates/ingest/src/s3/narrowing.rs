//! Which prefixes of AWS's key layouts may hold what is wanted.

use crate::origin::{is_account, is_organization, is_region};
use jiff::civil::Date;

/// What a scan wants, as far as keys can tell. Empty or `None`: everything.
#[derive(Clone, Debug, Default)]
pub struct Narrowing {
    /// Records from this day on.
    pub from: Option<Date>,
    /// Records up to this day, and on it.
    pub to: Option<Date>,
    /// Records of these accounts.
    pub accounts: Vec<String>,
    /// Records of these regions.
    pub regions: Vec<String>,
}

/// What to do with a prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    /// Nothing below is wanted.
    Skip,
    /// Look at the prefixes one level below.
    Descend,
    /// List all that is below.
    All,
}

/// A key is named after the day of delivery. Records are of that day or some hours before; a day more for late ones.
const DAYS_LATE: i32 = 2;
/// Levels above `AWSLogs` that are looked at one by one; whoever nests deeper has the whole prefix listed.
const LEVELS_ABOVE_MAX: usize = 4;

impl Narrowing {
    fn is_everything(&self) -> bool {
        self.from.is_none() && self.to.is_none() && self.accounts.is_empty() && self.regions.is_empty()
    }

    /// What to do with this prefix, or whether an object of this key is wanted ([`Decision::Skip`]: it is not).
    pub(super) fn decide(&self, prefix: &str) -> Decision {
        if self.is_everything() {
            return Decision::All;
        }
        let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        let Some(start) = parts.iter().rposition(|part| *part == "AWSLogs") else {
            return if parts.len() < LEVELS_ABOVE_MAX { Decision::Descend } else { Decision::All };
        };
        let place = Place::read(&parts[start + 1..]);
        // In a shared network a flow record names the owner of the interface, its key the owner of the network.
        let is_flow = place.service == "vpcflowlogs";
        // Calls of global services say us-east-1, and until November 2021 lay with the trails of every region.
        let may_be_global =
            place.service.starts_with("CloudTrail") && self.regions.iter().any(|one| one == "us-east-1");
        if !place.service.is_empty() && !is_flow && !is_among(place.account, &self.accounts)
            || !may_be_global && !is_among(place.region, &self.regions)
            || place.days().is_some_and(|days| !self.wants(days))
        {
            return Decision::Skip;
        }
        let is_narrow = place.day.is_some() || (self.from.is_none() && self.to.is_none() && !place.region.is_empty());
        if is_narrow { Decision::All } else { Decision::Descend }
    }

    fn wants(&self, (first, last): (Date, Date)) -> bool {
        let day = jiff::Span::new().days(1);
        let late = jiff::Span::new().days(DAYS_LATE);
        let begins = self.from.is_none_or(|from| last.saturating_add(day) >= from);
        let ends = self.to.is_none_or(|to| first <= to.saturating_add(late));
        begins && ends
    }
}

fn is_among(value: &str, wanted: &[String]) -> bool {
    value.is_empty() || wanted.is_empty() || wanted.iter().any(|one| one == value)
}

/// What the folders below `AWSLogs` say, as far as they are there.
#[derive(Default)]
struct Place<'a> {
    account: &'a str,
    service: &'a str,
    region: &'a str,
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
}

impl<'a> Place<'a> {
    fn read(parts: &[&'a str]) -> Self {
        let mut place = Self::default();
        for part in parts {
            let value = |key: &str| part.strip_prefix(key);
            if let Some(account) = value("aws-account-id=") {
                place.account = account;
            } else if let Some(service) = value("aws-service=") {
                place.service = service;
            } else if let Some(region) = value("aws-region=") {
                place.region = region;
            } else if place.account.is_empty() {
                if is_account(part) {
                    place.account = part;
                } else if !is_organization(part) {
                    break;
                }
            } else if place.service.is_empty() {
                place.service = part;
            } else if place.region.is_empty() && is_region(part) {
                place.region = part;
            } else {
                place.read_date(value("year=").or(value("month=")).or(value("day=")).unwrap_or(part));
            }
        }
        place
    }

    fn read_date(&mut self, part: &str) {
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        match (part.len(), self.year, self.month, self.day) {
            (4, None, ..) if is_number => self.year = part.parse().ok(),
            (1 | 2, Some(_), None, _) if is_number => self.month = part.parse().ok(),
            (1 | 2, Some(_), Some(_), None) if is_number => self.day = part.parse().ok(),
            _ => {}
        }
    }

    /// The first and last day that lie below.
    fn days(&self) -> Option<(Date, Date)> {
        let year = self.year?;
        let first = Date::new(year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
        let last = match (self.month, self.day) {
            (_, Some(_)) => first,
            (Some(_), None) => first.last_of_month(),
            (None, None) => first.last_of_year(),
        };
        Some((first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn march() -> Narrowing {
        Narrowing {
            from: Some(jiff::civil::date(2026, 3, 10)),
            to: Some(jiff::civil::date(2026, 3, 12)),
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["eu-west-1".to_owned()],
        }
    }

    #[track_caller]
    fn check(prefix: &str, expected: Decision) {
        assert_eq!(march().decide(prefix), expected, "{prefix}");
    }

    #[test]
    fn only_the_wanted_account_region_and_days_are_listed() {
        for (prefix, expected) in [
            ("", Decision::Descend),
            ("logs/AWSLogs", Decision::Descend),
            ("AWSLogs/o-abc123", Decision::Descend),
            ("AWSLogs/o-abc123/111122223333/CloudTrail/eu-west-1", Decision::Descend),
            ("AWSLogs/444455556666/CloudTrail", Decision::Skip),
            ("AWSLogs/111122223333/CloudTrail/us-east-1", Decision::Skip),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2025", Decision::Skip),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026", Decision::Descend),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02", Decision::Skip),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03", Decision::Descend),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/08", Decision::Skip),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/09", Decision::All),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/14", Decision::All),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/15", Decision::Skip),
            ("AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b2c3d/2026/03/10", Decision::All),
            (
                "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=03/day=11",
                Decision::All,
            ),
            (
                "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=05",
                Decision::Skip,
            ),
        ] {
            check(prefix, expected);
        }
    }

    #[test]
    fn flow_logs_of_a_shared_network_lie_with_its_owner() {
        check("AWSLogs/444455556666/vpcflowlogs/eu-west-1/2026/03/10", Decision::All);
        check("AWSLogs/444455556666/vpcdnsquerylogs/vpc-1/2026/03/10", Decision::Skip);
    }

    #[test]
    fn calls_of_global_services_may_lie_with_any_region() {
        let narrowing = Narrowing { regions: vec!["us-east-1".to_owned()], ..Narrowing::default() };
        assert_eq!(narrowing.decide("AWSLogs/111122223333/CloudTrail/eu-west-1"), Decision::All);
        assert_eq!(narrowing.decide("AWSLogs/111122223333/vpcflowlogs/eu-west-1"), Decision::Skip);
    }

    #[test]
    fn other_layouts_are_listed_whole() {
        check("a/b/c/d/e", Decision::All);
        check("exports/logs", Decision::Descend);
        assert_eq!(Narrowing::default().decide("AWSLogs/111122223333"), Decision::All);
    }
}
