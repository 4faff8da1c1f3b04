//! `watchfire serve`.

use super::keys::credentials;
use super::{print, say};
use crate::buckets::S3;
use crate::cli::{InputArguments, ServeArguments};
use crate::config::Settings as AnalysisSettings;
use crate::data;
use crate::load;
use crate::service::{self, Report, WatchOptions, Watching};
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use watchfire_api::{Keyring, Policy, Service, Settings, serve, tls, write_private};
use watchfire_store::Store;

/// Serves the API until it is told to end.
pub fn run(arguments: &ServeArguments) -> Result<ExitCode> {
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificates), Some(key)) => Some(tls(certificates, key)?),
        _ => None,
    };
    let address = arguments.listen;
    if !address.ip().is_loopback() && tls.is_none() && !arguments.allow_plain_http {
        bail!(
            "{address} can be reached from other machines: give --tls-cert and --tls-key, or, where something in front \
             does TLS, --allow-plain-http"
        );
    }
    let (store, sealing) = data::open(&arguments.data)?;
    let settings = Settings {
        requests_per_second: Some(arguments.requests_per_second).filter(|&rate| rate > 0),
        report: Arc::new(|line| say(&format!("watchfire: {line}\n"))),
        buckets: Arc::new(S3),
        ..Settings::default()
    };
    let report = Arc::clone(&settings.report);
    let runtime = Builder::new_multi_thread().enable_all().build().context("could not start the runtime")?;
    let watching = watch(arguments, store.clone(), runtime.handle(), report)?;
    let service = Service::new(store, sealing, settings);
    let status = runtime.block_on(async {
        let listener = TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
        let address = listener.local_addr().context("could not tell the address")?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut text = greeting(&format!("{scheme}://{}", reachable(address)));
        if let Some(account) = &arguments.account
            && let Some(file) = bootstrap(service.keys(), account, &arguments.data).await?
        {
            let _ = writeln!(text, "The access key of account {account} is in {file}, which only you can read.");
        }
        let _ = writeln!(text, "In a browser: {scheme}://{}/", reachable(address));
        let end = ended()?; // Before the greeting: who has read it may ask for the end.
        print(&text)?;
        serve(listener, service, tls, end).await;
        Ok(ExitCode::SUCCESS)
    });
    if let Some(watching) = watching {
        watching.end(); // While the runtime is there, which its last transaction needs.
    }
    status
}

/// Starts the engine, if there is something to watch.
fn watch(arguments: &ServeArguments, store: Store, runtime: &Handle, report: Report) -> Result<Option<Watching>> {
    if arguments.watch.is_empty() {
        return Ok(None);
    }
    let input = InputArguments { config: arguments.config.clone(), ..InputArguments::default() };
    let settings = AnalysisSettings::from_arguments(&input)?;
    let loaded = load::knowledge(&settings)?;
    for remark in &loaded.remarks {
        report(remark);
    }
    let options = WatchOptions {
        paths: arguments.watch.clone(),
        look_every: Duration::from_secs(arguments.look_every.into()),
        lateness_ms: i64::from(arguments.lateness) * 1_000,
        idle: Duration::from_secs(arguments.idle.into()),
        scan: super::scan::options(&[], &input, &settings),
    };
    service::start(options, loaded.knowledge, store, runtime.clone(), report).map(Some)
}

fn greeting(endpoint: &str) -> String {
    format!(
        "The GuardDuty API is served at {endpoint}\n\
         Try: aws --endpoint-url {endpoint} guardduty list-detectors --region us-east-1\n"
    )
}

/// Where a client on this machine finds the server: `0.0.0.0` is no place to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], v6.port())),
        other => other,
    }
}

/// Writes an access key to a file if the account has none yet, and says where.
async fn bootstrap(keys: &Keyring, account: &str, folder: &Path) -> Result<Option<String>> {
    if !keys.list(Some(account)).await?.is_empty() {
        return Ok(None);
    }
    let path = folder.join(format!("bootstrap-key-{account}.json"));
    let issued = keys.create(account, Policy::Administrator).await?;
    if let Err(error) = write_private(&path, format!("{}\n", credentials(&issued)).as_bytes()) {
        keys.revoke(&issued.key.id).await?; // A key that nobody can know is of no use.
        let what_to_do = "delete it if its key was revoked, or make a key with `watchfire keys create`";
        return Err(error).with_context(|| format!("could not write `{}`: {what_to_do}", path.display()));
    }
    Ok(Some(path.display().to_string()))
}

/// Ready when the process is asked to end.
#[cfg(unix)]
fn ended() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("could not listen to signals");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn ended() -> Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
