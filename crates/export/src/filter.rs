//! Filter criteria as GuardDuty's CreateFilter takes them, for suppression.
//!
//! Attributes are those of the catalogue, operators those of the service model in their old and new spellings. What is
//! neither is an error that names it: a filter that silently means something else hides findings.

use crate::wire;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::OnceLock;
use watchfire_model::Time;

const FILTER_ATTRIBUTES: &str = include_str!("../../../catalogue/filter-attributes.json");

/// A filter was not understood.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The file was not JSON.
    #[error("the filters are not JSON")]
    Json(#[source] serde_json::Error),
    /// A filter was something else than an object.
    #[error("a filter is an object with a name and findingCriteria")]
    NotAFilter,
    /// A member that filters do not have.
    #[error("the filter `{filter}` has the member `{member}`, which filters do not have")]
    UnknownMember {
        /// The filter's name.
        filter: String,
        /// The member.
        member: String,
    },
    /// A filter that does not suppress.
    #[error("the filter `{filter}` has the action `{action}`; only ARCHIVE suppresses")]
    NotArchive {
        /// The filter's name.
        filter: String,
        /// The action.
        action: String,
    },
    /// A filter without criteria would suppress everything.
    #[error("the filter `{filter}` has no criteria, and would suppress every finding")]
    NoCriteria {
        /// The filter's name.
        filter: String,
    },
    /// An attribute that findings cannot be filtered by.
    #[error("the filter `{filter}` names the attribute `{attribute}`, which findings cannot be filtered by")]
    UnknownAttribute {
        /// The filter's name.
        filter: String,
        /// The attribute.
        attribute: String,
    },
    /// An operator that does not exist.
    #[error(
        "the filter `{filter}` has the operator `{operator}` for `{attribute}`; the operators are equals, notEquals, \
         greaterThan, greaterThanOrEqual, lessThan, lessThanOrEqual (also eq, neq, gt, gte, lt, lte), matches and \
         notMatches"
    )]
    UnknownOperator {
        /// The filter's name.
        filter: String,
        /// The attribute.
        attribute: String,
        /// The operator.
        operator: String,
    },
    /// A value that the operator cannot use.
    #[error("the filter `{filter}` has a value for `{attribute}` that `{operator}` cannot use: {value}")]
    BadValue {
        /// The filter's name.
        filter: String,
        /// The attribute.
        attribute: String,
        /// The operator.
        operator: String,
        /// The value, as JSON.
        value: String,
    },
}

/// One filter: a finding must meet all of its criteria.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    name: String,
    criteria: FindingCriteria,
}

/// GuardDuty's `FindingCriteria`: what a finding must meet, all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingCriteria {
    criteria: Vec<Criterion>,
}

/// One test of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// The attribute, as the catalogue spells it: `service.archived`.
    pub attribute: String,
    /// What its values must be.
    pub test: CriterionTest,
}

/// What a criterion asks of an attribute's values. A finding may have none, one or several of them.
#[derive(Clone, Debug, PartialEq)]
pub enum CriterionTest {
    /// One of the finding's values is one of these.
    Equals(Vec<String>),
    /// None of the finding's values is one of these; met by a finding without the attribute.
    NotEquals(Vec<String>),
    /// A value is a number above this. Numbers are JSON's own, and times, in ms since the epoch.
    Greater(f64),
    /// A value is a number and at least this.
    GreaterOrEqual(f64),
    /// A value is a number below this.
    Less(f64),
    /// A value is a number and at most this.
    LessOrEqual(f64),
    /// As `Equals`, with `*` for any run of characters and `?` for at most one.
    Matches(Vec<String>),
    /// As `NotEquals`, with the same wildcards.
    NotMatches(Vec<String>),
}

/// One value of an attribute, as criteria see it.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeValue {
    /// As text: numbers in decimal, booleans `true` and `false`, times in ms since the epoch.
    pub text: String,
    /// As a number, if the finding has a number or a time there. Digits in a text are a text: an account, a user's name.
    pub number: Option<f64>,
}

