//! Findings about identities.

pub(crate) mod anomalous_behavior;
pub(crate) mod bedrock_logging_disabled;
pub(crate) mod cloud_trail_logging_disabled;
pub(crate) mod compromised_credentials;
pub(crate) mod console_login_success;
pub(crate) mod instance_credential_exfiltration;
pub(crate) mod kali_linux;
pub(crate) mod log_supply_silent;
pub(crate) mod malicious_ip_caller;
pub(crate) mod parrot_linux;
pub(crate) mod password_policy_change;
pub(crate) mod pentoo_linux;
pub(crate) mod resource_credential_exfiltration;
pub(crate) mod root_credential_usage;
pub(crate) mod short_term_root_credential_usage;
pub(crate) mod token_from_several_places;
pub(crate) mod tor_ip_caller;
