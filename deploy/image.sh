#!/usr/bin/env bash
# Builds the image evergreen:<version> with podman or docker; arguments are passed to its `build`.
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${CONTAINER_ENGINE:-$(command -v podman || command -v docker || true)}
if [ -z "$engine" ]; then
  echo "image: neither podman nor docker is installed." >&2
  echo "  Install one (Debian 12: apt-get install podman), or name yours: CONTAINER_ENGINE=/path/to/it" >&2
  exit 1
fi
version=$(sed -n 's/^ *version="\(.*\)",$/\1/p' setup.py)
revision=$(git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null || echo unknown)
# A mirror set for pip here is used there, too: as a secret, since its address may contain one.
index=$(mktemp -d)
trap 'rm -rf "$index"' EXIT
python=.venv/bin/python
[ -x "$python" ] || python=$(command -v python3.11 || command -v python3)
"$python" requirements/index.py "$index"
"$engine" build --file deploy/Containerfile --tag "${IMAGE:-evergreen:$version}" \
  --secret "id=pip,src=$index/pip.conf" --secret "id=ca,src=$index/ca" \
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@" .
