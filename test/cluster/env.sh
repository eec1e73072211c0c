# Sourced by the other scripts: where everything is, and the addresses in use.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/assay-cluster
state=${ASSAY_CLUSTER_STATE:-/var/lib/assay-cluster} # short: a Unix socket's path may have 107 characters
kubeconfig=$state/admin.kubeconfig
pki=$state/pki

# The programs are named by what they are built from, so a cache is never stale.
sources() {
	cd "$here" && find src crds build.sh -type f | LC_ALL=C sort | xargs sha256sum | cat - <(uname -m) | sha256sum | cut -c1-16
}
programs=$cache/programs-$(sources)
export PATH=$programs:$PATH

nodes=(assay-node1 assay-node2)
declare -A addresses=([assay-node1]=10.89.0.2 [assay-node2]=10.89.0.6)
declare -A gateways=([assay-node1]=10.89.0.1 [assay-node2]=10.89.0.5)
declare -A pod_cidrs=([assay-node1]=10.88.1.0/24 [assay-node2]=10.88.2.0/24)
host_ip=${gateways[assay-node1]} # this machine's end of the link; the API server is at the other
node_cidr=10.89.0.0/24
pod_cidr=10.88.0.0/16
service_cidr=10.96.0.0/16
service_ip=10.96.0.1
dns_ip=10.96.0.10
fake_pod_cidr=10.200.0.0/16 # of kwok's nodes

link=assay0           # the link's name on this machine
cgroup=assay-cluster  # holds a group for each node
cni_bin=/usr/lib/cni
first=${nodes[0]}
fixed_folders=(/var/lib/kubelet /var/lib/cni) # by the kubelet and the CNI library; empty ones on this machine while it is up

export KUBECACHEDIR=$state/kubectl # nothing is left in the home folder

fail() {
	echo "$(basename "$0" .sh): $*" >&2
	exit 1
}

# The node's process 1 as this machine numbers it; fails when the node is not there.
init_of() {
	local init
	init=$(cat "$state/$1/init" 2>/dev/null) && grep -qsa node.sh "/proc/$init/cmdline" && echo "$init"
}

# The hierarchies of control groups: one in version 2, one for each controller in version 1.
hierarchies() {
	local file
	if [ -e /sys/fs/cgroup/cgroup.procs ]; then
		echo /sys/fs/cgroup
		return
	fi
	for file in /sys/fs/cgroup/*/cgroup.procs; do
		[ -L "${file%/*}" ] || echo "${file%/*}"
	done
}

# Of what a running cluster was made: its programs, these scripts, and what the environment asks for.
version() {
	{
		echo "$programs ${ASSAY_CLUSTER_FEATURE_GATES:-} ${ASSAY_CLUSTER_APISERVER_FLAGS:-}"
		cat "$here"/*.sh "$here"/*.yaml
	} | sha256sum | cut -c1-16
}
