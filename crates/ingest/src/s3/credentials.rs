//! Who asks S3, and where: as AWS's own tools find it out.

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// Credentials are asked for anew this long before they end, as the SDKs do.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// What the environment says.
pub(super) struct Settings {
    pub(super) credentials: Credentials,
    pub(super) region: Option<String>,
    /// Of another S3 than Amazon's.
    pub(super) endpoint: Option<String>,
    /// Whether that endpoint has names below its own for buckets.
    pub(super) is_virtual: bool,
}

pub(super) async fn settings() -> Result<Settings, String> {
    // One implementation of TLS for all that is fetched; a second call finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(client).load().await;
    let endpoint = std::env::var("AWS_ENDPOINT_URL_S3")
        .ok()
        .filter(|endpoint| !endpoint.is_empty())
        .or_else(|| config.endpoint_url().map(str::to_owned));
    let region = config.region().map(|region| region.as_ref().to_owned());
    let provider = config.credentials_provider().ok_or_else(|| NO_CREDENTIALS.to_owned())?;
    let credentials = Credentials { provider, held: Mutex::new(None) };
    // Asked for once here, so that a missing credential is said once and not for each object.
    credentials.get().await?;
    let is_virtual = std::env::var("AWS_VIRTUAL_HOSTED_STYLE_REQUEST").is_ok_and(|value| value == "true");
    Ok(Settings { credentials, region, endpoint, is_virtual })
}

const NO_CREDENTIALS: &str = "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given";

/// Credentials, asked for anew before they end.
#[derive(Debug)]
pub(super) struct Credentials {
    provider: SharedCredentialsProvider,
    held: Mutex<Option<Keys>>,
}

impl Credentials {
    /// Those that count now, or a sentence that says why there are none.
    #[expect(clippy::disallowed_methods, reason = "credentials end by the clock; no finding depends on it")]
    pub(super) async fn get(&self) -> Result<Keys, String> {
        let mut held = self.held.lock().await;
        if let Some(keys) = &*held
            && keys.expiry().is_none_or(|end| end > SystemTime::now() + RENEW_BEFORE)
        {
            return Ok(keys.clone());
        }
        let found = self.provider.provide_credentials().await;
        let found = found.map_err(|error| format!("{NO_CREDENTIALS} ({})", super::chain(&error)))?;
        Ok(held.insert(found).clone())
    }
}
