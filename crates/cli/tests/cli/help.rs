//! `--help`, and errors in the arguments.

use crate::fixtures::WorkFolder;

/// The commands that `--help` lists, of the command itself or of one of them.
fn commands(of: &[&str]) -> Vec<String> {
    let help = WorkFolder::empty().run(&[of, &["--help"]].concat()).with_code(0).stdout;
    let list = help.split_once("Commands:\n").unwrap().1;
    // A description that is wrapped goes on further to the right.
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|rest| !rest.starts_with(' ')).map(|rest| rest.split(' ').next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_command_has_an_example_that_is_a_command_line() {
    let folder = WorkFolder::empty();
    let mut all: Vec<Vec<String>> = commands(&[]).into_iter().map(|name| vec![name]).collect();
    let names: Vec<&str> = all.iter().flatten().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "init",
            "check",
            "fmt",
            "test",
            "schema",
            "explain",
            "plan",
            "run",
            "purge",
            "mappings",
            "grants",
            "tokens",
            "tags",
            "doctor",
            "dead-letters",
            "sandbox",
            "import-env",
            "completions",
            "man"
        ]
    );
    let edits = commands(&["mappings"]);
    assert_eq!(edits, ["list", "pull", "diff", "push", "history", "rollback"]);
    all.extend(edits.into_iter().map(|name| vec!["mappings".to_owned(), name]));
    let of_tokens = commands(&["tokens"]);
    assert_eq!(of_tokens, ["verify", "status", "put", "rotate"]);
    all.extend(of_tokens.into_iter().map(|name| vec!["tokens".to_owned(), name]));
    let of_letters = commands(&["dead-letters"]);
    assert_eq!(of_letters, ["list", "explain", "redrive", "drop"]);
    all.extend(of_letters.into_iter().map(|name| vec!["dead-letters".to_owned(), name]));
    assert_eq!(commands(&["tags"]), ["rule"]);
    all.push(vec!["tags".to_owned(), "rule".to_owned()]);
    for command in &all {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = folder.run(&[&words[..], &["--help"]].concat()).with_code(0);
        let (_, example) = help.stdout.split_once("Example").unwrap_or_else(|| panic!("no example: {help}"));
        assert!(example.contains(&format!("purge-router {}", words.join(" "))), "{help}");
        assert_eq!(help.stderr, "");
        let short = folder.run(&[&words[..], &["-h"]].concat()).with_code(0);
        assert!(short.stdout.contains("Example"), "{short}");
    }
}

#[test]
fn the_command_itself_has_an_example() {
    let help = WorkFolder::empty().run(&["--help"]).with_code(0);
    assert!(help.stdout.contains("Example"), "{help}");
}

#[test]
fn help_lists_exit_codes_and_variables() {
    let help = WorkFolder::empty().run(&["--help"]).with_code(0).stdout;
    for word in [
        "Exit codes:",
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_BASE_URL",
        "MAPPINGS_FILE",
        "MAPPINGS_TABLE",
        "PURGE_ROUTER_FUNCTION",
        "RUST_LOG",
        "NO_COLOR",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[test]
fn the_version() {
    let version = WorkFolder::empty().run(&["--version"]).with_code(0);
    assert_eq!(version.stdout, format!("purge-router {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn misuse_is_reported_on_stderr() {
    let folder = WorkFolder::new();
    for (args, said) in [
        (&[][..], "Usage: purge-router"),
        (&["pruge"], "'purge'"),
        (&["plan"], "<EVENT>"),
        (&["plan", "event.json", "--jsn"], "'--json'"),
        (&["explain"], "<WHAT>"),
        (&["explain", "assets.website.com/a.css"], "for an object s3://bucket/key"),
        (&["explain", "s3://assets.website.com"], "write s3://bucket/key"),
        (&["explain", "s3://assets.website.com/"], "write s3://bucket/key"),
        (&["explain", "s3://as sets/a.css"], "is not a bucket's name"),
        (&["explain", "s3://b/k", "--event", "create"], "created"),
        (&["run", "event.json", "--deadline", "0"], "1..=86400"),
        (&["purge", "--tag", "t"], "--zone <DOMAIN>"),
        (&["purge", "--everything"], "--zone <DOMAIN>"),
        (&["purge", "https://www.website.com/", "--edge", "http://127.0.0.1:1"], "--verify"),
        (
            &["purge", "https://www.website.com/", "--verify", "--edge", "http://127.0.0.1:1/x"],
            "write scheme, host and port",
        ),
        (&["purge", "https://www.website.com/", "--verify", "--sandbox"], "cannot be used with"),
        (&["purge", "--host", "www.website.com", "--verify"], "required arguments were not provided"),
        (
            &["purge", "https://www.website.com/", "--verify", "--edge", "nonsense"],
            "write scheme, host and port, such as http://127.0.0.1:8788",
        ),
        (&["import-env"], "--bucket <BUCKET>"),
        (&["import-env", "--bucket", "b", "--team", "Web"], "is not a team's name"),
        (&["sandbox", "--origin", "ftp://example.com"], "write an http or https URL"),
        (&["sandbox", "--api", "localhost"], "--api <ADDRESS>"),
        (&["completions", "tcsh"], "bash"),
    ] {
        let answer = folder.run(args).with_code(2);
        assert!(answer.stderr.contains(said), "{said}: {answer}");
        assert_eq!(answer.stdout, "", "{answer}");
    }
}
