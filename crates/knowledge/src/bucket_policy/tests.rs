//! Policies as people write them, and whom they let in.

use super::{Audience, PolicyVerdict, evaluate_policy};
use proptest::prelude::*;
use serde_json::{Value, json};
use watchfire_model::Time;

const BUCKET: &str = "arn:aws:s3:::bucket";
const OBJECTS: &str = "arn:aws:s3:::bucket/*";

/// 10 March 2026.
fn at() -> Time {
    Time::from_seconds(1_773_100_800)
}

fn verdict(statements: Value) -> PolicyVerdict {
    evaluate_policy(&json!({"Version": "2012-10-17", "Statement": statements}), "bucket", at())
}

fn check(statements: Value, audience: Audience) -> PolicyVerdict {
    let verdict = verdict(statements.clone());
    assert_eq!(verdict.audience, audience, "{statements}\n{verdict:?}");
    verdict
}

/// `Allow` reading objects, changed by these members.
fn allow(changes: Value) -> Value {
    changed(json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS}), changes)
}

/// `Deny` everything to everyone, changed by these members.
fn deny(changes: Value) -> Value {
    changed(json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, OBJECTS]}), changes)
}

fn changed(mut statement: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            statement.as_object_mut().unwrap().remove(name);
        } else {
            statement[name] = value.clone();
        }
    }
    statement
}

fn under(condition: Value) -> Value {
    allow(json!({"Condition": condition}))
}

fn deny_under(condition: Value) -> Value {
    json!([allow(json!({})), deny(json!({"Condition": condition}))])
}

#[test]
fn a_star_without_a_condition_is_anyone() {
    let verdict = check(allow(json!({"Sid": "PublicRead"})), Audience::Anyone);
    let grant = &verdict.grants[0];
    assert_eq!((grant.read, grant.write, grant.list), (true, false, false));
    assert_eq!(grant.reason, "Statement PublicRead lets anyone on the internet read (s3:GetObject).");
    assert!(verdict.complete());
    for principal in [json!({"AWS": "*"}), json!({"AWS": ["arn:aws:iam::111122223333:root", "*"]}), json!(["*"])] {
        check(allow(json!({"Principal": principal})), Audience::Anyone);
    }
}

