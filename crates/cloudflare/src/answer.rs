//! Reads an answer: the API's envelope, or a page of something between us and the API.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::advice::{PLAN_LACKS, advice};
use crate::error::{Meaning, is_known, meaning, meaning_without_codes};

/// What an answer is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Its refusals have advice.
    Purge,
    /// The answer may hold a new token, so it is not quoted if it is not the API's.
    Tokens,
}

/// An answer without success.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unaccepted {
    pub(crate) meaning: Meaning,
    /// Status, codes and messages. Not redacted yet.
    pub(crate) message: String,
    /// What to do about a refused purge.
    pub(crate) advice: Option<&'static str>,
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
pub(crate) fn read(status: u16, text: &str, retry_after: Option<Duration>, call: Call) -> Result<Value, Unaccepted> {
    let Ok(Envelope { success, errors, result }) = serde_json::from_str(text) else {
        let body = match call {
            Call::Purge => text,
            Call::Tokens => "not shown, because it may hold a token",
        };
        let message = format!("HTTP {status} without the API's JSON: {body}");
        let meaning = meaning_without_codes(status, retry_after);
        return Err(Unaccepted { meaning, message, advice: None, is_from_api: false });
    };
    // A proxy may answer in Cloudflare's place, so both status and body must say success.
    if success && (200..300).contains(&status) {
        return Ok(result);
    }
    let errors = errors.unwrap_or_default();
    let causes: Vec<&Value> = errors.iter().flat_map(all_causes).collect();
    let mut codes: Vec<i64> = errors.iter().map(code).collect();
    if !codes.iter().any(|code| is_known(*code)) {
        codes.extend(causes.iter().map(|cause| code(cause)));
    }
    let advice = match call {
        Call::Purge => advice(status, causes.into_iter().chain(&errors).map(|error| (code(error), message(error)))),
        Call::Tokens => None,
    };
    let reasons: Vec<String> = errors.iter().map(describe).collect();
    let reasons = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join(", ") };
    let message = format!("HTTP {status}: {reasons}");
    let meaning = match meaning(status, &codes, retry_after) {
        // No item is wrong, whatever the code is.
        Meaning::Unclear if message.to_lowercase().contains(PLAN_LACKS) => Meaning::RequestRefused,
        meaning => meaning,
    };
    Err(Unaccepted { meaning, message, advice, is_from_api: true })
}

/// An entry of `errors`: its code, its message and, in parentheses, its causes.
fn describe(error: &Value) -> String {
    let one = format!("{} {}", code(error), message(error));
    match causes(error) {
        [] => one,
        causes => format!("{one} ({})", causes.iter().map(describe).collect::<Vec<_>>().join(", ")),
    }
}

/// Its causes, each of which may have causes of its own.
fn causes(error: &Value) -> &[Value] {
    error["error_chain"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Its causes and theirs, the first ones last.
fn all_causes(error: &Value) -> Vec<&Value> {
    causes(error).iter().flat_map(|cause| all_causes(cause).into_iter().chain([cause])).collect()
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap_or_default()
}

/// Codes were seen as numbers and as strings; 0 if it is neither.
fn code(error: &Value) -> i64 {
    let code = &error["code"];
    code.as_i64().or_else(|| code.as_str()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(status: u16, text: &str, call: Call) -> (Meaning, String) {
        let unaccepted = read(status, text, None, call).unwrap_err();
        (unaccepted.meaning, unaccepted.message)
    }

    #[test]
    fn success_must_be_in_status_and_body() {
        assert_eq!(read(200, r#"{"success":true,"result":7}"#, None, Call::Purge), Ok(Value::from(7)));
        for (status, text) in [(500, r#"{"success":true}"#), (200, r#"{"success":false}"#), (200, "<html>")] {
            assert_eq!(message_of(status, text, Call::Purge).0, Meaning::ServerError, "{status} {text}");
        }
    }

    #[test]
    fn causes_in_the_error_chain_are_shown() {
        for (text, message) in [
            (
                r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers",
                    "error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}]}"#,
                "HTTP 400: 6003 Invalid request headers (6111 Invalid format for Authorization header)",
            ),
            (
                r#"{"success":false,"errors":[{"code":"7003","message":"a","error_chain":[{"code":1,"message":"b"}]},
                    {"code":7000,"message":"c"}, 5]}"#,
                "HTTP 400: 7003 a (1 b), 7000 c, 0 ",
            ),
            (
                r#"{"success":false,"errors":[{"code":1,"message":"a","error_chain":[{"code":2,"message":"b",
                    "error_chain":[{"code":3,"message":"c"}]},{"code":4,"message":"d"}]}]}"#,
                "HTTP 400: 1 a (2 b (3 c), 4 d)",
            ),
            (r#"{"success":false}"#, "HTTP 400: no reason given"),
        ] {
            assert_eq!(message_of(400, text, Call::Purge).1, message);
        }
    }

    #[test]
    fn a_cause_counts_if_its_error_has_no_meaning() {
        for (code, cause, meaning) in [
            (6003, 6111, Meaning::TokenRefused),
            (1, 6111, Meaning::TokenRefused),
            (1, 7003, Meaning::RequestRefused),
            (1, 1107, Meaning::RequestRefused),
            // The error itself is about the request, whatever led to it.
            (1107, 10000, Meaning::RequestRefused),
            (1, 2, Meaning::Unclear),
        ] {
            let error = serde_json::json!({"code": code, "error_chain": [{"code": cause}]});
            let text = serde_json::json!({"success": false, "errors": [error]}).to_string();
            assert_eq!(message_of(400, &text, Call::Purge).0, meaning, "{code} because of {cause}");
        }
    }

    #[test]
    fn what_the_plan_lacks_is_no_fault_of_an_item() {
        let text = r#"{"success":false,"errors":[{"code":1,"message":"Only enterprise zones can purge by host."}]}"#;
        assert_eq!(message_of(400, text, Call::Purge).0, Meaning::RequestRefused);
    }

    #[test]
    fn only_a_refused_purge_has_advice() {
        let text = r#"{"success":false,"errors":[{"code":6003,"error_chain":[{"code":6111}]}]}"#;
        let advice = |status, text, call| read(status, text, None, call).unwrap_err().advice;
        assert!(advice(400, text, Call::Purge).unwrap().starts_with("the token is malformed"));
        assert_eq!(advice(400, text, Call::Tokens), None);
        assert_eq!(advice(403, "<html>6111</html>", Call::Purge), None);
    }

    #[test]
    fn an_answer_that_may_hold_a_token_is_not_quoted() {
        assert!(message_of(502, "secret", Call::Purge).1.contains("secret"));
        assert!(!message_of(502, "secret", Call::Tokens).1.contains("secret"));
    }
}
