//! Reads what the source of a detection says about itself: header, doc comments, thresholds, names of tests.
//!
//! By lines, not by grammar: rustfmt puts every item of a file at the left edge, and what ends it too.

use anyhow::Context;
use std::collections::BTreeSet;
use std::path::Path;

/// One file of Rust.
pub(super) struct Source {
    /// From the root of the repository.
    pub(super) place: String,
    /// What `//!` says, in one line.
    pub(super) header: String,
    pub(super) items: Vec<Item>,
    /// Its `use` declarations, as text.
    uses: String,
    pub(super) tests: Vec<Test>,
}

/// A function, type, constant or `impl` at the left edge.
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) name: String,
    /// The paragraphs of its doc comment, each in one line.
    pub(super) doc: Vec<String>,
    pub(super) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ItemKind {
    Function,
    Constant,
    Type,
    Implementation,
}

/// A test: its name states a fact.
pub(super) struct Test {
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn read(root: &Path, place: &str) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join(place)).with_context(|| format!("could not read `{place}`"))?;
        Ok(Self::parse(place, &text))
    }

    pub(super) fn parse(place: &str, text: &str) -> Self {
        let mut source = Self {
            place: place.to_owned(),
            header: String::new(),
            items: Vec::new(),
            uses: String::new(),
            tests: vec![],
        };
        let (code, tests) = text.split_once("\n#[cfg(test)]\nmod tests {").unwrap_or((text, ""));
        source.tests = tests_of(tests);
        let mut header = Vec::new();
        let mut doc: Vec<&str> = Vec::new();
        let mut lines = code.lines();
        while let Some(line) = lines.next() {
            if let Some(said) = line.strip_prefix("//!") {
                header.push(said.trim());
            } else if let Some(said) = line.strip_prefix("///") {
                doc.push(said.trim());
            } else if let Some((kind, name)) = declaration(line) {
                let item_text = rest_of_item(line, kind == ItemKind::Constant, &mut lines);
                let doc = paragraphs(&std::mem::take(&mut doc));
                source.items.push(Item { kind, name: name.to_owned(), doc, text: item_text });
            } else if line.starts_with("use ") || line.starts_with("pub use ") {
                source.uses.push_str(&rest_of_item(line, true, &mut lines));
                doc.clear();
            } else if !line.starts_with("#[") {
                doc.clear();
            }
        }
        source.header = header.join(" ").trim().to_owned();
        source
    }

    pub(super) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name && item.kind != ItemKind::Implementation)
    }

    /// Whether a `use` of the file names this word.
    pub(super) fn imports(&self, word: &str) -> bool {
        words(&self.uses).any(|(_, used)| used == word)
    }

    /// The paragraphs of an item's doc comment, with those of the `impl` blocks of a type.
    pub(super) fn whole_doc(&self, item: &Item) -> Vec<String> {
        let blocks = self.items.iter().filter(|block| {
            item.kind == ItemKind::Type
                && block.kind == ItemKind::Implementation
                && words(&block.name).any(|(_, word)| word == item.name)
        });
        item.doc.iter().chain(blocks.flat_map(|block| &block.doc)).cloned().collect()
    }

    /// An item's text, with the `impl` blocks of a type.
    pub(super) fn whole_text(&self, item: &Item) -> String {
        let mut text = item.text.clone();
        if item.kind == ItemKind::Type {
            for block in self.items.iter().filter(|block| block.kind == ItemKind::Implementation) {
                if words(&block.name).any(|(_, word)| word == item.name) {
                    text.push_str(&block.text);
                }
            }
        }
        text
    }
}

