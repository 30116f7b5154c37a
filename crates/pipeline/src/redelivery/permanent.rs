//! Which origins no retry can purge.

use indexmap::IndexSet;
use purge_router_core::{Origin, RejectionKind};

use crate::outcome::Status;
use crate::report::Report;

/// The origins with a part that no retry can purge as it is: not understood, or refused by Cloudflare for what it is.
/// Somebody has to look at them soon, so they are left to the few receives of their own queue.
pub(super) fn permanently_failed<'r>(report: &'r Report<'_>) -> IndexSet<&'r Origin> {
    let rejected = report.plan.rejected.iter();
    let malformed = rejected.filter(|it| it.kind == RejectionKind::Malformed).map(|it| &it.origin);
    let refused = report.outcomes.iter().filter(|it| is_permanent(it.status)).flat_map(|it| &it.failed);
    malformed.chain(refused).collect()
}

fn is_permanent(status: Status) -> bool {
    match status {
        Status::ItemsRefused | Status::RequestRefused => true,
        // A team may fix its token within hours.
        Status::TokenMissing | Status::TokenRefused => false,
        Status::Purged | Status::RateLimited | Status::Unreachable | Status::DeadlineExceeded => false,
    }
}
