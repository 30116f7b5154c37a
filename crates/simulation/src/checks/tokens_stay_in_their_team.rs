//! No request to a zone has the token of another team.

use std::sync::Arc;

use super::check::Check;
use crate::event::{Entry, Event};
use crate::scenario::Scenario;

pub(super) struct TokensStayInTheirTeam(Arc<Scenario>);

impl TokensStayInTheirTeam {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self(Arc::clone(scenario))
    }
}

impl Check for TokensStayInTheirTeam {
    fn name(&self) -> &'static str {
        "tokens-stay-in-their-team"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        let Event::Refused { zone, token_of: Some(token_of), .. } = event else { return Ok(()) };
        let team = self.0.zones[*zone].team;
        match team == *token_of {
            true => Ok(()),
            false => Err(format!("{at}: a request to a zone of team {team} had a token of team {token_of}")),
        }
    }
}
