//! Custom detection rules: a library to read, and which of its rules an account or the organization has switched on.
//!
//! Names, types and severities of the rules are the vendor's; their SQL is Watchfire's own, since the vendor publishes
//! none. Associations and configurations are kept and answered. They do not fire yet, and the rules' descriptions say so.

use crate::call::{Call, new_id, page_size, partition};
use crate::documents::{Document, Held};
use crate::error::ApiError;
use crate::generated::types::{
    AssociationDetail, AssociationMode, AssociationSummary, CreateCustomDetectionRuleAssociationRequest,
    CreateCustomDetectionRuleAssociationResponse, CreateCustomDetectionRuleOrgConfigurationRequest,
    CreateCustomDetectionRuleOrgConfigurationResponse, DeleteCustomDetectionRuleAssociationRequest,
    DeleteCustomDetectionRuleAssociationResponse, DeleteCustomDetectionRuleOrgConfigurationRequest,
    DeleteCustomDetectionRuleOrgConfigurationResponse, DetectionRuleConfigurationStatus, DetectionRuleDataSource,
    DetectionRuleFilter, DetectionRuleFilterCondition, DetectionRuleOrgConfiguration,
    DetectionRuleOrgConfigurationSummary, DetectionRuleSeverity, FilterFieldName,
    GetCustomDetectionRuleAssociationRequest, GetCustomDetectionRuleAssociationResponse,
    GetCustomDetectionRuleOrgConfigurationRequest, GetCustomDetectionRuleOrgConfigurationResponse,
    GetCustomDetectionRuleRequest, GetCustomDetectionRuleResponse, ListCustomDetectionRuleAssociationsRequest,
    ListCustomDetectionRuleAssociationsResponse, ListCustomDetectionRuleOrgConfigurationsRequest,
    ListCustomDetectionRuleOrgConfigurationsResponse, ListCustomDetectionRulesRequest,
    ListCustomDetectionRulesResponse, RuleDefinition, RuleDetail, RuleLanguage, RuleSchema, RuleSummary,
    UpdateCustomDetectionRuleAssociationRequest, UpdateCustomDetectionRuleAssociationResponse,
    UpdateCustomDetectionRuleOrgConfigurationRequest, UpdateCustomDetectionRuleOrgConfigurationResponse,
};
use crate::relationship::refuse_members;
use crate::resource::{Resource, Tagged, handlers};
use crate::resources::organization::refuse_all_but_administrator;
use crate::tags::Tags;
use crate::wire::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use watchfire_export::tactic_name;
use watchfire_model::{Time, catalogue};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        ListCustomDetectionRules => list_rules,
        GetCustomDetectionRule => get_rule,
        CreateCustomDetectionRuleAssociation => associate,
        GetCustomDetectionRuleAssociation => get_association,
        ListCustomDetectionRuleAssociations => list_associations,
        UpdateCustomDetectionRuleAssociation => update_association,
        DeleteCustomDetectionRuleAssociation => delete_association,
        CreateCustomDetectionRuleOrgConfiguration => create_configuration,
        GetCustomDetectionRuleOrgConfiguration => get_configuration,
        ListCustomDetectionRuleOrgConfigurations => list_configurations,
        UpdateCustomDetectionRuleOrgConfiguration => update_configuration,
        DeleteCustomDetectionRuleOrgConfiguration => delete_configuration,
    },
    tagged: &[Tagged { segment: SEGMENT, kind: Association::KIND, is_of_a_detector: false }],
};

const LIBRARY: &str = include_str!("../../../../catalogue/custom-rules.json");

/// Of an association's ARN. [?] GuardDuty's own is not documented.
const SEGMENT: &str = "custom-detection-rule-association";

/// How long a dry run lasts. Source: GuardDuty's documentation of custom detection rules.
const DRY_RUN_MS: i64 = 14 * 24 * 3600 * 1000;

