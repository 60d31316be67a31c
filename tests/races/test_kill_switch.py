"""A kill switch is thrown into a storm of calls: none arrives after its throw has returned."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.utils import timezone

from awooop.errors import Code
from awooop.kit.tenancy import PLATFORM
from gateway import calls, hub, switches
from gateway.models import Level, Status
from tests.gateway.governed import Governed
from tests.races.conftest import Caller
from tests.races.relay import Relay

THREADS, PROCESSES = 25, 2
STORM = 40  # calls that arrive before a switch is thrown
KILLED = Code.KILLED.value
LEVELS = (
    (Level.TOOL, "store", "slow__shop"),
    (Level.AGENT, "store", "sre-agent"),
    (Level.PROJECT, "store", ""),
    (Level.PLATFORM, PLATFORM, ""),
)


def throw(level: Level, project_id: str, key: str) -> Any:
    at = timezone.now()
    return switches.throw(
        level, project_id=project_id, key=key, reason="fire", actor="operator:ann", at=at
    )


class TestThrow:
    def test_lets_nothing_start_any_more(
        self, store: Governed, relay: Relay, callers: Callable[[int], list[Caller]]
    ) -> None:
        pair = callers(PROCESSES)
        storm = [store.call("slow", {"seconds": 0.1}), store.call("echo")]
        for level, project_id, key in LEVELS:
            relay.arrivals.clear()
            for caller in pair:
                caller.ask(threads=THREADS, flood=storm)
            _until(lambda: len(relay.arrivals) >= STORM)
            switch = throw(level, project_id, key)
            returned = time.time()
            time.sleep(0.3)  # the storm goes on, against the switch
            for caller in pair:
                caller.stop()
            told = [caller.answer() for caller in pair]

            late = [at - returned for at in relay.arrived("slow") if at > returned]
            assert late == [], f"{level}: arrived {late} s after the switch was thrown"
            if level is Level.TOOL:  # other tools go on
                assert max(relay.arrived("echo")) > returned
                assert not any(each.get(f"echo {KILLED}") for each in told)
            else:
                assert not any(at > returned for at in relay.arrived("echo"))
            assert all(each.get(f"slow {KILLED}") for each in told)
            # What was in flight came to its end, and nothing else happened to any call.
            assert {name.split()[1] for each in told for name in each} <= {"success", KILLED}
            ended = sum(each.get("slow success", 0) for each in told)
            assert ended == len(relay.arrived("slow"))

            switches.lift(switch, project_id=project_id, actor="operator:ann", at=timezone.now())
            assert calls.call_tool(store.call("slow", {"seconds": 0})).status is Status.SUCCESS

    def test_reaches_a_call_whose_connection_is_slow_to_come_about(
        self, store: Governed, relay: Relay
    ) -> None:
        """It was judged before; connected only after, its permit is no good any more."""
        hub.the().forget()
        ended: dict[str, Any] = {}

        def work(name: str) -> None:
            ended[name] = calls.call_tool(store.call("slow", {"seconds": 0, "name": name}))
            connections.close_all()

        work("warm")
        relay.answers.clear()
        threads = [threading.Thread(target=work, args=(name,)) for name in ("first", "second")]
        threads[0].start()
        _until(lambda: len(relay.arrivals) == 2)  # the session's connection is taken
        with relay.unreachable():
            threads[1].start()
            _until(lambda: relay.knocks() >= 1)
            throw(Level.PROJECT, "store", "")
        returned = time.time()
        relay.answers.set()
        for thread in threads:
            thread.join()
        assert ended["first"].status is Status.SUCCESS
        assert ended["second"].code is Code.KILLED
        assert [at for at, _ in relay.arrivals if at > returned] == []


def _until(found: Callable[[], Any], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not found():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)
