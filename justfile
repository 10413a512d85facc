# Recipes for daily work; ./test needs none of them.

# Runs the server on ./venna-data.
serve *arguments:
    cargo run --release -- serve {{arguments}}

# Runs everything that a change must pass.
test:
    ./test

# Runs the fast tests.
quick:
    cargo test --quiet --workspace

# Formats and lints.
lint:
    cargo fmt --all && cargo clippy --workspace --all-targets -- -D warnings

# Writes the generated pages of docs/.
docs:
    UPDATE_DOCS=1 cargo test --quiet --test it generated

# Reports the longest files and functions.
shape:
    cargo test --quiet --test tidy -- --ignored --nocapture

# Walks the server against the reference model for so many steps.
model steps='20000':
    VENNA_MODEL_STEPS={{steps}} cargo test --quiet --test model -- --nocapture

# Measures the server beside others, a quarter of an hour: just bench --quick.
bench *arguments:
    bench/run {{arguments}}

# Fuzzes the multipart scanner, or another target such as lines (needs the nightly toolchain and cargo-fuzz).
fuzz target='form_scanner' seconds='60':
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# Runs the tiers of the program as a process with the release build, as `./test` does with the build of the tests.
shipped program='target/release/venna':
    cargo build --release
    tests/compat/run.sh {{program}}
    VENNA_COMPAT_TRANSPORT=h2 tests/compat/run.sh --short {{program}}
    tests/reference/run.sh {{program}}
    tests/console/run.sh {{program}}
    tests/packages/run.sh {{program}}

# Runs the official SDKs and the main job with its file of 400 MiB.
compat:
    cargo build --release && VENNA_COMPAT_BIG_MIB=400 tests/compat/run.sh

# Cuts the power of file systems under load (as root): just powercut ext4,xfs 300.
powercut fs='ext4,xfs' cuts='100':
    VENNA_CUT_FS={{fs}} VENNA_CUTS={{cuts}} cargo test --quiet --test crash powercut

# Kills the server under load: just kills 100.
kills n='100':
    VENNA_KILLS={{n}} cargo test --quiet --test crash kill
