import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** What is read of SSM: the endpoints of subscriptions that the configuration does not hold. */
export const SSM_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "data.aws_ssm_parameter",
    sources: [`${PROVIDER_SOURCES}/ssm/parameter_data_source.go`],
    plan: [{ actions: ["ssm:GetParameter"], on: "parameters" }],
    apply: [],
  },
];
