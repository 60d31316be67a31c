"""The table of moves, here and in the database."""

import re

from django.db import connections

from runs import fsm
from runs.fsm import MOVES, TERMINAL, State


class TestMoves:
    def test_know_every_state(self):
        assert set(MOVES) == set(State)

    def test_let_every_living_state_reach_an_ending(self):
        for state in set(State) - TERMINAL:
            assert MOVES[state] & TERMINAL

    def test_let_no_ending_go_on(self):
        assert all(not MOVES[state] for state in TERMINAL)

    def test_are_the_same_in_the_database(self, clean):
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'awooop_run_guard'")
            there = re.findall(r"'(\w+>\w+)'", cursor.fetchone()[0])

        assert sorted(there) == fsm.edges()
