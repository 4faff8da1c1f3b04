//! What was analysed, what Amazon would charge for it, and what is left of free trials.

use crate::call::{Call, page_size};
use crate::error::ApiError;
use crate::features::Features;
use crate::generated::types::{
    AccountFreeTrialInfo, DataSource, DataSourceFreeTrial, DataSourcesFreeTrial, DetectorFeature,
    FreeTrialFeatureConfigurationResult, FreeTrialFeatureResult, GetRemainingFreeTrialDaysRequest,
    GetRemainingFreeTrialDaysResponse, GetUsageStatisticsRequest, GetUsageStatisticsResponse,
    KubernetesDataSourceFreeTrial, MalwareProtectionDataSourceFreeTrial, Total, UsageAccountResult,
    UsageDataSourceResult, UsageFeature, UsageFeatureResult, UsageResourceResult, UsageStatisticType, UsageStatistics,
    UsageTopAccountResult, UsageTopAccountsResult,
};
use crate::relationship::{associated_accounts, set_aside};
use crate::resource::{Resource, handlers};
use crate::resources::detectors;
use crate::service::Service;
use std::collections::BTreeMap;
use watchfire_store::{Usage, UsageRange};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        GetUsageStatistics => statistics,
        GetRemainingFreeTrialDays => free_trial,
    },
    tagged: &[],
};

/// Usage is told for a month that ends today. Source: GuardDuty's documentation of usage: a rolling 30 days.
const DAYS: i64 = 30;

/// Length of a free trial. Source: GuardDuty's documentation of costs.
const TRIAL_DAYS: i64 = 30;

const DAY_MS: i64 = 24 * 3600 * 1000;

const CURRENCY: &str = "USD";

/// One entry of usage, with its cost.
pub(crate) struct Charged {
    pub(crate) usage: Usage,
    /// In US dollars.
    pub(crate) cost: f64,
}

async fn statistics(call: &Call, input: GetUsageStatisticsRequest) -> Result<GetUsageStatisticsResponse, ApiError> {
    if input.unit.is_some_and(|unit| unit != CURRENCY) {
        return Err(ApiError::invalid_parameter("unit"));
    }
    let criteria = input.usage_criteria;
    let mut features: Vec<&str> = criteria.features.iter().flatten().map(|feature| feature.as_str()).collect();
    features.extend(criteria.data_sources.iter().flatten().map(|source| feature_of(*source).as_str()));
    let mut charged = charged(call, criteria.account_ids.as_deref()).await?;
    charged.retain(|one| features.is_empty() || features.contains(&one.usage.source.as_str()));
    if let Some(resources) = &criteria.resources {
        charged.retain(|one| resources.contains(&one.usage.resource));
    }
    let limit = page_size(input.max_results);
    let after = call.open_cursor(input.next_token.as_deref())?;
    let mut statistics = UsageStatistics::default();
    let mut next = None;
    match input.usage_statistic_type {
        UsageStatisticType::SumByAccount => {
            let (rows, more) = page(sums(&charged, |usage| Some(usage.account.clone())), after, limit);
            next = more;
            let row = |(account, cost)| UsageAccountResult { account_id: Some(account), total: total(cost) };
            statistics.sum_by_account = Some(rows.into_iter().map(row).collect());
        }
        UsageStatisticType::SumByDataSource => {
            let named = |usage: &Usage| Some(source_of(&usage.source)?.as_str().to_owned());
            let (rows, more) = page(sums(&charged, named), after, limit);
            next = more;
            let row = |(name, cost): (String, f64)| UsageDataSourceResult {
                data_source: DataSource::ALL.iter().find(|source| source.as_str() == name).copied(),
                total: total(cost),
            };
            statistics.sum_by_data_source = Some(rows.into_iter().map(row).collect());
        }
        UsageStatisticType::SumByFeatures => {
            let (rows, more) =
                page(sums(&charged, |usage| Some(feature(&usage.source)?.as_str().to_owned())), after, limit);
            next = more;
            let row = |(name, cost): (String, f64)| UsageFeatureResult { feature: feature(&name), total: total(cost) };
            statistics.sum_by_feature = Some(rows.into_iter().map(row).collect());
        }
        UsageStatisticType::SumByResource => {
            let (rows, more) = page(sums(&charged, resource), after, limit);
            next = more;
            statistics.sum_by_resource = Some(rows.into_iter().map(resource_row).collect());
        }
        UsageStatisticType::TopResources => {
            let rows = top(sums(&charged, resource), limit);
            statistics.top_resources = Some(rows.into_iter().map(resource_row).collect());
        }
        UsageStatisticType::TopAccountsByFeature => {
            let of_feature = |&wanted: &UsageFeature| {
                let named = |usage: &Usage| (usage.source == wanted.as_str()).then(|| usage.account.clone());
                let rows = top(sums(&charged, named), limit);
                let row = |(account, cost)| UsageTopAccountResult { account_id: Some(account), total: total(cost) };
                let accounts: Vec<_> = rows.into_iter().map(row).collect();
                (!accounts.is_empty())
                    .then_some(UsageTopAccountsResult { feature: Some(wanted), accounts: Some(accounts) })
            };
            statistics.top_accounts_by_feature = Some(UsageFeature::ALL.iter().filter_map(of_feature).collect());
        }
    }
    Ok(GetUsageStatisticsResponse {
        usage_statistics: Some(statistics),
        next_token: next.map(|cursor| call.seal_cursor(&cursor)),
    })
}

