//! Who a bucket policy lets in, decided by reasoning over the policy, never by looking for texts in it.
//!
//! The question is not what one request may do but what a *stranger* may do: someone the policy does not name, by
//! account, organisation, network or address. There are two kinds, the anonymous and the authenticated one, and for
//! each the policy is evaluated as IAM does it: some `Allow` must let a request through and no `Deny` may stop it.
//!
//! - An `Allow` counts if the stranger *can* satisfy its conditions, a `Deny` if the stranger *must*. So a denial that
//!   is escaped by asking over TLS takes nothing away, and a denial of everyone outside one organisation takes all.
//! - `"*"` and `{"AWS": "*"}` mean the same to S3: anyone, signed or not. A policy opens a bucket to "every AWS
//!   principal" only through a condition that unsigned requests cannot satisfy.
//! - A condition that is not known here is taken as restricting in an `Allow` and as escapable in a `Deny`, and is
//!   listed: the verdict is then not [complete](PolicyVerdict::complete). A key new to AWS is most often a new way
//!   to restrict, and the finding that rests on this verdict says "anyone", which must not be a guess.
//! - Two denials that only together leave no way in (over TLS, and not over TLS) are not put together.
//!
//! Sources: "The meaning of public" and the examples of bucket policies in the S3 user guide; policy evaluation logic,
//! condition operators and global condition keys in the IAM user guide. Where S3's own test is blunter than its
//! evaluation (it calls every wildcard public), the evaluation is followed.

mod condition;
mod pattern;

use condition::{Stranger, Truth, is_account, judge, texts};
use pattern::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use watchfire_model::Time;

/// S3 refuses policies over 20 KB. A longer one is not one that S3 accepted, and is not read.
const POLICY_BYTES_MAX: usize = 20 * 1024;
/// URL encoding writes three bytes for one, and white space does not count for S3.
const POLICY_TEXT_BYTES_MAX: usize = 4 * POLICY_BYTES_MAX;
/// Names and lists in explanations are cut to this many characters.
const EXPLAINED_CHARS_MAX: usize = 120;

/// The canonical user id that S3 gives to unsigned requests.
pub(crate) const ANONYMOUS_CANONICAL_ID: &str = "65a011a29cdf8ec533ec3d1ccaae921c";

/// Whom a document lets in besides those it names. Ordered: each includes the ones before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Audience {
    /// Nobody else.
    #[default]
    Nobody,
    /// Every authenticated AWS principal, of whatever account.
    AnyAwsPrincipal,
    /// Everyone on the internet, without credentials too.
    Anyone,
}

impl Audience {
    /// The words for a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody else",
            Self::AnyAwsPrincipal => "every AWS principal of any account",
            Self::Anyone => "anyone on the internet",
        }
    }
}

/// What one statement, or one entry of an ACL, gives to strangers once denials are taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// To whom.
    pub audience: Audience,
    /// Reading objects, or the configuration of bucket or objects.
    pub read: bool,
    /// Writing or deleting objects, or changing configuration, ACLs or the policy itself.
    pub write: bool,
    /// Listing objects or uploads.
    pub list: bool,
    /// The statement's `Sid`, or its place as `#1`; of an ACL the grantee.
    pub statement: String,
    /// A whole sentence.
    pub reason: String,
}

/// What one statement would give to strangers if another did not deny it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The statement that allows.
    pub statement: String,
    /// The statement that denies.
    pub by: String,
    /// To whom it is denied, at the least.
    pub audience: Audience,
    /// A whole sentence.
    pub reason: String,
}

/// What a policy gives to strangers.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyVerdict {
    /// The widest audience of any grant.
    pub audience: Audience,
    /// What is given to strangers, in the policy's order. A statement that gives the anonymous less than the
    /// authenticated makes two grants.
    pub grants: Vec<Grant>,
    /// What would be given to strangers, but is denied.
    pub denied: Vec<Denial>,
    /// Conditions whose operator or key is not known here.
    pub conditions_not_understood: Vec<String>,
    /// Whole sentences on what else limits the verdict.
    pub notes: Vec<String>,
    /// Whether every `Allow` was understood. If not, there may be more grants than these.
    pub allows_understood: bool,
    /// Whether every `Deny` was understood. If not, some of these grants may be denied.
    pub denials_understood: bool,
}

