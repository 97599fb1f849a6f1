/** Sixty moments at which something of an apply through the CDKTF CLI is killed, in an account of six stacks. */
import { DEPLOY, LARGE } from "./kill-moments";
import { killSuite } from "./kill-suite";

jest.mock("../../stacks/notification-stack", () =>
  jest.requireActual("../helpers/no-notifications"),
);

killSuite({ account: LARGE, applying: DEPLOY, count: 60, seed: 11 });
