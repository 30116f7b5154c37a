//! What purge-router costs beside other ways to do the same work, measured in the same run: each round measures all of
//! them, one after another, so that other work on the machine affects all. `cargo xtask bench` runs it, and prints Markdown.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "what fails ends this program")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros, reason = "it is not core")]
#![allow(clippy::indexing_slicing, clippy::expect_used, missing_docs, reason = "as in tests")]

mod calls;
mod corpus;
mod lambda_events;
mod measure;
mod python;
mod way;

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["way"] => way::run(),
        ["calls"] => calls::run(),
        _ => panic!("expected `way` or `calls`, found {arguments:?}"),
    }
}
