//! The function's settings, from its environment. What is wrong stops the start with one line.

use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use purge_router_aws::{DynamoMappings, FunctionTokens, SsmTokens, load_config};
use purge_router_cloudflare::{ApiToken, Client, Credential, DEFAULT_BASE_URL, Email, redact};
use purge_router_config::script_env::ScriptEnv;
use purge_router_core::Mappings;
use purge_router_core::names::TeamName;
use purge_router_pipeline::{Executor, RateLimits, Settings};

use crate::function::{Function, Routing};

/// A setting that is wrong, with the way out, on one line and without any token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("can't start: {0}")]
pub struct BadSetting(String);

fn bad(reason: impl AsRef<str>) -> BadSetting {
    BadSetting(redact(&reason.as_ref().replace(|c: char| c.is_control(), " ")).into_owned())
}

/// The function that the settings say, read by name through `get`; a mapping file is read where one is named.
///
/// # Errors
/// The first setting that is wrong.
pub async fn from_settings(get: impl Fn(&str) -> Option<String>) -> Result<Function<FunctionTokens>, BadSetting> {
    let get = |name: &str| Some(get(name)?.trim().to_owned()).filter(|text| !text.is_empty());
    let seconds = |name, default| number(get(name), name, default, "write whole seconds").map(Duration::from_secs);
    let (keep_tokens, keep_mappings) = (seconds("TOKEN_TTL_SECONDS", 300)?, seconds("MAPPINGS_TTL_SECONDS", 30)?);
    let copies = "MAX_CONCURRENCY";
    let copies = number(get(copies), copies, NonZeroU32::MIN, "write how many copies may run at once, such as 2")?;
    let base_url = get("CLOUDFLARE_BASE_URL").unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
    let client = Client::new(&base_url).map_err(|error| bad(format!("CLOUDFLARE_BASE_URL: {error}")))?;
    let aws = load_config().await;
    let ssm = SsmTokens::new(&aws, keep_tokens);
    let (routing, tokens) = match (get("MAPPINGS_TABLE"), get("MAPPINGS_FILE")) {
        (Some(_), Some(_)) => return Err(bad("MAPPINGS_TABLE and MAPPINGS_FILE are both set: set one of them")),
        (Some(table), None) => {
            let mappings = DynamoMappings::new(&aws, table, keep_mappings);
            let mappings = mappings.map_err(|error| bad(format!("MAPPINGS_TABLE: {error}")))?;
            (Routing::Table(mappings), FunctionTokens::OfZones(ssm))
        }
        (None, Some(file)) => {
            let mappings = mapping_file(&file, &get("LAMBDA_TASK_ROOT").unwrap_or_default())?;
            (Routing::File(mappings), FunctionTokens::OfZones(ssm))
        }
        (None, None) => {
            let wrong = "neither MAPPINGS_TABLE nor MAPPINGS_FILE is set, and of the single-zone script's variables";
            let script = ScriptEnv::read(get).map_err(|faults| bad(format!("{wrong}: {}", on_one_line(&faults))))?;
            let team = TeamName::parse("script").map_err(|fault| bad(fault.to_string()))?;
            let email = get("CLOUDFLARE_API_EMAIL").as_deref().map(Email::parse).transpose();
            let email = email.map_err(|error| bad(format!("CLOUDFLARE_API_EMAIL: {error}")))?;
            let tokens = match script.ssm_path() {
                // The script did not mind a key that lies open.
                Some(path) => FunctionTokens::OfScriptInSsm { ssm: ssm.taking_plain(), path: path.to_owned(), email },
                None => {
                    let key = ApiToken::parse(&get("CLOUDFLARE_API_KEY").unwrap_or_default());
                    let key = key.map_err(|error| bad(format!("CLOUDFLARE_API_KEY: {error}")))?;
                    FunctionTokens::OfScript(Credential::new(email, key))
                }
            };
            (Routing::Script(team, script), tokens)
        }
    };
    Ok(Function::new(routing, Executor::new(client, tokens, RateLimits::new(copies), Settings::default())))
}

fn number<N: FromStr>(text: Option<String>, name: &str, default: N, help: &str) -> Result<N, BadSetting> {
    text.map_or(Ok(default), |text| text.parse().map_err(|_| bad(format!("{name} is `{text}`: {help}"))))
}

/// Reads a mapping file; a relative path begins in the package's folder.
fn mapping_file(file: &str, package: &str) -> Result<Mappings, BadSetting> {
    let path = Path::new(package).join(file);
    let help = "put it into the package, beside `bootstrap`";
    let text = std::fs::read_to_string(&path)
        .map_err(|error| bad(format!("MAPPINGS_FILE: can't read {}: {error}; {help}", path.display())))?;
    let wrong = format!("MAPPINGS_FILE: `purge-router check --mappings {file}` shows what is wrong");
    purge_router_config::from_toml(&text).map_err(|problems| bad(format!("{wrong}: {}", on_one_line(&problems))))
}

pub(crate) fn on_one_line(problems: &[impl ToString]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}
