# The demo's model server on the CPU, by the container contract of a device's server: `--model REPO --tt-device DEVICE`,
# port 8000, user 1000, a cache that grows. Built by build.ts, which stages cpu-server.tar: Node, demo/server and its
# dependencies. It has no weights: MODEL_WEIGHTS_DIR names the folder with one GGUF file.
ARG BASE=gcr.io/distroless/cc-debian12:latest
FROM ${BASE}
ADD cpu-server.tar /
WORKDIR /app
ENV NODE_ENV=production HOME=/tmp CACHE_ROOT=/home/container_app_user/cache_root
USER 1000:1000
EXPOSE 8000
ENTRYPOINT ["/usr/local/bin/node", "demo/server/main.ts"]
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Assay CPU model server" \
      org.opencontainers.image.description="Serves a GGUF model on the CPU with the OpenAI API, for first tries and tests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
