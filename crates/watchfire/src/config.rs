//! The configuration file, and the settings in force after the command line has had its say.

use crate::cli::{
    Color, Format, InputArguments, IntelArgument, account_id, kinds, list_format, severity, type_matches,
};
use crate::feeds::Feed;
use crate::server_settings::ServerSection;
use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use watchfire_detections::{DETECTIONS, Thresholds, thresholds};
use watchfire_knowledge::{ListFormat, lists::LIST_BYTES_MAX};
use watchfire_model::{FindingType, ListKind, Severity};

/// The configuration file, word for word. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ConfigFile {
    /// `[scan]`: how `watchfire scan` runs and reports.
    pub scan: ScanSection,
    /// `[knowledge]`: what detections may consult.
    pub knowledge: KnowledgeSection,
    /// `[detections]`: what is looked for.
    pub detections: DetectionsSection,
    /// `[server]`: how `watchfire serve` runs.
    pub server: ServerSection,
    /// `[thresholds]`: what detections of behaviour decide by; the keys are those that `watchfire thresholds` lists.
    pub thresholds: toml::Table,
}

/// `[scan]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ScanSection {
    /// `threads`: how many read and parse.
    pub threads: Option<u16>,
    /// `format`: `table`, `json`, `jsonl` or another that `--format` takes.
    pub format: Option<Format>,
    /// `min-severity`: `low`, `medium`, `high`, `critical`, or a number as text.
    pub min_severity: Option<String>,
    /// `assume-account`: the account of records that name none.
    pub assume_account: Option<String>,
    /// `assume-region`: the region of records that name none.
    pub assume_region: Option<String>,
}

/// `[detections]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DetectionsSection {
    /// `disable`: finding types that are not looked for; `*` stands for anything.
    pub disable: Vec<String>,
}

/// `[knowledge]`. Relative paths are relative to the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct KnowledgeSection {
    /// `default-intel`: whether to use the lists that ship with the program.
    pub default_intel: Option<bool>,
    /// `[[knowledge.intel]]`: threat lists.
    pub intel: Vec<IntelEntry>,
    /// `[[knowledge.feed]]`: threat lists that `watchfire intel update` fetches.
    pub feed: Vec<FeedEntry>,
    /// `feed-folder`: where fetched feeds are kept.
    pub feed_folder: Option<PathBuf>,
    /// `list-bytes-max`: the largest list that is read.
    pub list_bytes_max: Option<u64>,
    /// `guards`: lists of what many share.
    pub guards: Vec<PathBuf>,
    /// `trusted`: lists of trusted addresses and domains.
    pub trusted: Vec<PathBuf>,
    /// `geoip`: MaxMind-format databases.
    pub geoip: Vec<PathBuf>,
    /// `aws-ranges`: AWS's `ip-ranges.json`.
    pub aws_ranges: Option<PathBuf>,
    /// `inventory`: the inventory file.
    pub inventory: Option<PathBuf>,
}

/// One of `[[knowledge.intel]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntelEntry {
    /// The kind of list, `custom` if left out.
    #[serde(default = "custom")]
    pub kind: String,
    /// The form, where the content does not show it.
    pub format: Option<String>,
    /// The column of a CSV.
    pub column: Option<String>,
    /// The file.
    pub file: PathBuf,
}

/// One of `[[knowledge.feed]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedEntry {
    /// The name that findings show.
    pub name: String,
    /// Where it is: `https:`, `http:` or `file:`.
    pub url: String,
    /// The kind of list.
    pub kind: String,
    /// The form, where the content does not show it.
    pub format: Option<String>,
    /// The column of a CSV.
    pub column: Option<String>,
    /// How likely an entry is right, in percent.
    pub confidence: Option<u8>,
    /// Whether names below an entry count too.
    #[serde(default)]
    pub subdomains: bool,
}

