//! Whether a stranger's request satisfies a condition.
//!
//! A *stranger* is someone the policy does not know: not in its organisations, accounts, networks or addresses. A
//! condition is judged over all the requests a stranger can make, so its answer has three values. An unsigned request
//! has no principal keys at all, which is what separates "anyone" from "any AWS principal".

use super::pattern::Pattern;
use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;
use watchfire_model::Time;

/// Prefixes shorter than these count as the whole internet. Source: "The meaning of public", S3 user guide.
const NARROW_V4_PREFIX_MIN: u8 = 8;
const NARROW_V6_PREFIX_MIN: u8 = 32;
/// Half of all IPv4 addresses: that many in one list are no restriction, however finely they are cut.
const WIDE_V4_ADDRESSES: u64 = 1 << 31;

/// The two kinds of requester a policy cannot know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stranger {
    /// An unsigned request from the internet.
    Anonymous,
    /// A principal of an AWS account the policy does not name.
    Authenticated,
}

impl Stranger {
    /// Both, the wider first.
    pub(super) const ALL: [Self; 2] = [Self::Anonymous, Self::Authenticated];
}

/// How often something holds over all the requests that a stranger can make.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Truth {
    /// For no request.
    Never,
    /// The stranger can bring it about, and can avoid it.
    Sometimes,
    /// For every request.
    Always,
}

impl Truth {
    pub(super) fn not(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Sometimes => Self::Sometimes,
            Self::Always => Self::Never,
        }
    }

    fn from_bool(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }
}

/// A whole `Condition` element, judged.
#[derive(Debug)]
pub(super) struct Judged {
    /// How often the understood conditions all hold, for each of [`Stranger::ALL`].
    pub(super) holds: [Truth; 2],
    /// The conditions with an operator or a key that is not known here.
    pub(super) unknown: Vec<String>,
    /// Whether it holds at certain times to come only.
    pub(super) depends_on_time: bool,
}

/// Judges a `Condition` element over the requests from `at` on. Every operator and every key in it must hold; of the values of a
/// key, one must.
pub(super) fn judge(condition: Option<&Value>, at: Time) -> Judged {
    let mut judged = Judged { holds: [Truth::Always; 2], unknown: Vec::new(), depends_on_time: false };
    let operators = match condition {
        None | Some(Value::Null) => return judged,
        Some(Value::Object(operators)) => operators,
        Some(_) => {
            judged.unknown.push("the condition is not an object".to_owned());
            return judged;
        }
    };
    for (name, keys) in operators {
        let (Some(operator), Value::Object(keys)) = (Operator::parse(name), keys) else {
            judged.unknown.push(format!("operator {name}"));
            continue;
        };
        for (key, values) in keys {
            let key_name = key.to_ascii_lowercase();
            let values = texts(values);
            for (holds, stranger) in judged.holds.iter_mut().zip(Stranger::ALL) {
                match Key::of(&key_name, stranger, at) {
                    Some(key) => {
                        let truth = operator.holds(&key, &values, stranger);
                        judged.depends_on_time |= matches!(key.domain, Domain::From(_)) && truth == Truth::Sometimes;
                        *holds = (*holds).min(truth);
                    }
                    // Said once, not for each stranger.
                    None if stranger == Stranger::Anonymous => judged.unknown.push(format!("{name} on {key}")),
                    None => {}
                }
            }
        }
    }
    judged
}

/// The texts of a value that may be single or a list; booleans and numbers as policies may write them.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        value => text(value).into_iter().collect(),
    }
}

/// A condition operator, taken apart.
#[derive(Debug)]
struct Operator {
    quantifier: Quantifier,
    compare: Compare,
    negated: bool,
    if_exists: bool,
}

/// `ForAllValues:` and `ForAnyValue:`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Quantifier {
    None,
    All,
    Any,
}

/// How an operator compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compare {
    /// Letter by letter.
    Exact,
    /// Letter by letter, whatever the case.
    IgnoringCase,
    /// With `*` and `?`. The ARN operators with and without `Like` all do this.
    Glob,
    /// Is the address in the range.
    Address,
    /// Numbers, dates and binary values: of keys whose value a stranger chooses, and of the time.
    Order(Relation),
    /// Is the key missing.
    Null,
}

