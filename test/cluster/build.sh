#!/usr/bin/env bash
# Builds the cluster's programs from pinned Go modules, once for each state of their sources. Needs no Node.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

mkdir -p "$cache"
exec 9>>"$cache/build.lock"
if ! flock --nonblock 9; then
	echo "build: waiting for the build of $(cat "$cache/build.holder" 2>/dev/null)"
	flock 9
fi
echo "$here (process $$)" >"$cache/build.holder"
if [ -e "$programs/complete" ]; then
	touch "$programs" # in use
	echo "build: nothing to build, $programs is there"
	exit 0
fi
command -v go >/dev/null || fail "needs Go 1.21 or newer, which fetches the pinned one itself: https://go.dev/doc/install"

started=$SECONDS
out=$cache/building
rm -rf "$out"
mkdir -p "$out/crds"
pinned() { awk -v module="$1" '$1 == module && NF == 2 { print $2; exit }' "$here/src/go.mod"; }
version=$(pinned k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
flags="-s -w -X helm.sh/helm/v4/internal/version.version=$(pinned helm.sh/helm/v4)"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
done
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=auto

echo "build: Kubernetes $version and its parts; about ten minutes with nothing cached"
cd "$here/src"
go build -trimpath -ldflags "$flags" -o "$out/" ./kube ./pause
go build -trimpath -ldflags "-s -w" -o "$out/" \
	github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 \
	github.com/nats-io/nats-server/v2 \
	github.com/yannh/kubeconform/cmd/kubeconform
for part in containerd coredns ctr dra-driver etcd helm kube-apiserver kube-controller-manager \
	kube-proxy kube-scheduler kubectl kubelet kwok network-policy; do
	ln -sfn kube "$out/$part"
done

# What kwok does to fake nodes and pods, from its module.
stages=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
	pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
	cat "$stages/$stage.yaml"
	echo ---
done >"$out/kwok-stages.yaml"

cd "$here/crds"
operator=github.com/prometheus-operator/prometheus-operator
go mod download "$operator"
crds=$(go list -m -f '{{.Dir}}' "$operator")/example/prometheus-operator-crd
for kind in podmonitors prometheusrules servicemonitors; do
	install -m 644 "$crds/monitoring.coreos.com_$kind.yaml" "$out/crds/$kind.yaml"
done

: >"$out/complete"
rm -rf "$programs"
mv "$out" "$programs"
find "$cache" -maxdepth 1 -name 'programs-*' -mtime +14 -exec rm -rf {} +
echo "build: $(du -sh "$programs" | cut -f1) in $programs after $((SECONDS - started)) s"
