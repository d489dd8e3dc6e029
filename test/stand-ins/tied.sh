#!/usr/bin/env bash
# Runs a server in an empty folder of its own until standard input ends. Whoever starts this holds the other end of
# it, so that the server and its files are gone as soon as that process is, however it ended.
#
#   tied.sh COMMAND [WORD...]
set -uo pipefail
trap '' PIPE # the starter may be gone, and with it whoever read the output
folder=$(mktemp -d "${TMPDIR:-/tmp}/purposepath-server-XXXXXX")
cd "$folder" || exit 1

set -m # each in a process group of its own, so that one kill takes what the server has started, too
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
cat <&3 >/dev/null &
starter=$!
wait -n
kill -KILL -- "-$server" "-$starter" 2>/dev/null
wait 2>/dev/null
# What was killed may write for a moment longer.
for _ in {1..50}; do
  rm -rf "$folder" 2>/dev/null && break
  sleep 0.1
done
