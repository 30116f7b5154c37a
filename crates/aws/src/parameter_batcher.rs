//! Reads several parameters with one GetParameters call: those that callers request at about the same time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use purge_router_cloudflare::{ApiToken, NotAToken};
use purge_router_pipeline::{Clock, Timestamp};
use tokio::sync::oneshot;

use crate::read_error::ReadError;

/// How long the first name waits for others. The zones of one event request theirs within microseconds; SSM takes
/// milliseconds.
const COALESCE_WINDOW: Duration = Duration::from_millis(2);

/// The most names that one GetParameters call may hold.
const NAMES_PER_CALL: usize = 10;

/// A parameter's value, and its type if it is not a SecureString.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) token: Result<ApiToken, NotAToken>,
    /// Its type, if that is not encrypted.
    pub(crate) plain: Option<String>,
}

/// The result of a call for one name.
#[derive(Debug)]
pub(crate) struct ParameterRead {
    /// When the call was sent: it shows all that was written before.
    pub(crate) started_at: Timestamp,
    pub(crate) result: Result<Parameter, ReadError>,
}

/// Reads parameters in batches. Clones share the names that wait.
#[derive(Debug, Clone)]
pub(crate) struct ParameterBatcher {
    client: Client,
    clock: Clock,
    waiting: Arc<Mutex<Waiting>>,
}

/// The callers that wait, by name.
type Waiting = BTreeMap<String, Vec<oneshot::Sender<ParameterRead>>>;

/// The parameters of one answer, by name and by ARN.
type ParametersByName = HashMap<String, Parameter>;

impl ParameterBatcher {
    pub(crate) fn new(client: Client, clock: Clock) -> Self {
        Self { client, clock, waiting: Arc::default() }
    }

    /// Reads one parameter, in a call that begins after this.
    pub(crate) async fn read(&self, name: &str) -> ParameterRead {
        let (sender, receiver) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = waiting.is_empty();
            waiting.entry(name.to_owned()).or_default().push(sender);
            is_first
        };
        if is_first {
            // In its own task, so that the others are read even if the first caller gives up.
            tokio::spawn(self.clone().send());
        }
        let aborted = || ReadError::Unavailable("the read was aborted".to_owned());
        receiver.await.unwrap_or_else(|_| ParameterRead { started_at: self.clock.now(), result: Err(aborted()) })
    }

    async fn send(self) {
        tokio::time::sleep(COALESCE_WINDOW).await;
        let mut waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)).into_iter();
        loop {
            let batch: Waiting = waiting.by_ref().take(NAMES_PER_CALL).collect();
            if batch.is_empty() {
                break;
            }
            tokio::spawn(self.clone().read_batch(batch));
        }
    }

    /// Reads these parameters together. If that is refused, reads each alone, so that one can't fail the others.
    async fn read_batch(self, batch: Waiting) {
        let started_at = self.clock.now();
        match self.get_parameters(batch.keys().cloned().collect()).await {
            Err(error) if batch.len() > 1 && !error.is_transient() => {
                for (name, callers) in batch {
                    tokio::spawn(self.clone().read_alone(name, callers));
                }
            }
            found => batch.into_iter().for_each(|(name, callers)| reply(started_at, &found, &name, callers)),
        }
    }

    async fn read_alone(self, name: String, callers: Vec<oneshot::Sender<ParameterRead>>) {
        let started_at = self.clock.now();
        let found = self.get_parameters(vec![name.clone()]).await;
        reply(started_at, &found, &name, callers);
    }

    async fn get_parameters(&self, names: Vec<String>) -> Result<ParametersByName, ReadError> {
        let answer = self.client.get_parameters().set_names(Some(names)).with_decryption(true).send().await;
        let answer = answer.map_err(|error| ReadError::of(&error, self.client.config().region()))?;
        let mut found = ParametersByName::new();
        for parameter in answer.parameters.unwrap_or_default() {
            let read = parse(parameter.r#type.as_ref(), parameter.value);
            // It may have been requested by its ARN, and with a version or label after a colon.
            let selector = parameter.selector.unwrap_or_default();
            for name in [parameter.name, parameter.arn].into_iter().flatten() {
                found.insert(name + &selector, read.clone());
            }
        }
        Ok(found)
    }
}

fn parse(kind: Option<&ParameterType>, value: Option<String>) -> Parameter {
    let kind = kind.map_or("parameter of no type", ParameterType::as_str);
    let plain = (kind != ParameterType::SecureString.as_str()).then(|| kind.to_owned());
    Parameter { token: ApiToken::parse(value.as_deref().unwrap_or_default()), plain }
}

fn reply(
    started_at: Timestamp,
    found: &Result<ParametersByName, ReadError>,
    name: &str,
    callers: Vec<oneshot::Sender<ParameterRead>>,
) {
    let result = match found {
        Ok(found) => found.get(name).cloned().ok_or(ReadError::Absent),
        Err(error) => Err(error.clone()),
    };
    for caller in callers {
        // A caller may have given up.
        let _ = caller.send(ParameterRead { started_at, result: result.clone() });
    }
}
