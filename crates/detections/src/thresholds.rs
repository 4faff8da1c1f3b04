//! Settings of the detections of behaviour: each with its default, its range, its unit and its source.

use crate::ec2::{
    abused_domain_request, beacon, bitcoin_domain_request, denial_of_service, dga_domain_request,
    dns_data_exfiltration, dns_rebind, lateral_scan, long_connection, malicious_domain_request, network_port_unusual,
    port_sweep, portscan, rdp_brute_force, spambot, ssh_brute_force, successful_brute_force, suspicious_domain_request,
    traffic_volume_unusual, unusual_dns_resolver, unusual_doh_activity, unusual_dot_activity, win_rm_brute_force,
};
use crate::iam_user::{self, console_login_success, log_supply_silent, token_from_several_places};
use crate::shared::calls::{breadth, limits, scorer, volume};
use crate::shared::{generated_names, guessing, reputation};
use crate::{DETECTIONS, Detection, Rule, budget, s3};
use std::collections::BTreeMap;
use watchfire_model::FindingType;

/// One setting. Declared beside the detection that uses it.
#[derive(Debug)]
pub struct Threshold {
    /// Its name in the configuration, such as `ec2.port_scan.failed_contacts`.
    pub key: &'static str,
    /// In force unless it is set.
    pub default: f64,
    /// The least that makes sense.
    pub min: f64,
    /// The most that makes sense.
    pub max: f64,
    /// What it counts: `contacts`, `bytes an hour`, `bits`.
    pub unit: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
    /// What it decides, in one sentence.
    pub summary: &'static str,
}

/// The values in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Only those that differ from their default.
    set: BTreeMap<&'static str, f64>,
}

impl Thresholds {
    /// The value in force.
    pub fn get(&self, threshold: &Threshold) -> f64 {
        self.set.get(threshold.key).copied().unwrap_or(threshold.default)
    }

    /// The value in force as a whole number: what is counted reaches 12.5 where it reaches 13.
    pub fn count(&self, threshold: &Threshold) -> u64 {
        // Bounded by the setting's own range, which is never negative where a count is asked for.
        self.get(threshold).max(0.0).ceil() as u64
    }

    /// Sets what a user wrote.
    pub fn set_checked(&mut self, key: &str, value: f64) -> Result<(), ThresholdError> {
        let Some(threshold) = find(key) else {
            let nearest = nearest(key, all().map(|known| known.key)).map(str::to_owned);
            return Err(ThresholdError::Unknown { key: key.to_owned(), nearest });
        };
        // Not a number is in no range.
        if !(threshold.min..=threshold.max).contains(&value) {
            return Err(ThresholdError::OutOfRange { threshold, value });
        }
        self.set(threshold, value);
        Ok(())
    }

    /// Those that were set.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.set.iter().map(|(key, value)| (*key, *value))
    }

    /// Sets a value.
    pub fn set(&mut self, threshold: &'static Threshold, value: f64) {
        // Bit for bit: what a file names as its default is the default.
        if value.to_bits() == threshold.default.to_bits() {
            self.set.remove(threshold.key);
        } else {
            self.set.insert(threshold.key, value);
        }
    }

    /// Whether the default is in force.
    pub fn is_default(&self, threshold: &Threshold) -> bool {
        !self.set.contains_key(threshold.key)
    }
}

/// A setting could not be set.
#[derive(Debug, thiserror::Error)]
pub enum ThresholdError {
    /// There is none of this name.
    #[error("there is no threshold `{key}`{}; `watchfire thresholds` lists them all", said(nearest.as_deref()))]
    Unknown {
        /// What was written.
        key: String,
        /// The one that is written most like it.
        nearest: Option<String>,
    },
    /// The value makes no sense.
    #[error(
        "`{}` cannot be {value}: it lies from {} to {} ({}), and is {} if left out", threshold.key, threshold.min,
        threshold.max, threshold.unit, threshold.default
    )]
    OutOfRange {
        /// The setting.
        threshold: &'static Threshold,
        /// What was written.
        value: f64,
    },
}

fn said(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// Settings that the same detections ask for.
pub struct Group {
    /// The detections; empty stands for all that judge behaviour.
    pub detections: &'static [&'static Detection],
    /// Their settings.
    pub thresholds: &'static [&'static Threshold],
}

