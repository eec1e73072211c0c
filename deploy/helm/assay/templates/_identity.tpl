{{/* How scheduler and reporter know who asks. */}}
{{- define "assay.identity.env" -}}
{{- $identity := .Values.identity -}}
{{- if eq $identity.type "token" -}}
- name: ASSAY_TOKEN
  valueFrom: { secretKeyRef: { name: {{ include "assay.token.secret" . }}, key: token } }
{{- else -}}
- { name: ASSAY_IDENTITY, value: kubernetes }
{{- with $identity.oidc }}
{{- if .issuer }}
- { name: ASSAY_OIDC_ISSUER, value: {{ .issuer | quote }} }
- { name: ASSAY_OIDC_AUDIENCE, value: {{ .audience | quote }} }
- { name: ASSAY_OIDC_TENANT_CLAIM, value: {{ .tenantClaim | quote }} }
- { name: ASSAY_OIDC_USER_CLAIM, value: {{ .userClaim | quote }} }
- { name: ASSAY_OIDC_PREFIX, value: {{ .prefix | quote }} }
{{- with .groupsClaim }}
- { name: ASSAY_OIDC_GROUPS_CLAIM, value: {{ . | quote }} }
{{- end }}
{{- end }}
{{- end }}
{{- if $identity.staticTokens.existingSecret }}
- { name: ASSAY_STATIC_TOKENS_FILE, value: /var/run/assay/static-tokens/tokens.yaml }
{{- end }}
{{- end }}
{{- end }}

{{- define "assay.identity.mounts" -}}
{{- if and (eq .Values.identity.type "kubernetes") .Values.identity.staticTokens.existingSecret }}
- { name: static-tokens, mountPath: /var/run/assay/static-tokens, readOnly: true }
{{- end }}
{{- end }}

{{- define "assay.identity.volumes" -}}
{{- if and (eq .Values.identity.type "kubernetes") .Values.identity.staticTokens.existingSecret }}
- name: static-tokens
  secret:
    secretName: {{ .Values.identity.staticTokens.existingSecret }}
    items: [{ key: tokens.yaml, path: tokens.yaml }]
{{- end }}
{{- end }}

{{/* Who the pod is to the services of Assay: a token for them alone, which the kubelet renews. */}}
{{- define "assay.identity.token.mount" -}}
{{- if eq .Values.identity.type "kubernetes" }}
- { name: identity, mountPath: /var/run/assay/identity, readOnly: true }
{{- end }}
{{- end }}

{{- define "assay.identity.token.volume" -}}
{{- if eq .Values.identity.type "kubernetes" }}
- name: identity
  projected:
    sources:
      - serviceAccountToken: { audience: assay, expirationSeconds: 3600, path: token }
{{- end }}
{{- end }}
