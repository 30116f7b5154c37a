//! Each name of each vendor's documents.

use super::*;

#[test]
fn names_of_s3() {
    for (name, meaning) in [
        ("ObjectCreated:Put", Some(Change(Created))),
        ("s3:ObjectCreated:CompleteMultipartUpload", Some(Change(Created))),
        ("ObjectCreated:SomethingNew", Some(Change(Created))),
        ("ObjectRemoved:DeleteMarkerCreated", Some(Change(Removed))),
        ("LifecycleExpiration:Delete", Some(Change(Removed))),
        ("LifecycleExpiration:DeleteMarkerCreated", Some(Change(Removed))),
        ("LifecycleTransition", Some(Nothing)),
        ("IntelligentTiering", Some(Nothing)),
        ("ObjectRestore:Completed", Some(Change(Restored))),
        ("ObjectRestore:Post", Some(Nothing)),
        ("ObjectTagging:Put", Some(Change(Tagged))),
        ("ObjectTagging:Delete", Some(Change(Tagged))),
        ("ObjectAcl:Put", Some(Change(Acl))),
        ("ObjectAnnotation:Put", Some(Nothing)),
        ("ReducedRedundancyLostObject", Some(Nothing)),
        ("Replication:OperationFailedReplication", Some(Nothing)),
        ("Replication:Create", Some(Nothing)),
        ("s3:ObjectAccessed:Get", Some(Nothing)),
        ("s3:ObjectAccessed:Put", None),
        ("s3:ObjectFrozen:Put", None),
        ("ObjectSynced:Create", None),
        ("ObjectLifecycle:Expiration:Current", None),
        ("ObjectCreatedX:Put", None),
        ("ObjectCreated", None),
        ("", None),
    ] {
        assert_eq!(meaning_of_event_name(Vendor::Aws, name), meaning, "{name}");
    }
}

#[test]
fn names_of_vendors() {
    use Vendor::{Ceph, Minio, Other, RustFs, Scality};
    for (vendor, name, meaning) in [
        (Minio, "s3:ObjectCreated:PutTagging", Some(Change(Tagged))),
        (Minio, "s3:ObjectCreated:DeleteTagging", Some(Change(Tagged))),
        (Minio, "s3:ObjectCreated:PutRetention", Some(Nothing)),
        (Minio, "s3:ObjectCreated:PutLegalHold", Some(Nothing)),
        (Minio, "s3:ObjectCreated:PutSomething", None),
        (Minio, "s3:ObjectRemoved:DeleteMarkerCreated", Some(Change(Removed))),
        (Minio, "s3:ObjectRemoved:DeleteAllVersions", Some(Change(Removed))),
        (Minio, "s3:ObjectRemoved:NoOP", Some(Nothing)),
        (Minio, "s3:LifecycleDelMarkerExpiration:Delete", Some(Nothing)),
        (Minio, "s3:Replication:OperationCompletedReplication", Some(Nothing)),
        (Minio, "s3:ObjectAccessed:Head", Some(Nothing)),
        (Minio, "s3:BucketRemoved:*", Some(WholeBucket)),
        (RustFs, "s3:ObjectCreated:PutLegalHold", Some(Nothing)),
        (RustFs, "s3:ObjectTagging:Put", Some(Change(Tagged))),
        (Ceph, "ObjectSynced:Create", Some(Change(Created))),
        (Ceph, "s3:ObjectSynced:Delete", Some(Change(Removed))),
        (Ceph, "ObjectSynced:DeletionMarkerCreated", Some(Change(Removed))),
        (Ceph, "Replication:Create", Some(Change(Created))),
        (Ceph, "s3:Replication:Delete", Some(Change(Removed))),
        (Ceph, "ObjectLifecycle:Expiration:Current", Some(Change(Removed))),
        (Ceph, "ObjectLifecycle:Expiration:AbortMPU", Some(Nothing)),
        (Ceph, "ObjectLifecycle:Transition:Current", Some(Nothing)),
        (Ceph, "s3:UnknownEvent", None),
        (Ceph, "ObjectSynced:*", None),
        (Scality, "s3:ObjectRestore:Retry", Some(Nothing)),
        (Scality, "s3:ObjectCreated:Put", Some(Change(Created))),
        (Scality, "s3:ObjectSynced:Create", None),
        (Other, "ObjectCreated:Copy", Some(Change(Created))),
        (Other, "s3:ObjectCreated:PutRetention", Some(Nothing)),
        (Other, "s3:ObjectCreated:Append", None),
    ] {
        assert_eq!(meaning_of_event_name(vendor, name), meaning, "{vendor:?} {name}");
    }
}
