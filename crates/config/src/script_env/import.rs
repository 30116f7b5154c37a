//! The script's variables as specs: for the function, and as a mapping file.

use indexmap::IndexSet;

use purge_router_core::names::{BucketName, Hostname, TeamName, TokenFolder};
use purge_router_core::{Code, Invalid, Mappings};

use crate::file::decode::DecodedFile;
use crate::file::to_toml::{FileOfTeam, to_toml};
use crate::file::validate::validate_file;
use crate::problem::Problem;
use crate::rows::fields::Rows;
use crate::rows::row_key::RowKey;
use crate::script_env::variables::{Credential, ScriptEnv, glob_of_extension};
use crate::spec::{GrantSpec, MappingSpec, TeamSpec, ZoneSpec};

/// A mapping file, and what it can't say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The mapping file, as TOML.
    pub toml: String,
    /// What remains to be done by hand, a line each.
    pub notes: Vec<String>,
}

impl ScriptEnv {
    /// Mappings for these buckets: each is a hostname of the one zone, whatever its domain. A bucket whose name is not
    /// a hostname has no mapping, because it has no URL.
    ///
    /// # Errors
    /// Nothing that these variables can hold: a problem here is a bug of this crate.
    pub fn mappings(&self, team: &TeamName, buckets: &[BucketName]) -> Result<Mappings, Vec<Problem>> {
        let buckets: IndexSet<&BucketName> = buckets.iter().collect();
        let hostnames: Vec<Hostname> =
            buckets.into_iter().filter_map(|bucket| Hostname::parse(bucket.as_str()).ok()).collect();
        let Some(first) = hostnames.first() else { return Ok(Mappings::default()) };
        let domain = common_domain(&hostnames).unwrap_or_else(|_| first.clone());
        let file = DecodedFile::of_team(self.spec(team, &domain, &hostnames));
        match validate_file(&file) {
            (checked, problems) if problems.is_empty() => Ok(checked.mappings),
            (_, problems) => Err(problems),
        }
    }

    /// The mapping file for these buckets. Without a `domain`, it is the domain that all buckets are in.
    ///
    /// # Errors
    /// A bucket whose name is not a hostname, or buckets that share no domain.
    pub fn mapping_file(
        &self,
        team: &TeamName,
        buckets: &[BucketName],
        domain: Option<&Hostname>,
    ) -> Result<Imported, Invalid> {
        let buckets: IndexSet<&BucketName> = buckets.iter().collect();
        let hostnames = buckets.iter().map(|bucket| Hostname::parse(bucket.as_str())).collect::<Result<Vec<_>, _>>()?;
        let guessed = domain.is_none();
        let domain = match domain {
            Some(domain) => domain.clone(),
            None => common_domain(&hostnames)?,
        };
        if let Some(foreign) = hostnames.iter().find(|name| !name.is_within(&domain)) {
            let message = format!("the bucket `{foreign}` is not a hostname of `{domain}`");
            let help = "name the domain of the zone that the script purged; all buckets must be in it";
            return Err(Invalid::new(Code::ForeignHostname, message, help));
        }
        let (folder, token) = self.token(team, &domain);
        let mut notes = self.notes(&folder, &token);
        if guessed {
            notes.push(format!("assuming that the zone's domain is {domain}; if it is not, add --domain"));
        }
        Ok(Imported { toml: to_file(&self.spec(team, &domain, &hostnames))?, notes })
    }

