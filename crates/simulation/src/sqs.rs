//! A model of SQS: visibility, redelivery, duplicates, reordering, receive counts and dead letters.

mod body;
mod queue;
mod retry_queue;

pub(crate) use body::{batch_event, change_of_body, malformed_body, notification};
pub(crate) use queue::{MessageIds, Queue, QueueSettings, Received};
pub(crate) use retry_queue::SimRetryQueue;
