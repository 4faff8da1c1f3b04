//! Findings: listed, read, put away, judged, counted, and made up as samples.

use crate::call::{Call, page_size};
use crate::error::ApiError;
use crate::generated::types::{
    AccountStatistics, ArchiveFindingsRequest, ArchiveFindingsResponse, CreateSampleFindingsRequest,
    CreateSampleFindingsResponse, DateStatistics, Feedback, FindingStatistics, FindingTypeStatistics,
    GetFindingsRequest, GetFindingsResponse, GetFindingsStatisticsRequest, GetFindingsStatisticsResponse, GroupByType,
    ListFindingsRequest, ListFindingsResponse, OrderBy, ResourceStatistics, SeverityStatistics, SortCriteria,
    UnarchiveFindingsRequest, UnarchiveFindingsResponse, UpdateFindingsFeedbackRequest, UpdateFindingsFeedbackResponse,
};
use crate::relationship::{associated_accounts, refuse_members};
use crate::resource::{Resource, handlers};
use crate::resources::{detectors, filters};
use crate::samples;
use crate::wire::Timestamp;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use watchfire_export::{AttributeValue, FindingCriteria, attribute_values};
use watchfire_store::{Change, Cursor, FindingWrite, Group, Grouping, Scope, Sort, StoreError};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        ListFindings => list,
        GetFindings => get,
        GetFindingsStatistics => statistics,
        ArchiveFindings => archive,
        UnarchiveFindings => unarchive,
        UpdateFindingsFeedback => feedback,
        CreateSampleFindings => create_samples,
    },
    tagged: &[],
};

/// Source: GuardDuty's documentation of `FindingCriteria`: 1 to 50 attributes, up to 50 values for each.
const ATTRIBUTES_MAX: usize = 50;
const VALUES_MAX: usize = 50;

/// Rows of statistics when the caller does not say. Source: the model's documentation of `MaxResults`.
const ROWS_DEFAULT: i64 = 25;

/// Severities that findings can have, 1.0 to 10.0 in tenths, all of which one answer could name.
const SEVERITIES_MAX: usize = 100;

/// Reads criteria, as filters and lists have them in common.
pub(crate) fn criteria(criteria: Option<&Value>) -> Result<FindingCriteria, ApiError> {
    let invalid = || ApiError::invalid_parameter("findingCriteria");
    let Some(document) = criteria else { return Ok(FindingCriteria::default()) };
    let read = FindingCriteria::parse("findingCriteria", document).map_err(|error| {
        ApiError::bad_request(format_args!("the parameter findingCriteria has an invalid value: {error}"))
    })?;
    let attributes = document.get("criterion").and_then(Value::as_object);
    let conditions = attributes.into_iter().flat_map(|attributes| attributes.values()).filter_map(Value::as_object);
    let mut lists = conditions.flat_map(|conditions| conditions.values()).filter_map(Value::as_array);
    if attributes.is_some_and(|attributes| attributes.len() > ATTRIBUTES_MAX)
        || lists.any(|list| list.len() > VALUES_MAX)
    {
        return Err(invalid());
    }
    Ok(read)
}

/// Criteria of a request. A condition that asks nothing is a mistake: taken for none, it would let every finding through.
pub(crate) fn asked_criteria(document: Option<&Value>) -> Result<FindingCriteria, ApiError> {
    let attributes = document.and_then(|document| document.get("criterion")).and_then(Value::as_object);
    let mut conditions = attributes.into_iter().flat_map(|attributes| attributes.values()).filter_map(Value::as_object);
    if conditions.any(|conditions| conditions.values().all(Value::is_null)) {
        return Err(ApiError::invalid_parameter("findingCriteria"));
    }
    criteria(document)
}

/// The detectors whose findings the caller sees: its own, and those of its members.
pub(crate) async fn scopes(call: &Call) -> Result<Vec<Scope>, ApiError> {
    let mut scopes = vec![own(call)?];
    for account in associated_accounts(call).await? {
        if let Some(detector) = detectors::current(call, &account).await? {
            scopes.push(Scope { account, region: call.region.clone(), detector: detector.id.clone() });
        }
    }
    Ok(scopes)
}

/// The caller's own detector.
pub(crate) fn own(call: &Call) -> Result<Scope, ApiError> {
    let detector = call.detector()?.id.clone();
    Ok(Scope { account: call.account().to_owned(), region: call.region.clone(), detector })
}

