//! Pieces that several detections share.

pub(crate) mod api_class;
pub(crate) mod bucket_grant;
pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod connection;
pub mod contact;
pub(crate) mod credential_place;
pub mod dga;
pub mod dga_decision;
pub mod flow_side;
pub(crate) mod generated_names;
pub(crate) mod guessing;
pub(crate) mod habit;
pub(crate) mod host;
pub(crate) mod idle_names;
pub(crate) mod listed_caller;
pub(crate) mod listed_flow;
pub(crate) mod listed_query;
pub(crate) mod new_resolver;
pub mod pen_test;
pub(crate) mod port_probe;
pub(crate) mod public_access_block;
pub(crate) mod reputation;
pub(crate) mod resolver;
pub(crate) mod rhythm;
pub(crate) mod scan;
pub(crate) mod state;
pub(crate) mod subject;
pub(crate) mod tallied_flow;
pub(crate) mod tallied_query;

/// The addresses of AWS's metadata and credential services, as answers write them. Source: AWS documentation of the
/// instance metadata service (both families), of task metadata, and of the credential endpoints of tasks and pods.
pub const METADATA_ADDRESSES: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"];

/// Whether a text, such as the answers of a query, names one of [`METADATA_ADDRESSES`]. On the hot path: by what they begin
/// with, since hardly any answer has that, and with searches that are prepared once.
pub fn names_metadata_service(text: &str) -> bool {
    use memchr::memmem::Finder;
    use std::sync::LazyLock;
    static BEGINNINGS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["169.254.1", "fd00:ec2::2"].map(Finder::new));
    BEGINNINGS.iter().any(|beginning| beginning.find(text.as_bytes()).is_some())
        && METADATA_ADDRESSES.iter().any(|address| text.contains(address))
}

#[cfg(test)]
mod tests {
    use super::{METADATA_ADDRESSES, names_metadata_service};

    #[test]
    fn each_address_of_a_metadata_service_is_found_in_an_answer() {
        for address in METADATA_ADDRESSES {
            assert!(names_metadata_service(&format!("[{{\"Rdata\":\"{address}\",\"Type\":\"A\"}}]")), "{address}");
        }
        for other in ["169.254.1.1", "169.254.17.2", "fd00:ec2::21", "10.0.0.1", ""] {
            assert!(!names_metadata_service(other), "{other}");
        }
    }
}
