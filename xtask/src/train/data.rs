//! The names that a model is trained on and measured with: files, splits, and what each file says of itself.
//!
//! A folder has `benign/*.txt` and `families/*.txt`: one name a line, and a head of lines `# key: value`.
//!
//! | key | in | says |
//! | --- | --- | --- |
//! | `name` | benign | what the list is, for the data card |
//! | `use` | benign | `train` (split in three: training, thresholds, evaluation) or `evaluate` |
//! | `kind` | benign | `popular`, `unpopular` or `odd` |
//! | `shape` | families | what the names look like: one of [`Shape`]'s names |
//! | `licence`, `source` | both | for the data card |

use anyhow::{Context, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use watchfire_detections::shared::dga::judged_label;
use watchfire_knowledge::{Suffixes, default_lists};

/// Where a family's names are from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// From [`super::generators`].
    Generated,
    /// From a file: names that malware asked for.
    Real,
}

/// What a family's names look like. Whole shapes are held out in the harder half of the evaluation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Shape {
    /// Any letters.
    Letters,
    /// A part of the alphabet only.
    FewLetters,
    /// Letters and digits.
    LettersAndDigits,
    /// Hexadecimal digits.
    Hexadecimal,
    /// What can be spoken.
    Syllables,
    /// Numbers in base64.
    Base64Dates,
    /// A few letters before a tail that never changes.
    FixedTail,
    /// Words of a dictionary: never trained on.
    Words,
}

impl Shape {
    /// All, in the order of the data card.
    pub(crate) const ALL: [Self; 8] = [
        Self::Letters,
        Self::FewLetters,
        Self::LettersAndDigits,
        Self::Hexadecimal,
        Self::Syllables,
        Self::Base64Dates,
        Self::FixedTail,
        Self::Words,
    ];

    /// As files and the data card write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Letters => "letters",
            Self::FewLetters => "few letters",
            Self::LettersAndDigits => "letters and digits",
            Self::Hexadecimal => "hexadecimal",
            Self::Syllables => "syllables",
            Self::Base64Dates => "base64 dates",
            Self::FixedTail => "fixed tail",
            Self::Words => "words",
        }
    }
}

/// One generator's names.
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) shape: Shape,
    pub(crate) about: String,
    pub(crate) licence: String,
    pub(crate) source: String,
    /// Distinct labels that can be judged, in order.
    pub(crate) labels: Vec<String>,
    /// Distinct names that cannot: below a provider of dynamic DNS, or too short.
    pub(crate) not_judged: usize,
}

/// One list of names that people and programs ask for.
pub(crate) struct Benign {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) licence: String,
    pub(crate) source: String,
    pub(crate) training: Vec<String>,
    /// What thresholds are set on.
    pub(crate) thresholds: Vec<String>,
    pub(crate) evaluation: Vec<String>,
}

/// Everything that was read.
pub(crate) struct Data {
    pub(crate) benign: Vec<Benign>,
    pub(crate) families: Vec<Family>,
}

impl Data {
    /// Reads a folder.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let benign = text_files(&folder.join("benign"))?;
        let families = text_files(&folder.join("families"))?;
        let benign = benign.iter().map(|(name, text)| benign_list(name, text)).collect::<anyhow::Result<_>>()?;
        let families = families.iter().map(|(name, text)| family(name, text)).collect::<anyhow::Result<_>>()?;
        Ok(Self { benign, families })
    }

    /// Puts the most visited sites, which ship in the program, before the other benign lists.
    pub(crate) fn with_shipped_sites(mut self) -> Self {
        let guards = default_lists::guards();
        let sites = guards.iter().find(|list| list.name.contains("Majestic"));
        let names =
            sites.map_or_else(Vec::new, |list| list.entries.iter().map(|entry| entry.indicator.to_string()).collect());
        let head = BTreeMap::from([
            ("name", "Top 10000 websites from Majestic Million"),
            ("kind", "popular"),
            ("use", "train"),
            ("licence", "CC-BY-3.0"),
            ("source", "docs/threat-lists.md, the program's guards"),
        ]);
        self.benign.insert(0, split(&head, labels(names.iter().map(String::as_str)).0));
        self
    }

    /// Adds families; all are then in the order of their names.
    pub(crate) fn with_families(mut self, families: Vec<Family>) -> Self {
        self.families.extend(families);
        self.families.sort_by(|one, other| one.name.cmp(&other.name));
        self
    }

    /// Leaves out of each benign list what an earlier one has: a label stands in one list only.
    pub(crate) fn without_repetitions(mut self) -> Self {
        let mut seen = BTreeSet::new();
        for list in &mut self.benign {
            for part in [&mut list.training, &mut list.thresholds, &mut list.evaluation] {
                part.retain(|label| seen.insert(label.clone()));
            }
        }
        self
    }
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits, mixed as SplitMix64 does, so that every bit depends on every byte: splits and seeds that
/// are the same everywhere.
pub(crate) fn hash(text: &str) -> u64 {
    mixed(
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
    )
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

fn text_files(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list `{}`", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "txt") {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.push((stem, text));
        }
    }
    files.sort();
    Ok(files)
}

