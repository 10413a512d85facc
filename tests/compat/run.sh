#!/usr/bin/env bash
# The compatibility tier: the real venna program against unmodified official SDKs, curl and hand-built HTTP.
#
#   tests/compat/run.sh [--short] [PATH_OF_VENNA]      default: target/release/venna of this repository
#
# --short runs what depends on the transport most: openai-python, curl, resumed downloads and the main job.
#
# Installs pinned tools into ${VENNA_TEST_CACHE:-target/test-tools}/compat when they are absent or their versions changed,
# says so, runs every suite (also after one has failed) and leaves with 0 only when all of them passed.
#   VENNA_COMPAT_TRANSPORT     how clients reach the server: http (HTTP/1.1 in clear text, the default), tls (HTTP/1.1 with TLS),
#                              h2 (HTTP/2 with TLS for curl and openai-python, TLS alone for the others)
#   VENNA_COMPAT_BIG_MIB       size of the main job's large file (64)
#   VENNA_COMPAT_CHUNKED_MIB   size of the file of the chunked uploads (128)
#   VENNA_COMPAT_CRASHES       how often the server is killed under an upload of Google's client (4)
#   VENNA_COMPAT_CRASH_MIB     size of these uploads (24)
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
is_short=
if [ "${1:-}" = --short ]; then
    is_short=yes
    shift
fi
binary=$(realpath -m "${1:-$repository/target/release/venna}")
cache=$(realpath -m "${VENNA_TEST_CACHE:-$repository/target/test-tools}")/compat

say() { printf 'compat: %s\n' "$*"; }
give_up() { say "$*" >&2; exit 1; }

[ -x "$binary" ] || give_up "there is no program at $binary; build it first (cargo build --release)"
mkdir -p "$cache"

need_debian_package() { # COMMAND PACKAGE: installs the package when the command does not work
    bash -c "$1" >/dev/null 2>&1 && return
    say "installing Debian's $2"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2"; } >"$cache/apt.log" 2>&1 \
        || { tail -20 "$cache/apt.log" >&2; give_up "could not install $2"; }
}

need_debian_package 'curl --version' curl
need_debian_package 'python3 -m ensurepip --version' python3-venv
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || give_up "Python 3.11 or later is needed, this is $(python3 --version)"
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || give_up "Node 20 or later is needed"

stamp_of() { sha256sum "$@" | sha256sum | cut -d' ' -f1; } # of contents and of paths: a moved cache is built anew
is_current() { [ "$(cat "$1/.stamp" 2>/dev/null)" = "$2" ]; }

install_python() {
    local stamp
    stamp="$(stamp_of "$here/requirements.txt") $(python3 -c 'import sys; print(sys.version, sys.prefix)' | tr '\n' ' ') $cache"
    is_current "$cache/python" "$stamp" && return
    say "installing openai-python and pytest ($(grep -c == "$here/requirements.txt") packages) and openai-python's sdist into $cache/python"
    rm -rf "$cache/python"
    python3 -m venv "$cache/python" &&
        "$cache/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" &&
        "$cache/python/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-binary openai \
            --dest "$cache/python/sdist" "$(grep '^openai==' "$here/requirements.txt")" || give_up "pip could not install the Python tools"
    printf '%s\n' "$stamp" >"$cache/python/.stamp"
}

install_node() { # NAME
    local stamp
    stamp="$(stamp_of "$here/node/$1/package.json" "$here/node/$1/package-lock.json") $(node --version) $cache"
    is_current "$cache/$1" "$stamp" && return
    say "installing $(node -p "Object.entries(require('$here/node/$1/package.json').dependencies).map((pair) => pair.join('@')).join(', ')") into $cache/$1"
    rm -rf "${cache:?}/$1"
    mkdir -p "$cache/$1"
    cp "$here/node/$1/package.json" "$here/node/$1/package-lock.json" "$cache/$1/"
    # the package `node` brings its binary by an install script; openai@7 asks for Node 22, which is what comes with it
    (cd "$cache/$1" && npm ci --no-audit --no-fund --ignore-scripts=false --loglevel=error) || give_up "npm could not install $1"
    printf '%s\n' "$stamp" >"$cache/$1/.stamp"
}

