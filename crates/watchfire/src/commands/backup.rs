//! `watchfire backup` and `watchfire restore`.

use super::{print, say};
use crate::cli::{BackupArguments, RestoreArguments};
use crate::data;
use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::runtime::Builder;
use watchfire_api::SECRET_FILE;

/// Copies a store, also while a server runs on it.
pub fn backup(arguments: &BackupArguments) -> Result<ExitCode> {
    let (data, file) = (data::folder(&arguments.place)?, &arguments.file);
    let runtime = Builder::new_current_thread().enable_all().build().context("could not start the runtime")?;
    let (store, _) = runtime.block_on(data::open_existing(&arguments.place))?;
    runtime.block_on(store.backup(file))?;
    print(&format!("{} is a copy of the store in {}\n", file.display(), data.display()))?;
    say(&format!("It does not hold {SECRET_FILE}, without which its access keys cannot be used.\n"));
    Ok(ExitCode::SUCCESS)
}

/// Makes a data directory of a copy.
pub fn restore(arguments: &RestoreArguments) -> Result<ExitCode> {
    let (folder, file) = (&arguments.data, &arguments.file);
    data::make(folder)?;
    watchfire_store::restore(file, folder)?;
    print(&format!("{} holds what {} held\n", folder.display(), file.display()))?;
    if !folder.join(SECRET_FILE).exists() {
        say(&format!(
            "{SECRET_FILE} is not there: put the copy of it there before the server starts. Without it the access keys \
             cannot be used, and must be made anew.\n"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
