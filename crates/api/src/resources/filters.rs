//! Filters: saved criteria, and those that archive what is new and meets them. An administrator's hold for its members.

use crate::call::{Call, arn_of_detector};
use crate::documents::{self, Document, Held};
use crate::error::ApiError;
use crate::generated::types::{
    CreateFilterRequest, CreateFilterResponse, DeleteFilterRequest, DeleteFilterResponse, FilterAction,
    GetFilterRequest, GetFilterResponse, ListFiltersRequest, ListFiltersResponse, UpdateFilterRequest,
    UpdateFilterResponse,
};
use crate::relationship::{governing, refuse_members};
use crate::resource::{Resource, Tagged, handlers};
use crate::resources::findings::{asked_criteria, criteria};
use crate::tags::Tags;
use crate::wire::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchfire_export::{CriterionTest, FindingCriteria, list_attributes};
use watchfire_store::{Change, Range, Store};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        CreateFilter => create,
        GetFilter => get,
        ListFilters => list,
        UpdateFilter => update,
        DeleteFilter => delete,
    },
    tagged: &[Tagged { segment: "filter", kind: Filter::KIND, is_of_a_detector: true }],
};

/// Source: GuardDuty's quotas.
const FILTERS_MAX: usize = 100;

/// A filter as stored, under its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    #[serde(default)]
    pub(crate) description: Option<String>,
    pub(crate) action: FilterAction,
    /// From 1: the place in the order in which filters are tried.
    pub(crate) rank: i64,
    /// As the caller wrote them, operator by operator.
    pub(crate) finding_criteria: Value,
    #[serde(default)]
    pub(crate) tags: Tags,
    /// One more with each update; tags do not count.
    pub(crate) version: i64,
    /// When the last update was, ms since 1970.
    pub(crate) changed: i64,
}

impl Document for Filter {
    const KIND: &'static str = "filter";
}

/// The filters of a detector that archive, in the order of their ranks; read once for many findings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suppression {
    /// Each with its ARN.
    filters: Vec<(String, FindingCriteria)>,
}

impl Suppression {
    /// The ARN of the filter that archives a new finding: the first that it meets.
    pub(crate) fn suppressed_by(&self, finding: &Value) -> Option<&str> {
        let mut filters = self.filters.iter();
        filters.find(|(_, criteria)| criteria.matches(finding)).map(|(arn, _)| arn.as_str())
    }
}

/// What archives new findings of a detector: its own filters, or those of its account's administrator.
pub(crate) async fn suppression(
    store: &Store,
    (account, region): (&str, &str),
    detector: &str,
) -> Result<Suppression, ApiError> {
    let (account, detector) = governing(store, (account, region), detector).await?;
    let range = Range {
        kind: Filter::KIND,
        account: Some(account.clone()),
        region: Some(region.to_owned()),
        parent: Some(detector.clone()),
    };
    let mut archiving = documents::all::<Filter>(store, &range).await?;
    archiving.retain(|filter| filter.action == FilterAction::Archive);
    archiving.sort_by_key(|filter| filter.rank);
    let arn = arn_of_detector((&account, region), &detector);
    let filters = archiving.iter().map(|filter| {
        let criteria = criteria(Some(&filter.finding_criteria))?;
        Ok((format!("{arn}/filter/{}", filter.key.id), criteria))
    });
    Ok(Suppression { filters: filters.collect::<Result<_, ApiError>>()? })
}

async fn create(call: &Call, input: CreateFilterRequest) -> Result<CreateFilterResponse, ApiError> {
    refuse_members(call).await?;
    let detector = &call.detector()?.id;
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if !input.name.bytes().all(is_good) {
        return Err(ApiError::invalid_parameter("name"));
    }
    let filter = Filter {
        description: input.description,
        action: input.action.unwrap_or(FilterAction::Noop),
        rank: input.rank.unwrap_or(1),
        finding_criteria: input.finding_criteria,
        tags: Tags::of(input.tags)?,
        version: 1,
        changed: call.now,
    };
    check(&filter)?;
    let (others, one_more) = call.all_before_one_more::<Filter>(detector).await?;
    if others.iter().any(|other| other.key.id == input.name) {
        return Err(ApiError::invalid_parameter("name"));
    }
    if others.len() >= FILTERS_MAX {
        return Err(ApiError::limit_exceeded(format_args!("there are {FILTERS_MAX} filters already")));
    }
    let mut changes = vec![call.new_document(detector, &input.name, &filter), one_more];
    changes.extend(make_room(&others, filter.rank));
    let output = CreateFilterResponse { name: input.name };
    call.commit_created(changes, &output).await?;
    Ok(output)
}

