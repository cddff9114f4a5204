#!/usr/bin/env bash
# format.sh: formats every C++ file of the repository in place (clang-format 14). --check only says what would change.
# src/actors/interfaces.hpp is laid out by hand: one handler a line, under the comment that says what it promises.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

mapfile -d '' -t files < <(git ls-files -z --cached --others --exclude-standard -- 'src/*.[ch]pp' 'test/*.[ch]pp' 'bench/*.[ch]pp' |
  grep -zv '^src/actors/interfaces.hpp$' | while IFS= read -r -d '' f; do [[ -f "$f" ]] && printf '%s\0' "$f"; done)

if [[ "${1:-}" == --check ]]; then
  if ! printf '%s\0' "${files[@]}" | xargs -0 -n 16 -P 2 clang-format --dry-run --Werror --ferror-limit=1; then
    echo "format.sh: run scripts/format.sh and commit what it changes" >&2
    exit 1
  fi
  echo "format.sh: ${#files[@]} files are formatted"
else
  printf '%s\0' "${files[@]}" | xargs -0 -n 16 -P 2 clang-format -i
fi
