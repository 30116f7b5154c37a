//! The messages of a dead-letter queue: received, sent to another queue, deleted, and made visible again.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use futures_util::stream::{self, StreamExt};

use crate::call_error::CallError;
use crate::sqs::{CALLS, NotAQueueUrl, Queue, Results, calls, failed_call, results, send};
use crate::sqs_retry_queue::REPLACED_MESSAGE_ID;

/// How long SQS looks for a message before it says that there is none. More than zero asks all of its servers.
const WAIT_SECONDS: i32 = 1;

/// How long sending may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// What a queue holds now, as SQS counts it: approximately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// Its ARN.
    pub arn: String,
    /// Messages that can be received.
    pub visible: u64,
    /// Messages that were received, and are hidden for a while.
    pub hidden: u64,
    /// Messages that can't be received yet.
    pub delayed: u64,
    /// Its policy as JSON, if it has one.
    pub policy: Option<String>,
}

/// Reads what a queue holds.
///
/// # Errors
/// See [`CallError`].
pub async fn queue_state(config: &SdkConfig, url: &str) -> Result<QueueState, CallError> {
    use QueueAttributeName as Name;
    let client = Client::new(config);
    let names = [
        Name::QueueArn,
        Name::Policy,
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let call = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let answer = call.send().await.map_err(|error| CallError::of(&error, client.config().region()))?;
    let attributes = answer.attributes.unwrap_or_default();
    let text = |name| attributes.get(&name).cloned();
    let count = |name| text(name).and_then(|text| text.parse().ok()).unwrap_or_default();
    Ok(QueueState {
        arn: text(Name::QueueArn).unwrap_or_default(),
        visible: count(Name::ApproximateNumberOfMessages),
        hidden: count(Name::ApproximateNumberOfMessagesNotVisible),
        delayed: count(Name::ApproximateNumberOfMessagesDelayed),
        policy: text(Name::Policy).filter(|text| !text.is_empty()),
    })
}

/// A message of a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMessage {
    /// Its id, which it had in the queue that it failed in, if SQS moved it.
    pub id: String,
    /// The id of the message that it replaces, if the function sent it.
    pub replaced_id: Option<String>,
    /// Its body.
    pub body: String,
    /// Its message group: a team, if the function sent it.
    pub group: Option<String>,
    /// When it was sent to the queue that it failed in, or here by the function: milliseconds since 1970.
    pub sent_at: i64,
    /// With this, it is deleted or made visible until it is received again.
    pub receipt_handle: String,
}

impl DeadMessage {
    /// The id that the log of the function has.
    pub fn logged_id(&self) -> &str {
        self.replaced_id.as_deref().unwrap_or(&self.id)
    }
}

/// A dead-letter queue, by its URL.
#[derive(Debug)]
pub struct SqsDeadLetters {
    client: Client,
    queue: Queue,
}

impl SqsDeadLetters {
    /// The queue with this URL, as SQS writes it.
    ///
    /// # Errors
    /// The URL has another form.
    pub fn new(config: &SdkConfig, url: &str) -> Result<Self, NotAQueueUrl> {
        Ok(Self { client: Client::new(config), queue: Queue::parse(url)? })
    }

    /// Receives at most ten messages, and hides them for this time. None: the queue has no more visible ones.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn receive(&self, hidden_for: Duration) -> Result<Vec<DeadMessage>, CallError> {
        let call = self.client.receive_message().queue_url(&self.queue.url);
        let call = call.max_number_of_messages(10).wait_time_seconds(WAIT_SECONDS);
        let call = call.visibility_timeout(i32::try_from(hidden_for.as_secs()).unwrap_or(i32::MAX));
        let call = call.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let call = call.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let answer = call.message_attribute_names(REPLACED_MESSAGE_ID).send().await;
        let answer = answer.map_err(|error| CallError::of(&error, self.client.config().region()))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(dead_message).collect())
    }

    /// Sends copies of messages to another queue of the same account, in their groups.
    ///
    /// # Errors
    /// The URL is not one of a queue.
    pub async fn send_to(&self, url: &str, messages: &[DeadMessage]) -> Result<Results, NotAQueueUrl> {
        let queue = Queue::parse(url)?;
        let entry = |message: &DeadMessage| {
            let group = message.group.clone();
            SendMessageBatchRequestEntry::builder().set_message_group_id(group).message_body(&message.body)
        };
        Ok(send(&self.client, &queue, messages, SEND_TIMEOUT, entry).await)
    }

    /// Deletes messages.
    pub async fn delete(&self, receipt_handles: &[String]) -> Results {
        let calls = calls(receipt_handles, |_| 0).into_iter();
        let deleting: Vec<_> = calls.map(|handles| self.delete_batch(handles)).collect();
        stream::iter(deleting).buffered(CALLS).concat().await
    }

    async fn delete_batch(&self, handles: &[String]) -> Results {
        let entry = |(handle, id): (&String, u32)| {
            DeleteMessageBatchRequestEntry::builder().id(id.to_string()).receipt_handle(handle).build()
        };
        let entries: Vec<_> = match handles.iter().zip(0..).map(entry).collect() {
            Ok(entries) => entries,
            Err(error) => return vec![Err(error.to_string()); handles.len()],
        };
        let call = self.client.delete_message_batch().queue_url(&self.queue.url).set_entries(Some(entries));
        match call.send().await {
            Ok(answer) => results(handles.len(), answer.successful.iter().map(|entry| entry.id()), &answer.failed),
            Err(error) => failed_call(&self.client, handles.len(), &error),
        }
    }

    /// Makes hidden messages visible again.
    pub async fn release(&self, receipt_handles: &[String]) -> Results {
        let calls = calls(receipt_handles, |_| 0).into_iter();
        let releasing: Vec<_> = calls.map(|handles| self.release_batch(handles)).collect();
        stream::iter(releasing).buffered(CALLS).concat().await
    }

    async fn release_batch(&self, handles: &[String]) -> Results {
        let entry = |(handle, id): (&String, u32)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(id.to_string())
                .receipt_handle(handle)
                .visibility_timeout(0)
                .build()
        };
        let entries: Vec<_> = match handles.iter().zip(0..).map(entry).collect() {
            Ok(entries) => entries,
            Err(error) => return vec![Err(error.to_string()); handles.len()],
        };
        let call = self.client.change_message_visibility_batch().queue_url(&self.queue.url).set_entries(Some(entries));
        match call.send().await {
            Ok(answer) => results(handles.len(), answer.successful.iter().map(|entry| entry.id()), &answer.failed),
            Err(error) => failed_call(&self.client, handles.len(), &error),
        }
    }
}

fn dead_message(message: Message) -> DeadMessage {
    let attributes: HashMap<_, _> = message.attributes.unwrap_or_default();
    let replaced = message.message_attributes.unwrap_or_default().remove(REPLACED_MESSAGE_ID);
    let sent_at = attributes.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    DeadMessage {
        id: message.message_id.unwrap_or_default(),
        replaced_id: replaced.and_then(|attribute| attribute.string_value),
        body: message.body.unwrap_or_default(),
        group: attributes.get(&MessageSystemAttributeName::MessageGroupId).cloned(),
        sent_at: sent_at.unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
    }
}
