//! The data directory of a server: the store, unless a database is named, and the key that secrets are sealed with.

use crate::cli::DataArguments;
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use std::fs;
use std::path::Path;
use watchfire_api::SealingKey;
use watchfire_store::{Change, Expect, FILE_NAME, Key, Location, PostgresUrl, Store, StoreError};

/// The file of a password is no longer than this; more is some other file.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Opens a data directory, and makes it, for its owner alone, if there is none.
pub async fn open(place: &DataArguments) -> Result<(Store, SealingKey)> {
    let folder = folder(place)?;
    make(folder)?;
    let sealing = SealingKey::open(folder)?;
    let location = match database(place)? {
        Some(url) => Location::Postgres(url),
        None => Location::Directory(folder.to_owned()),
    };
    let store = Store::open(&location)?;
    check(&store, &sealing, folder).await?;
    Ok((store, sealing))
}

/// As [`open`], for what only reads: a store that is not there is an error, and none is made.
pub async fn open_existing(place: &DataArguments) -> Result<(Store, SealingKey)> {
    let folder = folder(place)?;
    if database(place)?.is_none() {
        let name = folder.display();
        ensure!(folder.join(FILE_NAME).exists(), "`{name}` holds no store: it is no data directory of a server");
    }
    open(place).await
}

/// Makes a data directory, for its owner alone, if there is none.
pub fn make(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("could not make the data directory `{}`", folder.display()))
}

/// The data directory that is named.
pub fn folder(place: &DataArguments) -> Result<&Path> {
    let missing =
        "say where the server keeps its data: --data DIR, WATCHFIRE_DATA, or for `serve` also `data` under [server]";
    place.data.as_deref().context(missing)
}

/// The database that is named, with its password.
fn database(place: &DataArguments) -> Result<Option<PostgresUrl>> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let file = place.database_password_file.as_deref();
    let Some(url) = place.database.clone().or_else(|| set("WATCHFIRE_DATABASE")) else {
        ensure!(file.is_none(), "--database-password-file is of no use without --database");
        return Ok(None);
    };
    let url = PostgresUrl::parse(&url)?;
    if place.database.is_some() && url.has_password() {
        bail!(
            "other users of this machine can read the password in --database: take it out, and put it into a file for \
             --database-password-file, or into PGPASSWORD"
        );
    }
    Ok(Some(match file {
        Some(file) => url.with_password(&password(file)?),
        None if url.has_password() => url,
        None => set("PGPASSWORD").map_or_else(|| url.clone(), |password| url.clone().with_password(&password)),
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
