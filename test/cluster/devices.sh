#!/usr/bin/env bash
# Devices and nodes without hardware:
#   devices.sh extended NODE RESOURCE COUNT   the node has so many of an extended resource (as tenstorrent.com/n150)
#   devices.sh dra NODE [FILE]                a DRA driver tenstorrent.com with the devices of a JSON list (devices.json)
#   devices.sh dra-stop NODE
#   devices.sh kwok COUNT [RESOURCE=COUNT]    so many fake nodes, tainted kwok.x-k8s.io/node=fake:NoSchedule; 0 ends kwok
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
export KUBECONFIG=$state/tools.kubeconfig
driver=tenstorrent.com

start() { # node, name, program and its arguments: goes on in the node when we are gone
	if running "$1" "$2"; then return; fi
	# shellcheck disable=SC2016 # the inner shell's own
	"$here/in-node.sh" "$1" bash -c 'log=$1 pid=$2; shift 2; nohup setsid "$@" >"$log" 2>&1 </dev/null & echo $! >"$pid"' \
		- "$state/$1/log/$2.log" "$state/$1/$2.pid" "${@:3}"
}
running() { [ -e "$state/$1/$2.pid" ] && "$here/in-node.sh" "$1" kill -0 "$(cat "$state/$1/$2.pid")" 2>/dev/null; }
stop() { # node, name
	if running "$1" "$2"; then "$here/in-node.sh" "$1" kill "$(cat "$state/$1/$2.pid")"; fi
	rm -f "$state/$1/$2.pid"
}

extended() { # node, resource, count
	kubectl patch node "$1" --subresource=status --type=merge \
		-p "{\"status\": {\"capacity\": {\"$2\": \"$3\"}, \"allocatable\": {\"$2\": \"$3\"}}}"
}

dra() { # node, file
	kubectl apply -f - >/dev/null <<-END
		apiVersion: resource.k8s.io/v1
		kind: DeviceClass
		metadata: {name: $driver}
		spec: {selectors: [{cel: {expression: 'device.driver == "$driver"'}}]}
	END
	start "$1" dra-driver "$programs/dra-driver" --driver "$driver" --node "$1" \
		--devices "$(realpath "${2:-$here/devices.json}")" --kubeconfig "$KUBECONFIG"
	for _ in $(seq 100); do
		[ -z "$(slices_of "$1")" ] || return 0
		sleep 0.1
	done
	fail "no ResourceSlice of $1 in 10 s: $(tail -3 "$state/$1/log/dra-driver.log")"
}
slices_of() { kubectl get resourceslices --field-selector "spec.nodeName=$1,spec.driver=$driver" -o name; }
dra_stop() { # node
	stop "$1" dra-driver
	kubectl delete resourceslices --field-selector "spec.nodeName=$1,spec.driver=$driver"
}

fake_nodes() { # count, RESOURCE=COUNT
	local has there missing name extra=
	has=$(kubectl get nodes -l type=kwok -o name | sort)
	there=$(for ((i = 0; i < $1; i++)); do echo "node/kwok-$i"; done | sort)
	comm -23 <(echo "$has") <(echo "$there") | grep . | xargs -r kubectl delete --wait=false >/dev/null || true
	if [ "$1" = 0 ]; then
		stop "$first" kwok
		return
	fi
	if [ -n "${2:-}" ]; then extra=", ${2%=*}: \"${2#*=}\""; fi
	start "$first" kwok "$programs/kwok" --kubeconfig "$KUBECONFIG" --config "$programs/kwok-stages.yaml" \
		--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake \
		--cidr="$fake_pod_cidr" --node-ip="${addresses[$first]}" --node-lease-duration-seconds=40
	missing=$(comm -13 <(echo "$has") <(echo "$there") | cut -d/ -f2)
	if [ -n "$missing" ]; then
		for name in $missing; do fake_node "$name" "$extra"; done | kubectl create -f - >/dev/null
	fi
	kubectl wait --for=condition=Ready node -l type=kwok --timeout=120s >/dev/null
}

fake_node() { # name, further resources
	cat <<-END
		---
		apiVersion: v1
		kind: Node
		metadata:
		  name: $1
		  labels: {type: kwok, kubernetes.io/hostname: $1, kubernetes.io/os: linux}
		  annotations: {kwok.x-k8s.io/node: fake, node.alpha.kubernetes.io/ttl: "0"}
		spec: {taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]}
		status:
		  capacity: {cpu: "32", memory: 256Gi, pods: "110"$2}
		  allocatable: {cpu: "32", memory: 256Gi, pods: "110"$2}
	END
}

case ${1:-} in
extended) extended "$2" "$3" "$4" ;;
dra) dra "$2" "${3:-}" ;;
dra-stop) dra_stop "$2" ;;
kwok) fake_nodes "$2" "${3:-}" ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" && exit 2 ;;
esac
