#!/usr/bin/env bash
# dev.sh: from a clean clone to a running object store: installs packages, builds, starts `troupe dev`.
# Arguments go to `troupe dev`: scripts/dev.sh --data /tmp/troupe. See `scripts/dev.sh --help`.
set -euo pipefail
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"

"$root/scripts/deps.sh" build
(
  cd "$root"
  how=()
  [[ -e build/release/CMakeCache.txt ]] || how=(-DTROUPE_UNITY=ON) # all at once is what a first build needs
  cmake --preset release "${how[@]}" >/dev/null
  cmake --build --preset release --target troupe
) >&2 # stdout is the server's: scripts read `listening s3=...` from it
exec "$root/build/release/troupe" dev "$@"
