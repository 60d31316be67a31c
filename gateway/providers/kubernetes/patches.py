"""What a patch may hold: labels, annotations, spec and data, and nothing that gives rights."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LARGEST = 64 * 1024
_DEEPEST = 24
_TOP = {"metadata", "spec", "data"}
_METADATA = {"labels", "annotations"}

# With one of these a pod reaches its node, another pod's rights, or values of a Secret.
_RIGHTS = frozenset(
    name.casefold()
    for name in (
        *("hostNetwork", "hostPID", "hostIPC", "hostUsers", "hostPath", "hostPort", "hostAliases"),
        *("privileged", "allowPrivilegeEscalation", "capabilities", "procMount", "runAsUser"),
        *("runAsGroup", "runAsNonRoot", "seLinuxOptions", "seccompProfile", "appArmorProfile"),
        *("fsGroup", "supplementalGroups", "sysctls", "windowsOptions", "securityContext"),
        *("serviceAccount", "serviceAccountName", "automountServiceAccountToken", "projected"),
        *("secret", "secretRef", "secretKeyRef", "secretName", "imagePullSecrets", "csi"),
        *("nodeName", "runtimeClassName", "priorityClassName", "externalIPs", "externalName"),
        *("ephemeralContainers", "ownerReferences", "finalizers"),
    )
)


def faults(patch: Mapping[str, Any]) -> list[str]:
    """Return why a patch is refused; nothing when it may be sent."""
    found = [f"/{name} may not be patched" for name in patch if name not in _TOP]
    metadata = patch.get("metadata", {})
    if not isinstance(metadata, dict):
        found.append("/metadata must be an object")
    else:
        found += [f"/metadata/{name} may not be patched" for name in metadata.keys() - _METADATA]
    try:
        if len(json.dumps(patch, allow_nan=False).encode()) > _LARGEST:
            found.append(f"the patch is larger than {_LARGEST // 1024} KiB")
        found += _within(patch, "", 1)
    except (ValueError, TypeError, RecursionError):
        found.append("the patch is no JSON, or nested too deeply")
    return found[:5]


def _within(value: Any, at: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield f"the patch is nested deeper than {_DEEPEST} levels"
    elif isinstance(value, list):
        for item in value:
            yield from _within(item, at, depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            place = f"{at}/{name}"
            if name.startswith("$"):
                yield f"{place[:200]}: directives are not taken"
            elif name.casefold() in _RIGHTS and not _is_free(at):
                yield f"{place[:200]} may not be patched"
            yield from _within(each, place, depth + 1)


def _is_free(at: str) -> bool:
    """Tell whether names at this place are the tenant's own words, not fields."""
    last = at.rsplit("/", 1)[-1]
    return at == "/data" or last in {"labels", "annotations", "matchLabels", "nodeSelector"}
