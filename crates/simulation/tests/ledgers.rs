//! What the function does in some scenarios is what it did before. A change that is meant is written by
//! `UPDATE_LEDGERS=1 cargo test --workspace --test ledgers`, and looked at.

use support::ledgers::{LEDGERS, Stale};

mod support;

#[test]
fn the_function_does_what_the_ledgers_say() {
    let update = std::env::var_os("UPDATE_LEDGERS").is_some();
    let mut stale = Vec::new();
    for ledger in &LEDGERS {
        if let Err(Stale(what)) = ledger.check(update) {
            stale.push(what);
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n\n"));
}

#[test]
fn each_ledger_is_one_that_is_checked() {
    let names = std::fs::read_dir(support::ledgers::FOLDER).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort_unstable();
    let mut expected: Vec<String> = LEDGERS.iter().map(|ledger| format!("{}.txt", ledger.name)).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
}
