//! `watchfire serve`.

use super::keys::credentials;
use super::print;
use crate::buckets::S3;
use crate::cli::{InputArguments, ServeArguments};
use crate::config::Settings as AnalysisSettings;
use crate::data;
use crate::load;
use crate::scan::ScanOptions;
use crate::server_settings::{MetricsFor, ServerSettings};
use crate::service::{self, Counters, Report, WatchOptions, Watching};
use crate::telemetry;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use watchfire_api::{
    AUDIT_FILE, Audit, Keyring, Metrics, MetricsAccess, Policy, Service, Settings, serve, tls, write_private,
};
use watchfire_store::{Store, arrived_before};

/// Serves the API until it is told to end.
pub fn run(arguments: &ServeArguments) -> Result<ExitCode> {
    let input = InputArguments { config: arguments.config.clone(), ..InputArguments::default() };
    let analysis = AnalysisSettings::from_arguments(&input)?;
    let server = ServerSettings::resolve(arguments, &analysis.server)?;
    server.check_files()?;
    let Some(data) = &server.data else {
        bail!("say where the server keeps its data: --data DIR, WATCHFIRE_DATA, or `data` under [server]");
    };
    let tls = server.tls.as_ref().map(|(certificates, key)| tls(certificates, key)).transpose()?;
    let runtime = Builder::new_multi_thread().enable_all().build().context("could not start the runtime")?;
    let remarks = data::tighten(data);
    let (store, sealing) = runtime.block_on(data::open(data, server.database.clone()))?;
    let _telemetry = telemetry::start(&server)?;
    for remark in remarks {
        tracing::warn!("{remark}");
    }
    let audit = match server.audit {
        Some((bytes, files)) => Some(
            Audit::open(data, bytes, files)
                .with_context(|| format!("could not write the audit log `{}`", data.join(AUDIT_FILE).display()))?,
        ),
        None => None,
    };
    let (metrics, counters) = (Metrics::default(), Counters::default());
    if !server.watch.is_empty() {
        metrics.register(|registry| counters.register(registry));
    }
    let report: Report = Arc::new(|line| tracing::warn!("{line}"));
    let settings = Settings {
        requests_per_second: server.requests_per_second,
        report: Arc::clone(&report),
        buckets: Arc::new(S3),
        list_urls: server.list_urls.clone(),
        prices: server.prices.clone(),
        audit,
        metrics,
        metrics_access: match server.metrics {
            MetricsFor::Local => MetricsAccess::Local,
            MetricsFor::All => MetricsAccess::All,
            MetricsFor::None => MetricsAccess::None,
        },
        ..Settings::default()
    };
    let kept = store.clone();
    let service = Service::new(store.clone(), sealing, settings);
    let watching = if server.watch.is_empty() {
        None
    } else {
        let mut scan = super::scan::options(&[], &input, &analysis);
        runtime.block_on(assume(&mut scan, &server, service.keys(), &report))?;
        Some(watch(&server, scan, &analysis, store, runtime.handle(), report, counters)?)
    };
    let status = runtime.block_on(async {
        let address = server.listen;
        let listener = TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
        let address = listener.local_addr().context("could not tell the address")?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut text = greeting(&format!("{scheme}://{}", reachable(address)));
        if let Some(account) = &server.account
            && let Some(file) = bootstrap(service.keys(), account, data).await?
        {
            let _ = writeln!(text, "The access key of account {account} is in {file}, which only you can read.");
        }
        let _ = writeln!(text, "In a browser: {scheme}://{}/", reachable(address));
        if !server.watch.is_empty() {
            text.push_str(&patience(server.idle));
        }
        let end = ended()?; // Before the greeting: who has read it may ask for the end.
        print(&text)?;
        tracing::info!(address = %address, version = env!("CARGO_PKG_VERSION"), "started");
        service.resume().await;
        tokio::spawn(remove_expired_daily(kept, server.retention_days));
        serve(listener, service, tls, end).await;
        tracing::info!("answered what had begun, and ends");
        Ok(ExitCode::SUCCESS)
    });
    if let Some(watching) = watching {
        watching.end(); // While the runtime is there, which its last transaction needs.
    }
    status
}

