#!/usr/bin/env bash
# The tier of the reference: what the real venna program serves under /docs and /openapi.json, against an independent validator,
# generators of clients, compilers, the samples themselves and a real browser.
#
#   tests/reference/run.sh [PATH_OF_VENNA]      default: target/release/venna of this repository
#
# Installs pinned tools into ${VENNA_TEST_CACHE:-target/test-tools}/reference when they are absent or their versions changed, and
# says so. Where no Chromium or Firefox can be had, the tests with it are skipped by name.
#   VENNA_REFERENCE_SHOTS   folder for screenshots; none are kept when not set
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
binary=$(realpath -m "${1:-$repository/target/release/venna}")
cache=$(realpath -m "${VENNA_TEST_CACHE:-$repository/target/test-tools}")/reference

say() { printf 'reference: %s\n' "$*"; }
give_up() { say "$*" >&2; exit 1; }

[ -x "$binary" ] || give_up "there is no program at $binary; build it first (cargo build --release)"
mkdir -p "$cache"

need_debian_package() { # COMMAND PACKAGE: installs the package when the command does not work
    bash -c "$1" >/dev/null 2>&1 && return
    say "installing Debian's $2"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >"$cache/apt.log" 2>&1
}

need_debian_package 'curl --version' curl || give_up 'could not install curl'
need_debian_package 'python3 -m ensurepip --version' python3-venv || give_up 'could not install python3-venv'
need_debian_package 'firefox-esr --version' firefox-esr || say 'there is no Firefox to be had: the test with it is skipped'
need_debian_package 'chromium --version' chromium || say 'there is no Chromium to be had: the tests with a browser are skipped'
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || give_up 'Node 20 or later is needed'

stamp_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
is_current() { [ "$(cat "$1/.stamp" 2>/dev/null)" = "$2" ]; }

install_python() {
    local stamp
    stamp="$(stamp_of "$here/requirements.txt") $(python3 -c 'import sys; print(sys.version, sys.prefix)' | tr '\n' ' ') $cache"
    is_current "$cache/python" "$stamp" && return
    say "installing a validator, a generator and openai-python ($(grep -c == "$here/requirements.txt") packages) into $cache/python"
    rm -rf "$cache/python"
    python3 -m venv "$cache/python" &&
        "$cache/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" ||
        give_up 'pip could not install the Python tools'
    printf '%s\n' "$stamp" >"$cache/python/.stamp"
}

install_node() {
    local stamp
    stamp="$(stamp_of "$here/package.json" "$here/package-lock.json") $(node --version) $cache"
    is_current "$cache/node" "$stamp" && return
    say "installing $(node -p "Object.entries(require('$here/package.json').dependencies).map((pair) => pair.join('@')).join(', ')") into $cache/node"
    rm -rf "$cache/node"
    mkdir -p "$cache/node"
    cp "$here/package.json" "$here/package-lock.json" "$cache/node/"
    # the package `node` brings its binary by an install script
    (cd "$cache/node" && npm ci --no-audit --no-fund --ignore-scripts=false --loglevel=error) || give_up 'npm could not install the Node tools'
    printf '%s\n' "$stamp" >"$cache/node/.stamp"
}

install_python
install_node
python="$cache/python/bin/python"

# Rust samples are compiled against the libraries that the tests of the house are built with.
libraries=$(cd "$repository" && cargo test --locked --quiet --no-run --test it --message-format=json | "$python" "$here/rust_libraries.py") ||
    give_up 'the libraries of the Rust samples could not be built'

scratch=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR="$scratch" VENNA_BINARY="$binary" VENNA_REFERENCE_NODE="$cache/node" VENNA_REFERENCE_RUST="$libraries"
export PATH="$cache/python/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 NO_PROXY='*' no_proxy='*'
unset OPENAI_API_KEY OPENAI_BASE_URL OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_ADMIN_KEY
cd "$here" || exit 1
began=$SECONDS
"$python" -m pytest -q -rs -s "${@:2}" || give_up "FAILED after $((SECONDS - began)) s"
say "passed in $((SECONDS - began)) s"
