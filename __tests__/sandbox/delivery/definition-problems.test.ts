/** What is wrong with a state machine and can be seen without running it. */
import { definitionProblems } from "../../../sandbox/delivery/state-machine";

type States = Readonly<Record<string, object>>;

const DG = "https://docs.aws.amazon.com/step-functions/latest/dg";
const JSONATA = `${DG}/transforming-data.html`;
const ERRORS = `${DG}/concepts-error-handling.html`;
const SPEC = "https://states-language.net/spec.html";

const machine = (states: States) => ({
  QueryLanguage: "JSONata",
  StartAt: Object.keys(states)[0],
  States: states,
});
const block = (states: States) => ({ StartAt: Object.keys(states)[0], States: states });
const pass = (fields: object) => ({ Type: "Pass", End: true, ...fields });
const task = (fields: object = {}) => ({
  Type: "Task",
  Resource: "arn:aws:states:::aws-sdk:kms:describeKey",
  Arguments: {},
  End: true,
  ...fields,
});
const map = (inner: States, fields: object = {}) => ({
  Type: "Map",
  Items: [1],
  ItemProcessor: block(inner),
  End: true,
  ...fields,
});
const problems = (states: States) => definitionProblems(machine(states));
const ALL = ["States.ALL"];

/** A machine that reads and sets variables in every way that is right. */
const SOUND: States = {
  Set: { Type: "Pass", Assign: { key: "{% $states.input.key %}", list: [1] }, Next: "Call" },
  Call: {
    ...task({
      Arguments: { KeyId: "{% $key %}" },
      TimeoutSeconds: "{% $count($list) %}",
      Assign: { state: "{% $states.result.KeyState %}" },
      Output: "{% $states.result.(Arn & KeyState) %}",
      Retry: [
        { ErrorEquals: ["Kms.Busy", "States.Timeout"], IntervalSeconds: 1, MaxAttempts: 0 },
        { ErrorEquals: ALL, BackoffRate: 1, MaxDelaySeconds: 1 },
      ],
      Catch: [
        {
          ErrorEquals: ALL,
          Assign: { why: "{% $states.errorOutput.Error %}" },
          Output: "{% $states.errorOutput %}",
          Next: "Which",
        },
      ],
    }),
    End: undefined,
    Next: "Which",
  },
  Which: {
    Type: "Choice",
    Choices: [
      {
        Condition: "{% $exists($why) and $state != 'Enabled' %}",
        Assign: { which: "{% $state %}" },
        Output: "{% $states.context.State.Name %}",
        Next: "Each",
      },
    ],
    Default: "Each",
  },
  Each: map(
    {
      Inner: {
        Type: "Pass",
        Assign: { inner: "{% $key & $which %}" },
        Output: "{% $states.input %}",
        Next: "Last",
      },
      Last: pass({
        Output: {
          lambda: "{% $map($list, function($v, $i) { $v + $i }) %}",
          local: "{% ($a := 1; $double := function($x) { $x * 2 }; $double($a) & $inner) %}",
          context: "{% $list[$ > 0 and total = 1].(a & $)^(>b){c: $sum(d)} %}",
          focus: "{% $list@$l#$n.{ 'l': $l, 'n': $n } %}",
          transform: "{% $states.input ~> |a|{'b': c}, ['d']| %}",
          chain: "{% $key ~> $uppercase ~> $trim() %}",
          partial: "{% ($first := $substring(?, 0, 1); $first($key)) %}",
          added: "{% $hash($uuid() & $random(1), 'MD5') & $parse('1') & $partition([1], 1) %}",
          regex: "{% $match($key, /a{2,}/i).match %}",
        },
      }),
    },
    {
      ItemSelector: { item: "{% $states.context.Map.Item.Value %}" },
      Assign: { after: "{% $states.result %}" },
    },
  ),
};

test("a sound machine has none", () => {
  expect(problems(SOUND)).toEqual([]);
});

