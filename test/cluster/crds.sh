#!/usr/bin/env bash
# Applies the custom resource definitions of prometheus-operator: ServiceMonitor, PodMonitor, PrometheusRule.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# Too large for the annotation of a client-side apply.
kubectl apply --server-side -f "$programs/crds"
kubectl wait --for=condition=Established -f "$programs/crds" --timeout=30s
