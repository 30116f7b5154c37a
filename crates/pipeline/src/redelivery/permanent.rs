//! Which origins no retry can purge.

use std::collections::HashSet;

use indexmap::IndexSet;
use purge_router_core::{Origin, RejectionKind};

use crate::report::Report;

/// The failed origins of which no part can be purged by a retry: what failed is not understood, or Cloudflare refused
/// it for what it is. Somebody has to look at them soon. An origin with a part that a retry may purge is not among
/// them.
pub(super) fn permanently_failed<'r>(report: &'r Report<'_>) -> IndexSet<&'r Origin> {
    let rejected = report.plan.rejected.iter().filter(|it| it.kind == RejectionKind::Transient).map(|it| &it.origin);
    let unpurged = report.outcomes.iter().flat_map(|outcome| &outcome.failed);
    let unpurged = unpurged.filter(|failed| !failed.is_permanent).map(|failed| &failed.origin);
    let may_be_retried: HashSet<&Origin> = rejected.chain(unpurged).collect();
    report.failed.iter().filter(|origin| !may_be_retried.contains(origin)).collect()
}
