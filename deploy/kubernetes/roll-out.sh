#!/bin/sh
# Rolls one release out: the schema first, then the workers. Usage: roll-out.sh OVERLAY NAMESPACE, e.g.
#   deploy/kubernetes/roll-out.sh deploy/kubernetes/example sales
set -eu
overlay=$1
namespace=$2
job=job/sales-increment-migrate
conditions='{range .status.conditions[?(@.status=="True")]}{.type} {end}'

kubectl --namespace "$namespace" delete "$job" --ignore-not-found
kubectl apply --kustomize "$overlay" --selector 'app.kubernetes.io/component!=worker'
echo "Waiting for $job, which its activeDeadlineSeconds ends at the latest."
while true; do
    ended=$(kubectl --namespace "$namespace" get "$job" --output "jsonpath=$conditions")
    case " $ended" in
    *' Complete '*) break ;;
    *' Failed '*)
        kubectl --namespace "$namespace" describe "$job" >&2
        kubectl --namespace "$namespace" logs "$job" >&2 || true
        echo "The migration failed, so the workers are left as they are. Its job and its last log are above." >&2
        exit 1
        ;;
    esac
    sleep 2
done
kubectl apply --kustomize "$overlay"
kubectl --namespace "$namespace" rollout status deployment --timeout 5m \
    --selector 'app.kubernetes.io/name=sales-increment,app.kubernetes.io/component=worker'
