# Needs BuildKit or buildah, for the cache mounts.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The mounts keep downloaded and compiled dependencies between builds; only the program leaves them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin convoke \
    && install -D target/release/convoke /out/usr/local/bin/convoke \
    && install -d -m 0750 -o 10001 -g 10001 /out/var/lib/convoke

# Same Debian as the build, hence the same C library; SQLite, libpq and TLS are inside the program.
FROM debian:bookworm-slim
# To trust the mail relay's certificate.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out /
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
# Here lie convoke.toml, config/, the keys and, with SQLite, the database: mount something that lasts.
WORKDIR /var/lib/convoke
VOLUME /var/lib/convoke
ENTRYPOINT ["/usr/local/bin/convoke"]
CMD ["--help"]