/// What kind of item a line at the left edge begins, and its name (of an `impl`, the whole line).
fn declaration(line: &str) -> Option<(ItemKind, &str)> {
    let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    if line.starts_with("impl") {
        return Some((ItemKind::Implementation, line));
    }
    let kinds = [
        ("const fn ", ItemKind::Function),
        ("fn ", ItemKind::Function),
        ("const ", ItemKind::Constant),
        ("static ", ItemKind::Constant),
        ("struct ", ItemKind::Type),
        ("enum ", ItemKind::Type),
    ];
    let (rest, kind) = kinds.into_iter().find_map(|(word, kind)| Some((line.strip_prefix(word)?, kind)))?;
    let end = rest.find(|one: char| !one.is_alphanumeric() && one != '_').unwrap_or(rest.len());
    Some((kind, &rest[..end]))
}

/// From its first line to its last: a constant ends with a semicolon, anything else where its brace closes.
fn rest_of_item<'a>(first: &str, is_statement: bool, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let mut text = format!("{first}\n");
    let ends = |line: &str| if is_statement { line.ends_with(';') } else { line.starts_with('}') };
    if ends(first) || !is_statement && (first.ends_with('}') || first.ends_with(';')) {
        return text;
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
        if ends(line) {
            break;
        }
    }
    text
}

fn paragraphs(doc: &[&str]) -> Vec<String> {
    let paragraphs = doc.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect()
}

fn tests_of(module: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    for part in module.split("\n    #[test]\n").skip(1) {
        let Some((_, rest)) = part.split_once("fn ") else { continue };
        let Some((name, _)) = rest.split_once('(') else { continue };
        let text = rest.split("\n    }\n").next().unwrap_or_default();
        tests.push(Test { name: name.to_owned(), text: text.to_owned() });
    }
    tests
}

/// The words of a piece of code, each with the path segment before it (`shared` of `shared::item`), if any.
pub(super) fn words(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let is_part = |one: char| one.is_alphanumeric() || one == '_';
    let mut place = 0;
    let mut qualifier = None;
    std::iter::from_fn(move || {
        let begin = place + text[place..].find(is_part)?;
        let end = text[begin..].find(|one| !is_part(one)).map_or(text.len(), |length| begin + length);
        let before = qualifier.filter(|_| text[place..begin] == *"::");
        place = end;
        qualifier = Some(&text[begin..end]);
        Some((before, &text[begin..end]))
    })
}

/// What a detection's doc comments say, gathered from its own file and from the pieces that it shares with others.
#[derive(Default)]
pub(super) struct Told {
    /// Evidence: the detection's own first, then each shared piece's, under the header of its file.
    pub(super) evidence: Vec<(String, Vec<String>)>,
    pub(super) false_positives: Vec<String>,
    /// Constants with a source: name, value, why.
    pub(super) thresholds: Vec<(String, String, String)>,
    /// The settings that its code names: the file that declares them, and the key.
    pub(super) settings: Vec<(String, String)>,
    seen: BTreeSet<(String, String)>,
}

/// All files that a page may be made from.
pub(super) struct Common {
    /// `crates/detections/src/shared`, by the name of the module.
    pub(super) shared: Vec<(String, Source)>,
    pub(super) knowledge: Vec<Source>,
}

impl Common {
    /// What is told of a rule, which is the text behind `rule:` in a `Detection`.
    pub(super) fn told(&self, own: &Source, rule: &str) -> Told {
        let mut told = Told::default();
        self.follow(own, rule, &mut told);
        told
    }

    fn follow(&self, source: &Source, text: &str, told: &mut Told) {
        for (qualifier, word) in words(text) {
            if let Some((source, item)) = self.resolve(source, qualifier, word) {
                self.take_in(source, item, false, told);
            }
        }
    }

