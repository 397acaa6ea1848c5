# Builds one static program. The two bases are arguments, so that a mirror, a digest or a local image can stand in.
ARG BUILD_BASE=golang:1.26-bookworm
ARG RUNTIME_BASE=gcr.io/distroless/static-debian13:nonroot

FROM ${BUILD_BASE} AS build
WORKDIR /src
# The modules change less often than the sources, so they are a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /groupphoto ./cmd/groupphoto

FROM ${RUNTIME_BASE} AS runtime
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="groupphoto" \
      org.opencontainers.image.description="Changes the photo of WhatsApp groups through PlugChat, reliably and in bulk" \
      org.opencontainers.image.source="https://github.com/plugchat-go/groupphoto" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /groupphoto /groupphoto
COPY LICENSE THIRD_PARTY_NOTICES.md /licenses/
# The number, not the name: orchestrators that demand "not root" cannot read names out of an image.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/groupphoto", "healthcheck"]
ENTRYPOINT ["/groupphoto"]
