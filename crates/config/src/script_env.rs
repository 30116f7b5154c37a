//! The variables of the single-zone script that this project grew out of → mappings that say the same.
//!
//! The script purged `https://{bucket}/{key}` in one zone: the bucket's name was the hostname.

use indexmap::IndexSet;

use purge_router_core::Mappings;
use purge_router_core::glob::Pattern;
use purge_router_core::names::{BucketName, CloudflareId, Hostname, TeamName, TokenFolder};
use purge_router_core::{Code, Invalid};

use crate::problem::Problem;
use crate::read::from_toml;

/// What the script's variables say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptEnv {
    zone_id: CloudflareId,
    credential: Credential,
    email: bool,
    included: Vec<String>,
    excluded: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Credential {
    InEnvironment,
    InSsm(String),
}

/// A mapping file, and what it can't say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file's text.
    pub toml: String,
    /// What is left to do, a line each.
    pub notes: Vec<String>,
}

impl ScriptEnv {
    /// Reads the variables by name through `get`. No secret is kept.
    ///
    /// # Errors
    /// All that is missing or wrong.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Invalid>> {
        let mut faults = Vec::new();
        let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let zone_id = match get("CLOUDFLARE_ZONE_ID") {
            None => {
                Err(Invalid::new(Code::MissingVariable, "CLOUDFLARE_ZONE_ID is not set", "set it to the zone's id"))
            }
            Some(id) => CloudflareId::parse(id.trim()).map_err(|_| {
                // Not shown: what stands there by mistake may be a key.
                let help = "copy the 32 hexadecimal digits from the zone's overview page in Cloudflare";
                Invalid::new(Code::BadCloudflareId, "CLOUDFLARE_ZONE_ID is not a Cloudflare id", help)
            }),
        };
        let zone_id = zone_id.map_err(|fault| faults.push(fault)).ok();
        let credential = match (get("CLOUDFLARE_API_KEY_SSMPATH"), get("CLOUDFLARE_API_KEY")) {
            (Some(path), _) => {
                let path = path.trim().to_owned();
                // A name, an ARN, or one of these with a version. It is not shown: the key may stand there by mistake.
                if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte)) {
                    let message = "CLOUDFLARE_API_KEY_SSMPATH is not the name of an SSM parameter";
                    let help = "use letters, digits, `.`, `-`, `_` and `/`, such as `/cf/web/token`";
                    faults.push(Invalid::new(Code::BadParameterName, message, help));
                }
                Some(Credential::InSsm(path))
            }
            (None, Some(_)) => Some(Credential::InEnvironment),
            (None, None) => {
                let message = "neither CLOUDFLARE_API_KEY nor CLOUDFLARE_API_KEY_SSMPATH is set";
                faults.push(Invalid::new(Code::MissingVariable, message, "set one of them, as for the script"));
                None
            }
        };
        let included = extensions("INCLUDED_EXTS", get("INCLUDED_EXTS"), &mut faults);
        let excluded = extensions("EXCLUDED_EXTS", get("EXCLUDED_EXTS"), &mut faults);
        let email = get("CLOUDFLARE_API_EMAIL").is_some();
        match (zone_id, credential) {
            (Some(zone_id), Some(credential)) if faults.is_empty() => {
                Ok(Self { zone_id, credential, email, included, excluded })
            }
            _ => Err(faults),
        }
    }

    /// The SSM parameter of the script's key, unless the key stands in the environment.
    pub fn ssm_path(&self) -> Option<&str> {
        match &self.credential {
            Credential::InSsm(path) => Some(path),
            Credential::InEnvironment => None,
        }
    }

    /// Mappings for these buckets: each is a hostname of the one zone, whatever domain it lies in. A bucket whose name
    /// is no hostname is mapped nowhere, for no URL leads to it.
    ///
    /// # Errors
    /// Nothing that these variables can hold: a problem here is a fault of this crate.
    pub fn mappings(&self, team: &TeamName, buckets: &[BucketName]) -> Result<Mappings, Vec<Problem>> {
        let buckets: IndexSet<&BucketName> = buckets.iter().collect();
        let hostnames: Vec<Hostname> =
            buckets.into_iter().filter_map(|bucket| Hostname::parse(bucket.as_str()).ok()).collect();
        let Some(first) = hostnames.first() else { return Ok(Mappings::default()) };
        let domain = common_domain(&hostnames).unwrap_or_else(|_| first.clone());
        from_toml(&self.toml(team, &domain, &hostnames))
    }

    /// The mapping file for these buckets. Without a `domain`, it is the name that all buckets lie in.
    ///
    /// # Errors
    /// A bucket whose name is no hostname, or buckets that share no domain.
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
            let message = format!("the bucket `{foreign}` is no hostname of `{domain}`");
            return Err(Invalid::new(
                Code::ForeignHostname,
                message,
                "the script's zone served it, so name that zone's domain",
            ));
        }
        let (folder, token) = self.token(team, &domain);
        let mut notes = self.notes(&folder, &token);
        if guessed {
            notes.push(format!("the zone's domain is taken to be {domain}; name another with --domain"));
        }
        Ok(Imported { toml: self.toml(team, &domain, &hostnames), notes })
    }

    /// The file's text. The hostnames are the buckets' names, too.
    fn toml(&self, team: &TeamName, domain: &Hostname, hostnames: &[Hostname]) -> String {
        let (folder, token) = self.token(team, domain);
        let names = || hostnames.iter().map(Hostname::to_string);
        let mut lines = vec![
            "version = 1".to_owned(),
            String::new(),
            format!("[teams.{team}]"),
            format!("owns = {}", list(names().map(|bucket| format!("s3://{bucket}/")))),
            format!("tokens = {}", quote(folder.as_str())),
            String::new(),
            format!("[teams.{team}.zones.{}]", quote(domain.as_str())),
            format!("zone_id = {}", quote(self.zone_id.as_str())),
            format!("hostnames = {}", list(names())),
            format!("token = {}", quote(&token)),
        ];
        let foreign: Vec<String> =
            hostnames.iter().filter(|name| !name.is_within(domain)).map(Hostname::to_string).collect();
        if !foreign.is_empty() {
            lines.push(format!("custom_hostnames = {}", list(foreign.into_iter())));
        }
        for name in names() {
            lines.extend([
                String::new(),
                format!("[[teams.{team}.mappings]]"),
                format!("source = {}", quote(&format!("s3://{name}/"))),
                format!("zones = {}", list([domain.to_string()].into_iter())),
                format!("hostnames = {}", list([name].into_iter())),
            ]);
            let globs = |extensions: &[String]| list(extensions.iter().map(|ext| pattern(ext)));
            if !self.included.is_empty() {
                lines.push(format!("include = {}", globs(&self.included)));
            }
            if !self.excluded.is_empty() {
                lines.push(format!("exclude = {}", globs(&self.excluded)));
            }
        }
        lines.join("\n") + "\n"
    }

    /// Where the token is: the script's own SSM parameter if it lies in a folder, else the team's default.
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
                    "CLOUDFLARE_API_KEY is a secret and stands in no file: put it into SSM as {folder}{token}"
                ));
            }
            Credential::InSsm(path) if *path != format!("{folder}{token}") => {
                notes.push(format!("the SSM parameter {path} lies in no folder: copy it to {folder}{token}"));
            }
            Credential::InSsm(_) => {}
        }
        if self.email {
            notes.push(format!(
                "CLOUDFLARE_API_EMAIL belongs to the global API key, which may do anything: \
                 create an API token that may only purge zone {}, and put it into SSM as {folder}{token}",
                self.zone_id
            ));
        }
        notes
    }
}

