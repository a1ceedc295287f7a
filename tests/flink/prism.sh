#!/usr/bin/env bash
# Builds Prism, Beam's own portable runner, once, and prints where it is. Go knows where from.
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { printf 'prism: %s\n  %s\n' "$1" "$2" >&2; exit 1; }

beam=$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' requirements/runtime.txt)
target=${XDG_CACHE_HOME:-$HOME/.cache}/evergreen/prism-$beam
if [ ! -x "$target/prism" ]; then
  command -v go >/dev/null || fail "Go is missing." "apt-get install golang-go"
  GOBIN=$target go install "github.com/apache/beam/sdks/v2/go/cmd/prism@v$beam" >&2 ||
    fail "Prism $beam cannot be built." "See above for the reason."
fi
echo "$target/prism"
