#!/bin/sh
# Makes the namespace, where it is missing. The CLI reads TEMPORAL_ADDRESS itself.
set -eu
seconds=120
deadline=$(($(date +%s) + seconds))
until answer=$(temporal operator cluster health 2>&1); do
    if [ "$(date +%s)" -ge "$deadline" ]; then
        echo "Temporal at $TEMPORAL_ADDRESS is not healthy after $seconds s: $answer" >&2
        exit 1
    fi
    sleep 2
done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
