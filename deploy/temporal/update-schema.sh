#!/bin/sh
# Brings the two databases of the Temporal server to the schema of this release; safe to repeat. Run from the image
# temporalio/admin-tools of the server's version; the tool reads the SQL_… variables itself.
set -eu
update() {
    temporal-sql-tool --database "$1" setup-schema --version 0.0
    temporal-sql-tool --database "$1" update-schema --schema-name "$2"
}
update temporal postgresql/v12/temporal
update temporal_visibility postgresql/v12/visibility
