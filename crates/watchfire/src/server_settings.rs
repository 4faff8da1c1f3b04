//! The settings of `watchfire serve`: the command line and the environment, then `[server]` of the configuration file, then
//! the defaults. Everything is checked before anything is started, and an error names the key.

use crate::cli::{ServeArguments, account_id};
use crate::data;
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use watchfire_api::{Prices, tls};
use watchfire_store::PostgresUrl;

/// The longest time that a key in seconds may be set to: a week.
const SECONDS_MAX: u32 = 604_800;
/// The longest pause between two looks at watched folders, seconds.
const LOOK_EVERY_MAX: u32 = 3_600;
/// Files that are remembered as read, unless told otherwise: some 200 MB of memory.
const FILES_REMEMBERED: u32 = 200_000;
const FILES_REMEMBERED_RANGE: std::ops::RangeInclusive<u32> = 10..=10_000_000;
/// The region of logs that name none, unless told otherwise: that of AWS's global services.
const REGION: &str = "us-east-1";
/// Days that findings are kept, unless told otherwise. Source: GuardDuty keeps them for 90 days.
const RETENTION_DAYS: u32 = 90;
/// A century.
const RETENTION_DAYS_MAX: u32 = 36_500;
/// A new audit file is begun after so many bytes, unless told otherwise.
const AUDIT_BYTES: u64 = 64 * 1024 * 1024;
/// Audit files that are kept beside the one that is written, unless told otherwise: 1 GiB in all.
const AUDIT_FILES: u16 = 15;

/// `[server]`. Relative paths are relative to the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ServerSection {
    /// `data`: the data directory.
    pub data: Option<PathBuf>,
    /// `database`: the URL of a PostgreSQL database in the place of the one in the data directory.
    pub database: Option<String>,
    /// `database-password-file`: a file with its password.
    pub database_password_file: Option<PathBuf>,
    /// `listen`: address and port.
    pub listen: Option<String>,
    /// `account`: the account that gets an access key at the first start.
    pub account: Option<String>,
    /// `region`: the region of logs that name none.
    pub region: Option<String>,
    /// `watch`: files and folders whose logs are analysed.
    pub watch: Vec<PathBuf>,
    /// `lateness`: how long to wait for logs that come late, seconds of event time.
    pub lateness: Option<u32>,
    /// `idle`: seconds without new logs after which nothing is waited for.
    pub idle: Option<u32>,
    /// `look-every`: seconds between two looks for new files.
    pub look_every: Option<u32>,
    /// `files-remembered`: how many files are remembered as read.
    pub files_remembered: Option<u32>,
    /// `retention-days`: how long findings are kept after they last arrived; 0 is for ever.
    pub retention_days: Option<u32>,
    /// `tls-cert`: a PEM file with the certificates.
    pub tls_cert: Option<PathBuf>,
    /// `tls-key`: a PEM file with the private key.
    pub tls_key: Option<PathBuf>,
    /// `allow-plain-http`: listen without TLS also where other machines can reach it.
    pub allow_plain_http: Option<bool>,
    /// `requests-per-second`: of one access key; 0 is no bound.
    pub requests_per_second: Option<u32>,
    /// `list-urls`: beginnings of addresses at which lists of the API may be, beside S3.
    pub list_urls: Vec<String>,
    /// `prices`: a file like catalogue/prices.json.
    pub prices: Option<PathBuf>,
    /// `metrics`: who may read `/metrics`.
    pub metrics: Option<MetricsFor>,
    /// `log-format`: how the server writes its log.
    pub log_format: Option<LogFormat>,
    /// `log-level`: what it writes.
    pub log_level: Option<LogLevel>,
    /// `audit-bytes`: the size at which a new audit file is begun; 0 keeps no audit log.
    pub audit_bytes: Option<u64>,
    /// `audit-files`: how many full audit files are kept.
    pub audit_files: Option<u16>,
    /// `otlp-endpoint`: where traces are sent.
    pub otlp_endpoint: Option<String>,
}

/// Whether a text can be the name of a region, of any partition that there may ever be.
pub fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MetricsFor {
    /// Programs on this machine.
    #[default]
    Local,
    /// Everybody who reaches the server.
    All,
    /// Nobody.
    None,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line of text for each event.
    #[default]
    Text,
    /// A JSON object for each event, one a line.
    Json,
}

