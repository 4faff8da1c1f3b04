//! Investigations: what the findings held say together. Answered at once, by counting and sorting; no language model reads
//! the prompt. A prompt that names a finding's id is about that finding and those of the same instance, key or user; any
//! other is about the account, and its members if it has some.

use crate::call::{Call, new_id, page_size};
use crate::documents::{Document, Held};
use crate::error::ApiError;
use crate::generated::types::{
    AccountAffectedResource, AccountAnalysis, ActionPriority, AttackPhaseName, CloudDetails, CloudProvider, Confidence,
    CreateInvestigationRequest, CreateInvestigationResponse, DetectorFeature, FindingTypeCount, FindingsSummary,
    GetInvestigationRequest, GetInvestigationResponse, Investigation, InvestigationMetadata, InvestigationRecord,
    InvestigationResourceType, InvestigationScope, InvestigationSortField, InvestigationStatus, InvestigationSummary,
    InvestigationSummaryData, InvestigationType, ListInvestigationRecordsRequest, ListInvestigationRecordsResponse,
    ListInvestigationsRequest, ListInvestigationsResponse, OrderBy, Product, QueryTimeWindow, Recommendation,
    RecommendationCategory, RecordType, RiskLevel, SeverityBreakdown, SummaryFormat, TacticCoverage, TechniqueCoverage,
    ThreatReference,
};
use crate::relationship::refuse_members;
use crate::resource::{Resource, handlers};
use crate::resources::findings;
use crate::wire::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_export::{FindingCriteria, attribute_values, tactic_name};
use watchfire_model::{Time, catalogue};
use watchfire_store::{Scope, Sort};

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        CreateInvestigation => create,
        GetInvestigation => get,
        ListInvestigations => list,
        ListInvestigationRecords => list_records,
    },
    tagged: &[],
};

/// Source: the model's documentation of `CreateInvestigation`.
const A_DAY_MAX: usize = 10;
const TOTAL_MAX: usize = 100;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Findings looked back for. Source: GuardDuty's documentation: 90 days of activity.
const WINDOW_MS: i64 = 90 * DAY_MS;

/// Findings that are read for one investigation, the most severe first. Ours; what is beyond is said.
const FINDINGS_MAX: usize = 500;

/// Items of a list in the answer: the model allows 50 types and resources, 25 recommendations.
const TYPES_MAX: usize = 50;
const RECOMMENDATIONS_MAX: usize = 10;

/// What tells that two findings are about the same thing.
const SHARED: [&str; 4] = [
    "resource.instanceDetails.instanceId",
    "resource.accessKeyDetails.accessKeyId",
    "resource.accessKeyDetails.principalId",
    "resource.accessKeyDetails.userName",
];

/// An investigation as stored: the question and the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    pub(crate) prompt: String,
    pub(crate) triggered_by: String,
    pub(crate) title: String,
    pub(crate) kind: InvestigationType,
    #[serde(default)]
    pub(crate) finding_id: Option<String>,
    pub(crate) risk_level: RiskLevel,
    pub(crate) risk: String,
    pub(crate) confidence: Confidence,
    pub(crate) summary: String,
    pub(crate) data: InvestigationSummaryData,
    pub(crate) records: Vec<InvestigationRecord>,
    /// ms since 1970.
    pub(crate) started: i64,
}

impl Document for Stored {
    const KIND: &'static str = "investigation";
}

async fn create(call: &Call, input: CreateInvestigationRequest) -> Result<CreateInvestigationResponse, ApiError> {
    refuse_members(call).await?;
    let detector = call.detector()?;
    if !detector.features.is_enabled(DetectorFeature::AiAnalyst) {
        return Err(ApiError::bad_request("the feature AI_ANALYST is not enabled"));
    }
    let (earlier, one_more) = call.all_before_one_more::<Stored>(&detector.id).await?;
    let today = earlier.iter().filter(|one| call.now - one.started < DAY_MS).count();
    if today >= A_DAY_MAX || earlier.len() >= TOTAL_MAX {
        return Err(ApiError::limit_exceeded(format_args!(
            "an account has at most {A_DAY_MAX} investigations a day and {TOTAL_MAX} in total"
        )));
    }
    let stored = investigate(call, input.trigger_prompt).await?;
    let id = new_id()?;
    let output = CreateInvestigationResponse { investigation_id: id.clone() };
    call.commit_created(vec![call.new_document(&detector.id, &id, &stored), one_more], &output).await?;
    Ok(output)
}

