//! The AWS Lambda function: one door to the pipeline. An invocation goes in, and what failed comes out.
//!
//! [`from_settings`] makes a [`Function`] once, at the start; [`Function::handle`] answers each event.

mod function;
pub mod logs;
pub mod meter;
mod settings;

pub use function::{Function, NotDone, Routing};
pub use settings::{BadSetting, from_settings};
