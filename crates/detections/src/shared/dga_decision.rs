//! When the failed queries of one client are a domain generation algorithm at work.
//!
//! Malware with such an algorithm asks for many names of which few exist. Two tests, both over the domains of one client
//! ([`counted_domain`]), each counted once an hour:
//!
//! - [`generated_names`]: enough of the failed names look generated. One such name means nothing.
//! - [`RateTest`]: failures come too thick for this client, whatever the names look like. It is there for algorithms that put
//!   words of a dictionary together, whose names no model tells from a shop's.
//!
//! [`muted`] says which failed names are to be left out before either. A failure is an answer NXDOMAIN: SERVFAIL and REFUSED
//! speak of servers, not of names. All of it is integer arithmetic over plain values, and the same for any order of the
//! arguments.

use super::dga::{DgaModel, DgaThreshold, judged_label};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_knowledge::Suffixes;
use watchfire_model::Time;

/// How long names count together, in milliseconds. Source: design, "DGA".
pub const WINDOW_MS: i64 = Time::HOUR_MS;

/// Distinct failed domains above the per-mille threshold that are needed. Source: design, "DGA": with fifty failed domains
/// an hour a benign client has them by chance once in a million hours.
pub const GENERATED_MIN: usize = 5;

/// The share of the failed domains that must lie above it, in percent: a client whose thousand failures are mostly words
/// has another trouble. Source: design, "DGA".
pub const GENERATED_PERCENT_MIN: usize = 10;

/// Names quoted in a verdict.
pub const EXAMPLES_MAX: usize = 5;

/// A registered domain under which a client's query failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NxDomain<'a> {
    /// As [`counted_domain`] gives it, in lower case. Not of a name that [`muted`] leaves out.
    pub domain: &'a str,
    /// The first failed query for a name under it, in the hour at hand.
    pub first: Time,
    /// [`DgaModel::score`] of its label; `None` if the label cannot be judged. It counts as failed all the same.
    pub score: Option<i32>,
}

impl<'a> NxDomain<'a> {
    /// With the score that the model gives its label.
    pub fn new(domain: &'a str, first: Time, model: &DgaModel<'_>) -> Self {
        Self { domain, first, score: judged_label(domain).map(|label| model.score(label)) }
    }
}

/// How many generated-looking names are enough within one hour.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Enough {
    /// Distinct domains above the per-mille threshold.
    pub names: usize,
    /// Their share of those that failed, in percent.
    pub percent: f64,
}

impl Default for Enough {
    fn default() -> Self {
        Self { names: GENERATED_MIN, percent: GENERATED_PERCENT_MIN as f64 }
    }
}

/// Enough generated-looking names within one hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GeneratedNames<'a> {
    /// The first failed query of the hour that was enough.
    pub since: Time,
    /// The failed query with which it was enough.
    pub until: Time,
    /// Distinct failed domains in that hour.
    pub failed: usize,
    /// Those of them above the threshold.
    pub generated: usize,
    /// The threshold, in [`SCORE_UNIT`](super::dga::SCORE_UNIT).
    pub threshold: i32,
    /// The highest scores among them and their names, at most [`EXAMPLES_MAX`].
    pub examples: Vec<(&'a str, i32)>,
}

/// The first hour in which at least `enough.names` distinct failed domains of one client lie above the per-mille threshold,
/// and at least `enough.percent` percent of those that failed.
///
/// `domains` may span any time and come in any order. The hour slides: it ends with each failed query, and begins after
/// the moment [`WINDOW_MS`] before it. A domain that is given for two times counts once in an hour that holds both.
pub fn generated_names<'a>(
    domains: &[NxDomain<'a>],
    model: &DgaModel<'_>,
    enough: Enough,
) -> Option<GeneratedNames<'a>> {
    let is_generated =
        |domain: &NxDomain<'_>| domain.score.is_some_and(|score| model.is_above(score, DgaThreshold::PerMille));
    let mut sorted = domains.to_vec();
    sorted.sort_unstable_by_key(|domain| (domain.first, domain.domain));
    let (mut begin, mut window) = (0, Window::default());
    for (end, domain) in sorted.iter().enumerate() {
        window.enter(domain.domain, is_generated(domain));
        while sorted[begin].first.plus_ms(WINDOW_MS) <= domain.first {
            window.leave(sorted[begin].domain);
            begin += 1;
        }
        if window.is_enough(enough) {
            let threshold = model.threshold(DgaThreshold::PerMille);
            return Some(verdict(&sorted[begin..=end], &window, threshold));
        }
    }
    None
}

