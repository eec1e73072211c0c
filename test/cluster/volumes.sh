#!/usr/bin/env bash
# Makes static volumes, for there is no StorageClass: volumes.sh COUNT SIZE [PREFIX], as volumes.sh 3 1Gi. A claim without
# a class binds to them. They are folders of this machine, so both nodes see the same one, as on a network file system.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
export KUBECONFIG=$state/tools.kubeconfig

prefix=${3:-volume}
for ((i = 0; i < $1; i++)); do
	folder=$state/volumes/$prefix-$i
	mkdir -p "$folder"
	chmod 1777 "$folder" # the kubelet gives a hostPath no fsGroup
	cat <<-END
		---
		apiVersion: v1
		kind: PersistentVolume
		metadata: {name: $prefix-$i}
		spec:
		  capacity: {storage: $2}
		  accessModes: [ReadWriteOnce, ReadOnlyMany, ReadWriteMany]
		  persistentVolumeReclaimPolicy: Retain
		  hostPath: {path: $folder, type: Directory}
	END
done | kubectl apply -f -
