#!/usr/bin/env bash
# probe.sh: asks a node's console whether it is alive (/health) or serves (/ready), with bash alone: images have no curl.
#
#   scripts/probe.sh [/health|/ready] [HOST] [PORT]        exits 0 on status 200; else 1, and prints the answer
#
# It speaks no TLS. A console that does is alive when it says so; whether it serves, something else has to ask, or the
# console stays plain (https.plain).
set -uo pipefail
path="${1:-/health}"
host="${2:-127.0.0.1}"
port="${3:-9001}"

exec 3<>"/dev/tcp/$host/$port" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' "$path" "$host" "$port" >&3
IFS= read -r -t 5 status <&3 || { echo "probe.sh: no answer from $host:$port" >&2; exit 1; }
status="${status%$'\r'}"
[[ "$status" == HTTP/1.1\ 200* ]] && exit 0
[[ "$path" == /health && "$status" == HTTP/1.1\ 400* ]] && timeout 5 grep -q "to an HTTPS server" <&3 && exit 0
echo "probe.sh: $path at $host:$port: $status" >&2
exit 1
