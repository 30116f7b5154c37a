//! The AWS Lambda function: one way into the pipeline. An invocation goes in, and the failed messages come out.
//!
//! [`from_settings`] builds a [`Function`] once, at the start; [`Function::respond`] handles each event.

mod function;
mod invocation_error;
pub mod logs;
mod mapping_source;
pub mod metrics_output;
mod one_line;
mod response;
mod settings;

pub use function::Function;
pub use invocation_error::InvocationError;
pub use mapping_source::MappingSource;
pub use response::{HttpResponse, Response};
pub use settings::{ConfiguredFunction, SettingError, from_settings};
