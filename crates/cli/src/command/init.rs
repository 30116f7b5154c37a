//! `init`: writes the commented example, which the tests read too.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use crate::args::InitArgs;
use crate::exit::{End, Misuse};
use crate::print;

const EXAMPLE: &str = include_str!("../../../../mappings.example.toml");

pub(crate) fn run(args: &InitArgs) -> anyhow::Result<End> {
    let mut options = OpenOptions::new();
    options.write(true).truncate(args.force).create(args.force).create_new(!args.force);
    let shown = args.file.display();
    let written = options.open(&args.file).and_then(|mut file| file.write_all(EXAMPLE.as_bytes()));
    match written {
        Ok(()) => {
            print::note(&format!("wrote {shown}; edit it, then: purge-router check --mappings {shown}"));
            Ok(End::Done)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Misuse(format!("{shown} exists already; --force overwrites it")).into())
        }
        Err(error) => Err(Misuse(format!("can't write {shown}: {error}")).into()),
    }
}
