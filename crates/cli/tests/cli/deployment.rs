//! `doctor`, `dead-letters` and `mappings list` without a deployment that answers: what is not looked at is said, and why.

use purge_router_core::Mappings;
use purge_router_sandbox::{Sandbox, SandboxToken, SandboxZone};
use serde_json::{Value, json};

use crate::fixtures::{Answer, MAPPINGS, TOKEN, WEB_ZONE, WorkFolder};

/// No region, no credentials, and no machine of EC2 to ask for them.
const NOTHING: [(&str, &str); 3] =
    [("AWS_CONFIG_FILE", "none"), ("AWS_SHARED_CREDENTIALS_FILE", "none"), ("AWS_EC2_METADATA_DISABLED", "true")];

/// The state of each part, and the parts in the order in which they are printed.
fn states(answer: &Answer) -> Vec<(String, String)> {
    let Value::Array(findings) = answer.json() else { panic!("{answer}") };
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(finding, "what"), text(finding, "state"))).collect()
}

#[test]
fn doctor_says_what_it_did_not_look_at_and_why() {
    let folder = WorkFolder::new();
    let region = [&NOTHING[..], &[("AWS_REGION", "eu-west-1")]].concat();
    let (bad, good, unknown) = ("bad", "good", "unknown");
    let (rest, named) = ("function, event sources, queues, alarms", "tokens, notifications");
    for (variables, arguments, expected) in [
        (&NOTHING[..], &[][..], &[("region", bad), (rest, unknown), ("mappings", good), (named, unknown)][..]),
        // A function has its own mappings, and a local file may be another one.
        (
            &NOTHING,
            &["--function", "prod", "--url", "https://www.website.com/a.css"],
            &[
                ("region", bad),
                (rest, unknown),
                ("mappings", unknown),
                (named, unknown),
                ("cache key of https://www.website.com/a.css", unknown),
            ],
        ),
        (
            &region,
            &["--function", "prod", "--table", "prod-table"],
            &[("region", good), ("identity", bad), (rest, unknown), ("table prod-table", unknown), (named, unknown)],
        ),
        (
            &region,
            &["--function", "prod", "--mappings", "mappings.toml"],
            &[("region", good), ("identity", bad), (rest, unknown), ("mappings", good), (named, unknown)],
        ),
    ] {
        let doctor = [&["doctor", "--json"], arguments].concat();
        let answer = folder.run_with(&doctor, variables, b"").with_code(1);
        let found = states(&answer);
        let found: Vec<(&str, &str)> = found.iter().map(|(what, state)| (&**what, &**state)).collect();
        assert_eq!(found, expected, "{answer}");
        let text = folder.run_with(&[&["doctor"], arguments].concat(), variables, b"").with_code(1).stdout;
        assert_eq!(text.matches("unknown ").count(), text.matches("not looked at: ").count(), "{text}");
    }
}

#[test]
fn an_error_of_aws_names_region_profile_and_a_way_out() {
    let folder = WorkFolder::new();
    folder.write("config", "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\nsource_profile = gone\n");
    let profile = [("AWS_CONFIG_FILE", "config"), ("AWS_PROFILE", "web"), ("AWS_REGION", "eu-west-1")];
    let profile = [&NOTHING[1..], &profile].concat();
    for (variables, reason) in [
        (
            &NOTHING[..],
            "can't call AWS: no region is set (no region, profile default); set the AWS region and credentials",
        ),
        (&profile, "(region eu-west-1, profile web); set the AWS region and credentials, or renew them"),
    ] {
        for command in [&["dead-letters", "list"][..], &["dead-letters", "redrive"], &["mappings", "list"]] {
            let command = [command, &["--function", "prod"]].concat();
            let answer = folder.run_with(&command, variables, b"").with_code(1);
            let errors = answer.errors();
            assert!(errors.starts_with("error: can't read the settings of the function prod: "), "{answer}");
            assert!(errors.contains(reason) && !errors.contains("\\n"), "{answer}");
            assert_eq!(errors.lines().count(), 1, "{answer}");
        }
        for kind in ["grants", "mappings"] {
            let answer = folder.run_with(&[kind, "push", "--table", "prod", "--yes"], variables, b"").with_code(1);
            let errors = answer.errors();
            assert!(errors.contains("can't call DynamoDB: ") && !errors.contains("operators"), "{answer}");
        }
        let doctor = folder.run_with(&["doctor", "--json"], variables, b"").with_code(1);
        assert!(!doctor.stdout.contains("\\\\n"), "{doctor}");
    }
}

