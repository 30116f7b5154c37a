//! What a dead letter is about: teams, zones, and why it failed.

use std::collections::{BTreeMap, BTreeSet};

use purge_router_aws::DeadMessage;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::{Event, Mappings, Plan, decode, plan};
use purge_router_deployment::{FailureLine, Failures};
use serde::Serialize;
use serde_json::json;

/// Why a part of a message failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Cause {
    /// `None`: no team is known to have it.
    pub(super) team: Option<String>,
    pub(super) zone: Option<String>,
    /// The outcome in the log; `rejected`, `unmatched` or `unknown`.
    pub(super) cause: String,
    /// More about it; empty if nothing is known.
    pub(super) reason: String,
}

/// A dead letter with what is known of it.
pub(super) struct Examined {
    pub(super) message: DeadMessage,
    pub(super) event: Event,
    pub(super) plan: Plan,
    /// Never empty.
    pub(super) causes: Vec<Cause>,
    /// All teams that it concerns now.
    pub(super) teams: BTreeSet<String>,
}

impl Examined {
    /// The teams for which it failed, or if none is known, those that it concerns.
    pub(super) fn failing_teams(&self) -> BTreeSet<&str> {
        let failing: BTreeSet<&str> = self.causes.iter().filter_map(|cause| cause.team.as_deref()).collect();
        if failing.is_empty() { self.teams.iter().map(String::as_str).collect() } else { failing }
    }

    /// Whether it is one of these teams', or if there are none, of any.
    pub(super) fn is_of(&self, teams: &[TeamName]) -> bool {
        let failing = self.failing_teams();
        teams.is_empty() || teams.iter().any(|team| failing.contains(team.as_str()))
    }

    /// The teams that it concerns besides these.
    pub(super) fn other_teams(&self, teams: &[TeamName]) -> Vec<&str> {
        let all = self.teams.iter().map(String::as_str);
        all.filter(|team| !teams.iter().any(|own| own.as_str() == *team)).collect()
    }
}

/// The event of a message, as the function reads it from its queue.
fn event_of(message: &DeadMessage) -> Event {
    let record = json!({ "messageId": message.id, "eventSource": "aws:sqs", "body": message.body });
    // What is in a body is rejected alone; an SQS batch itself is always understood.
    decode(json!({ "Records": [record] }).to_string().as_bytes()).unwrap_or_default()
}

/// The buckets that a message is about.
pub(super) fn buckets_of(message: &DeadMessage) -> BTreeSet<BucketName> {
    event_of(message).changes.into_iter().map(|change| change.bucket).collect()
}

/// Finds out what a message is about.
pub(super) fn examine(message: DeadMessage, mappings: &Mappings, failures: &Failures) -> Examined {
    let event = event_of(&message);
    let plan = plan(mappings, event.clone());
    let returning = event.changes.iter().filter_map(|change| change.second_purge_of.as_ref());
    let of_batches = plan.batches.iter().map(|batch| &batch.zone.team);
    let teams = of_batches.chain(returning).map(ToString::to_string).collect();
    let mut causes = logged_causes(message.logged_id(), failures);
    if causes.is_empty() {
        causes = planned_causes(&plan);
    }
    Examined { message, event, plan, causes, teams }
}

/// What the log says last of each zone, and of the message itself.
fn logged_causes(id: &str, failures: &Failures) -> Vec<Cause> {
    let of_message = failures.lines.iter().filter(|line| line.messages.iter().any(|message| message == id));
    let mut last: BTreeMap<_, &FailureLine> = BTreeMap::new();
    for line in of_message {
        last.insert((&line.team, &line.zone), line);
    }
    let causes = last.into_values().map(|line| Cause {
        team: line.team.clone(),
        zone: line.zone.clone(),
        cause: line.outcome.clone(),
        reason: line.reason.clone(),
    });
    causes.collect()
}