/// The findings that an investigation is about.
struct Subject {
    kind: InvestigationType,
    finding: Option<Value>,
    findings: Vec<Value>,
    /// Whether there were more than are read.
    is_cut: bool,
}

async fn subject(call: &Call, prompt: &str) -> Result<Subject, ApiError> {
    let scopes = findings::scopes(call).await?;
    let named = prompt.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|word| word.len() == 32);
    let named: Vec<String> = named.map(str::to_ascii_lowercase).collect();
    let found = call.store().findings(&scopes, &named).await?;
    let since = json!({"gte": call.now - WINDOW_MS});
    if let Some(finding) = found.into_iter().next().map(|stored| stored.body) {
        let mut related = BTreeMap::new();
        let mut is_cut = false;
        for attribute in SHARED {
            let values: Vec<String> = attribute_values(&finding, attribute).into_iter().map(|one| one.text).collect();
            let values: Vec<String> = values.into_iter().filter(|value| !value.is_empty()).collect();
            if values.is_empty() {
                continue;
            }
            let (bodies, more) = read(call, &scopes, json!({attribute: {"eq": values}, "updatedAt": since})).await?;
            is_cut |= more;
            related.extend(bodies.into_iter().map(|body| (body["id"].as_str().unwrap_or_default().to_owned(), body)));
        }
        related.insert(finding["id"].as_str().unwrap_or_default().to_owned(), finding.clone());
        let findings = related.into_values().collect();
        return Ok(Subject { kind: InvestigationType::Finding, finding: Some(finding), findings, is_cut });
    }
    let kind = if scopes.len() > 1 { InvestigationType::Organization } else { InvestigationType::Account };
    let (findings, is_cut) = read(call, &scopes, json!({"updatedAt": since})).await?;
    Ok(Subject { kind, finding: None, findings, is_cut })
}

/// The most severe findings that meet criteria, and whether there are more.
async fn read(call: &Call, scopes: &[Scope], criterion: Value) -> Result<(Vec<Value>, bool), ApiError> {
    let criteria = FindingCriteria::parse("investigation", &json!({"criterion": criterion}));
    let criteria = criteria.map_err(ApiError::internal)?;
    let sort = Sort { attribute: "severity".to_owned(), descending: true };
    let page = call.store().list_findings(scopes, &criteria, &sort, None, FINDINGS_MAX).await?;
    let is_cut = page.next.is_some();
    let ids: Vec<String> = page.findings.into_iter().map(|(_, id)| id).collect();
    let found = call.store().findings(scopes, &ids).await?;
    Ok((found.into_iter().map(|stored| stored.body).collect(), is_cut))
}

fn text<'a>(finding: &'a Value, pointer: &str) -> &'a str {
    finding.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn severity(finding: &Value) -> f64 {
    finding.get("severity").and_then(Value::as_f64).unwrap_or_default()
}

fn first_seen(finding: &Value) -> i64 {
    let time = [text(finding, "/service/eventFirstSeen"), text(finding, "/createdAt")];
    time.into_iter().find_map(Time::parse_utc).map_or(0, Time::ms)
}

/// Source: GuardDuty's levels of severity.
fn level(severity: f64) -> RiskLevel {
    match severity {
        severity if severity >= 9.0 => RiskLevel::Critical,
        severity if severity >= 7.0 => RiskLevel::High,
        severity if severity >= 4.0 => RiskLevel::Medium,
        severity if severity >= 1.0 => RiskLevel::Low,
        _ => RiskLevel::Info,
    }
}

