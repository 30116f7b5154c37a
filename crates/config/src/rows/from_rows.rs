//! Rows of the table → [`Mappings`]. A row with a problem is skipped, and so is what needs it; all others are used.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use purge_router_core::names::{CloudflareId, TeamName, TokenFolder};
use purge_router_core::{Code, Invalid, Mapping, Mappings, Team};

use crate::decoded::FieldChecker;
use crate::path::ConfigPath;
use crate::problem::Problem;
use crate::rows::decode::{decode_grant, decode_mapping, decode_zone};
use crate::rows::fields::{Fields, Row, source_text, value_of};
use crate::rows::row_key::{Partition, PartitionKey, RowKey};
use crate::validate::grant::{Grant, grant};
use crate::validate::mapping::{DeclaredZones, MappingOwner, mapping, not_owned};
use crate::validate::shared_parts::SharedParts;
use crate::validate::team_quota::TeamQuota;
use crate::validate::zone::{ZoneGrant, zone};

/// A row that is skipped: nothing in it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which row.
    pub key: RowKey,
    /// Why it is skipped; never empty.
    pub problems: Vec<Problem>,
}

impl Skipped {
    /// Whether its team may map its source: then the row is skipped for what its fields say.
    pub fn is_granted(&self) -> bool {
        !self.problems.iter().any(|problem| matches!(problem.code, Code::SourceNotOwned | Code::NoGrant))
    }

    fn whole(key: &RowKey, invalid: Invalid) -> Self {
        Self { key: key.clone(), problems: vec![Problem::new(ConfigPath::row(key), invalid)] }
    }
}

/// The rows of one team.
#[derive(Default)]
struct TeamRows<'r> {
    grant: Option<&'r Row>,
    zones: Vec<(&'r str, &'r Row)>,
    mappings: Vec<&'r Row>,
}

/// A grant whose token folder is valid, so that its team's zones can be validated.
struct UsableGrant {
    grant: Grant,
    tokens: TokenFolder,
}

/// Reads rows of a table: mappings, with the grants and zones that they need. What a team may map is what its grant
/// says, whatever its own rows say.
///
/// Rows that are wrong, of a later version, or of no team are skipped, and so are the mappings that need them.
pub fn from_rows<'r>(rows: impl IntoIterator<Item = &'r Row>) -> (Mappings, Vec<Skipped>) {
    let mut found: BTreeMap<&TeamName, TeamRows<'r>> = BTreeMap::new();
    let mut skipped = Vec::new();
    for row in rows {
        match &row.key {
            RowKey::Grant(team) => found.entry(team).or_default().grant = Some(row),
            RowKey::Zone { team, domain } => found.entry(team).or_default().zones.push((domain, row)),
            RowKey::Mapping { team, .. } => found.entry(team).or_default().mappings.push(row),
            // Tests change nothing of what is purged; `tests_of_rows` reads them.
            RowKey::Test { .. } => {}
            other => skipped.extend(not_a_mapping(other)),
        }
    }
    let (mut teams, mut mappings) = (BTreeMap::new(), Vec::new());
    for (name, rows) in found {
        let reading = TeamReading { mappings: &mut mappings, skipped: &mut skipped };
        if let Some(team) = reading.team(name, &rows) {
            teams.insert(name.clone(), Arc::new(team));
        }
    }
    let (mappings, refused) = Mappings::new(teams, mappings);
    skipped.extend(refused.into_iter().map(|error| {
        let help = "report this: the rows were validated, and the mapping is not used";
        let key = RowKey::Grant(error.team().clone());
        Skipped::whole(&key, Invalid::new(Code::SourceNotOwned, error.to_string(), help))
    }));
    (mappings, skipped)
}

fn not_a_mapping(key: &RowKey) -> Option<Skipped> {
    let invalid = match key.partition() {
        PartitionKey::Known(Partition::Grants) => return None,
        PartitionKey::Known(Partition::Team(_)) => {
            let help = "the sort key of a mapping begins with `MAPPING#`";
            Invalid::new(Code::NoMapping, "not a mapping", help)
        }
        PartitionKey::Unknown(pk) => {
            let help = "a team's partition is `TEAM#` and the team's name";
            Invalid::new(Code::NoTeam, format!("`{pk}` is not a team's partition"), help)
        }
    };
    Some(Skipped::whole(key, invalid))
}

/// Collects the mappings and skipped rows of one team after another.
struct TeamReading<'o> {
    mappings: &'o mut Vec<Arc<Mapping>>,
    skipped: &'o mut Vec<Skipped>,
}

