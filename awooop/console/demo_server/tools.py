"""What the demo's servers offer, as they list it; the demo's contracts pin it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAMESPACE = {"type": "string", "description": "The namespace.", "default": "shop"}


@dataclass(frozen=True, slots=True)
class Part:
    """One server of the two.

    :param path: where it is, below the demo's address.
    :param writes: the names of tools that change something.
    """

    gateway_id: str
    path: str
    instructions: str
    tools: tuple[Mapping[str, Any], ...]
    writes: frozenset[str] = frozenset()


def _tool(
    name: str,
    title: str,
    description: str,
    /,
    *,
    required: tuple[str, ...] = (),
    writes: bool = False,
    **properties: Mapping[str, Any],
) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: dict(each) for key, each in properties.items()},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    hints = {"destructiveHint": True} if writes else {"readOnlyHint": True}
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": schema,
        "annotations": hints,
    }


CLUSTER = Part(
    gateway_id="cluster",
    path="/cluster/mcp",
    instructions="A demo cluster. Its deployments live in the namespace shop.",
    tools=(
        _tool(
            "get_pods",
            "Pods",
            "List the pods of a namespace with their state.",
            namespace=_NAMESPACE,
        ),
        _tool(
            "get_pod_logs",
            "Logs",
            "Read the last lines of a pod's log.",
            required=("pod",),
            namespace=_NAMESPACE,
            pod={"type": "string", "description": "The pod's name."},
            lines={"type": "integer", "minimum": 1, "maximum": 200, "default": 20},
        ),
        _tool(
            "query_metrics",
            "Metrics",
            "Query a range of metrics.",
            required=("metric",),
            metric={"enum": ["cpu", "memory", "requests", "errors"]},
            minutes={"type": "integer", "minimum": 1, "maximum": 60, "default": 10},
        ),
        _tool("list_alerts", "Alerts", "List the alerts firing now."),
        _tool(
            "get_cluster_events",
            "Events",
            "List what happened in a namespace lately.",
            namespace=_NAMESPACE,
        ),
        _tool(
            "restart_deployment",
            "Restart",
            "Restart every pod of a deployment, one by one.",
            required=("name",),
            writes=True,
            namespace=_NAMESPACE,
            name={"type": "string", "description": "The deployment's name."},
        ),
        _tool(
            "scale_deployment",
            "Scale",
            "Change the number of replicas of a deployment.",
            required=("name", "replicas"),
            writes=True,
            namespace=_NAMESPACE,
            name={"type": "string", "description": "The deployment's name."},
            replicas={"type": "integer", "minimum": 0, "maximum": 20},
        ),
    ),
    writes=frozenset({"restart_deployment", "scale_deployment"}),
)

SHOP = Part(
    gateway_id="shop",
    path="/shop/mcp",
    instructions="A demo shop. Amounts are in TWD.",
    tools=(
        _tool(
            "list_orders",
            "Orders",
            "List recent orders.",
            status={"enum": ["paid", "packed", "sent", "returned"]},
            limit={"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        ),
        _tool(
            "get_order",
            "Order",
            "Read one order.",
            required=("order_id",),
            order_id={"type": "string", "description": "Such as EW-1003."},
        ),
        _tool(
            "search_products",
            "Products",
            "Search the catalogue.",
            required=("text",),
            text={"type": "string", "minLength": 1, "maxLength": 100},
        ),
        _tool("get_shop_metrics", "Figures", "Read the shop's key figures."),
    ),
)

PARTS = (CLUSTER, SHOP)
WAITING = "get_cluster_events"  # pinned by nobody: a newcomer releases it
