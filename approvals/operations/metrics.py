"""What operations are counted by, for Prometheus; no label holds a tenant's words."""

from prometheus_client import Counter

RESOLVED = Counter("awooop_resource_resolved", "Names looked for in a cluster", ["result"])
ENDED = Counter("awooop_operation_ended", "Operations by how they ended", ["outcome"])
JUDGED = Counter("awooop_operation_judged", "Operations by their verdict", ["verdict"])
RETRIED = Counter("awooop_operation_retried", "Attempts after a transient error")
LEARNT = Counter("awooop_operation_learnt", "Operations learned from", ["result"])
