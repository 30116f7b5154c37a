//! `tokens status`: shows each token's age, version and expiry, and does not judge them.

use futures_util::{StreamExt, stream};
use purge_router_aws::ReadError;
use purge_router_cloudflare::Credential;
use serde_json::Value;

use crate::args::StatusArgs;
use crate::command::tokens::context::{CONCURRENCY, TokensContext};
use crate::command::tokens::credentials::admin_from_environment;
use crate::command::tokens::relative_time::age;
use crate::command::tokens::report::{TokenReport, print_findings, table};
use crate::command::tokens::slot::{Target, TokenSlot};
use crate::exit::End;
use crate::print;

pub(super) async fn run(args: &StatusArgs) -> anyhow::Result<End> {
    let Some(context) = TokensContext::new(&args.zones).await? else { return Ok(End::Problems) };
    let admin = admin_from_environment()?;
    let reports = stream::iter(&context.targets).map(|target| context.status(target, admin.as_ref()));
    let reports: Vec<TokenReport> = reports.buffered(CONCURRENCY).collect().await;
    match args.json {
        true => print::json(&reports.iter().map(TokenReport::json).collect::<Value>())?,
        false => print_reports(&reports, admin.is_some()),
    }
    Ok(End::done_if(reports.iter().all(|report| report.problems.is_empty())))
}

fn print_reports(reports: &[TokenReport], has_admin: bool) {
    let columns = ["team", "zone", "token", "created", "version", "stored", "expires"];
    print::out(&table(&columns, reports, |report| {
        let stored = report.inspection.stored.as_ref().ok();
        let version = stored.map(|stored| stored.version.to_string()).unwrap_or_default();
        let stored_at = stored.and_then(|stored| stored.at).map(|at| age(at.into())).unwrap_or_default();
        let created = report.created_at.map(age).unwrap_or_default();
        vec![report.state(), created, version, stored_at, report.expiry()]
    }));
    print_findings(reports);
    if !has_admin && reports.iter().any(|report| report.inspection.verified().is_some()) {
        print::note("set CLOUDFLARE_API_TOKEN to a token that can read tokens, to see when these were created");
    }
}

impl TokensContext {
    async fn status(&self, target: &Target, admin: Option<&Credential>) -> TokenReport {
        let mut report = TokenReport::new(self.inspect(&TokenSlot::of(target)).await);
        // Only a parameter that can't be read is a problem here.
        if !matches!(&report.inspection.stored, Err(error) if *error != ReadError::Absent) {
            report.warnings = std::mem::take(&mut report.problems);
        }
        if let (Some(admin), Some((owner, verified))) = (admin, report.inspection.verified()) {
            match self.client.token(admin, owner, &verified.id).await {
                Ok(details) => report.created_at = details.and_then(|details| details.issued_on),
                Err(refusal) => report.warnings.push(format!("couldn't read when it was created: {refusal}")),
            }
        }
        report
    }
}
