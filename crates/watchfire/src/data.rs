//! The data directory of a server: the store, unless a database is named, and the key that secrets are sealed with.

use crate::cli::DatabaseArguments;
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use std::fs;
use std::path::Path;
use watchfire_api::SealingKey;
use watchfire_store::{Change, Expect, Key, Location, PostgresUrl, Store, StoreError};

/// The file of a password is no longer than this; more is some other file.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Opens a data directory, or this database beside it, and makes what is not there, for its owner alone.
pub async fn open(folder: &Path, database: Option<PostgresUrl>) -> Result<(Store, SealingKey)> {
    make(folder)?;
    let _ = tighten(folder); // `serve` has told of it.
    let sealing = SealingKey::open(folder)?;
    let store = Store::open(&location(folder, database))?;
    check(&store, &sealing, folder).await?;
    Ok((store, sealing))
}

/// Takes from others what they may do with the files of a data directory: findings, keys and the audit log are the
/// owner's alone, whatever mode an older version, a copy or a backup has left. Answers a sentence for each file that was
/// open to others. Not `secret.key`: with one that others may have read, a server does not start.
#[cfg(unix)]
pub fn tighten(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let ours = |name: &str| {
        name.starts_with(watchfire_store::FILE_NAME)
            || name.starts_with(watchfire_api::AUDIT_FILE)
            || name.starts_with("bootstrap-key-")
    };
    let mut remarks = Vec::new();
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names.iter().filter(|name| name.to_str().is_some_and(ours)) {
        let path = folder.join(name);
        // A link is somebody's decision, and its target not ours to change.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if !metadata.is_file() || mode & 0o077 == 0 {
            continue;
        }
        let outcome = match fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o700)) {
            Ok(()) => format!("it has {:03o} now", mode & 0o700),
            Err(error) => format!("that could not be changed ({error}): do it with `chmod 600`"),
        };
        remarks
            .push(format!("`{}` was open to other users of this machine (mode {mode:03o}): {outcome}", path.display()));
    }
    remarks
}

/// Modes are Unix's.
#[cfg(not(unix))]
pub fn tighten(_: &Path) -> Vec<String> {
    Vec::new()
}

/// Where the store is.
pub fn location(folder: &Path, database: Option<PostgresUrl>) -> Location {
    database.map_or_else(|| Location::Directory(folder.to_owned()), Location::Postgres)
}

/// Makes a data directory, for its owner alone, if there is none.
pub fn make(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("could not make the data directory `{}`", folder.display()))
}

/// The database that is named by the command line, the environment, or else the configuration; with its password.
pub fn database(
    given: &DatabaseArguments,
    configured: Option<&str>,
    configured_password_file: Option<&Path>,
) -> Result<Option<PostgresUrl>> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let file = given.database_password_file.as_deref().or(configured_password_file);
    let named = given.database.clone().or_else(|| set("WATCHFIRE_DATABASE"));
    let Some(url) = named.or_else(|| configured.map(str::to_owned)) else {
        ensure!(file.is_none(), "a file with the password of a database is of no use without --database");
        return Ok(None);
    };
    let url = PostgresUrl::parse(&url)?;
    if given.database.is_some() && url.has_password() {
        bail!(
            "other users of this machine can read the password in --database: take it out, and put it into a file for \
             --database-password-file, or into PGPASSWORD"
        );
    }
    Ok(Some(match file {
        Some(file) => url.with_password(&password(file)?),
        None if url.has_password() => url,
        None => match set("PGPASSWORD") {
            Some(password) => url.with_password(&password),
            None => url,
        },
    }))
}

fn password(file: &Path) -> Result<String> {
    let name = file.display();
    let size = fs::metadata(file).with_context(|| format!("could not read the password in `{name}`"))?.len();
    ensure!(size <= PASSWORD_BYTES_MAX, "`{name}` holds more than a password");
    let text = fs::read_to_string(file).with_context(|| format!("could not read the password in `{name}`"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Makes sure that what the store holds was sealed with this key: a server that has another could let nobody in, and
/// would say that every access key is wrong.
async fn check(store: &Store, sealing: &SealingKey, folder: &Path) -> Result<()> {
    let key = Key {
        account: String::new(),
        region: String::new(),
        kind: "sealingKey",
        parent: String::new(),
        id: "fingerprint".to_owned(),
    };
    let body = json!({"fingerprint": sealing.fingerprint()});
    let put = Change::Put { key: key.clone(), body: body.clone(), expect: Expect::Absent };
    let found = match store.document(&key).await? {
        Some(found) => found,
        None => match store.commit(vec![put]).await {
            Ok(_) => return Ok(()),
            // Another server was first.
            Err(StoreError::Conflict { .. }) => {
                store.document(&key).await?.context("the sealing key's fingerprint comes and goes")?
            }
            Err(error) => return Err(error.into()),
        },
    };
    ensure!(
        found.body == body,
        "what the store holds was sealed with another key: copy the file `secret.key` from the data directory of the \
         server that made it to `{}`",
        folder.display()
    );
    Ok(())
}
