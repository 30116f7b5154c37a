//! Reads an answer: the API's envelope, or a page of something between us and the API.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Meaning, meaning, meaning_without_codes};

/// The code of a malformed `Authorization` header, and those of its causes.
const MALFORMED_TOKEN: [i64; 2] = [6103, 6111];

/// Whether an answer that is not the API's may be quoted in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    Quote,
    /// It may hold a new token.
    Hide,
}

/// An answer without success.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unaccepted {
    pub(crate) meaning: Meaning,
    /// Status, codes and messages. Not redacted yet.
    pub(crate) message: String,
    /// False if something between us and the API answered, which knows nothing about tokens or items.
    pub(crate) is_from_api: bool,
}

/// The part of an answer that counts. `messages` is left out: code 10000 is also in those of successful answers.
#[derive(Deserialize)]
struct Envelope {
    success: bool,
    /// Read as JSON, because one entry of an unknown shape must not hide the others.
    errors: Option<Vec<Value>>,
    #[serde(default)]
    result: Value,
}

/// Reads status and body: the `result` of a successful answer, or why it is not one.
pub(crate) fn read(status: u16, text: &str, retry_after: Option<Duration>, echo: Echo) -> Result<Value, Unaccepted> {
    let Ok(Envelope { success, errors, result }) = serde_json::from_str(text) else {
        let body = match echo {
            Echo::Quote => text,
            Echo::Hide => "not shown, because it may hold a token",
        };
        let message = format!("HTTP {status} without the API's JSON: {body}");
        return Err(Unaccepted { meaning: meaning_without_codes(status, retry_after), message, is_from_api: false });
    };
    // A proxy may answer in Cloudflare's place, so both status and body must say success.
    if success && (200..300).contains(&status) {
        return Ok(result);
    }
    let errors = errors.unwrap_or_default();
    let codes: Vec<i64> = errors.iter().map(code).collect();
    let reasons: Vec<String> = errors.iter().map(describe).collect();
    let reasons = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join(", ") };
    let message = format!("HTTP {status}: {reasons}");
    Err(Unaccepted { meaning: meaning(status, &codes, retry_after), message, is_from_api: true })
}

/// An entry of `errors`: its code, its message and, in parentheses, its causes.
fn describe(error: &Value) -> String {
    let causes = error["error_chain"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |error: &Value| format!("{} {}", code(error), error["message"].as_str().unwrap_or_default());
    if causes.is_empty() {
        return one(error);
    }
    let advice = match causes.iter().any(|cause| MALFORMED_TOKEN.contains(&code(cause))) {
        true => ": the token is malformed",
        false => "",
    };
    format!("{} ({}){advice}", one(error), causes.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// Codes were seen as numbers and as strings; 0 if it is neither.
fn code(error: &Value) -> i64 {
    let code = &error["code"];
    code.as_i64().or_else(|| code.as_str()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(status: u16, text: &str, echo: Echo) -> (Meaning, String) {
        let unaccepted = read(status, text, None, echo).unwrap_err();
        (unaccepted.meaning, unaccepted.message)
    }

    #[test]
    fn success_must_be_in_status_and_body() {
        assert_eq!(read(200, r#"{"success":true,"result":7}"#, None, Echo::Quote), Ok(Value::from(7)));
        for (status, text) in [(500, r#"{"success":true}"#), (200, r#"{"success":false}"#), (200, "<html>")] {
            assert_eq!(message_of(status, text, Echo::Quote).0, Meaning::ServerError, "{status} {text}");
        }
    }

    #[test]
    fn causes_in_the_error_chain_are_shown() {
        for (text, message) in [
            (
                r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers",
                    "error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}]}"#,
                "HTTP 400: 6003 Invalid request headers (6111 Invalid format for Authorization header): \
                 the token is malformed",
            ),
            (
                r#"{"success":false,"errors":[{"code":"7003","message":"a","error_chain":[{"code":1,"message":"b"}]},
                    {"code":7000,"message":"c"}, 5]}"#,
                "HTTP 400: 7003 a (1 b), 7000 c, 0 ",
            ),
            (r#"{"success":false}"#, "HTTP 400: no reason given"),
        ] {
            assert_eq!(message_of(400, text, Echo::Quote).1, message);
        }
    }

    #[test]
    fn an_answer_that_may_hold_a_token_is_not_quoted() {
        assert!(message_of(502, "secret", Echo::Quote).1.contains("secret"));
        assert!(!message_of(502, "secret", Echo::Hide).1.contains("secret"));
    }
}