fn benign_list(file: &str, text: &str) -> anyhow::Result<Benign> {
    let mut head = head(text);
    head.entry("name").or_insert(file);
    if !matches!(head.get("use"), Some(&("train" | "evaluate"))) {
        bail!("`benign/{file}.txt` does not say `# use: train` or `# use: evaluate`");
    }
    Ok(split(&head, labels(names(text)).0))
}

/// Half for training, a quarter each for thresholds and evaluation, by the hash of the label; or all for evaluation.
fn split(head: &BTreeMap<&str, &str>, labels: BTreeSet<String>) -> Benign {
    let said = |key: &str| head.get(key).copied().unwrap_or_default().to_owned();
    let mut list = Benign {
        name: said("name"),
        kind: said("kind"),
        licence: said("licence"),
        source: said("source"),
        training: Vec::new(),
        thresholds: Vec::new(),
        evaluation: Vec::new(),
    };
    let all_for_evaluation = said("use") == "evaluate";
    for label in labels {
        match hash(&label) & 3 {
            _ if all_for_evaluation => list.evaluation.push(label),
            0 | 1 => list.training.push(label),
            2 => list.thresholds.push(label),
            _ => list.evaluation.push(label),
        }
    }
    list
}

fn family(name: &str, text: &str) -> anyhow::Result<Family> {
    let head = head(text);
    let said = |key: &str| head.get(key).copied().unwrap_or_default().to_owned();
    let shape = Shape::ALL.into_iter().find(|shape| shape.name() == said("shape"));
    let shape = shape.with_context(|| format!("`families/{name}.txt` does not say its `# shape:`"))?;
    let (labels, not_judged) = labels(names(text));
    Ok(Family {
        name: name.to_owned(),
        origin: Origin::Real,
        shape,
        about: said("about"),
        licence: said("licence"),
        source: said("source"),
        labels: labels.into_iter().collect(),
        not_judged,
    })
}

fn head(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().map_while(|line| line.strip_prefix("# "));
    lines.filter_map(|line| line.split_once(": ")).collect()
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The distinct labels that can be judged, in lower case, and how many names gave none.
///
/// A name below a registered domain, as those of dynamic DNS are, gives none: its registered label is the provider's.
fn labels<'a>(names: impl Iterator<Item = &'a str>) -> (BTreeSet<String>, usize) {
    let (mut labels, mut not_judged) = (BTreeSet::new(), 0);
    for name in names {
        let registered = Suffixes.registered_domain(name);
        match judged_label(registered).filter(|_| registered.len() == name.trim_end_matches('.').len()) {
            Some(label) => drop(labels.insert(label.to_ascii_lowercase())),
            None => not_judged += 1,
        }
    }
    (labels, not_judged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        let read =
            family("x", "# shape: few letters\n# licence: MIT\nabcdefgh.com\nabcdefgh.net\nab.com\nq.x.duckdns.org\n");
        let read = read.unwrap();
        assert_eq!(
            (read.shape, read.labels.as_slice(), read.not_judged),
            (Shape::FewLetters, &["abcdefgh".into()][..], 2)
        );
        assert!(family("x", "abcdefgh.com").is_err() && benign_list("x", "abcdefgh.com").is_err());
    }

    #[test]
    fn a_label_is_in_one_part_of_one_list_only() {
        let text: String = (0..400).map(|number| format!("label{number}.com\nlabel{number}.org\n")).collect();
        let text = format!("# use: train\n{text}");
        let lists = vec![benign_list("a", &text).unwrap(), benign_list("b", &text).unwrap()];
        let data = Data { benign: lists, families: Vec::new() }.without_repetitions();
        let [first, second] = &data.benign[..] else { panic!("two lists") };
        let parts = [first.training.len(), first.thresholds.len(), first.evaluation.len()];
        assert_eq!(parts.iter().sum::<usize>(), 400);
        assert!(parts.iter().all(|&part| part > 60) && parts[0] > parts[1] + 50, "{parts:?}");
        assert!(second.training.is_empty() && second.evaluation.is_empty());
    }

    #[test]
    fn the_shipped_sites_are_found() {
        let data = Data { benign: Vec::new(), families: Vec::new() }.with_shipped_sites();
        assert!(data.benign[0].training.len() > 3_000);
    }
}
