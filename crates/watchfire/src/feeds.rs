//! Feeds: threat lists that are fetched, kept, and used without a network from then on.
//!
//! Of each feed the newest good copy is kept, as two files in the feed folder: the content as it came, named after its
//! hash, and `NAME.json`, which says what it is. A fetch writes the content first and then puts `NAME.json` in place by
//! renaming: a scan at the same time sees the old copy or the new one, whole. A copy that is worse than none (too large,
//! nothing usable in it, grown tenfold) is refused, and the old one stays.

use crate::config::Settings;
use crate::load;
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use watchfire_knowledge::{Indicator, IndicatorList, ListFormat, ListOrigin, ListRole, ReadList, lists};
use watchfire_model::{ListKind, Time};
use xxhash_rust::xxh3::xxh3_128;

/// A feed that grew so many times since the last fetch is refused: more likely it is broken or poisoned than true.
/// Source: design, "Threat-intelligence matching".
const GROWTH_MAX: u64 = 10;

/// How likely an entry of a feed is right if the configuration does not say, in percent: that of a community list, and of
/// a list of scanners. Source: design, "Threat-intelligence matching".
const CONFIDENCE: u8 = 50;
const SCANNER_CONFIDENCE: u8 = 30;

/// A server that takes longer for a whole list is given up.
const FETCH_TIME_MAX: Duration = Duration::from_secs(120);

/// Bytes of a `NAME.json`: a handful of short members.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// One of `[[knowledge.feed]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The name, which is that of its files too.
    pub name: String,
    /// `https:`, `http:` or `file:`.
    pub url: String,
    /// What the entries are.
    pub kind: ListKind,
    /// The form, where the content does not show it.
    pub format: Option<ListFormat>,
    /// How likely an entry is right, in percent.
    pub confidence: u8,
    /// Whether names below an entry count too.
    pub subdomains: bool,
}

/// `NAME.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Note {
    url: String,
    /// The name of the content's file.
    file: String,
    /// When it was fetched, or found unchanged.
    fetched: Time,
    /// The server's mark for this content; empty if it gives none.
    etag: String,
    entries: u64,
}

/// What an update of one feed did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The content is what it was.
    Unchanged {
        /// Entries in force.
        entries: u64,
    },
    /// There is a new copy.
    Changed {
        /// Entries in force.
        entries: u64,
        /// Entries that are new.
        added: Vec<String>,
        /// Entries that are gone.
        removed: Vec<String>,
        /// Entries that were refused.
        rejected: u64,
        /// The form that was read.
        format: ListFormat,
    },
}

impl Feed {
    /// A feed as the configuration describes it. A relative path in a `file:` address is relative to `folder`.
    pub fn new(
        name: String,
        url: String,
        kind: ListKind,
        format: Option<ListFormat>,
        confidence: Option<u8>,
        subdomains: bool,
        folder: &Path,
    ) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        ensure!(
            !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.bytes().all(is_plain),
            "`knowledge.feed.name`: `{name}` must be 1 to 64 letters, digits, `-`, `_` and `.`, for files are named after it"
        );
        let url = match url.strip_prefix("file:") {
            Some(path) => format!("file://{}", folder.join(path.strip_prefix("//").unwrap_or(path)).display()),
            None => url,
        };
        ensure!(
            ["https://", "http://", "file://"].iter().any(|scheme| url.starts_with(scheme)),
            "`knowledge.feed.url`: `{url}` must begin with https://, http:// or file://"
        );
        let usual = if kind == ListKind::Scanner { SCANNER_CONFIDENCE } else { CONFIDENCE };
        let confidence = confidence.unwrap_or(usual);
        ensure!(confidence <= 100, "`knowledge.feed.confidence`: write percent, from 0 to 100");
        Ok(Self { name, url, kind, format, confidence, subdomains })
    }

    fn read(&self, bytes: &[u8]) -> ReadList {
        self.adopt(lists::read(bytes, self.format.as_ref(), &self.defaults()))
    }

    fn defaults(&self) -> IndicatorList {
        IndicatorList::new(&*self.name, self.kind)
    }

    fn adopt(&self, mut read: ReadList) -> ReadList {
        // What a stranger's file says of itself must not decide how it is used.
        let IndicatorList { name, kind, origin, confidence, include_subdomains, source, .. } = &mut read.list;
        (*kind, *origin, *confidence) = (self.kind, ListOrigin::Public, self.confidence);
        *include_subdomains |= self.subdomains;
        name.clone_from(&self.name);
        source.clone_from(&self.url);
        read
    }
}

