//! The command never prints or logs a token.

use purge_router_sandbox::{Fault, FaultKind};

use crate::fixtures::{Answer, TOKEN, WorkFolder, both_teams, cloudflare};

#[track_caller]
fn assert_hides(answer: &Answer, secret: &str) {
    assert!(!format!("{}{}", answer.stdout, answer.stderr).contains(secret), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_never_printed() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    let echo = FaultKind::Status {
        status: 403,
        code: 9109,
        message: format!("token {TOKEN} has no access, nor has cfat_somebody-elses"),
        retry_after: None,
    };
    let page = FaultKind::Body { status: 403, body: format!("<p>{TOKEN}</p>") };
    for fault in [None, Some(echo), Some(page), Some(FaultKind::Reset)] {
        let sandbox = cloudflare().start().await.unwrap();
        let code = i32::from(fault.is_some());
        fault.into_iter().for_each(|kind| sandbox.add_fault(Fault::new(kind)));
        let base = sandbox.api_url();
        let variables =
            [("CLOUDFLARE_BASE_URL", base.as_str()), ("CLOUDFLARE_API_TOKEN", TOKEN), ("RUST_LOG", "trace")];
        for more in [&[][..], &["--json"]] {
            let args = [&["run", "event.json", "--deadline", "1"], more].concat();
            let answer = folder.run_with(&args, &variables, b"").with_code(code);
            assert_hides(&answer, TOKEN);
            assert_hides(&answer, "somebody-elses");
        }
        assert!(!sandbox.requests().is_empty());
    }
}

#[test]
fn a_malformed_token_is_not_shown() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    for text in ["s3cr3t with spaces", "s3cr3t\nline", "s3cr3t-ü"] {
        let answer = folder.run_with(&["run", "event.json"], &[("CLOUDFLARE_API_TOKEN", text)], b"").expect_misuse();
        assert!(answer.errors().starts_with("error: CLOUDFLARE_API_TOKEN: this is not an API token: "), "{answer}");
        assert_hides(&answer, "s3cr3t");
    }
}

#[test]
fn white_space_around_a_token_is_ignored() {
    let folder = WorkFolder::new();
    folder.write("event.json", r#"{"Records": []}"#);
    folder.run_with(&["run", "event.json"], &[("CLOUDFLARE_API_TOKEN", " s3cr3t\n")], b"").with_code(0);
}

#[test]
fn help_does_not_show_the_variables() {
    let variables = [("CLOUDFLARE_API_TOKEN", TOKEN), ("CLOUDFLARE_API_KEY", "s3cr3t")];
    for args in [&["--help"][..], &["run", "--help"], &["import-env", "--help"]] {
        let answer = WorkFolder::empty().run_with(args, &variables, b"").with_code(0);
        assert_hides(&answer, TOKEN);
        assert_hides(&answer, "s3cr3t");
    }
}

#[test]
fn a_password_in_the_base_url_is_not_shown() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    let variables = [("CLOUDFLARE_BASE_URL", "https://user:s3cr3t@proxy.example/"), ("CLOUDFLARE_API_TOKEN", TOKEN)];
    assert_hides(&folder.run_with(&["run", "event.json"], &variables, b"").expect_misuse(), "s3cr3t");
}

#[test]
fn a_token_in_a_mapping_file_is_not_shown() {
    let folder = WorkFolder::empty();
    let token = "cfut_abcdefghijklmnopqrstuvwxyz0123456789";
    let head =
        "version = 1\n[teams.web]\nowns = []\n[teams.web.zones.\"website.com\"]\nhostnames = [\"website.com\"]\n";
    for line in [
        format!("zone_id = \"{:032}\"\n{token} = 1", 0),
        format!("zone_id = \"{token}\""),
        format!("zone_id = \"{:032}\"\ntoken = \"{token}\"", 0),
    ] {
        folder.write("mappings.toml", format!("{head}{line}\n"));
        for args in [&["check"][..], &["check", "--json"]] {
            let answer = folder.run(args).with_code(1);
            assert_hides(&answer, "abcdefghij");
            assert!(format!("{}{}", answer.stdout, answer.stderr).contains("cfut_***"), "{answer}");
        }
    }
    // Older tokens have no prefix. The last two lines are an error of syntax, and an unknown field.
    let old = "Abc4eFgH1jklMnopQrst-vwxYz0123456_89aBcd";
    for line in [
        format!("token = \"{old}\""),
        format!("token = \"Bearer {old}\""),
        format!("token = {old}"),
        format!("tokn = \"{old}\""),
    ] {
        folder.write("mappings.toml", format!("{head}zone_id = \"{:032}\"\n{line}\n", 0));
        for args in [&["check"][..], &["check", "--json"]] {
            let answer = folder.run(args).with_code(1);
            assert_hides(&answer, "jklMnopQ");
        }
    }
}
