//! Cloudflare's answers: the first line is the status, then come headers, an empty line and the body.

use std::time::{Duration, SystemTime};

use purge_router_cloudflare::{ApiToken, Credential, Meaning, read_response, split_advice};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

const TOKEN: &str = "cfut_0123456789012345678901234567890123456789";

pub(crate) fn check(input: &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
    let (head, body) = (&input[..end], input.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok()).unwrap_or(200);
    let headers: HeaderMap = lines.filter_map(header).collect();
    let body = String::from_utf8_lossy(body);
    let credential = Credential::new(None, ApiToken::parse(TOKEN).expect("a token"));
    let read = || read_response(&credential, status, &headers, &body, SystemTime::UNIX_EPOCH);
    let answer = read();
    assert_eq!(answer, read(), "a second reading differs");
    let Err(refusal) = answer else {
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        assert!((200..300).contains(&status), "an answer with status {status} is a success");
        assert!(body.contains("success") || value.is_array() || body.contains("\\u"), "a success that does not say so");
        return;
    };
    let (quoted, advice) = split_advice(&refusal.message);
    assert!(quoted.chars().count() <= 300, "a message is long");
    assert!(advice.is_none_or(|advice| advice.len() <= 300), "an advice is long");
    assert!(!refusal.message.chars().any(char::is_control), "a message has control characters");
    assert!(!refusal.message.contains(TOKEN), "a message has the token");
    if let Meaning::RateLimited { retry_after: Some(delay), .. } = refusal.meaning {
        assert!(delay <= Duration::from_secs(300), "a pause of {delay:?}");
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
}
