"""Alertmanager's webhook, version 4, read into an inbound event.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from awooop.kit import canonical
from channels_hub.envelope import Inbound

Labels = dict[Annotated[str, Field(max_length=1_000)], Annotated[str, Field(max_length=20_000)]]


class Alert(BaseModel):
    """One alert of a group. Fields of later versions are kept and not judged."""

    model_config = ConfigDict(extra="allow")

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = Field(default_factory=dict)
    startsAt: AwareDatetime
    endsAt: AwareDatetime | None = None
    generatorURL: str = ""
    fingerprint: str = Field(default="", max_length=200)


class Notification(BaseModel):
    """The webhook's body."""

    model_config = ConfigDict(extra="allow")

    version: Literal["4"]
    groupKey: str = Field(min_length=1, max_length=20_000)
    status: Literal["firing", "resolved"]
    receiver: str = Field(max_length=1_000)
    groupLabels: Labels = Field(default_factory=dict)
    commonLabels: Labels = Field(default_factory=dict)
    commonAnnotations: Labels = Field(default_factory=dict)
    externalURL: str = ""
    truncatedAlerts: int = 0
    alerts: list[Alert] = Field(min_length=1, max_length=1_000)


def inbound(notification: Notification, payload: dict[str, Any]) -> Inbound:
    """Return the event a notification tells of.

    Alertmanager sends a group again every ``repeat_interval``, and after a failed delivery. Group,
    status, the alerts' starts and the route make the event; what may drift between repeats, such as
    annotations and ``endsAt``, does not.
    """
    starts = sorted({alert.startsAt.isoformat() for alert in notification.alerts})
    identity = canonical.sha256_of(
        [notification.groupKey, notification.status, starts, notification.receiver]
    )
    return Inbound(
        channel_type="alertmanager",
        provider_event_id=f"am-{identity}",
        identity_sha256=identity,
        channel_user_id=notification.receiver or "default",
        display_name=f"Alertmanager {notification.receiver}",
        preview=_preview(notification),
        payload=payload,
    )


def _preview(notification: Notification) -> str:
    labels = notification.commonLabels or notification.alerts[0].labels
    notes = notification.commonAnnotations or notification.alerts[0].annotations
    title = labels.get("alertname", "alert")
    severity = f" ({labels['severity']})" if "severity" in labels else ""
    count = len(notification.alerts)
    many = f", {count} alerts" if count > 1 else ""
    summary = notes.get("summary") or notes.get("description") or ""
    text = f"[{notification.status}] {title}{severity}{many}"
    return f"{text}: {summary}" if summary else text