/// The library as committed.
#[derive(Deserialize)]
struct Library {
    /// When its rules were written, `2026-01-31`.
    since: String,
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
struct Rule {
    name: String,
    /// The finding type that it makes.
    #[serde(rename = "type")]
    finding_type: String,
    severity: f64,
    description: String,
    expression: String,
    /// The name as an id: `console-login-without-mfa`.
    #[serde(skip)]
    id: String,
}

fn library() -> &'static Library {
    static READ: OnceLock<Library> = OnceLock::new();
    READ.get_or_init(|| {
        // The text is part of the program, and `the_library_is_whole` reads it.
        let mut library: Library =
            serde_json::from_str(LIBRARY).unwrap_or(Library { since: String::new(), rules: Vec::new() });
        for rule in &mut library.rules {
            rule.id = id_of(&rule.name);
        }
        library.rules.sort_by(|a, b| a.id.cmp(&b.id));
        library
    })
}

/// `RDSIAMAuthDisabled` → `rdsiam-auth-disabled`: a word begins where small letters end or a small letter follows.
fn id_of(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut id = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_small =
            |at: usize| letters.get(at).is_some_and(|letter| letter.is_lowercase() || letter.is_ascii_digit());
        if letter.is_uppercase()
            && at > 0
            && (is_small(at - 1) || letters.get(at + 1).is_some_and(|next| next.is_lowercase()))
        {
            id.push('-');
        }
        id.extend(letter.to_lowercase());
    }
    id
}

impl Rule {
    fn tactic(&self) -> &'static str {
        let tactics = catalogue::entry(&self.finding_type).map_or(&[][..], |entry| &entry.tactic.mitre_tactics);
        tactics.first().map_or("", |id| tactic_name(id))
    }

    fn technique(&self) -> &'static str {
        let techniques = catalogue::entry(&self.finding_type).map_or(&[][..], |entry| &entry.tactic.mitre_techniques);
        techniques.first().map_or("", String::as_str)
    }

    /// `EC2` of `Persistence:EC2/ExternalRemoteServices`.
    fn service(&self) -> &str {
        let after = self.finding_type.split_once(':').map_or("", |(_, after)| after);
        after.split_once('/').map_or(after, |(service, _)| service)
    }

    /// Source: GuardDuty's levels of severity.
    fn severity(&self) -> DetectionRuleSeverity {
        match self.severity {
            severity if severity >= 9.0 => DetectionRuleSeverity::Critical,
            severity if severity >= 7.0 => DetectionRuleSeverity::High,
            severity if severity >= 4.0 => DetectionRuleSeverity::Medium,
            _ => DetectionRuleSeverity::Low,
        }
    }

    fn description(&self) -> String {
        format!("{} The SQL is Watchfire's own. The rule does not fire yet.", self.description)
    }

    fn arn(&self, call: &Call) -> String {
        format!("arn:{}:guardduty:{}:aws:custom-detection-rule/{}", partition(&call.region), call.region, self.id)
    }

    fn since() -> Timestamp {
        Timestamp::of(Time::parse_lenient(&library().since).map_or(0, Time::ms))
    }

    fn summary(&self, call: &Call) -> RuleSummary {
        RuleSummary {
            rule_id: self.id.clone(),
            arn: self.arn(call),
            name: self.name.clone(),
            description: self.description(),
            severity: self.severity(),
            data_source: DetectionRuleDataSource::CloudTrailManagementEvent,
            tactic: self.tactic().to_owned(),
            technique: self.technique().to_owned(),
            service: self.service().to_owned(),
            language: Some(RuleLanguage::Sql),
            schema: Some(RuleSchema::CloudTrail),
            created_at: Self::since(),
            updated_at: None,
        }
    }

    /// Whether one of the filter's values is the rule's, or stands in it.
    fn fits(&self, filter: &DetectionRuleFilter) -> bool {
        let description = self.description();
        let value = match filter.name {
            FilterFieldName::Name => self.name.as_str(),
            FilterFieldName::Description => &description,
            FilterFieldName::DataSource => DetectionRuleDataSource::CloudTrailManagementEvent.as_str(),
            FilterFieldName::Severity => self.severity().as_str(),
            FilterFieldName::Tactic => self.tactic(),
            FilterFieldName::Technique => self.technique(),
            FilterFieldName::Service => self.service(),
        };
        filter.values.iter().any(|wanted| match filter.condition {
            Some(DetectionRuleFilterCondition::Contains) => value.contains(wanted.as_str()),
            _ => value == wanted,
        })
    }
}

