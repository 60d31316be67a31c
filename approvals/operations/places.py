"""Where an action goes: the one tool that its agent was granted and that reaches what is named."""

from approvals.operations.actions import Action
from awooop.errors import Code, Refused
from contracts import queries
from contracts.models import Family
from gateway import catalog, facts, standings
from gateway.catalog import Catalog, Entry


def of(project_id: str, agent_id: str, action: Action, *, gateway_id: str | None = None) -> Entry:
    """Return the granted tool that an action is for.

    :param gateway_id: which of several, where several reach it.
    :raises Refused: none was granted that reaches what the action names, or several were.
    """
    bodies = queries.of_project(project_id)
    agent = bodies.get((Family.AGENT.value, agent_id))
    if agent is None:
        raise Refused(Code.GATE_AGENT, f"agent {agent_id} has no active, correctly signed contract")
    fits = [
        entry
        for entry in _tools(project_id).by_place.values()
        if entry.tool_name == action.tool
        and gateway_id in (None, entry.gateway_id)
        and facts.scopes(agent, entry)
        and _reaches(entry, action)
    ]
    if not fits:
        raise Refused(Code.GATE_TOOL, f"no {action.tool} that reaches it was granted to {agent_id}")
    if len(fits) > 1:
        names = ", ".join(sorted(entry.gateway_id for entry in fits))
        raise Refused(Code.GATE_TOOL, f"several gateways reach it, name one: {names}")
    return fits[0]


def beside(project_id: str, agent_id: str, gateway_id: str, tool: str) -> Entry | None:
    """Return another tool of the same gateway, when the agent was granted it."""
    agent = queries.of_project(project_id).get((Family.AGENT.value, agent_id))
    entry = _tools(project_id).by_place.get((gateway_id, tool))
    return entry if agent and entry and facts.scopes(agent, entry) else None


def _tools(project_id: str) -> Catalog:
    number = standings.now(project_id).number
    return catalog.of_project(project_id, queries.of_project(project_id), number)


def _reaches(entry: Entry, action: Action) -> bool:
    transport = entry.gateway.body.get("transport") or {}
    if transport.get("kind") != action.provider:
        return False
    if action.provider == "ssh":
        return action.arguments["host"] in {host["name"] for host in transport["hosts"]}
    return action.arguments["namespace"] in transport["namespaces"]
