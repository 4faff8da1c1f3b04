//! The command line, as clap reads it and `--help` prints it.

pub use crate::format::Format;
use crate::server_settings::{LogFormat, LogLevel, MetricsFor};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use watchfire_knowledge::ListFormat;
use watchfire_model::{ListKind, Severity, SeverityLevel, Time};

/// Finds threats in AWS logs and reports them in GuardDuty's types and shape.
#[derive(Parser, Debug)]
#[command(name = "watchfire", version, about, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Try: watchfire scan PATH      (a folder of CloudTrail, VPC flow or Resolver query logs)")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const SCAN_EXAMPLES: &str = "\
Examples:
  watchfire scan LOGS                                  findings as a table, the worst first
  watchfire scan LOGS --from 2026-03-01 --to 2026-03-08
  watchfire scan LOGS --intel c2=c2.txt --trusted office.txt --inventory estate.json
  watchfire scan s3://my-trail/AWSLogs --from 2026-03-01 --account 111122223333 --resume scan.resume
  watchfire scan LOGS --format jsonl -o findings.jsonl --fail-on high
  watchfire scan LOGS -o table=- -o jsonl=findings.jsonl -o csv=findings.csv
  watchfire scan LOGS --intel NEW.txt --only-new-since findings.jsonl

Exit status:
  0  completed, with or without findings
  1  nothing could be read
  2  the command line or the configuration is wrong, or a path is not there
  3  --fail-on was reached";

const SERVE_EXAMPLES: &str = "\
Examples:
  watchfire serve --data DIR --account 111122223333    the first start writes an access key to a file, and says where
  watchfire serve --data DIR --watch /logs/AWSLogs     what it finds in logs is read through the API
  watchfire serve --data DIR --listen 0.0.0.0:4580 --tls-cert chain.pem --tls-key key.pem
  watchfire serve --config watchfire.toml              everything may stand in the configuration: watchfire config check

Exit status:
  0  ended by SIGTERM or SIGINT
  2  the command line is wrong, or the server could not start";

const BACKUP_HELP: &str = "\
The access keys are sealed with secret.key in the data directory, which is not in the backup: keep a copy
of it elsewhere, and put it into the restored directory before the server starts.

  watchfire backup --data DIR store.backup
  watchfire restore --data NEW store.backup && install -m 600 secret.key NEW/";

const DIFF_HELP: &str = "\
Exit status:
  0  the findings are the same
  1  some differ
  2  the command line is wrong, or a file could not be read";

/// What the program can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Analyse log files and report what they show
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(Box<ScanArguments>),
    /// Explain one finding: the records and the reasoning behind it
    Explain(Box<ExplainArguments>),
    /// Compare two files of findings: what appeared, vanished and changed, and why
    #[command(after_help = DIFF_HELP)]
    Diff(DiffArguments),
    /// List the finding types, or describe one
    Types(TypesArguments),
    /// Save, merge and show what logs teach about what is normal
    #[command(after_help = BASELINE_EXAMPLES)]
    Baseline(Box<BaselineArguments>),
    /// List the thresholds of the detections of behaviour, or explain one
    Thresholds(ThresholdsArguments),
    /// Check or show the configuration
    Config(ConfigArguments),
    /// List, check and update the threat lists, or look something up in them
    Intel(Box<IntelArguments>),
    /// Describe the inventory file
    Inventory(InventoryArguments),
    /// Serve the GuardDuty API: for the aws command line, the SDKs and Terraform
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArguments),
    /// Make, list, replace and end the access keys of a server
    Keys(KeysArguments),
    /// Tell what a server has analysed, and what Amazon would charge for it
    Usage(UsageArguments),
    /// Copy a server's store to a file, also while it runs
    #[command(after_help = BACKUP_HELP)]
    Backup(BackupArguments),
    /// Make a data directory of a backup
    #[command(after_help = BACKUP_HELP)]
    Restore(RestoreArguments),
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// Options that say what is read and what is known.
#[derive(Args, Debug, Clone, Default)]
pub struct InputArguments {
    /// Configuration file [default: $XDG_CONFIG_HOME/watchfire/config.toml, if it exists]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Analyse only what happened from this moment on: RFC 3339, or a date, which begins at 00:00 UTC
    #[arg(long, value_name = "TIME", value_parser = Time::parse_lenient, help_heading = "What is analysed")]
    pub from: Option<Time>,
    /// Analyse only what happened before this moment, written like --from
    #[arg(long, value_name = "TIME", value_parser = Time::parse_lenient, help_heading = "What is analysed")]
    pub to: Option<Time>,
    /// Analyse only this account (repeatable)
    #[arg(long, value_name = "ID", value_parser = account_id, help_heading = "What is analysed")]
    pub account: Vec<String>,
    /// Analyse only this region (repeatable)
    #[arg(long, value_name = "REGION", help_heading = "What is analysed")]
    pub region: Vec<String>,
    /// Older logs that teach what is normal, and of which nothing is reported (repeatable).
    ///
    /// Detections of behaviour compare with what was before. Records of the scan itself teach the later ones of it; this
    /// adds what came before them. Takes what PATH takes, and files that `watchfire baseline save` wrote.
    #[arg(long, value_name = "PATH", help_heading = "What is analysed")]
    pub baseline: Vec<PathBuf>,
    /// Do not look for this finding type; `*` stands for anything (repeatable)
    #[arg(long, value_name = "TYPE", help_heading = "What is analysed")]
    pub disable: Vec<String>,
    /// Set a threshold of a detection of behaviour; `watchfire thresholds` lists them (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = threshold_argument, help_heading = "What is analysed")]
    pub threshold: Vec<(String, f64)>,
    /// The account of records that name none, and whose path names none
    #[arg(long, value_name = "ID", value_parser = account_id, help_heading = "What is analysed")]
    pub assume_account: Option<String>,
    /// The region of records that name none, and whose path names none
    #[arg(long, value_name = "REGION", help_heading = "What is analysed")]
    pub assume_region: Option<String>,

