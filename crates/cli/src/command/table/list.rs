//! `mappings list` and `grants list`: one line for each mapping, or for each grant.

use std::collections::BTreeSet;

use anyhow::Context;
use purge_router_aws::load_patient_config;
use purge_router_core::names::Hostname;
use purge_router_core::{Mapping, Mappings, Purge};
use serde_json::json;

use super::target::Kind;
use crate::args::{Format, KnownFunction, ListArgs, MappingsSource};
use crate::deployment::{read_function, source_of};
use crate::exit::End;
use crate::mappings::{load_file_of, load_table};
use crate::print::{self, ListRow};

pub(super) async fn run(kind: Kind, args: &ListArgs) -> anyhow::Result<End> {
    let Some((mappings, source)) = load(args).await? else { return Ok(End::Problems) };
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

/// `None`: the mapping file has problems, which were printed.
async fn load(args: &ListArgs) -> anyhow::Result<Option<(Mappings, MappingsSource)>> {
    let (config, teams) = (load_patient_config().await, &args.deployment.teams);
    let source = match args.deployment.function() {
        Some(name) => {
            source_of(&args.deployment, &read_function(&config, &name, "or name the table with --table").await?)?
        }
        None => args.deployment.source(KnownFunction::Unnamed)?.context("no mappings are named")?,
    };
    let mappings = match &source {
        MappingsSource::Table(table, _) => Some(load_table(&config, table, teams).await?),
        MappingsSource::File(path, _) => load_file_of(path, teams).await?,
    };
    Ok(mappings.map(|mappings| (mappings, source)))
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
