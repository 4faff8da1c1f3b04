//! `watchfire keys`.

use super::{print, say};
use crate::cli::{DataArguments, KeyFormat, KeyPolicy, KeysAction, KeysArguments};
use crate::data;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use tokio::runtime::Builder;
use watchfire_api::{AccessKey, IssuedKey, Keyring, Policy};
use watchfire_model::Time;
use watchfire_store::FILE_NAME;

/// A secret in a file is no longer than this; more is some other file.
const SECRET_BYTES_MAX: u64 = 4_096;

/// Makes, takes in, lists, replaces or ends access keys. A server that runs on the same data sees it with its next request.
pub fn run(arguments: &KeysArguments) -> Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build().context("could not start the runtime")?;
    runtime.block_on(act(&arguments.action))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(action: &KeysAction) -> Result<()> {
    match action {
        KeysAction::Create { place, account, policy, format } => {
            show(&open(place).await?.create(account, policy_of(*policy)).await?, *format)
        }
        KeysAction::Import { place, account, policy, format, access_key_id, secret_file } => {
            let id = given(access_key_id.as_deref(), "AWS_ACCESS_KEY_ID", "--access-key-id")?;
            let secret = match secret_file {
                Some(file) => read_secret(file)?,
                None => given(None, "AWS_SECRET_ACCESS_KEY", "--secret-file")?,
            };
            show(&open(place).await?.import(&id, &secret, account, policy_of(*policy)).await?, *format)
        }
        KeysAction::List { place, account, format } => {
            let keys = open_existing(place).await?.list(account.as_deref()).await?;
            match format {
                KeyFormat::Text => print(&table(&keys)),
                KeyFormat::Json => {
                    let keys: Vec<Value> = keys.iter().map(described).collect();
                    print(&format!("{}\n", json!(keys)))
                }
            }
        }
        KeysAction::Rotate { place, account, which, overlap_minutes, format } => {
            let keys = open_existing(place).await?;
            let id = chosen(&keys, account.as_deref(), which.id()).await?;
            let milliseconds = i64::from(*overlap_minutes) * 60_000;
            let old_expires = (milliseconds > 0).then(|| now() + milliseconds);
            show(&keys.rotate(&id, old_expires).await?, *format)
        }
        KeysAction::Revoke { place, account, which, format } => {
            let keys = open_existing(place).await?;
            let id = chosen(&keys, account.as_deref(), which.id()).await?;
            keys.revoke(&id).await?;
            match format {
                KeyFormat::Text => print(&format!("{id} no longer works\n")),
                KeyFormat::Json => print(&format!("{}\n", json!({"accessKeyId": id}))),
            }
        }
    }
}

async fn open(place: &DataArguments) -> Result<Keyring> {
    let database = data::database(&place.database, None, None)?;
    let (store, sealing) = data::open(&place.data, database).await?;
    Ok(Keyring::new(store, sealing))
}

/// The same for what needs keys that are there: a folder that was misspelt is not made, and has not "no keys".
async fn open_existing(place: &DataArguments) -> Result<Keyring> {
    let is_there = data::database(&place.database, None, None)?.is_some() || place.data.join(FILE_NAME).exists();
    ensure!(is_there, "`{}` holds no store: it is no data directory of a server", place.data.display());
    open(place).await
}

/// The key that is meant: the one that is named, or the only one of the account.
async fn chosen(keys: &Keyring, account: Option<&str>, id: Option<&str>) -> Result<String> {
    let of_account = keys.list(account).await?;
    if let Some(id) = id {
        let known = of_account.iter().any(|key| key.id == id);
        ensure!(known, "there is no access key `{id}`{}", account.map_or(String::new(), |one| format!(" of {one}")));
        return Ok(id.to_owned());
    }
    match (account, of_account.as_slice()) {
        (Some(_), [only]) => Ok(only.id.clone()),
        (Some(account), []) => bail!("the account {account} has no access key"),
        (Some(account), _) => bail!("the account {account} has {} access keys: name one", of_account.len()),
        (None, _) => bail!("name an access key, or an account that has only one"),
    }
}

fn show(issued: &IssuedKey, format: KeyFormat) -> Result<()> {
    match format {
        KeyFormat::Json => print(&format!("{}\n", credentials(issued))),
        KeyFormat::Text => {
            let lines =
                format!("export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\n", issued.key.id, issued.secret);
            print(&lines)?;
            say("The secret is not shown again.\n");
            Ok(())
        }
    }
}

/// The key with its secret, as JSON.
pub(super) fn credentials(issued: &IssuedKey) -> Value {
    let mut value = described(&issued.key);
    value["secretAccessKey"] = issued.secret.clone().into();
    value
}

fn described(key: &AccessKey) -> Value {
    let mut value = json!({
        "accessKeyId": key.id,
        "accountId": key.account,
        "policy": key.policy.name(),
        "createdAt": shown(key.created),
    });
    if let Some(expires) = key.expires {
        value["expiresAt"] = shown(expires).into();
    }
    value
}

fn table(keys: &[AccessKey]) -> String {
    let longest = keys.iter().map(|key| key.id.len()).max().unwrap_or(0).max("ACCESS KEY".len());
    let mut text =
        format!("{:<longest$}  {:<12}  {:<13}  {:<24}  EXPIRES\n", "ACCESS KEY", "ACCOUNT", "POLICY", "CREATED");
    for key in keys {
        let expires = key.expires.map_or("never".to_owned(), shown);
        let _ = writeln!(
            text,
            "{:<longest$}  {:<12}  {:<13}  {:<24}  {expires}",
            key.id,
            key.account,
            key.policy.name(),
            shown(key.created)
        );
    }
    text
}

fn policy_of(policy: KeyPolicy) -> Policy {
    match policy {
        KeyPolicy::Administrator => Policy::Administrator,
        KeyPolicy::ReadOnly => Policy::ReadOnly,
    }
}

fn given(argument: Option<&str>, variable: &str, option: &str) -> Result<String> {
    let value = argument.map(str::to_owned).or_else(|| std::env::var(variable).ok());
    value.with_context(|| format!("give {option}, or set {variable}"))
}

/// The first line of a file, or of standard input for `-`.
fn read_secret(file: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(SECRET_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text))
    };
    read.with_context(|| format!("could not read the secret from `{}`", file.display()))?;
    Ok(text.trim().to_owned())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn shown(milliseconds: i64) -> String {
    Time::from_ms(milliseconds).to_string()
}
