//! Points in time as people say them: `in 3 days`, `2 hours ago`.

use time::{Duration, OffsetDateTime};

use crate::print;

/// `in 3 days`, or `2 hours ago` if the time has passed.
pub(super) fn relative(time: OffsetDateTime) -> String {
    let left = time - OffsetDateTime::now_utc();
    if left.is_negative() { age(time) } else { format!("in {}", rounded(left)) }
}

/// `2 hours ago`.
pub(super) fn age(time: OffsetDateTime) -> String {
    format!("{} ago", rounded(OffsetDateTime::now_utc() - time))
}

fn rounded(duration: Duration) -> String {
    let seconds = duration.whole_seconds().unsigned_abs();
    let in_unit =
        |unit: u64, noun: &str| print::count(usize::try_from((seconds + unit / 2) / unit).unwrap_or(usize::MAX), noun);
    match seconds {
        0..120 => in_unit(1, "second"),
        120..7200 => in_unit(60, "minute"),
        7200..172_800 => in_unit(3600, "hour"),
        _ => in_unit(86_400, "day"),
    }
}
