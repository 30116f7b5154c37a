//! `man`: writes the manual pages, from the same source as `--help`.

use clap::CommandFactory;

use crate::args::{Args, ManArgs};
use crate::exit::{End, Misuse};
use crate::print;

pub(super) fn run(args: &ManArgs) -> anyhow::Result<End> {
    let folder = args.folder.display();
    let write = |error: std::io::Error| Misuse(format!("can't write manual pages into {folder}: {error}"));
    std::fs::create_dir_all(&args.folder).map_err(write)?;
    clap_mangen::generate_to(Args::command(), &args.folder).map_err(write)?;
    print::note(&format!("wrote the manual pages into {folder}; man -l {folder}/purge-router.1"));
    Ok(End::Done)
}
