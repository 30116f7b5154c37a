//! One module per command: each reads its arguments, asks core or the pipeline, and prints.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod import_env;
pub(crate) mod init;
pub(crate) mod plan;
pub(crate) mod purge;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod table;
pub(crate) mod tokens;

use std::io::Read;
use std::path::Path;

use crate::Misuse;

/// The bytes of an event: a file's, or standard input's for `-`.
fn event_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| bytes),
        false => std::fs::read(path),
    };
    read.map_err(|error| {
        Misuse(format!("can't read the event {}: {error}; name a file, or - for standard input", path.display())).into()
    })
}