/// What can be said without the log.
fn planned_causes(plan: &Plan) -> Vec<Cause> {
    let cause = |cause: &str, reason: &str| Cause {
        team: None,
        zone: None,
        cause: cause.to_owned(),
        reason: reason.to_owned(),
    };
    let rejected = plan.rejected.iter().filter(|rejected| rejected.kind.is_failure());
    let rejected = rejected.map(|rejected| cause("rejected", &rejected.reason));
    let of_batches = plan.batches.iter().map(|batch| Cause {
        team: Some(batch.zone.team.to_string()),
        zone: Some(batch.zone.domain.to_string()),
        ..cause("unknown", "the log says nothing about it")
    });
    let causes: BTreeSet<Cause> = rejected.chain(of_batches).collect();
    match causes.is_empty() {
        true => vec![cause("unmatched", "no mapping accepts what it names")],
        false => causes.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use purge_router_test_support::events::s3;

    use super::*;

    const MAPPINGS: &str = r#"version = 1
[teams.web]
owns = ["s3://assets/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["website.com"]
[[teams.web.mappings]]
source = "s3://assets/"
zones = ["website.com"]
[teams.docs]
owns = ["s3://assets/docs/"]
[teams.docs.zones."website.dev"]
zone_id = "372e67954025e0ba6aaa6d586b9e0b59"
hostnames = ["website.dev"]
[[teams.docs.mappings]]
source = "s3://assets/docs/"
zones = ["website.dev"]
"#;

    fn message(body: String) -> DeadMessage {
        let text = |text: &str| text.to_owned();
        DeadMessage { id: text("m1"), replaced_id: None, body, group: None, sent_at: 0, receipt_handle: text("handle") }
    }

    fn examined(message: DeadMessage, failures: &Failures) -> Examined {
        examine(message, &purge_router_config::from_toml(MAPPINGS).unwrap(), failures)
    }

    fn line(zone: Option<(&str, &str)>, outcome: &str, messages: &[&str]) -> FailureLine {
        FailureLine {
            at: 0,
            team: zone.map(|(team, _)| team.to_owned()),
            zone: zone.map(|(_, zone)| zone.to_owned()),
            outcome: outcome.to_owned(),
            reason: format!("why {outcome}"),
            messages: messages.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn shown(examined: &Examined) -> Vec<String> {
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        examined.causes.iter().map(|it| format!("{} {} {}", word(&it.team), word(&it.zone), it.cause)).collect()
    }

    #[test]
    fn without_the_log_the_mappings_say_whose_it_is_and_what_can_not_be_read() {
        let team = |name: &str| TeamName::parse(name).unwrap();
        let of_web = examined(message(s3("assets", ["a.css"]).to_string()), &Failures::default());
        assert_eq!(shown(&of_web), ["web website.com unknown"]);
        assert!(of_web.is_of(&[team("web")]) && of_web.is_of(&[]) && !of_web.is_of(&[team("docs")]));
        let shared = examined(message(s3("assets", ["docs/a.html"]).to_string()), &Failures::default());
        assert_eq!(shown(&shared), ["docs website.dev unknown", "web website.com unknown"]);
        assert_eq!(shared.other_teams(&[team("web")]), ["docs"]);
        let broken = examined(message("{".to_owned()), &Failures::default());
        assert_eq!(shown(&broken), ["- - rejected"]);
        assert!(!broken.is_of(&[team("web")]));
        let foreign = examined(message(s3("other", ["a"]).to_string()), &Failures::default());
        assert_eq!(shown(&foreign), ["- - unmatched"]);
    }

    #[test]
    fn the_last_line_of_each_zone_says_why_and_for_whom_it_failed() {
        let web = Some(("web", "website.com"));
        let lines = vec![
            line(web, "rate-limited", &["m1", "m2"]),
            line(web, "token-refused", &["m1"]),
            line(Some(("docs", "website.dev")), "unreachable", &["m2"]),
        ];
        let failures = Failures { lines, is_complete: true };
        let found = examined(message(s3("assets", ["docs/a.html"]).to_string()), &failures);
        assert_eq!(shown(&found), ["web website.com token-refused"]);
        assert!(!found.is_of(&[TeamName::parse("docs").unwrap()]), "it was purged for docs");
        let replaced = DeadMessage { replaced_id: Some("m2".to_owned()), ..message(s3("assets", ["a"]).to_string()) };
        let expected = ["docs website.dev unreachable", "web website.com rate-limited"];
        assert_eq!(shown(&examined(replaced, &failures)), expected);
    }
}
