/** Ten thousand events with fields missing, added, of the wrong type, odd or up to 1 MB large. */
import { announceSpoilt } from "../../../helpers/announce-spoilt";

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  "a thousand spoilt events each end in a message, or as too large to start with (seed %d)",
  async (seed) => {
    const ends = await announceSpoilt(1000, seed);
    expect(ends.problems).toEqual([]);
    expect(ends.said + ends.raw + ends.couldNotStart).toBe(1000);
  },
);