fn custom() -> String {
    ListKind::Custom.name().to_owned()
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The configuration file they came from, if there is one.
    pub config_file: Option<PathBuf>,
    /// Threads that read and parse.
    pub threads: usize,
    /// The form of the report.
    pub format: Format,
    /// Findings below are not reported.
    pub min_severity: Option<Severity>,
    /// The account of records that name none; empty: none.
    pub assume_account: String,
    /// The region of records that name none; empty: none.
    pub assume_region: String,
    /// Whether the shipped lists are used.
    pub default_intel: bool,
    /// Threat lists.
    pub intel: Vec<IntelArgument>,
    /// Feeds.
    pub feeds: Vec<Feed>,
    /// Where fetched feeds are kept.
    pub feed_folder: PathBuf,
    /// The largest list file that is read, in bytes.
    pub list_bytes_max: u64,
    /// Guards.
    pub guards: Vec<PathBuf>,
    /// Trusted lists.
    pub trusted: Vec<PathBuf>,
    /// Geography databases.
    pub geoip: Vec<PathBuf>,
    /// AWS's ranges, instead of the snapshot.
    pub aws_ranges: Option<PathBuf>,
    /// The inventory.
    pub inventory: Option<PathBuf>,
    /// What detections of behaviour decide by.
    pub thresholds: Thresholds,
    /// Finding types that are switched off, in order.
    pub disabled: Vec<FindingType>,
    /// What the file says of the server, its paths made whole.
    pub server: ServerSection,
}

impl Settings {
    /// The file's settings where the command line says nothing, the defaults where neither does. Lists add up.
    pub fn from_arguments(arguments: &InputArguments) -> Result<Self> {
        let mut settings = Self::from_file(arguments.config.as_deref())?;
        settings.threads = arguments.threads.map_or(settings.threads, usize::from);
        settings.default_intel &= !arguments.no_default_intel;
        settings.intel.extend(arguments.intel.iter().cloned());
        settings.guards.extend(arguments.guard.iter().cloned());
        settings.list_bytes_max = arguments.list_bytes_max.unwrap_or(settings.list_bytes_max);
        settings.trusted.extend(arguments.trusted.iter().cloned());
        settings.geoip.extend(arguments.geoip.iter().cloned());
        settings.aws_ranges = arguments.aws_ranges.clone().or(settings.aws_ranges);
        settings.inventory = arguments.inventory.clone().or(settings.inventory);
        settings.assume_account = arguments.assume_account.clone().unwrap_or(settings.assume_account);
        settings.assume_region = arguments.assume_region.clone().unwrap_or(settings.assume_region);
        for (key, value) in &arguments.threshold {
            settings.thresholds.set_checked(key, *value).context("`--threshold`")?;
        }
        settings.disabled.extend(switched_off("--disable", &arguments.disable)?);
        settings.disabled.sort_unstable();
        settings.disabled.dedup();
        Ok(settings)
    }

    /// The settings of this configuration file, or of the default one if it exists.
    pub fn from_file(file: Option<&Path>) -> Result<Self> {
        let path = file.map(Path::to_owned).or_else(|| default_path().filter(|path| path.exists()));
        let Some(path) = path else { return Self::resolve(ConfigFile::default(), Path::new("")) };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read the configuration `{}`", path.display()))?;
        let parsed = parse(&text).with_context(|| format!("in the configuration `{}`", path.display()))?;
        let mut settings = Self::resolve(parsed, path.parent().unwrap_or(Path::new("")))
            .with_context(|| format!("in the configuration `{}`", path.display()))?;
        settings.config_file = Some(path);
        Ok(settings)
    }

