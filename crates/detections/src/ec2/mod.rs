//! Findings about instances.

pub(crate) mod beacon;
pub(crate) mod bitcoin_tool;
pub(crate) mod blackhole_traffic;
pub(crate) mod cc_activity;
pub(crate) mod denial_of_service;
pub(crate) mod dga_domain_request;
pub(crate) mod dns_data_exfiltration;
pub(crate) mod drive_by_source_traffic;
pub(crate) mod drop_point;
pub(crate) mod long_connection;
pub(crate) mod malicious_domain_request;
pub(crate) mod malicious_ip_caller;
pub(crate) mod metadata_dns_rebind;
pub(crate) mod network_port_unusual;
pub(crate) mod phishing_domain_request;
pub(crate) mod port_probe_emr_unprotected_port;
pub(crate) mod port_probe_unprotected_port;
pub(crate) mod spambot;
pub(crate) mod tor_client;
pub(crate) mod tor_relay;
pub(crate) mod traffic_volume_unusual;
pub(crate) mod unusual_dns_resolver;
pub(crate) mod unusual_doh_activity;
pub(crate) mod unusual_dot_activity;
