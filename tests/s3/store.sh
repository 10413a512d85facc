# What the scripts of object stores share. A script sets `bucket`, `start_timeout_seconds` and `stop_timeout_seconds`, reads
# this file, defines `start`, and ends with `main "$@"`. A store has one folder, with the numbers of its processes in `pids`.

say() { printf '%s\n' "$*" >&2; }

free_ports() { # COUNT
    python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))
PYTHON
}

secret() { # BYTES
    od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

daemon() { # NAME COMMAND...
    local name=$1
    shift
    setsid "$@" >"$folder/$name.out" 2>&1 </dev/null &
    echo "$!" >>"$folder/pids"
}

# Older versions of curl sign without the header that S3 wants to have signed. The keys do not stand on a command line.
signed() { # ARGUMENTS OF CURL
    printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
        curl --silent --fail --config - --aws-sigv4 aws:amz:us-east-1:s3 --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
            "$@" >&2
}

make_bucket() { # LOG: a file that tells why the store does not answer
    local tries
    for ((tries = 0; tries < start_timeout_seconds * 5; tries++)); do
        signed -X PUT "$endpoint/$bucket" && return
        sleep 0.2
    done
    say 'the store does not answer:'
    tail -20 "$1" >&2
    return 1
}

print_variables() {
    cat <<VARIABLES
export VENNA_TEST_STORE_FOLDER=$folder
export VENNA_TEST_S3_ENDPOINT=$endpoint
export VENNA_TEST_S3_BUCKET=$bucket
export AWS_ENDPOINT=$endpoint
export AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID
export AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
VARIABLES
}

# The last process goes first, as each needs those that were started before it.
stop() {
    local pid tries
    for pid in $(tac "$folder/pids" 2>/dev/null); do
        kill "$pid" 2>/dev/null || continue
        for ((tries = 0; tries < stop_timeout_seconds * 10; tries++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}

main() {
    case ${1:-} in
    start)
        folder=$(mktemp -d "${TMPDIR:-/tmp}/venna-store-XXXXXX")
        trap stop EXIT
        start
        trap - EXIT
        print_variables
        ;;
    stop)
        folder=${VENNA_TEST_STORE_FOLDER:?is printed by start}
        stop
        ;;
    *)
        say "usage: $0 start|stop"
        exit 2
        ;;
    esac
}
