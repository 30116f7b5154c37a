//! A team and its Cloudflare zones.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexSet;

use crate::model::limits::{CloudflarePlan, LimitClass};
use crate::model::names::{
    CloudflareId, EnvironmentId, Hostname, KmsKey, Source, TeamName, TokenFolder, TokenParameter,
};
use crate::model::verification::SampleRate;

/// A tenant: what it may map, where its tokens are, and its zones.
#[derive(Debug, Clone)]
pub struct Team {
    /// The name, which is part of SSM names and DynamoDB keys.
    pub name: TeamName,
    /// What it may map, set by the operator.
    pub owns: Vec<Source>,
    /// The SSM folder of its tokens, set by the operator.
    pub tokens: TokenFolder,
    /// The KMS key that encrypts its tokens, set by the operator; none: the AWS account's own key for SSM.
    pub kms_key: Option<KmsKey>,
    /// Its zones, by domain.
    pub zones: BTreeMap<Hostname, Arc<Zone>>,
}

impl Team {
    /// Whether the team may map this bucket and prefix.
    pub fn owns(&self, source: &Source) -> bool {
        self.owns.iter().any(|owned| owned.covers(source))
    }
}

/// A Cloudflare zone of one team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The team that has the zone.
    pub team: TeamName,
    /// The domain as in Cloudflare's dashboard, such as `website.com`.
    pub domain: Hostname,
    /// Its id at Cloudflare.
    pub zone_id: CloudflareId,
    /// Its account, if known: the account's zones of one plan share a rate limit.
    pub account_id: Option<CloudflareId>,
    /// Whether the operator confirms that it is the team's account. If not, its rate limit is shared with no other
    /// team.
    pub account_is_granted: bool,
    /// Cloudflare's plan, which sets the rate limits.
    pub plan: CloudflarePlan,
    /// The hostnames that serve objects; never empty.
    pub hostnames: IndexSet<Hostname>,
    /// The SSM parameter of its token, in its team's folder.
    pub token: TokenParameter,
    /// A limit of URLs per request other than the plan's.
    pub urls_per_request: Option<usize>,
    /// Environments of Version Management that are purged besides production.
    pub environments: Vec<EnvironmentId>,
    /// Whether its team says that it has Cache Reserve.
    pub cache_reserve: bool,
    /// Whether its team says that Workers of it use Workers Caching.
    pub workers_caching: bool,
    /// Which share of the URLs that are purged in it is verified, by mappings that do not say it themselves.
    pub verify: SampleRate,
}

impl Zone {
    /// How many items one request may hold.
    pub fn items_per_request(&self, class: LimitClass) -> usize {
        match (class, self.urls_per_request) {
            (LimitClass::Urls, Some(limit)) => limit,
            _ => self.plan.items_per_request(class),
        }
    }
}