/// The distinct domains of one hour.
#[derive(Default)]
struct Window<'a> {
    /// How often each was given, and whether it looked generated the first time.
    domains: BTreeMap<&'a str, (usize, bool)>,
    generated: usize,
}

impl<'a> Window<'a> {
    fn enter(&mut self, domain: &'a str, is_generated: bool) {
        let (times, _) = self.domains.entry(domain).or_insert((0, is_generated));
        self.generated += usize::from(is_generated && *times == 0);
        *times += 1;
    }

    fn leave(&mut self, domain: &str) {
        let Some((times, is_generated)) = self.domains.get_mut(domain) else { return };
        *times -= 1;
        if *times == 0 {
            self.generated -= usize::from(*is_generated);
            self.domains.remove(domain);
        }
    }

    fn is_enough(&self, enough: Enough) -> bool {
        let share_needed = self.domains.len() as f64 * enough.percent;
        self.generated >= enough.names && self.generated as f64 * 100.0 >= share_needed
    }
}

fn verdict<'a>(hour: &[NxDomain<'a>], window: &Window<'_>, threshold: i32) -> GeneratedNames<'a> {
    let scored = hour.iter().filter_map(|domain| Some((domain.domain, domain.score?)));
    let mut examples: Vec<_> = scored.filter(|(_, score)| *score > threshold).collect();
    examples.sort_unstable_by_key(|(domain, score)| (std::cmp::Reverse(*score), *domain));
    examples.dedup();
    examples.truncate(EXAMPLES_MAX);
    let time = |domain: Option<&NxDomain<'_>>| domain.map_or_else(Time::default, |domain| domain.first);
    GeneratedNames {
        since: time(hour.first()),
        until: time(hour.last()),
        failed: window.domains.len(),
        generated: window.generated,
        threshold,
        examples,
    }
}

/// The domain as which a name is counted: what was bought from a registry, or got from a provider of dynamic DNS.
///
/// That is the registered domain; below a provider, which `is_dynamic_dns` tells, the provider's domain and one label more.
/// Else all names that an algorithm makes below `duckdns.org` were one domain, and one that resolves. Keeps the spelling of
/// `name`, without a trailing dot; empty for a suffix alone, a single label or no name.
pub fn counted_domain(name: &str, is_dynamic_dns: impl Fn(&str) -> bool) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    // Two dots at the end leave an empty label, which no name has.
    let registered = if name.ends_with('.') { "" } else { Suffixes.registered_domain(name) };
    let customers = with_parents(name, registered).zip(with_parents(name, registered).skip(1));
    customers
        .filter(|(_, provider)| is_dynamic_dns(provider))
        .map(|(customer, _)| customer)
        .next()
        .unwrap_or(registered)
}

/// Why a failed name says nothing about its client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Muted {
    /// No registered domain: one label, as browsers send to see whether a network answers everything, or a suffix alone.
    NoDomain,
    /// A name of a local network, that nobody can register: the search list was appended, or a machine is gone.
    Local,
    /// It, or a name above it, resolves or is local: the domain exists, only the host does not.
    Resolved,
    /// A program asks about a name or an address that someone else chose: reverse look-ups, block lists, hashes of files,
    /// mail policies. "No such name" is their usual answer.
    LookUp,
}

