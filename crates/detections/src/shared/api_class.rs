//! What a call is for, by its name: looking around, taking, or changing.

/// Whether a management API looks around: it enumerates or describes what there is.
///
/// GuardDuty publishes no list. Its own tester shows `ListBuckets` as reconnaissance and `GetUser` as not: asking who
/// one is oneself tells nothing about the account. Calls that hand out a secret or a credential are not reconnaissance
/// either: who has them has what they came for.
pub(crate) fn is_reconnaissance(name: &str) -> bool {
    const LOOKING: [&str; 6] = ["Describe", "Get", "Head", "List", "Lookup", "Search"];
    let name_alone = name.strip_prefix("Batch").unwrap_or(name);
    let begins_a_word = |rest: &str| rest.bytes().next().is_none_or(|byte| !byte.is_ascii_lowercase());
    LOOKING.iter().any(|verb| name_alone.strip_prefix(verb).is_some_and(begins_a_word))
        && !ABOUT_ONESELF.contains(&name)
        && !YIELDS_A_SECRET.contains(&name_alone)
}

/// Calls that by themselves tell callers about themselves only. Source: IAM and STS API references.
const ABOUT_ONESELF: [&str; 2] = ["GetCallerIdentity", "GetUser"];

/// Calls whose answer is a secret, a credential or data. Source: the API references of the services, without `Batch`.
const YIELDS_A_SECRET: [&str; 26] = [
    "GetAuthorizationToken",
    "GetClusterCredentials",
    "GetClusterCredentialsWithIAM",
    "GetCredentials",
    "GetCredentialsForIdentity",
    "GetDataAccess",
    "GetDownloadUrlForLayer",
    "GetFederationToken",
    "GetInstanceAccessDetails",
    "GetObject",
    "GetOpenIdToken",
    "GetOpenIdTokenForDeveloperIdentity",
    "GetParameter",
    "GetParameterHistory",
    "GetParameters",
    "GetParametersByPath",
    "GetPasswordData",
    "GetRoleCredentials",
    "GetSecretValue",
    "GetServiceBearerToken",
    "GetSessionToken",
    "GetSigninToken",
    "GetTemporaryGluePartitionCredentials",
    "GetTemporaryGlueTableCredentials",
    "GetWorkloadAccessToken",
    "GetWorkloadAccessTokenForJWT",
];

/// What a call to the data plane of S3 does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum S3DataClass {
    /// Looks around: lists, or reads what is said about objects.
    Discovery,
    /// Takes the content of objects.
    Exfiltration,
    /// Changes or destroys.
    Impact,
}

impl S3DataClass {
    /// The class of the API with this name.
    ///
    /// GuardDuty names `ListObjects` and `GetObjectAcl`, `GetObject` and `CopyObject`, `PutObject` and `PutObjectAcl` as
    /// examples. What neither reads content nor looks around is taken to change something.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "CopyObject" | "GetObject" | "GetObjectTorrent" | "SelectObjectContent" | "UploadPartCopy" => {
                Self::Exfiltration
            }
            _ if ["Get", "Head", "List"].iter().any(|verb| name.starts_with(verb)) => Self::Discovery,
            _ => Self::Impact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{S3DataClass, is_reconnaissance};

    #[test]
    fn enumerating_and_describing_is_reconnaissance() {
        for name in ["ListBuckets", "DescribeInstances", "GetAccountAuthorizationDetails", "LookupEvents", "HeadBucket"]
        {
            assert!(is_reconnaissance(name), "{name}");
        }
        assert!(is_reconnaissance("BatchGetProjects") && is_reconnaissance("SearchResources"));
    }

    #[test]
    fn secrets_and_oneself_are_not() {
        for name in ["GetUser", "GetCallerIdentity", "GetSecretValue", "BatchGetSecretValue", "GetParametersByPath"] {
            assert!(!is_reconnaissance(name), "{name}");
        }
    }

    #[test]
    fn a_verb_must_be_a_word_of_its_own() {
        for name in ["Getaway", "ListenToEvents", "CreateUser", "ConsoleLogin", "AssumeRole", ""] {
            assert!(!is_reconnaissance(name), "{name}");
        }
    }

    #[test]
    fn a_call_on_objects_looks_around_takes_or_changes() {
        let class = S3DataClass::of;
        for name in
            ["ListObjects", "ListObjectVersions", "HeadObject", "GetObjectAcl", "GetObjectAttributes", "ListParts"]
        {
            assert_eq!(class(name), S3DataClass::Discovery, "{name}");
        }
        assert_eq!(class("GetObject"), S3DataClass::Exfiltration);
        assert_eq!(class("CopyObject"), S3DataClass::Exfiltration);
        for name in
            ["PutObject", "PutObjectAcl", "DeleteObject", "DeleteObjects", "RestoreObject", "CreateMultipartUpload"]
        {
            assert_eq!(class(name), S3DataClass::Impact, "{name}");
        }
    }
}
