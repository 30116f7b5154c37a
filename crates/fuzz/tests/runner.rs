//! The runner finds what a target does wrong. One test, because the counts of memory are the process's.

use std::hint::black_box;
use std::time::Duration;

use purge_router_fuzz::run::{Summary, check, run};
use purge_router_fuzz::target::Target;

/// Refuses inputs with an `x`, which mutations of an input without one must make.
fn without_x(input: &[u8]) {
    assert!(!input.contains(&b'x'), "an x is in it");
}

/// Allocates more in all than any input may.
fn wasteful(_: &[u8]) {
    for _ in 0..256 {
        black_box(vec![1_u8; 1024 * 1024]);
    }
}

/// Holds more memory than the limit.
fn greedy(_: &[u8]) {
    black_box(vec![1_u8; 300 * 1024 * 1024]);
}

#[test]
fn panics_too_much_work_and_too_much_memory_are_found_and_replayed() {
    let corpus = [b"abc def".to_vec(), b"1234".to_vec()];
    let target = Target { name: "without-x", check: without_x };
    let found = || run(target, &corpus, 100_000, Duration::MAX, 3);
    let summary = found();
    let (input, reason) = summary.failure.unwrap();
    assert!(input.contains(&b'x') && reason.contains("an x is in it"), "{reason}");
    assert!(summary.runs > 2 && summary.runs < 100_000, "{} runs", summary.runs);
    assert_eq!(found().failure.unwrap().0, input, "the same seed finds the same input");
    assert_eq!(run(target, &corpus, 100_000, Duration::ZERO, 3).runs, 0, "no time is left");
    assert!(check(target, &input, &mut Summary::default()).is_err());
    assert!(check(target, b"abc", &mut Summary::default()).is_ok());

    for (check, expected) in [(wasteful as fn(&[u8]), "it allocated "), (greedy, "bytes of memory")] {
        let (_, reason) = run(Target { name: "large", check }, &corpus, 10, Duration::MAX, 3).failure.unwrap();
        assert!(reason.contains(expected), "{reason}");
    }
}
