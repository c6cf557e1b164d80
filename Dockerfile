# One image for every use: `serve`, `serve --role ...`, and one-shot commands such as `review`.
# How to build and run it: docs/how-to/run-the-container.md.
#
# The tag moves; a release names the digest it was built from (.github/workflows/release.yml):
#   docker build --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:... .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The environment that is copied has no pip in it: the base image's own pip fills it.
RUN python -m venv --without-pip /opt/reviewbot && python -m venv --without-pip /opt/build
# --build-arg ANALYZERS= leaves out all analyzers but ruff, some 100 MB.
ARG ANALYZERS=analyzers.lock
COPY requirements.lock deploy/container/build.lock deploy/container/analyzers.lock ./
RUN for lock in requirements.lock $ANALYZERS; do \
      python -m pip --python /opt/reviewbot/bin/python install --no-deps --require-hashes --only-binary :all: -r "$lock" || exit; \
    done \
    && python -m pip --python /opt/build/bin/python install --require-hashes --only-binary :all: -r build.lock
COPY pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.md ./
COPY reviewbot reviewbot
COPY webhooks webhooks
# Nothing is fetched any more: what builds the wheel is in build.lock.
RUN /opt/build/bin/python -m hatchling build -t wheel -d /wheels \
    && python -m pip --python /opt/reviewbot/bin/python install --no-index --no-deps /wheels/*.whl

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="reviewbot" \
      org.opencontainers.image.description="A pull-request reviewer for GitHub" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# git reads pull requests; tini is process 1, so that what a killed git leaves behind is reaped, and signals arrive.
# No versions are named: Debian keeps no old ones, so a pin fails the build after the next security fix.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 reviewbot \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin reviewbot \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/reviewbot /opt/reviewbot
# All that it writes is in /data and /tmp: the rest of the file system may be read-only.
ENV PATH="/opt/reviewbot/bin:${PATH}" \
    HOME=/data \
    REVIEWBOT_DATA_DIR=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
# For `serve`; a one-shot command has ended before it is asked.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=8)"]
ENTRYPOINT ["tini", "--", "reviewbot"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--log", "json"]
