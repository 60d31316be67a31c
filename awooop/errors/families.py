"""The few families of errors, by what a caller does about them; each carries its code."""

from awooop.errors.codes import Code


class AwoooPError(Exception):
    """Something we planned for went wrong; carries its code and the facts.

    :param facts: what a caller may be shown. Facts and detail may echo what was asked: the doors
        redact both.
    """

    def __init__(self, code: Code, detail: str = "", **facts: object) -> None:
        super().__init__(f"{code.value}: {detail or code.title}")
        self.code = code
        self.detail = detail or code.title
        self.facts = facts


class Unauthenticated(AwoooPError):
    """We do not know who is asking."""


class Refused(AwoooPError):
    """Policy said no."""


class NotFound(AwoooPError):
    """Not there, or not yours: the two look the same."""


class Conflict(AwoooPError):
    """The thing is not in a state that allows this."""


class Invalid(AwoooPError):
    """What was asked does not make sense."""


class Exhausted(AwoooPError):
    """A limit was reached; ``retry_after`` seconds may be among the facts."""


class Unavailable(AwoooPError):
    """A part is away; the only family worth retrying."""


class Corrupt(AwoooPError):
    """A promise of our own was broken."""
