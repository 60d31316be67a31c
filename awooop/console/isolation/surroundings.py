"""What stands around the tenant tables and could be a way past them: views, functions, roles."""

from awooop.console.isolation.rules import Rule

# A function that runs as its owner is a door through every wall. Each one that is meant to be
# stands here, as `schema.name(argument types)`, with its reason in a decision record.
DEFINERS_ALLOWED: tuple[str, ...] = ()

_USER_SCHEMA = """
{0} NOT IN ('pg_catalog', 'information_schema') AND {0} NOT LIKE 'pg\\_toast%%'
AND {0} NOT LIKE 'pg\\_temp\\_%%'
"""
_ALLOWED = ", ".join(f"'{name}'" for name in DEFINERS_ALLOWED) or "NULL"

# Whatever reads a tenant table, directly or through other views.
_VIEWS = """
SELECT DISTINCT v.oid::regclass::text, v.kind FROM (
  WITH RECURSIVE reader (oid, kind) AS (
    SELECT w.ev_class, c.relkind FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class
     WHERE d.refobjid IN (SELECT oid FROM tenant) AND c.relkind IN ('v', 'm')
    UNION
    SELECT w.ev_class, c.relkind FROM reader r
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
                      AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> r.oid
      JOIN pg_class c ON c.oid = w.ev_class
     WHERE c.relkind IN ('v', 'm'))
  SELECT oid, kind FROM reader) v JOIN pg_class c ON c.oid = v.oid
"""

READERS = (
    Rule(
        "view",
        "every view over a tenant table reads as its caller",
        _VIEWS
        + """
 WHERE v.kind = 'v' AND NOT EXISTS (
   SELECT FROM pg_options_to_table(c.reloptions) o
    WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)""",
        "this view over a tenant table reads with its owner's rights",
        "ALTER VIEW {where} SET (security_invoker = true)",
        wide=True,
    ),
    Rule(
        "materialized-view",
        "no materialized view keeps tenants' rows",
        _VIEWS + " WHERE v.kind = 'm'",
        "this materialized view keeps tenants' rows where no policy can bind them",
        "DROP MATERIALIZED VIEW {where}, or make it a table with project_id and its walls",
        wide=True,
    ),
    Rule(
        "foreign-table",
        "no foreign table",
        f"""SELECT c.oid::regclass::text, NULL FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'f' AND {_USER_SCHEMA.format("n.nspname")}""",
        "no policy binds a foreign table",
        "DROP FOREIGN TABLE {where}",
        wide=True,
    ),
)

