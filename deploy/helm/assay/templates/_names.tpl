{{/* One installation to a namespace, so names within it are fixed; those of the whole cluster carry the namespace's. */}}

{{- define "assay.servers" -}}
{{ .Values.servers.namespace.name | default (printf "%s-servers" .Release.Namespace) }}
{{- end }}

{{- define "assay.sandboxes" -}}
{{ .Values.sandbox.namespace.name | default (printf "%s-sandboxes" .Release.Namespace) }}
{{- end }}

{{/* A name for an object of the whole cluster: (list . "control") */}}
{{- define "assay.clusterName" -}}
{{- $root := index . 0 -}}
assay-{{ $root.Release.Namespace }}-{{ index . 1 }}
{{- end }}

{{/* What pods are chosen by; never changed, for selectors cannot be: (list . "scheduler") */}}
{{- define "assay.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: assay
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "assay.labels" -}}
{{- $root := index . 0 -}}
{{ include "assay.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: assay
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The metadata of an object of the release namespace: (list . "runner" "assay-runner") */}}
{{- define "assay.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "assay.labels" . | nindent 2 }}
{{- end }}

{{/* (list . "service") */}}
{{- define "assay.image" -}}
{{- $root := index . 0 -}}
{{- $image := index $root.Values.images (index . 1) -}}
{{- $registry := $image.registry | default $root.Values.global.imageRegistry -}}
{{- if $registry }}{{ $registry }}/{{ end -}}
{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* (list . "control"); empty where there is no class */}}
{{- define "assay.priority" -}}
{{- $root := index . 0 -}}
{{- $class := index $root.Values.priorityClasses (index . 1) -}}
{{- if $class.name }}{{ $class.name }}
{{- else if $root.Values.priorityClasses.create }}{{ include "assay.clusterName" . }}
{{- end -}}
{{- end }}

{{- define "assay.nats.url" -}}
{{- if .Values.nats.enabled -}}
nats://assay-nats.{{ .Release.Namespace }}.svc:4222
{{- else -}}
{{ .Values.nats.external.url }}
{{- end -}}
{{- end }}

{{- define "assay.weights.claim" -}}
{{ .Values.servers.weights.claim.existing | default "assay-weights" }}
{{- end }}
