//! The buckets of mappings: whether their changes are reported, and whether the queue takes the reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use futures_util::{StreamExt, stream};
use purge_router_aws::{CallError, queue_state};
use purge_router_core::{ChangeKind, Mapping};
use purge_router_deployment::{Notification, Notifications, notifications_of};

use super::finding::{Finding, listed};
use super::function::Deployed;
use super::queue_policy::allows_bucket;

/// How many buckets are read at once.
const CONCURRENCY: usize = 8;

/// How S3 refuses requests for a bucket of another region.
const IN_ANOTHER_REGION: [&str; 2] = ["PermanentRedirect", "AuthorizationHeaderMalformed"];

/// The queue that buckets may notify directly.
struct NewMessages {
    arn: String,
    policy: Option<String>,
}

pub(super) async fn examine(
    config: &SdkConfig,
    mappings: &[Arc<Mapping>],
    deployed: &Deployed,
    names_teams: bool,
) -> Vec<Finding> {
    let mut by_bucket: BTreeMap<&str, Vec<&Mapping>> = BTreeMap::new();
    for mapping in mappings {
        by_bucket.entry(mapping.source.bucket.as_str()).or_default().push(mapping);
    }
    let mut findings = Vec::new();
    let queue = match queue_of(config, deployed).await {
        Some(Ok(queue)) => Some(queue),
        Some(Err(error)) => {
            findings.push(Finding::unreadable("policy of the queue", &error));
            None
        }
        None => None,
    };
    let read = by_bucket
        .iter()
        .map(|(bucket, mappings)| async move { (*bucket, mappings, notifications_of(config, bucket).await) });
    let read: Vec<_> = stream::iter(read).buffered(CONCURRENCY).collect().await;
    let mut hidden: Vec<(&str, CallError)> = Vec::new();
    for (bucket, mappings, notifications) in read {
        match notifications {
            Ok(notifications) => findings.extend(of_bucket(bucket, mappings, &notifications, queue.as_ref())),
            Err(error) if error.code == "NoSuchBucket" => {
                let fix = format!("purge-router mappings list --bucket {bucket}");
                findings.push(Finding::bad(format!("bucket {bucket}"), "it does not exist", fix));
            }
            Err(error) if IN_ANOTHER_REGION.contains(&&*error.code) => {
                findings.push(Finding::bad(
                    format!("bucket {bucket}"),
                    "it is in another region, and S3 notifies only queues of its own: deploy a stack there",
                    format!("aws s3api get-bucket-location --bucket {bucket}"),
                ));
            }
            Err(error) if error.is_denied() => hidden.push((bucket, error)),
            Err(error) => findings.push(Finding::unreadable(format!("notifications of {bucket}"), &error)),
        }
    }
    findings.extend(of_hidden(&hidden, names_teams));
    findings
}

/// The buckets whose notifications the caller may not see: one line, however many there are.
fn of_hidden(hidden: &[(&str, CallError)], names_teams: bool) -> Option<Finding> {
    let (_, first) = hidden.first()?;
    let what = format!("notifications of {}", listed(hidden.iter().map(|(bucket, _)| *bucket)));
    Some(match names_teams {
        true => Finding::only_for_operators(what),
        false => Finding::unreadable(what, first),
    })
}

async fn queue_of(config: &SdkConfig, deployed: &Deployed) -> Option<Result<NewMessages, CallError>> {
    let sibling = deployed.function()?.setting("DEAD_LETTER_QUEUE_URL")?;
    let url = deployed.new_messages()?.queue_url(sibling);
    let state = queue_state(config, &url).await;
    Some(state.map(|state| NewMessages { arn: state.arn, policy: state.policy }))
}

/// What is wrong with a bucket's notifications: none at all, a folder or a kind of event that nothing reports, or a queue
/// that refuses them.
fn of_bucket(
    bucket: &str,
    mappings: &[&Mapping],
    notifications: &Notifications,
    queue: Option<&NewMessages>,
) -> Vec<Finding> {
    let what = format!("notifications of {bucket}");
    let how = format!("aws s3api get-bucket-notification-configuration --bucket {bucket}");
    if notifications.all.is_empty() && !notifications.event_bridge {
        let target = queue.map_or("QUEUE_ARN", |queue| &queue.arn);
        let fix = format!(
            "aws s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration \
             '{{\"QueueConfigurations\":[{{\"QueueArn\":\"{target}\",\"Events\":[\"s3:ObjectCreated:*\",\"s3:ObjectRemoved:*\",\"s3:LifecycleExpiration:*\"]}}]}}'"
        );
        return vec![Finding::bad(what, "it reports its changes to nobody", fix)];
    }
    let mut findings = Vec::new();
    if !notifications.event_bridge {
        findings.extend(uncovered(mappings, &notifications.all).map(|found| Finding::bad(what.clone(), found, &how)));
    }
    let is_direct =
        |queue: &&NewMessages| notifications.all.iter().any(|notification| notification.target == queue.arn);
    match queue.filter(is_direct) {
        Some(queue) if !queue.policy.as_deref().is_some_and(|policy| allows_bucket(policy, bucket)) => {
            let fix = format!("add arn:aws:s3:::{bucket} to the parameter BucketArns, and deploy");
            findings.push(Finding::bad(
                format!("policy of the queue for {bucket}"),
                "it does not let this bucket send",
                fix,
            ));
        }
        Some(_) if findings.is_empty() => findings.push(Finding::good(what, "to the queue, whose policy lets it send")),
        None if findings.is_empty() => findings.push(of_indirect(what, notifications, queue)),
        _ => {}
    }
    findings
}

