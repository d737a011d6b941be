/**
 * The settings that our statements and the parsing of their rows need. A database or a role may have other defaults (`ALTER DATABASE … SET`), so
 * every connection sets them. It does so by statements, because PgBouncer refuses most settings as parameters of a new connection.
 *
 * - Prisma drops the offset of a time that it reads, and writes times without one.
 * - `pg` reads times as ISO 8601 and intervals in Postgres's own style, and writes NULL in arrays.
 * - A double loses digits when `extra_float_digits` is below 1.
 * - Prisma's own statements name the schema `public`. Ours and the migrations' name none.
 * - At a higher isolation level a conditional update fails if another transaction was faster. At this level it checks its condition again.
 * - Timeouts that suit other programs would end idle connections of a pool, migrations, and the wait for an advisory lock.
 */
export const sessionSettings = `
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1;
  SET standard_conforming_strings = on; SET array_nulls = on; SET search_path = public;
  SET default_transaction_isolation = 'read committed';
  SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = 0;
  SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'`; // only Postgres 17 and newer have it
