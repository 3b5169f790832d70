{{- define "orlop.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "orlop.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "orlop.labels" -}}
{{ include "orlop.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "orlop.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "orlop.account" -}}
{{- if .Values.serviceAccount.name }}{{ .Values.serviceAccount.name }}{{ else if .Values.serviceAccount.create }}{{ include "orlop.name" . }}{{ else }}default{{ end }}
{{- end }}

{{/* Whether the catalog is in PostgreSQL, blobs are in a bucket, and anything is in the volume: "yes" or nothing. */}}
{{- define "orlop.postgres" -}}{{ if or .Values.catalog.url .Values.catalog.existingSecret }}yes{{ end }}{{- end }}
{{- define "orlop.bucket" -}}{{ if .Values.blobs.url }}yes{{ end }}{{- end }}
{{- define "orlop.volume" -}}{{ if not (and (include "orlop.postgres" .) (include "orlop.bucket" .)) }}yes{{ end }}{{- end }}
{{- define "orlop.several" -}}{{ if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}yes{{ end }}{{- end }}

{{/* Values that each may be, but not together. */}}
{{- define "orlop.check" -}}
{{- $volume := include "orlop.volume" . }}
{{- if and (include "orlop.several" .) (not (include "orlop.postgres" .)) }}
{{- fail "several replicas need one catalog: set catalog.existingSecret (or catalog.url) to a database of PostgreSQL, or replicas to 1 and autoscaling.enabled to false" }}
{{- end }}
{{- if and (include "orlop.several" .) (not (include "orlop.bucket" .)) }}
{{- fail "several replicas need one store of blobs: set blobs.url to a bucket, as s3://bucket/prefix, or replicas to 1 and autoscaling.enabled to false" }}
{{- end }}
{{- if and .Values.catalog.url .Values.catalog.existingSecret }}
{{- fail "catalog.url and catalog.existingSecret both say where the catalog is: leave one empty" }}
{{- end }}
{{- if and .Values.blobs.existingSecret (not .Values.blobs.url) }}
{{- fail "blobs.existingSecret has the keys of a bucket, but blobs.url names none" }}
{{- end }}
{{- if and (or .Values.blobs.endpoint .Values.blobs.region) (not .Values.blobs.url) }}
{{- fail "blobs.endpoint and blobs.region say where a bucket is, but blobs.url names none" }}
{{- end }}
{{- if and (or .Values.ingress.enabled .Values.gateway.enabled) (not .Values.host) }}
{{- fail "an Ingress and an HTTPRoute are for a host: set host to the name at which clients reach the registry" }}
{{- end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) }}
{{- fail "gateway.enabled makes an HTTPRoute, which belongs to a Gateway: name it in gateway.parentRefs" }}
{{- end }}
{{- if and .Values.ingress.enabled .Values.gateway.enabled }}
{{- fail "ingress.enabled and gateway.enabled would both lead clients to the registry: choose one" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.min) (int .Values.autoscaling.max)) }}
{{- fail (printf "autoscaling.min (%d) is more than autoscaling.max (%d)" (int .Values.autoscaling.min) (int .Values.autoscaling.max)) }}
{{- end }}
{{- if and .Values.persistence.existingClaim (not $volume) }}
{{- fail "persistence.existingClaim names a volume, but with the catalog in PostgreSQL and blobs in a bucket nothing is kept in one" }}
{{- end }}
{{- range $key, $_ := .Values.settings }}
{{- if or (has $key (list "data" "listen" "open" "catalog.url" "log.format" "auth.url")) (hasPrefix "tls." $key) (has $key (list "blobs.url" "blobs.endpoint" "blobs.region" "blobs.access_key_id" "blobs.secret_access_key")) }}
{{- fail (printf "settings: %s is set by the chart; see values.yaml for the value that stands for it" $key) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The catalog, as an entry of `env`. Takes a list of the root and the name of the chart's own secret. */}}
{{- define "orlop.catalogEnv" -}}
{{- $root := index . 0 }}{{- $own := index . 1 }}
- name: ORLOP_CATALOG_URL
  valueFrom:
    secretKeyRef:
      name: {{ $root.Values.catalog.existingSecret | default $own | quote }}
      key: {{ if $root.Values.catalog.existingSecret }}{{ $root.Values.catalog.key | quote }}{{ else }}catalog-url{{ end }}
{{- end }}

{{- define "orlop.settingsEnv" -}}
- name: ORLOP_LOG_FORMAT
  value: json
{{- range $key, $value := .Values.settings }}
- name: ORLOP_{{ $key | upper | replace "." "_" }}
  value: {{ if kindIs "float64" $value }}{{ $value | int64 | toString | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end }}

{{- define "orlop.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "orlop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
