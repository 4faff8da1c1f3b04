//! The protection plans of a detector, called features, and their older name and shape, data sources.

use crate::error::ApiError;
use crate::generated::types::{
    CloudTrailConfigurationResult, DNSLogsConfigurationResult, DataSourceConfigurations,
    DataSourceConfigurationsResult, DataSourceStatus, DetectorAdditionalConfigurationResult, DetectorFeature,
    DetectorFeatureConfiguration, DetectorFeatureConfigurationResult, DetectorFeatureResult, EbsVolumesResult,
    FeatureAdditionalConfiguration, FeatureStatus, FlowLogsConfigurationResult, KubernetesAuditLogsConfigurationResult,
    KubernetesConfigurationResult, MalwareProtectionConfigurationResult, S3LogsConfigurationResult,
    ScanEc2InstanceWithFindingsResult,
};
use crate::wire::Timestamp;
use serde::{Deserialize, Serialize};

/// Analysed as long as the detector is enabled, and listed among the features without a switch.
const FOUNDATIONAL: [DetectorFeatureResult; 3] =
    [DetectorFeatureResult::CloudTrail, DetectorFeatureResult::DnsLogs, DetectorFeatureResult::FlowLogs];

/// The switches of a detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Features(Vec<Feature>);

/// One switch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Feature {
    pub(crate) name: DetectorFeature,
    pub(crate) status: FeatureStatus,
    /// Milliseconds since 1970.
    pub(crate) updated: i64,
    /// Only what was ever set: Terraform compares what it wrote with what it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) additional: Vec<Additional>,
}

/// A switch within one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Additional {
    pub(crate) name: FeatureAdditionalConfiguration,
    pub(crate) status: FeatureStatus,
    /// Milliseconds since 1970.
    pub(crate) updated: i64,
}

impl Features {
    /// A new detector's: every plan but those that need an agent. Source: the model's documentation of `CreateDetector`.
    pub(crate) fn new(now: i64) -> Self {
        let feature = |&name: &DetectorFeature| {
            let needs_agent =
                [DetectorFeature::RuntimeMonitoring, DetectorFeature::EksRuntimeMonitoring].contains(&name);
            let status = if needs_agent { FeatureStatus::Disabled } else { FeatureStatus::Enabled };
            Feature { name, status, updated: now, additional: Vec::new() }
        };
        Self(DetectorFeature::ALL.iter().map(feature).collect())
    }

    /// Whether a plan is on.
    pub(crate) fn is_enabled(&self, name: DetectorFeature) -> bool {
        self.0.iter().any(|feature| feature.name == name && feature.status == FeatureStatus::Enabled)
    }

    /// Sets what the request names and leaves the rest as it is.
    pub(crate) fn merge(
        &mut self,
        data_sources: Option<&DataSourceConfigurations>,
        features: &[DetectorFeatureConfiguration],
        now: i64,
    ) -> Result<(), ApiError> {
        let named = |name| features.iter().any(|feature| feature.name == Some(name));
        if named(DetectorFeature::RuntimeMonitoring) && named(DetectorFeature::EksRuntimeMonitoring) {
            return Err(ApiError::bad_request(
                "EKS_RUNTIME_MONITORING and RUNTIME_MONITORING cannot be set together: RUNTIME_MONITORING includes EKS",
            ));
        }
        for (name, is_enabled) in data_sources.into_iter().flat_map(switches) {
            self.set(name, Some(status(is_enabled)), now);
        }
        for feature in features {
            let name = feature.name.ok_or_else(|| ApiError::invalid_parameter("features"))?;
            let Some(setting) = self.set(name, feature.status, now) else { continue };
            for part in feature.additional_configuration.iter().flatten() {
                let part_name = part.name.filter(|part| belongs(name, *part));
                let part_name = part_name.ok_or_else(|| ApiError::invalid_parameter("additionalConfiguration"))?;
                set_part(&mut setting.additional, part_name, part.status, now);
            }
        }
        Ok(())
    }

    fn set(&mut self, name: DetectorFeature, status: Option<FeatureStatus>, now: i64) -> Option<&mut Feature> {
        if !self.0.iter().any(|feature| feature.name == name) {
            self.0.push(Feature { name, status: FeatureStatus::Disabled, updated: now, additional: Vec::new() });
        }
        let feature = self.0.iter_mut().find(|feature| feature.name == name)?;
        if let Some(status) = status.filter(|&status| status != feature.status) {
            (feature.status, feature.updated) = (status, now);
        }
        Some(feature)
    }

    /// As `GetDetector` lists them: the foundational ones first.
    pub(crate) fn results(&self, created: i64) -> Vec<DetectorFeatureConfigurationResult> {
        let foundational = FOUNDATIONAL.iter().map(|&name| DetectorFeatureConfigurationResult {
            name: Some(name),
            status: Some(FeatureStatus::Enabled),
            updated_at: Some(Timestamp::of(created)),
            ..Default::default()
        });
        let switches = self.0.iter().map(|feature| DetectorFeatureConfigurationResult {
            name: result_name(feature.name),
            status: Some(feature.status),
            updated_at: Some(Timestamp::of(feature.updated)),
            additional_configuration: Some(feature.additional.iter().map(Additional::result).collect()),
            ..Default::default()
        });
        foundational.chain(switches).collect()
    }

