//! `verify` and `status`: each zone's token as a line of a table, or as JSON.

use std::time::SystemTime;

use comfy_table::{ContentArrangement, Table, presets};
use futures_util::{StreamExt, stream};
use purge_router_aws::ReadError;
use purge_router_cloudflare::{Credential, Meaning, TokenOwner};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::look::{Known, Look, NAME_ACCOUNT, may_not_purge, try_purge};
use super::{Place, SIDE_BY_SIDE, Target, World, manager};
use crate::args::{StatusArgs, VerifyArgs};
use crate::{End, print};

/// One zone's token, as it is told.
struct Line {
    look: Look,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// Whether it may purge its zone, if that was tried.
    purges: Option<bool>,
    /// When it was created, if the caller may know.
    created: Option<OffsetDateTime>,
}

pub(super) async fn verify(args: &VerifyArgs) -> anyhow::Result<End> {
    let Some(world) = World::new(&args.zones).await? else { return Ok(End::Problems) };
    let manager = manager()?;
    let days = i64::from(args.expiring_within);
    let lines = stream::iter(&world.targets).map(|target| world.verified(target, manager.as_ref(), days));
    let lines: Vec<Line> = lines.buffered(SIDE_BY_SIDE).collect().await;
    let bad = lines.iter().filter(|line| !line.problems.is_empty()).count();
    let is_good = bad == 0 && world.skipped == 0;
    match args.json {
        true => print::json(&lines.iter().map(Line::json).collect::<Value>())?,
        false => {
            let columns = ["team", "zone", "parameter", "token", "expires", "may purge"];
            print::out(&table(&columns, &lines, |line| {
                let purges = line.purges.map_or("", |may| if may { "yes" } else { "no" });
                vec![line.look.place.parameter().to_owned(), line.state(), line.expiry(), purges.to_owned()]
            }));
            tell(&lines);
            if manager.is_none() && lines.iter().any(|line| line.look.verified().is_some()) {
                let what = "a token that may read tokens, to see what these may do beyond purging their zones";
                print::note(&format!("set CLOUDFLARE_API_TOKEN to {what}"));
            }
            if bad > 0 {
                print::error(&format!("{bad} of {} can't be used", print::count(lines.len(), "token")));
            }
        }
    }
    Ok(if is_good { End::Done } else { End::Problems })
}

pub(super) async fn status(args: &StatusArgs) -> anyhow::Result<End> {
    let Some(world) = World::new(&args.zones).await? else { return Ok(End::Problems) };
    let manager = manager()?;
    let lines = stream::iter(&world.targets).map(|target| async { world.status(target, manager.as_ref()).await });
    let lines: Vec<Line> = lines.buffered(SIDE_BY_SIDE).collect().await;
    match args.json {
        true => print::json(&lines.iter().map(Line::json).collect::<Value>())?,
        false => {
            print::out(&table(&["team", "zone", "token", "created", "version", "stored", "expires"], &lines, |line| {
                let stored = line.look.stored.as_ref().ok();
                let version = stored.map(|stored| stored.version.to_string()).unwrap_or_default();
                let at = stored.and_then(|stored| stored.at).map(|at| ago(at.into())).unwrap_or_default();
                let created = line.created.map(ago).unwrap_or_default();
                vec![line.state(), created, version, at, line.expiry()]
            }));
            tell(&lines);
            if manager.is_none() && lines.iter().any(|line| line.look.verified().is_some()) {
                print::note("set CLOUDFLARE_API_TOKEN to a token that may read tokens, to see when these were created");
            }
        }
    }
    Ok(if lines.iter().all(|line| line.problems.is_empty()) { End::Done } else { End::Problems })
}

impl World {
    async fn verified(&self, target: &Target, manager: Option<&Credential>, days: i64) -> Line {
        let mut line = Line::of(self.sure_look(&Place::of(target)).await);
        let Some(token) = line.look.token().filter(|_| line.problems.is_empty()) else { return line };
        match try_purge(&self.client, token, &target.zone).await {
            Ok(()) => line.purges = Some(true),
            Err(refusal) if refusal.meaning == Meaning::TokenRefused => {
                line.purges = Some(false);
                line.problems.push(may_not_purge(&target.zone, &refusal));
            }
            Err(refusal) => line.problems.push(format!("whether it may purge the zone is not known: {refusal}")),
        }
        let Some((owner, verified)) = line.look.verified() else {
            line.warnings.push(format!(
                "Cloudflare does not tell when it expires, for it is an account's token: {NAME_ACCOUNT}"
            ));
            return line;
        };
        if let Some(end) = verified.expires_on
            && end - OffsetDateTime::now_utc() < Duration::days(days)
        {
            line.warnings.push(format!("it expires {}: rotate it", until(end)));
        }
        if let Some(manager) = manager {
            match self.client.token(manager, owner, &verified.id).await {
                Ok(Some(details)) => {
                    line.created = details.issued_on;
                    let beyond = details.policies.iter().flat_map(|policy| policy.beyond(&target.zone.zone_id));
                    let beyond: Vec<String> = beyond.collect();
                    if !beyond.is_empty() {
                        line.warnings.push(format!("it may do more than purge this zone: {}", beyond.join(", ")));
                    }
                }
                Ok(None) => line.warnings.push("what it may do is not known: it is another user's".to_owned()),
                Err(refusal) => line.warnings.push(format!("what it may do is not known: {refusal}")),
            }
        }
        line
    }