/// How the request's value stands to the policy's. Whether equal ones count is a matter of one moment, and is not told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Relation {
    Before,
    At,
    After,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (quantifier, name) = match name.split_once(':') {
            Some(("forallvalues", rest)) => (Quantifier::All, rest),
            Some(("foranyvalue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::None, name.as_str()),
        };
        let (name, if_exists) = match name.strip_suffix("ifexists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (compare, negated) = match name {
            "stringequals" => (Compare::Exact, false),
            "stringnotequals" => (Compare::Exact, true),
            "stringequalsignorecase" | "bool" => (Compare::IgnoringCase, false),
            "stringnotequalsignorecase" => (Compare::IgnoringCase, true),
            "stringlike" | "arnlike" | "arnequals" => (Compare::Glob, false),
            "stringnotlike" | "arnnotlike" | "arnnotequals" => (Compare::Glob, true),
            "ipaddress" => (Compare::Address, false),
            "notipaddress" => (Compare::Address, true),
            "numericnotequals" | "datenotequals" => (Compare::Order(Relation::At), true),
            "numericequals" | "dateequals" | "binaryequals" => (Compare::Order(Relation::At), false),
            "numericlessthan" | "numericlessthanequals" | "datelessthan" | "datelessthanequals" => {
                (Compare::Order(Relation::Before), false)
            }
            "numericgreaterthan" | "numericgreaterthanequals" | "dategreaterthan" | "dategreaterthanequals" => {
                (Compare::Order(Relation::After), false)
            }
            "null" => (Compare::Null, false),
            _ => return None,
        };
        Some(Self { quantifier, compare, negated, if_exists })
    }

    fn holds(&self, key: &Key, values: &[String], stranger: Stranger) -> Truth {
        let present = key.present;
        if self.compare == Compare::Null {
            let wanted = |absent: &String| match absent.to_ascii_lowercase().as_str() {
                "true" => present.not(),
                "false" => present,
                _ => Truth::Never,
            };
            return values.iter().map(wanted).max().unwrap_or(Truth::Never);
        }
        let fits = key.domain.fits(self.compare, values, stranger);
        match (self.negated, self.quantifier) {
            // A missing key satisfies a negated operator, except that `ForAnyValue:` wants a value to look at.
            (true, Quantifier::Any) if !self.if_exists => present.min(fits.not()),
            (true, _) => present.min(fits).not(),
            (false, Quantifier::All) => present.not().max(fits),
            (false, _) if self.if_exists => present.not().max(fits),
            (false, _) => present.min(fits),
        }
    }
}

/// What a stranger's requests carry under a condition key.
#[derive(Debug)]
struct Key {
    present: Truth,
    domain: Domain,
}

/// The values a stranger's request can have.
#[derive(Debug)]
enum Domain {
    /// Whatever the stranger likes, or something that says nothing about who asks.
    Chosen,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// The unique name of something; a stranger has one, but not the one a policy spells out.
    Named(Naming),
    /// An address of the internet.
    Address,
    /// The time of the request, which is not before this.
    From(Time),
}

/// The shape of a unique name, which says what part of it must be fixed to shut strangers out.
#[derive(Clone, Copy, Debug)]
enum Naming {
    /// All of it.
    Plain,
    /// The account in the ARN.
    Arn,
    /// The organisation before the first `/`.
    OrganizationPath,
    /// The unique id before the `:`. (S3's own test calls a wildcard after it public; the id is unique all the same.)
    UserId,
}

