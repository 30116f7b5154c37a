//! `fmt`: writes a mapping file in one style, and keeps its comments.

mod style;

use purge_router_config::from_toml;

use self::style::formatted;
use crate::args::FmtArgs;
use crate::exit::{End, Misuse};
use crate::input::{is_stdin, shown};
use crate::mappings::read;
use crate::print;
use crate::problems::draw;

pub(super) async fn run(args: &FmtArgs) -> anyhow::Result<End> {
    let text = read(&args.file).await?;
    let shown = shown(&args.file);
    let new = formatted(&text).map_err(|problem| {
        // A mapping file's own reader shows the place.
        if let Err(problems) = from_toml(&text) {
            draw(&args.file, &text, &problems);
        }
        anyhow::anyhow!("{shown} can't be formatted: {problem}")
    })?;
    if is_stdin(&args.file) && !args.check {
        print::document(new.trim_end());
        return Ok(End::Done);
    }
    if new == text {
        print::note(&format!("{shown} is formatted"));
        return Ok(End::Done);
    }
    if args.check {
        print::error(&format!("{shown} is not formatted: purge-router fmt {}", args.file.display()));
        return Ok(End::Problems);
    }
    replace(args, &new)?;
    print::note(&format!("formatted {shown}"));
    Ok(End::Done)
}

/// Replaces the file in one step, so that a signal or a full disk leaves the old one.
fn replace(args: &FmtArgs, text: &str) -> Result<(), Misuse> {
    // A link stays a link.
    let target = std::fs::canonicalize(&args.file).unwrap_or_else(|_| args.file.clone());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".purge-router-fmt");
    let new = target.with_file_name(name);
    let written = std::fs::write(&new, text)
        .and_then(|()| std::fs::metadata(&target))
        .and_then(|old| std::fs::set_permissions(&new, old.permissions()))
        .and_then(|()| std::fs::rename(&new, &target));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&new);
        Misuse(format!("can't write {}: {error}", args.file.display()))
    })
}