#[test]
fn the_mappings_of_a_deployment_have_the_rule_of_all_commands() {
    let folder = WorkFolder::new();
    let both = [&NOTHING[..], &[("MAPPINGS_FILE", "mappings.toml"), ("MAPPINGS_TABLE", "prod")]].concat();
    let reason =
        "MAPPINGS_FILE and MAPPINGS_TABLE are both set: choose one with --mappings mappings.toml or --table prod";
    for command in [&["doctor"][..], &["mappings", "list"], &["grants", "list"]] {
        let answer = folder.run_with(command, &both, b"").with_code(2);
        assert!(answer.stderr.contains(reason), "{answer}");
        let named = [command, &["--mappings", "mappings.toml"]].concat();
        let answer = folder.run_with(&named, &both, b"");
        assert!(answer.code != Some(2) && !answer.stderr.contains(reason), "{answer}");
    }
    let file = [&NOTHING[..], &[("MAPPINGS_FILE", "mappings.toml")]].concat();
    let answer = folder.run_with(&["doctor", "--json"], &file, b"").with_code(1).json();
    let mappings = answer.as_array().unwrap().iter().find(|finding| finding["what"] == "mappings").unwrap();
    assert_eq!(mappings["found"], json!("mappings.toml (MAPPINGS_FILE): 2 teams, 2 zones, 3 mappings"));
}

const ACCOUNT: &str = "0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d";

/// A sandbox whose zone website.com has these cache rules, and whose token may trace requests of this account.
async fn traced(mappings: &Mappings, cache_rules: Vec<Value>, account: &str) -> Sandbox {
    let zones = SandboxZone::from_mappings(mappings).into_iter();
    let zones = zones.map(|zone| match zone.zone_id == WEB_ZONE {
        true => SandboxZone { cache_rules: cache_rules.clone(), ..zone },
        false => zone,
    });
    let token =
        SandboxToken { traces_account: Some(account.to_owned()), ..SandboxToken::for_all_zones(TOKEN, mappings) };
    Sandbox::builder().zones(zones).token(token).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_asks_trace_whether_a_purge_names_the_cache_key() {
    let folder = WorkFolder::empty();
    let text = MAPPINGS.replace("plan = \"pro\"", &format!("plan = \"pro\"\naccount_id = \"{ACCOUNT}\""));
    folder.write("mappings.toml", &text);
    let mappings = purge_router_config::from_toml(&text).unwrap();
    let device = json!({ "cache_key": { "cache_by_device_type": true } });
    let cookie = json!({ "cache_key": { "custom_key": { "cookie": { "include": ["session"] } } } });
    for (rules, account, state, found) in [
        (vec![], ACCOUNT, "good", "it is what a purge by URL names"),
        (vec![device], ACCOUNT, "bad", "it has CF-Device-Type, which no mapping of website.com names"),
        (vec![cookie], ACCOUNT, "bad", "it has a cookie, which no purge by URL can name"),
        (vec![], "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e", "unknown", "Cloudflare's Trace: HTTP 403"),
    ] {
        let sandbox = traced(&mappings, rules, account).await;
        let url = "https://www.website.com/css/app.css";
        let cloudflare = [("CLOUDFLARE_BASE_URL", &*sandbox.api_url()), ("CLOUDFLARE_API_TOKEN", TOKEN)];
        let variables = [&NOTHING[..], &cloudflare].concat();
        let answer = folder.run_with(&["doctor", "--url", url, "--json"], &variables, b"").with_code(1);
        let findings = answer.json();
        let finding = findings.as_array().unwrap().last().unwrap();
        assert_eq!(
            (&finding["what"], &finding["state"]),
            (&json!(format!("cache key of {url}")), &json!(state)),
            "{answer}"
        );
        assert!(finding["found"].as_str().unwrap().starts_with(found), "{answer}");
        let requests = sandbox.requests();
        let sent: Vec<(String, Value)> =
            requests.iter().map(|it| (it.path.clone(), serde_json::from_slice(&it.body).unwrap())).collect();
        let path = format!("/client/v4/accounts/{ACCOUNT}/request-tracer/trace");
        assert_eq!(sent, [(path, json!({ "method": "GET", "url": url }))]);
    }
}
