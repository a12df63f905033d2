# Needs BuildKit or buildah, for the cache mounts. `script/image` builds it where no registry is reachable, and tries it out.
ARG RUST=docker.io/library/rust:1.95-bookworm
FROM ${RUST} AS build
WORKDIR /src
COPY . .
# TLS to PostgreSQL by Debian's own OpenSSL, which each build takes as it is then; the image of Rust has its headers (libssl-dev, pkg-config).
ENV OPENSSL_NO_VENDOR=1
# The mounts keep downloaded and compiled dependencies between builds; only the program leaves them. Linked as one whole: docs/adr/0018.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --bin convoke --features postgres-tls \
    && install -D target/dist/convoke /out/usr/local/bin/convoke \
    && install -d /out/usr/share/doc/convoke \
    && cargo tree --locked --edges normal --features postgres-tls --prefix none --format '{p} {l}' | sort -u \
       > /out/usr/share/doc/convoke/sbom.txt
# Nothing but the program, the libraries that it was linked with (C, OpenSSL), and what it needs to trust a relay: no shell, no package.
RUN install -d -m 0750 -o 10001 -g 10001 /out/var/lib/convoke && install -d -m 1777 /out/tmp \
    && ldd /out/usr/local/bin/convoke | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "/out$library"; done \
    && install -D /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt \
    && printf 'convoke:x:10001:10001::/var/lib/convoke:/sbin/nologin\n' > /out/etc/passwd \
    && printf 'convoke:x:10001:\n' > /out/etc/group

FROM scratch
COPY --from=build /out /
LABEL org.opencontainers.image.title="convoke" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      convoke.sbom="/usr/share/doc/convoke/sbom.txt"
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
# Here lie convoke.toml, config/, the keys and, with SQLite, the database: mount something that lasts. All else may be read-only.
WORKDIR /var/lib/convoke
VOLUME /var/lib/convoke
# Health and metrics: seen from outside the container, whose network decides who may ask.
ENV CONVOKE__HTTP__LISTEN=0.0.0.0:8094 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
EXPOSE 8094
HEALTHCHECK --interval=1m --timeout=15s --start-period=30s CMD ["/usr/local/bin/convoke", "healthcheck", "--quiet", "--listen", "127.0.0.1:8094"]
ENTRYPOINT ["/usr/local/bin/convoke"]
CMD ["serve"]
