//! Whom a bucket's access control list lets in.
//!
//! Read from the request that sets it: a canned ACL, grant headers, or a whole list. Two of S3's predefined groups are
//! strangers: `AllUsers` is anyone, signed or not, and `AuthenticatedUsers` is every AWS account in the world.

use crate::bucket_policy::{ANONYMOUS_CANONICAL_ID, Audience, Grant, element};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// S3 takes at most a hundred grants; with one in each of five headers there is room to spare.
const GRANTS_MAX: usize = 1_000;

/// What an ACL gives to strangers.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AclVerdict {
    /// The widest audience of any grant.
    pub audience: Audience,
    /// What is given to strangers, in the request's order.
    pub grants: Vec<Grant>,
    /// Whether the request names an ACL at all. A `CreateBucket` that does not makes a private bucket.
    pub stated: bool,
    /// Whole sentences on what limits the verdict.
    pub notes: Vec<String>,
    /// Whether all of the ACL was understood. If not, there may be more grants than these.
    pub complete: bool,
}

impl AclVerdict {
    /// Whether strangers may list the bucket, or read its ACL.
    pub fn allows_public_read(&self) -> bool {
        self.grants.iter().any(|grant| grant.read || grant.list)
    }

    /// Whether strangers may write objects, or the ACL itself.
    pub fn allows_public_write(&self) -> bool {
        self.grants.iter().any(|grant| grant.write)
    }

    fn note(&mut self, note: &str) {
        self.complete = false;
        // One sentence for each reason, however many entries have it.
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }

    fn add(&mut self, grantee: &str, audience: Audience, permission: Permission) {
        if audience == Audience::Nobody {
            return;
        }
        if self.grants.len() == GRANTS_MAX {
            self.note("The ACL has more grants than S3 accepts; the rest is left out.");
            return;
        }
        let (read, write, list) = match permission {
            Permission::Read => (false, false, true),
            Permission::Write | Permission::WriteAcp => (false, true, false),
            Permission::ReadAcp => (true, false, false),
            Permission::FullControl => (true, true, true),
        };
        self.audience = self.audience.max(audience);
        self.grants.push(Grant {
            audience,
            read,
            write,
            list,
            statement: grantee.to_owned(),
            reason: format!("The ACL gives {grantee}, which is {}, {}.", audience.words(), permission.words()),
        });
    }
}

/// Decides whom the ACL in the `requestParameters` of `PutBucketAcl` or `CreateBucket` lets in.
pub fn evaluate_acl(request: &Value) -> AclVerdict {
    let mut verdict = AclVerdict { complete: true, ..AclVerdict::default() };
    let Some(request) = request.as_object() else {
        verdict.note("The request has no parameters.");
        return verdict;
    };
    read_headers(request, &mut verdict);
    // CloudTrail gives the headers of some requests in an object of their own.
    if let Some(Value::Object(headers)) = element(request, "accessControlList") {
        read_headers(headers, &mut verdict);
    }
    if let Some(policy) = element(request, "AccessControlPolicy") {
        verdict.stated = true;
        read_list(policy, &mut verdict);
    }
    verdict
}

fn read_headers(headers: &Map<String, Value>, verdict: &mut AclVerdict) {
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if name == "x-amz-acl" {
            for canned in items(value).iter().filter_map(Value::as_str).filter(|canned| !canned.is_empty()) {
                verdict.stated = true;
                add_canned(canned, verdict);
            }
        } else if let Some(permission) = name.strip_prefix("x-amz-grant-") {
            verdict.stated = true;
            let Some(permission) = Permission::of_header(permission) else {
                verdict.note("The ACL has a grant header that is not known.");
                continue;
            };
            let grantees = items(value).iter().filter_map(Value::as_str).flat_map(|value| value.split(','));
            for grantee in grantees.filter(|grantee| !grantee.trim().is_empty()) {
                add_header_grantee(grantee, permission, verdict);
            }
        }
    }
}

fn add_canned(canned: &str, verdict: &mut AclVerdict) {
    match canned {
        "public-read" => verdict.add("AllUsers", Audience::Anyone, Permission::Read),
        "public-read-write" => {
            verdict.add("AllUsers", Audience::Anyone, Permission::Read);
            verdict.add("AllUsers", Audience::Anyone, Permission::Write);
        }
        "authenticated-read" => verdict.add("AuthenticatedUsers", Audience::AnyAwsPrincipal, Permission::Read),
        "private" | "aws-exec-read" | "bucket-owner-read" | "bucket-owner-full-control" | "log-delivery-write" => {}
        _ => verdict.note("The canned ACL is not known."),
    }
}

