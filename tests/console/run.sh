#!/usr/bin/env bash
# The tier of the console: what people do with the real venna program in a real Chromium.
#
#   tests/console/run.sh [--long] [PATH_OF_VENNA]      default: target/release/venna of this repository
#
# Installs pinned tools into ${VENNA_TEST_CACHE:-target/test-tools}/console when they are absent or their versions changed, and
# says so. Where no Chromium can be had, the tests are skipped by name. --long uploads 1 GiB instead of 64 MiB.
#   VENNA_CONSOLE_SHOTS   folder for screenshots of every page; none are kept when not set
#   VENNA_CONSOLE_TESTS, VENNA_CONSOLE_GREP   files, and a pattern of names of tests, to run some only
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
long=
if [ "${1:-}" = --long ]; then
    long=1
    shift
fi
binary=$(realpath -m "${1:-$repository/target/release/venna}")
cache=$(realpath -m "${VENNA_TEST_CACHE:-$repository/target/test-tools}")/console

say() { printf 'console: %s\n' "$*"; }
give_up() { say "$*" >&2; exit 1; }

[ -x "$binary" ] || give_up "there is no program at $binary; build it first (cargo build --release)"
mkdir -p "$cache"

need_debian_package() { # COMMAND PACKAGE: installs the package when the command does not work
    bash -c "$1" >/dev/null 2>&1 && return
    say "installing Debian's $2"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >"$cache/apt.log" 2>&1
}

need_debian_package 'firefox-esr --version' firefox-esr || say 'there is no Firefox to be had: the test with it is skipped'
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || give_up 'Node 20 or later is needed'
if ! need_debian_package 'chromium --version' chromium; then
    say 'there is no Chromium to be had: the console was not looked at in a browser'
    exit 0
fi

stamp="$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -d' ' -f1) $(node --version)"
if [ "$(cat "$cache/node/.stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing $(node -p "Object.entries(require('$here/package.json').dependencies).map((pair) => pair.join('@')).join(', ')") into $cache/node"
    rm -rf "$cache/node"
    mkdir -p "$cache/node"
    cp "$here/package.json" "$here/package-lock.json" "$cache/node/"
    (cd "$cache/node" && npm ci --no-audit --no-fund --loglevel=error) || give_up 'npm could not install the tools'
    printf '%s\n' "$stamp" >"$cache/node/.stamp"
fi

# Chromium's sockets need a short path.
scratch=$(mktemp -d /tmp/venna-console.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR="$scratch" VENNA_BINARY="$binary" NODE_MODULES="$cache/node/node_modules" NO_PROXY='*' no_proxy='*' VENNA_CONSOLE_LONG="$long"
CHROMIUM=$(command -v chromium)
FIREFOX=$(command -v firefox-esr)
export CHROMIUM FIREFOX
cd "$here" || exit 1
began=$SECONDS
node --test ${VENNA_CONSOLE_GREP:+--test-name-pattern="$VENNA_CONSOLE_GREP"} --test-reporter=spec --test-concurrency=2 --test-timeout=300000 ${VENNA_CONSOLE_TESTS:-"$here"/*.test.mjs} || give_up "FAILED after $((SECONDS - began)) s"
say "passed in $((SECONDS - began)) s"
