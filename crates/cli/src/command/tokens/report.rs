//! What `verify` and `status` report of each token, as a table and as JSON.

use comfy_table::{ContentArrangement, Table, presets};
use purge_router_aws::ReadError;
use purge_router_cloudflare::{Meaning, TokenOwner, Verified};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::command::tokens::inspect::{Identity, Inspection};
use crate::command::tokens::relative_time::relative;
use crate::print;

pub(super) struct TokenReport {
    pub(super) inspection: Inspection,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
    /// Whether it can purge its zone, if that was tried.
    pub(super) can_purge: Option<bool>,
    /// When it was created, if the caller can read that.
    pub(super) created_at: Option<OffsetDateTime>,
}

impl TokenReport {
    pub(super) fn new(inspection: Inspection) -> Self {
        let problems = inspection.problem().into_iter().collect();
        Self { inspection, problems, warnings: Vec::new(), can_purge: None, created_at: None }
    }

    pub(super) fn parameter(&self) -> String {
        self.inspection.slot.parameter().to_owned()
    }

    /// The token's state in one or two words.
    pub(super) fn state(&self) -> String {
        if let Some((_, verified)) = self.inspection.verified() {
            return json!(verified.status).as_str().unwrap_or_default().to_owned();
        }
        let state = match (&self.inspection.stored, &self.inspection.identity) {
            (Err(ReadError::Absent), _) => "missing",
            (Err(_), _) => "unreadable",
            (Ok(_), None) => "no token",
            (Ok(_), Some(Identity::GlobalKey)) => "a global key",
            (Ok(_), Some(Identity::Unverified(refusal))) if refusal.meaning == Meaning::TokenRefused => "refused",
            (Ok(_), Some(_)) => "unknown",
        };
        state.to_owned()
    }

    /// When it expires, empty if that is unknown.
    pub(super) fn expiry(&self) -> String {
        match self.inspection.verified() {
            Some((_, verified)) => verified.expires_on.map_or_else(|| "never".to_owned(), relative),
            None => String::new(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let Inspection { slot, stored, .. } = &self.inspection;
        let stored = stored.as_ref().ok();
        let stored_at = stored.and_then(|stored| OffsetDateTime::from(stored.at?).replace_nanosecond(0).ok());
        json!({
            "team": slot.zone().team,
            "zone": slot.zone().domain,
            "parameter": slot.parameter(),
            "type": stored.map(|stored| &stored.kind),
            "version": stored.map(|stored| stored.version),
            "stored_at": stored_at.and_then(rfc3339),
            "token": self.inspection.verified().map(|(owner, verified)| token_json(owner, verified)),
            "created_at": self.created_at.and_then(rfc3339),
            "may_purge": self.can_purge,
            "problems": self.problems,
            "warnings": self.warnings,
        })
    }
}

fn token_json(owner: &TokenOwner, verified: &Verified) -> Value {
    let owner = match owner {
        TokenOwner::User => "user",
        TokenOwner::Account(_) => "account",
    };
    json!({
        "id": verified.id,
        "owner": owner,
        "status": verified.status,
        "expires_on": verified.expires_on.and_then(rfc3339),
    })
}

fn rfc3339(time: OffsetDateTime) -> Option<String> {
    time.format(&Rfc3339).ok()
}

/// One row per token: the team, the zone, and `cells`.
pub(super) fn table(columns: &[&str], reports: &[TokenReport], cells: impl Fn(&TokenReport) -> Vec<String>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|name| name.to_uppercase()));
    for report in reports {
        let zone = report.inspection.slot.zone();
        let first = [zone.team.to_string(), zone.domain.to_string()];
        table.add_row(first.into_iter().chain(cells(report)));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}

/// Prints all problems and warnings, each with its zone.
pub(super) fn print_findings(reports: &[TokenReport]) {
    for report in reports {
        let zone = &report.inspection.slot.zone().domain;
        report.problems.iter().for_each(|text| print::error(&format!("{zone}: {text}")));
        report.warnings.iter().for_each(|text| print::warning(&format!("{zone}: {text}")));
    }
}
