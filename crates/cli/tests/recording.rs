//! The recording in the README: the commands of a script are run again, and their output is drawn as a terminal shows it.

#![allow(clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::fmt::Write;
use std::{env, fs};

use anstyle_svg::Term;
use support::purge_router;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const SCRIPT: &str = include_str!("../../../docs/pictures/quick-start.sh");

/// `UPDATE_RECORDING=1` draws the picture anew.
#[test]
fn the_picture_of_the_readme_shows_what_the_commands_print() {
    let picture = format!("{ROOT}/docs/pictures/quick-start.svg");
    let drawn = Term::new().render_svg(&screen());
    if env::var_os("UPDATE_RECORDING").is_some() {
        fs::write(&picture, &drawn).unwrap();
    }
    let committed = fs::read_to_string(&picture).unwrap();
    assert_eq!(drawn, committed, "UPDATE_RECORDING=1 draws {picture} anew");
    assert!(drawn.contains("https://www.website.co.uk/css/app+(new).css"));
}

/// Each command behind a prompt, and what it prints.
fn screen() -> String {
    let mut screen = String::new();
    for command in SCRIPT.lines().filter(|line| !line.starts_with('#')) {
        let arguments = command.strip_prefix("cargo run -- ").unwrap().split(' ');
        let output = purge_router().current_dir(ROOT).args(arguments).env("CLICOLOR_FORCE", "1").output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        writeln!(screen, "\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\n{printed}").unwrap();
    }
    screen
}
