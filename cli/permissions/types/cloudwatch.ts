import { PROVIDER_SOURCES, type TypePermissions } from "../type-permissions";

/** What is done with CloudWatch. */
export const CLOUDWATCH_PERMISSIONS: readonly TypePermissions[] = [
  {
    // A caller that may list some alarms only is refused the list as a whole.
    type: "aws_cloudwatch_metric_alarm",
    sources: [
      `${PROVIDER_SOURCES}/cloudwatch/metric_alarm.go`,
      "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html",
    ],
    plan: [
      { actions: ["cloudwatch:DescribeAlarms"], on: "every-alarm" },
      { actions: ["cloudwatch:ListTagsForResource"], on: "alarms" },
    ],
    apply: [
      {
        actions: [
          "cloudwatch:DeleteAlarms",
          "cloudwatch:PutMetricAlarm",
          "cloudwatch:TagResource",
          "cloudwatch:UntagResource",
        ],
        on: "alarms",
      },
    ],
  },
];
