//! Several names in one GetParameters: what is asked for at about the same time is read together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use purge_router_cloudflare::ApiToken;
use tokio::sync::oneshot;

use crate::read_error::ReadError;
use crate::ssm_tokens::Parameter;

/// How long the first name waits for others. The zones of one event ask within microseconds; SSM takes milliseconds.
const GATHERING: Duration = Duration::from_millis(2);

/// The most names that one GetParameters may hold.
const NAMES_PER_CALL: usize = 10;

type Read = Result<Parameter, ReadError>;
type Found = HashMap<String, Read>;

/// Reads parameters together. Clones share what waits.
#[derive(Debug, Clone)]
pub(crate) struct Gather {
    client: Client,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

#[derive(Debug)]
struct Waiting {
    name: String,
    reply: oneshot::Sender<Read>,
}

impl Gather {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, waiting: Arc::default() }
    }

    /// Reads one parameter, in a call that starts after this.
    pub(crate) async fn read(&self, name: &str) -> Read {
        let (reply, read) = oneshot::channel();
        let first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Waiting { name: name.to_owned(), reply });
            waiting.len() == 1
        };
        if first {
            // On its own, so that the others are read even if the first is no longer waited for.
            tokio::spawn(self.clone().send());
        }
        read.await.unwrap_or_else(|_| Err(ReadError::Unavailable("the read was given up".to_owned())))
    }

    async fn send(self) {
        tokio::time::sleep(GATHERING).await;
        let mut waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(NAMES_PER_CALL));
            tokio::spawn(self.clone().answer(std::mem::replace(&mut waiting, rest)));
        }
    }

    /// Reads these together or, where that was refused, each on its own: one of them must not fail the others.
    async fn answer(self, waiting: Vec<Waiting>) {
        match self.call(&waiting).await {
            Err(error) if waiting.len() > 1 && !error.may_pass() => {
                for one in waiting {
                    let alone = self.clone();
                    tokio::spawn(async move {
                        let mut found = alone.call(std::slice::from_ref(&one)).await;
                        one.take_from(&mut found);
                    });
                }
            }
            mut found => waiting.into_iter().for_each(|one| one.take_from(&mut found)),
        }
    }

    /// The parameters that there are, by name.
    async fn call(&self, waiting: &[Waiting]) -> Result<Found, ReadError> {
        let names = waiting.iter().map(|one| one.name.clone()).collect();
        let answer = self.client.get_parameters().set_names(Some(names)).with_decryption(true).send().await?;
        let parameters = answer.parameters.unwrap_or_default().into_iter();
        Ok(parameters.filter_map(|found| Some((found.name?, read(found.r#type.as_ref(), found.value)))).collect())
    }
}

impl Waiting {
    fn take_from(self, found: &mut Result<Found, ReadError>) {
        let read = match found {
            Ok(found) => found.remove(&self.name).unwrap_or(Err(ReadError::Absent)),
            Err(error) => Err(error.clone()),
        };
        // Whoever waited may have run out of time.
        let _ = self.reply.send(read);
    }
}

fn read(kind: Option<&ParameterType>, value: Option<String>) -> Read {
    let token = ApiToken::parse(value.as_deref().unwrap_or_default())?;
    Ok(Parameter { token, kind: kind.map_or("parameter of no type", ParameterType::as_str).to_owned() })
}
