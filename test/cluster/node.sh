#!/usr/bin/env bash
# Process 1 of a node, in the namespaces that boot.sh made: node.sh NODE. When it ends, the kernel ends everything in
# the node, and its mounts and network go with it.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
node=$1
home=$state/$node
hostname "$node"

# Paths that Kubernetes and the container runtime fix: private to this node.
mount --make-rprivate /
for folder in "${fixed_folders[@]}"; do mount --bind "$home/$(tr / - <<<"${folder#/}")" "$folder"; done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mount --make-rshared /
mkdir -p /run/lock /run/containerd /run/cni /run/cdi /var/log/pods /var/log/containers

ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
: >"$home/started"
while [ ! -e "$home/linked" ]; do sleep 0.02; done
ip addr add "${addresses[$node]}/30" dev eth0
ip link set eth0 up
ip route add default via "${gateways[$node]}"

part() { # name, arguments: runs the part again whenever it ends
	(
		while true; do
			"$@" >>"$home/log/$1.log" 2>&1
			echo "$1 ended with $?, starting it again" >>"$home/log/$1.log"
			sleep 1
		done
	) &
}
until_ok() { until "$@" >/dev/null 2>&1; do sleep 0.2; done; }
gates=${ASSAY_CLUSTER_FEATURE_GATES:-}

control_plane() {
	part etcd --name=node --data-dir="$state/etcd" --unsafe-no-fsync --logger=zap --log-level=warn \
		--listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
		--listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
		--initial-cluster=node=http://127.0.0.1:2380
	# shellcheck disable=SC2086 # the flags are words
	part kube-apiserver \
		--etcd-servers=http://127.0.0.1:2379 \
		--advertise-address="${addresses[$node]}" --bind-address=0.0.0.0 --secure-port=6443 \
		--service-cluster-ip-range="$service_cidr" \
		--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
		--allow-privileged=true \
		--audit-log-path="$state/audit.log" --audit-policy-file="$here/audit-policy.yaml" --audit-log-maxsize=2000 \
		--client-ca-file="$pki/ca.crt" \
		--tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
		--kubelet-client-certificate="$pki/apiserver-kubelet.crt" --kubelet-client-key="$pki/apiserver-kubelet.key" \
		--kubelet-preferred-address-types=InternalIP \
		--requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy \
		--requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
		--requestheader-extra-headers-prefix=X-Remote-Extra- \
		--proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
		--service-account-issuer=https://kubernetes.default.svc.cluster.local \
		--service-account-key-file="$pki/service-account.pub" --service-account-signing-key-file="$pki/service-account.key" \
		--feature-gates="$gates" ${ASSAY_CLUSTER_APISERVER_FLAGS:-}
	until_ok kubectl --kubeconfig="$state/tools.kubeconfig" get --raw /readyz
	part kube-controller-manager --kubeconfig="$state/controller-manager.kubeconfig" --leader-elect=false \
		--bind-address=127.0.0.1 --use-service-account-credentials=true \
		--service-account-private-key-file="$pki/service-account.key" --root-ca-file="$pki/ca.crt" \
		--kube-api-qps=1000 --kube-api-burst=1000 --flex-volume-plugin-dir="$state/volume-plugins" \
		--cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
		--feature-gates="$gates"
	part kube-scheduler --config="$state/scheduler.yaml" --bind-address=127.0.0.1 --feature-gates="$gates"
}

part containerd --config "$home/containerd.toml"
if [ "$node" = "$first" ]; then control_plane; fi
until_ok kubectl --kubeconfig="$state/tools.kubeconfig" get --raw /readyz
until_ok test -S "$home/containerd.sock"
part kubelet --config="$home/kubelet.yaml" --kubeconfig="$home/kubelet.kubeconfig" --node-labels=assay.test/node=real \
	--hostname-override="$node" --node-ip="${addresses[$node]}" --feature-gates="$gates"
part kube-proxy --config="$home/proxy.yaml"
part network-policy --kubeconfig="$state/tools.kubeconfig"
wait
