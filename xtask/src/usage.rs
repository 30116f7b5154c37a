//! What `cargo xtask` can do.

pub(crate) const USAGE: &str = "\
usage: cargo xtask COMMAND

  test               run all tests
  iam                run only the tests of the templates' IAM policies
  lint               run all checks of the code, the templates and the pages
  book               check the pages, and build the book into target/book
  commands           check that the commands on pages exist with their options
  house              list files, functions and imports that break the house rules
  fetch              install what the tests of the table need, so that `cargo test` works by itself
  latency            measure how long an upload takes to be visible
  lookups            measure what reading the mappings of a bucket costs
  instructions [--write]
                     count the instructions of some paths and compare them with their budgets, or set these
  bench              run all benchmarks that follow, and write their tables and plots into docs/performance.md
  bench way          measure an event's whole way, from bytes to the bodies of requests, beside other ways to do it
  bench command      measure whole processes of the command, beside Python
  bench calls        count requests, beside one for each record
  bench routing [--only TEXT] [--rival NAME]
                     measure routing beside rivals; with options, only a part of it, which is not written
  bench rows         measure how long the mappings of 10,000 rows take
  bench cold-start   measure cold starts beside Python and Node.js
  release [--arm64] [--include FILE…]
                     build the package for Lambda
  release command [--target TRIPLE] [--repository URL] [--program FILE] [--output FOLDER] [--no-deb]
                     build the command's packages: a static program, a Debian package, Homebrew's formula
  event MESSAGES     print an SQS batch of this size for mappings.example.toml

The following measure for docs/reliability.md and docs/reliability/. With --write-docs, or --write-docs=BLOCK, they write
their figures there.

  isolation [--seconds N] [--seed N] [--only TEXT] [--logs FOLDER]
                     measure how long healthy teams wait for their purges while others are sick
  simulate [--seeds N] [--from SEED] [--seed SEED] [--seconds N] [--threads N] [--trace]
                     run 10,000 seeds of the deterministic simulation, or N of them
  drain              measure how long 100,000 URLs of 50 zones take, beside the bound that the limits set, and how
                     long new messages take while a part of the rate is in use
  soak [--changes N] [--seconds N] [--seed N] [--only TEXT] [--sabotage purges|messages] [--logs FOLDER]
                     upload under faults, on real parts, and check that nothing is lost: about 16 minutes
  fuzz [--target NAME] [--runs N] [--seconds N] [--seed N] [--replay FILE]
                     check many mutated inputs of each target of crates/fuzz
  mutants [--sample N] [--seconds N] [--seed N] [--only TEXT] [--ledgers]
                     change the pipeline in one place after the other, and see whether the simulation finds it: an hour
                     or two; an interrupted run goes on (needs `cargo install cargo-mutants --locked`)";
