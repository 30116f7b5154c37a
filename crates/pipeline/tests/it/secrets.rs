//! Tokens appear nowhere: not in logs, outcomes or reports, even where Cloudflare or a proxy sends them back.

use std::time::Duration;

use purge_router_pipeline::{Backoff, Settings, Status};
use purge_router_sandbox::FaultKind;
use purge_router_test_support::events::s3;

use crate::log::LOG;
use crate::world::{SETTINGS, Setup, fault, parameter, red, sandbox_token, statuses};

/// One as Cloudflare makes them now, one without a prefix that gives it away.
const TOKENS: [&str; 2] = ["cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y", "Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0YuEi8Oa5A"];

/// How much of a token may be seen anywhere.
const LONGEST_PART: usize = 8;

fn assert_hidden(token: &str, place: &str, text: &str) {
    for start in 0..token.len() - LONGEST_PART {
        // The part that all tokens share says nothing.
        let part = &token[start..=start + LONGEST_PART];
        assert!(!text.contains(part), "{place} shows `{part}` of {token}: {text}");
    }
}

/// Runs one purge of which an answer echoes the token, and looks for it wherever something may be read.
async fn assert_echo_is_hidden(token: &str, echo: FaultKind, times: Option<u32>, expected: Status) {
    let start = LOG.length();
    // Waits this long are beyond the deadline: trouble is given up after its first answer.
    let backoff = Backoff { base: Duration::from_secs(600), cap: Duration::from_secs(600) };
    let setup = Setup { teams: red("", ""), settings: Settings { backoff, ..SETTINGS }, ..Setup::default() };
    let world = setup.build().await;
    world.store.set(&parameter("red", "red.com"), token);
    world.sandbox().add_token(sandbox_token(token, "red.com"));
    world.sandbox().add_fault(fault("red.com", echo, times));
    let report = world.run_within(Duration::from_secs(2), &s3("red-files", ["a.css"])).await;
    assert_eq!(statuses(&report), [expected]);
    let log = LOG.text_from(start);
    assert!(log.contains("API request") && log.contains("purge_router_pipeline"), "nothing was collected: {log}");
    assert_hidden(token, "the log", &log);
    assert_hidden(token, "Debug", &format!("{report:?} {:?}", report.outcomes));
    assert_hidden(token, "JSON", &serde_json::to_string(&report).unwrap());
}

fn said(status: u16, code: i64, token: &str) -> FaultKind {
    let message = format!("The token {token} (Bearer {token}) is not good");
    FaultKind::Status { status, code, message, retry_after: None }
}

fn page(status: u16, before: usize, token: &str) -> FaultKind {
    FaultKind::Body { status, body: format!("{}Bearer {token}</html>", "x".repeat(before)) }
}

#[tokio::test]
async fn a_token_that_is_sent_back_is_hidden() {
    for token in TOKENS {
        for (echo, times, expected) in [
            (said(401, 10000, token), None, Status::TokenRefused),
            (said(401, 10000, token), Some(1), Status::Purged),
            (said(403, 9109, token), None, Status::TokenRefused),
            (said(400, 1082, token), None, Status::ItemsRefused),
            (said(404, 7003, token), None, Status::RequestRefused),
            (said(429, 1134, token), None, Status::RateLimited),
            (said(500, 0, token), None, Status::Unreachable),
            (page(502, 0, token), None, Status::Unreachable),
            (page(200, 10, token), None, Status::Unreachable),
        ] {
            assert_echo_is_hidden(token, echo, times, expected).await;
        }
    }
}

#[tokio::test]
async fn a_token_that_an_excerpt_cuts_is_hidden() {
    for token in TOKENS {
        assert_echo_is_hidden(token, page(502, 245, token), None, Status::Unreachable).await;
    }
}
