//! Which account and region a file's path says it is from.

use std::path::Path;

/// What a path says about where its records come from. A file may have been moved: what its records say goes first.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct PathOrigin {
    /// Twelve digits.
    pub account: Option<String>,
    /// Such as `eu-central-1`.
    pub region: Option<String>,
}

/// Reads the account and region from the path that AWS gave a log file.
///
/// Understands `AWSLogs/[o-…/]111122223333/CloudTrail/eu-central-1/…` and the same for every other service, the Hive
/// form `aws-account-id=…/aws-service=…/aws-region=…`, and the file name `111122223333_CloudTrail_eu-central-1_…`,
/// which remains when files were copied out of their folders. Resolver query logs have no region in their path.
pub fn origin_from_path(path: &Path) -> PathOrigin {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap_or_default()).collect();
    let folders = from_folders(&parts);
    let hive = from_hive(&parts);
    let name = parts.last().map(|name| from_name(name)).unwrap_or_default();
    PathOrigin {
        account: folders.account.or(hive.account).or(name.account),
        region: folders.region.or(hive.region).or(name.region),
    }
}

fn from_folders(parts: &[&str]) -> PathOrigin {
    // The last one: a bucket's own prefix may be called so too.
    let Some(start) = parts.iter().rposition(|part| *part == "AWSLogs") else {
        return PathOrigin::default();
    };
    let rest = match &parts[start + 1..] {
        [organization, rest @ ..] if is_organization(organization) => rest,
        rest => rest,
    };
    match rest {
        [account, _service, region, _, ..] if is_account(account) => of(account, region),
        [account, ..] if is_account(account) => of(account, ""),
        _ => PathOrigin::default(),
    }
}

fn from_hive(parts: &[&str]) -> PathOrigin {
    let value = |key: &str| parts.iter().rev().find_map(|part| part.strip_prefix(key)).unwrap_or_default();
    of(value("aws-account-id="), value("aws-region="))
}

fn from_name(name: &str) -> PathOrigin {
    let mut fields = name.split('_');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(account), Some(_service), Some(region)) if is_account(account) => of(account, region),
        _ => PathOrigin::default(),
    }
}

fn of(account: &str, region: &str) -> PathOrigin {
    PathOrigin {
        account: is_account(account).then(|| account.to_owned()),
        region: is_region(region).then(|| region.to_owned()),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `o-` and letters and digits: 10 to 32 in the Organizations API, fewer in logs whose identifiers were replaced.
fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// A partition of two to four letters, one or more words, a number: `eu-central-1`, `us-gov-west-1`, `eusc-de-east-1`.
fn is_region(text: &str) -> bool {
    let mut words = text.split('-');
    let (Some(partition), Some(number)) = (words.next(), words.next_back()) else { return false };
    let is_word = |word: &str| (1..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let middle = words.clone().count();
    (2..=4).contains(&partition.len())
        && is_word(partition)
        && is_number
        && (1..=3).contains(&middle)
        && words.all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, account: &str, region: &str) {
        let origin = origin_from_path(Path::new(path));
        let found = (origin.account.unwrap_or_default(), origin.region.unwrap_or_default());
        assert_eq!((found.0.as_str(), found.1.as_str()), (account, region), "{path}");
    }

    #[test]
    fn the_folders_of_a_service_name_account_and_region() {
        check("b/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/24/x.json.gz", "111122223333", "eu-central-1");
        check("AWSLogs/111122223333/CloudTrail-Insight/us-gov-west-1/2026/x.gz", "111122223333", "us-gov-west-1");
        check("AWSLogs/111122223333/vpcflowlogs/eusc-de-east-1/2026/x.gz", "111122223333", "eusc-de-east-1");
        check("AWSLogs/o-exampleorg1/111122223333/CloudTrail/us-east-1/2026/x", "111122223333", "us-east-1");
        check("AWSLogs/o-abc/111122223333/CloudTrail/us-east-1/2026/x", "111122223333", "us-east-1");
        check("AWSLogs/9/AWSLogs/111122223333/CloudTrail/us-east-1/2026/x", "111122223333", "us-east-1");
    }

    #[test]
    fn resolver_query_logs_have_no_region_in_their_path() {
        check("AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b2c3d/2026/11/24/x.log.gz", "111122223333", "");
    }

    #[test]
    fn hive_folders_name_account_and_region() {
        check(
            "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/x.parquet",
            "111122223333",
            "us-east-1",
        );
    }

    #[test]
    fn a_file_copied_out_of_its_folders_still_has_its_name() {
        check("copy/111122223333_CloudTrail_us-east-1_20261124T0000Z_Ab1.json.gz", "111122223333", "us-east-1");
        check("111122223333_vpcflowlogs_us-east-1_fl-1_20261124T0000Z_ab.log.gz", "111122223333", "us-east-1");
    }

    #[test]
    fn what_only_resembles_an_account_or_region_is_neither() {
        check("AWSLogs/11112222333/CloudTrail/us-east-1/x/y", "", "");
        check("AWSLogs/111122223333/CloudTrail/US-EAST-1/x/y", "111122223333", "");
        check("AWSLogs/111122223333/CloudTrail/2026-11-24/x/y", "111122223333", "");
        check("logs/events.json", "", "");
        check("aws-region=nowhere/aws-account-id=1/x", "", "");
    }
}
