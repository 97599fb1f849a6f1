/** Twelve moments at which something of an apply through the CDKTF CLI is killed. */
import { DEPLOY, SMALL } from "./kill-moments";
import { killSuite } from "./kill-suite";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

killSuite({ account: SMALL, applying: DEPLOY, count: 12, seed: 11 });
