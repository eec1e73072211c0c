# Where submissions run: Python's standard library, the jail, and nothing else that a submission could use. Built by
# build.ts, which stages sandbox.tar: lib/python/jail. Its command is a parent that starts one of the jail's processes for
# each connection to its socket; as the container's first process it reaps, and ends everything on SIGTERM.
ARG BASE=gcr.io/distroless/python3-debian12:latest
FROM ${BASE}
ADD sandbox.tar /
WORKDIR /
ENV PYTHONHASHSEED=0 PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1 ASSAY_EXEC_SOCKET=/run/assay/exec.sock
USER 10002:10001
ENTRYPOINT ["/usr/bin/python3", "-s", "-S", "-B"]
CMD ["/app/lib/python/jail/serve.py"]
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Assay sandbox" \
      org.opencontainers.image.description="Runs the code that language models wrote, in a jail" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
