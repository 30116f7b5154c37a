//! Whose cache a request purges: a zone's production, or another of its environments.

use purge_router_core::names::{CloudflareId, EnvironmentId};

/// The cache that a request purges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'t> {
    /// The zone.
    pub zone_id: &'t CloudflareId,
    /// An environment of Version Management; none: production, whose endpoint is the zone's own.
    pub environment: Option<&'t EnvironmentId>,
}

impl Target<'_> {
    /// The path below the base URL, without the call.
    pub(crate) fn path(self) -> String {
        let Self { zone_id, environment } = self;
        match environment {
            Some(environment) => format!("/zones/{zone_id}/environments/{environment}"),
            None => format!("/zones/{zone_id}"),
        }
    }
}

impl<'t> From<&'t CloudflareId> for Target<'t> {
    fn from(zone_id: &'t CloudflareId) -> Self {
        Self { zone_id, environment: None }
    }
}