describe("expressions", () => {
  const FUNCTIONS = "functions of JSONata 2.0.6 or Step Functions";

  test.each<[string, string, string]>([
    [JSONATA, "$eval('1')", "must not call $eval, which Step Functions does not have; use $parse"],
    [JSONATA, "$uppercas('a')", `must call ${FUNCTIONS}, got $uppercas`],
    [JSONATA, "$map([1], function($v) { $none($v) })", `must call ${FUNCTIONS}, got $none`],
    [JSONATA, "$key(1)", `must call ${FUNCTIONS}, got $key`],
    [JSONATA, "1 +", "must be JSONata 2.0.6, got {% 1 + %}; Unexpected end of expression"],
    [
      JSONATA,
      "$states.input.a ?? 1",
      'must be JSONata 2.0.6, got {% $states.input.a ?? 1 %}; The symbol "?" cannot be used as a unary operator',
    ],
    [
      `${DG}/workflow-variables.html#variable-scope`,
      "$remindAtt",
      "must read variables that a state before may have set, got $remindAtt",
    ],
    [
      `${DG}/workflow-variables.html#evaluation-order-in-an-assign-field`,
      "[1].$late",
      "must read variables that a state before may have set, got $late",
    ],
    [
      `${JSONATA}#transforming-reserved-variable-states`,
      "$states.result.a",
      "must read of $states only input, context here, got $states.result",
    ],
    [
      `${JSONATA}#transforming-reserved-variable-states`,
      "$exists($states.errorOutput)",
      "must read of $states only input, context here, got $states.errorOutput",
    ],
    [
      `${JSONATA}#transforming-reserved-variable-states`,
      "$states.inputs",
      "must read of $states only input, context here, got $states.inputs",
    ],
    [
      `${DG}/input-output-contextobject.html#contextobject-map`,
      "$states.context.Map.Item.Value",
      "must read $states.context.Map in ItemSelector only; hand what it has to the iteration from there",
    ],
    ...[
      ["total", "the field name total; write $states.input.total"],
      ["$sum(a.b)", "the field name a; write $states.input.a"],
      ["{ 'a': b }", "the field name b; write $states.input.b"],
      ["*.a", "the field name *; write $states.input.*"],
      ["$", "$; write $states.input"],
      ["$.a", "$; write $states.input"],
      ["[1][$$ = 1]", "$$; write $states.input"],
    ].map(([source, got]): [string, string, string] => [
      `${SPEC}#jsonata-restrictions`,
      String(source),
      `must read data through variables, got ${got}`,
    ]),
  ])("%s: %s", (_link, source, problem) => {
    const state = { Type: "Pass", Output: ["{% 1 %}", `{% ${source} %}`], Assign: { late: 1 } };

    expect(
      problems({
        Set: { Type: "Pass", Assign: { key: 1 }, Next: "State" },
        State: { ...state, End: true },
      }),
    ).toEqual([`State: Output/1: ${problem}`]);
  });

  test.each(["{% 1", " {% 1 %}", "{% 1 %} ", "1 %}"])(
    `%j is none, and no ordinary text (${JSONATA}#writing-jsonata-expressions-in-json-strings)`,
    (text) => {
      expect(problems({ State: pass({ Output: { a: text } }) })).toEqual([
        `State: Output/a: an expression must begin with {% and end with %}, got ${text}`,
      ]);
    },
  );

  const BAD = "{% $none %}";
  const none = "must read variables that a state before may have set, got $none";
  test.each<[string, States]>([
    ["Arguments/a", { State: task({ Arguments: { a: BAD } }) }],
    ["TimeoutSeconds", { State: task({ TimeoutSeconds: BAD }) }],
    ["Seconds", { State: { Type: "Wait", Seconds: BAD, End: true } }],
    ["Timestamp", { State: { Type: "Wait", Timestamp: BAD, End: true } }],
    ["Error", { State: { Type: "Fail", Error: BAD } }],
    ["Cause", { State: { Type: "Fail", Cause: BAD } }],
    ["Items", { State: map({ In: { Type: "Succeed" } }, { Items: BAD }) }],
    ["ItemSelector/a", { State: map({ In: { Type: "Succeed" } }, { ItemSelector: { a: BAD } }) }],
    ["MaxConcurrency", { State: map({ In: { Type: "Succeed" } }, { MaxConcurrency: BAD }) }],
    ["Assign/a", { State: pass({ Assign: { a: BAD } }) }],
    ["Choices[0]/Condition", { State: choice({ Condition: BAD }), End: { Type: "Succeed" } }],
    ["Choices[0]/Output", { State: choice({ Output: BAD }), End: { Type: "Succeed" } }],
    ["Choices[0]/Assign/a", { State: choice({ Assign: { a: BAD } }), End: { Type: "Succeed" } }],
    ["Catch[0]/Output", { State: catching({ Output: BAD }), End: { Type: "Succeed" } }],
    ["Catch[0]/Assign/a", { State: catching({ Assign: { a: BAD } }), End: { Type: "Succeed" } }],
  ])("are looked for in %s", (field, states) => {
    expect(problems(states)).toEqual([`State: ${field}: ${none}`]);
  });

  function choice(fields: object) {
    return {
      Type: "Choice",
      Choices: [{ Condition: true, Next: "End", ...fields }],
      Default: "End",
    };
  }

  function catching(fields: object) {
    return task({ Catch: [{ ErrorEquals: ALL, Next: "End", ...fields }] });
  }

  test("read $states.result only where there is one", () => {
    const result = "{% $states.result %}";
    const Catch = [{ ErrorEquals: ALL, Output: result, Next: "End" }];
    const only = (fields: string) => `must read of $states only ${fields} here, got $states.result`;

    expect(
      problems({
        State: task({ Arguments: result, Output: result, Assign: { a: result }, Catch }),
        End: { Type: "Succeed", Output: result },
      }),
    ).toEqual([
      `State: Arguments: ${only("input, context")}`,
      `State: Catch[0]/Output: ${only("input, context, errorOutput")}`,
      `End: Output: ${only("input, context")}`,
    ]);
  });
});