impl Filter {
    /// The filters of a file: one, a list, or `{"filters": […]}`. Letter case of names and operators is free, because
    /// the AWS command line capitalises them.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, FilterError> {
        match serde_json::from_str::<Value>(text).map_err(FilterError::Json)? {
            Value::Array(filters) => filters.iter().enumerate().map(|(at, filter)| Self::of(filter, at)).collect(),
            Value::Object(one) => match one.get("filters").and_then(Value::as_array) {
                Some(filters) if one.len() == 1 => {
                    filters.iter().enumerate().map(|(at, filter)| Self::of(filter, at)).collect()
                }
                _ => Ok(vec![Self::of(&Value::Object(one), 0)?]),
            },
            _ => Err(FilterError::NotAFilter),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a finding, as JSON, meets all criteria.
    pub fn matches(&self, finding: &Value) -> bool {
        self.criteria.matches(finding)
    }

    fn of(filter: &Value, at: usize) -> Result<Self, FilterError> {
        let members = filter.as_object().ok_or(FilterError::NotAFilter)?;
        let name = member(members, "name").and_then(Value::as_str);
        let name = name.map_or_else(|| format!("filter {}", at + 1), str::to_owned);
        for key in members.keys() {
            // What GetFilter answers and CreateFilter takes.
            const MEMBERS: [&str; 8] =
                ["name", "description", "action", "rank", "findingcriteria", "tags", "clienttoken", "detectorid"];
            if !MEMBERS.contains(&key.to_ascii_lowercase().as_str()) {
                return Err(FilterError::UnknownMember { filter: name, member: key.clone() });
            }
        }
        if let Some(action) = member(members, "action").and_then(Value::as_str).filter(|action| *action != "ARCHIVE") {
            return Err(FilterError::NotArchive { filter: name, action: action.to_owned() });
        }
        let criteria = match member(members, "findingcriteria") {
            Some(criteria) => FindingCriteria::parse(&name, criteria)?,
            None => FindingCriteria::default(),
        };
        if criteria.criteria.is_empty() {
            return Err(FilterError::NoCriteria { filter: name });
        }
        Ok(Self { name, criteria })
    }
}

impl FindingCriteria {
    /// Reads `{"criterion": {"<attribute>": {"<operator>": …}}}`. `name` is what mistakes are said to be in. Without any
    /// criterion, every finding meets them.
    pub fn parse(name: &str, criteria: &Value) -> Result<Self, FilterError> {
        let criterion = criteria.as_object().and_then(|criteria| member(criteria, "criterion"));
        let mut criteria = Vec::new();
        for (attribute, tests) in criterion.and_then(Value::as_object).into_iter().flatten() {
            let tests = tests.as_object().ok_or(FilterError::NotAFilter)?;
            for (operator, value) in tests.iter().filter(|(_, value)| !value.is_null()) {
                criteria.push(Criterion::of(name, attribute, operator, value)?);
            }
        }
        Ok(Self { criteria })
    }

    /// Each criterion.
    pub fn iter(&self) -> impl Iterator<Item = &Criterion> {
        self.criteria.iter()
    }

