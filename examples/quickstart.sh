#!/usr/bin/env bash
# quickstart.sh: one object through five S3 clients, against a running `troupe dev`. Ends with 0 when every client gave
# back what it was given. Keys: TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, else those that `troupe dev` wrote to ./data.
#
#   troupe dev &
#   examples/quickstart.sh
set -euo pipefail

endpoint="${TROUPE_ENDPOINT:-http://127.0.0.1:9000}"
value() { sed -n "s/^$1 = //p" data/credentials; }
export TROUPE_ENDPOINT="$endpoint"
export TROUPE_ACCESS_KEY="${TROUPE_ACCESS_KEY:-$(value access_key)}"
export TROUPE_SECRET_KEY="${TROUPE_SECRET_KEY:-$(value secret_key)}"

work="$(mktemp -d)"
bucket="quickstart-$$-$RANDOM"
clean_up() {
  troupe storage rb "$bucket" --force --quiet || true
  rm -rf "$work"
}
trap clean_up EXIT
head -c 3000000 /dev/urandom >"$work/cat.jpg"
same() { cmp "$work/cat.jpg" "$1" && echo "ok   $2"; }

# troupe's own client
troupe storage mb "$bucket"
troupe storage put "$work/cat.jpg" "$bucket/troupe/cat.jpg" --content-type image/jpeg
troupe storage get "$bucket/troupe/cat.jpg" "$work/by-troupe.jpg"
same "$work/by-troupe.jpg" "troupe storage"

# The AWS command line
export AWS_ACCESS_KEY_ID="$TROUPE_ACCESS_KEY" AWS_SECRET_ACCESS_KEY="$TROUPE_SECRET_KEY" AWS_DEFAULT_REGION=us-east-1
aws --endpoint-url "$endpoint" s3 cp --quiet "$work/cat.jpg" "s3://$bucket/aws/cat.jpg"
aws --endpoint-url "$endpoint" s3 cp --quiet "s3://$bucket/aws/cat.jpg" "$work/by-aws.jpg"
same "$work/by-aws.jpg" "aws"

# s3cmd
host="${endpoint#*://}"
cat >"$work/s3cmd" <<END
[default]
access_key = $TROUPE_ACCESS_KEY
secret_key = $TROUPE_SECRET_KEY
host_base = $host
host_bucket = $host
use_https = False
END
s3cmd --config "$work/s3cmd" --quiet put "$work/cat.jpg" "s3://$bucket/s3cmd/cat.jpg"
s3cmd --config "$work/s3cmd" --quiet get "s3://$bucket/s3cmd/cat.jpg" "$work/by-s3cmd.jpg"
same "$work/by-s3cmd.jpg" "s3cmd"

# rclone, configured by its environment
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_TROUPE_TYPE=s3 RCLONE_CONFIG_TROUPE_PROVIDER=Other RCLONE_CONFIG_TROUPE_ENDPOINT="$endpoint"
export RCLONE_CONFIG_TROUPE_ACCESS_KEY_ID="$TROUPE_ACCESS_KEY" RCLONE_CONFIG_TROUPE_SECRET_ACCESS_KEY="$TROUPE_SECRET_KEY"
rclone copyto "$work/cat.jpg" "troupe:$bucket/rclone/cat.jpg"
rclone copyto "troupe:$bucket/rclone/cat.jpg" "$work/by-rclone.jpg"
same "$work/by-rclone.jpg" "rclone"

# curl, which signs by itself but must be told how the body is hashed
signed_curl() {
  curl --silent --show-error --fail --aws-sigv4 aws:amz:us-east-1:s3 --user "$TROUPE_ACCESS_KEY:$TROUPE_SECRET_KEY" \
    --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" "$@"
}
signed_curl --upload-file "$work/cat.jpg" "$endpoint/$bucket/curl/cat.jpg"
signed_curl --output "$work/by-curl.jpg" "$endpoint/$bucket/curl/cat.jpg"
same "$work/by-curl.jpg" "curl"

# Each client's object is there, and any client reads what another wrote.
found="$(troupe storage ls "$bucket" --recursive --json | wc -l)"
[[ "$found" == 5 ]] || { echo "expected 5 objects, found $found" >&2; exit 1; }
troupe storage cat "$bucket/curl/cat.jpg" >"$work/crossed.jpg"
same "$work/crossed.jpg" "5 objects, one store"
