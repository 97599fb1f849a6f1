/** Executions of state machines: each rule and limit of Step Functions, with where it is documented. */
import validate from "asl-validator";
import {
  definitionProblems,
  type ExecutionProps,
  type ExecutionResult,
  runExecution,
  type TaskCall,
  TaskError,
} from "../../../sandbox/delivery/state-machine";

type States = Readonly<Record<string, object>>;

const DG = "https://docs.aws.amazon.com/step-functions/latest/dg";
const ERRORS = `${DG}/concepts-error-handling.html`;
const VARIABLES = `${DG}/workflow-variables.html`;
const JSONATA = `${DG}/transforming-data.html`;
const QUOTAS = `${DG}/service-quotas.html`;
const SPEC = "https://states-language.net/spec.html";

const MACHINE_ARN = "arn:aws:states:eu-west-1:111122223333:stateMachine:keyspan-announce";
const MAX_BYTES = 262_144;
const ALL = ["States.ALL"];
const DONE = { Type: "Succeed" };

/** A machine that begins with the first of its states. */
const machine = (states: States, more: object = {}) => ({
  QueryLanguage: "JSONata",
  StartAt: Object.keys(states)[0],
  States: states,
  ...more,
});
const pass = (fields: object) => ({ Type: "Pass", End: true, ...fields });
const task = (fields: object = {}) => ({
  Type: "Task",
  Resource: "arn:aws:states:::aws-sdk:kms:describeKey",
  Arguments: {},
  End: true,
  ...fields,
});
const parallel = (branch: States, fields: object = {}) => ({
  Type: "Parallel",
  Branches: [{ StartAt: Object.keys(branch)[0], States: branch }],
  End: true,
  ...fields,
});
const map = (inner: States, fields: object = {}) => ({
  Type: "Map",
  ItemProcessor: { StartAt: Object.keys(inner)[0], States: inner },
  End: true,
  ...fields,
});

/** Runs a machine whose tasks give back their arguments, unless told otherwise. */
const run = (
  states: States,
  props: Partial<ExecutionProps> = {},
  more: object = {},
): Promise<ExecutionResult> =>
  runExecution({
    definition: machine(states, more),
    input: {},
    startedAt: "2026-11-22T12:00:00Z",
    stateMachineArn: MACHINE_ARN,
    executionName: "one",
    task: async (call) => call.arguments,
    ...props,
  });

/** Runs a machine with one state, and gives its output. */
const output = async (state: object, props: Partial<ExecutionProps> = {}) => {
  const result = await run({ State: state }, props);
  expect(result).toMatchObject({ status: "SUCCEEDED" });
  return result.output;
};
const evaluated = (expression: string, input: unknown = {}) =>
  output(pass({ Output: `{% ${expression} %}` }), { input });
const fails = (errorName: string) => async (): Promise<never> => {
  throw new TaskError(errorName, "it said no");
};
const failed = (error: string, cause: unknown = expect.any(String)) =>
  expect.objectContaining({ status: "FAILED", error, cause });
const succeeded = (value: unknown) =>
  expect.objectContaining({ status: "SUCCEEDED", output: value });
const times = (result: ExecutionResult) => result.calls.map(({ at }) => at.slice(14, 19));
/** JSON text of so many bytes. */
const sized = (bytes: number) => "x".repeat(bytes - 2);

/** A machine with every type of state, and every field that its tests do not name one by one. */
const EVERYTHING: States = {
  Note: {
    Type: "Pass",
    Assign: { key: "{% $states.input.key %}", seen: 0 },
    Next: "Pause",
  },
  Pause: { Type: "Wait", Seconds: 90, Next: "Look" },
  Look: {
    Type: "Task",
    Resource: "arn:aws:states:::aws-sdk:kms:describeKey",
    Arguments: { KeyId: "{% $key %}" },
    TimeoutSeconds: 30,
    Retry: [{ ErrorEquals: ["Kms.KmsInternalException"], MaxAttempts: 2 }],
    Catch: [{ ErrorEquals: ALL, Assign: { why: "{% $states.errorOutput.Error %}" }, Next: "Lost" }],
    Assign: { state: "{% $states.result.KeyState %}" },
    Output: { state: "{% $states.result.KeyState %}", was: "{% $states.input %}" },
    Next: "Is it there?",
  },
  "Is it there?": {
    Type: "Choice",
    Choices: [
      { Condition: "{% $state = 'Enabled' %}", Assign: { seen: 1 }, Next: "Tell both" },
      { Condition: "{% $state = 'Disabled' %}", Next: "Lost" },
    ],
    Default: "Tell both",
  },
  "Tell both": {
    Type: "Parallel",
    Branches: [
      { StartAt: "First", States: { First: { Type: "Wait", Seconds: 5, End: true } } },
      {
        StartAt: "Second",
        States: { Second: { Type: "Pass", Output: "{% $key & ' ' & $state %}", End: true } },
      },
    ],
    Next: "Tell each",
  },
  "Tell each": {
    Type: "Map",
    Items: ["a", "{% $key %}"],
    ItemSelector: {
      index: "{% $states.context.Map.Item.Index %}",
      item: "{% $states.context.Map.Item.Value %}",
    },
    MaxConcurrency: 1,
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: "One",
      States: {
        One: {
          Type: "Task",
          Resource: "arn:aws:states:::sns:publish",
          Arguments: { Message: "{% $states.input.item %}" },
          Output: "{% $states.input.index %}",
          End: true,
        },
      },
    },
    Output: "{% $states.result %}",
    Next: "Done",
  },
  Done: { Type: "Succeed", Output: { told: "{% $states.input %}", seen: "{% $seen %}" } },
  Lost: { Type: "Fail", Error: "Lost", Cause: "{% $key & ': ' & $why %}" },
};