    /// Threat list; KIND says what its entries are, FORMAT how it is written (repeatable).
    ///
    /// KIND is one of: c2, tor-exit, tor-relay, mining, phishing, drop-point, black-hole, drive-by, dga, scanner,
    /// abused-reputation, mining-reputation, malicious-reputation, suspicious-reputation, leaked-key, malicious,
    /// custom. Without one the list is your own (custom) and makes the `.Custom` types.
    ///
    /// FORMAT is one of: txt, stix1, otx-csv, alien-vault, proof-point, fire-eye, stix2, misp, misp-warning-list, csv,
    /// csv:COLUMN. Without one the content shows it. Examples: c2=list.txt, c2+csv:dst_ip=feed.csv, +stix2=bundle.json.
    #[arg(long, value_name = "[KIND][+FORMAT]=FILE", value_parser = intel_argument, help_heading = "Knowledge")]
    pub intel: Vec<IntelArgument>,
    /// Do not use the threat lists that ship with the program
    #[arg(long, help_heading = "Knowledge")]
    pub no_default_intel: bool,
    /// List of addresses and domains that never make findings (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub trusted: Vec<PathBuf>,
    /// List of what many share, such as public resolvers: public lists that name it weigh little (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub guard: Vec<PathBuf>,
    /// The largest list file that is read [default: 36700160, which is 35 MB]
    #[arg(long, value_name = "BYTES", help_heading = "Knowledge")]
    pub list_bytes_max: Option<u64>,
    /// Database in MaxMind's format: cities, countries or networks (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub geoip: Vec<PathBuf>,
    /// AWS's ip-ranges.json, instead of the snapshot that ships with the program
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub aws_ranges: Option<PathBuf>,
    /// Inventory of accounts, instances, interfaces and buckets (see `watchfire inventory --schema`)
    #[arg(long, value_name = "FILE", help_heading = "Knowledge")]
    pub inventory: Option<PathBuf>,

    /// Threads that read and parse [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Running")]
    pub threads: Option<u16>,
    /// Print nothing but errors on standard error
    #[arg(long, short, help_heading = "Running")]
    pub quiet: bool,
    /// Colour the output
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, help_heading = "Running")]
    pub color: Color,
}

/// `watchfire scan`.
#[derive(Args, Debug, Clone)]
pub struct ScanArguments {
    /// Files and folders of logs, of any kind and mixed: each is recognised by its content.
    ///
    /// Also `s3://BUCKET/PREFIX`, with the credentials that AWS's tools find (AWS_PROFILE, AWS_ENDPOINT_URL_S3 and the
    /// like); archives named .zip, .tar, .tar.gz, .tgz or .tar.zst; and `-` for standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What is read and known.
    #[command(flatten)]
    pub input: InputArguments,
    /// Keep in this file what has been read, and go on from it if a scan was interrupted; it is removed at the end
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub resume: Option<PathBuf>,

