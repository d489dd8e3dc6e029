# syntax=docker/dockerfile:1

FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts
COPY scripts scripts
COPY src src
RUN npm run --silent build
RUN mkdir /data

# Node.js and what it needs: no shell, no package manager, and a user without rights.
FROM gcr.io/distroless/nodejs24-debian13:nonroot
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/dist dist
COPY seeds seeds
# The root file system may be read-only: only the data folder is written to.
COPY --from=build --chown=65532:65532 /data /data
ENV NODE_ENV=production PROMPTS_DATA_DIR=/data PROMPTS_HOST=0.0.0.0 PROMPTS_PORT=3000
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["/nodejs/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.PROMPTS_PORT}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The image's entry point is node.
CMD ["dist/main.js", "serve"]
