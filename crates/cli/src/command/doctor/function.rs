//! The function, and the queues that invoke it.

use aws_config::SdkConfig;
use purge_router_aws::CallError;
use purge_router_deployment::{EventSource, Function};

use super::finding::Finding;
use crate::args::KnownFunction;
use crate::deployment::NO_FUNCTION;

/// The settings without which the function retries nothing, or loses what it can't purge.
const QUEUE_SETTINGS: [&str; 3] = ["RETRY_QUEUE_URL", "DELAY_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"];

const FUNCTION_AND_REST: &str = "function, event sources, queues, alarms";

/// What could be read of the function.
pub(super) enum Deployed {
    Unnamed,
    /// AWS can't be called, for this reason.
    Skipped(&'static str),
    Unreadable(String, CallError),
    Read(Function, Result<Vec<EventSource>, CallError>),
}

impl Deployed {
    pub(super) async fn read(config: &SdkConfig, name: &str) -> Self {
        match Function::read(config, name).await {
            Ok(function) => {
                let sources = function.event_sources(config).await;
                Self::Read(function, sources)
            }
            Err(error) => Self::Unreadable(name.to_owned(), error),
        }
    }

    pub(super) fn function(&self) -> Option<&Function> {
        match self {
            Self::Read(function, _) => Some(function),
            _ => None,
        }
    }

    /// What is known of it, for the choice of the mappings.
    pub(super) fn known(&self) -> KnownFunction<'_> {
        match self {
            Self::Unnamed => KnownFunction::Unnamed,
            Self::Skipped(_) | Self::Unreadable(..) => KnownFunction::Unreadable,
            Self::Read(function, _) => KnownFunction::Read { table: function.setting("MAPPINGS_TABLE") },
        }
    }

    /// The event source of new messages, if it is known.
    pub(super) fn new_messages(&self) -> Option<&EventSource> {
        match self {
            Self::Read(function, Ok(sources)) => function.queue_of_new_messages(sources),
            _ => None,
        }
    }

    /// Of a caller who names teams, nothing is asked that only operators may see.
    pub(super) fn findings(&self, names_teams: bool) -> Vec<Finding> {
        match self {
            Self::Unnamed if names_teams => vec![Finding::only_for_operators(FUNCTION_AND_REST)],
            Self::Unreadable(_, error) if names_teams && error.is_denied() => {
                vec![Finding::only_for_operators(FUNCTION_AND_REST)]
            }
            Self::Unnamed => {
                let finding = Finding::skipped(FUNCTION_AND_REST, "the function is not named");
                vec![finding.with_fix("purge-router doctor --function NAME")]
            }
            Self::Skipped(why) => vec![Finding::skipped(FUNCTION_AND_REST, why)],
            Self::Unreadable(name, error) if error.code == NO_FUNCTION => {
                let found = format!("{name} does not exist in this region");
                let fix = "aws lambda list-functions --query 'Functions[].FunctionName' --output text";
                vec![Finding::bad("function", found, fix), rest_skipped("the function does not exist")]
            }
            Self::Unreadable(_, error) => {
                vec![Finding::unreadable("function", error), rest_skipped("the function names them")]
            }
            Self::Read(function, sources) => {
                let mut findings = of_function(function);
                match sources {
                    Ok(sources) => findings.extend(of_sources(function, sources)),
                    Err(error) => findings.push(Finding::unreadable("event sources", error)),
                }
                findings
            }
        }
    }
}

/// What only the function's settings name.
fn rest_skipped(why: &str) -> Finding {
    Finding::skipped("event sources, queues, alarms", why)
}

fn of_function(function: &Function) -> Vec<Finding> {
    let name = &function.name;
    let logs = function.log_group.as_deref().unwrap_or_default();
    if function.is_pending() {
        let found =
            format!("{name} is {}: Lambda is creating or updating it, so look again in a minute", function.state);
        return vec![Finding::unknown("function", found)];
    }
    if !function.is_active() {
        let fix = format!("aws lambda get-function --function-name {name}");
        return vec![Finding::bad("function", format!("{name} is {}", function.state), fix)];
    }
    if let Some(reason) = &function.failed_update {
        let fix = format!("aws lambda get-function --function-name {name}");
        return vec![Finding::bad("function", format!("the last update of {name} failed: {reason}"), fix)];
    }
    let mut findings = vec![Finding::good("function", format!("{name} is {}, logs to {logs}", function.state))];
    let missing: Vec<&str> = QUEUE_SETTINGS.into_iter().filter(|name| function.setting(name).is_none()).collect();
    if !missing.is_empty() {
        let fix = "deploy the template of this release, which sets them";
        findings.push(Finding::bad("settings", format!("{} not set", missing.join(", ")), fix));
    }
    findings
}

fn of_sources(function: &Function, sources: &[EventSource]) -> Vec<Finding> {
    if sources.is_empty() {
        let fix = "deploy the template of this release, which creates them";
        return vec![Finding::bad("event sources", format!("no queue invokes {}", function.name), fix)];
    }
    let finding = |source: &EventSource| {
        let what = format!("event source {}", source.queue_name());
        match source.is_enabled() {
            true => Finding::good(what, source.state.clone()),
            false => {
                let fix = format!("aws lambda update-event-source-mapping --uuid {} --enabled", source.id);
                Finding::bad(what, format!("{}, so its messages wait", source.state), fix)
            }
        }
    };
    sources.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;

    #[test]
    fn a_pending_function_is_unknown_and_a_failed_one_is_bad() {
        let states = ["Active", "Inactive", "Pending (The function is being created.)", "Failed (ImageDeleted)"];
        let function = Function::default();
        let of = |state: &&str| {
            let mut function = function.clone();
            (*state).clone_into(&mut function.state);
            of_function(&function)[0].state
        };
        let found: Vec<State> = states.iter().map(of).collect();
        assert_eq!(found, [State::Good, State::Good, State::Unknown, State::Bad]);
    }

    #[test]
    fn a_team_is_not_asked_for_what_only_operators_may_see() {
        let denied = CallError::of_answer(Some("AccessDeniedException"), Some("not authorized"), 403);
        for deployed in [Deployed::Unnamed, Deployed::Unreadable("prod".to_owned(), denied)] {
            assert_eq!(deployed.findings(true), [Finding::only_for_operators(FUNCTION_AND_REST)]);
            let of_operator = deployed.findings(false);
            assert!(of_operator.iter().all(|it| it.state == State::Unknown && !it.found.contains("operator")));
        }
    }

    #[test]
    fn a_disabled_event_source_is_enabled_by_its_id() {
        let source = EventSource {
            id: "u-1".to_owned(),
            queue_arn: "arn:aws:sqs:eu-west-1:123456789012:new".to_owned(),
            state: "Disabled".to_owned(),
        };
        let enabled = EventSource { state: "Enabled".to_owned(), ..source.clone() };
        let function = Function::default();
        let states: Vec<State> = of_sources(&function, &[enabled, source.clone()]).iter().map(|it| it.state).collect();
        assert_eq!(states, [State::Good, State::Bad]);
        let fix = of_sources(&function, &[source]).remove(0).fix.unwrap();
        assert_eq!(fix, "aws lambda update-event-source-mapping --uuid u-1 --enabled");
        assert_eq!(of_sources(&function, &[])[0].state, State::Bad);
    }
}
