"""Which kinds of objects the tools know. A Secret is none of them, nor is what grants rights."""

from dataclasses import dataclass
from typing import Any

from lightkube.core.resource import api_info
from lightkube.resources import apps_v1, autoscaling_v2, batch_v1, core_v1, networking_v1, policy_v1


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its model, and what may be done with it beside reading."""

    model: Any
    can_patch: bool = False

    def path(self, namespace: str, name: str = "", action: str = "") -> str:
        """Return where the API keeps a namespace's objects, one of them, or a part of that."""
        info = api_info(self.model)
        at = info.resource
        root = f"/apis/{at.group}/{at.version}" if at.group else f"/api/{at.version}"
        steps = (root, "namespaces", namespace, info.plural, name, action)
        return "/".join(step for step in steps if step)


KINDS = {
    "ConfigMap": Kind(core_v1.ConfigMap, can_patch=True),
    "CronJob": Kind(batch_v1.CronJob, can_patch=True),
    "DaemonSet": Kind(apps_v1.DaemonSet, can_patch=True),
    "Deployment": Kind(apps_v1.Deployment, can_patch=True),
    "Endpoints": Kind(core_v1.Endpoints),
    "HorizontalPodAutoscaler": Kind(autoscaling_v2.HorizontalPodAutoscaler, can_patch=True),
    "Ingress": Kind(networking_v1.Ingress, can_patch=True),
    "Job": Kind(batch_v1.Job),
    "LimitRange": Kind(core_v1.LimitRange),
    "NetworkPolicy": Kind(networking_v1.NetworkPolicy),
    "PersistentVolumeClaim": Kind(core_v1.PersistentVolumeClaim),
    "Pod": Kind(core_v1.Pod),
    "PodDisruptionBudget": Kind(policy_v1.PodDisruptionBudget, can_patch=True),
    "ReplicaSet": Kind(apps_v1.ReplicaSet),
    "ResourceQuota": Kind(core_v1.ResourceQuota),
    "Service": Kind(core_v1.Service, can_patch=True),
    "StatefulSet": Kind(apps_v1.StatefulSet, can_patch=True),
}
EVENTS = Kind(core_v1.Event)
ROLLED = ("DaemonSet", "Deployment", "StatefulSet")
SCALED = ("Deployment", "ReplicaSet", "StatefulSet")
PATCHED = tuple(name for name, kind in KINDS.items() if kind.can_patch)
