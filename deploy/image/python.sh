#!/bin/sh
# What Tidegate runs with, in the versions and with the hashes of a lock, and without what is needed to compile it.
# Usage: python.sh ROOT LOCK; PYTHON is the interpreter whose pip installs, of the same version as the image's.
set -eu

root=$1
lock=$2
site=$root/usr/local/lib/python3.11/dist-packages

mkdir -p "$site"
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-compile \
    --only-binary :all: --require-hashes --requirement "$lock" --target "$site"
# The image serves and operates. What only the Python client and the demo need (gRPC for Python), and what only colours
# source code (Pygments), would be a fifth of it.
rm -rf "$site/bin" "$site/apsw/tests" "$site/certifi/tests" "$site"/grpc "$site"/grpcio* "$site"/grpc_status \
    "$site"/pygments "$site"/pygments-*
find "$site" \( -name '*.c' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.pyx' \) -delete
find "$site" -name '*.so*' -exec strip --strip-unneeded {} +
