# Sourced by boot.sh: the cluster's keys, certificates and kubeconfigs.
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"; }
authority() {
	key "$1"
	openssl req -x509 -new -key "$pki/$1.key" -subj "/CN=$1" -days 365 -out "$pki/$1.crt"
}
certificate() { # name, authority, subject, extension lines
	key "$1"
	openssl req -new -key "$pki/$1.key" -subj "$3" |
		openssl x509 -req -CA "$pki/$2.crt" -CAkey "$pki/$2.key" -CAcreateserial -days 365 \
			-extfile <(printf '%s\n' "${@:4}") -out "$pki/$1.crt" 2>/dev/null
}
kubeconfig() { # name, subject, file
	certificate "$1" ca "$2" extendedKeyUsage=clientAuth
	cat >"$3" <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: assay
		  cluster: {server: "https://${addresses[$first]}:6443", certificate-authority-data: $(base64 -w0 <"$pki/ca.crt")}
		users:
		- name: $1
		  user: {client-certificate-data: $(base64 -w0 <"$pki/$1.crt"), client-key-data: $(base64 -w0 <"$pki/$1.key")}
		contexts:
		- name: assay
		  context: {cluster: assay, user: $1}
		current-context: assay
	END
}

make_keys() {
	local node
	mkdir -p "$pki"
	authority ca
	authority front-proxy-ca
	# The API server does not read a public key out of an EC private key, so it gets one.
	key service-account
	openssl pkey -in "$pki/service-account.key" -pubout -out "$pki/service-account.pub"
	certificate apiserver ca /CN=kube-apiserver extendedKeyUsage=serverAuth \
		"subjectAltName=IP:${addresses[$first]},IP:127.0.0.1,IP:$service_ip,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
	certificate apiserver-kubelet ca /O=system:masters/CN=apiserver-kubelet extendedKeyUsage=clientAuth
	certificate front-proxy front-proxy-ca /CN=front-proxy extendedKeyUsage=clientAuth
	kubeconfig admin /O=system:masters/CN=admin "$kubeconfig"
	# Who stands in for parts of a cluster (kwok, the DRA driver, NetworkPolicy): the audit log leaves it out.
	kubeconfig tools /O=system:masters/CN=assay:tools "$state/tools.kubeconfig"
	kubeconfig controller-manager /CN=system:kube-controller-manager "$state/controller-manager.kubeconfig"
	kubeconfig scheduler /CN=system:kube-scheduler "$state/scheduler.kubeconfig"
	kubeconfig proxy /CN=system:kube-proxy "$state/proxy.kubeconfig"
	for node in "${nodes[@]}"; do
		kubeconfig "kubelet-$node" "/O=system:nodes/CN=system:node:$node" "$state/$node/kubelet.kubeconfig"
	done
}