/// The usage of the caller and its members in the last month, with what each part of it costs. Tiers count per account.
async fn charged(call: &Call, wanted: Option<&[String]>) -> Result<Vec<Charged>, ApiError> {
    let mut accounts = associated_accounts(call).await?;
    accounts.push(call.account().to_owned());
    accounts.retain(|account| wanted.is_none_or(|wanted| wanted.contains(account)));
    charged_in(&call.service, accounts, Some(call.region.clone()), call.now).await
}

/// The usage of these accounts in the month that ends `now` (ms since 1970), in one region or in all, by account and region,
/// with what each part of it costs. Tiers count per account and region.
pub(crate) async fn charged_in(
    service: &Service,
    accounts: Vec<String>,
    region: Option<String>,
    now: i64,
) -> Result<Vec<Charged>, ApiError> {
    let today = now.div_euclid(DAY_MS);
    let range =
        UsageRange { accounts: Some(accounts), region, from_day: Some(today - (DAYS - 1)), to_day: Some(today) };
    let usage = service.store.usage(&range).await?;
    let mut charged = Vec::new();
    for of_one in usage.chunk_by(|a, b| (&a.account, &a.region) == (&b.account, &b.region)) {
        let costs = service.prices.costs(of_one);
        charged.extend(of_one.iter().zip(costs).map(|(usage, cost)| Charged { usage: usage.clone(), cost }));
    }
    Ok(charged)
}

/// Costs by name; what has none is left out.
fn sums(charged: &[Charged], name: impl Fn(&Usage) -> Option<String>) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for one in charged {
        if let Some(name) = name(&one.usage) {
            *sums.entry(name).or_default() += one.cost;
        }
    }
    sums
}

/// Some rows by name, and the name after which there are more.
fn page(sums: BTreeMap<String, f64>, after: Option<String>, limit: usize) -> (Vec<(String, f64)>, Option<String>) {
    let rows = sums.into_iter().filter(|(name, _)| after.as_ref().is_none_or(|after| name > after));
    let mut rows: Vec<(String, f64)> = rows.take(limit + 1).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(name, _)| name.clone());
    (rows, next)
}

/// The dearest.
fn top(sums: BTreeMap<String, f64>, limit: usize) -> Vec<(String, f64)> {
    let mut rows: Vec<(String, f64)> = sums.into_iter().collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    rows.truncate(limit);
    rows
}

fn resource(usage: &Usage) -> Option<String> {
    Some(usage.resource.clone()).filter(|resource| !resource.is_empty())
}

fn resource_row((resource, cost): (String, f64)) -> UsageResourceResult {
    UsageResourceResult { resource: Some(resource), total: total(cost) }
}

fn total(cost: f64) -> Option<Total> {
    Some(Total { amount: Some(format!("{cost:.4}")), unit: Some(CURRENCY.to_owned()) })
}

fn feature(name: &str) -> Option<UsageFeature> {
    UsageFeature::ALL.iter().find(|feature| feature.as_str() == name).copied()
}

/// The older name of a feature's logs.
fn source_of(feature: &str) -> Option<DataSource> {
    DataSource::ALL.iter().find(|source| feature_of(**source).as_str() == feature).copied()
}

fn feature_of(source: DataSource) -> UsageFeature {
    match source {
        DataSource::FlowLogs => UsageFeature::FlowLogs,
        DataSource::CloudTrail => UsageFeature::CloudTrail,
        DataSource::DnsLogs => UsageFeature::DnsLogs,
        DataSource::S3Logs => UsageFeature::S3DataEvents,
        DataSource::KubernetesAuditLogs => UsageFeature::EksAuditLogs,
        DataSource::Ec2MalwareScan => UsageFeature::EbsMalwareProtection,
    }
}

