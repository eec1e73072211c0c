# Sourced by boot.sh: the configuration files of the control plane and of each node.
control_plane_settings() {
	cat >"$state/scheduler.yaml" <<-END
		apiVersion: kubescheduler.config.k8s.io/v1
		kind: KubeSchedulerConfiguration
		leaderElection: {leaderElect: false}
		clientConnection: {kubeconfig: $state/scheduler.kubeconfig, qps: 1000, burst: 1000}
	END
}

node_settings() { # node
	local home=$state/$1
	: >"$home/resolv.conf" # pods see the cluster's names only
	cat >"$home/kubelet.yaml" <<-END
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
		authorization: {mode: Webhook}
		cgroupDriver: cgroupfs
		cgroupRoot: /$cgroup/$1
		failCgroupV1: false
		failSwapOn: false
		clusterDNS: [$dns_ip]
		clusterDomain: cluster.local
		resolvConf: $home/resolv.conf
		containerRuntimeEndpoint: unix://$home/containerd.sock
		volumePluginDir: $home/volume-plugins
		# "0" would mean the default.
		evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
		imageGCHighThresholdPercent: 100
		nodeStatusUpdateFrequency: 5s
		nodeLeaseDurationSeconds: 20
		serializeImagePulls: false
		maxPods: 250
		oomScoreAdj: 0
	END
	# In a network namespace of its own nf_conntrack_max is read-only: all of conntrack's settings are 0.
	cat >"$home/proxy.yaml" <<-END
		apiVersion: kubeproxy.config.k8s.io/v1alpha1
		kind: KubeProxyConfiguration
		mode: nftables
		clusterCIDR: $pod_cidr
		hostnameOverride: $1
		clientConnection: {kubeconfig: $state/proxy.kubeconfig}
		conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
		nodePortAddresses: [primary]
		oomScoreAdj: 0
	END
	# Without restrict_oom_score_adj every pod fails where processes have no CAP_SYS_RESOURCE.
	cat >"$home/containerd.toml" <<-END
		version = 3
		root = "$home/containerd"
		state = "/run/containerd"
		disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs"]
		[grpc]
		address = "$home/containerd.sock"
		[plugins."io.containerd.internal.v1.opt"]
		path = "$home/opt"
		[plugins."io.containerd.cri.v1.images".pinned_images]
		sandbox = "assay.local/pause:1"
		[plugins."io.containerd.cri.v1.runtime"]
		restrict_oom_score_adj = true
		[plugins."io.containerd.cri.v1.runtime".cni]
		bin_dirs = ["$cni_bin"]
		conf_dir = "$home/cni"
		[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
		runtime_type = "io.containerd.runc.v2"
		[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
		BinaryName = "$(command -v runc)"
		SystemdCgroup = false
	END
	cat >"$home/cni/10-assay.conflist" <<-END
		{"cniVersion": "1.0.0", "name": "assay", "plugins": [
		  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
		   "ipam": {"type": "host-local", "ranges": [[{"subnet": "${pod_cidrs[$1]}"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni"}},
		  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	END
}
