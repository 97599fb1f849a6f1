import { announceSpoilt } from "../../../helpers/announce-spoilt";

test("90 spoilt events each end in a message, or as too large to start with", async () => {
  const ends = await announceSpoilt(90, 2026);
  expect(ends.problems).toEqual([]);
  expect(ends.said + ends.raw + ends.couldNotStart).toBe(90);
  // Each end was reached, so the events were spoilt in every degree.
  expect(Math.min(ends.said, ends.raw, ends.couldNotStart)).toBeGreaterThan(3);
});