async fn list(call: &Call, input: ListFindingsRequest) -> Result<ListFindingsResponse, ApiError> {
    let criteria = asked_criteria(input.finding_criteria.as_ref())?;
    let sort = sort(input.sort_criteria.as_ref())?.unwrap_or_default();
    let invalid_token = || ApiError::invalid_parameter("nextToken");
    let cursor = call.open_cursor(input.next_token.as_deref())?;
    let after: Option<Cursor> =
        cursor.map(|cursor| serde_json::from_str(&cursor).map_err(|_| invalid_token())).transpose()?;
    let limit = page_size(input.max_results);
    let page = call.store().list_findings(&scopes(call).await?, &criteria, &sort, after.as_ref(), limit).await;
    let page = page.map_err(not_listed)?;
    let token = |cursor: &Cursor| -> Result<String, ApiError> {
        Ok(call.seal_cursor(&serde_json::to_string(cursor).map_err(ApiError::internal)?))
    };
    Ok(ListFindingsResponse {
        finding_ids: page.findings.into_iter().map(|(_, id)| id).collect(),
        next_token: page.next.as_ref().map(token).transpose()?,
    })
}

/// What the store does not list by is the caller's mistake.
pub(crate) fn not_listed(error: StoreError) -> ApiError {
    match error {
        StoreError::NotListed { .. } | StoreError::Wildcards { .. } => ApiError::bad_request(format_args!(
            "the parameter findingCriteria or sortCriteria has an invalid value: {error}"
        )),
        other => other.into(),
    }
}

fn sort(sort: Option<&SortCriteria>) -> Result<Option<Sort>, ApiError> {
    let Some(sort) = sort else { return Ok(None) };
    let Some(attribute) = &sort.attribute_name else { return Ok(None) };
    // Of a word that orders nothing, the usual order: [?] GuardDuty does not say.
    let descending = sort.order_by == Some(OrderBy::Desc);
    if !watchfire_export::list_attributes().contains(attribute) {
        return Err(ApiError::invalid_parameter("sortCriteria"));
    }
    Ok(Some(Sort { attribute: attribute.clone(), descending }))
}