async fn investigate(call: &Call, prompt: String) -> Result<Stored, ApiError> {
    let mut subject = subject(call, &prompt).await?;
    subject.findings.sort_by_key(|finding| (first_seen(finding), text(finding, "/id").to_owned()));
    let findings = &subject.findings;
    let worst = findings.iter().map(severity).fold(0.0, f64::max);
    let coverage = coverage(findings);
    let resources = resources(findings);
    let recommendations = recommendations(findings);
    let progression: Vec<&str> = coverage.iter().filter_map(|one| one.phase).map(AttackPhaseName::as_str).collect();
    let about = match (&subject.finding, subject.kind) {
        (Some(finding), _) => {
            format!("finding {} and what is about the same resource or identity", text(finding, "/id"))
        }
        (None, InvestigationType::Organization) => "all findings of this account and its members".to_owned(),
        (None, _) => "all findings of this account".to_owned(),
    };
    let mut summary = format!("{} findings of the last 90 days were read: {about}.", findings.len());
    if subject.is_cut {
        summary.push_str(&format!(" There are more; the {FINDINGS_MAX} most severe were read."));
    }
    if let (Some(first), Some(last)) = (findings.first(), findings.last()) {
        let (first, last) = (Time::from_ms(first_seen(first)), Time::from_ms(first_seen(last)));
        summary.push_str(&format!(" They began between {first} and {last}. The highest severity is {worst}."));
    }
    if !progression.is_empty() {
        summary.push_str(&format!(" Tactics, in the order of an attack: {}.", progression.join(", ")));
    }
    if let Some(top) = resources.first() {
        let name = top.identifier.as_deref().unwrap_or_default();
        summary.push_str(&format!(" Most findings are about {name} ({}).", top.finding_count.unwrap_or_default()));
    }
    let risk = match findings.is_empty() {
        true => "Nothing was found.".to_owned(),
        false => format!("The highest severity among {} findings is {worst}.", findings.len()),
    };
    // What was counted is certain; what a few findings mean together is not.
    let confidence = match (findings.len(), progression.len()) {
        (0, _) => Confidence::Unknown,
        (1, _) => Confidence::Low,
        (_, 0 | 1) => Confidence::Medium,
        _ => Confidence::High,
    };
    let records = records(call, findings, &coverage, &resources, &recommendations)?;
    let data = InvestigationSummaryData {
        finding_type: subject.finding.as_ref().map(|finding| text(finding, "/type").to_owned()),
        account_analysis: Some(AccountAnalysis {
            affected_resources: Some(resources),
            findings_summary: Some(findings_summary(findings)),
            tactic_coverage: Some(coverage),
        }),
        recommendations: Some(recommendations),
        ..InvestigationSummaryData::default()
    };
    let title = match &subject.finding {
        Some(finding) => format!("Investigation of {}", text(finding, "/type")),
        None => format!("Investigation of {} findings", findings.len()),
    };
    Ok(Stored {
        prompt,
        triggered_by: call.caller.arn(&call.region),
        title,
        kind: subject.kind,
        finding_id: subject.finding.as_ref().map(|finding| text(finding, "/id").to_owned()),
        risk_level: level(worst),
        risk,
        confidence,
        summary,
        data,
        records,
        started: call.now,
    })
}

/// Findings by tactic, in the order of an attack.
fn coverage(findings: &[Value]) -> Vec<TacticCoverage> {
    let mut phases = Vec::new();
    for &phase in AttackPhaseName::ALL {
        let (mut count, mut types) = (0, BTreeSet::new());
        let mut techniques: BTreeMap<&str, (i64, BTreeSet<&str>)> = BTreeMap::new();
        for finding in findings {
            let finding_type = text(finding, "/type");
            let Some(entry) = catalogue::entry(finding_type) else { continue };
            if !entry.tactic.mitre_tactics.iter().any(|id| tactic_name(id) == phase.as_str()) {
                continue;
            }
            count += 1;
            types.insert(finding_type);
            for technique in &entry.tactic.mitre_techniques {
                let (count, types) = techniques.entry(technique).or_default();
                *count += 1;
                types.insert(finding_type);
            }
        }
        if count > 0 {
            let names = |types: &BTreeSet<&str>| types.iter().take(TYPES_MAX).map(|&name| name.to_owned()).collect();
            let technique = |(uid, (count, types)): (&&str, &(i64, BTreeSet<&str>))| TechniqueCoverage {
                technique: Some(ThreatReference { name: None, uid: Some((*uid).to_owned()) }),
                finding_count: Some(*count),
                finding_types: Some(names(types)),
            };
            phases.push(TacticCoverage {
                phase: Some(phase),
                finding_count: Some(count),
                techniques: Some(techniques.iter().take(TYPES_MAX).map(technique).collect()),
                finding_types: Some(names(&types)),
            });
        }
    }
    phases
}

