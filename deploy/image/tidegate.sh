#!/bin/sh
# Tidegate itself, built from its source, and everything of Python compiled: the image's file system is read-only.
# Usage: tidegate.sh ROOT SOURCE; PYTHON is an interpreter with pip and the build backend.
set -eu

root=$1
source=$2
here=$(dirname "$0")
site=$root/usr/local/lib/python3.11/dist-packages

"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-compile --no-index \
    --no-build-isolation --target "$site" "$source"
rm -rf "$site/bin"
install -D -m 755 "$here/tidegate.py" "$root/usr/local/bin/tidegate"
install -D -m 755 "$here/healthy.py" "$root/usr/local/bin/healthy"

# By hashes that are not looked at: no time of a file gets into the image, and no file is looked up twice at a start.
"${PYTHON:-python3}" -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$root" -p / \
    "$root/usr/lib/python3.11" "$root/usr/local"
