import { SCHEDULER_PRINCIPAL } from "../../../modules/partition";
import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";
import { passRoles } from "./passed-roles";

/** What is done with EventBridge Scheduler. */
export const SCHEDULER_PERMISSIONS: readonly TypePermissions[] = [
  {
    type: "aws_scheduler_schedule",
    sources: [`${PROVIDER_SOURCES}/scheduler/schedule.go`],
    plan: [{ actions: ["scheduler:GetSchedule"], on: "schedules" }],
    apply: [
      {
        actions: [
          "scheduler:CreateSchedule",
          "scheduler:DeleteSchedule",
          "scheduler:UpdateSchedule",
        ],
        on: "schedules",
      },
      passRoles("roles-for-schedules", SCHEDULER_PRINCIPAL),
    ],
  },
  {
    // With a group its schedules are deleted.
    type: "aws_scheduler_schedule_group",
    sources: [
      `${PROVIDER_SOURCES}/scheduler/schedule_group.go`,
      "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html",
    ],
    plan: [
      {
        actions: ["scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"],
        on: "schedule-group",
      },
    ],
    apply: [
      {
        actions: [
          "scheduler:CreateScheduleGroup",
          "scheduler:DeleteScheduleGroup",
          "scheduler:TagResource",
          "scheduler:UntagResource",
        ],
        on: "schedule-group",
      },
      { actions: ["scheduler:DeleteSchedule"], on: "schedules" },
    ],
  },
];
