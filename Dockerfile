# An image of Troupe: built from this tree on Debian 12, run with the shared libraries alone and without root.
#
#   docker build -t troupe .
#   docker run --rm troupe --version
#
# docker-compose.yml runs five nodes of it; docs/OPERATIONS.md says what a node needs.
FROM debian:12-slim AS build
WORKDIR /troupe
COPY scripts/deps.sh scripts/deps.sh
RUN scripts/deps.sh build
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY src src
RUN cmake --preset release -DTROUPE_TESTS=OFF -DTROUPE_BENCH=OFF \
  && cmake --build --preset release --target troupe \
  && strip --strip-debug -o /usr/local/bin/troupe build/release/troupe

FROM debian:12-slim
COPY scripts/deps.sh /tmp/deps.sh
RUN /tmp/deps.sh runtime && rm -rf /tmp/deps.sh /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/troupe /usr/local/bin/troupe
COPY scripts/probe.sh /usr/local/bin/troupe-probe

# A fixed number, so that volumes and secrets can be given to it. Volumes that are mounted over these folders for the first
# time take over their owner.
RUN groupadd --system --gid 10001 troupe \
  && useradd --system --uid 10001 --gid troupe --no-create-home --home-dir /data --shell /usr/sbin/nologin troupe \
  && install -d -o troupe -g troupe -m 0750 /data /etc/troupe /etc/troupe/tls /etc/troupe/authority
USER 10001:10001
WORKDIR /data
VOLUME /data

# S3, console (health, readiness, administration), other nodes.
EXPOSE 9000 9001 9101
ENV TROUPE_CONFIG=/etc/troupe/cluster.yaml

# Nodes without the role coordinator have no console: turn it off for those (docker run --no-healthcheck).
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["troupe-probe", "/health"]
# As when a host shuts down: requests in flight get 30 s to finish, then leadership is handed over.
STOPSIGNAL SIGTERM
ENTRYPOINT ["troupe"]
CMD ["serve"]
