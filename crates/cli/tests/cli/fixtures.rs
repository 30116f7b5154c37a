//! A folder with a mapping file in which the command runs, a sandbox as Cloudflare, and the result of a run.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use purge_router_sandbox::{Builder, Sandbox, SandboxToken, SandboxZone};
use purge_router_test_support::events::{record, records, s3, sqs};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::purge_router;

pub(crate) const WEB_ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub(crate) const DOCS_ZONE: &str = "372e67954025e0ba6aaa6d586b9e0b59";
pub(crate) const TOKEN: &str = "cfut_of-the-tests-0001";

/// An address where nothing listens: the port of an obsolete service, which no test gets as a free port.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1";

/// Two teams: web purges URLs, docs invalidates prefixes.
pub(crate) const MAPPINGS: &str = r#"version = 1

[teams.docs]
owns = ["s3://docs-site/"]

[teams.docs.zones."website.dev"]
zone_id = "372e67954025e0ba6aaa6d586b9e0b59"
hostnames = ["docs.website.dev"]
plan = "enterprise"

[[teams.docs.mappings]]
source = "s3://docs-site/manual/"
zones = ["website.dev"]
purge = "prefixes"
mode = "invalidate"

[teams.web]
owns = ["s3://assets.website.com/"]

[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["www.website.com", "cdn.website.com"]
plan = "pro"

[[teams.web.mappings]]
source = "s3://assets.website.com/"
zones = ["website.com"]
include = ["*.{css,js,html}"]
exclude = ["drafts/"]

[[teams.web.mappings]]
source = "s3://assets.website.com/img/"
zones = ["website.com"]
hostnames = ["cdn.website.com"]
events = ["created"]
"#;

const TIME: Duration = Duration::from_secs(60);

/// A folder of its own.
pub(crate) struct WorkFolder(TempDir);

impl WorkFolder {
    /// One with [`MAPPINGS`] as `mappings.toml`.
    pub(crate) fn new() -> Self {
        let folder = Self::empty();
        folder.write("mappings.toml", MAPPINGS);
        folder
    }

    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The command in this folder.
    pub(crate) fn command(&self) -> Command {
        let mut command = purge_router();
        command.current_dir(self.0.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        self.run_with(args, &[], b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)], stdin: &[u8]) -> Answer {
        let mut command = assert_cmd::Command::from_std(self.command());
        let command = command.timeout(TIME).args(args).envs(variables.iter().copied()).write_stdin(stdin);
        Answer::of(args, command.output().unwrap())
    }

    /// Runs against a sandbox, with [`TOKEN`].
    pub(crate) fn run_at(&self, sandbox: &Sandbox, args: &[&str]) -> Answer {
        self.run_with(args, &[("CLOUDFLARE_BASE_URL", &sandbox.api_url()), ("CLOUDFLARE_API_TOKEN", TOKEN)], b"")
    }
}

/// The result of a run. Its text goes into snapshots.
pub(crate) struct Answer {
    args: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(args: &[&str], output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { args: args.join(" "), code: output.status.code(), stdout, stderr }
    }

    /// This answer, if it ended with this exit code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The exit code was 2, and standard error is one line of an error.
    #[track_caller]
    pub(crate) fn expect_misuse(self) -> Self {
        let errors = self.errors();
        assert_eq!((self.code, errors.lines().count(), self.stdout.as_str()), (Some(2), 1, ""), "{self}");
        assert!(errors.starts_with("error: "), "{self}");
        self
    }

    /// Standard error without the line that names where the mappings are.
    pub(crate) fn errors(&self) -> String {
        self.stderr.split_inclusive('\n').filter(|line| !line.starts_with("mappings: ")).collect()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        writeln!(f, "$ purge-router {}", self.args)?;
        write!(f, "{}--- stderr\n{}--- exit code {code}", self.stdout, self.stderr)
    }
}

/// Compares with the snapshot of this name, with ports, rays, times and the version replaced.
pub(crate) fn assert_answer(name: &str, answer: &Answer) {
    let mut text = answer.to_string();
    let version = regex::escape(env!("CARGO_PKG_VERSION"));
    for (pattern, shown) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        ("[0-9a-f]{16}-SBX", "RAY"),
        (version.as_str(), "VERSION"),
        (r"table-\d+-\d+", "TABLE"),
        // A difference's checksum depends on its table's name.
        ("checksum(\"?:?) (\"?)[0-9a-f]{32}", "checksum$1 ${2}CHECKSUM"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        ("\"push\": \"[0-9a-f]{32}\"", "\"push\": \"PUSH\""),
        ("pulled = \"(\\d+)-[0-9a-f]{8}\"", "pulled = \"$1-COPY\""),
    ] {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, shown).into_owned();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A sandbox with the zones of [`MAPPINGS`], which accepts [`TOKEN`] for both.
pub(crate) fn cloudflare() -> Builder {
    let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
    let token = SandboxToken::for_all_zones(TOKEN, &mappings);
    Sandbox::builder().zones(SandboxZone::from_mappings(&mappings)).token(token)
}

/// The requests that a sandbox received, as `METHOD path body`, sorted.
pub(crate) fn received(sandbox: &Sandbox) -> Vec<String> {
    let shown = |request: &purge_router_sandbox::Received| {
        format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body))
    };
    let mut all: Vec<String> = sandbox.requests().iter().map(shown).collect();
    all.sort();
    all
}

/// A client for the servers of a test, without the caller's proxy.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A direct event of S3.
pub(crate) fn s3_event(objects: &[(&str, &str)]) -> String {
    records(objects.iter().map(|(bucket, key)| record(bucket, key))).to_string()
}

/// An SQS batch: each message's id, and the bucket and key in its body.
pub(crate) fn sqs_event(messages: &[(&str, &str, &str)]) -> String {
    sqs(messages.iter().map(|(id, bucket, key)| (id, s3(bucket, [key])))).to_string()
}

/// One object of each team, in two messages.
pub(crate) fn both_teams() -> String {
    sqs_event(&[("m-web", "assets.website.com", "css/app.css"), ("m-docs", "docs-site", "manual/install.html")])
}
