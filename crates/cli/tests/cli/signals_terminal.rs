//! SIGINT and SIGTERM while the command asks a question on a terminal.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::fixtures::WorkFolder;
use crate::signals::signal;
use crate::table_fixture::TableFixture;

/// Runs these arguments on a terminal. When the prompt is shown, presses Ctrl-C or sends SIGTERM. Returns what the
/// terminal shows; at its end are the exit code and the terminal's settings.
fn stopped_at_prompt(
    folder: &WorkFolder,
    variables: &[(&str, &str)],
    args: &str,
    prompt: &str,
    is_ctrl_c: bool,
) -> String {
    let purge_router = env!("CARGO_BIN_EXE_purge-router");
    // The shell must survive Ctrl-C.
    let script =
        format!("trap : INT\nsh -c 'echo $$ > process; exec {purge_router} {args}'\necho \"code $?\"\nstty -a\n");
    folder.write("script.sh", script);
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", "sh script.sh", "/dev/null"]);
    command.current_dir(folder.path("")).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(variables.iter().copied()).envs([("TERM", "xterm"), ("NO_COLOR", "1")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut is_sent, mut bytes) = (String::new(), false, [0; 4096]);
    while let Ok(read @ 1..) = output.read(&mut bytes) {
        shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
        if is_sent || !shown.contains(prompt) {
            continue;
        }
        is_sent = true;
        match is_ctrl_c {
            true => input.write_all(b"\x03").unwrap(),
            false => signal("TERM", folder.read("process").trim().parse().unwrap()),
        }
    }
    child.wait().unwrap();
    assert!(is_sent, "no prompt: {shown}");
    shown
}

fn assert_restored(shown: &str, prompt: &str, is_ctrl_c: bool) {
    let code = if is_ctrl_c { 130 } else { 143 };
    let signal = if is_ctrl_c { "SIGINT" } else { "SIGTERM" };
    let rest = shown.split(prompt).nth(1).unwrap();
    assert!(rest.contains(&format!("\r\nerror: stopped by {signal}; nothing was written\r\n")), "{shown}");
    assert!(rest.contains(&format!("code {code}\r\n")), "{shown}");
    let settings = rest.split("code ").nth(1).unwrap();
    assert!(settings.contains(" echo ") && !settings.contains("-echo ") && settings.contains(" icanon "), "{shown}");
}

#[test]
fn a_signal_at_a_hidden_prompt_turns_the_echo_on_again() {
    for is_ctrl_c in [true, false] {
        let folder = WorkFolder::new();
        let variables = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "alice"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", crate::fixtures::NOWHERE),
        ];
        let prompt = "Token for website.com of team web: ";
        let shown = stopped_at_prompt(&folder, &variables, "tokens put --zone website.com", prompt, is_ctrl_c);
        assert_restored(&shown, prompt, is_ctrl_c);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_signal_at_a_question_writes_nothing() {
    for is_ctrl_c in [true, false] {
        let fixture = TableFixture::new().await;
        fixture.run(&["grants", "push", "--yes"]).with_code(0);
        let before = fixture.table.sorts("TEAM#web").await;
        let variables = fixture.variables("alice");
        let prompt = "[y/N] ";
        let shown = stopped_at_prompt(&fixture.folder, &variables, "mappings push --team web", prompt, is_ctrl_c);
        assert_restored(&shown, prompt, is_ctrl_c);
        assert_eq!(fixture.table.sorts("TEAM#web").await, before);
    }
}
