//! Knowledge from the files that the user names.

use crate::config::Settings;
use anyhow::{Context, Result, bail};
use std::path::Path;
use watchfire_knowledge::{CloudRanges, IndicatorList, IndicatorsBuilder, Inventory, Knowledge, default_lists, lists};
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

/// Loads everything that the settings name. Any file that cannot be used is an error: knowledge that is silently not
/// there makes a scan that silently finds nothing.
pub fn knowledge(settings: &Settings) -> Result<Loaded> {
    let mut builder = IndicatorsBuilder::default();
    let mut loaded = Loaded { knowledge: Knowledge::default(), kinds: 0, remarks: Vec::new() };
    if settings.default_intel {
        for list in default_lists::load() {
            loaded.kinds |= list.kind.bit();
            builder.add(list);
        }
    }
    for intel in &settings.intel {
        let list = read_list(&intel.file, intel.kind, &mut loaded.remarks)?;
        loaded.kinds |= list.kind.bit();
        builder.add(list);
    }
    for file in &settings.trusted {
        builder.trusted(read_list(file, ListKind::Custom, &mut loaded.remarks)?);
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

fn read_list(file: &Path, kind: ListKind, remarks: &mut Vec<String>) -> Result<IndicatorList> {
    let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let list = lists::txt::parse(&read(file)?, &IndicatorList::new(name, kind));
    let shown = file.display();
    if list.list.entries.is_empty() {
        let why = list.rejected.first().map_or_else(
            || "it is empty".to_owned(),
            |rejected| format!("line {}: {}", rejected.line, rejected.reason),
        );
        bail!("the list `{shown}` holds no entry that can be used: {why}");
    }
    if list.rejected_count > 0 {
        remarks.push(format!("{shown}: {} of its entries were refused:", list.rejected_count));
        for rejected in list.rejected.iter().take(5) {
            remarks.push(format!("  line {}: `{}`: {}", rejected.line, rejected.text, rejected.reason));
        }
    }
    Ok(list.list)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("could not read `{}`", file.display()))
}
