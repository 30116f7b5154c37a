//! `doctor`: whether a deployment works, one line for each part: good, bad, or unknown, with the command that repairs it.

mod account;
mod alarms;
mod buckets;
mod finding;
mod function;
mod mappings;
mod queue_policy;
mod queues;
mod tokens;
mod trace;

use aws_config::SdkConfig;
use purge_router_aws::load_patient_config;
use purge_router_core::Mappings;

use self::finding::{Finding, State};
use self::function::Deployed;
use crate::args::{DoctorArgs, MappingsSource};
use crate::exit::End;
use crate::{print, shutdown};

pub(super) async fn run(args: &DoctorArgs) -> anyhow::Result<End> {
    let config = load_patient_config().await;
    let mut report = Report { findings: Vec::new(), is_json: args.json };
    let ended = shutdown::until_stopped(examine(args, &config, &mut report)).await;
    let count = |state| report.findings.iter().filter(|finding| finding.state == state).count();
    let (bad, unknown) = (count(State::Bad), count(State::Unknown));
    match args.json {
        true => print::json(&report.findings)?,
        false => print::out(&format!("\n{} good, {bad} bad, {unknown} unknown", count(State::Good))),
    }
    if ended.is_err() {
        anyhow::bail!("stopped: the rest was not looked at; nothing was changed");
    }
    ended.unwrap_or(Ok(()))?;
    Ok(End::done_if(bad == 0))
}

/// What was found so far. Text is printed line by line, because calls may take long.
struct Report {
    findings: Vec<Finding>,
    is_json: bool,
}

impl Report {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if !self.is_json {
                print::out(&finding.as_text());
            }
            self.findings.push(finding);
        }
    }
}

async fn examine(args: &DoctorArgs, config: &SdkConfig, report: &mut Report) -> anyhow::Result<()> {
    let (account, uncallable) = account::examine(config).await;
    report.add(account);
    let deployed = match (args.deployment.function(), uncallable) {
        (None, _) => Deployed::Unnamed,
        (Some(_), Some(why)) => Deployed::Skipped(why),
        (Some(name), None) => Deployed::read(config, &name).await,
    };
    report.add(deployed.findings(!args.deployment.teams.is_empty()));
    let mappings = examine_mappings(args, config, uncallable, &deployed, report).await?;
    if deployed.function().is_some() {
        report.add(queues::examine(config, &deployed).await);
        report.add(alarms::examine(config, &deployed).await);
    }
    match &mappings {
        Some(mappings) => report.add(trace::examine(&args.urls, mappings).await?),
        None => report.add(args.urls.iter().map(|url| Finding::skipped(trace::what(url), NO_MAPPINGS))),
    }
    Ok(())
}

/// Why what mappings name is not looked at.
const NO_MAPPINGS: &str = "the mappings can't be read";

/// Looks at the mappings, and at the tokens and buckets that they name.
async fn examine_mappings(
    args: &DoctorArgs,
    config: &SdkConfig,
    uncallable: Option<&str>,
    deployed: &Deployed,
    report: &mut Report,
) -> anyhow::Result<Option<Mappings>> {
    let teams = &args.deployment.teams;
    let (found, mappings) = match (args.deployment.source(deployed.known())?, uncallable) {
        (None, _) => (vec![mappings::of_unknown_source(deployed.known())], None),
        (Some(MappingsSource::Table(table, _)), Some(why)) => {
            (vec![Finding::skipped(format!("table {table}"), why)], None)
        }
        (Some(source), _) => mappings::examine(config, &source, teams).await?,
    };
    report.add(found);
    let skipped = |why: &str| Finding::skipped("tokens, notifications", why);
    let (Some(known), None) = (&mappings, uncallable) else {
        report.add([skipped(uncallable.unwrap_or(NO_MAPPINGS))]);
        return Ok(mappings);
    };
    let is_wanted = |team: &_| teams.is_empty() || teams.contains(team);
    let zones: Vec<_> = known.zones().filter(|zone| is_wanted(&zone.team)).cloned().collect();
    report.add(tokens::examine(config, &zones, !teams.is_empty()).await?);
    let all = known.all().iter().filter(|mapping| is_wanted(&mapping.team)).cloned().collect::<Vec<_>>();
    report.add(buckets::examine(config, &all, deployed, !teams.is_empty()).await);
    Ok(mappings)
}
