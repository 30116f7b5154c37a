//! What waits in the queues.

use aws_config::SdkConfig;
use purge_router_aws::{QueueState, queue_state};

use super::finding::Finding;
use super::function::Deployed;
use crate::print;

pub(super) async fn examine(config: &SdkConfig, deployed: &Deployed) -> Vec<Finding> {
    let Some(function) = deployed.function() else { return Vec::new() };
    let mut findings = Vec::new();
    let dead_letters = function.setting("DEAD_LETTER_QUEUE_URL");
    if let (Some(source), Some(sibling)) = (deployed.new_messages(), dead_letters) {
        findings.push(match queue_state(config, &source.queue_url(sibling)).await {
            Ok(state) => of_waiting("new messages", &state),
            Err(error) => Finding::unreadable("new messages", &error),
        });
    }
    if let Some(url) = function.setting("RETRY_QUEUE_URL") {
        findings.push(match queue_state(config, url).await {
            Ok(state) => of_retries(&state),
            Err(error) => Finding::unreadable("retries", &error),
        });
    }
    if let Some(url) = dead_letters {
        findings.push(match queue_state(config, url).await {
            Ok(state) => of_dead_letters(&state, &function.name),
            Err(error) => Finding::unreadable("dead letters", &error),
        });
    }
    findings
}

fn of_waiting(what: &str, state: &QueueState) -> Finding {
    Finding::good(what, format!("{} waiting, {} in flight", state.visible, state.hidden))
}

/// Retries may be a burst that a rate limit holds back, or a zone in trouble: the log says which.
fn of_retries(state: &QueueState) -> Finding {
    match state.visible + state.hidden {
        0 => Finding::good("retries", "none"),
        count => {
            let found = format!("{} can't be purged at once, and are retried", print::count(count as usize, "message"));
            let fix = "look at `Last warnings and errors` on the dashboard: it names team, zone and reason";
            Finding::unknown("retries", found).with_fix(fix)
        }
    }
}

fn of_dead_letters(state: &QueueState, function: &str) -> Finding {
    match state.visible + state.hidden {
        0 => Finding::good("dead letters", "none"),
        count => {
            let found =
                format!("{} could not be purged; sites may show old files", print::count(count as usize, "message"));
            Finding::bad("dead letters", found, format!("purge-router dead-letters list --function {function}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;

    #[test]
    fn dead_letters_are_bad_also_while_somebody_looks_at_them() {
        let state = |visible, hidden| QueueState { arn: String::new(), visible, hidden, delayed: 0, policy: None };
        assert_eq!(of_dead_letters(&state(0, 0), "f").state, State::Good);
        let finding = of_dead_letters(&state(0, 1), "f");
        assert_eq!(finding.state, State::Bad);
        assert_eq!(finding.fix.as_deref(), Some("purge-router dead-letters list --function f"));
        assert_eq!(of_retries(&state(2, 1)).state, State::Unknown);
    }
}
