# Shortcuts; `just --list` names them. Nothing here is needed to build, test or use pindeck.

# What a change must pass before it lands: format, lints, dependencies, all tests.
ci:
    bash .ci/run

# Fast feedback while working.
check:
    cargo fmt --all --check
    cargo clippy --workspace --lib --bins --locked -- -D warnings
    cargo clippy --workspace --all-targets --locked -- -D warnings -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic -A clippy::print_stdout -A clippy::print_stderr

# All tests, beside real registries and cosign where they can be had.
test *filter:
    tests/run {{filter}}

# The programs pindeck is compared with, under target/peers.
peers:
    tests/peers/install

# The cockpit on its embedded world.
demo *args:
    cargo run --release -- demo {{args}}

# Wall time, requests and memory; beside the peers where they are installed.
bench *names:
    cargo bench {{ if names == "" { "" } else { "--bench " + names } }}

# Accept the snapshots a test run has written (needs cargo-insta).
snapshots:
    cargo insta review

# Licences, bans and sources, as deny.toml says.
dependencies:
    cargo test --locked --test house dependencies

# What a release consists of, for this machine: archive, packages, list of components, checksums.
release *args:
    bash .ci/release {{args}}

# Signs what `release` made, pushes it, and lets pindeck judge it by the policy of its own release.
publish *args:
    bash .ci/publish all {{args}}

# The cockpit for long: memory, sockets and threads while everything changes and fails.
soak *args:
    bash .ci/soak {{args}}

# How what pindeck costs grows; with PINDECK_BIN of a program that is built already.
scale:
    cargo bench {{ if env("PINDECK_BIN", "") == "" { "" } else { "--profile dev" } }} --bench scale

# Sizes of a program and of its packages, and how long it takes to start, beside other tools.
sizes binary="target/release/pindeck" files="target/release-files":
    bash .ci/sizes {{binary}} {{files}}

# Every fuzz target for some seconds (needs nightly and cargo-fuzz).
fuzz seconds="60" *targets:
    bash .ci/fuzz {{seconds}} {{targets}}

# The oldest toolchain that Cargo.toml promises.
oldest-toolchain:
    bash .ci/oldest-toolchain

# The documents as a book, in target/book (needs mdbook).
book:
    mdbook build docs
