//! `import-env`: the single-zone script's variables as a mapping file.

use purge_router_config::script_env::ScriptEnv;

use crate::args::ImportEnvArgs;
use crate::exit::End;
use crate::print;

pub(crate) fn run(args: &ImportEnvArgs) -> anyhow::Result<End> {
    let script = match ScriptEnv::read(|name| std::env::var(name).ok()) {
        Ok(script) => script,
        Err(problems) => {
            problems.iter().for_each(|problem| print::error(&problem.to_string()));
            return Ok(End::Problems);
        }
    };
    let imported = script.mapping_file(&args.team, &args.buckets, args.domain.as_ref())?;
    imported.notes.iter().for_each(|note| print::note(&format!("note: {note}")));
    print::out(imported.toml.trim_end());
    Ok(End::Done)
}
