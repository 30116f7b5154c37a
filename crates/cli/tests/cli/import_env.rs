//! `import-env`: the single-zone script's variables as a mapping file that `check` accepts.

use crate::fixtures::{Answer, WEB_ZONE, WorkFolder, assert_answer};

const BUCKETS: [&str; 5] = ["import-env", "--bucket", "www.website.com", "--bucket", "cdn.website.com"];

/// Runs it, and keeps what it printed as `mappings.toml`.
fn imported(variables: &[(&str, &str)], args: &[&str]) -> (WorkFolder, Answer) {
    let folder = WorkFolder::empty();
    let answer = folder.run_with(args, variables, b"").with_code(0);
    folder.write("mappings.toml", &answer.stdout);
    folder.run(&["check"]).with_code(0);
    (folder, answer)
}

#[test]
fn a_file_that_check_accepts_and_no_secret_in_it() {
    let variables = [
        ("CLOUDFLARE_ZONE_ID", WEB_ZONE),
        ("CLOUDFLARE_API_KEY", "s3cr3t"),
        ("CLOUDFLARE_API_EMAIL", "admin@website.com"),
        ("INCLUDED_EXTS", "css, .js *.png"),
        ("EXCLUDED_EXTS", "map"),
    ];
    let (folder, answer) = imported(&variables, &BUCKETS);
    assert_answer("import_env", &answer);
    assert!(!format!("{}{}", answer.stdout, answer.stderr).contains("s3cr3t"), "{answer}");
    assert!(answer.stderr.lines().all(|line| line.starts_with("note: ")), "{answer}");
    let explained = folder.run(&["explain", "s3://cdn.website.com/a/b.js"]).with_code(0).stdout;
    assert!(explained.contains("purge 1 URL of website.com") && explained.contains("https://cdn.website.com/a/b.js"));
    let excluded = folder.run(&["explain", "s3://cdn.website.com/a/b.js.map"]).with_code(3).stdout;
    assert!(excluded.contains("declines"), "{excluded}");
}

#[test]
fn a_token_in_ssm_stays_where_it_is() {
    let variables = [("CLOUDFLARE_ZONE_ID", WEB_ZONE), ("CLOUDFLARE_API_KEY_SSMPATH", "/cloudflare/prod/key")];
    let args = ["import-env", "--bucket", "www.website.com", "--domain", "website.com", "--team", "site"];
    let (_, answer) = imported(&variables, &args);
    assert_eq!(answer.stderr, "");
    for line in ["[teams.site.zones.\"website.com\"]", "tokens = \"/cloudflare/prod/\"", "token = \"key\""] {
        assert!(answer.stdout.contains(line), "{line}: {answer}");
    }
}

/// These extensions, as the script would have them, take keys that end so, and not those that a glob would take.
#[track_caller]
fn assert_mean_themselves(extensions: &str, others: &[&str]) {
    let variables = [
        ("CLOUDFLARE_ZONE_ID", WEB_ZONE),
        ("CLOUDFLARE_API_KEY_SSMPATH", "/cloudflare/prod/key"),
        ("INCLUDED_EXTS", extensions),
    ];
    let (folder, _) = imported(&variables, &BUCKETS);
    let wanted = extensions.split(',').map(|extension| (extension, 1));
    for (extension, fires) in wanted.chain(others.iter().map(|extension| (*extension, 0))) {
        let object = format!("s3://www.website.com/a.{extension}");
        let json = folder.run(&["explain", &object, "--json"]).with_code(if fires == 1 { 0 } else { 3 }).json();
        assert_eq!(json["fires"].as_array().unwrap().len(), fires, "{object}");
    }
}

#[test]
fn awkward_extensions_mean_themselves() {
    assert_mean_themselves(r#"c++,we"ird,[x],tar.gz,ü,{1},!a,b?"#, &["cc", "x", "1", "bc", "a"]);
}

#[test]
fn a_backslash_in_an_extension_means_itself() {
    assert_mean_themselves(r"a\b", &["ab"]);
}

#[test]
fn all_that_is_missing_or_wrong_is_said_at_once() {
    let folder = WorkFolder::empty();
    assert_answer("import_env_nothing_set", &folder.run(&BUCKETS).with_code(1));
    let variables = [("CLOUDFLARE_ZONE_ID", "nope"), ("CLOUDFLARE_API_KEY", "s3cr3t"), ("INCLUDED_EXTS", "css,a/b")];
    assert_answer("import_env_wrong", &folder.run_with(&BUCKETS, &variables, b"").with_code(1));
    let variables = [("CLOUDFLARE_ZONE_ID", WEB_ZONE), ("CLOUDFLARE_API_KEY", "s3cr3t")];
    for (buckets, said) in [
        (&["--bucket", "My_Bucket"][..], "`My_Bucket` has capital letters"),
        (&["--bucket", "a.one.com", "--bucket", "b.two.net"], "the bucket names have no domain in common"),
        (&["--bucket", "a.one.com", "--domain", "two.net"], "the bucket `a.one.com` is not a hostname of `two.net`"),
    ] {
        let answer = folder.run_with(&[&["import-env"], buckets].concat(), &variables, b"").with_code(1);
        assert!(answer.stderr.starts_with(&format!("error: {said} (")), "{answer}");
        assert_eq!(answer.stdout, "", "a file that is half right is not printed");
    }
}
