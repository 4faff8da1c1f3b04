//! Knowledge from the files that the user names.

use crate::config::Settings;
use crate::feeds;
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use watchfire_export::harmless;
use watchfire_knowledge::{
    CloudRanges, EntryError, IndicatorList, IndicatorsBuilder, Inventory, Knowledge, ListFormat, ListRole, ReadList,
    default_lists, lists,
};
use watchfire_model::ListKind;

/// Knowledge, and what should be said about how it was loaded.
pub struct Loaded {
    /// The knowledge.
    pub knowledge: Knowledge,
    /// Kinds of the lists that were loaded, as bits.
    pub kinds: u32,
    /// Sentences for the user: entries that were refused, and why.
    pub remarks: Vec<String>,
}

/// One list in force.
pub struct LoadedList {
    /// The list.
    pub list: IndicatorList,
    /// What it is used for.
    pub role: ListRole,
    /// Where it came from: `shipped`, a file, or a feed's address.
    pub place: String,
}

/// Every list that the settings name, in the order of the settings, and what should be said about them.
pub fn lists(settings: &Settings) -> Result<(Vec<LoadedList>, Vec<String>)> {
    let (mut loaded, mut remarks) = (Vec::new(), Vec::new());
    if settings.default_intel {
        let shipped = |list, role| LoadedList { list, role, place: "shipped".to_owned() };
        loaded.extend(default_lists::load().into_iter().map(|list| shipped(list, ListRole::Threat)));
        loaded.extend(default_lists::guards().into_iter().map(|list| shipped(list, ListRole::Guard)));
    }
    for feed in &settings.feeds {
        let list = feeds::cached(feed, settings, &mut remarks)?;
        loaded.push(LoadedList { list, role: ListRole::Threat, place: feed.url.clone() });
    }
    let bytes_max = settings.list_bytes_max;
    let mut add = |file: &Path, kind: ListKind, format: Option<&ListFormat>, role: ListRole| -> Result<()> {
        let list = usable(read_list(file, kind, format, bytes_max)?, role, &file.display().to_string(), &mut remarks)?;
        loaded.push(LoadedList { list, role, place: file.display().to_string() });
        Ok(())
    };
    for intel in &settings.intel {
        add(&intel.file, intel.kind, intel.format.as_ref(), ListRole::Threat)?;
    }
    settings.trusted.iter().try_for_each(|file| add(file, ListKind::Custom, None, ListRole::Trusted))?;
    settings.guards.iter().try_for_each(|file| add(file, ListKind::Custom, None, ListRole::Guard))?;
    Ok((loaded, remarks))
}

/// Loads everything that the settings name. Any file that cannot be used is an error: knowledge that is silently not
/// there makes a scan that silently finds nothing.
pub fn knowledge(settings: &Settings) -> Result<Loaded> {
    let mut builder = IndicatorsBuilder::default();
    let (lists, remarks) = self::lists(settings)?;
    let mut loaded = Loaded { knowledge: Knowledge::default(), kinds: 0, remarks };
    for LoadedList { list, role, .. } in lists {
        match role {
            ListRole::Threat => {
                if !list.entries.is_empty() {
                    loaded.kinds |= list.kind.bit();
                }
                builder.add(list)
            }
            ListRole::Trusted => builder.trusted(list),
            ListRole::Guard => builder.guard(list),
        };
    }
    loaded.knowledge.indicators = builder.build();
    for file in &settings.geoip {
        let bytes = read(file)?;
        loaded
            .knowledge
            .geography
            .add(bytes)
            .with_context(|| format!("could not use the geography database `{}`", file.display()))?;
    }
    loaded.knowledge.cloud_ranges = match &settings.aws_ranges {
        Some(file) => CloudRanges::from_json(&read(file)?)
            .with_context(|| format!("could not use the AWS ranges `{}`", file.display()))?,
        None => CloudRanges::shipped(),
    };
    if let Some(file) = &settings.inventory {
        loaded.knowledge.inventory = Inventory::from_json(&read(file)?).with_context(|| {
            format!("could not use the inventory `{}` (see `watchfire inventory --schema`)", file.display())
        })?;
    }
    Ok(loaded)
}

/// Reads a list file, of which the name is the list's unless it says another.
pub fn read_list(file: &Path, kind: ListKind, format: Option<&ListFormat>, bytes_max: u64) -> Result<ReadList> {
    let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    read_entries(file, format, &IndicatorList::new(name, kind), bytes_max)
}

/// Reads a list file piece by piece. What the file does not say is as in `defaults`.
pub fn read_entries(
    file: &Path,
    format: Option<&ListFormat>,
    defaults: &IndicatorList,
    bytes_max: u64,
) -> Result<ReadList> {
    const PIECE_BYTES: usize = 256 << 10;
    let failed = || format!("could not read `{}`", file.display());
    let mut reader = lists::ListReader::new(format, defaults);
    let mut opened = File::open(file).with_context(failed)?.take(bytes_max.saturating_add(1));
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0u64;
    loop {
        let count = match opened.read(&mut piece) {
            Ok(0) => return Ok(reader.finish()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(failed),
        };
        bytes += count as u64;
        ensure_bounded(file, bytes, bytes_max)?;
        reader.feed(&piece[..count]);
    }
}

/// The list, if it is good for this; remarks on what was refused of it.
pub fn usable(read: ReadList, role: ListRole, shown: &str, remarks: &mut Vec<String>) -> Result<IndicatorList> {
    if read.format == ListFormat::MispWarningList && role == ListRole::Threat {
        bail!(
            "`{shown}` is a MISP warning list, which names what is harmless: give it as a guard (--guard) or as trusted \
             (--trusted)"
        );
    }
    if read.list.entries.is_empty() {
        // A list of private ranges is understood, and matches nothing; anything else is the wrong file.
        let is_wrong = |reason: EntryError| reason != EntryError::NotRoutable;
        let why = match read.rejected.iter().find(|rejected| is_wrong(rejected.reason)) {
            Some(rejected) => Some(format!("line {}: {}", rejected.line, rejected.reason)),
            None => read.rejected.is_empty().then(|| format!("there is none in it, read as {}", read.format)),
        };
        if let Some(why) = why {
            bail!("the list `{shown}` holds no entry that can be used: {why}");
        }
        remarks.push(format!("{shown}: it holds no entry that can match anything"));
    }
    if read.rejected_count > 0 {
        remarks.push(format!("{shown}: {} of its entries were refused:", read.rejected_count));
        for rejected in read.rejected.iter().take(5) {
            remarks.push(format!("  line {}: `{}`: {}", rejected.line, harmless(&rejected.text), rejected.reason));
        }
    }
    Ok(read.list)
}

/// The content of a list file, if it is no larger than allowed.
pub fn read_bounded(file: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| {
            // All the room at once: growing by doubling would hold a large list twice.
            let size = opened.metadata()?.len().min(bytes_max);
            bytes.reserve_exact(usize::try_from(size).unwrap_or(0).saturating_add(1));
            opened.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)
        })
        .with_context(|| format!("could not read `{}`", file.display()))?;
    ensure_bounded(file, bytes.len() as u64, bytes_max)?;
    Ok(bytes)
}

fn ensure_bounded(file: &Path, bytes: u64, bytes_max: u64) -> Result<()> {
    ensure!(
        bytes <= bytes_max,
        "the list `{}` is larger than {bytes_max} bytes; `list-bytes-max` allows more (--list-bytes-max)",
        file.display()
    );
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("could not read `{}`", file.display()))
}
