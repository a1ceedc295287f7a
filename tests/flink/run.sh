#!/usr/bin/env bash
# Fetches what there is to fetch, then runs the tests where nobody else can reach their servers:
# Prism listens on all interfaces, and whoever reaches a job server can run code here.
set -uo pipefail
cd "$(dirname "$0")/../.."

# get NAME COMMAND...: the path that a command prints, or why there is none.
get() {
  local name=$1 log found
  log=$(mktemp)
  if found=$("${@:2}" 2>"$log"); then export "$name=$found"; else export "$name=" "${name}_MISSING=$(cat "$log")"; fi
  cat "$log" >&2
  rm -f "$log"
}
get EVERGREEN_FLINK deploy/flink/fetch.sh flink
get EVERGREEN_FLINK_JOB_SERVER deploy/flink/fetch.sh job-server
get EVERGREEN_PRISM tests/flink/prism.sh

alone=(unshare --net)
[ "$(id -u)" = 0 ] || alone+=(--map-root-user)
exec "${alone[@]}" sh -c 'PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && exec "$@"' sh \
  .venv/bin/pytest "${@:-tests/flink}"
