# The worker and the client in one image:
#   docker build -t sales-increment .
#   docker run --env-file .env sales-increment                                            the worker
#   docker run --env-file .env sales-increment node --import ./runtime/register.js client/main.ts status    a client command
#
# Nothing is written but LANDING_DIR, so the root filesystem can be read-only. test/deploy/files.test.ts follows the
# stage `worker` line by line and runs its commands from a read-only folder.
ARG NODE_IMAGE=node:24-bookworm-slim
# For TEMPORAL_DEPLOYMENT_NAME: --build-arg BUILD_ID=<package version>-<commit>
ARG BUILD_ID

# Everything, with the tools: builds the workflow bundle, and serves the sample report API of compose.yaml.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error
COPY . .
RUN npm run bundle
USER 1000:1000

# What the worker needs at run time. Temporal's core comes for five platforms, 28 MB each; this one stays.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --loglevel=error \
    && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
        ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM ${NODE_IMAGE} AS worker
ARG BUILD_ID
ENV TEMPORAL_WORKER_BUILD_ID=${BUILD_ID}
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json worker.ts ./
COPY activities ./activities
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
# A new volume takes over the owner of this folder.
RUN mkdir "$LANDING_DIR" && chown node:node "$LANDING_DIR"
VOLUME /var/lib/sales-increment
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 8080 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "--eval", "const port = process.env.HEALTH_ADDRESS.split(':').at(-1); fetch(`http://127.0.0.1:${port}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=4", "--import", "./runtime/register.js", "worker.ts"]
