//! Records → signals. One file per family, one plain list: [`DETECTIONS`].
//!
//! A finding type names its file: `Stealth:IAMUser/CloudTrailLoggingDisabled` is decided in
//! `iam_user/cloud_trail_logging_disabled.rs`. A detection sees one record, what is known about the world
//! ([`Context`]), and nothing else: no store, no source, no setting, no clock.

pub mod behaviour;
pub mod budget;
pub mod detection;
mod ec2;
mod iam_user;
mod s3;
pub mod shared;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod thresholds;

pub use behaviour::{Behaviour, FlowView, Learning, Scene, Verdict};
pub use detection::{Context, Detection, Interest, Need, Observed, Rule, Window};
pub use shared::call::bucket_name;
pub use shared::contact::{Contact, Conversations, SLICE_MS};
pub use thresholds::{Threshold, Thresholds};

/// Every built-in detection. Adding one is a file, its `mod` line, and a line here.
pub static DETECTIONS: &[&Detection] = &[
    &ec2::abused_domain_request::DETECTION,
    &ec2::beacon::DETECTION,
    &ec2::bitcoin_domain_request::DETECTION,
    &ec2::bitcoin_tool::QUERY,
    &ec2::bitcoin_tool::TRAFFIC,
    &ec2::blackhole_traffic::QUERY,
    &ec2::blackhole_traffic::TRAFFIC,
    &ec2::cc_activity::QUERY,
    &ec2::cc_activity::TRAFFIC,
    &ec2::denial_of_service::DETECTION,
    &ec2::dga_domain_request::BY_MODEL,
    &ec2::dga_domain_request::DETECTION,
    &ec2::dns_data_exfiltration::DETECTION,
    &ec2::dns_rebind::DETECTION,
    &ec2::drive_by_source_traffic::DETECTION,
    &ec2::drop_point::QUERY,
    &ec2::drop_point::TRAFFIC,
    &ec2::lateral_scan::DETECTION,
    &ec2::long_connection::DETECTION,
    &ec2::malicious_domain_request::DETECTION,
    &ec2::malicious_domain_request::REPUTATION,
    &ec2::malicious_ip_caller::DETECTION,
    &ec2::metadata_dns_rebind::DETECTION,
    &ec2::network_port_unusual::DETECTION,
    &ec2::phishing_domain_request::DETECTION,
    &ec2::port_probe_emr_unprotected_port::DETECTION,
    &ec2::port_probe_unprotected_port::DETECTION,
    &ec2::port_sweep::DETECTION,
    &ec2::portscan::DETECTION,
    &ec2::rdp_brute_force::DETECTION,
    &ec2::spambot::DETECTION,
    &ec2::ssh_brute_force::DETECTION,
    &ec2::successful_brute_force::DETECTION,
    &ec2::suspicious_domain_request::DETECTION,
    &ec2::tor_client::DETECTION,
    &ec2::tor_relay::DETECTION,
    &ec2::traffic_volume_unusual::DETECTION,
    &ec2::unusual_dns_resolver::DETECTION,
    &ec2::unusual_doh_activity::DETECTION,
    &ec2::unusual_dot_activity::DETECTION,
    &ec2::win_rm_brute_force::DETECTION,
    &iam_user::anomalous_behavior::DETECTION,
    &iam_user::bedrock_logging_disabled::DETECTION,
    &iam_user::cloud_trail_logging_disabled::DETECTION,
    &iam_user::compromised_credentials::DETECTION,
    &iam_user::console_login_success::DETECTION,
    &iam_user::instance_credential_exfiltration::DETECTION,
    &iam_user::kali_linux::DETECTION,
    &iam_user::log_supply_silent::DETECTION,
    &iam_user::malicious_ip_caller::DETECTION,
    &iam_user::parrot_linux::DETECTION,
    &iam_user::password_policy_change::DETECTION,
    &iam_user::pentoo_linux::DETECTION,
    &iam_user::resource_credential_exfiltration::DETECTION,
    &iam_user::root_credential_usage::DETECTION,
    &iam_user::short_term_root_credential_usage::DETECTION,
    &iam_user::token_from_several_places::DETECTION,
    &iam_user::tor_ip_caller::DETECTION,
    &s3::account_block_public_access_disabled::DETECTION,
    &s3::anomalous_behavior::DETECTION,
    &s3::bucket_anonymous_access_granted::DETECTION,
    &s3::bucket_block_public_access_disabled::DETECTION,
    &s3::bucket_public_access_granted::DETECTION,
    &s3::kali_linux::DETECTION,
    &s3::malicious_ip_caller::DETECTION,
    &s3::parrot_linux::DETECTION,
    &s3::pentoo_linux::DETECTION,
    &s3::server_access_logging_disabled::DETECTION,
    &s3::tor_ip_caller::DETECTION,
];

#[cfg(test)]
mod tests {
    use super::DETECTIONS;
    use std::collections::BTreeMap;
    use std::path::Path;
    use watchfire_model::{FindingType, catalogue};

    /// Letters and digits in lower case: underscores, dots and `&` do not count.
    fn letters(text: &str) -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    }

    fn names_its_file(finding_type: FindingType, file: &str) -> bool {
        let path = Path::new(file);
        let stem = path.file_stem().map_or_else(String::new, |stem| letters(&stem.to_string_lossy()));
        let folder =
            path.parent().and_then(Path::file_name).map_or_else(String::new, |name| letters(&name.to_string_lossy()));
        stem == letters(finding_type.family()) && folder == letters(finding_type.resource())
    }

    #[test]
    fn every_finding_type_names_its_file() {
        for detection in DETECTIONS {
            for &finding_type in detection.reports {
                assert!(names_its_file(finding_type, detection.file), "{finding_type}: {}", detection.file);
            }
        }
    }

    #[test]
    fn no_finding_type_is_claimed_twice() {
        let mut claims: BTreeMap<FindingType, &str> = BTreeMap::new();
        for detection in DETECTIONS {
            for &finding_type in detection.reports {
                let earlier = claims.insert(finding_type, detection.file);
                assert!(earlier.is_none(), "{finding_type} is claimed by {earlier:?} and {}", detection.file);
            }
        }
    }

    #[test]
    fn every_file_is_in_the_list() {
        for folder in ["ec2", "iam_user", "s3"] {
            for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)).unwrap() {
                let name = entry.unwrap().file_name().to_string_lossy().into_owned();
                let listed = DETECTIONS.iter().any(|detection| detection.file.ends_with(&format!("{folder}/{name}")));
                assert!(
                    listed || name == "mod.rs",
                    "{folder}/{name} holds no detection of the list: add its line to DETECTIONS"
                );
            }
        }
    }

    #[test]
    fn every_active_rule_type_of_the_two_plans_is_claimed() {
        let wanted = catalogue::all().iter().filter(|entry| {
            !entry.retired
                && ["foundational", "s3"].contains(&entry.plan.as_str())
                && ["rule", "threat-intel", "signature"].contains(&entry.method.as_deref().unwrap_or_default())
        });
        let missing: Vec<&str> = wanted
            .map(|entry| entry.name.as_str())
            .filter(|name| {
                !DETECTIONS.iter().any(|detection| detection.reports.iter().any(|reported| reported.as_str() == *name))
            })
            .collect();
        assert!(missing.is_empty(), "no detection claims {missing:#?}");
    }
}
