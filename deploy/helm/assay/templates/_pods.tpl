{{/* What every pod of ours has in its spec: (list . "runner" "control" seconds) */}}
{{- define "assay.pod" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index $root.Values $component -}}
enableServiceLinks: false
{{- with $root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with include "assay.priority" (list $root (index . 2)) }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ index . 3 }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "assay.selector" (list $root $component) | nindent 8 }}
{{- end }}
{{- end }}

{{/* Of a pod's template: (list . "runner" annotations) */}}
{{- define "assay.pod.metadata" -}}
{{- $values := index (index . 0).Values (index . 1) -}}
labels:
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- include "assay.labels" . | nindent 2 }}
{{- with merge dict (index . 2) ($values.podAnnotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Security of a pod that runs as this user: 10001 */}}
{{- define "assay.user" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "assay.locked" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* How a service of ours is started: (list . "runner" "services/runner/main.ts" flags). V8 is left little of a garbage to
     grow into, as in cli/local/services.ts. */}}
{{- define "assay.service.command" -}}
{{- $values := index (index . 0).Values (index . 1) -}}
image: {{ include "assay.image" (list (index . 0) "service") }}
imagePullPolicy: {{ (index . 0).Values.images.service.pullPolicy }}
args:
  {{- range index . 3 }}
  - {{ . }}
  {{- end }}
  - --max-old-space-size={{ $values.heapMiB }}
  - {{ index . 2 }}
  {{- range $values.extraArgs }}
  - {{ . | quote }}
  {{- end }}
securityContext: {{- include "assay.locked" . | nindent 2 }}
resources: {{- toYaml $values.resources | nindent 2 }}
{{- with $values.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Settings that every service has: (list . "runner") */}}
{{- define "assay.service.env" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
- { name: ASSAY_HOST, value: 0.0.0.0 }
- { name: ASSAY_OPS_PORT, value: '8080' }
- { name: ASSAY_LOG_LEVEL, value: {{ $root.Values.logLevel }} }
- { name: ASSAY_GRACE, value: {{ $values.graceSeconds }}s }
- { name: ASSAY_PARTITIONS, value: {{ join "," $root.Values.partitions | quote }} }
- { name: ASSAY_NATS_URL, value: {{ include "assay.nats.url" $root | quote }} }
- { name: ASSAY_NATS_USER, value: {{ index . 1 }} }
- { name: ASSAY_NATS_PASSWORD_FILE, value: /var/run/assay/broker/password }
- { name: ASSAY_BLOB_STORE, value: nats }
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Ports and probes of a service: (list . "runner"). The ops port opens once broker and database were reached: a start
     waits for them, and is not killed for it soon. */}}
{{- define "assay.service.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: ops }
  periodSeconds: 2
  failureThreshold: 300
livenessProbe:
  httpGet: { path: /livez, port: ops }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: ops }
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
{{- end }}

{{/* (list . "runner") */}}
{{- define "assay.service.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: broker, mountPath: /var/run/assay/broker, readOnly: true }
{{- with (index (index . 0).Values (index . 1)).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Each pod gets its own broker password and no other: (list . "runner" "name of the Secret") */}}
{{- define "assay.service.volumes" -}}
- { name: tmp, emptyDir: { sizeLimit: 1Gi } }
- name: broker
  secret:
    secretName: {{ index . 2 }}
    items: [{ key: {{ index . 1 }}, path: password }]
{{- with (index (index . 0).Values (index . 1)).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The grace of the process, three seconds for each of its closers, and the pause before it is told. */}}
{{- define "assay.service.grace" -}}
{{ add .graceSeconds 25 }}
{{- end }}

{{- define "assay.broker.secret" -}}
{{ .Values.nats.auth.existingSecret | default "assay-broker" }}
{{- end }}

{{- define "assay.token.secret" -}}
{{ .Values.identity.token.existingSecret | default "assay-token" }}
{{- end }}

{{- define "assay.postgres.secret" -}}
{{ .Values.postgres.auth.existingSecret | default "assay-postgres" }}
{{- end }}
