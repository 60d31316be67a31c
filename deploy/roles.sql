-- The roles and the database AwoooP needs. Run once by a superuser on PostgreSQL 15 or newer; running it again
-- changes nothing:
--
--     psql -X -v ON_ERROR_STOP=1 -f deploy/roles.sql "host=db.example user=postgres dbname=postgres"
--
-- The embedded cluster of a checkout runs this same file. No role has a password here. On your own server, set them
-- for the two roles that log in (psql asks, so that no password reaches a log), then name them in DATABASE_URL and
-- DATABASE_OWNER_URL:
--
--     \password awooop_app
--     \password awooop_owner
--
--   awooop_owner     owns the database and every table; migrations only. CREATEDB serves the test suite: on a
--                    production server `ALTER ROLE awooop_owner NOCREATEDB` is welcome (this file restores it).
--   awooop_app       the login of web and workers. Holds no power by itself beyond one tenant at a time.
--   awooop_operator  entered with SET LOCAL ROLE for one transaction: reads across tenants.
--   awooop_worker    entered with SET LOCAL ROLE for one transaction: finds work across tenants.
--
-- NOINHERIT keeps the last two out of awooop_app's everyday privileges. It is an attribute of the role because
-- `GRANT ... WITH INHERIT FALSE` needs PostgreSQL 16.

\set QUIET on
SET client_min_messages = warning;

SELECT 'CREATE ROLE ' || wanted.rolname || ' NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS'
  FROM (VALUES ('awooop_owner'), ('awooop_app'), ('awooop_operator'), ('awooop_worker')) AS wanted (rolname)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE pg_roles.rolname = wanted.rolname)
\gexec

ALTER ROLE awooop_owner    LOGIN   INHERIT   CREATEDB;
ALTER ROLE awooop_app      LOGIN   NOINHERIT NOCREATEDB;
ALTER ROLE awooop_operator NOLOGIN INHERIT   NOCREATEDB;
ALTER ROLE awooop_worker   NOLOGIN INHERIT   NOCREATEDB;

GRANT awooop_operator, awooop_worker TO awooop_app;

-- A role that someone made earlier, with more power than row level security can bear, is refused by name.
DO $$
DECLARE
  strong text;
BEGIN
  SELECT string_agg(rolname, ', ' ORDER BY rolname) INTO strong
    FROM pg_roles
   WHERE rolname IN ('awooop_owner', 'awooop_app', 'awooop_operator', 'awooop_worker')
     AND (rolsuper OR rolbypassrls);
  IF strong IS NOT NULL THEN
    RAISE EXCEPTION 'row level security does not bind %', strong
      USING HINT = 'ALTER ROLE ... NOSUPERUSER NOBYPASSRLS';
  END IF;
END
$$;

SELECT 'CREATE DATABASE awooop OWNER awooop_owner ENCODING ''UTF8'' TEMPLATE template0'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'awooop')
\gexec

-- A temporary table could carry a trigger of its maker's own, and act from inside it where guards ask whether a
-- trigger acts. Only the owner makes any.
REVOKE TEMPORARY ON DATABASE awooop FROM PUBLIC;
