//! Which origins only wait for their turn at a rate limit.

use std::collections::HashSet;

use purge_router_core::{Origin, RejectionKind};

use crate::outcome::FailureKind;
use crate::report::Report;

/// The failed origins whose only failure is that they wait behind other requests at a rate limit.
pub(super) fn only_queued<'r>(report: &'r Report<'_>) -> HashSet<&'r Origin> {
    let failures = || report.outcomes.iter().flat_map(|outcome| &outcome.failed);
    let others = failures().filter(|failed| failed.kind != FailureKind::Queued).map(|failed| &failed.origin);
    let rejected = report.plan.rejected.iter().filter(|rejected| rejected.kind == RejectionKind::Transient);
    let otherwise_failed: HashSet<&Origin> = others.chain(rejected.map(|rejected| &rejected.origin)).collect();
    let queued = failures().filter(|failed| failed.kind == FailureKind::Queued).map(|failed| &failed.origin);
    queued.filter(|origin| !otherwise_failed.contains(origin)).collect()
}

#[cfg(test)]
mod tests {
    use purge_router_core::{Plan, Rejected};

    use super::*;
    use crate::outcome::{FailedOrigin, Outcome};
    use crate::test_support::plan_of;

    fn message(id: &str) -> Origin {
        Origin::Message(id.into())
    }

    #[test]
    fn one_other_failure_excludes_an_origin() {
        use FailureKind::{Permanent, Queued, Transient, Untried};
        let failed = [
            ("a", Queued),
            ("b", Transient),
            ("b", Queued),
            ("a", Queued),
            ("c", Queued),
            ("c", Permanent),
            ("d", Untried),
            ("e", Queued),
            ("f", Queued),
        ];
        let failed = failed.map(|(id, kind)| FailedOrigin { origin: message(id), kind });
        let rejected = [("e", RejectionKind::Transient), ("f", RejectionKind::Malformed)];
        let rejected = rejected.map(|(id, kind)| Rejected { origin: message(id), kind, reason: String::new() });
        let plan = Plan { rejected: rejected.into(), ..plan_of(1) };
        let report = Report::new(&plan, vec![Outcome { failed: failed.into(), ..Outcome::new(0) }]);
        let (a, f) = (message("a"), message("f"));
        assert_eq!(only_queued(&report), HashSet::from([&a, &f]), "what is malformed stays so");
    }
}