    /// Report only findings of this severity and above: low, medium, high, critical, or a number from 1 to 10
    #[arg(long, value_name = "SEVERITY", value_parser = severity, help_heading = "Report")]
    pub min_severity: Option<Severity>,
    /// Report only findings of this type; `*` stands for anything (repeatable)
    #[arg(long = "type", value_name = "TYPE", value_parser = type_pattern, help_heading = "Report")]
    pub types: Vec<String>,
    /// Form of the report [default: table]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Report")]
    pub format: Option<Format>,
    /// Write the report to this file instead of standard output (repeatable, in several forms; `-` is standard output)
    #[arg(long, short, value_name = "[FORMAT=]FILE", value_parser = output_argument, help_heading = "Report")]
    pub output: Vec<OutputArgument>,
    /// Leave out findings that stand in this file of findings already
    #[arg(long, value_name = "FINDINGS-FILE", help_heading = "Report")]
    pub only_new_since: Option<PathBuf>,
    /// Leave out findings that meet these filter criteria, as GuardDuty's CreateFilter takes them (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub suppress: Vec<PathBuf>,
    /// Report suppressed findings too, marked as archived
    #[arg(long, requires = "suppress", help_heading = "Report")]
    pub show_suppressed: bool,
    /// Write the account of what was read and what was not, as JSON
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub account_file: Option<PathBuf>,
    /// Exit with status 3 if a finding of this level or above is reported: low, medium, high, critical
    #[arg(long, value_name = "LEVEL", value_parser = level, help_heading = "Report")]
    pub fail_on: Option<SeverityLevel>,
}

/// `watchfire explain`.
#[derive(Args, Debug, Clone)]
pub struct ExplainArguments {
    /// The finding's id, or the beginning of it
    pub id: String,
    /// A file of findings (JSON or JSON lines), or log files and folders to scan again
    #[arg(required = true, value_name = "FINDINGS-FILE|PATH")]
    pub paths: Vec<PathBuf>,
    /// What is read and known, where logs are scanned again.
    #[command(flatten)]
    pub input: InputArguments,
}

/// `watchfire diff`.
#[derive(Args, Debug, Clone)]
pub struct DiffArguments {
    /// The findings of before (JSON or JSON lines)
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The findings of now
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Form of the comparison
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
}

