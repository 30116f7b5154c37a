//! The retry queue in SQS, and its dead-letter queue.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue,
    SendMessageBatchRequestEntry,
};
use futures_util::stream::{self, StreamExt};
use purge_router_cloudflare::redact;
use purge_router_pipeline::{DeadLetter, Deferred, Hidden, RetryQueue};
use tokio::time::{Instant, timeout_at};

use crate::aws_error::AwsError;

/// The limits of one SQS call: its entries, and the bytes of their bodies. SQS takes 1 MiB; the rest is for the
/// envelope.
const ENTRIES_PER_CALL: usize = 10;
const BYTES_PER_CALL: usize = 1_000_000;

/// How many calls are in flight at once.
const CALLS: usize = 16;

/// What SQS may or may not have done.
const DEADLINE_EXCEEDED: &str = "deadline exceeded";

/// The attribute of a dead letter that has the id of the message that it replaces.
const REPLACED_MESSAGE_ID: &str = "ReplacedMessageId";

/// The retry queue in SQS, by its URL.
#[derive(Debug)]
pub struct SqsRetryQueue {
    client: Client,
    queue: Queue,
    dead_letters: Option<Queue>,
}

#[derive(Debug)]
struct Queue {
    url: String,
    /// The end of its ARN: its account and its name.
    arn_end: String,
}

/// The string is not the URL of an SQS queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the URL of a queue: write one like https://sqs.eu-west-1.amazonaws.com/123456789012/purge-router-retries"
)]
pub struct NotAQueueUrl(String);

type Results = Vec<Result<(), String>>;

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

    /// Sends messages, in as many calls as they need.
    async fn send<M>(
        &self,
        queue: &Queue,
        messages: &[M],
        time: Duration,
        body: impl Fn(&M) -> &str,
        entry: impl Fn(&M) -> SendMessageBatchRequestEntryBuilder,
    ) -> Results {
        let end = Instant::now() + time;
        let call = async |messages: &[M]| {
            let entries = messages
                .iter()
                .zip(0..)
                .map(|(message, id)| entry(message).id(id.to_string()).message_body(body(message)).build());
            let entries: Vec<_> = match entries.collect::<Result<_, _>>() {
                Ok(entries) => entries,
                Err(error) => return vec![Err(error.to_string()); messages.len()],
            };
            let call = self.client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries));
            match timeout_at(end, call.send()).await {
                Err(_) => vec![Err(DEADLINE_EXCEEDED.to_owned()); messages.len()],
                Ok(Ok(answer)) => {
                    results(messages.len(), answer.successful.iter().map(|entry| entry.id()), &answer.failed)
                }
                Ok(Err(error)) => self.failed(messages.len(), &error),
            }
        };
        let calls: Vec<_> = calls(messages, |message| body(message).len()).into_iter().map(call).collect();
        stream::iter(calls).buffered(CALLS).concat().await
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
            Ok(Err(error)) => self.failed(messages.len(), &error),
        }
    }

    /// The results of a call that failed as a whole.
    fn failed<E>(&self, count: usize, error: &SdkError<E>) -> Results
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        vec![Err(AwsError::of(error, self.client.config().region()).message); count]
    }
}

impl RetryQueue for SqsRetryQueue {
    fn has_arn(&self, arn: &str) -> bool {
        arn.ends_with(&self.queue.arn_end)
    }

    async fn defer(&self, messages: &[Deferred], time: Duration) -> Results {
        let entry = |message: &Deferred| {
            let team = message.team.as_ref().map(ToString::to_string);
            SendMessageBatchRequestEntry::builder().set_message_group_id(team)
        };
        self.send(&self.queue, messages, time, |message| &message.body, entry).await
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
            let id = MessageAttributeValue::builder().data_type("String").string_value(&message.message_id);
            // It can't fail: it has a type.
            let attributes = id.build().ok().map(|id| HashMap::from([(REPLACED_MESSAGE_ID.to_owned(), id)]));
            SendMessageBatchRequestEntry::builder().set_message_attributes(attributes)
        };
        self.send(queue, messages, time, |message| &message.body, entry).await
    }
}

impl Queue {
    fn parse(url: &str) -> Result<Self, NotAQueueUrl> {
        let not_a_url = || NotAQueueUrl(url.to_owned());
        let (_, path) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).ok_or_else(not_a_url)?;
        let (account, name) = path.split_once('/').ok_or_else(not_a_url)?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_account || !is_name {
            return Err(not_a_url());
        }
        Ok(Self { url: url.to_owned(), arn_end: format!(":{account}:{name}") })
    }
}

/// The results of a call's entries, whose ids are their indexes. What SQS does not name as accepted is not accepted.
fn results<'a>(count: usize, accepted: impl Iterator<Item = &'a str>, failed: &[BatchResultErrorEntry]) -> Results {
    let mut results = vec![Err("SQS did not say what became of it".to_owned()); count];
    let mut set = |id: &str, result| {
        if let Some(entry) = id.parse::<usize>().ok().and_then(|index| results.get_mut(index)) {
            *entry = result;
        }
    };
    accepted.for_each(|id| set(id, Ok(())));
    for entry in failed {
        let message = entry.message().unwrap_or("no reason given");
        set(entry.id(), Err(redact(&format!("{}: {message}", entry.code())).into_owned()));
    }
    results
}

/// Cuts messages into slices that one call takes. A message that is larger than a call has a call of its own, which SQS
/// refuses.
fn calls<M>(messages: &[M], bytes: impl Fn(&M) -> usize) -> Vec<&[M]> {
    let (mut calls, mut rest) = (Vec::new(), messages);
    while !rest.is_empty() {
        let mut total = 0;
        let fits = |message: &&M| {
            total += bytes(message);
            total <= BYTES_PER_CALL
        };
        let count = rest.iter().take(ENTRIES_PER_CALL).take_while(fits).count().max(1);
        let (call, after) = rest.split_at(count);
        calls.push(call);
        rest = after;
    }
    calls
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    #[test]
    fn a_call_has_ten_entries_and_a_megabyte_at_most() {
        let counts = |sizes: &[usize]| calls(sizes, |size| *size).iter().map(|call| call.len()).collect::<Vec<_>>();
        assert_eq!(counts(&[]), [0; 0]);
        assert_eq!(counts(&[1; 25]), [10, 10, 5]);
        assert_eq!(counts(&[400_000; 5]), [2, 2, 1]);
        assert_eq!(counts(&[2_000_000, 1, 2_000_000]), [1, 1, 1]);
    }

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
