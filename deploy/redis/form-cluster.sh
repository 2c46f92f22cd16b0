#!/bin/sh
# form-cluster.sh ADDRESS:PORT...
# Makes one cluster of these, half of them replicas, unless they are one already; ends when every slot is served.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/password)
export REDISCLI_AUTH
state() { redis-cli -h "${1%:*}" -p "${1#*:}" cluster info; }

if state "$1" | grep -q 'cluster_known_nodes:1[^0-9]'; then
  redis-cli --cluster create "$@" --cluster-replicas 1 --cluster-yes
fi
for _ in $(seq 60); do
  if state "$1" | grep -q 'cluster_state:ok'; then exit 0; fi
  sleep 1
done
echo "the cluster does not serve every slot after a minute" >&2
exit 1
