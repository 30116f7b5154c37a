//! What was purged last of each object, for all instances. `aws` implements it with DynamoDB.

use std::future::Future;
use std::time::Duration;

use purge_router_core::{LastPurge, TeamObject};

/// What was purged last of each object. All instances must share it: what one of them does not know, another one may have
/// purged (decision 45).
pub trait LastPurgeStore: Send + Sync {
    /// What is remembered of these objects now, which may take this much `time`: one result for each, in their order; `None`
    /// if it was not read by then.
    fn read(&self, objects: &[TeamObject], time: Duration) -> impl Future<Output = Vec<Option<LastPurge>>> + Send;

    /// Replaces what is remembered of objects, each on the condition that its version is still the one before. May take this
    /// much `time`. Returns one result for each, in their order: what was not confirmed by then has failed. Errors are for
    /// logs.
    fn write(&self, objects: &[Remembered], time: Duration) -> impl Future<Output = Vec<Result<(), String>>> + Send;
}

/// What is to be remembered of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The object.
    pub object: TeamObject,
    /// What is remembered of it: its version is one more than that of what it replaces.
    pub last_purge: LastPurge,
}

/// For callers without such a store.
#[derive(Debug, Clone, Copy)]
pub enum NoLastPurges {}

impl LastPurgeStore for NoLastPurges {
    async fn read(&self, _: &[TeamObject], _: Duration) -> Vec<Option<LastPurge>> {
        match *self {}
    }

    async fn write(&self, _: &[Remembered], _: Duration) -> Vec<Result<(), String>> {
        match *self {}
    }
}
