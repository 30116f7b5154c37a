//! Output on a terminal: colors only if they are wanted, no control characters from outside, and no panic when the
//! reader goes away.

use std::io::pipe;
use std::process::Stdio;

use crate::fixtures::{WorkFolder, both_teams, s3_event};

const ESCAPE: char = '\u{1b}';
/// A bell, an escape, a C1 control (CSI), a delete and a line break.
const EVIL: &str = "a\u{7}\u{1b}[31m\u{9b}31m\u{7f}\nb.css";

fn folder(event: &str) -> WorkFolder {
    let folder = WorkFolder::new();
    folder.write("event.json", event);
    folder.write("bad.toml", "version = 2\n");
    folder
}

#[test]
fn colors_only_if_they_are_wanted() {
    let folder = folder(&both_teams());
    let forced = ("CLICOLOR_FORCE", "1");
    for (color, variables, has_colors) in [
        (&[][..], &[][..], false),
        (&[], &[forced], true),
        (&[], &[forced, ("NO_COLOR", "1")], false),
        (&["--color", "never"], &[forced], false),
        (&["--color", "always"], &[], true),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
    ] {
        for args in [&["plan", "event.json"][..], &["run", "event.json", "--sandbox"], &["check"]] {
            let answer = folder.run_with(&[color, args].concat(), variables, b"").with_code(0);
            assert_eq!(answer.stdout.contains(ESCAPE), has_colors, "{color:?} {variables:?} {answer}");
        }
        let problems = folder.run_with(&[color, &["check", "--mappings", "bad.toml"]].concat(), variables, b"");
        assert_eq!(problems.stderr.contains(ESCAPE), has_colors, "{color:?} {variables:?} {problems}");
        let json = folder.run_with(&[color, &["plan", "event.json", "--json"]].concat(), variables, b"").with_code(0);
        assert!(!json.stdout.contains(ESCAPE), "JSON has no colors: {json}");
    }
}

#[test]
fn the_log_has_colors_only_if_they_are_wanted() {
    let folder = folder(&both_teams());
    for color in [&[][..], &["--color", "never"]] {
        let args = [color, &["run", "event.json", "--sandbox"]].concat();
        let answer = folder.run_with(&args, &[("RUST_LOG", "info")], b"").with_code(0);
        assert!(answer.stderr.contains("batch") && !answer.stderr.contains(ESCAPE), "{answer:.2000}");
    }
}

#[track_caller]
pub(crate) fn assert_tame(what: &str, text: &str) {
    let wild = text.lines().flat_map(str::chars).find(|c| c.is_control());
    assert_eq!(wild, None, "{what}: {text:?}");
}

#[test]
fn control_characters_of_a_key_never_reach_the_terminal() {
    let encoded = "a%07%1B%5B31m%C2%9B31m%7F%0Ab.css";
    let unmatched = encoded.replace(".css", ".txt");
    let dotted = format!("../{encoded}");
    let bucket = "assets.website.com";
    let objects = [(bucket, encoded), (bucket, &unmatched), (bucket, &dotted), (bucket, "%zz\u{1b}"), ("b\u{1b}", "a")];
    let folder = folder(&s3_event(&objects));
    for (args, code) in [(&["plan", "event.json"][..], 1), (&["run", "event.json", "--sandbox"], 1)] {
        let answer = folder.run(args).with_code(code);
        assert_tame("stdout", &answer.stdout);
        assert_tame("stderr", &answer.stderr);
        assert!(answer.stdout.contains(r"s3://assets.website.com/a\u{7}\u{1b}[31m\u{9b}31m\u{7f}\nb.css"), "{answer}");
    }
    for event in ["created", "removed"] {
        let answer = folder.run(&["explain", &format!("s3://{bucket}/{EVIL}"), "--event", event]).with_code(0);
        assert_tame("explain", &answer.stdout);
    }
}

#[test]
fn control_characters_of_a_mapping_file_never_reach_the_terminal() {
    let folder = WorkFolder::empty();
    let evil = r"\u0007\u001b]0;title\u009b31m";
    let source = |source: &str| crate::fixtures::MAPPINGS.replace("s3://assets.website.com/img/", source);
    folder.write("bad.toml", source(&format!("s3://assets.website.com/{evil}")));
    let answer = folder.run(&["check", "--mappings", "bad.toml"]).with_code(1);
    assert_tame("check", &answer.stderr);
    folder.write("good.toml", source(&format!("s3://assets.website.com/{evil}/")));
    let answer = folder.run(&["explain", "s3://assets.website.com/a.css", "--mappings", "good.toml"]).with_code(0);
    assert_tame("explain", &answer.stdout);
}

/// Runs a command whose output nobody reads.
fn unread(folder: &WorkFolder, args: &[&str], stderr_too: bool) -> Option<i32> {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = folder.command();
    command.args(args).stdin(Stdio::null()).stderr(Stdio::null());
    if stderr_too {
        command.stderr(writer.try_clone().unwrap());
    }
    command.stdout(writer).status().unwrap().code()
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let folder = folder(&both_teams());
    for args in [
        &["--help"][..],
        &["check"],
        &["check", "--json"],
        &["plan", "event.json"],
        &["plan", "event.json", "--json"],
        &["run", "event.json", "--sandbox"],
        &["explain", "s3://assets.website.com/a.css"],
        &["purge", "--host", "www.website.com", "--sandbox"],
    ] {
        assert_eq!(unread(&folder, args, false), Some(0), "{args:?}");
    }
}

#[test]
fn completions_without_a_reader_are_no_error() {
    assert_eq!(unread(&WorkFolder::empty(), &["completions", "bash"], false), Some(0));
}

#[test]
fn a_closed_standard_error_is_no_error() {
    let folder = folder(&both_teams());
    for (args, code) in [
        (&["run", "event.json", "--sandbox"][..], 0),
        (&["check", "--mappings", "bad.toml"], 1),
        (&["plan", "none.json"], 2),
    ] {
        assert_eq!(unread(&folder, args, true), Some(code), "{args:?}");
    }
}
