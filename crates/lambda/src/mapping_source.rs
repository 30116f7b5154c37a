//! Where the mappings come from.

use std::borrow::Cow;

use purge_router_aws::{DynamoMappings, Lookup};
use purge_router_config::script_env::ScriptEnv;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::{Event, Mappings, UncertainBuckets};
use purge_router_pipeline::Timestamp;

use crate::invocation_error::InvocationError;
use crate::one_line::on_one_line;

/// Where the mappings come from.
#[derive(Debug)]
pub enum MappingSource {
    /// A DynamoDB table that teams edit.
    Table(DynamoMappings),
    /// A mapping file in the function's package.
    File(Mappings),
    /// The single-zone script's variables: each bucket's name is its hostname.
    Script(TeamName, ScriptEnv),
}

/// The mappings of an event's buckets, and the buckets whose mappings are not known for certain.
pub(crate) struct KnownMappings<'s> {
    pub(crate) mappings: Cow<'s, Mappings>,
    pub(crate) uncertain: UncertainBuckets,
}

impl MappingSource {
    /// The mappings of the event's buckets, as far as they are known by the deadline. Mappings that were
    /// read only once are uncertain if a retry comes soon, and are trusted otherwise.
    pub(crate) async fn for_event(
        &self,
        event: &Event,
        retries_soon: bool,
        deadline: Timestamp,
    ) -> Result<KnownMappings<'_>, InvocationError> {
        let buckets = event.changes.iter().map(|change| change.bucket.clone());
        let (mappings, uncertain) = match self {
            Self::Table(table) => {
                let Lookup { mappings, unreadable, stale, unconfirmed, .. } =
                    table.lookup(buckets.collect(), deadline).await;
                let unreadable = unreadable.into_iter().map(|(bucket, error)| (bucket, error.to_string())).collect();
                let mut incomplete = stale;
                incomplete.extend(unconfirmed.into_iter().filter(|_| retries_soon));
                (Cow::Owned(mappings), UncertainBuckets { unreadable, incomplete })
            }
            Self::File(mappings) => (Cow::Borrowed(mappings), UncertainBuckets::default()),
            Self::Script(team, script) => {
                let mappings = script.mappings(team, &buckets.collect::<Vec<BucketName>>());
                let mappings = mappings.map_err(|problems| InvocationError::bad_mappings(on_one_line(&problems)))?;
                (Cow::Owned(mappings), UncertainBuckets::default())
            }
        };
        Ok(KnownMappings { mappings, uncertain })
    }
}
