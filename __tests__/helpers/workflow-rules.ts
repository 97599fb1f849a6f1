/** What every workflow must hold to. */
import { type Job, PREPARE, type Step, stepsIn, workflowIn } from "./workflow-files";

/** How each workflow may start. Nothing that others can start with their own words. */
const TRIGGERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "plan.yml": { pull_request: { branches: ["main"] } },
  "apply.yml": { push: { branches: ["main"] }, workflow_dispatch: expect.anything() },
  "apply-account.yml": { workflow_call: expect.anything() },
  "apply-digest.yml": { workflow_call: expect.anything() },
  "deploy.yml": { workflow_dispatch: expect.anything() },
  "drift.yml": { schedule: [{ cron: expect.any(String) }], workflow_dispatch: null },
};

const READS = { contents: "read" };
const TAKES_ROLES = { contents: "read", "id-token": "write" };

/** Permissions of each job; a job that is missing here has none. */
const PERMISSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "plan.yml accounts": READS,
  "plan.yml plan": TAKES_ROLES,
  "plan.yml comment": { "pull-requests": "write" },
  "apply.yml accounts": READS,
  "apply-account.yml plan": TAKES_ROLES,
  "apply-account.yml first": TAKES_ROLES,
  "apply-account.yml second": TAKES_ROLES,
  "apply-digest.yml apply": TAKES_ROLES,
  "deploy.yml accounts": READS,
  "deploy.yml deploy": TAKES_ROLES,
  "drift.yml accounts": READS,
  "drift.yml status": TAKES_ROLES,
  "drift.yml issue": { issues: "write" },
};

/** Everything in which the workflows do not keep the rules, a sentence each. */
export function problemsIn(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts).flatMap(([file, text]) => {
    const short = file.slice(file.lastIndexOf("/") + 1);
    const found =
      file === PREPARE ? preparation(text) : [...whole(short, text), ...ownRules(short, text)];
    return [
      ...pins(text),
      ...[...stepsIn({ [file]: text })].flatMap(([, step]) => ofStep(step)),
      ...found,
    ].map((problem) => `${short}: ${problem}`);
  });
}