impl Key {
    fn of(name: &str, stranger: Stranger, at: Time) -> Option<Self> {
        use Domain::{Address, Chosen, From, Named, OneOf};
        let signed = stranger == Stranger::Authenticated;
        // Carried by every signed request, or by some, and by no unsigned one.
        let if_signed = |present: Truth| if signed { present } else { Truth::Never };
        let key = |present, domain| Some(Self { present, domain });
        match name {
            "aws:sourceip" => key(if signed { Truth::Sometimes } else { Truth::Always }, Address),
            // Every AWS customer can have a VPC with these private addresses; only the VPC's own id is unique.
            "aws:vpcsourceip" => key(if_signed(Truth::Sometimes), Chosen),
            // Also unsigned requests can come through an endpoint, but it takes an AWS account to have one.
            "aws:sourcevpc" | "aws:sourcevpce" | "aws:vpceaccount" | "aws:vpceorgid" => {
                key(if_signed(Truth::Sometimes), Named(Naming::Plain))
            }
            "aws:sourcevpcarn" => key(if_signed(Truth::Sometimes), Named(Naming::Arn)),
            "aws:vpceorgpaths" | "aws:principalorgpaths" | "aws:sourceorgpaths" => {
                key(if_signed(Truth::Sometimes), Named(Naming::OrganizationPath))
            }
            // An AWS service acts for somebody; any AWS customer can make it act.
            "aws:sourceaccount" | "aws:sourceowner" | "aws:sourceorgid" | "aws:principalorgid" => {
                key(if_signed(Truth::Sometimes), Named(Naming::Plain))
            }
            "aws:sourcearn" => key(if_signed(Truth::Sometimes), Named(Naming::Arn)),
            "aws:principalarn" => key(if_signed(Truth::Always), Named(Naming::Arn)),
            "aws:principalaccount" if signed => key(Truth::Always, Named(Naming::Plain)),
            "aws:userid" if signed => key(Truth::Always, Named(Naming::UserId)),
            "aws:principalaccount" | "aws:userid" => key(Truth::Always, OneOf(&["anonymous"])),
            "aws:principaltype" if signed => {
                key(Truth::Always, OneOf(&["Account", "User", "AssumedRole", "FederatedUser"]))
            }
            "aws:principaltype" => key(Truth::Always, OneOf(&["Anonymous"])),
            "aws:principalisawsservice" => key(if_signed(Truth::Always), OneOf(&["false"])),
            "aws:principalservicename" | "aws:principalservicenameslist" => key(Truth::Never, Chosen),
            "aws:viaawsservice" if !signed => key(Truth::Always, OneOf(&["false"])),
            // Names, tags and sessions in an account of one's own are one's own to choose.
            "aws:username"
            | "aws:multifactorauthpresent"
            | "aws:multifactorauthage"
            | "aws:tokenissuetime"
            | "aws:federatedprovider"
            | "aws:sourceidentity"
            | "aws:calledvia"
            | "aws:calledviafirst"
            | "aws:calledvialast"
            | "aws:chatbotsourcearn"
            | "aws:ec2instancesourcevpc"
            | "aws:ec2instancesourceprivateipv4"
            | "s3:signatureage" => key(if_signed(Truth::Sometimes), Chosen),
            "s3:authtype" | "s3:signatureversion" => key(if_signed(Truth::Always), Chosen),
            _ if name.starts_with("aws:principaltag/") => key(if_signed(Truth::Sometimes), Chosen),
            // Only through an access point; with a fixed account its owner decides, and the owner is known.
            "s3:dataaccesspointaccount" => key(Truth::Sometimes, Named(Naming::Plain)),
            "s3:dataaccesspointarn" => key(Truth::Sometimes, Named(Naming::Arn)),
            // The key's own policy shuts strangers out: S3 counts a fixed key as not public.
            "s3:x-amz-server-side-encryption-aws-kms-key-id" => key(Truth::Sometimes, Named(Naming::Arn)),
            "aws:currenttime" | "aws:epochtime" => key(Truth::Always, From(at)),
            "aws:securetransport"
            | "aws:requestedregion"
            | "aws:viaawsservice"
            | "aws:resourceaccount"
            | "s3:resourceaccount" => key(Truth::Always, Chosen),
            "aws:referer"
            | "aws:useragent"
            | "aws:tagkeys"
            | "aws:resourceorgid"
            | "aws:resourceorgpaths"
            | "s3:prefix"
            | "s3:delimiter"
            | "s3:max-keys"
            | "s3:versionid"
            | "s3:tlsversion"
            | "s3:locationconstraint"
            | "s3:requestobjecttagkeys"
            | "s3:accesspointnetworkorigin"
            | "s3:inventoryaccessibleoptionalfields"
            | "s3:if-match"
            | "s3:if-none-match"
            | "s3:objectcreationoperation" => key(Truth::Sometimes, Chosen),
            _ if CHOSEN_FAMILIES.iter().any(|family| name.starts_with(family)) => key(Truth::Sometimes, Chosen),
            _ => None,
        }
    }
}

/// Families of keys about the request's headers and tags, or about the bucket and its objects: none restricts who.
const CHOSEN_FAMILIES: [&str; 6] = [
    "s3:x-amz-",
    "s3:existingobjecttag/",
    "s3:requestobjecttag/",
    "s3:object-lock-",
    "aws:requesttag/",
    "aws:resourcetag/",
];

