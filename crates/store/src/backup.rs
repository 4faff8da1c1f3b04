//! Copies of a store while it runs, and bringing one back.

use crate::schema;
use crate::{FILE_NAME, Store, StoreError};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

impl Store {
    /// Writes a copy of everything that is committed now to `file`, which must not exist. Reading and writing go on
    /// meanwhile. The copy is a database of its own, on disk when this returns. Of the embedded database only.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        let file = file.to_owned();
        let connector = self.database.connector.clone();
        let done = tokio::task::spawn_blocking(move || {
            if file.exists() {
                return Err(StoreError::Exists { path: file });
            }
            let failed = |path: &Path, cause| StoreError::File { path: path.to_owned(), cause };
            // Under another name until it is whole: a backup that was cut short must not look like one.
            let unfinished = unfinished(&file);
            let _ = fs::remove_file(&unfinished);
            private(&unfinished).map_err(|cause| failed(&unfinished, cause))?;
            connector.copy(&unfinished).inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
            let written = File::open(&unfinished).and_then(|copy| copy.sync_all());
            written.and_then(|()| fs::rename(&unfinished, &file)).map_err(|cause| failed(&file, cause))?;
            sync_folder_of(&file).map_err(|cause| failed(&file, cause))
        });
        done.await.map_err(|_| StoreError::Closed)?
    }
}

/// Puts a backup where [`Store::open`] will find it. The folder must hold no store yet, and nothing may have it open.
///
/// The copy is checked before it is put in place: a file that is damaged, no store of ours, or of a newer schema is
/// refused.
pub fn restore(backup: &Path, folder: &Path) -> Result<(), StoreError> {
    let target = folder.join(FILE_NAME);
    if target.exists() {
        return Err(StoreError::Exists { path: target });
    }
    let failed = |path: &Path, cause| StoreError::File { path: path.to_owned(), cause };
    fs::create_dir_all(folder).map_err(|cause| StoreError::Directory { path: folder.to_owned(), cause })?;
    let unfinished = unfinished(&target);
    // Not with the mode of the backup, which may lie where others read it.
    let _ = fs::remove_file(&unfinished);
    let mut copy = private(&unfinished).map_err(|cause| failed(&unfinished, cause))?;
    File::open(backup).and_then(|mut of| io::copy(&mut of, &mut copy)).map_err(|cause| failed(backup, cause))?;
    if let Err(error) = check(&unfinished, backup) {
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    let copied = File::open(&unfinished).and_then(|copy| copy.sync_all());
    copied.and_then(|()| fs::rename(&unfinished, &target)).map_err(|cause| failed(&target, cause))?;
    sync_folder_of(&target).map_err(|cause| failed(&target, cause))
}

/// Whether a copy can be opened as a store.
fn check(copy: &Path, backup: &Path) -> Result<(), StoreError> {
    let damaged = |cause| StoreError::Open { path: backup.to_owned(), cause };
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(damaged)?;
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(damaged)?;
    schema::readable(found, &backup.display().to_string())?;
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(damaged)?;
    if found == 0 || verdict != "ok" {
        return Err(StoreError::NotABackup { path: backup.to_owned() });
    }
    Ok(())
}

/// An empty file that only its owner can read: findings are nobody else's.
pub(crate) fn private(file: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

/// A new name is on disk once its folder is.
fn sync_folder_of(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