/// What the findings are about, most findings first.
fn resources(findings: &[Value]) -> Vec<AccountAffectedResource> {
    let places = [
        ("/resource/instanceDetails/instanceId", "Instance", InvestigationResourceType::Ec2Instance),
        ("/resource/accessKeyDetails/accessKeyId", "AccessKey", InvestigationResourceType::IamAccessKey),
        ("/resource/s3BucketDetails/0/name", "S3Bucket", InvestigationResourceType::S3Bucket),
        ("/resource/eksClusterDetails/name", "EKSCluster", InvestigationResourceType::EksCluster),
        ("/resource/ecsClusterDetails/name", "ECSCluster", InvestigationResourceType::EcsCluster),
        ("/resource/lambdaDetails/functionName", "Lambda", InvestigationResourceType::LambdaFunction),
        (
            "/resource/rdsDbInstanceDetails/dbInstanceIdentifier",
            "RDSDBInstance",
            InvestigationResourceType::RdsInstance,
        ),
    ];
    let mut counts: BTreeMap<(&str, InvestigationResourceType), i64> = BTreeMap::new();
    for finding in findings {
        let resource_type = text(finding, "/resource/resourceType");
        let place = places.iter().find(|(_, name, _)| *name == resource_type);
        if let Some((pointer, _, kind)) = place.filter(|(pointer, ..)| !text(finding, pointer).is_empty()) {
            *counts.entry((text(finding, pointer), *kind)).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let row = |((identifier, kind), count): ((&str, InvestigationResourceType), i64)| AccountAffectedResource {
        identifier: Some(identifier.to_owned()),
        r#type: Some(kind),
        finding_count: Some(count),
    };
    counts.into_iter().take(TYPES_MAX).map(row).collect()
}

fn types(findings: &[Value]) -> Vec<(&str, i64, f64)> {
    let mut types: BTreeMap<&str, (i64, f64)> = BTreeMap::new();
    for finding in findings {
        let (count, worst) = types.entry(text(finding, "/type")).or_default();
        (*count, *worst) = (*count + 1, worst.max(severity(finding)));
    }
    let mut types: Vec<_> = types.into_iter().map(|(name, (count, worst))| (name, count, worst)).collect();
    types.sort_by(|a, b| b.2.total_cmp(&a.2).then(b.1.cmp(&a.1)).then(a.0.cmp(b.0)));
    types
}

fn findings_summary(findings: &[Value]) -> FindingsSummary {
    let of = |wanted: RiskLevel| Some(findings.iter().filter(|one| level(severity(one)) == wanted).count() as i64);
    let mut types = types(findings);
    types.sort_by_key(|(name, count, _)| (-count, *name));
    let row = |(name, count, _): (&str, i64, f64)| FindingTypeCount {
        finding_type: Some(name.to_owned()),
        count: Some(count),
    };
    FindingsSummary {
        total_findings: Some(findings.len() as i64),
        severity_breakdown: Some(SeverityBreakdown {
            critical: of(RiskLevel::Critical),
            high: of(RiskLevel::High),
            medium: of(RiskLevel::Medium),
            low: of(RiskLevel::Low),
            info: of(RiskLevel::Info),
        }),
        top_finding_types: Some(types.into_iter().take(TYPES_MAX).map(row).collect()),
        by_time_window: None,
    }
}

/// What the catalogue says is to be done, for the worst types first.
fn recommendations(findings: &[Value]) -> Vec<Recommendation> {
    let types = types(findings).into_iter();
    let with_advice = types.filter_map(|(name, count, worst)| {
        let advice = catalogue::entry(name).map(|entry| entry.remediation.trim()).filter(|text| !text.is_empty())?;
        Some(Recommendation {
            title: Some(format!("Respond to {name} ({count})")),
            rationale: Some(advice.to_owned()),
            category: Some(RecommendationCategory::FurtherInvestigation),
            priority: Some(match level(worst) {
                RiskLevel::Critical | RiskLevel::High => ActionPriority::Immediate,
                RiskLevel::Medium => ActionPriority::ShortTerm,
                _ => ActionPriority::Strategic,
            }),
            cli_commands: None,
        })
    });
    with_advice.take(RECOMMENDATIONS_MAX).collect()
}

/// The steps of the investigation, for those who read it step by step.
fn records(
    call: &Call,
    findings: &[Value],
    coverage: &[TacticCoverage],
    resources: &[AccountAffectedResource],
    recommendations: &[Recommendation],
) -> Result<Vec<InvestigationRecord>, ApiError> {
    let mut steps = vec![(RecordType::Fetch, "Findings read".to_owned(), format!("{} findings.", findings.len()))];
    for one in coverage {
        let (phase, count) = (one.phase.map_or("", AttackPhaseName::as_str), one.finding_count.unwrap_or_default());
        let types = one.finding_types.as_deref().unwrap_or_default().join(", ");
        steps.push((RecordType::Observation, phase.to_owned(), format!("{count} findings: {types}.")));
    }
    let about = |one: &AccountAffectedResource| {
        format!("{} ({})", one.identifier.as_deref().unwrap_or_default(), one.finding_count.unwrap_or_default())
    };
    let about: Vec<String> = resources.iter().map(about).collect();
    steps.push((RecordType::Analysis, "Affected resources".to_owned(), about.join(", ")));
    let advice: Vec<&str> = recommendations.iter().filter_map(|one| one.title.as_deref()).collect();
    steps.push((RecordType::Analysis, "Recommendations".to_owned(), advice.join(", ")));
    let record = |(kind, title, narrative): (RecordType, String, String)| {
        Ok(InvestigationRecord {
            record_id: new_id()?,
            r#type: kind,
            title,
            // As long as the model allows.
            narrative: Some(narrative.chars().take(4_096).collect()),
            created_at: Timestamp::of(call.now),
            supporting_data: None,
        })
    };
    steps.into_iter().map(record).collect()
}

async fn find(call: &Call, id: &str) -> Result<Held<Stored>, ApiError> {
    let found = call.find::<Stored>(&call.detector()?.id, id).await?;
    found.ok_or_else(|| ApiError::not_found(format!("There is no investigation {id}.")))
}

async fn get(call: &Call, input: GetInvestigationRequest) -> Result<GetInvestigationResponse, ApiError> {
    let held = find(call, &input.investigation_id).await?;
    let is_structured = input.summary_format == Some(SummaryFormat::Structured);
    let stored = held.body;
    let account = Some(call.account().to_owned());
    Ok(GetInvestigationResponse {
        investigation: Investigation {
            investigation_id: held.key.id,
            status: InvestigationStatus::Completed,
            trigger_prompt: stored.prompt,
            triggered_by: stored.triggered_by,
            metadata: Some(InvestigationMetadata {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                product: Product { name: "Watchfire".to_owned(), feature: None },
            }),
            cloud: Some(CloudDetails {
                account: call.account().to_owned(),
                provider: CloudProvider::Aws,
                region: call.region.clone(),
            }),
            risk_level: Some(stored.risk_level),
            risk: Some(stored.risk),
            confidence: Some(stored.confidence),
            summary: (!is_structured).then_some(stored.summary),
            summary_data: is_structured.then_some(stored.data),
            scope: Some(InvestigationScope {
                investigation_type: Some(stored.kind),
                finding_id: stored.finding_id,
                admin_account_id: account.clone().filter(|_| stored.kind == InvestigationType::Organization),
                account_id: account.filter(|_| stored.kind == InvestigationType::Account),
                query_time_window: (stored.kind != InvestigationType::Finding).then(|| QueryTimeWindow {
                    start_time: Some(Timestamp::of(stored.started - WINDOW_MS)),
                    end_time: Some(Timestamp::of(stored.started)),
                }),
            }),
            start_time: Some(Timestamp::of(stored.started)),
            end_time: Some(Timestamp::of(stored.started)),
            error: None,
        },
    })
}

/// What a list is filtered and sorted by. Risks and confidences are in the order of the model, which is that of their weight.
fn attribute(stored: &Stored, name: &str) -> Option<String> {
    match name {
        "STATUS" => Some(InvestigationStatus::Completed.as_str().to_owned()),
        "RISK_LEVEL" => Some(stored.risk_level.as_str().to_owned()),
        "CONFIDENCE" => Some(stored.confidence.as_str().to_owned()),
        "FINDING_ID" => stored.finding_id.clone(),
        "INVESTIGATION_TYPE" => Some(stored.kind.as_str().to_owned()),
        _ => None,
    }
}

async fn list(call: &Call, input: ListInvestigationsRequest) -> Result<ListInvestigationsResponse, ApiError> {
    let criteria = input.filter_criteria.and_then(|criteria| criteria.criterion).unwrap_or_default();
    let fits = |held: &Held<Stored>| {
        criteria.iter().all(|(name, condition)| {
            let value = attribute(&held.body, name);
            let is_in = |list: &Vec<String>| value.as_ref().is_some_and(|value| list.contains(value));
            condition.equals.as_ref().is_none_or(is_in) && !condition.not_equals.as_ref().is_some_and(is_in)
        })
    };
    let mut all = call.all::<Stored>(&call.detector()?.id).await?; // At most TOTAL_MAX.
    all.retain(fits);
    let sort = input.sort_criteria.unwrap_or_default();
    let key = |held: &Held<Stored>| match sort.attribute_name {
        Some(InvestigationSortField::RiskLevel) => held.risk_level as i64,
        Some(InvestigationSortField::Confidence) => held.confidence as i64,
        Some(InvestigationSortField::Status) => 0,
        Some(InvestigationSortField::StartTime | InvestigationSortField::EndTime) | None => held.started,
    };
    let mut keyed: Vec<((i64, String), Held<Stored>)> =
        all.into_iter().map(|held| ((key(&held), held.key.id.clone()), held)).collect();
    let is_ascending = sort.order_by == Some(OrderBy::Asc);
    keyed.sort_by(|a, b| if is_ascending { a.0.cmp(&b.0) } else { b.0.cmp(&a.0) });
    if let Some(cursor) = call.open_cursor(input.next_token.as_deref())? {
        let after: (i64, String) =
            serde_json::from_str(&cursor).map_err(|_| ApiError::invalid_parameter("nextToken"))?;
        keyed.retain(|(key, _)| if is_ascending { *key > after } else { *key < after });
    }
    let limit = page_size(input.max_results);
    let more = keyed.len() > limit;
    keyed.truncate(limit);
    let next = match keyed.last().filter(|_| more) {
        Some((key, _)) => Some(call.seal_cursor(&serde_json::to_string(key).map_err(ApiError::internal)?)),
        None => None,
    };
    let summary = |(_, held): ((i64, String), Held<Stored>)| InvestigationSummary {
        investigation_id: Some(held.key.id),
        status: Some(InvestigationStatus::Completed),
        trigger_prompt: Some(held.body.prompt),
        risk_level: Some(held.body.risk_level),
        confidence: Some(held.body.confidence),
        title: Some(held.body.title),
        investigation_type: Some(held.body.kind),
        finding_id: held.body.finding_id,
        account_id: Some(held.key.account),
        admin_account_id: None,
        start_time: Some(Timestamp::of(held.body.started)),
        end_time: Some(Timestamp::of(held.body.started)),
    };
    Ok(ListInvestigationsResponse { investigations: keyed.into_iter().map(summary).collect(), next_token: next })
}

async fn list_records(
    call: &Call,
    input: ListInvestigationRecordsRequest,
) -> Result<ListInvestigationRecordsResponse, ApiError> {
    let held = find(call, &input.investigation_id).await?;
    let after = call.open_cursor(input.next_token.as_deref())?;
    let wanted = input.record_types.unwrap_or_default();
    let of_type = |record: &InvestigationRecord| wanted.is_empty() || wanted.contains(&record.r#type);
    let mut records: Vec<InvestigationRecord> = held.body.records.iter().filter(|one| of_type(one)).cloned().collect();
    if let Some(after) = after {
        // Records of an investigation never change.
        let at = records.iter().position(|record| record.record_id == after);
        records.drain(..at.map_or(records.len(), |at| at + 1));
    }
    let limit = page_size(input.max_results);
    let more = records.len() > limit;
    records.truncate(limit);
    let next_token = records.last().filter(|_| more).map(|last| call.seal_cursor(&last.record_id));
    Ok(ListInvestigationRecordsResponse {
        investigation_id: held.key.id,
        status: InvestigationStatus::Completed,
        records,
        next_token,
    })
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorClass;
    use crate::testing::Api;
    use serde_json::{Value, json};

    async fn with_findings() -> Api {
        let api = Api::with_detector().await;
        let types = json!({"findingTypes": ["Recon:EC2/Portscan", "UnauthorizedAccess:EC2/SSHBruteForce",
            "CryptoCurrency:EC2/BitcoinTool.B!DNS", "Stealth:IAMUser/CloudTrailLoggingDisabled"]});
        api.of_detector("POST", "/findings/create", types).await.unwrap();
        api
    }

    async fn investigate(api: &Api, prompt: &str) -> String {
        let created = api.of_detector("POST", "/investigation", json!({"triggerPrompt": prompt})).await.unwrap();
        created["investigationId"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn an_account_is_told_what_its_findings_say_together() {
        let api = with_findings().await;
        let id = investigate(&api, "Analyze findings in account with id 111122223333").await;
        let read = api.of_detector("GET", &format!("/investigation/{id}"), Value::Null).await.unwrap();
        let read = &read["investigation"];
        assert_eq!((&read["status"], &read["riskLevel"]), (&json!("COMPLETED"), &json!("High")));
        assert!(read["summary"].as_str().unwrap().starts_with("4 findings") && read.get("summaryData").is_none());
        let path = format!("/investigation/{id}?summaryFormat=STRUCTURED");
        let read = api.of_detector("GET", &path, Value::Null).await.unwrap();
        let data = &read["investigation"]["summaryData"];
        assert!(read["investigation"].get("summary").is_none());
        assert_eq!(data["accountAnalysis"]["findingsSummary"]["totalFindings"], 4);
        assert_eq!(data["accountAnalysis"]["affectedResources"][0]["findingCount"], 3);
        assert!(data["recommendations"][0]["title"].as_str().unwrap().contains("BitcoinTool"));
        let records = json!({"investigationId": id, "recordTypes": ["OBSERVATION"], "maxResults": 1});
        let first = api.of_detector("POST", "/investigation/records", records).await.unwrap();
        assert_eq!(first["records"].as_array().unwrap().len(), 1);
        assert!(first["nextToken"].is_string());
    }

    #[tokio::test]
    async fn a_prompt_that_names_a_finding_is_about_it_and_its_resource() {
        let api = with_findings().await;
        let portscan = json!({"findingCriteria": {"criterion": {"type": {"eq": ["Recon:EC2/Portscan"]}}}});
        let listed = api.of_detector("POST", "/findings", portscan).await.unwrap();
        let finding = listed["findingIds"][0].as_str().unwrap();
        let id = investigate(&api, &format!("Investigate finding {finding} in account 111122223333")).await;
        let read = api.of_detector("GET", &format!("/investigation/{id}"), Value::Null).await.unwrap();
        assert_eq!(read["investigation"]["scope"], json!({"investigationType": "FINDING", "findingId": finding}));
        // The three of the instance; that of the access key is not among them.
        assert!(read["investigation"]["summary"].as_str().unwrap().starts_with("3 findings"));
    }

    #[tokio::test]
    async fn investigations_are_listed_bounded_and_found() {
        let api = with_findings().await;
        for number in 0..10 {
            investigate(&api, &format!("Analyze {number}")).await;
        }
        let eleventh =
            api.of_detector("POST", "/investigation", json!({"triggerPrompt": "one more"})).await.unwrap_err();
        assert_eq!(eleventh.kind, "LimitExceededException");
        let (mut seen, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut body =
                json!({"maxResults": 4, "filterCriteria": {"criterion": {"RISK_LEVEL": {"equals": ["High"]}}}});
            if token.is_string() {
                body["nextToken"] = token;
            }
            let page = api.of_detector("POST", "/investigation/list", body).await.unwrap();
            seen.extend(
                page["investigations"].as_array().unwrap().iter().map(|one| one["investigationId"].to_string()),
            );
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10);
        let none = json!({"filterCriteria": {"criterion": {"RISK_LEVEL": {"equals": ["Low"]}}}});
        let none = api.of_detector("POST", "/investigation/list", none).await.unwrap();
        assert_eq!(none["investigations"], json!([]));
        let unknown = api.of_detector("GET", "/investigation/0abc", Value::Null).await.unwrap_err();
        assert_eq!(unknown.class, ErrorClass::ResourceNotFound);
    }
}
