//! The pipeline's stores on AWS: tokens in SSM.
//!
//! [`SsmTokens`] reads SecureString parameters. It asks SSM only for what a batch waits for, keeps what it read for a
//! while, and reads past that when Cloudflare refused a token.

mod config;
mod gather;
mod read_error;
mod ssm_tokens;

pub use config::load as load_config;
pub use read_error::ReadError;
pub use ssm_tokens::SsmTokens;
