//! The alarms: whether there is one on dead letters, whether anybody is notified, and which are on.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use purge_router_deployment::{Alarm, Subscription, alarms_of_queue, alarms_of_topic, subscriptions};

use super::finding::Finding;
use super::function::Deployed;

pub(super) async fn examine(config: &SdkConfig, deployed: &Deployed) -> Vec<Finding> {
    let url = deployed.function().and_then(|function| function.setting("DEAD_LETTER_QUEUE_URL"));
    let Some(name) = url.and_then(|url| url.rsplit('/').next()) else { return Vec::new() };
    let alarms = match alarms_of_queue(config, name).await {
        Ok(alarms) => alarms,
        Err(error) => return vec![Finding::unreadable("alarms", &error)],
    };
    let topics: BTreeSet<&str> = alarms.iter().flat_map(|alarm| &alarm.notifies).map(String::as_str).collect();
    if topics.is_empty() {
        let fix = "deploy the template of this release, which has the alarms";
        return vec![Finding::bad("alarms", "none is on dead letters, or it notifies nobody", fix)];
    }
    let mut findings = Vec::new();
    for topic in topics.into_iter().filter(|topic| topic.contains(":sns:")) {
        findings.push(match subscriptions(config, topic).await {
            Ok(subscriptions) => of_subscriptions(topic, &subscriptions),
            Err(error) => Finding::unreadable(format!("subscribers of {topic}"), &error),
        });
        match alarms_of_topic(config, topic).await {
            Ok(alarms) => findings.extend(of_alarms(&alarms)),
            Err(error) => findings.push(Finding::unreadable("alarms", &error)),
        }
    }
    findings
}

fn of_subscriptions(topic: &str, subscriptions: &[Subscription]) -> Finding {
    let what = "subscribers of the alarms";
    let confirmed: Vec<String> = subscriptions
        .iter()
        .filter(|subscription| subscription.is_confirmed)
        .map(|subscription| format!("{} {}", subscription.protocol, subscription.endpoint))
        .collect();
    if !confirmed.is_empty() {
        return Finding::good(what, confirmed.join(", "));
    }
    match subscriptions.first() {
        Some(pending) => {
            let found = format!("{} {} has not confirmed", pending.protocol, pending.endpoint);
            Finding::bad(what, found, "open the link in the mail `AWS Notification - Subscription Confirmation`")
        }
        None => {
            let fix = format!(
                "aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint you@example.com"
            );
            Finding::bad(what, "nobody is notified", fix)
        }
    }
}

fn of_alarms(alarms: &[Alarm]) -> Vec<Finding> {
    let on: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.state == "ALARM").collect();
    if on.is_empty() {
        return vec![Finding::good("alarms", format!("{}, none is on", crate::print::count(alarms.len(), "alarm")))];
    }
    let finding = |alarm: &Alarm| {
        let fix = format!(
            "aws cloudwatch describe-alarms --alarm-names {} --query 'MetricAlarms[].[AlarmDescription, StateReason]'",
            alarm.name
        );
        Finding::bad(format!("alarm {}", alarm.name), "it is on", fix)
    };
    on.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::State;

    #[test]
    fn only_a_confirmed_subscription_is_notified() {
        let subscription = |is_confirmed| Subscription {
            protocol: "email".to_owned(),
            endpoint: "on-call@website.com".to_owned(),
            is_confirmed,
        };
        let state = |subscriptions: &[Subscription]| of_subscriptions("arn:aws:sns:x", subscriptions).state;
        assert_eq!(state(&[]), State::Bad);
        assert_eq!(state(&[subscription(false)]), State::Bad);
        assert_eq!(state(&[subscription(false), subscription(true)]), State::Good);
    }

    #[test]
    fn each_alarm_that_is_on_is_named() {
        let alarm =
            |name: &str, state: &str| Alarm { name: name.to_owned(), state: state.to_owned(), notifies: Vec::new() };
        let found = of_alarms(&[alarm("a", "OK"), alarm("b", "ALARM"), alarm("c", "INSUFFICIENT_DATA")]);
        let names: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(names, ["alarm b"]);
        assert_eq!(of_alarms(&[alarm("a", "OK")])[0].state, State::Good);
    }
}
