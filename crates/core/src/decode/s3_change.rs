//! What one record says, and its changes.

use std::sync::Arc;

use smallvec::SmallVec;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

use crate::decode::buckets::Buckets;
use crate::decode::json::Json;
use crate::decode::values::string_at;
use crate::model::change::ChangeKind;
use crate::model::etag::ETag;
use crate::model::last_purge::ObjectVersion;
use crate::model::names::{BucketName, TeamName};
use crate::model::verification::Verification;

/// What a record of S3, or an EventBridge event of S3, says.
pub(super) enum S3Event {
    Changed(Changed),
    /// What is served stays the same; with the name of the event.
    Ignored(String),
}

/// Objects that changed: one, or several if a record names them, or if its key can be read in several ways.
pub(super) struct Changed {
    pub(super) bucket: BucketName,
    pub(super) keys: SmallVec<[String; 1]>,
    pub(super) kind: ChangeKind,
    pub(super) time: Option<UtcDateTime>,
    pub(super) etag: Option<ETag>,
    pub(super) version: ObjectVersion,
    pub(super) second_purge_of: Option<TeamName>,
    pub(super) verification: Option<Arc<Verification>>,
}

impl Changed {
    pub(super) fn new(
        bucket: BucketName,
        keys: impl IntoIterator<Item = String>,
        kind: ChangeKind,
        time: Option<&str>,
    ) -> Self {
        let time = time.and_then(|time| UtcDateTime::parse(time, &Rfc3339).ok());
        Self {
            bucket,
            keys: keys.into_iter().collect(),
            kind,
            time,
            etag: None,
            version: ObjectVersion::default(),
            second_purge_of: None,
            verification: None,
        }
    }

    /// With the ETag of the object, if it is one.
    pub(super) fn with_etag(self, etag: Option<&str>) -> Self {
        Self { etag: etag.and_then(ETag::parse), ..self }
    }
}

/// The bucket that is named at a place of an event.
pub(super) fn bucket_at(value: Json<'_>, place: &str, buckets: &mut Buckets) -> Result<BucketName, String> {
    buckets.parse(string_at(value, place)?).map_err(|invalid| format!("{place}: {invalid}"))
}

/// The key of an object, which is not empty.
pub(super) fn key_at<'d>(value: Json<'d>, place: &str) -> Result<&'d str, String> {
    match string_at(value, place)? {
        "" => Err(format!("{place}: expected the key of an object, found an empty string")),
        key => Ok(key),
    }
}

/// What to do about an event that may change what all objects of a bucket serve.
pub(super) fn whole_bucket(name: &str) -> String {
    format!(
        "`{}` may change what all objects of the bucket serve; purge them with `purge-router purge` if it did, and let \
         your rule or notification leave out such events",
        name.escape_debug()
    )
}
