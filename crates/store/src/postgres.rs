//! PostgreSQL: a database that several servers share.
//!
//! Each connection drives its socket on the thread that uses it, so that a statement costs no change of threads.
//! Statements are prepared once per connection, with the types that the values have here.
//!
//! **TLS** is spoken with servers on other machines, and their certificates are checked, unless the URL says
//! `sslmode=disable`. What falls back to plain text by itself, `prefer`, is refused.

use crate::StoreError;
use crate::database::{Connection, Connector, PATIENCE, Purpose};
use crate::dialect::{Dialect, Table};
use crate::sql::{Kind, Row, Value, values};
use bytes::BytesMut;
use futures_util::future::try_join_all;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Prepared statements that a connection keeps: more are forgotten together. Their number hangs on what people ask for.
const STATEMENTS_MAX: usize = 256;

/// The first halves of our advisory locks' keys; the second is the hash of the schema.
const WRITE_LOCK: i32 = 0x5746_0001;
const NAMED_LOCK: i32 = 0x5746_0002;

/// A server that is not heard of for this long, in TCP's own acknowledgements, is gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A PostgreSQL database, and how to reach it. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Box<Config>,
    speaks_tls: bool,
    certificates: Option<PathBuf>,
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresUrl({self})")
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("postgresql://")?;
        if let Some(user) = self.config.get_user() {
            write!(formatter, "{user}@")?;
        }
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            formatter.write_str(if at > 0 { "," } else { "" })?;
            match host {
                Host::Tcp(name) => formatter.write_str(name)?,
                #[cfg(unix)]
                Host::Unix(path) => write!(formatter, "{}", path.display())?,
            }
            let ports = self.config.get_ports();
            if let Some(port) = ports.get(at).or(ports.first()) {
                write!(formatter, ":{port}")?;
            }
        }
        write!(formatter, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl PostgresUrl {
    /// Reads `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE…`, with the parameters of PostgreSQL's own client;
    /// of `sslmode` only `disable`, `require`, `verify-ca` and `verify-full`, of which the last three are one: the
    /// certificate is checked, and the host's name in it, against `sslrootcert` or what the system trusts.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let wrong = |problem: String| StoreError::DatabaseUrl { problem };
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(wrong("it does not begin with postgresql://".to_owned()));
        }
        let (front, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut certificates, mut others) = (None, None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => {
                    let path = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
                    certificates = Some(PathBuf::from(path.as_ref()));
                }
                _ => others.push(parameter),
            }
        }
        let rest = if others.is_empty() { front.to_owned() } else { format!("{front}?{}", others.join("&")) };
        // The client's own error does not repeat the URL, which may hold a password.
        let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            wrong(error.source().map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("it names no database".to_owned()));
        }
        let is_local = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host".to_owned()));
        }
        let speaks_tls = match mode.as_deref() {
            None => !config.get_hosts().iter().all(is_local),
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(other) => {
                return Err(wrong(format!(
                    "sslmode={other} does not say whether to speak TLS: write sslmode=verify-full or sslmode=disable"
                )));
            }
        };
        config.ssl_mode(if speaks_tls { SslMode::Require } else { SslMode::Disable });
        config.connect_timeout(PATIENCE).tcp_user_timeout(SILENCE_MAX).keepalives_idle(SILENCE_MAX);
        if config.get_application_name().is_none() {
            config.application_name("watchfire");
        }
        Ok(Self { config: Box::new(config), speaks_tls, certificates })
    }

    /// Whether there is a password in it.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The same with this password.
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    fn tls(&self) -> Result<MakeRustlsConnect, StoreError> {
        let mut roots = RootCertStore::empty();
        match &self.certificates {
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(path) => {
                let failed = |problem: String| StoreError::DatabaseUrl {
                    problem: format!(
                        "the certificates of sslrootcert, `{}`, cannot be used: {problem}",
                        path.display()
                    ),
                };
                for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))? {
                    let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                    roots.add(certificate).map_err(|error| failed(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(failed("there is none in it".to_owned()));
                }
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::DatabaseUrl { problem: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }

    fn open(&self) -> Result<Postgres, StoreError> {
        let failed = |cause| StoreError::Connect { name: self.to_string(), cause };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| failed(cause.into()))?;
        let client = if self.speaks_tls {
            runtime.block_on(connect(&self.config, self.tls()?))
        } else {
            runtime.block_on(connect(&self.config, NoTls))
        };
        let connection = Postgres {
            client: client.map_err(failed)?,
            runtime: Some(runtime),
            statements: RefCell::default(),
            key: 0,
            is_lost: Cell::new(false),
        };
        Ok(connection)
    }
}

async fn connect<T>(config: &Config, tls: T) -> Result<Client, Box<dyn Error + Send + Sync>>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = tokio::time::timeout(PATIENCE, config.connect(tls)).await??;
    // Runs while a statement is waited for. How it ended, the next statement hears.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

impl Connector for PostgresUrl {
    fn name(&self) -> String {
        self.to_string()
    }

    fn connect(&self, purpose: Purpose) -> Result<Box<dyn Connection>, StoreError> {
        let mut connection = self.open()?;
        // What one asks for differs too much from what another does for one plan; compiling plans costs more than it
        // gains; and who has the write lock and is heard of no more, gives it up. Limits that an administrator has set for
        // people's sessions would cut off ours while they wait for work, or remove what is old.
        connection.batch(&format!(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
             SELECT set_config(name, '0', false) FROM pg_settings \
             WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_session_timeout'); \
             SET plan_cache_mode = {}; SET jit = off; SET lock_timeout = '{} s'; \
             SET idle_in_transaction_session_timeout = '60 s'",
            if purpose == Purpose::Write { "auto" } else { "force_custom_plan" },
            PATIENCE.as_secs(),
        ))?;
        connection.key = connection.key_of("")?.ok_or_else(|| StoreError::NoSchema { name: self.to_string() })?;
        let encoding = (&connection as &dyn Connection).first("SELECT current_setting('server_encoding')", &[])?;
        let encoding: String = encoding.ok_or(StoreError::WrongKind)?.take(0)?;
        if encoding != "UTF8" {
            return Err(StoreError::Encoding { name: self.to_string(), encoding });
        }
        Ok(Box::new(connection))
    }

    fn copy(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::NotEmbedded)
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn Send>>, StoreError> {
        let connection = self.open()?;
        let key = connection.key_of(name)?.ok_or_else(|| StoreError::NoSchema { name: self.to_string() })?;
        let taken = format!("SELECT CAST(pg_try_advisory_lock({NAMED_LOCK}, {key}) AS INTEGER)");
        let is_taken = (&connection as &dyn Connection).number(&taken, &[])? != 0;
        // The server gives it up when the connection ends.
        Ok(is_taken.then(|| Box::new(connection) as Box<dyn Send>))
    }
}

/// One connection.
struct Postgres {
    client: Client,
    /// Drives the connection. There until it is dropped.
    runtime: Option<Runtime>,
    statements: RefCell<HashMap<(String, Vec<Type>), Statement>>,
    /// Of the write lock.
    key: i32,
    is_lost: Cell<bool>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Not by waiting, which is an error where others wait asynchronously.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    fn wait<T>(&self, future: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().ok_or(StoreError::Closed)?;
        runtime.block_on(future).map_err(|error| {
            let error = StoreError::Postgres(error);
            if error.is_lost_connection() {
                self.is_lost.set(true);
            }
            error
        })
    }

    fn prepared(&self, text: &str, values: &[Value]) -> Result<Statement, StoreError> {
        let types: Vec<Type> = values.iter().map(type_of).collect();
        let key = (text.to_owned(), types);
        if let Some(statement) = self.statements.borrow().get(&key) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare_typed(text, &key.1))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(key, statement.clone());
        Ok(statement)
    }

    /// The second half of a lock's key: tables of ours may be in several schemas of one database.
    fn key_of(&self, name: &str) -> Result<Option<i32>, StoreError> {
        let sql = "SELECT CAST(hashtext(current_schema() || ' ' || $1) AS BIGINT)";
        let row = (self as &dyn Connection).first(sql, &values![name])?;
        let key: Option<i64> = row.ok_or(StoreError::WrongKind)?.take(0)?;
        Ok(key.and_then(|key| i32::try_from(key).ok()))
    }
}