fn rule(id: &str) -> Result<&'static Rule, ApiError> {
    let found = library().rules.iter().find(|rule| rule.id == id);
    found.ok_or_else(|| ApiError::not_found(format!("There is no custom detection rule {id}.")))
}

async fn list_rules(
    call: &Call,
    input: ListCustomDetectionRulesRequest,
) -> Result<ListCustomDetectionRulesResponse, ApiError> {
    let filters = input.filters.unwrap_or_default();
    let after = call.open_cursor(input.next_token.as_deref())?.unwrap_or_default();
    let limit = page_size(input.max_results);
    let fit = |rule: &&Rule| rule.id > after && filters.iter().all(|filter| rule.fits(filter));
    let mut rules: Vec<&Rule> = library().rules.iter().filter(fit).take(limit + 1).collect();
    let more = rules.len() > limit;
    rules.truncate(limit);
    let next = rules.last().filter(|_| more).map(|last| call.seal_cursor(&last.id));
    Ok(ListCustomDetectionRulesResponse {
        rules: rules.into_iter().map(|rule| rule.summary(call)).collect(),
        next_token: next,
    })
}

async fn get_rule(
    call: &Call,
    input: GetCustomDetectionRuleRequest,
) -> Result<GetCustomDetectionRuleResponse, ApiError> {
    let rule = rule(&input.rule_id)?;
    let summary = rule.summary(call);
    Ok(GetCustomDetectionRuleResponse {
        rule: RuleDetail {
            rule_id: summary.rule_id,
            arn: summary.arn,
            name: summary.name,
            description: summary.description,
            severity: summary.severity,
            data_source: summary.data_source,
            tactic: summary.tactic,
            technique: summary.technique,
            service: summary.service,
            definition: RuleDefinition { expression: rule.expression.clone() },
            language: summary.language,
            schema: summary.schema,
            runtime_monitoring_details: None,
            created_at: summary.created_at,
            updated_at: summary.updated_at,
        },
    })
}

/// A rule switched on in an account, under an id of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Association {
    pub(crate) rule_id: String,
    pub(crate) mode: AssociationMode,
    /// When the mode was set, ms since 1970.
    pub(crate) since: i64,
    #[serde(default)]
    pub(crate) tags: Tags,
}

impl Document for Association {
    const KIND: &'static str = "customRuleAssociation";
}

/// The end of a dry run that began at a moment.
fn expires(mode: AssociationMode, since: i64) -> Option<i64> {
    (mode == AssociationMode::DryRun).then_some(since + DRY_RUN_MS)
}

/// Whether it is in force: a dry run ends by itself.
fn is_in_force(mode: AssociationMode, since: i64, now: i64) -> bool {
    expires(mode, since).is_none_or(|end| now < end)
}

fn association_arn(call: &Call, id: &str) -> String {
    call.arn(&format!("{SEGMENT}/{id}"))
}

fn detail(call: &Call, id: &str, association: &Association, created: i64) -> AssociationDetail {
    AssociationDetail {
        association_id: id.to_owned(),
        arn: association_arn(call, id),
        rule_id: association.rule_id.clone(),
        account_id: call.account().to_owned(),
        mode: association.mode,
        created_at: Timestamp::of(created),
        updated_at: Timestamp::of(association.since),
        expires_at: expires(association.mode, association.since).map(Timestamp::of),
    }
}