#[test]
fn a_principal_arn_is_something_only_the_authenticated_have() {
    for pattern in ["arn:aws:iam::*", "*", "arn:aws:iam::*:role/*"] {
        check(
            allow(json!({"Principal": {"AWS": "*"}, "Condition": {"StringLike": {"aws:PrincipalArn": pattern}}})),
            Audience::AnyAwsPrincipal,
        );
    }
    check(under(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:*"}})), Audience::Nobody);
    // Letter by letter, the star is a letter that no ARN has.
    check(under(json!({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::*"}})), Audience::Nobody);
    check(under(json!({"StringLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::*"}})), Audience::Anyone);
}

#[test]
fn those_who_are_named_are_no_strangers() {
    for principal in [
        json!({"AWS": "arn:aws:iam::111122223333:root"}),
        json!({"AWS": ["111122223333", "arn:aws:iam::111122223333:user/alice"]}),
        json!({"Service": "cloudtrail.amazonaws.com"}),
        json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}),
        json!({"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}),
        json!("nobody"),
        json!(7),
    ] {
        check(allow(json!({"Principal": principal})), Audience::Nobody);
    }
    check(allow(json!({"Principal": {"Federated": "graph.facebook.com"}})), Audience::AnyAwsPrincipal);
    check(allow(json!({"Principal": {"CanonicalUser": super::ANONYMOUS_CANONICAL_ID}})), Audience::Anyone);
}

#[test]
fn everyone_but_one_is_everyone() {
    let not_alice = json!({"Principal": null, "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/alice"}});
    check(allow(not_alice.clone()), Audience::Anyone);
    check(allow(json!({"Principal": null, "NotPrincipal": "*"})), Audience::Nobody);
    check(json!([allow(json!({})), deny(not_alice)]), Audience::Nobody);
    check(json!([allow(json!({})), deny(json!({"Principal": null, "NotPrincipal": {"AWS": "*"}}))]), Audience::Anyone);
}

#[test]
fn actions_say_what_is_given() {
    let given = |action: Value, resource: Value| {
        let verdict = verdict(allow(json!({"Action": action, "Resource": resource})));
        let any = |of: fn(&super::Grant) -> bool| verdict.grants.iter().any(of);
        (any(|grant| grant.read), any(|grant| grant.write), any(|grant| grant.list))
    };
    assert_eq!(given(json!("S3:getobject"), json!(OBJECTS)), (true, false, false));
    assert_eq!(given(json!("s3:*"), json!([BUCKET, OBJECTS])), (true, true, true));
    assert_eq!(given(json!("*"), json!("*")), (true, true, true));
    assert_eq!(given(json!(["s3:List*", "s3:PutObject"]), json!([BUCKET, OBJECTS])), (false, true, true));
    assert_eq!(given(json!("s3:PutBucketPolicy"), json!(BUCKET)), (false, true, false));
    assert_eq!(given(json!("s3:GetSomethingNew"), json!(BUCKET)), (true, false, false));
    assert_eq!(given(json!("ec2:*"), json!("*")), (false, false, false));
    let not_delete = allow(json!({"Action": null, "NotAction": "s3:Delete*"}));
    assert!(verdict(not_delete).allows_public_write());
}

#[test]
fn an_action_needs_a_resource_of_its_kind() {
    check(allow(json!({"Action": "s3:ListBucket"})), Audience::Nobody);
    check(allow(json!({"Resource": BUCKET})), Audience::Nobody);
    check(allow(json!({"Resource": "arn:aws:s3:::other/*"})), Audience::Nobody);
    check(allow(json!({"Resource": "arn:aws-cn:s3:::bucket/public/*"})), Audience::Anyone);
    check(allow(json!({"Resource": "arn:aws:s3:::b*"})), Audience::Anyone);
    check(allow(json!({"Resource": null, "NotResource": "arn:aws:s3:::bucket/private/*"})), Audience::Anyone);
    check(allow(json!({"Resource": null, "NotResource": OBJECTS})), Audience::Nobody);
    check(allow(json!({"Resource": "arn:aws:s3:::bucket/${aws:username}/*"})), Audience::AnyAwsPrincipal);
}

#[test]
fn a_denial_as_wide_as_the_grant_takes_it_away() {
    let verdict = check(json!([allow(json!({"Sid": "Open"})), deny(json!({"Sid": "Shut"}))]), Audience::Nobody);
    assert_eq!((verdict.denied.len(), verdict.grants.len()), (1, 0));
    assert_eq!(
        verdict.denied[0].reason,
        "Statement Open would let in anyone on the internet, but statement Shut denies it in part or whole."
    );
    check(json!([allow(json!({})), deny(json!({"Action": "s3:Get*", "Resource": "*"}))]), Audience::Nobody);
    check(json!([allow(json!({"Resource": "*"})), deny(json!({}))]), Audience::Nobody);
    let keep_all = json!({"Resource": null, "NotResource": "arn:aws:s3:::other/*"});
    check(json!([allow(json!({})), deny(keep_all)]), Audience::Nobody);
}

#[test]
fn a_narrower_denial_leaves_the_rest() {
    check(json!([allow(json!({})), deny(json!({"Resource": "arn:aws:s3:::bucket/private/*"}))]), Audience::Anyone);
    check(json!([allow(json!({})), deny(json!({"Action": "s3:PutObject"}))]), Audience::Anyone);
    check(json!([allow(json!({})), deny(json!({"Principal": {"AWS": "111122223333"}}))]), Audience::Anyone);
    let but_public = json!({"Resource": null, "NotResource": "arn:aws:s3:::bucket/public/*"});
    check(json!([allow(json!({})), deny(but_public.clone())]), Audience::Anyone);
    check(json!([allow(json!({"Resource": "arn:aws:s3:::bucket/a/*"})), deny(but_public)]), Audience::Nobody);
    let all = allow(json!({"Action": "s3:*", "Resource": [BUCKET, OBJECTS]}));
    let verdict = check(json!([all, deny(json!({"Action": ["s3:Put*", "s3:Delete*"]}))]), Audience::Anyone);
    assert!(verdict.allows_public_read());
}

#[test]
fn a_denial_counts_if_no_stranger_escapes_its_condition() {
    for shut in [
        json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}}),
        json!({"StringNotEquals": {"aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-5e6f7a8b"]}}),
        json!({"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}),
        json!({"StringNotLike": {"aws:userid": ["AROAEXAMPLEID:*", "111122223333"]}}),
        json!({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/reader"}}),
        json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-example"},
               "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
    ] {
        check(deny_under(shut), Audience::Nobody);
    }
}

#[test]
fn a_denial_that_can_be_escaped_takes_nothing() {
    for escapable in [
        json!({"Bool": {"aws:SecureTransport": "false"}}),
        json!({"StringNotLike": {"aws:Referer": "https://www.example.com/*"}}),
        json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}),
        json!({"NotIpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
        json!({"DateGreaterThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}),
        json!({"StringEquals": {"aws:SourceVpc": "vpc-111bbb22"}}),
        json!({"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgPaths": "o-example/"}}),
        // Unsigned requests lack both keys, and so escape.
        json!({"Bool": {"aws:PrincipalIsAWSService": "false"}, "Null": {"aws:PrincipalArn": false}}),
        json!({"NewOperator": {"aws:SourceIp": "203.0.113.0/24"}}),
    ] {
        check(deny_under(escapable), Audience::Anyone);
    }
}

#[test]
fn a_denial_of_the_unsigned_leaves_the_authenticated() {
    for unsigned in [
        json!({"Null": {"aws:PrincipalArn": "true"}}),
        json!({"StringEquals": {"aws:PrincipalType": "Anonymous"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": "anonymous"}}),
        json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
    ] {
        let verdict = check(deny_under(unsigned), Audience::AnyAwsPrincipal);
        assert_eq!(verdict.denied[0].audience, Audience::Anyone);
    }
}

#[test]
fn a_statement_may_give_the_authenticated_more_than_the_anonymous() {
    let open = allow(json!({"Action": ["s3:GetObject", "s3:PutObject"]}));
    let no_unsigned_writes =
        deny(json!({"Action": "s3:PutObject", "Condition": {"Null": {"aws:PrincipalArn": "true"}}}));
    let verdict = check(json!([open, no_unsigned_writes]), Audience::Anyone);
    let grants: Vec<_> = verdict.grants.iter().map(|grant| (grant.audience, grant.read, grant.write)).collect();
    assert_eq!(grants, [(Audience::Anyone, true, false), (Audience::AnyAwsPrincipal, false, true)]);
}

#[test]
fn a_fixed_network_organisation_or_account_is_not_public() {
    for restricted in [
        json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}),
        json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
        json!({"StringEquals": {"AWS:sourcevpce": "vpce-1a2b3c4d"}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": ["o-example"]}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-example/r-ab12/*"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": ["111122223333"]}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/*"}}),
        json!({"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        json!({"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}}),
        json!({"StringEquals": {"s3:DataAccessPointAccount": "111122223333"}}),
        json!({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:111122223333:accesspoint/*"}}),
        json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}),
        json!({"StringEquals": {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": []}}),
        json!({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}),
    ] {
        let verdict = check(under(restricted), Audience::Nobody);
        assert!(verdict.complete(), "{verdict:?}");
    }
}

#[test]
fn a_condition_that_does_not_say_who_leaves_anyone() {
    for open in [
        json!({}),
        json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
        json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}),
        json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
        json!({"StringLike": {"aws:SourceIp": "*"}}),
        json!({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}),
        json!({"Bool": {"aws:SecureTransport": true}}),
        json!({"StringLike": {"aws:Referer": ["https://www.example.com/*"]}}),
        json!({"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}),
        json!({"StringEquals": {"s3:ExistingObjectTag/public": "yes"}}),
        json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-banned"}}),
        json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:*"}}),
        json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-example"}}),
        json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-example/"}}),
        json!({"Null": {"aws:PrincipalArn": "true"}}),
        json!({"StringLike": {"aws:PrincipalAccount": "*"}}),
        json!({"StringEquals": {"aws:PrincipalType": "Anonymous"}}),
        json!({"StringEquals": {"s3:prefix": "${s3:prefix}"}}),
        json!({"NumericLessThanEquals": {"s3:max-keys": 10}}),
    ] {
        assert!(check(under(open), Audience::Anyone).complete());
    }
}

#[test]
fn a_condition_that_needs_some_aws_account_leaves_the_authenticated() {
    for signed in [
        json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}),
        json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
        json!({"StringLike": {"aws:userid": "AROA*"}}),
        json!({"Null": {"aws:PrincipalArn": "false"}}),
        json!({"StringNotEquals": {"aws:PrincipalType": "Anonymous"}}),
        json!({"StringEquals": {"aws:username": "alice"}}),
        json!({"StringEquals": {"aws:PrincipalTag/team": "red"}}),
        json!({"StringLike": {"s3:prefix": "home/${aws:username}/*"}}),
        json!({"IpAddress": {"aws:VpcSourceIp": "10.1.0.0/16"}}),
        json!({"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    ] {
        check(under(signed), Audience::AnyAwsPrincipal);
    }
}

#[test]
fn half_of_all_addresses_is_everywhere_however_it_is_cut() {
    let ranges: Vec<String> = (0..128).map(|first| format!("{first}.0.0.0/8")).collect();
    check(under(json!({"IpAddress": {"aws:SourceIp": ranges}})), Audience::Anyone);
    check(under(json!({"IpAddress": {"aws:SourceIp": ranges[..16]}})), Audience::Nobody);
}

#[test]
fn an_unknown_condition_restricts_and_is_listed() {
    let verdict = check(under(json!({"StringEquals": {"aws:BrandNewKey": "x"}})), Audience::Nobody);
    assert_eq!(verdict.conditions_not_understood, ["statement #1: StringEquals on aws:BrandNewKey"]);
    assert!(!verdict.complete());
    // Where no stranger is let in anyway, it does not matter.
    let named = allow(json!({"Principal": {"AWS": "111122223333"}, "Condition": {"StringEquals": {"new:Key": "x"}}}));
    assert!(check(named, Audience::Nobody).complete());
}

#[test]
fn a_date_to_come_is_judged_open_and_said_so() {
    for to_come in [
        json!({"DateLessThan": {"aws:CurrentTime": "2026-04-01T00:00:00Z"}}),
        json!({"DateGreaterThanEquals": {"aws:CurrentTime": "2026-04-01"}}),
        json!({"NumericLessThan": {"aws:EpochTime": 1_775_000_000}}),
        json!({"DateLessThan": {"aws:CurrentTime": "no date"}}),
    ] {
        let verdict = check(under(to_come), Audience::Anyone);
        assert_eq!(verdict.notes, ["Statement #1 applies at certain times only; it is judged as if it were one."]);
    }
}

#[test]
fn what_ended_before_the_policy_was_set_is_granted_to_nobody() {
    for over in [
        json!({"DateLessThan": {"aws:CurrentTime": "2026-03-01T00:00:00Z"}}),
        json!({"DateLessThanEqualsIfExists": {"aws:CurrentTime": ["2025-01-01", "2026-03-09"]}}),
        json!({"DateEquals": {"aws:CurrentTime": "2026-03-01T00:00:00+02:00"}}),
        json!({"NumericLessThan": {"aws:EpochTime": "1773000000"}}),
    ] {
        check(under(over), Audience::Nobody);
    }
    // One of several days is still to come.
    check(under(json!({"DateLessThan": {"aws:CurrentTime": ["2025-01-01", "2026-12-31"]}})), Audience::Anyone);
}

#[test]
fn what_has_begun_holds_without_a_note() {
    for begun in [
        json!({"DateGreaterThan": {"aws:CurrentTime": "2026-03-01T00:00:00Z"}}),
        json!({"DateNotEquals": {"aws:EpochTime": "1773000000"}}),
    ] {
        assert_eq!(check(under(begun.clone()), Audience::Anyone).notes, Vec::<String>::new(), "{begun}");
        check(deny_under(begun), Audience::Nobody);
    }
}

#[test]
fn a_policy_may_be_text_or_url_encoded() {
    let policy = json!({"Statement": allow(json!({}))});
    let text = policy.to_string();
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for policy in [policy, Value::String(text), Value::String(encoded)] {
        assert_eq!(evaluate_policy(&policy, "bucket", at()).audience, Audience::Anyone, "{policy}");
    }
}

#[test]
fn what_is_no_policy_is_said_to_be_so() {
    for policy in [json!(null), json!("%7"), json!(""), json!({}), json!([]), json!({"Statement": 7})] {
        let verdict = evaluate_policy(&policy, "bucket", at());
        assert!(!verdict.complete() && verdict.audience == Audience::Nobody && !verdict.notes.is_empty(), "{policy}");
    }
    let statements =
        json!([7, {"Effect": "Maybe"}, {"Effect": "Allow"}, allow(json!({"Action": []})), allow(json!({}))]);
    let verdict = check(statements, Audience::Anyone);
    assert_eq!((verdict.notes.len(), verdict.complete()), (4, false));
}

#[test]
fn a_policy_larger_than_s3_accepts_is_not_read() {
    let many: Vec<Value> = (0..1_000).map(|_| allow(json!({}))).collect();
    let verdict = check(json!(many), Audience::Nobody);
    assert_eq!(verdict.notes, ["The policy is larger than S3 accepts, so it is not read."]);
    let mut deep = json!("x");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    check(allow(json!({"Principal": deep.clone(), "Condition": deep})), Audience::Nobody);
}

#[test]
fn a_policy_made_to_be_slow_is_answered_all_the_same() {
    // Wildcards that almost match, over and over, in as much text as S3 accepts.
    let nasty = |stars: usize| format!("arn:aws:s3:::bucket/{}b", "a*".repeat(stars));
    for (stars, copies) in [(4_500, 1), (200, 20)] {
        let statements = json!([
            allow(json!({"Resource": vec![nasty(stars); copies]})),
            deny(json!({"Resource": null, "NotResource": vec![nasty(stars); copies]})),
        ]);
        check(statements, Audience::Anyone);
    }
    let many: Vec<Value> = (0..240)
        .map(|at| if at % 2 == 0 { allow(json!({})) } else { deny(json!({"Resource": "arn:aws:s3:::x/*"})) })
        .map(|statement| changed(statement, json!({"Action": "*"})))
        .collect();
    check(json!(many), Audience::Anyone);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[*?${}:a-z%\"]{0,12}".prop_map(Value::from),
        policy_word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((policy_word(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn policy_word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Statement",
        "Effect",
        "Allow",
        "Deny",
        "Principal",
        "NotPrincipal",
        "AWS",
        "*",
        "Action",
        "NotAction",
        "s3:*",
        "Resource",
        "NotResource",
        OBJECTS,
        "Condition",
        "StringLike",
        "IpAddress",
        "Null",
        "aws:SourceIp",
        "0.0.0.0/0",
        "aws:PrincipalArn",
        "ForAnyValue:StringNotEqualsIfExists",
        "true",
    ])
}

fn any_statement() -> impl Strategy<Value = Value> {
    let principal = prop::sample::select(vec![
        json!("*"),
        json!({"AWS": "111122223333"}),
        json!({"AWS": "*", "Service": "logging.s3.amazonaws.com"}),
        json!({"Federated": "graph.facebook.com"}),
    ]);
    let action = prop::sample::select(vec!["s3:GetObject", "s3:*", "s3:Put*", "s3:ListBucket", "*"]);
    let resource = prop::sample::select(vec![BUCKET, OBJECTS, "*", "arn:aws:s3:::bucket/public/*", "arn:aws:s3:::x/*"]);
    let condition = prop::sample::select(vec![
        json!({}),
        json!({"Bool": {"aws:SecureTransport": "false"}}),
        json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}}),
        json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}),
        json!({"Null": {"aws:PrincipalArn": "true"}}),
        json!({"StringEquals": {"aws:BrandNewKey": "x"}}),
    ]);
    (any::<bool>(), any::<[bool; 3]>(), principal, action, resource, condition).prop_map(
        |(allow, negated, principal, action, resource, condition)| {
            let name = |at: usize, name: &str| if negated[at] { format!("Not{name}") } else { name.to_owned() };
            json!({"Effect": if allow { "Allow" } else { "Deny" }, name(0, "Principal"): principal,
                   name(1, "Action"): action, name(2, "Resource"): resource, "Condition": condition})
        },
    )
}

/// What is given, without the words.
fn given(verdict: &PolicyVerdict) -> Vec<(Audience, bool, bool, bool)> {
    verdict.grants.iter().map(|grant| (grant.audience, grant.read, grant.write, grant.list)).collect()
}

proptest! {
    #[test]
    fn any_json_is_answered(policy in any_json(), bucket in "[a-z*?$]{0,6}") {
        evaluate_policy(&policy, &bucket, at());
        evaluate_policy(&json!({"Statement": policy}), &bucket, at());
        evaluate_policy(&Value::String(policy.to_string()), &bucket, at());
    }

    #[test]
    fn any_text_is_answered(policy in ".{0,80}") {
        evaluate_policy(&Value::String(policy), "bucket", at());
    }

    #[test]
    fn another_denial_never_widens(
        statements in prop::collection::vec(any_statement(), 0..6),
        mut denial in any_statement(),
        at in any::<prop::sample::Index>(),
    ) {
        let before = verdict(json!(statements));
        denial["Effect"] = json!("Deny");
        let mut more = statements.clone();
        more.insert(at.index(statements.len() + 1), denial);
        let after = verdict(json!(more));
        prop_assert!(after.audience <= before.audience);
        prop_assert!(after.allows_public_read() <= before.allows_public_read());
        prop_assert!(after.allows_public_write() <= before.allows_public_write());
        more.push(deny(json!({"Resource": "*"})));
        prop_assert_eq!(verdict(json!(more)).audience, Audience::Nobody);
    }

    #[test]
    fn letting_in_someone_by_name_changes_nothing_for_strangers(
        statements in prop::collection::vec(any_statement(), 0..6),
        account in "[0-9]{12}",
        at in any::<prop::sample::Index>(),
    ) {
        let before = verdict(json!(statements));
        let mut more = statements.clone();
        let named = allow(json!({"Principal": {"AWS": account}, "Action": "s3:*"}));
        more.insert(at.index(statements.len() + 1), named);
        prop_assert_eq!(given(&verdict(json!(more))), given(&before));
    }
}