async fn get(call: &Call, input: GetFindingsRequest) -> Result<GetFindingsResponse, ApiError> {
    // Of an id that was given twice, the finding once.
    let mut ids: Vec<String> = Vec::new();
    for id in input.finding_ids {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let found = call.store().findings(&scopes(call).await?, &ids).await?;
    let mut findings: Vec<Value> = found.into_iter().map(|stored| stored.body).collect();
    if let Some(sort) = sort(input.sort_criteria.as_ref())? {
        findings.sort_by(|a, b| {
            let order = compare(a, b, &sort.attribute);
            if sort.descending { order.reverse() } else { order }
        });
    }
    Ok(GetFindingsResponse { findings })
}

/// As the store sorts: by the lowest value, numbers before texts, findings without any first.
fn compare(a: &Value, b: &Value, attribute: &str) -> Ordering {
    let value_order = |a: &AttributeValue, b: &AttributeValue| match (a.number, b.number) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (None, None) => a.text.cmp(&b.text),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    let lowest = |finding| attribute_values(finding, attribute).into_iter().min_by(value_order);
    match (lowest(a), lowest(b)) {
        (Some(a), Some(b)) => value_order(&a, &b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

async fn archive(call: &Call, input: ArchiveFindingsRequest) -> Result<ArchiveFindingsResponse, ApiError> {
    refuse_members(call).await?;
    call.store().set_archived(&scopes(call).await?, &input.finding_ids, true).await?;
    Ok(ArchiveFindingsResponse {})
}

async fn unarchive(call: &Call, input: UnarchiveFindingsRequest) -> Result<UnarchiveFindingsResponse, ApiError> {
    refuse_members(call).await?;
    call.store().set_archived(&scopes(call).await?, &input.finding_ids, false).await?;
    Ok(UnarchiveFindingsResponse {})
}

async fn feedback(
    call: &Call,
    input: UpdateFindingsFeedbackRequest,
) -> Result<UpdateFindingsFeedbackResponse, ApiError> {
    let feedback = match input.feedback {
        Feedback::Useful => watchfire_store::Feedback::Useful,
        Feedback::NotUseful => watchfire_store::Feedback::NotUseful,
    };
    call.store().set_feedback(&scopes(call).await?, &input.finding_ids, feedback, input.comments).await?;
    Ok(UpdateFindingsFeedbackResponse {})
}

async fn statistics(
    call: &Call,
    input: GetFindingsStatisticsRequest,
) -> Result<GetFindingsStatisticsResponse, ApiError> {
    let criteria = asked_criteria(input.finding_criteria.as_ref())?;
    let scopes = scopes(call).await?;
    let asks_types = input.finding_statistic_types.as_ref().is_some_and(|types| !types.is_empty());
    // Source: the model's documentation of the operation.
    if input.group_by.is_none() && (input.order_by.is_some() || input.max_results.is_some()) {
        return Err(ApiError::invalid_parameter(if input.order_by.is_some() { "orderBy" } else { "maxResults" }));
    }
    let mut statistics = FindingStatistics::default();
    match (input.group_by, asks_types) {
        (None, true) => {
            let groups = call.store().statistics(&scopes, &criteria, Grouping::Severity, false, SEVERITIES_MAX).await;
            let counts = groups.map_err(not_listed)?;
            // Keys as GuardDuty writes them: `2.0`.
            let entry = |group: &Group| (format!("{:?}", group.severity.unwrap_or_default()), total(group));
            statistics.count_by_severity = Some(counts.iter().map(entry).collect::<BTreeMap<_, _>>());
        }
        (Some(by), false) => {
            let ascending = input.order_by == Some(OrderBy::Asc);
            let limit = usize::try_from(input.max_results.unwrap_or(ROWS_DEFAULT)).unwrap_or_default();
            let rows = call.store().statistics(&scopes, &criteria, grouping(by), ascending, limit).await;
            group(&mut statistics, by, rows.map_err(not_listed)?);
        }
        // One of the two, and only one.
        _ => return Err(ApiError::invalid_parameter("groupBy")),
    }
    Ok(GetFindingsStatisticsResponse { finding_statistics: statistics, next_token: None })
}

fn grouping(by: GroupByType) -> Grouping {
    match by {
        GroupByType::Account => Grouping::Account,
        GroupByType::Date => Grouping::Date,
        GroupByType::FindingType => Grouping::FindingType,
        GroupByType::Resource => Grouping::Resource,
        GroupByType::Severity => Grouping::Severity,
    }
}

/// `Integer` of the model has 32 bits.
fn total(group: &Group) -> i64 {
    i64::try_from(group.count).unwrap_or(i64::MAX).min(i64::from(i32::MAX))
}

fn group(statistics: &mut FindingStatistics, by: GroupByType, rows: Vec<Group>) {
    let newest = |row: &Group| Some(Timestamp::of(row.newest.ms()));
    let rows = rows.into_iter();
    match by {
        GroupByType::Account => {
            let row = |row: Group| AccountStatistics {
                last_generated_at: newest(&row),
                total_findings: Some(total(&row)),
                account_id: Some(row.account),
            };
            statistics.grouped_by_account = Some(rows.map(row).collect());
        }
        GroupByType::Date => {
            let row = |row: Group| DateStatistics {
                date: row.date.map(|date| Timestamp::of(date.ms())),
                last_generated_at: newest(&row),
                severity: row.severity,
                total_findings: Some(total(&row)),
            };
            statistics.grouped_by_date = Some(rows.map(row).collect());
        }
        GroupByType::FindingType => {
            let row = |row: Group| FindingTypeStatistics {
                last_generated_at: newest(&row),
                total_findings: Some(total(&row)),
                finding_type: Some(row.finding_type),
            };
            statistics.grouped_by_finding_type = Some(rows.map(row).collect());
        }
        GroupByType::Resource => {
            let row = |row: Group| ResourceStatistics {
                last_generated_at: newest(&row),
                total_findings: Some(total(&row)),
                account_id: Some(row.account),
                resource_id: Some(row.resource_id),
                resource_type: Some(row.resource_type),
            };
            statistics.grouped_by_resource = Some(rows.map(row).collect());
        }
        GroupByType::Severity => {
            let row = |row: Group| SeverityStatistics {
                last_generated_at: newest(&row),
                severity: row.severity,
                total_findings: Some(total(&row)),
            };
            statistics.grouped_by_severity = Some(rows.map(row).collect());
        }
    }
}

async fn create_samples(
    call: &Call,
    input: CreateSampleFindingsRequest,
) -> Result<CreateSampleFindingsResponse, ApiError> {
    let scope = own(call)?;
    let wanted = input.finding_types.filter(|types| !types.is_empty());
    let bodies = samples::findings(&scope, wanted.as_deref(), call.now)
        .map_err(|_| ApiError::invalid_parameter("findingTypes"))?;
    let one_more = call.one_at_a_time(&scope.detector, "sample").await?;
    // Asked for again, a sample is the same finding once more.
    let ids: Vec<String> =
        bodies.iter().filter_map(|body| body.get("id").and_then(Value::as_str)).map(str::to_owned).collect();
    let mut earlier = BTreeMap::new();
    for stored in call.store().findings(std::slice::from_ref(&scope), &ids).await? {
        let id = stored.body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        earlier.insert(id, stored.body);
    }
    let place = (scope.account.as_str(), scope.region.as_str());
    let suppression = filters::suppression(call.store(), place, &scope.detector).await?;
    let writes = bodies.into_iter().map(|mut body| {
        if let Some(before) = body.get("id").and_then(Value::as_str).and_then(|id| earlier.get(id)) {
            samples::grow(&mut body, before);
        }
        FindingWrite { suppressed_by: suppression.suppressed_by(&body).map(str::to_owned), body }
    });
    let writes = writes.collect();
    call.commit(vec![one_more, Change::Findings { scope, writes }]).await?;
    Ok(CreateSampleFindingsResponse {})
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;
    use serde_json::{Value, json};

    async fn ids(api: &Api, body: Value) -> Vec<String> {
        let answer = api.of_detector("POST", "/findings", body).await.unwrap();
        serde_json::from_value(answer["findingIds"].clone()).unwrap()
    }

    async fn with_samples() -> Api {
        let api = Api::with_detector().await;
        let types = json!({"findingTypes": ["Recon:EC2/Portscan", "Stealth:IAMUser/CloudTrailLoggingDisabled",
            "UnauthorizedAccess:EC2/SSHBruteForce"]});
        api.of_detector("POST", "/findings/create", types).await.unwrap();
        api
    }

    #[tokio::test]
    async fn findings_are_listed_by_pages_and_read() {
        let api = with_samples().await;
        let first = api.of_detector("POST", "/findings", json!({"maxResults": 2})).await.unwrap();
        let token = first["nextToken"].as_str().unwrap();
        let second = api.of_detector("POST", "/findings", json!({"maxResults": 2, "nextToken": token})).await.unwrap();
        assert_eq!(second["findingIds"].as_array().unwrap().len(), 1);
        assert!(second.get("nextToken").is_none());
        let forged = json!({"maxResults": 2, "nextToken": "QUFBQUFBQUFBQUFBQUFBQUFB"});
        assert!(api.refusal("POST", "/findings", forged).await.contains("nextToken"));
        let sorted = json!({"sortCriteria": {"attributeName": "type", "orderBy": "ASC"}});
        let ids = ids(&api, sorted.clone()).await;
        let mut asked = ids.clone();
        asked.reverse();
        asked.push(asked[0].clone());
        let read = json!({"findingIds": asked, "sortCriteria": sorted["sortCriteria"]});
        let read = api.of_detector("POST", "/findings/get", read).await.unwrap();
        let found: Vec<&str> =
            read["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids);
        assert!(read["findings"][0].get("watchfire").is_none());
    }

    #[tokio::test]
    async fn criteria_that_lists_do_not_know_are_refused() {
        let api = with_samples().await;
        let with = |criterion: Value| json!({"findingCriteria": {"criterion": criterion}});
        for criterion in [
            json!({"resource.nothing": {"eq": ["x"]}}),
            json!({"arn": {"eq": ["x"]}}),
            json!({"type": {"matches": ["Recon*"]}}),
            json!({"type": {"eq": vec!["x"; 51]}}),
            json!({"type": {}}),
            json!({"type": {"eq": null}, "severity": {"gte": 1}}),
        ] {
            let message = api.refusal("POST", "/findings", with(criterion.clone())).await;
            assert!(message.contains("findingCriteria"), "{criterion}: {message}");
        }
        let sort = json!({"sortCriteria": {"attributeName": "arn"}});
        assert!(api.refusal("POST", "/findings", sort).await.contains("sortCriteria"));
        assert_eq!(ids(&api, with(json!({"type": {"equals": ["Recon:EC2/Portscan"]}}))).await.len(), 1);
        for (operator, count) in [("gte", 3), ("gt", 3), ("lte", 0), ("lt", 0)] {
            let since = with(json!({"updatedAt": {operator: 1_486_685_375_000_i64}}));
            assert_eq!(ids(&api, since).await.len(), count, "{operator}");
        }
    }

    #[tokio::test]
    async fn what_is_archived_is_listed_as_such_and_comes_back() {
        let api = with_samples().await;
        let archived = |is: &str| json!({"findingCriteria": {"criterion": {"service.archived": {"eq": [is]}}}});
        let all = ids(&api, json!({})).await;
        api.of_detector("POST", "/findings/archive", json!({"findingIds": [all[0]]})).await.unwrap();
        assert_eq!(ids(&api, archived("true")).await, all[..1]);
        assert_eq!(ids(&api, json!({})).await, all);
        api.of_detector("POST", "/findings/unarchive", json!({"findingIds": all})).await.unwrap();
        assert!(ids(&api, archived("true")).await.is_empty());
        let feedback = json!({"findingIds": [all[0]], "feedback": "USEFUL", "comments": "seen"});
        api.of_detector("POST", "/findings/feedback", feedback).await.unwrap();
        let read = api.of_detector("POST", "/findings/get", json!({"findingIds": [all[0]]})).await.unwrap();
        assert_eq!(read["findings"][0]["service"]["userFeedback"], "USEFUL");
    }

    #[tokio::test]
    async fn statistics_answer_what_was_asked_and_nothing_else() {
        let api = with_samples().await;
        let count = |body: Value| {
            let api = &api;
            async move { api.of_detector("POST", "/findings/statistics", body).await.unwrap()["findingStatistics"].take() }
        };
        let by_severity = count(json!({"findingStatisticTypes": ["COUNT_BY_SEVERITY"]})).await;
        let counts = by_severity["countBySeverity"].as_object().unwrap();
        assert_eq!(counts.values().map(|count| count.as_i64().unwrap()).sum::<i64>(), 3);
        assert!(counts.keys().all(|key| key.ends_with(".0")), "{counts:?}");
        for (by, member) in [
            ("ACCOUNT", "groupedByAccount"),
            ("DATE", "groupedByDate"),
            ("FINDING_TYPE", "groupedByFindingType"),
            ("RESOURCE", "groupedByResource"),
            ("SEVERITY", "groupedBySeverity"),
        ] {
            let groups = count(json!({"groupBy": by})).await;
            assert_eq!(groups.as_object().unwrap().len(), 1);
            let rows = groups[member].as_array().unwrap();
            assert_eq!(rows.iter().map(|row| row["totalFindings"].as_i64().unwrap()).sum::<i64>(), 3, "{by}");
        }
        assert_eq!(
            count(json!({"groupBy": "FINDING_TYPE", "maxResults": 1})).await["groupedByFindingType"][0]["totalFindings"],
            1
        );
        let both = json!({"groupBy": "DATE", "findingStatisticTypes": ["COUNT_BY_SEVERITY"]});
        assert!(api.refusal("POST", "/findings/statistics", both).await.contains("groupBy"));
        assert!(api.refusal("POST", "/findings/statistics", json!({})).await.contains("groupBy"));
        for (member, value) in [("orderBy", json!("ASC")), ("maxResults", json!(5))] {
            let without_groups = json!({"findingStatisticTypes": ["COUNT_BY_SEVERITY"], member: value});
            assert!(api.refusal("POST", "/findings/statistics", without_groups).await.contains(member));
        }
    }

    #[tokio::test]
    async fn a_sample_asked_for_again_is_the_same_finding_once_more() {
        let api = with_samples().await;
        let types = json!({"findingTypes": ["Recon:EC2/Portscan"]});
        api.of_detector("POST", "/findings/create", types).await.unwrap();
        let all = ids(&api, json!({})).await;
        assert_eq!(all.len(), 3);
        let read = api.of_detector("POST", "/findings/get", json!({"findingIds": all})).await.unwrap();
        let counts: Vec<i64> =
            read["findings"].as_array().unwrap().iter().map(|one| one["service"]["count"].as_i64().unwrap()).collect();
        assert_eq!(counts.iter().sum::<i64>(), 4);
        let unknown = json!({"findingTypes": ["Recon:EC2/Nothing"]});
        assert!(api.refusal("POST", "/findings/create", unknown).await.contains("findingTypes"));
    }
}
