//! Reads what was purged last of the objects of an event, and remembers what was purged now. Decision 45 says why no purge
//! is lost.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use purge_router_core::names::TeamName;
use purge_router_core::{
    Event, LastPurge, LastPurges, Mappings, Origin, RejectionKind, Remember, TeamObject, objects_to_remember,
};

use crate::clock::{Clock, Timestamp};
use crate::last_purge_store::{LastPurgeStore, Remembered};
use crate::metrics;
use crate::report::{Report, Unfinished};

/// The longest that an event waits to read: other teams' purges wait, too.
const READ_TIME: Duration = Duration::from_millis(300);

/// The longest that an event waits to write: other teams' messages may be in the same event.
const WRITE_TIME: Duration = Duration::from_secs(5);

/// An event that is older is not remembered. What is remembered of a newer one must not have expired before.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Reads what was purged last of the objects of an event, for mappings with `skip_unchanged`.
pub async fn read_last_purges<S: LastPurgeStore>(
    store: Option<&S>,
    mappings: &Mappings,
    event: &Event,
    clock: &Clock,
    deadline: Timestamp,
) -> LastPurges {
    let objects: Vec<TeamObject> = objects_to_remember(mappings, event).into_iter().collect();
    if objects.is_empty() {
        return LastPurges::default();
    }
    let Some(store) = store else {
        tracing::warn!(objects = objects.len(), "purged even if unchanged: there is no table of last purges");
        return LastPurges::default();
    };
    let time = READ_TIME.min((deadline - clock.now()) / 4);
    let last_purges = store.read(&objects, time).await;
    let unreadable = last_purges.iter().filter(|it| it.is_none()).count();
    if unreadable > 0 {
        tracing::warn!(objects = unreadable, "can't read what was purged last: purged now, and retried");
    }
    objects.into_iter().zip(last_purges).collect()
}

/// Remembers what was purged, and that what failed was not. Returns the report with the origins of what could not be
/// remembered as failed: until a retry has purged it again, another instance may rely on what is remembered.
pub async fn remember<'p, S: LastPurgeStore>(
    store: Option<&S>,
    mut report: Report<'p>,
    clock: &Clock,
    deadline: Timestamp,
) -> Report<'p> {
    let all = &report.plan.remember;
    let Some(store) = store.filter(|_| !all.is_empty()) else { return report };
    let failed = Failed::of(&report);
    let (mut writes, mut written) = (Vec::new(), Vec::new());
    let mut unfinished = Vec::new();
    for remember in fairly(all) {
        let Some(before) = &remember.before else {
            unfinished.extend(unfinished_of(remember, "what was remembered could not be read"));
            continue;
        };
        let last_purge = last_purge(remember, before, &failed, clock);
        if says_more(&last_purge, before) {
            writes.push(Remembered { object: remember.object.clone(), last_purge });
            written.push(remember);
        }
    }
    if !writes.is_empty() {
        let results = store.write(&writes, WRITE_TIME.min((deadline - clock.now()) / 2)).await;
        let results = written.into_iter().zip(results);
        unfinished.extend(results.filter_map(|(it, result)| Some(unfinished_of(it, &result.err()?))).flatten());
    }
    if let Some(Unfinished { error, .. }) = unfinished.first() {
        tracing::warn!(changes = unfinished.len(), error, "not remembered: their messages are retried");
    }
    report.fail_unfinished(unfinished);
    report
}

/// One object of each team, then the next one of each: a team with many objects delays no other's.
fn fairly(all: &[Remember]) -> Vec<&Remember> {
    let mut counts = HashMap::new();
    let mut turns: Vec<(usize, &Remember)> = Vec::with_capacity(all.len());
    for remember in all {
        let turn: &mut usize = counts.entry(&remember.object.team).or_default();
        turns.push((*turn, remember));
        *turn += 1;
    }
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, remember)| remember).collect()
}

/// What replaces what was remembered of an object `before`.
fn last_purge(remember: &Remember, before: &LastPurge, failed: &Failed<'_>, clock: &Clock) -> LastPurge {
    let is_recent = remember.changed_at.is_some_and(|changed_at| metrics::age(clock, changed_at) <= MAX_AGE);
    // What is known already stays known: what comes back for a second purge does not say when the object changed.
    let may_be_kept = is_recent || remember.content == before.content;
    let is_purged = may_be_kept && !remember.origins.iter().any(|origin| failed.has(origin, &remember.object.team));
    let content = remember.content.clone().filter(|_| is_purged);
    LastPurge { content, sequencer: remember.sequencer, version: before.version + 1 }
}

/// Whether there is anything to write. A purge that fails again and again has nothing new to say, and a second purge says
/// something only if it fails.
fn says_more(last_purge: &LastPurge, before: &LastPurge) -> bool {
    last_purge.content != before.content || last_purge.sequencer > before.sequencer
}

fn unfinished_of(remember: &Remember, error: &str) -> Vec<Unfinished> {
    let team = &remember.object.team;
    let error = format!("can't remember what was purged of team {team}: {error}");
    let origins: BTreeSet<&Origin> = remember.origins.iter().collect();
    let of_origin = |origin: &Origin| Unfinished { origin: origin.clone(), team: team.clone(), error: error.clone() };
    origins.into_iter().map(of_origin).collect()
}

/// The origins of which something of a team was not purged, or is to be done again.
struct Failed<'r> {
    of_teams: HashSet<(&'r Origin, &'r TeamName)>,
    of_all: HashSet<&'r Origin>,
}

impl<'r> Failed<'r> {
    fn of(report: &'r Report<'_>) -> Self {
        let plan = report.plan;
        let mut of_teams: HashSet<_> = report.unfinished.iter().map(|it| (&it.origin, &it.team)).collect();
        for outcome in &report.outcomes {
            let Some(batch) = plan.batches.get(outcome.batch) else { continue };
            of_teams.extend(outcome.failed.iter().map(|failed| (&failed.origin, &batch.zone.team)));
        }
        for (_, batch) in report.stopped() {
            let origins = batch.items().iter().flat_map(|item| &item.origins);
            of_teams.extend(origins.map(|origin| (origin, &batch.zone.team)));
        }
        let rejected = plan.rejected.iter().filter(|rejected| rejected.kind != RejectionKind::Unpurgeable);
        Self { of_teams, of_all: rejected.map(|rejected| &rejected.origin).collect() }
    }

    fn has(&self, origin: &Origin, team: &TeamName) -> bool {
        self.of_all.contains(origin) || self.of_teams.contains(&(origin, team))
    }
}

#[cfg(test)]
mod tests;
