/**
 * Most characters of the description of an alarm.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
export const MAX_ALARM_DESCRIPTION_CHARACTERS = 1024;
