#!/usr/bin/env bash
# presign.sh: give somebody without keys access to one object for a while. Ends with 0 when the URLs do what they say,
# and nothing else. Keys: TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, else those that `troupe dev` wrote to ./data.
set -euo pipefail

work="$(mktemp -d)"
bucket="presign-$$-$RANDOM"
clean_up() {
  troupe storage rb "$bucket" --force --quiet || true
  rm -rf "$work"
}
trap clean_up EXIT
troupe storage mb "$bucket" --quiet
head -c 100000 /dev/urandom >"$work/report.pdf"

# Somebody uploads with a URL for PUT ...
put_url="$(troupe storage presign "$bucket/in/report.pdf" --method PUT --expires 60)"
curl --silent --show-error --fail --upload-file "$work/report.pdf" "$put_url"
# ... somebody else downloads with a URL for GET.
get_url="$(troupe storage presign "$bucket/in/report.pdf" --expires 60)"
curl --silent --show-error --fail --output "$work/copy.pdf" "$get_url"
cmp "$work/report.pdf" "$work/copy.pdf"
echo "ok   uploaded and downloaded without keys"

# A URL is for one method, one object, and unaltered.
refused() {
  local status
  status="$(curl --silent --output "$work/refusal.xml" --write-out '%{http_code}' "$@")"
  [[ "$status" == 403 ]] || { echo "expected 403, got $status: $*" >&2; exit 1; }
}
refused --request DELETE "$get_url"
refused "${get_url/report.pdf/other.pdf}"
refused "${get_url/X-Amz-Expires=60/X-Amz-Expires=6000}"
refused "${get_url%%\?*}"
echo "ok   refused for another method, object, time, and without a signature"
