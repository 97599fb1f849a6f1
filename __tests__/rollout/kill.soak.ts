/** Sixty moments at which something of an apply is killed, in an account of six stacks. */
import { KEYSPAN_APPLY, LARGE } from "./kill-moments";
import { killSuite } from "./kill-suite";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

killSuite({ account: LARGE, applying: KEYSPAN_APPLY, count: 60, seed: 2026 });
