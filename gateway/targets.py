"""From a gateway contract to what the hub reaches: a transport, and a credential for one call."""

from contracts.queries import Active
from gateway import credentials
from gateway.catalog import Entry
from gateway.providers.base import Target


def of(project_id: str, entry: Entry) -> Target:
    """Return how a tool's server is reached, its references resolved now.

    :raises Failed: a credential cannot be resolved; nothing was sent.
    """
    return of_gateway(project_id, entry.gateway_id, entry.gateway)


def of_gateway(project_id: str, gateway_id: str, gateway: Active) -> Target:
    """Return how the server behind a gateway contract is reached.

    :raises Failed: a credential cannot be resolved; nothing was sent.
    """
    body = gateway.body
    credential, secrets = credentials.for_target(body, project_id=project_id)
    return Target(
        project_id=project_id,
        gateway_id=gateway_id,
        body_hash=gateway.body_hash,
        transport=body["transport"],
        private_addresses=tuple(body.get("private_addresses", ())),
        concurrent=body.get("concurrent_calls", 10),
        credential=credential,
        secrets=secrets,
    )
