#!/usr/bin/env bash
# Builds the Debian package twice, and checks that both are the same, and what is in it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { "$repository/deploy/debian/build" --binary "$VENNA_BINARY" --level 0 --out "$1" "${@:2}"; }
fail() { printf 'package: %s\n' "$*" >&2 && exit 1; }

package=$(build "$work/first")
again=$(build "$work/second")
cmp "$package" "$again" || fail 'the same input gives other bytes'

contents=$(dpkg-deb --contents "$package" | awk '{print $1, $2, $6}')
for wanted in \
    '-rwxr-xr-x root/root ./usr/bin/venna' \
    '-rw-r--r-- root/root ./usr/lib/systemd/system/venna.service' \
    '-rw-r--r-- root/root ./usr/lib/systemd/system/venna-backup.service' \
    '-rw-r--r-- root/root ./usr/lib/systemd/system/venna-backup.timer' \
    '-rw-r--r-- root/root ./etc/venna/venna.toml' \
    '-rw-r--r-- root/root ./usr/share/doc/venna/operations.md' \
    '-rw-r--r-- root/root ./usr/share/doc/venna/guides/limits.md'; do
    grep -qxF -- "$wanted" <<<"$contents" || fail "the package has no $wanted:"$'\n'"$contents"
done
# Completions and manual pages come with the commands that write them.
if "$VENNA_BINARY" completions bash >/dev/null 2>&1; then
    grep -qF ' ./usr/share/bash-completion/completions/venna' <<<"$contents" || fail 'the package has no completions'
fi
if "$VENNA_BINARY" manual --help >/dev/null 2>&1; then
    grep -qF ' ./usr/share/man/man1/venna.1.gz' <<<"$contents" || fail 'the package has no manual'
fi
[ "$(dpkg-deb --field "$package" Version)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' "$repository/Cargo.toml" | head -1)" ]
dpkg-deb --field "$package" Depends | grep -q 'libc6 (>= ' || fail 'the libraries of the program are no dependencies'
dpkg-deb --info "$package" conffiles | grep -qx /etc/venna/venna.toml || fail 'the settings are no conffile'
dpkg-deb --extract "$package" "$work/root"
(cd "$work/root" && "$VENNA_BINARY" check --config etc/venna/venna.toml >/dev/null)

suppressed=()
[ -d "$work/root/usr/share/man" ] || suppressed=(--suppress-tags no-manual-page)
lintian --allow-root --fail-on error,warning "${suppressed[@]}" "$package"