/// Moves the filters down that stand in the way of a new one: that of its rank, that of the next, and so on.
fn make_room(others: &[Held<Filter>], rank: i64) -> Vec<Change> {
    let mut wanted = rank;
    let mut moved = Vec::new();
    while let Some(there) = others.iter().find(|other| other.rank == wanted) {
        wanted += 1;
        let filter = Filter { rank: wanted, ..there.body.clone() };
        moved.push(there.replace(&filter));
    }
    moved
}

/// What the action allows: attributes beyond those of lists, and wildcards, work with `ARCHIVE` only.
fn check(filter: &Filter) -> Result<(), ApiError> {
    let criteria = asked_criteria(Some(&filter.finding_criteria))?;
    if criteria.iter().next().is_none() {
        return Err(ApiError::invalid_parameter("findingCriteria"));
    }
    let listed = list_attributes();
    let is_wider = criteria.iter().any(|criterion| {
        let is_pattern = matches!(criterion.test, CriterionTest::Matches(_) | CriterionTest::NotMatches(_));
        is_pattern || !listed.contains(&criterion.attribute)
    });
    if is_wider && filter.action != FilterAction::Archive {
        return Err(ApiError::invalid_parameter("findingCriteria"));
    }
    Ok(())
}

async fn get(call: &Call, input: GetFilterRequest) -> Result<GetFilterResponse, ApiError> {
    let held = find(call, &input.filter_name).await?;
    Ok(GetFilterResponse {
        name: held.key.id,
        description: held.body.description,
        action: held.body.action,
        rank: Some(held.body.rank),
        finding_criteria: held.body.finding_criteria,
        tags: Some(held.body.tags.into()),
        created_at: Some(Timestamp::of(held.created)),
        updated_at: Some(Timestamp::of(held.body.changed)),
        version: Some(held.body.version),
    })
}

async fn list(call: &Call, input: ListFiltersRequest) -> Result<ListFiltersResponse, ApiError> {
    let range = call.range::<Filter>(&call.detector()?.id);
    let page = call.page::<Filter>(&range, input.next_token.as_deref(), input.max_results, |_| true).await?;
    Ok(ListFiltersResponse {
        filter_names: page.items.into_iter().map(|held| held.key.id).collect(),
        next_token: page.next_token,
    })
}

async fn update(call: &Call, input: UpdateFilterRequest) -> Result<UpdateFilterResponse, ApiError> {
    refuse_members(call).await?;
    let held = find(call, &input.filter_name).await?;
    let mut filter = held.body.clone();
    filter.description = input.description.or(filter.description);
    filter.action = input.action.unwrap_or(filter.action);
    filter.finding_criteria = input.finding_criteria.unwrap_or(filter.finding_criteria);
    filter.rank = input.rank.unwrap_or(filter.rank);
    filter.version += 1;
    filter.changed = call.now;
    check(&filter)?;
    let mut changes = vec![held.replace(&filter)];
    if filter.rank != held.rank {
        let (mut others, last_moved) = call.all_before_one_more::<Filter>(&call.detector()?.id).await?;
        others.retain(|other| other.key != held.key);
        changes.push(last_moved);
        changes.extend(make_room(&others, filter.rank));
    }
    call.commit(changes).await?;
    Ok(UpdateFilterResponse { name: input.filter_name })
}

async fn delete(call: &Call, input: DeleteFilterRequest) -> Result<DeleteFilterResponse, ApiError> {
    refuse_members(call).await?;
    let held = find(call, &input.filter_name).await?;
    call.commit(vec![held.delete()]).await?;
    Ok(DeleteFilterResponse {})
}

async fn find(call: &Call, name: &str) -> Result<Held<Filter>, ApiError> {
    call.find::<Filter>(&call.detector()?.id, name).await?.ok_or_else(ApiError::no_such_resource)
}

#[cfg(test)]
mod tests {
    use super::suppression;
    use crate::testing::{ACCOUNT, Api, REGION};
    use serde_json::{Value, json};

    fn filter(name: &str, action: &str, criterion: Value) -> Value {
        json!({"name": name, "action": action, "findingCriteria": {"criterion": criterion}})
    }

    #[tokio::test]
    async fn a_filter_reads_as_it_was_written_and_counts_its_updates() {
        let api = Api::with_detector().await;
        let criterion = json!({"severity": {"gte": 4}, "type": {"eq": ["Recon:EC2/Portscan"]}});
        let body = filter("mine", "NOOP", criterion.clone());
        api.of_detector("POST", "/filter", body.clone()).await.unwrap();
        let read = api.of_detector("GET", "/filter/mine", Value::Null).await.unwrap();
        assert_eq!(
            (&read["findingCriteria"]["criterion"], &read["version"], &read["rank"]),
            (&criterion, &json!(1), &json!(1))
        );
        api.of_detector("POST", "/filter/mine", json!({"description": "quiet"})).await.unwrap();
        let read = api.of_detector("GET", "/filter/mine", Value::Null).await.unwrap();
        assert_eq!(
            (&read["description"], &read["version"], &read["action"]),
            (&json!("quiet"), &json!(2), &json!("NOOP"))
        );
        assert!(api.refusal("POST", "/filter", body).await.contains("name"));
        api.of_detector("DELETE", "/filter/mine", Value::Null).await.unwrap();
        assert_eq!(
            api.refusal("GET", "/filter/mine", Value::Null).await,
            "The request is rejected since no such resource found."
        );
    }

