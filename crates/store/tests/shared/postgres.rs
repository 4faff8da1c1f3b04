//! A PostgreSQL server of the tests' own, from the programs on this machine, for as long as the test program runs.
//!
//! It listens on a socket in a temporary folder, and runs under an unprivileged user, since PostgreSQL refuses root. A
//! shell watches over it: when the test program ends, by whatever end, the pipe to the shell closes, and the shell stops
//! the server and removes its folder.

#![allow(dead_code, clippy::unwrap_used, clippy::print_stderr, reason = "each test file uses some; a test may panic")]
#![allow(clippy::zombie_processes, reason = "the shell outlives this program")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

pub struct Server {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Commands to the shell; see `WATCH`.
    shell: Mutex<(ChildStdin, Box<dyn BufRead + Send>)>,
    schemas: AtomicUsize,
}

/// What a server is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be tested with. What is killed is no machine, so nothing need be flushed.
    Test,
    /// To be tested with over TCP and TLS, with a certificate for `localhost`.
    Tls,
    /// To be measured: it flushes to disk.
    Measure,
}

/// `$1` is the folder of the programs, `$2` the server's; more are options of the server. Begins it, and says so; a line read
/// ends it as a crash would, begins it again, and says so; the end of the input ends it and removes its folder.
const WATCH: &str = r#"
bin=$1
folder=$2
shift 2
begin() {
    "$bin/postgres" -D "$folder/data" -c unix_socket_directories="$folder" -c max_connections=300 \
        -c logging_collector=off "$@" < /dev/null >> "$folder/log" 2>&1 &
    server=$!
    until "$bin/psql" -h "$folder" -U watchfire -c 'SELECT 1' postgres > /dev/null 2>&1; do
        kill -0 $server 2> /dev/null || { cat "$folder/log" >&2; exit 1; }
        sleep 0.05
    done
    echo ready
}
begin "$@"
while read -r _; do
    kill -QUIT $server
    wait $server
    begin "$@"
done
kill -QUIT $server
wait $server
rm -rf "$folder"
"#;