impl Connection for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn begin_write(&self) -> Result<(), StoreError> {
        // With the lock, each statement sees all that was ever committed.
        self.batch(&format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({WRITE_LOCK}, {})",
            self.key
        ))
    }

    fn begin_read(&self) -> Result<(), StoreError> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn commit(&self) -> Result<(), StoreError> {
        // A transaction that has failed is rolled back by COMMIT without an error: any other statement has one.
        self.batch("SELECT 1; COMMIT")
    }

    fn batch(&self, statements: &str) -> Result<(), StoreError> {
        self.wait(self.client.batch_execute(statements))
    }

    fn execute(&self, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepared(statement, values)?;
        self.wait(self.client.execute_raw(&statement, values))
    }

    fn execute_each(&self, statement: &str, each: &[Vec<Value>]) -> Result<u64, StoreError> {
        let Some(first) = each.first() else { return Ok(0) };
        let statement = self.prepared(statement, first)?;
        // All are sent before the first answer is waited for.
        let all = each.iter().map(|values| self.client.execute_raw(&statement, values));
        Ok(self.wait(try_join_all(all))?.into_iter().sum())
    }

    fn query(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(statement, values)?;
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.wait(self.client.query(&statement, &parameters))?;
        let read = |row: tokio_postgres::Row| {
            (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>().map(Row).map_err(StoreError::Postgres)
        };
        rows.into_iter().map(read).collect()
    }

    fn insert_all(&self, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns: Vec<Vec<Value>> = table.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let kinds = table.columns.iter().map(|(_, kind)| *kind);
        let columns: Vec<Value> = kinds.zip(columns).map(|(kind, values)| Value::Array(kind, values)).collect();
        self.execute(&Dialect::Postgres.insert(table), &columns).map(drop)
    }

    fn schema_version(&self) -> Result<u32, StoreError> {
        let connection: &dyn Connection = self;
        if connection.number("SELECT CAST(to_regclass('watchfire_schema') IS NOT NULL AS INTEGER)", &[])? == 0 {
            return Ok(0);
        }
        let version = connection.number("SELECT max(version) FROM watchfire_schema", &[])?;
        u32::try_from(version).map_err(|_| StoreError::WrongKind)
    }

    fn set_schema_version(&self, version: u32) -> Result<(), StoreError> {
        self.batch(&format!(
            "CREATE TABLE IF NOT EXISTS watchfire_schema (version BIGINT NOT NULL); \
             DELETE FROM watchfire_schema; INSERT INTO watchfire_schema (version) VALUES ({version})"
        ))
    }

    fn is_lost(&self) -> bool {
        self.is_lost.get() || self.client.is_closed()
    }
}

