# Tidegate, Python and what they need, out of Debian's packages and locked wheels: no shell, no package manager, no root.
# docker build --tag tidegate .
ARG DEBIAN=bookworm-slim

FROM debian:${DEBIAN} AS build
# hadolint ignore=DL3008 # of one release of Debian, whose packages only get fixes
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils ca-certificates python3-venv
WORKDIR /source
COPY deploy/image deploy/image
RUN deploy/image/system.sh /image
COPY requirements-build.lock requirements-image.lock ./
RUN python3 -m venv /build \
    && /build/bin/pip install --no-cache-dir --require-hashes --requirement requirements-build.lock
RUN PYTHON=/build/bin/python deploy/image/python.sh /image requirements-image.lock
COPY pyproject.toml README.md LICENSE THIRD_PARTY.md ./
COPY src src
RUN PYTHON=/build/bin/python deploy/image/tidegate.sh /image .

FROM scratch
COPY --from=build /image /
ENV LANG=C.UTF-8 \
    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \
    PATH=/usr/local/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    TIDEGATE_HOST=0.0.0.0 \
    TIDEGATE_STORE=sqlite:////data/tidegate.db
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8123
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/usr/local/bin/healthy"]
ENTRYPOINT ["/usr/local/bin/tidegate"]
CMD ["serve"]
