//! Arguments of `tags`.

use clap::{Args as ClapArgs, Subcommand};

use crate::args::tokens::ZonesArgs;

#[derive(Subcommand)]
pub(crate) enum TagsCommand {
    /// Print the Cache Response Rules that set the cache tags which mappings purge
    Rule(TagRuleArgs),
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:
  purge-router tags rule --zone website.dev
  purge-router tags rule --zone website.dev --json | jq '.[].body' > body.json")]
pub(crate) struct TagRuleArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Only this mapping, by its name as `explain` prints it. Can be repeated
    #[arg(long = "mapping", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
