//! One module per subcommand: each reads its arguments, asks core or the pipeline, and prints.

mod check;
mod completions;
mod dead_letters;
mod doctor;
mod event;
mod explain;
mod fmt;
mod import_env;
mod init;
mod man;
mod plan;
mod purge;
mod run;
mod sandbox;
mod schema;
mod table;
mod tags;
mod test;
mod tokens;

use self::table::Kind;
use crate::args::Command;
use crate::exit::End;

pub(crate) async fn run(command: &Command) -> anyhow::Result<End> {
    match command {
        Command::Init(args) => init::run(args),
        Command::Check(args) => check::run(args).await,
        Command::Fmt(args) => fmt::run(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Schema(_) => schema::run(),
        Command::Explain(args) => explain::run(args).await,
        Command::Plan(args) => plan::run(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Purge(args) => purge::run(args).await,
        Command::Mappings(command) => table::run(Kind::Mappings, command).await,
        Command::Grants(command) => table::run(Kind::Grants, command).await,
        Command::Tokens(command) => tokens::run(command).await,
        Command::Tags(command) => tags::run(command).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::DeadLetters(command) => dead_letters::run(command).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::ImportEnv(args) => import_env::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
