# A runner of a GitLab server in a container; docs/runner.md says how to use it.
#   docker build -t pipewright .
# BASE: Debian with Node 20.19 or newer and npm.
ARG BASE=node:20-bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM ${BASE}
# git, git-lfs and ssh fetch sources; tini hands signals on and collects what jobs leave behind.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates git git-lfs openssh-client tini \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/package.json /src/LICENSE /opt/pipewright/
COPY --from=build /src/bin /opt/pipewright/bin
COPY --from=build /src/dist /opt/pipewright/dist
COPY --from=build /src/schemas /opt/pipewright/schemas
RUN chmod 755 /opt/pipewright/bin/ci.js && ln -s /opt/pipewright/bin/ci.js /usr/local/bin/ci && ci --version

# The file of runners; what the runner keeps: logs that are not sent yet, sources, caches.
ENV CONFIG_FILE=/etc/pipewright/runner.toml CI_CLI_HOME=/var/lib/pipewright
RUN mkdir -p -m 700 /etc/pipewright /var/lib/pipewright
VOLUME ["/etc/pipewright", "/var/lib/pipewright"]

# As GitLab Runner's image it runs as root, who may use the engine's socket; jobs of the executor docker don't.
# `docker stop` takes no further jobs and waits: give it the time (--stop-timeout).
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/usr/bin/tini", "--", "ci", "runner"]
CMD ["run"]