/// `uri="http://…"`, `id="…"` or `emailAddress="…"`.
fn add_header_grantee(grantee: &str, permission: Permission, verdict: &mut AclVerdict) {
    let Some((kind, value)) = grantee.split_once('=') else {
        verdict.note("The ACL has a grantee that is not understood.");
        return;
    };
    let value = value.trim().trim_matches(['"', '\'']);
    match kind.trim().to_ascii_lowercase().as_str() {
        "uri" => add_group(value, permission, verdict),
        "id" => add_user(value, permission, verdict),
        "emailaddress" => {}
        _ => verdict.note("The ACL has a grantee that is not understood."),
    }
}

fn add_group(uri: &str, permission: Permission, verdict: &mut AclVerdict) {
    let group = uri.trim().rsplit_once("/groups/").map(|(_, group)| group);
    match group {
        Some("global/AllUsers") => verdict.add("AllUsers", Audience::Anyone, permission),
        Some("global/AuthenticatedUsers") => {
            verdict.add("AuthenticatedUsers", Audience::AnyAwsPrincipal, permission);
        }
        Some("s3/LogDelivery") => {}
        _ => verdict.note("The ACL names a group that is not known."),
    }
}

fn add_user(id: &str, permission: Permission, verdict: &mut AclVerdict) {
    if id.trim() == ANONYMOUS_CANONICAL_ID {
        verdict.add("the anonymous user", Audience::Anyone, permission);
    }
}

fn read_list(policy: &Value, verdict: &mut AclVerdict) {
    let list = policy.as_object().and_then(|policy| element(policy, "AccessControlList"));
    let grants = match list {
        Some(Value::Object(list)) => match element(list, "Grant") {
            Some(grants) => items(grants),
            // An empty element: nobody is given anything.
            None => &[],
        },
        // An empty XML element is logged as an empty text.
        Some(Value::String(text)) if text.is_empty() => &[],
        Some(list @ Value::Array(_)) => items(list),
        _ => {
            verdict.note("The ACL's list is missing or not understood.");
            return;
        }
    };
    for grant in grants {
        let grant = grant.as_object();
        let permission = grant.and_then(|grant| element(grant, "Permission")).and_then(Value::as_str);
        let grantee = grant.and_then(|grant| element(grant, "Grantee")).and_then(Value::as_object);
        match (grantee, permission.and_then(Permission::of_list)) {
            (Some(grantee), Some(permission)) => add_list_grantee(grantee, permission, verdict),
            _ => verdict.note("The ACL has a grant that is not understood."),
        }
    }
}

fn add_list_grantee(grantee: &Map<String, Value>, permission: Permission, verdict: &mut AclVerdict) {
    let text = |name: &str| element(grantee, name).and_then(Value::as_str);
    // `xsi:type` says the same as the member that is present, so it need not be there.
    match (text("URI"), text("ID")) {
        (Some(uri), _) => add_group(uri, permission, verdict),
        (None, Some(id)) => add_user(id, permission, verdict),
        (None, None) if text("EmailAddress").is_some() => {}
        (None, None) => verdict.note("The ACL has a grantee that is not understood."),
    }
}

/// What an ACL can give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Permission {
    /// On a bucket: listing it.
    Read,
    /// On a bucket: creating objects, and deleting or replacing those of the same owner.
    Write,
    ReadAcp,
    WriteAcp,
    FullControl,
}

impl Permission {
    fn of_header(name: &str) -> Option<Self> {
        Some(match name {
            "read" => Self::Read,
            "write" => Self::Write,
            "read-acp" => Self::ReadAcp,
            "write-acp" => Self::WriteAcp,
            "full-control" => Self::FullControl,
            _ => return None,
        })
    }

