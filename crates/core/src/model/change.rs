//! One object that changed, and where its event came from.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use time::UtcDateTime;

use crate::model::bounds;
use crate::model::code::Code;
use crate::model::escape::escaped;
use crate::model::etag::ETag;
use crate::model::invalid::Invalid;
use crate::model::last_purge::ObjectVersion;
use crate::model::names::{BucketName, TeamName};
use crate::model::short_text::ShortText;
use crate::model::verification::Verification;

/// One object that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The bucket that the object is or was in.
    pub bucket: BucketName,
    /// The object's key, decoded. Never empty.
    pub key: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Its ETag without quotes, if the event has it: of copies, too, which [`Self::written_etag`] leaves out.
    pub etag: Option<ETag>,
    /// When it changed; `None` if the event doesn't say, or not in RFC 3339.
    pub time: Option<UtcDateTime>,
    /// Whether it wrote content, and its place among the object's events, for `skip_unchanged`.
    pub version: ObjectVersion,
    /// Where the event came from, which fails if the change can't be purged.
    pub origin: Origin,
    /// Set if the change comes back from the delay queue: then it is purged by the mappings of this team that have an
    /// `again_after`, and by no others.
    pub second_purge_of: Option<TeamName>,
    /// Set if the change comes back to be verified: then nothing of it is purged, unless it is stale at the edge.
    pub verification: Option<Arc<Verification>>,
}

impl Change {
    /// The ETag of the content that was written. `None` for other kinds of changes, and for copies: a copy of an object to itself
    /// changes what is served, such as its Content-Type, and not the ETag.
    pub fn written_etag(&self) -> Option<&ETag> {
        self.etag.as_ref().filter(|_| self.version.writes_content)
    }

    /// Whether it was purged before, and comes back for a second purge or to be verified.
    pub fn comes_back(&self) -> bool {
        self.second_purge_of.is_some() || self.verification.is_some()
    }

    /// Whether mappings of a team may purge or verify it: what comes back is for one team.
    pub(crate) fn is_for(&self, team: &TeamName) -> bool {
        let of_verification = self.verification.as_ref().map(|verification| &verification.team);
        let only = self.second_purge_of.as_ref().or(of_verification);
        only.is_none_or(|only| only == team)
    }

    /// The change of an object that a person names as `s3://bucket/key`. The key is not URL-encoded.
    ///
    /// # Errors
    /// It is no such name.
    pub fn of_object(text: &str, kind: ChangeKind) -> Result<Self, Invalid> {
        let named = text.strip_prefix("s3://").and_then(|object| object.split_once('/'));
        let Some((bucket, key)) = named.filter(|(_, key)| (1..=bounds::TEXT).contains(&key.len())) else {
            let help = "write s3://bucket/key, with the key as it is: not URL-encoded, and 1024 bytes at most";
            return Err(Invalid::new(Code::BadObject, format!("`{text}` is not an object"), help));
        };
        let (bucket, key) = (BucketName::parse(bucket)?, key.to_owned());
        Ok(Self {
            bucket,
            key,
            kind,
            etag: None,
            version: ObjectVersion::default(),
            time: None,
            origin: Origin::Invocation,
            second_purge_of: None,
            verification: None,
        })
    }

    /// The object as `s3://bucket/key`, for messages: control characters are escaped.
    pub fn object(&self) -> String {
        escaped(&format!("s3://{}/{}", self.bucket, self.key))
    }
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// `ObjectCreated:*`.
    Created,
    /// `ObjectRemoved:*` and `LifecycleExpiration:*`.
    Removed,
    /// `ObjectRestore:Completed`.
    Restored,
    /// `ObjectTagging:*`.
    Tagged,
    /// `ObjectAcl:Put`.
    Acl,
}

impl ChangeKind {
    /// All kinds with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("created", Self::Created),
        ("removed", Self::Removed),
        ("restored", Self::Restored),
        ("tagged", Self::Tagged),
        ("acl", Self::Acl),
    ];

    /// A name of S3 for an event of this kind.
    pub(crate) fn event_name(self) -> &'static str {
        match self {
            Self::Created => "ObjectCreated:Put",
            Self::Removed => "ObjectRemoved:Delete",
            Self::Restored => "ObjectRestore:Completed",
            Self::Tagged => "ObjectTagging:Put",
            Self::Acl => "ObjectAcl:Put",
        }
    }

    /// The kind's name in a mapping file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Removed => "removed",
            Self::Restored => "restored",
            Self::Tagged => "tagged",
            Self::Acl => "acl",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a change came from. A failed origin is redelivered or invoked again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The invocation itself: a direct event, which fails or succeeds as a whole.
    Invocation,
    /// An SQS message, by its id.
    Message(ShortText),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invocation => f.write_str("invocation"),
            Self::Message(id) => f.write_str(id),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
