//! Edits of the table on the real SDK and on AWS's own engine: the first push wins, nothing is lost, and a push may be
//! interrupted anywhere.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

mod fixture;
mod interruptions;
mod reads;
mod writes;
