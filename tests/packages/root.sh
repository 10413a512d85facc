# shellcheck shell=bash disable=SC2154
# A root of this machine's Debian with systemd, made by debootstrap once and kept as an archive. Sourced by
# tests/packages/installed.sh and booted.sh.

fail() { say "$*" >&2 && exit 1; }

make_root() { # FOLDER: puts the root there
    local archive codename mirror
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    archive=$VENNA_PACKAGES_CACHE/systemd-root-$codename.tar
    if [ ! -f "$archive" ]; then
        mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Label: Debian' |
            awk -v codename="$codename" '$2 == codename { print $1; exit }')
        say "making a root of Debian's $codename with debootstrap, a minute or two"
        debootstrap --variant=minbase --include=adduser,ca-certificates,dbus,systemd,systemd-sysv \
            "$codename" "$1" "$mirror" >"$1.log" 2>&1 || { tail -20 "$1.log" >&2 && fail 'debootstrap failed'; }
        tar --create --one-file-system --file "$archive.new" --directory "$1" . && mv "$archive.new" "$archive"
        rm -rf --one-file-system "$1"
    fi
    mkdir "$1"
    tar --extract --file "$archive" --directory "$1"
}

build_package() { # VERSION FOLDER
    "$repository/deploy/debian/build" --binary "$VENNA_BINARY" --level 0 --version "$1" --out "$2" >/dev/null
}
