#!/usr/bin/env bash
# Prepares this machine for the tests with containers: needs root, podman, runc, debootstrap.
#
# No image registry is asked. What stands in for python:3.11-slim-bookworm is made of Debian's own
# packages, once, and kept in the cache folder; then the project's image is built on it.
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { printf 'prepare: %s\n  %s\n' "$1" "$2" >&2; exit 1; }

for tool in podman runc debootstrap; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || fail "$tool is missing." "apt-get install podman runc debootstrap"
done
[ "$(id -u)" = 0 ] || fail "this is not root." "Run the tests with containers as root, in a machine of their own."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/evergreen
base=docker.io/library/python:3.11-slim-bookworm
export CONTAINERS_CONF=$PWD/tests/containers/containers.conf
mkdir -p "$cache"

if ! podman image exists "$base"; then
  root=$cache/python-3.11-slim-bookworm
  if [ ! -e "$root.tar" ]; then
    rm -rf "$root"
    # As in the real one: the headers of Python are there, a compiler is not.
    debootstrap --variant=minbase --include=python3,python3-venv,libpython3.11-dev,ca-certificates bookworm "$root"
    rm -rf "$root"/var/cache/apt/archives/*.deb
    tar -C "$root" -c . >"$root.tar.new"
    mv "$root.tar.new" "$root.tar"
    rm -rf "$root"
  fi
  podman import "$root.tar" "$base"
fi

# A proxy's certificate authority is known to this machine, not to the image.
CONTAINER_ENGINE=podman deploy/image.sh --isolation=chroot --network=host \
  --volume /etc/ssl/certs:/etc/ssl/certs:ro \
  --volume /usr/share/ca-certificates:/usr/share/ca-certificates:ro \
  --volume /usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro \
  --volume "$PWD/tests/containers/pip.conf:/etc/pip.conf:ro" \
  --volume "$PWD/tests/containers/uv.toml:/etc/uv/uv.toml:ro"
