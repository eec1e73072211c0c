module assay.test/crds

go 1.26.8

require github.com/prometheus-operator/prometheus-operator v0.92.1
