#!/usr/bin/env bash
# A Ceph object store of one machine for the long tier of the tests: a monitor, a manager, an OSD and a gateway (RGW), on
# 127.0.0.1 and in one temporary folder.
#
#   eval "$(tests/s3/rgw.sh start)"     # as root; installs Debian's packages when they are absent; half a minute
#   tests/s3/rgw.sh stop                # with the variables that start has printed; removes all but the packages
#
# What start prints are the variables by which the tests and `venna serve` find the bucket; everything else goes to
# standard error and to the logs in the folder.
set -euo pipefail

bucket=venna-test
start_timeout_seconds=120
stop_timeout_seconds=60
disk_bytes=$((20 << 30)) # of a sparse file
packages=(radosgw ceph-mon ceph-osd ceph-mgr ceph-common)
# shellcheck source=store.sh
source "$(dirname "${BASH_SOURCE[0]}")/store.sh"

install_packages() {
    command -v radosgw ceph-mon ceph-osd ceph-mgr ceph >/dev/null && return
    say "installing Debian's ${packages[*]}"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
}

# cephx stays on: without it the gateway hangs. No `public bind addr`: it moves the monitor to its default ports. Without
# tcp_nodelay the gateway sends headers and content apart, and every small read waits 40 ms for an acknowledgement.
write_configuration() {
    cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$mon_v2,v1:127.0.0.1:$mon_v1]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $folder/keyring
log file = $folder/\$name.log
mon cluster log file = $folder/cluster.log
admin socket = $folder/\$name.asok
run dir = $folder
crash dir = $folder/crash
mon data = $folder/mon
mgr data = $folder/mgr
osd data = $folder/osd
rgw data = $folder/rgw
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 1000
auth allow insecure global id reclaim = false
[mon.a]
keyring = $folder/mon/keyring
[osd]
osd objectstore = bluestore
bluestore block size = $disk_bytes
osd memory target = 939524096
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$gateway tcp_nodelay=1
rgw thread pool size = 64
rgw gc obj min wait = 60
rgw gc processor period = 60
CONF
}

ceph_() { timeout "$start_timeout_seconds" "$@" >&2; }

make_keyring() {
    ceph_ ceph-authtool --create-keyring "$folder/keyring" --gen-key -n client.admin \
        --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' --cap mds 'allow *'
    ceph_ ceph-authtool "$folder/keyring" --gen-key -n mgr.x --cap mon 'allow profile mgr' --cap osd 'allow *'
    ceph_ ceph-authtool "$folder/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' \
        --cap mgr 'allow profile osd'
    ceph_ ceph-authtool "$folder/keyring" --gen-key -n client.rgw --cap mon 'allow rwx' --cap osd 'allow rwx' \
        --cap mgr 'allow rw'
    cp "$folder/keyring" "$folder/mon.keyring"
    ceph_ ceph-authtool "$folder/mon.keyring" --gen-key -n mon. --cap mon 'allow *'
}

start_cluster() {
    ceph_ monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_v2,v1:127.0.0.1:$mon_v1]" "$folder/monmap"
    ceph_ ceph-mon --mkfs -i a --monmap "$folder/monmap" --keyring "$folder/mon.keyring"
    daemon mon ceph-mon -i a -f
    daemon mgr ceph-mgr -i x -f
    local osd
    osd=$(cat /proc/sys/kernel/random/uuid)
    ceph_ ceph osd new "$osd" 0
    ceph_ ceph-osd -i 0 --mkfs --osd-uuid "$osd"
    daemon osd ceph-osd -i 0 -f
    daemon rgw radosgw -n client.rgw -f
}

make_user() {
    AWS_ACCESS_KEY_ID=$(secret 10)
    AWS_SECRET_ACCESS_KEY=$(secret 20)
    ceph_ radosgw-admin user create --uid=test --display-name=test \
        --access-key="$AWS_ACCESS_KEY_ID" --secret-key="$AWS_SECRET_ACCESS_KEY" >/dev/null 2>&1
}

# The gateway makes its pools with the first object and the first upload in parts, which takes longer than tests wait for an
# answer. The upload stays open beside the prefixes of tests.
make_pools() {
    signed -X PUT --data-binary first "$endpoint/$bucket/first"
    signed -X POST "$endpoint/$bucket/first?uploads="
}

start() {
    install_packages
    mkdir "$folder"/{mon,mgr,osd,rgw,crash}
    export CEPH_CONF=$folder/ceph.conf
    fsid=$(cat /proc/sys/kernel/random/uuid)
    read -r mon_v2 mon_v1 gateway <<<"$(free_ports 3)"
    endpoint=http://127.0.0.1:$gateway
    write_configuration
    make_keyring
    start_cluster
    make_user
    make_bucket "$folder/client.rgw.log"
    make_pools
}

main "$@"
