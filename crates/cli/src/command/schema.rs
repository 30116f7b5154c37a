//! `schema`: the JSON schema of mapping files.

use crate::exit::End;
use crate::print;

pub(super) fn run() -> anyhow::Result<End> {
    print::json(&purge_router_config::json_schema())?;
    Ok(End::Done)
}
