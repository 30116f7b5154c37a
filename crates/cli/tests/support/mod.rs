//! The built command in a clean environment, and the folder of the scenarios.

use std::path::PathBuf;
use std::process::Command;

/// Prefixes of the caller's variables that could change what the command does or prints.
const FOREIGN: [&str; 11] = [
    "AWS_",
    "CLOUDFLARE_",
    "MAPPINGS_",
    "PURGE_ROUTER_",
    "INCLUDED_EXTS",
    "EXCLUDED_EXTS",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "NO_COLOR",
    "CLICOLOR",
    "COLUMNS",
];

/// The built command, without the caller's settings and proxies.
pub(crate) fn purge_router() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purge-router"));
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy().to_ascii_uppercase();
        if FOREIGN.iter().any(|prefix| shown.starts_with(prefix)) || shown.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    command
}

/// The folder of all scenarios.
pub(crate) fn scenarios() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios"))
}