    #[tokio::test]
    async fn what_a_filter_may_not_say_is_refused() {
        let api = Api::with_detector().await;
        for body in [
            filter("no good", "NOOP", json!({"severity": {"gte": 4}})),
            filter("empty", "ARCHIVE", json!({})),
            filter("unknown", "ARCHIVE", json!({"resource.nothing": {"eq": ["x"]}})),
            filter("wider", "NOOP", json!({"arn": {"eq": ["x"]}})),
            filter("pattern", "NOOP", json!({"type": {"matches": ["Recon*"]}})),
        ] {
            let message = api.refusal("POST", "/filter", body.clone()).await;
            assert!(message.contains("has an invalid value"), "{body}: {message}");
        }
        api.of_detector("POST", "/filter", filter("pattern", "ARCHIVE", json!({"type": {"matches": ["Recon*"]}})))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_new_filter_moves_those_in_its_way_down() {
        let api = Api::with_detector().await;
        for name in ["first", "second", "third"] {
            api.of_detector("POST", "/filter", filter(name, "NOOP", json!({"severity": {"gte": 4}}))).await.unwrap();
        }
        for (name, rank) in [("third", 1), ("second", 2), ("first", 3)] {
            let read = api.of_detector("GET", &format!("/filter/{name}"), Value::Null).await.unwrap();
            assert_eq!(read["rank"], rank, "{name}");
        }
        let listed = api.of_detector("GET", "/filter?maxResults=2", Value::Null).await.unwrap();
        assert_eq!(listed["filterNames"], json!(["first", "second"]));
        let next = format!("/filter?maxResults=2&nextToken={}", listed["nextToken"].as_str().unwrap());
        let listed = api.of_detector("GET", &next, Value::Null).await.unwrap();
        assert_eq!(listed, json!({"filterNames": ["third"]}));
    }

    #[tokio::test]
    async fn of_two_filters_the_one_of_the_lower_rank_archives() {
        let api = Api::with_detector().await;
        for (name, action, rank) in [("late", "ARCHIVE", 3), ("early", "ARCHIVE", 2), ("saved", "NOOP", 1)] {
            let mut body = filter(name, action, json!({"type": {"eq": ["Recon:EC2/Portscan"]}}));
            body["rank"] = json!(rank);
            api.of_detector("POST", "/filter", body).await.unwrap();
        }
        let suppression = suppression(&api.service.store, (ACCOUNT, REGION), &api.detector).await.unwrap();
        let by = suppression.suppressed_by(&json!({"type": "Recon:EC2/Portscan"}));
        let arn = format!("arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/{}/filter/early", api.detector);
        assert_eq!(by, Some(arn.as_str()));
        assert_eq!(suppression.suppressed_by(&json!({"type": "Recon:EC2/PortProbe"})), None);
    }

    #[tokio::test]
    async fn an_archiving_filter_archives_what_is_new_and_nothing_older() {
        let api = Api::with_detector().await;
        let create = |finding_type: &str| json!({"findingTypes": [finding_type]});
        api.of_detector("POST", "/findings/create", create("Recon:EC2/Portscan")).await.unwrap();
        let quiet = filter("quiet", "ARCHIVE", json!({"type": {"matches": ["Recon:*"]}}));
        api.of_detector("POST", "/filter", quiet).await.unwrap();
        for finding_type in
            ["Recon:EC2/Portscan", "Recon:EC2/PortProbeUnprotectedPort", "UnauthorizedAccess:EC2/SSHBruteForce"]
        {
            api.of_detector("POST", "/findings/create", create(finding_type)).await.unwrap();
        }
        let archived = json!({"findingCriteria": {"criterion": {"service.archived": {"eq": ["true"]}}}});
        let listed = api.of_detector("POST", "/findings", archived).await.unwrap();
        let read = api.of_detector("POST", "/findings/get", json!({"findingIds": listed["findingIds"]})).await.unwrap();
        let types: Vec<&str> =
            read["findings"].as_array().unwrap().iter().map(|finding| finding["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["Recon:EC2/PortProbeUnprotectedPort"]);
        assert_eq!(api.service.store.suppressed_count(&api.scope()).await.unwrap(), 1);
    }
}
