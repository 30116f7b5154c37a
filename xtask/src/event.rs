//! `event`: a large SQS batch for `mappings.example.toml`.

use crate::process::{TaskResult, print_result};

/// Prints an SQS batch of this many messages. The messages change objects of two teams in turn. Every tenth repeats the
/// object of the message before it, and every hundredth is of a bucket without mappings.
pub(crate) fn print(messages: &str) -> TaskResult {
    let messages: usize =
        messages.parse().map_err(|error| format!("`{messages}` is not a number of messages: {error}"))?;
    let records: Vec<String> = (0..messages).map(record).collect();
    print_result(&format!("{{\"Records\":[{}]}}", records.join(",\n")));
    Ok(())
}

fn record(index: usize) -> String {
    let object = if index % 10 == 9 { index - 1 } else { index };
    let (bucket, key) = match (index % 100 == 50, object % 2) {
        (true, _) => ("unmapped-bucket", format!("{object}.css")),
        (false, 0) => ("assets.website.com", format!("uk/css/{object}.css")),
        (false, _) => ("shared-media", format!("web/photos/{object}.jpg")),
    };
    let body = format!(
        r#"{{"Records":[{{"eventVersion":"2.6","eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-02T09:30:00.000Z","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}]}}"#
    );
    let body = body.replace('"', r#"\""#);
    format!(r#"{{"messageId":"message-{index}","eventSource":"aws:sqs","body":"{body}"}}"#)
}
