//! Random keys, spelled by the real encoders of Node.js, Python and Chromium: each URL is among those that are purged.
//!
//! `cargo xtask test` installs Node.js if it is missing, and names it in `NODE`. Without that, the test needs `node` on
//! the path, and fails if it is not there. Chromium is too large for that: its test runs if `CHROMIUM` names it or if it is
//! on the path, and core's test of the table has what it printed.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use purge_router_core::names::BucketName;
use purge_router_core::{Change, ChangeKind, Event, Mappings, Origin, plan};

const KEYS: usize = 10_000;

/// `encodeURI` leaves `?` and `#` bare, which would end the path; the setter of a URL's path takes `\` for `/`, and `%`
/// for a sequence. So callers encode these themselves.
const NODE: &str = r#"
const spell = (key) => {
  const url = new URL("https://x/");
  url.pathname = "/" + key.replace(/[%\\\t\n\r]/g, encodeURIComponent);
  const component = key.split("/").map(encodeURIComponent).join("/");
  return [url.pathname.slice(1), encodeURI(key).replace(/[?#]/g, encodeURIComponent), component,
    component.replaceAll("%20", "+")];
};
const keys = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(keys.map(spell)));
"#;

/// The second is what Django's `filepath_to_uri` does.
const PYTHON: &str = r#"
import json, sys
from urllib.parse import quote, quote_plus
spell = lambda key: [quote(key), quote(key, safe="/~!*()'"), quote_plus(key, safe="/")]
print(json.dumps([spell(key) for key in json.load(sys.stdin)]))
"#;

/// Chromium spells a URL when it parses it: the request line has the same path.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><script type="application/json" id="keys">KEYS</script><script>
const keys = JSON.parse(document.getElementById("keys").textContent);
const spelled = keys.map(key => [new URL("https://x/" + key.replace(/[%?#\\\t\n\r]/g, encodeURIComponent)).pathname.slice(1)]);
document.documentElement.textContent = "BEGIN " + JSON.stringify(spelled).replaceAll("&", "\\u0026") + " END";
</script>"#;

#[test]
fn each_url_of_node_and_python_is_purged() {
    let keys = random_keys(|_| true);
    let node = std::env::var("NODE").unwrap_or_else(|_| "node".to_owned());
    assert_each_is_purged(&keys, spelled(&node, &["-e", NODE], &keys));
    assert_each_is_purged(&keys, spelled("python3", &["-c", PYTHON], &keys));
}

#[test]
fn each_url_of_chromium_is_purged() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: neither CHROMIUM nor the path names Chromium");
        return;
    };
    // The parser removes spaces and control characters from the end of a URL, and takes `//` for an empty host's.
    let is_parsed_whole = |key: &str| !key.starts_with('/') && !key.ends_with(|last: char| last <= ' ');
    let keys = random_keys(is_parsed_whole);
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let json = serde_json::to_string(&keys).unwrap().replace('<', "\\u003c");
    std::fs::write(&page, PAGE.replace("KEYS", &json)).unwrap();
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    // Without its sandbox, which does not start as root, it reads only this page.
    let arguments = ["--headless", "--no-sandbox", "--disable-gpu", &profile, "--dump-dom"];
    let output = Command::new(chromium).args(arguments).arg(&page).stderr(Stdio::null()).output().unwrap();
    let html = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = html.split_once("BEGIN ").unwrap_or_else(|| panic!("no result: {html:.500}"));
    let (spelled, _) = rest.rsplit_once(" END").unwrap();
    assert_each_is_purged(&keys, serde_json::from_str(spelled).unwrap());
}

fn chromium() -> Option<String> {
    let runs = |name: &String| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    std::env::var("CHROMIUM").ok().into_iter().chain(names).find(runs)
}

fn assert_each_is_purged(keys: &[String], spelled: Vec<Vec<String>>) {
    assert_eq!(spelled.len(), keys.len());
    let mappings = purge_router_config::from_toml(
        "version = 1\n[teams.t]\nowns = [\"s3://b/\"]\n[teams.t.zones.\"w.com\"]\n\
         zone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"w.com\"]\n\
         [[teams.t.mappings]]\nsource = \"s3://b/\"\nzones = [\"w.com\"]\n",
    )
    .unwrap();
    for (key, paths) in keys.iter().zip(spelled) {
        let purged = purged(&mappings, key);
        for path in paths {
            assert!(purged.contains(&format!("https://w.com/{path}")), "{key:?} as {path}, of {purged:#?}");
        }
    }
}

/// Keys of one to twenty characters, most of them ASCII that encoders disagree on. The seed is always the same.
fn random_keys(is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut rng = fastrand::Rng::with_seed(14);
    let mut key = || -> String {
        (0..rng.usize(1..=20))
            .map(|_| match rng.u8(0..10) {
                0..6 => char::from(rng.u8(0x20..0x7f)),
                6 => '/',
                7 => rng.alphanumeric(),
                8 => char::from(rng.u8(0..0x80)),
                _ => rng.char('\u{80}'..),
            })
            .collect()
    };
    let has_url = |key: &String| !key.split('/').any(|segment| matches!(segment, "." | ".."));
    std::iter::repeat_with(&mut key).filter(|key| has_url(key) && is_wanted(key)).take(KEYS).collect()
}

/// The spellings of each key that a program prints.
fn spelled(program: &str, arguments: &[&str], keys: &[String]) -> Vec<Vec<String>> {
    let mut command = Command::new(program);
    let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child =
        child.unwrap_or_else(|error| panic!("{program}: {error}; run `cargo xtask test`, which installs it"));
    // Both programs read all before they write.
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(keys).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn purged(mappings: &Mappings, key: &str) -> BTreeSet<String> {
    let bucket = BucketName::parse("b").unwrap();
    let change = Change {
        bucket,
        key: key.to_owned(),
        kind: ChangeKind::Created,
        etag: None,
        time: None,
        origin: Origin::Invocation,
        version: Default::default(),
        second_purge_of: None,
        verification: None,
    };
    let plan = plan(mappings, Event { changes: vec![change], ..Event::default() });
    plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.to_string()).collect()
}