async fn associate(
    call: &Call,
    input: CreateCustomDetectionRuleAssociationRequest,
) -> Result<CreateCustomDetectionRuleAssociationResponse, ApiError> {
    rule(&input.rule_id)?;
    let (others, one_more) = call.all_before_one_more::<Association>("").await?;
    let mut changes = vec![one_more];
    for other in others.iter().filter(|other| other.rule_id == input.rule_id) {
        if is_in_force(other.mode, other.since, call.now) {
            let message =
                format!("The custom detection rule {} is associated with the account already.", input.rule_id);
            return Err(ApiError::conflict(message));
        }
        changes.push(other.delete());
    }
    let id = new_id()?;
    let association =
        Association { rule_id: input.rule_id, mode: input.mode, since: call.now, tags: Tags::of(input.tags)? };
    changes.push(call.new_document("", &id, &association));
    let output =
        CreateCustomDetectionRuleAssociationResponse { rule_association: detail(call, &id, &association, call.now) };
    call.commit_created(changes, &output).await?;
    Ok(output)
}

async fn association(call: &Call, rule_id: &str, id: &str) -> Result<Held<Association>, ApiError> {
    let unknown =
        || ApiError::not_found(format!("There is no association {id} of the custom detection rule {rule_id}."));
    let found = call.find::<Association>("", id).await?.filter(|found| found.rule_id == rule_id);
    found.filter(|found| is_in_force(found.mode, found.since, call.now)).ok_or_else(unknown)
}

async fn get_association(
    call: &Call,
    input: GetCustomDetectionRuleAssociationRequest,
) -> Result<GetCustomDetectionRuleAssociationResponse, ApiError> {
    let held = association(call, &input.rule_id, &input.association_id).await?;
    Ok(GetCustomDetectionRuleAssociationResponse {
        rule_association: detail(call, &held.key.id, &held.body, held.created),
        tags: Some(held.body.tags.into()),
    })
}

async fn list_associations(
    call: &Call,
    input: ListCustomDetectionRuleAssociationsRequest,
) -> Result<ListCustomDetectionRuleAssociationsResponse, ApiError> {
    let (rule_id, mode, now) = (input.rule_id, input.mode, call.now);
    let wanted = |held: &Held<Association>| {
        is_in_force(held.mode, held.since, now)
            && rule_id.as_ref().is_none_or(|wanted| held.rule_id == *wanted)
            && mode.is_none_or(|wanted| held.mode == wanted)
    };
    let range = call.range::<Association>("");
    let page = call.page::<Association>(&range, input.next_token.as_deref(), input.max_results, wanted).await?;
    let summary = |held: Held<Association>| {
        let detail = detail(call, &held.key.id, &held.body, held.created);
        AssociationSummary {
            association_id: detail.association_id,
            arn: detail.arn,
            rule_id: detail.rule_id,
            mode: detail.mode,
            created_at: detail.created_at,
            updated_at: detail.updated_at,
            expires_at: detail.expires_at,
        }
    };
    Ok(ListCustomDetectionRuleAssociationsResponse {
        rule_associations: page.items.into_iter().map(summary).collect(),
        next_token: page.next_token,
    })
}

async fn update_association(
    call: &Call,
    input: UpdateCustomDetectionRuleAssociationRequest,
) -> Result<UpdateCustomDetectionRuleAssociationResponse, ApiError> {
    let held = association(call, &input.rule_id, &input.association_id).await?;
    let changed = Association { mode: input.mode, since: call.now, ..held.body.clone() };
    call.commit(vec![held.replace(&changed)]).await?;
    Ok(UpdateCustomDetectionRuleAssociationResponse {})
}

async fn delete_association(
    call: &Call,
    input: DeleteCustomDetectionRuleAssociationRequest,
) -> Result<DeleteCustomDetectionRuleAssociationResponse, ApiError> {
    // Deleting twice is fine.
    let found = call.find::<Association>("", &input.association_id).await?;
    if let Some(held) = found.filter(|held| held.rule_id == input.rule_id) {
        call.commit(vec![held.delete()]).await?;
    }
    Ok(DeleteCustomDetectionRuleAssociationResponse {})
}

/// A rule switched on for the organization's accounts, under the rule's id and the mode.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Configuration {
    pub(crate) rule_id: String,
    pub(crate) mode: AssociationMode,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// When it was last set, ms since 1970.
    pub(crate) since: i64,
}

impl Document for Configuration {
    const KIND: &'static str = "customRuleOrgConfiguration";
}

