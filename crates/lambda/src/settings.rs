//! The function's settings, from its environment. A wrong setting stops the start with one line.

use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use purge_router_aws::{
    DynamoLastPurges, DynamoMappings, FunctionTokens, SqsDelayQueue, SqsRetryQueue, SsmTokens, load_config,
};
use purge_router_cloudflare::{ApiToken, Client, Credential, DEFAULT_BASE_URL, EdgeClient, Email, redact};
use purge_router_config::script_env::ScriptEnv;
use purge_router_core::Mappings;
use purge_router_core::names::TeamName;
use purge_router_pipeline::{AllowedHosts, Clock, Executor, Settings, Verifier};

use crate::function::Function;
use crate::mapping_source::MappingSource;
use crate::one_line::on_one_line;

/// A wrong setting and how to fix it, on one line and without any token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("can't start: {0}")]
pub struct SettingError(String);

impl SettingError {
    fn new(reason: impl AsRef<str>) -> Self {
        Self(redact(&reason.as_ref().replace(|c: char| c.is_control(), " ")).into_owned())
    }

    fn of(name: &str, error: impl std::fmt::Display) -> Self {
        Self::new(format!("{name}: {error}"))
    }
}

/// The function with all that its settings may give it.
pub type ConfiguredFunction =
    Function<FunctionTokens, Client, SqsRetryQueue, SqsDelayQueue, DynamoLastPurges, EdgeClient>;

/// Builds the function from its settings, which are read by name through `get`. Reads the mapping file, if one is set.
///
/// # Errors
/// The first setting that is wrong.
pub async fn from_settings(
    get: impl Fn(&str) -> Option<String>,
    clock: Clock,
) -> Result<ConfiguredFunction, SettingError> {
    let get = |name: &str| Some(get(name)?.trim().to_owned()).filter(|text| !text.is_empty());
    let seconds = |name, default| number(get(name), name, default, "write whole seconds").map(Duration::from_secs);
    let (token_ttl, mappings_ttl) = (seconds("TOKEN_TTL_SECONDS", 300)?, seconds("MAPPINGS_TTL_SECONDS", 30)?);
    let help = "write how many instances may run at once, such as 2";
    let instances = number(get("MAX_CONCURRENCY"), "MAX_CONCURRENCY", NonZeroU32::MIN, help)?;
    let of_retries = number(get("RETRY_CONCURRENCY"), "RETRY_CONCURRENCY", 0, help)?;
    let of_second_purges = number(get("DELAY_CONCURRENCY"), "DELAY_CONCURRENCY", 0, help)?;
    let base_url = get("CLOUDFLARE_BASE_URL").unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
    let client = Client::new(&base_url).map_err(|error| SettingError::of("CLOUDFLARE_BASE_URL", error))?;
    let aws = load_config().await;
    let ssm = SsmTokens::new(&aws, token_ttl, clock.clone());
    let retry_queue = get("RETRY_QUEUE_URL").map(|url| SqsRetryQueue::new(&aws, &url)).transpose();
    let retry_queue = retry_queue.map_err(|error| SettingError::of("RETRY_QUEUE_URL", error))?;
    belong_together("RETRY", retry_queue.is_some(), of_retries)?;
    let retry_queue = match (retry_queue, get("DEAD_LETTER_QUEUE_URL")) {
        (Some(queue), Some(url)) => {
            let queue = queue.with_dead_letters(&url);
            Some(queue.map_err(|error| SettingError::of("DEAD_LETTER_QUEUE_URL", error))?)
        }
        (None, Some(_)) => {
            return Err(SettingError::new(
                "DEAD_LETTER_QUEUE_URL is set, and RETRY_QUEUE_URL is not: set both or neither",
            ));
        }
        (queue, None) => queue,
    };
    let delay_queue = get("DELAY_QUEUE_URL").map(|url| SqsDelayQueue::new(&aws, &url)).transpose();
    let delay_queue = delay_queue.map_err(|error| SettingError::of("DELAY_QUEUE_URL", error))?;
    belong_together("DELAY", delay_queue.is_some(), of_second_purges)?;
    let last_purges = get("LAST_PURGES_TABLE")
        .map(|table| DynamoLastPurges::new(&aws, table, get("MAPPINGS_TABLE"), mappings_ttl, clock.clone()))
        .transpose()
        .map_err(|error| SettingError::of("LAST_PURGES_TABLE or MAPPINGS_TABLE", error))?;
    let verifier = verifier(get, delay_queue.is_some())?;
    let (mappings, tokens) = match (get("MAPPINGS_TABLE"), get("MAPPINGS_FILE")) {
        (Some(_), Some(_)) => {
            return Err(SettingError::new("MAPPINGS_TABLE and MAPPINGS_FILE are both set: set one of them"));
        }
        (Some(table), None) => {
            let mappings = DynamoMappings::new(&aws, table, mappings_ttl, clock.clone());
            let mappings = mappings.map_err(|error| SettingError::of("MAPPINGS_TABLE", error))?;
            (MappingSource::Table(mappings), FunctionTokens::OfZones(ssm))
        }
        (None, Some(file)) => {
            let mappings = mapping_file(&file, &get("LAMBDA_TASK_ROOT").unwrap_or_default())?;
            (MappingSource::File(mappings), FunctionTokens::OfZones(ssm))
        }
        (None, None) => script(get, ssm)?,
    };
    // The instances of all queues may run at once, and share the rate limits.
    let instances = instances.saturating_add(of_retries).saturating_add(of_second_purges);
    let settings = Settings { instances, retrying_instances: of_retries, ..Settings::default() };
    let executor = Executor::new(client, tokens, settings, clock);
    let function = Function::new(mappings, executor, retry_queue).with_delay_queue(delay_queue);
    Ok(function.with_last_purges(last_purges).with_verifier(verifier))
}