/// `watchfire types`.
#[derive(Args, Debug, Clone)]
pub struct TypesArguments {
    /// The finding type to describe; without one all are listed
    #[arg(value_name = "TYPE")]
    pub name: Option<String>,
    /// Only the types that this version detects
    #[arg(long)]
    pub live: bool,
    /// The types that GuardDuty does not have: their mechanism is `Watchfire`, as in Behavior:EC2/Beacon.Watchfire
    #[arg(long)]
    pub own: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const BASELINE_EXAMPLES: &str = "\
Examples:
  watchfire baseline save april.baseline LOGS --to 2026-05-01    keep what the logs of April teach
  watchfire baseline merge spring.baseline march.baseline april.baseline
  watchfire scan LOGS --from 2026-05-01 --baseline spring.baseline
  watchfire baseline show arn:aws:iam::111122223333:role/deploy spring.baseline";

/// `watchfire baseline`.
#[derive(Args, Debug, Clone)]
pub struct BaselineArguments {
    /// What to do.
    #[command(subcommand)]
    pub action: BaselineAction,
}

/// What `watchfire baseline` can do.
#[derive(Subcommand, Debug, Clone)]
pub enum BaselineAction {
    /// Read logs, and save what they teach in a file
    Save {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Files and folders of logs, as `watchfire scan` takes them
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// What is read and known.
        #[command(flatten)]
        input: Box<InputArguments>,
    },
    /// Write one file that teaches what these teach together; what stands in several counts once
    Merge {
        /// The file to write
        #[arg(value_name = "OUT")]
        out: PathBuf,
        /// Saved baselines
        #[arg(required = true, value_name = "IN")]
        inputs: Vec<PathBuf>,
    },
    /// Say what is normal for a principal, an account or a bucket, in words and numbers
    Show {
        /// An ARN, an account's twelve digits, or a bucket's name
        #[arg(value_name = "ARN")]
        name: String,
        /// Saved baselines, or files and folders of logs
        #[arg(required = true, value_name = "FILE|PATH")]
        paths: Vec<PathBuf>,
        /// What is read and known.
        #[command(flatten)]
        input: Box<InputArguments>,
    },
}

/// `watchfire thresholds`.
#[derive(Args, Debug, Clone)]
pub struct ThresholdsArguments {
    /// The threshold to explain; without one all are listed
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
    /// Configuration file [default: $XDG_CONFIG_HOME/watchfire/config.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Form of the list
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
}

/// `watchfire config`.
#[derive(Args, Debug, Clone)]
pub struct ConfigArguments {
    /// What to do with it.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What `watchfire config` can do.
#[derive(Subcommand, Debug, Clone)]
pub enum ConfigAction {
    /// Read the configuration and every file it names, and say what is wrong
    Check {
        /// Configuration file [default: $XDG_CONFIG_HOME/watchfire/config.toml]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the settings in force, with their defaults, as TOML
    Show {
        /// Configuration file [default: $XDG_CONFIG_HOME/watchfire/config.toml]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

const INTEL_EXAMPLES: &str = "\
Examples:
  watchfire intel check c2+csv:dst_ip=feed.csv         what is understood of a list, and what is refused
  watchfire intel lookup 198.51.100.7 bad.example.com  everything that any list says of them
  watchfire intel update                               fetch the feeds of the configuration";

/// `watchfire intel`.
#[derive(Args, Debug, Clone)]
#[command(after_help = INTEL_EXAMPLES)]
pub struct IntelArguments {
    /// What to do.
    #[command(subcommand)]
    pub action: IntelAction,
    /// Configuration file [default: $XDG_CONFIG_HOME/watchfire/config.toml, if it exists]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Threat list, written as in `watchfire scan` (repeatable)
    #[arg(long, value_name = "[KIND][+FORMAT]=FILE", value_parser = intel_argument, global = true)]
    pub intel: Vec<IntelArgument>,
    /// Trusted list (repeatable)
    #[arg(long, value_name = "FILE", global = true)]
    pub trusted: Vec<PathBuf>,
    /// Do not use the threat lists that ship with the program
    #[arg(long, global = true)]
    pub no_default_intel: bool,
    /// The largest list file that is read [default: 36700160, which is 35 MB]
    #[arg(long, value_name = "BYTES", global = true)]
    pub list_bytes_max: Option<u64>,
}

/// What `watchfire intel` can do.
#[derive(Subcommand, Debug, Clone)]
pub enum IntelAction {
    /// List the lists in force
    List,
    /// Print one list in the plain text form
    Show {
        /// The list's name
        name: String,
    },
    /// Read a list file and say what was understood and what was refused
    Check {
        /// The list
        #[arg(value_name = "[KIND][+FORMAT]=FILE", value_parser = intel_argument)]
        file: IntelArgument,
    },
    /// Say everything that any list says of an address, a domain, a SHA-256 digest or an access key id
    Lookup {
        /// What to look up
        #[arg(required = true, value_name = "VALUE")]
        values: Vec<String>,
        /// The moment from which age counts [default: now]
        #[arg(long, value_name = "TIME", value_parser = Time::parse_lenient)]
        at: Option<Time>,
    },
    /// Fetch the feeds of the configuration
    Update {
        /// Only this feed (repeatable)
        #[arg(long, value_name = "NAME")]
        feed: Vec<String>,
        /// Take a feed that grew tenfold or more
        #[arg(long)]
        accept_growth: bool,
    },
}

/// `watchfire inventory`.
#[derive(Args, Debug, Clone)]
#[group(required = true, multiple = true)]
pub struct InventoryArguments {
    /// Print the JSON Schema of the inventory file
    #[arg(long)]
    pub schema: bool,
    /// Read an inventory file and say what is wrong with it
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

/// `watchfire serve`. What is not given here comes from `[server]` of the configuration, then from the defaults.
#[derive(Args, Debug, Clone, Default)]
pub struct ServeArguments {
    /// The data directory; it is made if there is none
    #[arg(long, value_name = "DIR", env = "WATCHFIRE_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// The database
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// The address and port to listen on; port 0 takes a free one [default: 127.0.0.1:4580]
    #[arg(long, value_name = "ADDRESS", env = "WATCHFIRE_LISTEN", hide_env_values = true)]
    pub listen: Option<String>,
    /// If this account has no access key yet, write one to a file in the data directory; it is also the account of logs
    /// that name none
    #[arg(long, value_name = "ID", env = "WATCHFIRE_ACCOUNT", hide_env_values = true)]
    pub account: Option<String>,
    /// Configuration file: `[server]`, and what the analysis goes by, as for `scan`
    #[arg(long, value_name = "FILE", env = "WATCHFIRE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Analyse the logs in this file or folder, and those that are added to it (repeatable)
    #[arg(
        long,
        value_name = "PATH",
        env = "WATCHFIRE_WATCH",
        hide_env_values = true,
        help_heading = "Analysis of logs"
    )]
    pub watch: Vec<PathBuf>,
    /// The region under which findings of logs are kept that name none, as flow logs often do [default: us-east-1]
    #[arg(
        long,
        value_name = "REGION",
        env = "WATCHFIRE_REGION",
        hide_env_values = true,
        help_heading = "Analysis of logs"
    )]
    pub region: Option<String>,
    /// How long to wait for logs that come late, in seconds of event time [default: 1800]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "WATCHFIRE_LATENESS",
        hide_env_values = true,
        help_heading = "Analysis of logs"
    )]
    pub lateness: Option<u32>,
    /// After so many seconds without new logs, judge what is there without waiting [default: 900]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "WATCHFIRE_IDLE",
        hide_env_values = true,
        help_heading = "Analysis of logs"
    )]
    pub idle: Option<u32>,
    /// Look for new files this often, in seconds [default: 5]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "WATCHFIRE_LOOK_EVERY",
        hide_env_values = true,
        help_heading = "Analysis of logs"
    )]
    pub look_every: Option<u32>,
    /// Files to remember as read, those changed last: what was changed before them counts as read [default: 200000]
    #[arg(
        long,
        value_name = "N",
        env = "WATCHFIRE_FILES_REMEMBERED",
        hide_env_values = true,
        help_heading = "Analysis of logs"
    )]
    pub files_remembered: Option<u32>,
    /// Keep findings for so many days after they last arrived; 0 keeps them for ever [default: 90]
    #[arg(
        long,
        value_name = "DAYS",
        env = "WATCHFIRE_RETENTION_DAYS",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    pub retention_days: Option<u32>,
    /// Serve HTTPS, with the certificates of this PEM file: the server's own first
    #[arg(
        long,
        value_name = "FILE",
        env = "WATCHFIRE_TLS_CERT",
        hide_env_values = true,
        help_heading = "Who may connect"
    )]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(
        long,
        value_name = "FILE",
        env = "WATCHFIRE_TLS_KEY",
        hide_env_values = true,
        help_heading = "Who may connect"
    )]
    pub tls_key: Option<PathBuf>,
    /// Listen without TLS also where other machines can reach it
    #[arg(long, env = "WATCHFIRE_ALLOW_PLAIN_HTTP", hide_env_values = true, help_heading = "Who may connect")]
    pub allow_plain_http: bool,
    /// Requests that one access key may make, a second on average; 0 is no bound [default: 2000]
    #[arg(
        long,
        value_name = "N",
        env = "WATCHFIRE_REQUESTS_PER_SECOND",
        hide_env_values = true,
        help_heading = "Who may connect"
    )]
    pub requests_per_second: Option<u32>,
    /// Prices that usage is estimated at, a file like catalogue/prices.json [default: those it ships with]
    #[arg(long, value_name = "FILE", env = "WATCHFIRE_PRICES", hide_env_values = true, help_heading = "Operation")]
    pub prices: Option<PathBuf>,
    /// Who may read /metrics, in Prometheus's form [default: local]
    #[arg(
        long,
        value_name = "WHO",
        value_enum,
        env = "WATCHFIRE_METRICS",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    pub metrics: Option<MetricsFor>,
    /// How the log is written to standard error [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        env = "WATCHFIRE_LOG_FORMAT",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    pub log_format: Option<LogFormat>,
    /// What is written to it [default: info]
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        env = "WATCHFIRE_LOG_LEVEL",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    pub log_level: Option<LogLevel>,
    /// Begin a new audit file after so many bytes; 0 keeps no audit log [default: 64 MiB]
    #[arg(
        long,
        value_name = "BYTES",
        env = "WATCHFIRE_AUDIT_BYTES",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    pub audit_bytes: Option<u64>,
    /// Keep so many full audit files [default: 15]
    #[arg(long, value_name = "N", env = "WATCHFIRE_AUDIT_FILES", hide_env_values = true, help_heading = "Operation")]
    pub audit_files: Option<u16>,
    /// Send traces to this collector, by OTLP over HTTP: http://127.0.0.1:4318
    #[arg(
        long,
        value_name = "URL",
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    pub otlp_endpoint: Option<String>,
}

