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

use self::finding::{Finding, State};
use self::function::Deployed;
use crate::args::DoctorArgs;
use crate::deployment::MappingsSource;
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
    let account = account::examine(config).await;
    let can_call_aws = account.iter().all(|finding| finding.state != State::Bad);
    report.add(account);
    let deployed = match args.deployment.function().filter(|_| can_call_aws) {
        Some(name) => Deployed::read(config, &name).await,
        None => Deployed::unnamed(can_call_aws),
    };
    report.add(deployed.findings());
    let source = MappingsSource::of(&args.deployment, deployed.function());
    let is_readable = can_call_aws || matches!(source, MappingsSource::File(_));
    if !is_readable {
        return Ok(());
    }
    let (found, mappings) = mappings::examine(config, &source, &args.deployment.teams).await?;
    report.add(found);
    let teams = &args.deployment.teams;
    let is_wanted = |team: &_| teams.is_empty() || teams.contains(team);
    if let Some(mappings) = &mappings {
        let zones: Vec<_> = mappings.zones().filter(|zone| is_wanted(&zone.team)).cloned().collect();
        report.add(tokens::examine(config, &zones).await?);
        if can_call_aws {
            let all = mappings.all().iter().filter(|mapping| is_wanted(&mapping.team)).cloned().collect::<Vec<_>>();
            report.add(buckets::examine(config, &all, &deployed).await);
        }
    }
    if deployed.function().is_some() {
        report.add(queues::examine(config, &deployed).await);
        report.add(alarms::examine(config, &deployed).await);
    }
    if let Some(mappings) = &mappings {
        report.add(trace::examine(&args.urls, mappings).await?);
    }
    Ok(())
}
