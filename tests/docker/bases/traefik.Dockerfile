# traefik:v3.7, with the program of PyPI; the context is the directory of it.
FROM debian:trixie-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY traefik /usr/local/bin/traefik
EXPOSE 80
ENTRYPOINT ["traefik"]
