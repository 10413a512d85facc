#!/usr/bin/env bash
# The package on a machine that systemd has booted, a container of systemd-nspawn: the unit in its sandbox, readiness,
# credentials, a reload, the watchdog, a backup, an upgrade, the stop and the removal.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
say() { printf 'booted: %s\n' "$*"; }
# shellcheck source=tests/packages/root.sh
. "$here/root.sh"

[ "$(id -u)" = 0 ] || { say 'SKIPPED: this needs root' && exit 0; }
work=$(mktemp -d)
root=$work/root
machine=venna-test-$$
nspawn='' init=''

clean_up() {
    [ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
    [ -z "$nspawn" ] || wait "$nspawn" 2>/dev/null || true
    # Without a systemd of this machine nobody else removes the control groups of the container.
    [ -d /run/systemd/system ] || find /sys/fs/cgroup -maxdepth 2 \( -name payload -o -name supervisor \) -print0 |
        xargs -0 -I @ find @ -depth -type d -exec rmdir '{}' ';' || true
    rm -rf --one-file-system "$work" "/run/systemd/nspawn/propagate/$machine"
}
trap clean_up EXIT

wait_until() { # WHAT COMMAND...
    for _ in $(seq 300); do
        "${@:2}" >/dev/null 2>&1 && return
        sleep 0.1
    done
    inside journalctl --no-pager --lines 60 --unit venna >&2 || true
    fail "within 30 s: $1"
}

inside() { nsenter --target "$init" --mount --uts --ipc --net --pid --root --wd env -i PATH=/usr/sbin:/usr/bin "$@"; }
property() { inside systemctl show --property "$1" --value venna; }
is() { [ "$(property "$1")" = "$2" ]; }
install_version() {
    cp "$work/venna_$1_"*.deb "$root/root/venna.deb"
    inside dpkg --install /root/venna.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2 && fail "$1 cannot be installed"; }
}
# The network of the container, with the curl of this machine.
curl_inside() { nsenter --target "$init" --net curl --silent --show-error --fail --insecure "$@"; }
api() { curl_inside --header "Authorization: Bearer $(cat "$root/var/lib/venna/first-key")" "$@"; }

make_root "$root"
build_package 0.0.1 "$work"
build_package 0.0.2 "$work"
keep_unit=()
[ -d /run/systemd/system ] || keep_unit=(--keep-unit)
systemd-nspawn --quiet --directory "$root" --machine "$machine" --boot --register=no "${keep_unit[@]}" \
    --private-network --console=pipe </dev/null >"$work/console" 2>&1 &
nspawn=$!
for _ in $(seq 100); do
    init=$(pgrep --parent "$nspawn" 2>/dev/null | head -1) && [ -n "$init" ] &&
        inside systemctl is-active --quiet dbus.service 2>/dev/null && break
    kill -0 "$nspawn" 2>/dev/null || { tail -3 "$work/console" && say 'SKIPPED: systemd-nspawn boots nothing here' && exit 0; }
    sleep 0.1
done

install_version 0.0.1
is ActiveState active || fail "after the installation the unit is $(property ActiveState)"
inside systemctl is-enabled --quiet venna || fail 'the unit is not enabled'
pid=$(property MainPID)
of_process() { inside sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
[ "$(of_process "$pid" Seccomp_filters)" -gt "$(of_process 1 Seccomp_filters)" ] || fail 'no filter of system calls is in force'
[ "$(of_process "$pid" CapEff)" = 0000000000000000 ] || fail 'the server has capabilities'
inside grep -q '^[^ ]* / [^ ]* ro[, ]' "/proc/$pid/mounts" || fail 'the server may write to the whole file system'
head -c 3000000 /dev/urandom >"$work/large"
file=$(api --form purpose=user_data --form "file=@$work/large" http://127.0.0.1:8080/v1/files | grep -o 'file-[0-9A-Za-z]*' | head -1)
api "http://127.0.0.1:8080/v1/files/$file/content" | cmp - "$work/large"
say "installed, and ready in its sandbox"

# TLS with a key that root alone can read.
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost \
    -keyout "$root/root/key.pem" -out "$root/root/chain.pem" 2>/dev/null
chmod 0600 "$root/root/key.pem"
mkdir "$root/etc/systemd/system/venna.service.d"
cat >"$root/etc/systemd/system/venna.service.d/override.conf" <<END
[Service]
LoadCredential=tls-cert:/root/chain.pem
LoadCredential=tls-key:/root/key.pem
WatchdogSec=2s
END
sed -i 's/^#\(tls_\)/\1/' "$root/etc/venna/venna.toml"
inside systemctl daemon-reload
inside systemctl restart venna
api "https://127.0.0.1:8080/v1/files/$file/content" | cmp - "$work/large"
say 'restarted with credentials'
inside systemctl reload venna
is ActiveState active || fail 'the reload ended the service'
inside journalctl --no-pager --unit venna | grep -q 'certificate loaded' || fail 'the reload loaded no certificate'
say 'reloaded'

before=$(property MainPID)
inside sh -c "kill -STOP $before"
wait_until 'the watchdog has replaced a server that is stuck' is NRestarts 1
wait_until 'it serves again' is ActiveState active
[ "$(property MainPID)" != "$before" ] || fail 'it is the same process'
api "https://127.0.0.1:8080/v1/files/$file/content" | cmp - "$work/large"
say 'replaced by the watchdog'

inside systemctl start venna-backup.service
[ "$(find "$root/var/backups/venna" -name manifest.json | wc -l)" = 1 ] || fail 'there is no backup'
inside systemctl enable --quiet --now venna-backup.timer
[ -n "$(inside systemctl show --property NextElapseUSecRealtime --value venna-backup.timer)" ] || fail 'the timer has no next time'
say 'backed up in its sandbox'

before=$(property MainPID)
install_version 0.0.2
is ActiveState active && [ "$(property MainPID)" != "$before" ] || fail 'the upgrade did not restart the server'
api "https://127.0.0.1:8080/v1/files/$file/content" | cmp - "$work/large"
say 'upgraded, and the file is there'

inside systemctl stop venna
is Result success || fail "the stop ended with $(property Result)"
inside systemctl start venna
inside dpkg --purge venna >/dev/null 2>"$work/purge" || { cat "$work/purge" >&2 && fail "the package cannot be purged"; }
[ -z "$(pgrep --ns "$init" --nslist pid --exact venna)" ] || fail 'the server outlives its package'
timers=$(inside systemctl list-timers --all --no-pager)
! grep venna <<<"$timers" || fail 'the timer outlives its package'
[ -e "$root/var/lib/venna/venna.db" ] || fail 'purge deletes what was stored'
say 'stopped, and purged'
