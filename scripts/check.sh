#!/usr/bin/env bash
# check.sh: everything that must hold before a change is merged; .ci/run calls it. Prints one line a step with its time,
# stops at the first step that fails, and exits 0 only when every step passed.
#
#   scripts/check.sh              all of it (docs/TESTING.md says how long)
#   scripts/check.sh --quick      lint, release build, unit tests without sanitizers
#   scripts/check.sh --only STEP  one step (may be repeated): deps lint format build unit sanitize tsan fuzz examples e2e
#
# FUZZ_SECONDS=10 per fuzz target, E2E_FULL=1 for the long end-to-end tests, E2E_WORKERS=2 of them at a time, JOBS for
# parallel compilers.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
exec </dev/null

all_steps=(deps lint format build sanitize tsan fuzz examples e2e)
steps=()
while (($# > 0)); do
  case "$1" in
    --quick) steps=(deps lint format build unit) ;;
    --only)
      [[ " ${all_steps[*]} unit " == *" ${2:-} "* ]] || { echo "check.sh: --only takes one of: ${all_steps[*]} unit" >&2; exit 2; }
      steps+=("$2")
      shift
      ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "check.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
  shift
done
((${#steps[@]} > 0)) || steps=("${all_steps[@]}")

python=/usr/bin/python3 # Debian's: it has the Debian modules, whatever else is first in PATH
jobs="${JOBS:-$(nproc)}"
logs="$PWD/build/check"
mkdir -p "$logs"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:suppressions=$PWD/test/support/ubsan.supp"
export ASAN_OPTIONS="detect_stack_use_after_return=0:strict_string_checks=1"
export CTEST_OUTPUT_ON_FAILURE=1

step_deps() { scripts/deps.sh; }

step_lint() {
  "$python" scripts/lint.py
  "$python" -m pytest -q -p no:cacheprovider test/lint_test.py
}

step_format() { scripts/format.sh --check; }

# A directory that is made now compiles several sources of a layer at a time: half the time for all, more for one.
configure_release() {
  local how=()
  [[ -e build/release/CMakeCache.txt ]] || how=(-DTROUPE_UNITY=ON)
  cmake --preset release "${how[@]}"
}

step_build() {
  configure_release
  cmake --build --preset release -j "$jobs" --target troupe benchmarks
}

step_unit() {
  configure_release
  cmake --build --preset release -j "$jobs"
  ctest --test-dir build/release --timeout 300 -j "$jobs"
}

# The unit tests, compiled once: here.
step_sanitize() {
  cmake --preset dev
  nice -n 10 cmake --build --preset dev -j "$jobs" --target unit_tests
  ctest --test-dir build/dev --timeout 600 -j "$jobs"
}

# Threads of our own that share memory, below CAF (whose library is not instrumented).
step_tsan() {
  cmake --preset tsan
  cmake --build --preset tsan -j "$jobs" --target test_store test_net
  build/tsan/test/test_store '~*crash*' '~*at any moment*' '~the same*' # those are long, and have one thread
  build/tsan/test/test_net
}

# One target for FUZZ_SECONDS. Starts from test/fuzz/corpus/<target>, when there is one; what it finds on the way goes
# to a scratch directory; an input that breaks it is kept in build/check.
fuzz_one() {
  local program="$1" name corpus
  name="$(basename "$program")"
  corpus="$(mktemp -d)"
  local seeds=()
  for s in "test/fuzz/corpus/$name" "test/fuzz/corpus/${name#fuzz_}"; do [[ -d "$s" ]] && seeds+=("$s"); done
  if "$program" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$logs/$name-" \
    "$corpus" "${seeds[@]}" >"$logs/$name.log" 2>&1; then
    echo "$name: $(grep -o 'Done [0-9]* runs in [0-9]* second' "$logs/$name.log" || echo done)"
    rm -rf "$corpus"
  else
    tail -n 60 "$logs/$name.log"
    echo "$name failed; replay: $program $logs/$name-<crash file>"
    return 1
  fi
}

step_fuzz() {
  cmake --preset fuzz
  cmake --build --preset fuzz -j "$jobs"
  local programs=()
  mapfile -t programs < <(find build/fuzz/test/fuzz -maxdepth 1 -type f -executable -name 'fuzz_*' | sort)
  ((${#programs[@]} > 0)) || { echo "no fuzz targets were built"; return 1; }
  export -f fuzz_one
  export logs
  printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P 2 bash -c 'fuzz_one "$1"' fuzz_one
}

step_examples() { "$python" -m pytest -q -p no:cacheprovider test/e2e/test_examples.py; }

# Files side by side: most of a cluster test is waiting. A file's tests stay together, and share its servers.
step_e2e() {
  "$python" -m pytest -q -p no:cacheprovider -n "${E2E_WORKERS:-2}" --dist loadfile test/e2e --ignore test/e2e/test_examples.py
}

# In the background, because bash ignores `set -e` in whatever runs as a condition.
declare -A running=()
start() {
  ("step_$1") >"$logs/$1.log" 2>&1 &
  running[$1]=$!
}
trap 'kill "${running[@]}" 2>/dev/null || true' EXIT

passed=0
for step in "${steps[@]}"; do
  started=$SECONDS
  log="$logs/$step.log"
  printf '%-9s ' "$step"
  # The end-to-end tests mostly wait: beside the sanitizer build, which gives way to them.
  if [[ $step == sanitize && " ${steps[*]} " == *" e2e "* ]]; then start e2e; fi
  [[ -n ${running[$step]:-} ]] || start "$step"
  if wait "${running[$step]}"; then
    unset "running[$step]"
    passed=$((passed + 1))
    printf 'ok      %4d s\n' $((SECONDS - started))
    grep -hE '^[0-9]+% tests passed|[0-9]+ (passed|failed)|^fuzz_.*runs' "$log" | sed 's/^=* *//; s/ *=*$//; s/^/          /' || true
  else
    printf 'FAILED  %4d s\n' $((SECONDS - started))
    tail -n 120 "$log"
    echo "check.sh: step '$step' failed; whole log: $log; again: scripts/check.sh --only $step" >&2
    echo "$passed passed, 1 failed"
    exit 1
  fi
done
echo "$passed passed, 0 failed"
