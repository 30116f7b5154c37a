//! What the names of events mean: of S3 and of vendors that write S3's records, of EventBridge and of CloudTrail.
//!
//! A name that no table has is rejected, because it may change what is served. Sources:
//!
//! | names of | source |
//! | --- | --- |
//! | AWS | `AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html`, `AmazonS3/latest/API` (`Event`), `AmazonS3/latest/userguide/EventBridge.html` |
//! | MinIO | `docs/bucket/notifications/README.md` and `internal/event/name.go` of minio/minio |
//! | Ceph | `docs.ceph.com/en/latest/radosgw/s3-notification-compatibility` |
//! | RustFS | `docs.rustfs.com/operations/event-notifications`, `crates/s3-types/src/event_name.rs` of rustfs/rustfs |
//! | Scality | `extensions/notification` of scality/backbeat |
//! | StorageGRID | `docs.netapp.com/us-en/storagegrid/tenant/understanding-notifications-for-buckets.html` |

use crate::model::change::ChangeKind;
use crate::model::change::ChangeKind::{Acl, Created, Removed, Restored, Tagged};
use crate::model::suggest::nearest;

/// What an event means for what is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Change(ChangeKind),
    /// What is served stays the same.
    Nothing,
    /// It may change what all objects of the bucket serve, and names none of them.
    WholeBucket,
}

use Meaning::{Change, Nothing, WholeBucket};

/// Who wrote a record of S3's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vendor {
    /// S3 itself, and LocalStack, which writes the same.
    Aws,
    Minio,
    Ceph,
    /// Its names are MinIO's.
    RustFs,
    Scality,
    /// Another vendor, such as StorageGRID, Wasabi and SeaweedFS, or one that does not say who it is.
    Other,
}

impl Vendor {
    /// By the `eventSource` of a record; some leave it out.
    pub(super) fn of_source(source: &str) -> Self {
        match source {
            "aws:s3" => Self::Aws,
            "minio:s3" => Self::Minio,
            "ceph:s3" => Self::Ceph,
            "rustfs:s3" => Self::RustFs,
            "scality:s3" => Self::Scality,
            _ => Self::Other,
        }
    }

    /// Whether it form-encodes the keys of its records, as S3 does. For the others it is not documented, or releases
    /// differ.
    pub(super) fn form_encodes_keys(self) -> bool {
        matches!(self, Self::Aws | Self::Minio | Self::RustFs)
    }

    /// Whether the records of a version have the form that we read. Scality counts from 0.1.
    pub(super) fn has_version(self, version: &str) -> bool {
        match version.split('.').next() {
            Some("2") => true,
            Some("0" | "1") => self == Self::Scality,
            _ => false,
        }
    }
}

/// The names that only this vendor has.
fn names_of(vendor: Vendor) -> &'static [(&'static str, Meaning)] {
    match vendor {
        Vendor::Minio | Vendor::RustFs => MINIO,
        Vendor::Ceph => CEPH,
        Vendor::Scality => SCALITY,
        Vendor::Aws | Vendor::Other => &[],
    }
}

/// What a name means, with or without its `s3:`; `None` if it is unknown.
pub(super) fn meaning_of_event_name(vendor: Vendor, name: &str) -> Option<Meaning> {
    let name = name.strip_prefix("s3:").unwrap_or(name);
    let of_vendor = names_of(vendor);
    let in_table = |table: &[(&str, Meaning)]| Some(table.iter().find(|(known, _)| *known == name)?.1);
    match vendor {
        Vendor::Aws => in_table(S3).or_else(|| meaning_of_family(name)),
        Vendor::Other => in_table(S3).or_else(|| in_table(MINIO)).or_else(|| in_table(SCALITY)),
        _ => in_table(of_vendor).or_else(|| in_table(S3)),
    }
}

/// The name that may have been meant, without its `s3:`.
pub(super) fn near_event_name(vendor: Vendor, name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("s3:").unwrap_or(name);
    let mut known = S3.iter().chain(names_of(vendor)).map(|(known, _)| *known);
    let same_letters = known.clone().find(|known| known.eq_ignore_ascii_case(name));
    // `Put` and `PutObject` are what the calls of S3's API are named.
    let of_call = name.strip_suffix("Object").unwrap_or(name);
    same_letters
        .or_else(|| nearest(name, known.clone()))
        .or_else(|| known.find(|known| known.split_once(':').is_some_and(|(_, call)| call == of_call)))
}

