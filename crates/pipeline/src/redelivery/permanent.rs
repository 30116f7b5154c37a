//! Which origins no retry can purge.

use std::collections::HashSet;

use indexmap::IndexSet;
use purge_router_core::{Origin, RejectionKind};

use crate::outcome::FailureKind;
use crate::report::Report;

/// The failed origins whose failures are all permanent: somebody has to look at them soon. One failure that a retry may
/// fix excludes an origin.
pub(super) fn permanently_failed<'r>(report: &'r Report<'_>) -> IndexSet<&'r Origin> {
    let rejected = |kind| report.plan.rejected.iter().filter(move |it| it.kind == kind).map(|it| &it.origin);
    let unpurged = |kind| {
        let failed = report.outcomes.iter().flat_map(|outcome| &outcome.failed);
        failed.filter(move |failed| failed.kind == kind).map(|failed| &failed.origin)
    };
    let permanent = rejected(RejectionKind::Malformed).chain(unpurged(FailureKind::Permanent));
    let permanent: HashSet<&Origin> = permanent.collect();
    let transient = rejected(RejectionKind::Transient).chain(unpurged(FailureKind::Transient));
    let transient = transient.chain(unpurged(FailureKind::Queued));
    let untried = unpurged(FailureKind::Untried).filter(|origin| !permanent.contains(origin));
    let unfinished = report.unfinished.iter().map(|it| &it.origin);
    let may_be_retried: HashSet<&Origin> = transient.chain(untried).chain(unfinished).collect();
    report.failed.iter().filter(|origin| !may_be_retried.contains(origin)).collect()
}
