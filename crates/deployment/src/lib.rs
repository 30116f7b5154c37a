//! What a deployment on AWS is made of, read for operators: its function and event sources, the notifications of
//! buckets, the alarms and their subscribers, and the log. It writes nothing.
//!
//! The function is the entry: its settings name the table and the queues ([`Function`]).

mod alarms;
mod function;
mod log;
mod notifications;
mod signed;

pub use alarms::{Alarm, Subscription, alarms_of_queue, alarms_of_topic, subscriptions};
pub use function::{EventSource, Function};
pub use log::{FailureLine, Failures, failures_since};
pub use notifications::{Notification, Notifications, notifications_of};