impl PolicyVerdict {
    /// The verdict on a bucket that is known to have no policy: nobody is let in, and nothing was left unread.
    pub fn none() -> Self {
        Self { allows_understood: true, denials_understood: true, ..Self::default() }
    }

    /// Whether all of the policy was understood.
    pub fn complete(&self) -> bool {
        self.allows_understood && self.denials_understood
    }

    /// Whether strangers may read or list.
    pub fn allows_public_read(&self) -> bool {
        self.grants.iter().any(|grant| grant.read || grant.list)
    }

    /// Whether strangers may write.
    pub fn allows_public_write(&self) -> bool {
        self.grants.iter().any(|grant| grant.write)
    }

    fn not_read(note: &str) -> Self {
        Self { notes: vec![note.to_owned()], ..Self::default() }
    }
}

/// Decides whom a bucket's policy lets in.
///
/// `policy` is `requestParameters.bucketPolicy` as CloudTrail logs it (an object), or the same as text, URL-encoded or
/// not. Anything else gives a verdict that is not complete. The requests judged are those from `at` on: what a policy allowed until
/// a day before that, it allows no more.
pub fn evaluate_policy(policy: &Value, bucket: &str, at: Time) -> PolicyVerdict {
    let document = match read_document(policy) {
        Ok(document) => document,
        Err(note) => return PolicyVerdict::not_read(note),
    };
    let statements = match document.as_object().and_then(|document| element(document, "Statement")) {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => return PolicyVerdict::not_read("The policy has no statements."),
    };
    let mut verdict = PolicyVerdict::none();
    if bucket.is_empty() {
        verdict.notes.push("The name of the bucket is not known, so only statements on every bucket count.".to_owned());
        verdict.allows_understood = false;
    }
    let statements: Vec<Statement> = statements
        .iter()
        .enumerate()
        .filter_map(|(index, statement)| Statement::read(statement, index, at, &mut verdict))
        .collect();
    let target = Target::of(bucket);
    let actions = actions_of(&statements);
    let denials: Vec<&Statement> = statements.iter().filter(|statement| !statement.allow).collect();
    for statement in statements.iter().filter(|statement| statement.allow) {
        weigh(statement, &denials, &target, &actions, &mut verdict);
    }
    verdict.audience = verdict.grants.iter().map(|grant| grant.audience).max().unwrap_or_default();
    verdict
}

/// Takes the denials off what one `Allow` gives to each stranger, and writes down what is left.
fn weigh(
    statement: &Statement,
    denials: &[&Statement],
    target: &Target,
    actions: &[Action<'_>],
    verdict: &mut PolicyVerdict,
) {
    let mut given_to_all = Given::default();
    for (index, stranger) in Stranger::ALL.into_iter().enumerate() {
        if statement.reach[index] == Truth::Never {
            continue;
        }
        let audience = match stranger {
            Stranger::Anonymous => Audience::Anyone,
            Stranger::Authenticated => Audience::AnyAwsPrincipal,
        };
        let pieces = statement.pieces(target, stranger);
        // Only denials that no request of this stranger escapes, each with the pieces it covers.
        let denials: Vec<(&Statement, Vec<bool>)> = denials
            .iter()
            .filter(|denial| denial.reach[index] == Truth::Always)
            .map(|denial| (*denial, pieces.iter().map(|piece| denial.resources.cover(piece, target)).collect()))
            .collect();
        let mut given = Given::default();
        for action in actions.iter().filter(|action| statement.actions.include(&action.name)) {
            let denials: Vec<&(&Statement, Vec<bool>)> =
                denials.iter().filter(|(denial, _)| denial.actions.include(&action.name)).collect();
            for (at, _) in pieces.iter().enumerate().filter(|(_, piece)| action.level.is_on(piece.level)) {
                match denials.iter().find(|(_, covered)| covered[at]) {
                    Some((denial, _)) => note_denial(statement, denial, audience, verdict),
                    None => given.add(action.kind),
                }
            }
        }
        // The authenticated may do what the anonymous may: by not signing.
        let more = given.beyond(given_to_all);
        if more.any() {
            verdict.grants.push(grant(statement, audience, more));
        }
        given_to_all = given;
    }
}

fn grant(statement: &Statement, audience: Audience, given: Given) -> Grant {
    let what = [(given.read, "read"), (given.write, "write"), (given.list, "list")];
    let what: Vec<&str> = what.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    let conditions = match (statement.has_conditions, audience) {
        (false, _) => "",
        (true, Audience::Anyone) => "; its conditions do not restrict who asks",
        (true, _) => "; its conditions restrict it no further",
    };
    let reason = format!(
        "Statement {} lets {} {} ({}){conditions}.",
        statement.name,
        audience.words(),
        what.join(", "),
        statement.actions.text,
    );
    Grant {
        audience,
        read: given.read,
        write: given.write,
        list: given.list,
        statement: statement.name.clone(),
        reason,
    }
}

fn note_denial(statement: &Statement, denial: &Statement, audience: Audience, verdict: &mut PolicyVerdict) {
    let mut known = verdict.denied.iter_mut();
    if let Some(known) = known.find(|known| known.statement == statement.name && known.by == denial.name) {
        // Denied to the signed as well as to the unsigned: the same sentence covers both.
        known.audience = known.audience.max(audience);
        return;
    }
    verdict.denied.push(Denial {
        statement: statement.name.clone(),
        by: denial.name.clone(),
        audience,
        reason: format!(
            "Statement {} would let in {}, but statement {} denies it in part or whole.",
            statement.name,
            audience.words(),
            denial.name
        ),
    });
}

/// What strangers are given, in three words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Given {
    read: bool,
    write: bool,
    list: bool,
}