describe("an execution", () => {
  const answer = async (call: TaskCall) => (call.state === "Look" ? { KeyState: "Enabled" } : {});

  test("goes through its states on a clock of its own", async () => {
    const result = await run(EVERYTHING, { input: { key: "k" }, task: answer });

    expect(result).toEqual({
      status: "SUCCEEDED",
      output: { told: [0, 1], seen: 1 },
      calls: [
        {
          state: "Look",
          resource: "arn:aws:states:::aws-sdk:kms:describeKey",
          arguments: { KeyId: "k" },
          at: "2026-11-22T12:01:30.000Z",
        },
        {
          state: "One",
          resource: "arn:aws:states:::sns:publish",
          arguments: { Message: "a" },
          at: "2026-11-22T12:01:35.000Z",
        },
        {
          state: "One",
          resource: "arn:aws:states:::sns:publish",
          arguments: { Message: "k" },
          at: "2026-11-22T12:01:35.000Z",
        },
      ],
      endedAt: "2026-11-22T12:01:35.000Z",
      historyEvents: 2 + 2 + 2 + 5 + 2 + (4 + 2 + 2) + (4 + 2 * (2 + 5)) + 2,
      largestPayloadBytes: 51,
      path: ["Note", "Pause", "Look", "Is it there?", "Tell both"].concat([
        "First",
        "Second",
        "Tell each",
        "One",
        "One",
        "Done",
      ]),
    });
  });

  test("retries, catches and fails", async () => {
    const result = await run(EVERYTHING, {
      input: { key: "k" },
      task: fails("Kms.KmsInternalException"),
    });

    expect(result).toEqual({
      status: "FAILED",
      error: "Lost",
      cause: "k: Kms.KmsInternalException",
      calls: ["12:01:30", "12:01:31", "12:01:33"].map((time) => ({
        state: "Look",
        resource: "arn:aws:states:::aws-sdk:kms:describeKey",
        arguments: { KeyId: "k" },
        at: `2026-11-22T${time}.000Z`,
      })),
      endedAt: "2026-11-22T12:01:33.000Z",
      historyEvents: 2 + 2 + 2 + (1 + 3 * 3 + 1) + 1,
      largestPayloadBytes: 57,
      path: ["Note", "Pause", "Look", "Lost"],
    });
  });

  test("is the same each time, random values included", async () => {
    const states = {
      Draw: pass({
        Output: [
          "{% $uuid() %}",
          "{% $uuid() %}",
          "{% $random() %}",
          "{% $random(7) %}",
          "{% $shuffle([1..9]) %}",
        ],
      }),
    };
    const [first, second, other] = await Promise.all([
      run(states),
      run(states),
      run(states, { executionName: "other" }),
    ]);

    expect(second).toEqual(first);
    expect(other.output).not.toEqual(first.output);
    expect(first.output).toEqual([
      expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      expect.not.stringMatching(String((first.output as string[])[0])),
      expect.any(Number),
      (other.output as number[])[3],
      expect.arrayContaining([1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ]);
  });

  test("ends with what a task handler throws that is no error of AWS", async () => {
    const task = async () => {
      throw new Error("no handler for it");
    };

    await expect(run({ A: parallel({ B: parallel({ C: map({ D: DONE }) }) }) })).resolves.toEqual(
      failed("States.QueryEvaluationError"),
    );
    await expect(run(EVERYTHING, { input: { key: "k" }, task })).rejects.toThrow(
      "no handler for it",
    );
  });

  test.each<[unknown, string]>([
    [
      "x",
      'state machine: QueryLanguage must be "JSONata", got "x"; write its expressions in JSONata',
    ],
    [
      { ...machine({ A: DONE }), QueryLanguage: undefined },
      'state machine: QueryLanguage must be "JSONata", got nothing; write its expressions in JSONata',
    ],
    [
      machine({ A: { ...DONE, QueryLanguage: "JSONPath" } }),
      'state machine: A: QueryLanguage must be "JSONata", got "JSONPath"; write its expressions in JSONata',
    ],
    [machine({}), "state machine: StartAt must name a state beside it, got nothing; name one of "],
    [
      machine({ A: parallel({ B: pass({ Next: "A" }) }) }),
      'state machine: A: B: Next must name a state beside it, got "A"; name one of B',
    ],
    [
      { QueryLanguage: "JSONata" },
      "state machine: States must be an object of states, got nothing",
    ],
  ])("does not begin on %j", async (definition, message) => {
    expect(definitionProblems(definition)).toEqual([message]);
    await expect(run({}, { definition })).rejects.toThrow(message);
  });

  test("has the sample machines of these tests in the language's schema", () => {
    expect(validate(machine(EVERYTHING))).toMatchObject({ isValid: true });
    expect(definitionProblems(machine(EVERYTHING))).toEqual([]);
  });
});

describe(`expressions (${JSONATA})`, () => {
  test("are strings that are wholly between the signs, at any depth", async () => {
    const template = { a: ["{% 1 + 1 %}", { b: "{% 'x' %}" }], c: "{ 1 }", d: " {% 1 %}", e: null };

    await expect(output(pass({ Output: template }))).resolves.toEqual({
      a: [2, { b: "x" }],
      c: "{ 1 }",
      d: " {% 1 %}",
      e: null,
    });
  });

  test.each<[string, unknown]>([
    ["$partition([1, 2, 3, 4, 5], 2.9)", [[1, 2], [3, 4], [5]]],
    ["$range(0, 10, 5)", [0, 5, 10]],
    ["$range(3, 1, -1)", [3, 2, 1]],
    ["$range(3, 1, 1)", []],
    ["$hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"],
    ["$hash('a', 'SHA-1')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"],
    ["$parse('{\"a\": [1]}')", { a: [1] }],
    ["$millis()", 1_795_348_800_000],
    ["$now()", "2026-11-22T12:00:00.000Z"],
    ["$now('[Y0001]-[M01]')", "2026-11"],
    ["$map([1, 2], function($v) { $v * 2 })", [2, 4]],
    ["$states.input.list[a = 1].b", "one"],
    ["[$states.input.list.b]", ["one", "two"]],
    ["{ 'gone': $states.input.none, 'there': 1 }", { there: 1 }],
  ])("%s gives %j", async (expression, value) => {
    const input = {
      list: [
        { a: 1, b: "one" },
        { a: 2, b: "two" },
      ],
    };

    await expect(evaluated(expression, input)).resolves.toEqual(value);
  });

  test.each([
    ["$states.input.none", "returned nothing (undefined)."],
    ["$states.result", "returned nothing (undefined)."],
    ["$none", "returned nothing (undefined)."],
    ["1 + 'a'", "threw an error during evaluation. T2002: "],
    ["function($x) { $x }", "threw an error during evaluation. JSON cannot express a function"],
    ["{ 'a': $sum }", "threw an error during evaluation. JSON cannot express a function"],
    ["/a/", "threw an error during evaluation. JSON cannot express function"],
    ["$eval('1')", "threw an error during evaluation. $eval is not available: use $parse"],
    ["$none(1)", "threw an error during evaluation. T1006: "],
    ["$states.input.a ?? 1", "threw an error during evaluation. "],
    ["$error('mine')", "threw an error during evaluation. D3137: mine"],
    ["$parse('{')", "threw an error during evaluation. "],
    [
      "$hash('a', 'CRC')",
      "$hash: the algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512",
    ],
    ["$partition([1], 0)", "$partition: the size of the chunks must be at least 1"],
    ["$range(1, 2, 0)", "$range: the step must not be 0"],
    ["$range(0, 1000, 1)", "$range: the array must have at most 1000 elements"],
    ["$random('a')", "$random: the argument must be a number"],
  ])(
    `%s is States.QueryEvaluationError (${JSONATA}#handling-errors-jsonata-expressions)`,
    async (source, problem) => {
      const result = await run({ State: pass({ Output: { field: `{% ${source} %}` } }) });

      expect(result).toEqual(
        failed(
          "States.QueryEvaluationError",
          expect.stringContaining(
            `The JSONata expression '{% ${source} %}' specified for the field 'Output/field' `,
          ),
        ),
      );
      expect(result.cause).toContain(problem);
    },
  );

  test.each<[string, object]>([
    [
      "Condition",
      { Type: "Choice", Choices: [{ Condition: "{% 1 %}", Next: "End" }], Default: "End" },
    ],
    ["Seconds", { Type: "Wait", Seconds: "{% -1 %}", End: true }],
    ["Seconds", { Type: "Wait", Seconds: "{% 1.5 %}", End: true }],
    ["Seconds", { Type: "Wait", Seconds: "{% 100000000 %}", End: true }],
    ["Timestamp", { Type: "Wait", Timestamp: "{% '2026-11-22' %}", End: true }],
    ["Timestamp", { Type: "Wait", Timestamp: "{% '2026-11-22T12:00:00' %}", End: true }],
    ["Timestamp", { Type: "Wait", Timestamp: "{% 'Apr 12, 2021 18:58:30 PM' %}", End: true }],
    ["TimeoutSeconds", task({ TimeoutSeconds: "{% 0 %}" })],
    ["TimeoutSeconds", task({ TimeoutSeconds: "{% '5' %}" })],
    ["Items", map({ In: DONE }, { Items: "{% { 'a': 1 } %}" })],
    ["Items", map({ In: DONE }, { Items: "{% 'a' %}" })],
    ["MaxConcurrency", map({ In: DONE }, { Items: [], MaxConcurrency: "{% -1 %}" })],
    ["Error", { Type: "Fail", Error: "{% 1 %}" }],
    ["Cause", { Type: "Fail", Cause: "{% {} %}" }],
    ["Assign", pass({ Assign: "{% [1] %}" })],
  ])("a value that %s does not take is States.QueryEvaluationError", async (field, state) => {
    const result = await run({ State: state, End: DONE });

    expect(result).toEqual(
      failed("States.QueryEvaluationError", expect.stringContaining(`for the field '${field}'`)),
    );
  });

  test(`see the context object (${DG}/input-output-contextobject.html)`, async () => {
    const context = { context: "{% $states.context %}" };
    const result = await run(
      {
        Pause: { Type: "Wait", Timestamp: "2026-11-22T12:00:07.900Z", Next: "Late" },
        Late: task({ Retry: [{ ErrorEquals: ALL, IntervalSeconds: 1 }], Output: context }),
      },
      {
        input: { a: 1 },
        startedAt: "2026-11-22T12:00:00.250Z",
        roleArn: "arn:aws:iam::111122223333:role/keyspan-announce",
        task: async ({ at }) => (at.includes(":07") ? fails("Busy")() : {}),
      },
    );

    expect(result.output).toEqual({
      context: {
        Execution: {
          Id: "arn:aws:states:eu-west-1:111122223333:execution:keyspan-announce:one",
          Input: { a: 1 },
          Name: "one",
          RoleArn: "arn:aws:iam::111122223333:role/keyspan-announce",
          StartTime: "2026-11-22T12:00:00.250Z",
        },
        State: { EnteredTime: "2026-11-22T12:00:07Z", Name: "Late", RetryCount: 1 },
        StateMachine: { Id: MACHINE_ARN, Name: "keyspan-announce" },
      },
    });
  });
});

describe(`variables (${VARIABLES})`, () => {
  test("Assign and Output see the values as they were when the state was entered", async () => {
    await expect(
      run({
        One: { Type: "Pass", Assign: { x: 3, a: 6 }, Next: "Two" },
        Two: {
          Type: "Pass",
          Assign: { x: "{% $a %}", nextX: "{% $x %}" },
          Output: "{% $x %}",
          Next: "Three",
        },
        Three: pass({ Output: ["{% $states.input %}", "{% $x %}", "{% $nextX %}"] }),
      }),
    ).resolves.toEqual(succeeded([3, 6, 3]));
  });

  test.each([
    ["a branch of a Parallel", parallel({ In: pass({ Assign: { inner: "{% $outer %}" } }) })],
    [
      "an iteration of a Map",
      map({ In: pass({ Assign: { inner: "{% $outer %}" } }) }, { Items: [1] }),
    ],
  ])("what %s sets stays in it (%#)", async (_name, state) => {
    const result = await run({
      Set: { Type: "Pass", Assign: { outer: 1 }, Next: "Inside" },
      Inside: { ...state, End: undefined, Next: "After" },
      After: pass({ Output: "{% $exists($inner) %}" }),
    });

    expect(result).toEqual(succeeded(false));
  });

  test("branches and iterations read outer variables, and each has its own", async () => {
    const result = await run({
      Set: { Type: "Pass", Assign: { outer: 10 }, Next: "Each" },
      Each: map(
        {
          First: {
            Type: "Pass",
            Assign: { own: "{% $outer + $states.input %}" },
            Output: "{% $exists($own) %}",
            Next: "Second",
          },
          Second: pass({ Output: ["{% $states.input %}", "{% $own %}"] }),
        },
        { Items: [1, 2], MaxConcurrency: 1 },
      ),
    });

    expect(result).toEqual(
      succeeded([
        [false, 11],
        [false, 12],
      ]),
    );
  });

  test(`a state that is caught sets what its catcher says, nothing else (${SPEC}#fallback-states)`, async () => {
    const result = await run(
      {
        Set: { Type: "Pass", Assign: { a: "old", b: "old" }, Next: "Fails" },
        Fails: task({
          Assign: { a: "new" },
          Catch: [
            { ErrorEquals: ALL, Assign: { b: "{% $states.errorOutput.Error %}" }, Next: "After" },
          ],
        }),
        After: pass({ Output: ["{% $a %}", "{% $b %}", "{% $states.input %}"] }),
      },
      { task: fails("Sns.NotFoundException") },
    );

    expect(result).toEqual(
      succeeded([
        "old",
        "Sns.NotFoundException",
        { Error: "Sns.NotFoundException", Cause: "it said no" },
      ]),
    );
  });

  test(`of a Choice, the rule that is taken says what is set, else the state (${SPEC}#choice-state)`, async () => {
    const result = await run({
      Each: map(
        {
          Which: {
            Type: "Choice",
            Choices: [
              {
                Condition: "{% $states.input = 1 %}",
                Assign: { x: "rule" },
                Output: "of rule",
                Next: "Show",
              },
              { Condition: "{% $states.input = 2 %}", Next: "Show" },
            ],
            Default: "Show",
            Assign: { x: "state" },
            Output: "of state",
          },
          Show: pass({ Output: ["{% $states.input %}", "{% $exists($x) ? $x : 'none' %}"] }),
        },
        { Items: [1, 2, 3] },
      ),
    });

    expect(result).toEqual(
      succeeded([
        ["of rule", "rule"],
        [2, "none"],
        ["of state", "state"],
      ]),
    );
  });
});

describe(`retrying (${ERRORS}#error-handling-retrying-after-an-error)`, () => {
  test.each<[string, object, readonly string[]]>([
    ["3 times after 1, 2 and 4 seconds by default", {}, ["00:00", "00:01", "00:03", "00:07"]],
    ["never with 0", { MaxAttempts: 0 }, ["00:00"]],
    [
      "at its intervals",
      { IntervalSeconds: 3, BackoffRate: 1, MaxAttempts: 2 },
      ["00:00", "00:03", "00:06"],
    ],
    [
      "at most at the longest",
      { IntervalSeconds: 3, MaxDelaySeconds: 5 },
      ["00:00", "00:03", "00:08", "00:13"],
    ],
  ])("%s", async (_name, retrier, at) => {
    const Retry = [{ ErrorEquals: ["Busy"], ...retrier }];
    const result = await run({ Task: task({ Retry }) }, { task: fails("Busy") });

    expect(result).toEqual(failed("Busy", "it said no"));
    expect(times(result)).toEqual(at);
  });

  test("counts for each retrier alone, as in the documentation's example", async () => {
    const errors = ["ErrorA", "ErrorB", "ErrorC", "ErrorB"];
    const result = await run(
      {
        X: task({
          Retry: [
            {
              ErrorEquals: ["ErrorA", "ErrorB"],
              IntervalSeconds: 1,
              BackoffRate: 2,
              MaxAttempts: 2,
            },
            { ErrorEquals: ["ErrorC"], IntervalSeconds: 5 },
          ],
          Catch: [{ ErrorEquals: ALL, Next: "Z" }],
        }),
        Z: DONE,
      },
      { task: () => fails(errors.shift() ?? "")() },
    );

    expect(times(result)).toEqual(["00:00", "00:01", "00:03", "00:08"]);
    expect(result.output).toEqual({ Error: "ErrorB", Cause: "it said no" });
  });

  test("a Map runs all its iterations again", async () => {
    const asked: unknown[] = [];
    const result = await run(
      {
        Each: map(
          { In: task({ Arguments: "{% $states.input %}" }) },
          { Items: [1, 2], Retry: [{ ErrorEquals: ALL }] },
        ),
      },
      {
        task: async (call) => {
          asked.push(call.arguments);
          return asked.length === 2 ? fails("Busy")() : call.arguments;
        },
      },
    );

    expect(result).toEqual(succeeded([1, 2]));
    expect(asked).toEqual([1, 2, 1, 2]);
  });

  test("asks the service again if its answer could not be evaluated", async () => {
    const result = await run({
      Task: task({
        Output: "{% $states.result.none %}",
        Retry: [{ ErrorEquals: ALL, MaxAttempts: 1 }],
      }),
    });

    expect(result).toEqual(failed("States.QueryEvaluationError"));
    expect(result.calls).toHaveLength(2);
  });
});

describe(`catching (${ERRORS}#error-handling-fallback-states)`, () => {
  const caught = (errorEquals: readonly string[], fields: object = {}) => ({
    Catch: [{ ErrorEquals: errorEquals, Output: "caught", Next: "After" }],
    ...fields,
  });
  const inside = (state: object) => parallel({ In: state, End: DONE });

  test.each<[string, readonly string[], string, boolean]>([
    ["a name takes it", ["Other", "Busy"], "Busy", true],
    ["another name does not", ["busy"], "Busy", false],
    ["States.ALL takes any", ALL, "Busy", true],
    ["States.ALL takes States.Timeout", ALL, "States.Timeout", true],
    ["States.TaskFailed takes any", ["States.TaskFailed"], "Busy", true],
    [
      "States.TaskFailed does not take States.Timeout",
      ["States.TaskFailed"],
      "States.Timeout",
      false,
    ],
    ["States.ALL does not take States.Runtime", ALL, "States.Runtime", false],
    ["States.ALL does not take States.DataLimitExceeded", ALL, "States.DataLimitExceeded", false],
    ["nor does States.TaskFailed", ["States.TaskFailed"], "States.DataLimitExceeded", false],
    ["nor do their own names", ["States.Runtime"], "States.Runtime", false],
  ])("%s", async (_name, errorEquals, error, isCaught) => {
    const Retry = [{ ErrorEquals: errorEquals, MaxAttempts: 1 }];
    const result = await run(
      { Task: task(caught(errorEquals, { Retry })), After: DONE },
      { task: fails(error) },
    );

    expect(result).toEqual(isCaught ? succeeded("caught") : failed(error));
    expect(result.calls).toHaveLength(isCaught ? 2 : 1);
  });

  test("what ends the execution is not caught by the states around either", async () => {
    for (const error of ["States.Runtime", "States.DataLimitExceeded"]) {
      const states = { Around: inside(inside(task())), After: DONE };
      const around = { ...states.Around, ...caught(ALL, { Retry: [{ ErrorEquals: ALL }] }) };
      await expect(run({ ...states, Around: around }, { task: fails(error) })).resolves.toEqual(
        failed(error),
      );
    }
  });

  const BAD = "{% $states.input.none %}";
  const rule = { Condition: BAD, Next: "End" };
  test.each<[string, object]>([
    ["Output of a Pass", pass({ Output: BAD })],
    ["Assign of a Pass", pass({ Assign: { a: BAD } })],
    ["Condition of a Choice", { Type: "Choice", Choices: [rule], Default: "End" }],
    ["Seconds of a Wait", { Type: "Wait", Seconds: BAD, End: true }],
    ["Output of a Succeed", { ...DONE, Output: BAD }],
    ["Cause of a Fail", { Type: "Fail", Error: "Mine", Cause: BAD }],
  ])("%s that fails is caught by no state but those around it", async (_name, state) => {
    const own = { State: { ...state, ...caught(ALL, { Retry: [{ ErrorEquals: ALL }] }) } };
    const result = await run({ ...own, After: DONE, End: DONE });

    expect(result).toEqual(failed("States.QueryEvaluationError"));
    await expect(
      run({
        Around: { ...inside(state), ...caught(["States.QueryEvaluationError"]) },
        After: DONE,
      }),
    ).resolves.toEqual(succeeded("caught"));
  });

  test.each<[string, object]>([
    ["Arguments of a Task", task({ Arguments: { a: BAD } })],
    ["TimeoutSeconds of a Task", task({ TimeoutSeconds: BAD })],
    ["Output of a Task", task({ Output: BAD })],
    ["Assign of a Task", task({ Assign: { a: BAD } })],
    ["Arguments of a Parallel", parallel({ In: DONE }, { Arguments: BAD })],
    ["Output of a Parallel", parallel({ In: DONE }, { Output: BAD })],
    ["Items of a Map", map({ In: DONE }, { Items: BAD })],
    ["ItemSelector of a Map", map({ In: DONE }, { Items: [1], ItemSelector: { a: BAD } })],
    ["Assign of a Map", map({ In: DONE }, { Items: [1], Assign: { a: BAD } })],
  ])(
    `%s that fails is caught by its state (${JSONATA}#handling-errors-jsonata-expressions)`,
    async (_name, state) => {
      const states = {
        State: { ...state, ...caught(["States.QueryEvaluationError"]) },
        After: DONE,
      };

      await expect(run(states)).resolves.toEqual(succeeded("caught"));
    },
  );

  test("an Output or Assign of a catcher that fails is not caught by it", async () => {
    for (const fields of [{ Output: BAD }, { Assign: { a: BAD } }]) {
      const Catch = [{ ErrorEquals: ALL, ...fields, Next: "After" }];
      const states = { State: task({ Catch }), After: DONE };
      await expect(run(states, { task: fails("Busy") })).resolves.toEqual(
        failed("States.QueryEvaluationError"),
      );
    }
  });

  test(`a Choice without a match ends the execution (${DG}/state-choice.html)`, async () => {
    const choice = { Type: "Choice", Choices: [{ Condition: false, Next: "End" }] };
    const states = { Around: { ...inside(choice), ...caught(ALL) }, After: DONE };

    await expect(run(states)).resolves.toEqual(
      failed(
        "States.NoChoiceMatched",
        "No choice of the state 'In' matched, and it has no Default.",
      ),
    );
  });

  test(`a Fail fails the branch it stands in with its error (${DG}/state-parallel.html)`, async () => {
    const Catch = [{ ErrorEquals: ["Mine"], Output: "{% $states.errorOutput %}", Next: "After" }];
    const fail = { Type: "Fail", Error: "Mine", Cause: "{% 'a' & 'b' %}" };
    const states = { Around: parallel({ In: fail }, { Catch }), After: DONE };

    await expect(run(states)).resolves.toEqual(succeeded({ Error: "Mine", Cause: "ab" }));
    await expect(run({ In: fail })).resolves.toEqual(failed("Mine", "ab"));
    await expect(run({ In: { Type: "Fail" } })).resolves.toEqual(failed("", ""));
  });
});

describe("side by side", () => {
  test(`a branch that fails stops the others where they are (${DG}/state-parallel.html)`, async () => {
    const wait = (seconds: number, next: object) => ({
      StartAt: `Wait ${seconds}`,
      States: { [`Wait ${seconds}`]: { Type: "Wait", Seconds: seconds, Next: "Then" }, Then: next },
    });
    const deep = parallel({ Deep: { Type: "Wait", Seconds: 2, Next: "Deepest" }, Deepest: task() });
    const result = await run({
      Both: {
        Type: "Parallel",
        Branches: [
          wait(1, task()),
          wait(2, { Type: "Fail", Error: "Mine" }),
          wait(3, task()),
          wait(0, deep),
        ],
        Catch: [{ ErrorEquals: ALL, Next: "After" }],
        End: true,
      },
      After: { Type: "Wait", Seconds: 10, End: true },
    });

    expect(result.status).toBe("SUCCEEDED");
    expect(times(result)).toEqual(["00:01"]);
    expect(result.endedAt).toBe("2026-11-22T12:00:12.000Z");
  });

  test.each<[number, number, readonly string[]]>([
    [0, 3, ["00:10", "00:10", "00:10"]],
    [2, 3, ["00:10", "00:10", "00:20"]],
    [1, 3, ["00:10", "00:20", "00:30"]],
  ])(
    `a Map with MaxConcurrency %i starts iterations as others end (${DG}/state-map-inline.html)`,
    async (most, items, at) => {
      const each = map(
        { Pause: { Type: "Wait", Seconds: 10, Next: "Call" }, Call: task() },
        { Items: `{% [1..${items}] %}`, MaxConcurrency: most },
      );

      expect(times(await run({ Each: each }))).toEqual(at);
    },
  );

  test("a Map has at most 40 iterations at a time, whatever MaxConcurrency says", async () => {
    const each = map(
      { Pause: { Type: "Wait", Seconds: 10, End: true } },
      { Items: "{% [1..41] %}", MaxConcurrency: 100, Output: "{% $count($states.result) %}" },
    );
    const result = await run({ Each: each });

    expect(result).toMatchObject({ output: 41, endedAt: "2026-11-22T12:00:20.000Z" });
  });

  test("a Map takes its input if it has no Items, and gives nothing for nothing", async () => {
    const each = map({ In: DONE });

    await expect(output(each, { input: ["a", null] })).resolves.toEqual(["a", null]);
    await expect(output(each, { input: [] })).resolves.toEqual([]);
    await expect(output(parallel({ In: DONE }, { Branches: [] }))).resolves.toEqual([]);
  });

  test("in inline mode the failure of any iteration fails the Map, whatever is tolerated", async () => {
    const each = map({ In: task({ Arguments: "{% $states.input %}" }) }, { Items: [1, 2] });
    const busy = async ({ arguments: given }: { arguments: unknown }) =>
      given === 2 ? fails("Busy")() : given;

    await expect(
      run({ Each: { ...each, ToleratedFailurePercentage: 100 } }, { task: busy }),
    ).resolves.toEqual(failed("Busy"));
  });

  test(`only ItemSelector sees which item it is (${DG}/input-output-contextobject.html#contextobject-map)`, async () => {
    const inner = { In: pass({ Output: "{% $exists($states.context.Map) %}" }) };
    const ItemSelector = "{% $states.context.Map.Item %}";

    await expect(output(map(inner, { Items: [1] }))).resolves.toEqual([false]);
    await expect(output(map({ In: DONE }, { Items: [7], ItemSelector }))).resolves.toEqual([
      { Index: 0, Value: 7, Source: "STATE_DATA" },
    ]);
  });
});

describe("time", () => {
  test(`a wait goes to whole seconds and not back (${DG}/state-wait.html)`, async () => {
    const until = (Timestamp: string) => run({ Wait: { Type: "Wait", Timestamp, End: true } });

    await expect(until("2026-11-22T13:00:00+01:00")).resolves.toMatchObject({
      endedAt: "2026-11-22T12:00:00.000Z",
    });
    await expect(until("2026-11-22T12:00:09.9Z")).resolves.toMatchObject({
      endedAt: "2026-11-22T12:00:09.000Z",
    });
    await expect(until("2020-01-01T00:00:00Z")).resolves.toMatchObject({
      endedAt: "2026-11-22T12:00:00.000Z",
    });
  });

  test.each([
    [5, succeeded({})],
    [6, failed("States.Timeout", "The task took longer than 5 seconds.")],
  ])(`a task of %i seconds within 5 (${SPEC}#task-state)`, async (seconds, ending) => {
    const result = await run(
      { Task: task({ TimeoutSeconds: "{% 2 + 3 %}" }) },
      {
        task: async (call) => {
          call.advance(seconds - 1);
          call.advance(1);
          return {};
        },
      },
    );

    expect(result).toEqual(ending);
    expect(result.endedAt).toBe("2026-11-22T12:00:05.000Z");
  });

  test("a task that takes time to fail fails after it", async () => {
    const result = await run(
      { Task: task() },
      {
        task: async (call) => {
          call.advance(20);
          return fails("Busy")();
        },
      },
    );

    expect(result).toMatchObject({ error: "Busy", endedAt: "2026-11-22T12:00:20.000Z" });
  });

  test.each([
    [60, "SUCCEEDED", "2026-11-22T12:01:00.000Z"],
    [61, "TIMED_OUT", "2026-11-22T12:01:00.000Z"],
  ])(
    `an execution of %i seconds within 60 is %s (${SPEC}#toplevelfields)`,
    async (seconds, status, endedAt) => {
      const wait = parallel({ Wait: { Type: "Wait", Seconds: seconds, End: true } });
      const states = {
        Around: { ...wait, Catch: [{ ErrorEquals: ALL, Next: "After" }] },
        After: DONE,
      };

      await expect(run(states, {}, { TimeoutSeconds: 60 })).resolves.toMatchObject({
        status,
        endedAt,
      });
    },
  );

  test("an execution that is too late has an error but no output", async () => {
    const states = { Wait: { Type: "Wait", Seconds: 2, End: true } };

    await expect(run(states, {}, { TimeoutSeconds: 1 })).resolves.toEqual({
      status: "TIMED_OUT",
      error: "States.Timeout",
      cause: "The execution took longer than 1 seconds.",
      calls: [],
      endedAt: "2026-11-22T12:00:01.000Z",
      historyEvents: 3,
      largestPayloadBytes: 2,
      path: ["Wait"],
    });
  });

  test(`an execution lasts at most a year (${QUOTAS}#service-limits-state-machine-executions)`, async () => {
    const until = (Timestamp: string) => run({ Wait: { Type: "Wait", Timestamp, End: true } });

    await expect(until("2027-11-22T12:00:00Z")).resolves.toMatchObject({ status: "SUCCEEDED" });
    await expect(until("2027-11-22T12:00:01Z")).resolves.toMatchObject({ status: "TIMED_OUT" });
  });
});

describe(`payloads of at most 256 KiB (${QUOTAS}#service-limits-task-executions)`, () => {
  const long = (bytes: number) => `{% $pad('', ${bytes - 2}, 'x') %}`;
  // Two bytes each in UTF-8, and two for the quotes.
  const UMLAUTS = "ü".repeat((MAX_BYTES - 2) / 2);

  test.each<[string, (bytes: number) => Promise<ExecutionResult>]>([
    [
      "The input of the state",
      (bytes) => run({ State: pass({ Output: 0 }) }, { input: sized(bytes) }),
    ],
    ["The output of the state", (bytes) => run({ State: pass({ Output: long(bytes) }) })],
    [
      "The arguments of the state",
      (bytes) => run({ State: task({ Arguments: long(bytes), Output: 0 }) }),
    ],
    [
      "The result of the state",
      (bytes) => run({ State: task({ Output: 0 }) }, { task: async () => sized(bytes) }),
    ],
    [
      // With two brackets of the array.
      "The items of the state",
      (bytes) => run({ State: map({ In: DONE }, { Items: [long(bytes - 2)], Output: 0 }) }),
    ],
    [
      "The result of the state",
      (bytes) => run({ State: parallel({ In: pass({ Output: long(bytes - 2) }) }, { Output: 0 }) }),
    ],
    [
      "The result of the state",
      (bytes) =>
        run({ State: map({ In: pass({ Output: long(bytes - 2) }) }, { Items: [1], Output: 0 }) }),
    ],
    [
      // With the braces, the name and the colon of {"v":...}: all variables of one Assign together.
      "The Assign of the state",
      (bytes) => run({ State: pass({ Assign: { v: long(bytes - 6) }, Output: 0 }) }),
    ],
  ])("%s (%#)", async (what, execution) => {
    const largest = await execution(MAX_BYTES);
    const tooLarge = await execution(MAX_BYTES + 1);

    expect(largest).toMatchObject({ status: "SUCCEEDED", largestPayloadBytes: MAX_BYTES });
    expect(tooLarge).toMatchObject({
      status: "FAILED",
      error: "States.DataLimitExceeded",
      cause: expect.stringMatching(
        new RegExp(
          `^${what} '(State|In)' has ${MAX_BYTES + 1} bytes, which exceeds the maximum of ${MAX_BYTES} bytes.$`,
        ),
      ),
    });
  });

  test("are counted in bytes of UTF-8", async () => {
    await expect(run({ State: DONE }, { input: UMLAUTS })).resolves.toMatchObject({
      status: "SUCCEEDED",
      largestPayloadBytes: MAX_BYTES,
    });
    await expect(run({ State: DONE }, { input: `${UMLAUTS}x` })).resolves.toEqual(
      failed("States.DataLimitExceeded"),
    );
  });

  test("end the execution when they are too large: no Catch takes it", async () => {
    const Catch = [{ ErrorEquals: ALL, Next: "After" }];
    const states = { State: task({ Catch, Retry: [{ ErrorEquals: ALL }] }), After: DONE };
    const result = await run(states, { task: async () => sized(MAX_BYTES + 1) });

    expect(result).toEqual(failed("States.DataLimitExceeded"));
    expect(result.calls).toHaveLength(1);
  });
});

test(`all variables have at most 10 MiB together (${VARIABLES}#variable-limits)`, async () => {
  const input = "x".repeat(262_098); // 262,100 bytes with its quotes
  const chain = (count: number) => ({
    Set: parallel(
      { In: pass({ Assign: { inner: "{% $states.input %}" } }) },
      { Output: "{% $states.input %}", End: undefined, Next: "V0" },
    ),
    ...Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `V${index}`,
        {
          Type: "Pass",
          Assign: { [`v${index}`]: "{% $states.input %}", again: "x" },
          Next: `V${index + 1}`,
        },
      ]),
    ),
    [`V${count}`]: DONE,
  });

  await expect(run(chain(40), { input })).resolves.toMatchObject({ status: "SUCCEEDED" });
  await expect(run(chain(41), { input })).resolves.toEqual(
    failed(
      "States.DataLimitExceeded",
      "The variables have 10746103 bytes together, which exceeds the maximum of 10485760 bytes.",
    ),
  );
});