/// What the log holds; each level holds those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What went wrong on our side.
    Error,
    /// What somebody should look at.
    Warn,
    /// What the server does.
    #[default]
    Info,
    /// Each request.
    Debug,
}

impl ServerSection {
    /// With paths that do not depend on where the program runs.
    pub fn near(mut self, folder: &Path) -> Self {
        let near = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        };
        self.watch.iter_mut().for_each(near);
        let files =
            [&mut self.data, &mut self.database_password_file, &mut self.tls_cert, &mut self.tls_key, &mut self.prices];
        files.into_iter().flatten().for_each(near);
        self
    }
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The data directory, if one is named.
    pub data: Option<PathBuf>,
    /// The database, if it is not the one in there.
    pub database: Option<PostgresUrl>,
    /// Address and port.
    pub listen: SocketAddr,
    /// The account that gets an access key at the first start.
    pub account: Option<String>,
    /// The region of logs that name none.
    pub region: String,
    /// What is watched.
    pub watch: Vec<PathBuf>,
    /// Seconds of event time.
    pub lateness: u32,
    /// Seconds.
    pub idle: u32,
    /// Seconds.
    pub look_every: u32,
    /// Files.
    pub files_remembered: u32,
    /// Days; 0 is for ever.
    pub retention_days: u32,
    /// Files of the certificates and of the private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Requests a second for one access key.
    pub requests_per_second: Option<u32>,
    /// Beginnings of addresses at which lists of the API may be, beside S3.
    pub list_urls: Vec<String>,
    /// What usage is said to cost.
    pub prices: Prices,
    /// Who may read `/metrics`.
    pub metrics: MetricsFor,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What it holds.
    pub log_level: LogLevel,
    /// Bytes of an audit file, and how many full ones are kept; none keeps no audit log.
    pub audit: Option<(usize, usize)>,
    /// Where traces are sent.
    pub otlp_endpoint: Option<String>,
}

