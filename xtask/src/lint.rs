//! `lint`: all checks of the code, the templates and the pages.

use std::process::Command;

use crate::process::{TaskResult, cargo, print_progress, run};
use crate::tools::{python, version};
use crate::{house, layers, pages};

pub(crate) fn all() -> TaskResult {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    house::check()?;
    layers::check()?;
    python_files()?;
    templates()?;
    terraform()?;
    docs()?;
    pages::book()?;
    cargo(&["deny", "--locked", "check", "bans", "licenses", "sources"])
        .map_err(|reason| format!("{reason}; `cargo install cargo-deny --locked` installs it"))
}

/// Builds the API documentation, and fails if a link is broken.
fn docs() -> TaskResult {
    let mut command = Command::new(env!("CARGO"));
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn python_files() -> TaskResult {
    let python = python::with_test_packages()?;
    for arguments in [&["check"][..], &["format", "--check"]] {
        for files in [&["tests/e2e"][..], &["--config", "tests/e2e/ruff.toml", "docs", "tests/mutants"]] {
            run(Command::new(&python).args(["-m", "ruff"]).args(arguments).args(files))?;
        }
    }
    Ok(())
}

fn templates() -> TaskResult {
    let environment = python::environment("sam", "xtask/sam-requirements.txt", "the check of the template needs SAM")?;
    let mut validate = Command::new(environment.join("bin/sam"));
    validate.args(["validate", "--lint", "--region", "eu-west-1", "--template", "infra/template.yaml"]);
    run(validate.env("SAM_CLI_TELEMETRY", "0"))
}

/// Checks the format of the Terraform modules. Neither Terraform nor OpenTofu is in a package registry, so this is skipped without
/// them. A test evaluates the modules in any case.
fn terraform() -> TaskResult {
    let is_installed = |program: &&str| version::major(Command::new(program).arg("version")).is_some();
    let Some(program) = ["terraform", "tofu"].into_iter().find(is_installed) else {
        print_progress("skipped: the format of infra/terraform, because neither Terraform nor OpenTofu is installed");
        return Ok(());
    };
    run(Command::new(program).args(["fmt", "-check", "-diff", "-recursive", "infra/terraform"]))
}