    fn resolve(file: ConfigFile, folder: &Path) -> Result<Self> {
        let near = |path: PathBuf| if path.is_relative() { folder.join(path) } else { path };
        let kind_of = |key: &str, name: &str| {
            ListKind::from_name(name)
                .ok_or_else(|| anyhow!("`{key}.kind`: `{name}` is no kind of list; the kinds are {}", kinds()))
        };
        let intel = file.knowledge.intel.into_iter().map(|entry| {
            let kind = kind_of("knowledge.intel", &entry.kind)?;
            let format = form("knowledge.intel", entry.format, entry.column)?;
            Ok(IntelArgument { kind, format, file: near(entry.file) })
        });
        let feeds = file.knowledge.feed.into_iter().map(|entry| {
            let kind = kind_of("knowledge.feed", &entry.kind)?;
            let format = form("knowledge.feed", entry.format, entry.column)?;
            let FeedEntry { name, url, confidence, subdomains, .. } = entry;
            Feed::new(name, url, kind, format, confidence, subdomains, folder)
        });
        let feeds = feeds.collect::<Result<Vec<Feed>>>()?;
        for (at, feed) in feeds.iter().enumerate() {
            if feeds[..at].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&feed.name)) {
                return Err(anyhow!("`knowledge.feed.name`: two feeds are named `{}`", feed.name));
            }
        }
        let severity = |text: String| severity(&text).map_err(|problem| anyhow!("`scan.min-severity`: {problem}"));
        let account = |text: String| account_id(&text).map_err(|problem| anyhow!("`scan.assume-account`: {problem}"));
        let threads = file.scan.threads.map_or_else(processors, usize::from);
        if threads == 0 {
            return Err(anyhow!("`scan.threads`: write a number from 1 to 1024"));
        }
        Ok(Self {
            config_file: None,
            threads,
            format: file.scan.format.unwrap_or(Format::Table),
            min_severity: file.scan.min_severity.map(severity).transpose()?,
            assume_account: file.scan.assume_account.map(account).transpose()?.unwrap_or_default(),
            assume_region: file.scan.assume_region.unwrap_or_default(),
            default_intel: file.knowledge.default_intel.unwrap_or(true),
            intel: intel.collect::<Result<_>>()?,
            feeds,
            feed_folder: file.knowledge.feed_folder.map(near).unwrap_or_else(default_feed_folder),
            list_bytes_max: file.knowledge.list_bytes_max.unwrap_or(LIST_BYTES_MAX),
            guards: file.knowledge.guards.into_iter().map(near).collect(),
            trusted: file.knowledge.trusted.into_iter().map(near).collect(),
            geoip: file.knowledge.geoip.into_iter().map(near).collect(),
            aws_ranges: file.knowledge.aws_ranges.map(near),
            inventory: file.knowledge.inventory.map(near),
            thresholds: thresholds(&file.thresholds)?,
            disabled: switched_off("detections.disable", &file.detections.disable)?,
            server: file.server.near(folder),
        })
    }

    /// The settings as a configuration file would say them.
    pub fn to_toml(&self) -> Result<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Shown<'a> {
            scan: ShownScan<'a>,
            knowledge: ShownKnowledge<'a>,
            detections: ShownDetections<'a>,
            server: &'a ServerSection,
            thresholds: toml::Table,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct ShownDetections<'a> {
            disable: &'a [FindingType],
        }
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct ShownScan<'a> {
            threads: usize,
            format: Format,
            #[serde(skip_serializing_if = "Option::is_none")]
            min_severity: Option<String>,
            #[serde(skip_serializing_if = "str::is_empty")]
            assume_account: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            assume_region: &'a str,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct ShownKnowledge<'a> {
            default_intel: bool,
            list_bytes_max: u64,
            feed_folder: &'a Path,
            guards: &'a [PathBuf],
            trusted: &'a [PathBuf],
            geoip: &'a [PathBuf],
            #[serde(skip_serializing_if = "Option::is_none")]
            aws_ranges: Option<&'a Path>,
            #[serde(skip_serializing_if = "Option::is_none")]
            inventory: Option<&'a Path>,
            intel: Vec<ShownIntel<'a>>,
            feed: Vec<ShownFeed<'a>>,
        }
        #[derive(Serialize)]
        struct ShownIntel<'a> {
            kind: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            format: Option<String>,
            file: &'a Path,
        }
        #[derive(Serialize)]
        struct ShownFeed<'a> {
            name: &'a str,
            url: &'a str,
            kind: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            format: Option<String>,
            confidence: u8,
            subdomains: bool,
        }
        let shown = Shown {
            scan: ShownScan {
                threads: self.threads,
                format: self.format,
                min_severity: self.min_severity.map(|severity| severity.number().to_string()),
                assume_account: &self.assume_account,
                assume_region: &self.assume_region,
            },
            knowledge: ShownKnowledge {
                default_intel: self.default_intel,
                list_bytes_max: self.list_bytes_max,
                feed_folder: &self.feed_folder,
                guards: &self.guards,
                trusted: &self.trusted,
                geoip: &self.geoip,
                aws_ranges: self.aws_ranges.as_deref(),
                inventory: self.inventory.as_deref(),
                intel: self
                    .intel
                    .iter()
                    .map(|intel| ShownIntel {
                        kind: intel.kind.name(),
                        format: intel.format.as_ref().map(ToString::to_string),
                        file: &intel.file,
                    })
                    .collect(),
                feed: self
                    .feeds
                    .iter()
                    .map(|feed| ShownFeed {
                        name: &feed.name,
                        url: &feed.url,
                        kind: feed.kind.name(),
                        format: feed.format.as_ref().map(ToString::to_string),
                        confidence: feed.confidence,
                        subdomains: feed.subdomains,
                    })
                    .collect(),
            },
            detections: ShownDetections { disable: &self.disabled },
            server: &self.server,
            thresholds: thresholds::all()
                .map(|threshold| (threshold.key.to_owned(), toml::Value::Float(self.thresholds.get(threshold))))
                .collect(),
        };
        toml::to_string_pretty(&shown).context("could not write the settings as TOML")
    }
}

