#!/usr/bin/env bash
# A Garage object store of one node for the long tier of the tests, on 127.0.0.1 and in one temporary folder.
#
#   eval "$(tests/s3/garage.sh start)"  # builds Garage when it is absent, which may take an hour; then seconds
#   tests/s3/garage.sh stop             # with the variables that start has printed; removes all but the program
#
# What start prints are the variables by which the tests and `venna serve` find the bucket; everything else goes to
# standard error and to the logs in the folder.
set -euo pipefail

bucket=venna-test
start_timeout_seconds=60
stop_timeout_seconds=30
version=2.5.0
cache=${VENNA_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/venna-test}
garage=$cache/garage/bin/garage
# shellcheck source=store.sh
source "$(dirname "${BASH_SOURCE[0]}")/store.sh"

install_garage() {
    [ -x "$garage" ] && return
    say "installing garage $version into $cache/garage (built from source)"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install garage --version "$version" --locked --no-default-features --features bundled-libs,sqlite --quiet \
        --root "$cache/garage" --target-dir "$cache/garage-build" >&2
    rm -rf "$cache/garage-build"
}

# Without fsync a power cut loses what Garage has acknowledged.
write_configuration() {
    cat >"$GARAGE_CONFIG_FILE" <<CONF
metadata_dir = "$folder/meta"
data_dir = "$folder/data"
db_engine = "sqlite"
metadata_fsync = true
data_fsync = true
replication_factor = 1
rpc_bind_addr = "127.0.0.1:$rpc"
rpc_public_addr = "127.0.0.1:$rpc"
rpc_secret = "$(secret 32)"

[s3_api]
s3_region = "us-east-1"
api_bind_addr = "127.0.0.1:$gateway"
CONF
    chmod 600 "$GARAGE_CONFIG_FILE"
}

garage_() { timeout "$start_timeout_seconds" "$garage" "$@" >&2; }

wait_for_node() {
    local tries
    for ((tries = 0; tries < start_timeout_seconds * 5; tries++)); do
        garage_ status 2>/dev/null && return
        sleep 0.2
    done
    say 'the node does not answer:'
    tail -20 "$folder/server.out" >&2
    return 1
}

make_user() {
    AWS_ACCESS_KEY_ID=GK$(secret 12)
    AWS_SECRET_ACCESS_KEY=$(secret 32)
    garage_ key import --yes -n test "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
    garage_ key allow --create-bucket "$AWS_ACCESS_KEY_ID"
}

start() {
    install_garage
    export GARAGE_CONFIG_FILE=$folder/garage.toml
    read -r rpc gateway <<<"$(free_ports 2)"
    endpoint=http://127.0.0.1:$gateway
    write_configuration
    daemon server "$garage" server
    wait_for_node
    garage_ layout assign --zone local --capacity 20G "$("$garage" node id --quiet 2>/dev/null | cut -d@ -f1)"
    garage_ layout apply --version 1
    make_user
    make_bucket "$folder/server.out"
}

main "$@"