impl Domain {
    /// How often a present value is one of those that the policy lists.
    fn fits(&self, compare: Compare, values: &[String], stranger: Stranger) -> Truth {
        match self {
            Self::Address => addresses_fit(values),
            Self::From(at) => {
                let fits = values.iter().map(|value| time_fits(compare, value, *at));
                fits.max().unwrap_or(Truth::Never)
            }
            Self::OneOf(options) => {
                let fitting = options.iter().filter(|option| values.iter().any(|value| equal(compare, value, option)));
                match fitting.count() {
                    0 => Truth::Never,
                    all if all == options.len() => Truth::Always,
                    _ => Truth::Sometimes,
                }
            }
            Self::Named(naming) => {
                let fits = values.iter().map(|value| naming.fits(compare, value));
                fits.max().unwrap_or(Truth::Never)
            }
            Self::Chosen => {
                let fits = values.iter().map(|value| chosen_fits(compare, value, stranger));
                fits.max().unwrap_or(Truth::Never)
            }
        }
    }
}

/// How often the time of a request from `at` on stands so to the policy's. What is no time is judged as what may be one.
fn time_fits(compare: Compare, value: &str, at: Time) -> Truth {
    let seconds = || value.parse::<i64>().ok().map(Time::from_seconds);
    let Compare::Order(relation) = compare else { return Truth::Sometimes };
    match (relation, seconds().or_else(|| Time::parse_lenient(value.trim()).ok())) {
        (Relation::Before | Relation::At, Some(end)) if end < at => Truth::Never,
        (Relation::After, Some(begin)) if begin < at => Truth::Always,
        _ => Truth::Sometimes,
    }
}

fn equal(compare: Compare, value: &str, actual: &str) -> bool {
    match compare {
        Compare::Glob => Pattern::new(value).matches(actual),
        Compare::IgnoringCase => value.eq_ignore_ascii_case(actual),
        _ => value == actual,
    }
}

fn chosen_fits(compare: Compare, value: &str, stranger: Stranger) -> Truth {
    let pattern = Pattern::new(value);
    if compare == Compare::Glob && pattern.is_everything() {
        Truth::Always
    } else if pattern.needs_identity() && stranger == Stranger::Anonymous {
        // A variable without a value makes the comparison fail.
        Truth::Never
    } else {
        Truth::Sometimes
    }
}

impl Naming {
    fn fits(self, compare: Compare, value: &str) -> Truth {
        // Variables about the bucket's owner are as fixed as the owner; any other may be the stranger's own.
        let value = value
            .replace("${aws:ResourceAccount}", "000000000000")
            .replace("${aws:ResourceOrgID}", "o-owner")
            .replace("${aws:ResourceOrgPaths}", "o-owner/");
        if compare != Compare::Glob {
            return if value.contains("${") { Truth::Sometimes } else { Truth::Never };
        }
        let pattern = Pattern::new(&value);
        if pattern.is_everything() {
            return Truth::Always;
        }
        let is_fixed = |part: &str| !part.is_empty() && !Pattern::new(part).is_open();
        let fixed = !pattern.is_open()
            || match self {
                Self::Plain => false,
                Self::Arn => value.split(':').nth(4).is_some_and(is_account),
                Self::OrganizationPath => value.split_once('/').is_some_and(|(organization, _)| is_fixed(organization)),
                Self::UserId => value.split_once(':').is_some_and(|(id, _)| is_fixed(id)),
            };
        if fixed { Truth::Never } else { Truth::Sometimes }
    }
}

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn addresses_fit(values: &[String]) -> Truth {
    let (mut all_v4, mut all_v6, mut wide) = (false, false, false);
    let mut v4_addresses = 0;
    for value in values {
        // An address in a string operator: wildcards are seen, and fixed texts are one address or range.
        if Pattern::new(value).is_everything() {
            return Truth::Always;
        }
        wide |= Pattern::new(value).is_open();
        match value.parse::<IpNet>().or_else(|_| value.parse::<IpAddr>().map(IpNet::from)) {
            Ok(IpNet::V4(range)) => {
                all_v4 |= range.prefix_len() == 0;
                wide |= range.prefix_len() < NARROW_V4_PREFIX_MIN;
                v4_addresses += 1_u64 << (32 - u32::from(range.prefix_len()));
            }
            Ok(IpNet::V6(range)) => {
                all_v6 |= range.prefix_len() == 0;
                // Unique local addresses are nobody's on the internet, however many.
                let is_local = range.network().octets()[0] & 0xfe == 0xfc && range.prefix_len() >= 7;
                wide |= range.prefix_len() < NARROW_V6_PREFIX_MIN && !is_local;
            }
            Err(_) => {}
        }
    }
    if all_v4 && all_v6 {
        Truth::Always
    } else {
        Truth::from_bool(wide || v4_addresses >= WIDE_V4_ADDRESSES).min(Truth::Sometimes)
    }
}