/// A database in the place of the one in the data directory. The URL may also come from WATCHFIRE_DATABASE, which clap does
/// not read here: where it comes from matters.
#[derive(Args, Debug, Clone, Default)]
pub struct DatabaseArguments {
    /// Keep all but `secret.key` in this PostgreSQL database, which servers may share [env: WATCHFIRE_DATABASE]
    ///
    /// postgresql://USER@HOST:PORT/DATABASE. The password comes from a file or PGPASSWORD. With other machines TLS is
    /// spoken and their certificate is checked; ?sslrootcert=FILE names who signed it.
    #[arg(long, value_name = "URL", help_heading = "Database")]
    pub database: Option<String>,
    /// A file with the password of the database [env: WATCHFIRE_DATABASE_PASSWORD_FILE]
    #[arg(
        long,
        value_name = "FILE",
        env = "WATCHFIRE_DATABASE_PASSWORD_FILE",
        hide_env = true,
        help_heading = "Database"
    )]
    pub database_password_file: Option<PathBuf>,
}

/// Where a server that is not this program's keeps its data.
#[derive(Args, Debug, Clone)]
pub struct DataArguments {
    /// The server's data directory
    #[arg(long, value_name = "DIR", env = "WATCHFIRE_DATA", hide_env_values = true)]
    pub data: PathBuf,
    /// The database
    #[command(flatten)]
    pub database: DatabaseArguments,
}

