# The four services of Assay; the command chooses one of them: `services/runner/main.ts`. Built by build.ts, which stages
# service.tar: Node, the production dependencies and the sources.
ARG BASE=gcr.io/distroless/cc-debian12:latest
FROM ${BASE}
ADD service.tar /
WORKDIR /app
ENV NODE_ENV=production HOME=/tmp MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
USER 10001:10001
ENTRYPOINT ["/usr/local/bin/node"]
CMD ["-e", "console.error('which service? give services/{scheduler,runner,sandbox,reporter}/main.ts'); process.exitCode = 2"]
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Assay service" \
      org.opencontainers.image.description="Scheduler, runner, sandbox agent and reporter of Assay" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
