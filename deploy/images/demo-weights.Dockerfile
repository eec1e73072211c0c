# The weights of the demo's model, and its licence: an image that is mounted as a volume and never runs. Built by build.ts,
# which stages demo-weights.tar.
FROM scratch
ADD demo-weights.tar /
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Weights of SmolLM2-135M-Instruct" \
      org.opencontainers.image.description="SmolLM2-135M-Instruct as GGUF, for first tries of Assay" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