/// Every setting. Adding one is its declaration beside the detection that asks for it, and its name here.
pub static GROUPS: &[Group] = &[
    Group { detections: &[], thresholds: &[&budget::NEW_FINDINGS_PER_DAY] },
    Group {
        detections: &[&iam_user::anomalous_behavior::DETECTION, &s3::anomalous_behavior::DETECTION],
        thresholds: &[
            &limits::SCORE,
            &limits::SINGLE_SCORE,
            &scorer::ACCOUNT_DAYS,
            &scorer::PRINCIPAL_HOURS,
            &scorer::STARTERS,
            &limits::ALARMS_PER_DAY,
        ],
    },
    Group { detections: &[&iam_user::anomalous_behavior::DETECTION], thresholds: &[&breadth::NEW_ROLES] },
    Group {
        detections: &[&s3::anomalous_behavior::DETECTION],
        thresholds: &[&volume::CALLS, &volume::TIMES_LARGEST, &breadth::NEW_BUCKETS],
    },
    Group {
        detections: &[&console_login_success::DETECTION],
        thresholds: &[
            &console_login_success::SPEED,
            &console_login_success::DISTANCE,
            &console_login_success::LEARNING_DAYS,
            &console_login_success::FAILURES,
        ],
    },
    Group {
        detections: &[&log_supply_silent::DETECTION],
        thresholds: &[
            &log_supply_silent::HOURS,
            &log_supply_silent::RECORDS,
            &log_supply_silent::THINNED_PERCENT,
            &log_supply_silent::LEARNING_DAYS,
        ],
    },
    Group {
        detections: &[&token_from_several_places::DETECTION],
        thresholds: &[&token_from_several_places::GAP_MINUTES],
    },
    Group {
        detections: &[&beacon::DETECTION],
        thresholds: &[&beacon::SCORE, &beacon::CONTACTS, &beacon::HOURS, &beacon::RECONNECTS],
    },
    Group {
        detections: &[&denial_of_service::DETECTION],
        thresholds: &[
            &denial_of_service::PACKETS_PER_SECOND,
            &denial_of_service::MEGABITS_PER_SECOND,
            &denial_of_service::RECORDS_PER_SECOND,
            &denial_of_service::OWN_PACKETS_PER_SECOND,
            &denial_of_service::OWN_PACKETS,
            &denial_of_service::OWN_FACTOR,
            &denial_of_service::SENT_TO_RECEIVED,
        ],
    },
    Group {
        detections: &[&dga_domain_request::BY_MODEL],
        thresholds: &[&generated_names::NAMES, &generated_names::SHARE],
    },
    Group {
        detections: &[&dns_data_exfiltration::DETECTION],
        thresholds: &[
            &dns_data_exfiltration::BYTES_PER_HOUR,
            &dns_data_exfiltration::NAMES,
            &dns_data_exfiltration::BYTES_PER_DAY,
            &dns_data_exfiltration::ADDRESS_BYTES_PER_DAY,
            &dns_data_exfiltration::ANSWER_BYTES,
            &dns_data_exfiltration::COMMON_SHARE,
        ],
    },
    Group { detections: &[&dns_rebind::DETECTION], thresholds: &[&dns_rebind::MINUTES, &dns_rebind::KNOWN_DAYS] },
    Group {
        detections: &[
            &ssh_brute_force::DETECTION,
            &rdp_brute_force::DETECTION,
            &win_rm_brute_force::DETECTION,
            &successful_brute_force::DETECTION,
        ],
        thresholds: &[
            &guessing::ATTEMPTS,
            &guessing::SLOW_ATTEMPTS,
            &guessing::ALIKE,
            &guessing::SPRAY_TARGETS,
            &guessing::SOURCES,
            &guessing::POOLED_ATTEMPTS,
        ],
    },
    Group {
        detections: &[&successful_brute_force::DETECTION],
        thresholds: &[&successful_brute_force::SECONDS, &successful_brute_force::MORE_PACKETS],
    },
    Group {
        detections: &[&lateral_scan::DETECTION],
        thresholds: &[&lateral_scan::HOSTS, &lateral_scan::DOORS, &lateral_scan::SLOW_DOORS, &lateral_scan::SPREAD],
    },
    Group { detections: &[&long_connection::DETECTION], thresholds: &[&long_connection::HOURS] },
    Group {
        detections: &[&network_port_unusual::DETECTION],
        thresholds: &[&network_port_unusual::LEARNING_DAYS, &network_port_unusual::CONNECTIONS],
    },
    Group { detections: &[&portscan::DETECTION], thresholds: &[&portscan::PORTS, &portscan::SLOW_PORTS] },
    Group {
        detections: &[&port_sweep::DETECTION],
        thresholds: &[&port_sweep::HOSTS, &port_sweep::SLOW_HOSTS, &port_sweep::FAILED_SHARE],
    },
    Group {
        detections: &[
            &abused_domain_request::DETECTION,
            &bitcoin_domain_request::DETECTION,
            &malicious_domain_request::REPUTATION,
            &suspicious_domain_request::DETECTION,
        ],
        thresholds: &[&reputation::POINTS],
    },
    Group { detections: &[&spambot::DETECTION], thresholds: &[&spambot::LEARNING_DAYS, &spambot::PEERS] },
    Group {
        detections: &[&traffic_volume_unusual::DETECTION],
        thresholds: &[
            &traffic_volume_unusual::LEARNING_DAYS,
            &traffic_volume_unusual::BYTES,
            &traffic_volume_unusual::PEER_FACTOR,
            &traffic_volume_unusual::HOST_FACTOR,
        ],
    },
    Group { detections: &[&unusual_dns_resolver::DETECTION], thresholds: &[&unusual_dns_resolver::LEARNING_DAYS] },
    Group { detections: &[&unusual_doh_activity::DETECTION], thresholds: &[&unusual_doh_activity::LEARNING_DAYS] },
    Group { detections: &[&unusual_dot_activity::DETECTION], thresholds: &[&unusual_dot_activity::LEARNING_DAYS] },
];

