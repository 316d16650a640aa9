# Builds with BuildKit and without it.
#
#   docker build -t masker:0.1.0 .               the processor without a shell, for Kubernetes
#   docker build -t masker --target masker .     the same with one: compose checks health with it
#   docker build -t masker-mock --target mock .  the mock provider of `--profile mock`
#   docker buildx build --platform linux/amd64,linux/arm64 …   for both
FROM rust:1-bookworm AS build
WORKDIR /src
# .dockerignore lists what this is; keys and logs are not.
COPY . .
RUN cargo build --release --locked --bin masker --example mock_provider \
    && mkdir /out && cp target/release/masker target/release/examples/mock_provider /out/

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

# The last, so that the builds of the others need not fetch it.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/masker /usr/local/bin/masker
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/masker"]
CMD ["serve"]
