//! `watchfire backup` and `watchfire restore`.

use super::{print, say};
use crate::cli::{BackupArguments, RestoreArguments};
use anyhow::{Context, Result, ensure};
use std::process::ExitCode;
use tokio::runtime::Builder;
use watchfire_api::SECRET_FILE;
use watchfire_store::{FILE_NAME, Location, Store};

/// Copies a store, also while a server runs on it.
pub fn backup(arguments: &BackupArguments) -> Result<ExitCode> {
    let (data, file) = (&arguments.data, &arguments.file);
    // Opening would make one.
    ensure!(
        data.join(FILE_NAME).exists(),
        "`{}` holds no store: it is no data directory of a server, or of one that keeps its store in PostgreSQL, which \
         `pg_dump` copies",
        data.display()
    );
    let runtime = Builder::new_current_thread().enable_all().build().context("could not start the runtime")?;
    let store = Store::open(&Location::Directory(data.clone()))?;
    runtime.block_on(store.backup(file))?;
    print(&format!("{} is a copy of the store in {}\n", file.display(), data.display()))?;
    say(&format!("It does not hold {SECRET_FILE}, without which its access keys cannot be used.\n"));
    Ok(ExitCode::SUCCESS)
}

/// Makes a data directory of a copy.
pub fn restore(arguments: &RestoreArguments) -> Result<ExitCode> {
    let (data, file) = (&arguments.data, &arguments.file);
    crate::data::make(data)?;
    watchfire_store::restore(file, data)?;
    print(&format!("{} holds what {} held\n", data.display(), file.display()))?;
    if !data.join(SECRET_FILE).exists() {
        say(&format!(
            "{SECRET_FILE} is not there: put the copy of it there before the server starts. Without it the access keys \
             cannot be used, and must be made anew.\n"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
