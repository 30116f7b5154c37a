//! `mappings list` and `grants list`: one line for each mapping, or for each grant.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use purge_router_aws::load_patient_config;
use purge_router_config::from_toml;
use purge_router_core::names::Hostname;
use purge_router_core::{Mapping, Mappings, Purge};
use purge_router_deployment::Function;
use serde_json::json;

use super::target::Kind;
use crate::args::{Format, ListArgs};
use crate::deployment::MappingsSource;
use crate::exit::End;
use crate::mappings::{is_of_teams, load_table_of, read, warn};
use crate::print::{self, ListRow};
use crate::problems::draw;
use crate::zone_choice::check_teams;

pub(super) async fn run(kind: Kind, args: &ListArgs) -> anyhow::Result<End> {
    let (mappings, source) = load(args).await?;
    check_teams(&mappings, &args.deployment.teams)?;
    let format = args.output.format();
    let rows: Vec<ListRow> = match kind {
        Kind::Mappings => mappings.all().iter().filter(|mapping| is_listed(mapping, args)).map(|it| row(it)).collect(),
        Kind::Grants => grants(&mappings, args),
    };
    match kind {
        Kind::Mappings => print::listing(format, &["team", "source", "zones", "hostnames", "purge", "mapping"], &rows)?,
        Kind::Grants => print::listing(format, &["team", "owns", "tokens"], &rows)?,
    }
    if format == Format::Table {
        let noun = if kind == Kind::Mappings { "mapping" } else { "grant" };
        print::note(&format!("{} of {source}", print::count(rows.len(), noun)));
    }
    Ok(End::Done)
}

async fn load(args: &ListArgs) -> anyhow::Result<(Mappings, MappingsSource)> {
    let config = load_patient_config().await;
    let function = match args.deployment.function() {
        Some(name) => {
            let what = || format!("can't read the settings of the function {name}");
            Some(Function::read(&config, &name).await.with_context(what)?)
        }
        None => None,
    };
    let source = MappingsSource::of(&args.deployment, function.as_ref());
    let teams = &args.deployment.teams;
    let mappings = match &source {
        MappingsSource::Table(table) => {
            let (mappings, mut skipped) = load_table_of(&config, table, teams).await?;
            skipped.retain(|skipped| is_of_teams(&skipped.key, teams));
            warn(&skipped);
            mappings
        }
        MappingsSource::File(path) => {
            let text = read(path)?;
            from_toml(&text).or_else(|problems| {
                draw(path, &text, &problems);
                bail!("{} has {}", path.display(), print::count(problems.len(), "problem"))
            })?
        }
    };
    Ok((mappings, source))
}

fn is_listed(mapping: &Mapping, args: &ListArgs) -> bool {
    let ListArgs { deployment, buckets, zones, hostnames, .. } = args;
    let has_zone = zones.is_empty() || mapping.zones.iter().any(|zone| zones.contains(&zone.domain));
    (deployment.teams.is_empty() || deployment.teams.contains(&mapping.team))
        && (buckets.is_empty() || buckets.contains(&mapping.source.bucket))
        && has_zone
        && (hostnames.is_empty() || hostnames_of(mapping).into_iter().any(|name| hostnames.contains(name)))
}

fn hostnames_of(mapping: &Mapping) -> Vec<&Hostname> {
    mapping.zones.iter().flat_map(|zone| mapping.hostnames_of(zone)).collect()
}

fn row(mapping: &Mapping) -> ListRow {
    let purge = match mapping.purge {
        Purge::Urls(_) => "urls",
        Purge::Prefixes => "prefixes",
        Purge::Hosts => "hosts",
        Purge::Tags(_) => "tags",
        Purge::Everything => "everything",
    };
    let zones: Vec<&Hostname> = mapping.zones.iter().map(|zone| &zone.domain).collect();
    let hostnames = hostnames_of(mapping);
    let joined = |names: &[&Hostname]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let cells = [
        mapping.team.to_string(),
        mapping.source.to_string(),
        joined(&zones),
        joined(&hostnames),
        purge.to_owned(),
        mapping.name.clone(),
    ];
    let json = json!({
        "team": mapping.team,
        "mapping": mapping.name,
        "bucket": mapping.source.bucket,
        "prefix": mapping.source.prefix.as_str(),
        "zones": zones,
        "hostnames": hostnames,
        "events": mapping.events,
        "purge": purge,
        "mode": mapping.mode,
    });
    ListRow { cells: cells.to_vec(), json }
}

fn grants(mappings: &Mappings, args: &ListArgs) -> Vec<ListRow> {
    let teams = &args.deployment.teams;
    let owns_bucket = |owned: &BTreeSet<String>| {
        args.buckets.is_empty() || args.buckets.iter().any(|bucket| owned.contains(bucket.as_str()))
    };
    let granted = mappings.teams().filter(|team| teams.is_empty() || teams.contains(&team.name));
    let granted = granted.filter(|team| owns_bucket(&team.owns.iter().map(|it| it.bucket.to_string()).collect()));
    let rows = granted.map(|team| {
        let owns: Vec<String> = team.owns.iter().map(ToString::to_string).collect();
        ListRow {
            cells: vec![team.name.to_string(), owns.join(", "), team.tokens.to_string()],
            json: json!({ "team": team.name, "owns": owns, "tokens": team.tokens.to_string() }),
        }
    });
    rows.collect()
}
