# The image contains only the program and its certificates. Both build stages run on the build machine's platform and
# cross-compile, so `docker buildx build --platform linux/amd64,linux/arm64 .` doesn't emulate anything.

FROM --platform=$BUILDPLATFORM node:22.23.1-bookworm-slim@sha256:6c74791e557ce11fc957704f6d4fe134a7bc8d6f5ca4403205b2966bd488f6b3 AS assets
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY ui ui
COPY accounts accounts
RUN node ui/build.mjs

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d AS program
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
# Includes .git, because the Go tool takes the version from it.
COPY . .
COPY --from=assets /src/ui/static/build ui/static/build
COPY --from=assets /src/accounts/generated accounts/generated
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make compile OUT=/out/rollcall && \
    install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=program /out/rollcall /rollcall
# A new volume gets its owner from this folder.
COPY --from=program --chown=65532:65532 --chmod=0700 /out/data /data
ENV PORT=8080 ROLLCALL_DB=/data/rollcall.db ROLLCALL_RUN_AS=65532 TMPDIR=/data
EXPOSE 8080
# Rollcall writes only here. You can mount everything else read-only.
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["/rollcall", "health"]
# Some platforms give the container volumes that belong to root. So it starts as root, gives the volume to the user in
# ROLLCALL_RUN_AS, and then drops root privileges. If you start it as another user, it doesn't need root.
ENTRYPOINT ["/rollcall"]
