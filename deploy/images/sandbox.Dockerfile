# Where submissions run: Python's standard library, the jail, and nothing else that a submission could use. Built by
# build.ts, which stages sandbox.tar: lib/python/jail. Its command is the pod's: a parent that starts the jail's processes,
# for these make sessions of their own, which a container's first process can not.
ARG BASE=gcr.io/distroless/python3-debian12:latest
FROM ${BASE}
ADD sandbox.tar /
WORKDIR /
ENV PYTHONHASHSEED=0 PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1
USER 10002:10001
ENTRYPOINT ["/usr/bin/python3", "-s", "-S", "-B"]
CMD ["--version"]
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Assay sandbox" \
      org.opencontainers.image.description="Runs the code that language models wrote, in a jail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
