//! What surrounds the instances.

use std::sync::Arc;

use purge_router_test_support::LastPurgesInMemory;

use crate::clock::SimClock;
use crate::cloudflare::Cloudflare;
use crate::dynamodb::DynamoDb;
use crate::options::Options;
use crate::scenario::Scenario;
use crate::sqs::Queue;
use crate::ssm::Ssm;
use crate::trace::Trace;

/// What instances are started in.
pub(crate) struct World {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) options: Options,
    pub(crate) clock: SimClock,
    pub(crate) trace: Arc<Trace>,
    pub(crate) cloudflare: Arc<Cloudflare>,
    pub(crate) ssm: Arc<Ssm>,
    pub(crate) database: Arc<DynamoDb>,
    pub(crate) retry_queue: Arc<Queue>,
    pub(crate) last_purges: LastPurgesInMemory,
}
