//! The retry queue in SQS, and its dead-letter queue.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};
use futures_util::stream::{self, StreamExt};
use purge_router_core::PURGED_ITEMS;
use purge_router_pipeline::{DeadLetter, Deferred, Hidden, RetryQueue};
use tokio::time::{Instant, timeout_at};

use crate::sqs::{CALLS, DEADLINE_EXCEEDED, NotAQueueUrl, Queue, Results, calls, failed_call, results, send};

/// The attribute of a dead letter that has the id of the message that it replaces.
pub(crate) const REPLACED_MESSAGE_ID: &str = "ReplacedMessageId";

/// The retry queue in SQS, by its URL.
#[derive(Debug)]
pub struct SqsRetryQueue {
    client: Client,
    queue: Queue,
    dead_letters: Option<Queue>,
}

impl SqsRetryQueue {
    /// The queue with this URL, as SQS writes it: it ends in the account's id and the queue's name.
    ///
    /// # Errors
    /// The URL has another form.
    pub fn new(config: &SdkConfig, url: &str) -> Result<Self, NotAQueueUrl> {
        Ok(Self { client: Client::new(config), queue: Queue::parse(url)?, dead_letters: None })
    }

    /// With the URL of the queue for messages that no retry can purge. Without it, they are retried as others are.
    ///
    /// # Errors
    /// The URL has another form.
    pub fn with_dead_letters(self, url: &str) -> Result<Self, NotAQueueUrl> {
        Ok(Self { dead_letters: Some(Queue::parse(url)?), ..self })
    }

    async fn hide_batch(&self, messages: &[Hidden], end: Instant) -> Results {
        let entries = messages.iter().zip(0..).map(|(message, id)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(id.to_string())
                .receipt_handle(&message.receipt_handle)
                .visibility_timeout(i32::try_from(message.time.as_secs()).unwrap_or(i32::MAX))
                .build()
        });
        let entries: Vec<_> = match entries.collect::<Result<_, _>>() {
            Ok(entries) => entries,
            Err(error) => return vec![Err(error.to_string()); messages.len()],
        };
        let call = self.client.change_message_visibility_batch().queue_url(&self.queue.url).set_entries(Some(entries));
        match timeout_at(end, call.send()).await {
            Err(_) => vec![Err(DEADLINE_EXCEEDED.to_owned()); messages.len()],
            Ok(Ok(answer)) => results(messages.len(), answer.successful.iter().map(|entry| entry.id()), &answer.failed),
            Ok(Err(error)) => failed_call(&self.client, messages.len(), &error),
        }
    }
}

impl RetryQueue for SqsRetryQueue {
    fn has_arn(&self, arn: &str) -> bool {
        arn.ends_with(&self.queue.arn_end)
    }

    async fn defer(&self, messages: &[Deferred], time: Duration) -> Results {
        let entry = |message: &Deferred| {
            let team = message.team.as_ref().map(ToString::to_string);
            let purged = Some(message.purged.text()).filter(|text| !text.is_empty());
            let delay = i32::try_from(message.delay.as_secs()).ok().filter(|seconds| *seconds > 0);
            SendMessageBatchRequestEntry::builder()
                .set_message_group_id(team)
                .set_message_attributes(purged.and_then(|text| attribute(PURGED_ITEMS, text)))
                .set_delay_seconds(delay)
                .message_body(&message.body)
        };
        send(&self.client, &self.queue, messages, time, entry).await
    }

    async fn hide(&self, messages: &[Hidden], time: Duration) -> Results {
        let (calls, end) = (calls(messages, |_| 0).into_iter(), Instant::now() + time);
        let hiding: Vec<_> = calls.map(|messages| self.hide_batch(messages, end)).collect();
        stream::iter(hiding).buffered(CALLS).concat().await
    }

    async fn send_dead_letters(&self, messages: &[DeadLetter], time: Duration) -> Results {
        let Some(queue) = &self.dead_letters else {
            return vec![Err("DEAD_LETTER_QUEUE_URL is not set".to_owned()); messages.len()];
        };
        let entry = |message: &DeadLetter| {
            let id = attribute(REPLACED_MESSAGE_ID, message.message_id.clone());
            SendMessageBatchRequestEntry::builder().set_message_attributes(id).message_body(&message.body)
        };
        send(&self.client, queue, messages, time, entry).await
    }
}

fn attribute(name: &str, value: String) -> Option<HashMap<String, MessageAttributeValue>> {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    // It can't fail: it has a type.
    Some(HashMap::from([(name.to_owned(), attribute.build().ok()?)]))
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    #[tokio::test]
    async fn only_the_url_of_a_queue_is_accepted() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
        for (url, arn_end) in [
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/retries", Some(":123456789012:retries")),
            ("http://127.0.0.1:4566/000000000000/Retries_2", Some(":000000000000:Retries_2")),
            ("arn:aws:sqs:eu-west-1:123456789012:retries", None),
            ("https://sqs.eu-west-1.amazonaws.com/12345/retries", None),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/", None),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/a/b", None),
            ("", None),
        ] {
            let queue = SqsRetryQueue::new(&config, url);
            assert_eq!(queue.as_ref().ok().map(|queue| &*queue.queue.arn_end), arn_end, "{url}");
            if let Ok(queue) = queue {
                assert!(queue.has_arn(&format!("arn:aws:sqs:eu-west-1{}", queue.queue.arn_end)));
                assert!(
                    !queue.has_arn(&format!("arn:aws:sqs:eu-west-1{}-2", queue.queue.arn_end)) && !queue.has_arn("")
                );
            }
        }
    }
}
