//! The AWS Lambda function: one way into the pipeline. An invocation goes in, and the failed messages come out.
//!
//! [`from_settings`] builds a [`Function`] once, at the start; [`Function::handle`] handles each event.

mod function;
pub mod logs;
pub mod metrics_output;
mod one_line;
mod settings;

pub use function::{Function, InvocationError, MappingSource};
pub use settings::{SettingError, from_settings};