fn configuration_id(rule_id: &str, mode: AssociationMode) -> String {
    format!("{rule_id}/{}", mode.as_str())
}

async fn configuration(call: &Call, rule_id: &str, mode: AssociationMode) -> Result<Held<Configuration>, ApiError> {
    let found = call.find::<Configuration>("", &configuration_id(rule_id, mode)).await?;
    found.filter(|found| is_in_force(found.mode, found.since, call.now)).ok_or_else(|| {
        let mode = mode.as_str();
        ApiError::not_found(format!("The custom detection rule {rule_id} has no organization configuration {mode}."))
    })
}

/// Only one of the two lists may be given. Source: the model's documentation.
fn scope(include: Option<Vec<String>>, exclude: Option<Vec<String>>) -> Result<(Vec<String>, Vec<String>), ApiError> {
    match (include.unwrap_or_default(), exclude.unwrap_or_default()) {
        (include, exclude) if !include.is_empty() && !exclude.is_empty() => {
            Err(ApiError::invalid_parameter("excludeAccountIds"))
        }
        lists => Ok(lists),
    }
}

async fn create_configuration(
    call: &Call,
    input: CreateCustomDetectionRuleOrgConfigurationRequest,
) -> Result<CreateCustomDetectionRuleOrgConfigurationResponse, ApiError> {
    refuse_all_but_administrator(call).await?;
    refuse_members(call).await?;
    rule(&input.rule_id)?;
    let (include, exclude) = scope(input.include_account_ids, input.exclude_account_ids)?;
    let (rule_id, mode) = (input.rule_id, input.mode);
    let id = configuration_id(&rule_id, mode);
    let earlier = call.find::<Configuration>("", &id).await?;
    let new = Configuration { rule_id, mode, include, exclude, since: call.now };
    let change = match earlier {
        None => call.new_document("", &id, &new),
        Some(old) if !is_in_force(old.mode, old.since, call.now) => old.replace(&new),
        Some(_) => {
            let message = format!("The custom detection rule {} has this configuration already.", new.rule_id);
            return Err(ApiError::conflict(message));
        }
    };
    let output = CreateCustomDetectionRuleOrgConfigurationResponse {};
    call.commit_created(vec![change], &output).await?;
    Ok(output)
}

async fn get_configuration(
    call: &Call,
    input: GetCustomDetectionRuleOrgConfigurationRequest,
) -> Result<GetCustomDetectionRuleOrgConfigurationResponse, ApiError> {
    let held = configuration(call, &input.rule_id, input.mode).await?;
    Ok(GetCustomDetectionRuleOrgConfigurationResponse {
        configuration: DetectionRuleOrgConfiguration {
            rule_id: held.rule_id.clone(),
            mode: held.mode,
            include_account_ids: held.include.clone(),
            exclude_account_ids: held.exclude.clone(),
            status: DetectionRuleConfigurationStatus::Active,
            status_reason: None,
            created_at: Timestamp::of(held.created),
            updated_at: Timestamp::of(held.since),
            expires_at: expires(held.mode, held.since).map(Timestamp::of),
        },
    })
}

async fn list_configurations(
    call: &Call,
    input: ListCustomDetectionRuleOrgConfigurationsRequest,
) -> Result<ListCustomDetectionRuleOrgConfigurationsResponse, ApiError> {
    let (status, now) = (input.status, call.now);
    let wanted = |held: &Held<Configuration>| {
        is_in_force(held.mode, held.since, now)
            && status.is_none_or(|wanted| wanted == DetectionRuleConfigurationStatus::Active)
    };
    let range = call.range::<Configuration>("");
    let page = call.page::<Configuration>(&range, input.next_token.as_deref(), input.max_results, wanted).await?;
    let summary = |held: Held<Configuration>| DetectionRuleOrgConfigurationSummary {
        rule_id: held.rule_id.clone(),
        mode: held.mode,
        status: DetectionRuleConfigurationStatus::Active,
        status_reason: None,
        created_at: Timestamp::of(held.created),
        updated_at: Timestamp::of(held.since),
        expires_at: expires(held.mode, held.since).map(Timestamp::of),
    };
    Ok(ListCustomDetectionRuleOrgConfigurationsResponse {
        configurations: page.items.into_iter().map(summary).collect(),
        next_token: page.next_token,
    })
}

