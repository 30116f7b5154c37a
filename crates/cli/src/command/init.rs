//! `init`: writes the commented example, which the tests read too, and beside it the JSON schema that it names.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::args::InitArgs;
use crate::exit::{End, Misuse};
use crate::print;

const EXAMPLE: &str = include_str!("../../../../mappings.example.toml");

/// The file that the example names, relative to itself: editors need no network to read it.
const SCHEMA_FILE: &str = "purge-router.schema.json";

pub(crate) fn run(args: &InitArgs) -> anyhow::Result<End> {
    if args.file.as_os_str() == "-" {
        print::document(EXAMPLE.trim_end());
        return Ok(End::Done);
    }
    write(&args.file, EXAMPLE, args.force)?;
    let schema = args.file.with_file_name(SCHEMA_FILE);
    let text = serde_json::to_string_pretty(&purge_router_config::json_schema())? + "\n";
    let (shown, shown_schema) = (args.file.display(), schema.display());
    // Another mapping file of this folder may have it already.
    let of_schema = match std::fs::read_to_string(&schema) {
        Ok(existing) if existing == text => format!(" ({shown_schema}, which editors read, was there already)"),
        Ok(_) if !args.force => {
            format!(" (not {shown_schema}, which is of another release: purge-router schema > {shown_schema})")
        }
        _ => {
            write(&schema, &text, true)?;
            format!(" and, for editors, {shown_schema}")
        }
    };
    print::note(&format!("wrote {shown}{of_schema}; edit it, then: purge-router check --mappings {shown}"));
    Ok(End::Done)
}

fn write(file: &Path, text: &str, force: bool) -> Result<(), Misuse> {
    let mut options = OpenOptions::new();
    options.write(true).truncate(force).create(force).create_new(!force);
    let shown = file.display();
    options.open(file).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Misuse(format!("{shown} exists already; --force overwrites it")),
        _ => Misuse(format!("can't write {shown}: {error}")),
    })
}
