import type { StackFolder } from "../stack-folders";

/**
 * Works on stacks, each after those that it depends on, several at a time.
 *
 * @param folders - in an order in which no stack comes before one that it depends on
 * @param atATime - most that are worked on at once
 * @param work - gets the results of the stacks that are done; the stacks that this one depends on are among them
 * @returns the results by stack, in the order of the folders
 * @throws what `work` throws, once all that was begun has ended
 */
export async function inDependencyOrder<T>(
  folders: readonly StackFolder[],
  atATime: number,
  work: (folder: StackFolder, done: ReadonlyMap<string, T>) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  const done = new Map<string, T>();
  const waiting = [...folders];
  const running = new Map<string, Promise<void>>();
  const errors: unknown[] = [];
  const known = new Set(folders.map(({ id }) => id));
  const start = (folder: StackFolder) => {
    const ended = work(folder, done)
      .then(
        (result) => void done.set(folder.id, result),
        (error: unknown) => void errors.push(error),
      )
      .finally(() => running.delete(folder.id));
    running.set(folder.id, ended);
  };
  for (;;) {
    const next =
      errors.length > 0 || running.size >= atATime
        ? -1
        : waiting.findIndex(({ dependencies }) =>
            dependencies.every((id) => done.has(id) || !known.has(id)),
          );
    const [folder] = next < 0 ? [] : waiting.splice(next, 1);
    if (folder !== undefined) {
      start(folder);
    } else if (running.size > 0) {
      await Promise.race(running.values());
    } else if (errors.length > 0) {
      throw errors[0];
    } else {
      return new Map(folders.map(({ id }) => [id, done.get(id) as T]));
    }
  }
}