async fn free_trial(
    call: &Call,
    input: GetRemainingFreeTrialDaysRequest,
) -> Result<GetRemainingFreeTrialDaysResponse, ApiError> {
    let mut known = associated_accounts(call).await?;
    known.push(call.account().to_owned());
    let (mut accounts, mut unprocessed) = (Vec::new(), Vec::new());
    for account in input.account_ids {
        let detector = match known.contains(&account) {
            true => detectors::current(call, &account).await?,
            false => None,
        };
        match detector {
            Some(detector) => accounts.push(trial(account, &detector.features, detector.created, call.now)),
            None => {
                unprocessed.push(set_aside(&account, "the given account ID is not a member of the current account"))
            }
        }
    }
    Ok(GetRemainingFreeTrialDaysResponse { accounts: Some(accounts), unprocessed_accounts: Some(unprocessed) })
}

/// What is left for one account: of a plan that is on, counted from when it was switched on; of one that is off, nothing
/// is said.
fn trial(account: String, features: &Features, created: i64, now: i64) -> AccountFreeTrialInfo {
    let days = |since: i64| (TRIAL_DAYS - (now - since).max(0) / DAY_MS).max(0);
    let mut left: BTreeMap<&'static str, i64> = BTreeMap::new();
    for foundational in [UsageFeature::CloudTrail, UsageFeature::DnsLogs, UsageFeature::FlowLogs] {
        left.insert(foundational.as_str(), days(created));
    }
    for feature in features.iter().filter(|feature| features.is_enabled(feature.name)) {
        let names: &[&'static str] = match feature.name {
            DetectorFeature::RuntimeMonitoring => {
                &["EKS_RUNTIME_MONITORING", "EC2_RUNTIME_MONITORING", "FARGATE_RUNTIME_MONITORING"]
            }
            other => &[other.as_str()],
        };
        left.extend(names.iter().map(|name| (*name, days(feature.updated))));
    }
    let source = |feature: FreeTrialFeatureResult| {
        let days = left.get(feature.as_str()).copied()?;
        Some(DataSourceFreeTrial { free_trial_days_remaining: Some(days) })
    };
    let row = |&name: &FreeTrialFeatureResult| {
        let days = left.get(name.as_str()).copied()?;
        Some(FreeTrialFeatureConfigurationResult { name: Some(name), free_trial_days_remaining: Some(days) })
    };
    AccountFreeTrialInfo {
        account_id: Some(account),
        data_sources: Some(DataSourcesFreeTrial {
            cloud_trail: source(FreeTrialFeatureResult::CloudTrail),
            dns_logs: source(FreeTrialFeatureResult::DnsLogs),
            flow_logs: source(FreeTrialFeatureResult::FlowLogs),
            s3_logs: source(FreeTrialFeatureResult::S3DataEvents),
            kubernetes: Some(KubernetesDataSourceFreeTrial {
                audit_logs: source(FreeTrialFeatureResult::EksAuditLogs),
            }),
            malware_protection: Some(MalwareProtectionDataSourceFreeTrial {
                scan_ec2_instance_with_findings: source(FreeTrialFeatureResult::EbsMalwareProtection),
            }),
        }),
        features: Some(FreeTrialFeatureResult::ALL.iter().filter_map(row).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, Api, REGION};
    use serde_json::{Value, json};
    use watchfire_store::UsageDelta;

    /// 2026-03-01, where the tests' clock stands.
    const TODAY: i64 = 20_513;

    async fn with_usage() -> Api {
        let api = Api::with_detector().await;
        let delta = |source: &str, resource: &str, day: i64, events: u64, gigabytes: u64| UsageDelta {
            account: ACCOUNT.into(),
            region: REGION.into(),
            source: source.into(),
            resource: resource.into(),
            day,
            events,
            bytes: gigabytes << 30,
        };
        let deltas = vec![
            delta("CLOUD_TRAIL", "", TODAY, 1_000_000, 2),
            delta("CLOUD_TRAIL", "", TODAY - 29, 500_000, 2),
            delta("CLOUD_TRAIL", "", TODAY - 30, 9_000_000, 2),
            delta("S3_DATA_EVENTS", "bucket-a", TODAY, 1_000_000, 2),
            delta("S3_DATA_EVENTS", "bucket-b", TODAY, 2_000_000, 2),
            UsageDelta { account: "999999999999".into(), ..delta("CLOUD_TRAIL", "", TODAY, 1_000_000, 2) },
        ];
        api.service.store.add_usage(deltas).await.unwrap();
        api
    }

    async fn ask(api: &Api, kind: &str, criteria: Value) -> Value {
        let body = json!({"usageStatisticsType": kind, "usageCriteria": criteria});
        api.of_detector("POST", "/usage/statistics", body).await.unwrap()["usageStatistics"].take()
    }

    #[tokio::test]
    async fn usage_of_the_last_month_costs_what_amazon_would_charge() {
        let api = with_usage().await;
        let total = |amount: &str| json!({"amount": amount, "unit": "USD"});
        assert_eq!(
            ask(&api, "SUM_BY_ACCOUNT", json!({})).await,
            json!({"sumByAccount": [{"accountId": ACCOUNT, "total": total("8.4000")}]})
        );
        assert_eq!(
            ask(&api, "SUM_BY_DATA_SOURCE", json!({"dataSources": ["S3_LOGS"]})).await,
            json!({"sumByDataSource": [{"dataSource": "S3_LOGS", "total": total("2.4000")}]})
        );
        let features = ask(&api, "SUM_BY_FEATURES", json!({"features": ["CLOUD_TRAIL", "FLOW_LOGS"]})).await;
        assert_eq!(features, json!({"sumByFeature": [{"feature": "CLOUD_TRAIL", "total": total("6.0000")}]}));
        let top = ask(&api, "TOP_RESOURCES", json!({})).await;
        assert_eq!(top["topResources"][0], json!({"resource": "bucket-b", "total": total("1.6000")}));
        let one = ask(&api, "SUM_BY_RESOURCE", json!({"resources": ["bucket-a"]})).await;
        assert_eq!(one["sumByResource"], json!([{"resource": "bucket-a", "total": total("0.8000")}]));
        let accounts = ask(&api, "TOP_ACCOUNTS_BY_FEATURE", json!({})).await;
        assert_eq!(accounts["topAccountsByFeature"].as_array().unwrap().len(), 2);
        assert_eq!(
            ask(&api, "SUM_BY_ACCOUNT", json!({"accountIds": ["999999999999"]})).await,
            json!({"sumByAccount": []})
        );
    }

    #[tokio::test]
    async fn sums_come_in_pages() {
        let api = with_usage().await;
        let mut body = json!({"usageStatisticsType": "SUM_BY_RESOURCE", "usageCriteria": {}, "maxResults": 1});
        let first = api.of_detector("POST", "/usage/statistics", body.clone()).await.unwrap();
        assert_eq!(first["usageStatistics"]["sumByResource"][0]["resource"], "bucket-a");
        body["nextToken"] = first["nextToken"].clone();
        let second = api.of_detector("POST", "/usage/statistics", body.clone()).await.unwrap();
        assert_eq!(second["usageStatistics"]["sumByResource"][0]["resource"], "bucket-b");
        assert!(second.get("nextToken").is_none());
        body["unit"] = json!("EUR");
        assert!(api.refusal("POST", "/usage/statistics", body).await.contains("unit"));
    }

    #[tokio::test]
    async fn a_free_trial_is_told_for_plans_that_are_on() {
        let api = Api::with_detector().await;
        let ask = json!({"accountIds": [ACCOUNT, "999999999999"]});
        let answer = api.of_detector("POST", "/freeTrial/daysRemaining", ask).await.unwrap();
        assert_eq!(answer["unprocessedAccounts"][0]["accountId"], "999999999999");
        let names: Vec<&str> = answer["accounts"][0]["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["name"].as_str().unwrap())
            .collect();
        assert!(names.contains(&"CLOUD_TRAIL") && names.contains(&"S3_DATA_EVENTS"), "{names:?}");
        assert!(!names.contains(&"EC2_RUNTIME_MONITORING"));
    }

    #[test]
    fn a_trial_ends_after_thirty_days() {
        let features = Features::new(0);
        let left = |now: i64| {
            let info = trial(ACCOUNT.into(), &features, 0, now);
            info.data_sources.unwrap().cloud_trail.unwrap().free_trial_days_remaining.unwrap()
        };
        assert_eq!((left(0), left(DAY_MS), left(30 * DAY_MS), left(99 * DAY_MS)), (30, 29, 0, 0));
    }
}
