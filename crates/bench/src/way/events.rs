//! Events with all fields that AWS sends, and mapping files for them.

use serde_json::{Value, json};

/// How many mappings a bucket has, each of a folder of its own.
const MAPPINGS_PER_BUCKET: usize = 10;

/// A mapping file with a team for each bucket.
pub(crate) fn mapping_file(mappings: usize) -> String {
    let team = |bucket: usize| {
        let mapping = |folder: usize| {
            format!(
                "[[teams.team-{bucket}.mappings]]\nsource = \"s3://bucket-{bucket}/folder-{folder}/\"\n\
                 zones = [\"site-{bucket}.com\"]\ninclude = [\"*.{{css,js,html,png}}\"]\nexclude = [\"*.tmp\"]\n"
            )
        };
        format!(
            "[teams.team-{bucket}]\nowns = [\"s3://bucket-{bucket}/\"]\n[teams.team-{bucket}.zones.\"site-{bucket}.com\"]\n\
             zone_id = \"{bucket:032x}\"\nhostnames = [\"www.site-{bucket}.com\"]\nplan = \"pro\"\n{}",
            (0..MAPPINGS_PER_BUCKET).map(mapping).collect::<String>()
        )
    };
    format!("version = 1\n{}", (0..mappings / MAPPINGS_PER_BUCKET).map(team).collect::<String>())
}

/// The kinds of events that are measured.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A batch of SQS messages, each with one record of S3.
    Sqs,
    /// A batch of SQS messages, each with an event of EventBridge.
    SqsEventBridge,
    /// Records of S3, directly.
    S3,
    /// An event of EventBridge, directly: always one object.
    EventBridge,
}

/// An event of so many objects, in the buckets of this many mappings in turn. Every tenth repeats the one before it.
pub(crate) fn event(kind: Kind, objects: usize, mappings: usize) -> String {
    let objects = (0..objects).map(|index| if index % 10 == 9 { index - 1 } else { index });
    let mut objects = objects.map(|index| Object::new(index, mappings / MAPPINGS_PER_BUCKET));
    let list = |records: Vec<Value>| json!({ "Records": records });
    let message = |(index, body): (usize, Value)| message(index, &body.to_string());
    let event = match kind {
        Kind::Sqs => list(objects.map(|object| list(vec![object.record()])).enumerate().map(message).collect()),
        Kind::SqsEventBridge => list(objects.map(|object| object.eventbridge()).enumerate().map(message).collect()),
        Kind::S3 => list(objects.map(|object| object.record()).collect()),
        Kind::EventBridge => objects.next().unwrap().eventbridge(),
    };
    event.to_string()
}

struct Object {
    bucket: String,
    key: String,
}

impl Object {
    fn new(index: usize, buckets: usize) -> Self {
        let name = match index % 5 {
            0 => "index.html".to_owned(),
            rest => format!("app-{index}.{}", ["css", "js", "png", "html"][rest - 1]),
        };
        let folder = index / buckets % MAPPINGS_PER_BUCKET;
        Self {
            bucket: format!("bucket-{}", index % buckets),
            key: format!("folder-{folder}/assets/v{index:06}/{name}"),
        }
    }

    /// As in <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
    fn record(&self) -> Value {
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-west-1",
            "eventTime": "2026-11-02T09:30:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "AWS:AROAEXAMPLEEXAMPLE:deploy" },
            "requestParameters": { "sourceIPAddress": "203.0.113.7" },
            "responseElements": {
                "x-amz-request-id": "C3D13FE58DE4C810",
                "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "purge-router",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": "A3NL1KOZZKEXAMPLE" },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": {
                    "key": self.key,
                    "size": 1024,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "sequencer": "0055AED6DCD90281E5",
                },
            },
        })
    }

    /// As in <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
    fn eventbridge(&self) -> Value {
        json!({
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2026-11-02T09:30:00Z",
            "region": "eu-west-1",
            "resources": [format!("arn:aws:s3:::{}", self.bucket)],
            "detail": {
                "version": "0",
                "bucket": { "name": self.bucket },
                "object": {
                    "key": self.key,
                    "size": 1024,
                    "etag": "d41d8cd98f00b204e9800998ecf8427e",
                    "sequencer": "0055AED6DCD90281E5",
                },
                "request-id": "N4N7GDK58NMKJ12R",
                "requester": "111122223333",
                "source-ip-address": "203.0.113.7",
                "reason": "PutObject",
            },
        })
    }
}

/// As in <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.
fn message(index: usize, body: &str) -> Value {
    json!({
        "messageId": format!("{index:08}-0ea4-451a-a703-a558b933e274"),
        "receiptHandle": "AQEBzWwaftRI0KuVm4tP+/7q1rGgNqicHqExample1==",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1793611800500",
            "SenderId": "AROAEXAMPLEEXAMPLE:S3-PROD-END",
            "ApproximateFirstReceiveTimestamp": "1793611800510",
        },
        "messageAttributes": {},
        "md5OfBody": "a3d691533eb70517fc7313ac3c62406e",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:purge-router",
        "awsRegion": "eu-west-1",
    })
}
