#!/usr/bin/env bash
# Runs a PostgreSQL server of its own for tests, until its standard input ends: crates/testkit/postgres.sh [SETTING=VALUE...]
#
# Its data is in memory, or in a folder below VENNA_TEST_POSTGRES_HOME. Prints the URL of its database `postgres` once it
# answers; after that it does what the lines of its standard input say: `stop` (at once, as a crash does), `start`,
# `restart`, `standby PORT` (makes a streaming standby that listens there), `stop-standby`, `start-standby`, `promote` (makes
# the standby a primary). It answers each with a line. Nothing of it is left behind.
# Leaves with 3 where there is no PostgreSQL.
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || echo /missing/initdb)")
[ -x "$bin/initdb" ] || { echo 'there is no PostgreSQL on this machine' >&2; exit 3; }

# The server refuses to be root.
as=()
[ "$(id -u)" != 0 ] || as=(runuser -u postgres --)

# In memory it costs the tests no fsync of the disk; it flushes all the same.
[ -w /dev/shm ] && home=/dev/shm || home=${TMPDIR:-/tmp}
folder=$(mktemp -d "${VENNA_TEST_POSTGRES_HOME:-$home}/venna-postgres.XXXXXX")
[ "$(id -u)" != 0 ] || chown postgres "$folder"
ctl() { "${as[@]}" "$bin/pg_ctl" -D "$folder/$1" -w -s "${@:2}" >>"$folder/ctl" 2>&1 </dev/null; }
pg_ctl() { ctl data "$@"; }
finish() {
    [ ! -d "$folder/standby" ] || ctl standby stop -m immediate || true
    pg_ctl stop -m immediate || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' TERM INT HUP

cd /
"${as[@]}" "$bin/initdb" -D "$folder/data" -U venna -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
{
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = '$folder'"
    echo 'max_connections = 500'
    echo 'shared_buffers = 64MB'
    echo 'max_wal_size = 256MB'
    for setting in "$@"; do echo "$setting"; done
} >>"$folder/data/postgresql.conf"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "port = $port" >>"$folder/data/postgresql.conf"
pg_ctl start -l "$folder/log"
echo "postgres://venna@127.0.0.1:$port/postgres"
make_standby() { # PORT
    "${as[@]}" "$bin/pg_basebackup" -d "host=127.0.0.1 port=$port user=venna" -D "$folder/standby" -R -X stream -c fast --no-sync
    echo "port = $1" >>"$folder/standby/postgresql.conf"
    ctl standby start -l "$folder/standby-log"
}
while read -r command argument; do
    case $command in
        stop) pg_ctl stop -m immediate ;;
        start) pg_ctl start -l "$folder/log" ;;
        restart) pg_ctl stop -m immediate && pg_ctl start -l "$folder/log" ;;
        standby) make_standby "$argument" ;;
        stop-standby) ctl standby stop -m immediate ;;
        start-standby) ctl standby start -l "$folder/standby-log" ;;
        promote) ctl standby promote ;;
        *) echo "unknown: $command" >&2; exit 2 ;;
    esac
    echo "$command${argument:+ $argument} done"
done
