# The worker and the client in one image:
#   docker build --tag sales-increment .
#   docker run --env-file .env sales-increment                           the worker
#   docker run --env-file .env sales-increment sales-increment status    a client command
#
# Nothing is written but LANDING_DIR, so the root filesystem can be read-only. `npm run test:image` builds and runs it.
#
# Node.js 26 runs the TypeScript as it is. Dependabot renews the version; a digest (node:26-slim@sha256:…) is kept up to
# date as well, once it is here. Behind a proxy with a CA of its own, NODE_IMAGE must set NODE_EXTRA_CA_CERTS.
ARG NODE_IMAGE=node:26-slim

# Everything, with the tools: builds the workflow bundle, and serves the sample report API of compose.yaml.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error
COPY . .
# For USER: files of a checkout keep their modes, and under umask 077 only their owner may read them.
RUN find . -path ./node_modules -prune -o -exec chmod go+rX {} + && npm run bundle
USER 1000:1000

# What the worker needs at run time: no compilers, of Temporal's core (28 MB for each of five platforms) that of this
# one, and no sources, types and maps of packages.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --loglevel=error
WORKDIR /app/node_modules
RUN rm -r tsx esbuild @esbuild @swc .bin \
    && find @temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + \
    && rm -r @temporalio/core-bridge/sdk-core \
    && find . -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' \) -delete

FROM ${NODE_IMAGE} AS worker
# npm, and where the base has them yarn and corepack: nothing here installs a package.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* && find /usr/local/bin -xtype l -delete
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json worker.ts ./
COPY activities ./activities
COPY bin ./bin
COPY client ./client
COPY database ./database
COPY domain ./domain
COPY pipeline ./pipeline
COPY runtime ./runtime
COPY sql ./sql
COPY worker ./worker
COPY workflows ./workflows
# The allocator's two arenas and the small young generation take 80 MB off the peak of a large day; the script
# `worker` of package.json does the same.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    LANDING_DIR=/var/lib/sales-increment \
    HEALTH_ADDRESS=0.0.0.0:8080 \
    METRICS_ADDRESS=0.0.0.0:9464
# A new volume takes over the owner of this folder. For the modes see above.
RUN mkdir "$LANDING_DIR" && chown 1000:1000 "$LANDING_DIR" \
    && find . -path ./node_modules -prune -o -exec chmod go+rX {} + \
    && ln -s /app/bin/sales-increment.js /usr/local/bin/sales-increment
VOLUME /var/lib/sales-increment
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 8080 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "--eval", "const port = process.env.HEALTH_ADDRESS.split(':').at(-1); fetch(`http://127.0.0.1:${port}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=4", "--import", "./runtime/register.js", "worker.ts"]
# Of this build, which release.yml gives; last, since they change every time. BUILD_ID is for TEMPORAL_DEPLOYMENT_NAME.
ARG BUILD_ID
ARG VERSION
ARG REVISION
ARG SOURCE
ENV TEMPORAL_WORKER_BUILD_ID=${BUILD_ID}
LABEL org.opencontainers.image.title="sales-increment" \
    org.opencontainers.image.description="Loads a shop's daily sales increment into PostgreSQL: a Temporal worker and its client" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}"