impl TeamReading<'_> {
    fn team(mut self, name: &TeamName, rows: &TeamRows<'_>) -> Option<Team> {
        let UsableGrant { grant, tokens } = match self.grant(name, rows.grant) {
            Ok(usable) => usable,
            Err(invalid) => {
                self.skipped.extend(rows.mappings.iter().map(|row| Skipped::whole(&row.key, invalid.clone())));
                return None;
            }
        };
        let Grant { owns, accounts, kms_key, .. } = grant;
        let mut team = Team { name: name.clone(), owns, tokens, kms_key, zones: BTreeMap::new() };
        self.zones(&mut team, &accounts, &rows.zones);
        let declared_zones: DeclaredZones<'_> = rows.zones.iter().map(|(domain, _)| *domain).collect();
        // A source outside of `owns` is always a problem here: what of `owns` can't be read grants nothing.
        let owner = MappingOwner {
            team: &team,
            declared_zones: &declared_zones,
            zones_are_complete: true,
            owns_is_complete: true,
        };
        let (mut quota, mut shared) = (TeamQuota::default(), SharedParts::default());
        for row in &rows.mappings {
            match read_mapping(&owner, row, &mut quota, &mut shared) {
                Ok(mapping) => self.mappings.push(Arc::new(mapping)),
                Err(problems) => self.skipped.push(Skipped { key: row.key.clone(), problems }),
            }
        }
        Some(team)
    }

    /// The team's grant, or why its mappings are skipped. A problem of the grant is the grant row's; an item of `owns`
    /// that can't be read grants nothing, and the others hold.
    fn grant(&mut self, name: &TeamName, row: Option<&Row>) -> Result<UsableGrant, Invalid> {
        let Some(row) = row else {
            let help = "the operator writes one: `purge-router grants push`";
            return Err(Invalid::new(Code::NoGrant, format!("team {name} has no grant"), help));
        };
        let mut decoded = decode_grant(&row.key, &row.fields);
        let validated = decoded.spec.map(|spec| grant(name, &spec, &mut decoded.checker));
        self.skip_if_wrong(row, decoded.checker);
        if let Some(grant) = validated
            && let Some(tokens) = grant.tokens.clone()
        {
            return Ok(UsableGrant { grant, tokens });
        }
        let help = "the operator has to fix it; its own problem is reported, too";
        Err(Invalid::new(Code::BadGrant, format!("the grant of team {name} can't be read"), help))
    }

    fn zones(&mut self, team: &mut Team, accounts: &[CloudflareId], rows: &[(&str, &Row)]) {
        for (domain, row) in rows {
            let mut decoded = decode_zone(&row.key, &row.fields);
            let grant = ZoneGrant { team: &team.name, tokens: &team.tokens, accounts };
            let valid = decoded.spec.and_then(|spec| zone(&grant, domain, &spec, &mut decoded.checker));
            let is_valid = !decoded.checker.has_problems();
            self.skip_if_wrong(row, decoded.checker);
            if let Some(zone) = valid.filter(|_| is_valid) {
                team.zones.insert(zone.domain.clone(), Arc::new(zone));
            }
        }
    }

    fn skip_if_wrong(&mut self, row: &Row, checker: FieldChecker) {
        if checker.has_problems() {
            self.skipped.push(Skipped { key: row.key.clone(), problems: checker.into_problems() });
        }
    }
}

fn read_mapping(
    owner: &MappingOwner<'_>,
    row: &Row,
    quota: &mut TeamQuota,
    shared: &mut SharedParts,
) -> Result<Mapping, Vec<Problem>> {
    let place = || ConfigPath::row(&row.key);
    let refused = |place: ConfigPath, invalid: Invalid| Err(vec![Problem::new(place, invalid)]);
    if let Err(invalid) = check_bucket(&row.fields) {
        return refused(place(), invalid);
    }
    // A row that is not the team's to write is not looked into any further.
    let source = match source_text(&row.fields).map(|text| shared.source(&text)) {
        Some(Ok(source)) if !owner.team.owns(&source) => {
            return refused(place().key("source"), not_owned(owner.team, &source));
        }
        Some(Err(invalid)) => return refused(place().key("source"), invalid),
        Some(Ok(source)) => Some(source),
        None => None,
    };
    let mut decoded = decode_mapping(&row.key, &row.fields);
    let Some(spec) = &decoded.spec else { return Err(decoded.checker.into_problems()) };
    // Nothing is compiled of what is too much.
    if let Err(invalid) = quota.charge(spec, source.as_ref()) {
        return refused(place(), invalid);
    }
    let valid = mapping(owner, spec, source.as_ref(), shared, &mut decoded.checker);
    if valid.is_none() && !decoded.checker.has_problems() {
        let help = "fix that zone's row; its own problem is reported, too";
        decoded.checker.note("zones", Invalid::new(Code::BadZone, "a zone's row can't be read", help));
    }
    valid.filter(|_| !decoded.checker.has_problems()).ok_or_else(|| decoded.checker.into_problems())
}

/// The function finds mappings by their bucket, so a row has that as an attribute of its own.
fn check_bucket(fields: &Fields) -> Result<(), Invalid> {
    if !value_of(fields, "bucket").is_some_and(Value::is_string) {
        let help = "write the bucket's name, and the prefix as `prefix`: the function finds mappings by their bucket";
        return Err(Invalid::new(Code::MissingField, "`bucket` is missing", help));
    }
    if value_of(fields, "source").is_some() {
        let help = "write the bucket's name as `bucket`, and the rest as `prefix`";
        return Err(Invalid::new(Code::UnknownField, "unknown field `source`", help));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