/// `css, .js *.png` → `css`, `js`, `png`.
fn extensions(variable: &str, value: Option<String>, faults: &mut Vec<Invalid>) -> Vec<String> {
    let value = value.unwrap_or_default();
    let words = value.split(|c: char| c == ',' || c.is_whitespace()).map(|word| word.trim_start_matches(['*', '.']));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() && !value.trim().is_empty() {
        let message = format!("{variable} is `{value}`, which holds no extension");
        faults.push(Invalid::new(
            Code::BadExtension,
            message,
            "write extensions with commas between them: `css,js`, or unset it",
        ));
    }
    for word in &words {
        if word.contains('/') || Pattern::parse(&pattern(word)).is_err() {
            let message = format!("{variable} holds `{word}`, which is no extension");
            faults.push(Invalid::new(
                Code::BadExtension,
                message,
                "write extensions with commas between them: `css,js`",
            ));
        }
    }
    words
}

/// The glob of an extension. A backslash is first in line to be escaped: `globset::escape` leaves it alone.
fn pattern(extension: &str) -> String {
    let escaped: Vec<String> = extension.split('\\').map(globset::escape).collect();
    format!("*.{}", escaped.join(r"\\"))
}

/// The longest domain of at least two labels that all names lie in.
fn common_domain(names: &[Hostname]) -> Result<Hostname, Invalid> {
    let none = || Invalid::new(Code::NoCommonDomain, "the buckets' names share no domain", "name the zone's domain");
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

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.map(|item| quote(&item)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<ScriptEnv, Vec<Invalid>> {
        let vars: Vec<(String, String)> =
            vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        ScriptEnv::read(|name| vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    const ZONE: (&str, &str) = ("CLOUDFLARE_ZONE_ID", "023e105f4ecef8ad9ca31a8372d0c353");

    fn buckets(names: &[&str]) -> Vec<BucketName> {
        names.iter().map(|name| BucketName::parse(name).unwrap()).collect()
    }

    #[test]
    fn the_file_says_what_the_variables_said() {
        let script = read(&[
            ZONE,
            ("CLOUDFLARE_API_KEY_SSMPATH", "/cf/prod/key"),
            ("INCLUDED_EXTS", "css, .js"),
            ("EXCLUDED_EXTS", "map"),
        ]);
        let team = TeamName::parse("web").unwrap();
        let imported =
            script.unwrap().mapping_file(&team, &buckets(&["a.website.com", "b.website.com"]), None).unwrap();
        assert_eq!(imported.notes, ["the zone's domain is taken to be website.com; name another with --domain"]);
        let mappings = from_toml(&imported.toml).unwrap();
        let zone = mappings.zones().next().unwrap();
        assert_eq!((zone.domain.as_str(), zone.token.as_str()), ("website.com", "/cf/prod/key"));
        let mapping = &mappings.all()[1];
        assert_eq!(mapping.source.to_string(), "s3://b.website.com/");
        assert_eq!(mapping.hostnames_of(zone).map(Hostname::as_str).collect::<Vec<_>>(), ["b.website.com"]);
        for (key, included, excluded) in
            [("a.css", Some("*.css"), None), ("b/a.js", Some("*.js"), None), ("a.map", None, Some("*.map"))]
        {
            assert_eq!((mapping.include.first_match(key), mapping.exclude.first_match(key)), (included, excluded));
        }
    }

    #[test]
    fn any_bucket_is_a_hostname_of_the_one_zone() {
        let script = read(&[ZONE, ("CLOUDFLARE_API_KEY_SSMPATH", "cf-key"), ("INCLUDED_EXTS", "css")]).unwrap();
        assert_eq!(script.ssm_path(), Some("cf-key"));
        let team = TeamName::parse("script").unwrap();
        let sources = |names: &[&str]| {
            let mappings = script.mappings(&team, &buckets(names)).unwrap();
            mappings.all().iter().map(|mapping| mapping.source.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(sources(&["a.one.com", "b.two.net", "a.one.com"]), ["s3://a.one.com/", "s3://b.two.net/"]);
        assert_eq!(sources(&["a.one.com", "b.one.com"]), ["s3://a.one.com/", "s3://b.one.com/"]);
        // No URL leads to a bucket whose name is no hostname.
        assert_eq!(sources(&["my-bucket", "My.Bucket", "a.one.com"]), ["s3://a.one.com/"]);
        assert!(sources(&[]).is_empty());
    }

    #[test]
    fn a_secret_never_reaches_the_file() {
        let script = read(&[ZONE, ("CLOUDFLARE_API_KEY", "s3cr3t"), ("CLOUDFLARE_API_EMAIL", "a@b.c")]).unwrap();
        let imported =
            script.mapping_file(&TeamName::parse("web").unwrap(), &buckets(&["www.website.com"]), None).unwrap();
        assert!(!format!("{script:?}{imported:?}").contains("s3cr3t"));
        assert_eq!(imported.notes.len(), 3, "{:?}", imported.notes);
    }

    #[test]
    fn what_is_wrong_is_said_at_once() {
        let faults = read(&[("CLOUDFLARE_ZONE_ID", "nope"), ("INCLUDED_EXTS", "a/b")]).unwrap_err();
        let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
        assert_eq!(codes, ["bad-cloudflare-id", "missing-variable", "bad-extension"]);
        let script = read(&[ZONE, ("CLOUDFLARE_API_KEY", "k")]).unwrap();
        let team = TeamName::parse("web").unwrap();
        let file = |names: &[&str], domain: Option<&str>| {
            let domain = domain.map(|domain| Hostname::parse(domain).unwrap());
            script.mapping_file(&team, &buckets(names), domain.as_ref()).map_err(|fault| fault.code.as_str())
        };
        assert_eq!(file(&["My_Bucket"], None), Err("bad-hostname"));
        assert_eq!(file(&["a.one.com", "a.two.net"], None), Err("no-common-domain"));
        assert_eq!(file(&["a.one.com"], Some("two.net")), Err("foreign-hostname"));
        assert_eq!(file(&[], None), Err("no-common-domain"));
        assert!(file(&["a.one.com"], Some("one.com")).unwrap().toml.contains(r#"[teams.web.zones."one.com"]"#));
    }
}
