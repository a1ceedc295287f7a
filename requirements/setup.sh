#!/usr/bin/env bash
# Builds .venv from the hashed lock, after checking that the machine has what that takes.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { printf 'setup: %s\n  %s\n' "$1" "$2" >&2; exit 1; }

python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
[ -n "$python" ] || fail "no Python found." "Install Python 3.11 (Debian 12: apt-get install python3.11 python3.11-venv python3.11-dev)."
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
  fail "$python is $("$python" --version 2>&1), and the locked packages need Python 3.11." \
    "Install it, or name it: make setup PYTHON=/path/to/python3.11"
command -v gcc >/dev/null || command -v cc >/dev/null ||
  fail "no C compiler found; some dependencies of Beam come as source." "apt-get install build-essential"
"$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
  fail "the headers of Python (Python.h) are missing." "apt-get install python3.11-dev"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "Python's venv module is missing." "apt-get install python3.11-venv"

[ "$(uname -m)" = x86_64 ] ||
  fail "this machine is $(uname -m), and TFX's packages are built for x86_64 only." "Use an x86-64 machine."

[ -x .venv/bin/pip ] || "$python" -m venv --clear .venv
echo "setup: installing the locked packages into .venv (about 3 GB; a few minutes the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
# A mirror that pip is told of is uv's, too.
index=$(.venv/bin/python requirements/index.py)
eval "$index"
# sync, so that what the lock no longer has goes too; compiled here once, not by every process where
# Python may not write bytecode. What comes as source is built with what the lock has, by its hash.
# Then the project itself.
.venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes \
  --build-constraints requirements/dev.txt requirements/dev.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/.ready
echo "setup: done. Next: make run"
