//! The configuration file, and the settings in force after the command line has had its say.

use crate::cli::{Color, Format, InputArguments, IntelArgument, account_id, kinds, severity};
use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use watchfire_model::{ListKind, Severity};

/// The configuration file, word for word. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ConfigFile {
    /// `[scan]`: how `watchfire scan` runs and reports.
    pub scan: ScanSection,
    /// `[knowledge]`: what detections may consult.
    pub knowledge: KnowledgeSection,
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

/// `[knowledge]`. Relative paths are relative to the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct KnowledgeSection {
    /// `default-intel`: whether to use the lists that ship with the program.
    pub default_intel: Option<bool>,
    /// `[[knowledge.intel]]`: threat lists.
    pub intel: Vec<IntelEntry>,
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
    /// The file.
    pub file: PathBuf,
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
    /// Trusted lists.
    pub trusted: Vec<PathBuf>,
    /// Geography databases.
    pub geoip: Vec<PathBuf>,
    /// AWS's ranges, instead of the snapshot.
    pub aws_ranges: Option<PathBuf>,
    /// The inventory.
    pub inventory: Option<PathBuf>,
}

impl Settings {
    /// The file's settings where the command line says nothing, the defaults where neither does. Lists add up.
    pub fn from_arguments(arguments: &InputArguments) -> Result<Self> {
        let mut settings = Self::from_file(arguments.config.as_deref())?;
        settings.threads = arguments.threads.map_or(settings.threads, usize::from);
        settings.default_intel &= !arguments.no_default_intel;
        settings.intel.extend(arguments.intel.iter().cloned());
        settings.trusted.extend(arguments.trusted.iter().cloned());
        settings.geoip.extend(arguments.geoip.iter().cloned());
        settings.aws_ranges = arguments.aws_ranges.clone().or(settings.aws_ranges);
        settings.inventory = arguments.inventory.clone().or(settings.inventory);
        settings.assume_account = arguments.assume_account.clone().unwrap_or(settings.assume_account);
        settings.assume_region = arguments.assume_region.clone().unwrap_or(settings.assume_region);
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
        let intel = file.knowledge.intel.into_iter().map(|entry| {
            let kind = ListKind::from_name(&entry.kind).ok_or_else(|| {
                anyhow!("`knowledge.intel.kind`: `{}` is no kind of list; the kinds are {}", entry.kind, kinds())
            })?;
            Ok(IntelArgument { kind, file: near(entry.file) })
        });
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
            trusted: file.knowledge.trusted.into_iter().map(near).collect(),
            geoip: file.knowledge.geoip.into_iter().map(near).collect(),
            aws_ranges: file.knowledge.aws_ranges.map(near),
            inventory: file.knowledge.inventory.map(near),
        })
    }

    /// The settings as a configuration file would say them.
    pub fn to_toml(&self) -> Result<String> {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Shown<'a> {
            scan: ShownScan<'a>,
            knowledge: ShownKnowledge<'a>,
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
            trusted: &'a [PathBuf],
            geoip: &'a [PathBuf],
            #[serde(skip_serializing_if = "Option::is_none")]
            aws_ranges: Option<&'a Path>,
            #[serde(skip_serializing_if = "Option::is_none")]
            inventory: Option<&'a Path>,
            intel: Vec<ShownIntel<'a>>,
        }
        #[derive(Serialize)]
        struct ShownIntel<'a> {
            kind: &'static str,
            file: &'a Path,
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
                trusted: &self.trusted,
                geoip: &self.geoip,
                aws_ranges: self.aws_ranges.as_deref(),
                inventory: self.inventory.as_deref(),
                intel: self
                    .intel
                    .iter()
                    .map(|intel| ShownIntel { kind: intel.kind.name(), file: &intel.file })
                    .collect(),
            },
        };
        toml::to_string_pretty(&shown).context("could not write the settings as TOML")
    }
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

    #[test]
    fn what_is_shown_can_be_read_again() {
        let file = parse("[scan]\nthreads = 3\n[knowledge]\ngeoip = [\"/a.mmdb\"]\n[[knowledge.intel]]\nkind = \"c2\"\nfile = \"/c2.txt\"\n").unwrap();
        let settings = Settings::resolve(file, Path::new("")).unwrap();
        let again = Settings::resolve(parse(&settings.to_toml().unwrap()).unwrap(), Path::new("")).unwrap();
        assert_eq!(again, settings);
    }
}
