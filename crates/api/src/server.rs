//! Listening, TLS, and an end in good order.

use crate::console::Inlet;
use crate::dispatch::forget_client_tokens;
use crate::service::{Answer, Service, panicked};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at the same time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;

/// How long the headers of a request may take, and how long a connection may be idle.
const HEADERS_TIME_MAX: Duration = Duration::from_secs(60);

/// How long the handshake of TLS may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of the request line and the headers. A path holds an ARN, a query at most fifty tag keys of 128 characters.
const HEADERS_BYTES_MAX: usize = 64 * 1024;

/// How long requests that have begun may take when the server ends.
const GRACE: Duration = Duration::from_secs(20);

/// The pause between two rounds of housekeeping.
const HOUSEKEEPING_PAUSE: Duration = Duration::from_secs(3_600);

/// A wait after an accept that failed, for lack of file descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read, or holds no PEM of the kind.
    #[error("could not read the {what} from `{path}`")]
    File {
        /// The certificates or the private key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// They do not fit together.
    #[error("the certificate and the private key cannot be used")]
    Pair(#[source] rustls::Error),
}

/// TLS with a chain of certificates and a private key, both in PEM files.
pub fn tls(certificates: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |cause| TlsError::File { what, path, cause }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificates)
        .and_then(|chain| chain.collect())
        .map_err(failed("certificates", certificates))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed("private key", key))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
    let mut config = builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop` is ready; then answers what has begun, accepts nothing more, and returns.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    tls: Option<TlsAcceptor>,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = pin!(stop);
    let housekeeping = tokio::spawn(keep_house(service.clone()));
    loop {
        let accepted = async {
            let room = room.clone().acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await?, room))
        };
        let ((stream, peer), room) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let watcher = graceful.watcher();
        let (service, tls) = (service.clone(), tls.clone());
        let inlet = Inlet { peer: peer.ip().to_canonical(), is_tls: tls.is_some() };
        tokio::spawn(async move {
            let _counted = (room, service.metrics.connection());
            match tls {
                None => speak(stream, inlet, service, watcher).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME_MAX, tls.accept(stream)).await {
                        speak(stream, inlet, service, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    housekeeping.abort();
    let _ = timeout(GRACE, graceful.shutdown()).await;
}

/// What is to be done now and then, at the start too.
async fn keep_house(service: Arc<Service>) {
    let mut hours = interval(HOUSEKEEPING_PAUSE);
    loop {
        hours.tick().await;
        if let Err(error) = forget_client_tokens(&service).await {
            service.report(&format!("could not forget old client tokens: {}", error.cause.unwrap_or(error.message)));
        }
    }
}

/// HTTP/1.1 over one connection, until either side ends it. What breaks off is the client's affair.
async fn speak<S>(stream: S, inlet: Inlet, service: Arc<Service>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answering = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(inlet);
        let service = service.clone();
        // A task of its own: a handler that panics answers 500, and takes nothing else with it.
        async move {
            Ok::<Answer, Infallible>(
                tokio::spawn(service.answer(request, Some(inlet.peer))).await.unwrap_or_else(|_| panicked()),
            )
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIME_MAX)
        .max_buf_size(HEADERS_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answering);
    let _ = watcher.watch(connection).await;
}
