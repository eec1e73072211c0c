#!/usr/bin/env bash
# Makes the one-layer image assay.local/NAME:1 from files of this machine and loads it into both nodes; with --tar FILE,
# writes it there and loads nothing: image.sh NAME FILE=/PATH/IN/IMAGE|DIRECTORY=/ ... [--entrypoint PATH] [--tar FILE]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

name=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
entrypoint=
out=
mkdir "$work/root" "$work/image"
while [ $# -gt 0 ]; do
	case $1 in
	--entrypoint) entrypoint="\"$2\"" && shift 2 ;;
	--tar) out=$2 && shift 2 ;;
	*)
		from=${1%%=*} to=$work/root${1#*=}
		if [ -d "$from" ]; then mkdir -p "$to" && cp -a "$from/." "$to/"; else install -D "$from" "$to"; fi
		shift
		;;
	esac
done
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$work/root" -cf "$work/image/layer.tar" .
layer=$(sha256sum <"$work/image/layer.tar" | cut -d' ' -f1)
case $(uname -m) in aarch64) architecture=arm64 ;; *) architecture=amd64 ;; esac
cat >"$work/image/config.json" <<END
{"architecture":"$architecture","os":"linux","config":{"Entrypoint":[$entrypoint],"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
END
echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"assay.local/$name:1\"],\"Layers\":[\"layer.tar\"]}]" >"$work/image/manifest.json"
tar -C "$work/image" -cf "$work/image.tar" manifest.json config.json layer.tar
if [ -n "$out" ]; then mv "$work/image.tar" "$out"; else "$here/load-image.sh" "$work/image.tar"; fi
