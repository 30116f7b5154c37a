//! `init`: the commented example, which is right as it stands.

use crate::fixtures::{WorkFolder, assert_answer};
use crate::support::scenarios;

#[test]
fn writes_the_example_and_the_example_is_valid() {
    let folder = WorkFolder::empty();
    assert_answer("init", &folder.run(&["init"]).with_code(0));
    let example = std::fs::read_to_string(scenarios().join("../../mappings.example.toml")).unwrap();
    assert_eq!(folder.read("mappings.toml"), example);
    assert_answer("init_then_check", &folder.run(&["check"]).with_code(0));
    let explained = folder.run(&["explain", "s3://assets.website.com/uk/css/app.css"]).with_code(0);
    assert!(explained.stdout.contains("https://www.website.co.uk/css/app.css"), "{explained}");
}

#[test]
fn a_dash_prints_the_example_and_writes_no_file() {
    let folder = WorkFolder::empty();
    let printed = folder.run(&["init", "-"]).with_code(0).stdout;
    assert_eq!(printed, std::fs::read_to_string(scenarios().join("../../mappings.example.toml")).unwrap());
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_there_is_overwritten_only_by_force() {
    let folder = WorkFolder::empty();
    folder.write("mine.toml", "mine");
    let refused = folder.run(&["init", "mine.toml"]).expect_misuse();
    assert_eq!(refused.stderr, "error: mine.toml exists already; --force overwrites it\n");
    assert_eq!(folder.read("mine.toml"), "mine");
    folder.write("mine.toml", "x".repeat(100_000));
    folder.run(&["init", "mine.toml", "--force"]).with_code(0);
    folder.run(&["check", "--mappings", "mine.toml"]).with_code(0);
    folder.run(&["init", "new.toml", "--force"]).with_code(0);
    folder.run(&["check", "--mappings", "new.toml"]).with_code(0);
}

#[test]
fn the_schema_is_said_to_be_what_it_is() {
    let folder = WorkFolder::empty();
    let schema = "purge-router.schema.json";
    for (content, arguments, said) in [
        (None, &["init", "a.toml"][..], "wrote a.toml and, for editors, purge-router.schema.json"),
        (None, &["init", "b.toml"], "wrote b.toml (purge-router.schema.json, which editors read, was there already)"),
        (
            Some("{}"),
            &["init", "c.toml"],
            "wrote c.toml (not purge-router.schema.json, which is of another release: purge-router schema > \
             purge-router.schema.json)",
        ),
        (Some("{}"), &["init", "d.toml", "--force"], "wrote d.toml and, for editors, purge-router.schema.json"),
    ] {
        if let Some(content) = content {
            folder.write(schema, content);
        }
        let answer = folder.run(arguments).with_code(0);
        let file = arguments[1];
        assert_eq!(answer.stderr, format!("{said}; edit it, then: purge-router check --mappings {file}\n"));
        assert_eq!(folder.read(schema) == "{}", said.contains("another release"), "{answer}");
    }
}

#[test]
fn a_place_that_can_not_be_written_is_named() {
    let folder = WorkFolder::empty();
    for (args, said) in [
        (&["init", "no/such/folder.toml"][..], "error: can't write no/such/folder.toml: "),
        (&["init", ".", "--force"], "error: can't write .: "),
    ] {
        let answer = folder.run(args).expect_misuse();
        assert!(answer.stderr.starts_with(said), "{answer}");
    }
}
