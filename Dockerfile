# Builds with BuildKit and without it.
#
#   docker build -t masker:0.1.0 .               the processor and its libraries alone, for Kubernetes
#   docker build -t masker --target masker .     the same with a shell: compose checks health with it
#   docker build -t masker-mock --target mock .  the mock provider of `--profile mock`
#   docker buildx build --platform linux/amd64,linux/arm64 …   for both
FROM rust:1-bookworm AS build
WORKDIR /src
# .dockerignore lists what this is; keys and logs are not.
COPY . .
# Without what debuggers read: it is six times as much as the program.
ENV CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols
RUN cargo build --release --locked --bin masker --example mock_provider \
    && mkdir /out && cp target/release/masker target/release/examples/mock_provider /out/
# What masker needs of the system: some libraries, and a name for its user.
RUN mkdir -p /root-of-masker/usr/local/bin /root-of-masker/etc \
    && cp /out/masker /root-of-masker/usr/local/bin/ \
    && ldd /out/masker | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /root-of-masker \
    && echo 'masker:x:65532:65532:masker:/:/sbin/nologin' >/root-of-masker/etc/passwd

FROM debian:bookworm-slim AS base
# No packages: the root certificates for Redis over TLS are built in, and nothing
# else leaves from here.
RUN groupadd --system --gid 65532 masker && useradd --system --uid 65532 --gid masker --no-create-home masker
USER 65532:65532

FROM base AS mock
COPY --from=build /out/mock_provider /usr/local/bin/mock_provider
ENTRYPOINT ["mock_provider"]
CMD ["--listen", "0.0.0.0:9000"]

FROM base AS masker
COPY --from=build /out/masker /usr/local/bin/masker
ENTRYPOINT ["masker"]
CMD ["serve"]

# No shell, no package manager, nothing to update but this.
FROM scratch
COPY --from=build /root-of-masker/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/masker"]
CMD ["serve"]
