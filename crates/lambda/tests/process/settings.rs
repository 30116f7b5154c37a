//! The start of the process.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::function_process::{PLENTY, ZONE_ID, bootstrap};

/// Runs the process until it ends.
async fn output(command: &mut Command) -> Output {
    timeout(PLENTY, command.output()).await.unwrap().unwrap()
}

const ZONE: (&str, &str) = ("CLOUDFLARE_ZONE_ID", ZONE_ID);
const GOOD: (&str, &str) = ("MAPPINGS_FILE", "good.toml");
const DELAY_QUEUE: (&str, &str) = ("DELAY_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/delay");
const DELAY_CONCURRENCY: (&str, &str) = ("DELAY_CONCURRENCY", "2");
const VERIFY_HOSTS_ERROR: &str = "VERIFY_HOSTS: `*` is not a hostname or `*.` and a domain: write such as";

/// Variables → a part of the error.
const WRONG_SETTINGS: &[(&[(&str, &str)], &str)] = &[
    (
        &[],
        "neither MAPPINGS_TABLE nor MAPPINGS_FILE is set, and of the single-zone script's variables: CLOUDFLARE_ZONE_ID is not set (set it \
             to the zone's id) | neither CLOUDFLARE_API_KEY nor CLOUDFLARE_API_KEY_SSMPATH is set (set one of them, as \
             for the script)",
    ),
    (
        &[("MAPPINGS_TABLE", "my table")],
        "MAPPINGS_TABLE: `my table` is not a table name: use 3 to 255 letters, digits, `_`, `-` or `.`",
    ),
    (&[GOOD, ("MAPPINGS_TABLE", "purge-router")], "MAPPINGS_TABLE and MAPPINGS_FILE are both set: set one of them"),
    (&[("MAPPINGS_FILE", "none.toml")], "MAPPINGS_FILE: can't read PACKAGE/none.toml: No such file or directory"),
    (
        &[("MAPPINGS_FILE", "latin.toml")],
        "MAPPINGS_FILE: can't read PACKAGE/latin.toml: stream did not contain valid UTF-8",
    ),
    (
        &[("MAPPINGS_FILE", "empty.toml")],
        "MAPPINGS_FILE: `purge-router check --mappings empty.toml` shows what is wrong: the file: ",
    ),
    (&[("MAPPINGS_FILE", "bad.toml")], "is not a Cloudflare id [bad-cloudflare-id]; copy the 32 hexadecimal digits"),
    (&[GOOD, ("TOKEN_TTL_SECONDS", "5m")], "TOKEN_TTL_SECONDS is `5m`: write whole seconds"),
    (&[GOOD, ("MAPPINGS_TTL_SECONDS", "0.5")], "MAPPINGS_TTL_SECONDS is `0.5`: write whole seconds"),
    (&[GOOD, ("TOKEN_TTL_SECONDS", "-1")], "TOKEN_TTL_SECONDS is `-1`: write whole seconds"),
    (&[GOOD, ("MAX_CONCURRENCY", "0")], "MAX_CONCURRENCY is `0`: write how many instances may run at once, such as 2"),
    (
        &[GOOD, ("RETRY_CONCURRENCY", "-1")],
        "RETRY_CONCURRENCY is `-1`: write how many instances may run at once, such as 2",
    ),
    (
        &[GOOD, ("RETRY_QUEUE_URL", "arn:aws:sqs:eu-west-1:123456789012:retries")],
        "RETRY_QUEUE_URL: `arn:aws:sqs:eu-west-1:123456789012:retries` is not the URL of a queue: write one like \
         https://sqs.eu-west-1.amazonaws.com/123456789012/purge-router-retries",
    ),
    (
        &[
            GOOD,
            ("RETRY_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/retries"),
            ("RETRY_CONCURRENCY", "2"),
            ("DEAD_LETTER_QUEUE_URL", "dead-letters"),
        ],
        "DEAD_LETTER_QUEUE_URL: `dead-letters` is not the URL of a queue: ",
    ),
    (
        &[GOOD, ("DEAD_LETTER_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters")],
        "DEAD_LETTER_QUEUE_URL is set, and RETRY_QUEUE_URL is not: set both or neither",
    ),
    (
        &[GOOD, ("RETRY_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/retries")],
        "RETRY_QUEUE_URL and RETRY_CONCURRENCY belong together: set both or neither",
    ),
    (&[GOOD, ("RETRY_CONCURRENCY", "2")], "RETRY_QUEUE_URL and RETRY_CONCURRENCY belong together: set both or neither"),
    (
        &[GOOD, ("DELAY_CONCURRENCY", "two")],
        "DELAY_CONCURRENCY is `two`: write how many instances may run at once, such as 2",
    ),
    (&[GOOD, ("DELAY_QUEUE_URL", "delay")], "DELAY_QUEUE_URL: `delay` is not the URL of a queue: "),
    (&[GOOD, ("DELAY_CONCURRENCY", "2")], "DELAY_QUEUE_URL and DELAY_CONCURRENCY belong together: set both or neither"),
    (
        &[GOOD, ("VERIFY_HOSTS", "*.website.com")],
        "VERIFY_HOSTS needs DELAY_QUEUE_URL: what is verified waits in that queue; set both or neither",
    ),
    (&[GOOD, DELAY_QUEUE, DELAY_CONCURRENCY, ("VERIFY_HOSTS", "www.website.com, *")], VERIFY_HOSTS_ERROR),
    (
        &[GOOD, ("VERIFY_EDGE", "http://127.0.0.1:8788")],
        "VERIFY_EDGE is set, and VERIFY_HOSTS is not: set both or neither",
    ),
    (
        &[
            GOOD,
            DELAY_QUEUE,
            DELAY_CONCURRENCY,
            ("VERIFY_HOSTS", "*.website.com"),
            ("VERIFY_EDGE", "http://169.254.169.254"),
        ],
        "VERIFY_EDGE: `http://169.254.169.254` is not the edge of a sandbox: write its address on this machine",
    ),
    (&[GOOD, ("MAX_CONCURRENCY", "cfut_x\n2")], "MAX_CONCURRENCY is `cfut_[redacted] 2`: "),
    (
        &[GOOD, ("CLOUDFLARE_BASE_URL", "http://api.cloudflare.com/client/v4")],
        "CLOUDFLARE_BASE_URL: `http://api.cloudflare.com/client/v4` can't be Cloudflare's API: tokens go only over https",
    ),
    (
        &[ZONE, ("CLOUDFLARE_API_KEY", "s3cr3t key")],
        "CLOUDFLARE_API_KEY: this is not an API token: it holds white space",
    ),
    (
        &[ZONE, ("CLOUDFLARE_API_KEY", "k"), ("CLOUDFLARE_API_EMAIL", "s3cr3t-key-in-the-wrong-place")],
        "CLOUDFLARE_API_EMAIL: this is not an e-mail address: write one such as `ops@website.com`",
    ),
    (
        &[ZONE, ("CLOUDFLARE_API_KEY_SSMPATH", "not a name!")],
        "CLOUDFLARE_API_KEY_SSMPATH is not the name of an SSM parameter (use letters, digits,",
    ),
    (
        &[ZONE, ("CLOUDFLARE_API_KEY_SSMPATH", "/k"), ("CLOUDFLARE_API_EMAIL", "a b@c")],
        "CLOUDFLARE_API_EMAIL: this is not an e-mail address",
    ),
    (&[("MAPPINGS_FILE", "/nowhere/m.toml")], "MAPPINGS_FILE: can't read /nowhere/m.toml: No such file or directory"),
    (
        &[("CLOUDFLARE_ZONE_ID", "website.com"), ("CLOUDFLARE_API_KEY", "k"), ("INCLUDED_EXTS", "a/b")],
        "CLOUDFLARE_ZONE_ID is not a Cloudflare id",
    ),
];

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().to_str().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("empty.toml", "");
    file(
        "bad.toml",
        "version = 1\n[teams.web]\nowns = ['s3://a']\n[teams.web.zones.'a.com']\nzone_id = 'cfut_secret'\n",
    );
    file("good.toml", "version = 1\n");
    std::fs::write(folder.path().join("latin.toml"), b"version = 1 # \xe9").unwrap();
    for (variables, expected) in WRONG_SETTINGS {
        let mut command = bootstrap(variables);
        command.envs([("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
        let output = output(command.env("LAMBDA_TASK_ROOT", package)).await;
        assert_eq!(output.status.code(), Some(1), "{variables:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{variables:?}");
        let line: Value = serde_json::from_slice(&output.stdout).expect("one JSON line");
        assert_eq!(line["level"], "ERROR");
        let message = line["message"].as_str().unwrap().replace(package, "PACKAGE");
        assert!(message.starts_with("can't start: ") && message.contains(expected), "{message}");
        assert!(!message.contains("s3cr3t") && !message.contains("cfut_secret"), "{message}");
    }
}

#[tokio::test]
async fn outside_of_lambda_it_names_the_command() {
    let output = output(&mut bootstrap(&[])).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("ERROR this program runs only in AWS Lambda; elsewhere use the `purge-router` command"),
        "{text}"
    );
}
