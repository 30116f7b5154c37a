//! What must hold in every run. Each check is in a file of its own, and sees only events and the scenario.

mod accepted_before_done;
mod answers_before_deadline;
mod caches_are_bounded;
mod check;
mod client_limits_are_kept;
mod edge_is_fresh;
mod limits_are_kept;
mod messages_are_kept;
mod no_dead_letters;
mod no_refusals_in_steady_state;
mod refusals_are_bounded;
mod tokens_stay_in_their_team;

use std::sync::Arc;

pub(crate) use check::Check;
pub use check::Violation;

use crate::scenario::Scenario;

/// All checks of one run.
pub(crate) fn all(scenario: &Arc<Scenario>) -> Vec<Box<dyn Check + Send>> {
    vec![
        Box::new(accepted_before_done::AcceptedBeforeDone::new(scenario)),
        Box::new(answers_before_deadline::AnswersBeforeDeadline),
        Box::new(caches_are_bounded::CachesAreBounded::new(scenario)),
        Box::new(client_limits_are_kept::ClientLimitsAreKept::new(scenario)),
        Box::new(edge_is_fresh::EdgeIsFresh::new(scenario)),
        Box::new(limits_are_kept::LimitsAreKept::new(scenario)),
        Box::new(messages_are_kept::MessagesAreKept::default()),
        Box::new(no_dead_letters::NoDeadLetters::new(scenario)),
        Box::new(no_refusals_in_steady_state::NoRefusalsInSteadyState::new(scenario)),
        Box::new(refusals_are_bounded::RefusalsAreBounded::new(scenario)),
        Box::new(tokens_stay_in_their_team::TokensStayInTheirTeam::new(scenario)),
    ]
}
