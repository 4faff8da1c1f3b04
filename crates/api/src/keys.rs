//! Access keys: who may sign requests, for which account.
//!
//! Signature Version 4 makes a key of the secret itself, so a hash of it would not do: secrets are encrypted, with a key
//! that lies beside the database in a file of its own, for its owner alone. A copy of the database without that file
//! tells no secret.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use watchfire_store::{Change, Expect, Key, Range, Store, StoreError};

/// The file with the key that secrets are encrypted with, in the data directory.
pub const SECRET_FILE: &str = "secret.key";

/// The kind of the store's documents that are access keys.
const KIND: &str = "accessKey";

/// The most access keys that one server holds. Ours: listing them reads them all.
const KEYS_MAX: usize = 10_000;

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Everything.
    #[default]
    Administrator,
    /// Operations that change nothing.
    ReadOnly,
}

impl Policy {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::ReadOnly => "read-only",
        }
    }
}

/// An access key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Names the key in signatures.
    pub id: String,
    /// The account that its holder acts for.
    pub account: String,
    /// What its holder may do.
    pub policy: Policy,
    /// When it was made, milliseconds since 1970.
    pub created: i64,
    /// When it ceases to work, milliseconds since 1970; `None` is never.
    pub expires: Option<i64>,
}

/// An access key and its secret: shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// The key.
    pub key: AccessKey,
    /// The secret that signatures are made with.
    pub secret: String,
}

impl fmt::Debug for IssuedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IssuedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Access keys could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file of the encryption key could not be read or made.
    #[error("could not read or make `{path}`, which holds the key that secrets are encrypted with")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Others may read the file of the encryption key.
    #[error("`{path}` can be read by others: run `chmod 600 {path}`, and replace the access keys if others did")]
    Readable {
        /// The file.
        path: PathBuf,
    },
    /// The file of the encryption key holds something else.
    #[error("`{path}` does not hold a key: restore it from a backup of the data directory")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// A secret does not decrypt with this key file.
    #[error(
        "the secret of the access key `{id}` was encrypted with another key file: restore `{SECRET_FILE}` from a backup"
    )]
    OtherKeyFile {
        /// The access key's id.
        id: String,
    },
    /// The id is taken.
    #[error("there is an access key `{id}` already")]
    Exists {
        /// The access key's id.
        id: String,
    },
    /// There is no such key.
    #[error("there is no access key `{id}`")]
    Unknown {
        /// The access key's id.
        id: String,
    },
    /// An id or a secret that no client could use.
    #[error("an access key id has 16 to 128 letters and digits, and a secret 16 to 256 characters without blanks")]
    Form,
    /// There are as many keys as there may be.
    #[error("there are {KEYS_MAX} access keys, which is as many as a server holds: revoke some")]
    TooMany,
    /// The store failed.
    #[error("could not read or write the access keys")]
    Store(#[from] StoreError),
}

/// Encrypts secrets, and makes what only this server can have made.
pub struct SealingKey {
    aead: LessSafeKey,
    tokens: hmac::Key,
    fingerprint: String,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealingKey")
    }
}

