//! Two teams of one table have a zone of the same name: a command purges and writes only in the zone that the caller
//! named, and asks if there are several.

use purge_router_sandbox::{Sandbox, SandboxToken};

use crate::fixtures::{Answer, TOKEN, received};
use crate::table_fixture::TableFixture;

const RED_ZONE: &str = "0123456789abcdef0123456789abcdef";
const BLUE_ZONE: &str = "fedcba9876543210fedcba9876543210";

/// A table in which `red` and `blue` both have the zone `shared.com`, with different zone ids, and a sandbox with both.
struct SameDomain {
    table: TableFixture,
    sandbox: Sandbox,
}

impl SameDomain {
    async fn new() -> Self {
        let table = TableFixture::new().await;
        let grant = |team: &str| format!("[teams.{team}]\nowns = [\"s3://{team}-files/\"]\n");
        table.folder.write("grants.toml", format!("version = 1\n{}{}", grant("red"), grant("blue")));
        table.run(&["grants", "push", "--yes", "--mappings", "grants.toml"]).with_code(0);
        let mut builder = Sandbox::builder();
        for (team, zone_id) in [("red", RED_ZONE), ("blue", BLUE_ZONE)] {
            // A file with both teams is refused; each team pushes its own rows.
            let zone = format!(
                "[teams.{team}.zones.\"shared.com\"]\nzone_id = \"{zone_id}\"\nhostnames = [\"{team}.shared.com\"]\n"
            );
            let file = format!("{team}.toml");
            let text = format!("version = 1\n{}{zone}", grant(team));
            builder = builder.mappings(&purge_router_config::from_toml(&text).unwrap());
            table.folder.write(&file, text);
            table.run(&["mappings", "push", "--yes", "--team", team, "--mappings", &file]).with_code(0);
        }
        let token = SandboxToken {
            secret: TOKEN.to_owned(),
            id: "ed17574386854bf78a67040be0a770b0".to_owned(),
            zones: vec![RED_ZONE.to_owned(), BLUE_ZONE.to_owned()],
            ..SandboxToken::default()
        };
        Self { table, sandbox: builder.token(token).start().await.unwrap() }
    }

    fn run(&self, args: &[&str]) -> Answer {
        let (base_url, table) = (self.sandbox.api_url(), self.table.table.name.as_str());
        let cloudflare = [("CLOUDFLARE_BASE_URL", base_url.as_str()), ("CLOUDFLARE_API_TOKEN", TOKEN)];
        let variables = [&self.table.variables("alice")[..], &cloudflare].concat();
        self.table.folder.run_with(&[args, &["--table", table]].concat(), &variables, b"")
    }
}

fn purge_request(zone_id: &str, body: &str) -> Vec<String> {
    vec![format!("POST /client/v4/zones/{zone_id}/purge_cache {body}")]
}

const EVERYTHING: &str = r#"{"purge_everything":true}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_refuses_a_zone_that_two_teams_have_and_shows_both_zone_ids() {
    let fixture = SameDomain::new().await;
    for args in [
        &["purge", "--everything", "--zone", "shared.com"][..],
        &["purge", "--tag", "news", "--zone", "shared.com"],
        &["purge", "--host", "red.shared.com", "--zone", "shared.com"],
        // No zone lists this host, and both have its domain.
        &["purge", "https://www.shared.com/a.css"],
    ] {
        let answer = fixture.run(args).expect_misuse();
        assert_eq!(received(&fixture.sandbox), Vec::<String>::new(), "{answer}");
        for part in ["--team", &format!("team blue (zone id {BLUE_ZONE})"), &format!("team red (zone id {RED_ZONE})")] {
            assert!(answer.stderr.contains(part), "{part}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_with_a_team_reaches_that_teams_zone() {
    let fixture = SameDomain::new().await;
    for (team, zone_id) in [("red", RED_ZONE), ("blue", BLUE_ZONE)] {
        for (args, body) in [
            (&["--everything", "--zone", "shared.com"][..], EVERYTHING),
            (&["--tag", "news", "--zone", "shared.com"], r#"{"tags":["news"]}"#),
            (&["https://www.shared.com/a.css"], r#"{"files":["https://www.shared.com/a.css"]}"#),
        ] {
            fixture.sandbox.clear_requests();
            let answer = fixture.run(&[&["purge", "--yes", "--team", team], args].concat()).with_code(0);
            assert_eq!(received(&fixture.sandbox), purge_request(zone_id, body), "{answer}");
        }
    }
    // A host that one of the zones lists is that zone's.
    fixture.sandbox.clear_requests();
    fixture.run(&["purge", "--yes", "--host", "red.shared.com"]).with_code(0);
    assert_eq!(received(&fixture.sandbox), purge_request(RED_ZONE, r#"{"hosts":["red.shared.com"]}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_put_and_rotate_ask_for_the_team_before_they_read_a_token() {
    let fixture = SameDomain::new().await;
    for args in [
        &["tokens", "put", "--zone", "shared.com"][..],
        &["tokens", "rotate", "--zone", "shared.com", "--yes"],
        &["tokens", "rotate", "--zone", "shared.com", "--roll", "--yes"],
    ] {
        let answer = fixture.run(args).expect_misuse();
        assert_eq!(received(&fixture.sandbox), Vec::<String>::new(), "{answer}");
        for part in ["--team", &format!("team blue (zone id {BLUE_ZONE})"), &format!("team red (zone id {RED_ZONE})")] {
            assert!(answer.stderr.contains(part), "{part}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_that_does_not_exist_is_misuse_beside_one_that_does() {
    let fixture = SameDomain::new().await;
    for command in ["verify", "status", "rotate"] {
        let answer = fixture.run(&["tokens", command, "--team", "red", "--team", "gren"]).expect_misuse();
        assert!(answer.stderr.contains("unknown team gren; did you mean red? known teams: blue, red"), "{answer}");
    }
}
