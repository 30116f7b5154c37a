//! Alarms, and who is notified of them.

use aws_config::SdkConfig;
use purge_router_aws::CallError;
use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::signed::{Call, Service, send, text_of, unexpected};

/// The prefix of CloudWatch's operations.
const TARGET: &str = "GraniteServiceVersion20100801";

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// CloudWatch's word for its state, such as `ALARM`.
    pub state: String,
    /// The ARNs that it notifies.
    pub notifies: Vec<String>,
}

/// A subscription of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Such as `email`.
    pub protocol: String,
    /// Such as an email address.
    pub endpoint: String,
    /// Whether somebody confirmed it. Otherwise, it gets nothing.
    pub is_confirmed: bool,
}

/// The alarms on how many messages of a queue are visible.
///
/// # Errors
/// See [`CallError`].
pub async fn alarms_of_queue(config: &SdkConfig, queue_name: &str) -> Result<Vec<Alarm>, CallError> {
    let body = json!({
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{ "Name": "QueueName", "Value": queue_name }],
    });
    let answer = call(config, "DescribeAlarmsForMetric", &body).await?;
    let dimensions = |alarm: &Value| alarm["Dimensions"].as_array().cloned().unwrap_or_default();
    let is_of_queue = |alarm: &&Value| dimensions(alarm).iter().any(|dimension| dimension["Value"] == queue_name);
    Ok(answer["MetricAlarms"].as_array().into_iter().flatten().filter(is_of_queue).map(alarm).collect())
}

async fn call(config: &SdkConfig, operation: &str, body: &Value) -> Result<Value, CallError> {
    let call = Call::json(Service::CloudWatch, "1.0", &format!("{TARGET}.{operation}"), body);
    serde_json::from_str(&send(config, &call).await?).map_err(|error| unexpected(&error))
}

/// The alarms that notify a topic.
///
/// # Errors
/// See [`CallError`].
pub async fn alarms_of_topic(config: &SdkConfig, topic_arn: &str) -> Result<Vec<Alarm>, CallError> {
    let (mut alarms, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut body = json!({ "ActionPrefix": topic_arn });
        if token.is_string() {
            body["NextToken"] = token;
        }
        let answer = call(config, "DescribeAlarms", &body).await?;
        alarms.extend(answer["MetricAlarms"].as_array().into_iter().flatten().map(alarm));
        token = answer["NextToken"].clone();
        if token.as_str().is_none_or(str::is_empty) {
            break;
        }
    }
    alarms.retain(|alarm| alarm.notifies.iter().any(|arn| arn == topic_arn));
    Ok(alarms)
}

fn alarm(alarm: &Value) -> Alarm {
    let text = |name: &str| alarm[name].as_str().unwrap_or_default().to_owned();
    let actions = alarm["AlarmActions"].as_array().into_iter().flatten();
    Alarm {
        name: text("AlarmName"),
        state: text("StateValue"),
        notifies: actions.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// The subscriptions of a topic.
///
/// # Errors
/// See [`CallError`].
pub async fn subscriptions(config: &SdkConfig, topic_arn: &str) -> Result<Vec<Subscription>, CallError> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let mut parameters =
            vec![("Action", "ListSubscriptionsByTopic"), ("Version", "2010-03-31"), ("TopicArn", topic_arn)];
        if !token.is_empty() {
            parameters.push(("NextToken", &token));
        }
        let answer = send(config, &Call::query(Service::Sns, &parameters)).await?;
        let document = Document::parse(&answer).map_err(|error| unexpected(&error))?;
        found.extend(read_subscriptions(&document));
        token = text_of(document.root(), "NextToken");
        if token.is_empty() {
            return Ok(found);
        }
    }
}

fn read_subscriptions(document: &Document<'_>) -> Vec<Subscription> {
    let members = document.descendants().filter(|it| it.tag_name().name() == "member");
    let subscription = |it: Node<'_, '_>| Subscription {
        protocol: text_of(it, "Protocol"),
        endpoint: text_of(it, "Endpoint"),
        // Until it is confirmed, SNS shows a word instead of the ARN.
        is_confirmed: text_of(it, "SubscriptionArn").starts_with("arn:"),
    };
    members.map(subscription).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_without_an_arn_is_not_confirmed() {
        let member = |arn: &str| {
            format!(
                "<member><Protocol>email</Protocol><Endpoint>a@b.c</Endpoint><SubscriptionArn>{arn}</SubscriptionArn></member>"
            )
        };
        let text = format!(
            r#"<R xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Subscriptions>{}{}</Subscriptions></R>"#,
            member("PendingConfirmation"),
            member("arn:aws:sns:eu-west-1:123456789012:t:1")
        );
        let found = read_subscriptions(&Document::parse(&text).unwrap());
        let confirmed: Vec<bool> = found.iter().map(|it| it.is_confirmed).collect();
        assert_eq!((confirmed, found[0].endpoint.as_str()), (vec![false, true], "a@b.c"));
    }
}