impl ServerSettings {
    /// The settings in force. An argument of the command line wins over its environment variable, and both over the file.
    pub fn resolve(arguments: &ServeArguments, file: &ServerSection) -> Result<Self> {
        let text = arguments.listen.as_ref().or(file.listen.as_ref()).map_or("127.0.0.1:4580", String::as_str);
        let listen: SocketAddr = text.parse().map_err(|_| {
            anyhow!("`server.listen`: `{text}` is no address and port such as 127.0.0.1:4580 or [::1]:4580")
        })?;
        let account = arguments.account.clone().or_else(|| file.account.clone());
        if let Some(account) = &account {
            account_id(account).map_err(|problem| anyhow!("`server.account`: {problem}"))?;
        }
        let region = arguments.region.clone().or_else(|| file.region.clone());
        let region = region.unwrap_or_else(|| REGION.to_owned());
        ensure!(is_region(&region), "`server.region`: `{region}` is no region such as eu-west-1");
        let seconds =
            |key: &str, given: Option<u32>, file: Option<u32>, default: u32, range: std::ops::RangeInclusive<u32>| {
                let value = given.or(file).unwrap_or(default);
                ensure!(
                    range.contains(&value),
                    "`server.{key}`: {value} is not from {} to {} seconds",
                    range.start(),
                    range.end()
                );
                Ok(value)
            };
        let files_remembered = arguments.files_remembered.or(file.files_remembered).unwrap_or(FILES_REMEMBERED);
        ensure!(
            FILES_REMEMBERED_RANGE.contains(&files_remembered),
            "`server.files-remembered`: {files_remembered} is not from {} to {} files",
            FILES_REMEMBERED_RANGE.start(),
            FILES_REMEMBERED_RANGE.end()
        );
        let retention_days = arguments.retention_days.or(file.retention_days).unwrap_or(RETENTION_DAYS);
        ensure!(
            retention_days <= RETENTION_DAYS_MAX,
            "`server.retention-days`: {retention_days} is more than {RETENTION_DAYS_MAX} days; 0 is for ever"
        );
        let tls = match (
            arguments.tls_cert.as_ref().or(file.tls_cert.as_ref()),
            arguments.tls_key.as_ref().or(file.tls_key.as_ref()),
        ) {
            (Some(certificates), Some(key)) => Some((certificates.clone(), key.clone())),
            (None, None) => None,
            (Some(_), None) => bail!("`server.tls-cert` is set and `server.tls-key` is not: give both"),
            (None, Some(_)) => bail!("`server.tls-key` is set and `server.tls-cert` is not: give both"),
        };
        let plain = arguments.allow_plain_http || file.allow_plain_http.unwrap_or_default();
        ensure!(
            listen.ip().is_loopback() || tls.is_some() || plain,
            "`server.listen`: {listen} can be reached from other machines: give --tls-cert and --tls-key, or, where \
             something in front does TLS, --allow-plain-http"
        );
        let prices = match arguments.prices.as_ref().or(file.prices.as_ref()) {
            Some(file) => prices(file)?,
            None => Prices::shipped(),
        };
        let audit_bytes = arguments.audit_bytes.or(file.audit_bytes).unwrap_or(AUDIT_BYTES);
        let audit_files = arguments.audit_files.or(file.audit_files).unwrap_or(AUDIT_FILES);
        let audit_bytes = usize::try_from(audit_bytes).context("`server.audit-bytes`: that is more than can be")?;
        let otlp_endpoint = arguments.otlp_endpoint.clone().or_else(|| file.otlp_endpoint.clone());
        if let Some(endpoint) = &otlp_endpoint {
            let is_http = ["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme));
            ensure!(is_http, "`server.otlp-endpoint`: `{endpoint}` is no http:// or https:// address of a collector");
        }
        Ok(Self {
            data: arguments.data.clone().or_else(|| file.data.clone()),
            database: data::database(
                &arguments.database,
                file.database.as_deref(),
                file.database_password_file.as_deref(),
            )
            .context("`server.database`")?,
            listen,
            account,
            region,
            watch: if arguments.watch.is_empty() { file.watch.clone() } else { arguments.watch.clone() },
            lateness: seconds("lateness", arguments.lateness, file.lateness, 1_800, 0..=SECONDS_MAX)?,
            idle: seconds("idle", arguments.idle, file.idle, 900, 1..=SECONDS_MAX)?,
            look_every: seconds("look-every", arguments.look_every, file.look_every, 5, 1..=LOOK_EVERY_MAX)?,
            files_remembered,
            retention_days,
            tls,
            requests_per_second: Some(arguments.requests_per_second.or(file.requests_per_second).unwrap_or(2_000))
                .filter(|&rate| rate > 0),
            list_urls: file.list_urls.iter().map(|begin| list_url(begin)).collect::<Result<_>>()?,
            prices,
            metrics: arguments.metrics.or(file.metrics).unwrap_or_default(),
            log_format: arguments.log_format.or(file.log_format).unwrap_or_default(),
            log_level: arguments.log_level.or(file.log_level).unwrap_or_default(),
            audit: (audit_bytes > 0).then_some((audit_bytes, usize::from(audit_files))),
            otlp_endpoint,
        })
    }

    /// Whether the files that are named can be used: what `watchfire config check` looks at beside the keys.
    pub fn check_files(&self) -> Result<()> {
        if let Some((certificates, key)) = &self.tls {
            tls(certificates, key).context("`server.tls-cert`, `server.tls-key`")?;
        }
        for path in &self.watch {
            fs::metadata(path).with_context(|| format!("`server.watch`: could not look at `{}`", path.display()))?;
        }
        Ok(())
    }
}

/// A beginning of addresses, which must say where it ends: `https://lists.example` would also begin another host's name.
fn list_url(begin: &str) -> Result<String> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| begin.strip_prefix(scheme));
    let is_whole = rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && rest.ends_with('/')
    });
    ensure!(is_whole, "`server.list-urls`: `{begin}` is no beginning such as https://lists.example.com/watchfire/");
    Ok(begin.to_owned())
}

/// Prices of the user's own.
pub fn prices(file: &Path) -> Result<Prices> {
    let text = fs::read_to_string(file).with_context(|| format!("could not read the prices `{}`", file.display()))?;
    Prices::parse(&text).with_context(|| format!("in the prices `{}`", file.display()))
}