/// AWS adds names within its documented families.
fn meaning_of_family(name: &str) -> Option<Meaning> {
    match name.split_once(':')?.0 {
        "ObjectCreated" => Some(Change(Created)),
        "ObjectRemoved" | "LifecycleExpiration" => Some(Change(Removed)),
        "ObjectTagging" => Some(Change(Tagged)),
        "Replication" => Some(Nothing),
        _ => None,
    }
}

/// AWS's names, most of which vendors share.
const S3: &[(&str, Meaning)] = &[
    ("ObjectCreated:Put", Change(Created)),
    ("ObjectCreated:Post", Change(Created)),
    ("ObjectCreated:Copy", Change(Created)),
    ("ObjectCreated:CompleteMultipartUpload", Change(Created)),
    ("ObjectRemoved:Delete", Change(Removed)),
    ("ObjectRemoved:DeleteMarkerCreated", Change(Removed)),
    ("LifecycleExpiration:Delete", Change(Removed)),
    ("LifecycleExpiration:DeleteMarkerCreated", Change(Removed)),
    ("ObjectRestore:Completed", Change(Restored)),
    ("ObjectTagging:Put", Change(Tagged)),
    ("ObjectTagging:Delete", Change(Tagged)),
    ("ObjectAcl:Put", Change(Acl)),
    ("TestEvent", Nothing),
    ("ObjectRestore:Post", Nothing),
    ("ObjectRestore:Delete", Nothing),
    ("ObjectAnnotation:Put", Nothing),
    ("ObjectAnnotation:Delete", Nothing),
    ("ReducedRedundancyLostObject", Nothing),
    ("Replication:OperationFailedReplication", Nothing),
    ("Replication:OperationCompletedReplication", Nothing),
    ("Replication:OperationMissedThreshold", Nothing),
    ("Replication:OperationReplicatedAfterThreshold", Nothing),
    ("Replication:OperationNotTracked", Nothing),
    ("LifecycleTransition", Nothing),
    ("IntelligentTiering", Nothing),
    ("ObjectRetention:Put", Nothing),
    ("ObjectLegalHold:Put", Nothing),
    // Only MinIO documents these, but what writes S3's records in front of a bucket uses them, too: they are reads.
    ("ObjectAccessed:Get", Nothing),
    ("ObjectAccessed:Head", Nothing),
    ("ObjectAccessed:GetRetention", Nothing),
    ("ObjectAccessed:GetLegalHold", Nothing),
    ("ObjectAccessed:Attributes", Nothing),
];

/// MinIO files what changes only metadata under `ObjectCreated`.
const MINIO: &[(&str, Meaning)] = &[
    ("ObjectCreated:PutTagging", Change(Tagged)),
    ("ObjectCreated:DeleteTagging", Change(Tagged)),
    ("ObjectRemoved:DeleteAllVersions", Change(Removed)),
    ("ObjectCreated:PutRetention", Nothing),
    ("ObjectCreated:PutLegalHold", Nothing),
    // There was no such object.
    ("ObjectRemoved:NoOP", Nothing),
    // A delete marker is removed that has no versions below it.
    ("LifecycleDelMarkerExpiration:Delete", Nothing),
    ("ObjectTransition:Failed", Nothing),
    ("ObjectTransition:Complete", Nothing),
    ("BucketCreated:*", Nothing),
    // A bucket can be removed with all its objects (`mc rb --force`), for which there are no events.
    ("BucketRemoved:*", WholeBucket),
    ("Scanner:ManyVersions", Nothing),
    ("Scanner:LargeVersions", Nothing),
    ("Scanner:BigPrefix", Nothing),
];

/// What another zone of Ceph wrote arrives as synced, or as replicated.
const CEPH: &[(&str, Meaning)] = &[
    ("ObjectSynced:Create", Change(Created)),
    ("ObjectSynced:Delete", Change(Removed)),
    ("ObjectSynced:DeletionMarkerCreated", Change(Removed)),
    ("Replication:Create", Change(Created)),
    ("Replication:Delete", Change(Removed)),
    ("Replication:DeletionMarkerCreated", Change(Removed)),
    ("ObjectLifecycle:Expiration:Current", Change(Removed)),
    ("ObjectLifecycle:Expiration:NonCurrent", Change(Removed)),
    ("ObjectLifecycle:Expiration:Noncurrent", Change(Removed)),
    ("ObjectLifecycle:Expiration:DeleteMarker", Change(Removed)),
    ("ObjectLifecycle:Expiration:AbortMultipartUpload", Nothing),
    ("ObjectLifecycle:Expiration:AbortMPU", Nothing),
    ("ObjectLifecycle:Transition:Current", Nothing),
    ("ObjectLifecycle:Transition:NonCurrent", Nothing),
    ("ObjectLifecycle:Transition:Noncurrent", Nothing),
];

