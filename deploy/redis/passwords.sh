#!/bin/sh
# passwords.sh NAME=URL...
# Writes, in the current folder and only the first time, one random password: plain, in the words of redis.conf and of sentinel.conf, and
# for every NAME a file with the URL, in which it stands for PASSWORD.
set -eu
[ ! -e password ] || exit 0
umask 027 # the gateway is another user of the same group

random=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
printf 'requirepass %s\nmasterauth %s\n' "$random" "$random" >redis.conf
printf 'sentinel auth-pass oncegate %s\n' "$random" >sentinel.conf
for store in "$@"; do
  printf '%s\n' "${store#*=}" | sed "s/PASSWORD/$random/" >"${store%%=*}"
done
printf '%s' "$random" >password # last: it says that all the others are there
