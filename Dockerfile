# docker build .                         the gateway
# docker build --target sample-api .     the sample API, for docker-compose.yml
#
# The Node that package.json pins for development. Debian rather than Alpine: the tests run with glibc, so the image does too.
# For builds that can be repeated to the byte, add the digest that `docker buildx imagetools inspect` shows: ...-slim@sha256:...
ARG NODE=node:26.10.0-trixie-slim

FROM ${NODE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The only optional dependencies are a Node for development, which this image has already.
# Not npm ci: the lockfile cannot always name the optional packages of every platform.
RUN npm install --omit=dev --omit=optional

FROM ${NODE} AS runtime
ENV NODE_ENV=production
WORKDIR /app
# Code belongs to root and the program runs as another user: it can write to /data only, and its records are nobody else's to read.
RUN mkdir -m 700 /data && chown 1000:1000 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
# By number, so that Kubernetes can see that it is not root. It is the base image's user "node".
USER 1000:1000
# For ONCEGATE_STORE=sqlite:/data/oncegate.db. There is no default here: without a volume a file would go with the container.
VOLUME /data
STOPSIGNAL SIGTERM

FROM runtime AS sample-api
COPY examples/invoice-api ./examples/invoice-api
ENV HOST=0.0.0.0 PORT=3001 INVOICE_DB=/data/invoices.db
EXPOSE 3001
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:3001/health').then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["node", "examples/invoice-api/main.ts"]

FROM runtime AS gateway
COPY src ./src
# docker build --build-arg VERSION=... --build-arg REVISION=$(git rev-parse HEAD)
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="oncegate" \
      org.opencontainers.image.description="Retry a POST without creating a second invoice: an idempotency gateway for APIs you cannot change." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/oncegate/oncegate" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The clients' port only. The operator's stays on the container's loopback unless ONCEGATE_ADMIN_LISTEN says otherwise.
EXPOSE 8080
# Whether the process lives. Whether it can execute operations ("health", "--ready") is for who sends it traffic.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "src/main.ts", "health"]
# Node is process 1: it hears SIGTERM itself, and it starts no children that anybody would have to reap.
ENTRYPOINT ["node", "src/main.ts"]
