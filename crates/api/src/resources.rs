//! The kinds of things that operations are about. Adding one is a file, its `mod` line, and a line here.

mod coverage;
mod custom_rules;
pub(crate) mod destinations;
pub(crate) mod detectors;
pub(crate) mod filters;
pub(crate) mod findings;
mod investigations;
mod invitations;
pub(crate) mod malware_plans;
mod malware_scans;
mod members;
pub(crate) mod organization;
pub(crate) mod sets;
mod tags;
pub(crate) mod usage;

use crate::generated::Operation;
use crate::resource::{Handler, Resource, Tagged};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Every kind of thing.
static RESOURCES: &[&Resource] = &[
    &coverage::RESOURCE,
    &custom_rules::RESOURCE,
    &destinations::RESOURCE,
    &detectors::RESOURCE,
    &filters::RESOURCE,
    &findings::RESOURCE,
    &investigations::RESOURCE,
    &invitations::RESOURCE,
    &malware_plans::RESOURCE,
    &malware_scans::RESOURCE,
    &members::RESOURCE,
    &organization::RESOURCE,
    &sets::RESOURCE,
    &tags::RESOURCE,
    &usage::RESOURCE,
];

/// Who answers an operation; `None` for one that is not supported yet.
pub(crate) fn handler(operation: Operation) -> Option<Handler> {
    static HANDLERS: OnceLock<HashMap<Operation, Handler>> = OnceLock::new();
    let all = || RESOURCES.iter().flat_map(|resource| resource.operations).copied().collect();
    HANDLERS.get_or_init(all).get(&operation).copied()
}

/// The documents that can be tagged and whose ARN has this segment. Terraform and IAM differ in the case of one.
pub(crate) fn tagged(segment: &str) -> Option<&'static Tagged> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.tagged);
    all.find(|tagged| tagged.segment.eq_ignore_ascii_case(segment))
}
