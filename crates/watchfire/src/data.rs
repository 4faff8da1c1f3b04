//! The data directory of a server: the store, and the key that secrets are sealed with.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use watchfire_api::SealingKey;
use watchfire_store::{Location, Store};

/// Opens a data directory, and makes it, for its owner alone, if there is none.
pub fn open(folder: &Path) -> Result<(Store, SealingKey)> {
    make(folder)?;
    let sealing = SealingKey::open(folder)?;
    let store = Store::open(&Location::Directory(folder.to_owned()))?;
    Ok((store, sealing))
}

/// Makes a data directory, for its owner alone, if there is none.
pub fn make(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("could not make the data directory `{}`", folder.display()))
}
