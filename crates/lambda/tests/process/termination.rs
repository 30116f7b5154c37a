//! How the process ends: by SIGTERM, or killed after an answer.

use purge_router_sandbox::{Fault, FaultKind, Sandbox};
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

use crate::function_process::{FunctionProcess, PLENTY, TOKEN, ZONE_ID, failures, sqs};

const VARIABLES: [(&str, &str); 1] = [("CLOUDFLARE_API_KEY", TOKEN)];

fn one_of(key: &str) -> Value {
    sqs(&[s3("www.website.com", [key])])
}

/// How often each message is in the log.
fn count(lines: &[Value], message: &str) -> usize {
    lines.iter().filter(|line| line["message"] == message).count()
}

/// The sum of a metric over the lines for all zones.
fn total(lines: &[Value], metric: &str) -> u64 {
    lines
        .iter()
        .filter(|line| line["_aws"].is_object() && line["zone"].is_null())
        .filter_map(|line| line[metric].as_u64())
        .sum()
}

#[tokio::test]
async fn log_and_metrics_of_an_invocation_are_complete_when_it_answers() {
    let events: Vec<Value> = (0..20).map(|index| one_of(&format!("{index}.css"))).collect();
    let mut process = FunctionProcess::new(&VARIABLES, &events).await;
    for _ in &events {
        assert_eq!(process.answer().await.1, failures(&[]));
    }
    // Lambda freezes or kills the process without a warning.
    let lines = process.printed().await;
    let seen = (count(&lines, "batch"), count(&lines, "event"), total(&lines, "Purged"));
    assert_eq!(seen, (20, 20, 20), "{lines:#?}");
}

#[tokio::test]
async fn sigterm_ends_an_idle_process_with_code_0_and_nothing_is_lost() {
    let mut process = FunctionProcess::new(&VARIABLES, &[one_of("a.css")]).await;
    assert_eq!(process.answer().await.1, failures(&[]));
    process.idle().await;
    let (code, lines) = process.terminate().await;
    assert_eq!(code, Some(0), "{lines:#?}");
    let seen = (count(&lines, "batch"), total(&lines, "Purged"), total(&lines, "ColdStart"));
    assert_eq!(seen, (1, 1, 1), "{lines:#?}");
    assert_eq!(lines.last().unwrap()["message"], "stopped by SIGTERM");
}

#[tokio::test]
async fn sigterm_before_the_first_invocation_keeps_the_cold_start() {
    let process = FunctionProcess::new(&VARIABLES, &[]).await;
    process.idle().await;
    let (code, lines) = process.terminate().await;
    assert_eq!((code, total(&lines, "ColdStart")), (Some(0), 1), "{lines:#?}");
}

#[tokio::test]
async fn after_sigterm_in_mid_invocation_the_log_has_what_was_purged() {
    // Two batches, the second of which is not answered.
    let hang = |sandbox: &Sandbox| {
        let zone_id = Some(ZONE_ID.to_owned());
        sandbox.add_fault(Fault { zone_id, times: Some(1), ..Fault::new(FaultKind::Hang) });
    };
    let keys: Vec<String> = (0..150).map(|index| format!("{index}.css")).collect();
    let mut process = FunctionProcess::within(PLENTY, &VARIABLES, &[sqs(&[s3("www.website.com", keys)])], hang).await;
    process.logged("batch", 1).await;
    process.received(2).await;
    assert!(process.no_answer(), "it is not over");
    let (code, lines) = process.terminate().await;
    assert_eq!((code, count(&lines, "batch")), (Some(0), 1), "{lines:#?}");
    let batch = lines.iter().find(|line| line["message"] == "batch").unwrap();
    assert_eq!((&batch["outcome"], &batch["zone"]), (&json!("purged"), &json!("www.website.com")));
    // It was not answered, so SQS redelivers the message.
    assert_eq!(count(&lines, "event"), 0, "{lines:#?}");
    assert_eq!(total(&lines, "ColdStart"), 1);
}