/// Removes, now and once a day, findings that arrived longer ago than so many days (0: none is too old), and what is left of
/// deleted detectors.
///
/// Where all findings are too old, either none has come for as long, or this machine's clock is wrong, as after a start
/// without a network: that is told, and they are given a day.
async fn remove_expired_daily(store: Store, days: u32) {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let mut was_told = false;
    loop {
        let before = if days == 0 { i64::MIN } else { arrived_before(DAY * days) };
        was_told = !was_told && store.have_all_expired(before).await.unwrap_or(false);
        if was_told {
            tracing::warn!(
                days,
                "by this machine's clock all findings are past their retention: they are removed in a day; if the clock is \
                 wrong, set it before"
            );
        }
        match store.remove_expired(if was_told { i64::MIN } else { before }).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed findings that are past their retention"),
            Err(error) => tracing::warn!("could not remove findings that are past their retention: {error}"),
        }
        tokio::time::sleep(DAY).await;
    }
}

/// Settles whose logs are that do not say it, and says so: flow logs in AWS's default format name no region, and a finding
/// must have a detector. An account is what the settings name, or the only one that has access keys.
async fn assume(scan: &mut ScanOptions, server: &ServerSettings, keys: &Keyring, report: &Report) -> Result<()> {
    if scan.assume_region.is_empty() {
        scan.assume_region.clone_from(&server.region);
    }
    if scan.assume_account.is_empty() {
        let mut accounts: BTreeSet<String> = server.account.iter().cloned().collect();
        if accounts.is_empty() {
            accounts = keys.list(None).await?.into_iter().map(|key| key.account).collect();
        }
        match accounts.pop_first().filter(|_| accounts.is_empty()) {
            Some(account) => scan.assume_account = account,
            None => report(
                "findings of logs that name no account cannot be kept: set `account` under [server], or --account, to the \
                 one that they are of",
            ),
        }
    }
    let (account, region) = (&scan.assume_account, &scan.assume_region);
    if !account.is_empty() {
        tracing::info!("logs that name no account are taken as those of {account}");
    }
    tracing::info!("logs that name no region, in themselves or by their folders, are taken as those of {region}");
    Ok(())
}

/// Starts the engine.
fn watch(
    server: &ServerSettings,
    scan: ScanOptions,
    analysis: &AnalysisSettings,
    store: Store,
    runtime: &Handle,
    report: Report,
    counters: Counters,
) -> Result<Watching> {
    let loaded = load::knowledge(analysis)?;
    for remark in &loaded.remarks {
        report(remark);
    }
    let options = WatchOptions {
        paths: server.watch.clone(),
        look_every: Duration::from_secs(server.look_every.into()),
        lateness_ms: i64::from(server.lateness) * 1_000,
        files_remembered: usize::try_from(server.files_remembered).unwrap_or(usize::MAX),
        idle: Duration::from_secs(server.idle.into()),
        scan,
    };
    service::start(options, loaded.knowledge, store, runtime.clone(), report, counters)
}

fn greeting(endpoint: &str) -> String {
    format!(
        "The GuardDuty API is served at {endpoint}\n\
         Try: aws --endpoint-url {endpoint} guardduty list-detectors --region us-east-1\n"
    )
}

/// Why the findings of the newest logs are not there yet.
fn patience(idle_seconds: u32) -> String {
    let time = match (idle_seconds / 60, idle_seconds % 60) {
        (1, 0) => "a minute".to_owned(),
        (minutes @ 2.., 0) => format!("{minutes} minutes"),
        (..) => format!("{idle_seconds} seconds"),
    };
    format!("The newest logs are judged when later ones have come, or none for {time} (--idle).\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_waited_is_told_in_words() {
        let told = [(30, "30 seconds"), (60, "a minute"), (90, "90 seconds"), (900, "15 minutes")];
        for (seconds, words) in told {
            assert!(patience(seconds).contains(&format!("none for {words} (--idle)")), "{seconds}");
        }
    }
}