/// Whether a failed name must be left out of both tests, and why.
///
/// `domain` is the name's [`counted_domain`]. `resolves` is asked for the name and for each name above it, as far as that
/// domain, without a trailing dot and spelt as in `name`: whether it is known to resolve (for this client or another), or is a search domain or zone of the
/// network. With `example.com` among those, `wpad.example.com.` is left out.
pub fn muted(name: &str, domain: &str, resolves: impl Fn(&str) -> bool) -> Option<Muted> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let top = name.rsplit('.').next().unwrap_or_default();
    if is_one_of(top, &["arpa"]) || asks_about_others(name, domain) {
        Some(Muted::LookUp)
    } else if is_one_of(top, LOCAL) {
        Some(Muted::Local)
    } else if domain.is_empty() {
        Some(Muted::NoDomain)
    } else if with_parents(name, domain).any(resolves) {
        Some(Muted::Resolved)
    } else {
        None
    }
}

/// Top-level names that no registry sells. Source: RFC 6761, 6762 (with appendix G), 7686, 8375 and 9476, and ICANN's
/// reservation of `internal` (2024) and deferral of `corp`, `home` and `mail` (2018).
const LOCAL: &[&str] = &[
    "alt",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "test",
];

/// Services that are asked about others' names, addresses and files, and answer NXDOMAIN for "not listed".
/// Source: their own documentation of how to query them.
const LOOK_UP_SERVICES: &[&str] = &[
    "abuseat.org",
    "avqs.mcafee.com",
    "avts.mcafee.com",
    "barracudacentral.org",
    "cymru.com",
    "dnswl.org",
    "e5.sk",
    "mailspike.net",
    "njabl.org",
    "sophosxl.net",
    "sorbs.net",
    "spamcop.net",
    "spamhaus.net",
    "spamhaus.org",
    "surbl.org",
    "uribl.com",
];

/// The shortest hash that is asked about, in digits: an MD5 sum in hexadecimal. Source: RFC 1321.
const HASH_DIGITS_MIN: usize = 32;

/// Reversed addresses begin with so many numbers: four of IPv4, 32 of IPv6. Source: RFC 5782, section 2.
const ADDRESS_LABELS: usize = 4;

/// Whether names below this registered domain ask such a service: it, or one of its domains, is one.
pub(crate) fn is_look_up_service(domain: &str) -> bool {
    let is_below =
        |service: &&str| service.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !domain.is_empty() && LOOK_UP_SERVICES.iter().any(is_below)
}

fn asks_about_others(name: &str, domain: &str) -> bool {
    let Some(host) = name.strip_suffix(domain).filter(|_| !domain.is_empty()) else { return false };
    let labels = || host.split('.').filter(|label| !label.is_empty());
    let is_number =
        |label: &str| label.parse::<u8>().is_ok() || (label.len() == 1 && label.as_bytes()[0].is_ascii_hexdigit());
    let is_hash = |label: &str| label.len() >= HASH_DIGITS_MIN && label.bytes().all(|byte| byte.is_ascii_hexdigit());
    with_parents(name, domain).any(|parent| is_one_of(parent, LOOK_UP_SERVICES))
        || labels().any(|label| label.starts_with('_') || is_hash(label))
        || labels().take_while(|label| is_number(label)).count() >= ADDRESS_LABELS
}

/// The name and each above it, as far as the domain.
fn with_parents<'a>(name: &'a str, domain: &str) -> impl Iterator<Item = &'a str> {
    let least = domain.len();
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
        .take_while(move |name| name.len() >= least)
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Changed letters between two misspellings of one word, each of which has one. Source: the tools that try them (dnstwist,
/// URLCrazy) change one place; a family that changes the beginning of one word (Banjori) changes four.
const MISSPELT_EDITS_MAX: usize = 2;
/// So many percent of the labels must be: such tools try a few other things as well.
const MISSPELT_PERCENT_MIN: usize = 80;
/// Shorter labels are near each other by chance.
const MISSPELT_BYTES_MIN: usize = 6;
/// So few labels say nothing.
const MISSPELT_LABELS_MIN: usize = 4;
/// Labels tried as the word that the others are near.
const MISSPELT_TRIED: usize = 5;

/// Whether the domains are one word written in many ways, as tools ask for that look after a brand: most of their labels are at
/// most two changed letters away from one of them. `domains` are what [`counted_domain`] gave.
pub fn are_misspellings<'d>(domains: impl Iterator<Item = &'d str>) -> bool {
    let mut labels: Vec<&str> = domains.map(|domain| domain.split('.').next().unwrap_or_default()).collect();
    labels.sort_unstable();
    labels.dedup();
    // One word with many numbers behind it is no misspelling.
    let word = |label: &&'d str| label.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let spellings: BTreeSet<&str> = labels.iter().map(word).collect();
    if labels.len() < MISSPELT_LABELS_MIN || spellings.len() * 2 < labels.len() {
        return false;
    }
    let is_near = |word: &str| {
        let near = labels.iter().filter(|label| edits_within(word, label, MISSPELT_EDITS_MAX)).count();
        near * 100 >= labels.len() * MISSPELT_PERCENT_MIN
    };
    let step = (labels.len() / MISSPELT_TRIED).max(1);
    labels.iter().step_by(step).filter(|word| word.len() >= MISSPELT_BYTES_MIN).any(|word| is_near(word))
}