    /// Whether a finding, as JSON, meets all of them.
    pub fn matches(&self, finding: &Value) -> bool {
        self.criteria.iter().all(|criterion| criterion.is_met(finding))
    }
}

/// What a finding, as JSON, has of an attribute: every value, through lists. Nothing for an attribute that findings
/// cannot be filtered by.
pub fn attribute_values(finding: &Value, attribute: &str) -> Vec<AttributeValue> {
    let Some(&is_time) = attributes().get(attribute) else { return Vec::new() };
    let path: Vec<&str> = attribute.split('.').collect();
    let mut values = Vec::new();
    gather(finding, &path, &mut values);
    values.into_iter().filter_map(|value| AttributeValue::of(value, is_time)).collect()
}

/// The attributes that ListFindings and GetFindingsStatistics take, sorted.
pub fn list_attributes() -> Vec<String> {
    let document: Value = serde_json::from_str(FILTER_ATTRIBUTES).unwrap_or_default();
    let listed = |entry: &&Value| entry.get("listFindings").and_then(Value::as_bool) == Some(true);
    let entries = wire::list(&document, "/attributes").iter().filter(listed);
    let mut paths: Vec<String> = entries.map(|entry| wire::text(entry, "/path").to_owned()).collect();
    paths.sort_unstable();
    paths
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

impl Criterion {
    fn of(filter: &str, attribute: &str, operator: &str, value: &Value) -> Result<Self, FilterError> {
        if !attributes().contains_key(attribute) {
            return Err(FilterError::UnknownAttribute { filter: filter.to_owned(), attribute: attribute.to_owned() });
        }
        let bad = || FilterError::BadValue {
            filter: filter.to_owned(),
            attribute: attribute.to_owned(),
            operator: operator.to_owned(),
            value: value.to_string(),
        };
        let texts = || -> Result<Vec<String>, FilterError> {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            let texts: Option<Vec<String>> = values.iter().map(plain).collect();
            texts.filter(|texts| !texts.is_empty()).ok_or_else(bad)
        };
        let number = || {
            let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            number.filter(|number| number.is_finite()).ok_or_else(bad)
        };
        let test = match operator.to_ascii_lowercase().as_str() {
            "equals" | "eq" => CriterionTest::Equals(texts()?),
            "notequals" | "neq" => CriterionTest::NotEquals(texts()?),
            "greaterthan" | "gt" => CriterionTest::Greater(number()?),
            "greaterthanorequal" | "gte" => CriterionTest::GreaterOrEqual(number()?),
            "lessthan" | "lt" => CriterionTest::Less(number()?),
            "lessthanorequal" | "lte" => CriterionTest::LessOrEqual(number()?),
            "matches" => CriterionTest::Matches(texts()?),
            "notmatches" => CriterionTest::NotMatches(texts()?),
            _ => {
                return Err(FilterError::UnknownOperator {
                    filter: filter.to_owned(),
                    attribute: attribute.to_owned(),
                    operator: operator.to_owned(),
                });
            }
        };
        Ok(Self { attribute: attribute.to_owned(), test })
    }

    /// Whether a finding, as JSON, meets it.
    pub fn is_met(&self, finding: &Value) -> bool {
        let values = attribute_values(finding, &self.attribute);
        let any_number = |test: &dyn Fn(f64) -> bool| values.iter().filter_map(|value| value.number).any(test);
        let equals = |wanted: &[String]| values.iter().any(|value| wanted.iter().any(|wanted| value.equals(wanted)));
        let fits = |patterns: &[String]| {
            values.iter().any(|value| patterns.iter().any(|pattern| fits_pattern(pattern, &value.text)))
        };
        match &self.test {
            CriterionTest::Equals(wanted) => equals(wanted),
            CriterionTest::NotEquals(wanted) => !equals(wanted),
            CriterionTest::Greater(bound) => any_number(&|number| number > *bound),
            CriterionTest::GreaterOrEqual(bound) => any_number(&|number| number >= *bound),
            CriterionTest::Less(bound) => any_number(&|number| number < *bound),
            CriterionTest::LessOrEqual(bound) => any_number(&|number| number <= *bound),
            CriterionTest::Matches(patterns) => fits(patterns),
            CriterionTest::NotMatches(patterns) => !fits(patterns),
        }
    }
}

impl AttributeValue {
    fn of(value: &Value, is_time: bool) -> Option<Self> {
        match value {
            Value::String(text) if is_time => {
                let ms = Time::parse_utc(text)?.ms();
                Some(Self { text: ms.to_string(), number: Some(ms as f64) })
            }
            _ => Some(Self { text: plain(value)?, number: value.as_f64() }),
        }
    }

    /// Whether it is what a criterion wants. Numbers are equal by value: `5` and `5.0`.
    fn equals(&self, wanted: &str) -> bool {
        self.text == wanted || self.number.is_some_and(|number| wanted.parse() == Ok(number))
    }
}

/// Every attribute, and whether it is a time.
fn attributes() -> &'static HashMap<String, bool> {
    static ATTRIBUTES: OnceLock<HashMap<String, bool>> = OnceLock::new();
    ATTRIBUTES.get_or_init(|| {
        // The file is committed and a test below reads it.
        let document: Value = serde_json::from_str(FILTER_ATTRIBUTES).unwrap_or_default();
        let entries = wire::list(&document, "/attributes").iter();
        entries
            .map(|entry| {
                (wire::text(entry, "/path").to_owned(), wire::text(entry, "/valueType").starts_with("timestamp"))
            })
            .collect()
    })
}

/// All values at the path. Lists stand for each of their items; letter case is free, because attributes and findings
/// do not agree about it (`outpostARN`, `outpostArn`).
fn gather<'a>(value: &'a Value, path: &[&str], values: &mut Vec<&'a Value>) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| gather(item, path, values)),
        (_, []) => values.push(value),
        (Value::Object(members), [key, rest @ ..]) => {
            if let Some(inner) = member(members, key) {
                gather(inner, rest, values);
            }
        }
        _ => {}
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// `*` stands for any run of characters, `?` for at most one.
fn fits_pattern(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // The lengths of beginnings of the text that the pattern so far fits.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern.chars() {
        let before = std::mem::replace(&mut reached, vec![false; text.len() + 1]);
        for at in 0..=text.len() {
            reached[at] = match wanted {
                '*' => before[..=at].contains(&true),
                '?' => before[at] || (at > 0 && before[at - 1]),
                letter => at > 0 && before[at - 1] && text[at - 1] == letter,
            };
        }
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};
    use serde_json::json;