async fn update_configuration(
    call: &Call,
    input: UpdateCustomDetectionRuleOrgConfigurationRequest,
) -> Result<UpdateCustomDetectionRuleOrgConfigurationResponse, ApiError> {
    refuse_all_but_administrator(call).await?;
    refuse_members(call).await?;
    let held = configuration(call, &input.rule_id, input.mode).await?;
    let (include, exclude) = scope(input.include_account_ids, input.exclude_account_ids)?;
    let changed = Configuration { include, exclude, ..held.body.clone() };
    call.commit(vec![held.replace(&changed)]).await?;
    Ok(UpdateCustomDetectionRuleOrgConfigurationResponse {})
}

async fn delete_configuration(
    call: &Call,
    input: DeleteCustomDetectionRuleOrgConfigurationRequest,
) -> Result<DeleteCustomDetectionRuleOrgConfigurationResponse, ApiError> {
    refuse_all_but_administrator(call).await?;
    refuse_members(call).await?;
    let held = configuration(call, &input.rule_id, input.mode).await?;
    call.commit(vec![held.delete()]).await?;
    Ok(DeleteCustomDetectionRuleOrgConfigurationResponse {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorClass;
    use crate::testing::Api;
    use serde_json::{Value, json};

    #[test]
    fn the_library_is_whole() {
        let rules = &library().rules;
        assert_eq!(rules.len(), 35);
        assert!(rules.windows(2).all(|pair| pair[0].id < pair[1].id));
        for rule in rules {
            let entry = catalogue::entry(&rule.finding_type).unwrap();
            assert_eq!(entry.plan, "custom-rules");
            assert!(!rule.tactic().is_empty() && !rule.technique().is_empty() && !rule.service().is_empty());
            assert!(rule.expression.len() <= 4_096 && rule.expression.contains("eventName"), "{}", rule.name);
        }
        assert_eq!(id_of("ConsoleLoginWithoutMFA"), "console-login-without-mfa");
        assert_eq!(id_of("EC2UserDataModified"), "ec2-user-data-modified");
    }

    #[tokio::test]
    async fn rules_are_listed_by_what_they_say_and_by_pages() {
        let api = Api::with_detector().await;
        let list = "/custom-detection-rule/rule";
        let filters = json!({"filters": [{"name": "service", "values": ["RDS"]},
            {"name": "description", "values": ["master password"], "condition": "CONTAINS"}]});
        let found = api.call("POST", list, filters).await.unwrap();
        assert_eq!(found["rules"].as_array().unwrap().len(), 1);
        let (mut seen, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut body = json!({"maxResults": 20});
            if token.is_string() {
                body["nextToken"] = token;
            }
            let page = api.call("POST", list, body).await.unwrap();
            seen.extend(
                page["rules"].as_array().unwrap().iter().map(|rule| rule["ruleId"].as_str().unwrap().to_owned()),
            );
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert!(seen.len() == 35 && seen.is_sorted());
        let one = api.call("GET", &format!("{list}/{}", seen[0]), Value::Null).await.unwrap();
        assert!(one["rule"]["definition"]["expression"].as_str().unwrap().contains("eventSource"));
        assert!(one["rule"]["description"].as_str().unwrap().contains("does not fire yet"));
        let unknown = api.call("GET", &format!("{list}/nothing"), Value::Null).await.unwrap_err();
        assert_eq!(unknown.class, ErrorClass::ResourceNotFound);
    }

    #[tokio::test]
    async fn an_association_is_made_once_and_deleted_as_often_as_one_likes() {
        let api = Api::with_detector().await;
        let body = json!({"ruleId": "iam-access-key-created", "mode": "DRY_RUN"});
        let path = "/custom-detection-rule/association";
        let rules = api.call("POST", "/custom-detection-rule/rule", json!({})).await.unwrap();
        let id = rules["rules"][3]["ruleId"].as_str().unwrap();
        let body = {
            let mut body = body;
            body["ruleId"] = json!(id);
            body
        };
        let made = api.call("POST", path, body.clone()).await.unwrap();
        assert!(made["ruleAssociation"]["expiresAt"].is_number());
        assert_eq!(api.call("POST", path, body).await.unwrap_err().class, ErrorClass::Conflict);
        let one = format!(
            "/custom-detection-rule/rule/{id}/association/{}",
            made["ruleAssociation"]["associationId"].as_str().unwrap()
        );
        api.call("PUT", &one, json!({"mode": "LIVE"})).await.unwrap();
        let read = api.call("GET", &one, Value::Null).await.unwrap();
        assert_eq!(read["ruleAssociation"]["mode"], "LIVE");
        assert!(read["ruleAssociation"].get("expiresAt").is_none());
        let live = api.call("GET", &format!("{path}?mode=LIVE"), Value::Null).await.unwrap();
        assert_eq!(live["ruleAssociations"].as_array().unwrap().len(), 1);
        for _ in 0..2 {
            api.call("DELETE", &one, Value::Null).await.unwrap();
        }
        assert_eq!(api.call("GET", &one, Value::Null).await.unwrap_err().class, ErrorClass::ResourceNotFound);
    }

    #[tokio::test]
    async fn a_configuration_is_for_one_rule_and_mode() {
        let api = Api::with_detector().await;
        let rules = api.call("POST", "/custom-detection-rule/rule", json!({})).await.unwrap();
        let id = rules["rules"][0]["ruleId"].as_str().unwrap();
        let path = "/custom-detection-rule/org-configuration";
        let both = json!({"ruleId": id, "mode": "LIVE", "includeAccountIds": ["1".repeat(12)], "excludeAccountIds": ["2".repeat(12)]});
        assert!(api.call("POST", path, both).await.is_err());
        let body = json!({"ruleId": id, "mode": "LIVE", "includeAccountIds": ["1".repeat(12)]});
        api.call("POST", path, body.clone()).await.unwrap();
        assert_eq!(api.call("POST", path, body).await.unwrap_err().class, ErrorClass::Conflict);
        let one = format!("{path}/{id}?mode=LIVE");
        let read = api.call("GET", &one, Value::Null).await.unwrap();
        assert_eq!(read["configuration"]["includeAccountIds"], json!(["1".repeat(12)]));
        assert_eq!(read["configuration"]["status"], "ACTIVE");
        let other = api.call("GET", &format!("{path}/{id}?mode=DRY_RUN"), Value::Null).await.unwrap_err();
        assert_eq!(other.class, ErrorClass::ResourceNotFound);
        let listed = api.call("GET", path, Value::Null).await.unwrap();
        assert_eq!(listed["configurations"].as_array().unwrap().len(), 1);
        api.call("POST", "/admin/enable", json!({"adminAccountId": "4".repeat(12)})).await.unwrap();
        for (method, path, body) in [
            ("POST", path, json!({"ruleId": id, "mode": "DRY_RUN"})),
            ("PUT", &format!("{path}/{id}"), json!({"mode": "LIVE"})),
            ("DELETE", &one, Value::Null),
        ] {
            let refused = api.call(method, path, body).await.unwrap_err();
            assert_eq!(refused.class, ErrorClass::AccessDenied, "{method}: another account is the administrator");
        }
        api.call("POST", "/admin/disable", json!({"adminAccountId": "4".repeat(12)})).await.unwrap();
        api.call("DELETE", &one, Value::Null).await.unwrap();
        assert!(api.call("GET", &one, Value::Null).await.is_err());
    }

    #[test]
    fn a_dry_run_ends_by_itself() {
        assert!(
            is_in_force(AssociationMode::DryRun, 0, DRY_RUN_MS - 1)
                && !is_in_force(AssociationMode::DryRun, 0, DRY_RUN_MS)
        );
        assert!(is_in_force(AssociationMode::Live, 0, i64::MAX));
    }
}