impl Given {
    fn add(&mut self, kind: ActionKind) {
        match kind {
            ActionKind::Read => self.read = true,
            ActionKind::Write => self.write = true,
            ActionKind::List => self.list = true,
        }
    }

    fn beyond(self, other: Self) -> Self {
        Self { read: self.read && !other.read, write: self.write && !other.write, list: self.list && !other.list }
    }

    fn any(self) -> bool {
        self.read || self.write || self.list
    }
}

/// One statement, as far as strangers are concerned.
#[derive(Debug)]
struct Statement {
    name: String,
    allow: bool,
    /// How often it applies to requests of each of [`Stranger::ALL`].
    reach: [Truth; 2],
    actions: ActionSet,
    resources: ResourceSet,
    has_conditions: bool,
}

impl Statement {
    /// Reads a statement. One that S3 would refuse is left out, with a note.
    fn read(value: &Value, index: usize, at: Time, verdict: &mut PolicyVerdict) -> Option<Self> {
        let statement = value.as_object();
        let sid = statement.and_then(|statement| element(statement, "Sid")).and_then(Value::as_str).unwrap_or_default();
        let name = if sid.is_empty() { format!("#{}", index + 1) } else { shorten(sid) };
        let mut refuse = |what: &str| {
            verdict.notes.push(format!("Statement {name} {what}, so it is left out."));
            verdict.allows_understood = false;
            verdict.denials_understood = false;
        };
        let Some(statement) = statement else {
            refuse("is not an object");
            return None;
        };
        let effect = element(statement, "Effect").and_then(Value::as_str).unwrap_or_default();
        let allow = effect.eq_ignore_ascii_case("Allow");
        if !allow && !effect.eq_ignore_ascii_case("Deny") {
            refuse("has neither the effect Allow nor Deny");
            return None;
        }
        let Some(principals) = principals(statement) else {
            refuse("has no principal");
            return None;
        };
        let Some(actions) = ActionSet::read(statement) else {
            refuse("has no action");
            return None;
        };
        let Some(resources) = ResourceSet::read(statement) else {
            refuse("has no resource");
            return None;
        };
        let condition = element(statement, "Condition");
        let judged = judge(condition, at);
        let mut reach = principals;
        for (reach, holds) in reach.iter_mut().zip(judged.holds) {
            *reach = (*reach).min(holds);
            if !judged.unknown.is_empty() {
                *reach = if allow { Truth::Never } else { (*reach).min(Truth::Sometimes) };
            }
        }
        // A condition that cannot change the answer for strangers need not be understood.
        if !judged.unknown.is_empty() && principals != [Truth::Never; 2] {
            if allow {
                verdict.allows_understood = false;
            } else {
                verdict.denials_understood = false;
            }
            let unknown = judged.unknown.iter().map(|unknown| format!("statement {name}: {}", shorten(unknown)));
            verdict.conditions_not_understood.extend(unknown);
        }
        if judged.depends_on_time && reach != [Truth::Never; 2] {
            verdict
                .notes
                .push(format!("Statement {name} applies at certain times only; it is judged as if it were one."));
        }
        let has_conditions = condition.and_then(Value::as_object).is_some_and(|condition| !condition.is_empty());
        Some(Self { name, allow, reach, actions, resources, has_conditions })
    }

