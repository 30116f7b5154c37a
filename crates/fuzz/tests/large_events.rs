//! Events as large as Lambda takes them. One test, because the counts of memory are the process's.

use purge_router_core::decode;
use purge_router_fuzz::memory;

/// The largest event that Lambda takes.
const EVENT: usize = 6 * 1024 * 1024;
/// The most bytes that decoding may allocate in all, for each byte of the event. It bounds time on any machine.
const WORK_PER_BYTE: usize = 200;

fn record(bucket: &str, key: &str) -> String {
    format!(
        r#"{{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}"#
    )
}

fn records(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

#[test]
fn large_and_nested_events_take_bounded_work_memory_and_text() {
    let many = vec![record("assets", "a/b.css"); EVENT / 170];
    let deep = format!("{}{}", "[".repeat(EVENT / 2), "]".repeat(EVENT / 2));
    let deep_record = records(std::slice::from_ref(&deep));
    let wrong = vec![record("assets", "%zz"); 10_000];
    for (what, event, changes, rejected) in [
        ("many records", records(&many), many.len(), 0),
        ("nesting", deep, 0, 0),
        ("nesting in a record", deep_record, 0, 1),
        ("a long name", records(&[record(&"-".repeat(EVENT), "a")]), 0, 1),
        ("10,000 rejected records", records(&wrong), 0, 10_000),
    ] {
        let before = memory::total();
        let decoded = decode(event.as_bytes()).unwrap_or_default();
        let work = memory::total() - before;
        assert_eq!((decoded.changes.len(), decoded.rejected.len()), (changes, rejected), "{what}");
        assert!(work <= WORK_PER_BYTE * event.len(), "{what}: {work} bytes of {}", event.len());
        let text: usize = decoded.rejected.iter().map(|rejected| rejected.reason.len()).sum();
        assert!(text <= 2 * EVENT && text <= 200 * rejected.max(100), "{what}: {text} bytes of reasons");
    }
    assert!(memory::peak() >= EVENT, "the peak is not counted: {} bytes", memory::peak());
    assert!(memory::peak() <= memory::LIMIT, "{} bytes", memory::peak());
}
