//! One write of a transaction: a row, and the condition on which it is written.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use purge_router_config::{FIELDS, RowKey};

use crate::table::{Attributes, TableError, key_attributes, key_of, text};

/// The fields of the row `HEAD` that other rows do not have.
const FIELDS_OF_HEAD: [&str; 13] = [
    "revision", "push", "by", "at", "summary", "message", "document", "diff", "approval", "pulled", "pending", "rows",
    "step",
];

/// The most attributes of a row that a condition can compare: an expression has 4 KB.
const MOST_COMPARED: usize = 80;

/// One row that a transaction puts, deletes or checks.
#[derive(Debug, Clone)]
pub(super) struct RowWrite {
    pub(super) key: RowKey,
    pub(super) action: Action,
    pub(super) condition: Condition,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Put(Attributes),
    Delete,
    /// Writes nothing: only the condition is checked.
    Check,
}

/// What must be true of the row before.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    None,
    /// The row does not exist.
    Absent,
    /// It has these attributes, and no other one that this release knows.
    Is(Attributes),
    /// It is a head whose pending push has this id.
    PendingIs(String),
}

impl RowWrite {
    pub(super) fn put(key: RowKey, row: Attributes, condition: Condition) -> Self {
        Self { key, action: Action::Put(row), condition }
    }

    /// Puts a row, which has its key among its attributes, whatever was there before.
    pub(super) fn put_row(row: Attributes) -> Self {
        Self::put(key_of(&row), row, Condition::None)
    }

    /// About how many bytes of the transaction it takes.
    pub(super) fn bytes(&self) -> usize {
        match &self.action {
            Action::Put(row) => row.iter().map(|(name, value)| name.len() + bytes_of(value)).sum(),
            Action::Delete | Action::Check => 100,
        }
    }

    /// The item of the TransactWriteItems call.
    pub(super) fn into_request(self, table: &str) -> Result<TransactWriteItem, TableError> {
        let refused = |error: BuildError| TableError::Refused(error.to_string());
        if let Condition::Is(row) = &self.condition
            && row.len() > MOST_COMPARED
        {
            let (key, count) = (&self.key, row.len());
            return Err(TableError::Refused(format!(
                "the row {key} has {count} attributes, more than can be compared: delete those that are not fields"
            )));
        }
        let Expression { text, names, values } = self.condition.expression();
        let values = Some(values).filter(|values| !values.is_empty());
        let names = Some(names).filter(|names| !names.is_empty());
        let old = Some(ReturnValuesOnConditionCheckFailure::AllOld);
        let item = TransactWriteItem::builder();
        Ok(match self.action {
            Action::Check => {
                let key = key_attributes(&self.key);
                let check = ConditionCheck::builder().table_name(table).set_key(Some(key));
                let check = check.set_condition_expression(text).set_expression_attribute_names(names);
                let check = check.set_expression_attribute_values(values);
                item.condition_check(check.set_return_values_on_condition_check_failure(old).build().map_err(refused)?)
            }
            Action::Put(row) => {
                let put = Put::builder().table_name(table).set_item(Some(row)).set_condition_expression(text);
                let put = put.set_expression_attribute_names(names).set_expression_attribute_values(values);
                item.put(put.set_return_values_on_condition_check_failure(old).build().map_err(refused)?)
            }
            Action::Delete => {
                let key = key_attributes(&self.key);
                let delete = Delete::builder().table_name(table).set_key(Some(key)).set_condition_expression(text);
                let delete = delete.set_expression_attribute_names(names).set_expression_attribute_values(values);
                item.delete(delete.set_return_values_on_condition_check_failure(old).build().map_err(refused)?)
            }
        }
        .build())
    }
}

fn bytes_of(value: &AttributeValue) -> usize {
    use AttributeValue as Attribute;
    match value {
        Attribute::S(text) | Attribute::N(text) => text.len(),
        Attribute::B(data) => data.as_ref().len(),
        Attribute::L(items) => 3 + items.iter().map(|item| 1 + bytes_of(item)).sum::<usize>(),
        Attribute::M(items) => 3 + items.iter().map(|(name, item)| 1 + name.len() + bytes_of(item)).sum::<usize>(),
        Attribute::Ss(texts) | Attribute::Ns(texts) => texts.iter().map(String::len).sum(),
        _ => 1,
    }
}

#[derive(Default)]
struct Expression {
    text: Option<String>,
    names: HashMap<String, String>,
    values: Attributes,
}

impl Condition {
    fn expression(self) -> Expression {
        let mut expression = Expression::default();
        match self {
            Self::None => {}
            Self::Absent => expression.text = Some("attribute_not_exists(pk)".to_owned()),
            Self::PendingIs(id) => {
                expression.text = Some("#pending.#push = :push".to_owned());
                expression.names =
                    [("#pending", "pending"), ("#push", "push")].map(|(to, of)| (to.to_owned(), of.to_owned())).into();
                expression.values.insert(":push".to_owned(), text(id));
            }
            Self::Is(item) => {
                let is_key = |name: &&String| matches!(name.as_str(), "pk" | "sk");
                let mut terms = Vec::new();
                let known = FIELDS.iter().chain(&FIELDS_OF_HEAD).filter(|name| !item.contains_key(**name));
                for (index, name) in known.enumerate() {
                    expression.names.insert(format!("#new{index}"), (*name).to_owned());
                    terms.push(format!("attribute_not_exists(#new{index})"));
                }
                for (index, (name, value)) in item.iter().filter(|(name, _)| !is_key(name)).enumerate() {
                    expression.names.insert(format!("#old{index}"), name.clone());
                    expression.values.insert(format!(":old{index}"), value.clone());
                    terms.push(format!("#old{index} = :old{index}"));
                }
                // A row without any field must exist, too.
                terms.push("attribute_exists(pk)".to_owned());
                expression.text = Some(terms.join(" AND "));
            }
        }
        expression
    }
}
