import { STATES_PRINCIPAL } from "../../../modules/partition";
import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";
import { passRoles } from "./passed-roles";

/** What is done with Step Functions. */
export const STATES_PERMISSIONS: readonly TypePermissions[] = [
  {
    // A definition is validated while planning, before there is a machine to name.
    type: "aws_sfn_state_machine",
    sources: [
      `${PROVIDER_SOURCES}/sfn/state_machine.go`,
      "https://github.com/hashicorp/terraform-provider-aws/issues/39472",
    ],
    plan: [
      {
        actions: [
          "states:DescribeStateMachine",
          "states:ListStateMachineVersions",
          "states:ListTagsForResource",
        ],
        on: "machines",
      },
      { actions: ["states:ValidateStateMachineDefinition"], on: "anything" },
    ],
    apply: [
      {
        actions: [
          "states:CreateStateMachine",
          "states:DeleteStateMachine",
          "states:TagResource",
          "states:UntagResource",
          "states:UpdateStateMachine",
        ],
        on: "machines",
      },
      passRoles("roles-for-machines", STATES_PRINCIPAL),
    ],
  },
];