/// The thresholds of a configuration: `ec2.beacon.score = 0.8`, which TOML reads as tables in tables.
fn thresholds(section: &toml::Table) -> Result<Thresholds> {
    fn take(key: &str, value: &toml::Value, thresholds: &mut Thresholds) -> Result<()> {
        let number = match value {
            toml::Value::Table(table) => {
                let mut parts = table.iter();
                return parts.try_for_each(|(name, value)| take(&format!("{key}.{name}"), value, thresholds));
            }
            toml::Value::Integer(number) => *number as f64,
            toml::Value::Float(number) => *number,
            other => return Err(anyhow!("`thresholds.{key}`: write a number, not `{other}`")),
        };
        thresholds.set_checked(key, number).map_err(|problem| anyhow!("`thresholds`: {problem}"))
    }
    let mut thresholds = Thresholds::default();
    for (name, value) in section {
        take(name, value, &mut thresholds)?;
    }
    Ok(thresholds)
}

/// The types that these patterns name, in order. A pattern that names none is a mistake.
fn switched_off(place: &str, patterns: &[String]) -> Result<Vec<FindingType>> {
    let live = || DETECTIONS.iter().flat_map(|detection| detection.reports).copied();
    let mut types = Vec::new();
    for pattern in patterns {
        let before = types.len();
        types.extend(live().filter(|finding_type| type_matches(pattern, finding_type.as_str())));
        if types.len() == before {
            let nearest = thresholds::nearest(pattern, live().map(FindingType::as_str));
            let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
            return Err(anyhow!(
                "`{place}`: no finding type that this version detects matches `{pattern}`{nearest}; `watchfire types` lists \
                 them all"
            ));
        }
    }
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

/// Reads a configuration file's text. An error names the line, the key and what would be right.
pub fn parse(text: &str) -> Result<ConfigFile> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| anyhow!("{error}"))?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let key = error.path().to_string();
        anyhow!("`{key}`: {}", error.into_inner())
    })
}

/// `$XDG_CONFIG_HOME/watchfire/config.toml`, else `~/.config/watchfire/config.toml`.
pub fn default_path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("watchfire").join("config.toml"))
}

/// `$XDG_CACHE_HOME/watchfire/feeds`, else `~/.cache/watchfire/feeds`.
fn default_feed_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    folder.unwrap_or_default().join("watchfire").join("feeds")
}