    /// The parts of the bucket that an `Allow` opens to this stranger.
    fn pieces(&self, target: &Target, stranger: Stranger) -> Vec<Piece> {
        let usable = |pattern: &&Pattern| stranger == Stranger::Authenticated || !pattern.needs_identity();
        let mut pieces = Vec::new();
        let patterns = &self.resources.patterns;
        let is_listed = |part: &Pattern| patterns.iter().filter(usable).any(|pattern| pattern.overlaps(part));
        if self.resources.negated {
            for (level, part) in [(Level::Bucket, &target.bucket), (Level::Object, &target.objects)] {
                if !patterns.iter().any(|pattern| pattern.contains(part)) {
                    pieces.push(Piece { level, pattern: part.clone() });
                }
            }
            return pieces;
        }
        if is_listed(&target.bucket) {
            pieces.push(Piece { level: Level::Bucket, pattern: target.bucket.clone() });
        }
        for pattern in patterns.iter().filter(usable).filter(|pattern| pattern.overlaps(&target.objects)) {
            pieces.push(Piece { level: Level::Object, pattern: pattern.clone() });
        }
        pieces
    }
}

/// How often the principals of a statement include each of [`Stranger::ALL`]; `None` if it names none.
fn principals(statement: &Map<String, Value>) -> Option<[Truth; 2]> {
    if let Some(principal) = element(statement, "Principal") {
        return Some(includes_strangers(principal));
    }
    element(statement, "NotPrincipal").map(|principal| includes_strangers(principal).map(Truth::not))
}

fn includes_strangers(principal: &Value) -> [Truth; 2] {
    const EVERYONE: [Truth; 2] = [Truth::Always; 2];
    const NO_STRANGER: [Truth; 2] = [Truth::Never; 2];
    const SOME_AUTHENTICATED: [Truth; 2] = [Truth::Never, Truth::Sometimes];
    let one = |kind: &str, name: &str| match kind.to_ascii_lowercase().as_str() {
        "aws" if name == "*" => EVERYONE,
        "aws" if name.contains('*') && !name.split(':').nth(4).is_some_and(is_account) => SOME_AUTHENTICATED,
        "canonicaluser" if name == ANONYMOUS_CANONICAL_ID => [Truth::Always, Truth::Never],
        // A web identity provider such as `graph.facebook.com` serves everyone; one with an ARN is somebody's own.
        "federated" if !name.starts_with("arn:") => SOME_AUTHENTICATED,
        _ => NO_STRANGER,
    };
    match principal {
        Value::String(_) | Value::Array(_) if texts(principal).iter().any(|name| name == "*") => EVERYONE,
        Value::Object(kinds) => {
            let names = kinds.iter().flat_map(|(kind, names)| texts(names).into_iter().map(move |name| (kind, name)));
            names
                .map(|(kind, name)| one(kind, &name))
                .fold(NO_STRANGER, |one, two| [one[0].max(two[0]), one[1].max(two[1])])
        }
        _ => NO_STRANGER,
    }
}

/// `Action` or `NotAction`.
#[derive(Debug)]
struct ActionSet {
    negated: bool,
    patterns: Vec<Pattern>,
    names: Vec<String>,
    text: String,
}

impl ActionSet {
    fn read(statement: &Map<String, Value>) -> Option<Self> {
        let (negated, names) = listed(statement, "Action", "NotAction")?;
        let text = shorten(&format!("{}{}", if negated { "all but " } else { "" }, names.join(", ")));
        let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let patterns = names.iter().map(|name| Pattern::new(name)).collect();
        Some(Self { negated, patterns, names, text })
    }

    fn include(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
    }
}

