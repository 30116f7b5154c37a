//! How much a team may ask for, and how much an event may hold. One small process reads and plans what all teams write,
//! so no team may take what the others need.

use std::collections::BTreeMap;

/// The longest text in a list of a mapping or a zone, and the longest `add_prefix`: as long as the key of an object, in
/// bytes.
pub const TEXT: usize = 1024;

/// The most values in a list of hostnames or query strings.
pub const VALUES: usize = 1000;

/// The most values in any other list.
pub const FEW_VALUES: usize = 100;

/// The most tests of one team. Each is planned as an event of its own.
pub const TESTS: usize = 1000;

/// The longest item that a test names, in bytes: a URL of a hostname, an `add_prefix`, and a key with each byte encoded.
pub const TEST_ITEM: usize = 8192;

/// The most URLs that one path of a mapping may lead to: hostnames × schemes × query strings × sets of headers.
pub const URLS_OF_A_PATH: usize = 10_000;

/// The length of a usual path with its spellings, in bytes, by which a mapping's URLs are estimated.
pub const USUAL_PATH: usize = 400;

/// The most fields in one template of a path.
pub const PATH_FIELDS: usize = 4;

/// How many folders are above a usual key, by which the URLs of listings are estimated.
pub const USUAL_DEPTH: usize = 8;

/// The most mappings of one team in one bucket.
pub const MAPPINGS: usize = 10_000;

/// The most zones that these may name.
pub const ZONES: usize = 1000;

/// The most bytes of all patterns of these, where mappings with equal lists count once. Compiled, a pattern may take 200
/// times its length.
pub const PATTERNS: usize = 256 * 1024;

/// The most bytes of the rows of these that are read, and of the rows of zones that are read together. A value takes
/// much more memory than its text, so each has an overhead.
pub const ROWS: usize = 16 * 1024 * 1024;

/// What a value of a row takes besides its text, in bytes.
pub const VALUE_OVERHEAD: usize = 64;

/// The most bytes of all purges of one event, which its teams share. One more hit may exceed it.
pub const EVENT: usize = 64 * 1024 * 1024;

/// What an item takes besides its text, in bytes.
pub const ITEM_OVERHEAD: usize = 256;

/// What a change takes for each mapping that accepts it, besides paths and items, in bytes.
pub const HIT_OVERHEAD: usize = 192;

/// What one more change takes that asks for an item which others ask for too, in bytes.
pub const ORIGIN_OVERHEAD: usize = 32;

/// What it takes to count a path of a mapping that may escalate, in bytes.
pub const COUNTED_PATH: usize = 16;

/// The most work for one team in one event: bytes of patterns that changes are compared with, and of the paths and tags
/// that are written for them.
pub const WORK: usize = 128 * 1024 * 1024;

/// What comparing with a mapping takes besides its patterns, in such bytes.
pub const MATCHING_OVERHEAD: usize = 8;

/// How many reasons are reported for each change and team, why it purges less than its mappings ask for.
pub const REASONS: usize = 10;

/// The longest `again_after`, in seconds. SQS delays a message for no longer.
pub const AGAIN_AFTER: u16 = 900;

/// How many URLs of one team and event are verified.
pub const SAMPLED_URLS: usize = 10;

/// The longest ETag that is compared, in bytes. S3's have 32 digits, and those of multipart uploads a few more.
pub const ETAG: usize = 128;

/// The most environments of a zone. Each has all its purges once more.
pub const ENVIRONMENTS: usize = 5;

/// The most headers in a set.
pub const HEADERS: usize = 10;

/// The bytes that a set of headers takes.
pub fn of_headers(set: &BTreeMap<String, String>) -> usize {
    const HEADER_OVERHEAD: usize = 64;
    set.iter().map(|(name, value)| HEADER_OVERHEAD + name.len() + value.len()).sum()
}