/// `watchfire usage`.
#[derive(Args, Debug, Clone)]
pub struct UsageArguments {
    /// Where the server keeps its data
    #[command(flatten)]
    pub place: DataArguments,
    /// Only this account (repeatable)
    #[arg(long, value_name = "ID", value_parser = account_id)]
    pub account: Vec<String>,
    /// Only this region
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The first day, of arrival [default: 29 days ago]
    #[arg(long, value_name = "DATE", value_parser = Time::parse_lenient)]
    pub from: Option<Time>,
    /// The last day [default: today]
    #[arg(long, value_name = "DATE", value_parser = Time::parse_lenient)]
    pub to: Option<Time>,
    /// Prices, a file like catalogue/prices.json [default: those it ships with]
    #[arg(long, value_name = "FILE", env = "WATCHFIRE_PRICES", hide_env_values = true)]
    pub prices: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: KeyFormat,
}

/// `watchfire backup`.
#[derive(Args, Debug, Clone)]
pub struct BackupArguments {
    /// The server's data directory
    #[arg(long, value_name = "DIR", env = "WATCHFIRE_DATA", hide_env_values = true)]
    pub data: PathBuf,
    /// The file to write; it must not exist
    pub file: PathBuf,
}

/// `watchfire restore`.
#[derive(Args, Debug, Clone)]
pub struct RestoreArguments {
    /// The data directory to make; it must hold no store
    #[arg(long, value_name = "DIR", env = "WATCHFIRE_DATA", hide_env_values = true)]
    pub data: PathBuf,
    /// What `watchfire backup` wrote
    pub file: PathBuf,
}

/// `watchfire keys`.
#[derive(Args, Debug, Clone)]
pub struct KeysArguments {
    /// What to do
    #[command(subcommand)]
    pub action: KeysAction,
}

