#!/bin/sh
# form-cluster.sh ADDRESS:PORT...
# Makes one cluster of these, half of them replicas, unless they are one already. Ends when every slot is served and has a replica.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/password)
export REDISCLI_AUTH
ask() {
  node=$1
  shift
  redis-cli -h "${node%:*}" -p "${node#*:}" "$@"
}
settled() {
  for node in "$@"; do
    ask "$node" cluster info | grep -q '^cluster_state:ok' || return 1
    ask "$node" info replication | grep -q -e '^connected_slaves:[1-9]' -e '^master_link_status:up' || return 1
  done
}

if ask "$1" cluster info | grep -q '^cluster_known_nodes:1[^0-9]'; then
  redis-cli --cluster create "$@" --cluster-replicas 1 --cluster-yes
fi
for _ in $(seq 60); do
  if settled "$@"; then exit 0; fi
  sleep 1
done
echo "not every slot is served and has a replica after a minute" >&2
exit 1
