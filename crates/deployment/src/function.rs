//! The function: its settings, its state, and the queues that invoke it.

use std::collections::HashMap;

use aws_config::SdkConfig;
use purge_router_aws::CallError;
use serde_json::Value;

use crate::signed::{Call, Service, encoded, send, unexpected};

/// The deployed function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Lambda's word for its state, such as `Active`, and the reason if it has one.
    pub state: String,
    /// What of its last update failed, if it did.
    pub failed_update: Option<String>,
    /// The group that it logs to.
    pub log_group: Option<String>,
    settings: HashMap<String, String>,
}

/// A queue that invokes the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// The id with which it is enabled.
    pub id: String,
    /// The queue's ARN.
    pub queue_arn: String,
    /// Lambda's word for its state, such as `Enabled`.
    pub state: String,
}

impl Function {
    /// Reads the function of this name or ARN.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn read(config: &SdkConfig, name: &str) -> Result<Self, CallError> {
        let path = format!("/2015-03-31/functions/{}/configuration", encoded(name));
        let answer = send(config, &Call::get(Service::Lambda, path)).await?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| unexpected(&error))?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let reason = text("StateReason")
            .filter(|reason| !reason.is_empty())
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        let update = text("LastUpdateStatus").filter(|status| *status == "Failed");
        let variables = answer["Environment"]["Variables"].as_object().into_iter().flatten();
        let variables = variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Ok(Self {
            name: text("FunctionName").unwrap_or(name).to_owned(),
            state: format!("{}{reason}", text("State").unwrap_or("Active")),
            failed_update: update.map(|_| text("LastUpdateStatusReason").unwrap_or("no reason given").to_owned()),
            log_group: answer["LoggingConfig"]["LogGroup"].as_str().map(str::to_owned),
            settings: variables.collect(),
        })
    }

    /// A variable of its environment; an empty one counts as unset.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Whether Lambda can run it.
    pub fn is_active(&self) -> bool {
        self.state.starts_with("Active") || self.state.starts_with("Inactive")
    }

    /// Whether Lambda is still creating or updating it.
    pub fn is_pending(&self) -> bool {
        self.state.starts_with("Pending")
    }

    /// The queues that invoke it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn event_sources(&self, config: &SdkConfig) -> Result<Vec<EventSource>, CallError> {
        let (mut sources, mut marker) = (Vec::new(), None);
        loop {
            let next: Option<String> = marker.map(|marker: String| format!("&Marker={}", encoded(&marker)));
            let name = encoded(&self.name);
            let path = format!("/2015-03-31/event-source-mappings/?FunctionName={name}{}", next.unwrap_or_default());
            let answer = send(config, &Call::get(Service::Lambda, path)).await?;
            let answer: Value = serde_json::from_str(&answer).map_err(|error| unexpected(&error))?;
            let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
            sources.extend(answer["EventSourceMappings"].as_array().into_iter().flatten().map(|it| EventSource {
                id: text(it, "UUID"),
                queue_arn: text(it, "EventSourceArn"),
                state: text(it, "State"),
            }));
            marker = answer["NextMarker"].as_str().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(sources);
            }
        }
    }

    /// Among its event sources, the ARN of the queue of new messages: the one that is neither for retries nor for second
    /// purges.
    pub fn queue_of_new_messages<'s>(&self, sources: &'s [EventSource]) -> Option<&'s EventSource> {
        let others: Vec<String> = ["RETRY_QUEUE_URL", "DELAY_QUEUE_URL"]
            .iter()
            .filter_map(|name| Some(queue_name(self.setting(name)?).to_owned()))
            .collect();
        sources.iter().find(|source| !others.iter().any(|name| name == source.queue_name()))
    }
}

impl EventSource {
    /// The name of its queue.
    pub fn queue_name(&self) -> &str {
        self.queue_arn.rsplit(':').next().unwrap_or_default()
    }

    /// Whether it invokes the function.
    pub fn is_enabled(&self) -> bool {
        matches!(self.state.as_str(), "Enabled" | "Enabling" | "Creating" | "Updating")
    }

    /// Its URL, as that of another queue of the account and region is written.
    pub fn queue_url(&self, sibling: &str) -> String {
        let base = sibling.rsplit_once('/').map_or(sibling, |(base, _)| base);
        format!("{base}/{}", self.queue_name())
    }
}

fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(settings: &[(&str, &str)]) -> Function {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Function { name: "f".to_owned(), state: "Active".to_owned(), failed_update: None, log_group: None, settings }
    }

    fn source(queue: &str) -> EventSource {
        EventSource {
            id: queue.to_owned(),
            queue_arn: format!("arn:aws:sqs:eu-west-1:123456789012:{queue}"),
            state: "Enabled".to_owned(),
        }
    }

    #[test]
    fn the_queue_of_new_messages_is_the_one_without_a_setting() {
        let url = |name: &str| format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}");
        let (retry, delay) = (url("retry"), url("delay"));
        let function = function(&[("RETRY_QUEUE_URL", &retry), ("DELAY_QUEUE_URL", &delay)]);
        let sources = [source("delay"), source("new"), source("retry")];
        let found = function.queue_of_new_messages(&sources).unwrap();
        assert_eq!(found.queue_url(&retry), url("new"));
        assert_eq!(function.queue_of_new_messages(&sources[..1]), None);
    }

    #[test]
    fn an_empty_setting_counts_as_unset() {
        assert_eq!(function(&[("MAPPINGS_TABLE", "")]).setting("MAPPINGS_TABLE"), None);
    }
}
