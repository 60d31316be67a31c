"""The walls of a tenant table: policies, grants, keys and foreign keys that carry the project.

Each is a migration operation, so that a table and its walls arrive in one transaction. A table
without :class:`TenantWalls` has no grants at all: forgetting it closes the table, never opens it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django_rls.policies import BasePolicy

# Scalar sub-selects are evaluated once a statement, not once a row.
TENANT = "(SELECT NULLIF(current_setting('rls.tenant_id', true), ''))"
OPERATOR_SCOPE = "(SELECT NULLIF(current_setting('rls.operator_scope', true), ''))"


class TenantPolicy(BasePolicy):
    """Rows of the transaction's own project."""

    def get_sql_expression(self) -> str:
        return f"project_id = {TENANT}"


class OperatorReadPolicy(BasePolicy):
    """Rows of the projects this operator may see."""

    def get_sql_expression(self) -> str:
        return (
            f"({OPERATOR_SCOPE} = '*' OR project_id = ANY (string_to_array({OPERATOR_SCOPE}, ',')))"
        )


class WorkerPolicy(BasePolicy):
    """Every row, for the one role that claims and reaps."""

    def get_sql_expression(self) -> str:
        return "true"


def policies(table: str, worker: str) -> list[BasePolicy]:
    """Return the policies a tenant table carries.

    :param worker: the privileges of ``awooop_worker``, such as ``"SELECT, UPDATE"``; or empty.
    """
    walls: list[BasePolicy] = [
        TenantPolicy(f"{table}_tenant", roles="awooop_app"),
        OperatorReadPolicy(f"{table}_operator", operation="SELECT", roles="awooop_operator"),
    ]
    if worker:
        walls.append(WorkerPolicy(f"{table}_worker", roles="awooop_worker"))
    return walls


class TenantWalls(Operation):
    """ENABLE and FORCE row level security, the policies and the grants of one table."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, *, app: str, worker: str = "") -> None:
        """:param app: the privileges of the application, such as ``"SELECT, INSERT"``."""
        self.model_name, self.app, self.worker = model_name, app, worker

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "TenantWalls", [self.model_name], {"app": self.app, "worker": self.worker}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        schema_editor.enable_rls(model)
        schema_editor.force_rls(model)
        for policy in policies(table, self.worker):
            schema_editor.create_policy(model, policy)
        name = schema_editor.quote_name(table)
        schema_editor.execute(f"GRANT {self.app} ON {name} TO awooop_app")
        schema_editor.execute(f"GRANT SELECT ON {name} TO awooop_operator")
        if self.worker:
            schema_editor.execute(f"GRANT {self.worker} ON {name} TO awooop_worker")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: Any,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        for policy in policies(table, self.worker):
            schema_editor.drop_policy(model, policy.name)
        schema_editor.disable_rls(model)
        name = schema_editor.quote_name(table)
        schema_editor.execute(
            f"REVOKE ALL ON {name} FROM awooop_app, awooop_operator, awooop_worker"
        )

    def describe(self) -> str:
        return f"Raise the tenant walls of {self.model_name}"


class _TableSql(Operation):
    """One reversible ALTER TABLE that Django's state need not know of."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change."""

    def forwards(self, model: type[models.Model]) -> str:
        raise NotImplementedError

    def backwards(self, model: type[models.Model]) -> str:
        raise NotImplementedError

    def _alter(
        self, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model], change: str
    ) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} {change}")

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        self._alter(schema_editor, model, self.forwards(model))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        self._alter(schema_editor, model, self.backwards(model))


class TenantKey(_TableSql):
    """Make the primary key carry the project: a bare id would tell whether a neighbour has it.

    Django goes on knowing its one key column.
    """

    def __init__(self, model_name: str, column: str) -> None:
        super().__init__(model_name)
        self.column = column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "TenantKey", [self.model_name, self.column], {}

    def forwards(self, model: type[models.Model]) -> str:
        name = f"{model._meta.db_table}_pkey"
        return f'DROP CONSTRAINT "{name}", ADD PRIMARY KEY ({self.column}, project_id)'

    def backwards(self, model: type[models.Model]) -> str:
        name = f"{model._meta.db_table}_pkey"
        return f'DROP CONSTRAINT "{name}", ADD PRIMARY KEY ({self.column})'

    def describe(self) -> str:
        return f"Carry the project in the key of {self.model_name}"


class TenantForeignKey(_TableSql):
    """A foreign key that carries the project, so that no row can point at a neighbour's."""

    def __init__(self, model_name: str, columns: Sequence[str], table: str, refs: Sequence[str]):
        """:param columns: ours, besides project_id; ``refs`` are theirs, in the same order."""
        super().__init__(model_name)
        self.columns, self.table, self.refs = list(columns), table, list(refs)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "TenantForeignKey", [self.model_name, self.columns, self.table, self.refs], {}

    def _name(self, model: type[models.Model]) -> str:
        return f"{model._meta.db_table}_{'_'.join(self.columns) or 'project'}_fk"

    def forwards(self, model: type[models.Model]) -> str:
        ours = ", ".join(("project_id", *self.columns))
        theirs = ", ".join(("project_id", *self.refs))
        return (
            f'ADD CONSTRAINT "{self._name(model)}" FOREIGN KEY ({ours}) '
            f'REFERENCES "{self.table}" ({theirs})'
        )

    def backwards(self, model: type[models.Model]) -> str:
        return f'DROP CONSTRAINT "{self._name(model)}"'

    def describe(self) -> str:
        return f"Tie {self.model_name} to {self.table} within the project"
