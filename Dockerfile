# The program and nothing beside it. Both builders run on the machine that builds; only the result is for the target,
# so `docker buildx build --platform linux/amd64,linux/arm64 .` emulates nothing.

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
# With .git, from which the Go tool takes the version.
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
# A new volume takes its owner from here.
COPY --from=program --chown=65532:65532 --chmod=0700 /out/data /data
ENV PORT=8080 ROLLCALL_DB=/data/rollcall.db ROLLCALL_RUN_AS=65532 TMPDIR=/data
EXPOSE 8080
# The only place that is ever written; everything else may be mounted read-only.
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["/rollcall", "health"]
# Root only until the volume is the user's (ROLLCALL_RUN_AS), for platforms whose volumes belong to root. Started as
# anybody else, it never needs root.
ENTRYPOINT ["/rollcall"]