    fn matches(criterion: Value, finding: &Value) -> bool {
        let text = json!({"name": "test", "findingCriteria": {"criterion": criterion}}).to_string();
        Filter::parse_all(&text).unwrap()[0].matches(finding)
    }

    fn refusal(filter: Value) -> String {
        Filter::parse_all(&filter.to_string()).unwrap_err().to_string()
    }

    fn check(expected: bool, criterion: Value) {
        let finding = finding_json(&samples::api_call());
        assert_eq!(matches(criterion.clone(), &finding), expected, "{criterion}");
    }

    #[test]
    fn every_operator_decides_in_both_spellings() {
        for (operator, least) in [("gte", 5), ("greaterThanOrEqual", 5), ("gt", 4), ("greaterThan", 4)] {
            check(true, json!({"severity": {operator: least}}));
            check(false, json!({"severity": {operator: 6}}));
        }
        for (operator, most) in [("lte", 5), ("lessThanOrEqual", 5), ("lt", 6), ("lessThan", 6)] {
            check(true, json!({"severity": {operator: most}}));
            check(false, json!({"severity": {operator: 4}}));
        }
        for (equal, unequal) in [("equals", "notEquals"), ("eq", "neq"), ("matches", "notMatches"), ("Eq", "Neq")] {
            let user = "resource.accessKeyDetails.userName";
            check(true, json!({user: {equal: ["bob", "alice"]}}));
            check(false, json!({user: {equal: ["bob"]}}));
            check(true, json!({user: {unequal: ["bob"]}}));
            check(false, json!({user: {unequal: ["bob", "alice"]}}));
        }
    }

    #[test]
    fn all_criteria_must_be_met() {
        check(
            true,
            json!({"severity": {"gte": 4, "lt": 7}, "type": {"equals": ["UnauthorizedAccess:IAMUser/TorIPCaller"]}}),
        );
        check(false, json!({"severity": {"gte": 7}, "type": {"equals": ["UnauthorizedAccess:IAMUser/TorIPCaller"]}}));
    }