    fn take_in(&self, source: &Source, item: &Item, is_linked: bool, told: &mut Told) {
        if !told.seen.insert((source.place.clone(), item.name.clone())) {
            return;
        }
        if item.kind == ItemKind::Constant {
            told.take_constant(source, item);
            return;
        }
        let doc = source.whole_doc(item);
        let begin = doc.iter().position(|paragraph| paragraph.starts_with(EVIDENCE));
        let begin = begin.or(is_linked.then_some(1));
        if let Some(begin) = begin {
            let paragraphs = doc.iter().skip(begin).filter(|paragraph| !paragraph.starts_with(FALSE_POSITIVES));
            let paragraphs: Vec<String> =
                paragraphs.map(|paragraph| self.plain(source, paragraph)).filter(|said| !said.is_empty()).collect();
            let heading = source.header.trim_end_matches('.').to_owned();
            match told.evidence.iter_mut().find(|(known, _)| *known == heading) {
                Some((_, known)) => known.extend(paragraphs),
                None if !paragraphs.is_empty() => told.evidence.push((heading, paragraphs)),
                None => {}
            }
        }
        for paragraph in doc.iter().filter(|paragraph| paragraph.starts_with(FALSE_POSITIVES)) {
            let said = self.plain(source, paragraph);
            if !told.false_positives.contains(&said) {
                told.false_positives.push(said);
            }
        }
        for link in doc.iter().flat_map(|paragraph| links(paragraph)) {
            let (qualifier, word) = match link.rsplit_once("::") {
                Some((path, word)) => (path.rsplit("::").next(), word),
                None => (None, link),
            };
            if let Some((source, item)) = self.resolve(source, qualifier, word) {
                self.take_in(source, item, true, told);
            }
        }
        self.follow(source, &source.whole_text(item), told);
    }

    /// The item that a word of a file's code names: of the file itself, of a shared piece, or a constant of `knowledge`.
    fn resolve<'a>(
        &'a self,
        source: &'a Source,
        qualifier: Option<&str>,
        word: &str,
    ) -> Option<(&'a Source, &'a Item)> {
        let shared = |name: &str| self.shared.iter().find(|(module, _)| module == name).map(|(_, source)| source);
        if let Some(module) = qualifier {
            let module = shared(module).filter(|_| source.imports(module))?;
            return Some((module, module.item(word)?));
        }
        if let Some(item) = source.item(word) {
            return Some((source, item));
        }
        if !source.imports(word) {
            return None;
        }
        let modules = self.shared.iter().filter(|(module, _)| source.imports(module)).map(|(_, module)| module);
        let constants = self.knowledge.iter();
        let mut found = modules.filter_map(|module| Some((module, module.item(word)?)));
        let mut known = constants.filter_map(|file| Some((file, file.item(word)?)));
        found.next().or_else(|| known.find(|(_, item)| item.kind == ItemKind::Constant))
    }

    /// A paragraph for readers of the page: without its label, and without the sentences that point into the code, since
    /// the page goes on with what they point to.
    fn plain(&self, source: &Source, paragraph: &str) -> String {
        let said = paragraph.strip_prefix(EVIDENCE).or_else(|| paragraph.strip_prefix(FALSE_POSITIVES));
        let said = said.unwrap_or(paragraph).trim();
        let points_into_code = |sentence: &&str| {
            links(sentence).iter().any(|link| {
                let (qualifier, word) = link.rsplit_once("::").map_or((None, *link), |(path, word)| (Some(path), word));
                self.resolve(source, qualifier, word).is_some_and(|(_, item)| item.kind == ItemKind::Function)
            })
        };
        let sentences = said.split_inclusive(". ").filter(|sentence| !points_into_code(sentence));
        let text = sentences.collect::<String>().trim().replace("[`", "`").replace("`]", "`");
        capitalised(&text)
    }
}

const EVIDENCE: &str = "Evidence:";
const FALSE_POSITIVES: &str = "False positives:";

impl Told {
    /// Keeps a constant whose comment says where its value comes from.
    fn take_constant(&mut self, source: &Source, item: &Item) {
        if item.text.contains(": Threshold = ") {
            let key = item.text.split('"').nth(1).unwrap_or_default();
            self.settings.push((source.place.clone(), key.to_owned()));
            return;
        }
        let why = item.doc.join(" ").replace("[`", "`").replace("`]", "`");
        let value = item.text.split_once(" =").map_or("", |(_, value)| value);
        let value = value.trim().trim_end_matches(';').split_whitespace().collect::<Vec<_>>().join(" ");
        if why.contains("Source") || why.contains("same source") {
            self.thresholds.push((item.name.clone(), plain_value(&value), why));
        }
    }
}

