"""The approvals app."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """A human's yes or no, and what follows from it."""

    name = "approvals"

    def ready(self) -> None:
        """Answer the gateway and the worker, which stand below and know nothing of us."""
        from approvals import going_on, requests
        from gateway import humans
        from runs import executors

        humans.answer_with(requests.open_for, requests.look)
        executors.put_first(going_on.execute)
