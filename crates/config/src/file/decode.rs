//! A file's values as specs, team by team.

use purge_router_core::names::TeamName;
use purge_router_core::{Code, Invalid};

use crate::decoded::{Decoded, FieldChecker};
use crate::file::pulled::PULLED;
use crate::path::ConfigPath;
use crate::read::plain_value::{table, wrong_type};
use crate::read::specs;
use crate::read::table_reader::TableReader;
use crate::read::toml_document::two_brackets;
use crate::read::version::is_readable;
use crate::rows::fields::{Fields, VERSION};
use crate::spec::{GrantSpec, MappingSpec, TeamSpec, TestSpec, ZoneSpec};

/// All that a file says.
pub(crate) struct DecodedFile {
    /// What is wrong outside of teams.
    pub(crate) checker: FieldChecker,
    pub(crate) pulled: Option<String>,
    /// In the order of the file; none if it is of another version.
    pub(crate) teams: Vec<DecodedTeam>,
}

/// What a file says about one team.
pub(crate) struct DecodedTeam {
    /// Valid or not.
    pub(crate) name: String,
    /// What is wrong with its table apart from its grant, zones, mappings and tests.
    pub(crate) checker: FieldChecker,
    pub(crate) pulled: Option<String>,
    pub(crate) grant: Decoded<GrantSpec>,
    /// Whether a zone may be written in a place that is not read.
    pub(crate) misses_zones: bool,
    /// By domain, valid or not.
    pub(crate) zones: Vec<(String, Decoded<ZoneSpec>)>,
    pub(crate) mappings: Vec<Decoded<MappingSpec>>,
    pub(crate) tests: Vec<Decoded<TestSpec>>,
}

pub(crate) fn decode_file(fields: &Fields) -> DecodedFile {
    let mut reader = TableReader::new(fields, ConfigPath::root());
    match is_readable(&mut reader) {
        Some(true) => {}
        Some(false) => return DecodedFile { checker: reader.checker, pulled: None, teams: Vec::new() },
        None => {
            let help = format!("write `version = {VERSION}` in the first line");
            reader.checker.require("version", false, &help);
        }
    }
    let pulled = reader.string(PULLED).map(str::to_owned);
    let tables = reader.tables("teams");
    let teams: Vec<DecodedTeam> =
        tables.into_iter().map(|(name, place, fields)| decode_team(name, place, fields)).collect();
    if teams.is_empty() && !reader.checker.is_wrong("teams") {
        let help = "write `[teams.<name>]` with `owns`; `purge-router init` writes an example";
        reader.checker.note_whole(Invalid::new(Code::NoTeams, "no team found", help));
    }
    DecodedFile { checker: reader.finish(Some(())).checker, pulled, teams }
}

fn decode_team(name: &str, place: ConfigPath, fields: &Fields) -> DecodedTeam {
    let mut reader = TableReader::new(fields, place);
    let pulled = reader.string(PULLED).map(str::to_owned);
    let before_grant = reader.take_checker();
    let grant = specs::grant(&mut reader);
    let mut grant = Decoded { spec: Some(grant), checker: reader.take_checker() };
    reader.checker = before_grant;
    let mut zones = Vec::new();
    for (domain, place, fields) in reader.tables("zones") {
        // A name with a dot was in quotes.
        let unquoted = if domain.contains('.') { Vec::new() } else { unquoted_rests(fields) };
        for rest in &unquoted {
            let name = format!("{domain}.{rest}");
            let help = format!("write `[{}.\"{name}\"]`, with the domain in quotes", reader.checker.place.key("zones"));
            let mut checker = FieldChecker::new(rest.split('.').fold(place.clone(), |place, name| place.key(name)));
            checker.note_whole(Invalid::new(
                Code::WrongType,
                format!("`{name}` has no quotes, so TOML reads it as tables in tables"),
                help,
            ));
            zones.push((name, Decoded { spec: None, checker }));
        }
        if !unquoted.is_empty() {
            continue;
        }
        let mut zone = TableReader::new(fields, place);
        let spec = specs::zone(&mut zone);
        zones.push((domain.to_owned(), zone.finish(Some(spec))));
    }
    let mappings = decode_each(&mut reader, "mappings", |reader| {
        let source = reader.string("source").map(str::to_owned);
        specs::mapping(source, reader)
    });
    let tests = decode_each(&mut reader, "tests", specs::test);
    let mut checker = reader.finish(Some(())).checker;
    let misses_zones = checker.is_wrong("zones");
    if checker.is_wrong("owns") {
        grant.checker.mark_wrong("owns");
    }
    if let Err(invalid) = TeamName::parse(name) {
        checker.note_whole(invalid);
    }
    DecodedTeam { name: name.to_owned(), checker, pulled, grant, misses_zones, zones, mappings, tests }
}

/// What follows the first dot of zones' domains that are not in quotes: TOML reads each as tables in tables. No field of a zone is a
/// table.
fn unquoted_rests(fields: &Fields) -> Vec<String> {
    let tables: Option<Vec<_>> = fields.iter().map(|(name, value)| Some((name, table(value)?))).collect();
    let rests = tables.into_iter().flatten().flat_map(|(name, inner)| match unquoted_rests(inner) {
        rests if rests.is_empty() => vec![name.clone()],
        rests => rests.iter().map(|rest| format!("{name}.{rest}")).collect(),
    });
    rests.collect()
}

/// An array of tables.
fn decode_each<S>(
    reader: &mut TableReader<'_>,
    field: &'static str,
    spec: impl Fn(&mut TableReader<'_>) -> S,
) -> Vec<Decoded<S>> {
    let mut all = Vec::new();
    if let Some(place) = reader.single_table(field) {
        let message = "expected an array of tables, found a table";
        reader.checker.note(field, Invalid::new(Code::WrongType, message, two_brackets(place)));
        return all;
    }
    for (index, item) in reader.array(field).unwrap_or_default().iter().enumerate() {
        let Some(fields) = table(item) else {
            reader.checker.note_item(field, index, wrong_type("a table", item));
            continue;
        };
        let mut reader = TableReader::new(fields, reader.checker.place.key(field).index(index));
        let spec = spec(&mut reader);
        all.push(reader.finish(Some(spec)));
    }
    all
}

impl DecodedFile {
    /// A file with one team, as if it had been decoded.
    pub(crate) fn of_team(team: TeamSpec) -> Self {
        let place = ConfigPath::root().key("teams").key(team.name.as_str());
        let decoded_zone = |(domain, zone): (String, ZoneSpec)| {
            let checker = FieldChecker::new(place.key("zones").key(&domain));
            (domain, Decoded { spec: Some(zone), checker })
        };
        let decoded_mapping = |(index, mapping): (usize, MappingSpec)| Decoded {
            spec: Some(mapping),
            checker: FieldChecker::new(place.key("mappings").index(index)),
        };
        let team = DecodedTeam {
            name: team.name.to_string(),
            checker: FieldChecker::new(place.clone()),
            pulled: None,
            misses_zones: false,
            grant: Decoded { spec: Some(team.grant), checker: FieldChecker::new(place.clone()) },
            zones: team.zones.into_iter().map(decoded_zone).collect(),
            mappings: team.mappings.into_iter().enumerate().map(decoded_mapping).collect(),
            tests: Vec::new(),
        };
        Self { checker: FieldChecker::new(ConfigPath::root()), pulled: None, teams: vec![team] }
    }
}
