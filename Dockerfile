# Debian rather than Alpine: the tests run with glibc, so the image does too.
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The only optional dependencies are a Node for development, which this image has already.
# Not npm ci: the lockfile cannot always name the optional packages of every platform.
RUN npm install --omit=dev --omit=optional

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
# Code belongs to root and the program runs as node: it can write to /data only.
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
# The sample API, for docker-compose.yml.
COPY examples/invoice-api ./examples/invoice-api
USER node
# For ONCEGATE_STORE=sqlite:/data/oncegate.db. There is no default here: without a volume a file would go with the container.
VOLUME /data
# The clients' port only. The operator's stays on the container's loopback unless ONCEGATE_ADMIN_LISTEN says otherwise.
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "src/main.ts", "health"]
ENTRYPOINT ["node", "src/main.ts"]
