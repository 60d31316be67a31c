"""The laws of a tenant table: its flags, policies, grants, keys, and what hangs on it."""

from awooop.console.isolation.rules import Rule

# Policies are compared without what PostgreSQL adds when it prints them: casts, brackets, names.
_BARE = "regexp_replace({}, '::text|::character varying|\\mAS\\M\\s+\"nullif\"|[()\\s]', '', 'gi')"
_USING = _BARE.format("pg_get_expr(p.polqual, p.polrelid)")
_CHECK = _BARE.format("pg_get_expr(p.polwithcheck, p.polrelid)")
_TENANT = _BARE.format("%(tenant_form)s")
_OPERATOR = _BARE.format("%(operator_form)s")

# Where the worker's role may enter: the queue, which it claims from and reaps; and to read only,
# what its heartbeat judges by and its reaper looks for. Anything else it does as the run's tenant.
_WORKER_DOOR = """
(({table} LIKE 'awooop\\_run\\_%%' AND {privilege} IN ('SELECT', 'INSERT', 'UPDATE'))
 OR ({table} IN ('awooop_projects', 'awooop_budget', 'awooop_budget_account', 'awooop_budget_hold',
                 'awooop_budget_ledger', 'awooop_audit_chain', 'awooop_tool_effect',
                 'awooop_approval', 'awooop_approval_ticket', 'awooop_operation')
     AND {privilege} = 'SELECT'))
"""

_GRANTS = """
, granted AS (
  SELECT s.oid, s.name, x.grantee, x.privilege_type AS privilege, x.is_grantable
    FROM seen s, aclexplode(s.acl) x
  UNION ALL
  SELECT s.oid, s.name, x.grantee, x.privilege_type, x.is_grantable
    FROM seen s JOIN pg_attribute a ON a.attrelid = s.oid AND NOT a.attisdropped,
         aclexplode(a.attacl) x
)
"""