/// `Resource` or `NotResource`, with every partition written `aws`.
#[derive(Debug)]
struct ResourceSet {
    negated: bool,
    patterns: Vec<Pattern>,
}

impl ResourceSet {
    fn read(statement: &Map<String, Value>) -> Option<Self> {
        let (negated, names) = listed(statement, "Resource", "NotResource")?;
        let patterns = names.iter().map(|name| Pattern::new(&in_default_partition(name))).collect();
        Some(Self { negated, patterns })
    }

    /// Whether a denial of these surely covers all of that piece.
    fn cover(&self, piece: &Piece, target: &Target) -> bool {
        // A piece may reach beyond the bucket (`*`), so covering the bucket's part of it is enough.
        let whole = if piece.level == Level::Bucket { &target.bucket } else { &target.objects };
        if self.negated {
            let misses = |part: &Pattern| !self.patterns.iter().any(|pattern| pattern.overlaps(part));
            return misses(&piece.pattern) || misses(whole);
        }
        self.patterns.iter().any(|pattern| pattern.contains(&piece.pattern) || pattern.contains(whole))
    }
}

fn in_default_partition(arn: &str) -> Cow<'_, str> {
    match arn.strip_prefix("arn:aws-").and_then(|rest| rest.split_once(':')) {
        Some((_, rest)) => Cow::Owned(format!("arn:aws:{rest}")),
        None => Cow::Borrowed(arn),
    }
}

/// What the policy is attached to.
#[derive(Debug)]
struct Target {
    bucket: Pattern,
    objects: Pattern,
}

impl Target {
    fn of(bucket: &str) -> Self {
        // A key has at least one character.
        Self {
            bucket: Pattern::new(&format!("arn:aws:s3:::{bucket}")),
            objects: Pattern::new(&format!("arn:aws:s3:::{bucket}/?*")),
        }
    }
}

/// A part of the target that a statement opens.
#[derive(Debug)]
struct Piece {
    level: Level,
    pattern: Pattern,
}

/// What kind of resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Bucket,
    Object,
    /// Not known which: an action that is newer than our list.
    Either,
}

impl Level {
    fn is_on(self, level: Self) -> bool {
        self == Self::Either || self == level
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ActionKind {
    Read,
    Write,
    List,
}

/// One S3 action, in lower case.
#[derive(Debug)]
struct Action<'a> {
    name: Cow<'a, str>,
    kind: ActionKind,
    level: Level,
}

/// The actions worth asking about: those we know, and those that the policy spells out.
fn actions_of(statements: &[Statement]) -> Vec<Action<'_>> {
    let mut actions: Vec<Action<'_>> = Vec::new();
    for (level, kind, names) in ACTIONS {
        let names = names.split_ascii_whitespace().map(|name| format!("s3:{}", name.to_ascii_lowercase()));
        actions.extend(names.map(|name| Action { name: Cow::Owned(name), kind, level }));
    }
    let spelt = statements.iter().flat_map(|statement| &statement.actions.names);
    for name in spelt.filter(|name| name.starts_with("s3:") && !name.contains(['*', '?'])) {
        if actions.iter().any(|action| action.name == *name) {
            continue;
        }
        let kind = match &name["s3:".len()..] {
            verb if verb.starts_with("get") || verb.starts_with("head") || verb.starts_with("describe") => {
                ActionKind::Read
            }
            verb if verb.starts_with("list") => ActionKind::List,
            _ => ActionKind::Write,
        };
        actions.push(Action { name: Cow::Borrowed(name), kind, level: Level::Either });
    }
    actions
}

