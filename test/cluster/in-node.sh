#!/usr/bin/env bash
# Runs a command inside a node: in-node.sh NODE nft list ruleset
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

node=$1
init=$(init_of "$node") || fail "there is no node $node, or the cluster is down"
export CONTAINERD_ADDRESS=$state/$node/containerd.sock CONTAINERD_NAMESPACE=k8s.io KUBECONFIG=$kubeconfig
exec nsenter --target "$init" --all -- "${@:2}"
