"""What derived keys promise."""

import secrets

from awooop.kit import derive


class TestKey:
    def test_differs_by_purpose_and_by_secret_and_never_by_time(self) -> None:
        one, other = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        assert derive.key(one, "tags") == derive.key(one, "tags")
        assert (
            len({derive.key(one, "tags"), derive.key(one, "ids"), derive.key(other, "tags")}) == 3
        )