/// Whether one text becomes the other by so many bytes put in, left out or changed. Source: Levenshtein 1966.
fn edits_within(one: &str, other: &str, most: usize) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len().abs_diff(other.len()) > most {
        return false;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, against) in other.iter().enumerate() {
            let changed = diagonal + usize::from(byte != against);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
        if row.iter().all(|&edits| edits > most) {
            return false;
        }
    }
    row[other.len()] <= most
}

/// How often a client's registered domains failed in hours gone by: each counted once an hour, muted ones left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct UsualFailures {
    /// Domains that failed.
    pub failed: u64,
    /// Domains that were asked for, those that failed included.
    pub asked: u64,
}

/// So many domains are added to a client's history, half of them failed: without history nearly everything must fail before
/// it is strange. Source: our choice, in favour of silence.
const UNKNOWN_ASKED: u64 = 50;

impl UsualFailures {
    /// The share that is expected to fail, per mille, between [`USUAL_PER_MILLE_MIN`] and [`USUAL_PER_MILLE_MAX`].
    pub fn per_mille(&self) -> u32 {
        let failed = self.failed.min(self.asked).saturating_add(UNKNOWN_ASKED / 2);
        let asked = self.asked.saturating_add(UNKNOWN_ASKED);
        let share = u128::from(failed) * 1_000 / u128::from(asked);
        u32::try_from(share).unwrap_or(USUAL_PER_MILLE_MAX).clamp(USUAL_PER_MILLE_MIN, USUAL_PER_MILLE_MAX)
    }

    /// Whether it is known that at least half of what this client asks for fails, as of one that looks whether names are free:
    /// how often names fail says nothing of it then. So much must be known as is assumed of a client without history, twice.
    pub fn is_hopeless(&self) -> bool {
        self.asked >= 2 * UNKNOWN_ASKED && self.failed * 2 >= self.asked
    }

    /// How many distinct failed domains are needed besides the walk, for a client of which so many hours are known and that never had more
    /// than `most` in one of them.
    pub fn failed_min(hours: u32, most: u32) -> u32 {
        if hours < RATE_KNOWN_HOURS {
            return RATE_FAILED_MIN;
        }
        most.saturating_mul(RATE_TIMES_MOST).clamp(RATE_KNOWN_FAILED_MIN, RATE_FAILED_MIN)
    }
}

/// No client is thought better than this: failures come in bunches (a page of dead links, a mistyped list), while the test takes
/// them as independent. Source: our choice; five failures in a row would otherwise be three.
pub const USUAL_PER_MILLE_MIN: u32 = 50;

/// Nor worse: above it a client of an algorithm and one that is merely unlucky cannot be told apart.
pub const USUAL_PER_MILLE_MAX: u32 = 500;

/// The share of a generator's names that fail, per mille. Source: Jung et al., Fast Portscan Detection Using Sequential
/// Hypothesis Testing (2004), as for scanners; the design's "Scans and probes".
pub const BAD_PER_MILLE: u32 = 800;

/// Distinct failed domains that are needed besides. Source: our choice: the names themselves are no evidence here, and an
/// algorithm asks for more than a page of dead links holds.
pub const RATE_FAILED_MIN: u32 = 20;

