/**
 * What our statements, and the reading of their rows, rely on. A database or a role may have other defaults (`ALTER DATABASE … SET`), so every
 * connection sets them, by statements: PgBouncer refuses most settings among the parameters of a connection's start.
 *
 * - Prisma drops the offset of a time that it reads, and writes times without one.
 * - `pg` reads times as ISO 8601 and intervals in Postgres's own style, and writes NULL in arrays.
 * - A double loses digits when `extra_float_digits` is below 1.
 * - Prisma's own statements name the schema `public`. Ours and the migrations' name none.
 * - At a higher isolation level a conditional update fails when another one was quicker. At this one it looks again.
 * - Limits of time that are right for others end idle connections of a pool, migrations, and the wait for an advisory lock.
 */
export const sessionSettings = `
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1;
  SET standard_conforming_strings = on; SET array_nulls = on; SET search_path = public;
  SET default_transaction_isolation = 'read committed';
  SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = 0;
  SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'`; // Postgres 17 or newer has it
