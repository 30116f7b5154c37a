# What the picture quick-start.svg shows. crates/cli/tests/recording.rs replays it.
cargo run -- run examples/sqs.json --mappings mappings.example.toml --sandbox
