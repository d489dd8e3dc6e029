#!/usr/bin/env bash
# A Ceph cluster of one node with its RADOS Gateway, a real S3 server, on 127.0.0.1. It lives in the current folder
# and in memory, and runs until it is killed with its process group.
#
#   ceph-rgw.sh MONITOR_PORT S3_PORT ACCESS_KEY SECRET_KEY
set -euo pipefail
monitor_port=$1 s3_port=$2 access_key=$3 secret_key=$4
cluster=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF=$PWD/ceph.conf
mkdir mon osd rgw

cat >"$CEPH_CONF" <<CONF
[global]
fsid = $cluster
mon host = v2:127.0.0.1:$monitor_port
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1

# Nobody else is there to keep out, and with keys the start takes longer.
auth cluster required = none
auth service required = none
auth client required = none
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc

# Nothing outside of this folder.
run dir = $PWD
admin socket = $PWD/\$name.asok
log file = $PWD/\$name.log
mon cluster log file = $PWD/cluster.log
crash dir = $PWD/crash

# A quorum of one need not wait for others.
paxos propose interval = 0.05
paxos min wait = 0.01

# One copy on one disk. Its size is a limit; memory is taken as it fills.
mon allow pool size one = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
osd data = $PWD/osd
memstore device bytes = 1073741824

[client.rgw]
rgw data = $PWD/rgw
rgw frontends = beast endpoint=127.0.0.1:$s3_port tcp_nodelay=1
rgw thread pool size = 16
rgw run sync thread = false
rgw enable usage log = false
CONF

monmaptool --create --addv a "[v2:127.0.0.1:$monitor_port]" --fsid "$cluster" monmap
ceph-mon -i a --mkfs --monmap monmap --mon-data mon
ceph-mon -i a --mon-data "$PWD/mon" -f &
ceph-osd -i 0 --mkfs --osd-uuid "$osd"
ceph --connect-timeout 15 osd new "$osd" 0
ceph-osd -i 0 -f &
timeout 30 radosgw-admin -n client.rgw user create --uid tests --display-name tests \
  --access-key "$access_key" --secret-key "$secret_key"
radosgw -n client.rgw -f &
# A daemon that dies takes the rest along, because tests without it would only hang.
wait -n