/// The form that `format` and `column` name together.
fn form(key: &str, format: Option<String>, column: Option<String>) -> Result<Option<ListFormat>> {
    let format = format.map(|name| list_format(&name)).transpose();
    match (format.map_err(|problem| anyhow!("`{key}.format`: {problem}"))?, column) {
        (None | Some(ListFormat::Csv { .. }), Some(column)) => Ok(Some(ListFormat::Csv { column: Some(column) })),
        (Some(_), Some(_)) => Err(anyhow!("`{key}.column`: only `csv` has columns to choose from")),
        (format, None) => Ok(format),
    }
}

/// Whether output to this stream should be coloured. Source: no-color.org.
pub fn is_coloured(when: Color, stream: &impl IsTerminal) -> bool {
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = format!("{:#}", parse("[scan]\nthreds = 2\n").unwrap_err());
        assert!(error.contains("threds") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        let error = format!("{:#}", parse("[scan]\nthreads = \"two\"\n").unwrap_err());
        assert!(error.contains("scan.threads"), "{error}");
        let bad_kind = parse("[[knowledge.intel]]\nkind = \"c3\"\nfile = \"x\"\n").unwrap();
        let error = format!("{:#}", Settings::resolve(bad_kind, Path::new("")).unwrap_err());
        assert!(error.contains("knowledge.intel.kind") && error.contains("tor-exit"), "{error}");
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let file = parse("[knowledge]\ninventory = \"estate.json\"\n").unwrap();
        assert_eq!(
            Settings::resolve(file, Path::new("/etc/watchfire")).unwrap().inventory,
            Some("/etc/watchfire/estate.json".into())
        );
    }

    fn refused(text: &str) -> String {
        format!("{:#}", Settings::resolve(parse(text).unwrap(), Path::new("")).unwrap_err())
    }

    #[test]
    fn a_threshold_that_makes_no_sense_is_refused_with_what_would() {
        let unknown = refused("[thresholds]\nec2.beacon.scores = 0.8\n");
        assert!(unknown.contains("did you mean `ec2.beacon.score`?"), "{unknown}");
        let outside = refused("[thresholds.ec2]\nbeacon.score = 80\n");
        assert!(outside.contains("from 0.3 to 1.3 (points"), "{outside}");
        let text = refused("[thresholds]\n\"ec2.beacon.score\" = \"high\"\n");
        assert!(text.contains("`thresholds.ec2.beacon.score`: write a number"), "{text}");
    }

    #[test]
    fn a_type_that_does_not_exist_cannot_be_switched_off() {
        let unknown = refused("[detections]\ndisable = [\"Behavior:EC2/Beacons.Watchfire\"]\n");
        assert!(unknown.contains("did you mean `Behavior:EC2/Beacon.Watchfire`?"), "{unknown}");
        let own = parse("[detections]\ndisable = [\"*.Watchfire\", \"Recon:EC2/Portscan\"]\n").unwrap();
        let disabled = Settings::resolve(own, Path::new("")).unwrap().disabled;
        let is_expected = |off: &FindingType| off.as_str().ends_with(".Watchfire") || off.family() == "Portscan";
        assert!(disabled.len() > 3 && disabled.iter().all(is_expected), "{disabled:?}");
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let file = parse("[scan]\nthreads = 3\n[knowledge]\ngeoip = [\"/a.mmdb\"]\n[[knowledge.intel]]\nkind = \"c2\"\nfile = \"/c2.txt\"\n[detections]\ndisable = [\"*/beacon.watchfire\"]\n[thresholds]\nec2.beacon.score = 0.9\n").unwrap();
        let settings = Settings::resolve(file, Path::new("")).unwrap();
        assert_eq!(settings.disabled.len(), 1);
        let again = Settings::resolve(parse(&settings.to_toml().unwrap()).unwrap(), Path::new("")).unwrap();
        assert_eq!(again, settings);
    }
}