/// The kept copy of a feed, with a remark on its age. A feed that was never fetched is an error.
pub fn cached(feed: &Feed, settings: &Settings, remarks: &mut Vec<String>) -> Result<IndicatorList> {
    let never = || {
        anyhow!(
            "the feed `{}` was never fetched: run `watchfire intel update`, or take it out of the configuration",
            feed.name
        )
    };
    let note = note(feed, &settings.feed_folder)?.ok_or_else(never)?;
    ensure!(
        note.url == feed.url,
        "the kept copy of the feed `{}` is from another address: run `watchfire intel update`",
        feed.name
    );
    let copy = settings.feed_folder.join(&note.file);
    let read = load::read_entries(&copy, feed.format.as_ref(), &feed.defaults(), settings.list_bytes_max);
    let read = read.with_context(|| {
        format!("the kept copy of the feed `{}` cannot be used: run `watchfire intel update`", feed.name)
    })?;
    let mut list = load::usable(feed.adopt(read), ListRole::Threat, &feed.name, remarks)?;
    if list.version.is_empty() {
        list.version = note.fetched.date();
    }
    let days = now().ms().saturating_sub(note.fetched.ms()) / Time::DAY_MS;
    if days >= 1 {
        let unit = if days == 1 { "day" } else { "days" };
        remarks.push(format!("The feed `{}` was fetched {days} {unit} ago.", feed.name));
    }
    Ok(list)
}

/// Fetches a feed and, if it is good, keeps it.
pub fn update(feed: &Feed, settings: &Settings, accept_growth: bool) -> Result<Update> {
    let folder = &settings.feed_folder;
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder `{}`", folder.display()))?;
    // A note that cannot be read is as good as none: this fetch makes a new one.
    let known = note(feed, folder).ok().flatten().filter(|note| note.url == feed.url);
    let known = known.and_then(|note| {
        let bytes = load::read_bounded(&folder.join(&note.file), settings.list_bytes_max).ok()?;
        Some((note, bytes))
    });
    let etag = known.as_ref().map_or("", |(note, _)| note.etag.as_str());
    let Some((bytes, etag)) = fetch(feed, etag, settings.list_bytes_max)? else {
        let Some((note, _)) = known else { bail!("`{}` says that nothing changed, and no copy is kept", feed.url) };
        return keep_note(feed, folder, note);
    };
    let file = format!("{}-{:032x}.list", feed.name, xxh3_128(&bytes));
    let read = feed.read(&bytes);
    if let Some((note, _)) = &known
        && note.file == file
        && note.entries == read.list.entries.len() as u64
    {
        return keep_note(feed, folder, Note { etag, ..note.clone() });
    }
    let (format, rejected) = (read.format.clone(), read.rejected_count);
    let list = load::usable(read, ListRole::Threat, &feed.url, &mut Vec::new())?;
    let entries = list.entries.len() as u64;
    let before: BTreeSet<Indicator> = match &known {
        Some((_, bytes)) => feed.read(bytes).list.entries.iter().map(|entry| entry.indicator).collect(),
        None => BTreeSet::new(),
    };
    let had = known.as_ref().map_or(0, |(note, _)| note.entries);
    ensure!(
        accept_growth || had == 0 || entries < had.saturating_mul(GROWTH_MAX),
        "the list grew from {had} to {entries} entries since the last fetch, which is likelier a mistake or an attack than \
         true; the old copy stays. `--accept-growth` takes the new one"
    );
    let after: BTreeSet<Indicator> = list.entries.iter().map(|entry| entry.indicator).collect();
    write_whole(folder, &file, &bytes)?;
    let note = Note { url: feed.url.clone(), file, fetched: now(), etag, entries };
    write_note(feed, folder, &note)?;
    remove_older(feed, folder, &note.file);
    Ok(Update::Changed {
        entries,
        added: after.difference(&before).map(ToString::to_string).collect(),
        removed: before.difference(&after).map(ToString::to_string).collect(),
        rejected,
        format,
    })
}