FUNCTIONS = (
    Rule(
        "definer",
        "no function lends its owner's rights",
        f"""
SELECT DISTINCT p.oid::regprocedure::text, pg_get_userbyid(p.proowner)::text
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.prosecdef AND {_USER_SCHEMA.format("n.nspname")}
   AND (EXISTS (SELECT FROM ours WHERE has_function_privilege(ours.oid, p.oid, 'EXECUTE'))
        OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid))
   AND (n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
        IN ({_ALLOWED})) IS NOT TRUE""",
        "it is SECURITY DEFINER: whoever calls it acts as {detail}",
        "ALTER FUNCTION {where} SECURITY INVOKER, or name it in DEFINERS_ALLOWED "
        "(awooop.console.isolation.surroundings) with a decision record",
        wide=True,
    ),
    Rule(
        "leakproof",
        "no function claims to be leakproof",
        f"""SELECT p.oid::regprocedure::text, NULL FROM pg_proc p
              JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE p.proleakproof AND {_USER_SCHEMA.format("n.nspname")}""",
        "it is LEAKPROOF, so it sees rows before their policy does",
        "ALTER FUNCTION {where} NOT LEAKPROOF",
        wide=True,
    ),
    Rule(
        "system-function",
        "no function reaches files or other servers",
        """
SELECT p.oid::regprocedure::text, string_agg(ours.name, ', ')
  FROM ours, pg_proc p
 WHERE p.pronamespace = 'pg_catalog'::regnamespace
   AND p.proname IN ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'lo_import', 'lo_export',
                     'pg_stat_reset', 'pg_reload_conf')
   AND has_function_privilege(ours.oid, p.oid, 'EXECUTE') GROUP BY p.oid""",
        "{detail} may call it, past every policy",
        "REVOKE EXECUTE ON FUNCTION {where} FROM PUBLIC, awooop_app",
        wide=True,
    ),
    Rule(
        "extension",
        "no extension opens another way in",
        """
SELECT e.extname::text, string_agg(DISTINCT ours.name, ', ')
  FROM pg_extension e, ours
 WHERE e.extname IN ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pageinspect', 'pg_surgery',
                     'pg_walinspect', 'pgrowlocks', 'pg_freespacemap', 'xml2', 'lo')
   AND EXISTS (
     SELECT FROM pg_depend d
      WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
        AND CASE d.classid
              WHEN 'pg_proc'::regclass THEN has_function_privilege(ours.oid, d.objid, 'EXECUTE')
              WHEN 'pg_foreign_data_wrapper'::regclass
                THEN has_foreign_data_wrapper_privilege(ours.oid, d.objid, 'USAGE')
              ELSE false END)
 GROUP BY e.extname
UNION ALL
SELECT 'server ' || s.srvname, string_agg(ours.name, ', ') FROM pg_foreign_server s, ours
 WHERE has_server_privilege(ours.oid, s.oid, 'USAGE') GROUP BY s.srvname
UNION ALL
SELECT 'language ' || l.lanname, string_agg(ours.name, ', ') FROM pg_language l, ours
 WHERE l.lanispl AND NOT l.lanpltrusted AND has_language_privilege(ours.oid, l.oid, 'USAGE')
 GROUP BY l.lanname""",
        "{detail} may use it to reach past row level security",
        "REVOKE its functions and wrappers from PUBLIC, or drop it",
        wide=True,
    ),
    Rule(
        "shadow",
        "no guard can be shown a temporary table instead of the real one",
        """
SELECT DISTINCT p.oid::regprocedure::text, s.name
  FROM pg_trigger t JOIN seen s ON s.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN tenant x ON p.prosrc ~ ('(^|[^.[:alnum:]_])' || x.name || '($|[^[:alnum:]_])')
 WHERE NOT t.tgisinternal AND has_database_privilege('awooop_app', current_database(), 'TEMP')
   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c
                    WHERE c LIKE 'search_path=%%' AND c LIKE '%%, pg_temp')""",
        "it guards {detail}, names tables without a schema, and a temporary table comes first",
        "write public.… in it, or ALTER FUNCTION {where} SET search_path = pg_catalog, public, "
        "pg_temp, or REVOKE TEMPORARY ON DATABASE … FROM PUBLIC",
    ),
)

ROLES = (
    Rule(
        "role-missing",
        "the application's roles exist",
        """SELECT wanted, NULL FROM unnest(ARRAY['awooop_app', 'awooop_operator', 'awooop_worker'])
             AS wanted WHERE wanted NOT IN (SELECT name FROM ours)""",
        "there is no such role",
        "run deploy/roles.sql",
        wide=True,
    ),
    Rule(
        "role-session",
        "the application signs in as awooop_app",
        "SELECT session_user::text, current_user::text WHERE session_user <> 'awooop_app'",
        "this connection signed in as another role than awooop_app",
        "point DATABASE_URL at awooop_app",
        wide=True,
    ),
    Rule(
        "role-power",
        "no role of the application stands above the walls",
        """
SELECT r.rolname::text, power FROM pg_roles r JOIN ours USING (oid), unnest(ARRAY[
         CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
         CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
         CASE WHEN rolreplication THEN 'REPLICATION' END,
         CASE WHEN rolcanlogin AND rolname <> 'awooop_app' THEN 'LOGIN' END]) AS power
 WHERE power IS NOT NULL""",
        "it has {detail}",
        "ALTER ROLE {where} NO{detail}",
        wide=True,
    ),
    Rule(
        "role-member",
        "the application becomes nobody but operator and worker",
        """
SELECT o.name::text, r.rolname::text FROM ours o, pg_roles r
 WHERE r.oid <> o.oid AND pg_has_role(o.oid, r.oid, 'MEMBER')
   AND NOT (o.name = 'awooop_app' AND r.rolname IN ('awooop_operator', 'awooop_worker'))""",
        "it may become {detail}",
        "REVOKE {detail} FROM {where}",
        wide=True,
    ),
    Rule(
        "role-inherit",
        "the application holds nobody's rights without entering the role",
        """
SELECT o.name::text, r.rolname::text FROM ours o, pg_roles r
 WHERE r.oid <> o.oid AND pg_has_role(o.oid, r.oid, 'USAGE')
UNION ALL
SELECT m.name::text, 'the grant of ' || pg_get_userbyid(g.roleid)
  FROM pg_auth_members g JOIN ours m ON m.oid = g.member WHERE g.admin_option""",
        "it has the rights of {detail} all the time",
        "ALTER ROLE {where} NOINHERIT, and no WITH INHERIT TRUE or ADMIN OPTION (deploy/roles.sql)",
        wide=True,
    ),
    Rule(
        "parameter",
        "no role of the application may switch triggers off",
        """SELECT o.name::text, parname FROM ours o, unnest(ARRAY['session_replication_role',
             'lo_compat_privileges', 'allow_system_table_mods']) AS parname
            WHERE has_parameter_privilege(o.oid, parname, 'SET, ALTER SYSTEM')""",
        "it may set {detail}",
        "REVOKE ALL ON PARAMETER {detail} FROM {where}, PUBLIC",
        wide=True,
    ),
    Rule(
        "stored-setting",
        "no role or database carries a tenant with it",
        """
SELECT COALESCE(r.rolname, 'every role')::text || COALESCE(' in ' || d.datname, ''), c
  FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c
 WHERE c ~* '^(rls\\.|role=|session_replication_role=|lo_compat_privileges=|row_security=)'
   AND (s.setdatabase = 0 OR d.datname = current_database())
   AND (s.setrole = 0 OR s.setrole IN (SELECT oid FROM ours))""",
        "every session of it starts with {detail}",
        "ALTER ROLE or DATABASE {where} RESET it",
        wide=True,
    ),
)