FLAGS = (
    Rule(
        "rls-off",
        "row level security is on for every tenant table",
        "SELECT name, NULL FROM seen WHERE NOT secured",
        "row level security is off",
        "ALTER TABLE {where} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    ),
    Rule(
        "rls-not-forced",
        "row level security binds the owner too",
        "SELECT name, NULL FROM seen WHERE NOT forced",
        "row level security is not forced: the owner sees every tenant",
        "ALTER TABLE {where} FORCE ROW LEVEL SECURITY",
    ),
    Rule(
        "project-nullable",
        "every row has a project",
        "SELECT name, NULL FROM seen WHERE NOT required",
        "project_id may be null, and a null escapes every foreign key",
        "ALTER TABLE {where} ALTER COLUMN project_id SET NOT NULL",
    ),
    Rule(
        "owner",
        "no role of the application owns a tenant table",
        """SELECT s.name, pg_get_userbyid(s.owner) FROM seen s
            WHERE EXISTS (SELECT FROM ours WHERE pg_has_role(ours.oid, s.owner, 'MEMBER'))""",
        "it belongs to {detail}, which the application is or may become",
        "ALTER TABLE {where} OWNER TO awooop_owner",
    ),
)

POLICIES = (
    Rule(
        "policy-unexpected",
        "no policy opens more than its role's own rows",
        f"""
SELECT s.name, p.polname || ' for ' || CASE WHEN r.oid = 0 THEN 'PUBLIC' ELSE o.name END
  FROM seen s JOIN pg_policy p ON p.polrelid = s.oid AND p.polpermissive,
       unnest(p.polroles) AS r (oid) LEFT JOIN ours o USING (oid)
 WHERE (r.oid = 0 OR o.name IS NOT NULL) AND NOT COALESCE(CASE o.name
   WHEN 'awooop_app' THEN
     (p.polqual IS NULL AND p.polcmd = 'a' OR {_USING} = {_TENANT})
     AND (p.polwithcheck IS NULL AND p.polcmd <> 'a' OR {_CHECK} = {_TENANT})
   WHEN 'awooop_operator' THEN p.polcmd = 'r' AND {_USING} = {_OPERATOR}
   WHEN 'awooop_worker' THEN {_WORKER_DOOR.format(table="s.name", privilege="'SELECT'")}
   END, false)""",
        "the policy {detail} is not of the form the walls allow",
        "DROP POLICY … ON {where}; raise it again with awooop.kit.rls.TenantWalls",
    ),
    Rule(
        "policy-missing",
        "every granted command has its policy",
        """
SELECT s.name, o.name || ' may ' || c.privilege
  FROM seen s, ours o,
       (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd'))
         AS c (privilege, code)
 WHERE CASE WHEN c.privilege = 'DELETE' THEN has_table_privilege(o.oid, s.oid, 'DELETE')
            ELSE has_any_column_privilege(o.oid, s.oid, c.privilege) END
   AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = s.oid AND p.polpermissive
                    AND p.polcmd IN ('*', c.code::"char") AND p.polroles && ARRAY[o.oid])""",
        "{detail} here without a policy of its own",
        "raise {where}'s policies again with awooop.kit.rls.TenantWalls",
    ),
)

GRANTS = (
    Rule(
        "grant-public",
        "nothing is granted to everybody",
        _GRANTS + "SELECT name, string_agg(DISTINCT privilege, ', ') FROM granted"
        " WHERE grantee = 0 GROUP BY name",
        "{detail} is granted to PUBLIC",
        "REVOKE ALL ON {where} FROM PUBLIC",
    ),
    Rule(
        "grant-power",
        "no role of the application may truncate, refer to, or pass on",
        _GRANTS
        + """
SELECT g.name, string_agg(DISTINCT o.name || ' ' || g.privilege
                          || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', ')
  FROM granted g JOIN ours o ON o.oid = g.grantee
 WHERE g.is_grantable OR g.privilege NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
 GROUP BY g.name""",
        "more than rows is granted: {detail}",
        "REVOKE it on {where}; row level security does not bind it",
    ),
    Rule(
        "grant-operator",
        "the operator's role only reads",
        _GRANTS
        + """
SELECT g.name, string_agg(DISTINCT g.privilege, ', ')
  FROM granted g JOIN ours o ON o.oid = g.grantee
 WHERE o.name = 'awooop_operator' AND g.privilege IN ('INSERT', 'UPDATE', 'DELETE')
 GROUP BY g.name""",
        "awooop_operator may {detail} across tenants",
        "REVOKE {detail} ON {where} FROM awooop_operator",
    ),
    Rule(
        "grant-worker",
        "the worker's role stays with the queue",
        _GRANTS
        + f"""
SELECT g.name, string_agg(DISTINCT g.privilege, ', ')
  FROM granted g JOIN ours o ON o.oid = g.grantee
 WHERE o.name = 'awooop_worker'
   AND NOT {_WORKER_DOOR.format(table="g.name", privilege="g.privilege")} GROUP BY g.name""",
        "awooop_worker may {detail} across tenants",
        "REVOKE it on {where}, or name the door in awooop.console.isolation.walls",
    ),
)

KEYS = (
    Rule(
        "fk-project",
        "every foreign key between tenant tables carries the project",
        """
SELECT s.name, k.conname || ' to ' || t.name
  FROM pg_constraint k JOIN seen s ON s.oid = k.conrelid JOIN tenant t ON t.oid = k.confrelid
 WHERE k.contype = 'f'
   AND NOT EXISTS (SELECT FROM unnest(k.conkey, k.confkey) AS pair (mine, theirs)
                    WHERE pair.mine = s.project AND pair.theirs = t.project)""",
        "the foreign key {detail} leaves out project_id: a row may point at a neighbour's",
        "make it (project_id, …) REFERENCES (project_id, …): awooop.kit.rls.TenantForeignKey",
    ),
    Rule(
        "key-project",
        "every unique key of a tenant table carries the project",
        """
SELECT s.name, i.indexrelid::regclass::text
  FROM pg_index i JOIN seen s ON s.oid = i.indrelid
 WHERE (i.indisunique OR i.indisexclusion)
   AND NOT s.project = ANY ((string_to_array(i.indkey::text, ' ')::int[])[1:i.indnkeyatts])""",
        "the unique key {detail} leaves out project_id: a refusal tells what a neighbour has",
        "make project_id a part of it (awooop.kit.rls.TenantKey for a primary key)",
    ),
    Rule(
        "link-table",
        "no table without a project refers to one with it",
        """
SELECT k.conrelid::regclass::text, k.conname || ' to ' || t.name
  FROM pg_constraint k JOIN tenant t ON t.oid = k.confrelid
 WHERE k.contype = 'f' AND k.conrelid NOT IN (SELECT oid FROM tenant)
   AND (%(tables)s::text[] IS NULL OR k.conrelid::regclass::text = ANY (%(tables)s::text[]))""",
        "it has no project_id, so no wall, and ties tenants' rows together by {detail}",
        "make it an explicit model with project_id and awooop.kit.rls.TenantWalls",
    ),
    Rule(
        "sequence",
        "no tenant table counts across tenants",
        """
SELECT DISTINCT s.name, q.oid::regclass::text
  FROM seen s
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass
                  AND d.refobjid = s.oid AND d.deptype IN ('a', 'i')
  JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
UNION
SELECT s.name, q.oid::regclass::text
  FROM seen s JOIN pg_attrdef f ON f.adrelid = s.oid
  JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                  AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class q ON q.oid = d.refobjid AND q.relkind = 'S'""",
        "its numbers come from {detail}, which tells each tenant how much the others do",
        "use awooop.kit.ids.new_id, or count within the project",
    ),
    Rule(
        "rewrite-rule",
        "no rewrite rule works as the owner",
        """SELECT s.name, r.rulename::text FROM pg_rewrite r JOIN seen s ON s.oid = r.ev_class
            WHERE r.rulename <> '_RETURN'""",
        "the rule {detail} runs with the owner's rights",
        "DROP RULE {detail} ON {where}",
    ),
    Rule(
        "inheritance",
        "no table without a project shows the rows of one with it",
        """SELECT s.name, i.inhparent::regclass::text
             FROM pg_inherits i JOIN seen s ON s.oid = i.inhrelid
            WHERE i.inhparent NOT IN (SELECT oid FROM tenant)""",
        "its rows show through {detail}, which has no wall",
        "ALTER TABLE {where} NO INHERIT {detail}",
    ),
    Rule(
        "guard-asleep",
        "every guard of a tenant table is awake",
        """SELECT s.name, t.tgname::text FROM pg_trigger t JOIN seen s ON s.oid = t.tgrelid
            WHERE t.tgenabled NOT IN ('O', 'A')""",
        "the trigger {detail} is disabled",
        "ALTER TABLE {where} ENABLE TRIGGER {detail}",
    ),
)

STATISTICS = (
    Rule(
        "statistics",
        "statistics show no tenant's values",
        """
SELECT s.name, v.view FROM seen s JOIN pg_class c USING (oid) JOIN (
         SELECT schemaname, tablename, 'pg_stats' AS view FROM pg_stats
          UNION SELECT schemaname, tablename, 'pg_stats_ext' FROM pg_stats_ext
          UNION SELECT schemaname, tablename, 'pg_stats_ext_exprs' FROM pg_stats_ext_exprs) v
    ON v.schemaname = c.relnamespace::regnamespace::name AND v.tablename = c.relname""",
        "{detail} shows the application the commonest values of every tenant",
        "ALTER TABLE {where} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    ),
)

RULES = (*FLAGS, *POLICIES, *GRANTS, *KEYS, *STATISTICS)
