#!/usr/bin/env bash
# Resolves the *.in files beside this one into hashed locks, with the uv of the given environment.
set -euo pipefail
cd "$(dirname "$0")"
uv=${1:?usage: lock.sh PATH_TO_UV}
index=$("$(dirname "$uv")/python" index.py)
eval "$index"
compile() {
  "$uv" pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_36 \
    --generate-hashes --no-emit-index-url --custom-compile-command "make lock" "$@"
}
compile uv.in --output-file uv.txt
compile --override overrides.txt --constraint constraints.txt runtime.in --output-file runtime.txt
compile --override overrides.txt dev.in --output-file dev.txt
