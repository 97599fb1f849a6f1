/** Six moments at which something of an apply is killed, one of each kind. The soak test has sixty, in a larger account. */
import { KEYSPAN_APPLY, SMALL } from "./kill-moments";
import { killSuite } from "./kill-suite";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

killSuite({ account: SMALL, applying: KEYSPAN_APPLY, count: 6, seed: 7 });
