//! `sandbox` as a process, from its first line to its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use purge_router_sandbox::Origin;
use purge_router_test_support::until;
use serde_json::{Value, json};

use crate::fixtures::{DOCS_ZONE, MAPPINGS, WEB_ZONE, WorkFolder, http};

const MAX_STOP: Duration = Duration::from_secs(30);

/// A running `purge-router sandbox`; it is killed when it is dropped.
struct Process {
    child: Child,
    api: String,
    edge: String,
    printed: String,
}

impl Process {
    fn start(folder: &WorkFolder, more: &[&str]) -> Self {
        let mut command = folder.command();
        command.args(["sandbox", "--api", "127.0.0.1:0", "--edge", "127.0.0.1:0"]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The zones come last, and website.com is the last of them.
        let mut printed = String::new();
        while !printed.contains("\nwebsite.com ") {
            printed = format!("{printed}{}\n", lines.next().expect("the sandbox ended").unwrap());
        }
        let after = |label: &str| printed.lines().find_map(|line| line.strip_prefix(label)).unwrap().to_owned();
        let (api, edge) = (after("api   "), after("edge  "));
        Self { child, api, edge, printed }
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it ends, for a limited time.
    fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < MAX_STOP, "it still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// An address of its control API.
    fn control(&self, name: &str) -> String {
        format!("{}/_sandbox/{name}", self.api.strip_suffix("/client/v4").unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn get(url: &str) -> Value {
    let text = http().get(url).send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_its_addresses_and_stops_on_a_signal() {
    let folder = WorkFolder::new();
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&folder, &[]);
        let health = get(&process.control("health")).await;
        let zones = json!([
            { "zone_id": DOCS_ZONE, "domain": "website.dev" },
            { "zone_id": WEB_ZONE, "domain": "website.com" },
        ]);
        assert_eq!(health, json!({ "status": "ok", "zones": zones }));
        let export = format!("export CLOUDFLARE_BASE_URL={} CLOUDFLARE_API_TOKEN=sandbox", process.api);
        assert!(process.printed.contains(&export), "{}", process.printed);
        assert!(process.printed.contains("token sandbox-web-website.com"), "{}", process.printed);
        process.signal(signal);
        assert_eq!(process.ended().code(), Some(0), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_with_connected_clients() {
    let folder = WorkFolder::new();
    let mut process = Process::start(&folder, &[]);
    let address = process.api.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let idle = TcpStream::connect(address).unwrap();
    let client = http();
    let hang = client.post(process.control("faults")).body(r#"{"kind": "hang"}"#);
    let added = hang.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(added.status(), 201);
    let mut waiting = TcpStream::connect(address).unwrap();
    write!(waiting, "GET /client/v4/user/tokens/verify HTTP/1.1\r\nHost: sandbox\r\n\r\n").unwrap();
    until(async || get(&process.control("requests")).await != json!([])).await;
    process.signal("-TERM");
    assert_eq!(process.ended().code(), Some(0));
    for mut stream in [idle, waiting] {
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "its connections end with it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_round_with_what_it_prints() {
    let folder = WorkFolder::new();
    let origin = Origin::start().await.unwrap();
    origin.put("/app.css", "old");
    let process = Process::start(&folder, &["--origin", &format!("cdn.website.com={}", origin.url())]);
    let client = http();
    let served = async || {
        let request = client.get(format!("{}/app.css", process.edge)).header("host", "cdn.website.com");
        request.send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(served().await, "old");
    origin.put("/app.css", "new");
    assert_eq!(served().await, "old");
    let url = "https://cdn.website.com/app.css";
    for (token, code) in [("sandbox-docs-website.dev", 1), ("sandbox-web-website.com", 0), ("sandbox", 0)] {
        let variables = [("CLOUDFLARE_BASE_URL", process.api.as_str()), ("CLOUDFLARE_API_TOKEN", token)];
        let answer = folder.run_with(&["purge", url], &variables, b"").with_code(code);
        assert_eq!(served().await, if code == 0 { "new" } else { "old" }, "{answer}");
    }
}

#[test]
fn refuses_addresses_that_others_can_reach() {
    let folder = WorkFolder::new();
    for args in [["--api", "0.0.0.0:0"], ["--edge", "192.0.2.1:0"], ["--api", "[::]:0"]] {
        let answer = folder.run(&[&["sandbox"], &args[..]].concat()).expect_misuse();
        let address = args[1];
        let expected = format!(
            "error: {address} is not on loopback: every client that reaches the sandbox can use and change it\n"
        );
        assert_eq!(answer.errors(), expected);
    }
}

#[test]
fn a_port_in_use_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (api, edge) in [(address.as_str(), "127.0.0.1:0"), ("127.0.0.1:0", address.as_str())] {
        let answer = WorkFolder::new().run(&["sandbox", "--api", api, "--edge", edge]).with_code(1);
        let expected =
            format!("error: can't start the sandbox with --api {api} and --edge {edge}: Address already in use");
        assert!(answer.errors().starts_with(&expected), "{answer}");
        assert_eq!(answer.errors().lines().count(), 1, "{answer}");
    }
}

/// Files that `check` accepts and the sandbox should too.
#[test]
fn every_valid_mapping_file_has_a_sandbox() {
    let folder = WorkFolder::empty();
    folder.write("twins.toml", include_str!("twins.toml"));
    folder.write(
        "twice.toml",
        MAPPINGS.replace("\"cdn.website.com\"]\nplan", "\"cdn.website.com\", \"www.website.com\"]\nplan"),
    );
    for file in ["twins.toml", "twice.toml"] {
        folder.run(&["check", "--mappings", file]).with_code(0);
        folder.run_with(&["run", "-", "--sandbox", "--mappings", file], &[], br#"{"Records": []}"#).with_code(0);
    }
}

#[test]
fn two_origin_servers_for_one_hostname_are_misuse() {
    let folder = WorkFolder::new();
    for (one, other, subject) in [
        ("http://127.0.0.1:1", "http://127.0.0.1:2", "all hostnames"),
        ("CDN.website.com=http://127.0.0.1:1", "cdn.website.com=http://127.0.0.1:2", "cdn.website.com"),
    ] {
        let answer = folder.run(&["sandbox", "--origin", one, "--origin", other]).expect_misuse();
        assert_eq!(answer.errors(), format!("error: --origin is given twice for {subject}; keep one\n"));
    }
}

/// Zones that share a parameter share its token: neither zone's purge may be sent with a token of the other zone only.
#[test]
fn zones_that_share_a_token_are_both_purged() {
    let folder = WorkFolder::empty();
    let zone = |domain: &str, zone_id: &str| {
        format!(
            "[teams.web.zones.\"{domain}\"]\nzone_id = \"{zone_id}\"\nhostnames = [\"{domain}\"]\ntoken = \"both\"\n"
        )
    };
    let zones = zone("website.com", WEB_ZONE) + &zone("website.dev", DOCS_ZONE);
    folder.write("mappings.toml", format!("version = 1\n[teams.web]\nowns = []\n{zones}"));
    folder.run(&["purge", "--host", "website.com", "--host", "website.dev", "--sandbox"]).with_code(0);
}

#[test]
fn a_hostname_of_two_zones_is_reported() {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", include_str!("twins.toml"));
    let mut command = folder.command();
    command.args(["sandbox", "--api", "127.0.0.1:0", "--edge", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| !line.starts_with("mappings: ")).unwrap();
    let _ = child.kill();
    let _ = child.wait();
    assert!(line.contains("several zones list the hostname www.twins.example"), "{line}");
    assert!(line.contains("one.example") && line.contains("other.example"), "{line}");
}