install_anthropic_0() {
    local stamp
    stamp="$(stamp_of "$here/anthropic_0.txt") $(cat "$cache/python/.stamp")"
    is_current "$cache/anthropic-0" "$stamp" && return
    say "installing anthropic of the beta into $cache/anthropic-0"
    rm -rf "$cache/anthropic-0"
    "$cache/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$cache/anthropic-0" \
        --requirement "$here/anthropic_0.txt" || give_up "pip could not install Anthropic's client of the beta"
    printf '%s\n' "$stamp" >"$cache/anthropic-0/.stamp"
}

install_python
install_anthropic_0
install_node openai-6
install_node openai-7
install_node mistral
install_node anthropic
install_node gemini
node22="$cache/openai-7/node_modules/.bin/node"
case "$("$node22" --version)" in v22.*) ;; *) give_up "$node22 is no Node 22" ;; esac

scratch=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR="$scratch" VENNA_BINARY="$binary" PYTHONDONTWRITEBYTECODE=1
unset OPENAI_API_KEY OPENAI_BASE_URL OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_ADMIN_KEY
export NO_PROXY='*' no_proxy='*'

export VENNA_COMPAT_TRANSPORT=${VENNA_COMPAT_TRANSPORT:-http}
case $VENNA_COMPAT_TRANSPORT in
    http) ;;
    tls | h2)
        need_debian_package 'openssl version' openssl
        VENNA_COMPAT_CERTIFICATE=$(mktemp -d)
        trap 'rm -rf "$VENNA_COMPAT_CERTIFICATE"' EXIT
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$VENNA_COMPAT_CERTIFICATE/key.pem" \
            -out "$VENNA_COMPAT_CERTIFICATE/chain.pem" 2>/dev/null || give_up 'openssl could not make a certificate'
        chain=$VENNA_COMPAT_CERTIFICATE/chain.pem
        export VENNA_COMPAT_CERTIFICATE SSL_CERT_FILE=$chain NODE_EXTRA_CA_CERTS=$chain CURL_CA_BUNDLE=$chain
        ;;
    *) give_up "VENNA_COMPAT_TRANSPORT is http, tls or h2, not $VENNA_COMPAT_TRANSPORT" ;;
esac

python="$cache/python/bin/python"
failed=()

suite() { # NAME COMMAND...: runs it and remembers a failure
    local name=$1 began=$SECONDS
    shift
    say "== $name"
    if "$@"; then say "$name: passed in $((SECONDS - began)) s"; else failed+=("$name"); say "$name: FAILED"; fi
}

say "program: $binary, by $VENNA_COMPAT_TRANSPORT"
cd "$here" || exit 1
if [ -n "$is_short" ]; then
    suite 'openai-python and curl' "$python" -m pytest -q test_openai_python.py test_curl.py test_uploads.py test_resume.py
else
    suite 'openai-python, the Python clients of other dialects, curl and raw HTTP' "$python" -m pytest -q
    suite 'openai-node 6 under Node 20 or later' env OPENAI_SDK_DIR="$cache/openai-6" node --test --test-reporter=spec node/files.test.mjs
    suite 'openai-node 7 under Node 22' env OPENAI_SDK_DIR="$cache/openai-7" "$node22" --test --test-reporter=spec node/files.test.mjs
    suite "Anthropic's client of the beta" env PYTHONPATH="$cache/anthropic-0" "$python" -m pytest -q test_anthropic.py
    suite "Anthropic's client under Node 20 or later" env ANTHROPIC_SDK_DIR="$cache/anthropic" node --test --test-reporter=spec node/anthropic.test.mjs
    suite "Google's client under Node 22" env GEMINI_SDK_DIR="$cache/gemini" "$node22" --test --test-reporter=spec node/gemini.test.mjs
    suite "Google's client while the server is killed" "$python" gemini_crash.py --binary "$binary" \
        --mib "${VENNA_COMPAT_CRASH_MIB:-24}" --times "${VENNA_COMPAT_CRASHES:-4}"
    suite "Mistral's client under Node 20 or later" env MISTRAL_SDK_DIR="$cache/mistral" node --test --test-reporter=spec node/mistral.test.mjs
    suite "openai-python's own suite" "$python" openai_python_own_suite.py "$cache"/python/sdist/openai-*.tar.gz
fi
suite 'the main job' "$python" main_job.py --binary "$binary" --big-mib "${VENNA_COMPAT_BIG_MIB:-64}"

if [ ${#failed[@]} -gt 0 ]; then
    say "${#failed[@]} suites failed: $(IFS=';'; echo "${failed[*]}")"
    exit 1
fi
say 'all suites passed'