impl Server {
    /// The server of this test program. `None`, and a sentence, if there is no PostgreSQL; with CI set, that is an error.
    pub fn get() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(|| Self::begin(Purpose::Test)).as_ref()
    }

    /// Another one.
    pub fn begin(purpose: Purpose) -> Option<Self> {
        let Some(bin) = programs() else {
            let what_to_do = "install the package `postgresql`, or run `bash tools/setup.sh --tests`";
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not on this machine: {what_to_do}");
            eprintln!("PostgreSQL is not on this machine, and is not tested: {what_to_do}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("watchfire-pg-").tempdir().unwrap().keep();
        let user = Unprivileged::find();
        if let Some(user) = &user {
            std::os::unix::fs::chown(&folder, Some(user.user), Some(user.group)).unwrap();
        }
        // In a locale with an order of its own, where PostgreSQL has one: ours must not hang on it.
        let locales = [["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"].as_slice(), &["--locale=C"]];
        let is_made = locales.iter().any(|locale| {
            let data = folder.join("data");
            let _ = std::fs::remove_dir_all(&data);
            let mut initdb = command(user.as_ref(), &bin.join("initdb"));
            initdb.args(["-A", "trust", "-U", "watchfire", "-E", "UTF8", "--no-sync", "-D"]).arg(data).args(*locale);
            let output = initdb.current_dir(&folder).output().unwrap();
            if !output.status.success() {
                eprintln!("initdb {locale:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
            output.status.success()
        });
        assert!(is_made, "initdb failed");
        let mut options: Vec<String> = Vec::new();
        let mut set = |name: &str, value: &str| options.extend(["-c".to_owned(), format!("{name}={value}")]);
        set("fsync", if purpose == Purpose::Measure { "on" } else { "off" });
        let mut port = 5432;
        if purpose == Purpose::Tls {
            certify(user.as_ref(), &folder)?;
            port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            set("ssl", "on");
            set("ssl_cert_file", folder.join(CERTIFICATE).to_str().unwrap());
            set("ssl_key_file", folder.join("key.pem").to_str().unwrap());
            set("listen_addresses", "127.0.0.1");
        } else {
            set("listen_addresses", "");
        }
        let mut shell = command(user.as_ref(), Path::new("/bin/sh"))
            .args(["-c", WATCH, "watch"])
            .arg(&bin)
            .arg(&folder)
            .args(options)
            .current_dir(&folder)
            .env("PGPORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Box::new(BufReader::new(shell.stdout.take().unwrap()));
        let shell = Mutex::new((shell.stdin.take().unwrap(), output as _));
        let server = Self { bin, folder, port, shell, schemas: AtomicUsize::new(0) };
        server.is_ready();
        Some(server)
    }

    fn is_ready(&self) {
        let mut line = String::new();
        self.shell.lock().unwrap().1.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the server did not start");
    }

    /// Kills it as a crash would, and begins it again. Answers once it takes connections.
    pub fn crash(&self) {
        self.shell.lock().unwrap().0.write_all(b"crash\n").unwrap();
        self.is_ready();
    }

    /// Makes an empty schema, and answers the URL of a database with it.
    pub fn schema(&self) -> String {
        let schema = format!("test_{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        self.sql("", &format!("CREATE SCHEMA {schema}"));
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgresql://watchfire@{folder}:{}/postgres?options=-csearch_path%3D{schema}", self.port)
    }

    /// The URL of the database over TCP, and the file of the server's certificate.
    pub fn over_tls(&self) -> (String, PathBuf) {
        (format!("postgresql://watchfire@localhost:{}/postgres", self.port), self.folder.join(CERTIFICATE))
    }

    /// What `psql` answers, without headings.
    pub fn sql(&self, url: &str, statements: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.env("PGPORT", self.port.to_string()).args(["-XqtA", "-v", "ON_ERROR_STOP=1", "-c", statements]);
        if url.is_empty() {
            psql.args(["-U", "watchfire", "-d", "postgres", "-h"]).arg(&self.folder);
        } else {
            psql.arg(url);
        }
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

const CERTIFICATE: &str = "certificate.pem";

/// Makes a key and a certificate for `localhost`; `None`, and a sentence, where there is no `openssl`.
fn certify(user: Option<&Unprivileged>, folder: &Path) -> Option<()> {
    let mut openssl = command(user, Path::new("openssl"));
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", CERTIFICATE]);
    match openssl.current_dir(folder).output() {
        Ok(output) if output.status.success() => Some(()),
        failed => {
            assert!(std::env::var_os("CI").is_none(), "openssl makes no certificate: {failed:?}");
            eprintln!("TLS with PostgreSQL is not tested: openssl makes no certificate: {failed:?}");
            None
        }
    }
}

/// The newest folder that has PostgreSQL's server programs: Debian keeps them out of the PATH.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    let version = |folder: &PathBuf| folder.iter().nth(4)?.to_str()?.parse::<u32>().ok();
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders.push("/usr/local/bin".into());
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file()))
}

/// Who the server runs as if the tests run as root.
struct Unprivileged {
    user: u32,
    group: u32,
}

impl Unprivileged {
    fn find() -> Option<Self> {
        let id = |arguments: &[&str]| -> Option<u32> {
            let output = Command::new("id").args(arguments).output().ok().filter(|output| output.status.success())?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        if id(&["-u"]) != Some(0) {
            return None;
        }
        let found = ["postgres", "nobody"].iter().find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
        let (user, group) = found.unwrap();
        Some(Self { user, group })
    }
}

fn command(user: Option<&Unprivileged>, program: &Path) -> Command {
    let Some(user) = user else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={}", user.user), format!("--regid={}", user.group)]);
    command.args(["--clear-groups", "--"]).arg(program);
    command
}
