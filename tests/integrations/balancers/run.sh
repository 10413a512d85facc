#!/usr/bin/env bash
# The real venna program behind nginx, HAProxy, Caddy and Apache, each with the configuration of this folder.
#
#   tests/integrations/balancers/run.sh [PATH_OF_VENNA] [NAME...]      default: target/release/venna, all of them
#
# Installs Debian's packages when they are absent (as root). Takes two minutes: connections stand idle for 65 s.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../../.." && pwd)
binary=$(realpath -m "${1:-$repository/target/release/venna}")
shift || true

[ -x "$binary" ] || { echo "balancers: there is no program at $binary; build it first (cargo build --release)" >&2; exit 1; }
need_debian_package() { # COMMAND PACKAGE: installs the package when the command is absent, and starts no service of it
    [ -x "$1" ] && return
    echo "balancers: installing Debian's $2"
    apt-get update -qq
    # A policy that forbids services is Debian's own way to install without starting.
    local policy=/usr/sbin/policy-rc.d made=
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; made=1; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    [ -z "$made" ] || rm "$policy"
}
need_debian_package /usr/sbin/nginx nginx
need_debian_package /usr/sbin/haproxy haproxy
need_debian_package /usr/bin/caddy caddy
need_debian_package /usr/sbin/apache2 apache2
export VENNA_BINARY="$binary" NO_PROXY='*' no_proxy='*' PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/check.py" "$@"