describe(`variables (${DG}/workflow-variables.html)`, () => {
  const reads = (name: string) => ({ Output: `{% $${name} %}` });
  const unset = (name: string) =>
    `must read variables that a state before may have set, got $${name}`;

  test("count as set only on the ways on which they are", () => {
    expect(
      problems({
        Call: {
          ...task({
            Assign: { ok: 1 },
            Catch: [{ ErrorEquals: ALL, Assign: { bad: 1 }, Next: "Caught" }],
          }),
          End: undefined,
          Next: "Which",
        },
        Caught: pass({ Output: ["{% $ok %}", "{% $bad %}"] }),
        Which: {
          Type: "Choice",
          Choices: [
            { Condition: true, Assign: { rule: 1 }, Next: "Ruled" },
            { Condition: true, Next: "Both" },
          ],
          Default: "Both",
          Assign: { other: 1 },
        },
        Ruled: {
          ...pass({ Output: ["{% $rule %}", "{% $other %}"] }),
          End: undefined,
          Next: "Both",
        },
        Both: pass({ Output: ["{% $rule %}", "{% $other %}", "{% $ok %}", "{% $bad %}"] }),
      }),
    ).toEqual([
      `Caught: Output/0: ${unset("ok")}`,
      `Ruled: Output/1: ${unset("other")}`,
      `Both: Output/3: ${unset("bad")}`,
    ]);
  });

  test("set later in a loop count as set on its next turn", () => {
    expect(
      problems({
        Turn: { Type: "Pass", ...reads("turns"), Next: "Count" },
        Count: { Type: "Pass", Assign: { turns: 1 }, Next: "Which" },
        Which: { Type: "Choice", Choices: [{ Condition: true, Next: "Turn" }], Default: "End" },
        End: { Type: "Succeed" },
      }),
    ).toEqual([]);
  });

  test("of branches and iterations are not there after them, nor beside them", () => {
    expect(
      problems({
        Both: {
          Type: "Parallel",
          Branches: [
            block({
              In: { Type: "Pass", Assign: { inner: 1 }, Next: "Then" },
              Then: pass(reads("inner")),
            }),
            block({ Other: pass(reads("inner")) }),
          ],
          Next: "After",
        },
        After: pass(reads("inner")),
      }),
    ).toEqual([`Both[1] > Other: Output: ${unset("inner")}`, `After: Output: ${unset("inner")}`]);
  });

  test("of a scope must not have a name that a scope around it sets, before or after", () => {
    const hidden = "must not set $x, which a scope around this one sets; choose another name";

    expect(
      problems({
        Each: {
          ...map({
            In: map({ Deep: pass({ Assign: { x: 1 } }) }),
            Beside: pass({ Assign: { y: 1 } }),
          }),
          End: undefined,
          Next: "After",
        },
        After: pass({ Assign: { x: 1 } }),
      }),
    ).toEqual([
      "Each > Beside: must be reached from In; remove it",
      `Each > In > Deep: Assign: ${hidden}`,
    ]);
  });

  test.each<[unknown, string]>([
    [{ states: 1 }, "must not set $states, which is reserved"],
    [{ now: 1 }, "must not set $now, which hides the function; choose another name"],
    [{ "x.y": 1 }, "must name variables by identifiers of at most 80 characters, got x.y"],
    [{ "2x": 1 }, "must name variables by identifiers of at most 80 characters, got 2x"],
    [
      { ["x".repeat(81)]: 1 },
      `must name variables by identifiers of at most 80 characters, got ${"x".repeat(81)}`,
    ],
    ["{% {'a': 1} %}", "must be an object of variables, got \"{% {'a': 1} %}\""],
  ])("are set by name: %j", (Assign, problem) => {
    expect(problems({ State: pass({ Assign }) })).toEqual([`State: Assign: ${problem}`]);
    expect(problems({ State: pass({ Assign: { ["x".repeat(80)]: 1, größe: 1 } }) })).toEqual([]);
  });
});