fn keep_note(feed: &Feed, folder: &Path, note: Note) -> Result<Update> {
    let note = Note { fetched: now(), ..note };
    write_note(feed, folder, &note)?;
    Ok(Update::Unchanged { entries: note.entries })
}

/// The content and the server's mark for it; `None` if it is what the mark stands for.
fn fetch(feed: &Feed, etag: &str, bytes_max: u64) -> Result<Option<(Vec<u8>, String)>> {
    if let Some(path) = feed.url.strip_prefix("file://") {
        return Ok(Some((load::read_bounded(&PathBuf::from(path), bytes_max)?, String::new())));
    }
    let agent = agent(feed.url.starts_with("https://"), FETCH_TIME_MAX);
    let mut request = agent.get(&feed.url);
    if !etag.is_empty() {
        request = request.header("If-None-Match", etag);
    }
    let failed = || format!("could not fetch `{}`", feed.url);
    let mut response = request.call().with_context(failed)?;
    match response.status().as_u16() {
        200 => {}
        304 if !etag.is_empty() => return Ok(None),
        status => bail!("could not fetch `{}`: the server answered {status}", feed.url),
    }
    let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
    match response.body_mut().with_config().limit(bytes_max).read_to_vec() {
        Ok(bytes) => Ok(Some((bytes, etag))),
        Err(ureq::Error::BodyExceedsLimit(_)) => {
            bail!("`{}` is larger than {bytes_max} bytes; `list-bytes-max` allows more (--list-bytes-max)", feed.url)
        }
        Err(error) => Err(error).with_context(failed),
    }
}

/// Speaks to servers; if the address promises encryption, only to such as give it.
pub(crate) fn agent(is_encrypted: bool, time_max: Duration) -> ureq::Agent {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Certificates that cannot be read are as good as absent: a server that needs one of them is refused.
    let roots = if is_encrypted { rustls_native_certs::load_native_certs().certs } else { Vec::new() };
    let roots = roots.iter().map(|root| Certificate::from_der(root).to_owned());
    let tls = TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(RootCerts::from(roots)).build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(time_max))
        .http_status_as_error(false)
        // A redirection must not take away what the address promised.
        .https_only(is_encrypted)
        .tls_config(tls)
        .user_agent(concat!("watchfire/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}

fn note(feed: &Feed, folder: &Path) -> Result<Option<Note>> {
    let path = folder.join(format!("{}.json", feed.name));
    if !path.exists() {
        return Ok(None);
    }
    let bytes = load::read_bounded(&path, NOTE_BYTES_MAX)?;
    let note: Note = serde_json::from_slice(&bytes)
        .with_context(|| format!("`{}` is damaged: run `watchfire intel update`", path.display()))?;
    ensure!(
        Path::new(&note.file).components().count() == 1 && note.file.starts_with(&feed.name),
        "`{}` names a file that is not the feed's",
        path.display()
    );
    Ok(Some(note))
}

fn write_note(feed: &Feed, folder: &Path, note: &Note) -> Result<()> {
    let text = serde_json::to_vec_pretty(note).context("could not write the feed's note")?;
    write_whole(folder, &format!("{}.json", feed.name), &text)
}

/// Writes a file that is there whole or not at all.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)
    });
    written.map(drop).with_context(|| format!("could not write `{}`", path.display()))
}

/// Removes earlier contents of this feed. That one stays behind does no harm, so failing is no reason to complain.
fn remove_older(feed: &Feed, folder: &Path, current: &str) {
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let hash = name.strip_prefix(&format!("{}-", feed.name)).and_then(|rest| rest.strip_suffix(".list"));
        let is_content = hash.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_content && name != current {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// The moment. Only how old a copy is depends on it, never a finding.
#[allow(clippy::disallowed_methods, reason = "the age of a fetched copy is counted to today, not to a record")]
pub fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time::from_ms(since.as_millis().try_into().unwrap_or(i64::MAX))
}