impl SealingKey {
    /// Reads the key file of a data directory, or makes one.
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(SECRET_FILE);
        let failed = |cause| KeyError::File { path: path.clone(), cause };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder).map_err(failed)?;
                let text = format!("{}\n", STANDARD.encode(random::<32>()?));
                match write_private(&path, text.as_bytes()) {
                    Ok(()) => text,
                    // Another process was first.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        fs::read_to_string(&path).map_err(failed)?
                    }
                    Err(error) => return Err(failed(error)),
                }
            }
            Err(error) => return Err(failed(error)),
        };
        if is_readable_by_others(&path).map_err(failed)? {
            return Err(KeyError::Readable { path });
        }
        let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = bytes.and_then(|bytes| Self::of(&bytes));
        key.ok_or(KeyError::NoKey { path })
    }

    /// One key for each purpose, so that what is made for one says nothing about another.
    fn of(master: &[u8; 32]) -> Option<Self> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master);
        let derived = |purpose: &str| hmac::sign(&master, purpose.as_bytes());
        let aead = UnboundKey::new(&CHACHA20_POLY1305, derived("watchfire access key secrets").as_ref()).ok()?;
        let tokens = hmac::Key::new(hmac::HMAC_SHA256, derived("watchfire page tokens").as_ref());
        let fingerprint = STANDARD.encode(derived("watchfire fingerprint"));
        Some(Self { aead: LessSafeKey::new(aead), tokens, fingerprint })
    }

    /// A key of random bytes, for tests and for nothing that is to last.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Self::of(&random::<32>()?).ok_or(KeyError::Random)
    }

    /// What tells this key from others, and gives nothing away of it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The key that page tokens are authenticated with.
    pub(crate) fn tokens(&self) -> &hmac::Key {
        &self.tokens
    }

    /// Bound to the id and the account: sealed bytes copied to another record do not open there.
    fn seal(&self, id: &str, account: &str, secret: &str) -> Result<String, KeyError> {
        let nonce = random::<NONCE_LEN>()?;
        let mut bytes = secret.as_bytes().to_vec();
        let about = Aad::from(format!("{account}/{id}"));
        self.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut bytes)
            .map_err(|_| KeyError::Random)?;
        Ok(STANDARD.encode([nonce.as_slice(), &bytes].concat()))
    }

    fn unseal(&self, id: &str, account: &str, sealed: &str) -> Option<String> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let secret = self.aead.open_in_place(nonce, Aad::from(format!("{account}/{id}")), sealed).ok()?;
        String::from_utf8(secret.to_vec()).ok()
    }
}

/// The access keys of a server. Other processes may change them while it runs; each request looks them up.
#[derive(Debug)]
pub struct Keyring {
    store: Store,
    sealing: SealingKey,
}

/// An access key as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    account_id: String,
    policy: Policy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    sealed_secret: String,
}

impl Keyring {
    /// The keys of a store.
    pub fn new(store: Store, sealing: SealingKey) -> Self {
        Self { store, sealing }
    }

    /// What encrypts.
    pub(crate) fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    /// Makes a key.
    pub async fn create(&self, account: &str, policy: Policy) -> Result<IssuedKey, KeyError> {
        let id = format!("AKIA{}", base32(&random::<10>()?));
        let secret = STANDARD.encode(random::<30>()?);
        self.put(&id, &secret, account, policy).await
    }

