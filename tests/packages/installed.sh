#!/usr/bin/env bash
# The life of the package in a Debian root of its own: installed, used, upgraded, removed, installed again, purged.
#
# The server runs there by the command and the user of its unit, in namespaces of its own, so that it has its usual ports
# and nothing is left behind. Needs root and the mirror of this machine's apt.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
small='a file in a row'

say() { printf 'installed: %s\n' "$*"; }
# shellcheck source=tests/packages/root.sh
. "$here/root.sh"

if [ "${1:-}" != --inside ]; then
    unshare --net --mount --pid --fork true 2>/dev/null || { say 'SKIPPED: this needs root and namespaces' && exit 0; }
    work=$(mktemp -d)
    trap 'rm -rf --one-file-system "$work"' EXIT
    make_root "$work/root"
    build_package 0.0.1 "$work"
    build_package 0.0.2 "$work"
    unshare --net --mount --pid --fork --mount-proc --kill-child=KILL "$0" --inside "$work"
    exit
fi

work=$2
root=$work/root
ip link set lo up
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
server=''

chrooted=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive)
as_user=("${chrooted[@]}" setpriv --reuid=venna --regid=venna --init-groups)
inside() { "${chrooted[@]}" "$@"; }
install_version() {
    cp "$work/venna_$1_"*.deb "$root/tmp/venna.deb"
    inside dpkg --install /tmp/venna.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2 && fail "$1 cannot be installed"; }
}
of_unit() { sed -n "s/^$2=//p" "$root/usr/lib/systemd/system/$1" | head -1; }

start() {
    local command
    read -ra command <<<"$(of_unit venna.service ExecStart)"
    [ "$(of_unit venna.service User):$(of_unit venna.service Group)" = venna:venna ] || fail 'the unit has another user'
    "${as_user[@]}" "${command[@]}" >"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        "${as_user[@]}" venna health --ready --config /etc/venna/venna.toml >/dev/null 2>&1 && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/server.log" >&2 && fail 'the server does not start'
}

stop() {
    kill "$server"
    wait "$server" || fail "the server ends with $?"
    grep -q 'server stopped"' "$work/server.log" || { cat "$work/server.log" >&2 && fail 'the server did not drain'; }
}

api() { curl --silent --show-error --fail --header "Authorization: Bearer $(cat "$root/var/lib/venna/first-key")" "$@"; }
upload() { api --form purpose=user_data --form "file=@$1" http://127.0.0.1:8080/v1/files | grep -o 'file-[0-9A-Za-z]*' | head -1; }
check_files() {
    [ "$(api "http://127.0.0.1:8080/v1/files/$row/content")" = "$small" ] || fail "$1: the small file is lost"
    api "http://127.0.0.1:8080/v1/files/$blob/content" | cmp - "$work/large" || fail "$1: the large file is lost"
}

install_version 0.0.1
[ "$(stat -c '%U %a' "$root/etc/venna/venna.toml")" = 'root 640' ] || fail 'the settings are readable by everybody'
[ "$(inside stat -c '%U:%G %a' /var/lib/venna)" = 'venna:venna 700' ] || fail 'the data directory is not private'
inside stat -c '%G' /etc/venna/venna.toml | grep -qx venna || fail 'the service cannot read its settings'
start
printf '%s' "$small" >"$work/small"
head -c 3000000 /dev/urandom >"$work/large"
row=$(upload "$work/small") blob=$(upload "$work/large")
check_files 'after the upload'
say "installed, and serving as $(inside stat -c %U "/proc/$server")"

echo '# a line of the administrator' >>"$root/etc/venna/venna.toml"
stop
install_version 0.0.2
inside dpkg-query --show --showformat '${Version}' venna | grep -qx 0.0.2 || fail 'it was not upgraded'
grep -q 'administrator' "$root/etc/venna/venna.toml" || fail 'the settings of the administrator are gone'
[ "$(stat -c %a "$root/etc/venna/venna.toml")" = 640 ] || fail 'the upgrade changed the mode of the settings'
start
check_files 'after the upgrade'
say 'upgraded, and the files are there'

read -ra backup <<<"$(of_unit venna-backup.service ExecStart)"
"${as_user[@]}" "${backup[@]}" 2>/dev/null
mkdir "$root/var/backups/venna/2001-01-01T000000Z"
touch -d '15 days ago' "$root/var/backups/venna/2001-01-01T000000Z"
inside chown venna /var/backups/venna/2001-01-01T000000Z
read -ra remove_old <<<"$(of_unit venna-backup.service ExecStartPost | tr -d '"')"
"${as_user[@]}" "${remove_old[@]}"
[ "$(find "$root/var/backups/venna" -name manifest.json | wc -l)" = 1 ] || fail 'there is no backup'
[ "$(find "$root/var/backups/venna" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ] || fail 'the old backup stays'
say 'backed up, and the old backup removed'

stop
inside dpkg --remove venna >/dev/null
[ ! -e "$root/usr/bin/venna" ] && [ -e "$root/etc/venna/venna.toml" ] || fail 'remove leaves the program, or takes the settings'
install_version 0.0.2
start
check_files 'after remove and install'
stop
say 'removed and installed again, and the files are there'

inside dpkg --purge venna >/dev/null 2>"$work/purge"
[ ! -e "$root/etc/venna" ] || fail 'purge leaves the settings'
[ -e "$root/var/lib/venna/venna.db" ] || fail 'purge deletes what was stored'
grep -q 'rm -r /var/lib/venna' "$work/purge" || fail 'purge does not say where the files are'
install_version 0.0.2
start
check_files 'after purge and install'
stop
inside rm -r /var/lib/venna /var/backups/venna
inside dpkg --purge venna >/dev/null 2>&1
install_version 0.0.2
inside dpkg --purge venna >/dev/null 2>"$work/purge"
[ ! -e "$root/var/lib/venna" ] && [ ! -s "$work/purge" ] || fail 'purge leaves empty folders'
say 'purged: settings are gone, files stay, empty folders go'