    /// The hostnames are the buckets' names, too.
    fn spec(&self, team: &TeamName, domain: &Hostname, hostnames: &[Hostname]) -> TeamSpec {
        let (folder, token) = self.token(team, domain);
        let strings = |names: &[&Hostname]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        let all: Vec<&Hostname> = hostnames.iter().collect();
        let foreign: Vec<&Hostname> = hostnames.iter().filter(|name| !name.is_within(domain)).collect();
        let zone = ZoneSpec {
            zone_id: Some(self.zone_id.to_string()),
            hostnames: Some(strings(&all)),
            custom_hostnames: Some(strings(&foreign)).filter(|foreign| !foreign.is_empty()),
            token: Some(token),
            ..ZoneSpec::default()
        };
        let globs = |extensions: &[String]| -> Option<Vec<String>> {
            let globs: Vec<String> = extensions.iter().map(|extension| glob_of_extension(extension)).collect();
            Some(globs).filter(|globs| !globs.is_empty())
        };
        let mapping = |hostname: &Hostname| MappingSpec {
            source: Some(format!("s3://{hostname}/")),
            zones: Some(strings(&[domain])),
            hostnames: Some(strings(&[hostname])),
            include: globs(&self.included),
            exclude: globs(&self.excluded),
            ..MappingSpec::default()
        };
        TeamSpec {
            name: team.clone(),
            grant: GrantSpec {
                owns: Some(hostnames.iter().map(|bucket| format!("s3://{bucket}/")).collect()),
                tokens: Some(folder.to_string()),
                ..GrantSpec::default()
            },
            zones: vec![(domain.to_string(), zone)],
            mappings: hostnames.iter().map(mapping).collect(),
        }
    }

    /// Where the token is: the script's own SSM parameter if it is in a folder, else the team's default.
    fn token(&self, team: &TeamName, domain: &Hostname) -> (TokenFolder, String) {
        if let Credential::InSsm(path) = &self.credential
            && let Some((folder, name)) = path.rsplit_once('/')
            && let Ok(folder) = TokenFolder::parse(&format!("{folder}/"))
            && folder.parameter(name).is_ok()
        {
            return (folder, name.to_owned());
        }
        (TokenFolder::default_of(team), domain.to_string())
    }

    fn notes(&self, folder: &TokenFolder, token: &str) -> Vec<String> {
        let mut notes = Vec::new();
        match &self.credential {
            Credential::InEnvironment => {
                notes.push(format!(
                    "CLOUDFLARE_API_KEY is a secret, so it is not in the file: store it in SSM as {folder}{token}"
                ));
            }
            Credential::InSsm(path) if *path != format!("{folder}{token}") => {
                notes.push(format!("the SSM parameter {path} is not in a folder, as a mapping file requires: copy it to {folder}{token}"));
            }
            Credential::InSsm(_) => {}
        }
        if self.has_email {
            notes.push(format!(
                "CLOUDFLARE_API_EMAIL is set, so the key is a global API key, which can do everything that its user can: \
                 create an API token that can only purge the zone {}, and store it in SSM as {folder}{token}",
                self.zone_id
            ));
        }
        notes
    }
}

/// The file that says this, as `pull` would write it.
fn to_file(spec: &TeamSpec) -> Result<String, Invalid> {
    let mut rows = Rows::new();
    for (domain, zone) in &spec.zones {
        rows.insert(RowKey::Zone { team: spec.name.clone(), domain: domain.clone() }, zone.to_fields());
    }
    for (index, mapping) in spec.mappings.iter().enumerate() {
        // A file has its mappings in the order of these.
        let id = format!("{index:09}");
        rows.insert(RowKey::Mapping { team: spec.name.clone(), id }, mapping.to_row_fields());
    }
    let grant = spec.grant.to_fields();
    let file = FileOfTeam { team: &spec.name, pulled: None, grant: Some(&grant), rows: &rows };
    let bug = "this is a bug: please report it";
    to_toml(None, [file]).map_err(|error| Invalid::new(Code::InvalidToml, error.to_string(), bug))
}

/// The longest domain of at least two labels that all names are in.
fn common_domain(names: &[Hostname]) -> Result<Hostname, Invalid> {
    let none =
        || Invalid::new(Code::NoCommonDomain, "the bucket names have no domain in common", "name the zone's domain");
    let first = names.first().ok_or_else(none)?;
    let mut candidate = first.as_str();
    loop {
        let domain = Hostname::parse(candidate).map_err(|_| none())?;
        if names.iter().all(|name| name.is_within(&domain)) {
            return Ok(domain);
        }
        candidate = candidate.split_once('.').ok_or_else(none)?.1;
    }
}