function pins(text: string): readonly string[] {
  return [...text.matchAll(/^\s*(?:- )?uses: (\S+)(.*)$/gm)].flatMap(([, uses = "", rest = ""]) =>
    uses.startsWith("./") ||
    (/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/.test(uses) && /^ # v\d+\.\d+\.\d+$/.test(rest))
      ? []
      : [`${uses.replace(/@.*/, "")} must be pinned to a commit, with its version behind it`],
  );
}

function ofStep({ run = "", name = run }: Step): readonly string[] {
  return run.includes("${{")
    ? [
        `${name}: a command must not hold an expression: whoever sets its value would write the command`,
      ]
    : [];
}

function preparation(text: string): readonly string[] {
  const settings = Object.assign(
    {},
    ...[...stepsIn({ [PREPARE]: text }).values()].map((step) => step.with),
  );
  const expected = {
    "node-version-file": ".nvmrc",
    "package-manager-cache": false,
    terraform_version: expect.stringMatching(/^1\.11\.\d+$/),
    terraform_wrapper: false,
  };
  return Object.entries(expected).flatMap(([name, value]) =>
    differs(settings[name], value) ? [`${name} must be ${value}`] : [],
  );
}

function whole(file: string, text: string): readonly string[] {
  const { on, permissions, defaults, jobs } = workflowIn(text);
  const allowed = TRIGGERS[file] ?? {};
  return [
    ...Object.entries(on).flatMap(([trigger, settings]) =>
      Object.hasOwn(allowed, trigger) && !differs(settings, allowed[trigger])
        ? []
        : [`trigger ${trigger} must be one that is known, as it is known`],
    ),
    ...(differs(permissions, {}) ? ["permissions of the workflow must be none"] : []),
    ...(defaults?.run?.shell === "bash"
      ? []
      : ["shell must be bash: then a failure in a pipe counts"]),
    ...Object.entries(jobs).flatMap(([id, job]) =>
      ofJob(file, id, job).map((problem) => `${id}: ${problem}`),
    ),
  ];
}

function ofJob(file: string, id: string, job: Job): readonly string[] {
  const { steps = [], permissions = {}, uses, strategy } = job;
  const called = uses !== undefined;
  const ring = /^ring-\d$/.test(id) ? TAKES_ROLES : {};
  const allowed = PERMISSIONS[`${file} ${id}`] ?? ring;
  return [
    ...(differs(permissions, allowed) ? [`permissions must be ${JSON.stringify(allowed)}`] : []),
    ...(called || job["runs-on"] === "ubuntu-24.04" ? [] : ["runs-on must be ubuntu-24.04"]),
    ...(called || (job["timeout-minutes"] ?? 0) > 0 ? [] : ["timeout-minutes must be set"]),
    ...(strategy === undefined || strategy["fail-fast"] === false
      ? []
      : ["fail-fast must be false: one account's failure would cancel what others apply"]),
    ...steps.flatMap((step) =>
      step.uses?.startsWith("actions/checkout@") && step.with?.["persist-credentials"] !== false
        ? ["actions/checkout must not keep its credentials"]
        : [],
    ),
    ...(JSON.stringify(steps).includes("KEYSPAN_APPLY_ROLES") ? applying(job) : []),
  ];
}

/** A job that changes an account. */
function applying(job: Job): readonly string[] {
  const account = /^\$\{\{ (inputs|matrix)\.account \}\}$/.exec(job.environment ?? "")?.[0];
  const credentials = (job.steps ?? []).find(({ uses }) =>
    uses?.includes("configure-aws-credentials"),
  );
  const seconds = Number(credentials?.with?.["role-duration-seconds"]);
  const commands = (job.steps ?? []).flatMap(({ run }) =>
    run !== undefined && /cli\/(keyspan|main)\.ts|npm run/.test(run) ? [run] : [],
  );
  return [
    ...(account === undefined
      ? [
          "environment must be that of the account, or else the role that applies must not be named",
          "the role that applies must be taken only in a job that is approved",
        ]
      : []),
    ...(differs(job.concurrency, { group: `keyspan-${account}`, "cancel-in-progress": false })
      ? ["concurrency must be one group per account, in which nothing is cancelled"]
      : []),
    ...((job["timeout-minutes"] ?? 0) * 60 > seconds
      ? []
      : ["timeout-minutes must be above the time for which the credentials last"]),
    ...(commands.length === 1 &&
    /^exec node --require tsx\/cjs [^\n;|&]+\n?$/.test(commands[0] ?? "")
      ? []
      : ["the command must be exec'd, and not through npm: a cancel would not reach it"]),
  ];
}

function ownRules(file: string, text: string): readonly string[] {
  const { jobs } = workflowIn(text);
  const refused = (holds: boolean, problem: string) => (holds ? [] : [problem]);
  switch (file) {
    case "plan.yml": {
      const here = "github.event.pull_request.head.repo.full_name == github.repository";
      return [
        ...refused(jobs.accounts?.if === here, "accounts: forks must be left out"),
        ...refused(jobs.fork?.if === here.replace("==", "!="), "fork: forks must be told"),
        ...refused(jobs.plan?.needs === "accounts", "plan: needs must be accounts"),
      ];
    }
    case "apply-digest.yml": {
      const { name, steps = [], outputs } = jobs.apply ?? {};
      const apply = steps.find(({ id }) => id === "apply");
      const result = steps.find(({ id }) => id === "result");
      return [
        ...refused(apply?.env?.DIGEST === "${{ inputs.digest }}", "the digest must be the input"),
        ...refused(name === "${{ inputs.digest }}", "the job must be named by the digest"),
        ...refused(apply?.["continue-on-error"] === true, "exit code 2 must not end the job"),
        ...refused(
          result?.if === "${{ always() && steps.apply.outcome != 'skipped' }}" &&
            result.env?.OUTCOME === "${{ steps.apply.outcome }}" &&
            outputs?.waiting === "${{ steps.result.outputs.waiting }}",
          "the result must be shown however the apply ends",
        ),
      ];
    }
    case "apply-account.yml": {
      const { first, second } = jobs;
      return [
        ...refused(
          first?.with?.digest === "${{ needs.plan.outputs.digest }}",
          "first: digest must be that of the plan",
        ),
        ...refused(
          second?.with?.digest === "${{ needs.first.outputs.waiting }}",
          "second: digest must be that of what waits",
        ),
        ...refused(second?.needs === "first", "second: needs must be first"),
      ];
    }
    case "apply.yml":
      return Object.entries(jobs)
        .filter(([id]) => id.startsWith("ring-"))
        .flatMap(([id, { needs, if: condition, strategy, uses, with: given }]) => {
          const ring = Number(id.slice("ring-".length));
          const earlier = Array.from({ length: ring }, (_, index) => `ring-${index}`);
          const before = ring === 0 ? "accounts" : ["accounts", ...earlier];
          const accounts = `needs.accounts.outputs.${id}`;
          return [
            ...refused(!differs(needs, before), `${id}: needs must be every ring before`),
            ...refused(
              condition ===
                `\${{ !cancelled() && !failure() && !contains(needs.*.result, 'cancelled') && ${accounts} != '[]' }}`,
              `${id}: if must stop after a failure, and after what was cancelled`,
            ),
            ...refused(
              !differs(strategy?.matrix, { include: `\${{ fromJSON(${accounts}) }}` }),
              `${id}: matrix must be of its accounts`,
            ),
            ...refused(
              uses === "./.github/workflows/apply-account.yml" &&
                !differs(given, {
                  account: "${{ matrix.account }}",
                  partition: "${{ matrix.partition }}",
                  region: "${{ matrix.homeRegion }}",
                }),
              `${id}: it must apply its accounts`,
            ),
          ];
        });
    default:
      return [];
  }
}

function differs(actual: unknown, expected: unknown): boolean {
  try {
    expect(actual).toEqual(expected);
    return false;
  } catch {
    return true;
  }
}