/// What verifies purges, if the operator allows hosts.
fn verifier(
    get: impl Fn(&str) -> Option<String>,
    has_queue: bool,
) -> Result<Option<Verifier<EdgeClient>>, SettingError> {
    let (hosts, sandbox) = (get("VERIFY_HOSTS"), get("VERIFY_EDGE"));
    let Some(hosts) = hosts else {
        return match sandbox {
            Some(_) => Err(SettingError::new("VERIFY_EDGE is set, and VERIFY_HOSTS is not: set both or neither")),
            None => Ok(None),
        };
    };
    if !has_queue {
        return Err(SettingError::new(
            "VERIFY_HOSTS needs DELAY_QUEUE_URL: what is verified waits in that queue; set both or neither",
        ));
    }
    let hosts: AllowedHosts = hosts.parse().map_err(|error| SettingError::of("VERIFY_HOSTS", error))?;
    let edge = match sandbox {
        Some(url) => EdgeClient::of_sandbox(&url).map_err(|error| SettingError::of("VERIFY_EDGE", error))?,
        None => EdgeClient::new().map_err(|error| SettingError::of("VERIFY_HOSTS", error))?,
    };
    Ok(Some(Verifier::new(edge, hosts)))
}

/// Without the number of its instances, the instances of a queue would exceed the rate limits.
fn belong_together(names: &str, has_queue: bool, instances: u32) -> Result<(), SettingError> {
    if has_queue != (instances > 0) {
        let names = format!("{names}_QUEUE_URL and {names}_CONCURRENCY");
        return Err(SettingError::new(format!("{names} belong together: set both or neither")));
    }
    Ok(())
}

fn number<N: FromStr>(text: Option<String>, name: &str, default: N, help: &str) -> Result<N, SettingError> {
    text.map_or(Ok(default), |text| text.parse().map_err(|_| SettingError::new(format!("{name} is `{text}`: {help}"))))
}

/// Reads a mapping file. A relative path starts at the package's folder.
fn mapping_file(file: &str, package: &str) -> Result<Mappings, SettingError> {
    let path = Path::new(package).join(file);
    let help = "put it into the package, next to `bootstrap`";
    let text = std::fs::read_to_string(&path).map_err(|error| {
        SettingError::of("MAPPINGS_FILE", format!("can't read {}: {error}; {help}", path.display()))
    })?;
    purge_router_config::from_toml(&text).map_err(|problems| {
        let problems = on_one_line(&problems);
        let reason = format!("`purge-router check --mappings {file}` shows what is wrong: {problems}");
        SettingError::of("MAPPINGS_FILE", reason)
    })
}

/// The mappings and the token of the single-zone script's variables.
fn script(
    get: impl Fn(&str) -> Option<String>,
    ssm: SsmTokens,
) -> Result<(MappingSource, FunctionTokens), SettingError> {
    let none = "neither MAPPINGS_TABLE nor MAPPINGS_FILE is set, and of the single-zone script's variables";
    let script = ScriptEnv::read(&get).map_err(|problems| SettingError::of(none, on_one_line(&problems)))?;
    let team = TeamName::parse("script").map_err(|invalid| SettingError::new(invalid.to_string()))?;
    let email = get("CLOUDFLARE_API_EMAIL").as_deref().map(Email::parse).transpose();
    let email = email.map_err(|error| SettingError::of("CLOUDFLARE_API_EMAIL", error))?;
    let tokens = match script.ssm_path() {
        // The script accepted a key in plain text, too.
        Some(path) => FunctionTokens::OfScriptInSsm { ssm: ssm.accepting_plaintext(), path: path.to_owned(), email },
        None => {
            let key = ApiToken::parse(&get("CLOUDFLARE_API_KEY").unwrap_or_default());
            let key = key.map_err(|error| SettingError::of("CLOUDFLARE_API_KEY", error))?;
            FunctionTokens::OfScript(Credential::new(email, key))
        }
    };
    Ok((MappingSource::Script(team, script), tokens))
}
