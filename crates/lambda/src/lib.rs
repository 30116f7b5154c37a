//! The AWS Lambda function: one door to the pipeline. An invocation goes in, and what failed comes out.
//!
//! [`from_settings`] makes a [`Function`] once, at the start. [`Function::handle`] decodes an event, plans it, sends the
//! plan and answers with the failed messages of an SQS batch, or with an error where the event came to it directly.

mod function;
pub mod logs;
pub mod meter;
mod settings;

pub use function::{Function, NotDone, Routing};
pub use settings::{BadSetting, from_settings};
