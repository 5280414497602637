# Where no image registry answers: the images that compose.yaml names, of the same programs where they can be had, on
# Debian. Built by stand-ins.ts; the context holds the programs that Go builds, and files of their modules.
ARG BASE
FROM ${BASE} AS debian
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 prometheus \
    && rm -rf /var/lib/apt/lists/* /etc/postgresql

# Debian's PostgreSQL, with what of the entrypoint of postgres:17-bookworm compose.yaml relies on.
FROM debian AS postgres
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
COPY postgres-entrypoint.sh /usr/local/bin/
RUN mkdir /docker-entrypoint-initdb.d && mkdir -p "$PGDATA" && chown postgres:postgres "$PGDATA"
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["sh", "/usr/local/bin/postgres-entrypoint.sh"]
CMD ["postgres", "-c", "listen_addresses=*"]

# As server.Dockerfile and admin-tools.Dockerfile of the module go.temporal.io/server make them on Alpine.
FROM debian AS temporal
RUN /usr/sbin/groupadd --gid 1000 temporal && /usr/sbin/useradd --uid 1000 --gid temporal temporal
COPY --chmod=755 temporal-server temporal-sql-tool temporal /usr/local/bin/
COPY --chmod=755 entrypoint.sh /etc/temporal/
COPY schema /etc/temporal/schema
WORKDIR /etc/temporal
USER temporal
CMD ["bash", "/etc/temporal/entrypoint.sh"]

FROM debian AS prometheus
RUN mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
VOLUME /prometheus
WORKDIR /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
