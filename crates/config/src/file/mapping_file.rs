//! A mapping file, from which teams are read, or pushed to the table one by one.

use purge_router_core::Mappings;
use purge_router_core::names::TeamName;

use crate::file::decode::{DecodedFile, DecodedTeam, decode_file};
use crate::file::located_warning::{LocatedWarning, located_warnings};
use crate::file::pulled::Pulled;
use crate::file::validate::{Checked, validate_file};
use crate::mapping_test::run::run_tests;
use crate::problem::Problem;
use crate::read::specs;
use crate::read::table_reader::TableReader;
use crate::read::toml_document::TomlDocument;
use crate::rows::fields::Fields;
use crate::rows::team_tables::TeamTables;

/// Reads the mappings of a mapping file (TOML, version 1). Its tests are not run.
///
/// # Errors
/// All problems of the file, in the order of their places in it.
pub fn from_toml(text: &str) -> Result<Mappings, Vec<Problem>> {
    Ok(MappingFile::parse(text)?.read()?.mappings)
}

/// A parsed mapping file. What it says is known to be valid only after [`MappingFile::read`].
pub struct MappingFile<'t> {
    document: TomlDocument<'t>,
    decoded: DecodedFile,
}

impl<'t> MappingFile<'t> {
    /// Parses TOML.
    ///
    /// # Errors
    /// All errors of syntax; equal ones are one problem.
    pub fn parse(text: &'t str) -> Result<Self, Vec<Problem>> {
        let document = TomlDocument::parse(text)?;
        let decoded = decode_file(&document.to_fields());
        Ok(Self { document, decoded })
    }

    /// Validates what it says. No test is run.
    ///
    /// # Errors
    /// All problems of the file, in the order of their places in it.
    pub fn read(&self) -> Result<Checked, Vec<Problem>> {
        let (checked, mut problems) = validate_file(&self.decoded);
        if problems.is_empty() {
            return Ok(checked);
        }
        self.document.locate(&mut problems);
        Err(problems)
    }

    /// Validates what it says, and runs its tests.
    ///
    /// # Errors
    /// All problems of the file, or if there are none, what its tests found; in the order of their places in it.
    pub fn check(&self) -> Result<Checked, Vec<Problem>> {
        self.run_tests(self.read()?)
    }

    /// Runs the tests of what [`MappingFile::read`] returned.
    ///
    /// # Errors
    /// What they found, in the order of their places in the file.
    pub fn run_tests(&self, checked: Checked) -> Result<Checked, Vec<Problem>> {
        let results = run_tests(&checked.mappings, &checked.tests);
        let mut failures: Vec<Problem> = results.into_iter().flat_map(|result| result.failures).collect();
        if failures.is_empty() {
            return Ok(checked);
        }
        self.document.locate(&mut failures);
        Err(failures)
    }

    /// What is valid in these mappings of the file, but probably not meant, in the order of their places in it.
    pub fn warnings(&self, mappings: &Mappings) -> Vec<LocatedWarning> {
        located_warnings(&self.document, &self.decoded.teams, mappings)
    }

    /// The teams that it names, valid or not.
    pub fn teams(&self) -> Vec<&str> {
        self.decoded.teams.iter().map(|team| team.name.as_str()).collect()
    }

    /// Leaves out all teams that are not wanted, with their problems.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.decoded.teams.retain(|team| wanted(&team.name));
    }

    /// From what a team's part of the file was pulled, or without a team, the grants in it.
    pub fn pulled(&self, team: Option<&TeamName>) -> Option<Pulled> {
        let text = match team {
            Some(team) => &self.team(team)?.pulled,
            None => &self.decoded.pulled,
        };
        Pulled::parse(text.as_deref()?).ok()
    }

    /// What the file says about a team's grant, as its row.
    pub fn grant(&self, team: &TeamName) -> Fields {
        let grant = self.team(team).and_then(|team| team.grant.spec.as_ref());
        grant.map(|grant| grant.to_fields()).unwrap_or_default()
    }

    /// Replaces what the file says about a team's grant by the row that grants it.
    pub fn set_grant(&mut self, team: &TeamName, row: &Fields) {
        if let Some(team) = self.decoded.teams.iter_mut().find(|it| it.name == team.as_str()) {
            let mut reader = TableReader::new(row, team.checker.place.clone());
            let grant = specs::grant(&mut reader);
            team.grant = reader.finish(Some(grant));
        }
    }

    /// A team's zones, mappings and tests as fields of rows.
    pub fn tables(&self, team: &TeamName) -> TeamTables {
        let Some(team) = self.team(team) else { return TeamTables::default() };
        let zones =
            team.zones.iter().filter_map(|(domain, zone)| Some((domain.clone(), zone.spec.as_ref()?.to_fields())));
        let mappings = team.mappings.iter().filter_map(|mapping| Some(mapping.spec.as_ref()?.to_row_fields()));
        let tests = team.tests.iter().filter_map(|test| Some(test.spec.as_ref()?.to_fields()));
        TeamTables { zones: zones.collect(), mappings: mappings.collect(), tests: tests.collect() }
    }

    fn team(&self, team: &TeamName) -> Option<&DecodedTeam> {
        self.decoded.teams.iter().find(|it| it.name == team.as_str())
    }
}

#[cfg(test)]
mod tests;
