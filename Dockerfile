# A static binary on an empty base: no shell, no package, nobody but the user it runs as. It needs a DATABASE_URL, as the
# embedded default wants a shell and PostgreSQL's programs. For another architecture: docker build --platform linux/arm64

ARG RUST=1.95
FROM rust:${RUST}-bookworm AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN case "${TARGETARCH:-$(dpkg --print-architecture)}" in \
        amd64) target=x86_64-unknown-linux-gnu ;; \
        arm64) target=aarch64-unknown-linux-gnu ;; \
        *) echo "no build for ${TARGETARCH}" >&2; exit 1 ;; \
    esac \
    # With a target named, the flags are not for build scripts and macros, which cannot be static.
    && RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --release --bin onhook --target "$target" \
    && install -D "target/$target/release/onhook" /image/onhook \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM scratch
COPY --from=build /image /
USER 65532:65532
ENV ONHOOK_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Ready: the database is reachable, the schema current, the queue not stuck.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/onhook", "health"]
ENTRYPOINT ["/onhook"]
CMD ["serve"]
