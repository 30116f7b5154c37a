//! `fmt`: the style of mapping files, with their comments.

use crate::fixtures::WorkFolder;

const UNTIDY: &str = "version=1 # the first\n\n\n\n[teams.web]\nowns=[\"s3://a/\"]\n# a comment\n";
const TIDY: &str = "version = 1 # the first\n\n[teams.web]\nowns = [\"s3://a/\"]\n\n# a comment\n";

#[test]
fn a_file_is_replaced_and_checked() {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", UNTIDY);
    let answer = folder.run(&["fmt", "--check"]).with_code(1);
    assert_eq!(answer.stderr, "error: mappings.toml is not formatted: purge-router fmt mappings.toml\n");
    assert_eq!(folder.read("mappings.toml"), UNTIDY);
    folder.run(&["fmt"]).with_code(0);
    assert_eq!(folder.read("mappings.toml"), TIDY);
    for args in [&["fmt"][..], &["fmt", "--check"]] {
        let answer = folder.run(args).with_code(0);
        assert_eq!((answer.stderr.as_str(), answer.stdout.as_str()), ("mappings.toml is formatted\n", ""));
    }
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1, "nothing is left beside it");
    let answer = folder.run_with(&["fmt", "-"], &[], UNTIDY.as_bytes()).with_code(0);
    assert_eq!(answer.stdout, TIDY);
}

#[test]
fn what_init_writes_is_formatted() {
    let folder = WorkFolder::empty();
    folder.run(&["init"]).with_code(0);
    let written = folder.read("mappings.toml");
    folder.run(&["fmt", "--check"]).with_code(0);
    folder.run(&["fmt"]).with_code(0);
    assert_eq!(folder.read("mappings.toml"), written);
}

#[test]
fn a_file_that_can_not_be_read_stays() {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", "version = \n");
    let answer = folder.run(&["fmt"]).with_code(1);
    assert!(answer.stderr.contains("mappings.toml can't be formatted: "), "{answer}");
    assert_eq!(folder.read("mappings.toml"), "version = \n");
    folder.run(&["fmt", "none.toml"]).expect_misuse();
}
