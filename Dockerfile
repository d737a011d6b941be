# One image for every process of ours; docker-compose.yml says which one a container runs.
FROM node:24-bookworm-slim AS manifests
WORKDIR /app
ENV npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_ignore_scripts=true
COPY package.json package-lock.json ./
COPY packages/common/package.json packages/common/
COPY packages/protocol/package.json packages/protocol/
COPY services/api/package.json services/api/
COPY services/worker/package.json services/worker/
COPY services/gateway/package.json services/gateway/

# The database client is generated from the schema; only this stage needs Prisma's command line.
FROM manifests AS client
RUN --mount=type=cache,target=/root/.npm npm ci
COPY prisma.config.ts ./
COPY prisma prisma
RUN node prisma/generate.ts

# What runs in production. Peers are left out: Prisma's command line is one. So is what no process reads: sources, types and maps of
# packages, and the query compilers of other databases.
FROM manifests AS dependencies
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --omit=peer \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete \
 && find node_modules/@prisma/client/runtime -type f -name 'query_compiler_*' ! -name '*.postgresql.*' -delete \
 && rm -rf node_modules/openai/src node_modules/gpt-tokenizer/src node_modules/gpt-tokenizer/dist node_modules/@types

FROM debian:bookworm-slim
WORKDIR /app
# The same flag as scripts/start/open-service.ts gives, with the reason there.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=8
COPY --from=manifests /usr/local/bin/node /usr/local/bin/node
COPY --from=manifests /usr/lib/*-linux-gnu/libatomic.so.1 /usr/local/lib/
RUN ldconfig && node --version
# With the node_modules of each package: two versions of one library are in two places.
COPY --from=dependencies /app ./
COPY --from=client /app/packages/common/src/generated packages/common/src/generated
COPY package.json ./
COPY deploy/preflight.ts deploy/first-key.ts deploy/secrets.ts deploy/check-health.sh deploy/
COPY prisma prisma
COPY packages packages
COPY services services
RUN mkdir .compiled && chown 10001:10001 .compiled
USER 10001:10001
# Each service is started once without its settings: it says so and ends. What it compiled on the way serves every start from now on.
ENV NODE_COMPILE_CACHE=/app/.compiled
RUN for service in api gateway worker; do node services/$service/src/main.ts > /dev/null 2>&1; done; test -n "$(ls .compiled)"
CMD ["node", "--version"]
