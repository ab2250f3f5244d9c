#!/bin/sh
# The system of the image: Python and the libraries that it needs, out of Debian's packages, and no shell.
# Usage: system.sh ROOT, on a Debian with an up-to-date list of packages.
set -eu

root=$1
here=$(dirname "$0")
debs=$(mktemp -d)
trap 'rm -rf "$debs"' EXIT

mkdir -p "$root"
# The signed lists of apt say which file each package is, and its hash.
# shellcheck disable=SC2046 # a word for each package
(cd "$debs" && apt-get -qq -o APT::Sandbox::User=root download $(grep -v '^#' "$OLDPWD/$here/packages.txt"))
for deb in "$debs"/*.deb; do
    dpkg-deb --extract "$deb" "$root"
done

# What nobody reads in a container; the licences stay.
find "$root/usr/share" -mindepth 1 -maxdepth 1 ! -name doc ! -name zoneinfo ! -name ca-certificates -exec rm -rf {} +
find "$root/usr/share/doc" ! -type d ! -name copyright -delete
rm -rf "$root/usr/share/zoneinfo/right" "$root/usr/share/zoneinfo/posix" "$root/usr/sbin" "$root/etc/dpkg" \
    "$root/usr/lib/python3.11/ensurepip" "$root/usr/lib/python3.11/idlelib" "$root/usr/lib/python3.11/lib2to3" \
    "$root/usr/lib/python3.11/pydoc_data" "$root/usr/lib/python3.11/distutils"
find "$root" -depth -type d -empty ! -path "$root/tmp" ! -path "$root/proc" ! -path "$root/sys" ! -path "$root/dev" -delete

# The authorities whose certificates are trusted: one file, as update-ca-certificates makes it.
mkdir -p "$root/etc/ssl/certs" "$root/usr/lib/ssl"
find "$root/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat > "$root/etc/ssl/certs/ca-certificates.crt"
ln -sf /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
rm -rf "$root/usr/share/ca-certificates"

ln -sf python3.11 "$root/usr/bin/python3"
ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"
printf 'root:x:0:0:root:/:/nologin\ntidegate:x:65532:65532:tidegate:/data:/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\ntidegate:x:65532:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
mkdir -p "$root/tmp" "$root/data"
chmod 1777 "$root/tmp"
chmod 700 "$root/data"
chown 65532:65532 "$root/data"
