//! What the script's variables say. No secret is kept.

use purge_router_core::glob::Pattern;
use purge_router_core::names::CloudflareId;
use purge_router_core::{Code, Invalid};

/// The script's variables, known to be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptEnv {
    pub(crate) zone_id: CloudflareId,
    pub(crate) credential: Credential,
    /// Whether the key is the account's global one, which belongs to an email address.
    pub(crate) has_email: bool,
    /// Extensions without a dot.
    pub(crate) included: Vec<String>,
    pub(crate) excluded: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    InEnvironment,
    InSsm(String),
}

impl ScriptEnv {
    /// Reads the variables by name through `get`.
    ///
    /// # Errors
    /// All that is missing or wrong.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Invalid>> {
        let mut problems = Vec::new();
        let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let zone_id = zone_id(get("CLOUDFLARE_ZONE_ID")).map_err(|invalid| problems.push(invalid)).ok();
        let credential = credential(get("CLOUDFLARE_API_KEY_SSMPATH"), get("CLOUDFLARE_API_KEY").is_some());
        let credential = credential.map_err(|invalid| problems.push(invalid)).ok();
        let included = extensions("INCLUDED_EXTS", get("INCLUDED_EXTS"), &mut problems);
        let excluded = extensions("EXCLUDED_EXTS", get("EXCLUDED_EXTS"), &mut problems);
        let has_email = get("CLOUDFLARE_API_EMAIL").is_some();
        match (zone_id, credential) {
            (Some(zone_id), Some(credential)) if problems.is_empty() => {
                Ok(Self { zone_id, credential, has_email, included, excluded })
            }
            _ => Err(problems),
        }
    }

    /// The SSM parameter of the script's key, unless the key is in the environment.
    pub fn ssm_path(&self) -> Option<&str> {
        match &self.credential {
            Credential::InSsm(path) => Some(path),
            Credential::InEnvironment => None,
        }
    }
}

fn zone_id(value: Option<String>) -> Result<CloudflareId, Invalid> {
    let Some(id) = value else {
        let message = "CLOUDFLARE_ZONE_ID is not set";
        return Err(Invalid::new(Code::MissingVariable, message, "set it to the zone's id"));
    };
    CloudflareId::parse(id.trim()).map_err(|_| {
        // Not shown: the value may be a key that was put there by mistake.
        let help = "copy the 32 hexadecimal digits from the zone's overview page in Cloudflare";
        Invalid::new(Code::BadCloudflareId, "CLOUDFLARE_ZONE_ID is not a Cloudflare id", help)
    })
}

fn credential(ssm_path: Option<String>, has_key: bool) -> Result<Credential, Invalid> {
    let Some(path) = ssm_path else {
        let message = "neither CLOUDFLARE_API_KEY nor CLOUDFLARE_API_KEY_SSMPATH is set";
        let missing = || Invalid::new(Code::MissingVariable, message, "set one of them, as for the script");
        return if has_key { Ok(Credential::InEnvironment) } else { Err(missing()) };
    };
    let path = path.trim();
    // A name, an ARN, or one of these with a version. It is not shown: it may be the key itself, put there by mistake.
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte)) {
        let message = "CLOUDFLARE_API_KEY_SSMPATH is not the name of an SSM parameter";
        let help = "use letters, digits, `.`, `-`, `_` and `/`, such as `/cf/web/token`";
        return Err(Invalid::new(Code::BadParameterName, message, help));
    }
    Ok(Credential::InSsm(path.to_owned()))
}

/// `css, .js *.png` → `css`, `js`, `png`.
fn extensions(variable: &str, value: Option<String>, problems: &mut Vec<Invalid>) -> Vec<String> {
    let value = value.unwrap_or_default();
    let words = value.split(|c: char| c == ',' || c.is_whitespace()).map(|word| word.trim_start_matches(['*', '.']));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() && !value.trim().is_empty() {
        let message = format!("{variable} is `{value}`, which has no extension");
        let help = "write extensions with commas between them: `css,js`, or unset it";
        problems.push(Invalid::new(Code::BadExtension, message, help));
    }
    for word in &words {
        if word.contains('/') || Pattern::parse(&glob_of_extension(word)).is_err() {
            let message = format!("{variable} contains `{word}`, which is not an extension");
            let help = "write extensions with commas between them: `css,js`";
            problems.push(Invalid::new(Code::BadExtension, message, help));
        }
    }
    words
}

/// `css` → `*.css`. Backslashes are escaped here, because `globset::escape` does not.
pub(crate) fn glob_of_extension(extension: &str) -> String {
    let escaped: Vec<String> = extension.split('\\').map(globset::escape).collect();
    format!("*.{}", escaped.join(r"\\"))
}