/// A bucket that reports to something else than the queue.
fn of_indirect(what: String, notifications: &Notifications, queue: Option<&NewMessages>) -> Finding {
    let mut targets: Vec<&str> = notifications.all.iter().map(|notification| notification.target.as_str()).collect();
    targets.extend(notifications.event_bridge.then_some("EventBridge"));
    let targets = targets.join(", ");
    match queue {
        Some(_) => Finding::unknown(what, format!("to {targets}; whether that leads to the queue is not looked at")),
        None => Finding::unknown(what, format!("to {targets}; the queue is not known")),
    }
}

/// What mappings ask for, and no notification reports.
fn uncovered<'m>(mappings: &'m [&Mapping], all: &'m [Notification]) -> impl Iterator<Item = String> {
    mappings.iter().flat_map(move |mapping| {
        let prefix = mapping.source.prefix.as_str();
        let is_missing = move |event: &&str| !all.iter().any(|it| it.covers(event, prefix));
        let is_partial = move |event: &str| {
            all.iter().any(|it| it.overlaps(prefix) && it.events.iter().any(|name| name.starts_with(event)))
        };
        mapping.events.iter().map(|kind| s3_event(*kind)).filter(is_missing).map(move |event| {
            let what = if is_partial(event) { "only of a part of" } else { "not of" };
            format!("{event}* is reported {what} {}, which {} maps", mapping.source, mapping.name)
        })
    })
}

/// What the names of a kind's events begin with.
fn s3_event(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "s3:ObjectCreated:",
        ChangeKind::Removed => "s3:ObjectRemoved:",
        ChangeKind::Restored => "s3:ObjectRestore:",
        ChangeKind::Tagged => "s3:ObjectTagging:",
        ChangeKind::Acl => "s3:ObjectAcl:",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;

    const ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:new";
    const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
        "Action":"sqs:SendMessage","Condition":{"ArnLike":{"aws:SourceArn":["arn:aws:s3:::assets"]}}}]}"#;

    fn of(notifications: &Notifications, policy: Option<&str>) -> Vec<(State, String)> {
        let text = r#"version = 1
[teams.web]
owns = ["s3://assets/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["website.com"]
[[teams.web.mappings]]
source = "s3://assets/uk/"
zones = ["website.com"]
"#;
        let mappings = purge_router_config::from_toml(text).unwrap();
        let mappings: Vec<&Mapping> = mappings.all().iter().map(AsRef::as_ref).collect();
        let queue = policy.map(|policy| NewMessages { arn: ARN.to_owned(), policy: Some(policy.to_owned()) });
        let findings = of_bucket("assets", &mappings, notifications, queue.as_ref());
        findings.into_iter().map(|finding| (finding.state, finding.found)).collect()
    }

    fn to(target: &str, events: &[&str], prefix: &str) -> Notification {
        Notification {
            target: target.to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            prefix: prefix.to_owned(),
            suffix: String::new(),
        }
    }

    const BOTH: [&str; 2] = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"];

    #[test]
    fn buckets_that_the_caller_may_not_see_are_one_line() {
        let denied = CallError::of_answer(Some("AccessDenied"), Some("Access Denied"), 403);
        assert_eq!(of_hidden(&[], false), None);
        let hidden = [("assets", denied.clone()), ("media", denied)];
        let finding = of_hidden(&hidden, false).unwrap();
        assert_eq!(
            finding,
            Finding::unknown("notifications of assets, media", "you may not see it: AccessDenied: Access Denied")
        );
        let finding = of_hidden(&hidden, true).unwrap();
        assert_eq!(finding.found, "a team may not look at this: ask the operator");
    }

    #[test]
    fn a_bucket_reports_everything_that_is_mapped_to_a_queue_that_takes_it() {
        let one = |notification| Notifications { all: vec![notification], event_bridge: false };
        for (notifications, policy, state, expected) in [
            (one(to(ARN, &BOTH, "")), Some(POLICY), State::Good, "to the queue, whose policy lets it send"),
            (one(to(ARN, &BOTH, "")), Some("{}"), State::Bad, "it does not let this bucket send"),
            (Notifications::default(), Some(POLICY), State::Bad, "it reports its changes to nobody"),
            (one(to(ARN, &BOTH[..1], "")), Some(POLICY), State::Bad, "s3:ObjectRemoved:* is reported not of"),
            (one(to("arn:aws:sns:x", &BOTH, "u")), Some(POLICY), State::Unknown, "to arn:aws:sns:x; whether"),
            (Notifications { all: vec![], event_bridge: true }, None, State::Unknown, "to EventBridge; the queue"),
        ] {
            let found = of(&notifications, policy);
            assert!(found.len() == 1 && found[0].0 == state && found[0].1.starts_with(expected), "{found:?}");
        }
        let parts = Notifications { all: vec![to(ARN, &BOTH, "uk/img/"), to(ARN, &BOTH, "fr/")], event_bridge: false };
        let found = of(&parts, Some(POLICY));
        let expected = "s3:ObjectCreated:* is reported only of a part of s3://assets/uk/";
        assert!(found.len() == 2 && found[0].1.starts_with(expected), "{found:?}");
    }
}