impl Group {
    /// The types that these settings concern, in order.
    pub fn types(&self) -> Vec<FindingType> {
        let judges_behaviour = |detection: &&&Detection| matches!(detection.rule, Rule::Behaviour(_));
        let concerned: Vec<&Detection> = match self.detections {
            [] => DETECTIONS.iter().filter(judges_behaviour).copied().collect(),
            some => some.to_vec(),
        };
        let mut types: Vec<FindingType> = concerned.iter().flat_map(|one| one.reports).copied().collect();
        types.sort_unstable();
        types
    }
}

/// Every setting, in the order of [`GROUPS`].
pub fn all() -> impl Iterator<Item = &'static Threshold> {
    GROUPS.iter().flat_map(|group| group.thresholds).copied()
}

/// The setting of this name.
pub fn find(key: &str) -> Option<&'static Threshold> {
    all().find(|threshold| threshold.key == key)
}

/// The name that is written most like this one, if any is at all alike. Ties go to the first.
pub fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distances = names.into_iter().map(|known| (distance(name, known), known));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    // With more than a third of it changed it is another name.
    (distance * 3 <= nearest.chars().count().max(name.chars().count())).then_some(nearest)
}

/// Letters to add, remove or replace, without regard to case (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, known) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *known);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_declared_threshold_is_in_the_list_once() {
        let mut declared = BTreeSet::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let statics = text.split("static ").skip(1).filter_map(|rest| rest.split_once(": Threshold ="));
                // The name itself is a word: what is not is another `static`.
                for (_, value) in statics.filter(|(name, _)| !name.contains(char::is_whitespace)) {
                    let key = value.split('"').nth(1).unwrap().to_owned();
                    assert!(declared.insert(key.clone()), "{key} is declared twice");
                }
            }
        }
        let listed: Vec<&str> = all().map(|threshold| threshold.key).collect();
        assert_eq!(listed.iter().copied().map(str::to_owned).collect::<BTreeSet<_>>(), declared);
        assert_eq!(listed.len(), declared.len());
    }

    #[test]
    fn every_threshold_can_keep_its_default_and_says_what_it_is() {
        let mut thresholds = Thresholds::default();
        for threshold in all() {
            thresholds.set_checked(threshold.key, threshold.default).unwrap();
            assert!(threshold.min >= 0.0 && threshold.min < threshold.max, "{}", threshold.key);
            assert!(!threshold.unit.is_empty() && !threshold.source.is_empty() && !threshold.summary.is_empty());
        }
        assert!(GROUPS.iter().all(|group| !group.types().is_empty()));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        let mut thresholds = Thresholds::default();
        let mut said = |key: &str, value: f64| thresholds.set_checked(key, value).unwrap_err().to_string();
        let unknown = said("ec2.beacon.scor", 0.8);
        assert!(unknown.contains("did you mean `ec2.beacon.score`?"), "{unknown}");
        assert!(!said("nonsense", 1.0).contains("did you mean"));
        let outside = said("ec2.beacon.score", 9.0);
        assert_eq!(
            outside,
            "`ec2.beacon.score` cannot be 9: it lies from 0.3 to 1.3 (points, of about 1), and is 0.75 if left out"
        );
        assert!(said("ec2.beacon.score", f64::NAN).contains("cannot be NaN"));
        assert_eq!(thresholds, Thresholds::default());
    }

    #[test]
    fn half_a_contact_more_asks_for_a_whole_one() {
        let mut thresholds = Thresholds::default();
        assert_eq!(thresholds.count(&beacon::CONTACTS), 12);
        thresholds.set_checked("ec2.beacon.contacts", 12.5).unwrap();
        assert_eq!(thresholds.count(&beacon::CONTACTS), 13);
    }

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("Beakon", ["beacon", "bacon"]), Some("beacon"));
        assert_eq!(nearest("xyz", ["beacon", "bacon"]), None);
    }
}
