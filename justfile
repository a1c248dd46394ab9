# What CI runs, and what a developer needs. `just --list` shows all.

# Everything that CI checks.
check:
    bash .ci/run

# Formatting and lints only.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# All tests.
test:
    cargo test --workspace

# Real worker processes over sockets, to which something happens all the time. What it finds, `soak again FILE` checks again.
soak TIME="5m" *ARGUMENTS:
    cargo run -p integration-tests --bin soak -- --for {{TIME}} {{ARGUMENTS}}

# One run of the simulation, as a readable timeline.
sim SEED:
    cargo run -p integration-tests --bin simulate -- --seed {{SEED}} --trace

# What of a failing seed is needed for it to fail.
minimise SEED:
    cargo run --release -p integration-tests --bin simulate -- --minimise {{SEED}}

# Many seeds, each run twice with the same trace.
sims SEEDS="1+50":
    cargo run -p integration-tests --bin simulate -- --seeds {{SEEDS}} --twice

# A fuzzer on one of fuzz/fuzz_targets. Install once: cargo install cargo-fuzz --locked, and a nightly toolchain
fuzz TARGET SECONDS="300":
    cargo +nightly fuzz run -s none {{TARGET}} -- -dict=fuzz/dictionaries/{{TARGET}}.txt -max_len=4096 -max_total_time={{SECONDS}}

# Bugs put into the product one by one, each of which the simulation must find.
mutations *NAMES:
    integration-tests/mutations/run {{NAMES}}

# The documentation.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, banned crates, sources. Install once: cargo install cargo-deny --locked
deny:
    cargo deny check bans licenses sources
