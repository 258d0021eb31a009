# The reference service. docs/containers.md says what is in the image, and what was tested.
FROM node:24.18.0-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d AS base

FROM base AS build
WORKDIR /srv
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json tsconfig.cjs.json ./
COPY tools tools
COPY src src
COPY packages packages
COPY apps apps
# `npm ci` builds. Then everything that only development needs is removed, first the development database.
RUN npm ci && npm prune --omit=dev --ignore-scripts && rm -rf packages

FROM base
ENV NODE_ENV=production
WORKDIR /srv
COPY --from=build /srv/package.json ./
COPY --from=build /srv/node_modules node_modules
COPY --from=build /srv/dist dist
COPY --from=build /srv/apps/service/package.json apps/service/
COPY --from=build /srv/apps/service/dist apps/service/dist
# Owned by root and run by another user, so the service cannot change its own code.
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/service/dist/main.js"]
