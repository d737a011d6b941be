import { AppError } from '../errors/app-error.ts';

/** How many things each caller may have open at the same time in this process. */
export type OpenAtOnce = {
  /** Returns how to give the place back; to call it again does nothing. Throws `too_many_streams` where none is free. */
  hold(caller: string): () => void;
  hasRoom(caller: string): boolean;
};

/** `name` is what the caller is, as clients are told it: `key`, `address`. */
export function createOpenAtOnce(name: string, max: number): OpenAtOnce {
  const open = new Map<string, number>();
  const hasRoom = (caller: string) => (open.get(caller) ?? 0) < max;

  return {
    hasRoom,
    hold(caller) {
      if (!hasRoom(caller))
        throw new AppError(
          'too_many_streams',
          `Each ${name} may have ${max} event streams, long polls or sockets open at a process`,
        );
      open.set(caller, (open.get(caller) ?? 0) + 1);
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        const others = (open.get(caller) ?? 1) - 1;
        if (others > 0) open.set(caller, others);
        else open.delete(caller);
      };
    },
  };
}
