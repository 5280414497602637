#!/bin/sh
# Makes a base image with Node.js 26 where no image registry answers: Debian by debootstrap, node and npm from the npm
# registry. Usage: node-base.sh IMAGE TOOL…, TOOL being docker or podman with its options.
set -eu
# Another user runs what is in it, whatever the mask of the caller.
umask 022
image=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

debootstrap --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 bookworm "$root" >&2
case $(uname -m) in x86_64) platform=linux-x64 ;; aarch64) platform=linux-arm64 ;; esac
(cd "$work" && npm pack --silent "node-$platform@26" npm@11 >&2)
mkdir -p "$work/node" "$root/usr/local/lib/node_modules/npm"
tar --extract --gzip --file "$work"/node-*.tgz --directory "$work/node" --strip-components=1
tar --extract --gzip --file "$work"/npm-*.tgz --directory "$root/usr/local/lib/node_modules/npm" --strip-components=1
cp "$work/node/bin/node" "$root/usr/local/bin/node"
chmod +x "$root/usr/local/lib/node_modules/npm/bin/npm-cli.js"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
# With the authority of a proxy, which npm is to trust.
cp "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

cat >"$work/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY root /
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PATH=/usr/local/bin:/usr/bin:/bin
CMD ["node"]
DOCKERFILE
"$@" build --tag "$image" "$work" >&2