    /// Takes a key that exists elsewhere, so that programs need no new credentials.
    pub async fn import(&self, id: &str, secret: &str, account: &str, policy: Policy) -> Result<IssuedKey, KeyError> {
        let id_is_good = (16..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let secret_is_good = (16..=256).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if !id_is_good || !secret_is_good {
            return Err(KeyError::Form);
        }
        self.put(id, secret, account, policy).await
    }

    /// All keys, of one account or of all, by account and age. Keys that have ceased to work are among them.
    pub async fn list(&self, account: Option<&str>) -> Result<Vec<AccessKey>, KeyError> {
        let range = Range { kind: KIND, account: None, region: None, parent: None };
        let documents = self.store.documents(&range, None, KEYS_MAX).await?;
        let mut keys: Vec<AccessKey> = documents
            .into_iter()
            .filter_map(|document| {
                let stored: Stored = serde_json::from_value(document.body).ok()?;
                Some(stored.key(document.key.id, document.created))
            })
            .filter(|key| account.is_none_or(|account| key.account == account))
            .collect();
        keys.sort_by(|a, b| (&a.account, a.created, &a.id).cmp(&(&b.account, b.created, &b.id)));
        Ok(keys)
    }

    /// Makes a new key with the account and policy of an old one, which works until `old_expires` (milliseconds since
    /// 1970), or no longer.
    pub async fn rotate(&self, id: &str, old_expires: Option<i64>) -> Result<IssuedKey, KeyError> {
        let document = self.store.document(&key_of(id)).await?;
        let unknown = || KeyError::Unknown { id: id.to_owned() };
        let document = document.ok_or_else(unknown)?;
        let mut old: Stored = serde_json::from_value(document.body).map_err(|_| unknown())?;
        let expect = Expect::Version(document.version);
        let new_id = format!("AKIA{}", base32(&random::<10>()?));
        let secret = STANDARD.encode(random::<30>()?);
        let new = self.sealed(&new_id, &secret, &old.account_id, old.policy)?;
        let issued = IssuedKey { key: new.key(new_id.clone(), now()), secret };
        let end_old = match old_expires {
            None => Change::Delete { key: key_of(id), expect },
            Some(moment) => {
                old.expires = Some(old.expires.map_or(moment, |earlier| earlier.min(moment)));
                Change::Put { key: key_of(id), body: json(&old), expect }
            }
        };
        let make_new = Change::Put { key: key_of(&new_id), body: json(&new), expect: Expect::Absent };
        self.store.commit(vec![make_new, end_old]).await?;
        Ok(issued)
    }

    /// Ends a key at once.
    pub async fn revoke(&self, id: &str) -> Result<(), KeyError> {
        let document = self.store.document(&key_of(id)).await?;
        let document = document.ok_or_else(|| KeyError::Unknown { id: id.to_owned() })?;
        let expect = Expect::Version(document.version);
        self.store.commit(vec![Change::Delete { key: key_of(id), expect }]).await?;
        Ok(())
    }

    /// A key that works now, with its secret.
    pub async fn find(&self, id: &str) -> Result<Option<IssuedKey>, KeyError> {
        let Some(document) = self.store.document(&key_of(id)).await? else { return Ok(None) };
        let Ok(stored) = serde_json::from_value::<Stored>(document.body) else { return Ok(None) };
        if stored.expires.is_some_and(|expires| expires <= now()) {
            return Ok(None);
        }
        let secret = self.sealing.unseal(id, &stored.account_id, &stored.sealed_secret);
        let secret = secret.ok_or_else(|| KeyError::OtherKeyFile { id: id.to_owned() })?;
        Ok(Some(IssuedKey { key: stored.key(id.to_owned(), document.created), secret }))
    }

    async fn put(&self, id: &str, secret: &str, account: &str, policy: Policy) -> Result<IssuedKey, KeyError> {
        if self.list(None).await?.len() >= KEYS_MAX {
            return Err(KeyError::TooMany);
        }
        let stored = self.sealed(id, secret, account, policy)?;
        let issued = IssuedKey { key: stored.key(id.to_owned(), now()), secret: secret.to_owned() };
        let put = Change::Put { key: key_of(id), body: json(&stored), expect: Expect::Absent };
        self.store.commit(vec![put]).await.map_err(|error| match error {
            StoreError::Conflict { .. } => KeyError::Exists { id: id.to_owned() },
            other => other.into(),
        })?;
        Ok(issued)
    }

    fn sealed(&self, id: &str, secret: &str, account: &str, policy: Policy) -> Result<Stored, KeyError> {
        let sealed_secret = self.sealing.seal(id, account, secret)?;
        Ok(Stored { account_id: account.to_owned(), policy, expires: None, sealed_secret })
    }
}

impl Stored {
    fn key(&self, id: String, created: i64) -> AccessKey {
        AccessKey { id, account: self.account_id.clone(), policy: self.policy, created, expires: self.expires }
    }
}

/// Access keys hang on no account in the store: a signature names the key alone.
fn key_of(id: &str) -> Key {
    Key { account: String::new(), region: String::new(), kind: KIND, parent: String::new(), id: id.to_owned() }
}

fn json(stored: &Stored) -> serde_json::Value {
    serde_json::to_value(stored).unwrap_or_default() // A structure of texts and numbers cannot fail.
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

/// The alphabet of AWS's access key ids.
fn base32(bytes: &[u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = bytes.iter().fold(0_u128, |bits, &byte| bits << 8 | u128::from(byte));
    let mut letters = Vec::new();
    for _ in 0..16 {
        letters.push(ALPHABET[(bits % 32) as usize]);
        bits /= 32;
    }
    letters.iter().map(|&letter| char::from(letter)).collect()
}

/// Makes a file that only its owner may read. There is no moment at which it is there in part: it is written under
/// another name first. An existing file is left as it is, and is an error.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let name = random::<8>().map_err(|error| io::Error::other(error.to_string()))?;
    let temporary = path.with_extension(URL_SAFE_NO_PAD.encode(name));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&temporary, path)); // Unlike `rename`, never replaces.
    fs::remove_file(&temporary)?;
    linked
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_store::Location;

