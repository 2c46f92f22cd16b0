#!/bin/sh
# with-own-configuration.sh PROGRAM FILE [LINE...]
# Runs PROGRAM on a copy of /etc/redis/FILE, the password's FILE and LINEs in the current folder, the data volume. Redis and Sentinel write
# into it who is master after a failover. Without that memory the old master would come back as such, and records be lost.
# Later changes of /etc/redis/FILE are not seen: make them with CONFIG SET and CONFIG REWRITE.
set -eu
program=$1 file=$2
shift 2
if [ ! -e "$file" ]; then
  { cat "/etc/redis/$file" "/run/secrets/$file" && printf '%s\n' "$@"; } >"$file.new"
  mv "$file.new" "$file"
fi
exec "$program" "$PWD/$file"
