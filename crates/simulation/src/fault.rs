//! The kinds of faults that the models inject, for the report.

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`name` describes them")]
pub enum Fault {
    NoAnswer,
    Reset,
    AnswerLost,
    AnswerCutOff,
    ServerError,
    Html,
    Unsuccessful,
    SlowAnswer,
    RetryAfter,
    NoRetryAfter,
    AllCallsBlocked,
    TokenRefused,
    UnknownZone,
    ItemRefused,
    SsmSlow,
    SsmThrottled,
    TokenMissing,
    DynamoSlow,
    DynamoThrottled,
    DynamoUnprocessed,
    IndexBehind,
    MemoryUnread,
    MemoryUnwritten,
    MemoryAnswerLost,
    LateNotification,
    Malformed,
    DeliveredTwice,
    SendFailed,
    HideFailed,
    Killed,
    ClockSet,
    Frozen,
}

impl Fault {
    /// What happens, in a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoAnswer => "Cloudflare: no answer",
            Self::Reset => "Cloudflare: connection reset, request not carried out",
            Self::AnswerLost => "Cloudflare: connection reset, request carried out",
            Self::AnswerCutOff => "Cloudflare: answer cut off, request carried out",
            Self::ServerError => "Cloudflare: 500",
            Self::Html => "Cloudflare: HTML instead of JSON, with 200 or 502",
            Self::Unsuccessful => "Cloudflare: `success: false` with 200",
            Self::SlowAnswer => "Cloudflare: answer after 2 to 12 s",
            Self::RetryAfter => "Cloudflare: 429 with Retry-After",
            Self::NoRetryAfter => "Cloudflare: 429 without Retry-After",
            Self::AllCallsBlocked => "Cloudflare: all calls blocked",
            Self::TokenRefused => "Cloudflare: token refused",
            Self::UnknownZone => "Cloudflare: unknown zone id",
            Self::ItemRefused => "Cloudflare: item refused",
            Self::SsmSlow => "SSM: slow",
            Self::SsmThrottled => "SSM: throttled",
            Self::TokenMissing => "SSM: no token",
            Self::DynamoSlow => "DynamoDB: slow",
            Self::DynamoThrottled => "DynamoDB: throttled",
            Self::DynamoUnprocessed => "DynamoDB: unprocessed keys",
            Self::IndexBehind => "DynamoDB: index behind the table",
            Self::MemoryUnread => "DynamoDB: last purges not read",
            Self::MemoryUnwritten => "DynamoDB: last purge not written",
            Self::MemoryAnswerLost => "DynamoDB: last purge written, answer lost",
            Self::LateNotification => "S3: notification after 1 to 20 s",
            Self::Malformed => "SQS: message that is no event",
            Self::DeliveredTwice => "SQS: message delivered twice",
            Self::SendFailed => "SQS: message not taken",
            Self::HideFailed => "SQS: visibility not changed",
            Self::Killed => "Lambda: instance killed in an invocation",
            Self::ClockSet => "Lambda: wall clock set",
            Self::Frozen => "Lambda: all instances frozen",
        }
    }
}
