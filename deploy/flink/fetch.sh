#!/usr/bin/env bash
# Fetches what running on Flink takes on this machine, and prints where it is:
#   deploy/flink/fetch.sh flink        the folder of Flink's jars
#   deploy/flink/fetch.sh job-server   Beam's job server for it, a jar
#
# By package coordinates: pip and mvn know where from. Neither is in the lock, which every laptop
# and image installs: it would be 230 MB of Java there, of which nothing is imported.
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { printf 'fetch: %s\n  %s\n' "$1" "$2" >&2; exit 1; }

flink=1.20.5
hash=e6aee62ea1a1fe7b32e28894ad079f3f1a50a372a4caac3df52405267f4228c8
beam=$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' requirements/runtime.txt)
server=beam-runners-flink-${flink%.*}-job-server
cache=${XDG_CACHE_HOME:-$HOME/.cache}/evergreen/flink
mkdir -p "$cache"
command -v java >/dev/null || fail "Java is missing." "apt-get install openjdk-17-jre-headless"

fetch_flink() {
  local target=$cache/flink-$flink
  if [ ! -d "$target" ]; then
    new=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    echo "apache-flink-libraries==$flink --hash=sha256:$hash" >"$new/requirements.txt"
    .venv/bin/pip download --quiet --no-deps --no-build-isolation --require-hashes --dest "$new" \
      --requirement "$new/requirements.txt" >&2 ||
      fail "pip cannot fetch apache-flink-libraries $flink." "See above for the reason."
    tar -xzf "$new"/*.tar.gz -C "$new"
    mv "$new"/apache_flink_libraries-*/deps "$target"
  fi
  echo "$target/lib"
}

fetch_job_server() {
  local given=${EVERGREEN_FLINK_JOB_SERVER:-} target=$cache/$server-$beam.jar log=$cache/mvn.log
  if [ -n "$given" ]; then
    [ -f "$given" ] || fail "EVERGREEN_FLINK_JOB_SERVER names $given, which is not there." "Name a jar."
    echo "$given"
    return
  fi
  if [ ! -f "$target" ]; then
    command -v mvn >/dev/null || fail "mvn is missing." "apt-get install maven"
    mvn --batch-mode --update-snapshots dependency:copy "-Dartifact=org.apache.beam:$server:$beam" \
      "-DoutputDirectory=$cache" >"$log" 2>&1 ||
      fail "mvn cannot fetch org.apache.beam:$server:$beam ($log has the reason)." \
        "Name a jar that you have: EVERGREEN_FLINK_JOB_SERVER=/path/to/$server-$beam.jar"
  fi
  echo "$target"
}

case ${1:-} in
  flink) fetch_flink ;;
  job-server) fetch_job_server ;;
  *) fail "what is to be fetched? '${1:-}' is nothing known." "deploy/flink/fetch.sh flink | job-server" ;;
esac
