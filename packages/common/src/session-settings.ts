/**
 * What our statements, and the reading of their rows, rely on. A database or a role may have other defaults (`ALTER DATABASE … SET`), so every
 * connection sets them, by statements: PgBouncer refuses most settings among the parameters of a connection's start.
 *
 * - Prisma drops the offset of a time that it reads, and writes times without one.
 * - `pg` reads times as ISO 8601 only, and writes arrays that have NULL in them.
 * - A double loses digits below 1 of `extra_float_digits`.
 * - Prisma's own statements name the schema `public`, ours and the migrations' name none.
 * - A conditional update at a higher isolation level fails where another one was quicker. At this one it looks again.
 * - A lock is waited for as long as its statement may take, and a connection that is idle, or in a long migration, has done nothing wrong.
 */
export const sessionSettings = `
  SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1;
  SET standard_conforming_strings = on; SET array_nulls = on; SET transform_null_equals = off; SET search_path = public;
  SET default_transaction_isolation = 'read committed';
  SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = 0;
  SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'`; // Postgres 17 or newer has it