/// Whether this says that the connection, and not a statement, failed; or the server ends or begins.
pub(crate) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            let ends = [
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                SqlState::IDLE_SESSION_TIMEOUT,
            ];
            ends.contains(code) || code.code().starts_with("08")
        }
        None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
    }
}

fn type_of(value: &Value) -> Type {
    let is_array = matches!(value, Value::Array(..));
    match value.kind() {
        Kind::Unknown => Type::UNKNOWN,
        Kind::Integer if is_array => Type::INT8_ARRAY,
        Kind::Integer => Type::INT8,
        Kind::Real if is_array => Type::FLOAT8_ARRAY,
        Kind::Real => Type::FLOAT8,
        Kind::Text if is_array => Type::TEXT_ARRAY,
        Kind::Text => Type::TEXT,
        Kind::Blob if is_array => Type::BYTEA_ARRAY,
        Kind::Blob => Type::BYTEA,
        Kind::Json if is_array => Type::JSONB_ARRAY,
        Kind::Json => Type::JSONB,
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(value) => value.to_sql(kind, out),
            Self::Real(value) => value.to_sql(kind, out),
            // PostgreSQL has no texts with a zero in them, and texts of logs may hold anything.
            Self::Text(value) if value.contains('\0') => value.replace('\0', "\u{FFFD}").to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
            Self::Blob(value) => value.to_sql(kind, out),
            Self::Json(value) => {
                // The version of the binary form.
                out.extend_from_slice(&[1]);
                out.extend_from_slice(value.as_bytes());
                Ok(IsNull::No)
            }
            Self::Array(_, values) => values.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Value {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::JSONB => Self::Json(std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned()),
            _ => Self::Text(std::str::from_utf8(raw)?.to_owned()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::FLOAT8 | Type::BYTEA | Type::JSONB | Type::TEXT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password_and_tls_is_for_other_machines() {
        let url = PostgresUrl::parse("postgresql://watchfire:secret@db.example.com:5433/findings").unwrap();
        assert_eq!(format!("{url:?}"), "PostgresUrl(postgresql://watchfire@db.example.com:5433/findings)");
        assert!(url.speaks_tls && url.has_password());
        for local in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            let url = PostgresUrl::parse(&format!("postgres://u@{local}/d?connect_timeout=3")).unwrap();
            assert!(!url.speaks_tls && !url.has_password(), "{url}");
        }
        assert!(!PostgresUrl::parse("postgres://u@db.example.com/d?sslmode=disable").unwrap().speaks_tls);
        let url = PostgresUrl::parse("postgres://u@localhost/d?sslmode=verify-full&sslrootcert=%2Fca.pem").unwrap();
        assert_eq!((url.speaks_tls, url.certificates), (true, Some("/ca.pem".into())));
    }

    #[test]
    fn a_wrong_url_says_what_to_write_and_nothing_of_its_password() {
        for (url, said) in [
            ("mysql://u:secret@h/d", "postgresql://"),
            ("postgresql://u:secret@h", "names no database"),
            ("postgresql:///d?password=secret", "names no host"),
            ("postgresql://u:secret@h/d?sslmode=prefer", "sslmode=verify-full or sslmode=disable"),
            ("postgresql://u:secret@h/d?no_such_thing=1", "no_such_thing"),
            ("postgresql://u:secret@h:port/d", "port"),
        ] {
            let error = PostgresUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