/// The same of a client that is well known: four times the most of any hour before, at least ten. Source: our choice; small
/// families ask for twenty names a day, half of them before one answers.
pub const RATE_KNOWN_FAILED_MIN: u32 = 10;
/// See [`RATE_KNOWN_FAILED_MIN`].
const RATE_TIMES_MOST: u32 = 4;
/// Hours with queries after which a client is well known: a week.
pub const RATE_KNOWN_HOURS: u32 = 7 * 24;

/// Fires at ln(0.99 / 10⁻⁵), in 1/1024 nat. Source: Wald's bounds with the design's β and α, "Sequential test".
pub const RATE_FIRES_AT: i32 = 11_779;

/// Does not fall below ln((1 − 0.99) / (1 − 10⁻⁵)), in 1/1024 nat, so that a good past does not hide a bad hour. Source: ibid.
pub const RATE_FLOOR: i32 = -4_716;

/// Walks up with each domain that fails and down with each that resolves, by how much likelier that is of an algorithm
/// than of this client.
///
/// Show it each registered domain once an hour, in the order of time, at its first query: failed ones that [`muted`] leaves
/// out are not shown at all. After silence of an hour it begins anew, and so it should once it was reported.
/// Method: Krishnan et al., Crossing the Threshold: Detecting Network Malfeasance via Sequential Hypothesis Testing (DSN 2013).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct RateTest {
    /// Log-odds, in 1/1024 nat.
    pub log_odds: i32,
    /// Domains that failed since the walk was last at its floor or began.
    pub failed: u32,
    /// Domains that were asked for in that time.
    pub asked: u32,
    /// When that time began.
    pub since: Time,
    /// The last domain that was shown.
    pub until: Time,
}

impl RateTest {
    /// Takes one more domain; answers whether the failures are now too many to be this client's usual ones, `failed_min` at
    /// least ([`UsualFailures::failed_min`]).
    pub fn observe(&mut self, time: Time, failed: bool, usual: UsualFailures, failed_min: u32) -> bool {
        if self.asked == 0 || self.until.plus_ms(WINDOW_MS) < time {
            *self = Self { since: time, ..Self::default() };
        }
        self.until = time;
        self.asked = self.asked.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(failed));
        self.log_odds = self.log_odds.saturating_add(step(failed, usual.per_mille()));
        if self.log_odds <= RATE_FLOOR {
            *self = Self { log_odds: RATE_FLOOR, since: time, until: time, asked: 1, failed: 0 };
        }
        self.log_odds >= RATE_FIRES_AT && self.failed >= failed_min
    }
}

/// What one domain adds: the logarithm of how much likelier its fate is of an algorithm, in 1/1024 nat.
pub fn step(failed: bool, usual_per_mille: u32) -> i32 {
    match failed {
        true => ln(BAD_PER_MILLE) - ln(usual_per_mille),
        false => ln(1_000 - BAD_PER_MILLE) - ln(1_000 - usual_per_mille.min(999)),
    }
}

