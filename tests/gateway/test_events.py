"""Server-sent events become messages, however their bytes are cut."""

import pytest

from gateway.providers.events import Events

STREAM = (
    b": a comment\n\ndata: one\n\nevent: message\r\ndata:two\r\ndata: lines\r\n\r\n"
    b"event: other\ndata: unheard\n\nid: 7\rretry: 5\rdata:  three\r\rdata\n\ndata: cut off"
)
MESSAGES = [b"one", b"two\nlines", b" three"]


class TestFeed:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
    def test_yields_what_messages_say(self, size: int) -> None:
        events = Events()
        pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
        assert [said for piece in pieces for said in events.feed(piece)] == MESSAGES

    def test_waits_for_no_more_than_the_end_of_an_event(self) -> None:
        events = Events()
        assert list(events.feed(b"data: now\r\n\r")) == [b"now"]
        assert list(events.feed(b"\ndata: then\n\n")) == [b"then"]
