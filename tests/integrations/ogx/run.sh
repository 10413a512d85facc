#!/usr/bin/env bash
# OGX runs batches whose files are kept by the real venna program, and `venna import` takes the files of OGX. OGX_FILES sets the
# number of these.
#
#   tests/integrations/ogx/run.sh [PATH_OF_VENNA]      default: target/release/venna of this repository
#
# Needs Python 3.12 or later, as OGX does ($PYTHON names another one than python3); says `skipped` and leaves with 0 without it.
# Installs pinned packages into ${VENNA_TEST_CACHE:-target/test-tools}/ogx when they are absent.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../../.." && pwd)
binary=$(realpath -m "${1:-$repository/target/release/venna}")
cache=$(realpath -m "${VENNA_TEST_CACHE:-$repository/target/test-tools}")/ogx
python=${PYTHON:-python3}

[ -x "$binary" ] || { echo "ogx: there is no program at $binary; build it first (cargo build --release)" >&2; exit 1; }
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
    echo "ogx: skipped, $python is not Python 3.12 or later"
    exit 0
fi
if [ "$(cat "$cache/.stamp" 2>/dev/null)" != "$(sha256sum "$here/requirements.txt")" ]; then
    echo "ogx: installing $(grep '^ogx==' "$here/requirements.txt") into $cache"
    rm -rf "$cache"
    "$python" -m venv "$cache"
    "$cache/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    sha256sum "$here/requirements.txt" >"$cache/.stamp"
fi
unset OPENAI_API_KEY OPENAI_BASE_URL OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_ADMIN_KEY
export VENNA_BINARY="$binary" NO_PROXY='*' no_proxy='*' PYTHONDONTWRITEBYTECODE=1
"$cache/bin/python" "$here/job.py" "$cache/bin/ogx"
exec "$cache/bin/python" "$here/moving.py" "$cache/bin/ogx"
