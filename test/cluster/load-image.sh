#!/usr/bin/env bash
# Loads images into both nodes, from what `docker save` writes or from an OCI archive: load-image.sh TAR...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

import() { ctr --address "$state/$1/containerd.sock" --namespace k8s.io images import "$2"; }
for tar in "$@"; do
	for node in "${nodes[@]}"; do
		said=$(import "$node" "$tar" 2>&1) || fail "$tar could not be loaded into $node: $said"
	done
done