/// The actions of S3 that a bucket policy can grant. Source: the service authorization reference, "Amazon S3".
const ACTIONS: [(Level, ActionKind, &str); 6] = [
    (Level::Bucket, ActionKind::List, "ListBucket ListBucketVersions ListBucketMultipartUploads ListTagsForResource"),
    (Level::Object, ActionKind::List, "ListMultipartUploadParts"),
    (
        Level::Object,
        ActionKind::Read,
        "GetObject GetObjectVersion GetObjectAcl GetObjectVersionAcl GetObjectTagging GetObjectVersionTagging \
         GetObjectAttributes GetObjectVersionAttributes GetObjectTorrent GetObjectVersionTorrent GetObjectRetention \
         GetObjectLegalHold GetObjectVersionForReplication",
    ),
    (
        Level::Bucket,
        ActionKind::Read,
        "GetBucketAcl GetBucketPolicy GetBucketPolicyStatus GetBucketLocation GetBucketVersioning GetBucketWebsite \
         GetBucketLogging GetBucketNotification GetBucketCORS GetBucketTagging GetBucketRequestPayment \
         GetBucketOwnershipControls GetBucketPublicAccessBlock GetBucketObjectLockConfiguration \
         GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration GetInventoryConfiguration \
         GetMetricsConfiguration GetAnalyticsConfiguration GetAccelerateConfiguration \
         GetIntelligentTieringConfiguration",
    ),
    (
        Level::Object,
        ActionKind::Write,
        "PutObject PutObjectAcl PutObjectVersionAcl PutObjectTagging PutObjectVersionTagging PutObjectRetention \
         PutObjectLegalHold DeleteObject DeleteObjectVersion DeleteObjectTagging DeleteObjectVersionTagging \
         AbortMultipartUpload RestoreObject BypassGovernanceRetention ReplicateObject ReplicateDelete ReplicateTags \
         ObjectOwnerOverrideToBucketOwner InitiateReplication",
    ),
    (
        Level::Bucket,
        ActionKind::Write,
        "PutBucketAcl PutBucketPolicy DeleteBucketPolicy DeleteBucket PutBucketVersioning PutBucketWebsite \
         DeleteBucketWebsite PutBucketLogging PutBucketNotification PutBucketCORS PutBucketTagging \
         PutBucketRequestPayment PutBucketOwnershipControls PutBucketPublicAccessBlock \
         PutBucketObjectLockConfiguration PutEncryptionConfiguration PutLifecycleConfiguration \
         PutReplicationConfiguration PutInventoryConfiguration PutMetricsConfiguration PutAnalyticsConfiguration \
         PutAccelerateConfiguration PutIntelligentTieringConfiguration TagResource UntagResource",
    ),
];

/// The texts of one of two elements, and whether it was the negated one; `None` if both are missing or empty.
fn listed(statement: &Map<String, Value>, name: &str, negated_name: &str) -> Option<(bool, Vec<String>)> {
    let (negated, value) = match element(statement, name) {
        Some(value) => (false, value),
        None => (true, element(statement, negated_name)?),
    };
    let names = texts(value);
    (!names.is_empty()).then_some((negated, names))
}

/// A member by its name, whatever its case: IAM does not distinguish it, and services differ in how they log it.
pub(crate) fn element<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn read_document(policy: &Value) -> Result<Cow<'_, Value>, &'static str> {
    const TOO_LARGE: &str = "The policy is larger than S3 accepts, so it is not read.";
    let document = match policy {
        Value::Object(_) => Cow::Borrowed(policy),
        Value::String(text) if text.len() > POLICY_TEXT_BYTES_MAX => return Err(TOO_LARGE),
        Value::String(text) => {
            let text = text.trim();
            let text = if text.starts_with('%') { Cow::Owned(url_decoded(text)) } else { Cow::Borrowed(text) };
            Cow::Owned(serde_json::from_str(&text).map_err(|_| "The policy is not JSON.")?)
        }
        _ => return Err("The policy is neither an object nor a text."),
    };
    if is_larger_than(&document, POLICY_BYTES_MAX) { Err(TOO_LARGE) } else { Ok(document) }
}

/// Whether the texts and values in a document take more bytes than this. Stops counting there, and does not recurse.
fn is_larger_than(document: &Value, bytes_max: usize) -> bool {
    let mut open = vec![document];
    let mut bytes = 0;
    while let Some(value) = open.pop() {
        bytes += 1;
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(values) if values.len() <= bytes_max => open.extend(values),
            Value::Object(members) if members.len() <= bytes_max => {
                bytes += members.keys().map(String::len).sum::<usize>();
                open.extend(members.values());
            }
            Value::Array(_) | Value::Object(_) => return true,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if bytes > bytes_max {
            return true;
        }
    }
    false
}

fn url_decoded(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        let value = match (byte, hex(rest.first()), hex(rest.get(1))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        decoded.push(value.unwrap_or(byte));
        bytes = if value.is_some() { &rest[2..] } else { rest };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(EXPLAINED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
