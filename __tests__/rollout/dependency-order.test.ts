import { inDependencyOrder } from "../../cli/rollout/dependency-order";
import type { StackFolder } from "../../cli/stack-folders";

const folder = (id: string, ...dependencies: string[]): StackFolder => ({
  id,
  directory: id,
  dependencies,
});

const FOLDERS = [folder("keys"), folder("a", "keys"), folder("b", "keys"), folder("c", "a")];

/** Works on stacks that end when they are told to. */
function controlled() {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const work = ({ id }: StackFolder) =>
    new Promise<string>((resolve, reject) => {
      begun.push(id);
      ends.set(id, (error) => (error === undefined ? resolve(`${id} done`) : reject(error)));
    });
  const end = async (id: string, error?: Error) => {
    ends.get(id)?.(error);
    await new Promise(setImmediate);
  };
  return { begun, end, work };
}

test("a stack begins when all that it depends on have ended, and others go on beside it", async () => {
  const { begun, end, work } = controlled();
  const all = inDependencyOrder(FOLDERS, 10, work);
  expect(begun).toEqual(["keys"]);
  await end("keys");
  expect(begun).toEqual(["keys", "a", "b"]);
  await end("a");
  expect(begun).toEqual(["keys", "a", "b", "c"]);
  await end("c");
  await end("b");
  expect([...(await all)]).toEqual([
    ["keys", "keys done"],
    ["a", "a done"],
    ["b", "b done"],
    ["c", "c done"],
  ]);
});

test("no more are begun at a time than were allowed", async () => {
  const { begun, end, work } = controlled();
  const all = inDependencyOrder(FOLDERS, 1, work);
  await end("keys");
  expect(begun).toEqual(["keys", "a"]);
  await end("a");
  expect(begun).toEqual(["keys", "a", "b"]);
  await end("b");
  await end("c");
  expect((await all).size).toBe(4);
});

test("what a stack depends on outside the list is taken to be there", async () => {
  const results = await inDependencyOrder([folder("a", "keys")], 2, async ({ id }) => id);
  expect([...results]).toEqual([["a", "a"]]);
});

test("an error is thrown once everything that was begun has ended; nothing more is begun", async () => {
  const { begun, end, work } = controlled();
  const all = inDependencyOrder(FOLDERS, 10, work);
  let thrown: unknown;
  const caught = all.catch((error: unknown) => {
    thrown = error;
  });
  await end("keys");
  await end("a", new Error("broken"));
  expect(thrown).toBeUndefined();
  await end("b");
  await caught;
  expect(thrown).toEqual(new Error("broken"));
  expect(begun).toEqual(["keys", "a", "b"]);
});