/// A constant's value without Rust's own signs: `80`, `443`.
fn plain_value(value: &str) -> String {
    let inner = value.strip_prefix('&').unwrap_or(value);
    let Some(list) = inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) else {
        for (unit, name) in [("Time::HOUR_MS", "hour"), ("Time::MINUTE_MS", "minute"), ("Time::DAY_MS", "day")] {
            let count = inner.strip_suffix(unit).map(|count| count.trim_end_matches([' ', '*']));
            match count {
                Some("" | "1") => return format!("1 {name}"),
                Some(count) => return format!("{count} {name}s"),
                None => {}
            }
        }
        let is_number = inner.chars().all(|one| one.is_ascii_digit() || one == '_');
        return format!("`{}`", if is_number { inner.replace('_', ",") } else { inner.trim_matches('"').to_owned() });
    };
    let parts = list.split(',').map(|part| part.trim()).filter(|part| !part.is_empty());
    let plain =
        |part: &str| if part.starts_with('"') { part.trim_matches('"').to_owned() } else { part.replace('_', "") };
    parts.map(|part| format!("`{}`", plain(part))).collect::<Vec<_>>().join(", ")
}

/// What a doc comment links to: the names of items between brackets and backticks.
fn links(text: &str) -> Vec<&str> {
    text.split("[`").skip(1).filter_map(|rest| rest.split_once("`]")).map(|(link, _)| link).collect()
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"//! Someone knocks.

use crate::shared::door;
use crate::shared::bell::{self, ring};
use watchfire_model::FindingType;

/// Knocks before it counts. Source: our choice.
const KNOCKS_MIN: usize = 1_000;
/// No threshold, only a name.
const NAME: &str = "door";

/// Evidence: somebody knocked [`KNOCKS_MIN`] times. See [`door::is_shut`].
///
/// A cat is no evidence.
///
/// False positives: the postman.
fn detect() {
    if count() > KNOCKS_MIN {
        ring();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cat_stays_quiet() {
        check_quiet(&DETECTION);
    }
}
"#;
    const DOOR: &str = "//! Doors.\n\n/// Whether it is shut.\n///\n/// A door without a lock is not shut.\npub(crate) fn is_shut() {}\n";
    const BELL: &str = "//! Bells.\n\n/// Rings.\n///\n/// Evidence: it rang.\npub(crate) fn ring() {\n    \n}\n";

    #[test]
    fn a_rule_is_told_with_all_that_it_rests_on() {
        let own = Source::parse("own.rs", OWN);
        let shared = [("door", DOOR), ("bell", BELL)].map(|(name, text)| (name.to_owned(), Source::parse(name, text)));
        let common = Common { shared: shared.into(), knowledge: Vec::new() };
        let told = common.told(&own, "Rule::Call(detect)");
        let evidence: Vec<(&str, &str)> =
            told.evidence.iter().map(|(heading, said)| (heading.as_str(), said[0].as_str())).collect();
        assert_eq!(
            evidence,
            [
                ("Someone knocks", "Somebody knocked `KNOCKS_MIN` times."),
                ("Doors", "A door without a lock is not shut."),
                ("Bells", "It rang."),
            ]
        );
        assert_eq!(told.evidence[0].1[1], "A cat is no evidence.");
        assert_eq!(told.false_positives, ["The postman."]);
        let why = "Knocks before it counts. Source: our choice.";
        assert_eq!(told.thresholds, [("KNOCKS_MIN".to_owned(), "`1,000`".to_owned(), why.to_owned())]);
        assert_eq!(own.tests[0].name, "a_cat_stays_quiet");
    }

    #[test]
    fn words_know_what_stands_before_them() {
        let found: Vec<_> = words("a::b(c) d: ::e").collect();
        assert_eq!(found, [(None, "a"), (Some("a"), "b"), (None, "c"), (None, "d"), (None, "e")]);
    }
}
