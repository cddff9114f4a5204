#!/usr/bin/env bash
# deps.sh: installs the Debian 12 packages that Troupe needs. Does nothing, and touches no network, when all are there.
#
#   scripts/deps.sh            build + test
#   scripts/deps.sh build      what compiling needs
#   scripts/deps.sh test       what scripts/check.sh needs besides
#   scripts/deps.sh runtime    only the shared libraries that the finished binary loads (for images)
#   scripts/deps.sh --list SET the names of a set's packages, a line each; installs nothing
set -euo pipefail

runtime=(libcaf-core0.17 libprotobuf32 liblmdb0 libisal2 libraft2 libssl3 libpugixml1v5 libyaml-cpp0.7 libedit2 libspdlog1.10 libfmt9
  libcurl4 libtcmalloc-minimal4 libprometheus-cpp-core1.0 libzstd1 libxxhash0 libgrpc++1.51 libgrpc29 libabsl20220623 libstdc++6)
build=(g++ cmake ninja-build ccache pkg-config git
  libcaf-dev protobuf-compiler libprotobuf-dev protobuf-compiler-grpc libgrpc++-dev liblmdb-dev libisal-dev libraft-dev libboost1.81-dev libssl-dev
  libpugixml-dev libyaml-cpp-dev libedit-dev libcli11-dev libspdlog-dev libfmt-dev libxxhash-dev libcurl4-openssl-dev libgoogle-perftools-dev
  prometheus-cpp-dev libzstd-dev catch2 libbenchmark-dev)
# clang and its runtime: the fuzz targets. The rest: lint, end-to-end tests and the clients they drive.
test=(clang clang-format libclang-rt-14-dev python3 python3-pytest python3-pytest-xdist python3-boto3 python3-yaml python3-grpcio python3-protobuf awscli s3cmd rclone curl)

list=false
if [[ "${1:-}" == --list ]]; then
  list=true
  shift
fi
case "${1:-all}" in
  runtime) wanted=("${runtime[@]}") ;;
  build) wanted=("${build[@]}") ;;
  test) wanted=("${test[@]}") ;;
  all) wanted=("${build[@]}" "${test[@]}") ;;
  *)
    echo "deps.sh: unknown set '$1'; give one of: build, test, runtime, all" >&2
    exit 2
    ;;
esac
if "$list"; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

if ! command -v dpkg-query >/dev/null; then
  echo "deps.sh: this is not Debian; install by hand: ${wanted[*]}" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" == installed ]] || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

as_root=()
if [[ "$(id -u)" != 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "deps.sh: missing ${missing[*]}; run it as root, or install sudo" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "deps.sh: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
