//! Which findings are reported. What is not is counted, never lost.

use crate::cli::{ScanArguments, type_matches};
use crate::config::Settings;
use crate::findings_file::read_findings;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashSet;
use watchfire_export::{Filter, ScanAccount, finding_json};
use watchfire_model::{Finding, Severity};

/// What the command line says to report.
pub struct Selection {
    min_severity: Option<Severity>,
    types: Vec<String>,
    known: HashSet<String>,
    filters: Vec<Filter>,
    shows_suppressed: bool,
}

impl Selection {
    /// Reads the files that the command line names, so that a mistake in them costs no scan.
    pub fn from_arguments(arguments: &ScanArguments, settings: &Settings) -> Result<Self> {
        let known = match &arguments.only_new_since {
            Some(file) => read_findings(file)?,
            None => Vec::new(),
        };
        let mut filters = Vec::new();
        for file in &arguments.suppress {
            let shown = file.display();
            let text = std::fs::read_to_string(file).with_context(|| format!("could not read `{shown}`"))?;
            filters.extend(Filter::parse_all(&text).with_context(|| format!("could not use `{shown}`"))?);
        }
        Ok(Self {
            min_severity: arguments.min_severity.or(settings.min_severity),
            types: arguments.types.clone(),
            known: known.iter().filter_map(|finding| Some(finding.get("id")?.as_str()?.to_owned())).collect(),
            filters,
            shows_suppressed: arguments.show_suppressed,
        })
    }

    /// The findings to report, in their order. The account counts the others, and the suppressed ones in any case.
    pub fn apply(&self, findings: Vec<Finding>, account: &mut ScanAccount) -> Vec<Finding> {
        let mut reported = Vec::new();
        for mut finding in findings {
            if !self.is_wanted(&finding) {
                account.not_reported += 1;
                continue;
            }
            if self.known.contains(&finding.id) {
                account.known_before += 1;
                continue;
            }
            if let Some(filter) = self.suppressing(&finding) {
                *account.suppressed.entry(filter.name().to_owned()).or_default() += 1;
                if !self.shows_suppressed {
                    continue;
                }
                finding.archived = true;
            }
            reported.push(finding);
        }
        reported
    }

    fn is_wanted(&self, finding: &Finding) -> bool {
        let severe = self.min_severity.is_none_or(|least| finding.latest.severity >= least);
        let name = finding.latest.finding_type.as_str();
        severe && (self.types.is_empty() || self.types.iter().any(|pattern| type_matches(pattern, name)))
    }

    /// The first filter that the finding meets.
    fn suppressing(&self, finding: &Finding) -> Option<&Filter> {
        if self.filters.is_empty() {
            return None;
        }
        let json: Value = finding_json(finding);
        self.filters.iter().find(|filter| filter.matches(&json))
    }
}
