//! What shells complete: commands, options, and names from the mapping file or the table.

use crate::fixtures::WorkFolder;
use crate::table_fixture::TableFixture;

/// Bash's completions of the last of these words.
fn proposals(folder: &WorkFolder, words: &[&str]) -> Vec<String> {
    proposals_with(folder, &[], words)
}

fn proposals_with(folder: &WorkFolder, variables: &[(&str, &str)], words: &[&str]) -> Vec<String> {
    let script = r#"
        source completions.bash
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        $(complete -p purge-router | sed 's/.*-F \([^ ]*\) .*/\1/') purge-router "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_purge-router")).parent().unwrap().to_str().unwrap();
    let mut bash = std::process::Command::new("bash");
    bash.env("PATH", format!("{own}:{}", std::env::var("PATH").unwrap())).env_remove("MAPPINGS_TABLE");
    bash.envs(variables.iter().copied());
    bash.current_dir(folder.path("")).args(["-c", script, "bash", "purge-router"]).args(words);
    String::from_utf8(bash.output().unwrap().stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn completions_complete_commands() {
    let folder = WorkFolder::empty();
    let bash = folder.run(&["completions", "bash"]).with_code(0).stdout;
    assert!(bash.contains("-F _clap_complete_purge_router purge-router"), "{bash}");
    folder.write("completions.bash", bash);
    for (start, command) in [("ex", "explain"), ("pl", "plan"), ("import", "import-env"), ("--col", "--color")] {
        assert_eq!(proposals(&folder, &[start]), [command]);
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(folder.run(&["completions", shell]).with_code(0).stdout.contains("PURGE_ROUTER_COMPLETE"), "{shell}");
    }
}

#[test]
fn completions_complete_the_options_of_commands() {
    let folder = WorkFolder::empty();
    folder.write("completions.bash", folder.run(&["completions", "bash"]).with_code(0).stdout);
    for (words, option) in [
        (&["plan", "--js"][..], "--json"),
        (&["import-env", "--b"], "--bucket"),
        (&["purge", "--mode", "inv"], "invalidate"),
        (&["explain", "--event", "rem"], "removed"),
    ] {
        assert_eq!(proposals(&folder, words), [option], "{words:?}");
    }
}

#[test]
fn teams_and_zones_of_the_mapping_file_are_completed() {
    let folder = WorkFolder::new();
    folder.write("completions.bash", folder.run(&["completions", "bash"]).with_code(0).stdout);
    for (words, expected) in [
        (&["tokens", "verify", "--team", ""][..], &["docs", "web"][..]),
        (&["tokens", "verify", "--zone", ""], &["website.dev", "website.com"]),
        (&["tokens", "verify", "--team", "web", "--zone", ""], &["website.com"]),
        (&["purge", "--everything", "--zone", "website.d"], &["website.dev"]),
        (&["mappings", "list", "--team", "w"], &["web"]),
        (&["doctor", "--mappings", "none.toml", "--team", "w"], &[]),
    ] {
        assert_eq!(proposals(&folder, words), expected, "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn teams_and_revisions_of_the_table_are_completed() {
    let fixture = TableFixture::pushed().await;
    let folder = WorkFolder::empty();
    folder.write("completions.bash", folder.run(&["completions", "bash"]).with_code(0).stdout);
    let complete = |words: &[&str]| proposals_with(&folder, &fixture.variables("alice"), words);
    assert_eq!(complete(&["mappings", "pull", "--team", "d"]), ["docs"]);
    assert_eq!(complete(&["mappings", "rollback", "--team", "docs", ""])[0], "1");
    assert_eq!(complete(&["grants", "history", "--show", ""]), ["1"]);
    fixture.table.proxy.on_call(|_| purge_router_dynamodb_local::Action::Refuse(400, "AccessDeniedException", "no"));
    assert_eq!(complete(&["mappings", "pull", "--team", "d"]), [""; 0], "and no error on the terminal");
}

#[test]
fn manual_pages_are_written_for_all_commands() {
    let folder = WorkFolder::empty();
    folder.run(&["man", "pages/man1"]).with_code(0);
    let page = folder.read("pages/man1/purge-router-dead-letters-redrive.1");
    assert!(page.contains("max\\-per\\-second") && page.contains(".TH"), "{page}");
    assert!(folder.read("pages/man1/purge-router.1").contains("Exit codes:"));
    folder.write("file", "");
    folder.run(&["man", "file/man1"]).expect_misuse();
}

#[test]
fn verbose_logs_on_standard_error() {
    let folder = WorkFolder::new();
    folder.write("event.json", crate::fixtures::both_teams());
    let quiet = folder.run(&["run", "event.json", "--sandbox"]).with_code(0);
    assert!(!quiet.stderr.contains("INFO"), "{quiet}");
    for args in [&["-v", "run", "event.json", "--sandbox"][..], &["run", "event.json", "--sandbox", "-v"]] {
        let answer = folder.run(args).with_code(0);
        assert!(answer.stderr.contains("INFO") && answer.stderr.contains("batch"), "{answer}");
    }
}
