import type { AdvancedFieldSelector, EventSelector } from "@aws-sdk/client-cloudtrail";
import { coversKmsWrites } from "../../../cli/doctor/checks/trail";

const KMS = "kms.amazonaws.com";

describe("selectors by kind of event", () => {
  const basic = (selector: EventSelector) => coversKmsWrites({ EventSelectors: [selector] });

  test.each<[string, EventSelector, boolean]>([
    ["all management events", { IncludeManagementEvents: true, ReadWriteType: "All" }, true],
    ["writes alone", { IncludeManagementEvents: true, ReadWriteType: "WriteOnly" }, true],
    ["what AWS leaves out of its answer is its default", {}, true],
    ["reads alone", { IncludeManagementEvents: true, ReadWriteType: "ReadOnly" }, false],
    ["data events alone", { IncludeManagementEvents: false, ReadWriteType: "All" }, false],
    ["without KMS", { ReadWriteType: "All", ExcludeManagementEventSources: [KMS] }, false],
    ["without RDS's data", { ExcludeManagementEventSources: ["rdsdata.amazonaws.com"] }, true],
  ])("%s", (_, selector, covers) => {
    expect(basic(selector)).toBe(covers);
  });

  test("one that does is enough; none does not", () => {
    expect(
      coversKmsWrites({
        EventSelectors: [{ ReadWriteType: "ReadOnly" }, { ReadWriteType: "All" }],
      }),
    ).toBe(true);
    expect(coversKmsWrites({})).toBe(false);
    expect(coversKmsWrites({ EventSelectors: [], AdvancedEventSelectors: [] })).toBe(false);
  });
});

describe("selectors by field", () => {
  const management = { Field: "eventCategory", Equals: ["Management"] };
  const advanced = (...fields: readonly AdvancedFieldSelector[]) =>
    coversKmsWrites({ AdvancedEventSelectors: [{ FieldSelectors: [...fields] }] });

  test.each<[string, readonly AdvancedFieldSelector[], boolean]>([
    ["all management events", [management], true],
    ["data events", [{ Field: "eventCategory", Equals: ["Data"] }], false],
    ["writes", [management, { Field: "readOnly", Equals: ["false"] }], true],
    ["reads", [management, { Field: "readOnly", Equals: ["true"] }], false],
    ["without KMS", [management, { Field: "eventSource", NotEquals: [KMS] }], false],
    ["without another", [management, { Field: "eventSource", NotEquals: ["rds"] }], true],
    ["KMS by its beginning", [management, { Field: "eventSource", StartsWith: ["k"] }], true],
    ["others by their beginning", [management, { Field: "eventSource", StartsWith: ["s"] }], false],
    ["KMS by its end", [management, { Field: "eventSource", EndsWith: [".com"] }], true],
    ["others by their end", [management, { Field: "eventSource", EndsWith: [".cn"] }], false],
    ["not by its beginning", [management, { Field: "eventSource", NotStartsWith: ["k"] }], false],
    ["not by its end", [management, { Field: "eventSource", NotEndsWith: [".com"] }], false],
    ["a field that narrows it down", [management, { Field: "eventName", Equals: ["x"] }], false],
    ["no category", [{ Field: "readOnly", Equals: ["false"] }], false],
  ])("%s", (_, fields, covers) => {
    expect(advanced(...fields)).toBe(covers);
  });
});
