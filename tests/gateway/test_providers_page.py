"""The page about the built-in providers says what is true."""

import re
from pathlib import Path

import pytest
import yaml

from contracts import bodies
from gateway.providers.kubernetes import tools as kubernetes
from gateway.providers.ssh import tools as ssh

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("body", [each for each in BLOCKS if "provider" in each])
def test_its_contracts_hold(body):
    assert bodies.faults("mcp_gateway", body) == []


def test_it_has_every_tool_with_its_arguments():
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", PAGE, re.MULTILINE))
    told = {name: {each.strip() for each in row.split(",")} for name, row in rows.items()}
    real = {}
    for tool in (*kubernetes.TOOLBOX.listing.tools, *ssh.TOOLBOX.listing.tools):
        schema = tool["inputSchema"]
        real[tool["name"]] = {
            name if name in schema["required"] else f"{name}?" for name in schema["properties"]
        }
    assert told == real


def test_its_role_reads_every_kind_and_no_secret():
    (role,) = (each for each in BLOCKS if each.get("kind") == "Role")
    granted = {name for rule in role["rules"] for name in rule["resources"]}
    paths = {kind.path("shop").rsplit("/", 1)[-1] for kind in kubernetes.KINDS.values()}
    assert paths <= granted
    assert not any("secret" in name for name in granted)
