"""Where a request's handler finds who asks, and says no in the form of the door."""

from dataclasses import dataclass

from awooop.errors import AwoooPError
from awooop.kit import rest
from gateway.serving import callers
from gateway.serving.callers import Caller, Knock
from gateway.serving.replies import Reply


class TurnedAway(Exception):
    """Whoever asks is not let in; the door answers."""

    def __init__(self, error: AwoooPError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class Seat:
    """Who asks; let in already, or when the seat is taken.

    :param caller: None while nobody has looked at the key.
    :param streams: whether the answer may be a stream, and so may have something before it.
    :param is_large: whether the request takes too long to read for an event loop.
    """

    knock: Knock
    reply: Reply
    caller: Caller | None = None
    streams: bool = False
    is_large: bool = False

    def take(self) -> Caller:
        """Return who asks, in a thread that may ask the database.

        :raises TurnedAway: they are not let in.
        """
        if self.caller is None:
            try:
                self.caller = callers.let_in(self.knock)
            except Exception as reason:
                raise TurnedAway(rest.planned(reason)) from reason
        return self.caller
