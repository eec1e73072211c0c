# A database for first tries: one PostgreSQL, its data in /data, its user and database `assay`. Built by build.ts, which
# stages postgres.tar: the start script, who may connect, and the user that initdb wants to have a name. This image alone
# has a shell: the server itself starts programs by it.
ARG BASE=docker.io/library/postgres:15-bookworm
FROM ${BASE}
ADD postgres.tar /
WORKDIR /
ENV PGDATA=/data/db
USER 10003:10003
EXPOSE 5432
STOPSIGNAL SIGTERM
ENTRYPOINT ["/bin/sh", "/usr/local/bin/start-postgres"]
CMD []
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="PostgreSQL for Assay" \
      org.opencontainers.image.description="PostgreSQL with a database for results, for first tries of Assay" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
