#!/bin/sh
# Makes the namespace, where it is missing. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are read by the CLI itself.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 2; done
temporal operator namespace describe "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --retention 30d "$TEMPORAL_NAMESPACE"
