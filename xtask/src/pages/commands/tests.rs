//! A page whose commands exist passes, and each sabotaged command is reported with its line.

use std::path::Path;

use super::*;

/// Helps of a program with `run`, `check` and `mappings push`.
fn print_help(path: &[String]) -> Result<String, String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let help = match path[..] {
        [] => "Commands:\n  run       Run\n  check     Check\n  mappings  Edit\n\nOptions:\n  -h, --help  Print help\n",
        ["run"] => {
            "Arguments:\n  <EVENT>  Event\n\nOptions:\n      --sandbox  No account\n      --mappings <FILE>  File\n"
        }
        ["check"] => "Options:\n      --table <NAME>  Table\n      --json  JSON\n",
        ["mappings"] => "Commands:\n  push  Write\n",
        ["mappings", "push"] => "Options:\n  -m, --message <TEXT>  Why\n",
        _ => return Err(format!("unexpected: {path:?}")),
    };
    Ok(help.to_owned())
}

fn problems_of(source: &str) -> Vec<String> {
    unknown_commands(&Page::parse(Path::new("docs/teams.md"), source), &mut Help::new(print_help)).unwrap()
}

fn in_block(command: &str) -> Vec<String> {
    problems_of(&format!("# P\n\n```sh\ntrue\n{command}\n```\n"))
}

#[test]
fn commands_that_exist_are_no_problem() {
    for command in [
        "purge-router run event.json --mappings=a.toml --sandbox",
        "purge-router run - --mappings run < event.json | jq '.[] --x'",
        "cargo run -- run event.json --sandbox",
        "X=\"$(purge-router check --json)\" purge-router check \\\n  --table \"$(output --gone)\" --json > f",
        "for x in a; do purge-router mappings push -m 'run --gone'; done",
        "purge-router mappings …",
        "aws deploy --stack-name purge-router --gone",
    ] {
        assert_eq!(in_block(command), [""; 0], "{command}");
    }
    assert_eq!(problems_of("`mappings push --message x` and `run` and `check = 1` and `mappings …`"), [""; 0]);
}

#[test]
fn sabotaged_commands_are_reported() {
    for (command, problem) in [
        ("purge-router run e --sandbx", "`purge-router run` has no option --sandbx"),
        ("purge-router rnu e", "`purge-router` has no command rnu"),
        ("purge-router mappings psh", "`purge-router mappings` has no command psh"),
        ("purge-router check file.toml", "`purge-router check` takes no argument, but file.toml is one"),
        ("cat e | A=b purge-router run - --json", "`purge-router run` has no option --json"),
        ("x=\"$(purge-router check --yaml)\"", "`purge-router check` has no option --yaml"),
        ("cargo run -- check --sandbox", "`purge-router check` has no option --sandbox"),
    ] {
        assert_eq!(in_block(command), [format!("docs/teams.md:5: {problem}")], "{command}");
    }
    assert_eq!(problems_of("\na `check --gone` b"), ["docs/teams.md:2: `purge-router check` has no option --gone"]);
    assert_eq!(problems_of("`mappings gone`"), ["docs/teams.md:1: `purge-router mappings` has no command gone"]);
    let typed = "```text\n$ purge-router check --gone\npurge-router check --output\n```";
    assert_eq!(problems_of(typed), ["docs/teams.md:2: `purge-router check` has no option --gone"]);
}

#[test]
fn history_may_name_what_is_gone() {
    for path in ["CHANGELOG.md", "docs/decisions/0002-our-own-token-bucket.md"] {
        let page = Page::parse(Path::new(path), "`check --gone` and `cargo xtask gone`");
        assert_eq!(unknown_commands(&page, &mut Help::new(print_help)).unwrap(), [""; 0]);
        assert_eq!(unknown_tasks(&page, ""), [""; 0]);
    }
}

#[test]
fn tasks_exist_with_their_options() {
    let usage = "usage: cargo xtask COMMAND\n\n  test               run all\n  bench way          measure\n  bench rows [--only TEXT]\n                     measure --not this\n";
    let source = "```sh\ncargo xtask test\ncargo xtask bench rows --only x\ncargo xtask bench way --only x\ncargo xtask gone\n```\n`cargo xtask` and `cargo xtask test --not`";
    assert_eq!(
        unknown_tasks(&Page::parse(Path::new("p.md"), source), usage),
        [
            "p.md:4: `cargo xtask bench` has no option --only",
            "p.md:5: `cargo xtask` has no command gone",
            "p.md:7: `cargo xtask test` has no option --not",
        ]
    );
}

#[test]
fn a_comment_behind_a_command_is_reported() {
    let page =
        Page::parse(Path::new("p.md"), "```sh\n# above\nls\nls -l # behind\n```\n\n```toml\na = 1 # fine\n```\n");
    let problems = comments_behind_commands(&page);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("p.md:4: a comment behind a command"), "{problems:?}");
}
