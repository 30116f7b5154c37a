//! A table with the layout that `infra/template.yaml` deploys.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Credentials};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, PutRequest, ScalarAttributeType, WriteRequest,
};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::proxy::Proxy;

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A table with a unique name, behind a proxy of its own.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The proxy in front of it.
    pub proxy: Proxy,
    client: Client,
    _engine: Arc<Engine>,
}

impl Table {
    /// An empty table.
    pub async fn new() -> Self {
        let engine = tokio::task::spawn_blocking(Engine::shared).await.unwrap();
        let config = config(engine.url());
        // What only prepares a test must not fail because the machine is busy.
        let patient = TimeoutConfig::builder().operation_timeout(Duration::from_secs(60)).build();
        let client = Client::from_conf(Builder::from(&config).timeout_config(patient).build());
        let name = format!("table-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let text = |name: &str| {
            let definition = AttributeDefinition::builder().attribute_name(name);
            definition.attribute_type(ScalarAttributeType::S).build().unwrap()
        };
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
        let everything = Projection::builder().projection_type(ProjectionType::All).build();
        let index = GlobalSecondaryIndex::builder().index_name("by-bucket").projection(everything);
        let index = index.key_schema(key("bucket", KeyType::Hash)).key_schema(key("pk", KeyType::Range));
        let index = index.build().unwrap();
        let create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        let create = ["pk", "sk", "bucket"].into_iter().fold(create, |it, name| it.attribute_definitions(text(name)));
        let create = create.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
        create.global_secondary_indexes(index).send().await.unwrap();
        Self { name, proxy: Proxy::start(engine.url()).await, client, _engine: engine }
    }

    /// Creates the table of last purges that belongs to this one, and returns its name.
    pub async fn add_last_purges(&self) -> String {
        let name = format!("{}-last-purges", self.name);
        let definition = AttributeDefinition::builder().attribute_name("object");
        let definition = definition.attribute_type(ScalarAttributeType::S).build().unwrap();
        let key = KeySchemaElement::builder().attribute_name("object").key_type(KeyType::Hash).build().unwrap();
        let create = self.client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        create.attribute_definitions(definition).key_schema(key).send().await.unwrap();
        name
    }

    /// The SDK's configuration for the proxy: with the function's timeouts, but without retries.
    pub fn config(&self) -> aws_config::SdkConfig {
        config(&self.proxy.url)
    }

    /// Writes a row without the proxy, as a user of the AWS console would. `fields` are all attributes but the key.
    pub async fn put(&self, pk: &str, sk: &str, fields: Value) {
        let item = item(pk, sk, fields);
        self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await.unwrap();
    }

    /// Writes a row with attributes that JSON can't express.
    pub async fn put_item(&self, item: HashMap<String, AttributeValue>) {
        self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await.unwrap();
    }

    /// Writes many rows without the proxy.
    pub async fn put_all(&self, rows: Vec<(String, String, Value)>) {
        for some in rows.chunks(25) {
            let writes = some.iter().map(|(pk, sk, fields)| {
                let put = PutRequest::builder().set_item(Some(item(pk, sk, fields.clone()))).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let write = self.client.batch_write_item().request_items(&self.name, writes.collect());
            assert!(write.send().await.unwrap().unprocessed_items.is_none_or(|left| left.is_empty()));
        }
    }

    /// Deletes a row without the proxy.
    pub async fn delete(&self, pk: &str, sk: &str) {
        self.client.delete_item().table_name(&self.name).set_key(Some(key(pk, sk))).send().await.unwrap();
    }

    /// A row, without its key; null if there is none.
    pub async fn get(&self, pk: &str, sk: &str) -> Value {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(key(pk, sk))).consistent_read(true);
        get.send().await.unwrap().item.map_or(Value::Null, plain)
    }

    /// All sort keys of a partition, sorted.
    pub async fn sorts(&self, pk: &str) -> Vec<String> {
        let query = self.client.query().table_name(&self.name).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned())).consistent_read(true);
        let mut pages = query.projection_expression("sk").into_paginator().items().send();
        let mut sorts = Vec::new();
        while let Some(item) = pages.next().await {
            sorts.push(item.unwrap()["sk"].as_s().unwrap().clone());
        }
        sorts
    }
}

fn config(url: &str) -> aws_config::SdkConfig {
    let credentials = Credentials::new("tester", "secret", None, None, "tests");
    aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .http_client(purge_router_aws::http_client())
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .timeout_config(aws_config::timeout::TimeoutConfig::builder().operation_timeout(Duration::from_secs(5)).build())
        .build()
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    serde_dynamo::to_item(json!({ "pk": pk, "sk": sk })).unwrap()
}

fn item(pk: &str, sk: &str, fields: Value) -> HashMap<String, AttributeValue> {
    let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(fields).unwrap();
    item.extend(key(pk, sk));
    item
}

fn plain(item: HashMap<String, AttributeValue>) -> Value {
    let plain = |value| serde_dynamo::from_attribute_value(value).unwrap_or(Value::Null);
    let fields = item.into_iter().filter(|(name, _)| name != "pk" && name != "sk");
    fields.map(|(name, value)| (name, plain(value))).collect()
}
