#!/usr/bin/env bash
# tidy.sh: clang-tidy by hand, on the files given or on everything in src/. Slow, so not part of check.sh.
#   scripts/tidy.sh src/core/ring.cpp
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if ! command -v clang-tidy >/dev/null; then
  echo "tidy.sh: install clang-tidy (Debian: apt-get install clang-tidy)" >&2
  exit 1
fi
[[ -f build/release/compile_commands.json ]] || cmake --preset release >/dev/null
if (($# > 0)); then files=("$@"); else mapfile -t files < <(git ls-files 'src/*.cpp'); fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p build/release
