//! A deterministic simulation: the function's code on a virtual clock, between models of what it depends on.
//!
//! One seed is one run of some hours, in milliseconds. It has models of Cloudflare (tokens, limits, trouble, latencies
//! and an edge), SQS, Lambda, SSM and of the uploads of 50 teams. Every event of a run goes to the checks, which see
//! nothing else, and into a hash: two runs of a seed are the same if their hashes are.
//!
//! It runs on Tokio's paused clock, with the seams that the pipeline has: `PurgeApi`, `TokenStore` and `Clock`. turmoil
//! and madsim simulate hosts and their network, below the HTTP client; what this looks for is above it.
//!
//! In one scenario of twenty, the mappings are in a model of DynamoDB, below the AWS SDK; in the others, in a file.
//! Freezes are simulated as far as the function can see them: the wall clock runs on while the monotonic clock stands
//! still.

mod call;
mod checks;
mod clock;
mod cloudflare;
mod dynamodb;
mod event;
mod fault;
mod isolation;
mod lambda;
mod ledger;
mod observer;
mod options;
mod random;
mod report;
mod run;
mod scenario;
mod sqs;
mod ssm;
mod trace;

pub use call::{Call, Callee};
pub use checks::Violation;
pub use clock::SimTime;
pub use event::{Entry, Event, InstanceId, MessageId, QueueName, Refused};
pub use fault::Fault;
pub use isolation::{Comparison, HealthyTimes, PERCENTILES};
pub use ledger::{Recording, ledger};
pub use options::{Options, Sabotage};
pub use random::Seed;
pub use report::{Figures, RunReport};
pub use run::run;
pub use scenario::*;
