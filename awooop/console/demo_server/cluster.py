"""The demo's cluster: deployments in memory, which can be restarted and scaled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_NAMESPACE = "shop"
_LOG = (
    "GET /healthz 200",
    "GET /products?page=2 200",
    "POST /orders 201",
    "WARN slow query: 812 ms",
    "GET /orders/EW-1003 200",
)
_METRICS = {"cpu": 0.41, "memory": 0.63, "requests": 128.0, "errors": 1.0}


class Unknown(Exception):
    """What was asked for is not there; the text says what is."""


@dataclass
class Deployment:
    """One deployment; each restart of it gives its pods new names."""

    name: str
    image: str
    replicas: int
    restarts: int = 0

    @property
    def pods(self) -> list[str]:
        return [f"{self.name}-{self.restarts:x}f{number:x}c" for number in range(self.replicas)]


@dataclass
class Cluster:
    """Everything the cluster's tools look at and change."""

    deployments: dict[str, Deployment] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)

    def get_pods(self, namespace: str = _NAMESPACE) -> dict[str, Any]:
        """Return the pods and how often they were restarted."""
        return {
            "namespace": namespace,
            "pods": [
                {
                    "name": pod,
                    "deployment": each.name,
                    "image": each.image,
                    "state": "Running",
                    "restarts": each.restarts,
                }
                for each in self._of(namespace)
                for pod in each.pods
            ],
        }

    def get_pod_logs(
        self, pod: str, namespace: str = _NAMESPACE, lines: int = 20
    ) -> dict[str, Any]:
        """Return the last lines of a log.

        :raises Unknown: there is no such pod.
        """
        known = [name for each in self._of(namespace) for name in each.pods]
        if pod not in known:
            raise Unknown(f"no pod {pod[:80]!r}; there are {', '.join(known) or 'none'}")
        return {"pod": pod, "lines": [_LOG[n % len(_LOG)] for n in range(lines)][-lines:]}

    def query_metrics(self, metric: str, minutes: int = 10) -> dict[str, Any]:
        """Return one value a minute, the newest last."""
        middle = _METRICS[metric]
        values = [round(middle * (1 + (n * 7 % 5 - 2) / 20), 3) for n in range(minutes)]
        return {"metric": metric, "step_seconds": 60, "values": values}

    def list_alerts(self) -> dict[str, Any]:
        """Return the one alert that is always firing."""
        alert = {"alertname": "SlowQueries", "severity": "warning", "deployment": "shop-web"}
        return {"alerts": [alert]}

    def get_cluster_events(self, namespace: str = _NAMESPACE) -> dict[str, Any]:
        """Return what was changed lately, the newest last."""
        self._of(namespace)
        return {"namespace": namespace, "events": self.events[-50:]}

    def restart_deployment(self, name: str, namespace: str = _NAMESPACE) -> dict[str, Any]:
        """Restart a deployment.

        :raises Unknown: there is none of that name.
        """
        found = self._named(name, namespace)
        found.restarts += 1
        self._note("Restarted", f"{name} restarted {found.restarts} times")
        return {"name": name, "restarted": True, "restarts": found.restarts}

    def scale_deployment(
        self, name: str, replicas: int, namespace: str = _NAMESPACE
    ) -> dict[str, Any]:
        """Scale a deployment.

        :raises Unknown: there is none of that name.
        """
        found = self._named(name, namespace)
        before, found.replicas = found.replicas, replicas
        self._note("Scaled", f"{name} from {before} to {replicas}")
        return {"name": name, "before": before, "replicas": replicas}

    def _of(self, namespace: str) -> list[Deployment]:
        return list(self.deployments.values()) if namespace == _NAMESPACE else []

    def _named(self, name: str, namespace: str) -> Deployment:
        for each in self._of(namespace):
            if each.name == name:
                return each
        raise Unknown(f"no deployment {name[:80]!r}; there are {', '.join(self.deployments)}")

    def _note(self, reason: str, message: str) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self.events = [*self.events[-199:], {"at": at, "reason": reason, "message": message}]


def new() -> Cluster:
    """Return a cluster as it is when the demo starts."""
    made = [
        Deployment("shop-web", "shop/web:2.14.0", 3),
        Deployment("shop-api", "shop/api:2.14.0", 2),
        Deployment("shop-worker", "shop/worker:2.13.4", 1),
    ]
    return Cluster({each.name: each for each in made})


def tools(cluster: Cluster) -> Mapping[str, Any]:
    """Return the cluster's tools by name."""
    return {
        name: getattr(cluster, name)
        for name in (
            *("get_pods", "get_pod_logs", "query_metrics", "list_alerts", "get_cluster_events"),
            *("restart_deployment", "scale_deployment"),
        )
    }