    /// The same settings as the older data sources.
    pub(crate) fn data_sources(&self, service_role: &str) -> DataSourceConfigurationsResult {
        let on = |name| match self.is_enabled(name) {
            true => DataSourceStatus::Enabled,
            false => DataSourceStatus::Disabled,
        };
        DataSourceConfigurationsResult {
            cloud_trail: CloudTrailConfigurationResult { status: DataSourceStatus::Enabled },
            dns_logs: DNSLogsConfigurationResult { status: DataSourceStatus::Enabled },
            flow_logs: FlowLogsConfigurationResult { status: DataSourceStatus::Enabled },
            s3_logs: S3LogsConfigurationResult { status: on(DetectorFeature::S3DataEvents) },
            kubernetes: Some(KubernetesConfigurationResult {
                audit_logs: KubernetesAuditLogsConfigurationResult { status: on(DetectorFeature::EksAuditLogs) },
            }),
            malware_protection: Some(MalwareProtectionConfigurationResult {
                scan_ec2_instance_with_findings: Some(ScanEc2InstanceWithFindingsResult {
                    ebs_volumes: Some(EbsVolumesResult {
                        status: Some(on(DetectorFeature::EbsMalwareProtection)),
                        reason: None,
                    }),
                }),
                service_role: Some(service_role.to_owned()),
            }),
        }
    }
}

impl Additional {
    fn result(&self) -> DetectorAdditionalConfigurationResult {
        DetectorAdditionalConfigurationResult {
            name: Some(self.name),
            status: Some(self.status),
            updated_at: Some(Timestamp::of(self.updated)),
            ..Default::default()
        }
    }
}

/// What data sources say, as features.
pub(crate) fn switches(sources: &DataSourceConfigurations) -> Vec<(DetectorFeature, bool)> {
    let s3 = sources.s3_logs.as_ref().map(|logs| logs.enable);
    let kubernetes = sources.kubernetes.as_ref().map(|logs| logs.audit_logs.enable);
    let malware = sources.malware_protection.as_ref();
    let volumes =
        malware.and_then(|malware| malware.scan_ec2_instance_with_findings.as_ref()).and_then(|scan| scan.ebs_volumes);
    let switches = [
        (DetectorFeature::S3DataEvents, s3),
        (DetectorFeature::EksAuditLogs, kubernetes),
        (DetectorFeature::EbsMalwareProtection, volumes),
    ];
    switches.into_iter().filter_map(|(name, on)| Some((name, on?))).collect()
}

/// Whether a switch stands within a feature. Source: the documentation of the features' additional configuration.
pub(crate) fn belongs(feature: DetectorFeature, part: FeatureAdditionalConfiguration) -> bool {
    match part {
        FeatureAdditionalConfiguration::EksAddonManagement => {
            matches!(feature, DetectorFeature::EksRuntimeMonitoring | DetectorFeature::RuntimeMonitoring)
        }
        FeatureAdditionalConfiguration::EcsFargateAgentManagement
        | FeatureAdditionalConfiguration::Ec2AgentManagement => feature == DetectorFeature::RuntimeMonitoring,
        FeatureAdditionalConfiguration::RdsDataRisk => feature == DetectorFeature::RdsLoginEvents,
    }
}

fn set_part(
    parts: &mut Vec<Additional>,
    name: FeatureAdditionalConfiguration,
    status: Option<FeatureStatus>,
    now: i64,
) {
    match parts.iter_mut().find(|part| part.name == name) {
        Some(part) => {
            if let Some(status) = status.filter(|&status| status != part.status) {
                (part.status, part.updated) = (status, now);
            }
        }
        None => parts.push(Additional { name, status: status.unwrap_or(FeatureStatus::Disabled), updated: now }),
    }
}

fn status(is_enabled: bool) -> FeatureStatus {
    if is_enabled { FeatureStatus::Enabled } else { FeatureStatus::Disabled }
}

fn result_name(name: DetectorFeature) -> Option<DetectorFeatureResult> {
    DetectorFeatureResult::ALL.iter().copied().find(|result| result.as_str() == name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: DetectorFeature, status: FeatureStatus) -> DetectorFeatureConfiguration {
        DetectorFeatureConfiguration { name: Some(name), status: Some(status), additional_configuration: None }
    }

    #[test]
    fn every_feature_has_a_result() {
        assert!(DetectorFeature::ALL.iter().all(|&name| result_name(name).is_some()));
        assert_eq!(DetectorFeature::ALL.len() + FOUNDATIONAL.len(), DetectorFeatureResult::ALL.len());
    }

    #[test]
    fn a_request_changes_only_what_it_names() {
        let mut features = Features::new(1);
        let before = features.clone();
        features.merge(None, &[one(DetectorFeature::S3DataEvents, FeatureStatus::Disabled)], 2).unwrap();
        let changed: Vec<_> = features.0.iter().zip(&before.0).filter(|(now, then)| now != then).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].0.name, changed[0].0.updated), (DetectorFeature::S3DataEvents, 2));
        let sources = features.data_sources("role");
        assert_eq!(sources.s3_logs.status, DataSourceStatus::Disabled, "both views show one setting");
    }

    #[test]
    fn both_kinds_of_runtime_monitoring_at_once_are_refused() {
        let both = [
            one(DetectorFeature::RuntimeMonitoring, FeatureStatus::Enabled),
            one(DetectorFeature::EksRuntimeMonitoring, FeatureStatus::Disabled),
        ];
        assert!(Features::new(1).merge(None, &both, 2).is_err());
        assert!(Features::new(1).merge(None, &both[..1], 2).is_ok());
    }
}