    fn keyring(folder: &Path) -> Keyring {
        let store = Store::open(&Location::Directory(folder.to_owned())).unwrap();
        Keyring::new(store, SealingKey::open(folder).unwrap())
    }

    #[tokio::test]
    async fn a_key_is_found_with_its_secret_also_by_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let issued = keyring(folder.path()).create("111122223333", Policy::ReadOnly).await.unwrap();
        assert!(issued.key.id.starts_with("AKIA") && issued.key.id.len() == 20 && issued.secret.len() == 40);
        let found = keyring(folder.path()).find(&issued.key.id).await.unwrap().unwrap();
        assert_eq!((&found.secret, found.key.policy), (&issued.secret, Policy::ReadOnly));
        assert_eq!(found.key.account, "111122223333");
    }

    #[tokio::test]
    async fn no_file_holds_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(folder.path()); // Open until the end, so that the database's log stays.
        let issued = keys.create("111122223333", Policy::default()).await.unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let content = fs::read(entry.unwrap().path()).unwrap();
            let holds = content.windows(issued.secret.len()).any(|window| window == issued.secret.as_bytes());
            assert!(!holds);
        }
    }

    #[tokio::test]
    async fn a_revoked_key_is_gone_and_a_rotated_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(folder.path());
        let first = keys.create("111122223333", Policy::default()).await.unwrap().key.id;
        let second = keys.rotate(&first, None).await.unwrap().key.id;
        assert!(keys.find(&first).await.unwrap().is_none());
        let third = keys.rotate(&second, Some(now() + 60_000)).await.unwrap().key.id;
        assert!(keys.find(&second).await.unwrap().is_some(), "the overlap is not over");
        keys.rotate(&second, Some(now() - 1)).await.unwrap();
        assert!(keys.find(&second).await.unwrap().is_none());
        keys.revoke(&third).await.unwrap();
        assert!(keys.find(&third).await.unwrap().is_none());
        assert!(matches!(keys.revoke(&third).await, Err(KeyError::Unknown { .. })));
    }

    #[tokio::test]
    async fn an_imported_key_must_be_new_and_usable() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(folder.path());
        let import =
            |id: &'static str, secret: &'static str| keys.import(id, secret, "111122223333", Policy::default());
        import("AKIDEXAMPLEEXAMPLE00", "wJalrXUtnFEMI/K7MDENG").await.unwrap();
        let again = import("AKIDEXAMPLEEXAMPLE00", "wJalrXUtnFEMI/K7MDENG").await;
        assert!(matches!(again, Err(KeyError::Exists { .. })));
        assert!(matches!(import("AKID/..", "wJalrXUtnFEMI/K7MDENG").await, Err(KeyError::Form)));
        assert!(matches!(import("AKIDEXAMPLEEXAMPLE01", "short").await, Err(KeyError::Form)));
    }

    #[tokio::test]
    async fn a_secret_moved_to_another_key_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(folder.path());
        let (one, other) = ("AKIDEXAMPLEEXAMPLE01", "AKIDEXAMPLEEXAMPLE02");
        for id in [one, other] {
            keys.import(id, "wJalrXUtnFEMI/K7MDENG", "111122223333", Policy::default()).await.unwrap();
        }
        let body = keys.store.document(&key_of(one)).await.unwrap().unwrap().body;
        let put = Change::Put { key: key_of(other), body, expect: Expect::Any };
        keys.store.commit(vec![put]).await.unwrap();
        assert!(matches!(keys.find(other).await, Err(KeyError::OtherKeyFile { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        SealingKey::open(folder.path()).unwrap();
        let path = folder.path().join(SECRET_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SealingKey::open(folder.path()), Err(KeyError::Readable { .. })));
    }
}