FUTURE = (
    Rule(
        "default-privileges",
        "no table made later opens by itself",
        """
SELECT COALESCE(d.defaclnamespace::regnamespace::text, 'every schema'),
       pg_get_userbyid(d.defaclrole) || ' grants ' || string_agg(DISTINCT x.privilege_type, ', ')
       || ' to ' || CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END
  FROM (SELECT *, CASE WHEN defaclnamespace <> 0 THEN defaclnamespace END AS schema
          FROM pg_default_acl) d, aclexplode(d.defaclacl) x
 WHERE d.defaclobjtype IN ('r', 'S') AND (x.grantee = 0 OR x.grantee IN (SELECT oid FROM ours))
 GROUP BY d.defaclnamespace, d.defaclrole, x.grantee""",
        "by default {detail} on whatever comes next",
        "ALTER DEFAULT PRIVILEGES … REVOKE it",
        wide=True,
    ),
    Rule(
        "create",
        "the application makes no objects of its own",
        f"""
SELECT 'schema ' || n.nspname, string_agg(o.name, ', ') FROM pg_namespace n, ours o
 WHERE {_USER_SCHEMA.format("n.nspname")} AND has_schema_privilege(o.oid, n.oid, 'CREATE')
 GROUP BY n.nspname
UNION ALL
SELECT 'database ' || current_database(), string_agg(o.name, ', ') FROM ours o
 WHERE has_database_privilege(o.oid, current_database(), 'CREATE') HAVING count(*) > 0""",
        "{detail} may create in it, so put a table or function before ours",
        "REVOKE CREATE ON {where} FROM PUBLIC, awooop_app",
        wide=True,
    ),
    Rule(
        "large-object",
        "no large object",
        """
SELECT 'large object ' || l.oid, pg_get_userbyid(l.lomowner)::text FROM pg_largeobject_metadata l
 WHERE l.lomowner IN (SELECT oid FROM ours) OR EXISTS (
   SELECT FROM aclexplode(l.lomacl) x WHERE x.grantee = 0 OR x.grantee IN (SELECT oid FROM ours))
 LIMIT 10""",
        "every tenant can read it (it belongs to {detail})",
        "SELECT lo_unlink(…); large objects know no policy",
        wide=True,
    ),
    Rule(
        "publication",
        "no publication streams tenant tables",
        """
SELECT p.pubname::text, pg_get_userbyid(p.pubowner)::text FROM pg_publication p
 WHERE EXISTS (SELECT FROM pg_publication_tables t JOIN pg_class c
                 ON c.relname = t.tablename AND c.relnamespace = t.schemaname::regnamespace
                WHERE t.pubname = p.pubname AND c.oid IN (SELECT oid FROM tenant))""",
        "it streams every tenant's rows to whoever replicates",
        "DROP PUBLICATION {where}; copy the whole server (physical replication) instead",
        wide=True,
    ),
)

RULES = (*READERS, *FUNCTIONS, *ROLES, *FUTURE)