describe("states", () => {
  const SUCCEED = { Type: "Succeed" };
  const retry = (retrier: object) => ({
    State: task({ Retry: [{ ErrorEquals: ALL, ...retrier }] }),
  });

  test.each<[string, States, readonly string[]]>([
    [
      ERRORS,
      {
        State: pass({
          Retry: [{ ErrorEquals: ALL }],
          Catch: [{ ErrorEquals: ALL, Next: "State" }],
        }),
      },
      [
        "State: Retry must stand in Task, Parallel, Map only, got Pass",
        "State: Catch must stand in Task, Parallel, Map only, got Pass",
      ],
    ],
    [
      `${SPEC}#table-of-state-types-and-fields-jsonata`,
      { State: { Type: "Succeed", Assign: { a: 1 }, Arguments: {} } },
      [
        "State: Arguments must stand in Task, Parallel only, got Succeed",
        "State: Assign must stand in Task, Parallel, Map, Pass, Wait, Choice only, got Succeed",
      ],
    ],
    [
      `${SPEC}#table-of-state-types-and-fields-jsonata`,
      { State: { Type: "Fail", Output: 1 } },
      [
        "State: Output must stand in Task, Parallel, Map, Pass, Wait, Choice, Succeed only, got Fail",
      ],
    ],
    [
      SPEC,
      { State: task({ Arguments: undefined }) },
      ["State: must have Arguments: without, the input of the state becomes those of the call"],
    ],
    [
      JSONATA,
      { State: task({ Resource: "{% 'arn' %}" }) },
      ["State: Resource must be a constant, got \"{% 'arn' %}\""],
    ],
    [
      `${DG}/state-map-inline.html`,
      { State: map({ In: SUCCEED }, { ToleratedFailurePercentage: 10 }) },
      [
        "State: ToleratedFailurePercentage must stand in a Map in distributed mode only; catch errors inside the iteration",
      ],
    ],
    [
      `${SPEC}#terminal-state`,
      { One: { Type: "Pass", Next: "Two" }, Two: { Type: "Pass", Next: "One" }, End: SUCCEED },
      ["One: must lead to a state that ends, got none", "End: must be reached from One; remove it"],
    ],
    [
      `${SPEC}#terminal-state`,
      { State: map({ In: { Type: "Pass", Next: "In" } }) },
      ["State > In: must lead to a state that ends, got none"],
    ],
    [
      `${SPEC}#transition`,
      { One: { Type: "Wait", Seconds: 1 } },
      ["One: must lead to a state that ends, got none", 'One: must have Next or "End": true'],
    ],
    [
      `${SPEC}#states-fields`,
      { ["x".repeat(81)]: SUCCEED },
      [`${"x".repeat(81)}: the name of a state must have at most 80 characters, got 81`],
    ],
    [`${SPEC}#states-fields`, { ["x".repeat(80)]: SUCCEED }, []],
    [
      ERRORS,
      retry({ ErrorEquals: [] }),
      ["State: Retry[0]: ErrorEquals must name an error, got []"],
    ],
    [
      ERRORS,
      retry({ ErrorEquals: ["A", "States.ALL"] }),
      ["State: Retry[0]: States.ALL must stand alone and in the last place"],
    ],
    [
      ERRORS,
      { State: task({ Retry: [{ ErrorEquals: ALL }, { ErrorEquals: ["A"] }] }) },
      ["State: Retry[0]: States.ALL must stand alone and in the last place"],
    ],
    [
      ERRORS,
      retry({ ErrorEquals: ["States.DataLimitExceeded", "States.Runtime"] }),
      [
        "State: Retry[0]: nothing takes States.DataLimitExceeded: it ends the execution",
        "State: Retry[0]: nothing takes States.Runtime: it ends the execution",
      ],
    ],
    [
      ERRORS,
      retry({ ErrorEquals: ["States.Timedout"] }),
      ["State: Retry[0]: must name errors that states report, got States.Timedout"],
    ],
    [
      ERRORS,
      retry({ IntervalSeconds: 0, MaxAttempts: -1, BackoffRate: 0.9, MaxDelaySeconds: 31_622_401 }),
      [
        "State: Retry[0]: IntervalSeconds must be a whole number from 1 to 99999999, got 0",
        "State: Retry[0]: MaxAttempts must be a whole number from 0 to 99999999, got -1",
        "State: Retry[0]: MaxDelaySeconds must be a whole number from 1 to 31622400, got 31622401",
        "State: Retry[0]: BackoffRate must be at least 1, got 0.9",
      ],
    ],
    [
      ERRORS,
      retry({
        IntervalSeconds: 99_999_999,
        MaxAttempts: 99_999_999,
        BackoffRate: 1,
        MaxDelaySeconds: 31_622_400,
      }),
      [],
    ],
  ])("%s (%#)", (_link, states, expected) => {
    expect(problems(states)).toEqual(expected);
  });

  test(`have at most 1 MB together (${DG}/service-quotas.html#service-limits-accounts)`, () => {
    const sized = (length: number) => problems({ State: pass({ Output: "x".repeat(length) }) });
    const around = JSON.stringify(machine({ State: pass({ Output: "" }) })).length;

    expect(sized(1_048_576 - around)).toEqual([]);
    expect(sized(1_048_577 - around)).toEqual([
      "the definition must have at most 1048576 bytes, got 1048577",
    ]);
  });
});