/// What `watchfire keys` does. A server that is running on the same data follows with its next request.
#[derive(Subcommand, Debug, Clone)]
pub enum KeysAction {
    /// Make a key, and show its secret once
    Create {
        /// Where the server keeps its data
        #[command(flatten)]
        place: DataArguments,
        /// The account that the key acts for
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: String,
        /// What its holder may do
        #[arg(long, value_enum, default_value_t)]
        policy: KeyPolicy,
        /// The form of the output
        #[arg(long, value_enum, default_value_t)]
        format: KeyFormat,
    },
    /// Take in a key that programs already have
    ///
    /// The secret comes from AWS_SECRET_ACCESS_KEY or a file: other users of a machine can read command lines.
    Import {
        /// Where the server keeps its data
        #[command(flatten)]
        place: DataArguments,
        /// The account that the key acts for
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: String,
        /// What its holder may do
        #[arg(long, value_enum, default_value_t)]
        policy: KeyPolicy,
        /// The form of the output
        #[arg(long, value_enum, default_value_t)]
        format: KeyFormat,
        /// The key's id [default: AWS_ACCESS_KEY_ID]
        #[arg(long, value_name = "KEY")]
        access_key_id: Option<String>,
        /// A file with the secret; `-` is standard input [default: AWS_SECRET_ACCESS_KEY]
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// List the keys, without their secrets
    List {
        /// Where the server keeps its data
        #[command(flatten)]
        place: DataArguments,
        /// Only the keys of this account
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<String>,
        /// The form of the output
        #[arg(long, value_enum, default_value_t)]
        format: KeyFormat,
    },
    /// Make a new key in place of an old one, which ends
    Rotate {
        /// Where the server keeps its data
        #[command(flatten)]
        place: DataArguments,
        /// The account of the key
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<String>,
        /// Which key
        #[command(flatten)]
        which: WhichKey,
        /// Minutes that the old key works on
        #[arg(long, value_name = "N", default_value_t = 0)]
        overlap_minutes: u32,
        /// The form of the output
        #[arg(long, value_enum, default_value_t)]
        format: KeyFormat,
    },
    /// End a key at once
    Revoke {
        /// Where the server keeps its data
        #[command(flatten)]
        place: DataArguments,
        /// The account of the key
        #[arg(long, value_name = "ID", value_parser = account_id)]
        account: Option<String>,
        /// Which key
        #[command(flatten)]
        which: WhichKey,
        /// The form of the output
        #[arg(long, value_enum, default_value_t)]
        format: KeyFormat,
    },
}

/// Names an access key.
#[derive(Args, Debug, Clone)]
pub struct WhichKey {
    /// The key's id [default: the only one of --account]
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// The same, named as `import` names it
    #[arg(long = "access-key-id", value_name = "KEY", hide = true, conflicts_with = "key")]
    named: Option<String>,
}

impl WhichKey {
    /// The id, if one was given.
    pub fn id(&self) -> Option<&str> {
        self.key.as_deref().or(self.named.as_deref())
    }
}

/// What the holder of a key may do.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPolicy {
    /// Everything
    #[default]
    Administrator,
    /// Operations that change nothing
    ReadOnly,
}

/// The form of `watchfire keys`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyFormat {
    /// For a shell or for people
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// The form of a comparison, or of a list.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiffFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// `[FORMAT=]FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputArgument {
    /// The form; `None` is what `--format` says.
    pub format: Option<Format>,
    /// The file; `-` is standard output.
    pub file: PathBuf,
}

/// `KEY=VALUE`.
fn threshold_argument(text: &str) -> Result<(String, f64), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as ec2.beacon.score=0.8")?;
    let value = value.trim().parse().map_err(|_| format!("`{value}` is no number"))?;
    Ok((key.trim().to_owned(), value))
}

fn output_argument(text: &str) -> Result<OutputArgument, String> {
    let (format, file) = match text.split_once('=') {
        Some((name, file)) => match Format::from_str(name, false) {
            Ok(format) => (Some(format), file),
            Err(_) if name.contains(['/', '.']) => (None, text),
            Err(_) => return Err(format!("`{name}` is no format; the formats are {}", formats())),
        },
        None => (None, text),
    };
    if file.is_empty() { Err("a file is missing".to_owned()) } else { Ok(OutputArgument { format, file: file.into() }) }
}

fn formats() -> String {
    let names = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
}

/// When to colour.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `[KIND][+FORMAT]=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelArgument {
    /// What the entries are.
    pub kind: ListKind,
    /// How it is written; `None`: the content shows it.
    pub format: Option<ListFormat>,
    /// The list.
    pub file: PathBuf,
}

fn intel_argument(text: &str) -> Result<IntelArgument, String> {
    let whole = || IntelArgument { kind: ListKind::Custom, format: None, file: text.into() };
    let Some((before, file)) = text.split_once('=') else {
        return if text.is_empty() { Err("a file is missing".to_owned()) } else { Ok(whole()) };
    };
    let (kind, format) = match before.split_once('+') {
        Some((kind, format)) => (kind, Some(format)),
        None => (before, None),
    };
    let is_kind = kind.is_empty() && format.is_some() || ListKind::from_name(kind).is_some();
    if !is_kind && before.contains(['/', '.']) {
        return Ok(whole()); // A file whose name has a `=`.
    }
    if !is_kind {
        return Err(format!("`{kind}` is no kind of list; the kinds are {}", kinds()));
    }
    if file.is_empty() {
        return Err("a file is missing".to_owned());
    }
    let kind = ListKind::from_name(kind).unwrap_or(ListKind::Custom);
    Ok(IntelArgument { kind, format: format.map(list_format).transpose()?, file: file.into() })
}

