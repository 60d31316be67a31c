"""The demo's shop: a few orders and products, which are only read."""

from collections.abc import Mapping
from typing import Any

from awooop.console.demo_server.cluster import Unknown

_PRODUCTS = (
    {"sku": "TEA-OOLONG-150", "name": "High mountain oolong, 150 g", "price": 680, "stock": 41},
    {"sku": "TEA-BLACK-100", "name": "Sun Moon Lake black tea, 100 g", "price": 520, "stock": 18},
    {"sku": "CUP-CELADON", "name": "Celadon tea cup", "price": 350, "stock": 7},
    {"sku": "POT-CLAY-250", "name": "Clay teapot, 250 ml", "price": 1980, "stock": 3},
)
_STATES = ("paid", "packed", "sent", "returned")
_ORDERS = tuple(
    {
        "order_id": f"EW-{1000 + number}",
        "status": _STATES[number % len(_STATES)],
        "sku": _PRODUCTS[number % len(_PRODUCTS)]["sku"],
        "quantity": 1 + number % 3,
    }
    for number in range(24)
)


def list_orders(status: str | None = None, limit: int = 10) -> dict[str, Any]:
    """Return the newest orders first."""
    found = [each for each in reversed(_ORDERS) if status in (None, each["status"])]
    return {"orders": found[:limit]}


def get_order(order_id: str) -> dict[str, Any]:
    """Return one order.

    :raises Unknown: there is none of that id.
    """
    for each in _ORDERS:
        if each["order_id"] == order_id:
            return dict(each)
    last = _ORDERS[-1]["order_id"]
    raise Unknown(f"no order {order_id[:80]!r}; there are {_ORDERS[0]['order_id']} to {last}")


def search_products(text: str) -> dict[str, Any]:
    """Return the products whose name or number holds the text."""
    words = text.casefold()
    found = [each for each in _PRODUCTS if words in f"{each['sku']} {each['name']}".casefold()]
    return {"products": found}


def get_shop_metrics() -> dict[str, Any]:
    """Return the shop's figures."""
    counted = {state: sum(each["status"] == state for each in _ORDERS) for state in _STATES}
    return {"orders": counted, "products": len(_PRODUCTS)}


def tools() -> Mapping[str, Any]:
    """Return the shop's tools by name."""
    return {
        each.__name__: each for each in (list_orders, get_order, search_products, get_shop_metrics)
    }
