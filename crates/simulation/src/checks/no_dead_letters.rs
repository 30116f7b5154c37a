//! Only what no retry can purge as it is becomes a dead letter: what is no event, and what Cloudflare refuses for what
//! it is. All other trouble of a run ends after at most two hours.

use std::sync::Arc;

use super::check::Check;
use crate::event::{Entry, Event};
use crate::scenario::Scenario;

pub(super) struct NoDeadLetters(Arc<Scenario>);

impl NoDeadLetters {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self(Arc::clone(scenario))
    }
}

impl Check for NoDeadLetters {
    fn name(&self) -> &'static str {
        "no-dead-letters"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        let Event::DeadLetter { queue, message, change: Some(change) } = event else { return Ok(()) };
        if self.0.is_refused_for_good(*change) {
            return Ok(());
        }
        let team = self.0.team_of(*change);
        let sickness = self.0.teams[team].sickness;
        Err(format!("{at}: message {message} of {queue:?} is a dead letter; its team {team} has {sickness:?}"))
    }
}