    async fn status(&self, target: &Target, manager: Option<&Credential>) -> Line {
        let mut line = Line::of(self.look(&Place::of(target)).await);
        // It shows what there is, and does not judge that. What can't be seen is a problem.
        if !matches!(&line.look.stored, Err(error) if *error != ReadError::Absent) {
            line.warnings = std::mem::take(&mut line.problems);
        }
        if let (Some(manager), Some((owner, verified))) = (manager, line.look.verified()) {
            match self.client.token(manager, owner, &verified.id).await {
                Ok(details) => line.created = details.and_then(|details| details.issued_on),
                Err(refusal) => line.warnings.push(format!("when it was created is not known: {refusal}")),
            }
        }
        line
    }
}

impl Line {
    fn of(look: Look) -> Self {
        let problems = look.problem().into_iter().collect();
        Self { look, problems, warnings: Vec::new(), purges: None, created: None }
    }

    fn state(&self) -> String {
        match (self.look.verified(), &self.look.stored) {
            (Some((_, verified)), _) => json!(verified.status).as_str().unwrap_or_default().to_owned(),
            (None, Err(ReadError::Absent)) => "missing".to_owned(),
            (None, Err(_)) => "unreadable".to_owned(),
            (None, Ok(_)) => match &self.look.known {
                Some(Known::OfSomeAccount) => "unknown".to_owned(),
                Some(Known::GlobalKey) => "a global key".to_owned(),
                Some(Known::Not(refusal)) if refusal.meaning == Meaning::TokenRefused => "refused".to_owned(),
                Some(_) => "unknown".to_owned(),
                None => "no token".to_owned(),
            },
        }
    }

    fn expiry(&self) -> String {
        match self.look.verified() {
            Some((_, verified)) => verified.expires_on.map_or_else(|| "never".to_owned(), until),
            None => String::new(),
        }
    }

    fn json(&self) -> Value {
        let Look { place, stored, .. } = &self.look;
        let stored = stored.as_ref().ok();
        let rfc3339 = |at: OffsetDateTime| at.format(&Rfc3339).ok();
        let token = self.look.verified().map(|(owner, verified)| {
            let owner = match owner {
                TokenOwner::User => "user",
                TokenOwner::Account(_) => "account",
            };
            json!({ "id": verified.id, "owner": owner, "status": verified.status,
                "expires_on": verified.expires_on.and_then(rfc3339) })
        });
        json!({
            "team": place.zone().team,
            "zone": place.zone().domain,
            "parameter": place.parameter(),
            "type": stored.map(|stored| &stored.kind),
            "version": stored.map(|stored| stored.version),
            "stored_at": stored.and_then(|stored| rfc3339(OffsetDateTime::from(stored.at?).replace_nanosecond(0).ok()?)),
            "token": token,
            "created_at": self.created.and_then(rfc3339),
            "may_purge": self.purges,
            "problems": self.problems,
            "warnings": self.warnings,
        })
    }
}

/// Lines under each other, the team and the zone first.
fn table(columns: &[&str], lines: &[Line], rest: impl Fn(&Line) -> Vec<String>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|name| name.to_uppercase()));
    for line in lines {
        let zone = &line.look.place.zone();
        let cells = [zone.team.to_string(), zone.domain.to_string()];
        table.add_row(cells.into_iter().chain(rest(line)));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}

/// Problems and warnings, each with its zone.
fn tell(lines: &[Line]) {
    for line in lines {
        let zone = &line.look.place.zone().domain;
        line.problems.iter().for_each(|text| print::error(&format!("{zone}: {text}")));
        line.warnings.iter().for_each(|text| print::warning(&format!("{zone}: {text}")));
    }
}

/// `in 3 days`, `2 hours ago`.
pub(super) fn until(end: OffsetDateTime) -> String {
    let left = end - OffsetDateTime::now_utc();
    if left.is_negative() { ago(end) } else { format!("in {}", long(left)) }
}

fn ago(at: OffsetDateTime) -> String {
    format!("{} ago", long(OffsetDateTime::from(SystemTime::now()) - at))
}

fn long(duration: Duration) -> String {
    let seconds = duration.whole_seconds().unsigned_abs();
    let unit =
        |size: u64, noun: &str| print::count(usize::try_from((seconds + size / 2) / size).unwrap_or(usize::MAX), noun);
    match seconds {
        0..120 => unit(1, "second"),
        120..7200 => unit(60, "minute"),
        7200..172_800 => unit(3600, "hour"),
        _ => unit(86_400, "day"),
    }
}
