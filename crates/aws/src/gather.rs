//! Several names in one GetParameters: what is asked for at about the same time is read together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use purge_router_cloudflare::{ApiToken, NotAToken};
use purge_router_pipeline::Moment;
use tokio::sync::oneshot;

use crate::read_error::ReadError;

/// How long the first name waits for others. The zones of one event ask within microseconds; SSM takes milliseconds.
const GATHERING: Duration = Duration::from_millis(2);

/// The most names that one GetParameters may hold.
const NAMES_PER_CALL: usize = 10;

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) token: Result<ApiToken, NotAToken>,
    /// Its type, where that is not encrypted.
    pub(crate) plain: Option<String>,
}

/// What a call brought for one name.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// When it was sent: what was written before it is in it.
    pub(crate) began: Moment,
    pub(crate) brought: Result<Parameter, ReadError>,
}

/// Reads parameters together. Clones share what waits.
#[derive(Debug, Clone)]
pub(crate) struct Gather {
    client: Client,
    waiting: Arc<Mutex<Waiting>>,
}

/// Who waits for which name.
type Waiting = BTreeMap<String, Vec<oneshot::Sender<Reading>>>;

impl Gather {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, waiting: Arc::default() }
    }

    /// Reads one parameter, in a call that begins after this.
    pub(crate) async fn read(&self, name: &str) -> Reading {
        let (reply, reading) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = waiting.is_empty();
            waiting.entry(name.to_owned()).or_default().push(reply);
            is_first
        };
        if is_first {
            // On its own, so that the others are read even if the first is no longer waited for.
            tokio::spawn(self.clone().send());
        }
        let given_up = || ReadError::Unavailable("the read was given up".to_owned());
        reading.await.unwrap_or_else(|_| Reading { began: Moment::now(), brought: Err(given_up()) })
    }

    async fn send(self) {
        tokio::time::sleep(GATHERING).await;
        let mut waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)).into_iter();
        loop {
            let some: Waiting = waiting.by_ref().take(NAMES_PER_CALL).collect();
            if some.is_empty() {
                break;
            }
            tokio::spawn(self.clone().answer(some));
        }
    }

    /// Reads these together or, where that was refused, each on its own: one of them must not fail the others.
    async fn answer(self, waiting: Waiting) {
        let began = Moment::now();
        match self.call(waiting.keys().cloned().collect()).await {
            Err(error) if waiting.len() > 1 && !error.may_pass() => {
                for (name, replies) in waiting {
                    let alone = self.clone();
                    tokio::spawn(async move {
                        let began = Moment::now();
                        let found = alone.call(vec![name.clone()]).await;
                        reply(began, &found, &name, replies);
                    });
                }
            }
            found => waiting.into_iter().for_each(|(name, replies)| reply(began, &found, &name, replies)),
        }
    }

    /// The parameters that there are, by name.
    async fn call(&self, names: Vec<String>) -> Result<Found, ReadError> {
        let answer = self.client.get_parameters().set_names(Some(names)).with_decryption(true).send().await?;
        let mut found = Found::new();
        for parameter in answer.parameters.unwrap_or_default() {
            let read = read(parameter.r#type.as_ref(), parameter.value);
            // It may have been asked for by its ARN, and with a version or label behind a colon.
            let selector = parameter.selector.unwrap_or_default();
            for name in [parameter.name, parameter.arn].into_iter().flatten() {
                found.insert(name + &selector, read.clone());
            }
        }
        Ok(found)
    }
}

type Found = HashMap<String, Parameter>;

fn read(kind: Option<&ParameterType>, value: Option<String>) -> Parameter {
    let kind = kind.map_or("parameter of no type", ParameterType::as_str);
    let plain = (kind != ParameterType::SecureString.as_str()).then(|| kind.to_owned());
    Parameter { token: ApiToken::parse(value.as_deref().unwrap_or_default()), plain }
}

fn reply(began: Moment, found: &Result<Found, ReadError>, name: &str, replies: Vec<oneshot::Sender<Reading>>) {
    let brought = match found {
        Ok(found) => found.get(name).cloned().ok_or(ReadError::Absent),
        Err(error) => Err(error.clone()),
    };
    for reply in replies {
        // Whoever waited may have run out of time.
        let _ = reply.send(Reading { began, brought: brought.clone() });
    }
}