describe(`at most 25,000 events of history (${QUOTAS}#service-limits-state-machine-executions)`, () => {
  // Of a Pass 2 and of its iteration 2; of the Map 4 and of the execution 2.
  const each = (items: number, more: number) => ({
    Each: map(
      { In: pass({}) },
      { Items: `{% [1..${items}] %}`, Output: 0, End: undefined, Next: "P0" },
    ),
    ...Object.fromEntries(
      Array.from({ length: more }, (_, index) => [
        `P${index}`,
        { Type: "Pass", Next: index === more - 1 ? "End" : `P${index + 1}` },
      ]),
    ),
    End: { Type: "Fail", Error: "Mine" },
  });

  test("a Map over 10,000 items with a task each is too much, and takes no time", async () => {
    const Catch = [{ ErrorEquals: ALL, Next: "After" }];
    const call = task({ Arguments: "{% $states.input %}" });
    const states = { Each: map({ In: call }, { Items: "{% [1..10000] %}", Catch }), After: DONE };
    const result = await run(states);

    expect(result).toMatchObject({
      status: "FAILED",
      error: "States.Runtime",
      cause: "The execution reached the maximum number of history events (25000).",
      historyEvents: 25_000,
    });
    expect(result.calls).toHaveLength(3570);
  });

  test.each([
    [6247, 2, "Mine", 24_999],
    [6247, 3, "States.Runtime", 25_000],
  ])(
    "with %i iterations and %i states after them it ends with %s",
    async (items, more, error, historyEvents) => {
      // 4 * 6247 = 24,988; 4 of the Map, 2 of the execution, 1 of the Fail; 2 of each state.
      await expect(run(each(items, more))).resolves.toMatchObject({ error, historyEvents });
    },
  );

  test("a loop without an end is ended by them", async () => {
    const result = await run({ Turn: { Type: "Pass", Next: "Turn" } });

    expect(result).toMatchObject({ error: "States.Runtime", historyEvents: 25_000 });
    expect(result.path).toHaveLength(12_500);
  });

  test.each<[string, States, number]>([
    ["a Pass", { A: pass({}) }, 2],
    ["a task", { A: task() }, 5],
    [
      "a task that is waited for",
      { A: task({ Resource: "arn:aws:states:::states:startExecution.sync:2" }) },
      6,
    ],
    ["a Parallel", { A: parallel({ B: pass({}) }) }, 4 + 2],
    ["a Map", { A: map({ B: pass({}) }, { Items: [1, 2] }) }, 4 + 2 * (2 + 2)],
    ["a Map over nothing", { A: map({ B: pass({}) }, { Items: [] }) }, 4],
    ["a Fail", { A: { Type: "Fail" } }, 1],
    ["an evaluation that failed", { A: pass({ Output: "{% $none %}" }) }, 1 + 1],
    [
      "an evaluation that was caught",
      { A: task({ Output: "{% $none %}", Catch: [{ ErrorEquals: ALL, Next: "B" }] }), B: pass({}) },
      5 + 1 + 2,
    ],
  ])("%s counts (%#)", async (_name, states, events) => {
    const { historyEvents } = await run(states);

    expect(historyEvents).toBe(2 + events);
  });
});
