//! Coverage: which instances and clusters an agent watches at run time.
//!
//! There is no agent yet, so that nothing is covered and both answers are empty. They are truthful, and clients that ask
//! go on.

use crate::call::Call;
use crate::error::ApiError;
use crate::generated::types::{
    CoverageStatistics, CoverageStatisticsType, GetCoverageStatisticsRequest, GetCoverageStatisticsResponse,
    ListCoverageRequest, ListCoverageResponse,
};
use crate::resource::{Resource, handlers};
use std::collections::BTreeMap;

pub(crate) const RESOURCE: Resource = Resource {
    operations: handlers! {
        ListCoverage => list,
        GetCoverageStatistics => statistics,
    },
    tagged: &[],
};

async fn list(call: &Call, input: ListCoverageRequest) -> Result<ListCoverageResponse, ApiError> {
    call.open_cursor(input.next_token.as_deref())?;
    Ok(ListCoverageResponse { resources: Vec::new(), next_token: None })
}

/// Only the statistics that were asked for are there.
async fn statistics(_: &Call, input: GetCoverageStatisticsRequest) -> Result<GetCoverageStatisticsResponse, ApiError> {
    let asked = |kind| input.statistics_type.contains(&kind).then(BTreeMap::new);
    Ok(GetCoverageStatisticsResponse {
        coverage_statistics: Some(CoverageStatistics {
            count_by_resource_type: asked(CoverageStatisticsType::CountByResourceType),
            count_by_coverage_status: asked(CoverageStatisticsType::CountByCoverageStatus),
        }),
    })
}
