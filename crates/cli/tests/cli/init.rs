//! `init`: the commented example, which is right as it stands.

use crate::support::scenarios;
use crate::world::{World, assert_answer};

#[test]
fn writes_the_example_and_the_example_is_valid() {
    let world = World::empty();
    assert_answer("init", &world.run(&["init"]).with_code(0));
    let example = std::fs::read_to_string(scenarios().join("../../mappings.example.toml")).unwrap();
    assert_eq!(world.read("mappings.toml"), example);
    assert_answer("init_then_check", &world.run(&["check"]).with_code(0));
    let explained = world.run(&["explain", "s3://assets.website.com/uk/css/app.css"]).with_code(0);
    assert!(explained.stdout.contains("https://www.website.co.uk/css/app.css"), "{explained}");
}

#[test]
fn a_file_that_is_there_is_overwritten_only_by_force() {
    let world = World::empty();
    world.write("mine.toml", "mine");
    let refused = world.run(&["init", "mine.toml"]).expect_misuse();
    assert_eq!(refused.stderr, "error: mine.toml exists already; --force overwrites it\n");
    assert_eq!(world.read("mine.toml"), "mine");
    world.write("mine.toml", "x".repeat(100_000));
    world.run(&["init", "mine.toml", "--force"]).with_code(0);
    world.run(&["check", "--mappings", "mine.toml"]).with_code(0);
    world.run(&["init", "new.toml", "--force"]).with_code(0);
    world.run(&["check", "--mappings", "new.toml"]).with_code(0);
}

#[test]
fn a_place_that_can_not_be_written_is_named() {
    let world = World::empty();
    for (args, said) in [
        (&["init", "no/such/folder.toml"][..], "error: can't write no/such/folder.toml: "),
        (&["init", ".", "--force"], "error: can't write .: "),
    ] {
        let answer = world.run(args).expect_misuse();
        assert!(answer.stderr.starts_with(said), "{answer}");
    }
}
