//! Roles that are assumed: by which name they are known, and since when.
//!
//! A role is learnt by its name without the account and the region. What rolls out over an organisation, scans it or deploys
//! to it assumes one role of the same name in each of its accounts; an account that joins brings a new ARN and no news, and
//! two hundred ARNs a day would be more than a profile learns. Who tries what a key opens asks for role by role, each of
//! another name, or for one name that its owner never asks for. The price: a role of a usual name in accounts where the
//! caller never assumed it is no news.

use std::borrow::Cow;
use watchfire_knowledge::baseline::{Feature, Profile};
use watchfire_model::Time;

/// What an ARN's account, and a region in a role's name, are replaced by.
const ANY: &str = "*";
/// Where calls were learnt before roles were, roles are news only once they have been learnt for this long. Source: as for
/// accounts, a week has every day of the week.
const LEARNT_DAYS: i64 = 7;
/// What somebody who assumes roles is known by.
const TOKENS: [&str; 2] = ["sts:AssumeRole:ok", "sts:AssumeRole:denied"];

/// The role by its name: `cdk-hnb-deploy-role-*-*` of
/// `arn:aws:iam::111122223333:role/cdk/cdk-hnb-deploy-role-111122223333-eu-west-1`. Names are unique in an account, whatever
/// the path.
pub(crate) fn name(arn: &str) -> Cow<'_, str> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let account = arn.split(':').nth(4).filter(|account| account.len() == 12 && name.contains(account));
    let without_account = account.map_or(Cow::Borrowed(name), |account| name.replace(account, ANY).into());
    match without_regions(&without_account) {
        Some(plain) => plain.into(),
        None => without_account,
    }
}

/// `None` if the name has no region.
fn without_regions(name: &str) -> Option<String> {
    let words: Vec<&str> = name.split('-').collect();
    let region_from = |at: usize| {
        // `eu-west-1` has three words, `us-gov-west-1` four.
        let length = (3..=4).find(|length| words.get(at..at + length).is_some_and(is_region))?;
        Some(at + length)
    };
    let (mut kept, mut at, mut is_found) = (Vec::new(), 0, false);
    while let Some(word) = words.get(at) {
        let end = region_from(at);
        kept.push(if end.is_some() { ANY } else { word });
        is_found |= end.is_some();
        at = end.unwrap_or(at + 1);
    }
    is_found.then(|| kept.join("-"))
}

/// Whether these words are a region's: `eu`, `west`, `1`.
fn is_region(words: &[&str]) -> bool {
    const DIRECTIONS: [&str; 9] =
        ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];
    let [partition, .., direction, number] = words else { return false };
    (2..=4).contains(&partition.len())
        && partition.bytes().all(|byte| byte.is_ascii_lowercase())
        && DIRECTIONS.contains(direction)
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}

/// Whether roles were learnt of an account as long as the calls that assume them, or long enough. Sums of before roles were
/// told apart hold the calls only: after those each role would be new.
pub(crate) fn are_learnt(account: Option<Profile<'_>>, now: Time) -> bool {
    let Some(account) = account else { return true };
    let known = TOKENS.into_iter().filter_map(|token| account.presence(Feature::Api, token, now));
    let Some(first_call) = known.map(|presence| presence.first_day).min() else { return true };
    let first_role = account.first_day_of(Feature::Role, now);
    first_role.is_some_and(|first| first <= first_call || now.day() - first >= LEARNT_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_its_name_in_whichever_account_and_region() {
        let names = [
            ("arn:aws:iam::111122223333:role/Deploy", "Deploy"),
            ("arn:aws:iam::444455556666:role/teams/web/Deploy", "Deploy"),
            ("arn:aws:iam::111122223333:role/cdk-hnb-deploy-role-111122223333-eu-west-1", "cdk-hnb-deploy-role-*-*"),
            (
                "arn:aws:iam::111122223333:role/cdk-hnb-deploy-role-111122223333-ap-southeast-2",
                "cdk-hnb-deploy-role-*-*",
            ),
            ("arn:aws-us-gov:iam::111122223333:role/scan-us-gov-west-1-ro", "scan-*-ro"),
            // Near misses: another number, and words that are no region.
            ("arn:aws:iam::111122223333:role/etl-444455556666", "etl-444455556666"),
            ("arn:aws:iam::111122223333:role/team-west-1x", "team-west-1x"),
            ("arn:aws:iam::111122223333:role/web-2", "web-2"),
            ("Deploy", "Deploy"),
            ("", ""),
        ];
        for (arn, expected) in names {
            assert_eq!(name(arn), expected, "{arn}");
        }
    }
}