/// A form of lists by name.
pub fn list_format(name: &str) -> Result<ListFormat, String> {
    ListFormat::from_name(name).ok_or_else(|| {
        let known = ListFormat::ALL.map(|format| format.name().to_owned()).join(", ");
        format!("`{name}` is no form of lists; they are {known}, csv:COLUMN")
    })
}

/// All kinds, separated by commas.
pub fn kinds() -> String {
    ListKind::ALL.map(ListKind::name).join(", ")
}

/// Twelve digits.
pub fn account_id(text: &str) -> Result<String, String> {
    let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| text.to_owned()).ok_or_else(|| "an account id has twelve digits".to_owned())
}

/// A level by name.
pub fn level(text: &str) -> Result<SeverityLevel, String> {
    match text.to_ascii_lowercase().as_str() {
        "low" => Ok(SeverityLevel::Low),
        "medium" => Ok(SeverityLevel::Medium),
        "high" => Ok(SeverityLevel::High),
        "critical" => Ok(SeverityLevel::Critical),
        _ => Err("write low, medium, high or critical".to_owned()),
    }
}

/// A severity by level or number.
pub fn severity(text: &str) -> Result<Severity, String> {
    if let Ok(level) = level(text) {
        return Ok(level.minimum());
    }
    let number = text.parse().ok().and_then(Severity::from_number);
    number.ok_or_else(|| "write low, medium, high, critical, or a number from 1 to 10".to_owned())
}

/// A finding type, perhaps with `*`, that matches at least one of the catalogue.
pub fn type_pattern(text: &str) -> Result<String, String> {
    let mut types = watchfire_model::catalogue::all().iter().chain(watchfire_model::catalogue::own());
    if types.any(|entry| type_matches(text, &entry.name)) {
        return Ok(text.to_owned());
    }
    Err("no finding type matches; `watchfire types` lists them all".to_owned())
}

/// Whether a finding type matches a pattern, in which `*` stands for any run of characters. Case does not count.
pub fn type_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_list_without_a_kind_is_the_users_own() {
        assert_eq!(
            intel_argument("bad.txt").unwrap(),
            IntelArgument { kind: ListKind::Custom, format: None, file: "bad.txt".into() }
        );
        assert_eq!(intel_argument("c2=bad.txt").unwrap().kind, ListKind::C2);
        assert_eq!(intel_argument("./a=b.txt").unwrap().file, PathBuf::from("./a=b.txt"));
        assert!(intel_argument("c3=bad.txt").is_err());
        assert!(intel_argument("c2=").is_err());
    }

    #[test]
    fn the_form_of_a_list_may_be_named() {
        let check = |text: &str, kind: ListKind, format: &str| {
            let argument = intel_argument(text).unwrap();
            assert_eq!(
                (argument.kind, argument.format, argument.file),
                (kind, ListFormat::from_name(format), "f".into())
            );
        };
        check("c2+stix2=f", ListKind::C2, "stix2");
        check("c2+csv:Dst.IP=f", ListKind::C2, "csv:Dst.IP");
        check("+OTX_CSV=f", ListKind::Custom, "otx-csv");
        assert!(intel_argument("c2+xls=f").unwrap_err().contains("proof-point"));
    }

    #[test]
    fn an_output_may_name_its_form() {
        let plain = |file: &str| OutputArgument { format: None, file: file.into() };
        assert_eq!(output_argument("out.csv").unwrap(), plain("out.csv"));
        assert_eq!(output_argument("./a=b.csv").unwrap(), plain("./a=b.csv"));
        let csv = OutputArgument { format: Some(Format::Csv), file: "a=b.csv".into() };
        assert_eq!(output_argument("csv=a=b.csv").unwrap(), csv);
        assert!(output_argument("xml=x").unwrap_err().contains("eventbridge, asff, ocsf"));
        assert!(output_argument("csv=").is_err());
    }

    #[test]
    fn severities_are_levels_or_numbers() {
        assert_eq!(severity("High").unwrap(), SeverityLevel::High.minimum());
        assert_eq!(severity("5.5").unwrap().number(), 5.5);
        assert!(severity("11").is_err());
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(type_matches("recon:*", "Recon:EC2/Portscan"));
        assert!(type_matches("*/TorIPCaller", "UnauthorizedAccess:S3/TorIPCaller"));
        assert!(type_matches("*S3*Caller*", "UnauthorizedAccess:S3/TorIPCaller"));
        assert!(!type_matches("Recon:EC2", "Recon:EC2/Portscan"));
        assert!(type_pattern("Nonsense").is_err());
    }
}
