//! `tokens verify`: checks that each zone's token is stored, active and able to purge the zone.

use futures_util::{StreamExt, stream};
use purge_router_cloudflare::{Credential, Meaning, TokenOwner, Verified};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::args::VerifyArgs;
use crate::command::tokens::context::{CONCURRENCY, TokensContext};
use crate::command::tokens::credentials::admin_from_environment;
use crate::command::tokens::inspect::SET_ACCOUNT;
use crate::command::tokens::probe::{cannot_purge, try_purge};
use crate::command::tokens::relative_time::relative;
use crate::command::tokens::report::{TokenReport, print_findings, table};
use crate::command::tokens::slot::{Target, TokenSlot};
use crate::exit::End;
use crate::print;

pub(super) async fn run(args: &VerifyArgs) -> anyhow::Result<End> {
    let Some(context) = TokensContext::new(&args.zones).await? else { return Ok(End::Problems) };
    let admin = admin_from_environment()?;
    let expiring_within = Duration::days(i64::from(args.expiring_within));
    let reports = stream::iter(&context.targets).map(|target| context.verify(target, admin.as_ref(), expiring_within));
    let reports: Vec<TokenReport> = reports.buffered(CONCURRENCY).collect().await;
    let bad = reports.iter().filter(|report| !report.problems.is_empty()).count();
    match args.json {
        true => print::json(&reports.iter().map(TokenReport::json).collect::<Value>())?,
        false => print_reports(&reports, bad, admin.is_some()),
    }
    Ok(End::done_if(bad == 0 && context.skipped_rows == 0))
}

fn print_reports(reports: &[TokenReport], bad: usize, has_admin: bool) {
    let columns = ["team", "zone", "parameter", "token", "expires", "can purge"];
    print::out(&table(&columns, reports, |report| {
        let can_purge = report.can_purge.map_or("", |can| if can { "yes" } else { "no" });
        vec![report.parameter(), report.state(), report.expiry(), can_purge.to_owned()]
    }));
    print_findings(reports);
    if !has_admin && reports.iter().any(|report| report.inspection.verified().is_some()) {
        let help = "set CLOUDFLARE_API_TOKEN to a token that can read tokens, to see what else these tokens can do";
        print::note(help);
    }
    if bad > 0 {
        print::error(&format!("{bad} of {} can't be used", print::count(reports.len(), "token")));
    }
}

impl TokensContext {
    async fn verify(&self, target: &Target, admin: Option<&Credential>, expiring_within: Duration) -> TokenReport {
        let mut report = TokenReport::new(self.inspect_carefully(&TokenSlot::of(target)).await);
        let Some(token) = report.inspection.token().filter(|_| report.problems.is_empty()).cloned() else {
            return report;
        };
        match try_purge(&self.client, &token, &target.zone).await {
            Ok(()) => report.can_purge = Some(true),
            Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                report.can_purge = Some(false);
                report.problems.push(cannot_purge(&target.zone, &refusal));
            }
            Err(refusal) => report.problems.push(format!("couldn't check that it can purge the zone: {refusal}")),
        }
        let Some((owner, verified)) = report.inspection.verified() else {
            let warning = format!("its expiry is unknown, because it is an account's token: {SET_ACCOUNT}");
            report.warnings.push(warning);
            return report;
        };
        let (owner, verified) = (owner.clone(), verified.clone());
        if let Some(end) = verified.expires_on
            && end - OffsetDateTime::now_utc() < expiring_within
        {
            report.warnings.push(format!("it expires {}: rotate it", relative(end)));
        }
        if let Some(admin) = admin {
            self.check_permissions(&mut report, target, (&owner, &verified), admin).await;
        }
        report
    }

    /// Warns if a token can do more than purge its zone.
    async fn check_permissions(
        &self,
        report: &mut TokenReport,
        target: &Target,
        (owner, verified): (&TokenOwner, &Verified),
        admin: &Credential,
    ) {
        match self.client.token(admin, owner, &verified.id).await {
            Ok(Some(details)) => {
                report.created_at = details.issued_on;
                let policies = details.policies.iter();
                let beyond: Vec<String> = policies.flat_map(|policy| policy.beyond(&target.zone.zone_id)).collect();
                if !beyond.is_empty() {
                    report.warnings.push(format!("it can do more than purge this zone: {}", beyond.join(", ")));
                }
            }
            Ok(None) => {
                report.warnings.push("couldn't read its permissions: it belongs to another user".to_owned());
            }
            Err(refusal) => report.warnings.push(format!("couldn't read its permissions: {refusal}")),
        }
    }
}
