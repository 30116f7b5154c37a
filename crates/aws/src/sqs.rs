//! Sending to queues in SQS: their URLs, the limits of a call, and what became of its entries.

use std::error::Error;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use futures_util::stream::{self, StreamExt};
use purge_router_cloudflare::redact;
use tokio::time::{Instant, timeout_at};

use crate::aws_error::AwsError;

/// The limits of one SQS call: its entries, and their bytes. SQS takes 1 MiB; the rest is for the
/// envelope.
const ENTRIES_PER_CALL: usize = 10;
const BYTES_PER_CALL: usize = 1_000_000;

/// How many calls are in flight at once.
pub(crate) const CALLS: usize = 16;

/// What SQS may or may not have done.
pub(crate) const DEADLINE_EXCEEDED: &str = "deadline exceeded";

/// A queue, by its URL.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) url: String,
    /// The end of its ARN: its account and its name.
    pub(crate) arn_end: String,
}

/// The string is not the URL of an SQS queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the URL of a queue: write one like https://sqs.eu-west-1.amazonaws.com/123456789012/purge-router-retries"
)]
pub struct NotAQueueUrl(String);

pub(crate) type Results = Vec<Result<(), String>>;

impl Queue {
    pub(crate) fn parse(url: &str) -> Result<Self, NotAQueueUrl> {
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

/// Sends messages to a queue, in as many calls as they need. `entry` is a message without an id.
pub(crate) async fn send<M>(
    client: &Client,
    queue: &Queue,
    messages: &[M],
    time: Duration,
    entry: impl Fn(&M) -> SendMessageBatchRequestEntryBuilder,
) -> Results {
    let end = Instant::now() + time;
    let call = async |messages: &[SendMessageBatchRequestEntryBuilder]| {
        let entries = messages.iter().zip(0..).map(|(entry, id)| entry.clone().id(id.to_string()).build());
        let entries: Vec<_> = match entries.collect::<Result<_, _>>() {
            Ok(entries) => entries,
            Err(error) => return vec![Err(error.to_string()); messages.len()],
        };
        let call = client.send_message_batch().queue_url(&queue.url).set_entries(Some(entries));
        match timeout_at(end, call.send()).await {
            Err(_) => vec![Err(DEADLINE_EXCEEDED.to_owned()); messages.len()],
            Ok(Ok(answer)) => results(messages.len(), answer.successful.iter().map(|entry| entry.id()), &answer.failed),
            Ok(Err(error)) => failed_call(client, messages.len(), &error),
        }
    };
    let entries: Vec<_> = messages.iter().map(entry).collect();
    let calls: Vec<_> = calls(&entries, bytes).into_iter().map(call).collect();
    stream::iter(calls).buffered(CALLS).concat().await
}

/// What SQS counts of an entry: its body, and its attributes with their names and types.
fn bytes(entry: &SendMessageBatchRequestEntryBuilder) -> usize {
    let attributes = entry.get_message_attributes().iter().flatten();
    let attributes =
        attributes.map(|(name, value)| name.len() + value.data_type().len() + value.string_value().map_or(0, str::len));
    entry.get_message_body().as_deref().map_or(0, str::len) + attributes.sum::<usize>()
}

/// The results of a call that failed as a whole.
pub(crate) fn failed_call<E>(client: &Client, count: usize, error: &SdkError<E>) -> Results
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    vec![Err(AwsError::of(error, client.config().region()).message); count]
}

/// The results of a call's entries, whose ids are their indexes. What SQS does not name as accepted is not accepted.
pub(crate) fn results<'a>(
    count: usize,
    accepted: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Results {
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
pub(crate) fn calls<M>(messages: &[M], bytes: impl Fn(&M) -> usize) -> Vec<&[M]> {
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
    use super::*;

    #[test]
    fn a_call_has_ten_entries_and_a_megabyte_at_most() {
        let counts = |sizes: &[usize]| calls(sizes, |size| *size).iter().map(|call| call.len()).collect::<Vec<_>>();
        assert_eq!(counts(&[]), [0; 0]);
        assert_eq!(counts(&[1; 25]), [10, 10, 5]);
        assert_eq!(counts(&[400_000; 5]), [2, 2, 1]);
        assert_eq!(counts(&[2_000_000, 1, 2_000_000]), [1, 1, 1]);
    }
}
