#!/usr/bin/env bash
# Starts Beam's job server for a Flink cluster, with the options that you give it, such as
#   deploy/flink/job-server.sh --flink-master=127.0.0.1:8081 --job-host=127.0.0.1
set -euo pipefail
jars=$("$(dirname "$0")/fetch.sh" job-server)
[ ! -d "$jars" ] || jars="$jars/*"
# Beam and Flink look into Java's own classes, as Flink's scripts allow it on Java 17.
opened=()
for name in lang lang.invoke net io nio text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opened+=("--add-opens=java.base/java.$name=ALL-UNNAMED")
done
exec java "${opened[@]}" --add-opens=java.base/sun.nio.ch=ALL-UNNAMED -cp "$jars" \
  org.apache.beam.runners.flink.FlinkJobServerDriver "$@"