/// Natural logarithm of a whole number, in 1/1024, by squaring: each square tells one more binary digit of the logarithm to
/// base two. Integer arithmetic, because those of mathematics libraries differ in their last bits. Nought gives nought.
fn ln(number: u32) -> i32 {
    const DIGITS: u32 = 20;
    /// ln 2 · 2²⁰.
    const LN_2: u64 = 726_817;
    let Some(whole) = number.checked_ilog2() else { return 0 };
    let mut mantissa = u64::from(number) << (31 - whole);
    let mut log = u64::from(whole);
    for _ in 0..DIGITS {
        mantissa = (mantissa * mantissa) >> 31;
        let digit = mantissa >> 32;
        mantissa >>= digit;
        log = log << 1 | digit;
    }
    // 20 digits behind the point twice over; 10 stay, rounded.
    i32::try_from((log * LN_2 + (1 << 29)) >> 30).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What no model would call a word, and what none would call anything else.
    const RANDOM: [&str; 6] = [
        "xkqzwvtrplmh.com",
        "jqvxwkzrtbgf.net",
        "qwzxkvjprtbd.org",
        "zxqjkvwptrgh.info",
        "vkqjxzwtrpbn.biz",
        "hzqxkwvjtrdp.com",
    ];
    const WORDS: [&str; 3] = ["old-garden-shop.example.com", "brokenlink.net", "mistyped-newspaper.org"];

    fn at(minute: i64) -> Time {
        Time::from_seconds(1_700_000_000).plus_ms(minute * Time::MINUTE_MS)
    }

    fn failed<'a>(names: &[(&'a str, i64)]) -> Vec<NxDomain<'a>> {
        names.iter().map(|&(name, minute)| NxDomain::new(name, at(minute), DgaModel::shipped())).collect()
    }

    fn judged<'a>(names: &[(&'a str, i64)]) -> Option<GeneratedNames<'a>> {
        generated_names(&failed(names), DgaModel::shipped(), Enough::default())
    }

    #[test]
    fn one_word_in_many_spellings_is_told_from_a_generator() {
        let spellings = ["facebok.com", "facebo0k.net", "facebook.co", "faceebook.com", "fcebook.org", "face-book.com"];
        assert!(are_misspellings(spellings.into_iter()));
        let banjori = [
            "rrhlestnessbiophysicalohax.com",
            "cliiestnessbiophysicalohax.com",
            "gcntestnessbiophysicalohax.com",
            "kwtoestnessbiophysicalohax.com",
        ];
        let digits = ["7ersonink.org", "6ersonink.com", "5personink.com", "personink.xyz", "9personink.top"];
        assert!(are_misspellings(digits.into_iter()), "in order, as a tool asks");
        assert!(!are_misspellings(spellings[..3].iter().copied()), "too few to tell");
        assert!(!are_misspellings(banjori.into_iter()));
        let words = ["greentable.com", "rivercloud.com", "happystone.com", "lightmoney.com", "paperhouse.com"];
        assert!(!are_misspellings(words.into_iter()));
        assert!(!are_misspellings(["room61.com", "room62.com", "room73.com", "room84.com"].into_iter()), "numbers");
        assert!(!are_misspellings(["abc.com", "abd.com", "abe.com", "abf.com"].into_iter()), "too short to tell");
        assert!(edits_within("", "ab", 2) && !edits_within("abc", "cab", 1) && edits_within("abc", "cab", 2));
    }

    #[test]
    fn five_generated_names_in_an_hour_are_enough() {
        let names: Vec<_> = RANDOM[..5].iter().zip([0, 10, 20, 30, 59]).map(|(&name, minute)| (name, minute)).collect();
        let found = judged(&names).unwrap();
        assert_eq!((found.generated, found.failed, found.since, found.until), (5, 5, at(0), at(59)));
        assert_eq!(found.examples.len(), 5);
        assert!(found.examples.is_sorted_by(|one, next| one.1 >= next.1) && found.examples[4].1 > found.threshold);
    }

    #[test]
    fn four_are_not_nor_five_over_more_than_an_hour_nor_one_name_five_times() {
        let four: Vec<_> = RANDOM[..4].iter().map(|&name| (name, 0)).collect();
        assert_eq!(judged(&four), None);
        let slow: Vec<_> = RANDOM[..5].iter().zip([0, 10, 20, 30, 60]).map(|(&name, minute)| (name, minute)).collect();
        assert_eq!(judged(&slow), None);
        let one: Vec<_> = (0..9).map(|minute| (RANDOM[0], minute)).collect();
        assert_eq!(judged(&one), None);
    }

    #[test]
    fn words_are_never_enough_however_many() {
        let names: Vec<String> =
            (0..300).map(|number| format!("{}{number}-shop.com", WORDS[1].trim_end_matches(".net"))).collect();
        let names: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        assert_eq!(judged(&names), None);
    }

    #[test]
    fn five_among_many_failures_are_not_a_tenth() {
        let words: Vec<String> = (0..46).map(|number| format!("garden-shop-{number}.com")).collect();
        let mut names: Vec<_> = words.iter().map(|name| (name.as_str(), 0)).collect();
        names.extend(RANDOM[..5].iter().map(|&name| (name, 1)));
        assert_eq!(judged(&names), None, "5 of 51");
        names.remove(0);
        assert_eq!(judged(&names).map(|found| (found.generated, found.failed)), Some((5, 50)));
    }

    #[test]
    fn a_label_that_cannot_be_judged_failed_all_the_same() {
        let mut names: Vec<_> = RANDOM[..5].iter().map(|&name| (name, 0)).collect();
        names.push(("t.co", 0));
        let found = judged(&names).unwrap();
        assert_eq!((found.generated, found.failed), (5, 6));
    }

    fn is_duckdns(name: &str) -> bool {
        name == "duckdns.org"
    }

    #[test]
    fn a_customer_of_dynamic_dns_is_a_domain_of_its_own() {
        for (name, domain) in [
            ("www.example.co.uk.", "example.co.uk"),
            ("duckdns.org", "duckdns.org"),
            ("abc.duckdns.org.", "abc.duckdns.org"),
            ("www.abc.duckdns.org", "abc.duckdns.org"),
            ("duckdns.org.example.com", "example.com"),
            ("localhost", ""),
            ("", ""),
        ] {
            assert_eq!(counted_domain(name, is_duckdns), domain, "{name}");
        }
        assert_eq!(quiet("qjvxwkzrtb.duckdns.org", &["duckdns.org"]), None);
        assert_eq!(quiet("www.abc.duckdns.org", &["abc.duckdns.org"]), Some(Muted::Resolved));
    }

    fn quiet(name: &str, resolving: &[&str]) -> Option<Muted> {
        muted(name, counted_domain(name, is_duckdns), |name| resolving.contains(&name))
    }

    #[test]
    fn names_of_the_network_and_of_programs_are_left_out() {
        assert_eq!(quiet("qjvxwkzrtb.", &[]), Some(Muted::NoDomain));
        assert_eq!(quiet("co.uk.", &[]), Some(Muted::NoDomain));
        assert_eq!(quiet("", &[]), Some(Muted::NoDomain));
        assert_eq!(quiet("qjvxwkzrtb.corp.internal.", &[]), Some(Muted::Local));
        assert_eq!(quiet("qjvxwkzrtb.LAN", &[]), Some(Muted::Local));
        assert_eq!(quiet("www.example.com.corp.example.org", &["corp.example.org"]), Some(Muted::Resolved));
        assert_eq!(quiet("host17.example.co.uk", &["example.co.uk"]), Some(Muted::Resolved));
        assert_eq!(quiet("2.0.0.10.in-addr.arpa.", &[]), Some(Muted::LookUp));
        assert_eq!(quiet("99.2.0.192.bl.example.net.", &[]), Some(Muted::LookUp));
        assert_eq!(quiet("9e107d9d372bb6826bd81d3542a419d6.files.example.net", &[]), Some(Muted::LookUp));
        assert_eq!(quiet("_dmarc.unknown-sender.com", &[]), Some(Muted::LookUp));
        assert_eq!(quiet("unknown-sender.com.multi.SURBL.org", &[]), Some(Muted::LookUp));
    }

    #[test]
    fn names_that_anyone_could_register_are_not() {
        for name in [RANDOM[0], "9e107d9d372bb6826bd81d3542a419d6.com", "10.2.example.com", "www.jqvxwkzrtbgf.net."] {
            assert_eq!(quiet(name, &["com", "net", "wkzrtbgf.net", "other.example"]), None, "{name}");
        }
    }

    /// Shows the test a run of domains, `.` resolved and `x` failed, one a minute.
    fn walk(run: &str, usual: UsualFailures) -> (RateTest, Option<usize>) {
        let (mut test, mut fired) = (RateTest::default(), None);
        for (minute, fate) in run.chars().enumerate() {
            let fires = test.observe(at(i64::try_from(minute).unwrap()), fate == 'x', usual, RATE_FAILED_MIN);
            fired = fired.or(fires.then_some(minute + 1));
        }
        (test, fired)
    }

    const RARELY: UsualFailures = UsualFailures { failed: 400, asked: 10_000 };

    #[test]
    fn failures_without_end_fire_whatever_the_names() {
        assert_eq!(RARELY.per_mille(), 50);
        assert_eq!(walk(&"x".repeat(40), RARELY).1, Some(20), "never before twenty");
        assert_eq!(walk(&"xxxx.".repeat(10), RARELY).1, Some(24), "though every fifth resolves");
        // Of a stranger: 0.47 nats a failure.
        assert_eq!(walk(&"x".repeat(40), UsualFailures::default()).1, Some(25));
    }

    #[test]
    fn the_usual_failures_stay_quiet() {
        assert_eq!(walk(&".........x".repeat(60), RARELY).1, None);
        assert!(walk(&"x.".repeat(300), RARELY).1.is_some(), "half of all is strange of this client,");
        assert_eq!(
            walk(&"x.".repeat(300), UsualFailures { failed: 5_000, asked: 10_000 }).1,
            None,
            "but not of that one"
        );
        assert_eq!(walk("xxxxxxxxxxxxxxxxxxx", RARELY).1, None, "a page of dead links");
    }

    #[test]
    fn after_an_hour_of_silence_it_begins_anew() {
        let mut test = walk(&"x".repeat(19), RARELY).0;
        assert!(!test.observe(at(18 + 61), true, RARELY, RATE_FAILED_MIN));
        assert_eq!((test.failed, test.since), (1, at(79)));
        let mut test = walk(&"x".repeat(19), RARELY).0;
        assert!(test.observe(at(18 + 60), true, RARELY, RATE_FAILED_MIN));
    }

    #[test]
    fn a_step_can_be_worked_out_by_hand() {
        // ln(0.8 / 0.05) = 2.7726, ln(0.2 / 0.95) = −1.5581.
        assert_eq!((step(true, 50), step(false, 50)), (2_839, -1596));
        assert_eq!((ln(1), ln(2), ln(1_000)), (0, 710, 7074));
        assert_eq!(RATE_FIRES_AT, ((0.99f64 / 1e-5).ln() * 1024.0).round() as i32);
        assert_eq!(RATE_FLOOR, ((0.01f64 / (1.0 - 1e-5)).ln() * 1024.0).round() as i32);
    }

    proptest! {
        #[test]
        fn the_order_of_the_arguments_changes_nothing(
            picks in proptest::collection::vec((0usize..9, 0i64..180), 0..40),
        ) {
            let names: Vec<_> = picks.iter().map(|&(pick, minute)| {
                (RANDOM.get(pick).copied().unwrap_or_else(|| WORDS[pick - 6]), minute)
            }).collect();
            let mut turned = names.clone();
            turned.reverse();
            prop_assert_eq!(judged(&names), judged(&turned));
        }

        #[test]
        fn an_hour_is_found_exactly_if_one_is_there(minutes in proptest::collection::vec(0i64..240, 0..7)) {
            let names: Vec<_> = RANDOM.iter().zip(&minutes).map(|(&name, &minute)| (name, minute)).collect();
            let is_there = minutes.iter().take(6).any(|&end| {
                minutes.iter().take(6).filter(|&&minute| minute <= end && minute > end - 60).count() >= 5
            });
            prop_assert_eq!(judged(&names).is_some(), is_there);
        }

        #[test]
        fn logarithms_are_those_of_mathematics(number in 1u32..) {
            prop_assert!((f64::from(ln(number)) - f64::from(number).ln() * 1024.0).abs() < 0.6);
        }

        #[test]
        fn any_name_is_muted_or_not_and_any_history_has_a_share(
            name in "[a-z0-9._-]{0,60}|.{0,90}", failed: u64, asked: u64, run in "[x.]{0,80}",
        ) {
            let domain = counted_domain(&name, |provider| provider.len() % 2 == 0);
            prop_assert!(name.strip_suffix('.').unwrap_or(&name).ends_with(domain));
            let _ = muted(&name, domain, |_| false);
            let usual = UsualFailures { failed, asked };
            prop_assert!((USUAL_PER_MILLE_MIN..=USUAL_PER_MILLE_MAX).contains(&usual.per_mille()));
            prop_assert!(walk(&run, usual).0.log_odds >= RATE_FLOOR);
        }
    }
}
