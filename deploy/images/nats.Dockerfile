# A broker for first tries: one nats-server with JetStream, its store in /data, its monitoring on port 8222. Built by
# build.ts, which stages nats.tar: the pinned program and nats.conf.
ARG BASE=gcr.io/distroless/static-debian12:latest
FROM ${BASE}
ADD nats.tar /
WORKDIR /
USER 10001:10001
EXPOSE 4222 8222
ENTRYPOINT ["/usr/local/bin/nats-server"]
CMD ["-c", "/etc/nats/nats.conf"]
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="NATS server for Assay" \
      org.opencontainers.image.description="nats-server with JetStream, for first tries of Assay" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