const SCALITY: &[(&str, Meaning)] = &[("ObjectRestore:Retry", Nothing)];

/// What EventBridge's `detail-type` of the source `aws.s3` means; `None` if it is unknown.
pub(super) fn meaning_of_detail_type(detail_type: &str) -> Option<Meaning> {
    match detail_type {
        "Object Created" => Some(Change(Created)),
        "Object Deleted" => Some(Change(Removed)),
        "Object Restore Completed" => Some(Change(Restored)),
        "Object Tags Added" | "Object Tags Deleted" => Some(Change(Tagged)),
        "Object ACL Updated" => Some(Change(Acl)),
        "Object Restore Initiated"
        | "Object Restore Expired"
        | "Object Storage Class Changed"
        | "Object Access Tier Changed" => Some(Nothing),
        _ => None,
    }
}

/// What a call of S3's API means, as CloudTrail reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallMeaning {
    Change(ChangeKind),
    /// `DeleteObjects`, which mostly does not say of which objects.
    DeleteMany,
    /// What is served stays the same.
    Nothing,
    /// A setting of the bucket that decides what its objects serve.
    WholeBucket,
}

/// `None` if the call is unknown. One that only reads says so in its record (`readOnly`).
pub(super) fn meaning_of_call(name: &str) -> Option<CallMeaning> {
    match name {
        "PutObject" | "PostObject" | "CopyObject" | "CompleteMultipartUpload" => Some(CallMeaning::Change(Created)),
        "DeleteObject" => Some(CallMeaning::Change(Removed)),
        "PutObjectTagging" | "DeleteObjectTagging" => Some(CallMeaning::Change(Tagged)),
        "PutObjectAcl" => Some(CallMeaning::Change(Acl)),
        "DeleteObjects" => Some(CallMeaning::DeleteMany),
        "PutBucketPolicy"
        | "DeleteBucketPolicy"
        | "PutBucketAcl"
        | "PutBucketWebsite"
        | "DeleteBucketWebsite"
        | "PutBucketCors"
        | "DeleteBucketCors"
        | "PutBucketPublicAccessBlock"
        | "DeleteBucketPublicAccessBlock" => Some(CallMeaning::WholeBucket),
        _ if CALLS_THAT_CHANGE_NOTHING.contains(&name) => Some(CallMeaning::Nothing),
        _ => None,
    }
}

const CALLS_THAT_CHANGE_NOTHING: &[&str] = &[
    "GetObject",
    "HeadObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetObjectTorrent",
    "SelectObjectContent",
    "WriteGetObjectResponse",
    "ListParts",
    "ListObjects",
    "ListObjectVersions",
    "HeadBucket",
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "AbortMultipartUpload",
    "RestoreObject",
    "PutObjectRetention",
    "PutObjectLegalHold",
    "PutObjectAnnotation",
    "DeleteObjectAnnotation",
    "CreateBucket",
    // Only an empty bucket can be deleted.
    "DeleteBucket",
    "PutBucketTagging",
    "DeleteBucketTagging",
    "PutBucketLogging",
    "PutBucketNotification",
    "PutBucketVersioning",
    "PutBucketLifecycle",
    "DeleteBucketLifecycle",
    "PutBucketReplication",
    "DeleteBucketReplication",
    "PutBucketEncryption",
    "DeleteBucketEncryption",
    "PutBucketOwnershipControls",
    "PutBucketRequestPayment",
    "PutAccelerateConfiguration",
    "PutAnalyticsConfiguration",
    "DeleteAnalyticsConfiguration",
    "PutInventoryConfiguration",
    "DeleteInventoryConfiguration",
    "PutMetricsConfiguration",
    "DeleteMetricsConfiguration",
    "PutBucketObjectLockConfiguration",
];

#[cfg(test)]
mod tests;
