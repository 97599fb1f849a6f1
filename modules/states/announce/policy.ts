import { expression, type ParallelState, type State } from "../asl";
import { type Source, withText } from "./expressions";

const DETAIL = "$states.input.detail";

/** The policy that a call puts on a key: PutKeyPolicy its own, ReplicateKey that of the replica. */
const POLICY: Source = `$first([$clean(${DETAIL}.requestParameters.policy, 200000), $clean(${DETAIL}.responseElements.replicaPolicy, 200000)])`;

const MOST_STATEMENTS = 40;
const MOST_OF_A_STATEMENT = 2000;
const MOST_OF_A_POLICY = 20_000;

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
const STATEMENTS: Source = `(
$list := function($one) { $join([[$one].($clean($, 300))], ", ") };
$named := function($one) { $type($one) = "object" ? $join([$each($one, function($names, $kind) { $clean($kind, 50) & " " & $list($names) })], "; ") : $list($one) };
$isAnybody := function($one) { $contains($named($one), /(^|[ ,;])\\*([,;]|$)/) };
$who := function($one) { $exists($one.Principal)
  ? ($named($one.Principal) in ["*", "AWS *"] ? "anybody (*)" : $named($one.Principal))
  : $exists($one.NotPrincipal) ? "everybody but " & $named($one.NotPrincipal) : "nobody that is named" };
$what := function($one) { $exists($one.Action) ? $list($one.Action)
  : $exists($one.NotAction) ? "everything but " & $list($one.NotAction) : "no action that is named" };
$how := function($one) { $exists($one.Condition) ? " (under conditions)"
  : $one.Effect = "Allow" and ($exists($one.NotPrincipal) or $isAnybody($one.Principal)) ? " (WITHOUT ANY CONDITION)" : "" };
$policy := $parse(${POLICY});
$statements := [$policy.Statement];
$shown := $statements[[0..${MOST_STATEMENTS - 1}]].("  - " & $clean($first([$text($.Effect), "Effect not named"]) & " " & $who($) & ": " & $what($), ${MOST_OF_A_STATEMENT}) & $how($));
$lines := $join([$shown], "\\n");
$count($statements) = 0 ? $error("no statements")
  : ($length($lines) > ${MOST_OF_A_POLICY} ? $substring($lines, 0, ${MOST_OF_A_POLICY}) & "… (cut)" : $lines) & ($count($statements) > ${MOST_STATEMENTS} ? "\\n  - and " & $string($count($statements) - ${MOST_STATEMENTS}) & " more" : "")
)`;

const AS_IT_IS: Source = `"  " & $first([$clean(${POLICY}, ${MOST_OF_A_POLICY}), "it is not in the event"])`;

/**
 * The state that lists who may do what by the policy that a call has put on a key, in the variable
 * `policy`; the policy's text if it cannot be read as one.
 *
 * @param name - of the state, so that those within have their own
 * @param next - the state after it
 */
export function readingPolicy(name: string, next: string): ParallelState {
  const read: State = {
    Type: "Pass",
    Output: expression(withText(STATEMENTS)),
    End: true,
  };
  return {
    Type: "Parallel",
    Comment:
      "Who may do what; a Parallel, since what cannot be parsed fails and a Pass has no Catch",
    Branches: [{ StartAt: `${name}Statements`, States: { [`${name}Statements`]: read } }],
    Assign: { policy: "{% $states.result[0] %}" },
    Output: "{% $states.input %}",
    Catch: [
      {
        ErrorEquals: ["States.ALL"],
        Assign: { policy: expression(withText(AS_IT_IS)) },
        Output: "{% $states.input %}",
        Next: next,
      },
    ],
    Next: next,
  };
}
