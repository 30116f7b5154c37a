//! The corpora and 10,000 mutated inputs of each target, in every `cargo test`. One test, because the counts of memory
//! are the process's.

use std::time::Duration;

use purge_router_fuzz::run::run;
use purge_router_fuzz::target::TARGETS;

#[test]
fn corpora_and_mutated_inputs_pass_every_target() {
    for target in TARGETS {
        let corpus: Vec<Vec<u8>> = target.corpus().unwrap().into_iter().map(|(_, input)| input).collect();
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        let summary = run(target, &corpus, 10_000 + corpus.len() as u64, Duration::MAX, 13);
        if let Some((input, reason)) = summary.failure {
            panic!("{}: {reason}; input: {}", target.name, input.escape_ascii());
        }
    }
}
