#!/usr/bin/env bash
# Fetches what running on Flink takes on this machine, and prints where it is:
#   deploy/flink/fetch.sh flink        the folder of Flink's jars
#   deploy/flink/fetch.sh job-server   Beam's job server for it: a folder of jars, or the jar that you name
#
# By package coordinates: pip and mvn know where from. Neither is in the lock, which every laptop
# and image installs: it would be 230 MB of Java there, of which nothing is imported.
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { printf 'fetch: %s\n  %s\n' "$1" "$2" >&2; exit 1; }

flink=1.19.3
hash=4a58e3a1fb7d83340bc96b6c080624c6d792d69fae5d294b96224775204a9c60
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
    mv "$new/apache-flink-libraries-$flink/deps" "$target"
  fi
  echo "$target/lib"
}

fetch_job_server() {
  local given=${EVERGREEN_FLINK_JOB_SERVER:-} pom=deploy/flink/pom.xml log=$cache/mvn.log target
  if [ -n "$given" ]; then
    [ -e "$given" ] || fail "EVERGREEN_FLINK_JOB_SERVER names $given, which is not there." "Name a jar, or a folder of jars."
    echo "$given"
    return
  fi
  target=$cache/job-server-$(sha256sum $pom | cut -c1-12)
  if [ ! -d "$target" ]; then
    command -v mvn >/dev/null || fail "mvn is missing." "apt-get install maven"
    new=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    mvn --batch-mode --file $pom dependency:copy-dependencies -DincludeScope=runtime \
      "-DoutputDirectory=$new/jars" >"$log" 2>&1 ||
      fail "mvn cannot fetch what $pom names ($log has the reason)." \
        "Name a jar that you have: EVERGREEN_FLINK_JOB_SERVER=/path/to/job-server.jar"
    mv "$new/jars" "$target"
  fi
  echo "$target"
}

case ${1:-} in
  flink) fetch_flink ;;
  job-server) fetch_job_server ;;
  *) fail "what is to be fetched? '${1:-}' is nothing known." "deploy/flink/fetch.sh flink | job-server" ;;
esac
