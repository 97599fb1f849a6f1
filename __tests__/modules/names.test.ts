import {
  ALIAS_NAME,
  ARCHIVE_NAME,
  archiveStackId,
  deadLetterQueueName,
  EVENT_BUS_NAME,
  keyAlias,
  nameProblem,
  QUEUE_NAME,
  STATE_OBJECT_KEY,
  stateObjectKey,
} from "../../modules/names";

test("names are built from one prefix", () => {
  expect(keyAlias("orders")).toBe("alias/keyspan-orders");
  expect(deadLetterQueueName("orders")).toBe("keyspan-orders-dead-letter");
  expect(archiveStackId("eu-west-1")).toBe("archive-eu-west-1");
  expect(stateObjectKey("keys")).toBe("keys.tfstate");
});

test.each([
  [ALIAS_NAME, "alias/", 256, "alias/a b"],
  [EVENT_BUS_NAME, "", 256, "a b"],
  [ARCHIVE_NAME, "", 48, "a/b"],
  [QUEUE_NAME, "", 80, "a.b"],
  [STATE_OBJECT_KEY, "", 1024, "a b"],
] as const)("%p is kept on both sides", (limit, prefix, max, badForm) => {
  const longest = prefix + "x".repeat(max - prefix.length);
  expect(nameProblem(longest, limit)).toBeUndefined();
  expect(nameProblem(`${longest}x`, limit)).toBe(
    `must be at most ${max} characters long, the limit for ${limit.kind} names (${limit.source})`,
  );
  expect(nameProblem(badForm, limit)).toBe(
    `must match ${limit.pattern}, the form of ${limit.kind} names (${limit.source})`,
  );
  expect(nameProblem("", limit)).toContain("must match");
});
