//! The delay queue of second purges in SQS.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use purge_router_pipeline::{DelayQueue, Delayed};

use crate::sqs::{NotAQueueUrl, Queue, Results, send};

/// The delay queue in SQS, by its URL.
#[derive(Debug)]
pub struct SqsDelayQueue {
    client: Client,
    queue: Queue,
}

impl SqsDelayQueue {
    /// The queue with this URL, as SQS writes it: it ends in the account's id and the queue's name.
    ///
    /// # Errors
    /// The URL has another form.
    pub fn new(config: &SdkConfig, url: &str) -> Result<Self, NotAQueueUrl> {
        Ok(Self { client: Client::new(config), queue: Queue::parse(url)? })
    }
}

impl DelayQueue for SqsDelayQueue {
    async fn send(&self, messages: &[Delayed], time: Duration) -> Results {
        let entry = |message: &Delayed| {
            let seconds = i32::try_from(message.delay.as_secs()).unwrap_or(i32::MAX);
            let group = message.team.to_string();
            let entry = SendMessageBatchRequestEntry::builder().message_body(&message.body);
            entry.delay_seconds(seconds).message_group_id(group)
        };
        send(&self.client, &self.queue, messages, time, entry).await
    }
}