    fn of_list(name: &str) -> Option<Self> {
        Some(match name {
            "READ" => Self::Read,
            "WRITE" => Self::Write,
            "READ_ACP" => Self::ReadAcp,
            "WRITE_ACP" => Self::WriteAcp,
            "FULL_CONTROL" => Self::FullControl,
            _ => return None,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Read => "the right to list the bucket",
            Self::Write => "the right to write and delete objects",
            Self::ReadAcp => "the right to read the ACL",
            Self::WriteAcp => "the right to change the ACL",
            Self::FullControl => "full control",
        }
    }
}

/// A value that may stand alone or in a list.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}

#[cfg(test)]
mod tests {
    use super::{AclVerdict, evaluate_acl};
    use crate::bucket_policy::Audience;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn check(request: Value, audience: Audience, read: bool, write: bool) -> AclVerdict {
        let verdict = evaluate_acl(&request);
        assert_eq!(verdict.audience, audience, "{request}: {verdict:?}");
        assert_eq!((verdict.allows_public_read(), verdict.allows_public_write()), (read, write), "{request}");
        verdict
    }

    #[test]
    fn a_canned_acl_stands_alone_or_in_a_list() {
        check(json!({"bucketName": "b", "acl": [""], "x-amz-acl": ["public-read"]}), Audience::Anyone, true, false);
        check(json!({"x-amz-acl": "public-read-write"}), Audience::Anyone, true, true);
        check(json!({"X-Amz-Acl": "authenticated-read"}), Audience::AnyAwsPrincipal, true, false);
        check(json!({"accessControlList": {"x-amz-acl": "public-read"}}), Audience::Anyone, true, false);
    }

    #[test]
    fn the_other_canned_acls_let_no_stranger_in() {
        for canned in ["private", "log-delivery-write", "bucket-owner-full-control", "aws-exec-read"] {
            let verdict = check(json!({"x-amz-acl": [canned]}), Audience::Nobody, false, false);
            assert!(verdict.complete && verdict.stated, "{canned}");
        }
        assert!(!check(json!({"x-amz-acl": "public-everything"}), Audience::Nobody, false, false).complete);
    }

    #[test]
    fn a_header_names_groups_among_others() {
        let all = "http://acs.amazonaws.com/groups/global/AllUsers";
        let write = json!({"x-amz-grant-write": format!("id=\"1234\", uri=\"{all}\"")});
        check(write, Audience::Anyone, false, true);
        check(json!({"x-amz-grant-write-acp": [format!("uri={all}")]}), Audience::Anyone, false, true);
        check(
            json!({"x-amz-grant-read-acp": "uri=\"http://acs.amazonaws.com/groups/global/AuthenticatedUsers\""}),
            Audience::AnyAwsPrincipal,
            true,
            false,
        );
        let logs = json!({"x-amz-grant-full-control": "uri=\"http://acs.amazonaws.com/groups/s3/LogDelivery\""});
        assert!(check(logs, Audience::Nobody, false, false).complete);
    }

    #[test]
    fn a_whole_list_may_have_one_grant_or_many() {
        let owner = json!({"Grantee": {"xsi:type": "CanonicalUser", "ID": "1234"}, "Permission": "FULL_CONTROL"});
        let everyone = json!({
            "Grantee": {"xsi:type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
            "Permission": "READ",
        });
        let list = |grants: Value| json!({"AccessControlPolicy": {"AccessControlList": {"Grant": grants}}});
        check(list(owner.clone()), Audience::Nobody, false, false);
        check(list(everyone.clone()), Audience::Anyone, true, false);
        let verdict = check(list(json!([owner, everyone])), Audience::Anyone, true, false);
        assert_eq!(
            verdict.grants[0].reason,
            "The ACL gives AllUsers, which is anyone on the internet, the right to list the bucket."
        );
    }

    #[test]
    fn a_bucket_made_without_an_acl_is_private() {
        let verdict = check(json!({"bucketName": "b"}), Audience::Nobody, false, false);
        assert!(!verdict.stated && verdict.complete);
    }

    #[test]
    fn an_acl_that_cannot_be_read_is_said_to_be_so() {
        for request in [Value::Null, json!({"AccessControlPolicy": "<xml/>"})] {
            assert!(!evaluate_acl(&request).complete, "{request}");
        }
        let strange = json!({"AccessControlPolicy": {"AccessControlList": {"Grant": [{}, 7, null]}}});
        let verdict = evaluate_acl(&strange);
        assert_eq!(verdict.notes, ["The ACL has a grant that is not understood."]);
    }

    proptest! {
        #[test]
        fn any_header_is_answered(name in "x-amz-(acl|grant-[a-z-]{0,12})", value in ".{0,60}") {
            let mut request = serde_json::Map::new();
            request.insert(name, Value::String(value));
            evaluate_acl(&Value::Object(request));
        }
    }
}