    #[test]
    fn patterns_have_two_wildcards() {
        check(true, json!({"type": {"matches": ["UnauthorizedAccess:*"]}}));
        check(true, json!({"service.action.awsApiCallAction.api": {"matches": ["List?uckets"]}}));
        check(true, json!({"service.action.awsApiCallAction.api": {"matches": ["ListBuckets?"]}}));
        check(false, json!({"service.action.awsApiCallAction.api": {"matches": ["ListBuck?"]}}));
    }

    #[test]
    fn numbers_booleans_times_and_lists_are_compared_as_such() {
        check(true, json!({"severity": {"equals": ["5.0"]}}));
        check(true, json!({"service.action.awsApiCallAction.remoteAccountDetails.affiliated": {"equals": ["false"]}}));
        check(false, json!({"resource.accessKeyDetails.userName": {"lt": 5}}));
        check(true, json!({"updatedAt": {"gte": 1_769_860_800_000_i64}}));
        check(false, json!({"updatedAt": {"lt": 1_769_860_800_000_i64}}));
        let attack = finding_json(&samples::connection());
        let group = "resource.instanceDetails.networkInterfaces.securityGroups.groupId";
        assert!(matches(json!({group: {"equals": ["sg-1"]}}), &attack));
        assert!(matches(json!({"resource.instanceDetails.tags.value": {"equals": ["web-1"]}}), &attack));
        let port = "service.action.networkConnectionAction.remotePortDetails.port";
        assert!(matches(json!({port: {"equals": ["22"]}}), &attack));
    }

    #[test]
    fn an_attribute_that_a_finding_lacks_equals_nothing() {
        check(false, json!({"resource.instanceDetails.instanceId": {"equals": ["i-1"]}}));
        check(true, json!({"resource.instanceDetails.instanceId": {"notEquals": ["i-1"]}}));
        check(false, json!({"service.action.dnsRequestAction.domain": {"matches": ["*"]}}));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let with = |criterion: Value| json!({"name": "mine", "findingCriteria": {"criterion": criterion}});
        assert!(refusal(with(json!({"resource.userName": {"equals": ["x"]}}))).contains("`resource.userName`"));
        assert!(refusal(with(json!({"severity": {"above": 4}}))).contains("`above`"));
        assert!(refusal(with(json!({"severity": {"gte": "high"}}))).contains("\"high\""));
        assert!(refusal(with(json!({"type": {"equals": []}}))).contains("`equals` cannot use"));
        assert!(refusal(with(json!({}))).contains("every finding"));
        assert!(refusal(json!({"name": "mine", "action": "NOOP"})).contains("NOOP"));
        assert!(refusal(json!({"name": "mine", "criteria": {}})).contains("`criteria`"));
        assert!(refusal(json!("x")).contains("a filter is an object"));
    }

    #[test]
    fn one_filter_or_several_also_as_the_command_line_prints_them() {
        let one = json!({"Name": "a", "Action": "ARCHIVE", "Rank": 1,
            "FindingCriteria": {"Criterion": {"severity": {"Gte": 4}}}});
        assert_eq!(Filter::parse_all(&one.to_string()).unwrap()[0].name(), "a");
        assert_eq!(Filter::parse_all(&json!([one, one]).to_string()).unwrap().len(), 2);
        assert_eq!(Filter::parse_all(&json!({"filters": [one]}).to_string()).unwrap().len(), 1);
    }

    #[test]
    fn the_catalogue_names_the_attributes() {
        assert_eq!(attributes().len(), 623);
        assert!(attributes()["updatedAt"] && !attributes()["severity"]);
        assert_eq!(list_attributes().len(), 49);
    }

    #[test]
    fn digits_in_a_text_are_a_text() {
        let finding = json!({"accountId": "012345678901", "id": "1e3", "severity": 5});
        let is = |attribute: &str, wanted: &str| matches(json!({attribute: {"equals": [wanted]}}), &finding);
        assert!(is("accountId", "012345678901") && is("id", "1e3") && is("severity", "5.0"));
        assert!(!is("accountId", "12345678901") && !is("id", "1000"));
    }
}
