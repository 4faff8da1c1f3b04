//! Who asks S3, and where: as AWS's own tools find it out.

use aws_config::BehaviorVersion;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use object_store::CredentialProvider;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// Credentials are asked for anew this long before they end, as the SDKs do.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// What the environment says.
pub(super) struct Settings {
    pub(super) credentials: AwsCredentialProvider,
    pub(super) region: Option<String>,
    /// Of another S3 than Amazon's.
    pub(super) endpoint: Option<String>,
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
    let credentials = Arc::new(Renewed { provider, held: Mutex::new(None) });
    // Asked for once here, so that a missing credential is said once and not for each object.
    credentials.get_credential().await.map_err(|error| format!("{NO_CREDENTIALS} ({})", super::chain(&error)))?;
    Ok(Settings { credentials, region, endpoint })
}

const NO_CREDENTIALS: &str = "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given";

/// Credentials, asked for anew before they end.
#[derive(Debug)]
struct Renewed {
    provider: SharedCredentialsProvider,
    held: Mutex<Option<(Arc<AwsCredential>, Option<SystemTime>)>>,
}

#[async_trait::async_trait]
impl CredentialProvider for Renewed {
    type Credential = AwsCredential;

    #[expect(clippy::disallowed_methods, reason = "credentials end by the clock; no finding depends on it")]
    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut held = self.held.lock().await;
        if let Some((credential, end)) = &*held
            && end.is_none_or(|end| end > SystemTime::now() + RENEW_BEFORE)
        {
            return Ok(credential.clone());
        }
        let found = self
            .provider
            .provide_credentials()
            .await
            .map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        *held = Some((credential.clone(), found.expiry()));
        Ok(credential)
    }
}
