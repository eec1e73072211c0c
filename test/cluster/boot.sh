#!/usr/bin/env bash
# Boots the cluster in namespaces of its own and waits until both nodes are Ready and DNS answers. Writes
# $state/cluster.json, which is there exactly while a whole cluster is up.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
. "$here/keys.sh"
. "$here/settings.sh"

[ "$(id -u)" = 0 ] || fail "needs root (namespaces, mounts, cgroups)"
[ -e "$programs/complete" ] || fail "no programs in $programs: run build.sh"
[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || fail "the kernel's br_netfilter is not there: modprobe br_netfilter"
exec 8<"$(dirname "$state")"
flock 8 # whoever started us may be gone, and another be started
whole() {
	local node
	for node in "${nodes[@]}"; do init_of "$node" >/dev/null || return 1; done
	grep -qs "\"version\": \"$(version)\"" "$state/cluster.json"
}
if whole; then
	echo "boot: already up"
	exit 0
fi
"$here/halt.sh" # what an interrupted run or an older version left
for network in "$node_cidr" "$pod_cidr" "$service_cidr"; do
	used=$(ip -4 route show root "$network"; ip -4 route show match "$network" | grep -v '^default' || true)
	[ -z "$used" ] || fail "this machine uses $network itself: $used"
done

started=$(date +%s%N)
elapsed() { echo "boot: $1 after $((($(date +%s%N) - started) / 1000000)) ms"; }
until_true() { # seconds, what for, command
	local limit=$((SECONDS + $1))
	until "${@:3}" >/dev/null 2>&1; do
		[ $SECONDS -lt $limit ] || fail "no $2 within $1 s: see $state/*/log"
		sleep 0.2
	done
}

mkdir -p "$state/etcd" "$state/volumes"
chmod 700 "$state" "$state/etcd"
for node in "${nodes[@]}"; do mkdir -p "$state/$node"/{log,cni,containerd,var-lib-kubelet,var-lib-cni}; done
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	echo "$name $(cat /proc/sys/$name)"
done >"$state/sysctl"
for folder in "${fixed_folders[@]}"; do
	if mkdir "$folder" 2>/dev/null; then echo "$folder" >>"$state/made"; fi
done
make_keys
control_plane_settings

make_group() { # a group in which processes may be put: version 1 gives a new one no processors
	local file
	mkdir -p "$1"
	[ -e "$1/cgroup.controllers" ] && return
	for file in cpuset.cpus cpuset.mems; do
		if [ -e "$1/$file" ]; then cat "${1%/*}/$file" >"$1/$file"; fi
	done
}
start_node() { # node
	local node=$1 root controller
	node_settings "$node"
	for root in $(hierarchies); do
		for group in "$cgroup" "$cgroup/$node" "$cgroup/$node/control"; do make_group "$root/$group"; done
		[ -e "$root/cgroup.subtree_control" ] || continue
		for controller in $(cat "$root/cgroup.controllers"); do
			for group in "" "/$cgroup" "/$cgroup/$node"; do echo "+$controller" >"$root$group/cgroup.subtree_control" || true; done
		done
	done
	(
		exec 8<&-
		for root in $(hierarchies); do echo "$BASHPID" >"$root/$cgroup/$node/control/cgroup.procs"; done
		exec setsid nohup unshare --mount --net --pid --uts --ipc --fork --kill-child --mount-proc \
			bash "$here/node.sh" "$node" >"$state/$node/log/node.log" 2>&1 </dev/null
	) &
	local keeper=$!
	until_true 10 "process 1 of $node" test -e "$state/$node/started"
	tr -d ' ' <"/proc/$keeper/task/$keeper/children" >"$state/$node/init"
}
for node in "${nodes[@]}"; do start_node "$node"; done

# This machine to the first node, that one to the second: nothing passes through this machine.
second=${nodes[1]}
inside() { nsenter --target "$(init_of "$1")" --net -- "${@:2}"; }
ip link add "$link" type veth peer name eth0 netns "$(init_of "$first")"
ip addr add "$host_ip/30" dev "$link"
ip link set "$link" up
inside "$first" ip link add node2 type veth peer name eth0 netns "$(init_of "$second")"
inside "$first" ip addr add "${gateways[$second]}/30" dev node2
inside "$first" ip link set node2 up
inside "$first" ip route add "${pod_cidrs[$second]}" via "${addresses[$second]}"
for node in "${nodes[@]}"; do : >"$state/$node/linked"; done
for network in "${gateways[$second]%.*}.4/30" "$pod_cidr" "$service_cidr"; do
	until_true 10 "route to $network" ip route replace "$network" via "${addresses[$first]}"
done

export KUBECONFIG=$state/tools.kubeconfig
until_true 120 "API server" kubectl get --raw /readyz
elapsed "API server ready"
until_true 60 "image store" test -S "$state/$first/containerd.sock" -a -S "$state/$second/containerd.sock"
"$here/image.sh" pause "$programs/pause=/pause" --entrypoint /pause >/dev/null
sed "s|@DNS_IP@|$dns_ip|; s|@PROGRAMS@|$programs|" "$here/coredns.yaml" | kubectl apply -f - >/dev/null
for node in "${nodes[@]}"; do until_true 60 "$node" kubectl wait --for=condition=Ready "node/$node" --timeout=1s; done
elapsed "both nodes Ready"
until_true 90 "DNS" kubectl -n kube-system rollout status daemonset/coredns --timeout=1s
elapsed "DNS ready on both"

nodes_json() {
	local node init between=
	for node in "${nodes[@]}"; do
		init=$(init_of "$node")
		printf '%s{"name": "%s", "address": "%s", "podCidr": "%s", "init": {"pid": %s, "startTime": "%s"}}' "$between" \
			"$node" "${addresses[$node]}" "${pod_cidrs[$node]}" "$init" "$(cut -d' ' -f22 "/proc/$init/stat")"
		between=', '
	done
}
cat >"$state/cluster.json.part" <<END
{
  "checkout": "$(cd "$here/../.." && pwd)",
  "version": "$(version)",
  "programs": "$programs",
  "kubeconfig": "$kubeconfig",
  "auditLog": "$state/audit.log",
  "containerd": "$state/$first/containerd.sock",
  "kubectlCache": "$KUBECACHEDIR",
  "host": "$host_ip",
  "apiServer": "https://${addresses[$first]}:6443",
  "podCidr": "$pod_cidr",
  "serviceCidr": "$service_cidr",
  "nodes": [$(nodes_json)]
}
END
mv "$state/cluster.json.part" "$state/cluster.json"
