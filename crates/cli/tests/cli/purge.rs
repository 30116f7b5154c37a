//! `purge`: the requests that Cloudflare receives for each argument.

use std::io::Write;
use std::process::{Command, Stdio};

use purge_router_sandbox::Sandbox;
use serde_json::json;

use crate::fixtures::{DOCS_ZONE, TOKEN, WEB_ZONE, WorkFolder, assert_answer, cloudflare, received};

#[tokio::test(flavor = "multi_thread")]
async fn each_method_reaches_its_zone() {
    let sandbox = cloudflare().start().await.unwrap();
    let folder = WorkFolder::new();
    let web = |body: &str| format!("POST /client/v4/zones/{WEB_ZONE}/purge_cache {body}");
    let docs = |call: &str, body: &str| format!("POST /client/v4/zones/{DOCS_ZONE}/{call} {body}");
    let (css, other) = ("https://www.website.com/css/app.css?v=2", "https://blog.website.com/");
    for (args, requests) in [
        (&[css][..], vec![web(&format!(r#"{{"files":["{css}"]}}"#))]),
        (&[css, css, other], vec![web(&format!(r#"{{"files":["{css}","{other}"]}}"#))]),
        (&["http://CDN.website.com/A%20b"], vec![web(r#"{"files":["http://cdn.website.com/A%20b"]}"#)]),
        (&["--prefix", "www.website.com/blog/"], vec![web(r#"{"prefixes":["www.website.com/blog/"]}"#)]),
        (&["--host", "docs.website.dev"], vec![docs("purge_cache", r#"{"hosts":["docs.website.dev"]}"#)]),
        (&["--tag", "a", "--tag", "b", "--zone", "website.dev"], vec![docs("purge_cache", r#"{"tags":["a","b"]}"#)]),
        (&["--everything", "--zone", "website.com"], vec![web(r#"{"purge_everything":true}"#)]),
        (
            &["--everything", "--zone", "website.dev", "--mode", "invalidate"],
            vec![docs("invalidate_cache", r#"{"purge_everything":true}"#)],
        ),
        (
            &["https://docs.website.dev/a", css, "--host", "www.website.com"],
            vec![
                web(&format!(r#"{{"files":["{css}"]}}"#)),
                web(r#"{"hosts":["www.website.com"]}"#),
                docs("purge_cache", r#"{"files":["https://docs.website.dev/a"]}"#),
            ],
        ),
    ] {
        sandbox.clear_requests();
        let answer = folder.run_at(&sandbox, &[&["purge", "--yes"], args].concat()).with_code(0);
        assert_eq!(received(&sandbox), requests, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_everything_need_a_yes_and_a_dry_run_sends_nothing() {
    let sandbox = cloudflare().start().await.unwrap();
    let folder = WorkFolder::new();
    for (args, shown) in [
        (&["purge", "--everything", "--zone", "website.com"][..], "purge everything of website.com (team web)\n"),
        (&["purge", "--host", "docs.website.dev"], "purge 1 host of website.dev (team docs)\n      docs.website.dev\n"),
    ] {
        let answer = folder.run_at(&sandbox, args).expect_misuse();
        assert_eq!(answer.errors(), "error: not a terminal, so I can't ask; add --yes\n");
        let answer = folder.run_at(&sandbox, &[args, &["--dry-run"]].concat()).with_code(0);
        assert!(answer.stdout.contains(shown), "{answer}");
        let json = folder.run_at(&sandbox, &[args, &["--dry-run", "--json"]].concat()).with_code(0).json();
        assert_eq!(json["batches"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(received(&sandbox), [""; 0]);
}

/// Arguments of `purge`, and the error.
const MISUSE: &[(&[&str], &str)] = &[
    (&[], "nothing to purge: name URLs, or use --prefix, --host, --tag or --everything"),
    (
        &["https://www.website.com/é.css"],
        "no client sends `https://www.website.com/é.css` in this spelling; write `https://www.website.com/%C3%A9.css`",
    ),
    (
        &["https://www.website.com/a b"],
        "no client sends `https://www.website.com/a b` in this spelling; write `https://www.website.com/a%20b`",
    ),
    (
        &["https://www.website.com/a/../b"],
        "no client sends `https://www.website.com/a/../b` in this spelling; write `https://www.website.com/b`",
    ),
    (&["--zone", "website.com"], "nothing to purge: name URLs, or use --prefix, --host, --tag or --everything"),
    (&["--zone", "website.org", "--everything"], "unknown zone website.org; known zones: website.dev, website.com"),
    (
        &["--zone", "website.org", "--everything", "--team", "docs"],
        "unknown zone website.org; known zones: website.dev",
    ),
    (
        &["--zone", "website.com", "--everything", "--team", "wbe"],
        "unknown team wbe; did you mean web? known teams: docs, web",
    ),
    (
        &["https://www.website.com/", "--team", "docs"],
        "`www.website.com` is in the zone website.com of team web, and not of team docs",
    ),
    (
        &["https://www.website.com.evil.net/"],
        "no zone serves `www.website.com.evil.net`; add it to the zone's hostnames",
    ),
    (&["https://evilwebsite.com/"], "no zone serves `evilwebsite.com`; add it to the zone's hostnames"),
    (&["https://www.website.com/", "--zone", "website.dev"], "`www.website.com` is not in the zone `website.dev`"),
    (&["--host", "www.website.com", "--zone", "website.dev"], "`www.website.com` is not in the zone `website.dev`"),
    (
        &["www.website.com/a.css"],
        "`www.website.com/a.css` is not a URL: relative URL without a base; write https://host/path",
    ),
    (&["s3://assets/a.css"], "`s3://assets/a.css` is not an http or https URL"),
    (
        &["https://www.website.com/c#.html"],
        "`https://www.website.com/c#.html` has a `#`; write it as %23, or remove the fragment, which clients never send",
    ),
    (&["https://wwww.website.net/"], "no zone serves `wwww.website.net`; add it to the zone's hostnames"),
    (&["https://www.websit.com/"], "no zone serves `www.websit.com`; did you mean www.website.com?"),
    (&["--prefix", "/css"], "`/css` has no hostname: write it first, such as docs.website.dev/css"),
    (&["--prefix", "www.website.com"], "`www.website.com` is a whole host; purge it with --host"),
    (&["--prefix", "www.website.com/"], "`www.website.com/` is a whole host; purge it with --host"),
    (
        &["--prefix", "www.website.com/a b/"],
        "no client sends `www.website.com/a b/` in this spelling; write `www.website.com/a%20b/`",
    ),
    (
        &["--prefix", "www.website.com/a/../b/"],
        "no client sends `www.website.com/a/../b/` in this spelling; write `www.website.com/b/`",
    ),
    (
        &["https://user:secret@www.website.com/"],
        "a URL has a user name or password; remove it, since it is not part of what is cached",
    ),
    (
        &["--prefix", "https://www.website.com/blog/"],
        "`https://www.website.com/blog/` is not a prefix: write host and folder, without scheme and query, with at \
             most 31 `/`",
    ),
    (
        &["--tag", "a b", "--zone", "website.com"],
        "`a b` is not a cache tag: 1 to 1024 printable ASCII characters, without spaces and commas",
    ),
    (
        &["https://www.twins.example/", "--mappings", "twins.toml"],
        "several zones serve `www.twins.example`: one.example of team web (zone id 023e105f4ecef8ad9ca31a8372d0c353), \
             other.example of team web (zone id 372e67954025e0ba6aaa6d586b9e0b59); choose one with --zone",
    ),
];

#[test]
fn arguments_that_can_not_be_purged_are_misuse() {
    let folder = WorkFolder::new();
    folder.write("twins.toml", include_str!("twins.toml"));
    for (args, error) in MISUSE {
        let answer = folder.run(&[&["purge", "--sandbox"], *args].concat()).expect_misuse();
        assert_eq!(answer.errors(), format!("error: {error}\n"));
    }
}

#[test]
fn in_a_sandbox_as_text_and_as_json() {
    let folder = WorkFolder::new();
    let args = ["purge", "https://www.website.com/a.css", "--tag", "news", "--zone", "website.com", "--sandbox"];
    assert_answer("purge_sandbox", &folder.run(&args).with_code(0));
    let json = folder.run(&[&args[..], &["--json"]].concat()).with_code(0).json();
    let batch = |body| {
        let origins = ["invocation"];
        json!({ "team": "web", "zone": "website.com", "zone_id": WEB_ZONE, "mode": "purge", "body": body, "origins": origins })
    };
    let files = json!({ "files": ["https://www.website.com/a.css"] });
    assert_eq!(json["batches"], json!([batch(files), batch(json!({ "tags": ["news"] }))]));
    assert_eq!((&json["failed"], &json["verified"]), (&json!([]), &json!([])));
}

#[test]
fn the_nearest_domain_serves_a_host_that_no_zone_lists() {
    let folder = WorkFolder::new();
    let args = ["purge", "https://a.b.website.dev/x", "--sandbox", "--json"];
    assert_eq!(folder.run(&args).with_code(0).json()["batches"][0]["zone"], "website.dev");
}

#[test]
fn without_a_token_nothing_is_purged() {
    let aws = [("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")];
    let answer = WorkFolder::new().run_with(&["purge", "--yes", "--host", "www.website.com"], &aws, b"").with_code(1);
    let reason = "error: CLOUDFLARE_API_TOKEN is not set, and the zones' tokens can't be read: can't call SSM: ";
    assert!(answer.errors().starts_with(reason) && answer.stdout.is_empty(), "{answer}");
}

/// Runs the command on a terminal, where this is typed. Returns the exit code, and what the terminal shows.
fn on_a_terminal(folder: &WorkFolder, sandbox: &Sandbox, args: &str, typed: &str) -> (Option<i32>, String) {
    let line = format!("{} {args}", env!("CARGO_BIN_EXE_purge-router"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]).current_dir(folder.path(""));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs([("TERM", "xterm"), ("NO_COLOR", "1")]);
    command.env("CLOUDFLARE_BASE_URL", sandbox.api_url()).env("CLOUDFLARE_API_TOKEN", TOKEN);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // It stays open: its end would be typed, too.
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_asked_before_everything_is_purged() {
    let folder = WorkFolder::new();
    for (typed, code, requests) in [("n\n", 1, 0), ("\n", 1, 0), ("y\n", 0, 1)] {
        let sandbox = cloudflare().start().await.unwrap();
        let (ended, shown) = on_a_terminal(&folder, &sandbox, "purge --everything --zone website.com", typed);
        assert!(shown.contains("purge everything of website.com (team web)? [y/N] "), "{shown}");
        assert_eq!((ended, received(&sandbox).len()), (Some(code), requests), "{shown}");
    }
}
