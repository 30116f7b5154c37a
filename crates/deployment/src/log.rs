//! Why messages failed, as the function's log says it.

use std::time::Duration;

use aws_config::SdkConfig;
use purge_router_aws::CallError;
use serde_json::{Value, json};

use crate::signed::{Call, Service, send, unexpected};

/// What lines of failures have in common: failed batches, rejected records, and errors that name messages.
const PATTERN: &str =
    r#"{ ($.message = "batch" && $.level = "WARN") || ($.message = "rejected") || ($.level = "ERROR") }"#;

/// A line of the log about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureLine {
    /// When it was written: milliseconds since 1970.
    pub at: i64,
    /// The team, if it is about one.
    pub team: Option<String>,
    /// The zone, if it is about one.
    pub zone: Option<String>,
    /// What became of a batch, such as `token-refused`, or `rejected`.
    pub outcome: String,
    /// The error or the reason; empty if the line has none.
    pub reason: String,
    /// The ids of the messages that failed; of many, the first ten.
    pub messages: Vec<String>,
}

/// Lines of failures, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// The lines.
    pub lines: Vec<FailureLine>,
    /// Whether there was time to read all of the log.
    pub is_complete: bool,
}

/// Reads the lines of failures since a time, in milliseconds since 1970, and stops after a while.
///
/// # Errors
/// See [`CallError`].
pub async fn failures_since(
    config: &SdkConfig,
    group: &str,
    since: i64,
    time: Duration,
) -> Result<Failures, CallError> {
    let (mut failures, began) = (Failures::default(), std::time::Instant::now());
    let mut body = json!({ "logGroupName": group, "startTime": since, "filterPattern": PATTERN });
    loop {
        let call = Call::json(Service::Logs, "1.1", "Logs_20140328.FilterLogEvents", &body);
        let answer: Value = serde_json::from_str(&send(config, &call).await?).map_err(|error| unexpected(&error))?;
        let events = answer["events"].as_array().into_iter().flatten();
        failures
            .lines
            .extend(events.filter_map(|event| line(event["timestamp"].as_i64()?, event["message"].as_str()?)));
        if !answer["nextToken"].is_string() {
            failures.is_complete = true;
            return Ok(failures);
        }
        if began.elapsed() > time {
            return Ok(failures);
        }
        body["nextToken"] = answer["nextToken"].clone();
    }
}

/// The failure in a line of the log, if it is about one.
fn line(at: i64, text: &str) -> Option<FailureLine> {
    let line: Value = serde_json::from_str(text.trim()).ok()?;
    let field = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let (message, level) = (field("message")?, field("level")?);
    let outcome = match message.as_str() {
        "batch" if level == "WARN" => field("outcome")?,
        "rejected" => message,
        _ => return None,
    };
    Some(FailureLine {
        at,
        team: field("team"),
        zone: field("zone"),
        outcome,
        reason: field("error").or_else(|| field("reason")).unwrap_or_default(),
        messages: messages(&field("origins").or_else(|| field("origin"))?),
    })
}

/// The ids in `a, b and 3 more`.
fn messages(origins: &str) -> Vec<String> {
    let named = match origins.rsplit_once(" and ") {
        Some((named, more)) if more.ends_with(" more") => named,
        _ => origins,
    };
    named.split(", ").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_failure_says_which_messages_failed_and_why() {
        let batch = r#"{"level":"WARN","message":"batch","team":"web","zone":"website.com","outcome":"token-refused",
            "error":"HTTP 401","origins":"m1, m2 and 3 more"}"#;
        let found = line(7, batch).unwrap();
        assert_eq!((found.at, found.outcome.as_str(), found.reason.as_str()), (7, "token-refused", "HTTP 401"));
        assert_eq!((found.team.as_deref(), found.zone.as_deref()), (Some("web"), Some("website.com")));
        assert_eq!(found.messages, ["m1", "m2"]);
        let rejected = r#"{"level":"WARN","message":"rejected","origin":"m3","reason":"not JSON"}"#;
        let found = line(8, rejected).unwrap();
        assert_eq!((found.outcome.as_str(), found.reason.as_str(), found.team), ("rejected", "not JSON", None));
        assert_eq!(found.messages, ["m3"]);
    }

    #[test]
    fn other_lines_are_passed_over() {
        for text in [
            "START RequestId",
            r#"{"level":"INFO","message":"batch","outcome":"purged"}"#,
            r#"{"level":"ERROR","message":"can't read SSM"}"#,
            r#"{"level":"WARN","message":"batch","outcome":"token-refused"}"#,
        ] {
            assert_eq!(line(0, text), None, "{text}");
        }
    }
}
